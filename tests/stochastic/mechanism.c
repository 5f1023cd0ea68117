/* SPDX-License-Identifier: BSD-3-Clause */
#include "mechanism.h"

#include "account_curve.h"
#include "account_gauss.h"
#include "account_ledger.h"
#include "base_blob.h"
#include "check_status.h"
#include "cluster_kind.h"
#include "generator_kind.h"
#include "privacy_test.h"

#include <dpmix/accountant.h>

#include <inttypes.h>
#include <math.h>
#include <stdio.h>

/* ---- Queries ---- */

/* Values in [0, 1] stand for [-4, 4]: a row at an end is four times as long as the clip norm, 1, allows. */
static const float middle = 0.5f, reach = 8;

static void contribute_values(const void *model, const struct dpm_block *block, float *const *left,
                              float *const *right)
{
    const struct mechanism_plan *plan = model;
    for (size_t i = 0; i < block->n_rows; i++) {
        const float *row = block->rows + i * block->n_columns;
        for (int m = 0; m < DPM_QUERY_MATRICES && plan->columns[m]; m++) {
            left[m][i] = 1;
            for (size_t j = 0; j < plan->columns[m]; j++)
                right[m][i * plan->columns[m] + j] = (*row++ - middle) * reach;
        }
    }
}

static void contribute_counts(const void *model, const struct dpm_block *block, float *const *left,
                              float *const *right)
{
    const struct mechanism_plan *plan = model;
    for (size_t i = 0; i < block->n_rows; i++) {
        left[0][i] = 1;
        for (size_t j = 0; j < plan->columns[0]; j++)
            right[0][i * plan->columns[0] + j] = rintf((block->rows[i * block->n_columns + j] - middle) * 2);
    }
}

static void contribute_large_counts(const void *model, const struct dpm_block *block, float *const *left,
                                    float *const *right)
{
    contribute_counts(model, block, left, right);
    for (size_t i = 0; i < block->n_rows; i++)
        left[0][i] = 4;
}

static void contribute_negatives(const void *model, const struct dpm_block *block, float *const *left,
                                 float *const *right)
{
    const struct mechanism_plan *plan = model;
    contribute_values(model, block, left, right);
    for (int m = 0; m < DPM_QUERY_MATRICES && plan->columns[m]; m++)
        for (size_t i = 0; i < block->n_rows; i++)
            left[m][i] = -1;
}

static void part_of_first_value(const void *model, int32_t *parts, const float *rows, const int32_t *labels,
                                size_t n, size_t n_columns, float *scratch)
{
    (void)model, (void)labels, (void)scratch;
    for (size_t i = 0; i < n; i++)
        parts[i] = rows[i * n_columns] > middle;
}

static int run_query(const struct mechanism *mechanism, struct dpmix_dataset *dataset,
                     struct dpmix_accountant *accountant, double *statistics)
{
    const struct mechanism_plan *shape = mechanism->plan;
    const struct dpm_partition partition = {2, part_of_first_value, NULL, 0};
    struct dpm_query_plan plan = {
        .per_part = shape->parts > 1,
        .noise = shape->counts ? DPM_NOISE_GEOMETRIC : DPM_NOISE_GAUSSIAN,
        .clip_norm = 1,
        .cancellation = 1,
        .sampling_rate = shape->sampling_rate,
        .steps = shape->steps,
        .noise_multiplier = shape->noise_multiplier,
    };
    for (; shape->columns[plan.n_matrices]; plan.n_matrices++)
        plan.matrix[plan.n_matrices] = (struct dpm_query_matrix){1, shape->columns[plan.n_matrices], 1};
    struct dpm_release *release = NULL;
    dpm_block_fn *even = shape->counts ? contribute_counts : contribute_values;
    dpm_block_fn *odd = shape->counts ? contribute_large_counts : contribute_negatives;
    double sums[ADVERSARY_NUMBERS];
    int n = 1, n_sums = (int)dpm_query_size(&plan) * (shape->parts > 1 ? shape->parts : 1);
    int status = dpm_release_open(&release, accountant, dataset, "query", &plan, 1,
                                  shape->parts > 1 ? &partition : NULL, 1);
    for (uint64_t step = 0; !status && step < shape->steps; step++) {
        status = dpm_release_query(release, 0, shape->alternating && step % 2 ? odd : even, shape, sums);
        for (int i = 0; i < n_sums && n < mechanism->n_statistics; i++)
            statistics[n++] = sums[i];
    }
    dpm_release_close(release);
    return status;
}

