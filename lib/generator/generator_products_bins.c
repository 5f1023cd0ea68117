/* SPDX-License-Identifier: BSD-3-Clause */
/* Bins of numbers from noisy counts of cells: where to cut, and what a value within a bin is like. All of it
 * is post-processing. */
#include "base_alloc.h"
#include "generator_products.h"

#include <math.h>
#include <string.h>

enum { MOST_CELLS = 1 << 15, CELLS_OF_NUMBER = 512, FEWEST_CELLS = 16, MOST_SHARING = 4 };

/* In standard deviations of a count's noise: what a cell has to hold to be looked at closely, what a bin has
 * to hold, by how much a cell has to stand out to be taken for a value of its own, and so a fine cell, and
 * what a range has to hold to have a share in its bin: noise on wide ranges without records is much. */
static const double slot_level = 8, bin_level = 5, cell_level = 4, fine_level = 5, range_level = 2;

/* In even shares of a number's bins: what a bin holds at most when it is closed for being full, by a cell
 * that is nearly heavy. */
static const double full_level = 3;

int dpm_products_grid_new(struct dpm_products_grid *grid, size_t numbers, size_t bins)
{
    size_t cells = CELLS_OF_NUMBER;
    while (cells > FEWEST_CELLS && cells * numbers > MOST_CELLS)
        cells /= 2;
    size_t per_sheet = (numbers + DPM_QUERY_MATRICES - 1) / DPM_QUERY_MATRICES;
    size_t sheets = per_sheet > 0 && per_sheet <= MOST_SHARING ? (numbers + per_sheet - 1) / per_sheet : 0;
    *grid = (struct dpm_products_grid){
        .numbers = numbers,
        .cells = cells,
        .bins = bins < cells ? bins : cells,
        .coarse = dpm_alloc(numbers, cells * sizeof(double)),
        .fine = dpm_alloc(sheets, DPM_PRODUCTS_SLOTS * DPM_PRODUCTS_FINE * sizeof(double)),
        .sheets = sheets,
        .per_sheet = per_sheet,
        .slot = dpm_alloc(numbers, cells * sizeof(int32_t)),
        .bin = dpm_alloc(numbers, cells * sizeof(int32_t)),
        .n_bins = dpm_alloc(numbers, sizeof(size_t)),
    };
    int complete = grid->coarse && grid->fine && grid->slot && grid->bin && grid->n_bins;
    return complete ? DPMIX_OK : DPMIX_ERR_NOMEM;
}

void dpm_products_grid_free(struct dpm_products_grid *grid)
{
    dpm_free(grid->coarse);
    dpm_free(grid->fine);
    dpm_free(grid->slot);
    dpm_free(grid->bin);
    dpm_free(grid->n_bins);
}

/* Exact: the number of cells is a power of two. */
size_t dpm_products_cell(const struct dpm_products_grid *grid, float value)
{
    size_t cell = (size_t)(value * (float)grid->cells);
    return cell < grid->cells ? cell : grid->cells - 1;
}

size_t dpm_products_fine_cell(const struct dpm_products_grid *grid, float value)
{
    float within = value * (float)grid->cells - (float)dpm_products_cell(grid, value);
    size_t cell = (size_t)(within * (float)DPM_PRODUCTS_FINE);
    return cell < DPM_PRODUCTS_FINE ? cell : DPM_PRODUCTS_FINE - 1;
}

/* Gives the slots of a sheet to those of n cells that hold most. */
static void choose_slots(int32_t *slot, const double *counts, size_t n, double least)
{
    for (size_t i = 0; i < n; i++)
        slot[i] = -1;
    for (int32_t used = 0; used < DPM_PRODUCTS_SLOTS; used++) {
        size_t best = n;
        for (size_t i = 0; i < n; i++)
            if (slot[i] < 0 && counts[i] > least && (best == n || counts[i] > counts[best]))
                best = i;
        if (best == n)
            return;
        slot[best] = used;
    }
}

void dpm_products_choose_slots(struct dpm_products_grid *grid)
{
    for (size_t sheet = 0; sheet < grid->sheets; sheet++) {
        size_t begin = sheet * grid->per_sheet, end = begin + grid->per_sheet;
        end = end < grid->numbers ? end : grid->numbers;
        choose_slots(grid->slot + begin * grid->cells, grid->coarse + begin * grid->cells,
                     (end - begin) * grid->cells, slot_level * grid->coarse_noise);
    }
}

/* ---- Where to cut ---- */

/* Whether a sum of noisy counts of `size` cells stands out of its noise. */
static int stands_out(double sum, size_t size, double level, double noise)
{
    return sum >= level * noise * sqrt((double)size);
}

