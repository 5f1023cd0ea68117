/* SPDX-License-Identifier: BSD-3-Clause */
/* Ledgers in files: what a crash, a race or a damaged file can do to a debit. Children are forked before
 * they open anything: a ledger is never inherited. */
#include "account_ledger.h"
#include "tiny_file.h"
#include "tiny_model.h"

#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>

enum { KILLS = 40, RACERS = 8, MANY = 4096 };

#define EPSILON 2.0
#define AMPLE 1e6 /* a budget that no test uses up */

static dpmix_accountant *open_named(const char *dataset, double epsilon)
{
    dpmix_accountant *accountant = NULL;
    CHECK_OK(dpmix_accountant_open(&accountant, tiny_path("a"), dataset, epsilon, TINY_DELTA,
                                   DPMIX_ADJACENCY_ADD_REMOVE));
    return accountant;
}

static int try_open(const char *path)
{
    dpmix_accountant *accountant = NULL;
    int status =
        dpmix_accountant_open(&accountant, path, "patients", EPSILON, TINY_DELTA, DPMIX_ADJACENCY_ADD_REMOVE);
    ck_assert_int_eq(status == DPMIX_OK, accountant != NULL);
    dpmix_accountant_free(accountant);
    return status;
}

/* An entry of two events, with a number of its own in the noise. */
static int charge(dpmix_accountant *accountant, int number, double noise)
{
    struct dpm_event events[] = {{DPM_EVENT_GAUSSIAN, noise + number / 7.0, NAN, 1},
                                 {DPM_EVENT_SUBSAMPLED_GAUSSIAN, noise / 3.0, 1.0, 3}};
    return dpm_accountant_charge(accountant, "a \"purpose\"", events, 2, 0, NULL);
}

/* Reads the whole ledger, however long. */
static size_t entries_of(const dpmix_accountant *accountant)
{
    size_t length = 0;
    CHECK_OK(dpmix_accountant_json(accountant, NULL, 0, &length));
    char *text = malloc(length + 1);
    ck_assert_ptr_nonnull(text);
    CHECK_OK(dpmix_accountant_json(accountant, text, length + 1, NULL));
    size_t n = tiny_count(text, "\"purpose\":");
    free(text);
    return n;
}

/* What an accountant in memory says of the same debits, numbers 0, ..., n - 1. */
static double spent_of(int n, double epsilon, double noise)
{
    dpmix_accountant *accountant = tiny_accountant(epsilon);
    for (int i = 0; i < n; i++)
        CHECK_OK(charge(accountant, i, noise));
    double spent = tiny_spent(accountant);
    dpmix_accountant_free(accountant);
    return spent;
}

/* ---- One process ---- */

START_TEST(a_ledger_opened_again_is_the_same)
{
    dpmix_accountant *accountant = open_named("patients", AMPLE);
    dpmix_accountant *other = open_named("donors", 1);
    char json[16384], report[16384];
    for (int i = 0; i < 5; i++)
        CHECK_OK(charge(accountant, i, 30));
    struct dpm_event odd[] = {{DPM_EVENT_PURE, 1 / 0.1, 1e-9, 2},
                              {DPM_EVENT_PURE, 3, 0.0, 1},
                              {DPM_EVENT_LAPLACE, 3.0000000000000004, NAN, 1},
                              {DPM_EVENT_GAUSSIAN, 1e150, NAN, UINT64_MAX},
                              {DPM_EVENT_SUBSAMPLED_GAUSSIAN, 4, 0.010000000000000002, 7}};
    CHECK_OK(dpm_accountant_charge(accountant, "odd\n\x80", odd, 5, 1, NULL));
    double spent = tiny_spent(accountant);
    strcpy(json, tiny_text(dpmix_accountant_json, accountant));
    strcpy(report, tiny_text(dpmix_accountant_report, accountant));
    dpmix_accountant_free(accountant);
    accountant = open_named("patients", AMPLE);
    ck_assert_double_eq(tiny_spent(accountant), spent);
    ck_assert_str_eq(tiny_text(dpmix_accountant_json, accountant), json);
    ck_assert_str_eq(tiny_text(dpmix_accountant_report, accountant), report);
    ck_assert(tiny_spent(other) == 0 && entries_of(other) == 0);
    CHECK_OK(charge(other, 0, 60));
    ck_assert_uint_eq(entries_of(accountant), 6);
    dpmix_accountant_free(other);
    dpmix_accountant_free(accountant);
}
END_TEST

