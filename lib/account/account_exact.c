/* SPDX-License-Identifier: BSD-3-Clause */
#include "account_exact.h"
#include "account_contour.h"
#include "account_gauss.h"
#include "account_lattice.h"
#include "account_pld.h"
#include "base_alloc.h"

#include <dpmix/accountant.h>

#include <float.h>
#include <math.h>

#define SAFE (1.0 + 1e-9) /* on top of every bound computed by a contour */
#define FIRST_WORK 1.5e6  /* of a direction's first line, see struct dpm_contour */
#define MORE_WORK 2e7     /* of all its other lines together */
#define ROUGH 1e-5        /* change by the last halving of a step that is small enough, relative */
#define GOOD 3e-10        /* error of delta that is good enough, relative */
#define LOWEST 60.0       /* of -log(c) of a saddle */
#define CLOSE 1e-5        /* and that is, of losses on a grid */

/* What is asked of one direction: the epsilon of a delta, or (with log_delta NAN) the delta of an epsilon. */
struct question {
    double epsilon, log_delta;
    int for_epsilon;
    double log_failure; /* of the probability that counts as delta from the start; -INFINITY if none */
};

/* The answer so far: an upper bound on epsilon or on log(delta). */
struct answer {
    double bound;
    double excess; /* how far above the truth, in delta, relative; INFINITY if not known */
};

/* Newton's method for the saddle, in log(c): where the bound log M(c) - c epsilon + factor(c) on log(delta)
 * is least, or, for a given delta, the epsilon that this bound gives. Both are roots of increasing
 * functions of c. A good guess is enough; the contour may pass anywhere near. Returns the least bound found.
 * *inside: whether there is a saddle. There is none where the mean loss is more than LOWEST beyond epsilon:
 * then delta is close to 1, or to the probability of very large losses. */
static int find_saddle(struct dpm_contour *contour, const struct question *question, double *saddle,
                       double *bound, int *inside)
{
    double x = 0.0, low = -LOWEST, high = LOWEST;
    *bound = INFINITY;
    *inside = 1;
    for (int i = 0; i < 80; i++) {
        double c = exp(x);
        int status = dpm_account_contour_moments(contour, c);
        if (status == DPMIX_ERR_NOMEM)
            return status;
        double step = -1.0;
        if (!status && contour->log_moment < 1e300 && contour->curvature < 1e300) {
            double value, slope, at, factor = dpm_account_contour_factor(c);
            double bend = contour->curvature + 1.0 / (c * (1.0 + c));
            double first = contour->slope - log1p(1.0 / c);
            if (question->for_epsilon) {
                at = (contour->log_moment + factor - question->log_delta) / c;
                value = c * first - (contour->log_moment + factor - question->log_delta);
                slope = bend * c * c;
            } else {
                at = contour->log_moment - c * question->epsilon + factor;
                value = first - question->epsilon;
                slope = bend * c;
            }
            if (at < *bound || *bound == INFINITY) {
                *bound = at;
                *saddle = c;
            }
            step = -value / slope;
            if (fabs(step) < 0.02)
                return DPMIX_OK;
        }
        *(step < 0.0 ? &high : &low) = x;
        step = fmin(fmax(step, -3.0), 3.0);
        x = x + step > low && x + step < high ? x + step : 0.5 * (low + high);
        if (high - low < 1e-3)
            break;
    }
    *inside = low > -LOWEST && high < LOWEST;
    return *bound < INFINITY ? DPMIX_OK : DPMIX_ERR_RANGE;
}

/* log(delta) on the line, with what a threshold left out. */
static struct dpm_contour_value value_at(const struct dpm_contour *contour, double log_failure,
                                         double epsilon)
{
    struct dpm_contour_value value = dpm_account_contour_value(contour, epsilon);
    if (!(value.log_delta < INFINITY && value.excess >= 0.0))
        return (struct dpm_contour_value){INFINITY, -contour->c, INFINITY, 0.0};
    if (log_failure > value.log_delta) {
        value.log_delta = log_failure + log1p(exp(value.log_delta - log_failure));
        value.excess = INFINITY;
    } else if (log_failure > -INFINITY) {
        double part = exp(log_failure - value.log_delta);
        value.log_delta += log1p(part);
        value.excess += part;
    }
    return value;
}

