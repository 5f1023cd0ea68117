/* SPDX-License-Identifier: BSD-3-Clause */
/* What an accountant promises and how it composes: fixed when it is opened. Three modes:
 *
 *   planned   the exact curve of all events. Their parameters may not depend on earlier releases.
 *   Renyi     a privacy filter: the sum of the events' Renyi divergences at one order, fixed beforehand,
 *             stays within what converts to the budget (Feldman and Zrnic 2021).
 *   Gaussian  a privacy filter for plain Gaussian mechanisms alone: the sum of mu^2 (Smith and Thakurta
 *             2022).
 *
 * doc/privacy.md has the statements and proofs. */
#ifndef DPM_ACCOUNT_TERMS_H
#define DPM_ACCOUNT_TERMS_H

#include "account_event.h"

#include <stddef.h>

struct dpm_account_terms {
    double epsilon, delta;
    int adjacency, mode; /* DPMIX_ADJACENCY_*, DPMIX_MODE_* */
    double order;        /* of the Renyi filter, above 1; 0 in the other modes */
};

/* DPMIX_ERR_RANGE names the first argument that is out of range. For a Renyi filter an order of 0 becomes the
 * library's choice; one that leaves nothing of the budget is refused. */
int dpm_account_terms_check(struct dpm_account_terms *terms);

/* The epsilon that the composition of the events uses up, in the mode's measure, rounded up; 0 for none. The
 * same arguments give the same bits. DPMIX_ERR_UNSUPPORTED for events that the mode cannot compose; else it
 * fails as dpm_account_epsilon and dpm_account_renyi do. */
int dpm_account_terms_spent(double *epsilon, const struct dpm_account_terms *terms,
                            const struct dpm_event *events, size_t n);

/* The smallest common factor of the stage's noise multipliers such that held events and stage together use
 * up what the held ones do and a share in (0, 1] of what is left: of the divergence in the Renyi mode, of
 * the epsilon in the others. Errs on the safe side, by 1e-9 relative at most; with a share of 1 the
 * composition stays within the budget to the last bit. DPMIX_ERR_BUDGET when nothing is left. */
int dpm_account_terms_calibrate(double *multiplier, const struct dpm_account_terms *terms,
                                const struct dpm_event *held, size_t n_held, const struct dpm_event *stage,
                                size_t n_stage, double share);

/* The epsilon at the terms' delta when `group` records differ, in [1, 64]; 1 is what
 * dpm_account_terms_spent gives. More than 1 for Gaussian kinds only, sampled ones not under replace-one;
 * not for a Renyi filter. Else DPMIX_ERR_UNSUPPORTED. */
int dpm_account_terms_group(double *epsilon, const struct dpm_account_terms *terms,
                            const struct dpm_event *events, size_t n, int group);

#endif
