/* SPDX-License-Identifier: BSD-3-Clause */
#include "account_copy.h"
#include "account_state.h"
#include "base_alloc.h"

#include <dpmix/accountant.h>

#include <string.h>

/* Into a ledger without debits. */
static int copy_debits(struct dpm_account_state *to, const struct dpm_account_state *from)
{
    to->events = dpm_alloc(from->n_events, sizeof *to->events);
    to->entries = dpm_alloc(from->n_entries, sizeof *to->entries);
    if (!to->events || !to->entries)
        return DPMIX_ERR_NOMEM;
    to->events_capacity = from->n_events;
    to->entries_capacity = from->n_entries;
    if (from->n_events > 0)
        memcpy(to->events, from->events, from->n_events * sizeof *to->events);
    for (size_t i = 0; i < from->n_entries; i++) {
        struct dpm_account_entry entry = from->entries[i];
        entry.purpose = dpm_alloc_string(entry.purpose);
        if (!entry.purpose)
            return DPMIX_ERR_NOMEM;
        to->entries[to->n_entries++] = entry;
        to->n_events += entry.n;
    }
    to->spent = from->spent;
    to->n_alone = from->n_alone; /* what the entries say of their shares came with them */
    to->n_shared = from->n_shared;
    to->share_order = from->share_order;
    return DPMIX_OK;
}

int dpm_accountant_copy(struct dpmix_accountant **out, const struct dpmix_accountant *accountant)
{
    struct dpmix_accountant *copy = NULL;
    int status = dpm_accountant_new_terms(&copy, accountant->terms);
    if (status)
        return status;
    status = dpm_account_lock(accountant);
    if (!status) {
        status = copy_debits(copy->state, accountant->state);
        dpm_account_unlock(accountant);
    }
    if (status)
        dpm_accountant_unref(copy);
    else
        *out = copy;
    return status;
}

int dpm_accountant_last_debit(const struct dpmix_accountant *accountant, size_t *n_debits,
                              struct dpm_event *event)
{
    int status = dpm_account_lock(accountant);
    if (status)
        return status;
    const struct dpm_account_state *state = accountant->state;
    *n_debits = state->n_entries;
    if (state->n_entries > 0) {
        const struct dpm_account_entry *last = &state->entries[state->n_entries - 1];
        const struct dpm_event *events = state->events + last->first;
        *event = events[0];
        for (size_t i = 1; i < last->n; i++)
            if (events[i].count > event->count ||
                (events[i].count == event->count && events[i].noise_multiplier < event->noise_multiplier))
                *event = events[i];
    }
    dpm_account_unlock(accountant);
    return DPMIX_OK;
}
