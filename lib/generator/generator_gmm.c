/* SPDX-License-Identifier: BSD-3-Clause */
/* The DP Gaussian mixture by DP clustering (Zhou, Zhou, Mirrokni, Epasto, Cohen-Addad 2025, arXiv
 * 2506.16661): its fit, sampling and files. A view takes four queries, each over every row, each for every
 * group by itself but the second:
 *
 *   SUMS     counts and sums of the rows in a public basis
 *   POOLED   second moment of the residuals about the groups' means: it gives the subspace
 *   MOVES    a step of k-means in the subspace; as many as the options say
 *   MOMENTS  count, sum and second moment of each component; again for each step of EM */
#include "generator_gmm.h"
#include "base_alloc.h"
#include "base_fail.h"
#include "feature_distance.h"
#include "generator_gmm_fit.h"
#include "linalg_mat.h"

#include <limits.h>
#include <math.h>
#include <string.h>

enum { LARGEST_COMPONENTS = 1 << 20, LARGEST_NUMBER = 1 << 20 };

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

/* ---- The fit ---- */

struct fit {
    struct dpm_gmm *model;
    struct dpm_gmm_work work[DPM_GMM_VIEWS];
    struct dpm_query_plan plans[DPM_GMM_VIEWS * DPM_GMM_QUERIES];
    size_t number[DPM_GMM_VIEWS][DPM_GMM_QUERIES]; /* of the query among the plans */
    size_t n_plans;
    struct dpm_partition partition; /* of the rows into groups */
    const struct dpm_partition *parts;
    uint64_t done, total;
};

/* A dpm_assign_fn: group = part * classes + label, a function of released numbers and the record. */
static void assign_groups(const void *model, int32_t *parts, const float *rows, const int32_t *labels,
                          size_t n, size_t n_columns, float *scratch)
{
    const struct fit *fit = model;
    if (fit->parts)
        fit->parts->assign(fit->parts->model, parts, rows, labels, n, n_columns, scratch);
    else
        memset(parts, 0, n * sizeof *parts);
    for (size_t i = 0; fit->model->classes && i < n; i++)
        parts[i] = parts[i] * (int32_t)fit->model->classes + labels[i];
}

/* The signal-to-noise that the whole fit may have: public. */
static int find_mu(double *mu, const struct dpm_fit *fit)
{
    struct dpm_query_plan whole = {.n_matrices = 1,
                                   .matrix = {{1, 1, 1}},
                                   .clip_norm = 1,
                                   .cancellation = 1,
                                   .sampling_rate = 1,
                                   .steps = 1,
                                   .noise_multiplier = 1};
    int status = dpm_query_calibrate(fit->accountant, fit->share, &whole, 1);
    *mu = 1 / whole.noise_multiplier;
    return status;
}

/* Plans, and all the memory that the fit needs. */
static int prepare(struct fit *fit, const struct dpmix_generator *generator, double mu)
{
    struct dpm_gmm *model = fit->model;
    const struct dpmix_options *options = &generator->options;
    size_t n_groups = dpm_gmm_groups(model), n = model->n_columns;
    int kind = dpm_option_int(options, DPMIX_OPTION_GMM_DISTANCE), status = DPMIX_OK;
    for (size_t v = 0; !status && v < model->n_views; v++) {
        struct dpm_gmm_work *work = &fit->work[v];
        struct dpm_gmm_plan plan;
        int distance = kind == DPMIX_GMM_DISTANCE_ONLY || v == 1;
        status =
            dpm_gmm_map_new(&work->map, n, dpm_gmm_plan_radius(options, &generator->bounds, mu), distance);
        if (status)
            return status;
        dpm_gmm_plan_make(&plan, options, &work->map, n_groups, mu);
        model->view[v].distance = distance;
        status = dpm_gmm_work_new(work, &model->view[v], &plan, n_groups);
        if (!status)
            status = dpm_gmm_view_new(&model->view[v], n_groups, n, plan.most_dims,
                                      n_groups * plan.most_components);
        work->classes = dpm_gmm_classes(model);
        for (size_t q = 0; q < DPM_GMM_QUERIES; q++)
            if (plan.query[q].steps) {
                fit->number[v][q] = fit->n_plans;
                fit->plans[fit->n_plans++] = plan.query[q];
                fit->total += plan.query[q].steps;
            }
    }
    return status;
}

