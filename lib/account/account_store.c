/* SPDX-License-Identifier: BSD-3-Clause */
#include "account_store.h"
#include "base_alloc.h"
#include "base_fail.h"

#ifdef HAVE_SQLITE

#include "account_sqlite.h"
#include "account_tables.h"

#include <limits.h>
#include <string.h>

enum {
    LEAST_SQLITE = 3015000, /* knows synchronous = EXTRA */
    BUSY_MILLISECONDS = 60000,
};

struct dpm_store {
    char *path;                /* absolute: the program may change its folder */
    char *dataset;             /* its name */
    struct dpm_tables_row row; /* its terms; the rest is as of the transaction */
    sqlite3 *connection;       /* NULL between transactions */
};

/* ---- Transactions ---- */

/* What of the terms differs, or NULL. */
static const char *difference(const struct dpm_account_terms *a, const struct dpm_account_terms *b)
{
    return a->epsilon != b->epsilon       ? "epsilon"
           : a->delta != b->delta         ? "delta"
           : a->adjacency != b->adjacency ? "adjacency"
           : a->mode != b->mode           ? "mode"
           : a->order != b->order         ? "order"
                                          : NULL;
}

static int same_terms(const struct dpm_tables_row *a, const struct dpm_tables_row *b)
{
    const char *differs = difference(&a->terms, &b->terms);
    if (differs)
        return dpm_fail(DPMIX_ERR_STATE, "%s: the ledger of the data set was begun with another", differs);
    return DPMIX_OK;
}

static int connect_to(struct dpm_store *store, const char *path, int create)
{
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | (create ? SQLITE_OPEN_CREATE : 0);
    int code = sqlite3_open_v2(path, &store->connection, flags, NULL);
    if (code == SQLITE_OK)
        code = sqlite3_busy_timeout(store->connection, BUSY_MILLISECONDS);
    if (code != SQLITE_OK)
        return dpm_sqlite_fail(code);
    if (sqlite3_db_readonly(store->connection, "main"))
        return dpm_sqlite_fail(SQLITE_READONLY);
    /* FULL syncs the files before and at the commit; EXTRA also the folder that the journal is deleted from,
     * so that a journal does not come back after a power failure and undo a debit. */
    return dpm_sqlite_execute(store->connection, "PRAGMA synchronous = EXTRA; PRAGMA fullfsync = ON;"
                                                 " PRAGMA cell_size_check = ON; PRAGMA trusted_schema = OFF");
}

int dpm_store_begin(struct dpm_store *store, int write)
{
    struct dpm_tables_row row = {0};
    sqlite3_int64 version = 0;
    int there = 0;
    int status = connect_to(store, store->path, 0);
    if (!status)
        status = dpm_sqlite_execute(store->connection, write ? "BEGIN IMMEDIATE" : "BEGIN");
    if (!status)
        status = dpm_tables_check(store->connection, &version);
    if (!status && version == DPM_TABLES_VERSION)
        status = dpm_tables_find(store->connection, store->dataset, &row, &there);
    if (!status && !there) /* nor is it in an older copy of the file */
        status = dpm_fail(DPMIX_ERR_FORMAT, "path: the data set is no longer in the ledger");
    if (!status)
        status = same_terms(&store->row, &row);
    if (!status)
        store->row = row;
    return status;
}

void dpm_store_end(struct dpm_store *store)
{
    sqlite3_close(store->connection); /* rolls back; NULL is fine */
    store->connection = NULL;
}

int dpm_store_commit(struct dpm_store *store, int *in_doubt)
{
    int code = sqlite3_exec(store->connection, "COMMIT", NULL, NULL, NULL);
    if (code == SQLITE_OK)
        return DPMIX_OK;
    /* Busy: the lock was not to be had, and the transaction waits as before. Anything else may have come
     * before or after the point of no return. */
    *in_doubt = (code & 0xFF) != SQLITE_BUSY;
    return dpm_sqlite_fail(code);
}

/* ---- Entries ---- */

