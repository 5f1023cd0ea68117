/* SPDX-License-Identifier: BSD-3-Clause */
/* Validated products: by our own kernels on processors with fused multiply-add of wide vectors, by BLIS on
 * others. BLIS ends the process on a bad shape, so shapes are asserted here first; its small-matrix path is
 * switched off, because it picks kernels by the number of rows and row independence must not hang on that. */
#include "linalg_mat.h"
#include "base_simd.h"
#include "base_threads.h"
#include "linalg_dots.h"
#include "linalg_gemm.h"

#include <assert.h>
#include <blis.h>
#include <stdint.h>
#include <string.h>

static dpm_once start_once = DPM_ONCE_INIT;
static _Atomic int use_blis; /* set once, under start_once */

enum operation { MUL, MUL_BT, MUL_AT };

static void blis_product(enum operation operation, float *c, size_t ldc, const float *a, size_t lda,
                         const float *b, size_t ldb, size_t m, size_t n, size_t k)
{
    float one = 1, zero = 0;
    rntm_t runtime;
    bli_rntm_init(&runtime);
    bli_rntm_set_num_threads(1, &runtime);
    bli_rntm_disable_l3_sup(&runtime);
    trans_t trans_a = operation == MUL_AT ? BLIS_TRANSPOSE : BLIS_NO_TRANSPOSE;
    trans_t trans_b = operation == MUL_BT ? BLIS_TRANSPOSE : BLIS_NO_TRANSPOSE;
    union {
        const float *in;
        float *out; /* BLIS's signature lacks const; it only reads */
    } left = {a}, right = {b};
    bli_sgemm_ex(trans_a, trans_b, (dim_t)m, (dim_t)n, (dim_t)k, &one, left.out, (inc_t)lda, 1, right.out,
                 (inc_t)ldb, 1, &zero, c, (inc_t)ldc, 1, NULL, &runtime);
}

static void own_product(enum operation operation, float *c, size_t ldc, const float *a, size_t lda,
                        const float *b, size_t ldb, size_t m, size_t n, size_t k)
{
    struct dpm_gemm_matrix left = {a, lda, 1}, right = {b, ldb, 1};
    if (operation == MUL_AT)
        left = (struct dpm_gemm_matrix){a, 1, lda};
    if (operation == MUL_BT)
        right = (struct dpm_gemm_matrix){b, 1, ldb};
    dpm_gemm_run(c, ldc, left, right, m, n, k);
}

static float probe_value(uint32_t *state)
{
    *state = *state * 1664525u + 1013904223u;
    return (float)(*state >> 8) * 0x1p-24f - 0.5f;
}

enum { PROBE_M = 21, PROBE_N = 37, PROBE_K = 300 };

/* Whether rows of a product keep their bits when they are multiplied in other company. */
static int is_row_independent(enum operation operation)
{
    static const size_t cuts[] = {1, 2, 3, 5, 8, 13, 20};
    float a[PROBE_M * PROBE_K], b[PROBE_N * PROBE_K], whole[PROBE_M * PROBE_N], part[PROBE_M * PROBE_N];
    uint32_t state = 1;
    for (size_t i = 0; i < sizeof a / sizeof *a; i++)
        a[i] = probe_value(&state);
    for (size_t i = 0; i < sizeof b / sizeof *b; i++)
        b[i] = probe_value(&state);
    size_t ldb = operation == MUL ? PROBE_N : PROBE_K;
    int same = 1;
    blis_product(operation, whole, PROBE_N, a, PROBE_K, b, ldb, PROBE_M, PROBE_N, PROBE_K);
    for (size_t i = 0; i < sizeof cuts / sizeof *cuts; i++) {
        for (size_t first = 0; first < PROBE_M; first += cuts[i]) {
            size_t m = PROBE_M - first < cuts[i] ? PROBE_M - first : cuts[i];
            blis_product(operation, part, PROBE_N, a + first * PROBE_K, PROBE_K, b, ldb, m, PROBE_N, PROBE_K);
            same &= memcmp(part, whole + first * PROBE_N, m * PROBE_N * sizeof *part) == 0;
        }
    }
    return same;
}

/* The plain kernel is slow, so BLIS comes before it, if it keeps its rows apart. */
static void start(void)
{
    if (dpm_simd_level() != DPM_SIMD_PLAIN)
        return;
    bli_init();
    use_blis = is_row_independent(MUL) && is_row_independent(MUL_BT);
}

void dpm_mat_mul(float *c, size_t ldc, const float *a, size_t lda, const float *b, size_t ldb, size_t m,
                 size_t n, size_t k)
{
    assert(k > 0 && ldc >= n && lda >= k && ldb >= n);
    if (m == 0 || n == 0)
        return;
    dpm_call_once(&start_once, start);
    (use_blis ? blis_product : own_product)(MUL, c, ldc, a, lda, b, ldb, m, n, k);
}

void dpm_mat_mul_bt(float *c, size_t ldc, const float *a, size_t lda, const float *b, size_t ldb, size_t m,
                    size_t n, size_t k)
{
    assert(k > 0 && ldc >= n && lda >= k && ldb >= k);
    if (m == 0 || n == 0)
        return;
    dpm_call_once(&start_once, start);
    (use_blis ? blis_product : own_product)(MUL_BT, c, ldc, a, lda, b, ldb, m, n, k);
}

void dpm_mat_scores(float *c, size_t ldc, const float *a, size_t lda, const float *b, size_t ldb, size_t m,
                    size_t n, size_t k)
{
    assert(k > 0 && ldc >= n && lda >= k && ldb >= k);
    if (m == 0 || n == 0)
        return;
    dpm_call_once(&start_once, start);
    if (use_blis)
        blis_product(MUL_BT, c, ldc, a, lda, b, ldb, m, n, k);
    else
        dpm_dots_run(c, ldc, a, lda, b, ldb, m, n, k);
}

void dpm_mat_mul_at(float *c, size_t ldc, const float *a, size_t lda, const float *b, size_t ldb, size_t m,
                    size_t n, size_t k)
{
    assert(k > 0 && ldc >= n && lda >= m && ldb >= n);
    if (m == 0 || n == 0)
        return;
    dpm_call_once(&start_once, start);
    (use_blis ? blis_product : own_product)(MUL_AT, c, ldc, a, lda, b, ldb, m, n, k);
}

void dpm_mat_add_at(const struct dpm_grid *grid, float *work, const float *a, size_t lda, const float *b,
                    size_t ldb, size_t m, size_t n, size_t k)
{
    assert(k > 0 && lda >= m && ldb >= n);
    dpm_call_once(&start_once, start);
    if (!use_blis) {
        dpm_gemm_add(grid, work, (struct dpm_gemm_matrix){a, 1, lda}, (struct dpm_gemm_matrix){b, ldb, 1}, m,
                     n, k);
        return;
    }
    for (size_t first = 0; first < n; first += DPM_MAT_STRIP) {
        size_t columns = n - first < DPM_MAT_STRIP ? n - first : DPM_MAT_STRIP;
        blis_product(MUL_AT, work, columns, a, lda, b + first, ldb, m, columns, k);
        dpm_grid_add(grid, 0, first, work, columns, m, columns);
    }
}

double dpm_mat_square(const float *values, size_t n)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += (double)values[i] * (double)values[i];
    return sum;
}

const char *dpm_mat_kernels(void)
{
    dpm_call_once(&start_once, start);
    return use_blis ? bli_arch_string(bli_arch_query_id()) : dpm_gemm_name();
}
