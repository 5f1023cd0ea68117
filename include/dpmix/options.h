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

/** Values of options. */
typedef struct dpmix_options dpmix_options;

/* Keys. Numbers are never reused. Name, type, bounds, default and meaning of each: the functions below. */
#define DPMIX_OPTION_THREADS 1
#define DPMIX_OPTION_CLUSTERS 10
#define DPMIX_OPTION_KMEANS_STEPS 11
#define DPMIX_OPTION_KMEANS_FEATURES 12
#define DPMIX_OPTION_KMEANS_BANDWIDTH 13
#define DPMIX_OPTION_KMEANS_ROW_CLIP 14
#define DPMIX_OPTION_CORESET_BITS 15
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
#define DPMIX_OPTION_VAE_LAYERS 32
#define DPMIX_OPTION_VAE_ACTIVATION 33
#define DPMIX_OPTION_VAE_OUTPUT 34
#define DPMIX_OPTION_VAE_BETA 35
#define DPMIX_OPTION_VAE_DRAWS 36
#define DPMIX_OPTION_VAE_PRIOR 37
#define DPMIX_OPTION_VAE_PRIOR_SHARE 38
#define DPMIX_OPTION_VAE_DRAW 39
#define DPMIX_OPTION_GAUSSIAN_RANK 40
#define DPMIX_OPTION_GAUSSIAN_ROW_CLIP 41
#define DPMIX_OPTION_GAUSSIAN_RESIDUAL_CLIP 42
#define DPMIX_OPTION_VAE_DEVIATION 43
#define DPMIX_OPTION_VAE_HIDDEN_LAST 44
#define DPMIX_OPTION_NOISE_CORRECTION 50
#define DPMIX_OPTION_AVERAGING 51
#define DPMIX_OPTION_RATE_SCHEDULE 52
#define DPMIX_OPTION_RATE_END 53
#define DPMIX_OPTION_WARMUP 54
#define DPMIX_OPTION_NOISE_SCHEDULE 55
#define DPMIX_OPTION_CLIP_QUANTILE 56
#define DPMIX_OPTION_CLIP_RATE 57
#define DPMIX_OPTION_RBM_HIDDEN 60
#define DPMIX_OPTION_RBM_VISIBLE 61
#define DPMIX_OPTION_RBM_CD_STEPS 62
#define DPMIX_OPTION_RBM_BURN_IN 63
#define DPMIX_OPTION_RBM_THINNING 64
#define DPMIX_OPTION_RBM_OUTPUT 65
#define DPMIX_OPTION_RBM_DEVIATION 66
#define DPMIX_OPTION_CGAN_NOISE 70
#define DPMIX_OPTION_CGAN_HIDDEN 71
#define DPMIX_OPTION_CGAN_LAYERS 72
#define DPMIX_OPTION_CGAN_CRITIC_STEPS 73
#define DPMIX_OPTION_CGAN_SMOOTHING 74
#define DPMIX_OPTION_CGAN_OPTIMIZER 75
#define DPMIX_OPTION_CGAN_RATE 76
#define DPMIX_OPTION_CGAN_FAKES 77
#define DPMIX_OPTION_GMM_COMPONENTS 80
#define DPMIX_OPTION_GMM_BASIS 81
#define DPMIX_OPTION_GMM_RADIUS 82
#define DPMIX_OPTION_GMM_COVARIANCE 83
#define DPMIX_OPTION_GMM_RANK 84
#define DPMIX_OPTION_GMM_ROW_CLIP 85
#define DPMIX_OPTION_GMM_RESIDUAL_CLIP 86
#define DPMIX_OPTION_GMM_STEPS 87
#define DPMIX_OPTION_GMM_EM_STEPS 88
#define DPMIX_OPTION_GMM_DISTANCE 89
#define DPMIX_OPTION_GMM_PRIOR_ROWS 90
#define DPMIX_OPTION_GMM_REST 91
#define DPMIX_OPTION_PRODUCTS_COMPONENTS 93
#define DPMIX_OPTION_PRODUCTS_BINS 94
#define DPMIX_OPTION_PRODUCTS_STEPS 95
#define DPMIX_OPTION_PRODUCTS_LABEL_WEIGHT 96
#define DPMIX_OPTION_LABELS 100
#define DPMIX_OPTION_TEACHER_STEPS 101
#define DPMIX_OPTION_TEACHER_WIDTH 102
#define DPMIX_OPTION_TEACHER_CLIP 103
#define DPMIX_OPTION_TEACHER_RATE 104
#define DPMIX_OPTION_TEACHER_RECORDS 105
#define DPMIX_OPTION_TEACHER_FEATURES 106
#define DPMIX_OPTION_AUGMENT_FRACTION 107
#define DPMIX_OPTION_AUGMENT_ROTATION 108
#define DPMIX_OPTION_AUGMENT_SHEAR 109
#define DPMIX_OPTION_AUGMENT_SCALE 110
#define DPMIX_OPTION_AUGMENT_SHIFT 111
#define DPMIX_OPTION_AUGMENT_ELASTIC 112
#define DPMIX_OPTION_AUGMENT_MIRROR 113
#define DPMIX_OPTION_AUGMENT_MIX 114

