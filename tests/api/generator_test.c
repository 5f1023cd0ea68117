/* SPDX-License-Identifier: BSD-3-Clause */
/* Generators through the public functions: all kinds where they behave alike, then what is their own. */
#include "generator_gaussian.h"

#include "tiny_fixture.h"

#include <math.h>

enum { FIRST_KIND = DPMIX_GENERATOR_GAUSSIAN, END_KINDS = DPMIX_GENERATOR_PRODUCTS + 1 };
enum { LARGE_ROWS = 5000, LARGE_COLUMNS = TINY_MOMENTS, SAMPLES = 20000 };

static float large[LARGE_ROWS * LARGE_COLUMNS], samples[SAMPLES * LARGE_COLUMNS];

static int fit(dpmix_generator *generator, double share)
{
    return dpmix_generator_fit(generator, tiny.accountant, tiny.dataset, share, NULL, NULL);
}

static int draw(const dpmix_generator *generator, float *rows, uint64_t first, size_t n, uint64_t seed)
{
    return dpmix_generator_sample(generator, rows, NULL, first, n, TINY_COLUMNS, &seed);
}

/* ---- The handle ---- */

START_TEST(unknown_kinds_are_refused)
{
    static const int kinds[] = {0, -1, END_KINDS, 99};
    dpmix_generator *const before = (dpmix_generator *)(void *)&tiny;
    dpmix_generator *generator = before;
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        CHECK_FAILS(dpmix_generator_new(&generator, kinds[i], NULL), DPMIX_ERR_ARG, "new: kind");
    CHECK_FAILS(dpmix_generator_new(NULL, FIRST_KIND, NULL), DPMIX_ERR_ARG, "dpmix_generator_new: out");
    ck_assert_ptr_eq(generator, before);
}
END_TEST

START_TEST(null_is_refused)
{
    dpmix_generator *generator = tiny_fitted_generator(&tiny, _i, 0.5), *none = NULL;
    float row[TINY_COLUMNS];
    size_t length;
    CHECK_FAILS(dpmix_generator_fit(NULL, tiny.accountant, tiny.dataset, 1, NULL, NULL), DPMIX_ERR_ARG,
                "fit: generator");
    CHECK_FAILS(dpmix_generator_fit(generator, NULL, tiny.dataset, 1, NULL, NULL), DPMIX_ERR_ARG,
                "fit: accountant");
    CHECK_FAILS(dpmix_generator_fit(generator, tiny.accountant, NULL, 1, NULL, NULL), DPMIX_ERR_ARG,
                "fit: dataset");
    CHECK_FAILS(draw(NULL, row, 0, 1, 1), DPMIX_ERR_ARG, "sample: generator");
    CHECK_FAILS(draw(generator, NULL, 0, 1, 1), DPMIX_ERR_ARG, "sample: rows");
    CHECK_OK(draw(generator, NULL, 0, 0, 1));
    CHECK_FAILS(dpmix_generator_ledger(NULL, NULL, 0, &length), DPMIX_ERR_ARG, "ledger: generator");
    CHECK_FAILS(dpmix_generator_ledger(generator, NULL, 0, NULL), DPMIX_ERR_ARG, "ledger: text, length");
    CHECK_FAILS(dpmix_generator_save(NULL, tiny_path("a")), DPMIX_ERR_ARG, "save: generator");
    CHECK_FAILS(dpmix_generator_save(generator, NULL), DPMIX_ERR_ARG, "save: path");
    CHECK_FAILS(dpmix_generator_load(NULL, tiny_path("a")), DPMIX_ERR_ARG, "load: out");
    CHECK_FAILS(dpmix_generator_load(&none, NULL), DPMIX_ERR_ARG, "load: path");
    ck_assert_ptr_null(none);
    ck_assert(dpmix_generator_columns(NULL) == 0 && dpmix_generator_classes(NULL) == 0);
    dpmix_generator_free(NULL);
    dpmix_generator_free(generator);
}
END_TEST

static void expect_unfitted(const dpmix_generator *generator)
{
    float row[TINY_COLUMNS] = {NAN, NAN};
    size_t length = 7;
    CHECK_FAILS(draw(generator, row, 0, 1, 1), DPMIX_ERR_STATE, "dpmix_generator_sample: generator");
    CHECK_FAILS(dpmix_generator_ledger(generator, NULL, 0, &length), DPMIX_ERR_STATE, "ledger: generator");
    CHECK_FAILS(dpmix_generator_save(generator, tiny_path("a")), DPMIX_ERR_STATE, "save: generator");
    ck_assert(isnan(row[0]) && isnan(row[1]) && length == 7);
    ck_assert(dpmix_generator_columns(generator) == 0 && dpmix_generator_classes(generator) == 0);
    ck_assert_int_ne(access(tiny_path("a"), F_OK), 0);
}

