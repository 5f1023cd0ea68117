/* SPDX-License-Identifier: BSD-3-Clause */
#include "account_gauss.h"
#include "account_loss.h"

#include <dpmix/accountant.h>

#include <float.h>
#include <math.h>

/* The shape of a sampled or noisy event that is not plain Gaussian. */
static struct dpm_law law_of(const struct dpm_event *event, int adjacency, int group)
{
    int replace = adjacency == DPMIX_ADJACENCY_REPLACE_ONE;
    double reach = replace ? 2.0 : 1.0;
    struct dpm_law law = {DPM_SHAPE_RESPONSE,   1,       1.0, event->noise_multiplier,
                          (double)event->count, INFINITY};
    switch (event->kind) {
    case DPM_EVENT_SUBSAMPLED_GAUSSIAN:
        law.shape = replace ? DPM_SHAPE_REPLACE : DPM_SHAPE_MIXTURE;
        law.rate = event->sampling_rate;
        law.group = group;
        break;
    case DPM_EVENT_SUBSAMPLED_LAPLACE:
        law.shape = DPM_SHAPE_LAPLACE;
        law.rate = event->sampling_rate;
        law.noise /= event->sampling_rate < 1.0 ? 1.0 : reach;
        break;
    case DPM_EVENT_LAPLACE:
        law.shape = DPM_SHAPE_LAPLACE;
        law.noise /= reach;
        break;
    case DPM_EVENT_GEOMETRIC: law.shape = replace ? DPM_SHAPE_STEPS : DPM_SHAPE_RESPONSE; break;
    default: break;
    }
    return law;
}

static void add_law(struct dpm_laws *laws, const struct dpm_law *law)
{
    for (size_t i = 0; i < laws->n; i++) {
        struct dpm_law *other = &laws->law[i];
        if (other->shape == law->shape && other->rate == law->rate && other->noise == law->noise) {
            other->count += law->count;
            return;
        }
    }
    laws->law[laws->n++] = *law;
}

void dpm_account_laws(struct dpm_laws *laws, const struct dpm_event *events, size_t n, int adjacency,
                      int group)
{
    double reach = adjacency == DPMIX_ADJACENCY_REPLACE_ONE ? 2.0 : 1.0;
    double sum = 0.0, smallest = INFINITY;
    laws->n = 0;
    laws->log_success = 0.0;
    for (size_t i = 0; i < n; i++)
        if (dpm_event_is_plain(&events[i]))
            smallest = fmin(smallest, events[i].noise_multiplier);
    for (size_t i = 0; i < n; i++) {
        const struct dpm_event *event = &events[i];
        if (dpm_event_is_plain(event)) {
            double ratio = smallest / event->noise_multiplier;
            sum += (double)event->count * ratio * ratio;
            continue;
        }
        struct dpm_law law = law_of(event, adjacency, group);
        add_law(laws, &law);
        if (event->kind == DPM_EVENT_PURE)
            laws->log_success += (double)event->count * log1p(-event->sampling_rate);
    }
    double rounding = 1.0 + DBL_EPSILON * (16.0 + (double)n);
    laws->mu = sum > 0.0 ? sqrt(sum) / smallest * reach * group * rounding : 0.0;
    laws->log_success *= rounding;
}

int dpm_account_loss_symmetric(const struct dpm_law *law)
{
    return law->shape != DPM_SHAPE_MIXTURE && !(law->shape == DPM_SHAPE_LAPLACE && law->rate < 1.0);
}

double dpm_account_loss_largest(const struct dpm_law *law, int direction)
{
    double e = 1.0 / law->noise, q = law->rate;
    switch (law->shape) {
    case DPM_SHAPE_MIXTURE: return direction == DPM_LOSS_ADD ? -law->group * log1p(-q) : INFINITY;
    case DPM_SHAPE_REPLACE: return INFINITY;
    case DPM_SHAPE_STEPS: return 2.0 * e;
    case DPM_SHAPE_LAPLACE:
        if (q < 1.0)
            return direction == DPM_LOSS_ADD ? -log1p(q * expm1(-e)) : log1p(q * expm1(e));
        return e;
    default: return e;
    }
}

/* One run alone has a closed form: sampling takes (e, d) to (log(1 + q (exp(e) - 1)), q d), both ways round
 * (Balle, Barthe and Gaboardi 2018); account_law_group.c has those of groups. */
int dpm_account_law_single(const struct dpm_laws *laws)
{
    const struct dpm_law *law = laws->law;
    return laws->n == 1 && !(laws->mu > 0.0) && law->count == 1.0 &&
           (law->shape == DPM_SHAPE_MIXTURE || law->shape == DPM_SHAPE_LAPLACE ||
            law->shape == DPM_SHAPE_RESPONSE);
}

double dpm_account_law_epsilon(const struct dpm_law *law, double delta)
{
    if (law->group > 1)
        return dpm_account_law_group_epsilon(law, delta);
    double e = 1.0 / law->noise, q = law->rate, base;
    double d = delta / q * (1.0 - DBL_EPSILON), slack = 8.0 * DBL_EPSILON * e; /* what differences may lose */
    if (!(delta < q))
        return 0.0;
    if (law->shape == DPM_SHAPE_MIXTURE)
        base = dpm_account_gauss_epsilon(e * (1.0 + DBL_EPSILON), d);
    else if (law->shape == DPM_SHAPE_LAPLACE) /* delta = 1 - exp((epsilon - e) / 2) */
        base = e + 2.0 * log1p(-d) + slack;
    else /* delta = (exp(e) - exp(epsilon)) / (1 + exp(e)) */
        base = e + log1p(-d * (1.0 + exp(-e)) * (1.0 - 4.0 * DBL_EPSILON)) + slack;
    if (!(base > 0.0))
        return 0.0;
    double far = base + log(q), sampled = base < 600.0 ? log1p(q * expm1(base)) /* above 600 without the -q */
                                                       : fmax(far, 0.0) + log1p(exp(-fabs(far)));
    return (q < 1.0 ? sampled : base) * (1.0 + 32.0 * DBL_EPSILON);
}

double dpm_account_law_delta(const struct dpm_law *law, double epsilon)
{
    if (law->group > 1)
        return dpm_account_law_group_delta(law, epsilon);
    double e = 1.0 / law->noise, q = law->rate;
    double base = epsilon;
    if (q < 1.0) {
        double grown = epsilon < 600.0 ? expm1(epsilon) : INFINITY; /* over a tiny rate it may overflow */
        base = grown / q < INFINITY ? log1p(grown / q) : fmin(log(grown), epsilon) - log(q);
    }
    base *= 1.0 - 8.0 * DBL_EPSILON;
    double delta = 0.0;
    if (law->shape == DPM_SHAPE_MIXTURE)
        delta = dpm_account_gauss_delta(1.0 / law->noise, base);
    else if (base < e)
        delta =
            law->shape == DPM_SHAPE_LAPLACE ? -expm1(0.5 * (base - e)) : -expm1(base - e) / (1.0 + exp(-e));
    return delta > 0.0 ? fmax(q * delta * (1.0 + 32.0 * DBL_EPSILON), DBL_MIN) : 0.0; /* up, not to 0 */
}
