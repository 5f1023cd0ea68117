/* SPDX-License-Identifier: BSD-3-Clause */
#include "base_alloc.h"
#include "base_fail.h"
#include "load_idx.h"

#include "check_main.h"
#include "tiny_traces.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

enum { PLAIN = 0, GZIP = 1, MAX_FILE = 4096 };

/* Two items of 2 x 3 bytes. */
static const uint8_t small[] = {0, 0, 8, 3, 0, 0, 0, 2, 0,   0,   0,   2,   0,   0,
                                0, 3, 1, 2, 3, 4, 5, 6, 250, 251, 252, 253, 254, 255};

static char path[64];

/* Each test runs in a process of its own, in the folder that the runner gives. */
static void setup(void)
{
    snprintf(path, sizeof path, "load_test.%ld.idx", (long)getpid());
}

static void teardown(void)
{
    unlink(path);
}

static void write_file(const uint8_t *bytes, size_t n)
{
    FILE *file = fopen(path, "wb");
    ck_assert_ptr_nonnull(file);
    ck_assert_uint_eq(fwrite(bytes, 1, n, file), n);
    ck_assert_int_eq(fclose(file), 0);
}

/* One gzip member; what it takes of `packed`. */
static size_t pack(uint8_t *packed, size_t room, const uint8_t *bytes, size_t n)
{
    z_stream stream = {0};
    ck_assert_int_eq(deflateInit2(&stream, 9, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
    uint8_t *input = malloc(n + 1); /* deflate() takes no const */
    ck_assert_ptr_nonnull(input);
    memcpy(input, bytes, n);
    stream.next_in = input;
    stream.avail_in = (uInt)n;
    stream.next_out = packed;
    stream.avail_out = (uInt)room;
    ck_assert_int_eq(deflate(&stream, Z_FINISH), Z_STREAM_END);
    size_t length = room - stream.avail_out;
    deflateEnd(&stream);
    free(input);
    return length;
}

static size_t write_as(int form, const uint8_t *bytes, size_t n, uint8_t *raw)
{
    size_t length = n;
    if (form == GZIP)
        length = pack(raw, MAX_FILE, bytes, n);
    else
        memcpy(raw, bytes, n);
    write_file(raw, length);
    return length;
}

/* Nothing is written and nothing is kept. The message is one line that names the file. */
static void expect_refused(int status)
{
    struct dpm_idx idx = {(uint8_t *)path, 77, 88, 99};
    int64_t live = dpm_alloc_live();
    int descriptor = next_descriptor();
    ck_assert_int_eq(dpm_load_idx(&idx, path), status);
    ck_assert_int_eq(next_descriptor(), descriptor);
    ck_assert_ptr_eq(idx.bytes, path);
    ck_assert_uint_eq(idx.items, 77);
    ck_assert_uint_eq(idx.item_size, 88);
    ck_assert_uint_eq(idx.side, 99);
    ck_assert_int_eq(dpm_alloc_live(), live);
    ck_assert_ptr_nonnull(strstr(dpm_fail_message(), path));
    ck_assert_ptr_null(strchr(dpm_fail_message(), '\n'));
}

static void expect_small(void)
{
    struct dpm_idx idx;
    int64_t live = dpm_alloc_live();
    int descriptor = next_descriptor();
    ck_assert_int_eq(dpm_load_idx(&idx, path), DPMIX_OK);
    ck_assert_int_eq(next_descriptor(), descriptor);
    ck_assert_uint_eq(idx.items, 2);
    ck_assert_uint_eq(idx.item_size, 6);
    ck_assert_uint_eq(idx.side, 0);
    ck_assert_mem_eq(idx.bytes, small + 16, 12);
    ck_assert_int_eq(dpm_alloc_live(), live + 1);
    dpm_free_wiped(idx.bytes);
    ck_assert_int_eq(dpm_alloc_live(), live);
}

START_TEST(reads_what_was_written)
{
    uint8_t raw[MAX_FILE];
    write_as(_i, small, sizeof small, raw);
    expect_small();
}
END_TEST

/* Items with two dimensions that are equal; one or three dimensions are no square. */
START_TEST(knows_squares)
{
    static const struct {
        size_t side;
        uint8_t bytes[20];
    } files[] = {{0, {0, 0, 8, 1, 0, 0, 0, 0}},
                 {0, {0, 0, 8, 2, 0, 0, 0, 0, 0, 0, 0, 9}},
                 {300, {0, 0, 8, 3, 0, 0, 0, 0, 0, 0, 1, 44, 0, 0, 1, 44}},
                 {0, {0, 0, 8, 3, 0, 0, 0, 0, 0, 0, 1, 44, 0, 0, 2, 44}},
                 {0, {0, 0, 8, 4, 0, 0, 0, 0, 0, 0, 0, 4, 0, 0, 0, 4, 0, 0, 0, 4}}};
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        uint8_t raw[MAX_FILE];
        struct dpm_idx idx;
        write_as(_i, files[i].bytes, 4 + 4 * (size_t)files[i].bytes[3], raw);
        ck_assert_int_eq(dpm_load_idx(&idx, path), DPMIX_OK);
        ck_assert_uint_eq(idx.items, 0);
        ck_assert_uint_eq(idx.side, files[i].side);
        dpm_free_wiped(idx.bytes);
    }
}
END_TEST

START_TEST(reads_labels)
{
    static const uint8_t labels[] = {0, 0, 8, 1, 0, 0, 0, 3, 9, 0, 5};
    uint8_t raw[MAX_FILE];
    struct dpm_idx idx;
    write_as(_i, labels, sizeof labels, raw);
    ck_assert_int_eq(dpm_load_idx(&idx, path), DPMIX_OK);
    ck_assert_uint_eq(idx.items, 3);
    ck_assert_uint_eq(idx.item_size, 1);
    ck_assert_mem_eq(idx.bytes, labels + 8, 3);
    dpm_free_wiped(idx.bytes);
}
END_TEST

/* An empty data set is somebody's neighbour. */
START_TEST(reads_no_items)
{
    static const uint8_t none[] = {0, 0, 8, 2, 0, 0, 0, 0, 0, 0, 0, 7};
    uint8_t raw[MAX_FILE];
    struct dpm_idx idx;
    write_as(_i, none, sizeof none, raw);
    ck_assert_int_eq(dpm_load_idx(&idx, path), DPMIX_OK);
    ck_assert_uint_eq(idx.items, 0);
    ck_assert_uint_eq(idx.item_size, 7);
    ck_assert_ptr_nonnull(idx.bytes);
    dpm_free_wiped(idx.bytes);
}
END_TEST

START_TEST(reads_eight_dimensions)
{
    uint8_t file[4 + 8 * 4 + 6] = {0, 0, 8, 8};
    uint8_t raw[MAX_FILE];
    for (size_t i = 0; i < 8; i++)
        file[4 + 4 * i + 3] = i == 2 ? 3 : i == 6 ? 2 : 1;
    struct dpm_idx idx;
    write_as(_i, file, sizeof file, raw);
    ck_assert_int_eq(dpm_load_idx(&idx, path), DPMIX_OK);
    ck_assert_uint_eq(idx.items, 1);
    ck_assert_uint_eq(idx.item_size, 6);
    dpm_free_wiped(idx.bytes);
}
END_TEST

/* Larger than the first chunk and the input buffer, and not a multiple of either. */
START_TEST(reads_a_large_file)
{
    enum { ITEMS = 4099, ITEM_SIZE = 1021, SIZE = ITEMS * ITEM_SIZE };
    uint8_t header[12] = {0, 0, 8, 2, 0, 0, ITEMS >> 8, ITEMS & 255, 0, 0, ITEM_SIZE >> 8, ITEM_SIZE & 255};
    uint8_t *bytes = malloc(sizeof header + SIZE);
    ck_assert_ptr_nonnull(bytes);
    memcpy(bytes, header, sizeof header);
    uint32_t state = 1;
    for (size_t i = 0; i < SIZE; i++) {
        state = state * 1664525 + 1013904223;
        bytes[sizeof header + i] = (uint8_t)(state >> 24);
    }
    gzFile file = gzopen(path, _i == GZIP ? "wb1" : "wbT"); /* T: as it is */
    ck_assert_ptr_nonnull(file);
    ck_assert_int_eq(gzwrite(file, bytes, sizeof header + SIZE), (int)(sizeof header + SIZE));
    ck_assert_int_eq(gzclose(file), Z_OK);
    struct dpm_idx idx;
    ck_assert_int_eq(dpm_load_idx(&idx, path), DPMIX_OK);
    ck_assert_uint_eq(idx.items, ITEMS);
    ck_assert_uint_eq(idx.item_size, ITEM_SIZE);
    ck_assert(memcmp(idx.bytes, bytes + sizeof header, SIZE) == 0);
    dpm_free_wiped(idx.bytes);
    free(bytes);
}
END_TEST

/* gzip's files may be joined; the parts are one file. */
START_TEST(reads_joined_gzip_members)
{
    uint8_t raw[2 * MAX_FILE];
    size_t length = pack(raw, MAX_FILE, small, 21);
    length += pack(raw + length, MAX_FILE, small + 21, sizeof small - 21);
    write_file(raw, length);
    expect_small();
}
END_TEST

START_TEST(refuses_every_truncation)
{
    uint8_t raw[MAX_FILE];
    size_t length = write_as(_i, small, sizeof small, raw);
    for (size_t n = 0; n < length; n++) {
        write_file(raw, n);
        expect_refused(DPMIX_ERR_FORMAT);
    }
}
END_TEST

START_TEST(refuses_trailing_bytes)
{
    uint8_t longer[sizeof small + 1] = {0};
    uint8_t raw[MAX_FILE];
    memcpy(longer, small, sizeof small);
    write_as(_i, longer, sizeof longer, raw);
    expect_refused(DPMIX_ERR_FORMAT);
}
END_TEST

START_TEST(refuses_bytes_after_the_gzip_data)
{
    uint8_t raw[MAX_FILE];
    size_t length = pack(raw, MAX_FILE - 1, small, sizeof small);
    raw[length] = 0;
    write_file(raw, length + 1);
    expect_refused(DPMIX_ERR_FORMAT);
}
END_TEST

/* Whichever bit of a gzip file is damaged: an error, or the same bytes where the bit says nothing of them
 * (time and system in the header; what fills up the last byte before the checksum). */
START_TEST(survives_damage_of_every_gzip_byte)
{
    uint8_t raw[MAX_FILE];
    size_t refused = 0;
    size_t length = write_as(GZIP, small, sizeof small, raw);
    for (size_t i = 0; i < length; i++) {
        for (int bit = 0; bit < 8; bit++) {
            struct dpm_idx idx = {0};
            raw[i] ^= (uint8_t)(1 << bit);
            write_file(raw, length);
            raw[i] ^= (uint8_t)(1 << bit);
            int status = dpm_load_idx(&idx, path);
            if (status) {
                ck_assert_int_eq(status, DPMIX_ERR_FORMAT);
                refused++;
                continue;
            }
            ck_assert_uint_eq(idx.items, 2);
            ck_assert_mem_eq(idx.bytes, small + 16, 12);
            dpm_free_wiped(idx.bytes);
        }
    }
    ck_assert_uint_ge(refused, 8 * (length - 11));
}
END_TEST

START_TEST(refuses_other_headers)
{
    static const struct {
        size_t at;
        uint8_t byte;
    } wrong[] = {
        {0, 1}, {1, 1},   {2, 0x09}, {2, 0x0b}, {2, 0x0c}, {2, 0x0d}, {2, 0x0e}, {2, 0},  {3, 0},
        {3, 9}, {3, 255}, {3, 2},    {3, 4},    {7, 1},    {7, 3},    {4, 0x80}, {11, 0}, {15, 0},
    };
    uint8_t raw[MAX_FILE];
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        uint8_t file[sizeof small];
        memcpy(file, small, sizeof file);
        file[wrong[i].at] = wrong[i].byte;
        write_as(_i, file, sizeof file, raw);
        expect_refused(DPMIX_ERR_FORMAT);
    }
}
END_TEST

