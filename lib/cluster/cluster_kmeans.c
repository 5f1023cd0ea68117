/* SPDX-License-Identifier: BSD-3-Clause */
/* Differentially private k-means: Lloyd's algorithm, each step a noisy sum and a noisy count for each
 * cluster, either on random Fourier features (Acs, Melis, Castelluccia, De Cristofaro, Differentially Private
 * Mixture of Generative Neural Networks, arXiv 1709.04514) or on the columns; and the coreset, which finds
 * the first centres by one more query. The queries, each over all rows:
 *
 *   MEAN    the sum of all features, once: the first centres lie around the mean
 *   RADIUS  for columns: how many rows lie how far from the mean, once: farther ones than most are moved
 * nearer CELLS   for the coreset: sums and counts of the cells, once MOVE    sums and counts of the clusters,
 * once for each step COUNT   counts alone, once: the weights of the partition that is released
 *
 * A row's features f have norm 1 at most, so its contribution one-hot(nearest centre) x (f, w) has at most
 * the norm sqrt(1 + w^2), and the clip norm is that. All else is a function of released numbers and of public
 * random bits. doc/privacy.md has the statement and the proof.
 *
 * Lloyd's algorithm stays in the first local optimum. So the first half of the steps runs with more clusters
 * than are asked for, and then the cheapest pairs are joined. */
#include "account_ledger.h"
#include "base_alloc.h"
#include "base_fail.h"
#include "cluster_lloyd.h"
#include "feature_fourier.h"
#include "linalg_mat.h"

#include <math.h>
#include <string.h>

/* Clusters of the first steps: so many for each part, up to a number; joining is work to the third power. */
enum { KERNEL_MULTIPLE = 2, COLUMNS_MULTIPLE = 4, KERNEL_MOST = 512, COLUMNS_MOST = 256 };

/* In diagonals of the unit cube, where normalised rows lie. Two independent uniform points of it are
 * sqrt(1/6) diagonals apart in the root mean square, and their kernel is about exp(-3/4): the features of
 * rows spread over the sphere, and neighbours stay neighbours. */
static const double automatic_bandwidth = 1.0 / 3;
static const double least_bandwidth = 1e-3;   /* below it every row is far from every other */
static const double least_row_clip = 0x1p-10; /* also where one that is to be found begins */

/* Budgets of the single queries on columns, over that of all moves together. */
static const double mean_share = 0.05, radius_share = 0.05, cells_share = 0.75;

static const double outside = 0.05;       /* of the rows may lie beyond the radius that is found */
static const double columns_spread = 0.8; /* distance of a typical row from the mean, in such radii */
static const double largest_blur = 0.25;  /* of a first cluster's mean by noise, in radii */

/* ---- Contributions: pure functions of centres and row ---- */

/* Features into the right factors, with the count's weight behind them; their scales, which belong into the
 * left factors, into scratch. */
static void write_right(const struct dpm_lloyd *lloyd, const struct dpm_block *block, float *right)
{
    size_t d = lloyd->centres->n_features;
    dpm_centres_features(lloyd->centres, right, d + 1, block->scratch, block->rows, block->n_rows);
    for (size_t i = 0; i < block->n_rows; i++)
        right[i * (d + 1) + d] = lloyd->count_weight / block->scratch[i];
}

/* 1 x (f, w). */
static void contribute_mean(const void *model, const struct dpm_block *block, float *const *left,
                            float *const *right)
{
    write_right(model, block, right[0]);
    memcpy(left[0], block->scratch, block->n_rows * sizeof *block->scratch);
}

/* The nearest centres of rows whose features lie at `features`. Scratch: scales, numbers, scores. */
static const int32_t *find_nearest(const struct dpm_centres *centres, const struct dpm_block *block,
                                   const float *features, size_t ld)
{
    int32_t *numbers = (int32_t *)(void *)(block->scratch + block->n_rows);
    dpm_centres_nearest(centres, numbers, block->scratch + 2 * block->n_rows, features, ld, block->scratch,
                        block->n_rows);
    return numbers;
}

static void write_left(float *left, size_t ld, const int32_t *numbers, const float *values, size_t n)
{
    memset(left, 0, n * ld * sizeof *left);
    for (size_t i = 0; i < n; i++)
        left[i * ld + (size_t)numbers[i]] = values[i];
}

