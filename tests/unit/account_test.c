/* SPDX-License-Identifier: BSD-3-Clause */
#include "account_curve.h"
#include "account_gauss.h"
#include "account_ledger.h"
#include "account_rdp.h"
#include "base_fail.h"

#include "tiny_events.h"
#include "tiny_json.h"

#include <float.h>
#include <locale.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { COLUMNS = 6, MAX_EVENTS = 8, MAX_ORDERS = 200 };

static FILE *open_table(const char *name)
{
    const char *folder = getenv("DPMIX_TEST_DATA");
    char path[4096];
    ck_assert_msg(folder != NULL, "DPMIX_TEST_DATA: must name the folder of the tables");
    snprintf(path, sizeof path, "%s/%s.tsv", folder, name);
    FILE *file = fopen(path, "r");
    ck_assert_msg(file != NULL, "%s: cannot be opened", path);
    return file;
}

/* The next row of `columns` numbers, or 0 at the end. */
static int next_row(FILE *file, double *row, int columns)
{
    char line[512];
    do {
        if (!fgets(line, sizeof line, file))
            return 0;
    } while (line[0] == '#');
    char *at = line, *end;
    for (int i = 0; i < columns; i++, at = end) {
        row[i] = strtod(at, &end);
        ck_assert_ptr_ne(at, end);
    }
    return 1;
}

static void close_table(FILE *file, int rows, int expected)
{
    ck_assert_int_eq(fclose(file), 0);
    ck_assert_int_eq(rows, expected);
}

/* |value - wanted| within the larger of both tolerances. */
static int near(double value, double wanted, double relative, double absolute)
{
    return fabs(value - wanted) <= fmax(relative * fabs(wanted), absolute);
}

static struct dpm_event gaussian(double noise, uint64_t count)
{
    return (struct dpm_event){DPM_EVENT_GAUSSIAN, noise, 1.0, count};
}

static struct dpm_event sampled(double rate, double noise, uint64_t count)
{
    return (struct dpm_event){DPM_EVENT_SUBSAMPLED_GAUSSIAN, noise, rate, count};
}

START_TEST(rdp_is_that_of_the_table)
{
    FILE *file = open_table("account_rdp");
    double row[COLUMNS];
    int rows = 0;
    for (; next_row(file, row, 4); rows++) {
        double value = dpm_account_rdp_subsampled(row[2], row[0], row[1]);
        ck_assert_msg(near(value, row[3], 1e-9, 1e-15), "%g %g %g: %.17g", row[0], row[1], row[2], value);
        ck_assert_msg(value >= row[3] * (1 - 1e-12), "%g %g %g: %.17g", row[0], row[1], row[2], value);
    }
    close_table(file, rows, 1016);
}
END_TEST

/* The divergence at a whole order by the binomial sum (Mironov, Talwar and Zhang 2019, section 3.3). */
static long double binomial_rdp(int order, long double q, long double s)
{
    long double scale = 0.0L, sum = 0.0L;
    for (int pass = 0; pass < 2; pass++) {
        for (int k = 2; k <= order; k++) {
            long double weight = lgammal(order + 1.0L) - lgammal(k + 1.0L) - lgammal(order - k + 1.0L) +
                                 k * logl(q) + (order - k) * log1pl(-q);
            long double grown = k * (k - 1) / (2 * s * s);
            if (pass == 0)
                scale = fmaxl(scale, weight + grown);
            else
                sum += expl(weight + grown - scale) * -expm1l(-grown);
        }
    }
    long double moment = scale > 100 ? scale + logl(sum) : log1pl(sum * expl(scale));
    return moment / (order - 1);
}

/* Its logarithms go to some 1e4. Where long double is no longer than double, as under valgrind, they lose
 * digits. */
static double binomial_error(void)
{
    volatile long double sum = 1, little = DBL_EPSILON / 4;
    sum += little;
    return sum > 1 ? 1e-12 : 1e-10;
}

START_TEST(rdp_at_whole_orders_is_the_binomial_sum)
{
    for (int i = 0; i < 2000; i++) {
        int order = (int)log_uniform(2, 2000);
        double q = i % 5 ? log_uniform(1e-7, 1) : 1 - log_uniform(1e-9, 0.5);
        double s = i % 3 ? log_uniform(0.06, 10) : log_uniform(0.06, 1e4);
        double wanted = (double)binomial_rdp(order, q, s);
        double value = dpm_account_rdp_subsampled(order, q, s);
        ck_assert_msg(near(value, wanted, 1e-10, 0) && value >= wanted * (1 - binomial_error()),
                      "%d %g %g: %.17g %.17g", order, q, s, value, wanted);
    }
}
END_TEST

