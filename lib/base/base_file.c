/* SPDX-License-Identifier: BSD-3-Clause */
/* Blobs in files: header, checksum, and writes that leave the old file or the new one. */
#include "base_alloc.h"
#include "base_blob.h"
#include "base_fail.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

enum { FORMAT_VERSION = 1, HEADER_SIZE = 24, CHECKSUM_SIZE = 4, SUFFIX_SIZE = 48 };

static const unsigned char magic[8] = {'d', 'p', 'm', 'i', 'x', '\r', '\n', 26};

static uint32_t checksum(uint32_t sum, const unsigned char *bytes, size_t n)
{
    uLong crc = sum;
    while (n > 0) {
        uInt part = n > (1u << 30) ? 1u << 30 : (uInt)n;
        crc = crc32(crc, bytes, part);
        bytes += part;
        n -= part;
    }
    return (uint32_t)crc;
}

static int write_all(int file, const unsigned char *bytes, size_t n)
{
    while (n > 0) {
        ssize_t written = write(file, bytes, n > (1u << 30) ? 1u << 30 : n);
        if (written < 0 && errno == EINTR)
            continue;
        if (written <= 0)
            return 0;
        bytes += written;
        n -= (size_t)written;
    }
    return 1;
}

/* A new file beside `path`, with the mode that the process gives new files; its name goes to `name`, which
 * has room for SUFFIX_SIZE bytes more than path. */
static int create_beside(const char *path, char *name)
{
    enum { MOST_TRIES = 1000 }; /* more threads than that do not write to one path at a time */
    for (int number = 0; number < MOST_TRIES; number++) {
        snprintf(name, strlen(path) + SUFFIX_SIZE, "%s.new-%ld-%d", path, (long)getpid(), number);
        int file = open(name, O_WRONLY | O_CREAT | O_EXCL, 0666);
        if (file >= 0 || errno != EEXIST)
            return file;
    }
    return -1;
}

/* The folder of a file, for a name that has room for path's length and two bytes more. */
static void name_folder(const char *path, char *name)
{
    const char *slash = strrchr(path, '/');
    size_t n = slash == path ? 1 : slash ? (size_t)(slash - path) : 1;
    memcpy(name, slash ? path : ".", n);
    name[n] = 0;
}

/* A rename is on the disk only when the folder is. */
static int sync_folder(const char *folder)
{
    int file = open(folder, O_RDONLY);
    if (file < 0)
        return 0;
    int synced = fsync(file) == 0 || errno == EINVAL; /* some file systems cannot, and say so */
    close(file);
    return synced;
}

/* Runs of bytes, one behind the other. */
struct part {
    const unsigned char *bytes;
    size_t n;
};

static int write_parts(int file, const struct part *parts, size_t n)
{
    int written = 1;
    for (size_t i = 0; written && i < n; i++)
        written = write_all(file, parts[i].bytes, parts[i].n);
    return written && fsync(file) == 0;
}

/* To a temporary file beside `path`, which then takes its place. */
static int write_whole(const char *path, const struct part *parts, size_t n)
{
    int status = DPMIX_ERR_NOMEM, file = -1;
    char *temporary = dpm_alloc(strlen(path) + SUFFIX_SIZE, 1), *folder = dpm_alloc(strlen(path) + 2, 1);
    if (!temporary || !folder)
        goto out;
    name_folder(path, folder);
    file = create_beside(path, temporary);
    if (file < 0) {
        status = dpm_fail(DPMIX_ERR_IO, "path: cannot create a file there: %s", strerror(errno));
        goto out;
    }
    status = DPMIX_OK;
    if (!write_parts(file, parts, n) || rename(temporary, path) != 0) {
        status = dpm_fail(DPMIX_ERR_IO, "path: cannot write the file: %s", strerror(errno));
        unlink(temporary);
    } else if (!sync_folder(folder)) {
        status = dpm_fail(DPMIX_ERR_IO, "path: written, but its folder could not be synced");
    }
out:
    if (file >= 0)
        close(file);
    dpm_free(temporary);
    dpm_free(folder);
    return status;
}

int dpm_blob_write_plain(const struct dpm_blob *blob, const char *path)
{
    struct part part = {blob->bytes, blob->size};
    return blob->status ? blob->status : write_whole(path, &part, 1);
}

