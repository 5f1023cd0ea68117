/* SPDX-License-Identifier: BSD-3-Clause */
/* Densities and responsibilities of a fitted DP Gaussian mixture. */
#include "generator_gmm_density.h"
#include "base_alloc.h"
#include "base_fail.h"
#include "generator_gmm.h"
#include "generator_gmm_map.h"
#include "linalg_mat.h"

#include <math.h>
#include <string.h>

enum { BLOCK_ROWS = 128 };
static const double log_two_pi = 1.8378770664093454836;

/* The logarithm of weight times density, of each row of a block under each component. */
struct block {
    const struct dpm_gmm *model;
    const struct dpm_gmm_view *view;
    const struct dpm_bounds *bounds;
    size_t most;    /* components of the largest group */
    float *offsets; /* n_groups x dims: the groups' means in the subspace */
    float *rows;    /* BLOCK_ROWS x columns, twice: as they are, and their representation */
    float *points;  /* BLOCK_ROWS x dims, twice */
    float *logs;    /* BLOCK_ROWS x most */
    float *scratch;
    double *joint; /* BLOCK_ROWS x components */
};

/* The caller's records may be private. */
static void free_block(struct block *block)
{
    dpm_free(block->offsets);
    dpm_free_wiped(block->rows);
    dpm_free_wiped(block->points);
    dpm_free_wiped(block->logs);
    dpm_free_wiped(block->scratch);
    dpm_free_wiped(block->joint);
}

static int new_block(struct block *block, const struct dpmix_generator *generator)
{
    const struct dpm_gmm *model = generator->model;
    const struct dpm_gmm_view *view = &model->view[0];
    size_t dims = view->dims, columns = view->n_columns, n_groups = dpm_gmm_groups(model);
    *block = (struct block){.model = model, .view = view, .bounds = &generator->bounds};
    for (size_t group = 0; group < n_groups; group++) {
        size_t k = view->first[group + 1] - view->first[group];
        block->most = k > block->most ? k : block->most;
    }
    block->offsets = dpm_alloc(n_groups, dims * sizeof(float));
    block->rows = dpm_alloc(2 * BLOCK_ROWS, columns * sizeof(float));
    block->points = dpm_alloc(2 * BLOCK_ROWS, dims * sizeof(float));
    block->logs = dpm_alloc(BLOCK_ROWS, block->most * sizeof(float));
    block->scratch = dpm_alloc(BLOCK_ROWS, dpm_density_scratch(&view->density, block->most) * sizeof(float));
    block->joint = dpm_alloc(BLOCK_ROWS, view->density.n * sizeof(double));
    int complete =
        block->offsets && block->rows && block->points && block->logs && block->scratch && block->joint;
    if (complete)
        dpm_mat_mul_bt(block->offsets, dims, view->means, columns, view->directions, columns, n_groups, dims,
                       columns);
    return complete ? DPMIX_OK : DPMIX_ERR_NOMEM;
}

/* Twice the negative log density beside the subspace. */
static double rest_term(const struct dpm_gmm_view *view, const float *row, const float *mean,
                        const float *point)
{
    double energy = 0;
    size_t beside = view->n_columns - view->dims;
    if (beside == 0)
        return 0;
    for (size_t c = 0; c < view->n_columns; c++)
        energy += ((double)row[c] - (double)mean[c]) * ((double)row[c] - (double)mean[c]);
    for (size_t l = 0; l < view->dims; l++)
        energy -= (double)point[l] * (double)point[l];
    energy = energy < 0 ? 0 : energy; /* not fmax: NaN stays */
    return energy / view->rest + (double)beside * (log(view->rest) + log_two_pi);
}

/* How far out a value may count, in widths of its bounds: beyond, squares would overflow float32. */
static const double farthest = 1e9;

static double within_reach(double place)
{
    return place > farthest ? farthest : place < -farthest ? -farthest : place; /* NaN stays */
}

