/* SPDX-License-Identifier: BSD-3-Clause */
#include "account_scout.h"
#include "account_contour.h"
#include "base_alloc.h"

#include <dpmix/status.h>

#include <math.h>

#define LEVELS 4.0 /* levels a factor of 2 */
#define SPARE 30.0 /* exp(-SPARE) of the delta is what the grid's other ends may add */

#define LOWEST 60.0 /* no delta below exp(-LOWEST) is of interest */
#define RARE 34.0   /* and exp(-RARE) of it, losses that are dropped */
#define TAIL 20.0   /* and exp(-TAIL) what its upper end may */

enum { MOST_NODES = 4096 };

static void add(struct dpm_scout *scout, double loss, double mass, double whole)
{
    if (scout->n == scout->capacity || !(mass > 1e-30))
        return;
    scout->loss[scout->n] = loss;
    scout->mass[scout->n] = mass;
    scout->whole[scout->n++] = whole;
}

static void add_atoms(struct dpm_scout *scout, const struct dpm_law *law, int direction)
{
    double e = 1.0 / law->noise, a = exp(-e), q = law->rate;
    if (law->shape == DPM_SHAPE_STEPS) {
        add(scout, 2.0 * e, 1.0 / (1.0 + a), 1.0);
        add(scout, 0.0, (1.0 - a) * a / (1.0 + a), 1.0);
        add(scout, -2.0 * e, a * a / (1.0 + a), 1.0);
    } else if (law->shape == DPM_SHAPE_RESPONSE) {
        add(scout, e, 1.0 / (1.0 + a), 1.0);
        add(scout, -e, a / (1.0 + a), 1.0);
    } else if (law->shape == DPM_SHAPE_LAPLACE) {
        int remove = direction == DPM_LOSS_REMOVE;
        double up = log1p(q * expm1(e)), down = log1p(q * expm1(-e));
        add(scout, remove ? down : -down, 0.5 * (remove ? exp(down) : 1.0), 1.0);
        add(scout, remove ? up : -up, 0.5 * a * (remove ? exp(up) : 1.0), 1.0);
    }
}

static void add_law(struct dpm_scout *scout, const struct dpm_law *law, int direction)
{
    double sign, from, to, log_weight[DPM_LOSS_MAX_GROUP + 1];
    add_atoms(scout, law, direction);
    if (law->shape == DPM_SHAPE_STEPS || law->shape == DPM_SHAPE_RESPONSE)
        return;
    dpm_account_grid_ends(law, direction, &sign, &from, &to);
    if (law->group > 1)
        dpm_account_loss_weights(log_weight, law);
    double step = fmax(0.12 * fmin(1.0, law->noise), (to - from) / MOST_NODES);
    if (law->shape == DPM_SHAPE_LAPLACE)
        step = 0.02;
    for (double v = from + 0.5 * step; v < to; v += step) {
        struct dpm_loss_spot spot = dpm_account_loss_spot(law, direction, log_weight, sign * v);
        add(scout, spot.loss, exp(spot.log_p) * step, law->shape == DPM_SHAPE_LAPLACE ? 0.5 : 0.0);
    }
}

static double runs_of(const struct dpm_scout *scout, size_t i)
{
    return i < scout->laws->n ? scout->laws->law[i].count : 1.0;
}

/* The size a of which the sum of min(l^2, a^2) over all runs is a^2: about what losses add up to, unless
 * one of them is rare and large. */
static double find_scale(const struct dpm_scout *scout)
{
    double low = -100.0, high = 60.0, runs = scout->laws->mu > 0.0 ? 1.0 : 0.0;
    for (size_t i = 0; i < scout->laws->n; i++)
        runs += scout->laws->law[i].count;
    double most = fmin(1.0, 0.5 * runs); /* of a single run the sum never passes 1 */
    for (int i = 0; i < 60; i++) {
        double middle = 0.5 * (low + high), a = exp(middle), sum = 0.0;
        for (size_t k = 0, j = 0; k <= scout->laws->n; k++)
            for (; j < scout->last[k]; j++) {
                double part = fmin(fabs(scout->loss[j]) / a, 1.0);
                sum += runs_of(scout, k) * scout->mass[j] * part * part;
            }
        *(sum > most ? &low : &high) = middle;
    }
    return exp(high);
}

static double find_drift(const struct dpm_scout *scout)
{
    double sum = 0.0;
    for (size_t k = 0, j = 0; k <= scout->laws->n; k++)
        for (; j < scout->last[k]; j++)
            if (fabs(scout->loss[j]) < scout->scale)
                sum += runs_of(scout, k) * scout->mass[j] * scout->loss[j];
    return sum;
}

