/* SPDX-License-Identifier: BSD-3-Clause */
#include "privacy_noise.h"

#include <assert.h>
#include <math.h>
#include <string.h>

/* A uniform number in (0, 1) whose binary digits are drawn when they are looked at, 64 at a time. That a comparison
 * or a rounding needs more than 8 words has a probability below 2^-400. */
enum { MAX_WORDS = 8 };

struct deviate {
    uint64_t word[MAX_WORDS];
    int drawn;
};

static uint64_t digits(struct deviate *deviate, int i, struct dpm_stream *stream)
{
    while (deviate->drawn <= i)
        deviate->word[deviate->drawn++] = dpm_stream_next(stream);
    return deviate->word[i];
}

static void draw(struct deviate *deviate, struct dpm_stream *stream)
{
    deviate->word[0] = dpm_stream_next(stream);
    deviate->drawn = 1;
}

static int is_less(struct deviate *a, struct deviate *b, struct dpm_stream *stream)
{
    for (int i = 0; i < MAX_WORDS; i++) {
        uint64_t left = digits(a, i, stream), right = digits(b, i, stream);
        if (left != right)
            return left < right;
    }
    return 0;
}

/* True with probability exp(-1/2): the run 1/2 > u1 > u2 > ... has an even length (algorithm H, after von Neumann). */
static int half_exponential(struct dpm_stream *stream)
{
    struct deviate run[2];
    draw(&run[0], stream);
    if (run[0].word[0] >> 63)
        return 1;
    for (int length = 1;; length++) {
        struct deviate *last = &run[(length - 1) % 2], *next = &run[length % 2];
        draw(next, stream);
        if (!is_less(next, last, stream))
            return length % 2 == 0;
    }
}

/* Uniform in [0, n), n small. */
static uint64_t uniform_below(struct dpm_stream *stream, uint64_t n)
{
    uint64_t excess = (UINT64_MAX % n + 1) % n; /* 2^64 modulo n */
    for (;;) {
        uint64_t bits = dpm_stream_next(stream);
        if (bits <= UINT64_MAX - excess)
            return bits % n;
    }
}

/* True with probability (2k + x) / (2k + 2). */
static int is_below_ratio(struct dpm_stream *stream, uint64_t k, struct deviate *x)
{
    uint64_t whole = uniform_below(stream, 2 * k + 2);
    if (whole != 2 * k)
        return whole < 2 * k;
    struct deviate fraction;
    draw(&fraction, stream);
    return is_less(&fraction, x, stream);
}

/* True with probability exp(-x (2k + x) / (2k + 2)) (algorithm B). */
static int accept_fraction(struct dpm_stream *stream, uint64_t k, struct deviate *x)
{
    struct deviate run[2];
    struct deviate *last = x;
    for (int length = 0;; length++) {
        struct deviate *next = &run[length % 2];
        draw(next, stream);
        if (!is_less(next, last, stream) || !is_below_ratio(stream, k, x))
            return length % 2 == 0;
        last = next;
    }
}

/* |N| = k + x (algorithm N, steps 1 to 4). */
static uint64_t half_normal(struct dpm_stream *stream, struct deviate *x)
{
    for (;;) {
        uint64_t k = 0;
        while (half_exponential(stream))
            k++;
        int accepted = 1;
        for (uint64_t i = 0; k > 1 && accepted && i < k * (k - 1); i++)
            accepted = half_exponential(stream);
        if (!accepted)
            continue;
        draw(x, stream);
        for (uint64_t i = 0; accepted && i <= k; i++)
            accepted = accept_fraction(stream, k, x);
        if (accepted)
            return k;
    }
}

/* The low word of a * b + carry; the high one becomes the carry. */
static uint64_t multiply_add(uint64_t a, uint64_t b, uint64_t *carry)
{
    uint64_t a0 = a & 0xffffffffu, a1 = a >> 32, b0 = b & 0xffffffffu, b1 = b >> 32;
    uint64_t low = a0 * b0, middle = a1 * b0 + (low >> 32);
    uint64_t other = a0 * b1 + (middle & 0xffffffffu);
    uint64_t high = a1 * b1 + (middle >> 32) + (other >> 32);
    uint64_t product = (other << 32) | (low & 0xffffffffu);
    product += *carry;
    *carry = high + (product < *carry);
    return product;
}

enum { LIMBS = MAX_WORDS + 3 }; /* the words of x, the whole part, and room for carries */

/* Adds a word at the given limb. */
static void add_at(uint64_t number[LIMBS], int limb, uint64_t word)
{
    while (limb < LIMBS && word) {
        number[limb] += word;
        word = number[limb] < word;
        limb++;
    }
}

/* floor(number / 2^shift), which fits a word; shift < 64 LIMBS. */
static uint64_t shifted(const uint64_t number[LIMBS], int shift)
{
    int limb = shift / 64, bits = shift % 64;
    uint64_t low = number[limb] >> bits;
    if (bits && limb + 1 < LIMBS)
        low |= number[limb + 1] << (64 - bits);
    return low;
}

/* floor(sigma (k + x) + 1/2), with as many words of x as it takes. With W words, mantissa (k + x) lies in
 * [T, T + mantissa) / 2^(64 W) for an integer T, and sigma = mantissa 2^exponent. */
static uint64_t rounded_product(struct dpm_stream *stream, double sigma, uint64_t k, struct deviate *x)
{
    int exponent;
    uint64_t mantissa = (uint64_t)ldexp(frexp(sigma, &exponent), 53);
    exponent -= 53;
    uint64_t lower = 0;
    for (int words = 1; words <= MAX_WORDS; words++) {
        uint64_t number[LIMBS] = {0}, carry = 0;
        digits(x, words - 1, stream);
        for (int i = 0; i < words; i++)
            number[i] = multiply_add(x->word[words - 1 - i], mantissa, &carry);
        number[words] = multiply_add(k, mantissa, &carry);
        number[words + 1] = carry;
        int shift = 64 * words - exponent;
        if (shift > 64 * (words + 2))
            return 0; /* sigma (k + x) < 1/2 */
        add_at(number, (shift - 1) / 64, UINT64_C(1) << ((shift - 1) % 64));
        lower = shifted(number, shift);
        add_at(number, 0, mantissa - 1);
        if (shifted(number, shift) == lower)
            break;
    }
    return lower;
}

int64_t dpm_noise_rounded_gaussian(struct dpm_stream *stream, double sigma)
{
    assert(sigma > 0 && sigma <= DPM_NOISE_MAX_SIGMA);
    struct deviate x;
    uint64_t k = half_normal(stream, &x);
    uint64_t magnitude = rounded_product(stream, sigma, k, &x);
    return dpm_stream_next(stream) >> 63 ? -(int64_t)magnitude : (int64_t)magnitude;
}

void dpm_noise_add_chunk(int64_t *sums, size_t n, size_t chunk, const uint8_t key[DPM_KEY_SIZE], uint64_t step,
                         double sigma)
{
    struct dpm_stream stream;
    dpm_stream_open(&stream, key, DPM_STREAM_NOISE, step, chunk);
    size_t end = n - chunk * DPM_NOISE_CHUNK < DPM_NOISE_CHUNK ? n : (chunk + 1) * DPM_NOISE_CHUNK;
    for (size_t i = chunk * DPM_NOISE_CHUNK; i < end; i++)
        sums[i] = (int64_t)((uint64_t)sums[i] + (uint64_t)dpm_noise_rounded_gaussian(&stream, sigma));
    dpm_stream_wipe(&stream);
}
