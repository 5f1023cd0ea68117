/* SPDX-License-Identifier: BSD-3-Clause */
/* Renyi differential privacy of every kind of event, under every adjacency that has a known pair of output
 * laws. Values are rounded up. doc/privacy.md has the statements and proofs. */
#ifndef DPM_ACCOUNT_RENYI_H
#define DPM_ACCOUNT_RENYI_H

#include "account_event.h"

#include <stddef.h>

/* Renyi divergence of the composed events at one real order > 1, the larger of both directions. No events: 0.
 * INFINITY where doubles hold no finite bound. The same arguments give the same bits, and what one event
 * costs does not depend on the order in which events are listed beyond rounding, which is upwards. Fails as
 * dpm_account_check does, with DPMIX_ERR_RANGE for the order, with DPMIX_ERR_UNSUPPORTED for a pure event
 * with a delta above 0, which has no finite divergence, and with DPMIX_ERR_NOMEM. */
int dpm_account_renyi(double *rdp, const struct dpm_event *events, size_t n, int adjacency, double order);

#endif
