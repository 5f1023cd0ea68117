/* SPDX-License-Identifier: BSD-3-Clause */
/* Mixtures through the public functions, for every pair of a partition and a kind of model. */
#include "mixture_model.h"

#include "tiny_fixture.h"

#include <math.h>
#include <pthread.h>

enum { N_PAIRS = 4 };

/* What a mixture is made of. */
struct pair {
    int partition, models;
    int classes; /* of the labels that its samples come with */
};

static const struct pair pairs[N_PAIRS] = {
    {DPMIX_CLUSTERER_LABEL, DPMIX_GENERATOR_GAUSSIAN, TINY_CLASSES}, /* the part is the label */
    {DPMIX_CLUSTERER_KMEANS, DPMIX_GENERATOR_GAUSSIAN, 0},
    {DPMIX_CLUSTERER_LABEL, DPMIX_GENERATOR_VAE, TINY_CLASSES},  /* as above, not of its making */
    {DPMIX_CLUSTERER_KMEANS, DPMIX_GENERATOR_VAE, TINY_CLASSES}, /* the model makes the label */
};

static dpmix_mixture *fitted(int pair)
{
    return tiny_fitted_mixture(&tiny, pairs[pair].partition, pairs[pair].models);
}

/* Not fitted, with a partition that is. */
static dpmix_mixture *unfitted(int pair)
{
    dpmix_clusterer *clusterer = tiny_fitted_clusterer(&tiny, pairs[pair].partition, 0.5);
    return tiny_mixture(clusterer, tiny_generator(pairs[pair].models));
}

static int draw(const dpmix_mixture *mixture, float *rows, int32_t *labels, uint64_t first, size_t n)
{
    uint64_t seed = 3;
    return dpmix_mixture_sample(mixture, rows, labels, first, n, TINY_COLUMNS, &seed);
}

/* ---- The handle ---- */

START_TEST(a_mixture_needs_a_fitted_clusterer)
{
    dpmix_mixture *const before = (dpmix_mixture *)(void *)&tiny;
    dpmix_mixture *mixture = before;
    dpmix_clusterer *clusterer = tiny_clusterer(pairs[_i].partition);
    dpmix_generator *generator = tiny_generator(pairs[_i].models);
    CHECK_FAILS(dpmix_mixture_new(&mixture, clusterer, generator), DPMIX_ERR_STATE, "mixture_new: clusterer");
    CHECK_OK(dpmix_clusterer_fit(clusterer, tiny.accountant, tiny.dataset, 0.5, NULL, NULL));
    CHECK_FAILS(dpmix_mixture_new(NULL, clusterer, generator), DPMIX_ERR_ARG, "dpmix_mixture_new: out");
    CHECK_FAILS(dpmix_mixture_new(&mixture, clusterer, NULL), DPMIX_ERR_ARG, "dpmix_mixture_new: generator");
    ck_assert_ptr_eq(mixture, before);
    dpmix_generator_free(generator);
    dpmix_clusterer_free(clusterer);
}
END_TEST

