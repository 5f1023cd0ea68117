/* SPDX-License-Identifier: BSD-3-Clause */
/* Privacy filters: what they refuse, that fits work under them, and why the exact curve is none. */
#include "account_curve.h"
#include "account_ledger.h"
#include "account_rdp.h"
#include "account_renyi.h"
#include "tiny_json.h"
#include "tiny_model.h"

#include <math.h>
#include <stdio.h>

#define NEARLY 0.999999 /* of a share: calibration may leave that much of it, and must not pass it */
#define EPSILON 2.0

static int64_t live;
static struct tiny_case tiny;

static void setup(void)
{
    live = dpm_alloc_live();
    tiny_case_open(&tiny, EPSILON, 1);
}

static void teardown(void)
{
    tiny_case_close(&tiny);
    ck_assert_int_eq(dpm_alloc_live(), live);
}

static dpmix_accountant *adaptive(double epsilon, int adjacency, int mode, double order)
{
    dpmix_accountant *accountant = NULL;
    CHECK_OK(dpmix_accountant_new_adaptive(&accountant, epsilon, TINY_DELTA, adjacency, mode, order));
    return accountant;
}

static double order_of(const dpmix_accountant *accountant)
{
    double order = -1;
    CHECK_OK(dpmix_accountant_mode(accountant, NULL, &order));
    return order;
}

static struct dpm_event event(int kind, double noise, double rate, uint64_t count)
{
    return (struct dpm_event){kind, noise, rate, count};
}

static int charge(dpmix_accountant *accountant, struct dpm_event one)
{
    return dpm_accountant_charge(accountant, "a test", &one, 1, 0, NULL);
}

/* ---- The handle ---- */

START_TEST(bad_terms_are_refused)
{
    static const struct {
        double epsilon, delta;
        int adjacency, mode;
        double order;
        const char *argument;
    } bad[] = {
        {0, 1e-5, 1, DPMIX_MODE_RENYI, 0, "epsilon"},
        {1, 1, 1, DPMIX_MODE_RENYI, 0, "delta"},
        {1, 1e-5, 4, DPMIX_MODE_GAUSSIAN, 0, "adjacency"},
        {1, 1e-5, 1, DPMIX_MODE_PLANNED, 0, "mode"},
        {1, 1e-5, 1, 0, 0, "mode"},
        {1, 1e-5, 1, 4, 0, "mode"},
        {1, 1e-5, 1, DPMIX_MODE_GAUSSIAN, 8, "order"},
        {1, 1e-5, 1, DPMIX_MODE_RENYI, 1, "order"},
        {1, 1e-5, 1, DPMIX_MODE_RENYI, -2, "order"},
        {1, 1e-5, 1, DPMIX_MODE_RENYI, NAN, "order"},
        {1, 1e-5, 1, DPMIX_MODE_RENYI, INFINITY, "order"},
        {1, 1e-5, 1, DPMIX_MODE_GAUSSIAN, NAN, "order"},
        {1, 1e-5, 1, DPMIX_MODE_RENYI, 9, "order"}, /* there a divergence of 0 gives epsilon 1.05 */
    };
    dpmix_accountant *accountant = tiny.accountant;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        CHECK_FAILS(dpmix_accountant_new_adaptive(&accountant, bad[i].epsilon, bad[i].delta, bad[i].adjacency,
                                                  bad[i].mode, bad[i].order),
                    DPMIX_ERR_RANGE, bad[i].argument);
        ck_assert_ptr_eq(strstr(dpmix_last_error(), "dpmix_accountant_new_adaptive: "), dpmix_last_error());
        ck_assert_ptr_eq(accountant, tiny.accountant);
    }
    double spent = 7;
    CHECK_FAILS(dpmix_accountant_new_adaptive(NULL, 1, 1e-5, 1, 2, 0), DPMIX_ERR_ARG, "out");
    CHECK_FAILS(dpmix_accountant_open_adaptive(&accountant, NULL, "d", 1, 1e-5, 1, 2, 0), DPMIX_ERR_ARG,
                "path");
    CHECK_FAILS(dpmix_accountant_open_adaptive(&accountant, "a", "d", 1, 1e-5, 1, 1, 0), DPMIX_ERR_RANGE,
                "mode");
    CHECK_FAILS(dpmix_accountant_mode(NULL, NULL, NULL), DPMIX_ERR_ARG, "accountant");
    CHECK_FAILS(dpmix_accountant_spent_group(NULL, &spent, 1), DPMIX_ERR_ARG, "accountant");
    CHECK_FAILS(dpmix_accountant_spent_group(accountant, NULL, 1), DPMIX_ERR_ARG, "epsilon");
    CHECK_FAILS(dpmix_accountant_spent_group(accountant, &spent, 0), DPMIX_ERR_RANGE, "group");
    CHECK_FAILS(dpmix_accountant_spent_group(accountant, &spent, 65), DPMIX_ERR_RANGE, "group");
    ck_assert(spent == 7);
}
END_TEST

