/* SPDX-License-Identifier: BSD-3-Clause */
/* NPY files (NumPy's arrays) of numbers with one row a record, and of labels. The library has its own reader
 * for the private records; this one serves programs that judge what was made of them. */
#ifndef EXAMPLE_NPY_FILE_H
#define EXAMPLE_NPY_FILE_H

#include <stddef.h>
#include <stdint.h>

/* The functions return 0, or -1 after a line on stderr that names the file. The caller frees what they give.
 */

/* An array of two dimensions, float32 or float64, little-endian and in C's order; gzip'd or not. */
int npy_read_rows(float **rows, size_t *n, size_t *columns, const char *path);

/* An array of one dimension of integers in [0, classes), at most 256 of them. */
int npy_read_labels(uint8_t **labels, size_t *n, const char *path, int classes);

/* Whether the file begins as an NPY file does. */
int npy_is_file(const char *path);

int npy_write_rows(const char *path, const float *rows, size_t n, size_t columns);
int npy_write_labels(const char *path, const uint8_t *labels, size_t n);

#endif
