/* SPDX-License-Identifier: BSD-3-Clause */
#include "base_alloc.h"
#include "base_simd.h"
#include "check_main.h"
#include "feature_scatter.h"
#include "random_stream.h"

#include <dpmix/status.h>

#include <math.h>
#include <stdio.h>
#include <string.h>

static const uint8_t key[DPM_KEY_SIZE] = "scattering of the tests";

/* The images of make_scatter.py. */
static void put_test_image(float *image, int side, int number)
{
    for (int y = 0; y < side; y++)
        for (int x = 0; x < side; x++) {
            int circle = (x - side / 2) * (x - side / 2) + (y - side / 3) * (y - side / 3);
            double stroke = (x - y - 3) * (x - y - 3) < 8 || (circle >= 20 && circle < 40);
            double texture = (37 * y + 101 * x + 13 * x * y) % 256 / 256.0;
            double value =
                number == 0 ? stroke : (number == 1 ? texture : texture / 8 + stroke / 2 + x / 128.0);
            image[y * side + x] = (float)value;
        }
}

/* Features of n images; the caller frees. */
static float *features_of(const float *images, size_t n, size_t side, size_t scales, size_t angles)
{
    struct dpm_feature_scatter *plan = NULL;
    size_t size = dpm_feature_scatter_size(side, scales, angles);
    ck_assert_int_eq(dpm_feature_scatter_new(&plan, side, scales, angles), DPMIX_OK);
    float *scratch = dpm_alloc(dpm_feature_scatter_scratch(plan), sizeof *scratch);
    float *features = dpm_alloc(n * size, sizeof *features);
    dpm_feature_scatter_apply(plan, features, size, images, n, scratch);
    dpm_free(scratch);
    dpm_feature_scatter_free(plan);
    return features;
}

/* n images of uniform numbers; the caller frees. */
static float *new_images(size_t n, size_t side, uint64_t number)
{
    float *images = dpm_alloc(n * side * side, sizeof *images);
    struct dpm_stream stream;
    dpm_stream_open(&stream, key, DPM_STREAM_SAMPLE, number, 0);
    for (size_t i = 0; i < n * side * side; i++)
        images[i] = (float)dpm_stream_uniform(&stream);
    return images;
}

static double norm_of(const float *x, size_t n)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += (double)x[i] * x[i];
    return sqrt(sum);
}

static double distance_of(const float *x, const float *y, size_t n)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += ((double)x[i] - y[i]) * ((double)x[i] - y[i]);
    return sqrt(sum);
}

/* The reference's filters are in single precision, hence the absolute part of the tolerance. */
static void check_case(FILE *file, int side, int scales, int angles, int number, int distance, int count)
{
    size_t size = dpm_feature_scatter_size((size_t)side, (size_t)scales, (size_t)angles);
    float *image = dpm_alloc((size_t)(side * side), sizeof *image);
    put_test_image(image, side, number);
    float *features = features_of(image, 1, (size_t)side, (size_t)scales, (size_t)angles);
    ck_assert_uint_eq((size - 1) / (size_t)distance + 1, (size_t)count);
    for (int i = 0; i < count; i++) {
        double value;
        ck_assert_int_eq(fscanf(file, "%lf", &value), 1);
        ck_assert_double_eq_tol(features[i * distance], value, 1e-5 * fabs(value) + 5e-7);
    }
    dpm_free(features);
    dpm_free(image);
}

START_TEST(values_are_those_of_kymatio)
{
    char path[4096];
    const char *folder = getenv("DPMIX_TEST_DATA");
    ck_assert_ptr_nonnull(folder);
    snprintf(path, sizeof path, "%s/scatter.tsv", folder);
    FILE *file = fopen(path, "r");
    ck_assert_ptr_nonnull(file);
    ck_assert_int_eq(fscanf(file, "#%*[^\n]"), 0);
    int side, scales, angles, number, distance, count, cases = 0;
    while (fscanf(file, "%d %d %d %d %d %d", &side, &scales, &angles, &number, &distance, &count) == 6) {
        check_case(file, side, scales, angles, number, distance, count);
        cases++;
    }
    ck_assert_int_eq(cases, 11);
    fclose(file);
}
END_TEST

