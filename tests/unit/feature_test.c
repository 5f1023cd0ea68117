/* SPDX-License-Identifier: BSD-3-Clause */
#include "base_alloc.h"
#include "check_main.h"
#include "feature_fourier.h"
#include "random_stream.h"

#include <dpmix/status.h>

#include <math.h>
#include <string.h>

static const uint8_t key[DPM_KEY_SIZE] = "features of the tests";

static struct dpm_feature_fourier new_map(size_t n_columns, size_t n_features, double bandwidth)
{
    struct dpm_feature_fourier map;
    ck_assert_int_eq(dpm_feature_fourier_new(&map, n_columns, n_features), DPMIX_OK);
    dpm_feature_fourier_draw(&map, bandwidth, key);
    return map;
}

/* n rows of numbers in [0, 1]; the caller frees. */
static float *new_rows(size_t n, size_t n_columns, uint64_t number)
{
    float *rows = dpm_alloc(n * n_columns, sizeof *rows);
    ck_assert_ptr_nonnull(rows);
    struct dpm_stream stream;
    dpm_stream_open(&stream, key, DPM_STREAM_SAMPLE, number, 0);
    for (size_t i = 0; i < n * n_columns; i++)
        rows[i] = (float)dpm_stream_uniform(&stream);
    return rows;
}

static double dot(const float *x, const float *y, size_t n)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += (double)x[i] * y[i];
    return sum;
}

/* Each cosine and sine is rounded to float32 once, so the norm is off by 2^-24 relative and what the
 * polynomials leave, some 1e-11. */
START_TEST(test_norm_is_one)
{
    enum { ROWS = 40, COLUMNS = 17 };
    static const size_t sizes[] = {2, 6, 64, 130, 1024};
    static const double bandwidths[] = {0.01, 1, 100};
    float *rows = new_rows(ROWS, COLUMNS, 1);
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        for (size_t j = 0; j < sizeof bandwidths / sizeof *bandwidths; j++) {
            struct dpm_feature_fourier map = new_map(COLUMNS, sizes[i], bandwidths[j]);
            float *features = dpm_alloc(ROWS * sizes[i], sizeof *features);
            dpm_feature_fourier_apply(&map, features, sizes[i], rows, ROWS);
            for (size_t row = 0; row < ROWS; row++) {
                const float *f = features + row * sizes[i];
                ck_assert_double_le(fabs(sqrt(dot(f, f, sizes[i])) - 1), 0x1p-23);
            }
            dpm_free(features);
            dpm_feature_fourier_free(&map);
        }
    }
    dpm_free(rows);
}
END_TEST

/* Against libm, on the angles that a matrix of one column gives exactly. */
START_TEST(test_cosine_and_sine)
{
    enum { ROWS = 4001 };
    const double two_pi = 6.28318530717958648;
    struct dpm_feature_fourier map = new_map(1, 2, 1);
    float *rows = dpm_alloc(ROWS, sizeof *rows), *features = dpm_alloc(2 * (size_t)ROWS, sizeof *features);
    map.frequencies[0] = 1;
    for (size_t i = 0; i < ROWS; i++)
        rows[i] = ((float)i - ROWS / 2) / 512; /* four turns to each side, whole and half ones among them */
    dpm_feature_fourier_apply(&map, features, 2, rows, ROWS);
    for (size_t i = 0; i < ROWS; i++) {
        ck_assert_double_eq_tol(features[2 * i], cos(two_pi * rows[i]), 0x1p-24);
        ck_assert_double_eq_tol(features[2 * i + 1], sin(two_pi * rows[i]), 0x1p-24);
    }
    dpm_free(rows);
    dpm_free(features);
    dpm_feature_fourier_free(&map);
}
END_TEST

/* The inner product is the mean of D/2 independent terms in [-1, 1] whose expectation is the kernel.
 * Hoeffding: P(|error| >= t) <= 2 exp(-D t^2 / 4). Over all pairs and bandwidths the chance of a false alarm
 * is 1e-6; the key is fixed, so it was taken once. */
