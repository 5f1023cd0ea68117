/* SPDX-License-Identifier: BSD-3-Clause */
/* The clusterers behind one vtable. A new one is a source file and a row in cluster_kind.c. */
#ifndef DPM_CLUSTER_KIND_H
#define DPM_CLUSTER_KIND_H

#include "base_blob.h"
#include "base_options.h"
#include "privacy.h"

#include <dpmix/clusterer.h>

#include <stdatomic.h>

struct dpmix_clusterer;

struct dpm_cluster_kind {
    int kind; /* DPMIX_CLUSTERER_* */
    int needs_labels;

    /* Fits clusterer->model and sets n_parts, weights and ledger; on failure leaves model NULL or fit for
     * free_model. The shared fields (columns, classes, bounds) are set. */
    int (*fit)(struct dpmix_clusterer *clusterer, const struct dpm_fit *fit);
    void (*free_model)(void *model); /* NULL is fine */

    /* Pure, on normalised rows: see dpm_assign_fn. `model` is the clusterer. */
    dpm_assign_fn *assign;
    size_t (*assign_scratch)(const struct dpmix_clusterer *clusterer); /* floats per row */

    /* n_parts x n_columns, in declared units; NULL: this kind has none. */
    int (*centres)(const struct dpmix_clusterer *clusterer, double *centres);

    void (*put)(const struct dpmix_clusterer *clusterer, struct dpm_blob *blob);
    void (*get)(struct dpmix_clusterer *clusterer,
                struct dpm_blob *blob); /* n_parts and shared fields are set */
};

struct dpmix_clusterer {
    atomic_int references;
    const struct dpm_cluster_kind *kind;
    struct dpmix_options options;
    int fitted;
    int n_classes;
    struct dpm_bounds bounds;
    int n_parts;
    double *weights; /* n_parts, sum 1 */
    char *ledger;    /* JSON, as it was when the fit ended */
    void *model;     /* of the kind */
};

extern const struct dpm_cluster_kind dpm_cluster_label, dpm_cluster_kmeans, dpm_cluster_coreset;

int dpm_clusterer_new(struct dpmix_clusterer **out, int kind, const struct dpmix_options *options);
struct dpmix_clusterer *dpm_clusterer_ref(struct dpmix_clusterer *clusterer);
void dpm_clusterer_unref(struct dpmix_clusterer *clusterer); /* NULL is fine */
int dpm_clusterer_fit(struct dpmix_clusterer *clusterer, const struct dpm_fit *fit);

/* The partition that a fitted clusterer makes, for a release. It points into the clusterer. */
struct dpm_partition dpm_clusterer_partition(const struct dpmix_clusterer *clusterer);

/* Parts of the caller's rows, in declared units. */
int dpm_clusterer_assign(const struct dpmix_clusterer *clusterer, int32_t *parts, const float *rows,
                         size_t n_rows, const int32_t *labels);

/* Centres in declared units, n_parts x n_columns; DPMIX_ERR_UNSUPPORTED where there are none. */
int dpm_clusterer_centres(const struct dpmix_clusterer *clusterer, double *centres);

/* Released counts to weights: negative ones count as zero; all of them equal when none is positive. */
void dpm_cluster_weights(double *weights, const double *counts, int n_parts);

void dpm_clusterer_put(const struct dpmix_clusterer *clusterer, struct dpm_blob *blob);
int dpm_clusterer_get(struct dpmix_clusterer **out, struct dpm_blob *blob);

#endif
