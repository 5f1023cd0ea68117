/* SPDX-License-Identifier: BSD-3-Clause */
/* How good are the synthetic records? Classifiers trained on them are tested on real records, beside some
 * trained on the real records. Softmax regressions: on the pixels and, of square images, on public features,
 * which tell shapes apart that pixels do not (dpmix/feature.h). */
#ifndef EXAMPLE_EVALUATION_H
#define EXAMPLE_EVALUATION_H

struct record_files {
    const char *images, *labels;
};

struct accuracies { /* percent */
    double pixels, features;
};

struct evaluation {
    int has_features;
    struct accuracies synthetic, real; /* the second is not private */
};

/* Prints what it finds. Returns 0, or -1 after a line on stderr. */
int evaluation_run(struct evaluation *evaluation, const struct record_files *synthetic,
                   const struct record_files *real, const struct record_files *test, int classes);

#endif