START_TEST(the_mode_is_what_was_opened)
{
    int mode = 0;
    double order = -1;
    CHECK_OK(dpmix_accountant_mode(tiny.accountant, &mode, &order));
    ck_assert(mode == DPMIX_MODE_PLANNED && order == 0);
    for (int asked = DPMIX_MODE_RENYI; asked <= DPMIX_MODE_GAUSSIAN; asked++) {
        double wanted = asked == DPMIX_MODE_RENYI ? 17.5 : 0;
        dpmix_accountant *accountant = adaptive(1, 1, asked, wanted);
        CHECK_OK(dpmix_accountant_mode(accountant, &mode, NULL));
        ck_assert(mode == asked && order_of(accountant) == wanted && tiny_spent(accountant) == 0);
        dpmix_accountant_free(accountant);
    }
}
END_TEST

/* The noise that one Gaussian mechanism needs under a Renyi filter. */
static double noise_at(double epsilon, double order)
{
    dpmix_accountant *accountant = adaptive(epsilon, 1, DPMIX_MODE_RENYI, order);
    struct dpm_event one = event(DPM_EVENT_GAUSSIAN, 1, 1, 1);
    CHECK_OK(dpm_accountant_calibrate(accountant, 1, &one, 1));
    dpmix_accountant_free(accountant);
    return one.noise_multiplier;
}

START_TEST(the_order_chosen_is_the_best_for_a_gaussian)
{
    static const double epsilons[] = {1e-6, 0.01, 0.3, 1, 8, 50, 1e4};
    double epsilon = epsilons[_i];
    dpmix_accountant *accountant = adaptive(epsilon, 1, DPMIX_MODE_RENYI, 0);
    double order = order_of(accountant), noise = noise_at(epsilon, 0);
    ck_assert_double_eq(noise_at(epsilon, order), noise);
    for (double factor = 0.7; factor < 1.5; factor += 0.05)
        ck_assert_double_le(noise, noise_at(epsilon, 1 + factor * (order - 1)) * (1 + 1e-6));
    ck_assert_double_le(noise * 1.0001, noise_at(epsilon, 1 + 0.8 * (order - 1)));
    ck_assert_double_le(noise * 1.0001, noise_at(epsilon, 1 + 1.2 * (order - 1)));
    dpmix_accountant_free(accountant);
}
END_TEST

/* ---- The Renyi filter ---- */

static const struct dpm_event kinds[] = {
    {DPM_EVENT_GAUSSIAN, 20, NAN, 2},  {DPM_EVENT_SUBSAMPLED_GAUSSIAN, 2, 0.02, 100},
    {DPM_EVENT_LAPLACE, 20, NAN, 3},   {DPM_EVENT_SUBSAMPLED_LAPLACE, 3, 0.1, 4},
    {DPM_EVENT_GEOMETRIC, 30, NAN, 1}, {DPM_EVENT_RANDOMIZED_RESPONSE, 25, NAN, 2},
    {DPM_EVENT_PURE, 20, 0, 2},
};

enum { KINDS = sizeof kinds / sizeof *kinds };

START_TEST(what_is_spent_is_the_sum_of_divergences)
{
    dpmix_accountant *accountant = adaptive(EPSILON, _i, DPMIX_MODE_RENYI, 11);
    double sum = 0;
    ck_assert(tiny_spent(accountant) == 0);
    for (size_t i = 0; i < KINDS; i++) {
        double one;
        if (_i == DPMIX_ADJACENCY_REPLACE_ONE && kinds[i].kind == DPM_EVENT_SUBSAMPLED_LAPLACE)
            continue;
        CHECK_OK(dpm_account_renyi(&one, &kinds[i], 1, _i, 11));
        CHECK_OK(charge(accountant, kinds[i]));
        sum += one;
        /* Canonne, Kamath and Steinke 2020, proposition 12 */
        double epsilon = sum + log(1 - 1.0 / 11) - (log(TINY_DELTA) + log(11)) / 10;
        ck_assert_double_eq_tol(tiny_spent(accountant), epsilon, 1e-12);
        ck_assert_double_ge(tiny_spent(accountant), epsilon - 1e-15);
    }
    dpmix_accountant_free(accountant);
}
END_TEST

START_TEST(a_delta_of_its_own_is_refused)
{
    dpmix_accountant *accountant = adaptive(EPSILON, 1, DPMIX_MODE_RENYI, 0);
    struct dpm_event one = event(DPM_EVENT_PURE, 20, 1e-9, 1);
    CHECK_FAILS(charge(accountant, one), DPMIX_ERR_UNSUPPORTED, "delta");
    CHECK_FAILS(dpm_accountant_calibrate(accountant, 1, &one, 1), DPMIX_ERR_UNSUPPORTED, "delta");
    ck_assert(tiny_spent(accountant) == 0 && tiny_entries(accountant) == 0 && one.noise_multiplier == 20);
    dpmix_accountant_free(accountant);
}
END_TEST

/* Shares are of the divergence that is left; a share of 1 fits to the last bit, and hardly less noise does.
 */
