/* SPDX-License-Identifier: BSD-3-Clause */
/* The nets against naive double-precision twins: values, gradients by central differences, bits of rows in
 * and out of company. */
#include "base_alloc.h"
#include "check_main.h"
#include "linalg_mat.h"
#include "nn_dense.h"
#include "nn_optim.h"
#include "nn_vae.h"

#include <math.h>
#include <stdint.h>
#include <string.h>

/* Numbers in [-1, 1) of a fixed sequence. */
static float next_number(uint64_t *state)
{
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return (float)(int32_t)(*state >> 32) * 0x1p-31f;
}

/* Memory of a test, given back at its end. */
static void *blocks[64];
static size_t n_blocks;

static void *allocate(size_t n, size_t size)
{
    ck_assert_uint_lt(n_blocks, sizeof blocks / sizeof *blocks);
    blocks[n_blocks] = dpm_alloc(n, size);
    ck_assert_ptr_nonnull(blocks[n_blocks]);
    return blocks[n_blocks++];
}

static void free_blocks(void)
{
    while (n_blocks > 0)
        dpm_free(blocks[--n_blocks]);
    }

static float *numbers(size_t n, uint64_t seed, float scale)
{
    float *values = allocate(n, sizeof *values);
    for (size_t i = 0; i < n; i++)
        values[i] = scale * next_number(&seed);
    return values;
}

/* ---- The twins: one row, in double ---- */

enum { WIDEST = 128 };

#define DIFFERENCE 1e-6 /* half the step of the central differences */

static void twin_dense(const struct dpm_nn_dense *net, const double *weights, const double *input,
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
            if (net->layer[l].activation == DPM_NN_RELU)
                next[j] = next[j] > 0 ? next[j] : 0;
            else if (net->layer[l].activation == DPM_NN_TANH)
                next[j] = tanh(next[j]);
        }
        memcpy(values, next, out * sizeof *values);
        weights += (in + 1) * out;
    }
    memcpy(output, values, net->layer[net->n_layers - 1].out * sizeof *values);
}

static double twin_vae_loss(const struct dpm_nn_vae *vae, const double *weights, const float *row,
                            int32_t label, const float *normals)
{
    double input[WIDEST], encoded[WIDEST], logits[WIDEST], loss = 0;
    const double *decoder = weights + dpm_nn_dense_size(&vae->encoder);
    for (size_t d = 0; d < vae->columns; d++)
        input[d] = (double)row[d];
    for (size_t c = 0; c < vae->classes; c++)
        input[vae->columns + c] = (size_t)label == c ? DPM_NN_VAE_LABEL : 0;
    twin_dense(&vae->encoder, weights, input, encoded);
    for (size_t j = 0; j < vae->latent; j++) {
        double mean = encoded[j], v = 6 * tanh(encoded[vae->latent + j] / 6);
        loss += (mean * mean + exp(v) - 1 - v) / 2;
        input[j] = mean + exp(v / 2) * (double)normals[j];
    }
    for (size_t c = 0; c < vae->classes; c++)
        input[vae->latent + c] = (size_t)label == c ? DPM_NN_VAE_LABEL : 0;
    twin_dense(&vae->decoder, decoder, input, logits);
    for (size_t d = 0; d < vae->columns; d++) {
        double mean = 1 / (1 + exp(-logits[d])), x = (double)row[d];
        loss -= x * log(mean) + (1 - x) * log(1 - mean);
    }
    return loss;
}

/* ---- Dense nets ---- */

static const struct dpm_nn_dense nets[] = {
    {1, {{5, 3, DPM_NN_LINEAR}}},
    {1, {{4, 6, DPM_NN_TANH}}},
    {2, {{7, 9, DPM_NN_RELU}, {9, 4, DPM_NN_LINEAR}}},
    {3, {{6, 8, DPM_NN_TANH}, {8, 7, DPM_NN_RELU}, {7, 2, DPM_NN_TANH}}},
    {4, {{3, 5, DPM_NN_RELU}, {5, 6, DPM_NN_TANH}, {6, 4, DPM_NN_LINEAR}, {4, 1, DPM_NN_RELU}}},
};
enum { NETS = sizeof nets / sizeof *nets };

/* The factors of all layers for one block. */
struct factors {
    int n_layers;
    size_t left_width[DPM_NN_LAYERS], right_width[DPM_NN_LAYERS];
    float *left[DPM_NN_LAYERS], *right[DPM_NN_LAYERS];
};

/* `shift` moves the memory against the alignment that dpm_alloc gives. */
static struct factors new_factors(const struct dpm_nn_layer *const *layers, int n_layers, size_t n,
                                  size_t shift)
{
    struct factors factors = {.n_layers = n_layers};
    for (int l = 0; l < n_layers; l++) {
        factors.left_width[l] = layers[l]->in + 1;
        factors.right_width[l] = layers[l]->out;
        factors.left[l] = numbers(n * factors.left_width[l] + shift, 7, 99) + shift;
        factors.right[l] = numbers(n * factors.right_width[l] + shift, 8, 99) + shift;
    }
    return factors;
}

