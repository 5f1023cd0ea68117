/* SPDX-License-Identifier: BSD-3-Clause */
/* The fit of the DP Gaussian mixture: its plan, its contributions, and the steps from released numbers to the
 * model. Files: generator_gmm_plan.c, _query.c, _step.c, _moment.c; _run.c has their order. generator_gmm.c
 * fits to rows, generator_latent.c to the places of rows in latent space. */
#ifndef DPM_GENERATOR_GMM_FIT_H
#define DPM_GENERATOR_GMM_FIT_H

#include "density_repair.h"
#include "generator_gmm.h"
#include "generator_gmm_map.h"

/* A view's queries. DPM_GMM_MOVES may be missing: then it has no steps. */
enum { DPM_GMM_SUMS, DPM_GMM_POOLED, DPM_GMM_MOVES, DPM_GMM_MOMENTS, DPM_GMM_QUERIES };

/* What follows from options, from the columns and from mu, the signal-to-noise of the whole fit. All of it is
 * public and known before the debit. */
struct dpm_gmm_plan {
    double mu;
    int covariance;       /* DPMIX_GMM_* */
    double row_clip;      /* R */
    double residual_clip; /* R2, where it is not adaptive or where noise hides the rows' scatter */
    int adaptive;         /* the clip follows the released scatter of the rows */
    /* Of a count beside a sum of rows, and of the square of a row; then, of vectors that are divided by their
     * clip: a count beside a sum; count, sum and second moment of a component. */
    double sums_weight, energy_weight, moves_weight, count_weight, mean_weight, second_weight;
    size_t fixed_components; /* of a group; 0: by the group's noisy count */
    size_t most_components, most_start, most_dims;
    size_t least_dims, fixed_dims; /* kept whatever the noise; fixed: no others, 0 where noise decides */
    uint64_t steps, em_steps;
    double prior_rows;
    int has_moves;
    struct dpm_query_plan query[DPM_GMM_QUERIES];
};

/* mu: see above. DPMIX_ERR_RANGE for a clip that is too small to reckon with, and for more components
 * than a file may have. */
int dpm_gmm_plan_make(struct dpm_gmm_plan *plan, const struct dpmix_options *options,
                      const struct dpm_gmm_map *map, size_t n_groups, double mu);

/* Radius of the DCT's frequencies; 0 without that basis. */
size_t dpm_gmm_plan_radius(const struct dpmix_options *options, const struct dpm_bounds *bounds, double mu);

/* Components of a group, and limit of the dimensions, by noisy counts. */
size_t dpm_gmm_plan_components(const struct dpm_gmm_plan *plan, double count);
size_t dpm_gmm_plan_dims(const struct dpm_gmm_plan *plan, double total);

/* Clip of residuals: `reach` times the root of their mean square, whose noise is given. */
double dpm_gmm_plan_clip(const struct dpm_gmm_plan *plan, double reach, double square, double noise);

/* Centres that a group of `count` rows starts with, of which `components` are left by half of the steps: from
 * more starts than there are components fewer fits end with two of them in one. */
size_t dpm_gmm_plan_start(const struct dpm_gmm_plan *plan, double count, size_t components);

/* What a fit of one view works with; all of it allocated before the debit. The contributions read view, map,
 * plan and the centres. */
struct dpm_gmm_work {
    struct dpm_gmm_plan plan;
    double noise[DPM_GMM_QUERIES]; /* standard deviation on each number of the queries, once they are
                                      calibrated */
    struct dpm_gmm_map map;
    struct dpm_gmm_view *view;
    size_t n_groups, classes;

    float *group_means;                   /* n_groups x map.dims */
    float *offsets;                       /* n_groups x most_dims: group means in the subspace */
    size_t *n_centres;                    /* n_groups */
    float *centres;                       /* n_groups x most_start x most_dims: about the group means */
    double residual_clip, component_clip; /* about the group's mean, and about the component's centre */
    int by_density; /* moments go to a component that is drawn by its responsibility, not to the nearest */
    double *log_weights; /* of the components, within their group */

    /* As released. */
    double *released;         /* room for the largest of the queries */
    double *counts;           /* n_groups */
    double *component_counts; /* of the centres (n_groups x most_start), then of the components */
    double total;             /* rows, floored */
    double *values;           /* map.dims: eigenvalues of the pooled second moment, the noise taken out */
    double pooled_noise;      /* on an entry of the pooled covariance */

    uint8_t key[DPM_KEY_SIZE]; /* public */
    double *matrix, *target, *group, *vectors, *scratch;
    float *single, *next_means;
    struct dpm_eigen *eigen;
};

int dpm_gmm_work_new(struct dpm_gmm_work *work, struct dpm_gmm_view *view, const struct dpm_gmm_plan *plan,
                     size_t n_groups);
void dpm_gmm_work_free(struct dpm_gmm_work *work);

/* What a component's residuals are about: the centre of k-means, or the mean that the density has. */
static inline const float *dpm_gmm_centre(const struct dpm_gmm_work *work, size_t group, size_t j)
{
    if (work->by_density)
        return work->view->density.means + (work->view->first[group] + j) * work->view->dims;
    return work->centres + group * work->plan.most_start * work->plan.most_dims + j * work->view->dims;
}

/* ---- Contributions: pure functions of released numbers and the row ---- */

/* Of query number q; its model is the work. */
dpm_block_fn *dpm_gmm_contribution(size_t q);

/* ---- Post-processing of what a query gave ---- */

void dpm_gmm_set_means(struct dpm_gmm_work *work);
int dpm_gmm_set_subspace(struct dpm_gmm_work *work);
void dpm_gmm_set_start(struct dpm_gmm_work *work);
void dpm_gmm_set_component_clip(struct dpm_gmm_work *work);
void dpm_gmm_set_centres(struct dpm_gmm_work *work, uint64_t step); /* step: 0, 1, ... */
int dpm_gmm_set_components(struct dpm_gmm_work *work);

/* ---- The whole ---- */

/* Runs query number q once, and puts what it gave into `released` of each work. */
typedef int dpm_gmm_query_fn(void *user, size_t q);

/* The queries in their order, and after each what follows from it; n works with plans of the same steps,
 * whose queries run together. Each has its noise and its key. */
int dpm_gmm_run(struct dpm_gmm_work *work, size_t n, dpm_gmm_query_fn *query, void *user);

#endif
