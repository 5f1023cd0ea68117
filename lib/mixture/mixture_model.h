/* SPDX-License-Identifier: BSD-3-Clause */
/* A partition, the generators of its parts, and a teacher. */
#ifndef DPM_MIXTURE_MODEL_H
#define DPM_MIXTURE_MODEL_H

#include "cluster_kind.h"
#include "generator_kind.h"
#include "teacher_model.h"

struct dpmix_mixture {
    struct dpmix_clusterer *clusterer; /* fitted; a reference; NULL: all records are one part */
    struct dpmix_generator *generator; /* its own; one model per part once it is fitted; its options, those of
                                          sampling among them, are the mixture's */
    struct dpm_teacher *teacher;       /* NULL: none was taught */
};

/* clusterer: NULL, or fitted. */
int dpm_mixture_new(struct dpmix_mixture **out, struct dpmix_clusterer *clusterer,
                    const struct dpmix_generator *generator);
void dpm_mixture_free(struct dpmix_mixture *mixture);

/* fit->partition is the mixture's to set. */
int dpm_mixture_fit(struct dpmix_mixture *mixture, const struct dpm_fit *fit);

/* Of a fitted mixture, once. */
int dpm_mixture_teach(struct dpmix_mixture *mixture, const struct dpm_fit *fit);

int dpm_mixture_parts(const struct dpmix_mixture *mixture);

/* A part's probability, for each part. */
const double *dpm_mixture_weights(const struct dpmix_mixture *mixture);

/* The parts of a partition by label are labels. */
int dpm_mixture_parts_are_labels(const struct dpmix_mixture *mixture);

/* Whether the records come with labels that the models or the partition give. */
int dpm_mixture_has_own_labels(const struct dpmix_mixture *mixture);

void dpm_mixture_put(const struct dpmix_mixture *mixture, struct dpm_blob *blob);

/* options: what a file does not hold of them. */
int dpm_mixture_get(struct dpmix_mixture **out, struct dpm_blob *blob, const struct dpmix_options *options);

/* The partition, or that there is none. */
void dpm_mixture_put_clusterer(const struct dpmix_clusterer *clusterer, struct dpm_blob *blob);
int dpm_mixture_get_clusterer(struct dpmix_clusterer **clusterer, struct dpm_blob *blob);

#endif