/* In the order, the rate and the noise; between that of order 1 and the plain Gaussian's. */
START_TEST(rdp_is_monotone)
{
    for (int i = 0; i < 500; i++) {
        double q = log_uniform(1e-6, 0.5), s = log_uniform(0.06, 100), order = 1 + log_uniform(1e-8, 1e4);
        double value = dpm_account_rdp_subsampled(order, q, s);
        double more = 1 + 1e-9;
        ck_assert(value >= 0 && value <= dpm_account_rdp_gaussian(order, s) * more);
        ck_assert(value <= dpm_account_rdp_subsampled(1 + (order - 1) * 1.01, q, s) * more);
        ck_assert(value <= dpm_account_rdp_subsampled(order, q * 1.01, s) * more);
        ck_assert(value >= dpm_account_rdp_subsampled(order, q, s * 1.01) / more);
        ck_assert(value >= dpm_account_rdp_subsampled(1, q, s) / more);
    }
}
END_TEST

static size_t read_orders(double *orders)
{
    FILE *file = open_table("account_orders");
    size_t n = 0;
    while (n < MAX_ORDERS && next_row(file, &orders[n], 1))
        n++;
    close_table(file, (int)n, 156);
    return n;
}

START_TEST(rdp_epsilon_is_that_of_the_table)
{
    double orders[MAX_ORDERS], row[COLUMNS];
    size_t n_orders = read_orders(orders);
    FILE *file = open_table("account_rdp_epsilon");
    int rows = 0;
    for (; next_row(file, row, 5); rows++) {
        struct dpm_event event = sampled(row[0], row[1], (uint64_t)row[2]);
        double value = dpm_account_rdp_epsilon_at(&event, 1, row[3], orders, n_orders);
        double least = dpm_account_rdp_epsilon(&event, 1, row[3]);
        ck_assert_msg(near(value, row[4], 1e-9, 1e-12), "%g %g %g %g: %.17g %.17g", row[0], row[1], row[2],
                      row[3], value, row[4]);
        ck_assert_msg(least >= 0 && least <= value * (1 + 1e-10), "%g %g %g %g: %.17g %.17g", row[0], row[1],
                      row[2], row[3], least, value);
    }
    close_table(file, rows, 1397);
}
END_TEST

START_TEST(epsilon_is_never_below_the_exact_one)
{
    FILE *file = open_table("account_sampled_epsilon");
    double row[COLUMNS];
    int rows = 0;
    for (; next_row(file, row, 5); rows++) {
        struct dpm_event event = sampled(row[0], row[1], (uint64_t)row[2]);
        double value = epsilon_of(&event, 1, row[3]);
        ck_assert_msg(value >= row[4] * (1 - 1e-9), "%g %g %g %g: %.17g", row[0], row[1], row[2], row[3],
                      value);
    }
    close_table(file, rows, 124);
}
END_TEST

/* "noise:count,noise:count" as one event each. */
static size_t parse_events(const char *text, struct dpm_event *events)
{
    size_t n = 0;
    for (const char *at = text; *at && n < MAX_EVENTS; n++) {
        char *end;
        double noise = strtod(at, &end);
        ck_assert_int_eq(*end, ':');
        events[n] = gaussian(noise, strtoull(end + 1, &end, 10));
        at = *end == ',' ? end + 1 : end;
    }
    return n;
}

START_TEST(gaussian_closed_form_is_that_of_the_table)
{
    FILE *file = open_table("account_gauss");
    char line[512], kind[32], first[256];
    int rows = 0;
    while (fgets(line, sizeof line, file)) {
        double second, wanted, value;
        if (line[0] == '#')
            continue;
        rows++;
        ck_assert_int_eq(sscanf(line, "%31s %255s %lf %lf", kind, first, &second, &wanted), 4);
        struct dpm_event events[MAX_EVENTS];
        double tolerance = strncmp(kind, "composed", 8) == 0 ? 1e-9 : 1e-10;
        if (strcmp(kind, "noise") == 0) {
            value = 1 / dpm_account_gauss_mu_for(strtod(first, NULL), second);
            ck_assert_msg(value >= wanted * (1 - 1e-12), "%s", line);
            ck_assert_msg(near(value, wanted, tolerance, 0), "%s", line);
            continue;
        }
        double mu = dpm_account_gauss_mu(events, parse_events(first, events));
        if (strstr(kind, "delta")) {
            value = dpm_account_gauss_delta(mu, second);
            ck_assert_msg(near(value, wanted, tolerance, 0), "%s", line);
            double same = exp(dpm_account_gauss_log_delta(mu, second));
            ck_assert_msg(near(same, wanted, tolerance, 0), "%s", line);
        } else {
            value = dpm_account_gauss_epsilon(mu, second);
            ck_assert_msg(near(value, wanted, tolerance, 1e-12), "%s", line);
        }
        ck_assert_msg(value >= wanted * (1 - 1e-14), "%s%.17g is below", line, value);
    }
    close_table(file, rows, 220);
}
END_TEST

