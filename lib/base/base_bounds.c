/* SPDX-License-Identifier: BSD-3-Clause */
#include "base_bounds.h"
#include "base_alloc.h"
#include "base_fail.h"
#include "base_simd.h"

#include <float.h>
#include <math.h>
#include <string.h>

/* In a file: set in the number of columns when float64 bounds follow, and when groups do. */
#define WIDE (UINT64_C(1) << 63)
#define GROUPED (UINT64_C(1) << 62)

static int allocate(struct dpm_bounds *bounds, size_t n_columns)
{
    *bounds = (struct dpm_bounds){.n_columns = n_columns};
    bounds->lower = dpm_alloc(n_columns, sizeof *bounds->lower);
    bounds->upper = dpm_alloc(n_columns, sizeof *bounds->upper);
    bounds->scale = dpm_alloc(n_columns, sizeof *bounds->scale);
    if (bounds->lower && bounds->upper && bounds->scale)
        return DPMIX_OK;
    dpm_bounds_free(bounds);
    return DPMIX_ERR_NOMEM;
}

static inline double clamp(double value)
{
    return value >= 0 ? (value <= 1 ? value : 1) : 0; /* NaN compares false and becomes 0 */
}

static inline float clamp_float(float value)
{
    return value >= 0 ? (value <= 1 ? value : 1) : 0;
}

static inline float scale_byte(float byte, float lower, float high, float low)
{
    float above = byte - lower;
    return above * high + above * low;
}

/* Bytes in float32: with lower bounds that are small whole numbers the difference is exact, and so is its
 * product with the upper digits of the scale; what remains has an error far below float32's last place.
 * Whether that, once rounded, is what double gives is not left to argument: all 256 bytes are tried. */
static void set_byte_scale(struct dpm_bounds *bounds)
{
    double lower = bounds->lower[0], scale = bounds->scale[0];
    int exponent;
    frexp(scale, &exponent);
    double high = ldexp(floor(ldexp(scale, 14 - exponent)), exponent - 14); /* 14 digits */
    bounds->byte[0] = (float)lower;
    bounds->byte[1] = (float)high;
    bounds->byte[2] = (float)(scale - high);
    bounds->byte_exact = 1;
    bounds->byte_inside = 1;
    for (size_t i = 1; i < bounds->n_columns; i++)
        bounds->byte_exact &= bounds->lower[i] == lower && bounds->scale[i] == scale;
    for (int i = 0; i < 256; i++) {
        float wanted = (float)clamp(((double)i - lower) * scale);
        float scaled = scale_byte((float)i, bounds->byte[0], bounds->byte[1], bounds->byte[2]);
        float given = clamp_float(scaled);
        bounds->byte_exact &= memcmp(&wanted, &given, sizeof wanted) == 0;
        bounds->byte_inside &= memcmp(&wanted, &scaled, sizeof wanted) == 0;
    }
}

static void set_scale(struct dpm_bounds *bounds)
{
    for (size_t i = 0; i < bounds->n_columns; i++)
        bounds->scale[i] = 1 / (bounds->upper[i] - bounds->lower[i]);
    set_byte_scale(bounds);
}

/* NaN fails every comparison. Of a subnormal width the scale could be infinite. */
static int acceptable(double lower, double upper)
{
    return fabs(lower) <= FLT_MAX && fabs(upper) <= FLT_MAX && upper - lower >= DBL_MIN &&
           upper - lower <= FLT_MAX;
}

int dpm_bounds_new(struct dpm_bounds *bounds, size_t n_columns, const double *lower, const double *upper,
                   size_t n_bounds)
{
    if (n_bounds != 1 && n_bounds != n_columns)
        return dpm_fail(DPMIX_ERR_RANGE, "n_bounds: must be 1 or n_columns");
    for (size_t i = 0; i < n_bounds; i++)
        if (!acceptable(lower[i], upper[i]))
            return dpm_fail(DPMIX_ERR_RANGE, "lower, upper: must be finite in float32, lower below upper");
    int status = allocate(bounds, n_columns);
    for (size_t i = 0; !status && i < n_columns; i++) {
        bounds->lower[i] = lower[n_bounds == 1 ? 0 : i];
        bounds->upper[i] = upper[n_bounds == 1 ? 0 : i];
    }
    if (!status)
        set_scale(bounds);
    return status;
}

int dpm_bounds_copy(struct dpm_bounds *bounds, const struct dpm_bounds *other)
{
    int status = allocate(bounds, other->n_columns);
    if (!status) {
        memcpy(bounds->lower, other->lower, other->n_columns * sizeof *bounds->lower);
        memcpy(bounds->upper, other->upper, other->n_columns * sizeof *bounds->upper);
        bounds->side = other->side;
        set_scale(bounds);
    }
    if (!status && other->groups)
        status = dpm_bounds_set_groups(bounds, other->groups, other->n_columns);
    if (status)
        dpm_bounds_free(bounds);
    return status;
}

