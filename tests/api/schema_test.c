/* SPDX-License-Identifier: BSD-3-Clause */
/* Schemas by calls and as JSON, cells of text to a dataset and back. */
#include <dpmix/dpmix.h>

#include "privacy_dataset.h"

#include "tiny_file.h"

#include <locale.h>
#include <math.h>

static const char *const jobs[] = {"clerk", "nurse", "smith"};
static const char *const schools[] = {"none", "primary", "secondary", "university"};

enum { N_COLUMNS = 9, WIDTH = 1 + 3 + 3 + 4 + 3 + 1 + 1, UNITS = 2 };

/* age, income, school, job, member, born, seen, kind (the label), patient */
static dpmix_schema *example(void)
{
    static const char *const kinds[] = {"a", "b"};
    dpmix_schema *schema = NULL;
    CHECK_OK(dpmix_schema_new(&schema));
    CHECK_OK(dpmix_schema_add_integer(schema, "age", 17, 90, 0, DPMIX_OUTSIDE_CLAMP));
    CHECK_OK(dpmix_schema_add_continuous(schema, "income", 1, 1e6, DPMIX_SCHEMA_NULLABLE | DPMIX_SCHEMA_LOG,
                                         DPMIX_OUTSIDE_NULL));
    CHECK_OK(
        dpmix_schema_add_ordinal(schema, "school", schools, 4, DPMIX_SCHEMA_NULLABLE, DPMIX_OUTSIDE_CLAMP));
    CHECK_OK(dpmix_schema_add_categorical(schema, "job", jobs, 3, "another", 0, DPMIX_OUTSIDE_OTHER));
    CHECK_OK(dpmix_schema_add_boolean(schema, "member", DPMIX_SCHEMA_NULLABLE, DPMIX_OUTSIDE_NULL));
    CHECK_OK(dpmix_schema_add_date(schema, "born", -25567, 20088, 0, DPMIX_OUTSIDE_CLAMP));
    CHECK_OK(dpmix_schema_add_timestamp(schema, "seen", 0, 999999, 0, DPMIX_OUTSIDE_CLAMP));
    CHECK_OK(dpmix_schema_add_categorical(schema, "kind", kinds, 2, "else", DPMIX_SCHEMA_NULLABLE,
                                          DPMIX_OUTSIDE_OTHER));
    CHECK_OK(dpmix_schema_add_unit(schema, "patient", UNITS));
    CHECK_OK(dpmix_schema_set_label(schema, 7));
    return schema;
}

START_TEST(what_was_declared_can_be_asked_for)
{
    dpmix_schema *schema = example();
    int32_t groups[WIDTH];
    static const int32_t wanted[WIDTH] = {0, 0, 1, 1, 0, 2, 2, 3, 3, 3, 3, 4, 4, 4, 0, 0};
    double lower, upper;
    int64_t first, last;
    size_t place, n;
    ck_assert_uint_eq(dpmix_schema_columns(schema), N_COLUMNS);
    ck_assert_str_eq(dpmix_schema_name(schema, 1), "income");
    ck_assert_ptr_null(dpmix_schema_name(schema, N_COLUMNS));
    ck_assert_int_eq(dpmix_schema_kind(schema, 6), DPMIX_KIND_TIMESTAMP);
    ck_assert_int_eq(dpmix_schema_flags(schema, 1), DPMIX_SCHEMA_NULLABLE | DPMIX_SCHEMA_LOG);
    ck_assert_int_eq(dpmix_schema_outside(schema, 3), DPMIX_OUTSIDE_OTHER);
    CHECK_OK(dpmix_schema_range(schema, 1, &lower, &upper));
    ck_assert(lower == 1 && upper == 1e6);
    CHECK_FAILS(dpmix_schema_range(schema, 0, &lower, &upper), DPMIX_ERR_RANGE, "column");
    CHECK_OK(dpmix_schema_range_int(schema, 8, &first, &last));
    ck_assert(first == 1 && last == UNITS);
    CHECK_FAILS(dpmix_schema_range_int(schema, 4, &first, &last), DPMIX_ERR_RANGE, "column");
    ck_assert_uint_eq(dpmix_schema_values(schema, 3), 3);
    ck_assert_str_eq(dpmix_schema_value(schema, 3, 2), "smith");
    ck_assert_ptr_null(dpmix_schema_value(schema, 3, 3));
    ck_assert_str_eq(dpmix_schema_other(schema, 3), "another");
    ck_assert_str_eq(dpmix_schema_value(schema, 4, 1), "true");
    ck_assert_int_eq(dpmix_schema_label(schema), 7);
    ck_assert_int_eq(dpmix_schema_unit(schema), 8);
    ck_assert_int_eq(dpmix_schema_classes(schema), 4);
    ck_assert_uint_eq(dpmix_schema_width(schema), WIDTH);
    CHECK_OK(dpmix_schema_places(schema, 3, &place, &n));
    ck_assert(place == 7 && n == 4);
    CHECK_OK(dpmix_schema_groups(schema, groups, WIDTH));
    ck_assert_mem_eq(groups, wanted, sizeof groups);
    dpmix_schema_free(schema);
    dpmix_schema_free(NULL);
    ck_assert_uint_eq(dpmix_schema_columns(NULL), 0);
}
END_TEST

