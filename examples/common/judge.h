/* SPDX-License-Identifier: BSD-3-Clause */
/* Records judged by two classifiers that are trained on them and tested on real records. */
#ifndef EXAMPLE_JUDGE_H
#define EXAMPLE_JUDGE_H

#include "idx_read.h"

struct judgement { /* percent */
    double softmax_accuracy, mlp_accuracy;
    double softmax_area, mlp_area; /* under the ROC curve, micro average */
};

/* Both sets are labelled, not empty and have the same columns. Returns 0, or -1 after a line on stderr. */
int judge(struct judgement *judgement, const struct idx_records *training, const struct idx_records *test,
          int classes);

#endif
