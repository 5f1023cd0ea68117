/* SPDX-License-Identifier: BSD-3-Clause */
/* A fitted DP Gaussian mixture: its memory, samples and files. */
#include "base_alloc.h"
#include "feature_distance.h"
#include "generator_gmm.h"
#include "generator_gmm_map.h"
#include "linalg_mat.h"

#include <math.h>
#include <string.h>

enum { LARGEST_NUMBER = 1 << 20 };

int dpm_gmm_view_new(struct dpm_gmm_view *view, size_t n_groups, size_t n_columns, size_t dims,
                     size_t n_components)
{
    view->n_columns = n_columns;
    view->dims = dims;
    view->directions = dpm_alloc(dims, n_columns * sizeof(float));
    view->means = dpm_alloc(n_groups, n_columns * sizeof(float));
    view->first = dpm_alloc(n_groups + 1, sizeof(size_t));
    view->weights = dpm_alloc(n_components, sizeof(double));
    int complete = view->directions && view->means && view->first && view->weights;
    return complete ? dpm_density_new(&view->density, dims, n_components) : DPMIX_ERR_NOMEM;
}

void dpm_gmm_free(void *memory)
{
    struct dpm_gmm *model = memory;
    for (size_t v = 0; model && v < DPM_GMM_VIEWS; v++) {
        struct dpm_gmm_view *view = &model->view[v];
        dpm_free(view->directions);
        dpm_free(view->means);
        dpm_free(view->first);
        dpm_free(view->weights);
        dpm_density_free(&view->density);
    }
    dpm_free(model);
}

/* ---- Sampling ---- */

static size_t most_dims(const struct dpm_gmm *model)
{
    size_t dims = 0;
    for (size_t v = 0; v < model->n_views; v++)
        dims = model->view[v].dims > dims ? model->view[v].dims : dims;
    return dims;
}

/* Normals, a point, a row, and another row for the rest. */
size_t dpm_gmm_scratch(const struct dpm_gmm *model)
{
    return 2 * (model->n_columns + most_dims(model));
}

/* A component of the groups from `group` to `end` by its weight and a uniform number u of their sum. */
static size_t pick_component(const struct dpm_gmm_view *view, size_t group, size_t end, double u)
{
    size_t last = view->first[group];
    for (size_t j = last; j < view->first[end]; j++) {
        if (view->weights[j] > 0)
            last = j; /* rounding may leave the sum a little below what it should be */
        if (u < view->weights[j])
            return j;
        u -= view->weights[j];
    }
    return last;
}

static double group_weight(const struct dpm_gmm_view *view, size_t group)
{
    double sum = 0;
    for (size_t j = view->first[group]; j < view->first[group + 1]; j++)
        sum += view->weights[j];
    return sum;
}

/* Adds the rest's variance in the directions that the subspace leaves. */
static void add_rest(const struct dpm_gmm_view *view, float *row, float *rest, float *point,
                     struct dpm_stream *stream)
{
    size_t n = view->n_columns, dims = view->dims;
    float scale = (float)sqrt(view->rest);
    dpm_stream_normals(stream, rest, n);
    dpm_mat_mul_bt(point, dims, rest, n, view->directions, n, 1, dims, n);
    for (size_t l = 0; l < dims; l++)
        for (size_t c = 0; c < n; c++)
            rest[c] -= point[l] * view->directions[l * n + c];
    for (size_t c = 0; c < n; c++)
        row[c] += scale * rest[c];
}

