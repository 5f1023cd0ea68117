/* SPDX-License-Identifier: BSD-3-Clause */
/* Model files: clusterers, generators of every kind, mixtures. What was loaded is used, and saved again. */
#include "fuzz.h"
#include "fuzz_file.h"

#include "cluster_kind.h"
#include "generator_kind.h"
#include "mixture_model.h"
#include "tiny_file.h"
#include "tiny_model.h"

enum { RECORDS = 3, NUMBERS_MOST = 1 << 20 };

static const uint64_t seed_number = 7;

/* A load holds the file and what it makes of it: no number of a model takes more than its place in the file
 * and three of its size. */
static size_t memory_of(size_t n)
{
    return 16 * n + 65536;
}

/* Saved twice it is the same file, and can be read. */
typedef int save_fn(const void *model, const char *path);

static void save_again(save_fn *save, const void *model, tiny_load_fn *load)
{
    FUZZ_ASSERT(save(model, tiny_path("a")) == DPMIX_OK);
    FUZZ_ASSERT(!load || load(tiny_path("a")) == DPMIX_OK);
}

static void check_numbers(const double *values, size_t n)
{
    for (size_t i = 0; i < n; i++)
        FUZZ_ASSERT(values[i] == values[i]);
}

static void check_shares(const float *shares, size_t n)
{
    for (size_t i = 0; i < n; i++)
        FUZZ_ASSERT(shares[i] >= 0 && shares[i] <= 1.0001f);
}

/* ---- Clusterers ---- */

static int save_clusterer(const void *model, const char *path)
{
    return dpmix_clusterer_save(model, path);
}

static int load_clusterer(const char *path)
{
    dpmix_clusterer *clusterer = NULL;
    int status = dpmix_clusterer_load(&clusterer, path);
    dpmix_clusterer_free(clusterer);
    return status;
}

static void use_clusterer(const dpmix_clusterer *clusterer)
{
    size_t columns = clusterer->bounds.n_columns, parts = (size_t)dpmix_clusterer_parts(clusterer);
    float *rows = calloc(RECORDS * columns, sizeof *rows);
    double *numbers = calloc(parts * columns < NUMBERS_MOST ? parts * columns : parts, sizeof *numbers);
    int32_t labels[RECORDS] = {0}, found[RECORDS] = {-1};
    size_t length;
    FUZZ_ASSERT(rows && numbers && parts > 0);
    rows[0] = 1e30f;
    rows[columns] = -1e30f;
    FUZZ_ASSERT(dpmix_clusterer_weights(clusterer, numbers, parts) == DPMIX_OK);
    check_numbers(numbers, parts);
    if (parts * columns < NUMBERS_MOST &&
        dpmix_clusterer_centres(clusterer, numbers, parts, columns) == DPMIX_OK)
        check_numbers(numbers, parts * columns);
    FUZZ_ASSERT(dpmix_clusterer_assign(clusterer, found, rows, RECORDS, columns, labels) == DPMIX_OK);
    for (size_t i = 0; i < RECORDS; i++)
        FUZZ_ASSERT(found[i] >= 0 && (size_t)found[i] < parts);
    FUZZ_ASSERT(dpmix_clusterer_ledger(clusterer, NULL, 0, &length) == DPMIX_OK);
    save_again(save_clusterer, clusterer, load_clusterer);
    free(rows);
    free(numbers);
}

static void run_clusterer(const uint8_t *bytes, size_t n)
{
    dpmix_clusterer *clusterer = NULL;
    struct fuzz_memory memory = fuzz_memory_begin();
    const char *path = fuzz_file_model(DPM_BLOB_CLUSTERER, bytes, n);
    int status = dpmix_clusterer_load(&clusterer, path);
    fuzz_memory_bound(&memory, memory_of(n));
    FUZZ_ASSERT(status == DPMIX_OK || status == DPMIX_ERR_FORMAT);
    if (!status)
        use_clusterer(clusterer);
    dpmix_clusterer_free(clusterer);
    fuzz_memory_end(&memory);
}

