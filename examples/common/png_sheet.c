/* SPDX-License-Identifier: BSD-3-Clause */
#include "png_sheet.h"

#include <png.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { GAP = 4, WHITE = 255, SMALL = 64 };

int png_sheet_open(struct png_sheet *sheet, size_t rows, size_t height, size_t width)
{
    *sheet = (struct png_sheet){.rows = rows, .height = height, .width = width};
    sheet->zoom = height <= SMALL && width <= SMALL ? 2 : 1;
    sheet->stride = GAP + PNG_SHEET_COLUMNS * (width * sheet->zoom + GAP);
    sheet->lines = GAP + rows * (height * sheet->zoom + GAP);
    sheet->pixels = malloc(sheet->stride * sheet->lines);
    sheet->filled = calloc(rows, sizeof(*sheet->filled));
    if (!sheet->pixels || !sheet->filled) {
        png_sheet_close(sheet);
        return -1;
    }
    memset(sheet->pixels, WHITE, sheet->stride * sheet->lines);
    return 0;
}

void png_sheet_close(struct png_sheet *sheet)
{
    free(sheet->pixels);
    free(sheet->filled);
    *sheet = (struct png_sheet){0};
}

void png_sheet_offer(struct png_sheet *sheet, size_t row, const uint8_t *picture)
{
    if (row >= sheet->rows || sheet->filled[row] == PNG_SHEET_COLUMNS)
        return;
    const size_t zoom = sheet->zoom;
    const size_t left = GAP + sheet->filled[row]++ * (sheet->width * zoom + GAP);
    const size_t top = GAP + row * (sheet->height * zoom + GAP);
    for (size_t y = 0; y < sheet->height * zoom; y++)
        for (size_t x = 0; x < sheet->width * zoom; x++)
            sheet->pixels[(top + y) * sheet->stride + left + x] = picture[y / zoom * sheet->width + x / zoom];
}

int png_sheet_write(const struct png_sheet *sheet, const char *path)
{
    png_image image = {.version = PNG_IMAGE_VERSION,
                       .width = (png_uint_32)sheet->stride,
                       .height = (png_uint_32)sheet->lines,
                       .format = PNG_FORMAT_GRAY};
    if (png_image_write_to_file(&image, path, 0, sheet->pixels, (png_int_32)sheet->stride, NULL))
        return 0;
    fprintf(stderr, "%s: %s\n", path, image.message);
    return -1;
}