/* Values of DPMIX_OPTION_OPTIMIZER. */
#define DPMIX_OPTIMIZER_SGD 1   /**< gradient descent with momentum */
#define DPMIX_OPTIMIZER_ADAM 2  /**< Kingma and Ba 2015, arXiv 1412.6980 */
#define DPMIX_OPTIMIZER_ADAMW 3 /**< Adam with decoupled weight decay: Loshchilov and Hutter 2019 */

/* Values of DPMIX_OPTION_RATE_SCHEDULE. */
#define DPMIX_RATE_CONSTANT 1 /**< stays as it is */
#define DPMIX_RATE_LINEAR 2 /**< falls along a line */
#define DPMIX_RATE_COSINE 3 /**< falls along half a cosine: Loshchilov and Hutter 2017 */

/* Values of DPMIX_OPTION_COUNT_NOISE. */
#define DPMIX_COUNT_NOISE_GAUSSIAN 1  /**< rounded Gaussian */
#define DPMIX_COUNT_NOISE_GEOMETRIC 2 /**< two-sided geometric (discrete Laplace): alone it needs no delta */

/* Values of DPMIX_OPTION_RBM_VISIBLE. */
#define DPMIX_RBM_BERNOULLI 1 /**< zeros and ones, or what lies between as their probability */
#define DPMIX_RBM_GAUSSIAN 2  /**< normal variables of deviation DPMIX_OPTION_RBM_DEVIATION */

/* Values of DPMIX_OPTION_RBM_OUTPUT. */
#define DPMIX_RBM_MEANS 1 /**< records are means of the visible units, given the chain's hidden units */
#define DPMIX_RBM_DRAWS 2 /**< records are draws: zeros and ones, or normal variables */

/* Values of DPMIX_OPTION_VAE_ACTIVATION. */
#define DPMIX_ACTIVATION_RELU 1       /**< max(x, 0) */
#define DPMIX_ACTIVATION_TANH 2       /**< hyperbolic tangent */
#define DPMIX_ACTIVATION_LEAKY_RELU 3 /**< slope 0.2 below zero */
#define DPMIX_ACTIVATION_SOFTPLUS 4   /**< log(1 + exp(x)) */

/* Values of DPMIX_OPTION_VAE_OUTPUT: the law of a record, given its place in the latent space. */
#define DPMIX_VAE_OUTPUT_BERNOULLI 1 /**< each column, scaled to [0, 1]: for images, and for zeros and ones */
#define DPMIX_VAE_OUTPUT_GAUSSIAN 2  /**< each column: for measurements */
#define DPMIX_VAE_OUTPUT_MIXED 3     /**< one column of each group (dpmix_dataset_set_groups()) is 1 and the others
                                          are 0; columns without a group are Gaussian: for tables */

/* Values of DPMIX_OPTION_VAE_PRIOR: the law of the latent space that samples come from. */
#define DPMIX_VAE_PRIOR_NORMAL 1   /**< standard normal */
#define DPMIX_VAE_PRIOR_GAUSSIAN 2 /**< a Gaussian (per class) fitted to where the records lie, by one more query */
#define DPMIX_VAE_PRIOR_MIXTURE 3  /**< a Gaussian mixture (per class) fitted there, by the queries of
                                        DPMIX_GENERATOR_GMM and with its options, but for basis, radius, distance
                                        and rest */

/* Values of DPMIX_OPTION_GMM_BASIS. */
#define DPMIX_GMM_BASIS_RULE 0    /**< low frequencies where the dataset declares square images of 8 to 128
                                       pixels a side (dpmix_dataset_set_images()), else the columns */
#define DPMIX_GMM_BASIS_COLUMNS 1 /**< the columns as they are */
#define DPMIX_GMM_BASIS_DCT 2     /**< low frequencies of square images, a public basis */

