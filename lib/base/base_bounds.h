/* SPDX-License-Identifier: BSD-3-Clause */
/* Declared bounds of the columns, and the map between declared units and [0, 1]. */
#ifndef DPM_BASE_BOUNDS_H
#define DPM_BASE_BOUNDS_H

#include "base_blob.h"

struct dpm_bounds {
    size_t n_columns;
    float *lower; /* n_columns each */
    float *upper;
};

enum { DPM_MAX_COLUMNS = 1000000 };

/* One pair for all columns, or one per column. DPMIX_ERR_RANGE unless lower < upper, both finite as float32.
 */
int dpm_bounds_new(struct dpm_bounds *bounds, size_t n_columns, const double *lower, const double *upper,
                   size_t n_bounds);
int dpm_bounds_copy(struct dpm_bounds *bounds, const struct dpm_bounds *other);
void dpm_bounds_free(struct dpm_bounds *bounds);

/* (value - lower) / (upper - lower), clamped to [0, 1]; NaN becomes 0. rows and out: n_columns each. */
void dpm_bounds_normalise(const struct dpm_bounds *bounds, const float *row, float *out);
void dpm_bounds_normalise_u8(const struct dpm_bounds *bounds, const uint8_t *row, float *out);

/* lower + value * (upper - lower) in place, value clamped to [0, 1] first. */
void dpm_bounds_restore(const struct dpm_bounds *bounds, float *row);

void dpm_bounds_put(const struct dpm_bounds *bounds, struct dpm_blob *blob);
void dpm_bounds_get(struct dpm_bounds *bounds, struct dpm_blob *blob);

#endif
