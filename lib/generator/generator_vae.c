/* SPDX-License-Identifier: BSD-3-Clause */
/* The variational autoencoder (nn_vae.h), trained by the engine (generator_train.h) on noisy sums of clipped
 * gradients (Acs et al. 2017, arXiv 1709.04514, section 4): one model for each part. doc/privacy.md, "The
 * VAE", has the proof.
 *
 * Samples come from N(0, I), or from Gaussians or a mixture of them fitted to where the records lie
 * (generator_prior.h, generator_latent.h), through the decoder; they are the means of its output, as in the
 * published work, or draws. */
#include "base_alloc.h"
#include "base_fail.h"
#include "generator_checkpoint.h"
#include "generator_kind.h"
#include "generator_latent.h"
#include "generator_prior.h"
#include "generator_train.h"
#include "nn_vae.h"

#include <dpmix/generator.h>

#include <math.h>
#include <string.h>

struct vae_model {
    struct dpm_nn_vae vae;     /* its groups are those of the generator's bounds */
    int draws_output;          /* 1: samples are draws; 0: means */
    size_t n_parts, n_weights; /* n_weights: of one part */
    float *weights;            /* n_parts x n_weights */
    double *class_weights;     /* n_parts x classes, each part's sum 1; NULL when there are no classes */
    struct dpm_prior *prior;   /* at most one of these two; none: N(0, I) */
    struct dpm_latent *latent;
};

static void free_model(void *memory)
{
    struct vae_model *model = memory;
    if (!model)
        return;
    dpm_free(model->weights);
    dpm_free(model->class_weights);
    dpm_prior_free(model->prior);
    dpm_latent_free(model->latent);
    dpm_free(model);
}

/* ---- The fit ---- */

/* Unscaled, the encoder's gradients make up nine tenths of the squared norm (on Fashion-MNIST), and the
 * decoder, which is all that samples come from, would be left with the rest of the clip norm that the
 * layers share. Adam divides a gradient by its own size, so the scale hardly changes the encoder's steps
 * but for their noise. */
static const float encoder_scale = 0x1p-4f;

/* Contribution of a row: its scaled gradient, which has rank 1 in the encoder's matrices. */
static void contribute(const void *context, const float *weights, const struct dpm_block *block,
                       float *const *left, float *const *right)
{
    const struct vae_model *model = context;
    dpm_nn_vae_gradient(&model->vae, weights, block->n_rows, block->rows, block->labels, block->normals,
                        block->scratch, left, right);
    for (int l = 0; l < model->vae.encoder.n_layers; l++) {
        size_t n = block->n_rows * dpm_nn_vae_factor(&model->vae, l).columns;
        for (size_t i = 0; i < n; i++)
            right[l][i] *= encoder_scale;
    }
}

/* Contribution to the query that the latent Gaussians are fitted to. */
static void contribute_place(const void *context, const float *weights, const struct dpm_block *block,
                             float *const *left, float *const *right)
{
    const struct vae_model *model = context;
    size_t n = block->n_rows, latent = model->vae.latent;
    float *means = block->scratch, *log_variances = means + n * latent;
    dpm_nn_vae_encode(&model->vae, weights, n, block->rows, block->labels, log_variances + n * latent, means,
                      log_variances);
    dpm_prior_contribute(model->prior, n, means, log_variances, block->labels, left[0], right[0]);
}

/* The same for the latent mixture: a draw of the row's z. */
static void contribute_draw(const void *context, const float *weights, const struct dpm_block *block,
                            float *const *left, float *const *right)
{
    const struct vae_model *model = context;
    size_t n = block->n_rows, latent = model->vae.latent, lent = dpm_latent_normals(model->latent);
    float *z = block->scratch, *log_variances = z + n * latent;
    dpm_nn_vae_encode(&model->vae, weights, n, block->rows, block->labels, log_variances + n * latent, z,
                      log_variances);
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < latent; j++)
            z[i * latent + j] += expf(0.5f * log_variances[i * latent + j]) * block->normals[i * lent + j];
    dpm_latent_contribute(model->latent, block, z, left, right);
}

static void start(const void *context, float *weights, struct dpm_stream *stream)
{
    const struct vae_model *model = context;
    dpm_stream_normals(stream, weights, model->n_weights);
    dpm_nn_vae_start(&model->vae, weights, weights);
}

