/* SPDX-License-Identifier: BSD-3-Clause */
#include "api_check.h"

#include <stdint.h>
#include <string.h>

int dpm_api_is(const void *pointer, int kind)
{
    return kind == 0 || dpm_alloc_kind(pointer) == kind;
}

int dpm_api_take_back(void *handle, int kind)
{
    if (!handle || dpm_alloc_kind(handle) != kind)
        return 0;
    dpm_alloc_set_kind(handle, 0);
    return 1;
}

int dpm_api_text(const char *from, char *text, size_t capacity, size_t *length)
{
    size_t n = strlen(from);
    if (!text && !length)
        return dpm_fail(DPMIX_ERR_ARG, "text, length: both are NULL");
    if (text && capacity <= n)
        return dpm_fail(DPMIX_ERR_RANGE, "capacity: the text and its NUL do not fit");
    if (text)
        memcpy(text, from, n + 1);
    if (length)
        *length = n;
    return DPMIX_OK;
}

int dpm_api_share(double share)
{
    if (!(share > 0 && share <= 1))
        return dpm_fail(DPMIX_ERR_RANGE, "share: must lie in (0, 1]");
    return DPMIX_OK;
}

struct dpm_fit dpm_api_fit(struct dpmix_accountant *accountant, struct dpmix_dataset *dataset, double share,
                           dpmix_progress_fn progress, void *user, const struct dpmix_options *options)
{
    return (struct dpm_fit){
        .accountant = accountant,
        .dataset = dataset,
        .share = share,
        .progress = progress,
        .user = user,
        .threads = dpm_option_int(options, DPMIX_OPTION_THREADS),
    };
}

int dpm_api_length(const char *name, size_t n, size_t size)
{
    if (n > PTRDIFF_MAX / size)
        return dpm_fail(DPMIX_ERR_RANGE, "%s: too large", name);
    return DPMIX_OK;
}

int dpm_api_rows(const void *rows, size_t n_rows, size_t n_columns, const struct dpm_bounds *bounds)
{
    if (n_columns != bounds->n_columns)
        return dpm_fail(DPMIX_ERR_RANGE, "n_columns: not the number that the model was fitted with");
    if (!rows && n_rows > 0)
        return dpm_fail(DPMIX_ERR_ARG, "rows: NULL");
    return dpm_api_length("the number of rows", n_rows, n_columns * sizeof(double));
}

int dpm_api_queries(const double *fractions, const struct dpm_count_queries *queries)
{
    if (!queries->offsets)
        return dpm_fail(DPMIX_ERR_ARG, "offsets: NULL");
    if (!fractions && queries->n_queries > 0)
        return dpm_fail(DPMIX_ERR_ARG, "fractions: NULL");
    if (queries->n_predicates > 0 && !queries->columns)
        return dpm_fail(DPMIX_ERR_ARG, "columns: NULL");
    if (queries->n_predicates > 0 && (!queries->lower || !queries->upper))
        return dpm_fail(DPMIX_ERR_ARG, "lower, upper: NULL");
    int status = dpm_api_length("n_queries", queries->n_queries, 2 * sizeof(size_t));
    return status ? status : dpm_api_length("n_predicates", queries->n_predicates, sizeof(double));
}
