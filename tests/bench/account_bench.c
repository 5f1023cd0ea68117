/* SPDX-License-Identifier: BSD-3-Clause */
/* Speed and memory of the accountant, as lines of JSON: the median of several rounds, on one core. */
#include "account_curve.h"
#include "account_rdp.h"

#include <dpmix/accountant.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { ROUNDS = 21 };

typedef double work_fn(void);

static const struct dpm_event training = {DPM_EVENT_SUBSAMPLED_GAUSSIAN, 1.0, 0.01, 10000};

static double exact(void)
{
    double epsilon = -1.0;
    return dpm_account_epsilon(&epsilon, &training, 1, DPMIX_ADJACENCY_ADD_REMOVE, 1e-5) ? -1.0 : epsilon;
}

static double renyi(void)
{
    return dpm_account_rdp_epsilon(&training, 1, 1e-5);
}

static double calibrate(void)
{
    double multiplier = -1.0;
    return dpm_account_calibrate(&multiplier, NULL, 0, &training, 1, DPMIX_ADJACENCY_ADD_REMOVE, 1e-5, 2.0)
               ? -1.0
               : multiplier;
}

static double milliseconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec * 1e-6;
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static int measure(const char *name, work_fn *work)
{
    double times[ROUNDS];
    for (int i = 0; i < ROUNDS; i++) {
        double start = milliseconds();
        if (!(work() > 0.0))
            return EXIT_FAILURE;
        times[i] = milliseconds() - start;
    }
    qsort(times, ROUNDS, sizeof times[0], ascending);
    printf("{\"name\": \"%s\", \"value\": %.4f, \"unit\": \"ms\"}\n", name, times[ROUNDS / 2]);
    return EXIT_SUCCESS;
}

/* Peak memory of this program. getrusage() would count what its parent held before the exec, too. */
static double peak_kib(void)
{
    char line[256];
    double peak = 0.0;
    FILE *status = fopen("/proc/self/status", "r");
    while (status && fgets(line, sizeof line, status))
        if (strncmp(line, "VmHWM:", 6) == 0)
            peak = strtod(line + 6, NULL);
    if (status)
        fclose(status);
    return peak;
}

int main(void)
{
    if (measure("account_exact_ms", exact) || measure("account_rdp_ms", renyi) ||
        measure("account_calibrate_ms", calibrate))
        return EXIT_FAILURE;
    printf("{\"name\": \"account_peak_mb\", \"value\": %.2f, \"unit\": \"MB\"}\n", peak_kib() * 1024.0 / 1e6);
    return EXIT_SUCCESS;
}