/* An image's features have the same bits alone, in any company and place, and on every processor. */
START_TEST(rows_do_not_depend_on_each_other)
{
    enum { ROWS = 21, SIDE = 12, LD_MORE = 3 };
    static const size_t counts[] = {1, 2, 3, 7, 8, 9, 16};
    static const int levels[] = {DPM_SIMD_PLAIN, DPM_SIMD_AVX2, DPM_SIMD_AVX512};
    struct dpm_feature_scatter *plan = NULL;
    size_t d = dpm_feature_scatter_size(SIDE, 2, 3), ld = d + LD_MORE;
    float *images = new_images(ROWS, SIDE, 1), *whole = features_of(images, ROWS, SIDE, 2, 3);
    float *part = dpm_alloc(ROWS * ld, sizeof *part);
    ck_assert_int_eq(dpm_feature_scatter_new(&plan, SIDE, 2, 3), DPMIX_OK);
    size_t scratch_size = dpm_feature_scatter_scratch(plan);
    float *scratch = dpm_alloc(scratch_size, sizeof *scratch);
    for (size_t l = 0; l < sizeof levels / sizeof *levels; l++)
        for (size_t j = 0; j < sizeof counts / sizeof *counts; j++) {
            dpm_simd_limit(levels[l]);
            memset(scratch, 0xff, scratch_size * sizeof *scratch);
            size_t n = counts[j];
            for (size_t first = 0; first + n <= ROWS; first += n) {
                part[n * ld - 1] = 77; /* not a feature: nothing is written there */
                dpm_feature_scatter_apply(plan, part, ld, images + first * SIDE * SIDE, n, scratch);
                for (size_t row = 0; row < n; row++)
                    ck_assert_mem_eq(part + row * ld, whole + (first + row) * d, d * sizeof *part);
                ck_assert_float_eq(part[n * ld - 1], 77);
            }
        }
    dpm_simd_limit(DPM_SIMD_AVX512);
    dpm_feature_scatter_free(plan);
    dpm_free(scratch);
    dpm_free(part);
    dpm_free(whole);
    dpm_free(images);
}
END_TEST

/* Strokes in the middle of an empty image, moved by `shift` pixels. */
static void put_moved(float *image, size_t shift)
{
    memset(image, 0, 28 * 28 * sizeof *image);
    for (size_t i = 8; i < 20; i++) {
        image[i * 28 + 9 + shift] = image[i * 28 + 10 + shift] = 1;
        image[12 * 28 + i + shift] = image[i * 28 + i + shift] = 1;
    }
}

/* Relative changes by one and two pixels, for lines that are no wider than that: of the image 0.94 and 1.20,
 * of the features 0.33 and 0.60. */
START_TEST(moving_the_image_changes_little)
{
    static const double most[] = {0, 0.34, 0.61};
    float images[3 * 784];
    for (size_t shift = 0; shift < 3; shift++)
        put_moved(images + shift * 784, shift);
    float *features = features_of(images, 3, 28, 2, 8);
    for (size_t shift = 1; shift < 3; shift++) {
        double image_change = distance_of(images, images + shift * 784, 784) / norm_of(images, 784);
        double change = distance_of(features, features + shift * 3969, 3969) / norm_of(features, 3969);
        ck_assert_double_ge(image_change, 0.93);
        ck_assert_double_le(change, most[shift]);
    }
    dpm_free(features);
}
END_TEST

/* The second layer holds less than the first, and the map lengthens no difference: an output stands for 16
 * pixels. */
START_TEST(energy_falls_and_no_difference_grows)
{
    enum { ROWS = 8 };
    float *images = new_images(ROWS, 28, 2);
    put_moved(images, 0);
    put_test_image(images + 784, 28, 0);
    float *features = features_of(images, ROWS, 28, 2, 8);
    for (size_t i = 0; i < ROWS; i++) {
        const float *f = features + i * 3969;
        double first = norm_of(f + 49, 16 * 49), second = norm_of(f + 17 * 49, 64 * 49);
        ck_assert(second > 0 && second < first / 2);
        ck_assert_double_le(4 * norm_of(f, 3969), norm_of(images + i * 784, 784));
        for (size_t j = 0; j < i; j++)
            ck_assert_double_le(4 * distance_of(f, features + j * 3969, 3969),
                                distance_of(images + i * 784, images + j * 784, 784));
    }
    dpm_free(features);
    dpm_free(images);
}
END_TEST

START_TEST(a_constant_image_has_its_mean_only)
{
    float image[784];
    for (size_t i = 0; i < 784; i++)
        image[i] = 0.75f;
    float *features = features_of(image, 1, 28, 2, 8);
    for (size_t i = 0; i < 49; i++)
        ck_assert_float_eq_tol(features[i], 0.75f, 1e-4f); /* the reference's 3.1415 for pi */
    ck_assert_double_le(norm_of(features + 49, 3969 - 49), 1e-4);
    dpm_feature_scatter_normalise(features, 3969, 1, 81, 49, 27);
    ck_assert_double_eq_tol(norm_of(features, 3969), 1, 1e-5);
    dpm_free(features);
}
END_TEST

