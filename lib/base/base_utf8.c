/* SPDX-License-Identifier: BSD-3-Clause */
#include "base_utf8.h"

size_t dpm_utf8_length(const unsigned char *s)
{
    static const unsigned char first[] = {0x00, 0x80, 0xC2, 0xE0, 0xF0, 0xF5}; /* of a class of first bytes */
    static const size_t lengths[] = {1, 0, 2, 3, 4, 0};
    size_t class = 0;
    while (class < 5 && s[0] >= first[class + 1])
        class ++;
    size_t length = lengths[class];
    for (size_t i = 1; i < length; i++)
        if ((s[i] & 0xC0) != 0x80)
            return 0;
    if ((s[0] == 0xE0 && s[1] < 0xA0) || (s[0] == 0xED && s[1] > 0x9F) || (s[0] == 0xF0 && s[1] < 0x90) ||
        (s[0] == 0xF4 && s[1] > 0x8F))
        return 0;
    return length;
}

int dpm_utf8_is(const char *text)
{
    const unsigned char *s = (const unsigned char *)text;
    size_t length;
    while (*s && (length = dpm_utf8_length(s)) > 0)
        s += length;
    return *s == '\0';
}
