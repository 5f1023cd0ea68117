/* SPDX-License-Identifier: BSD-3-Clause */
/* Centres in a space of features, and the partition into the rows nearest to each: the model of k-means and
 * of the coreset. The features of a row x are either random Fourier features, of norm 1, or the columns
 *
 *     f = (x - origin) / max(radius, |x - origin|),
 *
 * of norm 1 at most: rows that lie further than the radius from the origin are moved to its sphere. */
#ifndef DPM_CLUSTER_CENTRES_H
#define DPM_CLUSTER_CENTRES_H

#include "cluster_kind.h"

struct dpm_feature_fourier;

struct dpm_centres {
    size_t n_columns, n_features, n_centres;
    struct dpm_feature_fourier *map; /* NULL: the features are the columns */
    float *origin;                   /* n_columns, for columns */
    float radius;
    float *centres; /* n_centres x n_features, none longer than 1 */
    float *offsets; /* |centre|^2 / 2 */
};

/* n_features 0: the columns. Room for `most` centres. Free with dpm_centres_free() also after a failure. */
int dpm_centres_new(struct dpm_centres *centres, size_t n_columns, size_t n_features, size_t most);
void dpm_centres_free(void *centres); /* and the structure; NULL is fine */
int dpm_centres_are_columns(const struct dpm_centres *centres);

/* To be called when centre j was moved. */
void dpm_centres_set_offset(struct dpm_centres *centres, size_t j);

/* Features of n rows into lines of `out` that are ld apart, each to be multiplied by its `scale`: for columns
 * the line is x - origin, and one pass over it is saved. */
void dpm_centres_features(const struct dpm_centres *centres, float *out, size_t ld, float *scale,
                          const float *rows, size_t n);

/* The nearest centre of each of n rows, from what dpm_centres_features() gave. scores: n x n_centres. */
void dpm_centres_nearest(const struct dpm_centres *centres, int32_t *nearest, float *scores,
                         const float *features, size_t ld, const float *scale, size_t n);

/* For the vtable. */
dpm_assign_fn dpm_centres_assign;
size_t dpm_centres_scratch(const struct dpmix_clusterer *clusterer);
void dpm_centres_put(const struct dpmix_clusterer *clusterer, struct dpm_blob *blob);
void dpm_centres_get(struct dpmix_clusterer *clusterer, struct dpm_blob *blob);
int dpm_centres_give(const struct dpmix_clusterer *clusterer, double *centres);

#endif
