/* SPDX-License-Identifier: BSD-3-Clause */
#include "table_array.h"
#include "base_alloc.h"
#include "base_fail.h"
#include "table_metadata.h"

#include <stdatomic.h>
#include <string.h>

struct dpm_texts {
    atomic_int references; /* arrays may be released on any thread */
    size_t n;
    int32_t *offsets; /* n + 1 */
    char *bytes;
};

static int is_dictionary(const struct dpm_column *column)
{
    return column->kind == DPMIX_KIND_ORDINAL || column->kind == DPMIX_KIND_CATEGORICAL;
}

/* ---- Shared texts ---- */

void dpm_texts_unref(struct dpm_texts *texts)
{
    if (!texts || atomic_fetch_sub(&texts->references, 1) != 1)
        return;
    dpm_free(texts->offsets);
    dpm_free(texts->bytes);
    dpm_free(texts);
}

int dpm_texts_new(struct dpm_texts **out, const struct dpm_column *column)
{
    size_t bytes = 0, n = is_dictionary(column) ? dpm_column_categories(column) : 0;
    if (n == 0) {
        *out = NULL;
        return DPMIX_OK;
    }
    for (size_t i = 0; i < n && bytes <= INT32_MAX; i++)
        bytes += strlen(dpm_column_category(column, i));
    if (bytes > INT32_MAX)
        return dpm_fail(DPMIX_ERR_RANGE, "schema: the values of column '%s' have more than 2 GB",
                        dpm_short_name(column->name).text);
    struct dpm_texts *texts = dpm_alloc(1, sizeof *texts);
    if (!texts)
        return DPMIX_ERR_NOMEM;
    atomic_init(&texts->references, 1);
    texts->n = n;
    texts->offsets = dpm_alloc(n + 1, sizeof *texts->offsets);
    texts->bytes = dpm_alloc(bytes, 1);
    if (!texts->offsets || !texts->bytes) {
        dpm_texts_unref(texts);
        return DPMIX_ERR_NOMEM;
    }
    for (size_t i = 0; i < n; i++) {
        const char *text = dpm_column_category(column, i);
        size_t length = strlen(text);
        memcpy(texts->bytes + texts->offsets[i], text, length);
        texts->offsets[i + 1] = texts->offsets[i] + (int32_t)length;
    }
    *out = texts;
    return DPMIX_OK;
}

/* ---- Types ---- */

/* What a type owns: the children's structs lie in one block, their names in it too. */
struct owned_types {
    struct ArrowSchema *structs, **pointers;
    char *name, *metadata;
};

static void release_types(struct ArrowSchema *types)
{
    struct owned_types *owned = types->private_data;
    for (int64_t i = 0; i < types->n_children; i++)
        if (types->children[i]->release)
            types->children[i]->release(types->children[i]);
    if (types->dictionary && types->dictionary->release)
        types->dictionary->release(types->dictionary);
    dpm_free(owned->structs);
    dpm_free(owned->pointers);
    dpm_free(owned->name);
    dpm_free(owned->metadata);
    dpm_free(owned);
    types->release = NULL;
}

static const char *format_of(const struct dpm_column *column)
{
    switch (column->kind) {
    case DPMIX_KIND_CONTINUOUS: return "g";
    case DPMIX_KIND_INTEGER: return "l";
    case DPMIX_KIND_BOOLEAN: return "b";
    case DPMIX_KIND_DATE: return "tdD";
    case DPMIX_KIND_TIMESTAMP: return "tsu:";
    default: return "i"; /* numbers into a dictionary */
    }
}

