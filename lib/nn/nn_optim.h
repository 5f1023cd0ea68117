/* SPDX-License-Identifier: BSD-3-Clause */
/* Optimisers for gradients that carry noise of known variance:
 *
 *   SGD     momentum without damping: v = momentum v + g, step rate v
 *   Adam    Kingma and Ba 2015, arXiv 1412.6980, algorithm 1
 *   AdamW   Adam with decoupled weight decay: Loshchilov and Hutter 2019, arXiv 1711.05101, algorithm 2
 *
 * Both Adams may subtract the noise's variance from their mean squares (Tang, Shpilevskiy and Lecuyer 2024,
 * arXiv 2312.14334). Weights may be averaged over the steps. */
#ifndef DPM_NN_OPTIM_H
#define DPM_NN_OPTIM_H

#include <dpmix/options.h>

#include <stddef.h>
#include <stdint.h>

/* Weights stay within this bound, so that a net's values stay finite whatever the noise was. */
#define DPM_NN_WEIGHT_LIMIT 1024.0f

/* Numbers of a gradient beyond this count as this much, so that all that is remembered stays finite, too. */
#define DPM_NN_GRADIENT_LIMIT 1e18f

/* What is left of a mean square that the noise's variance is subtracted from is at least this share of that
 * variance: weights that get little but noise would otherwise be divided by nearly nothing. */
#define DPM_NN_CORRECTION_FLOOR 0.1

struct dpm_nn_optim {
    int kind;             /* DPMIX_OPTIMIZER_* */
    double momentum;      /* of SGD; beta1 of Adam: in [0, 1) */
    double second_moment; /* beta2 of Adam: in [0, 1) */
    double weight_decay;  /* of AdamW */
    int correction;       /* 1: Adam subtracts the noise's variance */
    double averaging;     /* decay of the average, in [0, 1); 0: there is none */
    double rate;          /* learning rate, at its largest */
    int schedule;         /* DPMIX_RATE_* */
    double rate_end;      /* fraction of the rate that the schedule falls to at the last step */
    double warmup;        /* fraction of the steps in which the rate grows to its largest */
};

/* One set of weights and what its optimiser remembers, all zero at first; the memory is the caller's. */
struct dpm_nn_track {
    size_t n;
    float *weights, *first;
    float *second;   /* of Adam; not read otherwise */
    float *average;  /* sum that the average is made of; NULL: none */
    double variance; /* moving mean of the noise's variance, like `second` */
    uint64_t steps;  /* taken so far */
};

/* Learning rate of a step, counted from 0, out of `steps`: the warm-up's W = round(warmup steps) steps have
 * (step + 1) / W of the full rate; then the schedule falls, and reaches its end at the last step. */
double dpm_nn_optim_rate(const struct dpm_nn_optim *optim, uint64_t step, uint64_t steps);

/* One step at the given rate against `gradient` (n), each number of which carries noise of this variance
 * (read with correction only). AdamW's decay applies to all weights, biases among them. A number of the
 * gradient that is not one counts as zero. */
void dpm_nn_optim_step(const struct dpm_nn_optim *optim, struct dpm_nn_track *track, const float *gradient,
                       double rate, double variance);

/* The average of the weights after each step, weighted by powers of `averaging` and corrected for the start
 * (weights before the first step have no part in it). Needs at least one step. */
void dpm_nn_optim_average(const struct dpm_nn_optim *optim, const struct dpm_nn_track *track, float *out);

#endif
