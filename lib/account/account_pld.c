/* SPDX-License-Identifier: BSD-3-Clause */
#include "account_pld.h"
#include "account_contour.h"
#include "account_fft.h"
#include "account_grid.h"
#include "account_scout.h"
#include "base_alloc.h"
#include "base_numbers.h"

#include <dpmix/status.h>

#include <math.h>
#include <string.h>

enum { NODES = 1 << 17, FEW_NODES = 1 << 12, MOST_LEVELS = 12 };

/* The composition on one grid: what it says of delta holds for every epsilon. */
struct pld {
    struct dpm_loss_grid grid;
    double *memory, *work, *mass;
    double offset;     /* the loss of node 0 */
    double log_moment; /* of all runs, tilted by exp(c (loss - offset)) */
    double failure;    /* probability of an infinite loss */
    double error;      /* of what the nodes pay, tilted */
    double fault;      /* relative error of the whole */
    double excess;     /* estimate of what the grid adds, relative */
};

static void multiply(double *a, double re, double im)
{
    double x = a[0] * re - a[1] * im;
    a[1] = a[0] * im + a[1] * re;
    a[0] = x;
}

/* Multiplies node p of the product by the law's transform to the power of its runs; returns the squared
 * bound on the relative error that makes. */
static double raise(double *product, const double *value, const struct dpm_grid_law *law, double scale)
{
    double a = (value[0] - law->rest) * scale, b = value[1] * scale; /* transform - 1 */
    double square = a * (2.0 + a) + b * b;
    double log_size = square > -0.5 ? 0.5 * log1p(square) : 0.5 * log((1.0 + a) * (1.0 + a) + b * b + 1e-300);
    double angle = law->runs * atan2(b, 1.0 + a), size = exp(law->runs * log_size);
    multiply(product, size * cos(angle), size * sin(angle));
    return 16.0 + 8.0 * fabs(law->runs * log_size) + 8.0 * fabs(angle);
}

/* Multiplies the product by the transform of one law. */
static int add_law(struct pld *pld, const struct dpm_account_fft *fft, const struct dpm_law *law,
                   int direction, double *turning)
{
    struct dpm_grid_law parts;
    size_t n = pld->grid.n;
    memset(pld->work, 0, 2 * n * sizeof *pld->work);
    int status = dpm_account_grid_fill(pld->work, &parts, &pld->grid, law, direction);
    if (status)
        return status;
    double square = 0.0, scale = exp(-parts.log_moment);
    for (size_t i = 0; i < n; i++)
        square += pld->work[2 * i] * pld->work[2 * i];
    /* the masses' sum in `rest` is rounded otherwise than the transform's: see doc/privacy.md */
    double error = dpm_account_fft_error(fft) * sqrt((double)n * square) * scale;
    dpm_account_fft_forward(fft, pld->work);
    for (size_t from = 0, to = 1; from < n; from = to, to *= 2)
        for (size_t i = from; 2 * i <= from + to - 1; i++) {
            double rounding = raise(pld->mass + 2 * i, pld->work + 2 * i, &parts, scale);
            size_t mirror = from + to - 1 - i; /* has the conjugate frequency */
            turning[0] = fmax(turning[0], rounding);
            pld->mass[2 * mirror] = pld->mass[2 * i];
            if (mirror != i)
                pld->mass[2 * mirror + 1] = -pld->mass[2 * i + 1];
        }
    pld->error += parts.runs * error;
    pld->offset += parts.runs * parts.offset;
    pld->log_moment += parts.runs * parts.log_moment;
    pld->failure += parts.runs * log1p(-parts.failure);
    pld->fault += parts.runs * parts.fault + DPM_UNIT_ROUNDOFF * parts.runs * 8.0 * fabs(parts.log_moment);
    pld->excess += parts.runs * parts.spread * scale;
    return DPMIX_OK;
}

/* The last step: masses on the nodes, and the bound on the error of anything that they pay. */
static void finish(struct pld *pld, const struct dpm_account_fft *fft, double turning)
{
    size_t n = pld->grid.n;
    double c = pld->grid.c, h = pld->grid.step, square = 0.0;
    dpm_account_fft_inverse(fft, pld->mass);
    for (size_t i = 0; i < n; i++) {
        pld->mass[i] = fmax(pld->mass[2 * i], 0.0);
        square += pld->mass[i] * pld->mass[i];
    }
    /* in the Euclidean norm, the masses'; then the payoff's, all nodes together */
    double masses = 2.0 * pld->error / sqrt((double)n) +
                    (2.0 * DPM_UNIT_ROUNDOFF * turning + 2.0 * dpm_account_fft_error(fft)) * sqrt(square);
    double largest = exp(dpm_account_contour_factor(c));
    double payoff = sqrt(1.0 / (2.0 * c * (2.0 * c + 1.0) * (c + 1.0)) / h + largest * largest);
    double wrapped = exp(-c * h * (double)n);
    pld->error = (masses * (payoff + sqrt((double)n) * wrapped) + 1e-20 * largest) / (1.0 - wrapped);
    pld->failure = -expm1(pld->failure) * (1.0 + 8.0 * DPM_UNIT_ROUNDOFF);
    pld->excess = 0.5 * pld->excess * (c + 1.0) * (c + 1.0);
}

