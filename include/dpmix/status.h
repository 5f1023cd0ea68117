/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * Status codes, and the message of the last failure.
 *
 * Every function that can fail returns 0 (DPMIX_OK) or one of the negative
 * numbers below. A failing call leaves its outputs as they were and leaves a
 * message of one line for the calling thread. Outputs share no memory with
 * inputs or with each other, but where a function says that they may.
 *
 * A status is an output too: once a dataset is built, no status and no message
 * depends on a private value.
 */
#ifndef DPMIX_STATUS_H
#define DPMIX_STATUS_H

#include <dpmix/version.h>

#ifdef __cplusplus
extern "C" {
#endif

#define DPMIX_OK 0                 /**< Success. */
#define DPMIX_ERR_ARG (-1)         /**< An argument is missing or of the wrong kind. */
#define DPMIX_ERR_RANGE (-2)       /**< A number or a size is out of its range. */
#define DPMIX_ERR_STATE (-3)       /**< The call does not fit what the handle has done so far. */
#define DPMIX_ERR_NOMEM (-4)       /**< Out of memory. */
#define DPMIX_ERR_BUDGET (-5)      /**< The privacy budget does not cover the call; nothing was read. */
#define DPMIX_ERR_CANCELLED (-6)   /**< The progress callback asked to stop; what was spent stays spent. */
#define DPMIX_ERR_IO (-7)          /**< A file could not be read or written. */
#define DPMIX_ERR_FORMAT (-8)      /**< A file is not what it should be: truncated, corrupted, or of another kind. */
#define DPMIX_ERR_UNSUPPORTED (-9) /**< The combination asked for does not exist. */
#define DPMIX_ERR_INTERNAL (-10)   /**< A fault of the library or the system: no thread. (Without getrandom() and
                                        /dev/urandom, libsodium ends the process, before a debit.) */

/** The fixed text for a status code, for example "out of memory".
 * @param status  any number; an unknown one has the text "unknown status".
 * The string is static. Any thread. */
DPMIX_API const char *dpmix_strerror(int status);

/** The message of the last call that failed on this thread, naming the
 * argument at fault, for example "dpmix_dataset_new_u8: n_classes: must be at
 * least 1 when labels are given". Meaningful only right after a failing call.
 * The string belongs to the thread and changes with its next failing call. */
DPMIX_API const char *dpmix_last_error(void);

#ifdef __cplusplus
}
#endif

#endif
