/* SPDX-License-Identifier: BSD-3-Clause */
/* Numbers that C11 has no names for. */
#ifndef DPM_BASE_NUMBERS_H
#define DPM_BASE_NUMBERS_H

#include <float.h>

#define DPM_PI 3.14159265358979323846
#define DPM_SQRT_HALF 0.70710678118654752440
#define DPM_SQRT_TWO_PI 2.50662827463100050242
#define DPM_LOG_SQRT_TWO_PI 0.91893853320467274178
#define DPM_UNIT_ROUNDOFF (0.5 * DBL_EPSILON) /* most that one operation of doubles is wrong, relative */

#endif
