/* SPDX-License-Identifier: BSD-3-Clause */
/* The teacher: a linear classifier of records, on public features that were whitened by synthetic records and
 * trained on the private ones by noisy sums of clipped gradients. doc/privacy.md has the statement. */
#ifndef DPM_TEACHER_MODEL_H
#define DPM_TEACHER_MODEL_H

#include "base_blob.h"
#include "privacy.h"
#include "teacher_features.h"

struct dpm_teacher {
    struct dpm_teacher_features features;
    int features_kind; /* DPMIX_TEACHER_FEATURES_COLUMNS or ..._SCATTERING */
    int n_classes;
    size_t width;      /* numbers of a whitened record: directions and, last, a constant */
    float *directions; /* (width - 1) x features.size, scaled for whitening */
    float *offset;     /* width - 1: the mean record along the directions */
    float *weights;    /* n_classes x width */
};

void dpm_teacher_free(struct dpm_teacher *teacher); /* NULL is fine */

/* Rows that are labelled in one call, and floats of working memory that a call needs. */
enum { DPM_TEACHER_ROWS = DPM_MAP_ROWS };
size_t dpm_teacher_scratch(const struct dpm_teacher *teacher);

/* Features of n <= DPM_TEACHER_ROWS rows, whitened: n x width. A line is a function of its row alone. */
void dpm_teacher_whiten(const struct dpm_teacher *teacher, float *out, const float *rows, size_t n,
                        float *scratch);

/* Class probabilities of n whitened rows, n x n_classes. */
void dpm_teacher_classify(const float *weights, int n_classes, size_t width, float *probabilities,
                          const float *whitened, size_t n);

/* Class probabilities of n <= DPM_TEACHER_ROWS rows. */
void dpm_teacher_predict(const struct dpm_teacher *teacher, float *probabilities, const float *rows, size_t n,
                         float *scratch);

/* The class with the largest probability; of equals the first. */
int32_t dpm_teacher_label(const float *probabilities, int n_classes);

void dpm_teacher_put(const struct dpm_teacher *teacher, struct dpm_blob *blob);

/* bounds and n_classes are those of the model that the teacher belongs to. */
int dpm_teacher_get(struct dpm_teacher **out, struct dpm_blob *blob, const struct dpm_bounds *bounds,
                    int n_classes);

#endif
