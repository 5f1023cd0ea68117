/* SPDX-License-Identifier: BSD-3-Clause */
#include "table_json.h"
#include "base_alloc.h"
#include "base_fail.h"
#include "table_time.h"

#include <jansson.h>
#include <locale.h>
#include <stdio.h>
#include <string.h>

enum { VERSION = 1 };

/* The JSON library reads and writes numbers as the locale has them and then puts the point back: one byte,
 * and where the locale's has two it ends the process. So this thread leaves the locale. */
struct locale_change {
    locale_t plain, before;
};

static int enter_plain_locale(struct locale_change *change)
{
    *change = (struct locale_change){newlocale(LC_NUMERIC_MASK, "C", (locale_t)0), (locale_t)0};
    if (!change->plain)
        return dpm_fail(DPMIX_ERR_NOMEM, "out of memory");
    change->before = uselocale(change->plain);
    return DPMIX_OK;
}

static void leave_plain_locale(const struct locale_change *change)
{
    uselocale(change->before);
    freelocale(change->plain);
}

static const struct {
    int kind;
    const char *name;
} kinds[] = {
    {DPMIX_KIND_CONTINUOUS, "continuous"},   {DPMIX_KIND_INTEGER, "integer"}, {DPMIX_KIND_ORDINAL, "ordinal"},
    {DPMIX_KIND_CATEGORICAL, "categorical"}, {DPMIX_KIND_BOOLEAN, "boolean"}, {DPMIX_KIND_DATE, "date"},
    {DPMIX_KIND_TIMESTAMP, "timestamp"},     {DPMIX_KIND_UNIT, "unit"},
};
enum { N_KINDS = sizeof kinds / sizeof *kinds };

static const char *const outside_names[] = {NULL, "clamp", "other", "null"};

/* ---- Reading ---- */

/* Where the reader is, for messages. */
struct reader {
    const char *argument;
    size_t column;
};

static int wrong(const struct reader *reader, const char *what)
{
    return dpm_fail(DPMIX_ERR_FORMAT, "%s: column %zu: %s", reader->argument, reader->column, what);
}

/* Keys of a column, by the kinds that know them. */
static int knows_key(int kind, const char *key)
{
    int values = kind == DPMIX_KIND_ORDINAL || kind == DPMIX_KIND_CATEGORICAL;
    if (strcmp(key, "name") == 0 || strcmp(key, "kind") == 0)
        return 1;
    if (strcmp(key, "max_rows") == 0)
        return kind == DPMIX_KIND_UNIT;
    if (strcmp(key, "nullable") == 0 || strcmp(key, "outside") == 0)
        return kind != DPMIX_KIND_UNIT;
    if (strcmp(key, "lower") == 0 || strcmp(key, "upper") == 0)
        return !values && kind != DPMIX_KIND_BOOLEAN && kind != DPMIX_KIND_UNIT;
    if (strcmp(key, "scale") == 0)
        return kind == DPMIX_KIND_CONTINUOUS;
    if (strcmp(key, "values") == 0)
        return values;
    return strcmp(key, "other") == 0 && kind == DPMIX_KIND_CATEGORICAL;
}

static int read_integer_bound(const json_t *value, int kind, int64_t *bound)
{
    if (kind == DPMIX_KIND_INTEGER) {
        *bound = json_integer_value(value);
        return json_is_integer(value);
    }
    const char *text = json_string_value(value);
    if (!text)
        return 0;
    return kind == DPMIX_KIND_DATE ? dpm_date_parse(bound, text, strlen(text))
                                   : dpm_timestamp_parse(bound, text, strlen(text));
}

