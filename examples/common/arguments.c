/* SPDX-License-Identifier: BSD-3-Clause */
#include "arguments.h"

#include <dpmix/dpmix.h>
#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct choice {
    const char *name;
    int64_t value;
};

static const struct choice adjacencies[] = {{"add-remove", DPMIX_ADJACENCY_ADD_REMOVE},
                                            {"replace-one", DPMIX_ADJACENCY_REPLACE_ONE},
                                            {"zero-out", DPMIX_ADJACENCY_ZERO_OUT},
                                            {NULL, 0}};
static const struct choice partitions[] = {
    {"label", DPMIX_CLUSTERER_LABEL}, {"kmeans", DPMIX_CLUSTERER_KMEANS}, {NULL, 0}};
static const struct choice generators[] = {
    {"gaussian", DPMIX_GENERATOR_GAUSSIAN}, {"vae", DPMIX_GENERATOR_VAE}, {NULL, 0}};

/* One argument: where its value goes, by kind. */
struct rule {
    const char *name;
    const char **text;
    double *real;
    int64_t *whole; /* with `choices`, one of them; else a number from 1 to `most` */
    const struct choice *choices;
    int64_t most;
};

#if defined(__GNUC__) || defined(__clang__)
static int refuse(const char *format, ...) __attribute__((format(printf, 1, 2)));
#endif

/* Every way of bad usage ends here, in one line. */
static int refuse(const char *format, ...)
{
    va_list values;
    va_start(values, format);
    fputs("release_images: ", stderr);
    vfprintf(stderr, format, values);
    fputs("; --help lists the arguments\n", stderr);
    va_end(values);
    return ARGUMENTS_BAD;
}

static void print_help(void)
{
    puts("Releases an image data set under differential privacy: a mixture and synthetic records.\n"
         "\n"
         "  --images FILE --labels FILE      the private records: IDX files of bytes, gzip'd or not\n"
         "  --epsilon E --delta D            the privacy budget\n"
         "  --adjacency A                    add-remove, replace-one or zero-out\n"
         "  --output DIR                     where the release is written\n"
         "\n"
         "and, if wanted:\n"
         "\n"
         "  --test-images FILE --test-labels FILE  real records for measuring the synthetic ones\n"
         "  --classes N                      the declared number of classes (10)\n"
         "  --partition P                    label or kmeans (label)\n"
         "  --generator G                    gaussian or vae (gaussian)\n"
         "  --records N                      how many synthetic records (60000)\n"
         "  --threads N                      short for --option threads=N\n"
         "  --json FILE                      figures of the run, one JSON object a line\n"
         "  --option NAME=VALUE              may be given again and again, see below\n"
         "\n"
         "Labels may be left out with --partition kmeans. A later argument overrides an earlier one.\n"
         "\n"
         "Options, with their defaults:\n");
    for (int key = dpmix_option_next(0); key != 0; key = dpmix_option_next(key)) {
        double preset = 0.0;
        if (dpmix_option_bounds(key, NULL, NULL, &preset) == DPMIX_OK)
            printf("  %s=%g\n      %s\n", dpmix_option_name(key), preset, dpmix_option_doc(key));
    }
}

static int read_real(double *value, const char *text)
{
    char *end;
    *value = strtod(text, &end);
    return end == text || *end || !isfinite(*value) ? -1 : 0;
}

static int read_whole(int64_t *value, const char *text)
{
    char *end;
    errno = 0;
    *value = strtoll(text, &end, 10);
    return end == text || *end || errno ? -1 : 0;
}

static int set_option(dpmix_options *options, const char *name, const char *text)
{
    const int key = dpmix_option_by_name(name);
    int64_t whole;
    double real;
    int status;
    if (key == 0)
        return refuse("there is no option '%s'", name);
    if (dpmix_option_type(key) == DPMIX_OPTION_TYPE_INT) {
        if (read_whole(&whole, text) != 0)
            return refuse("option '%s' needs a whole number", name);
        status = dpmix_options_set_int(options, key, whole);
    } else {
        if (read_real(&real, text) != 0)
            return refuse("option '%s' needs a number", name);
        status = dpmix_options_set_double(options, key, real);
    }
    return status == DPMIX_OK ? ARGUMENTS_RUN : refuse("option '%s': %s", name, dpmix_last_error());
}

