/* SPDX-License-Identifier: BSD-3-Clause */
/* Locks, once-only set-up, and a pool that runs numbered tasks. */
#ifndef DPM_BASE_THREADS_H
#define DPM_BASE_THREADS_H

#include <pthread.h>
#include <stddef.h>

typedef pthread_mutex_t dpm_mutex;
typedef pthread_once_t dpm_once;
#define DPM_ONCE_INIT PTHREAD_ONCE_INIT

int dpm_mutex_init(dpm_mutex *mutex);
void dpm_mutex_destroy(dpm_mutex *mutex);
void dpm_mutex_lock(dpm_mutex *mutex);
void dpm_mutex_unlock(dpm_mutex *mutex);
void dpm_call_once(dpm_once *once, void (*set_up)(void));

/* A number of the process: no process that descends from this one by fork() has the same, not even where the
 * system gives it this one's process number. */
long dpm_process_id(void);

struct dpm_pool;

/* `worker` is in [0, threads): the number of the thread that runs the task, for scratch memory of its own. */
typedef void dpm_task_fn(void *context, size_t task, int worker);

int dpm_processors(void);

/* A pool of `threads` threads, the calling one included; 0: one per processor. */
int dpm_pool_new(struct dpm_pool **out, int threads);
void dpm_pool_free(struct dpm_pool *pool);
int dpm_pool_threads(const struct dpm_pool *pool);

/* Runs tasks 0, ..., n - 1 and returns when all are done. Which thread takes which task is not fixed, so a
 * task must not let its result depend on it. */
void dpm_pool_run(struct dpm_pool *pool, size_t n, dpm_task_fn *task, void *context);

#endif
