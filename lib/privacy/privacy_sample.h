/* SPDX-License-Identifier: BSD-3-Clause */
/* Poisson selection and blocks, in one draw: every row has one uniform u of 64 bits per query, independent of
 * all else. It is selected if u < q 2^64. A block is an interval of u, within one part where the query is per
 * part: the interval below q 2^64, halved while it holds more rows than a block may. So one row more or less
 * changes at most one block into two.
 *
 * The memory does not grow with the rows. What is selected comes in portions of so many rows at most: some
 * parts, or an interval of one part's u. Since u can be drawn again, each portion takes one more pass over
 * the numbers of all rows. Portions do not show in the blocks: only an interval that holds more rows than a
 * block may is ever cut. */
#ifndef DPM_PRIVACY_SAMPLE_H
#define DPM_PRIVACY_SAMPLE_H

#include <stddef.h>
#include <stdint.h>

enum { DPM_SAMPLE_PORTION = 1 << 21 }; /* rows; 32 bytes each */

struct dpm_sample_block {
    size_t first, n; /* its rows are order[first], ..., order[first + n - 1] */
    int part;        /* 0 when the blocks are not per part */
};

struct dpm_sample {
    size_t *order; /* row numbers of a portion, block after block */
    size_t n_blocks;
    struct dpm_sample_block *blocks;
    size_t portion, most_blocks; /* capacities; working memory from here on */
    uint64_t *keys;              /* u of the rows in order */
    size_t *other_order;         /* where a stable split goes */
    uint64_t *other_keys;
    size_t *part_ends, *part_rows; /* n_parts */
    size_t *node_ends;             /* counts of rows in intervals, when they exceed a portion */
};

struct dpm_sample_query {
    size_t n_rows;
    const int32_t *parts; /* of all rows, for blocks within one part each; or NULL */
    int n_parts;
    double rate;
    size_t block_rows; /* what a block may hold; no more than a portion */
    const uint8_t *key;
    uint64_t number; /* of the query */
};

/* Gets the next of the blocks. Of few blocks without parts the largest come first. */
typedef void dpm_sample_take_fn(void *context, const struct dpm_sample *sample);

/* All the memory, before the debit; free also after a failure. portion: DPM_SAMPLE_PORTION but in tests. */
int dpm_sample_new(struct dpm_sample *sample, size_t n_rows, int n_parts, size_t portion);
void dpm_sample_free(struct dpm_sample *sample);

/* Draws selection and blocks; the blocks, each once, go to `take`. */
void dpm_sample_draw(struct dpm_sample *sample, const struct dpm_sample_query *query,
                     dpm_sample_take_fn *take, void *context);

#endif
