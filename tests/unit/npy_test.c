/* SPDX-License-Identifier: BSD-3-Clause */
/* NPY files: every type, order and version, and files that lie. Linked with --wrap=free. */
#include "base_alloc.h"
#include "base_bounds.h"
#include "base_fail.h"
#include "load_npy.h"

#include "tiny_file.h"
#include "tiny_npy.h"
#include "tiny_traces.h"

#include <math.h>
#include <unistd.h>

enum { PLAIN = 0, GZIP = 1 };

static char path[64];
static struct tiny_npy file;

/* Each test runs in a process of its own, in the folder that the runner gives. */
static void setup(void)
{
    snprintf(path, sizeof path, "npy_test.%ld.npy", (long)getpid());
}

static void teardown(void)
{
    unlink(path);
}

static void write_bytes(int form, const uint8_t *bytes, size_t n)
{
    if (form == PLAIN) {
        tiny_write(path, bytes, n);
        return;
    }
    gzFile stream = gzopen(path, "wb1");
    ck_assert_ptr_nonnull(stream);
    ck_assert_int_eq(n ? gzwrite(stream, bytes, (unsigned)n) : 0, (int)n);
    ck_assert_int_eq(gzclose(stream), Z_OK);
}

static void write_file(int form)
{
    write_bytes(form, file.bytes, file.n);
}

static double value_of(const struct dpm_npy *npy, size_t i)
{
    switch (npy->type) {
    case DPM_TYPE_U8: return ((const uint8_t *)npy->values)[i];
    case DPM_TYPE_F32: return (double)((const float *)npy->values)[i];
    default: return ((const double *)npy->values)[i];
    }
}

static struct dpm_npy load(void)
{
    struct dpm_npy npy;
    ck_assert_msg(dpm_load_npy_rows(&npy, path) == DPMIX_OK, "%s", dpm_fail_message());
    return npy;
}

/* By both readers. Nothing is written and nothing is kept; the message is one line with the file and the
 * reason. */
static void expect_refused(int status, const char *word)
{
    struct dpm_npy npy = {path, 5, 77, 88, 99};
    int32_t label = 9, *labels = &label;
    size_t n = 99;
    int64_t live = dpm_alloc_live();
    int descriptor = next_descriptor();
    for (int i = 0; i < 2; i++) {
        int got = i ? dpm_load_npy_labels(&labels, &n, path) : dpm_load_npy_rows(&npy, path);
        ck_assert_msg(got == status, "reader %d: %d, %s", i, got, dpm_fail_message());
        ck_assert_msg(strstr(dpm_fail_message(), path) && strstr(dpm_fail_message(), word), "%s: %s", word,
                      dpm_fail_message());
        ck_assert_ptr_null(strchr(dpm_fail_message(), '\n'));
        ck_assert_int_eq(next_descriptor(), descriptor);
        ck_assert_int_eq(dpm_alloc_live(), live);
    }
    ck_assert(npy.values == (void *)path && npy.type == 5 && npy.items == 77 && npy.item_size == 88);
    ck_assert_uint_eq(npy.side, 99);
    ck_assert(labels == &label && n == 99);
}

/* ---- What is read ---- */

struct kind {
    const char *descr;
    int type;
    double least, largest; /* of the file's type, that come through exactly */
};

static const struct kind kinds[] = {
    {"|b1", DPM_TYPE_U8, 0, 1},
    {"|u1", DPM_TYPE_U8, 0, 255},
    {"|i1", DPM_TYPE_F32, -128, 127},
    {"<i2", DPM_TYPE_F32, -32768, 32767},
    {">i2", DPM_TYPE_F32, -32768, 32767},
    {"<u2", DPM_TYPE_F32, 0, 65535},
    {">u2", DPM_TYPE_F32, 0, 65535},
    {"<i4", DPM_TYPE_F64, -2147483648.0, 2147483647.0},
    {">i4", DPM_TYPE_F64, -2147483648.0, 2147483647.0},
    {"<u4", DPM_TYPE_F64, 0, 4294967295.0},
    {">u4", DPM_TYPE_F64, 0, 4294967295.0},
    {"<i8", DPM_TYPE_F64, -0x1p63, 0x1p53 - 1},
    {">i8", DPM_TYPE_F64, -0x1p63, 0x1p53 - 1},
    {"<u8", DPM_TYPE_F64, 0, 0x1p64 - 0x1p11},
    {">u8", DPM_TYPE_F64, 0, 0x1p64 - 0x1p11},
    {"<f4", DPM_TYPE_F32, -3.25e-40f, 3.4e38f},
    {">f4", DPM_TYPE_F32, -3.25e-40f, 3.4e38f},
    {"<f8", DPM_TYPE_F64, -1.7e18 - 256, 1e-310},
    {">f8", DPM_TYPE_F64, -1.7e18 - 256, 1e-310},
    {"<f8", DPM_TYPE_F64, -INFINITY, INFINITY},
};

