/* SPDX-License-Identifier: BSD-3-Clause */
/* Cells, places and texts: what the room of tables computes. */
#include "base_alloc.h"
#include "table_decode.h"
#include "table_export.h"
#include "table_number.h"
#include "table_rows.h"
#include "table_time.h"
#include "table_unit.h"

#include "check_main.h"
#include "tiny_data.h"

#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int64_t date(const char *text)
{
    int64_t days = INT64_MIN;
    ck_assert_msg(dpm_date_parse(&days, text, strlen(text)), "%s", text);
    return days;
}

START_TEST(dates_are_those_of_the_calendar)
{
    static const char *const wrong[] = {"",           "2024",       "2023-02-29",  "1900-02-29",
                                        "2024-13-01", "2024-00-01", "2024-01-00",  "2024-04-31",
                                        "0000-01-01", "2024-1-01",  "2024-01-01 ", "2024/01/01"};
    char text[DPM_TIME_SIZE];
    int64_t days;
    ck_assert_int_eq(date("1970-01-01"), 0);
    ck_assert_int_eq(date("1969-12-31"), -1);
    ck_assert_int_eq(date("2000-02-29"), 11016);
    ck_assert_int_eq(date("0001-01-01"), DPMIX_DATE_MIN);
    ck_assert_int_eq(date("9999-12-31"), DPMIX_DATE_MAX);
    for (days = DPMIX_DATE_MIN; days <= DPMIX_DATE_MAX; days += 61) {
        dpm_date_format(text, days);
        ck_assert_int_eq(date(text), days);
    }
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        ck_assert_msg(!dpm_date_parse(&days, wrong[i], strlen(wrong[i])), "%s", wrong[i]);
}
END_TEST

START_TEST(timestamps_are_read_and_written)
{
    static const struct {
        const char *text;
        int64_t micros;
    } good[] = {
        {"1970-01-01T00:00:00", 0},
        {"1970-01-01 00:00:01.5", 1500000},
        {"1970-01-01", 0},
        {"1970-01-01T01:00Z", 3600000000},
        {"1970-01-01T01:00:00+01:00", 0},
        {"1969-12-31T23:59:59.999999", -1},
        {"1970-01-01T00:00:00-00:30", 1800000000},
        {"1970-01-01T00:00:00.1234567", 123456},
        {"0001-01-01T00:00:00", DPMIX_TIMESTAMP_MIN},
        {"9999-12-31T23:59:59.999999", DPMIX_TIMESTAMP_MAX},
    };
    static const char *const wrong[] = {"1970-01-01T",          "1970-01-01T24:00",     "1970-01-01T00:60",
                                        "1970-01-01T00:00:61",  "1970-01-01T00:00:00.", "1970-01-01T00:00+1",
                                        "1970-01-01T00:00:00 x"};
    int64_t micros;
    char text[DPM_TIME_SIZE];
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        ck_assert_msg(dpm_timestamp_parse(&micros, good[i].text, strlen(good[i].text)), "%s", good[i].text);
        ck_assert_int_eq(micros, good[i].micros);
        dpm_timestamp_format(text, micros);
        ck_assert(dpm_timestamp_parse(&micros, text, strlen(text)));
        ck_assert_int_eq(micros, good[i].micros);
    }
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        ck_assert_msg(!dpm_timestamp_parse(&micros, wrong[i], strlen(wrong[i])), "%s", wrong[i]);
}
END_TEST

