/* SPDX-License-Identifier: BSD-3-Clause */
#include "account_loss.h"
#include "account_excess.h"
#include "account_legendre.h"
#include "base_alloc.h"
#include "base_numbers.h"

#include <dpmix/accountant.h>

#include <math.h>
#include <string.h>

#define FAST 16.0
#define NEGLIGIBLE 1e-20 /* a node's share of the largest node's */

enum { MAX_RANGES = 12, MAX_NODES = 1 << 16, MAX_GROUP = DPM_LOSS_MAX_GROUP };

/* One law at one c, and the trapezoid rule over whole numbers j at t = j * step. */
struct rule {
    struct dpm_loss_table *table;
    const struct dpm_law *law;
    int direction;
    double step;
    double log_weight[MAX_GROUP + 1];  /* binomial weights, for a group */
    double stretch[2];                 /* of the line: the least and the largest y */
    double largest_tilt, largest_term; /* a logarithm, and a number */
    double excess;                     /* sum of M(c) - 1, without a factor */
    double from[MAX_RANGES], to[MAX_RANGES];
    int ranges, status;
};

static struct dpm_loss_spot spot_at(const struct rule *rule, double t)
{
    return dpm_account_loss_spot(rule->law, rule->direction, rule->log_weight, t);
}

/* Room for one more node. */
static int reserve(struct dpm_loss_table *table)
{
    if (table->n < table->capacity)
        return DPMIX_OK;
    if (table->n >= MAX_NODES)
        return DPMIX_ERR_RANGE;
    size_t capacity = table->capacity ? 4 * table->capacity : 512;
    double *memory = dpm_alloc(capacity, 3 * sizeof *memory);
    if (!memory)
        return DPMIX_ERR_NOMEM;
    double *arrays[3] = {table->loss, table->weight, table->place};
    for (size_t i = 0; i < 3 && table->n > 0; i++)
        memcpy(memory + i * capacity, arrays[i], table->n * sizeof *memory);
    dpm_free(table->memory);
    table->memory = table->loss = memory;
    table->weight = memory + capacity;
    table->place = memory + 2 * capacity;
    table->capacity = capacity;
    return DPMIX_OK;
}

/* The share of a node with probability p in M(c) - 1 = E[h(c l) + c h(-l)], h(x) = exp(x) - 1 - x: since
 * E[exp(-l)] = 1 the second term adds nothing but takes the first order away. No share is negative. */
static double term_of(double c, double log_p, double loss)
{
    double p = exp(log_p), x = c * loss;
    double term = x < 1.0 ? p * dpm_account_excess(x) : exp(log_p + x) - p * (1.0 + x);
    return term + c * (loss > -1.0 ? p * dpm_account_excess(-loss) : exp(log_p - loss) - p * (1.0 - loss));
}

/* Adds a node. The weight is the logarithm of the tilted density until the table is finished. */
static int add_node(struct rule *rule, double place, double log_p, double loss)
{
    struct dpm_loss_table *table = rule->table;
    int status = reserve(table);
    if (status)
        return rule->status = status;
    double tilt = log_p + table->c * loss;
    table->loss[table->n] = loss;
    table->weight[table->n] = tilt;
    table->place[table->n++] = place;
    rule->largest_tilt = fmax(rule->largest_tilt, tilt);
    return DPMIX_OK;
}

/* Visits node j. Returns whether it is negligible in the sum of the weights and in that of M(c) - 1. */
static int visit(struct rule *rule, double j, double *height)
{
    struct dpm_loss_table *table = rule->table;
    struct dpm_loss_spot spot = spot_at(rule, j * rule->step);
    double term = term_of(table->c, spot.log_p, spot.loss);
    double tilt = spot.log_p + table->c * spot.loss;
    add_node(rule, j * rule->step, spot.log_p, spot.loss);
    rule->excess += term;
    rule->largest_term = fmax(rule->largest_term, term);
    *height = tilt;
    return tilt < rule->largest_tilt + log(NEGLIGIBLE) && !(term > NEGLIGIBLE * rule->largest_term);
}

static int is_done(const struct rule *rule, double j)
{
    for (int i = 0; i < rule->ranges; i++)
        if (j >= rule->from[i] && j <= rule->to[i])
            return 1;
    return 0;
}

/* From node j in one direction, up any slope, until nodes fall and are negligible or met before. */
static double walk(struct rule *rule, double j, double direction, double height)
{
    while (!rule->status && !is_done(rule, j + direction)) {
        double next;
        j += direction;
        int small = visit(rule, j, &next);
        if (small && next <= height)
            break;
        height = next;
    }
    return j;
}

