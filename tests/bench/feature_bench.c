/* SPDX-License-Identifier: BSD-3-Clause */
/* Seconds that the public maps take for 60,000 images of 28 x 28 pixels, on one core: the median of three
 * rounds, in chunks that are used again, as callers do it. */
#include "base_alloc.h"
#include "feature_augment.h"
#include "feature_dct.h"
#include "feature_distance.h"
#include "feature_scatter.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum {
    ROUNDS = 3,
    IMAGES = 60000,
    CHUNK = 240,
    SIDE = 28,
    PIXELS = SIDE * SIDE,
    CHANNELS = 81,
    POSITIONS = 49
};

static const uint8_t key[DPM_KEY_SIZE] = "a fixed key for the benchmarks";

static struct dpm_feature_scatter *scatter;
static struct dpm_feature_dct dct;
static float *images, *partners, *out, *scratch;

static void run_scattering(uint64_t first)
{
    (void)first;
    dpm_feature_scatter_apply(scatter, out, CHANNELS * POSITIONS, images, CHUNK, scratch);
}

static void run_normalise(uint64_t first)
{
    (void)first;
    dpm_feature_scatter_normalise(out, CHANNELS * POSITIONS, CHUNK, CHANNELS, POSITIONS, 27);
}

static void run_dct(uint64_t first)
{
    (void)first;
    dpm_feature_dct_forward(&dct, out, dct.dims, images, CHUNK);
}

static void run_dct_inverse(uint64_t first)
{
    (void)first;
    dpm_feature_dct_inverse(&dct, partners, out, dct.dims, CHUNK);
}

static void run_distance(uint64_t first)
{
    (void)first;
    dpm_feature_distance(out, images, CHUNK, SIDE);
}

static void run_augment(uint64_t first)
{
    static const struct dpm_feature_amounts amounts = {10, 0.15, 0.1, 1.2, 1.2, 0, 0};
    dpm_feature_augment(images, CHUNK, SIDE, &amounts, NULL, key, DPM_STREAM_SAMPLE, 0, first, scratch);
}

static int by_value(const void *left, const void *right)
{
    double a = *(const double *)left, b = *(const double *)right;
    return (a > b) - (a < b);
}

static void measure(const char *name, void (*run)(uint64_t))
{
    double seconds[ROUNDS];
    for (int round = 0; round < ROUNDS; round++) {
        clock_t start = clock();
        for (uint64_t first = 0; first < IMAGES; first += CHUNK)
            run(first);
        seconds[round] = (double)(clock() - start) / CLOCKS_PER_SEC;
    }
    qsort(seconds, ROUNDS, sizeof *seconds, by_value);
    printf("{\"name\":\"%s\",\"value\":%.4g,\"unit\":\"s\"}\n", name, seconds[ROUNDS / 2]);
}

/* Blurred spots: as smooth and as empty as digits. */
static void put_images(void)
{
    struct dpm_stream stream;
    dpm_stream_open(&stream, key, DPM_STREAM_SAMPLE, 1, 0);
    for (size_t i = 0; i < CHUNK; i++) {
        double middle_x = 8 + 12 * dpm_stream_uniform(&stream),
               middle_y = 8 + 12 * dpm_stream_uniform(&stream);
        for (size_t p = 0; p < PIXELS; p++) {
            double x = (double)(p % SIDE) - middle_x, y = (double)(p / SIDE) - middle_y,
                   square = x * x + 2 * y * y;
            images[i * PIXELS + p] = square < 60 ? (float)(1 - square / 60) : 0;
        }
    }
}

int main(void)
{
    if (dpm_feature_scatter_new(&scatter, SIDE, 2, 8) || dpm_feature_dct_new(&dct, SIDE, 11))
        return 1;
    images = dpm_alloc(CHUNK * PIXELS, sizeof *images);
    partners = dpm_alloc(CHUNK * PIXELS, sizeof *partners);
    out = dpm_alloc((size_t)CHUNK * CHANNELS * POSITIONS, sizeof *out);
    scratch =
        dpm_alloc(dpm_feature_scatter_scratch(scatter) + dpm_feature_augment_scratch(SIDE), sizeof *scratch);
    if (!images || !partners || !out || !scratch)
        return 1;
    put_images();
    measure("scattering_60000_s", run_scattering);
    measure("scattering_normalise_60000_s", run_normalise);
    measure("dct_60000_s", run_dct);
    measure("dct_inverse_60000_s", run_dct_inverse);
    measure("distance_60000_s", run_distance);
    measure("augment_60000_s", run_augment);
    dpm_feature_scatter_free(scatter);
    dpm_feature_dct_free(&dct);
    dpm_free(images);
    dpm_free(partners);
    dpm_free(out);
    dpm_free(scratch);
    return 0;
}
