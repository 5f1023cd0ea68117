/* SPDX-License-Identifier: BSD-3-Clause */
#include "account_curve.h"
#include "account_exact.h"
#include "account_gauss.h"
#include "account_rdp.h"

#include "tiny_events.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { MAX_EVENTS = 8 };

#define TOLERANCE 1e-8

static double delta_of(const struct dpm_event *events, size_t n, double epsilon)
{
    double delta = NAN;
    ck_assert_int_eq(dpm_account_exact_delta(&delta, events, n, DPMIX_ADJACENCY_ADD_REMOVE, 1, epsilon, NULL),
                     DPMIX_OK);
    return delta;
}

/* "kind:noise:rate:count,...". */
static size_t parse_events(const char *text, struct dpm_event *events)
{
    size_t n = 0;
    for (const char *at = text; *at && n < MAX_EVENTS; n++) {
        double part[4];
        for (int i = 0; i < 4; i++) {
            char *end;
            part[i] = strtod(at, &end);
            ck_assert_ptr_ne(at, end);
            at = *end ? end + 1 : end;
        }
        events[n] = event((int)part[0], part[1], part[2], part[3]);
    }
    return n;
}

/* What the reference allows for a result. */
static int is_right(double result, double value, double lower, double upper)
{
    if (!isnan(value))
        return result >= value &&
               result <= fmax(isnan(upper) ? value : upper, value) * (1 + TOLERANCE) + 1e-300;
    return !(result < lower) && !(result > upper * (1 + 1e-5) + 1e-13);
}

START_TEST(the_curve_is_that_of_the_table)
{
    const char *folder = getenv("DPMIX_TEST_DATA");
    char path[4096], line[1024], table[64], text[512], wanted[16];
    ck_assert_msg(folder != NULL, "DPMIX_TEST_DATA: must name the folder of the tables");
    snprintf(path, sizeof path, "%s/account_exact.tsv", folder);
    FILE *file = fopen(path, "r");
    ck_assert_ptr_nonnull(file);
    int rows = 0;
    while (fgets(line, sizeof line, file)) {
        struct dpm_event events[MAX_EVENTS];
        double given, value, lower, upper, result = NAN;
        int adjacency;
        if (line[0] == '#')
            continue;
        rows++;
        ck_assert_int_eq(sscanf(line, "%63s %d %511s %15s %lf %lf %lf %lf", table, &adjacency, text, wanted,
                                &given, &value, &lower, &upper),
                         8);
        size_t n = parse_events(text, events);
        int status = strcmp(wanted, "delta") == 0
                         ? dpm_account_exact_delta(&result, events, n, adjacency, 1, given, NULL)
                         : dpm_account_epsilon(&result, events, n, adjacency, given);
        ck_assert_int_eq(status, DPMIX_OK);
        ck_assert_msg(is_right(result, value, lower, upper), "%s%.17g", line, result);
    }
    ck_assert_int_eq(fclose(file), 0);
    ck_assert_int_eq(rows, 566);
}
END_TEST

/* Any mechanisms, mixed, with many or few runs. */
static size_t any_events(struct dpm_event *events, size_t most)
{
    size_t n = (size_t)uniform(1, (double)most + 1);
    for (size_t i = 0; i < n; i++) {
        double noise = log_uniform(0.5, 50), rate = log_uniform(1e-4, 0.5), count = log_uniform(20, 1e4);
        switch ((int)uniform(0, 5)) {
        case 0: events[i] = event(DPM_EVENT_GAUSSIAN, noise, 1, 1 + count / 1000); break;
        case 1: events[i] = event(DPM_EVENT_LAPLACE, 20 * noise, 1, count / 20); break;
        case 2: events[i] = event(DPM_EVENT_GEOMETRIC, 20 * noise, 1, count / 20); break;
        default: events[i] = event(DPM_EVENT_SUBSAMPLED_GAUSSIAN, noise, rate, count); break;
        }
    }
    events[0] = event(DPM_EVENT_GAUSSIAN, log_uniform(2, 50), 1, 1);
    return n;
}

START_TEST(the_curve_is_monotone)
{
    for (int i = 0; i < 40; i++) {
        struct dpm_event events[3];
        size_t n = any_events(events, 3);
        check_monotone(events, n, n - 1, log_uniform(1e-15, 0.1), 1.01, 1 + TOLERANCE);
    }
}
END_TEST

