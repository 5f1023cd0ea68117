/* SPDX-License-Identifier: BSD-3-Clause */
/* Products against plain sums in double, row independence bit for bit, and eigenvalues. */
#include "base_alloc.h"
#include "base_simd.h"
#include "check_main.h"
#include "linalg_dots.h"
#include "linalg_eigen.h"
#include "linalg_mat.h"

#include <math.h>
#include <stdint.h>
#include <string.h>

static uint32_t state = 12345;

static float next(void)
{
    state = state * 1664525u + 1013904223u;
    return (float)(state >> 8) * 0x1p-23f - 1;
}

static float *random_matrix(size_t n)
{
    float *values = dpm_alloc(n, sizeof *values);
    for (size_t i = 0; i < n; i++)
        values[i] = next();
    return values;
}

static const size_t shapes[][3] = {{1, 1, 1},     {3, 5, 7},     {16, 16, 16},   {31, 1, 300},
                                   {1, 33, 129},  {64, 10, 785}, {100, 65, 129}, {271, 400, 33},
                                   {7, 784, 271}, {271, 11, 401}};

/* The stated bound on an entry's error: gamma_k times the sum of the absolute products. */
static void assert_close(double value, double exact, double absolute, size_t k)
{
    double gamma = (double)k * 0x1p-24 / (1 - (double)k * 0x1p-24);
    ck_assert_double_le(fabs(value - exact), gamma * absolute);
}

START_TEST(products_are_within_the_bound)
{
    const size_t *shape = shapes[_i];
    size_t m = shape[0], n = shape[1], k = shape[2], pad = 3;
    float *a = random_matrix(m * k), *at = random_matrix(m * k), *b = random_matrix(n * k),
          *bt = random_matrix(n * k);
    float *c[3] = {random_matrix(m * (n + pad)), random_matrix(m * (n + pad)), random_matrix(m * (n + pad))};
    for (size_t i = 0; i < m; i++)
        for (size_t l = 0; l < k; l++)
            at[l * m + i] = a[i * k + l];
    for (size_t j = 0; j < n; j++)
        for (size_t l = 0; l < k; l++)
            bt[j * k + l] = b[l * n + j];
    float guard = c[0][n];
    dpm_mat_mul(c[0], n + pad, a, k, b, n, m, n, k);
    dpm_mat_mul_bt(c[1], n + pad, a, k, bt, k, m, n, k);
    dpm_mat_mul_at(c[2], n + pad, at, m, b, n, m, n, k);
    ck_assert(c[0][n] == guard); /* nothing beyond the row */
    for (size_t i = 0; i < m; i++)
        for (size_t j = 0; j < n; j++) {
            double exact = 0, absolute = 0;
            for (size_t l = 0; l < k; l++) {
                double product = (double)a[i * k + l] * (double)b[l * n + j];
                exact += product;
                absolute += fabs(product);
            }
            for (int v = 0; v < 3; v++)
                assert_close((double)c[v][i * (n + pad) + j], exact, absolute, k);
        }
    for (int v = 0; v < 3; v++)
        dpm_free(c[v]);
    dpm_free(a), dpm_free(at), dpm_free(b), dpm_free(bt);
}
END_TEST

/* By whatever library: the sums on the grid are the product's, but for half a step. */
START_TEST(sums_on_the_grid_are_within_the_bound)
{
    const size_t *shape = shapes[_i];
    size_t m = shape[0], n = shape[1], k = shape[2];
    const double steps_per_unit = 0x1p20;
    float *a = random_matrix(k * m), *b = random_matrix(k * n), *work = random_matrix(m * DPM_MAT_STRIP);
    int64_t *sums = dpm_alloc(m * n, sizeof *sums);
    dpm_mutex lock;
    ck_assert_int_eq(dpm_mutex_init(&lock), 0);
    dpm_mat_add_at(&(struct dpm_grid){sums, n, steps_per_unit, &lock}, work, a, m, b, n, m, n, k);
    for (size_t i = 0; i < m; i++)
        for (size_t j = 0; j < n; j++) {
            double exact = 0, absolute = 0;
            for (size_t l = 0; l < k; l++) {
                exact += (double)a[l * m + i] * (double)b[l * n + j];
                absolute += fabs((double)a[l * m + i] * (double)b[l * n + j]);
            }
            double away = fabs((double)sums[i * n + j] / steps_per_unit - exact) - 0.5 / steps_per_unit;
            assert_close(fmax(away, 0), 0, absolute, k);
        }
    dpm_mutex_destroy(&lock);
    dpm_free(a), dpm_free(b), dpm_free(work), dpm_free(sums);
}
END_TEST

START_TEST(a_row_keeps_its_bits_in_any_company)
{
    static const size_t cuts[] = {1, 2, 3, 7, 16, 64, 100, 270};
    const size_t *shape = shapes[_i];
    size_t m = 271, n = shape[1], k = shape[2];
    float *a = random_matrix(m * k), *b = random_matrix(n * k);
    float *whole = random_matrix(m * n), *part = random_matrix(m * n);
    for (int transposed = 0; transposed < 2; transposed++) {
        void (*product)(float *, size_t, const float *, size_t, const float *, size_t, size_t, size_t,
                        size_t) = transposed ? dpm_mat_mul_bt : dpm_mat_mul;
        size_t ldb = transposed ? k : n;
        product(whole, n, a, k, b, ldb, m, n, k);
        for (size_t c = 0; c < sizeof cuts / sizeof *cuts; c++)
            for (size_t first = c % 5; first < m; first += cuts[c] + 11) {
                size_t rows = m - first < cuts[c] ? m - first : cuts[c];
                product(part, n, a + first * k, k, b, ldb, rows, n, k);
                ck_assert_mem_eq(part, whole + first * n, rows * n * sizeof *part);
            }
    }
    dpm_free(a), dpm_free(b), dpm_free(whole), dpm_free(part);
}
END_TEST

