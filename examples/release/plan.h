/* SPDX-License-Identifier: BSD-3-Clause */
/* What a release will spend on what, and what it takes of time and memory, before a row is read. */
#ifndef RELEASE_PLAN_H
#define RELEASE_PLAN_H

#include "arguments.h"

#include <dpmix/dpmix.h>

enum { PLAN_STEPS = 2 };

struct plan_step {
    const char *what;
    double share;   /* of the epsilon that is left when it begins */
    double epsilon; /* spent after it */
    double noise;   /* multiplier of the query that runs most often */
    double seconds, bytes;
};

struct plan {
    int partition;       /* DPMIX_CLUSTERER_*, or 0 */
    double spent_before; /* of the ledger */
    int n;
    struct plan_step steps[PLAN_STEPS]; /* the partition where there is one, then the models */
};

/* Makes a plan and prints it on the way. Returns 0, or -1 after a line on stderr. */
int plan_make(struct plan *plan, const struct release_arguments *arguments, const dpmix_schema *schema,
              const dpmix_accountant *accountant);

/* Asks on the terminal; whether the answer is yes. */
int plan_agreed(void);

#endif
