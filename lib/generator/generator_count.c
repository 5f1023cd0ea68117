/* SPDX-License-Identifier: BSD-3-Clause */
#include "generator_count.h"

#include "base_alloc.h"
#include "base_fail.h"
/* Up to here a double counts exactly. */
#define MAX_SAMPLES (UINT64_C(1) << 53)

static int check_queries(const struct dpm_count_queries *queries, size_t n_columns)
{
    const size_t *offsets = queries->offsets;
    for (size_t q = 0; q < queries->n_queries; q++)
        if (offsets[q] > offsets[q + 1])
            return dpm_fail(DPMIX_ERR_RANGE, "offsets: must not fall");
    if (offsets[0] != 0 || offsets[queries->n_queries] != queries->n_predicates)
        return dpm_fail(DPMIX_ERR_RANGE, "offsets: must go from 0 to n_predicates");
    for (size_t i = 0; i < queries->n_predicates; i++) {
        if (queries->columns[i] >= n_columns && queries->columns[i] != DPMIX_COLUMN_LABEL)
            return dpm_fail(DPMIX_ERR_RANGE, "columns: a number is not that of a column of the model");
        if (!(queries->lower[i] <= queries->upper[i])) /* NaN, too */
            return dpm_fail(DPMIX_ERR_RANGE, "lower, upper: must be numbers, lower not above upper");
    }
    return DPMIX_OK;
}

static int asks_for_labels(const struct dpm_count_queries *queries)
{
    size_t i = 0;
    while (i < queries->n_predicates && queries->columns[i] != DPMIX_COLUMN_LABEL)
        i++;
    return i < queries->n_predicates;
}

struct tally {
    const struct dpm_bounds *bounds;
    const struct dpm_count_queries *queries;
    uint64_t *counts; /* of the records that each query holds of */
};

/* Whether all predicates of a query hold of a record. */
static int holds(const struct tally *tally, size_t query, const float *row, double label)
{
    const struct dpm_count_queries *queries = tally->queries;
    for (size_t i = queries->offsets[query]; i < queries->offsets[query + 1]; i++) {
        size_t column = queries->columns[i];
        double value = label;
        if (column != DPMIX_COLUMN_LABEL)
            value = dpm_bounds_restore(tally->bounds, column, row[column]);
        if (value < queries->lower[i] || value > queries->upper[i])
            return 0;
    }
    return 1;
}

static void count_records(void *user, const struct dpm_records *records)
{
    const struct tally *tally = user;
    const int32_t *labels = records->labels;
    for (size_t query = 0; query < tally->queries->n_queries; query++)
        for (size_t i = 0; i < records->n; i++)
            tally->counts[query] += (uint64_t)holds(
                tally, query, records->rows + i * tally->bounds->n_columns, labels ? (double)labels[i] : 0);
}

int dpm_count_records(double *fractions, const struct dpm_bounds *bounds, int has_labels,
                      const struct dpm_count_queries *queries, uint64_t n_samples, dpm_count_draw_fn *draw,
                      void *context)
{
    struct tally tally = {bounds, queries, NULL};
    int status = check_queries(queries, bounds->n_columns);
    int with_labels = !status && asks_for_labels(queries);
    if (!status && (n_samples < 1 || n_samples > MAX_SAMPLES))
        status = dpm_fail(DPMIX_ERR_RANGE, "n_samples: must lie in [1, 2^53]");
    if (!status && with_labels && !has_labels)
        status = dpm_fail(DPMIX_ERR_UNSUPPORTED, "columns: the model's records have no label");
    if (status)
        return status;
    tally.counts = dpm_alloc(queries->n_queries, sizeof *tally.counts);
    if (!tally.counts)
        return DPMIX_ERR_NOMEM;
    status = draw(context, with_labels, n_samples, count_records, &tally);
    for (size_t query = 0; !status && query < queries->n_queries; query++)
        fractions[query] = (double)tally.counts[query] / (double)n_samples;
    dpm_free(tally.counts);
    return status;
}

struct source {
    const struct dpmix_generator *generator;
    const double *weights;
    const uint64_t *seed;
};

static int draw_records(void *context, int with_labels, uint64_t n, dpm_records_fn *visit, void *user)
{
    const struct source *source = context;
    return dpm_generator_draw(source->generator, source->weights, with_labels, 0, n, source->seed, visit,
                              user);
}

int dpm_generator_count(const struct dpmix_generator *generator, const double *weights, double *fractions,
                        const struct dpm_count_queries *queries, uint64_t n_samples, const uint64_t *seed)
{
    struct source source = {generator, weights, seed};
    return dpm_count_records(fractions, &generator->bounds, generator->makes_labels, queries, n_samples,
                             draw_records, &source);
}
