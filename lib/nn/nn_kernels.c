/* SPDX-License-Identifier: BSD-3-Clause */
/* Polynomials as in S. L. Moshier's Cephes library (expf, tanhf), without branches, so that compilers turn
 * the loops into vectors. Each loop is compiled for several vector units; no operation is fused or reordered.
 */
#include "nn_kernels.h"
#include "base_simd.h"

#include <math.h>
#include <stdint.h>
#include <string.h>

DPM_SIMD_INLINE float from_bits(uint32_t bits)
{
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

DPM_SIMD_INLINE uint32_t to_bits(float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

/* x = k ln 2 + r with |r| <= ln 2 / 2. Adding 1.5 2^23 rounds to a whole number, which is then the low
 * digits. */
DPM_SIMD_INLINE float exponential(float x)
{
    const float large = 0x1.8p23f, ln2_high = 0x1.63p-1f, ln2_low = -0x1.bd0106p-13f;
    x = x < -87 ? -87 : x;
    x = x > 87 ? 87 : x;
    float shifted = x * 0x1.715476p0f + large, k = shifted - large;
    float r = (x - k * ln2_high) - k * ln2_low;
    float p = 1.9875691500e-4f;
    p = p * r + 1.3981999507e-3f;
    p = p * r + 8.3334519073e-3f;
    p = p * r + 4.1665795894e-2f;
    p = p * r + 1.6666665459e-1f;
    p = p * r + 5.0000001201e-1f;
    p = (p * (r * r) + r) + 1;
    return p * from_bits((to_bits(shifted) - to_bits(large) + 127) << 23);
}

DPM_SIMD_INLINE float sigmoid(float x)
{
    return 1 / (1 + exponential(-x));
}

DPM_SIMD_INLINE float hyperbolic_tangent(float x)
{
    float z = x * x, p = -5.70498872745e-3f;
    p = p * z + 2.06390887954e-2f;
    p = p * z - 5.37397155531e-2f;
    p = p * z + 1.33314422036e-1f;
    p = p * z - 3.33332819422e-1f;
    float near = x + x * z * p;
    float far = 1 - 2 / (exponential(2 * fabsf(x)) + 1);
    far = from_bits(to_bits(far) | (to_bits(x) & UINT32_C(0x80000000)));
    return fabsf(x) < 0.625f ? near : far;
}

/* log(1 + e) = 2 artanh(e / (2 + e)) for e in (0, 1], by its Taylor series. */
DPM_SIMD_INLINE float softplus(float x)
{
    float e = exponential(-fabsf(x)), s = e / (2 + e), z = s * s, p = 2.0f / 15;
    p = p * z + 2.0f / 13;
    p = p * z + 2.0f / 11;
    p = p * z + 2.0f / 9;
    p = p * z + 2.0f / 7;
    p = p * z + 2.0f / 5;
    p = p * z + 2.0f / 3;
    return (x > 0 ? x : 0) + (2 * s + s * z * p);
}

DPM_SIMD_INLINE void exponentials_body(float *values, size_t n)
{
    for (size_t i = 0; i < n; i++)
        values[i] = exponential(values[i]);
}

DPM_SIMD_INLINE void sigmoids_body(float *values, size_t n)
{
    for (size_t i = 0; i < n; i++)
        values[i] = sigmoid(values[i]);
}

DPM_SIMD_INLINE void tangents_body(float *values, size_t n)
{
    for (size_t i = 0; i < n; i++)
        values[i] = hyperbolic_tangent(values[i]);
}

DPM_SIMD_INLINE void softpluses_body(float *values, size_t n)
{
    for (size_t i = 0; i < n; i++)
        values[i] = softplus(values[i]);
}

DPM_SIMD_INLINE void relus_body(float *values, size_t n)
{
    for (size_t i = 0; i < n; i++)
        values[i] = values[i] > 0 ? values[i] : 0;
}

DPM_SIMD_INLINE void leaky_relus_body(float *values, size_t n, float slope)
{
    for (size_t i = 0; i < n; i++)
        values[i] *= values[i] > 0 ? 1 : slope;
}

DPM_SIMD_INLINE void cross_entropies_body(float *restrict logits, const float *restrict targets, size_t n)
{
    for (size_t i = 0; i < n; i++)
        logits[i] = sigmoid(logits[i]) - targets[i];
}

DPM_SIMD_INLINE void tangent_gradients_body(float *restrict gradient, const float *restrict values, size_t n)
{
    for (size_t i = 0; i < n; i++)
        gradient[i] *= 1 - values[i] * values[i];
}

DPM_SIMD_INLINE void relu_gradients_body(float *restrict gradient, const float *restrict values, size_t n)
{
    for (size_t i = 0; i < n; i++)
        gradient[i] = values[i] > 0 ? gradient[i] : 0;
}

DPM_SIMD_INLINE void leaky_relu_gradients_body(float *restrict gradient, const float *restrict values,
                                               size_t n, float slope)
{
    for (size_t i = 0; i < n; i++)
        gradient[i] *= values[i] > 0 ? 1 : slope;
}

/* 1 - exp(-softplus(x)) = sigmoid(x) */
DPM_SIMD_INLINE void softplus_gradients_body(float *restrict gradient, const float *restrict values, size_t n)
{
    for (size_t i = 0; i < n; i++)
        gradient[i] *= 1 - exponential(-values[i]);
}

DPM_SIMD_INLINE void latent_draws_body(float *restrict z, const float *restrict mean,
                                       const float *restrict raw, const float *restrict normals, size_t n,
                                       float limit)
{
    for (size_t i = 0; i < n; i++) {
        float v = limit * hyperbolic_tangent(raw[i] / limit);
        z[i] = mean[i] + exponential(0.5f * v) * normals[i];
    }
}

DPM_SIMD_INLINE void latent_gradients_body(float *restrict mean_gradient, float *restrict raw_gradient,
                                           const float *restrict z_gradient, const float *restrict z_product,
                                           const float *restrict mean, const float *restrict raw, size_t n,
                                           float limit, float beta)
{
    for (size_t i = 0; i < n; i++) {
        float t = hyperbolic_tangent(raw[i] / limit), deviation = exponential(0.5f * limit * t);
        float by_v = 0.5f * (z_product[i] * deviation + beta * (deviation * deviation - 1));
        mean_gradient[i] = z_gradient[i] + beta * mean[i];
        raw_gradient[i] = by_v * (1 - t * t);
    }
}

DPM_SIMD_VERSIONS(exponentials, (float *values, size_t n), (values, n))
DPM_SIMD_VERSIONS(sigmoids, (float *values, size_t n), (values, n))
DPM_SIMD_VERSIONS(tangents, (float *values, size_t n), (values, n))
DPM_SIMD_VERSIONS(softpluses, (float *values, size_t n), (values, n))
DPM_SIMD_VERSIONS(relus, (float *values, size_t n), (values, n))
DPM_SIMD_VERSIONS(leaky_relus, (float *values, size_t n, float slope), (values, n, slope))
DPM_SIMD_VERSIONS(cross_entropies, (float *logits, const float *targets, size_t n), (logits, targets, n))
DPM_SIMD_VERSIONS(tangent_gradients, (float *gradient, const float *values, size_t n), (gradient, values, n))
DPM_SIMD_VERSIONS(relu_gradients, (float *gradient, const float *values, size_t n), (gradient, values, n))
DPM_SIMD_VERSIONS(leaky_relu_gradients, (float *gradient, const float *values, size_t n, float slope),
                  (gradient, values, n, slope))
DPM_SIMD_VERSIONS(softplus_gradients, (float *gradient, const float *values, size_t n), (gradient, values, n))
DPM_SIMD_VERSIONS(latent_draws,
                  (float *z, const float *mean, const float *raw, const float *normals, size_t n,
                   float limit),
                  (z, mean, raw, normals, n, limit))
DPM_SIMD_VERSIONS(latent_gradients,
                  (float *mean_gradient, float *raw_gradient, const float *z_gradient, const float *z_product,
                   const float *mean, const float *raw, size_t n, float limit, float beta),
                  (mean_gradient, raw_gradient, z_gradient, z_product, mean, raw, n, limit, beta))

void dpm_nn_exp(float *values, size_t n)
{
    exponentials(values, n);
}

void dpm_nn_sigmoid(float *values, size_t n)
{
    sigmoids(values, n);
}

void dpm_nn_tanh(float *values, size_t n)
{
    tangents(values, n);
}

void dpm_nn_softplus(float *values, size_t n)
{
    softpluses(values, n);
}

void dpm_nn_relu(float *values, size_t n)
{
    relus(values, n);
}

void dpm_nn_leaky_relu(float *values, size_t n, float slope)
{
    leaky_relus(values, n, slope);
}

void dpm_nn_cross_entropy_gradient(float *logits, const float *targets, size_t n)
{
    cross_entropies(logits, targets, n);
}

void dpm_nn_tanh_gradient(float *gradient, const float *values, size_t n)
{
    tangent_gradients(gradient, values, n);
}

void dpm_nn_relu_gradient(float *gradient, const float *values, size_t n)
{
    relu_gradients(gradient, values, n);
}

void dpm_nn_leaky_relu_gradient(float *gradient, const float *values, size_t n, float slope)
{
    leaky_relu_gradients(gradient, values, n, slope);
}

void dpm_nn_softplus_gradient(float *gradient, const float *values, size_t n)
{
    softplus_gradients(gradient, values, n);
}

void dpm_nn_latent_draw(float *z, const float *mean, const float *raw, const float *normals, size_t n,
                        float limit)
{
    latent_draws(z, mean, raw, normals, n, limit);
}

void dpm_nn_latent_gradient(float *mean_gradient, float *raw_gradient, const float *z_gradient,
                            const float *z_product, const float *mean, const float *raw, size_t n,
                            float limit, float beta)
{
    latent_gradients(mean_gradient, raw_gradient, z_gradient, z_product, mean, raw, n, limit, beta);
}

void dpm_nn_softmax(float *values, size_t n)
{
    float largest = values[0], sum = 0;
    for (size_t i = 1; i < n; i++)
        largest = values[i] > largest ? values[i] : largest;
    for (size_t i = 0; i < n; i++)
        values[i] -= largest;
    dpm_nn_exp(values, n);
    for (size_t i = 0; i < n; i++)
        sum += values[i];
    for (size_t i = 0; i < n; i++)
        values[i] /= sum;
}
