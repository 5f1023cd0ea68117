/* SPDX-License-Identifier: BSD-3-Clause */
#include "account_contour.h"
#include "base_alloc.h"
#include "base_numbers.h"

#include <dpmix/status.h>

#include <float.h>
#include <math.h>
#include <string.h>

#define TAIL 1e-13       /* what may be left out at the end of a line, relative */
#define APART_TAIL 1e-11 /* and as a bound on it with components apart, which may be far above it */
#define UNEVEN_WORK 15.0 /* a node of an uneven line, in nodes of an even one */
#define TABLE_WORK 60.0  /* a node of a table when it is made, in nodes of a line times nodes of a table */

enum { BLOCK = 16, CHUNK = 32, MAX_LINE = 1 << 16 };

/* Sums over a table at BLOCK nodes of a line: M(c + iy) / M(c) = 1 - fall + i turn. */
struct sums {
    double fall[BLOCK], turn[BLOCK];
};

/* The logarithm of the integrand over M(c), node by node. */
struct logs {
    double re[BLOCK], im[BLOCK], fault[BLOCK];
    double atoms[BLOCK]; /* bound on what laws with atoms have from here on */
};

int dpm_account_contour_new(struct dpm_contour *contour, const struct dpm_laws *laws, int direction)
{
    memset(contour, 0, sizeof *contour);
    contour->laws = laws;
    contour->direction = direction;
    contour->table = dpm_alloc(laws->n, sizeof *contour->table);
    return contour->table ? DPMIX_OK : DPMIX_ERR_NOMEM;
}

void dpm_account_contour_free(struct dpm_contour *contour)
{
    for (size_t i = 0; contour->table && i < contour->laws->n; i++)
        dpm_account_loss_free(&contour->table[i]);
    dpm_free(contour->table);
    dpm_free(contour->memory);
    memset(contour, 0, sizeof *contour);
}

double dpm_account_contour_factor(double c)
{
    return -c * log1p(1.0 / c) - log1p(c);
}

static int fill_tables(struct dpm_contour *contour, double c, double from, double reach, int fine)
{
    const struct dpm_laws *laws = contour->laws;
    for (size_t i = 0; i < laws->n; i++) {
        int status = dpm_account_loss_table(&contour->table[i], &laws->law[i], contour->direction, c, from,
                                            reach, laws->law[i].count, fine);
        if (status)
            return status;
    }
    return DPMIX_OK;
}

static void take_moments(struct dpm_contour *contour, double c)
{
    const struct dpm_laws *laws = contour->laws;
    double square = laws->mu * laws->mu;
    contour->c = c;
    contour->log_moment = 0.5 * square * c * (c + 1.0);
    contour->slope = square * (c + 0.5);
    contour->curvature = square;
    contour->error = 8.0 * DPM_UNIT_ROUNDOFF * contour->log_moment;
    for (size_t i = 0; i < laws->n; i++) {
        const struct dpm_loss_table *table = &contour->table[i];
        double count = laws->law[i].count;
        contour->log_moment += count * table->log_moment;
        contour->slope += count * table->mean;
        contour->curvature += count * table->variance;
        /* Sums of positive terms; a loss is rounded by 4 units, its exponent by one. */
        contour->error +=
            count * DPM_UNIT_ROUNDOFF * ((double)table->n + 80.0) * table->log_moment +
            count * DPM_UNIT_ROUNDOFF * 8.0 * c * table->size * fmin(1.0, (1.0 + c) * table->size);
    }
}

int dpm_account_contour_moments(struct dpm_contour *contour, double c)
{
    int status = fill_tables(contour, c, 0.0, 0.0, 0);
    if (!status)
        take_moments(contour, c);
    return status;
}

/* Node by node in a table, for BLOCK nodes of a line from y on: sine and versine (1 - cosine) go from node
 * to node by a rotation that keeps the relative accuracy of both. */
static void sum_chunk(struct sums *sums, const struct dpm_loss_table *table, size_t from, size_t to,
                      const double *at, int even)
{
    double y = at[0], step = at[1] - at[0];
    memset(sums, 0, sizeof *sums);
    for (size_t j = from; j < to; j++) {
        double w = table->weight[j], half = sin(0.5 * y * table->loss[j]);
        double versine = 2.0 * half * half, sine = 2.0 * half * cos(0.5 * y * table->loss[j]);
        double small = sin(0.5 * step * table->loss[j]);
        double a = 2.0 * small * small, b = 2.0 * small * cos(0.5 * step * table->loss[j]);
        for (int k = 0; k < BLOCK; k++) {
            sums->fall[k] += w * versine;
            sums->turn[k] += w * sine;
            if (even) {
                double next = versine + (a * (1.0 - versine) + b * sine);
                sine += b * (1.0 - versine) - a * sine;
                versine = next;
            } else if (k + 1 < BLOCK) {
                half = sin(0.5 * at[k + 1] * table->loss[j]);
                versine = 2.0 * half * half;
                sine = 2.0 * half * cos(0.5 * at[k + 1] * table->loss[j]);
            }
        }
    }
}

