/* SPDX-License-Identifier: BSD-3-Clause */
/* A mixture of products of categorical laws, fitted to tables of pairs.
 *
 * A record has one place of every variable; the places of all variables stand in one line, variable v's from
 * first[v] to first[v + 1]. Component k has the share s(k), and under it the variables are independent with
 * laws p(k, d) over their places. So places d and e of two variables occur together with probability
 * m(d, e) = sum over k of s(k) p(k, d) p(k, e), and place d with m(d) = sum over k of s(k) p(k, d).
 *
 * The loss for a table t of what was measured, with a weight w(v) for every variable, is
 *
 *     sum over places d, e of different variables of w(d) w(e) (m(d, e) - t(d, e))^2
 *     + sum over places d of w(d)^2 (m(d) - t(d, d))^2
 *
 * which is that of least squares where t(d, e) = t(e, d) is the mean of two independent measurements, each
 * with a variance of 1 / (w(d) w(e)). To fit the joint law of many variables to tables of few of them by
 * gradient descent on a net whose output is such a mixture is in Liu, Vietri and Wu 2021, arXiv 2106.07153;
 * here the logits of shares and laws are descended on directly. */
#ifndef DPM_NN_PRODUCTS_H
#define DPM_NN_PRODUCTS_H

#include <stddef.h>
#include <stdint.h>

struct dpm_nn_products {
    size_t variables, components;
    const size_t *first; /* variables + 1 */
};

/* Numbers of the weights: logits of the shares, then of the laws, components x places. 0: it overflows. */
size_t dpm_nn_products_size(const struct dpm_nn_products *products);

/* Shares and laws (the same layout) that logits stand for. May be in place. */
void dpm_nn_products_laws(const struct dpm_nn_products *products, float *laws, const float *weights);

/* Some of the steps of Adam that fit weights. */
struct dpm_nn_products_steps {
    uint64_t from, to; /* those from `from` on and before `to` */
    uint64_t all;      /* of so many, which the learning rate goes by */
};

/* Fits weights, which hold the start, or what the steps before left. table: places x places, symmetric;
 * importance: w, a number for each variable; scratch: dpm_nn_products_scratch() floats, which between the
 * steps are left alone. */
void dpm_nn_products_fit(const struct dpm_nn_products *products, float *weights, const float *table,
                         const float *importance, struct dpm_nn_products_steps steps, float *scratch);

/* 0: it overflows. */
size_t dpm_nn_products_scratch(const struct dpm_nn_products *products);

/* The gradient of a quarter of the loss with respect to the logits that `laws` stand for; scratch as for the
 * fit. */
void dpm_nn_products_gradient(const struct dpm_nn_products *products, const float *laws, const float *table,
                              const float *importance, float *scratch, float *gradient);

#endif
