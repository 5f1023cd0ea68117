/* SPDX-License-Identifier: BSD-3-Clause */
/* The filters of the scattering transform on a periodic grid of size x size pixels, in double.
 *
 * Wavelet (j, t) of L angles is a Morlet wavelet, in space
 *
 *     psi(u) = g(u) (exp(i xi.u) - K),   g(u) = exp(-(|u_a|^2 + slant^2 |u_b|^2) / (2 sigma^2)) / norm,
 *
 * u_a along the direction, u_b across it, sigma = 0.8 2^j, |xi| = (3 pi / 4) / 2^j, slant = 4 / L, K such
 * that psi sums to zero. The low-pass filter is the round Gaussian of sigma = 0.8 2^(J - 1). The numbers, the
 * order of the angles and norm = 2 * 3.1415 sigma^2 / slant are those of Kymatio (Andreux et al., JMLR 21,
 * 2020), so that values can be compared; the filters are those of Bruna and Mallat, Invariant scattering
 * convolution networks, PAMI 2013. */
#ifndef DPM_FEATURE_MORLET_H
#define DPM_FEATURE_MORLET_H

#include <stddef.h>

/* The transform of wavelet (scale, angle), which is real: size x size, both frequencies 0, 1, ..., size - 1.
 * work: 4 size^2 numbers. */
void dpm_feature_morlet(double *spectrum, size_t size, int scale, int angle, int angles, double *work);

/* The transform of the low-pass filter for `scales` scales is the product of this with itself, one for each
 * direction: size numbers. */
void dpm_feature_low_pass(double *spectrum, size_t size, int scales);

#endif
