/* SPDX-License-Identifier: BSD-3-Clause */
/* Model files: what was put is got again, and a file that is not whole gets an error. */
#include "base_alloc.h"
#include "base_blob.h"
#include "base_bounds.h"
#include "base_fail.h"

#include "check_main.h"

#include <dirent.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { KIND = 2, MAX_FILE = 1024, HEADER = 24, CHECKSUM = 4 };

static char folder[64], path[128];

/* Each test runs in a process of its own, with a folder of its own. */
static void setup(void)
{
    snprintf(folder, sizeof folder, "blob_test.%ld", (long)getpid());
    snprintf(path, sizeof path, "%s/model", folder);
    ck_assert_int_eq(mkdir(folder, 0700), 0);
}

static void teardown(void)
{
    unlink(path);
    ck_assert_int_eq(rmdir(folder), 0); /* so nothing else was left in it */
}

static size_t read_file(uint8_t *bytes)
{
    FILE *file = fopen(path, "rb");
    ck_assert_ptr_nonnull(file);
    size_t n = fread(bytes, 1, MAX_FILE, file);
    ck_assert_uint_lt(n, MAX_FILE);
    fclose(file);
    return n;
}

static void write_file(const uint8_t *bytes, size_t n)
{
    FILE *file = fopen(path, "wb");
    ck_assert_ptr_nonnull(file);
    ck_assert_uint_eq(fwrite(bytes, 1, n, file), n);
    ck_assert_int_eq(fclose(file), 0);
}

