/* SPDX-License-Identifier: BSD-3-Clause */
/* The C library's heap, which fails when told to: for all libraries of a program that is linked with heap.c.
 * Not under sanitizers, which have their own. */
#ifndef DPM_TESTS_HEAP_H
#define DPM_TESTS_HEAP_H

/* The nth call for memory from now fails, and with `for_ever` all that follow; 0: none. */
void heap_fail_after(long nth, int for_ever);

/* Whether a single failure has not come yet. */
int heap_pending(void);

#endif
