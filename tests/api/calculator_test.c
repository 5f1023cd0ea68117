/* SPDX-License-Identifier: BSD-3-Clause */
/* The calculators: bad arguments, the reference table through the public functions, Renyi divergences and
 * groups against values of other origin, and how much noise a plan of several stages needs. */
#include "account_ledger.h"
#include "account_rdp.h"
#include "base_alloc.h"
#include "check_status.h"

#include <dpmix/dpmix.h>

#include <fenv.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

enum { MAX_ENTRIES = 8 };

#define TOLERANCE 1e-8

static const int two_kinds[] = {DPMIX_MECHANISM_GAUSSIAN, DPMIX_MECHANISM_SUBSAMPLED_GAUSSIAN};
static const double two_noises[] = {3, 1.2}, two_rates[] = {1, 0.01};
static const uint64_t two_counts[] = {2, 500};

/* A plan in the form of the calculators. */
struct plan {
    int mechanisms[MAX_ENTRIES];
    double noise[MAX_ENTRIES], rates[MAX_ENTRIES];
    uint64_t counts[MAX_ENTRIES];
    size_t n;
};

#define ARRAYS(p) (p)->mechanisms, (p)->noise, (p)->rates, (p)->counts, (p)->n

static struct plan one_entry(int mechanism, double noise, double rate, uint64_t count)
{
    return (struct plan){{mechanism}, {noise}, {rate}, {count}, 1};
}

static double epsilon_of(const struct plan *plan, int adjacency, int group, double delta)
{
    double epsilon = -7;
    CHECK_OK(dpmix_calculate_epsilon(&epsilon, ARRAYS(plan), adjacency, group, delta));
    return epsilon;
}

static double delta_of(const struct plan *plan, int adjacency, int group, double epsilon)
{
    double delta = -7;
    CHECK_OK(dpmix_calculate_delta(&delta, ARRAYS(plan), adjacency, group, epsilon));
    return delta;
}

static double rdp_of(const struct plan *plan, int adjacency, double order)
{
    double rdp = -7;
    CHECK_OK(dpmix_calculate_rdp(&rdp, ARRAYS(plan), adjacency, order));
    return rdp;
}

/* ---- Arguments ---- */

/* What all four functions refuse in the same way. */
static void check_refused(const struct plan *plan, int adjacency, int status, const char *argument)
{
    double out[MAX_ENTRIES] = {-7, -7};
    const char *noise = strcmp(argument, "noise") == 0 ? "relative_noise" : argument;
    CHECK_FAILS(dpmix_calculate_epsilon(out, ARRAYS(plan), adjacency, 1, 1e-5), status, argument);
    ck_assert_ptr_eq(strstr(dpmix_last_error(), "dpmix_calculate_epsilon: "), dpmix_last_error());
    CHECK_FAILS(dpmix_calculate_delta(out, ARRAYS(plan), adjacency, 1, 1), status, argument);
    ck_assert_ptr_eq(strstr(dpmix_last_error(), "dpmix_calculate_delta: "), dpmix_last_error());
    CHECK_FAILS(dpmix_calculate_rdp(out, ARRAYS(plan), adjacency, 2), status, argument);
    ck_assert_ptr_eq(strstr(dpmix_last_error(), "dpmix_calculate_rdp: "), dpmix_last_error());
    CHECK_FAILS(dpmix_calculate_noise(out, ARRAYS(plan), adjacency, 1e-5, 1), status, noise);
    ck_assert_ptr_eq(strstr(dpmix_last_error(), "dpmix_calculate_noise: "), dpmix_last_error());
    ck_assert(out[0] == -7 && out[1] == -7);
}

START_TEST(bad_entries_are_refused)
{
    static const struct {
        int mechanism;
        double noise, rate;
        uint64_t count;
        int status;
        const char *argument;
    } bad[] = {
        {0, 1, 1, 1, DPMIX_ERR_ARG, "mechanisms"},     {8, 1, 1, 1, DPMIX_ERR_ARG, "mechanisms"},
        {-1, 1, 1, 1, DPMIX_ERR_ARG, "mechanisms"},    {1, 0, 1, 1, DPMIX_ERR_RANGE, "noise"},
        {3, -1, 1, 1, DPMIX_ERR_RANGE, "noise"},       {5, NAN, 1, 1, DPMIX_ERR_RANGE, "noise"},
        {7, INFINITY, 0, 1, DPMIX_ERR_RANGE, "noise"}, {2, 1, 0, 1, DPMIX_ERR_RANGE, "rates"},
        {2, 1, 1.5, 1, DPMIX_ERR_RANGE, "rates"},      {4, 1, NAN, 1, DPMIX_ERR_RANGE, "rates"},
        {4, 1, -0.1, 1, DPMIX_ERR_RANGE, "rates"},     {7, 1, 1, 1, DPMIX_ERR_RANGE, "rates"},
        {7, 1, -0.1, 1, DPMIX_ERR_RANGE, "rates"},     {1, 1, 1, 0, DPMIX_ERR_RANGE, "counts"},
    };
    int64_t before = dpm_alloc_live();
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct plan plan = {{1, bad[i].mechanism}, {1, bad[i].noise}, {1, bad[i].rate}, {1, bad[i].count}, 2};
        check_refused(&plan, DPMIX_ADJACENCY_ADD_REMOVE, bad[i].status, bad[i].argument);
    }
    struct plan plan = one_entry(1, 2, 1, 1);
    check_refused(&plan, 0, DPMIX_ERR_ARG, "adjacency");
    check_refused(&plan, 4, DPMIX_ERR_ARG, "adjacency");
    plan = one_entry(DPMIX_MECHANISM_SUBSAMPLED_LAPLACE, 1, 0.5, 1);
    check_refused(&plan, DPMIX_ADJACENCY_REPLACE_ONE, DPMIX_ERR_UNSUPPORTED, "adjacency");
    ck_assert_int_eq(dpm_alloc_live(), before);
}
END_TEST

