/* SPDX-License-Identifier: BSD-3-Clause */
#include "privacy_dataset.h"
#include "account_ledger.h"
#include "account_run.h"
#include "base_alloc.h"
#include "base_fail.h"
#include "linalg_words.h"

#include <string.h>

static void release_copy(void *rows, void *labels)
{
    dpm_free_wiped(rows);
    dpm_free_wiped(labels);
}

static int check_source(const struct dpm_dataset_source *source)
{
    size_t bytes;
    if (source->n_columns < 1 || source->n_columns > DPM_MAX_COLUMNS)
        return dpm_fail(DPMIX_ERR_RANGE, "n_columns: must lie in [1, %d]", DPM_MAX_COLUMNS);
    if (!dpm_size_mul(&bytes, source->n_rows, source->n_columns) ||
        !dpm_size_mul(&bytes, bytes, dpm_type_size(source->type)) || bytes > SIZE_MAX / 2)
        return dpm_fail(DPMIX_ERR_RANGE, "n_rows: too large");
    if (source->n_rows > 0 && !source->rows)
        return dpm_fail(DPMIX_ERR_ARG, "rows: NULL");
    if (!source->labels && source->n_classes != 0 && source->n_rows > 0)
        return dpm_fail(DPMIX_ERR_ARG, "labels: NULL although n_classes is not 0");
    if (source->labels && source->n_classes == 0)
        return dpm_fail(DPMIX_ERR_RANGE, "n_classes: must be at least 1 when labels are given");
    if (source->n_classes < 0 || source->n_classes > DPM_MAX_COLUMNS)
        return dpm_fail(DPMIX_ERR_RANGE, "n_classes: must lie in [0, %d]", DPM_MAX_COLUMNS);
    for (size_t i = 0; source->labels && i < source->n_rows; i++)
        if (source->labels[i] < 0 || source->labels[i] >= source->n_classes)
            return dpm_fail(DPMIX_ERR_RANGE, "labels: a label is outside [0, n_classes)");
    return DPMIX_OK;
}

/* Replaces the caller's rows and labels by copies. */
static int copy_source(struct dpm_dataset_source *source)
{
    size_t values = source->n_rows * source->n_columns, size = dpm_type_size(source->type);
    void *rows = dpm_alloc(values, size);
    int32_t *labels = source->labels ? dpm_alloc(source->n_rows, sizeof *labels) : NULL;
    if (!rows || (source->labels && !labels)) {
        release_copy(rows, labels);
        return DPMIX_ERR_NOMEM;
    }
    if (source->n_rows > 0) {
        memcpy(rows, source->rows, values * size);
        if (labels)
            memcpy(labels, source->labels, source->n_rows * sizeof *labels);
    }
    source->rows = rows;
    source->labels = labels;
    source->release = release_copy;
    return DPMIX_OK;
}

int dpm_dataset_new(struct dpmix_dataset **out, const struct dpm_dataset_source *source)
{
    int status = check_source(source);
    if (status)
        return status;
    struct dpmix_dataset *dataset = dpm_alloc(1, sizeof *dataset);
    if (!dataset)
        return DPMIX_ERR_NOMEM;
    dataset->source = *source;
    dataset->source.release = NULL; /* until all has succeeded, rows and labels are the caller's */
    atomic_init(&dataset->references, 1);
    dataset->process = dpm_process_id();
    status =
        dpm_bounds_new(&dataset->bounds, source->n_columns, source->lower, source->upper, source->n_bounds);
    if (!status)
        status = dpm_mutex_init(&dataset->lock);
    if (status) {
        dpm_bounds_free(&dataset->bounds);
        dpm_free(dataset);
        return status;
    }
    if (source->release)
        dataset->source.release = source->release;
    else
        status = copy_source(&dataset->source);
    if (status) {
        dpm_dataset_unref(dataset);
        return status;
    }
    *out = dataset;
    return DPMIX_OK;
}

struct dpmix_dataset *dpm_dataset_ref(struct dpmix_dataset *dataset)
{
    atomic_fetch_add(&dataset->references, 1);
    return dataset;
}

void dpm_dataset_unref(struct dpmix_dataset *dataset)
{
    if (!dataset || atomic_fetch_sub(&dataset->references, 1) != 1)
        return;
    if (dataset->source.release) {
        union {
            const void *in;
            void *out; /* what release() gives back came to us as writable memory */
        } rows = {dataset->source.rows}, labels = {dataset->source.labels};
        dataset->source.release(rows.out, labels.out);
    }
    dpm_accountant_unref(dataset->accountant);
    dpm_mutex_destroy(&dataset->lock);
    dpm_bounds_free(&dataset->bounds);
    dpm_free_wiped(dataset);
}

size_t dpm_dataset_columns(const struct dpmix_dataset *dataset)
{
    return dataset->source.n_columns;
}

