/* SPDX-License-Identifier: BSD-3-Clause */
/* Clusterers through the public functions: all kinds where they behave alike, then what is their own. */
#include "tiny_fixture.h"

#include <math.h>

enum { FIRST_KIND = DPMIX_CLUSTERER_LABEL, END_KINDS = DPMIX_CLUSTERER_CORESET + 1 };

static int fit(dpmix_clusterer *clusterer, double share)
{
    return dpmix_clusterer_fit(clusterer, tiny.accountant, tiny.dataset, share, NULL, NULL);
}

/* No fit came to an end or to a debit. */
static void expect_untouched(dpmix_clusterer *clusterer)
{
    ck_assert_int_eq(dpmix_clusterer_parts(clusterer), 0);
    ck_assert_uint_eq(tiny_entries(tiny.accountant), 0);
    ck_assert_uint_eq(tiny.mode.queries, 0);
}

/* ---- The handle ---- */

START_TEST(unknown_kinds_are_refused)
{
    static const int kinds[] = {0, -1, END_KINDS, 99};
    dpmix_clusterer *const before = (dpmix_clusterer *)(void *)&tiny;
    dpmix_clusterer *clusterer = before;
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        CHECK_FAILS(dpmix_clusterer_new(&clusterer, kinds[i], NULL), DPMIX_ERR_ARG, "new: kind");
    CHECK_FAILS(dpmix_clusterer_new(NULL, FIRST_KIND, NULL), DPMIX_ERR_ARG, "dpmix_clusterer_new: out");
    ck_assert_ptr_eq(clusterer, before);
}
END_TEST

START_TEST(null_is_refused)
{
    dpmix_clusterer *clusterer = tiny_fitted_clusterer(&tiny, _i, 0.5), *none = NULL;
    double weights[TINY_CLASSES];
    int32_t parts[1] = {0};
    size_t length;
    CHECK_FAILS(dpmix_clusterer_fit(NULL, tiny.accountant, tiny.dataset, 1, NULL, NULL), DPMIX_ERR_ARG,
                "fit: clusterer");
    CHECK_FAILS(dpmix_clusterer_fit(clusterer, NULL, tiny.dataset, 1, NULL, NULL), DPMIX_ERR_ARG,
                "fit: accountant");
    CHECK_FAILS(dpmix_clusterer_fit(clusterer, tiny.accountant, NULL, 1, NULL, NULL), DPMIX_ERR_ARG,
                "fit: dataset");
    CHECK_FAILS(dpmix_clusterer_weights(NULL, weights, 2), DPMIX_ERR_ARG, "weights: clusterer");
    CHECK_FAILS(dpmix_clusterer_weights(clusterer, NULL, 2), DPMIX_ERR_ARG, "weights: weights");
    CHECK_FAILS(dpmix_clusterer_assign(NULL, parts, tiny.rows, 1, TINY_COLUMNS, tiny.labels), DPMIX_ERR_ARG,
                "assign: clusterer");
    CHECK_FAILS(dpmix_clusterer_assign(clusterer, NULL, tiny.rows, 1, TINY_COLUMNS, tiny.labels),
                DPMIX_ERR_ARG, "assign: parts");
    CHECK_FAILS(dpmix_clusterer_assign(clusterer, parts, NULL, 1, TINY_COLUMNS, tiny.labels), DPMIX_ERR_ARG,
                "assign: rows");
    CHECK_FAILS(dpmix_clusterer_ledger(NULL, NULL, 0, &length), DPMIX_ERR_ARG, "ledger: clusterer");
    CHECK_FAILS(dpmix_clusterer_ledger(clusterer, NULL, 0, NULL), DPMIX_ERR_ARG, "ledger: text, length");
    CHECK_FAILS(dpmix_clusterer_save(NULL, tiny_path("a")), DPMIX_ERR_ARG, "save: clusterer");
    CHECK_FAILS(dpmix_clusterer_save(clusterer, NULL), DPMIX_ERR_ARG, "save: path");
    CHECK_FAILS(dpmix_clusterer_load(NULL, tiny_path("a")), DPMIX_ERR_ARG, "load: out");
    CHECK_FAILS(dpmix_clusterer_load(&none, NULL), DPMIX_ERR_ARG, "load: path");
    ck_assert_ptr_null(none);
    ck_assert_int_eq(dpmix_clusterer_parts(NULL), 0);
    dpmix_clusterer_free(NULL);
    dpmix_clusterer_free(clusterer);
}
END_TEST

