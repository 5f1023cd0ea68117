/* SPDX-License-Identifier: BSD-3-Clause */
/* The Gaussian generator: its three queries, sampling and files.
 *
 *   0  counts and sums of the rows, each part by itself
 *   1  second moment of the residuals about the parts' means, over all rows: it gives the basis
 *   2  second moments of the residuals in the basis, each part by itself; left out with a single part
 *
 * All of them read every row once. With a clusterer this is the DP GMM of Zhou et al. 2025 (arXiv 2506.16661)
 * with a tied basis. */
#include "generator_gaussian.h"
#include "base_alloc.h"
#include "base_fail.h"
#include "density_repair.h"
#include "linalg_mat.h"

#include <math.h>
#include <string.h>

enum { SUMS, POOLED, MOMENTS, N_QUERIES };

enum { LARGEST_AUTOMATIC_RANK = 64 };

/* Shares of the fit's budget (as squared signal-to-noise) of the three queries. */
static const double query_share[N_QUERIES] = {0.2, 0.4, 0.4};

/* Over the diagonal of the cube that normalised rows lie in. Columns are taken about 1/2, so that no row is
 * clipped; images are mostly background, about 0. */
static const double row_clip_columns = 0.5, row_clip_image = 0.4, least_row_clip = 1e-4;

/* A radius: its square is the least clip norm of a query. */
static const double least_residual_clip = 0x1p-10;

/* What the contributions are a function of, besides the row. */
struct context {
    const struct dpm_gaussian *model;
    size_t width;                  /* of the moments */
    float origin;                  /* that rows are clipped about */
    float row_clip, residual_clip; /* radii */
    float count_weight;
};

/* Shrinks a vector to the radius. The vault clips too; to do it here keeps the count column of such a row
 * whole. */
static void clip(float *values, size_t n, float radius)
{
    float length = (float)sqrt(dpm_mat_square(values, n));
    if (length > radius)
        for (size_t i = 0; i < n; i++)
            values[i] *= radius / length;
}

/* 1 x (row about the origin, weight). */
static void contribute_sums(const void *argument, const struct dpm_block *block, float *const *left,
                            float *const *right)
{
    const struct context *context = argument;
    size_t n = block->n_columns;
    for (size_t i = 0; i < block->n_rows; i++) {
        float *out = right[0] + i * (n + 1);
        for (size_t j = 0; j < n; j++)
            out[j] = block->rows[i * n + j] - context->origin;
        clip(out, n, context->row_clip);
        out[n] = context->count_weight;
        left[0][i] = 1;
    }
}

/* Row less the mean of its part, at most the residual radius long. */
static void residual(const struct context *context, const struct dpm_block *block, size_t i, float *out)
{
    size_t n = block->n_columns;
    const float *row = block->rows + i * n, *mean = context->model->means + (size_t)block->parts[i] * n;
    for (size_t j = 0; j < n; j++)
        out[j] = row[j] - mean[j];
    clip(out, n, context->residual_clip);
}

/* residual x residual. */
static void contribute_pooled(const void *argument, const struct dpm_block *block, float *const *left,
                              float *const *right)
{
    size_t n = block->n_columns;
    for (size_t i = 0; i < block->n_rows; i++) {
        residual(argument, block, i, left[0] + i * n);
        memcpy(right[0] + i * n, left[0] + i * n, n * sizeof(float));
    }
}

/* (residual in the basis) x itself; entries beyond the rank are zero. */
static void contribute_moments(const void *argument, const struct dpm_block *block, float *const *left,
                               float *const *right)
{
    const struct context *context = argument;
    size_t n = block->n_columns, width = context->width, rank = context->model->rank;
    for (size_t i = 0; i < block->n_rows; i++)
        residual(context, block, i, block->scratch + i * n);
    memset(left[0], 0, block->n_rows * width * sizeof(float));
    dpm_mat_mul_bt(left[0], width, block->scratch, n, context->model->basis, n, block->n_rows, rank, n);
    memcpy(right[0], left[0], block->n_rows * width * sizeof(float));
}

static struct dpm_query_plan plan_query(int query, size_t n_columns, size_t width, double clip_norm,
                                        int per_part)
{
    struct dpm_query_plan plan = {
        .n_matrices = 1,
        .matrix = {{width, width, 1}},
        .per_part = per_part,
        .clip_norm = clip_norm,
        .cancellation = 1,
        .sampling_rate = 1,
        .steps = 1,
        .noise_multiplier = 1 / sqrt(query_share[query]),
    };
    if (query == SUMS)
        plan.matrix[0] = (struct dpm_query_matrix){1, n_columns + 1, 1};
    if (query == MOMENTS)
        plan.scratch = n_columns;
    return plan;
}

