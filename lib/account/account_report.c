/* SPDX-License-Identifier: BSD-3-Clause */
#include "account_state.h"
#include "base_alloc.h"
#include "base_fail.h"

#include <dpmix/accountant.h>

#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { NUMBER_SIZE = 64, JSON_DIGITS = 17, TEXT_DIGITS = 10 };

/* A growing text. A failure sticks; the calls after it do nothing. */
struct text {
    char *bytes;
    size_t used, capacity;
    int failed;
};

struct number {
    char digits[NUMBER_SIZE];
};

static void put_bytes(struct text *text, const char *bytes, size_t n)
{
    if (text->failed)
        return;
    if (n >= text->capacity - text->used) {
        size_t wanted = 2 * (text->capacity + n + 256); /* far from SIZE_MAX: a purpose is short */
        char *larger = dpm_alloc(wanted, 1);
        if (!larger) {
            text->failed = 1;
            return;
        }
        if (text->used > 0)
            memcpy(larger, text->bytes, text->used);
        dpm_free(text->bytes);
        text->bytes = larger;
        text->capacity = wanted;
    }
    memcpy(text->bytes + text->used, bytes, n);
    text->used += n;
    text->bytes[text->used] = '\0';
}

static void put(struct text *text, const char *string)
{
    put_bytes(text, string, strlen(string));
}

#if defined(__GNUC__) || defined(__clang__)
__attribute__((format(printf, 2, 3)))
#endif
static void put_format(struct text *text, const char *format, ...)
{
    char line[512];
    va_list arguments;
    va_start(arguments, format);
    int n = vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    if (n < 0 || (size_t)n >= sizeof line) {
        text->failed = 1;
        dpm_fail(DPMIX_ERR_INTERNAL, "text: a line is too long");
        return;
    }
    put_bytes(text, line, (size_t)n);
}

/* %g with a decimal point whatever the locale: what is no digit, sign or exponent is the locale's point. */
static struct number number(double value, int digits)
{
    struct number number = {{0}};
    char local[NUMBER_SIZE];
    snprintf(local, sizeof local, "%.*g", digits, value);
    size_t n = 0;
    int point = 0;
    for (const char *byte = local; *byte; byte++) {
        if (strchr("0123456789+-einf", *byte))
            number.digits[n++] = *byte;
        else if (!point++)
            number.digits[n++] = '.';
    }
    return number;
}

/* The length of the UTF-8 character at `s`, or 0 when it is none (RFC 3629). */
static size_t utf8_length(const unsigned char *s)
{
    static const unsigned char first[] = {0x00, 0x80, 0xC2, 0xE0, 0xF0, 0xF5}; /* of a class of first bytes */
    static const size_t lengths[] = {1, 0, 2, 3, 4, 0};
    size_t class = 0;
    while (class < 5 && s[0] >= first[class + 1])
        class++;
    size_t length = lengths[class];
    for (size_t i = 1; i < length; i++)
        if ((s[i] & 0xC0) != 0x80)
            return 0;
    if ((s[0] == 0xE0 && s[1] < 0xA0) || (s[0] == 0xED && s[1] > 0x9F) || (s[0] == 0xF0 && s[1] < 0x90) ||
        (s[0] == 0xF4 && s[1] > 0x8F))
        return 0;
    return length;
}

/* What a purpose holds, one character at a time; what is not UTF-8 becomes U+FFFD. */
static void put_json_string(struct text *text, const char *string)
{
    put(text, "\"");
    for (const unsigned char *s = (const unsigned char *)string; *s;) {
        size_t length = utf8_length(s);
        if (length == 0)
            put(text, "\\ufffd");
        else if (*s == '"' || *s == '\\')
            put_format(text, "\\%c", *s);
        else if (*s < 0x20 || *s == 0x7F)
            put_format(text, "\\u%04x", *s);
        else
            put_bytes(text, (const char *)s, length);
        s += length ? length : 1;
    }
    put(text, "\"");
}

