/* SPDX-License-Identifier: BSD-3-Clause */
/* Where the draws of a record's groups come from. */
#ifndef DPM_TABLE_DECODE_H
#define DPM_TABLE_DECODE_H

#include "random_stream.h"
#include "table_cell.h"

/* The stream of a record is opened when its first draw is needed: most records need none. */
struct dpm_draws {
    const uint8_t *key; /* DPM_KEY_SIZE bytes */
    uint64_t record;
    int open;
    struct dpm_stream stream;
};

/* The key of a seed; fresh random bits where it is NULL. */
int dpm_draws_key(uint8_t key[DPM_KEY_SIZE], const uint64_t *seed);

static inline void dpm_draws_begin(struct dpm_draws *draws, const uint8_t *key, uint64_t record)
{
    draws->key = key;
    draws->record = record;
    draws->open = 0;
}

/* All columns of a record; that of the unit is null. label NULL: the schema has no label. data: n_columns.
 * draws NULL: the largest number decides. */
void dpm_table_decode(const struct dpmix_schema *schema, const float *row, const int32_t *label,
                      struct dpm_draws *draws, struct dpm_datum *data);

#endif
