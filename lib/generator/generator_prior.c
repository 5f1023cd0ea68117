/* SPDX-License-Identifier: BSD-3-Clause */
#include "generator_prior.h"
#include "base_alloc.h"
#include "base_fail.h"
#include "linalg_eigen.h"

#include <math.h>
#include <string.h>

struct dpm_prior {
    size_t n_parts, classes, latent;
    float *means;   /* n_parts x classes x latent */
    float *factors; /* n_parts x classes x latent x latent: a draw is mean + normals factor */

    /* Of the fit. */
    double *sums, *matrix, *values, *vectors;
    struct dpm_eigen *eigen;
};

/* Numbers of a row's contribution, or of a class's sums. */
static size_t width(const struct dpm_prior *prior)
{
    return 1 + prior->latent + prior->latent * (prior->latent + 1) / 2;
}

static void free_work(struct dpm_prior *prior)
{
    dpm_free(prior->sums);
    dpm_free(prior->matrix);
    dpm_free(prior->values);
    dpm_free(prior->vectors);
    dpm_eigen_free(prior->eigen);
    prior->sums = prior->matrix = prior->values = prior->vectors = NULL;
    prior->eigen = NULL;
}

void dpm_prior_free(struct dpm_prior *prior)
{
    if (!prior)
        return;
    free_work(prior);
    dpm_free(prior->means);
    dpm_free(prior->factors);
    dpm_free(prior);
}

static int allocate(struct dpm_prior *prior)
{
    size_t latent = prior->latent, n, bytes;
    if (!dpm_size_mul(&n, prior->n_parts, prior->classes) ||
        !dpm_size_mul(&bytes, n, width(prior) * sizeof *prior->sums))
        return dpm_fail(DPMIX_ERR_NOMEM, "out of memory");
    prior->means = dpm_alloc(n, latent * sizeof *prior->means);
    prior->factors = dpm_alloc(n, latent * latent * sizeof *prior->factors);
    prior->sums = dpm_alloc(n, width(prior) * sizeof *prior->sums);
    prior->matrix = dpm_alloc(latent, latent * sizeof *prior->matrix);
    prior->vectors = dpm_alloc(latent, latent * sizeof *prior->vectors);
    prior->values = dpm_alloc(latent, sizeof *prior->values);
    if (!prior->means || !prior->factors || !prior->sums || !prior->matrix || !prior->vectors ||
        !prior->values)
        return DPMIX_ERR_NOMEM;
    return dpm_eigen_new(&prior->eigen, latent);
}

int dpm_prior_check(size_t latent)
{
    if (latent > DPM_PRIOR_LATENT)
        return dpm_fail(DPMIX_ERR_RANGE, "options: vae_prior 2 and 3 need vae_latent at most %d",
                        DPM_PRIOR_LATENT);
    return DPMIX_OK;
}

int dpm_prior_new(struct dpm_prior **out, size_t n_parts, size_t classes, size_t latent)
{
    int status = dpm_prior_check(latent);
    if (status)
        return status;
    struct dpm_prior *prior = dpm_alloc(1, sizeof *prior);
    if (!prior)
        return DPMIX_ERR_NOMEM;
    prior->n_parts = n_parts;
    prior->classes = classes;
    prior->latent = latent;
    status = allocate(prior);
    if (status) {
        dpm_prior_free(prior);
        return status;
    }
    *out = prior;
    return DPMIX_OK;
}

struct dpm_query_plan dpm_prior_plan(const struct dpm_prior *prior)
{
    return (struct dpm_query_plan){
        .n_matrices = 1,
        .matrix = {{prior->classes, width(prior), 1}},
        .per_part = 1,
        .clip_norm = sqrt(3),
        .cancellation = 1,
        .sampling_rate = 1,
        .steps = 1,
    };
}

double *dpm_prior_sums(struct dpm_prior *prior)
{
    return prior->sums;
}

void dpm_prior_contribute(const struct dpm_prior *prior, size_t n, const float *means,
                          const float *log_variances, const int32_t *labels, float *left, float *right)
{
    const size_t latent = prior->latent, classes = prior->classes;
    const float scale = 1 / (float)latent, first = sqrtf(scale), off = sqrtf(2) * scale;
    for (size_t i = 0; i < n; i++, means += latent, log_variances += latent) {
        for (size_t c = 0; c < classes; c++)
            *left++ = classes == 1 || (size_t)labels[i] == c;
        *right++ = 1;
        for (size_t j = 0; j < latent; j++)
            *right++ = first * means[j];
        for (size_t j = 0; j < latent; j++) {
            *right++ = scale * (means[j] * means[j] + expf(log_variances[j]));
            for (size_t k = j + 1; k < latent; k++)
                *right++ = off * means[j] * means[k];
        }
    }
}

/* ---- Fit ---- */

/* How much of a deviation to keep, by the known energy of its noise (James and Stein). */
static double kept_share(double noise_energy, double energy)
{
    return noise_energy < energy ? 1 - noise_energy / energy : 0;
}

