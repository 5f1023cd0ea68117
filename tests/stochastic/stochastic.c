/* SPDX-License-Identifier: BSD-3-Clause */
#include "stochastic.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- Clopper and Pearson ---- */

/* P[Bin(n, p) <= k] for k < np, where the terms fall from k downwards. */
static double lower_tail(size_t k, size_t n, double p)
{
    double at = (double)k, all = (double)n;
    double choices = lgamma(all + 1) - lgamma(at + 1) - lgamma(all - at + 1);
    double term = exp(choices + at * log(p) + (all - at) * log1p(-p)), sum = term;
    for (; at > 0 && term > sum * 0x1p-60; at--) {
        term *= at / (all - at + 1) * ((1 - p) / p);
        sum += term;
    }
    return sum;
}

double stochastic_upper_bound(size_t k, size_t n, double alpha)
{
    double low = (double)k / (double)n, high = 1;
    for (int i = 0; k < n && i < 60; i++) {
        double middle = (low + high) / 2;
        if (middle > low && middle < high && lower_tail(k, n, middle) > alpha)
            low = middle;
        else
            high = middle;
    }
    return high;
}

double stochastic_lower_bound(size_t k, size_t n, double alpha)
{
    return 1 - stochastic_upper_bound(n - k, n, alpha);
}

/* ---- Events ---- */

/* Some values of a statistic cut the line into cells: between two of them, and each value by itself, since
 * a mechanism that leaves out noise puts mass on single values. An event is a set of cells. */
enum { EDGES = 25, CELLS = 2 * EDGES + 1 };

static const double levels[EDGES] = {0.001, 0.005, 0.02, 0.05, 0.1,  0.15,  0.2,  0.25, 0.3,
                                     0.35,  0.4,   0.45, 0.5,  0.55, 0.6,   0.65, 0.7,  0.75,
                                     0.8,   0.85,  0.9,  0.95, 0.98, 0.995, 0.999};

struct cells {
    double edges[EDGES];
};

struct event {
    int statistic;
    uint64_t cells;
    double promise; /* what the first half leads to expect */
};

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static size_t cell_of(const struct cells *cells, double value)
{
    size_t i = 0;
    while (i < EDGES && cells->edges[i] < value)
        i++;
    return i < EDGES && cells->edges[i] == value ? 2 * i + 1 : 2 * i;
}

/* Quantiles of both data sets' values together. Equal ones do no harm: the cells between them stay empty. */
static void set_edges(struct cells *cells, double *values, size_t n)
{
    qsort(values, n, sizeof *values, compare);
    for (size_t i = 0; i < EDGES; i++)
        cells->edges[i] = values[(size_t)(levels[i] * (double)(n - 1))];
}

static void count(size_t counts[CELLS], const struct cells *cells, const double *statistics, size_t runs,
                  int stride)
{
    memset(counts, 0, CELLS * sizeof *counts);
    for (size_t i = 0; i < runs; i++)
        counts[cell_of(cells, statistics[i * (size_t)stride])]++;
}

/* What the counts of an event promise, less about as much as the confidence bounds will take. */
static double promise_of(double k, double other, double runs, double factor)
{
    double p = k / runs, q = other / runs;
    return p - factor * q - 5 * (sqrt(p * (1 - p) / runs) + factor * sqrt((q * (1 - q) + 1 / runs) / runs));
}

/* Takes the event if it promises more than the best one so far. */
static void consider(struct event *best, int statistic, uint64_t set, const size_t *counts,
                     const size_t *other, size_t runs, double factor)
{
    double k = 0, k_other = 0;
    for (int i = 0; i < CELLS; i++)
        if (set >> i & 1) {
            k += (double)counts[i];
            k_other += (double)other[i];
        }
    double promise = promise_of(k, k_other, (double)runs, factor);
    if (promise > best->promise)
        *best = (struct event){statistic, set, promise};
}

/* Above and below each cell; and all cells in which the likelihood ratio is above exp(epsilon), and not by
 * chance. */
