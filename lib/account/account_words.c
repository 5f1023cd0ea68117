/* SPDX-License-Identifier: BSD-3-Clause */
#include "account_words.h"
#include "account_share.h"
#include "account_state.h"

#include <dpmix/accountant.h>

#include <inttypes.h>
#include <math.h>
#include <string.h>

/* A double keeps decimals of 15 digits apart, and 17 keep doubles apart. */
enum { DIGITS = 10, FEW_DIGITS = 4, MOST_DECIMALS = 15, ALL_DIGITS = 17 };

/* Ten digits where the number has no more, else all: what is printed is never less. */
static struct dpm_number in_full(double value)
{
    struct dpm_number few = dpm_text_number(value, DIGITS), more = dpm_text_number(value, MOST_DECIMALS);
    return strcmp(few.digits, more.digits) == 0 ? few : dpm_text_number(value, ALL_DIGITS);
}

/* What was released: without the noise multiplier, or with it. */
static void put_mechanism(struct dpm_text *text, const struct dpm_event *event)
{
    struct dpm_number size = dpm_text_number(event->noise_multiplier, DIGITS);
    switch (event->kind) {
    case DPM_EVENT_RANDOMIZED_RESPONSE:
        dpm_text_format(text, "of answers by randomised response with epsilon %s.\n",
                        in_full(1.0 / event->noise_multiplier).digits);
        return;
    case DPM_EVENT_PURE:
        dpm_text_format(text, "by a mechanism with a guarantee of its own: epsilon %s, ",
                        in_full(1.0 / event->noise_multiplier).digits);
        dpm_text_format(text, "delta %s.\n", in_full(event->sampling_rate).digits);
        return;
    case DPM_EVENT_LAPLACE:
    case DPM_EVENT_SUBSAMPLED_LAPLACE:
    case DPM_EVENT_GEOMETRIC:
        dpm_text_format(text, "of a sum over the records plus %s noise. Its scale is %s times the\n",
                        event->kind == DPM_EVENT_GEOMETRIC ? "geometric" : "Laplace", size.digits);
        break;
    default:
        dpm_text_format(text, "of a sum over the records plus normal noise. The noise has %s times the\n",
                        size.digits);
        break;
    }
    dpm_text_put(text,
                 "     size of the largest contribution that one record can make (noise multiplier).\n");
}

static void put_text_event(struct dpm_text *text, const struct dpm_event *event)
{
    if (event->count == 1)
        dpm_text_put(text, "   - One release, ");
    else
        dpm_text_format(text, "   - %" PRIu64 " releases, each ", event->count);
    put_mechanism(text, event);
    if (dpm_event_is_sampled(event))
        dpm_text_format(text, "     Each record takes part with probability %s, drawn anew each time.\n",
                        dpm_text_number(event->sampling_rate, DIGITS).digits);
    else
        dpm_text_put(text, "     Every record takes part.\n");
}

static const char *adjacency_in_words(int adjacency)
{
    switch (adjacency) {
    case DPMIX_ADJACENCY_ADD_REMOVE:
        return "The guarantee compares any two data sets of which one has one record more than the other\n"
               "(add/remove). Whether a record is in the data at all is protected, and so is the number of\n"
               "records.\n";
    case DPMIX_ADJACENCY_REPLACE_ONE:
        return "The guarantee compares any two data sets of the same size that differ in one record\n"
               "(replace-one). What a record says is protected; the number of records counts as public.\n";
    default:
        return "The guarantee compares any two data sets of the same size of which one has a record\n"
               "replaced by an empty one that contributes nothing (zero-out). What a record says is\n"
               "protected; the number of records counts as public.\n";
    }
}

static const char planned[] =
    "Mode: planned. What was to be computed, and with how much noise, was laid down before the first\n"
    "release. A step may be left out or broken off; none may be chosen or changed because of what an\n"
    "earlier step showed. Under that condition the figure spent is what all steps together satisfy.\n";

static const char gaussian_filter[] =
    "Mode: adaptive, Gaussian filter. Each step, and how much noise it has, may be chosen after looking at\n"
    "what earlier steps released. A step is refused when the steps together would be more than one\n"
    "release of normal noise that satisfies the budget. The guarantee is that of the budget; the figure\n"
    "spent says how much of it is used up.\n";

static const char renyi_filter[] =
    "Each step, and how much noise it has, may be chosen after looking at what earlier steps released. A\n"
    "step is refused when the sum of the steps' Renyi divergences of that order would pass the sum that\n"
    "belongs to the budget. The guarantee is that of the budget; the figure spent says how much of it is\n"
    "used up.\n";

static const char protection[] =
    "What is protected, and against whom: each single record, against anyone who has all that the steps\n"
    "below released, whatever else they know, and however they compute. What they can learn about a person\n"
    "is limited to nearly what they could learn without the record; how nearly, epsilon and delta say.\n"
    "\n"
    "What the figures mean: one record changes the probability of any outcome by a factor of at most\n"
    "exp(epsilon), up to an additional probability of delta. Epsilon 0 would be no change at all.\n";

static const char limits[] =
    "What is covered: everything that the listed steps released, taken together, and whatever anyone\n"
    "computes from it afterwards, with any other knowledge. A step stays in the list when what it paid for\n"
    "failed or was cancelled.\n"
    "\n"
    "What is not covered:\n"
    " - Settings chosen while looking at the private data: epsilon and delta say nothing about that choice.\n"
    " - Anything computed from the private data outside this ledger: statistics published elsewhere, other\n"
    "   releases of the same data, and data sets with a ledger of their own.\n"
    " - A person with several records, beyond what is said of groups: the protection is for one record.\n"
    " - What holds about the population and can be learned without the person's record.\n"
    " - Side channels: how long a computation took, faulty hardware, copies of the memory of the running\n"
    "   program. The noise is as good as its random generator (a cryptographic one).\n";

