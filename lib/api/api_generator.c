/* SPDX-License-Identifier: BSD-3-Clause */
#include <dpmix/dpmix.h>

#include "api_check.h"
#include "generator_kind.h"

int dpmix_generator_new(dpmix_generator **out, int kind, const dpmix_options *options)
{
    API_NEED(out);
    struct dpmix_options chosen = dpm_api_options(options);
    API_RETURN(dpm_generator_new(out, kind, &chosen));
}

void dpmix_generator_free(dpmix_generator *generator)
{
    dpm_generator_free(generator);
}

int dpmix_generator_fit(dpmix_generator *generator, dpmix_accountant *accountant, dpmix_dataset *dataset,
                        double share, dpmix_progress_fn progress, void *user)
{
    API_NEED(generator);
    API_NEED(accountant);
    API_NEED(dataset);
    struct dpm_fit fit = dpm_api_fit(accountant, dataset, share, progress, user, &generator->options);
    int status = dpm_api_share(share);
    API_RETURN(status ? status : dpm_generator_fit(generator, &fit));
}

int dpmix_generator_sample(const dpmix_generator *generator, float *rows, int32_t *labels, uint64_t first,
                           size_t n, size_t n_columns, const uint64_t *seed)
{
    static const double one_part[] = {1};
    API_NEED(generator);
    API_FITTED(generator);
    int status = dpm_api_rows(rows, n, n_columns, &generator->bounds);
    API_RETURN(status ? status
                      : dpm_generator_sample(generator, one_part, rows, labels, NULL, first, n, seed));
}

int dpmix_generator_ledger(const dpmix_generator *generator, char *text, size_t capacity, size_t *length)
{
    API_NEED(generator);
    API_FITTED(generator);
    API_RETURN(dpm_api_text(generator->ledger, text, capacity, length));
}

int dpmix_generator_save(const dpmix_generator *generator, const char *path)
{
    API_NEED(generator);
    API_NEED(path);
    API_FITTED(generator);
    struct dpm_blob blob = {0};
    dpm_generator_put(generator, &blob);
    int status = dpm_blob_write(&blob, DPM_BLOB_GENERATOR, path);
    dpm_blob_free(&blob);
    API_RETURN(status);
}

/* A generator on its own has one model; the many of a mixture have no weights without it. */
static int get_single(struct dpmix_generator **generator, struct dpm_blob *blob)
{
    int status = dpm_generator_get(generator, blob);
    if (!status && (*generator)->n_parts != 1) {
        dpm_blob_reject(blob);
        status = dpm_blob_status(blob);
    }
    return status ? status : dpm_blob_finish(blob);
}

int dpmix_generator_load(dpmix_generator **out, const char *path)
{
    API_NEED(out);
    API_NEED(path);
    struct dpm_blob blob = {0};
    struct dpmix_generator *generator = NULL;
    int status = dpm_blob_read(&blob, DPM_BLOB_GENERATOR, path);
    if (!status)
        status = get_single(&generator, &blob);
    if (status)
        dpm_generator_free(generator);
    else
        *out = generator;
    dpm_blob_free(&blob);
    API_RETURN(status);
}
