/* SPDX-License-Identifier: BSD-3-Clause */
#include "account_curve.h"
#include "account_exact.h"
#include "account_gauss.h"
#include "account_loss.h"
#include "account_rdp.h"
#include "base_alloc.h"
#include "base_environment.h"
#include "base_fail.h"

#include <dpmix/accountant.h>

#include <float.h>
#include <math.h>

#define ROUGH_EXCESS 1e-6 /* of the exact curve, from which on other bounds may be the lower ones */

/* Exact for events in which every row takes part. A subsampled one is the same mechanism followed by a
 * coin that, with probability 1 - q, replaces its output by noise: post-processing, so the bound holds for
 * it too. Replacing a row moves the mean by twice the contribution. */
static double every_row_mu(const struct dpm_event *events, size_t n, int adjacency, int group)
{
    double reach = adjacency == DPMIX_ADJACENCY_REPLACE_ONE ? 2.0 : 1.0;
    double mu = reach * group * dpm_account_gauss_mu(events, n);
    return group > 1 ? mu * (1.0 + DBL_EPSILON) : mu; /* a product with 1 or 2 is exact */
}

static int check_event(const struct dpm_event *event)
{
    if (event->kind < DPM_EVENT_GAUSSIAN || event->kind > DPM_EVENT_PURE)
        return dpm_fail(DPMIX_ERR_ARG, "kind: must be one of DPM_EVENT_*");
    if (!(event->noise_multiplier > 0.0 && event->noise_multiplier < INFINITY))
        return dpm_fail(DPMIX_ERR_RANGE, "noise_multiplier: must be above 0 and finite");
    if (dpm_event_has_rate(event->kind) && !(event->sampling_rate > 0.0 && event->sampling_rate <= 1.0))
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
        if (events[i].kind == DPM_EVENT_SUBSAMPLED_LAPLACE && dpm_event_is_sampled(&events[i]) &&
            adjacency == DPMIX_ADJACENCY_REPLACE_ONE)
            return dpm_fail(DPMIX_ERR_UNSUPPORTED,
                            "adjacency: replace-one does not go with sampled Laplace mechanisms");
    }
    return DPMIX_OK;
}

static int check_group(const struct dpm_event *events, size_t n, int adjacency, int group)
{
    if (group < 1 || group > DPM_LOSS_MAX_GROUP)
        return dpm_fail(DPMIX_ERR_RANGE, "group: must lie in [1, %d]", DPM_LOSS_MAX_GROUP);
    for (size_t i = 0; group > 1 && i < n; i++) {
        if (!dpm_event_is_gaussian(&events[i]))
            return dpm_fail(DPMIX_ERR_UNSUPPORTED, "group: more than 1 goes with Gaussian mechanisms only");
        if (adjacency == DPMIX_ADJACENCY_REPLACE_ONE && dpm_event_is_sampled(&events[i]))
            return dpm_fail(DPMIX_ERR_UNSUPPORTED,
                            "group: more than 1 does not go with sampled mechanisms under replace-one");
    }
    return DPMIX_OK;
}

/* Which bounds there are beside the exact curve. */
struct bounds {
    int gaussian; /* every event is of a Gaussian kind: the every-row bound holds */
    int plain;    /* and none is sampled: that bound is exact */
    int renyi;    /* add/remove and zero-out have the same pair of output laws */
};

static struct bounds bounds_for(const struct dpm_event *events, size_t n, int adjacency, int group)
{
    struct bounds bounds = {1, 1, adjacency != DPMIX_ADJACENCY_REPLACE_ONE && group == 1};
    for (size_t i = 0; i < n; i++) {
        bounds.gaussian &= dpm_event_is_gaussian(&events[i]);
        bounds.plain &= dpm_event_is_plain(&events[i]);
    }
    bounds.renyi &= bounds.gaussian;
    return bounds;
}

/* Gaussian events under which one record costs at least what `group` records do under the given ones: it
 * takes part whenever one of them does, and then with all that they can move (doc/privacy.md has the proof).
 */
static struct dpm_event *as_one_record(const struct dpm_event *events, size_t n, int group)
{
    struct dpm_event *made = dpm_alloc(n, sizeof *made);
    for (size_t i = 0; made && i < n; i++) {
        made[i] = events[i];
        made[i].noise_multiplier /= group * (1.0 + 2.0 * DBL_EPSILON);
        if (dpm_event_is_sampled(&events[i]))
            made[i].sampling_rate =
                fmin(1.0, -expm1(group * log1p(-events[i].sampling_rate)) * (1.0 + 8.0 * DBL_EPSILON));
    }
    return made;
}

