/* SPDX-License-Identifier: BSD-3-Clause */
/* Our own matrix product. Every entry is one chain of fused multiply-adds in the order of k,
 *
 *     c_ij = fma(a_ik, b_kj, ... fma(a_i1, b_1j, 0)),
 *
 * whatever the shape and whatever the processor: all kernels give the same bits, and an entry depends on its
 * row of a and its column of b alone. */
#ifndef DPM_LINALG_GEMM_H
#define DPM_LINALG_GEMM_H

#include "linalg_grid.h"

#include <stddef.h>

/* Entry (i, j) is values[i * row_step + j * column_step]; one of the steps is 1. */
struct dpm_gemm_matrix {
    const float *values;
    size_t row_step, column_step;
};

/* Name of the kernel for the level of base_simd.h: "avx512", "avx2" or "plain". The plain one is a reference
 * for tests, and a last resort: it may have to compute fused multiply-adds by a function. */
const char *dpm_gemm_name(void);

/* c (m x n, rows ldc apart) = a (m x k) b (k x n), k > 0. */
void dpm_gemm_run(float *c, size_t ldc, struct dpm_gemm_matrix a, struct dpm_gemm_matrix b, size_t m,
                  size_t n, size_t k);

/* The same product, rounded to the grid and added there. work: m x DPM_GEMM_WIDTH floats. */
enum { DPM_GEMM_WIDTH = 32 };
void dpm_gemm_add(const struct dpm_grid *grid, float *work, struct dpm_gemm_matrix a,
                  struct dpm_gemm_matrix b, size_t m, size_t n, size_t k);

#endif
