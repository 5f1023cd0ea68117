/* SPDX-License-Identifier: BSD-3-Clause */
/* Sums of float32 numbers on a grid, as integers: exact, and the same in any order. */
#ifndef DPM_LINALG_GRID_H
#define DPM_LINALG_GRID_H

#include "base_threads.h"

#include <stddef.h>
#include <stdint.h>

/* A row-major matrix of sums, rows `step` apart. The lock is held while numbers are added. */
struct dpm_grid {
    int64_t *sums;
    size_t step;
    double steps_per_unit; /* a power of two: products with it are exact */
    dpm_mutex *lock;
};

/* Rounds values (rows x columns, rows ld apart) to the nearest whole steps, of which each has fewer than
 * 2^51, and adds them to the sums from (row, column) on. The sums wrap modulo 2^64. */
void dpm_grid_add(const struct dpm_grid *grid, size_t row, size_t column, const float *values, size_t ld,
                  size_t rows, size_t columns);

/* Has these sums fetched early. */
void dpm_grid_fetch(const struct dpm_grid *grid, size_t row, size_t column, size_t rows, size_t columns);

#endif
