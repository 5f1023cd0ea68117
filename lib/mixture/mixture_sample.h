/* SPDX-License-Identifier: BSD-3-Clause */
/* Records of a mixture: drawn from the models, changed as the options of augmentation say, and labelled by
 * model, part or teacher. Everything here is post-processing of what was released. */
#ifndef DPM_MIXTURE_SAMPLE_H
#define DPM_MIXTURE_SAMPLE_H

#include "generator_count.h"
#include "mixture_model.h"

/* Classes of the labels that samples come with; 0: none. */
int dpm_mixture_classes(const struct dpmix_mixture *mixture);

/* Records first, ..., first + n - 1 of the sequence of *seed, which does not depend on how it is cut into
 * calls. labels (n) and probabilities (n x classes) may be NULL. DPMIX_ERR_UNSUPPORTED where there are no
 * such labels. */
int dpm_mixture_sample(const struct dpmix_mixture *mixture, int type, void *rows, int32_t *labels,
                       float *probabilities, uint64_t first, size_t n, const uint64_t *seed);
int dpm_mixture_count(const struct dpmix_mixture *mixture, double *fractions,
                      const struct dpm_count_queries *queries, uint64_t n_samples, const uint64_t *seed);

/* Records as the models make them, normalised, with the models' or parts' labels where they have some. */
struct dpm_drawn {
    size_t n, n_columns;
    int by_part; /* whether labels are numbers of parts */
    float *rows;
    int32_t *labels; /* or NULL */
};
int dpm_mixture_draw_own(struct dpm_drawn *drawn, const struct dpmix_mixture *mixture, size_t n);
void dpm_drawn_free(struct dpm_drawn *drawn);

/* The options of sampling. DPMIX_ERR_UNSUPPORTED when they ask for changes of images and records are none:
 * before the budget is spent. A teacher settles those that go by a rule; side: of the images that it was
 * taught with, or 0. */
int dpm_mixture_check_options(const struct dpmix_mixture *mixture, size_t n_columns);
void dpm_mixture_settle_options(struct dpmix_mixture *mixture, size_t side);
void dpm_mixture_put_options(const struct dpmix_mixture *mixture, struct dpm_blob *blob);
void dpm_mixture_get_options(struct dpmix_mixture *mixture, struct dpm_blob *blob);

#endif
