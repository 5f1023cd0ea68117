/* SPDX-License-Identifier: BSD-3-Clause */
#include "nn_vae.h"
#include "nn_kernels.h"

#include <assert.h>
#include <math.h>
#include <string.h>

static const float log_variance_limit = 6; /* R */

/* Of a Gaussian column's output: the mean is centre + unit o, and a learned deviation starts at the unit. */
static const float gaussian_centre = 0.5f, gaussian_unit = 0.25f;

/* ---- Shape ---- */

/* Width of hidden layer l, counted from the records. */
static size_t hidden_width(const struct dpm_nn_vae *vae, int l)
{
    if (vae->hidden_last == 0 || vae->layers == 1)
        return vae->hidden;
    double place = (double)l / (vae->layers - 1), ratio = (double)vae->hidden_last / (double)vae->hidden;
    return (size_t)lround((double)vae->hidden * pow(ratio, place));
}

void dpm_nn_vae_build(struct dpm_nn_vae *vae)
{
    size_t in = vae->columns + vae->classes, back = vae->latent + vae->classes;
    vae->encoder.n_layers = vae->decoder.n_layers = vae->layers + 1;
    for (int l = 0; l < vae->layers; l++) {
        size_t width = hidden_width(vae, l), width_back = hidden_width(vae, vae->layers - 1 - l);
        vae->encoder.layer[l] = (struct dpm_nn_layer){in, width, vae->activation};
        vae->decoder.layer[l] = (struct dpm_nn_layer){back, width_back, vae->activation};
        in = width;
        back = width_back;
    }
    vae->encoder.layer[vae->layers] = (struct dpm_nn_layer){in, 2 * vae->latent, DPM_NN_LINEAR};
    vae->decoder.layer[vae->layers] = (struct dpm_nn_layer){back, vae->columns, DPM_NN_LINEAR};
}

static int has_gaussians(const struct dpm_nn_vae *vae)
{
    return vae->output != DPMIX_VAE_OUTPUT_BERNOULLI;
}

static int learns_deviations(const struct dpm_nn_vae *vae)
{
    return has_gaussians(vae) && vae->deviation == 0;
}

size_t dpm_nn_vae_size(const struct dpm_nn_vae *vae)
{
    size_t encoder = dpm_nn_dense_size(&vae->encoder), decoder = dpm_nn_dense_size(&vae->decoder);
    size_t deviations = learns_deviations(vae) ? vae->columns : 0;
    if (encoder == 0 || decoder == 0 || encoder > SIZE_MAX - decoder ||
        encoder + decoder > SIZE_MAX - deviations)
        return 0;
    return encoder + decoder + deviations;
}

int dpm_nn_vae_factors(const struct dpm_nn_vae *vae)
{
    return vae->encoder.n_layers + vae->decoder.n_layers + learns_deviations(vae);
}

struct dpm_nn_vae_factor dpm_nn_vae_factor(const struct dpm_nn_vae *vae, int l)
{
    int encoder = vae->encoder.n_layers;
    if (l >= encoder + vae->decoder.n_layers)
        return (struct dpm_nn_vae_factor){1, vae->columns, 1};
    const struct dpm_nn_layer *layer =
        l < encoder ? &vae->encoder.layer[l] : &vae->decoder.layer[l - encoder];
    return (struct dpm_nn_vae_factor){layer->in + 1, layer->out, l < encoder ? 1 : vae->draws};
}

void dpm_nn_vae_start(const struct dpm_nn_vae *vae, float *weights, const float *normals)
{
    size_t encoder = dpm_nn_dense_size(&vae->encoder), decoder = dpm_nn_dense_size(&vae->decoder);
    dpm_nn_dense_start(&vae->encoder, weights, normals);
    dpm_nn_dense_start(&vae->decoder, weights + encoder, normals + encoder);
    if (learns_deviations(vae))
        memset(weights + encoder + decoder, 0, vae->columns * sizeof *weights);
}

