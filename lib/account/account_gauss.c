/* SPDX-License-Identifier: BSD-3-Clause */
#include "account_gauss.h"
#include "base_numbers.h"

#include <float.h>
#include <math.h>

#define SQRT_HALF_PI 1.25331413731550025121

/* Mills' ratio R(x) = Q(x) / phi(x), and its slope 1 - x R(x) = -R'(x), which is positive. */
struct mills {
    double ratio, slope;
};

/* What Newton's method needs of the curve at one point. */
struct point {
    double log_delta;  /* upper bound */
    double by_mu;      /* d log(delta) / d mu */
    double by_epsilon; /* d log(delta) / d epsilon */
};

/* Laplace's continued fraction R(x) = 1/(x + 1/(x + 2/(x + 3/...))) has positive terms, and so has the slope,
 * 1/(c0 c1) with c0, c1 its first two tails: nothing cancels. Its error after n terms falls like
 * exp(-2 x sqrt(n)). Below 2 the library's erfc is as good, and 1 - x R loses a factor of 5 at most. */
static struct mills mills_at(double x)
{
    struct mills mills;
    if (x < 2.0) {
        mills.ratio = SQRT_HALF_PI * exp(0.5 * x * x) * erfc(x * DPM_SQRT_HALF);
        mills.slope = 1.0 - x * mills.ratio;
        return mills;
    }
    int terms = 12 + (int)(342.0 / (x * x));
    double tail = 0.5 * (x + sqrt(x * x + 4.0 * terms));
    for (int k = terms; k >= 2; k--)
        tail = x + k / tail;
    double whole = x + 1.0 / tail;
    mills.ratio = 1.0 / whole;
    mills.slope = 1.0 / (whole * tail);
    return mills;
}

/* R(a) - R(a + mu) for a > -1. Where the two are close it is the integral of the slope, by Gauss and
 * Legendre's rule with 10 nodes: all terms are positive. The slope is completely monotone, which bounds
 * the rule's error. */
static double mills_fall(double a, double mu)
{
    static const double node[5] = {0.14887433898163121088, 0.43339539412924719080, 0.67940956829902440623,
                                   0.86506336668898451073, 0.97390652851717172008};
    static const double weight[5] = {0.29552422471475287017, 0.26926671930999635509, 0.21908636251598204400,
                                     0.14945134915058059315, 0.06667134430868813759};
    double scale = 0.5 * (a + sqrt(a * a + 4.0)); /* R varies on it */
    if (mu > 0.5 * scale)
        return mills_at(a).ratio - mills_at(a + mu).ratio;
    double half = 0.5 * mu;
    double sum = 0.0;
    for (int i = 0; i < 5; i++) {
        double left = a + half * (1.0 - node[i]), right = a + half * (1.0 + node[i]);
        sum += weight[i] * (mills_at(left).slope + mills_at(right).slope);
    }
    return half * sum;
}

/* With exp(epsilon) = phi(a) / phi(b), b = a + mu: delta = phi(a) (R(a) - R(b)), d delta / d mu = phi(a) and
 * d delta / d epsilon = -phi(a) R(b). The last term of each log_delta is the rounding error. */
static struct point point_at(double mu, double epsilon)
{
    struct point point = {-INFINITY, 0.0, 0.0};
    if (!(mu > 0.0))
        return point;
    double a = epsilon / mu - 0.5 * mu;
    double b = epsilon / mu + 0.5 * mu;
    if (a > 1e8) { /* Chernoff: delta <= Q(a) < exp(-a^2 / 2) */
        point.log_delta = fmax(-0.5 * a * a, -DBL_MAX);
        point.by_mu = b;
        point.by_epsilon = -a / mu;
        return point;
    }
    double tail = mills_at(b).ratio;
    if (a <= -1.0) { /* Q(a) > 0.84 and phi(a) R(b) < 0.16 */
        double density = exp(-0.5 * a * a) / DPM_SQRT_TWO_PI;
        double delta = 0.5 * erfc(a * DPM_SQRT_HALF) - density * tail;
        point.log_delta = fmin(log(delta) + DPM_UNIT_ROUNDOFF * (64.0 + 8.0 * b * density), 0.0);
        point.by_mu = density / delta;
        point.by_epsilon = -density * tail / delta;
        return point;
    }
    double fall = mills_fall(a, mu);
    double error = DPM_UNIT_ROUNDOFF * (64.0 + 4.0 * (fabs(a) + 2.0) * (b + 2.0));
    point.log_delta = fmin(log(fall) - 0.5 * a * a - DPM_LOG_SQRT_TWO_PI + error, 0.0);
    point.by_mu = 1.0 / fall;
    point.by_epsilon = -tail / fall;
    return point;
}

