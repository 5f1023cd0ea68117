/* SPDX-License-Identifier: BSD-3-Clause */
/* Training the teacher: gradient descent with momentum on the private records, every one of them in every
 * step, by noisy sums of clipped gradients; after a start on synthetic records. */
#ifndef DPM_TEACHER_FIT_H
#define DPM_TEACHER_FIT_H

#include "teacher_model.h"

/* Synthetic records of a released model, normalised to [0, 1]. */
struct dpm_teacher_records {
    size_t n; /* at least 1 */
    const float *rows;
    const int32_t *labels; /* NULL: the start is at zero */
};

/* Spends fit->share. The data set has labels, and the bounds of the records. *ledger gets the ledger with the
 * debit, for the caller to free with dpm_free. */
int dpm_teacher_fit(struct dpm_teacher **out, char **ledger, const struct dpm_teacher_records *records,
                    const struct dpmix_options *options, const struct dpm_fit *fit);

#endif
