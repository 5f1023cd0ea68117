/* SPDX-License-Identifier: BSD-3-Clause */
/* zlib's gzFile would do, but its buffers go back to the heap with private rows in them. Here the file is
 * read into our own buffer and zlib's state lies in memory of dpm_alloc, so that all of it is wiped. */
#include "load_idx.h"

#include "base_alloc.h"
#include "base_fail.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

enum {
    INPUT_SIZE = 64 * 1024,
    FIRST_CHUNK = 1024 * 1024,
    TYPE_UNSIGNED_BYTE = 0x08,
    MAX_DIMENSIONS = 8,
    PATH_SHOWN = 120,              /* bytes of the path in a message: its end, which tells files apart */
    GZIP_WINDOW = 15 + 16,         /* the largest window, and a gzip header */
    INFLATE_AT_MOST = 1024 * 1024, /* zlib counts in unsigned int */
};

struct reader {
    const char *path;
    int fd;
    uint8_t *input;
    size_t begin, end; /* what of the input is not used yet */
    int gzip;
    int member_done; /* the gzip member is complete: another may follow, or the end */
    z_stream stream;
};

static int fail_at(const struct reader *reader, int status, const char *what)
{
    size_t length = strlen(reader->path);
    const char *shown = length > PATH_SHOWN ? reader->path + length - PATH_SHOWN : reader->path;
    return dpm_fail(status, "%s%s: %s", shown == reader->path ? "" : "...", shown, what);
}

static int fail_errno(const struct reader *reader, const char *what)
{
    char reason[80];
    char text[128];
    if (strerror_r(errno, reason, sizeof reason))
        reason[0] = 0;
    snprintf(text, sizeof text, "%s: %s", what, reason);
    return fail_at(reader, DPMIX_ERR_IO, text);
}

static voidpf zlib_alloc(voidpf opaque, uInt n, uInt size)
{
    (void)opaque;
    return dpm_alloc(n, size);
}

static void zlib_free(voidpf opaque, voidpf memory)
{
    (void)opaque;
    dpm_free_wiped(memory);
}

/* Fills the input when it is empty. At the end of the file it stays empty. */
static int refill(struct reader *reader)
{
    if (reader->begin < reader->end)
        return DPMIX_OK;
    ssize_t n;
    do
        n = read(reader->fd, reader->input, INPUT_SIZE);
    while (n < 0 && errno == EINTR);
    if (n < 0)
        return fail_errno(reader, "cannot be read");
    reader->begin = 0;
    reader->end = (size_t)n;
    return DPMIX_OK;
}

static void reader_close(struct reader *reader)
{
    if (reader->gzip)
        inflateEnd(&reader->stream);
    dpm_wipe(&reader->stream, sizeof reader->stream);
    dpm_free_wiped(reader->input);
    if (reader->fd >= 0)
        close(reader->fd);
}

/* On failure too, reader_close() is due. */
static int reader_open(struct reader *reader, const char *path)
{
    *reader = (struct reader){.path = path, .fd = -1};
    reader->input = dpm_alloc(INPUT_SIZE, 1);
    if (!reader->input)
        return DPMIX_ERR_NOMEM;
    reader->fd = open(path, O_RDONLY | O_CLOEXEC);
    if (reader->fd < 0)
        return fail_errno(reader, "cannot be opened");
    int err = refill(reader);
    if (err)
        return err;
    /* An IDX file starts with two zeros, so one byte would tell; two are the magic of gzip. */
    if (reader->end < 2 || reader->input[0] != 0x1f || reader->input[1] != 0x8b)
        return DPMIX_OK;
    reader->stream.zalloc = zlib_alloc;
    reader->stream.zfree = zlib_free;
    if (inflateInit2(&reader->stream, GZIP_WINDOW) != Z_OK)
        return fail_at(reader, DPMIX_ERR_NOMEM, "out of memory");
    reader->gzip = 1;
    return DPMIX_OK;
}

/* One call of inflate() for at most n bytes; *got may be 0 before the end. */
static int inflate_some(struct reader *reader, uint8_t *bytes, size_t n, size_t *got)
{
    z_stream *stream = &reader->stream;
    if (reader->member_done && inflateReset(stream) != Z_OK)
        return fail_at(reader, DPMIX_ERR_FORMAT, "damaged gzip data");
    reader->member_done = 0;
    size_t wanted = n < INFLATE_AT_MOST ? n : INFLATE_AT_MOST;
    stream->next_in = reader->input + reader->begin;
    stream->avail_in = (uInt)(reader->end - reader->begin);
    stream->next_out = bytes;
    stream->avail_out = (uInt)wanted;
    int status = inflate(stream, Z_NO_FLUSH);
    reader->begin = reader->end - stream->avail_in;
    *got = wanted - stream->avail_out;
    if (status == Z_MEM_ERROR)
        return fail_at(reader, DPMIX_ERR_NOMEM, "out of memory");
    if (status != Z_OK && status != Z_STREAM_END)
        return fail_at(reader, DPMIX_ERR_FORMAT, "damaged gzip data");
    reader->member_done = status == Z_STREAM_END;
    return DPMIX_OK;
}

