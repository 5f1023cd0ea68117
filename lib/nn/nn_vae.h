/* SPDX-License-Identifier: BSD-3-Clause */
/* A variational autoencoder for numbers in [0, 1] (Kingma and Welling 2014, arXiv 1312.6114), conditional
 * on a class when there are classes (Sohn, Lee and Yan 2015, NeurIPS).
 *
 *     encoder   (x, class) -> hidden (ReLU) -> mean and raw log-variance of z
 *     decoder   (z, class) -> hidden (ReLU) -> logits of x
 *
 * z = mean + exp(v / 2) e with a lent standard normal e. The log-variance v = R tanh(raw / R), R = 6, is
 * raw near zero, cannot leave (-R, R), and unlike a hard clamp has a derivative everywhere. The class is a
 * one-hot vector times DPM_NN_VAE_LABEL. The loss of a row is
 *
 *     sum_d cross-entropy(x_d, sigmoid(logit_d)) + sum_j (mean_j^2 + exp(v_j) - 1 - v_j) / 2,
 *
 * one draw of z for each row. Gradients come in factor form, and all functions are row-pure (nn_dense.h). */
#ifndef DPM_NN_VAE_H
#define DPM_NN_VAE_H

#include "nn_dense.h"

#include <stdint.h>

enum { DPM_NN_VAE_LAYERS = 4 };

/* A class reaches each hidden unit through a single weight, a record through hundreds. Under noise of the
 * same size on every weight, the larger input lets the nets learn classes as fast as the rest. */
#define DPM_NN_VAE_LABEL 4.0f

struct dpm_nn_vae {
    size_t columns, classes, hidden, latent; /* classes 0: not conditional */
    struct dpm_nn_dense encoder, decoder;    /* two layers each */
};

struct dpm_nn_vae dpm_nn_vae_shape(size_t columns, size_t classes, size_t hidden, size_t latent);

/* Number of weights, the encoder's before the decoder's; 0 when it overflows. */
size_t dpm_nn_vae_size(const struct dpm_nn_vae *vae);

/* Layer l of both nets, counted through. */
const struct dpm_nn_layer *dpm_nn_vae_layer(const struct dpm_nn_vae *vae, int l);

/* Starting weights from one standard normal each: dpm_nn_dense_start. */
void dpm_nn_vae_start(const struct dpm_nn_vae *vae, float *weights, const float *normals);

/* Floats of working memory for each row. */
size_t dpm_nn_vae_gradient_scratch(const struct dpm_nn_vae *vae);
size_t dpm_nn_vae_decode_scratch(const struct dpm_nn_vae *vae);

/* The factors of the loss's gradient for n rows: left[l], n x (in + 1), and right[l], n x out, of all four
 * layers. rows: n x columns; labels: n, read when there are classes; normals: n x latent. */
void dpm_nn_vae_gradient(const struct dpm_nn_vae *vae, const float *weights, size_t n, const float *rows,
                         const int32_t *labels, const float *normals, float *scratch, float *const *left,
                         float *const *right);

/* The decoder's means, n x columns, of n latent vectors (n x latent). */
void dpm_nn_vae_decode(const struct dpm_nn_vae *vae, const float *weights, size_t n, const float *latents,
                       const int32_t *labels, float *scratch, float *means);

#endif
