/* SPDX-License-Identifier: BSD-3-Clause */
/* What the public functions share: argument checks, texts, model files. */
#ifndef DPM_API_CHECK_H
#define DPM_API_CHECK_H

#include "base_blob.h"
#include "base_fail.h"
#include "base_options.h"
#include "generator_count.h"
#include "privacy.h"

#include <stddef.h>

/* Ends a public function: puts its name before the message of a failure. */
#define API_RETURN(status) return dpm_fail_in(__func__, (status))

/* Ends it when a pointer is missing. */
#define API_NEED(pointer)                                                                                    \
    do {                                                                                                     \
        if (!(pointer))                                                                                      \
            return dpm_fail_in(__func__, dpm_fail(DPMIX_ERR_ARG, #pointer ": NULL"));                        \
    } while (0)

/* Ends it unless the handle is fitted. */
#define API_FITTED(handle)                                                                                   \
    do {                                                                                                     \
        if (!(handle)->fitted)                                                                               \
            return dpm_fail_in(__func__, dpm_fail(DPMIX_ERR_STATE, #handle ": it is not fitted yet"));       \
    } while (0)

/* A copy of the caller's options; the defaults where they are NULL. */
struct dpmix_options dpm_api_options(const struct dpmix_options *options);

/* Whether options from a file are such as a handle can hold. */
int dpm_api_options_check(const struct dpmix_options *options);

/* Copies text out by the rule of dpmix_accountant_json(). */
int dpm_api_text(const char *from, char *text, size_t capacity, size_t *length);

/* share in (0, 1]. */
int dpm_api_share(double share);

/* What a fit needs, with the options' number of threads. */
struct dpm_fit dpm_api_fit(struct dpmix_accountant *accountant, struct dpmix_dataset *dataset, double share,
                           dpmix_progress_fn progress, void *user, const struct dpmix_options *options);

/* Rows and columns of a call that samples or assigns, of any type. */
int dpm_api_rows(const void *rows, size_t n_rows, size_t n_columns, const struct dpm_bounds *bounds);

/* The arrays of a call that counts; their contents are checked where they are read. */
int dpm_api_queries(const double *fractions, const struct dpm_count_queries *queries);

#endif
