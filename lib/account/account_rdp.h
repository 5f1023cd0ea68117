/* SPDX-License-Identifier: BSD-3-Clause */
/* Renyi differential privacy of Gaussian mechanisms under add/remove adjacency. Each value is rounded up by a
 * computed bound of its own error, relative 1e-13 or so. doc/privacy.md has the statements and proofs. */
#ifndef DPM_ACCOUNT_RDP_H
#define DPM_ACCOUNT_RDP_H

#include "account_event.h"

#include <stddef.h>

/* Renyi divergence of N(1, s^2) from N(0, s^2), s the noise multiplier, at an order >= 1. */
double dpm_account_rdp_gaussian(double order, double noise_multiplier);

/* Renyi divergence of (1 - q) N(0, s^2) + q N(1, s^2) from N(0, s^2) at any real order >= 1, the order 1
 * being Kullback and Leibler's: the larger of the two directions (Mironov, Talwar and Zhang 2019, theorem
 * 5). For s < 1/20, and where order / s is beyond 10^6, an upper bound in closed form. */
double dpm_account_rdp_subsampled(double order, double sampling_rate, double noise_multiplier);

/* The epsilon that a divergence >= 0 of an order > 1 gives at `delta` in (0, 1), rounded up:
 *
 *     divergence + log(1 - 1/order) - log(delta order)/(order - 1)
 *
 * (Canonne, Kamath and Steinke 2020, proposition 12). It may be below 0, and grows with the divergence, also
 * in floating point. */
double dpm_account_rdp_convert(double divergence, double order, double delta);

/* The epsilon of the composed events at `delta` in (0, 1), by the conversion of Canonne, Kamath and
 * Steinke (2020, proposition 12): the least over all real orders, 0 where the divergence of order 1 shows
 * that the total variation is at most delta. Sound whatever the search finds, since every order gives a
 * bound. */
double dpm_account_rdp_epsilon(const struct dpm_event *events, size_t n, double delta);

/* The same over the given orders, each > 1. */
double dpm_account_rdp_epsilon_at(const struct dpm_event *events, size_t n, double delta,
                                  const double *orders, size_t n_orders);

#endif
