/* SPDX-License-Identifier: BSD-3-Clause */
/* DP kernel k-means through the public functions, in test mode: every fit has fixed randomness. */
#include "base_alloc.h"
#include "cluster_lloyd.h"
#include "feature_fourier.h"
#include "privacy_test.h"

#include "tiny_fit.h"

static const struct fit plain_fit = {.kind = DPMIX_CLUSTERER_KMEANS,
                                     .n_rows = ROWS,
                                     .epsilon = 2,
                                     .clusters = BLOBS,
                                     .steps = 6,
                                     .features = 64,
                                     .bits = 10,
                                     .threads = 2,
                                     .key = 1};

/* The share of rows that lie in the part of most of the rows of its blob, or the other way round. */
static double purity(int n_parts)
{
    size_t table[MOST_PARTS][BLOBS] = {{0}}, pure = 0;
    for (size_t i = 0; i < ROWS; i++)
        table[parts[i]][blobs[i]]++;
    for (int part = 0; part < n_parts; part++) {
        size_t most = 0;
        for (int blob = 0; blob < BLOBS; blob++)
            most = table[part][blob] > most ? table[part][blob] : most;
        pure += most;
    }
    return (double)pure / ROWS;
}

/* Blobs that lie further apart than ten deviations: every part holds rows of one blob, for several keys. 40
 * fits of other data and keys had none below 0.99; the keys are fixed, so this one is a fact. */
START_TEST(test_blobs_are_found)
{
    struct fit fit = plain_fit;
    fit.key = (uint8_t)(_i + 1);
    run_fit(&fit);
    ck_assert_int_eq(dpmix_clusterer_parts(fit.clusterer), BLOBS);
    assign(fit.clusterer, parts);
    ck_assert_double_gt(purity(BLOBS), 0.99);
    check_weights(fit.clusterer);
    check_shares(fit.clusterer);
    close_fit(&fit);
}
END_TEST

START_TEST(test_more_parts_than_blobs)
{
    struct fit fit = plain_fit;
    fit.clusters = MOST_PARTS;
    run_fit(&fit);
    ck_assert_int_eq(dpmix_clusterer_parts(fit.clusterer), MOST_PARTS);
    assign(fit.clusterer, parts);
    ck_assert_double_gt(purity(MOST_PARTS), 0.99);
    check_weights(fit.clusterer);
    close_fit(&fit);
}
END_TEST

/* A third of the cube's diagonal: frequencies have the deviation 1 / (2 pi bandwidth), in turns. */
START_TEST(test_automatic_bandwidth)
{
    struct fit fit = plain_fit;
    double square = 0;
    run_fit(&fit);
    const struct dpm_feature_fourier *map =
        ((const struct dpm_centres *)((const struct dpmix_clusterer *)fit.clusterer)->model)->map;
    size_t n = map->n_columns * map->n_features / 2;
    for (size_t i = 0; i < n; i++)
        square += (double)map->frequencies[i] * (double)map->frequencies[i] / (double)n;
    double bandwidth = 1 / (2 * 3.14159265358979 * sqrt(square));
    ck_assert_double_eq_tol(bandwidth / (sqrt(COLUMNS) / 3), 1, 0.15);
    close_fit(&fit);
}
END_TEST

/* A centre that stays where noise may have put its sum, and one that moves by a count that is floored. */
START_TEST(test_moves_are_shrunk_by_the_noise)
{
    enum { D = 2 };
    float centre[D] = {0.5f, 0};
    double sums[D + 1], counts[1];
    struct dpm_centres centres = {
        .n_columns = D, .n_features = D, .n_centres = 1, .radius = 1, .centres = centre};
    struct dpm_lloyd lloyd = {
        .centres = &centres, .n_parts = 1, .count_weight = 0.5f, .sums = sums, .counts = counts};
    lloyd.plans[0] = (struct dpm_query_plan){.n_matrices = 1,
                                             .matrix = {{1, D + 1, 1}},
                                             .clip_norm = 1,
                                             .cancellation = 1,
                                             .sampling_rate = 1,
                                             .steps = 1,
                                             .noise_multiplier = 10};
    double noise = dpm_query_noise(&lloyd.plans[0]), count_noise = 2 * noise, count = 1000;
    sums[0] = 0.5 * count + 0.9 * noise; /* on each number a deviation would be as much as noise gives */
    sums[1] = -0.9 * noise;
    sums[2] = 0.5 * count;
    dpm_lloyd_move(&lloyd, 0, DPM_LLOYD_MEAN);
    ck_assert(centre[0] == 0.5f && centre[1] == 0);
    ck_assert_double_eq_tol(counts[0], count, 1e-9);
    double away = 20 * noise, expected = noise * noise * D + count_noise * count_noise * 0.25;
    sums[0] = 0.5; /* of a single row */
    sums[1] = away;
    sums[2] = 0.5;
    dpm_lloyd_move(&lloyd, 0, DPM_LLOYD_MEAN);
    ck_assert_double_eq_tol((double)centre[1] / (double)centre[0],
                            (1 - expected / (away * away)) * away / (4 * count_noise) / 0.5, 1e-3);
}
END_TEST

