/* SPDX-License-Identifier: BSD-3-Clause */
/* For benchmarks: calls that must succeed, and the processor's clock. */
#ifndef DPM_BENCH_H
#define DPM_BENCH_H

#include <dpmix/status.h>

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static inline void must(int status)
{
    if (status) {
        fprintf(stderr, "%s: %s\n", dpmix_strerror(status), dpmix_last_error());
        exit(EXIT_FAILURE);
    }
}

static inline double seconds_by(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static inline double seconds(void)
{
    return seconds_by(CLOCK_PROCESS_CPUTIME_ID);
}

#endif