static int set_named_option(dpmix_options *options, const char *pair)
{
    char name[64];
    const char *equals = strchr(pair, '=');
    if (!equals || (size_t)(equals - pair) >= sizeof(name))
        return refuse("--option needs NAME=VALUE, not '%s'", pair);
    memcpy(name, pair, (size_t)(equals - pair));
    name[equals - pair] = '\0';
    return set_option(options, name, equals + 1);
}

static int set_value(const struct rule *rule, const char *value)
{
    if (rule->text) {
        *rule->text = value;
        return ARGUMENTS_RUN;
    }
    if (rule->real)
        return read_real(rule->real, value) == 0 ? ARGUMENTS_RUN : refuse("%s needs a number", rule->name);
    for (const struct choice *choice = rule->choices; choice && choice->name; choice++) {
        if (strcmp(choice->name, value) == 0) {
            *rule->whole = choice->value;
            return ARGUMENTS_RUN;
        }
    }
    if (rule->choices)
        return refuse("%s: there is no '%s'", rule->name, value);
    if (read_whole(rule->whole, value) == 0 && *rule->whole >= 1 && *rule->whole <= rule->most)
        return ARGUMENTS_RUN;
    return refuse("%s needs a whole number from 1 to %lld", rule->name, (long long)rule->most);
}

static int set_argument(struct arguments *a, const char *name, const char *value)
{
    const struct rule rules[] = {{.name = "--images", .text = &a->images},
                                 {.name = "--labels", .text = &a->labels},
                                 {.name = "--test-images", .text = &a->test_images},
                                 {.name = "--test-labels", .text = &a->test_labels},
                                 {.name = "--output", .text = &a->output},
                                 {.name = "--json", .text = &a->json},
                                 {.name = "--epsilon", .real = &a->epsilon},
                                 {.name = "--delta", .real = &a->delta},
                                 {.name = "--adjacency", .whole = &a->adjacency, .choices = adjacencies},
                                 {.name = "--partition", .whole = &a->partition, .choices = partitions},
                                 {.name = "--generator", .whole = &a->generator, .choices = generators},
                                 {.name = "--classes", .whole = &a->classes, .most = 256},
                                 {.name = "--records", .whole = &a->records, .most = UINT32_MAX}};
    const int is_option = strcmp(name, "--option") == 0, is_threads = strcmp(name, "--threads") == 0;
    for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++)
        if (strcmp(rules[i].name, name) == 0)
            return value ? set_value(&rules[i], value) : refuse("%s needs a value", name);
    if (!is_option && !is_threads)
        return refuse("there is no argument '%s'", name);
    if (!value)
        return refuse("%s needs a value", name);
    return is_option ? set_named_option(a->options, value) : set_option(a->options, "threads", value);
}

/* What has no default must have been given; the library judges the numbers themselves. */
static int check(const struct arguments *a)
{
    if (!a->images)
        return refuse("--images is missing");
    if (isnan(a->epsilon) || isnan(a->delta) || a->adjacency == 0)
        return refuse("--epsilon, --delta and --adjacency are privacy terms and must all be given");
    if (!a->output)
        return refuse("--output is missing");
    if (!a->labels && a->partition == DPMIX_CLUSTERER_LABEL)
        return refuse("--partition label needs --labels");
    if (!a->test_images != !a->test_labels)
        return refuse("--test-images and --test-labels go together");
    return ARGUMENTS_RUN;
}

int arguments_read(struct arguments *a, int argc, char **argv)
{
    *a = (struct arguments){.epsilon = NAN,
                            .delta = NAN,
                            .partition = DPMIX_CLUSTERER_LABEL,
                            .generator = DPMIX_GENERATOR_GAUSSIAN,
                            .classes = 10,
                            .records = 60000};
    if (dpmix_options_new(&a->options) != DPMIX_OK)
        return refuse("%s", dpmix_last_error());
    for (int i = 1; i < argc; i += 2) {
        if (strcmp(argv[i], "--help") == 0) {
            print_help();
            return ARGUMENTS_HELP;
        }
        const int outcome = set_argument(a, argv[i], i + 1 < argc ? argv[i + 1] : NULL);
        if (outcome != ARGUMENTS_RUN)
            return outcome;
    }
    return check(a);
}

void arguments_close(struct arguments *a)
{
    dpmix_options_free(a->options);
    a->options = NULL;
}
