/* SPDX-License-Identifier: BSD-3-Clause */
/* k-means on the columns of bytes, in words: the vault's quicker query. Rows are whole numbers around the
 * origin, which is rounded to sixteenths of a byte's step, and centres are rounded to whole numbers, too, for
 * the search of the nearest: to about a part in 2^14 of the radius. */
#ifndef DPM_CLUSTER_WORDS_H
#define DPM_CLUSTER_WORDS_H

#include "privacy.h"

struct dpm_lloyd;

struct dpm_lloyd_words {
    size_t step, lines; /* numbers of a centre, and the centres that there is room for */
    double unit;        /* a word in normalised columns */
    double lower;       /* of the bounds, in words */
    int16_t *origin;    /* NULL: this fit is not in words */
    int16_t *centres;   /* lines x step */
    float scale;        /* words in one unit of the feature space; a released number, as all of this */
};

/* Room for n centres; to be freed also after a failure. */
int dpm_lloyd_words_new(struct dpm_lloyd_words *words, const struct dpm_bounds *bounds, size_t n);
void dpm_lloyd_words_free(struct dpm_lloyd_words *words);

/* Puts the origin of the centres on the grid of words, where the fit is in words. */
void dpm_lloyd_words_round(struct dpm_lloyd *lloyd);

/* One of the queries but that of cells. */
int dpm_lloyd_words_query(struct dpm_lloyd *lloyd, struct dpm_release *release, int query, double *sums);

#endif
