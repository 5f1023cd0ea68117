/* SPDX-License-Identifier: BSD-3-Clause */
/* Arrow arrays made by hand: every type, slices, dictionaries, and what is hostile. */
#include <dpmix/dpmix.h>

#include "base_alloc.h"
#include "privacy_dataset.h"

#include "tiny_arrow.h"
#include "tiny_data.h"

#include <errno.h>
#include <math.h>

/* ---- One column of numbers, in every type ---- */

enum { N = 6 }; /* cells; values 0, 1, 2, ... but for types that cannot */

static dpmix_schema *one_column(int kind)
{
    static const char *const values[] = {"0", "1", "2", "3", "4", "5"};
    dpmix_schema *schema = NULL;
    CHECK_OK(dpmix_schema_new(&schema));
    int null = DPMIX_SCHEMA_NULLABLE, rule = DPMIX_OUTSIDE_CLAMP;
    switch (kind) {
    case DPMIX_KIND_CONTINUOUS: CHECK_OK(dpmix_schema_add_continuous(schema, "x", 0, 10, null, rule)); break;
    case DPMIX_KIND_INTEGER: CHECK_OK(dpmix_schema_add_integer(schema, "x", 0, 9, null, rule)); break;
    case DPMIX_KIND_BOOLEAN: CHECK_OK(dpmix_schema_add_boolean(schema, "x", null, rule)); break;
    case DPMIX_KIND_DATE: CHECK_OK(dpmix_schema_add_date(schema, "x", 0, 9, null, rule)); break;
    case DPMIX_KIND_TIMESTAMP: CHECK_OK(dpmix_schema_add_timestamp(schema, "x", 0, 9, null, rule)); break;
    default: CHECK_OK(dpmix_schema_add_categorical(schema, "x", values, 6, NULL, null, rule)); break;
    }
    return schema;
}

/* Consumes the table's array; rows as they are encoded, NULL when the call fails. */
static dpmix_dataset *take(struct tiny_table *table, const dpmix_schema *schema)
{
    dpmix_dataset *dataset = NULL;
    CHECK_OK(dpmix_dataset_new_arrow(&dataset, schema, &table->array, &table->type));
    ck_assert_int_eq(tiny_released_arrays, 1 + (int)table->array.n_children);
    ck_assert_int_eq(tiny_released_types, 1 + (int)table->type.n_children);
    return dataset;
}

static const float *rows_of(const dpmix_dataset *dataset)
{
    return dataset->source.rows;
}

static const uint8_t c8[] = {0, 1, 2, 3, 4, 5};
static const uint16_t c16[] = {0, 1, 2, 3, 4, 5};
static const uint32_t c32[] = {0, 1, 2, 3, 4, 5};
static const uint64_t c64[] = {0, 1, 2, 3, 4, 5};
static const uint16_t half[] = {0, 0x3c00, 0x4000, 0x4200, 0x4400, 0x4500};
static const float single[] = {0, 1, 2, 3, 4, 5};
static const double real[] = {0, 1, 2, 3, 4, 5};
#if defined(__BYTE_ORDER__) && defined(__ORDER_BIG_ENDIAN__) && __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
#define HALVES(high, low) high, low
#else
#define HALVES(high, low) low, high
#endif
static const uint64_t decimal[] = {HALVES(0, 0),   HALVES(0, 100), HALVES(0, 200),
                                   HALVES(0, 300), HALVES(0, 400), HALVES(0, 500)};
static const int64_t millis_days[] = {0, 86400000, 172800000, 259200000 + 5, 345600000, 432000000};
static const int64_t nanos[] = {0, 1000, 2999, 3000, 4001, 5000};
static const int64_t micro_days[] = {0, 86400000000, 172800000000, 259200000001, 345600000000, 432000000000};
static const int32_t offsets32[] = {2, 3, 4, 5, 6, 7, 8};
static const int64_t offsets64[] = {2, 3, 4, 5, 6, 7, 8};
static const char digits[] = "xx012345";
static const char fixed[] = "012345";

