/* SPDX-License-Identifier: BSD-3-Clause */
#include "table_export.h"
#include "base_alloc.h"
#include "base_fail.h"
#include "table_array.h"

#include <errno.h>
#include <string.h>

enum { SMALLEST_BATCH = 256, BATCH_VALUES = 1 << 24 };

struct export
{
    struct dpmix_schema *schema;
    struct dpm_export_source source;
    struct dpm_texts **texts; /* one for each column */
    uint64_t done, n, seed;
    int seeded, categories;
    uint8_t key[DPM_KEY_SIZE];
    size_t batch;
    float *rows; /* batch x width */
    int32_t *labels;
    struct dpm_datum *data; /* of one record */
    char error[256];
};

static void free_export(struct export *export)
{
    for (size_t i = 0; export->texts && i < export->schema->n_columns; i++)
        dpm_texts_unref(export->texts[i]);
    dpm_free(export->texts);
    dpm_free(export->rows);
    dpm_free(export->labels);
    dpm_free(export->data);
    dpm_schema_free(export->schema);
    dpm_free_wiped(export);
}

/* A batch of at most 64 MiB of encoded rows, in whole chunks of the samplers. */
static size_t batch_of(size_t width)
{
    size_t n = BATCH_VALUES / width / SMALLEST_BATCH * SMALLEST_BATCH;
    return n < SMALLEST_BATCH ? SMALLEST_BATCH : n > DPM_EXPORT_BATCH ? DPM_EXPORT_BATCH : n;
}

static int allocate(struct export *export, const struct dpmix_schema *schema, uint64_t n)
{
    size_t most = batch_of(schema->width);
    export->batch = n < most ? (size_t)n : most;
    export->rows = dpm_alloc(export->batch, schema->width * sizeof *export->rows);
    export->labels =
        schema->label != DPM_SCHEMA_NONE ? dpm_alloc(export->batch, sizeof *export->labels) : NULL;
    export->data = dpm_alloc(schema->n_columns, sizeof *export->data);
    export->texts = dpm_alloc(schema->n_columns, sizeof *export->texts);
    if (!export->rows || !export->data || !export->texts ||
        (schema->label != DPM_SCHEMA_NONE && !export->labels))
        return DPMIX_ERR_NOMEM;
    int status = DPMIX_OK;
    for (size_t i = 0; !status && i < schema->n_columns; i++)
        status = dpm_texts_new(&export->texts[i], &schema->columns[i]);
    return status;
}

/* ---- The functions of the stream ---- */

static int failed(struct export *export, int status)
{
    if (!status)
        return 0;
    memcpy(export->error, dpm_fail_message(), strlen(dpm_fail_message()) + 1);
    return status == DPMIX_ERR_NOMEM ? ENOMEM : EIO;
}

static int get_schema(struct ArrowArrayStream *stream, struct ArrowSchema *out)
{
    struct export *export = stream->private_data;
    return failed(export, dpm_array_types(out, export->schema));
}

static void decode_batch(struct export *export, struct ArrowArray *batch, size_t n)
{
    struct dpm_draws draws;
    for (size_t i = 0; i < n; i++) {
        dpm_draws_begin(&draws, export->key, export->done + i);
        dpm_table_decode(export->schema, export->rows + i * export->schema->width,
                         export->labels ? export->labels + i : NULL,
                         export->categories == DPMIX_DECODE_DRAW ? &draws : NULL, export->data);
        dpm_array_put(batch, export->schema, export->data, i);
    }
}

static int get_next(struct ArrowArrayStream *stream, struct ArrowArray *out)
{
    struct export *export = stream->private_data;
    uint64_t left = export->n - export->done;
    size_t n = left < export->batch ? (size_t)left : export->batch;
    struct ArrowArray batch;
    if (n == 0) {
        *out = (struct ArrowArray){0};
        return 0;
    }
    int status = dpm_array_new(&batch, export->schema, export->texts, n);
    if (status)
        return failed(export, status);
    status = export->source.sample(export->source.model, export->rows, export->labels, export->done, n,
                                   export->seeded ? &export->seed : NULL);
    if (status) {
        batch.release(&batch);
        return failed(export, status);
    }
    decode_batch(export, &batch, n);
    export->done += n;
    *out = batch;
    return 0;
}

static const char *get_last_error(struct ArrowArrayStream *stream)
{
    const struct export *export = stream->private_data;
    return export->error[0] ? export->error : NULL;
}

static void release(struct ArrowArrayStream *stream)
{
    struct export *export = stream->private_data;
    export->source.release(export->source.model);
    free_export(export);
    stream->release = NULL;
}

int dpm_export_open(struct ArrowArrayStream *out, const struct dpmix_schema *schema,
                    const struct dpm_export_source *source, uint64_t n, const uint64_t *seed, int categories)
{
    struct export *export = dpm_alloc(1, sizeof *export);
    if (!export)
        return DPMIX_ERR_NOMEM;
    export->n = n;
    export->seeded = seed != NULL;
    export->seed = seed ? *seed : 0;
    export->categories = categories;
    int status = dpm_draws_key(export->key, seed);
    if (!status)
        status = dpm_schema_copy(&export->schema, schema);
    if (!status)
        status = allocate(export, export->schema, n);
    if (status) {
        free_export(export);
        return status;
    }
    export->source = *source;
    *out = (struct ArrowArrayStream){get_schema, get_next, get_last_error, release, export};
    return DPMIX_OK;
}