START_TEST(missing_arrays_are_refused)
{
    double out = -7;
    const int *kinds = two_kinds;
    const double *noise = two_noises;
    CHECK_FAILS(dpmix_calculate_epsilon(NULL, kinds, noise, NULL, NULL, 2, 1, 1, 0.1), DPMIX_ERR_ARG,
                "epsilon");
    CHECK_FAILS(dpmix_calculate_delta(NULL, kinds, noise, NULL, NULL, 2, 1, 1, 0.1), DPMIX_ERR_ARG, "delta");
    CHECK_FAILS(dpmix_calculate_rdp(NULL, kinds, noise, NULL, NULL, 2, 1, 2), DPMIX_ERR_ARG, "rdp");
    CHECK_FAILS(dpmix_calculate_noise(NULL, kinds, noise, NULL, NULL, 2, 1, 0.1, 1), DPMIX_ERR_ARG, "noise");
    CHECK_FAILS(dpmix_calculate_epsilon(&out, NULL, noise, NULL, NULL, 2, 1, 1, 0.1), DPMIX_ERR_ARG,
                "mechanisms");
    CHECK_FAILS(dpmix_calculate_delta(&out, kinds, NULL, NULL, NULL, 2, 1, 1, 0.1), DPMIX_ERR_ARG, "noise");
    CHECK_FAILS(dpmix_calculate_rdp(&out, kinds, NULL, NULL, NULL, 2, 1, 2), DPMIX_ERR_ARG, "noise");
    CHECK_FAILS(dpmix_calculate_noise(&out, kinds, NULL, NULL, NULL, 2, 1, 0.1, 1), DPMIX_ERR_ARG,
                "relative_noise");
    CHECK_FAILS(dpmix_calculate_noise(&out, kinds, noise, NULL, NULL, 0, 1, 0.1, 1), DPMIX_ERR_RANGE, "n:");
    CHECK_FAILS(dpmix_calculate_epsilon(&out, kinds, noise, NULL, NULL, SIZE_MAX, 1, 1, 0.1), DPMIX_ERR_NOMEM,
                "memory");
    ck_assert(out == -7);
}
END_TEST

START_TEST(bad_terms_are_refused)
{
    static const double no_delta[] = {0, 1, -1, 2, NAN}, no_epsilon[] = {-1, NAN, INFINITY},
                        no_order[] = {1, 0, -2, NAN, INFINITY};
    static const int no_group[] = {0, -1, 65};
    double out[2] = {-7, -7};
    struct plan plan = one_entry(1, 2, 1, 1);
    for (size_t i = 0; i < 5; i++) {
        CHECK_FAILS(dpmix_calculate_epsilon(out, ARRAYS(&plan), 1, 1, no_delta[i]), DPMIX_ERR_RANGE, "delta");
        CHECK_FAILS(dpmix_calculate_noise(out, ARRAYS(&plan), 1, no_delta[i], 1), DPMIX_ERR_RANGE, "delta");
        CHECK_FAILS(dpmix_calculate_rdp(out, ARRAYS(&plan), 1, no_order[i]), DPMIX_ERR_RANGE, "order");
    }
    for (size_t i = 0; i < 3; i++) {
        CHECK_FAILS(dpmix_calculate_delta(out, ARRAYS(&plan), 1, 1, no_epsilon[i]), DPMIX_ERR_RANGE,
                    "epsilon");
        CHECK_FAILS(dpmix_calculate_noise(out, ARRAYS(&plan), 1, 0.1, no_epsilon[i]), DPMIX_ERR_RANGE,
                    "epsilon");
        CHECK_FAILS(dpmix_calculate_epsilon(out, ARRAYS(&plan), 1, no_group[i], 0.1), DPMIX_ERR_RANGE,
                    "group");
        CHECK_FAILS(dpmix_calculate_delta(out, ARRAYS(&plan), 1, no_group[i], 1), DPMIX_ERR_RANGE, "group");
    }
    CHECK_FAILS(dpmix_calculate_noise(out, ARRAYS(&plan), 1, 0.1, 0), DPMIX_ERR_RANGE, "epsilon");
    for (int kind = DPMIX_MECHANISM_LAPLACE; kind <= DPMIX_MECHANISM_PURE; kind++) {
        plan = one_entry(kind, 2, 0.5, 1);
        CHECK_FAILS(dpmix_calculate_epsilon(out, ARRAYS(&plan), 1, 2, 0.1), DPMIX_ERR_UNSUPPORTED, "group");
        CHECK_FAILS(dpmix_calculate_delta(out, ARRAYS(&plan), 1, 2, 0.1), DPMIX_ERR_UNSUPPORTED, "group");
    }
    plan = one_entry(DPMIX_MECHANISM_SUBSAMPLED_GAUSSIAN, 2, 0.5, 1);
    CHECK_FAILS(dpmix_calculate_epsilon(out, ARRAYS(&plan), DPMIX_ADJACENCY_REPLACE_ONE, 2, 0.1),
                DPMIX_ERR_UNSUPPORTED, "group");
    plan = one_entry(DPMIX_MECHANISM_PURE, 2, 0.01, 1);
    CHECK_FAILS(dpmix_calculate_rdp(out, ARRAYS(&plan), 1, 2), DPMIX_ERR_UNSUPPORTED, "mechanisms");
    CHECK_FAILS(dpmix_calculate_noise(out, ARRAYS(&plan), 1, 0.001, 1), DPMIX_ERR_BUDGET, "budget");
    ck_assert(out[0] == -7 && out[1] == -7);
}
END_TEST

