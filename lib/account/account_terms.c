/* SPDX-License-Identifier: BSD-3-Clause */
#include "account_terms.h"
#include "account_curve.h"
#include "account_rdp.h"
#include "account_renyi.h"
#include "base_environment.h"
#include "base_fail.h"

#include <dpmix/accountant.h>

#include <float.h>
#include <math.h>

#define LEAST_LEFT 1e-6 /* of the budget: less counts as nothing */
#define LEAST_LAMBDA 1e-9
#define MOST_LAMBDA 1e15
#define GOLDEN 0.61803398874989485

/* Half of the mu^2 that a Gaussian mechanism may have whose divergence at the order 1 + exp(x) converts to
 * epsilon. It rises to one maximum and falls: for each mu, the orders at which that mu is within the budget
 * are an interval (doc/privacy.md, "All orders"). */
static double gaussian_room(const struct dpm_account_terms *terms, double x)
{
    double order = 1.0 + exp(x);
    return (terms->epsilon - dpm_account_rdp_convert(0.0, order, terms->delta)) / order;
}

/* The order that is best for one Gaussian mechanism that spends the whole budget, by golden sections.
 * Three digits of order - 1 are enough: the maximum is flat. */
static double chosen_order(const struct dpm_account_terms *terms)
{
    double low = log(LEAST_LAMBDA), high = log(MOST_LAMBDA);
    double left = high - GOLDEN * (high - low), right = low + GOLDEN * (high - low);
    double at_left = gaussian_room(terms, left), at_right = gaussian_room(terms, right);
    while (high - low > 1e-5) {
        if (at_left > at_right) {
            high = right, right = left, at_right = at_left;
            left = high - GOLDEN * (high - low);
            at_left = gaussian_room(terms, left);
        } else {
            low = left, left = right, at_left = at_right;
            right = low + GOLDEN * (high - low);
            at_right = gaussian_room(terms, right);
        }
    }
    double lambda = exp(0.5 * (low + high)), digit = pow(10.0, floor(log10(lambda)) - 2.0);
    return 1.0 + floor(lambda / digit + 0.5) * digit;
}

static int check_order(struct dpm_account_terms *terms)
{
    if (terms->mode != DPMIX_MODE_RENYI)
        return terms->order == 0.0 ? DPMIX_OK
                                   : dpm_fail(DPMIX_ERR_RANGE, "order: must be 0 but for a Renyi filter");
    if (terms->order == 0.0)
        terms->order = chosen_order(terms);
    if (!(terms->order > 1.0 && terms->order < INFINITY))
        return dpm_fail(DPMIX_ERR_RANGE, "order: must be above 1 and finite, or 0");
    if (!(dpm_account_rdp_convert(0.0, terms->order, terms->delta) < terms->epsilon))
        return dpm_fail(DPMIX_ERR_RANGE, "order: leaves nothing of this epsilon at this delta");
    return DPMIX_OK;
}

static int check_terms(struct dpm_account_terms *terms)
{
    if (!(terms->epsilon > 0.0 && terms->epsilon < INFINITY))
        return dpm_fail(DPMIX_ERR_RANGE, "epsilon: must be above 0 and finite");
    if (!(terms->delta > 0.0 && terms->delta < 1.0))
        return dpm_fail(DPMIX_ERR_RANGE, "delta: must lie in (0, 1)");
    if (dpm_account_check(NULL, 0, terms->adjacency))
        return dpm_fail(DPMIX_ERR_RANGE, "adjacency: must be one of DPMIX_ADJACENCY_*");
    if (terms->mode < DPMIX_MODE_PLANNED || terms->mode > DPMIX_MODE_GAUSSIAN)
        return dpm_fail(DPMIX_ERR_RANGE, "mode: must be one of DPMIX_MODE_*");
    return check_order(terms);
}

int dpm_account_terms_check(struct dpm_account_terms *terms)
{
    fenv_t environment = dpm_environment_enter();
    int status = check_terms(terms);
    dpm_environment_leave(&environment);
    return status;
}

