/* SPDX-License-Identifier: BSD-3-Clause */
#include "base_alloc.h"
#include "base_simd.h"
#include "check_main.h"
#include "feature_dct.h"
#include "random_stream.h"

#include <dpmix/status.h>

#include <math.h>
#include <string.h>

static const uint8_t key[DPM_KEY_SIZE] = "cosines of the tests";

static struct dpm_feature_dct new_map(size_t side, size_t radius)
{
    struct dpm_feature_dct map;
    ck_assert_int_eq(dpm_feature_dct_new(&map, side, radius), DPMIX_OK);
    ck_assert_uint_eq(map.dims, dpm_feature_dct_size(side, radius));
    return map;
}

/* n numbers in [-1, 1]; the caller frees. */
static float *new_numbers(size_t n, uint64_t number)
{
    float *numbers = dpm_alloc(n, sizeof *numbers);
    struct dpm_stream stream;
    dpm_stream_open(&stream, key, DPM_STREAM_SAMPLE, number, 0);
    for (size_t i = 0; i < n; i++)
        numbers[i] = (float)(2 * dpm_stream_uniform(&stream) - 1);
    return numbers;
}

static double coefficient(const float *image, size_t side, size_t i, size_t j)
{
    const double pi = 3.14159265358979324;
    double n = (double)side, sum = 0;
    for (size_t y = 0; y < side; y++)
        for (size_t x = 0; x < side; x++)
            sum += image[y * side + x] * cos(pi * (double)((2 * y + 1) * i) / (2 * n)) *
                   cos(pi * (double)((2 * x + 1) * j) / (2 * n));
    return sum * sqrt((i ? 2 : 1) / n) * sqrt((j ? 2 : 1) / n);
}

START_TEST(sizes)
{
    static const size_t bad[][2] = {{0, 0}, {129, 8}, {28, 57}, {SIZE_MAX, 1}, {28, SIZE_MAX}};
    struct dpm_feature_dct map = {7, 7, NULL};
    ck_assert_uint_eq(dpm_feature_dct_size(28, 0), 1);
    ck_assert_uint_eq(dpm_feature_dct_size(28, 8), 58);
    ck_assert_uint_eq(dpm_feature_dct_size(28, 11), 106);
    ck_assert_uint_eq(dpm_feature_dct_size(28, 22), 402);
    ck_assert_uint_eq(dpm_feature_dct_size(28, 56), 784);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        ck_assert_int_eq(dpm_feature_dct_new(&map, bad[i][0], bad[i][1]), DPMIX_ERR_RANGE);
    dpm_alloc_fail_after(1, 0);
    ck_assert_int_eq(dpm_feature_dct_new(&map, 28, 8), DPMIX_ERR_NOMEM);
    ck_assert_uint_eq(map.side, 7);
}
END_TEST

/* By the definition, in the order that the header promises. */
START_TEST(values)
{
    static const size_t shapes[][2] = {{1, 0}, {2, 3}, {7, 5}, {28, 8}};
    for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++) {
        size_t side = shapes[s][0], radius = shapes[s][1], at = 0;
        struct dpm_feature_dct map = new_map(side, radius);
        float *image = new_numbers(side * side, s), *out = dpm_alloc(map.dims, sizeof *out);
        dpm_feature_dct_forward(&map, out, map.dims, image, 1);
        for (size_t square = 0; square <= radius * radius; square++)
            for (size_t i = 0; i < side; i++)
                for (size_t j = 0; j < side; j++)
                    if (i * i + j * j == square)
                        ck_assert_double_eq_tol(out[at++], coefficient(image, side, i, j), 2e-6);
        ck_assert_uint_eq(at, map.dims);
        dpm_free(out);
        dpm_free(image);
        dpm_feature_dct_free(&map);
    }
}
END_TEST

/* Forward after inverse changes nothing; inverse after forward removes what is left out, and nothing at all
 * when nothing is left out. */
