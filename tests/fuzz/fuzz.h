/* SPDX-License-Identifier: BSD-3-Clause */
/* Hostile bytes for everything that reads: one target a kind of file. A target takes any bytes, and aborts
 * when the library does what it must not; the sanitizers see the rest. fuzz_replay.c runs the targets on
 * their seeds and on damaged seeds as a test, fuzz_main.c under libFuzzer. */
#ifndef DPM_TESTS_FUZZ_H
#define DPM_TESTS_FUZZ_H

#include <dpmix/status.h>

#include "base_alloc.h"

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#define FUZZ_ASSERT(condition)                                                                               \
    do {                                                                                                     \
        if (!(condition)) {                                                                                  \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition);                                  \
            abort();                                                                                         \
        }                                                                                                    \
    } while (0)

typedef void fuzz_give_fn(void *user, const uint8_t *bytes, size_t n);

struct fuzz_target {
    const char *name;
    void (*run)(const uint8_t *bytes, size_t n);
    void (*seed)(fuzz_give_fn *give, void *user); /* gives inputs that are read to their end */
};

extern const struct fuzz_target fuzz_clusterer, fuzz_generator, fuzz_mixture, fuzz_checkpoint, fuzz_ledger,
    fuzz_idx, fuzz_npy, fuzz_schema, fuzz_text, fuzz_metadata, fuzz_arrow, fuzz_csv, fuzz_sqlite;

#ifdef HAVE_SQLITE
#define FUZZ_LEDGER_TARGETS &fuzz_ledger,
#else
#define FUZZ_LEDGER_TARGETS
#endif

#ifdef HAVE_RELEASE_TOOL
#define FUZZ_RELEASE_TARGETS &fuzz_csv, &fuzz_sqlite
#else
#define FUZZ_RELEASE_TARGETS
#endif

#define FUZZ_TARGETS                                                                                         \
    {                                                                                                        \
        &fuzz_clusterer, &fuzz_generator, &fuzz_mixture, &fuzz_checkpoint, FUZZ_LEDGER_TARGETS &fuzz_idx,    \
            &fuzz_npy, &fuzz_schema, &fuzz_text, &fuzz_metadata, &fuzz_arrow, FUZZ_RELEASE_TARGETS           \
    }

/* One of n statuses. */
static inline void fuzz_expect(int status, const int *statuses, int n)
{
    int i = 0;
    while (i < n && statuses[i] != status)
        i++;
    if (i == n)
        fprintf(stderr, "status %d: %s\n", status, dpmix_last_error());
    FUZZ_ASSERT(i < n);
}

/* What the library holds, and may come to hold at most between begin and end: bytes of the calling thread. */
struct fuzz_memory {
    int64_t live, held;
};

static inline struct fuzz_memory fuzz_memory_begin(void)
{
    struct fuzz_memory memory = {dpm_alloc_live(), dpm_alloc_watch()};
    return memory;
}

static inline void fuzz_memory_bound(const struct fuzz_memory *memory, size_t most)
{
    FUZZ_ASSERT(dpm_alloc_peak() - memory->held <= (int64_t)most);
}

static inline void fuzz_memory_end(const struct fuzz_memory *memory)
{
    FUZZ_ASSERT(dpm_alloc_live() == memory->live);
}

/* ---- Bytes as a source of choices ---- */

struct fuzz_source {
    const uint8_t *at, *end;
};

static inline uint8_t fuzz_byte(struct fuzz_source *source)
{
    return source->at < source->end ? *source->at++ : 0;
}

/* Little-endian, of n bytes at most 8. */
static inline uint64_t fuzz_number(struct fuzz_source *source, int n)
{
    uint64_t number = 0;
    for (int i = 0; i < n; i++)
        number |= (uint64_t)fuzz_byte(source) << (8 * i);
    return number;
}

#endif
