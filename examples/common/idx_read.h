/* SPDX-License-Identifier: BSD-3-Clause */
/* Reads IDX files of unsigned bytes (the format of MNIST), gzip'd or not. The library has its own reader for
 * the private records; this one serves the evaluation, and tells the shape of an image. */
#ifndef EXAMPLE_IDX_READ_H
#define EXAMPLE_IDX_READ_H

#include <stddef.h>
#include <stdint.h>

struct idx_shape {
    size_t height; /* the second dimension of the file; 1 when there is no third */
    size_t width;  /* all further dimensions together */
};

struct idx_records {
    size_t n, columns;
    uint8_t *bytes;  /* n x columns */
    uint8_t *labels; /* n */
};

/* The functions return 0, or -1 after a line on stderr that names the file. */

int idx_read_shape(struct idx_shape *shape, const char *images_path);

/* Images with their labels; a label that is not below `classes` is an error. */
int idx_read(struct idx_records *records, const char *images_path, const char *labels_path, int classes);
void idx_records_close(struct idx_records *records);

#endif
