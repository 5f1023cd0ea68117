/* SPDX-License-Identifier: BSD-3-Clause */
#include "judge.h"

#include "mlp.h"
#include "scores.h"
#include "softmax.h"

#include <stdio.h>
#include <stdlib.h>

static int judge_softmax(double *scores, const struct idx_records *training, const struct idx_records *test,
                         int classes)
{
    struct softmax model = {0};
    struct softmax_training outcome;
    const int failed =
        softmax_train(&model, &outcome, training, classes) != 0 || softmax_scores(&model, scores, test) != 0;
    softmax_close(&model);
    return failed;
}

static int judge_mlp(double *scores, const struct idx_records *training, const struct idx_records *test,
                     int classes)
{
    struct mlp model = {0};
    const int failed = mlp_train(&model, training, classes) != 0 || mlp_scores(&model, scores, test) != 0;
    mlp_close(&model);
    return failed;
}

static int measure(double *accuracy, double *area, const double *scores, const struct idx_records *test,
                   int classes)
{
    *accuracy = 100.0 * scores_accuracy(scores, test->labels, test->n, classes);
    const int failed = scores_micro_auroc(area, scores, test->labels, test->n, classes);
    *area *= 100.0;
    return failed;
}

int judge(struct judgement *j, const struct idx_records *training, const struct idx_records *test,
          int classes)
{
    if (training->n == 0 || test->n == 0 || training->columns != test->columns) {
        fputs("the records are not like the test records\n", stderr);
        return -1;
    }
    double *scores = calloc(test->n * (size_t)classes, sizeof(*scores));
    const int failed = !scores || judge_softmax(scores, training, test, classes) != 0 ||
                       measure(&j->softmax_accuracy, &j->softmax_area, scores, test, classes) != 0 ||
                       judge_mlp(scores, training, test, classes) != 0 ||
                       measure(&j->mlp_accuracy, &j->mlp_area, scores, test, classes) != 0;
    free(scores);
    if (failed)
        fputs("out of memory\n", stderr);
    return failed ? -1 : 0;
}
