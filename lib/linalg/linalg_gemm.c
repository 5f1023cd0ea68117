/* SPDX-License-Identifier: BSD-3-Clause */
/* A panel of b, up to 32 columns and DEPTH rows, is copied together, to where the caches keep it. Tiles of c
 * stay in registers while k runs over the panel; a is read where it lies. */
#include "linalg_gemm.h"
#include "base_alloc.h"
#include "base_simd.h"

#include <math.h>
#include <stdint.h>
#include <string.h>

enum { DEPTH = 288, MAX_WIDTH = DPM_GEMM_WIDTH };

/* Adds a (m x k) times a panel (k lines of `width` floats, zero beyond `columns`) to c if `more`, else c
 * becomes it. */
typedef void panel_fn(float *c, size_t ldc, size_t columns, struct dpm_gemm_matrix a, const float *panel,
                      size_t m, size_t k, int more);

struct kernel {
    const char *name;
    size_t width, rows; /* of a call: whole tiles */
    panel_fn *multiply;
};

static void multiply_plain(float *c, size_t ldc, size_t columns, struct dpm_gemm_matrix a, const float *panel,
                           size_t m, size_t k, int more)
{
    for (size_t i = 0; i < m; i++)
        for (size_t j = 0; j < columns; j++) {
            float sum = more ? c[i * ldc + j] : 0;
            for (size_t l = 0; l < k; l++)
                sum = fmaf(a.values[i * a.row_step + l * a.column_step], panel[l * MAX_WIDTH + j], sum);
            c[i * ldc + j] = sum;
        }
}

static const struct kernel plain = {"plain", MAX_WIDTH, 16, multiply_plain};

#if DPM_SIMD_X86
#include <immintrin.h>

#define TARGET(features) __attribute__((target(features)))
#define INLINE(features) static inline __attribute__((always_inline, target(features)))

/* Inlined with constant height, width and steps, so that the sums are registers and the loops over them
 * unrolled. Lanes beyond `columns` are computed and not stored. */
INLINE("avx512f")
void tile_avx512(const size_t height, const int wide, const size_t row_step, const size_t column_step,
                 float *c, size_t ldc, const __mmask16 mask[2], const float *a, const float *panel, size_t k,
                 int more)
{
    __m512 low[14], high[14];
    for (size_t i = 0; i < height; i++) {
        low[i] = more ? _mm512_maskz_loadu_ps(mask[0], c + i * ldc) : _mm512_setzero_ps();
        if (wide)
            high[i] = more ? _mm512_maskz_loadu_ps(mask[1], c + i * ldc + 16) : _mm512_setzero_ps();
    }
    for (size_t l = 0; l < k; l++) {
        __m512 b_low = _mm512_load_ps(panel + l * 32);
        __m512 b_high = wide ? _mm512_load_ps(panel + l * 32 + 16) : b_low;
        for (size_t i = 0; i < height; i++) {
            __m512 factor = _mm512_set1_ps(a[i * row_step + l * column_step]);
            low[i] = _mm512_fmadd_ps(factor, b_low, low[i]);
            if (wide)
                high[i] = _mm512_fmadd_ps(factor, b_high, high[i]);
        }
    }
    for (size_t i = 0; i < height; i++) {
        _mm512_mask_storeu_ps(c + i * ldc, mask[0], low[i]);
        if (wide)
            _mm512_mask_storeu_ps(c + i * ldc + 16, mask[1], high[i]);
    }
}

INLINE("avx2,fma")
void tile_avx2(const size_t height, const int wide, const size_t row_step, const size_t column_step, float *c,
               size_t ldc, const __m256i mask[2], const float *a, const float *panel, size_t k, int more)
{
    __m256 low[6], high[6];
    for (size_t i = 0; i < height; i++) {
        low[i] = more ? _mm256_maskload_ps(c + i * ldc, mask[0]) : _mm256_setzero_ps();
        if (wide)
            high[i] = more ? _mm256_maskload_ps(c + i * ldc + 8, mask[1]) : _mm256_setzero_ps();
    }
    for (size_t l = 0; l < k; l++) {
        __m256 b_low = _mm256_load_ps(panel + l * 16);
        __m256 b_high = wide ? _mm256_load_ps(panel + l * 16 + 8) : b_low;
        for (size_t i = 0; i < height; i++) {
            __m256 factor = _mm256_set1_ps(a[i * row_step + l * column_step]);
            low[i] = _mm256_fmadd_ps(factor, b_low, low[i]);
            if (wide)
                high[i] = _mm256_fmadd_ps(factor, b_high, high[i]);
        }
    }
    for (size_t i = 0; i < height; i++) {
        _mm256_maskstore_ps(c + i * ldc, mask[0], low[i]);
        if (wide)
            _mm256_maskstore_ps(c + i * ldc + 8, mask[1], high[i]);
    }
}

