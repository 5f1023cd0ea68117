/* SPDX-License-Identifier: BSD-3-Clause */
/* Time and memory of every learner against the number of rows. The rows lie in a file that is mapped into
 * memory, so that the system keeps of them what it has room for.
 *
 * Usage: scale_bench                          a million rows of 50 columns, every learner
 *        scale_bench ROWS COLUMNS CLASSES PARTS [LEARNER...]
 *
 * Each learner is fitted to all rows, to a half and to a quarter of them. What a fit takes that does not
 * depend on the rows (calibration of noise, eigenvectors) falls out of the differences: of a learner that is
 * linear in rows, those of the time are in the proportion of 2 to 1. Seconds are the processor's, of all
 * threads. */

#include "base_alloc.h"

#include "bench.h"

#include <dpmix/dpmix.h>

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { SIZES = 3, STEPS = 4 };

static const double lower = 0, upper = 1;

struct table {
    size_t rows, columns;
    int classes, parts;
    float *cells;
    int32_t *labels;
};

struct figure {
    double seconds, bytes;
};

/* ---- The data ---- */

/* A file without a name, of that size. */
static void *map_file(size_t bytes)
{
    const char *folder = getenv("TMPDIR");
    char path[512];
    snprintf(path, sizeof path, "%s/scale_bench.XXXXXX", folder ? folder : "/tmp");
    int file = mkstemp(path);
    if (file < 0 || unlink(path) != 0 || ftruncate(file, (off_t)bytes) != 0) {
        perror(path);
        exit(EXIT_FAILURE);
    }
    void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    close(file);
    if (memory == MAP_FAILED) {
        perror("mmap");
        exit(EXIT_FAILURE);
    }
    return memory;
}

/* Classes with centres of their own. */
static void make_table(struct table *table)
{
    uint32_t state = 1;
    size_t n = table->rows * table->columns;
    table->cells = map_file(n * sizeof(float) + table->rows * sizeof(int32_t));
    table->labels = (int32_t *)(void *)(table->cells + n);
    for (size_t i = 0; i < table->rows; i++) {
        int32_t label = (int32_t)(i % (size_t)table->classes);
        table->labels[i] = label;
        for (size_t j = 0; j < table->columns; j++) {
            state = state * 1664525u + 1013904223u;
            uint32_t centre = ((uint32_t)label * 2654435761u + (uint32_t)j * 40503u) >> 16 & 255;
            table->cells[i * table->columns + j] = (float)(centre + (state >> 24)) / 512;
        }
    }
}

/* ---- The learners ---- */

static dpmix_options *options_of(const struct table *table)
{
    dpmix_options *options = NULL;
    must(dpmix_options_new(&options));
    must(dpmix_options_set_int(options, DPMIX_OPTION_CLUSTERS, table->parts));
    must(dpmix_options_set_int(options, DPMIX_OPTION_KMEANS_STEPS, STEPS));
    must(dpmix_options_set_int(options, DPMIX_OPTION_STEPS, STEPS));
    must(dpmix_options_set_double(options, DPMIX_OPTION_SAMPLING_RATE, 0.02));
    must(dpmix_options_set_int(options, DPMIX_OPTION_CONDITIONAL, table->classes <= 100));
    return options;
}

static const struct learner {
    const char *name;
    int partition, kind;
    int features; /* of k-means; 0: the columns */
} learners[] = {
    {"label", 1, DPMIX_CLUSTERER_LABEL, 0},       {"kmeans", 1, DPMIX_CLUSTERER_KMEANS, 0},
    {"kernel", 1, DPMIX_CLUSTERER_KMEANS, 100},   {"coreset", 1, DPMIX_CLUSTERER_CORESET, 0},
    {"gaussian", 0, DPMIX_GENERATOR_GAUSSIAN, 0}, {"gmm", 0, DPMIX_GENERATOR_GMM, 0},
    {"vae", 0, DPMIX_GENERATOR_VAE, 0},           {"rbm", 0, DPMIX_GENERATOR_RBM, 0},
    {"cgan", 0, DPMIX_GENERATOR_CGAN, 0},         {"products", 0, DPMIX_GENERATOR_PRODUCTS, 0},
};

