/* SPDX-License-Identifier: BSD-3-Clause */
#include "account_audit.h"
#include "account_gauss.h"
#include "base_numbers.h"

#include <math.h>

#define NOTHING 1e-40 /* a binomial weight below it, where the largest is 1, is not followed further */

/* ---- (epsilon, delta) ---- */

/* Of the binomial law with r trials and odds of exp(epsilon), about a count v. */
struct binomial {
    double tail;  /* P[at least v] */
    double slope; /* the largest P[v - i <= count < v] / i, i = 1, ..., v */
};

/* All weights are taken relative to that of the mode, by the ratio of neighbours, and divided by their sum at
 * the end: nothing cancels, and a weight's relative error grows by a few units a step. From v downwards the
 * mean of the weights grows until the mode is passed, so that the slope's i is sought from there on. */
static struct binomial binomial_at(size_t r, size_t v, double epsilon)
{
    double odds = exp(epsilon);
    double mode = floor(((double)r + 1.0) / (1.0 + exp(-epsilon)));
    size_t m = mode < (double)r ? (size_t)mode : r;
    double total = 0.0, tail = 0.0, below = 0.0, slope = 0.0, weight = 1.0;
    for (size_t j = m;; j++) {
        total += weight;
        if (j >= v)
            tail += weight;
        else
            below += weight;
        if (j == r || weight < NOTHING)
            break;
        weight *= (double)(r - j) / (double)(j + 1) * odds;
    }
    if (m < v)
        slope = below / (double)(v - m);
    weight = 1.0;
    for (size_t j = m; j > 0 && weight >= NOTHING;) {
        weight *= (double)j / ((double)(r - j + 1) * odds);
        j--;
        total += weight;
        if (j >= v) {
            tail += weight;
        } else {
            below += weight;
            slope = fmax(slope, below / (double)(v - j));
        }
    }
    double rest = NOTHING * (double)r; /* what was not followed */
    double up = 1.0 + 16.0 * DPM_UNIT_ROUNDOFF * ((double)r + 8.0);
    struct binomial at = {1.0, 0.0};
    if (v > 0) {
        at.tail = fmin((tail + rest) / total * up, 1.0);
        at.slope = (slope + rest) / total * up;
    }
    return at;
}

double dpm_account_audit_tail(size_t n, size_t k, double epsilon)
{
    return k > n ? 0.0 : binomial_at(n, k, epsilon).tail;
}

double dpm_account_audit_p_value(const struct dpm_audit *audit, double epsilon, double delta)
{
    struct binomial at = binomial_at(audit->guesses, audit->right, epsilon);
    return (at.tail + 2.0 * (double)audit->canaries * delta * at.slope) * (1.0 + 8.0 * DPM_UNIT_ROUNDOFF);
}

double dpm_account_audit_epsilon(const struct dpm_audit *audit, double delta, double alpha)
{
    /* `low` is refuted throughout, and it is what is returned: rounding can only make the bound smaller. No
     * order of the p-values is needed for that, since a private mechanism is private at every larger epsilon,
     * too. */
    if (dpm_account_audit_p_value(audit, 0.0, delta) > alpha)
        return 0.0;
    double low = 0.0, high = 1.0;
    while (dpm_account_audit_p_value(audit, high, delta) <= alpha) {
        low = high;
        high *= 2.0;
    }
    while (high - low > 1e-10 * high) {
        double middle = 0.5 * (low + high);
        if (dpm_account_audit_p_value(audit, middle, delta) <= alpha)
            low = middle;
        else
            high = middle;
    }
    return low;
}

/* ---- Gaussian ---- */

/* The upper tail of the normal law; `error` is the relative error, of the library's erfc (a few units) and of
 * its rounded argument. */
static double normal_tail(double x, double *error)
{
    double t = x * DPM_SQRT_HALF;
    *error = DPM_UNIT_ROUNDOFF * (64.0 + (t > 0.0 ? 8.0 * t * t : 0.0));
    return 0.5 * erfc(t);
}

/* Some x, by 1e-12 or so above the one whose upper tail is y, and never below it. Newton's method on the
 * tail's logarithm, which is concave, from `x`. */
static double tail_inverse(double x, double y)
{
    double target = log(y), error, tail;
    for (int i = 0; i < 100; i++) {
        tail = normal_tail(x, &error);
        double density = exp(-0.5 * x * x) / DPM_SQRT_TWO_PI;
        double step = (log(tail) - target) * tail / density;
        x = fmax(x + step, -8.5);
        if (fabs(step) <= 1e-12 || x == -8.5)
            break;
    }
    for (double step = 1e-13 * (1.0 + fabs(x));; step *= 2.0) {
        tail = normal_tail(x, &error);
        if (tail * (1.0 + error) <= y)
            return x;
        x += step;
    }
}

/* With G_k the probability of k or more right guesses, mu-Gaussian privacy says for each k from 1 to r
 *
 *     (r - k + 1) G_(k-1) >= sum_(j>=k) G_j + m h((k G_k + sum_(j>k) G_j) / m),   h(y) = Q(Q^-1(y) + mu).
 *
 * The right side grows with every G_j. So, from G_v = alpha and none above, the recursion gives the least G_0
 * that such a mechanism would need; above 1 there is none. All is rounded down. */
int dpm_account_audit_refutes(const struct dpm_audit *audit, double mu, double alpha)
{
    const double down = 1.0 - 8.0 * DPM_UNIT_ROUNDOFF;
    double m = (double)audit->canaries, g = alpha, above = 0.0, x = NAN;
    for (size_t k = audit->right; k > 0; k--) {
        double y = ((double)k * g + above) / m * down, error;
        if (!(y > 0.0))
            return 0;
        if (isnan(x))
            x = y < 0.2 ? sqrt(-2.0 * log(y)) : 0.0;
        x = tail_inverse(x, y);
        above = (above + g) * down;
        double tail = normal_tail(x + mu, &error);
        double needed = (above + m * tail * (1.0 - error)) / (double)(audit->guesses - k + 1) * down;
        if (needed <= g)
            return 0; /* and so it stays: the next k asks for the same */
        g = needed;
        if (g > 1.0)
            return 1;
    }
    return 0;
}

double dpm_account_audit_mu(const struct dpm_audit *audit, double alpha)
{
    if (!dpm_account_audit_refutes(audit, 0.0, alpha))
        return 0.0;
    double low = 0.0, high = 1.0;
    while (dpm_account_audit_refutes(audit, high, alpha)) {
        low = high;
        high *= 2.0;
    }
    while (high - low > 1e-8 * high) {
        double middle = 0.5 * (low + high);
        if (dpm_account_audit_refutes(audit, middle, alpha))
            low = middle;
        else
            high = middle;
    }
    return low;
}

double dpm_account_audit_gauss_epsilon(double mu, double delta)
{
    /* The logarithm of delta that the closed form gives is above the true one by far less than this, for any
     * mu that an audit can come to: with 2^53 canaries it is below 20. */
    const double slack = 1e-9;
    double epsilon = dpm_account_gauss_epsilon(mu, delta);
    double step = 1e-12 * epsilon;
    for (; epsilon > 0.0; step *= 2.0) {
        if (dpm_account_gauss_log_delta(mu, epsilon) - slack >= log(delta))
            return epsilon;
        epsilon -= step;
    }
    return 0.0;
}
