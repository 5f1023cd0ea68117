/* SPDX-License-Identifier: BSD-3-Clause */
/* Real records against synthetic ones. NOT PRIVATE: what is found tells about the real records without noise.
 */
#ifndef RELEASE_COMPARE_H
#define RELEASE_COMPARE_H

#include "bins.h"
#include "common/progress.h"

#include <stddef.h>

enum { COMPARE_QUERIES = 1000 };

/* Of a classifier that was trained on some records and tested on real ones. */
struct scores {
    double accuracy;
    double area; /* under the ROC curve, mean over the classes, each against the others; NAN: not known */
};

struct comparison {
    size_t n;     /* columns */
    double *tvd1; /* total variation distance of each column */
    double *tvd2; /* n x n, of each pair; 0 on the diagonal */
    double mean_tvd1, mean_tvd2;
    double query_error, query_relative_error;
    int scored;                /* there is a label, and records to learn from */
    int set_aside;             /* the test records came from a file of their own */
    size_t n_training, n_test; /* real records */
    struct scores synthetic, real;
};

/* `test` may be NULL: then half of the real records train the classifier that is compared with, and the other
 * half test both. The caller closes in every case. Returns 0, or -1 after a line on stderr; when interrupted
 * without one. */
int compare(struct comparison *comparison, const struct bins *bins, const struct binned *synthetic,
            const struct binned *real, const struct binned *test, struct progress *progress);
void comparison_close(struct comparison *comparison);

#endif
