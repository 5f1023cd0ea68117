/* SPDX-License-Identifier: BSD-3-Clause */
/* Memory runs out at every allocation of every public function in turn: the library's own allocations. */
#include "calls.h"
#include "tiny_pending.h"

#include <dirent.h>

enum {
    MANY = 3000, /* more allocations than any call makes */
    GROUPS = 8,  /* of rows: each has a world of its own, for a child has no use of its parent's handles */
};

static int files(void)
{
    int n = 0;
    DIR *folder = opendir(tiny_folder());
    ck_assert_ptr_nonnull(folder);
    while (readdir(folder))
        n++;
    closedir(folder);
    return n;
}

static void expect_nothing_done(const struct bench *bench, const struct bench_spent *before, const char *call)
{
    struct bench_spent after = bench_spent(bench);
    ck_assert_msg(bench_untouched(bench), "%s: an output", call);
    ck_assert_msg(after.queries == before->queries, "%s: rows were read in vain", call);
    ck_assert_msg(after.epsilon == before->epsilon && after.debits == before->debits, "%s: a debit in vain",
                  call);
}

/* A call with the nth allocation failing; 0 when it makes fewer. The handles are those of the calls before
 * that failed: a handle lives through failures. */
static int call_fails(struct bench *bench, uint64_t nth, int for_ever)
{
    char call[256], message[256];
    struct bench_spent before = bench_spent(bench);
    int had = files();
    snprintf(call, sizeof call, "%s(%s), allocation %d", bench->row->function, bench->row->arguments,
             (int)nth);
    dpm_alloc_fail_after(nth, for_ever);
    int status = bench_call(bench, NULL, NULL);
    snprintf(message, sizeof message, "%s", dpmix_last_error()); /* what follows changes it */
    int came = for_ever ? status != DPMIX_OK : !tiny_failure_pending(nth);
    dpm_alloc_fail_after(0, 0);
    if (!came) {
        ck_assert_msg(status == DPMIX_OK, "%s: %d, %s", call, status, message);
        return 0;
    }
    ck_assert_msg(status == DPMIX_ERR_NOMEM && strstr(message, ": out of memory"), "%s: %d, %s", call, status,
                  message);
    expect_nothing_done(bench, &before, call);
    ck_assert_msg(files() == had, "%s: a file", call);
    return 1;
}

START_TEST(every_function_is_in_the_table)
{
    const char *missing = row_missing();
    ck_assert_msg(!missing, "%s", missing);
}
END_TEST

/* Returns how many allocations a row's call makes. */
static uint64_t fail_each(const struct row *row, int for_ever)
{
    struct bench bench;
    uint64_t nth = 1;
    int64_t held = dpm_alloc_live();
    bench_open(&bench, row);
    while (call_fails(&bench, nth, for_ever))
        ck_assert_uint_lt(++nth, MANY);
    bench_close(&bench);
    ck_assert_msg(dpm_alloc_live() == held, "%s(%s): leaked", row->function, row->arguments);
    return nth - 1;
}

/* With one failure, and with all that come after it: no failure is ever swallowed. */
START_TEST(every_allocation_of_every_function_may_fail)
{
    for (size_t i = (size_t)_i; i < n_rows; i += GROUPS) {
        uint64_t n = fail_each(&rows[i], 0);
        ck_assert_msg(fail_each(&rows[i], 1) == n, "%s(%s)", rows[i].function, rows[i].arguments);
        ck_assert_msg((n == 0) == !!(rows[i].flags & ROW_QUIET), "%s: %d allocations", rows[i].function,
                      (int)n);
    }
}
END_TEST

static Suite *suite(void)
{
    Suite *suite = suite_create("memory");
    TCase *test_case = check_case(suite, "memory");
    tcase_add_checked_fixture(test_case, world_open, world_close);
    tcase_add_test(test_case, every_function_is_in_the_table);
    tcase_add_loop_test(test_case, every_allocation_of_every_function_may_fail, 0, GROUPS);
    return suite;
}

CHECK_MAIN(suite)