START_TEST(test_kernel_approximation)
{
    enum { ROWS = 24, COLUMNS = 12, FEATURES = 8192 };
    static const double bandwidths[] = {0.3, 1, 3};
    const double pairs = 3.0 * ROWS * (ROWS - 1) / 2;
    const double bound = sqrt(4.0 / FEATURES * log(2 * pairs / 1e-6));
    float *rows = new_rows(ROWS, COLUMNS, 2);
    float *features = dpm_alloc((size_t)ROWS * FEATURES, sizeof *features);
    for (size_t b = 0; b < 3; b++) {
        struct dpm_feature_fourier map = new_map(COLUMNS, FEATURES, bandwidths[b]);
        dpm_feature_fourier_apply(&map, features, FEATURES, rows, ROWS);
        for (size_t i = 0; i < ROWS; i++) {
            for (size_t j = 0; j < i; j++) {
                const float *x = rows + i * COLUMNS, *y = rows + j * COLUMNS;
                double square = dot(x, x, COLUMNS) + dot(y, y, COLUMNS) - 2 * dot(x, y, COLUMNS);
                double kernel = exp(-square / (2 * bandwidths[b] * bandwidths[b]));
                double found = dot(features + i * FEATURES, features + j * FEATURES, FEATURES);
                ck_assert_double_le(fabs(found - kernel), bound);
            }
        }
        dpm_feature_fourier_free(&map);
    }
    dpm_free(features);
    dpm_free(rows);
}
END_TEST

/* A row's features have the same bits alone, in any company and at any line distance. */
START_TEST(test_row_independence)
{
    enum { ROWS = 300, COLUMNS = 211 };
    static const size_t sizes[] = {2, 14, 64, 130};
    static const size_t counts[] = {1, 2, 3, 7, 16, 17, 64, 257};
    float *rows = new_rows(ROWS, COLUMNS, 3);
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        size_t d = sizes[i], ld = d + 1;
        struct dpm_feature_fourier map = new_map(COLUMNS, d, 2);
        float *whole = dpm_alloc(ROWS * d, sizeof *whole), *part = dpm_alloc(ROWS * ld, sizeof *part);
        dpm_feature_fourier_apply(&map, whole, d, rows, ROWS);
        for (size_t j = 0; j < sizeof counts / sizeof *counts; j++) {
            size_t n = counts[j];
            for (size_t first = 0; first + n <= ROWS; first += n) {
                dpm_feature_fourier_apply(&map, part, ld, rows + first * COLUMNS, n);
                for (size_t row = 0; row < n; row++)
                    ck_assert_mem_eq(part + row * ld, whole + (first + row) * d, d * sizeof *part);
            }
        }
        dpm_free(whole);
        dpm_free(part);
        dpm_feature_fourier_free(&map);
    }
    dpm_free(rows);
}
END_TEST

START_TEST(test_draw_depends_on_key_and_bandwidth)
{
    struct dpm_feature_fourier map = new_map(5, 8, 1), same = new_map(5, 8, 1), wide = new_map(5, 8, 4);
    struct dpm_feature_fourier other;
    static const uint8_t other_key[DPM_KEY_SIZE] = "another key";
    ck_assert_int_eq(dpm_feature_fourier_new(&other, 5, 8), DPMIX_OK);
    dpm_feature_fourier_draw(&other, 1, other_key);
    ck_assert_mem_eq(map.frequencies, same.frequencies, 20 * sizeof(float));
    ck_assert_mem_ne(map.frequencies, other.frequencies, 20 * sizeof(float));
    for (size_t i = 0; i < 20; i++)
        ck_assert_float_eq(map.frequencies[i], 4 * wide.frequencies[i]);
    dpm_feature_fourier_free(&map);
    dpm_feature_fourier_free(&same);
    dpm_feature_fourier_free(&wide);
    dpm_feature_fourier_free(&other);
}
END_TEST

