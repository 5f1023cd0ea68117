/* SPDX-License-Identifier: BSD-3-Clause */
#include "results.h"

#include <math.h>
#include <stdio.h>

struct result result_of(const char *records, double epsilon, int parts)
{
    return (struct result){.records = records,
                           .epsilon = epsilon,
                           .parts = parts,
                           .query_error = NAN,
                           .seconds = NAN,
                           .judgement = {NAN, NAN, NAN, NAN}};
}

static void print_cell(const char *format, int width, double value)
{
    char text[32];
    snprintf(text, sizeof(text), format, value);
    printf("  %*s", width, isnan(value) ? "-" : text);
}

void results_head(void)
{
    puts("Trained on the records, tested on real ones, in percent: logistic regression (LR), a perceptron "
         "with\n"
         "a hidden layer of 100 (MLP), areas under their micro-averaged ROC curves. Mean relative error of\n"
         "the counting queries. Seconds of the fit.\n");
    printf("%-16s  %8s  %4s  %7s  %7s  %8s  %8s  %8s  %7s\n", "records", "epsilon", "k", "LR", "MLP",
           "LR area", "MLP area", "queries", "fit");
    fflush(stdout);
}

void results_row(const struct result *r)
{
    const struct judgement *j = &r->judgement;
    printf("%-16s", r->records);
    print_cell("%.4g", 8, r->epsilon);
    print_cell("%.0f", 4, r->parts > 0 ? (double)r->parts : NAN);
    print_cell("%.2f", 7, j->softmax_accuracy);
    print_cell("%.2f", 7, j->mlp_accuracy);
    print_cell("%.2f", 8, j->softmax_area);
    print_cell("%.2f", 8, j->mlp_area);
    print_cell("%.4f", 8, r->query_error);
    print_cell("%.1f", 7, r->seconds);
    puts("");
    fflush(stdout);
}
