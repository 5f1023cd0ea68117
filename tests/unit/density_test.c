/* SPDX-License-Identifier: BSD-3-Clause */
/* Gaussian mixtures against plain formulas in double. */
#include "base_alloc.h"
#include "check_main.h"
#include "density_mixture.h"
#include "density_repair.h"
#include "tiny_data.h"

#include <math.h>
#include <string.h>

enum { DIMS = 19, N = 3, ROWS = 37 };

static struct dpm_density density;
static double covariance[N][DIMS * DIMS];
static float points[ROWS * DIMS], logs[ROWS * N], scratch[ROWS * N * DIMS];

/* Component j: random covariance, by its eigenvalues and vectors. */
static void setup(void)
{
    struct tiny_random random = {3};
    static double values[DIMS], vectors[DIMS * DIMS], matrix[DIMS * DIMS], mean[DIMS];
    struct dpm_eigen *eigen = NULL;
    ck_assert_int_eq(dpm_eigen_new(&eigen, DIMS), 0);
    ck_assert_int_eq(dpm_density_new(&density, DIMS, N), 0);
    for (size_t j = 0; j < N; j++) {
        for (size_t i = 0; i < DIMS * DIMS; i++)
            vectors[i] = tiny_normal(&random);
        for (size_t a = 0; a < DIMS; a++)
            for (size_t b = 0; b < DIMS; b++) {
                double sum = a == b ? 0.5 : 0;
                for (size_t l = 0; l < DIMS; l++)
                    sum += vectors[a * DIMS + l] * vectors[b * DIMS + l] / DIMS;
                covariance[j][a * DIMS + b] = sum;
            }
        for (size_t l = 0; l < DIMS; l++)
            mean[l] = tiny_normal(&random);
        memcpy(matrix, covariance[j], sizeof matrix);
        ck_assert_int_eq(dpm_eigen_largest(eigen, values, vectors, matrix, DIMS, DIMS), 0);
        dpm_density_set(&density, j, mean, values, vectors);
    }
    for (size_t i = 0; i < ROWS * DIMS; i++)
        points[i] = (float)(2 * tiny_normal(&random));
    dpm_eigen_free(eigen);
}

static void teardown(void)
{
    dpm_density_free(&density);
    ck_assert_int_eq(dpm_alloc_live(), 0);
}

/* By elimination: x' inverse(C) x and log |C|. */
static double naive_log(size_t j, const float *point)
{
    static double a[DIMS][DIMS + 1];
    double log_volume = 0, square = 0;
    for (size_t i = 0; i < DIMS; i++) {
        for (size_t l = 0; l < DIMS; l++)
            a[i][l] = covariance[j][i * DIMS + l];
        a[i][DIMS] = (double)point[i] - (double)density.means[j * DIMS + i];
    }
    for (size_t i = 0; i < DIMS; i++) {
        log_volume += log(a[i][i]);
        square += a[i][DIMS] * a[i][DIMS] / a[i][i];
        for (size_t r = i + 1; r < DIMS; r++) {
            double factor = a[r][i] / a[i][i];
            for (size_t l = i; l <= DIMS; l++)
                a[r][l] -= factor * a[i][l];
        }
    }
    return -0.5 * (square + log_volume + DIMS * log(6.283185307179586477));
}

START_TEST(log_densities_are_those_of_the_formula)
{
    dpm_density_logs(&density, 0, N, logs, points, ROWS, scratch);
    for (size_t i = 0; i < ROWS; i++)
        for (size_t j = 0; j < N; j++) {
            double truth = naive_log(j, points + i * DIMS);
            ck_assert_double_eq_tol((double)logs[i * N + j], truth, 1e-5 * fabs(truth) + 1e-4);
        }
}
END_TEST

/* The vault's proof needs the same bits whatever other rows there are. */
START_TEST(a_row_does_not_depend_on_the_others)
{
    static const double log_weights[N] = {-1, -2, -0.7};
    float alone[N];
    dpm_density_responsibilities(&density, 0, N, logs, log_weights, points, ROWS, scratch);
    for (size_t i = 0; i < ROWS; i++) {
        dpm_density_responsibilities(&density, 0, N, alone, log_weights, points + i * DIMS, 1, scratch);
        ck_assert_mem_eq(alone, logs + i * N, sizeof alone);
    }
}
END_TEST

START_TEST(responsibilities_are_shares)
{
    static const double log_weights[N] = {-1, -2, -0.7};
    static float shares[ROWS * N];
    points[0] = 1e6f; /* far from all of them */
    dpm_density_logs(&density, 0, N, logs, points, ROWS, scratch);
    dpm_density_responsibilities(&density, 0, N, shares, log_weights, points, ROWS, scratch);
    for (size_t i = 0; i < ROWS; i++) {
        double sum = 0, largest = -INFINITY, all = 0;
        for (size_t j = 0; j < N; j++)
            largest = fmax(largest, (double)logs[i * N + j] + log_weights[j]);
        for (size_t j = 0; j < N; j++)
            all += exp((double)logs[i * N + j] + log_weights[j] - largest);
        for (size_t j = 0; j < N; j++) {
            double truth = exp((double)logs[i * N + j] + log_weights[j] - largest) / all;
            ck_assert_double_eq_tol((double)shares[i * N + j], truth, 1e-4);
            sum += (double)shares[i * N + j];
        }
        ck_assert_double_eq_tol(sum, 1, 1e-6);
    }
}
END_TEST