/* A sum of sums over CHUNK nodes each: its rounding error grows with n / CHUNK. */
static void sum_table(struct sums *sums, const struct dpm_loss_table *table, const double *at, int even)
{
    struct sums part;
    memset(sums, 0, sizeof *sums);
    for (size_t from = 0; from < table->n; from += CHUNK) {
        sum_chunk(&part, table, from, table->n - from < CHUNK ? table->n : from + CHUNK, at, even);
        for (int k = 0; k < BLOCK; k++) {
            sums->fall[k] += part.fall[k];
            sums->turn[k] += part.turn[k];
        }
    }
    for (int k = 0; k < BLOCK; k++)
        sums->fall[k] += table->lost;
}

static void add_law(struct logs *logs, const struct dpm_law *law, const struct dpm_loss_table *table,
                    const struct sums *sums, const double *place)
{
    for (int k = 0; k < BLOCK; k++) {
        double fall = sums->fall[k], turn = sums->turn[k], at = place[k];
        double square = fmax((1.0 - fall) * (1.0 - fall) + turn * turn, DBL_MIN);
        double change = -2.0 * fall + fall * fall + turn * turn;
        logs->re[k] += 0.5 * law->count * (change > -0.5 ? log1p(change) : log(square));
        logs->im[k] += law->count * atan2(turn, 1.0 - fall);
        logs->fault[k] += law->count * DPM_UNIT_ROUNDOFF * ((double)table->n / CHUNK + CHUNK + 4.0 * BLOCK) *
                          (fmin(fall, 2.0) + fmin(1.0, at * table->size)) / sqrt(square);
        if (table->atoms > 0.0)
            logs->atoms[k] +=
                law->count * log(fmin(1.0, table->atoms + table->variation / fmax(at, DBL_MIN)));
    }
}

static int reserve(struct dpm_contour *contour, size_t n)
{
    if (n <= contour->capacity)
        return DPMIX_OK;
    if (n > MAX_LINE)
        return DPMIX_ERR_RANGE;
    size_t capacity = contour->capacity ? 4 * contour->capacity : 256;
    double *memory = dpm_alloc(capacity, 4 * sizeof *memory);
    if (!memory)
        return DPMIX_ERR_NOMEM;
    double *arrays[4] = {contour->y, contour->re, contour->im, contour->fault};
    for (size_t i = 0; i < 4 && contour->n > 0; i++)
        memcpy(memory + i * capacity, arrays[i], contour->n * sizeof *memory);
    dpm_free(contour->memory);
    contour->memory = contour->y = memory;
    contour->re = memory + capacity;
    contour->im = memory + 2 * capacity;
    contour->fault = memory + 3 * capacity;
    contour->capacity = capacity;
    return DPMIX_OK;
}

/* Where the line is at u, and its derivative in *slope. Graded, y = b asinh(c/b sinh(u)): close to the pole
 * and the saddle nodes lie a part of c apart, far from them a part of b. */
static double line_at(const struct dpm_contour *contour, double u, double *slope)
{
    *slope = 1.0;
    if (!(contour->grade > 0.0))
        return u;
    double part = contour->c / contour->grade, x = part * sinh(fmin(u, 600.0));
    *slope = contour->grade * part * cosh(fmin(u, 600.0)) / sqrt(1.0 + x * x);
    return contour->grade * asinh(x);
}

/* Appends BLOCK nodes from u on. *decay is the largest |M(z)| / M(c) among them, laws with atoms at their
 * bound for all that follows. */
