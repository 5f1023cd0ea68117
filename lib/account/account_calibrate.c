/* SPDX-License-Identifier: BSD-3-Clause */
#include "account_curve.h"
#include "account_gauss.h"
#include "account_renyi.h"
#include "base_alloc.h"
#include "base_fail.h"

#include <dpmix/accountant.h>

#include <float.h>
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
    double order; /* what is measured: the Renyi divergence of this order, or with 0 the epsilon at delta */
    double delta, target;
};

/* One end of the bracket: at low the measure is above the target, at high it is at most the target. */
struct end {
    double multiplier, measure;
};

static int measure(double *value, const struct trial *trial, const struct dpm_event *events, size_t n)
{
    return trial->order > 0.0 ? dpm_account_renyi(value, events, n, trial->adjacency, trial->order)
                              : dpm_account_epsilon(value, events, n, trial->adjacency, trial->delta);
}

static int try_multiplier(struct trial *trial, double multiplier, struct end *end)
{
    for (size_t i = 0; i < trial->n_stage; i++)
        trial->events[trial->n_held + i].noise_multiplier = trial->stage[i].noise_multiplier * multiplier;
    end->multiplier = multiplier;
    return measure(&end->measure, trial, trial->events, trial->n_held + trial->n_stage);
}

/* What brings the least noise of the stage to 1. */
static double least_to_one(const struct trial *trial)
{
    double least = INFINITY;
    for (size_t i = 0; i < trial->n_stage; i++)
        least = fmin(least, trial->stage[i].noise_multiplier);
    return 1.0 / least;
}

/* The solution when every row takes part everywhere, and an upper bound on it otherwise. */
static double first_guess(const struct trial *trial)
{
    double reach = trial->adjacency == DPMIX_ADJACENCY_REPLACE_ONE ? 2.0 : 1.0;
    double allowed = dpm_account_gauss_mu_for(trial->target, trial->delta) / reach;
    double held = dpm_account_gauss_mu(trial->events, trial->n_held);
    double stage = dpm_account_gauss_mu(trial->stage, trial->n_stage);
    if (allowed > held) {
        double square = (allowed - held) * (allowed + held);
        int fits = square >= DBL_MIN && square < INFINITY;
        double root = fits ? sqrt(square) : sqrt(allowed - held) * sqrt(allowed + held);
        return stage / root * (1.0 + 0.5 * TOLERANCE);
    }
    return least_to_one(trial);
}

/* The divergence of plain Gaussians falls with the square of the noise. */
static int first_guess_renyi(const struct trial *trial, double *guess)
{
    double held, stage;
    int status = measure(&held, trial, trial->events, trial->n_held);
    if (!status)
        status = measure(&stage, trial, trial->stage, trial->n_stage);
    if (status)
        return status;
    *guess = sqrt(stage / (trial->target - held)) * (1.0 + 0.5 * TOLERANCE);
    if (!(*guess > 0.0 && *guess < FURTHEST))
        *guess = least_to_one(trial);
    return DPMIX_OK;
}

/* Ends that hold the solution between them. */
static int bracket(struct trial *trial, struct end *low, struct end *high)
{
    double start = 0.0;
    struct end end;
    int status = DPMIX_OK;
    if (trial->order > 0.0)
        status = first_guess_renyi(trial, &start);
    else
        start = first_guess(trial);
    if (!status)
        status = try_multiplier(trial, start, &end);
    if (status)
        return status;
    *low = *high = end;
    double factor = 2.0;
    if (end.measure > trial->target) {
        for (; high->measure > trial->target; factor *= factor) {
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
    for (; !status && low->measure <= trial->target && factor <= FURTHEST; factor *= factor) {
        *high = *low;
        status = try_multiplier(trial, start / factor, low);
    }
    return status;
}

/* False position in logarithms (the Illinois variant), a bisection after three steps that did not halve
 * the bracket. Steps keep off the ends, so that the bracket closes on both sides. */
static int close_in(struct trial *trial, struct end *low, struct end *high)
{
    double above = log(low->measure / trial->target), below = log(high->measure / trial->target);
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
        double miss = log(end.measure / trial->target);
        if (end.measure > trial->target) {
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

static int check_arguments(const struct dpm_event *held, size_t n_held, const struct dpm_event *stage,
                           size_t n_stage, int adjacency, double target)
{
    if (n_stage == 0)
        return dpm_fail(DPMIX_ERR_ARG, "events: must hold at least one");
    if (!(target > 0.0 && target < INFINITY))
        return dpm_fail(DPMIX_ERR_RANGE, "epsilon: must be above 0 and finite");
    int status = dpm_account_check(held, n_held, adjacency);
    return status ? status : dpm_account_check(stage, n_stage, adjacency);
}

/* The terms are those of `terms`, whose list of events is made here. */
static int calibrate(double *multiplier, struct trial terms, const struct dpm_event *held)
{
    struct trial trial = terms;
    double spent = 0.0;
    int status =
        check_arguments(held, trial.n_held, trial.stage, trial.n_stage, trial.adjacency, trial.target);
    if (!status)
        status = measure(&spent, &trial, held, trial.n_held);
    if (status)
        return status;
    if (trial.n_held > 0 && spent >= trial.target)
        return dpm_fail(DPMIX_ERR_BUDGET, "budget: nothing of it is left");
    trial.events = dpm_alloc(trial.n_held + trial.n_stage, sizeof *trial.events);
    if (!trial.events)
        return DPMIX_ERR_NOMEM;
    if (trial.n_held > 0)
        memcpy(trial.events, held, trial.n_held * sizeof *held);
    memcpy(trial.events + trial.n_held, trial.stage, trial.n_stage * sizeof *held);
    struct end low, high;
    status = bracket(&trial, &low, &high);
    if (status)
        goto out;
    if (low.measure > trial.target) /* else there is no telling how little noise is enough: high serves */
        status = close_in(&trial, &low, &high);
    if (status)
        goto out;
    *multiplier = high.multiplier;
out:
    dpm_free(trial.events);
    return status;
}

int dpm_account_calibrate(double *multiplier, const struct dpm_event *held, size_t n_held,
                          const struct dpm_event *stage, size_t n_stage, int adjacency, double delta,
                          double target_epsilon)
{
    return calibrate(multiplier,
                     (struct trial){NULL, n_held, n_stage, stage, adjacency, 0.0, delta, target_epsilon},
                     held);
}

int dpm_account_calibrate_renyi(double *multiplier, const struct dpm_event *held, size_t n_held,
                                const struct dpm_event *stage, size_t n_stage, int adjacency, double order,
                                double target)
{
    return calibrate(multiplier, (struct trial){NULL, n_held, n_stage, stage, adjacency, order, NAN, target},
                     held);
}
