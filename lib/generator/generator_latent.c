/* SPDX-License-Identifier: BSD-3-Clause */
#include "generator_latent.h"
#include "base_alloc.h"
#include "generator_gmm.h"
#include "generator_gmm_fit.h"
#include "generator_prior.h"

#include <math.h>
#include <string.h>

static const float unit = 0.25f; /* of the mixture's columns, for one of z */

/* The signal-to-noise that sizes and shares are planned by, before the real one is known: the rules for
 * images have all their queries from it on. */
static const double planned_mu = 1;

struct dpm_latent {
    size_t n_parts, classes, latent;
    struct dpm_gmm **models; /* n_parts, of one part each */

    /* Of the fit. */
    struct dpm_gmm_work *works; /* n_parts */
    int extra[DPM_GMM_QUERIES]; /* of the query, among the net's */
    size_t query;               /* that runs */
    double *sums;               /* n_parts x numbers of the largest query */
};

static size_t groups(const struct dpm_latent *prior)
{
    return prior->classes ? prior->classes : 1;
}

/* ---- Life ---- */

static void free_work(struct dpm_latent *prior)
{
    for (size_t k = 0; prior->works && k < prior->n_parts; k++)
        dpm_gmm_work_free(&prior->works[k]);
    dpm_free(prior->works);
    dpm_free(prior->sums);
    prior->works = NULL;
    prior->sums = NULL;
}

void dpm_latent_free(struct dpm_latent *prior)
{
    if (!prior)
        return;
    free_work(prior);
    for (size_t k = 0; prior->models && k < prior->n_parts; k++)
        dpm_gmm_free(prior->models[k]);
    dpm_free(prior->models);
    dpm_free(prior);
}

static int new_part(struct dpm_latent *prior, size_t k, const struct dpmix_options *options)
{
    struct dpm_gmm *model = prior->models[k] = dpm_alloc(1, sizeof *model);
    struct dpm_gmm_work *work = &prior->works[k];
    struct dpm_gmm_plan plan;
    if (!model)
        return DPMIX_ERR_NOMEM;
    *model = (struct dpm_gmm){
        .n_columns = prior->latent, .n_parts = 1, .classes = prior->classes, .n_views = 1, .with_rest = 1};
    int status = dpm_gmm_map_new(&work->map, prior->latent, 0, 0);
    if (!status)
        status = dpm_gmm_plan_make(&plan, options, &work->map, groups(prior), planned_mu);
    if (status)
        return status;
    work->classes = groups(prior);
    status = dpm_gmm_work_new(work, &model->view[0], &plan, groups(prior));
    return status ? status
                  : dpm_gmm_view_new(&model->view[0], groups(prior), prior->latent, plan.most_dims,
                                     groups(prior) * plan.most_components);
}

/* A query of the mixture as one of the engine, whose sums are by part: a class's sums stand among the rows of
 * its matrices, class after class. */
static struct dpm_query_plan stack_classes(const struct dpm_latent *prior, size_t q)
{
    struct dpm_query_plan plan = prior->works[0].plan.query[q];
    for (int m = 0; plan.per_part && m < plan.n_matrices; m++)
        plan.matrix[m].rows *= groups(prior);
    plan.per_part = 1;
    plan.normals += prior->latent;
    return plan;
}

static int allocate(struct dpm_latent *prior, const struct dpmix_options *options)
{
    size_t most = 0;
    int status = DPMIX_OK;
    prior->models = dpm_alloc(prior->n_parts, sizeof *prior->models);
    prior->works = dpm_alloc(prior->n_parts, sizeof *prior->works);
    if (!prior->models || !prior->works)
        return DPMIX_ERR_NOMEM;
    for (size_t k = 0; !status && k < prior->n_parts; k++)
        status = new_part(prior, k, options);
    if (status)
        return status;
    for (size_t q = 0; q < DPM_GMM_QUERIES; q++) {
        struct dpm_query_plan plan = stack_classes(prior, q);
        size_t size = plan.steps ? dpm_query_size(&plan) : 0;
        most = size > most ? size : most;
    }
    prior->sums = dpm_alloc(prior->n_parts, most * sizeof *prior->sums);
    return prior->sums ? DPMIX_OK : DPMIX_ERR_NOMEM;
}

