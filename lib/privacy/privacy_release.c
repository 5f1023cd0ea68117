/* SPDX-License-Identifier: BSD-3-Clause */
/* A release is opened: memory, then the debit, then the rows. */
#include "privacy_release.h"
#include "account_ledger.h"
#include "base_alloc.h"
#include "base_environment.h"
#include "base_fail.h"
#include "linalg_mat.h"
#include "privacy_plan.h"

#include <assert.h>
#include <math.h>
#include <string.h>

enum { PUBLIC_KEY = 1 }; /* number that the public key is derived from the release's key by */

/* ---- Memory ---- */

static int allocate_sums(struct dpm_release *release)
{
    size_t largest = 0, matrices = 0;
    for (size_t i = 0; i < release->n_plans; i++) {
        const struct dpm_query_plan *plan = &release->plans[i];
        size_t n = plan->per_part ? (size_t)release->n_parts : 1, numbers;
        if (!dpm_size_mul(&numbers, n, dpm_query_size(plan)) || numbers > SIZE_MAX / sizeof(int64_t))
            return dpm_fail(DPMIX_ERR_NOMEM, "out of memory");
        largest = numbers > largest ? numbers : largest;
        matrices = n * (size_t)plan->n_matrices > matrices ? n * (size_t)plan->n_matrices : matrices;
    }
    release->sums = dpm_alloc(largest, sizeof *release->sums);
    release->locks = dpm_alloc(matrices, sizeof *release->locks);
    if (!release->sums || !release->locks)
        return DPMIX_ERR_NOMEM;
    for (; release->n_locks < matrices; release->n_locks++) {
        int status = dpm_mutex_init(&release->locks[release->n_locks]);
        if (status)
            return status;
    }
    return DPMIX_OK;
}

/* The partition reads blocks of rows with a plan of its own that has no sums. */
static struct dpm_query_plan partition_plan(const struct dpm_partition *partition)
{
    return (struct dpm_query_plan){.cancellation = 1, .scratch = partition->scratch};
}

/* So does the map, in runs of DPM_MAP_ROWS rows at most. */
static struct dpm_query_plan map_plan(const struct dpm_map *map)
{
    struct dpm_query_plan plan = {.cancellation = 1};
    size_t rows = dpm_query_block_rows(&plan);
    plan.scratch = (map->scratch + rows - 1) / rows;
    return plan;
}

static size_t map_run(const struct dpm_map *map)
{
    struct dpm_query_plan plan = map_plan(map);
    size_t rows = dpm_query_block_rows(&plan);
    return rows < DPM_MAP_ROWS ? rows : DPM_MAP_ROWS;
}

static int allocate_workers(struct dpm_release *release)
{
    int threads = dpm_pool_threads(release->pool);
    size_t n_plans = release->n_plans;
    struct dpm_query_plan *plans = dpm_alloc(n_plans + 2, sizeof *plans);
    release->workers = dpm_alloc((size_t)threads, sizeof *release->workers);
    int status = plans && release->workers ? DPMIX_OK : DPMIX_ERR_NOMEM;
    if (!status) {
        memcpy(plans, release->plans, n_plans * sizeof *plans);
        if (release->parts)
            plans[n_plans++] = partition_plan(&release->partition);
        if (release->map)
            plans[n_plans++] = map_plan(release->map);
    }
    for (int i = 0; !status && i < threads; i++)
        status = dpm_sum_worker_new(&release->workers[i], release->dataset, plans, n_plans);
    dpm_free(plans);
    return status;
}

static int allocate(struct dpm_release *release, int threads)
{
    size_t n_rows = release->dataset->source.n_rows;
    if (release->n_parts > 1) {
        release->parts = dpm_alloc(n_rows, sizeof *release->parts);
        if (!release->parts)
            return DPMIX_ERR_NOMEM;
    }
    if (release->map) {
        release->mapped = dpm_alloc(n_rows, release->map->width * sizeof *release->mapped);
        if (!release->mapped)
            return DPMIX_ERR_NOMEM;
    }
    dpm_mat_kernels(); /* the choice of kernels, too, is made before the debit */
    int status = dpm_sample_new(&release->sample, n_rows, release->n_parts, DPM_SAMPLE_PORTION);
    if (!status)
        status = allocate_sums(release);
    if (!status)
        status = dpm_pool_new(&release->pool, threads);
    if (!status)
        status = allocate_workers(release);
    return status;
}

/* ---- Opening ---- */

int dpm_resumable_new(struct dpm_resumable *resumable, uint64_t stride)
{
    uint8_t bits[DPM_KEY_SIZE];
    int status = dpm_random_key(bits);
    if (status)
        return status;
    *resumable = (struct dpm_resumable){.stride = stride};
    memcpy(resumable->name, bits, DPM_RESUMABLE_NAME);
    return DPMIX_OK;
}

