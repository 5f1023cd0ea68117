/* SPDX-License-Identifier: BSD-3-Clause */
#include "base_bounds.h"
#include "base_alloc.h"
#include "base_fail.h"
#include "base_simd.h"

#include <float.h>
#include <math.h>
#include <string.h>

/* In a file: set in the number of columns when float64 bounds follow. */
#define WIDE (UINT64_C(1) << 63)

static int allocate(struct dpm_bounds *bounds, size_t n_columns)
{
    bounds->n_columns = n_columns;
    bounds->lower = dpm_alloc(n_columns, sizeof *bounds->lower);
    bounds->upper = dpm_alloc(n_columns, sizeof *bounds->upper);
    bounds->scale = dpm_alloc(n_columns, sizeof *bounds->scale);
    if (bounds->lower && bounds->upper && bounds->scale)
        return DPMIX_OK;
    dpm_bounds_free(bounds);
    return DPMIX_ERR_NOMEM;
}

static void set_scale(struct dpm_bounds *bounds)
{
    for (size_t i = 0; i < bounds->n_columns; i++)
        bounds->scale[i] = 1 / (bounds->upper[i] - bounds->lower[i]);
}

/* NaN fails every comparison. */
static int acceptable(double lower, double upper)
{
    return fabs(lower) <= FLT_MAX && fabs(upper) <= FLT_MAX && lower < upper && upper - lower <= FLT_MAX;
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
        set_scale(bounds);
    }
    return status;
}

void dpm_bounds_free(struct dpm_bounds *bounds)
{
    dpm_free(bounds->lower);
    dpm_free(bounds->upper);
    dpm_free(bounds->scale);
    *bounds = (struct dpm_bounds){0};
}

int dpm_bounds_equal(const struct dpm_bounds *a, const struct dpm_bounds *b)
{
    size_t bytes = a->n_columns * sizeof *a->lower;
    return a->n_columns == b->n_columns && memcmp(a->lower, b->lower, bytes) == 0 &&
           memcmp(a->upper, b->upper, bytes) == 0;
}

static inline double clamp(double value)
{
    return value >= 0 ? (value <= 1 ? value : 1) : 0; /* NaN compares false and becomes 0 */
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

void dpm_bounds_normalise(const struct dpm_bounds *bounds, int type, const void *row, float *out)
{
    switch (type) {
    case DPM_TYPE_U8: normalise_u8(bounds, row, out); break;
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
    if (fits_float(bounds->lower, n) && fits_float(bounds->upper, n)) {
        dpm_blob_put_u64(blob, n);
        put_floats(blob, bounds->lower, n);
        put_floats(blob, bounds->upper, n);
    } else {
        dpm_blob_put_u64(blob, n | WIDE);
        dpm_blob_put_f64s(blob, bounds->lower, n);
        dpm_blob_put_f64s(blob, bounds->upper, n);
    }
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

void dpm_bounds_get(struct dpm_bounds *bounds, struct dpm_blob *blob)
{
    uint64_t columns = dpm_blob_get_u64(blob), n = columns & ~WIDE;
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
    if (dpm_blob_status(blob))
        return;
    bounds->scale = dpm_alloc(bounds->n_columns, sizeof *bounds->scale);
    if (bounds->scale)
        set_scale(bounds);
    else
        blob->status = DPMIX_ERR_NOMEM;
}