static const struct {
    const char *format;
    const void *cells, *text;
    int kind;
} types[] = {
    {"c", c8, NULL, DPMIX_KIND_INTEGER},
    {"C", c8, NULL, DPMIX_KIND_INTEGER},
    {"s", c16, NULL, DPMIX_KIND_INTEGER},
    {"S", c16, NULL, DPMIX_KIND_INTEGER},
    {"i", c32, NULL, DPMIX_KIND_INTEGER},
    {"I", c32, NULL, DPMIX_KIND_CONTINUOUS},
    {"l", c64, NULL, DPMIX_KIND_INTEGER},
    {"L", c64, NULL, DPMIX_KIND_INTEGER},
    {"e", half, NULL, DPMIX_KIND_INTEGER},
    {"f", single, NULL, DPMIX_KIND_CONTINUOUS},
    {"g", real, NULL, DPMIX_KIND_CONTINUOUS},
    {"g", real, NULL, DPMIX_KIND_CATEGORICAL},
    {"d:10,2", decimal, NULL, DPMIX_KIND_INTEGER},
    {"d:10,2,128", decimal, NULL, DPMIX_KIND_CONTINUOUS},
    {"u", offsets32, digits, DPMIX_KIND_CATEGORICAL},
    {"U", offsets64, digits, DPMIX_KIND_CATEGORICAL},
    {"z", offsets32, digits, DPMIX_KIND_INTEGER},
    {"Z", offsets64, digits, DPMIX_KIND_CONTINUOUS},
    {"w:1", fixed, NULL, DPMIX_KIND_CATEGORICAL},
    {"i", c32, NULL, DPMIX_KIND_CATEGORICAL},
    {"tdD", c32, NULL, DPMIX_KIND_DATE},
    {"tdm", millis_days, NULL, DPMIX_KIND_DATE},
    {"tsu:UTC", micro_days, NULL, DPMIX_KIND_DATE},
    {"tsu:", c64, NULL, DPMIX_KIND_TIMESTAMP},
    {"tsn:", nanos, NULL, DPMIX_KIND_TIMESTAMP},
    {"l", c64, NULL, DPMIX_KIND_TIMESTAMP},
    {"i", c32, NULL, DPMIX_KIND_DATE},
};

/* The number that a row of one column stands for; -1 for null. */
static double value_of(const dpmix_dataset *dataset, int kind, size_t row)
{
    size_t width = dpmix_dataset_columns(dataset);
    const float *places = rows_of(dataset) + row * width;
    if (kind == DPMIX_KIND_CATEGORICAL) {
        size_t hot = 0;
        while (places[hot] != 1)
            hot++;
        return hot == 6 ? -1 : (double)hot;
    }
    ck_assert(places[1] + places[2] == 1);
    if (places[2] == 1)
        return -1;
    return kind == DPMIX_KIND_CONTINUOUS ? 10 * (double)places[0] : floor(10 * (double)places[0]);
}

/* Rows 0, 1, ... of a slice that starts at `first` of the buffers: validity is 0b...110111. */
static void expect_values(const dpmix_dataset *dataset, int kind, size_t first, size_t n, int validity)
{
    ck_assert_uint_eq(dataset->source.n_rows, n);
    for (size_t i = 0; i < n; i++) {
        double wanted = validity && first + i == 3 ? -1 : (double)(first + i);
        ck_assert_msg(fabs(value_of(dataset, kind, i) - wanted) < 1e-5, "row %zu: %g", i,
                      value_of(dataset, kind, i));
    }
}

START_TEST(every_type_is_taken_in)
{
    static const uint8_t validity = 0x37;
    dpmix_schema *schema = one_column(types[_i].kind);
    for (int with = 0; with < 2; with++)
        for (int64_t parent = 0; parent < 3; parent++)
            for (int64_t child = 0; child < 3; child++) {
                struct tiny_table table;
                tiny_table_begin(&table, N - parent - child);
                struct tiny_column *column = tiny_table_add(
                    &table, "x", types[_i].format, with ? &validity : NULL, types[_i].cells, types[_i].text);
                table.array.offset = parent;
                column->array.offset = child;
                column->array.length = N - child;
                dpmix_dataset *dataset = take(&table, schema);
                expect_values(dataset, types[_i].kind, (size_t)(parent + child), (size_t)(N - parent - child),
                              with);
                dpmix_dataset_free(dataset);
            }
    dpmix_schema_free(schema);
    ck_assert_int_eq(dpm_alloc_live(), 0);
}
END_TEST

/* Cells below a record that is null count as null, whatever they are; bits are of the parent's slice. */
START_TEST(records_may_be_null)
{
    static const uint8_t validity = 0x37;
    dpmix_schema *schema = one_column(DPMIX_KIND_INTEGER);
    for (int64_t parent = 0; parent < 3; parent++) {
        struct tiny_table table;
        tiny_table_begin(&table, N - parent);
        tiny_table_add(&table, "x", "i", NULL, c32, NULL)->array.length = N;
        table.buffers[0] = &validity;
        table.array.offset = parent;
        table.array.null_count = 1;
        dpmix_dataset *dataset = take(&table, schema);
        expect_values(dataset, DPMIX_KIND_INTEGER, (size_t)parent, (size_t)(N - parent), 1);
        dpmix_dataset_free(dataset);
    }
    dpmix_schema_free(schema);
    ck_assert_int_eq(dpm_alloc_live(), 0);
}
END_TEST

