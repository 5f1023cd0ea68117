/* SPDX-License-Identifier: BSD-3-Clause */
#include "table_type.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { VIEW_BYTES = 16, VIEW_INLINE = 12, DECIMAL_BYTES = 16, LARGEST_FIXED = 1 << 20 };

/* ---- Format strings ---- */

static const struct {
    const char *format;
    struct dpm_arrow_type type;
} formats[] = {
    {"n", {.layout = DPM_LAYOUT_NULL, .cell = DPM_CELL_NULL}},
    {"b", {.layout = DPM_LAYOUT_BITS, .cell = DPM_CELL_BOOLEAN}},
    {"c", {.layout = DPM_LAYOUT_INTEGER, .cell = DPM_CELL_INTEGER, .bytes = 1, .is_signed = 1}},
    {"C", {.layout = DPM_LAYOUT_INTEGER, .cell = DPM_CELL_INTEGER, .bytes = 1}},
    {"s", {.layout = DPM_LAYOUT_INTEGER, .cell = DPM_CELL_INTEGER, .bytes = 2, .is_signed = 1}},
    {"S", {.layout = DPM_LAYOUT_INTEGER, .cell = DPM_CELL_INTEGER, .bytes = 2}},
    {"i", {.layout = DPM_LAYOUT_INTEGER, .cell = DPM_CELL_INTEGER, .bytes = 4, .is_signed = 1}},
    {"I", {.layout = DPM_LAYOUT_INTEGER, .cell = DPM_CELL_INTEGER, .bytes = 4}},
    {"l", {.layout = DPM_LAYOUT_INTEGER, .cell = DPM_CELL_INTEGER, .bytes = 8, .is_signed = 1}},
    {"L", {.layout = DPM_LAYOUT_INTEGER, .cell = DPM_CELL_INTEGER, .bytes = 8}},
    {"e", {.layout = DPM_LAYOUT_FLOAT, .cell = DPM_CELL_REAL, .bytes = 2}},
    {"f", {.layout = DPM_LAYOUT_FLOAT, .cell = DPM_CELL_REAL, .bytes = 4}},
    {"g", {.layout = DPM_LAYOUT_FLOAT, .cell = DPM_CELL_REAL, .bytes = 8}},
    {"u", {.layout = DPM_LAYOUT_TEXT, .cell = DPM_CELL_TEXT, .bytes = 4}},
    {"z", {.layout = DPM_LAYOUT_TEXT, .cell = DPM_CELL_TEXT, .bytes = 4}},
    {"U", {.layout = DPM_LAYOUT_TEXT, .cell = DPM_CELL_TEXT, .bytes = 8}},
    {"Z", {.layout = DPM_LAYOUT_TEXT, .cell = DPM_CELL_TEXT, .bytes = 8}},
    {"vu", {.layout = DPM_LAYOUT_VIEW, .cell = DPM_CELL_TEXT}},
    {"vz", {.layout = DPM_LAYOUT_VIEW, .cell = DPM_CELL_TEXT}},
    {"tdD",
     {.layout = DPM_LAYOUT_INTEGER,
      .cell = DPM_CELL_DATE,
      .bytes = 4,
      .is_signed = 1,
      .multiply = 1,
      .divide = 1}},
    {"tdm",
     {.layout = DPM_LAYOUT_INTEGER,
      .cell = DPM_CELL_DATE,
      .bytes = 8,
      .is_signed = 1,
      .multiply = 1,
      .divide = 86400000}},
};

/* "ts", a letter for the unit, a colon, a zone that means nothing here: timestamps are UTC or without zone.
 */
static int timestamp_of(struct dpm_arrow_type *type, const char *format)
{
    *type = (struct dpm_arrow_type){
        .layout = DPM_LAYOUT_INTEGER, .cell = DPM_CELL_TIMESTAMP, .bytes = 8, .is_signed = 1};
    type->multiply = format[2] == 's' ? 1000000 : format[2] == 'm' ? 1000 : 1;
    type->divide = format[2] == 'n' ? 1000 : 1;
    return format[2] != '\0' && strchr("smun", format[2]) && format[3] == ':';
}

