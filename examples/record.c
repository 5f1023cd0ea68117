/* SPDX-License-Identifier: BSD-3-Clause */
/* Labelled images to train a classifier on, from private ones: a Gaussian mixture for every class, then a
 * teacher that labels its samples, each with its part of one budget. Everything that is learned from the
 * images is in the ledger: class counts, means, covariances, clusters, teacher.
 *
 *     record IMAGES LABELS FOLDER EPSILON [SHARE] [OPTION=VALUE ...]
 *
 * IMAGES and LABELS are IDX files of ten classes, gzipped or not; FOLDER gets the records, also IDX, and the
 * mixture. Labels are the teacher's, in one file as classes and in one as probabilities (soft labels). SHARE
 * is the models' share of epsilon (0.6), the teacher has the rest. Options have the library's names and,
 * unless given, its defaults. examples/evaluate.py trains classifiers on the result. */
#include "common/clock.h"
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

struct record {
    const char *images, *labels;
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

static int set_option(dpmix_options *options, const char *text)
{
    char name[64];
    double value;
    if (sscanf(text, "%63[a-z0-9_]=%lf", name, &value) != 2)
        return -1;
    const int key = dpmix_option_by_name(name);
    return dpmix_option_type(key) == DPMIX_OPTION_TYPE_INT
               ? dpmix_options_set_int(options, key, (int64_t)value)
               : dpmix_options_set_double(options, key, value);
}

static int read_arguments(struct record *r, int argc, char **argv)
{
    if (argc < 5) {
        fputs("usage: record IMAGES LABELS FOLDER EPSILON [SHARE] [OPTION=VALUE ...]\n", stderr);
        return -1;
    }
    const int has_share = argc > 5 && !strchr(argv[5], '=');
    r->images = argv[1];
    r->labels = argv[2];
    r->epsilon = strtod(argv[4], NULL);
    r->share = has_share ? strtod(argv[5], NULL) : 0.6;
    if (dpmix_options_new(&r->options) != DPMIX_OK)
        return complain(r);
    for (int i = 5 + has_share; i < argc; i++)
        if (set_option(r->options, argv[i]) != 0) {
            fprintf(stderr, "record: %s: no option of the library, or no value for it\n", argv[i]);
            return -1;
        }
    return idx_read_shape(&r->shape, r->images) != 0 || output_files_open(&r->files, argv[3]) != 0 ||
           output_files_add_soft_labels(&r->files, argv[3]) != 0;
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
    if (r->share < 1 && dpmix_mixture_teach(r->mixture, r->accountant, r->dataset, 1.0, progress_of_fit,
                                            &r->progress))
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
    const int failed = read_arguments(&r, argc, argv) != 0 || learn(&r) != 0 || write_results(&r) != 0;
    dpmix_mixture_free(r.mixture);
    dpmix_generator_free(r.generator);
    dpmix_dataset_free(r.dataset);
    dpmix_accountant_free(r.accountant);
    dpmix_options_free(r.options);
    output_files_close(&r.files);
    return failed;
}
