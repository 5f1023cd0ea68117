/* SPDX-License-Identifier: BSD-3-Clause */
/* The optimisers against the published formulas, computed here one number at a time and in double. */
#include "check_main.h"
#include "nn_optim.h"

#include <math.h>
#include <string.h>

enum { N = 37, STEPS = 60 }; /* no multiple of a vector's length */

static const struct dpm_nn_optim usual = {
    .kind = DPMIX_OPTIMIZER_ADAM,
    .momentum = 0.9,
    .second_moment = 0.999,
    .rate = 0.1,
    .schedule = DPMIX_RATE_CONSTANT,
};

struct memory {
    float weights[N], first[N], second[N], average[N], gradient[N];
    struct dpm_nn_track track;
};

static void open_memory(struct memory *memory)
{
    memset(memory, 0, sizeof *memory);
    memory->track = (struct dpm_nn_track){
        .n = N,
        .weights = memory->weights,
        .first = memory->first,
        .second = memory->second,
        .average = memory->average,
    };
    for (int i = 0; i < N; i++)
        memory->weights[i] = (float)(i - 18) / 9;
}

/* Gradients of many sizes that change from step to step. */
static double gradient(int i, int step)
{
    return ldexp(sin(1.3 * i + 0.7 * step) + 0.2, i % 21 - 12);
}

/* ---- The formulas ---- */

struct reference {
    double weights[N], first[N], second[N], average[N];
};

/* As in the pseudocode of torch.optim.SGD (dampening 0, no Nesterov), Adam and AdamW; the subtraction is
 * that of DP-AdamBC, with a floor in proportion to the variance. */
static void reference_step(struct reference *r, const struct dpm_nn_optim *optim, int t, double variance)
{
    double b1 = optim->momentum, b2 = optim->second_moment;
    for (int i = 0; i < N; i++) {
        double g = (double)(float)gradient(i, t);
        if (optim->kind == DPMIX_OPTIMIZER_SGD) {
            r->first[i] = b1 * r->first[i] + g;
            r->weights[i] -= optim->rate * r->first[i];
        } else {
            if (optim->kind == DPMIX_OPTIMIZER_ADAMW)
                r->weights[i] -= optim->rate * optim->weight_decay * r->weights[i];
            r->first[i] = b1 * r->first[i] + (1 - b1) * g;
            r->second[i] = b2 * r->second[i] + (1 - b2) * g * g;
            double m = r->first[i] / (1 - pow(b1, t)), v = r->second[i] / (1 - pow(b2, t));
            if (optim->correction)
                v = fmax(v - variance, DPM_NN_CORRECTION_FLOOR * variance);
            r->weights[i] -= optim->rate * m / (sqrt(v) + 1e-8);
        }
        r->average[i] = optim->averaging * r->average[i] + (1 - optim->averaging) * r->weights[i];
    }
}

static void compare(const struct dpm_nn_optim *optim, double variance, double tolerance)
{
    static struct memory memory;
    static struct reference r;
    float average[N];
    open_memory(&memory);
    memset(&r, 0, sizeof r);
    for (int i = 0; i < N; i++)
        r.weights[i] = (double)memory.weights[i];
    for (int t = 1; t <= STEPS; t++) {
        for (int i = 0; i < N; i++)
            memory.gradient[i] = (float)gradient(i, t);
        dpm_nn_optim_step(optim, &memory.track, memory.gradient, optim->rate, variance);
        reference_step(&r, optim, t, variance);
        dpm_nn_optim_average(optim, &memory.track, average);
        for (int i = 0; i < N; i++) {
            double scale = tolerance * (1 + fabs(r.weights[i]));
            ck_assert_double_eq_tol((double)memory.weights[i], r.weights[i], scale);
            ck_assert_double_eq_tol((double)average[i], r.average[i] / (1 - pow(optim->averaging, t)), scale);
        }
    }
    ck_assert_uint_eq(memory.track.steps, STEPS);
}