/* ---- Learners ---- */

static dpmix_options *new_options(const struct mechanism_learner *learner)
{
    dpmix_options *options = NULL;
    CHECK_OK(dpmix_options_new(&options));
    CHECK_OK(dpmix_options_set_int(options, DPMIX_OPTION_CLUSTERS, 2));
    CHECK_OK(dpmix_options_set_int(options, DPMIX_OPTION_KMEANS_STEPS, learner->steps));
    CHECK_OK(dpmix_options_set_int(options, DPMIX_OPTION_KMEANS_FEATURES, 4));
    CHECK_OK(dpmix_options_set_int(options, DPMIX_OPTION_STEPS, learner->steps));
    CHECK_OK(dpmix_options_set_double(options, DPMIX_OPTION_SAMPLING_RATE, learner->sampling_rate));
    CHECK_OK(dpmix_options_set_double(options, DPMIX_OPTION_LEARNING_RATE, 0.1));
    CHECK_OK(dpmix_options_set_double(options, DPMIX_OPTION_CLIP_NORM, 0.01)); /* every gradient is longer */
    CHECK_OK(dpmix_options_set_int(options, DPMIX_OPTION_GAUSSIAN_RANK, 2));
    CHECK_OK(dpmix_options_set_int(options, DPMIX_OPTION_VAE_HIDDEN, 1));
    CHECK_OK(dpmix_options_set_int(options, DPMIX_OPTION_VAE_LATENT, 1));
    CHECK_OK(dpmix_options_set_int(options, DPMIX_OPTION_CONDITIONAL, 0));
    CHECK_OK(dpmix_options_set_int(options, DPMIX_OPTION_COUNT_NOISE, learner->count_noise));
    return options;
}

static void part_of_label(const void *model, int32_t *parts, const float *rows, const int32_t *labels,
                          size_t n, size_t n_columns, float *scratch)
{
    (void)model, (void)rows, (void)n_columns, (void)scratch;
    for (size_t i = 0; i < n; i++)
        parts[i] = labels[i];
}

/* Statistic 1: the weight of the part that the row would be in. */
static int fit_clusterer(const struct mechanism *mechanism, const dpmix_options *options,
                         const struct dpm_fit *fit, double *weight)
{
    struct dpmix_clusterer *clusterer = NULL;
    const struct adversary_knowledge *neighbours = &mechanism->neighbours;
    int32_t part = 0;
    int status = dpm_clusterer_new(&clusterer, mechanism->learner->clusterer, options);
    if (!status)
        status = dpm_clusterer_fit(clusterer, fit);
    if (!status)
        status = dpm_clusterer_assign(clusterer, &part, neighbours->row, 1, &neighbours->label);
    if (!status)
        *weight = clusterer->weights[part];
    dpm_clusterer_unref(clusterer);
    return status;
}

/* Statistic 1: the last number in the model's file. */
static int fit_generator(const struct mechanism *mechanism, const dpmix_options *options,
                         const struct dpm_fit *fit, double *number)
{
    struct dpmix_generator *generator = NULL;
    struct dpm_blob blob = {0};
    float last;
    int status = dpm_generator_new(&generator, mechanism->learner->generator, options);
    if (!status)
        status = dpm_generator_fit(generator, fit);
    if (!status) {
        dpm_generator_put(generator, &blob);
        status = dpm_blob_status(&blob);
    }
    if (!status) {
        memcpy(&last, blob.bytes + blob.size - sizeof last, sizeof last);
        *number = (double)last;
    }
    dpm_blob_free(&blob);
    dpm_generator_free(generator);
    return status;
}

static int run_learner(const struct mechanism *mechanism, struct dpmix_dataset *dataset,
                       struct dpmix_accountant *accountant, double *statistics)
{
    const struct mechanism_learner *learner = mechanism->learner;
    const struct dpm_partition partition = {2, part_of_label, NULL, 0};
    dpmix_options *options = new_options(learner);
    struct dpm_fit fit = {
        .accountant = accountant,
        .dataset = dataset,
        .share = 1,
        .partition = learner->parts > 1 ? &partition : NULL,
        .threads = 1,
    };
    int status = learner->clusterer ? fit_clusterer(mechanism, options, &fit, &statistics[1])
                                    : fit_generator(mechanism, options, &fit, &statistics[1]);
    dpmix_options_free(options);
    return status;
}

/* ---- One run ---- */

