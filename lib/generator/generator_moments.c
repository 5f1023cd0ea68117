/* SPDX-License-Identifier: BSD-3-Clause */
/* From released counts, sums and second moments to the Gaussian model: post-processing of noisy numbers, with
 * the known size of their noise taken out where it can be. */
#include "base_alloc.h"
#include "density_repair.h"
#include "generator_gaussian.h"

#include <math.h>
#include <string.h>

int dpm_gaussian_new(struct dpm_gaussian **out, int n_parts, size_t n_columns, size_t rank)
{
    struct dpm_gaussian *model = dpm_alloc(1, sizeof *model);
    if (!model)
        return DPMIX_ERR_NOMEM;
    model->n_columns = n_columns;
    model->rank = rank;
    model->means = dpm_alloc((size_t)n_parts, n_columns * sizeof(float));
    model->basis = dpm_alloc(rank, n_columns * sizeof(float));
    model->factors = dpm_alloc((size_t)n_parts, rank * rank * sizeof(float));
    if (!model->means || !model->basis || !model->factors) {
        dpm_gaussian_free(model);
        return DPMIX_ERR_NOMEM;
    }
    *out = model;
    return DPMIX_OK;
}

void dpm_gaussian_free(void *memory)
{
    struct dpm_gaussian *model = memory;
    if (!model)
        return;
    dpm_free(model->means);
    dpm_free(model->basis);
    dpm_free(model->factors);
    dpm_free(model);
}

int dpm_gaussian_release_new(struct dpm_gaussian_release *release, int n_parts, size_t n_columns,
                             size_t width)
{
    size_t parts = (size_t)n_parts, bytes = n_columns * sizeof(double);
    *release = (struct dpm_gaussian_release){.n_parts = n_parts, .n_columns = n_columns, .width = width};
    release->counts = dpm_alloc(parts, sizeof(double));
    release->sums = dpm_alloc(parts, bytes);
    release->pooled = dpm_alloc(n_columns, bytes);
    release->overall = dpm_alloc(n_columns, sizeof(double));
    release->values = dpm_alloc(width, sizeof(double));
    release->matrix = dpm_alloc(n_columns, bytes);
    release->vectors = dpm_alloc(width, bytes);
    int complete = release->counts && release->sums && release->pooled && release->overall &&
                   release->values && release->matrix && release->vectors;
    if (complete && n_parts > 1) {
        release->moments = dpm_alloc(parts, width * width * sizeof(double));
        complete = release->moments != NULL;
    }
    return complete ? dpm_eigen_new(&release->eigen, n_columns) : DPMIX_ERR_NOMEM;
}

void dpm_gaussian_release_free(struct dpm_gaussian_release *release)
{
    dpm_free(release->counts);
    dpm_free(release->sums);
    dpm_free(release->pooled);
    dpm_free(release->moments);
    dpm_free(release->overall);
    dpm_free(release->values);
    dpm_free(release->matrix);
    dpm_free(release->vectors);
    dpm_eigen_free(release->eigen);
    *release = (struct dpm_gaussian_release){0};
}

static double total_count(const struct dpm_gaussian_release *release)
{
    double total = 0;
    for (int i = 0; i < release->n_parts; i++)
        total += release->counts[i];
    return dpm_density_denominator(total, release->count_noise * sqrt(release->n_parts));
}

/* Part means, drawn towards the mean of all rows as far as their noise asks, and into [0, 1], where means
 * lie. */
