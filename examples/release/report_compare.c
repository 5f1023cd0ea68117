/* SPDX-License-Identifier: BSD-3-Clause */
#include "report_compare.h"

#include "charts_svg.h"

#include <math.h>
#include <stdlib.h>

enum { WORST_PAIRS = 10, MATRIX_MOST = 40 };

static const char *name_of(const struct report *r, size_t column)
{
    return dpmix_schema_name(r->bins->schema, r->bins->columns[column].column);
}

static void write_row(FILE *file, const char *what, double value)
{
    fprintf(file, "<tr><td>%s</td><td class=\"number\">%.4f</td></tr>\n", what, value);
}

static void write_means(FILE *file, const struct report *r)
{
    const struct comparison *c = r->comparison;
    fprintf(file,
            "<p>%zu synthetic records beside %zu real ones. Total variation distance: 0 where two tables are "
            "alike, 1 "
            "where they have nothing in common; numbers are in %d bins.</p>\n<table>\n",
            r->synthetic->n, r->real->n, BINS_OF_NUMBERS);
    write_row(file, "Total variation distance, mean over the columns", c->mean_tvd1);
    write_row(file, "Total variation distance, mean over all pairs of columns", c->mean_tvd2);
    write_row(file, "Counting queries, mean error as a part of all records", c->query_error);
    write_row(file, "Counting queries, mean relative error (of fractions below 1 %: as a part of 1 %)",
              c->query_relative_error);
    fprintf(file,
            "</table>\n<p>The %d counting queries ask for 1 to 4 columns at once, an interval or a value of "
            "each, drawn "
            "at random.</p>\n",
            COMPARE_QUERIES);
}

static void write_scores(FILE *file, const char *training, size_t n, const struct scores *scores)
{
    fprintf(file,
            "<tr><td>%s</td><td class=\"number\">%zu</td><td class=\"number\">%.2f %%</td>"
            "<td class=\"number\">",
            training, n, 100.0 * scores->accuracy);
    if (isnan(scores->area))
        fputs("-", file);
    else
        fprintf(file, "%.4f", scores->area);
    fputs("</td></tr>\n", file);
}

static void write_classifiers(FILE *file, const struct report *r)
{
    const struct comparison *c = r->comparison;
    fputs("<h3>Learning from them</h3>\n", file);
    if (!c->scored) {
        fputs("<p>The schema has no label with two classes, so there is nothing to learn.</p>\n", file);
        return;
    }
    fputs("<p>A logistic regression learns the label (", file);
    html_text(file, name_of(r, r->bins->label));
    fprintf(file, ") from all other columns, and is tested on %zu real records, %s.</p>\n<table>\n",
            c->n_test,
            c->set_aside
                ? "which were set aside (--test)"
                : "half of those of the release; so the synthetic records have seen them, but with noise");
    fputs("<tr><th>trained on</th><th class=\"number\">records</th><th class=\"number\">accuracy</th>"
          "<th class=\"number\">area under the ROC curve</th></tr>\n",
          file);
    write_scores(file, "<span class=\"key synthetic\"></span>synthetic records", r->synthetic->n,
                 &c->synthetic);
    write_scores(file, "<span class=\"key real\"></span>real records", c->n_training, &c->real);
    fputs("</table>\n", file);
}

struct pair {
    double distance;
    size_t first, second;
};

static int compare_pairs(const void *a, const void *b)
{
    const double left = ((const struct pair *)a)->distance, right = ((const struct pair *)b)->distance;
    return (left < right) - (left > right);
}

static void write_worst(FILE *file, const struct report *r)
{
    const struct comparison *c = r->comparison;
    size_t n = 0;
    struct pair *pairs = calloc(c->n * c->n + 1, sizeof(*pairs));
    if (!pairs)
        return; /* a table less; the matrix has all of it */
    for (size_t i = 0; i < c->n; i++)
        for (size_t j = i + 1; j < c->n; j++)
            pairs[n++] = (struct pair){.distance = c->tvd2[i * c->n + j], .first = i, .second = j};
    qsort(pairs, n, sizeof(*pairs), compare_pairs);
    fputs("<h3>The pairs of columns that differ most</h3>\n<table>\n", file);
    for (size_t i = 0; i < n && i < WORST_PAIRS; i++) {
        fputs("<tr><td>", file);
        html_text(file, name_of(r, pairs[i].first));
        fputs(" and ", file);
        html_text(file, name_of(r, pairs[i].second));
        fprintf(file, "</td><td class=\"number\">%.4f</td></tr>\n", pairs[i].distance);
    }
    fputs("</table>\n", file);
    free(pairs);
}

static void write_matrix(FILE *file, const struct report *r)
{
    const char *names[MATRIX_MOST];
    if (r->comparison->n < 2 || r->comparison->n > MATRIX_MOST)
        return;
    for (size_t i = 0; i < r->comparison->n; i++)
        names[i] = name_of(r, i);
    fputs("<h3>All pairs of columns: the darker, the further apart</h3>\n", file);
    chart_matrix(file, r->comparison->tvd2, r->comparison->n, names);
}

void report_comparison(FILE *file, const struct report *r)
{
    fputs("<h2>Real records and synthetic ones: not private</h2>\n", file);
    write_means(file, r);
    write_classifiers(file, r);
    if (r->comparison->n > 1)
        write_worst(file, r);
    write_matrix(file, r);
}
