/* SPDX-License-Identifier: BSD-3-Clause */
/* One cell of a table: as a source has it, as the schema has it, as places of an encoded row. */
#ifndef DPM_TABLE_CELL_H
#define DPM_TABLE_CELL_H

#include "table_schema.h"

/* What a source has. */
enum {
    DPM_CELL_NULL = 0,
    DPM_CELL_BOOLEAN = 1, /* integer: 0 or 1 */
    DPM_CELL_INTEGER = 2,
    DPM_CELL_REAL = 3,
    DPM_CELL_TEXT = 4,
    DPM_CELL_DATE = 5,      /* integer: days */
    DPM_CELL_TIMESTAMP = 6, /* integer: microseconds */
};

struct dpm_cell {
    int type;
    int64_t integer; /* of a real 0, or the bits of the unsigned whole number beyond INT64_MAX that it stands
                        for */
    double real;
    const char *text; /* length bytes, no NUL */
    size_t length;
};

/* A value that obeys its column: one of the fields, by the kind. */
struct dpm_datum {
    int null;
    double real;     /* continuous */
    int64_t integer; /* integer, date, timestamp */
    size_t category; /* ordinal, categorical, boolean */
};

/* The types of cells, as bits (1 << DPM_CELL_...), that a kind of column takes. */
unsigned dpm_cell_types(int kind);

/* By the column's rule where the cell is out of the schema. */
struct dpm_datum dpm_cell_datum(const struct dpm_column *column, const struct dpm_cell *cell);

/* Writes the column's places; and the class of a label. */
void dpm_datum_encode(const struct dpm_column *column, const struct dpm_datum *datum, float *row);
int32_t dpm_datum_class(const struct dpm_column *label, const struct dpm_datum *datum);

/* ---- The way back ---- */

/* Where draws for the groups of one record come from: opened when the first is needed. */
struct dpm_draws;

/* Of the places in row; draws NULL: the largest number decides. */
struct dpm_datum dpm_datum_decode(const struct dpm_column *column, const float *row, struct dpm_draws *draws);
struct dpm_datum dpm_datum_of_class(const struct dpm_column *label, int32_t class_number);

enum { DPM_CELL_TEXT_SIZE = 48 };

/* The text of a value that is not null; `work` is where it is written when it is not one of the schema's. */
const char *dpm_datum_text(const struct dpm_column *column, const struct dpm_datum *datum,
                           char work[DPM_CELL_TEXT_SIZE]);

#endif