START_TEST(another_budget_is_refused)
{
    dpmix_accountant *kept = open_named("patients", EPSILON), *none = NULL;
    CHECK_OK(charge(kept, 0, 30));
    const char *path = tiny_path("a");
    CHECK_FAILS(dpmix_accountant_open(&none, path, "patients", 3, TINY_DELTA, 1), DPMIX_ERR_STATE, "epsilon");
    CHECK_FAILS(dpmix_accountant_open(&none, path, "patients", EPSILON, 1e-6, 1), DPMIX_ERR_STATE, "delta");
    CHECK_FAILS(dpmix_accountant_open(&none, path, "patients", EPSILON, TINY_DELTA, 2), DPMIX_ERR_STATE,
                "adjacency");
    ck_assert_ptr_null(none);
    ck_assert_uint_eq(entries_of(kept), 1);
    dpmix_accountant_free(kept);
}
END_TEST

/* Else who mistypes it has a budget for nothing. */
START_TEST(a_name_almost_as_another_is_refused)
{
    static const char *const same[] = {"adult 1994", "Adult 1994 ",  " Adult 1994",
                                       "ADULT 1994", "Adult 1994\t", "\nAdult 1994\r\n"};
    static const char *const others[] = {"Adult1994", "Adult 199 4", "Adult 1995",
                                         "Adult",     "\xc3\x84",    "\xc3\xa4"};
    dpmix_accountant *kept = open_named("Adult 1994", EPSILON), *none = NULL;
    for (size_t i = 0; i < sizeof same / sizeof *same; i++)
        CHECK_FAILS(dpmix_accountant_open(&none, tiny_path("a"), same[i], EPSILON, TINY_DELTA, 1),
                    DPMIX_ERR_STATE, "differs by case");
    ck_assert_ptr_null(none);
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        dpmix_accountant_free(open_named(others[i], EPSILON));
    dpmix_accountant_free(open_named("Adult 1994", EPSILON));
    dpmix_accountant_free(kept);
}
END_TEST

/* ---- Modes ---- */

static dpmix_accountant *open_adaptive(const char *dataset, int mode, double order)
{
    dpmix_accountant *accountant = NULL;
    CHECK_OK(dpmix_accountant_open_adaptive(&accountant, tiny_path("a"), dataset, EPSILON, TINY_DELTA,
                                            DPMIX_ADJACENCY_ADD_REMOVE, mode, order));
    return accountant;
}

START_TEST(a_mode_lasts)
{
    static const double orders[] = {7.25, 0, 0};
    int mode = _i == 2 ? DPMIX_MODE_GAUSSIAN : DPMIX_MODE_RENYI;
    dpmix_accountant *accountant = open_adaptive("patients", mode, orders[_i]), *none = NULL;
    const char *path = tiny_path("a");
    for (int i = 0; i < 3; i++)
        CHECK_OK(charge(accountant, i, 30));
    char json[16384];
    strcpy(json, tiny_text(dpmix_accountant_json, accountant));
    int kept = 0;
    double spent = tiny_spent(accountant), order = -1;
    dpmix_accountant_free(accountant);
    accountant = open_adaptive("patients", mode, 0);
    CHECK_OK(dpmix_accountant_mode(accountant, &kept, &order));
    ck_assert(kept == mode && (mode == DPMIX_MODE_RENYI ? order > 1 : order == 0));
    ck_assert(orders[_i] == 0 || order == orders[_i]);
    ck_assert_double_eq(tiny_spent(accountant), spent);
    ck_assert_str_eq(tiny_text(dpmix_accountant_json, accountant), json);
    dpmix_accountant_free(open_adaptive("patients", mode, order));
    ck_assert_int_eq(try_open(path), DPMIX_ERR_STATE);
    ck_assert_ptr_nonnull(strstr(dpmix_last_error(), "mode: "));
    CHECK_FAILS(dpmix_accountant_open_adaptive(&none, path, "patients", EPSILON, TINY_DELTA, 1, 5 - mode, 0),
                DPMIX_ERR_STATE, "mode");
    if (mode == DPMIX_MODE_RENYI)
        CHECK_FAILS(dpmix_accountant_open_adaptive(&none, path, "patients", EPSILON, TINY_DELTA, 1, mode, 9),
                    DPMIX_ERR_STATE, "order");
    ck_assert_ptr_null(none);
    dpmix_accountant_free(open_named("donors", EPSILON)); /* each data set has its own */
    struct dpm_event rest = {DPM_EVENT_GAUSSIAN, 1, 1, 1};
    CHECK_OK(dpm_accountant_calibrate(accountant, 1, &rest, 1));
    CHECK_OK(dpm_accountant_charge(accountant, "all the rest", &rest, 1, 0, NULL));
    dpmix_accountant_free(accountant);
    accountant = open_adaptive("patients", mode, 0);
    ck_assert_double_le(tiny_spent(accountant), EPSILON);
    CHECK_FAILS(charge(accountant, 3, 30), DPMIX_ERR_BUDGET, "budget");
    dpmix_accountant_free(accountant);
}
END_TEST