static void seed_clusterer(fuzz_give_fn *give, void *user)
{
    static const int kinds[] = {DPMIX_CLUSTERER_LABEL, DPMIX_CLUSTERER_KMEANS, DPMIX_CLUSTERER_CORESET};
    struct tiny_case tiny;
    tiny_case_open(&tiny, 100, 1);
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        dpmix_clusterer *clusterer = tiny_fitted_clusterer(&tiny, kinds[i], 0.1);
        CHECK_OK(dpmix_clusterer_save(clusterer, tiny_path("a")));
        dpmix_clusterer_free(clusterer);
        fuzz_file_give(give, user, tiny_path("a"));
    }
    tiny_case_close(&tiny);
}

const struct fuzz_target fuzz_clusterer = {"clusterer", run_clusterer, seed_clusterer};

/* ---- Generators ---- */

static int save_generator(const void *model, const char *path)
{
    return dpmix_generator_save(model, path);
}

static int load_generator(const char *path)
{
    dpmix_generator *generator = NULL;
    int status = dpmix_generator_load(&generator, path);
    dpmix_generator_free(generator);
    return status;
}

static void check_labels(const int32_t *labels, int classes)
{
    for (size_t i = 0; i < RECORDS; i++)
        FUZZ_ASSERT(labels[i] >= 0 && labels[i] < classes);
}

static void use_density(const dpmix_generator *generator, const float *rows, size_t columns, int32_t *labels)
{
    size_t n;
    double density[RECORDS];
    if (dpmix_generator_components(generator, &n) != DPMIX_OK)
        return;
    float *shares = calloc(RECORDS * n, sizeof *shares);
    FUZZ_ASSERT(shares);
    for (size_t i = 0; i < RECORDS; i++)
        labels[i] = 0;
    FUZZ_ASSERT(dpmix_generator_log_density(generator, density, rows, labels, RECORDS, columns) == DPMIX_OK);
    FUZZ_ASSERT(dpmix_generator_assign(generator, shares, rows, labels, RECORDS, columns) == DPMIX_OK);
    check_numbers(density, RECORDS);
    check_shares(shares, RECORDS * n);
    free(shares);
}

/* An RBM may ask for a hundred thousand sweeps before a record, which is its right, and takes minutes. How
 * many stands behind its classes, hidden units and deviation: at the beginning, and between records. */
static int takes_minutes(const dpmix_generator *generator)
{
    enum { SWEEPS_AT = 3 * 8, MOST = 1000 };
    struct dpm_blob blob = {0};
    if (generator->kind->kind != DPMIX_GENERATOR_RBM)
        return 0;
    generator->kind->put(generator, &blob);
    blob.at = SWEEPS_AT;
    uint64_t first = dpm_blob_get_u64(&blob), then = dpm_blob_get_u64(&blob);
    FUZZ_ASSERT(dpm_blob_status(&blob) == DPMIX_OK);
    dpm_blob_free(&blob);
    return first > MOST || then > MOST;
}

/* A generator of several parts is of a mixture, and has no public call that samples: its first part does. */
static void use_generator(const dpmix_generator *generator)
{
    size_t columns = generator->bounds.n_columns, length;
    float *rows = calloc(RECORDS * columns, sizeof *rows);
    double *wide = calloc(RECORDS * columns, sizeof *wide);
    int32_t labels[RECORDS] = {0};
    FUZZ_ASSERT(rows && wide);
    if (!takes_minutes(generator) &&
        dpmix_generator_sample(generator, rows, generator->makes_labels ? labels : NULL, 5, RECORDS, columns,
                               &seed_number) == DPMIX_OK) {
        if (generator->makes_labels)
            check_labels(labels, generator->n_classes);
        FUZZ_ASSERT(dpmix_generator_sample_f64(generator, wide, NULL, 0, RECORDS, columns, &seed_number) ==
                    DPMIX_OK);
        for (size_t i = 0; i < RECORDS * columns; i++)
            FUZZ_ASSERT(wide[i] >= generator->bounds.lower[i % columns] &&
                        wide[i] <= generator->bounds.upper[i % columns]);
        use_density(generator, rows, columns, labels);
    }
    FUZZ_ASSERT(dpmix_generator_ledger(generator, NULL, 0, &length) == DPMIX_OK);
    save_again(save_generator, generator, load_generator);
    free(rows);
    free(wide);
}

