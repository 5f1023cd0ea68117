/* SPDX-License-Identifier: BSD-3-Clause */
#include "cluster_centres.h"
#include "base_alloc.h"
#include "base_fail.h"
#include "base_simd.h"
#include "feature_fourier.h"
#include "linalg_mat.h"

#include <math.h>
#include <string.h>

static const float least_radius = 0x1p-20f; /* of a file's centres, and 2^20 the most */

int dpm_centres_new(struct dpm_centres *centres, size_t n_columns, size_t n_features, size_t most)
{
    int status = DPMIX_OK;
    *centres = (struct dpm_centres){.n_columns = n_columns, .n_features = n_features, .radius = 1};
    if (n_features > 0) {
        centres->map = dpm_alloc(1, sizeof *centres->map);
        status =
            centres->map ? dpm_feature_fourier_new(centres->map, n_columns, n_features) : DPMIX_ERR_NOMEM;
    } else {
        centres->n_features = n_columns;
        centres->origin = dpm_alloc(n_columns, sizeof *centres->origin);
        status = centres->origin ? DPMIX_OK : DPMIX_ERR_NOMEM;
    }
    if (status)
        return status;
    centres->centres = dpm_alloc(most, centres->n_features * sizeof *centres->centres);
    centres->offsets = dpm_alloc(most, sizeof *centres->offsets);
    return centres->centres && centres->offsets ? DPMIX_OK : DPMIX_ERR_NOMEM;
}

void dpm_centres_free(void *model)
{
    struct dpm_centres *centres = model;
    if (centres) {
        if (centres->map)
            dpm_feature_fourier_free(centres->map);
        dpm_free(centres->map);
        dpm_free(centres->origin);
        dpm_free(centres->centres);
        dpm_free(centres->offsets);
    }
    dpm_free(centres);
}

int dpm_centres_are_columns(const struct dpm_centres *centres)
{
    return !centres->map;
}

void dpm_centres_set_offset(struct dpm_centres *centres, size_t j)
{
    size_t d = centres->n_features;
    centres->offsets[j] = (float)(dpm_mat_square(centres->centres + j * d, d) / 2);
}

/* ---- Features ---- */

enum { LANES = 32 };

/* out = row - origin, and the square of its length, by many running sums in a fixed order. */
DPM_SIMD_INLINE void residual_body(float *restrict out, double *square, const float *restrict row,
                                   const float *restrict origin, size_t n)
{
    float sum[LANES] = {0};
    size_t i = 0;
    for (; i + LANES <= n; i += LANES)
        for (size_t j = 0; j < LANES; j++) {
            float value = row[i + j] - origin[i + j];
            out[i + j] = value;
            sum[j] += value * value;
        }
    for (size_t j = 0; i < n; i++, j++) {
        float value = row[i] - origin[i];
        out[i] = value;
        sum[j] += value * value;
    }
    *square = 0;
    for (size_t j = 0; j < LANES; j++)
        *square += (double)sum[j];
}

DPM_SIMD_VERSIONS(residual, (float *out, double *square, const float *row, const float *origin, size_t n),
                  (out, square, row, origin, n))

void dpm_centres_features(const struct dpm_centres *centres, float *out, size_t ld, float *scale,
                          const float *rows, size_t n)
{
    size_t columns = centres->n_columns;
    if (!dpm_centres_are_columns(centres))
        dpm_feature_fourier_apply(centres->map, out, ld, rows, n);
    for (size_t i = 0; i < n; i++) {
        scale[i] = 1;
        if (!dpm_centres_are_columns(centres))
            continue;
        double square;
        residual(out + i * ld, &square, rows + i * columns, centres->origin, columns);
        scale[i] = (float)(1 / fmax((double)centres->radius, sqrt(square)));
    }
}

/* ---- The nearest centre ---- */

/* Scores are products f.c. The largest f.c - |c|^2 / 2 belongs to the nearest centre; of equal ones the first
 * counts. One that is not a number never wins, so the result is in range always. */
void dpm_centres_nearest(const struct dpm_centres *centres, int32_t *nearest, float *scores,
                         const float *features, size_t ld, const float *scale, size_t n)
{
    size_t k = centres->n_centres, d = centres->n_features;
    dpm_mat_scores(scores, k, features, ld, centres->centres, d, n, k, d);
    for (size_t i = 0; i < n; i++) {
        float highest = -INFINITY;
        nearest[i] = 0;
        for (size_t j = 0; j < k; j++) {
            float value = scale[i] * scores[i * k + j] - centres->offsets[j];
            if (value > highest) {
                highest = value;
                nearest[i] = (int32_t)j;
            }
        }
    }
}

