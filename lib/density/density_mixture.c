/* SPDX-License-Identifier: BSD-3-Clause */
#include "density_mixture.h"
#include "base_alloc.h"
#include "base_simd.h"
#include "linalg_mat.h"

#include <dpmix/status.h>

#include <math.h>
#include <string.h>

enum { LANES = 16 };
static const double log_two_pi = 1.8378770664093454836;

int dpm_density_new(struct dpm_density *density, size_t dims, size_t n)
{
    size_t entries = 0;
    *density = (struct dpm_density){.dims = dims, .n = n};
    if (dpm_size_mul(&entries, dims, dims))
        density->whiten = dpm_alloc(n, entries * sizeof(float));
    density->means = dpm_alloc(n, dims * sizeof(float));
    density->values = dpm_alloc(n, dims * sizeof(float));
    density->shifts = dpm_alloc(n, dims * sizeof(float));
    density->constant = dpm_alloc(n, sizeof(double));
    int complete =
        density->whiten && density->means && density->values && density->shifts && density->constant;
    return complete ? DPMIX_OK : DPMIX_ERR_NOMEM;
}

void dpm_density_free(struct dpm_density *density)
{
    dpm_free(density->means);
    dpm_free(density->values);
    dpm_free(density->whiten);
    dpm_free(density->shifts);
    dpm_free(density->constant);
    *density = (struct dpm_density){0};
}

void dpm_density_finish(struct dpm_density *density, size_t j)
{
    size_t dims = density->dims;
    const float *mean = density->means + j * dims, *whiten = density->whiten + j * dims * dims;
    double log_volume = 0;
    for (size_t i = 0; i < dims; i++) {
        double sum = 0;
        for (size_t l = 0; l < dims; l++)
            sum += (double)whiten[i * dims + l] * (double)mean[l];
        density->shifts[j * dims + i] = (float)sum;
        log_volume += log((double)density->values[j * dims + i]);
    }
    density->constant[j] = -0.5 * (log_volume + (double)dims * log_two_pi);
}

void dpm_density_set(struct dpm_density *density, size_t j, const double *mean, const double *values,
                     const double *vectors)
{
    size_t dims = density->dims;
    for (size_t i = 0; i < dims; i++) {
        float value = (float)fmax(values[i], DPM_DENSITY_LEAST);
        double scale = 1 / sqrt((double)value);
        density->means[j * dims + i] = (float)mean[i];
        density->values[j * dims + i] = value;
        for (size_t l = 0; l < dims; l++)
            density->whiten[(j * dims + i) * dims + l] = (float)(scale * vectors[i * dims + l]);
    }
    dpm_density_finish(density, j);
}

size_t dpm_density_scratch(const struct dpm_density *density, size_t count)
{
    return density->dims * count;
}

/* |white - shift|^2 of each run of `dims` numbers, in a fixed order of additions. */
DPM_SIMD_INLINE void square_distances_body(float *out, const float *white, const float *shift, size_t runs,
                                           size_t dims)
{
    for (size_t j = 0; j < runs; j++) {
        const float *a = white + j * dims, *b = shift + j * dims;
        float lanes[LANES] = {0}, sum = 0;
        size_t i = 0;
        for (; i + LANES <= dims; i += LANES)
            for (size_t l = 0; l < LANES; l++)
                lanes[l] += (a[i + l] - b[i + l]) * (a[i + l] - b[i + l]);
        for (; i < dims; i++)
            sum += (a[i] - b[i]) * (a[i] - b[i]);
        for (size_t l = 0; l < LANES; l++)
            sum += lanes[l];
        out[j] = sum;
    }
}

DPM_SIMD_VERSIONS(square_distances,
                  (float *out, const float *white, const float *shift, size_t runs, size_t dims),
                  (out, white, shift, runs, dims))

void dpm_density_logs(const struct dpm_density *density, size_t first, size_t count, float *logs,
                      const float *points, size_t n_rows, float *scratch)
{
    size_t dims = density->dims, width = count * dims;
    dpm_mat_mul_bt(scratch, width, points, dims, density->whiten + first * dims * dims, dims, n_rows, width,
                   dims);
    for (size_t i = 0; i < n_rows; i++) {
        square_distances(logs + i * count, scratch + i * width, density->shifts + first * dims, count, dims);
        for (size_t j = 0; j < count; j++)
            logs[i * count + j] = (float)(density->constant[first + j] - 0.5 * (double)logs[i * count + j]);
    }
}

void dpm_density_responsibilities(const struct dpm_density *density, size_t first, size_t count,
                                  float *shares, const double *log_weights, const float *points,
                                  size_t n_rows, float *scratch)
{
    dpm_density_logs(density, first, count, shares, points, n_rows, scratch);
    for (size_t i = 0; i < n_rows; i++) {
        float *row = shares + i * count, largest = -INFINITY, sum = 0;
        for (size_t j = 0; j < count; j++) {
            row[j] += (float)log_weights[j];
            largest = row[j] > largest ? row[j] : largest;
        }
        for (size_t j = 0; j < count; j++) {
            row[j] = largest > -INFINITY ? expf(row[j] - largest) : 1;
            sum += row[j];
        }
        for (size_t j = 0; j < count; j++)
            row[j] /= sum;
    }
}

DPM_SIMD_INLINE void spread_body(float *restrict out, const float *shares, const float *points, size_t n_rows,
                                 size_t count, size_t dims)
{
    for (size_t i = 0; i < n_rows; i++)
        for (size_t j = 0; j < count; j++) {
            float share = shares[i * count + j];
            for (size_t l = 0; l < dims; l++)
                out[(i * count + j) * dims + l] = share * points[i * dims + l];
        }
}

DPM_SIMD_VERSIONS(spread,
                  (float *out, const float *shares, const float *points, size_t n_rows, size_t count,
                   size_t dims),
                  (out, shares, points, n_rows, count, dims))

void dpm_density_spread(float *out, const float *shares, const float *points, size_t n_rows, size_t count,
                        size_t dims)
{
    spread(out, shares, points, n_rows, count, dims);
}

void dpm_density_draw(const struct dpm_density *density, size_t j, float *point, const float *normals)
{
    size_t dims = density->dims;
    memcpy(point, density->means + j * dims, dims * sizeof *point);
    for (size_t i = 0; i < dims; i++) {
        const float *row = density->whiten + (j * dims + i) * dims;
        float scale = density->values[j * dims + i] * normals[i];
        for (size_t l = 0; l < dims; l++)
            point[l] += scale * row[l];
    }
}
