/* SPDX-License-Identifier: BSD-3-Clause */
/* Ledgers in files whose content is not what the library wrote, or no longer. */
#include <dpmix/dpmix.h>

#include "account_store.h"
#include "tiny_ledger.h"

#include <sqlite3.h>

static void change(const char *sql)
{
    sqlite3 *file = NULL;
    ck_assert_int_eq(sqlite3_open(tiny_path("a"), &file), SQLITE_OK);
    ck_assert_msg(sqlite3_exec(file, sql, NULL, NULL, NULL) == SQLITE_OK, "%s: %s", sql,
                  sqlite3_errmsg(file));
    ck_assert_int_gt(sqlite3_total_changes(file), 0);
    ck_assert_int_eq(sqlite3_close(file), SQLITE_OK);
}

static const char *const damages[] = {
    "UPDATE events SET kind = -1 WHERE entry = 2 AND event = 0",
    "UPDATE events SET kind = 1 << 40 WHERE entry = 2 AND event = 0",
    "UPDATE events SET event = 7 WHERE entry = 2 AND event = 1",
    "UPDATE events SET count = 8 WHERE entry = 1 AND event = 1",
    "UPDATE events SET noise_multiplier = 60.0",
    "UPDATE events SET noise_multiplier = 'a' WHERE entry = 1",
    "DELETE FROM events WHERE entry = 2 AND event = 0",
    "DELETE FROM events WHERE entry = 2 AND event = 1",
    "DELETE FROM events WHERE entry = 2",
    "DELETE FROM entries WHERE entry = 1",
    "UPDATE entries SET purpose = 'less' WHERE entry = 1",
    "UPDATE entries SET purpose = x'00' WHERE entry = 1",
    "UPDATE entries SET test_noise = 1 WHERE entry = 1",
    "UPDATE datasets SET entries = 1",
    "UPDATE datasets SET id = 2",
    "UPDATE datasets SET name = 'patient'",
    "UPDATE datasets SET epsilon = 200.0",
    "UPDATE datasets SET epsilon = 'a'",
};

enum { N_DAMAGES = sizeof damages / sizeof *damages };

START_TEST(a_changed_row_is_refused)
{
    CHECK_OK(open_ledger(&handle, "patients"));
    change(damages[_i]);
    CHECK_FAILS(do_open(), DPMIX_ERR_FORMAT, "damaged");
    dpm_accountant_unref(handle);
}
END_TEST

/* An order that the caller leaves to the ledger is the ledger's: the sum is of a filter's terms, too. */
START_TEST(a_changed_filter_is_refused)
{
    static const char *const changes[] = {"UPDATE datasets SET renyi_order = 50.0 WHERE name = 'donors'",
                                          "UPDATE datasets SET mode = 3 WHERE name = 'donors'"};
    dpmix_accountant *filter = NULL;
    const struct dpm_account_terms terms = {BUDGET, TINY_DELTA, DPMIX_ADJACENCY_ADD_REMOVE, DPMIX_MODE_RENYI,
                                            0};
    CHECK_OK(dpm_accountant_open_terms(&filter, tiny_path("a"), "donors", terms));
    dpm_accountant_unref(filter);
    change(changes[_i]);
    CHECK_FAILS(dpm_accountant_open_terms(&filter, tiny_path("a"), "donors", terms), DPMIX_ERR_FORMAT,
                "damaged");
}
END_TEST

/* The row of a data set as it stands in another file, where it has the second place: as good as any alone. */
START_TEST(a_data_set_that_is_there_twice_is_refused)
{
    struct tiny_bytes first = tiny_read(tiny_path("a"));
    char sql[256];
    ck_assert_int_eq(unlink(tiny_path("a")), 0);
    CHECK_OK(open_ledger(&handle, "donors"));
    dpm_accountant_unref(handle);
    CHECK_OK(open_ledger(&handle, "patients"));
    dpm_accountant_unref(handle);
    struct tiny_bytes second = tiny_read(tiny_path("a"));
    tiny_write(tiny_path("b"), second.bytes, second.n);
    tiny_write(tiny_path("a"), first.bytes, first.n);
    snprintf(sql, sizeof sql, "ATTACH '%s' AS b; INSERT INTO datasets SELECT * FROM b.datasets WHERE id = 2",
             tiny_path("b"));
    change(sql);
    CHECK_FAILS(open_ledger(&handle, "patients"), DPMIX_ERR_FORMAT, "damaged");
    free(first.bytes);
    free(second.bytes);
}
END_TEST

