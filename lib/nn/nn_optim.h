/* SPDX-License-Identifier: BSD-3-Clause */
/* Adam (Kingma and Ba 2015, arXiv 1412.6980, algorithm 1) on gradients that carry noise of known variance. */
#ifndef DPM_NN_OPTIM_H
#define DPM_NN_OPTIM_H

#include <stddef.h>
#include <stdint.h>

/* Weights stay within this bound, so that a net's values stay finite whatever the noise was. */
#define DPM_NN_WEIGHT_LIMIT 1024.0f

/* The moments of one set of weights. Both start at zero, like the number of steps; the memory is the
 * caller's. */
struct dpm_nn_adam {
    size_t n;
    float *first, *second; /* n each */
    uint64_t steps;        /* taken so far */
};

/* One step: weights -= rate * first / (sqrt(second) + 1e-8), moments by 0.9 and 0.999 and corrected for
 * their start at zero. `gradient` (n) is multiplied by `scale` first. A weight whose step is not a number
 * stays as it is. */
void dpm_nn_adam_step(struct dpm_nn_adam *adam, float *weights, const double *gradient, double scale,
                      double rate);

#endif
