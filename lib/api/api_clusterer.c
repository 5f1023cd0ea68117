/* SPDX-License-Identifier: BSD-3-Clause */
#include <dpmix/dpmix.h>

#include "api_check.h"
#include "cluster_kind.h"
#include "mixture_rehearsal.h"

#include <string.h>

int dpmix_clusterer_new(dpmix_clusterer **out, int kind, const dpmix_options *options)
{
    API_NEED(out);
    if (options)
        API_NEED(options);
    struct dpmix_options chosen = dpm_api_options(options);
    API_GIVE(out, dpm_clusterer_new(out, kind, &chosen));
}

void dpmix_clusterer_free(dpmix_clusterer *clusterer)
{
    API_FREE(clusterer, dpm_clusterer_unref);
}

int dpmix_clusterer_fit(dpmix_clusterer *clusterer, dpmix_accountant *accountant, dpmix_dataset *dataset,
                        double share, dpmix_progress_fn progress, void *user)
{
    API_NEED(clusterer);
    API_NEED(accountant);
    API_NEED(dataset);
    struct dpm_fit fit = dpm_api_fit(accountant, dataset, share, progress, user, &clusterer->options);
    int status = dpm_api_share(share);
    API_RETURN(status ? status : dpm_clusterer_fit(clusterer, &fit));
}

int dpmix_clusterer_plan(const dpmix_clusterer *clusterer, double *epsilon, double *noise_multiplier,
                         double *bytes, double *seconds, const dpmix_accountant *accountant, double share,
                         size_t n_rows, size_t n_columns, int n_classes)
{
    API_NEED(clusterer);
    API_NEED(accountant);
    struct dpm_rehearsal rehearsal = {.clusterer = clusterer,
                                      .accountant = accountant,
                                      .share = share,
                                      .n_rows = n_rows,
                                      .n_columns = n_columns,
                                      .n_classes = n_classes,
                                      .n_parts = 1};
    struct dpm_forecast forecast;
    int status = dpm_api_share(share);
    if (!status)
        status = dpm_rehearse(&forecast, &rehearsal);
    if (!status)
        dpm_forecast_give(&forecast, epsilon, noise_multiplier, bytes, seconds);
    API_RETURN(status);
}

int dpmix_clusterer_parts(const dpmix_clusterer *clusterer)
{
    return API_HAVE(clusterer) ? clusterer->n_parts : 0;
}

size_t dpmix_clusterer_columns(const dpmix_clusterer *clusterer)
{
    return API_HAVE(clusterer) && clusterer->fitted ? clusterer->bounds.n_columns : 0;
}

int dpmix_clusterer_weights(const dpmix_clusterer *clusterer, double *weights, size_t n_parts)
{
    API_NEED(clusterer);
    API_FITTED(clusterer);
    API_NEED(weights);
    if (n_parts != (size_t)clusterer->n_parts)
        API_RETURN(dpm_fail(DPMIX_ERR_RANGE, "n_parts: not the number of parts"));
    memcpy(weights, clusterer->weights, n_parts * sizeof *weights);
    return DPMIX_OK;
}

int dpmix_clusterer_centres(const dpmix_clusterer *clusterer, double *centres, size_t n_parts,
                            size_t n_columns)
{
    API_NEED(clusterer);
    API_FITTED(clusterer);
    API_NEED(centres);
    if (n_parts != (size_t)clusterer->n_parts)
        API_RETURN(dpm_fail(DPMIX_ERR_RANGE, "n_parts: not the number of parts"));
    if (n_columns != clusterer->bounds.n_columns)
        API_RETURN(dpm_fail(DPMIX_ERR_RANGE, "n_columns: not the number of columns"));
    API_RETURN(dpm_clusterer_centres(clusterer, centres));
}

int dpmix_clusterer_assign(const dpmix_clusterer *clusterer, int32_t *parts, const float *rows, size_t n_rows,
                           size_t n_columns, const int32_t *labels)
{
    API_NEED(clusterer);
    API_FITTED(clusterer);
    int status = dpm_api_rows(rows, n_rows, n_columns, &clusterer->bounds);
    if (!status && !parts && n_rows > 0)
        status = dpm_fail(DPMIX_ERR_ARG, "parts: NULL");
    API_RETURN(status ? status : dpm_clusterer_assign(clusterer, parts, rows, n_rows, labels));
}

int dpmix_clusterer_ledger(const dpmix_clusterer *clusterer, char *text, size_t capacity, size_t *length)
{
    API_NEED(clusterer);
    API_FITTED(clusterer);
    API_RETURN(dpm_api_text(clusterer->ledger, text, capacity, length));
}

int dpmix_clusterer_save(const dpmix_clusterer *clusterer, const char *path)
{
    API_NEED(clusterer);
    API_NEED(path);
    API_FITTED(clusterer);
    struct dpm_blob blob = {0};
    dpm_clusterer_put(clusterer, &blob);
    int status = dpm_blob_write(&blob, DPM_BLOB_CLUSTERER, path);
    dpm_blob_free(&blob);
    API_RETURN(status);
}

int dpmix_clusterer_load(dpmix_clusterer **out, const char *path)
{
    API_NEED(out);
    API_NEED(path);
    struct dpm_blob blob = {0};
    struct dpmix_clusterer *clusterer = NULL;
    int status = dpm_blob_read(&blob, DPM_BLOB_CLUSTERER, path);
    if (!status)
        status = dpm_clusterer_get(&clusterer, &blob);
    if (!status)
        status = dpm_blob_finish(&blob);
    if (status)
        dpm_clusterer_unref(clusterer);
    else
        *out = clusterer;
    dpm_blob_free(&blob);
    API_GIVE(out, status);
}
