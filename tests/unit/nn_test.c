/* SPDX-License-Identifier: BSD-3-Clause */
/* Dense nets against naive double-precision twins: values, gradients by central differences, bits of rows in
 * and out of company. */
#include "check_main.h"
#include "linalg_mat.h"
#include "nn_dense.h"
#include "twin_nets.h"

static const struct dpm_nn_dense nets[] = {
    {1, {{5, 3, DPM_NN_LINEAR}}},
    {1, {{4, 6, DPM_NN_TANH}}},
    {2, {{7, 9, DPM_NN_RELU}, {9, 4, DPM_NN_LINEAR}}},
    {3, {{6, 8, DPM_NN_TANH}, {8, 7, DPM_NN_RELU}, {7, 2, DPM_NN_TANH}}},
    {4, {{3, 5, DPM_NN_RELU}, {5, 6, DPM_NN_TANH}, {6, 4, DPM_NN_LINEAR}, {4, 1, DPM_NN_RELU}}},
    {3, {{5, 7, DPM_NN_LEAKY_RELU}, {7, 6, DPM_NN_SOFTPLUS}, {6, 3, DPM_NN_LEAKY_RELU}}},
    {2, {{4, 6, DPM_NN_SOFTPLUS}, {6, 5, DPM_NN_SOFTPLUS}}},
};
enum { NETS = sizeof nets / sizeof *nets };

static struct factors new_dense_factors(const struct dpm_nn_dense *net, size_t n, size_t shift)
{
    struct factors factors = {0};
    for (int l = 0; l < net->n_layers; l++)
        add_factor(&factors, net->layer[l].in + 1, net->layer[l].out, 1, n, shift);
    return factors;
}

/* Forward and backward of n rows for the loss 1/2 |output|^2; the output is left in `output`. */
static void run_dense(const struct dpm_nn_dense *net, const float *weights, const float *inputs, size_t n,
                      struct factors *factors, float *output)
{
    int last = net->n_layers - 1;
    size_t in = net->layer[0].in, out = net->layer[last].out;
    for (size_t i = 0; i < n; i++)
        memcpy(factors->left[0] + i * (in + 1), inputs + i * in, in * sizeof *inputs);
    dpm_nn_dense_forward(net, weights, n, factors->left, output);
    memcpy(factors->right[last], output, n * out * sizeof *output);
    dpm_nn_dense_backward(net, weights, n, factors->left, output, factors->right);
}

static double twin_dense_loss(const struct dpm_nn_dense *net, const double *weights, const double *input)
{
    double output[WIDEST], loss = 0;
    twin_dense(net, weights, input, output);
    for (size_t j = 0; j < net->layer[net->n_layers - 1].out; j++)
        loss += output[j] * output[j] / 2;
    return loss;
}

/* The loss's derivative with respect to *variable, which lies in `weights` or `input`. */
static double central_difference(const struct dpm_nn_dense *net, const double *weights, const double *input,
                                 double *variable)
{
    double centre = *variable;
    *variable = centre + DIFFERENCE;
    double up = twin_dense_loss(net, weights, input);
    *variable = centre - DIFFERENCE;
    double down = twin_dense_loss(net, weights, input);
    *variable = centre;
    return (up - down) / (2 * DIFFERENCE);
}

START_TEST(test_dense_gradients)
{
    enum { N = 5 };
    const struct dpm_nn_dense *net = &nets[_i];
    size_t size = dpm_nn_dense_size(net), in = net->layer[0].in, out = net->layer[net->n_layers - 1].out;
    float *weights = numbers(size, 1, 0.8f), *inputs = numbers(N * in, 2, 1);
    float *output = numbers(N * out, 3, 1), *input_gradient = numbers(N * in, 4, 1);
    double twin[1024], input[WIDEST], values[WIDEST];
    struct factors factors = new_dense_factors(net, N, 0);
    run_dense(net, weights, inputs, N, &factors, output);
    dpm_nn_dense_input_gradient(net, weights, N, factors.right[0], input_gradient, in);
    for (size_t w = 0; w < size; w++)
        twin[w] = (double)weights[w];
    for (size_t i = 0; i < N; i++) {
        for (size_t d = 0; d < in; d++)
            input[d] = (double)inputs[i * in + d];
        twin_dense(net, twin, input, values);
        for (size_t j = 0; j < out; j++)
            assert_near((double)output[i * out + j], values[j], 1e-6);
        size_t w = 0;
        for (int l = 0; l < net->n_layers; l++) {
            size_t layer_size = (net->layer[l].in + 1) * net->layer[l].out;
            for (size_t own = 0; own < layer_size; own++, w++) {
                double expected = central_difference(net, twin, input, &twin[w]);
                assert_near(factor_gradient(&factors, l, i, own), expected, 3e-6);
            }
        }
        for (size_t d = 0; d < in; d++) {
            double expected = central_difference(net, twin, input, &input[d]);
            assert_near((double)input_gradient[i * in + d], expected, 3e-6);
        }
    }
}
END_TEST