struct work {
    struct context context;
    struct dpm_query_plan plans[N_QUERIES];
    size_t n_plans;
    struct dpm_gaussian_release release;
    double *sums_and_counts; /* n_parts x (n_columns + 1), as released */
};

/* Plans, and all the memory that the fit needs. */
static int prepare(struct work *work, const struct dpmix_generator *generator)
{
    const struct dpmix_options *options = &generator->options;
    size_t n = generator->bounds.n_columns;
    double diagonal = sqrt((double)n); /* of the cube that normalised rows lie in */
    int images = generator->bounds.side > 0;
    double row_clip = dpm_option_double(options, DPMIX_OPTION_GAUSSIAN_ROW_CLIP);
    double residual_clip = diagonal * dpm_option_double(options, DPMIX_OPTION_GAUSSIAN_RESIDUAL_CLIP);
    if (row_clip > 0 && row_clip < least_row_clip)
        return dpm_fail(DPMIX_ERR_RANGE, "options: gaussian_row_clip must be 0, or at least %g",
                        least_row_clip);
    if (residual_clip < least_residual_clip)
        return dpm_fail(DPMIX_ERR_RANGE,
                        "options: gaussian_residual_clip must be at least %g for so few columns",
                        least_residual_clip / diagonal);
    row_clip = diagonal * (row_clip > 0 ? row_clip : (images ? row_clip_image : row_clip_columns));
    /* The noise of sum and count together moves a mean of norm row_clip least at this weight. */
    double count_weight = row_clip / sqrt(diagonal);
    size_t width = (size_t)dpm_option_int(options, DPMIX_OPTION_GAUSSIAN_RANK);
    width = width == 0 ? LARGEST_AUTOMATIC_RANK : width;
    width = width > n ? n : width;
    work->context = (struct context){
        .width = width,
        .row_clip = (float)row_clip,
        .residual_clip = (float)residual_clip,
        .origin = images ? 0 : 0.5f,
        .count_weight = (float)count_weight,
    };
    work->n_plans = generator->n_parts == 1 ? MOMENTS : N_QUERIES;
    double sums_clip = sqrt(row_clip * row_clip + count_weight * count_weight);
    double square = residual_clip * residual_clip;
    work->plans[SUMS] = plan_query(SUMS, n, 0, sums_clip, 1);
    work->plans[POOLED] = plan_query(POOLED, n, n, square, 0);
    work->plans[MOMENTS] = plan_query(MOMENTS, n, width, square, 1);
    work->sums_and_counts = dpm_alloc((size_t)generator->n_parts, (n + 1) * sizeof(double));
    if (!work->sums_and_counts)
        return DPMIX_ERR_NOMEM;
    int status = dpm_gaussian_release_new(&work->release, generator->n_parts, n, width);
    work->release.origin = (double)work->context.origin;
    return status;
}

static void free_work(struct work *work)
{
    dpm_free(work->sums_and_counts);
    dpm_gaussian_release_free(&work->release);
}

static int query_sums(struct work *work, struct dpm_release *release, struct dpm_gaussian *model)
{
    size_t n = model->n_columns;
    double weight = (double)work->context.count_weight;
    int status = dpm_release_query(release, SUMS, contribute_sums, &work->context, work->sums_and_counts);
    if (status)
        return status;
    for (size_t part = 0; part < (size_t)work->release.n_parts; part++) {
        const double *released = work->sums_and_counts + part * (n + 1);
        memcpy(work->release.sums + part * n, released, n * sizeof(double));
        work->release.counts[part] = released[n] / weight;
    }
    work->release.sum_noise = dpm_query_noise(&work->plans[SUMS]);
    work->release.count_noise = work->release.sum_noise / weight;
    dpm_gaussian_set_means(model, &work->release);
    return DPMIX_OK;
}

static int query_pooled(struct work *work, struct dpm_release *release, struct dpm_gaussian *model,
                        int automatic_rank)
{
    int status = dpm_release_query(release, POOLED, contribute_pooled, &work->context, work->release.pooled);
    if (status)
        return status;
    dpm_density_symmetrise(work->release.pooled, model->n_columns);
    work->release.pooled_noise = dpm_query_noise(&work->plans[POOLED]);
    return dpm_gaussian_set_basis(model, &work->release, automatic_rank);
}

static int query_moments(struct work *work, struct dpm_release *release, struct dpm_gaussian *model)
{
    size_t width = work->release.width;
    if (work->release.moments) {
        int status =
            dpm_release_query(release, MOMENTS, contribute_moments, &work->context, work->release.moments);
        if (status)
            return status;
        for (size_t part = 0; part < (size_t)work->release.n_parts; part++)
            dpm_density_symmetrise(work->release.moments + part * width * width, width);
        work->release.moment_noise = dpm_query_noise(&work->plans[MOMENTS]);
    }
    return dpm_gaussian_set_factors(model, &work->release);
}

