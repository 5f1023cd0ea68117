/* SPDX-License-Identifier: BSD-3-Clause */
/* Schemas as JSON, and rows of text. */
#include <dpmix/dpmix.h>

#include "fuzz.h"
#include "fuzz_file.h"
#include "fuzz_table.h"

#include "tiny_file.h"

#include <math.h>

static const uint64_t seed_number = 3;

static dpmix_schema *every_kind;

static void free_schema(void)
{
    dpmix_schema_free(every_kind);
}

const dpmix_schema *fuzz_table_schema(void)
{
    if (!every_kind) {
        FUZZ_ASSERT(dpmix_schema_new_json(&every_kind, FUZZ_TABLE_JSON) == DPMIX_OK);
        FUZZ_ASSERT(atexit(free_schema) == 0);
    }
    return every_kind;
}

/* ---- Rows ---- */

struct reader {
    size_t records, columns;
};

static int read_record(void *user, uint64_t record, const char *const *cells, size_t n)
{
    struct reader *reader = user;
    (void)record;
    FUZZ_ASSERT(n == reader->columns);
    for (size_t i = 0; i < n; i++)
        FUZZ_ASSERT(!cells[i] || strlen(cells[i]) < SIZE_MAX);
    reader->records++;
    return 0;
}

/* Cells to places and back. */
static void use_cells(const dpmix_schema *schema, const char *const *cells, size_t n, size_t n_columns)
{
    size_t width = dpmix_schema_width(schema);
    int classes = dpmix_schema_classes(schema);
    struct reader reader = {0, n_columns};
    float *rows = calloc(n * width + 1, sizeof *rows);
    int32_t *labels = calloc(n + 1, sizeof *labels);
    FUZZ_ASSERT(rows && labels);
    FUZZ_ASSERT(dpmix_schema_encode_text(schema, rows, labels, cells, n, n_columns) == DPMIX_OK);
    for (size_t i = 0; i < n * width; i++)
        FUZZ_ASSERT(rows[i] >= 0 && rows[i] <= 1);
    for (size_t i = 0; classes > 0 && i < n; i++)
        FUZZ_ASSERT(labels[i] >= 0 && labels[i] < classes);
    FUZZ_ASSERT(dpmix_schema_decode_text(schema, rows, classes ? labels : NULL, 0, n, width,
                                         DPMIX_DECODE_DRAW, &seed_number, read_record, &reader) == DPMIX_OK);
    FUZZ_ASSERT(reader.records == n);
    free(rows);
    free(labels);
}

/* ---- Schemas ---- */

static char *json_of(const dpmix_schema *schema)
{
    size_t length;
    FUZZ_ASSERT(dpmix_schema_json(schema, NULL, 0, &length) == DPMIX_OK);
    char *text = calloc(length + 1, 1);
    FUZZ_ASSERT(text && dpmix_schema_json(schema, text, length + 1, NULL) == DPMIX_OK);
    return text;
}

static void use_schema(const dpmix_schema *schema)
{
    dpmix_schema *again = NULL;
    char *first = json_of(schema);
    int status = dpmix_schema_new_json(&again, first);
    FUZZ_ASSERT(status == DPMIX_OK);
    char *second = json_of(again);
    FUZZ_ASSERT(strcmp(first, second) == 0);
    free(first);
    free(second);
    dpmix_schema_free(again);
    size_t n = dpmix_schema_columns(schema);
    double lower, upper;
    for (size_t i = 0; i < n; i++) {
        FUZZ_ASSERT(dpmix_schema_name(schema, i) && dpmix_schema_kind(schema, i) > 0);
        if (dpmix_schema_range(schema, i, &lower, &upper) == DPMIX_OK)
            FUZZ_ASSERT(lower < upper);
        for (size_t j = 0; j < dpmix_schema_values(schema, i); j++)
            FUZZ_ASSERT(dpmix_schema_value(schema, i, j));
    }
    if (dpmix_schema_width(schema) == 0 || dpmix_schema_width(schema) > FUZZ_TABLE_WIDTH)
        return;
    const char **cells = calloc(2 * n, sizeof *cells); /* the first record is nulls */
    FUZZ_ASSERT(cells);
    for (size_t i = 0; i < n; i++)
        cells[n + i] = i % 2 ? "1" : "2021-03-04";
    use_cells(schema, cells, 2, n);
    free(cells);
}

