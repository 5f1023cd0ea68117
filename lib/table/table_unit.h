/* SPDX-License-Identifier: BSD-3-Clause */
/* How many records of each unit came so far. Identifiers are compared whole: units are never mixed up. */
#ifndef DPM_TABLE_UNIT_H
#define DPM_TABLE_UNIT_H

#include "table_cell.h"

struct dpm_unit_entry;

struct dpm_units {
    int64_t max_rows;
    struct dpm_unit_entry *entries; /* open addressing, a power of two of them */
    size_t n_entries, used;
    char *bytes; /* identifiers, one behind the other */
    size_t bytes_used, bytes_capacity;
};

void dpm_units_free(struct dpm_units *units);

/* Counts a record of the unit; *take is 1 while there are at most max_rows of it. */
int dpm_units_count(struct dpm_units *units, const struct dpm_cell *cell, int *take);

#endif
