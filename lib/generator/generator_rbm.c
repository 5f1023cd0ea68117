/* SPDX-License-Identifier: BSD-3-Clause */
/* The restricted Boltzmann machine (nn_rbm.h), trained by the engine (generator_train.h) on noisy sums of
 * clipped contrastive divergences (Acs et al. 2017, arXiv 1709.04514, section 4): one model for each part.
 * doc/privacy.md, "The RBM", has the proof.
 *
 * Samples come from block Gibbs chains of the released model. */
#include "base_alloc.h"
#include "generator_checkpoint.h"
#include "generator_kind.h"
#include "generator_train.h"
#include "nn_rbm.h"

#include <dpmix/generator.h>

#include <string.h>

struct rbm_model {
    struct dpm_nn_rbm rbm;
    int cd_steps; /* of the training */
    int burn_in, thinning, output;
    size_t n_parts, n_weights; /* n_weights: of one part */
    float *weights;            /* n_parts x n_weights */
    double *class_weights;     /* n_parts x classes, each part's sum 1; NULL when there are no classes */
};

static void free_model(void *memory)
{
    struct rbm_model *model = memory;
    if (!model)
        return;
    dpm_free(model->weights);
    dpm_free(model->class_weights);
    dpm_free(model);
}

/* ---- Random numbers ---- */

/* Uniform numbers in [0, 1), two from a word. */
static void draw_uniforms(struct dpm_stream *stream, float *out, size_t n)
{
    for (size_t i = 0; i < n; i += 2) {
        uint64_t word = dpm_stream_next(stream);
        out[i] = (float)(word >> 40) * 0x1p-24f;
        if (i + 1 < n)
            out[i + 1] = (float)(word & 0xffffff) * 0x1p-24f;
    }
}

/* What dpm_nn_rbm_draw_visible needs for a line. */
static void draw_visible_numbers(const struct dpm_nn_rbm *rbm, struct dpm_stream *stream, float *out)
{
    size_t n = dpm_nn_rbm_visible_draws(rbm);
    size_t normals = rbm->deviation > 0 ? rbm->columns : 0;
    dpm_stream_normals(stream, out, normals);
    draw_uniforms(stream, out + normals, n - normals);
}

/* ---- The fit ---- */

/* A chain needs many random numbers for each row, and drawing lent normals is slow. So the row's few lent
 * normals, about 25 random bits each, are the key of a stream of its own. */
enum { KEY_NORMALS = DPM_KEY_SIZE / sizeof(float) };

static void draw_row_numbers(const struct rbm_model *model, const float *normals, float *out)
{
    const struct dpm_nn_rbm *rbm = &model->rbm;
    uint8_t key[DPM_KEY_SIZE];
    struct dpm_stream stream;
    memcpy(key, normals, sizeof key);
    dpm_stream_open(&stream, key, DPM_STREAM_AUXILIARY, 0, 0);
    for (int step = 0; step < model->cd_steps; step++) {
        draw_uniforms(&stream, out, rbm->hidden);
        draw_visible_numbers(rbm, &stream, out + rbm->hidden);
        out += rbm->hidden + dpm_nn_rbm_visible_draws(rbm);
    }
    dpm_stream_wipe(&stream);
    dpm_wipe(key, sizeof key);
}

/* Contribution of a row: its contrastive divergence, one matrix of rank 2. */
static void contribute(const void *context, const float *weights, const struct dpm_block *block,
                       float *const *left, float *const *right)
{
    const struct rbm_model *model = context;
    size_t n_draws = dpm_nn_rbm_gradient_draws(&model->rbm, model->cd_steps);
    for (size_t i = 0; i < block->n_rows; i++)
        draw_row_numbers(model, block->normals + i * KEY_NORMALS, block->scratch + i * n_draws);
    dpm_nn_rbm_gradient(&model->rbm, weights, model->cd_steps, block->n_rows, block->rows, block->labels,
                        block->scratch, left[0], right[0]);
}

static void start(const void *context, float *weights, struct dpm_stream *stream)
{
    const struct rbm_model *model = context;
    dpm_stream_normals(stream, weights, model->n_weights);
    dpm_nn_rbm_start(&model->rbm, weights, weights);
}

/* Bound on how much larger the two factors' products may be than their sum. Rows that were seen stay below
 * 1.5, and every unit makes blocks smaller and the slack larger. */
enum { KAPPA = 2 };

static struct dpm_train_net describe_net(struct rbm_model *model)
{
    return (struct dpm_train_net){
        .context = model,
        .n_matrices = 1,
        .matrix = {{dpm_nn_rbm_visible(&model->rbm), dpm_nn_rbm_hidden(&model->rbm), 2}},
        .cancellation = KAPPA,
        .normals = KEY_NORMALS,
        .scratch = dpm_nn_rbm_gradient_draws(&model->rbm, model->cd_steps),
        .classes = model->rbm.classes,
        .contribute = contribute,
        .start = start,
    };
}

