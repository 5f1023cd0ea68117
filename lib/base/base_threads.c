/* SPDX-License-Identifier: BSD-3-Clause */
#include "base_threads.h"
#include "base_alloc.h"
#include "base_fail.h"

#include <assert.h>
#include <stdatomic.h>
#include <unistd.h>

enum { MAX_THREADS = 1024 };

struct worker {
    struct dpm_pool *pool;
    int number;
    pthread_t thread;
};

struct dpm_pool {
    int threads;
    long process; /* that has the workers */
    int started;  /* workers with a thread of their own: 1, ..., started */
    pthread_mutex_t lock;
    pthread_cond_t wake, done;
    unsigned long round; /* one more for each dpm_pool_run */
    int busy;            /* workers that have not finished the round */
    int quit;
    dpm_task_fn *task;
    void *context;
    size_t n;
    atomic_size_t next;
    struct worker *workers;
};

int dpm_mutex_init(dpm_mutex *mutex)
{
    if (pthread_mutex_init(mutex, NULL) != 0)
        return dpm_fail(DPMIX_ERR_INTERNAL, "no mutex to be had");
    return DPMIX_OK;
}

void dpm_mutex_destroy(dpm_mutex *mutex)
{
    pthread_mutex_destroy(mutex);
}

void dpm_mutex_lock(dpm_mutex *mutex)
{
    int failed = pthread_mutex_lock(mutex);
    assert(!failed);
    (void)failed;
}

void dpm_mutex_unlock(dpm_mutex *mutex)
{
    int failed = pthread_mutex_unlock(mutex);
    assert(!failed);
    (void)failed;
}

void dpm_call_once(dpm_once *once, void (*set_up)(void))
{
    pthread_once(once, set_up);
}

/* How many forks lie between this process and the first that had the library. A process's own number is not
 * enough: it is given anew after its end, and the first process of every namespace has the number 1. */
static dpm_once forks_once = DPM_ONCE_INIT;
static atomic_ulong forks;

static void count_fork(void)
{
    atomic_fetch_add(&forks, 1);
}

static void watch_forks(void)
{
    (void)pthread_atfork(NULL, NULL, count_fork); /* without memory for it the number is all there is */
}

long dpm_process_id(void)
{
    enum { NUMBER_BITS = 22 };
    dpm_call_once(&forks_once, watch_forks);
    return (long)((unsigned long)getpid() + (atomic_load(&forks) << NUMBER_BITS));
}

static void run_tasks(struct dpm_pool *pool, int worker)
{
    for (;;) {
        size_t task = atomic_fetch_add(&pool->next, 1);
        if (task >= pool->n)
            return;
        pool->task(pool->context, task, worker);
    }
}

static void *work(void *argument)
{
    struct worker *worker = argument;
    struct dpm_pool *pool = worker->pool;
    unsigned long seen = 0;
    pthread_mutex_lock(&pool->lock);
    for (;;) {
        while (pool->round == seen && !pool->quit)
            pthread_cond_wait(&pool->wake, &pool->lock);
        if (pool->quit)
            break;
        seen = pool->round;
        pthread_mutex_unlock(&pool->lock);
        run_tasks(pool, worker->number);
        pthread_mutex_lock(&pool->lock);
        if (--pool->busy == 0)
            pthread_cond_signal(&pool->done);
    }
    pthread_mutex_unlock(&pool->lock);
    return NULL;
}

int dpm_processors(void)
{
    long n = sysconf(_SC_NPROCESSORS_ONLN);
    return n < 1 ? 1 : n > MAX_THREADS ? MAX_THREADS : (int)n;
}

int dpm_pool_new(struct dpm_pool **out, int threads)
{
    if (threads <= 0)
        threads = dpm_processors();
    threads = threads > MAX_THREADS ? MAX_THREADS : threads;
    struct dpm_pool *pool = dpm_alloc(1, sizeof *pool);
    if (!pool)
        return DPMIX_ERR_NOMEM;
    pool->workers = dpm_alloc((size_t)threads, sizeof *pool->workers);
    if (!pool->workers) {
        dpm_free(pool);
        return DPMIX_ERR_NOMEM;
    }
    pool->threads = threads;
    pool->process = dpm_process_id();
    pthread_mutex_init(&pool->lock, NULL);
    pthread_cond_init(&pool->wake, NULL);
    pthread_cond_init(&pool->done, NULL);
    for (int i = 1; i < threads; i++) {
        struct worker *worker = &pool->workers[i];
        worker->pool = pool;
        worker->number = i;
        if (pthread_create(&worker->thread, NULL, work, worker) != 0) {
            dpm_pool_free(pool);
            return dpm_fail(DPMIX_ERR_INTERNAL, "threads: the system gives no more threads");
        }
        pool->started = i;
    }
    *out = pool;
    return DPMIX_OK;
}

static void end_workers(struct dpm_pool *pool)
{
    pthread_mutex_lock(&pool->lock);
    pool->quit = 1;
    pthread_cond_broadcast(&pool->wake);
    pthread_mutex_unlock(&pool->lock);
    for (int i = 1; i <= pool->started; i++)
        pthread_join(pool->workers[i].thread, NULL);
    pthread_cond_destroy(&pool->wake);
    pthread_cond_destroy(&pool->done);
    pthread_mutex_destroy(&pool->lock);
}

void dpm_pool_free(struct dpm_pool *pool)
{
    if (!pool)
        return;
    if (pool->process == dpm_process_id()) /* a forked process has no workers, and would wait for ever */
        end_workers(pool);
    dpm_free(pool->workers);
    dpm_free(pool);
}

int dpm_pool_threads(const struct dpm_pool *pool)
{
    return pool->threads;
}

void dpm_pool_run(struct dpm_pool *pool, size_t n, dpm_task_fn *task, void *context)
{
    pthread_mutex_lock(&pool->lock);
    pool->task = task;
    pool->context = context;
    pool->n = n;
    atomic_store(&pool->next, 0);
    pool->busy = pool->started;
    pool->round++;
    pthread_cond_broadcast(&pool->wake);
    pthread_mutex_unlock(&pool->lock);
    run_tasks(pool, 0);
    pthread_mutex_lock(&pool->lock);
    while (pool->busy > 0)
        pthread_cond_wait(&pool->done, &pool->lock);
    pthread_mutex_unlock(&pool->lock);
}
