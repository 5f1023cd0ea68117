/* SPDX-License-Identifier: BSD-3-Clause */
/* The variational autoencoder (nn_vae.h), trained by the engine (generator_train.h) on noisy sums of clipped
 * gradients (Acs et al. 2017, arXiv 1709.04514, section 4): one model for each part. doc/privacy.md, "The
 * VAE", has the proof.
 *
 * Samples are the decoder's means, not draws from its Bernoulli distributions, as in the published work. */
#include "base_alloc.h"
#include "generator_kind.h"
#include "generator_train.h"
#include "nn_optim.h"
#include "nn_vae.h"

#include <dpmix/generator.h>

#include <math.h>
#include <string.h>

struct vae_model {
    struct dpm_nn_vae vae;
    size_t n_parts, n_weights; /* n_weights: of one part */
    float *weights;            /* n_parts x n_weights */
    double *class_weights;     /* n_parts x classes, each part's sum 1; NULL when there are no classes */
};

static void free_model(void *memory)
{
    struct vae_model *model = memory;
    if (!model)
        return;
    dpm_free(model->weights);
    dpm_free(model->class_weights);
    dpm_free(model);
}

/* ---- The fit ---- */

/* Unscaled, the encoder's gradients make up nine tenths of the squared norm (on Fashion-MNIST), and the
 * decoder, which is all that samples come from, would be left with the rest of the clip norm that the
 * layers share. Adam divides a gradient by its own size, so the scale hardly changes the encoder's steps
 * but for their noise. */
static const float encoder_scale = 0x1p-4f;

/* Contribution of a row: its scaled gradient, four matrices of rank 1. */
static void contribute(const void *context, const float *weights, const struct dpm_block *block,
                       float *const *left, float *const *right)
{
    const struct vae_model *model = context;
    dpm_nn_vae_gradient(&model->vae, weights, block->n_rows, block->rows, block->labels, block->normals,
                        block->scratch, left, right);
    for (int l = 0; l < model->vae.encoder.n_layers; l++) {
        size_t n = block->n_rows * dpm_nn_vae_layer(&model->vae, l)->out;
        for (size_t i = 0; i < n; i++)
            right[l][i] *= encoder_scale;
    }
}

static void start(const void *context, float *weights, struct dpm_stream *stream)
{
    const struct vae_model *model = context;
    dpm_stream_normals(stream, weights, model->n_weights);
    dpm_nn_vae_start(&model->vae, weights, weights);
}

static struct dpm_train_net describe_net(struct vae_model *model)
{
    struct dpm_train_net net = {
        .context = model,
        .n_matrices = DPM_NN_VAE_LAYERS,
        .cancellation = 1,
        .normals = model->vae.latent,
        .scratch = dpm_nn_vae_gradient_scratch(&model->vae),
        .classes = model->vae.classes,
        .contribute = contribute,
        .start = start,
    };
    for (int l = 0; l < DPM_NN_VAE_LAYERS; l++) {
        const struct dpm_nn_layer *layer = dpm_nn_vae_layer(&model->vae, l);
        net.matrix[l] = (struct dpm_query_matrix){layer->in + 1, layer->out, 1};
    }
    return net;
}

static int new_model(struct vae_model **out, const struct dpmix_generator *generator, size_t classes)
{
    const struct dpmix_options *options = &generator->options;
    struct vae_model *model = dpm_alloc(1, sizeof *model);
    if (!model)
        return DPMIX_ERR_NOMEM;
    model->n_parts = (size_t)generator->n_parts;
    model->vae = dpm_nn_vae_shape(generator->bounds.n_columns, classes,
                                  (size_t)dpm_option_int(options, DPMIX_OPTION_VAE_HIDDEN),
                                  (size_t)dpm_option_int(options, DPMIX_OPTION_VAE_LATENT));
    model->n_weights = dpm_nn_vae_size(&model->vae);
    *out = model;
    return DPMIX_OK;
}

