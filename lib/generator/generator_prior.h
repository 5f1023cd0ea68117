/* SPDX-License-Identifier: BSD-3-Clause */
/* A Gaussian for each part and class in the latent space of an autoencoder, fitted to where the encoder puts
 * the records (the aggregate posterior: Hoffman and Johnson 2016, NIPS workshop on approximate inference;
 * Tomczak and Welling 2018, AISTATS, section 2), by one query. Samples drawn from it, not from N(0, I), come
 * from places that the decoder was trained on.
 *
 * A row's contribution is its class, one-hot, times (1, m / sqrt(L), S / L): m is the mean of its z, S the
 * second moment m m' + diag(exp(v)) (its upper triangle, entries off the diagonal times sqrt(2): the norm is
 * that of the whole matrix), L the dimensions. A row with |m|^2 = L, which is what N(0, I) has on average, is
 * as long as the clip norm; a longer one is shortened as a whole and weighs less in its class's averages. */
#ifndef DPM_GENERATOR_PRIOR_H
#define DPM_GENERATOR_PRIOR_H

#include "base_blob.h"
#include "privacy.h"

enum { DPM_PRIOR_LATENT = 256 }; /* most dimensions */

/* Means and factors stay within it, in files, too: what a decoder is given stays finite. */
#define DPM_PRIOR_LARGEST 1024.0f

/* Whether a latent space is small enough for a fitted prior: DPMIX_ERR_RANGE. */
int dpm_prior_check(size_t latent);

struct dpm_prior;

/* With the memory that the fit needs. classes is at least 1. */
int dpm_prior_new(struct dpm_prior **out, size_t n_parts, size_t classes, size_t latent);
void dpm_prior_free(struct dpm_prior *prior); /* NULL is fine */

/* The query, but for noise multiplier and scratch, and where its sums go. */
struct dpm_query_plan dpm_prior_plan(const struct dpm_prior *prior);
double *dpm_prior_sums(struct dpm_prior *prior);

/* The factors of n rows, from their means and log-variances (n x latent each). labels: read when there are
 * several classes. */
void dpm_prior_contribute(const struct dpm_prior *prior, size_t n, const float *means,
                          const float *log_variances, const int32_t *labels, float *left, float *right);

/* Fits the Gaussians to the sums, whose numbers carry noise of this standard deviation, and gives the fit's
 * memory back. What the noise hides is drawn towards N(0, I). */
int dpm_prior_set(struct dpm_prior *prior, double noise);

/* Turns n x latent standard normals into draws. labels as above. */
void dpm_prior_draw(const struct dpm_prior *prior, int part, const int32_t *labels, size_t n, float *normals);

void dpm_prior_put(const struct dpm_prior *prior, struct dpm_blob *blob);
struct dpm_prior *dpm_prior_get(struct dpm_blob *blob, size_t n_parts, size_t classes, size_t latent);

#endif
