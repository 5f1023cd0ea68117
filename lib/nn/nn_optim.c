/* SPDX-License-Identifier: BSD-3-Clause */
#include "nn_optim.h"
#include "base_numbers.h"
#include "base_simd.h"

#include <assert.h>
#include <math.h>

double dpm_nn_optim_rate(const struct dpm_nn_optim *optim, uint64_t step, uint64_t steps)
{
    uint64_t warm = (uint64_t)rint(optim->warmup * (double)steps);
    if (step < warm)
        return optim->rate * (double)(step + 1) / (double)warm;
    double left = steps > warm + 1 ? (double)(steps - 1 - warm) : 1;
    double progress = fmin(1, (double)(step - warm) / left), end = optim->rate_end;
    if (optim->schedule == DPMIX_RATE_LINEAR)
        return optim->rate * (1 - (1 - end) * progress);
    if (optim->schedule == DPMIX_RATE_COSINE)
        return optim->rate * (end + (1 - end) * (1 + cos(DPM_PI * progress)) / 2);
    return optim->rate;
}

/* Selects, no branches: the loops below run over millions of weights, and vectors take selects. */
DPM_SIMD_INLINE float clamp_weight(float value)
{
    value = value > DPM_NN_WEIGHT_LIMIT ? DPM_NN_WEIGHT_LIMIT : value;
    return value < -DPM_NN_WEIGHT_LIMIT ? -DPM_NN_WEIGHT_LIMIT : value;
}

DPM_SIMD_INLINE float limit_gradient(float g)
{
    g = g > -DPM_NN_GRADIENT_LIMIT ? g : (g == g ? -DPM_NN_GRADIENT_LIMIT : 0);
    return g < DPM_NN_GRADIENT_LIMIT ? g : DPM_NN_GRADIENT_LIMIT;
}

static void step_sgd(const struct dpm_nn_optim *optim, struct dpm_nn_track *track, const float *gradient,
                     double rate)
{
    float momentum = (float)optim->momentum, size = (float)rate;
    float *restrict weights = track->weights, *restrict first = track->first;
    for (size_t i = 0; i < track->n; i++) {
        first[i] = momentum * first[i] + limit_gradient(gradient[i]);
        weights[i] = clamp_weight(weights[i] - size * first[i]);
    }
}

struct adam_numbers {
    float new1, new2, size, unbias, known, least;
};

DPM_SIMD_INLINE void adam_body(float *restrict weights, float *restrict first, float *restrict second,
                               const float *restrict gradient, size_t n, const struct adam_numbers *numbers)
{
    const struct adam_numbers by = *numbers;
    for (size_t i = 0; i < n; i++) {
        float g = limit_gradient(gradient[i]);
        first[i] += by.new1 * (g - first[i]);
        second[i] += by.new2 * (g * g - second[i]);
        float square = second[i] * by.unbias - by.known;
        square = square < by.least ? by.least : square;
        weights[i] = clamp_weight(weights[i] - by.size * first[i] / (sqrtf(square) + 1e-8f));
    }
}

DPM_SIMD_VERSIONS(adam,
                  (float *weights, float *first, float *second, const float *gradient, size_t n,
                   const struct adam_numbers *numbers),
                  (weights, first, second, gradient, n, numbers))

/* The means follow as mean += (1 - beta) (value - mean). The corrections for their start at zero go into the
 * step's size and before the square root. */
static void step_adam(const struct dpm_nn_optim *optim, struct dpm_nn_track *track, const float *gradient,
                      double rate, double variance)
{
    double steps = (double)track->steps;
    double start1 = 1 - pow(optim->momentum, steps), start2 = 1 - pow(optim->second_moment, steps);
    track->variance += (1 - optim->second_moment) * (variance - track->variance);
    double noise = optim->correction ? track->variance / start2 : 0;

    const struct adam_numbers numbers = {
        .new1 = (float)(1 - optim->momentum),
        .new2 = (float)(1 - optim->second_moment),
        .size = (float)(rate / start1),
        .unbias = (float)(1 / start2),
        .known = (float)noise,
        .least = (float)(DPM_NN_CORRECTION_FLOOR * noise),
    };
    adam(track->weights, track->first, track->second, gradient, track->n, &numbers);
}

static void decay_weights(struct dpm_nn_track *track, double amount)
{
    float keep = (float)fmax(0, 1 - amount);
    for (size_t i = 0; i < track->n; i++)
        track->weights[i] *= keep;
}

void dpm_nn_optim_step(const struct dpm_nn_optim *optim, struct dpm_nn_track *track, const float *gradient,
                       double rate, double variance)
{
    track->steps++;
    if (optim->kind == DPMIX_OPTIMIZER_ADAMW)
        decay_weights(track, rate * optim->weight_decay);
    if (optim->kind == DPMIX_OPTIMIZER_SGD)
        step_sgd(optim, track, gradient, rate);
    else
        step_adam(optim, track, gradient, rate, variance);
    if (!track->average)
        return;
    float decay = (float)optim->averaging, part = (float)(1 - optim->averaging);
    float *restrict average = track->average;
    const float *restrict weights = track->weights;
    for (size_t i = 0; i < track->n; i++)
        average[i] = decay * average[i] + part * weights[i];
}

void dpm_nn_optim_average(const struct dpm_nn_optim *optim, const struct dpm_nn_track *track, float *out)
{
    assert(track->average && track->steps > 0);
    /* The sum of the coefficients as they are in float. */
    double decay = (double)(float)optim->averaging, part = (double)(float)(1 - optim->averaging);
    double total = part * (1 - pow(decay, (double)track->steps)) / (1 - decay);
    float scale = (float)(1 / total);
    for (size_t i = 0; i < track->n; i++)
        out[i] = clamp_weight(track->average[i] * scale);
}
