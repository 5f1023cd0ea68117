/* SPDX-License-Identifier: BSD-3-Clause */
#include "account_share.h"
#include "account_curve.h"
#include "account_rdp.h"
#include "account_renyi.h"
#include "account_state.h"

#include <dpmix/accountant.h>

#include <math.h>

#define LEAST_LAMBDA 1e-4 /* orders 1 + lambda among which the best is looked for */
#define MOST_LAMBDA 1e7
#define GOLDEN 0.61803398874989485

/* The divergence of an entry at an order, left in its share; NAN where its mechanisms have none. */
static int diverge(const struct dpmix_accountant *accountant, struct dpm_account_entry *entry, double order)
{
    int status = dpm_account_renyi(&entry->share, accountant->state->events + entry->first, entry->n,
                                   accountant->terms.adjacency, order);
    if (status == DPMIX_ERR_UNSUPPORTED)
        entry->share = NAN;
    return status == DPMIX_ERR_UNSUPPORTED ? DPMIX_OK : status;
}

/* The sum over all entries that have one. */
static int sum_at(double *sum, const struct dpmix_accountant *accountant, double order)
{
    const struct dpm_account_state *state = accountant->state;
    *sum = 0.0;
    for (size_t i = 0; i < state->n_entries; i++) {
        int status = diverge(accountant, &state->entries[i], order);
        if (status)
            return status;
        *sum += isnan(state->entries[i].share) ? 0.0 : state->entries[i].share;
    }
    return DPMIX_OK;
}

static int epsilon_at(double *epsilon, const struct dpmix_accountant *accountant, double log_lambda)
{
    const struct dpm_account_state *state = accountant->state;
    double sum, order = 1.0 + exp(log_lambda);
    int status = dpm_account_renyi(&sum, state->events, state->n_events, accountant->terms.adjacency, order);
    if (status == DPMIX_ERR_UNSUPPORTED)
        status = sum_at(&sum, accountant, order);
    *epsilon = dpm_account_rdp_convert(sum, order, accountant->terms.delta);
    return status;
}

/* The order whose divergence converts to the least epsilon, to a few hundredths: a valley in log(order - 1)
 * (doc/privacy.md, "All orders"), by golden sections. Where two infinities meet it is at lower orders. */
static int best_order(double *order, const struct dpmix_accountant *accountant)
{
    double low = log(LEAST_LAMBDA), high = log(MOST_LAMBDA), at_left = 0.0, at_right = 0.0;
    double left = high - GOLDEN * (high - low), right = low + GOLDEN * (high - low);
    int status = epsilon_at(&at_left, accountant, left);
    if (!status)
        status = epsilon_at(&at_right, accountant, right);
    while (!status && high - low > 0.1) {
        if (at_left <= at_right) {
            high = right, right = left, at_right = at_left;
            left = high - GOLDEN * (high - low);
            status = epsilon_at(&at_left, accountant, left);
        } else {
            low = left, left = right, at_left = at_right;
            right = low + GOLDEN * (high - low);
            status = epsilon_at(&at_right, accountant, right);
        }
    }
    *order = 1.0 + exp(0.5 * (low + high));
    return status;
}

static int measure_shares(const struct dpmix_accountant *accountant)
{
    struct dpm_account_state *state = accountant->state;
    double order = accountant->terms.order, sum = 0.0;
    int status = DPMIX_OK;
    if (!(order > 0.0) && state->n_entries == 1)
        order = 2.0; /* the one entry has all of it at every order */
    else if (!(order > 0.0))
        status = best_order(&order, accountant);
    if (!status)
        status = sum_at(&sum, accountant, order);
    for (size_t i = 0; !status && i < state->n_entries; i++)
        state->entries[i].share = sum < INFINITY ? state->entries[i].share / sum : NAN;
    state->share_order = sum > 0.0 && sum < INFINITY ? order : 0.0;
    return status;
}

int dpm_account_measure_alone(const struct dpmix_accountant *accountant)
{
    struct dpm_account_state *state = accountant->state;
    const struct dpm_account_terms *terms = &accountant->terms;
    int status = DPMIX_OK;
    for (; !status && state->n_alone < state->n_entries; state->n_alone += !status) {
        struct dpm_account_entry *entry = &state->entries[state->n_alone];
        status = dpm_account_epsilon(&entry->alone, state->events + entry->first, entry->n, terms->adjacency,
                                     terms->delta);
    }
    return status;
}

int dpm_account_measure(const struct dpmix_accountant *accountant)
{
    struct dpm_account_state *state = accountant->state;
    int status = dpm_account_measure_alone(accountant);
    if (status || state->n_shared == state->n_entries)
        return status;
    status = measure_shares(accountant);
    state->n_shared = status ? 0 : state->n_entries;
    return status;
}
