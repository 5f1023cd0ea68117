/* SPDX-License-Identifier: BSD-3-Clause */
/* Images as signed distances from their outlines, and back.
 *
 * A pixel of 1/2 or more is inside, any other (NaN too) outside. The distance of a pixel from the outline is
 * the Euclidean distance from its centre to the nearest centre of a pixel on the other side, less the half
 * pixel that lies beyond the outline; positive inside, negative outside, cut off at 3 pixels (an image
 * without any outline is that far from it everywhere), and stored as z = (d + 3) / 6 in [0, 1]. The distances
 * are exact, up to the rounding of the result. The way back, clip(d + 1/2, 0, 1), gives the thresholded image
 * again; between pixels' values it is the part of a pixel that a straight outline at distance d leaves
 * inside.
 *
 * Both are fixed functions of one record. */
#ifndef DPM_FEATURE_DISTANCE_H
#define DPM_FEATURE_DISTANCE_H

#include <stddef.h>

enum { DPM_DISTANCE_SIDE = 128 }; /* at most */

/* n images of side x side pixels; `out` may be `images`. side: 1 to DPM_DISTANCE_SIDE. */
void dpm_feature_distance(float *out, const float *images, size_t n, size_t side);

/* The way back, for `n` numbers of any value (NaN becomes 0); `images` may be `distances`. */
void dpm_feature_distance_inverse(float *images, const float *distances, size_t n);

#endif
