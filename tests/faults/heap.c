/* SPDX-License-Identifier: BSD-3-Clause */
#define _GNU_SOURCE
#include "heap.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

/* Before the C library's functions are found, dlsym itself may ask for memory. */
enum { EARLY = 65536, ALIGN = 16 };

static _Alignas(ALIGN) unsigned char early[EARLY];
static size_t early_used;
static atomic_long countdown; /* 0: no failure is planned */
static atomic_int fail_for_ever;

void heap_fail_after(long nth, int for_ever)
{
    atomic_store(&fail_for_ever, for_ever);
    atomic_store(&countdown, nth);
}

int heap_pending(void)
{
    return atomic_load(&countdown) > 0 && !atomic_load(&fail_for_ever);
}

static int fails(void)
{
    long left = atomic_load(&countdown);
    if (left <= 0)
        return 0;
    if (left > 1 || !atomic_load(&fail_for_ever))
        atomic_store(&countdown, left - 1);
    if (left == 1)
        errno = ENOMEM;
    return left == 1;
}

static void *take_early(size_t n)
{
    size_t at = early_used;
    early_used += (n + ALIGN - 1) / ALIGN * ALIGN;
    return early_used <= EARLY ? early + at : NULL;
}

/* The next function of the name; NULL while it is being looked for. */
#define REAL(name, pointer)                                                                                  \
    do {                                                                                                     \
        static void *found;                                                                                  \
        static int searching;                                                                                \
        if (!found && !searching) {                                                                          \
            searching = 1;                                                                                   \
            found = dlsym(RTLD_NEXT, #name);                                                                 \
            searching = 0;                                                                                   \
        }                                                                                                    \
        memcpy(&(pointer), &found, sizeof found);                                                            \
    } while (0)

void *malloc(size_t n)
{
    void *(*real)(size_t);
    REAL(malloc, real);
    return !real ? take_early(n) : fails() ? NULL : real(n);
}

void *calloc(size_t n, size_t size)
{
    void *(*real)(size_t, size_t);
    REAL(calloc, real);
    return !real ? take_early(n * size) : fails() ? NULL : real(n, size);
}

void *realloc(void *old, size_t n)
{
    void *(*real)(void *, size_t);
    REAL(realloc, real);
    return fails() ? NULL : real(old, n);
}

void *aligned_alloc(size_t alignment, size_t n)
{
    void *(*real)(size_t, size_t);
    REAL(aligned_alloc, real);
    return fails() ? NULL : real(alignment, n);
}

void free(void *memory)
{
    void (*real)(void *);
    unsigned char *byte = memory;
    REAL(free, real);
    if (real && (byte < early || byte >= early + EARLY))
        real(memory);
}
