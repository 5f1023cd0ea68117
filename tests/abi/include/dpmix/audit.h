/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * The one-run audit: how much a mechanism leaks at the least, measured from one run of it.
 *
 * The auditor makes m canaries (records, or gradients), includes each with probability 1/2, independently, by
 * coins of his own, and runs the mechanism once. From what it released he gives every canary a score: higher
 * where it looks included. The canaries with the highest scores are guessed to be in, those with the lowest
 * to be out, the others are left alone; right guesses are counted. A private mechanism makes many right
 * guesses improbable:
 *
 *   dpmix_audit_epsilon   any (epsilon, delta)-private mechanism: Steinke, Nasr, Jagielski, "Privacy
 *                         auditing with one (1) training run", 2023, arXiv 2305.08846
 *   dpmix_audit_gaussian  mechanisms whose curve is a Gaussian one: Mahloujifar, Melis, Chaudhuri,
 *                         "Auditing f-differential privacy in one run", 2024, arXiv 2410.22235
 *
 * A bound above the epsilon that was claimed proves, up to the confidence, that the claim is false. A bound
 * below it proves nothing: audits find faults, they do not certify. doc/privacy.md has the statements and
 * their proofs.
 *
 * What the bounds rest on, and no function can check: the coins are fair, independent and not known to
 * whoever scores; scores are computed from the release alone; the numbers of guesses, delta and the
 * confidence were fixed before the scores were seen. A run over m canaries costs the budget what any run
 * costs.
 *
 * These functions have no handle and keep nothing: any thread, any number of them at once. Everything is
 * exact arithmetic of counts, rounded to the safe side: a bound is never above what the confidence allows.
 */
#ifndef DPMIX_AUDIT_H
#define DPMIX_AUDIT_H

#include <dpmix/status.h>

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/** A lower bound on epsilon: with probability `confidence` or more over the coins and the mechanism, a
 * mechanism that is (epsilon, delta)-private for the inclusion of a canary gets no number above its epsilon.
 * 0: no evidence.
 * @param scores       n_canaries numbers, higher for "included"; any scale, infinities too, not NaN. Equal
 *                     scores rank by position.
 * @param included     n_canaries coins: 1 included, 0 not.
 * @param n_canaries   all that were tossed for, at least 1; none may be left out after scoring.
 * @param guesses_in   how many of the highest scores are guessed to be in,
 * @param guesses_out  and of the lowest to be out; together at most n_canaries. A tenth to a half of the
 *                     canaries is a good number, half of it on each side. Both 0: the best of
 *                     n_canaries / 1, 2, 4, 8, 16 guesses, each at a fifth of 1 - confidence.
 * @param delta        in [0, 1); far below 1 / n_canaries, or there is nothing to find.
 * @param confidence   in (0, 1), for example 0.95.
 * @return DPMIX_ERR_ARG, DPMIX_ERR_RANGE, DPMIX_ERR_NOMEM. */
DPMIX_API DPMIX_CHECK int dpmix_audit_epsilon(double *epsilon, const double *scores, const uint8_t *included,
                                              size_t n_canaries, size_t guesses_in, size_t guesses_out,
                                              double delta, double confidence);

/** A lower bound on mu, for a mechanism that is mu-Gaussian-private for the inclusion of a canary, and the
 * epsilon that such a mechanism has at delta. This holds for Gaussian mechanisms and their compositions, DP
 * gradient descent on full batches among them: mu = sqrt(steps) / noise multiplier. For another mechanism the
 * number says only that it is not mu-Gaussian-private; its epsilon at this delta may be smaller.
 * @param[out] mu, epsilon  0: no evidence.
 * @param delta  in (0, 1). It has no part in mu.
 * Other arguments as for dpmix_audit_epsilon(). Work in proportion to the number of guesses. */
DPMIX_API DPMIX_CHECK int dpmix_audit_gaussian(double *mu, double *epsilon, const double *scores,
                                               const uint8_t *included, size_t n_canaries, size_t guesses_in,
                                               size_t guesses_out, double delta, double confidence);

/** The same bound for guesses made in some other way, for example by a trained attack: n_guesses canaries
 * were guessed, n_right of the guesses were right. n_guesses was fixed beforehand, and at most n_canaries. */
DPMIX_API DPMIX_CHECK int dpmix_audit_epsilon_count(double *epsilon, size_t n_canaries, size_t n_guesses,
                                                    size_t n_right, double delta, double confidence);

/** As dpmix_audit_gaussian(), for guesses made in some other way. */
DPMIX_API DPMIX_CHECK int dpmix_audit_gaussian_count(double *mu, double *epsilon, size_t n_canaries,
                                                     size_t n_guesses, size_t n_right, double delta,
                                                     double confidence);

#ifdef __cplusplus
}
#endif

#endif