size_t dpm_nn_vae_gradient_scratch(const struct dpm_nn_vae *vae)
{
    /* The encoder's output, the gradients with respect to the draws, their products; precisions and slopes.
     */
    return (3 + (size_t)vae->draws) * vae->latent + (has_gaussians(vae) ? 2 * vae->columns : 0);
}

/* Of the left factors of a net. */
static size_t net_scratch(const struct dpm_nn_dense *net)
{
    size_t size = 0;
    for (int l = 0; l < net->n_layers; l++)
        size += net->layer[l].in + 1;
    return size;
}

size_t dpm_nn_vae_encode_scratch(const struct dpm_nn_vae *vae)
{
    return net_scratch(&vae->encoder) + 2 * vae->latent;
}

size_t dpm_nn_vae_decode_scratch(const struct dpm_nn_vae *vae)
{
    return net_scratch(&vae->decoder);
}

/* Places for the left factors of n rows; gives what follows them. */
static float *place_factors(const struct dpm_nn_dense *net, size_t n, float *scratch, float **left)
{
    assert(net->n_layers > 0);
    for (int l = 0; l < net->n_layers; l++) {
        left[l] = scratch;
        scratch += n * (net->layer[l].in + 1);
    }
    return scratch;
}

/* ---- Inputs ---- */

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

/* Lines of the decoder's first left factor, `draws` for each row. */
static void draw_latents(const struct dpm_nn_vae *vae, size_t n, const float *encoded, const int32_t *labels,
                         const float *normals, float *left)
{
    size_t latent = vae->latent, draws = (size_t)vae->draws, stride = latent + vae->classes + 1;
    for (size_t i = 0; i < n; i++) {
        const float *mean = encoded + i * 2 * latent;
        for (size_t k = 0; k < draws; k++, left += stride, normals += latent) {
            dpm_nn_latent_draw(left, mean, mean + latent, normals, latent, log_variance_limit);
            fill_class(vae, left + latent, labels, i);
        }
    }
}

/* ---- Output laws ---- */

static const float *deviation_weights(const struct dpm_nn_vae *vae, const float *weights)
{
    return weights + dpm_nn_dense_size(&vae->encoder) + dpm_nn_dense_size(&vae->decoder);
}

/* exp(-w) of each column; `slopes` (or NULL): half of dw / dweight, zero where it is fixed. */
static void precisions(const struct dpm_nn_vae *vae, const float *weights, float *values, float *slopes)
{
    const float *own = deviation_weights(vae, weights);
    const float fixed = vae->deviation, unit = gaussian_unit;
    for (size_t d = 0; d < vae->columns; d++) {
        float t = fixed > 0 ? 0 : tanhf(DPM_NN_VAE_LABEL / log_variance_limit * own[d]);
        values[d] = fixed > 0 ? 1 / (fixed * fixed) : expf(-log_variance_limit * t) / (unit * unit);
        if (slopes)
            slopes[d] = fixed > 0 ? 0 : 0.5f * DPM_NN_VAE_LABEL * (1 - t * t);
    }
}

/* Where the run of columns ends that column d is in: a group, or columns without one. */
static size_t end_of_run(const struct dpm_nn_vae *vae, size_t d)
{
    size_t end = d + 1;
    while (end < vae->columns && vae->groups[end] == vae->groups[d])
        end++;
    return end;
}

static int is_mixed(const struct dpm_nn_vae *vae)
{
    return vae->output == DPMIX_VAE_OUTPUT_MIXED && vae->groups;
}

static void bernoulli_gradient(float *outputs, const float *row, size_t n, float weight)
{
    dpm_nn_cross_entropy_gradient(outputs, row, n);
    for (size_t d = 0; weight != 1 && d < n; d++)
        outputs[d] *= weight;
}

/* Turns the outputs of columns begin, ..., end - 1 of one draw into the loss's gradient times `weight`, and
 * adds that of the deviations to `own` (unless it is NULL). */