static void add_around(struct rule *rule, double t)
{
    double j = floor(t / rule->step + 0.5), height;
    if (rule->status || is_done(rule, j))
        return;
    visit(rule, j, &height);
    rule->to[rule->ranges] = walk(rule, j, 1.0, height);
    rule->from[rule->ranges] = walk(rule, j, -1.0, height);
    rule->ranges++;
}

/* A place near where the tilted density has a maximum, searched from t: there t = height * slope(t). */
static double peak(const struct rule *rule, double t)
{
    double s = rule->law->noise, c = rule->table->c;
    for (int i = 0; i < 40; i++) {
        struct dpm_loss_spot spot = spot_at(rule, t);
        double p_slope =
            rule->direction == DPM_LOSS_REMOVE ? fmin(spot.slope, (double)rule->law->group) : 0.0;
        double next = (c * spot.slope + p_slope) / s;
        if (fabs(next - t) < 0.3)
            break;
        t = next;
    }
    return fmin(t, rule->law->limit);
}

/* The weights become numbers, and the moments are those of the tilted law. */
static void finish(struct rule *rule, double width)
{
    struct dpm_loss_table *table = rule->table;
    double sum = 0.0, top = rule->largest_tilt;
    for (size_t i = 0; i < table->n; i++)
        sum += exp(table->weight[i] - top);
    double direct = top + log(sum * width), small = rule->excess * width;
    table->log_moment = small < 1.0 ? log1p(small) : direct;
    double mean = 0.0, variance = 0.0, total = 0.0, size = 0.0;
    for (size_t i = 0; i < table->n; i++) {
        table->weight[i] = exp(table->weight[i] - table->log_moment) * width;
        mean += table->weight[i] * table->loss[i];
        size += table->weight[i] * fabs(table->loss[i]);
        total += table->weight[i];
    }
    mean /= total;
    for (size_t i = 0; i < table->n; i++)
        variance += table->weight[i] * (table->loss[i] - mean) * (table->loss[i] - mean);
    table->mean = mean;
    table->size = size / total;
    table->variance = variance;
}

/* The step at which the trapezoid rule's error is below exp(-46) on the real line (Trefethen and Weideman
 * 2014, theorem 5.1): the loss is analytic for |Im t| < pi s. */
static double first_step(const struct dpm_law *law)
{
    double d = fmin(0.9 * DPM_PI * law->noise / law->group, 9.5916630466254);
    return 2.0 * DPM_PI * d / (46.0 + 0.5 * d * d);
}

/* Where the loss turns so fast with t that the integral over what lies beyond, behind a smooth step of
 * width `soft`, is negligible from the stretch's least y on: there y dl/dt >= FAST / soft, and to shift the
 * integral by 6 soft off the real axis shows a factor below exp(-36). The slope of a sampled loss grows
 * with t. */
static double fast_from(const struct rule *rule, double soft)
{
    const struct dpm_law *law = rule->law;
    double slope = FAST / soft / rule->stretch[0] * law->noise;
    if (law->shape != DPM_SHAPE_MIXTURE || law->group > 1 || !(slope < 1.0))
        return INFINITY;
    return 0.5 / law->noise + law->noise * log(slope / (1.0 - slope) * (1.0 - law->rate) / law->rate);
}

/* Takes the weights of fast nodes out. */
static void drop_fast(struct rule *rule)
{
    struct dpm_loss_table *table = rule->table;
    double soft = 0.2 * fmin(1.0, rule->law->noise), from = fast_from(rule, soft);
    size_t n = 0;
    table->lost = 0.0;
    for (size_t i = 0; i < table->n; i++) {
        double kept = from < INFINITY ? 0.5 * erfc((table->place[i] - from) / soft) : 1.0;
        table->lost += (1.0 - kept) * table->weight[i];
        if (kept < 1e-30)
            continue;
        table->weight[n] = kept * table->weight[i];
        table->loss[n] = table->loss[i];
        table->place[n++] = table->place[i];
    }
    table->n = n;
}

static int trapezoid(struct rule *rule, double step)
{
    struct dpm_loss_table *table = rule->table;
    double s = rule->law->noise, c = table->c, k = rule->law->group;
    rule->step = floor(step * 0x1p30) * 0x1p-30;
    rule->largest_tilt = -INFINITY;
    rule->largest_term = rule->excess = 0.0;
    rule->ranges = rule->status = 0;
    table->n = 0;
    add_around(rule, peak(rule, rule->direction == DPM_LOSS_ADD ? 0.0 : (1.0 + 2.0 * c) * k / s));
    add_around(rule, peak(rule, 0.0));
    add_around(rule, 0.0);
    add_around(rule, 0.5 / s + 1.4);
    add_around(rule, 0.5 / s - 1.4);
    add_around(rule, k / s);
    if (rule->law->shape == DPM_SHAPE_REPLACE) {
        add_around(rule, -0.5 / s);
        add_around(rule, -1.0 / s);
    }
    if (rule->law->group > 1)
        for (int j = 1; j <= rule->law->group && rule->ranges < MAX_RANGES - 1; j++)
            add_around(rule, peak(rule, (1.0 + c) * j / s));
    if (!rule->status) {
        finish(rule, rule->step);
        drop_fast(rule);
    }
    return rule->status;
}

