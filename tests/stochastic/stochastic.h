/* SPDX-License-Identifier: BSD-3-Clause */
/* An attempt to disprove differential privacy by experiment (in kind Ding, Wang, Wang, Zhang and Kifer
 * 2018, Detecting violations of differential privacy). A mechanism runs many times on two neighbouring
 * data sets. The first half of the runs only serves to choose events E; the second half gives, for each of
 * them, a lower confidence bound on
 *
 *     P[E | one data set] - exp(epsilon) P[E | the other],
 *
 * which no delta that is claimed for this epsilon may lie below. Both probabilities are bounded by Clopper
 * and Pearson (1934); over all claims and directions together, a mechanism that keeps its claims is called
 * disproved with a probability of at most STOCHASTIC_FALSE_ALARM. */
#ifndef DPM_STOCHASTIC_H
#define DPM_STOCHASTIC_H

#include <stddef.h>
#include <stdint.h>

#define STOCHASTIC_FALSE_ALARM 1e-6

enum { STOCHASTIC_STATISTICS = 8, STOCHASTIC_CLAIMS = 4 };

struct stochastic_claim {
    double epsilon, delta;
};

struct stochastic_trial {
    /* One run on data set 0 or 1, which writes n_statistics numbers: functions of what it releases. No two
     * calls have the same pair (data_set, number). */
    void (*run)(void *mechanism, int data_set, uint64_t number, double *statistics);
    /* What is claimed of the mechanism; asked after the first half of the runs. Returns how many, at most
     * STOCHASTIC_CLAIMS. */
    int (*claims)(void *mechanism, struct stochastic_claim *claims);
    void *mechanism;
    int n_statistics;
    size_t runs; /* on each data set, in each half */
};

struct stochastic_verdict {
    double margin; /* of the lower bound over the claimed delta, the largest: above 0 it is disproved */
    struct stochastic_claim claim; /* the one that it was found for, with the event: */
    int statistic;
    double frequency; /* of the event on the data set that it is likelier on, and on the other */
    double other_frequency;
    double seen; /* the lower bound for the first claim's epsilon: what the tester does see */
};

struct stochastic_verdict stochastic_try(const struct stochastic_trial *trial);

/* Upper and lower confidence bounds for a probability of which k of n trials are known: each is wrong with
 * a probability of at most alpha. */
double stochastic_upper_bound(size_t k, size_t n, double alpha);
double stochastic_lower_bound(size_t k, size_t n, double alpha);

#endif
