/* SPDX-License-Identifier: BSD-3-Clause */
/* The command line of release_images. */
#ifndef EXAMPLE_ARGUMENTS_H
#define EXAMPLE_ARGUMENTS_H

#include "command_line.h"

#include <dpmix/options.h>
#include <stdint.h>

struct arguments {
    const char *images, *labels;           /* labels may be NULL where no part of the model needs them */
    const char *test_images, *test_labels; /* both or neither */
    const char *output, *json;             /* json may be NULL */
    double epsilon, delta;
    double share; /* of epsilon, for the models; 1: no teacher */
    int64_t adjacency, partition, generator; /* DPMIX_ADJACENCY_*, DPMIX_CLUSTERER_* or 0, DPMIX_GENERATOR_* */
    int64_t classes, records;
    dpmix_options *options;
};

/* Returns COMMAND_RUN, COMMAND_HELP or COMMAND_BAD. The strings are those of argv. The caller closes in every
 * case. */
int arguments_read(struct arguments *arguments, int argc, char **argv);
void arguments_close(struct arguments *arguments);

#endif
