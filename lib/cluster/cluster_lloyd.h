/* SPDX-License-Identifier: BSD-3-Clause */
/* What a fit of k-means or of the coreset works with, and the steps from released sums to centres: all of it
 * is post-processing. */
#ifndef DPM_CLUSTER_LLOYD_H
#define DPM_CLUSTER_LLOYD_H

#include "cluster_centres.h"
#include "cluster_words.h"
#include "random_stream.h"

/* The queries. Which of them a fit has, and at which number in the release, is in dpm_lloyd.number. */
enum {
    DPM_LLOYD_MEAN,
    DPM_LLOYD_RADIUS,
    DPM_LLOYD_CELLS,
    DPM_LLOYD_MOVE,
    DPM_LLOYD_COUNT,
    DPM_LLOYD_QUERIES
};

/* Distances from the mean, in bins whose upper edges are 2^(-i/4) half diagonals of the cube, twice that for
 * the first. */
enum { DPM_LLOYD_BINS = 40 };

struct dpm_lloyd {
    struct dpm_centres *centres;
    size_t n_parts, n_start;       /* centres in the end, and room for those of the first steps */
    int number[DPM_LLOYD_QUERIES]; /* -1: not in this fit */
    int n_plans;
    struct dpm_query_plan plans[DPM_LLOYD_QUERIES];
    float count_weight; /* w */
    double bandwidth;
    uint8_t key[DPM_KEY_SIZE];   /* public */
    double rows;                 /* their released number */
    double spread;               /* distance of a typical row from the mean */
    float *direction;            /* n_features */
    double *sums;                /* as released: sums, and counts times w */
    double *counts;              /* of the centres */
    double *costs;               /* n_start x n_start, of joining */
    struct dpm_coreset *coreset; /* NULL: there are no cells */
    struct dpm_lloyd_words words;
};

static inline const struct dpm_query_plan *dpm_lloyd_plan(const struct dpm_lloyd *lloyd, int query)
{
    return &lloyd->plans[lloyd->number[query]];
}

/* The upper edge of a bin, and the bin of a row with that scale. */
double dpm_lloyd_edge(const struct dpm_lloyd *lloyd, int bin);
int32_t dpm_lloyd_bin(const struct dpm_lloyd *lloyd, double scale);

/* Moves centre j toward the mean of line j of the released sums. */
void dpm_lloyd_move(struct dpm_lloyd *lloyd, size_t j, int query);

/* n centres around the origin of the feature space, or around centre 0. */
void dpm_lloyd_surround(struct dpm_lloyd *lloyd, size_t n);

/* Every cluster with a weak count gets half of the largest one. step: of the public random bits. */
void dpm_lloyd_reseed(struct dpm_lloyd *lloyd, uint64_t step);

/* From the clusters of the first steps to the parts. */
void dpm_lloyd_join(struct dpm_lloyd *lloyd);

/* ---- The coreset ---- */

struct dpm_coreset {
    int bits;         /* of a cell's number */
    float *planes;    /* bits x n_features: normals of the walls */
    size_t n_points;  /* 2^bits at most, and the room for that */
    float *points;    /* n_points x n_features */
    double *weights;  /* of the points */
    double *squares;  /* of their lengths */
    double *near;     /* squares of the distances to the nearest centre */
    float *products;  /* n_points */
    int32_t *nearest; /* n_points */
    float *scores;    /* of some points with all centres */
    float *ones;      /* scales of as many points */
    float *best;      /* n_parts x n_features */
};

int dpm_coreset_new(struct dpm_coreset *coreset, int bits, size_t n_features, size_t n_parts);
void dpm_coreset_free(struct dpm_coreset *coreset);

void dpm_coreset_draw_planes(struct dpm_lloyd *lloyd);

/* From the sums of the cells to weighted points, and from those to the first centres. */
void dpm_coreset_cluster(struct dpm_lloyd *lloyd);

#endif
