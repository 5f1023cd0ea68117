/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * Generative models with differentially private training.
 */
#ifndef DPMIX_GENERATOR_H
#define DPMIX_GENERATOR_H

#include <dpmix/accountant.h>
#include <dpmix/dataset.h>
#include <dpmix/options.h>
#include <dpmix/schema.h>

#ifdef __cplusplus
extern "C" {
#endif

/** A generative model, fitted or not. */
typedef struct dpmix_generator dpmix_generator;

#define DPMIX_GENERATOR_GAUSSIAN 1 /**< A Gaussian with DP mean and low-rank DP covariance; in a mixture, a DP GMM
                                        (Zhou, Zhou, Mirrokni, Epasto, Cohen-Addad 2025, in kind). It makes no labels:
                                        where there are some, it is for a mixture over a partition by label. */
#define DPMIX_GENERATOR_VAE 2      /**< A variational autoencoder, trained by noisy gradients (Kingma and Welling
                                        2014; Abadi et al. 2016; Acs et al. 2017), for images, measurements or tables
                                        (DPMIX_OPTION_VAE_OUTPUT). As a default its samples are the means of
                                        Bernoulli outputs, not draws of zeros and ones. */
#define DPMIX_GENERATOR_RBM 3      /**< A restricted Boltzmann machine of records and, where there are some,
                                        labels (Larochelle and Bengio 2008), trained by DP contrastive
                                        divergence (Hinton 2002; Acs et al. 2017) and sampled by Gibbs chains. */
#define DPMIX_GENERATOR_CGAN 4     /**< A conditional generative adversarial net that makes records and, where there
                                        are some, labels; its discriminator is trained by DP gradient descent
                                        (Torkzadehmahani, Kairouz, Paten 2019, arXiv 2001.09700, with one clip over
                                        all weights). The records are the generator's output. It wants more and
                                        smaller steps than the other nets, such as steps 2000, sampling_rate 0.01,
                                        learning_rate 0.001, momentum 0.5, averaging 0.99; averaging is of the
                                        generator's weights. */

#define DPMIX_GENERATOR_GMM 5      /**< A Gaussian mixture for every class, by DP clustering in a subspace of the
                                        columns or of a public basis (Zhou, Zhou, Mirrokni, Epasto, Cohen-Addad
                                        2025, arXiv 2506.16661). It makes labels where the dataset has them. */
#define DPMIX_GENERATOR_PRODUCTS 6 /**< A mixture of products of the columns' laws (latent classes), fitted to noisy
                                        tables of all pairs of columns and the label, where there is one: for
                                        tables. In the line of GEM (Liu, Vietri, Wu 2021, arXiv 2106.07153). Numbers
                                        are cut into bins. Categories and bins may be 4,096 together. */

/** An unfitted generator.
 * @param kind     DPMIX_GENERATOR_*.
 * @param options  copied; NULL for the defaults. */
DPMIX_API DPMIX_CHECK int dpmix_generator_new(dpmix_generator **out, int kind, const dpmix_options *options);
/** Gives the handle back. NULL is fine. */
DPMIX_API void dpmix_generator_free(dpmix_generator *generator);

/** Fits one model to the whole dataset. Arguments and errors as for dpmix_clusterer_fit(). */
DPMIX_API DPMIX_CHECK int dpmix_generator_fit(dpmix_generator *generator, dpmix_accountant *accountant,
                                              dpmix_dataset *dataset, double share,
                                              dpmix_progress_fn progress, void *user);