START_TEST(wrong_columns_are_refused)
{
    static const char *const twice[] = {"a", "b", "a"}, *const broken[] = {"a", "\xff"};
    char wide[1100];
    dpmix_schema *schema = example();
    memset(wide, 'x', sizeof wide - 1);
    wide[sizeof wide - 1] = '\0';
    size_t before = dpmix_schema_columns(schema);
#define ADD(name, lower, upper, flags, rule)                                                                 \
    dpmix_schema_add_continuous(schema, name, lower, upper, flags, rule)
    CHECK_FAILS(ADD(NULL, 0, 1, 0, 1), DPMIX_ERR_ARG, "name");
    CHECK_FAILS(ADD("", 0, 1, 0, 1), DPMIX_ERR_RANGE, "name");
    CHECK_FAILS(ADD(wide, 0, 1, 0, 1), DPMIX_ERR_RANGE, "name");
    CHECK_FAILS(ADD("a\nb", 0, 1, 0, 1), DPMIX_ERR_ARG, "name");
    CHECK_FAILS(ADD("\xc3", 0, 1, 0, 1), DPMIX_ERR_ARG, "UTF-8");
    CHECK_FAILS(ADD("age", 0, 1, 0, 1), DPMIX_ERR_STATE, "'age'");
    CHECK_FAILS(ADD("x", 1, 1, 0, 1), DPMIX_ERR_RANGE, "lower, upper");
    CHECK_FAILS(ADD("x", (double)NAN, 1, 0, 1), DPMIX_ERR_RANGE, "lower, upper");
    CHECK_FAILS(ADD("x", -1.7e308, 1.7e308, 0, 1), DPMIX_ERR_RANGE, "lower, upper");
    CHECK_FAILS(ADD("x", 0, 1, DPMIX_SCHEMA_LOG, 1), DPMIX_ERR_RANGE, "lower");
    CHECK_FAILS(ADD("x", 0, 1, 4, 1), DPMIX_ERR_ARG, "flags");
    CHECK_FAILS(ADD("x", 0, 1, 0, 0), DPMIX_ERR_ARG, "outside");
    CHECK_FAILS(ADD("x", 0, 1, 0, DPMIX_OUTSIDE_OTHER), DPMIX_ERR_ARG, "outside");
    CHECK_FAILS(ADD("x", 0, 1, 0, DPMIX_OUTSIDE_NULL), DPMIX_ERR_ARG, "outside");
    CHECK_FAILS(dpmix_schema_add_integer(schema, "x", 2, 1, 0, 1), DPMIX_ERR_RANGE, "lower, upper");
    CHECK_FAILS(dpmix_schema_add_integer(schema, "x", 1, 2, DPMIX_SCHEMA_LOG, 1), DPMIX_ERR_ARG, "flags");
    CHECK_FAILS(dpmix_schema_add_date(schema, "x", 0, DPMIX_DATE_MAX + 1, 0, 1), DPMIX_ERR_RANGE, "years");
    CHECK_FAILS(dpmix_schema_add_timestamp(schema, "x", INT64_MIN, 0, 0, 1), DPMIX_ERR_RANGE, "years");
    CHECK_FAILS(dpmix_schema_add_ordinal(schema, "x", NULL, 1, 0, 1), DPMIX_ERR_ARG, "values");
    CHECK_FAILS(dpmix_schema_add_ordinal(schema, "x", jobs, 0, 0, 1), DPMIX_ERR_RANGE, "n_values");
    CHECK_FAILS(dpmix_schema_add_ordinal(schema, "x", twice, 3, 0, 1), DPMIX_ERR_ARG, "twice");
    CHECK_FAILS(dpmix_schema_add_ordinal(schema, "x", broken, 2, 0, 1), DPMIX_ERR_ARG, "values");
    CHECK_FAILS(dpmix_schema_add_categorical(schema, "x", jobs, 3, "nurse", 0, 1), DPMIX_ERR_ARG, "other");
    CHECK_FAILS(dpmix_schema_add_unit(schema, "x", 1), DPMIX_ERR_STATE, "unit");
    CHECK_FAILS(dpmix_schema_set_label(schema, 3), DPMIX_ERR_STATE, "label");
    CHECK_FAILS(dpmix_schema_set_label(schema, 0), DPMIX_ERR_ARG, "label");
    CHECK_FAILS(dpmix_schema_set_label(schema, 99), DPMIX_ERR_RANGE, "column");
    ck_assert_uint_eq(dpmix_schema_columns(schema), before);
    ck_assert_uint_eq(dpmix_schema_width(schema), WIDTH);
    dpmix_schema_free(schema);
    CHECK_OK(dpmix_schema_new(&schema));
    CHECK_FAILS(dpmix_schema_add_unit(schema, "x", 0), DPMIX_ERR_RANGE, "max_rows");
    dpmix_dataset *dataset = NULL;
    CHECK_FAILS(dpmix_dataset_new_text(&dataset, schema, NULL, 0, 0), DPMIX_ERR_STATE, "schema");
    dpmix_schema_free(schema);
    ck_assert_int_eq(dpm_alloc_live(), 0);
}
END_TEST

