/* SPDX-License-Identifier: BSD-3-Clause */
#include "compare.h"

#include "common/queries.h"
#include "common/scores.h"
#include "common/softmax.h"
#include "common/splitmix.h"
#include "complain.h"
#include "interrupt.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Where the true fraction is less than this, an answer's error is related to this. */
static const double least_fraction = 0.01;

/* ---- Total variation distances ---- */

/* Half the sum of |p - q| over all pairs of bins of the columns i and j; `table` has room for them. */
static double distance(double *table, const struct bins *bins, const struct binned *synthetic,
                       const struct binned *real, size_t i, size_t j)
{
    const size_t rows = bins->columns[i].n, columns = bins->columns[j].n;
    double sum = 0.0;
    memset(table, 0, rows * columns * sizeof(*table));
    for (size_t k = 0; k < synthetic->n; k++) {
        const uint8_t *codes = synthetic->codes + k * synthetic->n_columns;
        table[codes[i] * columns + codes[j]] += 1.0 / (double)synthetic->n;
    }
    for (size_t k = 0; k < real->n; k++) {
        const uint8_t *codes = real->codes + k * real->n_columns;
        table[codes[i] * columns + codes[j]] -= 1.0 / (double)real->n;
    }
    for (size_t k = 0; k < rows * columns; k++)
        sum += fabs(table[k]);
    return 0.5 * sum;
}

static int compare_pairs(struct comparison *c, const struct bins *bins, const struct binned *synthetic,
                         const struct binned *real, struct progress *progress)
{
    const size_t n = c->n, pairs = n * (n - 1) / 2;
    size_t done = 0;
    double *table = malloc((size_t)BINS_MOST * BINS_MOST * sizeof(*table));
    if (!table)
        return complain("out of memory");
    for (size_t i = 0; i < n && !interrupt_seen(); i++) {
        double parts[BINS_MOST], real_parts[BINS_MOST], sum = 0.0;
        binned_fractions(parts, synthetic, bins, i);
        binned_fractions(real_parts, real, bins, i);
        for (size_t b = 0; b < bins->columns[i].n; b++)
            sum += 0.5 * fabs(parts[b] - real_parts[b]);
        c->tvd1[i] = sum;
        c->mean_tvd1 += sum / (double)n;
        for (size_t j = i + 1; j < n && !interrupt_seen(); j++) {
            progress_update(progress, "comparing pairs of columns", done++, pairs);
            c->tvd2[i * n + j] = c->tvd2[j * n + i] = distance(table, bins, synthetic, real, i, j);
            c->mean_tvd2 += c->tvd2[i * n + j] / (double)pairs;
        }
    }
    if (pairs > 0 && !interrupt_seen())
        progress_update(progress, "comparing pairs of columns", pairs, pairs);
    free(table);
    return interrupt_seen() ? -1 : 0;
}

/* ---- Counting queries ---- */

/* An interval of the bins where they have an order, else one bin. */
static void choose_bins(struct queries *queries, const struct bins *bins)
{
    uint64_t state = 2;
    for (size_t i = 0; i < queries->n_predicates; i++) {
        const struct bins_column *column = &bins->columns[queries->columns[i]];
        const size_t one = splitmix_below(&state, column->n);
        const size_t other = column->ordered ? splitmix_below(&state, column->n) : one;
        queries->lower[i] = (double)(one < other ? one : other);
        queries->upper[i] = (double)(one < other ? other : one);
    }
}

static int compare_queries(struct comparison *c, const struct bins *bins, const struct binned *synthetic,
                           const struct binned *real)
{
    struct queries queries;
    double *answers = calloc(2 * COMPARE_QUERIES, sizeof(*answers)), *truth = answers + COMPARE_QUERIES;
    if (!answers)
        return complain("out of memory");
    if (queries_draw(&queries, COMPARE_QUERIES, c->n, 0.0) != 0) {
        free(answers);
        return -1;
    }
    choose_bins(&queries, bins);
    queries_answer(answers, &queries, synthetic->codes, synthetic->n, c->n);
    queries_answer(truth, &queries, real->codes, real->n, c->n);
    c->query_error = queries_error(answers, truth, COMPARE_QUERIES, 1.0); /* no fraction is above 1 */
    c->query_relative_error = queries_error(answers, truth, COMPARE_QUERIES, least_fraction);
    queries_close(&queries);
    free(answers);
    return 0;
}

/* ---- Classifiers ---- */