/* One row of the join of entries and events, which is to be the next. */
static int read_event(sqlite3_stmt *statement, struct dpm_store_mark *at, sqlite3_int64 *next,
                      dpm_store_event_fn *give, void *user)
{
    if (!dpm_sqlite_has_types(statement, "itiiiddi"))
        return dpm_sqlite_damaged();
    sqlite3_int64 entry = sqlite3_column_int64(statement, 0), number = sqlite3_column_int64(statement, 3);
    sqlite3_int64 kind = sqlite3_column_int64(statement, 4);
    const char *purpose = (const char *)sqlite3_column_text(statement, 1);
    int test_noise = sqlite3_column_int(statement, 2);
    if (!purpose)
        return dpm_sqlite_fail(SQLITE_NOMEM);
    if (number == 0) {
        at->entries++;
        at->chain = dpm_tables_sum_entry(at->chain, at->entries, purpose, test_noise);
        *next = 0;
    }
    if (entry != at->entries || number != (*next)++ || kind < 0 || kind > INT_MAX)
        return dpm_sqlite_damaged();
    struct dpm_event event = {(int)kind, sqlite3_column_double(statement, 5),
                              sqlite3_column_double(statement, 6),
                              (uint64_t)sqlite3_column_int64(statement, 7)};
    at->chain = dpm_tables_sum_event(at->chain, &event);
    return give(user, number == 0 ? purpose : NULL, test_noise, &event);
}

int dpm_store_read(struct dpm_store *store, struct dpm_store_mark *mark, dpm_store_event_fn *give, void *user)
{
    const struct dpm_store_mark *end = &store->row.mark;
    struct dpm_store_mark at = *mark;
    sqlite3_stmt *statement = NULL;
    sqlite3_int64 next = -1; /* number of an event; no entry has begun */
    int there, status = DPMIX_OK;
    if (at.entries == end->entries && at.chain == end->chain)
        return DPMIX_OK;
    if (at.entries >= end->entries)
        return dpm_fail(DPMIX_ERR_FORMAT, "path: the ledger lacks a debit that was made; open it again");
    struct dpm_sqlite_value behind[] = {dpm_sqlite_integer(store->row.id), dpm_sqlite_integer(at.entries)};
    status = dpm_sqlite_prepare_with(
        &statement, store->connection,
        "SELECT entries.entry, purpose, test_noise, event, kind, noise_multiplier,"
        " sampling_rate, count FROM entries JOIN events"
        " ON events.dataset = entries.dataset AND events.entry = entries.entry"
        " WHERE entries.dataset = ? AND entries.entry > ? ORDER BY entries.entry, event",
        behind, 2);
    while (!status && !(status = dpm_sqlite_step(statement, &there)) && there)
        status = read_event(statement, &at, &next, give, user);
    sqlite3_finalize(statement);
    if (!status && (at.entries != end->entries || at.chain != end->chain))
        status = dpm_sqlite_damaged();
    if (!status)
        *mark = at;
    return status;
}

/* What is not read of an event need not be a number, and SQLite keeps no NaN. */
static struct dpm_event stored(const struct dpm_event *event)
{
    struct dpm_event kept = *event;
    int read = dpm_event_has_rate(event->kind) || event->kind == DPM_EVENT_PURE;
    kept.sampling_rate = read ? event->sampling_rate + 0.0 : 1.0; /* -0 becomes 0, as it would in the file */
    return kept;
}

int dpm_store_append(struct dpm_store *store, struct dpm_store_mark *mark, const char *purpose,
                     int test_noise, const struct dpm_event *events, size_t n)
{
    struct dpm_tables_row row = store->row;
    sqlite3_int64 entry = ++row.mark.entries;
    struct dpm_sqlite_value head[] = {dpm_sqlite_integer(row.id), dpm_sqlite_integer(entry),
                                      dpm_sqlite_text(purpose), dpm_sqlite_integer(test_noise)};
    int status = dpm_sqlite_run(store->connection, "INSERT INTO entries VALUES (?, ?, ?, ?)", head, 4);
    row.mark.chain = dpm_tables_sum_entry(row.mark.chain, entry, purpose, test_noise);
    for (size_t i = 0; !status && i < n; i++) {
        struct dpm_event event = stored(&events[i]);
        struct dpm_sqlite_value values[] = {dpm_sqlite_integer(row.id),
                                            dpm_sqlite_integer(entry),
                                            dpm_sqlite_integer((sqlite3_int64)i),
                                            dpm_sqlite_integer(event.kind),
                                            dpm_sqlite_real(event.noise_multiplier),
                                            dpm_sqlite_real(event.sampling_rate),
                                            dpm_sqlite_integer((sqlite3_int64)event.count)};
        status =
            dpm_sqlite_run(store->connection, "INSERT INTO events VALUES (?, ?, ?, ?, ?, ?, ?)", values, 7);
        row.mark.chain = dpm_tables_sum_event(row.mark.chain, &event);
    }
    if (!status)
        status = dpm_tables_update(store->connection, store->dataset, &row);
    if (!status)
        *mark = row.mark;
    return status;
}

