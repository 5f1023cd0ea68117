/* SPDX-License-Identifier: BSD-3-Clause */
#include <dpmix/dpmix.h>

#include "account_audit.h"
#include "api_check.h"
#include "base_alloc.h"
#include "base_environment.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>

enum {
    GRID = 5
}; /* numbers of guesses that are tried when the caller names none: n >> 0, ..., n >> (GRID - 1) */

/* What a call asks for; `gaussian` says which of the two bounds. */
struct request {
    int gaussian;
    double delta, alpha;
};

struct bound {
    double mu, epsilon;
};

/* ---- Arguments ---- */

static int check_terms(struct request *request, double confidence)
{
    if (request->gaussian && !(request->delta > 0 && request->delta < 1))
        return dpm_fail(DPMIX_ERR_RANGE, "delta: must lie in (0, 1)");
    if (!(request->delta >= 0 && request->delta < 1))
        return dpm_fail(DPMIX_ERR_RANGE, "delta: must lie in [0, 1)");
    if (!(confidence > 0 && confidence < 1))
        return dpm_fail(DPMIX_ERR_RANGE, "confidence: must lie in (0, 1)");
    request->alpha = (1 - confidence) * (1 - DBL_EPSILON);
    return DPMIX_OK;
}

static int check_canaries(const double *scores, const uint8_t *included, size_t n, size_t in, size_t out)
{
    if (!scores)
        return dpm_fail(DPMIX_ERR_ARG, "scores: NULL");
    if (!included)
        return dpm_fail(DPMIX_ERR_ARG, "included: NULL");
    if (n == 0)
        return dpm_fail(DPMIX_ERR_RANGE, "n_canaries: must be at least 1");
    if (in > n || out > n - in)
        return dpm_fail(DPMIX_ERR_RANGE, "guesses_in, guesses_out: together more than n_canaries");
    int status = dpm_api_length("n_canaries", n, sizeof *scores);
    for (size_t i = 0; !status && i < n; i++) {
        if (isnan(scores[i]))
            return dpm_fail(DPMIX_ERR_RANGE, "scores: must not hold NaN");
        if (included[i] > 1)
            return dpm_fail(DPMIX_ERR_RANGE, "included: must hold 0 and 1 only");
    }
    return status;
}

/* ---- Guesses ---- */

struct canary {
    double score;
    size_t position;
    int included;
};

static int by_score(const void *left, const void *right)
{
    const struct canary *a = left, *b = right;
    if (a->score != b->score)
        return a->score < b->score ? -1 : 1;
    return a->position < b->position ? -1 : 1;
}

/* NULL when memory is out. The order is one of scores and positions alone: the coins have no part in it. */
static struct canary *ranked(const double *scores, const uint8_t *included, size_t n)
{
    struct canary *canaries = dpm_alloc(n, sizeof *canaries);
    for (size_t i = 0; canaries && i < n; i++)
        canaries[i] = (struct canary){scores[i], i, included[i]};
    if (canaries)
        qsort(canaries, n, sizeof *canaries, by_score);
    return canaries;
}

static struct dpm_audit guess(const struct canary *canaries, size_t n, size_t in, size_t out)
{
    struct dpm_audit audit = {n, in + out, 0};
    for (size_t i = 0; i < out; i++)
        audit.right += !canaries[i].included;
    for (size_t i = n - in; i < n; i++)
        audit.right += canaries[i].included;
    return audit;
}

/* ---- Bounds ---- */

static struct bound bound_of(const struct dpm_audit *audit, const struct request *request, double alpha)
{
    struct bound bound = {0, 0};
    fenv_t environment = dpm_environment_enter();
    if (request->gaussian) {
        bound.mu = dpm_account_audit_mu(audit, alpha);
        bound.epsilon = dpm_account_audit_gauss_epsilon(bound.mu, request->delta);
    } else {
        bound.epsilon = dpm_account_audit_epsilon(audit, request->delta, alpha);
    }
    dpm_environment_leave(&environment);
    return bound;
}