/* The least epsilon >= 0 at which the line's bound is at most the delta; at most the bound in answer. */
static void solve(const struct dpm_contour *contour, const struct question *question, struct answer *answer)
{
    double log_delta = question->log_delta, target = log_delta + 4.0 * DBL_EPSILON * log_delta - 1e-13;
    double low = 0.0, high = answer->bound;
    struct dpm_contour_value value = value_at(contour, question->log_failure, 0.0);
    if (value.log_delta <= target && value.excess < 1e-3) {
        answer->bound = 0.0;
        answer->excess = value.excess;
        return;
    }
    double epsilon = high - fmin(0.5 * high, 1.0 / contour->c), best = INFINITY, excess = INFINITY;
    for (int i = 0; i < 100; i++) {
        value = value_at(contour, question->log_failure, epsilon);
        if (value.log_delta > target)
            low = epsilon;
        else /* below the best: next is between low and high */
            high = best = epsilon, excess = value.excess;
        double next = epsilon - (value.log_delta - target) / value.slope;
        if (best < INFINITY && high - low <= 1e-12 * high)
            break;
        /* Close to the root, step a little to the safe side. */
        if (fabs(next - epsilon) <= 1e-10 * epsilon)
            next = next + 4e-13 * epsilon;
        if (!(next > low && next < high))
            next = 0.5 * (low + high);
        if (best < INFINITY && fabs(next - best) <= 1e-12 * best)
            break;
        epsilon = next;
    }
    if (best <= answer->bound * (1.0 + 1e-9) && excess < fmin(answer->excess, 1e-3)) {
        answer->bound = fmin(best, answer->bound);
        answer->excess = excess;
    } else if (best < answer->bound) {
        answer->bound = best;
    }
}

/* Improves the answer by what the line gives, its step halved until that changes nothing. */
static int ask(struct dpm_contour *contour, const struct question *question, struct answer *answer)
{
    for (;;) {
        struct dpm_contour_value value;
        if (question->for_epsilon) {
            solve(contour, question, answer);
            value = value_at(contour, question->log_failure, answer->bound);
        } else {
            value = value_at(contour, question->log_failure, question->epsilon);
            /* truth >= value.log_delta - value.excess */
            answer->bound = fmin(answer->bound, value.log_delta);
            answer->excess = fmin(answer->excess, fmax(answer->bound - value.log_delta, 0.0) + value.excess);
        }
        if (!(value.rough > ROUGH))
            return DPMIX_OK;
        int status = dpm_account_contour_halve(contour);
        if (status)
            return status == DPMIX_ERR_RANGE ? DPMIX_OK : status;
    }
}

/* Limits the outcomes such that those beyond have the given probability, over all runs. Returns its
 * logarithm. */
static double limit_outcomes(struct dpm_laws *laws, int direction, double log_failure)
{
    double runs = 0.0;
    int limited = 0;
    for (size_t i = 0; i < laws->n; i++)
        runs += laws->law[i].count;
    for (size_t i = 0; i < laws->n; i++)
        limited |= dpm_account_loss_limit(&laws->law[i], direction, log_failure - log(runs));
    return limited ? log_failure : -INFINITY;
}

/* Improves the answer by what losses on a grid give. */
static int ask_grid(const struct dpm_laws *laws, int direction, const struct question *question,
                    struct answer *answer)
{
    struct answer found = {INFINITY, INFINITY};
    int status =
        question->for_epsilon
            ? dpm_account_pld_epsilon(&found.bound, &found.excess, laws, direction, question->log_delta)
            : dpm_account_pld_delta(&found.bound, &found.excess, laws, direction, question->epsilon);
    if (!status && found.bound <= answer->bound)
        *answer = found;
    return status == DPMIX_ERR_RANGE ? DPMIX_OK : status;
}

/* Everything a direction can do with the failure at hand. */
static int ask_limited(struct dpm_contour *contour, const struct question *question, struct answer *answer,
                       double uninteresting)
{
    double c = 1.0, bound;
    int inside;
    struct question left = *question;
    left.log_delta +=
        question->log_failure > -INFINITY ? log1p(-exp(question->log_failure - question->log_delta)) : 0.0;
    int status = find_saddle(contour, question->for_epsilon ? &left : question, &c, &bound, &inside);
    if (status)
        return status;
    bound += 1e-9 * fabs(bound);
    if (!question->for_epsilon && question->log_failure > -INFINITY)
        bound = fmax(bound, question->log_failure) + log1p(exp(-fabs(bound - question->log_failure)));
    *answer = (struct answer){fmin(bound, answer->bound), INFINITY};
    if (bound <= uninteresting)
        return DPMIX_OK;
    contour->work = FIRST_WORK;
    if (inside) /* elsewhere a line would have to follow oscillations of any frequency */
        status = dpm_account_contour_line(contour, c, 0.0, 0);
    if (inside && !status)
        status = ask(contour, question, answer);
    if (status == DPMIX_ERR_NOMEM)
        return status;
    status = DPMIX_OK;
    contour->work = MORE_WORK;
    if (answer->excess > GOOD)
        status = ask_grid(contour->laws, contour->direction, question, answer);
    if (!status && inside && answer->excess > CLOSE) {
        status = dpm_account_contour_line(contour, c,
                                          question->for_epsilon ? answer->bound : question->epsilon, 1);
        if (!status)
            status = ask(contour, question, answer);
    }
    return status == DPMIX_ERR_RANGE ? DPMIX_OK : status;
}