START_TEST(no_memory_is_said)
{
    struct plan plan = one_entry(DPMIX_MECHANISM_SUBSAMPLED_GAUSSIAN, 2, 0.5, 3);
    double out = -7;
    int64_t before = dpm_alloc_live();
    for (int64_t i = 1; i <= 3; i++) {
        dpm_alloc_fail_after(i, 0);
        CHECK_FAILS(dpmix_calculate_epsilon(&out, ARRAYS(&plan), 1, 1, 0.1), DPMIX_ERR_NOMEM, "memory");
        dpm_alloc_fail_after(i, 0);
        CHECK_FAILS(dpmix_calculate_rdp(&out, ARRAYS(&plan), 2, 2), DPMIX_ERR_NOMEM, "memory");
        dpm_alloc_fail_after(i, 0);
        CHECK_FAILS(dpmix_calculate_noise(&out, ARRAYS(&plan), 1, 0.1, 1), DPMIX_ERR_NOMEM, "memory");
    }
    dpm_alloc_fail_after(0, 0);
    ck_assert(out == -7);
    ck_assert_int_eq(dpm_alloc_live(), before);
}
END_TEST

START_TEST(nothing_costs_nothing)
{
    double out[3] = {-7, -7, -7};
    CHECK_OK(dpmix_calculate_epsilon(&out[0], NULL, NULL, NULL, NULL, 0, 1, 1, 1e-5));
    CHECK_OK(dpmix_calculate_delta(&out[1], NULL, NULL, NULL, NULL, 0, 2, 3, 1));
    CHECK_OK(dpmix_calculate_rdp(&out[2], NULL, NULL, NULL, NULL, 0, 3, 2));
    ck_assert(out[0] == 0 && out[1] == 0 && out[2] == 0);
}
END_TEST

START_TEST(arrays_that_are_missing_have_their_defaults)
{
    static const int kinds[] = {2, 3, 7};
    static const double noise[] = {4, 5, 2}, rates[] = {1, 0.3, 0};
    static const uint64_t counts[] = {1, 1, 1};
    double full = -7, brief = -8;
    CHECK_OK(dpmix_calculate_epsilon(&full, kinds, noise, rates, counts, 3, 1, 1, 1e-5));
    CHECK_OK(dpmix_calculate_epsilon(&brief, kinds, noise, NULL, NULL, 3, 1, 1, 1e-5));
    ck_assert(full == brief);
    CHECK_OK(dpmix_calculate_rdp(&full, kinds, noise, rates, counts, 3, 1, 3));
    CHECK_OK(dpmix_calculate_rdp(&brief, kinds, noise, NULL, NULL, 3, 1, 3));
    ck_assert(full == brief);
}
END_TEST

/* ---- Epsilon and delta ---- */

/* "kind:noise:rate:count,...". */
static struct plan parse_plan(const char *text)
{
    struct plan plan = {.n = 0};
    for (const char *at = text; *at && plan.n < MAX_ENTRIES; plan.n++) {
        double part[4];
        for (int i = 0; i < 4; i++) {
            char *end;
            part[i] = strtod(at, &end);
            ck_assert_ptr_ne(at, end);
            at = *end ? end + 1 : end;
        }
        plan.mechanisms[plan.n] = (int)part[0];
        plan.noise[plan.n] = part[1];
        plan.rates[plan.n] = part[2];
        plan.counts[plan.n] = (uint64_t)part[3];
    }
    return plan;
}

