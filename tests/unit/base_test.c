/* SPDX-License-Identifier: BSD-3-Clause */
/* base: messages, memory, declared bounds, option values. Linked with --wrap=free, to see what goes back. */
#include "base_alloc.h"
#include "base_bounds.h"
#include "base_fail.h"
#include "base_options.h"
#include "base_simd.h"
#include "base_utf8.h"

#include "check_main.h"

#include <errno.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

/* ---- messages */

START_TEST(fail_gives_the_status_and_keeps_the_message)
{
    ck_assert_int_eq(dpm_fail(DPMIX_ERR_RANGE, "share: must lie in (%d, %d]", 0, 1), DPMIX_ERR_RANGE);
    ck_assert_str_eq(dpm_fail_message(), "share: must lie in (0, 1]");
    ck_assert_int_eq(dpm_fail_in("dpmix_x_new", DPMIX_ERR_RANGE), DPMIX_ERR_RANGE);
    ck_assert_str_eq(dpm_fail_message(), "dpmix_x_new: share: must lie in (0, 1]");
    ck_assert_int_eq(dpm_fail_in("dpmix_y_new", DPMIX_OK), DPMIX_OK);
    ck_assert_str_eq(dpm_fail_message(), "dpmix_x_new: share: must lie in (0, 1]");
}
END_TEST

START_TEST(long_messages_are_cut)
{
    char text[1000];
    memset(text, 'a', sizeof text - 1);
    text[sizeof text - 1] = 0;
    ck_assert_int_eq(dpm_fail(DPMIX_ERR_IO, "%s", text), DPMIX_ERR_IO);
    ck_assert_uint_eq(strlen(dpm_fail_message()), 255);
    ck_assert_int_eq(dpm_fail_in("function", DPMIX_ERR_IO), DPMIX_ERR_IO);
    ck_assert_uint_eq(strlen(dpm_fail_message()), 255);
    ck_assert_int_eq(strncmp(dpm_fail_message(), "function: aaa", 13), 0);
}
END_TEST

static void *fail_elsewhere(void *seen)
{
    strcpy(seen, dpm_fail_message());
    dpm_fail(DPMIX_ERR_IO, "theirs");
    return NULL;
}

START_TEST(each_thread_has_its_own_message)
{
    pthread_t thread;
    char seen[256] = "unset";
    dpm_fail(DPMIX_ERR_ARG, "mine");
    ck_assert_int_eq(pthread_create(&thread, NULL, fail_elsewhere, seen), 0);
    ck_assert_int_eq(pthread_join(thread, NULL), 0);
    ck_assert_str_eq(seen, "");
    ck_assert_str_eq(dpm_fail_message(), "mine");
}
END_TEST

static void *ask_elsewhere(void *unused)
{
    (void)unused;
    dpm_fail_reason(EACCES);
    dpm_fail_reason(12345);
    return NULL;
}

/* strerror() has one text for all threads: for an unknown number, or in another language. */
START_TEST(each_thread_has_its_own_reason)
{
    pthread_t thread;
    char unknown[80];
    snprintf(unknown, sizeof unknown, "%s", dpm_fail_reason(54321));
    ck_assert_ptr_nonnull(strstr(unknown, "54321"));
    const char *reason = dpm_fail_reason(54321);
    ck_assert_int_eq(pthread_create(&thread, NULL, ask_elsewhere, NULL), 0);
    ck_assert_int_eq(pthread_join(thread, NULL), 0);
    ck_assert_str_eq(reason, unknown);
    ck_assert_str_eq(dpm_fail_reason(ENOENT), strerror(ENOENT));
}
END_TEST

START_TEST(every_status_has_a_text_of_its_own)
{
    for (int status = DPMIX_OK; status >= DPMIX_ERR_INTERNAL; status--) {
        ck_assert_str_ne(dpm_fail_text(status), "unknown status");
        for (int other = DPMIX_OK; other > status; other--)
            ck_assert_str_ne(dpm_fail_text(status), dpm_fail_text(other));
    }
    ck_assert_str_eq(dpm_fail_text(1), "unknown status");
    ck_assert_str_eq(dpm_fail_text(DPMIX_ERR_INTERNAL - 1), "unknown status");
}
END_TEST

/* ---- memory */

/* Volatile: with link-time optimisation the compiler sees that it is free() that is called, which touches no
 * variable of ours. */
static const unsigned char *volatile watched;
static volatile size_t watched_size;
static volatile int watched_zero = -1;

void __real_free(void *memory);
void __wrap_free(void *memory);

