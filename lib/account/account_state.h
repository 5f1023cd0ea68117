/* SPDX-License-Identifier: BSD-3-Clause */
/* What the ledger and its reports share; nobody else includes this. */
#ifndef DPM_ACCOUNT_STATE_H
#define DPM_ACCOUNT_STATE_H

#include "account_ledger.h"
#include "account_run.h"
#include "account_store.h"
#include "account_terms.h"
#include "base_threads.h"

#include <stdatomic.h>

/* A debit: its events are n of the ledger's, from `first`. What follows is filled in when a report wants it
 * (account_share.h). */
struct dpm_account_entry {
    char *purpose;
    size_t first, n;
    int test_noise;
    double share; /* of the Renyi divergence at share_order; NAN where the entry has none */
    double alone; /* the epsilon that it would have as the only entry of a planned ledger */
};

/* What changes; behind the lock. */
struct dpm_account_state {
    dpm_mutex lock;
    struct dpm_event *events;
    size_t n_events, events_capacity;
    struct dpm_account_entry *entries;
    size_t n_entries, entries_capacity;
    double spent;
    size_t n_alone;     /* entries whose `alone` is known */
    size_t n_shared;    /* entries that the shares divide the whole among; 0: none are known */
    double share_order; /* the best for all entries together, or the filter's; 0: no entry has a divergence */
    struct dpm_account_run *runs; /* of a ledger in memory */
    size_t n_runs, runs_capacity;
    struct dpm_store *store;    /* NULL: in memory only */
    struct dpm_store_mark mark; /* what of the store is in memory */
};

struct dpmix_accountant {
    struct dpm_account_terms terms;
    long process; /* that opened it */
    atomic_size_t references;
    struct dpm_account_state *state; /* a const accountant locks, too */
};

/* Takes the lock, and with a store reads what other processes debited; DPMIX_ERR_STATE, without it, in a
 * process forked since the accountant was opened: a debit there would be unknown here, and the other
 * process's threads may hold the lock for ever. */
int dpm_account_lock(const struct dpmix_accountant *accountant);
void dpm_account_unlock(const struct dpmix_accountant *accountant);

/* The same for a caller that writes: with a store a transaction begins, and lasts until the end. */
int dpm_account_begin(const struct dpmix_accountant *accountant);
void dpm_account_end(const struct dpmix_accountant *accountant);

enum { DPM_ACCOUNT_PURPOSE = 200 }; /* bytes of a purpose, at most */

struct dpm_account_debit {
    const char *purpose;
    const struct dpm_event *events;
    size_t n; /* 0: nothing is debited, but the run is written */
    int test_noise;
    char **json;                 /* NULL: not wanted */
    struct dpm_account_run *run; /* to be written with it, or NULL; entry 0 becomes that of the debit */
};

/* dpm_account_begin for a debit. What its report says of the debits before is worked out first: it can take a
 * minute, in which no other process could write. */
int dpm_account_begin_debit(const struct dpmix_accountant *accountant, const struct dpm_account_debit *debit);

/* dpm_accountant_charge; and, between begin and end, its last part, which checks no argument. */
int dpm_account_charge(const struct dpmix_accountant *accountant, const struct dpm_account_debit *debit);
int dpm_account_debit(const struct dpmix_accountant *accountant, const struct dpm_account_debit *debit);

/* Room for one more run in memory; and, once there is room, the run into its place there. With a store, which
 * keeps the runs itself, both do nothing. */
int dpm_account_run_reserve(struct dpm_account_state *state);
void dpm_account_run_keep(struct dpm_account_state *state, const struct dpm_account_run *run);

/* Room for `more` things of `size` bytes behind the `n` in *memory. */
int dpm_account_reserve(void **memory, size_t *capacity, size_t n, size_t more, size_t size);

/* dpm_accountant_json for a caller that holds the lock. */
int dpm_account_json_locked(char **out, const struct dpmix_accountant *accountant);

#endif
