/* SPDX-License-Identifier: BSD-3-Clause */
#include "account_rdp.h"
#include "account_excess.h"
#include "base_numbers.h"

#include <float.h>
#include <math.h>

#define LEAST_NOISE 0.05 /* below it, nodes would have to lie too close */
#define MOST_SHIFT 1e6   /* order / noise_multiplier; beyond it, exponents are too large to cancel well */
#define NEGLIGIBLE 1e-21 /* a node's share of the largest node's */
#define SCALE_FROM 300.0 /* exponents above it are taken out of the sum */

enum { MAX_RANGES = 5 }; /* divergence() asks for no more */

/* The pair at hand, and the order 1 + lambda. With t in units of the noise, phi the normal density and
 * L(t) = log(1 - q + q exp(X)), X = (t - dip) / s, the privacy loss,
 *
 *     E[exp(lambda L)] - 1 = lambda * integral of phi exp(L) (h(lambda L) / lambda + h(-L)) dt,
 *
 * the expectation under the mixture, h(x) = exp(x) - 1 - x >= 0. No term is negative and none needs
 * another to cancel, however small lambda, q or 1 / s; at lambda = 0 the integral is Kullback and
 * Leibler's divergence. */
struct pair {
    double q, rest, s, dip; /* rest = 1 - q; dip = 1 / (2 s), where the loss is 0 */
    double lambda;
    double scale; /* the log of a factor taken out of the integrand */
};

/* The trapezoid rule over whole numbers j, at t = j * step. */
struct sum {
    const struct pair *pair;
    double step;
    double total, error; /* error: bound on the rounding error of the total */
    double largest;
    double from[MAX_RANGES], to[MAX_RANGES]; /* ranges of j that are done */
    int ranges;
};

/* L(t), and its derivative by X in *slope: the weight of the shifted component at t. */
static double loss(const struct pair *pair, double t, double *slope)
{
    double x = (t - pair->dip) / pair->s;
    if (x > 600.0) {
        *slope = 1.0;
        return x + log(pair->q + pair->rest * exp(-x));
    }
    double y = pair->q * expm1(x);
    double whole = pair->rest + pair->q * exp(x);
    *slope = 1.0 - pair->rest / whole;
    return y > -0.5 ? log1p(y) : log(whole);
}

/* Adds the node j; returns its term. */
static double visit(struct sum *sum, double j)
{
    const struct pair *pair = sum->pair;
    double t = j * sum->step; /* exact: the step has few bits */
    double slope;
    double l = loss(pair, t, &slope);
    double base = l - 0.5 * t * t - pair->scale;
    double x = pair->lambda * l;
    double mixture = exp(base);
    double term = mixture * dpm_account_excess(-l);
    if (pair->lambda > 0.0)
        term +=
            (x < 1.0 ? mixture * dpm_account_excess(x) : exp(base + x) - mixture * (1.0 + x)) / pair->lambda;
    /* The rounding error of X is the unit roundoff times reach, that of the exponent the rest. */
    double reach = 4.0 * (fabs(t - pair->dip) + 2.0 * pair->dip) / pair->s;
    double exponent = (1.0 + pair->lambda) * (slope * reach + 2.0 * fabs(l)) + t * t + pair->scale;
    sum->total += term;
    sum->error += DPM_UNIT_ROUNDOFF * (32.0 + 2.0 * reach + exponent) * term;
    sum->largest = fmax(sum->largest, term);
    return term;
}

/* The range that holds j, or -1. */
static int range_of(const struct sum *sum, double j)
{
    for (int i = 0; i < sum->ranges; i++)
        if (j >= sum->from[i] && j <= sum->to[i])
            return i;
    return -1;
}

/* From node j in one direction, up any slope, until the terms fall and are negligible or a range is met
 * that is done. Returns the last node added. */
static double walk(struct sum *sum, double j, double direction, double term)
{
    while (range_of(sum, j + direction) < 0) {
        j += direction;
        double next = visit(sum, j);
        if (next <= term && next <= NEGLIGIBLE * sum->largest)
            break;
        term = next;
    }
    return j;
}

