/* SPDX-License-Identifier: BSD-3-Clause */
#include "account_text.h"
#include "base_alloc.h"
#include "base_utf8.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static void put_bytes(struct dpm_text *text, const char *bytes, size_t n)
{
    if (text->failed)
        return;
    if (n >= text->capacity - text->used) {
        size_t wanted = 2 * (text->capacity + n + 256); /* far from SIZE_MAX: a purpose is short */
        char *larger = dpm_alloc(wanted, 1);
        if (!larger) {
            text->failed = 1;
            return;
        }
        if (text->used > 0)
            memcpy(larger, text->bytes, text->used);
        dpm_free(text->bytes);
        text->bytes = larger;
        text->capacity = wanted;
    }
    memcpy(text->bytes + text->used, bytes, n);
    text->used += n;
    text->bytes[text->used] = '\0';
}

void dpm_text_put(struct dpm_text *text, const char *string)
{
    put_bytes(text, string, strlen(string));
}

void dpm_text_format(struct dpm_text *text, const char *format, ...)
{
    char line[512];
    va_list arguments;
    va_start(arguments, format);
    int n = vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    assert(n >= 0 && (size_t)n < sizeof line);
    put_bytes(text, line, (size_t)n);
}

/* What is no digit, sign or exponent is the locale's point. */
struct dpm_number dpm_text_number(double value, int digits)
{
    struct dpm_number number = {{0}};
    char local[DPM_NUMBER_SIZE];
    snprintf(local, sizeof local, "%.*g", digits, value);
    size_t n = 0;
    int point = 0;
    for (const char *byte = local; *byte; byte++) {
        if (strchr("0123456789+-einf", *byte))
            number.digits[n++] = *byte;
        else if (!point++)
            number.digits[n++] = '.';
    }
    return number;
}

void dpm_text_json(struct dpm_text *text, const char *string)
{
    dpm_text_put(text, "\"");
    for (const unsigned char *s = (const unsigned char *)string; *s;) {
        size_t length = dpm_utf8_length(s);
        if (length == 0)
            dpm_text_put(text, "\\ufffd");
        else if (*s == '"' || *s == '\\')
            dpm_text_format(text, "\\%c", *s);
        else if (*s < 0x20 || *s == 0x7F)
            dpm_text_format(text, "\\u%04x", *s);
        else
            put_bytes(text, (const char *)s, length);
        s += length ? length : 1;
    }
    dpm_text_put(text, "\"");
}

void dpm_text_plain(struct dpm_text *text, const char *string)
{
    for (const unsigned char *s = (const unsigned char *)string; *s;) {
        size_t length = dpm_utf8_length(s);
        if (length == 0)
            dpm_text_put(text, "?");
        else if (*s < 0x20 || *s == 0x7F)
            dpm_text_put(text, " ");
        else
            put_bytes(text, (const char *)s, length);
        s += length ? length : 1;
    }
}