/* A bin ends where it is full; before a heavy cell, unless it held next to nothing; and behind that cell. */
static void cut(const double *counts, size_t cells, size_t bins, double noise, int32_t *bin, size_t *n_bins)
{
    double all = 0, rest = 0, held = 0;
    size_t n = 0, size = 0, n_heavy = 0;
    for (size_t c = 0; c < cells; c++)
        all += counts[c];
    double heavy = fmax(2 * all / (double)bins, bin_level * noise);
    for (size_t c = 0; c < cells; c++) {
        n_heavy += counts[c] >= heavy;
        rest += counts[c] >= heavy ? 0 : counts[c];
    }
    size_t left = bins > 2 * n_heavy ? bins - 2 * n_heavy : 1;
    double each = fmax(rest / (double)left, bin_level * noise);
    for (size_t c = 0; c < cells; c++) {
        int before_heavy = counts[c] >= heavy && stands_out(held, size, bin_level, noise);
        int after_heavy = c > 0 && counts[c - 1] >= heavy;
        int full = held >= each && stands_out(held, size, cell_level, noise);
        if (size > 0 && n + 1 < bins && (before_heavy || after_heavy || full)) {
            n++;
            held = 0;
            size = 0;
        }
        bin[c] = (int32_t)n;
        held += counts[c];
        size++;
    }
    *n_bins = n + 1;
}

/* How many parts a bin of n cells is cut into: 1, unless it holds more than bins do that are full, most of it
 * not in one cell. */
static size_t count_parts(const double *counts, size_t n, double fair, double pair_noise, size_t most)
{
    double held = 0, largest = 0;
    for (size_t c = 0; c < n; c++) {
        held += counts[c];
        largest = fmax(largest, counts[c]);
    }
    double spread = held - largest;
    double parts = spread > full_level * fair ? fmin(spread / fair, spread / (bin_level * pair_noise)) : 1;
    most = most < n ? most : n;
    return parts >= (double)most ? most : (parts > 1 ? (size_t)parts : 1);
}

/* Of few records no cell stands out, nor do many cells together. The tables of pairs still tell such a bin's
 * equal parts from each other, since they have the noise of one count for each and not of all its cells. */
static void split(const double *counts, const struct dpm_products_grid *grid, int32_t *bin, size_t *n_bins)
{
    double all = 0;
    for (size_t c = 0; c < grid->cells; c++)
        all += counts[c];
    if (!(all > 0))
        return;
    size_t n = 0, behind = *n_bins;
    for (size_t begin = 0, end; begin < grid->cells; begin = end) {
        for (end = begin + 1; end < grid->cells && bin[end] == bin[begin]; end++)
            ;
        behind--;
        size_t parts = count_parts(counts + begin, end - begin, all / (double)grid->bins, grid->pair_noise,
                                   grid->bins - n - behind);
        for (size_t c = begin; c < end; c++)
            bin[c] = (int32_t)(n + (c - begin) * parts / (end - begin));
        n += parts;
    }
    *n_bins = n;
}

void dpm_products_choose_bins(struct dpm_products_grid *grid)
{
    for (size_t i = 0; i < grid->numbers; i++) {
        const double *counts = grid->coarse + i * grid->cells;
        int32_t *bin = grid->bin + i * grid->cells;
        cut(counts, grid->cells, grid->bins, grid->coarse_noise, bin, &grid->n_bins[i]);
        split(counts, grid, bin, &grid->n_bins[i]);
    }
}

/* ---- What values within a bin are like ---- */

/* A cell that stands out is a piece, and so may be what is left of it between cells that do not; where it has
 * a slot, its fine cells are pieces, too. */
size_t dpm_products_most_pieces(const struct dpm_products_grid *grid)
{
    return 2 * grid->numbers * grid->cells + grid->sheets * DPM_PRODUCTS_SLOTS * DPM_PRODUCTS_FINE;
}

static struct dpm_products_piece *add_piece(struct dpm_products_piece *piece, double low, double high,
                                            double weight)
{
    *piece = (struct dpm_products_piece){(float)low, (float)high, (float)weight};
    return piece + 1;
}

/* The pieces of a cell that stands out: the values that stand out of its fine cells, in their middles, and
 * the rest of the cell where that does; the cell where it was not looked at closely, or nothing stands out.
 */