static void add_around(struct sum *sum, double t)
{
    double j = floor(t / sum->step + 0.5);
    if (range_of(sum, j) >= 0)
        return;
    double term = visit(sum, j);
    double to = walk(sum, j, 1.0, term);
    double from = walk(sum, j, -1.0, term);
    sum->from[sum->ranges] = from;
    sum->to[sum->ranges++] = to;
}

/* Where f(t) = (1 + lambda) L(t) - t^2 / 2 is largest, searched from one end. f' = g(t) - t, g a logistic
 * curve: convex up to where the two components weigh the same, concave from there on, so that Newton's
 * method from 0 can only come up to the first maximum, and from g's upper end only down to the last.
 * *found is 0 when its half of the line has none. */
static double peak(const struct pair *pair, int last, int *found)
{
    double height = (1.0 + pair->lambda) / pair->s;
    double middle = pair->s * log(pair->rest / pair->q) + pair->dip;
    double t = last ? height : 0.0;
    *found = last ? t >= middle : t < middle;
    for (int i = 0; i < 60 && *found; i++) {
        double slope;
        loss(pair, t, &slope);
        double value = height * slope - t;
        double derivative = height / pair->s * slope * (1.0 - slope) - 1.0;
        if (fabs(value) < 1e-3 * (1.0 + fabs(derivative)))
            break;
        t -= value / derivative;
        *found = derivative < 0.0 && (last ? t >= middle : t <= middle);
    }
    return t;
}

/* The step: the rule's error is at most exp(d^2 / 2 - 2 pi d / step) times a constant, for each d < pi s
 * up to which L is analytic in |Im t| < d (Trefethen and Weideman 2014, theorem 5.1). It is held at
 * exp(-46). */
static double step_for(double s)
{
    double d = fmin(0.9 * 3.14159265358979 * s, 9.5916630466254); /* the latter: sqrt(2 * 46) */
    double step = 2.0 * 3.14159265358979 * d / (46.0 + 0.5 * d * d);
    return floor(step * 1048576.0) / 1048576.0;
}

/* Joint convexity: exp(lambda D) <= 1 - q + q exp(lambda (1 + lambda) / (2 s^2)). */
static double convex_bound(double lambda, double q, double s)
{
    double exponent = 0.5 / s / s * (1.0 + lambda);
    double log_moment = lambda * exponent;
    if (log_moment > 600.0)
        return (log_moment + log(q + (1.0 - q) * exp(-log_moment))) / lambda;
    return lambda > 1e-150 ? log1p(q * expm1(log_moment)) / lambda : q * exponent;
}

/* Renyi divergence of order 1 + lambda, by quadrature. */
static double divergence(double lambda, double q, double s)
{
    struct pair pair = {q, 1.0 - q, s, 0.5 / s, lambda, 0.0};
    struct sum sum = {.pair = &pair, .step = step_for(s)};
    int found[2];
    double at[2] = {peak(&pair, 0, &found[0]), peak(&pair, 1, &found[1])};
    double highest = 0.0;
    for (int i = 0; i < 2; i++) {
        double slope;
        if (found[i])
            highest = fmax(highest, (1.0 + lambda) * loss(&pair, at[i], &slope) - 0.5 * at[i] * at[i]);
    }
    if (highest > SCALE_FROM)
        pair.scale = highest;
    /* Where the integrand can have a maximum: those of f, about where y^2 phi has one, and left of the
     * dip. */
    for (int i = 0; i < 2; i++)
        if (found[i])
            add_around(&sum, at[i]);
    add_around(&sum, pair.dip + 1.4);
    add_around(&sum, 2.0 / s);
    add_around(&sum, fmin(pair.dip - 1.4, 0.0));
    double nodes = 0.0;
    for (int i = 0; i < sum.ranges; i++)
        nodes += sum.to[i] - sum.from[i] + 1.0;
    double integral =
        (sum.total + sum.error) * (1.0 + DPM_UNIT_ROUNDOFF * (16.0 + nodes)) * sum.step / DPM_SQRT_TWO_PI;
    if (pair.scale > 0.0)
        return (pair.scale + log(lambda * integral + exp(-pair.scale))) / lambda;
    return lambda > 0.0 ? log1p(lambda * integral) / lambda : integral;
}

