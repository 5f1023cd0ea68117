/* SPDX-License-Identifier: BSD-3-Clause */
#include "privacy_words.h"
#include "base_alloc.h"
#include "base_simd.h"
#include "linalg_words.h"
#include "privacy_clip.h"
#include "privacy_sum.h"

#include <assert.h>
#include <string.h>

/* Rows that are read, and get their places, together. */
enum { PIECE_ROWS = DPM_WORDS_ROWS };

/* Distance between the lines of a block's sum. */
static size_t line_step(size_t columns)
{
    return dpm_words_step(columns + 1);
}

static size_t larger(size_t a, size_t b)
{
    return a > b ? a : b;
}

int dpm_words_worker_new(struct dpm_words_worker *worker, const struct dpmix_dataset *dataset,
                         const struct dpm_query_plan *plans, size_t n_plans)
{
    size_t columns = dpm_dataset_columns(dataset), places = 0, scratch = 0;
    for (size_t i = 0; i < n_plans; i++)
        if (plans[i].in_words) {
            places = larger(places, plans[i].matrix[0].rows);
            scratch = larger(scratch, plans[i].scratch);
        }
    if (places == 0)
        return DPMIX_OK;
    worker->rows = dpm_alloc(PIECE_ROWS, dpm_words_step(columns) * sizeof *worker->rows);
    worker->squares = dpm_alloc(PIECE_ROWS, sizeof *worker->squares);
    worker->places = dpm_alloc(PIECE_ROWS, sizeof *worker->places);
    worker->factors = dpm_alloc(PIECE_ROWS, sizeof *worker->factors);
    worker->scratch = dpm_alloc(PIECE_ROWS, scratch * sizeof *worker->scratch);
    worker->lines = dpm_alloc(places, line_step(columns) * sizeof *worker->lines);
    worker->used = dpm_alloc(places, sizeof *worker->used);
    int complete = worker->rows && worker->squares && worker->places && worker->factors && worker->scratch &&
                   worker->lines && worker->used;
    return complete ? DPMIX_OK : DPMIX_ERR_NOMEM;
}

void dpm_words_worker_free(struct dpm_words_worker *worker)
{
    dpm_free_wiped(worker->rows);
    dpm_free_wiped(worker->squares);
    dpm_free_wiped(worker->places);
    dpm_free_wiped(worker->factors);
    dpm_free_wiped(worker->scratch);
    dpm_free_wiped(worker->lines);
    dpm_free_wiped(worker->used);
    *worker = (struct dpm_words_worker){0};
}

DPM_SIMD_INLINE void add_row_body(float *restrict line, const int16_t *restrict row, float factor, size_t n)
{
    for (size_t i = 0; i < n; i++)
        line[i] += factor * (float)row[i];
}

DPM_SIMD_VERSIONS(add_row, (float *line, const int16_t *row, float factor, size_t n), (line, row, factor, n))

/* Reads n rows, finds their places and factors, clips, and adds. `more` rows of the block follow. */
static void add_piece(const struct dpm_sum *sum, struct dpm_words_worker *worker, const size_t *order,
                      size_t n, size_t more)
{
    const struct dpm_word_query *query = sum->words;
    size_t columns = dpm_dataset_columns(sum->dataset), step = dpm_words_step(columns);
    const struct dpm_query_matrix *matrix = &sum->plan->matrix[0];
    const struct dpm_words words = {n, step, worker->rows, worker->squares, worker->scratch};
    dpm_dataset_gather_words(sum->dataset, worker->rows, worker->squares, query->origin, order, n, more);
    query->place(query->model, &words, worker->places, worker->factors);
    for (size_t i = 0; i < n; i++) {
        size_t place = (size_t)worker->places[i];
        float *line = worker->lines + place * line_step(columns), last = query->last;
        assert(place < matrix->rows);
        dpm_clip_words(sum->plan, &worker->factors[i], &last, worker->squares[i]);
        if (!worker->used[place])
            memset(line, 0, line_step(columns) * sizeof *line);
        worker->used[place] = 1;
        if (matrix->columns > 1)
            add_row(line, worker->rows + i * step, worker->factors[i], step);
        line[matrix->columns - 1] += last;
    }
}

void dpm_words_add_block(const struct dpm_sum *sum, struct dpm_words_worker *worker,
                         const struct dpm_sample_block *block, const struct dpm_grid *grid)
{
    const struct dpm_query_matrix *matrix = &sum->plan->matrix[0];
    const size_t *order = sum->sample->order + block->first;
    size_t step = line_step(dpm_dataset_columns(sum->dataset));
    memset(worker->used, 0, matrix->rows);
    for (size_t n, rest = block->n; rest > 0; rest -= n, order += n) {
        n = rest < PIECE_ROWS ? rest : PIECE_ROWS;
        add_piece(sum, worker, order, n, rest - n);
    }
    for (size_t place = 0; place < matrix->rows; place++)
        if (worker->used[place])
            dpm_grid_add(grid, place, 0, worker->lines + place * step, step, 1, matrix->columns);
}