/* What lies between two steps of a unit belongs to the lower one, on both sides of 0. */
START_TEST(numbers_below_zero)
{
    static const uint64_t cents[] = {HALVES(UINT64_MAX, -UINT64_C(300)), HALVES(UINT64_MAX, -UINT64_C(100)),
                                     HALVES(0, 0), HALVES(0, 100)};
    static const int64_t millis[] = {-259200000, -1, 1, 86400000};
    static const int64_t micros[] = {-259200000000, -1, 1, 86400000000};
    static const int64_t thousands[] = {-3000, -1, 1, 1000};
    static const char *const names[] = {"cents", "millis", "micros", "thousands"};
    dpmix_schema *schema = NULL;
    struct tiny_table table;
    CHECK_OK(dpmix_schema_new(&schema));
    CHECK_OK(dpmix_schema_add_integer(schema, names[0], -5, 4, 0, 1));
    CHECK_OK(dpmix_schema_add_date(schema, names[1], -5, 4, 0, 1));
    CHECK_OK(dpmix_schema_add_date(schema, names[2], -5, 4, 0, 1));
    CHECK_OK(dpmix_schema_add_timestamp(schema, names[3], -5, 4, 0, 1));
    tiny_table_begin(&table, 4);
    tiny_table_add(&table, names[0], "d:10,2", NULL, cents, NULL);
    tiny_table_add(&table, names[1], "tdm", NULL, millis, NULL);
    tiny_table_add(&table, names[2], "tsu:", NULL, micros, NULL);
    tiny_table_add(&table, names[3], "tsn:", NULL, thousands, NULL);
    dpmix_dataset *dataset = take(&table, schema);
    static const int wanted[] = {-3, -1, 0, 1};
    for (size_t i = 0; i < 16; i++)
        ck_assert_msg((int)floorf(10 * rows_of(dataset)[i]) - 5 == wanted[i / 4], "row %zu, %s", i / 4,
                      names[i % 4]);
    dpmix_dataset_free(dataset);
    dpmix_schema_free(schema);
    ck_assert_int_eq(dpm_alloc_live(), 0);
}
END_TEST

START_TEST(half_floats_have_signs_and_extremes)
{
    static const uint16_t halves[N] = {0xC200, 0x3E00, 0x0001, 0x7C00, 0xFC00, 0x7E00};
    static const double wanted[N - 1] = {-3, 1.5, 0x1p-24, 6, -4}; /* the last is not a number, and so null */
    dpmix_schema *schema = NULL;
    struct tiny_table table;
    CHECK_OK(dpmix_schema_new(&schema));
    CHECK_OK(dpmix_schema_add_continuous(schema, "x", -4, 6, DPMIX_SCHEMA_NULLABLE, 1));
    tiny_table_begin(&table, N);
    tiny_table_add(&table, "x", "e", NULL, halves, NULL);
    dpmix_dataset *dataset = take(&table, schema);
    for (size_t i = 0; i < N; i++) {
        const float *places = rows_of(dataset) + 3 * i;
        ck_assert(places[2] == (float)(i == N - 1));
        ck_assert(i == N - 1 || fabs(10 * (double)places[0] - 4 - wanted[i]) < 1e-6);
    }
    dpmix_dataset_free(dataset);
    dpmix_schema_free(schema);
    ck_assert_int_eq(dpm_alloc_live(), 0);
}
END_TEST

START_TEST(every_width_of_dictionary_numbers)
{
    static const struct {
        const char *format;
        const void *cells;
    } widths[] = {{"c", c8},  {"C", c8},  {"s", c16}, {"S", c16},
                  {"i", c32}, {"I", c32}, {"l", c64}, {"L", c64}};
    static const int32_t offsets[] = {0, 1, 2, 3, 4, 5, 6, 7}; /* one text too many in front */
    static const uint8_t validity = 0x37;
    dpmix_schema *schema = one_column(DPMIX_KIND_CATEGORICAL);
    struct tiny_table table;
    tiny_table_begin(&table, N);
    struct tiny_column *column =
        tiny_table_add(&table, "x", widths[_i].format, &validity, widths[_i].cells, NULL);
    tiny_column_texts(column, N, offsets, "9012345");
    column->dictionary.offset = 1;
    dpmix_dataset *dataset = take(&table, schema);
    expect_values(dataset, DPMIX_KIND_CATEGORICAL, 0, N, 1);
    dpmix_dataset_free(dataset);

    tiny_table_begin(&table, N); /* the same, and a number outside */
    column = tiny_table_add(&table, "x", widths[_i].format, NULL, widths[_i].cells, NULL);
    tiny_column_texts(column, 4, offsets, "9012345");
    CHECK_FAILS(dpmix_dataset_new_arrow(&dataset, schema, &table.array, &table.type), DPMIX_ERR_FORMAT,
                "column 'x', row 4");
    dpmix_schema_free(schema);
    ck_assert_int_eq(dpm_alloc_live(), 0);
}
END_TEST

