/* SPDX-License-Identifier: BSD-3-Clause */
#include "softmax.h"

#include "lbfgs.h"
#include "scores.h"
#include "softmax_objective.h"

#include <stdlib.h>
#include <string.h>

static const double l2 = 1e-4;
static const struct lbfgs_limits limits = {
    .iterations = 300, .relative_gradient = 1e-4, .relative_decrease = 1e-4};

/* The trained weights change hands: the objective keeps nothing of them. */
static void take_model(struct softmax *model, struct softmax_objective *objective)
{
    *model = (struct softmax){.classes = objective->classes,
                              .pixels = objective->blocks.pixels,
                              .padded_pixels = objective->blocks.padded_pixels,
                              .weights = objective->weights,
                              .bias = objective->bias};
    objective->weights = NULL;
    objective->bias = NULL;
}

int softmax_train(struct softmax *model, struct softmax_training *training, const struct idx_records *records,
                  int classes)
{
    struct softmax_objective objective;
    struct lbfgs_result result;
    if (softmax_objective_open(&objective, records->bytes, records->labels, records->n, records->columns,
                               classes, l2) != 0)
        return -1;
    const size_t size = softmax_objective_size(&objective);
    double *point = calloc(size, sizeof(double));
    const int failed =
        !point || lbfgs_minimise(&result, point, size, softmax_objective_evaluate, &objective, &limits) != 0;
    if (!failed) {
        softmax_objective_place(&objective, point);
        take_model(model, &objective);
        *training = (struct softmax_training){
            .iterations = result.iterations, .converged = result.converged, .objective = result.value};
    }
    free(point);
    softmax_objective_close(&objective);
    return failed ? -1 : 0;
}

void softmax_close(struct softmax *model)
{
    free(model->weights);
    free(model->bias);
    *model = (struct softmax){0};
}

static void take_scores(const struct softmax *model, double *scores, const float *products, size_t rows)
{
    for (size_t row = 0; row < rows; row++) {
        double *own = scores + row * (size_t)model->classes;
        for (int c = 0; c < model->classes; c++)
            own[c] = (double)products[c * PIXEL_BLOCK_ROWS + row] + (double)model->bias[c];
        scores_normalise(own, model->classes);
    }
}

int softmax_scores(const struct softmax *model, double *scores, const struct idx_records *records)
{
    const size_t k = ((size_t)model->classes + 1) / 2 * 2, room = k * PIXEL_BLOCK_ROWS;
    struct pixel_blocks blocks;
    if (records->columns != model->pixels ||
        pixel_blocks_open(&blocks, records->bytes, records->n, records->columns) != 0)
        return -1;
    float *products = calloc(room + 4 * PIXEL_BLOCK_ROWS, sizeof(float));
    for (size_t block = 0; products && block < blocks.blocks; block++) {
        const size_t first = block * PIXEL_BLOCK_ROWS, left = records->n - first;
        memset(products, 0, room * sizeof(float));
        pixel_blocks_scores(products, &blocks, block, model->weights, k, products + room);
        take_scores(model, scores + first * (size_t)model->classes, products,
                    left < PIXEL_BLOCK_ROWS ? left : PIXEL_BLOCK_ROWS);
    }
    pixel_blocks_close(&blocks);
    const int failed = !products;
    free(products);
    return failed ? -1 : 0;
}

int softmax_test(const struct softmax *model, double *accuracy, const struct idx_records *records)
{
    double *scores = calloc(records->n * (size_t)model->classes + 1, sizeof(*scores));
    const int failed = !scores || records->n == 0 || softmax_scores(model, scores, records) != 0;
    if (!failed)
        *accuracy = scores_accuracy(scores, records->labels, records->n, model->classes);
    free(scores);
    return failed ? -1 : 0;
}
