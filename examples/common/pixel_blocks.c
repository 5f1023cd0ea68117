/* SPDX-License-Identifier: BSD-3-Clause */
#include "pixel_blocks.h"

#include <stdlib.h>
#include <string.h>

int pixel_blocks_open(struct pixel_blocks *blocks, const uint8_t *bytes, size_t rows, size_t pixels)
{
    const size_t padded = (pixels + 3) / 4 * 4;
    const size_t count = (rows + PIXEL_BLOCK_ROWS - 1) / PIXEL_BLOCK_ROWS;
    const size_t block_size = padded * PIXEL_BLOCK_ROWS;
    *blocks = (struct pixel_blocks){.rows = rows, .pixels = pixels, .padded_pixels = padded, .blocks = count};
    blocks->by_row = calloc(count, block_size);
    blocks->by_pixel = calloc(count, block_size);
    if (!blocks->by_row || !blocks->by_pixel) {
        pixel_blocks_close(blocks);
        return -1;
    }
    for (size_t row = 0; row < rows; row++) {
        const size_t block = row / PIXEL_BLOCK_ROWS, place = row % PIXEL_BLOCK_ROWS;
        uint8_t *column = blocks->by_pixel + block * block_size + place;
        memcpy(blocks->by_row + row * padded, bytes + row * pixels, pixels);
        for (size_t pixel = 0; pixel < pixels; pixel++)
            column[pixel * PIXEL_BLOCK_ROWS] = bytes[row * pixels + pixel];
    }
    return 0;
}

void pixel_blocks_close(struct pixel_blocks *blocks)
{
    free(blocks->by_row);
    free(blocks->by_pixel);
    *blocks = (struct pixel_blocks){0};
}

static inline void widen(float *restrict out, const uint8_t *restrict bytes, size_t n)
{
    for (size_t i = 0; i < n; i++)
        out[i] = (float)bytes[i];
}

/* Adds four vectors to each of two, with weights. Both products below are made of this one loop; with eight
 * multiplications for ten memory accesses the compiler's vector code stays near the speed of the registers.
 */
static inline void add_four_to_two(float *restrict out0, float *restrict out1, const float *restrict x,
                                   size_t n, const float *weights0, const float *weights1)
{
    const float a0 = weights0[0], a1 = weights0[1], a2 = weights0[2], a3 = weights0[3];
    const float b0 = weights1[0], b1 = weights1[1], b2 = weights1[2], b3 = weights1[3];
    for (size_t i = 0; i < n; i++) {
        const float x0 = x[i], x1 = x[n + i], x2 = x[2 * n + i], x3 = x[3 * n + i];
        out0[i] += (a0 * x0 + a1 * x1) + (a2 * x2 + a3 * x3);
        out1[i] += (b0 * x0 + b1 * x1) + (b2 * x2 + b3 * x3);
    }
}

/* Wider vectors where the processor has them; each of them gives the same bits. AddressSanitizer starts later
 * than the choice is made. */
#if defined(__GNUC__) && !defined(__clang__) && defined(__x86_64__) && defined(__gnu_linux__) &&             \
    !defined(__SANITIZE_ADDRESS__)
#define FOR_EACH_PROCESSOR __attribute__((target_clones("avx512f", "avx2", "default")))
#else
#define FOR_EACH_PROCESSOR
#endif

/* out (classes x n) += weights (classes x depth) * bytes (depth x n); depth is a multiple of 4. */
FOR_EACH_PROCESSOR
static void multiply(float *out, const uint8_t *bytes, size_t n, const float *weights, size_t classes,
                     size_t depth, float *scratch)
{
    for (size_t k = 0; k < depth; k += 4) {
        widen(scratch, bytes + k * n, 4 * n);
        for (size_t c = 0; c < classes; c += 2)
            add_four_to_two(out + c * n, out + (c + 1) * n, scratch, n, weights + c * depth + k,
                            weights + (c + 1) * depth + k);
    }
}

void pixel_blocks_scores(float *out, const struct pixel_blocks *blocks, size_t block, const float *weights,
                         size_t classes, float *scratch)
{
    const size_t depth = blocks->padded_pixels;
    multiply(out, blocks->by_pixel + block * depth * PIXEL_BLOCK_ROWS, PIXEL_BLOCK_ROWS, weights, classes,
             depth, scratch);
}

void pixel_blocks_sums(float *out, const struct pixel_blocks *blocks, size_t block, const float *factors,
                       size_t classes, float *scratch)
{
    const size_t n = blocks->padded_pixels;
    multiply(out, blocks->by_row + block * n * PIXEL_BLOCK_ROWS, n, factors, classes, PIXEL_BLOCK_ROWS,
             scratch);
}
