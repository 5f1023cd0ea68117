/* SPDX-License-Identifier: BSD-3-Clause */
/* The hockey-stick divergence of a composition as an integral along a line in the complex plane,
 *
 *     delta(epsilon) = 1 / (2 pi i) * integral of M(z) exp(-z epsilon) / (z (z + 1)) dz,   z = c + iy, c > 0,
 *
 * M the product of the moment generating functions of all privacy losses, by the trapezoid rule. The rule's
 * own error is positive (each aliasing term is a delta), the others are bounded and added: what comes out is
 * an upper bound. doc/privacy.md has the derivation. */
#ifndef DPM_ACCOUNT_CONTOUR_H
#define DPM_ACCOUNT_CONTOUR_H

#include "account_loss.h"

/* The integrand on a line, for any epsilon. */
struct dpm_contour {
    const struct dpm_laws *laws;
    int direction;
    double c;
    double log_moment;       /* log M(c) */
    double slope, curvature; /* its derivatives */
    double width;            /* of the saddle */
    double step;
    double tail;              /* bound on what lies beyond the last node, over M(c) exp(-c epsilon) */
    double error;             /* bound on the relative error of M(c) */
    double stretch, prepared; /* the tables are made for stretches of the line; where theirs ends */
    double inner;             /* nodes of all tables */
    double work;              /* how much a line may cost, in nodes of the line times nodes of tables */
    double grade;             /* 0 for an even line, else how far apart its nodes may be at most, roughly */
    size_t n, n_coarse, capacity;
    double *memory, *y, *re, *im, *fault; /* nodes, integrand, and bound on its error */
    struct dpm_loss_table *table;         /* one a law */
};

/* What a contour says at one epsilon. */
struct dpm_contour_value {
    double log_delta; /* upper bound; -INFINITY where even that is not positive */
    double slope;     /* d log(delta) / d epsilon */
    double excess;    /* how far the bound may be above delta, relative */
    double rough;     /* what the last halving of the step changed, relative */
};

/* The laws must outlive the contour. Fails with DPMIX_ERR_NOMEM. */
int dpm_account_contour_new(struct dpm_contour *contour, const struct dpm_laws *laws, int direction);
void dpm_account_contour_free(struct dpm_contour *contour);

/* log M(c) and its derivatives, for looking around: no certain error. Fails as dpm_account_loss_table
 * does. */
int dpm_account_contour_moments(struct dpm_contour *contour, double c);

/* Prepares the line at c. Fails with DPMIX_ERR_RANGE, without a message, where the integral converges too
 * slowly. Graded: nodes lie further apart far out, where that saves some; epsilon must then be about the one
 * that is asked for. */
int dpm_account_contour_line(struct dpm_contour *contour, double c, double epsilon, int graded);

/* Halves the step of a line. Fails with DPMIX_ERR_RANGE, without a message, when its work is used up; the
 * line must then not be used. */
int dpm_account_contour_halve(struct dpm_contour *contour);

struct dpm_contour_value dpm_account_contour_value(const struct dpm_contour *contour, double epsilon);

/* log of the largest (1 - exp(-x)) exp(-c x) over x > 0: log(delta) <= log M(c) - c epsilon + this. */
double dpm_account_contour_factor(double c);

#endif