START_TEST(eigenvectors_come_largest_first)
{
    enum { N = 60, COUNT = 9 };
    double *matrix = dpm_alloc(N * N, sizeof *matrix), *copy = dpm_alloc(N * N, sizeof *copy);
    double values[COUNT], *vectors = dpm_alloc(COUNT * N, sizeof *vectors);
    struct dpm_eigen *eigen = NULL;
    for (size_t i = 0; i < N; i++)
        for (size_t j = 0; j <= i; j++)
            matrix[i * N + j] = matrix[j * N + i] = (double)next();
    memcpy(copy, matrix, N * N * sizeof *copy);
    ck_assert_int_eq(dpm_eigen_new(&eigen, N), 0);
    ck_assert_int_eq(dpm_eigen_largest(eigen, values, vectors, matrix, N, COUNT), 0);
    for (size_t i = 0; i < COUNT; i++) {
        ck_assert(i == 0 || values[i] <= values[i - 1]);
        for (size_t r = 0; r < N; r++) {
            double image = 0;
            for (size_t c = 0; c < N; c++)
                image += copy[r * N + c] * vectors[i * N + c];
            ck_assert_double_le(fabs(image - values[i] * vectors[i * N + r]), 1e-12 * N);
        }
    }
    double trace = 0, all[N], *every = dpm_alloc(N * N, sizeof *every);
    memcpy(matrix, copy, N * N * sizeof *copy);
    ck_assert_int_eq(dpm_eigen_largest(eigen, all, every, matrix, N, N), 0);
    for (size_t i = 0; i < N; i++)
        trace += all[i] - copy[i * N + i];
    ck_assert_double_le(fabs(trace), 1e-11);
    ck_assert_double_le(fabs(all[0] - values[0]), 1e-12);
    dpm_eigen_free(eigen);
    dpm_free(matrix), dpm_free(copy), dpm_free(vectors), dpm_free(every);
}
END_TEST

static const size_t score_shapes[][3] = {{1, 1, 1},    {3, 5, 7},    {4, 6, 8},  {5, 7, 9},    {6, 13, 15},
                                         {9, 2, 16},   {7, 3, 17},   {8, 4, 31}, {11, 11, 40}, {32, 10, 784},
                                         {5, 40, 785}, {13, 12, 24}, {4, 6, 25}};

/* Scores have the same bits at every level and in any company, touch nothing else, and are within the bound.
 */
START_TEST(scores_are_the_same_everywhere)
{
    const size_t *shape = score_shapes[_i], m = shape[0], n = shape[1], k = shape[2], pad = 3;
    float *a = random_matrix(m * (k + 1)), *b = random_matrix(n * k), *plain = random_matrix(m * (n + pad)),
          *other = random_matrix(m * (n + pad));
    dpm_simd_limit(DPM_SIMD_PLAIN);
    dpm_dots_run(plain, n + pad, a, k + 1, b, k, m, n, k);
    for (int level = DPM_SIMD_PLAIN; level <= DPM_SIMD_AVX512; level++) {
        dpm_simd_limit(level);
        for (size_t rows = 1; rows <= 5; rows += 4) {
            memcpy(other, plain, m * (n + pad) * sizeof *other);
            for (size_t i = 0; i < m; i++)
                memset(other + i * (n + pad), 0, n * sizeof *other);
            for (size_t i = 0; i < m; i += rows)
                dpm_dots_run(other + i * (n + pad), n + pad, a + i * (k + 1), k + 1, b, k,
                             m - i < rows ? m - i : rows, n, k);
            ck_assert_mem_eq(other, plain, m * (n + pad) * sizeof *other);
        }
    }
    dpm_simd_limit(DPM_SIMD_AVX512);
    dpm_mat_scores(other, n + pad, a, k + 1, b, k, m, n, k);
    for (size_t i = 0; i < m; i++)
        for (size_t j = 0; j < n; j++) {
            double exact = 0, absolute = 0;
            for (size_t l = 0; l < k; l++) {
                double product = (double)a[i * (k + 1) + l] * (double)b[j * k + l];
                exact += product;
                absolute += fabs(product);
            }
            assert_close((double)other[i * (n + pad) + j], exact, absolute, k + 4);
        }
    dpm_free(a), dpm_free(b), dpm_free(plain), dpm_free(other);
}
END_TEST

START_TEST(kernels_have_a_name)
{
    ck_assert_ptr_nonnull(dpm_mat_kernels());
    ck_assert_ptr_null(getenv("BLIS_ARCH_TYPE")); /* what was set to choose them is gone */
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("linalg");
    TCase *products = tcase_create("products");
    tcase_set_timeout(products, 0);
    tcase_add_loop_test(products, products_are_within_the_bound, 0, sizeof shapes / sizeof *shapes);
    tcase_add_loop_test(products, sums_on_the_grid_are_within_the_bound, 0, sizeof shapes / sizeof *shapes);
    tcase_add_loop_test(products, a_row_keeps_its_bits_in_any_company, 0, sizeof shapes / sizeof *shapes);
    tcase_add_loop_test(products, scores_are_the_same_everywhere, 0,
                        sizeof score_shapes / sizeof *score_shapes);
    suite_add_tcase(s, products);
    CHECK_ADD(s, eigenvectors_come_largest_first);
    CHECK_ADD(s, kernels_have_a_name);
    return s;
}

CHECK_MAIN(suite)