size_t mechanism_rows(const struct mechanism *mechanism, int with_row, float *rows, int32_t *labels)
{
    const struct adversary_knowledge *neighbours = &mechanism->neighbours;
    size_t n = neighbours->n_others, n_columns = neighbours->n_columns;
    ck_assert_uint_lt(n, ADVERSARY_ROWS);
    ck_assert_uint_le(n_columns, ADVERSARY_COLUMNS);
    for (size_t i = 0; i < n * n_columns; i++)
        rows[i] = neighbours->others[i];
    for (size_t i = 0; i < n; i++)
        labels[i] = mechanism->n_classes ? neighbours->other_labels[i] : 0;
    int instead = !with_row && neighbours->instead;
    for (size_t j = 0; j < n_columns; j++)
        rows[n * n_columns + j] = instead ? neighbours->instead[j] : neighbours->row[j];
    labels[n] = instead ? neighbours->instead_label : neighbours->label;
    return with_row || instead ? n + 1 : n;
}

struct dpmix_dataset *mechanism_dataset(const struct mechanism *mechanism, const float *rows,
                                        const int32_t *labels, size_t n_rows, void (*release)(void *, void *))
{
    const double lower = 0, upper = 1;
    struct dpm_dataset_source source = {
        .type = DPM_TYPE_F32,
        .rows = rows,
        .n_rows = n_rows,
        .n_columns = mechanism->neighbours.n_columns,
        .labels = mechanism->n_classes ? labels : NULL,
        .n_classes = mechanism->n_classes,
        .lower = &lower,
        .upper = &upper,
        .n_bounds = 1,
        .release = release,
    };
    struct dpmix_dataset *dataset = NULL;
    CHECK_OK(dpm_dataset_new(&dataset, &source));
    return dataset;
}

/* A learner spends all of its budget. A query has its noise in the plan, and is to be charged whatever
 * that costs. */
static const double learner_epsilon = 0.05, query_epsilon = 1e6, query_delta = 1e-6;

static int adjacency_of(const struct mechanism *mechanism)
{
    return mechanism->neighbours.instead ? DPMIX_ADJACENCY_REPLACE_ONE : DPMIX_ADJACENCY_ADD_REMOVE;
}

struct dpmix_accountant *mechanism_accountant(const struct mechanism *mechanism)
{
    struct dpmix_accountant *accountant = NULL;
    double epsilon = mechanism->learner ? learner_epsilon : query_epsilon;
    double delta = mechanism->learner ? mechanism->learner->delta : query_delta;
    CHECK_OK(dpm_accountant_new(&accountant, epsilon, delta, adjacency_of(mechanism)));
    return accountant;
}

int mechanism_release(const struct mechanism *mechanism, struct dpmix_dataset *dataset,
                      struct dpmix_accountant *accountant, double *statistics)
{
    return (mechanism->plan ? run_query : run_learner)(mechanism, dataset, accountant, statistics);
}

/* One run on the data set with the row or without it; the randomness is a function of `number`. */
static void run_trial(void *argument, int with_row, uint64_t number, double *statistics)
{
    const struct mechanism *mechanism = argument;
    float rows[ADVERSARY_ROWS * ADVERSARY_COLUMNS];
    int32_t labels[ADVERSARY_ROWS];
    size_t n_rows = mechanism_rows(mechanism, with_row, rows, labels);
    struct dpmix_dataset *dataset = mechanism_dataset(mechanism, rows, labels, n_rows, NULL);
    struct dpmix_accountant *accountant = mechanism_accountant(mechanism);
    struct dpm_test_mode mode = {.observe = NULL};
    snprintf((char *)mode.key, sizeof mode.key, "run %" PRIu64 " %d", number, with_row);
    dpm_dataset_set_test(dataset, &mode);
    adversary_reset();
    CHECK_OK(mechanism_release(mechanism, dataset, accountant, statistics));
    statistics[0] = adversary_log_ratio();
    dpm_accountant_unref(accountant);
    dpm_dataset_unref(dataset);
}

/* ---- The claims ---- */

/* The smallest delta that goes with the epsilon, by the accountant. */
static double claimed_delta(const struct dpm_event *events, size_t n, int adjacency, double epsilon)
{
    double low = 0, high = 1;
    for (int i = 0; i < 30; i++) {
        double delta = (low + high) / 2, found = INFINITY;
        CHECK_OK(dpm_account_epsilon(&found, events, n, adjacency, delta));
        *(found <= epsilon ? &high : &low) = delta;
    }
    return high;
}