/* The checksum once more, by its definition: the reflected polynomial of CRC-32, bit by bit. */
static uint32_t crc_of(const uint8_t *bytes, size_t n)
{
    uint32_t crc = 0xffffffff;
    for (size_t i = 0; i < n; i++) {
        crc ^= bytes[i];
        for (int bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ (crc & 1 ? 0xedb88320 : 0);
    }
    return ~crc;
}

static void seal(uint8_t *bytes, size_t n)
{
    uint32_t crc = crc_of(bytes, n - CHECKSUM);
    for (int i = 0; i < CHECKSUM; i++)
        bytes[n - CHECKSUM + (size_t)i] = (uint8_t)(crc >> (8 * i));
}

static const double doubles[] = {0, -1.5, 1e-310, 1.7976931348623157e308};
static const float floats[] = {3.25f, -0.0f, 1e-40f};

static void put_all(struct dpm_blob *blob)
{
    dpm_blob_put_u32(blob, 0x01020304);
    dpm_blob_put_u64(blob, 0x1112131415161718);
    dpm_blob_put_f64(blob, -2.0);
    dpm_blob_put_f64s(blob, doubles, 4);
    dpm_blob_put_f32s(blob, floats, 3);
    dpm_blob_put_text(blob, "ledger");
    dpm_blob_put_u64(blob, 12);
    dpm_blob_put_text(blob, "");
}

/* Gets them all and compares; the status of the end. */
static int get_all(struct dpm_blob *blob)
{
    uint32_t number = dpm_blob_get_u32(blob);
    uint64_t wide = dpm_blob_get_u64(blob);
    double real = dpm_blob_get_f64(blob);
    double *reals = dpm_blob_get_f64s(blob, 2, 2);
    float *shorts = dpm_blob_get_f32s(blob, 3, 1);
    char *text = dpm_blob_get_text(blob);
    uint64_t size = dpm_blob_get_size(blob, 12, 12);
    char *nothing = dpm_blob_get_text(blob);
    int status = dpm_blob_finish(blob);
    if (!status) {
        ck_assert_uint_eq(number, 0x01020304);
        ck_assert_uint_eq(wide, 0x1112131415161718);
        ck_assert(real == -2.0);
        ck_assert_mem_eq(reals, doubles, sizeof doubles);
        ck_assert_mem_eq(shorts, floats, sizeof floats);
        ck_assert_str_eq(text, "ledger");
        ck_assert_uint_eq(size, 12);
        ck_assert_str_eq(nothing, "");
    }
    dpm_free(reals);
    dpm_free(shorts);
    dpm_free(text);
    dpm_free(nothing);
    return status;
}

static size_t write_example(uint8_t *bytes)
{
    struct dpm_blob blob = {0};
    put_all(&blob);
    ck_assert_int_eq(dpm_blob_write(&blob, KIND, path), DPMIX_OK);
    dpm_blob_free(&blob);
    return read_file(bytes);
}

static int read_example(void)
{
    int64_t live = dpm_alloc_live();
    struct dpm_blob blob;
    int status = dpm_blob_read(&blob, KIND, path);
    if (!status)
        status = get_all(&blob);
    dpm_blob_free(&blob);
    ck_assert_int_eq(dpm_alloc_live(), live);
    return status;
}

START_TEST(what_was_put_is_got_again)
{
    uint8_t bytes[MAX_FILE];
    write_example(bytes);
    ck_assert_int_eq(read_example(), DPMIX_OK);
}
END_TEST

/* Old files load for ever: the bytes are pinned. */
START_TEST(the_format_is_what_it_was)
{
    static const uint8_t golden[] = {
        'd', 'p', 'm',  'i',  'x', '\r', '\n', 26, /* */
        1,   0,   0,    0,                         /* format version */
        3,   0,   0,    0,                         /* kind */
        37,  0,   0,    0,    0,   0,    0,    0,  /* length of the payload */
        4,   3,   2,    1,                         /* u32 */
        8,   7,   6,    5,    4,   3,    2,    1,  /* u64 */
        0,   0,   0,    0,    0,   0,    0xf8, 63, /* 1.5 */
        0,   0,   0x20, 0xc0,                      /* -2.5f */
        5,   0,   0,    0,    0,   0,    0,    0,  /* length of the text */
        'd', 'p', 'm',  'i',  'x',
    };
    uint8_t bytes[MAX_FILE];
    const float number = -2.5f;
    struct dpm_blob blob = {0};
    dpm_blob_put_u32(&blob, 0x01020304);
    dpm_blob_put_u64(&blob, 0x0102030405060708);
    dpm_blob_put_f64(&blob, 1.5);
    dpm_blob_put_f32s(&blob, &number, 1);
    dpm_blob_put_text(&blob, "dpmix");
    ck_assert_int_eq(dpm_blob_write(&blob, 3, path), DPMIX_OK);
    dpm_blob_free(&blob);
    ck_assert_uint_eq(read_file(bytes), sizeof golden + CHECKSUM);
    ck_assert_mem_eq(bytes, golden, sizeof golden);
    uint32_t crc = crc_of(golden, sizeof golden);
    for (int i = 0; i < CHECKSUM; i++)
        ck_assert_uint_eq(bytes[sizeof golden + (size_t)i], (crc >> (8 * i)) & 255);
    ck_assert_uint_eq(crc_of((const uint8_t *)"123456789", 9), 0xcbf43926); /* the known check value */
}
END_TEST

START_TEST(every_truncation_is_refused)
{
    uint8_t bytes[MAX_FILE];
    size_t length = write_example(bytes);
    for (size_t n = 0; n < length; n++) {
        write_file(bytes, n);
        ck_assert_int_eq(read_example(), DPMIX_ERR_FORMAT);
    }
}
END_TEST

START_TEST(every_damaged_bit_is_refused)
{
    uint8_t bytes[MAX_FILE];
    size_t length = write_example(bytes);
    for (size_t i = 0; i < length; i++) {
        for (int bit = 0; bit < 8; bit++) {
            bytes[i] ^= (uint8_t)(1 << bit);
            write_file(bytes, length);
            bytes[i] ^= (uint8_t)(1 << bit);
            ck_assert_int_eq(read_example(), DPMIX_ERR_FORMAT);
        }
    }
}
END_TEST

/* A file that was made to deceive has the right checksum. Every byte of the payload in turn takes telling
 * values; the result is an error or a success, never a crash, and no memory is lost. */
START_TEST(deceiving_payloads_are_survived)
{
    static const uint8_t values[] = {0, 1, 0x7f, 0x80, 0xff};
    uint8_t bytes[MAX_FILE];
    size_t length = write_example(bytes);
    int refused = 0;
    for (size_t i = HEADER; i < length - CHECKSUM; i++) {
        for (size_t j = 0; j < sizeof values; j++) {
            uint8_t forged[MAX_FILE];
            int64_t live = dpm_alloc_live();
            memcpy(forged, bytes, length);
            forged[i] = values[j];
            seal(forged, length);
            write_file(forged, length);
            struct dpm_blob blob;
            ck_assert_int_eq(dpm_blob_read(&blob, KIND, path), DPMIX_OK);
            dpm_blob_get_u32(&blob);
            dpm_blob_get_u64(&blob);
            dpm_blob_get_f64(&blob);
            dpm_free(dpm_blob_get_f64s(&blob, 2, 2));
            dpm_free(dpm_blob_get_f32s(&blob, 3, 1));
            dpm_free(dpm_blob_get_text(&blob));
            dpm_blob_get_size(&blob, 12, 12);
            dpm_free(dpm_blob_get_text(&blob));
            int status = dpm_blob_finish(&blob);
            ck_assert(status == DPMIX_OK || status == DPMIX_ERR_FORMAT);
            refused += status != DPMIX_OK;
            dpm_blob_free(&blob);
            ck_assert_int_eq(dpm_alloc_live(), live);
        }
    }
    ck_assert_int_gt(refused, 3 * 8 * 4); /* the two lengths and the size: nearly all their bytes */
}
END_TEST

START_TEST(headers_that_do_not_fit_are_refused)
{
    uint8_t bytes[MAX_FILE];
    size_t length = write_example(bytes);
    static const size_t fields[] = {0, 7, 8, 12, 16, 23}; /* magic: first and last; version; kind; length */
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++) {
        uint8_t forged[MAX_FILE];
        memcpy(forged, bytes, length);
        forged[fields[i]]++;
        seal(forged, length);
        write_file(forged, length);
        ck_assert_int_eq(read_example(), DPMIX_ERR_FORMAT);
    }
    bytes[length] = 0; /* a byte too many, with the checksum of it all */
    seal(bytes, length + 1);
    write_file(bytes, length + 1);
    ck_assert_int_eq(read_example(), DPMIX_ERR_FORMAT);
}
END_TEST