/* From 2^32 - 1 items of one byte to products that no size holds: memory follows the file, not its header. */
START_TEST(refuses_dimensions_that_the_file_does_not_hold)
{
    uint8_t raw[MAX_FILE];
    for (uint8_t n = 1; n <= 8; n++) {
        uint8_t file[4 + 8 * 4 + 4] = {0, 0, 8, n};
        memset(file + 4, 0xff, 4 * (size_t)n);
        write_as(_i, file, sizeof file, raw);
        long before = peak_memory();
        expect_refused(DPMIX_ERR_FORMAT);
        ck_assert_int_lt(peak_memory() - before, 64 * 1024);
    }
}
END_TEST

/* Headers that claim no bytes at all, or a multiple of 2^64 of them, with nothing behind: only the checks of
 * the header can see what is wrong. */
START_TEST(refuses_headers_that_are_wrong_by_themselves)
{
    static const struct {
        uint8_t n_dimensions;
        uint32_t size[9];
    } wrong[] = {
        {0, {0}},
        {9, {0, 1, 1, 1, 1, 1, 1, 1, 1}},
        {2, {5, 0}},
        {3, {0, 0, 1}},
        {3, {1 << 16, 1 << 24, 1 << 24}},
        {2, {0, 0}},
        {4, {0, 0xffffffff, 0xffffffff, 0xffffffff}},
        {4, {0, 1u << 31, 1u << 31, 4}},
    };
    uint8_t raw[MAX_FILE];
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        uint8_t file[4 + 9 * 4] = {0, 0, 8, wrong[i].n_dimensions};
        for (size_t j = 0; j < wrong[i].n_dimensions; j++)
            for (size_t k = 0; k < 4; k++)
                file[4 + 4 * j + k] = (uint8_t)(wrong[i].size[j] >> (24 - 8 * k));
        write_as(_i, file, 4 + 4 * (size_t)wrong[i].n_dimensions, raw);
        expect_refused(DPMIX_ERR_FORMAT);
    }
}
END_TEST