START_TEST(divergence_is_shared_out)
{
    static const double shares[] = {0.2, 0.5, 1};
    int adjacency = 1 + _i % 3;
    double order = _i / 3 ? 31 : 12, whole = 0, used = 0;
    dpmix_accountant *accountant = adaptive(EPSILON, adjacency, DPMIX_MODE_RENYI, order);
    whole = EPSILON - dpm_account_rdp_convert(0, order, TINY_DELTA);
    for (size_t i = 0; i < 3; i++) {
        struct dpm_event stage[] = {event(DPM_EVENT_SUBSAMPLED_GAUSSIAN, 1, 0.05, 30),
                                    event(DPM_EVENT_GAUSSIAN, 4, 1, 1)},
                         less[2];
        double one;
        CHECK_OK(dpm_accountant_calibrate(accountant, shares[i], stage, 2));
        ck_assert_double_eq_tol(stage[1].noise_multiplier, 4 * stage[0].noise_multiplier, 1e-12);
        for (size_t j = 0; j < 2; j++) {
            less[j] = stage[j];
            less[j].noise_multiplier *= 1 - 1e-8;
        }
        if (shares[i] == 1)
            CHECK_FAILS(dpm_accountant_charge(accountant, "x", less, 2, 0, NULL), DPMIX_ERR_BUDGET, "budget");
        CHECK_OK(dpm_accountant_charge(accountant, "x", stage, 2, 0, NULL));
        CHECK_OK(dpm_account_renyi(&one, stage, 2, adjacency, order));
        ck_assert_double_le(one, shares[i] * (whole - used) * (1 + 1e-12));
        ck_assert_double_ge(one, shares[i] * (whole - used) * (1 - 1e-8));
        used += one;
        ck_assert_double_le(tiny_spent(accountant), EPSILON);
    }
    ck_assert_double_ge(tiny_spent(accountant), EPSILON * (1 - 1e-8));
    struct dpm_event more = event(DPM_EVENT_GAUSSIAN, 1000, 1, 1);
    CHECK_FAILS(charge(accountant, more), DPMIX_ERR_BUDGET, "budget");
    CHECK_FAILS(dpm_accountant_calibrate(accountant, 1, &more, 1), DPMIX_ERR_BUDGET, "budget");
    ck_assert(more.noise_multiplier == 1000);
    dpmix_accountant_free(accountant);
}
END_TEST

/* ---- The Gaussian filter ---- */

START_TEST(gaussians_cost_what_they_cost_when_planned)
{
    int adjacency = _i;
    dpmix_accountant *filter = adaptive(EPSILON, adjacency, DPMIX_MODE_GAUSSIAN, 0), *planned = NULL;
    CHECK_OK(dpmix_accountant_new(&planned, EPSILON, TINY_DELTA, adjacency));
    for (int i = 0; i < 4; i++) {
        struct dpm_event left = event(DPM_EVENT_GAUSSIAN, 1 + i, NAN, 3), right = left;
        CHECK_OK(dpm_accountant_calibrate(filter, i < 3 ? 0.3 : 1, &left, 1));
        CHECK_OK(dpm_accountant_calibrate(planned, i < 3 ? 0.3 : 1, &right, 1));
        ck_assert_double_eq(left.noise_multiplier, right.noise_multiplier);
        CHECK_OK(charge(filter, left));
        CHECK_OK(charge(planned, right));
        ck_assert_double_eq(tiny_spent(filter), tiny_spent(planned));
    }
    ck_assert_double_le(tiny_spent(filter), EPSILON);
    CHECK_FAILS(charge(filter, event(DPM_EVENT_GAUSSIAN, 1000, 1, 1)), DPMIX_ERR_BUDGET, "budget");
    dpmix_accountant_free(planned);
    dpmix_accountant_free(filter);
}
END_TEST

START_TEST(the_gaussian_filter_takes_nothing_else)
{
    dpmix_accountant *accountant = adaptive(EPSILON, 1, DPMIX_MODE_GAUSSIAN, 0);
    CHECK_OK(charge(accountant, event(DPM_EVENT_SUBSAMPLED_GAUSSIAN, 30, 1, 2))); /* not sampled at rate 1 */
    double spent = tiny_spent(accountant);
    for (size_t i = 1; i < KINDS; i++) {
        struct dpm_event two[] = {kinds[0], kinds[i]};
        CHECK_FAILS(dpm_accountant_charge(accountant, "x", two, 2, 0, NULL), DPMIX_ERR_UNSUPPORTED,
                    "accountant");
        CHECK_FAILS(dpm_accountant_calibrate(accountant, 0.5, two, 2), DPMIX_ERR_UNSUPPORTED, "accountant");
    }
    ck_assert(tiny_spent(accountant) == spent && tiny_entries(accountant) == 1);
    dpmix_accountant_free(accountant);
}
END_TEST

/* ---- Fits ---- */

