/* SPDX-License-Identifier: BSD-3-Clause */
/* Differentially private mixture of generative neural networks (Acs, Melis, Castelluccia, De Cristofaro
 * 2017): private kernel k-means, and a restricted Boltzmann machine or an autoencoder per part, beside one
 * generator of all records. Judged by classifiers and by random counting queries. --help lists the arguments.
 *
 * Every line of the table but the real records' is a release with a budget of its own; who publishes several
 * of them about the same people has spent the sum. */
#include "common/command_line.h"
#include "common/model.h"
#include "common/results.h"
#include "common/visits_read.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static const char program[] = "acs_mixture";

static const char help[] =
    "Trains a mixture of private generators, k-means and a generator per part, and one generator alone.\n"
    "\n"
    "  --images FILE --labels FILE            the private records: IDX files of bytes, gzip'd or not, or\n"
    "  --visits FILE                          NAME.txt.gz: a line of column numbers per row, beside "
    "NAME.json\n"
    "  --epsilon E --delta D                  the privacy budget of each release\n"
    "  --adjacency A                          add-remove, replace-one or zero-out\n"
    "\n"
    "and, if wanted:\n"
    "\n"
    "  --test-images FILE --test-labels FILE  real records for testing classifiers\n"
    "  --classes N                            the declared number of classes (10)\n"
    "  --binary B                             yes: pixels become black or white, so do samples (no)\n"
    "  --generator G                          rbm, vae, cgan, gmm or gaussian (vae)\n"
    "  --partition P                          kmeans or label (kmeans)\n"
    "  --rows R                               of the table: all, mixture or single (all)\n"
    "  --records N                            how many synthetic records (60000)\n"
    "  --queries N                            how many random counting queries (1000)\n"
    "  --threads N                            short for --option threads=N\n"
    "  --option NAME=VALUE                    may be given again and again, see below\n"
    "\n"
    "A row of visits is a user or a trip. A query asks how many records have all of 1 to 4 columns in the "
    "upper\n"
    "half of their range. Visits and --binary yes set rbm_output=2 and vae_draw=1: records are draws.\n";

enum { ROW_REAL = 1, ROW_MIXTURE = 2, ROW_SINGLE = 4, ROW_ALL = 7 };

/* The sanity bound of a query's relative error: this part of the records. */
static const double sanity_bound = 0.001;

struct study {
    const char *images, *labels, *test_images, *test_labels, *visits;
    double epsilon, delta;
    int64_t adjacency, generator, partition, classes, binary, rows, n_records, n_queries;
    dpmix_options *options;
    struct idx_records records, test; /* `test` has 0 columns where there is none */
    double top;                       /* of a value */
    struct queries queries;
    double *truth, *answers;
    struct progress progress;
};

static int check(const struct study *s)
{
    if (!s->images == !s->visits || !s->images != !s->labels)
        return command_line_refuse(program, "--images and --labels, or --visits, must be given");
    if (isnan(s->epsilon) || isnan(s->delta) || s->adjacency == 0)
        return command_line_refuse(
            program, "--epsilon, --delta and --adjacency are privacy terms and must all be given");
    if (!s->test_images != !s->test_labels || (s->visits && s->test_images))
        return command_line_refuse(program, "--test-images and --test-labels go together, and with --images");
    if (s->visits && s->partition == DPMIX_CLUSTERER_LABEL)
        return command_line_refuse(program, "--partition label needs labels");
    return COMMAND_RUN;
}

static int read_arguments(struct study *s, int argc, char **argv)
{
    static const struct command_choice answers[] = {{"no", 0}, {"yes", 1}, {NULL, 0}};
    static const struct command_choice rows[] = {
        {"all", ROW_ALL}, {"mixture", ROW_MIXTURE}, {"single", ROW_SINGLE}, {NULL, 0}};
    const struct command_rule rules[] = {
        {.name = "--images", .text = &s->images},
        {.name = "--labels", .text = &s->labels},
        {.name = "--test-images", .text = &s->test_images},
        {.name = "--test-labels", .text = &s->test_labels},
        {.name = "--visits", .text = &s->visits},
        {.name = "--epsilon", .real = &s->epsilon},
        {.name = "--delta", .real = &s->delta},
        {.name = "--adjacency", .whole = &s->adjacency, .choices = command_adjacencies},
        {.name = "--generator", .whole = &s->generator, .choices = command_generators},
        {.name = "--partition", .whole = &s->partition, .choices = command_partitions},
        {.name = "--binary", .whole = &s->binary, .choices = answers},
        {.name = "--rows", .whole = &s->rows, .choices = rows},
        {.name = "--classes", .whole = &s->classes, .most = 256},
        {.name = "--records", .whole = &s->n_records, .most = UINT32_MAX},
        {.name = "--queries", .whole = &s->n_queries, .most = 1000000}};
    const struct command_line line = {.program = program,
                                      .help = help,
                                      .rules = rules,
                                      .n_rules = sizeof(rules) / sizeof(rules[0]),
                                      .options = s->options};
    const int outcome = command_line_read(&line, argc, argv);
    return outcome == COMMAND_RUN ? check(s) : outcome;
}

