/* SPDX-License-Identifier: BSD-3-Clause */
/* Ledgers in files with a few debits and a run, for tests of what may be wrong with the file. */
#ifndef DPM_TESTS_TINY_LEDGER_H
#define DPM_TESTS_TINY_LEDGER_H

#include "account_copy.h"
#include "account_ledger.h"
#include "account_run.h"
#include "tiny_file.h"
#include "tiny_model.h"

#define BUDGET 2.0

static struct tiny_bytes version_1, one_debit, two_debits; /* in the latter is a run, of the first debit */

static inline struct dpm_account_run run_of(uint8_t token)
{
    return (struct dpm_account_run){.name = {7}, .token = {token}};
}

static const struct dpm_event events[] = {{DPM_EVENT_GAUSSIAN, 30, 1, 1},
                                          {DPM_EVENT_SUBSAMPLED_GAUSSIAN, 20, 0.5, 9}};

static inline int open_ledger(dpmix_accountant **out, const char *dataset)
{
    return dpm_accountant_open(out, tiny_path("a"), dataset, BUDGET, TINY_DELTA, DPMIX_ADJACENCY_ADD_REMOVE);
}

static inline size_t debits_of(const dpmix_accountant *accountant)
{
    struct dpm_event event;
    size_t n = 0;
    CHECK_OK(dpm_accountant_last_debit(accountant, &n, &event));
    return n;
}

/* Once for all tests, which have copies. */
static inline void make_files(void)
{
    dpmix_accountant *accountant = NULL;
    tiny_folder_setup();
    struct dpm_account_run run = run_of(1);
    CHECK_OK(open_ledger(&accountant, "patients"));
    CHECK_OK(dpm_accountant_begin_run(accountant, &run, "training", events, 2, 0, NULL));
    version_1 = tiny_read_data("ledger_version1.sqlite");
    one_debit = tiny_read(tiny_path("a"));
    CHECK_OK(dpm_accountant_charge(accountant, "more", events, 2, 1, NULL));
    two_debits = tiny_read(tiny_path("a"));
    dpm_accountant_unref(accountant);
    tiny_folder_teardown();
}

static inline void drop_files(void)
{
    free(version_1.bytes);
    free(one_debit.bytes);
    free(two_debits.bytes);
}

static inline void setup(void)
{
    tiny_clean_setup();
    tiny_write(tiny_path("a"), two_debits.bytes, two_debits.n);
}

/* What is called, on the handle. */
static dpmix_accountant *handle;

static inline int do_open(void)
{
    return open_ledger(&handle, "patients");
}

static inline int do_charge(void)
{
    return dpm_accountant_charge(handle, "another", events, 2, 0, NULL);
}

static inline int do_mark(void)
{
    struct dpm_account_run run = run_of(1);
    return dpm_accountant_mark_run(handle, &run, 4);
}

static inline int do_leave(void)
{
    struct dpm_account_run run = run_of(1);
    return dpm_accountant_leave_run(handle, &run, 0);
}

static inline int do_resume(void)
{
    struct dpm_account_run run = run_of(2);
    return dpm_accountant_resume_run(handle, &run, 0, "training", events, 2, 0, NULL);
}

#endif
