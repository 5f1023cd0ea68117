/* SPDX-License-Identifier: BSD-3-Clause */
/* Signed distances and random changes of images. */
#include "base_alloc.h"
#include "base_fail.h"
#include "check_main.h"
#include "feature_augment.h"
#include "feature_distance.h"
#include "random_stream.h"

#include <dpmix/status.h>

#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

static const uint8_t key[DPM_KEY_SIZE] = "augmentation of the tests";

/* n numbers in (0, 1); the caller frees. */
static float *new_numbers(size_t n, uint64_t number)
{
    float *numbers = dpm_alloc(n, sizeof *numbers);
    struct dpm_stream stream;
    dpm_stream_open(&stream, key, DPM_STREAM_SAMPLE, number, 0);
    for (size_t i = 0; i < n; i++)
        numbers[i] = (float)dpm_stream_uniform(&stream);
    return numbers;
}

/* ---- Signed distances ---- */

/* By the definition, over all pairs of pixels. */
static double distance_at(const float *image, size_t side, size_t y, size_t x)
{
    int inside = image[y * side + x] >= 0.5f;
    double least = INFINITY;
    for (size_t v = 0; v < side; v++)
        for (size_t u = 0; u < side; u++)
            if ((image[v * side + u] >= 0.5f) != inside)
                least = fmin(least, hypot((double)v - (double)y, (double)u - (double)x));
    double d = fmin(least - 0.5, 3);
    return inside ? d : -d;
}

/* Random pixels of several densities, so that near and far outlines occur, and images without any. */
START_TEST(distances_are_exact)
{
    static const size_t sides[] = {1, 2, 3, 5, 12, 28};
    static const float parts[] = {0, 0.01f, 0.05f, 0.3f, 0.5f, 0.97f, 1};
    for (size_t s = 0; s < sizeof sides / sizeof *sides; s++)
        for (size_t p = 0; p < sizeof parts / sizeof *parts; p++) {
            size_t side = sides[s], pixels = side * side;
            float *image = new_numbers(pixels, 10 * s + p), *out = dpm_alloc(pixels, sizeof *out);
            for (size_t i = 0; i < pixels; i++)
                image[i] = image[i] < parts[p] ? 0.5f + image[i] / 2 : image[i] / 2.001f;
            dpm_feature_distance(out, image, 1, side);
            for (size_t i = 0; i < pixels; i++) {
                ck_assert_double_eq_tol(out[i], (distance_at(image, side, i / side, i % side) + 3) / 6, 2e-7);
                ck_assert(out[i] >= 0 && out[i] <= 1);
            }
            dpm_feature_distance_inverse(out, out, pixels);
            for (size_t i = 0; i < pixels; i++)
                ck_assert_float_eq_tol(out[i], image[i] >= 0.5f, 2e-6f);
            dpm_free(out);
            dpm_free(image);
        }
}
END_TEST

START_TEST(distances_of_many_are_those_of_each)
{
    enum { ROWS = 5, PIXELS = 81 };
    float *images = new_numbers(ROWS * PIXELS, 1), *whole = dpm_alloc(ROWS * PIXELS, sizeof *whole);
    dpm_feature_distance(whole, images, ROWS, 9);
    for (size_t i = 0; i < ROWS; i++)
        dpm_feature_distance(images + i * PIXELS, images + i * PIXELS, 1, 9); /* in place */
    ck_assert_mem_eq(images, whole, ROWS * PIXELS * sizeof *whole);
    dpm_free(whole);
    dpm_free(images);
}
END_TEST

START_TEST(odd_values)
{
    float values[] = {NAN, -INFINITY, INFINITY, 0.5f, -1, 2};
    static const float wanted[] = {0, 0, 1, 0.5f, 0, 1};
    float image[4] = {NAN, 1, 1, 1}, out[4];
    dpm_feature_distance_inverse(values, values, 6);
    ck_assert_mem_eq(values, wanted, sizeof wanted);
    dpm_feature_distance(out, image, 1, 2);
    ck_assert_float_eq_tol(out[0], 2.5f / 6, 1e-6f);
    ck_assert_float_eq_tol(out[1], 3.5f / 6, 1e-6f);
}
END_TEST

enum { LARGEST = DPM_DISTANCE_SIDE * DPM_DISTANCE_SIDE, STACK = 1 << 20 };

