/* SPDX-License-Identifier: BSD-3-Clause */
/* Differentially private kernel k-means: Acs, Melis, Castelluccia, De Cristofaro, Differentially Private
 * Mixture of Generative Neural Networks (arXiv 1709.04514): Lloyd's algorithm on random Fourier features,
 * each step a noisy sum and a noisy count for each cluster. Three queries, each over all rows:
 *
 *   MEAN    the sum of all features, once: the first centres lie around the mean
 *   MOVE    sums and counts of the clusters, once for each step
 *   COUNT   counts alone, once: the weights of the partition that is released
 *
 * A row's features f have norm 1, so its contribution one-hot(nearest centre) x (f, w) has the norm
 * sqrt(1 + w^2), and the clip norm is that: nothing is clipped. All else is a function of released numbers
 * and of public random bits. doc/privacy.md has the statement and the proof.
 *
 * Lloyd's algorithm stays in the first local optimum. So the first half of the steps runs with twice the
 * clusters that are asked for, and then the cheapest pairs are joined. */
#include "account_ledger.h"
#include "base_alloc.h"
#include "base_fail.h"
#include "cluster_kind.h"
#include "feature_fourier.h"
#include "linalg_mat.h"
#include "random_stream.h"

#include <math.h>
#include <string.h>

enum { MEAN, MOVE, COUNT, N_PLANS };
enum { LARGEST_DOUBLED = 256 }; /* more parts start as they are: joining is work to the third power */

/* A count below this many standard deviations of its noise is weak: its cluster may be empty. */
static const double weak_count = 4;

/* How far first centres lie from the mean, and the halves of a split cluster from its centre, in distances of
 * a typical row from the mean. Results hardly depend on them. */
static const double start_radius = 0.5, split_radius = 0.2;

/* In diagonals of the unit cube, where normalised rows lie. Two independent uniform points of it are
 * sqrt(1/6) diagonals apart in the root mean square, and their kernel is about exp(-3/4): the features of
 * rows spread over the sphere, and neighbours stay neighbours. */
static const double automatic_bandwidth = 1.0 / 3;
static const double least_bandwidth = 1e-3; /* below it every row is far from every other */

struct kmeans {
    size_t n_centres;
    struct dpm_feature_fourier map;
    float *centres; /* n_centres x n_features, none longer than 1 */
    float *offsets; /* |centre|^2 / 2 */
};

static void free_kmeans(void *model)
{
    struct kmeans *kmeans = model;
    if (kmeans) {
        dpm_feature_fourier_free(&kmeans->map);
        dpm_free(kmeans->centres);
        dpm_free(kmeans->offsets);
    }
    dpm_free(kmeans);
}

/* ---- The nearest centre ---- */

static double square(const float *values, size_t n)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += (double)values[i] * (double)values[i];
    return sum;
}

static void set_offset(struct kmeans *kmeans, size_t j)
{
    size_t d = kmeans->map.n_features;
    kmeans->offsets[j] = (float)(square(kmeans->centres + j * d, d) / 2);
}

/* Scores are products f.c. The largest f.c - |c|^2 / 2 belongs to the nearest centre; of equal ones the first
 * counts. One that is not a number never wins, so the result is in range always. */
static size_t nearest(const struct kmeans *kmeans, const float *scores)
{
    size_t best = 0;
    float highest = -INFINITY;
    for (size_t j = 0; j < kmeans->n_centres; j++) {
        float value = scores[j] - kmeans->offsets[j];
        if (value > highest) {
            highest = value;
            best = j;
        }
    }
    return best;
}

static void assign_kmeans(const void *model, int32_t *parts, const float *rows, const int32_t *labels,
                          size_t n, size_t n_columns, float *scratch)
{
    const struct kmeans *kmeans = ((const struct dpmix_clusterer *)model)->model;
    (void)labels, (void)n_columns;
    memset(parts, 0, n * sizeof *parts);
    if (!kmeans || n == 0)
        return;
    size_t k = kmeans->n_centres, d = kmeans->map.n_features;
    float *scores = scratch + n * d;
    dpm_feature_fourier_apply(&kmeans->map, scratch, d, rows, n);
    dpm_mat_mul_bt(scores, k, scratch, d, kmeans->centres, d, n, k, d);
    for (size_t i = 0; i < n; i++)
        parts[i] = (int32_t)nearest(kmeans, scores + i * k);
}

static size_t kmeans_scratch(const struct dpmix_clusterer *clusterer)
{
    const struct kmeans *kmeans = clusterer->model;
    return kmeans ? kmeans->map.n_features + kmeans->n_centres : 0;
}

