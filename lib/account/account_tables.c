/* SPDX-License-Identifier: BSD-3-Clause */
#include "base_fail.h"

#ifdef HAVE_SQLITE

#include "account_tables.h"

#include <string.h>

enum { APPLICATION_ID = 0x44504C31 }; /* "DPL1" */

/* As SQLite keeps the text, in the order of the names: a file must have these tables and nothing else, no
 * trigger above all. `chain` is the checksum of a data set's entries, `seal` that of its row. */
static const char *const tables[] = {
    "CREATE TABLE datasets (id INTEGER PRIMARY KEY, name TEXT NOT NULL, epsilon REAL NOT NULL,"
    " delta REAL NOT NULL, adjacency INTEGER NOT NULL, mode INTEGER NOT NULL, renyi_order REAL NOT NULL,"
    " entries INTEGER NOT NULL, chain INTEGER NOT NULL, seal INTEGER NOT NULL)",
    "CREATE TABLE entries (dataset INTEGER NOT NULL, entry INTEGER NOT NULL, purpose TEXT NOT NULL,"
    " test_noise INTEGER NOT NULL, PRIMARY KEY (dataset, entry)) WITHOUT ROWID",
    "CREATE TABLE events (dataset INTEGER NOT NULL, entry INTEGER NOT NULL, event INTEGER NOT NULL,"
    " kind INTEGER NOT NULL, noise_multiplier REAL NOT NULL, sampling_rate REAL NOT NULL,"
    " count INTEGER NOT NULL, PRIMARY KEY (dataset, entry, event)) WITHOUT ROWID",
    "CREATE TABLE runs (dataset INTEGER NOT NULL, name BLOB NOT NULL, token BLOB NOT NULL,"
    " entry INTEGER NOT NULL, begun INTEGER NOT NULL, seal INTEGER NOT NULL,"
    " PRIMARY KEY (dataset, name)) WITHOUT ROWID",
};

enum { N_TABLES = sizeof tables / sizeof *tables, N_TABLES_BEFORE = 3, TABLE_OF_RUNS = 3 };

/* The first of the tables as version 1 had it, which had no runs. */
static const char datasets_before[] =
    "CREATE TABLE datasets (id INTEGER PRIMARY KEY, name TEXT NOT NULL, epsilon REAL NOT NULL,"
    " delta REAL NOT NULL, adjacency INTEGER NOT NULL, entries INTEGER NOT NULL, chain INTEGER NOT NULL,"
    " seal INTEGER NOT NULL)";

/* ---- Checksums ---- */

/* FNV-1a. Each step is a bijection of the sum, so no single changed byte goes unnoticed. */
static uint64_t sum_bytes(uint64_t sum, const void *bytes, size_t n)
{
    const unsigned char *byte = bytes;
    for (size_t i = 0; i < n; i++)
        sum = (sum ^ byte[i]) * UINT64_C(0x100000001B3);
    return sum;
}

static uint64_t sum_integer(uint64_t sum, uint64_t number)
{
    unsigned char bytes[8];
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (unsigned char)(number >> (8 * i));
    return sum_bytes(sum, bytes, sizeof bytes);
}

static uint64_t sum_real(uint64_t sum, double number)
{
    uint64_t bits;
    memcpy(&bits, &number, sizeof bits);
    return sum_integer(sum, bits);
}

static uint64_t sum_text(uint64_t sum, const char *string)
{
    return sum_bytes(sum, string, strlen(string) + 1);
}

uint64_t dpm_tables_sum_entry(uint64_t sum, int64_t number, const char *purpose, int test_noise)
{
    return sum_integer(sum_text(sum_integer(sum, (uint64_t)number), purpose), (uint64_t)test_noise);
}

uint64_t dpm_tables_sum_event(uint64_t sum, const struct dpm_event *event)
{
    sum = sum_integer(sum, (uint64_t)event->kind);
    sum = sum_real(sum_real(sum, event->noise_multiplier), event->sampling_rate);
    return sum_integer(sum, event->count);
}

static uint64_t seal_of(const struct dpm_tables_row *row, const char *name, sqlite3_int64 version)
{
    const struct dpm_account_terms *terms = &row->terms;
    uint64_t sum = sum_text(sum_integer(UINT64_C(0xCBF29CE484222325), (uint64_t)row->id), name);
    sum = sum_integer(sum_real(sum_real(sum, terms->epsilon), terms->delta), (uint64_t)terms->adjacency);
    if (version > 1)
        sum = sum_real(sum_integer(sum, (uint64_t)terms->mode), terms->order);
    return sum_integer(sum_integer(sum, (uint64_t)row->mark.entries), row->mark.chain);
}

