/* SPDX-License-Identifier: BSD-3-Clause */
/* A multilayer perceptron on byte records: one hidden layer of 100 rectified units, a softmax on top, trained
 * by Adam (Kingma and Ba 2015) for 20 passes over the records. A yardstick of the examples. */
#ifndef EXAMPLE_MLP_H
#define EXAMPLE_MLP_H

#include "idx_read.h"

struct mlp {
    int classes;
    size_t pixels, padded_pixels;
    float *weights; /* of the hidden layer's pixels, then its bias, the upper layer's weights, its bias */
};

/* Trains on the records and their labels, which lie in [0, classes), 1 to 256 of them. The result is a
 * function of the records. Returns 0, or -1 when memory is out. The caller closes the model. */
int mlp_train(struct mlp *model, const struct idx_records *records, int classes);
void mlp_close(struct mlp *model);

/* Logarithms of the classes' probabilities, records x classes. Returns 0, or -1 when memory is out or the
 * records have another number of pixels. */
int mlp_scores(const struct mlp *model, double *scores, const struct idx_records *records);

#endif
