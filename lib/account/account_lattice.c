/* SPDX-License-Identifier: BSD-3-Clause */
#include "account_lattice.h"
#include "account_legendre.h"
#include "base_alloc.h"
#include "base_numbers.h"

#include <dpmix/status.h>

#include <complex.h>
#include <math.h>
#include <string.h>

#define MOST_RUNS 20000.0 /* of Laplace noise */
#define MOST_ANSWERS 1e7  /* of a response */
#define TAIL 1e-12        /* what may be left out at the end of the line, relative */

enum { MAX_NODES = 1 << 18 };

int dpm_account_lattice_serves(const struct dpm_laws *laws)
{
    const struct dpm_law *law = laws->law;
    if (laws->n != 1 || laws->mu > 0.0)
        return 0;
    return (law->shape == DPM_SHAPE_RESPONSE && law->count <= MOST_ANSWERS) ||
           (law->shape == DPM_SHAPE_LAPLACE && law->rate >= 1.0 && law->count <= MOST_RUNS);
}

/* The integral of the density of k runs off the atoms, e/4-scaled exponentials on (-e, e), times
 * (1 - exp(x - l))_+, over l in (from, to): k = 1: exp((l - e)/2)/4; k = 2: exp(l/2 - e) (2e - |l|)/16. */
static double piece(const struct dpm_lattice *lattice, int k, double x, double from, double to)
{
    double e = lattice->e, sum = 0.0;
    from = fmax(from, x);
    if (!(from < to))
        return 0.0;
    double panels = ceil((to - from) / 4.0), width = (to - from) / panels;
    for (double p = 0.0; p < panels; p += 1.0)
        for (int i = 0; i < 16; i++) {
            double at = i < 8 ? dpm_legendre_node[i] : -dpm_legendre_node[i - 8];
            double l = from + width * (p + 0.5 + 0.5 * at);
            double density =
                k == 1 ? 0.25 * exp(0.5 * (l - e)) : 0.0625 * exp(0.5 * l - e) * (2.0 * e - fabs(l));
            sum += 0.5 * width * dpm_legendre_weight[i % 8] * density * -expm1(x - l);
        }
    return sum;
}

/* What the runs beyond an atom at s pay, k of them off the atoms. */
static double payoff(const struct dpm_lattice *lattice, int k, double x)
{
    double e = lattice->e;
    if (k == 0)
        return x < 0.0 ? -expm1(x) : 0.0;
    if (k == 1)
        return piece(lattice, 1, x, -e, e);
    return piece(lattice, 2, x, -2.0 * e, 0.0) + piece(lattice, 2, x, 0.0, 2.0 * e);
}

/* log(n!) less Stirling's formula, n >= 1. */
static double stirling_error(double n)
{
    double square = 1.0 / (n * n), factorial = 1.0;
    for (double i = 2.0; n < 16.0 && i <= n; i += 1.0)
        factorial *= i;
    if (n < 16.0)
        return log(factorial) - (n + 0.5) * log(n) + n - DPM_LOG_SQRT_TWO_PI;
    return (1.0 / 12 - (1.0 / 360 - (1.0 / 1260 - square / 1680) * square) * square) / n;
}

/* log of the chance that j of m runs on an atom are at -e. In this form (Loader 2000) terms are as large as j
 * is far from what is likely; logarithms of factorials of 10^7 would cost eight digits. */
static double log_weight_of(const struct dpm_lattice *lattice, double m, double j)
{
    double rest = m - j, down = m * lattice->down, up = m * lattice->up;
    if (j == 0.0 || rest == 0.0)
        return m * log(j == 0.0 ? lattice->up : lattice->down);
    return stirling_error(m) - stirling_error(j) - stirling_error(rest) - DPM_LOG_SQRT_TWO_PI +
           0.5 * log(m / (j * rest)) + j * log1p((down - j) / j) + rest * log1p((up - rest) / rest);
}

/* All outcomes of which k runs are off the atoms: m = n - k on them, j of those at -e. From the likeliest j
 * that can pay, outwards. */
static double atoms_sum(const struct dpm_lattice *lattice, int k, double epsilon)
{
    double e = lattice->e, m = lattice->n - k;
    if (m < 0.0)
        return 0.0;
    double last = fmin(floor((m + k - epsilon / e) * 0.5) + 1.0, m);
    double likely = floor(m * lattice->down / (lattice->up + lattice->down));
    double start = fmin(likely, last);
    if (start < 0.0)
        return 0.0;
    double ways = k == 0 ? 1.0 : k == 1 ? lattice->n : 0.5 * lattice->n * (lattice->n - 1.0);
    double log_weight = log_weight_of(lattice, m, start);
    double ratio = lattice->down / lattice->up, sum = 0.0, share = 1.0;
    for (double j = start; j >= 0.0 && share > 1e-40; j -= 1.0) {
        sum += share * payoff(lattice, k, epsilon - (m - 2.0 * j) * e);
        share *= j / ((m - j + 1.0) * ratio);
    }
    share = 1.0;
    for (double j = start + 1.0; j <= last && share > 1e-40; j += 1.0) {
        share *= (m - j + 1.0) / j * ratio;
        sum += share * payoff(lattice, k, epsilon - (m - 2.0 * j) * e);
    }
    return ways * exp(log_weight) * sum *
           (1.0 + 1e-13 + 8.0 * DPM_UNIT_ROUNDOFF * (fabs(log_weight) + lattice->n));
}