/* A new token, and the place behind the queries that are done. */
static int prepare_run(struct dpm_release *release, const struct dpm_resumable *resumable)
{
    uint8_t bits[DPM_KEY_SIZE];
    uint64_t done = resumable->done;
    int status = dpm_random_key(bits);
    if (status)
        return status;
    memcpy(release->run.name, resumable->name, DPM_RUN_ID);
    memcpy(release->run.token, bits, DPM_RUN_ID);
    release->stride = resumable->stride;
    release->queries = release->reached = done;
    for (size_t i = 0; i < release->n_plans; i++) {
        uint64_t steps = release->plans[i].steps;
        release->runs[i] = done < steps ? done : steps;
        done -= release->runs[i];
    }
    if (done > 0)
        return dpm_fail(DPMIX_ERR_STATE, "the planned steps are done");
    return DPMIX_OK;
}

static int debit(struct dpm_release *release, struct dpmix_accountant *accountant, const char *purpose,
                 struct dpm_resumable *resumable)
{
    struct dpm_event *events = dpm_alloc(release->n_plans, sizeof *events);
    if (!events)
        return DPMIX_ERR_NOMEM;
    int status = dpm_random_key(release->key);
    uint64_t number;
    if (!status && resumable)
        status = prepare_run(release, resumable);
    for (size_t i = 0; i < release->n_plans; i++)
        events[i] = dpm_plan_event(&release->plans[i]);
    if (!status)
        status = dpm_dataset_charge(release->dataset, accountant, purpose, events, release->n_plans, &number,
                                    &release->ledger, resumable, &release->run);
    if (!status && resumable) {
        release->resumable = 1;
        number = resumable->number = resumable->resumed ? resumable->number : number;
    }
    if (!status && release->dataset->test)
        dpm_random_derive(release->key, release->dataset->test->key, number);
    dpm_free(events);
    return status;
}

/* The rows of a run, `most` of them but in the last one, for a worker; returns how many. */
static size_t gather_run(const struct dpm_release *release, struct dpm_sum_worker *worker, size_t first,
                         size_t most)
{
    const struct dpm_dataset_source *source = &release->dataset->source;
    size_t n = source->n_rows - first < most ? source->n_rows - first : most;
    for (size_t i = 0; i < n; i++) {
        size_t row = first + i;
        dpm_dataset_gather(release->dataset, worker->rows + i * source->n_columns, &row, 1);
    }
    return n;
}

/* A dpm_task_fn: parts of one run of rows. */
static void assign_rows(void *context, size_t task, int worker_number)
{
    struct dpm_release *release = context;
    struct dpm_sum_worker *worker = &release->workers[worker_number];
    const struct dpm_dataset_source *source = &release->dataset->source;
    struct dpm_query_plan plan = partition_plan(&release->partition);
    size_t block = dpm_query_block_rows(&plan), first = task * block;
    size_t n = gather_run(release, worker, first, block);
    release->partition.assign(release->partition.model, release->parts + first, worker->rows,
                              source->labels ? source->labels + first : NULL, n, source->n_columns,
                              worker->scratch);
    for (size_t i = first; i < first + n; i++)
        assert(release->parts[i] >= 0 && release->parts[i] < release->n_parts);
}

/* A dpm_task_fn: one run of rows through the map. */
static void map_rows(void *context, size_t task, int worker_number)
{
    struct dpm_release *release = context;
    struct dpm_sum_worker *worker = &release->workers[worker_number];
    const struct dpm_map *map = release->map;
    size_t run = map_run(map), first = task * run;
    size_t n = gather_run(release, worker, first, run);
    map->map(map->model, release->mapped + first * map->width, worker->rows, n,
             release->dataset->source.n_columns, worker->scratch);
}

int dpm_release_open(struct dpm_release **out, struct dpmix_accountant *accountant,
                     struct dpmix_dataset *dataset, const char *purpose, const struct dpm_query_plan *plans,
                     size_t n_plans, const struct dpm_partition *partition, int threads)
{
    return dpm_release_open_resumable(out, accountant, dataset, purpose, plans, n_plans, partition, threads,
                                      NULL);
}