double dpm_account_gauss_mu(const struct dpm_event *events, size_t n)
{
    double smallest = INFINITY;
    for (size_t i = 0; i < n; i++)
        smallest = fmin(smallest, events[i].noise_multiplier);
    double sum = 0.0, carry = 0.0; /* Kahan's sum of at least one term >= 1: its error does not grow with n */
    for (size_t i = 0; i < n; i++) {
        double ratio = smallest / events[i].noise_multiplier;
        double term = (double)events[i].count * ratio * ratio - carry;
        double next = sum + term;
        carry = (next - sum) - term;
        sum = next;
    }
    return n ? sqrt(sum) / smallest * (1.0 + 16.0 * DPM_UNIT_ROUNDOFF) : 0.0;
}

double dpm_account_gauss_log_delta(double mu, double epsilon)
{
    return point_at(mu, epsilon).log_delta;
}

double dpm_account_gauss_delta(double mu, double epsilon)
{
    if (!(mu > 0.0))
        return 0.0;
    double delta = exp(point_at(mu, epsilon).log_delta) * (1.0 + 8.0 * DPM_UNIT_ROUNDOFF);
    return fmin(fmax(delta, DBL_MIN), 1.0);
}

/* log(delta), rounded down. */
static double log_target(double delta)
{
    double target = log(delta);
    return target + 4.0 * DPM_UNIT_ROUNDOFF * target;
}

double dpm_account_gauss_epsilon(double mu, double delta)
{
    double target = log_target(delta);
    if (!(mu <= 1e150))
        return INFINITY;
    if (point_at(mu, 0.0).log_delta <= target)
        return 0.0;
    /* log(delta) is concave in epsilon (it is a convolution of log-concave functions), so Newton's method
     * comes down to the root from Chernoff's bound without passing it, but for rounding. */
    double low = 0.0, high = mu * sqrt(-2.0 * target) + 0.5 * mu * mu;
    double epsilon = high;
    for (int i = 0; i < 100; i++) {
        struct point point = point_at(mu, epsilon);
        if (point.log_delta > target)
            low = epsilon;
        else
            high = epsilon;
        double next = epsilon - (point.log_delta - target) / point.by_epsilon;
        if (!(next > low && next < high))
            next = 0.5 * (low + high);
        double step = fabs(next - epsilon);
        epsilon = next;
        if (step <= 4.0 * DBL_EPSILON * epsilon)
            break;
    }
    double step = DBL_EPSILON * epsilon + DBL_MIN;
    for (; point_at(mu, epsilon).log_delta > target; step *= 2.0)
        epsilon += step;
    return epsilon;
}

double dpm_account_gauss_mu_for(double epsilon, double delta)
{
    double target = log_target(delta);
    /* Below the root: delta <= exp(-a^2 / 2) and delta <= mu / sqrt(2 pi). */
    double chernoff = sqrt(-2.0 * target);
    double low =
        fmax(2.0 * epsilon / (chernoff + sqrt(2.0 * epsilon - 2.0 * target)), delta * DPM_SQRT_TWO_PI);
    double high = 2.0 * low;
    while (point_at(high, epsilon).log_delta <= target)
        high *= 2.0;
    double mu = low;
    for (int i = 0; i < 200; i++) {
        struct point point = point_at(mu, epsilon);
        if (point.log_delta > target)
            high = mu;
        else
            low = mu;
        double next = mu * exp((target - point.log_delta) / (mu * point.by_mu));
        if (!(next > low && next < high))
            next = 0.5 * (low + high);
        double step = fabs(next - mu);
        mu = next;
        if (step <= 4.0 * DBL_EPSILON * mu)
            break;
    }
    double step = DBL_EPSILON * mu + DBL_MIN;
    for (; point_at(mu, epsilon).log_delta > target; step *= 2.0)
        mu -= step;
    return mu;
}
