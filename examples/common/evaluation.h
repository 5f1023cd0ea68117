/* SPDX-License-Identifier: BSD-3-Clause */
/* How good are the synthetic records? A classifier trained on them is tested on real records, beside one
 * trained on the real records. */
#ifndef EXAMPLE_EVALUATION_H
#define EXAMPLE_EVALUATION_H

struct record_files {
    const char *images, *labels;
};

struct evaluation {
    double synthetic, real; /* accuracies in percent; the second is not private */
};

/* Prints what it finds. Returns 0, or -1 after a line on stderr. */
int evaluation_run(struct evaluation *evaluation, const struct record_files *synthetic,
                   const struct record_files *real, const struct record_files *test, int classes);

#endif
