/* SPDX-License-Identifier: BSD-3-Clause */
/* What a fit of the DP Gaussian mixture does with its budget. mu is the signal-to-noise of the whole fit: one
 * Gaussian query that took all of it would have the noise multiplier 1 / mu. A query with a share s of mu^2
 * has the multiplier 1 / (mu sqrt(s)). */
#include "base_fail.h"
#include "generator_gmm_fit.h"

#include <math.h>

/* Found on images at three levels of privacy: shares, and the DCT's radius over the side of the image.
 * Between the levels they are interpolated in log mu. */
enum { LEVELS = 3 };
static const double level_mu[LEVELS] = {0.0456, 0.158, 1.04};
static const double level_share[DPM_GMM_QUERIES][LEVELS] = {
    {0.42, 0.18, 0.11}, {0.33, 0.32, 0.29}, {0, 0.20, 0.23}, {0.25, 0.30, 0.37}};
static const double level_radius[LEVELS] = {0.30, 0.42, 0.66};

/* Of the moments' share: count, sum and second moment of a component. */
static const double count_share = 0.05, mean_share = 0.25, second_share = 0.70;

/* Rows times mu that a component (with mu above 1: rows) and, under the root, a dimension of the subspace
 * should have. */
static const double component_signal = 240, dimension_signal = 0.5;

/* Room is planned for so many rows at most. Noisy counts, when they are there, may ask for less. */
static const double most_rows = 400000;
enum { MOST_COMPONENTS = 20, START_CENTRES = 4, MOST_DIMS = 150, LEAST_DIMS = 8, MOST_MOMENTS = 1 << 25 };

/* Of images that the rule takes in low frequencies: smaller ones have few that are not. */
enum { LEAST_SIDE = 8 };

/* Radii over the diagonal of the unit cube. Columns are taken about 1/2, so that nothing is clipped; images
 * are mostly background, about 0. */
static const double row_clip_columns = 0.5, row_clip_image = 0.4, row_clip_distance = 0.3;
static const double residual_rows = 0.25, residual_distance = 0.15;
static const double least_clip = 0.01;  /* over the rows' */
static const double least_given = 1e-6; /* of clips that are options; powers of one are divided by */

/* Of the norm that a row may have in the sums, the part for its square: the residuals' clip comes of it. */
static const double energy_part = 0.2;

static double at_level(const double values[LEVELS], double mu)
{
    if (mu <= level_mu[0])
        return values[0];
    for (int i = 1; i < LEVELS; i++)
        if (mu < level_mu[i]) {
            double t = log(mu / level_mu[i - 1]) / log(level_mu[i] / level_mu[i - 1]);
            return values[i - 1] + t * (values[i] - values[i - 1]);
        }
    return values[LEVELS - 1];
}

/* The rule goes by what was declared: numbers that are no pixels have no low frequencies. */
static int in_frequencies(const struct dpmix_options *options, const struct dpm_bounds *bounds)
{
    int basis = dpm_option_int(options, DPMIX_OPTION_GMM_BASIS);
    if (basis != DPMIX_GMM_BASIS_RULE)
        return basis == DPMIX_GMM_BASIS_DCT;
    return bounds->side >= LEAST_SIDE && dpm_gmm_map_side(bounds->n_columns) > 0;
}

size_t dpm_gmm_plan_radius(const struct dpmix_options *options, const struct dpm_bounds *bounds, double mu)
{
    int radius = dpm_option_int(options, DPMIX_OPTION_GMM_RADIUS);
    double side = sqrt((double)bounds->n_columns);
    if (!in_frequencies(options, bounds))
        return 0;
    return radius > 0 ? (size_t)radius : (size_t)(at_level(level_radius, mu) * side + 0.5);
}

static size_t bring_into(double value, size_t lower, size_t upper)
{
    if (!(value > (double)lower))
        return lower;
    return value < (double)upper ? (size_t)value : upper;
}

size_t dpm_gmm_plan_components(const struct dpm_gmm_plan *plan, double count)
{
    if (plan->fixed_components)
        return plan->fixed_components;
    return bring_into(count * fmin(plan->mu, 1) / component_signal + 0.5, 1, plan->most_components);
}

size_t dpm_gmm_plan_dims(const struct dpm_gmm_plan *plan, double total)
{
    if (plan->fixed_dims)
        return plan->fixed_dims;
    return bring_into(dimension_signal * sqrt(fmax(total * plan->mu, 0)), plan->least_dims, plan->most_dims);
}

