/* SPDX-License-Identifier: BSD-3-Clause */
#include "privacy_sum.h"
#include "base_alloc.h"
#include "base_fail.h"
#include "linalg_mat.h"
#include "privacy_clip.h"
#include "privacy_sensitivity.h"

#include <fenv.h>
#include <math.h>

static size_t larger(size_t a, size_t b)
{
    return a > b ? a : b;
}

int dpm_sum_worker_new(struct dpm_sum_worker *worker, const struct dpmix_dataset *dataset,
                       const struct dpm_query_plan *plans, size_t n_plans)
{
    size_t n_rows = 0, normals = 0, scratch = 0, product = 0;
    size_t left[DPM_QUERY_MATRICES] = {0}, right[DPM_QUERY_MATRICES] = {0};
    for (size_t i = 0; i < n_plans; i++) {
        size_t rows = dpm_query_block_rows(&plans[i]);
        n_rows = larger(n_rows, rows);
        normals = larger(normals, rows * plans[i].normals);
        scratch = larger(scratch, rows * plans[i].scratch);
        for (int m = 0; m < plans[i].n_matrices; m++) {
            const struct dpm_query_matrix *matrix = &plans[i].matrix[m];
            left[m] = larger(left[m], rows * (size_t)matrix->rank * matrix->rows);
            right[m] = larger(right[m], rows * (size_t)matrix->rank * matrix->columns);
            product = larger(product, matrix->rows * matrix->columns);
        }
    }
    worker->rows = dpm_alloc(n_rows * dpm_dataset_columns(dataset), sizeof(float));
    worker->labels = dpm_alloc(n_rows, sizeof *worker->labels);
    worker->parts = dpm_alloc(n_rows, sizeof *worker->parts);
    worker->normals = dpm_alloc(normals, sizeof(float));
    worker->scratch = dpm_alloc(scratch, sizeof(float));
    worker->product = dpm_alloc(product, sizeof(float));
    int complete = worker->rows && worker->labels && worker->parts && worker->normals && worker->scratch &&
                   worker->product;
    for (int m = 0; m < DPM_QUERY_MATRICES && left[m] > 0; m++) {
        worker->left[m] = dpm_alloc(left[m], sizeof(float));
        worker->right[m] = dpm_alloc(right[m], sizeof(float));
        complete = complete && worker->left[m] && worker->right[m];
    }
    return complete ? DPMIX_OK : DPMIX_ERR_NOMEM;
}

void dpm_sum_worker_free(struct dpm_sum_worker *worker)
{
    dpm_free_wiped(worker->rows);
    dpm_free_wiped(worker->labels);
    dpm_free_wiped(worker->parts);
    dpm_free_wiped(worker->normals);
    dpm_free_wiped(worker->scratch);
    dpm_free_wiped(worker->product);
    for (int m = 0; m < DPM_QUERY_MATRICES; m++) {
        dpm_free_wiped(worker->left[m]);
        dpm_free_wiped(worker->right[m]);
    }
    *worker = (struct dpm_sum_worker){0};
}

/* Copies a block's rows, labels and parts; their normals come from streams of (query, row), so they do not
 * depend on the company that a row is in. */
static void gather(const struct dpm_sum *sum, struct dpm_sum_worker *worker, const size_t *order, size_t n)
{
    const int32_t *labels = sum->dataset->source.labels;
    dpm_dataset_gather(sum->dataset, worker->rows, order, n);
    for (size_t i = 0; i < n; i++) {
        if (labels)
            worker->labels[i] = labels[order[i]];
        worker->parts[i] = sum->parts ? sum->parts[order[i]] : 0;
    }
    for (size_t i = 0; sum->plan->normals > 0 && i < n; i++) {
        struct dpm_stream stream;
        dpm_stream_open(&stream, sum->key, DPM_STREAM_AUXILIARY, sum->query, order[i]);
        dpm_stream_normals(&stream, worker->normals + i * sum->plan->normals, sum->plan->normals);
        dpm_stream_wipe(&stream);
    }
}

/* Rounds a block's product to the grid and adds it. */
static void add_to_grid(int64_t *sums, const float *product, size_t n, double steps_per_unit)
{
    for (size_t i = 0; i < n; i++) {
        int64_t steps = (int64_t)rint((double)product[i] * steps_per_unit);
        sums[i] = (int64_t)((uint64_t)sums[i] + (uint64_t)steps);
    }
}

static void add_block(const struct dpm_sum *sum, struct dpm_sum_worker *worker,
                      const struct dpm_sample_block *sample_block)
{
    const struct dpm_query_plan *plan = sum->plan;
    gather(sum, worker, sum->sample->order + sample_block->first, sample_block->n);
    struct dpm_block block = {
        .n_rows = sample_block->n,
        .n_columns = dpm_dataset_columns(sum->dataset),
        .rows = worker->rows,
        .labels = sum->dataset->source.labels ? worker->labels : NULL,
        .parts = worker->parts,
        .normals = worker->normals,
        .scratch = worker->scratch,
    };
    sum->contribution(sum->model, &block, worker->left, worker->right);
    int64_t within = 0, n_rows = (int64_t)block.n_rows;
    for (size_t i = 0; i < block.n_rows; i++)
        within += dpm_clip_row(plan, worker->left, worker->right, i);
    double steps_per_unit = 1 / dpm_sensitivity_grid(plan); /* a power of two: exact */
    int64_t *sums = sum->sums + (size_t)sample_block->part * dpm_query_size(plan);
    for (int m = 0; m < plan->n_matrices; m++) {
        const struct dpm_query_matrix *matrix = &plan->matrix[m];
        size_t n = matrix->rows * matrix->columns;
        dpm_mat_mul_at(worker->product, matrix->columns, worker->left[m], matrix->rows, worker->right[m],
                       matrix->columns, matrix->rows, matrix->columns, block.n_rows * (size_t)matrix->rank);
        dpm_mutex *lock = &sum->locks[sample_block->part * plan->n_matrices + m];
        dpm_mutex_lock(lock);
        add_to_grid(sums, worker->product, n, steps_per_unit);
        if (plan->norm_indicator > 0 && m == plan->n_matrices - 1)
            sums[n] += (2 * within - n_rows) * dpm_sensitivity_indicator(plan);
        dpm_mutex_unlock(lock);
        sums += n;
    }
}

void dpm_sum_block(void *context, size_t task, int worker)
{
    const struct dpm_sum *sum = context;
    /* The error bounds hold for rounding to nearest with denormals; the caller's environment may differ. */
    fenv_t environment;
    fegetenv(&environment);
    fesetenv(FE_DFL_ENV);
    add_block(sum, &sum->workers[worker], &sum->sample->blocks[task]);
    fesetenv(&environment);
}
