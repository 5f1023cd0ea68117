/* SPDX-License-Identifier: BSD-3-Clause */
#include "random_stream.h"
#include "base_alloc.h"
#include "base_fail.h"
#include "base_numbers.h"
#include "base_threads.h"

#include <assert.h>
#include <math.h>
#include <sodium.h>
#include <string.h>

static dpm_once sodium_once = DPM_ONCE_INIT;
static int sodium_status; /* written once, under sodium_once */

static void start_sodium(void)
{
    sodium_status = sodium_init();
}

int dpm_random_key(uint8_t key[DPM_KEY_SIZE])
{
    dpm_call_once(&sodium_once, start_sodium);
    if (sodium_status < 0)
        return dpm_fail(DPMIX_ERR_INTERNAL, "libsodium finds no source of random bits");
    randombytes_buf(key, DPM_KEY_SIZE);
    return DPMIX_OK;
}

static void store_number(uint8_t *bytes, uint64_t value, size_t n)
{
    for (size_t i = 0; i < n; i++)
        bytes[i] = (uint8_t)(value >> (8 * i));
}

void dpm_random_derive(uint8_t key[DPM_KEY_SIZE], const uint8_t parent[DPM_KEY_SIZE], uint64_t number)
{
    uint8_t text[8];
    store_number(text, number, sizeof text);
    crypto_generichash(key, DPM_KEY_SIZE, text, sizeof text, parent, DPM_KEY_SIZE);
}

void dpm_random_seed(uint8_t key[DPM_KEY_SIZE], uint64_t seed)
{
    static const uint8_t domain[DPM_KEY_SIZE] = "libdpmix public sampling seed";
    dpm_random_derive(key, domain, seed);
}

void dpm_stream_open(struct dpm_stream *stream, const uint8_t key[DPM_KEY_SIZE], uint32_t purpose,
                     uint64_t step, uint64_t block)
{
    uint8_t address[24] = {0};
    dpm_call_once(&sodium_once, start_sodium); /* it also picks the fastest code for the processor */
    store_number(address, purpose, 4);
    store_number(address + 4, step, 8);
    store_number(address + 12, block, 8);
    crypto_core_hchacha20(stream->key, address, key, NULL);
    memcpy(stream->nonce, address + 16, sizeof stream->nonce);
    stream->counter = 0;
    stream->used = DPM_STREAM_WORDS;
}

void dpm_stream_wipe(struct dpm_stream *stream)
{
    dpm_wipe(stream, sizeof *stream);
}

/* The next n words of the keystream, n a multiple of 8: whole ChaCha20 blocks. */
static void keystream(struct dpm_stream *stream, uint64_t *words, size_t n)
{
    unsigned char *bytes = (unsigned char *)words;
    memset(words, 0, n * sizeof *words);
    crypto_stream_chacha20_xor_ic(bytes, bytes, n * sizeof *words, stream->nonce, stream->counter,
                                  stream->key);
    stream->counter += n / 8;
}

void dpm_stream_refill(struct dpm_stream *stream)
{
    keystream(stream, stream->words, DPM_STREAM_WORDS);
    stream->used = 0;
}

void dpm_stream_fill(struct dpm_stream *stream, uint64_t *words, size_t n)
{
    assert(stream->counter == 0 && n % 8 == 0);
    keystream(stream, words, n);
}

double dpm_stream_uniform(struct dpm_stream *stream)
{
    return ((double)(dpm_stream_next(stream) >> 11) + 0.5) * 0x1p-53;
}

void dpm_stream_normals(struct dpm_stream *stream, float *out, size_t n)
{
    for (size_t i = 0; i < n; i += 2) {
        double radius = sqrt(-2 * log(dpm_stream_uniform(stream)));
        double angle = 2 * DPM_PI * dpm_stream_uniform(stream);
        out[i] = (float)(radius * cos(angle));
        if (i + 1 < n)
            out[i + 1] = (float)(radius * sin(angle));
    }
}
