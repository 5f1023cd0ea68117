/* SPDX-License-Identifier: BSD-3-Clause */
#include "generator_train_state.h"
#include "base_alloc.h"
#include "base_fail.h"
#include "generator_train.h"
#include "nn_optim.h"

#include <math.h>
#include <string.h>

static void point_tracks(struct dpm_train_state *state)
{
    size_t n = state->n_weights;
    for (size_t k = 0; k < state->n_parts; k++)
        state->tracks[k] = (struct dpm_nn_track){
            .n = n,
            .weights = state->weights + k * n,
            .first = state->first + k * n,
            .second = state->second ? state->second + k * n : NULL,
            .average = state->average ? state->average + k * n : NULL,
        };
}

int dpm_train_state_new(struct dpm_train_state *state, const struct dpm_nn_optim *optim)
{
    size_t parts = state->n_parts, n;
    int has_second = optim->kind != DPMIX_OPTIMIZER_SGD, has_average = optim->averaging > 0;
    if (state->n_weights == 0 || !dpm_size_mul(&n, parts, state->n_weights))
        return dpm_fail(DPMIX_ERR_NOMEM, "out of memory");
    state->counts = dpm_alloc(parts * state->columns, sizeof *state->counts);
    state->weights = dpm_alloc(n, sizeof *state->weights);
    state->first = dpm_alloc(n, sizeof *state->first);
    state->tracks = dpm_alloc(parts, sizeof *state->tracks);
    if (has_second)
        state->second = dpm_alloc(n, sizeof *state->second);
    if (has_average)
        state->average = dpm_alloc(n, sizeof *state->average);
    if (state->classes)
        state->class_weights = dpm_alloc(parts * state->classes, sizeof *state->class_weights);
    if (!state->counts || !state->weights || !state->first || !state->tracks ||
        (has_second && !state->second) || (has_average && !state->average) ||
        (state->classes && !state->class_weights))
        return DPMIX_ERR_NOMEM;
    point_tracks(state);
    return DPMIX_OK;
}

void dpm_train_state_free(struct dpm_train_state *state)
{
    dpm_free(state->counts);
    dpm_free(state->class_weights);
    dpm_free(state->weights);
    dpm_free(state->first);
    dpm_free(state->second);
    dpm_free(state->average);
    dpm_free(state->tracks);
}

/* ---- Checkpoints ---- */

void dpm_train_state_put(const struct dpm_train_state *state, struct dpm_blob *blob)
{
    size_t n = state->n_parts * state->n_weights;
    dpm_blob_put_u64(blob, state->n_parts);
    dpm_blob_put_u64(blob, state->n_weights);
    dpm_blob_put_u64(blob, state->classes);
    dpm_blob_put_u64(blob, state->steps);
    dpm_blob_put_u32(blob, state->second != NULL);
    dpm_blob_put_u32(blob, state->average != NULL);
    dpm_blob_put_u64(blob, (uint64_t)state->stage);
    dpm_blob_put_u64(blob, state->step);
    dpm_blob_put_f64(blob, state->clip_norm);
    dpm_blob_put_f64s(blob, state->counts, state->n_parts * state->columns);
    if (state->class_weights)
        dpm_blob_put_f64s(blob, state->class_weights, state->n_parts * state->classes);
    dpm_blob_put_f32s(blob, state->weights, n);
    dpm_blob_put_f32s(blob, state->first, n);
    if (state->second)
        dpm_blob_put_f32s(blob, state->second, n);
    if (state->average)
        dpm_blob_put_f32s(blob, state->average, n);
    for (size_t k = 0; k < state->n_parts; k++)
        dpm_blob_put_f64(blob, state->tracks[k].variance);
}

static void expect(struct dpm_blob *blob, uint64_t found, uint64_t wanted)
{
    if (found != wanted)
        dpm_blob_reject(blob);
}

/* Numbers within a limit, in absolute value. */
static float *get_limited(struct dpm_blob *blob, size_t n1, size_t n2, float limit)
{
    float *values = dpm_blob_get_f32s(blob, n1, n2);
    for (size_t i = 0; values && i < n1 * n2; i++)
        if (!(fabsf(values[i]) <= limit))
            dpm_blob_reject(blob);
    return values;
}

