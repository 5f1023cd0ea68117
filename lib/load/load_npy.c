/* SPDX-License-Identifier: BSD-3-Clause */
/* The format is NumPy's, as its enhancement proposal 1 describes it: magic, version, length of the header,
 * the header, which is a Python dictionary in words, then the values and nothing else. The header is taken
 * apart by a parser that knows this one dictionary and no other Python. */
#include "load_npy.h"

#include "base_alloc.h"
#include "base_bounds.h"
#include "base_fail.h"
#include "load_reader.h"

#include <assert.h>
#include <string.h>

enum {
    MAX_DIMENSIONS = 32, /* NumPy's own limit, for long */
    MAX_HEADER = 65535,  /* what version 1.0 can hold; the header of an array of numbers is about 100 bytes */
    MAX_WORD = 16,       /* longer than every word of the header */
};

struct header {
    char kind; /* 'b': truth value, 'i' and 'u': integer, 'f': floating point */
    int big_endian;
    size_t value_size; /* bytes */
    int fortran;       /* the first dimension runs fastest */
    size_t n_dimensions;
    size_t shape[MAX_DIMENSIONS];
    int too_large; /* one of them is more than size_t holds */
};

/* ---- The dictionary ---- */

struct text {
    const uint8_t *at, *end;
};

/* The next byte that is not white space; it stays. 0 at the end, and 0 is nowhere allowed. */
static int next_byte(struct text *text)
{
    while (text->at < text->end && (*text->at == ' ' || (*text->at >= '\t' && *text->at <= '\r')))
        text->at++;
    return text->at < text->end ? *text->at : 0;
}

static int take(struct text *text, char wanted)
{
    int found = next_byte(text) == wanted;
    text->at += found;
    return found;
}

/* A string in either kind of quotes, without escapes. */
static int take_string(struct text *text, char word[MAX_WORD])
{
    int quote = next_byte(text);
    size_t n = 0;
    if (quote != '\'' && quote != '"')
        return 0;
    for (text->at++; text->at < text->end && *text->at != quote; text->at++) {
        if (n == MAX_WORD - 1 || *text->at < ' ' || *text->at > '~' || *text->at == '\\')
            return 0;
        word[n++] = (char)*text->at;
    }
    word[n] = 0;
    int closed = text->at < text->end;
    text->at += closed;
    return closed;
}

/* A whole number as Python writes it: digits, and no zero before others. */
static int take_size(struct text *text, uint64_t *size)
{
    next_byte(text);
    const uint8_t *first = text->at;
    *size = 0;
    for (; text->at < text->end && *text->at >= '0' && *text->at <= '9'; text->at++) {
        uint64_t digit = (uint64_t)(*text->at - '0');
        if (*size > (UINT64_MAX - digit) / 10)
            return 0;
        *size = *size * 10 + digit;
    }
    return text->at > first && (*first != '0' || text->at == first + 1);
}

/* A tuple: "(3, 4)", "(3,)" or "()". */
static int take_shape(struct text *text, struct header *header)
{
    int comma = 1;
    uint64_t size;
    header->n_dimensions = 0;
    if (!take(text, '('))
        return 0;
    while (!take(text, ')')) {
        if (!comma || header->n_dimensions == MAX_DIMENSIONS || !take_size(text, &size))
            return 0;
        size_t *dimension = &header->shape[header->n_dimensions++];
        *dimension = (size_t)size;
        header->too_large |= *dimension != size;
        comma = take(text, ',');
    }
    return comma || header->n_dimensions > 1; /* "(3)" is a number */
}

static int take_truth(struct text *text, int *truth)
{
    static const char *const words[] = {"False", "True"};
    next_byte(text);
    for (int i = 0; i < 2; i++) {
        size_t n = strlen(words[i]);
        if ((size_t)(text->end - text->at) >= n && memcmp(text->at, words[i], n) == 0) {
            text->at += n;
            *truth = i;
            return 1;
        }
    }
    return 0;
}

