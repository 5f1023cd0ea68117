/* SPDX-License-Identifier: BSD-3-Clause */
/* The restricted Boltzmann machine against naive twins in double: conditional distributions and contrastive
 * divergence row by row, and on machines small enough to go through all states the gradient of the likelihood
 * itself. */
#include "check_main.h"
#include "nn_rbm.h"

#include <math.h>
#include <stdint.h>
#include <string.h>

enum { COLUMNS = 5, CLASSES = 3, HIDDEN = 4, V = COLUMNS + CLASSES + 1, H = HIDDEN + 1, WEIGHTS = V * H };
enum { MOST_ROWS = 24, MOST_STEPS = 3, MOST_DRAWS = MOST_STEPS * (HIDDEN + COLUMNS + 1) };

/* Numbers in [0, 1) of a fixed sequence. */
static float next_uniform(uint64_t *state)
{
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return (float)(*state >> 40) * 0x1p-24f;
}

static struct dpm_nn_rbm machine(size_t classes, float deviation)
{
    return (struct dpm_nn_rbm){
        .columns = COLUMNS, .classes = classes, .hidden = HIDDEN, .deviation = deviation};
}

static void fill_weights(float *weights, size_t n, float scale)
{
    uint64_t state = 5;
    for (size_t i = 0; i < n; i++)
        weights[i] = scale * (next_uniform(&state) - 0.5f);
}

/* ---- The twin: one row, in double ---- */

struct twin {
    const struct dpm_nn_rbm *rbm;
    const float *weights;
    size_t n_visible, n_hidden; /* with the units of the biases */
};

static struct twin twin_of(const struct dpm_nn_rbm *rbm, const float *weights)
{
    return (struct twin){rbm, weights, dpm_nn_rbm_visible(rbm), dpm_nn_rbm_hidden(rbm)};
}

static const double unit = (double)DPM_NN_RBM_UNIT;

static double logistic(double x)
{
    return 1 / (1 + exp(-x));
}

static void twin_fill(const struct twin *t, const float *row, int32_t label, double *v)
{
    for (size_t j = 0; j < t->rbm->columns; j++)
        v[j] = (double)row[j] / (t->rbm->deviation > 0 ? (double)t->rbm->deviation : 1);
    for (size_t c = 0; c < t->rbm->classes; c++)
        v[t->rbm->columns + c] = (size_t)label == c ? (double)DPM_NN_RBM_LABEL : 0;
    v[t->n_visible - 1] = 1;
}

static void twin_up(const struct twin *t, const double *v, double *h)
{
    for (size_t j = 0; j < t->rbm->hidden; j++) {
        double sum = 0;
        for (size_t i = 0; i < t->n_visible; i++)
            sum += v[i] * (double)t->weights[i * t->n_hidden + j];
        h[j] = unit * (logistic(unit * sum) - 0.5);
    }
    h[t->n_hidden - 1] = (double)DPM_NN_RBM_BIAS;
}

static void twin_down(const struct twin *t, const double *h, double *v)
{
    double total = 0;
    size_t columns = t->rbm->columns;
    for (size_t i = 0; i + 1 < t->n_visible; i++) {
        double sum = 0;
        for (size_t j = 0; j < t->n_hidden; j++)
            sum += h[j] * (double)t->weights[i * t->n_hidden + j];
        v[i] = t->rbm->deviation > 0 ? sum : logistic(sum);
        if (i >= columns)
            total += v[i] = exp((double)DPM_NN_RBM_LABEL * sum);
    }
    for (size_t c = 0; c < t->rbm->classes; c++)
        v[columns + c] *= (double)DPM_NN_RBM_LABEL / total;
    v[t->n_visible - 1] = 1;
}

static void twin_draw_hidden(const struct twin *t, const float *draws, double *h)
{
    for (size_t j = 0; j < t->rbm->hidden; j++)
        h[j] = unit * ((double)draws[j] < h[j] / unit + 0.5 ? 0.5 : -0.5);
}