/* Records of one view at a time, so that the way back from the subspace is one product. */
static void sample_view(const struct dpm_gmm *model, const struct dpm_gmm_view *view, size_t part,
                        const int32_t *given, float *rows, int32_t *labels, const size_t *places, size_t n,
                        struct dpm_stream *stream, float *scratch)
{
    size_t dims = view->dims, columns = model->n_columns, classes = dpm_gmm_classes(model);
    float *normals = scratch, *points = normals + dims, *out = points + n * dims, *rest = out + n * columns;
    int32_t group[DPM_SAMPLE_CHUNK];
    for (size_t i = 0; i < n; i++) {
        size_t g = part * classes, end = g + classes;
        double u = dpm_stream_uniform(stream);
        if (given) {
            g += (size_t)given[places[i]];
            end = g + 1;
            u *= group_weight(view, g);
        }
        size_t j = pick_component(view, g, end, u);
        while (j >= view->first[g + 1])
            g++;
        group[i] = (int32_t)g;
        dpm_stream_normals(stream, normals, dims);
        dpm_density_draw(&view->density, j, points + i * dims, normals);
    }
    dpm_mat_mul(out, columns, points, dims, view->directions, columns, n, columns, dims);
    for (size_t i = 0; i < n; i++) {
        float *row = out + i * columns;
        const float *mean = view->means + (size_t)group[i] * columns;
        for (size_t c = 0; c < columns; c++)
            row[c] += mean[c];
        if (model->with_rest)
            add_rest(view, row, rest, normals, stream);
        if (view->distance)
            dpm_feature_distance_inverse(row, row, columns);
        memcpy(rows + places[i] * columns, row, columns * sizeof *row);
        if (labels)
            labels[places[i]] = group[i] % (int32_t)classes;
    }
}

void dpm_gmm_draw(const struct dpm_gmm *model, size_t part, const int32_t *given, float *rows,
                  int32_t *labels, size_t n, struct dpm_stream *stream, float *scratch)
{
    size_t places[DPM_GMM_VIEWS][DPM_SAMPLE_CHUNK], count[DPM_GMM_VIEWS] = {0};
    for (size_t i = 0; i < n; i++) {
        size_t v = model->n_views > 1 && dpm_stream_uniform(stream) < 0.5;
        places[v][count[v]++] = i;
    }
    for (size_t v = 0; v < model->n_views; v++)
        if (count[v] > 0)
            sample_view(model, &model->view[v], part, given, rows, labels, places[v], count[v], stream,
                        scratch);
}

/* ---- Files ---- */

static void put_view(const struct dpm_gmm_view *view, size_t n_groups, struct dpm_blob *blob)
{
    size_t n = view->density.n, dims = view->dims;
    dpm_blob_put_u64(blob, (uint64_t)view->distance);
    dpm_blob_put_u64(blob, dims);
    for (size_t group = 0; group < n_groups; group++)
        dpm_blob_put_u64(blob, view->first[group + 1] - view->first[group]);
    dpm_blob_put_f64(blob, view->rest);
    dpm_blob_put_f32s(blob, view->directions, dims * view->n_columns);
    dpm_blob_put_f32s(blob, view->means, n_groups * view->n_columns);
    dpm_blob_put_f64s(blob, view->weights, n);
    dpm_blob_put_f32s(blob, view->density.means, n * dims);
    dpm_blob_put_f32s(blob, view->density.values, n * dims);
    dpm_blob_put_f32s(blob, view->density.whiten, n * dims * dims);
}

void dpm_gmm_put(const struct dpm_gmm *model, struct dpm_blob *blob)
{
    dpm_blob_put_u64(blob, model->classes);
    dpm_blob_put_u64(blob, model->n_views);
    dpm_blob_put_u64(blob, (uint64_t)model->with_rest);
    for (size_t v = 0; v < model->n_views; v++)
        put_view(&model->view[v], dpm_gmm_groups(model), blob);
}

/* Numbers of a file that a fit could have made: none of them so large that samples or densities overflow. */
static void check_floats(struct dpm_blob *blob, const float *values, size_t n, double lower, double upper)
{
    for (size_t i = 0; values && i < n; i++)
        if (!((double)values[i] >= lower && (double)values[i] <= upper))
            dpm_blob_reject(blob);
}

