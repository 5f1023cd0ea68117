/* SPDX-License-Identifier: BSD-3-Clause */
/* DP k-means on the columns and the coreset through the public functions, in test mode: every fit has fixed
 * randomness. What all k-means share is in kmeans_test.c. */
#include "base_alloc.h"
#include "cluster_centres.h"
#include "cluster_kind.h"
#include "linalg_mat.h"
#include "privacy_test.h"

#include "tiny_fit.h"

#include <math.h>

/* Test number i is of k-means where i is even, else of the coreset. */
static struct fit plain_fit(int i)
{
    return (struct fit){.kind = i % 2 ? DPMIX_CLUSTERER_CORESET : DPMIX_CLUSTERER_KMEANS,
                        .n_rows = ROWS,
                        .epsilon = 2,
                        .clusters = BLOBS,
                        .steps = 4,
                        .bits = 6,
                        .threads = 2,
                        .key = (uint8_t)(1 + i / 2)};
}

static double distance(const double *centre, const float *row)
{
    double sum = 0;
    for (size_t j = 0; j < COLUMNS; j++)
        sum += pow(centre[j] - (double)row[j], 2);
    return sum;
}

/* Sum of squared distances to the nearest of the released centres, over that to the centres of the blobs; and
 * rows are where their nearest centre is. */
static double relative_cost(const struct fit *fit)
{
    double centres[MOST_PARTS * COLUMNS], cost = 0, blob_cost = 0;
    size_t n_parts = (size_t)dpmix_clusterer_parts(fit->clusterer), elsewhere = 0;
    CHECK_OK(dpmix_clusterer_centres(fit->clusterer, centres, n_parts, COLUMNS));
    assign(fit->clusterer, parts);
    for (size_t i = 0; i < ROWS; i++) {
        double least = INFINITY, blob[COLUMNS];
        size_t nearest = 0;
        for (size_t j = 0; j < n_parts; j++) {
            double square = distance(centres + j * COLUMNS, rows + i * COLUMNS);
            nearest = square < least ? j : nearest;
            least = fmin(least, square);
        }
        elsewhere += nearest != (size_t)parts[i];
        cost += least;
        for (size_t j = 0; j < COLUMNS; j++)
            blob[j] = tiny_centre(blobs[i], j, BLOBS);
        blob_cost += distance(blob, rows + i * COLUMNS);
    }
    ck_assert_uint_le(elsewhere, ROWS / 20); /* those that were moved to the sphere */
    return cost / blob_cost;
}

/* Every part is one of the blobs, and its centre close to the blob's: with two blobs in a part the relative
 * cost would be above 3. The keys are fixed, so this is a fact. */
START_TEST(test_blobs_are_found)
{
    struct fit fit = plain_fit(_i);
    run_fit(&fit);
    ck_assert_int_eq(dpmix_clusterer_parts(fit.clusterer), BLOBS);
    ck_assert_double_lt(relative_cost(&fit), 1.05);
    check_weights(fit.clusterer);
    check_shares(fit.clusterer);
    close_fit(&fit);
}
END_TEST

/* Rows go by the centres as they are: |centre|^2 / 2, which the nearest is found by, follows them. */
static void check_offsets(void *user, const struct dpm_observation *observation, int64_t *sums)
{
    const struct fit *fit = user;
    const struct dpm_centres *centres = ((const struct dpmix_clusterer *)fit->clusterer)->model;
    size_t first = fit->kind == DPMIX_CLUSTERER_CORESET ? 3 : 2, d = centres->n_features;
    (void)sums;
    for (size_t j = 0; observation->plan >= first && j < centres->n_centres; j++) {
        double half = dpm_mat_square(centres->centres + j * d, d) / 2;
        ck_assert_double_eq_tol((double)centres->offsets[j], half, 1e-6);
    }
}

START_TEST(test_rows_go_by_the_centres)
{
    struct fit fit = plain_fit(_i);
    open_fit(&fit);
    fit.mode.mode.observe = check_offsets;
    fit.mode.mode.user = &fit;
    CHECK_OK(dpmix_clusterer_fit(fit.clusterer, fit.accountant, fit.dataset, 1, NULL, NULL));
    close_fit(&fit);
}
END_TEST

enum { MOST_CENTRES = 4 * MOST_PARTS };

/* The centres of a step of k-means, and which of them had no row. */
struct reseeding {
    const struct fit *fit;
    size_t n_centres, n_empty, n_left; /* n_left: of the empty ones, where they were */
    float centres[MOST_CENTRES * COLUMNS];
    int empty[MOST_CENTRES];
};

