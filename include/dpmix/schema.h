/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * Tables: what is declared of the columns, and the way from typed cells to a dataset and from samples back.
 *
 * A schema is declared, never read from private data: a bound or a list of categories that was looked up in
 * the data would tell about them outside the guarantee. What comes out of decoding obeys the schema by
 * construction: bounds, whole numbers, categories, and nulls only where they are allowed.
 *
 * Encoding. A dataset made with a schema has rows of float32 in [0, 1], with declared bounds 0 and 1:
 * - continuous: (x - lower) / (upper - lower), or the same of the logarithms.
 * - integer, ordinal, date, timestamp: (i + 1/2) / n for the i-th of n values, so that equal parts of [0,
 *   1] decode to the values. Ranges of fewer than 2^24 values come back exactly; of more (timestamps, most
 *   often), to within 2^-24 of the range: float32 is what learners see.
 * - categorical, boolean: a one-hot group (dpmix_dataset_set_groups()) of a place per value, then "other",
 *   then null, where the column has them.
 * - a nullable number takes two places more, the one-hot group (present, null); its own place is 1/2 when
 *   null.
 * - the label becomes the label of the dataset: the number of the value, then "other", then null.
 * - the unit column is not encoded.
 *
 * Out of schema. A value outside the bounds, not in the list, not a number, or null where that is not
 * allowed is silently replaced by the column's rule, while the dataset is being built:
 * - DPMIX_OUTSIDE_CLAMP: the nearest bound. What is no number at all, or null, becomes the lower bound, the
 *   first of the values, or false.
 * - DPMIX_OUTSIDE_OTHER: "other"; for categorical columns that declare it.
 * - DPMIX_OUTSIDE_NULL: null; for nullable columns.
 * NaN counts as null. A fraction in an integer column is rounded, ties to even. Text is compared byte by
 * byte.
 *
 * Persons with several records: declare the unit column. Then at most max_rows records of a unit enter the
 * dataset (its first ones, in the order they come; all null identifiers are one unit). The guarantee for a
 * unit that is there or not (add/remove, zero-out) is that for groups of max_rows records; for one unit in
 * place of another (replace-one) that for groups of 2 max_rows: dpmix_accountant_spent_group(). For one record
 * of a unit that has more it is that for groups of 2, since another one enters in its place. Without the column
 * the guarantee is per record.
 *
 * A schema that is not const needs to be had alone.
 */
#ifndef DPMIX_SCHEMA_H
#define DPMIX_SCHEMA_H

#include <dpmix/dataset.h>
#include <dpmix/status.h>

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/** What is declared of a table's columns. */
typedef struct dpmix_schema dpmix_schema;

#define DPMIX_KIND_CONTINUOUS 1  /**< Real numbers. */
#define DPMIX_KIND_INTEGER 2     /**< Whole numbers. */
#define DPMIX_KIND_ORDINAL 3     /**< Texts in an order. */
#define DPMIX_KIND_CATEGORICAL 4 /**< Texts without one. */
#define DPMIX_KIND_BOOLEAN 5   /**< True and false. */
#define DPMIX_KIND_DATE 6      /**< Days. */
#define DPMIX_KIND_TIMESTAMP 7 /**< Microseconds, UTC. */
#define DPMIX_KIND_UNIT 8      /**< Who the record is of; not modelled. */

#define DPMIX_SCHEMA_NULLABLE 1 /**< Null is a value of the column. */
#define DPMIX_SCHEMA_LOG 2      /**< Continuous: on a logarithmic scale; the lower bound is above 0. */

#define DPMIX_OUTSIDE_CLAMP 1 /**< The nearest bound. */
#define DPMIX_OUTSIDE_OTHER 2 /**< The text "other" of the column. */
#define DPMIX_OUTSIDE_NULL 3  /**< Null. */

#define DPMIX_DATE_MIN (-719162)                        /**< 0001-01-01 */
#define DPMIX_DATE_MAX 2932896                          /**< 9999-12-31 */
#define DPMIX_TIMESTAMP_MIN (-INT64_C(62135596800000000)) /**< 0001-01-01T00:00:00 */
#define DPMIX_TIMESTAMP_MAX INT64_C(253402300799999999)   /**< 9999-12-31T23:59:59.999999 */

