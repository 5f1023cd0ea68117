/* SPDX-License-Identifier: BSD-3-Clause */
#include "evaluation.h"

#include "clock.h"
#include "embeddings.h"
#include "softmax.h"

#include <stdio.h>

/* Of each channel of the features the lowest frequencies: 891 numbers of an image of 28 x 28 pixels. */
enum { RADIUS = 3 };

/* The real records that classifiers are tested on. */
struct exam {
    struct idx_records pixels;
    struct embeddings features; /* of square images */
    int has_features, classes;
};

static int out_of_memory(void)
{
    fputs("evaluation: out of memory\n", stderr);
    return -1;
}

static int train_and_test(double *percent, const char *what, const struct idx_records *training,
                          const struct idx_records *test, int classes)
{
    struct softmax model = {0};
    struct softmax_training outcome;
    double accuracy = 0.0;
    const double started = clock_seconds();
    const int failed = softmax_train(&model, &outcome, training, classes) != 0 ||
                       softmax_test(&model, &accuracy, test) != 0;
    softmax_close(&model);
    if (failed)
        return out_of_memory();
    *percent = 100.0 * accuracy;
    printf("    %-9s %.2f %%  (%d steps%s, %.1f s)\n", what, *percent, outcome.iterations,
           outcome.converged ? "" : " without convergence", clock_seconds() - started);
    fflush(stdout);
    return 0;
}

static int examine_features(double *percent, const struct idx_records *records, const struct exam *exam)
{
    struct embeddings features;
    struct idx_records training = {0}, test = {0};
    if (embeddings_of_records(&features, records, RADIUS) != 0)
        return -1;
    int failed = embeddings_to_bytes(&training, &features, &features) != 0 ||
                 embeddings_to_bytes(&test, &exam->features, &features) != 0;
    embeddings_close(&features);
    if (!failed)
        failed = train_and_test(percent, "features", &training, &test, exam->classes) != 0;
    idx_records_close(&training);
    idx_records_close(&test);
    return failed ? -1 : 0;
}

/* What classifiers learn from the records of some files. */
static int examine(struct accuracies *accuracies, const char *what, const struct record_files *files,
                   const struct exam *exam)
{
    struct idx_records records;
    if (idx_read(&records, files->images, files->labels, exam->classes) != 0)
        return -1;
    int failed = records.n == 0 || records.columns != exam->pixels.columns;
    if (failed) {
        fprintf(stderr, "%s: its records are not like the test records\n", files->images);
    } else {
        printf("  on the %s records\n", what);
        failed = (exam->has_features && examine_features(&accuracies->features, &records, exam) != 0) ||
                 train_and_test(&accuracies->pixels, "pixels", &records, &exam->pixels, exam->classes) != 0;
    }
    idx_records_close(&records);
    return failed ? -1 : 0;
}

static int open_exam(struct exam *exam, const struct record_files *test, int classes)
{
    *exam = (struct exam){.classes = classes};
    if (idx_read(&exam->pixels, test->images, test->labels, classes) != 0)
        return -1;
    if (exam->pixels.n == 0) {
        fprintf(stderr, "%s: holds no records\n", test->images);
        return -1;
    }
    exam->has_features = embeddings_has_features(exam->pixels.columns);
    return exam->has_features ? embeddings_of_records(&exam->features, &exam->pixels, RADIUS) : 0;
}

int evaluation_run(struct evaluation *evaluation, const struct record_files *synthetic,
                   const struct record_files *real, const struct record_files *test, int classes)
{
    struct exam exam;
    int failed = open_exam(&exam, test, classes);
    if (!failed) {
        evaluation->has_features = exam.has_features;
        printf("Accuracy on %zu real test images of softmax regressions that were trained\n", exam.pixels.n);
        failed = examine(&evaluation->synthetic, "synthetic", synthetic, &exam) != 0 ||
                 examine(&evaluation->real, "real", real, &exam) != 0;
    }
    if (!failed) {
        if (exam.has_features)
            puts("Features: public ones, which know nothing of these data (scattering transform).");
        puts("Figures on real records are for comparison only: they are not private, and no part of the release.");
    }
    embeddings_close(&exam.features);
    idx_records_close(&exam.pixels);
    return failed ? -1 : 0;
}
