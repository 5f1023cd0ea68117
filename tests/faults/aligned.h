/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DPM_TESTS_ALIGNED_H
#define DPM_TESTS_ALIGNED_H

/* The nth call from now fails; 0: none. */
void aligned_fail_after(long nth);

/* How many calls it is to the failure; 0 when it has come. */
long aligned_left(void);

#endif
