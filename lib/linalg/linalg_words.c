/* SPDX-License-Identifier: BSD-3-Clause */
#include "linalg_words.h"
#include "base_simd.h"

#include <string.h>

/* ---- Rows ---- */

/* So many squares stay below 2^31 together. */
enum { SQUARES = 4 * DPM_WORDS_RUN };

DPM_SIMD_INLINE void around_body(int64_t *square, int16_t *restrict words, const uint8_t *restrict row,
                                 const int16_t *restrict origin, size_t n)
{
    int64_t total = 0;
    for (size_t i = 0; i < n; i++)
        words[i] = (int16_t)(DPM_WORDS_UNIT * row[i] - origin[i]);
    for (size_t first = 0; first < n; first += SQUARES) {
        size_t end = n - first < SQUARES ? n : first + SQUARES;
        int32_t sum = 0;
        for (size_t i = first; i < end; i++)
            sum += words[i] * words[i];
        total += sum;
    }
    *square = total;
}

DPM_SIMD_VERSIONS(around,
                  (int64_t * square, int16_t *words, const uint8_t *row, const int16_t *origin, size_t n),
                  (square, words, row, origin, n))

int64_t dpm_words_around(int16_t *words, const uint8_t *row, const int16_t *origin, size_t n)
{
    int64_t square;
    around(&square, words, row, origin, n);
    memset(words + n, 0, (dpm_words_step(n) - n) * sizeof *words);
    return square;
}

/* ---- Products ---- */

enum { HEIGHT = 4, WIDTH = DPM_WORDS_WIDTH };

/* Of 4 rows of a with 5 of b. Unsigned sums may wrap on their way to a number that does not. */
typedef void tile_fn(int32_t *out, size_t ld, const int16_t *a, const int16_t *b, size_t step);

static void tile_plain(int32_t *out, size_t ld, const int16_t *a, const int16_t *b, size_t step)
{
    for (size_t j = 0; j < WIDTH; j++)
        for (size_t i = 0; i < HEIGHT; i++) {
            uint32_t sum = 0;
            for (size_t l = 0; l < step; l++)
                sum += (uint32_t)(a[i * step + l] * b[j * step + l]);
            out[j * ld + i] = (int32_t)sum;
        }
}

#if DPM_SIMD_X86
#include <immintrin.h>

#define TARGET(features) __attribute__((target(features)))
#define TARGET_VNNI TARGET("avx512f,avx512dq,avx512vl,avx512bw,avx512vnni,avx2")

/* The four sums of the numbers of four vectors. */
TARGET("avx2") static inline void store_sums(int32_t *out, __m256i a, __m256i b, __m256i c, __m256i d)
{
    __m256i four = _mm256_hadd_epi32(_mm256_hadd_epi32(a, b), _mm256_hadd_epi32(c, d));
    _mm_storeu_si128((__m128i *)(void *)out,
                     _mm_add_epi32(_mm256_castsi256_si128(four), _mm256_extracti128_si256(four, 1)));
}

TARGET("avx2") static inline __m256i load_avx2(const int16_t *values)
{
    return _mm256_loadu_si256((const __m256i *)(const void *)values);
}

/* Sums of two rows of a with each row of b: those of four would not fit into the registers. */
TARGET("avx2")
static inline void half_avx2(__m256i *first, __m256i *second, const int16_t *a, const int16_t *b, size_t step)
{
    __m256i upper[WIDTH], lower[WIDTH];
    for (size_t j = 0; j < WIDTH; j++)
        upper[j] = lower[j] = _mm256_setzero_si256();
    for (size_t l = 0; l < step; l += 16) {
        __m256i one = load_avx2(a + l), two = load_avx2(a + step + l);
        for (size_t j = 0; j < WIDTH; j++) {
            __m256i other = load_avx2(b + j * step + l);
            upper[j] = _mm256_add_epi32(upper[j], _mm256_madd_epi16(one, other));
            lower[j] = _mm256_add_epi32(lower[j], _mm256_madd_epi16(two, other));
        }
    }
    memcpy(first, upper, sizeof upper);
    memcpy(second, lower, sizeof lower);
}

