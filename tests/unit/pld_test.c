/* SPDX-License-Identifier: BSD-3-Clause */
/* Losses on a grid: where the contour integral converges too slowly. */
#include "account_curve.h"
#include "account_exact.h"
#include "account_fft.h"
#include "account_gauss.h"
#include "account_pld.h"
#include "account_rdp.h"

#include "tiny_events.h"

#include <math.h>

#define TOLERANCE 1e-8

/* Few runs at tiny rates, or a mixture of laws with atoms and no plain Gaussian. Compilers differ in the
 * order of arguments, so numbers are drawn before. */
static size_t hard_events(struct dpm_event *events)
{
    if (uniform(0, 1) < 0.5) {
        double count = log_uniform(2, 300), rate = log_uniform(1e-6, 1e-3), noise = log_uniform(0.3, 3);
        events[0] = event(DPM_EVENT_SUBSAMPLED_GAUSSIAN, noise, rate, count);
        return 1;
    }
    static const int kind[] = {DPM_EVENT_LAPLACE, DPM_EVENT_GEOMETRIC, DPM_EVENT_SUBSAMPLED_LAPLACE,
                               DPM_EVENT_RANDOMIZED_RESPONSE};
    for (size_t i = 0; i < 2; i++) {
        double count = log_uniform(2, 100), rate = log_uniform(1e-3, 0.5), noise = log_uniform(2, 40);
        events[i] = event(kind[(size_t)uniform(0, 4)], noise, rate, count);
    }
    return 2;
}

START_TEST(the_transform_is_fouriers)
{
    enum { N = 64 };
    struct dpm_account_fft fft;
    double data[2 * N], copy[2 * N];
    ck_assert_int_eq(dpm_account_fft_new(&fft, N), DPMIX_OK);
    for (int i = 0; i < 2 * N; i++)
        copy[i] = data[i] = uniform(-1, 1);
    dpm_account_fft_forward(&fft, data);
    for (int p = 0; p < N; p++) {
        int k = 0;
        double re = 0.0, im = 0.0;
        for (int bit = 1; bit < N; bit *= 2)
            k = 2 * k + ((p & bit) != 0);
        for (int j = 0; j < N; j++) {
            double angle = -2.0 * 3.14159265358979323846 * (j * k % N) / N;
            re += copy[2 * j] * cos(angle) - copy[2 * j + 1] * sin(angle);
            im += copy[2 * j] * sin(angle) + copy[2 * j + 1] * cos(angle);
        }
        ck_assert(fabs(data[2 * p] - re) < 1e-12 && fabs(data[2 * p + 1] - im) < 1e-12);
    }
    dpm_account_fft_inverse(&fft, data);
    for (int i = 0; i < 2 * N; i++)
        ck_assert(fabs(data[i] - copy[i]) < 1e-14);
    dpm_account_fft_free(&fft);
}
END_TEST

static double upper_tail(double x)
{
    return 0.5 * erfc(x * 0.70710678118654752);
}

/* P(A) - exp(epsilon) Q(A) of one run, A the outcomes with a loss above epsilon, which may be negative. */
static double one_run(double epsilon, double q, double s)
{
    double y = expm1(epsilon) / q, t = y > -1.0 ? s * log1p(y) + 0.5 / s : -40.0;
    return (1.0 - q) * upper_tail(t) + q * upper_tail(t - 1.0 / s) - exp(epsilon) * upper_tail(t);
}

/* Two runs: the mean over the first one's loss. */
static double two_runs(double epsilon, double q, double s)
{
    double step = 0.002, sum = 0.0;
    for (double t = -12.0; t < 1.0 / s + 12.0; t += step) {
        double loss = log1p(q * expm1((t - 0.5 / s) / s)), other = t - 1.0 / s;
        double p = (1.0 - q) * exp(-0.5 * t * t) + q * exp(-0.5 * other * other);
        sum += p * 0.39894228040143268 * step * one_run(epsilon - loss, q, s);
    }
    return sum;
}

START_TEST(two_runs_cost_what_an_integral_says)
{
    for (int i = 0; i < 6; i++) {
        double q = log_uniform(1e-4, 0.2), s = log_uniform(0.5, 2), delta = q * log_uniform(1e-7, 1e-2),
               epsilon, excess;
        struct dpm_law law = {DPM_SHAPE_MIXTURE, 1, q, s, 2.0, INFINITY};
        struct dpm_laws laws = {.n = 1, .law = &law};
        ck_assert_int_eq(dpm_account_pld_epsilon(&epsilon, &excess, &laws, DPM_LOSS_REMOVE, log(delta)),
                         DPMIX_OK);
        double truth = two_runs(epsilon, q, s);
        ck_assert_msg(truth <= delta * (1.0 + 1e-9) && truth >= delta * (1.0 - 1e-3), "%g %g %g: %.12g", q, s,
                      delta, truth);
    }
}
END_TEST

