/* SPDX-License-Identifier: BSD-3-Clause */
/* Poisson selection and blocks, in one draw: every row has one uniform u of 64 bits per query, independent of
 * all else. It is selected if u < q 2^64. A block is an interval of u, within one part where the query is per
 * part: the interval below q 2^64, halved while it holds more rows than a block may. So one row more or less
 * changes at most one block into two. Without parts, a few blocks are listed from the largest on. */
#ifndef DPM_PRIVACY_SAMPLE_H
#define DPM_PRIVACY_SAMPLE_H

#include "random_stream.h"

struct dpm_sample_block {
    size_t first, n; /* its rows are order[first], ..., order[first + n - 1] */
    int part;        /* 0 when the blocks are not per part */
};

struct dpm_sample {
    size_t *order; /* selected row numbers, block after block */
    size_t n_blocks;
    struct dpm_sample_block *blocks;
    uint64_t *keys;      /* u of the rows in order; working memory from here on */
    size_t *other_order; /* where a stable split goes */
    uint64_t *other_keys;
    size_t *part_ends; /* n_parts */
};

/* All the memory, before the debit; free also after a failure. */
int dpm_sample_new(struct dpm_sample *sample, size_t n_rows, int n_parts);
void dpm_sample_free(struct dpm_sample *sample);

/* Draws selection and blocks of query number `query`. parts: n_rows part numbers for blocks within one part
 * each, or NULL. block_rows: what a block may hold. */
void dpm_sample_draw(struct dpm_sample *sample, size_t n_rows, const int32_t *parts, int n_parts, double rate,
                     size_t block_rows, const uint8_t key[DPM_KEY_SIZE], uint64_t query);

#endif
