/* SPDX-License-Identifier: BSD-3-Clause */
/* Reads IDX files of unsigned bytes (the format of MNIST), plain or gzip'd. */
#ifndef DPM_LOAD_IDX_H
#define DPM_LOAD_IDX_H

#include <stddef.h>
#include <stdint.h>

struct dpm_idx {
    uint8_t *bytes;   /* items x item_size; private, so the caller frees it with dpm_free_wiped */
    size_t items;     /* the first dimension; may be 0 */
    size_t item_size; /* the product of the others: 1 for a file of labels */
    size_t side;      /* of items that are squares, the file's dimensions three; else 0 */
};

/* Memory grows with the bytes that are really read, so a header cannot claim more than its file holds.
 * DPMIX_ERR_IO when the file cannot be read, DPMIX_ERR_FORMAT when it is not exactly what its header says,
 * DPMIX_ERR_NOMEM. The message names the file and never what is in it. */
int dpm_load_idx(struct dpm_idx *out, const char *path);

#endif