START_TEST(null_is_refused)
{
    dpmix_mixture *mixture = fitted(_i), *none = NULL;
    float row[TINY_COLUMNS];
    size_t length;
    dpmix_accountant *accountant = tiny.accountant;
    dpmix_dataset *dataset = tiny.dataset;
    CHECK_FAILS(dpmix_mixture_fit(NULL, accountant, dataset, 1, NULL, NULL), DPMIX_ERR_ARG, "fit: mixture");
    CHECK_FAILS(dpmix_mixture_fit(mixture, NULL, dataset, 1, NULL, NULL), DPMIX_ERR_ARG, "fit: accountant");
    CHECK_FAILS(dpmix_mixture_fit(mixture, accountant, NULL, 1, NULL, NULL), DPMIX_ERR_ARG, "fit: dataset");
    CHECK_FAILS(draw(NULL, row, NULL, 0, 1), DPMIX_ERR_ARG, "sample: mixture");
    CHECK_FAILS(draw(mixture, NULL, NULL, 0, 1), DPMIX_ERR_ARG, "sample: rows");
    CHECK_FAILS(dpmix_mixture_ledger(NULL, NULL, 0, &length), DPMIX_ERR_ARG, "ledger: mixture");
    CHECK_FAILS(dpmix_mixture_ledger(mixture, NULL, 0, NULL), DPMIX_ERR_ARG, "ledger: text, length");
    CHECK_FAILS(dpmix_mixture_save(NULL, tiny_path("a")), DPMIX_ERR_ARG, "save: mixture");
    CHECK_FAILS(dpmix_mixture_save(mixture, NULL), DPMIX_ERR_ARG, "save: path");
    CHECK_FAILS(dpmix_mixture_load(NULL, tiny_path("a")), DPMIX_ERR_ARG, "load: out");
    CHECK_FAILS(dpmix_mixture_load(&none, NULL), DPMIX_ERR_ARG, "load: path");
    ck_assert_ptr_null(none);
    ck_assert(!dpmix_mixture_parts(NULL) && !dpmix_mixture_columns(NULL) && !dpmix_mixture_classes(NULL));
    dpmix_mixture_free(NULL);
    dpmix_mixture_free(mixture);
}
END_TEST

static void expect_unfitted(const dpmix_mixture *mixture)
{
    float row[TINY_COLUMNS] = {NAN, NAN};
    size_t length = 7;
    ck_assert_int_eq(dpmix_mixture_parts(mixture), 2);
    ck_assert_uint_eq(dpmix_mixture_columns(mixture), 0);
    ck_assert_int_eq(dpmix_mixture_classes(mixture), 0);
    CHECK_FAILS(draw(mixture, row, NULL, 0, 1), DPMIX_ERR_STATE, "dpmix_mixture_sample: mixture");
    CHECK_FAILS(dpmix_mixture_ledger(mixture, NULL, 0, &length), DPMIX_ERR_STATE, "ledger: mixture");
    CHECK_FAILS(dpmix_mixture_save(mixture, tiny_path("a")), DPMIX_ERR_STATE, "save: mixture");
    ck_assert(isnan(row[0]) && isnan(row[1]) && length == 7);
    ck_assert_int_ne(access(tiny_path("a"), F_OK), 0);
}

START_TEST(fits_that_are_refused_leave_an_unfitted_handle)
{
    static const double bad[] = {0, -0.5, 1.0000001, NAN};
    dpmix_mixture *mixture = unfitted(_i);
    unsigned queries = tiny.mode.queries;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        CHECK_FAILS(dpmix_mixture_fit(mixture, tiny.accountant, tiny.dataset, bad[i], NULL, NULL),
                    DPMIX_ERR_RANGE, "dpmix_mixture_fit: share");
    expect_unfitted(mixture);
    ck_assert_uint_eq(tiny_entries(tiny.accountant), 1);
    ck_assert_uint_eq(tiny.mode.queries, queries);
    CHECK_OK(dpmix_mixture_fit(mixture, tiny.accountant, tiny.dataset, 0.5, NULL, NULL));
    ck_assert_uint_eq(tiny_entries(tiny.accountant), 2); /* one debit for all parts */
    CHECK_FAILS(dpmix_mixture_fit(mixture, tiny.accountant, tiny.dataset, 0.5, NULL, NULL), DPMIX_ERR_STATE,
                "dpmix_mixture_fit: ");
    ck_assert_uint_eq(tiny_entries(tiny.accountant), 2);
    ck_assert_int_eq(dpmix_mixture_parts(mixture), 2);
    ck_assert_uint_eq(dpmix_mixture_columns(mixture), TINY_COLUMNS);
    ck_assert_int_eq(dpmix_mixture_classes(mixture), pairs[_i].classes);
    dpmix_mixture_free(mixture);
}
END_TEST

