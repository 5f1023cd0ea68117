/* SPDX-License-Identifier: BSD-3-Clause */
#include "privacy_clip.h"
#include "privacy_geometric.h"

#include <math.h>
#include <string.h>

/* Dot product in double. Eight running sums, so that a compiler can use vectors without changing the result.
 */
static double dot(const float *a, const float *b, size_t n)
{
    double sum[8] = {0};
    size_t i = 0;
    for (; i + 8 <= n; i += 8)
        for (size_t j = 0; j < 8; j++)
            sum[j] += (double)a[i + j] * (double)b[i + j];
    for (size_t j = 0; i < n; i++, j++)
        sum[j] += (double)a[i] * (double)b[i];
    return ((sum[0] + sum[1]) + (sum[2] + sum[3])) + ((sum[4] + sum[5]) + (sum[6] + sum[7]));
}

static int is_bounded(const float *values, size_t n)
{
    int bounded = 1;
    for (size_t i = 0; i < n; i++)
        bounded &= fabsf(values[i]) <= DPM_CLIP_LARGEST_ENTRY; /* false for NaN */
    return bounded;
}

/* Gram value and sum of |l_k||r_k| of one matrix. */
static void measure(const struct dpm_query_matrix *matrix, const float *left, const float *right,
                    double *gram, double *lengths)
{
    size_t rank = (size_t)matrix->rank;
    *gram = 0;
    *lengths = 0;
    for (size_t k = 0; k < rank; k++) {
        const float *l = left + k * matrix->rows, *r = right + k * matrix->columns;
        double square = dot(l, l, matrix->rows) * dot(r, r, matrix->columns);
        *gram += square;
        *lengths += sqrt(square);
        for (size_t j = 0; j < k; j++)
            *gram += 2 * dot(l, left + j * matrix->rows, matrix->rows) *
                     dot(r, right + j * matrix->columns, matrix->columns);
    }
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
        bounded = bounded && is_bounded(l, n_left) && is_bounded(r, n_right);
        if (!bounded)
            break;
        measure(matrix, l, r, &gram, &lengths);
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
            for (size_t j = 0; j < n_left; j++)
                l[j] = (float)(l[j] * scale);
        } else {
            memset(l, 0, n_left * sizeof *l);
            memset(right[m] + i * n_right, 0, n_right * sizeof *l);
        }
    }
    return within;
}