/* Whether the mode can compose such events; for the Renyi filter dpm_account_renyi knows. */
static int check_kinds(const struct dpm_account_terms *terms, const struct dpm_event *events, size_t n)
{
    for (size_t i = 0; terms->mode == DPMIX_MODE_GAUSSIAN && i < n; i++)
        if (!dpm_event_is_plain(&events[i]))
            return dpm_fail(
                DPMIX_ERR_UNSUPPORTED,
                "accountant: its Gaussian filter takes Gaussian mechanisms without sampling only");
    return DPMIX_OK;
}

static int spent_of(double *epsilon, const struct dpm_account_terms *terms, const struct dpm_event *events,
                    size_t n)
{
    int status = check_kinds(terms, events, n);
    if (status)
        return status;
    if (terms->mode != DPMIX_MODE_RENYI)
        return dpm_account_epsilon(epsilon, events, n, terms->adjacency, terms->delta);
    double divergence;
    status = dpm_account_renyi(&divergence, events, n, terms->adjacency, terms->order);
    if (status)
        return status;
    *epsilon = n > 0 ? fmax(dpm_account_rdp_convert(divergence, terms->order, terms->delta), 0.0) : 0.0;
    return DPMIX_OK;
}

int dpm_account_terms_spent(double *epsilon, const struct dpm_account_terms *terms,
                            const struct dpm_event *events, size_t n)
{
    fenv_t environment = dpm_environment_enter();
    int status = spent_of(epsilon, terms, events, n);
    dpm_environment_leave(&environment);
    return status;
}

/* The divergence that the budget allows: as good as the largest whose conversion, with its rounding upwards,
 * is at most epsilon. The conversion grows with the divergence, in floating point too. */
static double most_divergence(const struct dpm_account_terms *terms)
{
    double most = terms->epsilon - dpm_account_rdp_convert(0.0, terms->order, terms->delta);
    for (double slack = 0.5 * DBL_EPSILON * terms->epsilon + DBL_MIN;
         dpm_account_rdp_convert(most, terms->order, terms->delta) > terms->epsilon; slack *= 2.0)
        most = fmax(most - slack, 0.0);
    return most;
}

int dpm_account_terms_calibrate(double *multiplier, const struct dpm_account_terms *terms,
                                const struct dpm_event *held, size_t n_held, const struct dpm_event *stage,
                                size_t n_stage, double share)
{
    int filter = terms->mode == DPMIX_MODE_RENYI;
    double whole = filter ? most_divergence(terms) : terms->epsilon, spent = 0.0;
    int status = check_kinds(terms, stage, n_stage);
    if (!status)
        status = filter ? dpm_account_renyi(&spent, held, n_held, terms->adjacency, terms->order)
                        : dpm_account_terms_spent(&spent, terms, held, n_held);
    if (status)
        return status;
    /* Calibration ends a hair below its target. That hair is no budget to plan with. */
    if (!(whole - spent > LEAST_LEFT * whole))
        return dpm_fail(DPMIX_ERR_BUDGET, "budget: nothing of it is left");
    double target = share == 1.0 ? whole : fmin(spent + share * (whole - spent), whole);
    if (filter)
        return dpm_account_calibrate_renyi(multiplier, held, n_held, stage, n_stage, terms->adjacency,
                                           terms->order, target);
    return dpm_account_calibrate(multiplier, held, n_held, stage, n_stage, terms->adjacency, terms->delta,
                                 target);
}

int dpm_account_terms_group(double *epsilon, const struct dpm_account_terms *terms,
                            const struct dpm_event *events, size_t n, int group)
{
    if (group == 1)
        return dpm_account_terms_spent(epsilon, terms, events, n);
    if (terms->mode == DPMIX_MODE_RENYI && group > 1)
        return dpm_fail(DPMIX_ERR_UNSUPPORTED, "group: a Renyi filter knows single records only");
    return dpm_account_group_epsilon(epsilon, events, n, terms->adjacency, group, terms->delta);
}
