/* SPDX-License-Identifier: BSD-3-Clause */
/* The accountant at its edges: memory that runs out within a computation, numbers that doubles hardly hold,
 * plans that no other test has, and texts that are none. */
#include "account_audit.h"
#include "account_curve.h"
#include "account_lattice.h"
#include "account_ledger.h"
#include "account_loss.h"
#include "account_pld.h"
#include "account_rdp.h"
#include "account_renyi.h"
#include "account_terms.h"
#include "base_alloc.h"
#include "base_fail.h"
#include "check_main.h"

#include <dpmix/accountant.h>
#include <dpmix/status.h>

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#define DELTA 1e-5

enum { ADD_REMOVE = DPMIX_ADJACENCY_ADD_REMOVE, REPLACE_ONE = DPMIX_ADJACENCY_REPLACE_ONE };

static struct dpm_event event(int kind, double noise, double rate, uint64_t count)
{
    return (struct dpm_event){kind, noise, rate, count};
}

static double epsilon_of(const struct dpm_event *events, size_t n, int adjacency, int group, double delta)
{
    double epsilon = NAN;
    ck_assert_int_eq(dpm_account_group_epsilon(&epsilon, events, n, adjacency, group, delta), 0);
    return epsilon;
}

static double delta_of(const struct dpm_event *events, size_t n, int adjacency, int group, double epsilon)
{
    double delta = NAN;
    ck_assert_int_eq(dpm_account_group_delta(&delta, events, n, adjacency, group, epsilon), 0);
    return delta;
}

/* ---- Memory ---- */

/* Something that is computed of a list of events. */
static const struct task {
    const char *name;
    struct dpm_event events[2];
    size_t n;
    int adjacency, group;
} tasks[] = {
    {"sampled", {{DPM_EVENT_SUBSAMPLED_GAUSSIAN, 2, 0.1, 50}}, 1, ADD_REMOVE, 1},
    {"responses", {{DPM_EVENT_RANDOMIZED_RESPONSE, 2, 1, 50}}, 1, ADD_REMOVE, 1},
    {"Laplace", {{DPM_EVENT_LAPLACE, 4, 1, 60}}, 1, ADD_REMOVE, 1},
    {"sampled Laplace", {{DPM_EVENT_SUBSAMPLED_LAPLACE, 4, 0.5, 60}}, 1, ADD_REMOVE, 1},
    {"mixed", {{DPM_EVENT_LAPLACE, 4, 1, 9}, {DPM_EVENT_SUBSAMPLED_GAUSSIAN, 3, 0.2, 9}}, 2, ADD_REMOVE, 1},
    {"steps", {{DPM_EVENT_GEOMETRIC, 9, 1, 3}, {DPM_EVENT_LAPLACE, 9, 1, 2}}, 2, REPLACE_ONE, 1},
    {"a group", {{DPM_EVENT_SUBSAMPLED_GAUSSIAN, 3, 0.1, 20}}, 1, ADD_REMOVE, 3},
    {"a rough group",
     {{DPM_EVENT_SUBSAMPLED_GAUSSIAN, 0.01, 0.1, 2}, {DPM_EVENT_GAUSSIAN, 1, 1, 1}},
     2,
     ADD_REMOVE,
     2},
};

enum { N_TASKS = sizeof tasks / sizeof *tasks };

static int ask_epsilon(const struct task *task, double *value)
{
    return dpm_account_group_epsilon(value, task->events, task->n, task->adjacency, task->group, DELTA);
}

static int ask_delta(const struct task *task, double *value)
{
    return dpm_account_group_delta(value, task->events, task->n, task->adjacency, task->group, 1);
}

static int ask_divergence(const struct task *task, double *value)
{
    return dpm_account_renyi(value, task->events, task->n, task->adjacency, 4);
}

static int ask_noise(const struct task *task, double *value)
{
    return dpm_account_calibrate(value, task->events, task->n, task->events, task->n, task->adjacency, DELTA,
                                 1e6);
}

static int ask_renyi_noise(const struct task *task, double *value)
{
    return dpm_account_calibrate_renyi(value, task->events, task->n, task->events, task->n, task->adjacency,
                                       2, 1e6);
}

typedef int ask_fn(const struct task *task, double *value);

/* Allocations fail in turn, alone or with all that follow: all of the first ones, then ever fewer, up to the
 * `most`-th. A computation that has all it asks for is as ever. */
