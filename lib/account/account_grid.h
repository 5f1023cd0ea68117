/* SPDX-License-Identifier: BSD-3-Clause */
/* A privacy loss on a grid: a law whose losses are whole multiples of a step, which dominates the loss of
 * one run. Connect the dots (Doroshenko and others 2022): between two nodes the mass is parted such that its
 * probability under both laws of the pair stays what it was. The nodes go round in a circle: node k stands
 * for all losses offset + (k + j n) step. doc/privacy.md has the statements. */
#ifndef DPM_ACCOUNT_GRID_H
#define DPM_ACCOUNT_GRID_H

#include "account_loss.h"

#include <stddef.h>

struct dpm_loss_grid {
    size_t n; /* nodes, a power of two */
    double step;
    double c; /* masses are tilted by exp(c (loss - offset)) */
    double low,
        high; /* losses below low count as low; above high they are parted between high and infinity */
    int drop; /* or, but for Laplace noise, count as infinite altogether */
};

/* What the masses of one law leave to be said. Less that of node 0 they sum to `rest`; node 0 has what makes
 * the sum exp(log_moment). */
struct dpm_grid_law {
    double runs;   /* of what the masses describe; all runs together count as one where that is known */
    double offset; /* the loss of node 0 */
    double rest;
    double log_moment; /* of the tilted masses, per run */
    double failure;    /* probability of an infinite loss, per run */
    double spread;     /* tilted variance that the parting adds, per run, times exp(log_moment) */
    double fault;      /* bound on the relative error of a run, and on what was left out */
};

/* Adds the masses of all nodes but 0 to data[0], data[2], ...; those must be 0 before. Fails with
 * DPMIX_ERR_RANGE, without a message, when too many nodes or numbers too large would be needed. */
int dpm_account_grid_fill(double *data, struct dpm_grid_law *out, const struct dpm_loss_grid *grid,
                          const struct dpm_law *law, int direction);

/* Ends of the places at which the law's density matters, in the order of growing losses. Places are
 * negated where the loss falls with them: in *sign. */
void dpm_account_grid_ends(const struct dpm_law *law, int direction, double *sign, double *from, double *to);

#endif
