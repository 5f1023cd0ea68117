/* SPDX-License-Identifier: BSD-3-Clause */
#include "lbfgs.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { MEMORY = 10, LINE_TRIALS = 40, WINDOW = 10 };

struct state {
    size_t n;
    lbfgs_function function;
    void *user;
    double *block; /* the one allocation that all vectors below lie in */
    double *point, *gradient, *direction;
    double *trial, *trial_gradient;
    double *steps, *changes; /* rings of MEMORY vectors: of the point, of the gradient */
    double curvature[MEMORY];
    int pairs; /* stored so far; the newest is pairs - 1, at its index modulo MEMORY */
};

static double dot(const double *a, const double *b, size_t n)
{
    double sum = 0.0;
    for (size_t i = 0; i < n; i++)
        sum += a[i] * b[i];
    return sum;
}

static void add_scaled(double *y, double scale, const double *x, size_t n)
{
    for (size_t i = 0; i < n; i++)
        y[i] += scale * x[i];
}

static int state_open(struct state *s, const double *start)
{
    const size_t vectors = 5 + 2 * MEMORY;
    if (s->n > SIZE_MAX / sizeof(double) / vectors)
        return -1;
    s->block = calloc(vectors * s->n, sizeof(double));
    if (!s->block)
        return -1;
    s->point = s->block;
    s->gradient = s->point + s->n;
    s->direction = s->gradient + s->n;
    s->trial = s->direction + s->n;
    s->trial_gradient = s->trial + s->n;
    s->steps = s->trial_gradient + s->n;
    s->changes = s->steps + MEMORY * s->n;
    memcpy(s->point, start, s->n * sizeof(double));
    return 0;
}

/* The two-loop recursion: direction = - (approximate inverse Hessian) * gradient. */
static void find_direction(struct state *s)
{
    const size_t n = s->n;
    const int oldest = s->pairs > MEMORY ? s->pairs - MEMORY : 0;
    double weights[MEMORY];
    for (size_t i = 0; i < n; i++)
        s->direction[i] = -s->gradient[i];
    if (s->pairs == 0)
        return;
    for (int k = s->pairs - 1; k >= oldest; k--) {
        const int slot = k % MEMORY;
        weights[slot] = dot(s->steps + slot * n, s->direction, n) / s->curvature[slot];
        add_scaled(s->direction, -weights[slot], s->changes + slot * n, n);
    }
    const int newest = (s->pairs - 1) % MEMORY;
    const double *change = s->changes + newest * n;
    const double scale = s->curvature[newest] / dot(change, change, n);
    for (size_t i = 0; i < n; i++)
        s->direction[i] *= scale;
    for (int k = oldest; k < s->pairs; k++) {
        const int slot = k % MEMORY;
        const double had = dot(s->changes + slot * n, s->direction, n) / s->curvature[slot];
        add_scaled(s->direction, weights[slot] - had, s->steps + slot * n, n);
    }
}

/* A step that satisfies the weak Wolfe conditions, by doubling and halving (Lewis and Overton 2013).
 * Leaves it in trial and trial_gradient; returns 0, or -1 when no step improves the value: then the point is
 * the minimum to the precision of the function. */
static int search_line(struct state *s, double *value)
{
    const double slope = dot(s->gradient, s->direction, s->n);
    const double length = sqrt(dot(s->direction, s->direction, s->n));
    if (!(slope < 0.0))
        return -1;
    double lower = 0.0, upper = INFINITY;
    double step = s->pairs > 0 ? 1.0 : 1.0 / fmax(1.0, length);
    for (int trial = 0; trial < LINE_TRIALS; trial++) {
        memcpy(s->trial, s->point, s->n * sizeof(double));
        add_scaled(s->trial, step, s->direction, s->n);
        const double now = s->function(s->user, s->trial_gradient, s->trial);
        if (!(now <= *value + 1e-4 * step * slope)) {
            upper = step;
        } else if (dot(s->trial_gradient, s->direction, s->n) < 0.9 * slope) {
            lower = step;
        } else {
            *value = now;
            return 0;
        }
        step = isinf(upper) ? 2.0 * lower : 0.5 * (lower + upper);
    }
    return -1;
}

static void accept(struct state *s)
{
    const int slot = s->pairs % MEMORY;
    double *step = s->steps + slot * s->n, *change = s->changes + slot * s->n;
    for (size_t i = 0; i < s->n; i++) {
        step[i] = s->trial[i] - s->point[i];
        change[i] = s->trial_gradient[i] - s->gradient[i];
    }
    s->curvature[slot] = dot(step, change, s->n);
    if (s->curvature[slot] > 0.0)
        s->pairs++;
    memcpy(s->point, s->trial, s->n * sizeof(double));
    memcpy(s->gradient, s->trial_gradient, s->n * sizeof(double));
}

int lbfgs_minimise(struct lbfgs_result *result, double *point, size_t n, lbfgs_function function, void *user,
                   const struct lbfgs_limits *limits)
{
    struct state s = {.n = n, .function = function, .user = user};
    double past[WINDOW];
    if (state_open(&s, point) != 0)
        return -1;
    double value = function(user, s.gradient, s.point);
    const double first = sqrt(dot(s.gradient, s.gradient, n));
    *result = (struct lbfgs_result){.value = value};
    while (result->iterations < limits->iterations && !result->converged) {
        past[result->iterations % WINDOW] = value;
        find_direction(&s);
        if (search_line(&s, &value) != 0) {
            result->converged = 1;
            break;
        }
        accept(&s);
        result->iterations++;
        const double norm = sqrt(dot(s.gradient, s.gradient, n));
        const double gained =
            result->iterations < WINDOW ? INFINITY : past[result->iterations % WINDOW] - value;
        result->converged =
            norm <= limits->relative_gradient * first || gained <= limits->relative_decrease * fabs(value);
    }
    result->value = value;
    memcpy(point, s.point, n * sizeof(double));
    free(s.block);
    return 0;
}