int dpm_blob_write(const struct dpm_blob *blob, uint32_t kind, const char *path)
{
    if (blob->status)
        return blob->status;
    int status = DPMIX_ERR_NOMEM;
    struct dpm_blob header = {0}, footer = {0};
    dpm_blob_put_u32(&header, FORMAT_VERSION);
    dpm_blob_put_u32(&header, kind);
    dpm_blob_put_u64(&header, blob->size);
    if (!header.status) {
        uint32_t sum = checksum(0, magic, sizeof magic);
        sum = checksum(sum, header.bytes, header.size);
        dpm_blob_put_u32(&footer, checksum(sum, blob->bytes, blob->size));
    }
    if (!header.status && !footer.status) {
        struct part parts[] = {{magic, sizeof magic},
                               {header.bytes, header.size},
                               {blob->bytes, blob->size},
                               {footer.bytes, footer.size}};
        status = write_whole(path, parts, sizeof parts / sizeof *parts);
    }
    dpm_blob_free(&header);
    dpm_blob_free(&footer);
    return status;
}

/* The whole of an ordinary file. */
static int read_all(struct dpm_blob *blob, const char *path)
{
    struct stat about;
    int file = open(path, O_RDONLY | O_NONBLOCK); /* a FIFO must not hold us up before it is refused */
    if (file < 0)
        return dpm_fail(DPMIX_ERR_IO, "path: cannot open the file: %s", strerror(errno));
    int status = DPMIX_OK;
    if (fstat(file, &about) != 0 || !S_ISREG(about.st_mode)) {
        status = dpm_fail(DPMIX_ERR_IO, "path: not an ordinary file");
        goto out;
    }
    blob->bytes = dpm_alloc((size_t)about.st_size, 1);
    if (!blob->bytes) {
        status = DPMIX_ERR_NOMEM;
        goto out;
    }
    blob->capacity = (size_t)about.st_size;
    while (blob->size < blob->capacity) {
        size_t left = blob->capacity - blob->size;
        ssize_t got = read(file, blob->bytes + blob->size, left > (1u << 30) ? 1u << 30 : left);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0) {
            status = dpm_fail(DPMIX_ERR_IO, "path: cannot read the file: %s", strerror(errno));
            goto out;
        }
        if (got == 0)
            break;
        blob->size += (size_t)got;
    }
out:
    close(file);
    return status;
}

int dpm_blob_read_plain(struct dpm_blob *blob, const char *path)
{
    *blob = (struct dpm_blob){0};
    return read_all(blob, path);
}

int dpm_blob_read(struct dpm_blob *blob, uint32_t kind, const char *path)
{
    *blob = (struct dpm_blob){0};
    int status = read_all(blob, path);
    if (status)
        return status;
    if (blob->size < HEADER_SIZE + CHECKSUM_SIZE || memcmp(blob->bytes, magic, sizeof magic) != 0)
        return dpm_fail(DPMIX_ERR_FORMAT, "path: not a model file of this library, or truncated");
    blob->at = sizeof magic;
    uint32_t version = dpm_blob_get_u32(blob);
    uint32_t file_kind = dpm_blob_get_u32(blob);
    uint64_t payload = dpm_blob_get_u64(blob);
    if (version != FORMAT_VERSION)
        return dpm_fail(DPMIX_ERR_FORMAT, "path: a format version that this library does not know");
    if (payload != blob->size - HEADER_SIZE - CHECKSUM_SIZE)
        return dpm_fail(DPMIX_ERR_FORMAT, "path: the file is truncated or has bytes too many");
    blob->at = blob->size - CHECKSUM_SIZE;
    uint32_t stored = dpm_blob_get_u32(blob);
    blob->size -= CHECKSUM_SIZE;
    if (checksum(0, blob->bytes, blob->size) != stored)
        return dpm_fail(DPMIX_ERR_FORMAT, "path: wrong checksum, the file is damaged");
    if (file_kind != kind)
        return dpm_fail(DPMIX_ERR_FORMAT, "path: the file holds another kind of model");
    blob->at = HEADER_SIZE;
    return DPMIX_OK;
}

int dpm_blob_finish(const struct dpm_blob *blob)
{
    if (blob->status)
        return blob->status;
    if (blob->at != blob->size)
        return dpm_fail(DPMIX_ERR_FORMAT, "path: the file is damaged");
    return DPMIX_OK;
}