size_t dpm_gmm_plan_start(const struct dpm_gmm_plan *plan, double count, size_t components)
{
    if (components < 2 || plan->steps < 2 || !plan->fixed_components)
        return components;
    return bring_into(count * plan->mu / component_signal, components, plan->most_start);
}

static int set_clips(struct dpm_gmm_plan *plan, const struct dpmix_options *options,
                     const struct dpm_gmm_map *map)
{
    double row = dpm_option_double(options, DPMIX_OPTION_GMM_ROW_CLIP);
    double residual = dpm_option_double(options, DPMIX_OPTION_GMM_RESIDUAL_CLIP);
    double diagonal = sqrt((double)map->n_columns);
    if (residual > 0 && residual < least_given)
        return dpm_fail(DPMIX_ERR_RANGE, "options: gmm_residual_clip must be 0, or at least %g", least_given);
    if (row == 0)
        row = map->distance ? row_clip_distance : (map->dct.matrix ? row_clip_image : row_clip_columns);
    plan->row_clip = row * diagonal;
    if (plan->row_clip < least_given)
        return dpm_fail(DPMIX_ERR_RANGE, "options: gmm_row_clip must be 0, or at least %g for so few columns",
                        least_given / diagonal);
    plan->adaptive = residual == 0;
    plan->residual_clip =
        (plan->adaptive ? (map->distance ? residual_distance : residual_rows) : residual) * diagonal;
    return DPMIX_OK;
}

double dpm_gmm_plan_clip(const struct dpm_gmm_plan *plan, double reach, double square, double noise)
{
    if (!plan->adaptive || !(square > 2 * noise))
        return plan->residual_clip;
    double clip = reach * sqrt(square);
    return fmin(fmax(clip, least_clip * plan->row_clip), 2 * plan->row_clip);
}

/* Limits of components and dimensions. */
static void set_sizes(struct dpm_gmm_plan *plan, const struct dpmix_options *options, size_t map_dims,
                      size_t n_groups)
{
    size_t rank = (size_t)dpm_option_int(options, DPMIX_OPTION_GMM_RANK);
    size_t least = map_dims < LEAST_DIMS ? map_dims : LEAST_DIMS;
    plan->fixed_components = (size_t)dpm_option_int(options, DPMIX_OPTION_GMM_COMPONENTS);
    plan->least_dims = least;
    plan->most_dims = map_dims < MOST_DIMS ? map_dims : MOST_DIMS;
    plan->most_components = MOST_COMPONENTS;
    plan->fixed_dims = rank < map_dims ? rank : map_dims;
    plan->most_dims = plan->fixed_dims ? plan->fixed_dims : dpm_gmm_plan_dims(plan, most_rows);
    double room = (double)MOST_MOMENTS / ((double)n_groups * (double)(plan->most_dims * plan->most_dims));
    plan->most_components = bring_into(room, 1, MOST_COMPONENTS);
    plan->most_components = dpm_gmm_plan_components(plan, most_rows / (double)n_groups);
    plan->most_start = plan->most_components;
    if (plan->fixed_components) /* more centres in the first half of the steps, where there is signal */
        plan->most_start = START_CENTRES * plan->fixed_components;
}

static struct dpm_query_plan plan_query(double share, double clip_norm, uint64_t steps)
{
    return (struct dpm_query_plan){
        .n_matrices = 1,
        .per_part = 1,
        .clip_norm = clip_norm,
        .cancellation = 1,
        .sampling_rate = 1,
        .steps = steps,
        .noise_multiplier = 1 / sqrt(share / (double)steps),
    };
}

/* The count beside a sum of vectors of norm C in D dimensions: the noise moves a mean of that norm least with
 * the weight C / D^(1/4). */
static double balanced_weight(double clip, size_t dims)
{
    return clip / sqrt(sqrt((double)dims));
}

