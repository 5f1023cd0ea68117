/* SPDX-License-Identifier: BSD-3-Clause */
/* The DP Gaussian mixture by DP clustering (Zhou, Zhou, Mirrokni, Epasto, Cohen-Addad 2025, arXiv
 * 2506.16661): its fit. A view takes four queries, each over every row, each for every group by itself but
 * the second:
 *
 *   SUMS     counts and sums of the rows in a public basis
 *   POOLED   second moment of the residuals about the groups' means: it gives the subspace
 *   MOVES    a step of k-means in the subspace; as many as the options say
 *   MOMENTS  count, sum and second moment of each component; again for each step of EM */
#include "generator_gmm.h"
#include "base_alloc.h"
#include "base_fail.h"
#include "generator_gmm_fit.h"

#include <string.h>

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
        if (!status)
            status = dpm_gmm_plan_make(&plan, options, &work->map, n_groups, mu);
        if (status)
            return status;
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
                work->work[v].noise[q] = dpm_query_noise(&work->plans[work->number[v][q]]);
    if (status)
        return status;
    return dpm_release_open(release, fit->accountant, fit->dataset,
                            "means, covariances and components of the Gaussian mixture", work->plans,
                            work->n_plans, several ? &work->partition : NULL, fit->threads);
}

/* A view whose queries run, of a fit. */
struct run {
    struct fit *work;
    struct dpm_release *release;
    const struct dpm_fit *fit;
    size_t view;
};

/* A dpm_gmm_query_fn: tells of the query and runs it. */
static int query(void *user, size_t q)
{
    const struct run *run = user;
    struct fit *work = run->work;
    struct dpm_gmm_work *view = &work->work[run->view];
    int status = dpm_fit_progress(run->fit, DPMIX_PHASE_TRAIN, work->done++, work->total);
    if (!status)
        status = dpm_release_query(run->release, work->number[run->view][q], dpm_gmm_contribution(q), view,
                                   view->released);
    return status;
}

static int run_view(struct fit *work, struct dpm_release *release, const struct dpm_fit *fit, size_t v)
{
    struct run run = {work, release, fit, v};
    uint8_t key[DPM_KEY_SIZE];
    dpm_release_public_key(release, key);
    dpm_random_derive(work->work[v].key, key, v);
    return dpm_gmm_run(&work->work[v], 1, query, &run);
}

static int new_model(struct dpm_gmm **out, const struct dpmix_generator *generator)
{
    const struct dpmix_options *options = &generator->options;
    int conditional = dpm_generator_is_conditional(generator);
    if (conditional && generator->n_parts > DPM_GMM_COMPONENTS / generator->n_classes)
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
    status = dpm_query_worth(fit->accountant, fit->share, &mu);
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

/* ---- Sampling and files ---- */

static size_t sample_scratch(const struct dpmix_generator *generator)
{
    return dpm_gmm_scratch(generator->model);
}

static void sample_gmm(const struct dpmix_generator *generator, int part, float *rows, int32_t *labels,
                       size_t n, struct dpm_stream *stream, float *scratch)
{
    dpm_gmm_draw(generator->model, (size_t)part, NULL, rows, labels, n, stream, scratch);
}

static void put_gmm(const struct dpmix_generator *generator, struct dpm_blob *blob)
{
    dpm_gmm_put(generator->model, blob);
}

static void get_gmm(struct dpmix_generator *generator, struct dpm_blob *blob)
{
    struct dpm_gmm *model = dpm_gmm_get(blob, generator->bounds.n_columns, (size_t)generator->n_parts,
                                        (size_t)generator->n_classes);
    generator->model = model;
    if (model && (model->classes > 0) != generator->makes_labels)
        dpm_blob_reject(blob);
}

const struct dpm_generator_kind dpm_generator_gmm = {
    .kind = DPMIX_GENERATOR_GMM,
    .has_no_steps = 1,
    .fit = fit_gmm,
    .free_model = dpm_gmm_free,
    .sample = sample_gmm,
    .sample_scratch = sample_scratch,
    .put = put_gmm,
    .get = get_gmm,
};
