/* SPDX-License-Identifier: BSD-3-Clause */
#include "feature_distance.h"
#include "base_alloc.h"

#include <assert.h>
#include <math.h>
#include <stdint.h>
#include <string.h>

/* Centres up to 3.5 pixels apart count, so squares up to 12. FAR is a square that no sum makes small again.
 */
enum { REACH = 3, MOST_SQUARE = 12, FAR = 100, PIXELS = DPM_DISTANCE_SIDE * DPM_DISTANCE_SIDE };

/* Squares of the distance, in the pixel's own column, to the nearest pixel that is inside (outside). */
struct columns {
    uint8_t to_inside[PIXELS], to_outside[PIXELS];
};

static void measure_columns(struct columns *columns, const uint8_t *inside, size_t side)
{
    memset(columns->to_inside, FAR, side * side);
    memset(columns->to_outside, FAR, side * side);
    for (size_t y = 0; y < side; y++)
        for (size_t x = 0; x < side; x++) {
            uint8_t *nearest = (inside[y * side + x] ? columns->to_inside : columns->to_outside) + x;
            size_t first = y < REACH ? 0 : y - REACH, last = y + REACH < side ? y + REACH : side - 1;
            for (size_t at = first; at <= last; at++) {
                size_t step = at < y ? y - at : at - y, square = step * step;
                if (square < nearest[at * side])
                    nearest[at * side] = (uint8_t)square;
            }
        }
}

/* Square of the distance from pixel x of a line, given the squares in the columns. */
static int nearest_square(const uint8_t *line, size_t x, size_t side)
{
    int least = FAR;
    size_t first = x < REACH ? 0 : x - REACH, last = x + REACH < side ? x + REACH : side - 1;
    for (size_t at = first; at <= last; at++) {
        int step = (int)at - (int)x, square = line[at] + step * step;
        if (square < least)
            least = square;
    }
    return least;
}

void dpm_feature_distance(float *out, const float *images, size_t n, size_t side)
{
    assert(side >= 1 && side <= DPM_DISTANCE_SIDE);
    uint8_t inside[PIXELS];
    struct columns columns;
    float half_range[MOST_SQUARE + 2]; /* d / 6 for every square */
    size_t pixels = side * side;
    for (int square = 0; square <= MOST_SQUARE; square++)
        half_range[square] = (float)((sqrt(square) - 0.5) / 6);
    half_range[MOST_SQUARE + 1] = 0.5f;
    for (size_t i = 0; i < n; i++) {
        for (size_t p = 0; p < pixels; p++)
            inside[p] = images[i * pixels + p] >= 0.5f;
        measure_columns(&columns, inside, side);
        for (size_t p = 0; p < pixels; p++) {
            size_t x = p % side;
            const uint8_t *line = (inside[p] ? columns.to_outside : columns.to_inside) + (p - x);
            int square = nearest_square(line, x, side);
            float d = half_range[square <= MOST_SQUARE ? square : MOST_SQUARE + 1];
            out[i * pixels + p] = inside[p] ? 0.5f + d : 0.5f - d;
        }
    }
    dpm_wipe(inside, pixels); /* the images may be private */
    dpm_wipe(&columns, sizeof columns);
}

void dpm_feature_distance_inverse(float *images, const float *distances, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        float value = (6 * distances[i] - 3) + 0.5f;
        images[i] = value >= 1 ? 1 : (value > 0 ? value : 0);
    }
}
