/* SPDX-License-Identifier: BSD-3-Clause */
/* What the headers promise to threads: calls on const handles at the same time, and fits that share an
 * accountant. Under ThreadSanitizer this finds races; everywhere, results that differ from those of one
 * thread. */
#include "calls.h"

#include <pthread.h>

enum { THREADS = 4, ROUNDS = 3, FITS = 3 };

/* Files that are written, and tests' own counters, are for one thread. Const calls are repeated. */
static int is_shared(const struct row *row)
{
    static const char *const alone[] = {"out", "ledger", "checkpoint", "+stream", "+array", "memory_protect"};
    for (size_t i = 0; i < sizeof alone / sizeof *alone; i++)
        if (strstr(row->arguments, alone[i]) || strstr(row->function, alone[i]))
            return 0;
    return 1;
}

static int rounds_of(const struct row *row)
{
    return strchr(row->arguments, '+') ? 1 : ROUNDS;
}

/* Whether numbers and texts came out as they did in the other bench. */
static int same_outputs(const struct bench *a, const struct bench *b)
{
    for (int i = 0; i < a->call->n; i++)
        if (a->call->params[i].type == CALL_OUT && !strstr(a->call->params[i].declared, "Arrow") &&
            memcmp(a->slots + i * SLOT, b->slots + i * SLOT, SLOT) != 0)
            return 0;
    return 1;
}

struct worker {
    struct bench *benches; /* one for each row */
    size_t first;          /* row to begin with */
    pthread_barrier_t *start;
    int failed; /* row, from 1 */
};

/* Nothing of Check in here: it is for one thread. */
static void *call_all(void *argument)
{
    struct worker *worker = argument;
    pthread_barrier_wait(worker->start);
    for (size_t i = 0; i < n_rows; i++) {
        size_t r = (worker->first + i) % n_rows;
        for (int round = 0; is_shared(&rows[r]) && round < rounds_of(&rows[r]); round++)
            if (bench_call(&worker->benches[r], NULL, NULL))
                worker->failed = (int)r + 1;
    }
    return NULL;
}

START_TEST(every_const_handle_may_be_used_by_all_threads)
{
    static struct bench wanted, benches[THREADS][256];
    struct worker workers[THREADS];
    pthread_t threads[THREADS];
    pthread_barrier_t start;
    ck_assert_uint_le(n_rows, 256);
    ck_assert_int_eq(pthread_barrier_init(&start, NULL, THREADS), 0);
    for (size_t t = 0; t < THREADS; t++) {
        for (size_t r = 0; r < n_rows; r++)
            bench_open(&benches[t][r], &rows[r]);
        workers[t] = (struct worker){benches[t], t * n_rows / THREADS, &start, 0};
        ck_assert_int_eq(pthread_create(&threads[t], NULL, call_all, &workers[t]), 0);
    }
    for (size_t t = 0; t < THREADS; t++) {
        ck_assert_int_eq(pthread_join(threads[t], NULL), 0);
        ck_assert_msg(!workers[t].failed, "%s", rows[workers[t].failed - 1].function);
    }
    for (size_t r = 0; r < n_rows; r++) {
        bench_open(&wanted, &rows[r]);
        int compared = is_shared(&rows[r]) && rounds_of(&rows[r]) > 1;
        if (compared)
            CHECK_OK(bench_call(&wanted, NULL, NULL));
        for (size_t t = 0; t < THREADS; t++) {
            ck_assert_msg(!compared || same_outputs(&benches[t][r], &wanted), "%s(%s)", rows[r].function,
                          rows[r].arguments);
            bench_close(&benches[t][r]);
        }
        bench_close(&wanted);
    }
    pthread_barrier_destroy(&start);
}
END_TEST

/* ---- One accountant ---- */

struct spender {
    dpmix_accountant *accountant;
    dpmix_dataset *dataset;
    dpmix_clusterer *clusterers[FITS];
    int failed;
};

static void *spend(void *argument)
{
    struct spender *spender = argument;
    for (int i = 0; i < FITS; i++)
        spender->failed |= dpmix_clusterer_fit(spender->clusterers[i], spender->accountant, spender->dataset,
                                               0.01, NULL, NULL) != DPMIX_OK;
    return NULL;
}

START_TEST(fits_may_share_an_accountant)
{
    dpmix_accountant *accountant = tiny_accountant(10);
    struct spender spenders[THREADS];
    pthread_t threads[THREADS];
    for (int t = 0; t < THREADS; t++) {
        spenders[t] = (struct spender){.accountant = accountant};
        CHECK_OK(dpmix_dataset_new_text(&spenders[t].dataset, world_thing("schema"), world_thing("cells"),
                                        TABLE_ROWS, TABLE_COLUMNS));
        for (int i = 0; i < FITS; i++)
            spenders[t].clusterers[i] = tiny_clusterer(DPMIX_CLUSTERER_LABEL);
    }
    for (int t = 0; t < THREADS; t++)
        ck_assert_int_eq(pthread_create(&threads[t], NULL, spend, &spenders[t]), 0);
    for (int t = 0; t < THREADS; t++) {
        ck_assert_int_eq(pthread_join(threads[t], NULL), 0);
        ck_assert_int_eq(spenders[t].failed, 0);
    }
    ck_assert_uint_eq(tiny_entries(accountant), THREADS * FITS);
    for (int t = 0; t < THREADS; t++) { /* what a fit holds lives on without the handles */
        dpmix_dataset_free(spenders[t].dataset);
        for (int i = 0; i < FITS; i++)
            dpmix_clusterer_free(spenders[t].clusterers[i]);
    }
    dpmix_accountant_free(accountant);
}
END_TEST

static Suite *suite(void)
{
    Suite *suite = suite_create("threads");
    TCase *test_case = check_case(suite, "threads");
    tcase_add_checked_fixture(test_case, world_open, world_close);
    tcase_add_test(test_case, every_const_handle_may_be_used_by_all_threads);
    tcase_add_test(test_case, fits_may_share_an_accountant);
    return suite;
}

CHECK_MAIN(suite)