uint64_t dpm_tables_seal_run(sqlite3_int64 dataset, const struct dpm_account_run *run)
{
    uint64_t sum = sum_integer(UINT64_C(0xCBF29CE484222325), (uint64_t)dataset);
    sum = sum_bytes(sum_bytes(sum, run->name, DPM_RUN_ID), run->token, DPM_RUN_ID);
    return sum_integer(sum_integer(sum, run->entry), run->begun);
}

/* ---- The file ---- */

int dpm_tables_check(sqlite3 *connection, sqlite3_int64 *version)
{
    sqlite3_stmt *statement = NULL;
    int there = 0, n = 0, differ = 0;
    sqlite3_int64 application = 0;
    int status = dpm_sqlite_query_integer(connection, "PRAGMA application_id", &application);
    if (!status)
        status = dpm_sqlite_query_integer(connection, "PRAGMA user_version", version);
    if (!status)
        status = dpm_sqlite_prepare(&statement, connection, "SELECT sql FROM sqlite_master ORDER BY name");
    while (!status && !(status = dpm_sqlite_step(statement, &there)) && there) {
        const char *sql = (const char *)sqlite3_column_text(statement, 0);
        const char *ours = n == 0 && *version == 1 ? datasets_before : tables[n < N_TABLES ? n : 0];
        differ |= n >= N_TABLES || !sql || strcmp(sql, ours) != 0;
        n++;
    }
    sqlite3_finalize(statement);
    if (status || (n == 0 && application == 0 && *version == 0))
        return status;
    if (application != APPLICATION_ID)
        return dpm_fail(DPMIX_ERR_FORMAT, "path: the file is no ledger");
    if (*version < 1 || *version > DPM_TABLES_VERSION)
        return dpm_fail(DPMIX_ERR_FORMAT, "path: the ledger is of another version of the library");
    return n != (*version == 1 ? N_TABLES_BEFORE : N_TABLES) || differ ? dpm_sqlite_damaged() : DPMIX_OK;
}

/* From the last to the first: so the last page of a new file is one that is in use, and its loss shows. */
int dpm_tables_make(sqlite3 *connection)
{
    int status = DPMIX_OK;
    for (int i = N_TABLES - 1; !status && i >= 0; i--)
        status = dpm_sqlite_execute(connection, tables[i]);
    char marks[80];
    sqlite3_snprintf(sizeof marks, marks, "PRAGMA application_id = %d; PRAGMA user_version = %d",
                     APPLICATION_ID, DPM_TABLES_VERSION);
    return status ? status : dpm_sqlite_execute(connection, marks);
}

static const char all_rows[] =
    "SELECT id, name, epsilon, delta, adjacency, mode, renyi_order, entries, chain,"
    " seal FROM datasets ORDER BY id";
static const char all_rows_before[] = "SELECT id, name, epsilon, delta, adjacency, 1, 0.0, entries, chain,"
                                      " seal FROM datasets_before ORDER BY id";

/* The row that a statement stands at, which is to be number `id`; *name lasts as long as it stands there. */
static int read_row(sqlite3_stmt *statement, sqlite3_int64 version, sqlite3_int64 id,
                    struct dpm_tables_row *row, const char **name)
{
    if (!dpm_sqlite_has_types(statement, "itddiidiii"))
        return dpm_sqlite_damaged();
    *name = (const char *)sqlite3_column_text(statement, 1);
    if (!*name)
        return dpm_sqlite_fail(SQLITE_NOMEM);
    row->id = sqlite3_column_int64(statement, 0);
    row->terms.epsilon = sqlite3_column_double(statement, 2);
    row->terms.delta = sqlite3_column_double(statement, 3);
    row->terms.adjacency = sqlite3_column_int(statement, 4);
    row->terms.mode = sqlite3_column_int(statement, 5);
    row->terms.order = sqlite3_column_double(statement, 6);
    row->mark.entries = sqlite3_column_int64(statement, 7);
    row->mark.chain = (uint64_t)sqlite3_column_int64(statement, 8);
    uint64_t seal = (uint64_t)sqlite3_column_int64(statement, 9);
    return row->id == id && seal_of(row, *name, version) == seal ? DPMIX_OK : dpm_sqlite_damaged();
}