START_TEST(no_private_byte_goes_back_to_the_heap)
{
    enum { ITEMS = 200000 };
    static uint8_t file[12 + ITEMS * sizeof private_bytes] = {
        0, 0, 8, 2, ITEMS >> 24, ITEMS >> 16 & 255, ITEMS >> 8 & 255, ITEMS & 255, 0, 0, 0, 16};
    for (size_t i = 0; i < ITEMS; i++)
        memcpy(file + 12 + i * sizeof private_bytes, private_bytes, sizeof private_bytes);
    gzFile out = gzopen(path, _i == GZIP ? "wb1" : "wbT");
    ck_assert_int_eq(gzwrite(out, file, sizeof file), (int)sizeof file);
    ck_assert_int_eq(gzclose(out), Z_OK);
    struct dpm_idx idx;
    watching = 1;
    ck_assert_int_eq(dpm_load_idx(&idx, path), DPMIX_OK);
    dpm_free_wiped(idx.bytes);
    ck_assert_int_eq(truncate(path, _i == GZIP ? 5000 : sizeof file - 1), 0);
    ck_assert_int_eq(dpm_load_idx(&idx, path), DPMIX_ERR_FORMAT);
    watching = 0;
    ck_assert_int_ge(freed, 6); /* it did look: at least three blocks each time */
    ck_assert_int_eq(seen_in_freed_memory, 0);
}
END_TEST