/* A file as version 1 of the format had it, with two data sets: three debits of "patients", one of "donors".
 */
static struct tiny_bytes file_of_version_1(void)
{
    return tiny_read_data("ledger_version1.sqlite");
}

START_TEST(a_ledger_of_version_1_is_planned)
{
    struct tiny_bytes file = file_of_version_1();
    tiny_write(tiny_path("a"), file.bytes, file.n);
    dpmix_accountant *patients = NULL, *donors = NULL;
    for (int round = 0; round < 2; round++) { /* taken over, and as it was then written */
        patients = open_named("patients", EPSILON);
        CHECK_OK(dpmix_accountant_open(&donors, tiny_path("a"), "donors", 1, 1e-6, DPMIX_ADJACENCY_ZERO_OUT));
        int mode = 0;
        CHECK_OK(dpmix_accountant_mode(patients, &mode, NULL));
        ck_assert_int_eq(mode, DPMIX_MODE_PLANNED);
        ck_assert_uint_eq(entries_of(patients), 3 + (size_t)round);
        ck_assert_uint_eq(entries_of(donors), 1);
        ck_assert_double_eq(tiny_spent(patients), spent_of(3 + round, EPSILON, 30));
        ck_assert_double_eq_tol(tiny_spent(donors), 0.026081953456410064, 1e-9);
        if (round == 0)
            CHECK_OK(charge(patients, 3, 30));
        dpmix_accountant_free(donors);
        dpmix_accountant_free(patients);
    }
    struct tiny_bytes taken = tiny_read(tiny_path("a"));
    ck_assert_int_eq(taken.bytes[63], 2); /* user_version */
    free(taken.bytes);
    free(file.bytes);
}
END_TEST

START_TEST(bad_arguments_are_refused)
{
    dpmix_accountant *none = NULL;
    const char *path = tiny_path("a");
    char name[202];
    memset(name, 'n', sizeof name);
    name[201] = '\0';
    CHECK_FAILS(dpmix_accountant_open(NULL, path, "d", 1, 1e-5, 1), DPMIX_ERR_ARG, "accountant_open: out");
    CHECK_FAILS(dpmix_accountant_open(&none, NULL, "d", 1, 1e-5, 1), DPMIX_ERR_ARG, "open: path");
    CHECK_FAILS(dpmix_accountant_open(&none, path, NULL, 1, 1e-5, 1), DPMIX_ERR_ARG, "open: dataset");
    CHECK_FAILS(dpmix_accountant_open(&none, "", "d", 1, 1e-5, 1), DPMIX_ERR_ARG, "path");
    CHECK_FAILS(dpmix_accountant_open(&none, ":memory:", "d", 1, 1e-5, 1), DPMIX_ERR_ARG, "path");
    CHECK_FAILS(dpmix_accountant_open(&none, path, "", 1, 1e-5, 1), DPMIX_ERR_ARG, "dataset");
    CHECK_FAILS(dpmix_accountant_open(&none, path, name, 1, 1e-5, 1), DPMIX_ERR_RANGE, "dataset");
    CHECK_FAILS(dpmix_accountant_open(&none, path, "d", 0, 1e-5, 1), DPMIX_ERR_RANGE, "epsilon");
    CHECK_FAILS(dpmix_accountant_open(&none, path, "d", 1, 1, 1), DPMIX_ERR_RANGE, "delta");
    CHECK_FAILS(dpmix_accountant_open(&none, path, "d", 1, 1e-5, 9), DPMIX_ERR_RANGE, "adjacency");
    ck_assert_int_ne(access(path, F_OK), 0);
    CHECK_FAILS(dpmix_accountant_open(&none, tiny_folder(), "d", 1, 1e-5, 1), DPMIX_ERR_IO, "path");
    CHECK_FAILS(dpmix_accountant_open(&none, "no/such/folder", "d", 1, 1e-5, 1), DPMIX_ERR_IO, "path");
    CHECK_FAILS(dpmix_accountant_open(&none, "file:no/a?mode=memory", "d", 1, 1e-5, 1), DPMIX_ERR_IO, "path");
    ck_assert_ptr_null(none);
}
END_TEST

