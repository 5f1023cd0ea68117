/* SPDX-License-Identifier: BSD-3-Clause */
/* The arithmetic of the one-run audit. Expected numbers without a source beside them were computed with 40
 * decimal digits from the definitions in doc/privacy.md, by sums over all counts and by bisection. */
#include "account_audit.h"
#include "account_gauss.h"
#include "check_main.h"

#include <math.h>

/* At least the expected number, and above it by `slack` of it at most. */
static void check_up(double value, double expected, double slack)
{
    ck_assert_msg(value >= expected && value <= expected * (1 + slack), "%.17g, expected %.17g", value,
                  expected);
}

/* At most the expected number, and below it by `slack` of it at most. */
static void check_down(double value, double expected, double slack)
{
    ck_assert_msg(value <= expected && value >= expected * (1 - slack), "%.17g, expected %.17g", value,
                  expected);
}

START_TEST(tails_are_those_of_the_binomial_law)
{
    /* Rational cases: exp(epsilon) = 1 and 3. */
    check_up(dpm_account_audit_tail(10, 10, 0), 1.0 / 1024, 1e-13);
    check_up(dpm_account_audit_tail(10, 8, 0), 56.0 / 1024, 1e-13);
    check_up(dpm_account_audit_tail(10, 5, 0), 638.0 / 1024, 1e-13);
    check_up(dpm_account_audit_tail(4, 3, 1.0986122886681098), 189.0 / 256, 1e-13);
    check_up(dpm_account_audit_tail(1, 1, 1.0986122886681098), 0.75, 1e-13);
    ck_assert(dpm_account_audit_tail(7, 0, 2) == 1);
    ck_assert(dpm_account_audit_tail(7, 8, 2) == 0);
    ck_assert(dpm_account_audit_tail(0, 0, 2) == 1);
    check_up(dpm_account_audit_tail(10, 7, 1), 0.73006852193414639466, 1e-12);
    check_up(dpm_account_audit_tail(100, 99, 3), 0.046396518224725124463, 1e-12);
    check_up(dpm_account_audit_tail(1000, 600, 0.5), 0.93248784991130151612, 1e-11);
    check_up(dpm_account_audit_tail(200, 120, 0), 0.0028425779983751525603, 1e-11);
    check_up(dpm_account_audit_tail(50, 50, 0.25), 3.1162651422844009603e-13, 1e-11);
}
END_TEST

START_TEST(tails_of_many_trials_are_bounded)
{
    /* By symmetry P[at least n/2] = (1 + P[n/2]) / 2, and P[n/2] = sqrt(2 / (pi n)) (1 - 1 / (4 n) + ...). */
    double n = 1e8, middle = sqrt(2 / (3.14159265358979323846 * n)) * (1 - 0.25 / n);
    check_up(dpm_account_audit_tail((size_t)n, (size_t)n / 2, 0), 0.5 * (1 + middle), 1e-6);
    ck_assert(dpm_account_audit_tail((size_t)n, (size_t)n, 0) < 1e-30);
}
END_TEST

static double p_value(size_t canaries, size_t guesses, size_t right, double epsilon, double delta)
{
    struct dpm_audit audit = {canaries, guesses, right};
    return dpm_account_audit_p_value(&audit, epsilon, delta);
}

START_TEST(p_values_are_the_published_ones)
{
    /* They agree with the program in appendix D of arXiv 2305.08846. */
    check_up(p_value(1000, 100, 97, 2, 1e-5), 0.00299283483962314548, 1e-11);
    check_up(p_value(1000, 120, 110, 1.5, 1e-5), 0.0028975760478766501661, 1e-11);
    check_up(p_value(20, 20, 20, 2.5, 1e-3), 0.21998567369853727273, 1e-11);
    check_up(p_value(5000, 500, 480, 2.2, 1e-6), 0.00023706556740309931563, 1e-10);
    check_up(p_value(10, 10, 4, 1, 0.01), 0.99546889490456960339, 1e-11);
}
END_TEST

static double epsilon_of(size_t canaries, size_t guesses, size_t right, double delta, double alpha)
{
    struct dpm_audit audit = {canaries, guesses, right};
    return dpm_account_audit_epsilon(&audit, delta, alpha);
}

static double mu_of(size_t canaries, size_t guesses, size_t right, double alpha)
{
    struct dpm_audit audit = {canaries, guesses, right};
    return dpm_account_audit_mu(&audit, alpha);
}

START_TEST(bounds_on_epsilon_are_below_and_close)
{
    check_down(epsilon_of(1000, 100, 97, 1e-5, 0.05), 2.492287233896132, 1e-9);
    check_down(epsilon_of(1000, 120, 110, 1e-5, 0.05), 1.833778833271932, 1e-9);
    check_down(epsilon_of(100, 100, 90, 0, 0.01), 1.441389392444562, 1e-9);
    check_down(epsilon_of(1000, 500, 500, 1e-5, 0.05), 5.087548713815251, 1e-9);
    /* All right: q^r = alpha. */
    double q = pow(0.05, 1.0 / 40);
    check_down(epsilon_of(40, 40, 40, 0, 0.05), log(q / (1 - q)) * (1 + 1e-14), 1e-9);
    /* No evidence: as many right as by chance, no guesses, delta too large. */
    ck_assert(epsilon_of(1000, 100, 50, 1e-5, 0.05) == 0);
    ck_assert(epsilon_of(1000, 0, 0, 1e-5, 0.05) == 0);
    ck_assert(epsilon_of(5000, 500, 480, 1e-6, 1e-6) == 0);
    ck_assert(epsilon_of(1000, 100, 100, 0.5, 0.05) == 0);
}
END_TEST