/* one-hot(nearest centre) x (f, w). The last clusters may be out of use. */
static void contribute_move(const void *model, const struct dpm_block *block, float *const *left,
                            float *const *right)
{
    const struct dpm_lloyd *lloyd = model;
    write_right(lloyd, block, right[0]);
    const int32_t *nearest = find_nearest(lloyd->centres, block, right[0], lloyd->centres->n_features + 1);
    write_left(left[0], lloyd->n_start, nearest, block->scratch, block->n_rows);
}

/* one-hot(cell) x (f, w). */
static void contribute_cells(const void *model, const struct dpm_block *block, float *const *left,
                             float *const *right)
{
    const struct dpm_lloyd *lloyd = model;
    size_t d = lloyd->centres->n_features, bits = (size_t)lloyd->coreset->bits, n = block->n_rows;
    int32_t *numbers = (int32_t *)(void *)(block->scratch + n);
    float *products = block->scratch + 2 * n;
    write_right(lloyd, block, right[0]);
    dpm_mat_mul_bt(products, bits, right[0], d + 1, lloyd->coreset->planes, d, n, bits, d);
    for (size_t i = 0; i < n; i++) {
        numbers[i] = 0;
        for (size_t j = 0; j < bits; j++)
            numbers[i] = 2 * numbers[i] + (products[i * bits + j] > 0);
    }
    write_left(left[0], (size_t)1 << bits, numbers, block->scratch, n);
}

/* one-hot(nearest centre) x 1. The features come last in scratch. */
static void contribute_count(const void *model, const struct dpm_block *block, float *const *left,
                             float *const *right)
{
    const struct dpm_centres *centres = ((const struct dpm_lloyd *)model)->centres;
    size_t d = centres->n_features, k = centres->n_centres, n = block->n_rows;
    float *features = block->scratch + (2 + k) * n;
    dpm_centres_features(centres, features, d, block->scratch, block->rows, n);
    const int32_t *nearest = find_nearest(centres, block, features, d);
    for (size_t i = 0; i < n; i++)
        right[0][i] = 1;
    write_left(left[0], k, nearest, right[0], n);
}

/* one-hot(bin of the distance from the origin) x 1. */
static void contribute_radius(const void *model, const struct dpm_block *block, float *const *left,
                              float *const *right)
{
    const struct dpm_lloyd *lloyd = model;
    size_t n = block->n_rows, d = lloyd->centres->n_features;
    int32_t *bins = (int32_t *)(void *)(block->scratch + n);
    dpm_centres_features(lloyd->centres, block->scratch + 2 * n, d, block->scratch, block->rows, n);
    for (size_t i = 0; i < n; i++) {
        bins[i] = dpm_lloyd_bin(lloyd, (double)block->scratch[i]);
        right[0][i] = 1;
    }
    write_left(left[0], DPM_LLOYD_BINS, bins, right[0], n);
}

/* ---- The plan ---- */

static struct dpm_query_plan *add_plan(struct dpm_lloyd *lloyd, int query, size_t rows, size_t columns)
{
    struct dpm_query_plan *plan = &lloyd->plans[lloyd->n_plans];
    lloyd->number[query] = lloyd->n_plans++;
    *plan = (struct dpm_query_plan){
        .n_matrices = 1,
        .matrix = {{rows, columns, 1}},
        .clip_norm = 1,
        .cancellation = 1,
        .sampling_rate = 1,
        .steps = 1,
        .noise_multiplier = 1,
        .scratch = 2,
    };
    return plan;
}

/* Weight of the count column: with noise of deviation m sqrt(1 + w^2) on sums S and weighted counts w N, the
 * centre c = S / N is off by (e - c n) / N to first order, whose mean square is
 * (m / N)^2 (1 + w^2) (D + |c|^2 / w^2). It is least at w^2 = |c| / sqrt(D). Centres lie in the unit ball,
 * and |c| = 1 gives the least largest error, (m / N)^2 (sqrt(D) + 1)^2.
 *
 * Relative noise of the queries: for kernel features the mean is a sum over k times the rows that a centre
 * has, so with sqrt(k) times the noise it is still the better one, for 1/k of a step's budget. On columns it
 * has to be good in half diagonals of the cube, much longer than the radius that the moves have. The last
 * count gets the noise that the counts of the steps have. */
