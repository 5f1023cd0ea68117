/* SPDX-License-Identifier: BSD-3-Clause */
#include "bins.h"

#include "complain.h"
#include "table.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PART_SIZE = 48, LABEL_SIZE = 2 * PART_SIZE + 8, FIRST_RECORDS = 1024 };

/* ---- The bins of a column ---- */

static int lists_values(int kind)
{
    return kind == DPMIX_KIND_CATEGORICAL || kind == DPMIX_KIND_BOOLEAN || kind == DPMIX_KIND_ORDINAL;
}

static int is_nullable(const struct bins *bins, const struct bins_column *column)
{
    return (dpmix_schema_flags(bins->schema, column->column) & DPMIX_SCHEMA_NULLABLE) != 0;
}

static size_t at_most(size_t n, size_t most)
{
    return n < most ? n : most;
}

/* A number's bins: one for each value where they are few. */
static size_t number_of_bins(const struct bins *bins, const struct bins_column *column)
{
    const int kind = dpmix_schema_kind(bins->schema, column->column);
    int64_t lower, upper;
    if (lists_values(kind))
        return at_most(dpmix_schema_values(bins->schema, column->column), BINS_MOST - 1);
    if (kind != DPMIX_KIND_CONTINUOUS &&
        dpmix_schema_range_int(bins->schema, column->column, &lower, &upper) == DPMIX_OK &&
        (uint64_t)upper - (uint64_t)lower < BINS_OF_NUMBERS)
        return (size_t)((uint64_t)upper - (uint64_t)lower) + 1;
    return BINS_OF_NUMBERS;
}

static void describe(struct bins *bins, struct bins_column *column)
{
    const int kind = dpmix_schema_kind(bins->schema, column->column);
    const int is_label = dpmix_schema_label(bins->schema) == (int64_t)column->column;
    column->ordered = kind != DPMIX_KIND_CATEGORICAL && kind != DPMIX_KIND_BOOLEAN;
    column->has_null = is_nullable(bins, column);
    column->listed = lists_values(kind);
    if (is_label)
        bins->label = (size_t)(column - bins->columns);
    else if (dpmix_schema_places(bins->schema, column->column, &column->first, &column->n_places) != DPMIX_OK)
        column->n_places = 0;
    if (is_label ||
        !column->ordered) { /* a bin for each place or class; the last one takes what is too much */
        column->n = is_label ? (size_t)dpmix_schema_classes(bins->schema) : column->n_places;
        column->n = at_most(column->n, BINS_MOST);
    } else {
        column->n = number_of_bins(bins, column) + (size_t)column->has_null;
    }
}

/* ---- What the bins are called ---- */

struct wanted_cell {
    size_t column;
    char *text; /* PART_SIZE */
};

static int keep_cell(void *user, uint64_t record, const char *const *cells, size_t n)
{
    const struct wanted_cell *wanted = user;
    (void)record;
    (void)n;
    snprintf(wanted->text, PART_SIZE, "%s", cells[wanted->column] ? cells[wanted->column] : "");
    return 0;
}

/* What the library writes for a place of the column. */
static int write_place(const struct bins *bins, const struct bins_column *column, double place, char *text)
{
    const size_t width = dpmix_schema_width(bins->schema);
    const int32_t label = 0;
    const uint64_t seed = 0;
    struct wanted_cell wanted = {.column = column->column, .text = text};
    float *row = calloc(width, sizeof(*row));
    if (!row)
        return complain("out of memory");
    row[column->first] = (float)place;
    if (column->has_null)
        row[column->first + 1] = 1.0f; /* present */
    const int status = dpmix_schema_decode_text(bins->schema, row, &label, 0, 1, width, DPMIX_DECODE_LARGEST,
                                                &seed, keep_cell, &wanted);
    free(row);
    return status == DPMIX_OK ? 0 : complain("%s", dpmix_last_error());
}

static void name_interval(char *text, const char *from, const char *to)
{
    if (strcmp(from, to) == 0)
        snprintf(text, LABEL_SIZE, "%s", from);
    else
        snprintf(text, LABEL_SIZE, "%s to %s", from, to);
}

