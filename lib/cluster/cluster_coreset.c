/* SPDX-License-Identifier: BSD-3-Clause */
/* A private coreset: weighted points that stand for the rows. Random planes through the middle of the data
 * cut it into cells; each cell has a noisy sum and a noisy count, all of them one query (Chang, Ghazi, Kumar,
 * Manurangsi, Locally private k-means in one round, ICML 2021; Cohen-Addad and others, Near-optimal private
 * and scalable k-clustering, NeurIPS 2022). The planes in their order make a tree of the cells. Cells with
 * fewer rows than the noise asks for are joined with their neighbours in it: sums and counts of larger nodes
 * are sums of released numbers, so only the leaves are asked for. Then k-means++ (Arthur and Vassilvitskii
 * 2007) and Lloyd's algorithm on the points: no row is read. */
#include "base_alloc.h"
#include "cluster_lloyd.h"
#include "linalg_mat.h"

#include <math.h>
#include <string.h>

enum { CHUNK = 64, RESTARTS = 10, ITERATIONS = 15 };

static const double least_signal =
    1.5; /* rows of a cell, over the noise that makes its mean one radius off */

int dpm_coreset_new(struct dpm_coreset *coreset, int bits, size_t n_features, size_t n_parts)
{
    size_t n = (size_t)1 << bits, d = n_features;
    coreset->bits = bits;
    coreset->planes = dpm_alloc((size_t)bits, d * sizeof *coreset->planes);
    coreset->points = dpm_alloc(n, d * sizeof *coreset->points);
    coreset->weights = dpm_alloc(n, sizeof *coreset->weights);
    coreset->squares = dpm_alloc(n, sizeof *coreset->squares);
    coreset->near = dpm_alloc(n, sizeof *coreset->near);
    coreset->products = dpm_alloc(n, sizeof *coreset->products);
    coreset->nearest = dpm_alloc(n, sizeof *coreset->nearest);
    coreset->scores = dpm_alloc(CHUNK, n_parts * sizeof *coreset->scores);
    coreset->ones = dpm_alloc(CHUNK, sizeof *coreset->ones);
    coreset->best = dpm_alloc(n_parts, d * sizeof *coreset->best);
    if (!coreset->planes || !coreset->points || !coreset->weights || !coreset->squares || !coreset->near ||
        !coreset->products || !coreset->nearest || !coreset->scores || !coreset->ones || !coreset->best)
        return DPMIX_ERR_NOMEM;
    for (size_t i = 0; i < CHUNK; i++)
        coreset->ones[i] = 1;
    return DPMIX_OK;
}

void dpm_coreset_free(struct dpm_coreset *coreset)
{
    dpm_free(coreset->planes);
    dpm_free(coreset->points);
    dpm_free(coreset->weights);
    dpm_free(coreset->squares);
    dpm_free(coreset->near);
    dpm_free(coreset->products);
    dpm_free(coreset->nearest);
    dpm_free(coreset->scores);
    dpm_free(coreset->ones);
    dpm_free(coreset->best);
}

void dpm_coreset_draw_planes(struct dpm_lloyd *lloyd)
{
    struct dpm_stream stream;
    dpm_stream_open(&stream, lloyd->key, DPM_STREAM_FEATURE, 1, 0);
    dpm_stream_normals(&stream, lloyd->coreset->planes,
                       (size_t)lloyd->coreset->bits * lloyd->centres->n_features);
}

/* ---- From cells to points ---- */

static void add_point(struct dpm_lloyd *lloyd, size_t cell)
{
    struct dpm_coreset *coreset = lloyd->coreset;
    size_t d = lloyd->centres->n_features;
    const double *sum = lloyd->sums + cell * (d + 1);
    float *point = coreset->points + coreset->n_points * d;
    double count = fmax(1, sum[d] / (double)lloyd->count_weight), square = 0;
    for (size_t i = 0; i < d; i++)
        square += sum[i] * sum[i];
    double scale = 1 / fmax(count, sqrt(square)); /* means lie in the unit ball */
    for (size_t i = 0; i < d; i++)
        point[i] = (float)(sum[i] * scale);
    coreset->squares[coreset->n_points] = dpm_mat_square(point, d);
    coreset->weights[coreset->n_points++] = count;
}

/* Whether a node, of so many cells, has too few rows; a node of none has gone already. */
static int is_small(const struct dpm_lloyd *lloyd, size_t node, double cells)
{
    size_t d = lloyd->centres->n_features;
    double noise = dpm_query_noise(dpm_lloyd_plan(lloyd, DPM_LLOYD_CELLS));
    double count = lloyd->sums[node * (d + 1) + d] / (double)lloyd->count_weight;
    return cells > 0 && count < least_signal * noise * sqrt(cells * (double)d);
}

/* From the leaves to the root: a node that is too small is joined with its neighbour, and where both are
 * large enough they become points. One that has no neighbour any more goes up as it is. */
static void join_cells(struct dpm_lloyd *lloyd)
{
    size_t n = (size_t)1 << lloyd->coreset->bits, line = lloyd->centres->n_features + 1;
    double *cells = lloyd->coreset->near;
    lloyd->coreset->n_points = 0;
    for (size_t i = 0; i < n; i++)
        cells[i] = 1;
    for (size_t width = 1; width < n; width *= 2) {
        for (size_t a = 0; a < n; a += 2 * width) {
            size_t b = a + width;
            int small = is_small(lloyd, a, cells[a]) || is_small(lloyd, b, cells[b]);
            for (size_t i = 0; small && cells[b] > 0 && i < line; i++)
                lloyd->sums[a * line + i] =
                    lloyd->sums[b * line + i] + (cells[a] > 0 ? lloyd->sums[a * line + i] : 0);
            if (!small && cells[a] > 0)
                add_point(lloyd, a);
            if (!small && cells[b] > 0)
                add_point(lloyd, b);
            cells[a] = small ? cells[a] + cells[b] : 0;
        }
    }
    if (cells[0] > 0)
        add_point(lloyd, 0);
}

