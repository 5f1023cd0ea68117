/* SPDX-License-Identifier: BSD-3-Clause */
/* Every column in at most 256 bins that the schema alone determines: a bin for each value, "other" and null
 * where values are listed, 16 of equal width (in the column's scale) where there are more. */
#ifndef RELEASE_BINS_H
#define RELEASE_BINS_H

#include <dpmix/schema.h>
#include <stddef.h>
#include <stdint.h>

enum { BINS_OF_NUMBERS = 16, BINS_MOST = 256 };

struct bins_column {
    size_t column;          /* of the schema */
    size_t n;               /* bins */
    int ordered;            /* neighbouring bins are neighbours, but for null */
    int has_null;           /* the last bin is null */
    int listed;             /* bins are declared values, else intervals "FROM to TO" or single numbers */
    size_t first, n_places; /* in an encoded row; none for the label */
    char **labels;          /* n */
};

/* All columns but the one that says whose record it is. */
struct bins {
    const dpmix_schema *schema;
    size_t n_columns, label; /* the label's place among the columns; n_columns without one */
    struct bins_column *columns;
};

/* Returns 0, or -1 after a line on stderr. The schema must outlive the bins. The caller closes in every case.
 */
int bins_open(struct bins *bins, const dpmix_schema *schema);
void bins_close(struct bins *bins);

/* Records by their bins and, where wanted, as bytes that a classifier can learn from. */
struct binned {
    size_t n, capacity, n_columns, n_features;
    uint8_t *codes;    /* n x n_columns */
    uint8_t *features; /* n x n_features: encoded rows, without the label; NULL */
    float *row;
};

int binned_open(struct binned *records, const struct bins *bins, int with_features);
void binned_close(struct binned *records);

/* Adds a record of texts, in the order of the schema. */
int binned_add(struct binned *records, const struct bins *bins, const char *const *cells);

/* The parts of the records in the bins of a column: n numbers whose sum is 1, or 0 without records. */
void binned_fractions(double *fractions, const struct binned *records, const struct bins *bins,
                      size_t column);

#endif
