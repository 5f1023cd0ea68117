/* SPDX-License-Identifier: BSD-3-Clause */
/* Command lines of the form --name value or --flag, read by a table of rules; --option NAME=VALUE sets an
 * option of the library. */
#ifndef EXAMPLE_COMMAND_LINE_H
#define EXAMPLE_COMMAND_LINE_H

#include <dpmix/options.h>
#include <stddef.h>
#include <stdint.h>

struct command_choice {
    const char *name;
    int64_t value;
};

/* Ended by a row without a name. */
extern const struct command_choice command_adjacencies[], command_generators[], command_partitions[];

/* One argument: where its value goes, by kind. */
struct command_rule {
    const char *name;
    const char **text;
    double *real;
    int64_t *whole; /* with `choices`, one of them; else a number from 1 to `most` */
    const struct command_choice *choices;
    int64_t most;
    int *flag; /* set to 1; takes no value */
};

struct command_line {
    const char *program;
    const char *help; /* ahead of the list of options */
    const struct command_rule *rules;
    size_t n_rules;
    dpmix_options *options;
};

/* COMMAND_RUN: go on. COMMAND_HELP: the help was printed. COMMAND_BAD: a line on stderr says what is wrong.
 */
enum { COMMAND_RUN, COMMAND_HELP, COMMAND_BAD };

/* The strings that rules get are those of argv. */
int command_line_read(const struct command_line *line, int argc, char **argv);

/* For programs that go by places: a number, and an option as NAME=VALUE; of the line only program and options
 * are read. COMMAND_RUN or COMMAND_BAD. */
int command_line_real(const struct command_line *line, const char *name, double *value, const char *text);
int command_line_option(const struct command_line *line, const char *pair);

/* Says on one line of stderr what is wrong; returns COMMAND_BAD. */
#if defined(__GNUC__) || defined(__clang__)
__attribute__((format(printf, 2, 3)))
#endif
int command_line_refuse(const char *program, const char *format, ...);

#endif
