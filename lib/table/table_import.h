/* SPDX-License-Identifier: BSD-3-Clause */
/* Rows from Arrow arrays. */
#ifndef DPM_TABLE_IMPORT_H
#define DPM_TABLE_IMPORT_H

#include "table_rows.h"
#include "table_type.h"

/* Both add what they read to rows, which were begun; nothing is released here. `argument` stands before the
 * messages. */
int dpm_import_array(struct dpm_table_rows *rows, const char *argument, const struct ArrowSchema *types,
                     const struct ArrowArray *array);
int dpm_import_stream(struct dpm_table_rows *rows, const char *argument, struct ArrowArrayStream *stream);

#endif