static int new_pld(struct pld *pld, const struct dpm_laws *laws, int direction,
                   const struct dpm_loss_grid *grid)
{
    struct dpm_account_fft fft;
    size_t n = grid->n;
    *pld = (struct pld){.grid = *grid, .memory = dpm_alloc(n, 4 * sizeof(double))};
    int status = pld->memory ? dpm_account_fft_new(&fft, n) : DPMIX_ERR_NOMEM;
    if (status)
        return status;
    pld->mass = pld->memory;
    pld->work = pld->memory + 2 * n;
    double turning = 0.0, all = 0.0;
    for (size_t i = 0; i < n; i++) {
        pld->mass[2 * i] = 1.0;
        pld->mass[2 * i + 1] = 0.0;
    }
    for (size_t i = 0; !status && i < laws->n; i++) {
        turning = 0.0;
        status = add_law(pld, &fft, &laws->law[i], direction, &turning);
        all += turning;
    }
    if (!status && laws->mu > 0.0) {
        struct dpm_law gauss = {DPM_SHAPE_MIXTURE, 1, 1.0, 1.0 / laws->mu, 1.0, INFINITY};
        turning = 0.0;
        status = add_law(pld, &fft, &gauss, direction, &turning);
        all += turning;
    }
    if (!status && !(pld->error < 0.1 * sqrt((double)n) && pld->fault < 1e-3))
        status = DPMIX_ERR_RANGE;
    if (!status)
        finish(pld, &fft, all);
    dpm_account_fft_free(&fft);
    return status;
}

/* What nodes pay at a node's loss: `far` with exp(-(c + 1) x), and `pay` with exp(-c x) - exp(-(c + 1) x), x
 * how far a node lies above. */
struct sums {
    double far, pay;
    double fall, decay, step; /* exp(-(c + 1) h), exp(-c h), 1 - exp(-h) */
};

static void step_down(struct sums *sums, double mass)
{
    sums->pay = sums->decay * (sums->pay + sums->step * sums->far);
    sums->far = mass + sums->fall * sums->far;
}

static size_t index_of(const struct pld *pld, double j)
{
    return (size_t)(int64_t)j & (pld->grid.n - 1);
}

/* The sums for node j, each node as often as the circle brings it round. */
static struct sums sums_at(const struct pld *pld, double j)
{
    double c = pld->grid.c, h = pld->grid.step;
    size_t n = pld->grid.n, from = index_of(pld, j);
    struct sums sums = {0.0, 0.0, exp(-(c + 1.0) * h), exp(-c * h), -expm1(-h)};
    for (size_t i = n; i-- > 0;)
        sums.far = pld->mass[(from + i) & (n - 1)] + sums.fall * sums.far;
    sums.far /= -expm1(-(c + 1.0) * h * (double)n);
    for (size_t i = n; i-- > 0;)
        step_down(&sums, pld->mass[(from + i) & (n - 1)]);
    sums.pay /= -expm1(-c * h * (double)n);
    return sums;
}

/* log(delta) at epsilon, which lies at or up to a step below node j. */
static double log_delta_at(const struct pld *pld, const struct sums *sums, double j, double epsilon)
{
    double c = pld->grid.c, above = fmax(pld->offset + j * pld->grid.step - epsilon, 0.0);
    double pay = exp(-c * above) * (sums->pay - expm1(-above) * sums->far) *
                     (1.0 + 16.0 * DPM_UNIT_ROUNDOFF * (double)pld->grid.n) +
                 pld->error;
    double log_pay = log(pay) + pld->log_moment - c * (epsilon - pld->offset) + pld->fault +
                     DPM_UNIT_ROUNDOFF *
                         (16.0 + 8.0 * fabs(pld->log_moment) + 8.0 * c * (fabs(epsilon) + fabs(pld->offset)));
    double log_failure = pld->failure > 0.0 ? log(pld->failure) : -INFINITY;
    double most = fmax(log_pay, log_failure), least = fmin(log_pay, log_failure);
    return fmin(most + log1p(exp(least - most)), 0.0);
}

static double node_above(const struct pld *pld, double epsilon)
{
    return ceil((epsilon - pld->offset) / pld->grid.step);
}