/* ---- JSON ---- */

START_TEST(json_holds_all_of_a_schema)
{
    static const size_t whole[] = {0, 5, 6, 8}; /* columns whose ranges are whole numbers */
    dpmix_schema *schema = example(), *loaded = NULL;
    char first[8192], second[8192];
    size_t n = 0;
    CHECK_OK(dpmix_schema_json(schema, first, sizeof first, &n));
    ck_assert_uint_eq(n, strlen(first));
    CHECK_OK(dpmix_schema_save(schema, tiny_path("a")));
    CHECK_OK(dpmix_schema_load(&loaded, tiny_path("a")));
    CHECK_OK(dpmix_schema_json(loaded, second, sizeof second, NULL));
    ck_assert_str_eq(first, second);
    for (size_t i = 0; i < sizeof whole / sizeof *whole; i++) {
        int64_t range[2], read[2];
        CHECK_OK(dpmix_schema_range_int(schema, whole[i], &range[0], &range[1]));
        CHECK_OK(dpmix_schema_range_int(loaded, whole[i], &read[0], &read[1]));
        ck_assert_mem_eq(range, read, sizeof range);
    }
    dpmix_schema_free(loaded);
    CHECK_OK(dpmix_schema_new_json(&loaded, first));
    ck_assert_uint_eq(dpmix_schema_width(loaded), WIDTH);
    dpmix_schema_free(loaded);
    const double third = 1.0 / 3;
    double lower, upper;
    CHECK_OK(dpmix_schema_add_continuous(schema, "to the last bit", -third, 0.1 + 0.2, 0, 1));
    CHECK_OK(dpmix_schema_json(schema, first, sizeof first, NULL));
    CHECK_OK(dpmix_schema_new_json(&loaded, first));
    CHECK_OK(dpmix_schema_range(loaded, N_COLUMNS, &lower, &upper));
    ck_assert(lower == -third && upper == 0.1 + 0.2);
    dpmix_schema_free(loaded);
    CHECK_FAILS(dpmix_schema_json(schema, first, 10, NULL), DPMIX_ERR_RANGE, "capacity");
    CHECK_FAILS(dpmix_schema_load(&loaded, tiny_path("missing")), DPMIX_ERR_IO, "path");
    dpmix_schema_free(schema);
}
END_TEST

