/* SPDX-License-Identifier: BSD-3-Clause */
/* Geometric noise for counts (the discrete Laplace law), P(k) in proportion to exp(-|k| / scale), sampled
 * exactly: by algorithms 1 and 2 of Canonne, Kamath and Steinke 2020 (arXiv 2004.00010), in integers. And the
 * check that goes with it: a row may change one count by one. doc/privacy.md, "Geometric noise for counts".
 */
#ifndef DPM_PRIVACY_GEOMETRIC_H
#define DPM_PRIVACY_GEOMETRIC_H

#include "privacy.h"
#include "random_stream.h"

/* A double between these is numerator / 2^shift with a numerator below 2^53 and a shift in [12, 62]: the
 * sampler's scale is the one that is charged, without rounding. */
#define DPM_GEOMETRIC_MIN_SCALE 0x1p-10
#define DPM_GEOMETRIC_MAX_SCALE 0x1p40

/* Adds a sample to each of n numbers, modulo 2^64: those of chunk number `chunk`. Each sample reads a stream
 * of its own, (key, step, its number), so the result does not depend on how the work is cut. The expected
 * time of a sample is bounded for all scales together. */
enum { DPM_GEOMETRIC_CHUNK = 64 };
void dpm_geometric_add_chunk(int64_t *sums, size_t n, size_t chunk, const uint8_t key[DPM_KEY_SIZE],
                             uint64_t step, double scale);

/* Sets the contribution of row i to zero unless it is zero, or 1 or -1 in one place. All factors of a row
 * that is kept are 0, 1 or -1. The result depends on the row's factors alone. */
void dpm_geometric_check_row(const struct dpm_query_plan *plan, float *const *left, float *const *right,
                             size_t i);

#endif
