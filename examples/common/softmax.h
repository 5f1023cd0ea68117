/* SPDX-License-Identifier: BSD-3-Clause */
/* Softmax regression (multinomial logistic regression) on byte records: the yardstick of the example. */
#ifndef EXAMPLE_SOFTMAX_H
#define EXAMPLE_SOFTMAX_H

#include "idx_read.h"

struct softmax {
    int classes;
    size_t pixels, padded_pixels;
    float *weights; /* of bytes: an even number of rows x padded_pixels */
    float *bias;
};

struct softmax_training {
    int iterations;
    int converged;
    double objective;
};

/* Trains on the records and their labels, which lie in [0, classes), 1 to 256 of them.
 * Returns 0, or -1 when memory is out. The caller closes the model. */
int softmax_train(struct softmax *model, struct softmax_training *training, const struct idx_records *records,
                  int classes);
void softmax_close(struct softmax *model);

/* Logarithms of the classes' probabilities, records x classes. Returns 0, or -1 when memory is out or the
 * records have another number of pixels. */
int softmax_scores(const struct softmax *model, double *scores, const struct idx_records *records);

/* The part of the records that the model classifies rightly, in *accuracy. There must be some; otherwise as
 * softmax_scores(). */
int softmax_test(const struct softmax *model, double *accuracy, const struct idx_records *records);

#endif
