/* SPDX-License-Identifier: BSD-3-Clause */
#include <dpmix/dpmix.h>

#include "account_curve.h"
#include "account_ledger.h"
#include "account_renyi.h"
#include "api_check.h"
#include "base_alloc.h"
#include "base_environment.h"

#include <math.h>

_Static_assert(DPMIX_MECHANISM_GAUSSIAN == DPM_EVENT_GAUSSIAN &&
                   DPMIX_MECHANISM_SUBSAMPLED_GAUSSIAN == DPM_EVENT_SUBSAMPLED_GAUSSIAN &&
                   DPMIX_MECHANISM_LAPLACE == DPM_EVENT_LAPLACE &&
                   DPMIX_MECHANISM_SUBSAMPLED_LAPLACE == DPM_EVENT_SUBSAMPLED_LAPLACE &&
                   DPMIX_MECHANISM_GEOMETRIC == DPM_EVENT_GEOMETRIC &&
                   DPMIX_MECHANISM_RANDOMIZED_RESPONSE == DPM_EVENT_RANDOMIZED_RESPONSE &&
                   DPMIX_MECHANISM_PURE == DPM_EVENT_PURE,
               "mechanisms have the numbers of events");

/* The caller's arrays, and what the noise is called in the function at hand. */
struct plan {
    const int *mechanisms;
    const double *noise;
    const char *noise_name;
    const double *rates;
    const uint64_t *counts;
    size_t n;
};

static int read_entry(struct dpm_event *event, const struct plan *plan, size_t i)
{
    int kind = plan->mechanisms[i], pure = kind == DPM_EVENT_PURE;
    int sampled = dpm_event_has_rate(kind);
    double rate = plan->rates && (sampled || pure) ? plan->rates[i] : !pure;
    *event = (struct dpm_event){kind, plan->noise[i], rate, plan->counts ? plan->counts[i] : 1};
    if (kind < DPM_EVENT_GAUSSIAN || kind > DPM_EVENT_PURE)
        return dpm_fail(DPMIX_ERR_ARG, "mechanisms: must be DPMIX_MECHANISM_*");
    if (!(plan->noise[i] > 0 && plan->noise[i] < INFINITY))
        return dpm_fail(DPMIX_ERR_RANGE, "%s: must be above 0 and finite", plan->noise_name);
    if (sampled && !(rate > 0 && rate <= 1))
        return dpm_fail(DPMIX_ERR_RANGE, "rates: must lie in (0, 1] for a subsampled mechanism");
    if (pure && !(rate >= 0 && rate < 1))
        return dpm_fail(DPMIX_ERR_RANGE, "rates: the delta of a pure mechanism must lie in [0, 1)");
    if (event->count < 1)
        return dpm_fail(DPMIX_ERR_RANGE, "counts: must be at least 1");
    return DPMIX_OK;
}

/* Multiplies the noise of the events as dpmix_calculate_noise says. */
static int calibrate(struct dpm_event *events, size_t n, int adjacency, double delta, double epsilon)
{
    double multiplier = 0;
    fenv_t environment = dpm_environment_enter();
    int status = dpm_account_calibrate(&multiplier, NULL, 0, events, n, adjacency, delta, epsilon);
    for (size_t i = 0; !status && i < n; i++)
        events[i].noise_multiplier *= multiplier;
    dpm_environment_leave(&environment);
    return status;
}

/* The plan as events, which the caller frees with dpm_free; at least one. */
static int read_plan(struct dpm_event **events, const struct plan *plan)
{
    if (plan->n > 0 && !plan->mechanisms)
        return dpm_fail(DPMIX_ERR_ARG, "mechanisms: NULL");
    if (plan->n > 0 && !plan->noise)
        return dpm_fail(DPMIX_ERR_ARG, "%s: NULL", plan->noise_name);
    struct dpm_event *made = dpm_alloc(plan->n ? plan->n : 1, sizeof *made);
    if (!made)
        return DPMIX_ERR_NOMEM;
    int status = DPMIX_OK;
    for (size_t i = 0; !status && i < plan->n; i++)
        status = read_entry(&made[i], plan, i);
    if (status)
        dpm_free(made);
    else
        *events = made;
    return status;
}

int dpmix_calculate_epsilon(double *epsilon, const int *mechanisms, const double *noise, const double *rates,
                            const uint64_t *counts, size_t n, int adjacency, int group, double delta)
{
    API_NEED(epsilon);
    struct dpm_event *events = NULL;
    int status = read_plan(&events, &(struct plan){mechanisms, noise, "noise", rates, counts, n});
    if (!status)
        status = dpm_account_group_epsilon(epsilon, events, n, adjacency, group, delta);
    dpm_free(events);
    API_RETURN(status);
}

int dpmix_calculate_delta(double *delta, const int *mechanisms, const double *noise, const double *rates,
                          const uint64_t *counts, size_t n, int adjacency, int group, double epsilon)
{
    API_NEED(delta);
    struct dpm_event *events = NULL;
    int status = read_plan(&events, &(struct plan){mechanisms, noise, "noise", rates, counts, n});
    if (!status)
        status = dpm_account_group_delta(delta, events, n, adjacency, group, epsilon);
    dpm_free(events);
    API_RETURN(status);
}

int dpmix_calculate_rdp(double *rdp, const int *mechanisms, const double *noise, const double *rates,
                        const uint64_t *counts, size_t n, int adjacency, double order)
{
    API_NEED(rdp);
    struct dpm_event *events = NULL;
    int status = read_plan(&events, &(struct plan){mechanisms, noise, "noise", rates, counts, n});
    if (!status)
        status = dpm_account_renyi(rdp, events, n, adjacency, order);
    dpm_free(events);
    API_RETURN(status);
}

int dpmix_calculate_noise(double *noise, const int *mechanisms, const double *relative_noise,
                          const double *rates, const uint64_t *counts, size_t n, int adjacency, double delta,
                          double epsilon)
{
    API_NEED(noise);
    if (n == 0)
        API_RETURN(dpm_fail(DPMIX_ERR_RANGE, "n: must be at least 1"));
    struct dpm_event *events = NULL;
    int status =
        read_plan(&events, &(struct plan){mechanisms, relative_noise, "relative_noise", rates, counts, n});
    if (!status)
        status = calibrate(events, n, adjacency, delta, epsilon);
    for (size_t i = 0; !status && i < n; i++)
        noise[i] = events[i].noise_multiplier;
    dpm_free(events);
    API_RETURN(status);
}

int dpmix_accountant_noise(const dpmix_accountant *accountant, double *noise, double share,
                           const int *mechanisms, const double *relative_noise, const double *rates,
                           const uint64_t *counts, size_t n)
{
    API_NEED(accountant);
    API_NEED(noise);
    if (n == 0)
        API_RETURN(dpm_fail(DPMIX_ERR_RANGE, "n: must be at least 1"));
    struct dpm_event *events = NULL;
    int status =
        read_plan(&events, &(struct plan){mechanisms, relative_noise, "relative_noise", rates, counts, n});
    if (!status)
        status = dpm_accountant_calibrate(accountant, share, events, n);
    for (size_t i = 0; !status && i < n; i++)
        noise[i] = events[i].noise_multiplier;
    dpm_free(events);
    API_RETURN(status);
}
