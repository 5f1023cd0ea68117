/* SPDX-License-Identifier: BSD-3-Clause */
/* The DP Gaussian mixture's model, shared by its fit, its sampling and its density.
 *
 * A group is a part with a class: its components lie in one subspace, which all groups share, about the
 * group's mean. A view is such a model of one representation of the rows; there may be two. */
#ifndef DPM_GENERATOR_GMM_H
#define DPM_GENERATOR_GMM_H

#include "density_mixture.h"
#include "generator_kind.h"

enum { DPM_GMM_VIEWS = 2, DPM_GMM_COMPONENTS = 1 << 20 /* most, of all groups */ };

struct dpm_gmm_view {
    int distance;           /* its rows are signed distances of images */
    size_t n_columns, dims; /* dims: of the subspace */
    float *directions;      /* dims x n_columns, orthonormal rows */
    float *means;           /* n_groups x n_columns */
    size_t *first;          /* n_groups + 1: where a group's components begin; the last is their number */
    double *weights;        /* of the components; those of a part sum to 1 */
    double rest;            /* variance in each direction outside of the subspace */
    struct dpm_density density;
};

struct dpm_gmm {
    size_t n_columns, n_parts, classes; /* classes: 0 where the label has no part in the model */
    size_t n_views;
    int with_rest; /* samples have the rest's variance, too */
    struct dpm_gmm_view view[DPM_GMM_VIEWS];
};

/* Classes of a part, 1 where there are none. */
static inline size_t dpm_gmm_classes(const struct dpm_gmm *model)
{
    return model->classes ? model->classes : 1;
}

static inline size_t dpm_gmm_groups(const struct dpm_gmm *model)
{
    return model->n_parts * dpm_gmm_classes(model);
}

int dpm_gmm_view_new(struct dpm_gmm_view *view, size_t n_groups, size_t n_columns, size_t dims,
                     size_t n_components);
void dpm_gmm_free(void *model);

/* n records of a part (DPM_SAMPLE_CHUNK at most) in [0, 1] as far as the model knows, and where labels is not
 * NULL their labels. given: the class that each is to have (n), where the model has classes; NULL: drawn with
 * the components. scratch: n x dpm_gmm_scratch() floats. */
size_t dpm_gmm_scratch(const struct dpm_gmm *model);
void dpm_gmm_draw(const struct dpm_gmm *model, size_t part, const int32_t *given, float *rows,
                  int32_t *labels, size_t n, struct dpm_stream *stream, float *scratch);

/* A model of none or of n_classes classes. get: NULL, or a model that may be incomplete when the blob's
 * status says so. */
void dpm_gmm_put(const struct dpm_gmm *model, struct dpm_blob *blob);
struct dpm_gmm *dpm_gmm_get(struct dpm_blob *blob, size_t n_columns, size_t n_parts, size_t n_classes);

#endif