/* "d:precision,scale" or with ",128" behind. */
static int decimal_of(struct dpm_arrow_type *type, const char *format)
{
    char *end = NULL;
    long precision = strtol(format + 2, &end, 10);
    if (end == format + 2 || *end != ',' || precision < 1 || precision > 38)
        return 0;
    const char *second = end + 1;
    long scale = strtol(second, &end, 10);
    if (end == second || (*end != '\0' && strcmp(end, ",128") != 0) || scale < -300 || scale > 300)
        return 0;
    *type =
        (struct dpm_arrow_type){.layout = DPM_LAYOUT_DECIMAL, .cell = DPM_CELL_REAL, .bytes = DECIMAL_BYTES};
    type->scale = pow(10, (double)scale);
    return 1;
}

static int fixed_of(struct dpm_arrow_type *type, const char *format)
{
    char *end = NULL;
    long bytes = strtol(format + 2, &end, 10);
    if (end == format + 2 || *end != '\0' || bytes < 1 || bytes > LARGEST_FIXED)
        return 0;
    *type = (struct dpm_arrow_type){.layout = DPM_LAYOUT_FIXED, .cell = DPM_CELL_TEXT, .bytes = (int)bytes};
    return 1;
}

static int plain_type_of(struct dpm_arrow_type *type, const char *format)
{
    if (!format)
        return 0;
    for (size_t i = 0; i < sizeof formats / sizeof *formats; i++)
        if (strcmp(format, formats[i].format) == 0) {
            *type = formats[i].type;
            return 1;
        }
    if (strncmp(format, "ts", 2) == 0)
        return timestamp_of(type, format);
    if (strncmp(format, "d:", 2) == 0)
        return decimal_of(type, format);
    return strncmp(format, "w:", 2) == 0 && fixed_of(type, format);
}

int dpm_arrow_type_rounds(const struct dpm_arrow_type *type)
{
    return type->multiply > 1 || type->divide > 1;
}

int dpm_arrow_type_of(struct dpm_arrow_type *type, const struct ArrowSchema *schema)
{
    struct dpm_arrow_type index;
    if (!schema->dictionary)
        return schema->n_children == 0 && plain_type_of(type, schema->format);
    if (schema->n_children != 0 || schema->dictionary->n_children != 0 || schema->dictionary->dictionary ||
        !plain_type_of(&index, schema->format) || index.cell != DPM_CELL_INTEGER ||
        !plain_type_of(type, schema->dictionary->format))
        return 0;
    type->has_dictionary = 1;
    type->index_bytes = index.bytes;
    type->index_is_signed = index.is_signed;
    return 1;
}

/* ---- Numbers in memory, aligned or not ---- */

static uint64_t load_bits(const void *buffer, int64_t at, int bytes)
{
    const unsigned char *from = (const unsigned char *)buffer + (size_t)at * (size_t)bytes;
    uint8_t bits8;
    uint16_t bits16;
    uint32_t bits32;
    uint64_t bits64;
    switch (bytes) {
    case 1: memcpy(&bits8, from, sizeof bits8); return bits8;
    case 2: memcpy(&bits16, from, sizeof bits16); return bits16;
    case 4: memcpy(&bits32, from, sizeof bits32); return bits32;
    default: memcpy(&bits64, from, sizeof bits64); return bits64;
    }
}

static int64_t load_signed(const void *buffer, int64_t at, int bytes)
{
    uint64_t bits = load_bits(buffer, at, bytes), sign = UINT64_C(1) << (8 * bytes - 1);
    return (int64_t)((bits ^ sign) - sign); /* the sign goes on to the left */
}

static double half_float(uint16_t bits)
{
    int exponent = bits >> 10 & 31, fraction = bits & 1023;
    double size = exponent == 31  ? (fraction ? (double)NAN : HUGE_VAL)
                  : exponent == 0 ? ldexp(fraction, -24)
                                  : ldexp(fraction + 1024, exponent - 25);
    return bits & 0x8000 ? -size : size;
}

