/* SPDX-License-Identifier: BSD-3-Clause */
/* A file of private data, plain or gzip'd, read from its beginning to its end. Whatever held bytes of it is
 * wiped. */
#ifndef DPM_LOAD_READER_H
#define DPM_LOAD_READER_H

#include <stddef.h>
#include <stdint.h>
#include <zlib.h>

struct dpm_reader {
    const char *path;
    int fd;
    uint8_t *input;
    size_t begin, end; /* what of the input is not used yet */
    int gzip;
    int member_done; /* the gzip member is complete: another may follow, or the end */
    z_stream stream;
};

/* On failure too, dpm_reader_close() is due. */
int dpm_reader_open(struct dpm_reader *reader, const char *path);
void dpm_reader_close(struct dpm_reader *reader);

/* Reads n bytes; DPMIX_ERR_FORMAT when there are fewer. */
int dpm_reader_need(struct dpm_reader *reader, uint8_t *bytes, size_t n);

/* Reads `total` bytes into memory that it allocates, never more than twice what has come, plus one chunk. The
 * caller frees *bytes, NULL before the call, with dpm_free_wiped, also after a failure. */
int dpm_reader_bytes(struct dpm_reader *reader, uint8_t **bytes, size_t total);

/* DPMIX_ERR_FORMAT unless everything was read. */
int dpm_reader_need_end(struct dpm_reader *reader);

/* Fails with a message that names the file. */
int dpm_reader_fail(const struct dpm_reader *reader, int status, const char *what);

#endif