START_TEST(refuses_what_cannot_be_read)
{
    expect_refused(DPMIX_ERR_IO); /* missing */
    ck_assert_int_eq(mkdir(path, 0700), 0);
    expect_refused(DPMIX_ERR_IO);
    ck_assert_int_eq(rmdir(path), 0);
}
END_TEST

/* The end of a long path is what tells files apart. */
START_TEST(the_message_of_a_long_path_keeps_the_reason)
{
    char deep[600];
    memset(deep, 'd', sizeof deep);
    memcpy(deep + sizeof deep - 8, "tail.gz", 8);
    struct dpm_idx idx;
    ck_assert_int_eq(dpm_load_idx(&idx, deep), DPMIX_ERR_IO);
    ck_assert_ptr_nonnull(strstr(dpm_fail_message(), "tail.gz: cannot be opened: "));
}
END_TEST

START_TEST(every_failed_allocation_is_survived)
{
    uint8_t raw[MAX_FILE];
    int failures = 0;
    write_as(_i, small, sizeof small, raw);
    for (uint64_t nth = 1;; nth++) {
        struct dpm_idx idx = {0};
        int64_t live = dpm_alloc_live();
        dpm_alloc_fail_after(nth, 0);
        int status = dpm_load_idx(&idx, path);
        dpm_alloc_fail_after(0, 0);
        if (!status) {
            dpm_free_wiped(idx.bytes);
            break;
        }
        failures++;
        ck_assert_int_eq(status, DPMIX_ERR_NOMEM);
        ck_assert_ptr_null(idx.bytes);
        ck_assert_int_eq(dpm_alloc_live(), live);
    }
    ck_assert_int_ge(failures, _i == GZIP ? 4 : 2); /* input and bytes; zlib's state and window */
}
END_TEST