/* All rows, in tiles of the tallest kind and then of smaller ones. */
#define STACK_TILES(tile, tallest, wide, by_row, by_column)                                                  \
    do {                                                                                                     \
        size_t i = 0;                                                                                        \
        for (; m - i >= (tallest); i += (tallest))                                                           \
            tile(tallest, wide, by_row, by_column, c + i * ldc, ldc, mask, a.values + i * (by_row), panel,   \
                 k, more);                                                                                   \
        for (; m - i >= 4; i += 4)                                                                           \
            tile(4, wide, by_row, by_column, c + i * ldc, ldc, mask, a.values + i * (by_row), panel, k,      \
                 more);                                                                                      \
        for (; m - i >= 1; i++)                                                                              \
            tile(1, wide, by_row, by_column, c + i * ldc, ldc, mask, a.values + i * (by_row), panel, k,      \
                 more);                                                                                      \
    } while (0)

#define STACK_TILES_OF_ANY_STEP(tile, tallest, wide)                                                         \
    do {                                                                                                     \
        if (a.row_step == 1)                                                                                 \
            STACK_TILES(tile, tallest, wide, 1, a.column_step);                                              \
        else                                                                                                 \
            STACK_TILES(tile, tallest, wide, a.row_step, 1);                                                 \
    } while (0)

TARGET("avx512f")
static void multiply_avx512(float *c, size_t ldc, size_t columns, struct dpm_gemm_matrix a,
                            const float *panel, size_t m, size_t k, int more)
{
    uint32_t lanes = columns >= 32 ? UINT32_MAX : (UINT32_C(1) << columns) - 1;
    const __mmask16 mask[2] = {(__mmask16)(lanes & 0xffff), (__mmask16)(lanes >> 16)};
    if (columns > 16)
        STACK_TILES_OF_ANY_STEP(tile_avx512, 14, 1);
    else
        STACK_TILES_OF_ANY_STEP(tile_avx512, 14, 0);
}

TARGET("avx2,fma")
static void multiply_avx2(float *c, size_t ldc, size_t columns, struct dpm_gemm_matrix a, const float *panel,
                          size_t m, size_t k, int more)
{
    const __m256i lane = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
    const __m256i mask[2] = {_mm256_cmpgt_epi32(_mm256_set1_epi32((int)columns), lane),
                             _mm256_cmpgt_epi32(_mm256_set1_epi32((int)columns - 8), lane)};
    if (columns > 8)
        STACK_TILES_OF_ANY_STEP(tile_avx2, 6, 1);
    else
        STACK_TILES_OF_ANY_STEP(tile_avx2, 6, 0);
}

/* Four lines of four numbers. */
static inline void transpose_4(float *out, size_t out_step, const float *in, size_t in_step)
{
    __m128 a = _mm_loadu_ps(in), b = _mm_loadu_ps(in + in_step), c = _mm_loadu_ps(in + 2 * in_step),
           d = _mm_loadu_ps(in + 3 * in_step);
    _MM_TRANSPOSE4_PS(a, b, c, d);
    _mm_storeu_ps(out, a);
    _mm_storeu_ps(out + out_step, b);
    _mm_storeu_ps(out + 2 * out_step, c);
    _mm_storeu_ps(out + 3 * out_step, d);
}

static const struct kernel avx512 = {"avx512", 32, 14, multiply_avx512},
                           avx2 = {"avx2", 16, 24, multiply_avx2};

static const struct kernel *find_kernel(void)
{
    int level = dpm_simd_level();
    return level == DPM_SIMD_AVX512 ? &avx512 : level == DPM_SIMD_AVX2 ? &avx2 : &plain;
}
#else
static inline void transpose_4(float *out, size_t out_step, const float *in, size_t in_step)
{
    for (size_t i = 0; i < 4; i++)
        for (size_t j = 0; j < 4; j++)
            out[i * out_step + j] = in[j * in_step + i];
}

static const struct kernel *find_kernel(void)
{
    return &plain;
}
#endif

const char *dpm_gemm_name(void)
{
    return find_kernel()->name;
}

/* With a width that the compiler knows, a line is a few moves. */
DPM_SIMD_INLINE void copy_lines(float *panel, size_t width, const float *lines, size_t step, size_t k)
{
    for (size_t l = 0; l < k; l++)
        memcpy(panel + l * width, lines + l * step, width * sizeof *panel);
}

/* Copies k rows of b, zero beyond `columns`. */
DPM_SIMD_INLINE void fill_panel_body(float *panel, size_t width, struct dpm_gemm_matrix b, size_t columns,
                                     size_t k)
{
    if (columns < width)
        memset(panel, 0, k * width * sizeof *panel);
    if (b.column_step == 1 && columns == 32) {
        copy_lines(panel, 32, b.values, b.row_step, k);
        return;
    }
    if (b.column_step == 1 && columns == 16 && width == 16) {
        copy_lines(panel, 16, b.values, b.row_step, k);
        return;
    }
    if (b.column_step == 1) {
        for (size_t l = 0; l < k; l++)
            memcpy(panel + l * width, b.values + l * b.row_step, columns * sizeof *panel);
        return;
    }
    size_t whole = k / 4 * 4;
    for (size_t l = 0; l < whole; l += 4) {
        size_t j = 0;
        for (; j + 4 <= columns; j += 4)
            transpose_4(panel + l * width + j, width, b.values + j * b.column_step + l, b.column_step);
        for (; j < columns; j++)
            for (size_t i = l; i < l + 4; i++)
                panel[i * width + j] = b.values[j * b.column_step + i];
    }
    for (size_t l = whole; l < k; l++)
        for (size_t j = 0; j < columns; j++)
            panel[l * width + j] = b.values[j * b.column_step + l];
}