/* Where doubles hold all that the contour needs with room to spare. */
static int within_reach(const struct dpm_laws *laws)
{
    int all = laws->mu < 1e6;
    for (size_t i = 0; i < laws->n; i++) {
        const struct dpm_law *law = &laws->law[i];
        all &= law->noise > 0.02 && law->noise < 1e9 && law->rate > 1e-12 && law->count < 1e12;
    }
    return all;
}

/* Whether the total variation of all runs, at most the sum of the runs', is at most delta: then epsilon
 * = 0. */
static int within_delta(const struct dpm_laws *laws, double delta)
{
    double sum = dpm_account_gauss_delta(laws->mu, 0.0);
    for (size_t i = 0; i < laws->n; i++) {
        const struct dpm_law *law = &laws->law[i];
        double reach = law->shape == DPM_SHAPE_REPLACE ? 2.0 : 1.0;
        double gauss = dpm_account_gauss_delta(reach / law->noise, 0.0);
        int sampled = law->shape == DPM_SHAPE_MIXTURE || law->shape == DPM_SHAPE_REPLACE;
        sum += sampled ? law->count * law->group * law->rate * gauss : INFINITY;
    }
    return sum * (1.0 + 64.0 * DBL_EPSILON) <= delta;
}

/* Improves the answer in one direction. What it holds before is a bound for the other one, or the least
 * possible: an answer below it is of no interest. */
static int ask_direction(struct dpm_laws *laws, int direction, struct question *question,
                         struct answer *answer)
{
    struct dpm_contour contour;
    double uninteresting = answer->bound;
    struct answer found = {INFINITY, INFINITY};
    int status = dpm_account_contour_new(&contour, laws, direction);
    if (status)
        return status;
    double log_delta = question->log_delta, c;
    if (!question->for_epsilon) {
        int inside;
        limit_outcomes(laws, direction, -1e4);
        status = find_saddle(&contour, question, &c, &log_delta, &inside);
        if (status == DPMIX_ERR_NOMEM)
            goto out;
        log_delta = status ? 0.0 : log_delta;
    }
    for (int i = 0; i < 2; i++) {
        question->log_failure =
            limit_outcomes(laws, direction, log_delta - 28.0 - (question->for_epsilon ? 0.0 : 8.0));
        status = ask_limited(&contour, question, &found, uninteresting);
        if (status || question->for_epsilon || found.bound <= uninteresting || found.excess < INFINITY ||
            !(found.bound < log_delta - 5.0))
            break;
        log_delta = found.bound;
    }
    if (status && status != DPMIX_ERR_RANGE)
        goto out;
    if (found.bound > uninteresting)
        *answer = found;
    status = DPMIX_OK;
out:
    dpm_account_contour_free(&contour);
    return status;
}

/* The answer where losses have atoms only, or Laplace's: bisection and secants on a monotone function. */
static int ask_lattice(struct dpm_laws *laws, const struct question *question, struct answer *answer)
{
    struct dpm_contour contour;
    struct dpm_lattice lattice;
    int inside;
    double c = 1.0, bound, low = 0.0,
           high = laws->law->count * dpm_account_loss_largest(laws->law, DPM_LOSS_REMOVE);
    int status = dpm_account_contour_new(&contour, laws, DPM_LOSS_REMOVE);
    if (!status)
        status = find_saddle(&contour, question, &c, &bound, &inside);
    dpm_account_contour_free(&contour);
    if (!status)
        status = dpm_account_lattice_new(&lattice, laws->law, c);
    if (status)
        return status;
    answer->excess = 1e-10;
    if (!question->for_epsilon) {
        answer->bound = log(fmax(dpm_account_lattice_delta(&lattice, question->epsilon), 1e-320));
        dpm_account_lattice_free(&lattice);
        return DPMIX_OK;
    }
    double target = exp(question->log_delta) * (1.0 - 1e-12);
    if (dpm_account_lattice_delta(&lattice, 0.0) <= target)
        high = 0.0;
    double middle = bound - fmin(0.5 * bound, 1.0 / c);
    for (int i = 0; i < 200 && high - low > 1e-11 * high; i++) {
        middle = middle > low && middle < high ? middle : 0.5 * (low + high);
        double value = dpm_account_lattice_delta(&lattice, middle);
        *(value <= target ? &high : &low) = middle;
        double step = value > 0.0 ? log(value / target) / (c + 1.0) : 0.0;
        middle = i % 4 == 3 ? -1.0 : middle + step + (step > 0.0 ? 1.0 : -1.0) * 4e-12 * high;
    }
    answer->bound = high;
    dpm_account_lattice_free(&lattice);
    return DPMIX_OK;
}

