/* SPDX-License-Identifier: BSD-3-Clause */
#include "generator_cgan_train.h"
#include "base_alloc.h"
#include "base_fail.h"

#include <math.h>
#include <string.h>

/* Gradients of a generator carry no noise of their own, and the usual, short memory follows a discriminator
 * that moves (Radford, Metz and Chintala 2016, arXiv 1511.06434). */
static const double generator_momentum = 0.5, generator_second_moment = 0.999;

/* Fakes of one step: more would not make the gradient better. */
static const double most_fakes = 65536;

/* ---- Life ---- */

static void read_options(struct dpm_cgan *cgan, const struct dpmix_options *options)
{
    cgan->critic_steps = (uint64_t)dpm_option_double(options, DPMIX_OPTION_CGAN_CRITIC_STEPS);
    cgan->real = (float)(1 - dpm_option_double(options, DPMIX_OPTION_CGAN_SMOOTHING));
    cgan->fakes = dpm_option_double(options, DPMIX_OPTION_CGAN_FAKES);
    cgan->optim = (struct dpm_nn_optim){
        .kind = dpm_option_int(options, DPMIX_OPTION_CGAN_OPTIMIZER),
        .momentum = generator_momentum,
        .second_moment = generator_second_moment,
        .averaging = dpm_option_double(options, DPMIX_OPTION_AVERAGING),
        .rate = dpm_option_double(options, DPMIX_OPTION_CGAN_RATE),
        .schedule = dpm_option_int(options, DPMIX_OPTION_RATE_SCHEDULE),
        .rate_end = dpm_option_double(options, DPMIX_OPTION_RATE_END),
        .warmup = dpm_option_double(options, DPMIX_OPTION_WARMUP),
    };
}

static int allocate(struct dpm_cgan *cgan)
{
    const struct dpm_nn_gan *gan = &cgan->gan;
    size_t n, scratch = dpm_nn_gan_scratch(gan);
    if (scratch == 0 || !dpm_size_mul(&n, cgan->n_parts, cgan->n_weights))
        return dpm_fail(DPMIX_ERR_NOMEM, "out of memory");
    cgan->tracks = dpm_alloc(cgan->n_parts, sizeof *cgan->tracks);
    cgan->weights = dpm_alloc(n, sizeof *cgan->weights);
    cgan->first = dpm_alloc(n, sizeof *cgan->first);
    if (cgan->optim.kind != DPMIX_OPTIMIZER_SGD)
        cgan->second = dpm_alloc(n, sizeof *cgan->second);
    if (cgan->optim.averaging > 0)
        cgan->average = dpm_alloc(n, sizeof *cgan->average);
    cgan->gradient = dpm_alloc(cgan->n_weights, sizeof *cgan->gradient);
    cgan->sum = dpm_alloc(dpm_nn_dense_size(&gan->discriminator), sizeof *cgan->sum);
    cgan->noise = dpm_alloc(gan->noise, DPM_NN_GAN_BLOCK * sizeof *cgan->noise);
    cgan->scratch = dpm_alloc(scratch, sizeof *cgan->scratch);
    if (!cgan->tracks || !cgan->weights || !cgan->first ||
        (cgan->optim.kind != DPMIX_OPTIMIZER_SGD && !cgan->second) ||
        (cgan->optim.averaging > 0 && !cgan->average) || !cgan->gradient || !cgan->sum || !cgan->noise ||
        !cgan->scratch)
        return DPMIX_ERR_NOMEM;
    for (size_t k = 0; k < cgan->n_parts; k++)
        cgan->tracks[k] = (struct dpm_nn_track){
            .n = cgan->n_weights,
            .weights = cgan->weights + k * cgan->n_weights,
            .first = cgan->first + k * cgan->n_weights,
            .second = cgan->second ? cgan->second + k * cgan->n_weights : NULL,
            .average = cgan->average ? cgan->average + k * cgan->n_weights : NULL,
        };
    return DPMIX_OK;
}

