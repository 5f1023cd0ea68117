/* SPDX-License-Identifier: BSD-3-Clause */
/* Looks a composition over, roughly and quickly, to say which grid suits which epsilon. Nothing that it says
 * bears on whether a bound holds, only on how close it is. */
#ifndef DPM_ACCOUNT_SCOUT_H
#define DPM_ACCOUNT_SCOUT_H

#include "account_grid.h"

/* Losses of one run of each law, with their probabilities. */
struct dpm_scout {
    const struct dpm_laws *laws;
    size_t n, capacity;
    double *memory, *loss, *mass,
        *whole;   /* 1 for atoms, which a grid never cuts off; 0.5 where it never drops losses */
    size_t *last; /* one a law: the end of its nodes; the Gaussian part is the last */
    double scale; /* about the size of the losses of all runs together, but for rare large ones */
    double drift; /* and about their mean */
};

/* The laws must outlive it. Fails with DPMIX_ERR_NOMEM. */
int dpm_account_scout_new(struct dpm_scout *scout, const struct dpm_laws *laws, int direction);
void dpm_account_scout_free(struct dpm_scout *scout);

/* The level of an epsilon: a whole number, of which the grid is a function. dpm_account_scout_reach: the
 * largest epsilon of a level. */
double dpm_account_scout_level(const struct dpm_scout *scout, double epsilon);
double dpm_account_scout_reach(const struct dpm_scout *scout, double level);

/* The grid of n nodes for a level. */
void dpm_account_scout_grid(const struct dpm_scout *scout, struct dpm_loss_grid *grid, double level,
                            size_t n);

/* The level at which log_delta is to be expected. */
double dpm_account_scout_find(const struct dpm_scout *scout, double log_delta);

#endif
