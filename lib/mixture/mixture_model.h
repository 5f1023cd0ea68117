/* SPDX-License-Identifier: BSD-3-Clause */
/* A partition and the generators of its parts. */
#ifndef DPM_MIXTURE_MODEL_H
#define DPM_MIXTURE_MODEL_H

#include "cluster_kind.h"
#include "generator_count.h"
#include "generator_kind.h"

struct dpmix_mixture {
    struct dpmix_clusterer *clusterer; /* fitted; a reference */
    struct dpmix_generator *generator; /* its own; one model per part once it is fitted */
};

int dpm_mixture_new(struct dpmix_mixture **out, struct dpmix_clusterer *clusterer,
                    const struct dpmix_generator *generator);
void dpm_mixture_free(struct dpmix_mixture *mixture);

/* fit->partition is the mixture's to set. */
int dpm_mixture_fit(struct dpmix_mixture *mixture, const struct dpm_fit *fit);

/* Classes of the labels that samples come with; 0: none. */
int dpm_mixture_classes(const struct dpmix_mixture *mixture);
int dpm_mixture_sample(const struct dpmix_mixture *mixture, int type, void *rows, int32_t *labels,
                       uint64_t first, size_t n, const uint64_t *seed);
int dpm_mixture_count(const struct dpmix_mixture *mixture, double *fractions,
                      const struct dpm_count_queries *queries, uint64_t n_samples, const uint64_t *seed);

void dpm_mixture_put(const struct dpmix_mixture *mixture, struct dpm_blob *blob);
int dpm_mixture_get(struct dpmix_mixture **out, struct dpm_blob *blob);

#endif
