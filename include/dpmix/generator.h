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

/** What dpmix_generator_fit() would cost, before there is data: a rehearsal on made-up rows and on a copy of
 * the ledger in memory. It spends nothing, neither of the accountant nor in its file, and works on a copy of
 * the generator.
 *
 * Epsilon and noise are exactly those of a fit that comes next on this accountant, with these columns,
 * classes and parts; they do not depend on n_rows.
 *
 * Bytes and seconds are measured on this machine as it is now, with the generator's DPMIX_OPTION_THREADS. Up
 * to 2^17 rows of at most 2^25 values together the rehearsal has n_rows rows; of more it has that many and a
 * quarter of that, and goes on in a straight line. Long training is broken off after a few steps (three at
 * least, and half a second) and reckoned up to all of them; up to eight steps are all taken. So the call
 * takes the time of the set-up and of a few steps, at most a few times that of a fit to so many rows, and
 * about `bytes` of memory itself besides the made-up rows (at most 32 MiB, and labels).
 *
 * @param[out] epsilon           what dpmix_accountant_spent() would say after the fit, bit for bit.
 * @param[out] noise_multiplier  of the query that runs most often (of several, the one with the least noise):
 *                               standard deviation of the noise over the largest norm that one row's
 *                               contribution can have, as in the ledger. 0 when no query runs.
 * @param[out] bytes             the most memory that the fit holds beside the dataset. Stacks of threads and
 *                               buffers of the linear algebra library are not in it.
 * @param[out] seconds           of the whole fit, by the wall clock.
 * Each output may be NULL.
 * @param generator   unfitted.
 * @param share       as for the fit.
 * @param n_rows      the caller's word: under add/remove adjacency the true number is private, and a plan
 *                    that is published should use a public or a noisy one.
 * @param n_classes   classes of the labels; 0: none. Of a mixture over a partition by label 0 too: its models
 *                    are not given the label.
 * @param n_parts     parts of the mixture that the generator is for; 1: none. Rows are taken to spread evenly
 *                    over the parts; finding the part of each row comes on top.
 * @return DPMIX_ERR_STATE when it is fitted already, DPMIX_ERR_BUDGET and DPMIX_ERR_NOMEM as the fit would,
 * DPMIX_ERR_RANGE for sizes that a dataset cannot have. Several threads may plan at once, at the price of the
 * seconds. */
DPMIX_API DPMIX_CHECK int dpmix_generator_plan(const dpmix_generator *generator, double *epsilon,
                                               double *noise_multiplier, double *bytes, double *seconds,
                                               const dpmix_accountant *accountant, double share, size_t n_rows,
                                               size_t n_columns, int n_classes, int n_parts);

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

/** The same records in float64: the units of the bounds may need it. A record's place between the bounds is a
 * float32 either way. */
DPMIX_API DPMIX_CHECK int dpmix_generator_sample_f64(const dpmix_generator *generator, double *rows,
                                                     int32_t *labels, uint64_t first, size_t n,
                                                     size_t n_columns, const uint64_t *seed);

/** The label of a record, as the column of a predicate. */
#define DPMIX_COLUMN_LABEL SIZE_MAX

/** Answers counting queries from synthetic records: the fraction of n_samples of them that a query holds of;
 * times a public or noisy number of rows it is a count. A query is a conjunction of predicates, each an interval
 * of one column (counting queries from samples: Acs, Melis, Castelluccia, De Cristofaro 2017).
 * Post-processing: it costs no privacy.
 *
 * The answers are those of the model, with a standard deviation from sampling of sqrt(p (1 - p) / n_samples):
 * at most 0.0016 for 100,000 samples. Memory: eight bytes a query, and some hundred records.
 *
 * @param[out] fractions  n_queries numbers in [0, 1].
 * @param offsets         n_queries + 1 numbers from 0 to n_predicates: query q has the predicates offsets[q],
 *                        ..., offsets[q + 1] - 1; without any it holds of every record.
 * @param columns         n_predicates column numbers from 0, or DPMIX_COLUMN_LABEL.
 * @param lower, upper    n_predicates each: the value lies in [lower, upper], ends included, in the units of the
 *                        declared bounds (a label: the class number). Infinite where there is no end.
 * @param n_samples       1 to 2^53: records 0, ..., n_samples - 1 of dpmix_generator_sample_f64().
 * @param seed            as for dpmix_generator_sample().
 * @return DPMIX_ERR_RANGE for offsets that fall or do not fit, a column that the model has not, an interval
 * that is empty or not a number; DPMIX_ERR_UNSUPPORTED for predicates on the label of a model without labels. */
DPMIX_API DPMIX_CHECK int dpmix_generator_count(const dpmix_generator *generator, double *fractions,
                                                const size_t *offsets, size_t n_queries,
                                                const size_t *columns, const double *lower,
                                                const double *upper, size_t n_predicates,
                                                uint64_t n_samples, const uint64_t *seed);

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