START_TEST(delta_and_epsilon_are_inverse)
{
    for (int i = 0; i < 40; i++) {
        struct dpm_event events[3];
        size_t n = any_events(events, 3);
        double delta = log_uniform(1e-14, 0.1), epsilon = epsilon_of(events, n, delta);
        double back = delta_of(events, n, epsilon);
        if (epsilon > 0)
            ck_assert_msg(fabs(epsilon_of(events, n, back) - epsilon) <= TOLERANCE * epsilon,
                          "%g %g %.17g %.17g", delta, epsilon, back, epsilon_of(events, n, back));
        else
            ck_assert(back <= delta * (1 + TOLERANCE));
    }
}
END_TEST

/* In all of the range, corners of few runs and tiny rates included. */
START_TEST(the_curve_is_a_number_below_the_renyi_bound)
{
    for (int i = 0; i < 60; i++) {
        double noise = log_uniform(0.2, 1e4), rate = log_uniform(1e-6, 1), delta = log_uniform(1e-15, 0.1);
        struct dpm_event some = event(DPM_EVENT_SUBSAMPLED_GAUSSIAN, noise, rate, log_uniform(1, 1e7));
        double epsilon = epsilon_of(&some, 1, delta);
        ck_assert(epsilon >= 0 && epsilon <= dpm_account_rdp_epsilon(&some, 1, delta));
    }
}
END_TEST

/* One run that contour and closed form both know: a second event that adds next to nothing keeps the closed
 * form away. */
START_TEST(the_contour_meets_the_closed_forms)
{
    struct dpm_event little = event(DPM_EVENT_GAUSSIAN, 1e9, 1, 1);
    for (int i = 0; i < 20; i++) {
        double noise = log_uniform(0.5, 5), rate = log_uniform(0.05, 0.9),
               delta = rate * log_uniform(1e-8, 1e-2);
        struct dpm_event events[2] = {event(DPM_EVENT_SUBSAMPLED_GAUSSIAN, noise, rate, 1), little};
        double both = epsilon_of(events, 2, delta), one = epsilon_of(events, 1, delta);
        ck_assert_msg(both >= one * (1 - 1e-12) && both <= one * (1 + TOLERANCE), "%g %g %g: %.17g %.17g",
                      noise, rate, delta, both, one);
    }
}
END_TEST

/* delta is 1.4e-14 of the rate below it: the digits of that difference are those of the epsilon, which is the
 * given one in sums of 50 digits. */
START_TEST(a_closed_form_is_safe_where_its_digits_end)
{
    struct dpm_event one = event(DPM_EVENT_SUBSAMPLED_LAPLACE, 1.0 / 64, 0.3, 1);
    double epsilon = epsilon_of(&one, 1, 0.3 * (1 - 0x1p-46));
    ck_assert_msg(epsilon >= 0.0767050145459828 && epsilon < 0.1, "%.17g", epsilon);
}
END_TEST

/* Reference: mpmath with 60 digits. */
START_TEST(a_closed_form_holds_at_tiny_rates)
{
    struct dpm_event some = event(DPM_EVENT_SUBSAMPLED_GAUSSIAN, 1.0 / 32, 1e-290, 1);
    double epsilon = epsilon_of(&some, 1, 1e-295), least = 1.66792533260e-09;
    ck_assert_msg(epsilon >= least && epsilon < least * (1 + 1e-6), "%.17g", epsilon);
    struct dpm_event other = event(DPM_EVENT_SUBSAMPLED_GAUSSIAN, 1.0 / 30, 1e-60, 1);
    double delta = delta_of(&other, 1, 599), truth = 3.9682140805e-82;
    ck_assert_msg(delta >= truth && delta < truth * (1 + 1e-9), "%.17g", delta);
    struct dpm_event underflow = event(DPM_EVENT_SUBSAMPLED_GAUSSIAN, 1, 1e-20, 1);
    ck_assert(delta_of(&underflow, 1, 700) > 0);
}
END_TEST

