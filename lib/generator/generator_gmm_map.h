/* SPDX-License-Identifier: BSD-3-Clause */
/* The public representation that the DP Gaussian mixture works in: the columns, or the image's signed
 * distances; and of either all coordinates, or those in a basis of low frequencies. A function of the row and
 * of public numbers. */
#ifndef DPM_GENERATOR_GMM_MAP_H
#define DPM_GENERATOR_GMM_MAP_H

#include "feature_dct.h"

#include <stddef.h>

struct dpm_gmm_map {
    int distance;               /* signed distances of the image instead of its pixels */
    size_t n_columns, dims;     /* of the representation, and of its coordinates in the basis */
    struct dpm_feature_dct dct; /* all 0: the coordinates are the columns */
};

/* radius: of the DCT's frequencies; 0: no basis. DPMIX_ERR_RANGE for a basis or distances of rows that are
 * not square images. */
int dpm_gmm_map_new(struct dpm_gmm_map *map, size_t n_columns, size_t radius, int distance);
void dpm_gmm_map_free(struct dpm_gmm_map *map);

/* Side of the square image; 0 when the number of columns is no square, or too large for distances. */
size_t dpm_gmm_map_side(size_t n_columns);

/* What rows are taken about: 1/2 for columns, 0 for images, which are mostly background. */
float dpm_gmm_origin(const struct dpm_gmm_map *map);

/* The rows' representation: `rows` itself, or written to out (n x n_columns). */
const float *dpm_gmm_represent(int distance, float *out, const float *rows, size_t n, size_t n_columns);

/* Coordinates (n x dims) of representations. */
void dpm_gmm_map_apply(const struct dpm_gmm_map *map, float *out, const float *rows, size_t n);

/* Representations of coordinates: out (n x n_columns). */
void dpm_gmm_map_back(const struct dpm_gmm_map *map, float *out, const float *coordinates, size_t n);

#endif
