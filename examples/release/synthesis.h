/* SPDX-License-Identifier: BSD-3-Clause */
/* Samples a fitted mixture into a CSV file and into bins. */
#ifndef RELEASE_SYNTHESIS_H
#define RELEASE_SYNTHESIS_H

#include "bins.h"
#include "common/progress.h"

#include <dpmix/dpmix.h>

/* Opens and fills `records`, which the caller closes in every case. The column that says whose record it is
 * has no place in the file. `generator` is the kind of the mixture's models. Returns 0, or -1 after a line on
 * stderr; when interrupted without one. */
int release_synthesise(struct binned *records, const struct bins *bins, int with_features, const char *path,
                       const dpmix_mixture *mixture, int generator, size_t n, struct progress *progress);

#endif