/* The library's block starts with one line of its own in front of what the caller sees. */
void __wrap_free(void *memory)
{
    if (watched && (const unsigned char *)memory + 64 == watched) {
        watched_zero = 1;
        for (size_t i = 0; i < watched_size; i++)
            if (watched[i])
                watched_zero = 0;
        watched = NULL;
    }
    __real_free(memory);
}

static int zero_when_freed(void (*release)(void *), size_t size)
{
    unsigned char *memory = dpm_alloc(size, 1);
    ck_assert_ptr_nonnull(memory);
    memset(memory, 0xa5, size);
    watched = memory;
    watched_size = size;
    watched_zero = -1;
    release(memory);
    ck_assert_int_ne(watched_zero, -1); /* it came past */
    return watched_zero;
}

START_TEST(private_memory_is_wiped_before_it_goes_back)
{
    for (size_t size = 1; size < 300; size++)
        ck_assert_int_eq(zero_when_freed(dpm_free_wiped, size), 1);
    ck_assert_int_eq(zero_when_freed(dpm_free_wiped, 1000003), 1);
    ck_assert_int_eq(zero_when_freed(dpm_free, 100), 0); /* the test can tell */
}
END_TEST

START_TEST(wipe_writes_zeros_and_no_further)
{
    unsigned char bytes[67];
    memset(bytes, 0xff, sizeof bytes);
    dpm_wipe(bytes + 1, 65);
    for (size_t i = 0; i < sizeof bytes; i++)
        ck_assert_int_eq(bytes[i], i == 0 || i == 66 ? 0xff : 0);
    dpm_wipe(bytes, 0);
    ck_assert_int_eq(bytes[0], 0xff);
}
END_TEST

START_TEST(memory_is_zeroed_and_aligned)
{
    for (size_t n = 0; n < 200; n++) {
        unsigned char *memory = dpm_alloc(n, 3);
        ck_assert_ptr_nonnull(memory);
        ck_assert_uint_eq((uintptr_t)memory % 64, 0);
        for (size_t i = 0; i < 3 * n; i++)
            ck_assert_int_eq(memory[i], 0);
        memset(memory, 0xff, 3 * n);
        dpm_free(memory);
    }
    dpm_free(NULL);
    dpm_free_wiped(NULL);
}
END_TEST

START_TEST(strings_are_copied)
{
    const char *texts[] = {"", "a purpose"};
    for (int i = 0; i < 2; i++) {
        char *copy = dpm_alloc_string(texts[i]);
        ck_assert_ptr_ne(copy, texts[i]);
        ck_assert_str_eq(copy, texts[i]);
        dpm_free(copy);
    }
    dpm_alloc_fail_after(1, 0);
    ck_assert_ptr_null(dpm_alloc_string(texts[1]));
}
END_TEST

START_TEST(sizes_that_overflow_are_refused)
{
    static const size_t pairs[][2] = {
        {SIZE_MAX, 1},         {SIZE_MAX, 2},        {SIZE_MAX / 2 + 1, 2},
        {2, SIZE_MAX / 2 + 1}, {SIZE_MAX - 63, 1},   {SIZE_MAX - 127, 1},
        {SIZE_MAX / 3, 4},     {SIZE_MAX, SIZE_MAX}, {SIZE_MAX / 65536 + 1, 65536},
    };
    int64_t live = dpm_alloc_live();
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
        dpm_fail(DPMIX_ERR_ARG, "before");
        ck_assert_ptr_null(dpm_alloc(pairs[i][0], pairs[i][1]));
        ck_assert_str_eq(dpm_fail_message(), "out of memory");
    }
    ck_assert_int_eq(dpm_alloc_live(), live);
}
END_TEST

START_TEST(products_are_exact_or_refused)
{
    size_t product = 5;
    ck_assert(dpm_size_mul(&product, SIZE_MAX, 1) && product == SIZE_MAX);
    ck_assert(dpm_size_mul(&product, 1, SIZE_MAX) && product == SIZE_MAX);
    ck_assert(dpm_size_mul(&product, SIZE_MAX, 0) && product == 0);
    ck_assert(dpm_size_mul(&product, 0, SIZE_MAX) && product == 0);
    ck_assert(dpm_size_mul(&product, SIZE_MAX / 2, 2) && product == SIZE_MAX - 1);
    ck_assert(!dpm_size_mul(&product, SIZE_MAX / 2 + 1, 2));
    ck_assert(!dpm_size_mul(&product, 3, SIZE_MAX / 2));
    ck_assert(dpm_size_mul(&product, product, 1)); /* a refusal leaves the product */
    ck_assert_uint_eq(product, SIZE_MAX - 1);
}
END_TEST

