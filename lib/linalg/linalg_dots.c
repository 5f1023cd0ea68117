/* SPDX-License-Identifier: BSD-3-Clause */
/* Tiles of a few rows of a and of b keep their chains in registers while k runs. A tile's part of b stays in
 * the nearest cache for all rows of a. */
#include "linalg_dots.h"
#include "base_simd.h"

#include <math.h>

enum { LANES = 16, MAX_WIDTH = 6 };

/* The tile of c at m rows of a and `width` rows of b. */
typedef void tile_fn(float *c, size_t ldc, const float *a, size_t lda, const float *b, size_t ldb, size_t m,
                     size_t width, size_t k);

static float add_halves(float *sum)
{
    for (size_t half = LANES / 2; half > 0; half /= 2)
        for (size_t l = 0; l < half; l++)
            sum[l] += sum[l + half];
    return sum[0];
}

static void tiles_plain(float *c, size_t ldc, const float *a, size_t lda, const float *b, size_t ldb,
                        size_t m, size_t width, size_t k)
{
    for (size_t i = 0; i < m; i++)
        for (size_t j = 0; j < width; j++) {
            float sum[LANES] = {0};
            for (size_t l = 0; l < k; l++)
                sum[l % LANES] = fmaf(a[i * lda + l], b[j * ldb + l], sum[l % LANES]);
            c[i * ldc + j] = add_halves(sum);
        }
}

#if DPM_SIMD_X86
#include <immintrin.h>

#define TARGET(features) __attribute__((target(features)))
#define INLINE(features) static inline __attribute__((always_inline, target(features)))

INLINE("avx2") float add_quarters(__m256 sum)
{
    __m128 four = _mm_add_ps(_mm256_castps256_ps128(sum), _mm256_extractf128_ps(sum, 1));
    __m128 two = _mm_add_ps(four, _mm_movehl_ps(four, four));
    return _mm_cvtss_f32(_mm_add_ss(two, _mm_movehdup_ps(two)));
}

/* Inlined with constant height and width, so that the sums are registers and the loops over them unrolled. */
INLINE("avx512f,avx512dq")
void tile_avx512(const size_t height, const size_t width, float *c, size_t ldc, const float *a, size_t lda,
                 const float *b, size_t ldb, size_t k)
{
    __m512 sum[4][MAX_WIDTH], row[4];
    size_t l = 0;
    for (size_t i = 0; i < height; i++)
        for (size_t j = 0; j < width; j++)
            sum[i][j] = _mm512_setzero_ps();
    for (; l + LANES <= k; l += LANES) {
        for (size_t i = 0; i < height; i++)
            row[i] = _mm512_loadu_ps(a + i * lda + l);
        for (size_t j = 0; j < width; j++) {
            __m512 other = _mm512_loadu_ps(b + j * ldb + l);
            for (size_t i = 0; i < height; i++)
                sum[i][j] = _mm512_fmadd_ps(row[i], other, sum[i][j]);
        }
    }
    if (l < k) {
        const __mmask16 mask = (__mmask16)((1u << (k - l)) - 1);
        for (size_t i = 0; i < height; i++)
            row[i] = _mm512_maskz_loadu_ps(mask, a + i * lda + l);
        for (size_t j = 0; j < width; j++) {
            __m512 other = _mm512_maskz_loadu_ps(mask, b + j * ldb + l);
            for (size_t i = 0; i < height; i++)
                sum[i][j] = _mm512_mask3_fmadd_ps(row[i], other, sum[i][j], mask);
        }
    }
    for (size_t i = 0; i < height; i++)
        for (size_t j = 0; j < width; j++)
            c[i * ldc + j] = add_quarters(
                _mm256_add_ps(_mm512_castps512_ps256(sum[i][j]), _mm512_extractf32x8_ps(sum[i][j], 1)));
}