/* Partition, Gaussians and networks under each mode: each fit within the budget, the last one spends it. */
START_TEST(fits_work_in_every_mode)
{
    int mode = DPMIX_MODE_RENYI + _i % 2, adjacency = 1 + _i / 2;
    dpmix_accountant_free(tiny.accountant);
    tiny.accountant = adaptive(EPSILON, adjacency, mode, 0);
    dpmix_clusterer_free(tiny_fitted_clusterer(&tiny, DPMIX_CLUSTERER_KMEANS, 0.25));
    double first = tiny_spent(tiny.accountant);
    ck_assert(first > 0 && first < EPSILON);
    dpmix_generator_free(tiny_fitted_generator(&tiny, DPMIX_GENERATOR_GAUSSIAN, 0.5));
    double second = tiny_spent(tiny.accountant);
    ck_assert(second > first && second < EPSILON);
    dpmix_generator *vae = tiny_generator(DPMIX_GENERATOR_VAE);
    dpmix_generator *gaussian = tiny_generator(DPMIX_GENERATOR_GAUSSIAN);
    unsigned queries = tiny.mode.queries;
    if (mode == DPMIX_MODE_GAUSSIAN) {
        CHECK_FAILS(dpmix_generator_fit(vae, tiny.accountant, tiny.dataset, 1, NULL, NULL),
                    DPMIX_ERR_UNSUPPORTED, "dpmix_generator_fit: accountant");
        ck_assert_uint_eq(tiny.mode.queries, queries);
        ck_assert_double_eq(tiny_spent(tiny.accountant), second);
        dpmix_generator_free(tiny_fitted_generator(&tiny, DPMIX_GENERATOR_GAUSSIAN, 1));
    } else {
        CHECK_OK(dpmix_generator_fit(vae, tiny.accountant, tiny.dataset, 1, NULL, NULL));
    }
    double spent = tiny_spent(tiny.accountant);
    ck_assert(spent <= EPSILON && spent >= EPSILON * NEARLY);
    queries = tiny.mode.queries;
    CHECK_FAILS(dpmix_generator_fit(gaussian, tiny.accountant, tiny.dataset, 1, NULL, NULL), DPMIX_ERR_BUDGET,
                "dpmix_generator_fit: budget");
    ck_assert_uint_eq(tiny.mode.queries, queries);
    ck_assert_double_eq(tiny_spent(tiny.accountant), spent);
    dpmix_generator_free(gaussian);
    dpmix_generator_free(vae);
}
END_TEST

/* ---- Why the exact curve is no filter ---- */

/* delta(x) of one Gaussian mechanism (Balle and Wang 2018) and of randomised response, at any real x. */
static double gaussian_delta(double x, double mu)
{
    double near = x / mu - mu / 2, far = x / mu + mu / 2;
    return 0.5 * erfc(near * sqrt(0.5)) - exp(x) * 0.5 * erfc(far * sqrt(0.5));
}

static double response_delta(double x, double e)
{
    if (x >= e)
        return 0;
    return x < -e ? -expm1(x) : (exp(e) - exp(x)) / (1 + exp(e));
}

struct branches {
    double mu, e; /* a Gaussian mechanism, or randomised response */
    double gaussian, response,
        chosen; /* delta at epsilon of first release and branch; chosen: of the adaptive whole */
};

/* A first release is Gaussian, with little mu. Its privacy loss L is a function of its outcome, and under the
 * data set with the record normal with mean mu^2/2 and variance mu^2. Whoever sees the outcome then runs one
 * of two mechanisms. Given an outcome with the loss l, what remains to be compared are the two laws of the
 * branch, at the threshold epsilon - l: the hockey-stick divergence of the whole is
 *
 *     delta(epsilon) = E[delta_branch(L)(epsilon - L)],
 *
 * exactly, since both branch laws are those of the dominating pairs. The worst rule takes, at each outcome,
 * the branch with the larger delta there: randomised response, whose loss has an edge that few first outcomes
 * reach, with all of its delta behind it; a Gaussian for the others. The integral is over 24 deviations, by
 * the trapezoid rule; what it leaves out is positive, so that it errs towards a smaller delta. */
static void integrate(struct branches *branches, double first, double epsilon)
{
    enum { STEPS = 100000 };
    double mean = first * first / 2, step = 24 * first / STEPS;
    branches->gaussian = branches->response = branches->chosen = 0;
    for (int i = 0; i <= STEPS; i++) {
        double z = (i - STEPS / 2) * step / first;
        double weight = exp(-z * z / 2) / sqrt(2 * acos(-1.0)) * step / first;
        double x = epsilon - (mean + z * first);
        double one = gaussian_delta(x, branches->mu), other = response_delta(x, branches->e);
        branches->gaussian += weight * one;
        branches->response += weight * other;
        branches->chosen += weight * fmax(one, other);
    }
}

/* The branch that is left for a budget after the first release, or nothing. */
static double calibrated(dpmix_accountant *accountant, int kind)
{
    struct dpm_event stage = event(kind, 1, 1, 1);
    CHECK_OK(dpm_accountant_calibrate(accountant, 1, &stage, 1));
    return stage.noise_multiplier;
}

