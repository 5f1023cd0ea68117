/* SPDX-License-Identifier: BSD-3-Clause */
/* The mechanisms under test: small ones, each with a pair of neighbouring data sets that is hard on it.
 * One data set has a row that the other lacks, or has another row in the place of. */
#ifndef DPM_STOCHASTIC_MECHANISM_H
#define DPM_STOCHASTIC_MECHANISM_H

#include "adversary.h"
#include "stochastic.h"

struct mechanism_plan {
    size_t columns[DPM_QUERY_MATRICES]; /* of its matrices of one row each; they end with a 0 */
    double sampling_rate, noise_multiplier;
    uint64_t steps;
    int alternating; /* every other step asks for the negative sum; of counts, for four times as much */
    int parts;       /* 2: a sum each for rows with a first value below one half and above */
    int counts;      /* 1: values are rounded to -1, 0 or 1, and the noise is geometric */
};

struct mechanism_learner {
    int clusterer, generator; /* one of them is 0 */
    int parts;                /* 2: a model for each class of the label */
    int count_noise;          /* DPMIX_COUNT_NOISE_*, where it asks for counts */
    double sampling_rate;
    int steps;
    double delta; /* of its budget, at an epsilon near 0 */
};

struct mechanism {
    const char *name;
    const struct mechanism_plan *plan; /* a query, or */
    const struct mechanism_learner *learner;
    int n_classes;
    struct adversary_knowledge neighbours;
    size_t runs; /* of the trial: on each data set, in each half */
    int n_statistics;
};

/* NULL beyond the last. */
const struct mechanism *mechanism_number(size_t i);
const struct mechanism *mechanism_named(const char *name);

/* Its rows (at most ADVERSARY_ROWS of ADVERSARY_COLUMNS) and labels; returns how many. */
size_t mechanism_rows(const struct mechanism *mechanism, int with_row, float *rows, int32_t *labels);

/* A data set of them; they are copied where there is no `release`. An accountant with the mechanism's
 * budget. */
struct dpmix_dataset *mechanism_dataset(const struct mechanism *mechanism, const float *rows,
                                        const int32_t *labels, size_t n_rows,
                                        void (*release)(void *rows, void *labels));
struct dpmix_accountant *mechanism_accountant(const struct mechanism *mechanism);

/* Runs it once. What it releases gives the statistics, but for statistic 0, which is the adversary's. */
int mechanism_release(const struct mechanism *mechanism, struct dpmix_dataset *dataset,
                      struct dpmix_accountant *accountant, double *statistics);

/* Tries to disprove what the accountant says about it, and prints one line about the outcome. */
struct stochastic_verdict mechanism_try(const struct mechanism *mechanism);

#endif
