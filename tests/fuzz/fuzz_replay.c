/* SPDX-License-Identifier: BSD-3-Clause */
/* The targets as tests, without libFuzzer: every seed, and damaged seeds, the same on every machine. */
#include "fuzz.h"

#include "check_main.h"
#include "tiny_data.h"
#include "tiny_file.h"

static const struct fuzz_target *const targets[] = FUZZ_TARGETS;
enum { N_TARGETS = sizeof targets / sizeof *targets, MUTANTS = 100, MOST_CHANGES = 3, ROOM = 64 };

static size_t below(struct tiny_random *random, size_t n)
{
    return (size_t)(tiny_uniform(random) * (double)n);
}

/* One change of n bytes in memory that has ROOM more; how many they are now. */
static size_t change(struct tiny_random *random, uint8_t *bytes, size_t n)
{
    static const uint64_t numbers[] = {0,
                                       1,
                                       0x7f,
                                       0xff,
                                       0x7fffffff,
                                       0xffffffff,
                                       UINT64_MAX,
                                       UINT64_C(1) << 63,
                                       UINT64_C(1) << 40,
                                       UINT64_C(0x7ff8000000000000),
                                       UINT64_C(0x7f7fffff7f7fffff)};
    size_t at = below(random, n), length = 1 + below(random, 8);
    if (n == 0)
        return 0;
    length = length < n - at ? length : n - at;
    switch (below(random, 5)) {
    case 0: bytes[at] = (uint8_t)(bytes[at] ^ 1u << below(random, 8)); return n;
    case 1: bytes[at] = (uint8_t)below(random, 256); return n;
    case 2:
        tiny_store(bytes + at, numbers[below(random, sizeof numbers / sizeof *numbers)], length);
        return n;
    case 3: memmove(bytes + at, bytes + at + length, n - at - length); return n - length;
    default: memmove(bytes + at + length, bytes + at, n - at); return n + length;
    }
}

static void replay(void *user, const uint8_t *bytes, size_t n)
{
    const struct fuzz_target *target = user;
    struct tiny_random random = {n};
    target->run(bytes, n);
    for (int i = 0; i < MUTANTS; i++) {
        size_t now = n, changes = 1 + below(&random, MOST_CHANGES);
        uint8_t *work = malloc(n + ROOM), *exact;
        ck_assert_ptr_nonnull(work);
        memcpy(work, bytes, n);
        for (size_t j = 0; j < changes; j++)
            now = change(&random, work, now);
        exact = malloc(now ? now : 1); /* so that a byte behind the input is seen */
        ck_assert_ptr_nonnull(exact);
        memcpy(exact, work, now);
        target->run(exact, now);
        free(exact);
        free(work);
    }
}

START_TEST(hostile_bytes_are_refused)
{
    const struct fuzz_target *target = targets[_i];
    target->run((const uint8_t *)"", 0);
    target->seed(replay, (void *)(uintptr_t)target);
}
END_TEST

/* A test case for each target: CK_RUN_CASE takes its name. */
static Suite *suite(void)
{
    Suite *s = suite_create("fuzz");
    for (int i = 0; i < N_TARGETS; i++) {
        TCase *test = check_case(s, targets[i]->name);
        tcase_add_checked_fixture(test, tiny_folder_setup, tiny_folder_teardown);
        tcase_add_loop_test(test, hostile_bytes_are_refused, i, i + 1);
    }
    return s;
}

CHECK_MAIN(suite)