/* Every seventh row: unit tests go through all of them. */
START_TEST(the_curve_is_that_of_the_table)
{
    const char *folder = getenv("DPMIX_TEST_DATA");
    char path[4096], line[1024], text[512], wanted[16];
    ck_assert_msg(folder != NULL, "DPMIX_TEST_DATA: must name the folder of the tables");
    snprintf(path, sizeof path, "%s/account_exact.tsv", folder);
    FILE *file = fopen(path, "r");
    ck_assert_ptr_nonnull(file);
    int rows = 0, checked = 0;
    while (fgets(line, sizeof line, file)) {
        double given, value, lower, upper;
        int adjacency;
        if (line[0] == '#' || ++rows % 7)
            continue;
        ck_assert_int_eq(sscanf(line, "%*s %d %511s %15s %lf %lf %lf %lf", &adjacency, text, wanted, &given,
                                &value, &lower, &upper),
                         7);
        if (isnan(value))
            continue;
        struct plan plan = parse_plan(text);
        double result = strcmp(wanted, "delta") == 0 ? delta_of(&plan, adjacency, 1, given)
                                                     : epsilon_of(&plan, adjacency, 1, given);
        double most = isnan(upper) ? value : fmax(upper, value);
        ck_assert_msg(result >= value && result <= most * (1 + TOLERANCE) + 1e-300, "%s%.17g", line, result);
        checked++;
    }
    ck_assert_int_eq(fclose(file), 0);
    ck_assert_int_ge(checked, 70);
}
END_TEST

/* delta of one run for groups: tails of the normal law at the threshold, computed with mpmath at 30 digits.
 */
START_TEST(groups_of_sampled_gaussians)
{
    static const struct {
        double rate, noise;
        int group;
        double epsilon, delta;
    } known[] = {{0.1, 1, 3, 1, 0.01338682740485427},          {0.3, 2, 8, 0.2, 0.37127287614657322},
                 {0.5, 1.5, 2, 0.3, 0.16845634509241024},      {0.01, 0.8, 5, 0.5, 0.0015311665131620763},
                 {0.0001, 0.5, 64, 1, 0.00011540073732069506}, {0.05, 30, 20, 0.01, 0.0089928185058235682},
                 {0.9, 0.5, 3, 2, 0.93038666141965027},        {0.001, 1, 2, 0.001, 0.00052736640001825533},
                 {0.5, 4, 64, 3, 0.99719433002529605}};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        struct plan plan = one_entry(2, known[i].noise, known[i].rate, 1);
        double delta = delta_of(&plan, DPMIX_ADJACENCY_ADD_REMOVE, known[i].group, known[i].epsilon);
        ck_assert_msg(delta >= known[i].delta && delta <= known[i].delta * (1 + TOLERANCE), "%.17g %.17g",
                      delta, known[i].delta);
        double epsilon = epsilon_of(&plan, DPMIX_ADJACENCY_ADD_REMOVE, known[i].group, known[i].delta);
        ck_assert(epsilon >= known[i].epsilon && epsilon <= known[i].epsilon * (1 + TOLERANCE));
    }
}
END_TEST

START_TEST(groups_of_plain_gaussians_are_gaussian)
{
    static const int groups[] = {1, 2, 3, 64};
    for (size_t i = 0; i < 4; i++) {
        struct plan plan = {{1, 2}, {200, 300}, {1, 1}, {3, 5}, 2}, scaled = plan;
        scaled.noise[0] /= groups[i];
        scaled.noise[1] /= groups[i];
        for (int adjacency = 1; adjacency <= 3; adjacency++) {
            double group = epsilon_of(&plan, adjacency, groups[i], 1e-5);
            ck_assert(fabs(group - epsilon_of(&scaled, adjacency, 1, 1e-5)) <= 1e-12 * group);
            group = delta_of(&plan, adjacency, groups[i], 0.5);
            ck_assert(fabs(group - delta_of(&scaled, adjacency, 1, 0.5)) <= 1e-12 * group);
        }
    }
}
END_TEST

START_TEST(larger_groups_cost_more)
{
    struct plan plan = {{1, 2}, {30, 1.5}, {1, 0.01}, {1, 300}, 2};
    double before = 0;
    for (int group = 1; group <= 64; group *= 2) {
        double epsilon = epsilon_of(&plan, DPMIX_ADJACENCY_ADD_REMOVE, group, 1e-6);
        ck_assert(epsilon > before && epsilon < INFINITY);
        before = epsilon;
    }
}
END_TEST

/* Two runs cost a group at least what one costs, whose curve is known in closed form; also where the exact
 * curve of two is out of reach, for too little noise or too small a rate. */