START_TEST(the_planned_allocation_fails)
{
    for (int for_ever = 0; for_ever <= 1; for_ever++) {
        dpm_alloc_fail_after(3, for_ever);
        for (int i = 1; i <= 6; i++) {
            void *memory = dpm_alloc(8, 8);
            ck_assert_int_eq(memory == NULL, i == 3 || (for_ever && i > 3));
            dpm_free(memory);
        }
        dpm_alloc_fail_after(0, 0);
        void *memory = dpm_alloc(8, 8);
        ck_assert_ptr_nonnull(memory);
        dpm_free(memory);
    }
}
END_TEST

START_TEST(blocks_are_counted)
{
    int64_t live = dpm_alloc_live();
    void *one = dpm_alloc(1, 1), *other = dpm_alloc(0, 1);
    ck_assert_int_eq(dpm_alloc_live(), live + 2);
    dpm_free(one);
    dpm_free_wiped(other);
    dpm_free(NULL);
    ck_assert_int_eq(dpm_alloc_live(), live);
}
END_TEST

/* ---- bounds */

START_TEST(bounds_must_be_finite_and_ordered)
{
    static const double wrong[][2] = {
        {0, 0},        {1, 0},   {0, INFINITY}, {-INFINITY, 0},
        {NAN, 1},      {0, NAN}, {0, 1e39}, /* not finite as float32 */
        {-3e38, 3e38},                      /* nor is the width */
    };
    int64_t live = dpm_alloc_live();
    struct dpm_bounds bounds = {0};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        ck_assert_int_eq(dpm_bounds_new(&bounds, 3, &wrong[i][0], &wrong[i][1], 1), DPMIX_ERR_RANGE);
    const double lower[3] = {0, 0, 0}, upper[3] = {1, 1, 0};
    ck_assert_int_eq(dpm_bounds_new(&bounds, 3, lower, upper, 3), DPMIX_ERR_RANGE);
    ck_assert_int_eq(dpm_bounds_new(&bounds, 3, lower, upper, 2), DPMIX_ERR_RANGE);
    ck_assert_int_eq(dpm_bounds_new(&bounds, 3, lower, upper, 0), DPMIX_ERR_RANGE);
    ck_assert_int_eq(dpm_alloc_live(), live);
}
END_TEST

START_TEST(values_are_clamped_to_the_unit_interval)
{
    const double lower[3] = {-1, 0, 10}, upper[3] = {1, 255, 20};
    struct dpm_bounds bounds, copy;
    float out[3];
    ck_assert_int_eq(dpm_bounds_new(&bounds, 3, lower, upper, 3), DPMIX_OK);
    ck_assert_int_eq(dpm_bounds_copy(&copy, &bounds), DPMIX_OK);
    dpm_bounds_free(&bounds);
    dpm_bounds_normalise(&copy, DPM_TYPE_F32, (const float[]){0, 255, 12.5f}, out);
    ck_assert(out[0] == 0.5f && out[1] == 1 && out[2] == 0.25f);
    dpm_bounds_normalise(&copy, DPM_TYPE_F32, (const float[]){-1.5f, 256, NAN}, out);
    ck_assert(out[0] == 0 && out[1] == 1 && out[2] == 0);
    dpm_bounds_normalise(&copy, DPM_TYPE_F32, (const float[]){-INFINITY, INFINITY, -NAN}, out);
    ck_assert(out[0] == 0 && out[1] == 1 && out[2] == 0);
    dpm_bounds_normalise(&copy, DPM_TYPE_F64, (const double[]){0.5, -1e300, NAN}, out);
    ck_assert(out[0] == 0.75f && out[1] == 0 && out[2] == 0);
    dpm_bounds_normalise(&copy, DPM_TYPE_F64, (const double[]){-INFINITY, INFINITY, 1e300}, out);
    ck_assert(out[0] == 0 && out[1] == 1 && out[2] == 1);
    dpm_bounds_normalise(&copy, DPM_TYPE_U8, (const uint8_t[]){0, 51, 40}, out);
    ck_assert(out[0] == 0.5f && out[1] == 0.2f && out[2] == 1);
    ck_assert(dpm_bounds_restore(&copy, 0, 0) == -1 && dpm_bounds_restore(&copy, 1, 1) == 255);
    ck_assert(dpm_bounds_restore(&copy, 2, 0.5f) == 15 && dpm_bounds_restore(&copy, 2, NAN) == 10);
    ck_assert(dpm_bounds_restore(&copy, 0, -7) == -1 && dpm_bounds_restore(&copy, 1, 7) == 255);
    dpm_bounds_free(&copy);
}
END_TEST

