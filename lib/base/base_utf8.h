/* SPDX-License-Identifier: BSD-3-Clause */
/* What is UTF-8 (RFC 3629). */
#ifndef DPM_BASE_UTF8_H
#define DPM_BASE_UTF8_H

#include <stddef.h>

/* The length of the character at `s`, or 0 when there is none. Reads up to the first byte that does not fit.
 */
size_t dpm_utf8_length(const unsigned char *s);

/* Whether a text is nothing else. */
int dpm_utf8_is(const char *text);

#endif