START_TEST(cancelled_fits_leave_an_unfitted_handle)
{
    struct tiny_watch whole = {.accountant = tiny.accountant, .phase = DPMIX_PHASE_TRAIN};
    dpmix_mixture *mixture = unfitted(_i);
    for (int stop_at = 1; stop_at <= 4; stop_at++) {
        struct tiny_watch watch = tiny_watch_again(&whole, stop_at);
        CHECK_FAILS(dpmix_mixture_fit(mixture, tiny.accountant, tiny.dataset, 0.1, tiny_watch, &watch),
                    DPMIX_ERR_CANCELLED, "dpmix_mixture_fit: ");
        expect_unfitted(mixture);
        ck_assert_uint_eq(tiny_entries(tiny.accountant), 1 + (size_t)stop_at);
    }
    CHECK_OK(dpmix_mixture_fit(mixture, tiny.accountant, tiny.dataset, 1, tiny_watch, &whole));
    ck_assert(whole.calls == 4 && whole.done == whole.total);
    CHECK_OK(draw(mixture, tiny.rows, NULL, 0, 1));
    dpmix_mixture_free(mixture);
}
END_TEST

START_TEST(data_sets_of_another_shape_are_refused)
{
    static const double lower[] = {TINY_LOWER, TINY_LOWER}, upper[] = {TINY_UPPER, 3.1};
    dpmix_mixture *mixture = unfitted(_i);
    dpmix_dataset *others[3] = {NULL};
    CHECK_OK(dpmix_dataset_new_f32(&others[0], tiny.rows, 100, 3, tiny.labels, TINY_CLASSES, lower, upper, 1,
                                   DPMIX_STORAGE_COPY));
    CHECK_OK(dpmix_dataset_new_f32(&others[1], tiny.rows, 100, 2, tiny.labels, TINY_CLASSES, lower, upper, 2,
                                   DPMIX_STORAGE_COPY));
    CHECK_OK(dpmix_dataset_new_f32(&others[2], tiny.rows, 100, 2, tiny.labels, TINY_CLASSES + 1, lower, upper,
                                   1, DPMIX_STORAGE_COPY));
    for (size_t i = 0; i < 3; i++) {
        if (i < 2 || pairs[_i].partition == DPMIX_CLUSTERER_LABEL)
            CHECK_FAILS(dpmix_mixture_fit(mixture, tiny.accountant, others[i], 0.5, NULL, NULL),
                        DPMIX_ERR_STATE, "dpmix_mixture_fit: dataset");
        dpmix_dataset_free(others[i]);
    }
    ck_assert_uint_eq(tiny_entries(tiny.accountant), 1);
    expect_unfitted(mixture);
    dpmix_mixture_free(mixture);
}
END_TEST

/* ---- Sampling ---- */

/* Moments of the records of one class. */
static struct tiny_moments of_class(const float *rows, const int32_t *labels, size_t n, int32_t label)
{
    static float kept[4000 * TINY_COLUMNS];
    size_t n_kept = 0;
    for (size_t i = 0; i < n; i++)
        if (labels[i] == label)
            memcpy(kept + TINY_COLUMNS * n_kept++, rows + i * TINY_COLUMNS, TINY_COLUMNS * sizeof *kept);
    ck_assert_double_eq_tol((double)n_kept / (double)n, tiny_share(label, TINY_CLASSES), 0.04);
    return tiny_moments_of(kept, n_kept, TINY_COLUMNS);
}