int dpm_account_scout_new(struct dpm_scout *scout, const struct dpm_laws *laws, int direction)
{
    size_t capacity = (laws->n + 1) * (MOST_NODES + 8);
    *scout = (struct dpm_scout){.laws = laws, .capacity = capacity};
    scout->memory = dpm_alloc(capacity, 3 * sizeof(double));
    scout->last = dpm_alloc(laws->n + 1, sizeof *scout->last);
    if (!scout->memory || !scout->last) {
        dpm_account_scout_free(scout);
        return DPMIX_ERR_NOMEM;
    }
    scout->loss = scout->memory;
    scout->mass = scout->memory + capacity;
    scout->whole = scout->memory + 2 * capacity;
    for (size_t i = 0; i < laws->n; i++) {
        add_law(scout, &laws->law[i], direction);
        scout->last[i] = scout->n;
    }
    if (laws->mu > 0.0) {
        struct dpm_law gauss = {DPM_SHAPE_MIXTURE, 1, 1.0, 1.0 / laws->mu, 1.0, INFINITY};
        add_law(scout, &gauss, direction);
    }
    scout->last[laws->n] = scout->n;
    scout->scale = find_scale(scout);
    scout->drift = find_drift(scout);
    return DPMIX_OK;
}

void dpm_account_scout_free(struct dpm_scout *scout)
{
    dpm_free(scout->memory);
    dpm_free(scout->last);
    scout->memory = NULL;
    scout->last = NULL;
}

double dpm_account_scout_level(const struct dpm_scout *scout, double epsilon)
{
    return fmax(ceil(LEVELS * log2(epsilon / scout->scale) - 1e-12), 0.0);
}

double dpm_account_scout_reach(const struct dpm_scout *scout, double level)
{
    return scout->scale * exp2(level / LEVELS);
}

/* log M(c) of all runs, losses beyond `cut` parted between it and infinity; what is infinite is left out. */
static double log_moment(const struct dpm_scout *scout, double c, double cut, int drop, double *failure)
{
    double all = 0.0;
    *failure = 0.0;
    for (size_t k = 0, j = 0; k <= scout->laws->n; k++) {
        double sum = 0.0, lost = 0.0, total = 0.0;
        for (; j < scout->last[k]; j++) {
            double loss = scout->loss[j], mass = scout->mass[j];
            total += mass;
            if (loss > cut && scout->whole[j] <= (drop ? 0.0 : 0.5)) {
                double kept = drop ? 0.0 : mass * exp(cut - loss);
                lost += mass - kept;
                sum += kept * exp(c * cut) - mass;
            } else {
                sum += mass * expm1(c * loss);
            }
        }
        if (total > 0.0) {
            all += runs_of(scout, k) * log1p(fmax(sum / total, -0.999));
            *failure += runs_of(scout, k) * lost;
        }
    }
    return all;
}

/* log M(c) - c epsilon + factor(c), Chernoff's bound on log(delta). */
static double chernoff(const struct dpm_scout *scout, double c, double epsilon, double cut, int drop)
{
    double failure;
    return log_moment(scout, c, cut, drop, &failure) - c * epsilon + dpm_account_contour_factor(c);
}

/* The c at which that is least, or low enough; and that. Losses may have a largest sum, beyond which there
 * is no end to it. */
static double find_saddle(const struct dpm_scout *scout, double epsilon, double cut, int drop, double *least)
{
    const double golden = 0.61803398874989485;
    double low = log(0.02 / fmax(cut, epsilon)), high = low, at[2], value[2], best = INFINITY;
    /* up to where it grows */
    for (double x = low; x < low + 30.0; x += 0.5) {
        double now = chernoff(scout, exp(x), epsilon, cut, drop);
        high = x + 0.5;
        if (now < -LOWEST) {
            *least = now;
            return exp(x);
        }
        if (now > best || !(now < INFINITY))
            break;
        best = now;
        low = x - 0.5;
    }
    at[0] = high - golden * (high - low);
    at[1] = low + golden * (high - low);
    for (int i = 0; i < 2; i++)
        value[i] = chernoff(scout, exp(at[i]), epsilon, cut, drop);
    while (high - low > 0.02) {
        int i = value[0] < value[1]; /* the lower one stays within */
        *(i ? &high : &low) = at[i];
        at[i] = at[!i];
        value[i] = value[!i];
        at[!i] = i ? high - golden * (high - low) : low + golden * (high - low);
        value[!i] = chernoff(scout, exp(at[!i]), epsilon, cut, drop);
    }
    *least = fmin(value[0], value[1]);
    return exp(value[0] < value[1] ? at[0] : at[1]);
}

