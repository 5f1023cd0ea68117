/* SPDX-License-Identifier: BSD-3-Clause */
/* Arrow types and arrays that are made of the input: counts, lengths, offsets, flags and missing pointers as
 * it says. Buffers are as long as lengths and offsets say, to the byte, since the interface does not tell how
 * long one is: a length that no buffer can have is one that must be refused. */
#include <dpmix/dpmix.h>

#include "fuzz.h"
#include "fuzz_table.h"

#include "tiny_arrow.h"

enum {
    MOST_CELLS = 64,
    NAME_SIZE = 16,
    MEMORY = FUZZ_TABLE_COLUMNS * 4 * (TINY_ARROW_BUFFERS + 4), /* pieces */
    LAYOUT_TEXT = -1,
    LAYOUT_VIEW = -2,
};

/* What the tree is made of; all of it is freed at the end. */
struct garden {
    struct fuzz_source source;
    void *pieces[MEMORY];
    size_t n_pieces;
};

static void *piece(struct garden *garden, size_t n)
{
    void *memory = calloc(n ? n : 1, 1);
    FUZZ_ASSERT(memory && garden->n_pieces < MEMORY);
    garden->pieces[garden->n_pieces++] = memory;
    return memory;
}

static void fill(struct garden *garden, uint8_t *bytes, size_t n)
{
    for (size_t i = 0; i < n; i++)
        bytes[i] = fuzz_byte(&garden->source);
}

/* Formats, and bits of a cell; texts have offsets of 32 or 64 bits. */
static const struct {
    const char *format;
    int bits;
} formats[] = {
    {"n", 0},
    {"b", 1},
    {"c", 8},
    {"C", 8},
    {"s", 16},
    {"S", 16},
    {"i", 32},
    {"I", 32},
    {"l", 64},
    {"L", 64},
    {"e", 16},
    {"f", 32},
    {"g", 64},
    {"tdD", 32},
    {"tdm", 64},
    {"tss:", 64},
    {"tsn:UTC", 64},
    {"d:10,2", 128},
    {"w:3", 24},
    {"u", LAYOUT_TEXT},
    {"U", LAYOUT_TEXT},
    {"z", LAYOUT_TEXT},
    {"vu", LAYOUT_VIEW},
};
enum { N_FORMATS = sizeof formats / sizeof *formats };

/* Sizes are small and right for the most part; else ones that nothing has. */
static int64_t strange(struct garden *garden, int64_t usual)
{
    uint8_t byte = fuzz_byte(&garden->source);
    switch (byte) {
    case 250: return -1;
    case 251: return INT64_MIN;
    case 252: return INT64_MAX;
    case 253: return INT64_MAX - 1;
    case 254: return INT64_MAX / 2;
    case 255: return usual + 1;
    default: return usual;
    }
}

static int64_t small(struct garden *garden)
{
    return fuzz_byte(&garden->source) % MOST_CELLS;
}

static size_t cells_of(const struct ArrowArray *array)
{
    int64_t length = array->length, offset = array->offset;
    int backed = length >= 0 && length <= 2 * MOST_CELLS && offset >= 0 && offset <= 2 * MOST_CELLS;
    return backed ? (size_t)(length + offset) : 0;
}

/* Offsets that rise for the most part, and the bytes up to the largest. */
static void grow_text(struct garden *garden, const void **buffers, size_t cells, int wide)
{
    uint8_t *offsets = piece(garden, (cells + 1) * (wide ? 8 : 4));
    int64_t at = small(garden), most = at, least = wide ? INT64_MIN : INT32_MIN;
    for (size_t i = 0; i <= cells; i++) {
        int32_t narrow = (int32_t)at;
        if (wide)
            memcpy(offsets + 8 * i, &at, 8);
        else
            memcpy(offsets + 4 * i, &narrow, 4);
        most = at > most ? at : most;
        uint8_t byte = fuzz_byte(&garden->source);
        at = byte == 255 ? least : byte == 254 && at > least ? at - 1 : at + byte % 24;
    }
    uint8_t *text = piece(garden, (size_t)most);
    fill(garden, text, (size_t)most);
    buffers[1] = offsets;
    buffers[2] = most > 0 ? text : NULL;
}