/* Every byte, under bounds of many kinds, at every level: the float32 path is the double one, bit for bit. */
START_TEST(bytes_are_as_doubles)
{
    enum { BYTES = 256 };
    static const double pairs[][2] = {{0, 255},      {0, 1},        {0, 256},        {-1, 3},
                                      {10, 200},     {-128, 127},   {0, 1e-3},       {0.1, 254.9},
                                      {-1e30, 1e30}, {1.0 / 3, 77}, {-1000, 100000}, {0, 100}};
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        struct dpm_bounds bounds = {0};
        uint8_t bytes[BYTES];
        double doubles[BYTES];
        float given[BYTES], wanted[BYTES];
        for (int j = 0; j < BYTES; j++)
            doubles[j] = bytes[j] = (uint8_t)j;
        ck_assert_int_eq(dpm_bounds_new(&bounds, BYTES, &pairs[i][0], &pairs[i][1], 1), DPMIX_OK);
        ck_assert(i > 0 || bounds.byte_exact); /* images take the fast path */
        dpm_bounds_normalise(&bounds, DPM_TYPE_F64, doubles, wanted);
        for (int level = DPM_SIMD_PLAIN; level <= DPM_SIMD_AVX512; level++) {
            dpm_simd_limit(level);
            dpm_bounds_normalise(&bounds, DPM_TYPE_U8, bytes, given);
            ck_assert_mem_eq(given, wanted, sizeof given);
        }
        dpm_bounds_free(&bounds);
    }
}
END_TEST

/* Whatever the rounding, what comes back lies within the bounds. */
START_TEST(restored_values_stay_within_the_bounds)
{
    uint32_t state = 1;
    for (int i = 0; i < 20000; i++) {
        double pair[3];
        for (int j = 0; j < 3; j++) {
            state = state * 1664525 + 1013904223;
            pair[j] = (double)state / 4294967296.0;
        }
        double lower = pair[0] * 2000 - 1000, upper = lower + pair[1] + 1e-3;
        struct dpm_bounds bounds;
        ck_assert_int_eq(dpm_bounds_new(&bounds, 1, &lower, &upper, 1), DPMIX_OK);
        const float places[] = {0, 1, (float)pair[2]};
        for (int j = 0; j < 3; j++) {
            double value = dpm_bounds_restore(&bounds, 0, places[j]);
            ck_assert(value >= lower && value <= upper);
            ck_assert((float)value >= (float)lower && (float)value <= (float)upper);
        }
        dpm_bounds_free(&bounds);
    }
}
END_TEST

/* A day of nanoseconds since 1970: float32 has not one number between its bounds. */
START_TEST(bounds_may_be_finer_than_float32)
{
    const double lower = 1.7e18, upper = 1.7e18 + 86400e9, step = 86400e9 / 0x1p24;
    struct dpm_bounds bounds;
    ck_assert_int_eq(dpm_bounds_new(&bounds, 1, &lower, &upper, 1), DPMIX_OK);
    for (double part = 0.001; part < 1; part += 0.01) {
        double value = lower + part * (upper - lower);
        float place;
        dpm_bounds_normalise(&bounds, DPM_TYPE_F64, &value, &place);
        ck_assert_double_eq_tol(dpm_bounds_restore(&bounds, 0, place), value, step);
    }
    dpm_bounds_free(&bounds);
}
END_TEST

START_TEST(bounds_survive_failed_allocations)
{
    const double lower = 0, upper = 1;
    int64_t live = dpm_alloc_live();
    struct dpm_bounds bounds, copy;
    for (uint64_t nth = 1; nth <= 3; nth++) {
        dpm_alloc_fail_after(nth, 0);
        ck_assert_int_eq(dpm_bounds_new(&bounds, 9, &lower, &upper, 1), DPMIX_ERR_NOMEM);
        ck_assert_int_eq(dpm_alloc_live(), live);
    }
    ck_assert_int_eq(dpm_bounds_new(&bounds, 9, &lower, &upper, 1), DPMIX_OK);
    for (uint64_t nth = 1; nth <= 3; nth++) {
        dpm_alloc_fail_after(nth, 0);
        ck_assert_int_eq(dpm_bounds_copy(&copy, &bounds), DPMIX_ERR_NOMEM);
    }
    dpm_bounds_free(&bounds);
    ck_assert_int_eq(dpm_alloc_live(), live);
}
END_TEST

