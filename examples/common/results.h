/* SPDX-License-Identifier: BSD-3-Clause */
/* The table that a paper's program prints. */
#ifndef EXAMPLE_RESULTS_H
#define EXAMPLE_RESULTS_H

#include "judge.h"

struct result {
    const char *records;         /* what was judged, such as "real" */
    double epsilon;              /* INFINITY: not private */
    int parts;                   /* 0: does not apply */
    double query_error, seconds; /* NAN: not known; so for the judgement */
    struct judgement judgement;
};

/* A result of which nothing is known. */
struct result result_of(const char *records, double epsilon, int parts);

void results_head(void);
void results_row(const struct result *result);

#endif