START_TEST(before_the_fit_there_is_nothing_to_have)
{
    dpmix_clusterer *clusterer = tiny_clusterer(_i);
    double weights[TINY_CLASSES] = {-1, -1};
    int32_t parts[1] = {-1};
    size_t length = 7;
    ck_assert_int_eq(dpmix_clusterer_parts(clusterer), 0);
    ck_assert_uint_eq(dpmix_clusterer_columns(clusterer), 0);
    CHECK_FAILS(dpmix_clusterer_weights(clusterer, weights, 2), DPMIX_ERR_STATE, "weights: clusterer");
    CHECK_FAILS(dpmix_clusterer_assign(clusterer, parts, tiny.rows, 1, TINY_COLUMNS, tiny.labels),
                DPMIX_ERR_STATE, "assign: clusterer");
    CHECK_FAILS(dpmix_clusterer_ledger(clusterer, NULL, 0, &length), DPMIX_ERR_STATE, "ledger: clusterer");
    CHECK_FAILS(dpmix_clusterer_save(clusterer, tiny_path("a")), DPMIX_ERR_STATE, "save: clusterer");
    ck_assert(weights[0] == -1 && parts[0] == -1 && length == 7);
    ck_assert_int_ne(access(tiny_path("a"), F_OK), 0);
    dpmix_clusterer_free(clusterer);
}
END_TEST

START_TEST(shares_outside_their_range_are_refused)
{
    static const double bad[] = {0, -0.5, 1.0000001, 2, NAN, INFINITY};
    dpmix_clusterer *clusterer = tiny_clusterer(_i);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        CHECK_FAILS(fit(clusterer, bad[i]), DPMIX_ERR_RANGE, "dpmix_clusterer_fit: share");
    expect_untouched(clusterer);
    dpmix_clusterer_free(clusterer);
}
END_TEST

START_TEST(a_second_fit_is_refused)
{
    dpmix_clusterer *clusterer = tiny_fitted_clusterer(&tiny, _i, 0.5);
    unsigned queries = tiny.mode.queries;
    CHECK_FAILS(fit(clusterer, 0.5), DPMIX_ERR_STATE, "dpmix_clusterer_fit: clusterer");
    ck_assert_uint_eq(tiny_entries(tiny.accountant), 1);
    ck_assert_uint_eq(tiny.mode.queries, queries);
    ck_assert_int_eq(dpmix_clusterer_parts(clusterer), 2);
    dpmix_clusterer_free(clusterer);
}
END_TEST

/* ---- Progress ---- */

START_TEST(cancelled_fits_leave_an_unfitted_handle)
{
    struct tiny_watch whole = {.accountant = tiny.accountant, .phase = DPMIX_PHASE_CLUSTER};
    dpmix_clusterer *clusterer = tiny_clusterer(_i);
    CHECK_OK(dpmix_clusterer_fit(clusterer, tiny.accountant, tiny.dataset, 0.1, tiny_watch, &whole));
    ck_assert(whole.calls > 0 && whole.done == whole.total);
    dpmix_clusterer_free(clusterer);
    clusterer = tiny_clusterer(_i);
    for (int stop_at = 1; stop_at <= whole.calls; stop_at++) {
        struct tiny_watch watch = tiny_watch_again(&whole, stop_at);
        size_t entries = tiny_entries(tiny.accountant);
        CHECK_FAILS(dpmix_clusterer_fit(clusterer, tiny.accountant, tiny.dataset, 0.1, tiny_watch, &watch),
                    DPMIX_ERR_CANCELLED, "dpmix_clusterer_fit: ");
        ck_assert_int_eq(watch.calls, stop_at);
        ck_assert_int_eq(dpmix_clusterer_parts(clusterer), 0);
        ck_assert_uint_eq(tiny_entries(tiny.accountant), entries + 1);
    }
    CHECK_OK(fit(clusterer, 1));
    ck_assert_int_eq(dpmix_clusterer_parts(clusterer), 2);
    dpmix_clusterer_free(clusterer);
}
END_TEST

