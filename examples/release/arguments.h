/* SPDX-License-Identifier: BSD-3-Clause */
/* The command line of dpmix-release. */
#ifndef RELEASE_ARGUMENTS_H
#define RELEASE_ARGUMENTS_H

#include <dpmix/options.h>
#include <stdint.h>

struct release_arguments {
    const char *csv, *sqlite, *table; /* either the first, or the other two */
    const char *schema, *ledger, *dataset, *output;
    const char *test; /* NULL: no real records are set aside for the comparison */
    double epsilon, delta, share, partition_share;
    int64_t adjacency, mode, partition, generator; /* DPMIX_*; a partition of 0: none, -1: not said */
    int64_t records, rows;
    int yes, plan_only, compare;
    dpmix_options *options;
};

/* Returns COMMAND_RUN, COMMAND_HELP or COMMAND_BAD. The strings are those of argv. The caller closes in every
 * case. */
int release_arguments_read(struct release_arguments *arguments, int argc, char **argv);
void release_arguments_close(struct release_arguments *arguments);

/* "add/remove" and so on. */
const char *release_adjacency_name(int64_t adjacency);

#endif
