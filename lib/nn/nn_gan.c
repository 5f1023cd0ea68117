/* SPDX-License-Identifier: BSD-3-Clause */
#include "nn_gan.h"
#include "base_alloc.h"
#include "linalg_mat.h"
#include "nn_kernels.h"

#include <assert.h>
#include <math.h>
#include <string.h>

/* ---- Shapes ---- */

static struct dpm_nn_dense mlp(size_t in, size_t hidden, int layers, size_t out, int activation)
{
    struct dpm_nn_dense net = {.n_layers = layers + 1};
    for (int l = 0; l < layers; l++)
        net.layer[l] = (struct dpm_nn_layer){l ? hidden : in, hidden, activation};
    net.layer[layers] = (struct dpm_nn_layer){hidden, out, DPM_NN_LINEAR};
    return net;
}

struct dpm_nn_gan dpm_nn_gan_shape(size_t columns, size_t classes, size_t noise, size_t hidden, int layers)
{
    assert(layers >= 1 && layers <= DPM_NN_GAN_HIDDEN);
    return (struct dpm_nn_gan){
        .columns = columns,
        .classes = classes,
        .noise = noise,
        .noise_class = (float)fmax(1, sqrt((double)noise)),
        .record_class = (float)fmax(1, sqrt((double)columns) / 2),
        .generator = mlp(noise + classes, hidden, layers, columns, DPM_NN_RELU),
        .discriminator = mlp(columns + classes, hidden, layers, 1, DPM_NN_LEAKY_RELU),
    };
}

/* Floats in a row of all factors of a net. */
static size_t left_width(const struct dpm_nn_dense *net)
{
    size_t width = 0;
    for (int l = 0; l < net->n_layers; l++)
        width += net->layer[l].in + 1;
    return width;
}

static size_t right_width(const struct dpm_nn_dense *net)
{
    size_t width = 0;
    for (int l = 0; l < net->n_layers; l++)
        width += net->layer[l].out;
    return width;
}

/* Weights of the largest layer. */
static size_t largest_layer(const struct dpm_nn_dense *net)
{
    size_t largest = 0;
    for (int l = 0; l < net->n_layers; l++) {
        size_t size = (net->layer[l].in + 1) * net->layer[l].out;
        largest = size > largest ? size : largest;
    }
    return largest;
}

/* Where things lie in the working memory of a block of fakes. */
struct factors {
    float *left[DPM_NN_LAYERS], *right[DPM_NN_LAYERS];
};

struct workspace {
    struct factors generator, discriminator;
    float *records; /* n x columns */
    float *product; /* one layer's gradient */
};

static float *place_factors(struct factors *factors, const struct dpm_nn_dense *net, float *at)
{
    for (int l = 0; l < net->n_layers; l++) {
        factors->left[l] = at;
        at += (net->layer[l].in + 1) * DPM_NN_GAN_BLOCK;
        factors->right[l] = at;
        at += net->layer[l].out * DPM_NN_GAN_BLOCK;
    }
    return at;
}

static struct workspace place(const struct dpm_nn_gan *gan, float *scratch)
{
    struct workspace work;
    scratch = place_factors(&work.generator, &gan->generator, scratch);
    scratch = place_factors(&work.discriminator, &gan->discriminator, scratch);
    work.records = scratch;
    work.product = scratch + gan->columns * DPM_NN_GAN_BLOCK;
    return work;
}

size_t dpm_nn_gan_scratch(const struct dpm_nn_gan *gan)
{
    size_t block, generator = largest_layer(&gan->generator), rival = largest_layer(&gan->discriminator);
    size_t product = generator > rival ? generator : rival;
    size_t row = left_width(&gan->generator) + right_width(&gan->generator) +
                 left_width(&gan->discriminator) + right_width(&gan->discriminator) + gan->columns;
    if (dpm_nn_dense_size(&gan->generator) == 0 || dpm_nn_dense_size(&gan->discriminator) == 0 ||
        !dpm_size_mul(&block, row, DPM_NN_GAN_BLOCK) || product > SIZE_MAX - block)
        return 0;
    return block + product;
}

/* ---- Passes ---- */

/* Lines of a net's first left factor: n x width numbers, the class, and room for the 1. */
static void fill_inputs(float *left, const float *values, size_t width, const int32_t *labels, size_t classes,
                        float class_value, size_t n)
{
    for (size_t i = 0; i < n; i++, left += width + classes + 1) {
        memcpy(left, values + i * width, width * sizeof *left);
        for (size_t c = 0; c < classes; c++)
            left[width + c] = (size_t)labels[i] == c ? class_value : 0;
    }
}

static void generate(const struct dpm_nn_gan *gan, const float *generator, size_t n, const float *noise,
                     const int32_t *labels, float *const *left, float *records)
{
    fill_inputs(left[0], noise, gan->noise, labels, gan->classes, gan->noise_class, n);
    dpm_nn_dense_forward(&gan->generator, generator, n, left, records);
    dpm_nn_sigmoid(records, n * gan->columns);
}