/* ---- Contributions: pure functions of centres and row ---- */

/* What a fit works with. All of it is allocated before the first row is read. */
struct work {
    struct kmeans *kmeans;
    size_t n_parts, n_start; /* centres in the end, and in the first steps */
    float count_weight;      /* w */
    double bandwidth;
    struct dpm_query_plan plans[N_PLANS];
    uint8_t key[DPM_KEY_SIZE]; /* public */
    double spread;             /* distance of a typical row from the mean */
    float *direction;          /* n_features */
    double *sums;              /* n_start x (n_features + 1): sums, and counts times w, as released */
    double *counts;            /* n_start */
};

/* One-hot vectors of the nearest centres, in the place of scores, into lines that are ld long. */
static void one_hot(const struct kmeans *kmeans, float *left, size_t ld, const float *features, size_t stride,
                    size_t n)
{
    size_t k = kmeans->n_centres, d = kmeans->map.n_features;
    dpm_mat_mul_bt(left, ld, features, stride, kmeans->centres, d, n, k, d);
    for (size_t i = 0; i < n; i++) {
        float *line = left + i * ld;
        size_t part = nearest(kmeans, line);
        memset(line, 0, ld * sizeof *line);
        line[part] = 1;
    }
}

/* one-hot x (f, w), for MEAN, which has one cluster, and MOVE, whose last clusters may be out of use. */
static void contribute_sums(const void *model, const struct dpm_block *block, float *const *left,
                            float *const *right)
{
    const struct work *work = model;
    const struct kmeans *kmeans = work->kmeans;
    size_t d = kmeans->map.n_features, ld = kmeans->n_centres == 1 ? 1 : work->n_start;
    dpm_feature_fourier_apply(&kmeans->map, right[0], d + 1, block->rows, block->n_rows);
    for (size_t i = 0; i < block->n_rows; i++)
        right[0][i * (d + 1) + d] = work->count_weight;
    one_hot(kmeans, left[0], ld, right[0], d + 1, block->n_rows);
}

/* one-hot x 1. */
static void contribute_count(const void *model, const struct dpm_block *block, float *const *left,
                             float *const *right)
{
    const struct kmeans *kmeans = ((const struct work *)model)->kmeans;
    size_t d = kmeans->map.n_features;
    dpm_feature_fourier_apply(&kmeans->map, block->scratch, d, block->rows, block->n_rows);
    one_hot(kmeans, left[0], kmeans->n_centres, block->scratch, d, block->n_rows);
    for (size_t i = 0; i < block->n_rows; i++)
        right[0][i] = 1;
}

/* ---- The plan ---- */

static struct dpm_query_plan plan_query(size_t rows, size_t columns, double clip, uint64_t steps,
                                        double noise)
{
    return (struct dpm_query_plan){
        .n_matrices = 1,
        .matrix = {{rows, columns, 1}},
        .clip_norm = clip,
        .cancellation = 1,
        .sampling_rate = 1,
        .steps = steps,
        .noise_multiplier = noise,
    };
}

/* Weight of the count column: with noise of deviation m sqrt(1 + w^2) on sums S and weighted counts w N, the
 * centre c = S / N is off by (e - c n) / N to first order, whose mean square is
 * (m / N)^2 (1 + w^2) (D + |c|^2 / w^2). It is least at w^2 = |c| / sqrt(D). Centres lie in the unit ball,
 * and |c| = 1 gives the least largest error, (m / N)^2 (sqrt(D) + 1)^2.
 *
 * Relative noise of the queries: the mean is a sum over k times the rows that a centre has, so with sqrt(k)
 * times the noise it is still the better one, for 1/k of a step's budget. The last count gets the noise that
 * the counts of the steps have. */
static void set_plans(struct work *work, uint64_t steps)
{
    size_t k = work->n_parts, d = work->kmeans->map.n_features;
    work->count_weight = (float)pow((double)d, -0.25);
    double w = (double)work->count_weight, clip = sqrt(1 + w * w);
    work->plans[MEAN] = plan_query(1, d + 1, clip, 1, sqrt((double)k));
    work->plans[MOVE] = plan_query(work->n_start, d + 1, clip, steps, 1);
    work->plans[COUNT] = plan_query(k, 1, 1, 1, clip / w);
    work->plans[COUNT].scratch = d;
}

