/* SPDX-License-Identifier: BSD-3-Clause */
/* Mixtures of products: variables and places, sampling, files. */
#include "base_alloc.h"
#include "generator_products.h"

#include <string.h>

/* ---- Variables ---- */

static size_t end_of_group(const struct dpm_bounds *bounds, size_t column)
{
    size_t end = column + 1;
    while (bounds->groups && bounds->groups[column] > 0 && end < bounds->n_columns &&
           bounds->groups[end] == bounds->groups[column])
        end++;
    return end;
}

int dpm_products_new(struct dpm_products **out, const struct dpm_bounds *bounds, size_t classes,
                     size_t n_parts)
{
    size_t n = bounds->n_columns;
    struct dpm_products *model = dpm_alloc(1, sizeof *model);
    if (!model)
        return DPMIX_ERR_NOMEM;
    model->n_columns = n;
    model->classes = classes;
    model->n_parts = n_parts;
    model->column = dpm_alloc(n + 1, sizeof *model->column);
    model->width = dpm_alloc(n + 1, sizeof *model->width);
    model->first = dpm_alloc(n + 2, sizeof *model->first);
    if (!model->column || !model->width || !model->first) {
        dpm_products_free(model);
        return DPMIX_ERR_NOMEM;
    }
    for (size_t column = 0, end; column < n; column = end) {
        int number = !bounds->groups || bounds->groups[column] == 0;
        end = end_of_group(bounds, column);
        model->numbers += (size_t)number;
        model->column[model->variables] = column;
        model->width[model->variables++] = number ? 0 : end - column;
    }
    if (classes > 0) {
        model->column[model->variables] = n;
        model->width[model->variables++] = classes;
    }
    *out = model;
    return DPMIX_OK;
}

void dpm_products_free(void *memory)
{
    struct dpm_products *model = memory;
    if (!model)
        return;
    dpm_free(model->column);
    dpm_free(model->width);
    dpm_free(model->first);
    dpm_free(model->first_piece);
    dpm_free(model->pieces);
    dpm_free(model->laws);
    dpm_free(model);
}

void dpm_products_set_places(struct dpm_products *model, const size_t *n_bins, size_t bins)
{
    size_t number = 0;
    for (size_t v = 0; v < model->variables; v++) {
        size_t places = model->width[v];
        if (places == 0)
            places = n_bins ? n_bins[number++] : bins;
        model->first[v + 1] = model->first[v] + places;
    }
}

struct dpm_nn_products dpm_products_shape(const struct dpm_products *model)
{
    return (struct dpm_nn_products){model->variables, model->components, model->first};
}

/* ---- Sampling ---- */

/* `u` is uniform in (0, 1); the weights add up to 1, but for rounding. */
static size_t pick(const float *weights, size_t n, double u)
{
    size_t last = 0; /* that has a weight */
    for (size_t i = 0; i < n; i++) {
        if (weights[i] > 0)
            last = i;
        if (u < (double)weights[i])
            return i;
        u -= (double)weights[i];
    }
    return last;
}

static float draw_number(const struct dpm_products *model, size_t place, struct dpm_stream *stream)
{
    const struct dpm_products_piece *piece = model->pieces + model->first_piece[place];
    const struct dpm_products_piece *last = model->pieces + model->first_piece[place + 1] - 1;
    double u = dpm_stream_uniform(stream);
    for (; piece < last && u >= (double)piece->weight; piece++)
        u -= (double)piece->weight;
    return piece->low + (piece->high - piece->low) * (float)dpm_stream_uniform(stream);
}

size_t dpm_products_scratch(const struct dpmix_generator *generator)
{
    (void)generator;
    return 0;
}

void dpm_products_sample(const struct dpmix_generator *generator, int part, float *rows, int32_t *labels,
                         size_t n, struct dpm_stream *stream, float *scratch)
{
    const struct dpm_products *model = generator->model;
    struct dpm_nn_products shape = dpm_products_shape(model);
    const float *shares = model->laws + (size_t)part * dpm_nn_products_size(&shape);
    const float *laws = shares + model->components;
    size_t places = model->first[model->variables];
    (void)scratch;
    memset(rows, 0, n * model->n_columns * sizeof *rows);
    for (size_t i = 0; i < n; i++) {
        float *row = rows + i * model->n_columns;
        const float *law = laws + places * pick(shares, model->components, dpm_stream_uniform(stream));
        for (size_t v = 0; v < model->variables; v++) {
            size_t first = model->first[v], column = model->column[v];
            size_t place = pick(law + first, model->first[v + 1] - first, dpm_stream_uniform(stream));
            if (model->width[v] == 0)
                row[column] = draw_number(model, first + place, stream);
            else if (column < model->n_columns)
                row[column + place] = 1;
            else if (labels)
                labels[i] = (int32_t)place;
        }
    }
}

/* ---- Files ---- */

enum { MOST_COMPONENTS = 1 << 16, MOST_PIECES = 1 << 16, PIECE_NUMBERS = 3 };

