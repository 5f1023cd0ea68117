/* SPDX-License-Identifier: BSD-3-Clause */
/* From the released moments to the components. Covariances are shrunk twice, the component's toward the
 * group's and the group's toward that of all rows, by the known energy of their noise and by prior rows. */
#include "generator_gmm_fit.h"

#include <math.h>
#include <string.h>

struct noise {
    double count, mean, second; /* standard deviations; second: on a diagonal entry */
};

/* The released moments of a component. */
struct moments {
    double count;               /* floored */
    const double *sum, *second; /* second: NULL where the first component has it for all */
};

static struct noise released_noise(const struct dpm_gmm_work *work)
{
    const struct dpm_gmm_plan *plan = &work->plan;
    double noise = work->noise[DPM_GMM_MOMENTS], clip = work->component_clip;
    return (struct noise){noise / plan->count_weight, noise * clip / plan->mean_weight,
                          noise * clip * clip / plan->second_weight};
}

static int is_tied(const struct dpm_gmm_work *work)
{
    return work->plan.covariance == DPMIX_GMM_COVARIANCE_TIED;
}

static struct moments released_moments(const struct dpm_gmm_work *work, size_t group, size_t j)
{
    const struct dpm_gmm_plan *plan = &work->plan;
    size_t dims = work->view->dims, k = plan->most_components, width = plan->most_dims;
    const double *all = work->released + group * dpm_query_size(&plan->query[DPM_GMM_MOMENTS]);
    const double *sum = all + j * (width + 1), *second = all + k * (width + 1);
    int diagonal = plan->covariance == DPMIX_GMM_COVARIANCE_DIAGONAL;
    double count = sum[dims] / plan->count_weight;
    second += (diagonal ? j : j * dims) * width;
    return (struct moments){
        .count = dpm_density_denominator(count, released_noise(work).count),
        .sum = sum,
        .second = is_tied(work) && j > 0 ? NULL : second,
    };
}

/* Mean of the residuals about the centre. */
static double residual_mean(const struct dpm_gmm_work *work, const struct moments *moments, size_t l)
{
    return moments->sum[l] * work->component_clip / (work->plan.mean_weight * moments->count);
}

/* The share of the way from the centre to the released mean that is gone. */
static double kept_move(const struct dpm_gmm_work *work, const struct moments *moments)
{
    size_t dims = work->view->dims;
    double noise = released_noise(work).mean / moments->count, distance = 0;
    for (size_t l = 0; l < dims; l++)
        distance += pow(residual_mean(work, moments, l), 2);
    return dpm_density_kept((double)dims * noise * noise, distance);
}

/* Adds count times the covariance about the component's mean to `out`. */
static void add_scatter(const struct dpm_gmm_work *work, size_t group, size_t j, double *out)
{
    size_t dims = work->view->dims, width = work->plan.most_dims;
    struct moments moments = released_moments(work, group, j);
    double keep = kept_move(work, &moments), lost = moments.count * keep * (2 - keep);
    double unit = pow(work->component_clip, 2) / work->plan.second_weight;
    int diagonal = work->plan.covariance == DPMIX_GMM_COVARIANCE_DIAGONAL;
    for (size_t a = 0; a < dims; a++)
        for (size_t b = diagonal ? a : 0; b < (diagonal ? a + 1 : dims); b++) {
            double second = 0;
            if (moments.second)
                second = diagonal ? moments.second[a]
                                  : (moments.second[a * width + b] + moments.second[b * width + a]) / 2;
            double mean_a = residual_mean(work, &moments, a);
            double mean_b = residual_mean(work, &moments, b);
            second *= unit;
            out[a * dims + b] += second - lost * mean_a * mean_b;
        }
}

/* Means, and the counts of the components, into the density and the work. */
static void set_means(struct dpm_gmm_work *work, float *means)
{
    size_t dims = work->view->dims;
    for (size_t group = 0; group < work->n_groups; group++)
        for (size_t j = 0; j < work->n_centres[group]; j++) {
            struct moments moments = released_moments(work, group, j);
            const float *centre = dpm_gmm_centre(work, group, j);
            double keep = kept_move(work, &moments);
            float *mean = means + (work->view->first[group] + j) * dims;
            for (size_t l = 0; l < dims; l++)
                mean[l] = centre[l] + (float)(keep * residual_mean(work, &moments, l));
            work->component_counts[work->view->first[group] + j] =
                fmax(moments.sum[dims] / work->plan.count_weight, 0);
        }
}

/* Weights of a part's components: the group's count, from the first query, shared out by the components'. */
static void set_weights(struct dpm_gmm_work *work)
{
    struct dpm_gmm_view *view = work->view;
    for (size_t part = 0; part < work->n_groups; part += work->classes) {
        double sum = 0;
        for (size_t group = part; group < part + work->classes; group++) {
            double own = 0, count = fmax(work->counts[group], 0);
            size_t k = work->n_centres[group], first = view->first[group];
            for (size_t j = 0; j < k; j++)
                own += work->component_counts[first + j];
            for (size_t j = first; j < first + k; j++) {
                double share = own > 0 ? work->component_counts[j] / own : 1 / (double)k;
                view->weights[j] = count * share;
                work->log_weights[j] = log(share);
            }
            sum += count;
        }
        size_t first = view->first[part], end = view->first[part + work->classes];
        for (size_t j = first; j < end; j++)
            view->weights[j] = sum > 0 ? view->weights[j] / sum : 1 / (double)(end - first);
    }
}