START_TEST(fits_that_are_refused_leave_an_unfitted_handle)
{
    static const double bad[] = {0, -0.5, 1.0000001, 2, NAN, INFINITY};
    dpmix_generator *generator = tiny_generator(_i);
    expect_unfitted(generator);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        CHECK_FAILS(fit(generator, bad[i]), DPMIX_ERR_RANGE, "dpmix_generator_fit: share");
    expect_unfitted(generator);
    ck_assert_uint_eq(tiny_entries(tiny.accountant), 0);
    ck_assert_uint_eq(tiny.mode.queries, 0);
    CHECK_OK(fit(generator, 0.5));
    unsigned queries = tiny.mode.queries;
    CHECK_FAILS(fit(generator, 0.5), DPMIX_ERR_STATE, "dpmix_generator_fit: generator");
    ck_assert_uint_eq(tiny_entries(tiny.accountant), 1);
    ck_assert_uint_eq(tiny.mode.queries, queries);
    CHECK_OK(draw(generator, samples, 0, 1, 1));
    dpmix_generator_free(generator);
}
END_TEST

/* ---- Progress ---- */

START_TEST(cancelled_fits_leave_an_unfitted_handle)
{
    struct tiny_watch whole = {.accountant = tiny.accountant, .phase = DPMIX_PHASE_TRAIN};
    dpmix_generator *generator = tiny_generator(_i);
    CHECK_OK(dpmix_generator_fit(generator, tiny.accountant, tiny.dataset, 0.1, tiny_watch, &whole));
    ck_assert(whole.calls >= 3 && whole.done == whole.total);
    dpmix_generator_free(generator);
    generator = tiny_generator(_i);
    for (int stop_at = 1; stop_at <= whole.calls; stop_at++) {
        struct tiny_watch watch = tiny_watch_again(&whole, stop_at);
        size_t entries = tiny_entries(tiny.accountant);
        double spent = tiny_spent(tiny.accountant);
        CHECK_FAILS(dpmix_generator_fit(generator, tiny.accountant, tiny.dataset, 0.1, tiny_watch, &watch),
                    DPMIX_ERR_CANCELLED, "dpmix_generator_fit: ");
        ck_assert_int_eq(watch.calls, stop_at);
        expect_unfitted(generator);
        ck_assert_uint_eq(tiny_entries(tiny.accountant), entries + 1);
        ck_assert_double_gt(tiny_spent(tiny.accountant), spent);
    }
    CHECK_OK(fit(generator, 1));
    CHECK_OK(draw(generator, samples, 0, 1, 1));
    dpmix_generator_free(generator);
}
END_TEST

/* ---- Sampling ---- */

START_TEST(a_sequence_does_not_depend_on_its_cuts)
{
    static const size_t cuts[] = {1, 254, 1, 1, 255, 256, 0, 257, 3, 512, 19};
    float *whole = large, *pieces = samples;
    dpmix_generator *generator = tiny_fitted_generator(&tiny, _i, 1);
    size_t done = 0;
    CHECK_OK(draw(generator, whole, 0, 2000, 5));
    for (size_t i = 0; i < sizeof cuts / sizeof *cuts; done += cuts[i++])
        CHECK_OK(draw(generator, pieces + done * TINY_COLUMNS, done, cuts[i], 5));
    CHECK_OK(draw(generator, pieces + done * TINY_COLUMNS, done, 2000 - done, 5));
    ck_assert_mem_eq(whole, pieces, 2000 * TINY_COLUMNS * sizeof *whole);
    /* Backwards, too. */
    for (size_t at = 1999; at > 1990; at--)
        CHECK_OK(draw(generator, pieces + at * TINY_COLUMNS, at, 1, 5));
    ck_assert_mem_eq(whole, pieces, 2000 * TINY_COLUMNS * sizeof *whole);
    /* Chunks of the sequence are not copies of each other. */
    ck_assert_int_ne(memcmp(whole, whole + 256 * TINY_COLUMNS, 256 * TINY_COLUMNS * sizeof *whole), 0);
    dpmix_generator_free(generator);
}
END_TEST

