/* SPDX-License-Identifier: BSD-3-Clause */
/* Products of row-major float32 matrices, single-threaded (callers run blocks side by side). The leading
 * dimension ld is the distance between rows.
 *
 * dpm_mat_mul and dpm_mat_mul_bt are row-independent: a row of the result has the same bits whatever the
 * other rows of `a` are and however many there are. The proof of the query's sensitivity needs it. Our own
 * kernels (linalg_gemm.h) have it by construction, and all give the same bits. Where the processor runs none
 * but the plain one, BLIS serves if it passes a check of this, once in each process. */
#ifndef DPM_LINALG_MAT_H
#define DPM_LINALG_MAT_H

#include "linalg_grid.h"

#include <stddef.h>

/* c (m x n) = a (m x k) b (k x n) */
void dpm_mat_mul(float *c, size_t ldc, const float *a, size_t lda, const float *b, size_t ldb, size_t m,
                 size_t n, size_t k);

/* c (m x n) = a (m x k) b', b: n x k */
void dpm_mat_mul_bt(float *c, size_t ldc, const float *a, size_t lda, const float *b, size_t ldb, size_t m,
                    size_t n, size_t k);

/* The same, with the sums in the order of linalg_dots.h where our own kernels run: faster for small n. */
void dpm_mat_scores(float *c, size_t ldc, const float *a, size_t lda, const float *b, size_t ldb, size_t m,
                    size_t n, size_t k);

/* c (m x n) = a' b, a: k x m, b: k x n. Each entry's rounding error is at most k 2^-24 / (1 - k 2^-24) times
 * the sum of the absolute products. */
void dpm_mat_mul_at(float *c, size_t ldc, const float *a, size_t lda, const float *b, size_t ldb, size_t m,
                    size_t n, size_t k);

/* The same product, rounded to the grid and added to its sums, m x n from the first on. The lock is held for
 * short times only. work: m x DPM_MAT_STRIP floats. */
enum { DPM_MAT_STRIP = 32 };
void dpm_mat_add_at(const struct dpm_grid *grid, float *work, const float *a, size_t lda, const float *b,
                    size_t ldb, size_t m, size_t n, size_t k);

/* The square of a vector's length: sum of n squares in double, one after the other. */
double dpm_mat_square(const float *values, size_t n);

/* Which kernels run: ours, "avx512", "avx2" or "plain", or BLIS's by its name for the processor; a static
 * string. */
const char *dpm_mat_kernels(void);

#endif
