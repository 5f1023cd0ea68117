/* SPDX-License-Identifier: BSD-3-Clause */
#include <dpmix/dpmix.h>

#include "api_check.h"
#include "mixture_checkpoint.h"
#include "mixture_model.h"
#include "mixture_sample.h"

int dpmix_mixture_new(dpmix_mixture **out, dpmix_clusterer *clusterer, const dpmix_generator *generator)
{
    API_NEED(out);
    API_NEED(generator);
    if (clusterer) {
        API_NEED(clusterer);
        API_FITTED(clusterer);
    }
    API_GIVE(out, dpm_mixture_new(out, clusterer, generator));
}

void dpmix_mixture_free(dpmix_mixture *mixture)
{
    API_FREE(mixture, dpm_mixture_free);
}

int dpmix_mixture_fit(dpmix_mixture *mixture, dpmix_accountant *accountant, dpmix_dataset *dataset,
                      double share, dpmix_progress_fn progress, void *user)
{
    API_NEED(mixture);
    API_NEED(accountant);
    API_NEED(dataset);
    struct dpm_fit fit =
        dpm_api_fit(accountant, dataset, share, progress, user, &mixture->generator->options);
    int status = dpm_api_share(share);
    API_RETURN(status ? status : dpm_mixture_fit(mixture, &fit));
}

/* The mixture is fitted when its generator is. */
static int need_fitted(const dpmix_mixture *mixture)
{
    const int kind = API_KIND(mixture);
    if (!mixture)
        return dpm_fail(DPMIX_ERR_ARG, "mixture: NULL");
    if (!dpm_api_is(mixture, kind))
        return dpm_fail(DPMIX_ERR_ARG, "mixture: a handle of another type");
    if (!mixture->generator->fitted)
        return dpm_fail(DPMIX_ERR_STATE, "mixture: it is not fitted yet");
    return DPMIX_OK;
}

int dpmix_mixture_teach(dpmix_mixture *mixture, dpmix_accountant *accountant, dpmix_dataset *dataset,
                        double share, dpmix_progress_fn progress, void *user)
{
    API_NEED(accountant);
    API_NEED(dataset);
    int status = need_fitted(mixture);
    if (!status)
        status = dpm_api_share(share);
    if (status)
        API_RETURN(status);
    struct dpm_fit fit =
        dpm_api_fit(accountant, dataset, share, progress, user, &mixture->generator->options);
    API_RETURN(dpm_mixture_teach(mixture, &fit));
}

int dpmix_mixture_checkpoint(dpmix_mixture *mixture, const char *path, uint64_t every)
{
    API_NEED(mixture);
    API_RETURN(dpm_mixture_checkpoint(mixture, path, every));
}

int dpmix_mixture_resume(dpmix_mixture **out, const char *path, dpmix_accountant *accountant,
                         dpmix_dataset *dataset, dpmix_progress_fn progress, void *user)
{
    API_NEED(out);
    API_NEED(path);
    API_NEED(accountant);
    API_NEED(dataset);
    struct dpm_blob blob = {0};
    struct dpm_fit fit = {.accountant = accountant, .dataset = dataset, .progress = progress, .user = user};
    int status = dpm_blob_read(&blob, DPM_BLOB_MIXTURE_CHECKPOINT, path);
    if (!status)
        status = dpm_mixture_resume(out, &blob, path, dpm_api_options_check, &fit);
    dpm_blob_free(&blob);
    API_GIVE(out, status);
}

int dpmix_mixture_parts(const dpmix_mixture *mixture)
{
    return API_HAVE(mixture) ? dpm_mixture_parts(mixture) : 0;
}

size_t dpmix_mixture_columns(const dpmix_mixture *mixture)
{
    return API_HAVE(mixture) && mixture->generator->fitted ? mixture->generator->bounds.n_columns : 0;
}

int dpmix_mixture_classes(const dpmix_mixture *mixture)
{
    return API_HAVE(mixture) ? dpm_mixture_classes(mixture) : 0;
}

