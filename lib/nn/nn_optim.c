/* SPDX-License-Identifier: BSD-3-Clause */
#include "nn_optim.h"

#include <math.h>

static float clamp_weight(float value)
{
    return value > DPM_NN_WEIGHT_LIMIT ? DPM_NN_WEIGHT_LIMIT
                                       : (value < -DPM_NN_WEIGHT_LIMIT ? -DPM_NN_WEIGHT_LIMIT : value);
}

void dpm_nn_adam_step(struct dpm_nn_adam *adam, float *weights, const double *gradient, double scale,
                      double rate)
{
    const double beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8;
    adam->steps++;
    double steps = (double)adam->steps;
    double correct1 = 1 / (1 - pow(beta1, steps)), correct2 = 1 / (1 - pow(beta2, steps));
    for (size_t i = 0; i < adam->n; i++) {
        double g = gradient[i] * scale;
        double first = beta1 * (double)adam->first[i] + (1 - beta1) * g;
        double second = beta2 * (double)adam->second[i] + (1 - beta2) * g * g;
        adam->first[i] = (float)first;
        adam->second[i] = (float)second;
        double step = rate * (first * correct1) / (sqrt(second * correct2) + epsilon);
        if (isfinite(step))
            weights[i] = clamp_weight((float)((double)weights[i] - step));
    }
}
