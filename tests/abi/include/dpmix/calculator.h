/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * Calculators: what a composition of mechanisms costs, and how much noise it needs, before any data is
 * touched.
 *
 * A composition is a list of n entries in parallel arrays. Entry i stands for counts[i] runs of one
 * mechanism:
 *
 *   mechanisms  DPMIX_MECHANISM_*.
 *   noise       the noise multiplier, above 0 and finite; for every kind, more of it is more private:
 *                 Gaussian    standard deviation of the noise over the largest Euclidean norm of what
 *                             one record contributes to the sum
 *                 Laplace     scale of the noise over the largest sum of absolute values that one record
 *                             contributes
 *                 geometric   scale b of whole-numbered noise k with a probability in proportion to
 *                             exp(-|k| / b), for counts to which one record adds 1 at most
 *                 randomised response, pure    1 / epsilon
 *   rates       of subsampled kinds the probability, in (0, 1], with which each record takes part,
 *               independently (Poisson sampling); of DPMIX_MECHANISM_PURE the delta, in [0, 1); not read
 *               for other kinds. NULL: rates of 1, deltas of 0.
 *   counts      at least 1. NULL: 1 each.
 *   n           0 is a composition of nothing: it costs nothing, and the arrays may be NULL.
 *
 * Under replace-one the same multipliers count: what one record contributes, not by how much replacing
 * it moves the sum. Randomised response and pure mechanisms are taken at the epsilon that they have for
 * the adjacency at hand.
 *
 * The figures are for *planned* compositions: parameters do not depend on what earlier releases showed.
 * A figure is never below the true value. Epsilon and delta are the exact curve, by contour integration
 * of the hockey-stick divergence (Zhu, Dong, Wang, "Optimal accounting of differential privacy via
 * characteristic function", 2022) or in closed form, above the truth by 1e-9 relative and
 * little more, and where that converges too slowly the least of several upper bounds. doc/privacy.md has
 * statements, proofs and what was measured.
 *
 * These functions have no handle and keep nothing: any thread, any number of them at once. The same
 * arguments give the same figure. Outputs are written on success only. All of them return DPMIX_ERR_ARG,
 * DPMIX_ERR_RANGE, DPMIX_ERR_UNSUPPORTED or DPMIX_ERR_NOMEM with a message that names the argument;
 * subsampled Laplace mechanisms with a rate below 1 under replace-one are not supported.
 */
#ifndef DPMIX_CALCULATOR_H
#define DPMIX_CALCULATOR_H

#include <dpmix/status.h>

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define DPMIX_MECHANISM_GAUSSIAN 1            /**< Every record takes part. */
#define DPMIX_MECHANISM_SUBSAMPLED_GAUSSIAN 2 /**< Each record takes part with probability `rates[i]`. */
#define DPMIX_MECHANISM_LAPLACE 3             /**< Every record takes part. */
#define DPMIX_MECHANISM_SUBSAMPLED_LAPLACE 4  /**< Each record takes part with probability `rates[i]`. */
#define DPMIX_MECHANISM_GEOMETRIC 5           /**< Whole-numbered noise on a count. */
#define DPMIX_MECHANISM_RANDOMIZED_RESPONSE 6 /**< The truth with odds of exp(epsilon). */
#define DPMIX_MECHANISM_PURE 7                /**< Anything known to be (epsilon, delta)-private. */

/** The least epsilon at which the composition is known to be (epsilon, delta)-differentially private.
 * @param[out] epsilon  INFINITY when no finite one is known, for example when the deltas of pure
 *                      mechanisms use up `delta`.
 * @param adjacency     DPMIX_ADJACENCY_*.
 * @param group         how many records more one of the two data sets holds, 1 to 64; 1 is the usual
 *                      meaning. (Under replace-one and zero-out: how many are replaced.) More than 1 for
 *                      Gaussian mechanisms only, and under replace-one for those in which every record
 *                      takes part; DPMIX_ERR_UNSUPPORTED otherwise. Sampled ones: Ganesh, "Tight
 *                      group-level DP guarantees for DP-SGD with sampling via mixture of Gaussians
 *                      mechanisms", 2024.
 * @param delta         in (0, 1). */
DPMIX_API DPMIX_CHECK int dpmix_calculate_epsilon(double *epsilon, const int *mechanisms,
                                                  const double *noise, const double *rates,
                                                  const uint64_t *counts, size_t n, int adjacency, int group,
                                                  double delta);

/** The least delta at which the composition is known to be (epsilon, delta)-differentially private; 1
 * when none is known. Arguments as for dpmix_calculate_epsilon().
 * @param epsilon  at least 0, finite. */
DPMIX_API DPMIX_CHECK int dpmix_calculate_delta(double *delta, const int *mechanisms, const double *noise,
                                                const double *rates, const uint64_t *counts, size_t n,
                                                int adjacency, int group, double epsilon);

/** Renyi divergence of the composition, the larger of both directions: Mironov, "Renyi differential
 * privacy", 2017 (Gaussian, Laplace, randomised response); Mironov, Talwar, Zhang, "Renyi differential
 * privacy of the sampled Gaussian mechanism", 2019; others by numerical integration. Rounded up.
 * @param[out] rdp  INFINITY where no finite bound fits a double.
 * @param adjacency  DPMIX_ADJACENCY_*; one record differs.
 * @param order      any real number above 1, finite.
 * @return DPMIX_ERR_UNSUPPORTED also for a pure mechanism with a delta above 0, which has no finite
 *                               divergence. */
DPMIX_API DPMIX_CHECK int dpmix_calculate_rdp(double *rdp, const int *mechanisms, const double *noise,
                                              const double *rates, const uint64_t *counts, size_t n,
                                              int adjacency, double order);

/** How much noise a plan of several stages needs: multiplies `relative_noise` by the smallest common
 * factor with which the composition is (epsilon, delta)-differentially private.
 * dpmix_calculate_epsilon() of the result, with a group of 1, is at most `epsilon`.
 * @param[out] noise        n multipliers; it may be the array `relative_noise`.
 * @param relative_noise    the stages' multipliers up to that factor: with half of it, a Gaussian stage
 *                          gets four times the share of the budget.
 * @param n                 at least 1.
 * @param delta             in (0, 1).
 * @param epsilon           above 0, finite.
 * @return DPMIX_ERR_BUDGET when no amount of noise is enough: the deltas of pure mechanisms use up
 *                          `delta`. */
DPMIX_API DPMIX_CHECK int dpmix_calculate_noise(double *noise, const int *mechanisms,
                                                const double *relative_noise, const double *rates,
                                                const uint64_t *counts, size_t n, int adjacency, double delta,
                                                double epsilon);

#ifdef __cplusplus
}
#endif

#endif