void dpm_nn_gan_discriminate(const struct dpm_nn_gan *gan, const float *discriminator, float target, size_t n,
                             const float *rows, const int32_t *labels, float *const *left,
                             float *const *right)
{
    const struct dpm_nn_dense *net = &gan->discriminator;
    float *logits = right[net->n_layers - 1];
    fill_inputs(left[0], rows, gan->columns, labels, gan->classes, gan->record_class, n);
    dpm_nn_dense_forward(net, discriminator, n, left, logits);
    dpm_nn_sigmoid(logits, n);
    for (size_t i = 0; i < n; i++)
        logits[i] -= target;
    dpm_nn_dense_backward(net, discriminator, n, left, NULL, right);
}

/* Rank one, so the squared norm of a row's gradient is the sum of |left|^2 |right|^2 over the layers. */
static void clip_rows(const struct dpm_nn_dense *net, double clip_norm, size_t n,
                      const struct factors *factors)
{
    for (size_t i = 0; i < n; i++) {
        double squares = 0;
        for (int l = 0; l < net->n_layers; l++) {
            size_t in = net->layer[l].in + 1, out = net->layer[l].out;
            squares += dpm_mat_square(factors->left[l] + i * in, in) *
                       dpm_mat_square(factors->right[l] + i * out, out);
        }
        if (!(squares > clip_norm * clip_norm))
            continue;
        float shrink = (float)(clip_norm / sqrt(squares));
        for (int l = 0; l < net->n_layers; l++)
            for (size_t j = 0; j < net->layer[l].out; j++)
                factors->right[l][i * net->layer[l].out + j] *= shrink;
    }
}

/* gradient += left' right, layer by layer. */
static void add_products(const struct dpm_nn_dense *net, size_t n, const struct factors *factors,
                         float *product, float *gradient)
{
    for (int l = 0; l < net->n_layers; l++) {
        size_t in = net->layer[l].in + 1, out = net->layer[l].out;
        dpm_mat_mul_at(product, out, factors->left[l], in, factors->right[l], out, in, out, n);
        for (size_t i = 0; i < in * out; i++)
            gradient[i] += product[i];
        gradient += in * out;
    }
}

void dpm_nn_gan_fake_gradient(const struct dpm_nn_gan *gan, const float *generator,
                              const float *discriminator, double clip_norm, size_t n, const float *noise,
                              const int32_t *labels, float *scratch, float *gradient)
{
    struct workspace work = place(gan, scratch);
    assert(n > 0 && n <= DPM_NN_GAN_BLOCK);
    generate(gan, generator, n, noise, labels, work.generator.left, work.records);
    dpm_nn_gan_discriminate(gan, discriminator, 0, n, work.records, labels, work.discriminator.left,
                            work.discriminator.right);
    clip_rows(&gan->discriminator, clip_norm, n, &work.discriminator);
    add_products(&gan->discriminator, n, &work.discriminator, work.product, gradient);
}

void dpm_nn_gan_generator_gradient(const struct dpm_nn_gan *gan, const float *generator,
                                   const float *discriminator, size_t n, const float *noise,
                                   const int32_t *labels, float *scratch, float *gradient)
{
    struct workspace work = place(gan, scratch);
    float *last = work.generator.right[gan->generator.n_layers - 1];
    assert(n > 0 && n <= DPM_NN_GAN_BLOCK);
    generate(gan, generator, n, noise, labels, work.generator.left, work.records);
    dpm_nn_gan_discriminate(gan, discriminator, 1, n, work.records, labels, work.discriminator.left,
                            work.discriminator.right);
    dpm_nn_dense_input_gradient(&gan->discriminator, discriminator, n, work.discriminator.right[0], last,
                                gan->columns);
    for (size_t i = 0; i < n * gan->columns; i++)
        last[i] *= work.records[i] * (1 - work.records[i]);
    dpm_nn_dense_backward(&gan->generator, generator, n, work.generator.left, NULL, work.generator.right);
    add_products(&gan->generator, n, &work.generator, work.product, gradient);
}

size_t dpm_nn_gan_generate_scratch(const struct dpm_nn_gan *gan)
{
    return left_width(&gan->generator);
}

void dpm_nn_gan_generate(const struct dpm_nn_gan *gan, const float *generator, size_t n, const float *noise,
                         const int32_t *labels, float *scratch, float *records)
{
    float *left[DPM_NN_LAYERS];
    assert(gan->generator.n_layers > 0);
    for (int l = 0; l < gan->generator.n_layers; l++) {
        left[l] = scratch;
        scratch += n * (gan->generator.layer[l].in + 1);
    }
    generate(gan, generator, n, noise, labels, left, records);
}
