/* SPDX-License-Identifier: BSD-3-Clause */
/* Eigenvalues of symmetric matrices, by LAPACK. */
#ifndef DPM_LINALG_EIGEN_H
#define DPM_LINALG_EIGEN_H

#include <stddef.h>

struct dpm_eigen; /* working memory: fits have all of theirs before they touch data */

/* For matrices of up to n rows. */
int dpm_eigen_new(struct dpm_eigen **out, size_t n);
void dpm_eigen_free(struct dpm_eigen *eigen); /* NULL is fine */

/* The `count` largest eigenvalues of a symmetric matrix, in descending order, with their vectors as the rows
 * of `vectors` (count x n). `matrix` (n x n) is destroyed. DPMIX_ERR_INTERNAL when the iteration does not
 * converge. */
int dpm_eigen_largest(struct dpm_eigen *eigen, double *values, double *vectors, double *matrix, size_t n,
                      size_t count);

#endif
