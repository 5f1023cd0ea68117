/* SPDX-License-Identifier: BSD-3-Clause */
#include <dpmix/dpmix.h>

#include "api_check.h"
#include "base_alloc.h"
#include "generator_checkpoint.h"
#include "generator_count.h"
#include "generator_gmm_density.h"
#include "generator_kind.h"
#include "mixture_rehearsal.h"
#include "table_schema.h"

int dpmix_generator_new(dpmix_generator **out, int kind, const dpmix_options *options)
{
    API_NEED(out);
    if (options)
        API_NEED(options);
    struct dpmix_options chosen = dpm_api_options(options);
    API_GIVE(out, dpm_generator_new(out, kind, &chosen));
}

void dpmix_generator_free(dpmix_generator *generator)
{
    API_FREE(generator, dpm_generator_free);
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

int dpmix_generator_checkpoint(dpmix_generator *generator, const char *path, uint64_t every)
{
    API_NEED(generator);
    API_RETURN(dpm_checkpoint_set(generator, path, every, DPM_BLOB_GENERATOR_CHECKPOINT, NULL, NULL));
}

static int resume(struct dpmix_generator **generator, struct dpm_blob *blob, const char *path,
                  struct dpm_fit *fit)
{
    uint64_t every;
    int status = dpm_checkpoint_get_generator(generator, &every, blob, dpm_api_options_check);
    if (!status)
        status = dpm_checkpoint_set(*generator, path, every, DPM_BLOB_GENERATOR_CHECKPOINT, NULL, NULL);
    if (status)
        return status;
    fit->threads = dpm_option_int(&(*generator)->options, DPMIX_OPTION_THREADS);
    (*generator)->checkpoint->from = blob;
    status = dpm_generator_fit(*generator, fit);
    (*generator)->checkpoint->from = NULL;
    return status;
}

int dpmix_generator_resume(dpmix_generator **out, const char *path, dpmix_accountant *accountant,
                           dpmix_dataset *dataset, dpmix_progress_fn progress, void *user)
{
    API_NEED(out);
    API_NEED(path);
    API_NEED(accountant);
    API_NEED(dataset);
    struct dpm_blob blob = {0};
    struct dpmix_generator *generator = NULL;
    struct dpm_fit fit = {.accountant = accountant, .dataset = dataset, .progress = progress, .user = user};
    int status = dpm_blob_read(&blob, DPM_BLOB_GENERATOR_CHECKPOINT, path);
    if (!status)
        status = resume(&generator, &blob, path, &fit);
    if (status)
        dpm_generator_free(generator);
    else
        *out = generator;
    dpm_blob_free(&blob);
    API_GIVE(out, status);
}

int dpmix_generator_plan(const dpmix_generator *generator, double *epsilon, double *noise_multiplier,
                         double *bytes, double *seconds, const dpmix_accountant *accountant, double share,
                         size_t n_rows, size_t n_columns, int n_classes, int n_parts)
{
    API_NEED(generator);
    API_NEED(accountant);
    struct dpm_rehearsal rehearsal = {.generator = generator,
                                      .accountant = accountant,
                                      .share = share,
                                      .n_rows = n_rows,
                                      .n_columns = n_columns,
                                      .n_classes = n_classes,
                                      .n_parts = n_parts};
    struct dpm_forecast forecast;
    int status = dpm_api_share(share);
    if (!status)
        status = dpm_rehearse(&forecast, &rehearsal);
    if (!status)
        dpm_forecast_give(&forecast, epsilon, noise_multiplier, bytes, seconds);
    API_RETURN(status);
}

int dpmix_generator_plan_table(const dpmix_generator *generator, double *epsilon, double *noise_multiplier,
                               double *bytes, double *seconds, const dpmix_accountant *accountant,
                               double share, size_t n_rows, const dpmix_schema *schema, int n_parts)
{
    API_NEED(generator);
    API_NEED(accountant);
    API_NEED(schema);
    struct dpm_forecast forecast;
    int32_t *groups = NULL;
    int status = dpm_schema_ready(schema);
    if (!status)
        status = dpm_api_share(share);
    if (!status && !(groups = dpm_alloc(schema->width, sizeof *groups)))
        status = DPMIX_ERR_NOMEM;
    if (!status) {
        int n_classes = dpm_schema_classes(schema), by_label = n_parts == 0 && n_classes > 0;
        dpm_schema_groups(schema, groups);
        struct dpm_rehearsal rehearsal = {.generator = generator,
                                          .accountant = accountant,
                                          .share = share,
                                          .n_rows = n_rows,
                                          .n_columns = schema->width,
                                          .n_classes = by_label ? 0 : n_classes,
                                          .n_parts = by_label ? n_classes : n_parts,
                                          .groups = groups};
        status = dpm_rehearse(&forecast, &rehearsal);
    }
    dpm_free(groups);
    if (!status)
        dpm_forecast_give(&forecast, epsilon, noise_multiplier, bytes, seconds);
    API_RETURN(status);
}

size_t dpmix_generator_columns(const dpmix_generator *generator)
{
    return API_HAVE(generator) && generator->fitted ? generator->bounds.n_columns : 0;
}

int dpmix_generator_classes(const dpmix_generator *generator)
{
    return API_HAVE(generator) && generator->fitted && generator->makes_labels ? generator->n_classes : 0;
}

static const double one_part[] = {1};

static int sample(const struct dpmix_generator *generator, int type, void *rows, int32_t *labels,
                  uint64_t first, size_t n, size_t n_columns, const uint64_t *seed)
{
    int status = dpm_api_rows(rows, n, n_columns, &generator->bounds);
    return status ? status
                  : dpm_generator_sample(generator, one_part, type, rows, labels, NULL, first, n, seed);
}

int dpmix_generator_sample(const dpmix_generator *generator, float *rows, int32_t *labels, uint64_t first,
                           size_t n, size_t n_columns, const uint64_t *seed)
{
    API_NEED(generator);
    API_FITTED(generator);
    API_RETURN(sample(generator, DPM_TYPE_F32, rows, labels, first, n, n_columns, seed));
}

int dpmix_generator_sample_f64(const dpmix_generator *generator, double *rows, int32_t *labels,
                               uint64_t first, size_t n, size_t n_columns, const uint64_t *seed)
{
    API_NEED(generator);
    API_FITTED(generator);
    API_RETURN(sample(generator, DPM_TYPE_F64, rows, labels, first, n, n_columns, seed));
}

int dpmix_generator_count(const dpmix_generator *generator, double *fractions, const size_t *offsets,
                          size_t n_queries, const size_t *columns, const double *lower, const double *upper,
                          size_t n_predicates, uint64_t n_samples, const uint64_t *seed)
{
    API_NEED(generator);
    API_FITTED(generator);
    struct dpm_count_queries queries = {offsets, n_queries, columns, lower, upper, n_predicates};
    int status = dpm_api_queries(fractions, &queries);
    API_RETURN(status ? status
                      : dpm_generator_count(generator, one_part, fractions, &queries, n_samples, seed));
}

int dpmix_generator_components(const dpmix_generator *generator, size_t *n)
{
    API_NEED(generator);
    API_NEED(n);
    API_FITTED(generator);
    API_RETURN(dpm_gmm_components(generator, n));
}

/* The rows of a call that evaluates a model, and where its results go. */
static int check_rows(const dpmix_generator *generator, const void *out, const char *name, const float *rows,
                      size_t n, size_t n_columns)
{
    if (!out && n > 0)
        return dpm_fail(DPMIX_ERR_ARG, "%s: NULL", name);
    return dpm_api_rows(rows, n, n_columns, &generator->bounds);
}

int dpmix_generator_log_density(const dpmix_generator *generator, double *out, const float *rows,
                                const int32_t *labels, size_t n, size_t n_columns)
{
    API_NEED(generator);
    API_FITTED(generator);
    int status = check_rows(generator, out, "out", rows, n, n_columns);
    API_RETURN(status ? status : dpm_gmm_log_density(generator, out, rows, labels, n));
}

int dpmix_generator_assign(const dpmix_generator *generator, float *shares, const float *rows,
                           const int32_t *labels, size_t n, size_t n_columns)
{
    API_NEED(generator);
    API_FITTED(generator);
    int status = check_rows(generator, shares, "shares", rows, n, n_columns);
    API_RETURN(status ? status : dpm_gmm_assign(generator, shares, rows, labels, n));
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

/* A generator on its own has one model; the many of a mixture have no weights without it. Files hold no
 * options: who makes a mixture of its kind gets the defaults. */
static int get_single(struct dpmix_generator **generator, struct dpm_blob *blob)
{
    int status = dpm_generator_get(generator, blob);
    if (!status && (*generator)->n_parts != 1) {
        dpm_blob_reject(blob);
        status = dpm_blob_status(blob);
    }
    if (!status)
        (*generator)->options = dpm_api_options(NULL);
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
    API_GIVE(out, status);
}
