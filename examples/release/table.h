/* SPDX-License-Identifier: BSD-3-Clause */
/* A table of texts in memory, as a reader fills it and the library takes it in: the columns are those of a
 * schema, in its order, whatever order the source has. */
#ifndef RELEASE_TABLE_H
#define RELEASE_TABLE_H

#include <dpmix/schema.h>
#include <stddef.h>

struct table {
    size_t n_rows, capacity, n_columns;
    const char **cells;       /* n_rows x n_columns; NULL for null */
    struct table_text *texts; /* what they point to */
};

/* The columns of a source: where in a row each of them goes. */
struct column_map {
    const dpmix_schema *schema;
    const char *source; /* named in messages */
    size_t n, capacity;
    size_t *places; /* n; COLUMN_UNUSED for those that the schema has not */
};

#define COLUMN_UNUSED ((size_t)-1)

void table_open(struct table *table, size_t n_columns);
/* Wipes the texts: they are private records. */
void table_close(struct table *table);

/* A new last row, all null; NULL when memory is out. It stays where it is until the next one. */
const char **table_add_row(struct table *table);

/* A copy of n bytes with a zero behind them, which lives as long as the table; NULL when memory is out. */
const char *table_keep(struct table *table, const void *bytes, size_t n);

void column_map_open(struct column_map *map, const dpmix_schema *schema, const char *source);
void column_map_close(struct column_map *map);

/* Takes the next column's name; it need not end with a zero. The functions return 0, or -1 after a line on
 * stderr that names columns of the schema only: a file without a header has records there. */
int column_map_add(struct column_map *map, const void *name, size_t length);
/* Whether every column of the schema was there. */
int column_map_check(const struct column_map *map);

/* Zeros in the place of private bytes; no compiler leaves it out. */
void wipe(void *bytes, size_t n);

/* Whether it is UTF-8 without zeros. */
int text_is_valid(const void *bytes, size_t n);

#endif
