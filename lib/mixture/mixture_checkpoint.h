/* SPDX-License-Identifier: BSD-3-Clause */
/* Checkpoints of mixtures: the partition stands at the head of the file (generator_checkpoint.h). */
#ifndef DPM_MIXTURE_CHECKPOINT_H
#define DPM_MIXTURE_CHECKPOINT_H

#include "generator_checkpoint.h"
#include "mixture_model.h"

/* dpm_checkpoint_set for the mixture's fits. */
int dpm_mixture_checkpoint(struct dpmix_mixture *mixture, const char *path, uint64_t every);

/* Goes on with the training in the blob, and gives the fitted mixture. Of `fit` accountant, dataset and
 * progress are set. */
int dpm_mixture_resume(struct dpmix_mixture **out, struct dpm_blob *blob, const char *path,
                       dpm_options_check_fn *check, const struct dpm_fit *fit);

#endif
