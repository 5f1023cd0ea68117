/* SPDX-License-Identifier: BSD-3-Clause */
/* The Gaussian generator's model, shared by its fit and its sampling. */
#ifndef DPM_GENERATOR_GAUSSIAN_H
#define DPM_GENERATOR_GAUSSIAN_H

#include "generator_kind.h"

/* A record of part p is means[p] + (factors[p] z) basis, z standard normal. */
struct dpm_gaussian {
    size_t n_columns;
    size_t rank;
    float *means;   /* n_parts x n_columns */
    float *basis;   /* rank x n_columns: orthonormal rows, the leading directions of the pooled covariance */
    float *factors; /* n_parts x rank x rank: square roots of the covariances in the basis */
};

/* What the queries released, and memory to work on it. */
struct dpm_gaussian_release {
    int n_parts;
    size_t n_columns, width; /* width: of the moments; the rank of the basis is at most that */
    double *counts;          /* n_parts */
    double origin;           /* that rows were taken about */
    double *sums;            /* n_parts x n_columns */
    double *pooled;  /* n_columns x n_columns: of residuals about the parts' means, all rows; symmetric */
    double *moments; /* n_parts x width x width: of residuals in the basis; symmetric; NULL with one part */
    double count_noise, sum_noise, pooled_noise, moment_noise; /* standard deviations, before symmetry */

    double *overall; /* n_columns: mean of all rows, about the origin */
    double *values;  /* width: eigenvalues of the pooled covariance, the noise's part taken out */
    double *matrix;  /* n_columns x n_columns */
    double *vectors; /* width x n_columns */
    struct dpm_eigen *eigen;
};

int dpm_gaussian_release_new(struct dpm_gaussian_release *release, int n_parts, size_t n_columns,
                             size_t width);
void dpm_gaussian_release_free(struct dpm_gaussian_release *release);

int dpm_gaussian_new(struct dpm_gaussian **out, int n_parts, size_t n_columns, size_t rank);
void dpm_gaussian_free(void *model);

/* The three steps from released numbers to the model; each is post-processing and needs the one before. */
void dpm_gaussian_set_means(struct dpm_gaussian *model, struct dpm_gaussian_release *release);
int dpm_gaussian_set_basis(struct dpm_gaussian *model, struct dpm_gaussian_release *release,
                           int automatic_rank);
int dpm_gaussian_set_factors(struct dpm_gaussian *model, struct dpm_gaussian_release *release);

#endif
