/* SPDX-License-Identifier: BSD-3-Clause */
#include "base_bounds.h"
#include "base_alloc.h"
#include "base_fail.h"

#include <math.h>
#include <string.h>

static int allocate(struct dpm_bounds *bounds, size_t n_columns)
{
    bounds->n_columns = n_columns;
    bounds->lower = dpm_alloc(n_columns, sizeof(float));
    bounds->upper = dpm_alloc(n_columns, sizeof(float));
    if (bounds->lower && bounds->upper)
        return DPMIX_OK;
    dpm_bounds_free(bounds);
    return DPMIX_ERR_NOMEM;
}

int dpm_bounds_new(struct dpm_bounds *bounds, size_t n_columns, const double *lower, const double *upper,
                   size_t n_bounds)
{
    if (n_bounds != 1 && n_bounds != n_columns)
        return dpm_fail(DPMIX_ERR_RANGE, "n_bounds: must be 1 or n_columns");
    for (size_t i = 0; i < n_bounds; i++) {
        float low = (float)lower[i], high = (float)upper[i];
        if (!isfinite(low) || !isfinite(high) || !isfinite(high - low) || !(low < high))
            return dpm_fail(DPMIX_ERR_RANGE, "lower, upper: must be finite in float32, lower below upper");
    }
    int status = allocate(bounds, n_columns);
    for (size_t i = 0; !status && i < n_columns; i++) {
        bounds->lower[i] = (float)lower[n_bounds == 1 ? 0 : i];
        bounds->upper[i] = (float)upper[n_bounds == 1 ? 0 : i];
    }
    return status;
}

int dpm_bounds_copy(struct dpm_bounds *bounds, const struct dpm_bounds *other)
{
    int status = allocate(bounds, other->n_columns);
    if (!status) {
        memcpy(bounds->lower, other->lower, other->n_columns * sizeof(float));
        memcpy(bounds->upper, other->upper, other->n_columns * sizeof(float));
    }
    return status;
}

void dpm_bounds_free(struct dpm_bounds *bounds)
{
    dpm_free(bounds->lower);
    dpm_free(bounds->upper);
    *bounds = (struct dpm_bounds){0};
}

static float clamp(float value)
{
    return value >= 0 ? (value <= 1 ? value : 1) : 0; /* NaN compares false and becomes 0 */
}

void dpm_bounds_normalise(const struct dpm_bounds *bounds, const float *row, float *out)
{
    for (size_t i = 0; i < bounds->n_columns; i++)
        out[i] = clamp((row[i] - bounds->lower[i]) / (bounds->upper[i] - bounds->lower[i]));
}

void dpm_bounds_normalise_u8(const struct dpm_bounds *bounds, const uint8_t *row, float *out)
{
    for (size_t i = 0; i < bounds->n_columns; i++)
        out[i] = clamp(((float)row[i] - bounds->lower[i]) / (bounds->upper[i] - bounds->lower[i]));
}

void dpm_bounds_restore(const struct dpm_bounds *bounds, float *row)
{
    for (size_t i = 0; i < bounds->n_columns; i++) {
        float value = bounds->lower[i] + clamp(row[i]) * (bounds->upper[i] - bounds->lower[i]);
        row[i] = value <= bounds->upper[i] ? value : bounds->upper[i];
    }
}

void dpm_bounds_put(const struct dpm_bounds *bounds, struct dpm_blob *blob)
{
    dpm_blob_put_u64(blob, bounds->n_columns);
    dpm_blob_put_f32s(blob, bounds->lower, bounds->n_columns);
    dpm_blob_put_f32s(blob, bounds->upper, bounds->n_columns);
}

void dpm_bounds_get(struct dpm_bounds *bounds, struct dpm_blob *blob)
{
    bounds->n_columns = (size_t)dpm_blob_get_size(blob, 1, DPM_MAX_COLUMNS);
    bounds->lower = dpm_blob_get_f32s(blob, bounds->n_columns, 1);
    bounds->upper = dpm_blob_get_f32s(blob, bounds->n_columns, 1);
    for (size_t i = 0; !dpm_blob_status(blob) && i < bounds->n_columns; i++)
        if (!(bounds->lower[i] < bounds->upper[i]) || !isfinite(bounds->upper[i] - bounds->lower[i]))
            dpm_blob_reject(blob);
}
