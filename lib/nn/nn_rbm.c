/* SPDX-License-Identifier: BSD-3-Clause */
#include "nn_rbm.h"
#include "base_alloc.h"
#include "linalg_mat.h"
#include "nn_kernels.h"

#include <string.h>

static const float start_deviation = 0.01f / DPM_NN_RBM_UNIT;

size_t dpm_nn_rbm_visible(const struct dpm_nn_rbm *rbm)
{
    return rbm->columns + rbm->classes + 1;
}

size_t dpm_nn_rbm_hidden(const struct dpm_nn_rbm *rbm)
{
    return rbm->hidden + 1;
}

size_t dpm_nn_rbm_size(const struct dpm_nn_rbm *rbm)
{
    size_t size;
    return dpm_size_mul(&size, dpm_nn_rbm_visible(rbm), dpm_nn_rbm_hidden(rbm)) ? size : 0;
}

void dpm_nn_rbm_start(const struct dpm_nn_rbm *rbm, float *weights, const float *normals)
{
    size_t rows = dpm_nn_rbm_visible(rbm), columns = dpm_nn_rbm_hidden(rbm);
    for (size_t i = 0; i < rows; i++)
        for (size_t j = 0; j < columns; j++) {
            int is_bias = i + 1 == rows || j + 1 == columns;
            weights[i * columns + j] = is_bias ? 0 : start_deviation * normals[i * columns + j];
        }
}

/* ---- Visible lines ---- */

void dpm_nn_rbm_clamp(const struct dpm_nn_rbm *rbm, size_t n, const int32_t *labels, float *visible,
                      size_t stride)
{
    for (size_t i = 0; i < n; i++, visible += stride)
        for (size_t c = 0; c < rbm->classes; c++)
            visible[rbm->columns + c] = (size_t)labels[i] == c ? DPM_NN_RBM_LABEL : 0;
}

/* Visible lines of records (n x columns) and labels (not read when there are no classes). */
static void fill_visible(const struct dpm_nn_rbm *rbm, size_t n, const float *rows, const int32_t *labels,
                         float *visible, size_t stride)
{
    float scale = rbm->deviation > 0 ? 1 / rbm->deviation : 1;
    dpm_nn_rbm_clamp(rbm, n, labels, visible, stride);
    for (size_t i = 0; i < n; i++, rows += rbm->columns, visible += stride) {
        for (size_t j = 0; j < rbm->columns; j++)
            visible[j] = rows[j] * scale;
        visible[rbm->columns + rbm->classes] = 1;
    }
}

void dpm_nn_rbm_records(const struct dpm_nn_rbm *rbm, size_t n, const float *visible, size_t stride,
                        float *rows)
{
    float scale = rbm->deviation > 0 ? rbm->deviation : 1;
    for (size_t i = 0; i < n; i++, rows += rbm->columns, visible += stride)
        for (size_t j = 0; j < rbm->columns; j++)
            rows[j] = visible[j] * scale;
}

/* ---- Means ---- */

void dpm_nn_rbm_up(const struct dpm_nn_rbm *rbm, const float *weights, size_t n, const float *visible,
                   size_t visible_stride, float *hidden, size_t hidden_stride)
{
    size_t inputs = dpm_nn_rbm_visible(rbm), columns = dpm_nn_rbm_hidden(rbm);
    dpm_mat_mul(hidden, hidden_stride, visible, visible_stride, weights, columns, n, rbm->hidden, inputs);
    for (size_t i = 0; i < n; i++, hidden += hidden_stride) {
        for (size_t j = 0; j < rbm->hidden; j++)
            hidden[j] *= DPM_NN_RBM_UNIT;
        dpm_nn_sigmoid(hidden, rbm->hidden);
        for (size_t j = 0; j < rbm->hidden; j++)
            hidden[j] = DPM_NN_RBM_UNIT * (hidden[j] - 0.5f);
        hidden[rbm->hidden] = DPM_NN_RBM_BIAS;
    }
}

/* Logits, which are those of units of size 1, to means of units of size DPM_NN_RBM_LABEL. */
static void label_means(float *values, size_t classes)
{
    float largest = values[0], sum = 0;
    for (size_t c = 1; c < classes; c++)
        largest = values[c] > largest ? values[c] : largest;
    for (size_t c = 0; c < classes; c++)
        values[c] = DPM_NN_RBM_LABEL * (values[c] - largest);
    dpm_nn_exp(values, classes);
    for (size_t c = 0; c < classes; c++)
        sum += values[c];
    for (size_t c = 0; c < classes; c++)
        values[c] *= DPM_NN_RBM_LABEL / sum;
}

