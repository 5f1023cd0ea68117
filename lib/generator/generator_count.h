/* SPDX-License-Identifier: BSD-3-Clause */
/* Counting queries, answered from samples of released models. */
#ifndef DPM_GENERATOR_COUNT_H
#define DPM_GENERATOR_COUNT_H

#include <stddef.h>
#include <stdint.h>

#include "generator_kind.h"

/* Query q is the conjunction of the predicates offsets[q], ..., offsets[q + 1] - 1. */
struct dpm_count_queries {
    const size_t *offsets; /* n_queries + 1, from 0 to n_predicates */
    size_t n_queries;
    const size_t *columns;       /* n_predicates; DPMIX_COLUMN_LABEL is the label */
    const double *lower, *upper; /* n_predicates each: the value lies in [lower, upper] */
    size_t n_predicates;
};

/* Draws the first n records of a sequence, with labels where they are asked for. */
typedef int dpm_count_draw_fn(void *context, int with_labels, uint64_t n, dpm_records_fn *visit, void *user);

/* The fraction of n_samples records that each query holds of. has_labels: records have one where asked for.
 */
int dpm_count_records(double *fractions, const struct dpm_bounds *bounds, int has_labels,
                      const struct dpm_count_queries *queries, uint64_t n_samples, dpm_count_draw_fn *draw,
                      void *context);

/* The fraction of the first n_samples records that each query holds of. The sequence is that of
 * dpm_generator_draw(). */
int dpm_generator_count(const struct dpmix_generator *generator, const double *weights, double *fractions,
                        const struct dpm_count_queries *queries, uint64_t n_samples, const uint64_t *seed);

#endif