static int read_bounds(const struct reader *reader, const json_t *object, struct dpm_column *column)
{
    const json_t *lower = json_object_get(object, "lower"), *upper = json_object_get(object, "upper");
    switch (column->kind) {
    case DPMIX_KIND_CONTINUOUS:
        if (!json_is_number(lower) || !json_is_number(upper))
            return wrong(reader, "lower, upper: must be numbers");
        column->lower = json_number_value(lower);
        column->upper = json_number_value(upper);
        return DPMIX_OK;
    case DPMIX_KIND_INTEGER:
    case DPMIX_KIND_DATE:
    case DPMIX_KIND_TIMESTAMP:
        if (read_integer_bound(lower, column->kind, &column->first) &&
            read_integer_bound(upper, column->kind, &column->last))
            return DPMIX_OK;
        return wrong(reader, column->kind == DPMIX_KIND_INTEGER
                                 ? "lower, upper: must be whole numbers"
                                 : "lower, upper: must be texts such as 2024-12-31 or 2024-12-31T23:59:59");
    case DPMIX_KIND_UNIT: {
        const json_t *most = json_object_get(object, "max_rows");
        column->first = 1;
        column->last = json_integer_value(most);
        return json_is_integer(most) ? DPMIX_OK : wrong(reader, "max_rows: must be a whole number");
    }
    default: return DPMIX_OK;
    }
}

/* The list is *list, to be freed with dpm_free; the texts are the object's. */
static int read_values(const struct reader *reader, const json_t *object, struct dpm_column *column,
                       const char ***list)
{
    const json_t *values = json_object_get(object, "values"), *other = json_object_get(object, "other");
    if (other && !json_is_string(other))
        return wrong(reader, "other: must be a text");
    column->other = json_string_value(other);
    if (column->kind != DPMIX_KIND_ORDINAL && column->kind != DPMIX_KIND_CATEGORICAL)
        return DPMIX_OK;
    column->n_values = json_array_size(values);
    if (column->n_values < 1)
        return wrong(reader, "values: must be a list of texts");
    *list = dpm_alloc(column->n_values, sizeof **list);
    if (!*list)
        return DPMIX_ERR_NOMEM;
    for (size_t i = 0; i < column->n_values; i++) {
        (*list)[i] = json_string_value(json_array_get(values, i));
        if (!(*list)[i])
            return wrong(reader, "values: must be a list of texts");
    }
    column->values = *list;
    return DPMIX_OK;
}

static int read_rules(const struct reader *reader, const json_t *object, struct dpm_column *column)
{
    const json_t *nullable = json_object_get(object, "nullable"), *scale = json_object_get(object, "scale");
    const json_t *outside = json_object_get(object, "outside");
    column->outside = DPMIX_OUTSIDE_CLAMP;
    if (nullable && !json_is_boolean(nullable))
        return wrong(reader, "nullable: must be true or false");
    if (json_is_true(nullable))
        column->flags |= DPMIX_SCHEMA_NULLABLE;
    if (scale) {
        const char *name = json_is_string(scale) ? json_string_value(scale) : "";
        if (strcmp(name, "log") == 0)
            column->flags |= DPMIX_SCHEMA_LOG;
        else if (strcmp(name, "linear") != 0)
            return wrong(reader, "scale: must be \"linear\" or \"log\"");
    }
    if (outside) {
        const char *name = json_is_string(outside) ? json_string_value(outside) : "";
        int rule = DPMIX_OUTSIDE_NULL;
        while (rule > 0 && strcmp(name, outside_names[rule]) != 0)
            if (--rule == 0)
                return wrong(reader, "outside: must be \"clamp\", \"other\" or \"null\"");
        column->outside = rule;
    }
    return DPMIX_OK;
}

static int read_kind(const struct reader *reader, json_t *object, struct dpm_column *column)
{
    const char *kind = json_string_value(json_object_get(object, "kind"));
    column->name = json_string_value(json_object_get(object, "name"));
    if (!column->name)
        return wrong(reader, "name: must be a text");
    for (size_t i = 0; kind && i < N_KINDS; i++)
        if (strcmp(kind, kinds[i].name) == 0)
            column->kind = kinds[i].kind;
    if (!column->kind)
        return wrong(reader, "kind: must be one of continuous, integer, ordinal, categorical, boolean, date, "
                             "timestamp, unit");
    const char *key;
    json_t *value;
    json_object_foreach(object, key, value) if (!knows_key(column->kind, key)) return dpm_fail(
        DPMIX_ERR_FORMAT, "%s: column %zu: %s: not a key of this kind", reader->argument, reader->column,
        dpm_short_name(key).text);
    return DPMIX_OK;
}