static void fail_each(ask_fn *ask, const struct task *task, uint64_t most)
{
    int64_t live = dpm_alloc_live();
    uint64_t failed = 0;
    for (int for_ever = 0; for_ever < 2; for_ever++)
        for (uint64_t nth = 1; nth <= most; nth += 1 + nth / 32) {
            double value = 77, again = 77;
            dpm_alloc_fail_after(nth, for_ever);
            int status = ask(task, &value);
            dpm_alloc_fail_after(0, 0);
            ck_assert_int_eq(dpm_alloc_live(), live);
            if (status == DPMIX_OK) {
                ck_assert_int_eq(ask(task, &again), 0);
                ck_assert(value == again);
                break;
            }
            ck_assert_msg(status == DPMIX_ERR_NOMEM && value == 77, "%s: allocation %d: %d", task->name,
                          (int)nth, status);
            failed++;
        }
    ck_assert_uint_ge(failed, 2);
}

START_TEST(without_memory_there_is_no_curve)
{
    fail_each(ask_epsilon, &tasks[_i], 400);
    fail_each(ask_delta, &tasks[_i], 400);
}
END_TEST

START_TEST(without_memory_there_is_no_divergence)
{
    if (tasks[_i].group > 1)
        return;
    fail_each(ask_divergence, &tasks[_i], 400);
    fail_each(ask_renyi_noise, &tasks[_i], 30);
    fail_each(ask_noise, &tasks[_i], 30);
}
END_TEST

/* A grid alone, without the contour that comes before it. */
static struct dpm_law laplace_law(double rate)
{
    return (struct dpm_law){DPM_SHAPE_LAPLACE, 1, rate, 4, 30, INFINITY};
}

static int ask_grid_epsilon(const struct task *task, double *value)
{
    struct dpm_law law = laplace_law(1);
    const struct dpm_laws laws = {0, 0, 1, &law};
    double excess;
    (void)task;
    return dpm_account_pld_epsilon(value, &excess, &laws, DPM_LOSS_REMOVE, log(DELTA));
}

static int ask_grid_delta(const struct task *task, double *value)
{
    struct dpm_law law = laplace_law(1);
    const struct dpm_laws laws = {0, 0, 1, &law};
    double excess;
    (void)task;
    return dpm_account_pld_delta(value, &excess, &laws, DPM_LOSS_REMOVE, 1);
}

START_TEST(without_memory_there_is_no_grid)
{
    fail_each(ask_grid_epsilon, &tasks[0], 100);
    fail_each(ask_grid_delta, &tasks[0], 100);
}
END_TEST

static int ask_text(const struct task *task, double *value)
{
    struct dpmix_accountant *accountant = NULL;
    char *text = NULL;
    int status = dpm_accountant_new(&accountant, 100, DELTA, task->adjacency);
    if (!status)
        status = dpm_accountant_charge(accountant, "one", task->events, task->n, 0, NULL);
    if (!status)
        status = dpm_accountant_text(&text, accountant);
    if (!status)
        *value = (double)strlen(text);
    dpm_free(text);
    dpm_accountant_unref(accountant);
    return status;
}

START_TEST(without_memory_there_is_no_report)
{
    fail_each(ask_text, &tasks[_i], 1000);
}
END_TEST

/* ---- Numbers at the end of doubles ---- */

/* Sampling at a rate below delta: no noise is needed, and there is no least one. */
START_TEST(what_hides_in_delta_needs_no_noise)
{
    const struct dpm_event rare = event(DPM_EVENT_SUBSAMPLED_GAUSSIAN, 1, 1e-7, 1);
    struct dpm_event made = rare;
    ck_assert_int_eq(dpm_account_calibrate(&made.noise_multiplier, NULL, 0, &rare, 1, ADD_REMOVE, DELTA, 0.5),
                     0);
    ck_assert(made.noise_multiplier > 0 && made.noise_multiplier < 1e-3);
    ck_assert(epsilon_of(&made, 1, ADD_REMOVE, 1, DELTA) == 0);
}
END_TEST

