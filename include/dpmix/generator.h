/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * Generative models with differentially private training.
 */
#ifndef DPMIX_GENERATOR_H
#define DPMIX_GENERATOR_H

#include <dpmix/accountant.h>
#include <dpmix/dataset.h>
#include <dpmix/options.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct dpmix_generator dpmix_generator;

#define DPMIX_GENERATOR_GAUSSIAN 1 /**< A Gaussian with DP mean and low-rank DP covariance; in a mixture, a DP GMM
                                        (Zhou, Zhou, Mirrokni, Epasto, Cohen-Addad 2025, in kind). */
#define DPMIX_GENERATOR_VAE 2      /**< A variational autoencoder with Bernoulli output, trained by DP-Adam
                                        (Kingma and Welling 2014; Abadi et al. 2016; Acs et al. 2017). Its samples
                                        are the means of the output, not draws of zeros and ones. */

/** An unfitted generator.
 * @param kind     DPMIX_GENERATOR_*.
 * @param options  copied; NULL for the defaults. */
DPMIX_API DPMIX_CHECK int dpmix_generator_new(dpmix_generator **out, int kind, const dpmix_options *options);
DPMIX_API void dpmix_generator_free(dpmix_generator *generator);

/** Fits one model to the whole dataset. Arguments and errors as for dpmix_clusterer_fit(). */
DPMIX_API DPMIX_CHECK int dpmix_generator_fit(dpmix_generator *generator, dpmix_accountant *accountant,
                                              dpmix_dataset *dataset, double share,
                                              dpmix_progress_fn progress, void *user);

/** Samples records first, ..., first + n - 1 of an endless sequence.
 * @param[out] rows    n x n_columns, in the units of the declared bounds.
 * @param[out] labels  n classes; NULL when they are not wanted.
 * @param first        the sequence does not depend on how it is cut into calls.
 * @param n_columns    those of the dataset.
 * @param seed         the sequence is a function of *seed; NULL: fresh random bits (then `first` only has to be
 *                     at most 2^63). Sampling is post-processing: a seed costs no privacy.
 * @return DPMIX_ERR_UNSUPPORTED when labels are wanted of a model without them. */
DPMIX_API DPMIX_CHECK int dpmix_generator_sample(const dpmix_generator *generator, float *rows, int32_t *labels,
                                                 uint64_t first, size_t n, size_t n_columns,
                                                 const uint64_t *seed);

/** The ledger of the accountant as it was when the fit ended, as JSON; saved inside the file. Arguments as for
 * dpmix_accountant_json(). */
DPMIX_API DPMIX_CHECK int dpmix_generator_ledger(const dpmix_generator *generator, char *text, size_t capacity,
                                                 size_t *length);

/** Writes the fitted generator to a file, whole or not at all; reads it back. */
DPMIX_API DPMIX_CHECK int dpmix_generator_save(const dpmix_generator *generator, const char *path);
DPMIX_API DPMIX_CHECK int dpmix_generator_load(dpmix_generator **out, const char *path);

#ifdef __cplusplus
}
#endif

#endif
