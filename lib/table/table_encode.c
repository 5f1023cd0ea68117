/* SPDX-License-Identifier: BSD-3-Clause */
/* From cells to places of a row. */
#include "table_cell.h"
#include "table_number.h"
#include "table_time.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define BIT(type) (1u << (type))
#define NUMBERS (BIT(DPM_CELL_BOOLEAN) | BIT(DPM_CELL_INTEGER) | BIT(DPM_CELL_REAL))
#define TIMES (BIT(DPM_CELL_DATE) | BIT(DPM_CELL_TIMESTAMP))
#define ALWAYS (BIT(DPM_CELL_NULL) | BIT(DPM_CELL_TEXT))

unsigned dpm_cell_types(int kind)
{
    switch (kind) {
    case DPMIX_KIND_ORDINAL:
    case DPMIX_KIND_CATEGORICAL: return ALWAYS | NUMBERS | TIMES;
    case DPMIX_KIND_DATE:
    case DPMIX_KIND_TIMESTAMP: return ALWAYS | TIMES | BIT(DPM_CELL_INTEGER);
    case DPMIX_KIND_UNIT: return ALWAYS | TIMES | BIT(DPM_CELL_BOOLEAN) | BIT(DPM_CELL_INTEGER);
    default: return ALWAYS | NUMBERS;
    }
}

/* A cell on the way to a datum. */
enum state { MISSING, WRONG, FOUND };

static void trim(const char **text, size_t *n)
{
    while (*n > 0 && ((*text)[0] == ' ' || (*text)[0] == '\t'))
        ++*text, --*n;
    while (*n > 0 && ((*text)[*n - 1] == ' ' || (*text)[*n - 1] == '\t'))
        --*n;
}

/* ---- Numbers ---- */

static enum state clamp_real(const struct dpm_column *column, double value, double *out)
{
    *out = value < column->lower ? column->lower : value > column->upper ? column->upper : value;
    return *out == value ? FOUND : WRONG;
}

static enum state clamp_integer(const struct dpm_column *column, int64_t value, int64_t *out)
{
    *out = value < column->first ? column->first : value > column->last ? column->last : value;
    return *out == value ? FOUND : WRONG;
}

/* A number that need not fit an int64_t, to the nearest whole one. */
static enum state clamp_rounded(const struct dpm_column *column, double value, int64_t *out)
{
    double rounded = rint(value);
    if (rounded >= 0x1p63) {
        *out = column->last;
        return WRONG;
    }
    if (rounded < -0x1p63) {
        *out = column->first;
        return WRONG;
    }
    return clamp_integer(column, (int64_t)rounded, out);
}

/* As a number of the column's; text becomes a number first. */
static enum state read_number(const struct dpm_column *column, const struct dpm_cell *cell,
                              struct dpm_datum *datum)
{
    struct dpm_cell number = *cell;
    if (cell->type == DPM_CELL_TEXT) {
        const char *text = cell->text;
        size_t n = cell->length;
        trim(&text, &n);
        if (n == 0)
            return MISSING;
        if (dpm_integer_parse(&number.integer, text, n))
            number.type = DPM_CELL_INTEGER;
        else if (dpm_number_parse(&number.real, text, n))
            number.type = DPM_CELL_REAL;
        else
            return WRONG;
    }
    if (number.type == DPM_CELL_REAL && isnan(number.real))
        return MISSING;
    if (column->kind == DPMIX_KIND_CONTINUOUS)
        return clamp_real(column, number.type == DPM_CELL_REAL ? number.real : (double)number.integer,
                          &datum->real);
    if (number.type == DPM_CELL_REAL)
        return clamp_rounded(column, number.real, &datum->integer);
    return clamp_integer(column, number.integer, &datum->integer);
}

/* ---- Dates and timestamps ---- */

enum { DATE_LENGTH = 10 }; /* YYYY-MM-DD, with which every text of a timestamp begins */

