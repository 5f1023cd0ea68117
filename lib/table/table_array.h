/* SPDX-License-Identifier: BSD-3-Clause */
/* Arrow types and arrays of our own making. Each owns what it points at, children too unless they were moved
 * out. */
#ifndef DPM_TABLE_ARRAY_H
#define DPM_TABLE_ARRAY_H

#include "table_cell.h"

#include <dpmix/arrow.h>

/* The categories of a column as a utf8 array's buffers, shared by all batches. */
struct dpm_texts;
int dpm_texts_new(struct dpm_texts **out, const struct dpm_column *column);
void dpm_texts_unref(struct dpm_texts *texts); /* NULL is fine */

/* The type of a record batch of the schema's columns, but for the unit; its metadata is the whole schema. */
int dpm_array_types(struct ArrowSchema *out, const struct dpmix_schema *schema);

/* A record batch of n records that waits for its cells. texts: for each column, NULL where it has no
 * categories.
 */
int dpm_array_new(struct ArrowArray *out, const struct dpmix_schema *schema, struct dpm_texts *const *texts,
                  size_t n);

/* Writes record number `at`: one datum for each column of the schema. */
void dpm_array_put(struct ArrowArray *batch, const struct dpmix_schema *schema, const struct dpm_datum *data,
                   size_t at);

#endif