START_TEST(numbers_do_not_follow_the_locale)
{
    static const char *const wrong[] = {"",      "-",  ".",  "1e", "1,5",  "0x10",
                                        "1.2.3", " 1", "1 ", "e5", "nano", "--1"};
    char text[DPM_NUMBER_TEXT];
    double value;
    int64_t whole;
    (void)(setlocale(LC_ALL, "de_DE.UTF-8") || setlocale(LC_ALL, "fr_FR.UTF-8")); /* where there is one */
    ck_assert(dpm_number_parse(&value, "-1.5e2xx", 6));
    ck_assert(value == -150);
    ck_assert(dpm_number_parse(&value, "+.25", 4) && value == 0.25);
    ck_assert(dpm_number_parse(&value, "-INF", 4) && isinf(value) && value < 0);
    ck_assert(dpm_number_parse(&value, "NaN", 3) && isnan(value));
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        ck_assert_msg(!dpm_number_parse(&value, wrong[i], strlen(wrong[i])), "%s", wrong[i]);
    dpm_number_format(text, 0.1, 1e-9, 0, 1);
    ck_assert_str_eq(text, "0.1");
    dpm_number_format(text, 1 / 3.0, 0, 0, 1);
    ck_assert(dpm_number_parse(&value, text, strlen(text)) && value == 1 / 3.0);
    dpm_number_format(text, 0.123456789, 1, 0, 0.123456789); /* never beyond the bound */
    ck_assert(dpm_number_parse(&value, text, strlen(text)) && value <= 0.123456789);
    ck_assert(dpm_integer_parse(&whole, "-9223372036854775808", 20) && whole == INT64_MIN);
    ck_assert(dpm_integer_parse(&whole, "9223372036854775807", 19) && whole == INT64_MAX);
    ck_assert(!dpm_integer_parse(&whole, "9223372036854775808", 19));
    ck_assert(!dpm_integer_parse(&whole, "-", 1) && !dpm_integer_parse(&whole, "1.0", 3));
}
END_TEST

/* ---- Encode and decode ---- */

static const char *const colours[] = {"red", "green", "blue", "", "a, \"b\""};

static void add(struct dpmix_schema *schema, struct dpm_column column)
{
    ck_assert_int_eq(dpm_schema_add(schema, &column), DPMIX_OK);
}

/* Every kind, nullable or not. */
static struct dpmix_schema *every_kind(int flags, int outside)
{
    struct dpmix_schema *schema = NULL;
    ck_assert_int_eq(dpm_schema_new(&schema), DPMIX_OK);
    struct dpm_column common = {.flags = flags, .outside = outside}, column = common;
    column.name = "continuous", column.kind = DPMIX_KIND_CONTINUOUS, column.lower = -2, column.upper = 5;
    add(schema, column);
    column.name = "log", column.lower = 1e-3, column.upper = 1e6, column.flags |= DPMIX_SCHEMA_LOG;
    add(schema, column);
    column = common;
    column.name = "integer", column.kind = DPMIX_KIND_INTEGER, column.first = -7, column.last = 1000000;
    add(schema, column);
    column.name = "one", column.first = column.last = 3;
    add(schema, column);
    column.name = "all", column.first = INT64_MIN, column.last = INT64_MAX;
    add(schema, column);
    column.name = "date", column.kind = DPMIX_KIND_DATE, column.first = date("1900-01-01"),
    column.last = 20000;
    add(schema, column);
    column.name = "timestamp", column.kind = DPMIX_KIND_TIMESTAMP, column.first = -5, column.last = 1000000;
    add(schema, column);
    column = common;
    column.name = "ordinal", column.kind = DPMIX_KIND_ORDINAL, column.values = colours, column.n_values = 5;
    add(schema, column);
    column.name = "categorical", column.kind = DPMIX_KIND_CATEGORICAL, column.other = "other";
    add(schema, column);
    column = common;
    column.name = "boolean", column.kind = DPMIX_KIND_BOOLEAN;
    add(schema, column);
    return schema;
}

static void expect_obeys(const struct dpm_column *column, const struct dpm_datum *datum)
{
    ck_assert(!datum->null || dpm_column_nullable(column));
    if (datum->null)
        return;
    if (column->kind == DPMIX_KIND_CONTINUOUS)
        ck_assert(datum->real >= column->lower && datum->real <= column->upper);
    else if (dpm_column_has_values(column))
        ck_assert_uint_lt(datum->category, dpm_column_categories(column));
    else
        ck_assert(datum->integer >= column->first && datum->integer <= column->last);
}

