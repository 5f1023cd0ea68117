/* SPDX-License-Identifier: BSD-3-Clause */
/* Labelled images to train a classifier on, from private ones: a Gaussian mixture for every class, then a
 * teacher that labels its samples, each with its part of one budget. Everything that is learned from the
 * images is in the ledger: class counts, means, covariances, clusters, teacher. --help has the arguments. */
#include "common/clock.h"
#include "common/command_line.h"
#include "common/idx_read.h"
#include "common/output_files.h"
#include "common/progress.h"
#include "common/synthesis.h"

#include <dpmix/dpmix.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CLASSES = 10, RECORDS = 60000 };

static const double delta = 1e-5;

static const char usage[] =
    "record IMAGES LABELS FOLDER EPSILON [SHARE] [OPTION=VALUE ...]\n"
    "\n"
    "IMAGES and LABELS are IDX files of ten classes, gzip'd or not; FOLDER gets 60,000 records, also IDX,\n"
    "the mixture and the ledger. Labels are the teacher's, in one file as classes and in one as\n"
    "probabilities (soft labels). Delta is 1e-5, the adjacency add/remove. SHARE is the models' share of\n"
    "epsilon (0.6), the teacher has the rest; 1: no teacher. Options have the library's names and, unless\n"
    "given, its defaults: release_images --help lists them. examples/evaluate.py trains classifiers on the\n"
    "result.\n";

struct record {
    const char *images, *labels, *folder;
    double epsilon, share;
    dpmix_options *options;
    struct output_files files;
    struct idx_shape shape;
    struct progress progress;
    dpmix_accountant *accountant;
    dpmix_dataset *dataset;
    dpmix_generator *generator;
    dpmix_mixture *mixture;
};

static int complain(struct record *r)
{
    progress_close(&r->progress);
    fprintf(stderr, "record: %s\n", dpmix_last_error());
    return -1;
}

static int read_arguments(struct record *r, int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "--help") == 0) {
        fputs(usage, stdout);
        return COMMAND_HELP;
    }
    if (argc < 5)
        return command_line_refuse("record", "IMAGES, LABELS, FOLDER and EPSILON must all be given");
    const struct command_line line = {.program = "record", .options = r->options};
    const int has_share = argc > 5 && !strchr(argv[5], '=');
    r->images = argv[1];
    r->labels = argv[2];
    r->folder = argv[3];
    r->share = 0.6;
    int outcome = command_line_real(&line, "EPSILON", &r->epsilon, argv[4]);
    if (outcome == COMMAND_RUN && has_share)
        outcome = command_line_real(&line, "SHARE", &r->share, argv[5]);
    for (int i = 5 + has_share; i < argc && outcome == COMMAND_RUN; i++)
        outcome = command_line_option(&line, argv[i]);
    return outcome;
}

static int open_files(struct record *r)
{
    int64_t conditional = 1;
    if (dpmix_options_get_int(r->options, &conditional, DPMIX_OPTION_CONDITIONAL) != DPMIX_OK)
        conditional = 1;
    return idx_read_shape(&r->shape, r->images) != 0 ||
           synthesis_check("record", r->options, &r->shape, r->share < 1, conditional != 0) != 0 ||
           output_files_open(&r->files, r->folder) != 0 ||
           output_files_add_soft_labels(&r->files, r->folder) != 0;
}

static int learn(struct record *r)
{
    const double started = clock_seconds();
    if (dpmix_accountant_new(&r->accountant, r->epsilon, delta, DPMIX_ADJACENCY_ADD_REMOVE) ||
        dpmix_dataset_new_idx(&r->dataset, r->images, r->labels, CLASSES, 0.0, 255.0) ||
        dpmix_generator_new(&r->generator, DPMIX_GENERATOR_GMM, r->options) ||
        dpmix_mixture_new(&r->mixture, NULL, r->generator) ||
        dpmix_mixture_fit(r->mixture, r->accountant, r->dataset, r->share, progress_of_fit, &r->progress))
        return complain(r);
    progress_close(&r->progress);
    const double fitted = clock_seconds();
    if (r->share < 1 &&
        dpmix_mixture_teach(r->mixture, r->accountant, r->dataset, 1.0, progress_of_fit, &r->progress))
        return complain(r);
    progress_close(&r->progress);
    printf("models: %.1f s\nteacher: %.1f s\n", fitted - started, clock_seconds() - fitted);
    return 0;
}

static int write_results(struct record *r)
{
    const double started = clock_seconds();
    double spent;
    size_t length;
    if (synthesis_write(r->mixture, &r->shape, RECORDS, &r->files, &r->progress) != 0)
        return -1;
    printf("sampling and writing %d records: %.1f s\n", RECORDS, clock_seconds() - started);
    if (dpmix_mixture_save(r->mixture, r->files.model) || dpmix_accountant_spent(r->accountant, &spent) ||
        dpmix_mixture_ledger(r->mixture, NULL, 0, &length))
        return complain(r);
    char *ledger = malloc(length + 1);
    if (!ledger || dpmix_mixture_ledger(r->mixture, ledger, length + 1, NULL)) {
        free(ledger);
        return complain(r);
    }
    const int failed = output_file_write(r->files.ledger, ledger);
    free(ledger);
    printf("epsilon spent: %.6g of %g at delta %g\n", spent, r->epsilon, delta);
    return failed;
}

int main(int argc, char **argv)
{
    struct record r = {0};
    progress_open(&r.progress);
    const int outcome = dpmix_options_new(&r.options) ? COMMAND_BAD : read_arguments(&r, argc, argv);
    const int failed =
        outcome == COMMAND_RUN && (open_files(&r) != 0 || learn(&r) != 0 || write_results(&r) != 0);
    dpmix_mixture_free(r.mixture);
    dpmix_generator_free(r.generator);
    dpmix_dataset_free(r.dataset);
    dpmix_accountant_free(r.accountant);
    dpmix_options_free(r.options);
    output_files_close(&r.files);
    return outcome == COMMAND_BAD ? 2 : failed;
}
