/* SPDX-License-Identifier: BSD-3-Clause */
/* What the ledger and its reports share; nobody else includes this. */
#ifndef DPM_ACCOUNT_STATE_H
#define DPM_ACCOUNT_STATE_H

#include "account_ledger.h"
#include "account_store.h"
#include "base_threads.h"

#include <stdatomic.h>

/* A debit: its events are n of the ledger's, from `first`. */
struct dpm_account_entry {
    char *purpose;
    size_t first, n;
    int test_noise;
};

/* What changes; behind the lock. */
struct dpm_account_state {
    dpm_mutex lock;
    struct dpm_event *events;
    size_t n_events, events_capacity;
    struct dpm_account_entry *entries;
    size_t n_entries, entries_capacity;
    double spent;
    struct dpm_store *store;    /* NULL: in memory only */
    struct dpm_store_mark mark; /* what of the store is in memory */
};

struct dpmix_accountant {
    double epsilon, delta;
    int adjacency;
    long process; /* that opened it */
    atomic_size_t references;
    struct dpm_account_state *state; /* a const accountant locks, too */
};

/* Takes the lock, and with a store reads what other processes debited; DPMIX_ERR_STATE, without it, in a
 * process forked since the accountant was opened: a debit there would be unknown here, and the other
 * process's threads may hold the lock for ever. */
int dpm_account_lock(const struct dpmix_accountant *accountant);
void dpm_account_unlock(const struct dpmix_accountant *accountant);

/* dpm_accountant_json for a caller that holds the lock. */
int dpm_account_json_locked(char **out, const struct dpmix_accountant *accountant);

#endif
