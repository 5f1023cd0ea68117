/* SPDX-License-Identifier: BSD-3-Clause */
/* The adversary of the definition: knows every row but one, the code, and all that was released, and asks
 * whether the one row was there. Test programs that are linked with `-Wl,--wrap` for the functions below
 * let it read along: each query's released sums, noise included, go into the likelihood ratio of "there"
 * against "not there". For a query over all rows that is the best statistic there is (Neyman and Pearson
 * 1933), whatever learner asks it; and since a learner has no other way to the rows, what a learner
 * releases is a function of these sums and public bits. */
#ifndef DPM_STOCHASTIC_ADVERSARY_H
#define DPM_STOCHASTIC_ADVERSARY_H

#include "account_event.h"
#include "privacy.h"

/* At most, of what the small mechanisms have. */
enum {
    ADVERSARY_EVENTS = 8,
    ADVERSARY_PLANS = 8,
    ADVERSARY_ROWS = 32,
    ADVERSARY_COLUMNS = 16,
    ADVERSARY_NUMBERS = 256,
};

/* The rows that both data sets have, the row that one of them has beside them, and the one that the other has
 * instead, if any (replace-one adjacency); as learners see them: normalised to [0, 1]. */
struct adversary_knowledge {
    size_t n_columns, n_others;
    const float *others;
    const int32_t *other_labels; /* NULL without labels */
    const float *row;
    int32_t label;
    const float *instead; /* NULL: no row (add/remove) */
    int32_t instead_label;
};

/* Forgets all and learns this. */
void adversary_begin(const struct adversary_knowledge *knowledge);

/* Before each fit or release: the likelihood ratio is 1 again. */
void adversary_reset(void);

/* Logarithm of the likelihood ratio of the sums released since then. */
double adversary_log_ratio(void);

/* What the ledger was charged with in the first run; how many events. Those of later runs must be the
 * same, since a debit is made of public numbers. */
int adversary_events(const struct dpm_event **events);

/* Whether a later run's debit differed from the first one's. */
int adversary_debit_changed(void);

/* Number of debits so far, refused ones not counted. */
int adversary_debits(void);

/* Fault injection: the status of the debits to come instead of the accountant's own, when it is not 0; and
 * a function to put in the place of each contribution, when it is not NULL. */
void adversary_inject(int charge_status, dpm_block_fn *contribution);

/* ---- What the linker puts in the place of the library's functions, and what it calls them then ---- */

struct dpm_release;
struct dpmix_accountant;

typedef int adversary_open_fn(struct dpm_release **out, struct dpmix_accountant *accountant,
                              struct dpmix_dataset *dataset, const char *purpose,
                              const struct dpm_query_plan *plans, size_t n_plans,
                              const struct dpm_partition *partition, int threads);
typedef int adversary_query_fn(struct dpm_release *release, size_t plan, dpm_block_fn *contribution,
                               const void *model, double *sums);
typedef int adversary_charge_fn(struct dpmix_accountant *accountant, const char *purpose,
                                const struct dpm_event *events, size_t n, int test_noise, char **json);
typedef int adversary_epsilon_fn(double *epsilon, const struct dpm_event *events, size_t n, int adjacency,
                                 double delta);

adversary_open_fn __wrap_dpm_release_open, __real_dpm_release_open;
adversary_query_fn __wrap_dpm_release_query, __real_dpm_release_query;
adversary_charge_fn __wrap_dpm_accountant_charge, __real_dpm_accountant_charge;
adversary_epsilon_fn __wrap_dpm_account_epsilon, __real_dpm_account_epsilon;

#endif
