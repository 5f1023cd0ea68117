/* SPDX-License-Identifier: BSD-3-Clause */
#include "account_run.h"
#include "account_state.h"
#include "base_alloc.h"
#include "base_fail.h"

#include <stdio.h>
#include <string.h>

/* ---- Where runs are kept ---- */

static struct dpm_account_run *find_in_memory(const struct dpm_account_state *state, const uint8_t *name)
{
    for (size_t i = 0; i < state->n_runs; i++)
        if (memcmp(state->runs[i].name, name, DPM_RUN_ID) == 0)
            return &state->runs[i];
    return NULL;
}

/* The run of this name as the ledger has it. */
static int find(const struct dpm_account_state *state, const uint8_t *name, struct dpm_account_run *run)
{
    int there = 0, status = DPMIX_OK;
    if (state->store) {
        memcpy(run->name, name, DPM_RUN_ID);
        status = dpm_store_find_run(state->store, run, &there);
    } else {
        const struct dpm_account_run *found = find_in_memory(state, name);
        there = found != NULL;
        if (found)
            *run = *found;
    }
    if (!status && !there)
        status = dpm_fail(DPMIX_ERR_STATE, "accountant: its ledger does not know the checkpoint's training");
    return status;
}

int dpm_account_run_reserve(struct dpm_account_state *state)
{
    void *runs = state->runs;
    if (state->store)
        return DPMIX_OK;
    int status = dpm_account_reserve(&runs, &state->runs_capacity, state->n_runs, 1, sizeof *state->runs);
    state->runs = runs;
    return status;
}

void dpm_account_run_keep(struct dpm_account_state *state, const struct dpm_account_run *run)
{
    struct dpm_account_run *kept = state->store ? NULL : find_in_memory(state, run->name);
    if (kept)
        *kept = *run;
    else if (!state->store)
        state->runs[state->n_runs++] = *run;
}

/* ---- To begin and to resume ---- */

int dpm_accountant_begin_run(struct dpmix_accountant *accountant, struct dpm_account_run *run,
                             const char *purpose, const struct dpm_event *events, size_t n, int test_noise,
                             char **json)
{
    struct dpm_account_debit debit = {purpose, events, n, test_noise, json, run};
    run->entry = run->begun = 0;
    return dpm_account_charge(accountant, &debit);
}

static int same_event(const struct dpm_event *a, const struct dpm_event *b)
{
    return a->kind == b->kind && a->noise_multiplier == b->noise_multiplier &&
           a->sampling_rate == b->sampling_rate && a->count == b->count;
}

/* Whether the entry is the debit of this plan: a checkpoint that was tampered with must not lessen the noise
 * of what was paid for. */
static int check_entry(const struct dpm_account_state *state, uint64_t number,
                       const struct dpm_account_debit *plan)
{
    const struct dpm_account_entry *entry = &state->entries[number - 1];
    int same = entry->n == plan->n && entry->test_noise == (plan->test_noise != 0) &&
               strcmp(entry->purpose, plan->purpose) == 0;
    for (size_t i = 0; same && i < plan->n; i++)
        same = same_event(&state->events[entry->first + i], &plan->events[i]);
    if (!same)
        return dpm_fail(DPMIX_ERR_STATE,
                        "accountant: its ledger has another debit for the checkpoint's training");
    return DPMIX_OK;
}

static uint64_t smaller(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* Of the queries of the events, those from `first` to before `last`, as events; returns their number. */
static size_t cut(struct dpm_event *out, const struct dpm_event *events, size_t n, uint64_t first,
                  uint64_t last)
{
    size_t n_out = 0;
    for (size_t i = 0; i < n; i++) {
        uint64_t count = events[i].count, before = smaller(first, count), within = smaller(last, count);
        out[n_out] = events[i];
        out[n_out].count = within - before;
        n_out += within > before;
        first -= before;
        last -= within;
    }
    return n_out;
}

/* Within a transaction. `anew` has room for the plan's events. */
static int resume(const struct dpmix_accountant *accountant, struct dpm_account_run *run, uint64_t done,
                  const struct dpm_account_debit *plan, struct dpm_event *anew)
{
    const struct dpm_account_state *state = accountant->state;
    struct dpm_account_run kept;
    char purpose[DPM_ACCOUNT_PURPOSE + 1];
    int status = find(state, run->name, &kept);
    if (!status && (kept.entry < 1 || kept.entry > state->n_entries))
        status = dpm_fail(DPMIX_ERR_FORMAT, "path: the ledger is damaged");
    if (!status)
        status = check_entry(state, kept.entry, plan);
    if (status)
        return status;
    if (done > kept.begun)
        return dpm_fail(DPMIX_ERR_STATE,
                        "accountant: its ledger is older than the checkpoint, or the fit went "
                        "on from an older checkpoint since");
    run->entry = kept.entry;
    run->begun = done; /* all from here on is paid for, before or anew */
    snprintf(purpose, sizeof purpose, "%s, resumed", plan->purpose);
    struct dpm_account_debit debit = *plan;
    debit.purpose = purpose;
    debit.events = anew;
    debit.n = cut(anew, plan->events, plan->n, done, state->store ? kept.begun : UINT64_MAX);
    return dpm_account_debit(accountant, &debit);
}

int dpm_accountant_resume_run(struct dpmix_accountant *accountant, struct dpm_account_run *run, uint64_t done,
                              const char *purpose, const struct dpm_event *events, size_t n, int test_noise,
                              char **json)
{
    struct dpm_account_debit plan = {purpose, events, n, test_noise, json, run};
    struct dpm_event *anew = dpm_alloc(n, sizeof *anew);
    if (!anew)
        return DPMIX_ERR_NOMEM;
    int status = dpm_account_begin_debit(accountant, &plan);
    if (!status) {
        status = resume(accountant, run, done, &plan, anew);
        dpm_account_end(accountant);
    }
    dpm_free(anew);
    return status;
}

/* ---- To go on ---- */

static int move_mark(const struct dpmix_accountant *accountant, const struct dpm_account_run *run,
                     uint64_t begun, int leave)
{
    struct dpm_account_state *state = accountant->state;
    struct dpm_account_run kept;
    int in_doubt, status = find(state, run->name, &kept);
    if (!status && memcmp(kept.token, run->token, DPM_RUN_ID) != 0)
        status =
            dpm_fail(DPMIX_ERR_STATE, "accountant: the training was resumed elsewhere, and goes on there");
    if (status)
        return status;
    kept.begun = leave || begun > kept.begun ? begun : kept.begun;
    if (leave)
        memset(kept.token, 0, sizeof kept.token);
    if (state->store) {
        status = dpm_store_put_run(state->store, &kept);
        return status ? status : dpm_store_commit(state->store, &in_doubt);
    }
    dpm_account_run_keep(state, &kept);
    return DPMIX_OK;
}

int dpm_accountant_mark_run(const struct dpmix_accountant *accountant, const struct dpm_account_run *run,
                            uint64_t begun)
{
    int status = dpm_account_begin(accountant);
    if (status)
        return status;
    status = move_mark(accountant, run, begun, 0);
    dpm_account_end(accountant);
    return status;
}

int dpm_accountant_leave_run(const struct dpmix_accountant *accountant, const struct dpm_account_run *run,
                             uint64_t begun)
{
    int status = dpm_account_begin(accountant);
    if (status)
        return status;
    status = move_mark(accountant, run, begun, 1);
    dpm_account_end(accountant);
    return status;
}
