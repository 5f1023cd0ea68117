/* SPDX-License-Identifier: BSD-3-Clause */
/* The tables of a ledger's file, the row of a data set among them, and the checksums of what is in them. All
 * functions work within the caller's transaction. */
#ifndef DPM_ACCOUNT_TABLES_H
#define DPM_ACCOUNT_TABLES_H

#include "account_sqlite.h"
#include "account_store.h"

enum { DPM_TABLES_VERSION = 2 }; /* version 1 had no modes and no runs */

/* A data set's row. */
struct dpm_tables_row {
    sqlite3_int64 id;
    struct dpm_account_terms terms;
    struct dpm_store_mark mark;
};

/* Whether the tables are ours, of the present *version or the one before; 0 when there are none of
 * anybody's. */
int dpm_tables_check(sqlite3 *connection, sqlite3_int64 *version);

/* In a new file; and from version 1, all of whose data sets are planned, to the present one. */
int dpm_tables_make(sqlite3 *connection);
int dpm_tables_migrate(sqlite3 *connection);

/* Reads the rows of all data sets, so that a damaged name is not taken for another data set's. *there:
 * whether `name` is among them; then `row` is its row, else the first free one. */
int dpm_tables_find(sqlite3 *connection, const char *name, struct dpm_tables_row *row, int *there);

/* Of a new data set: DPMIX_ERR_STATE when a slip of the hand could have made it of another one's name. */
int dpm_tables_check_name(sqlite3 *connection, const char *name);
int dpm_tables_insert(sqlite3 *connection, const char *name, const struct dpm_tables_row *row);
int dpm_tables_update(sqlite3 *connection, const char *name, const struct dpm_tables_row *row); /* the mark */

/* The checksum of a data set's entries with one more entry, and with one more of its events. */
uint64_t dpm_tables_sum_entry(uint64_t sum, int64_t number, const char *purpose, int test_noise);
uint64_t dpm_tables_sum_event(uint64_t sum, const struct dpm_event *event);

uint64_t dpm_tables_seal_run(sqlite3_int64 dataset, const struct dpm_account_run *run);

#endif
