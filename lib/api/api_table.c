/* SPDX-License-Identifier: BSD-3-Clause */
/* Cells of text to a dataset, samples to cells of text. */
#include <dpmix/dpmix.h>

#include "api_check.h"
#include "api_table.h"
#include "base_alloc.h"
#include "table_decode.h"

static void free_encoded(void *rows, void *labels)
{
    dpm_free_wiped(rows);
    dpm_free_wiped(labels);
}

int dpm_api_table_dataset(struct dpmix_dataset **out, struct dpm_table_rows *rows)
{
    static const double lower = 0, upper = 1;
    const struct dpmix_schema *schema = rows->schema;
    struct dpmix_dataset *dataset = NULL;
    int status = dpm_table_rows_reserve(rows, rows->n > 0 ? 0 : 1); /* a dataset of no rows has memory, too */
    int32_t *groups = status ? NULL : dpm_alloc(schema->width, sizeof *groups);
    if (!groups)
        return DPMIX_ERR_NOMEM;
    dpm_schema_groups(schema, groups);
    struct dpm_dataset_source source = {.type = DPM_TYPE_F32,
                                        .rows = rows->rows,
                                        .n_rows = rows->n,
                                        .n_columns = schema->width,
                                        .labels = rows->labels,
                                        .n_classes = dpm_schema_classes(schema),
                                        .lower = &lower,
                                        .upper = &upper,
                                        .n_bounds = 1,
                                        .release = free_encoded};
    status = dpm_dataset_new(&dataset, &source);
    if (!status) {
        rows->rows = NULL; /* the dataset's now */
        rows->labels = NULL;
        status = dpm_dataset_set_groups(dataset, groups, schema->width);
    }
    dpm_free(groups);
    if (status)
        dpm_dataset_unref(dataset);
    else
        *out = dataset;
    return status;
}

/* ---- Text in ---- */

static int check_cells(const dpmix_schema *schema, const char *const *cells, size_t n_rows, size_t n_columns)
{
    if (n_columns != schema->n_columns)
        return dpm_fail(DPMIX_ERR_RANGE, "n_columns: not that of the schema");
    if (!cells && n_rows > 0)
        return dpm_fail(DPMIX_ERR_ARG, "cells: NULL");
    int status = dpm_schema_ready(schema);
    return status ? status : dpm_api_length("n_rows", n_rows, n_columns * sizeof *cells);
}

static void read_record(struct dpm_cell *record, const char *const *cells, size_t n_columns)
{
    for (size_t i = 0; i < n_columns; i++)
        record[i] = dpm_cell_of_text(cells[i]);
}

static int new_from_text(dpmix_dataset **out, const dpmix_schema *schema, const char *const *cells,
                         size_t n_rows, size_t n_columns)
{
    struct dpm_table_rows rows;
    int status = check_cells(schema, cells, n_rows, n_columns);
    if (status)
        return status;
    struct dpm_cell *record = dpm_alloc(n_columns, sizeof *record);
    if (!record)
        return DPMIX_ERR_NOMEM;
    status = dpm_table_rows_begin(&rows, schema);
    if (!status)
        status = dpm_table_rows_reserve(&rows, n_rows);
    for (size_t i = 0; !status && i < n_rows; i++) {
        read_record(record, cells + i * n_columns, n_columns);
        status = dpm_table_rows_add(&rows, record);
    }
    if (!status)
        status = dpm_api_table_dataset(out, &rows);
    dpm_table_rows_free(&rows);
    dpm_free(record);
    return status;
}

int dpmix_dataset_new_text(dpmix_dataset **out, const dpmix_schema *schema, const char *const *cells,
                           size_t n_rows, size_t n_columns)
{
    API_NEED(out);
    API_NEED(schema);
    API_GIVE(out, new_from_text(out, schema, cells, n_rows, n_columns));
}

