/* SPDX-License-Identifier: BSD-3-Clause */
/* The public features that the teacher sees records by: for square images the scattering transform of two
 * layers (J = 2, 8 angles), normalised record by record; for all else the columns themselves, scaled so that
 * no record is longer than 1. Both know nothing of any data. */
#ifndef DPM_TEACHER_FEATURES_H
#define DPM_TEACHER_FEATURES_H

#include "base_bounds.h"
#include "feature_scatter.h"

struct dpm_teacher_features {
    size_t n_columns;
    size_t side; /* of images; 0: the columns themselves */
    size_t size; /* numbers of a record */
    struct dpm_feature_scatter *scatter;
};

/* What the rule (DPMIX_TEACHER_FEATURES_RULE) makes of a data set: scattering for declared images of 8 to 128
 * pixels a side, else the columns. Any other kind stays. */
int dpm_teacher_features_kind(const struct dpm_bounds *bounds, int kind);

/* Files of the first versions hold the rule as it was: it went by the number of columns. */
int dpm_teacher_features_kind_of_file(const struct dpm_bounds *bounds, int kind);

/* kind: columns or scattering; DPMIX_ERR_UNSUPPORTED when the columns are no images that the scattering
 * transform takes. */
int dpm_teacher_features_new(struct dpm_teacher_features *features, const struct dpm_bounds *bounds,
                             int kind);
void dpm_teacher_features_free(struct dpm_teacher_features *features);

/* Floats of working memory that an apply needs. */
size_t dpm_teacher_features_scratch(const struct dpm_teacher_features *features);

/* n rows, normalised to [0, 1], to n lines of features->size. A line is a function of its row alone. */
void dpm_teacher_features_apply(const struct dpm_teacher_features *features, float *out, const float *rows,
                                size_t n, float *scratch);

#endif
