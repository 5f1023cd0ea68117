/* SPDX-License-Identifier: BSD-3-Clause */
/* Streams of random bits: ChaCha20 keystreams, one for each (key, purpose, step, block).
 *
 * Key schedule: HChaCha20(key, first 16 bytes of the address) is the key of the stream, the last 8 bytes of
 * the address its nonce; the address is purpose (4 bytes), step (8), block (8) and 4 zero bytes,
 * little-endian. This is XChaCha20 with the address as its 24-byte nonce: distinct addresses give streams
 * that are independent up to the security of ChaCha20. */
#ifndef DPM_RANDOM_STREAM_H
#define DPM_RANDOM_STREAM_H

#include <stddef.h>
#include <stdint.h>

enum { DPM_KEY_SIZE = 32, DPM_STREAM_WORDS = 128 };

/* What a stream is for. Numbers are never reused: two purposes never share bits. */
enum {
    DPM_STREAM_SELECT = 1,    /* selection and block of a row */
    DPM_STREAM_NOISE = 2,     /* the noise of a query */
    DPM_STREAM_AUXILIARY = 3, /* normals lent to a learner, by row */
    DPM_STREAM_MODEL = 4,     /* starting values of a model */
    DPM_STREAM_SAMPLE = 5,    /* records sampled from a released model */
    DPM_STREAM_FEATURE = 6,   /* random frequencies of a public feature map */
    DPM_STREAM_REFINE = 7,    /* more digits for samples of noise that are not certain yet */
    DPM_STREAM_GEOMETRIC = 8, /* one sample of geometric noise */
    DPM_STREAM_DECODE = 12,   /* categories of a decoded record */
    DPM_STREAM_AUGMENT = 9,   /* changes of one sampled record */
};

struct dpm_stream {
    uint64_t words[DPM_STREAM_WORDS];
    size_t used;      /* words handed out of `words` */
    uint64_t counter; /* ChaCha20 block that the next refill starts at */
    uint8_t key[DPM_KEY_SIZE];
    uint8_t nonce[8];
};

/* A fresh key from the system. DPMIX_ERR_INTERNAL when libsodium does not start; where the system has no
 * source of random bits it ends the process. */
int dpm_random_key(uint8_t key[DPM_KEY_SIZE]);

/* A key that is a function of another key and a number; and of a public seed (for post-processing only). */
void dpm_random_derive(uint8_t key[DPM_KEY_SIZE], const uint8_t parent[DPM_KEY_SIZE], uint64_t number);
void dpm_random_seed(uint8_t key[DPM_KEY_SIZE], uint64_t seed);

void dpm_stream_open(struct dpm_stream *stream, const uint8_t key[DPM_KEY_SIZE], uint32_t purpose,
                     uint64_t step, uint64_t block);
void dpm_stream_wipe(struct dpm_stream *stream);

void dpm_stream_refill(struct dpm_stream *stream);

/* 64 random bits. */
static inline uint64_t dpm_stream_next(struct dpm_stream *stream)
{
    if (stream->used == DPM_STREAM_WORDS)
        dpm_stream_refill(stream);
    return stream->words[stream->used++];
}

/* n words at once, from a stream that nothing was taken from yet. */
void dpm_stream_fill(struct dpm_stream *stream, uint64_t *words, size_t n);

double dpm_stream_uniform(struct dpm_stream *stream); /* in (0, 1): (i + 1/2) / 2^53 */
/* n standard normals for models and samples: Box-Muller in double, rounded to float. Not for privacy noise.
 */
void dpm_stream_normals(struct dpm_stream *stream, float *out, size_t n);

#endif