/* Fills block->joint for n rows in declared units, which need not lie within the bounds. */
static void evaluate(struct block *block, const float *rows, const int32_t *labels, size_t n)
{
    const struct dpm_gmm_view *view = block->view;
    const struct dpm_bounds *bounds = block->bounds;
    size_t dims = view->dims, columns = view->n_columns, total = view->density.n;
    for (size_t i = 0; i < n * columns; i++)
        block->rows[i] =
            (float)within_reach(((double)rows[i] - bounds->lower[i % columns]) * bounds->scale[i % columns]);
    const float *from =
        dpm_gmm_represent(view->distance, block->rows + BLOCK_ROWS * columns, block->rows, n, columns);
    float *whole = block->points + BLOCK_ROWS * dims;
    dpm_mat_mul_bt(whole, dims, from, columns, view->directions, columns, n, dims, columns);
    for (size_t group = 0; group < dpm_gmm_groups(block->model); group++) {
        size_t first = view->first[group], k = view->first[group + 1] - first;
        for (size_t i = 0; i < n * dims; i++)
            block->points[i] = whole[i] - block->offsets[group * dims + i % dims];
        dpm_density_logs(&view->density, first, k, block->logs, block->points, n, block->scratch);
        for (size_t i = 0; i < n; i++) {
            double rest =
                rest_term(view, from + i * columns, view->means + group * columns, block->points + i * dims);
            int other = labels && block->model->classes && (size_t)labels[i] != group;
            for (size_t j = 0; j < k; j++)
                block->joint[i * total + first + j] =
                    other ? -INFINITY
                          : log(view->weights[first + j]) + (double)block->logs[i * k + j] - 0.5 * rest;
        }
    }
}

static double log_sum(const double *values, size_t n)
{
    double largest = -INFINITY, sum = 0;
    for (size_t i = 0; i < n; i++)
        largest = values[i] > largest || isnan(values[i]) ? values[i] : largest;
    if (isnan(largest) || largest == -INFINITY)
        return largest;
    for (size_t i = 0; i < n; i++)
        sum += exp(values[i] - largest);
    return largest + log(sum);
}

static int check(const struct dpmix_generator *generator, const int32_t *labels, size_t n)
{
    const struct dpm_gmm *model = generator->model;
    if (generator->kind != &dpm_generator_gmm)
        return dpm_fail(DPMIX_ERR_UNSUPPORTED, "generator: only the Gaussian mixture has components");
    if (labels && model->classes == 0)
        return dpm_fail(DPMIX_ERR_UNSUPPORTED, "labels: the model has none; pass NULL");
    for (size_t i = 0; labels && i < n; i++)
        if (labels[i] < 0 || (size_t)labels[i] >= model->classes)
            return dpm_fail(DPMIX_ERR_RANGE, "labels: must lie in [0, classes)");
    return DPMIX_OK;
}

int dpm_gmm_components(const struct dpmix_generator *generator, size_t *n)
{
    const struct dpm_gmm *model = generator->model;
    int status = check(generator, NULL, 0);
    if (status)
        return status;
    *n = 0;
    for (size_t v = 0; v < model->n_views; v++)
        *n += model->view[v].density.n;
    return DPMIX_OK;
}

int dpm_gmm_log_density(const struct dpmix_generator *generator, double *out, const float *rows,
                        const int32_t *labels, size_t n)
{
    const struct dpm_gmm *model = generator->model;
    struct block block = {0};
    double log_scale = 0;
    int status = check(generator, labels, n);
    if (!status && (model->n_views > 1 || model->view[0].distance))
        status = dpm_fail(DPMIX_ERR_UNSUPPORTED, "generator: a model of distances has no density of rows");
    if (!status)
        status = new_block(&block, generator);
    for (size_t c = 0; !status && c < model->n_columns; c++)
        log_scale += log(generator->bounds.scale[c]);
    for (size_t done = 0; !status && done < n; done += BLOCK_ROWS) {
        size_t count = n - done < BLOCK_ROWS ? n - done : BLOCK_ROWS, total = block.view->density.n;
        evaluate(&block, rows + done * model->n_columns, labels ? labels + done : NULL, count);
        for (size_t i = 0; i < count; i++)
            out[done + i] = log_scale + log_sum(block.joint + i * total, total);
    }
    free_block(&block);
    return status;
}

int dpm_gmm_assign(const struct dpmix_generator *generator, float *shares, const float *rows,
                   const int32_t *labels, size_t n)
{
    const struct dpm_gmm *model = generator->model;
    struct block block = {0};
    int status = check(generator, labels, n);
    if (!status && model->n_views > 1)
        status = dpm_fail(DPMIX_ERR_UNSUPPORTED, "generator: its two representations share no components");
    if (!status)
        status = new_block(&block, generator);
    for (size_t done = 0; !status && done < n; done += BLOCK_ROWS) {
        size_t count = n - done < BLOCK_ROWS ? n - done : BLOCK_ROWS, total = block.view->density.n;
        evaluate(&block, rows + done * model->n_columns, labels ? labels + done : NULL, count);
        for (size_t i = 0; i < count; i++) {
            const double *joint = block.joint + i * total;
            double sum = log_sum(joint, total);
            for (size_t j = 0; j < total; j++)
                shares[(done + i) * total + j] = sum == -INFINITY ? 0 : (float)exp(joint[j] - sum);
        }
    }
    free_block(&block);
    return status;
}
