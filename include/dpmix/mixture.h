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
 * @param clusterer  fitted; the mixture holds it, and the caller may free its own handle. NULL: all records are
 *                   one part, and no budget goes into finding it.
 * @param generator  the kind and options of the models to train; it is copied, unfitted. Its options are the
 *                   mixture's, too: those of labels, teacher and augmentation. */
DPMIX_API DPMIX_CHECK int dpmix_mixture_new(dpmix_mixture **out, dpmix_clusterer *clusterer,
                                            const dpmix_generator *generator);
/** Gives the handle back. NULL is fine. */
DPMIX_API void dpmix_mixture_free(dpmix_mixture *mixture);

/** Trains one model per part, all under one debit. Arguments and errors as for dpmix_clusterer_fit();
 * DPMIX_ERR_UNSUPPORTED when DPMIX_OPTION_AUGMENT_FRACTION is above 0 and records are no square images. */
DPMIX_API DPMIX_CHECK int dpmix_mixture_fit(dpmix_mixture *mixture, dpmix_accountant *accountant,
                                            dpmix_dataset *dataset, double share, dpmix_progress_fn progress,
                                            void *user);

/** Trains a teacher: a linear classifier of records on public features, by full-batch differentially private
 * gradient descent (one flat clip, Gaussian noise) with momentum, after whitening and a start on synthetic
 * records of the fitted mixture, which cost nothing. For declared images (dpmix_dataset_set_images()) the
 * features are a scattering transform (dpmix/feature.h). From then on samples are labelled by the teacher, or
 * not, as DPMIX_OPTION_LABELS says, and those of images are warped and mixed (DPMIX_AUGMENT_RULE):
 * post-processing, without further cost. The teacher is saved with the mixture.
 *
 * Labels of the teacher are meant for models whose classes blur into each other. Where records are so unlike
 * real ones that the teacher errs on them they may be worse than the models' own; the option has the choice, and
 * the default, the teacher's, looks at no data.
 *
 * The accountant should be that of the fit, or one opened on the same ledger file: dpmix_mixture_ledger() is its
 * ledger from then on, and with another accountant what the fit spent is no longer in the model.
 *
 * Needs memory for the features of all records, n_rows x (teacher_width + 1) numbers of float32, which never
 * leave the dataset's guard and are wiped at the end. Arguments and errors as for dpmix_clusterer_fit();
 * DPMIX_ERR_STATE also when the mixture is not fitted, has a teacher, or was fitted to data of other columns,
 * bounds or classes, DPMIX_ERR_UNSUPPORTED without labels of two classes or more.
 *
 * Linear on scattering features: Tramer and Boneh, ICLR 2021, section 3; labels from a private teacher: Papernot
 * et al., ICLR 2017, whose teachers vote, while this one is private itself. */
DPMIX_API DPMIX_CHECK int dpmix_mixture_teach(dpmix_mixture *mixture, dpmix_accountant *accountant,
                                              dpmix_dataset *dataset, double share,
                                              dpmix_progress_fn progress, void *user);

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
 * dpmix_generator_sample(). By DPMIX_OPTION_LABELS the label is the teacher's, or the generator's own where it
 * makes one, else the part's where the partition is by label. With DPMIX_OPTION_AUGMENT_FRACTION above 0 some
 * of the records, square images, are warped or mixed before they are labelled; mixing needs the teacher's
 * labels. By default that is done where a teacher labels declared images (DPMIX_AUGMENT_RULE).
 * DPMIX_ERR_UNSUPPORTED where there are no such labels. With a teacher the call works on as many threads as the
 * fit did; where the mixture was loaded, one per processor. */
DPMIX_API DPMIX_CHECK int dpmix_mixture_sample(const dpmix_mixture *mixture, float *rows, int32_t *labels,
                                               uint64_t first, size_t n, size_t n_columns,
                                               const uint64_t *seed);

/** The same records in float64, as dpmix_generator_sample_f64(). */
DPMIX_API DPMIX_CHECK int dpmix_mixture_sample_f64(const dpmix_mixture *mixture, double *rows,
                                                   int32_t *labels, uint64_t first, size_t n,
                                                   size_t n_columns, const uint64_t *seed);

/** The records of dpmix_mixture_sample() with class probabilities in place of labels: the teacher's, or 1 for the
 * label and 0 elsewhere where labels are not the teacher's. The label is the class of the largest probability.
 * They serve as soft labels, as weights, or to leave out records that the teacher doubts.
 * @param[out] probabilities  n x n_classes.
 * @param n_classes           dpmix_mixture_classes(); DPMIX_ERR_ARG otherwise, DPMIX_ERR_UNSUPPORTED when that
 *                            is 0. */
DPMIX_API DPMIX_CHECK int dpmix_mixture_sample_soft(const dpmix_mixture *mixture, float *rows,
                                                    float *probabilities, uint64_t first, size_t n,
                                                    size_t n_columns, int n_classes, const uint64_t *seed);

/** Answers counting queries from synthetic records. Arguments and errors as for dpmix_generator_count(); the
 * label is that of dpmix_mixture_sample(). */
DPMIX_API DPMIX_CHECK int dpmix_mixture_count(const dpmix_mixture *mixture, double *fractions,
                                              const size_t *offsets, size_t n_queries, const size_t *columns,
                                              const double *lower, const double *upper, size_t n_predicates,
                                              uint64_t n_samples, const uint64_t *seed);

/** The ledger of the accountant as it was when the fit ended, or, with a teacher, of the teacher's when that was
 * trained; as JSON, saved inside the model. Debits from another accountant, of the partition or of the models,
 * are not in it: dpmix_clusterer_ledger() tells those of a partition. Arguments as for
 * dpmix_accountant_json(). */
DPMIX_API DPMIX_CHECK int dpmix_mixture_ledger(const dpmix_mixture *mixture, char *text, size_t capacity,
                                               size_t *length);

/** Writes the fitted mixture, its partition and its ledger to one file (little-endian, versioned, with a
 * checksum), whole or not at all.
 * @return DPMIX_ERR_IO, DPMIX_ERR_STATE when it is not fitted. */
DPMIX_API DPMIX_CHECK int dpmix_mixture_save(const dpmix_mixture *mixture, const char *path);
/** Reads it back. Of the options a file holds those of samples; a teacher is trained with the defaults of the others.
 * @return DPMIX_ERR_IO, DPMIX_ERR_FORMAT when the file is damaged or holds something else. */
DPMIX_API DPMIX_CHECK int dpmix_mixture_load(dpmix_mixture **out, const char *path);

#ifdef __cplusplus
}
#endif

#endif