/** Has the next fits of this generator write checkpoints, from which dpmix_generator_resume() goes on after a
 * crash or a cancellation. The file is written, each time whole or not at all, before the debit, after every
 * `every` steps, after the last one, when the progress callback asks to stop, and when the ledger cannot be
 * written. It stays where it is: delete it once the model is saved. A fit fails with DPMIX_ERR_IO when it
 * cannot be written, before the debit the first time. What is at the path is replaced: a fit that is begun
 * again instead of resumed loses what the first one paid for.
 *
 * The file holds settings, bounds, weights and the state of the optimiser: public numbers, and those that were
 * released with noise. There is no key in it, and nothing by which noise could be taken away: it is as
 * private as the model. It is of no use without the ledger.
 *
 * With a durable ledger (dpmix_accountant_open()) the fit notes in the ledger how far it may come before it
 * gets there: each time for `every` steps (0: for a 16th of all). A note is a transaction in the ledger's
 * file and takes a few milliseconds on a solid-state disk, tens on a busy one; so does a checkpoint. An
 * `every` that is a hundred times as long as both together costs about a hundredth.
 * @param path   copied; NULL: no more checkpoints.
 * @param every  steps; 0: only before the debit and when the callback asks to stop.
 * @return DPMIX_ERR_UNSUPPORTED for a kind that is not trained by gradient steps (Gaussian, Gaussian mixture,
 *         mixture of products), DPMIX_ERR_STATE when the generator is fitted already, DPMIX_ERR_NOMEM. */
DPMIX_API DPMIX_CHECK int dpmix_generator_checkpoint(dpmix_generator *generator, const char *path,
                                                     uint64_t every);

/** Goes on with a fit from its checkpoint, to the end, with fresh noise; checkpoints go on being written to
 * the same path, as often as before; it has the threads of the fit, but no more than there are processors.
 *
 * What it costs: the steps between the checkpoint and the last one that may have begun were paid for and are
 * lost. They are debited anew, as one entry "..., resumed"; the rest goes on under the debit of the fit.
 * After a crash these are `every` steps or a few more. After a cancellation, or another failure that the fit
 * lived to report, the ledger knows the steps exactly: there are none, or those since the checkpoint. A
 * ledger in memory does not know how far the fit came: there all steps from the checkpoint on are debited
 * anew, and only the process that began the fit has the ledger. In the planned mode resume after crashes and
 * for want of time, not because of what the fit released.
 *
 * Of several processes that resume one fit the last one goes on; the others, and the fit itself where it still
 * runs, end with DPMIX_ERR_STATE where their next note would be due. What they do up to there is paid for.
 * @param[out] out    the fitted generator.
 * @param path        the checkpoint.
 * @param accountant  with the ledger that the fit was debited from.
 * @param dataset     the same rows; bounds and classes are compared, rows are not.
 * @return DPMIX_ERR_STATE when ledger or data set are not those of the checkpoint, DPMIX_ERR_BUDGET when the
 *         budget does not cover what is to be debited anew (nothing was read), DPMIX_ERR_FORMAT for a file
 *         that is damaged or no checkpoint of a generator; otherwise as for dpmix_generator_fit(). */
