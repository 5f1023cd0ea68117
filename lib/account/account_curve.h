/* SPDX-License-Identifier: BSD-3-Clause */
/* The privacy of a composition of events: the room's front. It picks the method: the closed form for plain
 * Gaussians, the exact curve for the rest, and where that does not converge the least of the bounds at
 * hand, Renyi differential privacy among them. What it gives is never below the true value. */
#ifndef DPM_ACCOUNT_CURVE_H
#define DPM_ACCOUNT_CURVE_H

#include "account_event.h"

#include <stddef.h>

/* DPMIX_ERR_RANGE names the first field that is out of range: noise_multiplier > 0 and finite,
 * sampling_rate in (0, 1] for subsampled events and in [0, 1) for pure ones (not read for others), count >=
 * 1. DPMIX_ERR_ARG: an unknown kind or adjacency. DPMIX_ERR_UNSUPPORTED: subsampled Laplace events with a
 * rate below 1 under replace-one. */
int dpm_account_check(const struct dpm_event *events, size_t n, int adjacency);

/* Smallest epsilon that the composition of the n events is known to satisfy at `delta` in (0, 1), under an
 * adjacency DPMIX_ADJACENCY_*. No events: 0. INFINITY when no finite one is known. The same arguments give
 * the same bits. Fails as dpm_account_check does. */
int dpm_account_epsilon(double *epsilon, const struct dpm_event *events, size_t n, int adjacency,
                        double delta);

/* The same when `group` records differ, 1 to DPM_LOSS_MAX_GROUP: Gaussian kinds, the sampled ones under
 * add/remove and zero-out. DPMIX_ERR_UNSUPPORTED for more than one and others. */
int dpm_account_group_epsilon(double *epsilon, const struct dpm_event *events, size_t n, int adjacency,
                              int group, double delta);

/* Smallest delta that the composition is known to satisfy at a finite epsilon >= 0; 1 when none is known.
 * Otherwise as dpm_account_group_epsilon. */
int dpm_account_group_delta(double *delta, const struct dpm_event *events, size_t n, int adjacency, int group,
                            double epsilon);

/* Smallest multiplier m such that `held` composed with `stage`, the noise multipliers of `stage`
 * multiplied by m, satisfies (target_epsilon, delta). Errs on the safe side: dpm_account_epsilon of the
 * held events followed by the multiplied ones is at most the target, and m is within 1e-9 relative of the
 * smallest of which that holds. DPMIX_ERR_BUDGET when no noise is enough (the held events alone pass the
 * target). */
int dpm_account_calibrate(double *multiplier, const struct dpm_event *held, size_t n_held,
                          const struct dpm_event *stage, size_t n_stage, int adjacency, double delta,
                          double target_epsilon);

/* The same with the Renyi divergence at one order > 1 (dpm_account_renyi) in the place of the epsilon. */
int dpm_account_calibrate_renyi(double *multiplier, const struct dpm_event *held, size_t n_held,
                                const struct dpm_event *stage, size_t n_stage, int adjacency, double order,
                                double target);

#endif
