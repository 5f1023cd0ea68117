/* SPDX-License-Identifier: BSD-3-Clause */
/* Records as rows of numbers that some public or already trained model makes of them, with labels. */
#ifndef EXAMPLE_EMBEDDINGS_H
#define EXAMPLE_EMBEDDINGS_H

#include "idx_read.h"

#include <stddef.h>
#include <stdint.h>

struct embeddings {
    size_t n, columns;
    float *rows;     /* n x columns */
    uint8_t *labels; /* n */
};

/* The functions return 0, or -1 after a line on stderr. The caller closes what they give. */

/* Rows of float32 or float64 from an NPY file, labels from an NPY or an IDX file. */
int embeddings_read(struct embeddings *e, const char *rows_path, const char *labels_path, int classes);

/* Public features of square images: scattering transform, normalised record by record to norm 1, of each of
 * its 81 channels the lowest frequencies (i, j), i^2 + j^2 <= radius^2: three of them for 1, eleven for 3. No
 * row is longer than 1. */
int embeddings_of_records(struct embeddings *e, const struct idx_records *images, size_t radius);

/* Whether records are squares that have such features. */
int embeddings_has_features(size_t columns);

/* Those of images from IDX files, with radius 1: 243 numbers. */
int embeddings_of_images(struct embeddings *e, const char *images_path, const char *labels_path, int classes);
void embeddings_close(struct embeddings *e);

/* Shortens rows that are longer (Euclidean), each by itself, so that it costs no privacy. */
void embeddings_cut(struct embeddings *e, double norm);

/* A byte for each number, for classifiers of bytes: 0 to 255 stand for four deviations about the mean of its
 * column in `scale`, the rows that a classifier learns from. */
int embeddings_to_bytes(struct idx_records *records, const struct embeddings *e,
                        const struct embeddings *scale);

#endif
