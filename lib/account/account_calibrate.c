/* SPDX-License-Identifier: BSD-3-Clause */
#include "account_curve.h"
#include "account_gauss.h"
#include "base_alloc.h"
#include "base_fail.h"

#include <dpmix/accountant.h>

#include <math.h>
#include <string.h>

#define TOLERANCE 1e-10 /* of the multiplier, relative */
#define FURTHEST 1e30   /* how far from a first guess the search goes */

/* The held events followed by the stage, whose noise multipliers change from trial to trial. */
struct trial {
    struct dpm_event *events;
    size_t n_held, n_stage;
    const struct dpm_event *stage;
    int adjacency;
    double delta, target;
};

/* One end of the bracket: at low the epsilon is above the target, at high it is at most the target. */
struct end {
    double multiplier, epsilon;
};

static int try_multiplier(struct trial *trial, double multiplier, struct end *end)
{
    for (size_t i = 0; i < trial->n_stage; i++)
        trial->events[trial->n_held + i].noise_multiplier = trial->stage[i].noise_multiplier * multiplier;
    end->multiplier = multiplier;
    return dpm_account_epsilon(&end->epsilon, trial->events, trial->n_held + trial->n_stage, trial->adjacency,
                               trial->delta);
}

/* The solution when every row takes part everywhere, and an upper bound on it otherwise. Where the held
 * events pass the target by that measure, what brings the least noise of the stage to 1. */
static double first_guess(const struct trial *trial)
{
    double reach = trial->adjacency == DPMIX_ADJACENCY_REPLACE_ONE ? 2.0 : 1.0;
    double allowed = dpm_account_gauss_mu_for(trial->target, trial->delta) / reach;
    double held = dpm_account_gauss_mu(trial->events, trial->n_held);
    double stage = dpm_account_gauss_mu(trial->stage, trial->n_stage);
    if (allowed > held)
        return stage / sqrt((allowed - held) * (allowed + held)) * (1.0 + 0.5 * TOLERANCE);
    double least = INFINITY;
    for (size_t i = 0; i < trial->n_stage; i++)
        least = fmin(least, trial->stage[i].noise_multiplier);
    return 1.0 / least;
}

/* Ends that hold the solution between them. */
static int bracket(struct trial *trial, struct end *low, struct end *high)
{
    double start = first_guess(trial);
    struct end end;
    int status = try_multiplier(trial, start, &end);
    if (status)
        return status;
    *low = *high = end;
    double factor = 2.0;
    if (end.epsilon > trial->target) {
        for (; high->epsilon > trial->target; factor *= factor) {
            if (factor > FURTHEST)
                return dpm_fail(DPMIX_ERR_BUDGET, "budget: what is left does not cover any amount of noise");
            *low = *high;
            status = try_multiplier(trial, start * factor, high);
            if (status)
                return status;
        }
        return DPMIX_OK;
    }
    status = try_multiplier(trial, start * (1.0 - TOLERANCE), low);
    for (; !status && low->epsilon <= trial->target && factor <= FURTHEST; factor *= factor) {
        *high = *low;
        status = try_multiplier(trial, start / factor, low);
    }
    return status;
}

/* False position in logarithms (the Illinois variant), a bisection after three steps that did not halve
 * the bracket. Steps keep off the ends, so that the bracket closes on both sides. */
static int close_in(struct trial *trial, struct end *low, struct end *high)
{
    double above = log(low->epsilon / trial->target), below = log(high->epsilon / trial->target);
    double width = log(high->multiplier / low->multiplier);
    int last = 0, slow = 0;
    while (high->multiplier - low->multiplier > TOLERANCE * low->multiplier) {
        double whole = log(high->multiplier / low->multiplier);
        double part = 0.5, margin = 0.4 * TOLERANCE / whole;
        if (slow < 3 && above < INFINITY && below > -INFINITY && above > below)
            part = fmin(fmax(above / (above - below), margin), 1.0 - margin);
        struct end end;
        int status = try_multiplier(trial, low->multiplier * exp(part * whole), &end);
        if (status)
            return status;
        double miss = log(end.epsilon / trial->target);
        if (end.epsilon > trial->target) {
            *low = end, above = miss;
            below *= last > 0 ? 0.5 : 1.0;
            last = 1;
        } else {
            *high = end, below = miss;
            above *= last < 0 ? 0.5 : 1.0;
            last = -1;
        }
        double now = log(high->multiplier / low->multiplier);
        slow = now > 0.5 * width ? slow + 1 : 0;
        width = slow ? width : now;
    }
    return DPMIX_OK;
}

static int check_arguments(const double *multiplier, const struct dpm_event *held, size_t n_held,
                           const struct dpm_event *stage, size_t n_stage, int adjacency, double target)
{
    if (!multiplier)
        return dpm_fail(DPMIX_ERR_ARG, "multiplier: must not be NULL");
    if (n_stage == 0)
        return dpm_fail(DPMIX_ERR_ARG, "events: must hold at least one");
    if (!(target > 0.0 && target < INFINITY))
        return dpm_fail(DPMIX_ERR_RANGE, "epsilon: must be above 0 and finite");
    int status = dpm_account_check(held, n_held, adjacency);
    return status ? status : dpm_account_check(stage, n_stage, adjacency);
}

int dpm_account_calibrate(double *multiplier, const struct dpm_event *held, size_t n_held,
                          const struct dpm_event *stage, size_t n_stage, int adjacency, double delta,
                          double target_epsilon)
{
    int status = check_arguments(multiplier, held, n_held, stage, n_stage, adjacency, target_epsilon);
    double spent = 0.0;
    if (!status)
        status = dpm_account_epsilon(&spent, held, n_held, adjacency, delta);
    if (status)
        return status;
    if (n_held > 0 && spent >= target_epsilon)
        return dpm_fail(DPMIX_ERR_BUDGET, "budget: nothing of it is left");
    struct dpm_event *events = NULL;
    if (n_stage <= SIZE_MAX - n_held)
        events = dpm_alloc(n_held + n_stage, sizeof *events);
    if (!events)
        return dpm_fail(DPMIX_ERR_NOMEM, "out of memory");
    if (n_held > 0)
        memcpy(events, held, n_held * sizeof *events);
    memcpy(events + n_held, stage, n_stage * sizeof *events);
    struct trial trial = {events, n_held, n_stage, stage, adjacency, delta, target_epsilon};
    struct end low, high;
    status = bracket(&trial, &low, &high);
    if (status)
        goto out;
    if (low.epsilon > target_epsilon) /* else there is no telling how little noise is enough: high serves */
        status = close_in(&trial, &low, &high);
    if (status)
        goto out;
    *multiplier = high.multiplier;
out:
    dpm_free(events);
    return status;
}