START_TEST(bounds_on_mu_are_below_and_close)
{
    check_down(mu_of(20, 20, 18, 0.05), 0.576111580362, 1e-7);
    check_down(mu_of(100, 20, 20, 0.05), 0.769354525022, 1e-7);
    check_down(mu_of(100, 40, 35, 0.05), 0.536664440064, 1e-7);
    ck_assert(mu_of(1000, 100, 50, 0.05) == 0);
    ck_assert(mu_of(1000, 0, 0, 0.05) == 0);
}
END_TEST

/* For one canary the recursion is one step: the chance of a right guess is at most Phi(mu / 2), and what it
 * has to exceed is 1 - alpha + alpha. With alpha = 0.95 a right guess refutes all mu with h(0.95) > 0.05. */
START_TEST(one_canary_is_one_step)
{
    /* h(0.95) = Q(Q^-1(0.95) + mu) = 0.05 at mu = 2 Q^-1(0.05). */
    check_down(mu_of(1, 1, 1, 0.95), 2 * 1.6448536269514722, 1e-7);
    ck_assert(mu_of(1, 1, 1, 0.5) == 0);
}
END_TEST

START_TEST(bounds_grow_with_the_evidence)
{
    double epsilon = 0, mu = 0;
    for (size_t right = 60; right <= 100; right++) {
        double next_epsilon = epsilon_of(500, 100, right, 1e-5, 0.05), next_mu = mu_of(500, 100, right, 0.05);
        ck_assert_double_ge(next_epsilon, epsilon);
        ck_assert_double_ge(next_mu, mu);
        epsilon = next_epsilon, mu = next_mu;
    }
    ck_assert_double_gt(epsilon, 3);
    ck_assert_double_gt(mu, 1);
    for (double alpha = 0.3; alpha > 1e-9; alpha *= 0.3) {
        double next_epsilon = epsilon_of(500, 100, 97, 1e-7, alpha), next_mu = mu_of(500, 100, 97, alpha);
        ck_assert_double_le(epsilon_of(500, 100, 97, 1e-7, alpha * 0.3), next_epsilon);
        ck_assert_double_le(mu_of(500, 100, 97, alpha * 0.3), next_mu);
        ck_assert_double_le(epsilon_of(500, 100, 97, 1e-6, alpha), next_epsilon);
        ck_assert_double_le(mu_of(900, 100, 97, alpha), mu_of(500, 100, 97, alpha));
    }
}
END_TEST

/* Both bounds hold for a mechanism whose guesses are right independently of each other: randomised response,
 * for (a), and the better of two normal variables at a distance of mu, for (b). Counts that such a mechanism
 * reaches with a probability above alpha must not be evidence against it. */
START_TEST(a_private_mechanism_is_refuted_with_probability_alpha_at_most)
{
    for (double alpha = 0.2; alpha > 1e-6; alpha *= 0.1)
        for (double level = 0.25; level < 4; level *= 2) {
            double odds = log(erfc(-level * 0.35355339059327376) / erfc(level * 0.35355339059327376));
            for (size_t right = 0; right <= 200; right++) {
                if (dpm_account_audit_tail(200, right, level) > alpha * (1 + 1e-9))
                    ck_assert_double_le(epsilon_of(200, 200, right, 0, alpha), level);
                if (dpm_account_audit_tail(200, right, odds) > alpha * (1 + 1e-9))
                    ck_assert_double_le(mu_of(200, 200, right, alpha), level);
            }
        }
}
END_TEST

START_TEST(epsilons_of_mu_are_rounded_down)
{
    for (double mu = 0.1; mu < 12; mu *= 1.3)
        for (double delta = 0.1; delta > 1e-12; delta *= 0.1) {
            double up = dpm_account_gauss_epsilon(mu, delta),
                   down = dpm_account_audit_gauss_epsilon(mu, delta);
            ck_assert_double_le(down, up);
            ck_assert_double_ge(down, up - 1e-7 * (1 + up));
            if (down > 0)
                ck_assert_double_ge(dpm_account_gauss_delta(mu, down), delta);
        }
    ck_assert(dpm_account_audit_gauss_epsilon(0, 1e-5) == 0);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("audit");
    CHECK_ADD(s, tails_are_those_of_the_binomial_law);
    CHECK_ADD(s, tails_of_many_trials_are_bounded);
    CHECK_ADD(s, p_values_are_the_published_ones);
    CHECK_ADD(s, bounds_on_epsilon_are_below_and_close);
    CHECK_ADD(s, bounds_on_mu_are_below_and_close);
    CHECK_ADD(s, one_canary_is_one_step);
    CHECK_ADD(s, bounds_grow_with_the_evidence);
    CHECK_ADD(s, a_private_mechanism_is_refuted_with_probability_alpha_at_most);
    CHECK_ADD(s, epsilons_of_mu_are_rounded_down);
    return s;
}

CHECK_MAIN(suite)
