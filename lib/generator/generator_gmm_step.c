/* SPDX-License-Identifier: BSD-3-Clause */
/* From released sums to the group means, the subspace and the centres: post-processing of noisy numbers, with
 * the known size of their noise taken out where it can be. */
#include "base_alloc.h"
#include "generator_gmm_fit.h"

#include <math.h>
#include <string.h>

/* A count below this many standard deviations of its noise is weak: the component may be empty. */
static const double weak_count = 4;

/* Clips over the root mean square of what they clip, at least: found on images, whose many dimensions give
 * all rows about the same length. */
static const double residual_reach = 1.2, component_reach = 1.3;

/* In few dimensions lengths scatter: the squares of normal rows by sqrt(2 / dims) of their mean. A clip so
 * many such deviations above it takes a few per cent of the variance. */
static const double reach_deviations = 2.35;

/* Of all variance, what is taken to lie within the components at least. */
static const double least_within = 1.0 / 16;

/* How far the halves of a split component lie from its centre, in standard deviations of the data. */
static const float split_radius = 0.3f;

int dpm_gmm_work_new(struct dpm_gmm_work *work, struct dpm_gmm_view *view, const struct dpm_gmm_plan *plan,
                     size_t n_groups)
{
    size_t d = work->map.dims, dims = plan->most_dims, k = plan->most_start, most = 0;
    work->plan = *plan;
    work->view = view;
    work->n_groups = n_groups;
    for (int i = 0; i < DPM_GMM_QUERIES; i++) {
        size_t size = plan->query[i].steps ? dpm_query_size(&plan->query[i]) : 0;
        size *= plan->query[i].per_part ? n_groups : 1;
        most = size > most ? size : most;
    }
    work->group_means = dpm_alloc(n_groups, d * sizeof(float));
    work->offsets = dpm_alloc(n_groups, dims * sizeof(float));
    work->n_centres = dpm_alloc(n_groups, sizeof(size_t));
    work->centres = dpm_alloc(n_groups * k, dims * sizeof(float));
    work->log_weights = dpm_alloc(n_groups * k, sizeof(double));
    work->released = dpm_alloc(most, sizeof(double));
    work->counts = dpm_alloc(n_groups, sizeof(double));
    work->component_counts = dpm_alloc(n_groups * k, sizeof(double));
    work->values = dpm_alloc(d, sizeof(double));
    work->matrix = dpm_alloc(d, d * sizeof(double));
    work->target = dpm_alloc(dims, dims * sizeof(double));
    work->group = dpm_alloc(dims, dims * sizeof(double));
    work->vectors = dpm_alloc(dims, d * sizeof(double));
    work->scratch = dpm_alloc(dims + 1, (2 * dims + 1) * sizeof(double));
    work->single = dpm_alloc(dims, d * sizeof(float));
    work->next_means = dpm_alloc(n_groups * k, dims * sizeof(float));
    int complete = work->group_means && work->offsets && work->n_centres && work->centres &&
                   work->log_weights && work->released && work->counts && work->component_counts &&
                   work->values && work->matrix && work->target && work->group && work->vectors &&
                   work->scratch && work->single && work->next_means;
    return complete ? dpm_eigen_new(&work->eigen, d) : DPMIX_ERR_NOMEM;
}

void dpm_gmm_work_free(struct dpm_gmm_work *work)
{
    dpm_gmm_map_free(&work->map);
    dpm_free(work->group_means);
    dpm_free(work->offsets);
    dpm_free(work->n_centres);
    dpm_free(work->centres);
    dpm_free(work->log_weights);
    dpm_free(work->released);
    dpm_free(work->counts);
    dpm_free(work->component_counts);
    dpm_free(work->values);
    dpm_free(work->matrix);
    dpm_free(work->target);
    dpm_free(work->group);
    dpm_free(work->vectors);
    dpm_free(work->scratch);
    dpm_free(work->single);
    dpm_free(work->next_means);
    dpm_eigen_free(work->eigen);
    *work = (struct dpm_gmm_work){0};
}

/* Components of each group, and the centres that it starts with. */
static void set_numbers(struct dpm_gmm_work *work)
{
    const struct dpm_gmm_plan *plan = &work->plan;
    work->view->first[0] = 0;
    for (size_t group = 0; group < work->n_groups; group++) {
        size_t k = plan->has_moves ? dpm_gmm_plan_components(plan, work->counts[group]) : 1;
        work->view->first[group + 1] = work->view->first[group] + k;
        work->n_centres[group] = dpm_gmm_plan_start(plan, work->counts[group], k);
    }
    work->view->density.n = work->view->first[work->n_groups];
}