START_TEST(the_curve_is_monotone)
{
    for (int i = 0; i < 8; i++) {
        struct dpm_event events[2];
        size_t n = hard_events(events);
        check_monotone(events, n, n - 1, log_uniform(1e-12, 1e-4), 1.02, 1.0 + TOLERANCE);
    }
}
END_TEST

START_TEST(delta_and_epsilon_are_inverse)
{
    for (int i = 0; i < 10; i++) {
        struct dpm_event events[2];
        size_t n = hard_events(events);
        double epsilon = epsilon_of(events, n, log_uniform(1e-12, 1e-4)), delta;
        if (!(epsilon > 0.0))
            continue;
        ck_assert_int_eq(dpm_account_exact_delta(&delta, events, n, 1, 1, epsilon, NULL), DPMIX_OK);
        double back = epsilon_of(events, n, delta);
        ck_assert_msg(fabs(back - epsilon) <= TOLERANCE * epsilon, "%d %d:%g:%g %.12g %.12g", (int)n,
                      events[0].kind, events[0].noise_multiplier, events[0].sampling_rate, epsilon, back);
    }
}
END_TEST

/* Near the border of what the integral can do it may serve one way, and the grid the other. */
START_TEST(a_way_back_by_the_other_method_is_within_the_excess)
{
    struct dpm_event some =
        event(DPM_EVENT_SUBSAMPLED_GAUSSIAN, 2.9166838964830593, 8.6159422025052758e-06, 27);
    double epsilon = 6.5172694300392995e-05, delta, back, excess, excess_back;
    ck_assert_int_eq(dpm_account_exact_delta(&delta, &some, 1, 1, 1, epsilon, &excess), DPMIX_OK);
    ck_assert_int_eq(dpm_account_exact_epsilon(&back, &some, 1, 1, 1, delta, &excess_back), DPMIX_OK);
    ck_assert(back >= epsilon * (1 - TOLERANCE));
    ck_assert_msg(back <= epsilon * (1 + TOLERANCE + excess + excess_back), "%.12g: %g %g", back, excess,
                  excess_back);
}
END_TEST

/* The density of a large mu would take the grid hours: it leaves the answer to other bounds. */
START_TEST(a_large_mu_is_not_followed_for_hours)
{
    struct dpm_event some[] = {event(DPM_EVENT_GAUSSIAN, 1e-5, 1, 1),
                               event(DPM_EVENT_SUBSAMPLED_GAUSSIAN, 0.75, 7.5e-8, 2000)};
    double delta = NAN, mean = 5e9;
    ck_assert_int_eq(dpm_account_exact_delta(&delta, some, 2, DPMIX_ADJACENCY_ADD_REMOVE, 1, mean, NULL),
                     DPMIX_OK);
    ck_assert(delta >= 0.5 && delta <= 1);
}
END_TEST

START_TEST(the_renyi_bound_is_never_lower)
{
    for (int i = 0; i < 10; i++) {
        double epsilon, delta = log_uniform(1e-14, 1e-3);
        double count = log_uniform(2, 1000), rate = log_uniform(1e-6, 1e-3), noise = log_uniform(0.3, 30);
        struct dpm_event some = event(DPM_EVENT_SUBSAMPLED_GAUSSIAN, noise, rate, count);
        ck_assert_int_eq(dpm_account_exact_epsilon(&epsilon, &some, 1, 1, 1, delta, NULL), DPMIX_OK);
        ck_assert(epsilon <= dpm_account_rdp_epsilon(&some, 1, delta) * (1.0 + 1e-6));
    }
}
END_TEST

START_TEST(every_failed_allocation_is_survived)
{
    struct dpm_event some = event(DPM_EVENT_SUBSAMPLED_GAUSSIAN, 1.15, 2e-3, 2);
    check_allocations(&some, 1, DPMIX_ADJACENCY_REPLACE_ONE, 2e-4, 6);
}
END_TEST

static Suite *pld_suite(void)
{
    Suite *suite = suite_create("pld");
    seed = 7;
    CHECK_ADD(suite, the_transform_is_fouriers);
    CHECK_ADD(suite, two_runs_cost_what_an_integral_says);
    CHECK_ADD(suite, the_curve_is_monotone);
    CHECK_ADD(suite, delta_and_epsilon_are_inverse);
    CHECK_ADD(suite, a_way_back_by_the_other_method_is_within_the_excess);
    CHECK_ADD(suite, a_large_mu_is_not_followed_for_hours);
    CHECK_ADD(suite, the_renyi_bound_is_never_lower);
    CHECK_ADD(suite, every_failed_allocation_is_survived);
    return suite;
}

CHECK_MAIN(pld_suite)