/* Bins of each number, and pieces of each bin; then the pieces, shares and laws. */
void dpm_products_put(const struct dpmix_generator *generator, struct dpm_blob *blob)
{
    const struct dpm_products *model = generator->model;
    struct dpm_nn_products shape = dpm_products_shape(model);
    dpm_blob_put_u64(blob, model->classes);
    dpm_blob_put_u64(blob, model->components);
    for (size_t v = 0; v < model->variables; v++) {
        if (model->width[v] > 0)
            continue;
        dpm_blob_put_u64(blob, model->first[v + 1] - model->first[v]);
        for (size_t d = model->first[v]; d < model->first[v + 1]; d++)
            dpm_blob_put_u64(blob, model->first_piece[d + 1] - model->first_piece[d]);
    }
    for (size_t p = 0; p < model->first_piece[model->first[model->variables]]; p++) {
        const float piece[PIECE_NUMBERS] = {model->pieces[p].low, model->pieces[p].high,
                                            model->pieces[p].weight};
        dpm_blob_put_f32s(blob, piece, PIECE_NUMBERS);
    }
    dpm_blob_put_f32s(blob, model->laws, model->n_parts * dpm_nn_products_size(&shape));
}

/* How many bins a number has is written before the pieces of each, so the table of pieces grows on the way.
 * No fit has more places, and with many more the growing would take for ever. */
static int get_bins(struct dpm_products *model, struct dpm_blob *blob, size_t v)
{
    size_t first = model->first[v], most = DPM_PRODUCTS_PLACES - first;
    size_t places = model->width[v] > 0 ? model->width[v] : (size_t)dpm_blob_get_size(blob, 1, most);
    if (places > most)
        dpm_blob_reject(blob);
    if (dpm_blob_status(blob) || (model->width[v] == 0 && !dpm_blob_holds(blob, places, sizeof(uint64_t))))
        return dpm_blob_status(blob);
    size_t *grown = dpm_alloc(first + places + 1, sizeof *grown);
    if (!grown)
        return DPMIX_ERR_NOMEM;
    if (model->first_piece)
        memcpy(grown, model->first_piece, (first + 1) * sizeof *grown);
    dpm_free(model->first_piece);
    model->first_piece = grown;
    model->first[v + 1] = first + places;
    for (size_t d = first; d < first + places; d++)
        grown[d + 1] = grown[d] + (model->width[v] > 0 ? 0 : (size_t)dpm_blob_get_size(blob, 1, MOST_PIECES));
    return dpm_blob_status(blob);
}

static void get_pieces(struct dpm_products *model, struct dpm_blob *blob)
{
    size_t n = model->first_piece[model->first[model->variables]];
    float *numbers = dpm_blob_get_f32s(blob, n, PIECE_NUMBERS);
    model->pieces = numbers ? dpm_alloc(n, sizeof *model->pieces) : NULL;
    for (size_t p = 0; model->pieces && p < n; p++) {
        const float *piece = numbers + p * PIECE_NUMBERS;
        if (!(piece[0] >= 0 && piece[0] <= piece[1] && piece[1] <= 1 && piece[2] >= 0 && piece[2] <= 1))
            dpm_blob_reject(blob);
        model->pieces[p] = (struct dpm_products_piece){piece[0], piece[1], piece[2]};
    }
    if (numbers && !model->pieces)
        blob->status = DPMIX_ERR_NOMEM;
    dpm_free(numbers);
}

void dpm_products_get(struct dpmix_generator *generator, struct dpm_blob *blob)
{
    struct dpm_products *model = NULL;
    size_t classes = (size_t)dpm_blob_get_size(blob, 0, (uint64_t)generator->n_classes);
    if ((classes != 0 && classes != (size_t)generator->n_classes) || generator->makes_labels != (classes > 0))
        dpm_blob_reject(blob);
    if (dpm_blob_status(blob))
        return;
    if (dpm_products_new(&model, &generator->bounds, classes, (size_t)generator->n_parts)) {
        blob->status = DPMIX_ERR_NOMEM;
        return;
    }
    generator->model = model;
    model->components = (size_t)dpm_blob_get_size(blob, 1, MOST_COMPONENTS);
    for (size_t v = 0; !dpm_blob_status(blob) && v < model->variables; v++)
        if (get_bins(model, blob, v) == DPMIX_ERR_NOMEM)
            blob->status = DPMIX_ERR_NOMEM;
    if (dpm_blob_status(blob))
        return;
    get_pieces(model, blob);
    struct dpm_nn_products shape = dpm_products_shape(model);
    size_t size = dpm_nn_products_size(&shape);
    model->laws = dpm_blob_get_f32s(blob, model->n_parts, size);
    for (size_t i = 0; model->laws && i < model->n_parts * size; i++)
        if (!(model->laws[i] >= 0 && model->laws[i] <= 1))
            dpm_blob_reject(blob);
}
