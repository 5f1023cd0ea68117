/* SPDX-License-Identifier: BSD-3-Clause */
#include "sqlite_read.h"

#include "complain.h"

#include <math.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int open_map(struct column_map *map, const dpmix_schema *schema, const char *source,
                    sqlite3_stmt *statement)
{
    column_map_open(map, schema, source);
    for (int i = 0; i < sqlite3_column_count(statement); i++) {
        const char *name = sqlite3_column_name(statement, i);
        if (!name)
            return complain("%s: out of memory", source);
        if (column_map_add(map, name, strlen(name)) != 0)
            return -1;
    }
    return column_map_check(map);
}

struct reader {
    struct table *table;
    struct column_map map;
    unsigned char
        *pointed; /* of each column of the schema: it lists a number as SQLite writes a real: "1.0" */
    sqlite3_stmt *statement;
};

static int is_pointed(const dpmix_schema *schema, size_t column)
{
    for (size_t i = 0; i < dpmix_schema_values(schema, column); i++) {
        const char *text = dpmix_schema_value(schema, column, i);
        const size_t n = strlen(text);
        if (n > 2 && strcmp(text + n - 2, ".0") == 0)
            return 1;
    }
    return 0;
}

/* The digits of a whole number that is stored as a real: categories are listed as "1", and a table that a
 * program of statistics wrote has reals wherever a null was among its whole numbers. SQLite's own text has
 * ".0" behind it, and 15 digits, so that two identifiers might become one. 0 for any other number. */
static int whole_text(char text[32], double value)
{
    const double exact =
        9007199254740992.0; /* 2^53: a real may stand for several whole numbers from here on */
    if (!(fabs(value) < exact) || rint(value) != value)
        return 0;
    return snprintf(text, 32, "%lld", (long long)value);
}

/* Keeps the text of a cell that is not null. */
static int read_cell(struct reader *r, int column, const char **cell)
{
    const size_t place = r->map.places[column];
    const char *source = r->map.source, *name = dpmix_schema_name(r->map.schema, place);
    const int type = sqlite3_column_type(r->statement, column);
    char whole[32];
    int digits = 0;
    if (type == SQLITE_FLOAT && !r->pointed[place])
        digits = whole_text(whole, sqlite3_column_double(r->statement, column));
    if (type == SQLITE_FLOAT && !digits && dpmix_schema_kind(r->map.schema, place) == DPMIX_KIND_UNIT)
        return complain(
            "%s, row %zu, column '%s': a real number that is not whole, or not exact, does not say "
            "whose the row is",
            source, r->table->n_rows, name);
    const void *text = digits ? (const void *)whole : sqlite3_column_text(r->statement, column);
    const size_t n = digits ? (size_t)digits : (size_t)sqlite3_column_bytes(r->statement, column);
    if (type == SQLITE_BLOB || !text || !text_is_valid(text, n))
        return complain("%s, row %zu, column '%s': a blob, or not UTF-8", source, r->table->n_rows, name);
    *cell = table_keep(r->table, text, n);
    wipe(whole, sizeof(whole));
    return *cell ? 0 : complain("%s: out of memory", source);
}

static int read_row(struct reader *r)
{
    const char **row = table_add_row(r->table);
    if (!row)
        return complain("%s: out of memory", r->map.source);
    for (size_t i = 0; i < r->map.n; i++) {
        const size_t place = r->map.places[i];
        if (place == COLUMN_UNUSED || sqlite3_column_type(r->statement, (int)i) == SQLITE_NULL)
            continue;
        if (read_cell(r, (int)i, &row[place]) != 0)
            return -1;
    }
    return 0;
}

static int read_rows(struct table *table, const dpmix_schema *schema, const char *path,
                     sqlite3_stmt *statement)
{
    const size_t n = dpmix_schema_columns(schema);
    struct reader r = {.table = table, .statement = statement, .pointed = calloc(n + 1, 1)};
    int failed = open_map(&r.map, schema, path, statement), step = SQLITE_ROW;
    if (!failed && !r.pointed)
        failed = complain("%s: out of memory", path);
    for (size_t i = 0; !failed && i < n; i++)
        r.pointed[i] = (unsigned char)is_pointed(schema, i);
    while (!failed && (step = sqlite3_step(statement)) == SQLITE_ROW)
        failed = read_row(&r);
    if (!failed && step != SQLITE_DONE)
        failed = complain("%s: %s", path, sqlite3_errstr(step)); /* its own message might hold a value */
    column_map_close(&r.map);
    free(r.pointed);
    return failed;
}

/* All columns of the table, its name quoted as SQL wants it. */
static int prepare(sqlite3_stmt **statement, sqlite3 *database, const char *path, const char *name)
{
    char *query = sqlite3_mprintf("SELECT * FROM \"%w\"", name);
    if (!query)
        return complain("%s: out of memory", path);
    const int status = sqlite3_prepare_v2(database, query, -1, statement, NULL);
    sqlite3_free(query);
    return status == SQLITE_OK ? 0 : complain("%s, table '%s': %s", path, name, sqlite3_errmsg(database));
}

int sqlite_read(struct table *table, const dpmix_schema *schema, const char *path, const char *name)
{
    /* A view may be written by somebody else than who owns the records. */
    static const char guarded[] = "PRAGMA cell_size_check = ON; PRAGMA trusted_schema = OFF";
    sqlite3 *database = NULL;
    sqlite3_stmt *statement = NULL;
    int failed = 0;
    table_open(table, dpmix_schema_columns(schema));
    if (sqlite3_open_v2(path, &database, SQLITE_OPEN_READONLY, NULL) != SQLITE_OK)
        failed = complain("%s: %s", path, database ? sqlite3_errmsg(database) : "out of memory");
    if (!failed && sqlite3_exec(database, guarded, NULL, NULL, NULL) != SQLITE_OK)
        failed = complain("%s: %s", path, sqlite3_errmsg(database));
    if (!failed)
        failed = prepare(&statement, database, path, name);
    if (!failed)
        failed = read_rows(table, schema, path, statement);
    sqlite3_finalize(statement);
    sqlite3_close(database);
    return failed;
}