START_TEST(the_exact_curve_is_no_filter)
{
    static const struct {
        double epsilon, first, least;
    } cases[] = {{1, 0.05, 1.99}, {2, 0.05, 1.99}, {4, 0.1, 1.99}, {0.5, 0.02, 1.98}};
    double epsilon = cases[_i].epsilon, first = cases[_i].first;
    struct dpm_event release = event(DPM_EVENT_GAUSSIAN, 1 / first, 1, 1);
    dpmix_accountant *one = tiny_accountant(epsilon), *other = tiny_accountant(epsilon);
    CHECK_OK(charge(one, release));
    CHECK_OK(charge(other, release));
    struct dpm_event gaussian = event(DPM_EVENT_GAUSSIAN, calibrated(one, DPM_EVENT_GAUSSIAN), 1, 1);
    struct dpm_event response =
        event(DPM_EVENT_RANDOMIZED_RESPONSE, calibrated(other, DPM_EVENT_RANDOMIZED_RESPONSE), 1, 1);
    CHECK_OK(charge(one, gaussian)); /* each branch by itself is within the planned budget */
    CHECK_OK(charge(other, response));
    struct branches branches = {.mu = 1 / gaussian.noise_multiplier, .e = 1 / response.noise_multiplier};
    integrate(&branches, first, epsilon);
    ck_assert_double_eq_tol(branches.gaussian, TINY_DELTA, 1e-4 * TINY_DELTA);
    ck_assert_double_eq_tol(branches.response, TINY_DELTA, 1e-4 * TINY_DELTA);
    /* and the choice between them is not */
    ck_assert_double_gt(branches.chosen, cases[_i].least * TINY_DELTA);

    /* A Renyi filter refuses both; with what it does let through the same rule stays within delta. */
    dpmix_accountant *filter = adaptive(epsilon, 1, DPMIX_MODE_RENYI, 0);
    CHECK_OK(charge(filter, release));
    CHECK_FAILS(charge(filter, gaussian), DPMIX_ERR_BUDGET, "budget");
    CHECK_FAILS(charge(filter, response), DPMIX_ERR_BUDGET, "budget");
    branches.mu = 1 / calibrated(filter, DPM_EVENT_GAUSSIAN);
    branches.e = 1 / calibrated(filter, DPM_EVENT_RANDOMIZED_RESPONSE);
    integrate(&branches, first, epsilon);
    ck_assert_double_lt(branches.chosen, TINY_DELTA);
    ck_assert_double_gt(branches.chosen, 0);
    /* The Gaussian filter knows one of the branches only. */
    dpmix_accountant *gaussians = adaptive(epsilon, 1, DPMIX_MODE_GAUSSIAN, 0);
    CHECK_OK(charge(gaussians, release));
    CHECK_FAILS(charge(gaussians, response), DPMIX_ERR_UNSUPPORTED, "accountant");
    CHECK_OK(charge(gaussians, gaussian));
    dpmix_accountant_free(gaussians);
    dpmix_accountant_free(filter);
    dpmix_accountant_free(other);
    dpmix_accountant_free(one);
}
END_TEST

/* ---- Groups of records ---- */

static double group_of(const dpmix_accountant *accountant, int group)
{
    double epsilon = -1;
    CHECK_OK(dpmix_accountant_spent_group(accountant, &epsilon, group));
    return epsilon;
}

START_TEST(groups_of_plain_gaussians_have_k_times_the_mu)
{
    for (int adjacency = 1; adjacency <= 3; adjacency++)
        for (int mode = DPMIX_MODE_PLANNED; mode <= DPMIX_MODE_GAUSSIAN; mode += 2) {
            struct dpm_event one = event(DPM_EVENT_GAUSSIAN, 10, 1, 1), three = one;
            dpmix_accountant *accountant = NULL;
            if (mode == DPMIX_MODE_PLANNED)
                CHECK_OK(dpmix_accountant_new(&accountant, EPSILON, TINY_DELTA, adjacency));
            else
                accountant = adaptive(EPSILON, adjacency, mode, 0);
            ck_assert(group_of(accountant, 1) == 0 && group_of(accountant, 7) == 0);
            CHECK_OK(charge(accountant, one));
            ck_assert_double_eq(group_of(accountant, 1), tiny_spent(accountant));
            double epsilon;
            three.noise_multiplier /= 3;
            CHECK_OK(dpm_account_epsilon(&epsilon, &three, 1, adjacency, TINY_DELTA));
            ck_assert_double_eq_tol(group_of(accountant, 3), epsilon, 1e-9);
            ck_assert(group_of(accountant, 64) > group_of(accountant, 3));
            dpmix_accountant_free(accountant);
        }
}
END_TEST

