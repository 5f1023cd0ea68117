/* SPDX-License-Identifier: BSD-3-Clause */
/* For tests of generators of images: one release in test mode at a time, and what they all must keep to. */
#ifndef DPM_TESTS_TINY_RELEASE_H
#define DPM_TESTS_TINY_RELEASE_H

#include "tiny_get.h"
#include "tiny_model.h"

enum { CLASSES = 4, MOST_RECORDS = 4000 };

static uint8_t images[MOST_RECORDS * TINY_PIXELS];
static int32_t labels[MOST_RECORDS];
static struct tiny_mode mode;
static dpmix_dataset *dataset;
static dpmix_accountant *accountant;

/* Of the first bytes of the images; with_labels is their labels or NULL. */
static inline void open_bytes(size_t n_rows, size_t n_columns, const int32_t *with_labels, double epsilon)
{
    const double lower = 0, upper = 255;
    CHECK_OK(dpmix_dataset_new_u8(&dataset, images, n_rows, n_columns, with_labels, with_labels ? CLASSES : 0,
                                  &lower, &upper, 1, DPMIX_STORAGE_COPY));
    tiny_mode_set(&mode, dataset, 3);
    accountant = tiny_accountant(epsilon);
}

static inline void open_release(size_t n_rows, const int32_t *with_labels, double epsilon)
{
    open_bytes(n_rows, TINY_PIXELS, with_labels, epsilon);
}

static inline void close_release(void)
{
    dpmix_dataset_free(dataset);
    dpmix_accountant_free(accountant);
}

static inline dpmix_generator *fitted(dpmix_generator *generator)
{
    CHECK_OK(dpmix_generator_fit(generator, accountant, dataset, 1, NULL, NULL));
    return generator;
}

/* A model for each label; takes over the generator. */
static inline dpmix_mixture *fitted_by_label(dpmix_generator *generator, const dpmix_options *of_partition)
{
    dpmix_clusterer *clusterer = NULL;
    CHECK_OK(dpmix_clusterer_new(&clusterer, DPMIX_CLUSTERER_LABEL, of_partition));
    CHECK_OK(dpmix_clusterer_fit(clusterer, accountant, dataset, 0.1, NULL, NULL));
    dpmix_mixture *mixture = tiny_mixture(clusterer, generator);
    CHECK_OK(dpmix_mixture_fit(mixture, accountant, dataset, 1, NULL, NULL));
    return mixture;
}

/* A fit's own memory comes before the debit: none of its first allocations may fail behind it. */
static inline void check_memory_comes_first(dpmix_generator *generator, uint64_t n)
{
    for (uint64_t nth = 1; nth <= n; nth++) {
        dpm_alloc_fail_after(nth, 1);
        int status = dpmix_generator_fit(generator, accountant, dataset, 1, NULL, NULL);
        dpm_alloc_fail_after(0, 0);
        ck_assert_int_eq(status, DPMIX_ERR_NOMEM);
    }
    ck_assert_uint_eq(tiny_entries(accountant), 0);
}

static inline void draw(const dpmix_generator *generator, float *rows, int32_t *row_labels, uint64_t first,
                        size_t n)
{
    const uint64_t seed = 11;
    tiny_draw(generator, rows, row_labels, first, n, &seed);
}

/* Both make the same n records with labels, and the one makes them in pieces, too. */
static inline void check_sequence(const dpmix_generator *one, const dpmix_generator *other, size_t n)
{
    const size_t columns = one->bounds.n_columns;
    float *rows = dpm_alloc(2 * n * columns, sizeof *rows), *piece = rows + n * columns;
    int32_t *row_labels = dpm_alloc(2 * n, sizeof *row_labels), *piece_labels = row_labels + n;
    ck_assert(rows && row_labels);
    draw(one, rows, row_labels, 0, n);
    draw(other, piece, piece_labels, 0, n);
    ck_assert_mem_eq(rows, piece, n * columns * sizeof *rows);
    ck_assert_mem_eq(row_labels, piece_labels, n * sizeof *row_labels);
    for (size_t first = 0, length = 1; first < n; first += length, length = length * 2 + 1) {
        length = n - first < length ? n - first : length;
        draw(one, piece, first % 2 ? piece_labels : NULL, first, length);
        ck_assert_mem_eq(rows + first * columns, piece, length * columns * sizeof *rows);
        if (first % 2)
            ck_assert_mem_eq(row_labels + first, piece_labels, length * sizeof *row_labels);
    }
    dpm_free(rows);
    dpm_free(row_labels);
}

#endif