START_TEST(normalised_groups)
{
    enum { ROWS = 3, SIZE = 81 * 49, GROUP = 3 * 49 };
    float *images = new_images(ROWS, 28, 3), *features = features_of(images, ROWS, 28, 2, 8);
    float *copy = dpm_alloc(ROWS * SIZE, sizeof *copy);
    memcpy(copy, features, ROWS * SIZE * sizeof *copy);
    dpm_feature_scatter_normalise(features, SIZE, ROWS, 81, 49, 27);
    for (size_t i = 0; i < ROWS; i++) {
        ck_assert_double_eq_tol(norm_of(features + i * SIZE, SIZE), 1, 1e-5);
        for (size_t g = 0; g < 27; g++) {
            const float *group = features + i * SIZE + g * GROUP, *old = copy + i * SIZE + g * GROUP;
            double sum = 0, scale = (group[1] - group[0]) / ((double)old[1] - old[0]);
            for (size_t j = 0; j < GROUP; j++) {
                sum += group[j];
                ck_assert_double_eq_tol(group[j] - group[0], scale * ((double)old[j] - old[0]), 1e-3);
            }
            ck_assert_double_eq_tol(sum, 0, 1e-5);
            ck_assert_double_eq_tol(norm_of(group, GROUP), 1 / sqrt(27), 1e-3);
        }
        dpm_feature_scatter_normalise(copy + i * SIZE, SIZE, 1, 81, 49, 27); /* alone: the same bits */
        ck_assert_mem_eq(copy + i * SIZE, features + i * SIZE, SIZE * sizeof *copy);
    }
    memset(features, 0, SIZE * sizeof *features);
    dpm_feature_scatter_normalise(features, SIZE, 1, 81, 49, 27);
    ck_assert_double_eq(norm_of(features, SIZE), 0);
    dpm_free(copy);
    dpm_free(features);
    dpm_free(images);
}
END_TEST

START_TEST(sizes)
{
    static const size_t bad[][3] = {{28, 0, 8},  {28, 5, 8}, {28, 2, 0}, {28, 2, 17},     {3, 2, 8},
                                    {129, 2, 8}, {0, 1, 1},  {1, 1, 1},  {SIZE_MAX, 2, 8}};
    struct dpm_feature_scatter *plan = NULL;
    ck_assert_uint_eq(dpm_feature_scatter_size(28, 2, 8), 3969);
    ck_assert_uint_eq(dpm_feature_scatter_channels(2, 8), 81);
    ck_assert_uint_eq(dpm_feature_scatter_size(32, 3, 8), 217 * 16);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        ck_assert_int_eq(dpm_feature_scatter_new(&plan, bad[i][0], bad[i][1], bad[i][2]), DPMIX_ERR_RANGE);
    ck_assert_ptr_null(plan);
}
END_TEST

/* Every side has a plan: paddings with large prime factors, too. The mean survives. */
START_TEST(every_side)
{
    for (size_t side = 2; side <= DPM_SCATTER_SIDE; side += side < 40 ? 1 : 11) {
        float *image = dpm_alloc(side * side, sizeof *image);
        for (size_t i = 0; i < side * side; i++)
            image[i] = 0.5f;
        float *features = features_of(image, 1, side, 1, 1);
        for (size_t i = 0; i < (side / 2) * (side / 2); i++)
            ck_assert_float_eq_tol(features[i], 0.5f, 1e-4f);
        dpm_free(features);
        dpm_free(image);
    }
}
END_TEST

START_TEST(out_of_memory)
{
    int64_t live = dpm_alloc_live();
    struct dpm_feature_scatter *plan = NULL;
    for (uint64_t i = 1; i < 100; i++) {
        dpm_alloc_fail_after(i, 0);
        int status = dpm_feature_scatter_new(&plan, 8, 2, 2);
        dpm_alloc_fail_after(0, 0);
        if (!status)
            break;
        ck_assert_int_eq(status, DPMIX_ERR_NOMEM);
        ck_assert_ptr_null(plan);
        ck_assert_int_eq(dpm_alloc_live(), live);
    }
    ck_assert_ptr_nonnull(plan);
    dpm_feature_scatter_free(plan);
    dpm_feature_scatter_free(NULL);
    ck_assert_int_eq(dpm_alloc_live(), live);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("scatter");
    CHECK_ADD(s, values_are_those_of_kymatio);
    CHECK_ADD(s, rows_do_not_depend_on_each_other);
    CHECK_ADD(s, moving_the_image_changes_little);
    CHECK_ADD(s, energy_falls_and_no_difference_grows);
    CHECK_ADD(s, a_constant_image_has_its_mean_only);
    CHECK_ADD(s, normalised_groups);
    CHECK_ADD(s, sizes);
    CHECK_ADD(s, every_side);
    CHECK_ADD(s, out_of_memory);
    return s;
}

CHECK_MAIN(suite)