int dpm_latent_new(struct dpm_latent **out, const struct dpmix_options *options, size_t n_parts,
                   size_t classes, size_t latent)
{
    int status = dpm_prior_check(latent);
    if (status)
        return status;
    struct dpm_latent *prior = dpm_alloc(1, sizeof *prior);
    if (!prior)
        return DPMIX_ERR_NOMEM;
    *prior = (struct dpm_latent){.n_parts = n_parts, .classes = classes, .latent = latent};
    status = allocate(prior, options);
    if (status) {
        dpm_latent_free(prior);
        return status;
    }
    *out = prior;
    return DPMIX_OK;
}

/* ---- Plan and contributions ---- */

/* What a query takes of the sum of squared inverse multipliers. */
static double weight(const struct dpm_query_plan *plan)
{
    return plan->steps ? (double)plan->steps / pow(plan->noise_multiplier, 2) : 0;
}

void dpm_latent_plan(struct dpm_latent *prior, struct dpm_train_net *net, double share, size_t scratch,
                     dpm_train_block_fn *contribute)
{
    const struct dpm_query_plan *queries = prior->works[0].plan.query;
    double all = 0;
    for (size_t q = 0; q < DPM_GMM_QUERIES; q++)
        all += weight(&queries[q]);
    for (size_t q = 0; q < DPM_GMM_QUERIES; q++) {
        struct dpm_query_plan plan = stack_classes(prior, q);
        if (plan.steps == 0)
            continue;
        plan.scratch = prior->latent + (plan.scratch > scratch ? plan.scratch : scratch);
        prior->extra[q] = net->n_extras;
        net->extra[net->n_extras++] =
            (struct dpm_train_extra){plan, share * weight(&queries[q]) / all, contribute};
    }
}

size_t dpm_latent_normals(const struct dpm_latent *prior)
{
    return prior->latent + prior->works[0].plan.query[prior->query].normals;
}

/* Row by row, since a block may have rows of several classes and the mixture's has one: the row's left
 * factors are those of its class, and zero at the others. */
void dpm_latent_contribute(const struct dpm_latent *prior, const struct dpm_block *block, float *z,
                           float *const *left, float *const *right)
{
    const struct dpm_gmm_work *work = &prior->works[block->parts[0]];
    const struct dpm_query_plan *plan = &work->plan.query[prior->query];
    size_t latent = prior->latent, classes = plan->per_part ? groups(prior) : 1;
    dpm_block_fn *contribute = dpm_gmm_contribution(prior->query);
    for (size_t i = 0; i < block->n_rows * latent; i++)
        z[i] = 0.5f + unit * z[i];
    for (size_t i = 0; i < block->n_rows; i++) {
        int32_t class = prior->classes ? block->labels[i] : 0;
        float *row_left[DPM_QUERY_MATRICES], *row_right[DPM_QUERY_MATRICES];
        for (int m = 0; m < plan->n_matrices; m++) {
            size_t rows = plan->matrix[m].rows;
            float *line = left[m] + i * classes * rows;
            memset(line, 0, classes * rows * sizeof *line);
            row_left[m] = line + (classes > 1 ? (size_t) class * rows : 0);
            row_right[m] = right[m] + i * plan->matrix[m].columns;
        }
        struct dpm_block row = {
            .n_rows = 1,
            .n_columns = latent,
            .rows = z + i * latent,
            .parts = &class,
            .normals = block->normals + i * dpm_latent_normals(prior) + latent,
            .scratch = block->scratch + block->n_rows * latent,
        };
        contribute(work, &row, row_left, row_right);
    }
}

/* ---- Fit ---- */

struct run {
    struct dpm_latent *prior;
    struct dpm_train *train;
    const struct dpm_fit *fit;
};

/* A part's sums, which have the classes within each matrix, as its work has them: the matrices within each
 * class. */
static void spread_classes(double *released, const double *sums, const struct dpm_query_plan *plan,
                           size_t classes)
{
    size_t whole = dpm_query_size(plan), before = 0;
    for (int m = 0; m < plan->n_matrices; m++) {
        size_t size = plan->matrix[m].rows * plan->matrix[m].columns;
        for (size_t c = 0; c < classes; c++, sums += size)
            memcpy(released + c * whole + before, sums, size * sizeof *sums);
        before += size;
    }
}