/* Relative noise so small or so large that its divergence is no number: calibration starts elsewhere. */
START_TEST(divergences_out_of_range_are_calibrated_too)
{
    static const double scales[] = {1e-200, 1, 1e200};
    double noise[3];
    for (int i = 0; i < 3; i++) {
        struct dpm_event stage = event(DPM_EVENT_GAUSSIAN, scales[i], 1, 3);
        double multiplier = NAN;
        ck_assert_int_eq(dpm_account_calibrate_renyi(&multiplier, NULL, 0, &stage, 1, ADD_REMOVE, 3, 0.7), 0);
        noise[i] = multiplier * scales[i];
        ck_assert_double_eq_tol(noise[i], noise[0], 1e-9 * noise[0]);
    }
    ck_assert_double_eq_tol(noise[1], sqrt(3 * 3 / 2.0 / 0.7), 1e-8);
}
END_TEST

START_TEST(a_filter_without_debits_has_spent_nothing)
{
    const struct dpm_account_terms terms = {1, DELTA, ADD_REMOVE, DPMIX_MODE_RENYI, 8};
    double spent = NAN;
    ck_assert_int_eq(dpm_account_terms_spent(&spent, &terms, NULL, 0), 0);
    ck_assert(spent == 0);
    ck_assert(dpm_account_rdp_epsilon(NULL, 0, DELTA) == 0);
}
END_TEST

START_TEST(terms_out_of_range_are_refused)
{
    static const int modes[] = {DPMIX_MODE_PLANNED - 1, DPMIX_MODE_GAUSSIAN + 1};
    for (int i = 0; i < 2; i++) {
        struct dpm_account_terms terms = {1, DELTA, ADD_REMOVE, modes[i], 0};
        ck_assert_int_eq(dpm_account_terms_check(&terms), DPMIX_ERR_RANGE);
        ck_assert_ptr_nonnull(strstr(dpm_fail_message(), "mode: "));
    }
    const struct dpm_account_terms renyi = {1, DELTA, ADD_REMOVE, DPMIX_MODE_RENYI, 8};
    const struct dpm_event gaussian = event(DPM_EVENT_GAUSSIAN, 9, 1, 1);
    double epsilon = 7;
    ck_assert_int_eq(dpm_account_terms_group(&epsilon, &renyi, &gaussian, 1, 0), DPMIX_ERR_RANGE);
    ck_assert_ptr_nonnull(strstr(dpm_fail_message(), "group: "));
    ck_assert(epsilon == 7);
}
END_TEST

