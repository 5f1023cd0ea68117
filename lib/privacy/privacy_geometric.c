/* SPDX-License-Identifier: BSD-3-Clause */
#include "privacy_geometric.h"

#include <assert.h>
#include <math.h>
#include <string.h>

/* Every loop below ends, in each round after the first, with a probability of at least 0.3, whatever came
 * before: n rounds more are exponentially unlikely. A fixed bound on the rounds would change the law. */

/* Uniform on 0, 1, ..., n - 1, n >= 1. */
static uint64_t uniform_below(struct dpm_stream *stream, uint64_t n)
{
    uint64_t too_many = (0 - n) % n, word; /* 2^64 modulo n: without as many words the rest divide evenly */
    do
        word = dpm_stream_next(stream);
    while (word < too_many);
    return word % n;
}

/* 1 with probability exp(-u / n), 0 <= u <= n. The chance of a k-th round is (u / n)^(k - 1) / (k - 1)!, so
 * that of an odd number of rounds is the series of the exponential function. */
static int bernoulli_exp(struct dpm_stream *stream, uint64_t u, uint64_t n)
{
    uint64_t round = 1;
    while (uniform_below(stream, n) < u && uniform_below(stream, round) == 0)
        round++;
    return (int)(round & 1);
}

/* One sample modulo 2^64, for the scale numerator / 2^shift. With u and the number v of successes of
 * exp(-1), x = u + numerator v has P(x >= i) = exp(-i / numerator), so its quotient by 2^shift has the
 * one-sided law. Quotient and rest are kept apart: no product overflows. */
static uint64_t draw(struct dpm_stream *stream, uint64_t numerator, int shift)
{
    uint64_t mask = (UINT64_C(1) << shift) - 1;
    for (;;) {
        uint64_t u = uniform_below(stream, numerator);
        if (!bernoulli_exp(stream, u, numerator))
            continue;
        uint64_t quotient = u >> shift, rest = u & mask;
        int positive = quotient > 0; /* also where the quotient has wrapped to 0 */
        while (bernoulli_exp(stream, 1, 1)) {
            rest += numerator & mask;
            uint64_t more = (numerator >> shift) + (rest >> shift);
            positive |= more > 0;
            quotient += more;
            rest &= mask;
        }
        int minus = (int)(dpm_stream_next(stream) & 1);
        if (positive || !minus) /* 0 has one sign */
            return minus ? 0 - quotient : quotient;
    }
}

void dpm_geometric_add_chunk(int64_t *sums, size_t n, size_t chunk, const uint8_t key[DPM_KEY_SIZE],
                             uint64_t step, double scale)
{
    assert(scale >= DPM_GEOMETRIC_MIN_SCALE && scale <= DPM_GEOMETRIC_MAX_SCALE);
    int exponent;
    uint64_t numerator = (uint64_t)ldexp(frexp(scale, &exponent), 53); /* exact: a double has 53 digits */
    struct dpm_stream stream;
    size_t first = chunk * DPM_GEOMETRIC_CHUNK;
    for (size_t i = first; i < n && i < first + DPM_GEOMETRIC_CHUNK; i++) {
        dpm_stream_open(&stream, key, DPM_STREAM_GEOMETRIC, step, i);
        sums[i] = (int64_t)((uint64_t)sums[i] + draw(&stream, numerator, 53 - exponent));
    }
    dpm_stream_wipe(&stream);
}

/* How many entries are 1 or -1; 0 as the result where one is neither of them nor zero, or not a number. */
static int count_units(size_t *units, const float *values, size_t n)
{
    int whole = 1;
    *units = 0;
    for (size_t i = 0; i < n; i++) {
        int unit = fabsf(values[i]) == 1;
        whole &= unit | (values[i] == 0);
        *units += (size_t)unit;
    }
    return whole;
}

void dpm_geometric_check_row(const struct dpm_query_plan *plan, float *const *left, float *const *right,
                             size_t i)
{
    size_t absolute_sum = 0;
    int whole = 1;
    for (int m = 0; whole && m < plan->n_matrices; m++) {
        const struct dpm_query_matrix *matrix = &plan->matrix[m];
        size_t in_left, in_right;
        whole = count_units(&in_left, left[m] + i * matrix->rows, matrix->rows) &&
                count_units(&in_right, right[m] + i * matrix->columns, matrix->columns);
        absolute_sum += whole ? in_left * in_right : 0;
    }
    if (whole && absolute_sum <= 1)
        return;
    for (int m = 0; m < plan->n_matrices; m++) {
        const struct dpm_query_matrix *matrix = &plan->matrix[m];
        memset(left[m] + i * matrix->rows, 0, matrix->rows * sizeof(float));
        memset(right[m] + i * matrix->columns, 0, matrix->columns * sizeof(float));
    }
}