static double rdp_subsampled(double lambda, double q, double s)
{
    q = fmax(q, 1e-100); /* the divergence grows with q */
    double bound = fmin(convex_bound(lambda, q, s), 0.5 / s / s * (1.0 + lambda));
    if (q < 1.0 && s >= LEAST_NOISE && (1.0 + lambda) / s <= MOST_SHIFT)
        bound = fmin(bound, divergence(lambda, q, s));
    return fmax(bound, DBL_MIN) * (1.0 + 16.0 * DPM_UNIT_ROUNDOFF);
}

double dpm_account_rdp_gaussian(double order, double noise_multiplier)
{
    return 0.5 / noise_multiplier / noise_multiplier * order * (1.0 + 16.0 * DPM_UNIT_ROUNDOFF);
}

double dpm_account_rdp_subsampled(double order, double sampling_rate, double noise_multiplier)
{
    return rdp_subsampled(order - 1.0, sampling_rate, noise_multiplier);
}

/* Divergence of order 1 + lambda of the whole composition: orders stay, divergences add up. */
static double composed(const struct dpm_event *events, size_t n, double lambda)
{
    double sum = 0.0;
    for (size_t i = 0; i < n; i++) {
        int sampled = dpm_event_is_sampled(&events[i]);
        sum += (double)events[i].count *
               (sampled ? rdp_subsampled(lambda, events[i].sampling_rate, events[i].noise_multiplier)
                        : dpm_account_rdp_gaussian(1.0 + lambda, events[i].noise_multiplier));
    }
    return sum * (1.0 + DPM_UNIT_ROUNDOFF * (double)(n + 4));
}

/* The epsilon that a divergence of order 1 + lambda gives; may be below 0. */
static double converted(double divergence_, double lambda, double log_delta)
{
    double near = log1p(1.0 / lambda);
    double far = log_delta / lambda, shift = log1p(lambda) / lambda;
    return divergence_ - near - far - shift + 8.0 * DPM_UNIT_ROUNDOFF * (divergence_ + near - far + shift);
}

double dpm_account_rdp_convert(double divergence_, double order, double delta)
{
    return converted(divergence_, order - 1.0, log(delta));
}

/* Total variation <= sqrt(1 - exp(-KL)) (Bretagnolle and Huber 1979), and any order's divergence is at
 * least KL. */
static int within_delta(double divergence_, double delta)
{
    return delta * delta * (1.0 - 8.0 * DPM_UNIT_ROUNDOFF) + expm1(-divergence_) > 0.0;
}

/* epsilon(lambda) = N(lambda) / lambda with N convex (the log-moment is, and so is
 * lambda log(lambda) - (1 + lambda) log(1 + lambda)): quasi-convex, so a local minimum is the global one. */
struct search {
    const struct dpm_event *events;
    size_t n;
    double log_delta;
};

static double epsilon_at(const struct search *search, double log_lambda)
{
    double lambda = exp(log_lambda);
    double epsilon = converted(composed(search->events, search->n, lambda), lambda, search->log_delta);
    return epsilon == epsilon ? epsilon : INFINITY;
}

/* Three points in order of log(lambda), the middle one no higher than the others. */
struct bracket {
    double x[3], y[3];
};

static struct bracket bracket_from(const struct search *search, double start)
{
    double x[3] = {start - 0.5, start, start + 0.5};
    double y[3] = {epsilon_at(search, x[0]), epsilon_at(search, x[1]), epsilon_at(search, x[2])};
    double step = 0.5;
    while ((y[0] < y[1] || y[2] < y[1] || y[1] == INFINITY) && fabs(x[1]) < 60.0) {
        int down = y[0] < y[1] || y[1] == INFINITY;
        step *= 1.6;
        if (down) {
            x[2] = x[1], y[2] = y[1];
            x[1] = x[0], y[1] = y[0];
            x[0] -= step, y[0] = epsilon_at(search, x[0]);
        } else {
            x[0] = x[1], y[0] = y[1];
            x[1] = x[2], y[1] = y[2];
            x[2] += step, y[2] = epsilon_at(search, x[2]);
        }
    }
    return (struct bracket){{x[0], x[1], x[2]}, {y[0], y[1], y[2]}};
}

