/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * Differentially private partitions: a function of released numbers and of the record alone.
 */
#ifndef DPMIX_CLUSTERER_H
#define DPMIX_CLUSTERER_H

#include <dpmix/accountant.h>
#include <dpmix/dataset.h>
#include <dpmix/options.h>

#ifdef __cplusplus
extern "C" {
#endif

/** A partition, fitted or not. */
typedef struct dpmix_clusterer dpmix_clusterer;

#define DPMIX_CLUSTERER_LABEL 1  /**< One part per class of the labels; noisy class counts. */
#define DPMIX_CLUSTERER_KMEANS 2 /**< DP kernel k-means over random Fourier features of the RBF kernel: noisy sums
                                      and counts per iteration (Acs, Melis, Castelluccia, De Cristofaro 2017). With
                                      DPMIX_OPTION_KMEANS_FEATURES 0 plain DP k-means on the columns. */
#define DPMIX_CLUSTERER_CORESET 3 /**< Noisy sums and counts of the cells that random planes cut, k-means++ on those
                                       weighted points, then DP k-means from there, on the columns (Chang, Ghazi,
                                       Kumar, Manurangsi, ICML 2021; Cohen-Addad and others, NeurIPS 2022). */

/** An unfitted clusterer.
 * @param kind     DPMIX_CLUSTERER_*.
 * @param options  copied; NULL for the defaults. */
DPMIX_API DPMIX_CHECK int dpmix_clusterer_new(dpmix_clusterer **out, int kind, const dpmix_options *options);
/** Gives the handle back. NULL is fine. */
DPMIX_API void dpmix_clusterer_free(dpmix_clusterer *clusterer);

/** Fits it to the dataset.
 * @param share     in (0, 1]: of the epsilon that is left, how much this fit may spend.
 * @param progress  may be NULL.
 * @return DPMIX_ERR_STATE when it is fitted already or the dataset belongs to another accountant,
 * DPMIX_ERR_BUDGET, DPMIX_ERR_CANCELLED, DPMIX_ERR_UNSUPPORTED when the kind needs labels and there are none. */
DPMIX_API DPMIX_CHECK int dpmix_clusterer_fit(dpmix_clusterer *clusterer, dpmix_accountant *accountant,
                                              dpmix_dataset *dataset, double share,
                                              dpmix_progress_fn progress, void *user);

/** What dpmix_clusterer_fit() would cost, before there is data. Outputs, arguments and errors as for
 * dpmix_generator_plan(), and DPMIX_ERR_UNSUPPORTED when the kind needs labels and n_classes is 0. A plan does not
 * know of what type rows will be: on bytes with one pair of bounds that clamps none (0 and 255, say) k-means on the
 * columns and coreset are several times as fast as `seconds` says. */
DPMIX_API DPMIX_CHECK int dpmix_clusterer_plan(const dpmix_clusterer *clusterer, double *epsilon,
                                               double *noise_multiplier, double *bytes, double *seconds,
                                               const dpmix_accountant *accountant, double share, size_t n_rows,
                                               size_t n_columns, int n_classes);

/** The number of parts; 0 before the fit. */
DPMIX_API int dpmix_clusterer_parts(const dpmix_clusterer *clusterer);

/** The columns of a record; 0 before the fit. */
DPMIX_API size_t dpmix_clusterer_columns(const dpmix_clusterer *clusterer);

/** The weights of the parts, from noisy counts: not negative, their sum is 1.
 * @param[out] weights  n_parts numbers. */
DPMIX_API DPMIX_CHECK int dpmix_clusterer_weights(const dpmix_clusterer *clusterer, double *weights,
                                                  size_t n_parts);

/** The centres of the parts, as they were released: a row's part is the nearest of them, in the columns scaled to
 * [0, 1] by their bounds. Rows that lie far outside most others are first moved to a released sphere around the
 * released mean, which may change their part.
 * @param[out] centres  n_parts x n_columns numbers, in the units of the declared bounds.
 * @return DPMIX_ERR_UNSUPPORTED where parts have no centres among the rows: by label, kernel k-means, and one part
 * alone. */
DPMIX_API DPMIX_CHECK int dpmix_clusterer_centres(const dpmix_clusterer *clusterer, double *centres,
                                                  size_t n_parts, size_t n_columns);

/** The part of each of the caller's rows.
 * @param[out] parts  n_rows numbers.
 * @param rows        n_rows x n_columns, in the units of the declared bounds.
 * @param labels      n_rows classes, for a partition by label; otherwise it may be NULL. */
DPMIX_API DPMIX_CHECK int dpmix_clusterer_assign(const dpmix_clusterer *clusterer, int32_t *parts,
                                                 const float *rows, size_t n_rows, size_t n_columns,
                                                 const int32_t *labels);

/** The ledger of the accountant as it was when the fit ended, as JSON; saved inside the file. Arguments as for
 * dpmix_accountant_json(). */
DPMIX_API DPMIX_CHECK int dpmix_clusterer_ledger(const dpmix_clusterer *clusterer, char *text, size_t capacity,
                                                 size_t *length);

/** Writes the fitted clusterer to a file, whole or not at all: as a new file that then takes the path. A
 * symbolic link there is replaced, not followed, and permissions are those of a new file. So it is with all saves
 * of the library.
 * @return DPMIX_ERR_IO, also for a device or a pipe; DPMIX_ERR_STATE when it is not fitted. */
DPMIX_API DPMIX_CHECK int dpmix_clusterer_save(const dpmix_clusterer *clusterer, const char *path);
/** Reads it back.
 * @return DPMIX_ERR_IO, DPMIX_ERR_FORMAT when the file is damaged or holds something else. */
DPMIX_API DPMIX_CHECK int dpmix_clusterer_load(dpmix_clusterer **out, const char *path);

#ifdef __cplusplus
}
#endif

#endif
