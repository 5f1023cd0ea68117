/* SPDX-License-Identifier: BSD-3-Clause */
/* Generators put into bytes and read from a model's inside, for public functions to be called with: as they
 * were, and with damage that a checksum does not show. */
#ifndef DPM_TESTS_TINY_GET_H
#define DPM_TESTS_TINY_GET_H

#include <dpmix/dpmix.h>

#include "base_alloc.h"
#include "generator_kind.h"

#include "check_status.h"
#include "tiny_data.h"

#include <math.h>

/* dpm_generator_get(), with the mark of a public handle, which `like` is one of. */
static inline int tiny_get(struct dpmix_generator **out, struct dpm_blob *blob, const dpmix_generator *like)
{
    int status = dpm_generator_get(out, blob);
    if (!status)
        dpm_alloc_set_kind(*out, dpm_alloc_kind(like));
    return status;
}

static inline void tiny_draw(const dpmix_generator *generator, float *rows, int32_t *labels, uint64_t first,
                             size_t n, const uint64_t *seed)
{
    const size_t columns = generator->bounds.n_columns;
    CHECK_OK(dpmix_generator_sample(generator, rows, labels, first, n, columns, seed));
    for (size_t i = 0; i < n * columns; i++)
        ck_assert(isfinite(rows[i]));
}

/* The bytes of a model that makes labels, which the caller frees; what is read from them makes the same n
 * samples. */
static inline void tiny_put(struct dpm_blob *blob, const dpmix_generator *generator, size_t n)
{
    const uint64_t seed = 11;
    const size_t columns = generator->bounds.n_columns;
    struct dpmix_generator *loaded = NULL;
    dpm_generator_put(generator, blob);
    CHECK_OK(dpm_blob_status(blob));
    CHECK_OK(tiny_get(&loaded, blob, generator));
    CHECK_OK(dpm_blob_finish(blob));
    float *rows = dpm_alloc(2 * n * columns, sizeof *rows);
    int32_t *labels = dpm_alloc(2 * n, sizeof *labels);
    ck_assert(rows && labels);
    tiny_draw(generator, rows, labels, 0, n, &seed);
    for (int with_labels = 0; with_labels < 2; with_labels++) {
        tiny_draw(loaded, rows + n * columns, with_labels ? labels + n : NULL, 0, n, &seed);
        ck_assert_mem_eq(rows, rows + n * columns, n * columns * sizeof *rows);
    }
    ck_assert_mem_eq(labels, labels + n, n * sizeof *labels);
    dpm_free(rows);
    dpm_free(labels);
    dpm_generator_free(loaded);
}

/* Damaged models that were refused, and that made samples. */
struct tiny_tally {
    size_t refused, accepted;
};

/* The model `like` with one bit of its bytes changed: it is refused, or it samples as models do. */
static inline void tiny_get_damaged(struct tiny_tally *tally, struct dpm_blob *blob, size_t at, int bit,
                                    const dpmix_generator *like, const uint64_t *seed)
{
    enum { N = 8 };
    const size_t columns = like->bounds.n_columns;
    struct dpmix_generator *damaged = NULL;
    float rows[N * TINY_PIXELS];
    int32_t labels[N];
    ck_assert_uint_le(columns, TINY_PIXELS);
    blob->bytes[at] ^= (unsigned char)(1 << bit);
    blob->at = 0;
    blob->status = DPMIX_OK;
    int status = tiny_get(&damaged, blob, like);
    status = status ? status : dpm_blob_finish(blob);
    if (!status && damaged->bounds.n_columns == columns && damaged->n_parts == 1) {
        for (int with_labels = 0; with_labels <= damaged->makes_labels; with_labels++)
            tiny_draw(damaged, rows, with_labels ? labels : NULL, 0, N, seed);
        tally->accepted++;
    }
    tally->refused += status != DPMIX_OK;
    dpm_generator_free(damaged);
    blob->bytes[at] ^= (unsigned char)(1 << bit);
}

#endif