enum { N_KINDS = sizeof kinds / sizeof *kinds };

START_TEST(every_type_is_read)
{
    const struct kind *kind = &kinds[_i % N_KINDS];
    const double values[6] = {kind->least, kind->largest, 0, 1, 1, kind->largest};
    tiny_npy_start(&file, kind->descr, 0, "2, 3");
    for (size_t i = 0; i < 6; i++)
        tiny_npy_value(&file, kind->descr, values[i]);
    write_file(_i / N_KINDS);
    int64_t live = dpm_alloc_live();
    struct dpm_npy npy = load();
    ck_assert_int_eq(npy.type, kind->type);
    ck_assert_uint_eq(npy.items, 2);
    ck_assert_uint_eq(npy.item_size, 3);
    for (size_t i = 0; i < 6; i++)
        ck_assert_msg(value_of(&npy, i) == values[i], "%s: value %zu", kind->descr, i);
    dpm_free_wiped(npy.values);
    ck_assert_int_eq(dpm_alloc_live(), live);
}
END_TEST

START_TEST(not_a_number_stays_what_it_is)
{
    static const char *const types[] = {"<f4", ">f4", "<f8", ">f8"};
    tiny_npy_start(&file, types[_i], 0, "1,");
    tiny_npy_value(&file, types[_i], NAN);
    write_file(PLAIN);
    struct dpm_npy npy = load();
    ck_assert(isnan(value_of(&npy, 0)));
    dpm_free_wiped(npy.values);
}
END_TEST

/* As it says on numpy.org: all versions, any order of the keys, either quotes, spaces anywhere. */
START_TEST(every_way_of_writing_the_header_is_read)
{
    static const char *const dictionaries[] = {
        "{'descr': '|u1', 'fortran_order': False, 'shape': (2, 3), }",
        "{'shape': (2, 3), 'fortran_order': False, 'descr': '|u1'}",
        "{\"descr\":\"|u1\",\"shape\":(2,3,),\"fortran_order\":False}",
        " { 'descr' : '<u1' , 'fortran_order' : False , 'shape' : ( 2 , 3 , ) , } \n\n",
        "{'descr': '>u1', 'fortran_order': False, 'shape': (2, 3, 1, 1)}",
    };
    for (int version = 1; version <= 3; version++)
        for (size_t i = 0; i < sizeof dictionaries / sizeof *dictionaries; i++) {
            tiny_npy_header(&file, version, dictionaries[i]);
            for (uint8_t value = 1; value <= 6; value++)
                file.bytes[file.n++] = value;
            write_file(PLAIN);
            struct dpm_npy npy = load();
            ck_assert(npy.type == DPM_TYPE_U8 && npy.items == 2 && npy.item_size == 3);
            ck_assert_mem_eq(npy.values, "\1\2\3\4\5\6", 6);
            dpm_free_wiped(npy.values);
        }
}
END_TEST

/* Element (i, j, k) of a 3 x 2 x 4 array is 100 i + 10 j + k, whichever index runs fastest in the file. */
START_TEST(both_orders_of_the_dimensions_are_one_array)
{
    static const char *const types[] = {"<f4", ">f8", "|u1", "<i2"};
    const char *type = types[_i / 2];
    int fortran = _i % 2;
    tiny_npy_start(&file, type, fortran, "3, 2, 4");
    for (int n = 0; n < 24; n++) {
        int i = fortran ? n % 3 : n / 8, j = fortran ? n / 3 % 2 : n / 4 % 2, k = fortran ? n / 6 : n % 4;
        tiny_npy_value(&file, type, 100 * i + 10 * j + k);
    }
    write_file(GZIP);
    struct dpm_npy npy = load();
    ck_assert(npy.items == 3 && npy.item_size == 8);
    for (int n = 0; n < 24; n++)
        ck_assert_double_eq(value_of(&npy, (size_t)n), 100 * (n / 8) + 10 * (n / 4 % 2) + n % 4);
    dpm_free_wiped(npy.values);
}
END_TEST