/* Every `step`th record from `first` on, with its label. The caller closes. */
static int take_records(struct idx_records *records, const struct binned *from, size_t label, size_t first,
                        size_t step)
{
    const size_t n = from->n > first ? (from->n - first + step - 1) / step : 0;
    *records = (struct idx_records){.n = n,
                                    .columns = from->n_features,
                                    .bytes = malloc(n * from->n_features + 1),
                                    .labels = malloc(n + 1)};
    if (!records->bytes || !records->labels)
        return complain("out of memory");
    for (size_t i = 0; i < n; i++) {
        const size_t at = first + i * step;
        memcpy(records->bytes + i * from->n_features, from->features + at * from->n_features,
               from->n_features);
        records->labels[i] = from->codes[at * from->n_columns + label];
    }
    return 0;
}

/* Of two classes one area says all: the other's is the same. */
static int mean_area(double *mean, const double *scores, const struct idx_records *test, int classes)
{
    double sum = 0.0;
    int known = 0;
    for (int c = classes == 2; c < classes; c++) {
        double area;
        if (scores_class_auroc(&area, scores, test->labels, test->n, classes, c) != 0)
            return complain("out of memory");
        if (!isnan(area)) {
            sum += area;
            known++;
        }
    }
    *mean = known > 0 ? sum / known : NAN;
    return 0;
}

static int score(struct scores *result, const struct idx_records *training, const struct idx_records *test,
                 int classes)
{
    struct softmax model;
    struct softmax_training how;
    double *scores = malloc((test->n * (size_t)classes + 1) * sizeof(*scores));
    if (!scores || softmax_train(&model, &how, training, classes) != 0) {
        free(scores);
        return complain("out of memory");
    }
    int failed = softmax_scores(&model, scores, test) != 0 ? complain("out of memory") : 0;
    if (!failed) {
        result->accuracy = scores_accuracy(scores, test->labels, test->n, classes);
        failed = mean_area(&result->area, scores, test, classes);
    }
    softmax_close(&model);
    free(scores);
    return failed;
}

static int compare_classifiers(struct comparison *c, const struct bins *bins, const struct binned *synthetic,
                               const struct binned *real, const struct binned *test,
                               struct progress *progress)
{
    const int classes = bins->label < bins->n_columns ? (int)bins->columns[bins->label].n : 0;
    struct idx_records made = {0}, training = {0}, checked = {0};
    if (classes < 2 || real->n_features == 0)
        return 0;
    int failed = take_records(&made, synthetic, bins->label, 0, 1) != 0 ||
                 take_records(&training, real, bins->label, 0, test ? 1 : 2) != 0 ||
                 take_records(&checked, test ? test : real, bins->label, test ? 0 : 1, test ? 1 : 2) != 0;
    if (!failed && made.n > 0 && training.n > 0 && checked.n > 0) {
        c->scored = 1;
        c->set_aside = test != NULL;
        c->n_training = training.n;
        c->n_test = checked.n;
        progress_update(progress, "training two classifiers", 0, 2);
        failed = score(&c->synthetic, &made, &checked, classes) != 0;
        progress_update(progress, "training two classifiers", 1, 2);
        failed = failed || interrupt_seen() || score(&c->real, &training, &checked, classes) != 0;
        if (!failed)
            progress_update(progress, "training two classifiers", 2, 2);
    }
    idx_records_close(&made);
    idx_records_close(&training);
    idx_records_close(&checked);
    return failed ? -1 : 0;
}

int compare(struct comparison *c, const struct bins *bins, const struct binned *synthetic,
            const struct binned *real, const struct binned *test, struct progress *progress)
{
    const size_t n = bins->n_columns;
    *c = (struct comparison){
        .n = n, .tvd1 = calloc(n, sizeof(*c->tvd1)), .tvd2 = calloc(n * n, sizeof(*c->tvd2))};
    if (!c->tvd1 || !c->tvd2)
        return complain("out of memory");
    if (real->n == 0 || synthetic->n == 0)
        return complain("--compare-nonprivate: there are no records to compare");
    if (compare_pairs(c, bins, synthetic, real, progress) != 0 ||
        compare_queries(c, bins, synthetic, real) != 0)
        return -1;
    return compare_classifiers(c, bins, synthetic, real, test, progress);
}

void comparison_close(struct comparison *c)
{
    free(c->tvd1);
    free(c->tvd2);
    *c = (struct comparison){0};
}
