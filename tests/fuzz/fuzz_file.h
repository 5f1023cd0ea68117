/* SPDX-License-Identifier: BSD-3-Clause */
/* Inputs of targets as files, and files as inputs. The first byte of an input says what to make of the rest.
 */
#ifndef DPM_TESTS_FUZZ_FILE_H
#define DPM_TESTS_FUZZ_FILE_H

#include "fuzz.h"

enum {
    FUZZ_AS_IS = 0,
    FUZZ_DRESSED = 1, /* behind a header and before a checksum that fit; for arrays: gzip'd */
};

/* The path of a file of the bytes behind the first. */
const char *fuzz_file_plain(const uint8_t *bytes, size_t n);

/* The same; dressed it is a model file of this kind whose header and checksum are right. */
const char *fuzz_file_model(uint32_t kind, const uint8_t *bytes, size_t n);

/* The same; dressed it is gzip'd. */
const char *fuzz_file_gzip(const uint8_t *bytes, size_t n);

/* Gives a model file as two inputs: as it is, and its payload to be dressed. */
void fuzz_file_give(fuzz_give_fn *give, void *user, const char *path);

/* Gives a file as it is, as one input. */
void fuzz_file_give_whole(fuzz_give_fn *give, void *user, const char *path);

/* Removes what SQLite left beside a file: the next input must not find it. */
void fuzz_file_forget(const char *path);

/* Gives bytes behind a first one. */
void fuzz_file_give_bytes(fuzz_give_fn *give, void *user, uint8_t first, const uint8_t *bytes, size_t n);

#endif