START_TEST(sgd_is_the_formula)
{
    struct dpm_nn_optim optim = usual;
    optim.kind = DPMIX_OPTIMIZER_SGD;
    optim.rate = 1e-3;
    optim.averaging = 0.97;
    compare(&optim, 0, 1e-5);
    optim.momentum = 0;
    compare(&optim, 0, 1e-5);
}
END_TEST

START_TEST(adam_is_the_formula)
{
    struct dpm_nn_optim optim = usual;
    optim.averaging = 0.9;
    optim.weight_decay = 0.5; /* not Adam's */
    compare(&optim, 0, 3e-5);
    optim.momentum = 0;
    optim.second_moment = 0.95;
    compare(&optim, 0, 3e-5);
}
END_TEST

START_TEST(adamw_decays_the_weights)
{
    struct dpm_nn_optim optim = usual;
    optim.kind = DPMIX_OPTIMIZER_ADAMW;
    optim.weight_decay = 0.3;
    optim.averaging = 0.5;
    compare(&optim, 0, 3e-5);
}
END_TEST

/* Variances that most weights' gradients are below, some at, and a few above. */
START_TEST(correction_subtracts_the_noise_down_to_the_floor)
{
    const double variances[] = {0, 1e-6, 1e-2, 4};
    struct dpm_nn_optim optim = usual;
    optim.correction = 1;
    optim.averaging = 0.5;
    compare(&optim, variances[_i], 2e-3); /* the difference of near numbers loses digits */
    optim.kind = DPMIX_OPTIMIZER_ADAMW;
    optim.weight_decay = 0.1;
    compare(&optim, variances[_i], 2e-3);
}
END_TEST

/* By hand: g = 2 and then -1, rate 0.1, variance 1 and then 3, beta2 0.5. First step: v = 4, less 1: 3.
 * Second: v = (1 + 1/2) / (3/4) = 2, the variance's mean (1/4 + 3/2) / (3/4) = 7/3, so the floor of 0.7/3. */
START_TEST(correction_follows_a_changing_variance)
{
    float weight = 0, first = 0, second = 0;
    struct dpm_nn_track track = {.n = 1, .weights = &weight, .first = &first, .second = &second};
    struct dpm_nn_optim optim = usual;
    optim.correction = 1;
    optim.momentum = 0;
    optim.second_moment = 0.5;
    dpm_nn_optim_step(&optim, &track, &(float){2}, 0.1, 1);
    double expected = -0.2 / sqrt(3);
    ck_assert_double_eq_tol((double)weight, expected, 1e-6);
    dpm_nn_optim_step(&optim, &track, &(float){-1}, 0.1, 3);
    expected += 0.1 / sqrt(DPM_NN_CORRECTION_FLOOR * 7 / 3);
    ck_assert_double_eq_tol((double)weight, expected, 1e-6);
    ck_assert_double_eq_tol(track.variance, 1.75, 1e-12);
}
END_TEST

/* Gradients 2 and then -1, rate 0.1. First step: m = 0.2, v = 0.004, over 0.1 and 0.001, so the step is 0.1.
 * Second: m = 0.18 - 0.1 = 0.08, over 0.19; v = 0.003996 + 0.001 = 0.004996, over 0.001999. */
START_TEST(adam_by_hand)
{
    float weight = 1, first = 0, second = 0;
    struct dpm_nn_track track = {.n = 1, .weights = &weight, .first = &first, .second = &second};
    dpm_nn_optim_step(&usual, &track, &(float){2}, 0.1, 0);
    ck_assert_double_eq_tol((double)weight, 0.9, 1e-6);
    ck_assert_double_eq_tol((double)first, 0.2, 1e-7);
    ck_assert_double_eq_tol((double)second, 0.004, 1e-8);
    dpm_nn_optim_step(&usual, &track, &(float){-1}, 0.1, 0);
    ck_assert_double_eq_tol((double)first, 0.08, 1e-7);
    ck_assert_double_eq_tol((double)second, 0.004996, 1e-8);
    ck_assert_double_eq_tol((double)weight, 0.9 - 0.1 * (0.08 / 0.19) / sqrt(0.004996 / 0.001999), 1e-6);
}
END_TEST