static void *measure(void *image)
{
    float *copy = dpm_alloc(LARGEST, sizeof *copy);
    dpm_feature_distance(copy, image, 1, DPM_DISTANCE_SIDE);
    dpm_free(copy);
    return NULL;
}

/* The image may be private: nothing of it stays on the stack, which is the test's own here. */
START_TEST(no_image_is_left_on_the_stack)
{
    pthread_t thread;
    pthread_attr_t attributes;
    float *image = new_numbers(LARGEST, 3);
    unsigned char *stack = dpm_alloc(STACK, 1), line[DPM_DISTANCE_SIDE];
    ck_assert_int_eq(pthread_attr_init(&attributes), 0);
    ck_assert_int_eq(pthread_attr_setstack(&attributes, stack, STACK), 0);
    ck_assert_int_eq(pthread_create(&thread, &attributes, measure, image), 0);
    ck_assert_int_eq(pthread_join(thread, NULL), 0);
    for (size_t x = 0; x < sizeof line; x++)
        line[x] = image[x] >= 0.5f;
    for (size_t i = 0; i + sizeof line <= STACK; i++)
        ck_assert(memcmp(stack + i, line, sizeof line) != 0);
    pthread_attr_destroy(&attributes);
    dpm_free(stack);
    dpm_free(image);
}
END_TEST

/* ---- Augmentation ---- */

static void augment(float *images, size_t n, size_t side, const struct dpm_feature_amounts *amounts,
                    const float *partners, uint64_t first)
{
    float *scratch = dpm_alloc(dpm_feature_augment_scratch(side), sizeof *scratch);
    ck_assert_int_eq(dpm_feature_amounts_check(amounts), DPMIX_OK);
    dpm_feature_augment(images, n, side, amounts, partners, key, DPM_STREAM_SAMPLE, 1, first, scratch);
    dpm_free(scratch);
}

START_TEST(no_amounts_change_nothing)
{
    enum { ROWS = 9, PIXELS = 28 * 28 };
    float *images = new_numbers(ROWS * PIXELS, 2), *copy = new_numbers(ROWS * PIXELS, 2);
    images[0] = copy[0] = -0.0f;
    images[1] = copy[1] = INFINITY;
    augment(images, ROWS, 28, &(struct dpm_feature_amounts){0}, NULL, 0);
    ck_assert_mem_eq(images, copy, ROWS * PIXELS * sizeof *copy);
    dpm_free(copy);
    dpm_free(images);
}
END_TEST

START_TEST(the_mirror_is_exact)
{
    enum { ROWS = 200, SIDE = 7, PIXELS = SIDE * SIDE };
    float *images = new_numbers(ROWS * PIXELS, 3), *copy = new_numbers(ROWS * PIXELS, 3);
    size_t mirrored = 0;
    augment(images, ROWS, SIDE, &(struct dpm_feature_amounts){.mirror = 0.5}, NULL, 0);
    for (size_t i = 0; i < ROWS; i++) {
        int turned = images[i * PIXELS] != copy[i * PIXELS];
        mirrored += turned;
        for (size_t p = 0; p < PIXELS; p++) {
            size_t from = turned ? p - p % SIDE + (SIDE - 1 - p % SIDE) : p;
            ck_assert_float_eq(images[i * PIXELS + p], copy[i * PIXELS + from]);
        }
    }
    ck_assert(mirrored > 60 && mirrored < 140);
    dpm_free(copy);
    dpm_free(images);
}
END_TEST

/* With each amount alone and with all: one call, single calls and calls in pieces give the same bits; every
 * amount does something, and stays the same when others are there. */
START_TEST(records_do_not_depend_on_each_other)
{
    enum { ROWS = 13, SIDE = 28, PIXELS = SIDE * SIDE };
    static const struct dpm_feature_amounts cases[] = {
        {.rotation = 10}, {.shear = 0.15}, {.scale = 0.1}, {.shift = 1.2},
        {.elastic = 1.2}, {.mirror = 1},   {.mix = 1},     {10, 0.15, 0.1, 1.2, 1.2, 0.5, 0.5}};
    float *partners = new_numbers(ROWS * PIXELS, 5);
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        float *whole = new_numbers(ROWS * PIXELS, 4), *part = new_numbers(ROWS * PIXELS, 4);
        float *same = new_numbers(ROWS * PIXELS, 4);
        augment(whole, ROWS, SIDE, &cases[c], partners, 40);
        for (size_t first = 0, n = 1; first < ROWS; first += n, n = ROWS - first < 5 ? ROWS - first : 5)
            augment(part + first * PIXELS, n, SIDE, &cases[c], partners + first * PIXELS, 40 + first);
        ck_assert_mem_eq(part, whole, ROWS * PIXELS * sizeof *part);
        ck_assert_mem_ne(same, whole, ROWS * PIXELS * sizeof *part);
        for (size_t i = 0; i < ROWS * PIXELS; i++)
            ck_assert(whole[i] >= 0 && whole[i] <= 1);
        dpm_free(same);
        dpm_free(part);
        dpm_free(whole);
    }
    dpm_free(partners);
}
END_TEST

