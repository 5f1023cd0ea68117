/* SPDX-License-Identifier: BSD-3-Clause */
/* IDX and NPY files, as they are and gzip'd. */
#include <dpmix/dpmix.h>

#include "fuzz.h"
#include "fuzz_file.h"

#include "load_idx.h"
#include "load_npy.h"
#include "tiny_file.h"
#include "tiny_npy.h"

/* deflate packs at most 1,032 bytes into one. What comes is held twice while it grows, and once more where
 * numbers become float64 ones; beside it are the first chunk and zlib's state. */
static size_t memory_of(size_t n)
{
    return (2 + 1 + 8) * 1032 * n + (2u << 20);
}

static void expect(int status)
{
    FUZZ_ASSERT(status == DPMIX_OK || status == DPMIX_ERR_FORMAT);
}

/* What is in a file may be no label. */
static void expect_dataset(int status, dpmix_dataset **dataset)
{
    fuzz_expect(status, (int[]){DPMIX_OK, DPMIX_ERR_FORMAT, DPMIX_ERR_RANGE}, 3);
    FUZZ_ASSERT((status == DPMIX_OK) == (*dataset != NULL));
    dpmix_dataset_free(*dataset);
    *dataset = NULL;
}

/* ---- IDX ---- */

static void run_idx(const uint8_t *bytes, size_t n)
{
    struct dpm_idx idx = {0};
    struct fuzz_memory memory = fuzz_memory_begin();
    const char *path = fuzz_file_gzip(bytes, n);
    int status = dpm_load_idx(&idx, path);
    fuzz_memory_bound(&memory, memory_of(n));
    expect(status);
    unsigned sum = 0;
    for (size_t i = 0; i < idx.items * idx.item_size; i++)
        sum += idx.bytes[i];
    FUZZ_ASSERT(sum <= 255 * idx.items * idx.item_size);
    dpm_free_wiped(idx.bytes);
    if (!status) {
        dpmix_dataset *dataset = NULL;
        expect_dataset(dpmix_dataset_new_idx(&dataset, path, NULL, 0, 0, 255), &dataset);
        expect_dataset(dpmix_dataset_new_idx(&dataset, path, path, 10, 0, 255), &dataset);
    }
    fuzz_memory_end(&memory);
}

static void give_twice(fuzz_give_fn *give, void *user, const uint8_t *bytes, size_t n)
{
    fuzz_file_give_bytes(give, user, FUZZ_AS_IS, bytes, n);
    fuzz_file_give_bytes(give, user, FUZZ_DRESSED, bytes, n);
}

static void seed_idx(fuzz_give_fn *give, void *user)
{
    static const uint8_t images[] = {0, 0, 8, 3, 0, 0, 0, 2, 0,   0,   0,   2,   0,   0,
                                     0, 3, 1, 2, 3, 4, 5, 6, 250, 251, 252, 253, 254, 255};
    static const uint8_t labels[] = {0, 0, 8, 1, 0, 0, 0, 3, 7, 0, 9};
    static const uint8_t empty[] = {0, 0, 8, 2, 0, 0, 0, 0, 0, 0, 0, 4};
    give_twice(give, user, images, sizeof images);
    give_twice(give, user, labels, sizeof labels);
    give_twice(give, user, empty, sizeof empty);
}

const struct fuzz_target fuzz_idx = {"idx", run_idx, seed_idx};

/* ---- NPY ---- */

static void run_npy(const uint8_t *bytes, size_t n)
{
    static const double lower = -1, upper = 1;
    struct dpm_npy npy = {0};
    int32_t *labels = NULL;
    size_t n_labels = 0;
    struct fuzz_memory memory = fuzz_memory_begin();
    const char *path = fuzz_file_gzip(bytes, n);
    int status = dpm_load_npy_rows(&npy, path);
    expect(status);
    if (!status) {
        FUZZ_ASSERT(npy.item_size > 0 && npy.values);
        dpm_free_wiped(npy.values);
    }
    int labelled = dpm_load_npy_labels(&labels, &n_labels, path);
    expect(labelled);
    for (size_t i = 0; i < n_labels; i++)
        FUZZ_ASSERT(labels[i] >= -1);
    dpm_free_wiped(labels);
    fuzz_memory_bound(&memory, memory_of(n));
    if (!status) {
        dpmix_dataset *dataset = NULL;
        expect_dataset(dpmix_dataset_new_npy(&dataset, path, NULL, 0, &lower, &upper, 1), &dataset);
        expect_dataset(dpmix_dataset_new_npy(&dataset, path, path, 10, &lower, &upper, 1), &dataset);
    }
    fuzz_memory_end(&memory);
}

static void seed_npy(fuzz_give_fn *give, void *user)
{
    static const char *const types[] = {"<f4", ">f8", "|u1", "|b1", "<i2", ">u4", "<i8"};
    static struct tiny_npy file;
    for (size_t t = 0; t < sizeof types / sizeof *types; t++)
        for (int fortran = 0; fortran < 2; fortran++) {
            tiny_npy_start(&file, types[t], fortran, fortran ? "2, 3" : "4,");
            for (int i = 0; i < (fortran ? 6 : 4); i++)
                tiny_npy_value(&file, types[t], i % 2);
            give_twice(give, user, file.bytes, file.n);
        }
    tiny_npy_header(&file, 2, "{'shape': (0, 2), 'fortran_order': False, 'descr': '<f8'}");
    give_twice(give, user, file.bytes, file.n);
}

const struct fuzz_target fuzz_npy = {"npy", run_npy, seed_npy};