START_TEST(seeds_make_sequences)
{
    enum { N = 50 };
    static float rows[7][N * TINY_COLUMNS];
    static const uint64_t seeds[] = {5, 5, 6, UINT64_MAX, (UINT64_C(1) << 32) + 5};
    dpmix_generator *generator = tiny_fitted_generator(&tiny, _i, 1);
    for (size_t i = 0; i < 7; i++)
        CHECK_OK(
            dpmix_generator_sample(generator, rows[i], NULL, 0, N, TINY_COLUMNS, i < 5 ? &seeds[i] : NULL));
    ck_assert_mem_eq(rows[0], rows[1], sizeof rows[0]);
    for (size_t i = 1; i < 7; i++)
        for (size_t j = i + 1; j < 7; j++)
            ck_assert_int_ne(memcmp(rows[i], rows[j], sizeof rows[0]), 0);
    dpmix_generator_free(generator);
}
END_TEST

START_TEST(sample_checks_its_arguments)
{
    dpmix_generator *generator = tiny_fitted_generator(&tiny, _i, 1);
    float row[8] = {NAN};
    uint64_t seed = 1;
    for (size_t columns = 0; columns < 5; columns++)
        if (columns != TINY_COLUMNS)
            CHECK_FAILS(dpmix_generator_sample(generator, row, NULL, 0, 1, columns, &seed), DPMIX_ERR_RANGE,
                        "dpmix_generator_sample: n_columns");
    CHECK_FAILS(draw(generator, row, 0, SIZE_MAX, 1), DPMIX_ERR_RANGE, "dpmix_generator_sample: ");
    CHECK_FAILS(draw(generator, row, UINT64_MAX, 2, 1), DPMIX_ERR_RANGE, "dpmix_generator_sample: first");
    ck_assert(isnan(row[0]));
    CHECK_OK(draw(generator, row, UINT64_MAX - 2, 2, 1));
    CHECK_OK(dpmix_generator_sample(generator, row, NULL, UINT64_C(1) << 63, 2, TINY_COLUMNS, NULL));
    ck_assert(!isnan(row[0]));
    dpmix_generator_free(generator);
}
END_TEST

/* Even where there is hardly a budget and the noise is far larger than the data. */
START_TEST(samples_keep_to_the_bounds)
{
    static const double lower[TINY_COLUMNS] = {-7, 0.1}, upper[TINY_COLUMNS] = {-6.9, 1e30};
    dpmix_dataset *dataset = NULL;
    CHECK_OK(dpmix_dataset_new_f32(&dataset, tiny.rows, TINY_ROWS, TINY_COLUMNS, NULL, 0, lower, upper,
                                   TINY_COLUMNS, DPMIX_STORAGE_COPY));
    dpmix_dataset_free(tiny.dataset);
    tiny.dataset = dataset;
    tiny_mode_set(&tiny.mode, dataset, 1);
    dpmix_generator *generator = tiny_fitted_generator(&tiny, _i, 1e-4);
    CHECK_OK(draw(generator, samples, 0, 1000, 3));
    for (size_t i = 0; i < 1000 * TINY_COLUMNS; i++) {
        size_t j = i % TINY_COLUMNS;
        ck_assert(samples[i] >= (float)lower[j] && samples[i] <= (float)upper[j]);
    }
    ck_assert(samples[0] != samples[2] || samples[1] != samples[3]);
    dpmix_generator_free(generator);
}
END_TEST

START_TEST(labels_come_from_kinds_that_make_them)
{
    enum { N = 400 };
    int32_t labels[N] = {-1};
    uint64_t seed = 1;
    size_t ones = 0;
    tiny_case_close(&tiny);
    tiny_case_open(&tiny, 1000, 1); /* no class may drown in the noise */
    dpmix_generator *generator = tiny_fitted_generator(&tiny, _i, 1);
    samples[0] = NAN;
    ck_assert_uint_eq(dpmix_generator_columns(generator), TINY_COLUMNS);
    ck_assert_int_eq(dpmix_generator_classes(generator), _i == DPMIX_GENERATOR_GAUSSIAN ? 0 : TINY_CLASSES);
    if (_i == DPMIX_GENERATOR_GAUSSIAN) {
        CHECK_FAILS(dpmix_generator_sample(generator, samples, labels, 0, N, TINY_COLUMNS, &seed),
                    DPMIX_ERR_UNSUPPORTED, "dpmix_generator_sample: labels");
        ck_assert(isnan(samples[0]) && labels[0] == -1);
    } else {
        CHECK_OK(dpmix_generator_sample(generator, samples, labels, 0, N, TINY_COLUMNS, &seed));
        for (size_t i = 0; i < N; i++) {
            ck_assert(labels[i] == 0 || labels[i] == 1);
            ones += (size_t)labels[i];
        }
        ck_assert_double_eq_tol((double)ones / N, tiny_share(1, TINY_CLASSES), 0.08);
        /* The records are the same when labels are not wanted. */
        CHECK_OK(draw(generator, large, 0, N, seed));
        ck_assert_mem_eq(large, samples, N * TINY_COLUMNS * sizeof *large);
    }
    dpmix_generator_free(generator);
}
END_TEST

