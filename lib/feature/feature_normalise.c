/* SPDX-License-Identifier: BSD-3-Clause */
#include "feature_scatter.h"

#include <assert.h>
#include <math.h>

static const double least_variance = 1e-10;

/* Returns the sum of the squares afterwards. */
static double standardise(float *group, size_t n)
{
    double sum = 0, squares = 0, scaled = 0;
    for (size_t i = 0; i < n; i++)
        sum += group[i];
    double mean = sum / (double)n;
    for (size_t i = 0; i < n; i++)
        squares += (group[i] - mean) * (group[i] - mean);
    double scale = 1 / sqrt(squares / (double)n + least_variance);
    for (size_t i = 0; i < n; i++) {
        group[i] = (float)((group[i] - mean) * scale);
        scaled += (double)group[i] * group[i];
    }
    return scaled;
}

void dpm_feature_scatter_normalise(float *features, size_t ld, size_t n, size_t n_channels,
                                   size_t n_positions, size_t groups)
{
    assert(groups > 0 && n_channels % groups == 0);
    size_t size = n_channels * n_positions, in_group = size / groups;
    for (size_t i = 0; i < n; i++) {
        float *record = features + i * ld;
        double squares = 0;
        for (size_t g = 0; g < groups; g++)
            squares += standardise(record + g * in_group, in_group);
        double scale = squares > 0 ? 1 / sqrt(squares) : 0;
        for (size_t j = 0; j < size; j++)
            record[j] = (float)(record[j] * scale);
    }
}
