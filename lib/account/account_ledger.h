/* SPDX-License-Identifier: BSD-3-Clause */
/* The accountant: a budget and the record of every debit. It refuses what would pass the budget, and gives
 * nothing back. Safe to use from several threads: each call takes the accountant's lock. In a process forked
 * since dpm_accountant_new every call that reads or writes the ledger fails with DPMIX_ERR_STATE. */
#ifndef DPM_ACCOUNT_LEDGER_H
#define DPM_ACCOUNT_LEDGER_H

#include "account_event.h"
#include "account_terms.h"

#include <stddef.h>

struct dpmix_accountant; /* reference-counted */

/* epsilon > 0 and finite, 0 < delta < 1, adjacency DPMIX_ADJACENCY_*; planned. */
int dpm_accountant_new(struct dpmix_accountant **out, double epsilon, double delta, int adjacency);

/* In any mode; fails as dpm_account_terms_check does. */
int dpm_accountant_new_terms(struct dpmix_accountant **out, struct dpm_account_terms terms);

/* The same with the ledger in the SQLite file `path`, as that of the data set of this name; what is in it
 * already counts. A charge returns when its debit is on the disk; every call sees what other processes
 * debited. Fails as dpm_store_open does. */
int dpm_accountant_open(struct dpmix_accountant **out, const char *path, const char *dataset, double epsilon,
                        double delta, int adjacency);

/* In any mode. A Renyi order of 0 is that of the file where the data set is in it. */
int dpm_accountant_open_terms(struct dpmix_accountant **out, const char *path, const char *dataset,
                              struct dpm_account_terms terms);
struct dpmix_accountant *dpm_accountant_ref(struct dpmix_accountant *accountant);
void dpm_accountant_unref(struct dpmix_accountant *accountant); /* NULL is fine */

/* Debits n events as one entry, or refuses with DPMIX_ERR_BUDGET and leaves the ledger as it was. `purpose`
 * is a short public text, for example "gaussian generator". DPMIX_ERR_UNSUPPORTED for events that the mode
 * cannot compose. `test_noise`: the noise comes from a test seed,
 * so the entry is marked as not private. `json`, where it is not NULL, gets the ledger with this debit as
 * dpm_accountant_json gives it: it is made before the debit counts, so that nothing can fail afterwards.
 * DPMIX_ERR_STATE in a process forked since dpm_accountant_new. With a store, DPMIX_ERR_IO when the file
 * cannot be written: then the debit is not in it, except where that cannot be known; the accountant then
 * counts it, and works on only if it is in the file. */
int dpm_accountant_charge(struct dpmix_accountant *accountant, const char *purpose,
                          const struct dpm_event *events, size_t n, int test_noise, char **json);

/* The noise multipliers of `events` are relative scales; on success they are multiplied by the smallest
 * common factor such that ledger and events together satisfy
 *     target = spent + share * (budget - spent),   0 < share <= 1,
 * in epsilon, or for a Renyi filter in its divergence: on the safe side (account_terms.h). As long as no
 * other debit comes between, the budget covers the events, also with a share of 1. DPMIX_ERR_BUDGET when
 * nothing is left. */
int dpm_accountant_calibrate(const struct dpmix_accountant *accountant, double share,
                             struct dpm_event *events, size_t n);

double dpm_accountant_epsilon(const struct dpmix_accountant *accountant); /* the budget */
double dpm_accountant_delta(const struct dpmix_accountant *accountant);
int dpm_accountant_adjacency(const struct dpmix_accountant *accountant);
int dpm_accountant_mode(const struct dpmix_accountant *accountant);
double dpm_accountant_order(const struct dpmix_accountant *accountant); /* 0 where the mode has none */
int dpm_accountant_spent(const struct dpmix_accountant *accountant, double *epsilon);

/* The same for a fit on its way: while the file cannot be read (DPMIX_ERR_IO), what it held the last time. */
int dpm_accountant_last_spent(const struct dpmix_accountant *accountant, double *epsilon);

/* The epsilon for `group` records that differ; fails as dpm_account_terms_group does. */
int dpm_accountant_spent_group(const struct dpmix_accountant *accountant, double *epsilon, int group);

/* The ledger as JSON, or as plain text for people: NUL-terminated, allocated with dpm_alloc (the caller frees
 * with dpm_free). */
int dpm_accountant_json(char **out, const struct dpmix_accountant *accountant);
int dpm_accountant_text(char **out, const struct dpmix_accountant *accountant);

#endif