/* Like "<f8" or "|u1". NULL, or what is wrong. */
static const char *read_type(const char *descr, struct header *header)
{
    static const char *const known[] = {"b1", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f4", "f8"};
    const char *type = descr + (*descr != 0);
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (strcmp(type, known[i]) == 0) {
            header->kind = type[0];
            header->value_size = (size_t)(type[1] - '0');
            header->big_endian = *descr == '>';
            if (*descr == '<' || *descr == '>' || (*descr == '|' && header->value_size == 1))
                return NULL;
        }
    return "its elements are not integers, truth values, float32 or float64";
}

/* The dictionary with its three entries, in any order. NULL, or what is wrong. */
static const char *parse(struct text text, struct header *header)
{
    static const char *const malformed = "its header is malformed";
    static const char *const keys[] = {"descr", "fortran_order", "shape"};
    char word[MAX_WORD] = {0};
    int seen[3] = {0}, comma = 1;
    const char *wrong = NULL;
    if (!take(&text, '{'))
        return malformed;
    while (!take(&text, '}')) {
        size_t key = 0;
        if (!comma || !take_string(&text, word) || !take(&text, ':'))
            return malformed;
        while (key < 3 && strcmp(word, keys[key]) != 0)
            key++;
        if (key == 3 || seen[key]++)
            return malformed;
        if (key == 0 && next_byte(&text) == '[')
            return "its elements are records, not numbers";
        if (key == 0 ? !take_string(&text, word)
                     : (key == 1 ? !take_truth(&text, &header->fortran) : !take_shape(&text, header)))
            return malformed;
        if (key == 0)
            wrong = read_type(word, header);
        comma = take(&text, ',');
    }
    next_byte(&text);
    if (text.at < text.end || !seen[0] || !seen[1] || !seen[2])
        return malformed;
    return wrong;
}

/* ---- The file ---- */

/* What stands before the dictionary, and the dictionary. */
static int read_header(struct dpm_reader *reader, struct header *header)
{
    static const uint8_t magic[] = {0x93, 'N', 'U', 'M', 'P', 'Y'};
    uint8_t start[sizeof magic + 2], size[4] = {0}, *bytes = NULL;
    int err = dpm_reader_need(reader, start, sizeof start);
    if (err)
        return err;
    if (memcmp(start, magic, sizeof magic) != 0)
        return dpm_reader_fail(reader, DPMIX_ERR_FORMAT, "not an NPY file");
    int major = start[sizeof magic], minor = start[sizeof magic + 1];
    if (major < 1 || major > 3 || minor != 0)
        return dpm_reader_fail(reader, DPMIX_ERR_FORMAT, "its version of NPY is not 1.0, 2.0 or 3.0");
    err = dpm_reader_need(reader, size, major == 1 ? 2 : 4);
    if (err)
        return err;
    size_t length = size[0] | (size_t)size[1] << 8 | (size_t)size[2] << 16 | (size_t)size[3] << 24;
    if (length > MAX_HEADER)
        return dpm_reader_fail(reader, DPMIX_ERR_FORMAT, "its header is too long");
    err = dpm_reader_bytes(reader, &bytes, length);
    if (!err) {
        const char *wrong = parse((struct text){bytes, bytes + length}, header);
        if (wrong)
            err = dpm_reader_fail(reader, DPMIX_ERR_FORMAT, wrong);
    }
    dpm_free_wiped(bytes);
    return err;
}

/* The sizes of *npy and *total = items * item_size * value_size. */
static int read_shape(const struct dpm_reader *reader, const struct header *header, struct dpm_npy *npy,
                      size_t *total)
{
    if (header->n_dimensions == 0)
        return dpm_reader_fail(reader, DPMIX_ERR_FORMAT, "it is one number and not an array");
    if (header->too_large)
        return dpm_reader_fail(reader, DPMIX_ERR_FORMAT, "its dimensions are too large");
    npy->items = header->shape[0];
    npy->item_size = 1;
    for (size_t i = 1; i < header->n_dimensions; i++) {
        if (header->shape[i] == 0)
            return dpm_reader_fail(reader, DPMIX_ERR_FORMAT, "its items are empty");
        if (!dpm_size_mul(&npy->item_size, npy->item_size, header->shape[i]))
            return dpm_reader_fail(reader, DPMIX_ERR_FORMAT, "its dimensions are too large");
    }
    if (header->n_dimensions == 3 && header->shape[1] == header->shape[2])
        npy->side = header->shape[1];
    /* Eight bytes a value, which are what it may become: then no later product overflows. */
    if (!dpm_size_mul(total, npy->items, npy->item_size) || *total > SIZE_MAX / sizeof(double))
        return dpm_reader_fail(reader, DPMIX_ERR_FORMAT, "its dimensions are too large");
    *total *= header->value_size;
    return DPMIX_OK;
}

/* Header and values, as they are in the file. The caller frees npy->values also after a failure. */
static int read_file(struct dpm_npy *npy, struct header *header, const char *path)
{
    struct dpm_reader reader;
    uint8_t *bytes = NULL;
    size_t total = 0;
    int err = dpm_reader_open(&reader, path);
    if (!err)
        err = read_header(&reader, header);
    if (!err)
        err = read_shape(&reader, header, npy, &total);
    if (!err)
        err = dpm_reader_bytes(&reader, &bytes, total);
    if (!err)
        err = dpm_reader_need_end(&reader);
    npy->values = bytes;
    dpm_reader_close(&reader);
    return err;
}

/* ---- The values ---- */

static uint64_t bits_at(const uint8_t *at, const struct header *header)
{
    uint64_t bits = 0;
    size_t n = header->value_size;
    for (size_t i = 0; i < n; i++)
        bits |= (uint64_t)at[header->big_endian ? n - 1 - i : i] << (8 * i);
    return bits;
}

static int64_t integer_at(const uint8_t *at, const struct header *header)
{
    assert(header->value_size > 0);
    uint64_t bits = bits_at(at, header), sign = UINT64_C(1) << (8 * header->value_size - 1);
    int64_t below = (int64_t)(bits & (sign - 1));
    return bits & sign ? below - (int64_t)(sign - 1) - 1 : below; /* two's complement, within int64_t */
}

static double value_at(const uint8_t *at, const struct header *header)
{
    uint64_t bits = bits_at(at, header);
    switch (header->kind) {
    case 'b': return bits != 0;
    case 'u': return (double)bits;
    case 'i': return (double)integer_at(at, header);
    default: break;
    }
    float narrow;
    double wide;
    uint32_t narrow_bits = (uint32_t)bits;
    memcpy(&narrow, &narrow_bits, sizeof narrow);
    memcpy(&wide, &bits, sizeof wide);
    return header->value_size == sizeof narrow ? (double)narrow : wide;
}

static void store(void *values, int type, size_t i, double value)
{
    switch (type) {
    case DPM_TYPE_U8: ((uint8_t *)values)[i] = (uint8_t)value; break;
    case DPM_TYPE_F32: ((float *)values)[i] = (float)value; break;
    default: ((double *)values)[i] = value; break;
    }
}

/* The smallest type that holds every value. */
static int type_of(const struct header *header)
{
    if (header->kind == 'b' || (header->kind == 'u' && header->value_size == 1))
        return DPM_TYPE_U8;
    return header->value_size <= (header->kind == 'f' ? 4 : 2) ? DPM_TYPE_F32 : DPM_TYPE_F64;
}

/* Where the value of item 0 and this column is in Fortran's order; the other items follow it. */
static size_t fortran_column(const struct header *header, size_t column)
{
    size_t at = 0, stride[MAX_DIMENSIONS] = {1};
    for (size_t d = 1; d < header->n_dimensions; d++)
        stride[d] = stride[d - 1] * header->shape[d - 1];
    for (size_t d = header->n_dimensions - 1; d > 0; d--) {
        at += column % header->shape[d] * stride[d];
        column /= header->shape[d];
    }
    return at;
}

static void convert(void *values, const struct dpm_npy *npy, const struct header *header)
{
    const uint8_t *from = npy->values;
    size_t columns = header->fortran ? npy->item_size : 1; /* C's order is kept: one run of all values */
    size_t n = header->fortran ? npy->items : npy->items * npy->item_size;
    for (size_t column = 0; column < columns; column++) {
        const uint8_t *at =
            from + (header->fortran ? fortran_column(header, column) : 0) * header->value_size;
        for (size_t i = 0; i < n; i++)
            store(values, npy->type, i * columns + column, value_at(at + i * header->value_size, header));
    }
}

/* The bytes of the file are the values. */
static int is_native(const struct header *header)
{
    const uint16_t one = 1;
    uint8_t first;
    memcpy(&first, &one, 1);
    int same_bytes = header->value_size == 1 || header->big_endian == !first;
    int same_type = header->kind == 'f' || (header->kind == 'u' && header->value_size == 1);
    return same_bytes && same_type && !(header->fortran && header->n_dimensions > 1);
}

int dpm_load_npy_rows(struct dpm_npy *out, const char *path)
{
    assert(out && path);
    struct header header = {0};
    struct dpm_npy npy = {0};
    int err = read_file(&npy, &header, path);
    npy.type = type_of(&header);
    if (!err && !is_native(&header)) {
        void *values = dpm_alloc(npy.items * npy.item_size, dpm_type_size(npy.type));
        if (values)
            convert(values, &npy, &header);
        else
            err = DPMIX_ERR_NOMEM;
        dpm_free_wiped(npy.values);
        npy.values = values;
    }
    if (err)
        dpm_free_wiped(npy.values);
    else
        *out = npy;
    return err;
}

static int32_t label_at(const uint8_t *at, const struct header *header)
{
    if (header->kind == 'b')
        return bits_at(at, header) != 0;
    if (header->kind == 'u') {
        uint64_t bits = bits_at(at, header);
        return bits <= INT32_MAX ? (int32_t)bits : -1;
    }
    int64_t value = integer_at(at, header);
    return value >= 0 && value <= INT32_MAX ? (int32_t)value : -1;
}

int dpm_load_npy_labels(int32_t **labels, size_t *n, const char *path)
{
    assert(labels && n && path);
    struct header header = {0};
    struct dpm_npy npy = {0};
    int32_t *made = NULL;
    int err = read_file(&npy, &header, path);
    if (!err && (header.n_dimensions != 1 || header.kind == 'f'))
        err = dpm_fail(DPMIX_ERR_FORMAT, "labels_path: not an array of one dimension of integers");
    if (!err) {
        made = dpm_alloc(npy.items, sizeof *made);
        err = made ? DPMIX_OK : DPMIX_ERR_NOMEM;
    }
    if (!err) {
        for (size_t i = 0; i < npy.items; i++)
            made[i] = label_at((const uint8_t *)npy.values + i * header.value_size, &header);
        *labels = made;
        *n = npy.items;
    }
    dpm_free_wiped(npy.values);
    return err;
}
