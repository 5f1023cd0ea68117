/* SPDX-License-Identifier: BSD-3-Clause */
/* The library's memory kept out of core dumps and swap: what the system says of the pages of a block. */
#define _DEFAULT_SOURCE 1 /* MAP_ANONYMOUS */

#include "tiny_model.h"

#include <stdio.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

enum { BLOCK = 100000 };

/* Whether the mapping around an address has a flag of two letters in /proc/self/smaps; -1: no such file. */
static int has_flag(const void *memory, const char *flag)
{
    FILE *file = fopen("/proc/self/smaps", "r");
    unsigned long long first, end, at = (unsigned long long)(uintptr_t)memory;
    char line[512];
    int inside = 0, found = -1;
    while (file && fgets(line, sizeof line, file)) {
        if (sscanf(line, "%llx-%llx ", &first, &end) == 2)
            inside = at >= first && at < end;
        else if (inside && strncmp(line, "VmFlags:", 8) == 0)
            found = strstr(line, flag) != NULL;
    }
    if (file)
        fclose(file);
    return found;
}

/* Whether this environment shows what a plain call of the system does: sanitizers take mlock() away. */
static int shows(const char *flag)
{
    size_t size = (size_t)sysconf(_SC_PAGESIZE);
    void *page = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    ck_assert_ptr_ne(page, MAP_FAILED);
    int done = flag[0] == 'l' ? mlock(page, size) : madvise(page, size, MADV_DONTDUMP);
    int shown = done == 0 && has_flag(page, flag) == 1;
    munmap(page, size);
    return shown;
}

static const struct {
    int flags;
    const char *flag;
} protections[] = {{DPMIX_MEMORY_NO_DUMP, " dd"}, {DPMIX_MEMORY_LOCK, " lo"}};

/* A flag is there from the allocation to the end of the block, on all of its pages, and on no others. */
START_TEST(pages_have_the_flag)
{
    const char *flag = protections[_i].flag;
    int shown = shows(flag + 1);
    unsigned char *before = dpm_alloc(BLOCK, 1);
    CHECK_OK(dpmix_memory_protect(protections[_i].flags));
    unsigned char *small = dpm_alloc(1, 1), *large = dpm_alloc(BLOCK, 1);
    ck_assert(before && small && large);
    for (int i = 0; shown && i < BLOCK; i += 1000)
        ck_assert_int_eq(has_flag(large + i, flag), 1);
    ck_assert(!shown || (has_flag(small, flag) == 1 && has_flag(large + BLOCK - 1, flag) == 1));
    ck_assert_int_le(has_flag(before, flag), 0);
    for (int i = 0; i < BLOCK; i++)
        ck_assert_uint_eq(large[i], 0);
    CHECK_OK(dpmix_memory_protect(0));
    unsigned char *after = dpm_alloc(BLOCK, 1);
    ck_assert_int_le(has_flag(after, flag), 0);
    uintptr_t where = (uintptr_t)large;
    dpm_free_wiped(large); /* with the protection of its own day */
    dpm_free(small);
    ck_assert_int_le(has_flag((const void *)where, flag), 0);
    dpm_free(after);
    dpm_free(before);
    ck_assert_int_eq(dpm_alloc_live(), 0);
}
END_TEST

/* A release is the same with both. */
START_TEST(a_fit_is_the_same)
{
    static struct tiny_case tiny;
    float samples[2][20];
    const uint64_t seed = 1;
    for (int i = 0; i < 2; i++) {
        if (i == 1 && dpmix_memory_protect(DPMIX_MEMORY_NO_DUMP | DPMIX_MEMORY_LOCK) != DPMIX_OK)
            CHECK_OK(dpmix_memory_protect(DPMIX_MEMORY_NO_DUMP)); /* this machine locks nothing */
        tiny_case_open(&tiny, 5, 1);
        dpmix_generator *generator = tiny_fitted_generator(&tiny, DPMIX_GENERATOR_VAE, 1);
        CHECK_OK(dpmix_generator_sample(generator, samples[i], NULL, 0, 10, TINY_COLUMNS, &seed));
        dpmix_generator_free(generator);
        tiny_case_close(&tiny);
    }
    ck_assert_mem_eq(samples[0], samples[1], sizeof samples[0]);
    ck_assert_int_eq(dpm_alloc_live(), 0);
}
END_TEST

/* More than the limit of locked memory fails like memory that is out, and leaves nothing locked. */
START_TEST(the_limit_is_out_of_memory)
{
    static const float rows[400000];
    static const double lower = 0, upper = 1;
    const struct rlimit limit = {1 << 18, 1 << 18};
    dpmix_dataset *dataset = NULL;
    if (!shows("lo"))
        return;
    ck_assert_int_eq(setrlimit(RLIMIT_MEMLOCK, &limit), 0);
    if (geteuid() == 0)
        ck_assert_int_eq(setuid(65534), 0); /* no limit holds for root */
    CHECK_OK(dpmix_memory_protect(DPMIX_MEMORY_LOCK));
    for (int i = 0; i < 20; i++)
        CHECK_FAILS(
            dpmix_dataset_new_f32(&dataset, rows, 400000, 1, NULL, 0, &lower, &upper, 1, DPMIX_STORAGE_COPY),
            DPMIX_ERR_NOMEM, "out of memory");
    for (int i = 0; i < 20; i++) { /* 200 kB at a time of 256 */
        CHECK_OK(
            dpmix_dataset_new_f32(&dataset, rows, 50000, 1, NULL, 0, &lower, &upper, 1, DPMIX_STORAGE_COPY));
        dpmix_dataset_free(dataset);
    }
    ck_assert_int_eq(dpm_alloc_live(), 0);
}
END_TEST

START_TEST(nothing_may_be_lockable)
{
    const struct rlimit limit = {0, 0};
    ck_assert_int_eq(setrlimit(RLIMIT_MEMLOCK, &limit), 0);
    if (geteuid() == 0)
        ck_assert_int_eq(setuid(65534), 0);
    void *page = dpm_alloc(1, 1);
    int refused = mlock(page, 1) != 0;
    dpm_free(page);
    if (!refused)
        return; /* under a sanitizer */
    CHECK_FAILS(dpmix_memory_protect(DPMIX_MEMORY_LOCK), DPMIX_ERR_NOMEM, "flags: no memory may be locked");
    page = dpm_alloc(1, 1); /* nothing was changed */
    ck_assert_ptr_nonnull(page);
    dpm_free(page);
}
END_TEST

START_TEST(flags_are_checked)
{
    CHECK_FAILS(dpmix_memory_protect(4), DPMIX_ERR_ARG, "dpmix_memory_protect: flags");
    CHECK_FAILS(dpmix_memory_protect(-1), DPMIX_ERR_ARG, "flags");
    CHECK_OK(dpmix_memory_protect(0));
}
END_TEST

static Suite *memory_suite(void)
{
    Suite *suite = suite_create("memory");
    tcase_add_loop_test(check_case(suite, "pages"), pages_have_the_flag, 0, 2);
    CHECK_ADD(suite, a_fit_is_the_same);
    CHECK_ADD(suite, the_limit_is_out_of_memory);
    CHECK_ADD(suite, nothing_may_be_lockable);
    CHECK_ADD(suite, flags_are_checked);
    return suite;
}

CHECK_MAIN(memory_suite)
