/* SPDX-License-Identifier: BSD-3-Clause */
#include "mlp.h"

#include "pixel_blocks.h"
#include "scores.h"
#include "splitmix.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* A block of records is a batch. */
enum { HIDDEN = 100, PASSES = 20, ROWS = PIXEL_BLOCK_ROWS };

static const float rate = 1e-3f, first_decay = 0.9f, second_decay = 0.999f, adam_epsilon = 1e-8f;

/* Where the parts of the weights begin. */
static size_t bias_at(const struct mlp *m)
{
    return HIDDEN * m->padded_pixels;
}

static size_t upper_at(const struct mlp *m)
{
    return bias_at(m) + HIDDEN;
}

static size_t upper_bias_at(const struct mlp *m)
{
    return upper_at(m) + (size_t)m->classes * HIDDEN;
}

static size_t weights_of(const struct mlp *m)
{
    return upper_bias_at(m) + (size_t)m->classes;
}

/* Working memory, everything by unit x row of the block. */
struct pass {
    float *hidden, *hidden_slopes; /* HIDDEN x ROWS */
    double *scores;                /* ROWS x classes */
    float *slopes;                 /* classes x ROWS */
    float *bytes_weights;          /* the hidden layer's, for bytes */
    float *gradient, *mean, *square;
    float *scratch;
};

static void pass_close(struct pass *p)
{
    free(p->hidden);
    free(p->scores);
    free(p->gradient);
    *p = (struct pass){0};
}

static int pass_open(struct pass *p, const struct mlp *m)
{
    const size_t classes = (size_t)m->classes, n = weights_of(m);
    const size_t widest = m->padded_pixels > ROWS ? m->padded_pixels : ROWS;
    p->hidden = calloc(2 * HIDDEN * ROWS + classes * ROWS, sizeof(float));
    p->scores = calloc(ROWS * classes, sizeof(double));
    p->gradient = calloc(3 * n + bias_at(m) + 4 * widest, sizeof(float));
    if (!p->hidden || !p->scores || !p->gradient) {
        pass_close(p);
        return -1;
    }
    p->hidden_slopes = p->hidden + HIDDEN * ROWS;
    p->slopes = p->hidden_slopes + HIDDEN * ROWS;
    p->mean = p->gradient + n;
    p->square = p->mean + n;
    p->bytes_weights = p->square + n;
    p->scratch = p->bytes_weights + bias_at(m);
    return 0;
}

static void shuffle(size_t *order, size_t n, uint64_t *state)
{
    for (size_t i = n; i > 1; i--) {
        const size_t j = splitmix_below(state, i), held = order[i - 1];
        order[i - 1] = order[j];
        order[j] = held;
    }
}

/* Uniform weights, as wide as Glorot and Bengio (2010) have them. */
static void start(float *weights, size_t n, size_t in, size_t out, uint64_t *state)
{
    const double width = sqrt(6.0 / (double)(in + out));
    for (size_t i = 0; i < n; i++)
        weights[i] = (float)(width * (2.0 * (double)(splitmix_draw(state) >> 11) * 0x1p-53 - 1.0));
}

static void place_bytes_weights(struct pass *p, const struct mlp *m)
{
    for (size_t i = 0; i < bias_at(m); i++)
        p->bytes_weights[i] = m->weights[i] / 255.0f;
}

static void forward(struct pass *p, const struct mlp *m, const struct pixel_blocks *blocks, size_t block)
{
    const float *bias = m->weights + bias_at(m), *upper = m->weights + upper_at(m);
    const float *upper_bias = m->weights + upper_bias_at(m);
    for (size_t h = 0; h < HIDDEN; h++)
        for (size_t row = 0; row < ROWS; row++)
            p->hidden[h * ROWS + row] = bias[h];
    pixel_blocks_scores(p->hidden, blocks, block, p->bytes_weights, HIDDEN, p->scratch);
    for (size_t i = 0; i < HIDDEN * ROWS; i++)
        p->hidden[i] = p->hidden[i] > 0.0f ? p->hidden[i] : 0.0f;
    for (size_t c = 0; c < (size_t)m->classes; c++) {
        float *score = p->slopes + c * ROWS; /* lent: the slopes take their place */
        for (size_t row = 0; row < ROWS; row++)
            score[row] = upper_bias[c];
        for (size_t h = 0; h < HIDDEN; h++)
            for (size_t row = 0; row < ROWS; row++)
                score[row] += upper[c * HIDDEN + h] * p->hidden[h * ROWS + row];
        for (size_t row = 0; row < ROWS; row++)
            p->scores[row * (size_t)m->classes + c] = (double)score[row];
    }
    for (size_t row = 0; row < ROWS; row++)
        scores_normalise(p->scores + row * (size_t)m->classes, m->classes);
}

