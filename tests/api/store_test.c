/* SPDX-License-Identifier: BSD-3-Clause */
/* Ledgers in files where SQLite fails: every call to it in turn, in ways that no medium and no lack of memory
 * brings about at will. The program is linked such that the library's calls to SQLite come here first. */
#include <dpmix/dpmix.h>

#include "tiny_ledger.h"

#include <sqlite3.h>

/* ---- SQLite as it fails ---- */

enum { NOTHING, CODE, NO_ROW, NO_TEXT, NO_CHANGE, TOO_OLD, NO_THREADS };

/* The nth call of a kind; calls are counted. */
static struct {
    int kind, nth, code, calls;
} plan;

static void plan_set(int kind, int nth, int code)
{
    plan.kind = kind;
    plan.nth = nth;
    plan.code = code;
    plan.calls = 0;
}

static int is_due(int kind)
{
    return plan.kind == kind && ++plan.calls == plan.nth;
}

#define WRAP(result, name, declared, given, kind, failed)                                                    \
    result __real_##name declared;                                                                           \
    result __wrap_##name declared;                                                                           \
    result __wrap_##name declared                                                                            \
    {                                                                                                        \
        return is_due(kind) ? (failed) : __real_##name given;                                                \
    }

typedef int exec_row_fn(void *, int, char **, char **);
typedef void destroy_fn(void *);

WRAP(int, sqlite3_open_v2, (const char *path, sqlite3 **out, int flags, const char *vfs),
     (path, out, flags, vfs), CODE, plan.code)
WRAP(int, sqlite3_busy_timeout, (sqlite3 * file, int ms), (file, ms), CODE, plan.code)
WRAP(int, sqlite3_exec, (sqlite3 * file, const char *sql, exec_row_fn *row, void *user, char **error),
     (file, sql, row, user, error), CODE, plan.code)
WRAP(int, sqlite3_prepare_v2, (sqlite3 * file, const char *sql, int n, sqlite3_stmt **out, const char **tail),
     (file, sql, n, out, tail), CODE, plan.code)
WRAP(int, sqlite3_bind_int64, (sqlite3_stmt * statement, int at, sqlite3_int64 value), (statement, at, value),
     CODE, plan.code)
WRAP(int, sqlite3_bind_double, (sqlite3_stmt * statement, int at, double value), (statement, at, value), CODE,
     plan.code)
WRAP(int, sqlite3_bind_text, (sqlite3_stmt * statement, int at, const char *text, int n, destroy_fn *destroy),
     (statement, at, text, n, destroy), CODE, plan.code)
WRAP(int, sqlite3_bind_blob, (sqlite3_stmt * statement, int at, const void *blob, int n, destroy_fn *destroy),
     (statement, at, blob, n, destroy), CODE, plan.code)
WRAP(const unsigned char *, sqlite3_column_text, (sqlite3_stmt * statement, int at), (statement, at), NO_TEXT,
     NULL)
WRAP(const void *, sqlite3_column_blob, (sqlite3_stmt * statement, int at), (statement, at), NO_TEXT, NULL)
WRAP(const char *, sqlite3_db_filename, (sqlite3 * file, const char *name), (file, name), NO_TEXT, NULL)
WRAP(int, sqlite3_changes, (sqlite3 * file), (file), NO_CHANGE, 0)
WRAP(int, sqlite3_libversion_number, (void), (), TOO_OLD, 3014002)
WRAP(int, sqlite3_threadsafe, (void), (), NO_THREADS, 0)

int __real_sqlite3_step(sqlite3_stmt *statement);
int __wrap_sqlite3_step(sqlite3_stmt *statement);
int __wrap_sqlite3_step(sqlite3_stmt *statement)
{
    if (is_due(NO_ROW))
        return SQLITE_DONE;
    return is_due(CODE) ? plan.code : __real_sqlite3_step(statement);
}

/* In the place of the C library's, for SQLite too. No power fails here, and the disk is what takes time. */
int fsync(int file)
{
    (void)file;
    return 0;
}

int fdatasync(int file)
{
    (void)file;
    return 0;
}

/* ---- What is called ---- */

static int do_add_dataset(void)
{
    return open_ledger(&handle, "donors");
}

static int do_spend(void)
{
    double epsilon;
    return dpm_accountant_spent(handle, &epsilon);
}

static int do_spend_group(void)
{
    double epsilon;
    return dpm_accountant_spent_group(handle, &epsilon, 2);
}

static int do_calibrate(void)
{
    struct dpm_event event = events[0];
    return dpm_accountant_calibrate(handle, 0.5, &event, 1);
}

