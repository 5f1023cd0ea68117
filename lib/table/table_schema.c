/* SPDX-License-Identifier: BSD-3-Clause */
#include "table_schema.h"
#include "base_alloc.h"
#include "base_bounds.h"
#include "base_fail.h"
#include "base_utf8.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

int dpm_schema_new(struct dpmix_schema **out)
{
    struct dpmix_schema *schema = dpm_alloc(1, sizeof *schema);
    if (!schema)
        return DPMIX_ERR_NOMEM;
    schema->label = schema->unit = DPM_SCHEMA_NONE;
    *out = schema;
    return DPMIX_OK;
}

static void free_column(struct dpm_column *column)
{
    dpm_free(column->texts);
    dpm_free(column->list);
    dpm_free(column->sorted);
}

void dpm_schema_free(struct dpmix_schema *schema)
{
    if (!schema)
        return;
    for (size_t i = 0; i < schema->n_columns; i++)
        free_column(&schema->columns[i]);
    dpm_free(schema->columns);
    dpm_free(schema);
}

int dpm_schema_copy(struct dpmix_schema **out, const struct dpmix_schema *schema)
{
    struct dpmix_schema *copy = NULL;
    int status = dpm_schema_new(&copy);
    for (size_t i = 0; !status && i < schema->n_columns; i++)
        status = dpm_schema_add(copy, &schema->columns[i]);
    if (!status && schema->label != DPM_SCHEMA_NONE)
        status = dpm_schema_set_label(copy, schema->label);
    if (status)
        dpm_schema_free(copy);
    else
        *out = copy;
    return status;
}

struct dpm_short_name dpm_short_name(const char *name)
{
    struct dpm_short_name cut = {{0}};
    size_t n = strlen(name), most = sizeof cut.text - 4;
    if (n > most) {
        n = most;
        while (n > 0 && ((unsigned char)name[n] & 0xC0) == 0x80) /* not within a character */
            n--;
        memcpy(cut.text + n, "...", 3);
    }
    for (size_t i = 0; i < n; i++) /* a message has one line, and is not for a terminal to obey */
        cut.text[i] = (unsigned char)name[i] < 0x20 || name[i] == 0x7F ? '?' : name[i];
    return cut;
}

/* FNV-1a: for finding names, not against anybody. */
static uint64_t hash_name(const char *name)
{
    uint64_t hash = UINT64_C(14695981039346656037);
    for (const unsigned char *byte = (const unsigned char *)name; *byte; byte++)
        hash = (hash ^ *byte) * UINT64_C(1099511628211);
    return hash;
}

size_t dpm_schema_find(const struct dpmix_schema *schema, const char *name)
{
    uint64_t hash = hash_name(name);
    for (size_t i = 0; i < schema->n_columns; i++)
        if (schema->columns[i].hash == hash && strcmp(schema->columns[i].name, name) == 0)
            return i;
    return DPM_SCHEMA_NONE;
}

static int order_texts(const char *a, size_t a_length, const char *b, size_t b_length)
{
    size_t common = a_length < b_length ? a_length : b_length;
    int order = common > 0 ? memcmp(a, b, common) : 0;
    return order != 0 ? order : (a_length > b_length) - (a_length < b_length);
}

static int order_values(const void *a, const void *b)
{
    const struct dpm_value *left = a, *right = b;
    return order_texts(left->text, left->length, right->text, right->length);
}

size_t dpm_column_value(const struct dpm_column *column, const char *text, size_t length)
{
    size_t begin = 0, end = column->n_values;
    while (begin < end) {
        size_t middle = begin + (end - begin) / 2;
        const struct dpm_value *value = &column->sorted[middle];
        int order = order_texts(text, length, value->text, value->length);
        if (order == 0)
            return value->number;
        if (order < 0)
            end = middle;
        else
            begin = middle + 1;
    }
    return DPM_SCHEMA_NONE;
}

