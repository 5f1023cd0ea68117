/* SPDX-License-Identifier: BSD-3-Clause */
#include "privacy_sum.h"
#include "base_alloc.h"
#include "base_simd.h"
#include "linalg_mat.h"
#include "privacy_clip.h"
#include "privacy_normal.h"
#include "privacy_sensitivity.h"
#include "random_stream.h"

#include <string.h>

static size_t larger(size_t a, size_t b)
{
    return a > b ? a : b;
}

/* Rows of a piece of a block, and the most numbers of a sum that blocks are added to in pieces. */
enum { PIECE_ROWS = 32, PIECE_NUMBERS = 1 << 17 };

/* Lines of a block's sums begin where cache lines do. */
static size_t padded(size_t columns)
{
    return (columns + 15) / 16 * 16;
}

/* Whether blocks can be added in pieces, as long as their left factors turn out to be one-hot. */
static int fits_pieces(const struct dpm_query_plan *plan)
{
    const struct dpm_query_matrix *matrix = &plan->matrix[0];
    return plan->n_matrices == 1 && matrix->rank == 1 &&
           padded(matrix->columns) <= PIECE_NUMBERS / matrix->rows;
}

/* Words of the stream that a row's normals come from: a normal each, in whole blocks of the cipher. */
static size_t words_per_row(const struct dpm_query_plan *plan)
{
    return (plan->normals + 7) / 8 * 8;
}

/* Numbers in the longest row that a block of the plans lends. */
static size_t row_width(const struct dpmix_dataset *dataset, const struct dpm_query_plan *plans,
                        size_t n_plans)
{
    size_t width = dpm_dataset_columns(dataset);
    for (size_t i = 0; i < n_plans; i++)
        width = larger(width, plans[i].map ? plans[i].map->width : 0);
    return width;
}

int dpm_sum_worker_new(struct dpm_sum_worker *worker, const struct dpmix_dataset *dataset,
                       const struct dpm_query_plan *plans, size_t n_plans)
{
    size_t n_rows = 0, normals = 0, words = 0, scratch = 0, product = 0, lines = 0;
    size_t numbers = 0, places = 0;
    size_t left[DPM_QUERY_MATRICES] = {0}, right[DPM_QUERY_MATRICES] = {0};
    for (size_t i = 0; i < n_plans; i++) {
        if (plans[i].in_words)
            continue;
        size_t rows = dpm_query_block_rows(&plans[i]);
        n_rows = larger(n_rows, rows);
        normals = larger(normals, rows * plans[i].normals);
        words = larger(words, rows * words_per_row(&plans[i]));
        scratch = larger(scratch, rows * plans[i].scratch);
        if (fits_pieces(&plans[i])) {
            numbers = larger(numbers, plans[i].matrix[0].rows * padded(plans[i].matrix[0].columns));
            places = larger(places, plans[i].matrix[0].rows);
        }
        for (int m = 0; m < plans[i].n_matrices; m++) {
            const struct dpm_query_matrix *matrix = &plans[i].matrix[m];
            left[m] = larger(left[m], rows * (size_t)matrix->rank * matrix->rows);
            right[m] = larger(right[m], rows * (size_t)matrix->rank * matrix->columns);
            product = larger(product, larger(matrix->rows * DPM_MAT_STRIP, matrix->columns));
            lines = larger(lines, rows * (size_t)matrix->rank);
        }
    }
    worker->rows = dpm_alloc(n_rows, row_width(dataset, plans, n_plans) * sizeof(float));
    worker->labels = dpm_alloc(n_rows, sizeof *worker->labels);
    worker->parts = dpm_alloc(n_rows, sizeof *worker->parts);
    worker->normals = dpm_alloc(normals, sizeof(float));
    worker->words = dpm_alloc(words, sizeof *worker->words);
    worker->drawn = dpm_alloc(words, sizeof(float));
    worker->scratch = dpm_alloc(scratch, sizeof(float));
    worker->product = dpm_alloc(product, sizeof(float));
    worker->places = dpm_alloc(2 * lines, sizeof *worker->places);
    worker->lines = dpm_alloc(numbers, sizeof(float));
    worker->used = dpm_alloc(places, sizeof *worker->used);
    int complete = worker->rows && worker->labels && worker->parts && worker->normals && worker->words &&
                   worker->drawn && worker->scratch && worker->product && worker->places && worker->lines &&
                   worker->used;
    for (int m = 0; m < DPM_QUERY_MATRICES && left[m] > 0; m++) {
        worker->left[m] = dpm_alloc(left[m], sizeof(float));
        worker->right[m] = dpm_alloc(right[m], sizeof(float));
        complete = complete && worker->left[m] && worker->right[m];
    }
    return complete ? dpm_words_worker_new(&worker->in_words, dataset, plans, n_plans) : DPMIX_ERR_NOMEM;
}