static int do_text(void)
{
    char *text = NULL;
    int status = dpm_accountant_text(&text, handle);
    dpm_free(text);
    return status;
}

static int do_json(void)
{
    char *text = NULL;
    int status = dpm_accountant_json(&text, handle);
    dpm_free(text);
    return status;
}

static int do_copy(void)
{
    dpmix_accountant *copy = NULL;
    int status = dpm_accountant_copy(&copy, handle);
    dpm_accountant_unref(copy);
    return status;
}

static int do_last_debit(void)
{
    struct dpm_event event;
    size_t n;
    return dpm_accountant_last_debit(handle, &n, &event);
}

static int do_begin_run(void)
{
    struct dpm_account_run run = run_of(1);
    run.name[0]++;
    return dpm_accountant_begin_run(handle, &run, "another training", events, 2, 0, NULL);
}

enum { NEW, OLD, OPENED, BEHIND };

/* On no file, on one of the first version of the format, with a handle, or with one that does not know of the
 * last debit yet. */
static const struct act {
    const char *name;
    int (*go)(void);
    int on;
    size_t debits; /* that it makes */
} acts[] = {
    {"open a new file", do_open, NEW, 0},
    {"open version 1", do_open, OLD, 0},
    {"open", do_open, OPENED, 0},
    {"add a data set", do_add_dataset, OPENED, 0},
    {"spent", do_spend, OPENED, 0},
    {"spent, behind", do_spend, BEHIND, 0},
    {"group", do_spend_group, OPENED, 0},
    {"charge", do_charge, OPENED, 1},
    {"charge, behind", do_charge, BEHIND, 1},
    {"calibrate", do_calibrate, OPENED, 0},
    {"text", do_text, OPENED, 0},
    {"json", do_json, OPENED, 0},
    {"copy", do_copy, OPENED, 0},
    {"last debit", do_last_debit, OPENED, 0},
    {"begin a run", do_begin_run, OPENED, 1},
    {"mark", do_mark, OPENED, 0},
    {"leave", do_leave, OPENED, 0},
    {"resume", do_resume, OPENED, 0},
};

enum { N_ACTS = sizeof acts / sizeof *acts };

static int opens(const struct act *act)
{
    return act->go == do_open || act->go == do_add_dataset;
}

static size_t debits_before(const struct act *act)
{
    return act->on == NEW ? 0 : act->on == OLD ? 3 : 2;
}

/* The file as it is before the call, and the handle. */
static void prepare(const struct act *act)
{
    struct tiny_bytes first = act->on == OLD ? version_1 : act->on == BEHIND ? one_debit : two_debits;
    tiny_write(tiny_path("a"), first.bytes, first.n);
    if (act->on == NEW)
        ck_assert_int_eq(unlink(tiny_path("a")), 0);
    handle = NULL;
    if (!opens(act))
        CHECK_OK(open_ledger(&handle, "patients"));
    if (act->on == BEHIND)
        tiny_write(tiny_path("a"), two_debits.bytes, two_debits.n);
}

static size_t debits_of_file(void)
{
    dpmix_accountant *accountant = NULL;
    CHECK_OK(open_ledger(&accountant, "patients"));
    size_t n = debits_of(accountant);
    dpm_accountant_unref(accountant);
    return n;
}

/* The call, with a failure; whether it came. A call that fails leaves the file as it was, and whatever a call
 * does, it leaves a file that is whole. */
static int call_fails(const struct act *act, int kind, int nth, int code, int expected)
{
    prepare(act);
    plan_set(kind, nth, code);
    int status = act->go(), came = plan.calls >= nth;
    plan_set(NOTHING, 0, 0);
    dpm_accountant_unref(handle);
    if (came && expected)
        ck_assert_msg(status == expected, "%s, call %d fails with %d: %d, %s", act->name, nth, code, status,
                      dpmix_last_error());
    size_t debits = debits_of_file(), before = debits_before(act);
    ck_assert_msg(debits == before + (status ? 0 : act->debits), "%s, call %d: %zu debits", act->name, nth,
                  debits);
    return came;
}