START_TEST(two_handles_see_each_other)
{
    dpmix_accountant *one = open_named("patients", EPSILON), *two = open_named("patients", EPSILON);
    CHECK_OK(charge(one, 0, 20));
    CHECK_OK(charge(two, 1, 20));
    CHECK_OK(charge(one, 2, 20));
    ck_assert_double_eq(tiny_spent(one), tiny_spent(two));
    ck_assert_double_eq(tiny_spent(two), spent_of(3, EPSILON, 20));
    struct dpm_event rest = {DPM_EVENT_GAUSSIAN, 1, 1, 1};
    CHECK_OK(dpm_accountant_calibrate(two, 1, &rest, 1));
    CHECK_OK(dpm_accountant_charge(two, "all the rest", &rest, 1, 0, NULL));
    CHECK_FAILS(charge(one, 3, 20), DPMIX_ERR_BUDGET, "budget");
    CHECK_FAILS(dpm_accountant_calibrate(one, 1, &rest, 1), DPMIX_ERR_BUDGET, "budget");
    ck_assert_uint_eq(entries_of(one), 4);
    dpmix_accountant_free(one);
    dpmix_accountant_free(two);
}
END_TEST

START_TEST(a_fit_is_debited_in_the_file_before_its_first_step)
{
    static struct tiny_case tiny;
    tiny_case_open(&tiny, EPSILON, 1);
    dpmix_accountant_free(tiny.accountant);
    tiny.accountant = open_named("patients", EPSILON);
    dpmix_accountant *other = open_named("patients", EPSILON);
    struct tiny_watch watch = {.accountant = other, .phase = DPMIX_PHASE_TRAIN, .stop_at = 1};
    dpmix_generator *generator = tiny_generator(DPMIX_GENERATOR_VAE);
    ck_assert_int_eq(dpmix_generator_fit(generator, tiny.accountant, tiny.dataset, 0.5, tiny_watch, &watch),
                     DPMIX_ERR_CANCELLED);
    ck_assert_int_eq(watch.calls, 1);
    ck_assert_uint_eq(entries_of(other), 1);
    ck_assert_double_gt(tiny_spent(other), 0.49 * EPSILON);
    ck_assert_double_eq(tiny_spent(other), tiny_spent(tiny.accountant));
    dpmix_generator_free(generator);
    dpmix_accountant_free(other);
    tiny_case_close(&tiny);
}
END_TEST

/* ---- Failures ---- */

/* A dpmix_progress_fn: the file is away until the fit is through. `user` is what was told as spent. */
static int hide_ledger(void *user, int phase, uint64_t done, uint64_t total, double epsilon_spent)
{
    double *told = user;
    (void)phase, (void)total;
    if (done == 0)
        ck_assert_int_eq(rename(tiny_path("a"), tiny_path("b")), 0);
    *told = epsilon_spent;
    return 0;
}

START_TEST(a_fit_that_is_paid_for_does_without_the_file)
{
    static const int kinds[] = {DPMIX_GENERATOR_GAUSSIAN, DPMIX_GENERATOR_VAE};
    static struct tiny_case tiny;
    double told = 0;
    tiny_case_open(&tiny, EPSILON, 1);
    dpmix_accountant_free(tiny.accountant);
    tiny.accountant = open_named("patients", EPSILON);
    dpmix_generator *generator = tiny_generator(kinds[_i]);
    CHECK_OK(dpmix_generator_fit(generator, tiny.accountant, tiny.dataset, 0.5, hide_ledger, &told));
    double spent;
    CHECK_FAILS(dpmix_accountant_spent(tiny.accountant, &spent), DPMIX_ERR_IO, "path");
    CHECK_FAILS(charge(tiny.accountant, 0, 30), DPMIX_ERR_IO, "path");
    ck_assert_int_eq(rename(tiny_path("b"), tiny_path("a")), 0);
    ck_assert_uint_eq(entries_of(tiny.accountant), 1);
    ck_assert_double_eq(tiny_spent(tiny.accountant), told);
    dpmix_generator_free(generator);
    tiny_case_close(&tiny);
}
END_TEST

