/* SPDX-License-Identifier: BSD-3-Clause */
/* The data set from inside the vault. */
#ifndef DPM_PRIVACY_DATASET_H
#define DPM_PRIVACY_DATASET_H

#include "base_threads.h"
#include "privacy.h"
#include "privacy_test.h"

#include <stdatomic.h>

struct dpmix_dataset {
    atomic_int references;
    long process; /* that built it; a fork refuses */
    struct dpm_dataset_source source;
    struct dpm_bounds bounds;
    dpm_mutex lock;                      /* guards the two fields below */
    struct dpmix_accountant *accountant; /* the one it belongs to; NULL before the first debit */
    uint64_t releases;                   /* numbers the releases, for test mode */
    const struct dpm_test_mode *test;    /* NULL, but in test programs */
};

/* Rows as learners see them: out is n x n_columns in [0, 1]. */
void dpm_dataset_gather(const struct dpmix_dataset *dataset, float *out, const size_t *row_numbers, size_t n);

/* n rows in words around an origin, dpm_words_step() numbers apart, and the squares of their lengths. The row
 * numbers of `more` rows that are read next follow. */
void dpm_dataset_gather_words(const struct dpmix_dataset *dataset, int16_t *words, int64_t *squares,
                              const int16_t *origin, const size_t *row_numbers, size_t n, size_t more);

/* Debits the events as one entry. The dataset then belongs to the accountant; DPMIX_ERR_STATE when it belongs
 * to another. Gives the number of the release, and the ledger with the debit. `resumable` and `run`: NULL, or
 * the release is one that can be resumed, or is; then the lease goes to *run, whose name and token are set.
 */
struct dpm_account_run;
struct dpm_event;
int dpm_dataset_charge(struct dpmix_dataset *dataset, struct dpmix_accountant *accountant,
                       const char *purpose, const struct dpm_event *events, size_t n, uint64_t *number,
                       char **ledger, const struct dpm_resumable *resumable, struct dpm_account_run *run);

#endif
