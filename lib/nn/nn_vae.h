/* SPDX-License-Identifier: BSD-3-Clause */
/* A variational autoencoder for numbers in [0, 1] (Kingma and Welling 2014, arXiv 1312.6114), conditional
 * on a class when there are classes (Sohn, Lee and Yan 2015, NeurIPS), with a weight beta on the latent term
 * (Higgins et al. 2017, ICLR).
 *
 *     encoder   (x, class) -> hidden layers -> mean and raw log-variance of z
 *     decoder   (z, class) -> hidden layers -> outputs o, the parameters of x's law
 *
 * z = mean + exp(v / 2) e with a lent standard normal e. The log-variance v = R tanh(raw / R), R = 6, is
 * raw near zero, cannot leave (-R, R), and unlike a hard clamp has a derivative everywhere. The class is a
 * one-hot vector times DPM_NN_VAE_LABEL. The loss of a row is
 *
 *     mean over K draws of z of the output loss + beta sum_j (mean_j^2 + exp(v_j) - 1 - v_j) / 2.
 *
 * The output loss adds up over the columns d, or groups of columns:
 *
 *     Bernoulli   cross-entropy(x_d, sigmoid(o_d))
 *     Gaussian    (x_d - m_d)^2 exp(-w_d) / 2 + w_d / 2, with the mean m_d = 1/2 + o_d / 4; the log-variance
 *                 w_d is fixed, or is learned: w_d = 2 log(1/4) + R tanh(u_d / R), u_d DPM_NN_VAE_LABEL times
 *                 a weight of the column's own
 *     mixed       -sum_d x_d log softmax(o)_d over each one-hot group; Gaussian for columns without a group
 *
 * The Gaussian's units, a quarter of a column's range, keep its gradients about as long as those of the
 * others while it learns, so that no kind of column takes the whole clip norm.
 *
 * Gradients come in factor form, and all functions are row-pure (nn_dense.h). */
#ifndef DPM_NN_VAE_H
#define DPM_NN_VAE_H

#include "nn_dense.h"

#include <stdint.h>

enum { DPM_NN_VAE_HIDDEN = 6 };                                /* most hidden layers of one net */
enum { DPM_NN_VAE_FACTORS = 2 * (DPM_NN_VAE_HIDDEN + 1) + 1 }; /* most matrices of weights */

/* A class reaches each hidden unit through a single weight, a record through hundreds. Under noise of the
 * same size on every weight, the larger input lets the nets learn classes as fast as the rest. */
#define DPM_NN_VAE_LABEL 4.0f

struct dpm_nn_vae {
    /* What the caller sets. */
    size_t columns, classes, latent; /* classes 0: not conditional */
    size_t hidden, hidden_last;      /* widths next to x and next to z; hidden_last 0: all are `hidden` */
    int layers;                      /* hidden layers of each net, 1 to DPM_NN_VAE_HIDDEN */
    int activation;                  /* DPMIX_ACTIVATION_*: of them */
    int output;                      /* DPMIX_VAE_OUTPUT_* */
    int draws;                       /* K */
    float beta;
    float deviation;       /* of Gaussian columns; 0: learned */
    const int32_t *groups; /* for mixed output, as in struct dpm_bounds; NULL: none */

    /* What dpm_nn_vae_build() makes of it. */
    struct dpm_nn_dense encoder, decoder;
};

void dpm_nn_vae_build(struct dpm_nn_vae *vae);

/* Number of weights: the encoder's, the decoder's, one for each column where deviations are learned. 0 when
 * it overflows. */
size_t dpm_nn_vae_size(const struct dpm_nn_vae *vae);

/* The matrices of weights, in their order: the layers of both nets, and the deviations (1 x columns). A row's
 * gradient with respect to a matrix is the sum of `rank` outer products. */
struct dpm_nn_vae_factor {
    size_t rows, columns;
    int rank;
};
int dpm_nn_vae_factors(const struct dpm_nn_vae *vae);
struct dpm_nn_vae_factor dpm_nn_vae_factor(const struct dpm_nn_vae *vae, int l);

/* Starting weights from one standard normal each: dpm_nn_dense_start. */
void dpm_nn_vae_start(const struct dpm_nn_vae *vae, float *weights, const float *normals);

/* Floats of working memory for each row. */
size_t dpm_nn_vae_gradient_scratch(const struct dpm_nn_vae *vae);
size_t dpm_nn_vae_encode_scratch(const struct dpm_nn_vae *vae);
size_t dpm_nn_vae_decode_scratch(const struct dpm_nn_vae *vae);

/* The factors of the loss's gradient for n rows: left[l], (n rank) x rows, and right[l], (n rank) x columns,
 * of all matrices. rows: n x columns; labels: n, read when there are classes; normals: n x (draws latent). n
 * is at least 1. */
void dpm_nn_vae_gradient(const struct dpm_nn_vae *vae, const float *weights, size_t n, const float *rows,
                         const int32_t *labels, const float *normals, float *scratch, float *const *left,
                         float *const *right);

/* Means and log-variances v of z for n rows, n x latent each. */
void dpm_nn_vae_encode(const struct dpm_nn_vae *vae, const float *weights, size_t n, const float *rows,
                       const int32_t *labels, float *scratch, float *means, float *log_variances);

/* The means of x, n x columns, for n latent vectors (n x latent); probabilities for columns of groups. */
void dpm_nn_vae_decode(const struct dpm_nn_vae *vae, const float *weights, size_t n, const float *latents,
                       const int32_t *labels, float *scratch, float *means);

/* Standard deviation of each column's Gaussian; for other columns it has no meaning. */
void dpm_nn_vae_deviations(const struct dpm_nn_vae *vae, const float *weights, float *deviations);

#endif
