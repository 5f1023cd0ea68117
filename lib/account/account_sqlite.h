/* SPDX-License-Identifier: BSD-3-Clause */
/* SQLite's statements for the store of ledgers, with our statuses and messages. */
#ifndef DPM_ACCOUNT_SQLITE_H
#define DPM_ACCOUNT_SQLITE_H

#include <sqlite3.h>
#include <stddef.h>
#include <stdint.h>

/* What fails with one of SQLite's codes; and what SQLite read but the library did not write. */
int dpm_sqlite_fail(int code);
int dpm_sqlite_damaged(void);

/* One letter a parameter: i integer, d double, t text and b the bytes of a run's name or token, which stay
 * where they are until the statement has run. */
struct dpm_sqlite_value {
    char type;
    sqlite3_int64 integer;
    double real;
    const void *text;
};

static inline struct dpm_sqlite_value dpm_sqlite_integer(sqlite3_int64 number)
{
    return (struct dpm_sqlite_value){'i', number, 0, NULL};
}

static inline struct dpm_sqlite_value dpm_sqlite_real(double number)
{
    return (struct dpm_sqlite_value){'d', 0, number, NULL};
}

static inline struct dpm_sqlite_value dpm_sqlite_text(const char *string)
{
    return (struct dpm_sqlite_value){'t', 0, 0, string};
}

static inline struct dpm_sqlite_value dpm_sqlite_bytes(const uint8_t *id)
{
    return (struct dpm_sqlite_value){'b', 0, 0, id};
}

int dpm_sqlite_execute(sqlite3 *connection, const char *sql);
int dpm_sqlite_prepare(sqlite3_stmt **out, sqlite3 *connection, const char *sql);

/* With the first n parameters; *out is for the caller to finalize, also after a failure. */
int dpm_sqlite_prepare_with(sqlite3_stmt **out, sqlite3 *connection, const char *sql,
                            const struct dpm_sqlite_value *values, int n);

/* *there: whether there is another row. */
int dpm_sqlite_step(sqlite3_stmt *statement, int *there);

/* Runs a statement that gives no rows. */
int dpm_sqlite_run(sqlite3 *connection, const char *sql, const struct dpm_sqlite_value *values, int n);

/* The one number that a query gives. */
int dpm_sqlite_query_integer(sqlite3 *connection, const char *sql, sqlite3_int64 *out);

/* Whether a row's columns have these types, a letter each. */
int dpm_sqlite_has_types(sqlite3_stmt *statement, const char *types);

#endif
