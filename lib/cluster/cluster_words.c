/* SPDX-License-Identifier: BSD-3-Clause */
#include "cluster_words.h"
#include "base_alloc.h"
#include "base_simd.h"
#include "cluster_lloyd.h"
#include "linalg_words.h"

#include <math.h>
#include <string.h>

int dpm_lloyd_words_new(struct dpm_lloyd_words *words, const struct dpm_bounds *bounds, size_t n)
{
    words->step = dpm_words_step(bounds->n_columns);
    words->lines = dpm_words_up(n, DPM_WORDS_WIDTH);
    words->unit = bounds->scale[0] / DPM_WORDS_UNIT;
    words->lower = bounds->lower[0] * DPM_WORDS_UNIT;
    words->origin = dpm_alloc(bounds->n_columns, sizeof *words->origin);
    words->centres = dpm_alloc(words->lines, words->step * sizeof *words->centres);
    return words->origin && words->centres ? DPMIX_OK : DPMIX_ERR_NOMEM;
}

void dpm_lloyd_words_free(struct dpm_lloyd_words *words)
{
    dpm_free(words->origin);
    dpm_free(words->centres);
}

/* What was released is around the rounded origin, so rounding costs nothing. */
void dpm_lloyd_words_round(struct dpm_lloyd *lloyd)
{
    struct dpm_lloyd_words *words = &lloyd->words;
    float *origin = lloyd->centres->origin;
    for (size_t i = 0; words->origin && i < lloyd->centres->n_columns; i++) {
        double word = nearbyint((double)origin[i] / words->unit + words->lower);
        word = fmin(fmax(word, 0), DPM_WORDS_LARGEST);
        words->origin[i] = (int16_t)word;
        origin[i] = (float)((word - words->lower) * words->unit);
    }
}

/* Products of words d with centres of length c stay below 2^31 when |d| c does, and |d| is at most
 * DPM_WORDS_LARGEST sqrt(n). Rounding lengthens a centre by sqrt(n) / 2 at most. */
static void round_centres(struct dpm_lloyd *lloyd)
{
    struct dpm_lloyd_words *words = &lloyd->words;
    const struct dpm_centres *centres = lloyd->centres;
    size_t d = centres->n_columns;
    double root = sqrt((double)d), square = 1;
    for (size_t j = 0; j < centres->n_centres; j++)
        square = fmax(square, 2 * (double)centres->offsets[j]);
    double longest = fmin(0x1p31 / (DPM_WORDS_LARGEST * root) - root / 2, INT16_MAX) - 1;
    double scale = longest / sqrt(square);
    for (size_t j = 0; j < centres->n_centres; j++)
        for (size_t i = 0; i < d; i++)
            words->centres[j * words->step + i] =
                (int16_t)nearbyint((double)centres->centres[j * d + i] * scale);
    words->scale = (float)scale;
}

/* ---- Places: pure functions of centres and row ---- */

/* The factors that bring words into the feature space. */
static void write_factors(const struct dpm_lloyd *lloyd, const struct dpm_words *rows, float *factors)
{
    double unit = lloyd->words.unit, radius = (double)lloyd->centres->radius;
    for (size_t i = 0; i < rows->n_rows; i++)
        factors[i] = (float)(unit / fmax(radius, unit * sqrt((double)rows->squares[i])));
}

static void place_together(const void *model, const struct dpm_words *rows, int32_t *places, float *factors)
{
    write_factors(model, rows, factors);
    memset(places, 0, rows->n_rows * sizeof *places);
}

static void place_by_distance(const void *model, const struct dpm_words *rows, int32_t *places,
                              float *factors)
{
    const struct dpm_lloyd *lloyd = model;
    write_factors(lloyd, rows, factors);
    for (size_t i = 0; i < rows->n_rows; i++)
        places[i] = dpm_lloyd_bin(lloyd, (double)factors[i] / lloyd->words.unit);
}

/* As dpm_centres_nearest(), for rows whose products with a centre lie side by side. */
DPM_SIMD_INLINE void find_nearest_body(int32_t *restrict nearest, const int32_t *restrict products,
                                       const float *restrict scale, const float *restrict offsets,
                                       size_t n_centres)
{
    float highest[DPM_WORDS_ROWS];
    for (size_t i = 0; i < DPM_WORDS_ROWS; i++)
        highest[i] = -INFINITY;
    memset(nearest, 0, DPM_WORDS_ROWS * sizeof *nearest);
    for (size_t j = 0; j < n_centres; j++)
        for (size_t i = 0; i < DPM_WORDS_ROWS; i++) {
            float value = scale[i] * (float)products[j * DPM_WORDS_ROWS + i] - offsets[j];
            nearest[i] = value > highest[i] ? (int32_t)j : nearest[i];
            highest[i] = value > highest[i] ? value : highest[i];
        }
}

DPM_SIMD_VERSIONS(find_nearest,
                  (int32_t * nearest, const int32_t *products, const float *scale, const float *offsets,
                   size_t n_centres),
                  (nearest, products, scale, offsets, n_centres))

static void place_nearest(const void *model, const struct dpm_words *rows, int32_t *places, float *factors)
{
    const struct dpm_lloyd *lloyd = model;
    const struct dpm_centres *centres = lloyd->centres;
    size_t n = rows->n_rows, lines = dpm_words_up(centres->n_centres, DPM_WORDS_WIDTH);
    int32_t *products = (int32_t *)(void *)rows->scratch, nearest[DPM_WORDS_ROWS];
    float scale[DPM_WORDS_ROWS] = {0};
    write_factors(lloyd, rows, factors);
    for (size_t i = 0; i < n; i++)
        scale[i] = factors[i] / lloyd->words.scale;
    dpm_words_dots(products, rows->rows, lloyd->words.centres, rows->step, n, lines);
    find_nearest(nearest, products, scale, centres->offsets, centres->n_centres);
    memcpy(places, nearest, n * sizeof *nearest);
}

/* ---- The queries ---- */

int dpm_lloyd_words_query(struct dpm_lloyd *lloyd, struct dpm_release *release, int query, double *sums)
{
    struct dpm_word_query words = {lloyd->words.origin, 1, place_nearest, lloyd};
    if (query == DPM_LLOYD_MEAN)
        words.place = place_together;
    else if (query == DPM_LLOYD_RADIUS)
        words.place = place_by_distance;
    else
        round_centres(lloyd);
    if (query == DPM_LLOYD_MEAN || query == DPM_LLOYD_MOVE)
        words.last = lloyd->count_weight;
    return dpm_release_query_words(release, (size_t)lloyd->number[query], &words, sums);
}
