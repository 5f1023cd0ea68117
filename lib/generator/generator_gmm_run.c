/* SPDX-License-Identifier: BSD-3-Clause */
/* The order of a DP Gaussian mixture's fit. */
#include "generator_gmm_fit.h"

int dpm_gmm_run(struct dpm_gmm_work *work, size_t n, dpm_gmm_query_fn *query, void *user)
{
    uint64_t moves = work->plan.has_moves ? work->plan.steps : 0;
    int status = query(user, DPM_GMM_SUMS);
    for (size_t i = 0; !status && i < n; i++)
        dpm_gmm_set_means(&work[i]);
    if (!status)
        status = query(user, DPM_GMM_POOLED);
    for (size_t i = 0; !status && i < n; i++)
        status = dpm_gmm_set_subspace(&work[i]);
    for (size_t i = 0; !status && i < n; i++)
        dpm_gmm_set_start(&work[i]);
    for (uint64_t step = 0; !status && step < moves; step++) {
        status = query(user, DPM_GMM_MOVES);
        for (size_t i = 0; !status && i < n; i++)
            dpm_gmm_set_centres(&work[i], step);
    }
    for (size_t i = 0; !status && i < n; i++)
        dpm_gmm_set_component_clip(&work[i]);
    for (uint64_t step = 0; !status && step <= work->plan.em_steps; step++) {
        for (size_t i = 0; i < n; i++)
            work[i].by_density = step > 0;
        status = query(user, DPM_GMM_MOMENTS);
        for (size_t i = 0; !status && i < n; i++)
            status = dpm_gmm_set_components(&work[i]);
    }
    return status;
}
