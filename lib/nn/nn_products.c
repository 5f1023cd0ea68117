/* SPDX-License-Identifier: BSD-3-Clause */
#include "nn_products.h"
#include "base_alloc.h"
#include "linalg_mat.h"
#include "nn_kernels.h"
#include "nn_optim.h"

#include <string.h>

/* Adam at this rate for half of the steps, then ever slower. */
static const double learning_rate = 0.05, last_rate = 0.02;

static size_t count_places(const struct dpm_nn_products *products)
{
    return products->first[products->variables];
}

size_t dpm_nn_products_size(const struct dpm_nn_products *products)
{
    size_t size, places = count_places(products);
    return places < SIZE_MAX && dpm_size_mul(&size, products->components, places + 1) ? size : 0;
}

/* Two moments of the gradient, the gradient, the laws; a table, two matrices like the laws, two lines. */
size_t dpm_nn_products_scratch(const struct dpm_nn_products *products)
{
    size_t size = dpm_nn_products_size(products), places = count_places(products), table, weights;
    if (size == 0 || !dpm_size_mul(&table, places, places) || !dpm_size_mul(&weights, size, 8))
        return 0;
    return table <= SIZE_MAX - weights ? table + weights : 0;
}

void dpm_nn_products_laws(const struct dpm_nn_products *products, float *laws, const float *weights)
{
    size_t components = products->components, places = count_places(products);
    memmove(laws, weights, dpm_nn_products_size(products) * sizeof *laws);
    dpm_nn_softmax(laws, components);
    for (size_t k = 0; k < components; k++)
        for (size_t v = 0; v < products->variables; v++)
            dpm_nn_softmax(laws + components + k * places + products->first[v],
                           products->first[v + 1] - products->first[v]);
}

/* What a change of probabilities does to the logits: the derivative of the softmax. */
static void softmax_gradient(float *gradient, const float *laws, size_t n)
{
    float mean = 0;
    for (size_t i = 0; i < n; i++)
        mean += laws[i] * gradient[i];
    for (size_t i = 0; i < n; i++)
        gradient[i] = laws[i] * (gradient[i] - mean);
}

/* Weighted differences of model and table: zero within a variable, but for half of the diagonal's in
 * `single`. */
static void weigh_differences(const struct dpm_nn_products *products, float *model, float *single,
                              const float *means, const float *table, const float *importance)
{
    size_t places = count_places(products);
    for (size_t v = 0; v < products->variables; v++)
        for (size_t d = products->first[v]; d < products->first[v + 1]; d++) {
            float *line = model + d * places;
            const float *target = table + d * places;
            single[d] = importance[v] * importance[v] * (means[d] - target[d]) / 2;
            for (size_t u = 0; u < products->variables; u++) {
                float weight = u == v ? 0 : importance[u] * importance[v];
                for (size_t e = products->first[u]; e < products->first[u + 1]; e++)
                    line[e] = weight * (line[e] - target[e]);
            }
        }
}

void dpm_nn_products_gradient(const struct dpm_nn_products *products, const float *laws, const float *table,
                              const float *importance, float *scratch, float *gradient)
{
    size_t components = products->components, places = count_places(products);
    const float *shares = laws, *law = laws + components;
    float *model = scratch, *shared = model + places * places;
    float *product = shared + components * places, *means = product + components * places;
    float *single = means + places;
    for (size_t k = 0; k < components; k++)
        for (size_t d = 0; d < places; d++)
            shared[k * places + d] = shares[k] * law[k * places + d];
    dpm_mat_mul_at(model, places, shared, places, law, places, places, places, components);
    memset(means, 0, places * sizeof *means);
    for (size_t k = 0; k < components; k++)
        for (size_t d = 0; d < places; d++)
            means[d] += shared[k * places + d];
    weigh_differences(products, model, single, means, table, importance);
    dpm_mat_mul(product, places, law, places, model, places, components, places, places);
    for (size_t k = 0; k < components; k++) {
        const float *pairs = product + k * places, *own = law + k * places;
        float *out = gradient + components + k * places, sum = 0;
        for (size_t d = 0; d < places; d++) {
            sum += own[d] * (pairs[d] / 2 + single[d]);
            out[d] = shares[k] * (pairs[d] + single[d]);
        }
        gradient[k] = sum;
        for (size_t v = 0; v < products->variables; v++)
            softmax_gradient(out + products->first[v], own + products->first[v],
                             products->first[v + 1] - products->first[v]);
    }
    softmax_gradient(gradient, shares, components);
}

void dpm_nn_products_fit(const struct dpm_nn_products *products, float *weights, const float *table,
                         const float *importance, struct dpm_nn_products_steps steps, float *scratch)
{
    size_t n = dpm_nn_products_size(products);
    float *first = scratch, *second = first + n, *gradient = second + n, *laws = gradient + n;
    const struct dpm_nn_optim adam = {
        .kind = DPMIX_OPTIMIZER_ADAM,
        .momentum = 0.9,
        .second_moment = 0.99,
        .rate = learning_rate,
        .schedule = DPMIX_RATE_COSINE,
        .rate_end = last_rate,
    };
    struct dpm_nn_track track = {
        .n = n, .weights = weights, .first = first, .second = second, .steps = steps.from};
    if (steps.from == 0)
        memset(scratch, 0, 2 * n * sizeof *scratch);
    for (uint64_t step = steps.from; step < steps.to; step++) {
        dpm_nn_products_laws(products, laws, weights);
        dpm_nn_products_gradient(products, laws, table, importance, laws + n, gradient);
        dpm_nn_optim_step(&adam, &track, gradient, dpm_nn_optim_rate(&adam, step, steps.all), 0);
    }
}