static int open_release(struct dpm_release **release, struct fit *work, const struct dpm_fit *fit)
{
    int several = dpm_gmm_groups(work->model) > 1;
    work->parts = fit->partition;
    work->partition = (struct dpm_partition){
        .n_parts = (int)dpm_gmm_groups(work->model),
        .assign = assign_groups,
        .model = work,
        .scratch = fit->partition ? fit->partition->scratch : 0,
    };
    int status = dpm_query_calibrate(fit->accountant, fit->share, work->plans, work->n_plans);
    for (size_t v = 0; !status && v < work->model->n_views; v++)
        for (size_t q = 0; q < DPM_GMM_QUERIES; q++)
            if (work->work[v].plan.query[q].steps)
                work->work[v].plan.query[q] = work->plans[work->number[v][q]];
    if (status)
        return status;
    return dpm_release_open(release, fit->accountant, fit->dataset,
                            "means, covariances and components of the Gaussian mixture", work->plans,
                            work->n_plans, several ? &work->partition : NULL, fit->threads);
}

/* Runs query q of view v once, and tells of it. */
static int query(struct fit *work, struct dpm_release *release, const struct dpm_fit *fit, size_t v, size_t q)
{
    static dpm_block_fn *const contribution[DPM_GMM_QUERIES] = {
        dpm_gmm_contribute_sums, dpm_gmm_contribute_pooled, dpm_gmm_contribute_moves,
        dpm_gmm_contribute_moments};
    struct dpm_gmm_work *view = &work->work[v];
    int status = dpm_fit_progress(fit, DPMIX_PHASE_TRAIN, work->done++, work->total);
    if (!status)
        status = dpm_release_query(release, work->number[v][q], contribution[q], view, view->released);
    return status;
}

static int run_view(struct fit *work, struct dpm_release *release, const struct dpm_fit *fit, size_t v)
{
    struct dpm_gmm_work *view = &work->work[v];
    uint8_t key[DPM_KEY_SIZE];
    dpm_release_public_key(release, key);
    dpm_random_derive(view->key, key, v);
    int status = query(work, release, fit, v, DPM_GMM_SUMS);
    if (status)
        return status;
    dpm_gmm_set_means(view);
    status = query(work, release, fit, v, DPM_GMM_POOLED);
    if (!status)
        status = dpm_gmm_set_subspace(view);
    if (status)
        return status;
    dpm_gmm_set_start(view);
    for (uint64_t step = 0; view->plan.has_moves && step < view->plan.steps; step++) {
        status = query(work, release, fit, v, DPM_GMM_MOVES);
        if (status)
            return status;
        dpm_gmm_set_centres(view, step);
    }
    dpm_gmm_set_component_clip(view);
    for (uint64_t step = 0; !status && step <= view->plan.em_steps; step++) {
        view->by_density = step > 0;
        status = query(work, release, fit, v, DPM_GMM_MOMENTS);
        if (!status)
            status = dpm_gmm_set_components(view);
    }
    return status;
}

static int new_model(struct dpm_gmm **out, const struct dpmix_generator *generator)
{
    const struct dpmix_options *options = &generator->options;
    int conditional = dpm_option_int(options, DPMIX_OPTION_CONDITIONAL) && generator->n_classes > 0;
    if (conditional && generator->n_parts > LARGEST_COMPONENTS / generator->n_classes)
        return dpm_fail(DPMIX_ERR_RANGE, "n_classes: too many for so many parts");
    struct dpm_gmm *model = dpm_alloc(1, sizeof *model);
    if (!model)
        return DPMIX_ERR_NOMEM;
    model->n_columns = generator->bounds.n_columns;
    model->n_parts = (size_t)generator->n_parts;
    model->classes = conditional ? (size_t)generator->n_classes : 0;
    model->n_views = dpm_option_int(options, DPMIX_OPTION_GMM_DISTANCE) == DPMIX_GMM_DISTANCE_BOTH ? 2 : 1;
    model->with_rest = dpm_option_int(options, DPMIX_OPTION_GMM_REST);
    *out = model;
    return DPMIX_OK;
}

static int fit_gmm(struct dpmix_generator *generator, const struct dpm_fit *fit)
{
    struct fit work = {0};
    struct dpm_release *release = NULL;
    double mu = 0;
    int status = new_model(&work.model, generator);
    if (status)
        return status;
    generator->model = work.model;
    status = find_mu(&mu, fit);
    if (!status)
        status = prepare(&work, generator, mu);
    if (!status)
        status = open_release(&release, &work, fit);
    for (size_t v = 0; !status && v < work.model->n_views; v++)
        status = run_view(&work, release, fit, v);
    if (!status)
        status = dpm_fit_progress(fit, DPMIX_PHASE_TRAIN, work.total, work.total);
    if (!status) {
        generator->makes_labels = work.model->classes > 0;
        generator->ledger = dpm_release_take_ledger(release);
    }
    dpm_release_close(release);
    for (size_t v = 0; v < DPM_GMM_VIEWS; v++)
        dpm_gmm_work_free(&work.work[v]);
    return status;
}