void dpm_sum_worker_free(struct dpm_sum_worker *worker)
{
    dpm_free_wiped(worker->rows);
    dpm_free_wiped(worker->labels);
    dpm_free_wiped(worker->parts);
    dpm_free_wiped(worker->normals);
    dpm_free_wiped(worker->words);
    dpm_free_wiped(worker->drawn);
    dpm_free_wiped(worker->scratch);
    dpm_free_wiped(worker->product);
    dpm_free_wiped(worker->places);
    dpm_free_wiped(worker->lines);
    dpm_free_wiped(worker->used);
    for (int m = 0; m < DPM_QUERY_MATRICES; m++) {
        dpm_free_wiped(worker->left[m]);
        dpm_free_wiped(worker->right[m]);
    }
    dpm_words_worker_free(&worker->in_words);
    *worker = (struct dpm_sum_worker){0};
}

/* Box and Muller's pairs of normals from pairs of words. */
DPM_SIMD_INLINE void make_normals_body(float *normals, const uint64_t *words, size_t n)
{
    for (size_t i = 0; i < n; i += 2) {
        struct dpm_normal_pair pair = dpm_normal_pair(words[i], words[i + 1], 1);
        normals[i] = (float)pair.cosine;
        normals[i + 1] = (float)pair.sine;
    }
}

DPM_SIMD_VERSIONS(make_normals, (float *normals, const uint64_t *words, size_t n), (normals, words, n))

/* The normals that rows are lent come from streams of (query, row), so they do not depend on the company that
 * a row is in. */
static void draw_normals(const struct dpm_sum *sum, struct dpm_sum_worker *worker, const size_t *order,
                         size_t n)
{
    size_t normals = sum->plan->normals, words = words_per_row(sum->plan);
    for (size_t i = 0; i < n; i++) {
        struct dpm_stream stream;
        dpm_stream_open(&stream, sum->key, DPM_STREAM_AUXILIARY, sum->query, order[i]);
        dpm_stream_fill(&stream, worker->words + i * words, words);
        dpm_stream_wipe(&stream);
    }
    make_normals(worker->drawn, worker->words, n * words);
    for (size_t i = 0; i < n; i++)
        memcpy(worker->normals + i * normals, worker->drawn + i * words, normals * sizeof *worker->normals);
}

/* Copies a block's rows, labels and parts. */
static void gather(const struct dpm_sum *sum, struct dpm_sum_worker *worker, const size_t *order, size_t n)
{
    const int32_t *labels = sum->dataset->source.labels;
    if (sum->plan->map) {
        size_t width = sum->plan->map->width;
        for (size_t i = 0; i < n; i++)
            memcpy(worker->rows + i * width, sum->mapped + order[i] * width, width * sizeof *worker->rows);
    } else {
        dpm_dataset_gather(sum->dataset, worker->rows, order, n);
    }
    for (size_t i = 0; i < n; i++) {
        if (labels)
            worker->labels[i] = labels[order[i]];
        worker->parts[i] = sum->parts ? sum->parts[order[i]] : 0;
    }
    if (sum->plan->normals > 0)
        draw_normals(sum, worker, order, n);
}

/* Where the products of a block go. They are far below 2^51 steps: at most B kappa C, and a step is at least
 * 2^-12 C / sqrt(D). */
static struct dpm_grid grid_of(int64_t *sums, const struct dpm_query_plan *plan, int m, dpm_mutex *lock)
{
    return (struct dpm_grid){sums, plan->matrix[m].columns, 1 / dpm_sensitivity_grid(plan), lock};
}

/* The place of a line's only entry that is not zero; DENSE when there are several, NONE when there are none.
 */
enum { NONE = -1, DENSE = -2 };

DPM_SIMD_INLINE void find_place_body(int32_t *place, const float *values, size_t n)
{
    uint32_t sum = 0, count = 0;
    for (size_t i = 0; i < n; i++) {
        uint32_t full = values[i] != 0;
        count += full;
        sum += full * (uint32_t)i;
    }
    *place = count == 1 ? (int32_t)sum : count == 0 ? NONE : DENSE;
}

