/* SPDX-License-Identifier: BSD-3-Clause */
/* zlib's gzFile would do, but its buffers go back to the heap with private rows in them. Here the file is
 * read into our own buffer and zlib's state lies in memory of dpm_alloc, so that all of it is wiped. */
#include "load_reader.h"

#include "base_alloc.h"
#include "base_fail.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum {
    INPUT_SIZE = 64 * 1024,
    FIRST_CHUNK = 1024 * 1024,
    PATH_SHOWN = 120,              /* bytes of the path in a message: its end, which tells files apart */
    GZIP_WINDOW = 15 + 16,         /* the largest window, and a gzip header */
    INFLATE_AT_MOST = 1024 * 1024, /* zlib counts in unsigned int */
};

int dpm_reader_fail(const struct dpm_reader *reader, int status, const char *what)
{
    size_t length = strlen(reader->path);
    const char *shown = length > PATH_SHOWN ? reader->path + length - PATH_SHOWN : reader->path;
    return dpm_fail(status, "%s%s: %s", shown == reader->path ? "" : "...", shown, what);
}

static int fail_errno(const struct dpm_reader *reader, const char *what)
{
    char text[128];
    snprintf(text, sizeof text, "%s: %s", what, dpm_fail_reason(errno));
    return dpm_reader_fail(reader, DPMIX_ERR_IO, text);
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
static int refill(struct dpm_reader *reader)
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

void dpm_reader_close(struct dpm_reader *reader)
{
    if (reader->gzip)
        inflateEnd(&reader->stream);
    dpm_wipe(&reader->stream, sizeof reader->stream);
    dpm_free_wiped(reader->input);
    if (reader->fd >= 0)
        close(reader->fd);
}

int dpm_reader_open(struct dpm_reader *reader, const char *path)
{
    *reader = (struct dpm_reader){.path = path, .fd = -1};
    reader->input = dpm_alloc(INPUT_SIZE, 1);
    if (!reader->input)
        return DPMIX_ERR_NOMEM;
    do
        reader->fd = open(path, O_RDONLY | O_CLOEXEC);
    while (reader->fd < 0 && errno == EINTR);
    if (reader->fd < 0)
        return fail_errno(reader, "cannot be opened");
    int err = refill(reader);
    if (err)
        return err;
    /* The magic of gzip; no format that is read here starts like this. */
    if (reader->end < 2 || reader->input[0] != 0x1f || reader->input[1] != 0x8b)
        return DPMIX_OK;
    reader->stream.zalloc = zlib_alloc;
    reader->stream.zfree = zlib_free;
    if (inflateInit2(&reader->stream, GZIP_WINDOW) != Z_OK)
        return dpm_reader_fail(reader, DPMIX_ERR_NOMEM, "out of memory");
    reader->gzip = 1;
    return DPMIX_OK;
}

/* One call of inflate() for at most n bytes; *got may be 0 before the end. */
static int inflate_some(struct dpm_reader *reader, uint8_t *bytes, size_t n, size_t *got)
{
    z_stream *stream = &reader->stream;
    if (reader->member_done && inflateReset(stream) != Z_OK)
        return dpm_reader_fail(reader, DPMIX_ERR_FORMAT, "damaged gzip data");
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
        return dpm_reader_fail(reader, DPMIX_ERR_NOMEM, "out of memory");
    if (status != Z_OK && status != Z_STREAM_END)
        return dpm_reader_fail(reader, DPMIX_ERR_FORMAT, "damaged gzip data");
    reader->member_done = status == Z_STREAM_END;
    return DPMIX_OK;
}

/* Reads n bytes, fewer only at the end of the file. */
static int reader_read(struct dpm_reader *reader, uint8_t *bytes, size_t n, size_t *got)
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
        return dpm_reader_fail(reader, DPMIX_ERR_FORMAT, "the gzip data end too early");
    return DPMIX_OK;
}

int dpm_reader_need(struct dpm_reader *reader, uint8_t *bytes, size_t n)
{
    size_t got;
    int err = reader_read(reader, bytes, n, &got);
    if (!err && got < n)
        return dpm_reader_fail(reader, DPMIX_ERR_FORMAT, "shorter than its header says");
    return err;
}

int dpm_reader_need_end(struct dpm_reader *reader)
{
    uint8_t byte;
    size_t got;
    int err = reader_read(reader, &byte, 1, &got);
    dpm_wipe(&byte, 1);
    if (!err && got > 0)
        return dpm_reader_fail(reader, DPMIX_ERR_FORMAT, "longer than its header says");
    return err;
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

int dpm_reader_bytes(struct dpm_reader *reader, uint8_t **bytes, size_t total)
{
    size_t done = 0;
    do {
        size_t step = done ? done : FIRST_CHUNK;
        size_t capacity = total - done < step ? total : done + step;
        uint8_t *larger = grow(*bytes, done, capacity);
        if (!larger)
            return dpm_reader_fail(reader, DPMIX_ERR_NOMEM, "out of memory");
        *bytes = larger;
        int err = dpm_reader_need(reader, *bytes + done, capacity - done);
        if (err)
            return err;
        done = capacity;
    } while (done < total);
    return DPMIX_OK;
}
