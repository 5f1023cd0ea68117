/* SPDX-License-Identifier: BSD-3-Clause */
/* A sheet of grey pictures in rows, written as one PNG file. */
#ifndef EXAMPLE_PNG_SHEET_H
#define EXAMPLE_PNG_SHEET_H

#include <stddef.h>
#include <stdint.h>

enum { PNG_SHEET_COLUMNS = 16 };

struct png_sheet {
    size_t rows, height, width; /* height and width of a picture */
    size_t zoom;                /* sheet pixels for a picture's pixel, along each side */
    size_t stride, lines;       /* of the sheet */
    uint8_t *pixels;
    size_t *filled; /* pictures in each row so far */
};

/* Returns 0, or -1 when memory is out. */
int png_sheet_open(struct png_sheet *sheet, size_t rows, size_t height, size_t width);
void png_sheet_close(struct png_sheet *sheet);

/* Puts a picture into the next free place of a row; a full row takes no more. */
void png_sheet_offer(struct png_sheet *sheet, size_t row, const uint8_t *picture);

/* Returns 0, or -1 after a line on stderr. */
int png_sheet_write(const struct png_sheet *sheet, const char *path);

#endif