static int add_block(struct dpm_contour *contour, double u0, double step, double *decay)
{
    const struct dpm_laws *laws = contour->laws;
    int status = reserve(contour, contour->n + BLOCK);
    if (status)
        return status;
    struct logs logs;
    struct sums sums;
    memset(&logs, 0, sizeof logs);
    double free_re[BLOCK] = {0.0}, place[BLOCK], slope[BLOCK];
    for (int k = 0; k < BLOCK; k++)
        place[k] = line_at(contour, u0 + k * step, &slope[k]);
    for (size_t i = 0; i < laws->n; i++) {
        sum_table(&sums, &contour->table[i], place, !(contour->grade > 0.0));
        add_law(&logs, &laws->law[i], &contour->table[i], &sums, place);
        if (contour->table[i].atoms > 0.0)
            continue;
        for (int k = 0; k < BLOCK; k++) {
            double fall = sums.fall[k], turn = sums.turn[k];
            free_re[k] +=
                0.5 * laws->law[i].count * log(fmax((1.0 - fall) * (1.0 - fall) + turn * turn, DBL_MIN));
        }
    }
    double c = contour->c, square = laws->mu * laws->mu;
    *decay = 0.0;
    for (int k = 0; k < BLOCK; k++) {
        double at = place[k], gauss = -0.5 * square * at * at;
        double re = logs.re[k] + gauss, im = logs.im[k] + 0.5 * square * (2.0 * c + 1.0) * at;
        double size = exp(re), a = size * cos(im), b = size * sin(im);
        double fault = logs.fault[k] + DPM_UNIT_ROUNDOFF * (16.0 + 4.0 * fabs(re) + 4.0 * fabs(im));
        double bound = exp(free_re[k] + gauss + logs.atoms[k]);
        /* 1 / (z (z + 1)), z (z + 1) = c (c + 1) - y^2 + i y (2 c + 1) */
        double u = c * (c + 1.0) - at * at, v = at * (2.0 * c + 1.0);
        double norm = (c * c + at * at) * ((c + 1.0) * (c + 1.0) + at * at);
        size_t n = contour->n++;
        contour->y[n] = at;
        contour->re[n] = (a * u + b * v) / norm * slope[k];
        contour->im[n] = (b * u - a * v) / norm * slope[k];
        contour->fault[n] = size / sqrt(norm) * fmin(fault, 2.0) * slope[k];
        *decay = fmax(*decay, bound);
    }
    return DPMIX_OK;
}

/* Makes the tables for the stretch of the line that ends beyond y: the first is of length `stretch`, each
 * other one as long as all before it together. */
static int prepare(struct dpm_contour *contour, double y)
{
    double from = 0.0, reach = contour->stretch, inner = 0.0;
    while (reach < y) {
        from = reach;
        reach *= 2.0;
    }
    if (reach == contour->prepared)
        return DPMIX_OK;
    contour->prepared = 0.0;
    int status = fill_tables(contour, contour->c, from, reach, 1);
    if (status)
        return status;
    if (from == 0.0)
        take_moments(contour, contour->c);
    for (size_t i = 0; i < contour->laws->n; i++)
        inner += (double)contour->table[i].n;
    contour->inner = inner;
    contour->work -= TABLE_WORK * inner;
    contour->prepared = reach;
    return DPMIX_OK;
}

/* |M(z)| / M(c) at c + iy, but laws with atoms at their bound for all larger y, and the components of sampled
 * Gaussians at their own size each: where those cancel, they do so for some y only, and |M| rises again. */
static double apart(const struct dpm_contour *contour, double y)
{
    const struct dpm_laws *laws = contour->laws;
    double log_size = -0.5 * laws->mu * laws->mu * y * y;
    for (size_t i = 0; i < laws->n; i++) {
        const struct dpm_loss_table *table = &contour->table[i];
        double size = table->atoms > 0.0 ? table->atoms + table->variation / y
                                         : dpm_account_loss_apart(table, &laws->law[i], y);
        log_size += laws->law[i].count * log(fmin(fmax(size, DBL_MIN), 1.0));
    }
    return exp(log_size);
}

/* Whether what lies beyond y is negligible, if |M| stays below what it was in the last fifth of the way: the
 * integral of 1 / |z (z + 1)| from y on is at most 1 / y. */
static int ends(struct dpm_contour *contour, double decay, double y, double part)
{
    double c = contour->c, scale = contour->width / (c * (c + 1.0));
    contour->tail = 2.0 * decay / (DPM_PI * y);
    return contour->tail <= part * scale;
}

/* BLOCK nodes from u on, with all that they need. */
static int go_on(struct dpm_contour *contour, double u, double step, double *decay)
{
    double slope;
    int status = prepare(contour, line_at(contour, u + (BLOCK - 1) * step, &slope));
    if (status)
        return status;
    contour->work -= BLOCK * contour->inner * (contour->grade > 0.0 ? UNEVEN_WORK : 1.0);
    return contour->work < 0.0 ? DPMIX_ERR_RANGE : add_block(contour, u, step, decay);
}

