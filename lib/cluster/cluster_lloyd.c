/* SPDX-License-Identifier: BSD-3-Clause */
/* From released sums to centres. */
#include "cluster_lloyd.h"
#include "linalg_mat.h"

#include <math.h>
#include <string.h>

/* A count below this many standard deviations of its noise is weak: its cluster may be empty. */
static const double weak_deviations = 4;

/* How far first centres lie from the mean, and the halves of a split cluster from its centre, in distances of
 * a typical row from the mean. Results hardly depend on them. */
static const double start_radius = 0.5, split_radius = 0.2;

/* Deviation of the noise on the count of a cluster. */
static double count_noise(const struct dpm_lloyd *lloyd, int query)
{
    return dpm_query_noise(dpm_lloyd_plan(lloyd, query)) / (double)lloyd->count_weight;
}

static double weak_count(const struct dpm_lloyd *lloyd, int query)
{
    return fmax(1, weak_deviations * count_noise(lloyd, query));
}

double dpm_lloyd_edge(const struct dpm_lloyd *lloyd, int bin)
{
    return sqrt((double)lloyd->centres->n_columns) * exp2(-bin / 4.0);
}

int32_t dpm_lloyd_bin(const struct dpm_lloyd *lloyd, double scale)
{
    double bin = 4 * log2(dpm_lloyd_edge(lloyd, 0) * scale);
    return (int32_t)fmin(fmax(bin, 0), DPM_LLOYD_BINS - 1);
}

/* A uniformly random direction in feature space. */
static void draw_direction(struct dpm_lloyd *lloyd, struct dpm_stream *stream)
{
    size_t d = lloyd->centres->n_features;
    dpm_stream_normals(stream, lloyd->direction, d);
    float length = (float)sqrt(dpm_mat_square(lloyd->direction, d));
    for (size_t i = 0; i < d; i++)
        lloyd->direction[i] = length > 0 ? lloyd->direction[i] / length : 0;
}

/* The plain mean, sum / count, would throw the centre of a small cluster far away, where no row finds it. So
 *
 *  - the count is floored at a public constant, and the rows short of it are taken to lie at the old centre;
 *  - the move v is shrunk by the positive-part rule of James and Stein (1961),
 *    max(0, 1 - E|noise|^2 / |v|^2): a move that is all noise is not made, and noise does not add up;
 *  - the centre is projected to the unit ball, which holds every mean of features. */
void dpm_lloyd_move(struct dpm_lloyd *lloyd, size_t j, int query)
{
    size_t d = lloyd->centres->n_features;
    float *centre = lloyd->centres->centres + j * d;
    const double *sum = lloyd->sums + j * (d + 1);
    double noise = dpm_query_noise(dpm_lloyd_plan(lloyd, query));
    double noise_of_count = count_noise(lloyd, query);
    double count = sum[d] / (double)lloyd->count_weight;
    double floored = fmax(count, weak_count(lloyd, query));
    double move = 0; /* |v|^2, and what noise alone would give; both times floored^2 */
    double expected = noise * noise * (double)d + noise_of_count * noise_of_count * dpm_mat_square(centre, d);
    for (size_t i = 0; i < d; i++) {
        double v = sum[i] - count * (double)centre[i];
        move += v * v;
    }
    double shrink = move > expected ? 1 - expected / move : 0;
    for (size_t i = 0; i < d; i++)
        centre[i] += (float)(shrink * (sum[i] - count * (double)centre[i]) / floored);
    double length = fmax(1, sqrt(dpm_mat_square(centre, d)));
    for (size_t i = 0; i < d; i++)
        centre[i] = (float)((double)centre[i] / length);
    lloyd->counts[j] = count;
}

void dpm_lloyd_surround(struct dpm_lloyd *lloyd, size_t n)
{
    struct dpm_centres *centres = lloyd->centres;
    size_t d = centres->n_features;
    struct dpm_stream stream;
    dpm_stream_open(&stream, lloyd->key, DPM_STREAM_MODEL, 0, 0);
    float radius = (float)(start_radius * lloyd->spread);
    centres->n_centres = n;
    for (size_t j = n; j-- > 0;) { /* the mean is at 0, so that one is last */
        draw_direction(lloyd, &stream);
        for (size_t i = 0; i < d; i++)
            centres->centres[j * d + i] = centres->centres[i] + radius * lloyd->direction[i];
        dpm_centres_set_offset(centres, j);
    }
}