static double load_float(const void *buffer, int64_t at, int bytes)
{
    uint64_t bits = load_bits(buffer, at, bytes);
    if (bytes == 2)
        return half_float((uint16_t)bits);
    if (bytes == 4) {
        uint32_t narrow = (uint32_t)bits;
        float value;
        memcpy(&value, &narrow, sizeof value);
        return (double)value;
    }
    double value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

/* ---- Checks ---- */

static int64_t buffers_of(int layout)
{
    switch (layout) {
    case DPM_LAYOUT_NULL: return 0;
    case DPM_LAYOUT_TEXT: return 3;
    default: return 2;
    }
}

static const char *check_offsets(const struct ArrowArray *array, int bytes)
{
    const void *offsets = array->buffers[1];
    int64_t first = load_signed(offsets, array->offset, bytes), last = first;
    if (first < 0)
        return "an offset is negative";
    for (int64_t i = 1; i <= array->length; i++) {
        int64_t next = load_signed(offsets, array->offset + i, bytes);
        if (next < last)
            return "offsets fall";
        last = next;
    }
    return last > first && !array->buffers[2] ? "a buffer is missing" : NULL;
}

/* Validity, views, buffers of text, and the sizes of those. */
static const char *check_views(const struct ArrowArray *array)
{
    int64_t n = array->n_buffers - 3;
    const void *sizes = array->buffers[array->n_buffers - 1];
    if (n > 0 && !sizes)
        return "a buffer is missing";
    for (int64_t i = 0; i < n; i++) {
        int64_t size = load_signed(sizes, i, 8);
        if (size < 0 || (size > 0 && !array->buffers[2 + i]))
            return "a buffer is missing";
    }
    return NULL;
}

static const char *check_layout(int layout, int bytes, const struct ArrowArray *array, int64_t needed)
{
    if (!array || !array->release)
        return "is missing or was released";
    if (array->length < needed || array->length < 0 || array->offset < 0 ||
        array->length > INT64_MAX - array->offset - 1)
        return "a length or an offset does not fit";
    if ((uint64_t)array->length > SIZE_MAX / VIEW_BYTES - 1 ||
        (uint64_t)array->offset > SIZE_MAX / VIEW_BYTES - 1 - (uint64_t)array->length)
        return "a length or an offset does not fit";
    if (array->n_children != 0 || array->null_count < -1 || array->null_count > array->length)
        return "a count does not fit";
    if (layout == DPM_LAYOUT_VIEW ? array->n_buffers < 3 || array->n_buffers > INT32_MAX
                                  : array->n_buffers != buffers_of(layout))
        return "the number of buffers does not fit";
    if (layout == DPM_LAYOUT_NULL)
        return NULL;
    if (!array->buffers)
        return "a buffer is missing";
    if (array->null_count > 0 && !array->buffers[0])
        return "it has nulls and no bitmap of them";
    if (array->length == 0)
        return NULL;
    if (!array->buffers[1])
        return "a buffer is missing";
    if (layout == DPM_LAYOUT_FIXED && (uint64_t)(array->offset + array->length) > SIZE_MAX / (size_t)bytes)
        return "a length or an offset does not fit";
    if (layout == DPM_LAYOUT_TEXT)
        return check_offsets(array, bytes);
    return layout == DPM_LAYOUT_VIEW ? check_views(array) : NULL;
}

const char *dpm_arrow_check(const struct dpm_arrow_type *type, const struct ArrowArray *array, int64_t needed)
{
    int layout = type->has_dictionary ? DPM_LAYOUT_INTEGER : type->layout;
    const char *fault = check_layout(layout, type->bytes, array, needed);
    if (fault)
        return fault;
    if (!type->has_dictionary != !array->dictionary)
        return "a dictionary is missing, or one too many";
    if (!type->has_dictionary)
        return NULL;
    if (array->dictionary->dictionary)
        return "its dictionary has one of its own";
    return check_layout(type->layout, type->bytes, array->dictionary, 0);
}

/* ---- Cells ---- */

int dpm_arrow_is_valid(const struct ArrowArray *array, int64_t at)
{
    const unsigned char *bits = array->n_buffers > 0 && array->buffers ? array->buffers[0] : NULL;
    return !bits || (bits[at / 8] >> (at % 8) & 1);
}

static const char *view_cell(struct dpm_cell *cell, const struct ArrowArray *array, int64_t at)
{
    const char *view = (const char *)array->buffers[1] + (size_t)at * VIEW_BYTES;
    int64_t length = load_signed(view, 0, 4);
    if (length < 0)
        return "a view has a negative length";
    cell->length = (size_t)length;
    cell->text = view + 4;
    if (length <= VIEW_INLINE)
        return NULL;
    int64_t number = load_signed(view, 2, 4), begin = load_signed(view, 3, 4), n = array->n_buffers - 3;
    if (number < 0 || number >= n || begin < 0)
        return "a view points outside its buffers";
    if (length > load_signed(array->buffers[array->n_buffers - 1], number, 8) - begin)
        return "a view points outside its buffers";
    cell->text = (const char *)array->buffers[2 + number] + begin;
    return NULL;
}

static void integer_cell(struct dpm_cell *cell, const struct dpm_arrow_type *type, const void *buffer,
                         int64_t at)
{
    if (!type->is_signed) {
        uint64_t value = load_bits(buffer, at, type->bytes);
        cell->integer = (int64_t)value;
        if (value > INT64_MAX) {
            cell->type = DPM_CELL_REAL;
            cell->real = (double)value;
        }
        return;
    }
    cell->integer = load_signed(buffer, at, type->bytes);
    if (type->multiply > 1) { /* beyond every bound where it does not fit */
        int64_t most = INT64_MAX / type->multiply;
        int64_t value = cell->integer > most ? most : cell->integer < -most ? -most : cell->integer;
        cell->integer = value * type->multiply;
    } else if (type->divide > 1) {
        cell->integer = cell->integer / type->divide - (cell->integer % type->divide < 0);
    }
}

static void decimal_cell(struct dpm_cell *cell, const struct dpm_arrow_type *type, const void *buffer,
                         int64_t at)
{
    const uint16_t one = 1;
    uint8_t little; /* whether this machine has low bytes, and so the low half, first */
    memcpy(&little, &one, 1);
    uint64_t low = load_bits(buffer, 2 * at + !little, 8);
    int64_t high = load_signed(buffer, 2 * at + little, 8);
    double value = (double)high * 0x1p64 + (double)low;
    if ((high == 0 && low <= INT64_MAX) || (high == -1 && low > INT64_MAX)) {
        /* Whole numbers keep all digits, codes of 18 for example; and small negative ones must not cancel. */
        int64_t units = (int64_t)low,
                one_whole = type->scale >= 1 && type->scale <= 1e18 ? (int64_t)type->scale : 0;
        if (one_whole > 0 && units % one_whole == 0) {
            cell->type = DPM_CELL_INTEGER;
            cell->integer = units / one_whole;
            return;
        }
        value = (double)units;
    }
    cell->real = value / type->scale;
}

static void text_cell(struct dpm_cell *cell, const struct dpm_arrow_type *type,
                      const struct ArrowArray *array, int64_t at)
{
    int64_t begin = load_signed(array->buffers[1], at, type->bytes);
    int64_t end = load_signed(array->buffers[1], at + 1, type->bytes);
    cell->length = (size_t)(end - begin);
    cell->text = end > begin ? (const char *)array->buffers[2] + begin : "";
}

static const char *plain_cell(struct dpm_cell *cell, const struct dpm_arrow_type *type,
                              const struct ArrowArray *array, int64_t at)
{
    *cell = (struct dpm_cell){.type = DPM_CELL_NULL};
    if (type->layout == DPM_LAYOUT_NULL || !dpm_arrow_is_valid(array, at))
        return NULL;
    const void *buffer = array->buffers[1];
    cell->type = type->cell;
    switch (type->layout) {
    case DPM_LAYOUT_BITS:
        cell->integer = ((const unsigned char *)buffer)[at / 8] >> (at % 8) & 1;
        return NULL;
    case DPM_LAYOUT_INTEGER: integer_cell(cell, type, buffer, at); return NULL;
    case DPM_LAYOUT_FLOAT: cell->real = load_float(buffer, at, type->bytes); return NULL;
    case DPM_LAYOUT_DECIMAL: decimal_cell(cell, type, buffer, at); return NULL;
    case DPM_LAYOUT_TEXT: text_cell(cell, type, array, at); return NULL;
    case DPM_LAYOUT_VIEW: return view_cell(cell, array, at);
    default:
        cell->text = (const char *)buffer + (size_t)at * (size_t)type->bytes;
        cell->length = (size_t)type->bytes;
        return NULL;
    }
}

const char *dpm_arrow_cell(struct dpm_cell *cell, const struct dpm_arrow_type *type,
                           const struct ArrowArray *array, int64_t at)
{
    at += array->offset;
    if (!type->has_dictionary)
        return plain_cell(cell, type, array, at);
    *cell = (struct dpm_cell){.type = DPM_CELL_NULL};
    if (!dpm_arrow_is_valid(array, at))
        return NULL;
    uint64_t number = type->index_is_signed ? (uint64_t)load_signed(array->buffers[1], at, type->index_bytes)
                                            : load_bits(array->buffers[1], at, type->index_bytes);
    if (number >= (uint64_t)array->dictionary->length)
        return "a number is outside the dictionary";
    return plain_cell(cell, type, array->dictionary, (int64_t)number + array->dictionary->offset);
}
