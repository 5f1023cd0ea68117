/* SPDX-License-Identifier: BSD-3-Clause */
#include "base_clock.h"

#include <time.h>

double dpm_clock_seconds(void)
{
    struct timespec now = {0, 0};
#if defined(CLOCK_MONOTONIC)
    clock_gettime(CLOCK_MONOTONIC, &now); /* nobody sets it */
#else
    timespec_get(&now, TIME_UTC);
#endif
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}
