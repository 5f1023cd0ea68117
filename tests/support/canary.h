/* SPDX-License-Identifier: BSD-3-Clause */
/* Values that are put into private data to see where they turn up: in memory that is given back, in messages,
 * in files. A program that includes this is linked with -Wl,--wrap=dpm_free. */
#ifndef DPM_TESTS_CANARY_H
#define DPM_TESTS_CANARY_H

#include "random_stream.h"

#include "tiny_model.h"

#include <stdio.h>

/* Every cell of the data is the canary, in the type of the data; as text and as a number of a class or a
 * person, too. Their bits and their digits are like no others. */
#define CANARY 0.72797304391860962 /* a float32 */
#define CANARY_DIGITS "72797"
#define CANARY_BYTE 0xc7
#define CANARY_NUMBER 739105254
#define CANARY_NUMBER_TEXT "739105254"
#define CANARY_TEXT "quetzalcoatlus"

enum {
    CANARY_PATTERNS = 96,
    CANARY_PATTERN_SIZE = 16,
    CANARY_KEYS = 8, /* releases of one data set whose keys are looked for */
};

/* What must not be found: private cells, keys, and sums before they have noise. */
struct canary_patterns {
    struct {
        uint8_t bytes[CANARY_PATTERN_SIZE];
        size_t size, step; /* it begins at a multiple of `step` bytes */
        const char *what;
    } pattern[CANARY_PATTERNS];
    size_t n;
};

static struct canary_patterns canary_all;

/* Blocks that the library gave back while it was watched, and what the first bad one held. */
static struct {
    int on;
    size_t blocks, found, size;
    const char *what;
} canary_watch;

static inline void canary_add(const void *bytes, size_t size, size_t step, const char *what)
{
    if (canary_all.n == CANARY_PATTERNS)
        return;
    memcpy(canary_all.pattern[canary_all.n].bytes, bytes, size);
    canary_all.pattern[canary_all.n].size = size;
    canary_all.pattern[canary_all.n].step = step;
    canary_all.pattern[canary_all.n++].what = what;
}

/* Two cells side by side: one might be there by chance. */
static inline void canary_begin(void)
{
    const float narrow[] = {(float)CANARY, (float)CANARY};
    const double wide = CANARY;
    uint8_t bytes[8];
    const int32_t numbers[] = {CANARY_NUMBER, CANARY_NUMBER};
    memset(bytes, CANARY_BYTE, sizeof bytes);
    canary_all.n = 0;
    canary_add(narrow, sizeof narrow, 4, "cells of float32");
    canary_add(&wide, sizeof wide, 8, "a cell of float64");
    canary_add(bytes, sizeof bytes, 1, "cells of bytes");
    canary_add(numbers, sizeof numbers, 4, "numbers");
    canary_add(CANARY_TEXT, sizeof CANARY_TEXT - 1, 1, "text");
    memset(&canary_watch, 0, sizeof canary_watch);
}

/* The keys of the data set's releases in test mode. */
static inline void canary_add_keys(const struct dpm_test_mode *mode)
{
    for (uint64_t release = 0; release < CANARY_KEYS; release++) {
        uint8_t key[DPM_KEY_SIZE];
        dpm_random_derive(key, mode->key, release);
        canary_add(key, CANARY_PATTERN_SIZE, 1, "a key");
    }
}

/* An observer of test mode: the first two numbers of sums, where they are large enough to know them again;
 * they leave room for patterns of other kinds. */
static inline void canary_observe(void *user, const struct dpm_observation *observation, int64_t *sums)
{
    (void)user;
    if (canary_all.n < CANARY_PATTERNS / 2 && observation->n >= 2 && llabs(sums[0]) > INT32_MAX &&
        llabs(sums[1]) > INT32_MAX)
        canary_add(sums, 2 * sizeof *sums, 8, "sums without noise");
}

/* What is in n bytes; NULL: nothing. */
static inline const char *canary_in(const uint8_t *bytes, size_t n)
{
    uint8_t begins[256] = {0};
    for (size_t p = 0; p < canary_all.n; p++)
        begins[canary_all.pattern[p].bytes[0]] = 1;
    for (size_t at = 0; at < n; at++)
        for (size_t p = 0; begins[bytes[at]] && p < canary_all.n; p++)
            if (at % canary_all.pattern[p].step == 0 && at + canary_all.pattern[p].size <= n &&
                memcmp(bytes + at, canary_all.pattern[p].bytes, canary_all.pattern[p].size) == 0)
                return canary_all.pattern[p].what;
    return NULL;
}

void __real_dpm_free(void *memory);
void __wrap_dpm_free(void *memory);

/* Blocks that go back as they are. dpm_free_wiped() does not come past here; tests/unit/base_test.c shows
 * that it wipes. A block begins with one line of its own, which begins with its size. */
void __wrap_dpm_free(void *memory)
{
    if (memory && canary_watch.on) {
        size_t size;
        memcpy(&size, (const uint8_t *)memory - 64, sizeof size);
        const char *what = canary_in(memory, size);
        canary_watch.blocks++;
        if (what && !canary_watch.found++) {
            canary_watch.what = what;
            canary_watch.size = size;
        }
    }
    __real_dpm_free(memory);
}

/* One call of the library, watched. */
#define CANARY_WATCH(call)                                                                                   \
    do {                                                                                                     \
        canary_watch.on = 1;                                                                                 \
        call;                                                                                                \
        canary_watch.on = 0;                                                                                 \
        ck_assert_msg(!canary_watch.found, "%s: a block of %zu bytes was given back with %s", #call,         \
                      canary_watch.size, canary_watch.what);                                                 \
    } while (0)

/* A message, a ledger, a report or a file. */
static inline void canary_expect_none(const void *bytes, size_t n, const char *where)
{
    static const char *const digits[] = {CANARY_DIGITS, CANARY_NUMBER_TEXT};
    const char *what = canary_in(bytes, n);
    ck_assert_msg(!what, "%s has %s", where, what);
    for (size_t d = 0; d < sizeof digits / sizeof *digits; d++)
        for (size_t at = 0; at + strlen(digits[d]) <= n; at++)
            ck_assert_msg(memcmp((const char *)bytes + at, digits[d], strlen(digits[d])) != 0,
                          "%s has the digits %s", where, digits[d]);
}

static inline void canary_expect_quiet(const char *where)
{
    canary_expect_none(dpmix_last_error(), strlen(dpmix_last_error()), where);
}

#endif