static struct dpm_products_piece *add_cell(struct dpm_products_piece *piece,
                                           const struct dpm_products_grid *grid, size_t number, size_t cell)
{
    double width = 1 / (double)grid->cells, low = (double)cell * width,
           fine_width = width / DPM_PRODUCTS_FINE;
    double rest = grid->coarse[number * grid->cells + cell];
    int32_t slot = grid->sheets > 0 ? grid->slot[number * grid->cells + cell] : -1;
    size_t line = slot >= 0 ? number / grid->per_sheet * DPM_PRODUCTS_SLOTS + (size_t)slot : 0;
    const struct dpm_products_piece *begin = piece;
    for (size_t f = 0; slot >= 0 && f < DPM_PRODUCTS_FINE; f++) {
        double count = grid->fine[line * DPM_PRODUCTS_FINE + f];
        double middle = low + ((double)f + 0.5) * fine_width;
        if (count < fine_level * grid->fine_noise)
            continue;
        piece = add_piece(piece, middle, middle, count);
        rest -= count;
    }
    if (piece == begin || rest >= fine_level * hypot(grid->fine_noise, grid->coarse_noise))
        piece = add_piece(piece, low, low + width, rest);
    return piece;
}

/* Where to split cells [begin, end) such that the means of the two sides differ by most deviations of the
 * noise; 0 where they differ by less than cell_level. */
static size_t find_split(const double *counts, size_t begin, size_t end, double noise)
{
    double all = 0, left = 0, largest = cell_level * noise;
    size_t best = 0;
    for (size_t c = begin; c < end; c++)
        all += counts[c];
    for (size_t c = begin; c + 1 < end; c++) {
        left += counts[c];
        double n_left = (double)(c + 1 - begin), n_right = (double)(end - c - 1);
        double change =
            fabs(left / n_left - (all - left) / n_right) * sqrt(n_left * n_right / (n_left + n_right));
        if (change > largest) {
            largest = change;
            best = c + 1;
        }
    }
    return best;
}

/* Intervals of equal density for the cells [begin, end), split where the counts tell of a change. */
static struct dpm_products_piece *add_range(struct dpm_products_piece *piece,
                                            const struct dpm_products_grid *grid, const double *counts,
                                            size_t begin, size_t end)
{
    double sum = 0;
    size_t split = find_split(counts, begin, end, grid->coarse_noise);
    if (split > 0) {
        piece = add_range(piece, grid, counts, begin, split);
        return add_range(piece, grid, counts, split, end);
    }
    for (size_t c = begin; c < end; c++)
        sum += counts[c];
    if (!stands_out(sum, end - begin, range_level, grid->coarse_noise))
        sum = 0;
    return add_piece(piece, (double)begin / (double)grid->cells, (double)end / (double)grid->cells, sum);
}

/* Takes those of the cells [begin, end) of a number that stand out of the others as pieces by themselves. */
static struct dpm_products_piece *take_cells(struct dpm_products_piece *piece,
                                             const struct dpm_products_grid *grid, size_t number,
                                             size_t begin, size_t end)
{
    double *counts = grid->coarse + number * grid->cells;
    double sum = 0, level = cell_level * grid->coarse_noise;
    for (size_t c = begin; c < end; c++)
        sum += counts[c];
    double even = end - begin > 1 ? fmax(0, sum / (double)(end - begin)) : 0;
    for (size_t c = begin; c < end; c++)
        if (counts[c] - even >= level) {
            piece = add_cell(piece, grid, number, c);
            counts[c] = 0;
        }
    return piece;
}

/* The pieces of a bin. */
static struct dpm_products_piece *add_bin(struct dpm_products_piece *piece,
                                          const struct dpm_products_grid *grid, size_t number, size_t begin,
                                          size_t end)
{
    struct dpm_products_piece *first = piece;
    double all = 0;
    piece = take_cells(piece, grid, number, begin, end);
    piece = add_range(piece, grid, grid->coarse + number * grid->cells, begin, end);
    for (struct dpm_products_piece *p = first; p < piece; p++)
        all += (double)p->weight;
    for (struct dpm_products_piece *p = first; p < piece; p++)
        p->weight = all > 0 ? (float)((double)p->weight / all) : 1 / (float)(piece - first);
    return piece;
}

void dpm_products_set_pieces(struct dpm_products *model, const struct dpm_products_grid *grid)
{
    struct dpm_products_piece *piece = model->pieces;
    size_t number = 0;
    for (size_t v = 0; v < model->variables; v++) {
        size_t end = 0;
        for (size_t d = model->first[v]; d < model->first[v + 1]; d++) {
            model->first_piece[d] = (size_t)(piece - model->pieces);
            if (model->width[v] > 0)
                continue;
            const int32_t *bin = grid->bin + number * grid->cells;
            size_t begin = end;
            while (end < grid->cells && (size_t)bin[end] == d - model->first[v])
                end++;
            piece = add_bin(piece, grid, number, begin, end);
        }
        number += model->width[v] == 0;
    }
    model->first_piece[model->first[model->variables]] = (size_t)(piece - model->pieces);
}