static int sample(const struct dpmix_mixture *mixture, int type, void *rows, int32_t *labels, uint64_t first,
                  size_t n, size_t n_columns, const uint64_t *seed)
{
    int status = need_fitted(mixture);
    if (!status)
        status = dpm_api_rows(rows, n, n_columns, &mixture->generator->bounds);
    return status ? status : dpm_mixture_sample(mixture, type, rows, labels, NULL, first, n, seed);
}

int dpmix_mixture_sample_soft(const dpmix_mixture *mixture, float *rows, float *probabilities, uint64_t first,
                              size_t n, size_t n_columns, int n_classes, const uint64_t *seed)
{
    int status = need_fitted(mixture);
    if (!status)
        status = dpm_api_rows(rows, n, n_columns, &mixture->generator->bounds);
    if (!status && dpm_mixture_classes(mixture) == 0)
        status = dpm_fail(DPMIX_ERR_UNSUPPORTED, "probabilities: the mixture's records have no labels");
    if (!status && n_classes != dpm_mixture_classes(mixture))
        status = dpm_fail(DPMIX_ERR_ARG, "n_classes: not that of the mixture's labels");
    if (status)
        API_RETURN(status);
    if (n > 0)
        API_NEED(probabilities); /* who asks for none of no classes is told of the classes */
    API_RETURN(dpm_mixture_sample(mixture, DPM_TYPE_F32, rows, NULL, probabilities, first, n, seed));
}

int dpmix_mixture_sample(const dpmix_mixture *mixture, float *rows, int32_t *labels, uint64_t first, size_t n,
                         size_t n_columns, const uint64_t *seed)
{
    API_RETURN(sample(mixture, DPM_TYPE_F32, rows, labels, first, n, n_columns, seed));
}

int dpmix_mixture_sample_f64(const dpmix_mixture *mixture, double *rows, int32_t *labels, uint64_t first,
                             size_t n, size_t n_columns, const uint64_t *seed)
{
    API_RETURN(sample(mixture, DPM_TYPE_F64, rows, labels, first, n, n_columns, seed));
}

int dpmix_mixture_count(const dpmix_mixture *mixture, double *fractions, const size_t *offsets,
                        size_t n_queries, const size_t *columns, const double *lower, const double *upper,
                        size_t n_predicates, uint64_t n_samples, const uint64_t *seed)
{
    struct dpm_count_queries queries = {offsets, n_queries, columns, lower, upper, n_predicates};
    int status = need_fitted(mixture);
    if (!status)
        status = dpm_api_queries(fractions, &queries);
    API_RETURN(status ? status : dpm_mixture_count(mixture, fractions, &queries, n_samples, seed));
}

int dpmix_mixture_ledger(const dpmix_mixture *mixture, char *text, size_t capacity, size_t *length)
{
    int status = need_fitted(mixture);
    API_RETURN(status ? status : dpm_api_text(mixture->generator->ledger, text, capacity, length));
}

int dpmix_mixture_save(const dpmix_mixture *mixture, const char *path)
{
    API_NEED(path);
    struct dpm_blob blob = {0};
    int status = need_fitted(mixture);
    if (!status) {
        dpm_mixture_put(mixture, &blob);
        status = dpm_blob_write(&blob, DPM_BLOB_MIXTURE, path);
    }
    dpm_blob_free(&blob);
    API_RETURN(status);
}

int dpmix_mixture_load(dpmix_mixture **out, const char *path)
{
    API_NEED(out);
    API_NEED(path);
    struct dpm_blob blob = {0};
    struct dpmix_mixture *mixture = NULL;
    struct dpmix_options presets = dpm_api_options(NULL);
    int status = dpm_blob_read(&blob, DPM_BLOB_MIXTURE, path);
    if (!status)
        status = dpm_mixture_get(&mixture, &blob, &presets);
    if (!status)
        status = dpm_blob_finish(&blob);
    if (status)
        dpm_mixture_free(mixture);
    else
        *out = mixture;
    dpm_blob_free(&blob);
    API_GIVE(out, status);
}
