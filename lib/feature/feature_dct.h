/* SPDX-License-Identifier: BSD-3-Clause */
/* The low frequencies of square images: the orthonormal two-dimensional DCT-II,
 *
 *     X_ij = c_i c_j sum_yx x_yx cos(pi (2y + 1) i / (2 side)) cos(pi (2x + 1) j / (2 side)),
 *
 * c_0 = sqrt(1 / side), c_k = sqrt(2 / side), of which the frequencies with i^2 + j^2 <= radius^2 are kept,
 * in the order of i^2 + j^2 and then of i. Forward never lengthens a row, and inverse after forward is the
 * orthogonal projection onto the images of these frequencies. The map is fixed and does not depend on any
 * data. */
#ifndef DPM_FEATURE_DCT_H
#define DPM_FEATURE_DCT_H

#include <stddef.h>

enum { DPM_DCT_SIDE = 128 };

struct dpm_feature_dct {
    size_t side;
    size_t dims;   /* frequencies that are kept */
    float *matrix; /* dims x side^2, orthonormal lines */
};

/* DPMIX_ERR_RANGE unless 1 <= side <= DPM_DCT_SIDE and radius <= 2 side (all frequencies, long before that).
 */
int dpm_feature_dct_check(size_t side, size_t radius);

/* Frequencies that are kept, for sizes that pass the check. */
size_t dpm_feature_dct_size(size_t side, size_t radius);

int dpm_feature_dct_new(struct dpm_feature_dct *map, size_t side, size_t radius);
void dpm_feature_dct_free(struct dpm_feature_dct *map);

/* n images (side^2 numbers each) to n lines of dims numbers, `ld` apart, and back. A row's result is a
 * function of that row alone, bit for bit. */
void dpm_feature_dct_forward(const struct dpm_feature_dct *map, float *out, size_t ld, const float *images,
                             size_t n);
void dpm_feature_dct_inverse(const struct dpm_feature_dct *map, float *images, const float *rows, size_t ld,
                             size_t n);

#endif