static int read_column(const struct reader *reader, json_t *object, struct dpmix_schema *schema)
{
    struct dpm_column column = {0};
    const char **list = NULL;
    if (!json_is_object(object))
        return wrong(reader, "must be an object");
    int status = read_kind(reader, object, &column);
    if (!status)
        status = read_bounds(reader, object, &column);
    if (!status)
        status = read_rules(reader, object, &column);
    if (!status)
        status = read_values(reader, object, &column, &list);
    if (!status) {
        status = dpm_schema_add(schema, &column);
        if (status && status != DPMIX_ERR_NOMEM) {
            char message[200];
            snprintf(message, sizeof message, "%s", dpm_fail_message());
            status = wrong(reader, message);
        }
    }
    dpm_free(list);
    return status;
}

static int read_label(const char *argument, const json_t *label, struct dpmix_schema *schema)
{
    const char *name = json_string_value(label);
    if (!label)
        return DPMIX_OK;
    size_t column = name ? dpm_schema_find(schema, name) : DPM_SCHEMA_NONE;
    if (column == DPM_SCHEMA_NONE)
        return dpm_fail(DPMIX_ERR_FORMAT, "%s: label: not the name of a column", argument);
    if (dpm_schema_set_label(schema, column))
        return dpm_fail(DPMIX_ERR_FORMAT, "%s: label: must be categorical, ordinal or boolean", argument);
    return DPMIX_OK;
}

static int read_root(struct reader *reader, json_t *root, struct dpmix_schema *schema)
{
    const json_t *version = json_object_get(root, "dpmix_schema"),
                 *columns = json_object_get(root, "columns");
    const char *key;
    json_t *value;
    if (!json_is_object(root))
        return dpm_fail(DPMIX_ERR_FORMAT, "%s: must be an object", reader->argument);
    if (!json_is_integer(version) || json_integer_value(version) != VERSION)
        return dpm_fail(DPMIX_ERR_FORMAT, "%s: dpmix_schema: must be %d", reader->argument, VERSION);
    json_object_foreach(root, key,
                        value) if (strcmp(key, "dpmix_schema") != 0 && strcmp(key, "columns") != 0 &&
                                   strcmp(key, "label") !=
                                       0) return dpm_fail(DPMIX_ERR_FORMAT, "%s: %s: not a key of a schema",
                                                          reader->argument, dpm_short_name(key).text);
    if (!json_is_array(columns))
        return dpm_fail(DPMIX_ERR_FORMAT, "%s: columns: must be a list", reader->argument);
    int status = DPMIX_OK;
    for (size_t i = 0; !status && i < json_array_size(columns); i++) {
        reader->column = i;
        status = read_column(reader, json_array_get(columns, i), schema);
    }
    return status ? status : read_label(reader->argument, json_object_get(root, "label"), schema);
}