static int check_name(const struct dpmix_schema *schema, const char *name)
{
    if (!name)
        return dpm_fail(DPMIX_ERR_ARG, "name: NULL");
    size_t n = strlen(name);
    if (n < 1 || n > DPM_SCHEMA_NAME)
        return dpm_fail(DPMIX_ERR_RANGE, "name: must have 1 to %d bytes", DPM_SCHEMA_NAME);
    for (const unsigned char *byte = (const unsigned char *)name; *byte; byte++)
        if (*byte < 0x20 || *byte == 0x7F)
            return dpm_fail(DPMIX_ERR_ARG, "name: has control characters");
    if (!dpm_utf8_is(name))
        return dpm_fail(DPMIX_ERR_ARG, "name: not UTF-8");
    if (dpm_schema_find(schema, name) != DPM_SCHEMA_NONE)
        return dpm_fail(DPMIX_ERR_STATE, "name: the schema has a column '%s' already",
                        dpm_short_name(name).text);
    return DPMIX_OK;
}

static int check_bounds(const struct dpm_column *like)
{
    switch (like->kind) {
    case DPMIX_KIND_CONTINUOUS:
        if (!(isfinite(like->lower) && isfinite(like->upper) && like->lower < like->upper &&
              isfinite(like->upper - like->lower)))
            return dpm_fail(DPMIX_ERR_RANGE, "lower, upper: must be finite, and so their difference, "
                                             "lower below upper");
        if (like->flags & DPMIX_SCHEMA_LOG && !(like->lower > 0))
            return dpm_fail(DPMIX_ERR_RANGE, "lower: must be above 0 on a log scale");
        return DPMIX_OK;
    case DPMIX_KIND_INTEGER:
    case DPMIX_KIND_DATE:
    case DPMIX_KIND_TIMESTAMP:
        if (like->first > like->last)
            return dpm_fail(DPMIX_ERR_RANGE, "lower, upper: lower is above upper");
        if (like->kind == DPMIX_KIND_DATE && (like->first < DPMIX_DATE_MIN || like->last > DPMIX_DATE_MAX))
            return dpm_fail(DPMIX_ERR_RANGE, "lower, upper: must lie in the years 1 to 9999");
        if (like->kind == DPMIX_KIND_TIMESTAMP &&
            (like->first < DPMIX_TIMESTAMP_MIN || like->last > DPMIX_TIMESTAMP_MAX))
            return dpm_fail(DPMIX_ERR_RANGE, "lower, upper: must lie in the years 1 to 9999");
        return DPMIX_OK;
    case DPMIX_KIND_UNIT:
        if (like->last < 1)
            return dpm_fail(DPMIX_ERR_RANGE, "max_rows: must be at least 1");
        return DPMIX_OK;
    default: return DPMIX_OK;
    }
}

static int check_values(const struct dpm_column *like)
{
    if (like->kind != DPMIX_KIND_ORDINAL && like->kind != DPMIX_KIND_CATEGORICAL)
        return DPMIX_OK;
    if (!like->values)
        return dpm_fail(DPMIX_ERR_ARG, "values: NULL");
    if (like->n_values < 1 || like->n_values > DPM_MAX_COLUMNS)
        return dpm_fail(DPMIX_ERR_RANGE, "n_values: must lie in [1, %d]", DPM_MAX_COLUMNS);
    for (size_t i = 0; i < like->n_values; i++)
        if (!like->values[i] || !dpm_utf8_is(like->values[i]))
            return dpm_fail(DPMIX_ERR_ARG, "values: number %zu is NULL or not UTF-8", i);
    if (like->other && !dpm_utf8_is(like->other))
        return dpm_fail(DPMIX_ERR_ARG, "other: not UTF-8");
    return DPMIX_OK;
}

