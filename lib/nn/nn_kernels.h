/* SPDX-License-Identifier: BSD-3-Clause */
/* Element-wise functions of nets on arrays of float32, in place, for vector units (base_simd.h).
 *
 * A number's result depends on that number alone: the same bits wherever it stands in the array, how long
 * the array is and whatever the processor. NaN gives NaN, except where stated. */
#ifndef DPM_NN_KERNELS_H
#define DPM_NN_KERNELS_H

#include <stddef.h>

/* exp(x), within 2 units in the last place; x counts as -87 below and as 87 above that, so that results are
 * finite, normal numbers. */
void dpm_nn_exp(float *values, size_t n);

/* 1 / (1 + exp(-x)), with such an exp. */
void dpm_nn_sigmoid(float *values, size_t n);

/* Within 4 units. */
void dpm_nn_tanh(float *values, size_t n);

/* log(1 + exp(x)), with such an exp. */
void dpm_nn_softplus(float *values, size_t n);

/* x where it is above 0, else 0 (also for NaN), or slope times x. */
void dpm_nn_relu(float *values, size_t n);
void dpm_nn_leaky_relu(float *values, size_t n, float slope);

/* sigmoid(logits) - targets: the gradient of the cross-entropy with respect to the logits. */
void dpm_nn_cross_entropy_gradient(float *logits, const float *targets, size_t n);

/* Softmax of the n >= 1 numbers together: the one function here whose results depend on one another. */
void dpm_nn_softmax(float *values, size_t n);

/* Multiplies gradients by the derivative of an activation, given the activated values. */
void dpm_nn_tanh_gradient(float *gradient, const float *values, size_t n);
void dpm_nn_relu_gradient(float *gradient, const float *values, size_t n);
void dpm_nn_leaky_relu_gradient(float *gradient, const float *values, size_t n, float slope);
void dpm_nn_softplus_gradient(float *gradient, const float *values, size_t n);

/* z = mean + exp(v / 2) normals with v = limit tanh(raw / limit): a draw from the Gaussian that a VAE's
 * encoder gives, n dimensions. */
void dpm_nn_latent_draw(float *z, const float *mean, const float *raw, const float *normals, size_t n,
                        float limit);

/* The gradient of loss + beta divergence(N(mean, exp(v)) from N(0, I)) with respect to mean and raw, from the
 * loss's with respect to z, added up over the draws: z_gradient; and z_product: the same, each draw's
 * multiplied by its normals before. */
void dpm_nn_latent_gradient(float *mean_gradient, float *raw_gradient, const float *z_gradient,
                            const float *z_product, const float *mean, const float *raw, size_t n,
                            float limit, float beta);

#endif
