/* SPDX-License-Identifier: BSD-3-Clause */
/* From a private image data set to a releasable one: a mixture of generative models is trained under
 * differential privacy, saved, and sampled into a synthetic data set. --help lists the arguments. */
#include "common/arguments.h"
#include "common/clock.h"
#include "common/evaluation.h"
#include "common/idx_read.h"
#include "common/ledger_text.h"
#include "common/output_files.h"
#include "common/progress.h"
#include "common/synthesis.h"

#include <dpmix/dpmix.h>
#include <stdio.h>
#include <stdlib.h>

/* Of the budget, what the partition may spend, where there is one; and what whoever comes last may: all that
 * is left. */
static const double partition_share = 0.1, whole_share = 1.0;

struct release {
    const struct arguments *arguments;
    struct output_files files;
    struct idx_shape shape;
    struct progress progress;
    dpmix_dataset *dataset;
    dpmix_accountant *accountant;
    dpmix_clusterer *clusterer;
    dpmix_generator *generator;
    dpmix_mixture *mixture;
    double fit_seconds;
    int evaluated;
    struct evaluation evaluation;
};

static int complain_of_library(struct release *r)
{
    progress_close(&r->progress);
    fprintf(stderr, "release_images: %s\n", dpmix_last_error());
    return -1;
}

static int fit_partition(struct release *r)
{
    return dpmix_clusterer_new(&r->clusterer, (int)r->arguments->partition, r->arguments->options) ||
           dpmix_clusterer_fit(r->clusterer, r->accountant, r->dataset, partition_share, progress_of_fit,
                               &r->progress);
}

static int is_taught(const struct arguments *a)
{
    return a->labels && a->classes > 1 && a->share < 1;
}

/* Before anything is spent. */
static int check_options(const struct release *r)
{
    const struct arguments *a = r->arguments;
    int64_t conditional = 1;
    if (dpmix_options_get_int(a->options, &conditional, DPMIX_OPTION_CONDITIONAL) != DPMIX_OK)
        conditional = 1;
    const int makes_labels = a->labels && (a->partition == DPMIX_CLUSTERER_LABEL ||
                                           (a->generator != DPMIX_GENERATOR_GAUSSIAN && conditional));
    return synthesis_check("release_images", a->options, &r->shape, is_taught(a), makes_labels);
}

/* The models are paid for: they outlive a fault of the teacher's. */
static int teach(struct release *r)
{
    if (dpmix_mixture_save(r->mixture, r->files.model) != DPMIX_OK)
        return -1;
    if (dpmix_mixture_teach(r->mixture, r->accountant, r->dataset, whole_share, progress_of_fit,
                            &r->progress) == DPMIX_OK)
        return 0;
    progress_close(&r->progress);
    fprintf(stderr, "release_images: the models, which are paid for, are in %s\n", r->files.model);
    return -1;
}

/* The private records go in, a mixture comes out. The bounds of a byte are declared, not looked up. */
static int fit(struct release *r)
{
    const struct arguments *a = r->arguments;
    const double started = clock_seconds();
    const int taught = is_taught(a);
    const int failed = dpmix_accountant_new(&r->accountant, a->epsilon, a->delta, (int)a->adjacency) ||
                       dpmix_dataset_new_idx(&r->dataset, a->images, a->labels,
                                             a->labels ? (int)a->classes : 0, 0.0, 255.0) ||
                       (a->partition && fit_partition(r)) ||
                       dpmix_generator_new(&r->generator, (int)a->generator, a->options) ||
                       dpmix_mixture_new(&r->mixture, r->clusterer, r->generator) ||
                       dpmix_mixture_fit(r->mixture, r->accountant, r->dataset,
                                         taught ? a->share : whole_share, progress_of_fit, &r->progress) ||
                       (taught && teach(r));
    if (failed)
        return complain_of_library(r);
    progress_close(&r->progress);
    r->fit_seconds = clock_seconds() - started;
    printf("fit: %.1f s\n\n", r->fit_seconds);
    return 0;
}

