/* SPDX-License-Identifier: BSD-3-Clause */
/* For tests that let one allocation after the other fail until there are no more. */
#ifndef DPM_TESTS_TINY_PENDING_H
#define DPM_TESTS_TINY_PENDING_H

#include "base_alloc.h"

/* Whether the single failure that dpm_alloc_fail_after(nth, 0) planned has not come yet. */
static inline int tiny_failure_pending(uint64_t nth)
{
    for (uint64_t i = 0; i < nth; i++) {
        void *memory = dpm_alloc(1, 1);
        dpm_free(memory);
        if (!memory)
            return 1;
    }
    return 0;
}

#endif