/* M(c + iy) / M(c) - 1. */
static void probe(const struct dpm_loss_table *table, double y, double out[2])
{
    out[0] = -table->lost;
    out[1] = 0.0;
    for (size_t i = 0; i < table->n; i++) {
        double half = sin(0.5 * y * table->loss[i]);
        out[0] -= table->weight[i] * 2.0 * half * half;
        out[1] += table->weight[i] * sin(y * table->loss[i]);
    }
}

enum { PROBES = 4 };

static void probe_all(const struct rule *rule, double out[2 * PROBES + 1])
{
    static const double at[PROBES] = {0.03, 0.33, 0.69, 1.0};
    for (int i = 0; i < PROBES; i++)
        probe(rule->table, rule->stretch[0] + at[i] * (rule->stretch[1] - rule->stretch[0]), out + 2 * i);
    out[2 * PROBES] = rule->table->log_moment;
}

/* Halves the step until the sums agree; the last table is the finer of two that do. Where the rule
 * converges, it does so like exp(-const / step): the finer sum's error is about the square of the
 * difference. */
static int refined(struct rule *rule, double runs)
{
    double before[2 * PROBES + 1], after[2 * PROBES + 1];
    struct dpm_loss_table *table = rule->table;
    double reach = rule->stretch[1], step = first_step(rule->law), fastest = 0.0;
    int status = trapezoid(rule, step);
    for (size_t i = 1; !status && i < table->n; i++)
        if (table->weight[i] > 1e-17 && fabs(table->place[i] - table->place[i - 1]) < 1.5 * rule->step)
            fastest = fmax(fastest, fabs(table->loss[i] - table->loss[i - 1]) / rule->step);
    double wanted = 1.5 * DPM_PI / fmax(fastest * reach, 1e-3);
    if (!status && wanted < step) {
        step = wanted;
        status = trapezoid(rule, step);
    }
    if (status)
        return status;
    probe_all(rule, before);
    for (;;) {
        step *= 0.5;
        status = trapezoid(rule, step);
        if (status)
            return status;
        probe_all(rule, after);
        double worst =
            runs * fabs(after[2 * PROBES] - before[2 * PROBES]) / (1.0 + runs * fabs(table->log_moment));
        double spread = fmin(1.0, reach * sqrt(table->variance) + reach * fabs(table->mean));
        for (int i = 0; i < 2 * PROBES; i++)
            worst = fmax(worst, runs * fabs(after[i] - before[i]) / (1.0 + runs * spread));
        if (worst < 1e-14 && table->n > 256) /* both are good: fewer nodes are quicker to sum */
            return trapezoid(rule, 2.0 * step);
        if (worst < 1e-8)
            return DPMIX_OK;
        memcpy(before, after, sizeof before);
    }
}

/* A density over places in (-1, 1) by Gauss and Legendre's rule with 16 nodes in each of equal panels. The
 * loss is e x, or log(1 - q + q exp(e x)). Under the law without the record x has the density e/4 exp(-e (x
 * + 1) / 2) and atoms of 1/2 at -1 and exp(-e)/2 at +1 (Laplace noise, sensitivity 1). */
