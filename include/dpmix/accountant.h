/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * The accountant: a privacy budget, and the ledger of all that was spent of it.
 *
 * Every fit debits its whole plan from an accountant before it reads a row. A debit that would pass the
 * budget is refused with DPMIX_ERR_BUDGET, and nothing is read. Nothing is ever given back: a fit that
 * fails or is cancelled afterwards leaves its debit.
 *
 * An accountant composes in one of three modes, fixed when it is opened and named in ledger, JSON and report:
 *  - planned: mechanisms and their parameters are laid down before the first release, and follow from the
 *    budget and from options. Queries may depend on earlier releases, and steps may be left out or broken
 *    off; none may be exchanged or given other noise because of what was released. The exact curve of the
 *    composition.
 *  - the two adaptive modes, privacy filters: what comes next, and with how much noise, may depend on
 *    everything released before. The guarantee is then that of the budget; what is spent says how much of it
 *    is used up.
 *
 * The exact curve is no filter: where an earlier release decides between two branches, each may keep
 * (epsilon, delta) and the whole cost nearly twice that delta, with more branches up to 2.7 times. Choose an
 * adaptive mode when anyone looks at releases before deciding what to do next.
 *
 * Thread rule of the library: calls that take a const handle may run concurrently; a call that takes a
 * handle that is not const needs it for itself. An accountant may be shared by fits that run concurrently.
 */
#ifndef DPMIX_ACCOUNTANT_H
#define DPMIX_ACCOUNTANT_H

#include <dpmix/status.h>

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/** A privacy budget and its ledger. */
typedef struct dpmix_accountant dpmix_accountant;

/* Which pairs of data sets the guarantee compares. */
#define DPMIX_ADJACENCY_ADD_REMOVE 1  /**< One has one record more. The row count is private. Recommended. */
#define DPMIX_ADJACENCY_REPLACE_ONE 2 /**< Same size, one record differs. The row count is public. */
#define DPMIX_ADJACENCY_ZERO_OUT 3    /**< Same size, one record is replaced by one that contributes nothing:
                                           the curve of add/remove with a public row count. */

/* How debits compose. */
#define DPMIX_MODE_PLANNED 1  /**< All mechanisms are planned ahead: the exact curve. */
#define DPMIX_MODE_RENYI 2    /**< Adaptive: a filter on the Renyi divergence of one order (Feldman and Zrnic
                                   2021, "Individual privacy accounting via a Renyi filter", NeurIPS). */
#define DPMIX_MODE_GAUSSIAN 3 /**< Adaptive: a filter for Gaussian mechanisms without sampling, on the sum of
                                   mu^2 (Smith and Thakurta 2022; Koskela, Tobaben and Honkela 2022). Exact. */

/** Opens a budget in memory, in the planned mode.
 * @param epsilon    > 0, finite.
 * @param delta      in (0, 1); well below one over the number of records.
 * @param adjacency  DPMIX_ADJACENCY_*.
 * @return DPMIX_ERR_RANGE, DPMIX_ERR_NOMEM. The caller frees with dpmix_accountant_free(). */
DPMIX_API DPMIX_CHECK int dpmix_accountant_new(dpmix_accountant **out, double epsilon, double delta,
                                               int adjacency);

/** Opens a budget in memory for mechanisms that are chosen one after the other. A debit is refused with
 * DPMIX_ERR_BUDGET when the filter would pass the budget, and with DPMIX_ERR_UNSUPPORTED when it cannot
 * compose the mechanism.
 * - Renyi: the sum of the debits' divergences of the filter's order, both directions, stays within the
 *   largest that converts to epsilon at delta (Canonne, Kamath and Steinke 2020, proposition 12). The first
 *   debit, however small, makes the spent epsilon jump to what a divergence of 0 converts to. Shares of a fit
 *   are shares of the divergence that is left. Not for mechanisms with a delta of their own.
 * - Gaussian: sampled mechanisms (a sampling rate below 1) and those without normal noise are refused. It
 *   costs nothing against the planned mode.
 * @param mode   DPMIX_MODE_RENYI or DPMIX_MODE_GAUSSIAN.
 * @param order  of the Renyi filter: above 1 and finite, or 0 for the library's choice, which is the order
 *               that lets one Gaussian mechanism that spends the whole budget have the least noise, order - 1
 *               rounded to three digits. Sampled mechanisms at small rates can do better with another. 0 for
 *               the Gaussian filter.
 * @return as dpmix_accountant_new(); DPMIX_ERR_RANGE also for an order at which a divergence of 0 converts to
 *         epsilon or more. */
