/* SPDX-License-Identifier: BSD-3-Clause */
/* Model files. A blob is a growing run of little-endian numbers; in a file it stands behind a header and
 * before a checksum:
 *
 *     8 bytes  "dpmix\r\n\032"  (shows a transfer that changed line ends)
 *     u32      format version
 *     u32      kind: what the file holds, DPM_BLOB_*
 *     u64      length of the payload
 *     payload
 *     u32      CRC-32 of all that stands before it
 *
 * Failures stick: put and get calls after a failure do nothing (a get gives 0), and dpm_blob_status tells at
 * the end.
 */
#ifndef DPM_BASE_BLOB_H
#define DPM_BASE_BLOB_H

#include <stddef.h>
#include <stdint.h>

enum {
    DPM_BLOB_CLUSTERER = 1,
    DPM_BLOB_GENERATOR = 2,
    DPM_BLOB_MIXTURE = 3,
    DPM_BLOB_GENERATOR_CHECKPOINT = 4,
    DPM_BLOB_MIXTURE_CHECKPOINT = 5,
};

struct dpm_blob {
    unsigned char *bytes;
    size_t size; /* bytes in use */
    size_t capacity;
    size_t at; /* where the next get reads */
    int status;
};

void dpm_blob_free(struct dpm_blob *blob); /* the bytes, not the struct */
int dpm_blob_status(const struct dpm_blob *blob);

void dpm_blob_put_u32(struct dpm_blob *blob, uint32_t value);
void dpm_blob_put_u64(struct dpm_blob *blob, uint64_t value);
void dpm_blob_put_f64(struct dpm_blob *blob, double value);
void dpm_blob_put_f64s(struct dpm_blob *blob, const double *values, size_t n); /* n is not stored */
void dpm_blob_put_f32s(struct dpm_blob *blob, const float *values, size_t n);
void dpm_blob_put_text(struct dpm_blob *blob, const char *text);

uint32_t dpm_blob_get_u32(struct dpm_blob *blob);
uint64_t dpm_blob_get_u64(struct dpm_blob *blob);
double dpm_blob_get_f64(struct dpm_blob *blob);

/* A whole number in [lower, upper]; anything else is a damaged file. */
uint64_t dpm_blob_get_size(struct dpm_blob *blob, uint64_t lower, uint64_t upper);

/* n1 x n2 numbers into memory that the call allocates (the caller frees with dpm_free), finite ones only;
 * NULL on failure. Nothing is allocated that the file does not hold. */
double *dpm_blob_get_f64s(struct dpm_blob *blob, size_t n1, size_t n2);
float *dpm_blob_get_f32s(struct dpm_blob *blob, size_t n1, size_t n2);
char *dpm_blob_get_text(struct dpm_blob *blob);

/* Whether what is left of the blob is n things of `size` bytes at least; else it is marked as damaged. For
 * readers that allocate before they read. */
int dpm_blob_holds(struct dpm_blob *blob, uint64_t n, size_t size);

/* Marks the blob as damaged: for checks of the reader's own. */
void dpm_blob_reject(struct dpm_blob *blob);

/* Writes to a temporary file beside `path`, brings it to the disk, and renames it. */
int dpm_blob_write(const struct dpm_blob *blob, uint32_t kind, const char *path);

/* Reads a file and checks all but the payload's meaning. The caller frees the blob also after a failure. */
int dpm_blob_read(struct dpm_blob *blob, uint32_t kind, const char *path);

/* The bytes alone, in files of other formats. */
int dpm_blob_write_plain(const struct dpm_blob *blob, const char *path);
int dpm_blob_read_plain(struct dpm_blob *blob, const char *path);

/* For the end of a reader: DPMIX_ERR_FORMAT unless every byte was read and nothing failed. */
int dpm_blob_finish(const struct dpm_blob *blob);

#endif