START_TEST(test_bad_sizes)
{
    static const size_t bad[] = {0, 1, 3, 63, (size_t)DPM_FEATURE_FOURIER_MAX + 2, SIZE_MAX - 1};
    struct dpm_feature_fourier map = {7, 7, NULL};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        ck_assert_int_eq(dpm_feature_fourier_new(&map, 4, bad[i]), DPMIX_ERR_RANGE);
    ck_assert_int_eq(dpm_feature_fourier_new(&map, SIZE_MAX / 2, 64), DPMIX_ERR_NOMEM);
    dpm_alloc_fail_after(1, 0);
    ck_assert_int_eq(dpm_feature_fourier_new(&map, 4, 64), DPMIX_ERR_NOMEM);
    ck_assert_uint_eq(map.n_columns, 7);
}
END_TEST

START_TEST(test_put_and_get)
{
    struct dpm_feature_fourier map = new_map(9, 10, 0.5), copy = {0};
    struct dpm_blob blob = {0};
    dpm_feature_fourier_put(&map, &blob);
    dpm_feature_fourier_get(&copy, &blob, 9);
    ck_assert_int_eq(dpm_blob_finish(&blob), DPMIX_OK);
    ck_assert_uint_eq(copy.n_columns, 9);
    ck_assert_uint_eq(copy.n_features, 10);
    ck_assert_mem_eq(copy.frequencies, map.frequencies, 45 * sizeof(float));
    dpm_blob_free(&blob);
    dpm_feature_fourier_free(&map);
    dpm_feature_fourier_free(&copy);
    dpm_feature_fourier_free(&copy);
}
END_TEST

/* Reads the blob as it stands; it must be refused, and nothing may be left behind. */
static void assert_refused(struct dpm_blob *blob, size_t n_columns)
{
    int64_t live = dpm_alloc_live();
    struct dpm_feature_fourier map = {0};
    blob->at = 0;
    blob->status = DPMIX_OK;
    dpm_feature_fourier_get(&map, blob, n_columns);
    ck_assert_int_eq(dpm_blob_status(blob), DPMIX_ERR_FORMAT);
    ck_assert_ptr_null(map.frequencies);
    ck_assert_int_eq(dpm_alloc_live(), live);
}

START_TEST(test_get_refuses_damage)
{
    struct dpm_feature_fourier map = new_map(9, 10, 0.5);
    static const float bad[] = {NAN, INFINITY, -INFINITY, 0x1p21f, -0x1p100f};
    static const uint8_t sizes[] = {0, 1, 9, 11, 12};
    struct dpm_blob blob = {0};
    dpm_feature_fourier_put(&map, &blob);
    size_t whole = blob.size;
    assert_refused(&blob, 8);
    for (blob.size = 0; blob.size < whole; blob.size++)
        assert_refused(&blob, 9);
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        blob.bytes[8] = sizes[i]; /* the lowest byte of n_features; 12 asks for more than the blob holds */
        assert_refused(&blob, 9);
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        map.frequencies[44] = bad[i];
        blob.size = 0;
        dpm_feature_fourier_put(&map, &blob);
        assert_refused(&blob, 9);
    }
    dpm_blob_free(&blob);
    dpm_feature_fourier_free(&map);
}
END_TEST

static Suite *suite(void)
{
    Suite *suite = suite_create("feature");
    CHECK_ADD(suite, test_norm_is_one);
    CHECK_ADD(suite, test_cosine_and_sine);
    CHECK_ADD(suite, test_kernel_approximation);
    CHECK_ADD(suite, test_row_independence);
    CHECK_ADD(suite, test_draw_depends_on_key_and_bandwidth);
    CHECK_ADD(suite, test_bad_sizes);
    CHECK_ADD(suite, test_put_and_get);
    CHECK_ADD(suite, test_get_refuses_damage);
    return suite;
}

CHECK_MAIN(suite)
