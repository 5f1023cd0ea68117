/* SPDX-License-Identifier: BSD-3-Clause */
/* Many runs of one Laplace mechanism or of one randomised response: their losses have atoms, so that a
 * contour does not converge. What the atoms alone make, and with them up to two runs that took no atom, is
 * a finite sum of positive terms; the rest, of three runs and more off the atoms, is a contour integral
 * that falls with the fifth power of y. doc/privacy.md has the derivation. */
#ifndef DPM_ACCOUNT_LATTICE_H
#define DPM_ACCOUNT_LATTICE_H

#include "account_loss.h"

/* Whether the laws are of this kind, and few enough runs. */
int dpm_account_lattice_serves(const struct dpm_laws *laws);

struct dpm_lattice {
    double e, n;     /* loss of an atom, runs */
    double up, down; /* probabilities of the losses +e and -e */
    int terms;       /* how many sums: 1 for a response, up to 3 */
    double c, log_moment, step, tail;
    size_t nodes;
    double *memory, *re, *im;
    double fault; /* sum of bounds on the errors of the nodes */
};

/* Prepares for epsilons that have their saddle near c > 0. Fails with DPMIX_ERR_NOMEM, and with
 * DPMIX_ERR_RANGE, without a message, when too many nodes would be needed. */
int dpm_account_lattice_new(struct dpm_lattice *lattice, const struct dpm_law *law, double c);
void dpm_account_lattice_free(struct dpm_lattice *lattice);

/* An upper bound on delta; above it by 1e-10 relative or so. */
double dpm_account_lattice_delta(const struct dpm_lattice *lattice, double epsilon);

#endif