/* Brent's minimisation (1973, chapter 5) in log(lambda): parabolas, golden sections where they do not
 * serve. */
static double least(const struct search *search, const struct bracket *bracket)
{
    static const double golden = 0.3819660112501051, tolerance = 1e-7;
    double a = bracket->x[0], b = bracket->x[2];
    double x = bracket->x[1], w = x, v = x; /* best, second best, and the one that was second best before */
    double fx = bracket->y[1], fw = fx, fv = fx;
    double step = 0.0, before = 0.0;
    for (int i = 0; i < 60; i++) {
        double middle = 0.5 * (a + b);
        if (fabs(x - middle) <= 2.0 * tolerance - 0.5 * (b - a))
            break;
        double r = (x - w) * (fx - fv), q = (x - v) * (fx - fw);
        double p = (x - v) * q - (x - w) * r;
        double divisor = 2.0 * (q - r);
        double parabolic = divisor != 0.0 ? -p / divisor : INFINITY;
        if (fabs(parabolic) < 0.5 * fabs(before) && x + parabolic > a && x + parabolic < b) {
            before = step;
            step = parabolic;
            if (x + step - a < 2.0 * tolerance || b - x - step < 2.0 * tolerance)
                step = copysign(tolerance, middle - x);
        } else {
            before = x < middle ? b - x : a - x;
            step = golden * before;
        }
        double u = x + (fabs(step) >= tolerance ? step : copysign(tolerance, step));
        double fu = epsilon_at(search, u);
        if (fu <= fx) {
            *(u < x ? &b : &a) = x;
            v = w, fv = fw, w = x, fw = fx, x = u, fx = fu;
        } else {
            *(u < x ? &a : &b) = u;
            if (fu <= fw || w == x)
                v = w, fv = fw, w = u, fw = fu;
            else if (fu <= fv || v == x || v == w)
                v = u, fv = fu;
        }
    }
    return fx;
}

/* A guess at the best log(lambda): that of a Gaussian loss with the same divergence, but no further than the
 * order from which a subsampled event costs as much as an unsampled one. */
static double guess(const struct dpm_event *events, size_t n, double divergence_, double log_delta)
{
    double lambda = sqrt(-log_delta / divergence_);
    for (size_t i = 0; i < n; i++) {
        double s = events[i].noise_multiplier;
        if (dpm_event_is_sampled(&events[i]))
            lambda = fmin(lambda, 0.5 - 2.0 * s * s * log(events[i].sampling_rate));
    }
    return fmin(fmax(log(lambda), -25.0), 25.0);
}

double dpm_account_rdp_epsilon(const struct dpm_event *events, size_t n, double delta)
{
    if (n == 0)
        return 0.0;
    double kullback_leibler = composed(events, n, 0.0);
    if (within_delta(kullback_leibler, delta))
        return 0.0;
    if (!(kullback_leibler < 1e300))
        return INFINITY;
    struct search search = {events, n, log(delta)};
    struct bracket bracket = bracket_from(&search, guess(events, n, kullback_leibler, search.log_delta));
    return fmax(least(&search, &bracket), 0.0);
}

double dpm_account_rdp_epsilon_at(const struct dpm_event *events, size_t n, double delta,
                                  const double *orders, size_t n_orders)
{
    double best = INFINITY;
    for (size_t i = 0; i < n_orders; i++) {
        double lambda = orders[i] - 1.0;
        double sum = composed(events, n, lambda);
        double epsilon = within_delta(sum, delta) ? 0.0 : fmax(converted(sum, lambda, log(delta)), 0.0);
        best = fmin(best, epsilon);
    }
    return best;
}