static int check_rule(const struct dpm_column *like)
{
    int flags = DPMIX_SCHEMA_NULLABLE | (like->kind == DPMIX_KIND_CONTINUOUS ? DPMIX_SCHEMA_LOG : 0);
    if (like->kind == DPMIX_KIND_UNIT)
        return DPMIX_OK;
    if (like->flags & ~flags)
        return dpm_fail(DPMIX_ERR_ARG, "flags: not DPMIX_SCHEMA_* that the kind knows");
    switch (like->outside) {
    case DPMIX_OUTSIDE_CLAMP: return DPMIX_OK;
    case DPMIX_OUTSIDE_OTHER:
        return like->other
                   ? DPMIX_OK
                   : dpm_fail(DPMIX_ERR_ARG, "outside: 'other' needs a categorical column that has one");
    case DPMIX_OUTSIDE_NULL:
        return dpm_column_nullable(like) ? DPMIX_OK
                                         : dpm_fail(DPMIX_ERR_ARG, "outside: null needs a nullable column");
    default: return dpm_fail(DPMIX_ERR_ARG, "outside: not a DPMIX_OUTSIDE_*");
    }
}

/* Copies a text to the end of those that are there. */
static const char *append(char **end, const char *text)
{
    size_t size = strlen(text) + 1;
    char *copy = *end;
    memcpy(copy, text, size);
    *end += size;
    return copy;
}

static int copy_texts(struct dpm_column *column)
{
    size_t bytes = strlen(column->name) + 1 + (column->other ? strlen(column->other) + 1 : 0);
    for (size_t i = 0; i < column->n_values; i++)
        bytes += strlen(column->values[i]) + 1;
    column->texts = dpm_alloc(bytes, 1);
    column->list = dpm_alloc(column->n_values, sizeof *column->list);
    column->sorted = dpm_alloc(column->n_values, sizeof *column->sorted);
    if (!column->texts || !column->list || !column->sorted)
        return DPMIX_ERR_NOMEM;
    char *end = column->texts;
    column->name = append(&end, column->name);
    if (column->other)
        column->other = append(&end, column->other);
    for (size_t i = 0; i < column->n_values; i++) {
        column->list[i] = append(&end, column->values[i]);
        column->sorted[i] = (struct dpm_value){column->list[i], strlen(column->list[i]), i};
    }
    column->values = column->list;
    return DPMIX_OK;
}

static int copy_column(struct dpm_column *column, const struct dpm_column *like)
{
    static const char *const truth[] = {"false", "true"};
    *column = *like;
    column->texts = NULL;
    column->list = NULL;
    column->sorted = NULL;
    if (like->kind == DPMIX_KIND_BOOLEAN) {
        column->values = truth;
        column->n_values = 2;
    }
    column->hash = hash_name(column->name);
    int status = copy_texts(column);
    if (status)
        return status;
    qsort(column->sorted, column->n_values, sizeof *column->sorted, order_values);
    for (size_t i = 1; i < column->n_values; i++)
        if (order_values(&column->sorted[i - 1], &column->sorted[i]) == 0)
            return dpm_fail(DPMIX_ERR_ARG, "values: number %zu is there twice", column->sorted[i].number);
    if (column->other && dpm_column_value(column, column->other, strlen(column->other)) != DPM_SCHEMA_NONE)
        return dpm_fail(DPMIX_ERR_ARG, "other: is one of the values");
    return DPMIX_OK;
}

static int grow(struct dpmix_schema *schema)
{
    if (schema->n_columns < schema->capacity)
        return DPMIX_OK;
    size_t capacity = schema->capacity ? 2 * schema->capacity : 16;
    struct dpm_column *columns = dpm_alloc(capacity, sizeof *columns);
    if (!columns)
        return DPMIX_ERR_NOMEM;
    if (schema->n_columns > 0)
        memcpy(columns, schema->columns, schema->n_columns * sizeof *columns);
    dpm_free(schema->columns);
    schema->columns = columns;
    schema->capacity = capacity;
    return DPMIX_OK;
}