/* One or no buffer of text, and its size behind it. */
static void grow_views(struct garden *garden, const void **buffers, size_t cells, int64_t *n_buffers)
{
    uint8_t *views = piece(garden, 16 * cells);
    size_t n_texts = fuzz_byte(&garden->source) % 2, n_text = (size_t)small(garden);
    int64_t *size = piece(garden, sizeof *size);
    fill(garden, views, 16 * cells);
    buffers[1] = views;
    *size = strange(garden, (int64_t)n_text) < 0 ? -1 : (int64_t)n_text;
    if (n_texts > 0) {
        uint8_t *text = piece(garden, n_text);
        fill(garden, text, n_text);
        buffers[2] = text;
    }
    buffers[2 + n_texts] = n_texts > 0 ? size : NULL;
    *n_buffers = 3 + (int64_t)n_texts;
}

/* Format, and buffers that fit the length. */
static void grow_column(struct garden *garden, struct ArrowSchema *type, struct ArrowArray *array,
                        const void **buffers)
{
    size_t which = fuzz_byte(&garden->source), cells = cells_of(array);
    int bits = 0;
    if (which < 240) {
        type->format = formats[which % N_FORMATS].format;
        bits = formats[which % N_FORMATS].bits;
    } else { /* any text: of a type that has no buffers here */
        uint8_t *format = piece(garden, NAME_SIZE);
        fill(garden, format, NAME_SIZE - 1);
        if (strchr("wd", format[0]) || strchr("bcCsSiIlLefguUzZvt", format[0]))
            format[0] = '?';
        type->format = (char *)format;
    }
    array->n_buffers = bits == 0 ? 0 : 2;
    if (fuzz_byte(&garden->source) % 4 == 0) {
        uint8_t *valid = piece(garden, (cells + 7) / 8);
        fill(garden, valid, (cells + 7) / 8);
        buffers[0] = valid;
    }
    if (bits > 0) {
        uint8_t *values = piece(garden, (cells * (size_t)bits + 7) / 8);
        fill(garden, values, (cells * (size_t)bits + 7) / 8);
        buffers[1] = values;
    } else if (bits == LAYOUT_TEXT) {
        grow_text(garden, buffers, cells, *type->format == 'U');
        array->n_buffers = 3;
    } else if (bits == LAYOUT_VIEW) {
        grow_views(garden, buffers, cells, &array->n_buffers);
    }
    array->buffers = buffers;
}

/* Pointers and counts that are not there. */
static void prune(struct garden *garden, struct ArrowSchema *type, struct ArrowArray *array,
                  const void **buffers)
{
    switch (fuzz_byte(&garden->source)) {
    case 240: array->release = NULL; break;
    case 241: type->release = NULL; break;
    case 242: array->buffers = NULL; break;
    case 243: buffers[1] = NULL; break;
    case 244: buffers[2] = NULL; break;
    case 245: array->n_buffers--; break;
    case 246: array->n_buffers = -1; break;
    case 247: array->n_children = 1; break;
    case 248: type->n_children = 1; break;
    case 249: type->format = NULL; break;
    case 250: type->name = NULL; break;
    case 251: array->n_buffers = INT64_MAX; break;
    case 252: array->dictionary = array; break;
    case 253: type->dictionary = type; break;
    default: break;
    }
}

static void grow_dictionary(struct garden *garden, struct tiny_column *column)
{
    column->dictionary_type = (struct ArrowSchema){.release = tiny_release_type};
    column->dictionary = (struct ArrowArray){.length = small(garden), .release = tiny_release_array};
    column->dictionary.offset = strange(garden, small(garden) / 16);
    grow_column(garden, &column->dictionary_type, &column->dictionary, column->dictionary_buffers);
    if (column->dictionary.n_buffers > 3) /* a view with a text: there are three places here */
        column->dictionary.n_buffers = 0;
    prune(garden, &column->dictionary_type, &column->dictionary, column->dictionary_buffers);
    column->type.dictionary = &column->dictionary_type;
    column->array.dictionary = &column->dictionary;
}

static const char *const names[] = {"age",  "income", "school",  "job",    "member",
                                    "born", "seen",   "patient", "another"};

static void grow_child(struct garden *garden, struct tiny_table *table, size_t number)
{
    uint8_t name = fuzz_byte(&garden->source);
    struct tiny_column *column =
        tiny_table_add(table, names[name == 0 || name > 9 ? number : name - 1u], NULL, NULL, NULL, NULL);
    int64_t needed = table->array.length + table->array.offset, more = small(garden) / 16;
    column->array.length = strange(garden, needed >= 0 && needed <= MOST_CELLS ? needed + more : more);
    column->array.offset = strange(garden, small(garden) / 16);
    column->array.null_count = strange(garden, -1);
    memset(column->buffers, 0, sizeof column->buffers);
    grow_column(garden, &column->type, &column->array, column->buffers);
    if (fuzz_byte(&garden->source) % 4 == 1)
        grow_dictionary(garden, column);
    prune(garden, &column->type, &column->array, column->buffers);
}

