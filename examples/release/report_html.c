/* SPDX-License-Identifier: BSD-3-Clause */
#include "report_html.h"

#include "charts_svg.h"
#include "complain.h"
#include "report_compare.h"
#include "report_style.h"
#include "staging.h"

#include <dpmix/dpmix.h>
#include <errno.h>
#include <math.h>
#include <string.h>

enum { WRAPPED = 75 }; /* a line of the library's text that is this long goes on in the next one */

static void write_stamp(FILE *file)
{
    fputs("<div class=\"stamp\"><b>NOT FOR RELEASE</b>This report holds figures of the real records that no "
          "noise "
          "protects. They are outside the guarantee below. Do not publish it, do not show it to those who "
          "may not "
          "see the data, and do not choose settings of this release by it.</div>\n",
          file);
}

static void write_head(FILE *file, const struct report *r)
{
    fputs("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<title>", file);
    fputs(r->comparison ? "NOT FOR RELEASE: " : "", file);
    fputs("Synthetic records of ", file);
    html_text(file, r->arguments->dataset);
    fprintf(file, "</title>\n%s</head>\n<body>\n", report_style);
    if (r->comparison) {
        fputs("<div class=\"mark\" aria-hidden=\"true\">NOT FOR RELEASE</div>\n", file);
        write_stamp(file);
    }
    fputs("<h1>Synthetic records of ", file);
    html_text(file, r->arguments->dataset);
    fprintf(file,
            "</h1>\n<p class=\"lead\">Made with differential privacy by dpmix-release, libdpmix %s</p>\n",
            dpmix_version());
}

/* ---- The guarantee ---- */

/* What is printed is an upper bound, too; doubles that are next to a figure are that figure. */
static double up_to(double step, double value)
{
    return step * ceil(value / step * (1.0 - 1e-12));
}

/* Four digits of an epsilon. */
static double epsilon_up(double epsilon)
{
    return epsilon > 0.0 ? up_to(pow(10.0, floor(log10(epsilon)) - 3.0), epsilon) : 0.0;
}

/* Of an epsilon: how sure anybody can become who held something even before; delta apart. */
static void write_surest(FILE *file, double epsilon)
{
    const double percent = 100.0 / (1.0 + exp(-epsilon));
    if (percent > 99.99)
        fputs("more than 99.99 %", file);
    else
        fprintf(file, "%.*f %%", percent > 99.0 ? 2 : 1, up_to(percent > 99.0 ? 0.01 : 0.1, percent));
}

static void write_promise(FILE *file, const struct report *r)
{
    const int planned = r->arguments->mode == DPMIX_MODE_PLANNED;
    const double epsilon = planned ? r->spent : r->arguments->epsilon;
    const int replace = r->arguments->adjacency == DPMIX_ADJACENCY_REPLACE_ONE;
    fputs("<h2>What is promised</h2>\n<p>Imagine somebody who has everything that was released from this "
          "data set, "
          "who knows everything about all other records, and who wonders about one record only: ",
          file);
    fputs(replace ? "which of two values it has" : "whether it is in the data at all", file);
    fputs(". They hold both for equally likely. After all releases they can be <b>at most ", file);
    write_surest(file, epsilon);
    fprintf(file,
            "</b> sure, instead of 50 %%; but for a chance of about one in %.0f that the promise fails. That "
            "is what epsilon %.4g and delta %g mean. It holds for every record, for any method of attack, and "
            "for ever: what is released cannot be undone by what comes to be known later.</p>\n",
            1.0 / r->arguments->delta, epsilon_up(epsilon), r->arguments->delta);
    if (!planned)
        fprintf(file,
                "<p>These are the figures of the whole budget, of which epsilon %.4g is used up: further "
                "releases may be chosen by what earlier ones showed.</p>\n",
                epsilon_up(r->spent));
    else if (r->spent < 0.999 * r->arguments->epsilon) {
        fprintf(file, "<p>The budget allows further releases of this data set, up to epsilon %g in all (",
                r->arguments->epsilon);
        write_surest(file, r->arguments->epsilon);
        fputs(" sure). They must not be chosen by what earlier ones showed.</p>\n", file);
    }
    if (r->arguments->adjacency == DPMIX_ADJACENCY_ADD_REMOVE)
        fputs("<p>The number of records is protected, too. The number of synthetic ones was chosen and says "
              "nothing about it.</p>\n",
              file);
    else
        fputs("<p>The number of records is taken to be public.</p>\n", file);
}