static int report(struct release *r)
{
    char *report = ledger_text_read(r->accountant, dpmix_accountant_report);
    char *json = ledger_text_read(r->accountant, dpmix_accountant_json);
    double spent;
    int failed = -1;
    if (!report || !json || dpmix_accountant_spent(r->accountant, &spent) != DPMIX_OK ||
        dpmix_mixture_save(r->mixture, r->files.model) != DPMIX_OK) {
        complain_of_library(r);
    } else {
        printf("%s\nepsilon spent: %.6g of %g at delta %g\n\n", report, spent, r->arguments->epsilon,
               r->arguments->delta);
        fflush(stdout);
        failed = output_file_write(r->files.ledger, json);
    }
    free(report);
    free(json);
    return failed;
}

static int synthesise(struct release *r)
{
    const double started = clock_seconds();
    if (synthesis_write(r->mixture, &r->shape, (size_t)r->arguments->records, &r->files, &r->progress) != 0)
        return -1;
    printf("sampling and writing %lld records: %.1f s\n\n", (long long)r->arguments->records,
           clock_seconds() - started);
    fflush(stdout);
    return 0;
}

static int evaluate(struct release *r)
{
    const struct arguments *a = r->arguments;
    const struct record_files synthetic = {r->files.images, r->files.labels};
    const struct record_files real = {a->images, a->labels}, test = {a->test_images, a->test_labels};
    if (!a->test_images)
        return 0;
    if (dpmix_mixture_classes(r->mixture) == 0) {
        puts("The synthetic records have no labels, so no classifier can learn from them: no evaluation.\n");
        return 0;
    }
    if (evaluation_run(&r->evaluation, &synthetic, &real, &test, (int)a->classes) != 0)
        return -1;
    r->evaluated = 1;
    puts("");
    return 0;
}

static size_t put_accuracy(char *text, size_t room, const char *name, double synthetic, double real)
{
    const int used = snprintf(text, room,
                              "{\"name\":\"%s\",\"value\":%.2f,\"unit\":\"%%\",\"against\":\"real records\","
                              "\"ratio\":%.4f}\n",
                              name, synthetic, real > 0.0 ? synthetic / real : 0.0);
    return used > 0 ? (size_t)used : 0;
}

static int write_figures(const struct release *r)
{
    char text[512];
    const struct evaluation *e = &r->evaluation;
    if (!r->arguments->json)
        return 0;
    size_t used =
        (size_t)snprintf(text, sizeof(text),
                         "{\"name\":\"quickstart_fit_s\",\"value\":%.3f,\"unit\":\"s\"}\n", r->fit_seconds);
    if (r->evaluated)
        used += put_accuracy(text + used, sizeof(text) - used, "quickstart_accuracy", e->synthetic.pixels,
                             e->real.pixels);
    if (r->evaluated && e->has_features)
        put_accuracy(text + used, sizeof(text) - used, "quickstart_feature_accuracy", e->synthetic.features,
                     e->real.features);
    return output_file_write(r->arguments->json, text);
}

static void print_files(const struct release *r)
{
    printf("Written:\n  %s  the synthetic images, IDX\n", r->files.images);
    if (dpmix_mixture_classes(r->mixture) > 0)
        printf("  %s  their labels, IDX\n", r->files.labels);
    if (synthesis_has_sheet(&r->shape))
        printf("  %s  a sheet of samples\n", r->files.sheet);
    printf("  %s  the model: sample from it as much as you like\n", r->files.model);
    printf("  %s  what was spent\n", r->files.ledger);
}

static void release_close(struct release *r)
{
    dpmix_mixture_free(r->mixture);
    dpmix_generator_free(r->generator);
    dpmix_clusterer_free(r->clusterer);
    dpmix_accountant_free(r->accountant);
    dpmix_dataset_free(r->dataset);
    output_files_close(&r->files);
}

int main(int argc, char **argv)
{
    struct arguments arguments;
    const int outcome = arguments_read(&arguments, argc, argv);
    struct release r = {.arguments = &arguments};
    int failed = 0;
    progress_open(&r.progress);
    if (outcome == COMMAND_RUN) {
        failed = idx_read_shape(&r.shape, arguments.images) != 0 || check_options(&r) != 0 ||
                 output_files_open(&r.files, arguments.output) != 0 || fit(&r) != 0 || report(&r) != 0 ||
                 synthesise(&r) != 0 || evaluate(&r) != 0 || write_figures(&r) != 0;
        if (!failed)
            print_files(&r);
        release_close(&r);
    }
    arguments_close(&arguments);
    return outcome == COMMAND_BAD ? 2 : failed;
}
