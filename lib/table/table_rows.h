/* SPDX-License-Identifier: BSD-3-Clause */
/* Encoded rows and labels as they grow. They are private: memory is wiped when it is given back. */
#ifndef DPM_TABLE_ROWS_H
#define DPM_TABLE_ROWS_H

#include "table_unit.h"

struct dpm_table_rows {
    const struct dpmix_schema *schema;
    float *rows;     /* n x schema->width */
    int32_t *labels; /* n; NULL without a label */
    size_t n, capacity;
    struct dpm_units units;
};

/* DPMIX_ERR_STATE where the schema is not ready for it. */
int dpm_table_rows_begin(struct dpm_table_rows *rows, const struct dpmix_schema *schema);
void dpm_table_rows_free(struct dpm_table_rows *rows);

/* Makes room for so many rows more; they need not come. */
int dpm_table_rows_reserve(struct dpm_table_rows *rows, size_t more);

/* Adds one row. cells: one for each column of the schema. */
int dpm_table_rows_add(struct dpm_table_rows *rows, const struct dpm_cell *cells);

/* One row's places and class: row, label may be NULL. */
void dpm_table_encode(const struct dpmix_schema *schema, const struct dpm_cell *cells, float *row,
                      int32_t *label);

struct dpm_cell dpm_cell_of_text(const char *text); /* NULL: null */

#endif
