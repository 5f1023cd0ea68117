/* SPDX-License-Identifier: BSD-3-Clause */
#include "softmax_objective.h"

#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The sums are cut into this many pieces whatever the number of threads, and joined in order: the result does
 * not depend on the machine's cores. */
enum { SHARDS = 16, MAX_THREADS = SHARDS };

struct objective_shard {
    size_t first_block, end_block;
    double loss;
    double *sums;      /* rows_of_weights x padded_pixels */
    double *bias_sums; /* rows_of_weights */
    float *scores, *block_sums, *scratch;
};

static int shards_open(struct softmax_objective *o)
{
    const size_t k = o->rows_of_weights, pixels = o->blocks.padded_pixels;
    const size_t widest = pixels > PIXEL_BLOCK_ROWS ? pixels : PIXEL_BLOCK_ROWS;
    o->shards = calloc(SHARDS, sizeof(*o->shards));
    if (!o->shards)
        return -1;
    for (size_t i = 0; i < SHARDS; i++) {
        struct objective_shard *s = &o->shards[i];
        s->first_block = o->blocks.blocks * i / SHARDS;
        s->end_block = o->blocks.blocks * (i + 1) / SHARDS;
        s->sums = calloc(k * (pixels + 1), sizeof(double));
        s->scores = calloc(k * PIXEL_BLOCK_ROWS + k * pixels + 4 * widest, sizeof(float));
        if (!s->sums || !s->scores)
            return -1;
        s->bias_sums = s->sums + k * pixels;
        s->block_sums = s->scores + k * PIXEL_BLOCK_ROWS;
        s->scratch = s->block_sums + k * pixels;
    }
    return 0;
}

static void measure_mean(struct softmax_objective *o, const uint8_t *bytes, size_t rows, size_t pixels)
{
    for (size_t row = 0; row < rows; row++)
        for (size_t i = 0; i < pixels; i++)
            o->mean[i] += bytes[row * pixels + i];
    for (size_t i = 0; i < pixels; i++)
        o->mean[i] /= (double)rows;
}

int softmax_objective_open(struct softmax_objective *o, const uint8_t *bytes, const uint8_t *labels,
                           size_t rows, size_t pixels, int classes, double l2)
{
    *o = (struct softmax_objective){.labels = labels, .classes = classes, .l2 = l2};
    o->rows_of_weights = ((size_t)classes + 1) / 2 * 2;
    if (pixel_blocks_open(&o->blocks, bytes, rows, pixels) != 0)
        return -1;
    const size_t padded = o->blocks.padded_pixels;
    o->mean = calloc(padded, sizeof(double));
    o->weights = calloc(o->rows_of_weights * padded, sizeof(float));
    o->bias = calloc(o->rows_of_weights, sizeof(float));
    if (!o->mean || !o->weights || !o->bias || shards_open(o) != 0) {
        softmax_objective_close(o);
        return -1;
    }
    measure_mean(o, bytes, rows, pixels);
    return 0;
}

void softmax_objective_close(struct softmax_objective *o)
{
    for (size_t i = 0; o->shards && i < SHARDS; i++) {
        free(o->shards[i].sums);
        free(o->shards[i].scores);
    }
    free(o->shards);
    free(o->mean);
    free(o->weights);
    free(o->bias);
    pixel_blocks_close(&o->blocks);
    *o = (struct softmax_objective){0};
}

size_t softmax_objective_size(const struct softmax_objective *o)
{
    return o->rows_of_weights * (o->blocks.padded_pixels + 1);
}

void softmax_objective_place(struct softmax_objective *o, const double *point)
{
    const size_t pixels = o->blocks.padded_pixels;
    const double *bias = point + o->rows_of_weights * pixels;
    for (size_t c = 0; c < o->rows_of_weights; c++) {
        double shift = 0.0;
        for (size_t i = 0; i < pixels; i++) {
            const double weight = point[c * pixels + i] / 255.0;
            o->weights[c * pixels + i] = (float)weight;
            shift += weight * o->mean[i];
        }
        o->bias[c] = (float)(bias[c] - shift);
    }
}

