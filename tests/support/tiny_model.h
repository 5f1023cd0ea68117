/* SPDX-License-Identifier: BSD-3-Clause */
/* Handles for tests: made, fitted in test mode and checked, in one line each. */
#ifndef DPM_TESTS_TINY_MODEL_H
#define DPM_TESTS_TINY_MODEL_H

#include <dpmix/dpmix.h>

#include "base_alloc.h"
#include "privacy_test.h"

#include "check_status.h"
#include "tiny_data.h"

#include <string.h>

#define TINY_DELTA 1e-5

/* Fixed randomness, and a count of the queries that read rows. */
struct tiny_mode {
    struct dpm_test_mode mode;
    unsigned queries;
};

static inline void tiny_count_query(void *user, const struct dpm_observation *observation, int64_t *sums)
{
    (void)observation, (void)sums;
    ++*(unsigned *)user;
}

static inline void tiny_mode_set(struct tiny_mode *tiny, dpmix_dataset *dataset, uint8_t key)
{
    memset(tiny, 0, sizeof *tiny);
    memset(tiny->mode.key, key, sizeof tiny->mode.key);
    tiny->mode.observe = tiny_count_query;
    tiny->mode.user = &tiny->queries;
    dpm_dataset_set_test(dataset, &tiny->mode);
}

static inline dpmix_accountant *tiny_accountant(double epsilon)
{
    dpmix_accountant *accountant = NULL;
    CHECK_OK(dpmix_accountant_new(&accountant, epsilon, TINY_DELTA, DPMIX_ADJACENCY_ADD_REMOVE));
    return accountant;
}

static inline double tiny_spent(const dpmix_accountant *accountant)
{
    double epsilon = -1;
    CHECK_OK(dpmix_accountant_spent(accountant, &epsilon));
    return epsilon;
}

static inline dpmix_dataset *tiny_dataset(const float *rows, size_t n_rows, size_t n_columns,
                                          const int32_t *labels, int n_classes)
{
    static const double lower = TINY_LOWER, upper = TINY_UPPER;
    dpmix_dataset *dataset = NULL;
    CHECK_OK(dpmix_dataset_new_f32(&dataset, rows, n_rows, n_columns, labels, n_classes, &lower, &upper, 1,
                                   DPMIX_STORAGE_COPY));
    return dataset;
}

/* Small, quick fits of every kind, which clip no record of a blob. */
static inline dpmix_options *tiny_options(void)
{
    dpmix_options *options = NULL;
    CHECK_OK(dpmix_options_new(&options));
    CHECK_OK(dpmix_options_set_int(options, DPMIX_OPTION_THREADS, 2));
    CHECK_OK(dpmix_options_set_int(options, DPMIX_OPTION_CLUSTERS, 2));
    CHECK_OK(dpmix_options_set_int(options, DPMIX_OPTION_KMEANS_STEPS, 2));
    CHECK_OK(dpmix_options_set_int(options, DPMIX_OPTION_KMEANS_FEATURES, 4));
    CHECK_OK(dpmix_options_set_int(options, DPMIX_OPTION_STEPS, 3));
    CHECK_OK(dpmix_options_set_double(options, DPMIX_OPTION_SAMPLING_RATE, 0.3)); /* quick to account for */
    CHECK_OK(dpmix_options_set_int(options, DPMIX_OPTION_VAE_HIDDEN, 3));
    CHECK_OK(dpmix_options_set_int(options, DPMIX_OPTION_VAE_LATENT, 2));
    CHECK_OK(dpmix_options_set_int(options, DPMIX_OPTION_CGAN_HIDDEN, 3));
    CHECK_OK(dpmix_options_set_int(options, DPMIX_OPTION_CGAN_NOISE, 2));
    CHECK_OK(dpmix_options_set_int(options, DPMIX_OPTION_RBM_HIDDEN, 3));
    CHECK_OK(dpmix_options_set_double(options, DPMIX_OPTION_GAUSSIAN_ROW_CLIP, 1));
    CHECK_OK(dpmix_options_set_int(options, DPMIX_OPTION_PRODUCTS_COMPONENTS, 2));
    CHECK_OK(dpmix_options_set_int(options, DPMIX_OPTION_PRODUCTS_BINS, 3));
    CHECK_OK(dpmix_options_set_int(options, DPMIX_OPTION_PRODUCTS_STEPS, 100));
    return options;
}

static inline dpmix_clusterer *tiny_clusterer(int kind)
{
    dpmix_options *options = tiny_options();
    dpmix_clusterer *clusterer = NULL;
    CHECK_OK(dpmix_clusterer_new(&clusterer, kind, options));
    dpmix_options_free(options);
    return clusterer;
}