/* Puts centre j beside centre b, at opposite sides of where b was. */
static void split(struct dpm_lloyd *lloyd, size_t j, size_t b, struct dpm_stream *stream)
{
    size_t d = lloyd->centres->n_features;
    float *one = lloyd->centres->centres + j * d, *other = lloyd->centres->centres + b * d;
    float radius = (float)(split_radius * lloyd->spread);
    draw_direction(lloyd, stream);
    for (size_t i = 0; i < d; i++) {
        one[i] = other[i] + radius * lloyd->direction[i];
        other[i] -= radius * lloyd->direction[i];
    }
    lloyd->counts[b] /= 2;
    lloyd->counts[j] = lloyd->counts[b];
}

/* The weakest first gets half of the one with the largest sum of squares, as long as that one has the rows
 * for two. Where |f| = 1 the sum of squares is N (1 - |centre|^2); for columns it is not known, and the rows
 * are counted. */
void dpm_lloyd_reseed(struct dpm_lloyd *lloyd, uint64_t step)
{
    struct dpm_centres *centres = lloyd->centres;
    size_t k = centres->n_centres, d = centres->n_features;
    int columns = dpm_centres_are_columns(centres);
    double floor = weak_count(lloyd, DPM_LLOYD_MOVE);
    struct dpm_stream stream;
    dpm_stream_open(&stream, lloyd->key, DPM_STREAM_MODEL, step, 0);
    for (size_t done = 0; done < k; done++) {
        size_t weak = 0, wide = 0;
        double widest = -INFINITY;
        for (size_t j = 0; j < k; j++) {
            double squares = columns ? 1 : 1 - dpm_mat_square(centres->centres + j * d, d);
            squares *= lloyd->counts[j];
            weak = lloyd->counts[j] < lloyd->counts[weak] ? j : weak;
            wide = squares > widest ? j : wide;
            widest = fmax(widest, squares);
        }
        if (lloyd->counts[weak] >= floor || lloyd->counts[wide] < 2 * floor)
            break;
        split(lloyd, weak, wide, &stream);
    }
}

/* ---- Joining, by Ward's method (1963) on the released numbers ---- */

/* What the sum of squares grows by when clusters a and b are joined. */
static void set_join_cost(struct dpm_lloyd *lloyd, size_t a, size_t b)
{
    size_t d = lloyd->centres->n_features;
    const float *one = lloyd->centres->centres + a * d, *other = lloyd->centres->centres + b * d;
    double distance = 0;
    for (size_t i = 0; i < d; i++)
        distance += ((double)one[i] - (double)other[i]) * ((double)one[i] - (double)other[i]);
    double cost = distance * lloyd->counts[a] * lloyd->counts[b] / (lloyd->counts[a] + lloyd->counts[b]);
    lloyd->costs[a * lloyd->n_start + b] = cost;
    lloyd->costs[b * lloyd->n_start + a] = cost;
}

static void set_join_costs(struct dpm_lloyd *lloyd, size_t a, size_t n)
{
    for (size_t b = 0; b < n; b++)
        if (b != a)
            set_join_cost(lloyd, a, b);
}

/* Joins the cheapest pair of n clusters at the lower of their places; the last one takes the other place. */
static void join_pair(struct dpm_lloyd *lloyd, size_t n)
{
    size_t d = lloyd->centres->n_features, first = 0, second = 1;
    float *centres = lloyd->centres->centres;
    double least = INFINITY;
    for (size_t a = 0; a < n; a++) {
        for (size_t b = a + 1; b < n; b++) {
            double cost = lloyd->costs[a * lloyd->n_start + b];
            first = cost < least ? a : first;
            second = cost < least ? b : second;
            least = fmin(cost, least);
        }
    }
    double both = lloyd->counts[first] + lloyd->counts[second], share = lloyd->counts[second] / both;
    for (size_t i = 0; i < d; i++)
        centres[first * d + i] += (float)(share * (double)(centres[second * d + i] - centres[first * d + i]));
    memmove(centres + second * d, centres + (n - 1) * d, d * sizeof *centres);
    lloyd->counts[first] = both;
    lloyd->counts[second] = lloyd->counts[n - 1];
    set_join_costs(lloyd, first, n - 1);
    if (second < n - 1)
        set_join_costs(lloyd, second, n - 1);
}

void dpm_lloyd_join(struct dpm_lloyd *lloyd)
{
    size_t n = lloyd->centres->n_centres;
    double least = count_noise(lloyd, DPM_LLOYD_MOVE);
    for (size_t j = 0; j < n; j++)
        lloyd->counts[j] = fmax(lloyd->counts[j], least);
    for (size_t j = 1; j < n; j++)
        set_join_costs(lloyd, j, j);
    for (; n > lloyd->n_parts; n--)
        join_pair(lloyd, n);
    lloyd->centres->n_centres = n;
}
