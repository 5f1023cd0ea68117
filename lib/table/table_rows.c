/* SPDX-License-Identifier: BSD-3-Clause */
#include "table_rows.h"
#include "base_alloc.h"

#include <string.h>

int dpm_table_rows_begin(struct dpm_table_rows *rows, const struct dpmix_schema *schema)
{
    *rows = (struct dpm_table_rows){.schema = schema};
    if (schema->unit != DPM_SCHEMA_NONE)
        rows->units.max_rows = schema->columns[schema->unit].last;
    return dpm_schema_ready(schema);
}

void dpm_table_rows_free(struct dpm_table_rows *rows)
{
    dpm_free_wiped(rows->rows);
    dpm_free_wiped(rows->labels);
    dpm_units_free(&rows->units);
    *rows = (struct dpm_table_rows){0};
}

static int resize(struct dpm_table_rows *rows, size_t capacity)
{
    size_t width = rows->schema->width, values;
    int labelled = rows->schema->label != DPM_SCHEMA_NONE;
    if (!dpm_size_mul(&values, capacity, width))
        values = SIZE_MAX; /* which dpm_alloc refuses */
    float *larger = dpm_alloc(values, sizeof *larger);
    int32_t *labels = labelled ? dpm_alloc(capacity, sizeof *labels) : NULL;
    if (!larger || (labelled && !labels)) {
        dpm_free(larger);
        dpm_free(labels);
        return DPMIX_ERR_NOMEM;
    }
    if (rows->n > 0) {
        memcpy(larger, rows->rows, rows->n * width * sizeof *larger);
        if (labelled)
            memcpy(labels, rows->labels, rows->n * sizeof *labels);
    }
    dpm_free_wiped(rows->rows);
    dpm_free_wiped(rows->labels);
    rows->rows = larger;
    rows->labels = labels;
    rows->capacity = capacity;
    return DPMIX_OK;
}

int dpm_table_rows_reserve(struct dpm_table_rows *rows, size_t more)
{
    size_t wanted = more > SIZE_MAX - rows->n ? SIZE_MAX : rows->n + more;
    if (wanted <= rows->capacity)
        return DPMIX_OK;
    size_t twice = rows->capacity > SIZE_MAX / 2 ? SIZE_MAX : 2 * rows->capacity;
    return resize(rows, wanted > twice ? wanted : twice);
}

void dpm_table_encode(const struct dpmix_schema *schema, const struct dpm_cell *cells, float *row,
                      int32_t *label)
{
    for (size_t i = 0; i < schema->n_columns; i++) {
        const struct dpm_column *column = &schema->columns[i];
        if (i == schema->unit || (i == schema->label ? !label : !row))
            continue;
        struct dpm_datum datum = dpm_cell_datum(column, &cells[i]);
        if (i == schema->label)
            *label = dpm_datum_class(column, &datum);
        else
            dpm_datum_encode(column, &datum, row);
    }
}

int dpm_table_rows_add(struct dpm_table_rows *rows, const struct dpm_cell *cells)
{
    const struct dpmix_schema *schema = rows->schema;
    if (schema->unit != DPM_SCHEMA_NONE) {
        int take = 0, status = dpm_units_count(&rows->units, &cells[schema->unit], &take);
        if (status || !take)
            return status;
    }
    int status = dpm_table_rows_reserve(rows, 1);
    if (status)
        return status;
    dpm_table_encode(schema, cells, rows->rows + rows->n * schema->width,
                     rows->labels ? rows->labels + rows->n : NULL);
    rows->n++;
    return DPMIX_OK;
}

struct dpm_cell dpm_cell_of_text(const char *text)
{
    if (!text)
        return (struct dpm_cell){.type = DPM_CELL_NULL};
    return (struct dpm_cell){.type = DPM_CELL_TEXT, .text = text, .length = strlen(text)};
}
