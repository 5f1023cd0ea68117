/* SPDX-License-Identifier: BSD-3-Clause */
/* Exact noise against plain Box-Muller in double on the same key stream: samples a second on one core. */
#include "privacy_noise.h"
#include "privacy_normal.h"

#include "bench.h"

enum { CHUNKS = 64, ROUNDS = 7, REPEATS = 40 };

static int64_t sums[CHUNKS * DPM_NOISE_CHUNK];
static double plain[CHUNKS * DPM_NOISE_CHUNK];
static const uint8_t key[DPM_KEY_SIZE] = "a fixed key for the benchmarks";

static void exact(uint64_t step, double sigma)
{
    for (size_t chunk = 0; chunk < CHUNKS; chunk++)
        dpm_noise_add_chunk(sums, CHUNKS * DPM_NOISE_CHUNK, chunk, key, step, sigma);
}

static inline void add_pairs(double *out, const uint64_t *words, double sigma)
{
    for (int i = 0; i < DPM_NOISE_PAIRS; i++) {
        struct dpm_normal_pair pair = dpm_normal_pair(words[i], words[DPM_NOISE_PAIRS + i], sigma);
        out[i] += pair.cosine;
        out[DPM_NOISE_PAIRS + i] += pair.sine;
    }
}

#if (defined(__GNUC__) || defined(__clang__)) && defined(__x86_64__)
#if defined(__clang__)
__attribute__((target("avx512f,avx512dq,avx512vl,avx512bw")))
#else
__attribute__((target("avx512f,avx512dq,avx512vl,avx512bw,prefer-vector-width=512")))
#endif
static void
add_pairs_avx512(double *out, const uint64_t *words, double sigma)
{
    add_pairs(out, words, sigma);
}

__attribute__((target("avx2"))) static void add_pairs_avx2(double *out, const uint64_t *words, double sigma)
{
    add_pairs(out, words, sigma);
}

static void add_pairs_best(double *out, const uint64_t *words, double sigma)
{
    if (__builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl"))
        add_pairs_avx512(out, words, sigma);
    else if (__builtin_cpu_supports("avx2"))
        add_pairs_avx2(out, words, sigma);
    else
        add_pairs(out, words, sigma);
}
#else
#define add_pairs_best add_pairs
#endif

/* What a library does that is content with floating-point noise. */
static void box_muller(uint64_t step, double sigma)
{
    uint64_t words[2 * DPM_NOISE_PAIRS];
    for (size_t chunk = 0; chunk < CHUNKS; chunk++) {
        struct dpm_stream stream;
        dpm_stream_open(&stream, key, DPM_STREAM_NOISE, step, chunk);
        dpm_stream_fill(&stream, words, 2 * DPM_NOISE_PAIRS);
        add_pairs_best(plain + chunk * DPM_NOISE_CHUNK, words, sigma);
    }
}

/* Samples a second: the best of several rounds. */
static double rate(void (*fill)(uint64_t, double), double sigma)
{
    double best = 0;
    for (int round = 0; round < ROUNDS; round++) {
        double start = seconds();
        for (uint64_t i = 0; i < REPEATS; i++)
            fill(i, sigma);
        double now = (double)REPEATS * CHUNKS * DPM_NOISE_CHUNK / (seconds() - start);
        best = now > best ? now : best;
    }
    return best;
}

static void print(const char *name, double value, double against)
{
    printf("{\"name\":\"%s\",\"value\":%.4g,\"unit\":\"samples/s\",\"against\":\"noise_box_muller_f64\","
           "\"ratio\":%.3f}\n",
           name, value, value / against);
}

int main(void)
{
    double plain_rate = rate(box_muller, 0x1p30);
    printf("{\"name\":\"noise_box_muller_f64\",\"value\":%.4g,\"unit\":\"samples/s\"}\n", plain_rate);
    print("noise_exact", rate(exact, 0x1p30), plain_rate);
    print("noise_exact_sigma_2_20", rate(exact, 0x1p20), plain_rate);
    print("noise_exact_sigma_2_32", rate(exact, 0x1p32), plain_rate);
    print("noise_exact_sigma_2_40", rate(exact, 0x1p40), plain_rate);
    return 0;
}
