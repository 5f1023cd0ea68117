/* SPDX-License-Identifier: BSD-3-Clause */
#include "base_alloc.h"
#include "base_fail.h"
#include "base_threads.h"

#include "check_main.h"

#include <sched.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { MAX_TASKS = 2000, MAX_WORKERS = 16 };

struct work {
    int threads;
    atomic_int runs[MAX_TASKS];
    atomic_int at_work[MAX_WORKERS];
    atomic_int faults; /* checked at the end: a failed check in another thread would not be seen */
};

static void count(void *context, size_t task, int worker)
{
    struct work *work = context;
    if (task >= MAX_TASKS || worker < 0 || worker >= work->threads) {
        atomic_fetch_add(&work->faults, 1);
        return;
    }
    if (atomic_fetch_add(&work->at_work[worker], 1) != 0)
        atomic_fetch_add(&work->faults, 1); /* two threads with one number would share scratch memory */
    atomic_fetch_add(&work->runs[task], 1);
    atomic_fetch_sub(&work->at_work[worker], 1);
}

START_TEST(every_task_runs_once)
{
    static const size_t sizes[] = {0, 1, 2, 3, 17, MAX_TASKS, 1, 0, 5};
    static struct work work;
    struct dpm_pool *pool;
    int64_t live = dpm_alloc_live();
    ck_assert_int_eq(dpm_pool_new(&pool, _i), DPMIX_OK);
    ck_assert_int_eq(dpm_pool_threads(pool), _i);
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        memset(&work, 0, sizeof work);
        work.threads = _i;
        dpm_pool_run(pool, sizes[i], count, &work);
        ck_assert_int_eq(work.faults, 0);
        for (size_t task = 0; task < MAX_TASKS; task++)
            ck_assert_int_eq(work.runs[task], task < sizes[i]);
    }
    dpm_pool_free(pool);
    ck_assert_int_eq(dpm_alloc_live(), live);
}
END_TEST

/* Tasks that take their time: the run must not return before the last is done, and workers that have one
 * number would be seen side by side. */
static void count_slowly(void *context, size_t task, int worker)
{
    struct work *work = context;
    const struct timespec pause = {.tv_nsec = 2000000};
    if (atomic_fetch_add(&work->at_work[worker], 1) != 0)
        atomic_fetch_add(&work->faults, 1);
    nanosleep(&pause, NULL);
    atomic_fetch_add(&work->runs[task], 1);
    atomic_fetch_sub(&work->at_work[worker], 1);
}

START_TEST(a_run_ends_after_its_last_task)
{
    static struct work work;
    struct dpm_pool *pool;
    ck_assert_int_eq(dpm_pool_new(&pool, 4), DPMIX_OK);
    for (int round = 1; round <= 20; round++) {
        dpm_pool_run(pool, 9, count_slowly, &work);
        for (size_t task = 0; task < 9; task++)
            ck_assert_int_eq(work.runs[task], round);
    }
    ck_assert_int_eq(work.faults, 0);
    dpm_pool_free(pool);
}
END_TEST

/* Many short rounds: where a lost wake-up or a late worker would show, as a hang or as a wrong sum. */
START_TEST(rounds_do_not_mix)
{
    static struct work work;
    struct dpm_pool *pool;
    ck_assert_int_eq(dpm_pool_new(&pool, 4), DPMIX_OK);
    work.threads = 4;
    for (int round = 1; round <= 3000; round++) {
        dpm_pool_run(pool, 3, count, &work);
        for (size_t task = 0; task < 4; task++)
            ck_assert_int_eq(work.runs[task], task < 3 ? round : 0);
    }
    ck_assert_int_eq(work.faults, 0);
    dpm_pool_free(pool);
}
END_TEST

/* Tasks that wait for each other end only if each runs on a thread of its own. */
static void meet(void *context, size_t task, int worker)
{
    atomic_int *arrived = context;
    (void)task;
    (void)worker;
    atomic_fetch_add(arrived, 1);
    while (atomic_load(arrived) < 3)
        ;
}

START_TEST(tasks_run_side_by_side)
{
    struct dpm_pool *pool;
    atomic_int arrived = 0;
    ck_assert_int_eq(dpm_pool_new(&pool, 3), DPMIX_OK);
    dpm_pool_run(pool, 3, meet, &arrived);
    ck_assert_int_eq(arrived, 3);
    dpm_pool_free(pool);
}
END_TEST