/* Reads n bytes, fewer only at the end of the file. */
static int reader_read(struct reader *reader, uint8_t *bytes, size_t n, size_t *got)
{
    *got = 0;
    while (*got < n) {
        int err = refill(reader);
        if (err)
            return err;
        size_t left = reader->end - reader->begin;
        if (left == 0)
            break;
        size_t some = n - *got < left ? n - *got : left;
        if (reader->gzip) {
            err = inflate_some(reader, bytes + *got, n - *got, &some);
            if (err)
                return err;
        } else {
            memcpy(bytes + *got, reader->input + reader->begin, some);
            reader->begin += some;
        }
        *got += some;
    }
    if (*got < n && reader->gzip && !reader->member_done)
        return fail_at(reader, DPMIX_ERR_FORMAT, "the gzip data end too early");
    return DPMIX_OK;
}

/* The same, but fewer is an error. */
static int reader_need(struct reader *reader, uint8_t *bytes, size_t n)
{
    size_t got;
    int err = reader_read(reader, bytes, n, &got);
    if (!err && got < n)
        return fail_at(reader, DPMIX_ERR_FORMAT, "shorter than its header says");
    return err;
}

static int reader_need_end(struct reader *reader)
{
    uint8_t byte;
    size_t got;
    int err = reader_read(reader, &byte, 1, &got);
    dpm_wipe(&byte, 1);
    if (!err && got > 0)
        return fail_at(reader, DPMIX_ERR_FORMAT, "longer than its header says");
    return err;
}

/* Shape and *total = items * item_size. */
static int read_header(struct reader *reader, struct dpm_idx *idx, size_t *total)
{
    uint8_t magic[4];
    uint8_t sizes[MAX_DIMENSIONS][4];
    int err = reader_need(reader, magic, sizeof magic);
    if (err)
        return err;
    size_t n_dimensions = magic[3];
    if (magic[0] || magic[1])
        return fail_at(reader, DPMIX_ERR_FORMAT, "not an IDX file");
    if (magic[2] != TYPE_UNSIGNED_BYTE)
        return fail_at(reader, DPMIX_ERR_FORMAT, "its elements are not unsigned bytes");
    if (n_dimensions < 1 || n_dimensions > MAX_DIMENSIONS)
        return fail_at(reader, DPMIX_ERR_FORMAT, "must have 1 to 8 dimensions");
    err = reader_need(reader, sizes[0], 4 * n_dimensions);
    if (err)
        return err;
    idx->item_size = 1;
    for (size_t i = 0; i < n_dimensions; i++) {
        const uint8_t *b = sizes[i];
        size_t size = (size_t)b[0] << 24 | (size_t)b[1] << 16 | (size_t)b[2] << 8 | b[3];
        if (i == 0)
            idx->items = size;
        else if (size == 0)
            return fail_at(reader, DPMIX_ERR_FORMAT, "its items are empty");
        else if (!dpm_size_mul(&idx->item_size, idx->item_size, size))
            return fail_at(reader, DPMIX_ERR_FORMAT, "its dimensions are too large");
    }
    if (!dpm_size_mul(total, idx->items, idx->item_size))
        return fail_at(reader, DPMIX_ERR_FORMAT, "its dimensions are too large");
    return DPMIX_OK;
}

/* A larger block with the same first `size` bytes; the old one is wiped. NULL, and the old one stays, when
 * memory is out. */
static uint8_t *grow(uint8_t *bytes, size_t size, size_t capacity)
{
    uint8_t *larger = dpm_alloc(capacity, 1);
    if (!larger)
        return NULL;
    if (size)
        memcpy(larger, bytes, size);
    dpm_free_wiped(bytes);
    return larger;
}

/* Reads `total` bytes; memory is never more than twice what has come, plus one chunk. */
static int read_bytes(struct reader *reader, uint8_t **bytes, size_t total)
{
    size_t done = 0;
    do {
        size_t step = done ? done : FIRST_CHUNK;
        size_t capacity = total - done < step ? total : done + step;
        uint8_t *larger = grow(*bytes, done, capacity);
        if (!larger)
            return fail_at(reader, DPMIX_ERR_NOMEM, "out of memory");
        *bytes = larger;
        int err = reader_need(reader, *bytes + done, capacity - done);
        if (err)
            return err;
        done = capacity;
    } while (done < total);
    return DPMIX_OK;
}

int dpm_load_idx(struct dpm_idx *out, const char *path)
{
    assert(out && path);
    struct reader reader;
    struct dpm_idx idx = {0};
    size_t total;
    int err = reader_open(&reader, path);
    if (err)
        goto out;
    err = read_header(&reader, &idx, &total);
    if (err)
        goto out;
    err = read_bytes(&reader, &idx.bytes, total);
    if (err)
        goto out;
    err = reader_need_end(&reader);
    if (err)
        goto out;
    *out = idx;
    idx.bytes = NULL;
out:
    dpm_free_wiped(idx.bytes);
    reader_close(&reader);
    return err;
}
