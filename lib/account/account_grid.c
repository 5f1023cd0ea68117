/* SPDX-License-Identifier: BSD-3-Clause */
#include "account_grid.h"
#include "base_numbers.h"

#include <dpmix/status.h>

#include <float.h>
#include <math.h>

#define MASS_ERROR 3e-13 /* of a node's mass, relative: quadrature, and rounding of a density */
#define FURTHEST 39.0    /* normal variables beyond have a probability below 1e-330 */
#define MOST_BINS 4e6
#define MOST_PANELS 4e6 /* seconds; a large mu of many runs would need hours */
#define PANEL 0.6       /* how much the logarithm of a density may change over a panel */

/* A sum, and what its rounding has left out (Kahan): errors do not grow with the number of terms. */
struct total {
    double sum, carry;
};

/* A law on its way to the grid. */
struct filler {
    const struct dpm_law *law;
    int direction;
    const struct dpm_loss_grid *grid;
    double *data;
    struct dpm_grid_law *out;
    double log_weight[DPM_LOSS_MAX_GROUP + 1];
    double sign, from, to;
    struct total plain;  /* the probability of all nodes but 0 */
    double zero;         /* and what was added at node 0 */
    struct total change; /* sum of mass times (exp(c (loss - offset)) - 1), over the same */
};

/* Probability between two nodes: what goes to the lower, and to the upper one. */
struct parts {
    double lower, upper, spread;
};

void dpm_account_grid_ends(const struct dpm_law *law, int direction, double *sign, double *from, double *to)
{
    int falls = direction == DPM_LOSS_ADD && law->shape != DPM_SHAPE_REPLACE;
    *sign = falls ? -1.0 : 1.0;
    if (law->shape == DPM_SHAPE_LAPLACE) {
        *from = -1.0;
        *to = 1.0;
        return;
    }
    *from = -FURTHEST;
    *to = FURTHEST + (falls ? 0.0 : law->group / law->noise);
}

static void add_to(struct total *total, double term)
{
    double corrected = term - total->carry, sum = total->sum + corrected;
    total->carry = (sum - total->sum) - corrected;
    total->sum = sum;
}

/* Adds probability at node k. */
static void add_mass(struct filler *filler, double k, double mass)
{
    const struct dpm_loss_grid *grid = filler->grid;
    if (k == 0.0)
        filler->zero += mass;
    if (k == 0.0 || !(mass > 0.0))
        return;
    double power = grid->c * k * grid->step;
    size_t at = (size_t)(int64_t)k & (grid->n - 1);
    filler->data[2 * at] += mass * exp(power);
    add_to(&filler->plain, mass);
    add_to(&filler->change, mass * expm1(power));
}

/* The part of a loss that goes to the upper of two nodes, of which the lower lies `above` below: the
 * payoffs 1 and exp(-loss) keep their means. */
static double upper_part(double above, double step)
{
    return expm1(-above) / expm1(-step);
}

/* An atom. */
static void add_atom(struct filler *filler, double loss, double mass)
{
    const struct dpm_loss_grid *grid = filler->grid;
    double step = grid->step, x = (loss - filler->out->offset) / step;
    double k = floor(x), slack = 8.0 * DPM_UNIT_ROUNDOFF * (fabs(loss) + fabs(filler->out->offset));
    double above = (loss - filler->out->offset) - k * step;
    /* On a node, as good as. */
    if (above < slack) {
        add_mass(filler, k, mass);
        return;
    }
    if (step - above < slack) {
        add_mass(filler, k + 1.0, mass);
        return;
    }
    double part = fmin(upper_part(above + slack, step), 1.0);
    add_mass(filler, k, mass * (1.0 - part));
    add_mass(filler, k + 1.0, mass * part);
    filler->out->spread += mass * part * (1.0 - part) * step * step * exp(grid->c * k * step);
}

static struct dpm_loss_spot spot_at(const struct filler *filler, double v)
{
    return dpm_account_loss_spot(filler->law, filler->direction, filler->log_weight, filler->sign * v);
}

/* The place where the loss passes a value; places start from a guess below. */
static double place_of(const struct filler *filler, double loss, double guess)
{
    const struct dpm_law *law = filler->law;
    double q = law->rate, s = law->noise, l = filler->direction == DPM_LOSS_ADD ? -loss : loss, place;
    if (law->shape == DPM_SHAPE_LAPLACE || (law->shape == DPM_SHAPE_MIXTURE && law->group == 1)) {
        double y = l < 600.0 ? expm1(l) / q : INFINITY;
        double x = q < 1.0 ? (y > -1.0 ? (y < INFINITY ? log1p(y) : l - log(q)) : -INFINITY) : l;
        place = filler->sign * (law->shape == DPM_SHAPE_LAPLACE ? x * s : x * s + 0.5 / s);
        return fmin(fmax(place, filler->from), filler->to);
    }
    double low = filler->from, high = filler->to;
    place = fmin(fmax(guess, low), high);
    for (int i = 0; i < 200 && high - low > 4.0 * DBL_EPSILON * fmax(fabs(low), fabs(high)); i++) {
        struct dpm_loss_spot spot = spot_at(filler, place);
        double miss = spot.loss - loss, next = place - miss * s / fabs(spot.slope);
        if (fabs(miss) <= 1e-10 * filler->grid->step)
            break;
        *(miss < 0.0 ? &low : &high) = place;
        place = next > low && next < high ? next : 0.5 * (low + high);
    }
    return place;
}