/** A schema without columns. The caller frees with dpmix_schema_free(). */
DPMIX_API DPMIX_CHECK int dpmix_schema_new(dpmix_schema **out);
/** Gives the handle back. NULL is fine. */
DPMIX_API void dpmix_schema_free(dpmix_schema *schema);

/** Adds a column; columns are numbered from 0 in the order in which they are added.
 * @param name          1 to 1,024 bytes of UTF-8 without control characters; each once.
 * @param lower, upper  lower < upper, finite, and so is upper - lower.
 * @param flags         0, or a sum of DPMIX_SCHEMA_*.
 * @param outside       DPMIX_OUTSIDE_*.
 * @return DPMIX_ERR_RANGE also when there would be more than 65,536 columns, or an encoded row had more
 * than 1,000,000 places; DPMIX_ERR_STATE when the name is taken. */
DPMIX_API DPMIX_CHECK int dpmix_schema_add_continuous(dpmix_schema *schema, const char *name, double lower,
                                                      double upper, int flags, int outside);

/** @param lower, upper  lower <= upper, both are values. Else as dpmix_schema_add_continuous(). */
DPMIX_API DPMIX_CHECK int dpmix_schema_add_integer(dpmix_schema *schema, const char *name, int64_t lower,
                                                   int64_t upper, int flags, int outside);

/** @param values  1 to 1,000,000 different texts of UTF-8, the lowest first; copied.
 * Else as dpmix_schema_add_continuous(). */
DPMIX_API DPMIX_CHECK int dpmix_schema_add_ordinal(dpmix_schema *schema, const char *name,
                                                   const char *const *values, size_t n_values, int flags,
                                                   int outside);

/** @param other  the text that stands for what is not in the list, itself not in it; NULL: there is none.
 * Else as dpmix_schema_add_ordinal(). */
DPMIX_API DPMIX_CHECK int dpmix_schema_add_categorical(dpmix_schema *schema, const char *name,
                                                       const char *const *values, size_t n_values,
                                                       const char *other, int flags, int outside);

/** Adds a column of true and false. Arguments and errors as for dpmix_schema_add_continuous(). */
DPMIX_API DPMIX_CHECK int dpmix_schema_add_boolean(dpmix_schema *schema, const char *name, int flags,
                                                   int outside);

/** @param lower, upper  days since 1970-01-01, in [DPMIX_DATE_MIN, DPMIX_DATE_MAX]; both are values. */
DPMIX_API DPMIX_CHECK int dpmix_schema_add_date(dpmix_schema *schema, const char *name, int64_t lower,
                                                int64_t upper, int flags, int outside);

/** @param lower, upper  microseconds since 1970-01-01T00:00:00 UTC, in [DPMIX_TIMESTAMP_MIN,
 * DPMIX_TIMESTAMP_MAX]; both are values. */
DPMIX_API DPMIX_CHECK int dpmix_schema_add_timestamp(dpmix_schema *schema, const char *name, int64_t lower,
                                                     int64_t upper, int flags, int outside);

/** Adds the column that says whose record it is: a person, a household, a device. Identifiers are texts,
 * integers, truth values, dates in days or times in microseconds; columns of other types (floating point,
 * decimals, times in other units) are refused, since two identifiers could become one.
 * @param max_rows  at least 1: so many records of a unit enter a dataset.
 * @return DPMIX_ERR_STATE when there is one already. */
DPMIX_API DPMIX_CHECK int dpmix_schema_add_unit(dpmix_schema *schema, const char *name, int64_t max_rows);

/** Makes a column the label: categorical, ordinal or boolean.
 * @return DPMIX_ERR_STATE when another one is. */
DPMIX_API DPMIX_CHECK int dpmix_schema_set_label(dpmix_schema *schema, size_t column);