static void set_view(unsigned char *view, int32_t length, const char *text, int32_t buffer, int32_t at)
{
    memset(view, 0, 16);
    memcpy(view, &length, 4);
    if (length >= 0 && length <= 12) {
        memcpy(view + 4, text, (size_t)length);
        return;
    }
    memcpy(view + 4, text, 4);
    memcpy(view + 8, &buffer, 4);
    memcpy(view + 12, &at, 4);
}

START_TEST(views_bits_nulls_and_extremes)
{
    static const char *const names[] = {"short", "a text of more than twelve bytes"};
    static const char long_text[] = "..a text of more than twelve bytes";
    static const int64_t sizes[] = {sizeof long_text - 1};
    static const uint8_t bits = 0x05;
    static const uint64_t huge[] = {UINT64_MAX, 7, 0};
    static const int64_t seconds[] = {INT64_MAX, INT64_MIN, 0};
    unsigned char views[3][16];
    dpmix_schema *schema = NULL;
    struct tiny_table table;
    set_view(views[0], 5, "short", 0, 0);
    set_view(views[1], 32, "a te", 0, 2);
    set_view(views[2], 32, "a te", 0, 2);
    CHECK_OK(dpmix_schema_new(&schema));
    CHECK_OK(dpmix_schema_add_categorical(schema, "v", names, 2, NULL, 0, 1));
    CHECK_OK(dpmix_schema_add_boolean(schema, "b", 0, 1));
    CHECK_OK(dpmix_schema_add_boolean(schema, "n", DPMIX_SCHEMA_NULLABLE, 1));
    CHECK_OK(dpmix_schema_add_integer(schema, "h", 0, 9, 0, 1));
    CHECK_OK(dpmix_schema_add_timestamp(schema, "t", 0, 9, 0, 1));
    tiny_table_begin(&table, 3);
    struct tiny_column *column = tiny_table_add(&table, "v", "vu", NULL, views, long_text);
    column->buffers[3] = sizes;
    column->array.n_buffers = 4;
    tiny_table_add(&table, "b", "b", NULL, &bits, NULL);
    tiny_table_add(&table, "n", "n", NULL, NULL, NULL)->array.n_buffers = 0;
    tiny_table_add(&table, "h", "L", NULL, huge, NULL);
    tiny_table_add(&table, "t", "tss:", NULL, seconds, NULL);
    tiny_table_add(&table, "unknown", "+l", NULL, NULL, NULL); /* which nobody asks for */
    dpmix_dataset *dataset = take(&table, schema);
    static const float wanted[3][9] = {{1, 0, 0, 1, 0, 0, 1, 0.95f, 0.95f},
                                       {0, 1, 1, 0, 0, 0, 1, 0.75f, 0.05f},
                                       {0, 1, 0, 1, 0, 0, 1, 0.05f, 0.05f}};
    for (size_t i = 0; i < 27; i++)
        ck_assert_msg(fabsf(rows_of(dataset)[i] - wanted[i / 9][i % 9]) < 1e-6f, "place %zu", i);
    dpmix_dataset_free(dataset);
    for (int fault = 0; fault < 7; fault++) {
        set_view(views[1], fault == 0 ? -1 : 32, "a te",
                 fault == 1   ? 1
                 : fault == 2 ? -1
                              : 0,
                 fault == 3   ? 3
                 : fault == 4 ? -1
                              : 2);
        tiny_table_begin(&table, 3);
        column = tiny_table_add(&table, "v", "vu", NULL, views, long_text);
        column->buffers[2] = fault == 5 ? NULL : long_text;
        column->buffers[3] = fault == 6 ? NULL : sizes;
        column->array.n_buffers = 4;
        tiny_table_add(&table, "b", "b", NULL, &bits, NULL);
        tiny_table_add(&table, "n", "n", NULL, NULL, NULL)->array.n_buffers = 0;
        tiny_table_add(&table, "h", "L", NULL, huge, NULL);
        tiny_table_add(&table, "t", "tss:", NULL, seconds, NULL);
        CHECK_FAILS(dpmix_dataset_new_arrow(&dataset, schema, &table.array, &table.type), DPMIX_ERR_FORMAT,
                    fault < 5 ? "column 'v', row 1" : "column 'v': a buffer is missing");
        ck_assert_int_eq(tiny_released_arrays, 6);
    }
    dpmix_schema_free(schema);
    ck_assert_int_eq(dpm_alloc_live(), 0);
}
END_TEST

