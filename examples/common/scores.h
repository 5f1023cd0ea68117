/* SPDX-License-Identifier: BSD-3-Clause */
/* What a classifier's scores say about it. Scores are n x classes; a larger one means a likelier class. */
#ifndef EXAMPLE_SCORES_H
#define EXAMPLE_SCORES_H

#include <stddef.h>
#include <stdint.h>

/* The part of the records whose largest score is at their label. */
double scores_accuracy(const double *scores, const uint8_t *labels, size_t n, int classes);

/* The area under the ROC curve of all pairs of a record and a class in one heap, a pair being positive where
 * the class is the record's ("micro" average); ties count half. NAN where all pairs are alike.
 * Returns 0, or -1 when memory is out. */
int scores_micro_auroc(double *area, const double *scores, const uint8_t *labels, size_t n, int classes);

/* The area under the ROC curve of one class against all others, likewise. */
int scores_class_auroc(double *area, const double *scores, const uint8_t *labels, size_t n, int classes,
                       int positive);

/* Turns scores of one record into logarithms of probabilities. */
void scores_normalise(double *scores, int classes);

#endif