void dpm_centres_assign(const void *model, int32_t *parts, const float *rows, const int32_t *labels, size_t n,
                        size_t n_columns, float *scratch)
{
    const struct dpm_centres *centres = ((const struct dpmix_clusterer *)model)->model;
    (void)labels, (void)n_columns;
    memset(parts, 0, n * sizeof *parts);
    if (!centres || n == 0)
        return;
    size_t d = centres->n_features;
    float *scale = scratch + n * d, *scores = scale + n;
    dpm_centres_features(centres, scratch, d, scale, rows, n);
    dpm_centres_nearest(centres, parts, scores, scratch, d, scale, n);
}

size_t dpm_centres_scratch(const struct dpmix_clusterer *clusterer)
{
    const struct dpm_centres *centres = clusterer->model;
    return centres ? centres->n_features + 1 + centres->n_centres : 0;
}

int dpm_centres_give(const struct dpmix_clusterer *clusterer, double *out)
{
    const struct dpm_centres *centres = clusterer->model;
    if (!centres || !dpm_centres_are_columns(centres))
        return dpm_fail(DPMIX_ERR_UNSUPPORTED,
                        "clusterer: its parts have no centres in the space of the rows");
    size_t columns = centres->n_columns;
    for (size_t i = 0; i < centres->n_centres * columns; i++) {
        float value = centres->origin[i % columns] + centres->radius * centres->centres[i];
        out[i] = dpm_bounds_restore(&clusterer->bounds, i % columns, value);
    }
    return DPMIX_OK;
}

/* ---- Files ---- */

void dpm_centres_put(const struct dpmix_clusterer *clusterer, struct dpm_blob *blob)
{
    const struct dpm_centres *centres = clusterer->model;
    if (!centres)
        return;
    if (dpm_centres_are_columns(centres)) {
        dpm_blob_put_u64(blob, 0); /* where a feature map has its number of columns */
        dpm_blob_put_f32s(blob, &centres->radius, 1);
        dpm_blob_put_f32s(blob, centres->origin, centres->n_columns);
    } else {
        dpm_feature_fourier_put(centres->map, blob);
    }
    dpm_blob_put_f32s(blob, centres->centres, centres->n_centres * centres->n_features);
}

static void get_columns(struct dpm_centres *centres, struct dpm_blob *blob, size_t n_columns)
{
    float *radius = dpm_blob_get_f32s(blob, 1, 1);
    centres->radius = radius ? *radius : 1;
    dpm_free(radius);
    if (!(centres->radius >= least_radius && centres->radius <= 1 / least_radius))
        dpm_blob_reject(blob);
    centres->origin = dpm_blob_get_f32s(blob, n_columns, 1);
    for (size_t i = 0; centres->origin && i < n_columns; i++)
        if (!(centres->origin[i] >= 0 && centres->origin[i] <= 1))
            dpm_blob_reject(blob);
    centres->n_features = n_columns;
}

static void get_map(struct dpm_centres *centres, struct dpm_blob *blob)
{
    centres->map = dpm_alloc(1, sizeof *centres->map);
    if (!centres->map) {
        blob->status = DPMIX_ERR_NOMEM;
        return;
    }
    dpm_feature_fourier_get(centres->map, blob, centres->n_columns);
    centres->n_features = centres->map->n_features;
}

void dpm_centres_get(struct dpmix_clusterer *clusterer, struct dpm_blob *blob)
{
    size_t k = (size_t)clusterer->n_parts, at;
    if (k == 1)
        return;
    struct dpm_centres *centres = clusterer->model = dpm_alloc(1, sizeof *centres);
    if (centres)
        centres->offsets = dpm_alloc(k, sizeof *centres->offsets);
    if (!centres || !centres->offsets) {
        blob->status = DPMIX_ERR_NOMEM;
        return;
    }
    centres->n_centres = k;
    centres->n_columns = clusterer->bounds.n_columns;
    at = blob->at;
    if (dpm_blob_get_u64(blob) == 0) {
        get_columns(centres, blob, centres->n_columns);
    } else if (clusterer->kind->kind == DPMIX_CLUSTERER_CORESET) {
        dpm_blob_reject(blob);
    } else {
        blob->at = at; /* the map has that number, too */
        get_map(centres, blob);
    }
    centres->centres = dpm_blob_get_f32s(blob, k, centres->n_features);
    if (!centres->centres)
        return;
    for (size_t j = 0; j < k; j++) {
        dpm_centres_set_offset(centres, j);
        if (!(centres->offsets[j] <= 1)) /* |centre| <= 1 when it was written */
            dpm_blob_reject(blob);
    }
}