static int new_model(struct rbm_model **out, const struct dpmix_generator *generator, size_t classes)
{
    const struct dpmix_options *options = &generator->options;
    struct rbm_model *model = dpm_alloc(1, sizeof *model);
    if (!model)
        return DPMIX_ERR_NOMEM;
    int gaussian = dpm_option_int(options, DPMIX_OPTION_RBM_VISIBLE) == DPMIX_RBM_GAUSSIAN;
    model->rbm = (struct dpm_nn_rbm){
        .columns = generator->bounds.n_columns,
        .classes = classes,
        .hidden = (size_t)dpm_option_int(options, DPMIX_OPTION_RBM_HIDDEN),
        .deviation = gaussian ? (float)dpm_option_double(options, DPMIX_OPTION_RBM_DEVIATION) : 0,
    };
    model->cd_steps = dpm_option_int(options, DPMIX_OPTION_RBM_CD_STEPS);
    model->burn_in = dpm_option_int(options, DPMIX_OPTION_RBM_BURN_IN);
    model->thinning = dpm_option_int(options, DPMIX_OPTION_RBM_THINNING);
    model->output = dpm_option_int(options, DPMIX_OPTION_RBM_OUTPUT);
    model->n_parts = (size_t)generator->n_parts;
    model->n_weights = dpm_nn_rbm_size(&model->rbm);
    *out = model;
    return DPMIX_OK;
}