/* The partition into one part needs no data: no query, no debit. */
START_TEST(test_one_part)
{
    struct fit fit = plain_fit;
    fit.clusters = 1;
    run_fit(&fit);
    ck_assert_uint_eq(fit.mode.queries, 0);
    ck_assert_double_eq(tiny_spent(fit.accountant), 0);
    ck_assert_int_eq(dpmix_clusterer_parts(fit.clusterer), 1);
    check_weights(fit.clusterer);
    assign(fit.clusterer, parts);
    dpmix_clusterer *loaded = NULL;
    CHECK_OK(dpmix_clusterer_save(fit.clusterer, tiny_path("a")));
    CHECK_OK(dpmix_clusterer_load(&loaded, tiny_path("a")));
    assign(loaded, parts);
    dpmix_clusterer_free(loaded);
    close_fit(&fit);
}
END_TEST

/* Few rows or none, and next to no budget: everything is noise, and every output is still in range. */
START_TEST(test_nothing_but_noise)
{
    static const size_t counts[] = {0, 1, 2, 50};
    static const int clusters[] = {2, 3, MOST_PARTS};
    static const int steps[] = {1, 2, 7};
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
        for (size_t j = 0; j < 3; j++) {
            struct fit fit = plain_fit;
            fit.n_rows = counts[i];
            fit.clusters = clusters[j];
            fit.steps = steps[j];
            fit.features = 5 + (int)i; /* an odd number is rounded up */
            fit.epsilon = j == 1 ? 1e-3 : 1;
            run_fit(&fit);
            ck_assert_uint_eq(fit.mode.queries, (unsigned)steps[j] + 2);
            ck_assert_int_eq(dpmix_clusterer_parts(fit.clusterer), clusters[j]);
            check_weights(fit.clusterer);
            assign(fit.clusterer, parts);
            close_fit(&fit);
        }
    }
}
END_TEST

START_TEST(test_same_result_for_any_number_of_threads)
{
    check_threads(&plain_fit);
}
END_TEST

START_TEST(test_save_and_load)
{
    struct fit fit = plain_fit;
    run_fit(&fit);
    dpmix_clusterer *loaded = saved_and_loaded(fit.clusterer);
    dpmix_clusterer_free(loaded);
    close_fit(&fit);
}
END_TEST

static int load_and_use(const char *path)
{
    static const float some_rows[3 * COLUMNS] = {0.5f, 1e30f, -1e30f};
    int32_t some_parts[3];
    dpmix_clusterer *loaded = NULL;
    int status = dpmix_clusterer_load(&loaded, path);
    if (status)
        return status;
    if (dpmix_clusterer_assign(loaded, some_parts, some_rows, 3, COLUMNS, NULL) == DPMIX_OK) {
        for (int i = 0; i < 3; i++)
            ck_assert(some_parts[i] >= 0 && some_parts[i] < dpmix_clusterer_parts(loaded));
    }
    dpmix_clusterer_free(loaded);
    return DPMIX_OK;
}

START_TEST(test_damaged_files)
{
    struct fit fit = plain_fit;
    fit.features = 2;
    fit.clusters = 2;
    fit.steps = 1;
    run_fit(&fit);
    CHECK_OK(dpmix_clusterer_save(fit.clusterer, tiny_path("a")));
    close_fit(&fit);
    tiny_damage(load_and_use, tiny_path("a"));
}
END_TEST

/* (part) x (one-hot row number), for the test below: row i has label i. */
static void contribute_label(const void *model, const struct dpm_block *block, float *const *left,
                             float *const *right)
{
    size_t n = *(const size_t *)model;
    memset(right[0], 0, block->n_rows * n * sizeof(float));
    for (size_t i = 0; i < block->n_rows; i++) {
        left[0][i] = 1;
        right[0][i * n + (size_t)block->labels[i]] = 1;
    }
}