START_TEST(another_kind_is_refused)
{
    uint8_t bytes[MAX_FILE];
    struct dpm_blob blob;
    write_example(bytes);
    ck_assert_int_eq(dpm_blob_read(&blob, KIND + 1, path), DPMIX_ERR_FORMAT);
    dpm_blob_free(&blob);
}
END_TEST

START_TEST(what_cannot_be_read_is_an_io_error)
{
    struct dpm_blob blob;
    ck_assert_int_eq(dpm_blob_read(&blob, KIND, path), DPMIX_ERR_IO);
    dpm_blob_free(&blob);
    ck_assert_int_eq(dpm_blob_read(&blob, KIND, folder), DPMIX_ERR_IO);
    dpm_blob_free(&blob);
}
END_TEST

static int entries_in_folder(void)
{
    int n = 0;
    DIR *listing = opendir(folder);
    ck_assert_ptr_nonnull(listing);
    while (readdir(listing))
        n++;
    closedir(listing);
    return n - 2; /* without . and .. */
}

START_TEST(a_failed_write_leaves_what_was_there)
{
    uint8_t before[MAX_FILE], after[MAX_FILE];
    char nowhere[160];
    size_t length = write_example(before);
    struct dpm_blob blob = {0};
    dpm_blob_put_u32(&blob, 1);
    snprintf(nowhere, sizeof nowhere, "%s/none/model", folder);
    ck_assert_int_eq(dpm_blob_write(&blob, KIND, nowhere), DPMIX_ERR_IO);
    snprintf(nowhere, sizeof nowhere, "%s/folder", folder);
    ck_assert_int_eq(mkdir(nowhere, 0700), 0);
    ck_assert_int_eq(dpm_blob_write(&blob, KIND, nowhere), DPMIX_ERR_IO); /* a folder is not replaced */
    ck_assert_int_eq(rmdir(nowhere), 0);
    ck_assert_int_eq(entries_in_folder(), 1);
    for (uint64_t nth = 1;; nth++) {
        int64_t live = dpm_alloc_live();
        dpm_alloc_fail_after(nth, 0);
        int status = dpm_blob_write(&blob, KIND, path);
        dpm_alloc_fail_after(0, 0);
        ck_assert_int_eq(dpm_alloc_live(), live);
        ck_assert_int_eq(entries_in_folder(), 1);
        if (!status)
            break;
        if (status == DPMIX_ERR_IO)
            continue; /* memory was out after the rename, when the folder was to be synced */
        ck_assert_int_eq(status, DPMIX_ERR_NOMEM);
        ck_assert_uint_eq(read_file(after), length);
        ck_assert_mem_eq(after, before, length);
    }
    ck_assert_uint_eq(read_file(after), HEADER + 4 + CHECKSUM);
    dpm_blob_free(&blob);
}
END_TEST