static void make_binary(struct idx_records *records)
{
    for (size_t i = 0; i < records->n * records->columns; i++)
        records->bytes[i] = records->bytes[i] >= 128 ? 255 : 0;
}

static int load(struct study *s)
{
    const int classes = (int)s->classes;
    const int failed = s->visits ? visits_read(&s->records, s->visits)
                                 : idx_read(&s->records, s->images, s->labels, classes);
    s->top = s->visits ? 1.0 : 255.0;
    if (failed != 0 || (s->test_images && idx_read(&s->test, s->test_images, s->test_labels, classes) != 0))
        return -1;
    if (s->records.n == 0) {
        fprintf(stderr, "%s: there are no records\n", program);
        return -1;
    }
    if (s->visits)
        s->classes = 0;
    if (s->binary) {
        make_binary(&s->records);
        make_binary(&s->test);
    }
    if ((s->binary || s->visits) &&
        (dpmix_options_set_int(s->options, DPMIX_OPTION_RBM_OUTPUT, DPMIX_RBM_DRAWS) ||
         dpmix_options_set_int(s->options, DPMIX_OPTION_VAE_DRAW, 1))) {
        fprintf(stderr, "%s: %s\n", program, dpmix_last_error());
        return -1;
    }
    return 0;
}

static int ask(struct study *s)
{
    if (queries_draw(&s->queries, (size_t)s->n_queries, s->records.columns, 0.5 * s->top) != 0)
        return -1;
    s->truth = calloc(s->queries.n, sizeof(double));
    s->answers = calloc(s->queries.n, sizeof(double));
    if (!s->truth || !s->answers) {
        fprintf(stderr, "%s: out of memory\n", program);
        return -1;
    }
    queries_answer(s->truth, &s->queries, s->records.bytes, s->records.n, s->records.columns);
    return 0;
}

/* What there is to compare with: the real records, and answering every query with 0. */
static int print_real(struct study *s)
{
    struct result real = result_of("real", INFINITY, 0), zero = result_of("none: answer 0", 0.0, 0);
    zero.query_error = queries_error(NULL, s->truth, s->queries.n, sanity_bound);
    results_row(&zero);
    if (!(s->rows & ROW_REAL) || s->test.columns == 0)
        return 0;
    if (judge(&real.judgement, &s->records, &s->test, (int)s->classes) != 0)
        return -1;
    real.query_error = 0.0;
    results_row(&real);
    return 0;
}

static int judge_model(struct result *result, struct study *s, const struct model *model)
{
    struct idx_records synthetic;
    if (model_answer(s->answers, model, &s->queries, (size_t)s->n_records) != 0)
        return -1;
    result->query_error = queries_error(s->answers, s->truth, s->queries.n, sanity_bound);
    if (s->test.columns == 0)
        return 0;
    if (model_sample(&synthetic, model, (size_t)s->n_records, s->records.columns, 1) != 0)
        return -1;
    const int failed =
        synthetic.labels && judge(&result->judgement, &synthetic, &s->test, (int)s->classes) != 0;
    idx_records_close(&synthetic);
    return failed ? -1 : 0;
}

static int print_model(struct study *s, int partition)
{
    const struct model_plan plan = {.epsilon = s->epsilon,
                                    .delta = s->delta,
                                    .adjacency = (int)s->adjacency,
                                    .partition = partition,
                                    .generator = (int)s->generator,
                                    .options = s->options};
    struct model model;
    int failed = model_fit(&model, &plan, &s->records, (int)s->classes, s->top, &s->progress);
    if (failed == 0) {
        struct result result = result_of(partition ? "mixture" : "one generator", model.epsilon, model.parts);
        result.seconds = model.seconds;
        failed = judge_model(&result, s, &model);
        if (failed == 0)
            results_row(&result);
    }
    model_close(&model);
    return failed;
}

static int run(struct study *s)
{
    if (load(s) != 0 || ask(s) != 0)
        return -1;
    results_head();
    if (print_real(s) != 0 || ((s->rows & ROW_MIXTURE) && print_model(s, (int)s->partition) != 0) ||
        ((s->rows & ROW_SINGLE) && print_model(s, 0) != 0))
        return -1;
    puts("\nThe real records and what is measured against them are not private, and no part of a release.");
    return 0;
}

int main(int argc, char **argv)
{
    struct study s = {.epsilon = NAN,
                      .delta = NAN,
                      .generator = DPMIX_GENERATOR_VAE,
                      .partition = DPMIX_CLUSTERER_KMEANS,
                      .rows = ROW_ALL,
                      .classes = 10,
                      .n_records = 60000,
                      .n_queries = 1000};
    if (dpmix_options_new(&s.options) != DPMIX_OK) {
        fprintf(stderr, "%s: %s\n", program, dpmix_last_error());
        return 1;
    }
    const int outcome = read_arguments(&s, argc, argv);
    progress_open(&s.progress);
    const int failed = outcome == COMMAND_RUN && run(&s) != 0;
    queries_close(&s.queries);
    free(s.truth);
    free(s.answers);
    idx_records_close(&s.records);
    idx_records_close(&s.test);
    dpmix_options_free(s.options);
    return outcome == COMMAND_BAD ? 2 : failed;
}