/* With next to no noise only a group of which no record takes part goes unseen. */
START_TEST(a_group_without_noise_is_seen)
{
    static const double noise[] = {1e-90, 1e-150, 1e-160, 1e-170, 1e-300};
    for (size_t i = 0; i < sizeof noise / sizeof *noise; i++) {
        struct dpm_event some = event(DPM_EVENT_SUBSAMPLED_GAUSSIAN, noise[i], 0.3, 1);
        double epsilon, delta;
        ck_assert_int_eq(dpm_account_group_delta(&delta, &some, 1, DPMIX_ADJACENCY_ADD_REMOVE, 3, 5),
                         DPMIX_OK);
        ck_assert_msg(delta >= 0.657, "%g: %g", noise[i], delta);
        ck_assert_int_eq(dpm_account_group_epsilon(&epsilon, &some, 1, DPMIX_ADJACENCY_ADD_REMOVE, 3, 1e-5),
                         DPMIX_OK);
        ck_assert_msg(epsilon > 1e100, "%g: %g", noise[i], epsilon);
    }
    struct dpm_event none = event(DPM_EVENT_SUBSAMPLED_GAUSSIAN, 1e-300, 0.3, 1);
    double epsilon = NAN; /* delta alone is enough for it */
    ck_assert_int_eq(dpm_account_group_epsilon(&epsilon, &none, 1, DPMIX_ADJACENCY_ADD_REMOVE, 3, 0.7),
                     DPMIX_OK);
    ck_assert(epsilon == 0);
}
END_TEST

/* n answers, of which j are false, have the loss (n - 2 j) e: a sum over all that happens. */
static double response_delta(double e, int n, double epsilon)
{
    double sum = 0.0;
    for (int j = 0; j <= n; j++) {
        double loss = (n - 2 * j) * e;
        double log_p = lgamma(n + 1.0) - lgamma(j + 1.0) - lgamma(n - j + 1.0) - j * e - n * log1p(exp(-e));
        if (loss > epsilon)
            sum += exp(log_p) * -expm1(epsilon - loss);
    }
    return sum;
}

START_TEST(pure_events_are_never_undercharged)
{
    for (int i = 0; i < 30; i++) {
        int n = (int)log_uniform(1, 300);
        double e = log_uniform(0.01, 1), epsilon = n * e * uniform(0.05, 0.9);
        double delta = response_delta(e, n, epsilon);
        struct dpm_event some =
            event(i % 2 ? DPM_EVENT_RANDOMIZED_RESPONSE : DPM_EVENT_GEOMETRIC, 1 / e, 1, n);
        ck_assert(delta_of(&some, 1, epsilon) >= delta * (1 - 1e-10));
        if (delta > 1e-300)
            ck_assert(epsilon_of(&some, 1, delta) >= epsilon * (1 - 1e-10));
    }
    struct dpm_event many = event(DPM_EVENT_RANDOMIZED_RESPONSE, 1000, 1, 5e6);
    double seven = 0.010287043094075462; /* at epsilon 7, from sums in 40 digits */
    ck_assert(delta_of(&many, 1, 7) >= seven && delta_of(&many, 1, 7) <= seven * (1 + TOLERANCE));
    struct dpm_event pure = event(DPM_EVENT_PURE, 1, 1e-3, 1);
    ck_assert(epsilon_of(&pure, 1, 1e-3) >= 1 - 1e-9); /* all of delta is needed for the failure */
    ck_assert(fabs(delta_of(&pure, 1, 1.5) - 1e-3) < 1e-12);
}
END_TEST

/* Noise so small that no run with the record looks like one without it: how many runs it takes part in is
 * binomial, and given that the loss is Gaussian. */
static double counted_delta(double noise, double rate, int runs, double epsilon)
{
    double sum = 0.0;
    for (int k = 0; k <= runs; k++) {
        double log_choose = lgamma(runs + 1.0) - lgamma(k + 1.0) - lgamma(runs - k + 1.0);
        double loss = k * log(rate) + (runs - k) * log1p(-rate); /* but for the Gaussian part of it */
        sum += exp(log_choose + loss + dpm_account_gauss_log_delta(sqrt(k) / noise, epsilon - loss));
    }
    return sum;
}

/* On the line, runs with and without the record cancel at some places, and beyond them they do not. */
START_TEST(a_line_does_not_end_where_its_parts_cancel)
{
    static const double rates[] = {0.27, 0.275, 0.3};
    for (size_t i = 0; i < sizeof rates / sizeof *rates; i++) {
        struct dpm_event some = event(DPM_EVENT_SUBSAMPLED_GAUSSIAN, 0.032, rates[i], 91);
        double delta = counted_delta(0.032, rates[i], 91, 15000), found = delta_of(&some, 1, 15000);
        ck_assert_msg(found >= delta * (1 - 1e-10) && found <= delta * (1 + TOLERANCE), "%g %.17g %.17g",
                      rates[i], found, delta);
    }
}
END_TEST

