/* SPDX-License-Identifier: BSD-3-Clause */
/* Mixtures of products of columns' laws. The fit has three queries, which read every row once:
 *
 *   COARSE  counts of the cells of every number
 *   FINE    counts of finer cells within those that hold much
 *   PAIRS   the outer product of a row's places with themselves: counts of all pairs of places
 *
 * The first two choose the bins of numbers and are left out where there are none (of numbers; FINE also where
 * there are many). The mixture is then fitted to the noisy counts of pairs (nn_products.h). Statement and
 * proof: doc/privacy.md, section 7. */
#include "generator_products.h"
#include "base_alloc.h"
#include "base_fail.h"

#include <math.h>
#include <string.h>

enum { COARSE, FINE, PAIRS, N_QUERIES };
enum { MOST_AUTOMATIC = 128, STRETCHES = 50 /* of a part's descent */ };

/* Shares of the fit's budget (as squared signal-to-noise) of the three queries. */
static const double query_share[N_QUERIES] = {0.15, 0.03, 0.82};

/* So many noise deviations of records to a component: fewer would let it follow the noise. */
static const double noise_per_component = 4;

struct work {
    struct dpm_products *model;
    struct dpm_products_grid grid;
    struct dpm_query_plan plans[N_QUERIES];
    size_t number[N_QUERIES]; /* of a query among the plans */
    size_t n_plans, places, most_components;
    uint64_t steps;
    float *lengths; /* of a row in each variable's places */
    double *sums;   /* of pairs: n_parts x places x places */
    float *table, *importance, *scratch;
};

/* ---- Contributions ---- */

static size_t argmax(const float *values, size_t n)
{
    size_t best = 0;
    for (size_t i = 1; i < n; i++)
        best = values[i] > values[best] ? i : best;
    return best;
}

/* 1 x (one cell of every number). */
static void contribute_coarse(const void *argument, const struct dpm_block *block, float *const *left,
                              float *const *right)
{
    const struct work *work = argument;
    const struct dpm_products *model = work->model;
    size_t cells = work->grid.cells, width = work->grid.numbers * cells;
    memset(right[0], 0, block->n_rows * width * sizeof(float));
    for (size_t i = 0; i < block->n_rows; i++) {
        const float *row = block->rows + i * block->n_columns;
        float *out = right[0] + i * width;
        left[0][i] = 1;
        for (size_t v = 0; v < model->variables; v++)
            if (model->width[v] == 0) {
                out[dpm_products_cell(&work->grid, row[model->column[v]])] = 1;
                out += cells;
            }
    }
}

/* For every number whose cell has a slot: slot x fine cell, in its sheet. */
static void contribute_fine(const void *argument, const struct dpm_block *block, float *const *left,
                            float *const *right)
{
    const struct work *work = argument;
    const struct dpm_products *model = work->model;
    const struct dpm_products_grid *grid = &work->grid;
    size_t rank = grid->per_sheet, number = 0;
    for (size_t sheet = 0; sheet < grid->sheets; sheet++) {
        memset(left[sheet], 0, block->n_rows * rank * DPM_PRODUCTS_SLOTS * sizeof(float));
        memset(right[sheet], 0, block->n_rows * rank * DPM_PRODUCTS_FINE * sizeof(float));
    }
    for (size_t v = 0; v < model->variables; v++) {
        if (model->width[v] > 0)
            continue;
        const int32_t *slots = grid->slot + number * grid->cells;
        size_t sheet = number / rank, pair = number % rank;
        for (size_t i = 0; i < block->n_rows; i++, pair += rank) {
            float value = block->rows[i * block->n_columns + model->column[v]];
            int32_t slot = slots[dpm_products_cell(grid, value)];
            if (slot < 0)
                continue;
            left[sheet][pair * DPM_PRODUCTS_SLOTS + (size_t)slot] = 1;
            right[sheet][pair * DPM_PRODUCTS_FINE + dpm_products_fine_cell(grid, value)] = 1;
        }
        number++;
    }
}

