/* SPDX-License-Identifier: BSD-3-Clause */
/* The training engine: what all nets have in common that are trained by noisy sums of clipped gradients
 * (Abadi et al. 2016, arXiv 1607.00133, algorithm 1), one model for each part of a partition.
 *
 * One release, one debit, all of it planned from options before a row is read:
 *
 *   COUNT      rows by class (rows alone where there are no classes), every row, once. It takes a few per
 *              cent of the budget. From it come the class weights and the denominators of the gradients.
 *   GRADIENT   the loss's gradient, Poisson-sampled, one flat clip over all matrices; as many steps as the
 *              options say, in up to 16 segments where the noise changes on the way.
 *   extras     queries of the learner's own, after the training.
 *
 * A learner describes its net by a struct dpm_train_net and then calls, in its fit:
 *
 *     struct dpm_train *train = NULL;
 *     status = dpm_train_new(&train, &net, options, n_parts);        all memory of the training
 *     if (!status)
 *         status = dpm_train_open(train, fit, "VAE");                calibration, debit
 *     if (!status)
 *         status = dpm_train_run(train, fit);                        counts, steps, progress
 *     if (!status)
 *         ... dpm_train_query(train, 0, sums) and dpm_train_tell() for extras; dpm_train_take_*() ...
 *     dpm_train_free(train);
 *
 * The learner's own memory, too, is allocated before dpm_train_open. Everything but the contributions is
 * post-processing of what was released. Not for use by several threads at once. */
#ifndef DPM_GENERATOR_TRAIN_H
#define DPM_GENERATOR_TRAIN_H

#include "base_blob.h"
#include "base_options.h"
#include "privacy.h"
#include "random_stream.h"

/* ---- The net ---- */

/* The factors of each row's contribution, as dpm_block_fn writes them and as pure. The block has at least
 * one row and all its rows are of one part; `weights` (of one part) are that part's. */
typedef void dpm_train_block_fn(const void *context, const float *weights, const struct dpm_block *block,
                                float *const *left, float *const *right);

/* What a hook is told of one part at one step. All of it was released or is public. */
struct dpm_train_view {
    int part;
    uint64_t step, steps;        /* number of the step, from 0, and how many there are in all */
    const float *weights;        /* of the part, as they are now */
    const double *class_weights; /* of the part, one for each class, sum 1; NULL when there are no classes */
    double batch;                /* rows that are expected in a batch of the part, at least 1 */
    double clip_norm;            /* of this step's gradients */
    double noise;                /* standard deviation of the noise on each number of the mean gradient */
    double rate;                 /* learning rate of this step */
    struct dpm_stream *stream;   /* public random bits for this step of this part; both hooks draw on it */
};

/* A query after the training. `plan` has all but the noise multiplier; per_part must be 1. The engine sets
 * the multiplier such that the plan takes about `share` of the budget that the gradients take (a few per
 * cent: 0.03); precisely, of the sum of their squared inverse multipliers (doc/privacy.md). */
struct dpm_train_extra {
    struct dpm_query_plan plan;
    double share;
    dpm_train_block_fn *contribute; /* gets the released weights: the average where there is one */
};

enum { DPM_TRAIN_EXTRAS = 4 };

struct dpm_train_net {
    void *context; /* the callbacks' first argument; the engine reads and frees nothing of it */

    /* The weights of one part are these matrices (rows x columns, row-major), one after the other: a
     * gradient has the shape of the weights. */
    int n_matrices;
    struct dpm_query_matrix matrix[DPM_QUERY_MATRICES];
    double cancellation; /* as in struct dpm_query_plan; 1 for rank 1 */
    size_t normals;      /* standard normals lent with each row */
    size_t scratch;      /* floats of working memory lent for each row */
    size_t classes;      /* rows are counted by class; 0: there are none, rows are counted alone */

    dpm_train_block_fn *contribute; /* the gradient of the row's loss: steps go against it */

    /* Starting weights of one part; all parts start the same. The stream is public. */
    void (*start)(const void *context, float *weights, struct dpm_stream *stream);

    /* May be NULL. Adds a gradient that no private row has a part in (of made-up records, of a penalty) to
     * `gradient`, which is the noisy sum over `view->batch`: the mean of clipped gradients, and noise. Called
     * before the step of each part; view->weights are those that the sum was made with. */
    void (*add_public)(void *context, const struct dpm_train_view *view, float *gradient);

    /* May be NULL. Called after the step of each part; view->weights are the new ones. */
    void (*after_step)(void *context, const struct dpm_train_view *view);

    /* May be NULL, or both not: what the hooks keep in the context from step to step, for checkpoints. */
    void (*put)(const void *context, struct dpm_blob *blob);
    void (*get)(void *context, struct dpm_blob *blob);