/* What float32 costs: of the logarithm's range, 20.8, where the scale is one of logarithms. */
static double tolerance(const struct dpm_column *column, double value)
{
    return (column->flags & DPMIX_SCHEMA_LOG ? 21 * value : column->upper - column->lower) * 0x1p-24;
}

START_TEST(what_is_decoded_obeys_the_schema)
{
    static const float odd[] = {-1e30f, -1, -0.0f, 0, 0x1p-149f, 0.5f, 0.99999994f, 1, 1.0000001f, 2, 1e30f};
    uint8_t key[DPM_KEY_SIZE];
    struct tiny_random random = {(uint64_t)_i};
    struct dpmix_schema *schema = every_kind(_i & 1 ? DPMIX_SCHEMA_NULLABLE : 0, DPMIX_OUTSIDE_CLAMP);
    float *row = dpm_alloc(schema->width, sizeof *row);
    char work[DPM_CELL_TEXT_SIZE];
    dpm_random_seed(key, 1);
    for (uint64_t record = 0; record < 600; record++) {
        struct dpm_datum data[16], again[16];
        struct dpm_draws draws;
        for (size_t i = 0; i < schema->width; i++) {
            double u = tiny_uniform(&random);
            row[i] =
                u < 0.4 ? odd[(size_t)(u / 0.4 * (sizeof odd / sizeof *odd))] : (float)tiny_uniform(&random);
            if (u > 0.99)
                row[i] = u > 0.995 ? NAN : INFINITY;
        }
        dpm_draws_begin(&draws, key, record);
        dpm_table_decode(schema, row, NULL, _i & 2 ? &draws : NULL, data);
        dpm_draws_begin(&draws, key, record);
        dpm_table_decode(schema, row, NULL, _i & 2 ? &draws : NULL, again);
        for (size_t i = 0; i < schema->n_columns; i++) {
            const struct dpm_column *column = &schema->columns[i];
            expect_obeys(column, &data[i]);
            ck_assert_uint_eq(data[i].category, again[i].category);
            ck_assert_int_eq(data[i].null, again[i].null);
            if (data[i].null)
                continue;
            const char *text = dpm_datum_text(column, &data[i], work); /* and comes back from its text */
            struct dpm_cell cell = {.type = DPM_CELL_TEXT, .text = text, .length = strlen(text)};
            struct dpm_datum back = dpm_cell_datum(column, &cell);
            ck_assert_int_eq(back.null, 0);
            ck_assert_uint_eq(back.category, data[i].category);
            if (column->kind == DPMIX_KIND_CONTINUOUS)
                ck_assert(fabs(back.real - data[i].real) <= tolerance(column, data[i].real));
            else if (!dpm_column_has_values(column))
                ck_assert_int_eq(back.integer, data[i].integer);
        }
    }
    dpm_free(row);
    dpm_schema_free(schema);
}
END_TEST

/* A random cell, in the schema or out of it. */
static struct dpm_cell any_cell(const struct dpm_column *column, struct tiny_random *random)
{
    static const char *const texts[] = {
        "red",   "blue", "",    "other", "nothing",  "1",          "-3.7",
        "1e300", "yes",  "nan", "-inf",  "a, \"b\"", "2001-02-03", "1970-01-01T00:00:00.5",
        " 12 "};
    struct dpm_cell cell = {.type = (int)(7 * tiny_uniform(random))};
    double u = tiny_uniform(random);
    while (!(dpm_cell_types(column->kind) >> cell.type & 1))
        cell.type = (int)(7 * tiny_uniform(random));
    cell.integer = u < 0.1 ? INT64_MIN : u < 0.2 ? INT64_MAX : (int64_t)(2000 * tiny_uniform(random)) - 500;
    if (cell.type == DPM_CELL_BOOLEAN)
        cell.integer = u < 0.5;
    cell.real = u < 0.1 ? NAN : u < 0.2 ? -INFINITY : u < 0.3 ? 1e300 : 20 * tiny_uniform(random) - 10;
    cell.text = texts[(size_t)(tiny_uniform(random) * (sizeof texts / sizeof *texts))];
    cell.length = strlen(cell.text);
    return cell;
}

