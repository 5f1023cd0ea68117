/* SPDX-License-Identifier: BSD-3-Clause */
/* What all clusterers share: the handle, the fit around the kind's own, assignment of the caller's rows,
 * files. */
#include "cluster_kind.h"
#include "base_alloc.h"
#include "base_fail.h"

#include <math.h>
#include <string.h>

static const struct dpm_cluster_kind *const kinds[] = {&dpm_cluster_label, &dpm_cluster_kmeans,
                                                       &dpm_cluster_coreset};

static const struct dpm_cluster_kind *find_kind(int kind)
{
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (kinds[i]->kind == kind)
            return kinds[i];
    return NULL;
}

int dpm_clusterer_new(struct dpmix_clusterer **out, int kind, const struct dpmix_options *options)
{
    const struct dpm_cluster_kind *found = find_kind(kind);
    if (!found)
        return dpm_fail(DPMIX_ERR_ARG, "kind: not a DPMIX_CLUSTERER_*");
    struct dpmix_clusterer *clusterer = dpm_alloc(1, sizeof *clusterer);
    if (!clusterer)
        return DPMIX_ERR_NOMEM;
    atomic_init(&clusterer->references, 1);
    clusterer->kind = found;
    clusterer->options = *options;
    *out = clusterer;
    return DPMIX_OK;
}

struct dpmix_clusterer *dpm_clusterer_ref(struct dpmix_clusterer *clusterer)
{
    atomic_fetch_add(&clusterer->references, 1);
    return clusterer;
}

/* Back to the unfitted state. */
static void clear(struct dpmix_clusterer *clusterer)
{
    clusterer->kind->free_model(clusterer->model);
    clusterer->model = NULL;
    dpm_bounds_free(&clusterer->bounds);
    dpm_free(clusterer->weights);
    dpm_free(clusterer->ledger);
    clusterer->weights = NULL;
    clusterer->ledger = NULL;
    clusterer->n_parts = 0;
    clusterer->n_classes = 0;
    clusterer->fitted = 0;
}

void dpm_clusterer_unref(struct dpmix_clusterer *clusterer)
{
    if (!clusterer || atomic_fetch_sub(&clusterer->references, 1) != 1)
        return;
    clear(clusterer);
    dpm_free(clusterer);
}

int dpm_clusterer_fit(struct dpmix_clusterer *clusterer, const struct dpm_fit *fit)
{
    if (clusterer->fitted)
        return dpm_fail(DPMIX_ERR_STATE, "clusterer: it is fitted already");
    clusterer->n_classes = dpm_dataset_classes(fit->dataset);
    if (clusterer->kind->needs_labels && clusterer->n_classes == 0)
        return dpm_fail(DPMIX_ERR_UNSUPPORTED, "dataset: this partition needs labels, and it has none");
    int status = dpm_bounds_copy(&clusterer->bounds, dpm_dataset_bounds(fit->dataset));
    if (!status)
        status = clusterer->kind->fit(clusterer, fit);
    if (status)
        clear(clusterer);
    else
        clusterer->fitted = 1;
    return status;
}

struct dpm_partition dpm_clusterer_partition(const struct dpmix_clusterer *clusterer)
{
    return (struct dpm_partition){
        .n_parts = clusterer->n_parts,
        .assign = clusterer->kind->assign,
        .model = clusterer,
        .scratch = clusterer->kind->assign_scratch(clusterer),
    };
}