static int prepare(struct work *work, struct kmeans *kmeans, const struct dpmix_clusterer *clusterer)
{
    const struct dpmix_options *options = &clusterer->options;
    size_t k = (size_t)dpm_option_int(options, DPMIX_OPTION_CLUSTERS);
    size_t d = (size_t)dpm_option_int(options, DPMIX_OPTION_KMEANS_FEATURES);
    size_t n_columns = clusterer->bounds.n_columns;
    d += d % 2; /* cosines and sines come in pairs */
    work->bandwidth = dpm_option_double(options, DPMIX_OPTION_KMEANS_BANDWIDTH);
    if (work->bandwidth == 0)
        work->bandwidth = automatic_bandwidth * sqrt((double)n_columns);
    if (!(work->bandwidth >= least_bandwidth))
        return dpm_fail(DPMIX_ERR_RANGE, "kmeans_bandwidth: must be 0 or at least %g", least_bandwidth);
    int status = dpm_feature_fourier_new(&kmeans->map, n_columns, d);
    if (status)
        return status;
    work->kmeans = kmeans;
    work->n_parts = k;
    work->n_start = k <= LARGEST_DOUBLED ? 2 * k : k;
    kmeans->centres = dpm_alloc(work->n_start, d * sizeof *kmeans->centres);
    kmeans->offsets = dpm_alloc(work->n_start, sizeof *kmeans->offsets);
    work->direction = dpm_alloc(d, sizeof *work->direction);
    work->sums = dpm_alloc(work->n_start, (d + 1) * sizeof *work->sums);
    work->counts = dpm_alloc(work->n_start, sizeof *work->counts);
    if (!kmeans->centres || !kmeans->offsets || !work->direction || !work->sums || !work->counts)
        return DPMIX_ERR_NOMEM;
    set_plans(work, (uint64_t)dpm_option_int(options, DPMIX_OPTION_KMEANS_STEPS));
    return DPMIX_OK;
}

/* ---- From released sums to centres: post-processing ---- */

/* A uniformly random direction in feature space. */
static void draw_direction(struct work *work, struct dpm_stream *stream)
{
    size_t d = work->kmeans->map.n_features;
    dpm_stream_normals(stream, work->direction, d);
    float length = (float)sqrt(square(work->direction, d));
    for (size_t i = 0; i < d; i++)
        work->direction[i] = length > 0 ? work->direction[i] / length : 0;
}

/* Moves centre j toward the mean of its released sum. The plain mean, sum / count, would throw the centre of
 * a small cluster far away, where no row finds it. So
 *
 *  - the count is floored at a public constant, and the rows short of it are taken to lie at the old centre;
 *  - the move v is shrunk by the positive-part rule of James and Stein (1961),
 *    max(0, 1 - E|noise|^2 / |v|^2): a move that is all noise is not made, and noise does not add up;
 *  - the centre is projected to the unit ball, which holds every mean of features. */
static void move_centre(struct work *work, size_t j, int plan)
{
    size_t d = work->kmeans->map.n_features;
    float *centre = work->kmeans->centres + j * d;
    const double *sum = work->sums + j * (d + 1);
    double noise = dpm_query_noise(&work->plans[plan]), count_noise = noise / (double)work->count_weight;
    double count = sum[d] / (double)work->count_weight;
    double floored = fmax(count, fmax(1, weak_count * count_noise));
    double move = 0; /* |v|^2, and what noise alone would give; both times floored^2 */
    double expected = noise * noise * (double)d + count_noise * count_noise * square(centre, d);
    for (size_t i = 0; i < d; i++)
        move += pow(sum[i] - count * (double)centre[i], 2);
    double shrink = move > expected ? 1 - expected / move : 0;
    for (size_t i = 0; i < d; i++)
        centre[i] += (float)(shrink * (sum[i] - count * (double)centre[i]) / floored);
    double length = fmax(1, sqrt(square(centre, d)));
    for (size_t i = 0; i < d; i++)
        centre[i] = (float)((double)centre[i] / length);
    work->counts[j] = count;
}

/* Puts centre j beside centre b, at opposite sides of where b was. */
static void split(struct work *work, size_t j, size_t b, struct dpm_stream *stream)
{
    size_t d = work->kmeans->map.n_features;
    float *one = work->kmeans->centres + j * d, *other = work->kmeans->centres + b * d;
    float radius = (float)(split_radius * work->spread);
    draw_direction(work, stream);
    for (size_t i = 0; i < d; i++) {
        one[i] = other[i] + radius * work->direction[i];
        other[i] -= radius * work->direction[i];
    }
    work->counts[b] /= 2;
    work->counts[j] = work->counts[b];
}