START_TEST(what_is_encoded_comes_back)
{
    struct tiny_random random = {(uint64_t)_i + 7};
    int rules[] = {DPMIX_OUTSIDE_CLAMP, DPMIX_OUTSIDE_NULL};
    struct dpmix_schema *schema = every_kind(_i & 1 ? DPMIX_SCHEMA_NULLABLE : 0, rules[_i & 1]);
    float *row = dpm_alloc(schema->width, sizeof *row);
    for (int record = 0; record < 600; record++) {
        struct dpm_datum data[16], back[16];
        for (size_t i = 0; i < schema->n_columns; i++) {
            struct dpm_cell cell = any_cell(&schema->columns[i], &random);
            data[i] = dpm_cell_datum(&schema->columns[i], &cell);
            expect_obeys(&schema->columns[i], &data[i]);
            if (!(_i & 1))
                ck_assert_int_eq(data[i].null, 0);
            dpm_datum_encode(&schema->columns[i], &data[i], row);
        }
        for (size_t i = 0; i < schema->width; i++)
            ck_assert(row[i] >= 0 && row[i] <= 1);
        dpm_table_decode(schema, row, NULL, NULL, back);
        for (size_t i = 0; i < schema->n_columns; i++) {
            const struct dpm_column *column = &schema->columns[i];
            ck_assert_int_eq(back[i].null, data[i].null);
            if (data[i].null)
                continue;
            if (column->kind == DPMIX_KIND_CONTINUOUS)
                ck_assert(fabs(back[i].real - data[i].real) <= tolerance(column, data[i].real));
            else if (dpm_column_has_values(column))
                ck_assert_uint_eq(back[i].category, data[i].category);
            else if (strcmp(column->name, "all") != 0)
                ck_assert_int_eq(back[i].integer, data[i].integer);
        }
    }
    dpm_free(row);
    dpm_schema_free(schema);
}
END_TEST

START_TEST(a_byte_that_is_a_truth_value_is_one_of_ten)
{
    const struct dpm_column column = {
        .kind = DPMIX_KIND_BOOLEAN, .flags = DPMIX_SCHEMA_NULLABLE, .outside = DPMIX_OUTSIDE_NULL};
    for (int byte = 1; byte < 256; byte++) {
        const char text = (char)byte;
        struct dpm_cell cell = {.type = DPM_CELL_TEXT, .text = &text, .length = 1};
        struct dpm_datum datum = dpm_cell_datum(&column, &cell);
        ck_assert_msg(datum.null == !strchr("tTyY1fFnN0", byte), "byte %d", byte);
        ck_assert_msg(datum.null || datum.category == (strchr("tTyY1", byte) != NULL), "byte %d", byte);
    }
}
END_TEST

/* The largest error of the last numbers of a range, which are the hardest. */
static int64_t worst_error(int64_t n)
{
    const struct dpm_column column = {
        .kind = DPMIX_KIND_INTEGER, .outside = DPMIX_OUTSIDE_CLAMP, .last = n - 1, .width = 1};
    int64_t worst = 0;
    for (int64_t value = n - (1 << 18); value < n; value++) {
        float place;
        struct dpm_datum datum = {.integer = value};
        dpm_datum_encode(&column, &datum, &place);
        int64_t error = llabs(dpm_datum_decode(&column, &place, NULL).integer - value);
        worst = error > worst ? error : worst;
    }
    return worst;
}

START_TEST(ranges_of_fewer_than_2_24_values_come_back_exactly)
{
    ck_assert_int_eq(worst_error((1 << 24) - 1), 0);
    ck_assert_int_eq(worst_error(1 << 24), 1);
}
END_TEST

