/* SPDX-License-Identifier: BSD-3-Clause */
/* The rounded Gaussian: round(sigma N), N a standard normal variable of the real numbers, sampled exactly.
 *
 * N is sampled as sign (k + x), k a whole number and x a fraction with as many bits as are needed, by Karney's
 * algorithm N (Sampling exactly from the normal distribution, ACM TOMS 42(1), 2016): comparisons of random bits only,
 * no function of floating point. The product with sigma and its rounding are done in integers, and more bits of x are
 * drawn until the rounded value is certain. */
#ifndef DPM_PRIVACY_NOISE_H
#define DPM_PRIVACY_NOISE_H

#include "random_stream.h"

/* Largest sigma, in grid steps. */
#define DPM_NOISE_MAX_SIGMA 0x1p40

/* One sample, sigma in (0, DPM_NOISE_MAX_SIGMA]. */
int64_t dpm_noise_rounded_gaussian(struct dpm_stream *stream, double sigma);

/* Adds a sample to each of n numbers, modulo 2^64. Number i has its bits from the stream of (key, step, i / chunk), so
 * the result does not depend on how the work is cut. */
enum { DPM_NOISE_CHUNK = 1024 };
void dpm_noise_add_chunk(int64_t *sums, size_t n, size_t chunk, const uint8_t key[DPM_KEY_SIZE], uint64_t step,
                         double sigma);

#endif