/* Each bound of the grid fails with probability alpha / GRID at most, so that none does but for alpha. */
static struct bound best_of_grid(const struct canary *canaries, size_t n, const struct request *request)
{
    struct bound best = {0, 0};
    for (int i = 0; i < GRID; i++) {
        size_t guesses = n >> i;
        struct dpm_audit audit = guess(canaries, n, guesses - guesses / 2, guesses / 2);
        struct bound bound = bound_of(&audit, request, request->alpha / GRID * (1 - DBL_EPSILON));
        if (bound.mu > best.mu || bound.epsilon > best.epsilon)
            best = bound;
    }
    return best;
}

static int audit_scores(struct bound *bound, const double *scores, const uint8_t *included, size_t n,
                        size_t in, size_t out, const struct request *request)
{
    int status = check_canaries(scores, included, n, in, out);
    if (status)
        return status;
    struct canary *canaries = ranked(scores, included, n);
    if (!canaries)
        return DPMIX_ERR_NOMEM;
    if (in + out > 0) {
        struct dpm_audit audit = guess(canaries, n, in, out);
        *bound = bound_of(&audit, request, request->alpha);
    } else {
        *bound = best_of_grid(canaries, n, request);
    }
    dpm_free(canaries);
    return DPMIX_OK;
}

static int audit_count(struct bound *bound, size_t n, size_t guesses, size_t right,
                       const struct request *request)
{
    if (n == 0)
        return dpm_fail(DPMIX_ERR_RANGE, "n_canaries: must be at least 1");
    if (guesses > n)
        return dpm_fail(DPMIX_ERR_RANGE, "n_guesses: more than n_canaries");
    if (right > guesses)
        return dpm_fail(DPMIX_ERR_RANGE, "n_right: more than n_guesses");
    struct dpm_audit audit = {n, guesses, right};
    *bound = bound_of(&audit, request, request->alpha);
    return DPMIX_OK;
}

/* ---- Public ---- */

int dpmix_audit_epsilon(double *epsilon, const double *scores, const uint8_t *included, size_t n_canaries,
                        size_t guesses_in, size_t guesses_out, double delta, double confidence)
{
    struct request request = {0, delta, 0};
    struct bound bound = {0, 0};
    API_NEED(epsilon);
    int status = check_terms(&request, confidence);
    if (!status)
        status = audit_scores(&bound, scores, included, n_canaries, guesses_in, guesses_out, &request);
    if (!status)
        *epsilon = bound.epsilon;
    API_RETURN(status);
}

int dpmix_audit_gaussian(double *mu, double *epsilon, const double *scores, const uint8_t *included,
                         size_t n_canaries, size_t guesses_in, size_t guesses_out, double delta,
                         double confidence)
{
    struct request request = {1, delta, 0};
    struct bound bound = {0, 0};
    API_NEED(mu);
    API_NEED(epsilon);
    int status = check_terms(&request, confidence);
    if (!status)
        status = audit_scores(&bound, scores, included, n_canaries, guesses_in, guesses_out, &request);
    if (!status)
        *mu = bound.mu, *epsilon = bound.epsilon;
    API_RETURN(status);
}

int dpmix_audit_epsilon_count(double *epsilon, size_t n_canaries, size_t n_guesses, size_t n_right,
                              double delta, double confidence)
{
    struct request request = {0, delta, 0};
    struct bound bound = {0, 0};
    API_NEED(epsilon);
    int status = check_terms(&request, confidence);
    if (!status)
        status = audit_count(&bound, n_canaries, n_guesses, n_right, &request);
    if (!status)
        *epsilon = bound.epsilon;
    API_RETURN(status);
}

int dpmix_audit_gaussian_count(double *mu, double *epsilon, size_t n_canaries, size_t n_guesses,
                               size_t n_right, double delta, double confidence)
{
    struct request request = {1, delta, 0};
    struct bound bound = {0, 0};
    API_NEED(mu);
    API_NEED(epsilon);
    int status = check_terms(&request, confidence);
    if (!status)
        status = audit_count(&bound, n_canaries, n_guesses, n_right, &request);
    if (!status)
        *mu = bound.mu, *epsilon = bound.epsilon;
    API_RETURN(status);
}