START_TEST(gaussian_functions_are_inverse)
{
    for (int i = 0; i < 2000; i++) {
        double mu = log_uniform(1e-6, 100), delta = log_uniform(1e-300, 0.5);
        double epsilon = dpm_account_gauss_epsilon(mu, delta);
        ck_assert(dpm_account_gauss_log_delta(mu, epsilon) <= log(delta));
        if (epsilon > 1e-6 * mu)
            ck_assert_msg(near(dpm_account_gauss_mu_for(epsilon, delta), mu, 1e-11, 0), "%g %g", mu, delta);
    }
    /* At epsilon 0 the delta is the total variation, erf(mu / sqrt(8)). */
    ck_assert(near(dpm_account_gauss_mu_for(0, 1e-200), 1e-200 * sqrt(2 * acos(-1)), 1e-12, 0));
    ck_assert(near(dpm_account_gauss_delta(0.5, 0), erf(0.5 / sqrt(8)), 1e-13, 0));
    ck_assert(dpm_account_gauss_epsilon(0.5, erf(0.5 / sqrt(8)) * (1 + 1e-12)) == 0);
    ck_assert(dpm_account_gauss_delta(0, 1) == 0);
    ck_assert(dpm_account_gauss_delta(1e-3, 1) > 0); /* exp(-500000) is not 0 */
}
END_TEST

START_TEST(calibration_is_that_of_the_table)
{
    double orders[MAX_ORDERS], row[COLUMNS];
    size_t n_orders = read_orders(orders);
    FILE *file = open_table("account_calibrate");
    int rows = 0;
    for (; next_row(file, row, 6); rows++) {
        struct dpm_event stage = sampled(row[2], 1, (uint64_t)row[3]);
        double noise;
        ck_assert_int_eq(
            dpm_account_calibrate(&noise, NULL, 0, &stage, 1, DPMIX_ADJACENCY_ADD_REMOVE, row[1], row[0]),
            DPMIX_OK);
        ck_assert(noise >= row[4] * (1 - 1e-9));
        ck_assert(noise <= (row[2] < 1 ? row[5] * (1 + 1e-6) : row[4] * (1 + 1e-9)));
        for (int i = -1; i <= 1; i += 2) { /* over the table's orders, the noise is the table's */
            stage.noise_multiplier = row[5] * (1 + i * 1e-6);
            double epsilon = dpm_account_rdp_epsilon_at(&stage, 1, row[1], orders, n_orders);
            ck_assert((i > 0) == (epsilon <= row[0]));
        }
    }
    close_table(file, rows, 25);
}
END_TEST

/* Some composition of the mechanisms at hand. */
static size_t any_events(struct dpm_event *events, size_t most)
{
    size_t n = (size_t)uniform(1, (double)most + 1);
    for (size_t i = 0; i < n; i++) {
        double noise = log_uniform(0.5, 100);
        uint64_t count = (uint64_t)log_uniform(50, 1e4);
        events[i] = uniform(0, 1) < 0.4 ? gaussian(noise, 1 + count / 100)
                                        : sampled(log_uniform(1e-3, 1), noise, count);
    }
    return n;
}

START_TEST(calibration_errs_on_the_safe_side_and_by_little)
{
    for (int i = 0; i < 60; i++) {
        struct dpm_event held[2], all[4];
        size_t n_held = i % 2 ? any_events(held, 2) : 0;
        size_t n_stage = any_events(all + n_held, 2);
        if (n_held > 0)
            memcpy(all, held, n_held * sizeof *held);
        double delta = log_uniform(1e-12, 1e-2), factor;
        double target = epsilon_of(held, n_held, delta) * 1.01 + log_uniform(1e-2, 10);
        ck_assert_int_eq(dpm_account_calibrate(&factor, held, n_held, all + n_held, n_stage,
                                               DPMIX_ADJACENCY_ZERO_OUT, delta, target),
                         DPMIX_OK);
        for (size_t j = n_held; j < n_held + n_stage; j++)
            all[j].noise_multiplier *= factor;
        ck_assert(epsilon_of(all, n_held + n_stage, delta) <= target);
        for (size_t j = n_held; j < n_held + n_stage; j++)
            all[j].noise_multiplier *= 1 - 1e-9;
        ck_assert(epsilon_of(all, n_held + n_stage, delta) > target);
    }
}
END_TEST

START_TEST(epsilon_is_monotone)
{
    for (int i = 0; i < 300; i++) {
        struct dpm_event events[2], changed[2];
        size_t n = any_events(events, 2);
        double delta = log_uniform(1e-15, 0.1), more = 1 + 1e-9;
        double epsilon = check_monotone(events, n, 0, delta, 1.01, more);
        for (size_t j = 0; j < n; j++)
            changed[j] = gaussian(events[j].noise_multiplier, events[j].count);
        ck_assert(epsilon <= epsilon_of(changed, n, delta) * more);
    }
}
END_TEST