START_TEST(groups_are_drawn_in_proportion)
{
    enum { N = 20000 };
    static const float group[6] = {0.2f, 0, 0.6f, 0, 0.2f, 0}, half[6] = {0.1f, 0, 0.3f, 0, 0.1f, 0};
    struct dpmix_schema *schema = NULL;
    struct dpm_column column = {.name = "c",
                                .kind = DPMIX_KIND_CATEGORICAL,
                                .values = colours,
                                .n_values = 5,
                                .other = "o",
                                .outside = DPMIX_OUTSIDE_CLAMP};
    uint8_t key[DPM_KEY_SIZE];
    size_t counts[6] = {0};
    ck_assert_int_eq(dpm_schema_new(&schema), DPMIX_OK);
    add(schema, column);
    dpm_random_seed(key, 5);
    for (uint64_t i = 0; i < N; i++) {
        struct dpm_draws draws;
        struct dpm_datum datum;
        dpm_draws_begin(&draws, key, i);
        dpm_table_decode(schema, group, NULL, &draws, &datum);
        counts[datum.category]++;
        size_t category = datum.category;
        dpm_draws_begin(&draws, key, i);
        dpm_table_decode(schema, half, NULL, &draws, &datum); /* numbers need not add up to 1 */
        ck_assert_uint_eq(datum.category, category);
        dpm_table_decode(schema, group, NULL, NULL, &datum);
        ck_assert_uint_eq(datum.category, 2);
    }
    for (size_t i = 0; i < 6; i++) /* a fixed key; five deviations are 353 */
        ck_assert_msg(fabs((double)counts[i] - (double)group[i] * N) < 353, "%zu: %zu", i, counts[i]);
    ck_assert_uint_eq(counts[1] + counts[3] + counts[5], 0);
    dpm_schema_free(schema);
}
END_TEST

START_TEST(units_are_counted_apart)
{
    struct dpm_units units = {.max_rows = 2};
    int take;
    char text[32];
    for (int round = 0; round < 3; round++)
        for (int i = 0; i < 5000; i++) {
            struct dpm_cell number = {.type = DPM_CELL_INTEGER, .integer = i};
            int length = snprintf(text, sizeof text, "%d", i);
            struct dpm_cell string = {.type = DPM_CELL_TEXT, .text = text, .length = (size_t)length};
            ck_assert_int_eq(dpm_units_count(&units, &number, &take), DPMIX_OK);
            ck_assert_int_eq(take, round < 2);
            ck_assert_int_eq(dpm_units_count(&units, &string, &take), DPMIX_OK);
            ck_assert_int_eq(take, round < 2);
        }
    for (int i = 0; i < 4; i++) {
        struct dpm_cell null = {.type = DPM_CELL_NULL};
        ck_assert_int_eq(dpm_units_count(&units, &null, &take), DPMIX_OK);
        ck_assert_int_eq(take, i < 2);
    }
    ck_assert_uint_eq(units.used, 10001);
    dpm_units_free(&units);
    ck_assert_int_eq(dpm_alloc_live(), 0);
}
END_TEST

/* ---- Cells of other types than the column's ---- */