static void check_view(const struct dpm_gmm *model, const struct dpm_gmm_view *view, struct dpm_blob *blob)
{
    size_t n = view->density.n, dims = view->dims, classes = dpm_gmm_classes(model);
    if (dpm_blob_status(blob))
        return;
    if (!(view->rest >= DPM_DENSITY_LEAST && view->rest <= LARGEST_NUMBER))
        dpm_blob_reject(blob);
    check_floats(blob, view->directions, dims * view->n_columns, -2, 2);
    check_floats(blob, view->means, dpm_gmm_groups(model) * view->n_columns, -LARGEST_NUMBER, LARGEST_NUMBER);
    check_floats(blob, view->density.means, n * dims, -LARGEST_NUMBER, LARGEST_NUMBER);
    check_floats(blob, view->density.values, n * dims, 0.5 * DPM_DENSITY_LEAST, LARGEST_NUMBER);
    check_floats(blob, view->density.whiten, n * dims * dims, -LARGEST_NUMBER, LARGEST_NUMBER);
    for (size_t part = 0; part < model->n_parts; part++) {
        double sum = 0;
        for (size_t j = view->first[part * classes]; j < view->first[(part + 1) * classes]; j++) {
            if (!(view->weights[j] >= 0))
                dpm_blob_reject(blob);
            sum += view->weights[j];
        }
        if (!(fabs(sum - 1) <= 1e-6))
            dpm_blob_reject(blob);
    }
}

static void get_view(const struct dpm_gmm *model, struct dpm_gmm_view *view, struct dpm_blob *blob)
{
    size_t n_groups = dpm_gmm_groups(model), columns = model->n_columns, n = 0;
    view->n_columns = columns;
    view->distance = (int)dpm_blob_get_size(blob, 0, 1);
    view->dims = (size_t)dpm_blob_get_size(blob, 1, columns);
    if (view->distance && dpm_gmm_map_side(columns) == 0)
        dpm_blob_reject(blob);
    view->first = dpm_blob_holds(blob, n_groups, sizeof(uint64_t))
                      ? dpm_alloc(n_groups + 1, sizeof *view->first)
                      : NULL;
    if (!view->first) {
        blob->status = dpm_blob_status(blob) ? dpm_blob_status(blob) : DPMIX_ERR_NOMEM;
        return;
    }
    for (size_t group = 0; group < n_groups && !dpm_blob_status(blob); group++) {
        n += (size_t)dpm_blob_get_size(blob, 1, DPM_GMM_COMPONENTS);
        if (n > DPM_GMM_COMPONENTS)
            dpm_blob_reject(blob);
        view->first[group + 1] = n;
    }
    struct dpm_density *density = &view->density;
    *density = (struct dpm_density){.dims = view->dims, .n = n};
    view->rest = dpm_blob_get_f64(blob);
    view->directions = dpm_blob_get_f32s(blob, view->dims, columns);
    view->means = dpm_blob_get_f32s(blob, n_groups, columns);
    view->weights = dpm_blob_get_f64s(blob, n, 1);
    density->means = dpm_blob_get_f32s(blob, n, view->dims);
    density->values = dpm_blob_get_f32s(blob, n, view->dims);
    density->whiten = dpm_blob_get_f32s(blob, n, view->dims * view->dims);
    check_view(model, view, blob);
    if (dpm_blob_status(blob))
        return;
    density->shifts = dpm_alloc(n, view->dims * sizeof *density->shifts);
    density->constant = dpm_alloc(n, sizeof *density->constant);
    if (!density->shifts || !density->constant)
        blob->status = DPMIX_ERR_NOMEM;
    for (size_t j = 0; !dpm_blob_status(blob) && j < n; j++)
        dpm_density_finish(density, j);
}

struct dpm_gmm *dpm_gmm_get(struct dpm_blob *blob, size_t n_columns, size_t n_parts, size_t n_classes)
{
    size_t classes = (size_t)dpm_blob_get_size(blob, 0, n_classes);
    size_t n_views = (size_t)dpm_blob_get_size(blob, 1, DPM_GMM_VIEWS);
    int with_rest = (int)dpm_blob_get_size(blob, 0, 1);
    if ((classes != 0 && classes != n_classes) || (classes && n_parts > DPM_GMM_COMPONENTS / classes))
        dpm_blob_reject(blob);
    if (dpm_blob_status(blob))
        return NULL;
    struct dpm_gmm *model = dpm_alloc(1, sizeof *model);
    if (!model) {
        blob->status = DPMIX_ERR_NOMEM;
        return NULL;
    }
    *model = (struct dpm_gmm){.n_columns = n_columns,
                              .n_parts = n_parts,
                              .classes = classes,
                              .n_views = n_views,
                              .with_rest = with_rest};
    for (size_t v = 0; v < model->n_views; v++)
        get_view(model, &model->view[v], blob);
    return model;
}
