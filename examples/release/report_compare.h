/* SPDX-License-Identifier: BSD-3-Clause */
/* The part of a report that is not private. */
#ifndef RELEASE_REPORT_COMPARE_H
#define RELEASE_REPORT_COMPARE_H

#include "report_html.h"

#include <stdio.h>

/* The report has a comparison. */
void report_comparison(FILE *file, const struct report *report);

#endif
