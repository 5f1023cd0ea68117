/* SPDX-License-Identifier: BSD-3-Clause */
/* What a loader leaves behind in the process: private bytes in memory that it frees, open files, and the
 * memory that it held. A program that includes this is linked with -Wl,--wrap=free. */
#ifndef DPM_TESTS_TINY_TRACES_H
#define DPM_TESTS_TINY_TRACES_H

#include <check.h>

#include <malloc.h>
#include <stdint.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

/* While it is watching, what the program frees is looked through for these bytes. */
static const uint8_t private_bytes[16] = "vrpq\xfe\x81zkw7\x90\xb1mu\x05\xf3";
static int watching, seen_in_freed_memory, freed;

void __real_free(void *memory);
void __wrap_free(void *memory);

void __wrap_free(void *memory)
{
    if (watching && memory) {
        size_t size = malloc_usable_size(memory);
        freed++;
        for (size_t i = 0; i + sizeof private_bytes <= size; i++)
            if (memcmp((const uint8_t *)memory + i, private_bytes, sizeof private_bytes) == 0)
                seen_in_freed_memory = 1;
    }
    __real_free(memory);
}

/* The number that the next opened file gets: one more when a file was left open. */
static inline int next_descriptor(void)
{
    int descriptor = dup(STDOUT_FILENO);
    ck_assert_int_ge(descriptor, 0);
    close(descriptor);
    return descriptor;
}

/* Kilobytes that the process has held at most. */
static inline long peak_memory(void)
{
    struct rusage usage;
    ck_assert_int_eq(getrusage(RUSAGE_SELF, &usage), 0);
    return usage.ru_maxrss;
}

#endif