int dpm_dataset_classes(const struct dpmix_dataset *dataset)
{
    return dataset->source.n_classes;
}

const struct dpm_bounds *dpm_dataset_bounds(const struct dpmix_dataset *dataset)
{
    return &dataset->bounds;
}

/* Rows stand in no order, so the processor cannot guess the next one; a hint some rows ahead hides the wait.
 */
static void announce(const uint8_t *row, size_t bytes)
{
#if defined(__GNUC__) || defined(__clang__)
    enum { CACHE_LINE = 64 };
    for (size_t i = 0; i < bytes; i += CACHE_LINE)
        __builtin_prefetch(row + i, 0, 2);
#else
    (void)row, (void)bytes;
#endif
}

int dpm_dataset_set_groups(struct dpmix_dataset *dataset, const int32_t *groups, size_t n_columns)
{
    dpm_mutex_lock(&dataset->lock);
    int status = dataset->accountant
                     ? dpm_fail(DPMIX_ERR_STATE, "dataset: it was used; its groups stay as they are")
                     : dpm_bounds_set_groups(&dataset->bounds, groups, n_columns);
    dpm_mutex_unlock(&dataset->lock);
    return status;
}

int dpm_dataset_set_images(struct dpmix_dataset *dataset, size_t side)
{
    dpm_mutex_lock(&dataset->lock);
    int status = dataset->accountant
                     ? dpm_fail(DPMIX_ERR_STATE, "dataset: it was used; its shape stays as it is")
                     : dpm_bounds_set_images(&dataset->bounds, side);
    dpm_mutex_unlock(&dataset->lock);
    return status;
}

void dpm_dataset_gather(const struct dpmix_dataset *dataset, float *out, const size_t *row_numbers, size_t n)
{
    enum { AHEAD = 4 };
    const struct dpm_dataset_source *source = &dataset->source;
    const uint8_t *rows = source->rows;
    size_t row_bytes = source->n_columns * dpm_type_size(source->type);
    for (size_t i = 0; i < n; i++) {
        if (i + AHEAD < n)
            announce(rows + row_numbers[i + AHEAD] * row_bytes, row_bytes);
        dpm_bounds_normalise(&dataset->bounds, source->type, rows + row_numbers[i] * row_bytes,
                             out + i * source->n_columns);
    }
}

int dpm_dataset_has_words(const struct dpmix_dataset *dataset)
{
    return dataset->source.type == DPM_TYPE_U8 && dataset->bounds.byte_exact && dataset->bounds.byte_inside &&
           dataset->source.n_columns <= DPM_WORDS_COLUMNS;
}

void dpm_dataset_gather_words(const struct dpmix_dataset *dataset, int16_t *words, int64_t *squares,
                              const int16_t *origin, const size_t *row_numbers, size_t n, size_t more)
{
    enum { AHEAD = 12 };
    size_t columns = dataset->source.n_columns, step = dpm_words_step(columns);
    const uint8_t *rows = dataset->source.rows;
    for (size_t i = 0; i < n; i++) {
        if (i + AHEAD < n + more)
            announce(rows + row_numbers[i + AHEAD] * columns, columns);
        squares[i] = dpm_words_around(words + i * step, rows + row_numbers[i] * columns, origin, columns);
    }
}

int dpm_dataset_charge(struct dpmix_dataset *dataset, struct dpmix_accountant *accountant,
                       const char *purpose, const struct dpm_event *events, size_t n, uint64_t *number,
                       char **ledger, const struct dpm_resumable *resumable, struct dpm_account_run *run)
{
    int test = dataset->test != NULL;
    if (dataset->process != dpm_process_id())
        return dpm_fail(DPMIX_ERR_STATE,
                        "dataset: it was built before a fork, and does not work in the child");
    int status = DPMIX_OK;
    dpm_mutex_lock(&dataset->lock);
    if (dataset->accountant && dataset->accountant != accountant)
        status = dpm_fail(DPMIX_ERR_STATE, "accountant: the dataset belongs to another accountant");
    if (!status && !resumable)
        status = dpm_accountant_charge(accountant, purpose, events, n, test, ledger);
    else if (!status && !resumable->resumed)
        status = dpm_accountant_begin_run(accountant, run, purpose, events, n, test, ledger);
    else if (!status)
        status =
            dpm_accountant_resume_run(accountant, run, resumable->done, purpose, events, n, test, ledger);
    if (!status) {
        if (!dataset->accountant)
            dataset->accountant = dpm_accountant_ref(accountant);
        *number = dataset->releases++;
    }
    dpm_mutex_unlock(&dataset->lock);
    return status;
}

void dpm_dataset_set_test(struct dpmix_dataset *dataset, const struct dpm_test_mode *mode)
{
    dataset->test = mode;
}