/* ---- The Gaussian ---- */

/* A Gaussian that is fitted to `large` with nothing clipped, so that its moments can be compared. */
static dpmix_generator *fit_with(const dpmix_options *options, size_t n_rows, size_t n_columns,
                                 double epsilon)
{
    dpmix_generator *generator = NULL;
    CHECK_OK(dpmix_generator_new(&generator, DPMIX_GENERATOR_GAUSSIAN, options));
    tiny_case_close(&tiny);
    tiny.dataset = tiny_dataset(large, n_rows, n_columns, NULL, 0);
    tiny.accountant = tiny_accountant(epsilon);
    dpm_dataset_set_test(tiny.dataset, &tiny.mode.mode);
    CHECK_OK(fit(generator, 1));
    return generator;
}

static dpmix_generator *fit_large(size_t n_rows, size_t n_columns, double epsilon, int rank)
{
    dpmix_options *options = tiny_options();
    CHECK_OK(dpmix_options_set_double(options, DPMIX_OPTION_GAUSSIAN_RESIDUAL_CLIP, 0.5));
    CHECK_OK(dpmix_options_set_int(options, DPMIX_OPTION_GAUSSIAN_RANK, rank));
    dpmix_generator *generator = fit_with(options, n_rows, n_columns, epsilon);
    dpmix_options_free(options);
    return generator;
}

/* Columns that lean on each other, each with a variance of its own, well inside the bounds. */
static void fill_large(size_t n_columns)
{
    struct tiny_random random = {4};
    for (size_t i = 0; i < LARGE_ROWS; i++) {
        double common = tiny_normal(&random);
        for (size_t j = 0; j < n_columns; j++)
            large[i * n_columns + j] =
                (float)(0.3 * (double)j + 0.2 * common + 0.1 * (double)(j + 1) * tiny_normal(&random));
    }
}

static struct tiny_moments sampled_moments(const dpmix_generator *generator, size_t n_columns)
{
    uint64_t seed = 2;
    CHECK_OK(dpmix_generator_sample(generator, samples, NULL, 0, SAMPLES, n_columns, &seed));
    return tiny_moments_of(samples, SAMPLES, n_columns);
}

/* Standard errors of 20,000 samples are 0.003 on a mean and 0.002 on a covariance of these columns. */
START_TEST(samples_have_the_moments_of_the_data)
{
    size_t n = (size_t)_i;
    fill_large(n);
    struct tiny_moments truth = tiny_moments_of(large, LARGE_ROWS, n);
    dpmix_generator *generator = fit_large(LARGE_ROWS, n, 100, 0);
    struct tiny_moments found = sampled_moments(generator, n);
    for (size_t j = 0; j < n; j++) {
        ck_assert_double_eq_tol(found.mean[j], truth.mean[j], 0.012);
        for (size_t k = 0; k < n; k++)
            ck_assert_double_eq_tol(found.covariance[j][k], truth.covariance[j][k], 0.008);
    }
    dpmix_generator_free(generator);
}
END_TEST

/* Rows need not lie near the lower bounds, and the defaults know that. */
START_TEST(the_defaults_keep_rows_that_are_long)
{
    enum { N = LARGE_COLUMNS };
    fill_large(N);
    for (size_t i = 0; i < LARGE_ROWS * N; i++)
        large[i] = (float)(TINY_LOWER + TINY_UPPER - (double)large[i]);
    struct tiny_moments truth = tiny_moments_of(large, LARGE_ROWS, N);
    dpmix_generator *generator = fit_with(NULL, LARGE_ROWS, N, 100);
    struct tiny_moments found = sampled_moments(generator, N);
    for (size_t j = 0; j < N; j++) {
        ck_assert_double_eq_tol(found.mean[j], truth.mean[j], 0.012);
        ck_assert_double_eq_tol(found.covariance[j][j], truth.covariance[j][j], 0.02);
    }
    dpmix_generator_free(generator);
}
END_TEST

