/* SPDX-License-Identifier: BSD-3-Clause */
/* From places of a row to values that obey the schema. */
#include "table_decode.h"
#include "table_number.h"
#include "table_time.h"

#include <math.h>
#include <stdio.h>

int dpm_draws_key(uint8_t key[DPM_KEY_SIZE], const uint64_t *seed)
{
    if (!seed)
        return dpm_random_key(key);
    dpm_random_seed(key, *seed);
    return DPMIX_OK;
}

static double uniform(struct dpm_draws *draws)
{
    if (!draws->open)
        dpm_stream_open(&draws->stream, draws->key, DPM_STREAM_DECODE, draws->record, 0);
    draws->open = 1;
    return dpm_stream_uniform(&draws->stream);
}

static double clamp(double value)
{
    return value > 0 ? value < 1 ? value : 1 : 0; /* NaN becomes 0 */
}

/* The place that is 1 where all others are 0; n otherwise. */
static size_t hot_place(const float *group, size_t n)
{
    size_t hot = n;
    for (size_t i = 0; i < n; i++) {
        if (group[i] == 0)
            continue;
        if (group[i] != 1 || hot != n)
            return n;
        hot = i;
    }
    return hot;
}

static size_t largest(const float *group, size_t n)
{
    size_t best = 0;
    for (size_t i = 1; i < n; i++)
        if (clamp((double)group[i]) > clamp((double)group[best]))
            best = i;
    return best;
}

static size_t drawn(const float *group, size_t n, struct dpm_draws *draws)
{
    double sum = 0, u = uniform(draws);
    size_t last = 0;
    for (size_t i = 0; i < n; i++)
        sum += clamp((double)group[i]);
    if (!(sum > 0)) {
        size_t even = (size_t)(u * (double)n);
        return even < n ? even : n - 1; /* u may be rounded to 1 */
    }
    u *= sum;
    for (size_t i = 0; i < n; i++) {
        double weight = clamp((double)group[i]);
        if (weight > 0)
            last = i;
        if (u < weight)
            return i;
        u -= weight;
    }
    return last; /* rounding left a little */
}

static size_t pick(const float *group, size_t n, struct dpm_draws *draws)
{
    size_t hot = hot_place(group, n);
    if (hot < n)
        return hot;
    return draws ? drawn(group, n, draws) : largest(group, n);
}

static int64_t whole_at(double place, int64_t first, int64_t last)
{
    uint64_t range = (uint64_t)last - (uint64_t)first;
    double number = floor(place * ((double)range + 1));
    uint64_t steps = number >= (double)range ? range : (uint64_t)number;
    return (int64_t)((uint64_t)first + steps);
}

static double real_at(const struct dpm_column *column, double place)
{
    double lower = column->lower, upper = column->upper, value;
    if (column->flags & DPMIX_SCHEMA_LOG)
        value = exp(log(lower) + place * (log(upper) - log(lower)));
    else
        value = lower + place * (upper - lower);
    return value < lower ? lower : value > upper ? upper : value;
}

struct dpm_datum dpm_datum_decode(const struct dpm_column *column, const float *row, struct dpm_draws *draws)
{
    const float *places = row + column->place;
    struct dpm_datum datum = {0};
    if (dpm_column_one_hot(column)) {
        datum.category = pick(places, column->width, draws);
        datum.null = datum.category == dpm_column_categories(column);
        return datum;
    }
    if (dpm_column_nullable(column) && pick(places + 1, 2, draws) == 1) {
        datum.null = 1;
        return datum;
    }
    double place = clamp((double)places[0]);
    if (column->kind == DPMIX_KIND_CONTINUOUS)
        datum.real = real_at(column, place);
    else if (column->kind == DPMIX_KIND_ORDINAL)
        datum.category = (size_t)whole_at(place, 0, (int64_t)column->n_values - 1);
    else
        datum.integer = whole_at(place, column->first, column->last);
    return datum;
}

struct dpm_datum dpm_datum_of_class(const struct dpm_column *label, int32_t class_number)
{
    size_t category = (size_t)class_number;
    return (struct dpm_datum){.null = category == dpm_column_categories(label), .category = category};
}

/* What half a step of the place in float32, at most 2^-25, is worth. */
static double tolerance_of(const struct dpm_column *column, double value)
{
    double change = column->flags & DPMIX_SCHEMA_LOG ? value * (log(column->upper) - log(column->lower))
                                                     : column->upper - column->lower;
    return change * 0x1p-25;
}

const char *dpm_datum_text(const struct dpm_column *column, const struct dpm_datum *datum,
                           char work[DPM_CELL_TEXT_SIZE])
{
    switch (column->kind) {
    case DPMIX_KIND_CONTINUOUS:
        dpm_number_format(work, datum->real, tolerance_of(column, datum->real), column->lower, column->upper);
        return work;
    case DPMIX_KIND_INTEGER:
        snprintf(work, DPM_CELL_TEXT_SIZE, "%lld", (long long)datum->integer);
        return work;
    case DPMIX_KIND_DATE: dpm_date_format(work, datum->integer); return work;
    case DPMIX_KIND_TIMESTAMP: dpm_timestamp_format(work, datum->integer); return work;
    default: return dpm_column_category(column, datum->category);
    }
}

void dpm_table_decode(const struct dpmix_schema *schema, const float *row, const int32_t *label,
                      struct dpm_draws *draws, struct dpm_datum *data)
{
    for (size_t i = 0; i < schema->n_columns; i++) {
        const struct dpm_column *column = &schema->columns[i];
        if (i == schema->unit)
            data[i] = (struct dpm_datum){.null = 1};
        else if (i == schema->label)
            data[i] = dpm_datum_of_class(column, *label);
        else
            data[i] = dpm_datum_decode(column, row, draws);
    }
}
