/* SPDX-License-Identifier: BSD-3-Clause */
/* The privacy loss of one run of a mechanism. For a pair of output laws P, Q the loss is the random number
 * l = log(P/Q), drawn from P, and M(z) = E[exp(z l)] is its moment generating function. A table holds nodes
 * and weights such that, on the line z = c + iy, M is a finite sum. doc/privacy.md has the derivations. */
#ifndef DPM_ACCOUNT_LOSS_H
#define DPM_ACCOUNT_LOSS_H

#include "account_event.h"

#include <stddef.h>

enum { DPM_LOSS_MAX_GROUP = 64 };

enum {
    DPM_LOSS_REMOVE, /* P is the law of the outputs with the record, Q without it */
    DPM_LOSS_ADD,    /* the other way round */
};

enum {
    DPM_SHAPE_MIXTURE = 1, /* (1 - q) N(0) + q N(1) against N(0); a group of k: N(j) with binomial weights */
    DPM_SHAPE_REPLACE,     /* (1 - q) N(0) + q N(1) against (1 - q) N(0) + q N(-1) */
    DPM_SHAPE_RESPONSE,    /* losses +e and -e: randomised response, pure events, the geometric mechanism */
    DPM_SHAPE_STEPS,       /* losses +2e, 0, -2e: the geometric mechanism with a sensitivity of 2 */
    DPM_SHAPE_LAPLACE,     /* atoms at +-e and a density between them; sampled when the rate is below 1 */
};

/* Mechanisms of one kind with the same parameters. */
struct dpm_law {
    int shape;    /* DPM_SHAPE_* */
    int group;    /* records that differ; more than 1 for Gaussian mechanisms only */
    double rate;  /* the probability that a record takes part */
    double noise; /* Gaussian: deviation over reach; Laplace and its kin: 1 / epsilon */
    double count;
    /* Gaussian laws: outcomes in units of the noise beyond `limit`, behind a smooth step, are left out;
     * they count as failures. INFINITY: none. */
    double limit;
};

/* What remains of a list of events: one Gaussian mechanism, laws of other shapes, and a chance of total
 * failure (the deltas of pure events). */
struct dpm_laws {
    double mu;          /* of all Gaussian mechanisms, rounded up */
    double log_success; /* log of the probability that no pure event fails */
    size_t n;
    struct dpm_law *law; /* room for as many as there are events */
};

/* The weights are those of the law tilted by exp(c l): with what is lost they sum to 1, and
 * M(c + iy) = exp(log_moment) * sum of weight * exp(i y loss) for from <= |y| <= reach. */
struct dpm_loss_table {
    double c;
    /* weight of large losses whose share of M is negligible on the stretch of the line at hand */
    double lost;
    double log_moment, mean, variance;
    double size;      /* mean of |loss| */
    double atoms;     /* the largest that |M(c + iy)| / M(c) can stay at as y grows */
    double variation; /* and what that is approached with: it is at most atoms + variation / y */
    size_t n, capacity;
    double *memory;
    double *loss, *weight;
    double *place; /* where the node lies, on a scale on which the loss grows */
};

/* Sorts checked events into laws. laws->law must have room for n. group >= 1 records differ. */
void dpm_account_laws(struct dpm_laws *laws, const struct dpm_event *events, size_t n, int adjacency,
                      int group);

/* Fills the table for one run of the law, in a direction DPM_LOSS_*, on the line c > 0, with nodes that
 * resolve from <= |y| <= reach (the moments are right for from = 0 only); `runs` is how often errors will
 * count. With `fine` the node distance is halved until it makes no difference. The table may be one of
 * before, or all zeros. Returns DPMIX_ERR_NOMEM when memory is out, and DPMIX_ERR_RANGE, without a message,
 * when too many nodes would be needed. */
int dpm_account_loss_table(struct dpm_loss_table *table, const struct dpm_law *law, int direction, double c,
                           double from, double reach, double runs, int fine);
void dpm_account_loss_free(struct dpm_loss_table *table);

/* Sampled Gaussians: a bound on |M(c + iy)| / M(c), the sum of the sizes of its components' parts, so that
 * none cancels another: each is one normal law of outputs, and its loss has a density with one hump. */
double dpm_account_loss_apart(const struct dpm_loss_table *table, const struct dpm_law *law, double y);

/* The law at one place t of its density: outcomes in units of the noise, or for Laplace noise places in
 * (-1, 1); its atoms are not part of that. The loss grows with t, or falls. */
struct dpm_loss_spot {
    double log_p, loss;
    double slope; /* of the loss, in units of 1 / noise; Gaussian laws only */
};

/* log_weight: the group + 1 binomial weights, of dpm_account_loss_weights; not read for a group of 1. */
struct dpm_loss_spot dpm_account_loss_spot(const struct dpm_law *law, int direction, const double *log_weight,
                                           double t);
void dpm_account_loss_weights(double *log_weight, const struct dpm_law *law);

/* log(1 - q + q exp(x)), and the weight of the second term in *share. */
double dpm_account_loss_mixture(double q, double x, double *share);

/* Sets the limit so that outcomes beyond it have a probability of at most exp(log_failure) a run, to be
 * added to delta count times; for the direction add, and for other laws, there is none. Returns whether
 * there is one. */
int dpm_account_loss_limit(struct dpm_law *law, int direction, double log_failure);

/* Whether both directions of the law are the same. */
int dpm_account_loss_symmetric(const struct dpm_law *law);

/* Whether the laws are one run of one mechanism with a closed form; its epsilon and delta, rounded up. */
int dpm_account_law_single(const struct dpm_laws *laws);
double dpm_account_law_epsilon(const struct dpm_law *law, double delta);
double dpm_account_law_delta(const struct dpm_law *law, double epsilon);

/* The same for a group of more than one and a sampled Gaussian mechanism. */
double dpm_account_law_group_epsilon(const struct dpm_law *law, double delta);
double dpm_account_law_group_delta(const struct dpm_law *law, double epsilon);

/* The law's largest loss; INFINITY when it has none. */
double dpm_account_loss_largest(const struct dpm_law *law, int direction);

#endif