enum { N_LEARNERS = sizeof learners / sizeof *learners };

static void fit(const struct table *table, const struct learner *learner, dpmix_dataset *dataset,
                dpmix_accountant *accountant)
{
    dpmix_options *options = options_of(table);
    if (learner->partition) {
        dpmix_clusterer *clusterer = NULL;
        must(dpmix_options_set_int(options, DPMIX_OPTION_KMEANS_FEATURES, learner->features));
        must(dpmix_clusterer_new(&clusterer, learner->kind, options));
        must(dpmix_clusterer_fit(clusterer, accountant, dataset, 1, NULL, NULL));
        dpmix_clusterer_free(clusterer);
    } else {
        dpmix_generator *generator = NULL;
        must(dpmix_generator_new(&generator, learner->kind, options));
        must(dpmix_generator_fit(generator, accountant, dataset, 1, NULL, NULL));
        dpmix_generator_free(generator);
    }
    dpmix_options_free(options);
}

/* The processor's time of one fit, and the most memory that the library has while it lasts. */
static struct figure measure(const struct table *table, const struct learner *learner, size_t rows)
{
    dpmix_dataset *dataset = NULL;
    dpmix_accountant *accountant = NULL;
    must(dpmix_dataset_new_f32(&dataset, table->cells, rows, table->columns, table->labels, table->classes,
                               &lower, &upper, 1, DPMIX_STORAGE_BORROW));
    must(dpmix_accountant_new(&accountant, 5, 1e-6, DPMIX_ADJACENCY_ADD_REMOVE));
    int64_t before = dpm_alloc_watch();
    double begin = seconds();
    fit(table, learner, dataset, accountant);
    struct figure figure = {seconds() - begin, (double)(dpm_alloc_peak() - before)};
    dpmix_accountant_free(accountant);
    dpmix_dataset_free(dataset);
    return figure;
}

static void print_figures(const struct table *table, const char *name, const struct figure *figure)
{
    double rows = (double)table->rows, time_large = figure[0].seconds - figure[1].seconds;
    double time_small = figure[1].seconds - figure[2].seconds;
    double bytes = (figure[0].bytes - figure[1].bytes) / (rows / 2);
    for (int i = 0; i < SIZES; i++)
        printf("%-9s %10zu rows %8.2f s %9.1f MB\n", name, table->rows >> i, figure[i].seconds,
               figure[i].bytes * 1e-6);
    printf(
        "{\"name\": \"scale_%s_time\", \"value\": %.4g, \"unit\": \"ns/row\", \"against\": %.4g, \"ratio\": "
        "%.3f}\n",
        name, time_large / (rows / 2) * 1e9, time_small / (rows / 4) * 1e9,
        time_small > 0 ? time_large / (rows / 2) / (time_small / (rows / 4)) : 0);
    printf("{\"name\": \"scale_%s_memory\", \"value\": %.4g, \"unit\": \"B/row\"}\n", name, bytes);
    fflush(stdout);
}

static int is_learner(const char *name)
{
    size_t l = 0;
    while (l < N_LEARNERS && strcmp(learners[l].name, name) != 0)
        l++;
    return l < N_LEARNERS;
}

int main(int argc, char **argv)
{
    struct table table = {.rows = 1000000, .columns = 50, .classes = 10, .parts = 10};
    if (argc >= 5) {
        table.rows = (size_t)atoll(argv[1]);
        table.columns = (size_t)atoll(argv[2]);
        table.classes = atoi(argv[3]);
        table.parts = atoi(argv[4]);
    }
    for (int i = 5; i < argc; i++)
        if (!is_learner(argv[i])) {
            fprintf(stderr, "no such learner: %s\n", argv[i]);
            return 2;
        }
    make_table(&table);
    for (size_t l = 0; l < N_LEARNERS; l++) {
        struct figure figure[SIZES];
        int wanted = argc <= 5;
        for (int i = 5; i < argc; i++)
            wanted |= strcmp(argv[i], learners[l].name) == 0;
        for (int i = 0; wanted && i < SIZES; i++)
            figure[i] = measure(&table, &learners[l], table.rows >> i);
        if (wanted)
            print_figures(&table, learners[l].name, figure);
    }
    return 0;
}