static int fit_vae(struct dpmix_generator *generator, const struct dpm_fit *fit)
{
    int conditional =
        dpm_option_int(&generator->options, DPMIX_OPTION_CONDITIONAL) && generator->n_classes > 0;
    struct dpm_train *train = NULL;
    struct vae_model *model = NULL;
    int status = new_model(&model, generator, conditional ? (size_t)generator->n_classes : 0);
    if (status)
        return status;
    struct dpm_train_net net = describe_net(model);
    status = dpm_train_new(&train, &net, &generator->options, generator->n_parts);
    if (!status)
        status = dpm_train_open(train, fit, "VAE");
    if (!status)
        status = dpm_train_run(train, fit);
    if (!status) {
        model->weights = dpm_train_take_weights(train);
        model->class_weights = dpm_train_take_class_weights(train);
        generator->makes_labels = conditional;
        generator->ledger = dpm_train_take_ledger(train);
        generator->model = model;
        model = NULL;
    }
    dpm_train_free(train);
    free_model(model);
    return status;
}

/* ---- Sampling ---- */

static size_t sample_scratch(const struct dpmix_generator *generator)
{
    const struct vae_model *model = generator->model;
    return model->vae.latent + dpm_nn_vae_decode_scratch(&model->vae);
}

static void sample(const struct dpmix_generator *generator, int part, float *rows, int32_t *labels, size_t n,
                   struct dpm_stream *stream, float *scratch)
{
    const struct vae_model *model = generator->model;
    size_t latent = model->vae.latent, classes = model->vae.classes;
    int32_t drawn[DPM_SAMPLE_CHUNK] = {0};
    for (size_t i = 0; i < n; i++) {
        if (classes)
            drawn[i] = dpm_train_draw_class(model->class_weights + (size_t)part * classes, classes,
                                            dpm_stream_uniform(stream));
        dpm_stream_normals(stream, scratch + i * latent, latent);
    }
    dpm_nn_vae_decode(&model->vae, model->weights + (size_t)part * model->n_weights, n, scratch, drawn,
                      scratch + n * latent, rows);
    if (labels)
        memcpy(labels, drawn, n * sizeof *labels);
}

/* ---- Files ---- */

enum { MAX_WIDTH = 1 << 20 };

static void put(const struct dpmix_generator *generator, struct dpm_blob *blob)
{
    const struct vae_model *model = generator->model;
    dpm_blob_put_u64(blob, model->vae.classes);
    dpm_blob_put_u64(blob, model->vae.hidden);
    dpm_blob_put_u64(blob, model->vae.latent);
    dpm_blob_put_f32s(blob, model->weights, model->n_parts * model->n_weights);
    if (model->vae.classes)
        dpm_blob_put_f64s(blob, model->class_weights, model->n_parts * model->vae.classes);
}

static void get(struct dpmix_generator *generator, struct dpm_blob *blob)
{
    uint64_t classes = dpm_blob_get_size(blob, 0, (uint64_t)generator->n_classes);
    uint64_t hidden = dpm_blob_get_size(blob, 1, MAX_WIDTH);
    uint64_t latent = dpm_blob_get_size(blob, 1, MAX_WIDTH);
    if (classes != 0 && classes != (uint64_t)generator->n_classes)
        dpm_blob_reject(blob);
    if (dpm_blob_status(blob))
        return;
    struct vae_model *model = dpm_alloc(1, sizeof *model);
    if (!model) {
        blob->status = DPMIX_ERR_NOMEM;
        return;
    }
    generator->model = model;
    generator->makes_labels = classes > 0;
    model->n_parts = (size_t)generator->n_parts;
    model->vae =
        dpm_nn_vae_shape(generator->bounds.n_columns, (size_t)classes, (size_t)hidden, (size_t)latent);
    model->n_weights = dpm_nn_vae_size(&model->vae);
    if (model->n_weights == 0)
        dpm_blob_reject(blob);
    model->weights = dpm_blob_get_f32s(blob, model->n_parts, model->n_weights);
    for (size_t i = 0; model->weights && i < model->n_parts * model->n_weights; i++)
        if (!(fabsf(model->weights[i]) <= DPM_NN_WEIGHT_LIMIT))
            dpm_blob_reject(blob);
    if (classes)
        model->class_weights = dpm_train_get_class_weights(blob, model->n_parts, (size_t)classes);
}

const struct dpm_generator_kind dpm_generator_vae = {
    .kind = DPMIX_GENERATOR_VAE,
    .fit = fit_vae,
    .free_model = free_model,
    .sample = sample,
    .sample_scratch = sample_scratch,
    .put = put,
    .get = get,
};
