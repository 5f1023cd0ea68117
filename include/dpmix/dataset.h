/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * The private records. What goes in can be read by nothing but the library's one noisy query: there is no
 * getter for a row, a label or the row count.
 *
 * Bounds are declared, never read from the data: a value outside them is clamped and NaN becomes the lower bound,
 * both silently, when a row is used. Learners see every column as (value - lower) / (upper - lower), computed
 * in double and rounded to float32. Samples come back in the declared units.
 *
 * Bounds are doubles; they and upper - lower have to be finite as float32, since samples may be asked for in it,
 * and upper - lower must not be subnormal (below 2.3e-308).
 *
 * Rejections that depend on the data happen only in the constructors, before any release; they are for the
 * curator's eyes, and name the argument but not the value.
 *
 * A dataset belongs to the first accountant that was debited for it, for life; another one is then refused with
 * DPMIX_ERR_STATE.
 */
#ifndef DPMIX_DATASET_H
#define DPMIX_DATASET_H

#include <dpmix/status.h>

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/** The private records. */
typedef struct dpmix_dataset dpmix_dataset;

#define DPMIX_STORAGE_COPY 1   /**< The library copies rows and labels, and wipes its copy when it is freed. */
#define DPMIX_STORAGE_BORROW 2 /**< The caller keeps rows and labels alive and unchanged for the handle's life,
                                    and that of every handle that was fitted to it. */

/** A dataset from bytes in memory; they stay bytes.
 * @param rows       n_rows x n_columns; may be NULL when n_rows is 0.
 * @param n_rows     may be 0: an empty data set is somebody's neighbour.
 * @param n_columns  1 to 1,000,000.
 * @param labels     n_rows class numbers in [0, n_classes), or NULL.
 * @param n_classes  the declared number of classes, 1 to 1,000,000; 0 without labels.
 * @param lower, upper  n_bounds declared bounds each: one pair for all columns, or one per column; lower < upper.
 * @param storage    DPMIX_STORAGE_*.
 * @return DPMIX_ERR_RANGE also for a label out of its range. The caller frees with dpmix_dataset_free(). */
DPMIX_API DPMIX_CHECK int dpmix_dataset_new_u8(dpmix_dataset **out, const uint8_t *rows, size_t n_rows,
                                               size_t n_columns, const int32_t *labels, int n_classes,
                                               const double *lower, const double *upper, size_t n_bounds,
                                               int storage);

/** A dataset from float32 in memory. Arguments as for dpmix_dataset_new_u8(). */
DPMIX_API DPMIX_CHECK int dpmix_dataset_new_f32(dpmix_dataset **out, const float *rows, size_t n_rows,
                                                size_t n_columns, const int32_t *labels, int n_classes,
                                                const double *lower, const double *upper, size_t n_bounds,
                                                int storage);

/** A dataset from float64 in memory, for units that float32 does not resolve, such as times in seconds. Only
 * the place of a value between its bounds is rounded to float32, so the closer the bounds (chosen without a
 * look at the data), the finer. dpmix_generator_sample_f64() gives samples in such units. Arguments as for
 * dpmix_dataset_new_u8(). */
DPMIX_API DPMIX_CHECK int dpmix_dataset_new_f64(dpmix_dataset **out, const double *rows, size_t n_rows,
                                                size_t n_columns, const int32_t *labels, int n_classes,
                                                const double *lower, const double *upper, size_t n_bounds,
                                                int storage);

/** A dataset from IDX files of unsigned bytes (the format of MNIST), gzip'd or not.
 * @param images_path  n x rows x columns (any number of dimensions from 1; all but the first become columns);
 *                     with rows = columns they are square images, see dpmix_dataset_set_images().
 * @param labels_path  n bytes in [0, n_classes), or NULL; then n_classes is 0.
 * @param n_classes    the declared number of classes: at most 256.
 * @param lower, upper declared bounds of a byte, for example 0 and 255.
 * @return DPMIX_ERR_IO when a file cannot be read, DPMIX_ERR_FORMAT when it is not such a file. */