/** Reads a schema from a file of JSON:
 *
 *     {"dpmix_schema": 1,
 *      "columns": [
 *        {"name": "age", "kind": "integer", "lower": 17, "upper": 90},
 *        {"name": "income", "kind": "continuous", "lower": 1, "upper": 1e6, "scale": "log", "nullable": true,
 *         "outside": "null"},
 *        {"name": "school", "kind": "ordinal", "values": ["none", "primary", "secondary"]},
 *        {"name": "job", "kind": "categorical", "values": ["clerk", "nurse"], "other": "another",
 *         "outside": "other"},
 *        {"name": "member", "kind": "boolean"},
 *        {"name": "born", "kind": "date", "lower": "1900-01-01", "upper": "2024-12-31"},
 *        {"name": "seen", "kind": "timestamp", "lower": "2020-01-01T00:00:00",
 *         "upper": "2024-12-31T23:59:59"},
 *        {"name": "patient", "kind": "unit", "max_rows": 5}],
 *      "label": "job"}
 *
 * "nullable" is false, "outside" is "clamp" and "scale" is "linear" where they are not there, and "label"
 * may be missing. Nothing else may: a key that is not known, or there twice, a bound of the wrong kind is
 * DPMIX_ERR_FORMAT, and the message says in which column. A mark of UTF-8 (EF BB BF) may stand
 * at the beginning.
 * @return DPMIX_ERR_IO when the file cannot be read. */
DPMIX_API DPMIX_CHECK int dpmix_schema_load(dpmix_schema **out, const char *path);

/** The same from a text in memory. */
DPMIX_API DPMIX_CHECK int dpmix_schema_new_json(dpmix_schema **out, const char *json);

/** Writes a schema to a file, whole or not at all. */
DPMIX_API DPMIX_CHECK int dpmix_schema_save(const dpmix_schema *schema, const char *path);

/** The same as a text. Arguments as for dpmix_accountant_json(). */
DPMIX_API DPMIX_CHECK int dpmix_schema_json(const dpmix_schema *schema, char *text, size_t capacity,
                                            size_t *length);

/** What was declared. Texts belong to the schema and live until it is freed. A column that is not there, or
 * of another kind, has 0, NULL or DPMIX_ERR_RANGE. */
DPMIX_API size_t dpmix_schema_columns(const dpmix_schema *schema);
/** The name of a column. */
DPMIX_API const char *dpmix_schema_name(const dpmix_schema *schema, size_t column);
/** DPMIX_KIND_* of a column. */
DPMIX_API int dpmix_schema_kind(const dpmix_schema *schema, size_t column);
/** The sum of a column's DPMIX_SCHEMA_*. */
DPMIX_API int dpmix_schema_flags(const dpmix_schema *schema, size_t column);
/** DPMIX_OUTSIDE_* of a column. */
DPMIX_API int dpmix_schema_outside(const dpmix_schema *schema, size_t column);
/** Bounds of a continuous column. */
DPMIX_API DPMIX_CHECK int dpmix_schema_range(const dpmix_schema *schema, size_t column, double *lower,
                                             double *upper);
/** Bounds of an integer, date or timestamp column; of the unit column 1 and max_rows. */
DPMIX_API DPMIX_CHECK int dpmix_schema_range_int(const dpmix_schema *schema, size_t column, int64_t *lower,
                                                 int64_t *upper);
/** The number of declared values of an ordinal, categorical or boolean column, without "other". */
DPMIX_API size_t dpmix_schema_values(const dpmix_schema *schema, size_t column);
/** One of these values, counted from 0. */
DPMIX_API const char *dpmix_schema_value(const dpmix_schema *schema, size_t column, size_t value);
/** The text that stands for what is not in the list; NULL where there is none. */
DPMIX_API const char *dpmix_schema_other(const dpmix_schema *schema, size_t column);
/** The number of the label column; -1 without one. */
DPMIX_API int64_t dpmix_schema_label(const dpmix_schema *schema);
/** The number of the unit column; -1 without one. */
DPMIX_API int64_t dpmix_schema_unit(const dpmix_schema *schema);

