/* SPDX-License-Identifier: BSD-3-Clause */
#include "account_curve.h"
#include "account_exact.h"
#include "account_gauss.h"
#include "account_rdp.h"
#include "base_fail.h"

#include <dpmix/accountant.h>

#include <math.h>

static int is_gaussian(const struct dpm_event *event)
{
    return event->kind == DPM_EVENT_GAUSSIAN || event->kind == DPM_EVENT_SUBSAMPLED_GAUSSIAN;
}

static int is_sampled(const struct dpm_event *event)
{
    return (event->kind == DPM_EVENT_SUBSAMPLED_GAUSSIAN || event->kind == DPM_EVENT_SUBSAMPLED_LAPLACE) &&
           event->sampling_rate < 1.0;
}

/* Exact for events in which every row takes part. A subsampled one is the same mechanism followed by a
 * coin that, with probability 1 - q, replaces its output by noise: post-processing, so the bound holds for
 * it too. Replacing a row moves the mean by twice the contribution. */
static double every_row_bound(const struct dpm_event *events, size_t n, int adjacency, double delta)
{
    double reach = adjacency == DPMIX_ADJACENCY_REPLACE_ONE ? 2.0 : 1.0;
    return dpm_account_gauss_epsilon(reach * dpm_account_gauss_mu(events, n), delta);
}

static int check_event(const struct dpm_event *event)
{
    if (event->kind < DPM_EVENT_GAUSSIAN || event->kind > DPM_EVENT_PURE)
        return dpm_fail(DPMIX_ERR_ARG, "kind: must be one of DPM_EVENT_*");
    if (!(event->noise_multiplier > 0.0 && event->noise_multiplier < INFINITY))
        return dpm_fail(DPMIX_ERR_RANGE, "noise_multiplier: must be above 0 and finite");
    int sampled = event->kind == DPM_EVENT_SUBSAMPLED_GAUSSIAN || event->kind == DPM_EVENT_SUBSAMPLED_LAPLACE;
    if (sampled && !(event->sampling_rate > 0.0 && event->sampling_rate <= 1.0))
        return dpm_fail(DPMIX_ERR_RANGE, "sampling_rate: must lie in (0, 1]");
    if (event->kind == DPM_EVENT_PURE && !(event->sampling_rate >= 0.0 && event->sampling_rate < 1.0))
        return dpm_fail(DPMIX_ERR_RANGE, "sampling_rate: of a pure event, the delta, must lie in [0, 1)");
    if (event->count < 1)
        return dpm_fail(DPMIX_ERR_RANGE, "count: must be at least 1");
    return DPMIX_OK;
}

int dpm_account_check(const struct dpm_event *events, size_t n, int adjacency)
{
    if (adjacency != DPMIX_ADJACENCY_ADD_REMOVE && adjacency != DPMIX_ADJACENCY_REPLACE_ONE &&
        adjacency != DPMIX_ADJACENCY_ZERO_OUT)
        return dpm_fail(DPMIX_ERR_ARG, "adjacency: must be one of DPMIX_ADJACENCY_*");
    if (n > 0 && !events)
        return dpm_fail(DPMIX_ERR_ARG, "events: must not be NULL");
    for (size_t i = 0; i < n; i++) {
        int status = check_event(&events[i]);
        if (status)
            return status;
        if (events[i].kind == DPM_EVENT_SUBSAMPLED_LAPLACE && is_sampled(&events[i]) &&
            adjacency == DPMIX_ADJACENCY_REPLACE_ONE)
            return dpm_fail(DPMIX_ERR_UNSUPPORTED,
                            "adjacency: replace-one does not go with sampled Laplace mechanisms");
    }
    return DPMIX_OK;
}

int dpm_account_epsilon(double *epsilon, const struct dpm_event *events, size_t n, int adjacency,
                        double delta)
{
    if (!epsilon)
        return dpm_fail(DPMIX_ERR_ARG, "epsilon: must not be NULL");
    if (!(delta > 0.0 && delta < 1.0))
        return dpm_fail(DPMIX_ERR_RANGE, "delta: must lie in (0, 1)");
    int status = dpm_account_check(events, n, adjacency);
    if (status)
        return status;
    size_t gaussian = 0, plain = 0;
    for (size_t i = 0; i < n; i++) {
        gaussian += (size_t)is_gaussian(&events[i]);
        plain += (size_t)(is_gaussian(&events[i]) && !is_sampled(&events[i]));
    }
    double least = INFINITY, exact, excess = 0.0; /* each bound is sound, so is the least */
    if (gaussian == n)
        least = every_row_bound(events, n, adjacency, delta);
    if (plain < n) {
        status = dpm_account_exact_epsilon(&exact, events, n, adjacency, 1, delta, &excess);
        if (status)
            return status;
        least = fmin(least, exact);
    }
    /* Add/remove and zero-out have the same pair of output laws. */
    if (excess > 1e-6 && gaussian == n && adjacency != DPMIX_ADJACENCY_REPLACE_ONE)
        least = fmin(least, dpm_account_rdp_epsilon(events, n, delta));
    *epsilon = least;
    return DPMIX_OK;
}
