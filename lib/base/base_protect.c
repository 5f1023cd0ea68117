/* SPDX-License-Identifier: BSD-3-Clause */
#define _DEFAULT_SOURCE 1 /* madvise() and MAP_ANONYMOUS, which POSIX does not have */

#include <dpmix/memory.h>

#include "base_fail.h"
#include "base_protect.h"

#include <stdatomic.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

static atomic_int protection;

int dpm_protect_flags(void)
{
    return atomic_load(&protection);
}

size_t dpm_protect_page(void)
{
    long size = sysconf(_SC_PAGESIZE);
    return size > 0 ? (size_t)size : 4096;
}

void dpm_protect_advise(void *memory, size_t size)
{
#if defined(MADV_HUGEPAGE)
    size_t page = dpm_protect_page(), before = (page - (uintptr_t)memory % page) % page;
    if (size > before)
        (void)madvise((unsigned char *)memory + before, (size - before) / page * page, MADV_HUGEPAGE);
#else
    (void)memory, (void)size;
#endif
}

/* Both are 0 on success. */
static int set_dumped(void *memory, size_t size, int dumped)
{
#if defined(MADV_DONTDUMP) && defined(MADV_DODUMP)
    return madvise(memory, size, dumped ? MADV_DODUMP : MADV_DONTDUMP);
#else
    (void)memory, (void)size, (void)dumped;
    return -1;
#endif
}

int dpm_protect_pages(void *memory, size_t size, int flags)
{
    if (flags & DPMIX_MEMORY_NO_DUMP && set_dumped(memory, size, 0) != 0)
        return 0;
    if (flags & DPMIX_MEMORY_LOCK && mlock(memory, size) != 0) {
        dpm_unprotect_pages(memory, size, flags & DPMIX_MEMORY_NO_DUMP);
        return 0;
    }
    return 1;
}

void dpm_unprotect_pages(void *memory, size_t size, int flags)
{
    if (flags & DPMIX_MEMORY_LOCK)
        (void)munlock(memory, size);
    if (flags & DPMIX_MEMORY_NO_DUMP)
        (void)set_dumped(memory, size, 1);
}

int dpm_protect_set(int flags)
{
    static const int all[] = {DPMIX_MEMORY_NO_DUMP, DPMIX_MEMORY_LOCK};
    static const int status[] = {DPMIX_ERR_UNSUPPORTED, DPMIX_ERR_NOMEM};
    static const char *const message[] = {"flags: this system cannot keep memory out of core dumps",
                                          "flags: no memory may be locked (see ulimit -l)"};
    if (flags & ~(DPMIX_MEMORY_NO_DUMP | DPMIX_MEMORY_LOCK))
        return dpm_fail(DPMIX_ERR_ARG, "flags: not a sum of DPMIX_MEMORY_*");
    size_t size = dpm_protect_page();
    void *page = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (page == MAP_FAILED)
        return dpm_fail(DPMIX_ERR_NOMEM, "out of memory");
    int failed = -1;
    for (int i = 0; failed < 0 && i < 2; i++)
        if (flags & all[i]) {
            failed = dpm_protect_pages(page, size, all[i]) ? -1 : i;
            if (failed < 0)
                dpm_unprotect_pages(page, size, all[i]);
        }
    munmap(page, size);
    if (failed >= 0)
        return dpm_fail(status[failed], "%s", message[failed]);
    atomic_store(&protection, flags);
    return DPMIX_OK;
}