static int fit_rbm(struct dpmix_generator *generator, const struct dpm_fit *fit)
{
    int conditional = dpm_generator_is_conditional(generator);
    struct dpm_train *train = NULL;
    struct rbm_model *model = NULL;
    int status = new_model(&model, generator, conditional ? (size_t)generator->n_classes : 0);
    if (status)
        return status;
    struct dpm_train_net net = describe_net(model);
    status = dpm_checkpoint_holds(generator, model->n_weights);
    if (!status)
        status = dpm_train_new(&train, &net, &generator->options, generator->n_parts);
    if (!status)
        status = dpm_train_open(train, fit, "RBM");
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

/* Chains that run side by side, of one part. Their state is that of the hidden units. */
struct chains {
    const struct rbm_model *model;
    const float *weights;
    size_t n, n_visible, n_hidden;
    float *visible, *hidden, *draws; /* lines, one for each chain, and random numbers */
    int32_t labels[DPM_SAMPLE_CHUNK];
    struct dpm_stream *stream;
};

/* With thinning, a chain gives this many records at most. */
enum { RECORDS_OF_CHAIN = 8 };

static size_t draws_of_chain(const struct dpm_nn_rbm *rbm)
{
    size_t visible = dpm_nn_rbm_visible_draws(rbm);
    return visible > rbm->hidden ? visible : rbm->hidden;
}

static size_t sample_scratch(const struct dpmix_generator *generator)
{
    const struct rbm_model *model = generator->model;
    const struct dpm_nn_rbm *rbm = &model->rbm;
    return dpm_nn_rbm_visible(rbm) + dpm_nn_rbm_hidden(rbm) + draws_of_chain(rbm);
}

static void step_up(struct chains *chains)
{
    const struct dpm_nn_rbm *rbm = &chains->model->rbm;
    dpm_nn_rbm_up(rbm, chains->weights, chains->n, chains->visible, chains->n_visible, chains->hidden,
                  chains->n_hidden);
    draw_uniforms(chains->stream, chains->draws, chains->n * rbm->hidden);
    dpm_nn_rbm_draw_hidden(rbm, chains->n, chains->draws, rbm->hidden, chains->hidden, chains->n_hidden);
}

/* Means of the visible units, or states; the labels stay what they are. */
static void step_down(struct chains *chains, int output)
{
    const struct dpm_nn_rbm *rbm = &chains->model->rbm;
    size_t n_draws = dpm_nn_rbm_visible_draws(rbm);
    dpm_nn_rbm_down(rbm, chains->weights, chains->n, chains->hidden, chains->n_hidden, chains->visible,
                    chains->n_visible);
    if (output == DPMIX_RBM_DRAWS) {
        for (size_t i = 0; i < chains->n; i++)
            draw_visible_numbers(rbm, chains->stream, chains->draws + i * n_draws);
        dpm_nn_rbm_draw_visible(rbm, chains->n, chains->draws, n_draws, chains->visible, chains->n_visible);
    }
    dpm_nn_rbm_clamp(rbm, chains->n, chains->labels, chains->visible, chains->n_visible);
}

static void sweep(struct chains *chains, int sweeps)
{
    for (int s = 0; s < sweeps; s++) {
        step_down(chains, DPMIX_RBM_DRAWS);
        step_up(chains);
    }
}

/* Labels by the class weights; hidden units halfway between their states, from where short chains come to the
 * data sooner than from random states. */
static void begin_chains(struct chains *chains, const double *class_weights)
{
    size_t hidden = chains->model->rbm.hidden, classes = chains->model->rbm.classes;
    for (size_t i = 0; i < chains->n; i++) {
        float *line = chains->hidden + i * chains->n_hidden;
        memset(line, 0, hidden * sizeof *line);
        line[hidden] = DPM_NN_RBM_BIAS;
        if (classes > 0)
            chains->labels[i] =
                dpm_train_draw_class(class_weights, classes, dpm_stream_uniform(chains->stream));
    }
}

static void sample(const struct dpmix_generator *generator, int part, float *rows, int32_t *labels, size_t n,
                   struct dpm_stream *stream, float *scratch)
{
    const struct rbm_model *model = generator->model;
    const struct dpm_nn_rbm *rbm = &model->rbm;
    size_t rounds = model->thinning > 0 ? RECORDS_OF_CHAIN : 1, n_chains = (n + rounds - 1) / rounds;
    struct chains chains = {
        .model = model,
        .weights = model->weights + (size_t)part * model->n_weights,
        .n = n_chains,
        .n_visible = dpm_nn_rbm_visible(rbm),
        .n_hidden = dpm_nn_rbm_hidden(rbm),
        .stream = stream,
    };
    chains.visible = scratch;
    chains.hidden = chains.visible + n_chains * chains.n_visible;
    chains.draws = chains.hidden + n_chains * chains.n_hidden;
    begin_chains(&chains, rbm->classes ? model->class_weights + (size_t)part * rbm->classes : NULL);
    sweep(&chains, model->burn_in);
    for (size_t done = 0; done < n; done += n_chains) {
        size_t count = n - done < n_chains ? n - done : n_chains;
        if (done > 0)
            sweep(&chains, model->thinning);
        step_down(&chains, model->output);
        dpm_nn_rbm_records(rbm, count, chains.visible, chains.n_visible, rows + done * rbm->columns);
        if (labels)
            memcpy(labels + done, chains.labels, count * sizeof *labels);
    }
}

/* ---- Files ---- */

enum { MAX_WIDTH = 1 << 20, MAX_SWEEPS = 100000 };

static void put(const struct dpmix_generator *generator, struct dpm_blob *blob)
{
    const struct rbm_model *model = generator->model;
    const struct dpm_nn_rbm *rbm = &model->rbm;
    dpm_blob_put_u64(blob, rbm->classes);
    dpm_blob_put_u64(blob, rbm->hidden);
    dpm_blob_put_f64(blob, (double)rbm->deviation);
    dpm_blob_put_u64(blob, (uint64_t)model->burn_in);
    dpm_blob_put_u64(blob, (uint64_t)model->thinning);
    dpm_blob_put_u64(blob, (uint64_t)model->output);
    dpm_blob_put_f32s(blob, model->weights, model->n_parts * model->n_weights);
    if (rbm->classes)
        dpm_blob_put_f64s(blob, model->class_weights, model->n_parts * rbm->classes);
}

/* The shape and how it is sampled; NULL on failure. */
static struct rbm_model *get_shape(const struct dpmix_generator *generator, struct dpm_blob *blob)
{
    struct dpm_nn_rbm rbm = {.columns = generator->bounds.n_columns};
    rbm.classes = (size_t)dpm_blob_get_size(blob, 0, (uint64_t)generator->n_classes);
    rbm.hidden = (size_t)dpm_blob_get_size(blob, 1, MAX_WIDTH);
    double deviation = dpm_blob_get_f64(blob);
    int burn_in = (int)dpm_blob_get_size(blob, 0, MAX_SWEEPS);
    int thinning = (int)dpm_blob_get_size(blob, 0, MAX_SWEEPS);
    int output = (int)dpm_blob_get_size(blob, DPMIX_RBM_MEANS, DPMIX_RBM_DRAWS);
    if (!(deviation == 0 || (deviation >= 1e-3 && deviation <= 1e3)) ||
        (rbm.classes != 0 && rbm.classes != (size_t)generator->n_classes) || dpm_nn_rbm_size(&rbm) == 0)
        dpm_blob_reject(blob);
    if (dpm_blob_status(blob))
        return NULL;
    struct rbm_model *model = dpm_alloc(1, sizeof *model);
    if (!model) {
        blob->status = DPMIX_ERR_NOMEM;
        return NULL;
    }
    rbm.deviation = (float)deviation;
    *model = (struct rbm_model){
        .rbm = rbm,
        .burn_in = burn_in,
        .thinning = thinning,
        .output = output,
        .n_parts = (size_t)generator->n_parts,
        .n_weights = dpm_nn_rbm_size(&rbm),
    };
    return model;
}

static void get(struct dpmix_generator *generator, struct dpm_blob *blob)
{
    struct rbm_model *model = get_shape(generator, blob);
    if (!model)
        return;
    generator->model = model;
    generator->makes_labels = model->rbm.classes > 0;
    model->weights = dpm_train_get_weights(blob, model->n_parts, model->n_weights);
    if (model->rbm.classes)
        model->class_weights = dpm_train_get_class_weights(blob, model->n_parts, model->rbm.classes);
}

const struct dpm_generator_kind dpm_generator_rbm = {
    .kind = DPMIX_GENERATOR_RBM,
    .fit = fit_rbm,
    .free_model = free_model,
    .sample = sample,
    .sample_scratch = sample_scratch,
    .put = put,
    .get = get,
};
