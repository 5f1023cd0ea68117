/* SPDX-License-Identifier: BSD-3-Clause */
/* Progress of long work on stderr: one line that is rewritten on a terminal, else a line every ten
 * percent. */
#ifndef EXAMPLE_PROGRESS_H
#define EXAMPLE_PROGRESS_H

#include <stdint.h>

struct progress {
    const char *work; /* what goes on now; NULL between two works */
    double started, drawn;
    int shown; /* percent, or tenths of the work where there is no terminal */
    int terminal;
};

void progress_open(struct progress *progress);

/* `work` names it, for example "sampling"; a static string. */
void progress_update(struct progress *progress, const char *work, uint64_t done, uint64_t total);

/* Ends a line that was left open when the work failed. */
void progress_close(struct progress *progress);

/* A dpmix_progress_fn; `user` is a struct progress. */
int progress_of_fit(void *user, int phase, uint64_t done, uint64_t total, double epsilon_spent);

#endif
