/* SPDX-License-Identifier: BSD-3-Clause */
/* IDX files for tests, plain or gzip'd. */
#ifndef DPM_TESTS_TINY_IDX_H
#define DPM_TESTS_TINY_IDX_H

#include "tiny_file.h"

#include <zlib.h>

enum { TINY_MAX_IDX = 16384 };

/* Up to 255 items of side x side bytes, or of one byte when side is 0, in the file of that name. */
static inline void tiny_write_idx(const char *name, int gzip, const uint8_t *items, size_t n_items,
                                  size_t side)
{
    uint8_t file[TINY_MAX_IDX] = {0, 0, 8, 1};
    size_t header = side ? 16 : 8, n = header + n_items * (side ? side * side : 1);
    ck_assert(n <= sizeof file && n_items < 256 && side < 256);
    file[3] = side ? 3 : 1; /* dimensions */
    file[7] = (uint8_t)n_items;
    if (side)
        file[11] = file[15] = (uint8_t)side;
    memcpy(file + header, items, n - header);
    if (!gzip) {
        tiny_write(tiny_path(name), file, n);
        return;
    }
    gzFile stream = gzopen(tiny_path(name), "wb");
    ck_assert_ptr_nonnull(stream);
    ck_assert_int_eq(gzwrite(stream, file, (unsigned)n), (int)n);
    ck_assert_int_eq(gzclose(stream), Z_OK);
}

#endif
