/* SPDX-License-Identifier: BSD-3-Clause */
/* The clipped sum of one query on the integer grid: where private rows are read. */
#ifndef DPM_PRIVACY_SUM_H
#define DPM_PRIVACY_SUM_H

#include "base_threads.h"
#include "privacy_dataset.h"
#include "privacy_sample.h"
#include "privacy_words.h"

/* What one thread needs for a block of any plan of the release. */
struct dpm_sum_worker {
    float *rows, *normals, *scratch;
    float *product;       /* some rows of a matrix */
    int32_t *places;      /* of one-hot left factors, and lists of them */
    float *lines;         /* sums of a block in pieces */
    uint8_t *used;        /* which of the lines are */
    uint64_t dense_query; /* number, from 1, of the last query that had dense left factors; or 0 */
    uint64_t *words;      /* digits of the normals */
    float *drawn;         /* normals of whole words */
    int32_t *labels, *parts;
    float *left[DPM_QUERY_MATRICES], *right[DPM_QUERY_MATRICES];
    struct dpm_words_worker in_words;
};

struct dpm_sum {
    const struct dpmix_dataset *dataset;
    struct dpm_pool *pool;
    const struct dpm_query_plan *plan;
    const struct dpm_sample *sample;
    const int32_t *parts; /* of all rows, or NULL: all are part 0 */
    const float *mapped;  /* all rows as the plan's map made them; NULL where it has none */
    const uint8_t *key;
    uint64_t query;
    dpm_block_fn *contribution;
    const void *model;
    const struct dpm_word_query *words; /* in place of the two; or NULL */
    int64_t *sums;                      /* (parts or 1) x plan size, in grid steps */
    dpm_mutex *locks; /* one for each sum and matrix: additions of integers may come in any order */
    struct dpm_sum_worker *workers; /* one per thread */
};

int dpm_sum_worker_new(struct dpm_sum_worker *worker, const struct dpmix_dataset *dataset,
                       const struct dpm_query_plan *plans, size_t n_plans);
void dpm_sum_worker_free(struct dpm_sum_worker *worker);

/* A dpm_sample_take_fn: adds the blocks to the sums; context is a struct dpm_sum. */
void dpm_sum_blocks(void *context, const struct dpm_sample *sample);

#endif
