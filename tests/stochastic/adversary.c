/* SPDX-License-Identifier: BSD-3-Clause */
#include "adversary.h"

#include "account_curve.h"
#include "account_ledger.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Quantiles of the normal law in the middle of seven equal shares: stand for the normals that are lent
 * with the row, which the adversary does not know. */
static const float lent[] = {-1.465f, -0.792f, -0.366f, 0, 0.366f, 0.792f, 1.465f};
enum { LENT = sizeof lent / sizeof *lent };

static struct adversary_knowledge known;
static struct dpm_query_plan plans[ADVERSARY_PLANS];
static struct dpm_partition partition;
static double log_ratio;

static struct dpm_event events[ADVERSARY_EVENTS];
static size_t n_events;
static int debit_changed, debits, injected_status;
static dpm_block_fn *injected_contribution;

void adversary_begin(const struct adversary_knowledge *knowledge)
{
    known = *knowledge;
    n_events = 0;
    debit_changed = debits = 0;
    adversary_inject(0, NULL);
    adversary_reset();
}

void adversary_reset(void)
{
    log_ratio = 0;
}

double adversary_log_ratio(void)
{
    return log_ratio;
}

int adversary_events(const struct dpm_event **charged)
{
    *charged = events;
    return (int)n_events;
}

int adversary_debit_changed(void)
{
    return debit_changed;
}

int adversary_debits(void)
{
    return debits;
}

void adversary_inject(int charge_status, dpm_block_fn *contribution)
{
    injected_status = charge_status;
    injected_contribution = contribution;
}

static void need(int condition)
{
    if (!condition)
        abort();
}

/* ---- What a row contributes, from the learner's own function ---- */

static int32_t part_of(const float *row, int32_t label)
{
    static float scratch[ADVERSARY_NUMBERS];
    int32_t part = 0;
    need(partition.scratch <= ADVERSARY_NUMBERS);
    if (partition.n_parts > 1)
        partition.assign(partition.model, &part, row, &label, 1, known.n_columns, scratch);
    return part;
}

/* The sum of the outer products, scaled to norm C at most, or for geometric noise left out where it is not
 * whole or too large: the plain definition, beside the vault's own way. */
static void clipped_products(const struct dpm_query_plan *plan, float *const *left, float *const *right,
                             double *out)
{
    double squares = 0, absolute = 0, fraction = 0, scale = 1;
    size_t at = 0;
    for (int m = 0; m < plan->n_matrices; m++) {
        const struct dpm_query_matrix *matrix = &plan->matrix[m];
        for (size_t i = 0; i < matrix->rows; i++)
            for (size_t j = 0; j < matrix->columns; j++, at++) {
                const float *l = left[m] + i, *r = right[m] + j;
                out[at] = 0;
                for (size_t k = 0; k < (size_t)matrix->rank; k++)
                    out[at] += (double)l[k * matrix->rows] * (double)r[k * matrix->columns];
                squares += out[at] * out[at];
                absolute += fabs(out[at]);
                fraction += fabs(out[at] - rint(out[at]));
            }
    }
    if (plan->noise == DPM_NOISE_GEOMETRIC)
        scale = absolute <= plan->clip_norm && fraction == 0;
    else if (squares > plan->clip_norm * plan->clip_norm)
        scale = plan->clip_norm / sqrt(squares);
    for (size_t i = 0; i < at; i++)
        out[i] *= scale;
}