START_TEST(groups_of_sampled_gaussians_are_known_where_they_are)
{
    struct dpm_event sampled = event(DPM_EVENT_SUBSAMPLED_GAUSSIAN, 2, 0.01, 500);
    double epsilon = 7, before = 0;
    CHECK_OK(charge(tiny.accountant, sampled));
    for (int group = 1; group <= 16; group *= 2) {
        double now = group_of(tiny.accountant, group);
        ck_assert(now > before);
        before = now;
    }
    /* two records taken together are at most two that are always taken together: rate 1 - (1 - q)^2, and at
     * least one at that rate with its single size */
    struct dpm_event more = event(DPM_EVENT_SUBSAMPLED_GAUSSIAN, 1, 1 - 0.99 * 0.99, 500), less = more;
    less.noise_multiplier = 2;
    double above, below;
    CHECK_OK(dpm_account_epsilon(&above, &more, 1, 1, TINY_DELTA));
    CHECK_OK(dpm_account_epsilon(&below, &less, 1, 1, TINY_DELTA));
    ck_assert(group_of(tiny.accountant, 2) < above && group_of(tiny.accountant, 2) > below);
    CHECK_OK(charge(tiny.accountant, event(DPM_EVENT_LAPLACE, 50, 1, 1)));
    CHECK_FAILS(dpmix_accountant_spent_group(tiny.accountant, &epsilon, 2), DPMIX_ERR_UNSUPPORTED, "group");
    ck_assert_double_eq(group_of(tiny.accountant, 1), tiny_spent(tiny.accountant));
    dpmix_accountant *replace = NULL, *renyi = adaptive(EPSILON, 1, DPMIX_MODE_RENYI, 0);
    CHECK_OK(dpmix_accountant_new(&replace, EPSILON, TINY_DELTA, DPMIX_ADJACENCY_REPLACE_ONE));
    CHECK_OK(charge(replace, sampled));
    CHECK_FAILS(dpmix_accountant_spent_group(replace, &epsilon, 2), DPMIX_ERR_UNSUPPORTED, "group");
    CHECK_FAILS(dpmix_accountant_spent_group(renyi, &epsilon, 2), DPMIX_ERR_UNSUPPORTED, "group");
    CHECK_OK(charge(renyi, sampled));
    ck_assert_double_eq(group_of(renyi, 1), tiny_spent(renyi));
    ck_assert(epsilon == 7);
    dpmix_accountant_free(renyi);
    dpmix_accountant_free(replace);
}
END_TEST

/* A debit is paid by a budget of exactly what it spends, and by nothing less. */
START_TEST(a_budget_ends_where_it_says)
{
    const struct dpm_event one = event(DPM_EVENT_GAUSSIAN, 5, 1, 3);
    double order = _i == DPMIX_MODE_RENYI ? 20 : 0, spent = 0, none = -1;
    for (int less = -1; less < 2; less++) { /* ample, exact, and less */
        double budget = less < 0 ? 50 : less ? nextafter(spent, 0) : spent;
        const struct dpm_account_terms terms = {budget, TINY_DELTA, DPMIX_ADJACENCY_ADD_REMOVE, _i, order};
        dpmix_accountant *accountant = NULL;
        CHECK_OK(dpm_accountant_new_terms(&accountant, terms));
        ck_assert_int_eq(charge(accountant, one), less > 0 ? DPMIX_ERR_BUDGET : DPMIX_OK);
        CHECK_OK(dpm_accountant_spent(accountant, less > 0 ? &none : &spent));
        dpm_accountant_unref(accountant);
    }
}
END_TEST

/* ---- Ledgers and reports ---- */

static dpmix_accountant *used(int mode)
{
    dpmix_accountant *accountant = mode == DPMIX_MODE_PLANNED ? tiny_accountant(4) : adaptive(4, 1, mode, 0);
    CHECK_OK(charge(accountant, event(DPM_EVENT_GAUSSIAN, 10, 1, 1)));
    CHECK_OK(charge(accountant, event(DPM_EVENT_GAUSSIAN, 5, 1, 2)));
    if (mode != DPMIX_MODE_GAUSSIAN)
        CHECK_OK(charge(accountant, kinds[1]));
    return accountant;
}

START_TEST(json_can_be_replayed_in_every_mode)
{
    static const char *const names[] = {"\"mode\": \"planned\"", "\"mode\": \"renyi\"",
                                        "\"mode\": \"gaussian\""};
    dpmix_accountant *accountant = used(_i);
    const char *json = tiny_text(dpmix_accountant_json, accountant), *at = json;
    ck_assert_ptr_nonnull(strstr(json, names[_i - 1]));
    struct dpm_event events[3];
    size_t n = 0;
    double order = _i == DPMIX_MODE_RENYI ? next_number(&at, "order") : 0, sum = 0, replayed;
    ck_assert_double_eq(order, order_of(accountant));
    for (double noise; !isnan(noise = next_number(&at, "noise_multiplier")); n++) {
        ck_assert_uint_lt(n, 3);
        double rate = next_number(&at, "sampling_rate"), count = next_number(&at, "count");
        events[n] = event(DPM_EVENT_SUBSAMPLED_GAUSSIAN, noise, rate, (uint64_t)count);
        double share = next_number(&at, "share"), alone = next_number(&at, "epsilon_alone"), epsilon;
        ck_assert(share > 0 && share < 1);
        CHECK_OK(dpm_account_epsilon(&epsilon, &events[n], 1, 1, TINY_DELTA));
        ck_assert_double_eq(alone, epsilon);
        sum += share;
    }
    ck_assert_uint_eq(n, _i == DPMIX_MODE_GAUSSIAN ? 2 : 3);
    ck_assert_double_eq_tol(sum, 1, 1e-12);
    double share_order = next_number(&at, "share_order"), printed = next_number(&at, "epsilon_spent");
    ck_assert(share_order > 1 && (order == 0 || share_order == order));
    if (order > 0) {
        CHECK_OK(dpm_account_renyi(&replayed, events, n, 1, order));
        replayed = dpm_account_rdp_convert(replayed, order, TINY_DELTA);
    } else {
        CHECK_OK(dpm_account_epsilon(&replayed, events, n, 1, TINY_DELTA));
    }
    ck_assert(printed == replayed && printed == tiny_spent(accountant));
    dpmix_accountant_free(accountant);
}
END_TEST

