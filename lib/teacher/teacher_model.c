/* SPDX-License-Identifier: BSD-3-Clause */
#include "teacher_model.h"
#include "base_alloc.h"
#include "linalg_mat.h"
#include "nn_kernels.h"

#include <dpmix/options.h>

#include <math.h>

enum { MOST_WIDTH = 1 << 16 };

void dpm_teacher_free(struct dpm_teacher *teacher)
{
    if (!teacher)
        return;
    dpm_teacher_features_free(&teacher->features);
    dpm_free(teacher->directions);
    dpm_free(teacher->offset);
    dpm_free(teacher->weights);
    dpm_free(teacher);
}

/* ---- Labels ---- */

size_t dpm_teacher_scratch(const struct dpm_teacher *teacher)
{
    return DPM_TEACHER_ROWS * (teacher->features.size + teacher->width) +
           dpm_teacher_features_scratch(&teacher->features);
}

void dpm_teacher_whiten(const struct dpm_teacher *teacher, float *out, const float *rows, size_t n,
                        float *scratch)
{
    size_t size = teacher->features.size, directions = teacher->width - 1;
    float *features = scratch + dpm_teacher_features_scratch(&teacher->features);
    dpm_teacher_features_apply(&teacher->features, features, rows, n, scratch);
    dpm_mat_mul_bt(out, teacher->width, features, size, teacher->directions, size, n, directions, size);
    float constant = 1 / sqrtf((float)directions); /* as large as the others are on the average */
    for (size_t i = 0; i < n; i++) {
        float *line = out + i * teacher->width;
        for (size_t j = 0; j < directions; j++)
            line[j] -= teacher->offset[j];
        line[directions] = constant;
    }
}

void dpm_teacher_classify(const float *weights, int n_classes, size_t width, float *probabilities,
                          const float *whitened, size_t n)
{
    size_t classes = (size_t)n_classes;
    dpm_mat_mul_bt(probabilities, classes, whitened, width, weights, width, n, classes, width);
    for (size_t i = 0; i < n; i++)
        dpm_nn_softmax(probabilities + i * classes, classes);
}

/* Weights may be so large, in a file above all, that scores are infinite or no numbers: they say nothing. */
static void settle(float *probabilities, size_t n)
{
    float sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += probabilities[i];
    for (size_t i = 0; !(sum > 0) && i < n; i++)
        probabilities[i] = 1 / (float)n;
}

void dpm_teacher_predict(const struct dpm_teacher *teacher, float *probabilities, const float *rows, size_t n,
                         float *scratch)
{
    float *whitened = scratch;
    scratch += DPM_TEACHER_ROWS * teacher->width;
    dpm_teacher_whiten(teacher, whitened, rows, n, scratch);
    dpm_teacher_classify(teacher->weights, teacher->n_classes, teacher->width, probabilities, whitened, n);
    for (size_t i = 0; i < n; i++)
        settle(probabilities + i * (size_t)teacher->n_classes, (size_t)teacher->n_classes);
}

int32_t dpm_teacher_label(const float *probabilities, int n_classes)
{
    int32_t best = 0;
    for (int32_t i = 1; i < n_classes; i++)
        if (probabilities[i] > probabilities[best])
            best = i;
    return best;
}

/* ---- Files ---- */

void dpm_teacher_put(const struct dpm_teacher *teacher, struct dpm_blob *blob)
{
    size_t directions = teacher->width - 1;
    dpm_blob_put_u64(blob, (uint64_t)teacher->features_kind);
    dpm_blob_put_u64(blob, teacher->width);
    dpm_blob_put_f32s(blob, teacher->directions, directions * teacher->features.size);
    dpm_blob_put_f32s(blob, teacher->offset, directions);
    dpm_blob_put_f32s(blob, teacher->weights, (size_t)teacher->n_classes * teacher->width);
}

int dpm_teacher_get(struct dpm_teacher **out, struct dpm_blob *blob, const struct dpm_bounds *bounds,
                    int n_classes)
{
    struct dpm_teacher *teacher = dpm_alloc(1, sizeof *teacher);
    if (!teacher)
        return DPMIX_ERR_NOMEM;
    teacher->n_classes = n_classes;
    int kind = (int)dpm_blob_get_size(blob, DPMIX_TEACHER_FEATURES_RULE, DPMIX_TEACHER_FEATURES_SCATTERING);
    teacher->features_kind = dpm_teacher_features_kind_of_file(bounds, kind);
    teacher->width = (size_t)dpm_blob_get_size(blob, 2, MOST_WIDTH);
    int status = n_classes > 0 ? DPMIX_OK : DPMIX_ERR_FORMAT;
    if (!status && !dpm_blob_status(blob))
        status = dpm_teacher_features_new(&teacher->features, bounds, teacher->features_kind);
    if (!status && !dpm_blob_status(blob)) {
        teacher->directions = dpm_blob_get_f32s(blob, teacher->width - 1, teacher->features.size);
        teacher->offset = dpm_blob_get_f32s(blob, teacher->width - 1, 1);
        teacher->weights = dpm_blob_get_f32s(blob, (size_t)n_classes, teacher->width);
    }
    if (status == DPMIX_ERR_UNSUPPORTED || status == DPMIX_ERR_FORMAT)
        dpm_blob_reject(blob);
    if (status != DPMIX_ERR_NOMEM)
        status = dpm_blob_status(blob);
    if (status) {
        dpm_teacher_free(teacher);
        return status;
    }
    *out = teacher;
    return DPMIX_OK;
}