START_TEST(epsilon_is_a_number_everywhere)
{
    static const double rates[] = {1e-6, 1e-3, 0.5, 1 - 1e-12, 1}, noises[] = {0.2, 1, 50, 1e4};
    static const double counts[] = {1, 1000, 1e7}, deltas[] = {1e-15, 1e-6, 0.1};
    for (int i = 0; i < 5 * 4 * 3 * 3; i++) {
        struct dpm_event event = sampled(rates[i % 5], noises[i / 5 % 4], (uint64_t)counts[i / 20 % 3]);
        double epsilon = epsilon_of(&event, 1, deltas[i / 60]);
        ck_assert(epsilon >= 0 && epsilon < INFINITY);
    }
    for (int i = 0; i < 500; i++) {
        double rate = log_uniform(1e-6, 1), noise = log_uniform(0.2, 1e4);
        struct dpm_event event = sampled(rate, noise, (uint64_t)log_uniform(1, 1e7));
        double epsilon = epsilon_of(&event, 1, log_uniform(1e-15, 0.1));
        ck_assert(epsilon >= 0 && epsilon < INFINITY);
    }
    static const double odd[] = {1e-308, 1e-200, 1e-9, 0.049, 0.051, 1e6, 1e150, 1e308};
    for (int i = 0; i < 8 * 3; i++) {
        struct dpm_event event = sampled(i < 8 ? 1e-300 : i < 16 ? 0.01 : 1, odd[i % 8], UINT64_MAX);
        ck_assert(epsilon_of(&event, 1, 1e-300) >= 0);
    }
}
END_TEST

START_TEST(epsilon_of_plain_gaussians_is_exact)
{
    struct dpm_event events[] = {gaussian(2, 1), sampled(1, 3, 5), {DPM_EVENT_GAUSSIAN, 20, NAN, 100}};
    double mu = sqrt(1 / 4.0 + 5 / 9.0 + 100 / 400.0), once, twice;
    ck_assert(near(epsilon_of(events, 3, 1e-5), dpm_account_gauss_epsilon(mu, 1e-5), 1e-13, 0));
    ck_assert(epsilon_of(NULL, 0, 1e-5) == 0);
    ck_assert_int_eq(dpm_account_epsilon(&once, events, 3, DPMIX_ADJACENCY_REPLACE_ONE, 1e-5), DPMIX_OK);
    for (int i = 0; i < 3; i++)
        events[i].noise_multiplier /= 2;
    ck_assert_int_eq(dpm_account_epsilon(&twice, events, 3, DPMIX_ADJACENCY_ZERO_OUT, 1e-5), DPMIX_OK);
    ck_assert(near(once, twice, 1e-13, 0));
}
END_TEST

START_TEST(bad_arguments_are_refused)
{
    const double none[] = {0, -1, NAN, INFINITY};
    struct dpm_event good = gaussian(1, 1);
    double out = 77;
    for (int i = 0; i < 4; i++) {
        struct dpm_event noise = gaussian(none[i], 1), rate = sampled(none[i], 1, 1);
        ck_assert_int_eq(dpm_account_epsilon(&out, &noise, 1, 1, 1e-5), DPMIX_ERR_RANGE);
        ck_assert_ptr_nonnull(strstr(dpm_fail_message(), "noise_multiplier: "));
        ck_assert_int_eq(dpm_account_epsilon(&out, &rate, 1, 1, 1e-5), DPMIX_ERR_RANGE);
        ck_assert_ptr_nonnull(strstr(dpm_fail_message(), "sampling_rate: "));
        ck_assert_int_eq(dpm_account_epsilon(&out, &good, 1, 1, none[i]), DPMIX_ERR_RANGE);
        ck_assert_int_eq(dpm_account_calibrate(&out, NULL, 0, &good, 1, 1, 1e-5, none[i]), DPMIX_ERR_RANGE);
        struct dpmix_accountant *accountant = NULL;
        ck_assert_int_eq(dpm_accountant_new(&accountant, none[i], 1e-5, 1), DPMIX_ERR_RANGE);
        ck_assert_int_eq(dpm_accountant_new(&accountant, 1, none[i], 1), DPMIX_ERR_RANGE);
        ck_assert_int_eq(dpm_accountant_new(&accountant, 1, 1e-5, 4 * i), DPMIX_ERR_RANGE);
        ck_assert_ptr_null(accountant);
    }
    struct dpm_event count = gaussian(1, 0), kind = {8, 1, 1, 1},
                     part = {DPM_EVENT_SUBSAMPLED_LAPLACE, 1, 0.5, 1};
    ck_assert_int_eq(dpm_account_epsilon(&out, &count, 1, 1, 1e-5), DPMIX_ERR_RANGE);
    ck_assert_int_eq(dpm_account_epsilon(&out, &kind, 1, 1, 1e-5), DPMIX_ERR_ARG);
    ck_assert_int_eq(dpm_account_epsilon(&out, NULL, 1, 1, 1e-5), DPMIX_ERR_ARG);
    ck_assert_int_eq(dpm_account_epsilon(&out, &good, 1, 0, 1e-5), DPMIX_ERR_ARG);
    ck_assert_int_eq(dpm_account_epsilon(&out, &good, 1, 1, 1), DPMIX_ERR_RANGE);
    ck_assert_int_eq(dpm_account_epsilon(&out, &part, 1, DPMIX_ADJACENCY_REPLACE_ONE, 1e-5),
                     DPMIX_ERR_UNSUPPORTED);
    ck_assert_int_eq(dpm_account_calibrate(&out, NULL, 0, &good, 0, 1, 1e-5, 1), DPMIX_ERR_ARG);
    struct dpm_event heavy = gaussian(0.5, 1);
    ck_assert_int_eq(dpm_account_calibrate(&out, &heavy, 1, &good, 1, 1, 1e-5, 1), DPMIX_ERR_BUDGET);
    ck_assert(out == 77);
}
END_TEST

