/* SPDX-License-Identifier: BSD-3-Clause */
#include "base_blob.h"
#include "base_alloc.h"
#include "base_fail.h"

#include <math.h>
#include <string.h>

void dpm_blob_free(struct dpm_blob *blob)
{
    dpm_free(blob->bytes);
    *blob = (struct dpm_blob){0};
}

int dpm_blob_status(const struct dpm_blob *blob)
{
    return blob->status;
}

/* Room for n more bytes at the end; NULL after a failure. */
static unsigned char *extend(struct dpm_blob *blob, size_t n)
{
    if (blob->status)
        return NULL;
    if (n > blob->capacity - blob->size) {
        size_t capacity = blob->capacity < 256 ? 256 : blob->capacity;
        while (capacity - blob->size < n) {
            if (capacity > SIZE_MAX / 2) {
                blob->status = dpm_fail(DPMIX_ERR_NOMEM, "out of memory");
                return NULL;
            }
            capacity *= 2;
        }
        unsigned char *bytes = dpm_alloc(capacity, 1);
        if (!bytes) {
            blob->status = DPMIX_ERR_NOMEM;
            return NULL;
        }
        if (blob->size)
            memcpy(bytes, blob->bytes, blob->size);
        dpm_free(blob->bytes);
        blob->bytes = bytes;
        blob->capacity = capacity;
    }
    unsigned char *end = blob->bytes + blob->size;
    blob->size += n;
    return end;
}

static void put_number(struct dpm_blob *blob, uint64_t value, size_t n_bytes)
{
    unsigned char *end = extend(blob, n_bytes);
    for (size_t i = 0; end && i < n_bytes; i++)
        end[i] = (unsigned char)(value >> (8 * i));
}

void dpm_blob_put_u32(struct dpm_blob *blob, uint32_t value)
{
    put_number(blob, value, 4);
}

void dpm_blob_put_u64(struct dpm_blob *blob, uint64_t value)
{
    put_number(blob, value, 8);
}

void dpm_blob_put_f64(struct dpm_blob *blob, double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    put_number(blob, bits, 8);
}

void dpm_blob_put_f64s(struct dpm_blob *blob, const double *values, size_t n)
{
    for (size_t i = 0; i < n; i++)
        dpm_blob_put_f64(blob, values[i]);
}

void dpm_blob_put_f32s(struct dpm_blob *blob, const float *values, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        uint32_t bits;
        memcpy(&bits, &values[i], sizeof bits);
        put_number(blob, bits, 4);
    }
}

void dpm_blob_put_text(struct dpm_blob *blob, const char *text)
{
    size_t n = strlen(text);
    dpm_blob_put_u64(blob, n);
    unsigned char *end = extend(blob, n);
    if (end)
        memcpy(end, text, n);
}

void dpm_blob_reject(struct dpm_blob *blob)
{
    if (!blob->status)
        blob->status = dpm_fail(DPMIX_ERR_FORMAT, "path: the file is damaged");
}

int dpm_blob_holds(struct dpm_blob *blob, uint64_t n, size_t size)
{
    if (!blob->status && n > (blob->size - blob->at) / size)
        dpm_blob_reject(blob);
    return !blob->status;
}

/* The next n bytes; NULL, and the blob rejected, when it does not hold them. */
static const unsigned char *take(struct dpm_blob *blob, size_t n)
{
    if (!blob->status && n > blob->size - blob->at)
        dpm_blob_reject(blob);
    if (blob->status)
        return NULL;
    const unsigned char *bytes = blob->bytes + blob->at;
    blob->at += n;
    return bytes;
}

static uint64_t load_number(const unsigned char *bytes, size_t n_bytes)
{
    uint64_t value = 0;
    for (size_t i = 0; i < n_bytes; i++)
        value |= (uint64_t)bytes[i] << (8 * i);
    return value;
}

uint32_t dpm_blob_get_u32(struct dpm_blob *blob)
{
    const unsigned char *bytes = take(blob, 4);
    return bytes ? (uint32_t)load_number(bytes, 4) : 0;
}

uint64_t dpm_blob_get_u64(struct dpm_blob *blob)
{
    const unsigned char *bytes = take(blob, 8);
    return bytes ? load_number(bytes, 8) : 0;
}

static double load_f64(const unsigned char *bytes)
{
    uint64_t bits = load_number(bytes, 8);
    double value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

double dpm_blob_get_f64(struct dpm_blob *blob)
{
    const unsigned char *bytes = take(blob, 8);
    double value = bytes ? load_f64(bytes) : 0;
    if (!isfinite(value)) {
        dpm_blob_reject(blob);
        return 0;
    }
    return value;
}

uint64_t dpm_blob_get_size(struct dpm_blob *blob, uint64_t lower, uint64_t upper)
{
    uint64_t value = dpm_blob_get_u64(blob);
    if (value < lower || value > upper)
        dpm_blob_reject(blob);
    return blob->status ? lower : value;
}

/* The bytes of n1 x n2 numbers and memory to hold them; 0 on failure. */
static int take_array(struct dpm_blob *blob, size_t n1, size_t n2, size_t size, size_t *n, void **memory,
                      const unsigned char **bytes)
{
    size_t n_bytes;
    if (!dpm_size_mul(n, n1, n2) || !dpm_size_mul(&n_bytes, *n, size))
        dpm_blob_reject(blob);
    *bytes = blob->status ? NULL : take(blob, n_bytes);
    if (!*bytes)
        return 0;
    *memory = dpm_alloc(*n, size);
    if (!*memory)
        blob->status = DPMIX_ERR_NOMEM;
    return *memory != NULL;
}

double *dpm_blob_get_f64s(struct dpm_blob *blob, size_t n1, size_t n2)
{
    size_t n;
    void *memory;
    const unsigned char *bytes;
    if (!take_array(blob, n1, n2, sizeof(double), &n, &memory, &bytes))
        return NULL;
    double *values = memory;
    for (size_t i = 0; i < n; i++) {
        values[i] = load_f64(bytes + 8 * i);
        if (!isfinite(values[i]))
            dpm_blob_reject(blob);
    }
    if (blob->status) {
        dpm_free(values);
        return NULL;
    }
    return values;
}

float *dpm_blob_get_f32s(struct dpm_blob *blob, size_t n1, size_t n2)
{
    size_t n;
    void *memory;
    const unsigned char *bytes;
    if (!take_array(blob, n1, n2, sizeof(float), &n, &memory, &bytes))
        return NULL;
    float *values = memory;
    for (size_t i = 0; i < n; i++) {
        uint32_t bits = (uint32_t)load_number(bytes + 4 * i, 4);
        memcpy(&values[i], &bits, sizeof bits);
        if (!isfinite(values[i]))
            dpm_blob_reject(blob);
    }
    if (blob->status) {
        dpm_free(values);
        return NULL;
    }
    return values;
}

char *dpm_blob_get_text(struct dpm_blob *blob)
{
    uint64_t n = dpm_blob_get_u64(blob);
    if (n > blob->size)
        dpm_blob_reject(blob);
    const unsigned char *bytes = take(blob, (size_t)n);
    if (!bytes)
        return NULL;
    if (memchr(bytes, 0, (size_t)n)) {
        dpm_blob_reject(blob);
        return NULL;
    }
    char *text = dpm_alloc((size_t)n + 1, 1);
    if (!text) {
        blob->status = DPMIX_ERR_NOMEM;
        return NULL;
    }
    memcpy(text, bytes, (size_t)n);
    return text;
}
