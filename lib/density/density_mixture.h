/* SPDX-License-Identifier: BSD-3-Clause */
/* Gaussian mixtures: log densities, responsibilities, moments and draws. Pure maths: no data, no noise, no
 * budget.
 *
 * A component with mean m and covariance V' diag(v) V (V orthogonal, its rows eigenvectors) is held as its
 * whitening W = diag(v)^(-1/2) V and as v: |W (x - m)|^2 is the Mahalanobis distance, and m + W' (v e) with
 * e standard normal is a draw. */
#ifndef DPM_DENSITY_MIXTURE_H
#define DPM_DENSITY_MIXTURE_H

#include <stddef.h>

struct dpm_density {
    size_t dims, n;
    float *means;     /* n x dims */
    float *values;    /* n x dims: variances along the rows of V, at least DPM_DENSITY_LEAST */
    float *whiten;    /* n x dims x dims: W */
    float *shifts;    /* n x dims: W m */
    double *constant; /* n: log of the density at the mean */
};

/* Least variance. Columns scaled to [0, 1] are not told apart below a thousandth, and a density needs one. */
#define DPM_DENSITY_LEAST 1e-6

/* Memory for n components in up to `dims` dimensions; a caller may lower both numbers afterwards. */
int dpm_density_new(struct dpm_density *density, size_t dims, size_t n);
void dpm_density_free(struct dpm_density *density); /* the arrays, not the struct */

/* Sets component j from its mean, eigenvalues (floored) and eigenvectors (rows). */
void dpm_density_set(struct dpm_density *density, size_t j, const double *mean, const double *values,
                     const double *vectors);

/* Shifts and constant of component j from means, values and whiten. */
void dpm_density_finish(struct dpm_density *density, size_t j);

/* Floats of working memory for each row of the next two calls, `count` components at a time. */
size_t dpm_density_scratch(const struct dpm_density *density, size_t count);

/* Log densities of n_rows points under components first, ..., first + count - 1: n_rows x count numbers. A
 * row's numbers depend on that row alone, bit for bit. */
void dpm_density_logs(const struct dpm_density *density, size_t first, size_t count, float *logs,
                      const float *points, size_t n_rows, float *scratch);

/* The same with log weights (count) added, then turned into each component's share in a row's density: their
 * sum is 1. */
void dpm_density_responsibilities(const struct dpm_density *density, size_t first, size_t count,
                                  float *shares, const double *log_weights, const float *points,
                                  size_t n_rows, float *scratch);

/* Rows for a sum of second moments: out (n_rows x count dims) is shares (n_rows x count) x points (n_rows x
 * dims), so that out' points has each component's weighted sum of x x'. */
void dpm_density_spread(float *out, const float *shares, const float *points, size_t n_rows, size_t count,
                        size_t dims);

/* m + W' (v e) of component j. */
void dpm_density_draw(const struct dpm_density *density, size_t j, float *point, const float *normals);

#endif
