/* SPDX-License-Identifier: BSD-3-Clause */
#include "arguments.h"

#include <dpmix/dpmix.h>
#include <math.h>

static const char program[] = "release_images";

static const char help[] =
    "Releases an image data set under differential privacy: a mixture and synthetic records.\n"
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
    "  --partition P                    none, label or kmeans (none)\n"
    "  --generator G                    gaussian, gmm, vae, rbm or cgan (gmm)\n"
    "  --share S                        the models' share of epsilon; a private teacher, which labels the\n"
    "                                   records, has the rest; 1: no teacher (0.6)\n"
    "  --records N                      how many synthetic records (60000)\n"
    "  --threads N                      short for --option threads=N\n"
    "  --json FILE                      figures of the run, one JSON object a line\n"
    "  --option NAME=VALUE              may be given again and again, see below\n"
    "\n"
    "Without labels there are no partition by label and no teacher: the models have all of epsilon. A later\n"
    "argument overrides an earlier one.\n";

/* What has no default must have been given; the library judges the other numbers. */
static int check(const struct arguments *a)
{
    if (!a->images)
        return command_line_refuse(program, "--images is missing");
    if (isnan(a->epsilon) || isnan(a->delta) || a->adjacency == 0)
        return command_line_refuse(
            program, "--epsilon, --delta and --adjacency are privacy terms and must all be given");
    if (!(a->share > 0.0 && a->share <= 1.0)) /* the library does not see a share that leaves out the teacher */
        return command_line_refuse(program, "--share must be above 0 and at most 1");
    if (!a->output)
        return command_line_refuse(program, "--output is missing");
    if (!a->labels && a->partition == DPMIX_CLUSTERER_LABEL)
        return command_line_refuse(program, "--partition label needs --labels");
    if (!a->test_images != !a->test_labels)
        return command_line_refuse(program, "--test-images and --test-labels go together");
    return COMMAND_RUN;
}

int arguments_read(struct arguments *a, int argc, char **argv)
{
    const struct command_choice partitions[] = {
        {"none", 0}, command_partitions[0], command_partitions[1], {NULL, 0}};
    const struct command_rule rules[] = {
        {.name = "--images", .text = &a->images},
        {.name = "--labels", .text = &a->labels},
        {.name = "--test-images", .text = &a->test_images},
        {.name = "--test-labels", .text = &a->test_labels},
        {.name = "--output", .text = &a->output},
        {.name = "--json", .text = &a->json},
        {.name = "--epsilon", .real = &a->epsilon},
        {.name = "--share", .real = &a->share},
        {.name = "--delta", .real = &a->delta},
        {.name = "--adjacency", .whole = &a->adjacency, .choices = command_adjacencies},
        {.name = "--partition", .whole = &a->partition, .choices = partitions},
        {.name = "--generator", .whole = &a->generator, .choices = command_generators},
        {.name = "--classes", .whole = &a->classes, .most = 256},
        {.name = "--records", .whole = &a->records, .most = UINT32_MAX}};
    *a = (struct arguments){.epsilon = NAN,
                            .delta = NAN,
                            .share = 0.6,
                            .partition = 0,
                            .generator = DPMIX_GENERATOR_GMM,
                            .classes = 10,
                            .records = 60000};
    if (dpmix_options_new(&a->options) != DPMIX_OK)
        return command_line_refuse(program, "%s", dpmix_last_error());
    const struct command_line line = {.program = program,
                                      .help = help,
                                      .rules = rules,
                                      .n_rules = sizeof(rules) / sizeof(rules[0]),
                                      .options = a->options};
    const int outcome = command_line_read(&line, argc, argv);
    return outcome == COMMAND_RUN ? check(a) : outcome;
}

void arguments_close(struct arguments *a)
{
    dpmix_options_free(a->options);
    a->options = NULL;
}