/* The vault puts each row where dpmix_clusterer_assign() puts it. */
START_TEST(test_vault_assigns_alike)
{
    enum { N = 700 };
    static const double lower = TINY_LOWER, upper = TINY_UPPER;
    static double sums[BLOBS * N];
    struct fit fit = plain_fit;
    struct dpm_query_plan plan = {.n_matrices = 1,
                                  .matrix = {{1, N, 1}},
                                  .per_part = 1,
                                  .clip_norm = 1,
                                  .cancellation = 1,
                                  .sampling_rate = 1,
                                  .steps = 1,
                                  .noise_multiplier = 1e3};
    struct dpm_release *release = NULL;
    dpmix_dataset *dataset = NULL;
    size_t n = N;
    run_fit(&fit);
    assign(fit.clusterer, parts);
    for (int32_t i = 0; i < N; i++)
        other_parts[i] = i;
    CHECK_OK(dpmix_dataset_new_f32(&dataset, rows, N, COLUMNS, other_parts, N, &lower, &upper, 1,
                                   DPMIX_STORAGE_COPY));
    dpmix_accountant *accountant = tiny_accountant(1);
    fit.mode.mode.noiseless = 1;
    dpm_dataset_set_test(dataset, &fit.mode.mode);
    struct dpm_partition partition = dpm_clusterer_partition(fit.clusterer);
    CHECK_OK(dpm_release_open(&release, accountant, dataset, "test", &plan, 1, &partition, 2));
    CHECK_OK(dpm_release_query(release, 0, contribute_label, &n, sums));
    for (int32_t part = 0; part < BLOBS; part++)
        for (size_t i = 0; i < N; i++)
            ck_assert_double_eq_tol(sums[(size_t)part * N + i], parts[i] == part, 1e-3);
    dpm_release_close(release);
    dpmix_dataset_free(dataset);
    dpmix_accountant_free(accountant);
    close_fit(&fit);
}
END_TEST

START_TEST(test_bad_options)
{
    dpmix_options *options = NULL;
    CHECK_OK(dpmix_options_new(&options));
    CHECK_FAILS(dpmix_options_set_int(options, DPMIX_OPTION_CLUSTERS, 0), DPMIX_ERR_RANGE, "value");
    CHECK_FAILS(dpmix_options_set_int(options, DPMIX_OPTION_KMEANS_STEPS, 0), DPMIX_ERR_RANGE, "value");
    CHECK_FAILS(dpmix_options_set_int(options, DPMIX_OPTION_KMEANS_FEATURES, -1), DPMIX_ERR_RANGE, "value");
    CHECK_FAILS(dpmix_options_set_double(options, DPMIX_OPTION_KMEANS_BANDWIDTH, -1), DPMIX_ERR_RANGE,
                "value");
    dpmix_options_free(options);
}
END_TEST

/* Between 0, which is a rule, and the least that is a number. */
START_TEST(test_too_small_options)
{
    static const struct {
        int key;
        double value;
        const char *name;
    } small[] = {{DPMIX_OPTION_KMEANS_BANDWIDTH, 1e-4, "kmeans_bandwidth"},
                 {DPMIX_OPTION_KMEANS_ROW_CLIP, 9.7e-4, "kmeans_row_clip"}};
    dpmix_options *options = NULL;
    dpmix_clusterer *narrow = NULL;
    struct fit fit = plain_fit;
    CHECK_OK(dpmix_options_new(&options));
    CHECK_OK(dpmix_options_set_double(options, small[_i].key, small[_i].value));
    open_fit(&fit);
    CHECK_OK(dpmix_clusterer_new(&narrow, DPMIX_CLUSTERER_KMEANS, options));
    CHECK_FAILS(dpmix_clusterer_fit(narrow, fit.accountant, fit.dataset, 1, NULL, NULL), DPMIX_ERR_RANGE,
                small[_i].name);
    ck_assert_double_eq(tiny_spent(fit.accountant), 0);
    ck_assert_uint_eq(fit.mode.queries, 0);
    dpmix_clusterer_free(narrow);
    close_fit(&fit);
    dpmix_options_free(options);
}
END_TEST

struct progress {
    uint64_t calls, last, stop_at, total;
    double spent;
};

static int watch(void *user, int phase, uint64_t done, uint64_t total, double spent)
{
    struct progress *progress = user;
    ck_assert_int_eq(phase, DPMIX_PHASE_CLUSTER);
    ck_assert_uint_eq(done, progress->calls);
    progress->calls++;
    progress->last = done;
    progress->total = total;
    progress->spent = spent;
    return done == progress->stop_at;
}

