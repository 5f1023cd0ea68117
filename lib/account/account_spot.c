/* SPDX-License-Identifier: BSD-3-Clause */
/* The privacy loss of one law at one place of its line. */
#include "account_loss.h"
#include "base_numbers.h"

#include <math.h>

#define LIMIT_WIDTH(law) (0.5 * fmin(1.0, (law)->noise))

double dpm_account_loss_mixture(double q, double x, double *share)
{
    if (x > 600.0) {
        *share = 1.0;
        return x + log(q + (1.0 - q) * exp(-x));
    }
    double y = q * expm1(x);
    double whole = 1.0 - q + q * exp(x);
    *share = q * exp(x) / whole;
    return y > -0.5 ? log1p(y) : log(whole);
}

/* log of the sum of binomial weights times exp(j t / s - j^2 / (2 s^2)), and the mean j in *share. */
static double log_group_mixture(const struct dpm_law *law, const double *log_weight, double t, double *share)
{
    double s = law->noise, exponent[DPM_LOSS_MAX_GROUP + 1], most = -INFINITY, sum = 0.0, mean = 0.0,
           change = 0.0;
    int k = law->group;
    for (int j = 0; j <= k; j++) {
        exponent[j] = (t - 0.5 * j / s) * j / s;
        most = fmax(most, exponent[j] + log_weight[j]);
    }
    for (int j = 0; j <= k; j++) {
        double part = exp(exponent[j] + log_weight[j] - most);
        sum += part;
        mean += j * part;
    }
    *share = mean / sum;
    if (most > 1.0)
        return most + log(sum);
    for (int j = 1; j <= k; j++)
        change += exp(log_weight[j]) * expm1(exponent[j]);
    return change > -0.5 ? log1p(change) : most + log(sum);
}

/* log of the smooth step at the law's limit, 1 far below it. */
static double log_kept(const struct dpm_law *law, double t)
{
    double x = (t - law->limit) / LIMIT_WIDTH(law);
    if (x < -8.0)
        return 0.0;
    return x < 20.0 ? log(0.5 * erfc(x)) : -INFINITY;
}

struct dpm_loss_spot dpm_account_loss_spot(const struct dpm_law *law, int direction, const double *log_weight,
                                           double t)
{
    double q = law->rate, s = law->noise, share, other;
    if (law->shape == DPM_SHAPE_LAPLACE) {
        struct dpm_loss_spot laplace = {log(0.25 / s) - 0.5 * (t + 1.0) / s, t / s, 1.0};
        if (q < 1.0)
            laplace.loss = dpm_account_loss_mixture(q, t / s, &share);
        if (direction == DPM_LOSS_REMOVE)
            laplace.log_p += laplace.loss;
        else
            laplace.loss = -laplace.loss;
        return laplace;
    }
    struct dpm_loss_spot spot = {-0.5 * t * t - DPM_LOG_SQRT_TWO_PI + log_kept(law, t), 0.0, 0.0};
    if (law->shape == DPM_SHAPE_REPLACE) {
        double up = dpm_account_loss_mixture(q, (t - 0.5 / s) / s, &share);
        double down = dpm_account_loss_mixture(q, (-t - 0.5 / s) / s, &other);
        spot.loss = up - down;
        spot.slope = share + other;
        spot.log_p += up;
        return spot;
    }
    double mixture = law->group > 1 ? log_group_mixture(law, log_weight, t, &share)
                                    : dpm_account_loss_mixture(q, (t - 0.5 / s) / s, &share);
    if (direction == DPM_LOSS_ADD) {
        spot.loss = -mixture;
        spot.slope = -share;
        return spot;
    }
    spot.loss = mixture;
    spot.slope = share;
    spot.log_p += mixture;
    return spot;
}

void dpm_account_loss_weights(double *log_weight, const struct dpm_law *law)
{
    double q = law->rate, choose = 1.0; /* of k records j take part; lgamma() writes to a global variable */
    int k = law->group;
    for (int j = 0; j <= k; j++) {
        log_weight[j] = log(choose) + j * log(q) + (j < k ? (k - j) * log1p(-q) : 0.0);
        choose = choose * (k - j) / (j + 1);
    }
}

/* The step is the chance that t plus a normal variable of deviation width / sqrt(2) stays below the limit,
 * so that the failure is a normal tail, log Q(x) <= -x^2 / 2 - log(2): the means of t's components are
 * group / noise at most. */
int dpm_account_loss_limit(struct dpm_law *law, int direction, double log_failure)
{
    int gaussian = law->shape == DPM_SHAPE_MIXTURE || law->shape == DPM_SHAPE_REPLACE;
    law->limit = INFINITY;
    if (!gaussian || (law->shape == DPM_SHAPE_MIXTURE && direction == DPM_LOSS_ADD))
        return 0;
    double width = LIMIT_WIDTH(law), x = sqrt(fmax(-2.0 * log_failure, 0.0)) * 1.000001 + 1e-6;
    law->limit = law->group / law->noise + x * sqrt(1.0 + 0.5 * width * width);
    return 1;
}
