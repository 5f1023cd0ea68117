/* SPDX-License-Identifier: BSD-3-Clause */
/* A schema in the metadata of an Arrow type: DPMIX_ARROW_METADATA_KEY, and as its value the schema's JSON. */
#ifndef DPM_TABLE_METADATA_H
#define DPM_TABLE_METADATA_H

#include "table_schema.h"

/* The schema as metadata of the C data interface; the caller frees with dpm_free. */
int dpm_metadata_write(char **out, const struct dpmix_schema *schema);

/* The schema that metadata holds; NULL as metadata: there is none. `argument` stands before the messages. */
int dpm_metadata_read(struct dpmix_schema **out, const char *argument, const char *metadata);

#endif