START_TEST(a_row_clip_that_is_next_to_nothing_is_refused)
{
    dpmix_options *options = tiny_options();
    dpmix_generator *generator = NULL;
    CHECK_OK(dpmix_options_set_double(options, DPMIX_OPTION_GAUSSIAN_ROW_CLIP, 1e-5));
    CHECK_OK(dpmix_generator_new(&generator, DPMIX_GENERATOR_GAUSSIAN, options));
    CHECK_FAILS(fit(generator, 1), DPMIX_ERR_RANGE, "gaussian_row_clip");
    ck_assert_double_eq(tiny_spent(tiny.accountant), 0);
    dpmix_generator_free(generator);
    dpmix_options_free(options);
}
END_TEST

START_TEST(a_residual_clip_that_is_next_to_nothing_is_refused)
{
    dpmix_options *options = tiny_options();
    dpmix_generator *generator = NULL;
    double least = 0x1p-10 / sqrt(TINY_COLUMNS);
    for (int enough = 0; enough < 2; enough++) {
        CHECK_OK(dpmix_options_set_double(options, DPMIX_OPTION_GAUSSIAN_RESIDUAL_CLIP,
                                          least * (enough ? 1.001 : 0.999)));
        CHECK_OK(dpmix_generator_new(&generator, DPMIX_GENERATOR_GAUSSIAN, options));
        if (enough)
            CHECK_OK(fit(generator, 1));
        else
            CHECK_FAILS(fit(generator, 1), DPMIX_ERR_RANGE, "gaussian_residual_clip");
        ck_assert(enough || tiny_spent(tiny.accountant) == 0);
        dpmix_generator_free(generator);
        generator = NULL;
    }
    dpmix_options_free(options);
}
END_TEST

/* With rank 1 all records lie on a line; a rank beyond the columns is cut to their number. */
START_TEST(the_rank_is_that_of_the_covariance)
{
    fill_large(3);
    dpmix_generator *line = fit_large(LARGE_ROWS, 3, 100, 1);
    struct tiny_moments m = sampled_moments(line, 3);
    dpmix_generator_free(line);
    dpmix_generator *full = fit_large(LARGE_ROWS, 3, 100, 30000);
    struct tiny_moments w = sampled_moments(full, 3);
    dpmix_generator_free(full);
    for (size_t j = 0; j < 2; j++)
        for (size_t k = j + 1; k < 3; k++) {
            double variances = m.covariance[j][j] * m.covariance[k][k];
            ck_assert_double_gt(m.covariance[j][k] * m.covariance[j][k] / variances, 0.999);
            variances = w.covariance[j][j] * w.covariance[k][k];
            ck_assert_double_lt(w.covariance[j][k] * w.covariance[j][k] / variances, 0.9);
        }
}
END_TEST

START_TEST(a_constant_column_stays_nearly_constant)
{
    fill_large(2);
    for (size_t i = 0; i < LARGE_ROWS; i++)
        large[2 * i] = 0.25f;
    dpmix_generator *generator = fit_large(LARGE_ROWS, 2, 100, 0);
    struct tiny_moments found = sampled_moments(generator, 2);
    ck_assert_double_eq_tol(found.mean[0], 0.25, 0.005);
    ck_assert_double_lt(found.covariance[0][0], 1e-3);
    ck_assert_double_gt(found.covariance[1][1], 0.05);
    dpmix_generator_free(generator);
}
END_TEST

START_TEST(an_empty_data_set_gives_a_model)
{
    dpmix_generator *generator = fit_large(0, 3, _i, 0);
    struct tiny_moments found = sampled_moments(generator, 3);
    ck_assert(found.mean[0] >= TINY_LOWER && found.mean[0] <= TINY_UPPER);
    dpmix_generator_free(generator);
}
END_TEST

/* The first released sums: row sums, and the count times its weight. */
struct seen {
    double grid, sums[LARGE_COLUMNS + 1];
};