START_TEST(without_memory_nothing_is_debited)
{
    dpmix_accountant *accountant = open_named("patients", EPSILON), *none = NULL;
    CHECK_OK(charge(accountant, 0, 30));
    CHECK_OK(charge(accountant, 1, 30));
    int status = DPMIX_ERR_NOMEM;
    for (uint64_t nth = 1; status != DPMIX_OK; nth++) {
        int64_t before = dpm_alloc_live();
        dpm_alloc_fail_after(nth, 1);
        status = dpmix_accountant_open(&none, tiny_path("a"), "patients", EPSILON, TINY_DELTA, 1);
        dpm_alloc_fail_after(0, 0);
        ck_assert_msg(status == DPMIX_OK || status == DPMIX_ERR_NOMEM, "%d %s", status, dpmix_last_error());
        ck_assert(status == DPMIX_OK || (none == NULL && dpm_alloc_live() == before));
        ck_assert_uint_lt(nth, 60);
    }
    status = DPMIX_ERR_NOMEM;
    struct dpm_event event = {DPM_EVENT_GAUSSIAN, 30, 1, 1};
    char *json = NULL;
    for (uint64_t nth = 1; status != DPMIX_OK; nth++) {
        ck_assert_uint_eq(entries_of(accountant), 2);
        dpm_alloc_fail_after(nth, 1);
        status = dpm_accountant_charge(none, "purpose", &event, 1, 0, &json);
        dpm_alloc_fail_after(0, 0);
        ck_assert_msg(status == DPMIX_OK || status == DPMIX_ERR_NOMEM, "%d %s", status, dpmix_last_error());
        ck_assert_int_eq(status == DPMIX_OK, json != NULL);
        ck_assert_uint_lt(nth, 60);
    }
    ck_assert_uint_eq(entries_of(accountant), 3);
    ck_assert_double_eq(tiny_spent(none), tiny_spent(accountant));
    dpm_free(json);
    dpmix_accountant_free(none);
    dpmix_accountant_free(accountant);
}
END_TEST

/* Every byte of a ledger, one after the other: it never opens with anything else than the truth. */
START_TEST(a_damaged_ledger_is_refused)
{
    dpmix_accountant *accountant = open_named("patients", EPSILON);
    for (int i = 0; i < 3; i++)
        CHECK_OK(charge(accountant, i, 30));
    double spent = tiny_spent(accountant);
    dpmix_accountant_free(accountant);
    struct tiny_bytes file = tiny_read(tiny_path("a"));
    size_t refused = 0, whole = 0;
    for (size_t i = 0; i < file.n; i++) {
        if (file.bytes[i] == 0 && i % 97 != 0)
            continue;
        file.bytes[i] ^= (uint8_t)(1u << i % 8);
        tiny_write(tiny_path("damaged"), file.bytes, file.n);
        file.bytes[i] ^= (uint8_t)(1u << i % 8);
        accountant = NULL;
        int status =
            dpmix_accountant_open(&accountant, tiny_path("damaged"), "patients", EPSILON, TINY_DELTA, 1);
        if (status == DPMIX_OK) {
            ck_assert_msg(tiny_spent(accountant) == spent && entries_of(accountant) == 3, "byte %zu", i);
            whole++;
        } else {
            ck_assert_msg(status == DPMIX_ERR_FORMAT || status == DPMIX_ERR_IO || status == DPMIX_ERR_STATE,
                          "byte %zu: %d, %s", i, status, dpmix_last_error());
            refused++;
        }
        dpmix_accountant_free(accountant);
    }
    ck_assert_uint_gt(refused, 300);
    ck_assert_uint_lt(whole, refused);
    for (size_t n = 2; n < file.n; n += 501) {
        unlink(tiny_path("b"));
        tiny_write(tiny_path("b"), file.bytes, n);
        ck_assert_int_eq(try_open(tiny_path("b")), DPMIX_ERR_FORMAT);
    }
    free(file.bytes);
}
END_TEST

