/* SPDX-License-Identifier: BSD-3-Clause */
#include "sqlite_read.h"

#include "complain.h"

#include <sqlite3.h>
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

static int read_row(struct table *table, const struct column_map *map, sqlite3_stmt *statement)
{
    const char **row = table_add_row(table);
    if (!row)
        return complain("%s: out of memory", map->source);
    for (size_t i = 0; i < map->n; i++) {
        const int type = sqlite3_column_type(statement, (int)i);
        const size_t place = map->places[i];
        if (place == COLUMN_UNUSED || type == SQLITE_NULL)
            continue;
        const unsigned char *text = sqlite3_column_text(statement, (int)i);
        const size_t n = (size_t)sqlite3_column_bytes(statement, (int)i);
        if (type == SQLITE_BLOB || !text || !text_is_valid(text, n))
            return complain("%s, row %zu, column '%s': a blob, or not UTF-8", map->source, table->n_rows,
                            dpmix_schema_name(map->schema, place));
        row[place] = table_keep(table, text, n);
        if (!row[place])
            return complain("%s: out of memory", map->source);
    }
    return 0;
}

static int read_rows(struct table *table, const dpmix_schema *schema, const char *path,
                     sqlite3_stmt *statement)
{
    struct column_map map;
    int failed = open_map(&map, schema, path, statement), step = SQLITE_ROW;
    while (!failed && (step = sqlite3_step(statement)) == SQLITE_ROW)
        failed = read_row(table, &map, statement);
    if (!failed && step != SQLITE_DONE)
        failed = complain("%s: %s", path, sqlite3_errstr(step)); /* its own message might hold a value */
    column_map_close(&map);
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
