/* SPDX-License-Identifier: BSD-3-Clause */
#include "fuzz_file.h"

#include "tiny_file.h"

#include <zlib.h>

static const uint8_t *rest_of(const uint8_t *bytes, size_t n, size_t *n_rest)
{
    *n_rest = n > 0 ? n - 1 : 0;
    return n > 0 ? bytes + 1 : bytes;
}

static int is_dressed(const uint8_t *bytes, size_t n)
{
    return n > 0 && bytes[0] % 2 == FUZZ_DRESSED;
}

const char *fuzz_file_plain(const uint8_t *bytes, size_t n)
{
    size_t n_rest;
    const uint8_t *rest = rest_of(bytes, n, &n_rest);
    tiny_write(tiny_path("damaged"), rest, n_rest);
    return tiny_path("damaged");
}

const char *fuzz_file_model(uint32_t kind, const uint8_t *bytes, size_t n)
{
    static const uint8_t magic[] = {'d', 'p', 'm', 'i', 'x', '\r', '\n', 26, 1};
    size_t n_rest, whole;
    const uint8_t *rest = rest_of(bytes, n, &n_rest);
    if (!is_dressed(bytes, n))
        return fuzz_file_plain(bytes, n);
    whole = TINY_HEADER + n_rest + TINY_CHECKSUM;
    uint8_t *file = calloc(whole, 1);
    FUZZ_ASSERT(file);
    memcpy(file, magic, sizeof magic); /* and the first byte of the version; the length comes with the seal */
    tiny_store(file + 12, kind, 4);
    if (n_rest > 0)
        memcpy(file + TINY_HEADER, rest, n_rest);
    tiny_seal(file, whole);
    tiny_write(tiny_path("damaged"), file, whole);
    free(file);
    return tiny_path("damaged");
}

const char *fuzz_file_gzip(const uint8_t *bytes, size_t n)
{
    size_t n_rest;
    const uint8_t *rest = rest_of(bytes, n, &n_rest);
    if (!is_dressed(bytes, n))
        return fuzz_file_plain(bytes, n);
    gzFile file = gzopen(tiny_path("damaged"), "wb1");
    FUZZ_ASSERT(file && gzwrite(file, rest, (unsigned)n_rest) == (int)n_rest && gzclose(file) == Z_OK);
    return tiny_path("damaged");
}

void fuzz_file_give_bytes(fuzz_give_fn *give, void *user, uint8_t first, const uint8_t *bytes, size_t n)
{
    uint8_t *input = malloc(n + 1);
    FUZZ_ASSERT(input);
    input[0] = first;
    if (n > 0)
        memcpy(input + 1, bytes, n);
    give(user, input, n + 1);
    free(input);
}

void fuzz_file_give(fuzz_give_fn *give, void *user, const char *path)
{
    struct tiny_bytes file = tiny_read(path);
    fuzz_file_give_bytes(give, user, FUZZ_AS_IS, file.bytes, file.n);
    fuzz_file_give_bytes(give, user, FUZZ_DRESSED, file.bytes + TINY_HEADER,
                         file.n - TINY_HEADER - TINY_CHECKSUM);
    free(file.bytes);
}

void fuzz_file_give_whole(fuzz_give_fn *give, void *user, const char *path)
{
    struct tiny_bytes file = tiny_read(path);
    fuzz_file_give_bytes(give, user, FUZZ_AS_IS, file.bytes, file.n);
    free(file.bytes);
}

void fuzz_file_forget(const char *path)
{
    static const char *const suffixes[] = {"-journal", "-wal", "-shm"};
    for (size_t i = 0; i < sizeof suffixes / sizeof *suffixes; i++) {
        char name[128];
        snprintf(name, sizeof name, "%s%s", path, suffixes[i]);
        unlink(name);
    }
}