/* Decimal commas, and points of two bytes; where there are such locales. */
START_TEST(json_does_not_follow_the_locale)
{
    static const char *const names[] = {"de_DE.UTF-8", "fr_FR.UTF-8", "ps_AF.UTF-8"};
    static const char declared[] = "{\"dpmix_schema\": 1, \"columns\": [{\"name\": \"x\", \"kind\": "
                                   "\"continuous\", \"lower\": 0.25, \"upper\": 1.5e2}]}";
    char first[1024], second[1024];
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        dpmix_schema *schema = NULL;
        double lower, upper;
        CHECK_OK(dpmix_schema_new_json(&schema, declared));
        CHECK_OK(dpmix_schema_json(schema, first, sizeof first, NULL));
        dpmix_schema_free(schema);
        if (!setlocale(LC_ALL, names[i]))
            continue;
        CHECK_OK(dpmix_schema_new_json(&schema, declared));
        CHECK_OK(dpmix_schema_range(schema, 0, &lower, &upper));
        CHECK_OK(dpmix_schema_json(schema, second, sizeof second, NULL));
        ck_assert(lower == 0.25 && upper == 150);
        ck_assert_str_eq(first, second);
        setlocale(LC_ALL, "C");
        dpmix_schema_free(schema);
    }
}
END_TEST

#define COLUMN(text) "{\"dpmix_schema\": 1, \"columns\": [{\"name\": \"x\", " text "}]}"

/* As some editors write files. */
START_TEST(json_may_begin_with_a_mark)
{
    static const char marked[] = "\xef\xbb\xbf" COLUMN("\"kind\": \"boolean\"");
    dpmix_schema *schema = NULL;
    FILE *file = fopen(tiny_path("a"), "w");
    ck_assert(file && fputs(marked, file) >= 0 && fclose(file) == 0);
    CHECK_OK(dpmix_schema_load(&schema, tiny_path("a")));
    ck_assert_uint_eq(dpmix_schema_columns(schema), 1);
    dpmix_schema_free(schema);
    for (size_t i = 0; i < 2; i++) /* a mark alone, a second one */
        CHECK_FAILS(dpmix_schema_new_json(&schema, i ? "\xef\xbb\xbf\xef\xbb\xbf{}" : "\xef\xbb\xbf"),
                    DPMIX_ERR_FORMAT, "not JSON");
}
END_TEST

