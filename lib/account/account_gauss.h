/* SPDX-License-Identifier: BSD-3-Clause */
/* The privacy of plain Gaussian mechanisms in closed form (Balle and Wang 2018, theorem 8). A composition
 * is one mechanism with mu = sqrt(sum of count / noise_multiplier^2) (Dong, Roth and Su 2022, corollary
 * 3.3), and
 *
 *     delta(mu, epsilon) = Q(a) - exp(epsilon) Q(a + mu),   a = epsilon / mu - mu / 2,
 *
 * Q the upper tail of the normal law. Each function errs on the safe side, by its own rounding error:
 * relative 1e-13 or so of delta where that is at least 1e-15 and mu at most 10 (doc/privacy.md). */
#ifndef DPM_ACCOUNT_GAUSS_H
#define DPM_ACCOUNT_GAUSS_H

#include "account_event.h"

#include <stddef.h>

/* mu of the composition of all events as if every row took part in each of them, rounded up. A row does
 * not take part more by being sampled, so this bounds subsampled events from above. */
double dpm_account_gauss_mu(const struct dpm_event *events, size_t n);

/* An upper bound on log(delta): it does not underflow, as the delta itself may. mu >= 0, epsilon >= 0. */
double dpm_account_gauss_log_delta(double mu, double epsilon);

/* The smallest delta for an epsilon, the smallest epsilon >= 0 for a delta in (0, 1), both rounded up. */
double dpm_account_gauss_delta(double mu, double epsilon);
double dpm_account_gauss_epsilon(double mu, double delta);

/* The largest mu that satisfies (epsilon, delta), rounded down; 1 / mu is then the noise multiplier. */
double dpm_account_gauss_mu_for(double epsilon, double delta);

#endif
