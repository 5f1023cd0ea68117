/* SPDX-License-Identifier: BSD-3-Clause */
/* Reads CSV files (RFC 4180), gzip'd or not: UTF-8, a header with the names, commas, quoted fields. Line ends
 * are LF or CRLF. Columns may stand in any order, and those that the schema has not are left out. A field
 * without a byte is null, one of two quotes is the empty text. Blank lines do not count. */
#ifndef RELEASE_CSV_READ_H
#define RELEASE_CSV_READ_H

#include "table.h"

/* Fills a table that the caller closes in every case. Returns 0, or -1 after a line on stderr with the file,
 * the line and, where it is known, the number of the field, but none of its bytes. */
int csv_read(struct table *table, const dpmix_schema *schema, const char *path);

#endif