/* left' right is the sum of the rows' gradients, each of them materialised. */
START_TEST(test_factors_sum_to_the_gradient)
{
    enum { N = 37 };
    const struct dpm_nn_dense *net = &nets[_i];
    size_t size = dpm_nn_dense_size(net), in = net->layer[0].in, out = net->layer[net->n_layers - 1].out;
    float *weights = numbers(size, 5, 0.8f), *inputs = numbers(N * in, 6, 1);
    float *output = numbers(N * out, 3, 1);
    struct factors factors = new_dense_factors(net, N, 0);
    run_dense(net, weights, inputs, N, &factors, output);
    for (int l = 0; l < net->n_layers; l++) {
        size_t rows = factors.left_width[l], columns = factors.right_width[l];
        float product[512]; /* no layer of these nets has more weights */
        dpm_mat_mul_at(product, columns, factors.left[l], rows, factors.right[l], columns, rows, columns, N);
        for (size_t w = 0; w < rows * columns; w++) {
            double sum = 0, absolute = 0;
            for (size_t i = 0; i < N; i++)
                sum += factor_gradient(&factors, l, i, w);
            for (size_t i = 0; i < N; i++)
                absolute += fabs(factor_gradient(&factors, l, i, w));
            ck_assert_double_le(fabs((double)product[w] - sum), (N + 1) * 0x1p-24 * absolute);
        }
    }
}
END_TEST

START_TEST(test_dense_rows_are_pure)
{
    static const struct dpm_nn_dense net = {5,
                                            {{61, 47, DPM_NN_RELU},
                                             {47, 33, DPM_NN_TANH},
                                             {33, 37, DPM_NN_SOFTPLUS},
                                             {37, 29, DPM_NN_LEAKY_RELU},
                                             {29, 19, DPM_NN_TANH}}};
    size_t n = company[_i], shift = _i % 3;
    float *weights = numbers(dpm_nn_dense_size(&net), 11, 0.3f), *inputs = numbers((size_t)ROWS * 61, 12, 2);
    float *output = numbers((size_t)ROWS * 19, 3, 1), *part_output = numbers((size_t)ROWS * 19, 3, 1);
    struct factors whole = new_dense_factors(&net, ROWS, 0), part = new_dense_factors(&net, n, shift);
    run_dense(&net, weights, inputs, ROWS, &whole, output);
    for (size_t first = 0; first < ROWS; first += n) {
        size_t left = ROWS - first < n ? ROWS - first : n;
        run_dense(&net, weights, inputs + first * 61, left, &part, part_output);
        assert_same_rows(&whole, first, &part, left);
        ck_assert_mem_eq(output + first * 19, part_output, left * 19 * sizeof *output);
    }
}
END_TEST

START_TEST(test_dense_sizes)
{
    struct dpm_nn_dense net = {2, {{3, 4, DPM_NN_RELU}, {4, 2, DPM_NN_LINEAR}}};
    ck_assert_uint_eq(dpm_nn_dense_size(&net), 4 * 4 + 5 * 2);
    net.layer[0].in = SIZE_MAX;
    ck_assert_uint_eq(dpm_nn_dense_size(&net), 0);
    net.layer[0].in = SIZE_MAX / 4 - 1;
    ck_assert_uint_eq(dpm_nn_dense_size(&net), 0);
}
END_TEST

START_TEST(test_dense_start)
{
    const struct dpm_nn_dense net = {2, {{8, 4, DPM_NN_RELU}, {4, 12, DPM_NN_LINEAR}}};
    float weights[9 * 4 + 5 * 12];
    for (size_t i = 0; i < sizeof weights / sizeof *weights; i++)
        weights[i] = 1;
    dpm_nn_dense_start(&net, weights, weights);
    for (size_t i = 0; i < 36; i++)
        ck_assert_float_eq(weights[i], i < 32 ? 0.5f : 0); /* sqrt(2 / 8) */
    for (size_t i = 0; i < 60; i++)
        ck_assert_float_eq(weights[36 + i], i < 48 ? (float)sqrt(2. / 16) : 0);
}
END_TEST

static void add(Suite *suite, const TTest *function, int n)
{
    TCase *check_case = tcase_create("nn");
    tcase_set_timeout(check_case, 0);
    tcase_add_checked_fixture(check_case, NULL, free_blocks);
    tcase_add_loop_test(check_case, function, 0, n);
    suite_add_tcase(suite, check_case);
}

static Suite *suite(void)
{
    Suite *s = suite_create("nn");
    add(s, test_dense_gradients, NETS);
    add(s, test_factors_sum_to_the_gradient, NETS);
    add(s, test_dense_rows_are_pure, COMPANIES);
    add(s, test_dense_sizes, 1);
    add(s, test_dense_start, 1);
    return s;
}

CHECK_MAIN(suite)
