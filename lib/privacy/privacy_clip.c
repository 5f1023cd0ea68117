/* SPDX-License-Identifier: BSD-3-Clause */
#include "privacy_clip.h"
#include "base_simd.h"
#include "privacy_geometric.h"

#include <math.h>
#include <string.h>

enum { LANES = 32, SQUARES = 64 };

/* Dot product in double, by many running sums, so that compilers can use vectors without changing the
 * result. */
DPM_SIMD_INLINE void dots_body(double *result, const float *a, const float *b, size_t n)
{
    double sum[LANES] = {0};
    size_t i = 0;
    for (; i + LANES <= n; i += LANES)
        for (size_t j = 0; j < LANES; j++)
            sum[j] += (double)a[i + j] * (double)b[i + j];
    for (size_t j = 0; i < n; i++, j++)
        sum[j] += (double)a[i] * (double)b[i];
    for (size_t width = LANES / 2; width > 0; width /= 2)
        for (size_t j = 0; j < width; j++)
            sum[j] += sum[j + width];
    *result = sum[0];
}

DPM_SIMD_INLINE void bounds_body(int *within, const float *values, size_t n)
{
    int bounded = 1;
    for (size_t i = 0; i < n; i++)
        bounded &= fabsf(values[i]) <= DPM_CLIP_LARGEST_ENTRY; /* false for NaN */
    *within = bounded;
}

DPM_SIMD_INLINE void scales_body(float *values, size_t n, double scale)
{
    for (size_t i = 0; i < n; i++)
        values[i] = (float)((double)values[i] * scale);
}

DPM_SIMD_VERSIONS(dots, (double *result, const float *a, const float *b, size_t n), (result, a, b, n))
DPM_SIMD_VERSIONS(bounds, (int *within, const float *values, size_t n), (within, values, n))
DPM_SIMD_VERSIONS(scales, (float *values, size_t n, double scale), (values, n, scale))

static double dot(const float *a, const float *b, size_t n)
{
    double result;
    dots(&result, a, b, n);
    return result;
}

static int is_bounded(const float *values, size_t n)
{
    int within;
    bounds(&within, values, n);
    return within;
}

/* The square of a vector's length, and whether its entries are in bounds. A square up to 2^120 says so by
 * itself, since an entry above 2^60 adds more; most rows need no second look. */
static int square_bounded(double *square, const float *values, size_t n)
{
    *square = dot(values, values, n);
    return *square <= (double)DPM_CLIP_LARGEST_ENTRY * (double)DPM_CLIP_LARGEST_ENTRY ||
           is_bounded(values, n);
}

/* Gram value and sum of |l_k||r_k| of one matrix. False, and nothing to go by, where an entry is out of
 * bounds. */
static int measure(const struct dpm_query_matrix *matrix, const float *left, const float *right, double *gram,
                   double *lengths)
{
    size_t rank = (size_t)matrix->rank;
    *gram = 0;
    *lengths = 0;
    for (size_t k = 0; k < rank; k++) {
        const float *l = left + k * matrix->rows, *r = right + k * matrix->columns;
        double left_square, right_square;
        if (!square_bounded(&left_square, l, matrix->rows) ||
            !square_bounded(&right_square, r, matrix->columns))
            return 0;
        double square = left_square * right_square;
        *gram += square;
        *lengths += sqrt(square);
        for (size_t j = 0; j < k; j++)
            *gram += 2 * dot(l, left + j * matrix->rows, matrix->rows) *
                     dot(r, right + j * matrix->columns, matrix->columns);
    }
    return 1;
}

/* Sum of squares in float. Each of them goes through a rounding, and as many sums as a running sum has, and a
 * few more. */
