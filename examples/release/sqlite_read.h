/* SPDX-License-Identifier: BSD-3-Clause */
/* Reads a table or a view of an SQLite database. */
#ifndef RELEASE_SQLITE_READ_H
#define RELEASE_SQLITE_READ_H

#include "table.h"

/* As csv_read(); a message has the row's number and a column of the schema. */
int sqlite_read(struct table *table, const dpmix_schema *schema, const char *path, const char *name);

#endif
