/* SPDX-License-Identifier: BSD-3-Clause */
/* Blocks of a query in words: rows of bytes that are a contribution themselves, but for an origin, a factor
 * and a place. They are read once, as whole numbers, and never become matrices of floats. */
#ifndef DPM_PRIVACY_WORDS_H
#define DPM_PRIVACY_WORDS_H

#include "linalg_grid.h"
#include "privacy_dataset.h"
#include "privacy_sample.h"

struct dpm_sum;

/* What a thread needs; all of it empty when no plan is in words. */
struct dpm_words_worker {
    int16_t *rows;    /* of a piece of a block */
    int64_t *squares; /* of their lengths */
    int32_t *places;
    float *factors, *scratch;
    float *lines;  /* of the block's sum */
    uint8_t *used; /* which of the lines are */
};

int dpm_words_worker_new(struct dpm_words_worker *worker, const struct dpmix_dataset *dataset,
                         const struct dpm_query_plan *plans, size_t n_plans);
void dpm_words_worker_free(struct dpm_words_worker *worker);

/* Adds a block to the sums of its part. */
void dpm_words_add_block(const struct dpm_sum *sum, struct dpm_words_worker *worker,
                         const struct dpm_sample_block *block, const struct dpm_grid *grid);

#endif
