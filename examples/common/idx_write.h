/* SPDX-License-Identifier: BSD-3-Clause */
/* Writes an IDX file of unsigned bytes, piece by piece. */
#ifndef EXAMPLE_IDX_WRITE_H
#define EXAMPLE_IDX_WRITE_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct idx_writer {
    FILE *file;
    const char *path;
};

/* The functions return 0, or -1 after a line on stderr that names the file. */

/* `sizes` are the file's dimensions, each below 2^32; the first is the number of records. The path is
 * borrowed until the file is closed. */
int idx_write_open(struct idx_writer *writer, const char *path, const size_t *sizes, int dimensions);
int idx_write(struct idx_writer *writer, const uint8_t *bytes, size_t n);

/* A writer that is not open is fine. */
int idx_write_close(struct idx_writer *writer);

#endif
