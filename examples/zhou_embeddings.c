/* SPDX-License-Identifier: BSD-3-Clause */
/* Private training and data generation by clustering embeddings (Zhou, Zhou, Mirrokni, Epasto, Cohen-Addad
 * 2025): records become embeddings by a public model, a private Gaussian mixture is fitted to those of each
 * class, and its samples are labelled embeddings that may be published. Classifiers learn from them and are
 * tested on embeddings of real records. --help lists the arguments.
 *
 * Every row of the table but the real embeddings' is a release with a budget of its own; who publishes
 * several of them about the same people has spent the sum. */
#include "common/clock.h"
#include "common/command_line.h"
#include "common/embeddings.h"
#include "common/judge.h"
#include "common/npy_file.h"
#include "common/progress.h"

#include <dpmix/dpmix.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static const char program[] = "zhou_embeddings";

static const char help[] =
    "Fits private Gaussian mixtures to labelled embeddings and publishes samples of them.\n"
    "\n"
    "  --embeddings FILE --labels FILE  the private embeddings: NPY, a row each, float32 or float64; their\n"
    "                                   labels: NPY or IDX. Or\n"
    "  --images FILE --labels FILE      private square images, IDX: their embeddings are public features\n"
    "                                   (scattering, low frequencies of each channel), of norm 1 at most\n"
    "  --test-embeddings FILE or --test-images FILE, --test-labels FILE\n"
    "                                   real records for testing classifiers, likewise\n"
    "  --norm R                         embeddings are cut to this length, declared and not looked up; "
    "images\n"
    "                                   have 1\n"
    "  --epsilon E,...  --delta D       the privacy budget of each release: a row of the table for each "
    "epsilon\n"
    "  --adjacency A                    add-remove, replace-one or zero-out\n"
    "\n"
    "and, if wanted:\n"
    "\n"
    "  --components K,...               Gaussians of a class: a row of the table for each; 0: as many as "
    "its\n"
    "                                   noisy count supports (1,2,4,8)\n"
    "  --classes N                      the declared number of classes (10)\n"
    "  --records N                      how many synthetic embeddings (60000)\n"
    "  --output PREFIX                  they are written to PREFIX-epsE-kK.npy, labels to "
    "PREFIX-epsE-kK-labels.npy\n"
    "  --decoder COMMAND                run as COMMAND PREFIX-epsE-kK.npy PREFIX-epsE-kK-labels.npy for "
    "each\n"
    "                                   release: the embeddings' decoder makes images or texts of them, free "
    "of\n"
    "                                   cost\n"
    "  --real R                         no: no row for classifiers that learn from the real embeddings "
    "(yes)\n"
    "  --threads N                      short for --option threads=N\n"
    "  --option NAME=VALUE              may be given again and again, see below\n";

enum { MOST_ROWS = 16, MOST_COMPONENTS = 64, PIECE = 1000 };

struct study {
    const char *rows, *images, *labels, *test_rows, *test_images, *test_labels, *output, *decoder;
    const char *epsilons, *components;
    double delta, norm;
    int64_t adjacency, classes, n_records, real;
    double epsilon[MOST_ROWS], component[MOST_ROWS];
    size_t n_epsilons, n_components;
    dpmix_options *options;
    struct embeddings records, test;
    struct progress progress;
};

static int complain(const char *what)
{
    fprintf(stderr, "%s: %s\n", program, what);
    return -1;
}

/* ---- Arguments ---- */

/* Numbers between commas. */
static int read_list(double *values, size_t *n, const char *text)
{
    char *end = NULL;
    for (*n = 0; *n < MOST_ROWS; text = end + 1) {
        values[(*n)++] = strtod(text, &end);
        if (end == text || (*end && *end != ','))
            return -1;
        if (!*end)
            return 0;
    }
    return -1;
}

static int check(struct study *s)
{
    if (!s->rows == !s->images || !s->labels)
        return command_line_refuse(program, "--embeddings or --images, and --labels, must be given");
    if (!s->test_labels || !s->test_rows != !s->rows || !s->test_images != !s->images)
        return command_line_refuse(program,
                                   "test records must be given, of the same kind, with --test-labels");
    if (!s->epsilons || isnan(s->delta) || s->adjacency == 0)
        return command_line_refuse(
            program, "--epsilon, --delta and --adjacency are privacy terms and must all be given");
    if (s->images && isnan(s->norm))
        s->norm = 1.0;
    if (!(s->norm > 0.0))
        return command_line_refuse(program, "--norm must be given for embeddings, and be positive");
    if (s->decoder && !s->output)
        return command_line_refuse(program, "--decoder needs --output");
    if (read_list(s->epsilon, &s->n_epsilons, s->epsilons) != 0)
        return command_line_refuse(program, "--epsilon needs numbers and commas");
    if (read_list(s->component, &s->n_components, s->components) != 0)
        return command_line_refuse(program, "--components needs numbers and commas");
    for (size_t i = 0; i < s->n_components; i++)
        if (!(s->component[i] >= 0.0 && s->component[i] <= MOST_COMPONENTS) ||
            s->component[i] != floor(s->component[i]))
            return command_line_refuse(program, "--components needs whole numbers from 0 to %d",
                                       MOST_COMPONENTS);
    return COMMAND_RUN;
}

