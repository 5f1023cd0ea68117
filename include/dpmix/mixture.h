/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * The mixture: a partition and one generator per part, all trained in one go. A record lies in one part only, so
 * the k models together cost what one costs.
 */
#ifndef DPMIX_MIXTURE_H
#define DPMIX_MIXTURE_H

#include <dpmix/clusterer.h>
#include <dpmix/generator.h>

#ifdef __cplusplus
extern "C" {
#endif

/** A partition with a model for each part, fitted or not. */
typedef struct dpmix_mixture dpmix_mixture;

/** An unfitted mixture.
 * @param clusterer  fitted; the mixture holds it, and the caller may free its own handle.
 * @param generator  the kind and options of the models to train; it is copied, unfitted. */
DPMIX_API DPMIX_CHECK int dpmix_mixture_new(dpmix_mixture **out, dpmix_clusterer *clusterer,
                                            const dpmix_generator *generator);
/** Gives the handle back. NULL is fine. */
DPMIX_API void dpmix_mixture_free(dpmix_mixture *mixture);

/** Trains one model per part, all under one debit. Arguments and errors as for dpmix_clusterer_fit(). */
DPMIX_API DPMIX_CHECK int dpmix_mixture_fit(dpmix_mixture *mixture, dpmix_accountant *accountant,
                                            dpmix_dataset *dataset, double share, dpmix_progress_fn progress,
                                            void *user);

/** Checkpoints of the mixture's fit, as dpmix_generator_checkpoint(). The file holds the partition, too. */
DPMIX_API DPMIX_CHECK int dpmix_mixture_checkpoint(dpmix_mixture *mixture, const char *path, uint64_t every);
/** Goes on with a fit from its checkpoint, as dpmix_generator_resume(). */
DPMIX_API DPMIX_CHECK int dpmix_mixture_resume(dpmix_mixture **out, const char *path,
                                               dpmix_accountant *accountant, dpmix_dataset *dataset,
                                               dpmix_progress_fn progress, void *user);

/** The number of parts. */
DPMIX_API int dpmix_mixture_parts(const dpmix_mixture *mixture);

/** The columns of a record; 0 before the fit. */
DPMIX_API size_t dpmix_mixture_columns(const dpmix_mixture *mixture);
/** The classes of a record's label; 0 before the fit, and when records have no labels. */
DPMIX_API int dpmix_mixture_classes(const dpmix_mixture *mixture);

/** Samples from the mixture: a part by its weight, then a record of its model. Arguments and errors as for
 * dpmix_generator_sample(). The label is the generator's own where it makes one, else the part's where the
 * partition is by label. */
DPMIX_API DPMIX_CHECK int dpmix_mixture_sample(const dpmix_mixture *mixture, float *rows, int32_t *labels,
                                               uint64_t first, size_t n, size_t n_columns,
                                               const uint64_t *seed);

/** The same records in float64, as dpmix_generator_sample_f64(). */
DPMIX_API DPMIX_CHECK int dpmix_mixture_sample_f64(const dpmix_mixture *mixture, double *rows,
                                                   int32_t *labels, uint64_t first, size_t n,
                                                   size_t n_columns, const uint64_t *seed);

/** Answers counting queries from synthetic records. Arguments and errors as for dpmix_generator_count(); the
 * label is that of dpmix_mixture_sample(). */
DPMIX_API DPMIX_CHECK int dpmix_mixture_count(const dpmix_mixture *mixture, double *fractions,
                                              const size_t *offsets, size_t n_queries, const size_t *columns,
                                              const double *lower, const double *upper, size_t n_predicates,
                                              uint64_t n_samples, const uint64_t *seed);

/** The ledger of the accountant as it was when the fit ended, as JSON; saved inside the model. Arguments as for
 * dpmix_accountant_json(). */
DPMIX_API DPMIX_CHECK int dpmix_mixture_ledger(const dpmix_mixture *mixture, char *text, size_t capacity,
                                               size_t *length);

/** Writes the fitted mixture, its partition and its ledger to one file (little-endian, versioned, with a
 * checksum), whole or not at all.
 * @return DPMIX_ERR_IO, DPMIX_ERR_STATE when it is not fitted. */
DPMIX_API DPMIX_CHECK int dpmix_mixture_save(const dpmix_mixture *mixture, const char *path);
/** Reads it back.
 * @return DPMIX_ERR_IO, DPMIX_ERR_FORMAT when the file is damaged or holds something else. */
DPMIX_API DPMIX_CHECK int dpmix_mixture_load(dpmix_mixture **out, const char *path);

#ifdef __cplusplus
}
#endif

#endif
