/* SPDX-License-Identifier: BSD-3-Clause */
/* Types of Arrow columns: format strings, and cells of arrays. */
#ifndef DPM_TABLE_TYPE_H
#define DPM_TABLE_TYPE_H

#include "table_cell.h"

#include <dpmix/arrow.h>

/* How an array holds its cells. */
enum {
    DPM_LAYOUT_NULL = 1,
    DPM_LAYOUT_BITS = 2,    /* truth values */
    DPM_LAYOUT_INTEGER = 3, /* `bytes` wide */
    DPM_LAYOUT_FLOAT = 4,
    DPM_LAYOUT_DECIMAL = 5,
    DPM_LAYOUT_TEXT = 6,  /* offsets `bytes` wide */
    DPM_LAYOUT_VIEW = 7,  /* views of 16 bytes */
    DPM_LAYOUT_FIXED = 8, /* `bytes` each */
};

struct dpm_arrow_type {
    int layout;
    int cell; /* DPM_CELL_* that it gives */
    int bytes, is_signed;
    int64_t multiply, divide; /* of integers that are times */
    double scale;             /* of decimals */
    int has_dictionary;       /* the type is that of the dictionary; numbers into it are of index_* */
    int index_bytes, index_is_signed;
};

/* 1 when the type is one that is taken in. */
int dpm_arrow_type_of(struct dpm_arrow_type *type, const struct ArrowSchema *schema);

/* Whether cells of times may become another's: rounded, or brought into the range of microseconds. */
int dpm_arrow_type_rounds(const struct dpm_arrow_type *type);

/* NULL, or what is wrong with an array of this type of which cells up to `needed` will be read. */
const char *dpm_arrow_check(const struct dpm_arrow_type *type, const struct ArrowArray *array,
                            int64_t needed);

/* Whether cell `at` (from the beginning of the buffers) is there. */
int dpm_arrow_is_valid(const struct ArrowArray *array, int64_t at);

/* Cell number `at` of an array that was checked, offset not added; NULL, or what is wrong with it. */
const char *dpm_arrow_cell(struct dpm_cell *cell, const struct dpm_arrow_type *type,
                           const struct ArrowArray *array, int64_t at);

#endif
