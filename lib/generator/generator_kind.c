/* SPDX-License-Identifier: BSD-3-Clause */
/* What all generators share: the handle, the fit around the kind's own, sampling, files. */
#include "generator_kind.h"
#include "base_alloc.h"
#include "base_fail.h"

#include <string.h>

static const struct dpm_generator_kind *const kinds[] = {&dpm_generator_gaussian, &dpm_generator_vae};

static const struct dpm_generator_kind *find_kind(int kind)
{
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (kinds[i]->kind == kind)
            return kinds[i];
    return NULL;
}

int dpm_generator_new(struct dpmix_generator **out, int kind, const struct dpmix_options *options)
{
    const struct dpm_generator_kind *found = find_kind(kind);
    if (!found)
        return dpm_fail(DPMIX_ERR_ARG, "kind: not a DPMIX_GENERATOR_*");
    struct dpmix_generator *generator = dpm_alloc(1, sizeof *generator);
    if (!generator)
        return DPMIX_ERR_NOMEM;
    generator->kind = found;
    generator->options = *options;
    *out = generator;
    return DPMIX_OK;
}

/* Back to the unfitted state. */
static void clear(struct dpmix_generator *generator)
{
    generator->kind->free_model(generator->model);
    generator->model = NULL;
    dpm_bounds_free(&generator->bounds);
    dpm_free(generator->ledger);
    generator->ledger = NULL;
    generator->n_parts = 0;
    generator->n_classes = 0;
    generator->makes_labels = 0;
    generator->fitted = 0;
}

void dpm_generator_free(struct dpmix_generator *generator)
{
    if (!generator)
        return;
    clear(generator);
    dpm_free(generator);
}

int dpm_generator_fit(struct dpmix_generator *generator, const struct dpm_fit *fit)
{
    if (generator->fitted)
        return dpm_fail(DPMIX_ERR_STATE, "generator: it is fitted already");
    generator->n_parts = fit->partition ? fit->partition->n_parts : 1;
    generator->n_classes = dpm_dataset_classes(fit->dataset);
    int status = dpm_bounds_copy(&generator->bounds, dpm_dataset_bounds(fit->dataset));
    if (!status)
        status = generator->kind->fit(generator, fit);
    if (status)
        clear(generator);
    else
        generator->fitted = 1;
    return status;
}

/* ---- Sampling ---- */

/* Memory for a chunk of records, which are drawn together and then handed out in the order of the sequence.
 */
struct chunk {
    float *rows, *scratch;
    int32_t *labels, *parts;
    size_t *order; /* places of the records, part by part */
    float *sorted; /* records, part by part */
    int32_t *sorted_labels;
};

static void free_chunk(struct chunk *chunk)
{
    dpm_free(chunk->rows);
    dpm_free(chunk->scratch);
    dpm_free(chunk->labels);
    dpm_free(chunk->parts);
    dpm_free(chunk->order);
    dpm_free(chunk->sorted);
    dpm_free(chunk->sorted_labels);
}

static int allocate_chunk(struct chunk *chunk, const struct dpmix_generator *generator)
{
    size_t n = DPM_SAMPLE_CHUNK, columns = generator->bounds.n_columns;
    *chunk = (struct chunk){
        .rows = dpm_alloc(n, columns * sizeof(float)),
        .scratch = dpm_alloc(n, generator->kind->sample_scratch(generator) * sizeof(float)),
        .labels = dpm_alloc(n, sizeof(int32_t)),
        .parts = dpm_alloc(n, sizeof(int32_t)),
        .order = dpm_alloc(n, sizeof(size_t)),
        .sorted = dpm_alloc(n, columns * sizeof(float)),
        .sorted_labels = dpm_alloc(n, sizeof(int32_t)),
    };
    int complete = chunk->rows && chunk->scratch && chunk->labels && chunk->parts && chunk->order &&
                   chunk->sorted && chunk->sorted_labels;
    return complete ? DPMIX_OK : DPMIX_ERR_NOMEM;
}

static int32_t pick(const double *weights, int n, double u)
{
    int last = 0; /* that has a weight: rounding may leave the sum a little below 1 */
    for (int i = 0; i < n; i++) {
        if (weights[i] > 0)
            last = i;
        if (u < weights[i])
            return i;
        u -= weights[i];
    }
    return last;
}

/* Chunk number `number` of the sequence, always whole: what a record is does not depend on how much is asked
 * for. */