static void consider_all(struct event *best, int statistic, const size_t *counts, const size_t *other,
                         size_t runs, double factor)
{
    uint64_t all = (UINT64_C(1) << CELLS) - 1, likely = 0;
    for (int i = 0; i < CELLS; i++) {
        consider(best, statistic, all << i & all, counts, other, runs, factor);
        consider(best, statistic, all >> i, counts, other, runs, factor);
        double k = (double)counts[i], expected = factor * (double)other[i];
        if (k > expected + 3 * sqrt(k + factor * expected))
            likely |= UINT64_C(1) << i;
    }
    consider(best, statistic, likely, counts, other, runs, factor);
}

/* ---- The trial ---- */

struct half {
    double *statistics[2]; /* by data set: runs x n_statistics */
};

static void run_half(struct half *half, const struct stochastic_trial *trial, uint64_t first)
{
    size_t n = (size_t)trial->n_statistics;
    for (int data_set = 0; data_set < 2; data_set++) {
        half->statistics[data_set] = malloc(trial->runs * n * sizeof(double));
        if (!half->statistics[data_set])
            abort();
        for (size_t i = 0; i < trial->runs; i++)
            trial->run(trial->mechanism, data_set, first + i, half->statistics[data_set] + i * n);
    }
}

static void free_half(struct half *half)
{
    free(half->statistics[0]);
    free(half->statistics[1]);
}

static void cut_cells(struct cells *cells, const struct half *half, const struct stochastic_trial *trial)
{
    size_t n = (size_t)trial->n_statistics;
    double *values = malloc(2 * trial->runs * sizeof *values);
    if (!values)
        abort();
    for (size_t s = 0; s < n; s++) {
        for (size_t i = 0; i < 2 * trial->runs; i++)
            values[i] = half->statistics[i % 2][i / 2 * n + s];
        set_edges(&cells[s], values, 2 * trial->runs);
    }
    free(values);
}

static struct event choose(const struct cells *cells, const struct half *half,
                           const struct stochastic_trial *trial, int data_set, double factor)
{
    struct event best = {0, 0, -INFINITY};
    for (int s = 0; s < trial->n_statistics; s++) {
        size_t counts[CELLS], other[CELLS];
        count(counts, &cells[s], half->statistics[data_set] + s, trial->runs, trial->n_statistics);
        count(other, &cells[s], half->statistics[!data_set] + s, trial->runs, trial->n_statistics);
        consider_all(&best, s, counts, other, trial->runs, factor);
    }
    return best;
}

static size_t occurrences(const struct event *event, const struct cells *cells, const double *statistics,
                          const struct stochastic_trial *trial)
{
    size_t k = 0;
    for (size_t i = 0; i < trial->runs; i++) {
        double value = statistics[i * (size_t)trial->n_statistics + (size_t)event->statistic];
        k += event->cells >> cell_of(&cells[event->statistic], value) & 1;
    }
    return k;
}

struct stochastic_verdict stochastic_try(const struct stochastic_trial *trial)
{
    struct half first, second;
    struct cells cells[STOCHASTIC_STATISTICS];
    struct stochastic_claim claims[STOCHASTIC_CLAIMS];
    run_half(&first, trial, 0);
    run_half(&second, trial, trial->runs);
    cut_cells(cells, &first, trial);
    int n_claims = trial->claims(trial->mechanism, claims);
    /* One event for each claim and direction, two bounds each. */
    double alpha = STOCHASTIC_FALSE_ALARM / (4 * n_claims);
    struct stochastic_verdict verdict = {.margin = -INFINITY};
    double seen = -INFINITY;
    for (int i = 0; i < 2 * n_claims; i++) {
        const struct stochastic_claim *claim = &claims[i / 2];
        int data_set = i % 2;
        double factor = exp(claim->epsilon);
        struct event event = choose(cells, &first, trial, data_set, factor);
        size_t k = occurrences(&event, cells, second.statistics[data_set], trial);
        size_t other = occurrences(&event, cells, second.statistics[!data_set], trial);
        double bound = stochastic_lower_bound(k, trial->runs, alpha) -
                       factor * stochastic_upper_bound(other, trial->runs, alpha);
        if (i < 2)
            seen = fmax(seen, bound);
        if (bound - claim->delta > verdict.margin)
            verdict = (struct stochastic_verdict){
                .margin = bound - claim->delta,
                .claim = *claim,
                .statistic = event.statistic,
                .frequency = (double)k / (double)trial->runs,
                .other_frequency = (double)other / (double)trial->runs,
            };
    }
    verdict.seen = seen;
    free_half(&first);
    free_half(&second);
    return verdict;
}
