/* SPDX-License-Identifier: BSD-3-Clause */
/* Rows of bytes around an origin, in whole numbers of 16 bits, and their products. Sums of integers are exact
 * in any order: every kernel gives the same numbers, and a number depends on its own rows alone. */
#ifndef DPM_LINALG_WORDS_H
#define DPM_LINALG_WORDS_H

#include <stddef.h>
#include <stdint.h>

enum {
    DPM_WORDS_UNIT = 16, /* words in a byte's step */
    DPM_WORDS_LARGEST =
        255 * DPM_WORDS_UNIT, /* an origin lies between 0 and this, and so words around it do */
    DPM_WORDS_COLUMNS = 4096, /* the most that rows may have */
    DPM_WORDS_RUN = 32,       /* rows are filled up with zeros to a multiple of this */
    DPM_WORDS_ROWS = 16,      /* left rows of a product, at most */
    DPM_WORDS_WIDTH = 5       /* right ones come in groups of so many */
};

static inline size_t dpm_words_up(size_t n, size_t group)
{
    return (n + group - 1) / group * group;
}

/* Distance between rows of n columns. */
static inline size_t dpm_words_step(size_t n)
{
    return dpm_words_up(n, DPM_WORDS_RUN);
}

/* words_i = 16 row_i - origin_i for n columns, zero behind them; the sum of their squares. */
int64_t dpm_words_around(int16_t *words, const uint8_t *row, const int16_t *origin, size_t n);

/* Products of m <= DPM_WORDS_ROWS rows of a with n rows of b, n a multiple of the width, rows `step` numbers
 * apart: that of rows i and j is out[j * DPM_WORDS_ROWS + i], which the caller knows to be below 2^31 in
 * size. Up to three rows behind the m are read, and their products written. */
void dpm_words_dots(int32_t *out, const int16_t *a, const int16_t *b, size_t step, size_t m, size_t n);

#endif
