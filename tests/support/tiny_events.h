/* SPDX-License-Identifier: BSD-3-Clause */
/* For tests of the accounts: events of random sizes, and what every curve of epsilon keeps to. */
#ifndef DPM_TESTS_TINY_EVENTS_H
#define DPM_TESTS_TINY_EVENTS_H

#include "account_curve.h"
#include "account_exact.h"
#include "base_alloc.h"

#include "check_main.h"

#include <dpmix/accountant.h>

#include <math.h>
#include <string.h>

/* Uniform in [lower, upper), the same in every run (xorshift64*). */
static uint64_t seed = 1;

static inline double uniform(double lower, double upper)
{
    seed ^= seed >> 12;
    seed ^= seed << 25;
    seed ^= seed >> 27;
    return lower + (upper - lower) * (double)((seed * 2685821657736338717u) >> 11) * 0x1p-53;
}

static inline double log_uniform(double lower, double upper)
{
    return exp(uniform(log(lower), log(upper)));
}

static inline struct dpm_event event(int kind, double noise, double rate, double count)
{
    return (struct dpm_event){kind, noise, rate, (uint64_t)count};
}

static inline double epsilon_of(const struct dpm_event *events, size_t n, double delta)
{
    double epsilon = NAN;
    ck_assert_int_eq(dpm_account_epsilon(&epsilon, events, n, DPMIX_ADJACENCY_ADD_REMOVE, delta), DPMIX_OK);
    return epsilon;
}

/* A larger delta, an event less, or in event j `step` times the noise cost no more than the n events; a count
 * more or `step` times the sampling rate no less. To within a factor `more`. Returns what they cost. */
static inline double check_monotone(const struct dpm_event *events, size_t n, size_t j, double delta,
                                    double step, double more)
{
    struct dpm_event changed[8];
    double epsilon = epsilon_of(events, n, delta);
    ck_assert_uint_le(n, sizeof changed / sizeof *changed);
    ck_assert(epsilon >= 0 && epsilon < INFINITY);
    ck_assert(epsilon >= epsilon_of(events, n, delta * 1.1) / more);
    ck_assert(epsilon >= epsilon_of(events, n - 1, delta) / more);
    memcpy(changed, events, n * sizeof *changed);
    changed[j].noise_multiplier *= step;
    ck_assert(epsilon >= epsilon_of(changed, n, delta) / more);
    changed[j] = events[j];
    changed[j].count++;
    ck_assert(epsilon <= epsilon_of(changed, n, delta) * more);
    changed[j] = events[j];
    changed[j].sampling_rate = fmin(step * changed[j].sampling_rate, 1);
    ck_assert(epsilon <= epsilon_of(changed, n, delta) * more);
    return epsilon;
}

/* Memory may run out at each of the allocations, of which there are `least` at least: nothing is written. */
static inline void check_allocations(const struct dpm_event *events, size_t n, int adjacency, double delta,
                                     int least)
{
    int64_t live = dpm_alloc_live();
    int status = DPMIX_ERR_NOMEM;
    for (uint64_t nth = 1; status; nth++) {
        double epsilon = 77;
        dpm_alloc_fail_after(nth, 0);
        status = dpm_account_exact_epsilon(&epsilon, events, n, adjacency, 1, delta, NULL);
        dpm_alloc_fail_after(0, 0);
        ck_assert(status == DPMIX_OK || (status == DPMIX_ERR_NOMEM && epsilon == 77));
        ck_assert_int_ge((int)nth, status ? 1 : least);
        ck_assert_int_eq(dpm_alloc_live(), live);
    }
}

#endif
