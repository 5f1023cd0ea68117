/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * Public maps of images: low frequencies, scattering features, signed distances.
 *
 * All of them are fixed and know nothing of any data: what they make of one image is a function of that
 * image alone, bit for bit, whatever else is in the call. Applied to public or synthetic records they are
 * plain arithmetic. Applied to private records they cost no budget by themselves, because a record of
 * features stands for one record of the data; but features are as private as the records, and belong behind
 * the dataset's door (dpmix/dataset.h).
 *
 * Images are square, one a row, line by line: `side` x `side` numbers in float32. Values are meant to lie
 * in [0, 1], and nothing checks that they do. These functions have no handle and keep nothing; each works
 * in the calling thread. Any thread, any number of them at once. To use several processors, cut the rows
 * into pieces. Each call makes its tables anew (milliseconds), so that many rows a call are better than
 * few: 60,000 images of 28 x 28 pixels took 4 s (scattering) and 0.1 s (low frequencies) on one core of an
 * x86-64 server with AVX-512.
 */
#ifndef DPMIX_FEATURE_H
#define DPMIX_FEATURE_H

#include <dpmix/status.h>

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/** How many frequencies dpmix_feature_dct() keeps.
 * @param side    1 to 128.
 * @param radius  0 to 2 side. For side 28: 8 keeps 58, 11 keeps 106, 16 keeps 216, 40 all 784.
 * @return DPMIX_ERR_ARG, DPMIX_ERR_RANGE. */
DPMIX_API DPMIX_CHECK int dpmix_feature_dct_size(size_t *dims, size_t side, size_t radius);

/** The low frequencies of images: the coefficients (i, j) of the orthonormal two-dimensional cosine
 * transform (DCT-II) with i^2 + j^2 <= radius^2; i is the frequency from line to line. They stand in the
 * order of i^2 + j^2, those of one sum in the order of i; the first is side times the image's mean. A row
 * is never longer (in the Euclidean norm) than its image, up to rounding.
 * @param[out] out  n_rows x dims, with dims from dpmix_feature_dct_size(); no part of `rows`.
 * @param rows      n_rows x side^2.
 * @return DPMIX_ERR_ARG, DPMIX_ERR_RANGE, DPMIX_ERR_NOMEM. */
DPMIX_API DPMIX_CHECK int dpmix_feature_dct(float *out, const float *rows, size_t n_rows, size_t side,
                                            size_t radius);

/** Images from their low frequencies; the frequencies that are not there count as zero. After
 * dpmix_feature_dct() this is the orthogonal projection. Nothing is clipped to [0, 1].
 * @param[out] out  n_rows x side^2; no part of `rows`.
 * @param rows      n_rows x dims.
 * @return as dpmix_feature_dct(). */
DPMIX_API DPMIX_CHECK int dpmix_feature_dct_inverse(float *out, const float *rows, size_t n_rows, size_t side,
                                                    size_t radius);

/** The shape of scattering features.
 * @param[out] n_channels   1 + J L + L^2 J (J - 1) / 2 for J scales and L angles.
 * @param[out] n_positions  (side / 2^J)^2, the quotient rounded down. A row of features has n_channels times
 *                          n_positions numbers: 81 x 49 = 3,969 for 28, 2, 8.
 * @param side    2^scales to 128.
 * @param scales  1 to 4.
 * @param angles  1 to 16.
 * @return DPMIX_ERR_ARG, DPMIX_ERR_RANGE. */
DPMIX_API DPMIX_CHECK int dpmix_feature_scattering_size(size_t *n_channels, size_t *n_positions, size_t side,
                                                        int scales, int angles);

/** The scattering transform with two layers: an image's local averages (x * phi), those of the moduli of
 * its wavelet transform (|x * psi_a| * phi), and once more (||x * psi_a| * psi_b| * phi, scale of a below
 * that of b), at every 2^scales-th pixel. When the image moves by a pixel or bends a little the features
 * change much less than the pixels do, and a linear classifier on them is a good one. Mallat, "Group
 * invariant scattering", 2012; Bruna and Mallat, "Invariant scattering convolution networks", 2013.
 * Filters, padding and order are those of Kymatio (Andreux et al., JMLR 21, 2020): channels by layer, a =
 * (scale, angle), b = (scale, angle), each channel line by line; values agree with Kymatio 0.3.0 to about
 * single precision.
 *
 * With `groups` > 0 each record is normalised as well: the channels in order, cut into `groups` groups of
 * as many, are each shifted to mean 0 and scaled to variance 1 (1e-10 is added to the variance, so that
 * a group without signal, rounding errors only, stays small), and then the record to norm 1 (zero,
 * if no group varies). This is group normalisation (Wu and He, 2018) as it serves private linear
 * classifiers (Tramer and Boneh, 2021); 27 groups for 81 channels.
 * @param[out] out  n_rows x (n_channels x n_positions); no part of `rows`.
 * @param rows      n_rows x side^2.
 * @param groups    0: as they are; else a divisor of n_channels.
 * @return DPMIX_ERR_ARG, DPMIX_ERR_RANGE, DPMIX_ERR_NOMEM. */
DPMIX_API DPMIX_CHECK int dpmix_feature_scattering(float *out, const float *rows, size_t n_rows, size_t side,
                                                   int scales, int angles, int groups);

/** Images as signed distances from their outlines. A pixel of 1/2 or more is inside, any other (NaN too)
 * outside. The distance d of a pixel is that from its centre to the nearest centre of a pixel on the other
 * side, Euclidean and exact, less the half pixel beyond the outline; positive inside, negative outside, cut
 * off at 3 pixels. What is stored is (d + 3) / 6, in [0, 1].
 * @param[out] out  n_rows x side^2; may be `rows`.
 * @param rows      n_rows x side^2.
 * @param side      1 to 128.
 * @return DPMIX_ERR_ARG, DPMIX_ERR_RANGE. */
DPMIX_API DPMIX_CHECK int dpmix_feature_distance(float *out, const float *rows, size_t n_rows, size_t side);

/** The way back: clip(6 z - 3 + 1/2, 0, 1) for every number z; NaN becomes 0. After
 * dpmix_feature_distance() it gives the thresholded image, up to rounding; of smooth distances it makes an
 * image with sharp, anti-aliased outlines.
 * @param[out] out  n_rows x side^2; may be `rows`.
 * @return as dpmix_feature_distance(). */
DPMIX_API DPMIX_CHECK int dpmix_feature_distance_inverse(float *out, const float *rows, size_t n_rows,
                                                         size_t side);

#ifdef __cplusplus
}
#endif

#endif