static size_t width_of(const struct dpm_column *column)
{
    size_t nullable = dpm_column_nullable(column) ? 1 : 0;
    if (column->kind == DPMIX_KIND_UNIT)
        return 0;
    return dpm_column_one_hot(column) ? dpm_column_categories(column) + nullable : 1 + 2 * nullable;
}

static void lay_out(struct dpmix_schema *schema)
{
    schema->width = 0;
    for (size_t i = 0; i < schema->n_columns; i++) {
        struct dpm_column *column = &schema->columns[i];
        column->place = schema->width;
        column->width = i == schema->label ? 0 : width_of(column);
        schema->width += column->width;
    }
}

int dpm_schema_add(struct dpmix_schema *schema, const struct dpm_column *like)
{
    struct dpm_column column = {0};
    int status = check_name(schema, like->name);
    if (!status)
        status = check_bounds(like);
    if (!status)
        status = check_values(like);
    if (!status)
        status = check_rule(like);
    if (!status && like->kind == DPMIX_KIND_UNIT && schema->unit != DPM_SCHEMA_NONE)
        status = dpm_fail(DPMIX_ERR_STATE, "schema: it has a unit column already");
    if (!status && schema->n_columns == DPM_SCHEMA_COLUMNS)
        status = dpm_fail(DPMIX_ERR_RANGE, "schema: more than %d columns", DPM_SCHEMA_COLUMNS);
    if (!status)
        status = grow(schema);
    if (!status)
        status = copy_column(&column, like);
    if (!status && schema->width + width_of(&column) > DPM_MAX_COLUMNS)
        status = dpm_fail(DPMIX_ERR_RANGE, "schema: an encoded row would have more than %d numbers",
                          DPM_MAX_COLUMNS);
    if (status) {
        free_column(&column);
        return status;
    }
    if (like->kind == DPMIX_KIND_UNIT)
        schema->unit = schema->n_columns;
    schema->columns[schema->n_columns++] = column;
    lay_out(schema);
    return DPMIX_OK;
}

int dpm_schema_set_label(struct dpmix_schema *schema, size_t column)
{
    if (column >= schema->n_columns)
        return dpm_fail(DPMIX_ERR_RANGE, "column: the schema has fewer");
    if (!dpm_column_has_values(&schema->columns[column]))
        return dpm_fail(DPMIX_ERR_ARG, "column: a label is categorical, ordinal or boolean");
    if (schema->label != DPM_SCHEMA_NONE && schema->label != column)
        return dpm_fail(DPMIX_ERR_STATE, "column: the schema has a label already");
    schema->label = column;
    lay_out(schema);
    return DPMIX_OK;
}

int dpm_schema_classes(const struct dpmix_schema *schema)
{
    if (schema->label == DPM_SCHEMA_NONE)
        return 0;
    const struct dpm_column *label = &schema->columns[schema->label];
    return (int)(dpm_column_categories(label) + (dpm_column_nullable(label) ? 1 : 0));
}

int dpm_schema_ready(const struct dpmix_schema *schema)
{
    if (schema->width < 1)
        return dpm_fail(DPMIX_ERR_STATE, "schema: no column beside label and unit");
    if (dpm_schema_classes(schema) > DPM_MAX_COLUMNS)
        return dpm_fail(DPMIX_ERR_RANGE, "schema: a label of more than %d values", DPM_MAX_COLUMNS);
    return DPMIX_OK;
}

void dpm_schema_groups(const struct dpmix_schema *schema, int32_t *groups)
{
    int32_t last = 0;
    for (size_t i = 0; i < schema->n_columns; i++) {
        const struct dpm_column *column = &schema->columns[i];
        size_t number = dpm_column_one_hot(column) ? 0 : 1; /* of places before the group */
        if (column->width > number)
            last++;
        for (size_t j = 0; j < column->width; j++)
            groups[column->place + j] = j < number ? 0 : last;
    }
}
