/* SPDX-License-Identifier: BSD-3-Clause */
#include "table.h"

#include "complain.h"

#include <stdlib.h>
#include <string.h>

enum { BLOCK_SIZE = 1 << 20, FIRST_ROWS = 1024, FIRST_COLUMNS = 16 };

/* Texts lie in blocks that never move: nothing of them stays behind in freed memory. */
struct table_text {
    struct table_text *next;
    size_t size, used;
    char bytes[];
};

void table_open(struct table *table, size_t n_columns)
{
    *table = (struct table){.n_columns = n_columns};
}

void wipe(void *bytes, size_t n)
{
    volatile unsigned char *at = bytes;
    while (n-- > 0)
        *at++ = 0;
}

void table_close(struct table *table)
{
    while (table->texts) {
        struct table_text *block = table->texts;
        table->texts = block->next;
        wipe(block->bytes, block->used);
        free(block);
    }
    free((void *)table->cells);
    *table = (struct table){0};
}

const char **table_add_row(struct table *table)
{
    if (table->n_rows == table->capacity) {
        const size_t rows = table->capacity ? 2 * table->capacity : FIRST_ROWS;
        if (rows > (size_t)-1 / sizeof(*table->cells) / table->n_columns)
            return NULL;
        const char **cells = realloc((void *)table->cells, rows * table->n_columns * sizeof(*cells));
        if (!cells)
            return NULL;
        table->cells = cells;
        table->capacity = rows;
    }
    const char **row = table->cells + table->n_rows++ * table->n_columns;
    for (size_t i = 0; i < table->n_columns; i++)
        row[i] = NULL;
    return row;
}

const char *table_keep(struct table *table, const void *bytes, size_t n)
{
    struct table_text *block = table->texts;
    if (!block || block->size - block->used <= n) {
        const size_t size = n < BLOCK_SIZE ? BLOCK_SIZE : n + 1;
        block = malloc(sizeof(*block) + size);
        if (!block)
            return NULL;
        *block = (struct table_text){.next = table->texts, .size = size};
        table->texts = block;
    }
    char *text = block->bytes + block->used;
    memcpy(text, bytes, n);
    text[n] = '\0';
    block->used += n + 1;
    return text;
}

void column_map_open(struct column_map *map, const dpmix_schema *schema, const char *source)
{
    *map = (struct column_map){.schema = schema, .source = source};
}

void column_map_close(struct column_map *map)
{
    free(map->places);
    *map = (struct column_map){0};
}

static size_t place_of(const dpmix_schema *schema, const void *name, size_t length)
{
    for (size_t i = 0; i < dpmix_schema_columns(schema); i++) {
        const char *declared = dpmix_schema_name(schema, i);
        if (strlen(declared) == length && memcmp(declared, name, length) == 0)
            return i;
    }
    return COLUMN_UNUSED;
}

static int has_place(const struct column_map *map, size_t place)
{
    for (size_t i = 0; i < map->n; i++)
        if (map->places[i] == place)
            return 1;
    return 0;
}

int column_map_add(struct column_map *map, const void *name, size_t length)
{
    const size_t place = place_of(map->schema, name, length);
    if (place != COLUMN_UNUSED && has_place(map, place))
        return complain("%s: column '%s' is there twice", map->source, dpmix_schema_name(map->schema, place));
    if (map->n == map->capacity) {
        const size_t capacity = map->capacity ? 2 * map->capacity : FIRST_COLUMNS;
        size_t *places = realloc(map->places, capacity * sizeof(*places));
        if (!places)
            return complain("out of memory");
        map->places = places;
        map->capacity = capacity;
    }
    map->places[map->n++] = place;
    return 0;
}

int column_map_check(const struct column_map *map)
{
    for (size_t i = 0; i < dpmix_schema_columns(map->schema); i++)
        if (!has_place(map, i))
            return complain("%s: column '%s' of the schema is missing; columns that are there: %zu",
                            map->source, dpmix_schema_name(map->schema, i), map->n);
    return 0;
}

/* The bytes of the character at `at`, of which there are `left`; 0 for none (Unicode 15, table 3-7). */
static size_t character_size(const unsigned char *at, size_t left)
{
    const unsigned char first = at[0];
    const size_t size = first < 0x80   ? 1
                        : first < 0xc2 ? 0
                        : first < 0xe0 ? 2
                        : first < 0xf0 ? 3
                        : first < 0xf5 ? 4
                                       : 0;
    if (first == 0 || size == 0 || size > left)
        return 0;
    for (size_t i = 1; i < size; i++)
        if ((at[i] & 0xc0) != 0x80)
            return 0;
    const int bad = (first == 0xe0 && at[1] < 0xa0) || (first == 0xed && at[1] > 0x9f) ||
                    (first == 0xf0 && at[1] < 0x90) || (first == 0xf4 && at[1] > 0x8f);
    return bad ? 0 : size;
}

int text_is_valid(const void *bytes, size_t n)
{
    const unsigned char *at = bytes, *end = at + n;
    while (at < end) {
        const size_t size = character_size(at, (size_t)(end - at));
        if (size == 0)
            return 0;
        at += size;
    }
    return 1;
}