START_TEST(json_is_read_strictly)
{
    static const struct {
        const char *json, *word;
    } bad[] = {
        {"", "not JSON"},
        {"[]", "object"},
        {"{\"columns\": []}", "dpmix_schema"},
        {"{\"dpmix_schema\": 2, \"columns\": []}", "dpmix_schema"},
        {"{\"dpmix_schema\": 1}", "columns"},
        {"{\"dpmix_schema\": 1, \"columns\": [], \"colour\": 1}", "colour"},
        {"{\"dpmix_schema\": 1, \"columns\": [], \"two\\nlines\\u001b\": 1}", "json: two?lines?: "},
        {COLUMN("\"kind\": \"boolean\", \"a\\r\\u007f\": 1"), "column 0: a??: "},
        {"{\"dpmix_schema\": 1, \"columns\": [], \"columns\": []}", "not JSON"},
        {"{\"dpmix_schema\": 1, \"columns\": []} x", "not JSON"},
        {"{\"dpmix_schema\": 1, \"columns\": [3]}", "column 0"},
        {"{\"dpmix_schema\": 1, \"columns\": [], \"label\": \"x\"}", "label"},
        {COLUMN("\"kind\": \"boolean\"}, {\"name\": \"x\", \"kind\": \"boolean\""), "column 1"},
        {COLUMN("\"kind\": \"integers\", \"lower\": 1, \"upper\": 2"), "kind"},
        {COLUMN("\"kind\": 3"), "kind"},
        {COLUMN("\"kind\": \"integer\", \"lower\": 1"), "lower, upper"},
        {COLUMN("\"kind\": \"integer\", \"lower\": 1.0, \"upper\": 2"), "lower, upper"},
        {COLUMN("\"kind\": \"integer\", \"lower\": 3, \"upper\": 2"), "lower is above upper"},
        {COLUMN("\"kind\": \"integer\", \"lower\": 1, \"upper\": 2, \"scale\": \"log\""), "scale"},
        {COLUMN("\"kind\": \"continuous\", \"lower\": \"1\", \"upper\": 2"), "lower, upper"},
        {COLUMN("\"kind\": \"continuous\", \"lower\": 1, \"upper\": 2, \"scale\": \"cubic\""), "scale"},
        {COLUMN("\"kind\": \"continuous\", \"lower\": 1, \"upper\": 1e999"), "not JSON"},
        {COLUMN("\"kind\": \"date\", \"lower\": 1, \"upper\": 2"), "lower, upper"},
        {COLUMN("\"kind\": \"date\", \"lower\": \"2024-02-30\", \"upper\": \"2024-03-01\""), "lower, upper"},
        {COLUMN("\"kind\": \"boolean\", \"nullable\": 1"), "nullable"},
        {COLUMN("\"kind\": \"boolean\", \"outside\": \"never\""), "outside"},
        {COLUMN("\"kind\": \"boolean\", \"outside\": \"null\""), "outside"},
        {COLUMN("\"kind\": \"boolean\", \"values\": [\"a\"]"), "values"},
        {COLUMN("\"kind\": \"categorical\""), "values"},
        {COLUMN("\"kind\": \"categorical\", \"values\": [\"a\", 1]"), "values"},
        {COLUMN("\"kind\": \"categorical\", \"values\": [\"a\", \"a\"]"), "values"},
        {COLUMN("\"kind\": \"categorical\", \"values\": [\"a\"], \"other\": 1"), "other"},
        {COLUMN("\"kind\": \"ordinal\", \"values\": [\"a\"], \"other\": \"b\""), "other"},
        {COLUMN("\"kind\": \"ordinal\", \"values\": [\"a\\u0000b\"]"), "not JSON"},
        {COLUMN("\"kind\": \"unit\", \"max_rows\": 0"), "max_rows"},
        {COLUMN("\"kind\": \"unit\", \"max_rows\": 1, \"nullable\": true"), "nullable"},
    };
    dpmix_schema *schema = NULL;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        CHECK_FAILS(dpmix_schema_new_json(&schema, bad[i].json), DPMIX_ERR_FORMAT, bad[i].word);
    ck_assert_ptr_null(schema);
    CHECK_OK(
        dpmix_schema_new_json(&schema, COLUMN("\"kind\": \"continuous\", \"lower\": 1, \"upper\": 2.5")));
    ck_assert_int_eq(dpmix_schema_outside(schema, 0), DPMIX_OUTSIDE_CLAMP);
    dpmix_schema_free(schema);
    ck_assert_int_eq(dpm_alloc_live(), 0);
}
END_TEST