static int read_arguments(struct study *s, int argc, char **argv)
{
    static const struct command_choice answers[] = {{"no", 0}, {"yes", 1}, {NULL, 0}};
    const struct command_rule rules[] = {
        {.name = "--embeddings", .text = &s->rows},
        {.name = "--images", .text = &s->images},
        {.name = "--labels", .text = &s->labels},
        {.name = "--test-embeddings", .text = &s->test_rows},
        {.name = "--test-images", .text = &s->test_images},
        {.name = "--test-labels", .text = &s->test_labels},
        {.name = "--output", .text = &s->output},
        {.name = "--decoder", .text = &s->decoder},
        {.name = "--epsilon", .text = &s->epsilons},
        {.name = "--components", .text = &s->components},
        {.name = "--delta", .real = &s->delta},
        {.name = "--norm", .real = &s->norm},
        {.name = "--adjacency", .whole = &s->adjacency, .choices = command_adjacencies},
        {.name = "--real", .whole = &s->real, .choices = answers},
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

static int load(struct study *s)
{
    const int classes = (int)s->classes;
    const int failed = s->images ? embeddings_of_images(&s->records, s->images, s->labels, classes) ||
                                       embeddings_of_images(&s->test, s->test_images, s->test_labels, classes)
                                 : embeddings_read(&s->records, s->rows, s->labels, classes) ||
                                       embeddings_read(&s->test, s->test_rows, s->test_labels, classes);
    if (failed)
        return -1;
    embeddings_cut(&s->records, s->norm);
    embeddings_cut(&s->test, s->norm);
    return s->records.columns == s->test.columns ? 0 : complain("the test records have other columns");
}

/* ---- A release ---- */

struct release {
    dpmix_accountant *accountant;
    dpmix_dataset *dataset;
    dpmix_generator *generator;
    double spent, seconds;
};

/* Numbers lie within the declared norm R of 0, so [-R, R] are their bounds. The mixture bounds the length of
 * a row about the middle of the bounds, in units of 2 R, over the square root of the number of columns. */
static int fit(struct release *r, const struct study *s, double epsilon, double components,
               struct progress *progress)
{
    const struct embeddings *e = &s->records;
    const double lower = -s->norm, upper = s->norm, clip = 0.5 / sqrt((double)e->columns);
    const double started = clock_seconds();
    int32_t *labels = calloc(e->n + 1, sizeof(*labels));
    if (!labels)
        return complain("out of memory");
    for (size_t i = 0; i < e->n; i++)
        labels[i] = e->labels[i];
    const int failed =
        dpmix_options_set_int(s->options, DPMIX_OPTION_GMM_COMPONENTS, (int64_t)components) ||
        dpmix_options_set_double(s->options, DPMIX_OPTION_GMM_ROW_CLIP, clip) ||
        dpmix_accountant_new(&r->accountant, epsilon, s->delta, (int)s->adjacency) ||
        dpmix_dataset_new_f32(&r->dataset, e->rows, e->n, e->columns, labels, (int)s->classes, &lower, &upper,
                              1, DPMIX_STORAGE_COPY) ||
        dpmix_generator_new(&r->generator, DPMIX_GENERATOR_GMM, s->options) ||
        dpmix_generator_fit(r->generator, r->accountant, r->dataset, 1.0, progress_of_fit, progress) ||
        dpmix_accountant_spent(r->accountant, &r->spent);
    free(labels);
    progress_close(progress);
    r->seconds = clock_seconds() - started;
    return failed ? complain(dpmix_last_error()) : 0;
}

static void close_release(struct release *r)
{
    dpmix_generator_free(r->generator);
    dpmix_dataset_free(r->dataset);
    dpmix_accountant_free(r->accountant);
}

/* Sampling is post-processing: it costs no privacy. */
static int sample(struct embeddings *e, const struct release *r, size_t n, size_t columns)
{
    int32_t labels[PIECE];
    *e = (struct embeddings){.n = n,
                             .columns = columns,
                             .rows = calloc(n * columns + 1, sizeof(*e->rows)),
                             .labels = calloc(n + 1, 1)};
    int failed = e->rows && e->labels ? 0 : complain("out of memory");
    for (size_t first = 0; failed == 0 && first < n; first += PIECE) {
        const size_t piece = n - first < PIECE ? n - first : PIECE;
        if (dpmix_generator_sample(r->generator, e->rows + first * columns, labels, first, piece, columns,
                                   NULL))
            failed = complain(dpmix_last_error());
        for (size_t i = 0; failed == 0 && i < piece; i++)
            e->labels[first + i] = (uint8_t)labels[i];
    }
    return failed;
}

/* ---- The decoder's place ---- */

/* What turns embeddings back into records is the caller's: the other half of the model that made them. It
 * sees released numbers only, so it costs no privacy. A program that has its decoder at hand calls it here,
 * with e->rows (e->n x e->columns) and e->labels; this one hands the files over to a command. */
static int decode(const struct study *s, const char *rows_path, const char *labels_path)
{
    union {
        const char *in;
        char *out; /* execvp() does not write to what it is given */
    } words[3] = {{s->decoder}, {rows_path}, {labels_path}};
    char *arguments[] = {words[0].out, words[1].out, words[2].out, NULL};
    int status = -1;
    if (!s->decoder)
        return 0;
    fflush(stdout);
    const pid_t child = fork();
    if (child == 0) {
        execvp(s->decoder, arguments);
        _exit(127);
    }
    if (child < 0 || waitpid(child, &status, 0) != child || !WIFEXITED(status) || WEXITSTATUS(status) != 0)
        return complain("the decoder failed");
    return 0;
}

static int publish(const struct study *s, const struct embeddings *e, double epsilon, double components)
{
    char rows_path[4096], labels_path[4096];
    if (!s->output)
        return 0;
    const int length =
        snprintf(rows_path, sizeof(rows_path), "%s-eps%g-k%g.npy", s->output, epsilon, components);
    snprintf(labels_path, sizeof(labels_path), "%s-eps%g-k%g-labels.npy", s->output, epsilon, components);
    if (length < 0 || (size_t)length + 8 > sizeof(rows_path))
        return complain("--output is too long");
    if (npy_write_rows(rows_path, e->rows, e->n, e->columns) != 0 ||
        npy_write_labels(labels_path, e->labels, e->n) != 0)
        return -1;
    return decode(s, rows_path, labels_path);
}

/* ---- The table ---- */

/* What classifiers learn from these rows; columns are brought to one scale by the same rows. */
static int judge_rows(struct judgement *judgement, struct study *s, const struct embeddings *e)
{
    struct idx_records training = {0}, test = {0};
    const int failed = embeddings_to_bytes(&training, e, e) != 0 ||
                       embeddings_to_bytes(&test, &s->test, e) != 0 ||
                       judge(judgement, &training, &test, (int)s->classes) != 0;
    idx_records_close(&training);
    idx_records_close(&test);
    return failed ? -1 : 0;
}

static void print_row(const char *what, double spent, const struct judgement *j, double seconds)
{
    if (spent > 0.0)
        printf("%-12s %9.4g %8.2f %8.2f %8.1f\n", what, spent, j->softmax_accuracy, j->mlp_accuracy, seconds);
    else
        printf("%-12s %9s %8.2f %8.2f %8s\n", what, "-", j->softmax_accuracy, j->mlp_accuracy, "-");
    fflush(stdout);
}

static int print_release(struct study *s, double epsilon, double components)
{
    struct release r = {0};
    struct embeddings made = {0};
    struct judgement judgement;
    char name[32];
    snprintf(name, sizeof(name), "%g", components);
    const int failed = fit(&r, s, epsilon, components, &s->progress) != 0 ||
                       sample(&made, &r, (size_t)s->n_records, s->records.columns) != 0 ||
                       publish(s, &made, epsilon, components) != 0 || judge_rows(&judgement, s, &made) != 0;
    if (!failed)
        print_row(name, r.spent, &judgement, r.seconds);
    embeddings_close(&made);
    close_release(&r);
    return failed ? -1 : 0;
}

static int run(struct study *s)
{
    struct judgement real;
    if (load(s) != 0)
        return -1;
    printf("%zu columns; accuracy on real embeddings, in percent\n\n", s->records.columns);
    printf("%-12s %9s %8s %8s %8s\n", "components", "epsilon", "linear", "2 layers", "seconds");
    fflush(stdout);
    if (s->real) {
        if (judge_rows(&real, s, &s->records) != 0)
            return -1;
        print_row("real", 0.0, &real, 0.0);
    }
    for (size_t i = 0; i < s->n_epsilons; i++)
        for (size_t j = 0; j < s->n_components; j++)
            if (print_release(s, s->epsilon[i], s->component[j]) != 0)
                return -1;
    puts("\nThe real embeddings and what is measured on them are not private, and no part of a release.");
    return 0;
}

int main(int argc, char **argv)
{
    struct study s = {
        .components = "1,2,4,8", .delta = NAN, .norm = NAN, .classes = 10, .n_records = 60000, .real = 1};
    if (dpmix_options_new(&s.options) != DPMIX_OK) {
        complain(dpmix_last_error());
        return 1;
    }
    const int outcome = read_arguments(&s, argc, argv);
    progress_open(&s.progress);
    const int failed = outcome == COMMAND_RUN && run(&s) != 0;
    embeddings_close(&s.records);
    embeddings_close(&s.test);
    dpmix_options_free(s.options);
    return outcome == COMMAND_BAD ? 2 : failed;
}