/* One run of a sampled Gaussian in closed form, both directions: for a = exp(epsilon) and N_x the normal
 * law about x, H_a((1 - q) N_0 + q N_1, N_0) = q H_b(N_1, N_0) with b = 1 + (a - 1) / q, and
 * H_a(N_0, (1 - q) N_0 + q N_1) = r H_b(N_0, N_1) with r = 1 - a (1 - q), b = a q / r, or 0 where r <= 0. */
static double single_delta(const struct dpm_event *event, double epsilon)
{
    double rate = event->sampling_rate, mu = 1 / event->noise_multiplier;
    double a = exp(epsilon), rest = 1 - a * (1 - rate);
    double there = rate * dpm_account_gauss_delta(mu, log1p(expm1(epsilon) / rate));
    double back = rest > 0 ? rest * dpm_account_gauss_delta(mu, fmax(0, log(a * rate / rest))) : 0;
    return fmax(there, back);
}

/* At epsilon 0 delta is the total variation, where sound mechanisms come nearest to their claims. Too little
 * noise shows more at larger ones, where the other data set hardly ever sees the event. */
static int claims_of(void *mechanism, struct stochastic_claim *claims)
{
    static const double epsilons[] = {1e-9, 0.5, 2};
    const struct dpm_event *events;
    size_t n = (size_t)adversary_events(&events);
    int adjacency = adjacency_of(mechanism);
    for (int i = 0; i < 3; i++) {
        claims[i] = (struct stochastic_claim){epsilons[i], claimed_delta(events, n, adjacency, epsilons[i])};
        if (adjacency == DPMIX_ADJACENCY_ADD_REMOVE && n == 1 && events[0].count == 1 &&
            events[0].kind == DPM_EVENT_SUBSAMPLED_GAUSSIAN)
            claims[i].delta = fmin(claims[i].delta, single_delta(&events[0], epsilons[i]));
    }
    return 3;
}

/* ---- The trial ---- */

struct stochastic_verdict mechanism_try(const struct mechanism *mechanism)
{
    struct mechanism copy = *mechanism;
    struct stochastic_trial trial = {
        .run = run_trial,
        .claims = claims_of,
        .mechanism = &copy,
        .n_statistics = mechanism->n_statistics,
        .runs = mechanism->runs,
    };
    adversary_begin(&mechanism->neighbours);
    struct stochastic_verdict verdict = stochastic_try(&trial);
    ck_assert_msg(!adversary_debit_changed(), "%s: what is debited depends on the run", mechanism->name);
    printf("# %s: %s, margin %+.4f (delta(%.1f) <= %.4f; statistic %d: %.4f and %.4f), seen %.4f\n",
           mechanism->name, verdict.margin > 0 ? "disproved" : "not disproved", verdict.margin,
           verdict.claim.epsilon, verdict.claim.delta, verdict.statistic, verdict.frequency,
           verdict.other_frequency, verdict.seen);
    return verdict;
}

/* ---- The table ---- */

static const float zeros[ADVERSARY_NUMBERS];
static const float ones[] = {1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1};
static const float value_and_count[] = {1, 0.75f, 1, 0.75f, 1, 0.75f, 1, 0.75f};
static const float value_and_nothing[] = {1, 0.5f};
static const int32_t first_class[16];

#define PLAN(...) &(const struct mechanism_plan){__VA_ARGS__}, NULL
#define LEARNER(...)                                                                                         \
    NULL, &(const struct mechanism_learner)                                                                  \
    {                                                                                                        \
        __VA_ARGS__                                                                                          \
    }

