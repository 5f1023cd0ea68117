/* SPDX-License-Identifier: BSD-3-Clause */
/* The files that dpmix-release reads tables from: CSV, plain and gzip'd, and SQLite. What was read becomes a
 * data set. */
#include <dpmix/dpmix.h>

#include "fuzz.h"
#include "fuzz_file.h"
#include "fuzz_table.h"

#include "complain.h"
#include "csv_read.h"
#include "sqlite_read.h"
#include "tiny_file.h"

#include <sqlite3.h>
#include <stdarg.h>

static int complaints;

/* The readers' own prints: a line for each input that is refused. */
int complain(const char *format, ...)
{
    char line[8192];
    va_list values;
    va_start(values, format);
    FUZZ_ASSERT(vsnprintf(line, sizeof line, format, values) > 0);
    va_end(values);
    complaints++;
    return -1;
}

/* Every cell is null or a text; `failed` as the reader said it, who has complained then, once. */
static void use_table(const struct table *table, const dpmix_schema *schema, int failed)
{
    size_t columns = dpmix_schema_columns(schema);
    dpmix_dataset *dataset = NULL;
    FUZZ_ASSERT(failed ? failed == -1 && complaints == 1 : complaints == 0);
    FUZZ_ASSERT(table->n_columns == columns);
    if (failed)
        return;
    for (size_t i = 0; i < table->n_rows * columns; i++)
        FUZZ_ASSERT(!table->cells[i] || text_is_valid(table->cells[i], strlen(table->cells[i])));
    int status = dpmix_dataset_new_text(&dataset, schema, table->cells, table->n_rows, columns);
    FUZZ_ASSERT(status == DPMIX_OK || status == DPMIX_ERR_FORMAT);
    dpmix_dataset_free(dataset);
}

/* ---- CSV ---- */

static void run_csv(const uint8_t *bytes, size_t n)
{
    struct table table;
    const dpmix_schema *schema = fuzz_table_schema();
    struct fuzz_memory memory = fuzz_memory_begin();
    const char *path = fuzz_file_gzip(bytes, n);
    complaints = 0;
    int failed = csv_read(&table, schema, path);
    use_table(&table, schema, failed);
    table_close(&table);
    fuzz_memory_end(&memory);
}

static void seed_csv(fuzz_give_fn *give, void *user)
{
    static const char *const files[] = {
        FUZZ_TABLE_HEADER "\n"
                          "17,1e3,primary,nurse,true,1999-12-31,2021-05-06T07:08:09,p1\n"
                          "90,-inf,none,\"an \"\"elf\"\"\",no,1900-02-28,,p2\n",
        "\xef\xbb\xbfpatient,\"seen\",born,member,job,school,income,age,notes\r\n"
        "p1,2021-05-06 07:08:09.123456+01:30,2024-02-29,1,\"cl\r\nerk\",secondary,,,\"n\xc3\xbcrse, "
        "or\"\r\n\r\n"
        "\"\",,1999-12-31,,,none,0x12,99999999999999999999,\r\n",
        FUZZ_TABLE_HEADER,
    };
    for (size_t i = 0; i < sizeof files / sizeof *files; i++)
        for (uint8_t first = FUZZ_AS_IS; first <= FUZZ_DRESSED; first++)
            fuzz_file_give_bytes(give, user, first, (const uint8_t *)files[i], strlen(files[i]));
}

const struct fuzz_target fuzz_csv = {"csv", run_csv, seed_csv};

/* ---- SQLite ---- */

static void run_sqlite(const uint8_t *bytes, size_t n)
{
    struct table table;
    const dpmix_schema *schema = fuzz_table_schema();
    struct fuzz_memory memory = fuzz_memory_begin();
    const char *path = fuzz_file_plain(bytes, n);
    complaints = 0;
    int failed = sqlite_read(&table, schema, path, "records");
    use_table(&table, schema, failed);
    table_close(&table);
    fuzz_file_forget(path);
    fuzz_memory_end(&memory);
}

static void execute(sqlite3 *database, const char *sql)
{
    FUZZ_ASSERT(sqlite3_exec(database, sql, NULL, NULL, NULL) == SQLITE_OK);
}

/* A table and a view of it, with cells of every type that SQLite has. */
static void seed_sqlite(fuzz_give_fn *give, void *user)
{
    for (int view = 0; view < 2; view++) {
        sqlite3 *database = NULL;
        unlink(tiny_path("a"));
        FUZZ_ASSERT(sqlite3_open(tiny_path("a"), &database) == SQLITE_OK);
        execute(database, "PRAGMA page_size = 512");
        execute(database, view ? "CREATE TABLE kept(" FUZZ_TABLE_HEADER ", notes)"
                               : "CREATE TABLE records(" FUZZ_TABLE_HEADER ", notes)");
        if (view)
            execute(database,
                    "CREATE VIEW records AS SELECT patient, seen, born, member, job, school, income,"
                    " age + 1 AS age FROM kept WHERE age IS NOT NULL");
        execute(database, view ? "INSERT INTO kept VALUES (17, 1e3, 'primary', 'nurse', 1, '1999-12-31',"
                                 " '2021-05-06T07:08:09', 'p1', NULL)"
                               : "INSERT INTO records VALUES (17, 1e3, 'primary', 'n\xc3\xbcrse', 'true',"
                                 " '1999-12-31', NULL, 7, x'00ff'), (NULL, -9e999, 'none', '', 0,"
                                 " '1900-02-28', '2021-05-06 07:08:09', 'p2', zeroblob(600))");
        FUZZ_ASSERT(sqlite3_close(database) == SQLITE_OK);
        fuzz_file_give_whole(give, user, tiny_path("a"));
    }
    unlink(tiny_path("a"));
}

const struct fuzz_target fuzz_sqlite = {"sqlite", run_sqlite, seed_sqlite};