/* The same into memory that is there. */
static void get_floats(struct dpm_blob *blob, float *out, size_t n1, size_t n2, float limit)
{
    float *values = get_limited(blob, n1, n2, limit);
    if (values)
        memcpy(out, values, n1 * n2 * sizeof *out);
    dpm_free(values);
}

static void get_counts(struct dpm_train_state *state, struct dpm_blob *blob)
{
    double *counts = dpm_blob_get_f64s(blob, state->n_parts, state->columns);
    if (counts)
        memcpy(state->counts, counts, state->n_parts * state->columns * sizeof *counts);
    dpm_free(counts);
    if (!state->classes)
        return;
    /* Before the counts all weights are zero. */
    double *weights = state->stage == DPM_TRAIN_NEW
                          ? dpm_blob_get_f64s(blob, state->n_parts, state->classes)
                          : dpm_train_get_class_weights(blob, state->n_parts, state->classes);
    if (weights)
        memcpy(state->class_weights, weights, state->n_parts * state->classes * sizeof *weights);
    dpm_free(weights);
}

void dpm_train_state_get(struct dpm_train_state *state, struct dpm_blob *blob)
{
    /* Adam's are means of gradients and of their squares: larger ones could make a weight that is no number.
     */
    const float any = 3.4e38f, mean = 2 * DPM_NN_GRADIENT_LIMIT, mean_square = mean * DPM_NN_GRADIENT_LIMIT;
    size_t parts = state->n_parts, n = state->n_weights;
    expect(blob, dpm_blob_get_u64(blob), parts);
    expect(blob, dpm_blob_get_u64(blob), n);
    expect(blob, dpm_blob_get_u64(blob), state->classes);
    expect(blob, dpm_blob_get_u64(blob), state->steps);
    expect(blob, dpm_blob_get_u32(blob), state->second != NULL);
    expect(blob, dpm_blob_get_u32(blob), state->average != NULL);
    state->stage = (int)dpm_blob_get_size(blob, DPM_TRAIN_NEW, DPM_TRAIN_DONE);
    state->step = dpm_blob_get_size(blob, 0, state->steps);
    state->clip_norm = dpm_blob_get_f64(blob);
    if ((state->stage == DPM_TRAIN_NEW && state->step > 0) ||
        (state->stage == DPM_TRAIN_DONE && state->step < state->steps) || !(state->clip_norm > 0) ||
        !isfinite(state->clip_norm))
        dpm_blob_reject(blob);
    get_counts(state, blob);
    get_floats(blob, state->weights, parts, n, DPM_NN_WEIGHT_LIMIT);
    get_floats(blob, state->first, parts, n, state->second ? mean : any);
    if (state->second)
        get_floats(blob, state->second, parts, n, mean_square);
    if (state->average)
        get_floats(blob, state->average, parts, n, DPM_NN_WEIGHT_LIMIT);
    for (size_t k = 0; k < parts; k++) {
        double variance = dpm_blob_get_f64(blob);
        if (!(variance >= 0 && isfinite(variance)))
            dpm_blob_reject(blob);
        state->tracks[k].variance = variance;
        state->tracks[k].steps = state->step;
    }
}

/* ---- Models ---- */

float *dpm_train_get_weights(struct dpm_blob *blob, size_t n_parts, size_t n_weights)
{
    return get_limited(blob, n_parts, n_weights, DPM_NN_WEIGHT_LIMIT);
}

int32_t dpm_train_draw_class(const double *weights, size_t classes, double uniform)
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

/* Each part's weights must be as the engine makes them. */
double *dpm_train_get_class_weights(struct dpm_blob *blob, size_t n_parts, size_t classes)
{
    double *weights = dpm_blob_get_f64s(blob, n_parts, classes);
    for (size_t k = 0; weights && k < n_parts; k++) {
        double sum = 0;
        for (size_t c = 0; c < classes; c++) {
            if (!(weights[k * classes + c] >= 0 && weights[k * classes + c] <= 1))
                dpm_blob_reject(blob);
            sum += weights[k * classes + c];
        }
        if (!(fabs(sum - 1) <= 1e-6))
            dpm_blob_reject(blob);
    }
    return weights;
}