START_TEST(json_that_is_cut_or_changed_does_no_harm)
{
    dpmix_schema *schema = example(), *read = NULL;
    char json[8192], work[8192];
    size_t n = 0;
    CHECK_OK(dpmix_schema_json(schema, json, sizeof json, &n));
    for (size_t i = 0; i + 2 < n; i++) {
        memcpy(work, json, i);
        work[i] = '\0';
        ck_assert_int_eq(dpmix_schema_new_json(&read, work), DPMIX_ERR_FORMAT);
        memcpy(work, json, n + 1);
        work[i] = "\"0{],x\x80"[i % 7];
        read = NULL;
        int status = dpmix_schema_new_json(&read, work);
        ck_assert(status == DPMIX_OK || status == DPMIX_ERR_FORMAT);
        dpmix_schema_free(read);
    }
    dpmix_schema_free(schema);
    ck_assert_int_eq(dpm_alloc_live(), 0);
}
END_TEST

/* ---- Cells of text ---- */

static const char *const cells[][N_COLUMNS] = {
    {"17", "1", "none", "clerk", "true", "1900-01-01", "1970-01-01", "a", "p1"},
    {"200", "-5", "unheard of", "pilot", "maybe", "2100-01-01", "2024-01-01T00:00", "c", "p2"},
    {NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, "p1"},
    {" 90 ", "1000000", "university", "another", " No ", "2024-12-31", "1970-01-01T00:00:00.999999", "b",
     "p1"},
    {"17.6", "1e3", "", "", "", "", "", "", "p3"},
};
enum { N_RECORDS = sizeof cells / sizeof *cells };

static const float *rows_of(const dpmix_dataset *dataset)
{
    return dataset->source.rows;
}

static void expect_row(const float *row, const float *wanted)
{
    for (size_t i = 0; i < WIDTH; i++)
        ck_assert_msg(fabsf(row[i] - wanted[i]) < 1e-6f, "place %zu: %g, not %g", i, (double)row[i],
                      (double)wanted[i]);
}

/* The places of the five records, by the rules in schema.h. */
static const float wanted[N_RECORDS][WIDTH] = {
    {0.5f / 74, 0, 1, 0, 0.125f, 1, 0, 1, 0, 0, 0, 0, 1, 0, 0.5f / 45656, 5e-7f},
    {73.5f / 74, 0.5f, 0, 1, 0.125f, 1, 0, 0, 0, 0, 1, 0, 0, 1, 45655.5f / 45656, 1},
    {0.5f / 74, 0.5f, 0, 1, 0.5f, 0, 1, 0, 0, 0, 1, 0, 0, 1, 0.5f / 45656, 5e-7f},
    {73.5f / 74, 1, 1, 0, 0.875f, 1, 0, 0, 0, 0, 1, 1, 0, 0, 45655.5f / 45656, 1},
    {1.5f / 74, 0.5f, 1, 0, 0.125f, 1, 0, 0, 0, 0, 1, 0, 0, 1, 0.5f / 45656, 5e-7f},
};
static const int32_t wanted_labels[N_RECORDS] = {0, 2, 3, 1, 2};

START_TEST(cells_are_encoded_by_the_rules)
{
    dpmix_schema *schema = example();
    float rows[N_RECORDS * WIDTH];
    int32_t labels[N_RECORDS];
    dpmix_dataset *dataset = NULL;
    CHECK_OK(dpmix_schema_encode_text(schema, rows, labels, &cells[0][0], N_RECORDS, N_COLUMNS));
    for (size_t i = 0; i < N_RECORDS; i++) {
        expect_row(rows + i * WIDTH, wanted[i]);
        ck_assert_int_eq(labels[i], wanted_labels[i]);
    }
    CHECK_OK(dpmix_dataset_new_text(&dataset, schema, &cells[0][0], N_RECORDS, N_COLUMNS));
    ck_assert_uint_eq(dpmix_dataset_columns(dataset), WIDTH);
    ck_assert_int_eq(dpmix_dataset_classes(dataset), 4);
    ck_assert_uint_eq(dataset->source.n_rows, N_RECORDS - 1); /* of patient p1 two records enter */
    expect_row(rows_of(dataset) + 2 * WIDTH, wanted[2]);
    expect_row(rows_of(dataset) + 3 * WIDTH, wanted[4]);
    ck_assert_int_eq(dataset->source.labels[3], wanted_labels[4]);
    ck_assert_int_eq(dataset->bounds.groups[8], 3);
    dpmix_dataset_free(dataset);
    CHECK_OK(dpmix_dataset_new_text(&dataset, schema, NULL, 0, N_COLUMNS));
    dpmix_dataset_free(dataset);
    CHECK_FAILS(dpmix_dataset_new_text(&dataset, schema, &cells[0][0], 1, 3), DPMIX_ERR_RANGE, "n_columns");
    CHECK_FAILS(dpmix_dataset_new_text(&dataset, schema, NULL, 1, N_COLUMNS), DPMIX_ERR_ARG, "cells");
    dpmix_schema_free(schema);
    ck_assert_int_eq(dpm_alloc_live(), 0);
}
END_TEST

