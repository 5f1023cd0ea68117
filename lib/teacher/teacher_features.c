/* SPDX-License-Identifier: BSD-3-Clause */
#include "teacher_features.h"
#include "base_fail.h"

#include <dpmix/options.h>

#include <math.h>

enum { SCALES = 2, ANGLES = 8, GROUPS = 27, LEAST_SIDE = 8 };

/* 0: not a square that the transform takes. */
static size_t side_of(size_t n_columns)
{
    size_t side = (size_t)lround(sqrt((double)n_columns));
    return side * side == n_columns && side >= LEAST_SIDE && side <= DPM_SCATTER_SIDE ? side : 0;
}

int dpm_teacher_features_kind(const struct dpm_bounds *bounds, int kind)
{
    if (kind != DPMIX_TEACHER_FEATURES_RULE)
        return kind;
    return bounds->side > 0 && side_of(bounds->n_columns) > 0 ? DPMIX_TEACHER_FEATURES_SCATTERING
                                                              : DPMIX_TEACHER_FEATURES_COLUMNS;
}

int dpm_teacher_features_kind_of_file(const struct dpm_bounds *bounds, int kind)
{
    if (kind != DPMIX_TEACHER_FEATURES_RULE)
        return kind;
    return side_of(bounds->n_columns) > 0 && !bounds->groups ? DPMIX_TEACHER_FEATURES_SCATTERING
                                                             : DPMIX_TEACHER_FEATURES_COLUMNS;
}

int dpm_teacher_features_new(struct dpm_teacher_features *features, const struct dpm_bounds *bounds, int kind)
{
    size_t n = bounds->n_columns, side = kind == DPMIX_TEACHER_FEATURES_COLUMNS ? 0 : side_of(n);
    if (kind == DPMIX_TEACHER_FEATURES_SCATTERING && side == 0)
        return dpm_fail(DPMIX_ERR_UNSUPPORTED,
                        "teacher_features: the columns are no square image of %d to %d "
                        "pixels a side",
                        LEAST_SIDE, DPM_SCATTER_SIDE);
    *features = (struct dpm_teacher_features){.n_columns = n, .side = side, .size = n};
    if (side == 0)
        return DPMIX_OK;
    features->size = dpm_feature_scatter_size(side, SCALES, ANGLES);
    return dpm_feature_scatter_new(&features->scatter, side, SCALES, ANGLES);
}

void dpm_teacher_features_free(struct dpm_teacher_features *features)
{
    dpm_feature_scatter_free(features->scatter);
    *features = (struct dpm_teacher_features){0};
}

size_t dpm_teacher_features_scratch(const struct dpm_teacher_features *features)
{
    /* Whole cache lines, so that what follows is aligned as what dpm_alloc gives. */
    return features->scatter ? (dpm_feature_scatter_scratch(features->scatter) + 15) / 16 * 16 : 0;
}

void dpm_teacher_features_apply(const struct dpm_teacher_features *features, float *out, const float *rows,
                                size_t n, float *scratch)
{
    if (features->scatter) {
        size_t channels = dpm_feature_scatter_channels(SCALES, ANGLES);
        dpm_feature_scatter_apply(features->scatter, out, features->size, rows, n, scratch);
        dpm_feature_scatter_normalise(out, features->size, n, channels, features->size / channels, GROUPS);
        return;
    }
    float scale = 1 / sqrtf((float)features->n_columns);
    for (size_t i = 0; i < n * features->n_columns; i++)
        out[i] = scale * rows[i];
}