static char real_images[4096];

START_TEST(reads_real_images)
{
    struct dpm_idx idx;
    ck_assert_int_eq(dpm_load_idx(&idx, real_images), DPMIX_OK);
    ck_assert_uint_eq(idx.items, 10000);
    ck_assert_uint_eq(idx.item_size, 784);
    dpm_free_wiped(idx.bytes);
}
END_TEST

/* They are there where DPMIX_FASHION_MNIST says, or there is no such test. */
static int find_real_images(void)
{
    const char *folder = getenv("DPMIX_FASHION_MNIST");
    snprintf(real_images, sizeof real_images, "%s/t10k-images-idx3-ubyte.gz", folder ? folder : ".");
    return access(real_images, R_OK) == 0;
}

static Suite *load_suite(void)
{
    Suite *suite = suite_create("load");
    TCase *idx = tcase_create("idx");
    tcase_set_timeout(idx, 0);
    tcase_add_checked_fixture(idx, setup, teardown);
    tcase_add_loop_test(idx, reads_what_was_written, PLAIN, GZIP + 1);
    tcase_add_loop_test(idx, knows_squares, PLAIN, GZIP + 1);
    tcase_add_loop_test(idx, reads_labels, PLAIN, GZIP + 1);
    tcase_add_loop_test(idx, reads_no_items, PLAIN, GZIP + 1);
    tcase_add_loop_test(idx, reads_eight_dimensions, PLAIN, GZIP + 1);
    tcase_add_loop_test(idx, reads_a_large_file, PLAIN, GZIP + 1);
    tcase_add_test(idx, reads_joined_gzip_members);
    tcase_add_loop_test(idx, refuses_every_truncation, PLAIN, GZIP + 1);
    tcase_add_loop_test(idx, refuses_trailing_bytes, PLAIN, GZIP + 1);
    tcase_add_test(idx, refuses_bytes_after_the_gzip_data);
    tcase_add_test(idx, survives_damage_of_every_gzip_byte);
    tcase_add_loop_test(idx, refuses_other_headers, PLAIN, GZIP + 1);
    tcase_add_loop_test(idx, refuses_dimensions_that_the_file_does_not_hold, PLAIN, GZIP + 1);
    tcase_add_loop_test(idx, refuses_headers_that_are_wrong_by_themselves, PLAIN, GZIP + 1);
    tcase_add_loop_test(idx, no_private_byte_goes_back_to_the_heap, PLAIN, GZIP + 1);
    tcase_add_test(idx, refuses_what_cannot_be_read);
    tcase_add_test(idx, the_message_of_a_long_path_keeps_the_reason);
    tcase_add_loop_test(idx, every_failed_allocation_is_survived, PLAIN, GZIP + 1);
    if (find_real_images())
        tcase_add_test(idx, reads_real_images);
    suite_add_tcase(suite, idx);
    return suite;
}

CHECK_MAIN(load_suite)