/* places x places; a place is as long as its variable. */
static void contribute_pairs(const void *argument, const struct dpm_block *block, float *const *left,
                             float *const *right)
{
    const struct work *work = argument;
    const struct dpm_products *model = work->model;
    memset(left[0], 0, block->n_rows * work->places * sizeof(float));
    for (size_t i = 0; i < block->n_rows; i++) {
        const float *row = block->rows + i * block->n_columns;
        const int32_t *bins = work->grid.bin;
        for (size_t v = 0; v < model->variables; v++) {
            size_t place, column = model->column[v];
            if (column == model->n_columns) {
                place = (size_t)block->labels[i];
            } else if (model->width[v] > 0) {
                place = argmax(row + column, model->width[v]);
            } else {
                place = (size_t)bins[dpm_products_cell(&work->grid, row[column])];
                bins += work->grid.cells;
            }
            left[0][i * work->places + model->first[v] + place] = work->lengths[v];
        }
    }
    memcpy(right[0], left[0], block->n_rows * work->places * sizeof(float));
}

/* ---- Before the debit ---- */

static struct dpm_query_plan *add_plan(struct work *work, int query, size_t rows, size_t columns,
                                       double clip_norm)
{
    work->number[query] = work->n_plans;
    work->plans[work->n_plans] = (struct dpm_query_plan){
        .n_matrices = 1,
        .matrix = {{rows, columns, 1}},
        .per_part = query == PAIRS,
        .clip_norm = clip_norm,
        .cancellation = 1,
        .sampling_rate = 1,
        .steps = 1,
        .noise_multiplier = 1 / sqrt(query_share[query]),
    };
    return &work->plans[work->n_plans++];
}

/* As many bins as asked for, or as there is room for. */
static int count_bins(size_t *bins, const struct dpm_products *model, size_t asked)
{
    size_t others = 0;
    for (size_t v = 0; v < model->variables; v++)
        others += model->width[v];
    *bins = asked;
    if (model->numbers > 0 &&
        others<DPM_PRODUCTS_PLACES && * bins>(DPM_PRODUCTS_PLACES - others) / model->numbers)
        *bins = (DPM_PRODUCTS_PLACES - others) / model->numbers;
    if (others > DPM_PRODUCTS_PLACES || *bins < 2)
        return dpm_fail(DPMIX_ERR_UNSUPPORTED,
                        "dataset: too many columns for tables of all pairs: categories, "
                        "and two bins of each number, may be %d together",
                        (int)DPM_PRODUCTS_PLACES);
    return DPMIX_OK;
}

static void plan_queries(struct work *work, double label_weight)
{
    const struct dpm_products *model = work->model;
    double square = 0;
    for (size_t v = 0; v < model->variables; v++) {
        work->lengths[v] = model->column[v] == model->n_columns ? (float)label_weight : 1.0f;
        square += (double)work->lengths[v] * (double)work->lengths[v];
    }
    if (model->numbers > 0) {
        double clip_norm = sqrt((double)model->numbers);
        add_plan(work, COARSE, 1, model->numbers * work->grid.cells, clip_norm);
        if (work->grid.sheets > 0) {
            struct dpm_query_plan *fine =
                add_plan(work, FINE, DPM_PRODUCTS_SLOTS, DPM_PRODUCTS_FINE, clip_norm);
            fine->n_matrices = (int)work->grid.sheets;
            fine->matrix[0].rank = (int)work->grid.per_sheet;
            for (size_t sheet = 1; sheet < work->grid.sheets; sheet++)
                fine->matrix[sheet] = fine->matrix[0];
            fine->cancellation = clip_norm; /* as many products, each 1 long, as there are numbers */
        }
    }
    add_plan(work, PAIRS, work->places, work->places, square);
}

