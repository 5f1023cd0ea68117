/* SPDX-License-Identifier: BSD-3-Clause */
/* minimal IMAGES LABELS: ten synthetic records and a model, from IDX files of 28 x 28 bytes in 10 classes. */
#include <dpmix/dpmix.h>
#include <stdio.h>

int main(int argc, char **argv)
{
    dpmix_dataset *records = NULL;
    dpmix_accountant *budget = NULL;
    dpmix_clusterer *by_label = NULL;
    dpmix_generator *gaussian = NULL;
    dpmix_mixture *mixture = NULL;
    float images[10 * 784];
    int32_t labels[10];
    if (argc != 3) {
        fputs("usage: minimal IMAGES LABELS\n", stderr);
        return 2;
    }
    int failed = dpmix_dataset_new_idx(&records, argv[1], argv[2], 10, 0, 255) ||
                 dpmix_accountant_new(&budget, 1.0, 1e-5, DPMIX_ADJACENCY_ADD_REMOVE) ||
                 dpmix_clusterer_new(&by_label, DPMIX_CLUSTERER_LABEL, NULL) ||
                 dpmix_clusterer_fit(by_label, budget, records, 0.1, NULL, NULL) ||
                 dpmix_generator_new(&gaussian, DPMIX_GENERATOR_GAUSSIAN, NULL) ||
                 dpmix_mixture_new(&mixture, by_label, gaussian) ||
                 dpmix_mixture_fit(mixture, budget, records, 1.0, NULL, NULL) ||
                 dpmix_mixture_sample(mixture, images, labels, 0, 10, 784, NULL) ||
                 dpmix_mixture_save(mixture, "minimal.dpmix");
    for (int i = 0; i < 10 && !failed; i++)
        printf("record %d: class %d, middle pixel %.0f\n", i, labels[i], images[i * 784 + 14 * 28 + 14]);
    if (failed)
        fprintf(stderr, "minimal: %s\n", dpmix_last_error());
    dpmix_mixture_free(mixture);
    dpmix_generator_free(gaussian);
    dpmix_clusterer_free(by_label);
    dpmix_accountant_free(budget);
    dpmix_dataset_free(records);
    return failed;
}