static void draw_chunk(struct chunk *chunk, const struct dpmix_generator *generator, const double *weights,
                       const uint8_t key[DPM_KEY_SIZE], uint64_t number, int with_labels)
{
    struct dpm_stream stream;
    size_t columns = generator->bounds.n_columns, n = 0;
    dpm_stream_open(&stream, key, DPM_STREAM_SAMPLE, number, 0);
    for (size_t i = 0; i < DPM_SAMPLE_CHUNK; i++)
        chunk->parts[i] = pick(weights, generator->n_parts, dpm_stream_uniform(&stream));
    for (int part = 0; part < generator->n_parts; part++) {
        size_t first = n;
        for (size_t i = 0; i < DPM_SAMPLE_CHUNK; i++)
            if (chunk->parts[i] == part)
                chunk->order[n++] = i;
        if (n > first)
            generator->kind->sample(generator, part, chunk->sorted + first * columns,
                                    with_labels ? chunk->sorted_labels + first : NULL, n - first, &stream,
                                    chunk->scratch);
    }
    for (size_t i = 0; i < DPM_SAMPLE_CHUNK; i++) {
        float *row = chunk->rows + chunk->order[i] * columns;
        memcpy(row, chunk->sorted + i * columns, columns * sizeof *row);
        dpm_bounds_restore(&generator->bounds, row);
        if (with_labels)
            chunk->labels[chunk->order[i]] = chunk->sorted_labels[i];
    }
    dpm_stream_wipe(&stream);
}

int dpm_generator_sample(const struct dpmix_generator *generator, const double *weights, float *rows,
                         int32_t *labels, int32_t *parts, uint64_t first, size_t n, const uint64_t *seed)
{
    if (labels && !generator->makes_labels)
        return dpm_fail(DPMIX_ERR_UNSUPPORTED, "labels: the model's records have none; pass NULL");
    if (first > UINT64_MAX - n)
        return dpm_fail(DPMIX_ERR_RANGE, "first: the sequence ends at 2^64");
    struct chunk chunk;
    uint8_t key[DPM_KEY_SIZE];
    int status = allocate_chunk(&chunk, generator);
    if (!status && seed)
        dpm_random_seed(key, *seed);
    else if (!status)
        status = dpm_random_key(key);
    size_t columns = generator->bounds.n_columns;
    for (size_t done = 0; !status && done < n;) {
        uint64_t record = first + done;
        size_t begin = (size_t)(record % DPM_SAMPLE_CHUNK), count = DPM_SAMPLE_CHUNK - begin;
        count = n - done < count ? n - done : count;
        draw_chunk(&chunk, generator, weights, key, record / DPM_SAMPLE_CHUNK, labels != NULL);
        memcpy(rows + done * columns, chunk.rows + begin * columns, count * columns * sizeof *rows);
        if (labels)
            memcpy(labels + done, chunk.labels + begin, count * sizeof *labels);
        if (parts)
            memcpy(parts + done, chunk.parts + begin, count * sizeof *parts);
        done += count;
    }
    free_chunk(&chunk);
    return status;
}

/* ---- Files ---- */

void dpm_generator_put(const struct dpmix_generator *generator, struct dpm_blob *blob)
{
    dpm_blob_put_u32(blob, (uint32_t)generator->kind->kind);
    dpm_blob_put_u64(blob, (uint64_t)generator->n_parts);
    dpm_blob_put_u64(blob, (uint64_t)generator->n_classes);
    dpm_blob_put_u64(blob, (uint64_t)generator->makes_labels);
    dpm_bounds_put(&generator->bounds, blob);
    dpm_blob_put_text(blob, generator->ledger);
    generator->kind->put(generator, blob);
}

int dpm_generator_get(struct dpmix_generator **out, struct dpm_blob *blob)
{
    static const struct dpmix_options no_options;
    const struct dpm_generator_kind *kind = find_kind((int)dpm_blob_get_u32(blob));
    if (!kind)
        dpm_blob_reject(blob);
    if (dpm_blob_status(blob))
        return dpm_blob_status(blob);
    struct dpmix_generator *generator;
    int status = dpm_generator_new(&generator, kind->kind, &no_options);
    if (status)
        return status;
    generator->n_parts = (int)dpm_blob_get_size(blob, 1, DPM_MAX_COLUMNS);
    generator->n_classes = (int)dpm_blob_get_size(blob, 0, DPM_MAX_COLUMNS);
    generator->makes_labels = (int)dpm_blob_get_size(blob, 0, generator->n_classes > 0);
    dpm_bounds_get(&generator->bounds, blob);
    generator->ledger = dpm_blob_get_text(blob);
    if (!dpm_blob_status(blob))
        kind->get(generator, blob);
    generator->fitted = 1;
    if (dpm_blob_status(blob)) {
        dpm_generator_free(generator);
        return dpm_blob_status(blob);
    }
    *out = generator;
    return DPMIX_OK;
}