static enum state read_date(const struct dpm_column *column, const struct dpm_cell *cell,
                            struct dpm_datum *datum)
{
    int64_t days = cell->integer, micros;
    if (cell->type == DPM_CELL_REAL) /* an integer that no int64_t holds */
        return clamp_rounded(column, cell->real, &datum->integer);
    if (cell->type == DPM_CELL_TIMESTAMP) {
        days = dpm_floor_divide(cell->integer, DPM_MICROS_A_DAY);
    } else if (cell->type == DPM_CELL_TEXT) {
        const char *text = cell->text;
        size_t n = cell->length;
        trim(&text, &n);
        if (n == 0)
            return MISSING;
        /* Of a timestamp the day that stands there: midnight somewhere is another day in UTC. */
        if (!dpm_date_parse(&days, text, n) &&
            (!dpm_timestamp_parse(&micros, text, n) || !dpm_date_parse(&days, text, DATE_LENGTH)))
            return WRONG;
    }
    return clamp_integer(column, days, &datum->integer);
}

static enum state read_timestamp(const struct dpm_column *column, const struct dpm_cell *cell,
                                 struct dpm_datum *datum)
{
    const int64_t most = INT64_MAX / DPM_MICROS_A_DAY;
    int64_t micros = cell->integer;
    if (cell->type == DPM_CELL_REAL) /* an integer that no int64_t holds */
        return clamp_rounded(column, cell->real, &datum->integer);
    if (cell->type == DPM_CELL_DATE) {
        int64_t days = micros < -most ? -most : micros > most ? most : micros; /* beyond every bound */
        micros = days * DPM_MICROS_A_DAY;
    } else if (cell->type == DPM_CELL_TEXT) {
        const char *text = cell->text;
        size_t n = cell->length;
        trim(&text, &n);
        if (n == 0)
            return MISSING;
        if (!dpm_timestamp_parse(&micros, text, n))
            return WRONG;
    }
    return clamp_integer(column, micros, &datum->integer);
}

/* ---- Categories ---- */

/* The number of this text among values and "other"; DPM_SCHEMA_NONE. */
static size_t category_of(const struct dpm_column *column, const char *text, size_t length)
{
    size_t number = dpm_column_value(column, text, length);
    int other = number == DPM_SCHEMA_NONE && column->other && length == strlen(column->other) &&
                memcmp(text, column->other, length) == 0;
    return other ? column->n_values : number;
}

static enum state read_category(const struct dpm_column *column, const struct dpm_cell *cell,
                                struct dpm_datum *datum)
{
    char work[DPM_TIME_SIZE];
    const char *text = work;
    size_t length = 0;
    switch (cell->type) {
    case DPM_CELL_TEXT:
        text = cell->text;
        length = cell->length;
        break;
    case DPM_CELL_BOOLEAN: text = cell->integer ? "true" : "false"; break;
    case DPM_CELL_DATE:
    case DPM_CELL_TIMESTAMP: {
        int day = cell->type == DPM_CELL_DATE;
        if (cell->integer < (day ? DPMIX_DATE_MIN : DPMIX_TIMESTAMP_MIN) ||
            cell->integer > (day ? DPMIX_DATE_MAX : DPMIX_TIMESTAMP_MAX))
            return WRONG;
        if (day)
            dpm_date_format(work, cell->integer);
        else
            dpm_timestamp_format(work, cell->integer);
        break;
    }
    case DPM_CELL_REAL:
        if (isnan(cell->real))
            return MISSING;
        if (cell->integer) /* beyond int64_t, with all its bits */
            snprintf(work, sizeof work, "%llu", (unsigned long long)cell->integer);
        else if (rint(cell->real) == cell->real && fabs(cell->real) < 0x1p63)
            snprintf(work, sizeof work, "%lld", (long long)cell->real);
        else
            return WRONG;
        break;
    default: snprintf(work, sizeof work, "%lld", (long long)cell->integer); break;
    }
    if (cell->type != DPM_CELL_TEXT)
        length = strlen(text);
    size_t number = category_of(column, text, length);
    if (number == DPM_SCHEMA_NONE && cell->type == DPM_CELL_TIMESTAMP &&
        cell->integer % DPM_MICROS_A_DAY == 0) { /* the day of a producer that has no days */
        dpm_date_format(work, cell->integer / DPM_MICROS_A_DAY);
        number = category_of(column, work, strlen(work));
    }
    datum->category = number == DPM_SCHEMA_NONE ? 0 : number;
    return number == DPM_SCHEMA_NONE ? WRONG : FOUND;
}