/* An array of one dimension has one column, and an empty data set is somebody's neighbour. */
START_TEST(small_shapes)
{
    static const struct {
        const char *shape;
        size_t items, item_size, side;
    } shapes[] = {{"5,", 5, 1, 0},         {"0,", 0, 1, 0},      {"0, 7", 0, 7, 0},
                  {"1, 1, 1, 5", 1, 5, 0}, {"0, 3, 3", 0, 9, 3}, {"0, 3, 4", 0, 12, 0},
                  {"0, 2, 2, 2", 0, 8, 0}};
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++)
        for (int fortran = 0; fortran < 2; fortran++) {
            tiny_npy_start(&file, "<f4", fortran, shapes[i].shape);
            for (size_t v = 0; v < shapes[i].items * shapes[i].item_size; v++)
                tiny_npy_value(&file, "<f4", (double)v);
            write_file(PLAIN);
            struct dpm_npy npy = load();
            ck_assert(npy.items == shapes[i].items && npy.item_size == shapes[i].item_size);
            ck_assert_uint_eq(npy.side, shapes[i].side);
            for (size_t v = 0; v < npy.items * npy.item_size; v++)
                ck_assert_double_eq(value_of(&npy, v), (double)v);
            dpm_free_wiped(npy.values);
        }
}
END_TEST

START_TEST(labels_are_integers_of_any_type)
{
    for (size_t k = 0; k < N_KINDS; k++) {
        const char *descr = kinds[k].descr;
        int32_t *labels = NULL;
        size_t n = 0;
        tiny_npy_start(&file, descr, 0, "3,");
        tiny_npy_value(&file, descr, 1);
        tiny_npy_value(&file, descr, kinds[k].least);
        tiny_npy_value(&file, descr, kinds[k].largest);
        write_file(GZIP);
        int status = dpm_load_npy_labels(&labels, &n, path);
        ck_assert_int_eq(status, descr[1] == 'f' ? DPMIX_ERR_FORMAT : DPMIX_OK);
        if (status)
            continue;
        ck_assert_uint_eq(n, 3);
        ck_assert_int_eq(labels[0], 1);
        ck_assert_int_eq(labels[1], kinds[k].least < -0x1p31 ? -1 : (kinds[k].least < 0 ? -1 : 0));
        ck_assert_int_eq(labels[2], kinds[k].largest < 0x1p31 ? (int32_t)kinds[k].largest : -1);
        dpm_free_wiped(labels);
    }
    static const char *const shapes[] = {"1, 1", "0, 1"};
    for (size_t i = 0; i < 2; i++) {
        int32_t *labels = NULL;
        size_t n = 0;
        tiny_npy_start(&file, "|u1", 0, shapes[i]);
        file.n += i == 0;
        write_file(PLAIN);
        ck_assert_int_eq(dpm_load_npy_labels(&labels, &n, path), DPMIX_ERR_FORMAT);
        ck_assert_ptr_nonnull(strstr(dpm_fail_message(), "labels_path"));
    }
}
END_TEST

/* Larger than the first chunk and the input buffer, and not a multiple of either. */
START_TEST(a_large_file_is_read)
{
    enum { ITEMS = 70001, COLUMNS = 5, N = ITEMS * COLUMNS };
    tiny_npy_start(&file, "<f4", _i, "70001, 5");
    uint8_t *bytes = malloc(file.n + N * sizeof(float));
    ck_assert_ptr_nonnull(bytes);
    memcpy(bytes, file.bytes, file.n);
    for (size_t i = 0; i < N; i++) {
        float value = (float)i;
        uint32_t bits;
        memcpy(&bits, &value, sizeof bits);
        for (size_t b = 0; b < sizeof bits; b++)
            bytes[file.n + i * sizeof bits + b] = (uint8_t)(bits >> (8 * b));
    }
    write_bytes(GZIP, bytes, file.n + N * sizeof(float));
    struct dpm_npy npy = load();
    for (size_t i = 0; i < N; i++)
        ck_assert(value_of(&npy, i) == (double)(_i ? i % COLUMNS * ITEMS + i / COLUMNS : i));
    dpm_free_wiped(npy.values);
    free(bytes);
}
END_TEST

/* ---- What is refused ---- */

static void start_small(int version)
{
    tiny_npy_header(&file, version, "{'descr': '<i2', 'fortran_order': False, 'shape': (3,), }");
    for (int i = 0; i < 3; i++)
        tiny_npy_value(&file, "<i2", i);
}

