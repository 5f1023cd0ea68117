/* SPDX-License-Identifier: BSD-3-Clause */
/* How far one row can move the sums, floating point included. The proof stands in doc/privacy.md,
 * "Sensitivity". */
#ifndef DPM_PRIVACY_SENSITIVITY_H
#define DPM_PRIVACY_SENSITIVITY_H

#include "privacy.h"

/* What the proof covers; the bounds keep underflow and the range of int64 out of it. */
enum { DPM_MAX_SIDE = 1 << 21, DPM_MAX_RANK = 256, DPM_MAX_SUM = 1 << 30 };

/* Width of the grid that block sums are rounded to: a power of two. */
double dpm_sensitivity_grid(const struct dpm_query_plan *plan);

/* What a row adds to the norm indicator, in grid steps: a whole number, so that the sum is exact. */
int64_t dpm_sensitivity_indicator(const struct dpm_query_plan *plan);

/* DPMIX_ERR_RANGE when the plan is outside what the proof covers. */
int dpm_sensitivity_check(const struct dpm_query_plan *plan);

#endif