void dpm_gaussian_set_means(struct dpm_gaussian *model, struct dpm_gaussian_release *release)
{
    size_t n = model->n_columns, n_parts = (size_t)release->n_parts;
    double total = total_count(release);
    for (size_t j = 0; j < n; j++) {
        double sum = 0;
        for (size_t part = 0; part < n_parts; part++)
            sum += release->sums[part * n + j];
        release->overall[j] = sum / total;
    }
    for (size_t part = 0; part < n_parts; part++) {
        const double *sums = release->sums + part * n;
        double count = dpm_density_denominator(release->counts[part], release->count_noise), distance = 0;
        double noise = release->sum_noise / count;
        for (size_t j = 0; j < n; j++) {
            double away = sums[j] / count - release->overall[j];
            distance += away * away;
        }
        double keep = n_parts == 1 ? 1 : dpm_density_kept((double)n * noise * noise, distance);
        for (size_t j = 0; j < n; j++) {
            double value = release->overall[j] + keep * (sums[j] / count - release->overall[j]);
            value += release->origin;
            model->means[part * n + j] = (float)fmin(fmax(value, 0), 1);
        }
    }
}

/* The leading eigenvectors of the pooled covariance. Noise alone has eigenvalues up to the edge of its
 * semicircle, so only those above it count; a true one u stands at u + (edge / 2)^2 / u, which is solved for
 * u. */
int dpm_gaussian_set_basis(struct dpm_gaussian *model, struct dpm_gaussian_release *release,
                           int automatic_rank)
{
    size_t n = model->n_columns, rank = release->width;
    double total = total_count(release), *values = release->values;
    double edge = 2 * sqrt((double)n / 2) * release->pooled_noise / total;
    for (size_t i = 0; i < n * n; i++)
        release->matrix[i] = release->pooled[i] / total;
    int status = dpm_eigen_largest(release->eigen, values, release->vectors, release->matrix, n, rank);
    if (status)
        return status;
    while (automatic_rank && rank > 1 && values[rank - 1] <= edge)
        rank--;
    for (size_t i = 0; i < rank; i++)
        values[i] = dpm_density_unpush(values[i], edge);
    for (size_t i = 0; i < rank * n; i++)
        model->basis[i] = (float)release->vectors[i];
    model->rank = rank;
    return DPMIX_OK;
}

/* Covariance of one part in the basis, into release->matrix: released moment over count, drawn towards the
 * pooled one, diag(values), by the share of noise in their distance. */
static void shrink_covariance(struct dpm_gaussian_release *release, size_t part, size_t rank)
{
    size_t width = release->width;
    const double *moment = release->moments + part * width * width, *values = release->values;
    double *covariance = release->matrix;
    double count = dpm_density_denominator(release->counts[part], release->count_noise), distance = 0;
    double noise = release->moment_noise / count;
    for (size_t i = 0; i < rank; i++)
        for (size_t j = 0; j < rank; j++) {
            double away = moment[i * width + j] / count - (i == j ? values[i] : 0);
            distance += away * away;
        }
    double keep = dpm_density_kept(noise * noise * (double)(rank * (rank + 1)) / 2, distance);
    for (size_t i = 0; i < rank; i++)
        for (size_t j = 0; j < rank; j++)
            covariance[i * rank + j] =
                keep * moment[i * width + j] / count + (i == j ? (1 - keep) * values[i] : 0);
}

/* factor factor' is the covariance of the part, its negative eigenvalues, which are noise, cut at zero. */
int dpm_gaussian_set_factors(struct dpm_gaussian *model, struct dpm_gaussian_release *release)
{
    size_t rank = model->rank;
    for (size_t part = 0; part < (size_t)release->n_parts; part++) {
        float *factor = model->factors + part * rank * rank;
        if (!release->moments) {
            for (size_t i = 0; i < rank; i++)
                factor[i * rank + i] = (float)sqrt(release->values[i]);
            continue;
        }
        shrink_covariance(release, part, rank);
        int status = dpm_eigen_largest(release->eigen, release->overall, release->vectors, release->matrix,
                                       rank, rank);
        if (status)
            return status;
        for (size_t i = 0; i < rank; i++)
            for (size_t j = 0; j < rank; j++)
                factor[i * rank + j] =
                    (float)(release->vectors[j * rank + i] * sqrt(fmax(release->overall[j], 0)));
    }
    return DPMIX_OK;
}
