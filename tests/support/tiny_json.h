/* SPDX-License-Identifier: BSD-3-Clause */
/* For tests of what a ledger says: its numbers, one after the other. */
#ifndef DPM_TESTS_TINY_JSON_H
#define DPM_TESTS_TINY_JSON_H

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The number after the next `"name": ` in *at, which moves on. NAN for null, and where there is none. */
static inline double next_number(const char **at, const char *name)
{
    char key[64];
    snprintf(key, sizeof key, "\"%s\": ", name);
    const char *found = strstr(*at, key);
    if (!found)
        return NAN;
    *at = found + strlen(key);
    return strncmp(*at, "null", 4) == 0 ? NAN : strtod(*at, NULL);
}

#endif
