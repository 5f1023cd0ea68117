/* SPDX-License-Identifier: BSD-3-Clause */
#include "nn_vae.h"
#include "nn_kernels.h"

#include <string.h>

enum { ENCODER_LAYERS = 2, DECODER_LAYERS = 2 };

static const float log_variance_limit = 6; /* R */

struct dpm_nn_vae dpm_nn_vae_shape(size_t columns, size_t classes, size_t hidden, size_t latent)
{
    return (struct dpm_nn_vae){
        .columns = columns,
        .classes = classes,
        .hidden = hidden,
        .latent = latent,
        .encoder = {ENCODER_LAYERS,
                    {{columns + classes, hidden, DPM_NN_RELU}, {hidden, 2 * latent, DPM_NN_LINEAR}}},
        .decoder = {DECODER_LAYERS,
                    {{latent + classes, hidden, DPM_NN_RELU}, {hidden, columns, DPM_NN_LINEAR}}},
    };
}

size_t dpm_nn_vae_size(const struct dpm_nn_vae *vae)
{
    size_t encoder = dpm_nn_dense_size(&vae->encoder), decoder = dpm_nn_dense_size(&vae->decoder);
    return encoder == 0 || decoder == 0 || encoder > SIZE_MAX - decoder ? 0 : encoder + decoder;
}

const struct dpm_nn_layer *dpm_nn_vae_layer(const struct dpm_nn_vae *vae, int l)
{
    return l < ENCODER_LAYERS ? &vae->encoder.layer[l] : &vae->decoder.layer[l - ENCODER_LAYERS];
}

void dpm_nn_vae_start(const struct dpm_nn_vae *vae, float *weights, const float *normals)
{
    size_t encoder = dpm_nn_dense_size(&vae->encoder);
    dpm_nn_dense_start(&vae->encoder, weights, normals);
    dpm_nn_dense_start(&vae->decoder, weights + encoder, normals + encoder);
}

size_t dpm_nn_vae_gradient_scratch(const struct dpm_nn_vae *vae)
{
    return 3 * vae->latent; /* the encoder's output, and the gradient with respect to z */
}

size_t dpm_nn_vae_decode_scratch(const struct dpm_nn_vae *vae)
{
    return vae->decoder.layer[0].in + 1 + vae->decoder.layer[1].in + 1;
}

/* The class part of a net's input. */
static void fill_class(const struct dpm_nn_vae *vae, float *input, const int32_t *labels, size_t i)
{
    for (size_t c = 0; c < vae->classes; c++)
        input[c] = (size_t)labels[i] == c ? DPM_NN_VAE_LABEL : 0;
}

/* Lines of a net's first left factor: n x width numbers, the class, and room for the 1. */
static void fill_inputs(const struct dpm_nn_vae *vae, float *left, const float *values, size_t width,
                        const int32_t *labels, size_t n)
{
    for (size_t i = 0; i < n; i++, left += width + vae->classes + 1) {
        memcpy(left, values + i * width, width * sizeof *left);
        fill_class(vae, left + width, labels, i);
    }
}

void dpm_nn_vae_gradient(const struct dpm_nn_vae *vae, const float *weights, size_t n, const float *rows,
                         const int32_t *labels, const float *normals, float *scratch, float *const *left,
                         float *const *right)
{
    size_t latent = vae->latent, z_stride = vae->decoder.layer[0].in + 1;
    float *encoded = scratch, *z_gradient = encoded + n * 2 * latent;
    const float *decoder = weights + dpm_nn_dense_size(&vae->encoder);
    float *const *decoder_left = left + ENCODER_LAYERS, *const *decoder_right = right + ENCODER_LAYERS;

    fill_inputs(vae, left[0], rows, vae->columns, labels, n);
    dpm_nn_dense_forward(&vae->encoder, weights, n, left, encoded);
    for (size_t i = 0; i < n; i++) {
        float *line = decoder_left[0] + i * z_stride;
        const float *mean = encoded + i * 2 * latent;
        dpm_nn_latent_draw(line, mean, mean + latent, normals + i * latent, latent, log_variance_limit);
        fill_class(vae, line + latent, labels, i);
    }

    /* The last right factor holds the logits, then the means, then the gradient: means less row. */
    float *last = decoder_right[DECODER_LAYERS - 1];
    dpm_nn_dense_forward(&vae->decoder, decoder, n, decoder_left, last);
    dpm_nn_cross_entropy_gradient(last, rows, n * vae->columns);
    dpm_nn_dense_backward(&vae->decoder, decoder, n, decoder_left, NULL, decoder_right);
    dpm_nn_dense_input_gradient(&vae->decoder, decoder, n, decoder_right[0], z_gradient, latent);

    for (size_t i = 0; i < n; i++) {
        const float *mean = encoded + i * 2 * latent;
        float *gradient = right[ENCODER_LAYERS - 1] + i * 2 * latent;
        dpm_nn_latent_gradient(gradient, gradient + latent, z_gradient + i * latent, mean, mean + latent,
                               normals + i * latent, latent, log_variance_limit);
    }
    dpm_nn_dense_backward(&vae->encoder, weights, n, left, NULL, right);
}

void dpm_nn_vae_decode(const struct dpm_nn_vae *vae, const float *weights, size_t n, const float *latents,
                       const int32_t *labels, float *scratch, float *means)
{
    const float *decoder = weights + dpm_nn_dense_size(&vae->encoder);
    float *left[DECODER_LAYERS] = {scratch, scratch + n * (vae->decoder.layer[0].in + 1)};
    fill_inputs(vae, left[0], latents, vae->latent, labels, n);
    dpm_nn_dense_forward(&vae->decoder, decoder, n, left, means);
    dpm_nn_sigmoid(means, n * vae->columns);
}
