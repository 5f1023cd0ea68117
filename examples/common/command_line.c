/* SPDX-License-Identifier: BSD-3-Clause */
#include "command_line.h"

#include <dpmix/dpmix.h>
#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const struct command_choice command_adjacencies[] = {{"add-remove", DPMIX_ADJACENCY_ADD_REMOVE},
                                                     {"replace-one", DPMIX_ADJACENCY_REPLACE_ONE},
                                                     {"zero-out", DPMIX_ADJACENCY_ZERO_OUT},
                                                     {NULL, 0}};
const struct command_choice command_partitions[] = {
    {"label", DPMIX_CLUSTERER_LABEL}, {"kmeans", DPMIX_CLUSTERER_KMEANS}, {NULL, 0}};
const struct command_choice command_generators[] = {{"gaussian", DPMIX_GENERATOR_GAUSSIAN},
                                                    {"vae", DPMIX_GENERATOR_VAE},
                                                    {"rbm", DPMIX_GENERATOR_RBM},
                                                    {"cgan", DPMIX_GENERATOR_CGAN},
                                                    {"gmm", DPMIX_GENERATOR_GMM},
                                                    {"products", DPMIX_GENERATOR_PRODUCTS},
                                                    {NULL, 0}};

int command_line_refuse(const char *program, const char *format, ...)
{
    va_list values;
    va_start(values, format);
    fprintf(stderr, "%s: ", program);
    vfprintf(stderr, format, values);
    fputs("; --help lists the arguments\n", stderr);
    va_end(values);
    return COMMAND_BAD;
}

/* The defaults are those of the program: it may have set some of its own. */
static void print_help(const struct command_line *line)
{
    puts(line->help);
    puts("Options, with their defaults:\n");
    for (int key = dpmix_option_next(0); key != 0; key = dpmix_option_next(key)) {
        int64_t whole = 0;
        double real = 0.0;
        const int is_whole = dpmix_option_type(key) == DPMIX_OPTION_TYPE_INT;
        const int status = is_whole ? dpmix_options_get_int(line->options, &whole, key)
                                    : dpmix_options_get_double(line->options, &real, key);
        if (status == DPMIX_OK)
            printf("  %s=%g\n      %s\n", dpmix_option_name(key), is_whole ? (double)whole : real,
                   dpmix_option_doc(key));
    }
}

static int read_real(double *value, const char *text)
{
    char *end;
    *value = strtod(text, &end);
    return end == text || *end || !isfinite(*value) ? -1 : 0;
}

int command_line_real(const struct command_line *line, const char *name, double *value, const char *text)
{
    return read_real(value, text) == 0 ? COMMAND_RUN
                                       : command_line_refuse(line->program, "%s needs a number", name);
}

static int read_whole(int64_t *value, const char *text)
{
    char *end;
    errno = 0;
    *value = strtoll(text, &end, 10);
    return end == text || *end || errno ? -1 : 0;
}

static int set_option(const struct command_line *line, const char *name, const char *text)
{
    const int key = dpmix_option_by_name(name);
    int64_t whole;
    double real;
    int status;
    if (key == 0)
        return command_line_refuse(line->program, "there is no option '%s'", name);
    if (dpmix_option_type(key) == DPMIX_OPTION_TYPE_INT) {
        if (read_whole(&whole, text) != 0)
            return command_line_refuse(line->program, "option '%s' needs a whole number", name);
        status = dpmix_options_set_int(line->options, key, whole);
    } else {
        if (read_real(&real, text) != 0)
            return command_line_refuse(line->program, "option '%s' needs a number", name);
        status = dpmix_options_set_double(line->options, key, real);
    }
    return status == DPMIX_OK
               ? COMMAND_RUN
               : command_line_refuse(line->program, "option '%s': %s", name, dpmix_last_error());
}

int command_line_option(const struct command_line *line, const char *pair)
{
    char name[64];
    const char *equals = strchr(pair, '=');
    if (!equals || (size_t)(equals - pair) >= sizeof(name))
        return command_line_refuse(line->program, "an option is NAME=VALUE, not '%s'", pair);
    memcpy(name, pair, (size_t)(equals - pair));
    name[equals - pair] = '\0';
    return set_option(line, name, equals + 1);
}

static int set_value(const struct command_line *line, const struct command_rule *rule, const char *value)
{
    if (rule->text) {
        *rule->text = value;
        return COMMAND_RUN;
    }
    if (rule->real)
        return command_line_real(line, rule->name, rule->real, value);
    for (const struct command_choice *choice = rule->choices; choice && choice->name; choice++) {
        if (strcmp(choice->name, value) == 0) {
            *rule->whole = choice->value;
            return COMMAND_RUN;
        }
    }
    if (rule->choices)
        return command_line_refuse(line->program, "%s: there is no '%s'", rule->name, value);
    if (read_whole(rule->whole, value) == 0 && *rule->whole >= 1 && *rule->whole <= rule->most)
        return COMMAND_RUN;
    return command_line_refuse(line->program, "%s needs a whole number from 1 to %lld", rule->name,
                               (long long)rule->most);
}

/* NULL where there is none of that name. */
static const struct command_rule *rule_of(const struct command_line *line, const char *name)
{
    for (size_t i = 0; i < line->n_rules; i++)
        if (strcmp(line->rules[i].name, name) == 0)
            return &line->rules[i];
    return NULL;
}

static int set_argument(const struct command_line *line, const struct command_rule *rule, const char *name,
                        const char *value)
{
    const int is_option = strcmp(name, "--option") == 0, is_threads = strcmp(name, "--threads") == 0;
    if (!rule && !is_option && !is_threads)
        return command_line_refuse(line->program, "there is no argument '%s'", name);
    if (!value)
        return command_line_refuse(line->program, "%s needs a value", name);
    if (rule)
        return set_value(line, rule, value);
    return is_option ? command_line_option(line, value) : set_option(line, "threads", value);
}

int command_line_read(const struct command_line *line, int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        const struct command_rule *rule = rule_of(line, argv[i]);
        if (strcmp(argv[i], "--help") == 0) {
            print_help(line);
            return COMMAND_HELP;
        }
        if (rule && rule->flag) {
            *rule->flag = 1;
            continue;
        }
        const int outcome = set_argument(line, rule, argv[i], i + 1 < argc ? argv[i + 1] : NULL);
        if (outcome != COMMAND_RUN)
            return outcome;
        i++;
    }
    return COMMAND_RUN;
}
