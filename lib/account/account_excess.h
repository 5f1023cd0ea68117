/* SPDX-License-Identifier: BSD-3-Clause */
/* exp(x) - 1 - x without cancellation: the form in which moments of privacy losses are summed. */
#ifndef DPM_ACCOUNT_EXCESS_H
#define DPM_ACCOUNT_EXCESS_H

#include <math.h>
#include <stddef.h>

static inline double dpm_account_excess(double x)
{
    if (fabs(x) > 0.3)
        return expm1(x) - x;
    static const double reciprocal[] = {1.0 / 13, 1.0 / 12, 1.0 / 11, 1.0 / 10, 1.0 / 9, 1.0 / 8,
                                        1.0 / 7,  1.0 / 6,  1.0 / 5,  1.0 / 4,  1.0 / 3};
    double series = 1.0;
    for (size_t i = 0; i < sizeof reciprocal / sizeof reciprocal[0]; i++)
        series = 1.0 + x * reciprocal[i] * series;
    return 0.5 * x * x * series;
}

#endif
