/* SPDX-License-Identifier: BSD-3-Clause */
/* The arithmetic of the one-run audit: lower bounds on what a mechanism leaks, from the number of right
 * guesses.
 *
 * Of m canaries each was included with probability 1/2, independently. r of them were guessed (in or out)
 * from what the mechanism released, r fixed beforehand, and v guesses were right. doc/privacy.md has
 * statements and proofs. Every function errs on the safe side: tails and p-values are rounded up, lower
 * bounds down. */
#ifndef DPM_ACCOUNT_AUDIT_H
#define DPM_ACCOUNT_AUDIT_H

#include <stddef.h>

struct dpm_audit {
    size_t canaries; /* m >= 1 */
    size_t guesses;  /* r <= m */
    size_t right;    /* v <= r */
};

/* An upper bound on P[Binomial(n, 1 / (1 + exp(-epsilon))) >= k], epsilon >= 0. Below 1e-40 n it is no more
 * than that. */
double dpm_account_audit_tail(size_t n, size_t k, double epsilon);

/* An upper bound on the probability of v or more right guesses under any (epsilon, delta)-private mechanism
 * (Steinke, Nasr, Jagielski 2023). It may exceed 1. */
double dpm_account_audit_p_value(const struct dpm_audit *audit, double epsilon, double delta);

/* A lower bound on epsilon at the given delta in [0, 1), 0 when there is no evidence. alpha in (0, 1) is one
 * minus the confidence. Work in proportion to sqrt(r). */
double dpm_account_audit_epsilon(const struct dpm_audit *audit, double delta, double alpha);

/* Whether v right guesses refute mu-Gaussian privacy at the level alpha (Mahloujifar, Melis, Chaudhuri 2024).
 * Work in proportion to v. */
int dpm_account_audit_refutes(const struct dpm_audit *audit, double mu, double alpha);

/* A lower bound on mu: the largest that is refuted, to 1e-8; 0 when there is no evidence. */
double dpm_account_audit_mu(const struct dpm_audit *audit, double alpha);

/* The epsilon of a mu-Gaussian mechanism at delta in (0, 1), rounded down: what a lower bound on mu means. */
double dpm_account_audit_gauss_epsilon(double mu, double delta);

#endif
