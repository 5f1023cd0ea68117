/* SPDX-License-Identifier: BSD-3-Clause */
/* Kernels for vector units: the same bits at every level, in every place and at every length; and how close
 * the functions of nets are to libm's. */
#include "base_bounds.h"
#include "base_simd.h"
#include "check_main.h"
#include "linalg_gemm.h"
#include "nn_kernels.h"

#include <math.h>
#include <stdint.h>
#include <string.h>

enum { LONGEST = 131 };

static uint32_t state = 5;

static float next(void)
{
    state = state * 1664525u + 1013904223u;
    return (float)(state >> 8) * 0x1p-23f - 1;
}

static void teardown(void)
{
    dpm_simd_limit(DPM_SIMD_AVX512);
}

/* Values of all sizes, and some that are special. */
static void fill(float *values, size_t n)
{
    static const float special[] = {0,     -0.0f,  INFINITY, -INFINITY, NAN,    0x1p-140f,
                                    1e30f, -1e30f, 87.5f,    -87.5f,    0.625f, -0.625f};
    for (size_t i = 0; i < n; i++)
        values[i] = i % 3 == 0 ? 90 * next() : i % 3 == 1 ? next() : 0.01f * next();
    for (size_t i = 0; i < sizeof special / sizeof *special && 7 * i < n; i++)
        values[7 * i] = special[i];
}

/* ---- The same bits ---- */

typedef void kernel_fn(float *values, const float *other, size_t n);

static void relu(float *values, const float *other, size_t n)
{
    (void)other;
    dpm_nn_relu(values, n);
}

static void leaky_relu(float *values, const float *other, size_t n)
{
    (void)other;
    dpm_nn_leaky_relu(values, n, 0.2f);
}

static void exponential(float *values, const float *other, size_t n)
{
    (void)other;
    dpm_nn_exp(values, n);
}

static void sigmoid(float *values, const float *other, size_t n)
{
    (void)other;
    dpm_nn_sigmoid(values, n);
}

static void hyperbolic_tangent(float *values, const float *other, size_t n)
{
    (void)other;
    dpm_nn_tanh(values, n);
}

static void softplus(float *values, const float *other, size_t n)
{
    (void)other;
    dpm_nn_softplus(values, n);
}

static void leaky_relu_gradient(float *values, const float *other, size_t n)
{
    dpm_nn_leaky_relu_gradient(values, other, n, 0.2f);
}

static void latent_draw(float *values, const float *other, size_t n)
{
    float z[LONGEST];
    dpm_nn_latent_draw(z, values, other, other, n, 6);
    memcpy(values, z, n * sizeof *z);
}

static void latent_mean_gradient(float *values, const float *other, size_t n)
{
    float mean[LONGEST], raw[LONGEST];
    dpm_nn_latent_gradient(mean, raw, values, other, other, other, n, 6, 0.5f);
    memcpy(values, mean, n * sizeof *mean);
}

static void latent_raw_gradient(float *values, const float *other, size_t n)
{
    float mean[LONGEST], raw[LONGEST];
    dpm_nn_latent_gradient(mean, raw, values, other, other, other, n, 6, 0.5f);
    memcpy(values, raw, n * sizeof *raw);
}

static kernel_fn *const kernels[] = {
    relu,
    leaky_relu,
    exponential,
    sigmoid,
    hyperbolic_tangent,
    softplus,
    leaky_relu_gradient,
    latent_draw,
    latent_mean_gradient,
    latent_raw_gradient,
    dpm_nn_tanh_gradient,
    dpm_nn_relu_gradient,
    dpm_nn_softplus_gradient,
    dpm_nn_cross_entropy_gradient,
};
enum { KERNELS = sizeof kernels / sizeof *kernels };

/* Bits but for those of NaN, whose sign and payload no standard fixes. */
static void assert_same(const float *a, const float *b, size_t n)
{
    for (size_t i = 0; i < n; i++)
        ck_assert(memcmp(a + i, b + i, sizeof *a) == 0 || (isnan(a[i]) && isnan(b[i])));
}