START_TEST(orthonormal)
{
    enum { ROWS = 5, SIDE = 12 };
    for (size_t radius = 0; radius <= 2 * SIDE; radius += 4) {
        struct dpm_feature_dct map = new_map(SIDE, radius);
        size_t d = map.dims, pixels = SIDE * SIDE;
        float *rows = new_numbers(ROWS * d, radius), *images = dpm_alloc(ROWS * pixels, sizeof *images);
        float *back = dpm_alloc(ROWS * d, sizeof *back), *others = new_numbers(ROWS * pixels, 100 + radius);
        dpm_feature_dct_inverse(&map, images, rows, d, ROWS);
        dpm_feature_dct_forward(&map, back, d, images, ROWS);
        for (size_t i = 0; i < ROWS * d; i++)
            ck_assert_float_eq_tol(back[i], rows[i], 3e-6f);
        dpm_feature_dct_forward(&map, back, d, others, ROWS);
        dpm_feature_dct_inverse(&map, images, back, d, ROWS);
        for (size_t row = 0; row < ROWS; row++) {
            double kept = 0, inner = 0;
            for (size_t i = 0; i < pixels; i++) {
                double image = images[row * pixels + i], other = others[row * pixels + i];
                kept += image * image;
                inner += image * other;
                if (d == pixels)
                    ck_assert_double_eq_tol(image, other, 3e-6);
            }
            ck_assert_double_eq_tol(inner, kept, 1e-5); /* the rest is orthogonal */
        }
        dpm_free(others);
        dpm_free(back);
        dpm_free(images);
        dpm_free(rows);
        dpm_feature_dct_free(&map);
    }
}
END_TEST

/* The same bits alone, in any company, at any line distance, and on every processor. */
START_TEST(rows_do_not_depend_on_each_other)
{
    enum { ROWS = 40, SIDE = 28, PIXELS = SIDE * SIDE };
    static const size_t counts[] = {1, 2, 3, 7, 16, 17, 40};
    static const int levels[] = {DPM_SIMD_AVX2, DPM_SIMD_AVX512};
    struct dpm_feature_dct map = new_map(SIDE, 8);
    size_t d = map.dims, ld = d + 3;
    float *images = new_numbers(ROWS * PIXELS, 5), *whole = dpm_alloc(ROWS * d, sizeof *whole);
    float *part = dpm_alloc(ROWS * ld, sizeof *part), *back = dpm_alloc(ROWS * PIXELS, sizeof *back);
    float *part_back = dpm_alloc(ROWS * PIXELS, sizeof *part_back);
    dpm_feature_dct_forward(&map, whole, d, images, ROWS);
    dpm_feature_dct_inverse(&map, back, whole, d, ROWS);
    for (size_t l = 0; l < 2; l++)
        for (size_t j = 0; j < sizeof counts / sizeof *counts; j++) {
            dpm_simd_limit(levels[l]);
            size_t n = counts[j];
            for (size_t first = 0; first + n <= ROWS; first += n) {
                dpm_feature_dct_forward(&map, part, ld, images + first * PIXELS, n);
                dpm_feature_dct_inverse(&map, part_back, part, ld, n);
                for (size_t row = 0; row < n; row++)
                    ck_assert_mem_eq(part + row * ld, whole + (first + row) * d, d * sizeof *part);
                ck_assert_mem_eq(part_back, back + first * PIXELS, n * PIXELS * sizeof *back);
            }
        }
    dpm_simd_limit(DPM_SIMD_AVX512);
    dpm_free(part_back);
    dpm_free(back);
    dpm_free(part);
    dpm_free(whole);
    dpm_free(images);
    dpm_feature_dct_free(&map);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("dct");
    CHECK_ADD(s, sizes);
    CHECK_ADD(s, values);
    CHECK_ADD(s, orthonormal);
    CHECK_ADD(s, rows_do_not_depend_on_each_other);
    return s;
}

CHECK_MAIN(suite)
