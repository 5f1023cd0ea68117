/* SPDX-License-Identifier: BSD-3-Clause */
#include "table_unit.h"
#include "base_alloc.h"

#include <string.h>

struct dpm_unit_entry {
    uint64_t hash;
    size_t at, length; /* of the identifier, in bytes */
    int64_t rows;      /* 0: the entry is free */
};

/* An identifier starts with the type of its cell: the text "1" is not the number 1. */
struct identifier {
    char head[1 + sizeof(int64_t)];
    size_t head_length;
    const char *text;
    size_t length;
};

void dpm_units_free(struct dpm_units *units)
{
    dpm_free_wiped(units->entries);
    dpm_free_wiped(units->bytes);
    *units = (struct dpm_units){0};
}

static struct identifier identify(const struct dpm_cell *cell)
{
    struct identifier id = {{0}, 1, NULL, 0};
    id.head[0] = (char)cell->type;
    if (cell->type == DPM_CELL_TEXT) {
        id.text = cell->text;
        id.length = cell->length;
    } else if (cell->type != DPM_CELL_NULL) {
        memcpy(id.head + 1, &cell->integer, sizeof cell->integer);
        id.head_length += sizeof cell->integer;
    }
    return id;
}

static uint64_t add_bytes(uint64_t hash, const char *bytes, size_t n)
{
    for (size_t i = 0; i < n; i++)
        hash = (hash ^ (unsigned char)bytes[i]) * UINT64_C(1099511628211);
    return hash;
}

static uint64_t hash_of(const struct identifier *id)
{
    uint64_t hash = add_bytes(UINT64_C(14695981039346656037), id->head, id->head_length);
    hash = add_bytes(hash, id->text, id->length);
    return hash ^ hash >> 32; /* the low bits choose the entry */
}

static int is_entry(const struct dpm_units *units, const struct dpm_unit_entry *entry,
                    const struct identifier *id, uint64_t hash)
{
    const char *stored = units->bytes + entry->at;
    return entry->hash == hash && entry->length == id->head_length + id->length &&
           memcmp(stored, id->head, id->head_length) == 0 &&
           (id->length == 0 || memcmp(stored + id->head_length, id->text, id->length) == 0);
}

/* The entry of the identifier, or the free one where it belongs. */
static struct dpm_unit_entry *find(const struct dpm_units *units, const struct identifier *id, uint64_t hash)
{
    size_t mask = units->n_entries - 1, at = (size_t)hash & mask;
    while (units->entries[at].rows > 0 && !is_entry(units, &units->entries[at], id, hash))
        at = (at + 1) & mask;
    return &units->entries[at];
}

static int grow_entries(struct dpm_units *units)
{
    size_t n = units->n_entries ? 2 * units->n_entries : 1024, mask = n - 1;
    struct dpm_unit_entry *entries = dpm_alloc(n, sizeof *entries);
    if (!entries)
        return DPMIX_ERR_NOMEM;
    for (size_t i = 0; i < units->n_entries; i++) {
        size_t at = (size_t)units->entries[i].hash & mask;
        if (units->entries[i].rows == 0)
            continue;
        while (entries[at].rows > 0)
            at = (at + 1) & mask;
        entries[at] = units->entries[i];
    }
    dpm_free_wiped(units->entries);
    units->entries = entries;
    units->n_entries = n;
    return DPMIX_OK;
}

static int store(struct dpm_units *units, struct dpm_unit_entry *entry, const struct identifier *id)
{
    size_t n = id->head_length + id->length;
    if (n > units->bytes_capacity - units->bytes_used) {
        size_t capacity = 2 * units->bytes_capacity + n + 4096;
        char *larger = dpm_alloc(capacity, 1);
        if (!larger)
            return DPMIX_ERR_NOMEM;
        if (units->bytes_used > 0)
            memcpy(larger, units->bytes, units->bytes_used);
        dpm_free_wiped(units->bytes);
        units->bytes = larger;
        units->bytes_capacity = capacity;
    }
    memcpy(units->bytes + units->bytes_used, id->head, id->head_length);
    if (id->length > 0)
        memcpy(units->bytes + units->bytes_used + id->head_length, id->text, id->length);
    entry->at = units->bytes_used;
    entry->length = n;
    units->bytes_used += n;
    units->used++;
    return DPMIX_OK;
}

int dpm_units_count(struct dpm_units *units, const struct dpm_cell *cell, int *take)
{
    struct identifier id = identify(cell);
    uint64_t hash = hash_of(&id);
    if (2 * units->used >= units->n_entries) {
        int status = grow_entries(units);
        if (status)
            return status;
    }
    struct dpm_unit_entry *entry = find(units, &id, hash);
    if (entry->rows == 0) {
        int status = store(units, entry, &id);
        if (status)
            return status;
        entry->hash = hash;
    }
    *take = entry->rows < units->max_rows;
    if (*take)
        entry->rows++;
    return DPMIX_OK;
}