static void twin_draw_visible(const struct twin *t, const float *draws, double *v)
{
    size_t columns = t->rbm->columns, classes = t->rbm->classes, drawn = 0;
    for (size_t j = 0; j < columns; j++) {
        int on = (double)draws[j] < v[j];
        v[j] = t->rbm->deviation > 0 ? v[j] + (double)draws[j] : on;
    }
    if (classes == 0)
        return;
    for (double below = v[columns];
         drawn + 1 < classes && below <= (double)draws[columns] * (double)DPM_NN_RBM_LABEL;)
        below += v[columns + ++drawn];
    for (size_t c = 0; c < classes; c++)
        v[columns + c] = c == drawn ? (double)DPM_NN_RBM_LABEL : 0;
}

/* -(v h' - v~ h~') */
static void twin_gradient(const struct twin *t, int steps, const float *row, int32_t label,
                          const float *draws, double *gradient)
{
    double v[V], h[H], chain[V], chain_h[H];
    twin_fill(t, row, label, v);
    twin_up(t, v, h);
    memcpy(chain_h, h, sizeof h);
    for (int step = 0; step < steps; step++) {
        twin_draw_hidden(t, draws, chain_h);
        draws += t->rbm->hidden;
        twin_down(t, chain_h, chain);
        twin_draw_visible(t, draws, chain);
        draws += dpm_nn_rbm_visible_draws(t->rbm);
        twin_up(t, chain, chain_h);
    }
    for (size_t i = 0; i < t->n_visible; i++)
        for (size_t j = 0; j < t->n_hidden; j++)
            gradient[i * t->n_hidden + j] = chain[i] * chain_h[j] - v[i] * h[j];
}

/* ---- Contributions ---- */

struct rows {
    float values[MOST_ROWS * COLUMNS], draws[MOST_ROWS * MOST_DRAWS];
    int32_t labels[MOST_ROWS];
    float left[MOST_ROWS * 2 * V], right[MOST_ROWS * 2 * H];
};

static void fill_rows(struct rows *rows, const struct dpm_nn_rbm *rbm, int steps)
{
    uint64_t state = 11;
    size_t n_draws = dpm_nn_rbm_gradient_draws(rbm, steps);
    ck_assert_uint_le(n_draws, MOST_DRAWS);
    for (size_t i = 0; i < MOST_ROWS * COLUMNS; i++)
        rows->values[i] = next_uniform(&state);
    for (size_t i = 0; i < MOST_ROWS; i++)
        rows->labels[i] = (int32_t)(i % CLASSES);
    for (size_t i = 0; i < MOST_ROWS * n_draws; i++)
        rows->draws[i] = next_uniform(&state);
}

/* A row's product of factors. */
static void multiply(const struct twin *t, const struct rows *rows, size_t i, double *out)
{
    for (size_t a = 0; a < t->n_visible; a++)
        for (size_t b = 0; b < t->n_hidden; b++) {
            out[a * t->n_hidden + b] = 0;
            for (size_t k = 2 * i; k < 2 * i + 2; k++)
                out[a * t->n_hidden + b] +=
                    (double)rows->left[k * t->n_visible + a] * (double)rows->right[k * t->n_hidden + b];
        }
}

static const struct {
    size_t classes;
    float deviation;
    int steps;
} kinds[] = {{0, 0, 1}, {CLASSES, 0, 1}, {CLASSES, 0, 3}, {0, 0.5f, 1}, {CLASSES, 0.5f, 2}};
enum { KINDS = sizeof kinds / sizeof *kinds };

