/* SPDX-License-Identifier: BSD-3-Clause */
#include "load_idx.h"

#include "base_alloc.h"
#include "load_reader.h"

#include <assert.h>
#include <string.h>

#include <dpmix/status.h>

enum { TYPE_UNSIGNED_BYTE = 0x08, MAX_DIMENSIONS = 8 };

/* Shape and *total = items * item_size. */
static int read_header(struct dpm_reader *reader, struct dpm_idx *idx, size_t *total)
{
    uint8_t magic[4];
    uint8_t sizes[MAX_DIMENSIONS][4];
    int err = dpm_reader_need(reader, magic, sizeof magic);
    if (err)
        return err;
    size_t n_dimensions = magic[3];
    if (magic[0] || magic[1])
        return dpm_reader_fail(reader, DPMIX_ERR_FORMAT, "not an IDX file");
    if (magic[2] != TYPE_UNSIGNED_BYTE)
        return dpm_reader_fail(reader, DPMIX_ERR_FORMAT, "its elements are not unsigned bytes");
    if (n_dimensions < 1 || n_dimensions > MAX_DIMENSIONS)
        return dpm_reader_fail(reader, DPMIX_ERR_FORMAT, "must have 1 to 8 dimensions");
    err = dpm_reader_need(reader, sizes[0], 4 * n_dimensions);
    if (err)
        return err;
    idx->item_size = 1;
    for (size_t i = 0; i < n_dimensions; i++) {
        const uint8_t *b = sizes[i];
        size_t size = (size_t)b[0] << 24 | (size_t)b[1] << 16 | (size_t)b[2] << 8 | b[3];
        if (i == 0)
            idx->items = size;
        else if (size == 0)
            return dpm_reader_fail(reader, DPMIX_ERR_FORMAT, "its items are empty");
        else if (!dpm_size_mul(&idx->item_size, idx->item_size, size))
            return dpm_reader_fail(reader, DPMIX_ERR_FORMAT, "its dimensions are too large");
    }
    if (n_dimensions == 3 && memcmp(sizes[1], sizes[2], sizeof sizes[1]) == 0)
        idx->side = sizes[1][2] * 256U + sizes[1][3]; /* larger ones have too many columns */
    if (!dpm_size_mul(total, idx->items, idx->item_size))
        return dpm_reader_fail(reader, DPMIX_ERR_FORMAT, "its dimensions are too large");
    return DPMIX_OK;
}

int dpm_load_idx(struct dpm_idx *out, const char *path)
{
    assert(out && path);
    struct dpm_reader reader;
    struct dpm_idx idx = {0};
    size_t total = 0;
    int err = dpm_reader_open(&reader, path);
    if (err)
        goto out;
    err = read_header(&reader, &idx, &total);
    if (err)
        goto out;
    err = dpm_reader_bytes(&reader, &idx.bytes, total);
    if (err)
        goto out;
    err = dpm_reader_need_end(&reader);
    if (err)
        goto out;
    *out = idx;
    idx.bytes = NULL;
out:
    dpm_free_wiped(idx.bytes);
    dpm_reader_close(&reader);
    return err;
}