/* For plain Gaussians the share is that of mu^2, whatever the order; what has no divergence has no share. */
START_TEST(shares_are_parts_of_the_whole)
{
    for (int mode = DPMIX_MODE_PLANNED; mode <= DPMIX_MODE_GAUSSIAN; mode++) {
        dpmix_accountant *accountant =
            mode == DPMIX_MODE_PLANNED ? tiny_accountant(4) : adaptive(4, 1, mode, 0);
        CHECK_OK(charge(accountant, event(DPM_EVENT_GAUSSIAN, 10, 1, 3)));
        const char *at =
            tiny_text(dpmix_accountant_json, accountant); /* made before the second, and right after */
        ck_assert_double_eq_tol(next_number(&at, "share"), 1, 1e-12);
        CHECK_OK(charge(accountant, event(DPM_EVENT_GAUSSIAN, 20, 1, 4)));
        CHECK_FAILS(charge(accountant, event(DPM_EVENT_GAUSSIAN, 0.1, 1, 4)), DPMIX_ERR_BUDGET, "budget");
        at = tiny_text(dpmix_accountant_json, accountant);
        ck_assert_double_eq_tol(next_number(&at, "share"), 0.75, 1e-12);
        ck_assert_double_eq_tol(next_number(&at, "share"), 0.25, 1e-12);
        dpmix_accountant_free(accountant);
    }
    dpmix_accountant *accountant = tiny_accountant(4);
    CHECK_OK(charge(accountant, event(DPM_EVENT_PURE, 10, 1e-6, 1)));
    const char *at = tiny_text(dpmix_accountant_json, accountant);
    ck_assert_ptr_null(strstr(at, "share_order"));
    ck_assert_ptr_nonnull(strstr(tiny_text(dpmix_accountant_report, accountant), "whole: not defined"));
    CHECK_OK(charge(accountant, event(DPM_EVENT_GAUSSIAN, 10, 1, 3)));
    at = tiny_text(dpmix_accountant_json, accountant);
    ck_assert(isnan(next_number(&at, "share")));
    ck_assert_double_eq_tol(next_number(&at, "epsilon_alone"), 0.1, 1e-4);
    ck_assert_double_eq_tol(next_number(&at, "share"), 1, 1e-12);
    dpmix_accountant_free(accountant);
}
END_TEST

/* A debit that runs out of memory while its ledger is written is not in it, nor in what the ledger says next.
 */
START_TEST(a_failed_debit_leaves_no_shares)
{
    struct dpm_event lost = event(DPM_EVENT_GAUSSIAN, 3, 1, 1), made = event(DPM_EVENT_GAUSSIAN, 6, 1, 1);
    char expected[16384];
    dpmix_accountant *accountant = used(DPMIX_MODE_PLANNED);
    CHECK_OK(charge(accountant, made));
    strcpy(expected, tiny_text(dpmix_accountant_json, accountant));
    dpmix_accountant_free(accountant);
    int status = DPMIX_ERR_NOMEM;
    for (uint64_t nth = 1; status != DPMIX_OK; nth++) {
        char *json = NULL;
        accountant = used(DPMIX_MODE_PLANNED);
        dpm_alloc_fail_after(nth, 1);
        status = dpm_accountant_charge(accountant, "a test", &lost, 1, 0, &json);
        dpm_alloc_fail_after(0, 0);
        ck_assert_int_eq(status == DPMIX_OK, json != NULL);
        if (status != DPMIX_OK) {
            ck_assert_int_eq(status, DPMIX_ERR_NOMEM);
            CHECK_OK(charge(accountant, made));
            ck_assert_str_eq(tiny_text(dpmix_accountant_json, accountant), expected);
        }
        dpm_free(json);
        dpmix_accountant_free(accountant);
        ck_assert_uint_lt(nth, 200);
    }
}
END_TEST