/* Value v of N is encoded as (v + 1/2) / N. */
static int name_whole_bin(const struct bins *bins, const struct bins_column *column, size_t bin,
                          size_t n_bins, char *text)
{
    char from[PART_SIZE], to[PART_SIZE];
    int64_t lower = 0, upper = 0;
    if (dpmix_schema_range_int(bins->schema, column->column, &lower, &upper) != DPMIX_OK)
        return complain("%s", dpmix_last_error());
    const double values = (double)upper - (double)lower + 1.0;
    const double first = ceil((double)bin * values / (double)n_bins - 0.5);
    const double next = ceil((double)(bin + 1) * values / (double)n_bins - 0.5);
    if (write_place(bins, column, (first + 0.5) / values, from) != 0 ||
        write_place(bins, column, (fmin(next, values) - 0.5) / values, to) != 0)
        return -1;
    name_interval(text, from, to);
    return 0;
}

static void name_real_bin(const struct bins *bins, const struct bins_column *column, size_t bin,
                          size_t n_bins, char *text)
{
    double lower, upper, edges[2];
    const int is_log = (dpmix_schema_flags(bins->schema, column->column) & DPMIX_SCHEMA_LOG) != 0;
    char from[PART_SIZE], to[PART_SIZE];
    text[0] = '\0';
    if (dpmix_schema_range(bins->schema, column->column, &lower, &upper) != DPMIX_OK)
        return;
    for (size_t i = 0; i < 2; i++) {
        const double place = (double)(bin + i) / (double)n_bins;
        edges[i] = is_log ? lower * pow(upper / lower, place) : lower + place * (upper - lower);
    }
    snprintf(from, sizeof(from), "%.4g", edges[0]);
    snprintf(to, sizeof(to), "%.4g", edges[1]);
    name_interval(text, from, to);
}

/* Values in their order, then "other", then null: as places and classes are. Of ordinal columns with more
 * values than bins the first value of the bin; value v of N is encoded as (v + 1/2) / N. */
static const char *name_of_value(const struct bins *bins, const struct bins_column *column, size_t bin)
{
    const size_t n_values = dpmix_schema_values(bins->schema, column->column);
    const size_t numbers = column->n - (size_t)column->has_null;
    const char *other = dpmix_schema_other(bins->schema, column->column);
    const size_t n_all = n_values + (other != NULL) + (size_t)column->has_null;
    const int by_place = column->n_places > 0 && column->ordered;
    const size_t value = by_place ? (2 * bin * n_values + numbers - 1) / (2 * numbers) : bin;
    if (by_place && bin >= numbers)
        return "(null)";
    if (!by_place && bin + 1 == BINS_MOST && n_all > BINS_MOST)
        return "(all further values)";
    return value < n_values             ? dpmix_schema_value(bins->schema, column->column, value)
           : value == n_values && other ? other
                                        : "(null)";
}

static int name_bin(const struct bins *bins, struct bins_column *column, size_t bin)
{
    const size_t numbers = column->n - (size_t)column->has_null;
    const char *known = column->listed ? name_of_value(bins, column, bin) : bin >= numbers ? "(null)" : NULL;
    char *text = malloc(known ? strlen(known) + 1 : LABEL_SIZE);
    if (!text)
        return complain("out of memory");
    column->labels[bin] = text;
    if (known)
        memcpy(text, known, strlen(known) + 1);
    else if (dpmix_schema_kind(bins->schema, column->column) == DPMIX_KIND_CONTINUOUS)
        name_real_bin(bins, column, bin, numbers, text);
    else
        return name_whole_bin(bins, column, bin, numbers, text);
    return 0;
}

static int name_bins(const struct bins *bins, struct bins_column *column)
{
    column->labels = calloc(column->n, sizeof(*column->labels));
    if (!column->labels)
        return complain("out of memory");
    for (size_t i = 0; i < column->n; i++)
        if (name_bin(bins, column, i) != 0)
            return -1;
    return 0;
}