START_TEST(two_runs_cost_a_group_no_less_than_one)
{
    static const struct {
        double noise, rate;
        int group;
        double epsilon;
    } cases[] = {{0.02, 0.5, 2, 4000}, {0.1, 1e-13, 64, 1}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct plan one = one_entry(2, cases[i].noise, cases[i].rate, 1), two = one;
        two.counts[0] = 2;
        double delta = delta_of(&one, DPMIX_ADJACENCY_ADD_REMOVE, cases[i].group, cases[i].epsilon);
        double more = delta_of(&two, DPMIX_ADJACENCY_ADD_REMOVE, cases[i].group, cases[i].epsilon);
        ck_assert_msg(more >= delta * (1 - TOLERANCE), "%zu: delta %g, not %g", i, more, delta);
        more = epsilon_of(&two, DPMIX_ADJACENCY_ADD_REMOVE, cases[i].group, delta);
        ck_assert_msg(more >= cases[i].epsilon * (1 - TOLERANCE), "%zu: epsilon %g", i, more);
    }
}
END_TEST

/* Where the exact curve is out of reach, delta is a bound, too: at most that of unsampled mechanisms. */
START_TEST(delta_falls_back_on_bounds)
{
    struct plan sampled = one_entry(2, 1, 1e-13, 4), plain = one_entry(1, 1, 1, 4);
    ck_assert(delta_of(&sampled, 1, 1, 0.5) <= 1e-6 * delta_of(&plain, 1, 1, 0.5));
    ck_assert(delta_of(&sampled, 2, 1, 0.5) <= delta_of(&plain, 2, 1, 0.5));
    double delta = delta_of(&sampled, 1, 1, 1e-6);
    ck_assert(epsilon_of(&sampled, 1, 1, delta) <= 1e-6);
    ck_assert(delta_of(&sampled, 1, 5, 0.5) < delta_of(&plain, 1, 5, 0.5));
    struct plan pure = one_entry(DPMIX_MECHANISM_PURE, 1, 0.1, 1);
    ck_assert(epsilon_of(&pure, 1, 1, 0.01) == INFINITY);
    ck_assert(delta_of(&pure, 1, 1, 1) >= 0.1 && delta_of(&pure, 1, 1, 1) <= 0.1 * (1 + TOLERANCE));
}
END_TEST

/* ---- Renyi divergence ---- */

/* Closed forms and quadrature over the densities with mpmath, 40 digits. */
START_TEST(divergences_are_those_of_the_densities)
{
    static const struct {
        int mechanism;
        double noise, rate;
        int adjacency;
        double order, rdp;
    } known[] = {
        {1, 2, 1, 1, 2.5, 0.3125},
        {1, 2, 1, 2, 2.5, 1.25},
        {2, 1.1, 0.01, 1, 1.25, 7.9280055348681651e-5},
        {2, 1.1, 0.01, 1, 17.5, 2.3472593006933952},
        {2, 0.7, 0.003, 2, 2.0, 0.00012886946181677328},
        {2, 0.7, 0.003, 2, 1.01, 6.4609044468847448e-5},
        {2, 1.5, 0.1, 2, 40, 6.6326239398510643},
        {2, 20, 0.0001, 2, 8, 4.000003164282447e-10},
        {3, 0.5, 1, 1, 1.5, 1.4368091584145995},
        {3, 3, 1, 2, 12, 0.60752236073773077},
        {4, 1, 0.01, 1, 1.001, 4.2762436451465178e-5},
        {4, 1, 0.01, 1, 8, 0.00034972691023110893},
        {4, 0.4, 0.2, 1, 33.3, 1.1126254882719445},
        {4, 12, 0.5, 3, 3, 0.0025327235218077407},
        {5, 1.5, 1, 1, 4, 0.53166317914703048},
        {5, 1.5, 1, 2, 4, 1.1967610365877693},
        {5, 0.3, 1, 2, 1.1, 6.494519187491226},
        {6, 2, 1, 1, 1.5, 0.17836940667623231},
        {7, 10, 0, 2, 64, 0.089771530016624325},
    };
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        struct plan plan = one_entry(known[i].mechanism, known[i].noise, known[i].rate, 1);
        double rdp = rdp_of(&plan, known[i].adjacency, known[i].order);
        ck_assert_msg(rdp >= known[i].rdp * (1 - 1e-16) && rdp <= known[i].rdp * (1 + 2e-12),
                      "%d %.17g %.17g", (int)i, rdp, known[i].rdp);
    }
}
END_TEST

START_TEST(divergences_add_up)
{
    struct plan all = {{1, 2, 3, 4, 5, 6, 7},
                       {3, 1, 2, 1, 4, 8, 16},
                       {1, 0.05, 1, 0.1, 1, 1, 0},
                       {1, 100, 3, 20, 5, 7, 9},
                       7};
    for (double order = 1.0625; order < 100; order *= 1.7) {
        double sum = 0, rdp = rdp_of(&all, DPMIX_ADJACENCY_ADD_REMOVE, order);
        for (size_t i = 0; i < all.n; i++) {
            struct plan one = one_entry(all.mechanisms[i], all.noise[i], all.rates[i], 1);
            sum += (double)all.counts[i] * rdp_of(&one, DPMIX_ADJACENCY_ADD_REMOVE, order);
        }
        ck_assert_msg(fabs(rdp - sum) <= 1e-13 * sum, "%g %.17g %.17g", order, rdp, sum);
        ck_assert(rdp == rdp_of(&all, DPMIX_ADJACENCY_ZERO_OUT, order));
    }
}
END_TEST

