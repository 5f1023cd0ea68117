/* SPDX-License-Identifier: BSD-3-Clause */
/* Densities of fitted Gaussian mixtures. All calls fail with DPMIX_ERR_UNSUPPORTED for generators that are
 * not of this kind. */
#ifndef DPM_GENERATOR_GMM_DENSITY_H
#define DPM_GENERATOR_GMM_DENSITY_H

#include <stddef.h>
#include <stdint.h>

struct dpmix_generator;

/* Number of components, of all groups and views. */
int dpm_gmm_components(const struct dpmix_generator *generator, size_t *n);

/* Natural logarithms of the density of n rows in declared units; labels NULL: of the row alone, else of row
 * and label together. */
int dpm_gmm_log_density(const struct dpmix_generator *generator, double *out, const float *rows,
                        const int32_t *labels, size_t n);

/* Each component's share in a row's density: n x components. labels as above: components of other classes
 * have none. */
int dpm_gmm_assign(const struct dpmix_generator *generator, float *shares, const float *rows,
                   const int32_t *labels, size_t n);

#endif
