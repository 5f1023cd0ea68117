/* SPDX-License-Identifier: BSD-3-Clause */
/* Numbers as text, with a decimal point whatever the locale. */
#ifndef DPM_TABLE_NUMBER_H
#define DPM_TABLE_NUMBER_H

#include <stddef.h>
#include <stdint.h>

enum { DPM_NUMBER_TEXT = 48 };

/* 1 when the n bytes are a number, digits and all (or inf, nan in any case). A number of more than some
 * hundred bytes is none. */
int dpm_number_parse(double *value, const char *text, size_t n);

/* 1 when they are a whole number that an int64_t holds. */
int dpm_integer_parse(int64_t *value, const char *text, size_t n);

/* The shortest text that is within `tolerance` of the value, and in [lower, upper], where the value lies. */
void dpm_number_format(char text[DPM_NUMBER_TEXT], double value, double tolerance, double lower,
                       double upper);

#endif