/* The divergence of every order implies an epsilon (Canonne, Kamath and Steinke 2020); none is below the
 * exact one. It grows with the order, from that of order 1 up to the largest loss. */
START_TEST(divergences_bound_the_curve)
{
    for (int mechanism = DPMIX_MECHANISM_GAUSSIAN; mechanism <= DPMIX_MECHANISM_PURE; mechanism++) {
        for (int adjacency = 1; adjacency <= 2; adjacency++) {
            double rate = mechanism == DPMIX_MECHANISM_PURE ? 0 : 0.02, delta = 1e-5, before = 0,
                   least = INFINITY;
            struct plan plan = one_entry(mechanism, 1.5, rate, 30);
            if (mechanism == DPMIX_MECHANISM_SUBSAMPLED_LAPLACE && adjacency == 2)
                continue;
            double exact = epsilon_of(&plan, adjacency, 1, delta);
            for (double lambda = 1e-6; lambda < 1e5; lambda *= 1.5) {
                double rdp = rdp_of(&plan, adjacency, 1 + lambda);
                ck_assert_msg(rdp >= before * (1 - 1e-11), "%d %g %.17g %.17g", mechanism, lambda, rdp,
                              before);
                before = rdp;
                least = fmin(least, rdp - log1p(1 / lambda) - (log(delta) + log1p(lambda)) / lambda);
            }
            ck_assert_msg(least >= exact * (1 - TOLERANCE), "%d %d %g %g", mechanism, adjacency, least,
                          exact);
            ck_assert_msg(least <= 1.5 * exact + 0.2, "%d %d %g %g", mechanism, adjacency, least, exact);
        }
    }
}
END_TEST

START_TEST(extreme_divergences_are_bounds)
{
    for (int mechanism = DPMIX_MECHANISM_GAUSSIAN; mechanism <= DPMIX_MECHANISM_PURE; mechanism++) {
        for (int adjacency = 1; adjacency <= 2; adjacency++) {
            for (double noise = 1e-150; noise < 1e160; noise *= 1e30) {
                for (double lambda = 1e-12; lambda < 1e20; lambda *= 1e8) {
                    double rate = mechanism == DPMIX_MECHANISM_PURE ? 0 : 1e-5;
                    struct plan plan = one_entry(mechanism, noise, rate, 1);
                    if (mechanism == DPMIX_MECHANISM_SUBSAMPLED_LAPLACE && adjacency == 2)
                        continue;
                    double rdp = rdp_of(&plan, adjacency, 1 + lambda);
                    ck_assert_msg(rdp > 0, "%d %g %g %g", mechanism, noise, lambda, rdp);
                    if (mechanism > DPMIX_MECHANISM_SUBSAMPLED_GAUSSIAN)
                        ck_assert(rdp <= 2 / noise * (1 + 1e-12) || rdp <= 1e-300);
                }
            }
        }
    }
}
END_TEST

/* ---- Noise ---- */

START_TEST(the_noise_of_several_stages_meets_the_target)
{
    static const struct plan plans[] = {
        {{1, 2, 3}, {2, 1, 8}, {1, 0.01, 1}, {1, 1000, 2}, 3},
        {{2, 2}, {1, 3}, {0.02, 0.5}, {100, 3}, 2},
        {{5, 6, 7}, {1, 2, 3}, {1, 1, 1e-9}, {4, 1, 2}, 3},
        {{1}, {1}, {1}, {1}, 1},
    };
    for (size_t i = 0; i < sizeof plans / sizeof *plans; i++) {
        struct plan plan = plans[i];
        int adjacency = 1 + (int)i % 3;
        CHECK_OK(dpmix_calculate_noise(plan.noise, ARRAYS(&plan), adjacency, 1e-6, 1.5));
        for (size_t k = 0; k < plan.n; k++) {
            double ratio = plans[i].noise[k] / plans[i].noise[0];
            ck_assert(fabs(plan.noise[k] / plan.noise[0] - ratio) < 1e-14 * ratio);
        }
        double epsilon = epsilon_of(&plan, adjacency, 1, 1e-6);
        ck_assert_msg(epsilon <= 1.5 && epsilon >= 1.5 * (1 - 1e-6), "%d %.17g", (int)i, epsilon);
    }
}
END_TEST