/* A bound on how much the logarithm of the density changes from v to w. */
static double change_over(const struct dpm_law *law, double v, double w)
{
    double s = law->noise;
    return (w - v) * (law->shape == DPM_SHAPE_LAPLACE ? 2.0 + 4.0 / s
                                                      : fmax(fabs(v), fabs(w)) + 2.0 + 2.0 * law->group / s);
}

/* Places from v to w, whose losses lie between node k and the next; or above node k, the last one, to be
 * parted between it and infinity; or anywhere, to be moved up as a whole. Gauss and Legendre's rule, in
 * panels over which the density changes little. */
enum { INSIDE, TOP, WHOLE };

static struct parts integrate(const struct filler *filler, double v, double w, double k, int where)
{
    static const double few_node[3] = {-0.77459666924148338, 0.0, 0.77459666924148338};
    static const double few_weight[3] = {5.0 / 18, 8.0 / 18, 5.0 / 18};
    static const double node[8] = {-0.96028985649753623, -0.79666647741362674, -0.52553240991632899,
                                   -0.18343464249564980, 0.18343464249564980,  0.52553240991632899,
                                   0.79666647741362674,  0.96028985649753623};
    static const double weight[8] = {0.050614268145188130, 0.11119051722668724, 0.15685332293894364,
                                     0.18134189168918099,  0.18134189168918099, 0.15685332293894364,
                                     0.11119051722668724,  0.050614268145188130};
    const struct dpm_law *law = filler->law;
    double step = filler->grid->step, base = filler->out->offset + k * step;
    double change = change_over(law, v, w);
    int n = change <= 0.1 ? 3 : 8;
    double panels = n == 3 ? 1.0 : ceil(change / PANEL), width = (w - v) / panels,
           reciprocal = 1.0 / -expm1(-step);
    struct parts parts = {0.0, 0.0, 0.0};
    for (double p = 0.0; p < panels; p += 1.0)
        for (int i = 0; i < n; i++) {
            double at = v + width * (p + 0.5 + 0.5 * (n == 3 ? few_node[i] : node[i]));
            struct dpm_loss_spot spot = spot_at(filler, at);
            double mass = exp(spot.log_p) * width * (n == 3 ? few_weight[i] : weight[i]);
            /* rounded to the side of a larger loss */
            double above = spot.loss - base + 16.0 * DPM_UNIT_ROUNDOFF * (fabs(spot.loss) + fabs(base));
            double part = where == WHOLE ? 1.0 : -expm1(-above) * (where == TOP ? 1.0 : reciprocal);
            parts.upper += mass * fmax(part, 0.0);
            parts.lower += mass * fmax(1.0 - part, 0.0);
            parts.spread += mass * fmax(part * (1.0 - part), 0.0);
        }
    return parts;
}

/* The law's density, bin by bin. */
static int add_density(struct filler *filler)
{
    const struct dpm_loss_grid *grid = filler->grid;
    struct dpm_grid_law *out = filler->out;
    double step = grid->step;
    int drop = grid->drop && filler->law->shape != DPM_SHAPE_LAPLACE, cut = drop || !grid->drop;
    double first = floor((grid->low - out->offset) / step), last = ceil((grid->high - out->offset) / step);
    double least = spot_at(filler, filler->from).loss, most = spot_at(filler, filler->to).loss;
    first = fmax(first, floor((least - out->offset) / step) - 1.0);
    most = ceil((most - out->offset) / step) + 1.0;
    last = fmax(cut ? fmin(last, most) : most, first);
    if (!(last - first < MOST_BINS && fabs(grid->c * (last + 1.0) * step) < 600.0 &&
          fabs(grid->c * first * step) < 1e9 &&
          change_over(filler->law, filler->from, filler->to) < PANEL * MOST_PANELS))
        return DPMIX_ERR_RANGE;
    double v = place_of(filler, out->offset + first * step, filler->from);
    struct parts parts = integrate(filler, filler->from, v, first, WHOLE);
    double carried = parts.upper;
    for (double k = first; k < last; k += 1.0) {
        double w = place_of(filler, out->offset + (k + 1.0) * step, v);
        parts = (struct parts){0.0, 0.0, 0.0};
        if (w > v) {
            parts = integrate(filler, v, w, k, INSIDE);
            out->spread += parts.spread * step * step * exp(grid->c * k * step);
            v = w;
        }
        add_mass(filler, k, carried + parts.lower);
        carried = parts.upper;
    }
    parts = integrate(filler, v, filler->to, last, drop ? WHOLE : TOP);
    add_mass(filler, last, carried + parts.lower);
    out->failure = parts.upper * (1.0 + MASS_ERROR);
    return DPMIX_OK;
}

/* All runs of a law with the losses +e and -e, outwards from the number of losses -e that is likeliest when
 * tilted: there node 0 lies. The tilted sum of all is known in closed form. What lies beyond the last ones is
 * less than 1e-22 of it. */
