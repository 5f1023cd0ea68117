/* SPDX-License-Identifier: BSD-3-Clause */
#include "arguments.h"

#include "common/command_line.h"

#include <dpmix/dpmix.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

static const char program[] = "dpmix-release";

static const char help[] =
    "Releases a table under differential privacy: synthetic records, the model they come from, the ledger, "
    "and a\n"
    "report as one HTML file.\n"
    "\n"
    "  --csv FILE                   the private table: CSV with a header, UTF-8, gzip'd or not\n"
    "  --sqlite FILE --table NAME   or a table of an SQLite database\n"
    "  --schema FILE                what is declared of its columns (JSON, see dpmix/schema.h)\n"
    "  --epsilon E --delta D        the privacy budget of the data set, for all its releases together\n"
    "  --adjacency A                add-remove, replace-one or zero-out\n"
    "  --ledger FILE                where the budget is kept; made when it does not exist, by --plan, too:\n"
    "                               the data set has this budget from then on\n"
    "  --output DIR                 where the release is written; must not exist, or be empty\n"
    "\n"
    "and, if wanted:\n"
    "\n"
    "  --yes                        do not ask before the budget is spent\n"
    "  --plan                       show the plan, and stop\n"
    "  --mode M                     planned, when later releases will not depend on what this one shows; "
    "else\n"
    "                               renyi, or gaussian where all noise is normal and unsampled (planned)\n"
    "  --dataset NAME               the data set's name in the ledger, always the same (table)\n"
    "  --share S                    of the epsilon that is left, how much this release may spend (1)\n"
    "  --records N                  how many synthetic records (10000)\n"
    "  --rows N                     about how many rows there are, from public knowledge: for the plan's "
    "time\n"
    "                               and memory (100000)\n"
    "  --generator G                products, vae, gaussian, gmm, rbm or cgan (products)\n"
    "  --partition P                none, label or kmeans (none; label for the gaussian)\n"
    "  --partition-share S          of this release's epsilon, how much the partition may spend (0.1)\n"
    "  --compare-nonprivate         NOT PRIVATE: put the real records beside the synthetic ones in the "
    "report\n"
    "  --test FILE                  real records set aside for that comparison, CSV\n"
    "  --threads N                  short for --option threads=N\n"
    "  --option NAME=VALUE          may be given again and again, see below\n"
    "\n"
    "Exit status: 0, 2 for a bad command line, 130 when interrupted, 1 for other failures and when the "
    "answer\n"
    "to the plan was not yes.\n";

static const struct command_choice partitions[] = {
    {"none", 0}, {"label", DPMIX_CLUSTERER_LABEL}, {"kmeans", DPMIX_CLUSTERER_KMEANS}, {NULL, 0}};

static const struct command_choice modes[] = {{"planned", DPMIX_MODE_PLANNED},
                                              {"renyi", DPMIX_MODE_RENYI},
                                              {"gaussian", DPMIX_MODE_GAUSSIAN},
                                              {NULL, 0}};

/* What has no default must have been given; the library judges the numbers themselves. */
static int check(const struct release_arguments *a)
{
    if (!a->csv == !a->sqlite)
        return command_line_refuse(program, "either --csv or --sqlite must be given");
    if (!a->sqlite != !a->table)
        return command_line_refuse(program, "--sqlite and --table go together");
    if (!a->schema)
        return command_line_refuse(program, "--schema is missing");
    if (isnan(a->epsilon) || isnan(a->delta) || a->adjacency == 0)
        return command_line_refuse(
            program, "--epsilon, --delta and --adjacency are privacy terms and must all be given");
    if (!a->ledger)
        return command_line_refuse(program, "--ledger is missing");
    if (!a->output)
        return command_line_refuse(program, "--output is missing");
    if (!(a->share > 0.0 && a->share <= 1.0))
        return command_line_refuse(program, "--share must be above 0 and at most 1");
    if (!(a->partition_share > 0.0 && a->partition_share < 1.0))
        return command_line_refuse(program, "--partition-share must lie between 0 and 1");
    if (a->test && !a->compare)
        return command_line_refuse(program, "--test is for --compare-nonprivate only");
    return COMMAND_RUN;
}

static int make_options(struct release_arguments *a)
{
    if (dpmix_options_new(&a->options) != DPMIX_OK ||
        dpmix_options_set_int(a->options, DPMIX_OPTION_VAE_OUTPUT, DPMIX_VAE_OUTPUT_MIXED) != DPMIX_OK)
        return command_line_refuse(program, "%s", dpmix_last_error());
    return COMMAND_RUN;
}

int release_arguments_read(struct release_arguments *a, int argc, char **argv)
{
    const struct command_rule rules[] = {
        {.name = "--csv", .text = &a->csv},
        {.name = "--sqlite", .text = &a->sqlite},
        {.name = "--table", .text = &a->table},
        {.name = "--schema", .text = &a->schema},
        {.name = "--ledger", .text = &a->ledger},
        {.name = "--dataset", .text = &a->dataset},
        {.name = "--output", .text = &a->output},
        {.name = "--test", .text = &a->test},
        {.name = "--epsilon", .real = &a->epsilon},
        {.name = "--delta", .real = &a->delta},
        {.name = "--share", .real = &a->share},
        {.name = "--partition-share", .real = &a->partition_share},
        {.name = "--adjacency", .whole = &a->adjacency, .choices = command_adjacencies},
        {.name = "--mode", .whole = &a->mode, .choices = modes},
        {.name = "--partition", .whole = &a->partition, .choices = partitions},
        {.name = "--generator", .whole = &a->generator, .choices = command_generators},
        {.name = "--records", .whole = &a->records, .most = INT64_C(1) << 40},
        {.name = "--rows", .whole = &a->rows, .most = INT64_C(1) << 40},
        {.name = "--yes", .flag = &a->yes},
        {.name = "--plan", .flag = &a->plan_only},
        {.name = "--compare-nonprivate", .flag = &a->compare}};
    *a = (struct release_arguments){.epsilon = NAN,
                                    .delta = NAN,
                                    .share = 1.0,
                                    .partition_share = 0.1,
                                    .dataset = "table",
                                    .mode = DPMIX_MODE_PLANNED,
                                    .partition = -1,
                                    .generator = DPMIX_GENERATOR_PRODUCTS,
                                    .records = 10000,
                                    .rows = 100000};
    if (make_options(a) != COMMAND_RUN)
        return COMMAND_BAD;
    const struct command_line line = {.program = program,
                                      .help = help,
                                      .rules = rules,
                                      .n_rules = sizeof(rules) / sizeof(rules[0]),
                                      .options = a->options};
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--version") == 0) {
            printf("%s %s\n", program, dpmix_version());
            return COMMAND_HELP;
        }
    }
    const int outcome = command_line_read(&line, argc, argv);
    return outcome == COMMAND_RUN ? check(a) : outcome;
}

void release_arguments_close(struct release_arguments *a)
{
    dpmix_options_free(a->options);
    a->options = NULL;
}

const char *release_adjacency_name(int64_t adjacency)
{
    const struct command_choice *choice = command_adjacencies;
    while (choice->name && choice->value != adjacency)
        choice++;
    return choice->name;
}
