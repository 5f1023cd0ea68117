/* SPDX-License-Identifier: BSD-3-Clause */
/* NPY files for tests, byte by byte. */
#ifndef DPM_TESTS_TINY_NPY_H
#define DPM_TESTS_TINY_NPY_H

#include "check_main.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

enum { TINY_MAX_NPY = 16384 };

struct tiny_npy {
    uint8_t bytes[TINY_MAX_NPY];
    size_t header, n; /* bytes before the values, and of all */
};

/* Magic, version, length and a dictionary that is padded to a multiple of 64 bytes, as NumPy does it. */
static inline void tiny_npy_header(struct tiny_npy *file, int version, const char *dictionary)
{
    size_t length_size = version == 1 ? 2 : 4, used = 8 + length_size + strlen(dictionary) + 1;
    file->header = file->n = (used + 63) / 64 * 64;
    ck_assert_uint_le(file->n, TINY_MAX_NPY);
    memset(file->bytes, ' ', file->n);
    memcpy(file->bytes, "\x93NUMPY", 6);
    file->bytes[6] = (uint8_t)version;
    file->bytes[7] = 0;
    for (size_t i = 0; i < length_size; i++)
        file->bytes[8 + i] = (uint8_t)((file->n - 8 - length_size) >> (8 * i));
    memcpy(file->bytes + 8 + length_size, dictionary, strlen(dictionary));
    file->bytes[file->n - 1] = '\n';
}

/* The header of an array of this type and shape ("3, 4"). */
static inline void tiny_npy_start(struct tiny_npy *file, const char *descr, int fortran, const char *shape)
{
    char dictionary[256];
    snprintf(dictionary, sizeof dictionary, "{'descr': '%s', 'fortran_order': %s, 'shape': (%s), }", descr,
             fortran ? "True" : "False", shape);
    tiny_npy_header(file, 1, dictionary);
}

static inline void tiny_npy_bits(struct tiny_npy *file, uint64_t bits, size_t size, int big_endian)
{
    ck_assert_uint_le(file->n + size, TINY_MAX_NPY);
    for (size_t i = 0; i < size; i++)
        file->bytes[file->n++] = (uint8_t)(bits >> (8 * (big_endian ? size - 1 - i : i)));
}

/* One number in a type like "<f8". */
static inline void tiny_npy_value(struct tiny_npy *file, const char *descr, double value)
{
    size_t size = (size_t)(descr[2] - '0');
    float narrow = (float)value;
    uint64_t bits = 0;
    uint32_t narrow_bits;
    if (descr[1] != 'f') {
        bits = value < 0 ? (uint64_t)(int64_t)value : (uint64_t)value;
    } else if (size == 8) {
        memcpy(&bits, &value, sizeof bits);
    } else {
        memcpy(&narrow_bits, &narrow, sizeof narrow_bits);
        bits = narrow_bits;
    }
    tiny_npy_bits(file, bits, size, descr[0] == '>');
}

#endif