/** The encoding: places of a row. */
DPMIX_API size_t dpmix_schema_width(const dpmix_schema *schema);
/** The encoding: classes of the label, 0 without one. */
DPMIX_API int dpmix_schema_classes(const dpmix_schema *schema);
/** The encoding: where a column's places begin and how many they are (0 for label and unit). */
DPMIX_API DPMIX_CHECK int dpmix_schema_places(const dpmix_schema *schema, size_t column, size_t *first,
                                              size_t *n);
/** The encoding: the groups of all places, as for dpmix_dataset_set_groups(). */
DPMIX_API DPMIX_CHECK int dpmix_schema_groups(const dpmix_schema *schema, int32_t *groups, size_t n_places);

/** A dataset from cells of text, as a reader of CSV files has them. The dataset's groups are set.
 *
 * Numbers have a decimal point whatever the locale; dates are YYYY-MM-DD, timestamps such with
 * Thh:mm:ss.ffffff (the fraction, or the time, may be missing; a blank for T, Z or an offset +hh:mm are
 * fine; in a column of dates it is the day that is written, whatever the offset); booleans are true, t, yes,
 * y, 1 and false, f, no, n, 0 in any case. There blanks around a value do not count, and an empty text is
 * null. Ordinal and categorical columns and the unit take the text as it is.
 * @param schema     may be freed afterwards.
 * @param cells      n_rows x n_columns texts, NULL for null, in the order of the schema.
 * @param n_columns  those of the schema, all of them.
 * @return DPMIX_ERR_STATE when the schema has no column beside label and unit. Rows that the unit column
 * drops are not counted or told. The caller frees with dpmix_dataset_free(). */
DPMIX_API DPMIX_CHECK int dpmix_dataset_new_text(dpmix_dataset **out, const dpmix_schema *schema,
                                                 const char *const *cells, size_t n_rows, size_t n_columns);

/** Encodes cells as dpmix_dataset_new_text() does, for the caller: dpmix_clusterer_assign() takes such rows.
 * The unit column is not looked at.
 * @param[out] rows    n_rows x dpmix_schema_width() numbers; NULL when they are not wanted.
 * @param[out] labels  n_rows classes; NULL when they are not wanted. */
DPMIX_API DPMIX_CHECK int dpmix_schema_encode_text(const dpmix_schema *schema, float *rows, int32_t *labels,
                                                   const char *const *cells, size_t n_rows, size_t n_columns);

#define DPMIX_DECODE_DRAW 1    /**< A category is drawn in proportion to its group's numbers: they are
                                    probabilities (means of a VAE or RBM). */
#define DPMIX_DECODE_LARGEST 2 /**< It is the one with the largest number, the first of equal ones. */

/** Gets one decoded record.
 * @param record  its number.
 * @param cells   n_columns texts in the order of the schema, NULL for null; the unit's is NULL. They live
 *                until the call returns.
 * @return 0, or anything else to stop. */
typedef int (*dpmix_record_fn)(void *user, uint64_t record, const char *const *cells, size_t n_columns);

/** Decodes samples to text. Numbers have as many digits as their place in float32 is worth; dates and
 * timestamps are ISO 8601; booleans are "true" and "false".
 *
 * A group that is exactly one-hot decodes to its hot place. Another one decodes by `categories`, numbers
 * outside [0, 1] being clamped first; when no number is above 0, DPMIX_DECODE_DRAW draws evenly and
 * DPMIX_DECODE_LARGEST takes the first. A drawn record is a function of its row, its label, *seed and its
 * number.
 * @param rows        n x n_places numbers, as dpmix_mixture_sample() gives them.
 * @param labels      n classes; NULL when the schema has no label.
 * @param first       the number of the first record.
 * @param n_places    dpmix_schema_width().
 * @param categories  DPMIX_DECODE_*.
 * @param seed        for draws; NULL: fresh random bits.
 * @return DPMIX_ERR_RANGE for a label that is not one, DPMIX_ERR_CANCELLED when `each` said so. */
DPMIX_API DPMIX_CHECK int dpmix_schema_decode_text(const dpmix_schema *schema, const float *rows,
                                                   const int32_t *labels, uint64_t first, size_t n,
                                                   size_t n_places, int categories, const uint64_t *seed,
                                                   dpmix_record_fn each, void *user);

#ifdef __cplusplus
}
#endif

#endif