static void contribution_of(const struct dpm_query_plan *plan, dpm_block_fn *contribution, const void *model,
                            const float *row, int32_t label, float normal, double *out)
{
    static float factors[2][DPM_QUERY_MATRICES][ADVERSARY_NUMBERS], scratch[4 * ADVERSARY_NUMBERS];
    float normals[ADVERSARY_NUMBERS], *left[DPM_QUERY_MATRICES], *right[DPM_QUERY_MATRICES];
    int32_t part = part_of(row, label);
    need(plan->normals <= ADVERSARY_NUMBERS && plan->scratch <= 4 * ADVERSARY_NUMBERS);
    for (size_t i = 0; i < plan->normals; i++)
        normals[i] = normal;
    for (int m = 0; m < plan->n_matrices; m++) {
        const struct dpm_query_matrix *matrix = &plan->matrix[m];
        need((size_t)matrix->rank * (matrix->rows + matrix->columns) <= ADVERSARY_NUMBERS);
        left[m] = factors[0][m];
        right[m] = factors[1][m];
    }
    struct dpm_block block = {
        .n_rows = 1,
        .n_columns = known.n_columns,
        .rows = row,
        .labels = known.other_labels ? &label : NULL,
        .parts = &part,
        .normals = normals,
        .scratch = scratch,
    };
    contribution(model, &block, left, right);
    clipped_products(plan, left, right, out);
}

/* What is left of the released sums of the row's part without the rows that are known. Where they are
 * sampled, that is without their mean, and the variance of what remains of them is returned. */
static double unexplained(double *rest, const struct dpm_query_plan *plan, dpm_block_fn *contribution,
                          const void *model, const double *sums)
{
    double variance = 0, rate = plan->sampling_rate;
    double other[ADVERSARY_NUMBERS];
    size_t size = dpm_query_size(plan);
    int32_t part = part_of(known.row, known.label);
    memcpy(rest, sums + (plan->per_part ? (size_t)part * size : 0), size * sizeof *rest);
    for (size_t i = 0; i < known.n_others; i++) {
        const float *row = known.others + i * known.n_columns;
        int32_t label = known.other_labels ? known.other_labels[i] : 0;
        if (plan->per_part && part_of(row, label) != part)
            continue;
        contribution_of(plan, contribution, model, row, label, 0, other);
        for (size_t j = 0; j < size; j++) {
            rest[j] -= rate * other[j];
            variance += rate * (1 - rate) * other[j] * other[j];
        }
    }
    return variance;
}

/* Logarithm of the ratio of noise about x to noise about 0, where `rest` was released. */
static double noise_log_ratio(const struct dpm_query_plan *plan, const double *rest, const double *x,
                              double variance)
{
    double sum = 0;
    size_t size = dpm_query_size(plan);
    for (size_t j = 0; j < size && plan->noise == DPM_NOISE_GEOMETRIC; j++)
        sum += (fabs(rest[j]) - fabs(rest[j] - x[j])) / plan->noise_multiplier;
    for (size_t j = 0; j < size && plan->noise == DPM_NOISE_GAUSSIAN; j++)
        sum += (rest[j] - x[j] / 2) * x[j] / variance;
    return sum;
}

/* The row against no row: x averaged over the lent normals, and not there at all with 1 - rate. */
static double row_log_ratio(const struct dpm_query_plan *plan, dpm_block_fn *contribution, const void *model,
                            const double *rest, double variance, const float *row, int32_t label)
{
    double x[ADVERSARY_NUMBERS], exponents[LENT], largest = 0, total;
    size_t n = plan->normals ? LENT : 1;
    for (size_t k = 0; k < n; k++) {
        contribution_of(plan, contribution, model, row, label, lent[k], x);
        exponents[k] = noise_log_ratio(plan, rest, x, variance);
        largest = fmax(largest, exponents[k]);
    }
    total = (1 - plan->sampling_rate) * exp(-largest);
    for (size_t k = 0; k < n; k++)
        total += plan->sampling_rate / (double)n * exp(exponents[k] - largest);
    return fmax(largest + log(total), -1e6);
}

/* The one row against what the other data set has instead. */
static double query_log_ratio(const struct dpm_query_plan *plan, dpm_block_fn *contribution,
                              const void *model, const double *sums)
{
    double rest[ADVERSARY_NUMBERS], variance = pow(dpm_query_noise(plan), 2);
    need(dpm_query_size(plan) <= ADVERSARY_NUMBERS);
    variance += unexplained(rest, plan, contribution, model, sums);
    double ratio = row_log_ratio(plan, contribution, model, rest, variance, known.row, known.label);
    if (!known.instead)
        return ratio;
    need(!plan->per_part || part_of(known.instead, known.instead_label) == part_of(known.row, known.label));
    return ratio -
           row_log_ratio(plan, contribution, model, rest, variance, known.instead, known.instead_label);
}

