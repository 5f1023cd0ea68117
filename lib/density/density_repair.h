/* SPDX-License-Identifier: BSD-3-Clause */
/* From noisy symmetric matrices to covariances: shrinkage by the known size of the noise, and forms. */
#ifndef DPM_DENSITY_REPAIR_H
#define DPM_DENSITY_REPAIR_H

#include "linalg_eigen.h"

/* A released count as a denominator: floored at a public constant, so that the noise of an empty group is
 * not blown up. */
double dpm_density_denominator(double count, double noise);

/* How much of a noisy deviation to keep, by the known energy of its noise (James and Stein 1961). */
double dpm_density_kept(double noise_energy, double energy);

/* Averages the triangles of an n x n matrix: where each entry has noise of its own, half the variance off the
 * diagonal. */
void dpm_density_symmetrise(double *matrix, size_t n);

/* Draws an n x n symmetric matrix toward `target`. noise_energy: expected sum of squares of the noise on its
 * entries. `trust` in [0, 1] is what is kept where there is no noise. Returns the share that was kept. */
double dpm_density_shrink(double *matrix, const double *target, size_t n, double noise_energy, double trust);

/* The matrix without what is off its diagonal. */
void dpm_density_make_diagonal(double *matrix, size_t n);

/* The sum of the eigenvectors with eigenvalues above `edge` (low rank) and of a diagonal, none of it below
 * zero, with the diagonal of the matrix. scratch: n (2 n + 1) numbers. */
int dpm_density_make_factors(double *matrix, size_t n, double edge, struct dpm_eigen *eigen, double *scratch);

/* A true eigenvalue from one that noise of edge 2 s sqrt(n) (semicircle) pushed up: u + (edge / 2)^2 / u is
 * solved for u. Below the edge there is no telling, and half the value is taken. */
double dpm_density_unpush(double value, double edge);

#endif