static void write_unit(FILE *file, const struct report *r)
{
    if (r->rows_of_unit == 0) {
        fputs("<p>The promise is for one <b>record</b>. Who has several records in the data is protected "
              "less: see "
              "\"Groups of records\" below.</p>\n",
              file);
        return;
    }
    fprintf(file,
            "<p>The promise is for one <b>record</b> of those that were used, at most %lld records of each "
            "person (the column '",
            (long long)r->rows_of_unit);
    html_text(file, dpmix_schema_name(r->bins->schema, (size_t)dpmix_schema_unit(r->bins->schema)));
    fputs("'). Of who has more, one less means that another one is used: a change of two records. For all "
          "records of a <b>person</b> together ",
          file);
    if (isnan(r->spent_of_unit)) {
        fputs("there is no figure for a ledger like this one.</p>\n", file);
        return;
    }
    fprintf(file, "epsilon is %.4g: they can become at most <b>", epsilon_up(r->spent_of_unit));
    write_surest(file, r->spent_of_unit);
    fputs("</b> sure about the person; as far as no release in the ledger below used more records of each "
          "person, or took others for persons.</p>\n",
          file);
}

static void write_figures(FILE *file, const struct report *r)
{
    fprintf(file,
            "<div class=\"figures\"><div><b>%.4g</b>epsilon spent, of %g</div><div><b>%g</b>delta</div>"
            "<div><b>%s</b>adjacency</div><div><b>%zu</b>synthetic records</div><div><b>%zu</b>columns</div>"
            "</div>\n",
            epsilon_up(r->spent), r->arguments->epsilon, r->arguments->delta,
            release_adjacency_name(r->arguments->adjacency), r->synthetic->n, r->bins->n_columns);
}

/* ---- The library's own words ---- */

static const char *class_of_line(const char *line)
{
    const size_t blanks = strspn(line, " ");
    if (line[blanks] == '-')
        return blanks > 1 ? "part" : "item";
    return blanks > 1 ? "part" : blanks == 0 && line[0] >= '0' && line[0] <= '9' ? "item" : "";
}

/* A line goes on where the one before is full and this one does not begin with a sign of its own. */
static int goes_on(size_t length_before, const char *line)
{
    const char *text = line + strspn(line, " ");
    return length_before >= WRAPPED && *text != '-' && *text != '\n' && *text != '\0' &&
           (line != text || !(*text >= '0' && *text <= '9'));
}

static void write_line(FILE *file, const char *line, size_t length)
{
    char text[512];
    snprintf(text, sizeof(text), "%.*s", (int)(length < sizeof(text) ? length : sizeof(text) - 1), line);
    html_text(file, text);
}

/* The report of the accountant, its lines joined to paragraphs. */
static void write_words(FILE *file, const char *words)
{
    size_t before = 0;
    int open = 0;
    fputs("<div class=\"words\">\n", file);
    for (const char *line = words; *line; line += *line == '\n') {
        const size_t length = strcspn(line, "\n");
        if (length > 0 && open && goes_on(before, line)) {
            fputc(' ', file);
        } else if (length > 0) {
            fprintf(file, "%s<p class=\"%s\">", open ? "</p>\n" : "", class_of_line(line));
            open = 1;
        }
        const size_t blanks = strspn(line, " ");
        if (length > 0)
            write_line(file, line + blanks, length - blanks);
        before = length;
        line += length;
    }
    fputs(open ? "</p>\n</div>\n" : "</div>\n", file);
}

/* ---- Columns ---- */