/* An estimate of how far the bound is above the truth at epsilon, relative: the grid, and rounding. */
static double excess_at(const struct pld *pld, double epsilon)
{
    double j = node_above(pld, epsilon);
    struct sums sums = sums_at(pld, j);
    struct pld exact = *pld;
    exact.error = exact.fault = 0.0;
    double change = log_delta_at(pld, &sums, j, epsilon) - log_delta_at(&exact, &sums, j, epsilon);
    return pld->excess + (change < 1.0 ? expm1(change) : INFINITY);
}

static double delta_of(const struct pld *pld, double epsilon)
{
    double j = node_above(pld, epsilon);
    struct sums sums = sums_at(pld, j);
    return log_delta_at(pld, &sums, j, epsilon);
}

/* The least epsilon in [0, high] of which the bound is at most log_delta; INFINITY when high is not. */
static double epsilon_of(const struct pld *pld, double high, double log_delta)
{
    double j = node_above(pld, high), low = 0.0;
    struct sums sums = sums_at(pld, j), below = sums;
    if (log_delta_at(pld, &sums, j, high) > log_delta)
        return INFINITY;
    /* Node by node; the logarithm of what a node may pay at most grows by about c h a step. */
    for (double last = node_above(pld, 0.0); j > last; j -= 1.0) {
        step_down(&below, pld->mass[index_of(pld, j - 1.0)]);
        double node = pld->offset + (j - 1.0) * pld->grid.step;
        if (log_delta_at(pld, &below, j - 1.0, node) > log_delta) {
            low = fmax(node, 0.0);
            break;
        }
        high = fmin(high, node);
        sums = below;
    }
    if (log_delta_at(pld, &sums, j, low) <= log_delta)
        return low;
    for (int i = 0; i < 100 && high - low > 1e-15 * high; i++) {
        double middle = 0.5 * (low + high);
        *(log_delta_at(pld, &sums, j, middle) <= log_delta ? &high : &low) = middle;
    }
    return high;
}

static int new_level(struct pld *pld, const struct dpm_scout *scout, int direction, double level, size_t n)
{
    struct dpm_loss_grid grid;
    dpm_account_scout_grid(scout, &grid, level, n);
    return new_pld(pld, scout->laws, direction, &grid);
}

int dpm_account_pld_delta(double *log_delta, double *excess, const struct dpm_laws *laws, int direction,
                          double epsilon)
{
    struct dpm_scout scout;
    struct pld pld;
    int status = dpm_account_scout_new(&scout, laws, direction);
    if (status)
        return status;
    status = new_level(&pld, &scout, direction, dpm_account_scout_level(&scout, epsilon), NODES);
    dpm_account_scout_free(&scout);
    if (!status) {
        *log_delta = delta_of(&pld, epsilon);
        *excess = excess_at(&pld, epsilon);
    }
    dpm_free(pld.memory);
    return status;
}

/* The answer at one level: the least epsilon that its grid gives, INFINITY when none up to its reach. */
static int ask_level(double *epsilon, double *excess, const struct dpm_scout *scout, int direction,
                     double level, size_t n, double log_delta)
{
    struct pld pld;
    int status = new_level(&pld, scout, direction, level, n);
    if (!status) {
        *epsilon = epsilon_of(&pld, dpm_account_scout_reach(scout, level), log_delta);
        *excess = excess_at(&pld, fmin(*epsilon, dpm_account_scout_reach(scout, level)));
    }
    dpm_free(pld.memory);
    return status;
}

int dpm_account_pld_epsilon(double *epsilon, double *excess, const struct dpm_laws *laws, int direction,
                            double log_delta)
{
    struct dpm_scout scout;
    int status = dpm_account_scout_new(&scout, laws, direction);
    if (status)
        return status;
    double level = dpm_account_scout_find(&scout, log_delta), found = INFINITY, upper = INFINITY;
    size_t n = FEW_NODES;
    /* Down or up to the level that the answer lies in, first on a coarse grid. */
    for (int i = 0; !status && i < MOST_LEVELS; i++) {
        found = INFINITY;
        status = ask_level(&found, excess, &scout, direction, level, n, log_delta);
        if (n == FEW_NODES && status == DPMIX_ERR_RANGE) { /* too coarse */
            n = NODES;
            status = DPMIX_OK;
            continue;
        }
        double right = found < INFINITY ? dpm_account_scout_level(&scout, found) : level + 1.0;
        if (right == level || (right > level && upper < INFINITY)) {
            if (n == NODES)
                break;
            n = NODES;
            upper = INFINITY;
            continue;
        }
        /* A grid of a higher level said that the answer lies below, this one that it does not. */
        upper = right < level ? dpm_account_scout_reach(&scout, level - 1.0) : INFINITY;
        level = right;
    }
    if (!status)
        *epsilon = fmin(found, upper);
    dpm_account_scout_free(&scout);
    return status;
}