static struct dpm_train_net describe_net(struct vae_model *model, const struct dpmix_options *options)
{
    const struct dpm_nn_vae *vae = &model->vae;
    struct dpm_train_net net = {
        .context = model,
        .n_matrices = dpm_nn_vae_factors(vae),
        .cancellation = sqrt(vae->draws), /* not reached by gradients of draws unless they point apart */
        .normals = (size_t)vae->draws * vae->latent,
        .scratch = dpm_nn_vae_gradient_scratch(vae),
        .classes = vae->classes,
        .contribute = contribute,
        .start = start,
    };
    for (int l = 0; l < net.n_matrices; l++) {
        struct dpm_nn_vae_factor factor = dpm_nn_vae_factor(vae, l);
        net.matrix[l] = (struct dpm_query_matrix){factor.rows, factor.columns, factor.rank};
    }
    double share = dpm_option_double(options, DPMIX_OPTION_VAE_PRIOR_SHARE);
    if (model->prior) {
        struct dpm_query_plan plan = dpm_prior_plan(model->prior);
        plan.scratch = dpm_nn_vae_encode_scratch(vae) + 2 * vae->latent;
        net.extra[net.n_extras++] = (struct dpm_train_extra){plan, share, contribute_place};
    }
    if (model->latent)
        dpm_latent_plan(model->latent, &net, share, dpm_nn_vae_encode_scratch(vae) + vae->latent,
                        contribute_draw);
    return net;
}

static struct dpm_nn_vae describe_vae(const struct dpmix_options *options, const struct dpm_bounds *bounds,
                                      size_t classes)
{
    struct dpm_nn_vae vae = {
        .columns = bounds->n_columns,
        .classes = classes,
        .latent = (size_t)dpm_option_int(options, DPMIX_OPTION_VAE_LATENT),
        .hidden = (size_t)dpm_option_int(options, DPMIX_OPTION_VAE_HIDDEN),
        .hidden_last = (size_t)dpm_option_int(options, DPMIX_OPTION_VAE_HIDDEN_LAST),
        .layers = dpm_option_int(options, DPMIX_OPTION_VAE_LAYERS),
        .activation = dpm_option_int(options, DPMIX_OPTION_VAE_ACTIVATION),
        .output = dpm_option_int(options, DPMIX_OPTION_VAE_OUTPUT),
        .draws = dpm_option_int(options, DPMIX_OPTION_VAE_DRAWS),
        .beta = (float)dpm_option_double(options, DPMIX_OPTION_VAE_BETA),
        .deviation = (float)dpm_option_double(options, DPMIX_OPTION_VAE_DEVIATION),
        .groups = bounds->groups,
    };
    dpm_nn_vae_build(&vae);
    return vae;
}

static const double least_deviation = 1e-3;

static int new_model(struct vae_model **out, const struct dpmix_generator *generator, size_t classes)
{
    const struct dpmix_options *options = &generator->options;
    struct vae_model *model = dpm_alloc(1, sizeof *model);
    if (!model)
        return DPMIX_ERR_NOMEM;
    int status = DPMIX_OK;
    model->n_parts = (size_t)generator->n_parts;
    model->vae = describe_vae(options, &generator->bounds, classes);
    model->draws_output = dpm_option_int(options, DPMIX_OPTION_VAE_DRAW);
    model->n_weights = dpm_nn_vae_size(&model->vae);
    double deviation = dpm_option_double(options, DPMIX_OPTION_VAE_DEVIATION); /* float has 0 for some */
    if (deviation > 0 && deviation < least_deviation)
        status =
            dpm_fail(DPMIX_ERR_RANGE, "options: vae_deviation must be 0, or at least %g", least_deviation);
    int prior = dpm_option_int(options, DPMIX_OPTION_VAE_PRIOR);
    if (!status && prior == DPMIX_VAE_PRIOR_GAUSSIAN)
        status = dpm_prior_new(&model->prior, model->n_parts, classes ? classes : 1, model->vae.latent);
    if (!status && prior == DPMIX_VAE_PRIOR_MIXTURE)
        status = dpm_latent_new(&model->latent, options, model->n_parts, classes, model->vae.latent);
    if (status) {
        free_model(model);
        return status;
    }
    *out = model;
    return DPMIX_OK;
}

static int fit_prior(struct vae_model *model, struct dpm_train *train, const struct dpm_fit *fit)
{
    int status = dpm_train_query(train, 0, dpm_prior_sums(model->prior));
    if (!status)
        status = dpm_train_tell(train, fit);
    return status ? status : dpm_prior_set(model->prior, dpm_train_query_noise(train, 0));
}