static void run_generator(const uint8_t *bytes, size_t n)
{
    dpmix_generator *generator = NULL;
    struct fuzz_memory memory = fuzz_memory_begin();
    const char *path = fuzz_file_model(DPM_BLOB_GENERATOR, bytes, n);
    int status = dpmix_generator_load(&generator, path);
    fuzz_memory_bound(&memory, memory_of(n));
    FUZZ_ASSERT(status == DPMIX_OK || status == DPMIX_ERR_FORMAT);
    if (!status)
        use_generator(generator);
    dpmix_generator_free(generator);
    fuzz_memory_end(&memory);
}

static const int kinds[] = {DPMIX_GENERATOR_GAUSSIAN, DPMIX_GENERATOR_VAE, DPMIX_GENERATOR_RBM,
                            DPMIX_GENERATOR_CGAN,     DPMIX_GENERATOR_GMM, DPMIX_GENERATOR_PRODUCTS};
enum { N_KINDS = sizeof kinds / sizeof *kinds };

/* A VAE with a fitted prior, whose file has a part more. */
static dpmix_generator *with_prior(int prior)
{
    dpmix_options *options = tiny_options();
    dpmix_generator *generator = NULL;
    CHECK_OK(dpmix_options_set_int(options, DPMIX_OPTION_VAE_PRIOR, prior));
    CHECK_OK(dpmix_generator_new(&generator, DPMIX_GENERATOR_VAE, options));
    dpmix_options_free(options);
    return generator;
}

/* What was a fault once: many bins of a number of a mixture of products, and no file that holds them. The
 * model is behind the ledger, which is a length and a text in braces: classes and components, then the first
 * number's bins. */
static void give_bins(fuzz_give_fn *give, void *user, const char *path)
{
    struct tiny_bytes file = tiny_read(path);
    uint8_t *brace = memchr(file.bytes + TINY_HEADER, '{', file.n - TINY_HEADER);
    FUZZ_ASSERT(brace);
    struct fuzz_source length = {brace - sizeof(uint64_t), brace};
    uint8_t *bins = brace + fuzz_number(&length, sizeof(uint64_t)) + 2 * sizeof(uint64_t);
    FUZZ_ASSERT(bins + sizeof(uint64_t) < file.bytes + file.n);
    tiny_store(bins, 65536, sizeof(uint64_t));
    fuzz_file_give_bytes(give, user, FUZZ_DRESSED, file.bytes + TINY_HEADER,
                         file.n - TINY_HEADER - TINY_CHECKSUM);
    free(file.bytes);
}

static void seed_generator(fuzz_give_fn *give, void *user)
{
    struct tiny_case tiny;
    tiny_case_open(&tiny, 100, 2);
    for (int i = 0; i < N_KINDS + 2; i++) {
        dpmix_generator *generator =
            i < N_KINDS ? tiny_generator(kinds[i]) : with_prior(DPMIX_VAE_PRIOR_GAUSSIAN + i - N_KINDS);
        CHECK_OK(dpmix_generator_fit(generator, tiny.accountant, tiny.dataset, 0.1, NULL, NULL));
        CHECK_OK(dpmix_generator_save(generator, tiny_path("a")));
        dpmix_generator_free(generator);
        fuzz_file_give(give, user, tiny_path("a"));
        if (i < N_KINDS && kinds[i] == DPMIX_GENERATOR_PRODUCTS)
            give_bins(give, user, tiny_path("a"));
    }
    tiny_case_close(&tiny);
}

const struct fuzz_target fuzz_generator = {"generator", run_generator, seed_generator};

/* ---- Mixtures ---- */

static int save_mixture(const void *model, const char *path)
{
    return dpmix_mixture_save(model, path);
}

static int load_mixture(const char *path)
{
    dpmix_mixture *mixture = NULL;
    int status = dpmix_mixture_load(&mixture, path);
    dpmix_mixture_free(mixture);
    return status;
}