/* ---- From points to centres ---- */

/* A point by chance in proportion to weight x near. */
static size_t draw_point(const struct dpm_coreset *coreset, struct dpm_stream *stream)
{
    double total = 0, sum = 0;
    for (size_t i = 0; i < coreset->n_points; i++)
        total += coreset->weights[i] * coreset->near[i];
    double at = dpm_stream_uniform(stream) * total;
    for (size_t i = 0; i < coreset->n_points; i++) {
        sum += coreset->weights[i] * coreset->near[i];
        if (sum > at)
            return i;
    }
    return coreset->n_points - 1;
}

static void start_centres(struct dpm_lloyd *lloyd, struct dpm_stream *stream)
{
    struct dpm_coreset *coreset = lloyd->coreset;
    struct dpm_centres *centres = lloyd->centres;
    size_t d = centres->n_features, n = coreset->n_points;
    for (size_t i = 0; i < n; i++)
        coreset->near[i] = 1;
    for (size_t j = 0; j < lloyd->n_parts; j++) {
        float *centre = centres->centres + j * d;
        memcpy(centre, coreset->points + draw_point(coreset, stream) * d, d * sizeof *centre);
        dpm_mat_mul_bt(coreset->products, 1, coreset->points, d, centre, d, n, 1, d);
        double own = dpm_mat_square(centre, d);
        for (size_t i = 0; i < n; i++) {
            double distance = fmax(0, coreset->squares[i] + own - 2 * (double)coreset->products[i]);
            coreset->near[i] = j == 0 ? distance : fmin(coreset->near[i], distance);
        }
    }
}

static void find_nearest(struct dpm_lloyd *lloyd)
{
    struct dpm_coreset *coreset = lloyd->coreset;
    size_t d = lloyd->centres->n_features;
    for (size_t j = 0; j < lloyd->centres->n_centres; j++)
        dpm_centres_set_offset(lloyd->centres, j);
    for (size_t first = 0; first < coreset->n_points; first += CHUNK) {
        size_t n = coreset->n_points - first < CHUNK ? coreset->n_points - first : CHUNK;
        dpm_centres_nearest(lloyd->centres, coreset->nearest + first, coreset->scores,
                            coreset->points + first * d, d, coreset->ones, n);
    }
}

/* A step of Lloyd's algorithm. A centre without points stays where it is. */
static void move_centres(struct dpm_lloyd *lloyd)
{
    const struct dpm_coreset *coreset = lloyd->coreset;
    size_t d = lloyd->centres->n_features, k = lloyd->n_parts;
    find_nearest(lloyd);
    memset(lloyd->sums, 0, k * (d + 1) * sizeof *lloyd->sums);
    for (size_t i = 0; i < coreset->n_points; i++) {
        double *sum = lloyd->sums + (size_t)coreset->nearest[i] * (d + 1);
        for (size_t l = 0; l < d; l++)
            sum[l] += coreset->weights[i] * (double)coreset->points[i * d + l];
        sum[d] += coreset->weights[i];
    }
    for (size_t j = 0; j < k; j++)
        for (size_t l = 0; l < d && lloyd->sums[j * (d + 1) + d] > 0; l++)
            lloyd->centres->centres[j * d + l] =
                (float)(lloyd->sums[j * (d + 1) + l] / lloyd->sums[j * (d + 1) + d]);
}

/* Weighted sum of squared distances to the nearest centre, less a constant. */
static double cost(struct dpm_lloyd *lloyd)
{
    const struct dpm_coreset *coreset = lloyd->coreset;
    size_t d = lloyd->centres->n_features;
    double sum = 0;
    find_nearest(lloyd);
    for (size_t i = 0; i < coreset->n_points; i++) {
        const float *point = coreset->points + i * d;
        const float *centre = lloyd->centres->centres + (size_t)coreset->nearest[i] * d;
        double distance = 0;
        for (size_t l = 0; l < d; l++)
            distance += ((double)point[l] - (double)centre[l]) * ((double)point[l] - (double)centre[l]);
        sum += coreset->weights[i] * distance;
    }
    return sum;
}

void dpm_coreset_cluster(struct dpm_lloyd *lloyd)
{
    struct dpm_stream stream;
    size_t size = lloyd->n_parts * lloyd->centres->n_features * sizeof(float);
    double least = INFINITY;
    join_cells(lloyd);
    dpm_stream_open(&stream, lloyd->key, DPM_STREAM_MODEL, 1, 0);
    lloyd->centres->n_centres = lloyd->n_parts;
    for (int restart = 0; restart < RESTARTS; restart++) {
        start_centres(lloyd, &stream);
        for (int i = 0; i < ITERATIONS; i++)
            move_centres(lloyd);
        double value = cost(lloyd);
        if (value < least) {
            least = value;
            memcpy(lloyd->coreset->best, lloyd->centres->centres, size);
        }
    }
    memcpy(lloyd->centres->centres, lloyd->coreset->best, size);
    for (size_t j = 0; j < lloyd->n_parts; j++) /* the last start left its own */
        dpm_centres_set_offset(lloyd->centres, j);
}
