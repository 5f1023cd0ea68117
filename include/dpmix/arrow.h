/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * Tables in the Arrow C data interface and the Arrow C stream interface: a dataset from another program's
 * columns, samples as columns for it.
 *
 * The three structs are those of the Arrow specification (arrow.apache.org/docs/format/CDataInterface.html
 * and CStreamInterface.html), whose layout is frozen. They stand behind the macros that the specification
 * names, so that this header goes together with others that define them.
 *
 * Taken in: integers of 8 to 64 bits, half, single and double floats, decimal128, bool, null, utf8, large
 * utf8, utf8 view, the three of binary, dates (32, 64), timestamps in all four units with and without zone;
 * dictionaries of them with any index width; validity bitmaps; slices with offsets, on parent and child.
 * Refused with DPMIX_ERR_FORMAT: nested and run-end encoded columns, times of day, durations, intervals,
 * other decimals.
 *
 * | kind of column              | takes                                                              |
 * |-----------------------------|--------------------------------------------------------------------|
 * | continuous, integer         | numbers, bool, text that holds a number                            |
 * | ordinal, categorical        | text; bool and whole numbers, compared as text ("true", "3"); dates |
 * | boolean                     | bool, numbers (0 is false), text (true, t, yes, y, 1 and so on)    |
 * | date                        | dates, timestamps, integers (days since 1970-01-01), text          |
 * | timestamp                   | timestamps, dates, integers (microseconds since then), text        |
 * | unit                        | text, integers, bool, dates (32), timestamps in microseconds       |
 *
 * A timestamp is a category as 2024-12-31T00:00:00, or as 2024-12-31 where it is that day's midnight and the
 * list has no such text: pandas has no other type for days.
 *
 * Timestamps are UTC, with a zone or without: a date or a category is made of the day and time in UTC, not in
 * the zone that the type names. Midnights of a zone east of Greenwich are so the day before; let the producer
 * make dates of them.
 *
 * Columns are matched by name; those that the schema does not name are not looked at. A column of the
 * schema that is missing, or there twice, is DPMIX_ERR_FORMAT.
 *
 * Cells are read where the producer keeps them and go straight to the dataset's rows; there is no copy of the
 * columns in between. Rows are row-major and columns are not, so a dataset cannot share a producer's memory.
 *
 * Structures are checked as far as the interface allows, before they are read: counts, lengths, offsets,
 * missing buffers, numbers of a dictionary. The interface does not tell how long a buffer is: that it is as
 * long as its offsets and lengths say has to be taken from the producer.
 */
#ifndef DPMIX_ARROW_H
#define DPMIX_ARROW_H

#include <dpmix/generator.h>
#include <dpmix/mixture.h>
#include <dpmix/schema.h>