/* ---- Sampling ---- */

static size_t most_dims(const struct dpm_gmm *model)
{
    size_t dims = 0;
    for (size_t v = 0; v < model->n_views; v++)
        dims = model->view[v].dims > dims ? model->view[v].dims : dims;
    return dims;
}

/* Scratch for a record: normals, a point, a row, and another row for the rest. */
static size_t gmm_scratch(const struct dpmix_generator *generator)
{
    const struct dpm_gmm *model = generator->model;
    return 2 * (model->n_columns + most_dims(model));
}

static size_t pick_component(const struct dpm_gmm *model, const struct dpm_gmm_view *view, size_t part,
                             double u)
{
    size_t classes = dpm_gmm_classes(model), last = view->first[part * classes];
    for (size_t j = last; j < view->first[(part + 1) * classes]; j++) {
        if (view->weights[j] > 0)
            last = j; /* rounding may leave the sum a little below 1 */
        if (u < view->weights[j])
            return j;
        u -= view->weights[j];
    }
    return last;
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
                        float *rows, int32_t *labels, const size_t *places, size_t n,
                        struct dpm_stream *stream, float *scratch)
{
    size_t dims = view->dims, columns = model->n_columns, classes = dpm_gmm_classes(model);
    float *normals = scratch, *points = normals + dims, *out = points + n * dims, *rest = out + n * columns;
    int32_t group[DPM_SAMPLE_CHUNK];
    for (size_t i = 0; i < n; i++) {
        size_t j = pick_component(model, view, part, dpm_stream_uniform(stream)), g = part * classes;
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

static void sample_gmm(const struct dpmix_generator *generator, int part, float *rows, int32_t *labels,
                       size_t n, struct dpm_stream *stream, float *scratch)
{
    const struct dpm_gmm *model = generator->model;
    size_t places[DPM_GMM_VIEWS][DPM_SAMPLE_CHUNK], count[DPM_GMM_VIEWS] = {0};
    for (size_t i = 0; i < n; i++) {
        size_t v = model->n_views > 1 && dpm_stream_uniform(stream) < 0.5;
        places[v][count[v]++] = i;
    }
    for (size_t v = 0; v < model->n_views; v++)
        if (count[v] > 0)
            sample_view(model, &model->view[v], (size_t)part, rows, labels, places[v], count[v], stream,
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

static void put_gmm(const struct dpmix_generator *generator, struct dpm_blob *blob)
{
    const struct dpm_gmm *model = generator->model;
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
        n += (size_t)dpm_blob_get_size(blob, 1, LARGEST_COMPONENTS);
        if (n > LARGEST_COMPONENTS)
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

static void get_gmm(struct dpmix_generator *generator, struct dpm_blob *blob)
{
    uint64_t classes = dpm_blob_get_size(blob, 0, (uint64_t)generator->n_classes);
    uint64_t n_views = dpm_blob_get_size(blob, 1, DPM_GMM_VIEWS), rest = dpm_blob_get_size(blob, 0, 1);
    if ((classes != 0 && classes != (uint64_t)generator->n_classes) ||
        (classes > 0) != generator->makes_labels)
        dpm_blob_reject(blob);
    if (classes && (uint64_t)generator->n_parts > LARGEST_COMPONENTS / classes)
        dpm_blob_reject(blob);
    if (dpm_blob_status(blob))
        return;
    struct dpm_gmm *model = dpm_alloc(1, sizeof *model);
    if (!model) {
        blob->status = DPMIX_ERR_NOMEM;
        return;
    }
    generator->model = model;
    model->n_columns = generator->bounds.n_columns;
    model->n_parts = (size_t)generator->n_parts;
    model->classes = (size_t)classes;
    model->n_views = (size_t)n_views;
    model->with_rest = (int)rest;
    for (size_t v = 0; v < model->n_views; v++)
        get_view(model, &model->view[v], blob);
}

const struct dpm_generator_kind dpm_generator_gmm = {
    .kind = DPMIX_GENERATOR_GMM,
    .has_no_steps = 1,
    .fit = fit_gmm,
    .free_model = dpm_gmm_free,
    .sample = sample_gmm,
    .sample_scratch = gmm_scratch,
    .put = put_gmm,
    .get = get_gmm,
};
