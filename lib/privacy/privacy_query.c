/* SPDX-License-Identifier: BSD-3-Clause */
/* A query of a release: its rows are drawn and summed, and the sums get their noise. */
#include "base_environment.h"
#include "base_fail.h"
#include "base_simd.h"
#include "privacy_geometric.h"
#include "privacy_noise.h"
#include "privacy_plan.h"
#include "privacy_release.h"
#include "privacy_sensitivity.h"

#include <assert.h>
#include <string.h>

struct noise_task {
    const struct dpm_release *release;
    size_t n;
    double scale; /* of its law, in grid steps */
};

static void add_noise(void *context, size_t task, int worker)
{
    const struct noise_task *noise = context;
    (void)worker;
    dpm_noise_add_chunk(noise->release->sums, noise->n, task, noise->release->key, noise->release->queries,
                        noise->scale);
}

static void add_geometric_noise(void *context, size_t task, int worker)
{
    const struct noise_task *noise = context;
    const struct dpm_release *release = noise->release;
    (void)worker;
    dpm_geometric_add_chunk(release->sums, noise->n, task, release->key, release->queries, noise->scale);
}

/* The numbers that get their noise and are read out in one task. A multiple of the chunks of noise. */
enum { READ_RUN = 8 * DPM_NOISE_CHUNK };

struct read_task {
    struct dpm_release *release;
    const struct dpm_query_plan *plan;
    size_t n;
    double *sums;
    dpm_task_fn *add; /* NULL: no noise, in tests */
    struct noise_task *noise;
    size_t chunk; /* of noise */
};

/* Reads numbers first, ..., end - 1 out, and leaves the exact sums at zero, for the next query. */
DPM_SIMD_INLINE void read_out_body(const struct read_task *read, size_t first, size_t end)
{
    struct dpm_release *release = read->release;
    const struct dpm_query_plan *plan = read->plan;
    double grid = dpm_sensitivity_grid(plan), *restrict sums = read->sums;
    for (size_t i = first; i < end; i++)
        sums[i] = (double)release->sums[i] * grid;
    memset(release->sums + first, 0, (end - first) * sizeof *release->sums);
}

DPM_SIMD_VERSIONS(read_out, (const struct read_task *read, size_t first, size_t end), (read, first, end))

/* A dpm_task_fn. Each chunk is read out as soon as it has its noise, from the smallest cache. */
static void read_run(void *context, size_t task, int worker)
{
    const struct read_task *read = context;
    size_t first = task * READ_RUN, end = read->n - first < READ_RUN ? read->n : first + READ_RUN;
    for (size_t i = first, next; i < end; i = next) {
        next = end - i < read->chunk ? end : i + read->chunk;
        for (size_t j = i; j < next; j += DPM_SIMD_LINE / sizeof *read->sums)
            DPM_SIMD_FETCH(read->sums + j); /* it arrives while the noise is made */
        if (read->add)
            read->add(read->noise, i / read->chunk, worker);
        read_out(read, i, next);
    }
}

static void observe(struct dpm_release *release, size_t plan_number, size_t n)
{
    const struct dpm_test_mode *test = release->dataset->test;
    const struct dpm_query_plan *plan = &release->plans[plan_number];
    struct dpm_observation observation = {
        .plan = plan_number,
        .query = release->queries,
        .n = n,
        .grid = dpm_sensitivity_grid(plan),
        .sensitivity = dpm_query_sensitivity(plan),
        .query_plan = plan,
    };
    if (test && test->observe)
        test->observe(test->user, &observation, release->sums);
}

/* Number of the plan's next query, in the order of the plans. */
static uint64_t query_number(const struct dpm_release *release, size_t plan_number)
{
    uint64_t number = release->runs[plan_number];
    for (size_t i = 0; i < plan_number; i++)
        number += release->plans[i].steps;
    return number;
}

static int run_planned(struct dpm_release *release, size_t plan_number, struct dpm_sum *sum, double *sums)
{
    const struct dpm_query_plan *plan = &release->plans[plan_number];
    if (release->process != dpm_process_id())
        return dpm_fail(DPMIX_ERR_STATE,
                        "dataset: it was built before a fork, and does not work in the child");
    if (release->runs[plan_number] == plan->steps)
        return dpm_fail(DPMIX_ERR_STATE, "the planned steps are done");
    uint64_t number = query_number(release, plan_number);
    if (release->resumable && number >= release->marked) {
        int status = dpm_release_mark(release, number);
        if (status)
            return status;
    }
    release->reached = number < release->reached ? release->reached : number + 1;
    release->runs[plan_number]++;

    int n_parts = plan->per_part ? release->n_parts : 1;
    size_t n = (size_t)n_parts * dpm_query_size(plan);
    struct dpm_sample_query query = {
        .n_rows = release->dataset->source.n_rows,
        .parts = n_parts > 1 ? release->parts : NULL,
        .n_parts = n_parts,
        .rate = plan->sampling_rate,
        .block_rows = dpm_query_block_rows(plan),
        .key = release->key,
        .number = release->queries,
    };
    sum->dataset = release->dataset;
    sum->pool = release->pool;
    sum->plan = plan;
    sum->sample = &release->sample;
    sum->parts = release->parts;
    sum->mapped = release->mapped;
    sum->key = release->key;
    sum->query = release->queries;
    sum->sums = release->sums;
    sum->locks = release->locks;
    sum->workers = release->workers;
    dpm_sample_draw(&release->sample, &query, dpm_sum_blocks, sum);
    observe(release, plan_number, n);

    double grid = dpm_sensitivity_grid(plan);
    struct noise_task noise = {release, n, dpm_query_noise(plan) / grid};
    dpm_task_fn *add = add_noise;
    size_t chunk = DPM_NOISE_CHUNK;
    if (plan->noise == DPM_NOISE_GEOMETRIC) {
        noise.scale = plan->noise_multiplier;
        add = add_geometric_noise;
        chunk = DPM_GEOMETRIC_CHUNK;
    }
    if (release->dataset->test && release->dataset->test->noiseless)
        add = NULL;
    struct read_task read = {release, plan, n, sums, add, &noise, chunk};
    dpm_pool_run(release->pool, (n + READ_RUN - 1) / READ_RUN, read_run, &read);
    release->queries++;
    return DPMIX_OK;
}

/* `sum` says what rows contribute; all else of it is filled in here. Grid, sums and noise are all of the one
 * environment: another one's rounding can double the grid. */
static int run_query(struct dpm_release *release, size_t plan_number, struct dpm_sum *sum, double *sums)
{
    fenv_t environment = dpm_environment_enter();
    int status = run_planned(release, plan_number, sum, sums);
    dpm_environment_leave(&environment);
    return status;
}

int dpm_release_query(struct dpm_release *release, size_t plan, dpm_block_fn *contribution, const void *model,
                      double *sums)
{
    struct dpm_sum sum = {.contribution = contribution, .model = model};
    assert(plan < release->n_plans && !release->plans[plan].in_words);
    return run_query(release, plan, &sum, sums);
}

int dpm_release_query_words(struct dpm_release *release, size_t plan, const struct dpm_word_query *query,
                            double *sums)
{
    struct dpm_sum sum = {.words = query};
    assert(plan < release->n_plans && release->plans[plan].in_words);
    return run_query(release, plan, &sum, sums);
}
