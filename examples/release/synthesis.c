/* SPDX-License-Identifier: BSD-3-Clause */
#include "synthesis.h"

#include "complain.h"
#include "interrupt.h"
#include "staging.h"

#include <csv.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { PIECE = 4096 };

struct writer {
    FILE *file;
    const struct bins *bins;
    struct binned *records;
    int categories; /* DPMIX_DECODE_* */
};

/* Quotes where RFC 4180 wants them, and around the empty text, which is not null. */
static void write_field(FILE *file, const char *text)
{
    if (!text)
        return;
    if (text[0] == '\0' || strpbrk(text, ",\"\r\n"))
        csv_fwrite(file, text, strlen(text));
    else
        fputs(text, file);
}

static void write_header(const struct writer *w)
{
    for (size_t i = 0; i < w->bins->n_columns; i++) {
        if (i > 0)
            fputc(',', w->file);
        write_field(w->file, dpmix_schema_name(w->bins->schema, w->bins->columns[i].column));
    }
    fputs("\r\n", w->file);
}

/* A null alone on its line is quoted, since a blank line is no record. */
static int take_record(void *user, uint64_t record, const char *const *cells, size_t n)
{
    struct writer *w = user;
    (void)record;
    (void)n;
    for (size_t i = 0; i < w->bins->n_columns; i++) {
        const char *text = cells[w->bins->columns[i].column];
        if (i > 0)
            fputc(',', w->file);
        write_field(w->file, !text && w->bins->n_columns == 1 ? "" : text);
    }
    fputs("\r\n", w->file);
    return binned_add(w->records, w->bins, cells) != 0 || ferror(w->file);
}

static int write_records(struct writer *w, const dpmix_mixture *mixture, size_t n, struct progress *progress)
{
    const dpmix_schema *schema = w->bins->schema;
    const size_t width = dpmix_schema_width(schema);
    const int labelled = dpmix_schema_classes(schema) > 0;
    float *rows = calloc(PIECE * width, sizeof(*rows));
    int32_t *labels = calloc(PIECE, sizeof(*labels));
    int status = DPMIX_OK, failed = rows && labels ? 0 : complain("out of memory");
    for (size_t first = 0; !failed && first < n && !interrupt_seen(); first += PIECE) {
        const size_t piece = n - first < PIECE ? n - first : PIECE;
        progress_update(progress, "sampling", first, n);
        status = dpmix_mixture_sample(mixture, rows, labelled ? labels : NULL, first, piece, width, NULL);
        if (status == DPMIX_OK)
            status = dpmix_schema_decode_text(schema, rows, labelled ? labels : NULL, first, piece, width,
                                              w->categories, NULL, take_record, w);
        failed = status != DPMIX_OK;
        if (failed && status != DPMIX_ERR_CANCELLED) /* the writer's own faults have a line of theirs */
            complain("%s", dpmix_last_error());
    }
    if (!failed && !interrupt_seen())
        progress_update(progress, "sampling", n, n);
    free(rows);
    free(labels);
    return failed || interrupt_seen() ? -1 : 0;
}

/* As in the library's own streams (dpmix/arrow.h): numbers of a Gaussian spread around a category already. */
static int categories_of(int generator)
{
    return generator == DPMIX_GENERATOR_GAUSSIAN || generator == DPMIX_GENERATOR_GMM ? DPMIX_DECODE_LARGEST
                                                                                     : DPMIX_DECODE_DRAW;
}

int release_synthesise(struct binned *records, const struct bins *bins, int with_features, const char *path,
                       const dpmix_mixture *mixture, int generator, size_t n, struct progress *progress)
{
    struct writer writer = {.bins = bins, .records = records, .categories = categories_of(generator)};
    if (binned_open(records, bins, with_features) != 0)
        return -1;
    writer.file = fopen(path, "w");
    if (!writer.file)
        return complain("%s: %s", path, strerror(errno));
    write_header(&writer);
    const int failed = write_records(&writer, mixture, n, progress);
    const int closed = staging_close_file(writer.file, path);
    return failed || closed ? -1 : 0;
}
