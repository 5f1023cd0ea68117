/* SPDX-License-Identifier: BSD-3-Clause */
/* Mixtures of products: the gradient against differences of the loss, and the fit to tables. */
#include "check_main.h"
#include "nn_products.h"
#include "tiny_data.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { VARIABLES = 4, PLACES = 11, COMPONENTS = 3, SIZE = COMPONENTS * (PLACES + 1) };

static const size_t first[VARIABLES + 1] = {0, 2, 5, 6, PLACES}; /* one has a single place */
static const struct dpm_nn_products products = {VARIABLES, COMPONENTS, first};
static const float importance[VARIABLES] = {1, 2, 0.5f, 3};

static size_t variable_of(size_t place)
{
    size_t v = 0;
    while (place >= first[v + 1])
        v++;
    return v;
}

/* By the definition, in double. laws: shares, then laws. */
static double pair(const float *laws, size_t d, size_t e)
{
    double sum = 0;
    for (size_t k = 0; k < COMPONENTS; k++) {
        const float *law = laws + COMPONENTS + k * PLACES;
        sum += (double)laws[k] * (double)law[d] * (d == e ? 1 : (double)law[e]);
    }
    return sum;
}

static double loss(const float *weights, const float *table)
{
    float laws[SIZE];
    double sum = 0;
    dpm_nn_products_laws(&products, laws, weights);
    for (size_t d = 0; d < PLACES; d++)
        for (size_t e = 0; e < PLACES; e++) {
            size_t v = variable_of(d), u = variable_of(e);
            if (v != u || d == e)
                sum += (double)importance[v] * (double)importance[u] *
                       pow(pair(laws, d, e) - (double)table[d * PLACES + e], 2);
        }
    return sum;
}

static void random_numbers(float *out, size_t n, double deviation, uint64_t seed)
{
    struct tiny_random random = {seed};
    for (size_t i = 0; i < n; i++)
        out[i] = (float)(deviation * tiny_normal(&random));
}

static float *new_scratch(void)
{
    size_t n = dpm_nn_products_scratch(&products);
    ck_assert_uint_gt(n, 0);
    float *scratch = malloc(n * sizeof *scratch);
    ck_assert_ptr_nonnull(scratch);
    for (size_t i = 0; i < n; i++)
        scratch[i] = NAN; /* it is not read before it is written */
    return scratch;
}

START_TEST(laws_are_laws)
{
    float weights[SIZE], laws[SIZE];
    ck_assert_uint_eq(dpm_nn_products_size(&products), SIZE);
    random_numbers(weights, SIZE, 30, 1);
    dpm_nn_products_laws(&products, laws, weights);
    double shares = 0;
    for (size_t k = 0; k < COMPONENTS; k++) {
        shares += (double)laws[k];
        for (size_t v = 0; v < VARIABLES; v++) {
            double sum = 0;
            for (size_t d = first[v]; d < first[v + 1]; d++) {
                ck_assert(laws[COMPONENTS + k * PLACES + d] >= 0);
                sum += (double)laws[COMPONENTS + k * PLACES + d];
            }
            ck_assert_double_eq_tol(sum, 1, 1e-6);
        }
    }
    ck_assert_double_eq_tol(shares, 1, 1e-6);
    dpm_nn_products_laws(&products, weights, weights); /* in place */
    ck_assert_mem_eq(weights, laws, sizeof laws);
}
END_TEST

START_TEST(the_gradient_is_that_of_the_loss)
{
    const float step = 0x1p-7f;
    float weights[SIZE], laws[SIZE], gradient[SIZE], table[PLACES * PLACES], *scratch = new_scratch();
    random_numbers(weights, SIZE, 1, 2);
    random_numbers(table, PLACES * PLACES, 0.3, 3);
    for (size_t d = 0; d < PLACES; d++)
        for (size_t e = 0; e < d; e++)
            table[e * PLACES + d] = table[d * PLACES + e];
    dpm_nn_products_laws(&products, laws, weights);
    dpm_nn_products_gradient(&products, laws, table, importance, scratch, gradient);
    for (size_t i = 0; i < SIZE; i++) {
        float before = weights[i];
        weights[i] = before + step;
        double above = loss(weights, table);
        weights[i] = before - step;
        double slope = (above - loss(weights, table)) / (2 * (double)step);
        weights[i] = before;
        ck_assert_double_eq_tol(4 * (double)gradient[i], slope, 2e-3);
    }
    free(scratch);
}
END_TEST

START_TEST(tables_of_a_mixture_are_fitted)
{
    float truth[SIZE], weights[SIZE], table[PLACES * PLACES], *scratch = new_scratch();
    random_numbers(truth, SIZE, 2, 4);
    random_numbers(weights, SIZE, 1, 5);
    dpm_nn_products_laws(&products, truth, truth);
    for (size_t d = 0; d < PLACES; d++)
        for (size_t e = 0; e < PLACES; e++)
            table[d * PLACES + e] = (float)pair(truth, d, e);
    double before = loss(weights, table);
    float again[SIZE];
    memcpy(again, weights, sizeof again);
    dpm_nn_products_fit(&products, weights, table, importance, (struct dpm_nn_products_steps){0, 2000, 2000},
                        scratch);
    ck_assert_double_lt(loss(weights, table), 1e-4 * before);
    for (uint64_t step = 0; step < 2000; step += 500)
        dpm_nn_products_fit(&products, again, table, importance,
                            (struct dpm_nn_products_steps){step, step + 500, 2000}, scratch);
    ck_assert_mem_eq(again, weights, sizeof again);
    free(scratch);
}
END_TEST

START_TEST(sizes_that_overflow_are_seen)
{
    const size_t many[2] = {0, SIZE_MAX / 16};
    const struct dpm_nn_products large = {1, 64, many}, wide = {1, 1, many};
    ck_assert_uint_eq(dpm_nn_products_size(&large), 0);
    ck_assert_uint_eq(dpm_nn_products_scratch(&large), 0);
    ck_assert_uint_gt(dpm_nn_products_size(&wide), 0);
    ck_assert_uint_eq(dpm_nn_products_scratch(&wide), 0);
}
END_TEST

static Suite *nn_products_suite(void)
{
    Suite *suite = suite_create("nn_products");
    TCase *test_case = tcase_create("products");
    suite_add_tcase(suite, test_case);
    tcase_add_test(test_case, laws_are_laws);
    tcase_add_test(test_case, the_gradient_is_that_of_the_loss);
    tcase_add_test(test_case, tables_of_a_mixture_are_fitted);
    tcase_add_test(test_case, sizes_that_overflow_are_seen);
    return suite;
}

CHECK_MAIN(nn_products_suite)
