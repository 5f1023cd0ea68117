/* SPDX-License-Identifier: BSD-3-Clause */
/* Ledgers whose file holds more than the ledger's tables: a trigger could undo a debit that was reported. And
 * files that hold no tables, but damage that tables would be built on. */
#include <dpmix/dpmix.h>

#include "tiny_file.h"
#include "tiny_model.h"

#include <sqlite3.h>

static int open_ledger(dpmix_accountant **accountant, const char *dataset)
{
    return dpmix_accountant_open(accountant, tiny_path("a"), dataset, 1, TINY_DELTA,
                                 DPMIX_ADJACENCY_ADD_REMOVE);
}

/* As an attacker does it who edits the list of tables by hand: names that begin so are SQLite's own. */
static const char *const additions[] = {
    "INSERT INTO sqlite_master VALUES ('trigger', 'sqlite_more', 'entries', 0,"
    " 'CREATE TRIGGER sqlite_more AFTER INSERT ON entries BEGIN DELETE FROM events; END')",
    "INSERT INTO sqlite_master VALUES ('view', 'sqlite_more', 'sqlite_more', 0,"
    " 'CREATE VIEW sqlite_more AS SELECT * FROM entries')",
    "CREATE TRIGGER more AFTER INSERT ON entries BEGIN DELETE FROM events; END",
    "CREATE INDEX more ON entries (purpose)",
    "CREATE TABLE more (x)",
};
enum { N_ADDITIONS = sizeof additions / sizeof *additions };

START_TEST(more_than_the_tables_is_refused)
{
    dpmix_accountant *accountant = NULL;
    sqlite3 *file = NULL;
    CHECK_OK(open_ledger(&accountant, "d"));
    ck_assert_int_eq(sqlite3_open(tiny_path("a"), &file), SQLITE_OK);
    ck_assert_int_eq(sqlite3_exec(file, "PRAGMA writable_schema = ON", NULL, NULL, NULL), SQLITE_OK);
    ck_assert_int_eq(sqlite3_exec(file, additions[_i], NULL, NULL, NULL), SQLITE_OK);
    ck_assert_int_eq(sqlite3_close(file), SQLITE_OK);
    double spent = -1;
    CHECK_FAILS(dpmix_accountant_spent(accountant, &spent), DPMIX_ERR_FORMAT, "damaged");
    dpmix_accountant_free(accountant);
    accountant = NULL;
    CHECK_FAILS(open_ledger(&accountant, "d"), DPMIX_ERR_FORMAT, "damaged");
    CHECK_FAILS(open_ledger(&accountant, "another"), DPMIX_ERR_FORMAT, "damaged");
    ck_assert_ptr_null(accountant);
}
END_TEST

/* The list of free pages begins behind the end of the file, which SQLite does not see while it adds pages. */
START_TEST(damage_without_tables_is_refused)
{
    enum { FREE_PAGES = 32 }; /* where SQLite's header has the number of the first of them, big-endian */
    dpmix_accountant *accountant = NULL;
    sqlite3 *file = NULL;
    ck_assert_int_eq(sqlite3_open(tiny_path("a"), &file), SQLITE_OK);
    ck_assert_int_eq(sqlite3_exec(file, "VACUUM", NULL, NULL, NULL), SQLITE_OK);
    ck_assert_int_eq(sqlite3_close(file), SQLITE_OK);
    struct tiny_bytes bytes = tiny_read(tiny_path("a"));
    bytes.bytes[FREE_PAGES + 2] = 0x40;
    tiny_write(tiny_path("b"), bytes.bytes, bytes.n);
    tiny_write(tiny_path("a"), bytes.bytes, bytes.n);
    CHECK_FAILS(open_ledger(&accountant, "d"), DPMIX_ERR_FORMAT, "damaged");
    ck_assert_ptr_null(accountant);
    ck_assert(tiny_same_files(tiny_path("a"), tiny_path("b")));
    bytes.bytes[FREE_PAGES + 2] = 0;
    tiny_write(tiny_path("a"), bytes.bytes, bytes.n);
    CHECK_OK(open_ledger(&accountant, "d"));
    dpmix_accountant_free(accountant);
    free(bytes.bytes);
}
END_TEST

/* SQLite says that memory ran out where a record has 2^32 - 1 bytes; nothing is tried with such a file. */
START_TEST(a_record_larger_than_the_file_is_refused)
{
    static const char header[] = "SQLite format 3\0\x10\0\0\0\0\x40\x20\x20";
    static const uint8_t record[] = {0xff, 0xff, 0xff, 0xff, 0x7f, 1, 95, 0, 0, 0, 0xac, 0};
    enum { PAGE = 4096, TREE = 100, RECORD = 512 }; /* places in the file */
    uint8_t file[PAGE] = {0};
    dpmix_accountant *accountant = NULL;
    memcpy(file, header, sizeof header - 1);
    memcpy(file + RECORD, record, sizeof record);
    file[TREE] = 0x0d;  /* a leaf */
    file[TREE + 4] = 1; /* with one record */
    file[TREE + 8] = RECORD >> 8;
    tiny_write(tiny_path("a"), file, PAGE);
    tiny_write(tiny_path("b"), file, PAGE);
    int status = open_ledger(&accountant, "d");
    ck_assert(status == DPMIX_ERR_NOMEM || status == DPMIX_ERR_FORMAT);
    ck_assert_ptr_nonnull(strstr(dpmix_last_error(), "damaged"));
    ck_assert_ptr_null(accountant);
    ck_assert(tiny_same_files(tiny_path("a"), tiny_path("b")));
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("ledger_schema");
    TCase *test = check_case(s, "ledger_schema");
    tcase_add_checked_fixture(test, tiny_clean_setup, tiny_clean_teardown);
    tcase_add_loop_test(test, more_than_the_tables_is_refused, 0, N_ADDITIONS);
    tcase_add_test(test, damage_without_tables_is_refused);
    tcase_add_test(test, a_record_larger_than_the_file_is_refused);
    return s;
}

CHECK_MAIN(suite)