/* Labels have the shares of the classes, and Gaussian records lie in the blob of their label. */
START_TEST(records_and_labels_are_those_of_the_data)
{
    enum { N = 4000 };
    static float rows[N * TINY_COLUMNS];
    static int32_t labels[N] = {-1};
    tiny_case_close(&tiny);
    tiny_case_open(&tiny, 1000, 1); /* no class may drown in the noise */
    dpmix_mixture *mixture = fitted(_i);
    if (pairs[_i].classes == 0) {
        CHECK_FAILS(draw(mixture, rows, labels, 0, N), DPMIX_ERR_UNSUPPORTED, "dpmix_mixture_sample: labels");
        ck_assert_int_eq(labels[0], -1);
    } else {
        CHECK_OK(draw(mixture, rows, labels, 0, N));
    }
    for (int32_t c = 0; c < pairs[_i].classes; c++) {
        struct tiny_moments m = of_class(rows, labels, N, c);
        for (size_t j = 0; pairs[_i].models == DPMIX_GENERATOR_GAUSSIAN && j < TINY_COLUMNS; j++) {
            ck_assert_double_eq_tol(m.mean[j], tiny_centre(c, j, TINY_CLASSES), 0.05);
            ck_assert_double_eq_tol(m.covariance[j][j], TINY_DEVIATION * TINY_DEVIATION, 0.015);
        }
    }
    dpmix_mixture_free(mixture);
}
END_TEST

START_TEST(a_sequence_does_not_depend_on_its_cuts)
{
    static const size_t cuts[] = {1, 254, 1, 1, 255, 0, 257, 31};
    static float whole[800 * TINY_COLUMNS], pieces[800 * TINY_COLUMNS];
    static int32_t labels[800], again[800];
    dpmix_mixture *mixture = fitted(_i);
    int32_t *wanted = pairs[_i].classes ? labels : NULL;
    size_t done = 0;
    CHECK_OK(draw(mixture, whole, wanted, 0, 800));
    for (size_t i = 0; i < sizeof cuts / sizeof *cuts; done += cuts[i++])
        CHECK_OK(draw(mixture, pieces + done * TINY_COLUMNS, wanted ? again + done : NULL, done, cuts[i]));
    ck_assert_uint_eq(done, 800);
    ck_assert_mem_eq(whole, pieces, sizeof whole);
    ck_assert_mem_eq(labels, again, sizeof labels);
    CHECK_OK(draw(mixture, pieces, NULL, 0, 800)); /* the same records when labels are not wanted */
    ck_assert_mem_eq(whole, pieces, sizeof whole);
    CHECK_FAILS(draw(mixture, pieces, NULL, UINT64_MAX, 2), DPMIX_ERR_RANGE, "dpmix_mixture_sample: first");
    dpmix_mixture_free(mixture);
}
END_TEST

enum { HALF = 3000 };

/* What one of two threads draws; checked when both are done. */
struct drawer {
    const dpmix_mixture *mixture;
    uint64_t first;
    float rows[HALF * TINY_COLUMNS];
    int status;
};

static void *run_drawer(void *argument)
{
    struct drawer *drawer = argument;
    drawer->status = draw(drawer->mixture, drawer->rows, NULL, drawer->first, HALF);
    return NULL;
}

START_TEST(two_threads_sample_what_one_samples)
{
    static struct drawer drawers[2];
    static float whole[2 * HALF * TINY_COLUMNS];
    pthread_t threads[2];
    dpmix_mixture *mixture = fitted(_i);
    CHECK_OK(draw(mixture, whole, NULL, 0, 2 * HALF));
    for (size_t i = 0; i < 2; i++) {
        drawers[i] = (struct drawer){.mixture = mixture, .first = HALF * i};
        ck_assert_int_eq(pthread_create(&threads[i], NULL, run_drawer, &drawers[i]), 0);
    }
    for (size_t i = 0; i < 2; i++) {
        ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
        ck_assert_int_eq(drawers[i].status, DPMIX_OK);
        ck_assert_mem_eq(drawers[i].rows, whole + i * HALF * TINY_COLUMNS, sizeof drawers[i].rows);
    }
    dpmix_mixture_free(mixture);
}
END_TEST

/* ---- Lifetimes ---- */

enum { N_ORDERS = 24 };

/* Frees the four handles in one of their orders. */
static void free_in_order(int order, dpmix_clusterer *clusterer, dpmix_generator *generator)
{
    int left[] = {0, 1, 2, 3};
    for (int n = 4; n > 0; n--) {
        int which = left[order % n];
        left[order % n] = left[n - 1];
        order /= n;
        switch (which) {
        case 0: dpmix_clusterer_free(clusterer); break;
        case 1: dpmix_generator_free(generator); break;
        case 2: dpmix_dataset_free(tiny.dataset); break;
        default: dpmix_accountant_free(tiny.accountant); break;
        }
    }
    tiny.dataset = NULL;
    tiny.accountant = NULL;
}