static void run_schema(const uint8_t *bytes, size_t n)
{
    dpmix_schema *schema = NULL;
    struct fuzz_memory memory = fuzz_memory_begin();
    const char *path = fuzz_file_plain(bytes, n);
    int status = dpmix_schema_load(&schema, path);
    fuzz_memory_bound(&memory, 256 * n + 65536); /* "[1]," is an object and a column in the making */
    FUZZ_ASSERT(status == DPMIX_OK || status == DPMIX_ERR_FORMAT);
    if (!status)
        use_schema(schema);
    dpmix_schema_free(schema);
    fuzz_memory_end(&memory);
}

static void give_text(fuzz_give_fn *give, void *user, uint8_t first, const char *text)
{
    fuzz_file_give_bytes(give, user, first, (const uint8_t *)text, strlen(text));
}

static void seed_schema(fuzz_give_fn *give, void *user)
{
    give_text(give, user, FUZZ_AS_IS, FUZZ_TABLE_JSON);
    give_text(give, user, FUZZ_AS_IS,
              "{\"dpmix_schema\": 1, \"columns\": [{\"name\": \"a\", \"kind\": \"continuous\", \"lower\": 1,"
              " \"upper\": 1e300, \"scale\": \"log\"}]}");
}

const struct fuzz_target fuzz_schema = {"schema", run_schema, seed_schema};

/* ---- Text ---- */

/* Cells end with a comma or a line; one that is empty is null. All cells of the last record are there. */
static size_t split(char *text, const char **cells, size_t most)
{
    size_t n = 0;
    for (char *at = text; n < most && *at; n++) {
        char *end = at + strcspn(at, ",\n");
        cells[n] = end > at ? at : NULL;
        at = end + (*end != 0);
        *end = 0;
    }
    return n;
}

static void run_text(const uint8_t *bytes, size_t n)
{
    const dpmix_schema *schema = fuzz_table_schema();
    size_t columns = dpmix_schema_columns(schema), most = n + columns;
    struct fuzz_memory memory = fuzz_memory_begin();
    dpmix_dataset *dataset = NULL;
    char *text = calloc(n + 1, 1);
    const char **cells = calloc(most, sizeof *cells);
    FUZZ_ASSERT(text && cells);
    if (n > 0)
        memcpy(text, bytes, n);
    size_t records = (split(text, cells, most) + columns - 1) / columns;
    int status = dpmix_dataset_new_text(&dataset, schema, cells, records, columns);
    fuzz_memory_bound(&memory, 8 * (records + 1) * (dpmix_schema_width(schema) + 64) * sizeof(float) + 65536);
    FUZZ_ASSERT(status == DPMIX_OK || status == DPMIX_ERR_FORMAT);
    dpmix_dataset_free(dataset);
    use_cells(schema, cells, records, columns);
    free(cells);
    free(text);
    fuzz_memory_end(&memory);
}

static void seed_text(fuzz_give_fn *give, void *user)
{
    static const char rows[] =
        "17,1e3,primary,nurse,true,1999-12-31,2021-05-06T07:08:09,p1\n"
        "-4,-inf,none,elf,no,1900-02-29,2021-05-06 07:08:09.123456+01:30,p2\n"
        ",,,,,,,p1\n"
        "99999999999999999999,0x12,secondary,another,1,0001-01-01,9999-12-31T23:59:59.999999999Z,\n";
    give(user, (const uint8_t *)rows, sizeof rows - 1);
}

const struct fuzz_target fuzz_text = {"text", run_text, seed_text};