static void set_plans(struct dpm_lloyd *lloyd, uint64_t steps, int find_radius)
{
    size_t k = lloyd->n_parts, d = lloyd->centres->n_features;
    int columns = dpm_centres_are_columns(lloyd->centres);
    lloyd->count_weight = (float)pow((double)d, -0.25);
    double w = (double)lloyd->count_weight, clip = sqrt(1 + w * w), moves = (double)steps;
    for (int i = 0; i < DPM_LLOYD_QUERIES; i++)
        lloyd->number[i] = -1;
    struct dpm_query_plan *plan = add_plan(lloyd, DPM_LLOYD_MEAN, 1, d + 1);
    plan->clip_norm = clip;
    plan->noise_multiplier = sqrt(columns ? 1 / (mean_share * moves) : (double)k);
    if (find_radius) {
        plan = add_plan(lloyd, DPM_LLOYD_RADIUS, DPM_LLOYD_BINS, 1);
        plan->noise_multiplier = sqrt(1 / (radius_share * moves));
        plan->scratch += d;
    }
    if (lloyd->coreset) {
        plan = add_plan(lloyd, DPM_LLOYD_CELLS, (size_t)1 << lloyd->coreset->bits, d + 1);
        plan->clip_norm = clip;
        plan->noise_multiplier = sqrt(1 / (cells_share * moves));
        plan->scratch += (size_t)lloyd->coreset->bits;
    }
    plan = add_plan(lloyd, DPM_LLOYD_MOVE, lloyd->n_start, d + 1);
    plan->clip_norm = clip;
    plan->steps = steps;
    plan->scratch += lloyd->n_start;
    plan = add_plan(lloyd, DPM_LLOYD_COUNT, k, 1);
    plan->noise_multiplier = clip / w;
    plan->scratch += k + d;
    for (int query = 0; lloyd->words.origin && query < DPM_LLOYD_QUERIES; query++)
        if (lloyd->number[query] >= 0 && query != DPM_LLOYD_CELLS) {
            plan = &lloyd->plans[lloyd->number[query]];
            plan->in_words = 1;
            plan->scratch = lloyd->words.lines;
        }
}

static size_t larger(size_t a, size_t b)
{
    return a > b ? a : b;
}

static int allocate(struct dpm_lloyd *lloyd)
{
    size_t d = lloyd->centres->n_features, lines = lloyd->n_start;
    if (lloyd->coreset)
        lines = larger(lines, (size_t)1 << lloyd->coreset->bits);
    lloyd->direction = dpm_alloc(d, sizeof *lloyd->direction);
    lloyd->sums = dpm_alloc(larger(lines * (d + 1), DPM_LLOYD_BINS), sizeof *lloyd->sums);
    lloyd->counts = dpm_alloc(lloyd->n_start, sizeof *lloyd->counts);
    if (lloyd->n_start > lloyd->n_parts)
        lloyd->costs = dpm_alloc(lloyd->n_start, lloyd->n_start * sizeof *lloyd->costs);
    return lloyd->direction && lloyd->sums && lloyd->counts &&
                   (lloyd->costs || lloyd->n_start == lloyd->n_parts)
               ? DPMIX_OK
               : DPMIX_ERR_NOMEM;
}

