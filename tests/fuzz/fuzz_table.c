/* SPDX-License-Identifier: BSD-3-Clause */
/* Schemas as JSON and in metadata, and rows of text. */
#include <dpmix/dpmix.h>

#include "fuzz.h"
#include "fuzz_file.h"
#include "fuzz_table.h"

#include "tiny_arrow.h"
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

/* "[1]," is an object and a column in the making. */
static size_t schema_memory(size_t n)
{
    return 256 * n + 65536;
}

static void run_schema(const uint8_t *bytes, size_t n)
{
    dpmix_schema *schema = NULL;
    struct fuzz_memory memory = fuzz_memory_begin();
    const char *path = fuzz_file_plain(bytes, n);
    int status = dpmix_schema_load(&schema, path);
    fuzz_memory_bound(&memory, schema_memory(n));
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

/* ---- Schemas in the metadata of Arrow types ---- */

static int32_t number_at(const uint8_t *at)
{
    int32_t number;
    memcpy(&number, at, sizeof number);
    return number;
}

/* How long metadata is nothing tells: pairs and lengths that are more than the bytes have are cut to what is
 * there. At least a number is. */
static void settle(uint8_t *metadata, size_t n)
{
    int32_t pairs = number_at(metadata);
    size_t at = sizeof pairs;
    for (int64_t i = 0; i < 2 * (int64_t)pairs; i++) {
        if (n - at < sizeof pairs) {
            pairs = (int32_t)(i / 2);
            memcpy(metadata, &pairs, sizeof pairs);
            return;
        }
        int32_t length = number_at(metadata + at), left = (int32_t)(n - at - sizeof length);
        if (length > left)
            memcpy(metadata + at, &left, sizeof left);
        if (length < 0) /* nobody reads on */
            return;
        at += sizeof length + (size_t)(length < left ? length : left);
    }
}

/* What is written is read again. */
static void use_metadata(const dpmix_schema *schema)
{
    struct ArrowSchema types;
    dpmix_schema *again = NULL;
    int status = dpmix_schema_arrow(schema, &types);
    FUZZ_ASSERT(status == DPMIX_OK);
    FUZZ_ASSERT(dpmix_schema_new_arrow(&again, &types) == DPMIX_OK);
    types.release(&types);
    dpmix_schema_free(again);
}

static void run_metadata(const uint8_t *bytes, size_t n)
{
    dpmix_schema *schema = NULL;
    uint8_t *metadata = calloc(n + sizeof(int32_t), 1);
    FUZZ_ASSERT(metadata);
    memcpy(metadata, bytes, n);
    settle(metadata, n < sizeof(int32_t) ? sizeof(int32_t) : n);
    struct ArrowSchema types = {
        .format = "+s", .metadata = (const char *)metadata, .release = tiny_release_type};
    struct fuzz_memory memory = fuzz_memory_begin();
    int status = dpmix_schema_new_arrow(&schema, &types);
    fuzz_memory_bound(&memory, schema_memory(n));
    FUZZ_ASSERT(status == DPMIX_OK || status == DPMIX_ERR_FORMAT);
    if (!status) {
        use_schema(schema);
        use_metadata(schema);
    }
    dpmix_schema_free(schema);
    fuzz_memory_end(&memory);
    free(metadata);
}

static size_t put_text(uint8_t *bytes, size_t at, const char *text)
{
    int32_t length = (int32_t)strlen(text);
    memcpy(bytes + at, &length, sizeof length);
    memcpy(bytes + at + sizeof length, text, (size_t)length);
    return at + sizeof length + (size_t)length;
}

/* The schema alone, and behind another key, at odd addresses. */
static void seed_metadata(fuzz_give_fn *give, void *user)
{
    for (int32_t pairs = 1; pairs <= 2; pairs++) {
        uint8_t bytes[2048];
        size_t n = sizeof pairs;
        memcpy(bytes, &pairs, sizeof pairs);
        if (pairs == 2)
            n = put_text(bytes, put_text(bytes, n, "pandas"), "{\"index_columns\": []}");
        n = put_text(bytes, put_text(bytes, n, DPMIX_ARROW_METADATA_KEY), FUZZ_TABLE_JSON);
        give(user, bytes, n);
    }
}

const struct fuzz_target fuzz_metadata = {"metadata", run_metadata, seed_metadata};

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
