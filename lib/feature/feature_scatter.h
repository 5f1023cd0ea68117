/* SPDX-License-Identifier: BSD-3-Clause */
/* The scattering transform of square images, two layers (Mallat, Group invariant scattering, CPAM 2012; Bruna
 * and Mallat, Invariant scattering convolution networks, PAMI 2013):
 *
 *     S0 = x * phi,    S1(a) = |x * psi_a| * phi,    S2(a, b) = ||x * psi_a| * psi_b| * phi,
 *
 * a = (j1, t1), b = (j2, t2) with j1 < j2, over J scales and L angles, at every 2^J-th pixel. Padding,
 * filters, subsampling and the order of channels are those of Kymatio (Andreux et al., JMLR 21, 2020): the
 * image is reflected to ((side + 2^J) / 2^J + 1) 2^J pixels, channels are S0, S1 by (j1, t1), S2 by (j1, t1,
 * j2, t2). The map is fixed, does not depend on any data, and needs no privacy budget.
 *
 * Channels: 1 + J L + L^2 J (J - 1) / 2, at (side / 2^J)^2 positions each. */
#ifndef DPM_FEATURE_SCATTER_H
#define DPM_FEATURE_SCATTER_H

#include <stddef.h>

enum { DPM_SCATTER_SIDE = 128, DPM_SCATTER_SCALES = 4, DPM_SCATTER_ANGLES = 16 }; /* at most */

struct dpm_feature_scatter; /* filters and tables; const once made, so any number of threads may use it */

/* DPMIX_ERR_RANGE unless 2^scales <= side <= DPM_SCATTER_SIDE, side >= 2, 1 <= scales <= DPM_SCATTER_SCALES
 * and 1 <= angles <= DPM_SCATTER_ANGLES. */
int dpm_feature_scatter_check(size_t side, size_t scales, size_t angles);

/* For sizes that pass the check. */
size_t dpm_feature_scatter_channels(size_t scales, size_t angles);
size_t dpm_feature_scatter_size(size_t side, size_t scales, size_t angles); /* channels times positions */

int dpm_feature_scatter_new(struct dpm_feature_scatter **out, size_t side, size_t scales, size_t angles);
void dpm_feature_scatter_free(struct dpm_feature_scatter *scatter); /* NULL is fine */

/* Floats of working memory that an apply needs: from dpm_alloc, one for each thread. */
size_t dpm_feature_scatter_scratch(const struct dpm_feature_scatter *scatter);

/* Features of n images (side^2 numbers each) into lines of `out` that are `ld` floats apart. An image's
 * features are a function of that image alone: the same bits whatever the others are and however many, on
 * every processor. */
void dpm_feature_scatter_apply(const struct dpm_feature_scatter *scatter, float *out, size_t ld,
                               const float *images, size_t n, float *scratch);

/* Channels in `groups` groups of as many consecutive ones (groups divides n_channels), each shifted to mean 0
 * and scaled to variance 1 over its channels and positions; then the record is scaled to norm 1. In place,
 * record by record, n records of n_channels x n_positions numbers, `ld` apart.
 *
 * A group whose standard deviation is not well above the rounding error of the transform has no signal to
 * scale: 1e-10 is added to each variance, so such a group comes out small, and a constant one zero. A record
 * without any signal becomes zero. The groups of 3 channels out of 81 (group normalisation, Wu and He 2018,
 * before a linear classifier: Tramer and Boneh 2021) are the first three, and so on: S0 with the first two
 * angles of S1, then S1 and S2 in runs of three neighbouring angles. */
void dpm_feature_scatter_normalise(float *features, size_t ld, size_t n, size_t n_channels,
                                   size_t n_positions, size_t groups);

#endif
