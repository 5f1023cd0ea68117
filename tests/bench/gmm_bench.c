/* SPDX-License-Identifier: BSD-3-Clause */
/* One step of EM for a Gaussian mixture with full covariances, 60,000 points, 40 dimensions, 10 components,
 * by the kernels of the DP Gaussian mixture and without privacy: responsibilities, counts, sums, second
 * moments, eigenvalues. One thread, by the processor's clock, the best of several. */
#include "density_mixture.h"
#include "density_repair.h"
#include "linalg_mat.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { ROWS = 60000, DIMS = 40, N = 10, BLOCK = 250, ROUNDS = 10 };

static float points[ROWS * DIMS], shares[BLOCK * N], spread[BLOCK * N * DIMS], scratch[BLOCK * N * DIMS];
static float product[N * DIMS * DIMS], sums[N * DIMS];
static double second[N * DIMS * DIMS], first[N * DIMS], counts[N], log_weights[N];
static double values[DIMS], vectors[DIMS * DIMS], matrix[DIMS * DIMS], mean[DIMS];

static void fill(void)
{
    uint32_t state = 7;
    for (size_t i = 0; i < ROWS * DIMS; i++) {
        float sum = 0;
        for (int r = 0; r < 3; r++) {
            state = state * 1664525u + 1013904223u;
            sum += (float)(state >> 8) * 0x1p-24f - 0.5f;
        }
        points[i] = sum + (i / DIMS % N == i % DIMS ? 3.0f : 0.0f);
    }
}

static void expect(const struct dpm_density *density)
{
    memset(second, 0, sizeof second);
    memset(first, 0, sizeof first);
    memset(counts, 0, sizeof counts);
    for (size_t done = 0; done < ROWS; done += BLOCK) {
        const float *block = points + done * DIMS;
        dpm_density_responsibilities(density, 0, N, shares, log_weights, block, BLOCK, scratch);
        dpm_density_spread(spread, shares, block, BLOCK, N, DIMS);
        dpm_mat_mul_at(product, DIMS, spread, N * DIMS, block, DIMS, N * DIMS, DIMS, BLOCK);
        dpm_mat_mul_at(sums, DIMS, shares, N, block, DIMS, N, DIMS, BLOCK);
        for (size_t i = 0; i < N * DIMS * DIMS; i++)
            second[i] += (double)product[i];
        for (size_t i = 0; i < N * DIMS; i++)
            first[i] += (double)sums[i];
        for (size_t i = 0; i < BLOCK * N; i++)
            counts[i % N] += (double)shares[i];
    }
}

static int maximise(struct dpm_density *density, struct dpm_eigen *eigen)
{
    for (size_t j = 0; j < N; j++) {
        double count = fmax(counts[j], 1);
        for (size_t a = 0; a < DIMS; a++)
            mean[a] = first[j * DIMS + a] / count;
        for (size_t a = 0; a < DIMS; a++)
            for (size_t b = 0; b < DIMS; b++)
                matrix[a * DIMS + b] = second[(j * DIMS + a) * DIMS + b] / count - mean[a] * mean[b];
        int status = dpm_eigen_largest(eigen, values, vectors, matrix, DIMS, DIMS);
        if (status)
            return status;
        dpm_density_set(density, j, mean, values, vectors);
        log_weights[j] = log(count / ROWS);
    }
    return 0;
}

int main(void)
{
    struct dpm_density density;
    struct dpm_eigen *eigen = NULL;
    double best = INFINITY;
    fill();
    int status = dpm_density_new(&density, DIMS, N);
    if (!status)
        status = dpm_eigen_new(&eigen, DIMS);
    for (size_t j = 0; j < N; j++) {
        memset(vectors, 0, sizeof vectors);
        for (size_t a = 0; a < DIMS; a++) {
            values[a] = vectors[a * DIMS + a] = 1;
            mean[a] = a % N == j;
        }
        dpm_density_set(&density, j, mean, values, vectors);
        log_weights[j] = -log(N);
    }
    for (int round = 0; !status && round < ROUNDS; round++) {
        clock_t begin = clock();
        expect(&density);
        status = maximise(&density, eigen);
        best = fmin(best, (double)(clock() - begin) / CLOCKS_PER_SEC);
    }
    dpm_eigen_free(eigen);
    dpm_density_free(&density);
    printf("{\"name\": \"gmm_iteration_ms\", \"value\": %.2f, \"unit\": \"ms\"}\n", 1e3 * best);
    return status ? EXIT_FAILURE : EXIT_SUCCESS;
}
