/* SPDX-License-Identifier: BSD-3-Clause */
#include "feature_fft.h"
#include "base_alloc.h"
#include "base_numbers.h"

#include <dpmix/status.h>

#include <assert.h>
#include <math.h>

/* The radices with code of their own, the one that saves most passes first; then the least prime factor. */
static size_t next_radix(size_t n)
{
    static const size_t own[] = {6, 5, 4, 3, 2};
    for (size_t i = 0; i < sizeof own / sizeof *own; i++)
        if (n % own[i] == 0)
            return own[i];
    size_t prime = 7;
    while (n % prime != 0)
        prime += 2;
    return prime;
}

static void put_root(float *at, size_t numerator, size_t denominator)
{
    double angle = 2 * DPM_PI * (double)(numerator % denominator) / (double)denominator;
    at[0] = (float)cos(angle);
    at[1] = (float)-sin(angle);
}

int dpm_fft_new(struct dpm_fft *fft, size_t n)
{
    assert(n >= 2 && n <= DPM_FFT_MAX);
    struct dpm_fft made = {.n = n, .factors = dpm_alloc(DPM_FFT_PASSES * 4 * n, sizeof *made.factors)};
    if (!made.factors)
        return DPMIX_ERR_NOMEM;
    float *at = made.factors;
    size_t span = 1;
    for (size_t left = n; left > 1;) {
        size_t radix = next_radix(left), rest = left / radix;
        assert(radix <= DPM_FFT_PRIME && made.n_passes < DPM_FFT_PASSES);
        struct dpm_fft_pass *pass = &made.pass[made.n_passes++];
        *pass = (struct dpm_fft_pass){radix, rest, span, at, at + 2 * rest * (radix - 1)};
        for (size_t p = 0; p < rest; p++)
            for (size_t t = 1; t < radix; t++, at += 2)
                put_root(at, p * t, left);
        for (size_t t = 0; t < radix; t++, at += 2)
            put_root(at, t, radix);
        left = rest;
        span *= radix;
    }
    *fft = made;
    return DPMIX_OK;
}

void dpm_fft_free(struct dpm_fft *fft)
{
    dpm_free(fft->factors);
    *fft = (struct dpm_fft){0};
}