#ifdef __cplusplus
extern "C" {
#endif

/** @cond the Arrow specification's own text */
#ifndef ARROW_C_DATA_INTERFACE
#define ARROW_C_DATA_INTERFACE

#define ARROW_FLAG_DICTIONARY_ORDERED 1
#define ARROW_FLAG_NULLABLE 2
#define ARROW_FLAG_MAP_KEYS_SORTED 4

struct ArrowSchema {
    const char *format;
    const char *name;
    const char *metadata;
    int64_t flags;
    int64_t n_children;
    struct ArrowSchema **children;
    struct ArrowSchema *dictionary;
    void (*release)(struct ArrowSchema *);
    void *private_data;
};

struct ArrowArray {
    int64_t length;
    int64_t null_count;
    int64_t offset;
    int64_t n_buffers;
    int64_t n_children;
    const void **buffers;
    struct ArrowArray **children;
    struct ArrowArray *dictionary;
    void (*release)(struct ArrowArray *);
    void *private_data;
};

#endif

#ifndef ARROW_C_STREAM_INTERFACE
#define ARROW_C_STREAM_INTERFACE

struct ArrowArrayStream {
    int (*get_schema)(struct ArrowArrayStream *, struct ArrowSchema *out);
    int (*get_next)(struct ArrowArrayStream *, struct ArrowArray *out);
    const char *(*get_last_error)(struct ArrowArrayStream *);
    void (*release)(struct ArrowArrayStream *);
    void *private_data;
};

#endif
/** @endcond */

/** The key of a type's metadata whose value is a schema, as JSON (dpmix_schema_load()). It stands at the type
 * of the records (the struct), beside what other programs keep there. Arrow's files and streams, Parquet and
 * Feather keep it, so that a table can carry its schema. */
#define DPMIX_ARROW_METADATA_KEY "dpmix_schema"

/** Reads the schema that the metadata of a type holds. Whoever wrote it there declared it: it has to be as
 * public, and as little looked up in the data, as any other schema.
 * @param types  read, and not released. Its columns are not looked at: those of the schema may have other
 *               types, or be missing (the unit column of samples).
 * @return DPMIX_ERR_FORMAT where there is no such key, or it is there twice, or its value is no schema. The
 * caller frees with dpmix_schema_free(). */
DPMIX_API DPMIX_CHECK int dpmix_schema_new_arrow(dpmix_schema **out, const struct ArrowSchema *types);

/** The type of the records of dpmix_mixture_stream(), with the whole schema in its metadata.
 * @param types  what it holds is overwritten; the caller, or who it hands the type to, releases it.
 * @return DPMIX_ERR_RANGE for a schema whose JSON has more than 2 GB. */
DPMIX_API DPMIX_CHECK int dpmix_schema_arrow(const dpmix_schema *schema, struct ArrowSchema *types);

/** A dataset from a stream of struct arrays (record batches). What is in memory at a time is the dataset
 * and one batch.
 * @param schema  copied.
 * @param stream  consumed: released when the call returns, also when it fails (but not where an argument is
 *                NULL).
 * @return DPMIX_ERR_FORMAT for a stream or a batch that does not fit; the message names column and row,
 * never the value. DPMIX_ERR_IO when the stream fails; DPMIX_ERR_STATE when the schema has no column beside
 * label and unit. The caller frees with dpmix_dataset_free(). */
DPMIX_API DPMIX_CHECK int dpmix_dataset_new_stream(dpmix_dataset **out, const dpmix_schema *schema,
                                                   struct ArrowArrayStream *stream);

/** A dataset from one struct array (a record batch) and its type.
 * @param array, types  both consumed, as the stream of dpmix_dataset_new_stream(); errors are the same. */
DPMIX_API DPMIX_CHECK int dpmix_dataset_new_arrow(dpmix_dataset **out, const dpmix_schema *schema,
                                                  struct ArrowArray *array, struct ArrowSchema *types);

/** Records 0, ..., n - 1 of the mixture's sequence as a stream of record batches of at most 8,192 records:
 * the rows of dpmix_mixture_sample(), decoded as by dpmix_schema_decode_text(). Types:
 * continuous float64, integer int64, ordinal and categorical a dictionary of utf8 with int32 numbers
 * (ordered where ordinal), boolean bool, date date32, timestamp timestamp in microseconds without zone. The
 * label is a column like the others, in its place; the unit column is left out. Nullable columns have
 * validity bitmaps. The type's metadata hold the whole schema: dpmix_schema_new_arrow().
 *
 * One-hot groups are decoded by DPMIX_DECODE_LARGEST from Gaussians, whose numbers are no probabilities,
 * and by DPMIX_DECODE_DRAW from the nets.
 * @param schema  that of the dataset; copied.
 * @param n       records; the stream ends after them. UINT64_MAX: it hardly ends.
 * @param seed    as for dpmix_generator_sample(); with NULL each stream is another one.
 * @param stream  what it holds is overwritten; the caller, or who it hands the stream to, releases it.
 *                The stream has a copy of the model: the mixture may be freed before it. One thread at a
 *                time may use it. A failure within it is an errno number, and a message.
 * @return DPMIX_ERR_STATE when the mixture is not fitted, or not to a dataset of such a schema;
 * DPMIX_ERR_UNSUPPORTED when the schema has a label and the model's records have none. */
DPMIX_API DPMIX_CHECK int dpmix_mixture_stream(const dpmix_mixture *mixture, struct ArrowArrayStream *stream,
                                               const dpmix_schema *schema, uint64_t n, const uint64_t *seed);

/** The same from one generator. */
DPMIX_API DPMIX_CHECK int dpmix_generator_stream(const dpmix_generator *generator,
                                                 struct ArrowArrayStream *stream, const dpmix_schema *schema,
                                                 uint64_t n, const uint64_t *seed);

#ifdef __cplusplus
}
#endif

#endif
