/* SPDX-License-Identifier: BSD-3-Clause */
/* Samples a mixture into files: records, their labels where the model has them, soft ones
 * where they are asked for, and a sheet of pictures. */
#ifndef EXAMPLE_SYNTHESIS_H
#define EXAMPLE_SYNTHESIS_H

#include "idx_read.h"
#include "output_files.h"
#include "progress.h"

#include <dpmix/mixture.h>

/* Returns 0, or -1 after a line on stderr. */
int synthesis_write(const dpmix_mixture *mixture, const struct idx_shape *shape, size_t records,
                    const struct output_files *files, struct progress *progress);

/* Whether a record is a picture of a size that fits on a sheet. */
int synthesis_has_sheet(const struct idx_shape *shape);

#endif
