/* SPDX-License-Identifier: BSD-3-Clause */
/* Random counting queries: conjunctions of one to four columns that are above a threshold, such as "visited
 * these places" or "these pixels are lit". */
#ifndef EXAMPLE_QUERIES_H
#define EXAMPLE_QUERIES_H

#include <stddef.h>
#include <stdint.h>

struct queries {
    size_t n, n_predicates;
    size_t *offsets; /* n + 1 */
    size_t *columns; /* n_predicates; so are the intervals' ends */
    double *lower, *upper;
};

/* The length is uniform in 1, ..., 4 (fewer where there are fewer columns), and so are the columns, which
 * differ within a query; the same for the same numbers. Returns 0, or -1 after a line on stderr. */
int queries_draw(struct queries *queries, size_t n, size_t columns, double threshold);
void queries_close(struct queries *queries);

/* The fraction of the rows, n_rows x columns, that each query holds of. There must be rows. */
void queries_answer(double *fractions, const struct queries *queries, const uint8_t *rows, size_t n_rows,
                    size_t columns);

/* The mean of |answer - truth| / max(truth, bound) over the queries; answers NULL: all are 0. */
double queries_error(const double *answers, const double *truth, size_t n, double bound);

#endif
