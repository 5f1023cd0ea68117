/* SPDX-License-Identifier: BSD-3-Clause */
/* A program that knows the installed library and nothing else: from private points to a sample. */
#include <dpmix/dpmix.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ROWS = 600, COLUMNS = 3, SAMPLES = 50 };

static void need(int status, const char *what)
{
    if (status == DPMIX_OK)
        return;
    fprintf(stderr, "%s: %s (%s)\n", what, dpmix_strerror(status), dpmix_last_error());
    exit(1);
}

static dpmix_dataset *points(void)
{
    static float rows[ROWS * COLUMNS];
    static int32_t labels[ROWS];
    const double lower = 0, upper = 1;
    dpmix_dataset *dataset;
    for (int i = 0; i < ROWS; i++) {
        labels[i] = i % 2;
        for (int j = 0; j < COLUMNS; j++)
            rows[i * COLUMNS + j] = (float)(labels[i] ? 0.8 : 0.2) + (float)(i * (j + 1) % 7) / 100;
    }
    need(dpmix_dataset_new_f32(&dataset, rows, ROWS, COLUMNS, labels, 2, &lower, &upper, 1,
                               DPMIX_STORAGE_COPY),
         "dataset");
    return dataset;
}

static dpmix_mixture *fit(dpmix_accountant *accountant, dpmix_dataset *dataset)
{
    dpmix_clusterer *clusterer;
    dpmix_generator *generator;
    dpmix_mixture *mixture;
    need(dpmix_clusterer_new(&clusterer, DPMIX_CLUSTERER_LABEL, NULL), "clusterer");
    need(dpmix_clusterer_fit(clusterer, accountant, dataset, 0.1, NULL, NULL), "fit the clusterer");
    need(dpmix_generator_new(&generator, DPMIX_GENERATOR_GAUSSIAN, NULL), "generator");
    need(dpmix_mixture_new(&mixture, clusterer, generator), "mixture");
    need(dpmix_mixture_fit(mixture, accountant, dataset, 1.0, NULL, NULL), "fit the mixture");
    dpmix_clusterer_free(clusterer);
    dpmix_generator_free(generator);
    return mixture;
}

int main(void)
{
    dpmix_accountant *accountant;
    if (strcmp(dpmix_version(), DPMIX_VERSION) != 0) {
        fprintf(stderr, "library %s, headers %s\n", dpmix_version(), DPMIX_VERSION);
        return 1;
    }
    need(dpmix_accountant_new(&accountant, 5.0, 1e-5, DPMIX_ADJACENCY_ADD_REMOVE), "accountant");
    dpmix_dataset *dataset = points();
    dpmix_mixture *mixture = fit(accountant, dataset);
    dpmix_dataset_free(dataset);

    float rows[SAMPLES * COLUMNS];
    int32_t labels[SAMPLES];
    const uint64_t seed = 7;
    double spent;
    need(dpmix_mixture_sample(mixture, rows, labels, 0, SAMPLES, COLUMNS, &seed), "sample");
    need(dpmix_accountant_spent(accountant, &spent), "spent");
    for (int i = 0; i < SAMPLES * COLUMNS; i++)
        if (!(rows[i] >= 0 && rows[i] <= 1))
            return 1;
    for (int i = 0; i < SAMPLES; i++)
        if (labels[i] != 0 && labels[i] != 1)
            return 1;
    if (!(spent > 0 && spent <= 5.0))
        return 1;
    dpmix_mixture_free(mixture);
    dpmix_accountant_free(accountant);
    printf("C, library %s: %d records in %d parts for epsilon %.3f\n", dpmix_version(), SAMPLES, 2, spent);
    return 0;
}