/* An impossible weight is not a number's end. */
START_TEST(components_without_weight_have_no_share)
{
    static const double log_weights[N] = {-INFINITY, -INFINITY, -INFINITY},
                        one[N] = {-INFINITY, 0, -INFINITY};
    float shares[N];
    dpm_density_responsibilities(&density, 0, N, shares, one, points, 1, scratch);
    ck_assert(shares[0] == 0 && shares[1] == 1 && shares[2] == 0);
    dpm_density_responsibilities(&density, 0, N, shares, log_weights, points, 1, scratch);
    for (size_t j = 0; j < N; j++)
        ck_assert_double_eq_tol((double)shares[j], 1.0 / N, 1e-6);
}
END_TEST

START_TEST(draws_have_the_covariance)
{
    enum { DRAWS = 20000 };
    struct tiny_random random = {8};
    static double sums[DIMS * DIMS];
    float normals[DIMS], point[DIMS];
    memset(sums, 0, sizeof sums);
    for (size_t i = 0; i < DRAWS; i++) {
        for (size_t l = 0; l < DIMS; l++)
            normals[l] = (float)tiny_normal(&random);
        dpm_density_draw(&density, 1, point, normals);
        for (size_t a = 0; a < DIMS; a++)
            for (size_t b = 0; b < DIMS; b++)
                sums[a * DIMS + b] += ((double)point[a] - (double)density.means[DIMS + a]) *
                                      ((double)point[b] - (double)density.means[DIMS + b]) / DRAWS;
    }
    for (size_t i = 0; i < DIMS * DIMS; i++)
        ck_assert_double_eq_tol(sums[i], covariance[1][i], 0.1);
}
END_TEST

START_TEST(shrinkage_goes_by_the_noise)
{
    double target[4] = {1, 0, 0, 1}, matrix[4] = {3, 1, 1, 1}; /* 6 away, squared */
    ck_assert_double_eq_tol(dpm_density_shrink(matrix, target, 2, 1.5, 1), 0.75, 1e-12);
    ck_assert_double_eq_tol(matrix[0], 2.5, 1e-12);
    ck_assert_double_eq_tol(matrix[1], 0.75, 1e-12);
    double noisy[4] = {3, 1, 1, 1};
    ck_assert_double_eq(dpm_density_shrink(noisy, target, 2, 7, 1), 0);
    ck_assert_mem_eq(noisy, target, sizeof target);
    double trusted[4] = {3, 1, 1, 1};
    ck_assert_double_eq(dpm_density_shrink(trusted, target, 2, 0, 0.5), 0.5);
    ck_assert_double_eq(dpm_density_denominator(-5, 3), 6);
    ck_assert_double_eq(dpm_density_denominator(100, 3), 100);
    ck_assert_double_eq(dpm_density_denominator(-5, 0.1), 1);
    ck_assert_double_eq_tol(dpm_density_unpush(2.5, 2), 2, 1e-12); /* 2 + 1 / 2 */
    ck_assert_double_eq(dpm_density_unpush(-1, 2), 0);
}
END_TEST

/* v v' with a diagonal is found again; what is under the edge goes to the diagonal. */
START_TEST(factors_keep_the_diagonal)
{
    enum { M = 4 };
    double matrix[M * M], before[M * M], room[M * (2 * M + 1)];
    struct dpm_eigen *eigen = NULL;
    ck_assert_int_eq(dpm_eigen_new(&eigen, M), 0);
    for (size_t i = 0; i < M; i++)
        for (size_t j = 0; j < M; j++)
            matrix[i * M + j] = before[i * M + j] = (double)(i + 1) * (double)(j + 1) + (i == j ? 0.5 : 0);
    ck_assert_int_eq(dpm_density_make_factors(matrix, M, 5, eigen, room), 0);
    for (size_t i = 0; i < M; i++)
        for (size_t j = 0; j < M; j++)
            ck_assert_double_eq_tol(matrix[i * M + j], before[i * M + j], i == j ? 1e-9 : 0.4);
    ck_assert_int_eq(dpm_density_make_factors(matrix, M, 1e3, eigen, room), 0);
    for (size_t i = 0; i < M; i++)
        for (size_t j = 0; j < M; j++)
            ck_assert_double_eq_tol(matrix[i * M + j], i == j ? before[i * M + j] : 0, 1e-9);
    dpm_eigen_free(eigen);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("density");
    TCase *mixture = tcase_create("mixture");
    tcase_add_checked_fixture(mixture, setup, teardown);
    tcase_add_test(mixture, log_densities_are_those_of_the_formula);
    tcase_add_test(mixture, a_row_does_not_depend_on_the_others);
    tcase_add_test(mixture, responsibilities_are_shares);
    tcase_add_test(mixture, components_without_weight_have_no_share);
    tcase_add_test(mixture, draws_have_the_covariance);
    suite_add_tcase(s, mixture);
    TCase *repair = tcase_create("repair");
    tcase_add_test(repair, shrinkage_goes_by_the_noise);
    tcase_add_test(repair, factors_keep_the_diagonal);
    suite_add_tcase(s, repair);
    return s;
}

CHECK_MAIN(suite)