START_TEST(a_written_file_follows_the_umask)
{
    uint8_t bytes[MAX_FILE];
    struct stat about;
    mode_t mask = umask(027);
    write_example(bytes);
    ck_assert_int_eq(stat(path, &about), 0);
    ck_assert_uint_eq(about.st_mode & 0777, 0640);
    ck_assert_uint_eq(umask(mask), 027); /* and is left as it was */
}
END_TEST

START_TEST(an_empty_payload_is_a_payload)
{
    struct dpm_blob blob = {0};
    ck_assert_int_eq(dpm_blob_write(&blob, KIND, path), DPMIX_OK);
    ck_assert_int_eq(dpm_blob_read(&blob, KIND, path), DPMIX_OK);
    ck_assert_int_eq(dpm_blob_finish(&blob), DPMIX_OK);
    ck_assert_uint_eq(dpm_blob_get_u32(&blob), 0);
    ck_assert_int_eq(dpm_blob_finish(&blob), DPMIX_ERR_FORMAT);
    dpm_blob_free(&blob);
}
END_TEST

START_TEST(failures_stick)
{
    struct dpm_blob blob = {0};
    dpm_blob_put_u32(&blob, 7);
    dpm_blob_put_u32(&blob, 8);
    ck_assert_uint_eq(dpm_blob_get_size(&blob, 0, UINT64_MAX), (uint64_t)8 << 32 | 7);
    blob.at = 0;
    ck_assert_uint_eq(dpm_blob_get_u32(&blob), 7);
    ck_assert_uint_eq(dpm_blob_get_u64(&blob), 0); /* only four bytes are left */
    ck_assert_uint_eq(dpm_blob_get_u32(&blob), 0); /* and now nothing is */
    ck_assert_ptr_null(dpm_blob_get_f64s(&blob, 0, 0));
    ck_assert_ptr_null(dpm_blob_get_text(&blob));
    dpm_blob_put_u32(&blob, 9);
    ck_assert_uint_eq(blob.size, 8);
    ck_assert_int_eq(dpm_blob_status(&blob), DPMIX_ERR_FORMAT);
    ck_assert_int_eq(dpm_blob_write(&blob, KIND, path), DPMIX_ERR_FORMAT);
    ck_assert_int_eq(entries_in_folder(), 0);
    dpm_blob_free(&blob);
}
END_TEST

START_TEST(bytes_that_nobody_reads_are_damage)
{
    struct dpm_blob blob = {0};
    dpm_blob_put_u64(&blob, 1);
    dpm_blob_put_u32(&blob, 2);
    dpm_blob_get_u64(&blob);
    ck_assert_int_eq(dpm_blob_finish(&blob), DPMIX_ERR_FORMAT);
    dpm_blob_get_u32(&blob);
    ck_assert_int_eq(dpm_blob_finish(&blob), DPMIX_OK);
    dpm_blob_free(&blob);
}
END_TEST

START_TEST(a_size_out_of_its_range_is_damage)
{
    static const uint64_t range[][3] = {{5, 6, 9}, {10, 6, 9}, {0, 1, 1}, {UINT64_MAX, 0, 1}};
    for (size_t i = 0; i < sizeof range / sizeof range[0]; i++) {
        struct dpm_blob blob = {0};
        dpm_blob_put_u64(&blob, range[i][0]);
        ck_assert_uint_eq(dpm_blob_get_size(&blob, range[i][1], range[i][2]), range[i][1]);
        ck_assert_int_eq(dpm_blob_status(&blob), DPMIX_ERR_FORMAT);
        dpm_blob_free(&blob);
    }
}
END_TEST

