/* SPDX-License-Identifier: BSD-3-Clause */
/* Records of fitted models, whatever their kind. */
#include "base_alloc.h"
#include "base_fail.h"
#include "generator_kind.h"

#include <assert.h>
#include <string.h>

/* Memory for a chunk of records, which are drawn together and then handed out in the order of the sequence.
 */
struct dpm_chunk {
    float *rows, *scratch;
    int32_t *labels, *parts;
    size_t *order; /* places of the records, part by part */
    float *sorted; /* records, part by part */
    int32_t *sorted_labels;
};

void dpm_chunk_free(struct dpm_chunk *chunk)
{
    if (!chunk)
        return;
    dpm_free(chunk->rows);
    dpm_free(chunk->scratch);
    dpm_free(chunk->labels);
    dpm_free(chunk->parts);
    dpm_free(chunk->order);
    dpm_free(chunk->sorted);
    dpm_free(chunk->sorted_labels);
    dpm_free(chunk);
}

int dpm_chunk_new(struct dpm_chunk **out, const struct dpmix_generator *generator)
{
    size_t n = DPM_SAMPLE_CHUNK, columns = generator->bounds.n_columns;
    struct dpm_chunk *chunk = dpm_alloc(1, sizeof *chunk);
    if (!chunk)
        return DPMIX_ERR_NOMEM;
    *chunk = (struct dpm_chunk){
        .rows = dpm_alloc(n, columns * sizeof(float)),
        .scratch = dpm_alloc(n, generator->kind->sample_scratch(generator) * sizeof(float)),
        .labels = dpm_alloc(n, sizeof(int32_t)),
        .parts = dpm_alloc(n, sizeof(int32_t)),
        .order = dpm_alloc(n, sizeof(size_t)),
        .sorted = dpm_alloc(n, columns * sizeof(float)),
        .sorted_labels = dpm_alloc(n, sizeof(int32_t)),
    };
    if (!chunk->rows || !chunk->scratch || !chunk->labels || !chunk->parts || !chunk->order ||
        !chunk->sorted || !chunk->sorted_labels) {
        dpm_chunk_free(chunk);
        return DPMIX_ERR_NOMEM;
    }
    *out = chunk;
    return DPMIX_OK;
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
static void draw_chunk(struct dpm_chunk *chunk, const struct dpmix_generator *generator,
                       const double *weights, const uint8_t key[DPM_KEY_SIZE], uint64_t number,
                       int with_labels)
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
        memcpy(chunk->rows + chunk->order[i] * columns, chunk->sorted + i * columns,
               columns * sizeof *chunk->rows);
        if (with_labels)
            chunk->labels[chunk->order[i]] = chunk->sorted_labels[i];
    }
    dpm_stream_wipe(&stream);
}

void dpm_chunk_draw(struct dpm_chunk *chunk, const struct dpmix_generator *generator, const double *weights,
                    int with_labels, uint64_t first, uint64_t n, const uint8_t key[DPM_KEY_SIZE],
                    dpm_records_fn *visit, void *user)
{
    for (uint64_t done = 0; done < n;) {
        uint64_t record = first + done;
        size_t begin = (size_t)(record % DPM_SAMPLE_CHUNK), count = DPM_SAMPLE_CHUNK - begin;
        count = n - done < count ? (size_t)(n - done) : count;
        draw_chunk(chunk, generator, weights, key, record / DPM_SAMPLE_CHUNK, with_labels);
        struct dpm_records records = {
            .n = count,
            .rows = chunk->rows + begin * generator->bounds.n_columns,
            .labels = with_labels ? chunk->labels + begin : NULL,
            .parts = chunk->parts + begin,
        };
        visit(user, &records);
        done += count;
    }
}

int dpm_generator_draw(const struct dpmix_generator *generator, const double *weights, int with_labels,
                       uint64_t first, uint64_t n, const uint64_t *seed, dpm_records_fn *visit, void *user)
{
    if (with_labels && !generator->makes_labels)
        return dpm_fail(DPMIX_ERR_UNSUPPORTED, "labels: the model's records have none; pass NULL");
    if (first > UINT64_MAX - n)
        return dpm_fail(DPMIX_ERR_RANGE, "first: the sequence ends at 2^64");
    struct dpm_chunk *chunk = NULL;
    uint8_t key[DPM_KEY_SIZE];
    int status = dpm_chunk_new(&chunk, generator);
    if (!status && seed)
        dpm_random_seed(key, *seed);
    else if (!status)
        status = dpm_random_key(key);
    if (!status)
        dpm_chunk_draw(chunk, generator, weights, with_labels, first, n, key, visit, user);
    dpm_chunk_free(chunk);
    return status;
}

/* Where a sample goes; it moves on with every chunk. */
struct output {
    const struct dpm_bounds *bounds;
    int type; /* of *rows */
    void *rows;
    int32_t *labels, *parts;
    size_t done;
};

static void write_records(void *user, const struct dpm_records *records)
{
    struct output *out = user;
    dpm_bounds_restore_rows(out->bounds, records->rows, records->n, out->type, out->rows, out->done);
    assert(!out->labels || records->labels); /* who wants labels has them drawn */
    if (out->labels)
        memcpy(out->labels + out->done, records->labels, records->n * sizeof *out->labels);
    if (out->parts)
        memcpy(out->parts + out->done, records->parts, records->n * sizeof *out->parts);
    out->done += records->n;
}

int dpm_generator_sample(const struct dpmix_generator *generator, const double *weights, int type, void *rows,
                         int32_t *labels, int32_t *parts, uint64_t first, size_t n, const uint64_t *seed)
{
    struct output out = {&generator->bounds, type, rows, labels, parts, 0};
    return dpm_generator_draw(generator, weights, labels != NULL, first, n, seed, write_records, &out);
}