/* The same for people: control characters become blanks. */
static void put_plain_string(struct text *text, const char *string)
{
    for (const unsigned char *s = (const unsigned char *)string; *s;) {
        size_t length = utf8_length(s);
        if (length == 0)
            put(text, "?");
        else if (*s < 0x20 || *s == 0x7F)
            put(text, " ");
        else
            put_bytes(text, (const char *)s, length);
        s += length ? length : 1;
    }
}

static int is_sampled(const struct dpm_event *event)
{
    return (event->kind == DPM_EVENT_SUBSAMPLED_GAUSSIAN || event->kind == DPM_EVENT_SUBSAMPLED_LAPLACE) &&
           event->sampling_rate < 1.0;
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
    case DPM_EVENT_SUBSAMPLED_LAPLACE: return is_sampled(event) ? "poisson_subsampled_laplace" : "laplace";
    case DPM_EVENT_GEOMETRIC: return "geometric";
    case DPM_EVENT_RANDOMIZED_RESPONSE: return "randomized_response";
    case DPM_EVENT_PURE: return "pure";
    default: return is_sampled(event) ? "poisson_subsampled_gaussian" : "gaussian";
    }
}

/* The fields of an event by their names; all of them are public. */
static void put_json_event(struct text *text, const struct dpm_event *event)
{
    put_format(text, "\n        {\"mechanism\": \"%s\", \"noise_multiplier\": %s, ", mechanism_name(event),
               number(event->noise_multiplier, JSON_DIGITS).digits);
    if (event->kind == DPM_EVENT_PURE)
        put_format(text, "\"delta\": %s, ", number(event->sampling_rate, JSON_DIGITS).digits);
    else
        put_format(text, "\"sampling_rate\": %s, ",
                   number(is_sampled(event) ? event->sampling_rate : 1.0, JSON_DIGITS).digits);
    put_format(text, "\"count\": %" PRIu64 "}", event->count);
}

static void put_json(struct text *text, const struct dpmix_accountant *accountant)
{
    const struct dpm_account_state *state = accountant->state;
    put(text, "{\n  \"format\": \"dpmix-ledger\",\n  \"version\": 1,\n");
    put_format(text, "  \"epsilon\": %s,\n", number(accountant->epsilon, JSON_DIGITS).digits);
    put_format(text, "  \"delta\": %s,\n", number(accountant->delta, JSON_DIGITS).digits);
    put_format(text, "  \"adjacency\": \"%s\",\n  \"mode\": \"planned\",\n  \"entries\": [",
               adjacency_name(accountant->adjacency));
    for (size_t i = 0; i < state->n_entries; i++) {
        const struct dpm_account_entry *entry = &state->entries[i];
        put(text, i ? ",\n    {\"purpose\": " : "\n    {\"purpose\": ");
        put_json_string(text, entry->purpose);
        put_format(text, ", \"private\": %s, \"mechanisms\": [", entry->test_noise ? "false" : "true");
        for (size_t j = 0; j < entry->n; j++) {
            put(text, j ? "," : "");
            put_json_event(text, &state->events[entry->first + j]);
        }
        put(text, "]}");
    }
    put_format(text, "],\n  \"epsilon_spent\": %s\n}\n", number(state->spent, JSON_DIGITS).digits);
}

/* What was released: without the noise multiplier, or with it. */
static void put_mechanism(struct text *text, const struct dpm_event *event)
{
    struct number size = number(event->noise_multiplier, TEXT_DIGITS);
    switch (event->kind) {
    case DPM_EVENT_RANDOMIZED_RESPONSE:
        put_format(text, "of answers by randomised response with epsilon %s.\n",
                   number(1.0 / event->noise_multiplier, TEXT_DIGITS).digits);
        return;
    case DPM_EVENT_PURE:
        put_format(text, "by a mechanism with a guarantee of its own: epsilon %s, ",
                   number(1.0 / event->noise_multiplier, TEXT_DIGITS).digits);
        put_format(text, "delta %s.\n", number(event->sampling_rate, TEXT_DIGITS).digits);
        return;
    case DPM_EVENT_LAPLACE:
    case DPM_EVENT_SUBSAMPLED_LAPLACE:
    case DPM_EVENT_GEOMETRIC:
        put_format(text, "of a sum over the records plus %s noise. Its scale is %s times the\n",
                   event->kind == DPM_EVENT_GEOMETRIC ? "geometric" : "Laplace", size.digits);
        break;
    default:
        put_format(text, "of a sum over the records plus normal noise. The noise has %s times the\n", size.digits);
        break;
    }
    put(text, "     size of the largest contribution that one record can make (noise multiplier).\n");
}

