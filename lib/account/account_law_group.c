/* SPDX-License-Identifier: BSD-3-Clause */
/* One run of a sampled Gaussian mechanism, for a group of k records: P = sum over j of w_j N(j, s^2) against
 * Q = N(0, s^2), with binomial weights. The loss log(P / Q) at the output t is
 *     L(t) = log(sum w_j exp(e_j)),  e_j(t) = (2 j t - j^2) / (2 s^2),
 * and rises, so that the worst events are half-lines. With G_j for the curve of N(j, s^2) against Q,
 *     delta(L(t))  = sum w_j G_j(e_j)                    for P against Q,
 *     delta(-L(t)) = sum w_j exp(e_j - L(t)) G_j(-e_j)   for Q against P:
 * every t is a point of the curve, and no term cancels. */
#include "account_gauss.h"
#include "account_loss.h"

#include <float.h>
#include <math.h>

#define LEAST_NOISE 1e-100

struct curve {
    const struct dpm_law *law;
    int direction;
    double log_weight[DPM_LOSS_MAX_GROUP + 1];
};

struct place {
    double epsilon, delta; /* a point above the curve */
};

static double exponent(const struct dpm_law *law, int j, double t)
{
    return j * (t - 0.5 * j) / (law->noise * law->noise);
}

/* L(t), and in *error a bound of its rounding error. */
static double loss_at(const struct curve *curve, double t, double *error)
{
    int k = curve->law->group;
    double largest = -INFINITY, sum = 0.0, size = 1.0, moved = 0.0;
    for (int j = 0; j <= k; j++) {
        double e = exponent(curve->law, j, t), weight = exp(curve->log_weight[j]);
        largest = fmax(largest, curve->log_weight[j] + e);
        size += fabs(curve->log_weight[j]) + fabs(e);
        moved += weight * expm1(e);
        sum += weight * fabs(expm1(e));
    }
    if (sum < 0.5) { /* a loss near 0 keeps its digits */
        *error = 16.0 * DBL_EPSILON * size * sum;
        return log1p(moved);
    }
    sum = 0.0;
    for (int j = 0; j <= k; j++)
        sum += exp(curve->log_weight[j] + exponent(curve->law, j, t) - largest);
    *error = 16.0 * DBL_EPSILON * size;
    return largest + log(sum);
}

/* G_j(e); below 0 by G(-e) = 1 - exp(-e) + exp(-e) G(e), for P and Q may change places. */
static double gauss_delta(const struct curve *curve, int j, double epsilon)
{
    double mu = j / curve->law->noise;
    if (epsilon >= 0.0)
        return dpm_account_gauss_delta(mu, epsilon);
    return -expm1(epsilon) + exp(epsilon) * dpm_account_gauss_delta(mu, -epsilon);
}

/* The point of the curve that the half-line from t (or to t) gives, rounded up. */
static struct place place_at(const struct curve *curve, double t)
{
    int add = curve->direction == DPM_LOSS_ADD;
    double error, loss = loss_at(curve, t, &error);
    struct place place = {(add ? -loss : loss) + error, 0.0};
    for (int j = 1; j <= curve->law->group; j++) {
        double e = exponent(curve->law, j, t);
        double log_weight = curve->log_weight[j] + (add ? e - loss + error : 0.0);
        place.delta += exp(log_weight) * gauss_delta(curve, j, add ? -e : e);
    }
    place.delta = fmin(place.delta * (1.0 + 1e-12), 1.0);
    return place;
}

/* Whether a place is on the far side of the target: less delta (or more epsilon) than that. */
static int beyond(struct place place, double epsilon, double delta)
{
    return place.epsilon > epsilon || place.delta <= delta;
}

/* The last place before the target's epsilon (delta is then -1), or the first one that keeps its delta
 * (epsilon is then infinite). */
static struct place search(const struct curve *curve, double epsilon, double delta)
{
    double step = curve->law->group + curve->law->noise, near = -step, far;
    if (curve->direction == DPM_LOSS_ADD) { /* losses are below 0 at -step and above at step */
        near = step;
        step = -step;
    }
    for (far = near; !beyond(place_at(curve, far), epsilon, delta); step *= 2.0) {
        near = far;
        far += step;
        if (fabs(step) > 1e150)
            return delta < 0.0 ? place_at(curve, near) : (struct place){INFINITY, 0.0};
    }
    for (;;) {
        double middle = 0.5 * (near + far);
        if (!(fmin(near, far) < middle && middle < fmax(near, far)))
            return place_at(curve, delta < 0.0 ? near : far);
        if (beyond(place_at(curve, middle), epsilon, delta))
            far = middle;
        else
            near = middle;
    }
}

/* Noise so small that losses overflow: with no noise at all delta is the chance that a record takes part. */
static int is_noiseless(const struct dpm_law *law)
{
    return law->noise < LEAST_NOISE;
}

static double chance_of_any(const struct dpm_law *law)
{
    return fmin(-expm1(law->group * log1p(-law->rate)) * (1.0 + 16.0 * DBL_EPSILON), 1.0);
}

static struct curve curve_of(const struct dpm_law *law, int direction)
{
    struct curve curve = {.law = law, .direction = direction};
    dpm_account_loss_weights(curve.log_weight, law);
    return curve;
}

double dpm_account_law_group_delta(const struct dpm_law *law, double epsilon)
{
    double delta = 0.0;
    if (is_noiseless(law))
        return chance_of_any(law);
    for (int direction = DPM_LOSS_REMOVE; direction <= DPM_LOSS_ADD; direction++) {
        struct curve curve = curve_of(law, direction);
        if (epsilon < dpm_account_loss_largest(law, direction))
            delta = fmax(delta, search(&curve, epsilon, -1.0).delta);
    }
    return fmax(delta, DBL_MIN); /* no loss is the largest when a record is removed */
}

double dpm_account_law_group_epsilon(const struct dpm_law *law, double delta)
{
    double epsilon = 0.0;
    if (is_noiseless(law))
        return delta < chance_of_any(law) ? INFINITY : 0.0;
    for (int direction = DPM_LOSS_REMOVE; direction <= DPM_LOSS_ADD; direction++) {
        struct curve curve = curve_of(law, direction);
        double largest = dpm_account_loss_largest(law, direction);
        epsilon = fmax(epsilon, fmin(search(&curve, INFINITY, delta).epsilon, largest));
    }
    return epsilon;
}