/* Values of DPMIX_OPTION_GMM_COVARIANCE. */
#define DPMIX_GMM_COVARIANCE_FULL 1     /**< in the subspace, each component its own */
#define DPMIX_GMM_COVARIANCE_TIED 2     /**< one for all components */
#define DPMIX_GMM_COVARIANCE_DIAGONAL 3 /**< along the subspace's axes */
#define DPMIX_GMM_COVARIANCE_FACTORS 4  /**< of low rank, where it stands out of the noise, and a diagonal */

/* Values of DPMIX_OPTION_GMM_DISTANCE. */
#define DPMIX_GMM_DISTANCE_NONE 0 /**< square images as they are */
#define DPMIX_GMM_DISTANCE_ONLY 1 /**< signed distances of the image thresholded at 1/2 */
#define DPMIX_GMM_DISTANCE_BOTH 2 /**< a model of each, with half the budget, for half of the samples */

/* Values of DPMIX_OPTION_LABELS: where the labels of a mixture's samples come from. */
#define DPMIX_LABELS_RULE 0    /**< the teacher where there is one, else the model */
#define DPMIX_LABELS_MODEL 1   /**< the model that made the record, or its part */
#define DPMIX_LABELS_TEACHER 2 /**< dpmix_mixture_teach() */

/* Values of DPMIX_OPTION_TEACHER_FEATURES. */
#define DPMIX_TEACHER_FEATURES_RULE 0       /**< scattering where the dataset declares square images of 8 to 128
                                                 pixels a side (dpmix_dataset_set_images()), else the columns */
#define DPMIX_TEACHER_FEATURES_COLUMNS 1    /**< the columns as they are */
#define DPMIX_TEACHER_FEATURES_SCATTERING 2 /**< two layers of wavelets (dpmix/feature.h), normalised */

/* Value of DPMIX_OPTION_AUGMENT_FRACTION and DPMIX_OPTION_AUGMENT_MIX. */
#define DPMIX_AUGMENT_RULE (-1) /**< 2/3 and 1/2 where a teacher labels declared square images of 8 to 128 pixels a
                                     side, else 0; the same holds of every negative value */

/* Types of a value. */
#define DPMIX_OPTION_TYPE_INT 1    /**< whole numbers */
#define DPMIX_OPTION_TYPE_DOUBLE 2 /**< real numbers */

/** Options at their defaults. The caller frees with dpmix_options_free(). */
DPMIX_API DPMIX_CHECK int dpmix_options_new(dpmix_options **out);
/** Gives the handle back. NULL is fine. */
DPMIX_API void dpmix_options_free(dpmix_options *options);

/** Sets a whole number.
 * @return DPMIX_ERR_ARG for an unknown key or one of the other type, DPMIX_ERR_RANGE out of bounds. */
DPMIX_API DPMIX_CHECK int dpmix_options_set_int(dpmix_options *options, int key, int64_t value);
/** Sets a real number. Errors as for dpmix_options_set_int(). */
DPMIX_API DPMIX_CHECK int dpmix_options_set_double(dpmix_options *options, int key, double value);
/** Gets a whole number. DPMIX_ERR_ARG for an unknown key or one of the other type. */
DPMIX_API DPMIX_CHECK int dpmix_options_get_int(const dpmix_options *options, int64_t *value, int key);
/** Gets a real number. DPMIX_ERR_ARG for an unknown key or one of the other type. */
DPMIX_API DPMIX_CHECK int dpmix_options_get_double(const dpmix_options *options, double *value, int key);

/** The key that follows `key`; 0 gives the first, and after the last comes 0. An unknown key gives 0. */
DPMIX_API int dpmix_option_next(int key);

/** The key of a name such as "vae_hidden"; 0 when there is none. */
DPMIX_API int dpmix_option_by_name(const char *name);

/** The name; a static string, NULL for an unknown key. */
DPMIX_API const char *dpmix_option_name(int key);
/** The meaning in one line; a static string, NULL for an unknown key. */
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
 * @param epsilon_spent  of the accountant, all debits so far. Debits come before the work, so a fit alone does
 *                       not let it grow. While the file of a durable ledger cannot be read, what stood there
 *                       before: the fit goes on.
 * @return 0 to go on; anything else ends the fit with DPMIX_ERR_CANCELLED. What was debited stays spent.
 * None of these figures depends on a private value. */
typedef int (*dpmix_progress_fn)(void *user, int phase, uint64_t done, uint64_t total, double epsilon_spent);

#ifdef __cplusplus
}
#endif

#endif
