/* SPDX-License-Identifier: BSD-3-Clause */
#include "generator_train.h"
#include "base_alloc.h"
#include "base_fail.h"
#include "generator_checkpoint.h"
#include "generator_train_plan.h"
#include "generator_train_state.h"
#include "nn_optim.h"

#include <assert.h>
#include <math.h>
#include <string.h>

struct dpm_train {
    struct dpm_train_net net;
    struct dpm_nn_optim optim;
    double sampling_rate, clip_quantile, clip_rate;
    struct dpm_train_plan plan;
    uint64_t extra_runs; /* that are behind */
    struct dpm_release *release;
    const struct dpm_checkpoint *checkpoint; /* once the release is open; NULL: none */
    struct dpm_checkpoint_run run;
    double *sums;    /* n_parts x numbers of a gradient query */
    float *gradient; /* n_weights */
    struct dpm_train_state state;
};

/* ---- Life ---- */

size_t dpm_train_size(const struct dpm_train_net *net)
{
    size_t size = 0, one;
    for (int m = 0; m < net->n_matrices; m++) {
        if (!dpm_size_mul(&one, net->matrix[m].rows, net->matrix[m].columns) || one > SIZE_MAX - size)
            return 0;
        size += one;
    }
    return size;
}

static void read_options(struct dpm_train *train, const struct dpmix_options *options)
{
    train->state.steps = (uint64_t)dpm_option_double(options, DPMIX_OPTION_STEPS);
    train->sampling_rate = dpm_option_double(options, DPMIX_OPTION_SAMPLING_RATE);
    train->clip_quantile = dpm_option_double(options, DPMIX_OPTION_CLIP_QUANTILE);
    train->clip_rate = dpm_option_double(options, DPMIX_OPTION_CLIP_RATE);
    train->optim = (struct dpm_nn_optim){
        .kind = dpm_option_int(options, DPMIX_OPTION_OPTIMIZER),
        .momentum = dpm_option_double(options, DPMIX_OPTION_MOMENTUM),
        .second_moment = dpm_option_double(options, DPMIX_OPTION_SECOND_MOMENT),
        .weight_decay = dpm_option_double(options, DPMIX_OPTION_WEIGHT_DECAY),
        .correction = dpm_option_int(options, DPMIX_OPTION_NOISE_CORRECTION),
        .averaging = dpm_option_double(options, DPMIX_OPTION_AVERAGING),
        .rate = dpm_option_double(options, DPMIX_OPTION_LEARNING_RATE),
        .schedule = dpm_option_int(options, DPMIX_OPTION_RATE_SCHEDULE),
        .rate_end = dpm_option_double(options, DPMIX_OPTION_RATE_END),
        .warmup = dpm_option_double(options, DPMIX_OPTION_WARMUP),
    };
    train->state.clip_norm = dpm_option_double(options, DPMIX_OPTION_CLIP_NORM);
}

/* All of it before the debit: that there is enough memory must not depend on what the release shows. */
static int allocate(struct dpm_train *train)
{
    struct dpm_train_state *state = &train->state;
    size_t n;
    int status = dpm_train_state_new(state, &train->optim);
    if (status)
        return status;
    if (!dpm_size_mul(&n, state->n_parts, state->n_weights + 1)) /* one more for the norm indicator */
        return dpm_fail(DPMIX_ERR_NOMEM, "out of memory");
    train->sums = dpm_alloc(n, sizeof *train->sums);
    train->gradient = dpm_alloc(state->n_weights, sizeof *train->gradient);
    return train->sums && train->gradient ? DPMIX_OK : DPMIX_ERR_NOMEM;
}

int dpm_train_new(struct dpm_train **out, const struct dpm_train_net *net,
                  const struct dpmix_options *options, int n_parts)
{
    struct dpm_train *train = dpm_alloc(1, sizeof *train);
    if (!train)
        return DPMIX_ERR_NOMEM;
    train->net = *net;
    train->state.n_parts = (size_t)n_parts;
    train->state.n_weights = dpm_train_size(net);
    train->state.classes = net->classes;
    train->state.columns = net->classes ? net->classes : 1;
    read_options(train, options);
    int status = allocate(train);
    if (status) {
        dpm_train_free(train);
        return status;
    }
    dpm_train_plan_make(&train->plan, net, options);
    *out = train;
    return DPMIX_OK;
}