static const char *kind_name(int kind)
{
    static const char *const names[] = {
        [DPMIX_KIND_CONTINUOUS] = "number",       [DPMIX_KIND_INTEGER] = "whole number",
        [DPMIX_KIND_ORDINAL] = "values in order", [DPMIX_KIND_CATEGORICAL] = "category",
        [DPMIX_KIND_BOOLEAN] = "true or false",   [DPMIX_KIND_DATE] = "date",
        [DPMIX_KIND_TIMESTAMP] = "time"};
    return kind >= DPMIX_KIND_CONTINUOUS && kind <= DPMIX_KIND_TIMESTAMP ? names[kind] : "";
}

static void write_about(FILE *file, const struct report *r, size_t i)
{
    const struct bins_column *column = &r->bins->columns[i];
    const int flags = dpmix_schema_flags(r->bins->schema, column->column);
    fprintf(file, "<p>%s", kind_name(dpmix_schema_kind(r->bins->schema, column->column)));
    if (column->listed)
        fprintf(file, ", %zu values", column->n - (size_t)column->has_null);
    fprintf(file, "%s%s%s", flags & DPMIX_SCHEMA_LOG ? ", logarithmic scale" : "",
            flags & DPMIX_SCHEMA_NULLABLE ? ", may be null" : "", i == r->bins->label ? ", the label" : "");
    if (r->comparison)
        fprintf(file, ". Total variation distance %.4f", r->comparison->tvd1[i]);
    fputs("</p>\n", file);
}

static void write_column(FILE *file, const struct report *r, size_t i)
{
    double synthetic[BINS_MOST], real[BINS_MOST];
    const struct bins_column *column = &r->bins->columns[i];
    const char *name = dpmix_schema_name(r->bins->schema, column->column);
    binned_fractions(synthetic, r->synthetic, r->bins, i);
    if (r->real)
        binned_fractions(real, r->real, r->bins, i);
    fputs("<div class=\"column\"><h3>", file);
    html_text(file, name);
    fputs("</h3>\n", file);
    write_about(file, r, i);
    chart_column(file, column, name, synthetic, r->real ? real : NULL);
    fputs("</div>\n", file);
}

static void write_columns(FILE *file, const struct report *r)
{
    fputs("<h2>The columns</h2>\n<p>Parts of the <span class=\"key synthetic\"></span>synthetic records",
          file);
    if (r->real)
        fputs(", beside those of the <span class=\"key real\"></span>real records", file);
    fputs(". Bins, values and bounds are those that were declared. Point at a bar for its figure.</p>\n"
          "<div class=\"columns\">\n",
          file);
    for (size_t i = 0; i < r->bins->n_columns; i++)
        write_column(file, r, i);
    fputs("</div>\n", file);
}

/* ---- The rest ---- */

static void write_limits(FILE *file)
{
    fputs(
        "<h2>What the records are good for</h2>\n<ul>\n"
        "<li>They are drawn from a model. None of them is a person's, whomever it may resemble.</li>\n"
        "<li>Frequencies and relations that many records share are kept, with noise. What is rare, what "
        "takes many "
        "columns together to see, and tails beyond the declared bounds are not.</li>\n"
        "<li>An interval of confidence that is computed from them as if they were a sample knows nothing of "
        "the "
        "noise, and is too narrow.</li>\n"
        "<li>More records can be drawn from the model; that costs no privacy, and adds no information.</li>\n"
        "</ul>\n",
        file);
}

static void write_ledger(FILE *file, const struct report *r)
{
    fputs("<h2>The ledger</h2>\n<p>The words of the library about all that was spent on this data set, of "
          "which this "
          "release is the last entry. The figures can be recomputed by anybody from what stands here.</p>\n",
          file);
    write_words(file, r->words);
    fputs("<details><summary>The same for machines (JSON)</summary>\n<pre>", file);
    html_text(file, r->ledger);
    fputs("</pre></details>\n", file);
}

int report_write(const struct report *r, const char *path)
{
    FILE *file = fopen(path, "w");
    if (!file)
        return complain("%s: %s", path, strerror(errno));
    write_head(file, r);
    write_figures(file, r);
    write_promise(file, r);
    write_unit(file, r);
    if (r->comparison)
        report_comparison(file, r);
    write_columns(file, r);
    write_limits(file);
    write_ledger(file, r);
    if (r->comparison)
        write_stamp(file);
    fputs("</body>\n</html>\n", file);
    return staging_close_file(file, path);
}