static int prepare(struct dpm_lloyd *lloyd, struct dpm_coreset *coreset,
                   const struct dpmix_clusterer *clusterer, const struct dpmix_dataset *dataset)
{
    const struct dpmix_options *options = &clusterer->options;
    size_t k = (size_t)dpm_option_int(options, DPMIX_OPTION_CLUSTERS);
    size_t d = (size_t)dpm_option_int(options, DPMIX_OPTION_KMEANS_FEATURES);
    size_t n_columns = clusterer->bounds.n_columns;
    int from_coreset = clusterer->kind->kind == DPMIX_CLUSTERER_CORESET;
    d = from_coreset ? 0 : d + d % 2; /* cosines and sines come in pairs */
    lloyd->bandwidth = dpm_option_double(options, DPMIX_OPTION_KMEANS_BANDWIDTH);
    if (lloyd->bandwidth == 0)
        lloyd->bandwidth = automatic_bandwidth * sqrt((double)n_columns);
    if (!(lloyd->bandwidth >= least_bandwidth))
        return dpm_fail(DPMIX_ERR_RANGE, "kmeans_bandwidth: must be 0 or at least %g", least_bandwidth);
    double row_clip = dpm_option_double(options, DPMIX_OPTION_KMEANS_ROW_CLIP);
    if (row_clip > 0 && row_clip < least_row_clip)
        return dpm_fail(DPMIX_ERR_RANGE, "kmeans_row_clip: must be 0 or at least %g", least_row_clip);
    lloyd->centres = clusterer->model;
    lloyd->n_parts = k;
    size_t multiple = d > 0 ? KERNEL_MULTIPLE : COLUMNS_MULTIPLE, most = d > 0 ? KERNEL_MOST : COLUMNS_MOST;
    lloyd->n_start = from_coreset ? k : larger(k, multiple * k < most ? multiple * k : most);
    if (d > 0 && multiple * k > most)
        lloyd->n_start = k;
    int status = dpm_centres_new(lloyd->centres, n_columns, d, lloyd->n_start);
    if (!status && from_coreset) {
        lloyd->coreset = coreset;
        status = dpm_coreset_new(coreset, dpm_option_int(options, DPMIX_OPTION_CORESET_BITS), n_columns, k);
    }
    if (!status)
        status = allocate(lloyd);
    if (!status && d == 0 && dpm_dataset_has_words(dataset))
        status = dpm_lloyd_words_new(&lloyd->words, dpm_dataset_bounds(dataset), lloyd->n_start);
    if (status)
        return status;
    if (d == 0)
        lloyd->centres->radius = (float)(fmax(row_clip, least_row_clip) * sqrt((double)n_columns));
    set_plans(lloyd, (uint64_t)dpm_option_int(options, DPMIX_OPTION_KMEANS_STEPS), d == 0 && row_clip == 0);
    return DPMIX_OK;
}

/* ---- The queries ---- */

static int query(struct dpm_lloyd *lloyd, struct dpm_release *release, int query, dpm_block_fn *contribution,
                 double *sums)
{
    if (dpm_lloyd_plan(lloyd, query)->in_words)
        return dpm_lloyd_words_query(lloyd, release, query, sums);
    return dpm_release_query(release, (size_t)lloyd->number[query], contribution, lloyd, sums);
}

/* The mean of the features. For columns, which lie in the cube, they are taken from its middle first, in half
 * diagonals, so that nothing is clipped; then the mean is the origin of the feature space. */
static int query_mean(struct dpm_lloyd *lloyd, struct dpm_release *release)
{
    struct dpm_centres *centres = lloyd->centres;
    size_t d = centres->n_features;
    int columns = dpm_centres_are_columns(centres);
    float radius = centres->radius, half = (float)(0.5 * sqrt((double)d));
    for (size_t i = 0; columns && i < d; i++)
        centres->origin[i] = 0.5f;
    dpm_lloyd_words_round(lloyd);
    centres->radius = columns ? half : 1;
    centres->n_centres = 1; /* at the origin */
    int status = query(lloyd, release, DPM_LLOYD_MEAN, contribute_mean, lloyd->sums);
    if (status)
        return status;
    dpm_lloyd_move(lloyd, 0, DPM_LLOYD_MEAN);
    lloyd->rows = lloyd->counts[0];
    lloyd->spread = columns_spread;
    if (!columns) {
        lloyd->spread = sqrt(fmax(0, 1 - dpm_mat_square(centres->centres, d)));
        return DPMIX_OK; /* |f| = 1: that was the mean of |f - mean|^2 */
    }
    for (size_t i = 0; i < d; i++) {
        float value = 0.5f + half * centres->centres[i];
        centres->origin[i] = fminf(fmaxf(value, 0), 1);
        centres->centres[i] = 0;
    }
    dpm_lloyd_words_round(lloyd);
    centres->radius = radius;
    return DPMIX_OK;
}