static struct factors new_dense_factors(const struct dpm_nn_dense *net, size_t n, size_t shift)
{
    const struct dpm_nn_layer *layers[DPM_NN_LAYERS] = {0};
    for (int l = 0; l < net->n_layers; l++)
        layers[l] = &net->layer[l];
    return new_factors(layers, net->n_layers, n, shift);
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

/* Row i's gradient with respect to weight w of layer l, from the factors. */
static double factor_gradient(const struct factors *factors, int l, size_t i, size_t w)
{
    size_t out = factors->right_width[l];
    return (double)factors->left[l][i * factors->left_width[l] + w / out] *
           (double)factors->right[l][i * out + w % out];
}

static void assert_near(double value, double expected, double tolerance)
{
    ck_assert_msg(fabs(value - expected) <= tolerance * (1 + fabs(expected)), "%.9g instead of %.9g", value,
                  expected);
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

/* The rows from `first` on of the one and the rows of the other are the same bits. */
static void assert_same_rows(const struct factors *whole, size_t first, const struct factors *part, size_t n)
{
    for (int l = 0; l < whole->n_layers; l++) {
        size_t left = whole->left_width[l], right = whole->right_width[l];
        ck_assert_mem_eq(whole->left[l] + first * left, part->left[l], n * left * sizeof(float));
        ck_assert_mem_eq(whole->right[l] + first * right, part->right[l], n * right * sizeof(float));
    }
}

static const size_t company[] = {1, 2, 3, 5, 16, 17, 64, 289};
enum { COMPANIES = sizeof company / sizeof *company, ROWS = 289 };

START_TEST(test_dense_rows_are_pure)
{
    static const struct dpm_nn_dense net = {
        3, {{61, 47, DPM_NN_RELU}, {47, 33, DPM_NN_TANH}, {33, 19, DPM_NN_TANH}}};
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

/* ---- The VAE ---- */

/* A block of records for a VAE, with its weights. */
struct vae_case {
    struct dpm_nn_vae vae;
    size_t n;
    float *weights, *rows, *normals, *scratch;
    int32_t *labels;
    struct factors factors;
};

static struct factors new_vae_factors(const struct dpm_nn_vae *vae, size_t n, size_t shift)
{
    const struct dpm_nn_layer *layers[DPM_NN_VAE_LAYERS];
    for (int l = 0; l < DPM_NN_VAE_LAYERS; l++)
        layers[l] = dpm_nn_vae_layer(vae, l);
    return new_factors(layers, DPM_NN_VAE_LAYERS, n, shift);
}

static struct vae_case new_vae_case(size_t columns, size_t classes, size_t hidden, size_t latent, size_t n)
{
    struct vae_case vc = {.vae = dpm_nn_vae_shape(columns, classes, hidden, latent), .n = n};
    vc.weights = numbers(dpm_nn_vae_size(&vc.vae), 21, 0.5f);
    vc.rows = numbers(n * columns, 22, 1);
    for (size_t i = 0; i < n * columns; i++)
        vc.rows[i] = fabsf(vc.rows[i]);
    vc.normals = numbers(n * latent, 23, 2);
    vc.scratch = numbers(n * dpm_nn_vae_gradient_scratch(&vc.vae), 24, 99);
    vc.labels = allocate(n, sizeof *vc.labels);
    for (size_t i = 0; classes > 0 && i < n; i++)
        vc.labels[i] = (int32_t)(i * 7 % classes);
    vc.factors = new_vae_factors(&vc.vae, n, 0);
    return vc;
}

static void run_vae(struct vae_case *vc, size_t first, size_t n, struct factors *factors)
{
    dpm_nn_vae_gradient(&vc->vae, vc->weights, n, vc->rows + first * vc->vae.columns,
                        vc->vae.classes ? vc->labels + first : NULL, vc->normals + first * vc->vae.latent,
                        vc->scratch, factors->left, factors->right);
}

START_TEST(test_vae_gradient)
{
    static const size_t classes[] = {0, 1, 5};
    struct vae_case vc = new_vae_case(11, classes[_i], 9, 3, 4);
    double twin[1024];
    size_t size = dpm_nn_vae_size(&vc.vae);
    ck_assert_uint_le(size, sizeof twin / sizeof *twin);
    run_vae(&vc, 0, vc.n, &vc.factors);
    for (size_t w = 0; w < size; w++)
        twin[w] = (double)vc.weights[w];
    for (size_t i = 0; i < vc.n; i++) {
        const float *row = vc.rows + i * vc.vae.columns, *normals = vc.normals + i * vc.vae.latent;
        size_t w = 0;
        for (int l = 0; l < DPM_NN_VAE_LAYERS; l++) {
            size_t layer_size = vc.factors.left_width[l] * vc.factors.right_width[l];
            for (size_t own = 0; own < layer_size; own++, w++) {
                double centre = twin[w];
                twin[w] = centre + DIFFERENCE;
                double up = twin_vae_loss(&vc.vae, twin, row, vc.labels[i], normals);
                twin[w] = centre - DIFFERENCE;
                double down = twin_vae_loss(&vc.vae, twin, row, vc.labels[i], normals);
                twin[w] = centre;
                assert_near(factor_gradient(&vc.factors, l, i, own), (up - down) / (2 * DIFFERENCE), 1e-5);
            }
        }
        ck_assert_uint_eq(w, size);
    }
}
END_TEST

START_TEST(test_vae_rows_are_pure)
{
    struct vae_case vc = new_vae_case(101, _i % 2 ? 10 : 0, 53, 6, ROWS);
    size_t n = company[_i], shift = _i % 3;
    struct factors part = new_vae_factors(&vc.vae, n, shift);
    run_vae(&vc, 0, ROWS, &vc.factors);
    for (size_t first = 0; first < ROWS; first += n) {
        size_t left = ROWS - first < n ? ROWS - first : n;
        run_vae(&vc, first, left, &part);
        assert_same_rows(&vc.factors, first, &part, left);
    }
}
END_TEST

/* Weights at their limit give finite factors, and means that are probabilities. */
START_TEST(test_vae_stays_finite)
{
    struct vae_case vc = new_vae_case(40, 3, 30, 4, 8);
    float *means = numbers(vc.n * 40, 1, 1);
    float *scratch = numbers(vc.n * dpm_nn_vae_decode_scratch(&vc.vae), 1, 1);
    for (size_t w = 0; w < dpm_nn_vae_size(&vc.vae); w++)
        vc.weights[w] = copysignf(DPM_NN_WEIGHT_LIMIT, vc.weights[w]);
    run_vae(&vc, 0, vc.n, &vc.factors);
    for (int l = 0; l < DPM_NN_VAE_LAYERS; l++) {
        for (size_t i = 0; i < vc.n * vc.factors.left_width[l]; i++)
            ck_assert(isfinite(vc.factors.left[l][i]));
        for (size_t i = 0; i < vc.n * vc.factors.right_width[l]; i++)
            ck_assert(isfinite(vc.factors.right[l][i]));
    }
    dpm_nn_vae_decode(&vc.vae, vc.weights, vc.n, vc.normals, vc.labels, scratch, means);
    for (size_t i = 0; i < vc.n * 40; i++)
        ck_assert(means[i] >= 0 && means[i] <= 1);
}
END_TEST

START_TEST(test_vae_decodes)
{
    enum { N = 6, COLUMNS = 12, CLASSES = 4, LATENT = 3 };
    struct vae_case vc = new_vae_case(COLUMNS, CLASSES, 10, LATENT, N);
    float means[N * COLUMNS], alone[COLUMNS];
    float *scratch = numbers(N * dpm_nn_vae_decode_scratch(&vc.vae), 1, 1);
    double weights[1024], input[LATENT + CLASSES], logits[WIDEST];
    size_t size = dpm_nn_vae_size(&vc.vae);
    for (size_t w = 0; w < size; w++)
        weights[w] = (double)vc.weights[w];
    dpm_nn_vae_decode(&vc.vae, vc.weights, N, vc.normals, vc.labels, scratch, means);
    for (size_t i = 0; i < N; i++) {
        for (size_t j = 0; j < LATENT; j++)
            input[j] = (double)vc.normals[i * LATENT + j];
        for (size_t c = 0; c < CLASSES; c++)
            input[LATENT + c] = (size_t)vc.labels[i] == c ? DPM_NN_VAE_LABEL : 0;
        twin_dense(&vc.vae.decoder, weights + dpm_nn_dense_size(&vc.vae.encoder), input, logits);
        for (size_t d = 0; d < COLUMNS; d++)
            assert_near((double)means[i * COLUMNS + d], 1 / (1 + exp(-logits[d])), 1e-6);
        dpm_nn_vae_decode(&vc.vae, vc.weights, 1, vc.normals + i * LATENT, vc.labels + i, scratch, alone);
        ck_assert_mem_eq(alone, means + i * COLUMNS, sizeof alone);
    }
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
    add(s, test_vae_gradient, 3);
    add(s, test_vae_rows_are_pure, COMPANIES);
    add(s, test_vae_stays_finite, 1);
    add(s, test_vae_decodes, 1);
    return s;
}

CHECK_MAIN(suite)
