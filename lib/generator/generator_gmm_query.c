/* SPDX-License-Identifier: BSD-3-Clause */
/* The contributions of a row to the DP Gaussian mixture's queries. The vault clips, too; to do it here leaves
 * the count beside a long vector whole. */
#include "generator_gmm_fit.h"
#include "linalg_mat.h"

#include <math.h>
#include <string.h>

static void clip(float *values, size_t n, double radius)
{
    double length = sqrt(dpm_mat_square(values, n));
    for (size_t i = 0; length > radius && i < n; i++)
        values[i] = (float)((double)values[i] * radius / length);
}

/* Coordinates in the basis to the end of the scratch, of which the first n_columns numbers a row are in use.
 */
static float *features(const struct dpm_gmm_work *work, const struct dpm_block *block, const float **rows)
{
    float *out = block->scratch + block->n_rows * block->n_columns;
    *rows =
        dpm_gmm_represent(work->map.distance, block->scratch, block->rows, block->n_rows, block->n_columns);
    dpm_gmm_map_apply(&work->map, out, *rows, block->n_rows);
    return out;
}

/* 1 x (row in the basis, weight, square). */
static void contribute_sums(const void *argument, const struct dpm_block *block, float *const *left,
                            float *const *right)
{
    const struct dpm_gmm_work *work = argument;
    size_t d = work->map.dims;
    const float *rows, *from = features(work, block, &rows);
    float origin = dpm_gmm_origin(&work->map);
    for (size_t i = 0; i < block->n_rows; i++) {
        float *out = right[0] + i * (d + 2);
        for (size_t j = 0; j < d; j++)
            out[j] = from[i * d + j] - origin;
        clip(out, d, work->plan.row_clip);
        out[d] = (float)work->plan.sums_weight;
        out[d + 1] = (float)(work->plan.energy_weight * dpm_mat_square(out, d));
        left[0][i] = 1;
    }
}

/* Clipped to `radius` and divided by it: no longer than 1. */
static void scale(float *values, size_t n, double radius)
{
    double length = sqrt(dpm_mat_square(values, n)), divisor = length > radius ? length : radius;
    for (size_t i = 0; i < n; i++)
        values[i] = (float)((double)values[i] / divisor);
}

/* residual x residual over the square of the clip, and the energy that the basis leaves out, brought below
 * what the clip leaves of it: |residual|^4 + energy^2 <= 1. */
static void contribute_pooled(const void *argument, const struct dpm_block *block, float *const *left,
                              float *const *right)
{
    const struct dpm_gmm_work *work = argument;
    size_t d = work->map.dims, n = block->n_columns;
    const float *rows = dpm_gmm_represent(work->map.distance, block->scratch, block->rows, block->n_rows, n);
    dpm_gmm_map_apply(&work->map, left[0], rows, block->n_rows);
    for (size_t i = 0; i < block->n_rows; i++) {
        float *out = left[0] + i * d;
        const float *mean = work->group_means + (size_t)block->parts[i] * d;
        double beside = work->map.dct.matrix ? dpm_mat_square(rows + i * n, n) - dpm_mat_square(out, d) : 0;
        for (size_t j = 0; j < d; j++)
            out[j] -= mean[j];
        scale(out, d, work->residual_clip);
        double room = sqrt(fmax(1 - pow(dpm_mat_square(out, d), 2), 0));
        memcpy(right[0] + i * d, out, d * sizeof *out);
        left[1][i] = 1;
        right[1][i] = (float)fmin(fmax(beside / pow(work->residual_clip, 2), 0), room);
    }
}

/* Rows about their group's mean in the subspace; written after the rows' representations. */
static float *project(const struct dpm_gmm_work *work, const struct dpm_block *block)
{
    size_t dims = work->view->dims, n = block->n_columns;
    float *out = block->scratch + block->n_rows * n;
    const float *rows = dpm_gmm_represent(work->map.distance, block->scratch, block->rows, block->n_rows, n);
    dpm_mat_mul_bt(out, dims, rows, n, work->view->directions, n, block->n_rows, dims, n);
    for (size_t i = 0; i < block->n_rows; i++) {
        const float *offset = work->offsets + (size_t)block->parts[i] * dims;
        for (size_t j = 0; j < dims; j++)
            out[i * dims + j] -= offset[j];
    }
    return out;
}

static size_t nearest(const struct dpm_gmm_work *work, size_t group, const float *point)
{
    size_t dims = work->view->dims, best = 0;
    const float *centres = dpm_gmm_centre(work, group, 0);
    float least = INFINITY;
    for (size_t j = 0; j < work->n_centres[group]; j++) {
        float distance = 0;
        for (size_t l = 0; l < dims; l++) {
            float away = point[l] - centres[j * dims + l];
            distance += away * away;
        }
        best = distance < least ? j : best;
        least = distance < least ? distance : least;
    }
    return best;
}