/* ---- options */

START_TEST(option_values_are_read_by_key)
{
    struct dpmix_options options = {{0}};
    options.value[DPMIX_OPTION_STEPS] = 2147483647.0;
    options.value[DPMIX_OPTION_CLIP_NORM] = 0.125;
    ck_assert_int_eq(dpm_option_int(&options, DPMIX_OPTION_STEPS), 2147483647);
    ck_assert(dpm_option_double(&options, DPMIX_OPTION_CLIP_NORM) == 0.125);
    ck_assert_int_eq(dpm_option_int(&options, DPMIX_OPTION_THREADS), 0);
}
END_TEST

/* ---- texts */

/* As RFC 3629 has it, but for surrogates, which it forbids. */
static size_t encode(unsigned point, unsigned char *bytes)
{
    static const unsigned char marks[] = {0, 0, 0xC0, 0xE0, 0xF0};
    size_t n = point < 0x80 ? 1 : point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;
    for (size_t i = n; i-- > 1; point >>= 6)
        bytes[i] = (unsigned char)(0x80 | (point & 0x3F));
    bytes[0] = (unsigned char)(marks[n] | point);
    bytes[n] = 0;
    return n;
}

START_TEST(every_character_is_utf8_and_no_surrogate)
{
    unsigned char bytes[8];
    for (unsigned point = 1; point < 0x120000; point++) {
        size_t n = encode(point, bytes);
        int valid = point < 0x110000 && (point < 0xD800 || point > 0xDFFF);
        ck_assert_uint_eq(dpm_utf8_length(bytes), valid ? n : 0);
        ck_assert_int_eq(dpm_utf8_is((const char *)bytes), valid);
    }
}
END_TEST

START_TEST(pieces_and_long_forms_are_not_utf8)
{
    static const char *const bad[] = {"\x80",
                                      "\xBF",
                                      "\xC3",
                                      "a\xC3",
                                      "\xC3z",
                                      "\xE2\x82",
                                      "\xE2\x82z",
                                      "\xF0\x9F\x98",
                                      "\xC0\x80",
                                      "\xC1\xBF",
                                      "\xE0\x9F\xBF",
                                      "\xF0\x8F\xBF\xBF",
                                      "\xF5\x80\x80\x80",
                                      "\xFE",
                                      "\xFF",
                                      "ok\xED\xA0\x80"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        ck_assert_int_eq(dpm_utf8_is(bad[i]), 0);
    ck_assert_int_eq(dpm_utf8_is(""), 1);
    ck_assert_int_eq(dpm_utf8_is("a\xC3\xA4\xE2\x82\xAC\xF0\x9F\x98\x80 b"), 1);
}
END_TEST

static Suite *base_suite(void)
{
    Suite *suite = suite_create("base");
    CHECK_ADD(suite, fail_gives_the_status_and_keeps_the_message);
    CHECK_ADD(suite, long_messages_are_cut);
    CHECK_ADD(suite, each_thread_has_its_own_message);
    CHECK_ADD(suite, each_thread_has_its_own_reason);
    CHECK_ADD(suite, every_status_has_a_text_of_its_own);
    CHECK_ADD(suite, private_memory_is_wiped_before_it_goes_back);
    CHECK_ADD(suite, wipe_writes_zeros_and_no_further);
    CHECK_ADD(suite, memory_is_zeroed_and_aligned);
    CHECK_ADD(suite, strings_are_copied);
    CHECK_ADD(suite, sizes_that_overflow_are_refused);
    CHECK_ADD(suite, products_are_exact_or_refused);
    CHECK_ADD(suite, the_planned_allocation_fails);
    CHECK_ADD(suite, blocks_are_counted);
    CHECK_ADD(suite, bounds_must_be_finite_and_ordered);
    CHECK_ADD(suite, values_are_clamped_to_the_unit_interval);
    CHECK_ADD(suite, bytes_are_as_doubles);
    CHECK_ADD(suite, restored_values_stay_within_the_bounds);
    CHECK_ADD(suite, bounds_may_be_finer_than_float32);
    CHECK_ADD(suite, bounds_survive_failed_allocations);
    CHECK_ADD(suite, option_values_are_read_by_key);
    CHECK_ADD(suite, every_character_is_utf8_and_no_surrogate);
    CHECK_ADD(suite, pieces_and_long_forms_are_not_utf8);
    return suite;
}

CHECK_MAIN(base_suite)
