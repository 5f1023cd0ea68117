/* SPDX-License-Identifier: BSD-3-Clause */
/* Schemas: what is declared, and cells of text. */
#include <dpmix/dpmix.h>

#include "api_check.h"
#include "base_alloc.h"
#include "table_json.h"

#include <string.h>

int dpmix_schema_new(dpmix_schema **out)
{
    API_NEED(out);
    API_GIVE(out, dpm_schema_new(out));
}

void dpmix_schema_free(dpmix_schema *schema)
{
    API_FREE(schema, dpm_schema_free);
}

/* ---- Columns ---- */

int dpmix_schema_add_continuous(dpmix_schema *schema, const char *name, double lower, double upper, int flags,
                                int outside)
{
    API_NEED(schema);
    struct dpm_column column = {.name = name,
                                .kind = DPMIX_KIND_CONTINUOUS,
                                .flags = flags,
                                .outside = outside,
                                .lower = lower,
                                .upper = upper};
    API_RETURN(dpm_schema_add(schema, &column));
}

static int add_whole(dpmix_schema *schema, int kind, const char *name, int64_t lower, int64_t upper,
                     int flags, int outside)
{
    struct dpm_column column = {
        .name = name, .kind = kind, .flags = flags, .outside = outside, .first = lower, .last = upper};
    return dpm_schema_add(schema, &column);
}

int dpmix_schema_add_integer(dpmix_schema *schema, const char *name, int64_t lower, int64_t upper, int flags,
                             int outside)
{
    API_NEED(schema);
    API_RETURN(add_whole(schema, DPMIX_KIND_INTEGER, name, lower, upper, flags, outside));
}

int dpmix_schema_add_date(dpmix_schema *schema, const char *name, int64_t lower, int64_t upper, int flags,
                          int outside)
{
    API_NEED(schema);
    API_RETURN(add_whole(schema, DPMIX_KIND_DATE, name, lower, upper, flags, outside));
}

int dpmix_schema_add_timestamp(dpmix_schema *schema, const char *name, int64_t lower, int64_t upper,
                               int flags, int outside)
{
    API_NEED(schema);
    API_RETURN(add_whole(schema, DPMIX_KIND_TIMESTAMP, name, lower, upper, flags, outside));
}

int dpmix_schema_add_unit(dpmix_schema *schema, const char *name, int64_t max_rows)
{
    API_NEED(schema);
    API_RETURN(add_whole(schema, DPMIX_KIND_UNIT, name, 1, max_rows, 0, DPMIX_OUTSIDE_CLAMP));
}

int dpmix_schema_add_boolean(dpmix_schema *schema, const char *name, int flags, int outside)
{
    API_NEED(schema);
    API_RETURN(add_whole(schema, DPMIX_KIND_BOOLEAN, name, 0, 0, flags, outside));
}

int dpmix_schema_add_ordinal(dpmix_schema *schema, const char *name, const char *const *values,
                             size_t n_values, int flags, int outside)
{
    API_NEED(schema);
    struct dpm_column column = {.name = name,
                                .kind = DPMIX_KIND_ORDINAL,
                                .flags = flags,
                                .outside = outside,
                                .values = values,
                                .n_values = n_values};
    API_RETURN(dpm_schema_add(schema, &column));
}

int dpmix_schema_add_categorical(dpmix_schema *schema, const char *name, const char *const *values,
                                 size_t n_values, const char *other, int flags, int outside)
{
    API_NEED(schema);
    struct dpm_column column = {.name = name,
                                .kind = DPMIX_KIND_CATEGORICAL,
                                .flags = flags,
                                .outside = outside,
                                .values = values,
                                .n_values = n_values,
                                .other = other};
    API_RETURN(dpm_schema_add(schema, &column));
}

int dpmix_schema_set_label(dpmix_schema *schema, size_t column)
{
    API_NEED(schema);
    API_RETURN(dpm_schema_set_label(schema, column));
}

/* ---- JSON ---- */

int dpmix_schema_new_json(dpmix_schema **out, const char *json)
{
    API_NEED(out);
    API_NEED(json);
    API_GIVE(out, dpm_json_read(out, "json", json, strlen(json)));
}

int dpmix_schema_load(dpmix_schema **out, const char *path)
{
    API_NEED(out);
    API_NEED(path);
    struct dpm_blob blob = {0};
    int status = dpm_blob_read_plain(&blob, path);
    if (!status)
        status = dpm_json_read(out, "path", (const char *)blob.bytes, blob.size);
    dpm_blob_free(&blob);
    API_GIVE(out, status);
}

int dpmix_schema_save(const dpmix_schema *schema, const char *path)
{
    API_NEED(schema);
    API_NEED(path);
    char *text = NULL;
    int status = dpm_json_write(schema, &text);
    if (!status) {
        struct dpm_blob blob = {.bytes = (unsigned char *)text, .size = strlen(text)};
        status = dpm_blob_write_plain(&blob, path);
    }
    dpm_free(text);
    API_RETURN(status);
}