/* The largest of them is a common word for "never". */
START_TEST(integers_beyond_63_bits_are_late_times)
{
    static const uint64_t huge[] = {UINT64_MAX, UINT64_C(1) << 63, 7};
    int outside = _i ? DPMIX_OUTSIDE_NULL : DPMIX_OUTSIDE_CLAMP;
    dpmix_schema *schema = NULL;
    struct tiny_table table;
    CHECK_OK(dpmix_schema_new(&schema));
    CHECK_OK(dpmix_schema_add_date(schema, "d", -9, 10, DPMIX_SCHEMA_NULLABLE, outside));
    CHECK_OK(dpmix_schema_add_timestamp(schema, "t", -9, 10, DPMIX_SCHEMA_NULLABLE, outside));
    tiny_table_begin(&table, 3);
    tiny_table_add(&table, "d", "L", NULL, huge, NULL);
    tiny_table_add(&table, "t", "L", NULL, huge, NULL);
    dpmix_dataset *dataset = take(&table, schema);
    for (size_t i = 0; i < 6; i++) {
        const float *places = rows_of(dataset) + 3 * i;
        int null = i < 4 && outside == DPMIX_OUTSIDE_NULL;
        float wanted = null ? 0.5f : i < 4 ? 19.5f / 20 : 16.5f / 20;
        ck_assert_msg(fabsf(places[0] - wanted) < 1e-6f && places[2] == (float)null, "place %zu", i);
    }
    dpmix_dataset_free(dataset);
    dpmix_schema_free(schema);
    ck_assert_int_eq(dpm_alloc_live(), 0);
}
END_TEST

/* Codes that a double does not hold, as databases have them in decimals and in integers of 64 bits. */
START_TEST(whole_numbers_keep_their_digits)
{
    static const uint64_t coded[] = {HALVES(0, UINT64_C(900000000000207008)),
                                     HALVES(UINT64_MAX, -UINT64_C(9007199254740993)), HALVES(0, 12)};
    static const uint64_t cents[] = {HALVES(0, UINT64_C(900719925474099300)),
                                     HALVES(UINT64_MAX, -UINT64_C(100)), HALVES(0, 120)};
    static const uint64_t bits[] = {UINT64_MAX, UINT64_C(9223372036854775809), 3};
    static const char *const names[] = {"coded", "cents", "bits"};
    static const char *const values[][3] = {{"900000000000207008", "-9007199254740993", "12"},
                                            {"9007199254740993", "-1", "1.2"},
                                            {"18446744073709551615", "9223372036854775809", "3"}};
    dpmix_schema *schema = NULL;
    struct tiny_table table;
    CHECK_OK(dpmix_schema_new(&schema));
    for (size_t i = 0; i < 3; i++)
        CHECK_OK(
            dpmix_schema_add_categorical(schema, names[i], values[i], 3, "other", 0, DPMIX_OUTSIDE_OTHER));
    tiny_table_begin(&table, 3);
    tiny_table_add(&table, names[0], "d:18,0", NULL, coded, NULL);
    tiny_table_add(&table, names[1], "d:18,2", NULL, cents, NULL);
    tiny_table_add(&table, names[2], "L", NULL, bits, NULL);
    dpmix_dataset *dataset = take(&table, schema);
    for (size_t row = 0; row < 3; row++)
        for (size_t i = 0; i < 3; i++) { /* 1.2 is no whole number */
            size_t wanted = row == 2 && i == 1 ? 3 : row;
            ck_assert_msg(rows_of(dataset)[12 * row + 4 * i + wanted] == 1, "row %zu, %s", row, names[i]);
        }
    dpmix_dataset_free(dataset);
    dpmix_schema_free(schema);
    ck_assert_int_eq(dpm_alloc_live(), 0);
}
END_TEST