START_TEST(arrays_that_the_file_does_not_hold_are_not_allocated)
{
    static const size_t shapes[][2] = {
        {SIZE_MAX, 2},     {SIZE_MAX, 1},     {SIZE_MAX / 8 + 1, 1}, {SIZE_MAX / 4 + 1, 1},
        {SIZE_MAX / 8, 1}, {SIZE_MAX / 4, 1}, {SIZE_MAX / 16, 1},    {3, 2},
    };
    for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++) {
        for (int narrow = 0; narrow <= 1; narrow++) {
            struct dpm_blob blob = {0};
            dpm_blob_put_f64s(&blob, doubles, 3);
            dpm_blob_get_f64(&blob); /* so that a sum of place and length can overflow */
            int64_t live = dpm_alloc_live();
            if (narrow)
                ck_assert_ptr_null(dpm_blob_get_f32s(&blob, shapes[i][0], shapes[i][1]));
            else
                ck_assert_ptr_null(dpm_blob_get_f64s(&blob, shapes[i][0], shapes[i][1]));
            ck_assert_int_eq(dpm_blob_status(&blob), DPMIX_ERR_FORMAT); /* not NOMEM */
            ck_assert_int_eq(dpm_alloc_live(), live);
            dpm_blob_free(&blob);
        }
    }
}
END_TEST

START_TEST(numbers_that_are_not_finite_are_damage)
{
    static const double wrong[] = {NAN, INFINITY, -INFINITY};
    int64_t live = dpm_alloc_live();
    for (size_t i = 0; i < 3; i++) {
        for (int form = 0; form < 3; form++) {
            struct dpm_blob blob = {0};
            const double wide[] = {1, wrong[i]};
            const float narrow[] = {1, (float)wrong[i]};
            if (form == 2)
                dpm_blob_put_f32s(&blob, narrow, 2);
            else
                dpm_blob_put_f64s(&blob, wide, 2);
            if (form == 0)
                ck_assert(dpm_blob_get_f64(&blob) == 1 && dpm_blob_get_f64(&blob) == 0);
            else if (form == 1)
                ck_assert_ptr_null(dpm_blob_get_f64s(&blob, 1, 2));
            else
                ck_assert_ptr_null(dpm_blob_get_f32s(&blob, 2, 1));
            ck_assert_int_eq(dpm_blob_status(&blob), DPMIX_ERR_FORMAT);
            dpm_blob_free(&blob);
            ck_assert_int_eq(dpm_alloc_live(), live);
        }
    }
}
END_TEST

START_TEST(texts_with_a_zero_or_too_long_are_damage)
{
    static const uint64_t lengths[] = {5, 9, UINT64_MAX, UINT64_MAX - 8};
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        struct dpm_blob blob = {0};
        dpm_blob_put_u64(&blob, lengths[i]);
        dpm_blob_put_u64(&blob, 0x0061626364656667); /* "gfedcba" and a zero */
        char *text = dpm_blob_get_text(&blob);
        if (lengths[i] == 5) {
            ck_assert_str_eq(text, "gfedc");
        } else {
            ck_assert_ptr_null(text);
            ck_assert_int_eq(dpm_blob_status(&blob), DPMIX_ERR_FORMAT);
        }
        dpm_free(text);
        dpm_blob_free(&blob);
    }
    struct dpm_blob blob = {0};
    dpm_blob_put_u64(&blob, 8);
    dpm_blob_put_u64(&blob, 0x0061626364656667);
    ck_assert_ptr_null(dpm_blob_get_text(&blob));
    ck_assert_int_eq(dpm_blob_status(&blob), DPMIX_ERR_FORMAT);
    dpm_blob_free(&blob);
}
END_TEST

START_TEST(failed_allocations_are_survived)
{
    uint8_t bytes[MAX_FILE];
    write_example(bytes);
    uint64_t nth = 1;
    for (;; nth++) {
        dpm_alloc_fail_after(nth, 0);
        int status = read_example();
        dpm_alloc_fail_after(0, 0);
        if (!status)
            break;
        ck_assert_int_eq(status, DPMIX_ERR_NOMEM);
    }
    ck_assert_uint_eq(nth, 6); /* the file, two arrays, two texts */
    struct dpm_blob blob = {0};
    dpm_alloc_fail_after(1, 0);
    put_all(&blob);
    ck_assert_int_eq(dpm_blob_status(&blob), DPMIX_ERR_NOMEM);
    ck_assert_int_eq(dpm_blob_write(&blob, KIND, path), DPMIX_ERR_NOMEM);
    dpm_blob_free(&blob);
}
END_TEST

