/* SPDX-License-Identifier: BSD-3-Clause */
/* What a mechanism is to the accountant: public parameters and nothing else. */
#ifndef DPM_ACCOUNT_EVENT_H
#define DPM_ACCOUNT_EVENT_H

#include <stdint.h>

enum {
    DPM_EVENT_GAUSSIAN = 1,            /* every row takes part */
    DPM_EVENT_SUBSAMPLED_GAUSSIAN = 2, /* each row takes part with probability `sampling_rate` */
    DPM_EVENT_LAPLACE = 3,
    DPM_EVENT_SUBSAMPLED_LAPLACE = 4,
    DPM_EVENT_GEOMETRIC = 5,           /* noise k with a probability in proportion to exp(-|k| / scale) */
    DPM_EVENT_RANDOMIZED_RESPONSE = 6, /* the truth with odds of exp(epsilon) */
    DPM_EVENT_PURE = 7,                /* anything that is (epsilon, delta)-differentially private */
};

/* `count` runs of one mechanism. The noise multiplier is
 *   Gaussian kinds             the standard deviation of the noise divided by the largest norm that one
 *                              row's contribution can have, slack for floating point included;
 *   Laplace kinds, geometric   the scale of the noise divided by the largest sum of absolute values that one
 *                              row's contribution can have (geometric: which is 1);
 *   randomised response, pure  1 / epsilon.
 * In each case the more of it, the more private, and a common factor of several events means the same. */
struct dpm_event {
    int kind;
    double noise_multiplier;
    double sampling_rate; /* of the sampled kinds, in (0, 1]; of pure events the delta, in [0, 1) */
    uint64_t count;
};

/* Whether events of the kind may leave rows out by chance: then their rate is below 1. */
static inline int dpm_event_has_rate(int kind)
{
    return kind == DPM_EVENT_SUBSAMPLED_GAUSSIAN || kind == DPM_EVENT_SUBSAMPLED_LAPLACE;
}

static inline int dpm_event_is_sampled(const struct dpm_event *event)
{
    return dpm_event_has_rate(event->kind) && event->sampling_rate < 1.0;
}

static inline int dpm_event_is_gaussian(const struct dpm_event *event)
{
    return event->kind == DPM_EVENT_GAUSSIAN || event->kind == DPM_EVENT_SUBSAMPLED_GAUSSIAN;
}

/* Gaussian noise, and every row takes part. */
static inline int dpm_event_is_plain(const struct dpm_event *event)
{
    return dpm_event_is_gaussian(event) && !dpm_event_is_sampled(event);
}

#endif