static struct dpmix_accountant *new_accountant(double epsilon, int adjacency)
{
    struct dpmix_accountant *accountant = NULL;
    ck_assert_int_eq(dpm_accountant_new(&accountant, epsilon, 1e-5, adjacency), DPMIX_OK);
    return accountant;
}

typedef int ledger_fn(char **out, const struct dpmix_accountant *accountant);

static char *ledger_of(ledger_fn *write, const struct dpmix_accountant *accountant)
{
    char **slot = dpm_alloc(1, sizeof *slot);
    int status = write(slot, accountant);
    char *ledger = *slot;
    dpm_free(slot);
    ck_assert_int_eq(status, DPMIX_OK);
    return ledger;
}

static char *json_of(const struct dpmix_accountant *accountant)
{
    return ledger_of(dpm_accountant_json, accountant);
}

static char *text_of(const struct dpmix_accountant *accountant)
{
    return ledger_of(dpm_accountant_text, accountant);
}

static double spent_of(const struct dpmix_accountant *accountant)
{
    double spent = NAN;
    ck_assert_int_eq(dpm_accountant_spent(accountant, &spent), DPMIX_OK);
    return spent;
}

START_TEST(a_charge_above_the_budget_is_refused)
{
    struct dpmix_accountant *accountant = new_accountant(1, DPMIX_ADJACENCY_ADD_REMOVE);
    struct dpm_event small = gaussian(10, 1), large = gaussian(3.7, 1), wrong = gaussian(0, 1);
    char longer[202] = {0};
    memset(longer, 'x', 201);
    ck_assert(spent_of(accountant) == 0);
    ck_assert_int_eq(dpm_accountant_charge(accountant, "first", &small, 1, 0, NULL), DPMIX_OK);
    double spent = spent_of(accountant);
    ck_assert(near(spent, epsilon_of(&small, 1, 1e-5), 0, 0));
    char *before = json_of(accountant);
    ck_assert_int_eq(dpm_accountant_charge(accountant, "second", &large, 1, 0, NULL), DPMIX_ERR_BUDGET);
    ck_assert_int_eq(dpm_accountant_charge(accountant, "second", &wrong, 1, 0, NULL), DPMIX_ERR_RANGE);
    ck_assert_int_eq(dpm_accountant_charge(accountant, "second", &small, 0, 0, NULL), DPMIX_ERR_ARG);
    ck_assert_int_eq(dpm_accountant_charge(accountant, "", &small, 1, 0, NULL), DPMIX_ERR_ARG);
    ck_assert_int_eq(dpm_accountant_charge(accountant, longer, &small, 1, 0, NULL), DPMIX_ERR_RANGE);
    char *after = json_of(accountant);
    ck_assert_str_eq(before, after);
    dpm_free(before);
    dpm_free(after);
    ck_assert_int_eq(dpm_accountant_charge(accountant, longer + 1, &small, 1, 0, NULL), DPMIX_OK);
    ck_assert(spent_of(accountant) > spent);
    dpm_accountant_unref(accountant);
}
END_TEST

/* Shares are of what is left; what calibration gives always fits, to the last bit. */
START_TEST(shares_are_spent_as_asked)
{
    static const int adjacencies[] = {DPMIX_ADJACENCY_ADD_REMOVE, DPMIX_ADJACENCY_ZERO_OUT,
                                      DPMIX_ADJACENCY_REPLACE_ONE};
    static const double shares[] = {0.05, 0.3, 0.5, 1};
    for (int round = 0; round < 30; round++) {
        int adjacency = adjacencies[round % 3];
        double budget = log_uniform(0.05, 20);
        struct dpmix_accountant *accountant = new_accountant(budget, adjacency);
        int subsampled = adjacency != DPMIX_ADJACENCY_REPLACE_ONE;
        for (int i = 0; i < 4; i++) {
            double before = spent_of(accountant), target = before + shares[i] * (budget - before);
            struct dpm_event events[2] = {gaussian(1, 3), gaussian(2, 1)};
            if (subsampled && i > 0)
                events[0] = sampled(log_uniform(1e-3, 0.1), 1, 500);
            int status = dpm_accountant_calibrate(accountant, shares[i], events, 2);
            /* From the first subsampled entry on, the looser Renyi bound holds for all entries. */
            if (subsampled && i == 1 && status == DPMIX_ERR_BUDGET)
                break;
            ck_assert_int_eq(status, DPMIX_OK);
            ck_assert_int_eq(dpm_accountant_charge(accountant, "stage", events, 2, 0, NULL), DPMIX_OK);
            ck_assert(spent_of(accountant) <= target * (1 + 1e-15));
            ck_assert(spent_of(accountant) >= target * (1 - 1e-6));
        }
        ck_assert(spent_of(accountant) <= budget);
        struct dpm_event more = gaussian(1, 1);
        ck_assert_int_eq(dpm_accountant_charge(accountant, "more", &more, 1, 0, NULL), DPMIX_ERR_BUDGET);
        ck_assert_int_eq(dpm_accountant_calibrate(accountant, 0, &more, 1), DPMIX_ERR_RANGE);
        ck_assert_int_eq(dpm_accountant_calibrate(accountant, 1.5, &more, 1), DPMIX_ERR_RANGE);
        ck_assert(more.noise_multiplier == 1);
        dpm_accountant_unref(accountant);
    }
}
END_TEST

