/* SPDX-License-Identifier: BSD-3-Clause */
/* A restricted Boltzmann machine for numbers in [0, 1] (Smolensky 1986; Hinton 2002, Neural Computation
 * 14(8)), of records alone or of records and their labels (Larochelle and Bengio 2008, ICML): the label is a
 * group of visible units of which one is on.
 *
 * The energy of visible units x (V = columns + classes) and hidden units of states 0 and 1 is
 *
 *     e(x) - (x, 1)' W (U (h - 1/2), B),
 *
 * W being one row-major (V + 1) x (H + 1) matrix: its last row holds the biases of the hidden units, its
 * last column those of the visible ones, and the corner counts for nothing.
 *
 *     Bernoulli   x is a record of bits, or of probabilities of bits; e = 0
 *     Gaussian    x is the record over a fixed deviation; e(x) = |x|^2 / 2
 *     label       L for the class and 0 for the others; e = 0
 *
 * Below, "visible" and "hidden" lines hold (x, 1) and (U (h - 1/2), B), V + 1 and H + 1 numbers.
 *
 * The sizes U, B and L change nothing in what distributions there are, but what a step of gradient descent
 * does that treats all weights alike, as Adam does, and how much of a record's gradient goes where before it
 * is clipped. With states of mean near zero the gradient has no part in it that is due to units that are
 * mostly on (Montavon and Mueller 2012). A weight moves a hidden unit's input together with hundreds of
 * others, so steps must be small; a visible unit has one bias; the label is one unit among hundreds.
 *
 * All functions are row-pure (nn_dense.h). */
#ifndef DPM_NN_RBM_H
#define DPM_NN_RBM_H

#include <stddef.h>
#include <stdint.h>

#define DPM_NN_RBM_UNIT 0.1875f /* U */
#define DPM_NN_RBM_BIAS 3.0f    /* B */
#define DPM_NN_RBM_LABEL 20.0f  /* L */

struct dpm_nn_rbm {
    size_t columns, classes, hidden; /* classes 0: no labels */
    float deviation;                 /* of Gaussian visible units; 0: Bernoulli */
};

/* Number of weights; 0 when it overflows. */
size_t dpm_nn_rbm_size(const struct dpm_nn_rbm *rbm);

/* Sides of W: V + 1 and H + 1. */
size_t dpm_nn_rbm_visible(const struct dpm_nn_rbm *rbm);
size_t dpm_nn_rbm_hidden(const struct dpm_nn_rbm *rbm);

/* Starting weights from one standard normal each: deviation 0.01 / U (Hinton 2012, A practical guide to
 * training restricted Boltzmann machines, section 8), biases zero. `normals` may be `weights`. */
void dpm_nn_rbm_start(const struct dpm_nn_rbm *rbm, float *weights, const float *normals);

/* ---- The steps of a chain, for n lines a given stride apart ---- */

/* The label part of visible lines. */
void dpm_nn_rbm_clamp(const struct dpm_nn_rbm *rbm, size_t n, const int32_t *labels, float *visible,
                      size_t stride);

/* Hidden lines of the means given the visible units, and the other way round. */
void dpm_nn_rbm_up(const struct dpm_nn_rbm *rbm, const float *weights, size_t n, const float *visible,
                   size_t visible_stride, float *hidden, size_t hidden_stride);
void dpm_nn_rbm_down(const struct dpm_nn_rbm *rbm, const float *weights, size_t n, const float *hidden,
                     size_t hidden_stride, float *visible, size_t visible_stride);

/* Draws from the distributions whose means the lines hold, in place. `draws` has for each line, draws_stride
 * apart, one uniform number in [0, 1) for each hidden unit; or one for each column, but a standard normal
 * where they are Gaussian, and then one uniform number for the label, where there are classes. */
void dpm_nn_rbm_draw_hidden(const struct dpm_nn_rbm *rbm, size_t n, const float *draws, size_t draws_stride,
                            float *hidden, size_t stride);
void dpm_nn_rbm_draw_visible(const struct dpm_nn_rbm *rbm, size_t n, const float *draws, size_t draws_stride,
                             float *visible, size_t stride);

/* How many draw_visible needs for each line. */
size_t dpm_nn_rbm_visible_draws(const struct dpm_nn_rbm *rbm);

/* Records in [0, 1] (Gaussian ones may be outside) of visible lines. */
void dpm_nn_rbm_records(const struct dpm_nn_rbm *rbm, size_t n, const float *visible, size_t stride,
                        float *rows);

/* ---- Contrastive divergence ---- */

/* Random numbers that dpm_nn_rbm_gradient needs for each row: for each step those of the hidden units, then
 * those of the visible ones. */
size_t dpm_nn_rbm_gradient_draws(const struct dpm_nn_rbm *rbm, int steps);

/* The negative of the contrastive divergence's update for n rows, as factors of rank 2: left, (2 n) x (V +
 * 1), and right, (2 n) x (H + 1). From the row, a chain goes `steps` times to hidden states and back to
 * visible states, all of them drawn. With the visible lines v of the row and v~ of the chain's end, and the
 * hidden lines h and h~ of the means given them, the update is
 *
 *     v h' - v~ h~' = v (h - h~)' + (v - v~) h~'.
 *
 * The second form's factors become small together with their sum. */
void dpm_nn_rbm_gradient(const struct dpm_nn_rbm *rbm, const float *weights, int steps, size_t n,
                         const float *rows, const int32_t *labels, const float *draws, float *left,
                         float *right);

#endif