DPM_SIMD_VERSIONS(find_place, (int32_t * place, const float *values, size_t n), (place, values, n))

/* One-hot left factors: the places of n lines. False when a line is dense; most are found so at the first. */
static int find_places(int32_t *places, const float *left, size_t n, size_t n_places)
{
    for (size_t i = 0; i < n; i++) {
        find_place(&places[i], left + i * n_places, n_places);
        if (places[i] == DENSE)
            return 0;
    }
    return 1;
}

DPM_SIMD_INLINE void add_line_body(float *restrict sum, const float *restrict line, float factor, size_t n)
{
    for (size_t i = 0; i < n; i++)
        sum[i] += factor * line[i];
}

DPM_SIMD_VERSIONS(add_line, (float *sum, const float *line, float factor, size_t n), (sum, line, factor, n))

/* As add_matrix(), with one-hot left factors: each line of the sum is that of the few rows whose place it is,
 * in their order, a sum of at most as many products in float32 as the matrix product has, so the same error
 * bound holds. The other lines would get zeros. */
static void add_one_hot(const struct dpm_grid *grid, struct dpm_sum_worker *worker,
                        const struct dpm_query_matrix *matrix, int m, size_t n)
{
    int32_t *next = worker->places + n; /* lines of the same place form a list */
    for (size_t i = n; i-- > 0;) {
        next[i] = NONE;
        for (size_t j = i + 1; j < n && next[i] == NONE; j++)
            if (worker->places[j] == worker->places[i])
                next[i] = (int32_t)j;
    }
    for (size_t i = 0; i < n; i++) {
        int32_t place = worker->places[i];
        if (place < 0)
            continue; /* nothing, or done before */
        memset(worker->product, 0, matrix->columns * sizeof *worker->product);
        for (int32_t j = (int32_t)i, following; j != NONE; j = following) {
            size_t line = (size_t)j;
            following = next[line];
            worker->places[line] = NONE;
            add_line(worker->product, worker->right[m] + line * matrix->columns,
                     worker->left[m][line * matrix->rows + (size_t)place], matrix->columns);
        }
        dpm_grid_add(grid, (size_t)place, 0, worker->product, matrix->columns, 1, matrix->columns);
    }
}

/* Gathers n rows, and lets them contribute. */
static void contribute(const struct dpm_sum *sum, struct dpm_sum_worker *worker, const size_t *order,
                       size_t n)
{
    gather(sum, worker, order, n);
    struct dpm_block block = {
        .n_rows = n,
        .n_columns = sum->plan->map ? sum->plan->map->width : dpm_dataset_columns(sum->dataset),
        .rows = worker->rows,
        .labels = sum->dataset->source.labels ? worker->labels : NULL,
        .parts = worker->parts,
        .normals = worker->normals,
        .scratch = worker->scratch,
    };
    sum->contribution(sum->model, &block, worker->left, worker->right);
}

/* Adds row i of a piece to its line of the block's sum; returns whether it was within the clip norm, or
 * DENSE.
 */
static int add_row(const struct dpm_sum *sum, struct dpm_sum_worker *worker, size_t i)
{
    const struct dpm_query_matrix *matrix = &sum->plan->matrix[0];
    size_t columns = matrix->columns;
    float *left = worker->left[0] + i * matrix->rows, *right = worker->right[0] + i * columns;
    int32_t place;
    find_place(&place, left, matrix->rows);
    if (place == DENSE)
        return DENSE;
    int within = place >= 0 && dpm_clip_is_within(sum->plan, left[place], right);
    within = within || dpm_clip_row(sum->plan, worker->left, worker->right, i);
    if (place >= 0 && left[place] != 0) { /* clipping may have taken it */
        float *line = worker->lines + (size_t)place * padded(columns);
        if (!worker->used[place])
            memset(line, 0, columns * sizeof *line);
        worker->used[place] = 1;
        add_line(line, right, left[place], columns);
    }
    return within;
}

/* A block in pieces of few rows, which stay in the nearest caches from being read to being added: each line
 * of the sum is the one that add_one_hot() makes, with the same bits. -1, and nothing was added, when a left
 * factor is dense; else how many rows were within the clip norm. */