void dpm_train_free(struct dpm_train *train)
{
    if (!train)
        return;
    dpm_release_close(train->release);
    dpm_free(train->sums);
    dpm_free(train->gradient);
    dpm_blob_free(&train->run.blob);
    dpm_train_state_free(&train->state);
    dpm_free(train);
}

/* Queries that the state has the results of, in the order of the plans. */
static uint64_t queries_done(const struct dpm_train *train)
{
    return train->state.stage == DPM_TRAIN_NEW ? 0 : 1 + train->state.step;
}

/* The first file is written before the debit, so that a path where nothing can be written costs nothing. */
static int open_resumable(struct dpm_train *train, const struct dpm_fit *fit, const char *purpose)
{
    const struct dpm_checkpoint *checkpoint = fit->checkpoint;
    struct dpm_checkpoint_run *run = &train->run;
    uint64_t stride = dpm_checkpoint_stride(checkpoint, train->state.steps);
    int status;
    *run = (struct dpm_checkpoint_run){
        .purpose = purpose, .plans = train->plan.query, .n_plans = train->plan.n_queries};
    if (checkpoint->from) {
        status = dpm_checkpoint_read(checkpoint, run, train);
        run->resumable.done = queries_done(train);
        run->resumable.stride = stride;
        if (!status)
            status = dpm_checkpoint_compose(checkpoint, run, train);
    } else {
        status = dpm_query_calibrate(fit->accountant, fit->share, train->plan.query, train->plan.n_queries);
        if (!status)
            status = dpm_resumable_new(&run->resumable, stride);
        if (!status)
            status = dpm_checkpoint_write(checkpoint, run, train);
    }
    if (!status)
        status = dpm_release_open_resumable(&train->release, fit->accountant, fit->dataset, purpose,
                                            train->plan.query, train->plan.n_queries, fit->partition,
                                            fit->threads, &run->resumable);
    if (!status)
        train->checkpoint = checkpoint;
    return status;
}

int dpm_train_open(struct dpm_train *train, const struct dpm_fit *fit, const char *purpose)
{
    assert(!train->release && train->state.n_parts == (size_t)(fit->partition ? fit->partition->n_parts : 1));
    if (fit->checkpoint)
        return open_resumable(train, fit, purpose);
    int status = dpm_query_calibrate(fit->accountant, fit->share, train->plan.query, train->plan.n_queries);
    if (status)
        return status;
    return dpm_release_open(&train->release, fit->accountant, fit->dataset, purpose, train->plan.query,
                            train->plan.n_queries, fit->partition, fit->threads);
}

/* ---- Contributions ---- */

struct contribution {
    const struct dpm_train *train;
    dpm_train_block_fn *contribute;
};

static void contribute_count(const void *model, const struct dpm_block *block, float *const *left,
                             float *const *right)
{
    const struct dpm_train *train = model;
    size_t columns = train->state.columns;
    for (size_t i = 0; i < block->n_rows; i++) {
        for (size_t c = 0; c < columns; c++)
            left[0][i * columns + c] = train->net.classes ? (size_t)block->labels[i] == c : 1;
        right[0][i] = 1;
    }
}

/* The learner's own, with the weights of the block's part. */
static void contribute_by_part(const void *model, const struct dpm_block *block, float *const *left,
                               float *const *right)
{
    const struct contribution *contribution = model;
    const struct dpm_train *train = contribution->train;
    if (block->n_rows > 0)
        contribution->contribute(train->net.context,
                                 train->state.weights + (size_t)block->parts[0] * train->state.n_weights,
                                 block, left, right);
}

/* ---- Steps ---- */

/* Where the ledger cannot be written the query does not begin, and the training ends. What it was paid for is
 * kept, though the ledger cannot say whether another one has taken the training over. */
