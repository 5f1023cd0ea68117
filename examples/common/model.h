/* SPDX-License-Identifier: BSD-3-Clause */
/* What a paper's program trains: one generator, or a partition and a generator per part, with a budget of its
 * own. */
#ifndef EXAMPLE_MODEL_H
#define EXAMPLE_MODEL_H

#include "idx_read.h"
#include "progress.h"
#include "queries.h"

#include <dpmix/dpmix.h>

struct model_plan {
    double epsilon, delta;
    int adjacency, partition, generator; /* DPMIX_*; a partition of 0: one generator of all records */
    const dpmix_options *options;
};

struct model {
    dpmix_accountant *accountant;
    dpmix_dataset *dataset;
    dpmix_clusterer *clusterer;
    dpmix_generator *generator;
    dpmix_mixture *mixture; /* NULL where there is one generator */
    double epsilon, seconds;
    int parts;
};

/* Records whose values lie in [0, top], with labels below `classes` or, at 0, without labels. The functions
 * return 0, or -1 after a line on stderr. The caller closes the model in every case. */
int model_fit(struct model *model, const struct model_plan *plan, const struct idx_records *records,
              int classes, double top, struct progress *progress);
void model_close(struct model *model);

/* The first n records of the model; without labels where the model makes none, or labelled is 0. The caller
 * closes them. */
int model_sample(struct idx_records *records, const struct model *model, size_t n, size_t columns,
                 int labelled);

/* The fractions of the same records that queries hold of. */
int model_answer(double *fractions, const struct model *model, const struct queries *queries, size_t n);

#endif