/* With room for `n` structs below it, which are children where `children` is set, and else a dictionary. */
static int new_types(struct ArrowSchema *out, const char *format, const char *name, size_t n, int children)
{
    struct owned_types *owned = dpm_alloc(1, sizeof *owned);
    if (!owned)
        return DPMIX_ERR_NOMEM;
    owned->structs = dpm_alloc(n, sizeof *owned->structs);
    owned->pointers = dpm_alloc(n, sizeof *owned->pointers);
    owned->name = dpm_alloc_string(name);
    if (!owned->structs || !owned->pointers || !owned->name) {
        dpm_free(owned->structs);
        dpm_free(owned->pointers);
        dpm_free(owned->name);
        dpm_free(owned);
        return DPMIX_ERR_NOMEM;
    }
    for (size_t i = 0; i < n; i++)
        owned->pointers[i] = &owned->structs[i];
    *out = (struct ArrowSchema){.format = format,
                                .name = owned->name,
                                .n_children = children ? (int64_t)n : 0,
                                .children = children ? owned->pointers : NULL,
                                .dictionary = children || n == 0 ? NULL : owned->structs,
                                .release = release_types,
                                .private_data = owned};
    return DPMIX_OK;
}

static int column_types(struct ArrowSchema *out, const struct dpm_column *column)
{
    int status = new_types(out, format_of(column), column->name, is_dictionary(column) ? 1 : 0, 0);
    if (!status && is_dictionary(column))
        status = new_types(out->dictionary, "u", "", 0, 0);
    if (!status && dpm_column_nullable(column))
        out->flags |= ARROW_FLAG_NULLABLE;
    if (!status && column->kind == DPMIX_KIND_ORDINAL)
        out->flags |= ARROW_FLAG_DICTIONARY_ORDERED;
    return status;
}

static size_t columns_out(const struct dpmix_schema *schema)
{
    return schema->n_columns - (schema->unit != DPM_SCHEMA_NONE);
}

int dpm_array_types(struct ArrowSchema *out, const struct dpmix_schema *schema)
{
    struct ArrowSchema types;
    int status = new_types(&types, "+s", "", columns_out(schema), 1);
    if (status)
        return status;
    for (size_t i = 0, child = 0; !status && i < schema->n_columns; i++)
        if (i != schema->unit)
            status = column_types(types.children[child++], &schema->columns[i]);
    struct owned_types *owned = types.private_data;
    if (!status)
        status = dpm_metadata_write(&owned->metadata, schema);
    types.metadata = owned->metadata;
    if (status)
        types.release(&types);
    else
        *out = types;
    return status;
}

/* ---- Arrays ---- */

struct owned_array {
    const void *buffers[3];
    void *validity, *cells; /* which buffers point at */
    struct ArrowArray *structs, **pointers;
    struct dpm_texts *texts;
};

static void free_owned_array(struct owned_array *owned)
{
    dpm_free(owned->validity);
    dpm_free(owned->cells);
    dpm_free(owned->structs);
    dpm_free(owned->pointers);
    dpm_texts_unref(owned->texts);
    dpm_free(owned);
}

static void release_array(struct ArrowArray *array)
{
    for (int64_t i = 0; i < array->n_children; i++)
        if (array->children[i]->release)
            array->children[i]->release(array->children[i]);
    if (array->dictionary && array->dictionary->release)
        array->dictionary->release(array->dictionary);
    free_owned_array(array->private_data);
    array->release = NULL;
}

/* Bytes for n cells; for categories the numbers. */
static size_t cell_bytes(const struct dpm_column *column, size_t n)
{
    switch (column->kind) {
    case DPMIX_KIND_BOOLEAN: return (n + 7) / 8;
    case DPMIX_KIND_ORDINAL:
    case DPMIX_KIND_CATEGORICAL:
    case DPMIX_KIND_DATE: return n * sizeof(int32_t);
    default: return n * sizeof(int64_t);
    }
}

static struct owned_array *new_owned_array(size_t cells, size_t validity, size_t structs)
{
    struct owned_array *owned = dpm_alloc(1, sizeof *owned);
    if (!owned)
        return NULL;
    owned->cells = dpm_alloc(cells, 1);
    owned->validity = validity ? dpm_alloc(validity, 1) : NULL;
    owned->structs = dpm_alloc(structs, sizeof *owned->structs);
    owned->pointers = dpm_alloc(structs, sizeof *owned->pointers);
    if (!owned->cells || (validity && !owned->validity) || !owned->structs || !owned->pointers) {
        free_owned_array(owned);
        return NULL;
    }
    owned->buffers[0] = owned->validity;
    owned->buffers[1] = owned->cells;
    for (size_t i = 0; i < structs; i++)
        owned->pointers[i] = &owned->structs[i];
    return owned;
}

