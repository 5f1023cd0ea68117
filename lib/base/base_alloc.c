/* SPDX-License-Identifier: BSD-3-Clause */
#include "base_alloc.h"
#include "base_fail.h"
#include "base_protect.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

enum { ALIGNMENT = 64 };  /* the header in front of a block takes one line, so blocks stay aligned */
enum { LARGE = 1 << 22 }; /* blocks from here on may well have large pages */

struct header {
    size_t size;
    int flags; /* DPMIX_MEMORY_*, of its pages */
    int kind;  /* the owner's */
};

static atomic_uint_fast64_t countdown; /* 0: no failure is planned */
static atomic_int fail_for_ever;
static atomic_int_fast64_t live;

/* Of the calling thread: a fit's memory comes and goes on one, so other fits do not disturb the count. */
static _Thread_local int64_t bytes_held, bytes_peak;

static void count_bytes(int64_t bytes)
{
    bytes_held += bytes;
    if (bytes_held > bytes_peak)
        bytes_peak = bytes_held;
}

/* Of a block; its size is what may be wiped. */
static struct header header_of(const void *memory)
{
    struct header header;
    memcpy(&header, (const unsigned char *)memory - ALIGNMENT, sizeof header);
    return header;
}

void dpm_alloc_set_kind(void *memory, int kind)
{
    struct header header = header_of(memory);
    header.kind = kind;
    memcpy((unsigned char *)memory - ALIGNMENT, &header, sizeof header);
}

int dpm_alloc_kind(const void *memory)
{
    return header_of(memory).kind;
}

static int planned_failure(void)
{
    uint_fast64_t left = atomic_load(&countdown);
    while (left != 0) {
        if (left == 1 && atomic_load(&fail_for_ever))
            return 1;
        if (atomic_compare_exchange_weak(&countdown, &left, left - 1))
            return left == 1;
    }
    return 0;
}

int dpm_size_mul(size_t *product, size_t a, size_t b)
{
    if (b != 0 && a > SIZE_MAX / b)
        return 0;
    *product = a * b;
    return 1;
}

void *dpm_alloc(size_t n, size_t size)
{
    int flags = dpm_protect_flags();
    size_t bytes, unit = flags ? dpm_protect_page() : (size_t)ALIGNMENT;
    if (!dpm_size_mul(&bytes, n, size) || bytes > SIZE_MAX - 2 * unit || planned_failure()) {
        dpm_fail(DPMIX_ERR_NOMEM, "out of memory");
        return NULL;
    }
    size_t padded = (bytes + ALIGNMENT + unit - 1) / unit * unit;
    unsigned char *whole = aligned_alloc(unit, padded);
    if (whole && flags && !dpm_protect_pages(whole, padded, flags)) {
        free(whole);
        whole = NULL;
    }
    if (!whole) {
        dpm_fail(DPMIX_ERR_NOMEM, "out of memory");
        return NULL;
    }
    if (padded >= LARGE)
        dpm_protect_advise(whole, padded);
    memset(whole, 0, padded);
    memcpy(whole, &(struct header){padded - ALIGNMENT, flags, 0}, sizeof(struct header));
    atomic_fetch_add(&live, 1);
    count_bytes((int64_t)padded);
    return whole + ALIGNMENT;
}

char *dpm_alloc_string(const char *string)
{
    size_t size = strlen(string) + 1;
    char *copy = dpm_alloc(size, 1);
    if (copy)
        memcpy(copy, string, size);
    return copy;
}

void dpm_free(void *memory)
{
    if (!memory)
        return;
    struct header header = header_of(memory);
    unsigned char *whole = (unsigned char *)memory - ALIGNMENT;
    size_t padded = header.size + ALIGNMENT;
    atomic_fetch_sub(&live, 1);
    count_bytes(-(int64_t)padded);
    dpm_wipe(whole, sizeof header); /* what was freed is of no kind */
    if (header.flags)
        dpm_unprotect_pages(whole, padded, header.flags);
    free(whole);
}

void dpm_wipe(void *memory, size_t size)
{
    memset(memory, 0, size);
#if defined(__GNUC__) || defined(__clang__)
    __asm__ __volatile__("" : : "r"(memory) : "memory"); /* the stores are seen, so they stay */
#else
    volatile unsigned char *byte = memory;
    while (size--)
        *byte++ = 0;
#endif
}

void dpm_free_wiped(void *memory)
{
    if (!memory)
        return;
    dpm_wipe(memory, header_of(memory).size);
    dpm_free(memory);
}

void dpm_alloc_fail_after(uint64_t nth, int for_ever)
{
    atomic_store(&fail_for_ever, for_ever);
    atomic_store(&countdown, nth);
}

int64_t dpm_alloc_live(void)
{
    return atomic_load(&live);
}

int64_t dpm_alloc_watch(void)
{
    bytes_peak = bytes_held;
    return bytes_held;
}

int64_t dpm_alloc_peak(void)
{
    return bytes_peak;
}
