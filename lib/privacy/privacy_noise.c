/* SPDX-License-Identifier: BSD-3-Clause */
#include "privacy_noise.h"
#include "base_alloc.h"
#include "base_simd.h"
#include "privacy_normal.h"
#include "privacy_refine.h"

#include <assert.h>

enum { PAIRS = DPM_NOISE_PAIRS };

/* Rounds to the nearest integer by the digits of a large double, and says whether no value within `error` of
 * it rounds to another one. False for NaN. */
static inline int round_surely(int64_t *rounded, double value, double error)
{
    const double large = 0x1.8p52;
    double shifted = value + large;
    *rounded = (int64_t)(dpm_normal_to_bits(shifted) - dpm_normal_to_bits(large));
    return 0.5 - fabs(value - (shifted - large)) > error;
}

static inline uint64_t round_pairs(struct dpm_noise_chunk *chunk, double sigma)
{
    uint64_t any = 0;
    for (int i = 0; i < PAIRS; i++) {
        struct dpm_normal_pair pair = dpm_normal_pair(chunk->words[i], chunk->words[PAIRS + i], sigma);
        uint64_t cosine = !round_surely(&chunk->samples[i], pair.cosine, pair.error);
        uint64_t sine = !round_surely(&chunk->samples[PAIRS + i], pair.sine, pair.error);
        chunk->doubt[i] = cosine | sine << 1;
        any |= chunk->doubt[i];
    }
    return any;
}

/* The same loop for processors with wider vectors. The operations are the same, and so is every bit. */
struct kernel {
    const char *name;
    uint64_t (*round)(struct dpm_noise_chunk *chunk, double sigma);
};

static uint64_t round_plain(struct dpm_noise_chunk *chunk, double sigma)
{
    return round_pairs(chunk, sigma);
}

static const struct kernel plain = {"plain", round_plain};

#if (defined(__GNUC__) || defined(__clang__)) && defined(__x86_64__)
#if defined(__clang__)
#define WIDE
#else
#define WIDE ",prefer-vector-width=512"
#endif
#define TARGET(features) __attribute__((target(features)))

TARGET("avx2") static uint64_t round_avx2(struct dpm_noise_chunk *chunk, double sigma)
{
    return round_pairs(chunk, sigma);
}

TARGET("avx512f,avx512dq,avx512vl,avx512bw" WIDE)
static uint64_t round_avx512(struct dpm_noise_chunk *chunk, double sigma)
{
    return round_pairs(chunk, sigma);
}

static const struct kernel avx2 = {"avx2", round_avx2}, avx512 = {"avx512", round_avx512};

/* Number `i` of those that the processor runs. */
static const struct kernel *find_kernel(int i)
{
    const struct kernel *found[3];
    int n = 0;
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
        __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512bw"))
        found[n++] = &avx512;
    if (__builtin_cpu_supports("avx2"))
        found[n++] = &avx2;
    found[n++] = &plain;
    return i < n ? found[i] : NULL;
}
#else
static const struct kernel *find_kernel(int i)
{
    return i == 0 ? &plain : NULL;
}
#endif

DPM_SIMD_INLINE void add_samples_body(int64_t *restrict sums, const int64_t *restrict samples, size_t n)
{
    for (size_t i = 0; i < n; i++)
        sums[i] = (int64_t)((uint64_t)sums[i] + (uint64_t)samples[i]);
}

DPM_SIMD_VERSIONS(add_samples, (int64_t * sums, const int64_t *samples, size_t n), (sums, samples, n))

const char *dpm_noise_round(int kernel, struct dpm_noise_chunk *chunk, double sigma)
{
    const struct kernel *found = find_kernel(kernel);
    if (!found)
        return NULL;
    found->round(chunk, sigma);
    return found->name;
}

/* Sample number i of the chunk, with as many digits as it takes. Both variables of a pair read the same
 * digits. */
static int64_t refine(const struct dpm_noise_chunk *chunk, size_t i, const uint8_t key[DPM_KEY_SIZE],
                      uint64_t step, size_t number, double sigma)
{
    size_t pair = i % PAIRS;
    uint64_t radius[DPM_REFINE_WORDS] = {chunk->words[pair]},
             angle[DPM_REFINE_WORDS] = {chunk->words[PAIRS + pair]};
    struct dpm_stream stream;
    int64_t sample = 0;
    dpm_stream_open(&stream, key, DPM_STREAM_REFINE, step, (uint64_t)number * PAIRS + pair);
    for (int i_word = 1; i_word < DPM_REFINE_WORDS; i_word++) {
        radius[i_word] = dpm_stream_next(&stream);
        angle[i_word] = dpm_stream_next(&stream);
    }
    /* That 1024 digits leave a doubt has a probability below 2^-900. */
    for (int n_words = 2; n_words <= DPM_REFINE_WORDS; n_words *= 2)
        if (dpm_refine(&sample, radius, angle, n_words, i >= PAIRS, sigma))
            break;
    dpm_stream_wipe(&stream);
    dpm_wipe(radius, sizeof radius);
    dpm_wipe(angle, sizeof angle);
    return sample;
}

void dpm_noise_add_chunk(int64_t *sums, size_t n, size_t number, const uint8_t key[DPM_KEY_SIZE],
                         uint64_t step, double sigma)
{
    assert(sigma >= DPM_NOISE_MIN_SIGMA && sigma <= DPM_NOISE_MAX_SIGMA);
    struct dpm_stream stream;
    struct dpm_noise_chunk chunk;
    size_t first = number * DPM_NOISE_CHUNK,
           count = n - first < DPM_NOISE_CHUNK ? n - first : DPM_NOISE_CHUNK;
    for (size_t i = 0; i < count; i += DPM_SIMD_LINE / sizeof *sums)
        DPM_SIMD_FETCH(sums + first + i); /* they arrive while the noise is made */
    dpm_stream_open(&stream, key, DPM_STREAM_NOISE, step, number);
    dpm_stream_fill(&stream, chunk.words, 2 * PAIRS);
    uint64_t doubts = find_kernel(0)->round(&chunk, sigma);
    for (size_t i = 0; doubts && i < count; i++)
        if (chunk.doubt[i % PAIRS] >> i / PAIRS & 1)
            chunk.samples[i] = refine(&chunk, i, key, step, number, sigma);
    add_samples(sums + first, chunk.samples, count);
    dpm_stream_wipe(&stream);
    dpm_wipe(&chunk, sizeof chunk);
}
