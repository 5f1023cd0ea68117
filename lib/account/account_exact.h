/* SPDX-License-Identifier: BSD-3-Clause */
/* The exact privacy curve of a composition, by contour integration (account_contour.h). What is returned is
 * never below the true value and, where the integral converges, above it by 1e-9 relative and little more;
 * where it does not, losses on a grid serve (account_pld.h). doc/privacy.md says where. */
#ifndef DPM_ACCOUNT_EXACT_H
#define DPM_ACCOUNT_EXACT_H

#include "account_event.h"

#include <stddef.h>

/* The events have passed dpm_account_check. `group` records differ (1 is the usual meaning; more for
 * Gaussian kinds only, at most 64). The larger of both directions. *excess, which may be NULL, is a bound
 * on how far the delta that belongs to the result is above the true one, relative, the factor of 1 + 1e-9
 * left aside, for losses on a grid an estimate; INFINITY where the result is a bound and no more. Fails with
 * DPMIX_ERR_NOMEM. */
int dpm_account_exact_epsilon(double *epsilon, const struct dpm_event *events, size_t n, int adjacency,
                              int group, double delta, double *excess);
int dpm_account_exact_delta(double *delta, const struct dpm_event *events, size_t n, int adjacency, int group,
                            double epsilon, double *excess);

#endif
