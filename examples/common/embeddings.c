/* SPDX-License-Identifier: BSD-3-Clause */
#include "embeddings.h"

#include "byte_value.h"
#include "npy_file.h"

#include <dpmix/feature.h>
#include <dpmix/status.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { SCALES = 2, ANGLES = 8, GROUPS = 27, RADIUS = 1, PIECE = 500 };

static int complain(const char *path, const char *what)
{
    fprintf(stderr, "%s: %s\n", path, what);
    return -1;
}

/* A file of labels is read as one of images with one pixel and with itself as the labels. */
static int read_labels(uint8_t **labels, size_t *n, const char *path, int classes)
{
    struct idx_records file;
    if (npy_is_file(path))
        return npy_read_labels(labels, n, path, classes);
    if (idx_read(&file, path, path, classes) != 0)
        return -1;
    *labels = file.labels;
    *n = file.n;
    free(file.bytes);
    return 0;
}

int embeddings_read(struct embeddings *e, const char *rows_path, const char *labels_path, int classes)
{
    size_t n_labels = 0;
    *e = (struct embeddings){0};
    if (npy_read_rows(&e->rows, &e->n, &e->columns, rows_path) != 0) {
        e->rows = NULL;
        return -1;
    }
    int failed = read_labels(&e->labels, &n_labels, labels_path, classes);
    if (failed != 0)
        e->labels = NULL;
    else if (n_labels != e->n)
        failed = complain(labels_path, "does not hold one label for each row");
    for (size_t i = 0; failed == 0 && i < e->n * e->columns; i++)
        if (!isfinite(e->rows[i]))
            failed = complain(rows_path, "holds what is not a number");
    if (failed != 0)
        embeddings_close(e);
    return failed;
}

void embeddings_close(struct embeddings *e)
{
    free(e->rows);
    free(e->labels);
    *e = (struct embeddings){0};
}

void embeddings_cut(struct embeddings *e, double norm)
{
    for (size_t i = 0; i < e->n; i++) {
        float *row = e->rows + i * e->columns;
        double square = 0.0;
        for (size_t j = 0; j < e->columns; j++)
            square += (double)row[j] * (double)row[j];
        const float scale = (float)(norm / sqrt(square));
        for (size_t j = 0; square > norm * norm && j < e->columns; j++)
            row[j] *= scale;
    }
}

/* Shape of the features of an image. */
struct shape {
    size_t side, channels, positions, grid, radius, kept;
};

static int find_shape(struct shape *s, size_t columns, size_t radius)
{
    *s = (struct shape){.side = (size_t)lround(sqrt((double)columns)), .radius = radius};
    if (s->side * s->side != columns ||
        dpmix_feature_scattering_size(&s->channels, &s->positions, s->side, SCALES, ANGLES) != DPMIX_OK)
        return -1;
    s->grid = (size_t)lround(sqrt((double)s->positions));
    return dpmix_feature_dct_size(&s->kept, s->grid, radius) == DPMIX_OK ? 0 : -1;
}

static int make_features(struct embeddings *e, const struct idx_records *images, const struct shape *s)
{
    const size_t size = s->channels * s->positions;
    float *pixels = calloc(PIECE * images->columns, sizeof(*pixels)),
          *whole = calloc(PIECE * size, sizeof(*whole));
    int failed = !pixels || !whole;
    for (size_t first = 0; !failed && first < images->n; first += PIECE) {
        const size_t n = images->n - first < PIECE ? images->n - first : PIECE;
        for (size_t i = 0; i < n * images->columns; i++)
            pixels[i] = (float)images->bytes[first * images->columns + i] / 255.0f;
        failed = dpmix_feature_scattering(whole, pixels, n, s->side, SCALES, ANGLES, GROUPS) != DPMIX_OK ||
                 dpmix_feature_dct(e->rows + first * e->columns, whole, n * s->channels, s->grid, s->radius) !=
                     DPMIX_OK;
    }
    free(pixels);
    free(whole);
    return failed ? -1 : 0;
}

int embeddings_has_features(size_t columns)
{
    struct shape shape;
    return find_shape(&shape, columns, 0) == 0;
}

int embeddings_of_records(struct embeddings *e, const struct idx_records *images, size_t radius)
{
    struct shape shape;
    *e = (struct embeddings){0};
    if (find_shape(&shape, images->columns, radius) != 0)
        return complain("features", "the records are no square images");
    e->n = images->n;
    e->columns = shape.channels * shape.kept;
    e->rows = calloc(e->n * e->columns + 1, sizeof(*e->rows));
    e->labels = calloc(e->n + 1, 1);
    const int failed = !e->rows || !e->labels || make_features(e, images, &shape) != 0;
    for (size_t i = 0; !failed && i < e->n; i++)
        e->labels[i] = images->labels[i];
    if (failed)
        embeddings_close(e);
    return failed ? complain("features", "out of memory") : 0;
}

int embeddings_of_images(struct embeddings *e, const char *images_path, const char *labels_path, int classes)
{
    struct idx_records images;
    *e = (struct embeddings){0};
    if (idx_read(&images, images_path, labels_path, classes) != 0)
        return -1;
    const int failed = embeddings_of_records(e, &images, RADIUS);
    idx_records_close(&images);
    return failed;
}

/* Mean and deviation of a column. */
static void measure_column(double *mean, double *deviation, const struct embeddings *e, size_t column)
{
    double sum = 0.0, squares = 0.0;
    for (size_t i = 0; i < e->n; i++)
        sum += (double)e->rows[i * e->columns + column];
    *mean = e->n > 0 ? sum / (double)e->n : 0.0;
    for (size_t i = 0; i < e->n; i++) {
        const double away = (double)e->rows[i * e->columns + column] - *mean;
        squares += away * away;
    }
    *deviation = e->n > 0 ? sqrt(squares / (double)e->n) : 0.0;
}

int embeddings_to_bytes(struct idx_records *records, const struct embeddings *e,
                        const struct embeddings *scale)
{
    *records = (struct idx_records){.n = e->n,
                                    .columns = e->columns,
                                    .bytes = calloc(e->n * e->columns + 1, 1),
                                    .labels = calloc(e->n + 1, 1)};
    if (!records->bytes || !records->labels) {
        idx_records_close(records);
        return complain("classifiers", "out of memory");
    }
    for (size_t j = 0; j < e->columns; j++) {
        double mean, deviation;
        measure_column(&mean, &deviation, scale, j);
        const double step = deviation > 0.0 ? 255.0 / (8.0 * deviation) : 0.0;
        for (size_t i = 0; i < e->n; i++) {
            const double away = (double)e->rows[i * e->columns + j] - mean;
            records->bytes[i * e->columns + j] = byte_of_value((float)(127.5 + step * away));
        }
    }
    for (size_t i = 0; i < e->n; i++)
        records->labels[i] = e->labels[i];
    return 0;
}