/* The gradient of the mean cross-entropy of the block's rows. */
static void backward(struct pass *p, const struct mlp *m, const struct pixel_blocks *blocks, size_t block,
                     const uint8_t *labels, size_t rows)
{
    const size_t classes = (size_t)m->classes;
    const float *upper = m->weights + upper_at(m);
    memset(p->gradient, 0, weights_of(m) * sizeof(float));
    memset(p->slopes, 0, classes * ROWS * sizeof(float)); /* rows that are missing teach nothing */
    memset(p->hidden_slopes, 0, HIDDEN * ROWS * sizeof(float));
    for (size_t row = 0; row < rows; row++)
        for (size_t c = 0; c < classes; c++)
            p->slopes[c * ROWS + row] =
                (float)((exp(p->scores[row * classes + c]) - (c == labels[row] ? 1.0 : 0.0)) / (double)rows);
    for (size_t c = 0; c < classes; c++) {
        const float *slope = p->slopes + c * ROWS;
        for (size_t row = 0; row < ROWS; row++)
            p->gradient[upper_bias_at(m) + c] += slope[row];
        for (size_t h = 0; h < HIDDEN; h++) {
            const float *hidden = p->hidden + h * ROWS, weight = upper[c * HIDDEN + h];
            float *below = p->hidden_slopes + h * ROWS, sum = 0.0f;
            for (size_t row = 0; row < ROWS; row++) {
                sum += slope[row] * hidden[row];
                below[row] += slope[row] * weight;
            }
            p->gradient[upper_at(m) + c * HIDDEN + h] = sum;
        }
    }
    for (size_t h = 0; h < HIDDEN; h++)
        for (size_t i = h * ROWS; i < (h + 1) * ROWS; i++) {
            p->hidden_slopes[i] = p->hidden[i] > 0.0f ? p->hidden_slopes[i] : 0.0f;
            p->gradient[bias_at(m) + h] += p->hidden_slopes[i];
        }
    pixel_blocks_sums(p->gradient, blocks, block, p->hidden_slopes, HIDDEN, p->scratch);
    for (size_t i = 0; i < bias_at(m); i++)
        p->gradient[i] /= 255.0f;
}

static void step(struct pass *p, struct mlp *m, int number)
{
    const float mean_part = 1.0f - powf(first_decay, (float)number);
    const float square_part = 1.0f - powf(second_decay, (float)number);
    for (size_t i = 0; i < weights_of(m); i++) {
        const float slope = p->gradient[i];
        p->mean[i] += (1.0f - first_decay) * (slope - p->mean[i]);
        p->square[i] += (1.0f - second_decay) * (slope * slope - p->square[i]);
        m->weights[i] -= rate * p->mean[i] / mean_part / (sqrtf(p->square[i] / square_part) + adam_epsilon);
    }
}

static void train(struct mlp *m, struct pass *p, const struct pixel_blocks *blocks, const uint8_t *labels,
                  size_t *order, uint64_t *state)
{
    int steps = 0;
    for (size_t i = 0; i < blocks->blocks; i++)
        order[i] = i;
    for (int pass = 0; pass < PASSES; pass++) {
        shuffle(order, blocks->blocks, state);
        for (size_t i = 0; i < blocks->blocks; i++) {
            const size_t first = order[i] * ROWS, left = blocks->rows - first;
            place_bytes_weights(p, m);
            forward(p, m, blocks, order[i]);
            backward(p, m, blocks, order[i], labels + first, left < ROWS ? left : ROWS);
            step(p, m, ++steps);
        }
    }
}

int mlp_train(struct mlp *m, const struct idx_records *records, int classes)
{
    const size_t n = records->n, columns = records->columns, padded = (columns + 3) / 4 * 4;
    struct pixel_blocks blocks = {0};
    struct pass pass = {0};
    uint64_t state = 1;
    *m = (struct mlp){.classes = classes, .pixels = columns, .padded_pixels = padded};
    m->weights = calloc(weights_of(m), sizeof(float));
    size_t *order = calloc(n + 1, sizeof(*order));
    uint8_t *mixed = malloc(n * (columns + 1) + 1);
    int failed = !m->weights || !order || !mixed || pass_open(&pass, m) != 0;
    if (!failed) { /* records may be sorted, and a batch must not be of one kind */
        for (size_t i = 0; i < n; i++)
            order[i] = i;
        shuffle(order, n, &state);
        for (size_t i = 0; i < n; i++) {
            memcpy(mixed + i * columns, records->bytes + order[i] * columns, columns);
            mixed[n * columns + i] = records->labels[order[i]];
        }
        failed = pixel_blocks_open(&blocks, mixed, n, columns) != 0;
    }
    if (!failed) {
        start(m->weights, bias_at(m), columns, HIDDEN, &state);
        start(m->weights + upper_at(m), HIDDEN * (size_t)classes, HIDDEN, (size_t)classes, &state);
        train(m, &pass, &blocks, mixed + n * columns, order, &state);
    }
    pixel_blocks_close(&blocks);
    pass_close(&pass);
    free(mixed);
    free(order);
    if (failed)
        mlp_close(m);
    return failed ? -1 : 0;
}

void mlp_close(struct mlp *m)
{
    free(m->weights);
    *m = (struct mlp){0};
}

int mlp_scores(const struct mlp *m, double *scores, const struct idx_records *records)
{
    const size_t classes = (size_t)m->classes;
    struct pixel_blocks blocks;
    struct pass pass = {0};
    if (records->columns != m->pixels ||
        pixel_blocks_open(&blocks, records->bytes, records->n, records->columns) != 0)
        return -1;
    const int failed = pass_open(&pass, m) != 0;
    if (!failed)
        place_bytes_weights(&pass, m);
    for (size_t block = 0; !failed && block < blocks.blocks; block++) {
        const size_t first = block * ROWS, left = records->n - first;
        forward(&pass, m, &blocks, block);
        memcpy(scores + first * classes, pass.scores, (left < ROWS ? left : ROWS) * classes * sizeof(double));
    }
    pass_close(&pass);
    pixel_blocks_close(&blocks);
    return failed ? -1 : 0;
}