/* Both directions. */
static int ask_both(struct dpm_laws *laws, struct question *question, struct answer *answer)
{
    int symmetric = 1;
    for (size_t i = 0; i < laws->n; i++)
        symmetric &= dpm_account_loss_symmetric(&laws->law[i]);
    if (dpm_account_lattice_serves(laws) && within_reach(laws)) {
        int lattice = ask_lattice(laws, question, answer);
        if (lattice != DPMIX_ERR_RANGE)
            return lattice;
    }
    answer->bound = question->for_epsilon ? 0.0 : -INFINITY;
    answer->excess = 0.0;
    int status = DPMIX_OK;
    if (within_reach(laws))
        status = ask_direction(laws, DPM_LOSS_REMOVE, question, answer);
    else
        *answer = (struct answer){question->for_epsilon ? INFINITY : 0.0, INFINITY};
    if (!status && !symmetric && within_reach(laws))
        status = ask_direction(laws, DPM_LOSS_ADD, question, answer);
    if (question->for_epsilon && !(laws->mu > 0.0)) { /* no loss is larger than the sum of the largest */
        double sum = 0.0;
        for (size_t i = 0; i < laws->n; i++)
            sum += laws->law[i].count * fmax(dpm_account_loss_largest(&laws->law[i], DPM_LOSS_REMOVE),
                                             dpm_account_loss_largest(&laws->law[i], DPM_LOSS_ADD));
        answer->bound = fmin(answer->bound, sum * (1.0 + 1e-12));
    }
    return status;
}

int dpm_account_exact_epsilon(double *epsilon, const struct dpm_event *events, size_t n, int adjacency,
                              int group, double delta, double *excess)
{
    struct dpm_laws laws = {.law = dpm_alloc(n, sizeof *laws.law)};
    if (!laws.law)
        return DPMIX_ERR_NOMEM;
    dpm_account_laws(&laws, events, n, adjacency, group);
    int status = DPMIX_OK;
    double known = 0.0;
    double failure = -expm1(laws.log_success), result = INFINITY;
    /* delta0 + (1 - delta0) rest */
    double rest = (delta - failure * (1.0 + 4.0 * DBL_EPSILON)) / (1.0 - failure);
    if (failure > 0.0 ? rest > 0.0 : 1) {
        double left = failure > 0.0 ? rest : delta;
        if (laws.n == 0) {
            result = dpm_account_gauss_epsilon(laws.mu, left);
        } else if (dpm_account_law_single(&laws)) {
            result = dpm_account_law_epsilon(laws.law, left);
        } else if (within_delta(&laws, left)) {
            result = 0.0;
        } else {
            struct question question = {0.0, log(left), 1, -INFINITY};
            struct answer answer;
            status = ask_both(&laws, &question, &answer);
            result = answer.bound * SAFE;
            known = answer.excess;
        }
    }
    dpm_free(laws.law);
    if (status)
        return status;
    *epsilon = result;
    if (excess)
        *excess = known;
    return DPMIX_OK;
}

int dpm_account_exact_delta(double *delta, const struct dpm_event *events, size_t n, int adjacency, int group,
                            double epsilon, double *excess)
{
    struct dpm_laws laws = {.law = dpm_alloc(n, sizeof *laws.law)};
    if (!laws.law)
        return DPMIX_ERR_NOMEM;
    dpm_account_laws(&laws, events, n, adjacency, group);
    int status = DPMIX_OK;
    double known = 0.0;
    double failure = -expm1(laws.log_success), rest;
    if (laws.n == 0) {
        rest = dpm_account_gauss_delta(laws.mu, epsilon);
    } else if (dpm_account_law_single(&laws)) {
        rest = dpm_account_law_delta(laws.law, epsilon);
    } else {
        struct question question = {epsilon, NAN, 0, -INFINITY};
        struct answer answer;
        status = ask_both(&laws, &question, &answer);
        rest = fmin(fmax(exp(answer.bound) * SAFE, DBL_MIN), 1.0); /* rounded up, not to 0 */
        known = answer.excess;
    }
    dpm_free(laws.law);
    if (status)
        return status;
    *delta = fmin((failure + (1.0 - failure) * rest) * (failure > 0.0 ? 1.0 + 8.0 * DBL_EPSILON : 1.0), 1.0);
    if (excess)
        *excess = known;
    return DPMIX_OK;
}
