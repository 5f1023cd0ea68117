/* SPDX-License-Identifier: BSD-3-Clause */
/* Declared bounds of the columns, and the map between declared units and [0, 1]. */
#ifndef DPM_BASE_BOUNDS_H
#define DPM_BASE_BOUNDS_H

#include "base_blob.h"

/* Of values in declared units. */
enum { DPM_TYPE_U8 = 1, DPM_TYPE_F32 = 2, DPM_TYPE_F64 = 3 };

static inline size_t dpm_type_size(int type)
{
    return type == DPM_TYPE_U8 ? sizeof(uint8_t) : (type == DPM_TYPE_F32 ? sizeof(float) : sizeof(double));
}

struct dpm_bounds {
    size_t n_columns;
    double *lower; /* n_columns each */
    double *upper;
    double *scale; /* 1 / (upper - lower) */
};

enum { DPM_MAX_COLUMNS = 1000000 };

/* One pair for all columns, or one per column. DPMIX_ERR_RANGE unless lower < upper, both and their
 * difference at most the largest float32 in size: samples in float32 must be able to hold them.
 */
int dpm_bounds_new(struct dpm_bounds *bounds, size_t n_columns, const double *lower, const double *upper,
                   size_t n_bounds);
int dpm_bounds_copy(struct dpm_bounds *bounds, const struct dpm_bounds *other);
void dpm_bounds_free(struct dpm_bounds *bounds);
int dpm_bounds_equal(const struct dpm_bounds *a, const struct dpm_bounds *b);

/* (value - lower) / (upper - lower) in double, clamped to [0, 1]; NaN becomes 0. row: n_columns values of the
 * type; out: n_columns. */
void dpm_bounds_normalise(const struct dpm_bounds *bounds, int type, const void *row, float *out);

/* lower + value * (upper - lower) in double, value clamped to [0, 1] first; never outside the bounds. */
double dpm_bounds_restore(const struct dpm_bounds *bounds, size_t column, float value);

/* In files bounds are float32 where that holds all of them, as it did in the first files; else float64. */
void dpm_bounds_put(const struct dpm_bounds *bounds, struct dpm_blob *blob);
void dpm_bounds_get(struct dpm_bounds *bounds, struct dpm_blob *blob);

#endif
