/* SPDX-License-Identifier: BSD-3-Clause */
/* Arrow tables made by hand, from memory that tests own; releases are counted. */
#ifndef DPM_TESTS_TINY_ARROW_H
#define DPM_TESTS_TINY_ARROW_H

#include <dpmix/arrow.h>

#include "check_status.h"

enum { TINY_ARROW_COLUMNS = 8, TINY_ARROW_BUFFERS = 6 };

static int tiny_released_types, tiny_released_arrays, tiny_released_streams;

static inline void tiny_release_type(struct ArrowSchema *type)
{
    for (int64_t i = 0; type->children && i < type->n_children; i++)
        if (type->children[i] && type->children[i]->release)
            type->children[i]->release(type->children[i]);
    type->release = NULL;
    tiny_released_types++;
}

static inline void tiny_release_array(struct ArrowArray *array)
{
    for (int64_t i = 0; array->children && i < array->n_children; i++)
        if (array->children[i] && array->children[i]->release)
            array->children[i]->release(array->children[i]);
    array->release = NULL;
    tiny_released_arrays++;
}

struct tiny_column {
    struct ArrowSchema type, dictionary_type;
    struct ArrowArray array, dictionary;
    const void *buffers[TINY_ARROW_BUFFERS], *dictionary_buffers[3];
};

struct tiny_table {
    struct tiny_column column[TINY_ARROW_COLUMNS];
    struct ArrowSchema type, *types[TINY_ARROW_COLUMNS];
    struct ArrowArray array, *arrays[TINY_ARROW_COLUMNS];
    const void *buffers[1];
    struct ArrowArrayStream stream;
    int batches, fail_types, fail_next; /* of the stream: how often the table comes; errno numbers */
};

static inline void tiny_table_begin(struct tiny_table *table, int64_t length)
{
    memset(table, 0, sizeof *table);
    table->type =
        (struct ArrowSchema){.format = "+s", .children = table->types, .release = tiny_release_type};
    table->array = (struct ArrowArray){.length = length,
                                       .n_buffers = 1,
                                       .buffers = table->buffers,
                                       .children = table->arrays,
                                       .release = tiny_release_array};
    tiny_released_types = tiny_released_arrays = tiny_released_streams = 0;
}

/* Another column: validity may be NULL; `text` is the third buffer, NULL where the type has two. */
static inline struct tiny_column *tiny_table_add(struct tiny_table *table, const char *name,
                                                 const char *format, const void *validity, const void *cells,
                                                 const void *text)
{
    struct tiny_column *column = &table->column[table->type.n_children];
    table->types[table->type.n_children++] = &column->type;
    table->arrays[table->array.n_children++] = &column->array;
    column->buffers[0] = validity;
    column->buffers[1] = cells;
    column->buffers[2] = text;
    column->type = (struct ArrowSchema){
        .format = format, .name = name, .flags = ARROW_FLAG_NULLABLE, .release = tiny_release_type};
    column->array = (struct ArrowArray){.length = table->array.length,
                                        .null_count = -1,
                                        .n_buffers = text ? 3 : 2,
                                        .buffers = column->buffers,
                                        .release = tiny_release_array};
    return column;
}

/* Makes the column's cells numbers into a dictionary of texts. */
static inline void tiny_column_texts(struct tiny_column *column, int64_t n, const int32_t *offsets,
                                     const char *bytes)
{
    column->dictionary_buffers[1] = offsets;
    column->dictionary_buffers[2] = bytes;
    column->dictionary_type = (struct ArrowSchema){.format = "u", .release = tiny_release_type};
    column->dictionary = (struct ArrowArray){
        .length = n, .n_buffers = 3, .buffers = column->dictionary_buffers, .release = tiny_release_array};
    column->type.dictionary = &column->dictionary_type;
    column->array.dictionary = &column->dictionary;
}

static inline int tiny_get_schema(struct ArrowArrayStream *stream, struct ArrowSchema *out)
{
    struct tiny_table *table = stream->private_data;
    *out = table->type;
    return table->fail_types;
}

static inline int tiny_get_next(struct ArrowArrayStream *stream, struct ArrowArray *out)
{
    struct tiny_table *table = stream->private_data;
    if (table->fail_next)
        return table->fail_next;
    if (table->batches-- <= 0) {
        memset(out, 0, sizeof *out);
        return 0;
    }
    for (int64_t i = 0; i < table->array.n_children; i++)
        table->column[i].array.release = tiny_release_array; /* what the last batch released */
    *out = table->array;
    return 0;
}

static inline const char *tiny_get_last_error(struct ArrowArrayStream *stream)
{
    (void)stream;
    return NULL;
}

static inline void tiny_release_stream(struct ArrowArrayStream *stream)
{
    stream->release = NULL;
    tiny_released_streams++;
}

static inline struct ArrowArrayStream *tiny_table_stream(struct tiny_table *table, int batches)
{
    table->batches = batches;
    table->stream = (struct ArrowArrayStream){tiny_get_schema, tiny_get_next, tiny_get_last_error,
                                              tiny_release_stream, table};
    return &table->stream;
}

#endif
