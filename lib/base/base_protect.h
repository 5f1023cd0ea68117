/* SPDX-License-Identifier: BSD-3-Clause */
/* Pages that stay out of core dumps and out of the swap. The contract is that of dpmix/memory.h. */
#ifndef DPM_BASE_PROTECT_H
#define DPM_BASE_PROTECT_H

#include <stddef.h>

/* DPMIX_MEMORY_* for the blocks to come, tried on one page first. */
int dpm_protect_set(int flags);
int dpm_protect_flags(void);

/* What begins and ends a page. */
size_t dpm_protect_page(void);

/* Protects whole pages; 0, and nothing is changed, when that fails. */
int dpm_protect_pages(void *memory, size_t size, int flags);

/* Before they are given back, for others will use them. */
void dpm_unprotect_pages(void *memory, size_t size, int flags);

/* Asks for large pages, where the system has them, before the memory is first written: rows are read in no
 * order, and with small pages the processor waits longer for where a row is than for the row. */
void dpm_protect_advise(void *memory, size_t size);

#endif