START_TEST(test_budget)
{
    struct fit fit = plain_fit;
    struct progress progress = {.stop_at = UINT64_MAX};
    open_fit(&fit);
    CHECK_OK(dpmix_clusterer_fit(fit.clusterer, fit.accountant, fit.dataset, 0.5, watch, &progress));
    ck_assert_uint_eq(progress.calls, 9); /* before each of the queries, and at the end */
    ck_assert_uint_eq(progress.last, progress.total);
    double spent = tiny_spent(fit.accountant);
    ck_assert_double_eq(progress.spent, spent);
    ck_assert_double_le(spent, 0.5 * fit.epsilon);
    ck_assert_double_gt(spent, 0.499 * fit.epsilon);
    ck_assert_uint_eq(tiny_entries(fit.accountant), 1);
    CHECK_FAILS(dpmix_clusterer_fit(fit.clusterer, fit.accountant, fit.dataset, 0.5, NULL, NULL),
                DPMIX_ERR_STATE, "fitted");

    /* All that is left, and then the slivers that calibration leaves, until a fit is refused. */
    int status = DPMIX_OK;
    for (int i = 0; !status && i < 10; i++) {
        unsigned queries = fit.mode.queries;
        dpmix_clusterer *next = tiny_clusterer(DPMIX_CLUSTERER_KMEANS);
        status = dpmix_clusterer_fit(next, fit.accountant, fit.dataset, 1, NULL, NULL);
        ck_assert_uint_eq(fit.mode.queries, status ? queries : queries + 4);
        ck_assert_int_eq(dpmix_clusterer_parts(next), status ? 0 : 2);
        ck_assert_double_le(tiny_spent(fit.accountant), fit.epsilon);
        dpmix_clusterer_free(next);
    }
    ck_assert(status == DPMIX_ERR_BUDGET || status == DPMIX_ERR_RANGE);
    close_fit(&fit);
}
END_TEST

/* What was debited stays spent, and the clusterer is as it was before. */
START_TEST(test_cancelled)
{
    for (uint64_t at = 0; at <= 8; at++) {
        struct fit fit = plain_fit;
        struct progress progress = {.stop_at = at};
        open_fit(&fit);
        CHECK_FAILS(dpmix_clusterer_fit(fit.clusterer, fit.accountant, fit.dataset, 0.5, watch, &progress),
                    DPMIX_ERR_CANCELLED, "dpmix_clusterer_fit");
        ck_assert_uint_eq(fit.mode.queries, at);
        ck_assert_double_gt(tiny_spent(fit.accountant), 0);
        ck_assert_int_eq(dpmix_clusterer_parts(fit.clusterer), 0);
        CHECK_OK(dpmix_clusterer_fit(fit.clusterer, fit.accountant, fit.dataset, 1, NULL, NULL));
        close_fit(&fit);
    }
}
END_TEST

/* Out of memory at each allocation: no leak, and none after the debit, where it would depend on the data. */
START_TEST(test_out_of_memory)
{
    int64_t live = dpm_alloc_live();
    int status = DPMIX_ERR_NOMEM;
    for (uint64_t nth = 1; status; nth++) {
        struct fit fit = plain_fit;
        struct progress progress = {.stop_at = UINT64_MAX};
        open_fit(&fit);
        dpm_alloc_fail_after(nth, 0);
        status = dpmix_clusterer_fit(fit.clusterer, fit.accountant, fit.dataset, 1, watch, &progress);
        dpm_alloc_fail_after(0, 0);
        ck_assert(status == DPMIX_OK || status == DPMIX_ERR_NOMEM);
        if (status) {
            ck_assert_int_eq(dpmix_clusterer_parts(fit.clusterer), 0);
            ck_assert_double_eq(tiny_spent(fit.accountant), 0);
            ck_assert_uint_eq(progress.calls, 0);
        }
        close_fit(&fit);
        ck_assert_int_eq(dpm_alloc_live(), live);
    }
}
END_TEST

static Suite *suite(void)
{
    Suite *suite = suite_create("kmeans");
    TCase *files = tcase_create("files"), *found = tcase_create("found");
    tcase_set_timeout(found, 0);
    tcase_add_loop_test(found, test_blobs_are_found, 0, 6);
    tcase_add_loop_test(found, test_too_small_options, 0, 2);
    suite_add_tcase(suite, found);
    CHECK_ADD(suite, test_more_parts_than_blobs);
    CHECK_ADD(suite, test_automatic_bandwidth);
    CHECK_ADD(suite, test_moves_are_shrunk_by_the_noise);
    CHECK_ADD(suite, test_nothing_but_noise);
    CHECK_ADD(suite, test_vault_assigns_alike);
    CHECK_ADD(suite, test_bad_options);
    CHECK_ADD(suite, test_budget);
    CHECK_ADD(suite, test_cancelled);
    CHECK_ADD(suite, test_out_of_memory);
    tcase_set_timeout(files, 0);
    tcase_add_checked_fixture(files, tiny_folder_setup, tiny_folder_teardown);
    tcase_add_test(files, test_one_part);
    tcase_add_test(files, test_same_result_for_any_number_of_threads);
    tcase_add_test(files, test_save_and_load);
    tcase_add_test(files, test_damaged_files);
    suite_add_tcase(suite, files);
    return suite;
}

CHECK_MAIN(suite)