static void watch_reseeding(void *user, const struct dpm_observation *observation, int64_t *sums)
{
    struct reseeding *seen = user;
    const struct dpm_centres *centres = ((const struct dpmix_clusterer *)seen->fit->clusterer)->model;
    size_t n = centres->n_centres;
    if (observation->plan != 2) /* behind mean and radius */
        return;
    ck_assert_uint_le(n, MOST_CENTRES);
    for (size_t j = 0; n == seen->n_centres && j < n; j++)
        if (seen->empty[j]) {
            seen->n_empty++;
            seen->n_left += memcmp(seen->centres + j * COLUMNS, centres->centres + j * COLUMNS,
                                   COLUMNS * sizeof(float)) == 0;
        }
    seen->n_centres = n;
    memcpy(seen->centres, centres->centres, n * COLUMNS * sizeof(float));
    for (size_t j = 0; j < n; j++)
        seen->empty[j] = sums[j * (COLUMNS + 1) + COLUMNS] == 0;
}

/* No part stays empty where others have rows for two. */
START_TEST(test_empty_parts_get_half_of_another)
{
    struct fit fit = plain_fit(2 * _i);
    struct reseeding seen = {.fit = &fit};
    fit.clusters = MOST_PARTS;
    fit.epsilon = 50;
    fit.steps = 6;
    open_fit(&fit);
    fit.mode.mode.observe = watch_reseeding;
    fit.mode.mode.user = &seen;
    CHECK_OK(dpmix_clusterer_fit(fit.clusterer, fit.accountant, fit.dataset, 1, NULL, NULL));
    ck_assert_uint_gt(seen.n_empty, 0);
    ck_assert_uint_eq(seen.n_left, 0);
    close_fit(&fit);
}
END_TEST

START_TEST(test_more_parts_than_blobs)
{
    struct fit fit = plain_fit(_i);
    fit.clusters = MOST_PARTS;
    run_fit(&fit);
    ck_assert_int_eq(dpmix_clusterer_parts(fit.clusterer), MOST_PARTS);
    ck_assert_double_lt(relative_cost(&fit), 1.2);
    check_weights(fit.clusterer);
    close_fit(&fit);
}
END_TEST

/* With a declared bound the radius needs no query. */
START_TEST(test_declared_row_clip)
{
    struct fit fit = plain_fit(_i);
    fit.row_clip = 0.5;
    run_fit(&fit);
    ck_assert_uint_eq(fit.mode.queries, (unsigned)fit.steps + 2 + (unsigned)(_i % 2));
    ck_assert_double_lt(relative_cost(&fit), 1.05);
    close_fit(&fit);
}
END_TEST

START_TEST(test_one_part)
{
    struct fit fit = plain_fit(_i);
    double centre[COLUMNS];
    fit.clusters = 1;
    run_fit(&fit);
    ck_assert_uint_eq(fit.mode.queries, 0);
    ck_assert_double_eq(tiny_spent(fit.accountant), 0);
    check_weights(fit.clusterer);
    assign(fit.clusterer, parts);
    CHECK_FAILS(dpmix_clusterer_centres(fit.clusterer, centre, 1, COLUMNS), DPMIX_ERR_UNSUPPORTED, "centres");
    close_fit(&fit);
}
END_TEST

/* Few rows or none, and next to no budget: most clusters and cells are empty, everything is noise, and every
 * output is still in range. */
START_TEST(test_nothing_but_noise)
{
    static const size_t counts[] = {0, 1, 2, 50};
    static const int clusters[] = {2, 3, MOST_PARTS};
    static const int steps[] = {1, 2, 7};
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
        for (size_t j = 0; j < 3; j++) {
            struct fit fit = plain_fit(_i);
            double centres[MOST_PARTS * COLUMNS];
            fit.n_rows = counts[i];
            fit.clusters = clusters[j];
            fit.steps = steps[j];
            fit.bits = 1 + (int)(2 * i);
            fit.epsilon = j == 1 ? 1e-3 : 1;
            run_fit(&fit);
            ck_assert_uint_eq(fit.mode.queries, (unsigned)steps[j] + 3 + (unsigned)(_i % 2));
            ck_assert_int_eq(dpmix_clusterer_parts(fit.clusterer), clusters[j]);
            check_weights(fit.clusterer);
            assign(fit.clusterer, parts);
            CHECK_OK(dpmix_clusterer_centres(fit.clusterer, centres, (size_t)clusters[j], COLUMNS));
            for (size_t l = 0; l < (size_t)clusters[j] * COLUMNS; l++)
                ck_assert(centres[l] >= TINY_LOWER && centres[l] <= TINY_UPPER);
            close_fit(&fit);
        }
    }
}
END_TEST