int dpm_cgan_new(struct dpm_cgan **out, const struct dpmix_options *options, size_t columns, size_t classes,
                 int n_parts)
{
    struct dpm_cgan *cgan = dpm_alloc(1, sizeof *cgan);
    if (!cgan)
        return DPMIX_ERR_NOMEM;
    cgan->gan = dpm_nn_gan_shape(columns, classes, (size_t)dpm_option_int(options, DPMIX_OPTION_CGAN_NOISE),
                                 (size_t)dpm_option_int(options, DPMIX_OPTION_CGAN_HIDDEN),
                                 dpm_option_int(options, DPMIX_OPTION_CGAN_LAYERS));
    cgan->n_parts = (size_t)n_parts;
    cgan->n_weights = dpm_nn_dense_size(&cgan->gan.generator);
    read_options(cgan, options);
    int status = allocate(cgan);
    if (status) {
        dpm_cgan_free(cgan);
        return status;
    }
    *out = cgan;
    return DPMIX_OK;
}

void dpm_cgan_free(struct dpm_cgan *cgan)
{
    if (!cgan)
        return;
    dpm_free(cgan->tracks);
    dpm_free(cgan->weights);
    dpm_free(cgan->first);
    dpm_free(cgan->second);
    dpm_free(cgan->average);
    dpm_free(cgan->gradient);
    dpm_free(cgan->sum);
    dpm_free(cgan->noise);
    dpm_free(cgan->scratch);
    dpm_free(cgan);
}

float *dpm_cgan_take_weights(struct dpm_cgan *cgan)
{
    float *weights = cgan->weights;
    for (size_t k = 0; k < cgan->n_parts && cgan->average; k++)
        if (cgan->tracks[k].steps > 0)
            dpm_nn_optim_average(&cgan->optim, &cgan->tracks[k], cgan->tracks[k].weights);
    cgan->weights = NULL;
    return weights;
}

/* ---- The discriminator on private rows ---- */

static void contribute(const void *context, const float *weights, const struct dpm_block *block,
                       float *const *left, float *const *right)
{
    const struct dpm_cgan *cgan = context;
    dpm_nn_gan_discriminate(&cgan->gan, weights, cgan->real, block->n_rows, block->rows, block->labels, left,
                            right);
}

/* ---- What needs no private rows ---- */

/* Starting weights of the discriminators, and of all generators. */
static void start(const void *context, float *weights, struct dpm_stream *stream)
{
    const struct dpm_cgan *cgan = context;
    const struct dpm_nn_gan *gan = &cgan->gan;
    dpm_stream_normals(stream, weights, dpm_nn_dense_size(&gan->discriminator));
    dpm_nn_dense_start(&gan->discriminator, weights, weights);
    dpm_stream_normals(stream, cgan->weights, cgan->n_weights);
    dpm_nn_dense_start(&gan->generator, cgan->weights, cgan->weights);
    for (size_t k = 1; k < cgan->n_parts; k++)
        memcpy(cgan->weights + k * cgan->n_weights, cgan->weights, cgan->n_weights * sizeof *cgan->weights);
}

/* Noise and labels of a block of fakes. */
static void draw_fakes(struct dpm_cgan *cgan, const struct dpm_train_view *view, size_t n, int32_t *labels)
{
    size_t classes = cgan->gan.classes;
    for (size_t i = 0; i < n; i++)
        labels[i] = classes
                        ? dpm_train_draw_class(view->class_weights, classes, dpm_stream_uniform(view->stream))
                        : 0;
    dpm_stream_normals(view->stream, cgan->noise, n * cgan->gan.noise);
}

/* How many fakes stand against the batch; a function of the noisy counts. */
static size_t count_fakes(const struct dpm_cgan *cgan, const struct dpm_train_view *view)
{
    return (size_t)fmax(1, fmin(most_fakes, round(cgan->fakes * view->batch)));
}

/* out (n) += mean of the sum (n) over `fakes` records. */
static void add_mean(float *out, const float *sum, size_t n, size_t fakes)
{
    float scale = (float)(1 / (double)fakes);
    for (size_t i = 0; i < n; i++)
        out[i] += scale * sum[i];
}

/* The discriminator's gradient on fakes. Their gradients are shortened just as those of real records are,
 * though privacy does not ask for it: else the discriminator would favour one side even where both have the
 * same distribution. */
static void add_fakes(void *context, const struct dpm_train_view *view, float *gradient)
{
    struct dpm_cgan *cgan = context;
    const float *generator = cgan->tracks[view->part].weights;
    size_t n = dpm_nn_dense_size(&cgan->gan.discriminator), fakes = count_fakes(cgan, view);
    int32_t labels[DPM_NN_GAN_BLOCK];
    memset(cgan->sum, 0, n * sizeof *cgan->sum);
    for (size_t done = 0, some; done < fakes; done += some) {
        some = fakes - done < DPM_NN_GAN_BLOCK ? fakes - done : DPM_NN_GAN_BLOCK;
        draw_fakes(cgan, view, some, labels);
        dpm_nn_gan_fake_gradient(&cgan->gan, generator, view->weights, view->clip_norm, some, cgan->noise,
                                 labels, cgan->scratch, cgan->sum);
    }
    add_mean(gradient, cgan->sum, n, fakes);
}

