/* SPDX-License-Identifier: BSD-3-Clause */
#include "account_fft.h"
#include "base_alloc.h"
#include "base_numbers.h"

#include <dpmix/status.h>

#include <float.h>
#include <math.h>

int dpm_account_fft_new(struct dpm_account_fft *fft, size_t n)
{
    fft->n = n;
    fft->root = dpm_alloc(n, 2 * sizeof *fft->root);
    if (!fft->root)
        return DPMIX_ERR_NOMEM;
    double *root = fft->root;
    for (size_t j = 0; j < n / 2; j++) {
        double angle = -2.0 * DPM_PI * (double)j / (double)n;
        root[2 * j] = cos(angle);
        root[2 * j + 1] = sin(angle);
    }
    for (size_t half = n / 4; half > 0; half /= 2) {
        double *next = root + 4 * half; /* every other one of the level before */
        for (size_t j = 0; j < half; j++) {
            next[2 * j] = root[4 * j];
            next[2 * j + 1] = root[4 * j + 1];
        }
        root = next;
    }
    return DPMIX_OK;
}

void dpm_account_fft_free(struct dpm_account_fft *fft)
{
    dpm_free(fft->root);
    fft->root = NULL;
}

void dpm_account_fft_forward(const struct dpm_account_fft *fft, double *data)
{
    const double *root = fft->root;
    for (size_t half = fft->n / 2; half > 0; root += 2 * half, half /= 2)
        for (size_t start = 0; start < fft->n; start += 2 * half) {
            double *low = data + 2 * start, *high = low + 2 * half;
            for (size_t j = 0; j < 2 * half; j += 2) {
                double re = low[j] - high[j], im = low[j + 1] - high[j + 1];
                low[j] += high[j];
                low[j + 1] += high[j + 1];
                high[j] = re * root[j] - im * root[j + 1];
                high[j + 1] = re * root[j + 1] + im * root[j];
            }
        }
}

void dpm_account_fft_inverse(const struct dpm_account_fft *fft, double *data)
{
    for (size_t half = 1; half < fft->n; half *= 2) {
        const double *root = fft->root + 2 * (fft->n - 2 * half);
        for (size_t start = 0; start < fft->n; start += 2 * half) {
            double *low = data + 2 * start, *high = low + 2 * half;
            for (size_t j = 0; j < 2 * half; j += 2) {
                double re = high[j] * root[j] + high[j + 1] * root[j + 1];
                double im = high[j + 1] * root[j] - high[j] * root[j + 1];
                high[j] = low[j] - re;
                high[j + 1] = low[j + 1] - im;
                low[j] += re;
                low[j + 1] += im;
            }
        }
    }
    double scale = 1.0 / (double)fft->n;
    for (size_t j = 0; j < 2 * fft->n; j++)
        data[j] *= scale;
}

/* A root is wrong by at most 6 units: its angle, up to pi, is rounded three times. A level then errs by at
 * most 6 + 4 sqrt(2) units. */
double dpm_account_fft_error(const struct dpm_account_fft *fft)
{
    return 12.0 * 0.5 * DBL_EPSILON * log2((double)fft->n);
}
