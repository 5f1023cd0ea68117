/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * Options: the tuning numbers of fits, by key, and the progress callback.
 *
 * Privacy terms (epsilon, delta, adjacency, bounds, shares of the budget) are never options. A value out of
 * range is an error, never clamped. Options must not be chosen by looking at the private data without an
 * account of its own: such a choice is outside the guarantee.
 *
 * Constructors that take options copy them; later changes have no effect on the handle.
 */
#ifndef DPMIX_OPTIONS_H
#define DPMIX_OPTIONS_H

#include <dpmix/status.h>

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct dpmix_options dpmix_options;

/* Keys. Numbers are never reused. Name, type, bounds, default and meaning of each: the functions below. */
#define DPMIX_OPTION_THREADS 1
#define DPMIX_OPTION_CLUSTERS 10
#define DPMIX_OPTION_KMEANS_STEPS 11
#define DPMIX_OPTION_KMEANS_FEATURES 12
#define DPMIX_OPTION_KMEANS_BANDWIDTH 13
#define DPMIX_OPTION_STEPS 20
#define DPMIX_OPTION_SAMPLING_RATE 21
#define DPMIX_OPTION_LEARNING_RATE 22
#define DPMIX_OPTION_CLIP_NORM 23
#define DPMIX_OPTION_CONDITIONAL 24
#define DPMIX_OPTION_COUNT_NOISE 25
#define DPMIX_OPTION_OPTIMIZER 26
#define DPMIX_OPTION_MOMENTUM 27
#define DPMIX_OPTION_SECOND_MOMENT 28
#define DPMIX_OPTION_WEIGHT_DECAY 29
#define DPMIX_OPTION_VAE_HIDDEN 30
#define DPMIX_OPTION_VAE_LATENT 31
#define DPMIX_OPTION_GAUSSIAN_RANK 40
#define DPMIX_OPTION_GAUSSIAN_ROW_CLIP 41
#define DPMIX_OPTION_GAUSSIAN_RESIDUAL_CLIP 42
#define DPMIX_OPTION_NOISE_CORRECTION 50
#define DPMIX_OPTION_AVERAGING 51
#define DPMIX_OPTION_RATE_SCHEDULE 52
#define DPMIX_OPTION_RATE_END 53
#define DPMIX_OPTION_WARMUP 54
#define DPMIX_OPTION_NOISE_SCHEDULE 55
#define DPMIX_OPTION_CLIP_QUANTILE 56
#define DPMIX_OPTION_CLIP_RATE 57

/* Values of DPMIX_OPTION_OPTIMIZER. */
#define DPMIX_OPTIMIZER_SGD 1   /**< gradient descent with momentum */
#define DPMIX_OPTIMIZER_ADAM 2  /**< Kingma and Ba 2015, arXiv 1412.6980 */
#define DPMIX_OPTIMIZER_ADAMW 3 /**< Adam with decoupled weight decay: Loshchilov and Hutter 2019 */

/* Values of DPMIX_OPTION_RATE_SCHEDULE. */
#define DPMIX_RATE_CONSTANT 1
#define DPMIX_RATE_LINEAR 2 /**< falls along a line */
#define DPMIX_RATE_COSINE 3 /**< falls along half a cosine: Loshchilov and Hutter 2017 */

/* Values of DPMIX_OPTION_COUNT_NOISE. */
#define DPMIX_COUNT_NOISE_GAUSSIAN 1  /**< rounded Gaussian */
#define DPMIX_COUNT_NOISE_GEOMETRIC 2 /**< two-sided geometric (discrete Laplace): alone it needs no delta */

/* Types of a value. */
#define DPMIX_OPTION_TYPE_INT 1    /**< whole numbers */
#define DPMIX_OPTION_TYPE_DOUBLE 2 /**< real numbers */

/** Options at their defaults. The caller frees with dpmix_options_free(). */
DPMIX_API DPMIX_CHECK int dpmix_options_new(dpmix_options **out);
DPMIX_API void dpmix_options_free(dpmix_options *options);

/** Sets or gets one value.
 * @return DPMIX_ERR_ARG for an unknown key or one of the other type, DPMIX_ERR_RANGE out of bounds. */
DPMIX_API DPMIX_CHECK int dpmix_options_set_int(dpmix_options *options, int key, int64_t value);
DPMIX_API DPMIX_CHECK int dpmix_options_set_double(dpmix_options *options, int key, double value);
DPMIX_API DPMIX_CHECK int dpmix_options_get_int(const dpmix_options *options, int64_t *value, int key);
DPMIX_API DPMIX_CHECK int dpmix_options_get_double(const dpmix_options *options, double *value, int key);

/** The key that follows `key`; 0 gives the first, and after the last comes 0. An unknown key gives 0. */
DPMIX_API int dpmix_option_next(int key);

/** The key of a name such as "vae_hidden"; 0 when there is none. */
DPMIX_API int dpmix_option_by_name(const char *name);

/** Name and one-line meaning; static strings, NULL for an unknown key. */
DPMIX_API const char *dpmix_option_name(int key);
DPMIX_API const char *dpmix_option_doc(int key);

/** DPMIX_OPTION_TYPE_*; 0 for an unknown key. */
DPMIX_API int dpmix_option_type(int key);

/** Bounds (both allowed) and default. Any output may be NULL. DPMIX_ERR_ARG for an unknown key. */
DPMIX_API DPMIX_CHECK int dpmix_option_bounds(int key, double *lower, double *upper, double *preset);

/* Phases of long work, for the progress callback. */
#define DPMIX_PHASE_CLUSTER 1 /**< fitting the partition */
#define DPMIX_PHASE_TRAIN 2   /**< fitting the generators */

/** Called between the steps of a fit, on the thread that called it.
 * @param user           what the caller gave beside the function.
 * @param phase          DPMIX_PHASE_*.
 * @param done, total    steps; equal at the end of the phase.
 * @param epsilon_spent  of the accountant, all debits so far. Debits come before the work, so it does not grow
 *                       within a fit.
 * @return 0 to go on; anything else ends the fit with DPMIX_ERR_CANCELLED. What was debited stays spent.
 * None of these figures depends on a private value. */
typedef int (*dpmix_progress_fn)(void *user, int phase, uint64_t done, uint64_t total, double epsilon_spent);

#ifdef __cplusplus
}
#endif

#endif