START_TEST(a_forked_process_is_refused)
{
    struct dpmix_accountant *accountant = new_accountant(1, DPMIX_ADJACENCY_ADD_REMOVE);
    struct dpm_event event = gaussian(10, 1);
    double spent;
    char *text;
    pid_t child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) {
        int refused = dpm_accountant_charge(accountant, "x", &event, 1, 0, NULL) == DPMIX_ERR_STATE &&
                      dpm_accountant_calibrate(accountant, 1, &event, 1) == DPMIX_ERR_STATE &&
                      dpm_accountant_spent(accountant, &spent) == DPMIX_ERR_STATE &&
                      dpm_accountant_json(&text, accountant) == DPMIX_ERR_STATE &&
                      dpm_accountant_text(&text, accountant) == DPMIX_ERR_STATE;
        dpm_accountant_unref(accountant);
        _exit(refused ? 0 : 1);
    }
    int status;
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    ck_assert_int_eq(dpm_accountant_charge(accountant, "x", &event, 1, 0, NULL), DPMIX_OK);
    dpm_accountant_unref(accountant);
}
END_TEST

/* The epsilon that the entries of a ledger give. */
static double replayed(const char *json, double *printed)
{
    struct dpm_event events[MAX_EVENTS];
    size_t n = 0;
    const char *at = json;
    double epsilon, delta = next_number(&at, "delta");
    int replace = strstr(json, "\"adjacency\": \"replace_one\"") != NULL;
    for (; n < MAX_EVENTS; n++) {
        double noise = next_number(&at, "noise_multiplier");
        if (isnan(noise))
            break;
        double rate = next_number(&at, "sampling_rate");
        events[n] = sampled(rate, noise, (uint64_t)next_number(&at, "count"));
    }
    *printed = next_number(&at, "epsilon_spent");
    ck_assert_int_eq(dpm_account_epsilon(&epsilon, events, n,
                                         replace ? DPMIX_ADJACENCY_REPLACE_ONE : DPMIX_ADJACENCY_ADD_REMOVE,
                                         delta),
                     DPMIX_OK);
    return epsilon;
}

static struct dpmix_accountant *used_accountant(int adjacency)
{
    struct dpmix_accountant *accountant = new_accountant(10, adjacency);
    double rate = adjacency == DPMIX_ADJACENCY_REPLACE_ONE ? 1 : 0.012;
    struct dpm_event events[2] = {gaussian(4.2, 3), sampled(rate, 30, 70)};
    const char *purpose = "a \"b\\c\"\n\x01 \xc3\xa9 \xff";
    ck_assert_int_eq(dpm_accountant_charge(accountant, purpose, events, 2, 0, NULL), DPMIX_OK);
    ck_assert_int_eq(dpm_accountant_charge(accountant, "plain", events, 1, 1, NULL), DPMIX_OK);
    return accountant;
}

START_TEST(json_can_be_replayed)
{
    static const char *const names[] = {"\"adjacency\": \"add_remove\"", "\"adjacency\": \"replace_one\"",
                                        "\"adjacency\": \"zero_out\""};
    for (int adjacency = 1; adjacency <= 3; adjacency++) {
        struct dpmix_accountant *accountant = used_accountant(adjacency);
        char *json = json_of(accountant);
        double printed, epsilon = replayed(json, &printed);
        ck_assert(printed == spent_of(accountant) && printed == epsilon);
        ck_assert_ptr_nonnull(strstr(json, names[adjacency - 1]));
        ck_assert_ptr_nonnull(strstr(json, "\"format\": \"dpmix-ledger\",\n  \"version\": 1,"));
        ck_assert_ptr_nonnull(strstr(json, "\"mode\": \"planned\""));
        ck_assert_ptr_nonnull(strstr(json, "{\"purpose\": \"a \\\"b\\\\c\\\"\\u000a\\u0001 \xc3\xa9 "));
        ck_assert_ptr_nonnull(strstr(json, " \\ufffd\", \"private\": true, \"mechanisms\": ["));
        ck_assert_ptr_nonnull(strstr(json, "{\"purpose\": \"plain\", \"private\": false, "));
        ck_assert_ptr_nonnull(strstr(json, "\"noise_multiplier\": 4.2000000000000002, \"sampling_rate\": 1, "
                                           "\"count\": 3}"));
        dpm_free(json);
        dpm_accountant_unref(accountant);
    }
}
END_TEST

