/* SPDX-License-Identifier: BSD-3-Clause */
/* The statistics of the tester, on mechanisms that are known in closed form. */
#include "check_main.h"
#include "stochastic.h"

#include <math.h>

START_TEST(confidence_bounds_are_those_of_clopper_and_pearson)
{
    /* k = 0 and k = n in closed form. */
    ck_assert_double_eq_tol(stochastic_upper_bound(0, 50, 1e-6), 1 - pow(1e-6, 1.0 / 50), 1e-12);
    ck_assert_double_eq_tol(stochastic_lower_bound(50, 50, 1e-6), pow(1e-6, 1.0 / 50), 1e-12);
    ck_assert(stochastic_lower_bound(0, 50, 1e-6) <= 1e-15);
    ck_assert(stochastic_upper_bound(50, 50, 1e-6) == 1);
    /* n = 2, k = 1: P[Bin(2, p) <= 1] = 1 - p^2. */
    ck_assert_double_eq_tol(stochastic_upper_bound(1, 2, 0.01), sqrt(0.99), 1e-12);
    /* Roots of the binomial sums, in 40 digits. */
    ck_assert_double_eq_tol(stochastic_upper_bound(3, 100, 1e-3), 0.1242218287853, 1e-9);
    ck_assert_double_eq_tol(stochastic_upper_bound(8400, 10000, 1e-7), 0.8584770474080, 1e-9);
    ck_assert_double_eq_tol(stochastic_lower_bound(8400, 10000, 1e-7), 0.8202711858494, 1e-9);
}
END_TEST

/* A mechanism of one number that matters. */
struct toy {
    uint64_t state;
    double shift;   /* of a normal variable with deviation 1 */
    double atom[2]; /* probability that the number is 7 instead */
    double delta;   /* claimed for epsilon 0 */
};

/* Knuth's generator; its high bits are good. In (0, 1). */
static double uniform(struct toy *toy)
{
    toy->state = toy->state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return ((double)(toy->state >> 11) + 0.5) * 0x1p-53;
}

static void run_toy(void *mechanism, int data_set, uint64_t number, double *statistics)
{
    struct toy *toy = mechanism;
    double radius = sqrt(-2 * log(uniform(toy))), angle = 2 * acos(-1) * uniform(toy);
    (void)number;
    statistics[0] = uniform(toy); /* says nothing */
    statistics[1] = radius * cos(angle) + toy->shift * data_set;
    if (uniform(toy) < toy->atom[data_set])
        statistics[1] = 7;
}

static int claims_of_toy(void *mechanism, struct stochastic_claim *claims)
{
    const struct toy *toy = mechanism;
    claims[0] = (struct stochastic_claim){0, toy->delta};
    return 1;
}

static struct stochastic_verdict try_toy(struct toy toy)
{
    struct stochastic_trial trial = {run_toy, claims_of_toy, &toy, 2, 10000};
    return stochastic_try(&trial);
}

/* Total variation of two normal laws of deviation 1 that lie mu apart. */
static double total_variation(double mu)
{
    return erf(mu / sqrt(8));
}

START_TEST(a_tight_claim_stands_and_a_lower_one_falls)
{
    struct stochastic_verdict tight = try_toy((struct toy){1, 2, {0, 0}, total_variation(2)});
    ck_assert_double_le(tight.margin, 0);
    ck_assert_double_gt(tight.margin, -0.06);
    struct stochastic_verdict low = try_toy((struct toy){2, 2, {0, 0}, total_variation(1.7)});
    ck_assert_double_gt(low.margin, 0);
    ck_assert_int_eq(low.statistic, 1);
    ck_assert_double_eq_tol(low.frequency - low.other_frequency, total_variation(2), 0.03);
}
END_TEST

/* A hundred tries of a claim that is exactly tight. */
START_TEST(there_is_no_false_alarm)
{
    for (int i = 0; i < 100; i++) {
        struct toy toy = {100 + (uint64_t)i, 1, {0, 0}, total_variation(1)};
        struct stochastic_verdict verdict = try_toy(toy);
        ck_assert_double_le(verdict.margin, 0);
    }
}
END_TEST

/* A mass on one value within the range of the others is an event of its own. */
START_TEST(single_values_are_seen)
{
    struct stochastic_verdict verdict = try_toy((struct toy){3, 0, {0.1, 0}, 0.05});
    ck_assert_double_gt(verdict.margin, 0.02);
    ck_assert(verdict.other_frequency == 0 || verdict.frequency == 1); /* it, or its absence */
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("stochastic, engine");
    CHECK_ADD(s, confidence_bounds_are_those_of_clopper_and_pearson);
    CHECK_ADD(s, a_tight_claim_stands_and_a_lower_one_falls);
    CHECK_ADD(s, there_is_no_false_alarm);
    CHECK_ADD(s, single_values_are_seen);
    return s;
}

CHECK_MAIN(suite)