static void put_text_event(struct text *text, const struct dpm_event *event)
{
    if (event->count == 1)
        put(text, "   - One release, ");
    else
        put_format(text, "   - %" PRIu64 " releases, each ", event->count);
    put_mechanism(text, event);
    if (is_sampled(event))
        put_format(text, "     Each record takes part with probability %s, drawn anew each time.\n",
                   number(event->sampling_rate, TEXT_DIGITS).digits);
    else
        put(text, "     Every record takes part.\n");
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

static const char limits[] =
    "What is covered: everything that the listed debits released, taken together, and whatever anyone\n"
    "computes from it afterwards, with any other knowledge. A debit stays when what it paid for failed or\n"
    "was cancelled.\n"
    "\n"
    "What is not covered:\n"
    " - Settings chosen while looking at the private data: epsilon and delta say nothing about that choice.\n"
    " - Anything computed from the private data outside this ledger, and other releases of the same data.\n"
    " - A person with several records: the protection is for one record.\n"
    " - What holds about the population and can be learned without the person's record.\n"
    " - Mechanisms whose settings depend on earlier releases: all are planned ahead (mode \"planned\").\n"
    " - Faulty hardware, and copies of the memory of the running program. The noise is as good as its\n"
    "   random generator (a cryptographic one).\n";

/* Ten digits, rounded up, as long as that stays within the budget: `spent` is at most the budget. */
static struct number rounded_up(double spent, double budget)
{
    return number(fmin(spent * (1.0 + 6e-10), budget), TEXT_DIGITS);
}

static void put_text(struct text *text, const struct dpmix_accountant *accountant)
{
    const struct dpm_account_state *state = accountant->state;
    size_t tests = 0;
    for (size_t i = 0; i < state->n_entries; i++)
        tests += (size_t)state->entries[i].test_noise;
    put(text, "PRIVACY LEDGER\n\n");
    if (tests > 0)
        put(text, "NOT PRIVATE: some debits were made with test noise, which others can compute. What they\n"
                  "released is not protected, and the figures below do not hold for it.\n\n");
    put_format(text, "Budget:  epsilon %s, delta %s\n", number(accountant->epsilon, TEXT_DIGITS).digits,
               number(accountant->delta, TEXT_DIGITS).digits);
    put_format(text, "Spent:   epsilon %s at that delta, by all debits together\n\n",
               rounded_up(state->spent, accountant->epsilon).digits);
    put(text, "With these figures, one record changes the probability of any outcome by a factor of at most\n"
              "exp(epsilon), up to an additional probability of delta.\n");
    put(text, adjacency_in_words(accountant->adjacency));
    put(text, state->n_entries ? "\nDebits:\n" : "\nDebits: none.\n");
    for (size_t i = 0; i < state->n_entries; i++) {
        const struct dpm_account_entry *entry = &state->entries[i];
        put_format(text, "%zu. ", i + 1);
        put_plain_string(text, entry->purpose);
        put(text, entry->test_noise ? " - NOT PRIVATE (test noise)\n" : "\n");
        for (size_t j = 0; j < entry->n; j++)
            put_text_event(text, &state->events[entry->first + j]);
    }
    put(text, "\n");
    put(text, limits);
}

static int render(char **out, const struct dpmix_accountant *accountant,
                  void (*put_all)(struct text *, const struct dpmix_accountant *))
{
    struct text text = {NULL, 0, 0, 0};
    put_all(&text, accountant);
    if (text.failed) {
        dpm_free(text.bytes);
        return DPMIX_ERR_NOMEM;
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
    status = render(out, accountant, put_text);
    dpm_account_unlock(accountant);
    return status;
}
