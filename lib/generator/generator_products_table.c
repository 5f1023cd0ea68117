/* SPDX-License-Identifier: BSD-3-Clause */
/* Tables of pairs from noisy sums, for the fit of a mixture of products. All of it is post-processing. */
#include "density_repair.h"
#include "generator_products.h"

#include <math.h>

/* The sum of the tables of two variables, or of the diagonal of one, in records. */
static double sum_table(const struct dpm_products *model, const double *sums, size_t stride, size_t v,
                        size_t u, double scale)
{
    double sum = 0;
    for (size_t d = model->first[v]; d < model->first[v + 1]; d++)
        for (size_t e = model->first[u]; e < model->first[u + 1]; e++)
            if (u != v || d == e)
                sum += sums[d * stride + e];
    return sum / scale;
}

/* The number of records: each pair of variables tells it, and each variable; the mean with the least noise.
 */
static double count_records(const struct dpm_products *model, const double *sums, size_t stride,
                            const float *lengths, double noise)
{
    double weighted = 0, weights = 0;
    for (size_t v = 0; v < model->variables; v++)
        for (size_t u = 0; u <= v; u++) {
            double scale = (double)lengths[v] * (double)lengths[u];
            double n_v = (double)(model->first[v + 1] - model->first[v]);
            double n_u = (double)(model->first[u + 1] - model->first[u]);
            double variance = u == v ? n_v : n_v * n_u / 2; /* in units of (noise / scale)^2 */
            double weight = scale * scale / variance;
            weighted += weight * sum_table(model, sums, stride, v, u, scale);
            weights += weight;
        }
    return dpm_density_denominator(weighted / weights, noise / sqrt(weights));
}

static void write_line(const struct dpm_products *model, float *line, const double *sums,
                       const float *lengths, double scale)
{
    for (size_t u = 0; u < model->variables; u++)
        for (size_t e = model->first[u]; e < model->first[u + 1]; e++)
            line[e] = (float)(sums[e] * scale / (double)lengths[u]);
}

double dpm_products_table(const struct dpm_products *model, float *table, float *importance, double *sums,
                          size_t stride, const float *lengths, double noise)
{
    size_t places = model->first[model->variables];
    dpm_density_symmetrise(sums, stride);
    double count = count_records(model, sums, stride, lengths, noise);
    for (size_t v = 0; v < model->variables; v++) {
        double length = (double)lengths[v];
        importance[v] = (float)(length * length * count / noise);
        for (size_t d = model->first[v]; d < model->first[v + 1]; d++)
            write_line(model, table + d * places, sums + d * stride, lengths, 1 / (length * count));
    }
    return count / noise;
}
