/* SPDX-License-Identifier: BSD-3-Clause */
#include "idx_read.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

enum { BYTE_TYPE = 8, MAX_DIMENSIONS = 8 };

static const size_t max_columns = 1000000;

struct header {
    int dimensions;
    size_t size[MAX_DIMENSIONS];
};

static int complain(const char *path, const char *what)
{
    fprintf(stderr, "%s: %s\n", path, what);
    return -1;
}

static gzFile open_file(const char *path)
{
    errno = 0;
    gzFile file = gzopen(path, "rb");
    if (!file)
        complain(path, errno ? strerror(errno) : "out of memory");
    return file;
}

/* gzread() takes an unsigned int; pieces keep larger files readable. */
static int read_bytes(gzFile file, uint8_t *bytes, size_t n)
{
    while (n > 0) {
        const unsigned piece = n < (1u << 30) ? (unsigned)n : 1u << 30;
        if (gzread(file, bytes, piece) != (int)piece)
            return -1;
        bytes += piece;
        n -= piece;
    }
    return 0;
}

static int read_header(struct header *header, gzFile file)
{
    uint8_t magic[4], size[4];
    if (read_bytes(file, magic, 4) != 0 || magic[0] != 0 || magic[1] != 0 || magic[2] != BYTE_TYPE)
        return -1;
    header->dimensions = magic[3];
    if (header->dimensions < 1 || header->dimensions > MAX_DIMENSIONS)
        return -1;
    for (int i = 0; i < header->dimensions; i++) {
        if (read_bytes(file, size, 4) != 0)
            return -1;
        header->size[i] = (size_t)size[0] << 24 | (size_t)size[1] << 16 | (size_t)size[2] << 8 | size[3];
    }
    return 0;
}

static int find_shape(struct idx_shape *shape, const struct header *header)
{
    *shape = (struct idx_shape){.height = 1, .width = 1};
    if (header->dimensions >= 3)
        shape->height = header->size[1];
    for (int i = header->dimensions >= 3 ? 2 : 1; i < header->dimensions; i++) {
        if (header->size[i] > max_columns)
            return -1;
        shape->width *= header->size[i];
        if (shape->width > max_columns)
            return -1;
    }
    return shape->height == 0 || shape->width == 0 || shape->height > max_columns / shape->width ? -1 : 0;
}

int idx_read_shape(struct idx_shape *shape, const char *images_path)
{
    struct header header;
    gzFile file = open_file(images_path);
    if (!file)
        return -1;
    const int failed = read_header(&header, file) != 0 || find_shape(shape, &header) != 0;
    gzclose(file);
    return failed ? complain(images_path, "not an IDX file of unsigned bytes") : 0;
}

/* Reads a whole file: n records of `columns` bytes. */
static int read_file(uint8_t **bytes, size_t *n, size_t *columns, const char *path)
{
    struct header header;
    struct idx_shape shape;
    gzFile file = open_file(path);
    if (!file)
        return -1;
    if (read_header(&header, file) != 0 || find_shape(&shape, &header) != 0) {
        gzclose(file);
        return complain(path, "not an IDX file of unsigned bytes");
    }
    const size_t size = header.size[0] * shape.height * shape.width;
    uint8_t *room = malloc(size > 0 ? size : 1);
    if (!room || read_bytes(file, room, size) != 0) {
        gzclose(file);
        complain(path, room ? "truncated or damaged" : "out of memory");
        free(room);
        return -1;
    }
    gzclose(file);
    *bytes = room;
    *n = header.size[0];
    *columns = shape.height * shape.width;
    return 0;
}

int idx_read(struct idx_records *records, const char *images_path, const char *labels_path, int classes)
{
    size_t n = 0, columns = 0;
    *records = (struct idx_records){0};
    if (read_file(&records->bytes, &records->n, &records->columns, images_path) != 0)
        return -1;
    int failed = read_file(&records->labels, &n, &columns, labels_path);
    if (failed == 0 && (columns != 1 || n != records->n))
        failed = complain(labels_path, "does not hold one label for each image");
    for (size_t i = 0; failed == 0 && i < n; i++)
        if (records->labels[i] >= classes)
            failed = complain(labels_path, "holds a label that is not below the number of classes");
    if (failed != 0)
        idx_records_close(records);
    return failed;
}

void idx_records_close(struct idx_records *records)
{
    free(records->bytes);
    free(records->labels);
    *records = (struct idx_records){0};
}