START_TEST(groups_of_gaussians_are_gaussian)
{
    for (int k = 1; k <= 5; k++) {
        double delta = 1e-6, whole, sampled, previous;
        struct dpm_event plain = event(DPM_EVENT_GAUSSIAN, 4, 1, 3);
        struct dpm_event part = event(DPM_EVENT_SUBSAMPLED_GAUSSIAN, 4, 0.2, 30);
        ck_assert_int_eq(dpm_account_exact_epsilon(&whole, &plain, 1, 1, k, delta, NULL), DPMIX_OK);
        ck_assert(fabs(whole / dpm_account_gauss_epsilon(k * sqrt(3.0) / 4, delta) - 1) < 1e-12);
        ck_assert_int_eq(dpm_account_exact_epsilon(&sampled, &part, 1, 1, k, delta, NULL), DPMIX_OK);
        ck_assert_int_eq(dpm_account_exact_epsilon(&previous, &part, 1, 1, k > 1 ? k - 1 : 1, delta, NULL),
                         DPMIX_OK);
        ck_assert(k == 1 || sampled > 1.2 * previous);
        ck_assert(sampled < dpm_account_gauss_epsilon(k * sqrt(30.0) / 4, delta));
    }
}
END_TEST

/* Sampled events under replace-one: between add/remove and the plain mechanism. */
START_TEST(replace_one_costs_more_than_add_remove)
{
    for (int i = 0; i < 10; i++) {
        struct dpm_event some = event(DPM_EVENT_SUBSAMPLED_GAUSSIAN, log_uniform(0.6, 4),
                                      log_uniform(0.01, 0.9), log_uniform(50, 5000));
        double one, other = epsilon_of(&some, 1, 1e-6), mu = 2 * dpm_account_gauss_mu(&some, 1);
        ck_assert_int_eq(dpm_account_epsilon(&one, &some, 1, DPMIX_ADJACENCY_REPLACE_ONE, 1e-6), DPMIX_OK);
        ck_assert(one > other && one <= dpm_account_gauss_epsilon(mu, 1e-6));
    }
}
END_TEST

START_TEST(calibration_is_exact)
{
    struct dpm_event held[] = {event(DPM_EVENT_GAUSSIAN, 10, 1, 1), event(DPM_EVENT_LAPLACE, 40, 1, 20)};
    struct dpm_event all[3] = {held[0], held[1], event(DPM_EVENT_SUBSAMPLED_GAUSSIAN, 1, 0.01, 2000)};
    double factor;
    ck_assert_int_eq(dpm_account_calibrate(&factor, held, 2, all + 2, 1, DPMIX_ADJACENCY_ADD_REMOVE, 1e-6, 3),
                     DPMIX_OK);
    all[2].noise_multiplier = factor;
    ck_assert(epsilon_of(all, 3, 1e-6) <= 3);
    all[2].noise_multiplier = factor * (1 - 1e-6);
    ck_assert(epsilon_of(all, 3, 1e-6) > 3);
}
END_TEST

START_TEST(every_failed_allocation_is_survived)
{
    struct dpm_event some[] = {event(DPM_EVENT_SUBSAMPLED_GAUSSIAN, 1, 0.01, 100),
                               event(DPM_EVENT_LAPLACE, 9, 1, 5)};
    check_allocations(some, 2, 1, 1e-5, 5);
}
END_TEST

static Suite *exact_suite(void)
{
    Suite *suite = suite_create("exact");
    CHECK_ADD(suite, the_curve_is_that_of_the_table);
    CHECK_ADD(suite, the_curve_is_monotone);
    CHECK_ADD(suite, delta_and_epsilon_are_inverse);
    CHECK_ADD(suite, the_curve_is_a_number_below_the_renyi_bound);
    CHECK_ADD(suite, the_contour_meets_the_closed_forms);
    CHECK_ADD(suite, a_closed_form_is_safe_where_its_digits_end);
    CHECK_ADD(suite, a_closed_form_holds_at_tiny_rates);
    CHECK_ADD(suite, a_group_without_noise_is_seen);
    CHECK_ADD(suite, pure_events_are_never_undercharged);
    CHECK_ADD(suite, a_line_does_not_end_where_its_parts_cancel);
    CHECK_ADD(suite, groups_of_gaussians_are_gaussian);
    CHECK_ADD(suite, replace_one_costs_more_than_add_remove);
    CHECK_ADD(suite, calibration_is_exact);
    CHECK_ADD(suite, every_failed_allocation_is_survived);
    return suite;
}

CHECK_MAIN(exact_suite)