int dpmix_schema_encode_text(const dpmix_schema *schema, float *rows, int32_t *labels,
                             const char *const *cells, size_t n_rows, size_t n_columns)
{
    API_NEED(schema);
    int status = check_cells(schema, cells, n_rows, n_columns);
    struct dpm_cell *record = status ? NULL : dpm_alloc(n_columns, sizeof *record);
    if (!record)
        API_RETURN(status ? status : DPMIX_ERR_NOMEM);
    for (size_t i = 0; i < n_rows; i++) {
        read_record(record, cells + i * n_columns, n_columns);
        dpm_table_encode(schema, record, rows ? rows + i * schema->width : NULL, labels ? labels + i : NULL);
    }
    dpm_free(record);
    return DPMIX_OK;
}

/* ---- Text out ---- */

static int check_decode(const dpmix_schema *schema, const float *rows, const int32_t *labels, uint64_t first,
                        size_t n, size_t n_places, int categories)
{
    int classes = dpm_schema_classes(schema);
    if (n_places != schema->width)
        return dpm_fail(DPMIX_ERR_RANGE, "n_places: not that of the schema");
    if (!rows && n > 0)
        return dpm_fail(DPMIX_ERR_ARG, "rows: NULL");
    if (categories != DPMIX_DECODE_DRAW && categories != DPMIX_DECODE_LARGEST)
        return dpm_fail(DPMIX_ERR_ARG, "categories: not a DPMIX_DECODE_*");
    if (first > UINT64_MAX - n)
        return dpm_fail(DPMIX_ERR_RANGE, "first: the sequence ends at 2^64");
    if (classes > 0 && !labels && n > 0)
        return dpm_fail(DPMIX_ERR_ARG, "labels: NULL although the schema has a label");
    int status = n_places > 0 ? dpm_api_length("n", n, n_places * sizeof *rows) : DPMIX_OK;
    for (size_t i = 0; !status && classes > 0 && i < n; i++)
        if (labels[i] < 0 || labels[i] >= classes)
            return dpm_fail(DPMIX_ERR_RANGE, "labels: number %zu is not a class of the schema", i);
    return status;
}

struct texts {
    struct dpm_datum *data;
    char (*work)[DPM_CELL_TEXT_SIZE];
    const char **cells;
};

static int give_records(const dpmix_schema *schema, const struct texts *texts, const float *rows,
                        const int32_t *labels, uint64_t first, size_t n, int categories, const uint8_t *key,
                        dpmix_record_fn each, void *user)
{
    struct dpm_draws draws;
    for (size_t i = 0; i < n; i++) {
        dpm_draws_begin(&draws, key, first + i);
        dpm_table_decode(schema, rows + i * schema->width, labels ? labels + i : NULL,
                         categories == DPMIX_DECODE_DRAW ? &draws : NULL, texts->data);
        for (size_t j = 0; j < schema->n_columns; j++)
            texts->cells[j] = texts->data[j].null
                                  ? NULL
                                  : dpm_datum_text(&schema->columns[j], &texts->data[j], texts->work[j]);
        if (each(user, first + i, texts->cells, schema->n_columns) != 0)
            return dpm_fail(DPMIX_ERR_CANCELLED, "each: it asked to stop");
    }
    return DPMIX_OK;
}

int dpmix_schema_decode_text(const dpmix_schema *schema, const float *rows, const int32_t *labels,
                             uint64_t first, size_t n, size_t n_places, int categories, const uint64_t *seed,
                             dpmix_record_fn each, void *user)
{
    uint8_t key[DPM_KEY_SIZE];
    API_NEED(schema);
    if (!each)
        API_RETURN(dpm_fail(DPMIX_ERR_ARG, "each: NULL"));
    int status = check_decode(schema, rows, labels, first, n, n_places, categories);
    if (!status)
        status = dpm_draws_key(key, seed);
    if (status)
        API_RETURN(status);
    struct texts texts = {dpm_alloc(schema->n_columns, sizeof *texts.data),
                          dpm_alloc(schema->n_columns, sizeof *texts.work),
                          dpm_alloc(schema->n_columns, sizeof *texts.cells)};
    status = texts.data && texts.work && texts.cells
                 ? give_records(schema, &texts, rows, labels, first, n, categories, key, each, user)
                 : DPMIX_ERR_NOMEM;
    dpm_free(texts.data);
    dpm_free(texts.work);
    dpm_free(texts.cells);
    API_RETURN(status);
}