START_TEST(every_truncation_is_refused)
{
    for (int version = 1; version <= 2; version++) {
        start_small(version);
        for (size_t n = 0; n < file.n; n++) {
            write_bytes(_i, file.bytes, n);
            expect_refused(DPMIX_ERR_FORMAT, "shorter than its header says");
        }
        file.bytes[file.n++] = 0;
        write_file(_i);
        expect_refused(DPMIX_ERR_FORMAT, "longer than its header says");
    }
}
END_TEST

START_TEST(malformed_dictionaries_are_refused)
{
    static const struct {
        const char *dictionary, *word;
    } wrong[] = {
        {"", "malformed"},
        {"{}", "malformed"},
        {"{,}", "malformed"},
        {"{'descr': '<f4', 'fortran_order': False}", "malformed"},
        {"{'descr': '<f4', 'shape': (0,)}", "malformed"},
        {"{'fortran_order': False, 'shape': (0,)}", "malformed"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (0,)", "malformed"},
        {"'descr': '<f4', 'fortran_order': False, 'shape': (0,)}", "malformed"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (0,)} x", "malformed"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (0,),, }", "malformed"},
        {"{'descr': '<f4' 'fortran_order': False, 'shape': (0,)}", "malformed"},
        {"{'descr' '<f4', 'fortran_order': False, 'shape': (0,)}", "malformed"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (0,), 'more': 1}", "malformed"},
        {"{'descr': '<f4', 'descr': '<f4', 'fortran_order': False, 'shape': (0,)}", "malformed"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (0,), 'shape': (0,)}", "malformed"},
        {"{descr: '<f4', 'fortran_order': False, 'shape': (0,)}", "malformed"},
        {"{'descr\": '<f4', 'fortran_order': False, 'shape': (0,)}", "malformed"},
        {"{'descr': <f4, 'fortran_order': False, 'shape': (0,)}", "malformed"},
        {"{'descr': '<f4', 'fortran_order': 0, 'shape': (0,)}", "malformed"},
        {"{'descr': '<f4', 'fortran_order': false, 'shape': (0,)}", "malformed"},
        {"{'descr': '<f4', 'fortran_order': Falsehood, 'shape': (0,)}", "malformed"},
        {"{'descr': '<f4', 'fortran_order': 'False', 'shape': (0,)}", "malformed"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': 0}", "malformed"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (0)}", "malformed"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': [0,]}", "malformed"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (,)}", "malformed"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (0,,)}", "malformed"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (0 1)}", "malformed"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (-1,)}", "malformed"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (+0,)}", "malformed"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (00,)}", "malformed"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (0x0,)}", "malformed"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (0.,)}", "malformed"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (0L,)}", "malformed"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (18446744073709551616,)}", "malformed"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999999999999,)}", "malformed"},
        {"{'descr': '<f4\\'', 'fortran_order': False, 'shape': (0,)}", "malformed"},
        {"{'descr': '<f4\xc3\xa9', 'fortran_order': False, 'shape': (0,)}", "malformed"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (0,)}\xc3\xa9", "malformed"},
        {"{'descr': '<f4', 'a key that has no end and no place in this': (0,)}", "malformed"},
        {"{'descr': [('x', '<f4')], 'fortran_order': False, 'shape': (0,)}", "records"},
        {"{'descr': '', 'fortran_order': False, 'shape': (0,)}", "elements"},
        {"{'descr': '<', 'fortran_order': False, 'shape': (0,)}", "elements"},
        {"{'descr': 'f4', 'fortran_order': False, 'shape': (0,)}", "elements"},
        {"{'descr': '=f4', 'fortran_order': False, 'shape': (0,)}", "elements"},
        {"{'descr': '|f4', 'fortran_order': False, 'shape': (0,)}", "elements"},
        {"{'descr': '<f2', 'fortran_order': False, 'shape': (0,)}", "elements"},
        {"{'descr': '<f16', 'fortran_order': False, 'shape': (0,)}", "elements"},
        {"{'descr': '<c8', 'fortran_order': False, 'shape': (0,)}", "elements"},
        {"{'descr': '<b4', 'fortran_order': False, 'shape': (0,)}", "elements"},
        {"{'descr': '|O', 'fortran_order': False, 'shape': (0,)}", "elements"},
        {"{'descr': '<U4', 'fortran_order': False, 'shape': (0,)}", "elements"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': ()}", "one number"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (0, 0)}", "empty"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (3, 4, 0)}", "empty"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (0, 4294967296, 4294967296)}", "too large"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (4294967296, 4294967296)}", "too large"},
        {"{'descr': '|u1', 'fortran_order': False, 'shape': (18446744073709551615,)}", "too large"},
        {"{'descr': '<f8', 'fortran_order': True, 'shape': (2305843009213693952,)}", "too large"},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        for (int version = 1; version <= 3; version++) {
            tiny_npy_header(&file, version, wrong[i].dictionary);
            write_file(PLAIN);
            expect_refused(DPMIX_ERR_FORMAT, wrong[i].word);
        }
    tiny_npy_start(&file, "|u1", 0, "0, 1,1,1,1,1,1,1, 1,1,1,1,1,1,1,1, 1,1,1,1,1,1,1,1, 1,1,1,1,1,1,1,1, 1");
    write_file(PLAIN);
    expect_refused(DPMIX_ERR_FORMAT, "malformed"); /* 33 dimensions */
}
END_TEST