static int group_epsilon(double *epsilon, const struct dpm_event *events, size_t n, int adjacency, int group,
                         double delta)
{
    if (!(delta > 0.0 && delta < 1.0))
        return dpm_fail(DPMIX_ERR_RANGE, "delta: must lie in (0, 1)");
    int status = dpm_account_check(events, n, adjacency);
    if (!status)
        status = check_group(events, n, adjacency, group);
    if (status)
        return status;
    struct bounds bounds = bounds_for(events, n, adjacency, group);
    double least = INFINITY, exact, excess = 0.0; /* each bound is sound, so is the least */
    if (bounds.gaussian)
        least = dpm_account_gauss_epsilon(every_row_mu(events, n, adjacency, group), delta);
    if (!bounds.plain) {
        status = dpm_account_exact_epsilon(&exact, events, n, adjacency, group, delta, &excess);
        if (status)
            return status;
        least = fmin(least, exact);
    }
    if (excess > ROUGH_EXCESS && bounds.renyi)
        least = fmin(least, dpm_account_rdp_epsilon(events, n, delta));
    if (excess > ROUGH_EXCESS && group > 1) {
        struct dpm_event *one = as_one_record(events, n, group);
        status = one ? dpm_account_epsilon(&exact, one, n, adjacency, delta) : DPMIX_ERR_NOMEM;
        dpm_free(one);
        if (status)
            return status;
        least = fmin(least, exact);
    }
    *epsilon = least;
    return DPMIX_OK;
}

int dpm_account_group_epsilon(double *epsilon, const struct dpm_event *events, size_t n, int adjacency,
                              int group, double delta)
{
    fenv_t environment = dpm_environment_enter();
    int status = group_epsilon(epsilon, events, n, adjacency, group, delta);
    dpm_environment_leave(&environment);
    return status;
}

int dpm_account_epsilon(double *epsilon, const struct dpm_event *events, size_t n, int adjacency,
                        double delta)
{
    return dpm_account_group_epsilon(epsilon, events, n, adjacency, 1, delta);
}

/* The least delta, to within a thousandth or so, for which the Renyi bound shows the epsilon; `known` where
 * that is not below it. */
static double renyi_delta(const struct dpm_event *events, size_t n, double epsilon, double known)
{
    double low = log(DBL_MIN), high = log(known);
    if (!(high > low) || dpm_account_rdp_epsilon(events, n, known * (1.0 - 1e-3)) > epsilon)
        return known;
    while (high - low > 1e-3) {
        double middle = 0.5 * (low + high);
        *(dpm_account_rdp_epsilon(events, n, exp(middle)) > epsilon ? &low : &high) = middle;
    }
    return exp(high);
}

static int group_delta(double *delta, const struct dpm_event *events, size_t n, int adjacency, int group,
                       double epsilon)
{
    if (!(epsilon >= 0.0 && epsilon < INFINITY))
        return dpm_fail(DPMIX_ERR_RANGE, "epsilon: must be at least 0 and finite");
    int status = dpm_account_check(events, n, adjacency);
    if (!status)
        status = check_group(events, n, adjacency, group);
    if (status)
        return status;
    struct bounds bounds = bounds_for(events, n, adjacency, group);
    double least = 1.0, exact, excess = 0.0;
    if (bounds.gaussian)
        least = fmin(least, dpm_account_gauss_delta(every_row_mu(events, n, adjacency, group), epsilon));
    if (!bounds.plain) {
        status = dpm_account_exact_delta(&exact, events, n, adjacency, group, epsilon, &excess);
        if (status)
            return status;
        least = fmin(least, exact);
    }
    if (excess > ROUGH_EXCESS && bounds.renyi)
        least = renyi_delta(events, n, epsilon, least);
    if (excess > ROUGH_EXCESS && group > 1) {
        struct dpm_event *one = as_one_record(events, n, group);
        status = one ? group_delta(&exact, one, n, adjacency, 1, epsilon) : DPMIX_ERR_NOMEM;
        dpm_free(one);
        if (status)
            return status;
        least = fmin(least, exact);
    }
    *delta = least;
    return DPMIX_OK;
}

int dpm_account_group_delta(double *delta, const struct dpm_event *events, size_t n, int adjacency, int group,
                            double epsilon)
{
    fenv_t environment = dpm_environment_enter();
    int status = group_delta(delta, events, n, adjacency, group, epsilon);
    dpm_environment_leave(&environment);
    return status;
}
