/* SPDX-License-Identifier: BSD-3-Clause */
#include "account_curve.h"
#include "account_share.h"
#include "account_state.h"
#include "base_alloc.h"
#include "base_environment.h"
#include "base_fail.h"

#include <dpmix/accountant.h>

#include <math.h>
#include <string.h>

enum { MAX_DATASET = 200 };

static int lock(const struct dpmix_accountant *accountant)
{
    if (dpm_process_id() != accountant->process)
        return dpm_fail(DPMIX_ERR_STATE, "accountant: belongs to the process that opened it");
    dpm_mutex_lock(&accountant->state->lock);
    return DPMIX_OK;
}

void dpm_account_unlock(const struct dpmix_accountant *accountant)
{
    dpm_mutex_unlock(&accountant->state->lock);
}

static struct dpm_account_terms planned(double epsilon, double delta, int adjacency)
{
    return (struct dpm_account_terms){epsilon, delta, adjacency, DPMIX_MODE_PLANNED, 0.0};
}

int dpm_accountant_new(struct dpmix_accountant **out, double epsilon, double delta, int adjacency)
{
    return dpm_accountant_new_terms(out, planned(epsilon, delta, adjacency));
}

int dpm_accountant_new_terms(struct dpmix_accountant **out, struct dpm_account_terms terms)
{
    int checked = dpm_account_terms_check(&terms);
    if (checked)
        return checked;
    int status = DPMIX_ERR_NOMEM;
    struct dpmix_accountant *accountant = dpm_alloc(1, sizeof *accountant);
    struct dpm_account_state *state = dpm_alloc(1, sizeof *state);
    if (!accountant || !state)
        goto out;
    status = dpm_mutex_init(&state->lock);
    if (status)
        goto out;
    accountant->terms = terms;
    accountant->process = dpm_process_id();
    atomic_init(&accountant->references, 1);
    accountant->state = state;
    *out = accountant;
    return DPMIX_OK;
out:
    dpm_free(state);
    dpm_free(accountant);
    return status;
}

struct dpmix_accountant *dpm_accountant_ref(struct dpmix_accountant *accountant)
{
    atomic_fetch_add_explicit(&accountant->references, 1, memory_order_relaxed);
    return accountant;
}

/* Takes the entries behind the first n, whose spent epsilon is given, out of memory again. */
static void uncount(struct dpm_account_state *state, size_t n, double spent)
{
    while (state->n_entries > n) {
        struct dpm_account_entry *last = &state->entries[--state->n_entries];
        state->n_events -= last->n;
        dpm_free(last->purpose);
    }
    state->spent = spent;
    state->n_alone = state->n_alone < n ? state->n_alone : n;
    state->n_shared = state->n_shared > n ? 0 : state->n_shared;
}

void dpm_accountant_unref(struct dpmix_accountant *accountant)
{
    if (!accountant || atomic_fetch_sub(&accountant->references, 1) > 1)
        return;
    struct dpm_account_state *state = accountant->state;
    uncount(state, 0, 0.0);
    dpm_store_free(state->store);
    dpm_free(state->entries);
    dpm_free(state->events);
    dpm_free(state->runs);
    if (dpm_process_id() == accountant->process) /* elsewhere a thread that is not there may hold it */
        dpm_mutex_destroy(&state->lock);
    dpm_free(state);
    dpm_free(accountant);
}

int dpm_account_reserve(void **memory, size_t *capacity, size_t n, size_t more, size_t size)
{
    if (more <= *capacity - n)
        return DPMIX_OK;
    size_t wanted = 2 * (n + more); /* both lie in memory as arrays: far from SIZE_MAX */
    void *larger = dpm_alloc(wanted, size);
    if (!larger)
        return DPMIX_ERR_NOMEM;
    if (n > 0)
        memcpy(larger, *memory, n * size);
    dpm_free(*memory);
    *memory = larger;
    *capacity = wanted;
    return DPMIX_OK;
}