START_TEST(cells_of_other_types_are_understood)
{
    static const char *const truths[] = {"false", "true"};
    static const char *const days[] = {"1969-12-31", "1970-01-01", "1970-01-01T00:00:00"};
    const struct dpm_column date_column = {.kind = DPMIX_KIND_DATE, .outside = 1, .first = -9, .last = 9};
    const struct dpm_column time_column = {
        .kind = DPMIX_KIND_TIMESTAMP, .outside = 1, .first = INT64_MIN / 2, .last = INT64_MAX / 2};
    struct dpmix_schema *schema = NULL;
    struct dpm_cell cell = {.type = DPM_CELL_TIMESTAMP};
    for (int64_t day = -2; day <= 2; day++) { /* the first and the last microsecond of each */
        cell.type = DPM_CELL_TIMESTAMP;
        cell.integer = day * DPM_MICROS_A_DAY;
        ck_assert_int_eq(dpm_cell_datum(&date_column, &cell).integer, day);
        cell.integer += DPM_MICROS_A_DAY - 1;
        ck_assert_int_eq(dpm_cell_datum(&date_column, &cell).integer, day);
        cell = (struct dpm_cell){.type = DPM_CELL_DATE, .integer = day};
        ck_assert_int_eq(dpm_cell_datum(&time_column, &cell).integer, day * DPM_MICROS_A_DAY);
    }
    cell = (struct dpm_cell){.type = DPM_CELL_TEXT, .text = "1969-12-30T12:00", .length = 16};
    ck_assert_int_eq(dpm_cell_datum(&date_column, &cell).integer, -2);
    cell = dpm_cell_of_text("1970-01-03T00:00:00+02:00"); /* which is the second in UTC */
    ck_assert_int_eq(dpm_cell_datum(&date_column, &cell).integer, 2);
    cell = dpm_cell_of_text("1969-12-25 23:30-05:00");
    ck_assert_int_eq(dpm_cell_datum(&date_column, &cell).integer, -7);
    cell = dpm_cell_of_text("1970-01-03T00:00:00+02:00 x");
    ck_assert_int_eq(dpm_cell_datum(&date_column, &cell).integer, -9);
    ck_assert_int_eq(dpm_schema_new(&schema), DPMIX_OK);
    add(schema, (struct dpm_column){.name = "truth",
                                    .kind = DPMIX_KIND_CATEGORICAL,
                                    .values = truths,
                                    .n_values = 2,
                                    .outside = DPMIX_OUTSIDE_CLAMP});
    add(schema, (struct dpm_column){.name = "day",
                                    .kind = DPMIX_KIND_ORDINAL,
                                    .values = days,
                                    .n_values = 3,
                                    .flags = DPMIX_SCHEMA_NULLABLE,
                                    .outside = DPMIX_OUTSIDE_NULL});
    for (int64_t day = -1; day < 2; day++) { /* where both are listed, the longer text */
        cell = (struct dpm_cell){.type = DPM_CELL_TIMESTAMP, .integer = day * DPM_MICROS_A_DAY};
        struct dpm_datum found = dpm_cell_datum(&schema->columns[1], &cell);
        ck_assert_uint_eq(found.category, day == 0 ? 2 : 0);
        ck_assert_int_eq(found.null, day == 1);
        cell.integer++;
        ck_assert(dpm_cell_datum(&schema->columns[1], &cell).null);
    }
    for (int truth = 0; truth < 2; truth++) {
        cell = (struct dpm_cell){.type = DPM_CELL_BOOLEAN, .integer = truth};
        ck_assert_uint_eq(dpm_cell_datum(schema->columns, &cell).category, (size_t)truth);
    }
    dpm_schema_free(schema);
}
END_TEST

/* ---- Streams ---- */

/* A record of two even choices; the label tells its number. The model says whether there is a seed. */
static int even_choices(void *model, float *rows, int32_t *labels, uint64_t first, size_t n,
                        const uint64_t *seed)
{
    ck_assert_int_eq(seed != NULL, *(const int *)model);
    for (size_t i = 0; i < n; i++) {
        rows[2 * i] = rows[2 * i + 1] = 0.5f;
        labels[i] = (int32_t)((first + i) % 5);
    }
    return DPMIX_OK;
}

static void keep_model(void *model)
{
    (void)model;
}

static struct dpmix_schema *choice_and_label(void)
{
    struct dpmix_schema *schema = NULL;
    ck_assert_int_eq(dpm_schema_new(&schema), DPMIX_OK);
    struct dpm_column column = {.name = "choice",
                                .kind = DPMIX_KIND_CATEGORICAL,
                                .values = colours,
                                .n_values = 2,
                                .outside = DPMIX_OUTSIDE_CLAMP};
    add(schema, column);
    column.name = "label", column.n_values = 5;
    add(schema, column);
    ck_assert_int_eq(dpm_schema_set_label(schema, 1), DPMIX_OK);
    return schema;
}