static void see(void *user, const struct dpm_observation *observation, int64_t *sums)
{
    struct seen *seen = user;
    if (observation->query != 0)
        return;
    seen->grid = observation->grid;
    for (size_t i = 0; i < observation->n; i++)
        seen->sums[i] = (double)sums[i] * observation->grid;
}

/* The model lives in [0, 1]. At a large epsilon, corrections by the size of the noise are next to none. */
START_TEST(without_noise_the_moments_are_exact)
{
    struct seen seen = {0, {0}};
    memcpy(large, tiny.rows, sizeof tiny.rows);
    for (size_t i = 0; i < TINY_ROWS * TINY_COLUMNS; i++)
        samples[i] = (float)(((double)tiny.rows[i] - TINY_LOWER) / (TINY_UPPER - TINY_LOWER));
    struct tiny_moments truth = tiny_moments_of(samples, TINY_ROWS, TINY_COLUMNS);
    tiny.mode.mode.noiseless = 1;
    tiny.mode.mode.observe = see;
    tiny.mode.mode.user = &seen;
    dpmix_generator *generator = fit_large(TINY_ROWS, TINY_COLUMNS, 1e4, 0);
    const struct dpm_gaussian *model = generator->model;
    ck_assert_uint_eq(model->rank, TINY_COLUMNS);
    for (size_t j = 0; j < TINY_COLUMNS; j++) {
        /* 300 rows are two or three blocks, and each is rounded to the grid once. */
        ck_assert_double_eq_tol(seen.sums[j], (truth.mean[j] - 0.5) * TINY_ROWS, 1.6 * seen.grid);
        ck_assert_double_eq_tol((double)model->means[j], truth.mean[j], 3 * seen.grid / TINY_ROWS);
        for (size_t k = 0; k < TINY_COLUMNS; k++) {
            double found = 0;
            for (size_t r = 0; r < TINY_COLUMNS; r++) {
                const float *direction = model->basis + r * TINY_COLUMNS;
                double factor = (double)model->factors[r * TINY_COLUMNS + r];
                found += (double)direction[j] * (double)direction[k] * factor * factor;
            }
            ck_assert_double_eq_tol(found, truth.covariance[j][k], 2e-6);
        }
    }
    dpmix_generator_free(generator);
}
END_TEST

/* ---- Files ---- */

START_TEST(a_loaded_generator_is_the_saved_one)
{
    static char texts[2][8192];
    dpmix_generator *generator = tiny_fitted_generator(&tiny, _i, 0.5), *loaded = NULL;
    CHECK_OK(dpmix_generator_save(generator, tiny_path("a")));
    CHECK_OK(dpmix_generator_load(&loaded, tiny_path("a")));
    CHECK_OK(draw(generator, large, 7, 500, 3));
    CHECK_OK(draw(loaded, samples, 7, 500, 3));
    ck_assert_mem_eq(large, samples, 500 * TINY_COLUMNS * sizeof *large);
    ck_assert_uint_eq(dpmix_generator_columns(loaded), TINY_COLUMNS);
    ck_assert_int_eq(dpmix_generator_classes(loaded), dpmix_generator_classes(generator));
    CHECK_OK(dpmix_generator_ledger(generator, texts[0], sizeof texts[0], NULL));
    CHECK_OK(dpmix_generator_ledger(loaded, texts[1], sizeof texts[1], NULL));
    ck_assert_str_eq(texts[0], texts[1]);
    ck_assert_str_eq(texts[0], tiny_text(dpmix_accountant_json, tiny.accountant));
    CHECK_OK(dpmix_generator_save(loaded, tiny_path("b")));
    ck_assert(tiny_same_files(tiny_path("a"), tiny_path("b")));
    CHECK_FAILS(fit(loaded, 0.5), DPMIX_ERR_STATE, "dpmix_generator_fit: generator");
    dpmix_generator_free(loaded);
    dpmix_generator_free(generator);
}
END_TEST