START_TEST(other_files_and_versions_are_refused)
{
    static const uint8_t versions[][2] = {{0, 0}, {4, 0}, {255, 0}, {1, 1}, {2, 255}};
    for (size_t i = 0; i < 6; i++) {
        start_small(1);
        file.bytes[i] ^= 1;
        write_file(PLAIN);
        expect_refused(DPMIX_ERR_FORMAT, "not an NPY file");
    }
    for (size_t i = 0; i < sizeof versions / sizeof *versions; i++) {
        start_small(1);
        memcpy(file.bytes + 6, versions[i], 2);
        write_file(PLAIN);
        expect_refused(DPMIX_ERR_FORMAT, "version");
    }
    unlink(path);
    expect_refused(DPMIX_ERR_IO, "cannot be opened");
}
END_TEST

/* Memory follows the file, not its header. */
START_TEST(sizes_that_the_file_does_not_hold_are_not_allocated)
{
    static const char *const shapes[] = {"1152921504606846975,", "1000000000, 784", "1, 1000000000000"};
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++)
        for (int fortran = 0; fortran < 2; fortran++) {
            long before = peak_memory();
            tiny_npy_start(&file, "<f8", fortran, shapes[i]);
            tiny_npy_value(&file, "<f8", 1);
            write_file(_i);
            expect_refused(DPMIX_ERR_FORMAT, SIZE_MAX > UINT32_MAX ? "shorter" : ""); /* or no size at all */
            ck_assert_int_lt(peak_memory() - before, 64 * 1024);
        }
}
END_TEST

/* The length of the header may say anything. */
START_TEST(lengths_of_the_header_that_lie_are_refused)
{
    for (int version = 1; version <= 3; version++) {
        size_t bytes = version == 1 ? 2 : 4;
        for (size_t bit = 0; bit < 8 * bytes; bit++) {
            start_small(version);
            size_t length = file.header - 8 - bytes;
            file.bytes[8 + bit / 8] ^= (uint8_t)(1 << bit % 8);
            size_t said = length ^ ((size_t)1 << bit);
            write_file(PLAIN);
            /* Where it ends within the file, the dictionary breaks off or values count as a part of it, or
             * what fills it up counts as values. */
            int within = 8 + bytes + said <= file.n;
            expect_refused(DPMIX_ERR_FORMAT, within ? "" : (said > 65535 ? "too long" : "shorter"));
        }
    }
}
END_TEST

/* Every byte of the header with many other values: refused, or an array that the rest of the file fits. */
START_TEST(any_damage_of_the_header_is_survived)
{
    size_t taken = 0;
    start_small(1);
    for (size_t at = 0; at < file.header; at++) {
        uint8_t original = file.bytes[at];
        for (int value = (int)(at % 7); value < 256; value += at < 80 ? 7 : 51) {
            struct dpm_npy npy;
            file.bytes[at] = (uint8_t)value;
            write_file(PLAIN);
            int status = dpm_load_npy_rows(&npy, path);
            ck_assert(status == DPMIX_OK || status == DPMIX_ERR_FORMAT);
            if (status)
                continue;
            taken++;
            ck_assert(npy.items == 3 && npy.item_size == 1);
            for (size_t i = 0; i < 3; i++)
                ck_assert(isfinite(value_of(&npy, i)));
            dpm_free_wiped(npy.values);
        }
        file.bytes[at] = original;
    }
    ck_assert_uint_ge(taken, 1); /* other white space, the other order of bytes: few are left */
    ck_assert_uint_le(taken, 200);
}
END_TEST