static double reach(double least, size_t dims)
{
    return fmax(least, sqrt(1 + reach_deviations * sqrt(2 / (double)dims)));
}

/* The rows' mean square about the group means, by what the first query released of their squares. */
static void set_residual_clip(struct dpm_gmm_work *work)
{
    size_t d = work->map.dims;
    double weight = work->plan.energy_weight * work->total, square = 0,
           origin = (double)dpm_gmm_origin(&work->map);
    double noise = work->noise[DPM_GMM_SUMS] / weight * sqrt((double)work->n_groups);
    for (size_t group = 0; group < work->n_groups; group++) {
        double count = fmax(work->counts[group], 0) / work->total;
        square += work->released[group * (d + 2) + d + 1] / weight;
        for (size_t j = 0; j < d; j++)
            square -= count * pow((double)work->group_means[group * d + j] - origin, 2);
    }
    work->residual_clip = dpm_gmm_plan_clip(&work->plan, reach(residual_reach, d), square, noise);
}

/* Group means, drawn toward the mean of all rows as far as their noise asks. */
void dpm_gmm_set_means(struct dpm_gmm_work *work)
{
    size_t d = work->map.dims, n_groups = work->n_groups;
    double noise = work->noise[DPM_GMM_SUMS], *overall = work->values;
    double count_noise = noise / work->plan.sums_weight, origin = (double)dpm_gmm_origin(&work->map),
           rows = 0;
    memset(overall, 0, d * sizeof *overall);
    for (size_t group = 0; group < n_groups; group++) {
        const double *sums = work->released + group * (d + 2);
        work->counts[group] = sums[d] / work->plan.sums_weight;
        rows += work->counts[group];
        for (size_t j = 0; j < d; j++)
            overall[j] += sums[j];
    }
    work->total = dpm_density_denominator(rows, count_noise * sqrt((double)n_groups));
    for (size_t group = 0; group < n_groups; group++) {
        const double *sums = work->released + group * (d + 2);
        double count = dpm_density_denominator(work->counts[group], count_noise), distance = 0;
        for (size_t j = 0; j < d; j++)
            distance += pow(sums[j] / count - overall[j] / work->total, 2);
        double keep = n_groups == 1 ? 1 : dpm_density_kept((double)d * pow(noise / count, 2), distance);
        for (size_t j = 0; j < d; j++) {
            double mean = overall[j] / work->total;
            mean += origin + keep * (sums[j] / count - mean);
            if (!work->map.dct.matrix) /* where means of columns lie */
                mean = fmin(fmax(mean, 0), 1);
            work->group_means[group * d + j] = (float)mean;
        }
    }
    dpm_gmm_map_back(&work->map, work->view->means, work->group_means, n_groups);
    set_residual_clip(work);
    set_numbers(work);
}

/* Variance in each direction beside the subspace, from the sum of all variances. `known` is the part of the
 * `n_known` directions that stand out of the noise. The subspace's others were chosen by the noise, and have
 * no more than those beside it. What the noise hides counts as a deviation of it, but a row's residual is no
 * longer than its clip: with next to no variance a density would be next to nothing everywhere. */
static void set_rest(struct dpm_gmm_work *work, double sum, double known, size_t n_known)
{
    double hidden = work->pooled_noise * sqrt((double)work->map.dims), most = pow(work->residual_clip, 2);
    double all = fmin(fmax(sum - known, hidden), most);
    work->view->rest = fmax(all / (double)(work->map.n_columns - n_known), DPM_DENSITY_LEAST);
}

/* The leading eigenvectors of the pooled second moment of residuals. Noise alone has eigenvalues up to the
 * edge of its semicircle, so only those above it count. */
