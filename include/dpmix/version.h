/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * The version of the library.
 */
#ifndef DPMIX_VERSION_H
#define DPMIX_VERSION_H

/** The version of these headers. */
#define DPMIX_VERSION "1.0.0"

/** What marks a public function. */
#if defined(_WIN32)
#define DPMIX_API
#elif defined(__GNUC__) || defined(__clang__)
#define DPMIX_API __attribute__((visibility("default")))
#else
#define DPMIX_API
#endif

/** Functions that return a status carry this: ignoring a refusal to spend
 * budget is never right. */
#if defined(__GNUC__) || defined(__clang__)
#define DPMIX_CHECK __attribute__((warn_unused_result))
#else
#define DPMIX_CHECK
#endif

#ifdef __cplusplus
extern "C" {
#endif

/** The version of the library that is loaded, for example "1.0.0".
 * Compare it with DPMIX_VERSION, the version of these headers.
 * The string is static. Any thread. */
DPMIX_API const char *dpmix_version(void);

#ifdef __cplusplus
}
#endif

#endif