/* Every cluster with a weak count, the weakest first, gets half of the one with the largest sum of squares,
 * as long as that one has the rows for two. Since |f| = 1, the sum of squares is N (1 - |centre|^2). */
static void reseed(struct work *work, uint64_t step)
{
    struct kmeans *kmeans = work->kmeans;
    size_t k = kmeans->n_centres, d = kmeans->map.n_features;
    double floor = weak_count * dpm_query_noise(&work->plans[MOVE]) / (double)work->count_weight;
    struct dpm_stream stream;
    dpm_stream_open(&stream, work->key, DPM_STREAM_MODEL, step, 0);
    for (size_t done = 0; done < k; done++) {
        size_t weak = 0, wide = 0;
        double widest = -INFINITY;
        for (size_t j = 0; j < k; j++) {
            double squares = work->counts[j] * (1 - square(kmeans->centres + j * d, d));
            weak = work->counts[j] < work->counts[weak] ? j : weak;
            wide = squares > widest ? j : wide;
            widest = fmax(widest, squares);
        }
        if (work->counts[weak] >= floor || work->counts[wide] < 2 * floor)
            break;
        split(work, weak, wide, &stream);
    }
}

/* What the sum of squares grows by when clusters a and b are joined. */
static double join_cost(const struct work *work, size_t a, size_t b)
{
    size_t d = work->kmeans->map.n_features;
    const float *one = work->kmeans->centres + a * d, *other = work->kmeans->centres + b * d;
    double distance = 0;
    for (size_t i = 0; i < d; i++)
        distance += ((double)one[i] - (double)other[i]) * ((double)one[i] - (double)other[i]);
    return distance * work->counts[a] * work->counts[b] / (work->counts[a] + work->counts[b]);
}

/* Joins the cheapest pair of n clusters at the lower of their places; the last one takes the other place. */
static void join_pair(struct work *work, size_t n)
{
    size_t d = work->kmeans->map.n_features, first = 0, second = 1;
    float *centres = work->kmeans->centres;
    double least = INFINITY;
    for (size_t a = 0; a < n; a++) {
        for (size_t b = a + 1; b < n; b++) {
            double cost = join_cost(work, a, b);
            first = cost < least ? a : first;
            second = cost < least ? b : second;
            least = fmin(cost, least);
        }
    }
    double both = work->counts[first] + work->counts[second], share = work->counts[second] / both;
    for (size_t i = 0; i < d; i++)
        centres[first * d + i] += (float)(share * (double)(centres[second * d + i] - centres[first * d + i]));
    memmove(centres + second * d, centres + (n - 1) * d, d * sizeof *centres);
    work->counts[first] = both;
    work->counts[second] = work->counts[n - 1];
}

/* From the clusters of the first steps to the parts, by Ward's method (1963) on the released numbers. */
static void join_clusters(struct work *work)
{
    double least = dpm_query_noise(&work->plans[MOVE]) / (double)work->count_weight;
    for (size_t j = 0; j < work->n_start; j++)
        work->counts[j] = fmax(work->counts[j], least);
    for (size_t n = work->n_start; n > work->n_parts; n--)
        join_pair(work, n);
    work->kmeans->n_centres = work->n_parts;
}

/* ---- The queries ---- */

/* The first centres lie at one distance from the released mean, in random directions: the first clusters are
 * cuts through the middle of the data. (Random points of the cube would be far from nearly all rows.) */
static int query_mean(struct work *work, struct dpm_release *release)
{
    struct kmeans *kmeans = work->kmeans;
    size_t d = kmeans->map.n_features;
    kmeans->n_centres = 1; /* at the origin */
    int status = dpm_release_query(release, MEAN, contribute_sums, work, work->sums);
    if (status)
        return status;
    move_centre(work, 0, MEAN);
    work->spread = sqrt(fmax(0, 1 - square(kmeans->centres, d))); /* |f| = 1: mean of |f - mean|^2 */
    struct dpm_stream stream;
    dpm_stream_open(&stream, work->key, DPM_STREAM_MODEL, 0, 0);
    float radius = (float)(start_radius * work->spread);
    kmeans->n_centres = work->n_start;
    for (size_t j = kmeans->n_centres; j-- > 0;) { /* the mean is at 0, so that one is last */
        draw_direction(work, &stream);
        for (size_t i = 0; i < d; i++)
            kmeans->centres[j * d + i] = kmeans->centres[i] + radius * work->direction[i];
        set_offset(kmeans, j);
    }
    return DPMIX_OK;
}

