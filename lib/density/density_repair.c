/* SPDX-License-Identifier: BSD-3-Clause */
#include "density_repair.h"

#include <dpmix/status.h>

#include <math.h>
#include <string.h>

double dpm_density_denominator(double count, double noise)
{
    return fmax(count, fmax(1, 2 * noise));
}

double dpm_density_kept(double noise_energy, double energy)
{
    return noise_energy < energy ? 1 - noise_energy / energy : 0;
}

void dpm_density_symmetrise(double *matrix, size_t n)
{
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < i; j++)
            matrix[i * n + j] = matrix[j * n + i] = (matrix[i * n + j] + matrix[j * n + i]) / 2;
}

double dpm_density_shrink(double *matrix, const double *target, size_t n, double noise_energy, double trust)
{
    double distance = 0;
    for (size_t i = 0; i < n * n; i++)
        distance += (matrix[i] - target[i]) * (matrix[i] - target[i]);
    double keep = trust * dpm_density_kept(noise_energy, distance);
    for (size_t i = 0; i < n * n; i++)
        matrix[i] = target[i] + keep * (matrix[i] - target[i]);
    return keep;
}

void dpm_density_make_diagonal(double *matrix, size_t n)
{
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < n; j++)
            matrix[i * n + j] = i == j ? matrix[i * n + j] : 0;
}

int dpm_density_make_factors(double *matrix, size_t n, double edge, struct dpm_eigen *eigen, double *scratch)
{
    double *values = scratch, *vectors = values + n, *copy = vectors + n * n;
    memcpy(copy, matrix, n * n * sizeof *copy);
    int status = dpm_eigen_largest(eigen, values, vectors, copy, n, n);
    if (status)
        return status;
    memset(copy, 0, n * n * sizeof *copy);
    for (size_t r = 0; r < n && values[r] > fmax(edge, 0); r++)
        for (size_t i = 0; i < n; i++)
            for (size_t j = 0; j < n; j++)
                copy[i * n + j] += values[r] * vectors[r * n + i] * vectors[r * n + j];
    for (size_t i = 0; i < n; i++)
        copy[i * n + i] = fmax(copy[i * n + i], matrix[i * n + i]);
    memcpy(matrix, copy, n * n * sizeof *copy);
    return DPMIX_OK;
}

double dpm_density_unpush(double value, double edge)
{
    return value > edge ? (value + sqrt(value * value - edge * edge)) / 2 : fmax(value, 0) / 2;
}