/* Files that take the place of the one that a handle was opened with. */
static void expect_stranger(const uint8_t *bytes, size_t n, const char *message)
{
    double spent;
    tiny_write(tiny_path("a"), bytes, n);
    CHECK_FAILS(dpm_accountant_spent(handle, &spent), DPMIX_ERR_FORMAT, message);
    CHECK_FAILS(do_charge(), DPMIX_ERR_FORMAT, message);
}

START_TEST(another_file_is_refused)
{
    CHECK_OK(open_ledger(&handle, "patients"));
    expect_stranger(version_1.bytes, version_1.n, "no longer in the ledger");
    expect_stranger(version_1.bytes, 0, "no longer in the ledger");
    expect_stranger(one_debit.bytes, one_debit.n, "lacks a debit");
    ck_assert_int_eq(unlink(tiny_path("a")), 0);
    dpmix_accountant *other = NULL;
    CHECK_OK(open_ledger(&other, "patients"));
    for (int i = 0; i < 2; i++)
        CHECK_OK(dpm_accountant_charge(other, "as many debits, but others", events, 2, 0, NULL));
    dpm_accountant_unref(other);
    struct tiny_bytes others = tiny_read(tiny_path("a"));
    expect_stranger(others.bytes, others.n, "lacks a debit");
    tiny_write(tiny_path("a"), two_debits.bytes, two_debits.n);
    CHECK_OK(do_charge());
    free(others.bytes);
    dpm_accountant_unref(handle);
}
END_TEST

static void write_version(int version)
{
    char sql[64];
    sqlite3 *file = NULL;
    snprintf(sql, sizeof sql, "PRAGMA user_version = %d", version);
    ck_assert_int_eq(sqlite3_open(tiny_path("a"), &file), SQLITE_OK);
    ck_assert_int_eq(sqlite3_exec(file, sql, NULL, NULL, NULL), SQLITE_OK);
    ck_assert_int_eq(sqlite3_close(file), SQLITE_OK);
}

START_TEST(no_other_version_is_read)
{
    static const int versions[] = {-1, 0, 3};
    for (size_t i = 0; i < sizeof versions / sizeof *versions; i++) {
        write_version(versions[i]);
        CHECK_FAILS(do_open(), DPMIX_ERR_FORMAT, "another version");
    }
    tiny_write(tiny_path("a"), version_1.bytes, 0); /* a data base without tables, and yet somebody's */
    write_version(2);
    CHECK_FAILS(do_open(), DPMIX_ERR_FORMAT, "no ledger");
}
END_TEST

/* What is kept of an event is what the accountant goes by, whatever else its fields say. */
START_TEST(every_kind_of_event_is_kept)
{
    const struct dpm_event all[] = {
        {DPM_EVENT_GAUSSIAN, 30, NAN, 1},  {DPM_EVENT_SUBSAMPLED_GAUSSIAN, 20, 0.5, 2},
        {DPM_EVENT_LAPLACE, 90, NAN, 3},   {DPM_EVENT_SUBSAMPLED_LAPLACE, 80, 0.25, 4},
        {DPM_EVENT_GEOMETRIC, 70, NAN, 5}, {DPM_EVENT_RANDOMIZED_RESPONSE, 60, NAN, 6},
        {DPM_EVENT_PURE, 50, 1e-9, 7},
    };
    double before = 0, after = 0;
    CHECK_OK(open_ledger(&handle, "donors"));
    CHECK_OK(dpm_accountant_charge(handle, "all", all, sizeof all / sizeof *all, 0, NULL));
    CHECK_OK(dpm_accountant_spent(handle, &before));
    dpm_accountant_unref(handle);
    CHECK_OK(open_ledger(&handle, "donors"));
    CHECK_OK(dpm_accountant_spent(handle, &after));
    ck_assert(before > 0.1 && after == before);
    dpm_accountant_unref(handle);
}
END_TEST

/* ---- Runs ---- */

static const char *const run_damages[] = {
    "UPDATE runs SET token = x'00'", "UPDATE runs SET token = 'a'", "UPDATE runs SET begun = 7",
    "UPDATE runs SET entry = 'a'",   "UPDATE runs SET entry = 2",   "UPDATE runs SET token = zeroblob(16)",
};

enum { N_RUN_DAMAGES = sizeof run_damages / sizeof *run_damages };

START_TEST(a_changed_run_is_refused)
{
    change(run_damages[_i]);
    CHECK_OK(open_ledger(&handle, "patients"));
    CHECK_FAILS(do_mark(), DPMIX_ERR_FORMAT, "damaged");
    CHECK_FAILS(do_leave(), DPMIX_ERR_FORMAT, "damaged");
    CHECK_FAILS(do_resume(), DPMIX_ERR_FORMAT, "damaged");
    ck_assert_uint_eq(debits_of(handle), 2);
    dpm_accountant_unref(handle);
}
END_TEST