START_TEST(contributions_are_contrastive_divergences)
{
    static struct rows rows;
    struct dpm_nn_rbm rbm = machine(kinds[_i].classes, kinds[_i].deviation);
    int steps = kinds[_i].steps;
    float weights[WEIGHTS];
    double product[WEIGHTS], expected[WEIGHTS];
    fill_weights(weights, WEIGHTS, 1);
    fill_rows(&rows, &rbm, steps);
    dpm_nn_rbm_gradient(&rbm, weights, steps, MOST_ROWS, rows.values, rows.labels, rows.draws, rows.left,
                        rows.right);
    struct twin twin = twin_of(&rbm, weights);
    ck_assert_uint_eq(dpm_nn_rbm_size(&rbm), twin.n_visible * twin.n_hidden);
    for (size_t i = 0; i < MOST_ROWS; i++) {
        multiply(&twin, &rows, i, product);
        twin_gradient(&twin, steps, rows.values + i * COLUMNS, rows.labels[i],
                      rows.draws + i * dpm_nn_rbm_gradient_draws(&rbm, steps), expected);
        for (size_t w = 0; w < twin.n_visible * twin.n_hidden; w++)
            ck_assert_double_le(fabs(product[w] - expected[w]), 2e-4);
        ck_assert(product[twin.n_visible * twin.n_hidden - 1] == 0); /* the corner */
    }
}
END_TEST

START_TEST(rows_have_the_same_bits_in_any_company)
{
    static struct rows all, alone;
    struct dpm_nn_rbm rbm = machine(kinds[_i].classes, kinds[_i].deviation);
    int steps = kinds[_i].steps;
    float weights[WEIGHTS];
    fill_weights(weights, WEIGHTS, 1);
    fill_rows(&all, &rbm, steps);
    dpm_nn_rbm_gradient(&rbm, weights, steps, MOST_ROWS, all.values, all.labels, all.draws, all.left,
                        all.right);
    size_t left = 2 * dpm_nn_rbm_visible(&rbm), right = 2 * dpm_nn_rbm_hidden(&rbm);
    for (size_t first = 0; first < MOST_ROWS; first++)
        for (size_t n = 1; first + n <= MOST_ROWS && n <= 5; n++) {
            dpm_nn_rbm_gradient(&rbm, weights, steps, n, all.values + first * COLUMNS, all.labels + first,
                                all.draws + first * dpm_nn_rbm_gradient_draws(&rbm, steps), alone.left,
                                alone.right);
            ck_assert_mem_eq(alone.left, all.left + first * left, n * left * sizeof(float));
            ck_assert_mem_eq(alone.right, all.right + first * right, n * right * sizeof(float));
        }
}
END_TEST

/* ---- The likelihood of a small machine, by all its states ---- */

enum { STATES = 1 << COLUMNS };

/* log sum_h exp(-energy) of a visible line. */
static double twin_log_weight(const struct twin *t, const double *v)
{
    double sum = 0;
    for (size_t j = 0; j < t->n_hidden; j++) {
        double field = 0;
        for (size_t i = 0; i < t->n_visible; i++)
            field += (i + 1 < t->n_visible || j + 1 < t->n_hidden)
                         ? v[i] * (double)t->weights[i * t->n_hidden + j]
                         : 0;
        if (j + 1 < t->n_hidden)
            sum += log(exp(unit * field / 2) + exp(-unit * field / 2));
        else
            sum += (double)DPM_NN_RBM_BIAS * field;
    }
    return sum;
}

/* Visible line of state number s: bits, then the class. */
static void twin_state(const struct twin *t, size_t s, double *v)
{
    float row[COLUMNS];
    for (size_t j = 0; j < COLUMNS; j++)
        row[j] = (float)(s >> j & 1);
    twin_fill(t, row, (int32_t)(s / STATES), v);
}

static double twin_log_likelihood(const struct twin *t, size_t observed)
{
    double v[V], total = 0, own = 0;
    size_t states = STATES * (t->rbm->classes ? t->rbm->classes : 1);
    for (size_t s = 0; s < states; s++) {
        twin_state(t, s, v);
        double weight = twin_log_weight(t, v);
        total += exp(weight);
        own = s == observed ? weight : own;
    }
    return own - log(total);
}