/* ---- Runs ---- */

int dpm_store_put_run(struct dpm_store *store, const struct dpm_account_run *given)
{
    struct dpm_sqlite_value values[] = {
        dpm_sqlite_integer(store->row.id),
        dpm_sqlite_bytes(given->name),
        dpm_sqlite_bytes(given->token),
        dpm_sqlite_integer((sqlite3_int64)given->entry),
        dpm_sqlite_integer((sqlite3_int64)given->begun),
        dpm_sqlite_integer((sqlite3_int64)dpm_tables_seal_run(store->row.id, given))};
    return dpm_sqlite_run(store->connection, "INSERT OR REPLACE INTO runs VALUES (?, ?, ?, ?, ?, ?)", values,
                          6);
}

/* The run that a statement stands at, but for its name. */
static int read_run(sqlite3_stmt *statement, sqlite3_int64 dataset, struct dpm_account_run *found)
{
    if (!dpm_sqlite_has_types(statement, "biii") || sqlite3_column_bytes(statement, 0) != DPM_RUN_ID)
        return dpm_sqlite_damaged();
    const void *token = sqlite3_column_blob(statement, 0);
    if (!token)
        return dpm_sqlite_fail(SQLITE_NOMEM);
    memcpy(found->token, token, DPM_RUN_ID);
    found->entry = (uint64_t)sqlite3_column_int64(statement, 1);
    found->begun = (uint64_t)sqlite3_column_int64(statement, 2);
    return dpm_tables_seal_run(dataset, found) == (uint64_t)sqlite3_column_int64(statement, 3)
               ? DPMIX_OK
               : dpm_sqlite_damaged();
}

int dpm_store_find_run(struct dpm_store *store, struct dpm_account_run *found, int *there)
{
    sqlite3_stmt *statement = NULL;
    struct dpm_sqlite_value values[] = {dpm_sqlite_integer(store->row.id), dpm_sqlite_bytes(found->name)};
    int status = dpm_sqlite_prepare_with(
        &statement, store->connection,
        "SELECT token, entry, begun, seal FROM runs WHERE dataset = ? AND name = ?", values, 2);
    if (!status)
        status = dpm_sqlite_step(statement, there);
    if (!status && *there)
        status = read_run(statement, store->row.id, found);
    sqlite3_finalize(statement);
    return status;
}

/* ---- Opening ---- */

static int check_integrity(sqlite3 *connection)
{
    sqlite3_stmt *statement = NULL;
    int there = 0, status = dpm_sqlite_prepare(&statement, connection, "PRAGMA integrity_check(1)");
    if (!status)
        status = dpm_sqlite_step(statement, &there);
    if (!status) {
        const char *verdict = there ? (const char *)sqlite3_column_text(statement, 0) : NULL;
        if (!verdict || strcmp(verdict, "ok") != 0)
            status = dpm_sqlite_damaged();
    }
    sqlite3_finalize(statement);
    return status;
}

/* Finds or makes the data set, in a transaction that is on the disk at the end. */
static int settle(struct dpm_store *store, int any_order)
{
    struct dpm_tables_row row = store->row;
    sqlite3_int64 version = 0;
    int there = 0, in_doubt;
    int status = dpm_sqlite_execute(store->connection, "BEGIN IMMEDIATE");
    if (!status)
        status = dpm_tables_check(store->connection, &version);
    if (!status) /* of a file without tables, too: what is built on damage is lost with it */
        status = check_integrity(store->connection);
    if (!status && version == 0)
        status = dpm_tables_make(store->connection);
    if (!status && version == 1)
        status = dpm_tables_migrate(store->connection);
    if (!status)
        status = dpm_tables_find(store->connection, store->dataset, &row, &there);
    if (!status && there && any_order)
        store->row.terms.order = row.terms.order;
    if (!status && !there)
        status = dpm_tables_check_name(store->connection, store->dataset);
    if (!status)
        status = there ? same_terms(&store->row, &row)
                       : dpm_tables_insert(store->connection, store->dataset, &row);
    if (!status)
        status = dpm_store_commit(store, &in_doubt);
    return status;
}

