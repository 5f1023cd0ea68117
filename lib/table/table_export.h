/* SPDX-License-Identifier: BSD-3-Clause */
/* Samples as an Arrow stream. */
#ifndef DPM_TABLE_EXPORT_H
#define DPM_TABLE_EXPORT_H

#include "table_decode.h"

#include <dpmix/arrow.h>

enum { DPM_EXPORT_BATCH = 8192 }; /* records at most */

/* Where encoded records come from. */
struct dpm_export_source {
    void *model; /* the stream's own */
    int (*sample)(void *model, float *rows, int32_t *labels, uint64_t first, size_t n, const uint64_t *seed);
    void (*release)(void *model);
};

/* The schema is copied; the source becomes the stream's on success. categories: DPMIX_DECODE_*. */
int dpm_export_open(struct ArrowArrayStream *out, const struct dpmix_schema *schema,
                    const struct dpm_export_source *source, uint64_t n, const uint64_t *seed, int categories);

#endif