/* Size of a weight's pair of units: the weight of units of size 1 would be the weight times this. */
static double pair_size(const struct twin *t, size_t w)
{
    size_t i = w / t->n_hidden, j = w % t->n_hidden;
    double size = j + 1 < t->n_hidden ? unit : (double)DPM_NN_RBM_BIAS;
    return i >= t->rbm->columns && i + 1 < t->n_visible ? size * (double)DPM_NN_RBM_LABEL : size;
}

/* After many steps the mean update is the gradient of the log-likelihood, by central differences, up to the
 * spread of a mean of so many draws. */
START_TEST(long_chains_follow_the_likelihood)
{
    enum { ROUNDS = 4000, STEPS = 12, DRAWS = STEPS * (HIDDEN + COLUMNS + 1) };
    static float draws[MOST_ROWS * DRAWS], left[MOST_ROWS * 2 * V], right[MOST_ROWS * 2 * H];
    struct dpm_nn_rbm rbm = machine(_i ? CLASSES : 0, 0);
    float weights[WEIGHTS], values[MOST_ROWS * COLUMNS];
    int32_t labels[MOST_ROWS];
    double mean[WEIGHTS] = {0}, dot = 0, squares = 0, exact_squares = 0;
    uint64_t state = 3;
    const size_t observed = 11 + (_i ? 2 * STATES : 0);
    struct twin twin = twin_of(&rbm, weights);
    size_t n = twin.n_visible * twin.n_hidden, n_draws = dpm_nn_rbm_gradient_draws(&rbm, STEPS);
    fill_weights(weights, n, 2);
    for (size_t w = 0; w < n; w++)
        weights[w] /= (float)pair_size(&twin, w);
    for (size_t i = 0; i < MOST_ROWS; i++) {
        labels[i] = 2;
        for (size_t j = 0; j < COLUMNS; j++)
            values[i * COLUMNS + j] = (float)(observed >> j & 1);
    }
    for (int round = 0; round < ROUNDS / MOST_ROWS; round++) {
        for (size_t i = 0; i < MOST_ROWS * n_draws; i++)
            draws[i] = next_uniform(&state);
        dpm_nn_rbm_gradient(&rbm, weights, STEPS, MOST_ROWS, values, labels, draws, left, right);
        for (size_t k = 0; k < MOST_ROWS * (size_t)2; k++)
            for (size_t w = 0; w < n; w++)
                mean[w] -= (double)left[k * twin.n_visible + w / twin.n_hidden] *
                           (double)right[k * twin.n_hidden + w % twin.n_hidden] /
                           (ROUNDS / MOST_ROWS * MOST_ROWS);
    }
    for (size_t w = 0; w < n; w++) {
        float saved = weights[w];
        const float step = 0x1p-12f;
        weights[w] = saved + step;
        double above = twin_log_likelihood(&twin, observed);
        weights[w] = saved - step;
        double exact = (above - twin_log_likelihood(&twin, observed)) / (2 * (double)step);
        weights[w] = saved;
        exact /= pair_size(&twin, w);
        mean[w] /= pair_size(&twin, w);
        dot += exact * mean[w];
        squares += mean[w] * mean[w];
        exact_squares += exact * exact;
    }
    ck_assert_double_gt(dot / sqrt(squares * exact_squares), 0.98);
    ck_assert_double_le(fabs(sqrt(squares / exact_squares) - 1), 0.1);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("nn_rbm");
    TCase *rbm = tcase_create("rbm");
    tcase_set_timeout(rbm, 0);
    tcase_add_loop_test(rbm, contributions_are_contrastive_divergences, 0, KINDS);
    tcase_add_loop_test(rbm, rows_have_the_same_bits_in_any_company, 0, KINDS);
    tcase_add_loop_test(rbm, long_chains_follow_the_likelihood, 0, 2);
    suite_add_tcase(s, rbm);
    return s;
}

CHECK_MAIN(suite)