START_TEST(a_foreign_file_is_refused_and_left_alone)
{
    static const struct {
        size_t at;
        const char *message;
    } headers[] = {{60, "version"}, {68, "no ledger"}}; /* of an SQLite file: user_version, application_id */
    uint8_t poem[2000];
    for (size_t i = 0; i < sizeof poem; i++)
        poem[i] = "Roses are red\n"[i % 14];
    tiny_write(tiny_path("b"), poem, sizeof poem);
    ck_assert_int_eq(try_open(tiny_path("b")), DPMIX_ERR_FORMAT);
    tiny_write(tiny_path("images"), poem, sizeof poem);
    ck_assert(tiny_same_files(tiny_path("b"), tiny_path("images")));
    dpmix_accountant_free(open_named("patients", EPSILON));
    struct tiny_bytes file = tiny_read(tiny_path("a"));
    for (size_t i = 0; i < 2; i++) {
        file.bytes[headers[i].at + 3]++;
        tiny_write(tiny_path("b"), file.bytes, file.n);
        CHECK_FAILS(try_open(tiny_path("b")), DPMIX_ERR_FORMAT, headers[i].message);
        tiny_write(tiny_path("images"), file.bytes, file.n);
        ck_assert(tiny_same_files(tiny_path("b"), tiny_path("images")));
        file.bytes[headers[i].at + 3]--;
    }
    tiny_write(tiny_path("b"), file.bytes, 0); /* an empty file is none yet */
    ck_assert_int_eq(try_open(tiny_path("b")), DPMIX_OK);
    free(file.bytes);
}
END_TEST

/* Put back to an older state while it is open: the handle knows of a debit that the file lacks. */
START_TEST(a_ledger_that_lost_a_debit_is_refused)
{
    dpmix_accountant *accountant = open_named("patients", EPSILON);
    CHECK_OK(charge(accountant, 0, 30));
    struct tiny_bytes file = tiny_read(tiny_path("a"));
    CHECK_OK(charge(accountant, 1, 30));
    double spent = 7;
    tiny_write(tiny_path("a"), file.bytes, file.n);
    CHECK_FAILS(dpmix_accountant_spent(accountant, &spent), DPMIX_ERR_FORMAT, "lacks a debit");
    CHECK_FAILS(charge(accountant, 2, 30), DPMIX_ERR_FORMAT, "lacks a debit");
    ck_assert(spent == 7);
    ck_assert_int_eq(unlink(tiny_path("a")), 0);
    CHECK_FAILS(charge(accountant, 2, 30), DPMIX_ERR_IO, "path");
    dpmix_accountant_free(accountant);
    free(file.bytes);
}
END_TEST

/* ---- Several processes ---- */

START_TEST(a_forked_accountant_refuses)
{
    dpmix_accountant *accountant = open_named("patients", EPSILON);
    CHECK_OK(charge(accountant, 0, 30));
    const char *path = tiny_path("a"); /* whose folder has the number of the parent */
    pid_t child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) {
        double spent;
        int refused = charge(accountant, 1, 30) == DPMIX_ERR_STATE &&
                      dpmix_accountant_spent(accountant, &spent) == DPMIX_ERR_STATE;
        dpmix_accountant_free(accountant);
        _exit(refused && try_open(path) == DPMIX_OK ? 0 : 1); /* one that the child opens by itself works */
    }
    int end;
    ck_assert_int_eq(waitpid(child, &end, 0), child);
    ck_assert_int_eq(end, 0);
    CHECK_OK(charge(accountant, 1, 30));
    ck_assert_uint_eq(entries_of(accountant), 2);
    dpmix_accountant_free(accountant);
}
END_TEST

/* What a child does with the ledger at `path`; it says a byte for every debit that is done. */
typedef void child_fn(const char *path, int number, int say);

static pid_t start(child_fn *work, int number, int pipe_end[2])
{
    char path[96];
    strcpy(path, tiny_path("a")); /* its folder has the number of the parent */
    ck_assert_int_eq(pipe(pipe_end), 0);
    pid_t child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) {
        close(pipe_end[0]);
        work(path, number, pipe_end[1]);
        _exit(0);
    }
    close(pipe_end[1]);
    return child;
}

/* Reads to the end of what a child says. */
static int said(int from)
{
    char bytes[256];
    ssize_t n;
    int total = 0;
    while ((n = read(from, bytes, sizeof bytes)) > 0)
        total += (int)n;
    ck_assert_int_eq(n, 0);
    close(from);
    return total;
}

static dpmix_accountant *child_open(const char *path, double epsilon)
{
    dpmix_accountant *accountant = NULL;
    if (dpmix_accountant_open(&accountant, path, "patients", epsilon, TINY_DELTA, DPMIX_ADJACENCY_ADD_REMOVE))
        _exit(2);
    return accountant;
}

static void debit_for_ever(const char *path, int first, int say)
{
    dpmix_accountant *accountant = child_open(path, AMPLE);
    for (int i = first;; i++) {
        if (charge(accountant, i, 300))
            _exit(3);
        if (write(say, "", 1) != 1)
            _exit(4);
    }
}

