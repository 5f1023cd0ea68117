/* SPDX-License-Identifier: BSD-3-Clause */
/* Random Fourier features (Rahimi and Recht, Random Features for Large-Scale Kernel Machines, NIPS 2007): a
 * public map of rows into the unit sphere whose inner products approximate the RBF kernel
 *
 * k(x, y) = exp(-|x - y|^2 / (2 h^2)),      h: the bandwidth.
 *
 * With D features, D even, and frequencies w_1, ..., w_(D/2) from N(0, I / h^2), the features of x are
 *
 * sqrt(2 / D) (cos w_1.x, ..., cos w_(D/2).x, sin w_1.x, ..., sin w_(D/2).x).
 *
 * Cosine and sine of one angle stand in pairs, so the norm is 1 for every row and every draw of the
 * frequencies: a sum of features has a known sensitivity, and nothing is ever clipped. The inner product of
 * two rows' features is the mean of D/2 independent terms in [-1, 1] with the kernel as their expectation. */
#ifndef DPM_FEATURE_FOURIER_H
#define DPM_FEATURE_FOURIER_H

#include "base_blob.h"

#include <stddef.h>
#include <stdint.h>

enum { DPM_FEATURE_FOURIER_MAX = 1 << 16 }; /* features */

struct dpm_feature_fourier {
    size_t n_columns;
    size_t n_features;  /* D, even */
    float *frequencies; /* n_columns x D/2, in turns: w / (2 pi) */
};

/* Memory for a map; the frequencies are zero until they are drawn. n_features: even, 2 to
 * DPM_FEATURE_FOURIER_MAX. */
int dpm_feature_fourier_new(struct dpm_feature_fourier *map, size_t n_columns, size_t n_features);
void dpm_feature_fourier_free(struct dpm_feature_fourier *map);

/* Draws the frequencies; a function of the key and the shape, so the key must be public. bandwidth > 0. */
void dpm_feature_fourier_draw(struct dpm_feature_fourier *map, double bandwidth, const uint8_t *key);

/* Features of n rows (n x n_columns) into lines of `out` that are `ld` >= n_features floats apart. A row's
 * features are a function of the map and of that row alone: the same bits whatever the other rows are and
 * however many. */
void dpm_feature_fourier_apply(const struct dpm_feature_fourier *map, float *out, size_t ld,
                               const float *rows, size_t n);

/* `get` takes a map of n_columns columns, and allocates it; it rejects the blob when it holds anything
 * else. */
void dpm_feature_fourier_put(const struct dpm_feature_fourier *map, struct dpm_blob *blob);
void dpm_feature_fourier_get(struct dpm_feature_fourier *map, struct dpm_blob *blob, size_t n_columns);

#endif