/* Mass and middle of an image. */
struct moments {
    double mass, x, y, xx, yy;
};

static struct moments moments_of(const float *image, size_t side)
{
    struct moments m = {0, 0, 0, 0, 0};
    for (size_t p = 0; p < side * side; p++) {
        double x = (double)(p % side), y = (double)(p / side);
        m.mass += image[p];
        m.x += image[p] * x;
        m.y += image[p] * y;
        m.xx += image[p] * x * x;
        m.yy += image[p] * y * y;
    }
    m.x /= m.mass;
    m.y /= m.mass;
    m.xx = m.xx / m.mass - m.x * m.x;
    m.yy = m.yy / m.mass - m.y * m.y;
    return m;
}

/* n images of a smooth spot at (x, y), wide and low; the caller frees. */
static float *new_spots(size_t n, size_t side, double x, double y)
{
    float *images = dpm_alloc(n * side * side, sizeof *images);
    for (size_t i = 0; i < n * side * side; i++) {
        double u = (double)(i % side) - x, v = (double)(i / side % side) - y;
        images[i] = (float)exp(-u * u / 18 - v * v / 4.5);
    }
    return images;
}

/* Shifts reach their bounds and no farther. */
START_TEST(shifts_are_as_large_as_asked)
{
    enum { ROWS = 300, SIDE = 41 };
    float *images = new_spots(ROWS, SIDE, 20, 20);
    double least = 0, most = 0;
    augment(images, ROWS, SIDE, &(struct dpm_feature_amounts){.shift = 3}, NULL, 0);
    for (size_t i = 0; i < ROWS; i++) {
        struct moments m = moments_of(images + i * SIDE * SIDE, SIDE);
        least = fmin(least, fmin(m.x, m.y) - 20);
        most = fmax(most, fmax(m.x, m.y) - 20);
    }
    ck_assert(least >= -3.01 && least < -2.8);
    ck_assert(most <= 3.01 && most > 2.8);
    dpm_free(images);
}
END_TEST

/* Sizes change by the factor that was asked for; rotation keeps the distance from the middle; shear moves
 * along the line in proportion to the distance of the line. */
START_TEST(affine_maps_are_as_large_as_asked)
{
    enum { ROWS = 300, SIDE = 41, PIXELS = SIDE * SIDE };
    double narrow = 3, wide = 3, turned = 0, sheared = 0;
    float *scaled = new_spots(ROWS, SIDE, 20, 20), *rotated = new_spots(ROWS, SIDE, 30, 20);
    float *slanted = new_spots(ROWS, SIDE, 20, 30);
    augment(scaled, ROWS, SIDE, &(struct dpm_feature_amounts){.scale = 0.2}, NULL, 0);
    augment(rotated, ROWS, SIDE, &(struct dpm_feature_amounts){.rotation = 45}, NULL, 0);
    augment(slanted, ROWS, SIDE, &(struct dpm_feature_amounts){.shear = 0.3}, NULL, 0);
    for (size_t i = 0; i < ROWS; i++) {
        struct moments m = moments_of(scaled + i * PIXELS, SIDE);
        narrow = fmin(narrow, sqrt(m.xx));
        wide = fmax(wide, sqrt(m.xx));
        m = moments_of(rotated + i * PIXELS, SIDE);
        ck_assert_double_eq_tol(hypot(m.x - 20, m.y - 20), 10, 0.2);
        turned = fmax(turned, fabs(atan2(m.y - 20, m.x - 20)));
        m = moments_of(slanted + i * PIXELS, SIDE);
        ck_assert_double_eq_tol(m.y, 30, 0.1);
        sheared = fmax(sheared, fabs(m.x - 20));
    }
    ck_assert_double_eq_tol(narrow, 0.8 * 3, 0.1);
    ck_assert_double_eq_tol(wide, 1.2 * 3, 0.1);
    ck_assert_double_eq_tol(turned, 0.7854, 0.03);
    ck_assert_double_eq_tol(sheared, 3, 0.1);
    dpm_free(slanted);
    dpm_free(rotated);
    dpm_free(scaled);
}
END_TEST