/* The least of the bins' edges that has few rows beyond it, and more than noise within. */
static int query_radius(struct dpm_lloyd *lloyd, struct dpm_release *release)
{
    int status = query(lloyd, release, DPM_LLOYD_RADIUS, contribute_radius, lloyd->sums);
    if (status)
        return status;
    double noise = dpm_query_noise(dpm_lloyd_plan(lloyd, DPM_LLOYD_RADIUS)), total = 0, beyond = 0;
    int bin = 0;
    for (int i = 0; i < DPM_LLOYD_BINS; i++)
        total += lloyd->sums[i];
    for (; bin < DPM_LLOYD_BINS; bin++) {
        beyond += lloyd->sums[bin];
        if (beyond > fmax(outside * total, 4 * noise * sqrt(bin + 1)))
            break;
    }
    if (bin == DPM_LLOYD_BINS)
        bin = 4; /* nothing but noise: half a diagonal */
    lloyd->centres->radius = (float)dpm_lloyd_edge(lloyd, bin);
    return DPMIX_OK;
}

static int query_cells(struct dpm_lloyd *lloyd, struct dpm_release *release)
{
    dpm_coreset_draw_planes(lloyd);
    int status = query(lloyd, release, DPM_LLOYD_CELLS, contribute_cells, lloyd->sums);
    if (!status)
        dpm_coreset_cluster(lloyd);
    return status;
}

/* First centres around the mean: the first clusters are cuts through the middle of the data. (Random points
 * of the cube would be far from nearly all rows.) On columns there are as many as the noise allows. */
static void start(struct dpm_lloyd *lloyd)
{
    size_t n = lloyd->n_start, d = lloyd->centres->n_features;
    if (dpm_centres_are_columns(lloyd->centres)) {
        double noise = dpm_query_noise(dpm_lloyd_plan(lloyd, DPM_LLOYD_MOVE)) * sqrt((double)d);
        double most = fmin(fmax(largest_blur * lloyd->rows / noise, (double)lloyd->n_parts), (double)n);
        n = (size_t)most;
    }
    dpm_lloyd_surround(lloyd, n);
}

/* Step 1, 2, ... No cluster is skipped, whatever its count. */
static int query_move(struct dpm_lloyd *lloyd, struct dpm_release *release, uint64_t step)
{
    struct dpm_centres *centres = lloyd->centres;
    uint64_t steps = dpm_lloyd_plan(lloyd, DPM_LLOYD_MOVE)->steps;
    int status = query(lloyd, release, DPM_LLOYD_MOVE, contribute_move, lloyd->sums);
    if (status)
        return status;
    for (size_t j = 0; j < centres->n_centres; j++)
        dpm_lloyd_move(lloyd, j, DPM_LLOYD_MOVE);
    if (step == (steps + 1) / 2 && centres->n_centres > lloyd->n_parts)
        dpm_lloyd_join(lloyd);
    else if (step < steps) /* the last step's centres are the released ones */
        dpm_lloyd_reseed(lloyd, step + 1);
    for (size_t j = 0; j < centres->n_centres; j++)
        dpm_centres_set_offset(centres, j);
    return DPMIX_OK;
}

/* Query number `done`, counted over all of them. */
static int run_one(struct dpm_lloyd *lloyd, struct dpm_release *release, uint64_t done)
{
    uint64_t moved = done - (uint64_t)lloyd->number[DPM_LLOYD_MOVE];
    int number = (int)done;
    if (number == lloyd->number[DPM_LLOYD_MEAN])
        return query_mean(lloyd, release);
    if (number == lloyd->number[DPM_LLOYD_RADIUS])
        return query_radius(lloyd, release);
    if (number == lloyd->number[DPM_LLOYD_CELLS])
        return query_cells(lloyd, release);
    if (moved == 0 && !lloyd->coreset)
        start(lloyd);
    if (moved < dpm_lloyd_plan(lloyd, DPM_LLOYD_MOVE)->steps)
        return query_move(lloyd, release, moved + 1);
    return query(lloyd, release, DPM_LLOYD_COUNT, contribute_count, lloyd->counts);
}

