/* SPDX-License-Identifier: BSD-3-Clause */
/* The rounded Gaussian: round(sigma N), N a standard normal variable of the real numbers, sampled exactly.
 *
 * N is one of a pair of Box and Muller for uniform real numbers, whose binary digits come from streams. It is
 * computed in double with a proven error bound (privacy_normal.h); if no half-integer lies within the bound
 * the rounded value is certain. Otherwise, about twice in a million at sigma = 2^30, more digits are drawn,
 * at an address fixed by the sample's number, and integers decide (privacy_refine.h). */
#ifndef DPM_PRIVACY_NOISE_H
#define DPM_PRIVACY_NOISE_H

#include "random_stream.h"

/* What the error bound covers, in grid steps. The fast path serves up to 2^32; beyond, more samples are
 * refined. */
#define DPM_NOISE_MIN_SIGMA 0x1p-60
#define DPM_NOISE_MAX_SIGMA 0x1p40

/* Adds a sample to each of n numbers, modulo 2^64: those of chunk number `chunk`. Their bits come from the
 * streams of (key, step, chunk), so the result does not depend on how the work is cut. */
enum { DPM_NOISE_CHUNK = 1024 };
void dpm_noise_add_chunk(int64_t *sums, size_t n, size_t chunk, const uint8_t key[DPM_KEY_SIZE],
                         uint64_t step, double sigma);

/* ---- For tests: one chunk before refinement, by each of the kernels ---- */

enum { DPM_NOISE_PAIRS = DPM_NOISE_CHUNK / 2 };

/* Sample i < DPM_NOISE_PAIRS is the cosine variable of pair i, sample DPM_NOISE_PAIRS + i its sine variable.
 */
struct dpm_noise_chunk {
    uint64_t words[2 * DPM_NOISE_PAIRS]; /* digits of the radii, then of the angles */
    int64_t samples[DPM_NOISE_CHUNK];
    uint64_t doubt[DPM_NOISE_PAIRS]; /* bit 0: the cosine sample is not certain; bit 1: the sine sample */
};

/* Rounds the pairs by kernel number `kernel`; 0, 1, ... from the fastest to the plain one. Gives its name;
 * NULL, and nothing done, beyond the last. Kernels that the processor cannot run are not counted. */
const char *dpm_noise_round(int kernel, struct dpm_noise_chunk *chunk, double sigma);

#endif
