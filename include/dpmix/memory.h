/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * Where private numbers may end up beside the memory of the process: in core dumps and in the swap.
 *
 * The library wipes what has held private rows, keys or noise before it gives the memory back. This is about the
 * time before that. Both protections are of the process, and off at first.
 */
#ifndef DPMIX_MEMORY_H
#define DPMIX_MEMORY_H

#include <dpmix/status.h>

#ifdef __cplusplus
extern "C" {
#endif

#define DPMIX_MEMORY_NO_DUMP 1 /**< Core dumps leave the library's memory out. Linux. */
#define DPMIX_MEMORY_LOCK 2    /**< The library's memory is never swapped out. It counts against the limit of
                                    locked memory (`ulimit -l`, RLIMIT_MEMLOCK); where that is reached, calls
                                    fail with DPMIX_ERR_NOMEM, as they do where there is no memory. */

/** Protects all memory that the library allocates from now on, in all threads: every block gets pages of its
 * own. So call it first, before there are handles. What it does not reach: rows that the caller keeps
 * (DPMIX_STORAGE_BORROW, and the arrays that a constructor copies), files, stacks, which hold a key and a few
 * numbers for the time of a call, and what hibernation or a virtual machine's snapshot writes.
 * @param flags  a sum of DPMIX_MEMORY_*; 0 ends it for blocks to come.
 * @return DPMIX_ERR_UNSUPPORTED where the system has no such thing, DPMIX_ERR_NOMEM where not one page can be
 *         locked, DPMIX_ERR_ARG for other flags; nothing is changed then. Any thread. */
DPMIX_API DPMIX_CHECK int dpmix_memory_protect(int flags);

#ifdef __cplusplus
}
#endif

#endif
