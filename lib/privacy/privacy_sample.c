/* SPDX-License-Identifier: BSD-3-Clause */
#include "privacy_sample.h"
#include "base_alloc.h"
#include "base_fail.h"

#include <math.h>
#include <string.h>

enum {
    ROWS_PER_STREAM = 1024, /* rows whose u comes from one stream */
    FEW_BLOCKS = 64,
};

int dpm_sample_new(struct dpm_sample *sample, size_t n_rows, int n_parts)
{
    sample->order = dpm_alloc(n_rows, sizeof *sample->order);
    sample->blocks = dpm_alloc(n_rows, sizeof *sample->blocks); /* blocks are not empty */
    sample->keys = dpm_alloc(n_rows, sizeof *sample->keys);
    sample->other_order = dpm_alloc(n_rows, sizeof *sample->other_order);
    sample->other_keys = dpm_alloc(n_rows, sizeof *sample->other_keys);
    sample->part_ends = dpm_alloc((size_t)n_parts, sizeof *sample->part_ends);
    int complete = sample->order && sample->blocks && sample->keys && sample->other_order &&
                   sample->other_keys && sample->part_ends;
    return complete ? DPMIX_OK : DPMIX_ERR_NOMEM;
}

void dpm_sample_free(struct dpm_sample *sample)
{
    dpm_free_wiped(sample->order);
    dpm_free_wiped(sample->blocks);
    dpm_free_wiped(sample->keys);
    dpm_free_wiped(sample->other_order);
    dpm_free_wiped(sample->other_keys);
    dpm_free_wiped(sample->part_ends);
    *sample = (struct dpm_sample){0};
}

/* Selected rows in row order, with their u; returns how many. */
static size_t select_rows(struct dpm_sample *sample, size_t n_rows, uint64_t last_u,
                          const uint8_t key[DPM_KEY_SIZE], uint64_t query)
{
    uint64_t words[ROWS_PER_STREAM];
    size_t n = 0;
    for (size_t first = 0; first < n_rows; first += ROWS_PER_STREAM) {
        size_t end = n_rows - first < ROWS_PER_STREAM ? n_rows : first + ROWS_PER_STREAM;
        struct dpm_stream stream;
        dpm_stream_open(&stream, key, DPM_STREAM_SELECT, query, first / ROWS_PER_STREAM);
        dpm_stream_fill(&stream, words, ROWS_PER_STREAM);
        dpm_stream_wipe(&stream);
        for (size_t row = first; row < end; row++) {
            sample->order[n] = row; /* there is room: n <= row */
            sample->keys[n] = words[row - first];
            n += words[row - first] <= last_u;
        }
    }
    dpm_wipe(words, sizeof words);
    return n;
}

/* Brings the rows of each part together, in stable order; part_ends[p] is where part p ends. */
static void group_by_part(struct dpm_sample *sample, size_t n, const int32_t *parts, int n_parts)
{
    memset(sample->part_ends, 0, (size_t)n_parts * sizeof *sample->part_ends);
    for (size_t i = 0; i < n; i++)
        if (parts[sample->order[i]] + 1 < n_parts)
            sample->part_ends[parts[sample->order[i]] + 1]++;
    for (int p = 1; p < n_parts; p++)
        sample->part_ends[p] += sample->part_ends[p - 1]; /* where part p begins, until the next loop */
    for (size_t i = 0; i < n; i++) {
        size_t to = sample->part_ends[parts[sample->order[i]]]++;
        sample->other_order[to] = sample->order[i];
        sample->other_keys[to] = sample->keys[i];
    }
    memcpy(sample->order, sample->other_order, n * sizeof *sample->order);
    memcpy(sample->keys, sample->other_keys, n * sizeof *sample->keys);
}

/* Rows with u up to `middle` come first; both sides keep their order. Returns how many these are. */
static size_t split_rows(struct dpm_sample *sample, size_t first, size_t n, uint64_t middle)
{
    size_t low = 0, high = 0;
    for (size_t i = first; i < first + n; i++) {
        size_t row = sample->order[i]; /* to both sides: which it is cannot be guessed */
        uint64_t key = sample->keys[i];
        sample->other_order[high] = sample->order[first + low] = row;
        sample->other_keys[high] = sample->keys[first + low] = key;
        high += key > middle;
        low += key <= middle;
    }
    memcpy(sample->order + first + low, sample->other_order, high * sizeof *sample->order);
    memcpy(sample->keys + first + low, sample->other_keys, high * sizeof *sample->keys);
    return low;
}

static void add_block(struct dpm_sample *sample, size_t first, size_t n, int part)
{
    sample->blocks[sample->n_blocks++] = (struct dpm_sample_block){first, n, part};
}

/* Splits the interval from lowest to highest u, both included. Rows that share all of u (a probability below
 * 2^-1000 for a block of them) are cut by number. */
static void split_interval(struct dpm_sample *sample, size_t first, size_t n, int part, size_t block_rows,
                           uint64_t lowest, uint64_t highest)
{
    if (n == 0)
        return;
    if (n <= block_rows) {
        add_block(sample, first, n, part);
        return;
    }
    if (lowest == highest) {
        for (size_t i = 0; i < n; i += block_rows)
            add_block(sample, first + i, n - i < block_rows ? n - i : block_rows, part);
        return;
    }
    uint64_t middle = lowest + (highest - lowest) / 2;
    size_t low = split_rows(sample, first, n, middle);
    split_interval(sample, first, low, part, block_rows, lowest, middle);
    split_interval(sample, first + low, n - low, part, block_rows, middle + 1, highest);
}

/* Threads that take large blocks first end at about the same time. Of many blocks the order hardly matters.
 */
static void largest_first(struct dpm_sample *sample)
{
    for (size_t i = 1; i < sample->n_blocks && sample->n_blocks <= FEW_BLOCKS; i++) {
        struct dpm_sample_block block = sample->blocks[i];
        size_t at = i;
        for (; at > 0 && sample->blocks[at - 1].n < block.n; at--)
            sample->blocks[at] = sample->blocks[at - 1];
        sample->blocks[at] = block;
    }
}

void dpm_sample_draw(struct dpm_sample *sample, size_t n_rows, const int32_t *parts, int n_parts, double rate,
                     size_t block_rows, const uint8_t key[DPM_KEY_SIZE], uint64_t query)
{
    sample->n_blocks = 0;
    uint64_t threshold = rate >= 1 ? 0 : (uint64_t)ldexp(rate, 64);
    if (rate < 1 && threshold == 0)
        return;
    uint64_t last_u = threshold - 1; /* wraps to the largest where all are selected */
    size_t n = select_rows(sample, n_rows, last_u, key, query);
    if (!parts) {
        split_interval(sample, 0, n, 0, block_rows, 0, last_u);
        largest_first(sample);
        return;
    }
    group_by_part(sample, n, parts, n_parts);
    for (int part = 0; part < n_parts; part++) {
        size_t first = part == 0 ? 0 : sample->part_ends[part - 1];
        split_interval(sample, first, sample->part_ends[part] - first, part, block_rows, 0, last_u);
    }
}
