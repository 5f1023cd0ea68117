/* SPDX-License-Identifier: BSD-3-Clause */
#include "base_fail.h"

#ifdef HAVE_SQLITE

#include "account_run.h"
#include "account_sqlite.h"

/* ---- Failures ---- */

int dpm_sqlite_fail(int code)
{
    switch (code & 0xFF) {
    case SQLITE_NOMEM: /* also what SQLite says of some records that claim to be larger than their file */
        return dpm_fail(DPMIX_ERR_NOMEM, "path: out of memory, or the ledger is damaged");
    case SQLITE_NOTADB:
    case SQLITE_CORRUPT:
    case SQLITE_CONSTRAINT:
    case SQLITE_MISMATCH: return dpm_fail(DPMIX_ERR_FORMAT, "path: the ledger is damaged, or no ledger");
    case SQLITE_BUSY:
    case SQLITE_LOCKED: return dpm_fail(DPMIX_ERR_IO, "path: other processes keep the ledger locked");
    case SQLITE_READONLY:
    case SQLITE_PERM: return dpm_fail(DPMIX_ERR_IO, "path: the ledger cannot be written");
    case SQLITE_FULL: return dpm_fail(DPMIX_ERR_IO, "path: no space is left for the ledger");
    default:
        return dpm_fail(DPMIX_ERR_IO, "path: the ledger cannot be read or written: %s", sqlite3_errstr(code));
    }
}

int dpm_sqlite_damaged(void)
{
    return dpm_fail(DPMIX_ERR_FORMAT, "path: the ledger is damaged");
}

/* ---- Statements ---- */

int dpm_sqlite_execute(sqlite3 *connection, const char *sql)
{
    int code = sqlite3_exec(connection, sql, NULL, NULL, NULL);
    return code == SQLITE_OK ? DPMIX_OK : dpm_sqlite_fail(code);
}

int dpm_sqlite_prepare(sqlite3_stmt **out, sqlite3 *connection, const char *sql)
{
    int code = sqlite3_prepare_v2(connection, sql, -1, out, NULL);
    return code == SQLITE_OK ? DPMIX_OK : dpm_sqlite_fail(code);
}

int dpm_sqlite_step(sqlite3_stmt *statement, int *there)
{
    int code = sqlite3_step(statement);
    *there = code == SQLITE_ROW;
    return code == SQLITE_ROW || code == SQLITE_DONE ? DPMIX_OK : dpm_sqlite_fail(code);
}

static int bind(sqlite3_stmt *statement, int place, const struct dpm_sqlite_value *value)
{
    switch (value->type) {
    case 'i': return sqlite3_bind_int64(statement, place, value->integer);
    case 'd': return sqlite3_bind_double(statement, place, value->real);
    case 'b': return sqlite3_bind_blob(statement, place, value->text, DPM_RUN_ID, SQLITE_STATIC);
    default: return sqlite3_bind_text(statement, place, value->text, -1, SQLITE_STATIC);
    }
}

int dpm_sqlite_prepare_with(sqlite3_stmt **out, sqlite3 *connection, const char *sql,
                            const struct dpm_sqlite_value *values, int n)
{
    int status = dpm_sqlite_prepare(out, connection, sql);
    for (int i = 0; !status && i < n; i++) {
        int code = bind(*out, i + 1, &values[i]);
        status = code == SQLITE_OK ? DPMIX_OK : dpm_sqlite_fail(code);
    }
    return status;
}

int dpm_sqlite_run(sqlite3 *connection, const char *sql, const struct dpm_sqlite_value *values, int n)
{
    sqlite3_stmt *statement = NULL;
    int there, status = dpm_sqlite_prepare_with(&statement, connection, sql, values, n);
    if (!status)
        status = dpm_sqlite_step(statement, &there);
    sqlite3_finalize(statement);
    return status;
}

int dpm_sqlite_query_integer(sqlite3 *connection, const char *sql, sqlite3_int64 *out)
{
    sqlite3_stmt *statement = NULL;
    int there = 0, status = dpm_sqlite_prepare(&statement, connection, sql);
    if (!status)
        status = dpm_sqlite_step(statement, &there);
    if (!status && !there)
        status = dpm_sqlite_damaged();
    if (!status)
        *out = sqlite3_column_int64(statement, 0);
    sqlite3_finalize(statement);
    return status;
}

int dpm_sqlite_has_types(sqlite3_stmt *statement, const char *types)
{
    for (int i = 0; types[i]; i++) {
        int wanted = types[i] == 'i'   ? SQLITE_INTEGER
                     : types[i] == 'd' ? SQLITE_FLOAT
                     : types[i] == 'b' ? SQLITE_BLOB
                                       : SQLITE_TEXT;
        if (sqlite3_column_type(statement, i) != wanted)
            return 0;
    }
    return 1;
}

#endif
