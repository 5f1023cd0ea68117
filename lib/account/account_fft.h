/* SPDX-License-Identifier: BSD-3-Clause */
/* The discrete Fourier transform of complex numbers, its length a power of two. The transform leaves its
 * result in bit-reversed order, and the inverse expects it so: products node by node need no other. */
#ifndef DPM_ACCOUNT_FFT_H
#define DPM_ACCOUNT_FFT_H

#include <stddef.h>

/* Sines and cosines for one length. */
struct dpm_account_fft {
    size_t n;
    double *root; /* level by level, re and im in turn; 2 n numbers */
};

/* n: a power of two from 2 on. Fails with DPMIX_ERR_NOMEM, without a message. */
int dpm_account_fft_new(struct dpm_account_fft *fft, size_t n);
void dpm_account_fft_free(struct dpm_account_fft *fft);

/* In place, on n complex numbers, re and im in turn. The inverse divides by n. */
void dpm_account_fft_forward(const struct dpm_account_fft *fft, double *data);
void dpm_account_fft_inverse(const struct dpm_account_fft *fft, double *data);

/* A bound on the error of either, relative, in the Euclidean norm (Higham 2002, theorem 24.2). */
double dpm_account_fft_error(const struct dpm_account_fft *fft);

#endif