/* Down to the smallest numbers there are: the searches end, on the safe side. */
START_TEST(budgets_next_to_nothing_are_kept)
{
    static const double epsilons[] = {1e-304, 1e-309, 5e-324}, deltas[] = {1e-305, 1e-309, 1 - 1e-9};
    for (size_t i = 0; i < 9; i++) {
        double epsilon = epsilons[i / 3], delta = deltas[i % 3];
        struct plan plan = one_entry(DPMIX_MECHANISM_GAUSSIAN, 1, 1, 1);
        int status = dpmix_calculate_noise(plan.noise, ARRAYS(&plan), 1, delta, epsilon);
        ck_assert(status == DPMIX_OK || delta == 1e-309); /* there no double is as large as the noise */
        ck_assert(epsilon_of(&plan, 1, 1, delta) <= epsilon || status != DPMIX_OK);
    }
    for (size_t i = 0; i < 3; i++) {
        dpmix_accountant *filter = NULL;
        double noise = 1, order = 0;
        struct plan plan = one_entry(DPMIX_MECHANISM_GAUSSIAN, 1, 1, 1);
        CHECK_OK(dpmix_accountant_new_adaptive(&filter, epsilons[i], deltas[2], 1, DPMIX_MODE_RENYI, 0));
        CHECK_OK(dpmix_accountant_mode(filter, NULL, &order));
        CHECK_OK(dpmix_accountant_noise(filter, &noise, 1, ARRAYS(&plan)));
        plan.noise[0] = noise;
        ck_assert_double_le(dpm_account_rdp_convert(rdp_of(&plan, 1, order), order, deltas[2]), epsilons[i]);
        dpmix_accountant_free(filter);
    }
}
END_TEST

START_TEST(the_accountant_counts_what_it_holds)
{
    dpmix_accountant *accountant = NULL;
    struct dpm_event held = {DPM_EVENT_SUBSAMPLED_GAUSSIAN, 1.5, 0.01, 500};
    double noise[2] = {-7, -7}, spent = 0, planned = 0;
    int64_t before = dpm_alloc_live();
    CHECK_OK(dpmix_accountant_new(&accountant, 2, 1e-5, DPMIX_ADJACENCY_ADD_REMOVE));
    CHECK_OK(dpm_accountant_charge(accountant, "earlier", &held, 1, 0, NULL));
    CHECK_OK(dpmix_accountant_spent(accountant, &spent));
    CHECK_OK(dpmix_accountant_noise(accountant, noise, 0.5, two_kinds, two_noises, two_rates, two_counts, 2));
    ck_assert(fabs(noise[0] / noise[1] - two_noises[0] / two_noises[1]) < 1e-14);
    struct plan plan = {{2, 1, 2}, {1.5, noise[0], noise[1]}, {0.01, 1, 0.01}, {500, 2, 500}, 3};
    double target = spent + 0.5 * (2 - spent);
    planned = epsilon_of(&plan, DPMIX_ADJACENCY_ADD_REMOVE, 1, 1e-5);
    ck_assert_msg(planned <= target && planned >= target * (1 - 1e-6), "%.17g %.17g", planned, target);
    double still = 0;
    CHECK_OK(dpmix_accountant_spent(accountant, &still));
    ck_assert(still == spent);
    struct dpm_event stage[2] = {{1, noise[0], 1, 2}, {2, noise[1], 0.01, 500}};
    CHECK_OK(dpm_accountant_charge(accountant, "as planned", stage, 2, 0, NULL));
    CHECK_OK(dpmix_accountant_spent(accountant, &still));
    ck_assert(fabs(still - planned) <= 1e-9 * planned);
    dpmix_accountant_free(accountant);
    ck_assert_int_eq(dpm_alloc_live(), before);
}
END_TEST

/* The figures are the same bits, and what was calibrated is paid for: a debit is made in the default
 * environment. */
START_TEST(rounding_of_the_caller_changes_no_figure)
{
    static const int roundings[] = {FE_TONEAREST, FE_DOWNWARD, FE_UPWARD, FE_TOWARDZERO};
    double expected[9] = {0}, found[9];
    for (size_t i = 0; i < sizeof roundings / sizeof *roundings; i++) {
        struct plan plan = {{1, 2, 3}, {3, 2, 9}, {1, 0.01, 1}, {2, 100, 1}, 3};
        int status[7];
        fesetround(roundings[i]);
        status[0] = dpmix_calculate_epsilon(&found[0], ARRAYS(&plan), 1, 1, 1e-5);
        status[1] = dpmix_calculate_delta(&found[1], ARRAYS(&plan), 1, 1, 0.7);
        status[2] = dpmix_calculate_rdp(&found[2], ARRAYS(&plan), 1, 7.3);
        status[3] = dpmix_calculate_noise(&found[3], ARRAYS(&plan), 1, 1e-5, 0.7);
        status[4] = dpmix_audit_epsilon_count(&found[6], 1000, 300, 200, 1e-9, 0.9);
        status[5] = dpmix_audit_gaussian_count(&found[7], &found[8], 1000, 300, 200, 1e-9, 0.9);
        status[6] = fegetround() != roundings[i];
        fesetround(FE_TONEAREST);
        for (size_t k = 0; k < sizeof status / sizeof *status; k++)
            ck_assert_int_eq(status[k], 0);
        if (i == 0)
            memcpy(expected, found, sizeof found);
        ck_assert_mem_eq(found, expected, sizeof found);
        for (int k = 0; k < 100; k++) {
            struct dpm_event stage = {DPM_EVENT_GAUSSIAN, 1, 1, 10};
            dpmix_accountant *accountant = NULL;
            CHECK_OK(dpmix_accountant_new_adaptive(&accountant, 0.1 * (k + 3), 1e-5, 1,
                                                   k % 2 ? DPMIX_MODE_RENYI : DPMIX_MODE_GAUSSIAN, 0));
            fesetround(roundings[i]);
            int failed = dpm_accountant_calibrate(accountant, 1, &stage, 1);
            fesetround(FE_TONEAREST);
            ck_assert_int_eq(failed, 0);
            CHECK_OK(dpm_accountant_charge(accountant, "all of it", &stage, 1, 0, NULL));
            dpmix_accountant_free(accountant);
        }
    }
}
END_TEST

