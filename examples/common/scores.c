/* SPDX-License-Identifier: BSD-3-Clause */
#include "scores.h"

#include <math.h>
#include <stdlib.h>

struct pair {
    double score;
    int positive;
};

double scores_accuracy(const double *scores, const uint8_t *labels, size_t n, int classes)
{
    size_t right = 0;
    for (size_t i = 0; i < n; i++) {
        const double *row = scores + i * (size_t)classes;
        int best = 0;
        for (int c = 1; c < classes; c++)
            if (row[c] > row[best])
                best = c;
        right += best == labels[i];
    }
    return (double)right / (double)n;
}

static int compare(const void *a, const void *b)
{
    const double left = ((const struct pair *)a)->score, right = ((const struct pair *)b)->score;
    return (left > right) - (left < right);
}

/* Mann and Whitney: the part of the pairs (positive, negative) that are in the right order. */
static double area_of_sorted(const struct pair *pairs, size_t n)
{
    double negatives = 0.0, positives = 0.0, ordered = 0.0;
    for (size_t i = 0, end = 0; i < n; i = end) {
        double tied_positives = 0.0, tied = 0.0;
        for (end = i; end < n && pairs[end].score == pairs[i].score; end++) {
            tied_positives += pairs[end].positive;
            tied += 1.0;
        }
        ordered += tied_positives * (negatives + 0.5 * (tied - tied_positives));
        positives += tied_positives;
        negatives += tied - tied_positives;
    }
    return positives > 0.0 && negatives > 0.0 ? ordered / positives / negatives : NAN;
}

static int area_of(double *area, struct pair *pairs, size_t n)
{
    if (!pairs)
        return -1;
    qsort(pairs, n, sizeof(*pairs), compare);
    *area = area_of_sorted(pairs, n);
    free(pairs);
    return 0;
}

int scores_micro_auroc(double *area, const double *scores, const uint8_t *labels, size_t n, int classes)
{
    const size_t k = (size_t)classes;
    struct pair *pairs = calloc(n * k > 0 ? n * k : 1, sizeof(*pairs));
    for (size_t i = 0; pairs && i < n * k; i++)
        pairs[i] = (struct pair){.score = scores[i], .positive = labels[i / k] == i % k};
    return area_of(area, pairs, n * k);
}

int scores_class_auroc(double *area, const double *scores, const uint8_t *labels, size_t n, int classes,
                       int positive)
{
    struct pair *pairs = calloc(n > 0 ? n : 1, sizeof(*pairs));
    for (size_t i = 0; pairs && i < n; i++)
        pairs[i] = (struct pair){.score = scores[i * (size_t)classes + (size_t)positive],
                                 .positive = labels[i] == positive};
    return area_of(area, pairs, n);
}

void scores_normalise(double *scores, int classes)
{
    double top = -INFINITY, sum = 0.0;
    for (int c = 0; c < classes; c++)
        top = fmax(top, scores[c]);
    for (int c = 0; c < classes; c++)
        sum += exp(scores[c] - top);
    for (int c = 0; c < classes; c++)
        scores[c] -= top + log(sum);
}