/* Chains l to l + 7 and those from l + 8 one after the other: there are half as many registers. */
INLINE("avx2,fma")
void half_avx2(const size_t height, const size_t width, __m256 sum[2][MAX_WIDTH], const float *a, size_t lda,
               const float *b, size_t ldb, size_t k)
{
    __m256 row[2];
    size_t l = 0;
    for (size_t i = 0; i < height; i++)
        for (size_t j = 0; j < width; j++)
            sum[i][j] = _mm256_setzero_ps();
    for (; l + LANES / 2 <= k; l += LANES) {
        for (size_t i = 0; i < height; i++)
            row[i] = _mm256_loadu_ps(a + i * lda + l);
        for (size_t j = 0; j < width; j++) {
            __m256 other = _mm256_loadu_ps(b + j * ldb + l);
            for (size_t i = 0; i < height; i++)
                sum[i][j] = _mm256_fmadd_ps(row[i], other, sum[i][j]);
        }
    }
    if (l < k) {
        const __m256i lane = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
        const __m256i mask = _mm256_cmpgt_epi32(_mm256_set1_epi32((int)(k - l)), lane);
        for (size_t i = 0; i < height; i++)
            row[i] = _mm256_maskload_ps(a + i * lda + l, mask);
        for (size_t j = 0; j < width; j++) {
            __m256 other = _mm256_maskload_ps(b + j * ldb + l, mask);
            for (size_t i = 0; i < height; i++)
                sum[i][j] = _mm256_blendv_ps(sum[i][j], _mm256_fmadd_ps(row[i], other, sum[i][j]),
                                             _mm256_castsi256_ps(mask));
        }
    }
}

INLINE("avx2,fma")
void tile_avx2(const size_t height, const size_t width, float *c, size_t ldc, const float *a, size_t lda,
               const float *b, size_t ldb, size_t k)
{
    __m256 low[2][MAX_WIDTH], high[2][MAX_WIDTH];
    size_t second = k < LANES / 2 ? k : LANES / 2;
    half_avx2(height, width, low, a, lda, b, ldb, k);
    half_avx2(height, width, high, a + second, lda, b + second, ldb, k - second);
    for (size_t i = 0; i < height; i++)
        for (size_t j = 0; j < width; j++)
            c[i * ldc + j] = add_quarters(_mm256_add_ps(low[i][j], high[i][j]));
}

/* All rows of a, in tiles of the tallest kind and then of one row. */
#define STACK_TILES(tile, tallest, width)                                                                    \
    do {                                                                                                     \
        size_t i = 0;                                                                                        \
        for (; m - i >= (tallest); i += (tallest))                                                           \
            tile(tallest, width, c + i * ldc, ldc, a + i * lda, lda, b, ldb, k);                             \
        for (; i < m; i++)                                                                                   \
            tile(1, width, c + i * ldc, ldc, a + i * lda, lda, b, ldb, k);                                   \
    } while (0)

#define STACK_TILES_OF_WIDTH(tile, tallest)                                                                  \
    switch (width) {                                                                                         \
    case 1: STACK_TILES(tile, tallest, 1); break;                                                            \
    case 2: STACK_TILES(tile, tallest, 2); break;                                                            \
    case 3: STACK_TILES(tile, tallest, 3); break;                                                            \
    case 4: STACK_TILES(tile, tallest, 4); break;                                                            \
    case 5: STACK_TILES(tile, tallest, 5); break;                                                            \
    default: STACK_TILES(tile, tallest, 6); break;                                                           \
    }

TARGET("avx512f,avx512dq")
static void tiles_avx512(float *c, size_t ldc, const float *a, size_t lda, const float *b, size_t ldb,
                         size_t m, size_t width, size_t k){STACK_TILES_OF_WIDTH(tile_avx512, 4)}

TARGET("avx2,fma") static void tiles_avx2(float *c, size_t ldc, const float *a, size_t lda, const float *b,
                                          size_t ldb, size_t m, size_t width, size_t k)
{
    STACK_TILES_OF_WIDTH(tile_avx2, 2)
}

static tile_fn *find_tiles(void)
{
    int level = dpm_simd_level();
    return level == DPM_SIMD_AVX512 ? tiles_avx512 : level == DPM_SIMD_AVX2 ? tiles_avx2 : tiles_plain;
}
#else
static tile_fn *find_tiles(void)
{
    return tiles_plain;
}
#endif

void dpm_dots_run(float *c, size_t ldc, const float *a, size_t lda, const float *b, size_t ldb, size_t m,
                  size_t n, size_t k)
{
    tile_fn *tiles = find_tiles();
    size_t groups = (n + MAX_WIDTH - 1) / MAX_WIDTH;
    for (size_t g = 0, j = 0; g < groups; g++) {
        size_t width = (n - j + groups - g - 1) / (groups - g); /* as equal as can be */
        tiles(c + j, ldc, a, lda, b + j * ldb, ldb, m, width, k);
        j += width;
    }
}
