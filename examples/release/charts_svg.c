/* SPDX-License-Identifier: BSD-3-Clause */
#include "charts_svg.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    WIDTH = 420,
    STANDING_LEFT = 44,
    STANDING_TOP = 8,
    STANDING_HEIGHT = 150,
    LYING_LEFT = 150,
    LYING_RIGHT = 62,
    LYING_ROW = 20,
    LYING_MOST = 20,
    NAMED_MOST = 10,   /* intervals that lie */
    ORDERED_MOST = 40, /* values in an order that lie */
    NAME_CHARACTERS = 20,
    CELL = 26
};

/* ---- Text ---- */

static void write_byte(FILE *file, char byte)
{
    switch (byte) {
    case '&': fputs("&amp;", file); break;
    case '<': fputs("&lt;", file); break;
    case '>': fputs("&gt;", file); break;
    case '"': fputs("&quot;", file); break;
    case '\'': fputs("&#39;", file); break;
    default: fputc((unsigned char)byte >= ' ' || byte == '\n' ? byte : ' ', file);
    }
}

void html_text(FILE *file, const char *text)
{
    for (; *text; text++)
        write_byte(file, *text);
}

static int begins_character(char byte)
{
    return ((unsigned char)byte & 0xc0) != 0x80;
}

/* The first characters; a text that is cut ends in three dots. */
static void short_text(FILE *file, const char *text, size_t most)
{
    size_t characters = 0, kept = 0;
    const char *end = NULL;
    for (const char *at = text; *at; at++) {
        characters += begins_character(*at);
        if (characters <= most - 1)
            kept = characters;
        if (characters == most && !end)
            end = at;
    }
    if (characters <= most) {
        html_text(file, text);
        return;
    }
    for (; kept > 0 && text < end; text++)
        write_byte(file, *text);
    fputs("&#8230;", file);
}

/* ---- Columns ---- */

static double largest(const double *values, const double *others, size_t n)
{
    double top = 0.0;
    for (size_t i = 0; i < n; i++)
        top = fmax(top, fmax(values[i], others ? others[i] : 0.0));
    return top;
}

/* A round number at or above it. */
static double round_up(double value)
{
    static const double steps[] = {1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0};
    const double base = value > 0.0 ? pow(10.0, floor(log10(value))) : 0.01;
    for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++)
        if (steps[i] * base >= value)
            return steps[i] * base;
    return 10.0 * base;
}

static void open_chart(FILE *file, const char *name, int has_real, int width, int height)
{
    fprintf(file, "<svg viewBox=\"0 0 %d %d\" width=\"%d\" height=\"%d\" role=\"img\" aria-label=\"", width,
            height, width, height);
    html_text(file, name);
    fputs(has_real ? ": synthetic records beside real ones" : ": synthetic records", file);
    fputs("\">\n", file);
}

static void bar(FILE *file, const char *kind, double x, double y, double width, double height,
                const char *label, double part)
{
    fprintf(file, "<rect class=\"%s\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\"><title>", kind, x,
            y, width, height);
    html_text(file, label);
    fprintf(file, ": %.2f %% (%s)</title></rect>\n", 100.0 * part, kind);
}

static void label_at(FILE *file, const char *anchor, double x, double y, const char *text)
{
    fprintf(file, "<text class=\"%s\" x=\"%.1f\" y=\"%.1f\">", anchor, x, y);
    short_text(file, text, NAME_CHARACTERS);
    fputs("</text>\n", file);
}

/* The beginning of an interval's name, and the end of it. */
static void label_ends(FILE *file, const struct bins_column *column, size_t n, double right)
{
    const double y = STANDING_TOP + STANDING_HEIGHT + 16;
    char first[64];
    const char *from = column->labels[0],
               *last = column->listed ? NULL : strstr(column->labels[n - 1], " to ");
    snprintf(first, sizeof(first), "%.*s", (int)strcspn(from, " "), from);
    label_at(file, "start", STANDING_LEFT, y, column->listed ? from : first);
    label_at(file, "end", right, y, last ? last + 4 : column->labels[n - 1]);
}

static void standing_chart(FILE *file, const struct bins_column *column, const char *name,
                           const double *synthetic, const double *real)
{
    const double top = round_up(largest(synthetic, real, column->n));
    const double slot = (double)(WIDTH - STANDING_LEFT - 6) / (double)column->n;
    const double bottom = STANDING_TOP + STANDING_HEIGHT, scale = STANDING_HEIGHT / top;
    const double width = (real ? 0.42 : 0.86) * slot;
    const size_t numbers = column->n - (size_t)column->has_null;
    open_chart(file, name, real != NULL, WIDTH, (int)bottom + 24);
    for (int line = 0; line <= 2; line++) {
        const double y = bottom - line * STANDING_HEIGHT / 2.0;
        fprintf(file, "<line x1=\"%d\" y1=\"%.1f\" x2=\"%d\" y2=\"%.1f\"/>\n", STANDING_LEFT, y, WIDTH, y);
        fprintf(file, "<text class=\"end\" x=\"%d\" y=\"%.1f\">%.3g %%</text>\n", STANDING_LEFT - 5, y + 4,
                100.0 * top * line / 2.0);
    }
    for (size_t i = 0; i < column->n; i++) {
        const double x = STANDING_LEFT + 2 + (double)i * slot + 0.07 * slot;
        bar(file, "synthetic", x, bottom - scale * synthetic[i], width, scale * synthetic[i],
            column->labels[i], synthetic[i]);
        if (real)
            bar(file, "real", x + width, bottom - scale * real[i], width, scale * real[i], column->labels[i],
                real[i]);
    }
    label_ends(file, column, numbers, STANDING_LEFT + 2 + (double)numbers * slot);
    if (column->has_null)
        label_at(file, "end", WIDTH, bottom + 16, "null");
    fputs("</svg>\n", file);
}