/* All that a debit allocates. */
static int reserve_debit(struct dpm_account_state *state, const char *purpose, size_t n, char **copy)
{
    void *events = state->events, *entries = state->entries;
    int status =
        dpm_account_reserve(&events, &state->events_capacity, state->n_events, n, sizeof *state->events);
    state->events = events;
    if (status)
        return status;
    status =
        dpm_account_reserve(&entries, &state->entries_capacity, state->n_entries, 1, sizeof *state->entries);
    state->entries = entries;
    if (status)
        return status;
    *copy = dpm_alloc_string(purpose);
    return *copy ? DPMIX_OK : DPMIX_ERR_NOMEM;
}

static void count(struct dpm_account_state *state, struct dpm_account_entry entry)
{
    state->entries[state->n_entries++] = entry;
    state->n_events += entry.n;
}

/* ---- The store ---- */

/* An event of the store; a purpose begins an entry. */
static int take_event(void *user, const char *purpose, int test_noise, const struct dpm_event *event)
{
    struct dpm_account_state *state = user;
    char *copy = NULL;
    void *events = state->events;
    int status =
        purpose ? reserve_debit(state, purpose, 1, &copy)
                : dpm_account_reserve(&events, &state->events_capacity, state->n_events, 1, sizeof *event);
    if (!purpose)
        state->events = events;
    if (status)
        return status;
    state->events[state->n_events] = *event;
    if (purpose) {
        count(state, (struct dpm_account_entry){copy, state->n_events, 1, test_noise != 0, NAN, NAN});
    } else {
        state->entries[state->n_entries - 1].n++;
        state->n_events++;
    }
    return DPMIX_OK;
}

/* Takes over what other processes debited; within a transaction of the store, which with `end` is over once
 * it is read: to compose it can take many seconds, for which nobody else should wait. */
static int catch_up(const struct dpmix_accountant *accountant, int end)
{
    struct dpm_account_state *state = accountant->state;
    struct dpm_store_mark mark = state->mark;
    size_t n = state->n_entries;
    double spent = state->spent;
    int status = dpm_store_read(state->store, &mark, take_event, state);
    if (end)
        dpm_store_end(state->store);
    if (!status && state->n_entries > n)
        status = dpm_account_terms_spent(&spent, &accountant->terms, state->events, state->n_events);
    if (status) {
        uncount(state, n, state->spent);
        return status;
    }
    state->mark = mark;
    state->spent = spent;
    return DPMIX_OK;
}

int dpm_account_lock(const struct dpmix_accountant *accountant)
{
    int status = lock(accountant);
    struct dpm_store *store = status ? NULL : accountant->state->store;
    if (!store)
        return status;
    status = dpm_store_begin(store, 0);
    if (!status)
        status = catch_up(accountant, 1);
    dpm_store_end(store);
    if (status)
        dpm_account_unlock(accountant);
    return status;
}

int dpm_accountant_open(struct dpmix_accountant **out, const char *path, const char *dataset, double epsilon,
                        double delta, int adjacency)
{
    return dpm_accountant_open_terms(out, path, dataset, planned(epsilon, delta, adjacency));
}

int dpm_accountant_open_terms(struct dpmix_accountant **out, const char *path, const char *dataset,
                              struct dpm_account_terms terms)
{
    if (!*path || !*dataset)
        return dpm_fail(DPMIX_ERR_ARG, "%s: must not be empty", !*path ? "path" : "dataset");
    if (!memchr(dataset, 0, MAX_DATASET + 1))
        return dpm_fail(DPMIX_ERR_RANGE, "dataset: must have at most %d bytes", MAX_DATASET);
    struct dpmix_accountant *accountant = NULL;
    int any_order = terms.mode == DPMIX_MODE_RENYI && terms.order == 0.0;
    int status = dpm_accountant_new_terms(&accountant, terms);
    if (!status)
        status = dpm_store_open(&accountant->state->store, path, dataset, &accountant->terms, any_order);
    if (!status)
        status = dpm_account_lock(accountant);
    if (status) {
        dpm_accountant_unref(accountant);
        return status;
    }
    dpm_account_unlock(accountant);
    *out = accountant;
    return DPMIX_OK;
}