static int64_t add_pieces(const struct dpm_sum *sum, int64_t *sums, struct dpm_sum_worker *worker,
                          const struct dpm_sample_block *sample_block, dpm_mutex *lock)
{
    const struct dpm_query_matrix *matrix = &sum->plan->matrix[0];
    const size_t *order = sum->sample->order + sample_block->first;
    size_t columns = matrix->columns, rest = sample_block->n;
    int64_t within = 0;
    memset(worker->used, 0, matrix->rows);
    for (size_t n; rest > 0; rest -= n, order += n) {
        n = rest < PIECE_ROWS ? rest : PIECE_ROWS;
        contribute(sum, worker, order, n);
        for (size_t i = 0; i < n; i++) {
            int is_within = add_row(sum, worker, i);
            if (is_within == DENSE) {
                worker->dense_query = sum->query + 1;
                return -1;
            }
            within += is_within;
        }
    }
    struct dpm_grid grid = grid_of(sums, sum->plan, 0, lock);
    for (size_t place = 0; place < matrix->rows; place++)
        if (worker->used[place])
            dpm_grid_add(&grid, place, 0, worker->lines + place * padded(columns), columns, 1, columns);
    return within;
}

/* Pieces are for right factors as long as the rows: what makes short ones of long rows, matrix products for
 * the most part, is better called once for a block. */
static int wants_pieces(const struct dpm_sum *sum, const struct dpm_sum_worker *worker, size_t n)
{
    const struct dpm_query_plan *plan = sum->plan;
    size_t width = plan->map ? plan->map->width : dpm_dataset_columns(sum->dataset);
    return n > PIECE_ROWS && plan->matrix[0].columns >= width && fits_pieces(plan) &&
           worker->dense_query != sum->query + 1;
}

/* Adds the block's sum of one matrix. */
static void add_matrix(int64_t *sums, struct dpm_sum_worker *worker, const struct dpm_query_plan *plan, int m,
                       size_t n_rows, dpm_mutex *lock)
{
    const struct dpm_query_matrix *matrix = &plan->matrix[m];
    struct dpm_grid grid = grid_of(sums, plan, m, lock);
    size_t n = n_rows * (size_t)matrix->rank;
    if (find_places(worker->places, worker->left[m], n, matrix->rows))
        add_one_hot(&grid, worker, matrix, m, n);
    else
        dpm_mat_add_at(&grid, worker->product, worker->left[m], matrix->rows, worker->right[m],
                       matrix->columns, matrix->rows, matrix->columns, n);
}

static void add_block(const struct dpm_sum *sum, struct dpm_sum_worker *worker,
                      const struct dpm_sample_block *sample_block)
{
    const struct dpm_query_plan *plan = sum->plan;
    int64_t within = -1, n_rows = (int64_t)sample_block->n;
    int64_t *sums = sum->sums + (size_t)sample_block->part * dpm_query_size(plan);
    dpm_mutex *locks = &sum->locks[sample_block->part * plan->n_matrices];
    if (sum->words) {
        struct dpm_grid grid = grid_of(sums, plan, 0, locks);
        dpm_words_add_block(sum, &worker->in_words, sample_block, &grid);
        return;
    }
    if (wants_pieces(sum, worker, sample_block->n))
        within = add_pieces(sum, sums, worker, sample_block, locks);
    int added = within >= 0;
    if (!added) {
        contribute(sum, worker, sum->sample->order + sample_block->first, sample_block->n);
        within = 0;
        for (size_t i = 0; i < sample_block->n; i++)
            within += dpm_clip_row(plan, worker->left, worker->right, i);
    }
    for (int m = 0; m < plan->n_matrices; m++) {
        if (!added)
            add_matrix(sums, worker, plan, m, sample_block->n, &locks[m]);
        sums += plan->matrix[m].rows * plan->matrix[m].columns;
        if (plan->norm_indicator > 0 && m == plan->n_matrices - 1) {
            dpm_mutex_lock(&locks[m]);
            *sums += (2 * within - n_rows) * dpm_sensitivity_indicator(plan);
            dpm_mutex_unlock(&locks[m]);
        }
    }
}

/* A dpm_task_fn. */
static void sum_block(void *context, size_t task, int worker)
{
    const struct dpm_sum *sum = context;
    add_block(sum, &sum->workers[worker], &sum->sample->blocks[task]);
}

void dpm_sum_blocks(void *context, const struct dpm_sample *sample)
{
    const struct dpm_sum *sum = context;
    dpm_pool_run(sum->pool, sample->n_blocks, sum_block, context);
}