struct ranked {
    double part;
    size_t bin;
};

static int compare_ranked(const void *a, const void *b)
{
    const struct ranked *left = a, *right = b;
    const int by_part = (left->part < right->part) - (left->part > right->part);
    return by_part ? by_part : (left->bin > right->bin) - (left->bin < right->bin);
}

static double row_height(const double *real)
{
    return real ? 1.6 * LYING_ROW : LYING_ROW;
}

/* One bin's name and bars; returns the height. */
static double lying_row(FILE *file, double y, double scale, const char *label, double synthetic,
                        const double *real)
{
    const double height = row_height(real), thickness = real ? 0.5 * height - 4 : height - 6;
    label_at(file, "end", LYING_LEFT - 6, y + 0.5 * height + 3, label);
    bar(file, "synthetic", LYING_LEFT, y + 2, scale * synthetic, thickness, label, synthetic);
    fprintf(file, "<text class=\"start\" x=\"%.1f\" y=\"%.1f\">%.1f %%</text>\n",
            LYING_LEFT + scale * synthetic + 4, y + 2 + 0.5 * thickness + 4, 100.0 * synthetic);
    if (real) {
        bar(file, "real", LYING_LEFT, y + 2 + thickness, scale * *real, thickness, label, *real);
        fprintf(file, "<text class=\"start\" x=\"%.1f\" y=\"%.1f\">%.1f %%</text>\n",
                LYING_LEFT + scale * *real + 4, y + 2 + 1.5 * thickness + 4, 100.0 * *real);
    }
    return height;
}

/* The bins in the order in which they are shown; returns how many are shown by themselves. */
static size_t rank(struct ranked *ranked, const struct bins_column *column, const double *synthetic)
{
    for (size_t i = 0; i < column->n; i++)
        ranked[i] = (struct ranked){.part = synthetic[i], .bin = i};
    if (!column->ordered)
        qsort(ranked, column->n, sizeof(*ranked), compare_ranked);
    return column->ordered || column->n <= LYING_MOST ? column->n : LYING_MOST;
}

static double sum_of(const double *values, const struct ranked *ranked, size_t n)
{
    double sum = 0.0;
    for (size_t i = 0; i < n; i++)
        sum += values[ranked[i].bin];
    return sum;
}

static void lying_chart(FILE *file, const struct bins_column *column, const char *name,
                        const double *synthetic, const double *real)
{
    struct ranked ranked[BINS_MOST];
    const size_t shown = rank(ranked, column, synthetic), others = column->n - shown;
    const double rest = sum_of(synthetic, ranked + shown, others);
    const double real_rest = real ? sum_of(real, ranked + shown, others) : 0.0;
    const double top = fmax(fmax(largest(synthetic, real, column->n), 1e-9), fmax(rest, real_rest));
    const double scale = (WIDTH - LYING_LEFT - LYING_RIGHT) / top;
    double y = 2.0;
    char rest_name[64];
    open_chart(file, name, real != NULL, WIDTH,
               (int)(4.0 + row_height(real) * (double)(shown + (others > 0))));
    for (size_t i = 0; i < shown; i++) {
        const size_t bin = ranked[i].bin;
        y += lying_row(file, y, scale, column->labels[bin], synthetic[bin], real ? &real[bin] : NULL);
    }
    if (others > 0) {
        snprintf(rest_name, sizeof(rest_name), "(%zu others)", others);
        lying_row(file, y, scale, rest_name, rest, real ? &real_rest : NULL);
    }
    fputs("</svg>\n", file);
}

void chart_column(FILE *file, const struct bins_column *column, const char *name, const double *synthetic,
                  const double *real)
{
    if (column->ordered && column->n > (column->listed ? ORDERED_MOST : NAMED_MOST))
        standing_chart(file, column, name, synthetic, real);
    else
        lying_chart(file, column, name, synthetic, real);
}

/* ---- The matrix ---- */

void chart_matrix(FILE *file, const double *values, size_t n, const char *const *names)
{
    const int left = 150, head = 130, size = (int)n * CELL;
    double top = 1e-9;
    for (size_t i = 0; i < n * n; i++)
        top = i / n == i % n ? top : fmax(top, values[i]);
    open_chart(file, "distances of all pairs of columns", 1, left + size + 20, head + size + 4);
    for (size_t i = 0; i < n; i++) {
        label_at(file, "end", left - 6, head + (double)i * CELL + 0.5 * CELL + 4, names[i]);
        const double x = left + (double)i * CELL + 0.5 * CELL + 4;
        fprintf(file, "<text class=\"start\" transform=\"translate(%.1f,%d) rotate(-60)\">", x, head - 6);
        short_text(file, names[i], NAME_CHARACTERS);
        fputs("</text>\n", file);
        for (size_t j = 0; j < n; j++) {
            if (i == j)
                continue;
            fprintf(file,
                    "<rect class=\"cell\" x=\"%zu\" y=\"%zu\" width=\"%d\" height=\"%d\" "
                    "fill-opacity=\"%.3f\"><title>",
                    left + j * CELL, head + i * CELL, CELL - 1, CELL - 1,
                    0.06 + 0.94 * values[i * n + j] / top);
            html_text(file, names[i]);
            fputs(" and ", file);
            html_text(file, names[j]);
            fprintf(file, ": %.3f</title></rect>\n", values[i * n + j]);
        }
    }
    fputs("</svg>\n", file);
}
