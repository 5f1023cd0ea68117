/* SPDX-License-Identifier: BSD-3-Clause */
#include "account_renyi.h"
#include "account_curve.h"
#include "account_excess.h"
#include "account_loss.h"
#include "account_rdp.h"
#include "base_alloc.h"
#include "base_environment.h"
#include "base_fail.h"
#include "base_numbers.h"

#include <float.h>
#include <math.h>

#define RULE_ERROR 1e-13                        /* of the rules that make a table, relative */
#define SLACK (1.0 + 256.0 * DPM_UNIT_ROUNDOFF) /* of a closed form */
#define RELATIVE 1e100 /* as a number of runs: tables are refined to a relative error */

/* log(1 + M - 1) / lambda, rounded up, where M is a sum of terms exp(x), |x| <= exponent. Its relative error
 * is that of M - 1 while that is small, and an absolute one of log(M) where M is large. */
static double rounded_up(double log_moment, double lambda, double terms, double exponent)
{
    double error = RULE_ERROR + DPM_UNIT_ROUNDOFF * (256.0 + terms + 16.0 * exponent);
    return (log_moment * (1.0 + 16.0 * DPM_UNIT_ROUNDOFF) + 2.0 * fmin(log_moment, 1.0) * error) / lambda;
}

/* Laplace noise, loss e at most (Mironov 2017, table II), written such that nothing cancels:
 * M(lambda) = exp(lambda e) (1 + lambda / (1 + 2 lambda) (exp(-(1 + 2 lambda) e) - 1)). */
static double laplace(double lambda, double e)
{
    double twice = 1.0 + 2.0 * lambda;
    if (lambda * e > 1.0)
        return e + log1p(lambda / twice * expm1(-twice * e)) / lambda;
    double grown = (1.0 + lambda) / lambda * dpm_account_excess(lambda * e);
    double shrunk = dpm_account_excess(-(1.0 + lambda) * e);
    return log1p(lambda / twice * (grown + shrunk)) / lambda;
}

/* Joint quasi-convexity: a law that is a mixture with the weight q of a pair with divergence d, and of twice
 * the same law else, has at most log(1 - q + q exp(lambda d)) / lambda. */
static double mixed(double lambda, double q, double d)
{
    double grown = lambda * d;
    if (grown > 600.0)
        return d + log(q + (1.0 - q) * exp(-grown)) / lambda;
    return log1p(q * expm1(grown)) / lambda;
}

/* log M(lambda) / lambda of a law in one direction by the nodes and weights of its loss; INFINITY where that
 * takes too many of them. */
static int by_table(double *divergence, const struct dpm_law *law, int direction, double lambda,
                    double exponent)
{
    struct dpm_loss_table table = {0};
    /* Laplace: panels narrow enough for the sampled loss, singular at a distance of pi */
    double reach = law->shape == DPM_SHAPE_LAPLACE ? lambda + 8.0 : 0.0;
    int status = dpm_account_loss_table(&table, law, direction, lambda, 0.0, reach, RELATIVE, 1);
    if (!status)
        *divergence = rounded_up(table.log_moment, lambda, (double)table.n, exponent);
    else if (status == DPMIX_ERR_RANGE)
        *divergence = INFINITY;
    dpm_account_loss_free(&table);
    return status == DPMIX_ERR_RANGE ? DPMIX_OK : status;
}

/* Both directions of a sampled Laplace mechanism. */
static int sampled_laplace(double *divergence, const struct dpm_law *law, double lambda)
{
    double e = 1.0 / law->noise, both[2];
    for (int direction = DPM_LOSS_REMOVE; direction <= DPM_LOSS_ADD; direction++) {
        int status = by_table(&both[direction], law, direction, lambda, (2.0 + lambda) * e);
        if (status)
            return status;
    }
    *divergence = fmax(both[0], both[1]);
    return DPMIX_OK;
}

/* The divergence of one run. Every bound in closed form is sound, so is the least. */
static int of_law(double *divergence, const struct dpm_law *law, double lambda)
{
    double e = 1.0 / law->noise, exponent, least, found = INFINITY;
    int status = DPMIX_OK;
    switch (law->shape) {
    case DPM_SHAPE_MIXTURE:
        *divergence = dpm_account_rdp_subsampled(1.0 + lambda, law->rate, law->noise);
        return DPMIX_OK;
    case DPM_SHAPE_REPLACE:
        exponent = (2.0 + 2.0 * lambda) * e;
        least = dpm_account_rdp_gaussian(1.0 + lambda, 0.5 * law->noise);
        least = fmin(least, mixed(lambda, law->rate, least) * SLACK);
        status = by_table(&found, law, DPM_LOSS_REMOVE, lambda, exponent * exponent);
        break;
    case DPM_SHAPE_LAPLACE:
        least = laplace(lambda, e) * SLACK;
        if (law->rate < 1.0) {
            least = fmin(least, mixed(lambda, law->rate, least) * SLACK);
            status = sampled_laplace(&found, law, lambda);
        }
        break;
    default: /* finitely many losses */
        least = dpm_account_loss_largest(law, DPM_LOSS_REMOVE) * SLACK;
        status = by_table(&found, law, DPM_LOSS_REMOVE, lambda, (2.0 + 2.0 * lambda) * e);
    }
    if (!status)
        *divergence = fmax(fmin(least, found), DBL_MIN); /* fmin passes over a NaN */
    return status;
}

static int renyi(double *rdp, const struct dpm_event *events, size_t n, int adjacency, double order)
{
    if (!(order > 1.0 && order < INFINITY))
        return dpm_fail(DPMIX_ERR_RANGE, "order: must be above 1 and finite");
    int status = dpm_account_check(events, n, adjacency);
    if (status)
        return status;
    for (size_t i = 0; i < n; i++)
        if (events[i].kind == DPM_EVENT_PURE && events[i].sampling_rate > 0.0)
            return dpm_fail(DPMIX_ERR_UNSUPPORTED,
                            "mechanisms: with a delta above 0, a pure one has no finite "
                            "Renyi divergence");
    struct dpm_laws laws = {.law = dpm_alloc(n ? n : 1, sizeof *laws.law)};
    if (!laws.law)
        return DPMIX_ERR_NOMEM;
    dpm_account_laws(&laws, events, n, adjacency, 1);
    double sum = laws.mu > 0.0 ? dpm_account_rdp_gaussian(order, 1.0 / laws.mu) : 0.0;
    for (size_t i = 0; !status && i < laws.n; i++) {
        double divergence = INFINITY;
        status = of_law(&divergence, &laws.law[i], order - 1.0);
        sum += laws.law[i].count * divergence;
    }
    dpm_free(laws.law);
    if (!status)
        *rdp = sum * (1.0 + DPM_UNIT_ROUNDOFF * (double)(laws.n + 4));
    return status;
}

int dpm_account_renyi(double *rdp, const struct dpm_event *events, size_t n, int adjacency, double order)
{
    fenv_t environment = dpm_environment_enter();
    int status = renyi(rdp, events, n, adjacency, order);
    dpm_environment_leave(&environment);
    return status;
}