int dpm_gmm_set_subspace(struct dpm_gmm_work *work)
{
    struct dpm_gmm_view *view = work->view;
    size_t d = work->map.dims, dims = dpm_gmm_plan_dims(&work->plan, work->total), n_known = 0;
    double *values = work->values, trace = 0, known = 0;
    double unit = pow(work->residual_clip, 2) / work->total;
    work->pooled_noise = work->noise[DPM_GMM_POOLED] * unit;
    double edge = 2 * sqrt((double)d / 2) * work->pooled_noise;
    for (size_t i = 0; i < d * d; i++)
        work->matrix[i] = work->released[i] * unit;
    dpm_density_symmetrise(work->matrix, d);
    for (size_t i = 0; i < d; i++)
        trace += work->matrix[i * d + i];
    int status = dpm_eigen_largest(work->eigen, values, work->vectors, work->matrix, d, dims);
    if (status)
        return status;
    while (!work->plan.fixed_dims && dims > work->plan.least_dims && values[dims - 1] <= edge)
        dims--;
    for (size_t i = 0; i < dims; i++) {
        int stands_out = values[i] > edge;
        values[i] = dpm_density_unpush(values[i], edge);
        known += stands_out ? values[i] : 0;
        n_known += (size_t)stands_out;
    }
    view->dims = view->density.dims = dims;
    if (work->map.dct.matrix)
        trace += work->released[d * d] * unit;
    view->rest = DPM_DENSITY_LEAST;
    if (dims < work->map.n_columns)
        set_rest(work, trace, known, n_known);
    for (size_t i = 0; i < dims * d; i++)
        work->single[i] = (float)work->vectors[i];
    dpm_gmm_map_back(&work->map, view->directions, work->single, dims);
    for (size_t group = 0; group < work->n_groups; group++)
        for (size_t i = 0; i < dims; i++) {
            double sum = 0;
            for (size_t j = 0; j < d; j++)
                sum += work->vectors[i * d + j] * (double)work->group_means[group * d + j];
            work->offsets[group * dims + i] = (float)sum;
        }
    return DPMIX_OK;
}

/* ---- Centres ---- */

static float *group_centres(struct dpm_gmm_work *work, size_t group)
{
    return work->centres + group * work->plan.most_start * work->plan.most_dims;
}

/* A random vector with the released covariance of the residuals. */
static void draw_residual(const struct dpm_gmm_work *work, float *out, struct dpm_stream *stream)
{
    dpm_stream_normals(stream, out, work->view->dims);
    for (size_t l = 0; l < work->view->dims; l++)
        out[l] *= (float)sqrt(work->values[l]);
}

/* The variance that is left within the components, as far as the centres' counts tell. The pooled second
 * moment is of clipped rows: those of a centre beyond the clip have all of its square, and tell nothing. */
void dpm_gmm_set_component_clip(struct dpm_gmm_work *work)
{
    size_t dims = work->view->dims, k = work->plan.most_start;
    double all = 0, between = 0, rows = 0, inside = 0, limit = pow(work->residual_clip, 2);
    for (size_t l = 0; l < dims; l++)
        all += work->values[l];
    for (size_t group = 0; work->plan.has_moves && group < work->n_groups; group++)
        for (size_t j = 0; j < work->n_centres[group]; j++) {
            const float *centre = dpm_gmm_centre(work, group, j);
            double count = fmax(work->component_counts[group * k + j], 0), square = 0;
            for (size_t l = 0; l < dims; l++)
                square += (double)centre[l] * (double)centre[l];
            between += count * fmin(square, limit);
            inside += square < limit ? count : 0;
            rows += count;
        }
    double within = inside > 0 ? fmax((all * rows - between) / inside, least_within * all) : all;
    double noise = work->pooled_noise * sqrt((double)dims);
    work->component_clip = dpm_gmm_plan_clip(&work->plan, reach(component_reach, dims), within, noise);
    work->component_clip = fmin(work->component_clip, work->residual_clip);
}

/* No centre is known to be better than one at random; a single one lies at the mean. */
void dpm_gmm_set_start(struct dpm_gmm_work *work)
{
    size_t dims = work->view->dims;
    for (size_t group = 0; group < work->n_groups; group++) {
        struct dpm_stream stream;
        dpm_stream_open(&stream, work->key, DPM_STREAM_MODEL, 0, group);
        for (size_t j = 0; work->n_centres[group] > 1 && j < work->n_centres[group]; j++)
            draw_residual(work, group_centres(work, group) + j * dims, &stream);
        dpm_stream_wipe(&stream);
    }
    work->component_clip = work->residual_clip;
}

/* Moves a centre by the mean of its rows' clipped residuals: the count is floored at a public constant, and
 * the move is shrunk by what noise alone would give, so that noise does not add up. */
static void move_centre(struct dpm_gmm_work *work, float *centre, double *count, const double *sum)
{
    size_t dims = work->view->dims;
    double noise = work->noise[DPM_GMM_MOVES], unit = work->component_clip;
    double count_noise = noise / work->plan.moves_weight, move = 0, square = 0;
    *count = sum[dims] / work->plan.moves_weight;
    double floored = fmax(*count, fmax(1, weak_count * count_noise));
    for (size_t l = 0; l < dims; l++)
        move += pow(sum[l], 2);
    double keep = dpm_density_kept(noise * noise * (double)dims, move);
    for (size_t l = 0; l < dims; l++) {
        centre[l] += (float)(keep * unit * sum[l] / floored);
        square += (double)centre[l] * (double)centre[l];
    }
    double shrink = fmin(1, 2 * work->plan.row_clip / sqrt(fmax(square, 1e-30)));
    for (size_t l = 0; l < dims; l++)
        centre[l] = (float)((double)centre[l] * shrink);
}