START_TEST(events_out_of_range_are_refused)
{
    const struct {
        struct dpm_event event;
        int status;
    } cases[] = {
        {event(0, 1, 1, 1), DPMIX_ERR_ARG},
        {event(8, 1, 1, 1), DPMIX_ERR_ARG},
        {event(DPM_EVENT_PURE, 1, -0.1, 1), DPMIX_ERR_RANGE},
        {event(DPM_EVENT_PURE, 1, 1, 1), DPMIX_ERR_RANGE},
        {event(DPM_EVENT_PURE, 1, NAN, 1), DPMIX_ERR_RANGE},
        {event(DPM_EVENT_SUBSAMPLED_LAPLACE, 1, 0.5, 1), DPMIX_ERR_UNSUPPORTED},
        {event(DPM_EVENT_SUBSAMPLED_LAPLACE, 1, 1, 1), DPMIX_OK},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        ck_assert_int_eq(dpm_account_check(&cases[i].event, 1, REPLACE_ONE), cases[i].status);
    struct dpmix_accountant *accountant = NULL;
    ck_assert_int_eq(dpm_accountant_new(&accountant, 1, DELTA, ADD_REMOVE), 0);
    const struct dpm_event good = event(DPM_EVENT_GAUSSIAN, 9, 1, 1);
    ck_assert_int_eq(dpm_accountant_charge(accountant, NULL, &good, 1, 0, NULL), DPMIX_ERR_ARG);
    ck_assert_ptr_nonnull(strstr(dpm_fail_message(), "purpose: "));
    dpm_accountant_unref(accountant);
}
END_TEST

/* A rate of 1 is no sampling, whatever the kind is called. */
START_TEST(sampling_all_is_not_sampling)
{
    static const int pairs[][2] = {{DPM_EVENT_SUBSAMPLED_LAPLACE, DPM_EVENT_LAPLACE},
                                   {DPM_EVENT_SUBSAMPLED_GAUSSIAN, DPM_EVENT_GAUSSIAN}};
    for (int adjacency = ADD_REMOVE; adjacency <= DPMIX_ADJACENCY_ZERO_OUT; adjacency++)
        for (int i = 0; i < 2; i++) {
            struct dpm_event named = event(pairs[i][0], 3, 1, 7), plain = event(pairs[i][1], 3, 1, 7);
            ck_assert(epsilon_of(&named, 1, adjacency, 1, DELTA) ==
                      epsilon_of(&plain, 1, adjacency, 1, DELTA));
        }
    struct dpmix_accountant *accountant = NULL;
    char *json = NULL;
    const struct dpm_event named = event(DPM_EVENT_SUBSAMPLED_LAPLACE, 3, 1, 7);
    ck_assert_int_eq(dpm_accountant_new(&accountant, 9, DELTA, ADD_REMOVE), 0);
    ck_assert_int_eq(dpm_accountant_charge(accountant, "all", &named, 1, 0, &json), 0);
    ck_assert_ptr_nonnull(strstr(json, "\"mechanism\": \"laplace\""));
    dpm_free(json);
    dpm_accountant_unref(accountant);
}
END_TEST

/* One run with very little noise: the closed form where exp(epsilon) is no number. Between rows that take
 * part always and the truth lies log(q). */
START_TEST(large_losses_have_logarithms)
{
    const struct dpm_event sampled = event(DPM_EVENT_SUBSAMPLED_GAUSSIAN, 0.02, 0.25, 1);
    const struct dpm_event all = event(DPM_EVENT_GAUSSIAN, 0.02, 1, 1);
    double epsilon = epsilon_of(&sampled, 1, ADD_REMOVE, 1, DELTA);
    ck_assert_double_gt(epsilon, 600);
    ck_assert_double_eq_tol(epsilon, epsilon_of(&all, 1, ADD_REMOVE, 1, 4 * DELTA) + log(0.25), 1e-6);
    ck_assert_double_eq_tol(delta_of(&sampled, 1, ADD_REMOVE, 1, epsilon), DELTA, 1e-6 * DELTA);
}
END_TEST

/* The audit at confidences that doubles can just tell from 0 and from 1. */
START_TEST(extreme_levels_refute_nothing)
{
    const struct dpm_audit one = {1, 1, 1}, many = {1 << 20, 9, 9};
    ck_assert_int_eq(dpm_account_audit_refutes(&one, 0, 1 - DBL_EPSILON), 1);
    ck_assert_int_eq(dpm_account_audit_refutes(&many, 0, 0x1p-1074), 0);
    ck_assert_int_eq(dpm_account_audit_refutes(&many, 40, 1e-300), 0);
}
END_TEST

/* ---- Other ways to the same value ---- */

/* Many runs leave the way for few of them; one more run costs a little more. */
START_TEST(many_runs_go_on_where_few_end)
{
    static const struct {
        int kind;
        double noise, rate;
        uint64_t few;
    } cases[] = {{DPM_EVENT_LAPLACE, 400, 1, 20000},
                 {DPM_EVENT_RANDOMIZED_RESPONSE, 327185.71280820196, 1, 10000000}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct dpm_event few = event(cases[i].kind, cases[i].noise, 1, cases[i].few), more = few;
        more.count += more.count / 1000;
        double at_few = epsilon_of(&few, 1, ADD_REMOVE, 1, DELTA);
        double at_more = epsilon_of(&more, 1, ADD_REMOVE, 1, DELTA);
        ck_assert_msg(at_more > at_few && at_more < at_few * 1.001, "%.9g, then %.9g", at_few, at_more);
    }
}
END_TEST

/* Beyond the largest loss there is no delta. */
START_TEST(no_loss_is_above_the_largest)
{
    const struct dpm_event laplace = event(DPM_EVENT_LAPLACE, 2, 1, 3);
    ck_assert_double_lt(delta_of(&laplace, 1, ADD_REMOVE, 1, 1.6), 1e-9);
    ck_assert_double_gt(delta_of(&laplace, 1, ADD_REMOVE, 1, 1.2), 1e-4);
    struct dpm_lattice lattice;
    const struct dpm_law single = {DPM_SHAPE_LAPLACE, 1, 1, 2, 1, INFINITY};
    ck_assert_int_eq(dpm_account_lattice_new(&lattice, &single, 1), 0);
    for (int i = 0; i < 9; i++) {
        double epsilon = 0.07 * i, exact = epsilon < 0.5 ? -expm1(0.5 * (epsilon - 0.5)) : 0;
        ck_assert_double_eq_tol(dpm_account_lattice_delta(&lattice, epsilon), exact, 1e-9);
    }
    dpm_account_lattice_free(&lattice);
}
END_TEST

/* A law that is its own mirror image has one curve. */
START_TEST(symmetric_laws_have_one_direction)
{
    struct dpm_law laws[] = {laplace_law(1),
                             {DPM_SHAPE_REPLACE, 1, 0.2, 2, 30, INFINITY},
                             {DPM_SHAPE_STEPS, 1, 1, 9, 30, INFINITY}};
    for (size_t i = 0; i < sizeof laws / sizeof *laws; i++) {
        const struct dpm_laws one = {0, 0, 1, &laws[i]};
        double epsilon[2], log_delta[2], excess;
        for (int direction = DPM_LOSS_REMOVE; direction <= DPM_LOSS_ADD; direction++) {
            ck_assert_int_eq(
                dpm_account_pld_epsilon(&epsilon[direction], &excess, &one, direction, log(DELTA)), 0);
            ck_assert_int_eq(dpm_account_pld_delta(&log_delta[direction], &excess, &one, direction, 1), 0);
        }
        ck_assert_double_gt(epsilon[0], 0.3);
        ck_assert_double_eq_tol(epsilon[0], epsilon[1], 1e-5 * epsilon[0]);
        ck_assert_double_eq_tol(log_delta[0], log_delta[1], 1e-4);
    }
}
END_TEST

/* Sampled Laplace noise: a row that comes costs more than one that goes, or the other way round; the exact
 * curve is the larger of both, and the grid agrees with it. */
START_TEST(sampled_laplace_has_two_directions)
{
    struct dpm_law law = laplace_law(0.3);
    const struct dpm_laws laws = {0, 0, 1, &law};
    const struct dpm_event same = event(DPM_EVENT_SUBSAMPLED_LAPLACE, 4, 0.3, 30);
    double epsilon[2], excess;
    for (int direction = DPM_LOSS_REMOVE; direction <= DPM_LOSS_ADD; direction++)
        ck_assert_int_eq(dpm_account_pld_epsilon(&epsilon[direction], &excess, &laws, direction, log(DELTA)),
                         0);
    double exact = epsilon_of(&same, 1, ADD_REMOVE, 1, DELTA);
    ck_assert(epsilon[0] != epsilon[1]);
    ck_assert_double_eq_tol(fmax(epsilon[0], epsilon[1]), exact, 1e-5 * exact);
}
END_TEST

/* Too little noise for the exact curve: the bounds that are left, which are above those of more noise. */
START_TEST(too_little_noise_has_bounds)
{
    static const struct {
        int kind, adjacency, group;
    } cases[] = {{DPM_EVENT_SUBSAMPLED_GAUSSIAN, ADD_REMOVE, 1},
                 {DPM_EVENT_SUBSAMPLED_GAUSSIAN, REPLACE_ONE, 1},
                 {DPM_EVENT_SUBSAMPLED_GAUSSIAN, ADD_REMOVE, 2},
                 {DPM_EVENT_LAPLACE, ADD_REMOVE, 1},
                 {DPM_EVENT_RANDOMIZED_RESPONSE, ADD_REMOVE, 1}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct dpm_event little = event(cases[i].kind, 0.01, 0.5, 2),
                         more = event(cases[i].kind, 0.03, 0.5, 2);
        double bound = epsilon_of(&little, 1, cases[i].adjacency, cases[i].group, DELTA);
        ck_assert(bound > epsilon_of(&more, 1, cases[i].adjacency, cases[i].group, DELTA) && bound < 1e6);
        ck_assert_double_ge(delta_of(&little, 1, cases[i].adjacency, cases[i].group, 10), 0.1);
    }
}
END_TEST

/* Far beyond all losses; and where c epsilon is no number any more, a bound is still one. */
START_TEST(an_epsilon_beyond_all_has_no_delta)
{
    const struct dpm_event plans[] = {event(DPM_EVENT_SUBSAMPLED_GAUSSIAN, 2, 0.1, 50),
                                      event(DPM_EVENT_SUBSAMPLED_LAPLACE, 2, 0.1, 50),
                                      event(DPM_EVENT_SUBSAMPLED_GAUSSIAN, 2.56, 0.148, 985388287)};
    for (size_t i = 0; i < 3; i++) {
        if (i < 2)
            ck_assert_double_lt(delta_of(&plans[i], 1, ADD_REMOVE, 1, 1e192), 1e-9);
        double delta = delta_of(&plans[i], 1, ADD_REMOVE, 1, 1e308);
        ck_assert(delta >= 0 && delta <= 1);
    }
}
END_TEST

/* A delta that no double holds is the least one, and not 0: that would be a promise for every output. */
START_TEST(no_delta_is_rounded_to_nothing)
{
    const struct dpm_event rare = event(DPM_EVENT_SUBSAMPLED_GAUSSIAN, 7.687, 0.0016004, 23);
    for (int adjacency = ADD_REMOVE; adjacency <= DPMIX_ADJACENCY_ZERO_OUT; adjacency++) {
        double near = delta_of(&rare, 1, adjacency, 1, 0.2), far = delta_of(&rare, 1, adjacency, 1, 4.284);
        ck_assert_msg(far > 0 && far < 1e-300 && near > far && near < 1e-30, "%.3e, then %.3e", near, far);
    }
}
END_TEST

/* Answers whose losses add up: all of them at a delta below the chance of a single other one. */
START_TEST(a_tiny_delta_asks_for_all_losses)
{
    const struct dpm_event few = event(DPM_EVENT_RANDOMIZED_RESPONSE, 26357.859, 1, 46);
    double all = 46 / 26357.859, epsilon = epsilon_of(&few, 1, ADD_REMOVE, 1, 0x1p-720);
    ck_assert(epsilon > all * 45 / 46 && epsilon <= all * (1 + 1e-8));
    ck_assert_double_lt(delta_of(&few, 1, ADD_REMOVE, 1, 0.179), 1e-300);
    const struct dpm_event many = event(DPM_EVENT_RANDOMIZED_RESPONSE, 0.45746, 1, 3566);
    epsilon = epsilon_of(&many, 1, ADD_REMOVE, 1, DELTA);
    ck_assert_double_eq_tol(delta_of(&many, 1, ADD_REMOVE, 1, epsilon), DELTA, 1e-5 * DELTA);
}
END_TEST

/* Sampling under replace-one together with answers, which no method likes: between the one alone and the sum
 * of both alone. */
START_TEST(an_unloved_mixture_is_between_its_parts)
{
    const struct dpm_event both[] = {event(DPM_EVENT_SUBSAMPLED_GAUSSIAN, 0.2885036, 0.00015768717, 1837),
                                     event(DPM_EVENT_RANDOMIZED_RESPONSE, 0.95333, 1, 9)};
    double delta = 0.00053928256885598324, epsilon = epsilon_of(both, 2, REPLACE_ONE, 1, delta);
    double sampled = epsilon_of(both, 1, REPLACE_ONE, 1, delta);
    ck_assert_double_ge(epsilon, sampled);
    ck_assert_double_le(epsilon, sampled + 9 / 0.95333 + 1e-6);
    ck_assert_double_ge(delta_of(both, 2, REPLACE_ONE, 1, 2.345), delta_of(both, 1, REPLACE_ONE, 1, 2.345));
}
END_TEST

/* So little noise that a grid for it has too many nodes, and next to it what costs hardly anything. */
START_TEST(a_grid_that_is_too_long_is_none)
{
    const struct dpm_event both[] = {event(DPM_EVENT_SUBSAMPLED_GAUSSIAN, 0.000829398, 1, 22),
                                     event(DPM_EVENT_SUBSAMPLED_GAUSSIAN, 118.4698, 0.000084875, 19)};
    double alone = epsilon_of(both, 1, ADD_REMOVE, 1, 1e-131),
           epsilon = epsilon_of(both, 2, ADD_REMOVE, 1, 1e-131);
    ck_assert(epsilon >= alone && epsilon <= alone * 1.01);
    /* The first alone has delta 1. So far beyond epsilon there is no saddle for a line to pass. */
    ck_assert_double_ge(delta_of(both, 2, ADD_REMOVE, 1, 0.12), delta_of(both, 1, ADD_REMOVE, 1, 0.12));
}
END_TEST

/* ---- Texts ---- */

/* Bytes and what stands for them in JSON, in plain text. */
static const struct {
    const char *bytes, *json, *plain;
} texts[] = {
    {"a\x7f z", "a\\u007f z", "a  z"},
    {"\xc3\xa4", "\xc3\xa4", "\xc3\xa4"},
    {"\xe0\xa0\x80", "\xe0\xa0\x80", "\xe0\xa0\x80"},
    {"\xed\x9f\xbf", "\xed\x9f\xbf", "\xed\x9f\xbf"},
    {"\xf0\x90\x80\x80", "\xf0\x90\x80\x80", "\xf0\x90\x80\x80"},
    {"\xf4\x8f\xbf\xbf", "\xf4\x8f\xbf\xbf", "\xf4\x8f\xbf\xbf"},
    {"\xf1\x80\x80\x80", "\xf1\x80\x80\x80", "\xf1\x80\x80\x80"},
    {"\xc3 ", "\\ufffd ", "? "},                      /* cut short */
    {"\xe0\x9f\x80", "\\ufffd\\ufffd\\ufffd", "???"}, /* longer than it must be */
    {"\xf0\x8f\x80\x80", "\\ufffd\\ufffd\\ufffd\\ufffd", "????"},
    {"\xed\xa0\x80", "\\ufffd\\ufffd\\ufffd", "???"},             /* half of a pair */
    {"\xf4\x90\x80\x80", "\\ufffd\\ufffd\\ufffd\\ufffd", "????"}, /* beyond Unicode */
    {"\xf5\x80", "\\ufffd\\ufffd", "??"},
};

START_TEST(purposes_are_utf8_in_reports)
{
    struct dpmix_accountant *accountant = NULL;
    const struct dpm_event one = event(DPM_EVENT_GAUSSIAN, 9, 1, 1);
    char *json = NULL, *plain = NULL, wanted[64];
    ck_assert_int_eq(dpm_accountant_new(&accountant, 9, DELTA, ADD_REMOVE), 0);
    ck_assert_int_eq(dpm_accountant_charge(accountant, texts[_i].bytes, &one, 1, 0, &json), 0);
    snprintf(wanted, sizeof wanted, "\"purpose\": \"%s\"", texts[_i].json);
    ck_assert_msg(strstr(json, wanted) != NULL, "%s is not in %s", wanted, json);
    ck_assert_int_eq(dpm_accountant_text(&plain, accountant), 0);
    snprintf(wanted, sizeof wanted, "1. %s\n", texts[_i].plain);
    ck_assert_msg(strstr(plain, wanted) != NULL, "%s is not in %s", wanted, plain);
    dpm_free(json);
    dpm_free(plain);
    dpm_accountant_unref(accountant);
}
END_TEST

static Suite *suite(void)
{
    Suite *suite = suite_create("curve");
    TCase *test_case = tcase_create("curve");
    tcase_set_timeout(test_case, 0);
    suite_add_tcase(suite, test_case);
    tcase_add_loop_test(test_case, without_memory_there_is_no_curve, 0, N_TASKS);
    tcase_add_loop_test(test_case, without_memory_there_is_no_divergence, 0, N_TASKS);
    tcase_add_test(test_case, without_memory_there_is_no_grid);
    tcase_add_loop_test(test_case, without_memory_there_is_no_report, 0, 2);
    tcase_add_test(test_case, what_hides_in_delta_needs_no_noise);
    tcase_add_test(test_case, divergences_out_of_range_are_calibrated_too);
    tcase_add_test(test_case, a_filter_without_debits_has_spent_nothing);
    tcase_add_test(test_case, terms_out_of_range_are_refused);
    tcase_add_test(test_case, events_out_of_range_are_refused);
    tcase_add_test(test_case, sampling_all_is_not_sampling);
    tcase_add_test(test_case, large_losses_have_logarithms);
    tcase_add_test(test_case, extreme_levels_refute_nothing);
    tcase_add_test(test_case, many_runs_go_on_where_few_end);
    tcase_add_test(test_case, no_loss_is_above_the_largest);
    tcase_add_test(test_case, symmetric_laws_have_one_direction);
    tcase_add_test(test_case, sampled_laplace_has_two_directions);
    tcase_add_test(test_case, too_little_noise_has_bounds);
    tcase_add_test(test_case, an_epsilon_beyond_all_has_no_delta);
    tcase_add_test(test_case, no_delta_is_rounded_to_nothing);
    tcase_add_test(test_case, a_tiny_delta_asks_for_all_losses);
    tcase_add_test(test_case, an_unloved_mixture_is_between_its_parts);
    tcase_add_test(test_case, a_grid_that_is_too_long_is_none);
    tcase_add_loop_test(test_case, purposes_are_utf8_in_reports, 0, (int)(sizeof texts / sizeof *texts));
    return suite;
}

CHECK_MAIN(suite)
