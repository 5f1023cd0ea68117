/* SPDX-License-Identifier: BSD-3-Clause */
/* Ctrl-C, a closed terminal or a polite kill: work is broken off between two steps. A pipe that nobody reads,
 * or a file that may not grow, ends nothing. */
#ifndef RELEASE_INTERRUPT_H
#define RELEASE_INTERRUPT_H

#include <stdint.h>

/* From here on such a signal does not end the program; it is only noted. */
void interrupt_watch(void);
int interrupt_seen(void);

/* A dpmix_progress_fn; `user` is a struct progress. */
int interrupt_progress(void *user, int phase, uint64_t done, uint64_t total, double epsilon_spent);

#endif