/* ---- Assignment ---- */

START_TEST(assign_checks_its_arguments)
{
    dpmix_clusterer *clusterer = tiny_fitted_clusterer(&tiny, _i, 1);
    int32_t parts[2] = {-1, -1};
    for (size_t columns = 0; columns < 5; columns++)
        if (columns != TINY_COLUMNS)
            CHECK_FAILS(dpmix_clusterer_assign(clusterer, parts, tiny.rows, 2, columns, tiny.labels),
                        DPMIX_ERR_RANGE, "dpmix_clusterer_assign: n_columns");
    CHECK_FAILS(dpmix_clusterer_assign(clusterer, parts, tiny.rows, SIZE_MAX, TINY_COLUMNS, tiny.labels),
                DPMIX_ERR_RANGE, "dpmix_clusterer_assign: ");
    ck_assert(parts[0] == -1 && parts[1] == -1);
    CHECK_OK(dpmix_clusterer_assign(clusterer, NULL, NULL, 0, TINY_COLUMNS, tiny.labels));
    dpmix_clusterer_free(clusterer);
}
END_TEST

/* A record's part depends on nothing but the record, whatever it holds and whatever comes with it. */
START_TEST(assign_takes_rows_one_by_one)
{
    static int32_t together[TINY_ROWS];
    dpmix_clusterer *clusterer = tiny_fitted_clusterer(&tiny, _i, 1);
    tiny.rows[0] = NAN;
    tiny.rows[3] = INFINITY;
    tiny.rows[4] = -1e30f;
    CHECK_OK(dpmix_clusterer_assign(clusterer, together, tiny.rows, TINY_ROWS, TINY_COLUMNS, tiny.labels));
    for (size_t i = 0; i < TINY_ROWS; i++) {
        int32_t alone = -1;
        CHECK_OK(dpmix_clusterer_assign(clusterer, &alone, tiny.rows + i * TINY_COLUMNS, 1, TINY_COLUMNS,
                                        tiny.labels + i));
        ck_assert_int_eq(alone, together[i]);
        ck_assert(alone >= 0 && alone < dpmix_clusterer_parts(clusterer));
    }
    dpmix_clusterer_free(clusterer);
}
END_TEST

/* ---- By label ---- */

START_TEST(label_weights_are_near_the_class_shares)
{
    static float rows[6000];
    static int32_t labels[6000];
    double weights[4] = {0}, sum = 0;
    tiny_blobs(rows, labels, 6000, 1, 4, 1);
    dpmix_dataset_free(tiny.dataset);
    tiny.dataset = tiny_dataset(rows, 6000, 1, labels, 4);
    tiny_mode_set(&tiny.mode, tiny.dataset, 1);
    tiny.mode.mode.noiseless = _i;
    dpmix_clusterer *clusterer = tiny_fitted_clusterer(&tiny, DPMIX_CLUSTERER_LABEL, 0.1);
    ck_assert_int_eq(dpmix_clusterer_parts(clusterer), 4);
    CHECK_FAILS(dpmix_clusterer_weights(clusterer, weights, 3), DPMIX_ERR_RANGE, "weights: n_parts");
    CHECK_FAILS(dpmix_clusterer_weights(clusterer, weights, 5), DPMIX_ERR_RANGE, "weights: n_parts");
    ck_assert_double_eq(weights[0], 0);
    CHECK_OK(dpmix_clusterer_weights(clusterer, weights, 4));
    for (int32_t c = 0; c < 4; c++) {
        double off = fabs(weights[c] - tiny_share(c, 4));
        /* The noise has a standard deviation of about 4 of 6000 rows. */
        ck_assert(_i ? off < 1e-12 : off < 0.01 && off > 0);
        sum += weights[c];
    }
    ck_assert_double_eq_tol(sum, 1, 1e-12);
    dpmix_clusterer_free(clusterer);
}
END_TEST