static void use_mixture(const dpmix_mixture *mixture)
{
    size_t columns = dpmix_mixture_columns(mixture), length, offsets[] = {0, 1}, column = 0;
    int classes = dpmix_mixture_classes(mixture);
    double lower = -1e30, upper = 1e30, fraction = -1;
    float *rows = calloc(RECORDS * columns, sizeof *rows);
    double *wide = calloc(RECORDS * columns, sizeof *wide);
    float *soft = calloc(RECORDS * (size_t)(classes + 1), sizeof *soft);
    int32_t labels[RECORDS] = {0};
    FUZZ_ASSERT(rows && wide && soft && columns > 0 && dpmix_mixture_parts(mixture) > 0);
    FUZZ_ASSERT(dpmix_mixture_sample(mixture, rows, classes ? labels : NULL, 5, RECORDS, columns,
                                     &seed_number) == DPMIX_OK);
    if (classes)
        check_labels(labels, classes);
    FUZZ_ASSERT(dpmix_mixture_sample_f64(mixture, wide, NULL, 0, RECORDS, columns, &seed_number) == DPMIX_OK);
    check_numbers(wide, RECORDS * columns);
    if (classes)
        FUZZ_ASSERT(dpmix_mixture_sample_soft(mixture, rows, soft, 0, RECORDS, columns, classes,
                                              &seed_number) == DPMIX_OK);
    check_shares(soft, classes ? RECORDS * (size_t)classes : 0);
    if (dpmix_mixture_count(mixture, &fraction, offsets, 1, &column, &lower, &upper, 1, RECORDS,
                            &seed_number) == DPMIX_OK)
        FUZZ_ASSERT(fraction >= 0 && fraction <= 1);
    FUZZ_ASSERT(dpmix_mixture_ledger(mixture, NULL, 0, &length) == DPMIX_OK);
    save_again(save_mixture, mixture, load_mixture);
    free(rows);
    free(wide);
    free(soft);
}

static void run_mixture(const uint8_t *bytes, size_t n)
{
    dpmix_mixture *mixture = NULL;
    struct fuzz_memory memory = fuzz_memory_begin();
    const char *path = fuzz_file_model(DPM_BLOB_MIXTURE, bytes, n);
    int status = dpmix_mixture_load(&mixture, path);
    fuzz_memory_bound(&memory, memory_of(n));
    FUZZ_ASSERT(status == DPMIX_OK || status == DPMIX_ERR_FORMAT);
    if (!status && !takes_minutes(mixture->generator))
        use_mixture(mixture);
    dpmix_mixture_free(mixture);
    fuzz_memory_end(&memory);
}

static void seed_mixture(fuzz_give_fn *give, void *user)
{
    static const int partitions[] = {DPMIX_CLUSTERER_LABEL, DPMIX_CLUSTERER_KMEANS};
    struct tiny_case tiny;
    tiny_case_open(&tiny, 100, 3);
    for (size_t i = 0; i < sizeof partitions / sizeof *partitions; i++) {
        dpmix_mixture *mixture =
            tiny_mixture(tiny_fitted_clusterer(&tiny, partitions[i], 0.1),
                         tiny_generator(i ? DPMIX_GENERATOR_VAE : DPMIX_GENERATOR_GAUSSIAN));
        CHECK_OK(dpmix_mixture_fit(mixture, tiny.accountant, tiny.dataset, 0.1, NULL, NULL));
        CHECK_OK(dpmix_mixture_save(mixture, tiny_path("a")));
        fuzz_file_give(give, user, tiny_path("a"));
        CHECK_OK(dpmix_mixture_teach(mixture, tiny.accountant, tiny.dataset, 0.1, NULL, NULL));
        CHECK_OK(dpmix_mixture_save(mixture, tiny_path("a")));
        fuzz_file_give(give, user, tiny_path("a"));
        dpmix_mixture_free(mixture);
    }
    tiny_case_close(&tiny);
}

const struct fuzz_target fuzz_mixture = {"mixture", run_mixture, seed_mixture};