static void gaussian_gradient(float *outputs, float *own, const float *row, const float *precision,
                              const float *slopes, size_t begin, size_t end, float weight)
{
    for (size_t d = begin; d < end; d++) {
        float away = gaussian_centre + gaussian_unit * outputs[d] - row[d], scaled = away * precision[d];
        if (own)
            own[d] += weight * slopes[d] * (1 - away * scaled);
        outputs[d] = weight * gaussian_unit * scaled;
    }
}

static void mixed_gradient(const struct dpm_nn_vae *vae, float *outputs, float *own, const float *row,
                           const float *precision, const float *slopes, float weight)
{
    for (size_t d = 0, end; d < vae->columns; d = end) {
        end = end_of_run(vae, d);
        if (vae->groups[d] == 0) {
            gaussian_gradient(outputs, own, row, precision, slopes, d, end, weight);
            continue;
        }
        /* A row that is not one-hot in the group has the gradient of the same formula. */
        float sum = 0;
        for (size_t j = d; j < end; j++)
            sum += row[j];
        dpm_nn_softmax(outputs + d, end - d);
        for (size_t j = d; j < end; j++)
            outputs[j] = weight * (sum * outputs[j] - row[j]);
    }
}

/* From the outputs of all draws, n draws x columns, to the gradient of the loss, mean over the draws; and the
 * factors of the deviations' gradient. precision: 2 x columns of working memory. */
static void output_gradient(const struct dpm_nn_vae *vae, const float *weights, size_t n, const float *rows,
                            float *precision, float *outputs, float *own_left, float *own)
{
    size_t columns = vae->columns, draws = (size_t)vae->draws;
    float *slopes = precision + columns, weight = 1 / (float)draws;
    if (has_gaussians(vae))
        precisions(vae, weights, precision, slopes);
    for (size_t i = 0; i < n; i++, rows += columns) {
        float *own_row = own ? own + i * columns : NULL;
        if (own_row) {
            own_left[i] = 1;
            memset(own_row, 0, columns * sizeof *own);
        }
        for (size_t k = 0; k < draws; k++, outputs += columns) {
            if (is_mixed(vae))
                mixed_gradient(vae, outputs, own_row, rows, precision, slopes, weight);
            else if (has_gaussians(vae))
                gaussian_gradient(outputs, own_row, rows, precision, slopes, 0, columns, weight);
            else
                bernoulli_gradient(outputs, rows, columns, weight);
        }
    }
}

/* ---- Gradient ---- */

/* From the gradients with respect to the draws to that with respect to the encoder's output: one vector for
 * each row, since all its draws have gone through the same. `products`: latent floats of working memory. */
static void encoder_gradient(const struct dpm_nn_vae *vae, size_t n, const float *encoded,
                             const float *normals, float *z_gradient, float *products, float *gradient)
{
    size_t latent = vae->latent, draws = (size_t)vae->draws;
    for (size_t i = 0; i < n; i++, encoded += 2 * latent, gradient += 2 * latent) {
        float *sums = z_gradient + i * draws * latent; /* the first draw's place */
        const float *own_normals = normals + i * draws * latent;
        for (size_t j = 0; j < latent; j++)
            products[j] = sums[j] * own_normals[j];
        for (size_t k = 1; k < draws; k++)
            for (size_t j = 0; j < latent; j++) {
                sums[j] += sums[k * latent + j];
                products[j] += sums[k * latent + j] * own_normals[k * latent + j];
            }
        dpm_nn_latent_gradient(gradient, gradient + latent, sums, products, encoded, encoded + latent, latent,
                               log_variance_limit, vae->beta);
    }
}