/* (A + r)^n less its first three terms in r, over M(c)^n. */
static double complex rest_at(const struct dpm_lattice *lattice, double complex z, double *fault)
{
    double e = lattice->e, n = lattice->n, m = lattice->log_moment;
    double complex a = 0.5 * cexp(z * e) + 0.5 * cexp(-(z + 1.0) * e);
    double complex r = 0.25 * (cexp(z * e) - cexp(-(z + 1.0) * e)) / (z + 0.5);
    double complex p = r / a;
    double large = exp(n * (log(cabs(a)) - m));
    *fault = 8.0 * DPM_UNIT_ROUNDOFF * n * (1.0 + cabs(z) * e) * exp(n * (log(cabs(a + r)) - m));
    if (n * cabs(p) < 0.25) {
        double complex term = n * (n - 1.0) * (n - 2.0) / 6.0 * p * p * p, sum = term;
        for (double k = 3.0; k < n && k < 24.0; k += 1.0) {
            term *= (n - k) / (k + 1.0) * p;
            sum += term;
        }
        *fault = 8.0 * DPM_UNIT_ROUNDOFF * n * (1.0 + cabs(z) * e) * large * cabs(sum);
        return cexp(n * (clog(a) - m)) * sum;
    }
    double first = 1.0 + n * cabs(p) + 0.5 * n * (n - 1.0) * cabs(p) * cabs(p);
    *fault += 8.0 * DPM_UNIT_ROUNDOFF * n * (1.0 + cabs(z) * e) * large * first;
    return cexp(n * (clog(a + r) - m)) -
           cexp(n * (clog(a) - m)) * (1.0 + n * p + 0.5 * n * (n - 1.0) * p * p);
}

static int fill_line(struct dpm_lattice *lattice, double width)
{
    double c = lattice->c, e = lattice->e, n = lattice->n;
    /* |r| <= largest / y, and |A| + |r| <= M(c): the rest is at most (n over 3) (|r| / M(c))^3. */
    double largest = 0.25 * (exp(c * e) + exp(-(c + 1.0) * e)) * exp(-lattice->log_moment);
    double bound = n * (n - 1.0) * (n - 2.0) / 6.0 * largest * largest * largest;
    double end = pow(bound / (4.0 * DPM_PI * TAIL * width / (c * (c + 1.0))), 0.25);
    lattice->step = fmin(0.2 * c, 0.5 * width);
    double nodes = ceil(fmax(end, 20.0 * width) / lattice->step) + 1.0;
    if (!(nodes < MAX_NODES))
        return DPMIX_ERR_RANGE;
    lattice->nodes = (size_t)nodes;
    lattice->memory = dpm_alloc(lattice->nodes, 2 * sizeof(double));
    if (!lattice->memory)
        return DPMIX_ERR_NOMEM;
    lattice->re = lattice->memory;
    lattice->im = lattice->memory + lattice->nodes;
    for (size_t i = 0; i < lattice->nodes; i++) {
        double fault;
        double complex z = c + I * ((double)i * lattice->step);
        double complex value = rest_at(lattice, z, &fault) / (z * (z + 1.0));
        lattice->re[i] = (i ? 1.0 : 0.5) * creal(value);
        lattice->im[i] = cimag(value);
        lattice->fault += (fault + 8.0 * DPM_UNIT_ROUNDOFF * cabs(value * z * z)) / cabs(z * (z + 1.0));
    }
    double y = (nodes - 1.0) * lattice->step;
    lattice->tail = bound / (4.0 * DPM_PI * y * y * y * y);
    return DPMIX_OK;
}

int dpm_account_lattice_new(struct dpm_lattice *lattice, const struct dpm_law *law, double c)
{
    double e = 1.0 / law->noise;
    *lattice = (struct dpm_lattice){.e = e, .n = law->count, .c = c, .terms = 1};
    lattice->up = 1.0 / (1.0 + exp(-e));
    lattice->down = exp(-e) * lattice->up;
    if (law->shape == DPM_SHAPE_RESPONSE)
        return DPMIX_OK;
    lattice->up = 0.5;
    lattice->down = 0.5 * exp(-e);
    lattice->terms = 3;
    if (law->count < 3.0)
        return DPMIX_OK;
    struct dpm_loss_table table;
    memset(&table, 0, sizeof table);
    int status = dpm_account_loss_table(&table, law, DPM_LOSS_REMOVE, c, 0.0, 0.0, law->count, 0);
    if (!status) {
        lattice->log_moment = table.log_moment;
        status = fill_line(lattice, 1.0 / sqrt(law->count * table.variance + 1.0 / (c * c)));
    }
    dpm_account_loss_free(&table);
    return status;
}

void dpm_account_lattice_free(struct dpm_lattice *lattice)
{
    dpm_free(lattice->memory);
    lattice->memory = NULL;
}

double dpm_account_lattice_delta(const struct dpm_lattice *lattice, double epsilon)
{
    double sum = 0.0, delta = 0.0, turning = 0.0;
    for (int k = 0; k < lattice->terms; k++)
        delta += atoms_sum(lattice, k, epsilon);
    if (lattice->nodes == 0)
        return delta;
    for (size_t i = 0; i < lattice->nodes; i++) {
        double turn = (double)i * lattice->step * epsilon;
        sum += lattice->re[i] * cos(turn) + lattice->im[i] * sin(turn);
        turning += DPM_UNIT_ROUNDOFF * (4.0 + turn) * (fabs(lattice->re[i]) + fabs(lattice->im[i]));
    }
    double scale = exp(lattice->n * lattice->log_moment - lattice->c * epsilon);
    double rest = lattice->step / DPM_PI * (sum + turning + lattice->fault) + lattice->tail;
    return delta + fmax(rest, 0.0) * scale * (1.0 + 1e-12);
}