static int fit_vae(struct dpmix_generator *generator, const struct dpm_fit *fit)
{
    int conditional = dpm_generator_is_conditional(generator);
    struct dpm_train *train = NULL;
    struct vae_model *model = NULL;
    int status = new_model(&model, generator, conditional ? (size_t)generator->n_classes : 0);
    if (status)
        return status;
    struct dpm_train_net net = describe_net(model, &generator->options);
    status = dpm_checkpoint_holds(generator, model->n_weights);
    if (!status)
        status = dpm_train_new(&train, &net, &generator->options, generator->n_parts);
    if (!status)
        status = dpm_train_open(train, fit, "VAE");
    if (!status)
        status = dpm_train_run(train, fit);
    if (!status && model->prior)
        status = fit_prior(model, train, fit);
    if (!status && model->latent)
        status = dpm_latent_fit(model->latent, train, fit);
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

static int draws_output(const struct vae_model *model)
{
    return model->draws_output || model->vae.output == DPMIX_VAE_OUTPUT_MIXED;
}

static size_t sample_scratch(const struct dpmix_generator *generator)
{
    const struct vae_model *model = generator->model;
    size_t output = dpm_nn_vae_decode_scratch(&model->vae);
    output += draws_output(model) ? 2 * model->vae.columns : 0;
    size_t prior = model->latent ? dpm_latent_scratch(model->latent) : 0;
    return model->vae.latent + (prior > output ? prior : output);
}

/* One of the columns of a group becomes 1, the others 0. */
static void draw_one_hot(float *probabilities, size_t n, double uniform)
{
    size_t chosen = 0;
    for (size_t j = 0; j < n; j++) {
        double p = (double)probabilities[j];
        if (p > 0 && uniform >= 0)
            chosen = j; /* the last one that can be, should the sum be a little below 1 */
        uniform -= p;
        probabilities[j] = 0;
    }
    probabilities[chosen] = 1;
}

/* Turns the means of n records into draws. scratch: n x 2 columns. */
static void draw_output(const struct vae_model *model, const float *weights, float *rows, size_t n,
                        struct dpm_stream *stream, float *scratch)
{
    const struct dpm_nn_vae *vae = &model->vae;
    size_t columns = vae->columns;
    const int32_t *groups = vae->output == DPMIX_VAE_OUTPUT_MIXED ? vae->groups : NULL;
    float *deviations = scratch, *normals = deviations + columns;
    if (vae->output == DPMIX_VAE_OUTPUT_BERNOULLI) {
        for (size_t d = 0; d < n * columns; d++)
            rows[d] = dpm_stream_uniform(stream) < (double)rows[d];
        return;
    }
    dpm_nn_vae_deviations(vae, weights, deviations);
    for (size_t i = 0; i < n; i++, rows += columns) {
        dpm_stream_normals(stream, normals, columns);
        for (size_t d = 0, end; d < columns; d = end) {
            for (end = d + 1; groups && groups[d] > 0 && end < columns && groups[end] == groups[d];)
                end++;
            if (groups && groups[d] > 0)
                draw_one_hot(rows + d, end - d, dpm_stream_uniform(stream));
            else
                rows[d] += deviations[d] * normals[d];
        }
    }
}

static void sample(const struct dpmix_generator *generator, int part, float *rows, int32_t *labels, size_t n,
                   struct dpm_stream *stream, float *scratch)
{
    const struct vae_model *model = generator->model;
    const float *weights = model->weights + (size_t)part * model->n_weights;
    size_t latent = model->vae.latent, classes = model->vae.classes;
    float *decode_scratch = scratch + n * latent;
    int32_t drawn[DPM_SAMPLE_CHUNK] = {0};
    for (size_t i = 0; i < n; i++) {
        if (classes)
            drawn[i] = dpm_train_draw_class(model->class_weights + (size_t)part * classes, classes,
                                            dpm_stream_uniform(stream));
        if (!model->latent)
            dpm_stream_normals(stream, scratch + i * latent, latent);
    }
    if (model->prior)
        dpm_prior_draw(model->prior, part, drawn, n, scratch);
    if (model->latent)
        dpm_latent_draw(model->latent, part, drawn, n, scratch, stream, decode_scratch);
    dpm_nn_vae_decode(&model->vae, weights, n, scratch, drawn, decode_scratch, rows);
    if (draws_output(model))
        draw_output(model, weights, rows, n, stream,
                    decode_scratch + n * dpm_nn_vae_decode_scratch(&model->vae));
    if (labels)
        memcpy(labels, drawn, n * sizeof *labels);
}

/* ---- Files ---- */

enum { MAX_WIDTH = 1 << 20 };

static int kind_of_prior(const struct vae_model *model)
{
    if (model->latent)
        return DPMIX_VAE_PRIOR_MIXTURE;
    return model->prior ? DPMIX_VAE_PRIOR_GAUSSIAN : DPMIX_VAE_PRIOR_NORMAL;
}

static void put(const struct dpmix_generator *generator, struct dpm_blob *blob)
{
    const struct vae_model *model = generator->model;
    const struct dpm_nn_vae *vae = &model->vae;
    dpm_blob_put_u64(blob, vae->classes);
    dpm_blob_put_u64(blob, vae->hidden);
    dpm_blob_put_u64(blob, vae->hidden_last);
    dpm_blob_put_u64(blob, vae->latent);
    dpm_blob_put_u32(blob, (uint32_t)vae->layers);
    dpm_blob_put_u32(blob, (uint32_t)vae->activation);
    dpm_blob_put_u32(blob, (uint32_t)vae->output);
    dpm_blob_put_u32(blob, (uint32_t)model->draws_output);
    dpm_blob_put_f64(blob, (double)vae->deviation);
    dpm_blob_put_u32(blob, (uint32_t)kind_of_prior(model));
    dpm_blob_put_f32s(blob, model->weights, model->n_parts * model->n_weights);
    if (vae->classes)
        dpm_blob_put_f64s(blob, model->class_weights, model->n_parts * vae->classes);
    if (model->prior)
        dpm_prior_put(model->prior, blob);
    if (model->latent)
        dpm_latent_put(model->latent, blob);
}

/* A small whole number in [lower, upper]. */
static int get_choice(struct dpm_blob *blob, uint32_t lower, uint32_t upper)
{
    uint32_t value = dpm_blob_get_u32(blob);
    if (value < lower || value > upper)
        dpm_blob_reject(blob);
    return (int)value;
}

/* The net, without what only training needs. */
static struct dpm_nn_vae get_vae(const struct dpmix_generator *generator, struct dpm_blob *blob, int *draws,
                                 int *prior)
{
    struct dpm_nn_vae vae = {
        .columns = generator->bounds.n_columns, .groups = generator->bounds.groups, .draws = 1, .beta = 1};
    vae.classes = (size_t)dpm_blob_get_size(blob, 0, (uint64_t)generator->n_classes);
    vae.hidden = (size_t)dpm_blob_get_size(blob, 1, MAX_WIDTH);
    vae.hidden_last = (size_t)dpm_blob_get_size(blob, 0, MAX_WIDTH);
    vae.latent = (size_t)dpm_blob_get_size(blob, 1, MAX_WIDTH);
    vae.layers = get_choice(blob, 1, DPM_NN_VAE_HIDDEN);
    vae.activation = get_choice(blob, DPMIX_ACTIVATION_RELU, DPMIX_ACTIVATION_SOFTPLUS);
    vae.output = get_choice(blob, DPMIX_VAE_OUTPUT_BERNOULLI, DPMIX_VAE_OUTPUT_MIXED);
    *draws = get_choice(blob, 0, 1);
    vae.deviation = (float)dpm_blob_get_f64(blob);
    *prior = get_choice(blob, DPMIX_VAE_PRIOR_NORMAL, DPMIX_VAE_PRIOR_MIXTURE);
    if (vae.deviation != 0 && !(vae.deviation >= (float)least_deviation && vae.deviation <= 10))
        dpm_blob_reject(blob);
    if (vae.classes != 0 && vae.classes != (size_t)generator->n_classes)
        dpm_blob_reject(blob);
    return vae;
}

static void get(struct dpmix_generator *generator, struct dpm_blob *blob)
{
    int draws, prior;
    struct dpm_nn_vae vae = get_vae(generator, blob, &draws, &prior);
    if (dpm_blob_status(blob))
        return;
    struct vae_model *model = dpm_alloc(1, sizeof *model);
    if (!model) {
        blob->status = DPMIX_ERR_NOMEM;
        return;
    }
    dpm_nn_vae_build(&vae);
    generator->model = model;
    generator->makes_labels = vae.classes > 0;
    model->n_parts = (size_t)generator->n_parts;
    model->vae = vae;
    model->draws_output = draws;
    model->n_weights = dpm_nn_vae_size(&vae);
    if (model->n_weights == 0)
        dpm_blob_reject(blob);
    model->weights = dpm_train_get_weights(blob, model->n_parts, model->n_weights);
    if (vae.classes)
        model->class_weights = dpm_train_get_class_weights(blob, model->n_parts, vae.classes);
    if (prior == DPMIX_VAE_PRIOR_GAUSSIAN)
        model->prior = dpm_prior_get(blob, model->n_parts, vae.classes ? vae.classes : 1, vae.latent);
    if (prior == DPMIX_VAE_PRIOR_MIXTURE)
        model->latent = dpm_latent_get(blob, model->n_parts, vae.classes, vae.latent);
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