/* Turns a row's scores into (probability - 1 at its label); returns its cross-entropy. */
static double row_loss(float *scores, const float *bias, int classes, int label)
{
    const double own = (double)scores[label * PIXEL_BLOCK_ROWS] + (double)bias[label];
    double exponent[256], top = -INFINITY, sum = 0.0;
    for (int c = 0; c < classes; c++) {
        exponent[c] = (double)scores[c * PIXEL_BLOCK_ROWS] + (double)bias[c];
        top = fmax(top, exponent[c]);
    }
    for (int c = 0; c < classes; c++) {
        exponent[c] = exp(exponent[c] - top);
        sum += exponent[c];
    }
    for (int c = 0; c < classes; c++)
        scores[c * PIXEL_BLOCK_ROWS] = (float)(exponent[c] / sum - (c == label ? 1.0 : 0.0));
    return top - own + log(sum);
}

static void add_block(const struct softmax_objective *o, struct objective_shard *s, size_t block)
{
    const size_t k = o->rows_of_weights, pixels = o->blocks.padded_pixels;
    const size_t first = block * PIXEL_BLOCK_ROWS;
    const size_t left = o->blocks.rows - first;
    const size_t rows = left < PIXEL_BLOCK_ROWS ? left : PIXEL_BLOCK_ROWS;
    memset(s->scores, 0, k * PIXEL_BLOCK_ROWS * sizeof(float));
    pixel_blocks_scores(s->scores, &o->blocks, block, o->weights, k, s->scratch);
    for (size_t row = 0; row < rows; row++)
        s->loss += row_loss(s->scores + row, o->bias, o->classes, o->labels[first + row]);
    memset(s->block_sums, 0, k * pixels * sizeof(float));
    pixel_blocks_sums(s->block_sums, &o->blocks, block, s->scores, k, s->scratch);
    for (size_t i = 0; i < k * pixels; i++)
        s->sums[i] += (double)s->block_sums[i];
    for (size_t c = 0; c < k; c++)
        for (size_t row = 0; row < rows; row++)
            s->bias_sums[c] += (double)s->scores[c * PIXEL_BLOCK_ROWS + row];
}

struct team {
    struct softmax_objective *objective;
    atomic_size_t next;
};

static void *work(void *user)
{
    struct team *team = user;
    const struct softmax_objective *o = team->objective;
    const size_t sums = o->rows_of_weights * (o->blocks.padded_pixels + 1);
    for (size_t i = atomic_fetch_add(&team->next, 1); i < SHARDS; i = atomic_fetch_add(&team->next, 1)) {
        struct objective_shard *s = &o->shards[i];
        s->loss = 0.0;
        memset(s->sums, 0, sums * sizeof(double));
        for (size_t block = s->first_block; block < s->end_block; block++)
            add_block(o, s, block);
    }
    return NULL;
}

/* A thread that cannot be started is not missed: the others take its shards. */
static void run_shards(struct softmax_objective *o)
{
    struct team team = {.objective = o};
    pthread_t threads[MAX_THREADS];
    int started = 0;
    const long cores = sysconf(_SC_NPROCESSORS_ONLN);
    while (started + 1 < cores && started + 1 < MAX_THREADS &&
           pthread_create(&threads[started], NULL, work, &team) == 0)
        started++;
    work(&team);
    while (started > 0)
        pthread_join(threads[--started], NULL);
}

double softmax_objective_evaluate(void *user, double *gradient, const double *point)
{
    struct softmax_objective *o = user;
    const size_t pixels = o->blocks.padded_pixels, weights = o->rows_of_weights * pixels;
    const double rows = (double)o->blocks.rows;
    double loss = 0.0, square = 0.0;
    softmax_objective_place(o, point);
    run_shards(o);
    memset(gradient, 0, softmax_objective_size(o) * sizeof(double));
    for (size_t i = 0; i < SHARDS; i++) {
        loss += o->shards[i].loss;
        for (size_t j = 0; j < softmax_objective_size(o); j++)
            gradient[j] += o->shards[i].sums[j];
    }
    for (size_t c = 0; c < o->rows_of_weights; c++) {
        const double bias_sum = gradient[weights + c];
        for (size_t i = 0; i < pixels; i++) {
            const double weight = point[c * pixels + i];
            double *slope = &gradient[c * pixels + i];
            square += weight * weight;
            *slope = (*slope - o->mean[i] * bias_sum) / 255.0 / rows + o->l2 * weight;
        }
        gradient[weights + c] = bias_sum / rows;
    }
    return loss / rows + 0.5 * o->l2 * square;
}