/* Plans, and all the memory that the fit needs. */
static int prepare(struct work *work, const struct dpmix_generator *generator)
{
    struct dpm_products *model = work->model;
    const struct dpmix_options *options = &generator->options;
    size_t components = (size_t)dpm_option_int(options, DPMIX_OPTION_PRODUCTS_COMPONENTS), bins;
    int status = count_bins(&bins, model, (size_t)dpm_option_int(options, DPMIX_OPTION_PRODUCTS_BINS));
    if (!status)
        status = dpm_products_grid_new(&work->grid, model->numbers, bins);
    if (status)
        return status;
    dpm_products_set_places(model, NULL, work->grid.bins);
    work->places = model->first[model->variables];
    work->most_components = components > 0 ? components : MOST_AUTOMATIC;
    work->steps = (uint64_t)dpm_option_int(options, DPMIX_OPTION_PRODUCTS_STEPS);
    struct dpm_nn_products shape = {model->variables, work->most_components, model->first};
    size_t scratch = dpm_nn_products_scratch(&shape);
    if (scratch == 0)
        return dpm_fail(DPMIX_ERR_NOMEM, "out of memory");
    work->lengths = dpm_alloc(model->variables, sizeof(float));
    work->importance = dpm_alloc(model->variables, sizeof(float));
    work->sums = dpm_alloc(model->n_parts * work->places, work->places * sizeof(double));
    work->table = dpm_alloc(work->places, work->places * sizeof(float));
    work->scratch = dpm_alloc(scratch, sizeof(float));
    model->first_piece = dpm_alloc(work->places + 1, sizeof(size_t));
    model->pieces = dpm_alloc(dpm_products_most_pieces(&work->grid), sizeof *model->pieces);
    model->laws = dpm_alloc(model->n_parts, dpm_nn_products_size(&shape) * sizeof(float));
    if (!work->lengths || !work->importance || !work->sums || !work->table || !work->scratch ||
        !model->first_piece || !model->pieces || !model->laws)
        return DPMIX_ERR_NOMEM;
    plan_queries(work, dpm_option_double(options, DPMIX_OPTION_PRODUCTS_LABEL_WEIGHT));
    return DPMIX_OK;
}

static void free_work(struct work *work)
{
    dpm_products_grid_free(&work->grid);
    dpm_free(work->lengths);
    dpm_free(work->importance);
    dpm_free(work->sums);
    dpm_free(work->table);
    dpm_free(work->scratch);
}

/* ---- Behind the debit ---- */

/* The queries take no time beside the descents, whose stretches are what is counted. */
static int progress(const struct work *work, const struct dpm_fit *fit, uint64_t done)
{
    return dpm_fit_progress(fit, DPMIX_PHASE_TRAIN, done, work->model->n_parts * STRETCHES);
}

static int query(struct work *work, struct dpm_release *release, const struct dpm_fit *fit, int number,
                 dpm_block_fn *contribution, double *sums)
{
    int status = progress(work, fit, 0);
    return status ? status : dpm_release_query(release, work->number[number], contribution, work, sums);
}

static int find_bins(struct work *work, struct dpm_release *release, const struct dpm_fit *fit)
{
    struct dpm_products_grid *grid = &work->grid;
    int status = query(work, release, fit, COARSE, contribute_coarse, grid->coarse);
    if (status)
        return status;
    grid->coarse_noise = dpm_query_noise(&work->plans[work->number[COARSE]]);
    if (grid->sheets > 0) {
        dpm_products_choose_slots(grid);
        status = query(work, release, fit, FINE, contribute_fine, grid->fine);
        if (status)
            return status;
        grid->fine_noise = dpm_query_noise(&work->plans[work->number[FINE]]);
    }
    grid->pair_noise = dpm_query_noise(&work->plans[work->number[PAIRS]]) * (double)work->model->n_parts;
    dpm_products_choose_bins(grid);
    dpm_products_set_places(work->model, grid->n_bins, 0);
    return DPMIX_OK;
}

/* Every component starts near the means of all, each in a random direction of its own. */
static void start(struct work *work, float *weights, const uint8_t key[DPM_KEY_SIZE], size_t part)
{
    const struct dpm_products *model = work->model;
    size_t components = model->components, places = model->first[model->variables];
    struct dpm_stream stream;
    dpm_stream_open(&stream, key, DPM_STREAM_MODEL, part, 0);
    dpm_stream_normals(&stream, weights + components, components * places);
    dpm_stream_wipe(&stream);
    memset(weights, 0, components * sizeof *weights);
    for (size_t d = 0; d < places; d++) {
        float mean = logf(fmaxf(work->table[d * places + d], 1e-4f));
        for (size_t k = 0; k < components; k++)
            weights[components + k * places + d] += mean;
    }
}