static int query(struct dpm_train *train, size_t number, dpm_block_fn *contribution, const void *model,
                 double *sums)
{
    int status = dpm_release_query(train->release, number, contribution, model, sums);
    if (status == DPMIX_ERR_IO && train->checkpoint)
        (void)dpm_checkpoint_write(train->checkpoint, &train->run, train);
    return status;
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

static void open_public_stream(const struct dpm_train *train, struct dpm_stream *stream, uint64_t step,
                               uint64_t part)
{
    uint8_t key[DPM_KEY_SIZE];
    dpm_release_public_key(train->release, key);
    dpm_stream_open(stream, key, DPM_STREAM_MODEL, step, part);
}

/* The counts, and starting weights: the same for every part. */
static int begin(struct dpm_train *train)
{
    struct dpm_train_state *state = &train->state;
    size_t classes = train->net.classes, n = train->state.n_weights;
    int status = query(train, DPM_TRAIN_COUNT, contribute_count, train, state->counts);
    if (status)
        return status;
    for (size_t k = 0; classes && k < train->state.n_parts; k++)
        weigh_classes(state->class_weights + k * classes, state->counts + k * classes, classes,
                      dpm_train_count_noise(train));
    struct dpm_stream stream;
    open_public_stream(train, &stream, 0, 0);
    train->net.start(train->net.context, state->weights, &stream);
    dpm_stream_wipe(&stream);
    for (size_t k = 1; k < train->state.n_parts; k++)
        memcpy(state->weights + k * n, state->weights, n * sizeof *state->weights);
    state->stage = DPM_TRAIN_STEPS;
    return DPMIX_OK;
}

/* One part's step: the sums' mean, the public gradient, the optimiser. */
static void step_part(struct dpm_train *train, int part, const struct dpm_query_plan *plan)
{
    const struct dpm_train_net *net = &train->net;
    struct dpm_train_state *state = &train->state;
    const double *sums = train->sums + (size_t)part * dpm_query_size(plan);
    struct dpm_stream stream;
    struct dpm_train_view view = {
        .part = part,
        .step = state->step,
        .steps = train->state.steps,
        .weights = state->tracks[part].weights,
        .class_weights = net->classes ? state->class_weights + (size_t)part * net->classes : NULL,
        .batch = dpm_train_batch(train, part),
        .clip_norm = plan->clip_norm,
        .rate = dpm_nn_optim_rate(&train->optim, state->step, train->state.steps),
        .stream = &stream,
    };
    view.noise = dpm_query_noise(plan) / view.batch;
    if (net->add_public || net->after_step)
        open_public_stream(train, &stream, state->step + 1, (uint64_t)part);
    double scale = 1 / view.batch;
    for (size_t i = 0; i < train->state.n_weights; i++)
        train->gradient[i] = (float)(sums[i] * scale);
    if (net->add_public)
        net->add_public(net->context, &view, train->gradient);
    dpm_nn_optim_step(&train->optim, &state->tracks[part], train->gradient, view.rate,
                      view.noise * view.noise);
    if (net->after_step)
        net->after_step(net->context, &view);
    if (net->add_public || net->after_step)
        dpm_stream_wipe(&stream);
}

/* The clip norm goes after the quantile (Andrew, Thakkar, McMahan and Ramaswamy 2021, arXiv 1905.03871,
 * section 2, geometric update), one norm for all parts: the released indicators tell which share of the
 * selected rows, out of as many as were expected, was not longer. */
static void follow_quantile(struct dpm_train *train, const struct dpm_query_plan *plan)
{
    double indicators = 0, batch = 0;
    size_t size = dpm_query_size(plan);
    for (size_t k = 0; k < train->state.n_parts; k++) {
        indicators += train->sums[(k + 1) * size - 1];
        batch += dpm_train_batch(train, (int)k);
    }
    double share = 0.5 + indicators / (2 * dpm_query_indicator(plan) * batch);
    share = fmin(fmax(share, 0), 1);
    train->state.clip_norm *= exp(-train->clip_rate * (share - train->clip_quantile));
}

static int take_step(struct dpm_train *train)
{
    struct dpm_train_state *state = &train->state;
    struct contribution contribution = {train, train->net.contribute};
    size_t number = dpm_train_plan_step(&train->plan, state->step);
    const struct dpm_query_plan *plan = dpm_release_plan(train->release, number);
    if (train->clip_quantile > 0) {
        dpm_release_set_clip(train->release, number, state->clip_norm);
        state->clip_norm = plan->clip_norm;
    }
    int status = query(train, number, contribute_by_part, &contribution, train->sums);
    if (status)
        return status;
    for (size_t k = 0; k < train->state.n_parts; k++)
        step_part(train, (int)k, plan);
    if (train->clip_quantile > 0)
        follow_quantile(train, plan);
    state->step++;
    return DPMIX_OK;
}

/* Not over the file of one who has taken the training over; as in query(), where the ledger cannot be had. */
static int save(struct dpm_train *train)
{
    int status = dpm_release_confirm(train->release), written = status;
    if (!status || status == DPMIX_ERR_IO)
        written = dpm_checkpoint_write(train->checkpoint, &train->run, train);
    return status ? status : written;
}

int dpm_train_tell(struct dpm_train *train, const struct dpm_fit *fit)
{
    int status = dpm_fit_progress(fit, DPMIX_PHASE_TRAIN, train->state.step + train->extra_runs,
                                  train->state.steps + train->plan.extra_runs);
    int saved = status == DPMIX_ERR_CANCELLED && train->checkpoint ? save(train) : DPMIX_OK;
    return saved ? saved : status;
}

static int is_due(const struct dpm_train *train)
{
    uint64_t every = train->checkpoint ? train->checkpoint->every : 0;
    return every > 0 && (train->state.step % every == 0 || train->state.stage == DPM_TRAIN_DONE);
}

int dpm_train_run(struct dpm_train *train, const struct dpm_fit *fit)
{
    struct dpm_train_state *state = &train->state;
    int status = state->stage == DPM_TRAIN_NEW ? begin(train) : DPMIX_OK;
    while (!status && state->step < train->state.steps) {
        status = dpm_train_tell(train, fit);
        if (!status)
            status = take_step(train);
        if (!status && state->step < train->state.steps && is_due(train))
            status = save(train);
    }
    if (status)
        return status;
    for (size_t k = 0; k < state->n_parts && state->average && state->stage == DPM_TRAIN_STEPS; k++)
        dpm_nn_optim_average(&train->optim, &state->tracks[k], state->tracks[k].weights);
    state->stage = DPM_TRAIN_DONE;
    if (is_due(train))
        status = save(train);
    return status ? status : dpm_train_tell(train, fit);
}

int dpm_train_query(struct dpm_train *train, int extra, double *sums)
{
    size_t plan = dpm_train_plan_extra(&train->plan, extra);
    struct contribution contribution = {train, train->net.extra[extra].contribute};
    assert(train->state.stage == DPM_TRAIN_DONE);
    int status = query(train, plan, contribute_by_part, &contribution, sums);
    train->extra_runs += !status;
    return status;
}

double dpm_train_query_noise(const struct dpm_train *train, int extra)
{
    return dpm_query_noise(&train->plan.query[dpm_train_plan_extra(&train->plan, extra)]);
}

/* ---- What came of it ---- */

const double *dpm_train_counts(const struct dpm_train *train)
{
    return train->state.counts;
}

double dpm_train_count_noise(const struct dpm_train *train)
{
    return dpm_query_noise(&train->plan.query[DPM_TRAIN_COUNT]);
}

double dpm_train_batch(const struct dpm_train *train, int part)
{
    double rows = 0;
    for (size_t c = 0; c < train->state.columns; c++)
        rows += train->state.counts[(size_t)part * train->state.columns + c];
    return fmax(1, rows * train->sampling_rate);
}

const double *dpm_train_class_weights(const struct dpm_train *train)
{
    return train->state.class_weights;
}

const float *dpm_train_weights(const struct dpm_train *train)
{
    return train->state.weights;
}

float *dpm_train_take_weights(struct dpm_train *train)
{
    float *weights = train->state.weights;
    train->state.weights = NULL;
    return weights;
}

double *dpm_train_take_class_weights(struct dpm_train *train)
{
    double *weights = train->state.class_weights;
    train->state.class_weights = NULL;
    return weights;
}

void dpm_train_public_key(const struct dpm_train *train, uint8_t key[DPM_KEY_SIZE])
{
    dpm_release_public_key(train->release, key);
}

char *dpm_train_take_ledger(struct dpm_train *train)
{
    return dpm_release_take_ledger(train->release);
}

double dpm_train_clip_norm(const struct dpm_train *train)
{
    return train->state.clip_norm;
}

uint64_t dpm_train_step(const struct dpm_train *train)
{
    return train->state.step;
}

/* ---- Checkpoints ---- */

void dpm_train_put(const struct dpm_train *train, struct dpm_blob *blob)
{
    dpm_train_state_put(&train->state, blob);
    if (train->net.put)
        train->net.put(train->net.context, blob);
}

void dpm_train_get(struct dpm_train *train, struct dpm_blob *blob)
{
    dpm_train_state_get(&train->state, blob);
    if (train->net.get)
        train->net.get(train->net.context, blob);
}