START_TEST(every_failed_allocation_is_survived)
{
    static const char *const types[] = {"<f4", ">i4"}; /* kept as it is; converted */
    for (int reader = 0; reader < 2; reader++) {
        int failures = 0;
        tiny_npy_start(&file, reader ? "<u2" : types[_i], 0, "1,");
        tiny_npy_value(&file, reader ? "<u2" : types[_i], 1);
        write_file(GZIP);
        for (uint64_t nth = 1;; nth++) {
            struct dpm_npy npy = {0};
            int32_t *labels = NULL;
            size_t n = 0;
            int64_t live = dpm_alloc_live();
            dpm_alloc_fail_after(nth, 0);
            int status = reader ? dpm_load_npy_labels(&labels, &n, path) : dpm_load_npy_rows(&npy, path);
            dpm_alloc_fail_after(0, 0);
            if (!status) {
                dpm_free_wiped(npy.values);
                dpm_free_wiped(labels);
                break;
            }
            failures++;
            ck_assert_int_eq(status, DPMIX_ERR_NOMEM);
            ck_assert(!npy.values && !labels);
            ck_assert_int_eq(dpm_alloc_live(), live);
        }
        ck_assert_int_ge(failures, _i || reader ? 6 : 5);
    }
}
END_TEST

/* Neither from the bytes of the file nor from what was made of them. */
START_TEST(no_private_byte_goes_back_to_the_heap)
{
    static const char *const types[] = {"|u1", "<f8", "<i4"};
    struct dpm_npy npy;
    int32_t *labels;
    size_t n;
    char shape[16];
    size_t size = (size_t)(types[_i][2] - '0');
    snprintf(shape, sizeof shape, "%zu,", 512 / size);
    tiny_npy_start(&file, types[_i], 0, shape);
    for (int i = 0; i < 32; i++, file.n += sizeof private_bytes)
        memcpy(file.bytes + file.n, private_bytes, sizeof private_bytes);
    for (int form = PLAIN; form <= GZIP; form++) {
        write_file(form);
        watching = 1;
        ck_assert_int_eq(dpm_load_npy_rows(&npy, path), DPMIX_OK);
        dpm_free_wiped(npy.values);
        int status = dpm_load_npy_labels(&labels, &n, path);
        ck_assert_int_eq(status, _i == 1 ? DPMIX_ERR_FORMAT : DPMIX_OK);
        if (!status)
            dpm_free_wiped(labels);
        watching = 0; /* zlib's buffers that the test writes from are the test's, and not wiped */
        write_bytes(form, file.bytes, file.n - 1);
        watching = 1;
        ck_assert_int_eq(dpm_load_npy_rows(&npy, path), DPMIX_ERR_FORMAT);
        watching = 0;
    }
    ck_assert_int_ge(freed, 12);
    ck_assert_int_eq(seen_in_freed_memory, 0);
}
END_TEST

static Suite *npy_suite(void)
{
    Suite *suite = suite_create("npy");
    TCase *npy = tcase_create("npy");
    tcase_set_timeout(npy, 0);
    tcase_add_checked_fixture(npy, setup, teardown);
    tcase_add_loop_test(npy, every_type_is_read, 0, 2 * N_KINDS);
    tcase_add_loop_test(npy, not_a_number_stays_what_it_is, 0, 4);
    tcase_add_test(npy, every_way_of_writing_the_header_is_read);
    tcase_add_loop_test(npy, both_orders_of_the_dimensions_are_one_array, 0, 8);
    tcase_add_test(npy, small_shapes);
    tcase_add_test(npy, labels_are_integers_of_any_type);
    tcase_add_loop_test(npy, a_large_file_is_read, 0, 2);
    tcase_add_loop_test(npy, every_truncation_is_refused, PLAIN, GZIP + 1);
    tcase_add_test(npy, malformed_dictionaries_are_refused);
    tcase_add_test(npy, other_files_and_versions_are_refused);
    tcase_add_loop_test(npy, sizes_that_the_file_does_not_hold_are_not_allocated, PLAIN, GZIP + 1);
    tcase_add_test(npy, lengths_of_the_header_that_lie_are_refused);
    tcase_add_test(npy, any_damage_of_the_header_is_survived);
    tcase_add_loop_test(npy, every_failed_allocation_is_survived, 0, 2);
    tcase_add_loop_test(npy, no_private_byte_goes_back_to_the_heap, 0, 3);
    suite_add_tcase(suite, npy);
    return suite;
}

CHECK_MAIN(npy_suite)
