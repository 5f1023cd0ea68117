/* SPDX-License-Identifier: BSD-3-Clause */
/* Scores of rows with a few vectors, row by row and vector by vector along contiguous memory: for fewer
 * vectors than a panel of the matrix product is wide. A score is 16 chains of fused multiply-adds,
 *
 *     s_l = fma(a_(l+16p), b_(l+16p), ... fma(a_l, b_l, 0)),  l = 0 ... 15,
 *
 * added up by halves: s_l + s_(l+8), of these l and l + 4, then l and l + 2, then both that remain. All
 * kernels give the same bits, and a score depends on its row of a and its row of b alone. */
#ifndef DPM_LINALG_DOTS_H
#define DPM_LINALG_DOTS_H

#include <stddef.h>

/* c (m x n, rows ldc apart) = a (m x k, rows lda apart) times the transpose of b (n x k, rows ldb apart). */
void dpm_dots_run(float *c, size_t ldc, const float *a, size_t lda, const float *b, size_t ldb, size_t m,
                  size_t n, size_t k);

#endif