TARGET("avx2") static void tile_avx2(int32_t *out, size_t ld, const int16_t *a, const int16_t *b, size_t step)
{
    __m256i sum[HEIGHT][WIDTH];
    half_avx2(sum[0], sum[1], a, b, step);
    half_avx2(sum[2], sum[3], a + 2 * step, b, step);
    for (size_t j = 0; j < WIDTH; j++)
        store_sums(out + j * ld, sum[0][j], sum[1][j], sum[2][j], sum[3][j]);
}

TARGET_VNNI static inline __m256i add_halves(__m512i sum)
{
    return _mm256_add_epi32(_mm512_castsi512_si256(sum), _mm512_extracti64x4_epi64(sum, 1));
}

/* Sums of four rows of a with one of b. */
struct column {
    __m512i first, second, third, fourth;
};

/* The empty statements keep each number in its register: compilers copy the sums about, or read b anew for
 * every row, and take half as long again. */
TARGET_VNNI static inline void add_products(struct column *sum, const __m512i row[HEIGHT], const int16_t *b)
{
    __m512i other = _mm512_loadu_si512(b);
    __asm__("" : "+v"(other));
    sum->first = _mm512_dpwssd_epi32(sum->first, row[0], other);
    sum->second = _mm512_dpwssd_epi32(sum->second, row[1], other);
    sum->third = _mm512_dpwssd_epi32(sum->third, row[2], other);
    sum->fourth = _mm512_dpwssd_epi32(sum->fourth, row[3], other);
    __asm__("" : "+v"(sum->first), "+v"(sum->second), "+v"(sum->third), "+v"(sum->fourth));
}

TARGET_VNNI static inline void store_column(int32_t *out, const struct column *sum)
{
    store_sums(out, add_halves(sum->first), add_halves(sum->second), add_halves(sum->third),
               add_halves(sum->fourth));
}

TARGET_VNNI static void tile_vnni(int32_t *out, size_t ld, const int16_t *a, const int16_t *b, size_t step)
{
    const __m512i zero = _mm512_setzero_si512();
    struct column sum[WIDTH] = {{zero, zero, zero, zero},
                                {zero, zero, zero, zero},
                                {zero, zero, zero, zero},
                                {zero, zero, zero, zero},
                                {zero, zero, zero, zero}};
    for (size_t l = 0; l < step; l += 32) {
        const __m512i row[HEIGHT] = {_mm512_loadu_si512(a + l), _mm512_loadu_si512(a + step + l),
                                     _mm512_loadu_si512(a + 2 * step + l),
                                     _mm512_loadu_si512(a + 3 * step + l)};
        add_products(&sum[0], row, b + l);
        add_products(&sum[1], row, b + step + l);
        add_products(&sum[2], row, b + 2 * step + l);
        add_products(&sum[3], row, b + 3 * step + l);
        add_products(&sum[4], row, b + 4 * step + l);
    }
    store_column(out, &sum[0]);
    store_column(out + ld, &sum[1]);
    store_column(out + 2 * ld, &sum[2]);
    store_column(out + 3 * ld, &sum[3]);
    store_column(out + 4 * ld, &sum[4]);
}

static tile_fn *find_tile(void)
{
    int level = dpm_simd_level();
    if (level == DPM_SIMD_AVX512 && __builtin_cpu_supports("avx512vnni"))
        return tile_vnni;
    return level == DPM_SIMD_PLAIN ? tile_plain : tile_avx2;
}
#else
static tile_fn *find_tile(void)
{
    return tile_plain;
}
#endif

void dpm_words_dots(int32_t *out, const int16_t *a, const int16_t *b, size_t step, size_t m, size_t n)
{
    tile_fn *tile = find_tile();
    for (size_t i = 0; i < m; i += HEIGHT)
        for (size_t j = 0; j < n; j += WIDTH)
            tile(out + j * DPM_WORDS_ROWS + i, DPM_WORDS_ROWS, a + i * step, b + j * step, step);
}