int dpmix_schema_json(const dpmix_schema *schema, char *text, size_t capacity, size_t *length)
{
    API_NEED(schema);
    char *json = NULL;
    int status = dpm_json_write(schema, &json);
    if (!status)
        status = dpm_api_text(json, text, capacity, length);
    dpm_free(json);
    API_RETURN(status);
}

/* ---- What was declared ---- */

static const struct dpm_column *column_of(const dpmix_schema *schema, size_t column)
{
    return API_HAVE(schema) && column < schema->n_columns ? &schema->columns[column] : NULL;
}

size_t dpmix_schema_columns(const dpmix_schema *schema)
{
    return API_HAVE(schema) ? schema->n_columns : 0;
}

const char *dpmix_schema_name(const dpmix_schema *schema, size_t column)
{
    const struct dpm_column *found = column_of(schema, column);
    return found ? found->name : NULL;
}

int dpmix_schema_kind(const dpmix_schema *schema, size_t column)
{
    const struct dpm_column *found = column_of(schema, column);
    return found ? found->kind : 0;
}

int dpmix_schema_flags(const dpmix_schema *schema, size_t column)
{
    const struct dpm_column *found = column_of(schema, column);
    return found ? found->flags : 0;
}

int dpmix_schema_outside(const dpmix_schema *schema, size_t column)
{
    const struct dpm_column *found = column_of(schema, column);
    return found ? found->outside : 0;
}

int dpmix_schema_range(const dpmix_schema *schema, size_t column, double *lower, double *upper)
{
    API_NEED(schema);
    API_NEED(lower);
    API_NEED(upper);
    const struct dpm_column *found = column_of(schema, column);
    if (!found || found->kind != DPMIX_KIND_CONTINUOUS)
        API_RETURN(dpm_fail(DPMIX_ERR_RANGE, "column: not a continuous column"));
    *lower = found->lower;
    *upper = found->upper;
    return DPMIX_OK;
}

int dpmix_schema_range_int(const dpmix_schema *schema, size_t column, int64_t *lower, int64_t *upper)
{
    API_NEED(schema);
    API_NEED(lower);
    API_NEED(upper);
    const struct dpm_column *found = column_of(schema, column);
    if (!found || found->kind == DPMIX_KIND_CONTINUOUS || dpm_column_has_values(found))
        API_RETURN(dpm_fail(DPMIX_ERR_RANGE, "column: not one with bounds that are whole numbers"));
    *lower = found->first;
    *upper = found->last;
    return DPMIX_OK;
}

size_t dpmix_schema_values(const dpmix_schema *schema, size_t column)
{
    const struct dpm_column *found = column_of(schema, column);
    return found ? found->n_values : 0;
}

const char *dpmix_schema_value(const dpmix_schema *schema, size_t column, size_t value)
{
    const struct dpm_column *found = column_of(schema, column);
    return found && value < found->n_values ? found->values[value] : NULL;
}

const char *dpmix_schema_other(const dpmix_schema *schema, size_t column)
{
    const struct dpm_column *found = column_of(schema, column);
    return found ? found->other : NULL;
}

int64_t dpmix_schema_label(const dpmix_schema *schema)
{
    return API_HAVE(schema) && schema->label != DPM_SCHEMA_NONE ? (int64_t)schema->label : -1;
}

int64_t dpmix_schema_unit(const dpmix_schema *schema)
{
    return API_HAVE(schema) && schema->unit != DPM_SCHEMA_NONE ? (int64_t)schema->unit : -1;
}

size_t dpmix_schema_width(const dpmix_schema *schema)
{
    return API_HAVE(schema) ? schema->width : 0;
}

int dpmix_schema_classes(const dpmix_schema *schema)
{
    return API_HAVE(schema) ? dpm_schema_classes(schema) : 0;
}

int dpmix_schema_places(const dpmix_schema *schema, size_t column, size_t *first, size_t *n)
{
    API_NEED(schema);
    API_NEED(first);
    API_NEED(n);
    const struct dpm_column *found = column_of(schema, column);
    if (!found)
        API_RETURN(dpm_fail(DPMIX_ERR_RANGE, "column: the schema has fewer"));
    *first = found->place;
    *n = found->width;
    return DPMIX_OK;
}

int dpmix_schema_groups(const dpmix_schema *schema, int32_t *groups, size_t n_places)
{
    API_NEED(schema);
    if (n_places > 0)
        API_NEED(groups);
    if (n_places != schema->width)
        API_RETURN(dpm_fail(DPMIX_ERR_RANGE, "n_places: not that of the schema"));
    dpm_schema_groups(schema, groups);
    return DPMIX_OK;
}