START_TEST(handles_may_be_freed_in_any_order)
{
    static float before[100 * TINY_COLUMNS], after[100 * TINY_COLUMNS];
    size_t length = 0;
    dpmix_clusterer *clusterer = tiny_fitted_clusterer(&tiny, pairs[_i % N_PAIRS].partition, 0.5);
    dpmix_generator *generator = tiny_generator(pairs[_i % N_PAIRS].models);
    dpmix_mixture *mixture = NULL;
    CHECK_OK(dpmix_mixture_new(&mixture, clusterer, generator));
    CHECK_OK(dpmix_mixture_fit(mixture, tiny.accountant, tiny.dataset, 1, NULL, NULL));
    CHECK_OK(draw(mixture, before, NULL, 0, 100));
    free_in_order(_i, clusterer, generator);
    CHECK_OK(draw(mixture, after, NULL, 0, 100));
    ck_assert_mem_eq(before, after, sizeof before);
    CHECK_OK(dpmix_mixture_ledger(mixture, NULL, 0, &length));
    dpmix_mixture_free(mixture);
}
END_TEST

/* ---- Threads ---- */

/* Many blocks, so that threads have something to disagree about. */
static void save_with_threads(const struct pair *pair, int threads, const char *path)
{
    enum { N = 3000 };
    static float rows[N * TINY_COLUMNS];
    static int32_t labels[N];
    dpmix_options *options = tiny_options();
    dpmix_clusterer *clusterer = NULL;
    dpmix_generator *generator = NULL;
    tiny_blobs(rows, labels, N, TINY_COLUMNS, TINY_CLASSES, 1);
    tiny_case_close(&tiny);
    tiny.dataset = tiny_dataset(rows, N, TINY_COLUMNS, labels, TINY_CLASSES);
    tiny.accountant = tiny_accountant(5);
    tiny_mode_set(&tiny.mode, tiny.dataset, 1);
    CHECK_OK(dpmix_options_set_int(options, DPMIX_OPTION_THREADS, threads));
    CHECK_OK(dpmix_options_set_double(options, DPMIX_OPTION_SAMPLING_RATE, 0.7));
    CHECK_OK(dpmix_clusterer_new(&clusterer, pair->partition, options));
    CHECK_OK(dpmix_generator_new(&generator, pair->models, options));
    dpmix_options_free(options);
    CHECK_OK(dpmix_clusterer_fit(clusterer, tiny.accountant, tiny.dataset, 0.5, NULL, NULL));
    dpmix_mixture *mixture = tiny_mixture(clusterer, generator);
    CHECK_OK(dpmix_mixture_fit(mixture, tiny.accountant, tiny.dataset, 1, NULL, NULL));
    CHECK_OK(dpmix_mixture_save(mixture, path));
    dpmix_mixture_free(mixture);
}

START_TEST(the_model_does_not_depend_on_the_number_of_threads)
{
    save_with_threads(&pairs[_i], 1, tiny_path("a"));
    save_with_threads(&pairs[_i], 2, tiny_path("b"));
    ck_assert(tiny_same_files(tiny_path("a"), tiny_path("b")));
    save_with_threads(&pairs[_i], 7, tiny_path("b"));
    ck_assert(tiny_same_files(tiny_path("a"), tiny_path("b")));
}
END_TEST

/* ---- Files ---- */