/* The middle of the image is a point of the grid, so it moves by a normal variable there (a wide spot by the
 * mean around it, a little less). Standard error of a standard deviation: 1 / sqrt(2 ROWS) = 0.029. */
START_TEST(elastic_displacement_has_its_size)
{
    enum { ROWS = 600, SIDE = 41 };
    float *images = new_spots(ROWS, SIDE, 20, 20);
    double squares = 0, sum = 0;
    augment(images, ROWS, SIDE, &(struct dpm_feature_amounts){.elastic = 0.8}, NULL, 7);
    for (size_t i = 0; i < ROWS; i++) {
        struct moments m = moments_of(images + i * SIDE * SIDE, SIDE);
        squares += (m.y - 20) * (m.y - 20);
        sum += m.y - 20;
    }
    ck_assert_double_le(fabs(sum / ROWS), 0.16);
    ck_assert(sqrt(squares / ROWS) > 0.6 && sqrt(squares / ROWS) < 1);
    dpm_free(images);
}
END_TEST

/* What differs is the partner's, in one rectangle; over many images half of the area, less what the edge cuts
 * off. */
START_TEST(cut_mix_takes_a_rectangle)
{
    enum { ROWS = 400, SIDE = 20, PIXELS = SIDE * SIDE };
    float *images = new_numbers(ROWS * PIXELS, 8), *copy = new_numbers(ROWS * PIXELS, 8);
    float *partners = new_numbers(ROWS * PIXELS, 9);
    double taken_all = 0;
    augment(images, ROWS, SIDE, &(struct dpm_feature_amounts){.mix = 1}, partners, 0);
    for (size_t i = 0; i < ROWS; i++) {
        size_t left = SIDE, right = 0, top = SIDE, bottom = 0, taken = 0;
        for (size_t p = 0; p < PIXELS; p++) {
            size_t at = i * PIXELS + p, x = p % SIDE, y = p / SIDE;
            if (images[at] == copy[at])
                continue;
            ck_assert_float_eq(images[at], partners[at]);
            left = x < left ? x : left;
            right = x >= right ? x + 1 : right;
            top = y < top ? y : top;
            bottom = y >= bottom ? y + 1 : bottom;
            taken++;
        }
        if (taken > 0)
            ck_assert_uint_eq(taken, (right - left) * (bottom - top));
        taken_all += (double)taken / PIXELS;
    }
    ck_assert(taken_all / ROWS > 0.25 && taken_all / ROWS < 0.45);
    dpm_free(partners);
    dpm_free(copy);
    dpm_free(images);
}
END_TEST

START_TEST(bad_amounts)
{
    static const struct {
        struct dpm_feature_amounts amounts;
        const char *name;
    } bad[] = {{{.rotation = -1}, "rotation"}, {{.rotation = NAN}, "rotation"},
               {{.shear = 5}, "shear"},        {{.scale = 1}, "scale"},
               {{.shift = 1e9}, "shift"},      {{.elastic = -0.1}, "elastic"},
               {{.mirror = 1.1}, "mirror"},    {{.mix = INFINITY}, "mix"}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        ck_assert_int_eq(dpm_feature_amounts_check(&bad[i].amounts), DPMIX_ERR_RANGE);
        ck_assert_ptr_nonnull(strstr(dpm_fail_message(), bad[i].name));
    }
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("augment");
    CHECK_ADD(s, distances_are_exact);
    CHECK_ADD(s, distances_of_many_are_those_of_each);
    CHECK_ADD(s, odd_values);
    CHECK_ADD(s, no_image_is_left_on_the_stack);
    CHECK_ADD(s, no_amounts_change_nothing);
    CHECK_ADD(s, the_mirror_is_exact);
    CHECK_ADD(s, records_do_not_depend_on_each_other);
    CHECK_ADD(s, shifts_are_as_large_as_asked);
    CHECK_ADD(s, affine_maps_are_as_large_as_asked);
    CHECK_ADD(s, elastic_displacement_has_its_size);
    CHECK_ADD(s, cut_mix_takes_a_rectangle);
    CHECK_ADD(s, bad_amounts);
    return s;
}

CHECK_MAIN(suite)
