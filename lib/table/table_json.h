/* SPDX-License-Identifier: BSD-3-Clause */
/* Schemas as JSON. The only place that knows the JSON library. */
#ifndef DPM_TABLE_JSON_H
#define DPM_TABLE_JSON_H

#include "table_schema.h"

/* n bytes of JSON as a schema; `argument` stands before the messages. */
int dpm_json_read(struct dpmix_schema **out, const char *argument, const char *bytes, size_t n);

/* The schema as a text with a NUL at its end; the caller frees with dpm_free. */
int dpm_json_write(const struct dpmix_schema *schema, char **text);

#endif