/* What would be rounded or brought into a range could make one unit of two. */
START_TEST(identifiers_are_of_types_that_are_taken_whole)
{
    static const int64_t numbers[4] = {0, 1, 1, 2};
    static const int32_t few[4] = {0, 1, 1, 2};
    static const struct {
        const char *format;
        const void *cells;
        int status;
    } units[] = {{"l", numbers, DPMIX_OK},
                 {"L", numbers, DPMIX_OK},
                 {"tsu:", numbers, DPMIX_OK},
                 {"tdD", few, DPMIX_OK},
                 {"tsn:", numbers, DPMIX_ERR_FORMAT},
                 {"tsm:", numbers, DPMIX_ERR_FORMAT},
                 {"tss:", numbers, DPMIX_ERR_FORMAT},
                 {"tdm", numbers, DPMIX_ERR_FORMAT},
                 {"g", numbers, DPMIX_ERR_FORMAT}};
    dpmix_schema *schema = one_column(DPMIX_KIND_INTEGER);
    CHECK_OK(dpmix_schema_add_unit(schema, "who", 1));
    for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
        struct tiny_table table;
        dpmix_dataset *dataset = NULL;
        tiny_table_begin(&table, 4);
        tiny_table_add(&table, "x", "l", NULL, numbers, NULL);
        tiny_table_add(&table, "who", units[i].format, NULL, units[i].cells, NULL);
        int status = dpmix_dataset_new_arrow(&dataset, schema, &table.array, &table.type);
        ck_assert_msg(status == units[i].status, "%s: %d", units[i].format, status);
        if (!status)
            ck_assert_uint_eq(dataset->source.n_rows, 3);
        dpmix_dataset_free(dataset);
    }
    dpmix_schema_free(schema);
    ck_assert_int_eq(dpm_alloc_live(), 0);
}
END_TEST

/* ---- What is hostile ---- */

enum fault {
    NOT_A_STRUCT,
    TYPE_RELEASED,
    TYPE_WITHOUT_CHILDREN,
    TYPE_CHILD_NULL,
    TYPE_FORMAT_NULL,
    TYPE_NEGATIVE_CHILDREN,
    UNKNOWN_TYPE,
    WRONG_TYPE,
    MISSING_COLUMN,
    COLUMN_TWICE,
    FEWER_CHILDREN,
    NO_CHILDREN,
    CHILD_NULL,
    CHILD_RELEASED,
    CHILD_SHORT,
    CHILD_SHORT_OF_OFFSET,
    CHILD_NEGATIVE,
    CHILD_OFFSET,
    CHILD_OFFSET_HUGE,
    PARENT_NEGATIVE,
    PARENT_OFFSET_HUGE,
    PARENT_BUFFERS,
    PARENT_NULLS_WITHOUT_BITMAP,
    BUFFERS_NULL,
    BUFFERS_FEWER,
    BUFFERS_MORE,
    CELLS_NULL,
    NULLS_WITHOUT_BITMAP,
    NULLS_MORE_THAN_CELLS,
    DICTIONARY_UNTOLD,
    OFFSETS_FALL,
    OFFSETS_NEGATIVE,
    TEXT_NULL,
    DICTIONARY_MISSING,
    DICTIONARY_RELEASED,
    DICTIONARY_OF_DICTIONARY,
    N_FAULTS
};

