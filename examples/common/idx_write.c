/* SPDX-License-Identifier: BSD-3-Clause */
#include "idx_write.h"

#include <errno.h>
#include <string.h>

enum { BYTE_TYPE = 8 };

static int complain(const char *path)
{
    fprintf(stderr, "%s: %s\n", path, strerror(errno));
    return -1;
}

int idx_write(struct idx_writer *writer, const uint8_t *bytes, size_t n)
{
    return fwrite(bytes, 1, n, writer->file) == n ? 0 : complain(writer->path);
}

int idx_write_open(struct idx_writer *writer, const char *path, const size_t *sizes, int dimensions)
{
    const uint8_t magic[4] = {0, 0, BYTE_TYPE, (uint8_t)dimensions};
    *writer = (struct idx_writer){.file = fopen(path, "wb"), .path = path};
    if (!writer->file)
        return complain(path);
    int failed = idx_write(writer, magic, sizeof(magic));
    for (int i = 0; failed == 0 && i < dimensions; i++) {
        const uint8_t size[4] = {(uint8_t)(sizes[i] >> 24), (uint8_t)(sizes[i] >> 16),
                                 (uint8_t)(sizes[i] >> 8), (uint8_t)sizes[i]};
        failed = idx_write(writer, size, sizeof(size));
    }
    if (failed != 0) {
        fclose(writer->file);
        writer->file = NULL;
    }
    return failed;
}

int idx_write_close(struct idx_writer *writer)
{
    FILE *file = writer->file;
    writer->file = NULL;
    return !file || fclose(file) == 0 ? 0 : complain(writer->path);
}
