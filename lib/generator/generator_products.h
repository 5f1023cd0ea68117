/* SPDX-License-Identifier: BSD-3-Clause */
/* Mixtures of products of columns' laws: the model, shared by its fit, its bins and its sampling.
 *
 * A variable is a column by itself (a number), a one-hot group of columns (a category), or the label. It has
 * places: of a number these are bins of [0, 1]. Within a bin a number's law is made of pieces, the same in
 * all components and parts: intervals with an equal density, and single values (low = high). */
#ifndef DPM_GENERATOR_PRODUCTS_H
#define DPM_GENERATOR_PRODUCTS_H

#include "generator_kind.h"
#include "nn_products.h"

enum { DPM_PRODUCTS_PLACES = 4096 }; /* of all variables, at most */

struct dpm_products_piece {
    float low, high, weight; /* weights of a bin add up to 1 */
};

struct dpm_products {
    size_t n_columns, classes; /* classes 0: it makes no labels */
    size_t n_parts, components;
    size_t variables, numbers;
    size_t *column;      /* variables: the first of its columns; n_columns for the label */
    size_t *width;       /* variables: its columns or classes; 0: a number */
    size_t *first;       /* variables + 1: places */
    size_t *first_piece; /* places + 1 */
    struct dpm_products_piece *pieces;
    float *laws; /* n_parts x dpm_nn_products_size(): shares and laws */
};

/* Variables without places. DPMIX_ERR_NOMEM. */
int dpm_products_new(struct dpm_products **out, const struct dpm_bounds *bounds, size_t classes,
                     size_t n_parts);
void dpm_products_free(void *model);

/* Lays out the places; n_bins: of each number, in their order, or NULL: `bins` each. */
void dpm_products_set_places(struct dpm_products *model, const size_t *n_bins, size_t bins);

struct dpm_nn_products dpm_products_shape(const struct dpm_products *model);

/* Of the kind. */
void dpm_products_sample(const struct dpmix_generator *generator, int part, float *rows, int32_t *labels,
                         size_t n, struct dpm_stream *stream, float *scratch);
size_t dpm_products_scratch(const struct dpmix_generator *generator);
void dpm_products_put(const struct dpmix_generator *generator, struct dpm_blob *blob);
void dpm_products_get(struct dpmix_generator *generator, struct dpm_blob *blob);

/* ---- Bins (generator_products_bins.c) ---- */

enum { DPM_PRODUCTS_FINE = 256, DPM_PRODUCTS_SLOTS = 16 }; /* fine cells in a coarse one; slots of a sheet */

/* Counts of coarse cells, equal parts of [0, 1], and of fine cells within some of them, which have slots. A
 * sheet has the slots of one number, or of some numbers in a row; there are none where numbers are many. */
struct dpm_products_grid {
    size_t numbers, cells, bins; /* bins: of a number, at most */
    size_t sheets, per_sheet;    /* numbers of a sheet */
    double *coarse;              /* as released: numbers x cells */
    double *fine;                /* as released: sheets x DPM_PRODUCTS_SLOTS x DPM_PRODUCTS_FINE */
    double coarse_noise, fine_noise;
    double pair_noise; /* of a count of pairs, in records of all parts */
    int32_t *slot;     /* numbers x cells: of the cell, in its sheet; -1: none */
    int32_t *bin;      /* numbers x cells */
    size_t *n_bins;    /* numbers */
};

int dpm_products_grid_new(struct dpm_products_grid *grid, size_t numbers, size_t bins);
void dpm_products_grid_free(struct dpm_products_grid *grid);

size_t dpm_products_cell(const struct dpm_products_grid *grid, float value);
size_t dpm_products_fine_cell(const struct dpm_products_grid *grid, float value);

/* Gives slots to the cells with the largest counts, as far as they stand out of the noise. */
void dpm_products_choose_slots(struct dpm_products_grid *grid);

/* Cuts each number's cells into bins of about equal counts; cells that hold much are bins of their own. Where
 * the counts do not tell where to cut, bins are equally wide. */
void dpm_products_choose_bins(struct dpm_products_grid *grid);

/* The most pieces that there can be. */
size_t dpm_products_most_pieces(const struct dpm_products_grid *grid);

/* The pieces of all bins; the model's places are laid out. Works in grid->coarse. */
void dpm_products_set_pieces(struct dpm_products *model, const struct dpm_products_grid *grid);

/* ---- From released sums to tables (generator_products_table.c) ---- */

/* Sums of products of places scaled by their variable's length, `stride` numbers a line, each with noise of
 * the given deviation, as a table of the shares of records; importance: as in nn_products.h. Returns the
 * noisy number of records, floored, over the noise. Works in `sums`. */
double dpm_products_table(const struct dpm_products *model, float *table, float *importance, double *sums,
                          size_t stride, const float *lengths, double noise);

#endif