int dpm_tables_find(sqlite3 *connection, const char *name, struct dpm_tables_row *row, int *there)
{
    sqlite3_stmt *statement = NULL;
    int more, found = 0;
    sqlite3_int64 last = 0;
    int status = dpm_sqlite_prepare(&statement, connection, all_rows);
    while (!status && !(status = dpm_sqlite_step(statement, &more)) && more) {
        struct dpm_tables_row one = {0};
        const char *its = "";
        status = read_row(statement, DPM_TABLES_VERSION, ++last, &one, &its);
        if (!status && strcmp(its, name) == 0) {
            found++;
            *row = one;
        }
    }
    sqlite3_finalize(statement);
    if (!status && found > 1)
        status = dpm_sqlite_damaged();
    if (!status && !found)
        row->id = last + 1;
    *there = found == 1;
    return status;
}

int dpm_tables_check_name(sqlite3 *connection, const char *name)
{
    sqlite3_stmt *statement = NULL;
    struct dpm_sqlite_value values[] = {dpm_sqlite_text(name)};
    int alike = 0;
    int status = dpm_sqlite_prepare_with(
        &statement, connection,
        "SELECT 1 FROM datasets WHERE trim(name, char(9, 10, 13, 32)) = trim(?, char(9, 10, 13, 32))"
        " COLLATE NOCASE",
        values, 1);
    if (!status)
        status = dpm_sqlite_step(statement, &alike);
    sqlite3_finalize(statement);
    if (!status && alike)
        status = dpm_fail(DPMIX_ERR_STATE,
                          "dataset: a name in the ledger differs by case, or by blanks at the ends, only");
    return status;
}

int dpm_tables_insert(sqlite3 *connection, const char *name, const struct dpm_tables_row *row)
{
    const struct dpm_account_terms *terms = &row->terms;
    struct dpm_sqlite_value values[] = {
        dpm_sqlite_integer(row->id),
        dpm_sqlite_text(name),
        dpm_sqlite_real(terms->epsilon),
        dpm_sqlite_real(terms->delta),
        dpm_sqlite_integer(terms->adjacency),
        dpm_sqlite_integer(terms->mode),
        dpm_sqlite_real(terms->order),
        dpm_sqlite_integer(row->mark.entries),
        dpm_sqlite_integer((sqlite3_int64)row->mark.chain),
        dpm_sqlite_integer((sqlite3_int64)seal_of(row, name, DPM_TABLES_VERSION))};
    return dpm_sqlite_run(connection, "INSERT INTO datasets VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", values,
                          10);
}

int dpm_tables_update(sqlite3 *connection, const char *name, const struct dpm_tables_row *row)
{
    struct dpm_sqlite_value values[] = {
        dpm_sqlite_integer(row->mark.entries), dpm_sqlite_integer((sqlite3_int64)row->mark.chain),
        dpm_sqlite_integer((sqlite3_int64)seal_of(row, name, DPM_TABLES_VERSION)),
        dpm_sqlite_integer(row->id)};
    int status = dpm_sqlite_run(
        connection, "UPDATE datasets SET entries = ?, chain = ?, seal = ? WHERE id = ?", values, 4);
    if (!status && sqlite3_changes(connection) != 1)
        status = dpm_sqlite_damaged();
    return status;
}

int dpm_tables_migrate(sqlite3 *connection)
{
    sqlite3_stmt *statement = NULL;
    int more;
    sqlite3_int64 last = 0;
    int status = dpm_sqlite_execute(connection, "ALTER TABLE datasets RENAME TO datasets_before");
    if (!status)
        status = dpm_sqlite_execute(connection, tables[0]);
    if (!status)
        status = dpm_sqlite_execute(connection, tables[TABLE_OF_RUNS]);
    if (!status)
        status = dpm_sqlite_prepare(&statement, connection, all_rows_before);
    while (!status && !(status = dpm_sqlite_step(statement, &more)) && more) {
        struct dpm_tables_row row = {0};
        const char *name = "";
        status = read_row(statement, 1, ++last, &row, &name);
        if (!status)
            status = dpm_tables_insert(connection, name, &row);
    }
    sqlite3_finalize(statement);
    if (!status)
        status = dpm_sqlite_execute(connection, "DROP TABLE datasets_before; PRAGMA user_version = 2");
    return status;
}

#endif