struct seen {
    uint64_t records;
    char text[N_RECORDS][256];
    int stop;
};

static int see(void *user, uint64_t record, const char *const *texts, size_t n_columns)
{
    struct seen *seen = user;
    char *line = seen->text[seen->records];
    ck_assert_uint_eq(record, 100 + seen->records);
    line[0] = '\0';
    for (size_t i = 0; i < n_columns; i++) {
        strcat(line, texts[i] ? texts[i] : "-");
        strcat(line, "|");
    }
    return ++seen->records == (uint64_t)seen->stop;
}

START_TEST(samples_are_decoded_to_text)
{
    static const char *const lines[N_RECORDS] = {
        "17|1|none|clerk|true|1900-01-01|1970-01-01T00:00:00|a|-|",
        "90|-|none|another|-|2024-12-31|1970-01-01T00:00:00.999999|else|-|",
        "17|-|-|another|-|1900-01-01|1970-01-01T00:00:00|-|-|",
        "90|1000000|university|another|false|2024-12-31|1970-01-01T00:00:00.999999|b|-|",
        "18|1000|none|another|-|1900-01-01|1970-01-01T00:00:00|else|-|",
    };
    dpmix_schema *schema = example();
    float rows[N_RECORDS * WIDTH];
    int32_t labels[N_RECORDS];
    CHECK_OK(dpmix_schema_encode_text(schema, rows, labels, &cells[0][0], N_RECORDS, N_COLUMNS));
    for (int categories = DPMIX_DECODE_DRAW; categories <= DPMIX_DECODE_LARGEST; categories++) {
        struct seen seen = {0};
        CHECK_OK(dpmix_schema_decode_text(schema, rows, labels, 100, N_RECORDS, WIDTH, categories, NULL, see,
                                          &seen));
        for (size_t i = 0; i < N_RECORDS; i++)
            ck_assert_str_eq(seen.text[i], lines[i]);
    }
    struct seen stopped = {.stop = 2};
    CHECK_FAILS(dpmix_schema_decode_text(schema, rows, labels, 100, N_RECORDS, WIDTH, 1, NULL, see, &stopped),
                DPMIX_ERR_CANCELLED, "each");
    CHECK_FAILS(dpmix_schema_decode_text(schema, rows, NULL, 0, 1, WIDTH, 1, NULL, see, &stopped),
                DPMIX_ERR_ARG, "labels");
    CHECK_FAILS(dpmix_schema_decode_text(schema, rows, labels, 0, 1, WIDTH, 3, NULL, see, &stopped),
                DPMIX_ERR_ARG, "categories");
    CHECK_FAILS(dpmix_schema_decode_text(schema, rows, labels, 0, 1, 2, 1, NULL, see, &stopped),
                DPMIX_ERR_RANGE, "n_places");
    labels[0] = 4;
    CHECK_FAILS(dpmix_schema_decode_text(schema, rows, labels, 0, 1, WIDTH, 1, NULL, see, &stopped),
                DPMIX_ERR_RANGE, "labels");
    dpmix_schema_free(schema);
    ck_assert_int_eq(dpm_alloc_live(), 0);
}
END_TEST

/* The first letters of jobs tell them apart. */
static int keep_jobs(void *user, uint64_t record, const char *const *texts, size_t n_columns)
{
    char *kept = user;
    (void)n_columns;
    kept[record - 100] = texts[0][0];
    return 0;
}

