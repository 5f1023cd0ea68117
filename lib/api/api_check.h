/* SPDX-License-Identifier: BSD-3-Clause */
/* What the public functions share: argument checks, texts, model files. */
#ifndef DPM_API_CHECK_H
#define DPM_API_CHECK_H

#include "base_alloc.h"
#include "base_fail.h"
#include "base_options.h"
#include "generator_count.h"
#include "privacy.h"

#include <stddef.h>

/* Ends a public function: puts its name before the message of a failure. */
#define API_RETURN(status) return dpm_fail_in(__func__, (status))

/* Of a pointer to a handle what its block is marked with when it leaves the library; 0 of any other pointer.
 * Not to stand in a condition, which cppcheck cannot read then. */
#define API_KIND(pointer)                                                                                    \
    _Generic((pointer), struct dpmix_accountant * : 1, const struct dpmix_accountant * : 1,                  \
             struct dpmix_clusterer * : 2, const struct dpmix_clusterer * : 2, struct dpmix_dataset * : 3,   \
             const struct dpmix_dataset * : 3, struct dpmix_generator * : 4,                                 \
             const struct dpmix_generator * : 4, struct dpmix_mixture * : 5,                                 \
             const struct dpmix_mixture * : 5, struct dpmix_options * : 6, const struct dpmix_options * : 6, \
             struct dpmix_schema * : 7, const struct dpmix_schema * : 7, default : 0)

/* Whether a pointer that is not NULL is a handle of its type: of another one, and most often of one that was
 * freed, the mark differs. True of pointers that are no handles. */
int dpm_api_is(const void *pointer, int kind);

/* Whether a handle is there and of its type. */
#define API_HAVE(handle) ((handle) && dpm_api_is((handle), API_KIND(handle)))

/* Ends a constructor: marks what it made. */
#define API_GIVE(out, status)                                                                                \
    do {                                                                                                     \
        int api_status = (status);                                                                           \
        if (api_status == DPMIX_OK)                                                                          \
            dpm_alloc_set_kind(*(out), API_KIND(*(out)));                                                    \
        API_RETURN(api_status);                                                                              \
    } while (0)

/* Ends it when a pointer is missing, or is a handle of another type. */
#define API_NEED(pointer)                                                                                    \
    do {                                                                                                     \
        const int api_kind = API_KIND(pointer);                                                              \
        if (!(pointer))                                                                                      \
            return dpm_fail_in(__func__, dpm_fail(DPMIX_ERR_ARG, #pointer ": NULL"));                        \
        if (!dpm_api_is(pointer, api_kind))                                                                  \
            return dpm_fail_in(__func__, dpm_fail(DPMIX_ERR_ARG, #pointer ": a handle of another type"));    \
    } while (0)

/* Ends it unless the handle is fitted. */
#define API_FITTED(handle)                                                                                   \
    do {                                                                                                     \
        if (!(handle)->fitted)                                                                               \
            return dpm_fail_in(__func__, dpm_fail(DPMIX_ERR_STATE, #handle ": it is not fitted yet"));       \
    } while (0)

/* A destructor: whether the handle is one of this kind, which it then is no longer. Others may still hold the
 * block; the caller may not. */
int dpm_api_take_back(void *handle, int kind);
#define API_FREE(handle, release)                                                                            \
    do {                                                                                                     \
        const int api_kind = API_KIND(handle);                                                               \
        if (dpm_api_take_back(handle, api_kind))                                                             \
            release(handle);                                                                                 \
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

/* Whether n things of `size` bytes can lie in an array, which `name` is the length of. */
int dpm_api_length(const char *name, size_t n, size_t size);

/* Rows and columns of a call that samples or assigns, of any type. */
int dpm_api_rows(const void *rows, size_t n_rows, size_t n_columns, const struct dpm_bounds *bounds);

/* The arrays of a call that counts; their contents are checked where they are read. */
int dpm_api_queries(const double *fractions, const struct dpm_count_queries *queries);

#endif