/* Step 1, 2, ... No cluster is skipped, whatever its count. */
static int query_move(struct work *work, struct dpm_release *release, uint64_t step)
{
    struct kmeans *kmeans = work->kmeans;
    uint64_t steps = work->plans[MOVE].steps;
    int status = dpm_release_query(release, MOVE, contribute_sums, work, work->sums);
    if (status)
        return status;
    for (size_t j = 0; j < kmeans->n_centres; j++)
        move_centre(work, j, MOVE);
    if (step == (steps + 1) / 2 && work->n_start > work->n_parts)
        join_clusters(work);
    else if (step < steps) /* the last step's centres are the released ones */
        reseed(work, step);
    for (size_t j = 0; j < kmeans->n_centres; j++)
        set_offset(kmeans, j);
    return DPMIX_OK;
}

static int run(struct work *work, struct dpm_release *release, const struct dpm_fit *fit)
{
    uint64_t steps = work->plans[MOVE].steps, total = steps + 2;
    dpm_release_public_key(release, work->key);
    dpm_feature_fourier_draw(&work->kmeans->map, work->bandwidth, work->key);
    for (uint64_t done = 0; done < total; done++) {
        int status = dpm_fit_progress(fit, DPMIX_PHASE_CLUSTER, done, total);
        if (!status && done == 0)
            status = query_mean(work, release);
        else if (!status && done <= steps)
            status = query_move(work, release, done);
        else if (!status)
            status = dpm_release_query(release, COUNT, contribute_count, work, work->counts);
        if (status)
            return status;
    }
    return dpm_fit_progress(fit, DPMIX_PHASE_CLUSTER, total, total);
}

static int fit_kmeans(struct dpmix_clusterer *clusterer, const struct dpm_fit *fit)
{
    struct dpm_release *release = NULL;
    struct work work = {0};
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
    clusterer->model = dpm_alloc(1, sizeof(struct kmeans));
    int status = clusterer->model ? DPMIX_OK : DPMIX_ERR_NOMEM;
    if (!status)
        status = prepare(&work, clusterer->model, clusterer);
    if (!status)
        status = dpm_query_calibrate(fit->accountant, fit->share, work.plans, N_PLANS);
    if (!status)
        status = dpm_release_open(&release, fit->accountant, fit->dataset,
                                  "mean, sums and counts of kernel k-means", work.plans, N_PLANS, NULL,
                                  fit->threads);
    if (!status)
        status = run(&work, release, fit);
    if (!status) {
        clusterer->n_parts = n_parts;
        dpm_cluster_weights(clusterer->weights, work.counts, n_parts);
    }
    if (!status)
        clusterer->ledger = dpm_release_take_ledger(release);
    dpm_release_close(release);
    dpm_free(work.direction);
    dpm_free(work.sums);
    dpm_free(work.counts);
    return status;
}

/* ---- Files ---- */

static void put_kmeans(const struct dpmix_clusterer *clusterer, struct dpm_blob *blob)
{
    const struct kmeans *kmeans = clusterer->model;
    if (!kmeans)
        return;
    dpm_feature_fourier_put(&kmeans->map, blob);
    dpm_blob_put_f32s(blob, kmeans->centres, kmeans->n_centres * kmeans->map.n_features);
}

static void get_kmeans(struct dpmix_clusterer *clusterer, struct dpm_blob *blob)
{
    size_t k = (size_t)clusterer->n_parts;
    if (k == 1)
        return;
    struct kmeans *kmeans = clusterer->model = dpm_alloc(1, sizeof *kmeans);
    if (kmeans)
        kmeans->offsets = dpm_alloc(k, sizeof *kmeans->offsets);
    if (!kmeans || !kmeans->offsets) {
        blob->status = DPMIX_ERR_NOMEM;
        return;
    }
    kmeans->n_centres = k;
    dpm_feature_fourier_get(&kmeans->map, blob, clusterer->bounds.n_columns);
    kmeans->centres = dpm_blob_get_f32s(blob, k, kmeans->map.n_features);
    if (!kmeans->centres)
        return;
    for (size_t j = 0; j < k; j++) {
        set_offset(kmeans, j);
        if (!(kmeans->offsets[j] <= 1)) /* |centre| <= 1 when it was written */
            dpm_blob_reject(blob);
    }
}

const struct dpm_cluster_kind dpm_cluster_kmeans = {
    .kind = DPMIX_CLUSTERER_KMEANS,
    .fit = fit_kmeans,
    .free_model = free_kmeans,
    .assign = assign_kmeans,
    .assign_scratch = kmeans_scratch,
    .put = put_kmeans,
    .get = get_kmeans,
};