START_TEST(a_loaded_mixture_is_the_saved_one)
{
    static char texts[2][8192];
    static float rows[2][500 * TINY_COLUMNS];
    static int32_t labels[2][500];
    dpmix_mixture *mixture = fitted(_i), *loaded = NULL;
    int with_labels = pairs[_i].classes > 0;
    CHECK_OK(dpmix_mixture_save(mixture, tiny_path("a")));
    CHECK_OK(dpmix_mixture_load(&loaded, tiny_path("a")));
    CHECK_OK(draw(mixture, rows[0], with_labels ? labels[0] : NULL, 9, 500));
    CHECK_OK(draw(loaded, rows[1], with_labels ? labels[1] : NULL, 9, 500));
    ck_assert_mem_eq(rows[0], rows[1], sizeof rows[0]);
    ck_assert_mem_eq(labels[0], labels[1], sizeof labels[0]);
    CHECK_OK(dpmix_mixture_ledger(mixture, texts[0], sizeof texts[0], NULL));
    CHECK_OK(dpmix_mixture_ledger(loaded, texts[1], sizeof texts[1], NULL));
    ck_assert_str_eq(texts[0], texts[1]);
    ck_assert_str_eq(texts[0], tiny_text(dpmix_accountant_json, tiny.accountant));
    ck_assert_int_eq(dpmix_mixture_parts(loaded), 2);
    ck_assert_int_eq(dpmix_mixture_classes(loaded), pairs[_i].classes);
    CHECK_OK(dpmix_mixture_save(loaded, tiny_path("b")));
    ck_assert(tiny_same_files(tiny_path("a"), tiny_path("b")));
    CHECK_FAILS(dpmix_mixture_fit(loaded, tiny.accountant, tiny.dataset, 1, NULL, NULL), DPMIX_ERR_STATE,
                "dpmix_mixture_fit: ");
    dpmix_mixture_free(loaded);
    dpmix_mixture_free(mixture);
}
END_TEST

START_TEST(files_of_others_are_refused)
{
    dpmix_mixture *mixture = NULL;
    dpmix_clusterer *clusterer = tiny_fitted_clusterer(&tiny, DPMIX_CLUSTERER_LABEL, 0.5);
    dpmix_generator *generator = tiny_fitted_generator(&tiny, DPMIX_GENERATOR_GAUSSIAN, 0.5);
    CHECK_OK(dpmix_clusterer_save(clusterer, tiny_path("a")));
    CHECK_OK(dpmix_generator_save(generator, tiny_path("b")));
    CHECK_FAILS(dpmix_mixture_load(&mixture, tiny_path("a")), DPMIX_ERR_FORMAT, "another kind");
    CHECK_FAILS(dpmix_mixture_load(&mixture, tiny_path("b")), DPMIX_ERR_FORMAT, "another kind");
    CHECK_FAILS(dpmix_mixture_load(&mixture, tiny_path("missing")), DPMIX_ERR_IO, "load: path");
    ck_assert_ptr_null(mixture);
    dpmix_generator_free(generator);
    dpmix_clusterer_free(clusterer);
}
END_TEST

/* The partition of one mixture with the models of another, in a file that is sound in every other way. */
static int load_joined(const dpmix_mixture *left, const dpmix_mixture *right)
{
    dpmix_mixture *loaded = NULL;
    struct dpm_blob blob = {0};
    dpm_clusterer_put(left->clusterer, &blob);
    dpm_generator_put(right->generator, &blob);
    CHECK_OK(dpm_blob_write(&blob, DPM_BLOB_MIXTURE, tiny_path("a")));
    dpm_blob_free(&blob);
    int status = dpmix_mixture_load(&loaded, tiny_path("a"));
    dpmix_mixture_free(loaded);
    return status;
}