START_TEST(every_kind_has_its_words)
{
    static const struct {
        struct dpm_event event;
        const char *json, *text;
    } kinds[] = {
        {{DPM_EVENT_LAPLACE, 8, 0, 1},
         "\"mechanism\": \"laplace\"",
         "plus Laplace noise. Its scale is 8 times"},
        {{DPM_EVENT_SUBSAMPLED_LAPLACE, 8, 0.5, 1}, "\"poisson_subsampled_laplace\"", "with probability 0.5"},
        {{DPM_EVENT_GEOMETRIC, 9, 0, 1},
         "\"mechanism\": \"geometric\"",
         "plus geometric noise. Its scale is 9"},
        {{DPM_EVENT_RANDOMIZED_RESPONSE, 4, 0, 1}, "\"randomized_response\"", "response with epsilon 0.25"},
        {{DPM_EVENT_PURE, 2, 1e-7, 1}, "\"delta\": 9.9999999999999995e-08", "epsilon 0.5, delta 1e-07"},
    };
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        struct dpmix_accountant *accountant = new_accountant(10, DPMIX_ADJACENCY_ADD_REMOVE);
        ck_assert_int_eq(dpm_accountant_charge(accountant, "kind", &kinds[i].event, 1, 0, NULL), DPMIX_OK);
        char *json = json_of(accountant), *text = text_of(accountant);
        ck_assert_msg(strstr(json, kinds[i].json), "%s", json);
        ck_assert_msg(strstr(text, kinds[i].text), "%s", text);
        dpm_free(json);
        dpm_free(text);
        dpm_accountant_unref(accountant);
    }
}
END_TEST

START_TEST(the_report_says_what_matters)
{
    static const char *const names[] = {"(add/remove)", "(replace-one)", "(zero-out)"};
    for (int adjacency = 1; adjacency <= 3; adjacency++) {
        struct dpmix_accountant *accountant = used_accountant(adjacency);
        char *text = text_of(accountant);
        ck_assert_ptr_nonnull(strstr(text, names[adjacency - 1]));
        ck_assert_ptr_nonnull(strstr(text, "Budget:  epsilon 10, delta 1e-05\n"));
        ck_assert_ptr_nonnull(strstr(text, "\nNOT PRIVATE: some steps were made with test noise"));
        ck_assert_ptr_nonnull(strstr(text, "\n2. plain - NOT PRIVATE (test noise)\n"));
        ck_assert_ptr_nonnull(strstr(text, "   - 70 releases, each of a sum"));
        ck_assert_ptr_nonnull(strstr(text, "\n1. a \"b\\c\"   \xc3\xa9 ?\n"));
        ck_assert_ptr_nonnull(strstr(text, "Settings chosen while looking at the private data"));
        const char *spent = strstr(text, "Spent:   epsilon ");
        ck_assert_ptr_nonnull(spent);
        double printed = strtod(spent + 17, NULL);
        ck_assert(printed >= spent_of(accountant) && printed <= spent_of(accountant) * (1 + 1e-8));
        dpm_free(text);
        dpm_accountant_unref(accountant);
    }
    struct dpmix_accountant *unused = new_accountant(1, DPMIX_ADJACENCY_ADD_REMOVE);
    char *text = text_of(unused);
    ck_assert_ptr_null(strstr(text, "NOT PRIVATE"));
    dpm_free(text);
    dpm_accountant_unref(unused);
}
END_TEST

/* A third has more than ten digits, and they would be rounded down. */
START_TEST(no_printed_budget_is_below_the_budget)
{
    const double third = 1.0 / 3;
    struct dpm_event event = {DPM_EVENT_GAUSSIAN, 1, 1, 1};
    struct dpmix_accountant *accountant;
    ck_assert_int_eq(dpm_accountant_new(&accountant, third, third * 1e-5, DPMIX_ADJACENCY_ADD_REMOVE),
                     DPMIX_OK);
    ck_assert_int_eq(dpm_accountant_calibrate(accountant, 1, &event, 1), DPMIX_OK);
    ck_assert_int_eq(dpm_accountant_charge(accountant, "all", &event, 1, 0, NULL), DPMIX_OK);
    char *text = text_of(accountant);
    const char *budget = strstr(text, "Budget:  epsilon "), *delta = strstr(text, "delta ");
    const char *spent = strstr(text, "Spent:   epsilon ");
    ck_assert(budget && delta && spent);
    ck_assert(strtod(budget + 17, NULL) >= third && strtod(delta + 6, NULL) >= third * 1e-5);
    ck_assert(strtod(spent + 17, NULL) >= spent_of(accountant) && strtod(spent + 17, NULL) <= third);
    dpm_free(text);
    dpm_accountant_unref(accountant);
}
END_TEST

static const char *comma_locale;

START_TEST(a_comma_locale_changes_nothing)
{
    struct dpmix_accountant *accountant = used_accountant(DPMIX_ADJACENCY_ADD_REMOVE);
    char *json = json_of(accountant), *text = text_of(accountant);
    ck_assert_ptr_nonnull(setlocale(LC_ALL, comma_locale));
    char *json_there = json_of(accountant), *text_there = text_of(accountant);
    setlocale(LC_ALL, "C");
    ck_assert_str_eq(json, json_there);
    ck_assert_str_eq(text, text_there);
    dpm_free(json);
    dpm_free(text);
    dpm_free(json_there);
    dpm_free(text_there);
    dpm_accountant_unref(accountant);
}
END_TEST