/* Draws are those of a record's number, wherever a call begins. */
START_TEST(what_is_drawn_does_not_depend_on_the_cuts)
{
    enum { RECORDS = 64, CUT = 20 };
    const uint64_t seed = 3;
    char whole[RECORDS] = {0}, parts[RECORDS] = {0};
    float even[RECORDS * 3];
    dpmix_schema *schema = NULL;
    CHECK_OK(dpmix_schema_new(&schema));
    CHECK_OK(dpmix_schema_add_categorical(schema, "job", jobs, 3, NULL, 0, DPMIX_OUTSIDE_CLAMP));
    for (size_t i = 0; i < RECORDS * 3; i++)
        even[i] = 0.5f;
    CHECK_OK(dpmix_schema_decode_text(schema, even, NULL, 100, RECORDS, 3, DPMIX_DECODE_DRAW, &seed,
                                      keep_jobs, whole));
    CHECK_OK(dpmix_schema_decode_text(schema, even, NULL, 100, CUT, 3, DPMIX_DECODE_DRAW, &seed, keep_jobs,
                                      parts));
    CHECK_OK(dpmix_schema_decode_text(schema, even, NULL, 100 + CUT, RECORDS - CUT, 3, DPMIX_DECODE_DRAW,
                                      &seed, keep_jobs, parts));
    ck_assert_mem_eq(whole, parts, RECORDS);
    dpmix_schema_free(schema);
}
END_TEST

/* At every allocation in turn. */
START_TEST(running_out_of_memory_leaks_nothing)
{
    int status = DPMIX_ERR_NOMEM;
    for (uint64_t nth = 1; status; nth++) {
        dpmix_schema *schema = example();
        dpmix_dataset *dataset = NULL;
        struct seen seen = {0};
        float rows[N_RECORDS * WIDTH];
        int32_t labels[N_RECORDS];
        char json[8192];
        dpm_alloc_fail_after(nth, 1);
        status = dpmix_dataset_new_text(&dataset, schema, &cells[0][0], N_RECORDS, N_COLUMNS);
        if (!status)
            status = dpmix_schema_encode_text(schema, rows, labels, &cells[0][0], N_RECORDS, N_COLUMNS);
        if (!status)
            status =
                dpmix_schema_decode_text(schema, rows, labels, 100, N_RECORDS, WIDTH, 1, NULL, see, &seen);
        if (!status)
            status = dpmix_schema_json(schema, json, sizeof json, NULL);
        dpmix_schema *again = NULL;
        if (!status)
            status = dpmix_schema_new_json(&again, json);
        dpm_alloc_fail_after(0, 0);
        ck_assert(status == DPMIX_OK || status == DPMIX_ERR_NOMEM);
        dpmix_schema_free(again);
        dpmix_schema_free(schema);
        dpmix_dataset_free(dataset);
        ck_assert_int_eq(dpm_alloc_live(), 0);
    }
}
END_TEST

static Suite *schema_suite(void)
{
    Suite *suite = suite_create("schema");
    TCase *files = check_case(suite, "files");
    tcase_add_checked_fixture(files, tiny_folder_setup, tiny_folder_teardown);
    tcase_add_test(files, json_holds_all_of_a_schema);
    tcase_add_test(files, json_may_begin_with_a_mark);
    tcase_add_test(files, json_does_not_follow_the_locale);
    CHECK_ADD(suite, what_was_declared_can_be_asked_for);
    CHECK_ADD(suite, wrong_columns_are_refused);
    CHECK_ADD(suite, json_is_read_strictly);
    CHECK_ADD(suite, json_that_is_cut_or_changed_does_no_harm);
    CHECK_ADD(suite, cells_are_encoded_by_the_rules);
    CHECK_ADD(suite, samples_are_decoded_to_text);
    CHECK_ADD(suite, what_is_drawn_does_not_depend_on_the_cuts);
    CHECK_ADD(suite, running_out_of_memory_leaks_nothing);
    return suite;
}

CHECK_MAIN(schema_suite)