/* With a seal that fits: of a debit that the ledger does not have. */
START_TEST(a_run_without_a_debit_is_refused)
{
    static const uint64_t entries[] = {0, 3};
    struct dpm_account_terms terms = {BUDGET, TINY_DELTA, DPMIX_ADJACENCY_ADD_REMOVE, DPMIX_MODE_PLANNED, 0};
    struct dpm_store *store = NULL;
    struct dpm_account_run run = run_of(1);
    int in_doubt;
    run.entry = entries[_i];
    CHECK_OK(dpm_store_open(&store, tiny_path("a"), "patients", &terms, 0));
    CHECK_OK(dpm_store_begin(store, 1));
    CHECK_OK(dpm_store_put_run(store, &run));
    CHECK_OK(dpm_store_commit(store, &in_doubt));
    dpm_store_end(store);
    dpm_store_free(store);
    CHECK_OK(open_ledger(&handle, "patients"));
    CHECK_FAILS(do_resume(), DPMIX_ERR_FORMAT, "damaged");
    dpm_accountant_unref(handle);
}
END_TEST

/* Each public parameter of the debit is compared with the checkpoint's. */
START_TEST(a_run_goes_on_as_it_was_paid_for)
{
    struct dpm_account_run run = run_of(2), unknown = {.name = {9}, .token = {1}};
    dpmix_accountant *ledgers[2] = {NULL, tiny_accountant(BUDGET)};
    CHECK_OK(open_ledger(&ledgers[0], "patients"));
    struct dpm_account_run begun = run_of(1);
    CHECK_OK(dpm_accountant_begin_run(ledgers[1], &begun, "training", events, 2, 0, NULL));
    for (int i = 0; i < 2; i++) {
        dpmix_accountant *ledger = ledgers[i];
        for (int field = 0; field < 4; field++) {
            struct dpm_event others[] = {events[0], events[1]}, *last = &others[1];
            last->kind = field == 0 ? DPM_EVENT_GAUSSIAN : last->kind;
            last->noise_multiplier += field == 1;
            last->sampling_rate += 0.25 * (field == 2);
            last->count += field == 3;
            CHECK_FAILS(dpm_accountant_resume_run(ledger, &run, 0, "training", others, 2, 0, NULL),
                        DPMIX_ERR_STATE, "another debit");
        }
        CHECK_FAILS(dpm_accountant_resume_run(ledger, &run, 0, "training", events, 1, 0, NULL),
                    DPMIX_ERR_STATE, "another debit");
        CHECK_FAILS(dpm_accountant_resume_run(ledger, &run, 0, "training", events, 2, 1, NULL),
                    DPMIX_ERR_STATE, "another debit");
        CHECK_FAILS(dpm_accountant_resume_run(ledger, &run, 0, "drills", events, 2, 0, NULL), DPMIX_ERR_STATE,
                    "another debit");
        CHECK_FAILS(dpm_accountant_mark_run(ledger, &unknown, 1), DPMIX_ERR_STATE, "does not know");
        CHECK_FAILS(dpm_accountant_mark_run(ledger, &run, 1), DPMIX_ERR_STATE, "elsewhere");
        CHECK_OK(dpm_accountant_resume_run(ledger, &run, 0, "training", events, 2, 0, NULL));
    }
    dpm_accountant_unref(ledgers[0]);
    dpmix_accountant_free(ledgers[1]);
}
END_TEST

static Suite *suite(void)
{
    Suite *suite = suite_create("ledger_content");
    TCase *test_case = check_case(suite, "ledger_content");
    tcase_add_unchecked_fixture(test_case, make_files, drop_files);
    tcase_add_checked_fixture(test_case, setup, tiny_clean_teardown);
    tcase_add_loop_test(test_case, a_changed_row_is_refused, 0, N_DAMAGES);
    tcase_add_loop_test(test_case, a_changed_filter_is_refused, 0, 2);
    tcase_add_test(test_case, a_data_set_that_is_there_twice_is_refused);
    tcase_add_test(test_case, another_file_is_refused);
    tcase_add_test(test_case, no_other_version_is_read);
    tcase_add_test(test_case, every_kind_of_event_is_kept);
    tcase_add_loop_test(test_case, a_changed_run_is_refused, 0, N_RUN_DAMAGES);
    tcase_add_loop_test(test_case, a_run_without_a_debit_is_refused, 0, 2);
    tcase_add_test(test_case, a_run_goes_on_as_it_was_paid_for);
    return suite;
}

CHECK_MAIN(suite)