static int fit_gaussian(struct dpmix_generator *generator, const struct dpm_fit *fit)
{
    struct dpm_release *release = NULL;
    struct dpm_gaussian *model = NULL;
    struct work work = {0};
    int automatic_rank = dpm_option_int(&generator->options, DPMIX_OPTION_GAUSSIAN_RANK) == 0;
    int status = prepare(&work, generator);
    if (!status)
        status =
            dpm_gaussian_new(&model, generator->n_parts, generator->bounds.n_columns, work.context.width);
    if (status)
        goto out;
    generator->model = model;
    work.context.model = model;
    status = dpm_query_calibrate(fit->accountant, fit->share, work.plans, work.n_plans);
    if (!status)
        status = dpm_release_open(&release, fit->accountant, fit->dataset,
                                  "means and covariances of the Gaussian generator", work.plans, work.n_plans,
                                  fit->partition, fit->threads);
    if (!status)
        status = dpm_fit_progress(fit, DPMIX_PHASE_TRAIN, 0, N_QUERIES);
    if (!status)
        status = query_sums(&work, release, model);
    if (!status)
        status = dpm_fit_progress(fit, DPMIX_PHASE_TRAIN, 1, N_QUERIES);
    if (!status)
        status = query_pooled(&work, release, model, automatic_rank);
    if (!status)
        status = dpm_fit_progress(fit, DPMIX_PHASE_TRAIN, 2, N_QUERIES);
    if (!status)
        status = query_moments(&work, release, model);
    if (!status)
        status = dpm_fit_progress(fit, DPMIX_PHASE_TRAIN, N_QUERIES, N_QUERIES);
    if (!status)
        generator->ledger = dpm_release_take_ledger(release);
out:
    dpm_release_close(release);
    free_work(&work);
    return status;
}

/* Scratch for a record: z and its image under the factors. */
static size_t gaussian_scratch(const struct dpmix_generator *generator)
{
    const struct dpm_gaussian *model = generator->model;
    return 2 * model->rank;
}

static void sample_gaussian(const struct dpmix_generator *generator, int part, float *rows, int32_t *labels,
                            size_t n, struct dpm_stream *stream, float *scratch)
{
    const struct dpm_gaussian *model = generator->model;
    size_t rank = model->rank, columns = model->n_columns;
    const float *factor = model->factors + (size_t)part * rank * rank;
    const float *mean = model->means + (size_t)part * columns;
    float *inner = scratch + n * rank;
    (void)labels; /* it makes none */
    dpm_stream_normals(stream, scratch, n * rank);
    dpm_mat_mul_bt(inner, rank, scratch, rank, factor, rank, n, rank, rank);
    dpm_mat_mul(rows, columns, inner, rank, model->basis, columns, n, columns, rank);
    for (size_t i = 0; i < n; i++) {
        float *row = rows + i * columns;
        for (size_t j = 0; j < columns; j++)
            row[j] += mean[j];
    }
}

static void put_gaussian(const struct dpmix_generator *generator, struct dpm_blob *blob)
{
    const struct dpm_gaussian *model = generator->model;
    size_t n_parts = (size_t)generator->n_parts, rank = model->rank;
    dpm_blob_put_u64(blob, rank);
    dpm_blob_put_f32s(blob, model->means, n_parts * model->n_columns);
    dpm_blob_put_f32s(blob, model->basis, rank * model->n_columns);
    dpm_blob_put_f32s(blob, model->factors, n_parts * rank * rank);
}

static void get_gaussian(struct dpmix_generator *generator, struct dpm_blob *blob)
{
    size_t n_parts = (size_t)generator->n_parts, n = generator->bounds.n_columns;
    struct dpm_gaussian *model = dpm_alloc(1, sizeof *model);
    if (!model) {
        blob->status = DPMIX_ERR_NOMEM;
        return;
    }
    generator->model = model;
    model->n_columns = n;
    model->rank = (size_t)dpm_blob_get_size(blob, 1, n);
    model->means = dpm_blob_get_f32s(blob, n_parts, n);
    model->basis = dpm_blob_get_f32s(blob, model->rank, n);
    model->factors = dpm_blob_get_f32s(blob, n_parts, model->rank * model->rank);
}

const struct dpm_generator_kind dpm_generator_gaussian = {
    .kind = DPMIX_GENERATOR_GAUSSIAN,
    .has_no_steps = 1,
    .fit = fit_gaussian,
    .free_model = dpm_gaussian_free,
    .sample = sample_gaussian,
    .sample_scratch = gaussian_scratch,
    .put = put_gaussian,
    .get = get_gaussian,
};
