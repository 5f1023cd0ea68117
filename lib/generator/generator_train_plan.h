/* SPDX-License-Identifier: BSD-3-Clause */
/* The queries of a training, planned before a row is read: the count, the gradients, the extras. */
#ifndef DPM_GENERATOR_TRAIN_PLAN_H
#define DPM_GENERATOR_TRAIN_PLAN_H

#include "generator_train.h"

/* Places in the array: the count's, that of the first segment of steps, and how many segments at most. */
enum { DPM_TRAIN_COUNT = 0, DPM_TRAIN_GRADIENT = 1, DPM_TRAIN_SEGMENTS = 16 };
enum { DPM_TRAIN_QUERIES = DPM_TRAIN_GRADIENT + DPM_TRAIN_SEGMENTS + DPM_TRAIN_EXTRAS };

struct dpm_train_plan {
    int n_segments;
    uint64_t extra_runs;
    size_t n_queries;
    struct dpm_query_plan query[DPM_TRAIN_QUERIES]; /* the extras follow the segments */
};

void dpm_train_plan_make(struct dpm_train_plan *plan, const struct dpm_train_net *net,
                         const struct dpmix_options *options);

/* Places of the queries of a step and of an extra. */
size_t dpm_train_plan_step(const struct dpm_train_plan *plan, uint64_t step);
size_t dpm_train_plan_extra(const struct dpm_train_plan *plan, int extra);

#endif