int bins_open(struct bins *bins, const dpmix_schema *schema)
{
    const size_t n = dpmix_schema_columns(schema);
    *bins = (struct bins){.schema = schema, .columns = calloc(n + 1, sizeof(*bins->columns)), .label = n};
    if (!bins->columns)
        return complain("out of memory");
    for (size_t i = 0; i < n; i++) {
        if (dpmix_schema_kind(schema, i) == DPMIX_KIND_UNIT)
            continue;
        struct bins_column *column = &bins->columns[bins->n_columns++];
        column->column = i;
        describe(bins, column);
    }
    if (dpmix_schema_label(schema) < 0)
        bins->label = bins->n_columns;
    for (size_t i = 0; i < bins->n_columns; i++)
        if (name_bins(bins, &bins->columns[i]) != 0)
            return -1;
    return 0;
}

void bins_close(struct bins *bins)
{
    for (size_t i = 0; bins->columns && i < bins->n_columns; i++) {
        for (size_t b = 0; bins->columns[i].labels && b < bins->columns[i].n; b++)
            free(bins->columns[i].labels[b]);
        free(bins->columns[i].labels);
    }
    free(bins->columns);
    *bins = (struct bins){0};
}

/* ---- Records ---- */

int binned_open(struct binned *r, const struct bins *bins, int with_features)
{
    const size_t width = dpmix_schema_width(bins->schema);
    *r = (struct binned){.n_columns = bins->n_columns,
                         .n_features = with_features ? width : 0,
                         .row = calloc(width + 1, sizeof(*r->row))};
    return r->row ? 0 : complain("out of memory");
}

void binned_close(struct binned *r)
{
    wipe(r->codes, r->n * r->n_columns);
    wipe(r->features, r->n * r->n_features);
    free(r->codes);
    free(r->features);
    free(r->row);
    *r = (struct binned){0};
}

static int grow(struct binned *r)
{
    const size_t capacity = r->capacity ? 2 * r->capacity : FIRST_RECORDS;
    const size_t most = (size_t)-1 / (r->n_columns + r->n_features + 1);
    uint8_t *codes = capacity < most ? realloc(r->codes, capacity * r->n_columns) : NULL;
    if (!codes)
        return complain("out of memory");
    r->codes = codes;
    if (r->n_features > 0) {
        uint8_t *features = realloc(r->features, capacity * r->n_features);
        if (!features)
            return complain("out of memory");
        r->features = features;
    }
    r->capacity = capacity;
    return 0;
}

static size_t hot_place(const float *group, size_t n)
{
    size_t hot = 0;
    while (hot + 1 < n && !(group[hot] > 0.5f))
        hot++;
    return hot;
}

static uint8_t code_of(const struct bins_column *column, const float *row, int32_t label)
{
    if (column->n_places == 0)
        return (uint8_t)at_most((size_t)label, column->n - 1);
    const float *places = row + column->first;
    if (!column->ordered)
        return (uint8_t)at_most(hot_place(places, column->n_places), column->n - 1);
    const size_t numbers = column->n - (size_t)column->has_null;
    if (column->has_null && places[2] > 0.5f)
        return (uint8_t)numbers;
    return (uint8_t)at_most((size_t)((double)places[0] * (double)numbers), numbers - 1);
}

int binned_add(struct binned *r, const struct bins *bins, const char *const *cells)
{
    int32_t label = 0;
    if (r->n == r->capacity && grow(r) != 0)
        return -1;
    if (dpmix_schema_encode_text(bins->schema, r->row, &label, cells, 1,
                                 dpmix_schema_columns(bins->schema)) != DPMIX_OK)
        return complain("%s", dpmix_last_error());
    for (size_t i = 0; i < r->n_columns; i++)
        r->codes[r->n * r->n_columns + i] = code_of(&bins->columns[i], r->row, label);
    for (size_t i = 0; i < r->n_features; i++)
        r->features[r->n * r->n_features + i] = (uint8_t)(255.0f * r->row[i] + 0.5f);
    r->n++;
    return 0;
}

void binned_fractions(double *fractions, const struct binned *r, const struct bins *bins, size_t column)
{
    for (size_t b = 0; b < bins->columns[column].n; b++)
        fractions[b] = 0.0;
    for (size_t i = 0; i < r->n; i++)
        fractions[r->codes[i * r->n_columns + column]] += 1.0 / (double)r->n;
}