static void *charge_often(void *context)
{
    struct dpmix_accountant *accountant = context;
    struct dpm_event event = gaussian(100, 1);
    for (int i = 0; i < 25; i++)
        if (dpm_accountant_charge(accountant, "thread", &event, 1, 0, NULL))
            return NULL;
    dpm_accountant_unref(accountant);
    return context;
}

START_TEST(threads_share_an_accountant)
{
    struct dpmix_accountant *accountant = new_accountant(1, DPMIX_ADJACENCY_ADD_REMOVE);
    pthread_t threads[4];
    for (int i = 0; i < 4; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, charge_often, dpm_accountant_ref(accountant)), 0);
    for (int i = 0; i < 4; i++) {
        void *result;
        ck_assert_int_eq(pthread_join(threads[i], &result), 0);
        ck_assert_ptr_eq(result, accountant);
    }
    ck_assert(near(spent_of(accountant), dpm_account_gauss_epsilon(0.1, 1e-5), 1e-12, 0));
    dpm_accountant_unref(accountant);
}
END_TEST

/* Everything that an accountant does, until the first failure. */
static int whole_life(struct dpmix_accountant **accountant)
{
    struct dpm_event event = gaussian(1, 1);
    int status = dpm_accountant_new(accountant, 1, 1e-5, DPMIX_ADJACENCY_ADD_REMOVE);
    for (int i = 0; !status && i < 4; i++) {
        double before = spent_of(*accountant);
        status = dpm_accountant_calibrate(*accountant, 0.25, &event, 1);
        if (!status)
            status = dpm_accountant_charge(*accountant, "life", &event, 1, 0, NULL);
        if (status)
            ck_assert(spent_of(*accountant) == before);
    }
    for (int i = 0; !status && i < 2; i++) {
        char *text = NULL;
        status = (i ? dpm_accountant_text : dpm_accountant_json)(&text, *accountant);
        dpm_free(text);
    }
    return status;
}

START_TEST(every_failed_allocation_is_survived)
{
    int64_t live = dpm_alloc_live();
    int status = DPMIX_ERR_NOMEM;
    for (uint64_t nth = 1; status; nth++) {
        struct dpmix_accountant *accountant = NULL;
        dpm_alloc_fail_after(nth, 0);
        status = whole_life(&accountant);
        dpm_alloc_fail_after(0, 0);
        ck_assert(status == DPMIX_OK || status == DPMIX_ERR_NOMEM);
        ck_assert_int_ge((int)nth, status ? 1 : 15);
        dpm_accountant_unref(accountant);
        ck_assert_int_eq(dpm_alloc_live(), live);
    }
}
END_TEST

/* A locale with a decimal comma, or there is no such test. */
static int find_comma_locale(void)
{
    static const char *const names[] = {"de_DE.UTF-8", "fr_FR.UTF-8", "de_DE", "fr_FR"};
    for (size_t i = 0; !comma_locale && i < sizeof names / sizeof names[0]; i++)
        if (setlocale(LC_ALL, names[i]) && strcmp(localeconv()->decimal_point, ",") == 0)
            comma_locale = names[i];
    setlocale(LC_ALL, "C");
    return comma_locale != NULL;
}

static Suite *account_suite(void)
{
    Suite *suite = suite_create("account");
    CHECK_ADD(suite, rdp_is_that_of_the_table);
    CHECK_ADD(suite, rdp_at_whole_orders_is_the_binomial_sum);
    CHECK_ADD(suite, rdp_is_monotone);
    CHECK_ADD(suite, rdp_epsilon_is_that_of_the_table);
    CHECK_ADD(suite, epsilon_is_never_below_the_exact_one);
    CHECK_ADD(suite, gaussian_closed_form_is_that_of_the_table);
    CHECK_ADD(suite, gaussian_functions_are_inverse);
    CHECK_ADD(suite, calibration_is_that_of_the_table);
    CHECK_ADD(suite, calibration_errs_on_the_safe_side_and_by_little);
    CHECK_ADD(suite, epsilon_is_monotone);
    CHECK_ADD(suite, epsilon_is_a_number_everywhere);
    CHECK_ADD(suite, epsilon_of_plain_gaussians_is_exact);
    CHECK_ADD(suite, bad_arguments_are_refused);
    CHECK_ADD(suite, a_charge_above_the_budget_is_refused);
    CHECK_ADD(suite, shares_are_spent_as_asked);
    CHECK_ADD(suite, a_forked_process_is_refused);
    CHECK_ADD(suite, json_can_be_replayed);
    CHECK_ADD(suite, every_kind_has_its_words);
    CHECK_ADD(suite, the_report_says_what_matters);
    CHECK_ADD(suite, no_printed_budget_is_below_the_budget);
    if (find_comma_locale())
        CHECK_ADD(suite, a_comma_locale_changes_nothing);
    CHECK_ADD(suite, threads_share_an_accountant);
    CHECK_ADD(suite, every_failed_allocation_is_survived);
    return suite;
}

CHECK_MAIN(account_suite)
