/* SPDX-License-Identifier: BSD-3-Clause */
/* The public maps of images: contracts. The values are tested with the room. */
#include "base_alloc.h"
#include "check_main.h"
#include "check_status.h"
#include "feature_scatter.h"

#include <dpmix/dpmix.h>

enum { ROWS = 11, SIDE = 12, PIXELS = SIDE * SIDE };

static void put_rows(float *rows)
{
    for (int i = 0; i < ROWS * PIXELS; i++)
        rows[i] = (float)(i * 37 % 101) / 101;
}

START_TEST(shapes)
{
    size_t dims = 0, channels = 0, positions = 0;
    ck_assert_int_eq(dpmix_feature_dct_size(&dims, 28, 8), DPMIX_OK);
    ck_assert_uint_eq(dims, 58);
    ck_assert_int_eq(dpmix_feature_dct_size(&dims, 28, 11), DPMIX_OK);
    ck_assert_uint_eq(dims, 106);
    ck_assert_int_eq(dpmix_feature_dct_size(&dims, 28, 16), DPMIX_OK);
    ck_assert_uint_eq(dims, 216);
    ck_assert_int_eq(dpmix_feature_dct_size(&dims, 28, 40), DPMIX_OK);
    ck_assert_uint_eq(dims, 784);
    ck_assert_int_eq(dpmix_feature_scattering_size(&channels, &positions, 28, 2, 8), DPMIX_OK);
    ck_assert_uint_eq(channels, 81);
    ck_assert_uint_eq(positions, 49);
}
END_TEST

START_TEST(there_and_back)
{
    float rows[ROWS * PIXELS], out[ROWS * PIXELS], back[ROWS * PIXELS];
    put_rows(rows);
    ck_assert_int_eq(dpmix_feature_dct(out, rows, ROWS, SIDE, 2 * SIDE), DPMIX_OK);
    ck_assert_int_eq(dpmix_feature_dct_inverse(back, out, ROWS, SIDE, 2 * SIDE), DPMIX_OK);
    double mean = 0;
    for (int i = 0; i < ROWS * PIXELS; i++) {
        ck_assert_float_eq_tol(back[i], rows[i], 2e-6f);
        mean += i < PIXELS ? rows[i] / PIXELS : 0;
    }
    ck_assert_double_eq_tol(out[0], SIDE * mean, 1e-5);
    ck_assert_int_eq(dpmix_feature_distance(out, rows, ROWS, SIDE), DPMIX_OK);
    ck_assert_int_eq(dpmix_feature_distance_inverse(out, out, ROWS, SIDE), DPMIX_OK);
    for (int i = 0; i < ROWS * PIXELS; i++)
        ck_assert_float_eq_tol(out[i], rows[i] >= 0.5f, 2e-6f);
}
END_TEST

START_TEST(scattering_with_and_without_groups)
{
    enum { CHANNELS = 7, POSITIONS = 36, SIZE = CHANNELS * POSITIONS };
    float rows[ROWS * PIXELS], out[ROWS * SIZE], grouped[ROWS * SIZE], single[SIZE];
    put_rows(rows);
    int64_t live = dpm_alloc_live();
    ck_assert_int_eq(dpmix_feature_scattering(out, rows, ROWS, SIDE, 1, 6, 0), DPMIX_OK);
    ck_assert_int_eq(dpmix_feature_scattering(grouped, rows, ROWS, SIDE, 1, 6, 7), DPMIX_OK);
    ck_assert_int_eq(dpmix_feature_scattering(single, rows + 9 * PIXELS, 1, SIDE, 1, 6, 7), DPMIX_OK);
    ck_assert_mem_eq(single, grouped + 9 * SIZE, sizeof single);
    dpm_feature_scatter_normalise(out, SIZE, ROWS, CHANNELS, POSITIONS, 7);
    ck_assert_mem_eq(out, grouped, sizeof out);
    ck_assert_int_eq(dpmix_feature_scattering(out, rows, 0, SIDE, 1, 6, 0), DPMIX_OK);
    ck_assert_int_eq(dpm_alloc_live(), live);
}
END_TEST

START_TEST(bad_arguments)
{
    float x[4] = {9, 9, 9, 9};
    size_t a = 9, b = 9;
    CHECK_FAILS(dpmix_feature_dct_size(NULL, 28, 8), DPMIX_ERR_ARG, "dims");
    CHECK_FAILS(dpmix_feature_dct_size(&a, 0, 0), DPMIX_ERR_RANGE, "side");
    CHECK_FAILS(dpmix_feature_dct(NULL, x, 1, 2, 1), DPMIX_ERR_ARG, "out");
    CHECK_FAILS(dpmix_feature_dct(x, NULL, 1, 2, 1), DPMIX_ERR_ARG, "rows");
    CHECK_FAILS(dpmix_feature_dct(x, x, 1, 2, 5), DPMIX_ERR_RANGE, "radius");
    CHECK_FAILS(dpmix_feature_dct_inverse(x, x, 1, 129, 5), DPMIX_ERR_RANGE, "side");
    CHECK_FAILS(dpmix_feature_scattering_size(&a, NULL, 28, 2, 8), DPMIX_ERR_ARG, "n_positions");
    CHECK_FAILS(dpmix_feature_scattering_size(&a, &b, 28, -1, 8), DPMIX_ERR_RANGE, "scales");
    CHECK_FAILS(dpmix_feature_scattering_size(&a, &b, 28, 2, -8), DPMIX_ERR_RANGE, "angles");
    CHECK_FAILS(dpmix_feature_scattering(x, x, 1, 3, 2, 8, 0), DPMIX_ERR_RANGE, "side");
    CHECK_FAILS(dpmix_feature_scattering(x, x, 1, 28, 2, 8, 2), DPMIX_ERR_RANGE, "groups");
    CHECK_FAILS(dpmix_feature_scattering(x, x, 1, 28, 2, 8, -1), DPMIX_ERR_RANGE, "groups");
    CHECK_FAILS(dpmix_feature_distance(x, x, 1, 0), DPMIX_ERR_RANGE, "side");
    CHECK_FAILS(dpmix_feature_distance_inverse(x, x, 1, 129), DPMIX_ERR_RANGE, "side");
    for (int i = 0; i < 4; i++)
        ck_assert_float_eq(x[i], 9);
    ck_assert_uint_eq(a + b, 18);
}
END_TEST

START_TEST(out_of_memory)
{
    float x[64] = {0}, out[200];
    int64_t live = dpm_alloc_live();
    int failed = 0, status = DPMIX_ERR_NOMEM;
    while (status) {
        dpm_alloc_fail_after((uint64_t)++failed, 0);
        status = dpmix_feature_scattering(out, x, 1, 8, 1, 2, 1);
        dpm_alloc_fail_after(0, 0);
        ck_assert(status == DPMIX_OK || status == DPMIX_ERR_NOMEM);
        ck_assert_int_eq(dpm_alloc_live(), live);
    }
    ck_assert_int_gt(failed, 5);
    dpm_alloc_fail_after(1, 0);
    ck_assert_int_eq(dpmix_feature_dct(out, x, 1, 8, 3), DPMIX_ERR_NOMEM);
    dpm_alloc_fail_after(0, 0);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("feature");
    CHECK_ADD(s, shapes);
    CHECK_ADD(s, there_and_back);
    CHECK_ADD(s, scattering_with_and_without_groups);
    CHECK_ADD(s, bad_arguments);
    CHECK_ADD(s, out_of_memory);
    return s;
}

CHECK_MAIN(suite)
