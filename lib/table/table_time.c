/* SPDX-License-Identifier: BSD-3-Clause */
#include "table_time.h"

#include <stdio.h>

enum { DAYS_IN_400_YEARS = 146097, DAYS_BEFORE_1970 = 719468 }; /* from 0000-03-01 */

/* Years that begin in March have the leap day at their end, so that the days before a month follow a formula
 * (Howard Hinnant, "chrono-compatible low-level date algorithms"). */
static int64_t days_from_civil(int64_t year, int month, int day)
{
    year -= month <= 2;
    int64_t era = dpm_floor_divide(year, 400), in_era = year - era * 400;
    int64_t in_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    return era * DAYS_IN_400_YEARS + in_era * 365 + in_era / 4 - in_era / 100 + in_year - DAYS_BEFORE_1970;
}

static void civil_from_days(int64_t days, int *year, int *month, int *day)
{
    days += DAYS_BEFORE_1970;
    int64_t era = dpm_floor_divide(days, DAYS_IN_400_YEARS), of_era = days - era * DAYS_IN_400_YEARS;
    int64_t in_era = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    int64_t of_year = of_era - (365 * in_era + in_era / 4 - in_era / 100);
    int64_t from_march = (5 * of_year + 2) / 153;
    *day = (int)(of_year - (153 * from_march + 2) / 5 + 1);
    *month = (int)(from_march < 10 ? from_march + 3 : from_march - 9);
    *year = (int)(in_era + era * 400 + (*month <= 2));
}

struct reader {
    const char *at, *end;
};

/* Exactly n digits. */
static int read_number(struct reader *reader, int n, int *number)
{
    int value = 0;
    for (int i = 0; i < n; i++) {
        if (reader->at == reader->end || *reader->at < '0' || *reader->at > '9')
            return 0;
        value = 10 * value + (*reader->at++ - '0');
    }
    *number = value;
    return 1;
}

static int skip(struct reader *reader, char byte)
{
    if (reader->at == reader->end || *reader->at != byte)
        return 0;
    reader->at++;
    return 1;
}

static int read_date(struct reader *reader, int64_t *days)
{
    static const int lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    int year, month, day;
    if (!read_number(reader, 4, &year) || !skip(reader, '-') || !read_number(reader, 2, &month) ||
        !skip(reader, '-') || !read_number(reader, 2, &day))
        return 0;
    int leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    if (year < 1 || month < 1 || month > 12 || day < 1 ||
        day > lengths[month - 1] + (month == 2 && leap ? 1 : 0))
        return 0;
    *days = days_from_civil(year, month, day);
    return 1;
}

/* Up to nine digits, of which six count. */
static int read_fraction(struct reader *reader, int *micros)
{
    int digit, n = 0, value = 0;
    while (n < 9 && read_number(reader, 1, &digit))
        if (n++ < 6)
            value = 10 * value + digit;
    for (int i = n; i < 6; i++)
        value *= 10;
    *micros = value;
    return n > 0;
}

static int read_zone(struct reader *reader, int64_t *minutes)
{
    int hour, minute, sign;
    *minutes = 0;
    if (reader->at == reader->end || skip(reader, 'Z') || skip(reader, 'z'))
        return 1;
    sign = *reader->at == '-' ? -1 : 1;
    if (!skip(reader, '+') && !skip(reader, '-'))
        return 0;
    if (!read_number(reader, 2, &hour))
        return 0;
    skip(reader, ':');
    minute = 0;
    if (reader->at != reader->end && !read_number(reader, 2, &minute))
        return 0;
    *minutes = sign * (hour * 60 + minute);
    return hour < 24 && minute < 60;
}

int dpm_date_parse(int64_t *days, const char *text, size_t n)
{
    struct reader reader = {text, text + n};
    int64_t value;
    if (!read_date(&reader, &value) || reader.at != reader.end)
        return 0;
    *days = value;
    return 1;
}

int dpm_timestamp_parse(int64_t *micros, const char *text, size_t n)
{
    struct reader reader = {text, text + n};
    int64_t days, zone = 0;
    int hour = 0, minute = 0, second = 0, fraction = 0;
    if (!read_date(&reader, &days))
        return 0;
    if (reader.at != reader.end) {
        if (!skip(&reader, 'T') && !skip(&reader, 't') && !skip(&reader, ' '))
            return 0;
        if (!read_number(&reader, 2, &hour) || !skip(&reader, ':') || !read_number(&reader, 2, &minute))
            return 0;
        if (skip(&reader, ':')) {
            if (!read_number(&reader, 2, &second))
                return 0;
            if (skip(&reader, '.') && !read_fraction(&reader, &fraction))
                return 0;
        }
        if (!read_zone(&reader, &zone))
            return 0;
    }
    if (reader.at != reader.end || hour > 23 || minute > 59 || second > 60)
        return 0;
    int64_t seconds = (int64_t)hour * 3600 + minute * 60 + second - zone * 60;
    *micros = days * DPM_MICROS_A_DAY + seconds * 1000000 + fraction;
    return 1;
}

void dpm_date_format(char text[DPM_TIME_SIZE], int64_t days)
{
    int year, month, day;
    civil_from_days(days, &year, &month, &day);
    snprintf(text, DPM_TIME_SIZE, "%04d-%02d-%02d", year, month, day);
}

void dpm_timestamp_format(char text[DPM_TIME_SIZE], int64_t micros)
{
    int year, month, day;
    int64_t days = dpm_floor_divide(micros, DPM_MICROS_A_DAY), rest = micros - days * DPM_MICROS_A_DAY;
    int second = (int)(rest / 1000000), fraction = (int)(rest % 1000000);
    civil_from_days(days, &year, &month, &day);
    int n = snprintf(text, DPM_TIME_SIZE, "%04d-%02d-%02dT%02d:%02d:%02d", year, month, day, second / 3600,
                     second / 60 % 60, second % 60);
    if (fraction && n > 0 && n < DPM_TIME_SIZE)
        snprintf(text + n, (size_t)(DPM_TIME_SIZE - n), ".%06d", fraction);
}
