/* SPDX-License-Identifier: BSD-3-Clause */
/* The objective of the softmax regression: mean cross-entropy + 0.5 * l2 * ||W||^2 over pixels / 255, the
 * bias not regularised; and its gradient, computed by all cores with one fixed order of summation.
 *
 * The minimiser walks in other coordinates than (W, bias): the weights, and the bias for centred pixels. That
 * changes no value and moves no minimum; it only makes the valley rounder, so that a third of the steps lead
 * as far down. */
#ifndef EXAMPLE_SOFTMAX_OBJECTIVE_H
#define EXAMPLE_SOFTMAX_OBJECTIVE_H

#include "pixel_blocks.h"

struct objective_shard;

struct softmax_objective {
    struct pixel_blocks blocks;
    const uint8_t *labels; /* borrowed */
    int classes;
    size_t rows_of_weights; /* classes, made even */
    double l2;
    double *mean;   /* per pixel, in bytes */
    float *weights; /* of bytes, at the point that was placed: rows_of_weights x padded_pixels */
    float *bias;
    struct objective_shard *shards;
};

/* Labels lie in [0, classes). Returns 0, or -1 when memory is out. */
int softmax_objective_open(struct softmax_objective *objective, const uint8_t *bytes, const uint8_t *labels,
                           size_t rows, size_t pixels, int classes, double l2);
void softmax_objective_close(struct softmax_objective *objective);

/* The number of coordinates of a point. */
size_t softmax_objective_size(const struct softmax_objective *objective);

/* Sets weights and bias from a point. */
void softmax_objective_place(struct softmax_objective *objective, const double *point);

/* An lbfgs_function; `user` is a struct softmax_objective. */
double softmax_objective_evaluate(void *user, double *gradient, const double *point);

#endif