/* Ten digits, rounded up, as long as that stays within the budget: `spent` is at most the budget. */
static struct dpm_number rounded_up(double spent, double budget)
{
    double up = spent * (1.0 + 6e-10);
    return up < budget ? dpm_text_number(up, DIGITS) : in_full(budget);
}

static void put_head(struct dpm_text *text, const struct dpmix_accountant *accountant)
{
    const struct dpm_account_state *state = accountant->state;
    const struct dpm_account_terms *terms = &accountant->terms;
    size_t tests = 0;
    for (size_t i = 0; i < state->n_entries; i++)
        tests += (size_t)state->entries[i].test_noise;
    dpm_text_put(text, "PRIVACY LEDGER\n\n");
    if (tests > 0)
        dpm_text_put(
            text, "NOT PRIVATE: some steps were made with test noise, which others can compute. What they\n"
                  "released is not protected, and the figures below do not hold for it.\n\n");
    dpm_text_format(text, "Budget:  epsilon %s, delta %s\n", in_full(terms->epsilon).digits,
                    in_full(terms->delta).digits);
    dpm_text_format(text, "Spent:   epsilon %s at that delta, by all steps together\n\n",
                    rounded_up(state->spent, terms->epsilon).digits);
    dpm_text_put(text, protection);
    dpm_text_format(text, "Delta is about one in %s.\n\n",
                    dpm_text_number(1.0 / terms->delta, DIGITS).digits);
    dpm_text_put(text, adjacency_in_words(terms->adjacency));
    dpm_text_put(text, "\n");
    if (terms->mode == DPMIX_MODE_RENYI)
        dpm_text_format(text, "Mode: adaptive, Renyi filter of order %s.\n",
                        dpm_text_number(terms->order, DIGITS).digits);
    dpm_text_put(text, terms->mode == DPMIX_MODE_PLANNED ? planned
                       : terms->mode == DPMIX_MODE_RENYI ? renyi_filter
                                                         : gaussian_filter);
}

static void put_figures(struct dpm_text *text, const struct dpm_account_entry *entry)
{
    if (isfinite(entry->share))
        dpm_text_format(text, "   Share of the whole: %s %%. ",
                        dpm_text_number(100.0 * entry->share, FEW_DIGITS).digits);
    else
        dpm_text_put(text, "   Share of the whole: not defined for this kind of mechanism. ");
    if (isfinite(entry->alone))
        dpm_text_format(text, "Alone it would have epsilon %s.\n",
                        dpm_text_number(entry->alone * (1.0 + 6e-4), FEW_DIGITS).digits);
    else
        dpm_text_put(text, "Alone it has no epsilon at this delta.\n");
}

static void put_steps(struct dpm_text *text, const struct dpmix_accountant *accountant)
{
    const struct dpm_account_state *state = accountant->state;
    dpm_text_put(text, state->n_entries ? "\nSteps:\n" : "\nSteps: none.\n");
    for (size_t i = 0; i < state->n_entries; i++) {
        const struct dpm_account_entry *entry = &state->entries[i];
        dpm_text_format(text, "%zu. ", i + 1);
        dpm_text_plain(text, entry->purpose);
        dpm_text_put(text, entry->test_noise ? " - NOT PRIVATE (test noise)\n" : "\n");
        for (size_t j = 0; j < entry->n; j++)
            put_text_event(text, &state->events[entry->first + j]);
        put_figures(text, entry);
    }
    if (state->n_entries > 0 && state->share_order > 0.0)
        dpm_text_format(
            text,
            "Shares are parts of the Renyi divergence of order %s, which adds up over the steps where\n"
            "epsilons do not.\n",
            dpm_text_number(state->share_order, FEW_DIGITS).digits);
}

/* The epsilon of a person with several records. */
static int put_groups(struct dpm_text *text, const struct dpmix_accountant *accountant)
{
    static const int groups[] = {2, 3, 5, 10};
    const struct dpm_account_state *state = accountant->state;
    if (state->n_entries == 0)
        return DPMIX_OK;
    for (size_t i = 0; i < sizeof groups / sizeof *groups; i++) {
        double epsilon;
        int status =
            dpm_account_terms_group(&epsilon, &accountant->terms, state->events, state->n_events, groups[i]);
        if (status == DPMIX_ERR_UNSUPPORTED) {
            dpm_text_put(text, "\nGroups of records: for this ledger no figure is known.\n");
            return DPMIX_OK;
        }
        if (status)
            return status;
        if (i == 0)
            dpm_text_put(
                text, "\nGroups of records, such as those of one person: what is spent is then, at the same "
                      "delta,\n");
        dpm_text_format(text, " - epsilon %s for %d records.\n",
                        dpm_text_number(epsilon * (1.0 + 6e-4), FEW_DIGITS).digits, groups[i]);
    }
    return DPMIX_OK;
}

int dpm_account_words(struct dpm_text *text, const struct dpmix_accountant *accountant)
{
    int status = dpm_account_measure(accountant);
    if (status)
        return status;
    put_head(text, accountant);
    put_steps(text, accountant);
    status = put_groups(text, accountant);
    dpm_text_put(text, "\n");
    dpm_text_put(text, limits);
    return status;
}