/* A dpm_gmm_query_fn. */
static int run_query(void *user, size_t q)
{
    const struct run *run = user;
    struct dpm_latent *prior = run->prior;
    const struct dpm_query_plan *plan = &prior->works[0].plan.query[q];
    size_t classes = plan->per_part ? groups(prior) : 1, size = classes * dpm_query_size(plan);
    prior->query = q;
    int status = dpm_train_query(run->train, prior->extra[q], prior->sums);
    for (size_t k = 0; !status && k < prior->n_parts; k++)
        spread_classes(prior->works[k].released, prior->sums + k * size, plan, classes);
    return status ? status : dpm_train_tell(run->train, run->fit);
}

/* Noise, and the signal-to-noise of all queries together, from what the engine made of the share. */
static void set_noise(struct dpm_latent *prior, const struct dpm_train *train)
{
    double noise[DPM_GMM_QUERIES] = {0}, square = 0;
    for (size_t q = 0; q < DPM_GMM_QUERIES; q++) {
        struct dpm_query_plan plan = stack_classes(prior, q);
        if (plan.steps == 0)
            continue;
        noise[q] = dpm_train_query_noise(train, prior->extra[q]);
        plan.noise_multiplier = noise[q] / dpm_query_sensitivity(&plan);
        square += weight(&plan);
    }
    for (size_t k = 0; k < prior->n_parts; k++) {
        memcpy(prior->works[k].noise, noise, sizeof noise);
        prior->works[k].plan.mu = sqrt(square);
    }
}

int dpm_latent_fit(struct dpm_latent *prior, struct dpm_train *train, const struct dpm_fit *fit)
{
    struct run run = {prior, train, fit};
    uint8_t key[DPM_KEY_SIZE];
    set_noise(prior, train);
    dpm_train_public_key(train, key);
    for (size_t k = 0; k < prior->n_parts; k++)
        dpm_random_derive(prior->works[k].key, key, k);
    int status = dpm_gmm_run(prior->works, prior->n_parts, run_query, &run);
    free_work(prior);
    return status;
}

/* ---- Draws ---- */

size_t dpm_latent_scratch(const struct dpm_latent *prior)
{
    size_t most = 0;
    for (size_t k = 0; k < prior->n_parts; k++) {
        size_t own = dpm_gmm_scratch(prior->models[k]);
        most = own > most ? own : most;
    }
    return most;
}

void dpm_latent_draw(const struct dpm_latent *prior, int part, const int32_t *labels, size_t n, float *z,
                     struct dpm_stream *stream, float *scratch)
{
    dpm_gmm_draw(prior->models[part], 0, prior->classes ? labels : NULL, z, NULL, n, stream, scratch);
    for (size_t i = 0; i < n * prior->latent; i++)
        z[i] = fminf(fmaxf((z[i] - 0.5f) / unit, -DPM_PRIOR_LARGEST), DPM_PRIOR_LARGEST);
}

/* ---- Files ---- */

void dpm_latent_put(const struct dpm_latent *prior, struct dpm_blob *blob)
{
    for (size_t k = 0; k < prior->n_parts; k++)
        dpm_gmm_put(prior->models[k], blob);
}

/* Pixels play no part in a latent space. */
static void check_model(const struct dpm_gmm *model, size_t classes, struct dpm_blob *blob)
{
    if (model->classes != classes || model->n_views != 1 || model->view[0].distance)
        dpm_blob_reject(blob);
}

struct dpm_latent *dpm_latent_get(struct dpm_blob *blob, size_t n_parts, size_t classes, size_t latent)
{
    if (latent > DPM_PRIOR_LATENT)
        dpm_blob_reject(blob);
    if (!dpm_blob_holds(blob, n_parts, sizeof(uint64_t)))
        return NULL;
    struct dpm_latent *prior = dpm_alloc(1, sizeof *prior);
    struct dpm_gmm **models = dpm_alloc(n_parts, sizeof *models);
    if (!prior || !models) {
        dpm_free(prior);
        dpm_free(models);
        blob->status = DPMIX_ERR_NOMEM;
        return NULL;
    }
    *prior = (struct dpm_latent){.n_parts = n_parts, .classes = classes, .latent = latent, .models = models};
    for (size_t k = 0; !dpm_blob_status(blob) && k < n_parts; k++) {
        models[k] = dpm_gmm_get(blob, latent, 1, classes);
        if (!dpm_blob_status(blob))
            check_model(models[k], classes, blob);
    }
    return prior;
}
