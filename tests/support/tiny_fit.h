/* SPDX-License-Identifier: BSD-3-Clause */
/* For tests of k-means: a fit to blobs in test mode, and what holds for every partition that comes of it. */
#ifndef DPM_TESTS_TINY_FIT_H
#define DPM_TESTS_TINY_FIT_H

#include "tiny_file.h"
#include "tiny_model.h"

#include <math.h>

enum { ROWS = 4000, COLUMNS = 8, BLOBS = 4, MOST_PARTS = 16 };

static float rows[ROWS * COLUMNS];
static int32_t blobs[ROWS], parts[ROWS], other_parts[ROWS];

/* What goes in, and the handles. */
struct fit {
    int kind;
    size_t n_rows;
    double epsilon, row_clip;
    int clusters, steps, features, bits, threads;
    int type; /* of the rows: 0 as they are, else DPM_TYPE_*, as whole numbers from 0 to 255 */
    uint8_t key;

    struct tiny_mode mode;
    dpmix_dataset *dataset;
    dpmix_accountant *accountant;
    dpmix_clusterer *clusterer;
};

/* The rows as whole numbers, in bytes or in floats. */
static inline dpmix_dataset *whole_numbers(const struct fit *fit)
{
    static const double lower = 0, upper = 255;
    static uint8_t bytes[ROWS * COLUMNS];
    dpmix_dataset *dataset = NULL;
    for (size_t i = 0; i < ROWS * COLUMNS; i++) {
        double place = ((double)rows[i] - TINY_LOWER) / (TINY_UPPER - TINY_LOWER);
        bytes[i] = (uint8_t)fmin(fmax(255 * place, 0), 255);
        rows[i] = bytes[i];
    }
    if (fit->type == DPM_TYPE_U8)
        CHECK_OK(dpmix_dataset_new_u8(&dataset, bytes, fit->n_rows, COLUMNS, NULL, 0, &lower, &upper, 1,
                                      DPMIX_STORAGE_COPY));
    else
        CHECK_OK(dpmix_dataset_new_f32(&dataset, rows, fit->n_rows, COLUMNS, NULL, 0, &lower, &upper, 1,
                                       DPMIX_STORAGE_COPY));
    return dataset;
}

static inline void open_fit(struct fit *fit)
{
    dpmix_options *options = NULL;
    tiny_blobs(rows, blobs, ROWS, COLUMNS, BLOBS, 1);
    CHECK_OK(dpmix_options_new(&options));
    CHECK_OK(dpmix_options_set_int(options, DPMIX_OPTION_CLUSTERS, fit->clusters));
    CHECK_OK(dpmix_options_set_int(options, DPMIX_OPTION_KMEANS_STEPS, fit->steps));
    CHECK_OK(dpmix_options_set_int(options, DPMIX_OPTION_KMEANS_FEATURES, fit->features));
    CHECK_OK(dpmix_options_set_double(options, DPMIX_OPTION_KMEANS_ROW_CLIP, fit->row_clip));
    CHECK_OK(dpmix_options_set_int(options, DPMIX_OPTION_CORESET_BITS, fit->bits));
    CHECK_OK(dpmix_options_set_int(options, DPMIX_OPTION_THREADS, fit->threads));
    CHECK_OK(dpmix_clusterer_new(&fit->clusterer, fit->kind, options));
    dpmix_options_free(options);
    fit->dataset = fit->type ? whole_numbers(fit) : tiny_dataset(rows, fit->n_rows, COLUMNS, NULL, 0);
    fit->accountant = tiny_accountant(fit->epsilon);
    tiny_mode_set(&fit->mode, fit->dataset, fit->key);
}

static inline void run_fit(struct fit *fit)
{
    open_fit(fit);
    CHECK_OK(dpmix_clusterer_fit(fit->clusterer, fit->accountant, fit->dataset, 1, NULL, NULL));
}

static inline void close_fit(struct fit *fit)
{
    dpmix_clusterer_free(fit->clusterer);
    dpmix_dataset_free(fit->dataset);
    dpmix_accountant_free(fit->accountant);
}

static inline void assign(const dpmix_clusterer *clusterer, int32_t *to)
{
    CHECK_OK(dpmix_clusterer_assign(clusterer, to, rows, ROWS, COLUMNS, NULL));
    for (size_t i = 0; i < ROWS; i++)
        ck_assert(to[i] >= 0 && to[i] < dpmix_clusterer_parts(clusterer));
}

static inline void check_weights(const dpmix_clusterer *clusterer)
{
    double weights[MOST_PARTS], sum = 0;
    int n_parts = dpmix_clusterer_parts(clusterer);
    CHECK_OK(dpmix_clusterer_weights(clusterer, weights, (size_t)n_parts));
    for (int i = 0; i < n_parts; i++) {
        ck_assert_double_ge(weights[i], 0);
        sum += weights[i];
    }
    ck_assert_double_eq_tol(sum, 1, 1e-9);
}

/* A fit that found the blobs, whose rows are in `parts`: the weights are the shares of those. */
static inline void check_shares(const dpmix_clusterer *clusterer)
{
    double weights[BLOBS];
    size_t counts[BLOBS] = {0};
    CHECK_OK(dpmix_clusterer_weights(clusterer, weights, BLOBS));
    for (size_t i = 0; i < ROWS; i++)
        counts[parts[i]]++;
    for (int part = 0; part < BLOBS; part++) /* the noise of a count is about 16 rows */
        ck_assert_double_eq_tol(weights[part], (double)counts[part] / ROWS, 0.05);
}

/* The file does not depend on the number of threads. */
static inline void check_threads(const struct fit *plain)
{
    static const char *const names[] = {"a", "b"};
    for (int i = 0; i < 2; i++) {
        struct fit fit = *plain;
        fit.threads = 1 + 2 * i;
        run_fit(&fit);
        CHECK_OK(dpmix_clusterer_save(fit.clusterer, tiny_path(names[i])));
        close_fit(&fit);
    }
    ck_assert(tiny_same_files(tiny_path("a"), tiny_path("b")));
}

/* The clusterer from its file: it makes the same file, and puts all rows into the same parts. */
static inline dpmix_clusterer *saved_and_loaded(const dpmix_clusterer *clusterer)
{
    dpmix_clusterer *loaded = NULL;
    CHECK_OK(dpmix_clusterer_save(clusterer, tiny_path("a")));
    CHECK_OK(dpmix_clusterer_load(&loaded, tiny_path("a")));
    CHECK_OK(dpmix_clusterer_save(loaded, tiny_path("b")));
    ck_assert(tiny_same_files(tiny_path("a"), tiny_path("b")));
    assign(clusterer, parts);
    assign(loaded, other_parts);
    ck_assert_mem_eq(parts, other_parts, sizeof parts);
    return loaded;
}

#endif
