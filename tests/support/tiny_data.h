/* SPDX-License-Identifier: BSD-3-Clause */
/* Small data sets for tests, the same on every machine: a generator of our own, and no libm. */
#ifndef DPM_TESTS_TINY_DATA_H
#define DPM_TESTS_TINY_DATA_H

#include <stddef.h>
#include <stdint.h>

/* Declared bounds of the blobs: not [0, 1], so that a forgotten change of units shows. */
#define TINY_LOWER (-1.0)
#define TINY_UPPER 3.0
#define TINY_DEVIATION 0.2 /* of every column of a blob, in declared units */

enum { TINY_SIDE = 8, TINY_PIXELS = TINY_SIDE * TINY_SIDE };

struct tiny_random {
    uint64_t state;
};

/* Knuth's linear congruential generator; its high bits are good. In [0, 1). */
static inline double tiny_uniform(struct tiny_random *random)
{
    random->state = random->state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (double)(random->state >> 11) * 0x1p-53;
}

/* Mean 0, variance 1, nearly normal. */
static inline double tiny_normal(struct tiny_random *random)
{
    double sum = -6;
    for (int i = 0; i < 12; i++)
        sum += tiny_uniform(random);
    return sum;
}

/* Class c has c + 1 of every 1 + 2 + ... + n_classes rows, so no two shares are equal. */
static inline int32_t tiny_class(size_t row, int n_classes)
{
    size_t classes = (size_t)n_classes, place = row % (classes * (classes + 1) / 2), begin = 0;
    int32_t label = 0;
    while (place >= begin + (size_t)label + 1)
        begin += (size_t)++label;
    return label;
}

static inline double tiny_share(int32_t label, int n_classes)
{
    return 2.0 * (label + 1) / ((double)n_classes * (n_classes + 1));
}

/* Centre of a class, in declared units: a quarter to three quarters of the way, far from all others. */
static inline double tiny_centre(int32_t label, size_t column, int n_classes)
{
    size_t classes = (size_t)n_classes;
    double place = n_classes > 1 ? (double)(((size_t)label + column) % classes) / (n_classes - 1) : 0.3;
    return TINY_LOWER + (TINY_UPPER - TINY_LOWER) * (0.25 + 0.5 * place);
}

/* Gaussian blobs, one for each class. rows: n_rows x n_columns. labels may be NULL. */
static inline void tiny_blobs(float *rows, int32_t *labels, size_t n_rows, size_t n_columns, int n_classes,
                              uint64_t seed)
{
    struct tiny_random random = {seed};
    for (size_t i = 0; i < n_rows; i++) {
        int32_t label = tiny_class(i, n_classes);
        for (size_t j = 0; j < n_columns; j++)
            rows[i * n_columns + j] =
                (float)(tiny_centre(label, j, n_classes) + TINY_DEVIATION * tiny_normal(&random));
        if (labels)
            labels[i] = label;
    }
}

/* Images of TINY_SIDE x TINY_SIDE bytes: class c < TINY_SIDE has a bright line c. labels may be NULL. */
static inline void tiny_images(uint8_t *rows, int32_t *labels, size_t n_rows, int n_classes, uint64_t seed)
{
    struct tiny_random random = {seed};
    for (size_t i = 0; i < n_rows; i++) {
        int32_t label = tiny_class(i, n_classes);
        for (size_t j = 0; j < TINY_PIXELS; j++) {
            double base = j / TINY_SIDE == (size_t)label ? 180 : 10;
            rows[i * TINY_PIXELS + j] = (uint8_t)(base + 60 * tiny_uniform(&random));
        }
        if (labels)
            labels[i] = label;
    }
}

/* Mean and covariance of rows of TINY_MOMENTS columns at most. */
enum { TINY_MOMENTS = 4 };

struct tiny_moments {
    double mean[TINY_MOMENTS], covariance[TINY_MOMENTS][TINY_MOMENTS];
};

static inline struct tiny_moments tiny_moments_of(const float *rows, size_t n, size_t n_columns)
{
    struct tiny_moments m = {{0}, {{0}}};
    for (size_t i = 0; i < n * n_columns; i++)
        m.mean[i % n_columns] += (double)rows[i] / (double)n;
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < n_columns; j++)
            for (size_t k = 0; k < n_columns; k++)
                m.covariance[j][k] += ((double)rows[i * n_columns + j] - m.mean[j]) *
                                      ((double)rows[i * n_columns + k] - m.mean[k]) / (double)n;
    return m;
}

#endif