START_TEST(test_same_result_for_any_number_of_threads)
{
    struct fit fit = plain_fit(_i);
    fit.type = _i / 2 ? DPM_TYPE_U8 : 0;
    check_threads(&fit);
}
END_TEST

START_TEST(test_save_and_load)
{
    struct fit fit = plain_fit(_i);
    double centres[BLOBS * COLUMNS], other[BLOBS * COLUMNS];
    run_fit(&fit);
    dpmix_clusterer *loaded = saved_and_loaded(fit.clusterer);
    CHECK_OK(dpmix_clusterer_centres(fit.clusterer, centres, BLOBS, COLUMNS));
    CHECK_OK(dpmix_clusterer_centres(loaded, other, BLOBS, COLUMNS));
    ck_assert_mem_eq(centres, other, sizeof centres);
    dpmix_clusterer_free(loaded);
    close_fit(&fit);
}
END_TEST

static int load_and_use(const char *path)
{
    static const float some_rows[3 * COLUMNS] = {0.5f, 1e30f, -1e30f};
    double centres[2 * COLUMNS];
    int32_t some_parts[3];
    dpmix_clusterer *clusterer = NULL;
    int status = dpmix_clusterer_load(&clusterer, path);
    if (status)
        return status;
    CHECK_OK(dpmix_clusterer_assign(clusterer, some_parts, some_rows, 3, COLUMNS, NULL));
    for (int i = 0; i < 3; i++)
        ck_assert(some_parts[i] >= 0 && some_parts[i] < dpmix_clusterer_parts(clusterer));
    CHECK_OK(dpmix_clusterer_centres(clusterer, centres, 2, COLUMNS));
    for (size_t l = 0; l < 2 * COLUMNS; l++)
        ck_assert(isfinite(centres[l]));
    dpmix_clusterer_free(clusterer);
    return DPMIX_OK;
}

START_TEST(test_damaged_files)
{
    struct fit fit = plain_fit(_i);
    fit.clusters = 2;
    fit.steps = 1;
    run_fit(&fit);
    CHECK_OK(dpmix_clusterer_save(fit.clusterer, tiny_path("a")));
    close_fit(&fit);
    tiny_damage(load_and_use, tiny_path("a"));
}
END_TEST

/* Bytes go another way through the vault than floats of the same values, with the same noise here; a row near
 * the middle between two centres may go to either. */
START_TEST(test_bytes_are_as_floats)
{
    double centres[2][BLOBS * COLUMNS], weights[2][BLOBS];
    size_t elsewhere = 0;
    for (int i = 0; i < 2; i++) {
        struct fit fit = plain_fit(_i);
        fit.type = i ? DPM_TYPE_F32 : DPM_TYPE_U8;
        run_fit(&fit);
        CHECK_OK(dpmix_clusterer_centres(fit.clusterer, centres[i], BLOBS, COLUMNS));
        CHECK_OK(dpmix_clusterer_weights(fit.clusterer, weights[i], BLOBS));
        assign(fit.clusterer, i ? parts : other_parts);
        close_fit(&fit);
    }
    for (size_t i = 0; i < BLOBS * COLUMNS; i++)
        ck_assert_double_eq_tol(centres[0][i], centres[1][i], 0.1); /* bytes' steps */
    for (size_t i = 0; i < BLOBS; i++)
        ck_assert_double_eq_tol(weights[0][i], weights[1][i], 1e-3);
    for (size_t i = 0; i < ROWS; i++)
        elsewhere += parts[i] != other_parts[i];
    ck_assert_uint_le(elsewhere, ROWS / 1000);
}
END_TEST

