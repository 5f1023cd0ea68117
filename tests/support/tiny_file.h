/* SPDX-License-Identifier: BSD-3-Clause */
/* Files for tests: a folder for each test, and files that are damaged in every way that one byte can be. */
#ifndef DPM_TESTS_TINY_FILE_H
#define DPM_TESTS_TINY_FILE_H

#include "base_alloc.h"

#include "check_status.h"

#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

enum { TINY_HEADER = 24, TINY_LENGTH_AT = 16, TINY_CHECKSUM = 4 };

struct tiny_bytes {
    uint8_t *bytes;
    size_t n;
};

/* Each test runs in a process of its own: a folder of its own, in the folder that the runner gives. */
static inline const char *tiny_folder(void)
{
    static char folder[64];
    snprintf(folder, sizeof folder, "api_test.%ld", (long)getpid());
    return folder;
}

static const char *const tiny_names[] = {"a",         "b",      "damaged",     "images",
                                         "images_gz", "labels", "labels_file", "missing"};

enum { TINY_NAMES = sizeof tiny_names / sizeof *tiny_names };

/* The path of a file of one of these names, for as long as the test runs. */
static inline const char *tiny_path(const char *name)
{
    static char paths[TINY_NAMES][96];
    size_t i = 0;
    while (i < TINY_NAMES && strcmp(tiny_names[i], name) != 0)
        i++;
    ck_assert_uint_lt(i, TINY_NAMES);
    snprintf(paths[i], sizeof paths[i], "%s/%s", tiny_folder(), name);
    return paths[i];
}

static inline void tiny_folder_setup(void)
{
    ck_assert_int_eq(mkdir(tiny_folder(), 0700), 0);
}

/* A folder that does not go holds what the library left in it. */
static inline void tiny_folder_teardown(void)
{
    for (size_t i = 0; i < TINY_NAMES; i++)
        unlink(tiny_path(tiny_names[i]));
    ck_assert_int_eq(rmdir(tiny_folder()), 0);
}

/* The same for a test that gives back all memory, too. */
static int64_t tiny_live;

static inline void tiny_clean_setup(void)
{
    tiny_live = dpm_alloc_live();
    tiny_folder_setup();
}

static inline void tiny_clean_teardown(void)
{
    tiny_folder_teardown();
    ck_assert_int_eq(dpm_alloc_live(), tiny_live);
}

/* Over what is there: to empty a file and write it anew makes some file systems wait for the disk, and tests
 * do it tens of thousands of times. */
static inline void tiny_write(const char *path, const uint8_t *bytes, size_t n)
{
    int file = open(path, O_WRONLY | O_CREAT, 0600);
    ck_assert_int_ge(file, 0);
    ck_assert_int_eq(write(file, bytes, n), (ssize_t)n);
    ck_assert_int_eq(ftruncate(file, (off_t)n), 0);
    ck_assert_int_eq(close(file), 0);
}

/* The caller frees the bytes. */
static inline struct tiny_bytes tiny_read(const char *path)
{
    struct stat about;
    ck_assert_int_eq(stat(path, &about), 0);
    struct tiny_bytes file = {malloc((size_t)about.st_size + 1), (size_t)about.st_size};
    FILE *stream = fopen(path, "rb");
    ck_assert_ptr_nonnull(stream);
    ck_assert_ptr_nonnull(file.bytes);
    ck_assert_uint_eq(fread(file.bytes, 1, file.n, stream), file.n);
    fclose(stream);
    return file;
}

/* The same for a file of tests/data. */
static inline struct tiny_bytes tiny_read_data(const char *name)
{
    const char *data = getenv("DPMIX_TEST_DATA");
    char path[4096];
    ck_assert_ptr_nonnull(data);
    snprintf(path, sizeof path, "%s/%s", data, name);
    return tiny_read(path);
}

static inline int tiny_same_files(const char *a, const char *b)
{
    struct tiny_bytes left = tiny_read(a), right = tiny_read(b);
    int same = left.n == right.n && memcmp(left.bytes, right.bytes, left.n) == 0;
    free(left.bytes);
    free(right.bytes);
    return same;
}

static inline void tiny_store(uint8_t *bytes, uint64_t value, size_t n)
{
    for (size_t i = 0; i < n; i++)
        bytes[i] = (uint8_t)(value >> (8 * i));
}

/* Makes the length and the checksum of a model file right again. */
static inline void tiny_seal(uint8_t *bytes, size_t n)
{
    tiny_store(bytes + TINY_LENGTH_AT, n - TINY_HEADER - TINY_CHECKSUM, 8);
    tiny_store(bytes + n - TINY_CHECKSUM, crc32(0, bytes, (uInt)(n - TINY_CHECKSUM)), TINY_CHECKSUM);
}

/* Loads a file, uses what it got and frees it; the status of the load. */
typedef int tiny_load_fn(const char *path);

