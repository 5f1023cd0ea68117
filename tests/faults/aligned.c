/* SPDX-License-Identifier: BSD-3-Clause */
/* To be preloaded: aligned_alloc, by which libdpmix has its memory and Python has none, fails when told to.
 */
#define _GNU_SOURCE
#include "aligned.h"

#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>

static long countdown; /* 0: no failure is planned */

void aligned_fail_after(long nth)
{
    countdown = nth;
}

long aligned_left(void)
{
    return countdown;
}

void *aligned_alloc(size_t alignment, size_t n)
{
    static void *found;
    void *(*real)(size_t, size_t);
    if (!found)
        found = dlsym(RTLD_NEXT, "aligned_alloc");
    memcpy(&real, &found, sizeof found);
    if (countdown > 0 && --countdown == 0)
        return NULL;
    return real(alignment, n);
}
