/* SPDX-License-Identifier: BSD-3-Clause */
/* Reads visit data: a text file NAME.txt.gz (or NAME.txt) with a line for each row that holds the numbers of
 * its ones, from 0, with blanks between; and beside it NAME.json, whose entry "columns" declares how many
 * columns there are. The number is declared, not looked up in the rows: those are private. */
#ifndef EXAMPLE_VISITS_READ_H
#define EXAMPLE_VISITS_READ_H

#include "idx_read.h"

/* Rows of zeros and ones, without labels. Returns 0, or -1 after a line on stderr that names the file. */
int visits_read(struct idx_records *records, const char *path);

#endif
