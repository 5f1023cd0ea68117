/* SPDX-License-Identifier: BSD-3-Clause */
/* The variational autoencoder (nn_vae.h), trained by Adam on noisy sums of clipped gradients (Abadi et al.
 * 2016, arXiv 1607.00133, algorithm 1; Acs et al. 2017, arXiv 1709.04514, section 4): one model for each
 * part.
 *
 * Two queries under one release, both per part; doc/privacy.md, "The VAE", has the proof:
 *
 *   COUNT     rows by class (rows alone where there are no classes), every row, once. It takes a few per
 *             cent of the budget. From it come the weights by which samples draw their class, and the
 *             denominator of the gradients.
 *   GRADIENT  the loss's gradient, the encoder's part scaled down, Poisson-sampled, flat clip over all four
 *             layers together.
 *
 * Everything after the two is post-processing. Samples are the decoder's means, not draws from its
 * Bernoulli distributions, as in the published work. */
#include "generator_kind.h"
#include "base_alloc.h"
#include "base_fail.h"
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

static size_t count_columns(const struct vae_model *model)
{
    return model->vae.classes ? model->vae.classes : 1;
}

/* ---- The queries ---- */

enum { QUERY_COUNT, QUERY_GRADIENT, QUERIES };

/* Contribution of a row: its one-hot class (classes x 1), or the number 1. Norm 1. */
static void contribute_count(const void *context, const struct dpm_block *block, float *const *left,
                             float *const *right)
{
    const struct vae_model *model = context;
    size_t columns = count_columns(model);
    for (size_t i = 0; i < block->n_rows; i++) {
        for (size_t c = 0; c < columns; c++)
            left[0][i * columns + c] = model->vae.classes ? (size_t)block->labels[i] == c : 1;
        right[0][i] = 1;
    }
}

/* Unscaled, the encoder's gradients make up nine tenths of the squared norm (on Fashion-MNIST), and the
 * decoder, which is all that samples come from, would be left with the rest of the clip norm that the
 * layers share. Adam divides a gradient by its own size, so the scale hardly changes the encoder's steps
 * but for their noise. */
static const float encoder_scale = 0x1p-4f;

/* Contribution of a row: its scaled gradient, four matrices of rank 1, with the weights of its part. */
static void contribute_gradient(const void *context, const struct dpm_block *block, float *const *left,
                                float *const *right)
{
    const struct vae_model *model = context;
    if (block->n_rows == 0)
        return;
    const float *weights = model->weights + (size_t)block->parts[0] * model->n_weights;
    dpm_nn_vae_gradient(&model->vae, weights, block->n_rows, block->rows, block->labels, block->normals,
                        block->scratch, left, right);
    for (int l = 0; l < model->vae.encoder.n_layers; l++) {
        size_t n = block->n_rows * dpm_nn_vae_layer(&model->vae, l)->out;
        for (size_t i = 0; i < n; i++)
            right[l][i] *= encoder_scale;
    }
}

static void plan_queries(struct dpm_query_plan plans[QUERIES], const struct vae_model *model,
                         const struct dpmix_options *options)
{
    struct dpm_query_plan count = {
        .n_matrices = 1,
        .matrix = {{count_columns(model), 1, 1}},
        .per_part = 1,
        .clip_norm = 1,
        .cancellation = 1,
        .sampling_rate = 1,
        .steps = 1,
    };
    struct dpm_query_plan gradient = {
        .n_matrices = DPM_NN_VAE_LAYERS,
        .per_part = 1,
        .clip_norm = dpm_option_double(options, DPMIX_OPTION_CLIP_NORM),
        .cancellation = 1,
        .sampling_rate = dpm_option_double(options, DPMIX_OPTION_SAMPLING_RATE),
        .steps = (uint64_t)dpm_option_int(options, DPMIX_OPTION_STEPS),
        .noise_multiplier = 1,
        .normals = model->vae.latent,
        .scratch = dpm_nn_vae_gradient_scratch(&model->vae),
    };
    for (int l = 0; l < DPM_NN_VAE_LAYERS; l++) {
        const struct dpm_nn_layer *layer = dpm_nn_vae_layer(&model->vae, l);
        gradient.matrix[l] = (struct dpm_query_matrix){layer->in + 1, layer->out, 1};
    }

    /* T steps at rate q and noise multiplier s behave like one release of noise multiplier
     * 1 / (q sqrt(T (exp(1 / s^2) - 1))) (Bu, Dong, Long and Su 2020, arXiv 1911.11607), which is at most
     * s / (q sqrt(T)). So the counts add at most `share` to the sum of squared inverse multipliers, whatever
     * the common factor. The bound is for rates so small that the formula is far off. */
    const double share = 0.03, largest = 50;
    double steps = (double)gradient.steps;
    count.noise_multiplier = fmin(largest, 1 / (gradient.sampling_rate * sqrt(steps * share)));
    plans[QUERY_COUNT] = count;
    plans[QUERY_GRADIENT] = gradient;
}