/* The words are in lower case, the text in any. */
static int is_one_of(const char *text, size_t n, const char *const *words)
{
    for (; *words; words++) {
        const char *word = *words;
        size_t i = 0;
        while (i < n && word[i] && (text[i] | (word[i] >= 'a' ? 0x20 : 0)) == word[i])
            i++;
        if (i == n && !word[i])
            return 1;
    }
    return 0;
}

static enum state read_boolean(const struct dpm_cell *cell, struct dpm_datum *datum)
{
    static const char *const yes[] = {"true", "t", "yes", "y", "1", NULL};
    static const char *const no[] = {"false", "f", "no", "n", "0", NULL};
    if (cell->type == DPM_CELL_REAL && isnan(cell->real))
        return MISSING;
    if (cell->type == DPM_CELL_TEXT) {
        const char *text = cell->text;
        size_t n = cell->length;
        trim(&text, &n);
        datum->category = is_one_of(text, n, yes) ? 1 : 0;
        return n == 0 ? MISSING : datum->category || is_one_of(text, n, no) ? FOUND : WRONG;
    }
    datum->category = cell->type == DPM_CELL_REAL ? cell->real != 0 : cell->integer != 0;
    return FOUND;
}

/* ---- All kinds ---- */

static enum state read_cell(const struct dpm_column *column, const struct dpm_cell *cell,
                            struct dpm_datum *datum)
{
    if (cell->type == DPM_CELL_NULL)
        return MISSING;
    switch (column->kind) {
    case DPMIX_KIND_ORDINAL:
    case DPMIX_KIND_CATEGORICAL: return read_category(column, cell, datum);
    case DPMIX_KIND_BOOLEAN: return read_boolean(cell, datum);
    case DPMIX_KIND_DATE: return read_date(column, cell, datum);
    case DPMIX_KIND_TIMESTAMP: return read_timestamp(column, cell, datum);
    default: return read_number(column, cell, datum);
    }
}

struct dpm_datum dpm_cell_datum(const struct dpm_column *column, const struct dpm_cell *cell)
{
    /* What DPMIX_OUTSIDE_CLAMP makes of a cell that says nothing. */
    struct dpm_datum datum = {.real = column->lower, .integer = column->first};
    enum state state = read_cell(column, cell, &datum);
    if (state == FOUND)
        return datum;
    if (dpm_column_nullable(column) && (state == MISSING || column->outside == DPMIX_OUTSIDE_NULL))
        datum.null = 1;
    else if (column->outside == DPMIX_OUTSIDE_OTHER)
        datum.category = column->n_values;
    return datum;
}

/* (i + 1/2) / n for the i-th of n whole numbers. */
static double place_of(int64_t value, int64_t first, int64_t last)
{
    double n = (double)((uint64_t)last - (uint64_t)first) + 1;
    return ((double)((uint64_t)value - (uint64_t)first) + 0.5) / n;
}

static double place_of_real(const struct dpm_column *column, double value)
{
    double lower = column->lower, upper = column->upper;
    if (column->flags & DPMIX_SCHEMA_LOG)
        return (log(value) - log(lower)) / (log(upper) - log(lower));
    return (value - lower) / (upper - lower);
}

void dpm_datum_encode(const struct dpm_column *column, const struct dpm_datum *datum, float *row)
{
    float *places = row + column->place;
    for (size_t i = 0; i < column->width; i++)
        places[i] = 0;
    if (dpm_column_one_hot(column)) {
        places[datum->null ? dpm_column_categories(column) : datum->category] = 1;
        return;
    }
    double place = 0.5;
    if (!datum->null && column->kind == DPMIX_KIND_CONTINUOUS)
        place = place_of_real(column, datum->real);
    else if (!datum->null && column->kind == DPMIX_KIND_ORDINAL)
        place = place_of((int64_t)datum->category, 0, (int64_t)column->n_values - 1);
    else if (!datum->null)
        place = place_of(datum->integer, column->first, column->last);
    places[0] = (float)(place > 0 ? place < 1 ? place : 1 : 0); /* logarithms of close bounds may cancel */
    if (dpm_column_nullable(column))
        places[datum->null ? 2 : 1] = 1;
}

int32_t dpm_datum_class(const struct dpm_column *label, const struct dpm_datum *datum)
{
    return (int32_t)(datum->null ? dpm_column_categories(label) : datum->category);
}
