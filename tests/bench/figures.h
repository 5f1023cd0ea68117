/* SPDX-License-Identifier: BSD-3-Clause */
/* For benchmarks of learners: images of the usual size, and a list of figures to measure by rounds. */
#ifndef DPM_BENCH_FIGURES_H
#define DPM_BENCH_FIGURES_H

#include "bench.h"

#include <stdint.h>
#include <string.h>

enum { ROWS = 60000, SIDE = 28, COLUMNS = SIDE * SIDE, ROUNDS = 5 };

static uint8_t images[ROWS * COLUMNS];

/* Patches of light on a dark ground. */
static inline void draw_images(void)
{
    uint32_t state = 7;
    for (size_t i = 0; i < ROWS; i++) {
        state = state * 1664525u + 1013904223u;
        int row = 8 + (int)(state >> 24) % 12, column = 8 + (int)(state >> 16 & 255) % 12;
        for (int p = 0; p < COLUMNS; p++) {
            int down = p / SIDE - row, across = p % SIDE - column;
            int light = 255 - 6 * (down * down + across * across);
            images[i * COLUMNS + (size_t)p] = (uint8_t)(light > 0 ? light : 0);
        }
    }
}

struct figure {
    const char *name, *unit;
    int least; /* whether less is better */
    double (*measure)(void);
    double best;
};

/* The rest of main(): the figure that the command names, from one round, alone on its line; or all of them,
 * each the best of the rounds. The first `once` figures are measured in the first round only. */
static inline int run_figures(struct figure *figures, int n, int once, int argc, char **argv)
{
    draw_images();
    for (int i = 0; argc > 1 && i < n; i++)
        if (strcmp(argv[1], figures[i].name) == 0) {
            printf("%.6g\n", figures[i].measure());
            return EXIT_SUCCESS;
        }
    if (argc > 1)
        return EXIT_FAILURE;
    for (int round = 0; round < ROUNDS; round++)
        for (int i = round > 0 ? once : 0; i < n; i++) {
            double value = figures[i].measure(), best = figures[i].best;
            figures[i].best = round == 0 || (figures[i].least ? value < best : value > best) ? value : best;
        }
    for (int i = 0; i < n; i++)
        printf("{\"name\":\"%s\",\"value\":%.4g,\"unit\":\"%s\"}\n", figures[i].name, figures[i].best,
               figures[i].unit);
    return EXIT_SUCCESS;
}

#endif
