/* SPDX-License-Identifier: BSD-3-Clause */
/* Test mode: fixed randomness, and a look at the sums before their noise. Only test programs reach it, since
 * they link the library's objects; every debit made in it is marked as not private in the ledger. */
#ifndef DPM_PRIVACY_TEST_H
#define DPM_PRIVACY_TEST_H

#include "privacy.h"

struct dpm_observation {
    size_t plan;        /* number of the plan in the release */
    uint64_t query;     /* number of the query in the release */
    size_t n;           /* numbers in all sums */
    double grid;        /* width of a grid step */
    double sensitivity; /* that noise and ledger go by */
    const struct dpm_query_plan *query_plan;
};

struct dpm_test_mode {
    uint8_t key[32]; /* release number i of the dataset has a key derived from this one and i */

    /* Sees, and may replace, the sums (in grid steps) before noise is added. May be NULL. */
    void (*observe)(void *user, const struct dpm_observation *observation, int64_t *sums);
    void *user;

    /* When not zero, no noise is added. */
    int noiseless;
};

/* `mode` is not copied and must outlive the dataset; NULL ends test mode. */
void dpm_dataset_set_test(struct dpmix_dataset *dataset, const struct dpm_test_mode *mode);

#endif
