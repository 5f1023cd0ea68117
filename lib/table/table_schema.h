/* SPDX-License-Identifier: BSD-3-Clause */
/* What is declared of a table: its columns, and where each lies in an encoded row.
 *
 * An encoded row is float32 in [0, 1]. A number (continuous, integer, ordinal, date, timestamp) takes one
 * place, behind it two more when it is nullable: the one-hot group (present, null). A category (categorical,
 * boolean) takes a one-hot group of a place per value, then "other", then null, where the column has them.
 * The label and the unit column take no place. */
#ifndef DPM_TABLE_SCHEMA_H
#define DPM_TABLE_SCHEMA_H

#include <dpmix/schema.h>

#include <stddef.h>
#include <stdint.h>

enum { DPM_SCHEMA_COLUMNS = 65536, DPM_SCHEMA_NAME = 1024 };

#define DPM_SCHEMA_NONE SIZE_MAX

struct dpm_value {
    const char *text;
    size_t length, number; /* its place in the declared order */
};

struct dpm_column {
    const char *name;
    int kind, flags, outside;
    double lower, upper;       /* continuous */
    int64_t first, last;       /* integer, date, timestamp; unit: 1 and the most rows */
    const char *const *values; /* ordinal, categorical: n_values texts; boolean: "false", "true" */
    size_t n_values;
    const char *other; /* the name of what is not in the list; NULL: there is none */

    /* Not part of the description. */
    uint64_t hash;            /* of the name */
    char *texts;              /* name, values, other, one behind the other */
    const char **list;        /* of values */
    struct dpm_value *sorted; /* values, for look-ups */
    size_t place, width;
};

struct dpmix_schema {
    struct dpm_column *columns;
    size_t n_columns, capacity;
    size_t label, unit; /* column numbers, or DPM_SCHEMA_NONE */
    size_t width;       /* places of an encoded row */
};

int dpm_schema_new(struct dpmix_schema **out);
void dpm_schema_free(struct dpmix_schema *schema);
int dpm_schema_copy(struct dpmix_schema **out, const struct dpmix_schema *schema);

/* Checks the description and adds a column like it; texts are copied. */
int dpm_schema_add(struct dpmix_schema *schema, const struct dpm_column *like);
int dpm_schema_set_label(struct dpmix_schema *schema, size_t column);

/* The number of a column of this name; DPM_SCHEMA_NONE. */
size_t dpm_schema_find(const struct dpmix_schema *schema, const char *name);

static inline int dpm_column_nullable(const struct dpm_column *column)
{
    return (column->flags & DPMIX_SCHEMA_NULLABLE) != 0;
}

/* Its values are texts of a list. */
static inline int dpm_column_has_values(const struct dpm_column *column)
{
    return column->kind == DPMIX_KIND_ORDINAL || column->kind == DPMIX_KIND_CATEGORICAL ||
           column->kind == DPMIX_KIND_BOOLEAN;
}

static inline int dpm_column_one_hot(const struct dpm_column *column)
{
    return column->kind == DPMIX_KIND_CATEGORICAL || column->kind == DPMIX_KIND_BOOLEAN;
}

/* Values and "other". */
static inline size_t dpm_column_categories(const struct dpm_column *column)
{
    return column->n_values + (column->other != NULL);
}

/* The text of category number i < dpm_column_categories(). */
static inline const char *dpm_column_category(const struct dpm_column *column, size_t i)
{
    return i < column->n_values ? column->values[i] : column->other;
}

/* The number of the value that is this text; DPM_SCHEMA_NONE. */
size_t dpm_column_value(const struct dpm_column *column, const char *text, size_t length);

/* Classes of the label; 0 without one. */
int dpm_schema_classes(const struct dpmix_schema *schema);

/* Whether records can be encoded: DPMIX_ERR_STATE unless a column is there beside label and unit. */
int dpm_schema_ready(const struct dpmix_schema *schema);

/* width numbers, as dpm_bounds_set_groups() takes them. */
void dpm_schema_groups(const struct dpmix_schema *schema, int32_t *groups);

/* A name for a message: cut so that the message holds it, without control characters. */
struct dpm_short_name {
    char text[72];
};
struct dpm_short_name dpm_short_name(const char *name);

#endif
