/* SPDX-License-Identifier: BSD-3-Clause */
/* Every public function with arguments that it takes: what tests of failures go through. calls.py makes the
 * functions callable from arrays of values; the table in calls.c says what good values are. */
#ifndef DPM_TESTS_CALLS_H
#define DPM_TESTS_CALLS_H

#include <dpmix/dpmix.h>

#include "tiny_arrow.h"
#include "tiny_file.h"
#include "tiny_model.h"

enum { MOST_ARGUMENTS = 14, SLOT = 16384, TABLE_ROWS = 24, TABLE_WIDTH = 7, TABLE_COLUMNS = 5 };

enum call_type {
    CALL_VOID,
    CALL_STATUS, /* as a result: 0 or DPMIX_ERR_* */
    CALL_INT,
    CALL_INT64,
    CALL_UINT64,
    CALL_SIZE,
    CALL_DOUBLE,
    CALL_FUNCTION,
    CALL_IN, /* memory that is read */
    CALL_OUT,
    CALL_HANDLE,
    CALL_CONST_HANDLE,
    CALL_NEW_HANDLE,
};

union call_value {
    int i;
    int64_t l;
    uint64_t u;
    size_t z;
    double d;
    void *p;
    const char *c;
    void (*f)(void);
};

struct call_param {
    const char *name, *declared;
    enum call_type type;
};

struct call {
    const char *name;
    enum call_type result;
    int n;
    struct call_param params[MOST_ARGUMENTS];
    union call_value (*make)(const union call_value *);
};

/* A row of the table: a function, and a word for each of its arguments:
 *
 *     number     a number
 *     _          memory for an output
 *     null       NULL
 *     word       a thing that all calls share
 *     +word      one that is made for the call, because the call changes it
 *
 * '?' behind a word: NULL is fine there. '#': so many things lie in an array, which must not be read beyond.
 */
struct row {
    const char *function, *arguments;
    int flags;
};

enum {
    ROW_QUIET = 1,    /* it allocates nothing */
    ROW_UNFITTED = 2, /* it takes models that are not fitted */
    ROW_CONSUMES = 4, /* it takes its first argument away */
    ROW_LONG = 8,     /* its work grows with numbers that may be anything */
};

extern const struct row rows[];
extern const size_t n_rows;
extern const struct call calls[];
extern const size_t n_calls;

const struct call *row_call(const struct row *row);

/* Names of functions in lib/dpmix.map that no row has, or rows that it does not know; NULL when there are
 * none. */
const char *row_missing(void);

/* What calls share, and the folder of tiny_file.h. At the end all memory must have been given back. */
void world_open(void);
void world_close(void);

/* An unfitted handle, one of another type, and an accountant that has nothing left: for wrong arguments. */
void *world_unfitted(const char *declared);
void *world_other(const char *declared);
void *world_thing(const char *word);

/* What the word behind a '+' stands for; what a handle of this declared type holds is given back; the table
 * that Arrow calls take. */
struct bench;
void *world_new(struct bench *bench, const char *word);
void world_free(const char *declared, void *handle);
void world_table(struct tiny_table *table);

/* A call that is about to be made: what its words stand for. */
struct bench {
    const struct row *row;
    const struct call *call;
    union call_value values[MOST_ARGUMENTS];
    int optional[MOST_ARGUMENTS], counts[MOST_ARGUMENTS];
    void *fresh[MOST_ARGUMENTS];
    unsigned char *slots; /* SLOT bytes for each argument */
    struct tiny_mode mode;
    struct tiny_table table;
    dpmix_dataset *interrupted;
};

void bench_open(struct bench *bench, const struct row *row);
void bench_close(struct bench *bench);

/* Makes the call, with these values or, for NULL, with those of the row; the status, or 0 where there is
 * none. What it gave in handles is given back. Its result is in *result unless that is NULL. */
int bench_call(struct bench *bench, const union call_value *values, union call_value *result);

/* Makes outputs as they were before any call. */
void bench_clear(struct bench *bench);

/* Whether outputs are as they were before the call. */
int bench_untouched(const struct bench *bench);

/* What was spent of the accountants that the row's calls can change, and how many debits there are. */
struct bench_spent {
    double epsilon;
    size_t debits;
    unsigned queries;
};

struct bench_spent bench_spent(const struct bench *bench);

#endif
