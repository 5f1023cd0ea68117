/* SPDX-License-Identifier: BSD-3-Clause */
/* Minimises a smooth function of many variables: limited-memory BFGS (Liu and Nocedal 1989). */
#ifndef EXAMPLE_LBFGS_H
#define EXAMPLE_LBFGS_H

#include <stddef.h>

/* The value at `point`, and its gradient; `user` is the caller's. */
typedef double (*lbfgs_function)(void *user, double *gradient, const double *point);

struct lbfgs_limits {
    int iterations;           /* at most */
    double relative_gradient; /* converged when the gradient's norm fell below this part of the first one */
    double relative_decrease; /* converged when ten iterations together gained less than this part */
};

struct lbfgs_result {
    int iterations;
    int converged;
    double value;
};

/* Starts at `point` and leaves the best point there. Returns 0, or -1 when memory is out. */
int lbfgs_minimise(struct lbfgs_result *result, double *point, size_t n, lbfgs_function function, void *user,
                   const struct lbfgs_limits *limits);

#endif