static int texts_array(struct ArrowArray *out, struct dpm_texts *texts)
{
    struct owned_array *owned = new_owned_array(0, 0, 0);
    if (!owned)
        return DPMIX_ERR_NOMEM;
    atomic_fetch_add(&texts->references, 1);
    owned->texts = texts;
    owned->buffers[1] = texts->offsets;
    owned->buffers[2] = texts->bytes;
    *out = (struct ArrowArray){.length = (int64_t)texts->n,
                               .n_buffers = 3,
                               .buffers = owned->buffers,
                               .release = release_array,
                               .private_data = owned};
    return DPMIX_OK;
}

static int column_array(struct ArrowArray *out, const struct dpm_column *column, struct dpm_texts *texts,
                        size_t n)
{
    size_t bits = dpm_column_nullable(column) ? (n + 7) / 8 : 0;
    struct owned_array *owned = new_owned_array(cell_bytes(column, n), bits, texts ? 1 : 0);
    if (!owned)
        return DPMIX_ERR_NOMEM;
    *out = (struct ArrowArray){.length = (int64_t)n,
                               .n_buffers = 2,
                               .buffers = owned->buffers,
                               .dictionary = texts ? owned->structs : NULL,
                               .release = release_array,
                               .private_data = owned};
    return texts ? texts_array(out->dictionary, texts) : DPMIX_OK;
}

int dpm_array_new(struct ArrowArray *out, const struct dpmix_schema *schema, struct dpm_texts *const *texts,
                  size_t n)
{
    size_t children = columns_out(schema);
    struct owned_array *owned = new_owned_array(0, 0, children);
    if (!owned)
        return DPMIX_ERR_NOMEM;
    struct ArrowArray batch = {.length = (int64_t)n,
                               .n_buffers = 1,
                               .n_children = (int64_t)children,
                               .buffers = owned->buffers,
                               .children = owned->pointers,
                               .release = release_array,
                               .private_data = owned};
    int status = DPMIX_OK;
    for (size_t i = 0, child = 0; !status && i < schema->n_columns; i++)
        if (i != schema->unit)
            status = column_array(batch.children[child++], &schema->columns[i], texts[i], n);
    if (status)
        release_array(&batch);
    else
        *out = batch;
    return status;
}

static void set_bit(void *bits, size_t at)
{
    ((unsigned char *)bits)[at / 8] |= (unsigned char)(1 << at % 8);
}

static void put_cell(struct owned_array *owned, const struct dpm_column *column,
                     const struct dpm_datum *datum, size_t at)
{
    switch (column->kind) {
    case DPMIX_KIND_CONTINUOUS: ((double *)owned->cells)[at] = datum->real; break;
    case DPMIX_KIND_BOOLEAN:
        if (datum->category == 1)
            set_bit(owned->cells, at);
        break;
    case DPMIX_KIND_DATE: ((int32_t *)owned->cells)[at] = (int32_t)datum->integer; break;
    case DPMIX_KIND_ORDINAL:
    case DPMIX_KIND_CATEGORICAL: ((int32_t *)owned->cells)[at] = (int32_t)datum->category; break;
    default: ((int64_t *)owned->cells)[at] = datum->integer; break;
    }
}

void dpm_array_put(struct ArrowArray *batch, const struct dpmix_schema *schema, const struct dpm_datum *data,
                   size_t at)
{
    for (size_t i = 0, child = 0; i < schema->n_columns; i++) {
        if (i == schema->unit)
            continue;
        struct ArrowArray *array = batch->children[child++];
        struct owned_array *owned = array->private_data;
        if (data[i].null) {
            array->null_count++; /* its bit and its cell are 0 */
            continue;
        }
        if (owned->validity)
            set_bit(owned->validity, at);
        put_cell(owned, &schema->columns[i], &data[i], at);
    }
}
