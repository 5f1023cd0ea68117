/* SPDX-License-Identifier: BSD-3-Clause */
/* A schema with a column of every kind. */
#ifndef DPM_TESTS_FUZZ_TABLE_H
#define DPM_TESTS_FUZZ_TABLE_H

#include <dpmix/schema.h>

#define FUZZ_TABLE_JSON                                                                                      \
    "{\"dpmix_schema\": 1, \"columns\": ["                                                                   \
    "{\"name\": \"age\", \"kind\": \"integer\", \"lower\": 17, \"upper\": 90, \"nullable\": true},"          \
    "{\"name\": \"income\", \"kind\": \"continuous\", \"lower\": 1, \"upper\": 1e6, \"scale\": \"log\","     \
    " \"nullable\": true, \"outside\": \"null\"},"                                                           \
    "{\"name\": \"school\", \"kind\": \"ordinal\", \"values\": [\"none\", \"primary\", \"secondary\"]},"     \
    "{\"name\": \"job\", \"kind\": \"categorical\", \"values\": [\"clerk\", \"nurse\"],"                     \
    " \"other\": \"another\", \"outside\": \"other\", \"nullable\": true},"                                  \
    "{\"name\": \"member\", \"kind\": \"boolean\", \"nullable\": true},"                                     \
    "{\"name\": \"born\", \"kind\": \"date\", \"lower\": \"1900-01-01\", \"upper\": \"2024-12-31\"},"        \
    "{\"name\": \"seen\", \"kind\": \"timestamp\", \"lower\": \"2020-01-01T00:00:00\","                      \
    " \"upper\": \"2024-12-31T23:59:59\", \"nullable\": true},"                                              \
    "{\"name\": \"patient\", \"kind\": \"unit\", \"max_rows\": 5}],"                                         \
    "\"label\": \"school\"}"

/* Its columns' names, as a line of CSV or a list of SQL. */
#define FUZZ_TABLE_HEADER "age,income,school,job,member,born,seen,patient"

enum { FUZZ_TABLE_COLUMNS = 8, FUZZ_TABLE_WIDTH = 100000 };

/* The same for every input, freed when the program ends. */
const dpmix_schema *fuzz_table_schema(void);

#endif
