/* SPDX-License-Identifier: BSD-3-Clause */
/* What a fit would cost: the fit itself, on made-up rows and a copy of the ledger, broken off once enough of
 * it was seen. */
#ifndef DPM_MIXTURE_REHEARSAL_H
#define DPM_MIXTURE_REHEARSAL_H

#include "cluster_kind.h"
#include "generator_kind.h"

/* The fit, of either a generator or a clusterer, neither of which changes. */
struct dpm_rehearsal {
    const struct dpmix_generator *generator;
    const struct dpmix_clusterer *clusterer;
    const struct dpmix_accountant *accountant; /* not debited */
    double share;
    size_t n_rows, n_columns;
    int n_classes;         /* 0: no labels */
    int n_parts;           /* of a mixture; 1: none */
    const int32_t *groups; /* n_columns, as in struct dpm_bounds; NULL: none */
};

struct dpm_forecast {
    double epsilon;          /* spent, after the fit */
    double noise_multiplier; /* of the query that runs most often; 0 when none runs */
    double bytes;            /* the most that the fit holds, beside the data set */
    double seconds;
};

/* Fails as the fit would, DPMIX_ERR_BUDGET among others. */
int dpm_rehearse(struct dpm_forecast *forecast, const struct dpm_rehearsal *rehearsal);

/* Each number where it is wanted: not where it is NULL. */
void dpm_forecast_give(const struct dpm_forecast *forecast, double *epsilon, double *noise_multiplier,
                       double *bytes, double *seconds);

#endif