    int n_extras;
    struct dpm_train_extra extra[DPM_TRAIN_EXTRAS];
};

/* Number of weights of one part; 0 when it overflows. */
size_t dpm_train_size(const struct dpm_train_net *net);

/* ---- The training ---- */

struct dpm_train;

/* Allocates all that the training needs, the release apart. The net is copied, but not what it points to.
 * Of the options it reads steps, sampling_rate, learning_rate, clip_norm, count_noise, and all from optimizer
 * to weight_decay and from noise_correction to clip_rate. */
int dpm_train_new(struct dpm_train **out, const struct dpm_train_net *net,
                  const struct dpmix_options *options, int n_parts);

/* Calibrates the plans to fit->share and opens the release: the debit, as one entry called `purpose`.
 * fit->partition must have the parts that dpm_train_new was told. With fit->checkpoint the release can be
 * resumed, or is: then plans and state are the checkpoint's (the net's get is called), and a learner has
 * nothing to do about it but to go on as ever. */
int dpm_train_open(struct dpm_train *train, const struct dpm_fit *fit, const char *purpose);

/* From where the state stands (the counts and starting weights come first, at the beginning) to the last
 * step, and tells the caller's progress function. DPMIX_ERR_CANCELLED when it asks to stop. */
int dpm_train_run(struct dpm_train *train, const struct dpm_fit *fit);

/* Runs extra number `extra` once: sums gets n_parts x dpm_query_size() numbers, noise included. */
int dpm_train_query(struct dpm_train *train, int extra, double *sums);

/* Tells the caller how far it is, runs of extras counted as steps, and saves the state of the training when
 * the caller asks to stop. For after each dpm_train_query(); dpm_train_run() has told before the first. */
int dpm_train_tell(struct dpm_train *train, const struct dpm_fit *fit);

/* Standard deviation of the noise on each number of an extra's sums; once the training is open. */
double dpm_train_query_noise(const struct dpm_train *train, int extra);

void dpm_train_free(struct dpm_train *train); /* NULL is fine */

/* ---- What came of it ---- */

/* Noisy counts, n_parts x max(1, classes), as they were released: they may be negative. */
const double *dpm_train_counts(const struct dpm_train *train);

/* Standard deviation of the noise on each count. */
double dpm_train_count_noise(const struct dpm_train *train);

/* Rows that are expected in a batch of a part, as far as the counts tell; at least 1. */
double dpm_train_batch(const struct dpm_train *train, int part);

/* Class weights of all parts, n_parts x classes, each part's sum 1; NULL when there are no classes. */
const double *dpm_train_class_weights(const struct dpm_train *train);

/* The model's weights of all parts, n_parts x dpm_train_size(): those of the last step, or their average.
 * Once dpm_train_run is through. */
const float *dpm_train_weights(const struct dpm_train *train);

/* A key for the learner's public randomness after the training; the engine draws on it, too. */
void dpm_train_public_key(const struct dpm_train *train, uint8_t key[DPM_KEY_SIZE]);

/* The same two, and the ledger with the release's debit, for the caller to keep and to free with dpm_free;
 * NULL when they were taken before. Last of all: extras and hooks read the weights. */
float *dpm_train_take_weights(struct dpm_train *train);
double *dpm_train_take_class_weights(struct dpm_train *train);
char *dpm_train_take_ledger(struct dpm_train *train);

/* Clip norm of the next step: that of the options, unless it is adaptive. */
double dpm_train_clip_norm(const struct dpm_train *train);

/* Steps that were taken. */
uint64_t dpm_train_step(const struct dpm_train *train);

/* ---- Checkpoints ---- */

/* All that changes from step to step: step number, weights, moments, average, clip norm, counts, class
 * weights, and what the net's own put writes. Between dpm_train_new and dpm_train_run, get brings a training
 * of the same net, options and parts back to where put found it; a blob that does not fit is rejected. The
 * release is not in it. */
void dpm_train_put(const struct dpm_train *train, struct dpm_blob *blob);
void dpm_train_get(struct dpm_train *train, struct dpm_blob *blob);

/* ---- Models ---- */

/* Weights and class weights from a model file, n_parts x n_weights and n_parts x classes, checked; NULL on
 * failure. The caller frees. */
float *dpm_train_get_weights(struct dpm_blob *blob, size_t n_parts, size_t n_weights);
double *dpm_train_get_class_weights(struct dpm_blob *blob, size_t n_parts, size_t classes);

/* A class drawn by weights of sum 1, from a uniform number in (0, 1). */
int32_t dpm_train_draw_class(const double *weights, size_t classes, double uniform);

#endif
