/* SPDX-License-Identifier: BSD-3-Clause */
/* A growing text, for reports. A failure sticks: the calls after it do nothing. */
#ifndef DPM_ACCOUNT_TEXT_H
#define DPM_ACCOUNT_TEXT_H

#include <stddef.h>

enum { DPM_NUMBER_SIZE = 64 };

struct dpm_text {
    char *bytes; /* NUL-terminated once something was put; the caller frees with dpm_free */
    size_t used, capacity;
    int failed;
};

struct dpm_number {
    char digits[DPM_NUMBER_SIZE];
};

void dpm_text_put(struct dpm_text *text, const char *string);

/* As printf does; up to 511 bytes. */
#if defined(__GNUC__) || defined(__clang__)
__attribute__((format(printf, 2, 3)))
#endif
void dpm_text_format(struct dpm_text *text, const char *format, ...);

/* %g with this many digits, and a decimal point whatever the locale. */
struct dpm_number dpm_text_number(double value, int digits);

/* A string as JSON, in quotes; what is not UTF-8 becomes U+FFFD. */
void dpm_text_json(struct dpm_text *text, const char *string);

/* The same for people: control characters become blanks. */
void dpm_text_plain(struct dpm_text *text, const char *string);

#endif