DPM_SIMD_INLINE void squares_body(float *result, const float *values, size_t n)
{
    float sum[SQUARES] = {0};
    size_t i = 0;
    for (; i + SQUARES <= n; i += SQUARES)
        for (size_t j = 0; j < SQUARES; j++)
            sum[j] += values[i + j] * values[i + j];
    for (size_t j = 0; i < n; i++, j++)
        sum[j] += values[i] * values[i];
    for (size_t width = SQUARES / 2; width > 0; width /= 2)
        for (size_t j = 0; j < width; j++)
            sum[j] += sum[j + width];
    *result = sum[0];
}

DPM_SIMD_VERSIONS(squares, (float *result, const float *values, size_t n), (result, values, n))

/* With u = 2^-24 and N columns, the float sum of squares is short of the true one by at most its share
 * (N / 64 + 8) u, far below 2^-9, and by N 2^-150 for squares that underflow. A sum below 2^100 bounds the
 * entries, too; NaN fails every comparison. What is within by that margin is so in double. */
int dpm_clip_is_within(const struct dpm_query_plan *plan, float left, const float *right)
{
    float sum;
    if (plan->noise == DPM_NOISE_GEOMETRIC || !(fabsf(left) <= DPM_CLIP_LARGEST_ENTRY))
        return 0;
    squares(&sum, right, plan->matrix[0].columns);
    double square = (double)left * (double)left * ((double)sum * (1 + 0x1p-9) + 0x1p-100);
    return sum <= 0x1p100f && square <= plan->clip_norm * plan->clip_norm;
}

int dpm_clip_row(const struct dpm_query_plan *plan, float *const *left, float *const *right, size_t i)
{
    if (plan->noise == DPM_NOISE_GEOMETRIC) {
        dpm_geometric_check_row(plan, left, right, i);
        return 1;
    }
    double squared_norm = 0, squared_lengths = 0;
    int bounded = 1;
    for (int m = 0; m < plan->n_matrices; m++) {
        const struct dpm_query_matrix *matrix = &plan->matrix[m];
        size_t rank = (size_t)matrix->rank;
        size_t n_left = rank * matrix->rows, n_right = rank * matrix->columns;
        const float *l = left[m] + i * n_left, *r = right[m] + i * n_right;
        double gram, lengths;
        bounded = measure(matrix, l, r, &gram, &lengths);
        if (!bounded)
            break;
        squared_norm += gram;
        squared_lengths += lengths * lengths;
    }
    double scale = 1, clip = plan->clip_norm;
    int within = bounded && squared_norm <= clip * clip;
    if (squared_norm > clip * clip)
        scale = clip / sqrt(squared_norm);
    if (squared_lengths > 0)
        scale = fmin(scale, plan->cancellation * clip / sqrt(squared_lengths));
    if (bounded && scale == 1)
        return within;
    for (int m = 0; m < plan->n_matrices; m++) {
        const struct dpm_query_matrix *matrix = &plan->matrix[m];
        size_t n_left = (size_t)matrix->rank * matrix->rows, n_right = (size_t)matrix->rank * matrix->columns;
        float *l = left[m] + i * n_left;
        if (bounded) {
            scales(l, n_left, scale);
        } else {
            memset(l, 0, n_left * sizeof *l);
            memset(right[m] + i * n_right, 0, n_right * sizeof *l);
        }
    }
    return within;
}

/* The square of a float is exact in double, and so is a square of words below 2^53. */
void dpm_clip_words(const struct dpm_query_plan *plan, float *factor, float *last, int64_t square)
{
    double clip = plan->clip_norm, length = plan->matrix[0].columns > 1 ? (double)square : 0;
    double squared_norm = (double)*factor * (double)*factor * length + (double)*last * (double)*last;
    double scale = squared_norm > clip * clip ? clip / sqrt(squared_norm) : 1;
    if (!(fabsf(*factor) <= DPM_CLIP_LARGEST_ENTRY && fabsf(*last) <= DPM_CLIP_LARGEST_ENTRY))
        scale = *factor = *last = 0;
    if (scale < 1) {
        *factor = (float)((double)*factor * scale);
        *last = (float)((double)*last * scale);
    }
}