static inline int tiny_try(tiny_load_fn *load, const uint8_t *bytes, size_t n)
{
    const char *path = tiny_path("damaged");
    int64_t live = dpm_alloc_live();
    tiny_write(path, bytes, n);
    int status = load(path);
    ck_assert_int_eq(dpm_alloc_live(), live);
    return status;
}

/* Cut at every length, with and without a header and a checksum that fit. */
static inline void tiny_truncate(tiny_load_fn *load, struct tiny_bytes file, uint8_t *work)
{
    for (size_t n = 0; n < file.n; n++) {
        ck_assert_msg(tiny_try(load, file.bytes, n) == DPMIX_ERR_FORMAT, "cut after %zu bytes", n);
        if (n < TINY_HEADER + TINY_CHECKSUM)
            continue;
        memcpy(work, file.bytes, n);
        tiny_seal(work, n);
        ck_assert_msg(tiny_try(load, work, n) == DPMIX_ERR_FORMAT, "cut after %zu bytes and sealed", n);
    }
    memcpy(work, file.bytes, file.n);
    work[file.n] = 0;
    ck_assert_int_eq(tiny_try(load, work, file.n + 1), DPMIX_ERR_FORMAT);
    tiny_seal(work, file.n + 1);
    ck_assert_int_eq(tiny_try(load, work, file.n + 1), DPMIX_ERR_FORMAT);
}

/* Whether a byte lies within the ledger, which no reader looks into. */
static inline int tiny_in_text(struct tiny_bytes file, size_t place)
{
    if (place < 16 || place + 16 > file.n)
        return 0;
    for (size_t i = place - 16; i < place + 16; i++)
        if (file.bytes[i] != '\n' && (file.bytes[i] < ' ' || file.bytes[i] > '~'))
            return 0;
    return 1;
}

static inline void tiny_expect_whole(int status, size_t place, size_t value)
{
    ck_assert_msg(status == DPMIX_OK || status == DPMIX_ERR_FORMAT, "value %zu at byte %zu: %d, %s", value,
                  place, status, dpmix_last_error());
}

/* Every byte changed. The checksum finds it; with a checksum that fits, the reader must cope by itself: a
 * number or a text may then be another good one, so that only crashes and leaks are faults. */
static inline void tiny_flip(tiny_load_fn *load, struct tiny_bytes file, uint8_t *work)
{
    static const uint8_t values[] = {0x00, 0x01, 0x7f, 0x80, 0xff};
    memcpy(work, file.bytes, file.n);
    for (size_t i = 0; i < file.n; i++) {
        for (int bits = 1; bits < 0x100; bits += 0xfe) {
            work[i] = (uint8_t)(file.bytes[i] ^ bits);
            ck_assert_msg(tiny_try(load, work, file.n) == DPMIX_ERR_FORMAT, "byte %zu flipped", i);
        }
        int sealed = i < file.n - TINY_CHECKSUM && !tiny_in_text(file, i);
        for (size_t v = 0; sealed && v < sizeof values; v++) {
            work[i] = values[v];
            tiny_seal(work, file.n);
            tiny_expect_whole(tiny_try(load, work, file.n), i, v);
        }
        memcpy(work, file.bytes, file.n);
    }
}

/* Every eight bytes replaced by numbers that readers trip over. */
static inline void tiny_poison(tiny_load_fn *load, struct tiny_bytes file, uint8_t *work)
{
    static const uint64_t numbers[] = {
        0,
        UINT64_MAX,
        UINT64_C(1) << 63,
        UINT64_C(1) << 32,
        UINT64_C(1) << 31,
        1000000,
        UINT64_C(0x7ff8000000000000), /* NaN */
        UINT64_C(0x7fc000007fc00000), /* twice NaN, in float32 */
        UINT64_C(0x7f7fffff7f7fffff), /* twice the largest float32 */
        UINT64_C(0x7fefffffffffffff), /* the largest float64 */
    };
    for (size_t i = TINY_HEADER; i + 8 <= file.n - TINY_CHECKSUM; i++)
        for (size_t v = 0; !tiny_in_text(file, i) && v < sizeof numbers / sizeof *numbers; v++) {
            memcpy(work, file.bytes, file.n);
            tiny_store(work + i, numbers[v], 8);
            tiny_seal(work, file.n);
            tiny_expect_whole(tiny_try(load, work, file.n), i, v);
        }
}

/* All of it, on the model file at `path`. */
static inline void tiny_damage(tiny_load_fn *load, const char *path)
{
    struct tiny_bytes file = tiny_read(path);
    uint8_t *work = malloc(file.n + 1);
    ck_assert_ptr_nonnull(work);
    ck_assert_int_eq(tiny_try(load, file.bytes, file.n), DPMIX_OK);
    tiny_truncate(load, file, work);
    tiny_flip(load, file, work);
    tiny_poison(load, file, work);
    free(work);
    free(file.bytes);
}

#endif
