/* SPDX-License-Identifier: BSD-3-Clause */
#include "linalg_grid.h"
#include "base_simd.h"

/* Adding 1.5 2^52 leaves the nearest whole number in the low digits. */
static const double large = 0x1.8p52;

DPM_SIMD_INLINE uint64_t bits_of(double value)
{
    union {
        double value;
        uint64_t bits;
    } both = {value};
    return both.bits;
}

DPM_SIMD_INLINE void add_body(int64_t *restrict sums, size_t step, const float *restrict values, size_t ld,
                              size_t rows, size_t columns, double steps_per_unit)
{
    for (size_t i = 0; i < rows; i++)
        for (size_t j = 0; j < columns; j++) {
            double shifted = (double)values[i * ld + j] * steps_per_unit + large;
            uint64_t steps = bits_of(shifted) - bits_of(large);
            sums[i * step + j] = (int64_t)((uint64_t)sums[i * step + j] + steps);
        }
}

DPM_SIMD_VERSIONS(add,
                  (int64_t * sums, size_t step, const float *values, size_t ld, size_t rows, size_t columns,
                   double steps_per_unit),
                  (sums, step, values, ld, rows, columns, steps_per_unit))

void dpm_grid_add(const struct dpm_grid *grid, size_t row, size_t column, const float *values, size_t ld,
                  size_t rows, size_t columns)
{
    dpm_mutex_lock(grid->lock);
    add(grid->sums + row * grid->step + column, grid->step, values, ld, rows, columns, grid->steps_per_unit);
    dpm_mutex_unlock(grid->lock);
}

void dpm_grid_fetch(const struct dpm_grid *grid, size_t row, size_t column, size_t rows, size_t columns)
{
    const int64_t *first = grid->sums + row * grid->step + column;
    for (size_t i = 0; i < rows; i++)
        for (size_t j = 0; j < columns; j += DPM_SIMD_LINE / sizeof *first)
            DPM_SIMD_FETCH(first + i * grid->step + j);
}