static float bounded(double value)
{
    return (float)fmin(fmax(value, -(double)DPM_PRIOR_LARGEST), (double)DPM_PRIOR_LARGEST);
}

static void set_mean(const struct dpm_prior *prior, float *means, const double *sums, double count,
                     double noise)
{
    size_t latent = prior->latent;
    double unit = sqrt((double)latent) / count, energy = 0;
    for (size_t j = 0; j < latent; j++)
        energy += pow(unit * sums[1 + j], 2);
    double keep = kept_share((double)latent * pow(unit * noise, 2), energy);
    for (size_t j = 0; j < latent; j++)
        means[j] = bounded(keep * unit * sums[1 + j]);
}

/* The second moment less the mean's, drawn towards the identity; the eigenvalues that noise has made negative
 * become 0. */
static int set_factor(struct dpm_prior *prior, float *factor, const float *means, const double *sums,
                      double count, double noise)
{
    size_t latent = prior->latent;
    double n = (double)latent, unit = n / count, energy = 0, *matrix = prior->matrix;
    sums += 1 + latent;
    for (size_t j = 0; j < latent; j++)
        for (size_t k = j; k < latent; k++) {
            double value = *sums++ * unit * (j == k ? 1 : sqrt(0.5));
            double away = value - (double)means[j] * (double)means[k] - (j == k);
            matrix[j * latent + k] = matrix[k * latent + j] = away;
            energy += away * away * (j == k ? 1 : 2);
        }
    double keep = kept_share(pow(unit * noise, 2) * n * (n + 1) / 2, energy);
    for (size_t j = 0; j < latent * latent; j++)
        matrix[j] = keep * matrix[j] + (j % (latent + 1) == 0);
    int status = dpm_eigen_largest(prior->eigen, prior->values, prior->vectors, matrix, latent, latent);
    for (size_t j = 0; !status && j < latent; j++)
        for (size_t k = 0; k < latent; k++)
            factor[j * latent + k] =
                bounded(sqrt(fmax(prior->values[j], 0)) * prior->vectors[j * latent + k]);
    return status;
}

int dpm_prior_set(struct dpm_prior *prior, double noise)
{
    int status = DPMIX_OK;
    size_t latent = prior->latent;
    for (size_t i = 0; !status && i < prior->n_parts * prior->classes; i++) {
        const double *sums = prior->sums + i * width(prior);
        double count = fmax(sums[0], fmax(1, 2 * noise));
        float *means = prior->means + i * latent;
        set_mean(prior, means, sums, count, noise);
        status = set_factor(prior, prior->factors + i * latent * latent, means, sums, count, noise);
    }
    free_work(prior);
    return status;
}

/* ---- Draws ---- */

void dpm_prior_draw(const struct dpm_prior *prior, int part, const int32_t *labels, size_t n, float *normals)
{
    size_t latent = prior->latent;
    float z[DPM_PRIOR_LATENT];
    for (size_t i = 0; i < n; i++, normals += latent) {
        size_t model = (size_t)part * prior->classes + (prior->classes > 1 ? (size_t)labels[i] : 0);
        const float *factor = prior->factors + model * latent * latent;
        memcpy(z, prior->means + model * latent, latent * sizeof *z);
        for (size_t j = 0; j < latent; j++)
            for (size_t k = 0; k < latent; k++)
                z[k] += normals[j] * factor[j * latent + k];
        memcpy(normals, z, latent * sizeof *z);
    }
}

/* ---- Files ---- */

void dpm_prior_put(const struct dpm_prior *prior, struct dpm_blob *blob)
{
    size_t n = prior->n_parts * prior->classes;
    dpm_blob_put_f32s(blob, prior->means, n * prior->latent);
    dpm_blob_put_f32s(blob, prior->factors, n * prior->latent * prior->latent);
}

struct dpm_prior *dpm_prior_get(struct dpm_blob *blob, size_t n_parts, size_t classes, size_t latent)
{
    size_t n;
    if (latent > DPM_PRIOR_LATENT || !dpm_size_mul(&n, n_parts, classes)) {
        dpm_blob_reject(blob);
        return NULL;
    }
    struct dpm_prior *prior = dpm_alloc(1, sizeof *prior);
    if (!prior) {
        blob->status = DPMIX_ERR_NOMEM;
        return NULL;
    }
    prior->n_parts = n_parts;
    prior->classes = classes;
    prior->latent = latent;
    prior->means = dpm_blob_get_f32s(blob, n, latent);
    prior->factors = dpm_blob_get_f32s(blob, n, latent * latent);
    for (size_t i = 0; prior->means && i < n * latent; i++)
        if (fabsf(prior->means[i]) > DPM_PRIOR_LARGEST)
            dpm_blob_reject(blob);
    for (size_t i = 0; prior->factors && i < n * latent * latent; i++)
        if (fabsf(prior->factors[i]) > DPM_PRIOR_LARGEST)
            dpm_blob_reject(blob);
    return prior;
}