START_TEST(a_partition_and_models_that_do_not_fit_are_refused)
{
    static const double lower[] = {TINY_LOWER, TINY_LOWER}, upper[] = {TINY_UPPER, 3.5};
    int pair = 3 * _i; /* one whose parts are classes, and one whose are not */
    dpmix_mixture *mixture = fitted(pair), *others[3];
    for (int i = 0; i < 3; i++) { /* other columns, other bounds, other classes and so other parts */
        tiny_case_close(&tiny);
        tiny.accountant = tiny_accountant(10);
        CHECK_OK(dpmix_dataset_new_f32(&tiny.dataset, tiny.rows, 100, i == 0 ? 3 : 2, tiny.labels,
                                       i == 2 ? 3 : 2, lower, upper, i == 1 ? 2 : 1, DPMIX_STORAGE_COPY));
        tiny_mode_set(&tiny.mode, tiny.dataset, 1);
        others[i] = fitted(i < 2 ? pair : 2 * _i);
    }
    CHECK_OK(load_joined(mixture, mixture));
    for (size_t i = 0; i < 3; i++) {
        ck_assert_int_eq(load_joined(mixture, others[i]), DPMIX_ERR_FORMAT);
        ck_assert_int_eq(load_joined(others[i], mixture), DPMIX_ERR_FORMAT);
        dpmix_mixture_free(others[i]);
    }
    dpmix_mixture_free(mixture);
}
END_TEST

/* What a damaged file with a checksum that fits may hold is used in full: it must not crash either. */
static int load_and_use(const char *path)
{
    dpmix_mixture *mixture = NULL;
    int status = dpmix_mixture_load(&mixture, path);
    if (status)
        return status;
    float rows[3 * 8];
    int32_t labels[3] = {0};
    uint64_t seed = 1;
    size_t columns = dpmix_mixture_columns(mixture);
    int wanted = dpmix_mixture_classes(mixture) > 0;
    ck_assert_uint_le(columns, 8);
    CHECK_OK(dpmix_mixture_sample(mixture, rows, wanted ? labels : NULL, 0, 3, columns, &seed));
    for (size_t i = 0; i < 3 * columns; i++)
        ck_assert(isfinite(rows[i]));
    for (size_t i = 0; wanted && i < 3; i++)
        ck_assert(labels[i] >= 0 && labels[i] < dpmix_mixture_classes(mixture));
    dpmix_mixture_free(mixture);
    return DPMIX_OK;
}

START_TEST(damaged_files_are_refused)
{
    dpmix_mixture *mixture = fitted(3 * _i); /* the simplest pair, and the one with most in its file */
    CHECK_OK(dpmix_mixture_save(mixture, tiny_path("a")));
    dpmix_mixture_free(mixture);
    tiny_damage(load_and_use, tiny_path("a"));
}
END_TEST

static Suite *mixture_suite(void)
{
    Suite *suite = suite_create("mixture");
    TCase *each = check_case(suite, "each pair");
    tcase_add_checked_fixture(each, setup, teardown);
    tcase_add_loop_test(each, a_mixture_needs_a_fitted_clusterer, 0, N_PAIRS);
    tcase_add_loop_test(each, null_is_refused, 0, N_PAIRS);
    tcase_add_loop_test(each, fits_that_are_refused_leave_an_unfitted_handle, 0, N_PAIRS);
    tcase_add_loop_test(each, cancelled_fits_leave_an_unfitted_handle, 0, N_PAIRS);
    tcase_add_loop_test(each, data_sets_of_another_shape_are_refused, 0, N_PAIRS);
    tcase_add_loop_test(each, records_and_labels_are_those_of_the_data, 0, N_PAIRS);
    tcase_add_loop_test(each, a_sequence_does_not_depend_on_its_cuts, 0, N_PAIRS);
    tcase_add_loop_test(each, two_threads_sample_what_one_samples, 0, N_PAIRS);
    tcase_add_loop_test(each, handles_may_be_freed_in_any_order, 0, N_ORDERS);
    tcase_add_loop_test(each, the_model_does_not_depend_on_the_number_of_threads, 0, N_PAIRS);
    tcase_add_loop_test(each, a_loaded_mixture_is_the_saved_one, 0, N_PAIRS);
    tcase_add_loop_test(each, a_partition_and_models_that_do_not_fit_are_refused, 0, 2);
    tcase_add_loop_test(each, damaged_files_are_refused, 0, 2);
    tcase_add_test(each, files_of_others_are_refused);
    return suite;
}

CHECK_MAIN(mixture_suite)
