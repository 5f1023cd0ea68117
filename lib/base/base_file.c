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

enum {
    FORMAT_VERSION = 1,
    HEADER_SIZE = 24,
    CHECKSUM_SIZE = 4,
    SUFFIX_SIZE = 48,
    PATH_SIZE = 4096, /* systems take no longer paths */
};

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

/* Signals interrupt these two on some file systems, and nothing is wrong then. */
static int open_file(const char *path, int flags)
{
    int file;
    do
        file = open(path, flags | O_CLOEXEC, 0666);
    while (file < 0 && errno == EINTR);
    return file;
}

static int sync_file(int file)
{
    int status;
    do
        status = fsync(file);
    while (status != 0 && errno == EINTR);
    return status;
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
        int file = open_file(name, O_WRONLY | O_CREAT | O_EXCL);
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
    int file = open_file(folder, O_RDONLY);
    if (file < 0)
        return 0;
    int synced = sync_file(file) == 0 || errno == EINVAL; /* some file systems cannot, and say so */
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
    return written && sync_file(file) == 0;
}

/* A device or a pipe, which the rename would take away from everybody else. */
static int is_special(const char *path)
{
    struct stat about;
    return stat(path, &about) == 0 && !S_ISREG(about.st_mode) && !S_ISDIR(about.st_mode);
}

/* To a temporary file beside `path`, which then takes its place. It allocates nothing: checkpoints are
 * written after the debit, when memory may no longer run out. */
static int write_whole(const char *path, const struct part *parts, size_t n)
{
    int status = DPMIX_OK;
    char temporary[PATH_SIZE + SUFFIX_SIZE], folder[PATH_SIZE + 2];
    if (strlen(path) >= PATH_SIZE)
        return dpm_fail(DPMIX_ERR_IO, "path: too long");
    if (is_special(path))
        return dpm_fail(DPMIX_ERR_IO, "path: not an ordinary file");
    name_folder(path, folder);
    int file = create_beside(path, temporary);
    if (file < 0)
        return dpm_fail(DPMIX_ERR_IO, "path: cannot create a file there: %s", dpm_fail_reason(errno));
    if (!write_parts(file, parts, n) || rename(temporary, path) != 0) {
        status = dpm_fail(DPMIX_ERR_IO, "path: cannot write the file: %s", dpm_fail_reason(errno));
        unlink(temporary);
    } else if (!sync_folder(folder)) {
        status = dpm_fail(DPMIX_ERR_IO, "path: written, but its folder could not be synced");
    }
    close(file);
    return status;
}

int dpm_blob_write_plain(const struct dpm_blob *blob, const char *path)
{
    struct part part = {blob->bytes, blob->size};
    return blob->status ? blob->status : write_whole(path, &part, 1);
}

/* Little-endian. */
static void put_number(unsigned char *bytes, uint64_t number, size_t n)
{
    for (size_t i = 0; i < n; i++)
        bytes[i] = (unsigned char)(number >> (8 * i));
}

int dpm_blob_write(const struct dpm_blob *blob, uint32_t kind, const char *path)
{
    if (blob->status)
        return blob->status;
    unsigned char header[HEADER_SIZE], footer[CHECKSUM_SIZE];
    memcpy(header, magic, sizeof magic);
    put_number(header + 8, FORMAT_VERSION, 4);
    put_number(header + 12, kind, 4);
    put_number(header + 16, blob->size, 8);
    put_number(footer, checksum(checksum(0, header, sizeof header), blob->bytes, blob->size), sizeof footer);
    struct part parts[] = {{header, sizeof header}, {blob->bytes, blob->size}, {footer, sizeof footer}};
    return write_whole(path, parts, sizeof parts / sizeof *parts);
}

/* The whole of an ordinary file. */
static int read_all(struct dpm_blob *blob, const char *path)
{
    struct stat about;
    int file = open_file(path, O_RDONLY | O_NONBLOCK); /* a FIFO must not hold us up before it is refused */
    if (file < 0)
        return dpm_fail(DPMIX_ERR_IO, "path: cannot open the file: %s", dpm_fail_reason(errno));
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
            status = dpm_fail(DPMIX_ERR_IO, "path: cannot read the file: %s", dpm_fail_reason(errno));
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