static void add_answers(struct filler *filler)
{
    const struct dpm_law *law = filler->law;
    double e = 1.0 / law->noise, n = law->count, c = filler->grid->c;
    double odds = exp(-(2.0 * c + 1.0) * e), mode = floor((n + 1.0) * odds / (1.0 + odds)), sum = 0.0;
    double excess = 2.0 * sinh(0.5 * (c + 1.0) * e) * sinh(0.5 * c * e) / cosh(0.5 * e);
    double log_moment = n * log1p(excess), steps = 0.0;
    filler->out->offset = (n - 2.0 * mode) * e;
    filler->out->runs = 1.0;
    for (int pass = 0; pass < 2; pass++) {
        double whole = sum;
        for (double sign = -1.0; sign < 2.0; sign += 2.0) {
            double share = 1.0, j = sign < 0.0 ? mode : mode + 1.0;
            if (sign > 0.0)
                share = (n - mode) / (mode + 1.0) * odds;
            for (; j >= 0.0 && j <= n && share > 1e-40; j += sign) {
                double loss = (n - 2.0 * j) * e;
                if (pass)
                    add_atom(filler, loss, share / whole * exp(log_moment - c * loss));
                sum += share;
                steps += 1.0;
                share *= sign < 0.0 ? j / ((n - j + 1.0) * odds) : (n - j) / (j + 1.0) * odds;
            }
        }
    }
    filler->out->fault =
        DPM_UNIT_ROUNDOFF * (8.0 * steps + 64.0 + 16.0 * log_moment + 16.0 * c * fabs(filler->out->offset));
}

static void add_atoms(struct filler *filler)
{
    const struct dpm_law *law = filler->law;
    double e = 1.0 / law->noise, a = exp(-e), q = law->rate;
    if (law->shape == DPM_SHAPE_STEPS) {
        add_atom(filler, 2.0 * e, 1.0 / (1.0 + a));
        add_atom(filler, 0.0, -expm1(-e) * a / (1.0 + a));
        add_atom(filler, -2.0 * e, a * a / (1.0 + a));
        return;
    }
    int remove = filler->direction == DPM_LOSS_REMOVE;
    double up = q < 1.0 ? log1p(q * expm1(e)) : e, down = q < 1.0 ? log1p(q * expm1(-e)) : -e;
    add_atom(filler, remove ? down : -down, 0.5 * (remove ? exp(down) : 1.0));
    add_atom(filler, remove ? up : -up, 0.5 * a * (remove ? exp(up) : 1.0));
}

/* Where node 0 lies: on the heaviest atom, or where half of the probability is. */
static double offset_for(const struct filler *filler)
{
    const struct dpm_law *law = filler->law;
    double e = 1.0 / law->noise, q = law->rate;
    switch (law->shape) {
    case DPM_SHAPE_STEPS: return 2.0 * e;
    case DPM_SHAPE_LAPLACE:
        if (filler->direction == DPM_LOSS_ADD)
            return q < 1.0 ? -log1p(q * expm1(-e)) : e;
        return q < 1.0 ? log1p(q * expm1(e)) : e;
    case DPM_SHAPE_MIXTURE:
        return spot_at(filler,
                       law->rate < 0.5 || filler->direction == DPM_LOSS_ADD ? 0.0 : law->group / law->noise)
            .loss;
    default: return spot_at(filler, law->rate / law->noise).loss;
    }
}

int dpm_account_grid_fill(double *data, struct dpm_grid_law *out, const struct dpm_loss_grid *grid,
                          const struct dpm_law *law, int direction)
{
    struct dpm_law whole = *law;
    struct filler filler = {.law = &whole, .direction = direction, .grid = grid, .data = data, .out = out};
    int status = DPMIX_OK;
    whole.limit = INFINITY;
    *out = (struct dpm_grid_law){.runs = law->count};
    dpm_account_grid_ends(law, direction, &filler.sign, &filler.from, &filler.to);
    if (law->group > 1)
        dpm_account_loss_weights(filler.log_weight, law);
    if (law->shape == DPM_SHAPE_RESPONSE) {
        add_answers(&filler);
        out->rest = filler.plain.sum + filler.change.sum;
        out->log_moment = log(filler.zero + out->rest);
    } else {
        out->offset = offset_for(&filler);
        if (law->shape == DPM_SHAPE_LAPLACE || law->shape == DPM_SHAPE_STEPS)
            add_atoms(&filler);
        if (law->shape != DPM_SHAPE_STEPS)
            status = add_density(&filler);
        /* Node 0 has the rest of the probability, and to be safe what the others may lack. */
        double slack = MASS_ERROR * filler.plain.sum;
        out->rest = filler.plain.sum + filler.change.sum;
        out->log_moment = log1p(filler.change.sum - out->failure + slack);
        out->fault = 2.0 * MASS_ERROR * out->rest * exp(-out->log_moment) + slack;
    }
    return !status && out->log_moment < 600.0 && out->log_moment > -600.0 ? DPMIX_OK : DPMIX_ERR_RANGE;
}