START_TEST(a_number_has_the_same_bits_everywhere)
{
    float input[LONGEST], other[LONGEST], alone[LONGEST], output[LONGEST];
    fill(input, LONGEST);
    fill(other, LONGEST);
    memcpy(alone, input, sizeof alone);
    dpm_simd_limit(DPM_SIMD_PLAIN);
    for (size_t i = 0; i < LONGEST; i++)
        kernels[_i](alone + i, other + i, 1);
    for (int level = DPM_SIMD_PLAIN; level <= DPM_SIMD_AVX512; level++) {
        dpm_simd_limit(level);
        for (size_t first = 0; first < 3; first++)
            for (size_t n = 0; first + n <= LONGEST; n++) {
                memcpy(output, input, sizeof output);
                kernels[_i](output + first, other + first, n);
                assert_same(output, input, first);
                assert_same(output + first, alone + first, n);
                assert_same(output + first + n, input + first + n, LONGEST - first - n);
            }
    }
}
END_TEST

START_TEST(columns_are_normalised_alike)
{
    double lower[LONGEST], upper[LONGEST];
    float numbers[LONGEST], plain[LONGEST], output[LONGEST];
    uint8_t bytes[LONGEST];
    fill(numbers, LONGEST);
    for (size_t i = 0; i < LONGEST; i++) {
        lower[i] = (double)(20 * next());
        upper[i] = lower[i] + 60 + (double)(40 * next());
        bytes[i] = (uint8_t)(i * 37);
    }
    for (size_t n = 1; n <= LONGEST; n++) {
        struct dpm_bounds bounds;
        ck_assert_int_eq(dpm_bounds_new(&bounds, n, lower, upper, n), 0);
        for (int type = DPM_TYPE_U8; type <= DPM_TYPE_F32; type++)
            for (int level = DPM_SIMD_PLAIN; level <= DPM_SIMD_AVX512; level++) {
                const void *row = type == DPM_TYPE_U8 ? (const void *)bytes : numbers;
                dpm_simd_limit(level);
                dpm_bounds_normalise(&bounds, type, row, level == DPM_SIMD_PLAIN ? plain : output);
                if (level != DPM_SIMD_PLAIN)
                    ck_assert_mem_eq(output, plain, n * sizeof *plain);
            }
        dpm_bounds_free(&bounds);
    }
}
END_TEST

/* ---- Products ---- */

static const size_t shapes[][3] = {{1, 1, 1},    {3, 5, 7},     {14, 32, 1},  {15, 33, 288}, {29, 31, 289},
                                   {17, 10, 60}, {6, 64, 577},  {45, 47, 40}, {2, 100, 300}, {100, 1, 9},
                                   {13, 16, 20}, {28, 17, 290}, {5, 8, 33},   {33, 24, 5}};
enum { SHAPES = sizeof shapes / sizeof *shapes, LARGEST = 100 * 600 };

static float left[LARGEST], right[LARGEST], product[3][LARGEST];

/* c_ij is a chain of fused multiply-adds in the order of k, at every level. */
START_TEST(a_product_is_one_chain_at_every_level)
{
    size_t m = shapes[_i][0], n = shapes[_i][1], k = shapes[_i][2], ldc = n + 2;
    for (size_t i = 0; i < LARGEST; i++) {
        left[i] = next();
        right[i] = next() * (i % 5 ? 1 : 1e4f);
    }
    for (int operation = 0; operation < 3; operation++) {
        struct dpm_gemm_matrix a = {left, k, 1}, b = {right, n, 1};
        if (operation == 1)
            b = (struct dpm_gemm_matrix){right, 1, k};
        if (operation == 2)
            a = (struct dpm_gemm_matrix){left, 1, m};
        for (int level = DPM_SIMD_PLAIN; level <= DPM_SIMD_AVX512; level++) {
            for (size_t i = 0; i < m * ldc; i++)
                product[level][i] = 77;
            dpm_simd_limit(level);
            dpm_gemm_run(product[level], ldc, a, b, m, n, k);
            ck_assert_mem_eq(product[level], product[DPM_SIMD_PLAIN], m * ldc * sizeof(float));
        }
        for (size_t i = 0; i < m; i++) {
            for (size_t j = 0; j < n; j++) {
                float sum = 0;
                for (size_t l = 0; l < k; l++)
                    sum = fmaf(a.values[i * a.row_step + l * a.column_step],
                               b.values[l * b.row_step + j * b.column_step], sum);
                ck_assert(product[DPM_SIMD_PLAIN][i * ldc + j] == sum);
            }
            ck_assert(product[DPM_SIMD_PLAIN][i * ldc + n] == 77); /* nothing beyond the row */
        }
    }
}
END_TEST

