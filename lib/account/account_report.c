/* SPDX-License-Identifier: BSD-3-Clause */
#include "account_share.h"
#include "account_state.h"
#include "account_text.h"
#include "account_words.h"
#include "base_alloc.h"

#include <dpmix/accountant.h>

#include <inttypes.h>
#include <math.h>

enum { DIGITS = 17 };

/* With all digits; JSON has no infinity. */
static void put_number(struct dpm_text *text, double value)
{
    dpm_text_put(text, isfinite(value) ? dpm_text_number(value, DIGITS).digits : "null");
}

static const char *adjacency_name(int adjacency)
{
    switch (adjacency) {
    case DPMIX_ADJACENCY_ADD_REMOVE: return "add_remove";
    case DPMIX_ADJACENCY_REPLACE_ONE: return "replace_one";
    default: return "zero_out";
    }
}

static const char *mechanism_name(const struct dpm_event *event)
{
    switch (event->kind) {
    case DPM_EVENT_LAPLACE: return "laplace";
    case DPM_EVENT_SUBSAMPLED_LAPLACE:
        return dpm_event_is_sampled(event) ? "poisson_subsampled_laplace" : "laplace";
    case DPM_EVENT_GEOMETRIC: return "geometric";
    case DPM_EVENT_RANDOMIZED_RESPONSE: return "randomized_response";
    case DPM_EVENT_PURE: return "pure";
    default: return dpm_event_is_sampled(event) ? "poisson_subsampled_gaussian" : "gaussian";
    }
}

/* The fields of an event by their names; all of them are public. */
static void put_json_event(struct dpm_text *text, const struct dpm_event *event)
{
    dpm_text_format(text, "\n        {\"mechanism\": \"%s\", \"noise_multiplier\": %s, ",
                    mechanism_name(event), dpm_text_number(event->noise_multiplier, DIGITS).digits);
    if (event->kind == DPM_EVENT_PURE)
        dpm_text_format(text, "\"delta\": %s, ", dpm_text_number(event->sampling_rate, DIGITS).digits);
    else
        dpm_text_format(
            text, "\"sampling_rate\": %s, ",
            dpm_text_number(dpm_event_is_sampled(event) ? event->sampling_rate : 1.0, DIGITS).digits);
    dpm_text_format(text, "\"count\": %" PRIu64 "}", event->count);
}

static const char *mode_name(int mode)
{
    switch (mode) {
    case DPMIX_MODE_PLANNED: return "planned";
    case DPMIX_MODE_RENYI: return "renyi";
    default: return "gaussian";
    }
}

static void put_json_entry(struct dpm_text *text, const struct dpm_account_entry *entry,
                           const struct dpm_event *events)
{
    dpm_text_put(text, "\n    {\"purpose\": ");
    dpm_text_json(text, entry->purpose);
    dpm_text_format(text, ", \"private\": %s, \"mechanisms\": [", entry->test_noise ? "false" : "true");
    for (size_t i = 0; i < entry->n; i++) {
        dpm_text_put(text, i ? "," : "");
        put_json_event(text, &events[i]);
    }
    dpm_text_put(text, "],\n     \"share\": ");
    put_number(text, entry->share);
    dpm_text_put(text, ", \"epsilon_alone\": ");
    put_number(text, entry->alone);
    dpm_text_put(text, "}");
}

static int put_json(struct dpm_text *text, const struct dpmix_accountant *accountant)
{
    const struct dpm_account_state *state = accountant->state;
    const struct dpm_account_terms *terms = &accountant->terms;
    int status = dpm_account_measure(accountant);
    if (status)
        return status;
    dpm_text_put(text, "{\n  \"format\": \"dpmix-ledger\",\n  \"version\": 1,\n  \"epsilon\": ");
    put_number(text, terms->epsilon);
    dpm_text_put(text, ",\n  \"delta\": ");
    put_number(text, terms->delta);
    dpm_text_format(text, ",\n  \"adjacency\": \"%s\",\n  \"mode\": \"%s\",\n",
                    adjacency_name(terms->adjacency), mode_name(terms->mode));
    if (terms->mode == DPMIX_MODE_RENYI)
        dpm_text_format(text, "  \"order\": %s,\n", dpm_text_number(terms->order, DIGITS).digits);
    dpm_text_put(text, "  \"entries\": [");
    for (size_t i = 0; i < state->n_entries; i++) {
        dpm_text_put(text, i ? "," : "");
        put_json_entry(text, &state->entries[i], state->events + state->entries[i].first);
    }
    dpm_text_put(text, "],\n");
    if (state->n_entries > 0 && state->share_order > 0.0)
        dpm_text_format(text, "  \"share_order\": %s,\n", dpm_text_number(state->share_order, DIGITS).digits);
    dpm_text_put(text, "  \"epsilon_spent\": ");
    put_number(text, state->spent);
    dpm_text_put(text, "\n}\n");
    return DPMIX_OK;
}

/* With the lock held. */
static int render(char **out, const struct dpmix_accountant *accountant,
                  int (*put_all)(struct dpm_text *, const struct dpmix_accountant *))
{
    struct dpm_text text = {NULL, 0, 0, 0};
    int status = put_all(&text, accountant);
    if (!status && text.failed)
        status = DPMIX_ERR_NOMEM;
    if (status) {
        dpm_free(text.bytes);
        return status;
    }
    *out = text.bytes;
    return DPMIX_OK;
}

int dpm_account_json_locked(char **out, const struct dpmix_accountant *accountant)
{
    return render(out, accountant, put_json);
}

int dpm_accountant_json(char **out, const struct dpmix_accountant *accountant)
{
    int status = dpm_account_lock(accountant);
    if (status)
        return status;
    status = render(out, accountant, put_json);
    dpm_account_unlock(accountant);
    return status;
}

int dpm_accountant_text(char **out, const struct dpmix_accountant *accountant)
{
    int status = dpm_account_lock(accountant);
    if (status)
        return status;
    status = render(out, accountant, dpm_account_words);
    dpm_account_unlock(accountant);
    return status;
}
