/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * The accountant: a privacy budget, and the ledger of all that was spent of it.
 *
 * Every fit debits its whole plan from an accountant before it reads a row. A debit that would pass the
 * budget is refused with DPMIX_ERR_BUDGET, and nothing is read. Nothing is ever given back: a fit that
 * fails or is cancelled afterwards leaves its debit.
 *
 * The accountant composes *planned* mechanisms: their parameters follow from the budget and from options, not
 * from what earlier releases showed. For plain Gaussian mechanisms alone that restriction falls away.
 *
 * Thread rule of the library: calls that take a const handle may run concurrently; a call that takes a
 * handle that is not const needs it for itself. An accountant may be shared by fits that run concurrently.
 */
#ifndef DPMIX_ACCOUNTANT_H
#define DPMIX_ACCOUNTANT_H

#include <dpmix/status.h>

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct dpmix_accountant dpmix_accountant;

/* Which pairs of data sets the guarantee compares. */
#define DPMIX_ADJACENCY_ADD_REMOVE 1  /**< One has one record more. The row count is private. Recommended. */
#define DPMIX_ADJACENCY_REPLACE_ONE 2 /**< Same size, one record differs. The row count is public. */
#define DPMIX_ADJACENCY_ZERO_OUT 3    /**< Same size, one record is replaced by one that contributes nothing:
                                           the curve of add/remove with a public row count. */

/** Opens a budget in memory.
 * @param epsilon    > 0, finite.
 * @param delta      in (0, 1); well below one over the number of records.
 * @param adjacency  DPMIX_ADJACENCY_*.
 * @return DPMIX_ERR_RANGE, DPMIX_ERR_NOMEM. The caller frees with dpmix_accountant_free(). */
DPMIX_API DPMIX_CHECK int dpmix_accountant_new(dpmix_accountant **out, double epsilon, double delta,
                                               int adjacency);

/** Opens the budget of a data set whose ledger is kept in a file, so that it outlives the program. The file
 * is made when it does not exist, and may hold several data sets, each with a budget of its own; what is in
 * the ledger already counts as spent. A fit then reads its first row after its debit is on the disk:
 * whatever ends the program afterwards, the debit is found when the file is opened again. Several processes
 * may spend one budget at the same time: each debit sees all others, and every call on the accountant works
 * with the file as it is. A call that finds the file locked by others waits up to a minute.
 *
 * The file is an SQLite database. It holds the budget, and mechanisms, parameters and purposes of the
 * debits, as in dpmix_accountant_json(): public parameters only. It must lie on a file system whose locks
 * and syncs work (those of many network file systems do not). Who deletes the file, or puts an older copy
 * in its place, gives spent budget back: guard it as you guard the data. After a fork, the child opens the
 * file itself.
 * @param path     the file; its folder must exist and be writable.
 * @param dataset  name of the data set within the file, 1 to 200 bytes; it is public. One data set must
 *                 always have the same name: budgets of different names know nothing of each other.
 * @param epsilon  as for dpmix_accountant_new(); so are delta and adjacency. For a data set that the file
 *                 holds already, all three must be what they were.
 * @return DPMIX_ERR_STATE when they are not; DPMIX_ERR_FORMAT for a file that is damaged, or no ledger of
 *         this version of the library; DPMIX_ERR_IO; DPMIX_ERR_UNSUPPORTED when the library was built
 *         without SQLite; DPMIX_ERR_ARG, DPMIX_ERR_RANGE, DPMIX_ERR_NOMEM. Later calls on the accountant
 *         can fail with DPMIX_ERR_IO and DPMIX_ERR_FORMAT, too. A fit whose debit could not be written
 *         reads no row. */
DPMIX_API DPMIX_CHECK int dpmix_accountant_open(dpmix_accountant **out, const char *path, const char *dataset,
                                                double epsilon, double delta, int adjacency);

/** Gives the handle back. Handles that were fitted with it keep the ledger alive as long as they need it. NULL
 * is fine. */
DPMIX_API void dpmix_accountant_free(dpmix_accountant *accountant);

/** The epsilon spent so far, at the delta of the budget: what the whole ledger satisfies, numerical error
 * added. Plain Gaussian mechanisms compose in closed form (Balle and Wang 2018; Dong, Roth, Su 2022); with
 * Poisson-subsampled ones it is the exact curve by contour integration, or where that converges too slowly the least
 * of several sound bounds, Renyi differential privacy among them (Mironov, Talwar, Zhang 2019). */
DPMIX_API DPMIX_CHECK int dpmix_accountant_spent(const dpmix_accountant *accountant, double *epsilon);

/** The budget as it was opened. Any output may be NULL. */
DPMIX_API DPMIX_CHECK int dpmix_accountant_budget(const dpmix_accountant *accountant, double *epsilon,
                                                  double *delta, int *adjacency);

/** The ledger as JSON: the budget, one entry a debit with its mechanisms and parameters, and the epsilon spent,
 * which recomputing the entries gives again. It holds public parameters only.
 * @param[out] text    room for `capacity` bytes, NUL-terminated on success; NULL to ask for the length.
 * @param[out] length  bytes without the NUL; may be NULL when text is not.
 * @return DPMIX_ERR_RANGE when capacity is at most the length. */
DPMIX_API DPMIX_CHECK int dpmix_accountant_json(const dpmix_accountant *accountant, char *text,
                                                size_t capacity, size_t *length);

/** The ledger in plain words, for people. Arguments as for dpmix_accountant_json(). */
DPMIX_API DPMIX_CHECK int dpmix_accountant_report(const dpmix_accountant *accountant, char *text,
                                                  size_t capacity, size_t *length);

#ifdef __cplusplus
}
#endif

#endif
