/* SPDX-License-Identifier: BSD-3-Clause */
/* Memory: sizes are checked products, and what may have held private rows,
 * keys or noise is wiped before it goes back. */
#ifndef DPM_BASE_ALLOC_H
#define DPM_BASE_ALLOC_H

#include <stddef.h>
#include <stdint.h>

/* Zeroed memory for n things of `size` bytes, aligned to 64 bytes (a cache line and an
 * AVX-512 register). NULL, with the message set, when it is out or n * size overflows.
 * n == 0 gives a block that may be freed. */
void *dpm_alloc(size_t n, size_t size);

/* A copy of a string; NULL as above. */
char *dpm_alloc_string(const char *string);

/* A number of the owner's own beside the block, 0 at first: what tells handles of one type from those of
 * another. It goes when the block is freed. */
void dpm_alloc_set_kind(void *memory, int kind);
int dpm_alloc_kind(const void *memory);

/* Frees; NULL is fine. */
void dpm_free(void *memory);

/* Wipes in a way that a compiler does not remove, then frees; NULL is fine. The size is remembered
 * by the block. */
void dpm_free_wiped(void *memory);

/* Writes zeros in a way that a compiler does not remove. */
void dpm_wipe(void *memory, size_t size);

/* a * b in *product, or 0 when it overflows. */
int dpm_size_mul(size_t *product, size_t a, size_t b);

/* For tests: the nth allocation from now fails, and with `for_ever` every later one; 0 switches it off. */
void dpm_alloc_fail_after(uint64_t nth, int for_ever);

/* For tests: blocks that are allocated and not freed. */
int64_t dpm_alloc_live(void);

/* Bytes that the calling thread has allocated less those that it has freed, headers included: as they are
 * now, and the most since the thread's last dpm_alloc_watch. What a thread frees of another's counts against
 * it, so both may be negative; differences are what they are for. */
int64_t dpm_alloc_watch(void);
int64_t dpm_alloc_peak(void);

#endif
