/* SPDX-License-Identifier: BSD-3-Clause */
/* Conditional GANs, one for each part: the generators that training left behind, sampling, files. The
 * discriminators are not kept. Statement and proof: doc/privacy.md, section 7. */
#include "base_alloc.h"
#include "generator_cgan_train.h"
#include "generator_checkpoint.h"
#include "generator_kind.h"

#include <string.h>

struct cgan_model {
    struct dpm_nn_gan gan;
    size_t hidden, n_parts, n_weights; /* n_weights: of one part's generator */
    int layers;
    float *weights;        /* n_parts x n_weights */
    double *class_weights; /* n_parts x classes, each part's sum 1; NULL when there are no classes */
};

static void free_model(void *memory)
{
    struct cgan_model *model = memory;
    if (!model)
        return;
    dpm_free(model->weights);
    dpm_free(model->class_weights);
    dpm_free(model);
}

static void shape_model(struct cgan_model *model, const struct dpmix_generator *generator, size_t classes,
                        size_t noise, size_t hidden, int layers)
{
    model->gan = dpm_nn_gan_shape(generator->bounds.n_columns, classes, noise, hidden, layers);
    model->hidden = hidden;
    model->layers = layers;
    model->n_parts = (size_t)generator->n_parts;
    model->n_weights = dpm_nn_dense_size(&model->gan.generator);
}

/* ---- The fit ---- */

static int train(struct dpmix_generator *generator, const struct dpm_fit *fit, struct cgan_model *model,
                 struct dpm_cgan *cgan)
{
    struct dpm_train_net net = dpm_cgan_net(cgan);
    struct dpm_train *train = NULL;
    /* What is averaged is the generator: the discriminator is not released. */
    struct dpmix_options options = generator->options;
    options.value[DPMIX_OPTION_AVERAGING] = 0;
    int status = dpm_train_new(&train, &net, &options, generator->n_parts);
    if (!status)
        status = dpm_train_open(train, fit, "conditional GAN");
    if (!status)
        status = dpm_train_run(train, fit);
    if (!status) {
        model->weights = dpm_cgan_take_weights(cgan);
        model->class_weights = dpm_train_take_class_weights(train);
        generator->ledger = dpm_train_take_ledger(train);
    }
    dpm_train_free(train);
    return status;
}

static int fit_cgan(struct dpmix_generator *generator, const struct dpm_fit *fit)
{
    const struct dpmix_options *options = &generator->options;
    int conditional = dpm_generator_is_conditional(generator);
    size_t classes = conditional ? (size_t)generator->n_classes : 0;
    struct dpm_cgan *cgan = NULL;
    struct cgan_model *model = dpm_alloc(1, sizeof *model);
    if (!model)
        return DPMIX_ERR_NOMEM;
    shape_model(model, generator, classes, (size_t)dpm_option_int(options, DPMIX_OPTION_CGAN_NOISE),
                (size_t)dpm_option_int(options, DPMIX_OPTION_CGAN_HIDDEN),
                dpm_option_int(options, DPMIX_OPTION_CGAN_LAYERS));
    int status = dpm_checkpoint_holds(generator, model->n_weights);
    if (!status)
        status = dpm_cgan_new(&cgan, options, generator->bounds.n_columns, classes, generator->n_parts);
    if (!status)
        status = train(generator, fit, model, cgan);
    if (!status) {
        generator->makes_labels = conditional;
        generator->model = model;
        model = NULL;
    }
    dpm_cgan_free(cgan);
    free_model(model);
    return status;
}

/* ---- Sampling ---- */

static size_t sample_scratch(const struct dpmix_generator *generator)
{
    const struct cgan_model *model = generator->model;
    return model->gan.noise + dpm_nn_gan_generate_scratch(&model->gan);
}

static void sample(const struct dpmix_generator *generator, int part, float *rows, int32_t *labels, size_t n,
                   struct dpm_stream *stream, float *scratch)
{
    const struct cgan_model *model = generator->model;
    size_t noise = model->gan.noise, classes = model->gan.classes;
    int32_t drawn[DPM_SAMPLE_CHUNK] = {0};
    for (size_t i = 0; i < n; i++) {
        if (classes)
            drawn[i] = dpm_train_draw_class(model->class_weights + (size_t)part * classes, classes,
                                            dpm_stream_uniform(stream));
        dpm_stream_normals(stream, scratch + i * noise, noise);
    }
    dpm_nn_gan_generate(&model->gan, model->weights + (size_t)part * model->n_weights, n, scratch, drawn,
                        scratch + n * noise, rows);
    if (labels)
        memcpy(labels, drawn, n * sizeof *labels);
}

/* ---- Files ---- */

enum { MAX_WIDTH = 1 << 20 };

static void put(const struct dpmix_generator *generator, struct dpm_blob *blob)
{
    const struct cgan_model *model = generator->model;
    dpm_blob_put_u64(blob, model->gan.classes);
    dpm_blob_put_u64(blob, model->gan.noise);
    dpm_blob_put_u64(blob, model->hidden);
    dpm_blob_put_u64(blob, (uint64_t)model->layers);
    dpm_blob_put_f32s(blob, model->weights, model->n_parts * model->n_weights);
    if (model->gan.classes)
        dpm_blob_put_f64s(blob, model->class_weights, model->n_parts * model->gan.classes);
}

static void get(struct dpmix_generator *generator, struct dpm_blob *blob)
{
    uint64_t classes = dpm_blob_get_size(blob, 0, (uint64_t)generator->n_classes);
    uint64_t noise = dpm_blob_get_size(blob, 1, MAX_WIDTH);
    uint64_t hidden = dpm_blob_get_size(blob, 1, MAX_WIDTH);
    uint64_t layers = dpm_blob_get_size(blob, 1, DPM_NN_GAN_HIDDEN);
    if ((classes != 0 && classes != (uint64_t)generator->n_classes) ||
        generator->makes_labels != (classes > 0))
        dpm_blob_reject(blob);
    if (dpm_blob_status(blob))
        return;
    struct cgan_model *model = dpm_alloc(1, sizeof *model);
    if (!model) {
        blob->status = DPMIX_ERR_NOMEM;
        return;
    }
    generator->model = model;
    shape_model(model, generator, (size_t)classes, (size_t)noise, (size_t)hidden, (int)layers);
    if (model->n_weights == 0)
        dpm_blob_reject(blob);
    model->weights = dpm_train_get_weights(blob, model->n_parts, model->n_weights);
    if (classes)
        model->class_weights = dpm_train_get_class_weights(blob, model->n_parts, (size_t)classes);
}

const struct dpm_generator_kind dpm_generator_cgan = {
    .kind = DPMIX_GENERATOR_CGAN,
    .fit = fit_cgan,
    .free_model = free_model,
    .sample = sample,
    .sample_scratch = sample_scratch,
    .put = put,
    .get = get,
};
