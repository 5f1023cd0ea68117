/* SPDX-License-Identifier: BSD-3-Clause */
/* Dates and timestamps: days and microseconds since 1970-01-01 (proleptic Gregorian calendar, UTC, no leap
 * seconds) and ISO 8601. */
#ifndef DPM_TABLE_TIME_H
#define DPM_TABLE_TIME_H

#include <stddef.h>
#include <stdint.h>

#define DPM_MICROS_A_DAY INT64_C(86400000000)

enum { DPM_TIME_SIZE = 32 }; /* of a text, with its NUL */

/* YYYY-MM-DD, years 1 to 9999: 1 when the text is a date. */
int dpm_date_parse(int64_t *days, const char *text, size_t n);

/* A date, 'T' or a blank, hh:mm, or hh:mm:ss, or with up to nine digits of a second; then nothing, 'Z' or an
 * offset +hh:mm. A date alone is its midnight. 1 when the text is such a one. Digits beyond microseconds are
 * cut. */
int dpm_timestamp_parse(int64_t *micros, const char *text, size_t n);

void dpm_date_format(char text[DPM_TIME_SIZE], int64_t days);
void dpm_timestamp_format(char text[DPM_TIME_SIZE], int64_t micros);

/* The largest whole number that is not above a / b; b > 0. */
static inline int64_t dpm_floor_divide(int64_t a, int64_t b)
{
    return a / b - (a % b < 0);
}

#endif