DPMIX_API DPMIX_CHECK int dpmix_dataset_new_idx(dpmix_dataset **out, const char *images_path,
                                                const char *labels_path, int n_classes, double lower,
                                                double upper);

/** A dataset from NPY files (NumPy's arrays; format versions 1.0, 2.0 and 3.0), gzip'd or not. They are read
 * into memory: what happens to them later does not matter.
 * @param rows_path    n x columns (1 to 32 dimensions; all but the first become columns, in C's order, also
 *                     where the file is in Fortran's); n x m x m are square images, see
 *                     dpmix_dataset_set_images(). Elements, of either byte order: float32, float64,
 *                     integers of 8 to 64 bits, truth values (0 and 1). They are kept exactly, but for
 *                     integers beyond 2^53, which are rounded to float64.
 * @param labels_path  n integers or truth values in [0, n_classes), one dimension; or NULL, then n_classes
 *                     is 0.
 * @param n_classes    the declared number of classes, at most 1,000,000.
 * @param lower, upper n_bounds declared bounds each: one pair for all columns, or one per column.
 * @return DPMIX_ERR_IO when a file cannot be read, DPMIX_ERR_FORMAT when it is not such a file. */
DPMIX_API DPMIX_CHECK int dpmix_dataset_new_npy(dpmix_dataset **out, const char *rows_path,
                                                const char *labels_path, int n_classes, const double *lower,
                                                const double *upper, size_t n_bounds);

/** Declares which columns together encode a category: a category of m values as m columns, of which a record has
 * one at its upper bound and the others at their lower bounds ("one-hot"). Where nothing is declared, every
 * column is a number of its own. The declaration is public, like the bounds, and stored in model files; it is not
 * checked against the rows. A VAE with DPMIX_VAE_OUTPUT_MIXED and a mixture of products (DPMIX_GENERATOR_PRODUCTS),
 * which takes a group for one variable, make records that are one-hot in every group; to all other models a column
 * of a group is like any other.
 * @param groups     for each column 0, or the number of its group. The columns of a group stand side by side, and
 *                   groups are numbered 1, 2, ... from left to right.
 * @param n_columns  that of the dataset.
 * @return DPMIX_ERR_RANGE when they are not so numbered, DPMIX_ERR_STATE once anything was debited for the
 * dataset. Needs the handle alone. */
DPMIX_API DPMIX_CHECK int dpmix_dataset_set_groups(dpmix_dataset *dataset, const int32_t *groups,
                                                   size_t n_columns);

/** Declares that a record is a square image, side x side pixels, line by line. IDX and NPY files with three
 * dimensions, n x side x side, have declared it by their shape. A Gaussian mixture, if its options leave the
 * choice to the rule, then works in the image's low frequencies (DPMIX_OPTION_GMM_BASIS), a teacher sees
 * scattering features (DPMIX_OPTION_TEACHER_FEATURES), and samples of its mixture are warped and mixed
 * (DPMIX_OPTION_AUGMENT_FRACTION, DPMIX_OPTION_AUGMENT_MIX). The declaration is public, like the bounds, and not
 * checked against the rows. It is not in model files: fit and lesson settle what follows from it.
 * @return DPMIX_ERR_RANGE when side x side is not the number of columns, DPMIX_ERR_STATE once anything was
 * debited for the dataset. */
DPMIX_API DPMIX_CHECK int dpmix_dataset_set_images(dpmix_dataset *dataset, size_t side);

/** Gives the handle back; the last owner wipes the copy. NULL is fine. */
DPMIX_API void dpmix_dataset_free(dpmix_dataset *dataset);

/** The declared shape. The row count has no getter: under add/remove adjacency it is private. */
DPMIX_API size_t dpmix_dataset_columns(const dpmix_dataset *dataset);
DPMIX_API int dpmix_dataset_classes(const dpmix_dataset *dataset); /**< 0 without labels */

#ifdef __cplusplus
}
#endif

#endif
