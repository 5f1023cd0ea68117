/* SPDX-License-Identifier: BSD-3-Clause */
#include "model.h"

#include "byte_value.h"
#include "clock.h"

#include <stdio.h>
#include <stdlib.h>

/* Of the budget, what the partition may spend; the mixture gets all that is left. */
static const double partition_share = 0.1;

/* Sampling is post-processing: with one seed classifiers and queries see the same records. */
static const uint64_t seed = 1;

enum { PIECE = 1000 };

static int complain(const char *what)
{
    fprintf(stderr, "%s\n", what);
    return -1;
}

static int fit_mixture(struct model *m, const struct model_plan *plan, struct progress *progress)
{
    return dpmix_clusterer_new(&m->clusterer, plan->partition, plan->options) ||
           dpmix_clusterer_fit(m->clusterer, m->accountant, m->dataset, partition_share, progress_of_fit,
                               progress) ||
           dpmix_mixture_new(&m->mixture, m->clusterer, m->generator) ||
           dpmix_mixture_fit(m->mixture, m->accountant, m->dataset, 1.0, progress_of_fit, progress);
}

int model_fit(struct model *m, const struct model_plan *plan, const struct idx_records *records, int classes,
              double top, struct progress *progress)
{
    const double bottom = 0.0, started = clock_seconds();
    int32_t *labels = classes > 0 ? calloc(records->n + 1, sizeof(*labels)) : NULL;
    *m = (struct model){.parts = 1};
    if (classes > 0 && !labels)
        return complain("out of memory");
    for (size_t i = 0; labels && i < records->n; i++)
        labels[i] = records->labels[i];
    int failed = dpmix_accountant_new(&m->accountant, plan->epsilon, plan->delta, plan->adjacency) ||
                 dpmix_dataset_new_u8(&m->dataset, records->bytes, records->n, records->columns, labels,
                                      classes, &bottom, &top, 1, DPMIX_STORAGE_COPY) ||
                 dpmix_generator_new(&m->generator, plan->generator, plan->options);
    free(labels);
    if (!failed)
        failed = plan->partition ? fit_mixture(m, plan, progress)
                                 : dpmix_generator_fit(m->generator, m->accountant, m->dataset, 1.0,
                                                       progress_of_fit, progress);
    progress_close(progress);
    if (failed || dpmix_accountant_spent(m->accountant, &m->epsilon) != DPMIX_OK)
        return complain(dpmix_last_error());
    if (m->mixture)
        m->parts = dpmix_mixture_parts(m->mixture);
    m->seconds = clock_seconds() - started;
    return 0;
}

void model_close(struct model *m)
{
    dpmix_mixture_free(m->mixture);
    dpmix_generator_free(m->generator);
    dpmix_clusterer_free(m->clusterer);
    dpmix_accountant_free(m->accountant);
    dpmix_dataset_free(m->dataset);
    *m = (struct model){0};
}

static int sample(const struct model *m, float *rows, int32_t *labels, size_t first, size_t n, size_t columns)
{
    return m->mixture ? dpmix_mixture_sample(m->mixture, rows, labels, first, n, columns, &seed)
                      : dpmix_generator_sample(m->generator, rows, labels, first, n, columns, &seed);
}

/* A generator says that it makes no labels when it is asked for one. */
static int makes_labels(const struct model *m, float *rows, int32_t *labels, size_t columns)
{
    return sample(m, rows, labels, 0, 1, columns) != DPMIX_ERR_UNSUPPORTED;
}

int model_sample(struct idx_records *records, const struct model *m, size_t n, size_t columns, int labelled)
{
    float *rows = calloc(PIECE * columns, sizeof(*rows));
    int32_t *labels = calloc(PIECE, sizeof(*labels));
    *records = (struct idx_records){.n = n, .columns = columns, .bytes = calloc(n + 1, columns)};
    int failed = !rows || !labels || !records->bytes ? complain("out of memory") : 0;
    if (failed == 0 && labelled && makes_labels(m, rows, labels, columns)) {
        records->labels = calloc(n + 1, 1);
        failed = records->labels ? 0 : complain("out of memory");
    }
    for (size_t first = 0; failed == 0 && first < n; first += PIECE) {
        const size_t piece = n - first < PIECE ? n - first : PIECE;
        if (sample(m, rows, records->labels ? labels : NULL, first, piece, columns) != DPMIX_OK)
            failed = complain(dpmix_last_error());
        for (size_t i = 0; i < piece * columns; i++)
            records->bytes[first * columns + i] = byte_of_value(rows[i]);
        for (size_t i = 0; records->labels && i < piece; i++)
            records->labels[first + i] = (uint8_t)labels[i];
    }
    free(rows);
    free(labels);
    if (failed != 0)
        idx_records_close(records);
    return failed;
}

int model_answer(double *fractions, const struct model *m, const struct queries *q, size_t n)
{
    const int failed = m->mixture
                           ? dpmix_mixture_count(m->mixture, fractions, q->offsets, q->n, q->columns,
                                                 q->lower, q->upper, q->n_predicates, n, &seed)
                           : dpmix_generator_count(m->generator, fractions, q->offsets, q->n, q->columns,
                                                   q->lower, q->upper, q->n_predicates, n, &seed);
    return failed ? complain(dpmix_last_error()) : 0;
}