START_TEST(a_pipe_stays_a_pipe)
{
    struct dpm_blob blob = {0};
    struct stat about;
    dpm_blob_put_u32(&blob, 1);
    ck_assert_int_eq(mkfifo(path, 0600), 0);
    ck_assert_int_eq(dpm_blob_write(&blob, KIND, path), DPMIX_ERR_IO);
    ck_assert_int_eq(stat(path, &about), 0);
    ck_assert(S_ISFIFO(about.st_mode));
    ck_assert_int_eq(unlink(path), 0);
    dpm_blob_free(&blob);
}
END_TEST

START_TEST(a_link_is_replaced_and_not_followed)
{
    uint8_t before[MAX_FILE], after[MAX_FILE];
    char away[160];
    size_t length = write_example(before);
    struct dpm_blob blob = {0};
    struct stat about;
    dpm_blob_put_u32(&blob, 1);
    snprintf(away, sizeof away, "%s/away", folder);
    ck_assert_int_eq(rename(path, away), 0);
    ck_assert_int_eq(symlink("away", path), 0);
    ck_assert_int_eq(dpm_blob_write(&blob, KIND, path), DPMIX_OK);
    ck_assert_int_eq(lstat(path, &about), 0);
    ck_assert(S_ISREG(about.st_mode));
    ck_assert_int_eq(rename(away, path), 0);
    ck_assert_uint_eq(read_file(after), length);
    ck_assert_mem_eq(after, before, length);
    dpm_blob_free(&blob);
}
END_TEST

/* Growth does not lose what was put. */
START_TEST(a_long_blob_keeps_its_bytes)
{
    struct dpm_blob blob = {0};
    for (uint64_t i = 0; i < 5000; i++)
        dpm_blob_put_u64(&blob, i * i);
    for (uint64_t i = 0; i < 5000; i++)
        ck_assert_uint_eq(dpm_blob_get_u64(&blob), i * i);
    ck_assert_int_eq(dpm_blob_finish(&blob), DPMIX_OK);
    dpm_blob_free(&blob);
}
END_TEST

START_TEST(bounds_are_checked_when_they_are_read)
{
    const double lower[2] = {-1, 0}, upper[2] = {1, 255};
    struct dpm_bounds bounds, again = {0};
    struct dpm_blob blob = {0};
    int64_t live = dpm_alloc_live();
    ck_assert_int_eq(dpm_bounds_new(&bounds, 2, lower, upper, 2), DPMIX_OK);
    dpm_bounds_put(&bounds, &blob);
    dpm_bounds_get(&again, &blob);
    ck_assert_int_eq(dpm_blob_finish(&blob), DPMIX_OK);
    ck_assert_uint_eq(again.n_columns, 2);
    ck_assert(dpm_bounds_equal(&again, &bounds));
    dpm_bounds_free(&again);
    dpm_blob_free(&blob);

    bounds.upper[1] = bounds.lower[1]; /* an empty interval would divide by zero */
    dpm_bounds_put(&bounds, &blob);
    dpm_bounds_get(&again, &blob);
    ck_assert_int_eq(dpm_blob_finish(&blob), DPMIX_ERR_FORMAT);
    dpm_bounds_free(&again);
    dpm_blob_free(&blob);
    dpm_bounds_free(&bounds);
    ck_assert_int_eq(dpm_alloc_live(), live);
}
END_TEST

