/* SPDX-License-Identifier: BSD-3-Clause */
#include "csv_read.h"

#include "complain.h"

#include <csv.h>
#include <errno.h>
#include <string.h>
#include <zlib.h>

enum { PIECE_SIZE = 1 << 16 };

struct reader {
    const char *path;
    struct table *table;
    struct column_map map;
    struct csv_parser parser;
    unsigned long long line;  /* that is being read, from 1 */
    unsigned long long begun; /* the line where the record begins */
    size_t field;             /* fields of the record so far */
    int in_header;
    const char **row;
    int failed;
};

static void fail_at(struct reader *r, const char *what)
{
    r->failed = complain("%s, line %llu, field %zu: %s", r->path, r->line, r->field + 1, what);
}

static void take_header(struct reader *r, const void *name, size_t n)
{
    if (column_map_add(&r->map, name ? name : "", n) != 0)
        r->failed = -1;
}

static void take_cell(struct reader *r, const void *bytes, size_t n)
{
    if (r->field >= r->map.n) {
        fail_at(r, "more fields than the header has");
        return;
    }
    if (r->field == 0)
        r->row = table_add_row(r->table);
    const size_t place = r->map.places[r->field];
    if (!r->row)
        r->failed = complain("%s: out of memory", r->path);
    else if (bytes && !text_is_valid(bytes, n))
        fail_at(r, "not UTF-8, or a zero byte");
    else if (bytes && place != COLUMN_UNUSED && !(r->row[place] = table_keep(r->table, bytes, n)))
        r->failed = complain("%s: out of memory", r->path);
}

static void on_field(void *bytes, size_t n, void *user)
{
    struct reader *r = user;
    if (r->failed)
        return;
    if (r->in_header)
        take_header(r, bytes, n);
    else
        take_cell(r, bytes, n);
    r->field++;
}

static void on_record(int end, void *user)
{
    struct reader *r = user;
    (void)end;
    if (r->failed)
        return;
    if (r->in_header)
        r->failed = column_map_check(&r->map);
    else if (r->field < r->map.n)
        r->failed = complain("%s, line %llu: fewer fields than the header has", r->path, r->begun);
    r->in_header = 0;
    r->field = 0;
    r->begun = r->line + 1;
}

/* Blanks belong to a field. */
static int no_blank(unsigned char byte)
{
    (void)byte;
    return 0;
}

static int parser_failed(struct reader *r)
{
    if (csv_error(&r->parser) == CSV_EPARSE)
        fail_at(r, "a quote where none may be");
    else
        r->failed = complain("%s: %s", r->path, csv_strerror(csv_error(&r->parser)));
    return r->failed;
}

/* At most a line at a time goes to the parser, so that its calls know where they are. */
static int read_piece(struct reader *r, const char *piece, size_t n)
{
    while (n > 0 && !r->failed) {
        const char *end = memchr(piece, '\n', n);
        const size_t length = end ? (size_t)(end - piece) + 1 : n;
        if (csv_parse(&r->parser, piece, length, on_field, on_record, r) != length)
            return r->failed ? r->failed : parser_failed(r);
        r->line += end != NULL;
        piece += length;
        n -= length;
    }
    return r->failed;
}

static int read_all(struct reader *r, gzFile file)
{
    char piece[PIECE_SIZE];
    int first = 1, got = gzread(file, piece, sizeof(piece));
    for (; got > 0 && !r->failed; got = gzread(file, piece, sizeof(piece))) {
        const size_t mark = first && got >= 3 && memcmp(piece, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;
        read_piece(r, piece + mark, (size_t)got - mark);
        first = 0;
    }
    wipe(piece, sizeof(piece));
    if (!r->failed && got < 0) {
        int code;
        const char *message = gzerror(file, &code);
        r->failed = complain("%s: %s", r->path, code == Z_ERRNO ? strerror(errno) : message);
    }
    if (!r->failed && csv_fini(&r->parser, on_field, on_record, r) != 0)
        r->failed = complain("%s, line %llu: the record that begins there has a quote that is not closed",
                             r->path, r->begun);
    if (!r->failed && r->in_header)
        r->failed = complain("%s: no header, the file is empty", r->path);
    return r->failed;
}

int csv_read(struct table *table, const dpmix_schema *schema, const char *path)
{
    struct reader r = {.path = path, .table = table, .line = 1, .begun = 1, .in_header = 1};
    table_open(table, dpmix_schema_columns(schema));
    gzFile file = gzopen(path, "rb");
    if (!file)
        return complain("%s: %s", path, errno ? strerror(errno) : "out of memory");
    const unsigned char options = CSV_STRICT | CSV_STRICT_FINI | CSV_EMPTY_IS_NULL;
    if (csv_init(&r.parser, options) != 0) {
        gzclose(file);
        return complain("%s: out of memory", path);
    }
    csv_set_space_func(&r.parser, no_blank);
    column_map_open(&r.map, schema, path);
    read_all(&r, file);
    wipe(r.parser.entry_buf, r.parser.entry_buf ? r.parser.entry_size : 0);
    csv_free(&r.parser);
    column_map_close(&r.map);
    if (gzclose(file) != Z_OK && !r.failed)
        r.failed = complain("%s: the gzip file is cut off", path);
    return r.failed;
}
