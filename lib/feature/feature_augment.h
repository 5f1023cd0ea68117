/* SPDX-License-Identifier: BSD-3-Clause */
/* Random changes of images that keep what they show: for records sampled from a released model, where they
 * are post-processing. */
#ifndef DPM_FEATURE_AUGMENT_H
#define DPM_FEATURE_AUGMENT_H

#include "random_stream.h"

#include <stddef.h>
#include <stdint.h>

/* All zero: nothing is changed. "+-a" is uniform in [-a, a]. */
struct dpm_feature_amounts {
    double rotation; /* +- degrees about the middle, at most 180 */
    double shear;    /* +- pixels along a line for each line from the middle, at most 4 */
    double scale;    /* factor 1 +- this, at most 0.99 */
    double shift;    /* +- pixels in each direction, at most 128 */
    double elastic;  /* pixels: standard deviation of a smooth displacement, at most 128 */
    double mirror;   /* probability that left and right are exchanged */
    double mix;      /* probability of cut-mix: a rectangle is taken from a partner */
};

enum { DPM_AUGMENT_SIDE = 128 }; /* at most */

/* DPMIX_ERR_RANGE, naming the amount at fault. */
int dpm_feature_amounts_check(const struct dpm_feature_amounts *amounts);

/* Floats of working memory for images of side x side pixels. */
size_t dpm_feature_augment_scratch(size_t side);

/* Changes n images of side x side pixels in place. Image i takes its random numbers from the stream (key,
 * purpose, step, first + i) and is a function of that, itself, its partner and the amounts: it does not
 * matter how a run of records is cut into calls. Every image draws all its numbers whatever the amounts are,
 * so one amount does not change the others' effects.
 *
 * First the image is warped: each pixel is fetched, between four neighbours in proportion (bilinear), from
 * where rotation, shear, scale, shift, elastic displacement and mirror put it; beyond the edge there are
 * zeros. The displacement is a 5 x 5 grid of normal variables in each direction, its corners on those of the
 * image, with cubic interpolation (Catmull-Rom) between. Then cut-mix (Yun et al., CutMix, ICCV 2019): a
 * rectangle of sides sqrt(u) times the image's, u uniform in (0, 1), around a uniform point, cut off at the
 * edge, is taken from the partner, as it is.
 *
 * partners: n images, no part of `images`; NULL when amounts->mix is 0. The caller makes sure that partners
 * may be mixed (of one class, or to be labelled afterwards). side: 2 to DPM_AUGMENT_SIDE; amounts that pass
 * the check. */
void dpm_feature_augment(float *images, size_t n, size_t side, const struct dpm_feature_amounts *amounts,
                         const float *partners, const uint8_t key[DPM_KEY_SIZE], uint32_t purpose,
                         uint64_t step, uint64_t first, float *scratch);

#endif
