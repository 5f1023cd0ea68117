/* SPDX-License-Identifier: BSD-3-Clause */
/* For tests of nets: naive twins in double precision, memory for factors, and comparisons. */
#ifndef DPM_TESTS_TWIN_NETS_H
#define DPM_TESTS_TWIN_NETS_H

#include "base_alloc.h"
#include "nn_dense.h"

#include <check.h>

#include <math.h>
#include <stdint.h>
#include <string.h>

/* Numbers in [-1, 1) of a fixed sequence. */
static inline float next_number(uint64_t *state)
{
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return (float)(int32_t)(*state >> 32) * 0x1p-31f;
}

/* Memory of a test, given back at its end. */
static void *blocks[128];
static size_t n_blocks;

static inline void *allocate(size_t n, size_t size)
{
    ck_assert_uint_lt(n_blocks, sizeof blocks / sizeof *blocks);
    blocks[n_blocks] = dpm_alloc(n, size);
    ck_assert_ptr_nonnull(blocks[n_blocks]);
    return blocks[n_blocks++];
}

static inline void free_blocks(void)
{
    while (n_blocks > 0)
        dpm_free(blocks[--n_blocks]);
}

static inline float *numbers(size_t n, uint64_t seed, float scale)
{
    float *values = allocate(n, sizeof *values);
    for (size_t i = 0; i < n; i++)
        values[i] = scale * next_number(&seed);
    return values;
}

/* ---- The twin: one row, in double ---- */

enum { WIDEST = 128 };

#define DIFFERENCE 1e-6 /* half the step of the central differences */

static inline double twin_activate(int activation, double x)
{
    switch (activation) {
    case DPM_NN_RELU: return x > 0 ? x : 0;
    case DPM_NN_TANH: return tanh(x);
    case DPM_NN_LEAKY_RELU: return x > 0 ? x : (double)DPM_NN_LEAKY_SLOPE * x;
    case DPM_NN_SOFTPLUS: return (x > 0 ? x : 0) + log1p(exp(-fabs(x)));
    default: return x;
    }
}

static inline void twin_dense(const struct dpm_nn_dense *net, const double *weights, const double *input,
                              double *output)
{
    double values[WIDEST], next[WIDEST];
    memcpy(values, input, net->layer[0].in * sizeof *values);
    for (int l = 0; l < net->n_layers; l++) {
        size_t in = net->layer[l].in, out = net->layer[l].out;
        for (size_t j = 0; j < out; j++) {
            next[j] = weights[in * out + j];
            for (size_t i = 0; i < in; i++)
                next[j] += values[i] * weights[i * out + j];
            next[j] = twin_activate(net->layer[l].activation, next[j]);
        }
        memcpy(values, next, out * sizeof *values);
        weights += (in + 1) * out;
    }
    memcpy(output, values, net->layer[net->n_layers - 1].out * sizeof *values);
}

/* ---- Factors ---- */

enum { MOST_FACTORS = 16 };

/* The factors of all matrices for one block: n rank lines of each. */
struct factors {
    int n_matrices, rank[MOST_FACTORS];
    size_t left_width[MOST_FACTORS], right_width[MOST_FACTORS];
    float *left[MOST_FACTORS], *right[MOST_FACTORS];
};

/* One matrix more, for n rows; `shift` moves the memory against the alignment that dpm_alloc gives. */
static inline void add_factor(struct factors *factors, size_t rows, size_t columns, int rank, size_t n,
                              size_t shift)
{
    int l = factors->n_matrices++;
    factors->rank[l] = rank;
    factors->left_width[l] = rows;
    factors->right_width[l] = columns;
    factors->left[l] = numbers(n * (size_t)rank * rows + shift, 7, 99) + shift;
    factors->right[l] = numbers(n * (size_t)rank * columns + shift, 8, 99) + shift;
}

/* Row i's gradient with respect to weight w of matrix l, from the factors. */
static inline double factor_gradient(const struct factors *factors, int l, size_t i, size_t w)
{
    size_t out = factors->right_width[l], rank = (size_t)factors->rank[l];
    double sum = 0;
    for (size_t line = i * rank; line < (i + 1) * rank; line++)
        sum += (double)factors->left[l][line * factors->left_width[l] + w / out] *
               (double)factors->right[l][line * out + w % out];
    return sum;
}

static inline void assert_near(double value, double expected, double tolerance)
{
    ck_assert_msg(fabs(value - expected) <= tolerance * (1 + fabs(expected)), "%.9g instead of %.9g", value,
                  expected);
}

/* The rows from `first` on of the one and the rows of the other are the same bits. */
static inline void assert_same_rows(const struct factors *whole, size_t first, const struct factors *part,
                                    size_t n)
{
    for (int l = 0; l < whole->n_matrices; l++) {
        size_t left = whole->left_width[l], right = whole->right_width[l], rank = (size_t)whole->rank[l];
        ck_assert_mem_eq(whole->left[l] + first * rank * left, part->left[l],
                         n * rank * left * sizeof(float));
        ck_assert_mem_eq(whole->right[l] + first * rank * right, part->right[l],
                         n * rank * right * sizeof(float));
    }
}

static const size_t company[] = {1, 2, 3, 5, 16, 17, 64, 289};
enum { COMPANIES = sizeof company / sizeof *company, ROWS = 289 };

#endif