START_TEST(a_label_is_its_part)
{
    dpmix_clusterer *clusterer = tiny_fitted_clusterer(&tiny, DPMIX_CLUSTERER_LABEL, 1);
    int32_t parts[3] = {-1, -1, -1}, labels[3] = {1, 0, 1};
    CHECK_FAILS(dpmix_clusterer_assign(clusterer, parts, tiny.rows, 3, TINY_COLUMNS, NULL), DPMIX_ERR_ARG,
                "dpmix_clusterer_assign: labels");
    for (int bad = -1; bad <= TINY_CLASSES; bad += TINY_CLASSES + 1) {
        labels[2] = bad;
        CHECK_FAILS(dpmix_clusterer_assign(clusterer, parts, tiny.rows, 3, TINY_COLUMNS, labels),
                    DPMIX_ERR_RANGE, "dpmix_clusterer_assign: labels");
    }
    ck_assert(parts[0] == -1 && parts[1] == -1 && parts[2] == -1);
    labels[2] = 1;
    CHECK_OK(dpmix_clusterer_assign(clusterer, parts, tiny.rows, 3, TINY_COLUMNS, labels));
    ck_assert_mem_eq(parts, labels, sizeof labels);
    dpmix_clusterer_free(clusterer);
}
END_TEST

START_TEST(labels_are_needed_by_label_only)
{
    dpmix_dataset_free(tiny.dataset);
    tiny.dataset = tiny_dataset(tiny.rows, TINY_ROWS, TINY_COLUMNS, NULL, 0);
    tiny_mode_set(&tiny.mode, tiny.dataset, 1);
    dpmix_clusterer *by_label = tiny_clusterer(DPMIX_CLUSTERER_LABEL);
    CHECK_FAILS(fit(by_label, 1), DPMIX_ERR_UNSUPPORTED, "dpmix_clusterer_fit: dataset");
    expect_untouched(by_label);
    dpmix_clusterer_free(by_label);
    dpmix_clusterer *kmeans = tiny_fitted_clusterer(&tiny, DPMIX_CLUSTERER_KMEANS, 1);
    int32_t part = -1;
    CHECK_OK(dpmix_clusterer_assign(kmeans, &part, tiny.rows, 1, TINY_COLUMNS, NULL));
    ck_assert(part == 0 || part == 1);
    dpmix_clusterer_free(kmeans);
}
END_TEST

/* At a large budget and far blobs, k-means finds the classes, and its weights are their shares. */
START_TEST(kmeans_finds_the_blobs)
{
    static int32_t parts[TINY_ROWS];
    double weights[2];
    size_t agree = 0;
    dpmix_accountant_free(tiny.accountant);
    tiny.accountant = tiny_accountant(1000);
    dpmix_options *options = tiny_options();
    dpmix_clusterer *clusterer = NULL;
    CHECK_OK(dpmix_options_set_int(options, DPMIX_OPTION_KMEANS_FEATURES, 32));
    CHECK_OK(dpmix_options_set_int(options, DPMIX_OPTION_KMEANS_STEPS, 8));
    CHECK_OK(dpmix_clusterer_new(&clusterer, DPMIX_CLUSTERER_KMEANS, options));
    dpmix_options_free(options);
    CHECK_OK(fit(clusterer, 1));
    CHECK_OK(dpmix_clusterer_assign(clusterer, parts, tiny.rows, TINY_ROWS, TINY_COLUMNS, NULL));
    CHECK_OK(dpmix_clusterer_weights(clusterer, weights, 2));
    for (size_t i = 0; i < TINY_ROWS; i++)
        agree += parts[i] == tiny.labels[i];
    ck_assert(agree <= TINY_ROWS / 20 || agree >= TINY_ROWS - TINY_ROWS / 20);
    ck_assert_double_eq_tol(fmin(weights[0], weights[1]), tiny_share(0, 2), 0.05);
    ck_assert_double_eq_tol(weights[0] + weights[1], 1, 1e-12);
    dpmix_clusterer_free(clusterer);
}
END_TEST

/* ---- Files ---- */

static const char *ledger_of(const dpmix_clusterer *clusterer)
{
    static char text[2][8192];
    static int next;
    char *to = text[next++ % 2];
    CHECK_OK(dpmix_clusterer_ledger(clusterer, to, sizeof text[0], NULL));
    return to;
}