DPMIX_API DPMIX_CHECK int dpmix_accountant_new_adaptive(dpmix_accountant **out, double epsilon, double delta,
                                                        int adjacency, int mode, double order);

/** Opens the budget of a data set whose ledger is kept in a file, in the planned mode, so that it outlives
 * the program. The file is made when it does not exist, and may hold several data sets, each with a budget
 * of its own; what is in the ledger already counts as spent. A fit then reads its first row after its debit
 * is on the disk: whatever ends the program afterwards, the debit is found when the file is opened again.
 * Several processes may spend one budget at the same time: each debit sees all others, and every call on the
 * accountant works with the file as it is. A call that finds the file locked by others waits up to a minute.
 *
 * The file is an SQLite database. It holds the budget, and mechanisms, parameters and purposes of the debits,
 * as in dpmix_accountant_json(): public parameters only. It must lie on a file system whose locks and syncs
 * work (those of many network file systems do not). Who deletes the file, or puts an older copy in its place,
 * gives spent budget back: guard it as you guard the data. After a fork, the child opens the file itself.
 * A process that works with the file must not open it in another way, not even to copy or read it: POSIX has
 * it that closing any descriptor of a file gives up all locks of the process on it. Another process can then
 * debit in the middle of a debit, and its own be lost.
 * @param path     the file; its folder must exist and be writable.
 * @param dataset  name of the data set within the file, 1 to 200 bytes; it is public. One data set must
 *                 always have the same name: budgets of different names know nothing of each other. A new
 *                 name that differs from one in the file only by the case of ASCII letters, or by blanks at
 *                 its ends, is refused; other slips are not noticed.
 * @param epsilon  as for dpmix_accountant_new(); so are delta and adjacency. For a data set that the file
 *                 holds already, all three must be what they were, and its mode must be planned. A file that
 *                 an older version of the library made is taken to the present format, and its data sets are
 *                 planned.
 * @return DPMIX_ERR_STATE when they are not, or for such a name; DPMIX_ERR_FORMAT for a file that is damaged,
 *         or no ledger of this version of the library; DPMIX_ERR_IO; DPMIX_ERR_UNSUPPORTED when the library was
 *         built without SQLite; DPMIX_ERR_ARG, DPMIX_ERR_RANGE; DPMIX_ERR_NOMEM, which is also what SQLite says
 *         of some damaged files. Later calls on the accountant can fail with DPMIX_ERR_IO and DPMIX_ERR_FORMAT,
 *         too. A fit whose debit could not be written reads no row.
 */
DPMIX_API DPMIX_CHECK int dpmix_accountant_open(dpmix_accountant **out, const char *path, const char *dataset,
                                                double epsilon, double delta, int adjacency);

/** The same in an adaptive mode: dpmix_accountant_new_adaptive() says what mode and order are. For a data set
 * that the file holds already both must be what they were (DPMIX_ERR_STATE), but an order of 0 takes the
 * file's. */
DPMIX_API DPMIX_CHECK int dpmix_accountant_open_adaptive(dpmix_accountant **out, const char *path,
                                                         const char *dataset, double epsilon, double delta,
                                                         int adjacency, int mode, double order);

/** Gives the handle back. Handles that were fitted with it keep the ledger alive as long as they need it.
 * NULL is fine. */
DPMIX_API void dpmix_accountant_free(dpmix_accountant *accountant);

/** The epsilon spent so far, at the delta of the budget. Planned: what the whole ledger satisfies, numerical
 * error added. Adaptive: what the part of the filter that is used up converts to; 0 before the first debit.
 * Plain Gaussian mechanisms compose in closed form (Balle and Wang 2018; Dong, Roth, Su 2022); with
 * Poisson-subsampled ones it is the exact curve by contour integration, or where that converges too slowly
 * the least of several sound bounds, Renyi differential privacy among them (Mironov, Talwar, Zhang 2019). */
