/* SPDX-License-Identifier: BSD-3-Clause */
#include "table_number.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LONGEST = 400 };

static char lower_case(char byte)
{
    return byte >= 'A' && byte <= 'Z' ? (char)(byte - 'A' + 'a') : byte;
}

static int is_word(const char *text, size_t n, const char *word)
{
    size_t i = 0;
    while (i < n && word[i] && lower_case(text[i]) == word[i])
        i++;
    return i == n && !word[i];
}

/* Sign, digits with at most one point, exponent. */
static int is_decimal(const char *text, size_t n)
{
    size_t i = 0, digits = 0, exponent = 0;
    if (i < n && (text[i] == '+' || text[i] == '-'))
        i++;
    for (int points = 0; i < n && ((text[i] >= '0' && text[i] <= '9') || (text[i] == '.' && !points)); i++)
        if (text[i] == '.')
            points = 1;
        else
            digits++;
    if (digits == 0 || i == n)
        return digits > 0;
    if (lower_case(text[i++]) != 'e')
        return 0;
    if (i < n && (text[i] == '+' || text[i] == '-'))
        i++;
    for (; i < n && text[i] >= '0' && text[i] <= '9'; i++)
        exponent++;
    return exponent > 0 && i == n;
}

/* What the locale writes between the two digits of 0.5. */
static size_t local_point(char point[8])
{
    char half[16] = {0};
    int n = snprintf(half, sizeof half, "%.1f", 0.5);
    if (n < 3 || n > 8) {
        point[0] = '.';
        return 1;
    }
    memcpy(point, half + 1, (size_t)n - 2);
    return (size_t)n - 2;
}

int dpm_number_parse(double *value, const char *text, size_t n)
{
    char local[LONGEST + 16], point[8], *end = NULL;
    size_t used = 0, sign = n > 0 && (text[0] == '-' || text[0] == '+') ? 1 : 0;
    if (n > LONGEST)
        return 0;
    if (is_word(text + sign, n - sign, "inf") || is_word(text + sign, n - sign, "infinity")) {
        *value = sign && text[0] == '-' ? -HUGE_VAL : HUGE_VAL;
        return 1;
    }
    if (is_word(text, n, "nan")) {
        *value = (double)NAN;
        return 1;
    }
    if (!is_decimal(text, n))
        return 0;
    for (size_t i = 0; i < n; i++)
        if (text[i] != '.') {
            local[used++] = text[i];
        } else {
            size_t length = local_point(point);
            memcpy(local + used, point, length);
            used += length;
        }
    local[used] = '\0';
    double parsed = strtod(local, &end);
    if (end != local + used)
        return 0;
    *value = parsed;
    return 1;
}

int dpm_integer_parse(int64_t *value, const char *text, size_t n)
{
    size_t i = n > 0 && (text[0] == '-' || text[0] == '+') ? 1 : 0;
    int negative = i == 1 && text[0] == '-';
    uint64_t sum = 0, most = (uint64_t)INT64_MAX + (negative ? 1 : 0);
    if (i == n)
        return 0;
    for (; i < n; i++) {
        if (text[i] < '0' || text[i] > '9')
            return 0;
        uint64_t digit = (uint64_t)(text[i] - '0');
        if (sum > (most - digit) / 10)
            return 0;
        sum = 10 * sum + digit;
    }
    *value = negative ? (int64_t)(0 - sum) : (int64_t)sum;
    return 1;
}

/* In place: the locale's point becomes '.'. */
static void set_point(char *text)
{
    size_t used = 0;
    int points = 0;
    for (const char *byte = text; *byte; byte++)
        if (strchr("0123456789+-einfa", *byte))
            text[used++] = *byte;
        else if (!points++)
            text[used++] = '.';
    text[used] = '\0';
}

void dpm_number_format(char text[DPM_NUMBER_TEXT], double value, double tolerance, double lower, double upper)
{
    enum { EXACT = 17 };
    for (int digits = 6; digits <= EXACT; digits++) {
        double parsed;
        snprintf(text, DPM_NUMBER_TEXT, "%.*g", digits, value);
        if (strchr(text, 'e') && fabs(value) >= 1 && fabs(value) < 1e15) /* plain where that is short */
            snprintf(text, DPM_NUMBER_TEXT, "%.0f", value);
        set_point(text);
        if (dpm_number_parse(&parsed, text, strlen(text)) && fabs(parsed - value) <= tolerance &&
            parsed >= lower && parsed <= upper)
            return;
    }
}