/* ---- Debits ---- */

int dpm_account_begin(const struct dpmix_accountant *accountant)
{
    struct dpm_store *store = accountant->state->store;
    int status = lock(accountant);
    if (status || !store)
        return status;
    status = dpm_store_begin(store, 1);
    if (!status)
        status = catch_up(accountant, 0);
    if (status)
        dpm_account_end(accountant);
    return status;
}

void dpm_account_end(const struct dpmix_accountant *accountant)
{
    if (accountant->state->store)
        dpm_store_end(accountant->state->store);
    dpm_account_unlock(accountant);
}

int dpm_account_begin_debit(const struct dpmix_accountant *accountant, const struct dpm_account_debit *debit)
{
    int status = DPMIX_OK;
    if (accountant->state->store && debit->json) {
        status = dpm_account_lock(accountant);
        if (!status) {
            status = dpm_account_measure_alone(accountant);
            dpm_account_unlock(accountant);
        }
    }
    return status ? status : dpm_account_begin(accountant);
}

/* Room for the debit, and what would be spent with it. The events go behind the others, where nobody sees
 * them until they are counted. */
static int admit(const struct dpmix_accountant *accountant, const struct dpm_account_debit *debit,
                 char **copy, double *spent)
{
    struct dpm_account_state *state = accountant->state;
    int status = reserve_debit(state, debit->purpose, debit->n, copy);
    if (status)
        return status;
    memcpy(state->events + state->n_events, debit->events, debit->n * sizeof *debit->events);
    status = dpm_account_terms_spent(spent, &accountant->terms, state->events, state->n_events + debit->n);
    if (!status && !(*spent <= accountant->terms.epsilon))
        status = dpm_fail(DPMIX_ERR_BUDGET, "budget: what is left does not cover the debit");
    return status;
}

/* Into the store, where nobody sees it before the commit. */
static int write_debit(struct dpm_account_state *state, struct dpm_store_mark *mark,
                       const struct dpm_account_debit *debit, const struct dpm_account_run *run)
{
    int status = DPMIX_OK;
    if (!state->store)
        return status;
    if (debit->n > 0)
        status = dpm_store_append(state->store, mark, debit->purpose, debit->test_noise != 0, debit->events,
                                  debit->n);
    if (!status && debit->run)
        status = dpm_store_put_run(state->store, run);
    return status;
}

/* The commit comes last: before it everything may fail and leaves nothing, after it nothing fails. */
int dpm_account_debit(const struct dpmix_accountant *accountant, const struct dpm_account_debit *debit)
{
    struct dpm_account_state *state = accountant->state;
    struct dpm_store_mark mark = state->mark;
    struct dpm_account_run run = {{0}, {0}, 0, 0};
    char *copy = NULL, *made = NULL;
    double spent = state->spent, before = state->spent;
    int in_doubt = 0;
    size_t n_before = state->n_entries;
    int status = debit->n > 0 ? admit(accountant, debit, &copy, &spent) : DPMIX_OK;
    if (!status && debit->run) {
        run = *debit->run;
        run.entry = run.entry ? run.entry : n_before + 1;
        status = dpm_account_run_reserve(state);
    }
    if (!status)
        status = write_debit(state, &mark, debit, &run);
    if (status)
        goto out;
    if (debit->n > 0)
        count(state,
              (struct dpm_account_entry){copy, state->n_events, debit->n, debit->test_noise != 0, NAN, NAN});
    copy = NULL;
    state->spent = spent;
    if (debit->json)
        status = dpm_account_json_locked(&made, accountant);
    if (!status && state->store)
        status = dpm_store_commit(state->store, &in_doubt);
    if (status && !in_doubt) {
        uncount(state, n_before, before);
        goto out;
    }
    state->mark = mark; /* in doubt it counts: the next call finds out whether the file agrees */
    if (!status && debit->run) {
        dpm_account_run_keep(state, &run);
        *debit->run = run;
    }
    if (debit->json && !status) {
        *debit->json = made;
        made = NULL;
    }
out:
    dpm_free(made);
    dpm_free(copy);
    return status;
}