/* Records over noise of all parts say how many components there can be. */
static void choose_components(struct work *work, int automatic, double noise)
{
    struct dpm_products *model = work->model;
    double signal = 0;
    for (size_t part = 0; part < model->n_parts; part++)
        signal += dpm_products_table(model, work->table, work->importance,
                                     work->sums + part * work->places * work->places, work->places,
                                     work->lengths, noise);
    double components = ceil(signal / (double)model->n_parts / noise_per_component);
    model->components = work->most_components;
    if (automatic && components < (double)work->most_components)
        model->components = components > 2 ? (size_t)components : 2;
}

/* A part's descent from its table, which is in the work. */
static int descend(struct work *work, const struct dpm_fit *fit, size_t part, float *laws)
{
    struct dpm_nn_products shape = dpm_products_shape(work->model);
    for (uint64_t i = 0; i < STRETCHES; i++) {
        struct dpm_nn_products_steps steps = {work->steps * i / STRETCHES, work->steps * (i + 1) / STRETCHES,
                                              work->steps};
        int status = progress(work, fit, part * STRETCHES + i);
        if (status)
            return status;
        dpm_nn_products_fit(&shape, laws, work->table, work->importance, steps, work->scratch);
    }
    dpm_nn_products_laws(&shape, laws, laws);
    return DPMIX_OK;
}

static int fit_parts(struct work *work, struct dpm_release *release, const struct dpm_fit *fit, int automatic)
{
    struct dpm_products *model = work->model;
    double noise = dpm_query_noise(&work->plans[work->number[PAIRS]]);
    uint8_t key[DPM_KEY_SIZE];
    int status = DPMIX_OK;
    dpm_release_public_key(release, key);
    dpm_products_set_pieces(model, &work->grid);
    choose_components(work, automatic, noise);
    struct dpm_nn_products shape = dpm_products_shape(model);
    size_t size = dpm_nn_products_size(&shape);
    for (size_t part = 0; !status && part < model->n_parts; part++) {
        float *laws = model->laws + part * size;
        dpm_products_table(model, work->table, work->importance,
                           work->sums + part * work->places * work->places, work->places, work->lengths,
                           noise);
        start(work, laws, key, part);
        status = descend(work, fit, part, laws);
    }
    return status ? status : progress(work, fit, model->n_parts * STRETCHES);
}

static int run(struct work *work, struct dpm_release *release, const struct dpm_fit *fit, int automatic)
{
    int status = work->model->numbers > 0 ? find_bins(work, release, fit) : DPMIX_OK;
    if (!status)
        status = query(work, release, fit, PAIRS, contribute_pairs, work->sums);
    return status ? status : fit_parts(work, release, fit, automatic);
}

static int fit_products(struct dpmix_generator *generator, const struct dpm_fit *fit)
{
    const struct dpmix_options *options = &generator->options;
    int conditional = dpm_generator_is_conditional(generator);
    struct work work = {0};
    struct dpm_release *release = NULL;
    int status = dpm_products_new(&work.model, &generator->bounds,
                                  conditional ? (size_t)generator->n_classes : 0, (size_t)generator->n_parts);
    if (status)
        return status;
    generator->model = work.model;
    status = prepare(&work, generator);
    if (!status)
        status = dpm_query_calibrate(fit->accountant, fit->share, work.plans, work.n_plans);
    if (!status)
        status = dpm_release_open(&release, fit->accountant, fit->dataset,
                                  "bins and tables of pairs of the mixture of products", work.plans,
                                  work.n_plans, fit->partition, fit->threads);
    if (!status)
        status = run(&work, release, fit, dpm_option_int(options, DPMIX_OPTION_PRODUCTS_COMPONENTS) == 0);
    if (!status) {
        generator->makes_labels = conditional;
        generator->ledger = dpm_release_take_ledger(release);
    }
    dpm_release_close(release);
    free_work(&work);
    return status;
}

const struct dpm_generator_kind dpm_generator_products = {
    .kind = DPMIX_GENERATOR_PRODUCTS,
    .has_no_steps = 1,
    .fit = fit_products,
    .free_model = dpm_products_free,
    .sample = dpm_products_sample,
    .sample_scratch = dpm_products_scratch,
    .put = dpm_products_put,
    .get = dpm_products_get,
};