DPM_SIMD_VERSIONS(fill_panel,
                  (float *panel, size_t width, struct dpm_gemm_matrix b, size_t columns, size_t k),
                  (panel, width, b, columns, k))

/* Part of b from (row, column) on, and how much of it there is for a panel. */
struct piece {
    struct dpm_gemm_matrix b;
    size_t depth, columns;
};

static struct piece piece_of(struct dpm_gemm_matrix b, size_t k, size_t n, size_t row, size_t column,
                             size_t width)
{
    struct piece piece = {b, 0, 0};
    if (row >= k || column >= n)
        return piece;
    piece.b.values += row * b.row_step + column * b.column_step;
    piece.depth = k - row < DEPTH ? k - row : DEPTH;
    piece.columns = n - column < width ? n - column : width;
    return piece;
}

/* Share number `share` of `shares` of a piece is fetched while the panel before it is at work: its short
 * lines lie far apart, which the processor does not foresee. */
static void fetch_share(const struct piece *piece, size_t share, size_t shares)
{
    int by_row = piece->b.column_step == 1;
    size_t lines = by_row ? piece->depth : piece->columns, length = by_row ? piece->columns : piece->depth;
    size_t step = by_row ? piece->b.row_step : piece->b.column_step;
    for (size_t l = lines * share / shares; l < lines * (share + 1) / shares; l++)
        for (size_t i = 0; i < length; i += DPM_SIMD_LINE / sizeof(float))
            DPM_SIMD_FETCH(piece->b.values + l * step + i);
}

/* A panel's products with all rows of a, column `column` of the result and on, are added to c if `more`, else
 * c becomes them. With a grid they are the last ones and go on to it; without more, c is a tile then. */
static void multiply(const struct kernel *kernel, float *c, size_t ldc, const struct dpm_grid *grid,
                     size_t column, struct dpm_gemm_matrix a, const float *panel, const struct piece *piece,
                     const struct piece *next, size_t m, int more)
{
    size_t shares = (m + kernel->rows - 1) / kernel->rows;
    for (size_t i = 0, share = 0; i < m; i += kernel->rows, share++) {
        size_t rows = m - i < kernel->rows ? m - i : kernel->rows;
        float *tile = grid && !more ? c : c + i * ldc;
        if (grid)
            dpm_grid_fetch(grid, i, column, rows, piece->columns);
        fetch_share(next, share, shares);
        kernel->multiply(tile, ldc, piece->columns, a, panel, rows, piece->depth, more);
        if (grid)
            dpm_grid_add(grid, i, column, tile, ldc, rows, piece->columns);
        a.values += kernel->rows * a.row_step;
    }
}

void dpm_gemm_run(float *c, size_t ldc, struct dpm_gemm_matrix a, struct dpm_gemm_matrix b, size_t m,
                  size_t n, size_t k)
{
    const struct kernel *kernel = find_kernel();
    _Alignas(64) float panel[DEPTH * MAX_WIDTH];
    size_t width = kernel->width;
    for (size_t row = 0; row < k; row += DEPTH, a.values += DEPTH * a.column_step)
        for (size_t column = 0; column < n; column += width) {
            struct piece piece = piece_of(b, k, n, row, column, width);
            struct piece next = piece_of(b, k, n, row, column + width, width);
            fill_panel(panel, width, piece.b, piece.columns, piece.depth);
            multiply(kernel, c + column, ldc, NULL, column, a, panel, &piece, &next, m, row > 0);
        }
    dpm_wipe(panel, (k < DEPTH ? k : DEPTH) * width * sizeof *panel); /* the factors may be private */
}

void dpm_gemm_add(const struct dpm_grid *grid, float *work, struct dpm_gemm_matrix a,
                  struct dpm_gemm_matrix b, size_t m, size_t n, size_t k)
{
    const struct kernel *kernel = find_kernel();
    _Alignas(64) float panel[DEPTH * MAX_WIDTH];
    size_t width = kernel->width;
    for (size_t column = 0; column < n; column += width) {
        struct dpm_gemm_matrix part = a;
        for (size_t row = 0; row < k; row += DEPTH, part.values += DEPTH * a.column_step) {
            struct piece piece = piece_of(b, k, n, row, column, width);
            int is_last = row + piece.depth == k;
            struct piece next = is_last ? piece_of(b, k, n, 0, column + width, width)
                                        : piece_of(b, k, n, row + DEPTH, column, width);
            fill_panel(panel, width, piece.b, piece.columns, piece.depth);
            multiply(kernel, work, width, is_last ? grid : NULL, column, part, panel, &piece, &next, m,
                     row > 0);
        }
    }
    dpm_wipe(panel, (k < DEPTH ? k : DEPTH) * width * sizeof *panel);
}