START_TEST(a_kill_loses_no_debit)
{
    unsigned state = 1;
    int entries = 0, debits = 0, silent = 0;
    for (int round = 0; round < KILLS; round++) {
        int from[2], end;
        pid_t child = start(debit_for_ever, entries, from);
        state = state * 1103515245u + 12345u;
        long delay = (long)(state >> 16) % 25000; /* microseconds, of the start or after the first debit */
        char first;
        int heard = round % 2 ? (int)read(from[0], &first, 1) : 0;
        nanosleep(&(struct timespec){0, delay * 1000}, NULL);
        ck_assert_int_eq(kill(child, SIGKILL), 0); /* it never ends by itself */
        ck_assert_int_eq(waitpid(child, &end, 0), child);
        ck_assert(WIFSIGNALED(end) && WTERMSIG(end) == SIGKILL);
        int done = heard + said(from[0]);
        dpmix_accountant *accountant = open_named("patients", AMPLE);
        int now = (int)entries_of(accountant);
        ck_assert_msg(now == entries + done || now == entries + done + 1, "%d debits of %d, and %d before",
                      now, done, entries);
        ck_assert_double_eq(tiny_spent(accountant), spent_of(now, AMPLE, 300));
        dpmix_accountant_free(accountant);
        silent += now == entries + done + 1;
        debits += done;
        entries = now;
    }
    ck_assert_int_ge(debits, KILLS / 2);
    ck_assert_int_eq(entries, debits + silent);
    dpmix_accountant *accountant = open_named("patients", AMPLE);
    CHECK_OK(charge(accountant, entries, 300)); /* clears away what a killed process left beside the file */
    dpmix_accountant_free(accountant);
}
END_TEST

static void debit_till_refused(const char *path, int number, int say)
{
    dpmix_accountant *accountant = child_open(path, EPSILON);
    int status;
    while ((status = charge(accountant, number, 100)) == DPMIX_OK)
        if (write(say, "", 1) != 1)
            _exit(4);
    if (status != DPMIX_ERR_BUDGET)
        _exit(3);
    dpmix_accountant_free(accountant);
}

START_TEST(a_race_for_the_last_of_the_budget_is_fair)
{
    int from[RACERS][2], end, total = 0;
    pid_t racers[RACERS];
    for (int i = 0; i < RACERS; i++)
        racers[i] = start(debit_till_refused, i, from[i]);
    for (int i = 0; i < RACERS; i++) {
        total += said(from[i][0]);
        ck_assert_int_eq(waitpid(racers[i], &end, 0), racers[i]);
        ck_assert_msg(end == 0, "process %d ended with %d", i, end);
    }
    dpmix_accountant *accountant = open_named("patients", EPSILON);
    ck_assert_int_gt(total, 2 * RACERS);
    ck_assert_int_eq((int)entries_of(accountant), total);
    ck_assert_double_le(tiny_spent(accountant), EPSILON);
    for (int i = 0; i < RACERS; i++)
        CHECK_FAILS(charge(accountant, i, 100), DPMIX_ERR_BUDGET, "budget");
    ck_assert_double_gt(tiny_spent(accountant), 0.9 * EPSILON);
    dpmix_accountant_free(accountant);
}
END_TEST

/* No file may grow past a limit, so that sooner or later a debit cannot be written. */
static void debit_till_full(const char *path, int limit, int say)
{
    struct rlimit most = {(rlim_t)limit, (rlim_t)limit};
    signal(SIGXFSZ, SIG_IGN);
    if (setrlimit(RLIMIT_FSIZE, &most))
        _exit(2);
    dpmix_accountant *accountant = NULL;
    int status =
        dpmix_accountant_open(&accountant, path, "patients", AMPLE, TINY_DELTA, DPMIX_ADJACENCY_ADD_REMOVE);
    for (int i = 0; !status && i < MANY; i++) {
        status = charge(accountant, i, 300);
        if (!status && write(say, "", 1) != 1)
            _exit(4);
    }
    if (status != DPMIX_ERR_IO)
        _exit(3);
    dpmix_accountant_free(accountant);
}

START_TEST(a_failed_write_leaves_the_ledger)
{
    int most = 0;
    for (int limit = 1000; limit <= 25000; limit += 3000) {
        int from[2], end;
        unlink(tiny_path("a"));
        pid_t child = start(debit_till_full, limit, from);
        int done = said(from[0]);
        ck_assert_int_eq(waitpid(child, &end, 0), child);
        ck_assert_msg(end == 0, "limit %d: the process ended with %d", limit, end);
        dpmix_accountant *accountant = open_named("patients", AMPLE);
        int now = (int)entries_of(accountant);
        ck_assert_msg(now == done || now == done + 1, "limit %d: %d of %d", limit, now, done);
        ck_assert_double_eq(tiny_spent(accountant), spent_of(now, AMPLE, 300));
        CHECK_OK(charge(accountant, now, 300)); /* as good as new */
        dpmix_accountant_free(accountant);
        most = done > most ? done : most;
    }
    ck_assert_int_gt(most, 10);
}
END_TEST