int dpm_account_charge(const struct dpmix_accountant *accountant, const struct dpm_account_debit *debit)
{
    if (!debit->purpose || !*debit->purpose)
        return dpm_fail(DPMIX_ERR_ARG, "purpose: must not be empty");
    if (!memchr(debit->purpose, 0, DPM_ACCOUNT_PURPOSE + 1))
        return dpm_fail(DPMIX_ERR_RANGE, "purpose: must have at most %d bytes", DPM_ACCOUNT_PURPOSE);
    if (debit->n == 0)
        return dpm_fail(DPMIX_ERR_ARG, "events: must hold at least one");
    int status = dpm_account_check(debit->events, debit->n, accountant->terms.adjacency);
    if (!status)
        status = dpm_account_begin_debit(accountant, debit);
    if (status)
        return status;
    status = dpm_account_debit(accountant, debit);
    dpm_account_end(accountant);
    return status;
}

int dpm_accountant_charge(struct dpmix_accountant *accountant, const char *purpose,
                          const struct dpm_event *events, size_t n, int test_noise, char **json)
{
    struct dpm_account_debit debit = {purpose, events, n, test_noise, json, NULL};
    return dpm_account_charge(accountant, &debit);
}

static int calibrate(const struct dpmix_accountant *accountant, double share, struct dpm_event *events,
                     size_t n)
{
    if (!(share > 0.0 && share <= 1.0))
        return dpm_fail(DPMIX_ERR_RANGE, "share: must lie in (0, 1]");
    int status = dpm_account_lock(accountant);
    if (status)
        return status;
    const struct dpm_account_state *state = accountant->state;
    double multiplier;
    status = dpm_account_terms_calibrate(&multiplier, &accountant->terms, state->events, state->n_events,
                                         events, n, share);
    dpm_account_unlock(accountant);
    for (size_t i = 0; !status && i < n; i++) /* the calibration's products: a debit gets the same epsilon */
        events[i].noise_multiplier *= multiplier;
    return status;
}

int dpm_accountant_calibrate(const struct dpmix_accountant *accountant, double share,
                             struct dpm_event *events, size_t n)
{
    fenv_t environment = dpm_environment_enter();
    int status = calibrate(accountant, share, events, n);
    dpm_environment_leave(&environment);
    return status;
}

double dpm_accountant_epsilon(const struct dpmix_accountant *accountant)
{
    return accountant->terms.epsilon;
}

double dpm_accountant_delta(const struct dpmix_accountant *accountant)
{
    return accountant->terms.delta;
}

int dpm_accountant_adjacency(const struct dpmix_accountant *accountant)
{
    return accountant->terms.adjacency;
}

int dpm_accountant_mode(const struct dpmix_accountant *accountant)
{
    return accountant->terms.mode;
}

double dpm_accountant_order(const struct dpmix_accountant *accountant)
{
    return accountant->terms.order;
}

int dpm_accountant_spent(const struct dpmix_accountant *accountant, double *epsilon)
{
    int status = dpm_account_lock(accountant);
    if (status)
        return status;
    *epsilon = accountant->state->spent;
    dpm_account_unlock(accountant);
    return DPMIX_OK;
}

int dpm_accountant_last_spent(const struct dpmix_accountant *accountant, double *epsilon)
{
    int status = dpm_accountant_spent(accountant, epsilon);
    if (status != DPMIX_ERR_IO)
        return status;
    status = lock(accountant);
    if (status)
        return status;
    *epsilon = accountant->state->spent;
    dpm_account_unlock(accountant);
    return DPMIX_OK;
}

int dpm_accountant_spent_group(const struct dpmix_accountant *accountant, double *epsilon, int group)
{
    int status = dpm_account_lock(accountant);
    if (status)
        return status;
    const struct dpm_account_state *state = accountant->state;
    status = dpm_account_terms_group(epsilon, &accountant->terms, state->events, state->n_events, group);
    dpm_account_unlock(accountant);
    return status;
}