/* ---- The fit ---- */

struct training {
    struct dpm_query_plan plans[QUERIES];
    struct dpm_release *release;
    double *counts;           /* n_parts x count_columns */
    double *sums;             /* n_parts x n_weights */
    float *moments;           /* n_parts x 2 x n_weights */
    float *start;             /* n_weights: standard normals, then starting weights */
    struct dpm_nn_adam *adam; /* n_parts */
};

static void end_training(struct training *training)
{
    dpm_release_close(training->release);
    dpm_free(training->counts);
    dpm_free(training->sums);
    dpm_free(training->moments);
    dpm_free(training->start);
    dpm_free(training->adam);
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

/* All memory of the fit: that there is enough of it must not depend on what the release shows. */
static int allocate(struct vae_model *model, struct training *training)
{
    size_t all_weights, two_moments;
    if (model->n_weights == 0 || !dpm_size_mul(&all_weights, model->n_parts, model->n_weights) ||
        !dpm_size_mul(&two_moments, all_weights, 2))
        return dpm_fail(DPMIX_ERR_NOMEM, "out of memory");
    model->weights = dpm_alloc(all_weights, sizeof *model->weights);
    training->counts = dpm_alloc(model->n_parts * count_columns(model), sizeof *training->counts);
    training->sums = dpm_alloc(all_weights, sizeof *training->sums);
    training->moments = dpm_alloc(two_moments, sizeof *training->moments);
    training->start = dpm_alloc(model->n_weights, sizeof *training->start);
    training->adam = dpm_alloc(model->n_parts, sizeof *training->adam);
    if (model->vae.classes)
        model->class_weights = dpm_alloc(model->n_parts * model->vae.classes, sizeof *model->class_weights);
    if (!model->weights || !training->counts || !training->sums || !training->moments || !training->start ||
        !training->adam || (model->vae.classes && !model->class_weights))
        return DPMIX_ERR_NOMEM;
    return DPMIX_OK;
}

/* The same starting weights for every part, and moments at zero. */
static void start_weights(struct vae_model *model, struct training *training)
{
    uint8_t key[DPM_KEY_SIZE];
    struct dpm_stream stream;
    size_t n = model->n_weights;
    dpm_release_public_key(training->release, key);
    dpm_stream_open(&stream, key, DPM_STREAM_MODEL, 0, 0);
    dpm_stream_normals(&stream, training->start, n);
    dpm_stream_wipe(&stream);
    dpm_nn_vae_start(&model->vae, training->start, training->start);
    for (size_t k = 0; k < model->n_parts; k++) {
        float *moments = training->moments + k * 2 * n;
        memcpy(model->weights + k * n, training->start, n * sizeof *model->weights);
        training->adam[k] = (struct dpm_nn_adam){.n = n, .first = moments, .second = moments + n};
    }
}

/* Class weights of one part. A count below two standard deviations of its noise is taken for noise and
 * counts as zero: such a class has too few rows to be learned. Where nothing is left, all classes weigh the
 * same. */
static void weigh_classes(double *weights, const double *counts, size_t classes, double noise)
{
    double sum = 0;
    for (size_t c = 0; c < classes; c++) {
        weights[c] = counts[c] > 2 * noise ? counts[c] : 0;
        sum += weights[c];
    }
    for (size_t c = 0; c < classes; c++)
        weights[c] = sum > 0 ? weights[c] / sum : 1 / (double)classes;
}

/* The number of rows expected in a batch of part k, as far as the counts tell; at least one. */
static double expected_batch(const struct training *training, size_t k, size_t columns)
{
    double rows = 0;
    for (size_t c = 0; c < columns; c++)
        rows += training->counts[k * columns + c];
    return fmax(1, rows * training->plans[QUERY_GRADIENT].sampling_rate);
}

static int train(struct vae_model *model, struct training *training, const struct dpm_fit *fit, double rate)
{
    size_t n = model->n_weights, columns = count_columns(model);
    uint64_t steps = training->plans[QUERY_GRADIENT].steps;
    int status = dpm_release_query(training->release, QUERY_COUNT, contribute_count, model, training->counts);
    if (status)
        return status;
    for (size_t k = 0; model->class_weights && k < model->n_parts; k++)
        weigh_classes(model->class_weights + k * columns, training->counts + k * columns, columns,
                      dpm_query_noise(&training->plans[QUERY_COUNT]));
    start_weights(model, training);
    for (uint64_t step = 0; step < steps; step++) {
        status = dpm_fit_progress(fit, DPMIX_PHASE_TRAIN, step, steps);
        if (status)
            return status;
        status = dpm_release_query(training->release, QUERY_GRADIENT, contribute_gradient, model,
                                   training->sums);
        if (status)
            return status;
        for (size_t k = 0; k < model->n_parts; k++)
            dpm_nn_adam_step(&training->adam[k], model->weights + k * n, training->sums + k * n,
                             1 / expected_batch(training, k, columns), rate);
    }
    return dpm_fit_progress(fit, DPMIX_PHASE_TRAIN, steps, steps);
}

static int fit_vae(struct dpmix_generator *generator, const struct dpm_fit *fit)
{
    const struct dpmix_options *options = &generator->options;
    int conditional = dpm_option_int(options, DPMIX_OPTION_CONDITIONAL) && generator->n_classes > 0;
    struct training training = {0};
    struct vae_model *model = NULL;
    int status = new_model(&model, generator, conditional ? (size_t)generator->n_classes : 0);
    if (status)
        goto out;
    status = allocate(model, &training);
    if (status)
        goto out;
    plan_queries(training.plans, model, options);
    status = dpm_query_calibrate(fit->accountant, fit->share, training.plans, QUERIES);
    if (status)
        goto out;
    status = dpm_release_open(&training.release, fit->accountant, fit->dataset, "VAE", training.plans,
                              QUERIES, fit->partition, fit->threads);
    if (status)
        goto out;
    status = train(model, &training, fit, dpm_option_double(options, DPMIX_OPTION_LEARNING_RATE));
    if (status)
        goto out;
    generator->makes_labels = conditional;
    generator->model = model;
    generator->ledger = dpm_release_take_ledger(training.release);
    model = NULL;

out:
    end_training(&training);
    free_model(model);
    return status;
}

/* ---- Sampling ---- */

static size_t sample_scratch(const struct dpmix_generator *generator)
{
    const struct vae_model *model = generator->model;
    return model->vae.latent + dpm_nn_vae_decode_scratch(&model->vae);
}

static int32_t draw_class(const double *weights, size_t classes, double uniform)
{
    size_t last = 0; /* the last class of positive weight takes what rounding left over */
    for (size_t c = 0; c < classes; c++) {
        if (weights[c] <= 0)
            continue;
        last = c;
        uniform -= weights[c];
        if (uniform < 0)
            break;
    }
    return (int32_t)last;
}

static void sample(const struct dpmix_generator *generator, int part, float *rows, int32_t *labels, size_t n,
                   struct dpm_stream *stream, float *scratch)
{
    const struct vae_model *model = generator->model;
    size_t latent = model->vae.latent, classes = model->vae.classes;
    int32_t drawn[DPM_SAMPLE_CHUNK] = {0};
    for (size_t i = 0; i < n; i++) {
        if (classes)
            drawn[i] = draw_class(model->class_weights + (size_t)part * classes, classes,
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

/* Each part's class weights must be as weigh_classes leaves them. */
static void check_class_weights(struct dpm_blob *blob, const double *weights, size_t n_parts, size_t classes)
{
    for (size_t k = 0; k < n_parts; k++) {
        double sum = 0;
        for (size_t c = 0; c < classes; c++) {
            if (!(weights[k * classes + c] >= 0 && weights[k * classes + c] <= 1))
                dpm_blob_reject(blob);
            sum += weights[k * classes + c];
        }
        if (!(fabs(sum - 1) <= 1e-6))
            dpm_blob_reject(blob);
    }
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
    if (classes) {
        model->class_weights = dpm_blob_get_f64s(blob, model->n_parts, (size_t)classes);
        if (model->class_weights)
            check_class_weights(blob, model->class_weights, model->n_parts, (size_t)classes);
    }
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