static void expect_equal(const dpmix_clusterer *a, const dpmix_clusterer *b)
{
    static int32_t parts[2][TINY_ROWS];
    double weights[2][2];
    ck_assert_int_eq(dpmix_clusterer_parts(a), dpmix_clusterer_parts(b));
    CHECK_OK(dpmix_clusterer_weights(a, weights[0], 2));
    CHECK_OK(dpmix_clusterer_weights(b, weights[1], 2));
    ck_assert_mem_eq(weights[0], weights[1], sizeof weights[0]);
    CHECK_OK(dpmix_clusterer_assign(a, parts[0], tiny.rows, TINY_ROWS, TINY_COLUMNS, tiny.labels));
    CHECK_OK(dpmix_clusterer_assign(b, parts[1], tiny.rows, TINY_ROWS, TINY_COLUMNS, tiny.labels));
    ck_assert_mem_eq(parts[0], parts[1], sizeof parts[0]);
    ck_assert_str_eq(ledger_of(a), ledger_of(b));
}

START_TEST(a_loaded_clusterer_is_the_saved_one)
{
    dpmix_clusterer *clusterer = tiny_fitted_clusterer(&tiny, _i, 0.5), *loaded = NULL;
    CHECK_OK(dpmix_clusterer_save(clusterer, tiny_path("a")));
    CHECK_OK(dpmix_clusterer_load(&loaded, tiny_path("a")));
    expect_equal(clusterer, loaded);
    ck_assert_uint_eq(dpmix_clusterer_columns(loaded), TINY_COLUMNS);
    ck_assert_str_eq(ledger_of(loaded), tiny_text(dpmix_accountant_json, tiny.accountant));
    CHECK_OK(dpmix_clusterer_save(loaded, tiny_path("b")));
    ck_assert(tiny_same_files(tiny_path("a"), tiny_path("b")));
    CHECK_FAILS(fit(loaded, 0.5), DPMIX_ERR_STATE, "dpmix_clusterer_fit: clusterer");
    /* A ledger is that of the end of the fit, not what the accountant holds later. */
    dpmix_clusterer_free(tiny_fitted_clusterer(&tiny, _i, 1));
    ck_assert_str_eq(ledger_of(clusterer), ledger_of(loaded));
    dpmix_clusterer_free(loaded);
    dpmix_clusterer_free(clusterer);
}
END_TEST

START_TEST(files_of_others_are_refused)
{
    dpmix_clusterer *const before = (dpmix_clusterer *)(void *)&tiny;
    dpmix_clusterer *clusterer = before;
    dpmix_generator *generator = tiny_fitted_generator(&tiny, DPMIX_GENERATOR_GAUSSIAN, 0.5);
    CHECK_OK(dpmix_generator_save(generator, tiny_path("a")));
    CHECK_FAILS(dpmix_clusterer_load(&clusterer, tiny_path("a")), DPMIX_ERR_FORMAT, "another kind");
    tiny_write(tiny_path("b"), (const uint8_t *)"text", 4);
    CHECK_FAILS(dpmix_clusterer_load(&clusterer, tiny_path("b")), DPMIX_ERR_FORMAT, "load: path");
    CHECK_FAILS(dpmix_clusterer_load(&clusterer, tiny_path("missing")), DPMIX_ERR_IO, "load: path");
    CHECK_FAILS(dpmix_clusterer_load(&clusterer, tiny_folder()), DPMIX_ERR_IO, "load: path");
    ck_assert_ptr_eq(clusterer, before);
    dpmix_generator_free(generator);
}
END_TEST

/* The folder is checked for leavings when the test ends. */
START_TEST(a_save_that_fails_leaves_no_file)
{
    dpmix_clusterer *clusterer = tiny_fitted_clusterer(&tiny, _i, 0.5);
    char nowhere[160];
    snprintf(nowhere, sizeof nowhere, "%s/none/a", tiny_folder());
    CHECK_FAILS(dpmix_clusterer_save(clusterer, nowhere), DPMIX_ERR_IO, "dpmix_clusterer_save: path");
    ck_assert_int_eq(mkdir(tiny_path("a"), 0700), 0);
    CHECK_FAILS(dpmix_clusterer_save(clusterer, tiny_path("a")), DPMIX_ERR_IO, "dpmix_clusterer_save: path");
    ck_assert_int_eq(rmdir(tiny_path("a")), 0);
    dpmix_clusterer_free(clusterer);
}
END_TEST