/* How long the circle must be for epsilons from `from` on. What nodes pay for losses that they stand for but
 * do not have is, over all whole j, delta(epsilon + j length) exp(j c length): below, at most exp(-c length);
 * above, a tail that must fall faster than by exp(-c loss). */
static double length_for(const struct dpm_scout *scout, const struct dpm_loss_grid *grid, double from,
                         double least)
{
    double c = grid->c, length = (SPARE + fmax(-least, 0.0)) / c;
    if (!grid->drop)
        length = fmax(length, grid->high);
    for (int i = 0; i < 40; i++, length *= 1.2) {
        double tail = INFINITY;
        for (double more = 0.03; more < 5.0; more *= 1.7) {
            tail = fmin(tail, chernoff(scout, c * (1.0 + more), from + length, grid->high, grid->drop));
        }
        if (tail + c * length < least - TAIL)
            break;
    }
    return length;
}

/* The least loss beyond which all runs together have a probability of at most exp(log_most). */
static double rare_from(const struct dpm_scout *scout, double log_most)
{
    double low = log(scout->scale) - 30.0, high = log(scout->scale) + 60.0;
    for (int i = 0; i < 50; i++) {
        double middle = 0.5 * (low + high), loss = exp(middle), sum = 0.0;
        for (size_t k = 0, j = 0; k <= scout->laws->n; k++)
            for (; j < scout->last[k]; j++)
                if (scout->loss[j] > loss && scout->whole[j] == 0.0)
                    sum += runs_of(scout, k) * scout->mass[j];
        *(log(sum + 1e-300) > log_most ? &low : &high) = middle;
    }
    return exp(high);
}

/* The grid for a level but for its step, and a bound on the logarithm of its delta, Chernoff's with large
 * losses of single runs taken apart. Losses are cut off where a run that has one makes the sum large whatever
 * the others do; then nothing is lost by it. Where outcomes beyond are too rare to matter, further down. */
static void choose(const struct dpm_scout *scout, struct dpm_loss_grid *grid, double level, double *least)
{
    double reach = dpm_account_scout_reach(scout, level), now, failure;
    double at = level > 0.0 ? dpm_account_scout_reach(scout, level - 1.0) : reach;
    double high = 1.4 * reach + 2.0 * fabs(scout->drift) + 6.0 * scout->scale;
    *grid = (struct dpm_loss_grid){.low = -high, .high = high};
    grid->c = find_saddle(scout, at, high, 0, least);
    double bound = *least;
    for (double part = 1.0; part > 0.1; part *= 0.6) {
        double c = find_saddle(scout, at, part * reach, 1, &now);
        log_moment(scout, c, part * reach, 1, &failure);
        bound = fmin(bound, log(exp(now) + failure + 1e-300));
    }
    for (int i = 0; i < 3; i++) {
        double rare = rare_from(scout, bound - RARE);
        if (!(rare < grid->high))
            break;
        grid->high = rare;
        grid->drop = 1;
        grid->c = find_saddle(scout, at, rare, 1, least);
        bound = fmin(bound, *least);
    }
    *least = bound;
}

void dpm_account_scout_grid(const struct dpm_scout *scout, struct dpm_loss_grid *grid, double level, size_t n)
{
    double from = level > 0.0 ? dpm_account_scout_reach(scout, level - 1.0) : 0.0;
    double least, shortest = INFINITY;
    struct dpm_loss_grid best;
    choose(scout, grid, level, &least);
    best = *grid;
    /* With large losses a smaller c than the saddle's can do with a shorter circle. */
    for (int i = 0; i < 6; i++, grid->c *= 0.75) {
        double length = length_for(scout, grid, from, least);
        if (length < 0.9 * shortest) {
            shortest = length;
            best = *grid;
        }
    }
    *grid = best;
    grid->n = n;
    grid->step = shortest / (double)n;
    grid->low = fmax(grid->low, -shortest);
}

double dpm_account_scout_find(const struct dpm_scout *scout, double log_delta)
{
    double level = 0.0, least;
    struct dpm_loss_grid grid;
    for (double jump = 16.0; jump >= 1.0; jump *= 0.5)
        for (int i = 0; i < 64; i++) {
            choose(scout, &grid, level + jump - 1.0, &least);
            if (least < log_delta)
                break;
            level += jump;
        }
    return level;
}