START_TEST(zero_threads_means_one_per_processor)
{
    struct dpm_pool *pool;
    ck_assert_int_eq(dpm_pool_new(&pool, 0), DPMIX_OK);
    ck_assert_int_eq(dpm_pool_threads(pool), (int)sysconf(_SC_NPROCESSORS_ONLN));
    dpm_pool_free(pool);
    dpm_pool_free(NULL);
}
END_TEST

START_TEST(failed_allocations_are_survived)
{
    int64_t live = dpm_alloc_live();
    uint64_t nth = 1;
    for (;; nth++) {
        struct dpm_pool *pool = NULL;
        dpm_alloc_fail_after(nth, 0);
        int status = dpm_pool_new(&pool, 3);
        dpm_alloc_fail_after(0, 0);
        if (!status) {
            dpm_pool_free(pool);
            break;
        }
        ck_assert_int_eq(status, DPMIX_ERR_NOMEM);
        ck_assert_ptr_null(pool);
        ck_assert_int_eq(dpm_alloc_live(), live);
    }
    ck_assert_uint_gt(nth, 1);
    ck_assert_int_eq(dpm_alloc_live(), live);
}
END_TEST

static dpm_once once = DPM_ONCE_INIT;
static atomic_int set_ups;

static void set_up(void)
{
    atomic_fetch_add(&set_ups, 1);
}

struct tally {
    dpm_mutex lock;
    int plain; /* guarded by the lock */
};

static void lock_and_count(void *context, size_t task, int worker)
{
    struct tally *tally = context;
    (void)task;
    (void)worker;
    dpm_call_once(&once, set_up);
    dpm_mutex_lock(&tally->lock);
    int before = tally->plain;
    sched_yield(); /* time for another thread to come between, if it can */
    tally->plain = before + 1;
    dpm_mutex_unlock(&tally->lock);
}

START_TEST(locks_exclude_and_once_is_once)
{
    struct tally tally = {.plain = 0};
    struct dpm_pool *pool;
    ck_assert_int_eq(dpm_mutex_init(&tally.lock), DPMIX_OK);
    ck_assert_int_eq(dpm_pool_new(&pool, 4), DPMIX_OK);
    dpm_pool_run(pool, 20000, lock_and_count, &tally);
    dpm_pool_free(pool);
    dpm_mutex_destroy(&tally.lock);
    ck_assert_int_eq(tally.plain, 20000);
    ck_assert_int_eq(set_ups, 1);
}
END_TEST

START_TEST(a_fork_has_another_number)
{
    long here = dpm_process_id(), beside = here - (long)getpid();
    ck_assert_int_eq(dpm_process_id(), here);
    pid_t child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0)
        /* also where the system gave the child its parent's number */
        _exit(dpm_process_id() == here || dpm_process_id() - (long)getpid() == beside);
    int status;
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}
END_TEST

START_TEST(a_fork_gives_a_pool_back)
{
    static struct work work;
    struct dpm_pool *pool;
    ck_assert_int_eq(dpm_pool_new(&pool, 3), DPMIX_OK);
    dpm_pool_run(pool, 5, count_slowly, &work);
    pid_t child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) {
        alarm(3); /* the workers are the parent's: there is nobody to wait for */
        dpm_pool_free(pool);
        _exit(0);
    }
    int status;
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    dpm_pool_run(pool, 5, count_slowly, &work);
    ck_assert_int_eq(work.runs[4], 2);
    dpm_pool_free(pool);
}
END_TEST

static Suite *threads_suite(void)
{
    Suite *suite = suite_create("threads");
    TCase *pool = tcase_create("pool");
    tcase_set_timeout(pool, 0);
    tcase_add_loop_test(pool, every_task_runs_once, 1, 6);
    suite_add_tcase(suite, pool);
    CHECK_ADD(suite, a_run_ends_after_its_last_task);
    CHECK_ADD(suite, rounds_do_not_mix);
    CHECK_ADD(suite, tasks_run_side_by_side);
    CHECK_ADD(suite, zero_threads_means_one_per_processor);
    CHECK_ADD(suite, failed_allocations_are_survived);
    CHECK_ADD(suite, locks_exclude_and_once_is_once);
    CHECK_ADD(suite, a_fork_has_another_number);
    CHECK_ADD(suite, a_fork_gives_a_pool_back);
    return suite;
}

CHECK_MAIN(threads_suite)