START_TEST(the_accountant_refuses_bad_plans)
{
    dpmix_accountant *accountant = NULL;
    double noise[2] = {-7, -7};
    const double no_share[] = {0, -1, 1.5, NAN};
    CHECK_OK(dpmix_accountant_new(&accountant, 1, 1e-5, DPMIX_ADJACENCY_REPLACE_ONE));
    for (size_t i = 0; i < 4; i++)
        CHECK_FAILS(
            dpmix_accountant_noise(accountant, noise, no_share[i], two_kinds, two_noises, NULL, NULL, 2),
            DPMIX_ERR_RANGE, "share");
    CHECK_FAILS(dpmix_accountant_noise(NULL, noise, 1, two_kinds, two_noises, NULL, NULL, 2), DPMIX_ERR_ARG,
                "accountant");
    CHECK_FAILS(dpmix_accountant_noise(accountant, NULL, 1, two_kinds, two_noises, NULL, NULL, 2),
                DPMIX_ERR_ARG, "noise");
    CHECK_FAILS(dpmix_accountant_noise(accountant, noise, 1, NULL, two_noises, NULL, NULL, 2), DPMIX_ERR_ARG,
                "mechanisms");
    CHECK_FAILS(dpmix_accountant_noise(accountant, noise, 1, two_kinds, NULL, NULL, NULL, 2), DPMIX_ERR_ARG,
                "relative_noise");
    CHECK_FAILS(dpmix_accountant_noise(accountant, noise, 1, two_kinds, two_noises, NULL, NULL, 0),
                DPMIX_ERR_RANGE, "n:");
    struct plan plan = one_entry(DPMIX_MECHANISM_PURE, 1, 1e-4, 1);
    CHECK_FAILS(dpmix_accountant_noise(accountant, noise, 1, ARRAYS(&plan)), DPMIX_ERR_BUDGET, "budget");
    plan = one_entry(DPMIX_MECHANISM_SUBSAMPLED_LAPLACE, 1, 0.1, 1);
    CHECK_FAILS(dpmix_accountant_noise(accountant, noise, 1, ARRAYS(&plan)), DPMIX_ERR_UNSUPPORTED,
                "adjacency");
    ck_assert(noise[0] == -7 && noise[1] == -7);
    dpmix_accountant_free(accountant);
}
END_TEST

static Suite *suite(void)
{
    Suite *all = suite_create("calculator");
    CHECK_ADD(all, bad_entries_are_refused);
    CHECK_ADD(all, missing_arrays_are_refused);
    CHECK_ADD(all, bad_terms_are_refused);
    CHECK_ADD(all, no_memory_is_said);
    CHECK_ADD(all, nothing_costs_nothing);
    CHECK_ADD(all, arrays_that_are_missing_have_their_defaults);
    CHECK_ADD(all, the_curve_is_that_of_the_table);
    CHECK_ADD(all, groups_of_sampled_gaussians);
    CHECK_ADD(all, groups_of_plain_gaussians_are_gaussian);
    CHECK_ADD(all, larger_groups_cost_more);
    CHECK_ADD(all, two_runs_cost_a_group_no_less_than_one);
    CHECK_ADD(all, delta_falls_back_on_bounds);
    CHECK_ADD(all, divergences_are_those_of_the_densities);
    CHECK_ADD(all, divergences_add_up);
    CHECK_ADD(all, divergences_bound_the_curve);
    CHECK_ADD(all, extreme_divergences_are_bounds);
    CHECK_ADD(all, the_noise_of_several_stages_meets_the_target);
    CHECK_ADD(all, budgets_next_to_nothing_are_kept);
    CHECK_ADD(all, the_accountant_counts_what_it_holds);
    CHECK_ADD(all, rounding_of_the_caller_changes_no_figure);
    CHECK_ADD(all, the_accountant_refuses_bad_plans);
    return all;
}

CHECK_MAIN(suite)