static void open_with_limit(const char *path, int limit, int say)
{
    struct rlimit most = {(rlim_t)limit, (rlim_t)limit};
    dpmix_accountant *accountant = NULL;
    (void)say;
    signal(SIGXFSZ, SIG_IGN);
    if (setrlimit(RLIMIT_FSIZE, &most))
        _exit(2);
    int status =
        dpmix_accountant_open(&accountant, path, "patients", EPSILON, TINY_DELTA, DPMIX_ADJACENCY_ADD_REMOVE);
    dpmix_accountant_free(accountant);
    _exit(status == DPMIX_OK ? 0 : status == DPMIX_ERR_IO ? 1 : 3);
}

/* Taking a file over is one transaction: it leaves the old file or the new one. */
START_TEST(a_ledger_is_taken_over_whole_or_not_at_all)
{
    struct tiny_bytes file = file_of_version_1();
    int refused = 0, done = 0;
    for (int limit = 0; limit <= 64000; limit += 4000) {
        int from[2], end;
        tiny_write(tiny_path("a"), file.bytes, file.n);
        pid_t child = start(open_with_limit, limit, from);
        said(from[0]);
        ck_assert_int_eq(waitpid(child, &end, 0), child);
        ck_assert(WIFEXITED(end) && WEXITSTATUS(end) <= 1);
        WEXITSTATUS(end) ? refused++ : done++;
        dpmix_accountant *accountant = open_named("patients", EPSILON);
        ck_assert_uint_eq(entries_of(accountant), 3);
        dpmix_accountant_free(accountant);
    }
    ck_assert(refused > 1 && done > 1);
    tiny_write(tiny_path("images"), file.bytes, file.n);
    size_t at = 0; /* a data set's name is damaged, that of another is asked for: nothing is taken over */
    while (at + 6 < file.n && memcmp(file.bytes + at, "donors", 6) != 0)
        at++;
    ck_assert_uint_lt(at + 6, file.n);
    file.bytes[at]++;
    tiny_write(tiny_path("a"), file.bytes, file.n);
    tiny_write(tiny_path("images"), file.bytes, file.n);
    ck_assert_int_eq(try_open(tiny_path("a")), DPMIX_ERR_FORMAT);
    ck_assert(tiny_same_files(tiny_path("a"), tiny_path("images")));
    free(file.bytes);
}
END_TEST

static Suite *suite(void)
{
    Suite *suite = suite_create("durable");
    TCase *test_case = check_case(suite, "durable");
    tcase_add_checked_fixture(test_case, tiny_clean_setup, tiny_clean_teardown);
    tcase_add_test(test_case, a_ledger_opened_again_is_the_same);
    tcase_add_test(test_case, another_budget_is_refused);
    tcase_add_test(test_case, a_name_almost_as_another_is_refused);
    tcase_add_loop_test(test_case, a_mode_lasts, 0, 3);
    tcase_add_test(test_case, a_ledger_of_version_1_is_planned);
    tcase_add_test(test_case, bad_arguments_are_refused);
    tcase_add_test(test_case, two_handles_see_each_other);
    tcase_add_test(test_case, a_fit_is_debited_in_the_file_before_its_first_step);
    tcase_add_loop_test(test_case, a_fit_that_is_paid_for_does_without_the_file, 0, 2);
    tcase_add_test(test_case, without_memory_nothing_is_debited);
    tcase_add_test(test_case, a_damaged_ledger_is_refused);
    tcase_add_test(test_case, a_foreign_file_is_refused_and_left_alone);
    tcase_add_test(test_case, a_ledger_that_lost_a_debit_is_refused);
    tcase_add_test(test_case, a_forked_accountant_refuses);
    tcase_add_test(test_case, a_kill_loses_no_debit);
    tcase_add_test(test_case, a_race_for_the_last_of_the_budget_is_fair);
    tcase_add_test(test_case, a_failed_write_leaves_the_ledger);
    tcase_add_test(test_case, a_ledger_is_taken_over_whole_or_not_at_all);
    return suite;
}

CHECK_MAIN(suite)