int dpm_store_open(struct dpm_store **out, const char *path, const char *dataset,
                   struct dpm_account_terms *terms, int any_order)
{
    if (!sqlite3_threadsafe() || sqlite3_libversion_number() < LEAST_SQLITE)
        return dpm_fail(DPMIX_ERR_UNSUPPORTED, "path: this SQLite is too old, or built without threads");
    int status = DPMIX_ERR_NOMEM;
    struct dpm_store *store = dpm_alloc(1, sizeof *store);
    if (!store)
        return status;
    store->row = (struct dpm_tables_row){0, *terms, {0, 0}};
    store->dataset = dpm_alloc_string(dataset);
    /* Else SQLite may take the path for a URI, whose parameters can switch off locks. */
    char *plain = sqlite3_mprintf("%s%s", strncmp(path, "file:", 5) == 0 ? "./" : "", path);
    if (!store->dataset || !plain) {
        status = dpm_sqlite_fail(SQLITE_NOMEM);
        goto out;
    }
    status = connect_to(store, plain, 1);
    if (status)
        goto out;
    const char *absolute = sqlite3_db_filename(store->connection, "main");
    if (!absolute || !*absolute) {
        status = dpm_fail(DPMIX_ERR_ARG, "path: must name a file");
        goto out;
    }
    store->path = dpm_alloc_string(absolute);
    status = store->path ? settle(store, any_order) : DPMIX_ERR_NOMEM;
out:
    sqlite3_free(plain);
    dpm_store_end(store);
    if (status) {
        dpm_store_free(store);
        return status;
    }
    *terms = store->row.terms;
    *out = store;
    return DPMIX_OK;
}

void dpm_store_free(struct dpm_store *store)
{
    if (!store)
        return;
    dpm_free(store->path);
    dpm_free(store->dataset);
    dpm_free(store);
}

#else /* no ledger ever has a store */

int dpm_store_open(struct dpm_store **out, const char *path, const char *dataset,
                   struct dpm_account_terms *terms, int any_order)
{
    (void)out, (void)path, (void)dataset, (void)terms, (void)any_order;
    return dpm_fail(DPMIX_ERR_UNSUPPORTED, "path: the library was built without SQLite");
}

void dpm_store_free(struct dpm_store *store)
{
    (void)store;
}

int dpm_store_begin(struct dpm_store *store, int write)
{
    (void)store, (void)write;
    return dpm_fail(DPMIX_ERR_UNSUPPORTED, "path: the library was built without SQLite");
}

void dpm_store_end(struct dpm_store *store)
{
    (void)store;
}

int dpm_store_read(struct dpm_store *store, struct dpm_store_mark *mark, dpm_store_event_fn *give, void *user)
{
    (void)store, (void)mark, (void)give, (void)user;
    return DPMIX_ERR_UNSUPPORTED;
}

int dpm_store_append(struct dpm_store *store, struct dpm_store_mark *mark, const char *purpose,
                     int test_noise, const struct dpm_event *events, size_t n)
{
    (void)store, (void)mark, (void)purpose, (void)test_noise, (void)events, (void)n;
    return DPMIX_ERR_UNSUPPORTED;
}

int dpm_store_put_run(struct dpm_store *store, const struct dpm_account_run *given)
{
    (void)store, (void)given;
    return DPMIX_ERR_UNSUPPORTED;
}

int dpm_store_find_run(struct dpm_store *store, struct dpm_account_run *found, int *there)
{
    (void)store, (void)found, (void)there;
    return DPMIX_ERR_UNSUPPORTED;
}

int dpm_store_commit(struct dpm_store *store, int *in_doubt)
{
    (void)store, (void)in_doubt;
    return DPMIX_ERR_UNSUPPORTED;
}

#endif