/* ---- In the place of the library's functions ---- */

/* The linker does not compare types; the compiler does, here. */
#define CHECK_TYPE(function, type) _Static_assert(_Generic(&function, type * : 1), "its type has changed")
CHECK_TYPE(dpm_release_open, adversary_open_fn);
CHECK_TYPE(dpm_release_query, adversary_query_fn);
CHECK_TYPE(dpm_accountant_charge, adversary_charge_fn);
CHECK_TYPE(dpm_account_epsilon, adversary_epsilon_fn);

int __wrap_dpm_release_open(struct dpm_release **out, struct dpmix_accountant *accountant,
                            struct dpmix_dataset *dataset, const char *purpose,
                            const struct dpm_query_plan *opened, size_t n_plans,
                            const struct dpm_partition *parts, int threads)
{
    need(n_plans <= ADVERSARY_PLANS);
    memcpy(plans, opened, n_plans * sizeof *opened);
    partition = parts ? *parts : (struct dpm_partition){.n_parts = 1};
    return __real_dpm_release_open(out, accountant, dataset, purpose, opened, n_plans, parts, threads);
}

int __wrap_dpm_release_query(struct dpm_release *release, size_t number, dpm_block_fn *contribution,
                             const void *model, double *sums)
{
    const struct dpm_query_plan *plan = &plans[number];
    dpm_block_fn *called = injected_contribution ? injected_contribution : contribution;
    int status = __real_dpm_release_query(release, number, called, model, sums);
    if (!status && known.row)
        log_ratio += query_log_ratio(plan, contribution, model, sums);
    return status;
}

/* 0 when both lists are the same. */
static int compare_events(const struct dpm_event *a, const struct dpm_event *b, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (a[i].kind != b[i].kind || a[i].noise_multiplier != b[i].noise_multiplier ||
            a[i].sampling_rate != b[i].sampling_rate || a[i].count != b[i].count)
            return 1;
    return 0;
}

int __wrap_dpm_accountant_charge(struct dpmix_accountant *accountant, const char *purpose,
                                 const struct dpm_event *charged, size_t n, int test_noise, char **json)
{
    if (injected_status)
        return injected_status;
    int status = __real_dpm_accountant_charge(accountant, purpose, charged, n, test_noise, json);
    if (status)
        return status;
    need(n <= ADVERSARY_EVENTS);
    if (debits++ == 0) {
        memcpy(events, charged, n * sizeof *charged);
        n_events = n;
    }
    debit_changed |= n != n_events || compare_events(charged, events, n);
    return status;
}

/* All runs ask for the epsilon of the same events, and it is a pure function: a memory of what it gave
 * saves most of the time. */
struct answer {
    struct dpm_event events[ADVERSARY_EVENTS];
    size_t n;
    int adjacency;
    double delta, epsilon;
};

int __wrap_dpm_account_epsilon(double *epsilon, const struct dpm_event *asked, size_t n, int adjacency,
                               double delta)
{
    enum { ANSWERS = 64 };
    static struct answer answers[ANSWERS];
    static size_t n_answers, next;
    for (size_t i = 0; i < n_answers; i++) {
        const struct answer *answer = &answers[i];
        if (n == answer->n && adjacency == answer->adjacency && delta == answer->delta &&
            !compare_events(asked, answer->events, n)) {
            *epsilon = answer->epsilon;
            return 0;
        }
    }
    int status = __real_dpm_account_epsilon(epsilon, asked, n, adjacency, delta);
    if (status || n > ADVERSARY_EVENTS)
        return status;
    answers[next] = (struct answer){.n = n, .adjacency = adjacency, .delta = delta, .epsilon = *epsilon};
    if (n > 0)
        memcpy(answers[next].events, asked, n * sizeof *asked);
    n_answers = n_answers < ANSWERS ? n_answers + 1 : ANSWERS;
    next = (next + 1) % ANSWERS;
    return 0;
}
