/* SPDX-License-Identifier: BSD-3-Clause */
/* Dense multi-layer perceptrons in factor form.
 *
 * A layer's weights are a row-major (in + 1) x out matrix whose last row is the bias; a net's weights are
 * those of its layers, one after another. The gradient of one row's loss with respect to a layer's weights
 * is the outer product of the layer's input with a trailing 1 (`left`) and the loss's gradient with respect
 * to the pre-activations (`right`), so it has rank one and is never formed (Goodfellow 2015, arXiv
 * 1510.01799). Forward and backward write these two factors straight into the caller's buffers.
 *
 * All functions are row-pure: what they write for a row has the same bits whatever other rows the block
 * holds and wherever in it the row stands. The products are (linalg_mat.h), and all else is done element by
 * element. */
#ifndef DPM_NN_DENSE_H
#define DPM_NN_DENSE_H

#include <dpmix/options.h>

#include <stddef.h>

/* Activations: none, and those of DPMIX_ACTIVATION_*. Below zero the leaky ReLU has this slope, as in
 * Radford, Metz and Chintala 2016, arXiv 1511.06434, section 3. */
enum {
    DPM_NN_LINEAR = 0,
    DPM_NN_RELU = DPMIX_ACTIVATION_RELU,
    DPM_NN_TANH = DPMIX_ACTIVATION_TANH,
    DPM_NN_LEAKY_RELU = DPMIX_ACTIVATION_LEAKY_RELU,
    DPM_NN_SOFTPLUS = DPMIX_ACTIVATION_SOFTPLUS,
};
#define DPM_NN_LEAKY_SLOPE 0.2f

enum { DPM_NN_LAYERS = 8 };

struct dpm_nn_layer {
    size_t in, out;
    int activation; /* of the layer's output */
};

struct dpm_nn_dense {
    int n_layers;
    struct dpm_nn_layer layer[DPM_NN_LAYERS]; /* each takes in what the one before puts out */
};

/* Number of weights; 0 when it overflows. */
size_t dpm_nn_dense_size(const struct dpm_nn_dense *net);

/* Starting weights from `normals`, one standard normal for each weight (those of the biases are not used):
 * variance 2 / in before a ReLU, leaky or not, and softplus (He et al. 2015, arXiv 1502.01852, section 2.2),
 * otherwise 2 / (in + out) (Glorot and Bengio 2010, AISTATS, equation 12); biases zero. `normals` may be
 * `weights`. */
void dpm_nn_dense_start(const struct dpm_nn_dense *net, float *weights, const float *normals);

/* Runs n rows. In: the first layer's `in` columns of left[0]. Out: the trailing ones of every left[l] (n x
 * (in + 1)), the inputs of the later layers, and output, n x out of the last layer. */
void dpm_nn_dense_forward(const struct dpm_nn_dense *net, const float *weights, size_t n, float *const *left,
                          float *output);

/* Turns right[last], n x out, which on entry holds the loss's gradient with respect to the output, into
 * that with respect to the pre-activations, and writes the right factors (n x out) of all layers before.
 * left and output are as the forward run left them; output may be NULL when the last layer is linear. */
void dpm_nn_dense_backward(const struct dpm_nn_dense *net, const float *weights, size_t n, float *const *left,
                           const float *output, float *const *right);

/* The loss's gradient with respect to the first `columns` inputs of the net, n x columns, after a backward
 * run. */
void dpm_nn_dense_input_gradient(const struct dpm_nn_dense *net, const float *weights, size_t n,
                                 const float *right, float *gradient, size_t columns);

#endif