/* Where the line may be graded: far out, where no other loss is left than the least ones, the integrand
 * turns with epsilon less those. 0 where an even line is as good. */
static double grade_for(const struct dpm_contour *contour, double epsilon)
{
    double frequency = epsilon;
    for (size_t i = 0; i < contour->laws->n; i++) {
        const struct dpm_law *law = &contour->laws->law[i];
        if (law->shape != DPM_SHAPE_MIXTURE && law->shape != DPM_SHAPE_REPLACE)
            return 0.0;
        frequency -= law->count * law->group * log1p(-law->rate);
    }
    return 1.5 / frequency > 4.0 * contour->c ? 1.5 / frequency : 0.0;
}

int dpm_account_contour_line(struct dpm_contour *contour, double c, double epsilon, int graded)
{
    int status = fill_tables(contour, c, 0.0, 0.0, 0);
    if (status)
        return status;
    take_moments(contour, c);
    contour->n = 0;
    contour->prepared = 0.0;
    contour->width = 1.0 / sqrt(contour->curvature + 1.0 / (c * c) + 1.0 / ((1.0 + c) * (1.0 + c)));
    contour->step = fmin(0.2 * c, 0.5 * contour->width);
    contour->stretch = 34.0 * contour->step;
    contour->grade = graded ? grade_for(contour, epsilon) : 0.0;
    if (contour->grade > 0.0)
        contour->step = 0.25;
    double step = contour->step, window = 0.0, last = 0.0, window_end = 0.0, u = 0.0;
    for (int done = 0; !done;) {
        double decay, slope;
        status = go_on(contour, u, step, &decay);
        if (status)
            return status;
        u += BLOCK * step;
        window = fmax(window, decay);
        double y = line_at(contour, u - step, &slope);
        if (y >= window_end) {
            double most = fmax(window, last);
            done =
                ends(contour, most, y, TAIL) && ends(contour, fmax(most, apart(contour, y)), y, APART_TAIL);
            last = window, window = 0.0;
            window_end = 1.15 * y;
        }
    }
    return dpm_account_contour_halve(contour);
}

int dpm_account_contour_halve(struct dpm_contour *contour)
{
    size_t n = contour->n;
    double decay;
    for (size_t i = 0; i < n; i += BLOCK) {
        int status = go_on(contour, ((double)i + 0.5) * contour->step, contour->step, &decay);
        if (status)
            return status;
    }
    contour->n_coarse = n;
    contour->step *= 0.5;
    return prepare(contour, 0.0);
}

struct dpm_contour_value dpm_account_contour_value(const struct dpm_contour *contour, double epsilon)
{
    double sum = -0.5 * contour->re[0], slope = -0.5 * contour->c * contour->re[0], coarse = 0.0, fault = 0.0;
    double c = contour->c;
    for (size_t i = 0; i < contour->n; i++) {
        double y = contour->y[i], turn = y * epsilon, cosine = cos(turn), sine = sin(turn);
        double re = contour->re[i] * cosine + contour->im[i] * sine;
        double im = contour->im[i] * cosine - contour->re[i] * sine;
        sum += re;
        slope += c * re - y * im;
        fault += contour->fault[i] +
                 DPM_UNIT_ROUNDOFF * (turn + 4.0) * (fabs(contour->re[i]) + fabs(contour->im[i]));
        if (i + 1 == contour->n_coarse)
            coarse = sum;
    }
    double scale = contour->step / DPM_PI, error = scale * fault + contour->tail;
    double upper = scale * sum + error;
    struct dpm_contour_value value = {INFINITY, 0.0, INFINITY, INFINITY};
    if (!(upper > 0.0))
        return value;
    double exponent = contour->log_moment - c * epsilon;
    value.log_delta = log(upper) + exponent + contour->error +
                      DPM_UNIT_ROUNDOFF * (8.0 + 4.0 * contour->log_moment + 4.0 * c * epsilon);
    value.slope = -slope * scale / upper;
    /* of the coarse rule; the fine one's is its square */
    value.rough = fabs(2.0 * coarse - sum) * scale / upper;
    value.excess = error / upper + value.rough * value.rough + contour->error;
    if (contour->grade > 0.0) { /* nothing says that the error is positive: see doc/privacy.md */
        double more = fmin(value.rough * sqrt(value.rough), value.rough);
        value.log_delta += log1p(more);
        value.excess += more;
    }
    return value;
}
