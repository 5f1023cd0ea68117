/* SPDX-License-Identifier: BSD-3-Clause */
/* The heap runs out at every call for memory in turn, also at those of SQLite, jansson, LAPACK, the C library
 * and whatever else the library stands on. */
#include "calls.h"
#include "heap.h"

enum { GROUPS = 8, MANY = 20000 };

#ifdef EVERY_ROW
static int is_meant(const struct row *row)
{
    return row != NULL;
}
#else
/* Rows whose memory is others' most of all, which memory_test does not reach. */
static int is_meant(const struct row *row)
{
    static const char *const words[] = {"ledger", "json", "saved_schema", "images_gz", "schema_save"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strstr(row->arguments, words[i]) || strstr(row->function, words[i]))
            return 1;
    return 0;
}
#endif

/* jansson calls a text wrong that it has no memory for: of the arguments that hold a schema. */
static int may_be(const struct row *row, int status)
{
    static const char *const words[] = {"json", "saved_schema", "typed"};
    int json = 0;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        json |= strstr(row->arguments, words[i]) != NULL;
    return status == DPMIX_OK || status == DPMIX_ERR_NOMEM || (json && status == DPMIX_ERR_FORMAT);
}

/* 0 when the call makes fewer calls for memory. What others do without memory they need not tell: then the
 * call succeeds. */
static int call_fails(struct bench *bench, long nth, int for_ever)
{
    struct bench_spent before = bench_spent(bench);
    bench_clear(bench);
    heap_fail_after(nth, for_ever);
    int status = bench_call(bench, NULL, NULL), pending = heap_pending();
    heap_fail_after(0, 0);
    const char *name = bench->row->function;
    ck_assert_msg(may_be(bench->row, status) && !(status && pending), "%s(%s), call %ld: %d, %s", name,
                  bench->row->arguments, nth, status, dpmix_last_error());
    if (status) {
        struct bench_spent after = bench_spent(bench);
        ck_assert_msg(bench_untouched(bench), "%s, call %ld: an output", name, nth);
        ck_assert_msg(after.debits >= before.debits && after.queries == before.queries, "%s: a debit", name);
    }
    return for_ever ? status != DPMIX_OK : !pending;
}

static void fail_each(const struct row *row, int for_ever)
{
    struct bench bench;
    long nth = 1;
    bench_open(&bench, row);
    while (call_fails(&bench, nth, for_ever)) {
        ck_assert_int_lt(++nth, MANY);
        if (strchr(row->arguments, '+')) { /* a call that succeeded in spite of a failure has used them up */
            bench_close(&bench);
            bench_open(&bench, row);
        }
    }
    bench_close(&bench);
}

START_TEST(the_heap_may_run_out_at_any_time)
{
    for (size_t r = (size_t)_i; r < n_rows; r += GROUPS)
        if (is_meant(&rows[r])) {
            fail_each(&rows[r], 0);
            fail_each(&rows[r], 1);
        }
}
END_TEST

static Suite *suite(void)
{
    Suite *suite = suite_create("heap");
    TCase *test_case = check_case(suite, "heap");
    tcase_add_checked_fixture(test_case, world_open, world_close);
    tcase_add_loop_test(test_case, the_heap_may_run_out_at_any_time, 0, GROUPS);
    return suite;
}

CHECK_MAIN(suite)
