/* SPDX-License-Identifier: BSD-3-Clause */
/* Private k-means on 60,000 records of 784 bytes, on one core, by the processor's clock; and random Fourier
 * features against a matrix product of their shape.
 *
 * Usage: kmeans_bench        all figures, each the best of several rounds
 *        kmeans_bench NAME   one figure from one round, alone on its line: for comparisons by turns
 *        kmeans_bench FILE.npy PARTS EPSILON METHOD LOWER UPPER
 *                            the released centres of one fit, float64, for kmeans_bench.py; METHOD is columns
 *                            or coreset */
#include "feature_fourier.h"
#include "linalg_mat.h"

#include "figures.h"

#include <dpmix/dpmix.h>

enum { PARTS = 10, STEPS = 5 };

/* A dpmix_progress_fn: seconds at each call. */
struct watch {
    int calls;
    double at[STEPS + 8];
};

static int watch(void *user, int phase, uint64_t done, uint64_t total, double epsilon_spent)
{
    struct watch *watch = user;
    (void)phase, (void)done, (void)total, (void)epsilon_spent;
    watch->at[watch->calls++] = seconds();
    return 0;
}

static dpmix_clusterer *fit(dpmix_dataset *dataset, int kind, int features, int parts, int steps, int threads,
                            double epsilon, struct watch *times)
{
    dpmix_accountant *accountant;
    dpmix_options *options;
    dpmix_clusterer *clusterer;
    must(dpmix_options_new(&options));
    must(dpmix_options_set_int(options, DPMIX_OPTION_THREADS, threads));
    must(dpmix_options_set_int(options, DPMIX_OPTION_CLUSTERS, parts));
    must(dpmix_options_set_int(options, DPMIX_OPTION_KMEANS_STEPS, steps));
    must(dpmix_options_set_int(options, DPMIX_OPTION_KMEANS_FEATURES, features));
    must(dpmix_accountant_new(&accountant, epsilon, 1e-5, DPMIX_ADJACENCY_ADD_REMOVE));
    must(dpmix_clusterer_new(&clusterer, kind, options));
    must(dpmix_clusterer_fit(clusterer, accountant, dataset, 1, times ? watch : NULL, times));
    dpmix_options_free(options);
    dpmix_accountant_free(accountant);
    return clusterer;
}

/* ---- Speed ---- */

/* The data set copies the rows, to large pages where there are such: as NumPy's arrays have for others. */
static double timed_fit(struct watch *times)
{
    const double lower = 0, upper = 255;
    dpmix_dataset *dataset;
    must(dpmix_dataset_new_u8(&dataset, images, ROWS, COLUMNS, NULL, 0, &lower, &upper, 1,
                              DPMIX_STORAGE_COPY));
    double start = seconds();
    dpmix_clusterer_free(fit(dataset, DPMIX_CLUSTERER_KMEANS, 0, PARTS, STEPS, 1, 1, times));
    double time = seconds() - start;
    dpmix_dataset_free(dataset);
    return time;
}

/* A step with PARTS centres: the last one. The order is mean, radius, steps, count, end. */
static double iteration_ms(void)
{
    struct watch times = {0};
    timed_fit(&times);
    return 1e3 * (times.at[1 + STEPS + 1] - times.at[1 + STEPS]);
}

static double fit_seconds(void)
{
    return timed_fit(NULL);
}

enum { BLOCK = 271, FEATURES = 128, REPEATS = 40 };

static double gflops(int wave)
{
    static const uint8_t key[32] = {1};
    static float out[BLOCK * FEATURES], rows[BLOCK * COLUMNS];
    struct dpm_feature_fourier map;
    for (size_t i = 0; i < BLOCK * COLUMNS; i++)
        rows[i] = (float)images[i] / 255;
    must(dpm_feature_fourier_new(&map, COLUMNS, FEATURES));
    dpm_feature_fourier_draw(&map, 9, key);
    double start = seconds();
    for (int i = 0; i < REPEATS; i++) {
        if (wave)
            dpm_feature_fourier_apply(&map, out, FEATURES, rows, BLOCK);
        else
            dpm_mat_mul(out, FEATURES, rows, COLUMNS, map.frequencies, FEATURES / 2, BLOCK, FEATURES / 2,
                        COLUMNS);
    }
    double time = seconds() - start;
    dpm_feature_fourier_free(&map);
    return 1e-9 * REPEATS * 2.0 * BLOCK * COLUMNS * (FEATURES / 2) / time;
}

static double rff_gflops(void)
{
    return gflops(1);
}

static double gemm_gflops(void)
{
    return gflops(0);
}

static struct figure figures[] = {
    {"kmeans_iteration_ms", "ms", 1, iteration_ms, 0},
    {"dp_kmeans_fit_s", "s", 1, fit_seconds, 0},
    {"rff_gflops", "GFLOP/s", 0, rff_gflops, 0},
    {"gemm_gflops", "GFLOP/s", 0, gemm_gflops, 0},
};
enum { FIGURES = sizeof figures / sizeof *figures };

/* ---- Quality ---- */

static void print_fit(char **argument)
{
    double lower = atof(argument[5]), upper = atof(argument[6]);
    int parts = atoi(argument[2]);
    int kind = strcmp(argument[4], "coreset") == 0 ? DPMIX_CLUSTERER_CORESET : DPMIX_CLUSTERER_KMEANS;
    dpmix_dataset *dataset;
    must(dpmix_dataset_new_npy(&dataset, argument[1], NULL, 0, &lower, &upper, 1));
    dpmix_clusterer *clusterer = fit(dataset, kind, 0, parts, 6, 0, atof(argument[3]), NULL);
    size_t columns = dpmix_dataset_columns(dataset);
    double *centres = calloc((size_t)parts * columns, sizeof *centres);
    must(dpmix_clusterer_centres(clusterer, centres, (size_t)parts, columns));
    fwrite(centres, sizeof *centres, (size_t)parts * columns, stdout);
    free(centres);
    dpmix_clusterer_free(clusterer);
    dpmix_dataset_free(dataset);
}

int main(int argc, char **argv)
{
    if (argc == 7) {
        print_fit(argv);
        return EXIT_SUCCESS;
    }
    return run_figures(figures, FIGURES, 0, argc, argv);
}
