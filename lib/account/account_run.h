/* SPDX-License-Identifier: BSD-3-Clause */
/* Debits whose queries can go on in another process: runs. The ledger says of a run who may go on with it,
 * and how far its queries may have come.
 *
 * The queries of an entry are numbered in the order of its events, each event's `count` of them, from 0. The
 * ledger's `begun` is the promise that every query from there on is paid for and has not begun, neither here
 * nor in another process. So it is raised before a query begins, and by the holder of the lease only: whose
 * token is in the ledger. Whoever resumes writes a new token; the holder before finds a foreign one when it
 * wants to raise `begun` the next time, and must stop. doc/privacy.md, "Checkpoints", has the proof. */
#ifndef DPM_ACCOUNT_RUN_H
#define DPM_ACCOUNT_RUN_H

#include "account_event.h"

#include <stddef.h>

enum { DPM_RUN_ID = 16 };

struct dpmix_accountant;

struct dpm_account_run {
    uint8_t name[DPM_RUN_ID];  /* random: the run goes by it in ledger and checkpoints */
    uint8_t token[DPM_RUN_ID]; /* random: of the lease; zeros: nobody has it */
    uint64_t entry;            /* number of the debit, from 1 */
    uint64_t begun;
};

/* dpm_accountant_charge (account_ledger.h), whose entry is a run with the name and the token that the caller
 * sets. */
int dpm_accountant_begin_run(struct dpmix_accountant *accountant, struct dpm_account_run *run,
                             const char *purpose, const struct dpm_event *events, size_t n, int test_noise,
                             char **json);

/* Goes on with the run of run->name behind its first `done` queries, under a new lease of run->token. Those
 * from `done` on that may have begun, in a ledger in memory all from `done` on, are debited anew, as one
 * entry: DPMIX_ERR_BUDGET when what is left does not cover it. DPMIX_ERR_STATE when the ledger has no such
 * run, one of another purpose, other events or other kind of noise, or one that is not as far as `done`. */
int dpm_accountant_resume_run(struct dpmix_accountant *accountant, struct dpm_account_run *run, uint64_t done,
                              const char *purpose, const struct dpm_event *events, size_t n, int test_noise,
                              char **json);

/* For the holder of the lease: from now on the queries before `begun` may begin. On the disk when it returns;
 * on failure none of them may. DPMIX_ERR_STATE when another one has the lease. */
int dpm_accountant_mark_run(const struct dpmix_accountant *accountant, const struct dpm_account_run *run,
                            uint64_t begun);

/* For the holder of the lease, who gives it up: no query from `begun` on has begun or will. */
int dpm_accountant_leave_run(const struct dpmix_accountant *accountant, const struct dpm_account_run *run,
                             uint64_t begun);

#endif