/* One-hot(nearest centre) x (residual about it over the clip, weight). */
static void contribute_moves(const void *argument, const struct dpm_block *block, float *const *left,
                             float *const *right)
{
    const struct dpm_gmm_work *work = argument;
    size_t dims = work->view->dims, k = work->plan.most_start, width = work->plan.most_dims + 1;
    float *points = project(work, block);
    memset(left[0], 0, block->n_rows * k * sizeof(float));
    memset(right[0], 0, block->n_rows * width * sizeof(float));
    for (size_t i = 0; i < block->n_rows; i++) {
        size_t group = (size_t)block->parts[i], j = nearest(work, group, points + i * dims);
        const float *centre = dpm_gmm_centre(work, group, j);
        left[0][i * k + j] = 1;
        for (size_t l = 0; l < dims; l++)
            points[i * dims + l] -= centre[l];
        scale(points + i * dims, dims, work->component_clip);
        memcpy(right[0] + i * width, points + i * dims, dims * sizeof(float));
        right[0][i * width + dims] = (float)work->plan.moves_weight;
    }
}

/* A component by its responsibilities and a standard normal z: Phi(z) is uniform. */
static size_t draw(const float *shares, size_t n, float z)
{
    double u = 0.5 * erfc(-(double)z * sqrt(0.5));
    size_t j = 0;
    for (; j + 1 < n && u >= (double)shares[j]; j++)
        u -= (double)shares[j];
    return j;
}

/* A row goes to the component that is nearest or drawn (left: one-hot). Points become residuals about its
 * centre, over the clip. The query is per group, so a block is of one group. */
static void choose(const struct dpm_gmm_work *work, const struct dpm_block *block, float *left, float *points)
{
    const struct dpm_gmm_view *view = work->view;
    size_t dims = view->dims, k = work->plan.most_components, n = block->n_rows;
    size_t group = (size_t)block->parts[0], first = view->first[group], count = work->n_centres[group];
    float *shares = block->scratch + n * (block->n_columns + work->plan.most_dims);
    if (work->by_density)
        dpm_density_responsibilities(&view->density, first, count, shares, work->log_weights + first, points,
                                     n, shares + n * k);
    memset(left, 0, n * k * sizeof *left);
    for (size_t i = 0; i < n; i++) {
        float *point = points + i * dims;
        size_t j = work->by_density ? draw(shares + i * count, count, block->normals[i])
                                    : nearest(work, group, point);
        const float *centre = dpm_gmm_centre(work, group, j);
        for (size_t l = 0; l < dims; l++)
            point[l] -= centre[l];
        scale(point, dims, work->component_clip);
        left[i * k + j] = 1;
    }
}

/* The second moment of a row: (one-hot x residual) x residual, or one-hot x the squares of the residual;
 * where all components have one covariance, residual x residual. */
static void set_second(const struct dpm_gmm_work *work, size_t n, const float *shares, const float *points,
                       float *left, float *right)
{
    const struct dpm_gmm_plan *plan = &work->plan;
    size_t dims = work->view->dims, k = plan->most_components, width = plan->most_dims;
    int diagonal = plan->covariance == DPMIX_GMM_COVARIANCE_DIAGONAL;
    int tied = plan->covariance == DPMIX_GMM_COVARIANCE_TIED;
    size_t left_width = diagonal ? k : (tied ? width : k * width);
    float weight = (float)plan->second_weight;
    memset(left, 0, n * left_width * sizeof *left);
    memset(right, 0, n * width * sizeof *right);
    for (size_t i = 0; i < n; i++) {
        const float *point = points + i * dims;
        for (size_t l = 0; l < dims; l++)
            right[i * width + l] = weight * (diagonal ? point[l] * point[l] : point[l]);
        if (diagonal)
            memcpy(left + i * k, shares + i * k, k * sizeof *left);
        else if (tied)
            memcpy(left + i * width, point, dims * sizeof *left);
        else
            dpm_density_spread(left + i * left_width, shares + i * k, point, 1, k, dims);
    }
}

/* one-hot x (sum, count), and the second moment. */
static void contribute_moments(const void *argument, const struct dpm_block *block, float *const *left,
                               float *const *right)
{
    const struct dpm_gmm_work *work = argument;
    const struct dpm_gmm_plan *plan = &work->plan;
    size_t dims = work->view->dims, width = plan->most_dims + 1, n = block->n_rows;
    float *points = project(work, block), *shares = left[0];
    choose(work, block, shares, points);
    memset(right[0], 0, n * width * sizeof(float));
    for (size_t i = 0; i < n; i++) {
        float *sum = right[0] + i * width;
        for (size_t l = 0; l < dims; l++)
            sum[l] = (float)plan->mean_weight * points[i * dims + l];
        sum[dims] = (float)plan->count_weight;
    }
    set_second(work, n, shares, points, left[1], right[1]);
}

dpm_block_fn *dpm_gmm_contribution(size_t q)
{
    static dpm_block_fn *const contribution[DPM_GMM_QUERIES] = {contribute_sums, contribute_pooled,
                                                                contribute_moves, contribute_moments};
    return contribution[q];
}
