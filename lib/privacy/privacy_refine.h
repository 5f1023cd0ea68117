/* SPDX-License-Identifier: BSD-3-Clause */
/* round(sigma N) in integer arithmetic of as many digits as it takes, for the samples that double leaves in
 * doubt. */
#ifndef DPM_PRIVACY_REFINE_H
#define DPM_PRIVACY_REFINE_H

#include <stdint.h>

enum { DPM_REFINE_WORDS = 16 }; /* 1024 digits of each uniform number */

/* radius and angle: the first 64 n_words digits of u and of a / (2 pi), n_words in {2, 4, 8, 16}. Gives the
 * rounded variable (the sine one or the cosine one of the pair) and 1, or 0 when the digits to come can
 * change it. */
int dpm_refine(int64_t *sample, const uint64_t *radius, const uint64_t *angle, int n_words, int sine,
               double sigma);

#endif