/* What is added to the sums is that product, each entry rounded to the nearest whole steps, ties to even. */
START_TEST(a_product_is_added_to_the_grid_at_every_level)
{
    static int64_t sums[LARGEST];
    static float work[LARGEST];
    size_t m = shapes[_i][0], n = shapes[_i][1], k = shapes[_i][2], step = n + 3;
    const double steps_per_unit = 4096;
    dpm_mutex lock;
    ck_assert_int_eq(dpm_mutex_init(&lock), 0);
    for (size_t i = 0; i < LARGEST; i++) {
        left[i] = next();
        right[i] = rintf(16 * next()) / 4096; /* with few digits, so that ties come up */
    }
    struct dpm_gemm_matrix a = {left, 1, m}, b = {right, n, 1};
    dpm_gemm_run(product[0], n, a, b, m, n, k);
    const struct dpm_grid grid = {sums, step, steps_per_unit, &lock};
    for (int level = DPM_SIMD_PLAIN; level <= DPM_SIMD_AVX512; level++) {
        dpm_simd_limit(level);
        for (size_t i = 0; i < m * step; i++)
            sums[i] = (int64_t)i - 40;
        dpm_gemm_add(&grid, work, a, b, m, n, k);
        for (size_t i = 0; i < m; i++)
            for (size_t j = 0; j < step; j++) {
                double added = j < n ? rint((double)product[0][i * n + j] * steps_per_unit) : 0;
                ck_assert_int_eq(sums[i * step + j], (int64_t)(i * step + j) - 40 + (int64_t)added);
            }
    }
    dpm_mutex_destroy(&lock);
}
END_TEST

/* ---- Accuracy ---- */

/* Distance from the exact value in units of its last place. */
static double units(float value, double exact)
{
    int exponent;
    frexp(exact, &exponent);
    return fabs((double)value - exact) / ldexp(1, exponent - 24);
}

START_TEST(functions_are_as_close_as_they_say)
{
    double worst[4] = {0};
    for (int i = -100000; i <= 100000; i++) {
        float x = (float)i * 0.00087f, values[4] = {x, x, x, x};
        double exact = (double)x;
        dpm_nn_exp(values, 1);
        dpm_nn_sigmoid(values + 1, 1);
        dpm_nn_tanh(values + 2, 1);
        dpm_nn_softplus(values + 3, 1);
        const double exacts[] = {exp(exact), 1 / (1 + exp(-exact)), tanh(exact),
                                 exact > 40 ? exact : log1p(exp(exact))};
        for (int f = 0; f < 4; f++)
            worst[f] = i != 0 || f != 2 ? fmax(worst[f], units(values[f], exacts[f])) : worst[f];
    }
    ck_assert_double_le(worst[0], 2);
    ck_assert_double_le(worst[1], 3);
    ck_assert_double_le(worst[2], 4);
    ck_assert_double_le(worst[3], 4);
}
END_TEST

START_TEST(far_values_stay_finite)
{
    float exps[] = {1e30f, -1e30f, INFINITY, -INFINITY}, sigmoids[] = {1e30f, -1e30f, 200, -200},
          tangents[] = {1e30f, -1e30f, INFINITY, -0.0f}, pluses[] = {-1e30f, 1e30f, -100, NAN};
    dpm_nn_exp(exps, 4);
    dpm_nn_sigmoid(sigmoids, 4);
    dpm_nn_tanh(tangents, 4);
    dpm_nn_softplus(pluses, 4);
    ck_assert(exps[0] == exps[2] && isnormal(exps[0]) && exps[1] == exps[3] && isnormal(exps[1]));
    ck_assert(sigmoids[0] == 1 && sigmoids[2] == 1 && isnormal(sigmoids[1]) && sigmoids[1] == sigmoids[3]);
    ck_assert(tangents[0] == 1 && tangents[1] == -1 && tangents[2] == 1 && tangents[3] == 0);
    ck_assert(pluses[0] > 0 && pluses[1] == 1e30f && pluses[2] == pluses[0] && isnan(pluses[3]));
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("simd");
    TCase *bits = tcase_create("bits");
    tcase_set_timeout(bits, 0);
    tcase_add_checked_fixture(bits, NULL, teardown);
    tcase_add_loop_test(bits, a_number_has_the_same_bits_everywhere, 0, KERNELS);
    tcase_add_loop_test(bits, a_product_is_one_chain_at_every_level, 0, SHAPES);
    tcase_add_loop_test(bits, a_product_is_added_to_the_grid_at_every_level, 0, SHAPES);
    tcase_add_test(bits, columns_are_normalised_alike);
    suite_add_tcase(s, bits);
    CHECK_ADD(s, functions_are_as_close_as_they_say);
    CHECK_ADD(s, far_values_stay_finite);
    return s;
}

CHECK_MAIN(suite)