START_TEST(all_stays_finite)
{
    const int kinds[] = {DPMIX_OPTIMIZER_SGD, DPMIX_OPTIMIZER_ADAM, DPMIX_OPTIMIZER_ADAMW};
    static struct memory memory;
    struct dpm_nn_optim optim = usual;
    optim.kind = kinds[_i / 2];
    optim.correction = _i % 2;
    optim.averaging = 0.9;
    optim.weight_decay = 1000;
    open_memory(&memory);
    const float gradients[] = {INFINITY, -INFINITY, NAN, 3e38f, -3e38f, 1e-45f, 1, -1, 0};
    for (int step = 0; step < 50; step++) {
        for (int i = 0; i < N; i++)
            memory.gradient[i] = gradients[i % 9];
        dpm_nn_optim_step(&optim, &memory.track, memory.gradient, 1000, 1e-30);
    }
    for (int i = 0; i < N; i++) {
        ck_assert_float_le(fabsf(memory.weights[i]), DPM_NN_WEIGHT_LIMIT);
        ck_assert(isfinite(memory.first[i]) && isfinite(memory.second[i]));
        ck_assert_float_le(fabsf(memory.average[i]), DPM_NN_WEIGHT_LIMIT);
    }
    ck_assert_float_le(memory.weights[6], -1000); /* a decay comes before the step */
    ck_assert_float_ge(memory.weights[7], 1000);
    ck_assert_float_eq(memory.first[2], 0);
}
END_TEST

/* ---- Schedules ---- */

static void check_rates(const struct dpm_nn_optim *optim, const double *rates, uint64_t steps)
{
    for (uint64_t step = 0; step < steps; step++)
        ck_assert_double_eq_tol(dpm_nn_optim_rate(optim, step, steps), rates[step], 1e-12);
}

START_TEST(rates_by_hand)
{
    struct dpm_nn_optim optim = usual;
    optim.rate = 8;
    check_rates(&optim, (double[]){8, 8, 8, 8, 8}, 5);
    optim.schedule = DPMIX_RATE_LINEAR;
    check_rates(&optim, (double[]){8, 6, 4, 2, 0}, 5);
    optim.rate_end = 0.25;
    check_rates(&optim, (double[]){8, 6.5, 5, 3.5, 2}, 5);
    optim.schedule = DPMIX_RATE_COSINE;
    check_rates(&optim, (double[]){8, 5 + 3 * sqrt(0.5), 5, 5 - 3 * sqrt(0.5), 2}, 5);
    optim.warmup = 0.5; /* 4 of 8 steps */
    check_rates(&optim, (double[]){2, 4, 6, 8, 8, 6.5, 3.5, 2}, 8);
    optim.schedule = DPMIX_RATE_CONSTANT;
    check_rates(&optim, (double[]){2, 4, 6, 8, 8, 8, 8, 8}, 8);
    optim.warmup = 1;
    check_rates(&optim, (double[]){4, 8}, 2);
    optim.schedule = DPMIX_RATE_LINEAR;
    optim.warmup = 0;
    check_rates(&optim, (double[]){8}, 1);
    check_rates(&optim, (double[]){8, 2}, 2);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("optim");
    TCase *steps = tcase_create("steps");
    tcase_add_test(steps, sgd_is_the_formula);
    tcase_add_test(steps, adam_is_the_formula);
    tcase_add_test(steps, adamw_decays_the_weights);
    tcase_add_loop_test(steps, correction_subtracts_the_noise_down_to_the_floor, 0, 4);
    tcase_add_test(steps, correction_follows_a_changing_variance);
    tcase_add_test(steps, adam_by_hand);
    tcase_add_loop_test(steps, all_stays_finite, 0, 6);
    tcase_add_test(steps, rates_by_hand);
    suite_add_tcase(s, steps);
    return s;
}

CHECK_MAIN(suite)