static int open_release(struct dpm_release **out, struct dpmix_accountant *accountant,
                        struct dpmix_dataset *dataset, const char *purpose,
                        const struct dpm_query_plan *plans, size_t n_plans,
                        const struct dpm_partition *partition, int threads, struct dpm_resumable *resumable)
{
    int status = DPMIX_OK;
    for (size_t i = 0; !status && i < n_plans; i++)
        status = dpm_plan_check(&plans[i]);
    if (status)
        return status;
    struct dpm_release *release = dpm_alloc(1, sizeof *release);
    if (!release)
        return DPMIX_ERR_NOMEM;
    release->dataset = dpm_dataset_ref(dataset);
    release->process = dpm_process_id();
    release->n_plans = n_plans;
    release->n_parts = partition ? partition->n_parts : 1;
    if (partition)
        release->partition = *partition;
    release->plans = dpm_alloc(n_plans, sizeof *release->plans);
    release->runs = dpm_alloc(n_plans, sizeof *release->runs);
    status = release->plans && release->runs ? DPMIX_OK : DPMIX_ERR_NOMEM;
    if (!status) {
        memcpy(release->plans, plans, n_plans * sizeof *plans);
        for (size_t i = 0; i < n_plans; i++) {
            assert(!plans[i].map || !release->map || plans[i].map == release->map);
            assert(!plans[i].in_words || dpm_dataset_has_words(dataset));
            release->map = plans[i].map ? plans[i].map : release->map;
        }
        status = allocate(release, threads);
    }
    if (!status)
        status = debit(release, accountant, purpose, resumable);
    if (status) {
        dpm_release_close(release);
        return status;
    }
    if (release->parts) {
        struct dpm_query_plan plan = partition_plan(&release->partition);
        size_t block = dpm_query_block_rows(&plan), n_rows = dataset->source.n_rows;
        dpm_pool_run(release->pool, (n_rows + block - 1) / block, assign_rows, release);
    }
    if (release->map) {
        size_t run = map_run(release->map);
        dpm_pool_run(release->pool, (dataset->source.n_rows + run - 1) / run, map_rows, release);
    }
    *out = release;
    return DPMIX_OK;
}

/* The error bounds hold for rounding to nearest with denormals; the caller's environment may differ, and
 * workers begin with that of the thread that starts them. */
int dpm_release_open_resumable(struct dpm_release **out, struct dpmix_accountant *accountant,
                               struct dpmix_dataset *dataset, const char *purpose,
                               const struct dpm_query_plan *plans, size_t n_plans,
                               const struct dpm_partition *partition, int threads,
                               struct dpm_resumable *resumable)
{
    fenv_t environment = dpm_environment_enter();
    int status =
        open_release(out, accountant, dataset, purpose, plans, n_plans, partition, threads, resumable);
    dpm_environment_leave(&environment);
    return status;
}

void dpm_release_public_key(const struct dpm_release *release, uint8_t key[DPM_KEY_SIZE])
{
    dpm_random_derive(key, release->key, PUBLIC_KEY);
}

void dpm_release_set_clip(struct dpm_release *release, size_t plan, double clip_norm)
{
    assert(plan < release->n_plans && release->plans[plan].norm_indicator > 0 && !isnan(clip_norm));
    release->plans[plan].clip_norm = fmin(fmax(clip_norm, 0x1p-20), 0x1p20);
}

const struct dpm_query_plan *dpm_release_plan(const struct dpm_release *release, size_t plan)
{
    assert(plan < release->n_plans);
    return &release->plans[plan];
}

char *dpm_release_take_ledger(struct dpm_release *release)
{
    char *ledger = release->ledger;
    release->ledger = NULL;
    return ledger;
}

/* ---- The lease ---- */

int dpm_release_mark(struct dpm_release *release, uint64_t query)
{
    uint64_t wanted = query + release->stride;
    int status = dpm_accountant_mark_run(release->dataset->accountant, &release->run, wanted);
    if (!status)
        release->marked = wanted;
    return status;
}

int dpm_release_confirm(struct dpm_release *release)
{
    return release->resumable ? dpm_release_mark(release, release->reached) : DPMIX_OK;
}

/* Brings the mark back to where the queries stand. When that fails, it stays where it is, and what was marked
 * in vain will be debited anew: too much, never too little. */
static void leave(struct dpm_release *release)
{
    if (release->resumable && release->marked > release->reached)
        (void)dpm_accountant_leave_run(release->dataset->accountant, &release->run, release->reached);
}

void dpm_release_close(struct dpm_release *release)
{
    if (!release)
        return;
    leave(release);
    int threads = release->pool ? dpm_pool_threads(release->pool) : 0;
    dpm_pool_free(release->pool);
    for (int i = 0; release->workers && i < threads; i++)
        dpm_sum_worker_free(&release->workers[i]);
    dpm_free(release->workers);
    for (size_t i = 0; i < release->n_locks; i++)
        dpm_mutex_destroy(&release->locks[i]);
    dpm_free(release->locks);
    dpm_free_wiped(release->sums);
    dpm_free_wiped(release->parts);
    dpm_free_wiped(release->mapped);
    dpm_sample_free(&release->sample);
    dpm_free(release->plans);
    dpm_free(release->runs);
    dpm_free(release->ledger);
    dpm_dataset_unref(release->dataset);
    dpm_free_wiped(release); /* the key is in it */
}
