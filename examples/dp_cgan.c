/* SPDX-License-Identifier: BSD-3-Clause */
/* DP-CGAN (Torkzadehmahani, Kairouz, Paten 2019, arXiv 2001.09700) at the paper's setting: a conditional
 * adversarial net with batches of 600 of 60,000 records, clip 1.1 and noise multiplier 1.12, trained until
 * the accountant reaches the budget. --help lists the arguments.
 *
 * With all of this fixed, the number of steps follows from the budget before the first step: the whole
 * training is planned and debited at once, and no look at the accountant decides when to stop. */
#include "common/command_line.h"
#include "common/model.h"
#include "common/results.h"

#include <math.h>
#include <stdio.h>

static const char program[] = "dp_cgan";

static const char help[] =
    "Trains a conditional adversarial net by as many private steps as the budget allows.\n"
    "\n"
    "  --images FILE --labels FILE            the private records: IDX files of bytes, gzip'd or not\n"
    "  --test-images FILE --test-labels FILE  real records for testing classifiers\n"
    "  --epsilon E --delta D                  the privacy budget\n"
    "  --adjacency A                          add-remove, replace-one or zero-out\n"
    "\n"
    "and, if wanted:\n"
    "\n"
    "  --noise-multiplier S                   of a step (1.12)\n"
    "  --steps N                              instead: so many steps, and the noise that they need\n"
    "  --classes N                            the declared number of classes (10)\n"
    "  --records N                            how many synthetic records (60000)\n"
    "  --threads N                            short for --option threads=N\n"
    "  --option NAME=VALUE                    may be given again and again, see below\n"
    "\n"
    "A batch is a Poisson sample; 600 of 60,000 are sampling_rate=0.01.\n";

struct study {
    const char *images, *labels, *test_images, *test_labels;
    double epsilon, delta, noise;
    int64_t adjacency, classes, n_records, steps;
    dpmix_options *options;
    struct idx_records records, test;
    struct progress progress;
};

/* The paper's setting, and what it leaves open. */
static int set_options(dpmix_options *options)
{
    return dpmix_options_set_double(options, DPMIX_OPTION_SAMPLING_RATE, 0.01) ||
           dpmix_options_set_double(options, DPMIX_OPTION_CLIP_NORM, 1.1) ||
           dpmix_options_set_double(options, DPMIX_OPTION_LEARNING_RATE, 0.001) ||
           dpmix_options_set_double(options, DPMIX_OPTION_MOMENTUM, 0.5) ||
           dpmix_options_set_double(options, DPMIX_OPTION_AVERAGING, 0.99);
}

static int check(const struct study *s)
{
    if (!s->images || !s->labels || !s->test_images || !s->test_labels)
        return command_line_refuse(program,
                                   "--images, --labels, --test-images and --test-labels must all be given");
    if (isnan(s->epsilon) || isnan(s->delta) || s->adjacency == 0)
        return command_line_refuse(
            program, "--epsilon, --delta and --adjacency are privacy terms and must all be given");
    return COMMAND_RUN;
}

static int read_arguments(struct study *s, int argc, char **argv)
{
    const struct command_rule rules[] = {
        {.name = "--images", .text = &s->images},
        {.name = "--labels", .text = &s->labels},
        {.name = "--test-images", .text = &s->test_images},
        {.name = "--test-labels", .text = &s->test_labels},
        {.name = "--epsilon", .real = &s->epsilon},
        {.name = "--delta", .real = &s->delta},
        {.name = "--adjacency", .whole = &s->adjacency, .choices = command_adjacencies},
        {.name = "--noise-multiplier", .real = &s->noise},
        {.name = "--steps", .whole = &s->steps, .most = 1000000},
        {.name = "--classes", .whole = &s->classes, .most = 256},
        {.name = "--records", .whole = &s->n_records, .most = UINT32_MAX}};
    const struct command_line line = {.program = program,
                                      .help = help,
                                      .rules = rules,
                                      .n_rules = sizeof(rules) / sizeof(rules[0]),
                                      .options = s->options};
    const int outcome = command_line_read(&line, argc, argv);
    return outcome == COMMAND_RUN ? check(s) : outcome;
}

/* The most steps, up to the option's bound, whose composition stays within the budget; 0 when one passes it.
 */