/* Old files load for ever, and bounds that float32 holds are written as they always were. */
START_TEST(bounds_in_files_are_what_they_were)
{
    static const uint8_t golden[] = {
        2, 0, 0, 0,    0, 0, 0,    0,    /* columns */
        0, 0, 0, 0,    0, 0, 0,    0x3f, /* lower: 0, 0.5 */
        0, 0, 0, 0x40, 0, 0, 0x7f, 0x43, /* upper: 2, 255 */
    };
    const double lower[2] = {0, 0.5}, upper[2] = {2, 255};
    struct dpm_bounds bounds, again;
    struct dpm_blob blob = {0};
    ck_assert_int_eq(dpm_bounds_new(&bounds, 2, lower, upper, 2), DPMIX_OK);
    dpm_bounds_put(&bounds, &blob);
    ck_assert_uint_eq(blob.size, sizeof golden);
    ck_assert_mem_eq(blob.bytes, golden, sizeof golden);
    dpm_bounds_get(&again, &blob);
    ck_assert_int_eq(dpm_blob_finish(&blob), DPMIX_OK);
    ck_assert(dpm_bounds_equal(&again, &bounds));
    dpm_bounds_free(&again);
    dpm_bounds_free(&bounds);
    dpm_blob_free(&blob);
}
END_TEST

START_TEST(bounds_that_need_float64_keep_it)
{
    const double lower[2] = {-1, 0.1}, upper[2] = {1.7e18 + 256, 1};
    struct dpm_bounds bounds, again;
    struct dpm_blob blob = {0};
    ck_assert_int_eq(dpm_bounds_new(&bounds, 2, lower, upper, 2), DPMIX_OK);
    dpm_bounds_put(&bounds, &blob);
    dpm_bounds_get(&again, &blob);
    ck_assert_int_eq(dpm_blob_finish(&blob), DPMIX_OK);
    ck_assert(dpm_bounds_equal(&again, &bounds));
    ck_assert(again.upper[0] == upper[0] && again.lower[1] == lower[1]);
    dpm_bounds_free(&again);
    dpm_bounds_free(&bounds);
    dpm_blob_free(&blob);
    for (uint64_t n = 0; n < 2; n++) { /* no column, and one too many */
        dpm_blob_put_u64(&blob, UINT64_C(1) << 63 | n * (DPM_MAX_COLUMNS + 1));
        again = (struct dpm_bounds){0};
        dpm_bounds_get(&again, &blob);
        ck_assert_int_eq(dpm_blob_finish(&blob), DPMIX_ERR_FORMAT);
        dpm_bounds_free(&again);
        dpm_blob_free(&blob);
    }
}
END_TEST

static void add(Suite *suite, const char *name, const TTest *test)
{
    TCase *one = tcase_create(name);
    tcase_set_timeout(one, 0);
    tcase_add_checked_fixture(one, setup, teardown);
    tcase_add_test(one, test);
    suite_add_tcase(suite, one);
}

static Suite *blob_suite(void)
{
    Suite *suite = suite_create("blob");
    add(suite, "again", what_was_put_is_got_again);
    add(suite, "format", the_format_is_what_it_was);
    add(suite, "truncation", every_truncation_is_refused);
    add(suite, "damage", every_damaged_bit_is_refused);
    add(suite, "deceit", deceiving_payloads_are_survived);
    add(suite, "headers", headers_that_do_not_fit_are_refused);
    add(suite, "kind", another_kind_is_refused);
    add(suite, "reading", what_cannot_be_read_is_an_io_error);
    add(suite, "writing", a_failed_write_leaves_what_was_there);
    add(suite, "special", a_pipe_stays_a_pipe);
    add(suite, "links", a_link_is_replaced_and_not_followed);
    add(suite, "umask", a_written_file_follows_the_umask);
    add(suite, "empty", an_empty_payload_is_a_payload);
    add(suite, "sticky", failures_stick);
    add(suite, "unread", bytes_that_nobody_reads_are_damage);
    add(suite, "size", a_size_out_of_its_range_is_damage);
    add(suite, "arrays", arrays_that_the_file_does_not_hold_are_not_allocated);
    add(suite, "finite", numbers_that_are_not_finite_are_damage);
    add(suite, "texts", texts_with_a_zero_or_too_long_are_damage);
    add(suite, "memory", failed_allocations_are_survived);
    add(suite, "long", a_long_blob_keeps_its_bytes);
    add(suite, "bounds", bounds_are_checked_when_they_are_read);
    add(suite, "bounds", bounds_in_files_are_what_they_were);
    add(suite, "bounds", bounds_that_need_float64_keep_it);
    return suite;
}

CHECK_MAIN(blob_suite)