/* The root: as a rule all columns of the schema, in its order. */
static void grow_table(struct garden *garden, struct tiny_table *table)
{
    tiny_table_begin(table, small(garden) / 2);
    table->array.offset = fuzz_byte(&garden->source) % 16 == 1 ? small(garden) / 2 : 0;
    for (size_t i = 0; i < FUZZ_TABLE_COLUMNS; i++)
        grow_child(garden, table, i);
    if (fuzz_byte(&garden->source) % 8 == 1) {
        size_t n = (size_t)(table->array.length + table->array.offset + 7) / 8;
        uint8_t *valid = piece(garden, n);
        fill(garden, valid, n);
        table->buffers[0] = valid;
    }
    table->array.length = strange(garden, table->array.length);
    if (table->array.length == INT64_MAX / 2 || cells_of(&table->array) > MOST_CELLS)
        table->array.length = 0; /* longer than its children, which is refused before it is read */
    table->array.null_count = strange(garden, 0);
    switch (fuzz_byte(&garden->source)) {
    case 240: table->type.format = "i"; break;
    case 241: table->type.n_children--; break;
    case 242: table->array.n_children--; break;
    case 243: table->array.children = NULL; break;
    case 244: table->type.children = NULL; break;
    case 245: table->arrays[3] = NULL; break;
    case 246: table->types[3] = NULL; break;
    case 247: table->array.n_buffers = 0; break;
    case 248: table->array.buffers = NULL; break;
    case 249: table->type.n_children = -1; break;
    case 250: table->type.dictionary = &table->type; break;
    case 251: table->type.format = NULL; break;
    default: break;
    }
}

static void run_arrow(const uint8_t *bytes, size_t n)
{
    static struct tiny_table table;
    struct garden garden = {.source = {bytes, bytes + n}};
    const dpmix_schema *schema = fuzz_table_schema();
    dpmix_dataset *dataset = NULL;
    uint8_t how = fuzz_byte(&garden.source);
    grow_table(&garden, &table);
    struct fuzz_memory memory = fuzz_memory_begin();
    int status;
    if (how % 4 == 0) {
        table.fail_types = how == 128 ? 5 : 0;
        table.fail_next = how == 132 ? 12 : 0;
        status = dpmix_dataset_new_stream(&dataset, schema, tiny_table_stream(&table, how / 4 % 4));
        FUZZ_ASSERT(tiny_released_streams == 1);
    } else {
        status = dpmix_dataset_new_arrow(&dataset, schema, &table.array, &table.type);
        FUZZ_ASSERT(!table.array.release && !table.type.release);
    }
    fuzz_memory_bound(&memory,
                      4 * 3 * MOST_CELLS * (dpmix_schema_width(schema) + 64) * sizeof(float) + 65536);
    FUZZ_ASSERT(status == DPMIX_OK || status == DPMIX_ERR_FORMAT ||
                (how % 4 == 0 && (status == DPMIX_ERR_IO || status == DPMIX_ERR_NOMEM)));
    FUZZ_ASSERT((status == DPMIX_OK) == (dataset != NULL));
    dpmix_dataset_free(dataset);
    fuzz_memory_end(&memory);
    for (size_t i = 0; i < garden.n_pieces; i++)
        free(garden.pieces[i]);
}

/* Bytes that make a table whose columns go with the schema; how its cells are filled does not matter. */
static void seed_arrow(fuzz_give_fn *give, void *user)
{
    static const uint8_t layout[FUZZ_TABLE_COLUMNS] = {6, 12, 19, 20, 1, 13, 16, 8};
    for (int stream = 0; stream < 2; stream++) {
        uint8_t input[4096] = {stream ? 4 : 1, 6, 0};
        size_t n = 3;
        for (size_t i = 0; i < FUZZ_TABLE_COLUMNS; i++) {
            const uint8_t child[] = {0, 0, 0, 0, 0, 0, layout[i], 0};
            size_t cells = 3, bits = formats[layout[i]].bits > 0 ? (size_t)formats[layout[i]].bits : 0;
            memcpy(input + n, child, sizeof child);
            n += sizeof child + 1 + (cells * bits + 7) / 8; /* validity of a byte; cells of zeros */
            n += bits == 0 ? 1 + cells + 1 : 0;             /* the first offset, what each adds */
            n += 2;                                         /* no dictionary, nothing pruned */
        }
        give(user, input, n + 8);
    }
}

const struct fuzz_target fuzz_arrow = {"arrow", run_arrow, seed_arrow};
