/* SPDX-License-Identifier: BSD-3-Clause */
/* The one place where a status and its message are set together. */
#ifndef DPM_BASE_FAIL_H
#define DPM_BASE_FAIL_H

#include <dpmix/status.h>

#if defined(__GNUC__) || defined(__clang__)
#define DPM_PRINTF(text, first) __attribute__((format(printf, text, first)))
#else
#define DPM_PRINTF(text, first)
#endif

/* Stores the message for the calling thread and returns `status`:
 *     return dpm_fail(DPMIX_ERR_RANGE, "share: must lie in (0, 1]");
 * The message names an argument or a file, never a value of a private row. */
int dpm_fail(int status, const char *format, ...) DPM_PRINTF(2, 3);
#ifdef __clang_analyzer__ /* it sees one file at a time: that the status comes back has to be told */
#define dpm_fail(status, ...) (dpm_fail(status, __VA_ARGS__), (status))
#endif

/* Puts the name of the public function before the message, once:
 * "dpmix_x_new: share: ...". Returns `status` as it is. */
int dpm_fail_in(const char *function, int status);

/* What the system says of an errno; unlike strerror() it keeps its text for each thread, until it is called
 * there again. */
const char *dpm_fail_reason(int error);

const char *dpm_fail_message(void);
const char *dpm_fail_text(int status);

#endif
