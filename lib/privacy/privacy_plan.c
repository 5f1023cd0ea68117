/* SPDX-License-Identifier: BSD-3-Clause */
#include "privacy_plan.h"
#include "account_ledger.h"
#include "base_alloc.h"
#include "base_fail.h"
#include "privacy_geometric.h"
#include "privacy_noise.h"
#include "privacy_sensitivity.h"

struct dpm_event dpm_plan_event(const struct dpm_query_plan *plan)
{
    int sampled = plan->sampling_rate < 1 ? DPM_EVENT_SUBSAMPLED_GAUSSIAN : DPM_EVENT_GAUSSIAN;
    return (struct dpm_event){
        .kind = plan->noise == DPM_NOISE_GEOMETRIC ? DPM_EVENT_GEOMETRIC : sampled,
        .noise_multiplier = plan->noise_multiplier,
        .sampling_rate = plan->sampling_rate,
        .count = plan->steps,
    };
}

int dpm_plan_check(const struct dpm_query_plan *plan)
{
    int status = dpm_sensitivity_check(plan);
    if (status)
        return status;
    /* The grid is a power of two, so another clip norm may change noise over grid, by little more than 2. */
    double margin = plan->norm_indicator > 0 ? 4 : 1;
    double sigma = dpm_query_noise(plan) / dpm_sensitivity_grid(plan), scale = plan->noise_multiplier;
    int in_range = sigma >= DPM_NOISE_MIN_SIGMA * margin && sigma <= DPM_NOISE_MAX_SIGMA / margin;
    if (plan->noise == DPM_NOISE_GEOMETRIC)
        in_range = scale >= DPM_GEOMETRIC_MIN_SCALE && scale <= DPM_GEOMETRIC_MAX_SCALE;
    if (!in_range)
        return dpm_fail(DPMIX_ERR_RANGE, "share: the noise that it asks for is out of the sampler's range");
    return DPMIX_OK;
}

int dpm_query_calibrate(const struct dpmix_accountant *accountant, double share, struct dpm_query_plan *plans,
                        size_t n)
{
    int status = DPMIX_OK;
    for (size_t i = 0; !status && i < n; i++)
        status = dpm_sensitivity_check(&plans[i]);
    if (status)
        return status;
    struct dpm_event *events = dpm_alloc(n, sizeof *events);
    if (!events)
        return DPMIX_ERR_NOMEM;
    for (size_t i = 0; i < n; i++)
        events[i] = dpm_plan_event(&plans[i]);
    status = dpm_accountant_calibrate(accountant, share, events, n);
    for (size_t i = 0; !status && i < n; i++)
        plans[i].noise_multiplier = events[i].noise_multiplier;
    dpm_free(events);
    return status;
}

int dpm_query_worth(const struct dpmix_accountant *accountant, double share, double *mu)
{
    struct dpm_query_plan plan = {
        .n_matrices = 1,
        .matrix = {{1, 1, 1}},
        .clip_norm = 1,
        .cancellation = 1,
        .sampling_rate = 1,
        .steps = 1,
        .noise_multiplier = 1,
    };
    int status = dpm_query_calibrate(accountant, share, &plan, 1);
    if (!status)
        *mu = 1 / plan.noise_multiplier;
    return status;
}

int dpm_fit_progress(const struct dpm_fit *fit, int phase, uint64_t done, uint64_t total)
{
    double spent;
    if (!fit->progress)
        return DPMIX_OK;
    /* The fit is paid for, and does not end for the sake of a figure. */
    int status = dpm_accountant_last_spent(fit->accountant, &spent);
    if (status)
        return status;
    if (fit->progress(fit->user, phase, done, total, spent) != 0)
        return dpm_fail(DPMIX_ERR_CANCELLED,
                        "the progress callback asked to stop; what was spent stays spent");
    return DPMIX_OK;
}