static int find_steps(const struct study *s, int64_t *steps)
{
    const int mechanism = DPMIX_MECHANISM_SUBSAMPLED_GAUSSIAN;
    double rate, most, epsilon;
    int64_t within = 0;
    if (dpmix_options_get_double(s->options, &rate, DPMIX_OPTION_SAMPLING_RATE) ||
        dpmix_option_bounds(DPMIX_OPTION_STEPS, NULL, &most, NULL))
        return -1;
    for (int64_t beyond = (int64_t)most + 1; beyond - within > 1;) {
        const int64_t middle = within + (beyond - within) / 2;
        const uint64_t count = (uint64_t)middle;
        if (dpmix_calculate_epsilon(&epsilon, &mechanism, &s->noise, &rate, &count, 1, (int)s->adjacency, 1,
                                    s->delta))
            return -1;
        if (epsilon <= s->epsilon)
            within = middle;
        else
            beyond = middle;
    }
    *steps = within;
    return 0;
}

/* Says what noise the fit will have: counting the classes takes its part of the budget, too. */
static int print_plan(const struct study *s)
{
    dpmix_accountant *accountant = NULL;
    dpmix_generator *generator = NULL;
    double noise;
    const int failed = dpmix_accountant_new(&accountant, s->epsilon, s->delta, (int)s->adjacency) ||
                       dpmix_generator_new(&generator, DPMIX_GENERATOR_CGAN, s->options) ||
                       dpmix_generator_plan(generator, NULL, &noise, NULL, NULL, accountant, 1.0, 1,
                                            s->records.columns, (int)s->classes, 1);
    if (!failed)
        printf("%lld steps; noise multiplier of a step: %.4g\n\n", (long long)s->steps, noise);
    fflush(stdout);
    dpmix_generator_free(generator);
    dpmix_accountant_free(accountant);
    return failed;
}

static int plan(struct study *s)
{
    if (s->steps == 0 && find_steps(s, &s->steps) != 0) {
        fprintf(stderr, "%s: %s\n", program, dpmix_last_error());
        return -1;
    }
    if (s->steps == 0) {
        fprintf(stderr, "%s: the budget does not cover one step with this noise\n", program);
        return -1;
    }
    if (dpmix_options_set_int(s->options, DPMIX_OPTION_STEPS, s->steps) || print_plan(s)) {
        fprintf(stderr, "%s: %s\n", program, dpmix_last_error());
        return -1;
    }
    return 0;
}

static int print_real(const struct study *s)
{
    struct result real = result_of("real", INFINITY, 0);
    const int failed = judge(&real.judgement, &s->records, &s->test, (int)s->classes);
    if (failed == 0)
        results_row(&real);
    return failed;
}

static int print_model(struct study *s)
{
    const struct model_plan plan = {.epsilon = s->epsilon,
                                    .delta = s->delta,
                                    .adjacency = (int)s->adjacency,
                                    .generator = DPMIX_GENERATOR_CGAN,
                                    .options = s->options};
    struct model model;
    struct idx_records synthetic = {0};
    int failed = model_fit(&model, &plan, &s->records, (int)s->classes, 255.0, &s->progress);
    if (failed == 0)
        failed = model_sample(&synthetic, &model, (size_t)s->n_records, s->records.columns, 1);
    if (failed == 0 && !synthetic.labels) {
        fprintf(stderr, "%s: without labels (conditional=0) no classifier can be trained\n", program);
        failed = -1;
    }
    if (failed == 0) {
        struct result result = result_of("CGAN", model.epsilon, model.parts);
        result.seconds = model.seconds;
        failed = judge(&result.judgement, &synthetic, &s->test, (int)s->classes);
        if (failed == 0)
            results_row(&result);
    }
    idx_records_close(&synthetic);
    model_close(&model);
    return failed;
}

static int run(struct study *s)
{
    if (idx_read(&s->records, s->images, s->labels, (int)s->classes) != 0 ||
        idx_read(&s->test, s->test_images, s->test_labels, (int)s->classes) != 0 || plan(s) != 0)
        return -1;
    results_head();
    if (print_real(s) != 0 || print_model(s) != 0)
        return -1;
    puts("\nThe real records and what is measured against them are not private, and no part of a release.");
    return 0;
}

int main(int argc, char **argv)
{
    struct study s = {.epsilon = NAN, .delta = NAN, .noise = 1.12, .classes = 10, .n_records = 60000};
    if (dpmix_options_new(&s.options) != DPMIX_OK || set_options(s.options) != DPMIX_OK) {
        fprintf(stderr, "%s: %s\n", program, dpmix_last_error());
        return 1;
    }
    const int outcome = read_arguments(&s, argc, argv);
    progress_open(&s.progress);
    const int failed = outcome == COMMAND_RUN && run(&s) != 0;
    idx_records_close(&s.records);
    idx_records_close(&s.test);
    dpmix_options_free(s.options);
    return outcome == COMMAND_BAD ? 2 : failed;
}