static inline dpmix_generator *tiny_generator(int kind)
{
    dpmix_options *options = tiny_options();
    dpmix_generator *generator = NULL;
    CHECK_OK(dpmix_generator_new(&generator, kind, options));
    dpmix_options_free(options);
    return generator;
}

/* Rows, labels and handles of one small release: a data set of blobs and an accountant. */
enum { TINY_ROWS = 300, TINY_COLUMNS = 2, TINY_CLASSES = 2 };

struct tiny_case {
    float rows[TINY_ROWS * TINY_COLUMNS];
    int32_t labels[TINY_ROWS];
    struct tiny_mode mode;
    dpmix_dataset *dataset;
    dpmix_accountant *accountant;
};

static inline void tiny_case_open(struct tiny_case *tiny, double epsilon, uint8_t key)
{
    tiny_blobs(tiny->rows, tiny->labels, TINY_ROWS, TINY_COLUMNS, TINY_CLASSES, 1);
    tiny->dataset = tiny_dataset(tiny->rows, TINY_ROWS, TINY_COLUMNS, tiny->labels, TINY_CLASSES);
    tiny->accountant = tiny_accountant(epsilon);
    tiny_mode_set(&tiny->mode, tiny->dataset, key);
}

static inline void tiny_case_close(struct tiny_case *tiny)
{
    dpmix_dataset_free(tiny->dataset);
    dpmix_accountant_free(tiny->accountant);
}

static inline dpmix_clusterer *tiny_fitted_clusterer(struct tiny_case *tiny, int kind, double share)
{
    dpmix_clusterer *clusterer = tiny_clusterer(kind);
    CHECK_OK(dpmix_clusterer_fit(clusterer, tiny->accountant, tiny->dataset, share, NULL, NULL));
    return clusterer;
}

static inline dpmix_generator *tiny_fitted_generator(struct tiny_case *tiny, int kind, double share)
{
    dpmix_generator *generator = tiny_generator(kind);
    CHECK_OK(dpmix_generator_fit(generator, tiny->accountant, tiny->dataset, share, NULL, NULL));
    return generator;
}

/* Takes over both handles. */
static inline dpmix_mixture *tiny_mixture(dpmix_clusterer *clusterer, dpmix_generator *generator)
{
    dpmix_mixture *mixture = NULL;
    CHECK_OK(dpmix_mixture_new(&mixture, clusterer, generator));
    dpmix_generator_free(generator);
    dpmix_clusterer_free(clusterer);
    return mixture;
}

/* A partition for half of what is left, models for the rest. */
static inline dpmix_mixture *tiny_fitted_mixture(struct tiny_case *tiny, int partition, int models)
{
    dpmix_clusterer *clusterer = tiny_fitted_clusterer(tiny, partition, 0.5);
    dpmix_mixture *mixture = tiny_mixture(clusterer, tiny_generator(models));
    CHECK_OK(dpmix_mixture_fit(mixture, tiny->accountant, tiny->dataset, 1, NULL, NULL));
    return mixture;
}

/* A progress callback that checks what it is told, and stops at call number `stop_at` (0: never). */
struct tiny_watch {
    const dpmix_accountant *accountant;
    int phase, stop_at, calls;
    uint64_t done, total;
};

static inline int tiny_watch(void *user, int phase, uint64_t done, uint64_t total, double epsilon_spent)
{
    struct tiny_watch *watch = user;
    ck_assert_int_eq(phase, watch->phase);
    ck_assert(done <= total && done >= watch->done && (watch->calls == 0 || total == watch->total));
    ck_assert_double_eq(epsilon_spent, tiny_spent(watch->accountant));
    watch->done = done;
    watch->total = total;
    return ++watch->calls == watch->stop_at;
}

/* The same watch, from the start, to stop at a call. */
static inline struct tiny_watch tiny_watch_again(const struct tiny_watch *watch, int stop_at)
{
    return (struct tiny_watch){.accountant = watch->accountant, .phase = watch->phase, .stop_at = stop_at};
}

/* A ledger as JSON or in words, in memory that the next call uses again. */
typedef int tiny_text_fn(const dpmix_accountant *accountant, char *text, size_t capacity, size_t *length);

static inline const char *tiny_text(tiny_text_fn *give, const dpmix_accountant *accountant)
{
    static char text[2][65536];
    static int next;
    char *to = text[next++ % 2];
    CHECK_OK(give(accountant, to, sizeof text[0], NULL));
    return to;
}

/* How often a word is in a text. */
static inline size_t tiny_count(const char *text, const char *word)
{
    size_t n = 0;
    for (const char *at = strstr(text, word); at; at = strstr(at + 1, word))
        n++;
    return n;
}

/* One debit is one entry of the JSON. */
static inline size_t tiny_entries(const dpmix_accountant *accountant)
{
    return tiny_count(tiny_text(dpmix_accountant_json, accountant), "\"purpose\":");
}

#endif