static void set_first_queries(struct dpm_gmm_plan *plan, const struct dpm_gmm_map *map, const double *share)
{
    size_t d = map->dims, n = map->n_columns, k = plan->most_start, dims = plan->most_dims;
    plan->sums_weight = balanced_weight(plan->row_clip, d);
    plan->energy_weight = energy_part / plan->row_clip;
    plan->moves_weight = balanced_weight(1, dims);
    double clip = hypot(hypot(1, energy_part) * plan->row_clip, plan->sums_weight);
    plan->query[DPM_GMM_SUMS] = plan_query(share[DPM_GMM_SUMS], clip, 1);
    plan->query[DPM_GMM_SUMS].matrix[0] = (struct dpm_query_matrix){1, d + 2, 1};
    plan->query[DPM_GMM_SUMS].scratch = n + d;
    plan->query[DPM_GMM_POOLED] = plan_query(share[DPM_GMM_POOLED], 1, 1);
    plan->query[DPM_GMM_POOLED].per_part = 0;
    plan->query[DPM_GMM_POOLED].n_matrices = 2; /* the second moment, and the energy beside the basis */
    plan->query[DPM_GMM_POOLED].matrix[0] = (struct dpm_query_matrix){d, d, 1};
    plan->query[DPM_GMM_POOLED].matrix[1] = (struct dpm_query_matrix){1, 1, 1};
    plan->query[DPM_GMM_POOLED].scratch = n;
    if (plan->has_moves) {
        plan->query[DPM_GMM_MOVES] =
            plan_query(share[DPM_GMM_MOVES], hypot(1, plan->moves_weight), plan->steps);
        plan->query[DPM_GMM_MOVES].matrix[0] = (struct dpm_query_matrix){k, dims + 1, 1};
        plan->query[DPM_GMM_MOVES].scratch = n + dims + k;
    }
}

static void set_moments(struct dpm_gmm_plan *plan, size_t n_columns, double share)
{
    size_t k = plan->most_components, dims = plan->most_dims;
    plan->mean_weight = sqrt(mean_share);
    plan->count_weight = sqrt(count_share);
    plan->second_weight = sqrt(second_share);
    double norm = sqrt(count_share + mean_share + second_share);
    struct dpm_query_plan *query = &plan->query[DPM_GMM_MOMENTS];
    *query = plan_query(share, norm, plan->em_steps + 1);
    query->matrix[0] = (struct dpm_query_matrix){k, dims + 1, 1};
    query->n_matrices = 2;
    if (plan->covariance == DPMIX_GMM_COVARIANCE_DIAGONAL)
        query->matrix[1] = (struct dpm_query_matrix){k, dims, 1};
    else if (plan->covariance == DPMIX_GMM_COVARIANCE_TIED)
        query->matrix[1] = (struct dpm_query_matrix){dims, dims, 1};
    else
        query->matrix[1] = (struct dpm_query_matrix){k * dims, dims, 1};
    query->scratch = n_columns + dims;
    if (plan->em_steps) {
        query->normals = 1; /* draws the component */
        query->scratch += k + k * dims;
    }
}

int dpm_gmm_plan_make(struct dpm_gmm_plan *plan, const struct dpmix_options *options,
                      const struct dpm_gmm_map *map, size_t n_groups, double mu)
{
    double share[DPM_GMM_QUERIES];
    *plan = (struct dpm_gmm_plan){
        .mu = mu,
        .covariance = dpm_option_int(options, DPMIX_OPTION_GMM_COVARIANCE),
        .steps = (uint64_t)dpm_option_int(options, DPMIX_OPTION_GMM_STEPS),
        .em_steps = (uint64_t)dpm_option_int(options, DPMIX_OPTION_GMM_EM_STEPS),
        .prior_rows = dpm_option_double(options, DPMIX_OPTION_GMM_PRIOR_ROWS),
    };
    for (int i = 0; i < DPM_GMM_QUERIES; i++)
        share[i] = at_level(level_share[i], mu);
    int status = set_clips(plan, options, map);
    if (status)
        return status;
    set_sizes(plan, options, map->dims, n_groups);
    if (plan->fixed_components) /* asked for: they are looked for, whatever the noise */
        share[DPM_GMM_MOVES] = fmax(share[DPM_GMM_MOVES], level_share[DPM_GMM_MOVES][1]);
    plan->has_moves = plan->most_components > 1 && share[DPM_GMM_MOVES] > 0;
    if (!plan->has_moves)
        plan->most_components = plan->most_start = 1;
    if (plan->most_components > DPM_GMM_COMPONENTS / n_groups)
        return dpm_fail(DPMIX_ERR_RANGE, "gmm_components: %d together with all parts and classes at most",
                        (int)DPM_GMM_COMPONENTS);
    set_first_queries(plan, map, share);
    set_moments(plan, map->n_columns, share[DPM_GMM_MOMENTS]);
    return DPMIX_OK;
}