DPMIX_API DPMIX_CHECK int dpmix_accountant_spent(const dpmix_accountant *accountant, double *epsilon);

/** The epsilon spent so far, at the delta of the budget, for data sets that differ in `group` records (one
 * has so many more, or so many are replaced), such as those of one person: the dominating pair of a group
 * (Ganesh 2024), never group times epsilon.
 * @param group  in [1, 64]; 1 gives what dpmix_accountant_spent() gives.
 * @return DPMIX_ERR_UNSUPPORTED for groups above 1 when the ledger holds mechanisms without normal noise, or
 *         sampled ones under replace-one, or belongs to a Renyi filter; DPMIX_ERR_RANGE. */
DPMIX_API DPMIX_CHECK int dpmix_accountant_spent_group(const dpmix_accountant *accountant, double *epsilon,
                                                       int group);

/** The mode, DPMIX_MODE_*, and the order of a Renyi filter (0 in other modes). Either output may be NULL. */
DPMIX_API DPMIX_CHECK int dpmix_accountant_mode(const dpmix_accountant *accountant, int *mode, double *order);

/** The budget as it was opened. Any output may be NULL. */
DPMIX_API DPMIX_CHECK int dpmix_accountant_budget(const dpmix_accountant *accountant, double *epsilon,
                                                  double *delta, int *adjacency);

/** How much noise a plan of several stages may have in the presence of what the ledger holds: multiplies
 * `relative_noise` by the smallest common factor with which ledger and plan together stay within
 * spent + share * (budget - spent), in epsilon at the delta of the budget, or for a Renyi filter in its
 * divergence. It debits nothing, and holds as long as no other debit comes between.
 * @param[out] noise  n multipliers; it may be the array `relative_noise`.
 * @param share       in (0, 1]: the share of the epsilon that is left.
 * @param mechanisms  the plan, in parallel arrays: dpmix/calculator.h says what they hold.
 * @param n           at least 1.
 * @return DPMIX_ERR_BUDGET when nothing is left, or no amount of noise is enough; DPMIX_ERR_ARG,
 *         DPMIX_ERR_RANGE, DPMIX_ERR_UNSUPPORTED, DPMIX_ERR_STATE, DPMIX_ERR_NOMEM. */
DPMIX_API DPMIX_CHECK int dpmix_accountant_noise(const dpmix_accountant *accountant, double *noise,
                                                 double share, const int *mechanisms,
                                                 const double *relative_noise, const double *rates,
                                                 const uint64_t *counts, size_t n);

/** The ledger as JSON: the budget, the mode ("planned", "renyi" with its "order", "gaussian"), one entry a
 * debit with its mechanisms and parameters, and the epsilon spent, which recomputing the entries in that
 * mode gives again. It holds public parameters only. Of each entry it says
 *  - "share": its part of the Renyi divergence of the order "share_order", which adds up over the entries;
 *    that is the filter's order, or else the one whose conversion to epsilon is the least. null for
 *    mechanisms without a divergence; the other shares then divide the rest;
 *  - "epsilon_alone": what it would cost as the only entry of a planned ledger, at the budget's delta.
 * @param[out] text    room for `capacity` bytes, NUL-terminated on success; NULL to ask for the length.
 * @param[out] length  bytes without the NUL; may be NULL when text is not.
 * @return DPMIX_ERR_RANGE when capacity is at most the length. */
DPMIX_API DPMIX_CHECK int dpmix_accountant_json(const dpmix_accountant *accountant, char *text,
                                                size_t capacity, size_t *length);

/** The ledger in plain words, for people who do not know the field: what is protected and against whom, what
 * the figures and the mode mean, each step with its share, groups of records, what is not covered. Arguments
 * as for dpmix_accountant_json(). */
DPMIX_API DPMIX_CHECK int dpmix_accountant_report(const dpmix_accountant *accountant, char *text,
                                                  size_t capacity, size_t *length);

#ifdef __cplusplus
}
#endif

#endif
