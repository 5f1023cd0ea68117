/* SPDX-License-Identifier: BSD-3-Clause */
/* The report of a release: one HTML file that needs nothing else, neither scripts nor the network. */
#ifndef RELEASE_REPORT_HTML_H
#define RELEASE_REPORT_HTML_H

#include "arguments.h"
#include "bins.h"
#include "compare.h"

struct report {
    const struct release_arguments *arguments;
    const struct bins *bins;
    const struct binned *synthetic;
    const char *words, *ledger; /* dpmix_accountant_report() and dpmix_accountant_json() */
    double spent;               /* epsilon, for one record */
    int64_t rows_of_unit;       /* 0: the schema does not say whose a record is */
    double spent_of_unit;       /* epsilon for a person, all records together; NAN: there is no figure */
    /* Both or neither. With them the report is not private, and says so. */
    const struct binned *real;
    const struct comparison *comparison;
};

/* Returns 0, or -1 after a line on stderr. */
int report_write(const struct report *report, const char *path);

#endif