/* The covariance within the components of all groups: from the moments, and from the pooled second moment
 * less what lies between the components, as far as the clip of that moment left it there; each by its
 * precision. */
static void set_target(struct dpm_gmm_work *work, const float *means)
{
    size_t dims = work->view->dims, n = is_tied(work) ? work->n_groups : work->view->density.n;
    double second = released_noise(work).second * sqrt((double)n) / work->total, rows = 0;
    double pooled = work->pooled_noise, limit = pow(work->residual_clip, 2), *target = work->target;
    double trust = pooled * pooled / (pooled * pooled + second * second);
    memset(work->group, 0, dims * dims * sizeof *work->group);
    memset(target, 0, dims * dims * sizeof *target);
    for (size_t group = 0; group < work->n_groups; group++)
        for (size_t j = 0; j < work->n_centres[group]; j++) {
            size_t component = work->view->first[group] + j;
            double share = work->component_counts[component], square = 0;
            const float *mean = means + component * dims;
            rows += share;
            for (size_t a = 0; a < dims; a++)
                square += (double)mean[a] * (double)mean[a];
            if (square > limit)
                share *= limit / square;
            for (size_t a = 0; a < dims; a++)
                for (size_t b = 0; b < dims; b++)
                    target[a * dims + b] -= share * (double)mean[a] * (double)mean[b];
            add_scatter(work, group, j, work->group);
        }
    rows = fmax(rows, work->total / 2);
    for (size_t a = 0; a < dims; a++)
        for (size_t b = 0; b < dims; b++) {
            double between = target[a * dims + b] / rows + (a == b ? work->values[a] : 0);
            target[a * dims + b] = (1 - trust) * between + trust * work->group[a * dims + b] / rows;
        }
    if (work->plan.covariance == DPMIX_GMM_COVARIANCE_DIAGONAL)
        dpm_density_make_diagonal(target, dims);
}

/* Draws a released covariance toward another. count: of the rows in it; n: components. */
static double shrink(const struct dpm_gmm_work *work, double *matrix, const double *target, double count,
                     size_t n)
{
    size_t dims = work->view->dims;
    double noise = released_noise(work).second / count, entries = (double)(dims * (dims + 1)) / 2;
    if (work->plan.covariance == DPMIX_GMM_COVARIANCE_DIAGONAL)
        entries = (double)dims;
    for (size_t i = 0; i < dims * dims; i++)
        matrix[i] /= count;
    return dpm_density_shrink(matrix, target, dims, noise * noise * entries * (double)n,
                              count / (count + work->plan.prior_rows));
}

/* work->matrix into component j: the edge of the noise that is left in it is for the low rank. */
static int finish_component(struct dpm_gmm_work *work, size_t component, const float *mean, double edge)
{
    size_t dims = work->view->dims;
    double *values = work->scratch, *centre = values + dims;
    int status = DPMIX_OK;
    if (work->plan.covariance == DPMIX_GMM_COVARIANCE_FACTORS)
        status = dpm_density_make_factors(work->matrix, dims, edge, work->eigen, work->scratch);
    if (!status)
        status = dpm_eigen_largest(work->eigen, values, work->vectors, work->matrix, dims, dims);
    if (status)
        return status;
    for (size_t l = 0; l < dims; l++)
        centre[l] = (double)mean[l];
    dpm_density_set(&work->view->density, component, centre, values, work->vectors);
    return DPMIX_OK;
}

static int set_group(struct dpm_gmm_work *work, size_t group, const float *means)
{
    size_t dims = work->view->dims, k = work->n_centres[group], size = dims * dims * sizeof(double);
    int tied = is_tied(work), status = DPMIX_OK;
    double noise = released_noise(work).second, rows = 0;
    memset(work->group, 0, size);
    for (size_t j = 0; !tied && j < k; j++) {
        add_scatter(work, group, j, work->group);
        rows += released_moments(work, group, j).count;
    }
    if (tied || k == 1)
        memcpy(work->group, work->target, size); /* of a single component the group's is the component's */
    else
        shrink(work, work->group, work->target, rows, k);
    for (size_t j = 0; !status && j < k; j++) {
        double edge = 0;
        memset(work->matrix, 0, size);
        if (tied) {
            memcpy(work->matrix, work->group, size);
        } else {
            double count = released_moments(work, group, j).count;
            add_scatter(work, group, j, work->matrix);
            edge = shrink(work, work->matrix, work->group, count, 1) * 2 * sqrt((double)dims / 2) * noise /
                   count;
        }
        size_t component = work->view->first[group] + j;
        status = finish_component(work, component, means + component * dims, edge);
    }
    return status;
}

int dpm_gmm_set_components(struct dpm_gmm_work *work)
{
    float *means = work->next_means; /* moments may be about the means that these replace */
    int status = DPMIX_OK;
    set_means(work, means);
    set_weights(work);
    set_target(work, means);
    for (size_t group = 0; !status && group < work->n_groups; group++)
        status = set_group(work, group, means);
    return status;
}