void dpm_nn_rbm_down(const struct dpm_nn_rbm *rbm, const float *weights, size_t n, const float *hidden,
                     size_t hidden_stride, float *visible, size_t visible_stride)
{
    size_t outputs = rbm->columns + rbm->classes, inputs = dpm_nn_rbm_hidden(rbm);
    dpm_mat_mul_bt(visible, visible_stride, hidden, hidden_stride, weights, inputs, n, outputs, inputs);
    for (size_t i = 0; i < n; i++, visible += visible_stride) {
        if (rbm->deviation == 0)
            dpm_nn_sigmoid(visible, rbm->columns);
        if (rbm->classes > 0)
            label_means(visible + rbm->columns, rbm->classes);
        visible[outputs] = 1;
    }
}

/* ---- Draws ---- */

void dpm_nn_rbm_draw_hidden(const struct dpm_nn_rbm *rbm, size_t n, const float *draws, size_t draws_stride,
                            float *hidden, size_t stride)
{
    for (size_t i = 0; i < n; i++, draws += draws_stride, hidden += stride)
        for (size_t j = 0; j < rbm->hidden; j++) {
            float threshold = DPM_NN_RBM_UNIT * (draws[j] - 0.5f);
            hidden[j] = threshold < hidden[j] ? 0.5f * DPM_NN_RBM_UNIT : -0.5f * DPM_NN_RBM_UNIT;
        }
}

static void draw_label(float *values, size_t classes, float uniform)
{
    size_t drawn = 0; /* the last one that has weight, where rounding leaves some over */
    float left = uniform * DPM_NN_RBM_LABEL;
    for (size_t c = 0; c < classes && left >= 0; c++) {
        drawn = values[c] > 0 ? c : drawn;
        left -= values[c];
    }
    for (size_t c = 0; c < classes; c++)
        values[c] = c == drawn ? DPM_NN_RBM_LABEL : 0;
}

void dpm_nn_rbm_draw_visible(const struct dpm_nn_rbm *rbm, size_t n, const float *draws, size_t draws_stride,
                             float *visible, size_t stride)
{
    for (size_t i = 0; i < n; i++, draws += draws_stride, visible += stride) {
        if (rbm->deviation > 0)
            for (size_t j = 0; j < rbm->columns; j++)
                visible[j] += draws[j];
        else
            for (size_t j = 0; j < rbm->columns; j++)
                visible[j] = draws[j] < visible[j] ? 1 : 0;
        if (rbm->classes > 0)
            draw_label(visible + rbm->columns, rbm->classes, draws[rbm->columns]);
    }
}

size_t dpm_nn_rbm_visible_draws(const struct dpm_nn_rbm *rbm)
{
    return rbm->columns + (rbm->classes > 0);
}

/* ---- Contrastive divergence ---- */

size_t dpm_nn_rbm_gradient_draws(const struct dpm_nn_rbm *rbm, int steps)
{
    return (size_t)steps * (rbm->hidden + dpm_nn_rbm_visible_draws(rbm));
}

void dpm_nn_rbm_gradient(const struct dpm_nn_rbm *rbm, const float *weights, int steps, size_t n,
                         const float *rows, const int32_t *labels, const float *draws, float *left,
                         float *right)
{
    size_t n_visible = dpm_nn_rbm_visible(rbm), n_hidden = dpm_nn_rbm_hidden(rbm);
    size_t left_stride = 2 * n_visible, right_stride = 2 * n_hidden;
    size_t draws_stride = dpm_nn_rbm_gradient_draws(rbm, steps);
    float *chain = left + n_visible, *chain_hidden = right + n_hidden;

    fill_visible(rbm, n, rows, labels, left, left_stride);
    dpm_nn_rbm_up(rbm, weights, n, left, left_stride, right, right_stride);
    for (size_t i = 0; i < n; i++)
        memcpy(chain_hidden + i * right_stride, right + i * right_stride, n_hidden * sizeof *right);
    for (int step = 0; step < steps; step++) {
        dpm_nn_rbm_draw_hidden(rbm, n, draws, draws_stride, chain_hidden, right_stride);
        draws += rbm->hidden;
        dpm_nn_rbm_down(rbm, weights, n, chain_hidden, right_stride, chain, left_stride);
        dpm_nn_rbm_draw_visible(rbm, n, draws, draws_stride, chain, left_stride);
        draws += dpm_nn_rbm_visible_draws(rbm);
        dpm_nn_rbm_up(rbm, weights, n, chain, left_stride, chain_hidden, right_stride);
    }
    for (size_t i = 0; i < n; i++, left += left_stride, right += right_stride) {
        for (size_t j = 0; j < n_visible; j++)
            left[n_visible + j] = left[j] - left[n_visible + j];
        for (size_t j = 0; j < n_hidden; j++) {
            right[j] = right[n_hidden + j] - right[j];
            right[n_hidden + j] = -right[n_hidden + j];
        }
    }
}
