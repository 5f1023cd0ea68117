/* SPDX-License-Identifier: BSD-3-Clause */
/* A small Gaussian mixture for each part in the latent space of an autoencoder, fitted to where the encoder
 * puts the records (see generator_prior.h) by the DP Gaussian mixture's own queries (generator_gmm_fit.h), as
 * extras of the training engine. Each class has components of its own; the subspace is the part's.
 *
 * A point is one draw z of the row's place, so that the points follow the aggregate posterior itself. The
 * mixture sees 1/2 + z / 4: its bound on a row, half the diagonal of the unit cube, is then |z| <= 2 sqrt(L),
 * twice as long as N(0, I) has it, in L dimensions. */
#ifndef DPM_GENERATOR_LATENT_H
#define DPM_GENERATOR_LATENT_H

#include "generator_train.h"

struct dpm_latent;

/* With the memory that the fit needs. classes: 0: none. It reads the options of the Gaussian mixture, but for
 * basis, radius, distance and rest. */
int dpm_latent_new(struct dpm_latent **out, const struct dpmix_options *options, size_t n_parts,
                   size_t classes, size_t latent);
void dpm_latent_free(struct dpm_latent *prior); /* NULL is fine */

/* Adds the queries to the net's extras, together with a share of what its gradients take. `scratch` floats of
 * a row are the contribution's own, beside those of dpm_latent_contribute(), and so are as
 * many of its normals as there are dimensions. */
void dpm_latent_plan(struct dpm_latent *prior, struct dpm_train_net *net, double share, size_t scratch,
                     dpm_train_block_fn *contribute);

/* Normals lent with each row of the query that runs: first those for its draw, then the mixture's. */
size_t dpm_latent_normals(const struct dpm_latent *prior);

/* The factors of the block's rows for the query that runs, from their z (n x latent, overwritten). z may lie
 * in the block's scratch, at its beginning. */
void dpm_latent_contribute(const struct dpm_latent *prior, const struct dpm_block *block, float *z,
                           float *const *left, float *const *right);

/* Runs the queries of a training that is through, tells of each, and gives the fit's memory back. */
int dpm_latent_fit(struct dpm_latent *prior, struct dpm_train *train, const struct dpm_fit *fit);

/* n draws of a part (DPM_SAMPLE_CHUNK at most): n x latent. labels: read when there are classes. */
size_t dpm_latent_scratch(const struct dpm_latent *prior); /* floats for each draw */
void dpm_latent_draw(const struct dpm_latent *prior, int part, const int32_t *labels, size_t n, float *z,
                     struct dpm_stream *stream, float *scratch);

void dpm_latent_put(const struct dpm_latent *prior, struct dpm_blob *blob);
struct dpm_latent *dpm_latent_get(struct dpm_blob *blob, size_t n_parts, size_t classes, size_t latent);

#endif
