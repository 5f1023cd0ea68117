/* SPDX-License-Identifier: BSD-3-Clause */
#include "queries.h"

#include "splitmix.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { LONGEST = 4 };

static void draw_columns(size_t *columns, size_t length, size_t n_columns, uint64_t *state)
{
    for (size_t i = 0; i < length; i++) {
        size_t j;
        do {
            columns[i] = splitmix_below(state, n_columns);
            for (j = 0; j < i && columns[j] != columns[i]; j++)
                continue;
        } while (j < i);
    }
}

int queries_draw(struct queries *q, size_t n, size_t columns, double threshold)
{
    uint64_t state = 1;
    const size_t longest = columns < LONGEST ? columns : LONGEST;
    *q = (struct queries){.n = n,
                          .offsets = calloc(n + 1, sizeof(size_t)),
                          .columns = calloc(n * LONGEST, sizeof(size_t)),
                          .lower = calloc(n * LONGEST, sizeof(double)),
                          .upper = calloc(n * LONGEST, sizeof(double))};
    if (!q->offsets || !q->columns || !q->lower || !q->upper) {
        queries_close(q);
        fputs("out of memory\n", stderr);
        return -1;
    }
    for (size_t i = 0; i < n; i++) {
        const size_t length = 1 + splitmix_below(&state, longest);
        draw_columns(q->columns + q->n_predicates, length, columns, &state);
        q->n_predicates += length;
        q->offsets[i + 1] = q->n_predicates;
    }
    for (size_t i = 0; i < q->n_predicates; i++) {
        q->lower[i] = threshold;
        q->upper[i] = INFINITY;
    }
    return 0;
}

void queries_close(struct queries *q)
{
    free(q->offsets);
    free(q->columns);
    free(q->lower);
    free(q->upper);
    *q = (struct queries){0};
}

static int holds(const struct queries *q, size_t query, const uint8_t *row)
{
    for (size_t i = q->offsets[query]; i < q->offsets[query + 1]; i++)
        if (row[q->columns[i]] < q->lower[i] || row[q->columns[i]] > q->upper[i])
            return 0;
    return 1;
}

void queries_answer(double *fractions, const struct queries *q, const uint8_t *rows, size_t n_rows,
                    size_t columns)
{
    for (size_t i = 0; i < q->n; i++)
        fractions[i] = 0.0;
    for (size_t row = 0; row < n_rows; row++)
        for (size_t i = 0; i < q->n; i++)
            fractions[i] += holds(q, i, rows + row * columns);
    for (size_t i = 0; i < q->n; i++)
        fractions[i] /= (double)n_rows;
}

double queries_error(const double *answers, const double *truth, size_t n, double bound)
{
    double sum = 0.0;
    for (size_t i = 0; i < n; i++)
        sum += fabs((answers ? answers[i] : 0.0) - truth[i]) / fmax(truth[i], bound);
    return sum / (double)n;
}