int dpm_clusterer_assign(const struct dpmix_clusterer *clusterer, int32_t *parts, const float *rows,
                         size_t n_rows, const int32_t *labels)
{
    enum { CHUNK = 256 };
    size_t columns = clusterer->bounds.n_columns;
    if (clusterer->kind->needs_labels && !labels && n_rows > 0)
        return dpm_fail(DPMIX_ERR_ARG, "labels: NULL, and the partition is by label");
    for (size_t i = 0; labels && clusterer->kind->needs_labels && i < n_rows; i++)
        if (labels[i] < 0 || labels[i] >= clusterer->n_classes)
            return dpm_fail(DPMIX_ERR_RANGE, "labels: a label is outside [0, n_classes)");
    float *normalised = dpm_alloc(CHUNK, columns * sizeof *normalised);
    float *scratch = dpm_alloc(CHUNK, clusterer->kind->assign_scratch(clusterer) * sizeof *scratch);
    int status = normalised && scratch ? DPMIX_OK : DPMIX_ERR_NOMEM;
    for (size_t first = 0; !status && first < n_rows; first += CHUNK) {
        size_t n = n_rows - first < CHUNK ? n_rows - first : CHUNK;
        for (size_t i = 0; i < n; i++)
            dpm_bounds_normalise(&clusterer->bounds, DPM_TYPE_F32, rows + (first + i) * columns,
                                 normalised + i * columns);
        clusterer->kind->assign(clusterer, parts + first, normalised, labels ? labels + first : NULL, n,
                                columns, scratch);
    }
    dpm_free_wiped(normalised); /* the caller's records may be private */
    dpm_free_wiped(scratch);
    return status;
}

int dpm_clusterer_centres(const struct dpmix_clusterer *clusterer, double *centres)
{
    if (!clusterer->kind->centres)
        return dpm_fail(DPMIX_ERR_UNSUPPORTED, "clusterer: a partition by label has no centres");
    return clusterer->kind->centres(clusterer, centres);
}

void dpm_cluster_weights(double *weights, const double *counts, int n_parts)
{
    double total = 0;
    for (int i = 0; i < n_parts; i++)
        total += fmax(counts[i], 0);
    for (int i = 0; i < n_parts; i++)
        weights[i] = total > 0 ? fmax(counts[i], 0) / total : 1.0 / n_parts;
}

void dpm_clusterer_put(const struct dpmix_clusterer *clusterer, struct dpm_blob *blob)
{
    dpm_blob_put_u32(blob, (uint32_t)clusterer->kind->kind);
    dpm_blob_put_u64(blob, (uint64_t)clusterer->n_classes);
    dpm_bounds_put(&clusterer->bounds, blob);
    dpm_blob_put_u64(blob, (uint64_t)clusterer->n_parts);
    dpm_blob_put_f64s(blob, clusterer->weights, (size_t)clusterer->n_parts);
    dpm_blob_put_text(blob, clusterer->ledger);
    clusterer->kind->put(clusterer, blob);
}

static void get_weights(struct dpmix_clusterer *clusterer, struct dpm_blob *blob)
{
    double total = 0;
    clusterer->weights = dpm_blob_get_f64s(blob, (size_t)clusterer->n_parts, 1);
    for (int i = 0; clusterer->weights && i < clusterer->n_parts; i++) {
        if (clusterer->weights[i] < 0)
            dpm_blob_reject(blob);
        total += clusterer->weights[i];
    }
    if (!(fabs(total - 1) <= 1e-6))
        dpm_blob_reject(blob);
}

int dpm_clusterer_get(struct dpmix_clusterer **out, struct dpm_blob *blob)
{
    static const struct dpmix_options no_options;
    const struct dpm_cluster_kind *kind = find_kind((int)dpm_blob_get_u32(blob));
    if (!kind)
        dpm_blob_reject(blob);
    if (!kind || dpm_blob_status(blob))
        return dpm_blob_status(blob);
    struct dpmix_clusterer *clusterer = NULL;
    int status = dpm_clusterer_new(&clusterer, kind->kind, &no_options);
    if (status)
        return status;
    clusterer->n_classes = (int)dpm_blob_get_size(blob, (uint64_t)kind->needs_labels, DPM_MAX_COLUMNS);
    dpm_bounds_get(&clusterer->bounds, blob);
    clusterer->n_parts = (int)dpm_blob_get_size(blob, 1, DPM_MAX_COLUMNS);
    get_weights(clusterer, blob);
    clusterer->ledger = dpm_blob_get_text(blob);
    if (!dpm_blob_status(blob))
        kind->get(clusterer, blob);
    clusterer->fitted = 1;
    if (dpm_blob_status(blob)) {
        dpm_clusterer_unref(clusterer);
        return dpm_blob_status(blob);
    }
    *out = clusterer;
    return DPMIX_OK;
}
