/* SPDX-License-Identifier: BSD-3-Clause */
/* Samples a mixture into files: records, their labels where the model has them, soft ones
 * where they are asked for, and a sheet of pictures. */
#ifndef EXAMPLE_SYNTHESIS_H
#define EXAMPLE_SYNTHESIS_H

#include "idx_read.h"
#include "output_files.h"
#include "progress.h"

#include <dpmix/mixture.h>
#include <dpmix/options.h>

/* What the teacher or the sampling would refuse behind the debits is refused before: 0, or -1 after a line on
 * stderr. makes_labels: whether the models of a fit without a teacher do. */
int synthesis_check(const char *program, const dpmix_options *options, const struct idx_shape *shape,
                    int taught, int makes_labels);

/* Returns 0, or -1 after a line on stderr. */
int synthesis_write(const dpmix_mixture *mixture, const struct idx_shape *shape, size_t records,
                    const struct output_files *files, struct progress *progress);

/* Whether a record is a picture of a size that fits on a sheet. */
int synthesis_has_sheet(const struct idx_shape *shape);

#endif