/* After so many steps of the discriminator one of the generator, against as many new fakes. */
static void move_generator(void *context, const struct dpm_train_view *view)
{
    struct dpm_cgan *cgan = context;
    struct dpm_nn_track *track = &cgan->tracks[view->part];
    size_t fakes = count_fakes(cgan, view);
    int32_t labels[DPM_NN_GAN_BLOCK];
    if ((view->step + 1) % cgan->critic_steps != 0)
        return;
    memset(cgan->gradient, 0, cgan->n_weights * sizeof *cgan->gradient);
    for (size_t done = 0, some; done < fakes; done += some) {
        some = fakes - done < DPM_NN_GAN_BLOCK ? fakes - done : DPM_NN_GAN_BLOCK;
        draw_fakes(cgan, view, some, labels);
        dpm_nn_gan_generator_gradient(&cgan->gan, track->weights, view->weights, some, cgan->noise, labels,
                                      cgan->scratch, cgan->gradient);
    }
    for (size_t i = 0; i < cgan->n_weights; i++)
        cgan->gradient[i] /= (float)fakes;
    dpm_nn_optim_step(&cgan->optim, track, cgan->gradient,
                      dpm_nn_optim_rate(&cgan->optim, view->step, view->steps), 0);
}

/* ---- Checkpoints ---- */

static void put_generators(const void *context, struct dpm_blob *blob)
{
    const struct dpm_cgan *cgan = context;
    const float *const arrays[] = {cgan->weights, cgan->first, cgan->second, cgan->average};
    size_t n = cgan->n_parts * cgan->n_weights;
    for (size_t a = 0; a < sizeof arrays / sizeof *arrays; a++) {
        dpm_blob_put_u64(blob, arrays[a] ? n : 0);
        if (arrays[a])
            dpm_blob_put_f32s(blob, arrays[a], n);
    }
    dpm_blob_put_u64(blob, cgan->tracks[0].steps); /* all parts take their steps together */
}

/* The limits are those that the optimiser keeps, its means within those of the gradients. */
static void get_generators(void *context, struct dpm_blob *blob)
{
    struct dpm_cgan *cgan = context;
    float *const arrays[] = {cgan->weights, cgan->first, cgan->second, cgan->average};
    const float limits[] = {DPM_NN_WEIGHT_LIMIT, 3.4e38f, 3.4e38f, DPM_NN_WEIGHT_LIMIT};
    size_t n = cgan->n_parts * cgan->n_weights;
    for (size_t a = 0; a < sizeof arrays / sizeof *arrays; a++) {
        if (dpm_blob_get_u64(blob) != (arrays[a] ? n : 0))
            dpm_blob_reject(blob);
        if (!arrays[a])
            continue;
        float *values = dpm_blob_get_f32s(blob, cgan->n_parts, cgan->n_weights);
        for (size_t i = 0; values && i < n; i++)
            if (!(fabsf(values[i]) <= limits[a]) || (arrays[a] == cgan->second && values[i] < 0))
                dpm_blob_reject(blob);
        if (values)
            memcpy(arrays[a], values, n * sizeof *values);
        dpm_free(values);
    }
    uint64_t steps = dpm_blob_get_size(blob, 0, UINT32_MAX);
    for (size_t k = 0; k < cgan->n_parts; k++)
        cgan->tracks[k].steps = steps;
}

/* ---- The net ---- */

struct dpm_train_net dpm_cgan_net(struct dpm_cgan *cgan)
{
    const struct dpm_nn_dense *discriminator = &cgan->gan.discriminator;
    struct dpm_train_net net = {
        .context = cgan,
        .n_matrices = discriminator->n_layers,
        .cancellation = 1,
        .classes = cgan->gan.classes,
        .contribute = contribute,
        .start = start,
        .add_public = add_fakes,
        .after_step = move_generator,
        .put = put_generators,
        .get = get_generators,
    };
    for (int l = 0; l < discriminator->n_layers; l++)
        net.matrix[l] =
            (struct dpm_query_matrix){discriminator->layer[l].in + 1, discriminator->layer[l].out, 1};
    return net;
}
