/* SPDX-License-Identifier: BSD-3-Clause */
/* A generative adversarial net for numbers in [0, 1] (Goodfellow et al. 2014, arXiv 1406.2661), conditional
 * on a class when there are classes (Mirza and Osindero 2014, arXiv 1411.1784): two dense nets,
 *
 *     generator       (noise, class) -> hidden layers (ReLU) -> logits of a record
 *     discriminator   (record, class) -> hidden layers (leaky ReLU) -> logit of "real"
 *
 * The class is a one-hot vector times a constant that makes it about as long as the rest of the input,
 * max(1, sqrt(noise)) and max(1, sqrt(columns) / 2): a class reaches a hidden unit through one weight, a
 * record through hundreds, and under noise of the same size on every weight it would be learned late. (MNIST:
 * a constant of 4 gives records like digits, but of other classes; 12 and 30 do well.)
 *
 * Losses, D being the discriminator's logit and
 * H(t, l) = -t log sigmoid(l) - (1 - t) log(1 - sigmoid(l)):
 *
 *     discriminator   H(target, D(real)) + H(0, D(fake)), with a target of 1 or somewhat less
 *     generator       H(1, D(fake)), which does not saturate
 *
 * The gradient of the first term comes in factor form and is row-pure (nn_dense.h). The other two come as
 * sums over made-up records. No function here is shown a real and a fake record at once. */
#ifndef DPM_NN_GAN_H
#define DPM_NN_GAN_H

#include "nn_dense.h"

#include <stdint.h>

enum {
    DPM_NN_GAN_HIDDEN = 4, /* hidden layers of a net, at most */
    DPM_NN_GAN_BLOCK = 128 /* fake records at once, at most */
};

struct dpm_nn_gan {
    size_t columns, classes, noise;  /* classes 0: not conditional */
    float noise_class, record_class; /* a class beside noise, and beside a record */
    struct dpm_nn_dense generator, discriminator;
};

/* layers: hidden ones of each net, 1 to DPM_NN_GAN_HIDDEN, each `hidden` wide. */
struct dpm_nn_gan dpm_nn_gan_shape(size_t columns, size_t classes, size_t noise, size_t hidden, int layers);

/* The factors of the gradient of H(target, D(row)) for n rows: left[l] and right[l] of all layers of the
 * discriminator. rows: n x columns; labels: n, read when there are classes. */
void dpm_nn_gan_discriminate(const struct dpm_nn_gan *gan, const float *discriminator, float target, size_t n,
                             const float *rows, const int32_t *labels, float *const *left,
                             float *const *right);

/* Floats of working memory of the two functions below; 0 when it overflows. */
size_t dpm_nn_gan_scratch(const struct dpm_nn_gan *gan);

/* Adds to `gradient` (like the discriminator's weights) the gradients of H(0, D(fake)) of n fakes, n at most
 * DPM_NN_GAN_BLOCK, each shortened to a norm of clip_norm where it is longer. noise: n x gan->noise; labels:
 * n, read when there are classes. */
void dpm_nn_gan_fake_gradient(const struct dpm_nn_gan *gan, const float *generator,
                              const float *discriminator, double clip_norm, size_t n, const float *noise,
                              const int32_t *labels, float *scratch, float *gradient);

/* Adds to `gradient` (like the generator's weights) the gradients of H(1, D(fake)) of n fakes. */
void dpm_nn_gan_generator_gradient(const struct dpm_nn_gan *gan, const float *generator,
                                   const float *discriminator, size_t n, const float *noise,
                                   const int32_t *labels, float *scratch, float *gradient);

/* Floats of working memory for each record. */
size_t dpm_nn_gan_generate_scratch(const struct dpm_nn_gan *gan);

/* n records, n x columns, each a function of its own noise and label. */
void dpm_nn_gan_generate(const struct dpm_nn_gan *gan, const float *generator, size_t n, const float *noise,
                         const int32_t *labels, float *scratch, float *records);

#endif
