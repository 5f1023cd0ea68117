/* SPDX-License-Identifier: BSD-3-Clause */
/* What a release is made of, for the files that open it and run its queries. */
#ifndef DPM_PRIVACY_RELEASE_H
#define DPM_PRIVACY_RELEASE_H

#include "account_run.h"
#include "base_threads.h"
#include "privacy_dataset.h"
#include "privacy_sum.h"
#include "random_stream.h"

struct dpm_release {
    struct dpmix_dataset *dataset;
    long process;
    char *ledger; /* JSON, with the release's debit; NULL once it was taken */
    uint8_t key[DPM_KEY_SIZE];
    size_t n_plans;
    struct dpm_query_plan *plans;
    uint64_t *runs;   /* of each plan */
    uint64_t queries; /* run so far, of all plans: the step of their streams */
    int resumable;
    struct dpm_account_run run; /* its lease, when it is */
    uint64_t stride;
    uint64_t marked;  /* queries before it may begin: the ledger says so */
    uint64_t reached; /* no query from here on has begun */
    struct dpm_partition partition;
    int n_parts;
    int32_t *parts;            /* of all rows; NULL when there is one part */
    const struct dpm_map *map; /* of the plans that have one; NULL: none has */
    float *mapped;             /* all rows, mapped */
    struct dpm_pool *pool;
    struct dpm_sample sample;
    int64_t *sums;
    dpm_mutex *locks;
    size_t n_locks;
    struct dpm_sum_worker *workers;
};

/* Brings the mark in front of the query and those that follow, or finds that the lease is lost. */
int dpm_release_mark(struct dpm_release *release, uint64_t query);

#endif
