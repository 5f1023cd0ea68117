/* SPDX-License-Identifier: BSD-3-Clause */
/* Exact norms and flat clipping of contributions in factor form. */
#ifndef DPM_PRIVACY_CLIP_H
#define DPM_PRIVACY_CLIP_H

#include "privacy.h"

/* Entries above this, and those that are not finite, make a contribution count as zero: squares stay finite.
 */
#define DPM_CLIP_LARGEST_ENTRY 0x1p60f

/* Scales the contribution of row i by s = min(1, C / N, kappa C / A), where N^2 is the Gram value
 * sum over matrices of sum_kj (l_k.l_j)(r_k.r_j) in double, and A^2 the sum over matrices of (sum_k
 * |l_k||r_k|)^2. The factor goes into the left vectors. The result depends on the row's factors alone.
 * Gives 1 when the contribution was at most C long before, N <= C; 0 when it was longer or not finite. */
/* Whether row i of a plan of one matrix of rank 1 is surely within the clip norm, so that dpm_clip_row()
 * would change nothing and return 1; `left` is the only entry of its left factor that is not zero. 0 says
 * nothing. */
int dpm_clip_is_within(const struct dpm_query_plan *plan, float left, const float *right);

int dpm_clip_row(const struct dpm_query_plan *plan, float *const *left, float *const *right, size_t i);

/* Scales the contribution of a row in words by min(1, C / N). `square` is that of the length of its words. */
void dpm_clip_words(const struct dpm_query_plan *plan, float *factor, float *last, int64_t square);

#endif
