/* SPDX-License-Identifier: BSD-3-Clause */
/* A ledger that outlives its process: the debits of a data set in an SQLite file, which several processes
 * may share. It knows entries and events, nothing of budgets; the ledger in memory decides what is written.
 *
 * A connection lives for one transaction, from dpm_store_begin to dpm_store_end, so that a fork inherits
 * none. The caller holds a lock: one call at a time. Without SQLite, dpm_store_open fails with
 * DPMIX_ERR_UNSUPPORTED. */
#ifndef DPM_ACCOUNT_STORE_H
#define DPM_ACCOUNT_STORE_H

#include "account_event.h"
#include "account_run.h"
#include "account_terms.h"

#include <stddef.h>
#include <stdint.h>

struct dpm_store;

/* How far a reader has come: so many entries, and a checksum of them all. {0, 0} is the beginning. */
struct dpm_store_mark {
    int64_t entries;
    uint64_t chain;
};

/* One event. `purpose` is that of the entry at its first event, and NULL at the others. */
typedef int dpm_store_event_fn(void *user, const char *purpose, int test_noise,
                               const struct dpm_event *event);

/* Makes the file, and the data set in it, where they do not exist; takes a file of an older version to the
 * present one. With `any_order`, terms->order becomes that of the data set where it is there. DPMIX_ERR_STATE
 * when it is there with other terms; DPMIX_ERR_FORMAT when the file is damaged or another program's;
 * DPMIX_ERR_IO. */
int dpm_store_open(struct dpm_store **out, const char *path, const char *dataset,
                   struct dpm_account_terms *terms, int any_order);
void dpm_store_free(struct dpm_store *store); /* NULL is fine; works in a forked process, too */

/* Begins a transaction, to read, or to write: then no other process writes until its end. */
int dpm_store_begin(struct dpm_store *store, int write);
void dpm_store_end(struct dpm_store *store); /* drops what is not committed; after a failed begin, too */

/* Hands over what stands behind the mark, and moves the mark to the end. A failure, also one of `give`,
 * leaves the mark. DPMIX_ERR_FORMAT when the file is damaged, or does not hold what was read up to the
 * mark. */
int dpm_store_read(struct dpm_store *store, struct dpm_store_mark *mark, dpm_store_event_fn *give,
                   void *user);

/* Writes one entry behind the mark, which is the end, and moves the mark. Nobody sees it before the commit */
int dpm_store_append(struct dpm_store *store, struct dpm_store_mark *mark, const char *purpose,
                     int test_noise, const struct dpm_event *events, size_t n);

/* Writes a run of the data set, over what was kept of it; and finds what is kept of the run of run->name:
 * *there, whether there is anything. */
int dpm_store_put_run(struct dpm_store *store, const struct dpm_account_run *run);
int dpm_store_find_run(struct dpm_store *store, struct dpm_account_run *run, int *there);

/* On success, everything is on the disk. On failure, nothing is, unless *in_doubt is set: then nobody
 * knows. */
int dpm_store_commit(struct dpm_store *store, int *in_doubt);

#endif
