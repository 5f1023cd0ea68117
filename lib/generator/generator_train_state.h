/* SPDX-License-Identifier: BSD-3-Clause */
/* All of a training that changes from step to step. */
#ifndef DPM_GENERATOR_TRAIN_STATE_H
#define DPM_GENERATOR_TRAIN_STATE_H

#include "base_blob.h"

struct dpm_nn_optim;
struct dpm_nn_track;

enum { DPM_TRAIN_NEW, DPM_TRAIN_STEPS, DPM_TRAIN_DONE }; /* stages */

struct dpm_train_state {
    size_t n_parts, n_weights, classes; /* n_weights: of one part; classes 0: rows are counted alone */
    size_t columns;                     /* of the counts: max(1, classes) */
    uint64_t steps;                     /* planned */

    int stage;
    uint64_t step;         /* steps that were taken */
    double clip_norm;      /* of the next one */
    double *counts;        /* n_parts x columns */
    double *class_weights; /* n_parts x classes; NULL when there are no classes */
    float *weights;        /* n_parts x n_weights, like the three below; averaged when the stage is DONE */
    float *first;
    float *second;               /* NULL where the optimiser has none */
    float *average;              /* NULL without averaging */
    struct dpm_nn_track *tracks; /* n_parts, into these */
};

/* Allocates for the sizes that are set, and the optimiser. Free it after a failure, too. */
int dpm_train_state_new(struct dpm_train_state *state, const struct dpm_nn_optim *optim);
void dpm_train_state_free(struct dpm_train_state *state);

void dpm_train_state_put(const struct dpm_train_state *state, struct dpm_blob *blob);

/* Into a new state of the same sizes and optimiser; a blob of others, or with values that no training has, is
 * rejected. */
void dpm_train_state_get(struct dpm_train_state *state, struct dpm_blob *blob);

#endif
