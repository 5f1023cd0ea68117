/* SPDX-License-Identifier: BSD-3-Clause */
#include "generator_train_plan.h"

#include <assert.h>
#include <math.h>
#include <string.h>

/* The norm indicator's t (privacy.h): it makes the noise larger by a factor of sqrt(1 + t^2), half a per
 * cent, and shows the share of the rows below the clip norm up to noise z / (2 t batch). */
static const double norm_indicator = 0.1;

/* The steps fall into segments of equal length; their noise is a geometric sequence. */
static void plan_gradients(struct dpm_train_plan *plan, const struct dpm_train_net *net,
                           const struct dpmix_options *options)
{
    double ratio = dpm_option_double(options, DPMIX_OPTION_NOISE_SCHEDULE);
    double clip_quantile = dpm_option_double(options, DPMIX_OPTION_CLIP_QUANTILE);
    uint64_t steps = (uint64_t)dpm_option_double(options, DPMIX_OPTION_STEPS);
    uint64_t segments = steps < DPM_TRAIN_SEGMENTS ? steps : DPM_TRAIN_SEGMENTS;
    if (ratio == 1)
        segments = 1;
    plan->n_segments = (int)segments;
    for (uint64_t s = 0; s < segments; s++) {
        struct dpm_query_plan *gradient = &plan->query[DPM_TRAIN_GRADIENT + s];
        *gradient = (struct dpm_query_plan){
            .n_matrices = net->n_matrices,
            .per_part = 1,
            .clip_norm = dpm_option_double(options, DPMIX_OPTION_CLIP_NORM),
            .norm_indicator = clip_quantile > 0 ? norm_indicator : 0,
            .cancellation = net->cancellation,
            .sampling_rate = dpm_option_double(options, DPMIX_OPTION_SAMPLING_RATE),
            .steps = steps * (s + 1) / segments - steps * s / segments,
            .noise_multiplier = segments > 1 ? pow(ratio, (double)s / (double)(segments - 1)) : 1,
            .normals = net->normals,
            .scratch = net->scratch,
        };
        memcpy(gradient->matrix, net->matrix, sizeof gradient->matrix);
    }
}

/* T steps at rate q and noise multiplier z behave like one release of noise multiplier
 * 1 / (q sqrt(T (exp(1 / z^2) - 1))) (Bu, Dong, Long and Su 2020, arXiv 1911.11607), which is at most
 * z / (q sqrt(T)). So a plan of relative multiplier q' sqrt(T') / sqrt(share sum of q^2 T / z^2) adds at most
 * `share` to the sum of squared inverse multipliers, whatever the common factor. The bound is for rates so
 * small that the formula is far off. */
static void set_share(struct dpm_query_plan *query, const struct dpm_train_plan *plan, double share)
{
    const double largest = 50;
    const struct dpm_query_plan *gradient = &plan->query[DPM_TRAIN_GRADIENT];
    double weight = 0;
    for (int s = 0; s < plan->n_segments; s++)
        weight += (double)gradient[s].steps / (gradient[s].noise_multiplier * gradient[s].noise_multiplier);
    double own = query->sampling_rate * sqrt((double)query->steps);
    query->noise_multiplier = fmin(largest, own / (gradient->sampling_rate * sqrt(weight * share)));
}

static void plan_count(struct dpm_train_plan *plan, const struct dpm_train_net *net,
                       const struct dpmix_options *options)
{
    struct dpm_query_plan *count = &plan->query[DPM_TRAIN_COUNT];
    *count = (struct dpm_query_plan){
        .n_matrices = 1,
        .matrix = {{net->classes ? net->classes : 1, 1, 1}},
        .per_part = 1,
        .clip_norm = 1,
        .cancellation = 1,
        .sampling_rate = 1,
        .steps = 1,
    };
    set_share(count, plan, 0.03);
    if (dpm_option_int(options, DPMIX_OPTION_COUNT_NOISE) == DPMIX_COUNT_NOISE_GEOMETRIC) {
        count->noise = DPM_NOISE_GEOMETRIC;
        count->noise_multiplier *= sqrt(0.5); /* the scale for about the same deviation */
    }
}

void dpm_train_plan_make(struct dpm_train_plan *plan, const struct dpm_train_net *net,
                         const struct dpmix_options *options)
{
    *plan = (struct dpm_train_plan){0};
    plan_gradients(plan, net, options);
    plan_count(plan, net, options);
    plan->n_queries = DPM_TRAIN_GRADIENT + (size_t)plan->n_segments;
    for (int e = 0; e < net->n_extras; e++) {
        const struct dpm_train_extra *extra = &net->extra[e];
        assert(extra->plan.per_part);
        plan->query[plan->n_queries] = extra->plan;
        set_share(&plan->query[plan->n_queries++], plan, extra->share);
        plan->extra_runs += extra->plan.steps;
    }
}

size_t dpm_train_plan_step(const struct dpm_train_plan *plan, uint64_t step)
{
    size_t place = DPM_TRAIN_GRADIENT;
    for (uint64_t end = plan->query[place].steps; step >= end; end += plan->query[place].steps)
        place++;
    return place;
}

size_t dpm_train_plan_extra(const struct dpm_train_plan *plan, int extra)
{
    size_t place = DPM_TRAIN_GRADIENT + (size_t)(plan->n_segments + extra);
    assert(extra >= 0 && place < plan->n_queries);
    return place;
}
