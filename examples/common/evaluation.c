/* SPDX-License-Identifier: BSD-3-Clause */
#include "evaluation.h"

#include "clock.h"
#include "idx_read.h"
#include "softmax.h"

#include <stdio.h>

static int train_and_test(double *percent, const char *what, const struct record_files *files,
                          const struct idx_records *test, int classes)
{
    struct idx_records records;
    struct softmax model = {0};
    struct softmax_training training;
    double accuracy;
    if (idx_read(&records, files->images, files->labels, classes) != 0)
        return -1;
    const double started = clock_seconds();
    int failed = records.n == 0 || records.columns != test->columns ||
                 softmax_train(&model, &training, &records, classes) != 0 ||
                 softmax_test(&model, &accuracy, test) != 0;
    if (failed) {
        const int shape = records.n == 0 || records.columns != test->columns;
        fprintf(stderr, "%s: %s\n", files->images,
                shape ? "its records are not like the test records" : "out of memory");
    } else {
        *percent = 100.0 * accuracy;
        printf("  on the %s records: %.2f %%  (%d steps%s, %.1f s)\n", what, *percent, training.iterations,
               training.converged ? "" : " without convergence", clock_seconds() - started);
        fflush(stdout);
    }
    softmax_close(&model);
    idx_records_close(&records);
    return failed ? -1 : 0;
}

int evaluation_run(struct evaluation *evaluation, const struct record_files *synthetic,
                   const struct record_files *real, const struct record_files *test, int classes)
{
    struct idx_records test_records;
    if (idx_read(&test_records, test->images, test->labels, classes) != 0)
        return -1;
    int failed = test_records.n == 0;
    if (failed) {
        fprintf(stderr, "%s: holds no records\n", test->images);
    } else {
        printf("Accuracy on %zu real test images of a softmax regression that was trained\n", test_records.n);
        fflush(stdout);
        failed =
            train_and_test(&evaluation->synthetic, "synthetic", synthetic, &test_records, classes) != 0 ||
            train_and_test(&evaluation->real, "real", real, &test_records, classes) != 0;
    }
    if (!failed)
        puts("The second figure is for comparison only: it is not private, and no part of the release.");
    idx_records_close(&test_records);
    return failed ? -1 : 0;
}
