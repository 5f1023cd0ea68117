/* SPDX-License-Identifier: BSD-3-Clause */
#include "table_import.h"
#include "base_alloc.h"
#include "base_fail.h"

#include <errno.h>
#include <string.h>

/* Where a column of the schema comes from. */
struct source {
    int64_t child;
    struct dpm_arrow_type type;
};

struct import {
    const char *argument;
    struct dpm_table_rows *rows;
    struct source *sources; /* one for each column of the schema */
    struct dpm_cell *cells;
    int64_t n_children;
    uint64_t records; /* read so far, for messages */
};

static int wrong(const struct import *import, size_t column, const char *what)
{
    return dpm_fail(DPMIX_ERR_FORMAT, "%s: column '%s': %s", import->argument,
                    dpm_short_name(import->rows->schema->columns[column].name).text, what);
}

/* ---- Types ---- */

static int match(struct import *import, size_t column, const struct ArrowSchema *types)
{
    const struct dpm_column *wanted = &import->rows->schema->columns[column];
    struct source *source = &import->sources[column];
    source->child = -1;
    for (int64_t i = 0; i < types->n_children; i++) {
        const char *name = types->children[i]->name;
        if (!name || strcmp(name, wanted->name) != 0)
            continue;
        if (source->child >= 0)
            return wrong(import, column, "is there twice");
        source->child = i;
    }
    if (source->child < 0)
        return wrong(import, column, "is missing");
    if (!dpm_arrow_type_of(&source->type, types->children[source->child]))
        return wrong(import, column, "has a type that is not taken in");
    if (!(dpm_cell_types(wanted->kind) >> source->type.cell & 1))
        return wrong(import, column, "has a type that does not go with its kind");
    if (wanted->kind == DPMIX_KIND_UNIT && dpm_arrow_type_rounds(&source->type)) /* two units would be one */
        return wrong(import, column, "has times in a unit that identifiers may not have");
    return DPMIX_OK;
}

static int open_types(struct import *import, const struct ArrowSchema *types)
{
    size_t n = import->rows->schema->n_columns;
    if (!types->release || !types->format || strcmp(types->format, "+s") != 0 || types->dictionary)
        return dpm_fail(DPMIX_ERR_FORMAT, "%s: not of structs (record batches)", import->argument);
    if (types->n_children < 0 || (types->n_children > 0 && !types->children))
        return dpm_fail(DPMIX_ERR_FORMAT, "%s: the type's children are missing", import->argument);
    for (int64_t i = 0; i < types->n_children; i++)
        if (!types->children[i] || !types->children[i]->release)
            return dpm_fail(DPMIX_ERR_FORMAT, "%s: the type's children are missing", import->argument);
    import->n_children = types->n_children;
    import->sources = dpm_alloc(n, sizeof *import->sources);
    import->cells = dpm_alloc(n, sizeof *import->cells);
    int status = import->sources && import->cells ? DPMIX_OK : DPMIX_ERR_NOMEM;
    for (size_t i = 0; !status && i < n; i++)
        status = match(import, i, types);
    return status;
}

static void close_import(struct import *import)
{
    dpm_free(import->sources);
    dpm_free_wiped(import->cells);
}

/* ---- Arrays ---- */

static int check_batch(const struct import *import, const struct ArrowArray *array)
{
    const char *argument = import->argument;
    if (array->n_children != import->n_children || (array->n_children > 0 && !array->children))
        return dpm_fail(DPMIX_ERR_FORMAT, "%s: an array's children are not those of the type", argument);
    if (array->length < 0 || array->offset < 0 || array->length > INT64_MAX - 1 - array->offset)
        return dpm_fail(DPMIX_ERR_FORMAT, "%s: an array's length or offset does not fit", argument);
    if (array->n_buffers != 1 || !array->buffers || array->dictionary)
        return dpm_fail(DPMIX_ERR_FORMAT, "%s: an array's buffers are not those of a struct", argument);
    if (array->null_count < -1 || array->null_count > array->length ||
        (array->null_count > 0 && !array->buffers[0]))
        return dpm_fail(DPMIX_ERR_FORMAT, "%s: an array's count of nulls does not fit", argument);
    for (size_t i = 0; i < import->rows->schema->n_columns; i++) {
        const struct source *source = &import->sources[i];
        const char *fault =
            dpm_arrow_check(&source->type, array->children[source->child], array->offset + array->length);
        if (fault)
            return wrong(import, i, fault);
    }
    return DPMIX_OK;
}

/* A record that is null has null in every column. */
static int read_record(struct import *import, const struct ArrowArray *array, int64_t at)
{
    int valid = dpm_arrow_is_valid(array, at);
    for (size_t i = 0; i < import->rows->schema->n_columns; i++) {
        const struct source *source = &import->sources[i];
        const char *fault = NULL;
        if (valid)
            fault = dpm_arrow_cell(&import->cells[i], &source->type, array->children[source->child], at);
        else
            import->cells[i] = (struct dpm_cell){.type = DPM_CELL_NULL};
        if (fault)
            return dpm_fail(DPMIX_ERR_FORMAT, "%s: column '%s', row %llu: %s", import->argument,
                            dpm_short_name(import->rows->schema->columns[i].name).text,
                            (unsigned long long)import->records, fault);
    }
    return dpm_table_rows_add(import->rows, import->cells);
}

static int read_batch(struct import *import, const struct ArrowArray *array)
{
    int status = check_batch(import, array);
    if (!status)
        status = dpm_table_rows_reserve(import->rows, (size_t)array->length);
    for (int64_t i = 0; !status && i < array->length; i++) {
        status = read_record(import, array, array->offset + i);
        import->records++;
    }
    return status;
}

int dpm_import_array(struct dpm_table_rows *rows, const char *argument, const struct ArrowSchema *types,
                     const struct ArrowArray *array)
{
    struct import import = {.argument = argument, .rows = rows};
    int status = open_types(&import, types);
    if (!status)
        status = read_batch(&import, array);
    close_import(&import);
    return status;
}

/* The producer's own message may hold values: it is not passed on. */
static int producer_failed(const char *argument, int error)
{
    return dpm_fail(error == ENOMEM ? DPMIX_ERR_NOMEM : DPMIX_ERR_IO,
                    "%s: its producer failed, with error %d", argument, error);
}

int dpm_import_stream(struct dpm_table_rows *rows, const char *argument, struct ArrowArrayStream *stream)
{
    struct import import = {.argument = argument, .rows = rows};
    struct ArrowSchema types = {0};
    if (!stream->get_schema || !stream->get_next)
        return dpm_fail(DPMIX_ERR_FORMAT, "%s: its functions are missing", argument);
    int error = stream->get_schema(stream, &types);
    if (error)
        return producer_failed(argument, error);
    int status = open_types(&import, &types), more = !status;
    while (more) {
        struct ArrowArray array = {0};
        error = stream->get_next(stream, &array);
        if (error) {
            status = producer_failed(argument, error);
            break;
        }
        more = array.release != NULL;
        if (more) {
            status = read_batch(&import, &array);
            array.release(&array);
            more = !status;
        }
    }
    close_import(&import);
    if (types.release)
        types.release(&types);
    return status;
}