static void break_table(struct tiny_table *table, enum fault fault)
{
    static const int32_t falling[] = {0, 1, 2, 1, 4, 5, 6}, negative[] = {-1, 1, 2, 3, 4, 5, 6};
    struct tiny_column *number = &table->column[0], *text = &table->column[1], *coded = &table->column[2];
    switch (fault) {
    case NOT_A_STRUCT: table->type.format = "+l"; break;
    case TYPE_RELEASED: table->types[1]->release = NULL; break;
    case TYPE_WITHOUT_CHILDREN: table->type.children = NULL; break;
    case TYPE_CHILD_NULL: table->types[1] = NULL; break;
    case TYPE_FORMAT_NULL: number->type.format = NULL; break;
    case TYPE_NEGATIVE_CHILDREN: table->type.n_children = -1; break;
    case UNKNOWN_TYPE: number->type.format = "ttu"; break;
    case WRONG_TYPE: number->type.format = "tdD"; break;
    case MISSING_COLUMN: text->type.name = NULL; break;
    case COLUMN_TWICE: text->type.name = "number"; break;
    case FEWER_CHILDREN: table->array.n_children = 2; break;
    case NO_CHILDREN: table->array.children = NULL; break;
    case CHILD_NULL: table->arrays[1] = NULL; break;
    case CHILD_RELEASED: number->array.release = NULL; break;
    case CHILD_SHORT: number->array.length = N - 1; break;
    case CHILD_SHORT_OF_OFFSET: table->array.offset = 1; break;
    case CHILD_NEGATIVE: number->array.length = -1; break;
    case CHILD_OFFSET: number->array.offset = -1; break;
    case CHILD_OFFSET_HUGE: number->array.offset = INT64_MAX - 1; break;
    case PARENT_NEGATIVE: table->array.length = -1; break;
    case PARENT_OFFSET_HUGE: table->array.offset = INT64_MAX; break;
    case PARENT_BUFFERS: table->array.n_buffers = 0; break;
    case PARENT_NULLS_WITHOUT_BITMAP: table->array.null_count = 1; break;
    case BUFFERS_NULL: number->array.buffers = NULL; break;
    case BUFFERS_FEWER: text->array.n_buffers = 2; break;
    case BUFFERS_MORE: number->array.n_buffers = 3; break;
    case CELLS_NULL: number->buffers[1] = NULL; break;
    case NULLS_WITHOUT_BITMAP: number->array.null_count = 1; break;
    case NULLS_MORE_THAN_CELLS: number->array.null_count = N + 1; break;
    case DICTIONARY_UNTOLD: number->array.dictionary = &coded->dictionary; break;
    case OFFSETS_FALL: text->buffers[1] = falling; break;
    case OFFSETS_NEGATIVE: text->buffers[1] = negative; break;
    case TEXT_NULL: text->buffers[2] = NULL; break;
    case DICTIONARY_MISSING: coded->array.dictionary = NULL; break;
    case DICTIONARY_RELEASED: coded->dictionary.release = NULL; break;
    case DICTIONARY_OF_DICTIONARY: coded->dictionary_type.dictionary = &text->type; break;
    default: break;
    }
}

static void good_table(struct tiny_table *table)
{
    tiny_table_begin(table, N);
    tiny_table_add(table, "number", "i", NULL, c32, NULL);
    tiny_table_add(table, "text", "u", NULL, offsets32, digits);
    tiny_column_texts(tiny_table_add(table, "coded", "c", NULL, c8, NULL), N, offsets32, digits);
}

static dpmix_schema *three_columns(void)
{
    static const char *const values[] = {"0", "1", "2", "3", "4", "5"};
    dpmix_schema *schema = NULL;
    CHECK_OK(dpmix_schema_new(&schema));
    CHECK_OK(dpmix_schema_add_integer(schema, "number", 0, 9, 0, 1));
    CHECK_OK(dpmix_schema_add_categorical(schema, "text", values, 6, NULL, 0, 1));
    CHECK_OK(dpmix_schema_add_categorical(schema, "coded", values, 6, NULL, 0, 1));
    return schema;
}

START_TEST(hostile_arrays_are_refused)
{
    struct tiny_table table;
    dpmix_schema *schema = three_columns();
    dpmix_dataset *dataset = NULL;
    good_table(&table);
    if (_i == N_FAULTS) {
        CHECK_OK(dpmix_dataset_new_arrow(&dataset, schema, &table.array, &table.type));
        dpmix_dataset_free(dataset);
    } else {
        break_table(&table, (enum fault)_i);
        CHECK_FAILS(dpmix_dataset_new_arrow(&dataset, schema, &table.array, &table.type), DPMIX_ERR_FORMAT,
                    "array: ");
        ck_assert_ptr_null(dataset);
    }
    ck_assert(table.array.release == NULL);
    ck_assert(table.type.release == NULL);
    CHECK_FAILS(dpmix_dataset_new_arrow(&dataset, schema, &table.array, &table.type), DPMIX_ERR_ARG,
                "released");
    dpmix_schema_free(schema);
    ck_assert_int_eq(dpm_alloc_live(), 0);
}
END_TEST

