/* SPDX-License-Identifier: BSD-3-Clause */
/* Byte records arranged for products with a small matrix: blocks of rows, each kept twice as bytes (by row
 * and by pixel), so that both products run along contiguous memory. */
#ifndef EXAMPLE_PIXEL_BLOCKS_H
#define EXAMPLE_PIXEL_BLOCKS_H

#include <stddef.h>
#include <stdint.h>

enum { PIXEL_BLOCK_ROWS = 256 };

struct pixel_blocks {
    size_t rows, pixels;  /* as given */
    size_t padded_pixels; /* to a multiple of 4; padding is zero, and so are missing rows of the last block */
    size_t blocks;
    uint8_t *by_row;   /* blocks x PIXEL_BLOCK_ROWS x padded_pixels */
    uint8_t *by_pixel; /* blocks x padded_pixels x PIXEL_BLOCK_ROWS */
};

/* Returns 0, or -1 when memory is out. */
int pixel_blocks_open(struct pixel_blocks *blocks, const uint8_t *bytes, size_t rows, size_t pixels);
void pixel_blocks_close(struct pixel_blocks *blocks);

/* out[class][row of the block] += sum over pixels of weights[class][pixel] * byte.
 * `classes` is even; weights is classes x padded_pixels; out is classes x PIXEL_BLOCK_ROWS; scratch has room
 * for 4 * PIXEL_BLOCK_ROWS. */
void pixel_blocks_scores(float *out, const struct pixel_blocks *blocks, size_t block, const float *weights,
                         size_t classes, float *scratch);

/* out[class][pixel] += sum over rows of the block of factors[class][row] * byte.
 * `classes` is even; factors is classes x PIXEL_BLOCK_ROWS; out is classes x padded_pixels; scratch has room
 * for 4 * padded_pixels. */
void pixel_blocks_sums(float *out, const struct pixel_blocks *blocks, size_t block, const float *factors,
                       size_t classes, float *scratch);

#endif