static int laplace(struct rule *rule, double reach)
{
    const double *node = dpm_legendre_node, *weight = dpm_legendre_weight;
    struct dpm_loss_table *table = rule->table;
    double e = 1.0 / rule->law->noise, q = rule->law->rate, share;
    double panels = ceil((reach + table->c + 1.0) * e / 4.0) + 1.0;
    if (!(panels < MAX_NODES / 16.0 - 1.0))
        return DPMIX_ERR_RANGE;
    rule->largest_tilt = -INFINITY;
    rule->excess = 0.0;
    table->n = 0;
    double size = (16.0 * panels + 2.0), width = 1.0 / panels;
    for (double i = 0.0; i < size; i += 1.0) {
        int atom = i < 2.0, index = (int)fmod(i - 2.0, 16.0);
        double x = i < 1.0 ? -1.0 : 1.0, log_p = i < 1.0 ? log(0.5) : log(0.5) - e;
        if (!atom) {
            double at = index < 8 ? -node[7 - index] : node[index - 8];
            x = -1.0 + width * (2.0 * floor((i - 2.0) / 16.0) + 1.0 + at);
            log_p = log(0.25 * e * width * weight[index < 8 ? 7 - index : index - 8]) - 0.5 * e * (x + 1.0);
        }
        double loss = q < 1.0 ? dpm_account_loss_mixture(q, e * x, &share) : e * x;
        if (rule->direction == DPM_LOSS_REMOVE)
            log_p += loss;
        else
            loss = -loss;
        rule->excess += term_of(table->c, log_p, loss);
        if (add_node(rule, x, log_p, loss))
            return rule->status;
    }
    finish(rule, 1.0);
    table->atoms = table->weight[0] + table->weight[1];
    /* The density of the loss, tilted: exponential in the loss for q = 1 and with at most one turn
     * otherwise, so that its variation is at most twice the sum of its ends and its largest value. */
    double largest = 0.0;
    for (size_t i = 2; i < table->n; i++) {
        size_t k = (i - 2) % 16;
        double slope =
            q < 1.0 ? e * q * exp(e * table->place[i]) / (1.0 - q + q * exp(e * table->place[i])) : e;
        largest = fmax(largest, table->weight[i] / (width * weight[k < 8 ? 7 - k : k - 8] * slope));
    }
    table->variation = 8.0 * largest;
    return DPMIX_OK;
}

/* Losses that take two or three values. */
static int discrete(struct rule *rule)
{
    struct dpm_loss_table *table = rule->table;
    double e = 1.0 / rule->law->noise, a = exp(-e);
    rule->largest_tilt = -INFINITY;
    rule->excess = 0.0;
    table->n = 0;
    int three = rule->law->shape == DPM_SHAPE_STEPS;
    double log_p[3] = {-log1p(a), -e - log1p(a), log(-expm1(-e)) - e - log1p(a)};
    double loss[3] = {e, -e, 0.0};
    if (three)
        loss[0] = 2.0 * e, loss[1] = -2.0 * e, log_p[1] -= e;
    for (int i = 0; i < (three ? 3 : 2); i++) {
        rule->excess += term_of(table->c, log_p[i], loss[i]);
        if (add_node(rule, loss[i], log_p[i], loss[i]))
            return rule->status;
    }
    finish(rule, 1.0);
    table->atoms = 1.0;
    table->variation = 0.0;
    return DPMIX_OK;
}

int dpm_account_loss_table(struct dpm_loss_table *table, const struct dpm_law *law, int direction, double c,
                           double from, double reach, double runs, int fine)
{
    struct rule rule = {.table = table, .law = law, .direction = direction, .stretch = {from, reach}};
    table->c = c;
    table->lost = table->atoms = table->variation = 0.0;
    if (law->shape == DPM_SHAPE_RESPONSE || law->shape == DPM_SHAPE_STEPS)
        return discrete(&rule);
    if (law->shape == DPM_SHAPE_LAPLACE)
        return laplace(&rule, reach);
    if (law->group > 1)
        dpm_account_loss_weights(rule.log_weight, law);
    return fine ? refined(&rule, runs) : trapezoid(&rule, first_step(law));
}

double dpm_account_loss_apart(const struct dpm_loss_table *table, const struct dpm_law *law, double y)
{
    double log_weight[MAX_GROUP + 1] = {0.0}, re[MAX_GROUP + 1] = {0.0}, im[MAX_GROUP + 1] = {0.0}, sum = 0.0;
    int replace = law->shape == DPM_SHAPE_REPLACE, last = replace ? 2 : law->group;
    dpm_account_loss_weights(log_weight, law);
    if (replace) /* N(0), N(1) and N(-1) */
        log_weight[2] = log_weight[1];
    for (size_t i = 0; i < table->n; i++) {
        double share[MAX_GROUP + 1], most = -INFINITY, whole = 0.0;
        for (int j = 0; j <= last; j++) {
            double mean = (replace && j == 2 ? -1.0 : j) / law->noise;
            share[j] = log_weight[j] + (table->place[i] - 0.5 * mean) * mean;
            most = fmax(most, share[j]);
        }
        for (int j = 0; j <= last; j++)
            whole += share[j] = exp(share[j] - most);
        double turn = y * table->loss[i], cosine = cos(turn), sine = sin(turn);
        for (int j = 0; j <= last; j++) {
            double weight = table->weight[i] * share[j] / whole;
            re[j] += weight * cosine;
            im[j] += weight * sine;
        }
    }
    for (int j = 0; j <= last; j++)
        sum += hypot(re[j], im[j]);
    return sum;
}

void dpm_account_loss_free(struct dpm_loss_table *table)
{
    dpm_free(table->memory);
    memset(table, 0, sizeof *table);
}
