/* SPDX-License-Identifier: BSD-3-Clause */
#include "privacy_sensitivity.h"
#include "base_fail.h"

#include <assert.h>
#include <math.h>

/* The share of the clip norm that the rounding of one block's products may reach. Two neighbours make it
 * twice 0.0044, and the grid adds 2^-10 at most: below 1 % in all. */
static const double block_slack = 0.0044;
static const double grid_slack = 0x1p-10;
static const double half_ulp = 0x1p-24;        /* unit roundoff of float32 */
static const double double_half_ulp = 0x1p-53; /* and of float64 */

static int largest_rank(const struct dpm_query_plan *plan)
{
    int rank = 1;
    for (int i = 0; i < plan->n_matrices; i++)
        if (plan->matrix[i].rank > rank)
            rank = plan->matrix[i].rank;
    return rank;
}

size_t dpm_query_size(const struct dpm_query_plan *plan)
{
    size_t size = 0;
    for (int i = 0; i < plan->n_matrices; i++)
        size += plan->matrix[i].rows * plan->matrix[i].columns;
    return size + (plan->norm_indicator > 0);
}

size_t dpm_query_block_rows(const struct dpm_query_plan *plan)
{
    double rows = sqrt(block_slack / half_ulp / (largest_rank(plan) * plan->cancellation));
    return rows < 1 ? 1 : (size_t)rows;
}

double dpm_sensitivity_grid(const struct dpm_query_plan *plan)
{
    if (plan->noise == DPM_NOISE_GEOMETRIC)
        return 1; /* counts are whole already */
    double widest = grid_slack * plan->clip_norm / (1.5 * sqrt((double)dpm_query_size(plan)));
    int exponent;
    frexp(widest, &exponent); /* widest in [2^(exponent - 1), 2^exponent) */
    return ldexp(1, exponent - 1);
}

int64_t dpm_sensitivity_indicator(const struct dpm_query_plan *plan)
{
    return (int64_t)(plan->clip_norm * plan->norm_indicator / dpm_sensitivity_grid(plan));
}

double dpm_query_indicator(const struct dpm_query_plan *plan)
{
    return (double)dpm_sensitivity_indicator(plan) * dpm_sensitivity_grid(plan);
}

/* gamma_n of Higham: the relative error of a sum of n products in any order. */
static double gamma_factor(double n, double unit)
{
    return n * unit / (1 - n * unit);
}

double dpm_query_sensitivity(const struct dpm_query_plan *plan)
{
    if (plan->noise == DPM_NOISE_GEOMETRIC)
        return 1; /* sums of small integers are exact in float32 */
    double clip = plan->clip_norm, kappa = plan->cancellation, rank = largest_rank(plan);
    double block = (double)dpm_query_block_rows(plan);
    double longest = 0;
    for (int i = 0; i < plan->n_matrices; i++)
        longest = fmax(longest, (double)(plan->matrix[i].rows + plan->matrix[i].columns));

    double eta = gamma_factor(longest + rank * rank + plan->n_matrices + 8, double_half_ulp);
    double norm = clip * sqrt(1 + eta * kappa * kappa) + half_ulp * kappa * clip;
    double product_bound = kappa * clip * (1 + 2 * half_ulp);
    double products =
        (2 * gamma_factor(rank * block, half_ulp) * block + gamma_factor(rank, half_ulp)) * product_bound;
    double grid = 1.5 * sqrt((double)dpm_query_size(plan)) * dpm_sensitivity_grid(plan);
    double underflow = 0x1p-40 * clip;
    double change = norm + products + grid + underflow, indicator = dpm_query_indicator(plan);
    if (indicator > 0) /* one more coordinate, which changes by exactly this */
        change = sqrt(change * change + indicator * indicator);
    return change * (1 + 0x1p-40); /* the last for this formula's own rounding */
}

double dpm_query_noise(const struct dpm_query_plan *plan)
{
    if (plan->noise == DPM_NOISE_GEOMETRIC) /* sqrt(2 a) / (1 - a) for a = exp(-1 / scale) */
        return sqrt(0.5) / sinh(0.5 / plan->noise_multiplier);
    return plan->noise_multiplier * dpm_query_sensitivity(plan);
}

int dpm_sensitivity_check(const struct dpm_query_plan *plan)
{
    assert(plan->n_matrices >= 1 && plan->n_matrices <= DPM_QUERY_MATRICES);
    size_t size = 0;
    for (int i = 0; i < plan->n_matrices; i++) {
        const struct dpm_query_matrix *matrix = &plan->matrix[i];
        assert(matrix->rows >= 1 && matrix->columns >= 1 && matrix->rank >= 1);
        if (matrix->rows > DPM_MAX_SIDE || matrix->columns > DPM_MAX_SIDE || matrix->rank > DPM_MAX_RANK)
            return dpm_fail(DPMIX_ERR_RANGE, "options: a layer or sum is larger than the query allows");
        size += matrix->rows * matrix->columns;
    }
    if (size > DPM_MAX_SUM)
        return dpm_fail(DPMIX_ERR_RANGE, "options: the model is larger than the query allows");
    if (!(plan->clip_norm >= 0x1p-20 && plan->clip_norm <= 0x1p20))
        return dpm_fail(DPMIX_ERR_RANGE, "options: a clip norm is outside [2^-20, 2^20]");
    if (plan->norm_indicator != 0 && !(plan->norm_indicator >= 0x1p-10 && plan->norm_indicator <= 1))
        return dpm_fail(DPMIX_ERR_RANGE, "options: a norm indicator is outside [2^-10, 1]");
    if (!(plan->cancellation >= 1 && plan->cancellation <= 64))
        return dpm_fail(DPMIX_ERR_RANGE, "options: a cancellation bound is outside [1, 64]");
    if (!(plan->sampling_rate > 0 && plan->sampling_rate <= 1) || plan->steps < 1)
        return dpm_fail(DPMIX_ERR_RANGE, "options: a sampling rate is outside (0, 1], or there are no steps");
    if (plan->noise == DPM_NOISE_GEOMETRIC && (largest_rank(plan) > 1 || plan->clip_norm != 1 ||
                                               plan->sampling_rate < 1 || plan->norm_indicator > 0))
        return dpm_fail(DPMIX_ERR_RANGE,
                        "options: geometric noise is for counts, of rank and clip norm 1, over every row");
    return DPMIX_OK;
}