START_TEST(files_of_others_are_refused)
{
    dpmix_generator *const before = (dpmix_generator *)(void *)&tiny;
    dpmix_generator *generator = before;
    dpmix_clusterer *clusterer = tiny_fitted_clusterer(&tiny, DPMIX_CLUSTERER_LABEL, 0.5);
    dpmix_mixture *mixture = tiny_fitted_mixture(&tiny, DPMIX_CLUSTERER_LABEL, DPMIX_GENERATOR_GAUSSIAN);
    CHECK_OK(dpmix_clusterer_save(clusterer, tiny_path("a")));
    CHECK_OK(dpmix_mixture_save(mixture, tiny_path("b")));
    CHECK_FAILS(dpmix_generator_load(&generator, tiny_path("a")), DPMIX_ERR_FORMAT, "another kind");
    CHECK_FAILS(dpmix_generator_load(&generator, tiny_path("b")), DPMIX_ERR_FORMAT, "another kind");
    CHECK_FAILS(dpmix_generator_load(&generator, tiny_path("missing")), DPMIX_ERR_IO, "load: path");
    ck_assert_ptr_eq(generator, before);
    dpmix_mixture_free(mixture);
    dpmix_clusterer_free(clusterer);
}
END_TEST

/* What a damaged file with a checksum that fits may hold is used in full: it must not crash either. */
static int load_and_use(const char *path)
{
    dpmix_generator *generator = NULL;
    int status = dpmix_generator_load(&generator, path);
    if (status)
        return status;
    float rows[3 * 8];
    int32_t labels[3];
    size_t length = 0;
    uint64_t seed = 1;
    for (size_t columns = 1; columns <= 8; columns++) {
        int drawn = dpmix_generator_sample(generator, rows, NULL, 0, 3, columns, &seed);
        for (size_t i = 0; !drawn && i < 3 * columns; i++)
            ck_assert(isfinite(rows[i]));
        if (!drawn && !dpmix_generator_sample(generator, rows, labels, 0, 3, columns, &seed))
            ck_assert(labels[0] >= 0 && labels[1] >= 0 && labels[2] >= 0);
    }
    CHECK_OK(dpmix_generator_ledger(generator, NULL, 0, &length));
    dpmix_generator_free(generator);
    return DPMIX_OK;
}

START_TEST(damaged_files_are_refused)
{
    dpmix_generator *generator = tiny_fitted_generator(&tiny, _i, 1);
    CHECK_OK(dpmix_generator_save(generator, tiny_path("a")));
    dpmix_generator_free(generator);
    tiny_damage(load_and_use, tiny_path("a"));
}
END_TEST

static Suite *generator_suite(void)
{
    Suite *suite = suite_create("generator");
    TCase *kinds = check_case(suite, "each kind");
    tcase_add_checked_fixture(kinds, setup, teardown);
    tcase_add_loop_test(kinds, null_is_refused, FIRST_KIND, END_KINDS);
    tcase_add_loop_test(kinds, fits_that_are_refused_leave_an_unfitted_handle, FIRST_KIND, END_KINDS);
    tcase_add_loop_test(kinds, cancelled_fits_leave_an_unfitted_handle, FIRST_KIND, END_KINDS);
    tcase_add_loop_test(kinds, a_sequence_does_not_depend_on_its_cuts, FIRST_KIND, END_KINDS);
    tcase_add_loop_test(kinds, seeds_make_sequences, FIRST_KIND, END_KINDS);
    tcase_add_loop_test(kinds, sample_checks_its_arguments, FIRST_KIND, END_KINDS);
    tcase_add_loop_test(kinds, samples_keep_to_the_bounds, FIRST_KIND, END_KINDS);
    tcase_add_loop_test(kinds, labels_come_from_kinds_that_make_them, FIRST_KIND, END_KINDS);
    tcase_add_loop_test(kinds, a_loaded_generator_is_the_saved_one, FIRST_KIND, END_KINDS);
    tcase_add_loop_test(kinds, damaged_files_are_refused, FIRST_KIND, END_KINDS);
    TCase *own = check_case(suite, "of a kind");
    tcase_add_checked_fixture(own, setup, teardown);
    tcase_add_test(own, unknown_kinds_are_refused);
    tcase_add_loop_test(own, samples_have_the_moments_of_the_data, 1, LARGE_COLUMNS + 1);
    tcase_add_test(own, the_defaults_keep_rows_that_are_long);
    tcase_add_test(own, a_row_clip_that_is_next_to_nothing_is_refused);
    tcase_add_test(own, a_residual_clip_that_is_next_to_nothing_is_refused);
    tcase_add_test(own, the_rank_is_that_of_the_covariance);
    tcase_add_test(own, a_constant_column_stays_nearly_constant);
    tcase_add_loop_test(own, an_empty_data_set_gives_a_model, 1, 3);
    tcase_add_test(own, without_noise_the_moments_are_exact);
    tcase_add_test(own, files_of_others_are_refused);
    return suite;
}

CHECK_MAIN(generator_suite)
