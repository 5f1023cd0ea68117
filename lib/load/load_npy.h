/* SPDX-License-Identifier: BSD-3-Clause */
/* Reads NPY files (the format of NumPy's arrays, versions 1.0, 2.0 and 3.0), plain or gzip'd. */
#ifndef DPM_LOAD_NPY_H
#define DPM_LOAD_NPY_H

#include <stddef.h>
#include <stdint.h>

struct dpm_npy {
    void *values;     /* items x item_size, row-major; private, so the caller frees it with dpm_free_wiped */
    int type;         /* DPM_TYPE_*, of the values here */
    size_t items;     /* the first dimension; may be 0 */
    size_t item_size; /* the product of the others: 1 for an array of one dimension */
    size_t side;      /* of items that are squares, the array's dimensions three; else 0 */
};

/* An array of numbers, in either order of its dimensions and of its bytes. Bytes and truth values come as
 * DPM_TYPE_U8, float32 and integers of up to 16 bits as DPM_TYPE_F32, float64 and longer integers as
 * DPM_TYPE_F64: exact but for integers beyond 2^53, which are rounded.
 *
 * Memory grows with the bytes that are really read, so a header cannot claim more than its file holds.
 * DPMIX_ERR_IO when the file cannot be read, DPMIX_ERR_FORMAT when it is not exactly what its header says,
 * DPMIX_ERR_NOMEM. The message names the file and never what is in it. */
int dpm_load_npy_rows(struct dpm_npy *out, const char *path);

/* An array of one dimension of integers or truth values. What no int32_t holds becomes -1, which is no class.
 * The caller frees *labels with dpm_free_wiped. */
int dpm_load_npy_labels(int32_t **labels, size_t *n, const char *path);

#endif