/* Where every row takes part mu is about 2, a total variation of 0.68: there too little noise shows best. */
static const struct mechanism mechanisms[] = {
    {"query", PLAN({1}, 1, 0.5, 1, 0, 0, 0), 0, {1, 0, NULL, NULL, ones, 0, NULL, 0}, 20000, 2},
    {"query of four matrices",
     PLAN({1, 1, 1, 1}, 1, 0.5, 1, 0, 0, 0),
     0,
     {4, 0, NULL, NULL, ones, 0, NULL, 0},
     10000,
     5},
    {"query of sampled rows",
     PLAN({1}, 0.25, 0.5, 1, 0, 0, 0),
     0,
     {1, 0, NULL, NULL, ones, 0, NULL, 0},
     20000,
     2},
    {"three queries of sampled rows",
     PLAN({1}, 0.5, 2, 3, 0, 0, 0),
     0,
     {1, 16, ones, NULL, ones, 0, NULL, 0},
     10000,
     4},
    {"query by parts", PLAN({1}, 1, 0.5, 1, 0, 2, 0), 0, {1, 4, zeros, NULL, ones, 0, NULL, 0}, 10000, 3},
    {"query among opposite rows",
     PLAN({1}, 1, 0.5, 1, 0, 0, 0),
     0,
     {1, 8, ones, NULL, zeros, 0, NULL, 0},
     10000,
     2},
    {"query of values and counts",
     PLAN({2}, 1, 0.5, 1, 0, 0, 0),
     0,
     {2, 4, value_and_count, NULL, value_and_count, 0, NULL, 0},
     10000,
     3},
    {"two queries of opposite sign",
     PLAN({1}, 1, 0.7, 2, 1, 0, 0),
     0,
     {1, 0, NULL, NULL, ones, 0, NULL, 0},
     10000,
     3},
    {"label counts",
     LEARNER(DPMIX_CLUSTERER_LABEL, 0, 1, 1, 1, 1, 0.68),
     2,
     {1, 4, zeros, first_class, ones, 1, NULL, 0},
     10000,
     2},
    {"k-means",
     LEARNER(DPMIX_CLUSTERER_KMEANS, 0, 1, 1, 1, 2, 0.68),
     0,
     {2, 3, zeros, NULL, ones, 0, NULL, 0},
     6000,
     2},
    {"Gaussian",
     LEARNER(0, DPMIX_GENERATOR_GAUSSIAN, 1, 1, 1, 1, 0.68),
     0,
     {2, 3, zeros, NULL, ones, 0, NULL, 0},
     6000,
     2},
    {"Gaussians by label",
     LEARNER(0, DPMIX_GENERATOR_GAUSSIAN, 2, 1, 1, 1, 0.68),
     2,
     {2, 6, zeros, first_class, ones, 0, NULL, 0},
     6000,
     2},
    {"VAE",
     LEARNER(0, DPMIX_GENERATOR_VAE, 1, 1, 1, 3, 0.68),
     0,
     {2, 0, NULL, NULL, ones, 0, NULL, 0},
     6000,
     2},
    {"VAE of sampled rows",
     LEARNER(0, DPMIX_GENERATOR_VAE, 1, 1, 0.5, 2, 0.4),
     0,
     {2, 0, NULL, NULL, ones, 0, NULL, 0},
     6000,
     2},
    {"count", PLAN({1}, 1, 0.6, 1, 0, 0, 1), 0, {1, 4, zeros, NULL, ones, 0, NULL, 0}, 10000, 2},
    {"count and one too large",
     PLAN({2}, 1, 1, 2, 1, 0, 1),
     0,
     {2, 4, zeros, NULL, value_and_nothing, 0, NULL, 0},
     10000,
     5},
    {"geometric label counts",
     LEARNER(DPMIX_CLUSTERER_LABEL, 0, 1, 2, 1, 1, 0.68),
     2,
     {1, 4, zeros, first_class, ones, 1, NULL, 0},
     10000,
     2},
    {"query, a row replaced",
     PLAN({1}, 1, 1, 1, 0, 0, 0),
     0,
     {1, 4, zeros, NULL, ones, 0, zeros, 0},
     10000,
     2},
    {"query of sampled rows, a row replaced",
     PLAN({1}, 0.5, 0.7, 1, 0, 0, 0),
     0,
     {1, 0, NULL, NULL, ones, 0, zeros, 0},
     10000,
     2},
    {"count, a row replaced",
     PLAN({1}, 1, 1.2, 1, 0, 0, 1),
     0,
     {1, 4, zeros, NULL, ones, 0, zeros, 0},
     10000,
     2},
    {"geometric label counts, a row replaced",
     LEARNER(DPMIX_CLUSTERER_LABEL, 0, 1, 2, 1, 1, 0.68),
     2,
     {1, 4, zeros, first_class, ones, 1, ones, 0},
     6000,
     2},
    {"k-means, a row replaced",
     LEARNER(DPMIX_CLUSTERER_KMEANS, 0, 1, 1, 1, 2, 0.68),
     0,
     {2, 3, zeros, NULL, ones, 0, zeros, 0},
     6000,
     2},
};

const struct mechanism *mechanism_number(size_t i)
{
    return i < sizeof mechanisms / sizeof *mechanisms ? &mechanisms[i] : NULL;
}

const struct mechanism *mechanism_named(const char *name)
{
    for (size_t i = 0; i < sizeof mechanisms / sizeof *mechanisms; i++)
        if (strcmp(mechanisms[i].name, name) == 0)
            return &mechanisms[i];
    return NULL;
}