START_TEST(test_wrong_arguments)
{
    struct fit fit = plain_fit(0);
    double centres[BLOBS * COLUMNS];
    open_fit(&fit);
    CHECK_FAILS(dpmix_clusterer_centres(fit.clusterer, centres, BLOBS, COLUMNS), DPMIX_ERR_STATE,
                "clusterer");
    CHECK_OK(dpmix_clusterer_fit(fit.clusterer, fit.accountant, fit.dataset, 1, NULL, NULL));
    CHECK_FAILS(dpmix_clusterer_centres(NULL, centres, BLOBS, COLUMNS), DPMIX_ERR_ARG, "clusterer");
    CHECK_FAILS(dpmix_clusterer_centres(fit.clusterer, NULL, BLOBS, COLUMNS), DPMIX_ERR_ARG, "centres");
    CHECK_FAILS(dpmix_clusterer_centres(fit.clusterer, centres, BLOBS + 1, COLUMNS), DPMIX_ERR_RANGE,
                "n_parts");
    CHECK_FAILS(dpmix_clusterer_centres(fit.clusterer, centres, BLOBS, COLUMNS - 1), DPMIX_ERR_RANGE,
                "n_columns");
    close_fit(&fit);
}
END_TEST

/* By label and over random Fourier features there are no centres among the rows. */
START_TEST(test_parts_without_centres)
{
    static const int kinds[] = {DPMIX_CLUSTERER_LABEL, DPMIX_CLUSTERER_KMEANS};
    struct tiny_case tiny;
    double centres[2 * TINY_COLUMNS];
    tiny_case_open(&tiny, 2, 1);
    for (int i = 0; i < 2; i++) {
        dpmix_clusterer *clusterer = tiny_fitted_clusterer(&tiny, kinds[i], 0.4);
        CHECK_FAILS(dpmix_clusterer_centres(clusterer, centres, 2, TINY_COLUMNS), DPMIX_ERR_UNSUPPORTED,
                    "clusterer");
        dpmix_clusterer_free(clusterer);
    }
    tiny_case_close(&tiny);
}
END_TEST

/* Out of memory at each allocation: no leak, and none after the debit, where it would depend on the data. */
START_TEST(test_out_of_memory)
{
    int64_t live = dpm_alloc_live();
    int status = DPMIX_ERR_NOMEM;
    for (uint64_t nth = 1; status; nth++) {
        struct fit fit = plain_fit(_i / 2);
        fit.n_rows = 300;
        fit.steps = 1;
        fit.type = _i % 2 ? DPM_TYPE_U8 : 0;
        open_fit(&fit);
        dpm_alloc_fail_after(nth, 0);
        status = dpmix_clusterer_fit(fit.clusterer, fit.accountant, fit.dataset, 1, NULL, NULL);
        dpm_alloc_fail_after(0, 0);
        ck_assert(status == DPMIX_OK || status == DPMIX_ERR_NOMEM);
        if (status) {
            ck_assert_int_eq(dpmix_clusterer_parts(fit.clusterer), 0);
            ck_assert_double_eq(tiny_spent(fit.accountant), 0);
            ck_assert_uint_eq(fit.mode.queries, 0);
        }
        close_fit(&fit);
        ck_assert_int_eq(dpm_alloc_live(), live);
    }
}
END_TEST

static Suite *suite(void)
{
    Suite *suite = suite_create("centres");
    TCase *files = tcase_create("files"), *found = tcase_create("found");
    tcase_set_timeout(found, 0);
    tcase_add_loop_test(found, test_blobs_are_found, 0, 12);
    tcase_add_loop_test(found, test_rows_go_by_the_centres, 0, 8);
    tcase_add_loop_test(found, test_empty_parts_get_half_of_another, 0, 3);
    tcase_add_loop_test(found, test_more_parts_than_blobs, 0, 2);
    tcase_add_loop_test(found, test_declared_row_clip, 0, 2);
    tcase_add_loop_test(found, test_one_part, 0, 2);
    tcase_add_loop_test(found, test_nothing_but_noise, 0, 2);
    tcase_add_loop_test(found, test_out_of_memory, 0, 4);
    tcase_add_loop_test(found, test_bytes_are_as_floats, 0, 6);
    suite_add_tcase(suite, found);
    CHECK_ADD(suite, test_wrong_arguments);
    CHECK_ADD(suite, test_parts_without_centres);
    tcase_set_timeout(files, 0);
    tcase_add_checked_fixture(files, tiny_folder_setup, tiny_folder_teardown);
    tcase_add_loop_test(files, test_same_result_for_any_number_of_threads, 0, 4);
    tcase_add_loop_test(files, test_save_and_load, 0, 2);
    tcase_add_loop_test(files, test_damaged_files, 0, 2);
    suite_add_tcase(suite, files);
    return suite;
}

CHECK_MAIN(suite)