/* What a damaged file with a checksum that fits may hold is used in full: it must not crash either. */
static int load_and_use(const char *path)
{
    dpmix_clusterer *clusterer = NULL;
    int status = dpmix_clusterer_load(&clusterer, path);
    if (status)
        return status;
    float rows[4 * 8] = {0.5f, NAN, -3, 8};
    int n_parts = dpmix_clusterer_parts(clusterer);
    int32_t parts[4], labels[4] = {0, 1, n_parts - 1, 1};
    double *weights = malloc((size_t)n_parts * sizeof *weights), sum = 0;
    ck_assert_ptr_nonnull(weights);
    CHECK_OK(dpmix_clusterer_weights(clusterer, weights, (size_t)n_parts));
    for (int i = 0; i < n_parts; i++)
        sum += weights[i];
    ck_assert_double_eq_tol(sum, 1, 1e-5);
    for (size_t columns = 1; columns <= 8; columns++) {
        int assigned = dpmix_clusterer_assign(clusterer, parts, rows, 4, columns, labels);
        for (size_t i = 0; !assigned && i < 4; i++)
            ck_assert(parts[i] >= 0 && parts[i] < n_parts);
        /* A label beyond the parts is no class, or it is not used. */
        assigned = dpmix_clusterer_assign(clusterer, parts, rows, 1, columns, &n_parts);
        ck_assert(assigned || parts[0] < n_parts);
    }
    ck_assert_uint_lt(strlen(ledger_of(clusterer)), 8192);
    free(weights);
    dpmix_clusterer_free(clusterer);
    return DPMIX_OK;
}

START_TEST(damaged_files_are_refused)
{
    dpmix_clusterer *clusterer = tiny_fitted_clusterer(&tiny, _i, 1);
    CHECK_OK(dpmix_clusterer_save(clusterer, tiny_path("a")));
    dpmix_clusterer_free(clusterer);
    tiny_damage(load_and_use, tiny_path("a"));
}
END_TEST

static Suite *clusterer_suite(void)
{
    Suite *suite = suite_create("clusterer");
    TCase *kinds = check_case(suite, "each kind");
    tcase_add_checked_fixture(kinds, setup, teardown);
    tcase_add_loop_test(kinds, null_is_refused, FIRST_KIND, END_KINDS);
    tcase_add_loop_test(kinds, before_the_fit_there_is_nothing_to_have, FIRST_KIND, END_KINDS);
    tcase_add_loop_test(kinds, shares_outside_their_range_are_refused, FIRST_KIND, END_KINDS);
    tcase_add_loop_test(kinds, a_second_fit_is_refused, FIRST_KIND, END_KINDS);
    tcase_add_loop_test(kinds, cancelled_fits_leave_an_unfitted_handle, FIRST_KIND, END_KINDS);
    tcase_add_loop_test(kinds, assign_checks_its_arguments, FIRST_KIND, END_KINDS);
    tcase_add_loop_test(kinds, assign_takes_rows_one_by_one, FIRST_KIND, END_KINDS);
    TCase *own = check_case(suite, "of a kind");
    tcase_add_checked_fixture(own, setup, teardown);
    tcase_add_test(own, unknown_kinds_are_refused);
    tcase_add_loop_test(own, label_weights_are_near_the_class_shares, 0, 2);
    tcase_add_test(own, a_label_is_its_part);
    tcase_add_test(own, labels_are_needed_by_label_only);
    tcase_add_test(own, kmeans_finds_the_blobs);
    TCase *files = check_case(suite, "files");
    tcase_add_checked_fixture(files, setup, teardown);
    tcase_add_loop_test(files, a_loaded_clusterer_is_the_saved_one, FIRST_KIND, END_KINDS);
    tcase_add_test(files, files_of_others_are_refused);
    tcase_add_loop_test(files, a_save_that_fails_leaves_no_file, FIRST_KIND, END_KINDS);
    tcase_add_loop_test(files, damaged_files_are_refused, FIRST_KIND, END_KINDS);
    return suite;
}

CHECK_MAIN(clusterer_suite)