static const struct {
    int code, status;
} failures[] = {
    {SQLITE_NOMEM, DPMIX_ERR_NOMEM},     {SQLITE_CORRUPT, DPMIX_ERR_FORMAT},
    {SQLITE_NOTADB, DPMIX_ERR_FORMAT},   {SQLITE_CONSTRAINT, DPMIX_ERR_FORMAT},
    {SQLITE_MISMATCH, DPMIX_ERR_FORMAT}, {SQLITE_BUSY, DPMIX_ERR_IO},
    {SQLITE_LOCKED, DPMIX_ERR_IO},       {SQLITE_READONLY, DPMIX_ERR_IO},
    {SQLITE_PERM, DPMIX_ERR_IO},         {SQLITE_FULL, DPMIX_ERR_IO},
    {SQLITE_IOERR_READ, DPMIX_ERR_IO},
};

enum { N_FAILURES = sizeof failures / sizeof *failures };

START_TEST(every_call_of_sqlite_may_fail)
{
    const struct act *act = &acts[_i];
    int nth = 1;
    for (int came = 1; came; nth++) {
        int i = (nth + _i) % N_FAILURES; /* SQLite never says this and that of one call, but may of another */
        came = call_fails(act, CODE, nth, failures[i].code, failures[i].status);
    }
    ck_assert_int_gt(nth, 15);
}
END_TEST

START_TEST(every_failure_has_its_status)
{
    for (int i = 0; i < N_FAILURES; i++)
        ck_assert(call_fails(&acts[7], CODE, 8, failures[i].code, failures[i].status));
}
END_TEST

/* What is read ends early: then the tables are others, the data set is not there, or the checksum is wrong.
 * The last row's end is told again, and that is no failure. */
START_TEST(no_row_may_be_missing)
{
    const struct act *act = &acts[_i];
    if (act->go != do_spend && act->on != OLD)
        return;
    int refused = 0;
    for (int nth = 1, came = 1; came; nth++) {
        prepare(act);
        plan_set(NO_ROW, nth, 0);
        int status = act->go();
        came = plan.calls >= nth;
        plan_set(NOTHING, 0, 0);
        double spent = 0;
        if (!status)
            CHECK_OK(dpm_accountant_spent(handle, &spent));
        ck_assert_msg(act->on == OLD || status == DPMIX_ERR_FORMAT || (status == DPMIX_OK && spent > 0),
                      "row %d: %d, %s", nth, status, dpmix_last_error());
        refused += status == DPMIX_ERR_FORMAT;
        dpm_accountant_unref(handle);
    }
    ck_assert_int_gt(refused, 5);
}
END_TEST

/* SQLite gives no text when it has no memory for it. */
START_TEST(no_text_may_be_missing)
{
    const struct act *act = &acts[_i];
    int refused = 0;
    for (int nth = 1, came = 1; came; nth++) {
        prepare(act);
        plan_set(NO_TEXT, nth, 0);
        int status = act->go();
        came = plan.calls >= nth;
        plan_set(NOTHING, 0, 0);
        ck_assert_msg((status != DPMIX_OK) == came, "%s, text %d: %d, %s", act->name, nth, status,
                      dpmix_last_error());
        refused += status == DPMIX_ERR_NOMEM || status == DPMIX_ERR_FORMAT || status == DPMIX_ERR_ARG;
        dpm_accountant_unref(handle);
        ck_assert_int_eq(refused, came ? nth : nth - 1);
    }
    ck_assert_int_gt(refused, 0);
}
END_TEST

START_TEST(a_debit_that_changes_nothing_is_none)
{
    ck_assert(call_fails(&acts[7], NO_CHANGE, 1, 0, DPMIX_ERR_FORMAT));
}
END_TEST

START_TEST(an_sqlite_that_cannot_is_refused)
{
    ck_assert(call_fails(&acts[2], TOO_OLD, 1, 0, DPMIX_ERR_UNSUPPORTED));
    ck_assert(call_fails(&acts[2], NO_THREADS, 1, 0, DPMIX_ERR_UNSUPPORTED));
}
END_TEST

static Suite *suite(void)
{
    Suite *suite = suite_create("store");
    TCase *test_case = check_case(suite, "store");
    tcase_add_unchecked_fixture(test_case, make_files, drop_files);
    tcase_add_checked_fixture(test_case, setup, tiny_clean_teardown);
    tcase_add_loop_test(test_case, every_call_of_sqlite_may_fail, 0, N_ACTS);
    tcase_add_test(test_case, every_failure_has_its_status);
    tcase_add_loop_test(test_case, no_row_may_be_missing, 0, N_ACTS);
    tcase_add_loop_test(test_case, no_text_may_be_missing, 0, N_ACTS);
    tcase_add_test(test_case, a_debit_that_changes_nothing_is_none);
    tcase_add_test(test_case, an_sqlite_that_cannot_is_refused);
    return suite;
}

CHECK_MAIN(suite)