static int run(struct dpm_lloyd *lloyd, struct dpm_release *release, const struct dpm_fit *fit)
{
    uint64_t steps = dpm_lloyd_plan(lloyd, DPM_LLOYD_MOVE)->steps,
             total = steps + (uint64_t)lloyd->n_plans - 1;
    int status = DPMIX_OK;
    dpm_release_public_key(release, lloyd->key);
    if (!dpm_centres_are_columns(lloyd->centres))
        dpm_feature_fourier_draw(lloyd->centres->map, lloyd->bandwidth, lloyd->key);
    for (uint64_t done = 0; !status && done < total; done++) {
        status = dpm_fit_progress(fit, DPMIX_PHASE_CLUSTER, done, total);
        if (!status)
            status = run_one(lloyd, release, done);
    }
    return status ? status : dpm_fit_progress(fit, DPMIX_PHASE_CLUSTER, total, total);
}

/* ---- The fit ---- */

static const char *purpose(const struct dpm_lloyd *lloyd)
{
    if (lloyd->coreset)
        return "mean, coreset, sums and counts of k-means";
    return dpm_centres_are_columns(lloyd->centres) ? "mean, sums and counts of k-means"
                                                   : "mean, sums and counts of kernel k-means";
}

static int fit_parts(struct dpmix_clusterer *clusterer, const struct dpm_fit *fit, struct dpm_lloyd *lloyd)
{
    struct dpm_release *release = NULL;
    int status = dpm_query_calibrate(fit->accountant, fit->share, lloyd->plans, (size_t)lloyd->n_plans);
    if (!status)
        status = dpm_release_open(&release, fit->accountant, fit->dataset, purpose(lloyd), lloyd->plans,
                                  (size_t)lloyd->n_plans, NULL, fit->threads);
    if (!status)
        status = run(lloyd, release, fit);
    if (!status) {
        clusterer->n_parts = (int)lloyd->n_parts;
        dpm_cluster_weights(clusterer->weights, lloyd->counts, clusterer->n_parts);
        clusterer->ledger = dpm_release_take_ledger(release);
    }
    dpm_release_close(release);
    return status;
}

static int fit_kmeans(struct dpmix_clusterer *clusterer, const struct dpm_fit *fit)
{
    struct dpm_coreset coreset = {0};
    struct dpm_lloyd lloyd = {0};
    int n_parts = dpm_option_int(&clusterer->options, DPMIX_OPTION_CLUSTERS);
    clusterer->weights = dpm_alloc((size_t)n_parts, sizeof *clusterer->weights);
    if (!clusterer->weights)
        return DPMIX_ERR_NOMEM;
    if (n_parts == 1) { /* the one such partition is known beforehand: no query, nothing spent, no model */
        clusterer->n_parts = 1;
        clusterer->weights[0] = 1;
        int written = dpm_accountant_json(&clusterer->ledger, fit->accountant);
        return written ? written : dpm_fit_progress(fit, DPMIX_PHASE_CLUSTER, 1, 1);
    }
    clusterer->model = dpm_alloc(1, sizeof(struct dpm_centres));
    int status = clusterer->model ? DPMIX_OK : DPMIX_ERR_NOMEM;
    if (!status)
        status = prepare(&lloyd, &coreset, clusterer, fit->dataset);
    if (!status)
        status = fit_parts(clusterer, fit, &lloyd);
    dpm_coreset_free(&coreset);
    dpm_lloyd_words_free(&lloyd.words);
    dpm_free(lloyd.direction);
    dpm_free(lloyd.sums);
    dpm_free(lloyd.counts);
    dpm_free(lloyd.costs);
    return status;
}

const struct dpm_cluster_kind dpm_cluster_kmeans = {
    .kind = DPMIX_CLUSTERER_KMEANS,
    .fit = fit_kmeans,
    .free_model = dpm_centres_free,
    .assign = dpm_centres_assign,
    .assign_scratch = dpm_centres_scratch,
    .centres = dpm_centres_give,
    .put = dpm_centres_put,
    .get = dpm_centres_get,
};

const struct dpm_cluster_kind dpm_cluster_coreset = {
    .kind = DPMIX_CLUSTERER_CORESET,
    .fit = fit_kmeans,
    .free_model = dpm_centres_free,
    .assign = dpm_centres_assign,
    .assign_scratch = dpm_centres_scratch,
    .centres = dpm_centres_give,
    .put = dpm_centres_put,
    .get = dpm_centres_get,
};