void dpm_bounds_free(struct dpm_bounds *bounds)
{
    dpm_free(bounds->lower);
    dpm_free(bounds->upper);
    dpm_free(bounds->scale);
    dpm_free(bounds->groups);
    *bounds = (struct dpm_bounds){0};
}

int dpm_bounds_set_images(struct dpm_bounds *bounds, size_t side)
{
    if (side == 0 || bounds->n_columns % side != 0 || bounds->n_columns / side != side)
        return dpm_fail(DPMIX_ERR_RANGE, "side: its square is not the number of columns");
    bounds->side = side;
    return DPMIX_OK;
}

int dpm_bounds_equal(const struct dpm_bounds *a, const struct dpm_bounds *b)
{
    size_t bytes = a->n_columns * sizeof *a->lower;
    return a->n_columns == b->n_columns && memcmp(a->lower, b->lower, bytes) == 0 &&
           memcmp(a->upper, b->upper, bytes) == 0 && !a->groups == !b->groups &&
           (!a->groups || memcmp(a->groups, b->groups, a->n_columns * sizeof *a->groups) == 0);
}

/* The last group's number; -1 unless they are runs of columns, numbered from 1. */
static int32_t last_group(const int32_t *groups, size_t n)
{
    int32_t last = 0;
    for (size_t i = 0; i < n; i++) {
        int goes_on = i > 0 && groups[i] == groups[i - 1];
        if (groups[i] != 0 && !goes_on && groups[i] != last + 1)
            return -1;
        last = groups[i] > last ? groups[i] : last;
    }
    return last;
}

int dpm_bounds_set_groups(struct dpm_bounds *bounds, const int32_t *groups, size_t n_columns)
{
    if (n_columns != bounds->n_columns)
        return dpm_fail(DPMIX_ERR_RANGE, "n_columns: not that of the dataset");
    int32_t last = last_group(groups, n_columns);
    if (last < 0)
        return dpm_fail(DPMIX_ERR_RANGE,
                        "groups: must be 0, or runs of columns numbered 1, 2, ... from left to right");
    int32_t *copy = NULL;
    if (last > 0) {
        copy = dpm_alloc(n_columns, sizeof *copy);
        if (!copy)
            return DPMIX_ERR_NOMEM;
        memcpy(copy, groups, n_columns * sizeof *copy);
    }
    dpm_free(bounds->groups);
    bounds->groups = copy;
    return DPMIX_OK;
}

/* The loop for one type. A product with 1 / (upper - lower) is off by a few units of double's last place,
 * which the float32 hardly ever shows, and many times as fast as a division. */
#define NORMALISE(name, type)                                                                                \
    DPM_SIMD_INLINE void name##_body(const struct dpm_bounds *bounds, const type *row, float *out)           \
    {                                                                                                        \
        const double *lower = bounds->lower, *scale = bounds->scale;                                         \
        for (size_t i = 0, n = bounds->n_columns; i < n; i++)                                                \
            out[i] = (float)clamp(((double)row[i] - lower[i]) * scale[i]);                                   \
    }                                                                                                        \
    DPM_SIMD_VERSIONS(name, (const struct dpm_bounds *bounds, const type *row, float *out),                  \
                      (bounds, row, out))

NORMALISE(normalise_u8, uint8_t)
NORMALISE(normalise_f32, float)
NORMALISE(normalise_f64, double)

DPM_SIMD_INLINE void normalise_bytes_body(const struct dpm_bounds *bounds, const uint8_t *restrict row,
                                          float *restrict out)
{
    float lower = bounds->byte[0], high = bounds->byte[1], low = bounds->byte[2];
    if (bounds->byte_inside) {
        for (size_t i = 0, n = bounds->n_columns; i < n; i++)
            out[i] = scale_byte((float)row[i], lower, high, low);
        return;
    }
    for (size_t i = 0, n = bounds->n_columns; i < n; i++)
        out[i] = clamp_float(scale_byte((float)row[i], lower, high, low));
}

DPM_SIMD_VERSIONS(normalise_bytes, (const struct dpm_bounds *bounds, const uint8_t *row, float *out),
                  (bounds, row, out))

void dpm_bounds_normalise(const struct dpm_bounds *bounds, int type, const void *row, float *out)
{
    switch (type) {
    case DPM_TYPE_U8: (bounds->byte_exact ? normalise_bytes : normalise_u8)(bounds, row, out); break;
    case DPM_TYPE_F32: normalise_f32(bounds, row, out); break;
    default: normalise_f64(bounds, row, out); break;
    }
}