START_TEST(the_report_is_for_people)
{
    static const char *const modes[] = {"Mode: planned.", "Mode: adaptive, Renyi filter of order ",
                                        "Mode: adaptive, Gaussian filter."};
    static const char *const always[] = {"PRIVACY LEDGER\n",
                                         "What is protected, and against whom: ",
                                         "(add/remove)",
                                         "Delta is about one in 100000.\n",
                                         "Budget:  epsilon 4, delta 1e-05\n",
                                         "Spent:   epsilon ",
                                         "Share of the whole: ",
                                         "Alone it would have epsilon ",
                                         "Groups of records",
                                         "What is covered: ",
                                         "What is not covered:",
                                         "Settings chosen while looking at the private",
                                         "statistics published elsewhere",
                                         "Side channels"};
    dpmix_accountant *accountant = used(_i);
    const char *report = tiny_text(dpmix_accountant_report, accountant);
    for (size_t i = 0; i < sizeof always / sizeof *always; i++)
        ck_assert_msg(strstr(report, always[i]), "\"%s\" is not in\n%s", always[i], report);
    for (int mode = DPMIX_MODE_PLANNED; mode <= DPMIX_MODE_GAUSSIAN; mode++)
        ck_assert_int_eq(strstr(report, modes[mode - 1]) != NULL, mode == _i);
    ck_assert_int_eq(strstr(report, " for 10 records.") != NULL, _i != DPMIX_MODE_RENYI);
    dpmix_accountant_free(accountant);
}
END_TEST

/* The number behind the words, of which *at is in front. */
static double number_behind(const char **at, const char *words)
{
    *at = strstr(*at, words);
    ck_assert_msg(*at != NULL, "%s", words);
    *at += strlen(words);
    return strtod(*at, NULL);
}

/* What people read is of the step that it stands under, rounded, and never down. */
START_TEST(the_figures_of_the_report_are_those_of_the_ledger)
{
    static const int groups[] = {2, 3, 5, 10};
    const double few_digits = 1 + 2e-3;
    for (int steps = 1; steps < 12; steps++) {
        dpmix_accountant *accountant = tiny_accountant(40);
        double alone, epsilon;
        struct dpm_event first = event(DPM_EVENT_GAUSSIAN, 10 + steps / 7.0, 1, 1);
        CHECK_OK(charge(accountant, first));
        CHECK_OK(charge(accountant, event(DPM_EVENT_GAUSSIAN, 20, 1, (uint64_t)steps)));
        const char *at = tiny_text(dpmix_accountant_report, accountant);
        CHECK_OK(dpm_account_epsilon(&alone, &first, 1, 1, TINY_DELTA));
        double printed = number_behind(&at, "Alone it would have epsilon ");
        ck_assert_msg(printed >= alone && printed <= alone * few_digits, "%g, not %.9g", printed, alone);
        (void)number_behind(&at, "\n2. a test\n");
        ck_assert_double_eq(number_behind(&at, "The noise has "), 20);
        for (size_t i = 0; i < sizeof groups / sizeof *groups; i++) {
            CHECK_OK(dpmix_accountant_spent_group(accountant, &epsilon, groups[i]));
            printed = number_behind(&at, "\n - epsilon ");
            ck_assert_msg(printed >= epsilon && printed <= epsilon * few_digits, "%g, not %.9g", printed,
                          epsilon);
            ck_assert_double_eq(number_behind(&at, " for "), groups[i]);
        }
        dpmix_accountant_free(accountant);
    }
}
END_TEST

static Suite *suite(void)
{
    Suite *suite = suite_create("adaptive");
    TCase *test_case = check_case(suite, "adaptive");
    tcase_add_checked_fixture(test_case, setup, teardown);
    tcase_add_test(test_case, bad_terms_are_refused);
    tcase_add_test(test_case, the_mode_is_what_was_opened);
    tcase_add_loop_test(test_case, the_order_chosen_is_the_best_for_a_gaussian, 0, 7);
    tcase_add_loop_test(test_case, what_is_spent_is_the_sum_of_divergences, 1, 4);
    tcase_add_test(test_case, a_delta_of_its_own_is_refused);
    tcase_add_loop_test(test_case, divergence_is_shared_out, 0, 6);
    tcase_add_loop_test(test_case, gaussians_cost_what_they_cost_when_planned, 1, 4);
    tcase_add_test(test_case, the_gaussian_filter_takes_nothing_else);
    tcase_add_loop_test(test_case, fits_work_in_every_mode, 0, 6);
    tcase_add_loop_test(test_case, the_exact_curve_is_no_filter, 0, 4);
    tcase_add_loop_test(test_case, a_budget_ends_where_it_says, DPMIX_MODE_PLANNED, DPMIX_MODE_GAUSSIAN + 1);
    tcase_add_test(test_case, groups_of_plain_gaussians_have_k_times_the_mu);
    tcase_add_test(test_case, groups_of_sampled_gaussians_are_known_where_they_are);
    tcase_add_loop_test(test_case, json_can_be_replayed_in_every_mode, DPMIX_MODE_PLANNED,
                        DPMIX_MODE_GAUSSIAN + 1);
    tcase_add_test(test_case, shares_are_parts_of_the_whole);
    tcase_add_test(test_case, a_failed_debit_leaves_no_shares);
    tcase_add_test(test_case, the_figures_of_the_report_are_those_of_the_ledger);
    tcase_add_loop_test(test_case, the_report_is_for_people, DPMIX_MODE_PLANNED, DPMIX_MODE_GAUSSIAN + 1);
    return suite;
}

CHECK_MAIN(suite)
