/* SPDX-License-Identifier: BSD-3-Clause */
/* The partition by label: part = class. Its only private number is the histogram of the classes. */
#include "base_alloc.h"
#include "cluster_kind.h"

#include <string.h>

/* One-hot label x 1: norm 1 for every row. `model` is the number of classes. */
static void count_labels(const void *model, const struct dpm_block *block, float *const *left,
                         float *const *right)
{
    size_t n_classes = (size_t) * (const int *)model;
    memset(left[0], 0, block->n_rows * n_classes * sizeof(float));
    for (size_t i = 0; i < block->n_rows; i++) {
        left[0][i * n_classes + (size_t)block->labels[i]] = 1;
        right[0][i] = 1;
    }
}

static int fit_label(struct dpmix_clusterer *clusterer, const struct dpm_fit *fit)
{
    struct dpm_release *release = NULL;
    int count_noise = dpm_option_int(&clusterer->options, DPMIX_OPTION_COUNT_NOISE);
    struct dpm_query_plan plan = {
        .n_matrices = 1,
        .matrix = {{(size_t)clusterer->n_classes, 1, 1}},
        .noise = count_noise == DPMIX_COUNT_NOISE_GEOMETRIC ? DPM_NOISE_GEOMETRIC : DPM_NOISE_GAUSSIAN,
        .clip_norm = 1,
        .cancellation = 1,
        .sampling_rate = 1,
        .steps = 1,
        .noise_multiplier = 1,
    };
    double *counts = dpm_alloc((size_t)clusterer->n_classes, sizeof *counts);
    clusterer->weights = dpm_alloc((size_t)clusterer->n_classes, sizeof *clusterer->weights);
    int status = counts && clusterer->weights ? DPMIX_OK : DPMIX_ERR_NOMEM;
    if (!status)
        status = dpm_query_calibrate(fit->accountant, fit->share, &plan, 1);
    if (!status)
        status = dpm_release_open(&release, fit->accountant, fit->dataset,
                                  "class counts of the partition by label", &plan, 1, NULL, fit->threads);
    if (!status)
        status = dpm_release_query(release, 0, count_labels, &clusterer->n_classes, counts);
    if (!status)
        clusterer->ledger = dpm_release_take_ledger(release);
    dpm_release_close(release);
    if (!status)
        status = dpm_fit_progress(fit, DPMIX_PHASE_CLUSTER, 1, 1);
    if (!status) {
        clusterer->n_parts = clusterer->n_classes;
        dpm_cluster_weights(clusterer->weights, counts, clusterer->n_parts);
    }
    dpm_free(counts);
    return status;
}

static void assign_label(const void *model, int32_t *parts, const float *rows, const int32_t *labels,
                         size_t n, size_t n_columns, float *scratch)
{
    (void)model, (void)rows, (void)n_columns, (void)scratch;
    memcpy(parts, labels, n * sizeof *parts);
}

static size_t label_scratch(const struct dpmix_clusterer *clusterer)
{
    (void)clusterer;
    return 0;
}

/* All there is to a partition by label stands in the shared fields. */
static void free_label(void *model)
{
    (void)model;
}

static void put_label(const struct dpmix_clusterer *clusterer, struct dpm_blob *blob)
{
    (void)clusterer, (void)blob;
}

static void get_label(struct dpmix_clusterer *clusterer, struct dpm_blob *blob)
{
    if (clusterer->n_parts != clusterer->n_classes)
        dpm_blob_reject(blob);
}

const struct dpm_cluster_kind dpm_cluster_label = {
    .kind = DPMIX_CLUSTERER_LABEL,
    .needs_labels = 1,
    .fit = fit_label,
    .free_model = free_label,
    .assign = assign_label,
    .assign_scratch = label_scratch,
    .put = put_label,
    .get = get_label,
};