int dpm_json_read(struct dpmix_schema **out, const char *argument, const char *bytes, size_t n)
{
    struct reader reader = {.argument = argument};
    struct dpmix_schema *schema = NULL;
    json_error_t error;
    struct locale_change change;
    /* The mark that some editors put before all else, where nobody sees it. */
    size_t skipped = n >= 3 && memcmp(bytes, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;
    int status = enter_plain_locale(&change);
    if (status)
        return status;
    json_t *root = json_loadb(bytes + skipped, n - skipped, JSON_REJECT_DUPLICATES, &error);
    leave_plain_locale(&change);
    if (!root) {
        if (json_error_code(&error) == json_error_out_of_memory || error.line < 0) /* it had no time to say */
            return dpm_fail(DPMIX_ERR_NOMEM, "out of memory");
        return dpm_fail(DPMIX_ERR_FORMAT, "%s: not JSON, in line %d: %.100s", argument, error.line,
                        dpm_short_name(error.text).text);
    }
    status = dpm_schema_new(&schema);
    if (!status)
        status = read_root(&reader, root, schema);
    json_decref(root);
    if (status)
        dpm_schema_free(schema);
    else
        *out = schema;
    return status;
}

/* ---- Writing ---- */

/* A JSON value of its own for `key`; 0 when memory is out. */
static int put(json_t *object, const char *key, json_t *value)
{
    return json_object_set_new(object, key, value) == 0;
}

static int put_bounds(json_t *object, const struct dpm_column *column)
{
    char lower[DPM_TIME_SIZE], upper[DPM_TIME_SIZE];
    switch (column->kind) {
    case DPMIX_KIND_CONTINUOUS:
        return put(object, "lower", json_real(column->lower)) &&
               put(object, "upper", json_real(column->upper));
    case DPMIX_KIND_INTEGER:
        return put(object, "lower", json_integer(column->first)) &&
               put(object, "upper", json_integer(column->last));
    case DPMIX_KIND_DATE:
        dpm_date_format(lower, column->first);
        dpm_date_format(upper, column->last);
        return put(object, "lower", json_string(lower)) && put(object, "upper", json_string(upper));
    case DPMIX_KIND_TIMESTAMP:
        dpm_timestamp_format(lower, column->first);
        dpm_timestamp_format(upper, column->last);
        return put(object, "lower", json_string(lower)) && put(object, "upper", json_string(upper));
    case DPMIX_KIND_UNIT: return put(object, "max_rows", json_integer(column->last));
    default: return 1;
    }
}

static int put_values(json_t *object, const struct dpm_column *column)
{
    if (column->kind != DPMIX_KIND_ORDINAL && column->kind != DPMIX_KIND_CATEGORICAL)
        return 1;
    json_t *values = json_array();
    int good = put(object, "values", values);
    for (size_t i = 0; good && i < column->n_values; i++)
        good = json_array_append_new(values, json_string(column->values[i])) == 0;
    return good && (!column->other || put(object, "other", json_string(column->other)));
}

static json_t *column_json(const struct dpm_column *column)
{
    const char *kind = NULL;
    for (size_t i = 0; i < N_KINDS; i++)
        if (kinds[i].kind == column->kind)
            kind = kinds[i].name;
    json_t *object = json_object();
    int good = object && put(object, "name", json_string(column->name)) &&
               put(object, "kind", json_string(kind)) && put_bounds(object, column) &&
               put_values(object, column);
    if (good && column->flags & DPMIX_SCHEMA_LOG)
        good = put(object, "scale", json_string("log"));
    if (good && column->kind != DPMIX_KIND_UNIT)
        good = put(object, "nullable", json_boolean(dpm_column_nullable(column))) &&
               put(object, "outside", json_string(outside_names[column->outside]));
    if (good)
        return object;
    json_decref(object);
    return NULL;
}

static json_t *schema_json(const struct dpmix_schema *schema)
{
    json_t *root = json_object(), *columns = json_array();
    int good = root && put(root, "dpmix_schema", json_integer(VERSION)) && put(root, "columns", columns);
    for (size_t i = 0; good && i < schema->n_columns; i++)
        good = json_array_append_new(columns, column_json(&schema->columns[i])) == 0;
    if (good && schema->label != DPM_SCHEMA_NONE)
        good = put(root, "label", json_string(schema->columns[schema->label].name));
    if (good)
        return root;
    json_decref(root);
    return NULL;
}

struct text {
    char *bytes;
    size_t used, capacity;
};

static int append(const char *bytes, size_t n, void *user)
{
    struct text *text = user;
    if (n >= text->capacity - text->used) {
        size_t capacity = 2 * (text->capacity + n) + 256;
        char *larger = dpm_alloc(capacity, 1);
        if (!larger)
            return -1;
        if (text->used > 0)
            memcpy(larger, text->bytes, text->used);
        dpm_free(text->bytes);
        text->bytes = larger;
        text->capacity = capacity;
    }
    memcpy(text->bytes + text->used, bytes, n);
    text->used += n;
    text->bytes[text->used] = '\0';
    return 0;
}

int dpm_json_write(const struct dpmix_schema *schema, char **out)
{
    struct text text = {0};
    struct locale_change change;
    int status = enter_plain_locale(&change);
    if (status)
        return status;
    json_t *root = schema_json(schema);
    int failed = !root ||
                 json_dump_callback(root, append, &text, JSON_INDENT(2) | JSON_REAL_PRECISION(17)) != 0 ||
                 append("\n", 1, &text) != 0;
    leave_plain_locale(&change);
    json_decref(root);
    if (failed) {
        dpm_free(text.bytes);
        return dpm_fail(DPMIX_ERR_NOMEM, "out of memory");
    }
    *out = text.bytes;
    return DPMIX_OK;
}
