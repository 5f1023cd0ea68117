/* SPDX-License-Identifier: BSD-3-Clause */
#include "nn_dense.h"
#include "base_alloc.h"
#include "linalg_mat.h"
#include "nn_kernels.h"

#include <assert.h>
#include <math.h>
#include <stdint.h>

/* Where a layer's weights start. */
static size_t layer_offset(const struct dpm_nn_dense *net, int index)
{
    size_t offset = 0;
    for (int l = 0; l < index; l++)
        offset += (net->layer[l].in + 1) * net->layer[l].out;
    return offset;
}

size_t dpm_nn_dense_size(const struct dpm_nn_dense *net)
{
    size_t size = 0;
    assert(net->n_layers > 0 && net->n_layers <= DPM_NN_LAYERS);
    for (int l = 0; l < net->n_layers; l++) {
        const struct dpm_nn_layer *layer = &net->layer[l];
        size_t weights;
        assert(layer->in > 0 && layer->out > 0 && (l == 0 || layer->in == net->layer[l - 1].out));
        if (layer->in == SIZE_MAX || !dpm_size_mul(&weights, layer->in + 1, layer->out) ||
            weights > SIZE_MAX - size)
            return 0;
        size += weights;
    }
    return size;
}

void dpm_nn_dense_start(const struct dpm_nn_dense *net, float *weights, const float *normals)
{
    for (int l = 0; l < net->n_layers; l++) {
        const struct dpm_nn_layer *layer = &net->layer[l];
        double in = (double)layer->in, out = (double)layer->out;
        int symmetric = layer->activation == DPM_NN_LINEAR || layer->activation == DPM_NN_TANH;
        float scale = (float)sqrt(symmetric ? 2 / (in + out) : 2 / in);
        size_t n = layer->in * layer->out;
        for (size_t i = 0; i < n; i++)
            weights[i] = scale * normals[i];
        for (size_t j = 0; j < layer->out; j++)
            weights[n + j] = 0;
        weights += n + layer->out;
        normals += n + layer->out;
    }
}

/* Applies the activation to n rows of `width` numbers, `stride` apart, in place. */
static void activate(int activation, float *values, size_t n, size_t width, size_t stride)
{
    for (size_t i = 0; i < n; i++, values += stride) {
        switch (activation) {
        case DPM_NN_RELU: dpm_nn_relu(values, width); break;
        case DPM_NN_TANH: dpm_nn_tanh(values, width); break;
        case DPM_NN_LEAKY_RELU: dpm_nn_leaky_relu(values, width, DPM_NN_LEAKY_SLOPE); break;
        case DPM_NN_SOFTPLUS: dpm_nn_softplus(values, width); break;
        default: return;
        }
    }
}

/* Multiplies `gradient` (n x width) by the derivative of the activation, as a function of the activated
 * values. */
static void differentiate(int activation, float *gradient, const float *values, size_t n, size_t width,
                          size_t stride)
{
    if (activation == DPM_NN_LINEAR)
        return; /* `values` may be NULL */
    for (size_t i = 0; i < n; i++, gradient += width, values += stride) {
        switch (activation) {
        case DPM_NN_RELU: dpm_nn_relu_gradient(gradient, values, width); break;
        case DPM_NN_TANH: dpm_nn_tanh_gradient(gradient, values, width); break;
        case DPM_NN_LEAKY_RELU:
            dpm_nn_leaky_relu_gradient(gradient, values, width, DPM_NN_LEAKY_SLOPE);
            break;
        default: dpm_nn_softplus_gradient(gradient, values, width); break;
        }
    }
}

void dpm_nn_dense_forward(const struct dpm_nn_dense *net, const float *weights, size_t n, float *const *left,
                          float *output)
{
    for (int l = 0; l < net->n_layers; l++) {
        const struct dpm_nn_layer *layer = &net->layer[l];
        int is_last = l + 1 == net->n_layers;
        float *next = is_last ? output : left[l + 1];
        size_t stride = is_last ? layer->out : layer->out + 1;
        for (size_t i = 0; i < n; i++)
            left[l][i * (layer->in + 1) + layer->in] = 1;
        dpm_mat_mul(next, stride, left[l], layer->in + 1, weights, layer->out, n, layer->out, layer->in + 1);
        activate(layer->activation, next, n, layer->out, stride);
        weights += (layer->in + 1) * layer->out;
    }
}

void dpm_nn_dense_backward(const struct dpm_nn_dense *net, const float *weights, size_t n, float *const *left,
                           const float *output, float *const *right)
{
    int last = net->n_layers - 1;
    size_t n_outputs = net->layer[last].out;
    assert(output || net->layer[last].activation == DPM_NN_LINEAR);
    differentiate(net->layer[last].activation, right[last], output, n, n_outputs, n_outputs);
    for (int l = last; l > 0; l--) {
        const struct dpm_nn_layer *layer = &net->layer[l];
        const float *layer_weights = weights + layer_offset(net, l);
        dpm_mat_mul_bt(right[l - 1], layer->in, right[l], layer->out, layer_weights, layer->out, n, layer->in,
                       layer->out);
        differentiate(net->layer[l - 1].activation, right[l - 1], left[l], n, layer->in, layer->in + 1);
    }
}

void dpm_nn_dense_input_gradient(const struct dpm_nn_dense *net, const float *weights, size_t n,
                                 const float *right, float *gradient, size_t columns)
{
    const struct dpm_nn_layer *first = &net->layer[0];
    assert(columns <= first->in);
    dpm_mat_mul_bt(gradient, columns, right, first->out, weights, first->out, n, columns, first->out);
}
