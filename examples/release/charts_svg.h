/* SPDX-License-Identifier: BSD-3-Clause */
/* Charts as SVG inside an HTML page; the page's style sheet has the colours. */
#ifndef RELEASE_CHARTS_SVG_H
#define RELEASE_CHARTS_SVG_H

#include "bins.h"

#include <stdio.h>

/* Text with what HTML reads as markup written as entities. */
void html_text(FILE *file, const char *text);

/* The parts of records in the bins of a column: synthetic ones, beside real ones where `real` is not NULL.
 * Bars stand up for numbers in many bins, else they lie and have a name each; of more than 20 values without
 * an order the 20 that are most frequent among the synthetic records are shown. */
void chart_column(FILE *file, const struct bins_column *column, const char *name, const double *synthetic,
                  const double *real);

/* A symmetric n x n matrix of numbers from 0 on; its diagonal is left out. */
void chart_matrix(FILE *file, const double *values, size_t n, const char *const *names);

#endif