double dpm_bounds_restore(const struct dpm_bounds *bounds, size_t column, float value)
{
    double lower = bounds->lower[column], upper = bounds->upper[column];
    double restored = lower + clamp((double)value) * (upper - lower);
    return restored <= upper ? restored : upper;
}

void dpm_bounds_restore_rows(const struct dpm_bounds *bounds, const float *rows, size_t n, int type,
                             void *out, size_t first)
{
    size_t columns = bounds->n_columns;
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < columns; j++) {
            double value = dpm_bounds_restore(bounds, j, rows[i * columns + j]);
            if (type == DPM_TYPE_F32)
                ((float *)out)[(first + i) * columns + j] = (float)value;
            else
                ((double *)out)[(first + i) * columns + j] = value;
        }
}

static int fits_float(const double *values, size_t n)
{
    size_t i = 0;
    while (i < n && (double)(float)values[i] == values[i])
        i++;
    return i == n;
}

static void put_floats(struct dpm_blob *blob, const double *values, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        float value = (float)values[i];
        dpm_blob_put_f32s(blob, &value, 1);
    }
}

void dpm_bounds_put(const struct dpm_bounds *bounds, struct dpm_blob *blob)
{
    size_t n = bounds->n_columns;
    uint64_t grouped = bounds->groups ? GROUPED : 0;
    if (fits_float(bounds->lower, n) && fits_float(bounds->upper, n)) {
        dpm_blob_put_u64(blob, n | grouped);
        put_floats(blob, bounds->lower, n);
        put_floats(blob, bounds->upper, n);
    } else {
        dpm_blob_put_u64(blob, n | WIDE | grouped);
        dpm_blob_put_f64s(blob, bounds->lower, n);
        dpm_blob_put_f64s(blob, bounds->upper, n);
    }
    for (size_t i = 0; grouped && i < n; i++)
        dpm_blob_put_u64(blob, (uint64_t)bounds->groups[i]);
}

/* As dpm_blob_get_f64s(), from float32. */
static double *get_floats(struct dpm_blob *blob, size_t n)
{
    float *narrow = dpm_blob_get_f32s(blob, n, 1);
    double *values = narrow ? dpm_alloc(n, sizeof *values) : NULL;
    if (narrow && !values)
        blob->status = DPMIX_ERR_NOMEM;
    for (size_t i = 0; values && i < n; i++)
        values[i] = (double)narrow[i];
    dpm_free(narrow);
    return values;
}

/* Behind bounds of as many columns, so that the file's size has been checked. */
static void get_groups(struct dpm_bounds *bounds, struct dpm_blob *blob)
{
    bounds->groups = dpm_alloc(bounds->n_columns, sizeof *bounds->groups);
    if (!bounds->groups) {
        blob->status = DPMIX_ERR_NOMEM;
        return;
    }
    for (size_t i = 0; i < bounds->n_columns; i++)
        bounds->groups[i] = (int32_t)dpm_blob_get_size(blob, 0, DPM_MAX_COLUMNS);
    if (last_group(bounds->groups, bounds->n_columns) < 1)
        dpm_blob_reject(blob);
}

void dpm_bounds_get(struct dpm_bounds *bounds, struct dpm_blob *blob)
{
    *bounds = (struct dpm_bounds){0};
    uint64_t columns = dpm_blob_get_u64(blob), n = columns & ~(WIDE | GROUPED);
    if (n < 1 || n > DPM_MAX_COLUMNS)
        dpm_blob_reject(blob);
    bounds->n_columns = dpm_blob_status(blob) ? 1 : (size_t)n;
    bounds->lower =
        columns & WIDE ? dpm_blob_get_f64s(blob, bounds->n_columns, 1) : get_floats(blob, bounds->n_columns);
    bounds->upper =
        columns & WIDE ? dpm_blob_get_f64s(blob, bounds->n_columns, 1) : get_floats(blob, bounds->n_columns);
    for (size_t i = 0; !dpm_blob_status(blob) && i < bounds->n_columns; i++)
        if (!acceptable(bounds->lower[i], bounds->upper[i]))
            dpm_blob_reject(blob);
    if (columns & GROUPED && !dpm_blob_status(blob))
        get_groups(bounds, blob);
    if (dpm_blob_status(blob))
        return;
    bounds->scale = dpm_alloc(bounds->n_columns, sizeof *bounds->scale);
    if (bounds->scale)
        set_scale(bounds);
    else
        blob->status = DPMIX_ERR_NOMEM;
}