/* Every weak component, the weakest first, is put beside the strongest as long as that has rows for two. */
static void reseed(struct dpm_gmm_work *work, size_t group, uint64_t step)
{
    size_t dims = work->view->dims, k = work->n_centres[group];
    float *centres = group_centres(work, group);
    double *counts = work->component_counts + group * work->plan.most_start;
    double floor = weak_count * work->noise[DPM_GMM_MOVES] / work->plan.moves_weight;
    struct dpm_stream stream;
    dpm_stream_open(&stream, work->key, DPM_STREAM_MODEL, step + 1, group);
    for (size_t done = 0; done < k; done++) {
        size_t weak = 0, strong = 0;
        for (size_t j = 0; j < k; j++) {
            weak = counts[j] < counts[weak] ? j : weak;
            strong = counts[j] > counts[strong] ? j : strong;
        }
        if (counts[weak] >= floor || counts[strong] < 2 * floor)
            break;
        draw_residual(work, work->single, &stream);
        for (size_t l = 0; l < dims; l++) {
            centres[weak * dims + l] = centres[strong * dims + l] + split_radius * work->single[l];
            centres[strong * dims + l] -= split_radius * work->single[l];
        }
        counts[weak] = counts[strong] /= 2;
    }
    dpm_stream_wipe(&stream);
}

/* What the sum of squares grows by when components a and b are joined (Ward 1963). */
static double join_cost(const float *centres, const double *counts, size_t dims, size_t a, size_t b)
{
    double distance = 0;
    for (size_t l = 0; l < dims; l++)
        distance += pow((double)centres[a * dims + l] - (double)centres[b * dims + l], 2);
    return distance * counts[a] * counts[b] / (counts[a] + counts[b]);
}

/* Joins the cheapest pairs until as many centres are left as the group has components. */
static void join(struct dpm_gmm_work *work, size_t group)
{
    size_t dims = work->view->dims, k = work->view->first[group + 1] - work->view->first[group];
    float *centres = group_centres(work, group);
    double *counts = work->component_counts + group * work->plan.most_start;
    double least = work->noise[DPM_GMM_MOVES] / work->plan.moves_weight;
    for (size_t j = 0; j < work->n_centres[group]; j++)
        counts[j] = fmax(counts[j], least);
    for (size_t n = work->n_centres[group]; n > k; n--) {
        size_t first = 0, second = 1;
        double cheapest = INFINITY;
        for (size_t a = 0; a < n; a++)
            for (size_t b = a + 1; b < n; b++) {
                double cost = join_cost(centres, counts, dims, a, b);
                first = cost < cheapest ? a : first;
                second = cost < cheapest ? b : second;
                cheapest = fmin(cost, cheapest);
            }
        double both = counts[first] + counts[second], share = counts[second] / both;
        for (size_t l = 0; l < dims; l++)
            centres[first * dims + l] +=
                (float)(share * (double)(centres[second * dims + l] - centres[first * dims + l]));
        memmove(centres + second * dims, centres + (n - 1) * dims, dims * sizeof *centres);
        counts[first] = both;
        counts[second] = counts[n - 1];
    }
    work->n_centres[group] = k;
}

/* No component is skipped, whatever its count. Components that were asked for are taken to lie apart: then a
 * clip of their own size brings the noise down, and leaves centres far from the mean where they are. Where
 * the components merely cover the rows, the wide clip does better (on images). */
void dpm_gmm_set_centres(struct dpm_gmm_work *work, uint64_t step)
{
    size_t k = work->plan.most_start, width = work->plan.most_dims + 1;
    for (size_t group = 0; group < work->n_groups; group++) {
        float *centres = group_centres(work, group);
        double *counts = work->component_counts + group * k;
        for (size_t j = 0; j < work->n_centres[group]; j++)
            move_centre(work, centres + j * work->view->dims, &counts[j],
                        work->released + (group * k + j) * width);
        int over = work->n_centres[group] > work->view->first[group + 1] - work->view->first[group];
        if (over && step + 1 == (work->plan.steps + 1) / 2)
            join(work, group);
        else if (step + 1 < work->plan.steps)
            reseed(work, group, step);
    }
    if (work->plan.fixed_components)
        dpm_gmm_set_component_clip(work);
}
