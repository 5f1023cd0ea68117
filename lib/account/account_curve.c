/* SPDX-License-Identifier: BSD-3-Clause */
#include "account_curve.h"
#include "account_gauss.h"
#include "account_rdp.h"
#include "base_fail.h"

#include <dpmix/accountant.h>

#include <math.h>

/* An upper bound on the epsilon of checked events at `delta`. */
typedef double bound_fn(const struct dpm_event *events, size_t n, int adjacency, double delta);

/* Exact for events in which every row takes part. A subsampled one is the same mechanism followed by a
 * coin that, with probability 1 - q, replaces its output by noise: post-processing, so the bound holds for
 * it too. Replacing a row moves the mean by twice the contribution. */
static double every_row_bound(const struct dpm_event *events, size_t n, int adjacency, double delta)
{
    double reach = adjacency == DPMIX_ADJACENCY_REPLACE_ONE ? 2.0 : 1.0;
    return dpm_account_gauss_epsilon(reach * dpm_account_gauss_mu(events, n), delta);
}

/* Add/remove and zero-out have the same pair of output laws. */
static double renyi_bound(const struct dpm_event *events, size_t n, int adjacency, double delta)
{
    if (adjacency == DPMIX_ADJACENCY_REPLACE_ONE)
        return INFINITY;
    return dpm_account_rdp_epsilon(events, n, delta);
}

static bound_fn *const bounds[] = {every_row_bound, renyi_bound};

static int is_sampled(const struct dpm_event *event)
{
    return event->kind == DPM_EVENT_SUBSAMPLED_GAUSSIAN && event->sampling_rate < 1.0;
}

int dpm_account_check(const struct dpm_event *events, size_t n, int adjacency)
{
    if (adjacency != DPMIX_ADJACENCY_ADD_REMOVE && adjacency != DPMIX_ADJACENCY_REPLACE_ONE &&
        adjacency != DPMIX_ADJACENCY_ZERO_OUT)
        return dpm_fail(DPMIX_ERR_ARG, "adjacency: must be one of DPMIX_ADJACENCY_*");
    if (n > 0 && !events)
        return dpm_fail(DPMIX_ERR_ARG, "events: must not be NULL");
    for (size_t i = 0; i < n; i++) {
        const struct dpm_event *event = &events[i];
        if (event->kind != DPM_EVENT_GAUSSIAN && event->kind != DPM_EVENT_SUBSAMPLED_GAUSSIAN)
            return dpm_fail(DPMIX_ERR_ARG, "kind: must be one of DPM_EVENT_*");
        if (!(event->noise_multiplier > 0.0 && event->noise_multiplier < INFINITY))
            return dpm_fail(DPMIX_ERR_RANGE, "noise_multiplier: must be above 0 and finite");
        if (event->kind == DPM_EVENT_SUBSAMPLED_GAUSSIAN &&
            !(event->sampling_rate > 0.0 && event->sampling_rate <= 1.0))
            return dpm_fail(DPMIX_ERR_RANGE, "sampling_rate: must lie in (0, 1]");
        if (event->count < 1)
            return dpm_fail(DPMIX_ERR_RANGE, "count: must be at least 1");
        if (is_sampled(event) && adjacency == DPMIX_ADJACENCY_REPLACE_ONE)
            return dpm_fail(DPMIX_ERR_UNSUPPORTED,
                            "adjacency: replace-one does not go with a sampling rate below 1");
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
    size_t sampled = 0;
    for (size_t i = 0; i < n; i++)
        sampled += (size_t)is_sampled(&events[i]);
    double least = every_row_bound(events, n, adjacency, delta); /* each bound is sound, so is the least */
    for (size_t i = 0; sampled > 0 && i < sizeof bounds / sizeof bounds[0]; i++)
        least = fmin(least, bounds[i](events, n, adjacency, delta));
    *epsilon = least;
    return DPMIX_OK;
}