/* Each record is drawn by a stream of its own, and has its own label, whichever batch it comes in. */
START_TEST(a_batch_goes_on_where_the_last_one_ended)
{
    const uint64_t seed = 6, n = DPM_EXPORT_BATCH + 300;
    int seeded = 1;
    const struct dpm_export_source source = {&seeded, even_choices, keep_model};
    struct dpmix_schema *schema = choice_and_label();
    struct ArrowArrayStream stream;
    struct ArrowArray batch;
    uint8_t key[DPM_KEY_SIZE];
    ck_assert_int_eq(dpm_export_open(&stream, schema, &source, n, &seed, DPMIX_DECODE_DRAW), DPMIX_OK);
    ck_assert_int_eq(dpm_draws_key(key, &seed), DPMIX_OK);
    for (uint64_t done = 0; done < n; done += (uint64_t)batch.length, batch.release(&batch)) {
        ck_assert_int_eq(stream.get_next(&stream, &batch), 0);
        const int32_t *choices = batch.children[0]->buffers[1], *labels = batch.children[1]->buffers[1];
        for (int64_t i = 0; i < batch.length; i++) {
            const float row[] = {0.5f, 0.5f};
            const int32_t label = (int32_t)((done + (uint64_t)i) % 5);
            struct dpm_draws draws;
            struct dpm_datum wanted[2];
            dpm_draws_begin(&draws, key, done + (uint64_t)i);
            dpm_table_decode(schema, row, &label, &draws, wanted);
            ck_assert_int_eq(choices[i], (int32_t)wanted[0].category);
            ck_assert_int_eq(labels[i], label);
        }
    }
    stream.release(&stream);
    dpm_schema_free(schema);
    ck_assert_int_eq(dpm_alloc_live(), 0);
}
END_TEST

START_TEST(streams_without_a_seed_differ)
{
    int seeded = 0;
    const struct dpm_export_source source = {&seeded, even_choices, keep_model};
    struct dpmix_schema *schema = choice_and_label();
    struct ArrowArrayStream stream;
    struct ArrowArray batches[2];
    for (int i = 0; i < 2; i++) {
        ck_assert_int_eq(dpm_export_open(&stream, schema, &source, 100, NULL, DPMIX_DECODE_DRAW), DPMIX_OK);
        ck_assert_int_eq(stream.get_next(&stream, &batches[i]), 0);
        stream.release(&stream);
    }
    ck_assert_mem_ne(batches[0].children[0]->buffers[1], batches[1].children[0]->buffers[1],
                     100 * sizeof(int32_t));
    for (int i = 0; i < 2; i++)
        batches[i].release(&batches[i]);
    dpm_schema_free(schema);
    ck_assert_int_eq(dpm_alloc_live(), 0);
}
END_TEST

static Suite *table_suite(void)
{
    Suite *suite = suite_create("table");
    TCase *properties = tcase_create("properties");
    CHECK_ADD(suite, dates_are_those_of_the_calendar);
    CHECK_ADD(suite, timestamps_are_read_and_written);
    CHECK_ADD(suite, numbers_do_not_follow_the_locale);
    CHECK_ADD(suite, a_byte_that_is_a_truth_value_is_one_of_ten);
    tcase_set_timeout(properties, 0);
    tcase_add_loop_test(properties, what_is_decoded_obeys_the_schema, 0, 4);
    tcase_add_loop_test(properties, what_is_encoded_comes_back, 0, 4);
    tcase_add_test(properties, ranges_of_fewer_than_2_24_values_come_back_exactly);
    suite_add_tcase(suite, properties);
    CHECK_ADD(suite, groups_are_drawn_in_proportion);
    CHECK_ADD(suite, units_are_counted_apart);
    CHECK_ADD(suite, cells_of_other_types_are_understood);
    CHECK_ADD(suite, a_batch_goes_on_where_the_last_one_ended);
    CHECK_ADD(suite, streams_without_a_seed_differ);
    return suite;
}

CHECK_MAIN(table_suite)