START_TEST(streams_are_consumed)
{
    struct tiny_table table;
    dpmix_schema *schema = three_columns();
    dpmix_dataset *dataset = NULL;
    good_table(&table);
    CHECK_OK(dpmix_dataset_new_stream(&dataset, schema, tiny_table_stream(&table, 3)));
    ck_assert_uint_eq(dataset->source.n_rows, 3 * N);
    ck_assert_mem_eq(rows_of(dataset), rows_of(dataset) + (size_t)2 * N * 13, (size_t)N * 13 * sizeof(float));
    ck_assert_int_eq(tiny_released_arrays, 12);
    ck_assert_int_eq(tiny_released_types, 4);
    ck_assert_int_eq(tiny_released_streams, 1);
    dpmix_dataset_free(dataset);
    dataset = NULL;
    CHECK_FAILS(dpmix_dataset_new_stream(&dataset, schema, &table.stream), DPMIX_ERR_ARG, "stream");
    good_table(&table);
    CHECK_OK(dpmix_dataset_new_stream(&dataset, schema, tiny_table_stream(&table, 0)));
    ck_assert_uint_eq(dataset->source.n_rows, 0);
    dpmix_dataset_free(dataset);
    dataset = NULL;
    good_table(&table);
    table.fail_next = EIO;
    CHECK_FAILS(dpmix_dataset_new_stream(&dataset, schema, tiny_table_stream(&table, 1)), DPMIX_ERR_IO,
                "producer");
    good_table(&table);
    table.fail_next = ENOMEM;
    CHECK_FAILS(dpmix_dataset_new_stream(&dataset, schema, tiny_table_stream(&table, 1)), DPMIX_ERR_NOMEM,
                "stream");
    ck_assert_int_eq(tiny_released_streams, 1);
    good_table(&table);
    break_table(&table, OFFSETS_FALL);
    CHECK_FAILS(dpmix_dataset_new_stream(&dataset, schema, tiny_table_stream(&table, 2)), DPMIX_ERR_FORMAT,
                "'text'");
    ck_assert_int_eq(tiny_released_arrays, 4);
    ck_assert_ptr_null(dataset);
    dpmix_schema_free(schema);
    ck_assert_int_eq(dpm_alloc_live(), 0);
}
END_TEST

START_TEST(columns_are_found_by_their_names)
{
    static const int32_t tens[] = {0, 10, 20, 30, 40, 50};
    struct tiny_table table;
    dpmix_schema *schema = one_column(DPMIX_KIND_INTEGER);
    CHECK_OK(dpmix_schema_add_integer(schema, "tens", 0, 99, 0, 1));
    tiny_table_begin(&table, N);
    tiny_table_add(&table, "tens", "i", NULL, tens, NULL);
    tiny_table_add(&table, "unknown", "i", NULL, c32, NULL);
    tiny_table_add(&table, "x", "i", NULL, c32, NULL);
    dpmix_dataset *dataset = take(&table, schema);
    for (int i = 0; i < N; i++) {
        const float *places = rows_of(dataset) + 4 * i;
        ck_assert_int_eq((int)floorf(10 * places[0]), i);
        ck_assert_int_eq((int)floorf(100 * places[3]), 10 * i);
    }
    dpmix_dataset_free(dataset);
    dpmix_schema_free(schema);
    ck_assert_int_eq(dpm_alloc_live(), 0);
}
END_TEST

/* Memory for the records grows from batch to batch. */
START_TEST(labels_come_along_when_a_stream_grows)
{
    struct tiny_table table;
    dpmix_schema *schema = three_columns();
    dpmix_dataset *dataset = NULL;
    CHECK_OK(dpmix_schema_set_label(schema, 2));
    good_table(&table);
    CHECK_OK(dpmix_dataset_new_stream(&dataset, schema, tiny_table_stream(&table, 5)));
    ck_assert_uint_eq(dataset->source.n_rows, 5 * N);
    for (int i = 0; i < 5 * N; i++)
        ck_assert_int_eq(dataset->source.labels[i], i % N);
    dpmix_dataset_free(dataset);
    dpmix_schema_free(schema);
    ck_assert_int_eq(dpm_alloc_live(), 0);
}
END_TEST

static Suite *arrow_suite(void)
{
    Suite *suite = suite_create("arrow");
    TCase *in = check_case(suite, "in");
    tcase_add_loop_test(in, every_type_is_taken_in, 0, (int)(sizeof types / sizeof *types));
    tcase_add_test(in, records_may_be_null);
    tcase_add_test(in, numbers_below_zero);
    tcase_add_test(in, half_floats_have_signs_and_extremes);
    tcase_add_loop_test(in, every_width_of_dictionary_numbers, 0, 8);
    tcase_add_test(in, views_bits_nulls_and_extremes);
    tcase_add_test(in, whole_numbers_keep_their_digits);
    tcase_add_test(in, identifiers_are_of_types_that_are_taken_whole);
    tcase_add_loop_test(in, integers_beyond_63_bits_are_late_times, 0, 2);
    tcase_add_loop_test(in, hostile_arrays_are_refused, 0, N_FAULTS + 1);
    tcase_add_test(in, streams_are_consumed);
    tcase_add_test(in, columns_are_found_by_their_names);
    tcase_add_test(in, labels_come_along_when_a_stream_grows);
    return suite;
}

CHECK_MAIN(arrow_suite)
