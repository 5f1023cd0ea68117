/* SPDX-License-Identifier: BSD-3-Clause */
/* What is declared of the columns: bounds, the map between declared units and [0, 1], and groups. */
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
    double *scale;   /* 1 / (upper - lower) */
    float byte[3];   /* lower, and scale in two pieces, for bytes in float32: see base_bounds.c */
    int byte_exact;  /* whether they give the same bits as double for every byte and column */
    int byte_inside; /* whether they do so without clamping */
    int32_t *groups; /* 0: a number of its own; g > 0: of one-hot group g; NULL: all are 0 */
    size_t side;     /* records are declared to be square images of that side; 0: they are not. It is not in
                        files: what follows from it is settled by the fit. */
};

enum { DPM_MAX_COLUMNS = 1000000 };

/* One pair for all columns, or one per column. DPMIX_ERR_RANGE unless lower < upper, both and their
 * difference at most the largest float32 in size: samples in float32 must be able to hold them.
 */
int dpm_bounds_new(struct dpm_bounds *bounds, size_t n_columns, const double *lower, const double *upper,
                   size_t n_bounds);
int dpm_bounds_copy(struct dpm_bounds *bounds, const struct dpm_bounds *other);
void dpm_bounds_free(struct dpm_bounds *bounds);

/* Sets the groups, n_columns numbers. A group is a run of columns, and groups are numbered 1, 2, ... from
 * left to right; DPMIX_ERR_RANGE otherwise. */
int dpm_bounds_set_groups(struct dpm_bounds *bounds, const int32_t *groups, size_t n_columns);

/* Declares square images. DPMIX_ERR_RANGE unless side x side is the number of columns. */
int dpm_bounds_set_images(struct dpm_bounds *bounds, size_t side);

/* Columns, bounds and groups; images and rows of as many numbers are equal. */
int dpm_bounds_equal(const struct dpm_bounds *a, const struct dpm_bounds *b);

/* (value - lower) / (upper - lower) in double, clamped to [0, 1]; NaN becomes 0. row: n_columns values of the
 * type; out: n_columns. */
void dpm_bounds_normalise(const struct dpm_bounds *bounds, int type, const void *row, float *out);

/* lower + value * (upper - lower) in double, value clamped to [0, 1] first; never outside the bounds. */
double dpm_bounds_restore(const struct dpm_bounds *bounds, size_t column, float value);

/* The same of n rows, into those from `first` on of `out`. type: DPM_TYPE_F32 or DPM_TYPE_F64, of *out. */
void dpm_bounds_restore_rows(const struct dpm_bounds *bounds, const float *rows, size_t n, int type,
                             void *out, size_t first);

/* In files bounds are float32 where that holds all of them, as it did in the first files; else float64.
 * Groups follow where there are some. */
void dpm_bounds_put(const struct dpm_bounds *bounds, struct dpm_blob *blob);
void dpm_bounds_get(struct dpm_bounds *bounds, struct dpm_blob *blob);

#endif