DPMIX_API DPMIX_CHECK int dpmix_generator_resume(dpmix_generator **out, const char *path,
                                                 dpmix_accountant *accountant, dpmix_dataset *dataset,
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
 * @param[out] bytes             the most memory that the fit holds beside the dataset, with what the generator's
 *                               checkpoints take; a mixture's come on top. Stacks of threads and buffers of the
 *                               linear algebra library are not in it.
 * @param[out] seconds           of the whole fit, by the wall clock; to write checkpoints, and notes in the file
 *                               of a durable ledger, comes on top.
 * Each output may be NULL.
 * @param generator   unfitted.
 * @param share       as for the fit.
 * @param n_columns   of rows that are not declared to be images: to plan a Gaussian mixture of images, set
 *                    DPMIX_OPTION_GMM_BASIS.
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

/** The columns of a record; 0 before the fit. */
DPMIX_API size_t dpmix_generator_columns(const dpmix_generator *generator);
/** The classes of a record's label; 0 before the fit, and when the model's records have no labels. */
DPMIX_API int dpmix_generator_classes(const dpmix_generator *generator);

/** dpmix_generator_plan() for a dataset made with a schema. Columns that are one category matter for what a mixture
 * of products costs; dpmix_generator_plan() takes every column for a number.
 * @param n_parts  parts of the mixture that the generator is for; 1: none; 0: one for each class of the schema's
 *                 label, and DPMIX_ERR_RANGE where it has none. */
DPMIX_API DPMIX_CHECK int dpmix_generator_plan_table(const dpmix_generator *generator, double *epsilon,
                                                     double *noise_multiplier, double *bytes, double *seconds,
                                                     const dpmix_accountant *accountant, double share,
                                                     size_t n_rows, const dpmix_schema *schema, int n_parts);

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
 * @param columns         n_predicates column numbers from 0, or DPMIX_COLUMN_LABEL. Of a dataset that was made with
 *                        a schema these are places, in [0, 1]: dpmix_schema_places().
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

/** Number of components of a Gaussian mixture (DPMIX_GENERATOR_GMM): of class 0 first, then of class 1, ...
 * @return DPMIX_ERR_UNSUPPORTED for generators of other kinds. */
DPMIX_API DPMIX_CHECK int dpmix_generator_components(const dpmix_generator *generator, size_t *n);

/** Natural logarithms of the density of records under a Gaussian mixture (DPMIX_GENERATOR_GMM), per unit of the
 * declared bounds in every column: it integrates to 1 over all of space. In the subspace a component has its own
 * covariance, beside it one variance in all directions; samples lack that one unless DPMIX_OPTION_GMM_REST is 1,
 * and they are cut to the bounds, while the density is not. Arithmetic is float32 inside: errors are about 1e-6
 * of the largest term. Post-processing: it costs no privacy.
 * @param[out] out   n numbers; NaN for a record with a value that is not a number.
 * @param rows       n x n_columns, in declared units; they may lie outside the bounds. Beyond 1e9 times the
 *                   bounds' width, infinities too, a value counts as one there.
 * @param labels     n classes: the density is that of row and label together. NULL: of the row alone.
 * @param n_columns  those of the dataset.
 * @return DPMIX_ERR_UNSUPPORTED for generators of other kinds, for a model of signed distances
 * (DPMIX_OPTION_GMM_DISTANCE), and for labels of a model without them; DPMIX_ERR_RANGE for labels that are not
 * classes. */
DPMIX_API DPMIX_CHECK int dpmix_generator_log_density(const dpmix_generator *generator, double *out,
                                                      const float *rows, const int32_t *labels, size_t n,
                                                      size_t n_columns);

/** Responsibilities: the share of each component in the density of each record. Arguments and errors as for
 * dpmix_generator_log_density(), but a model of signed distances alone has them, too.
 * @param[out] shares  n x components, each record's sum 1, or NaN where the density is. With labels the components
 *                     of other classes have 0; a record of a class that the model gives no weight has 0
 *                     everywhere. */
DPMIX_API DPMIX_CHECK int dpmix_generator_assign(const dpmix_generator *generator, float *shares,
                                                 const float *rows, const int32_t *labels, size_t n,
                                                 size_t n_columns);

/** The ledger of the accountant as it was when the fit ended, as JSON; saved inside the file. Arguments as for
 * dpmix_accountant_json(). */
DPMIX_API DPMIX_CHECK int dpmix_generator_ledger(const dpmix_generator *generator, char *text, size_t capacity,
                                                 size_t *length);

/** Writes the fitted generator to a file, whole or not at all.
 * @return DPMIX_ERR_IO, DPMIX_ERR_STATE when it is not fitted. */
DPMIX_API DPMIX_CHECK int dpmix_generator_save(const dpmix_generator *generator, const char *path);
/** Reads it back. A file holds no options: a mixture for which the generator is the pattern gets the defaults.
 * @return DPMIX_ERR_IO, DPMIX_ERR_FORMAT when the file is damaged or holds something else. */
DPMIX_API DPMIX_CHECK int dpmix_generator_load(dpmix_generator **out, const char *path);

#ifdef __cplusplus
}
#endif

#endif