void dpm_nn_vae_gradient(const struct dpm_nn_vae *vae, const float *weights, size_t n, const float *rows,
                         const int32_t *labels, const float *normals, float *scratch, float *const *left,
                         float *const *right)
{
    const struct dpm_nn_dense *encoder = &vae->encoder, *decoder = &vae->decoder;
    size_t latent = vae->latent, lines = n * (size_t)vae->draws;
    float *encoded = scratch, *z_gradient = encoded + n * 2 * latent, *products = z_gradient + lines * latent;
    const float *decoder_weights = weights + dpm_nn_dense_size(encoder);
    float *const *decoder_left = left + encoder->n_layers, *const *decoder_right = right + encoder->n_layers;
    float *outputs = decoder_right[decoder->n_layers - 1];

    fill_inputs(vae, left[0], rows, vae->columns, labels, n);
    dpm_nn_dense_forward(encoder, weights, n, left, encoded);
    draw_latents(vae, n, encoded, labels, normals, decoder_left[0]);

    /* The last right factor holds the outputs, then the gradient with respect to them. */
    int own = encoder->n_layers + decoder->n_layers, has_own = learns_deviations(vae);
    dpm_nn_dense_forward(decoder, decoder_weights, lines, decoder_left, outputs);
    output_gradient(vae, weights, n, rows, products + n * latent, outputs, has_own ? left[own] : NULL,
                    has_own ? right[own] : NULL);
    dpm_nn_dense_backward(decoder, decoder_weights, lines, decoder_left, NULL, decoder_right);
    dpm_nn_dense_input_gradient(decoder, decoder_weights, lines, decoder_right[0], z_gradient, latent);

    encoder_gradient(vae, n, encoded, normals, z_gradient, products, right[encoder->n_layers - 1]);
    dpm_nn_dense_backward(encoder, weights, n, left, NULL, right);
}

/* ---- One way only ---- */

void dpm_nn_vae_encode(const struct dpm_nn_vae *vae, const float *weights, size_t n, const float *rows,
                       const int32_t *labels, float *scratch, float *means, float *log_variances)
{
    float *left[DPM_NN_LAYERS];
    float *encoded = place_factors(&vae->encoder, n, scratch, left);
    size_t latent = vae->latent;
    fill_inputs(vae, left[0], rows, vae->columns, labels, n);
    dpm_nn_dense_forward(&vae->encoder, weights, n, left, encoded);
    for (size_t i = 0; i < n; i++, encoded += 2 * latent) {
        memcpy(means + i * latent, encoded, latent * sizeof *means);
        for (size_t j = 0; j < latent; j++)
            log_variances[i * latent + j] = encoded[latent + j] / log_variance_limit;
    }
    dpm_nn_tanh(log_variances, n * latent);
    for (size_t j = 0; j < n * latent; j++)
        log_variances[j] *= log_variance_limit;
}

void dpm_nn_vae_decode(const struct dpm_nn_vae *vae, const float *weights, size_t n, const float *latents,
                       const int32_t *labels, float *scratch, float *means)
{
    const float *decoder = weights + dpm_nn_dense_size(&vae->encoder);
    float *left[DPM_NN_LAYERS];
    size_t columns = vae->columns;
    place_factors(&vae->decoder, n, scratch, left);
    fill_inputs(vae, left[0], latents, vae->latent, labels, n);
    dpm_nn_dense_forward(&vae->decoder, decoder, n, left, means);
    if (!has_gaussians(vae)) {
        dpm_nn_sigmoid(means, n * columns);
        return;
    }
    for (size_t i = 0; i < n; i++, means += columns)
        for (size_t d = 0, end; d < columns; d = end) {
            end = is_mixed(vae) ? end_of_run(vae, d) : columns;
            if (is_mixed(vae) && vae->groups[d] > 0)
                dpm_nn_softmax(means + d, end - d);
            else
                for (size_t j = d; j < end; j++)
                    means[j] = gaussian_centre + gaussian_unit * means[j];
        }
}

void dpm_nn_vae_deviations(const struct dpm_nn_vae *vae, const float *weights, float *deviations)
{
    precisions(vae, weights, deviations, NULL);
    for (size_t d = 0; d < vae->columns; d++)
        deviations[d] = 1 / sqrtf(deviations[d]);
}
