/* SPDX-License-Identifier: BSD-3-Clause */
/* Whitening by synthetic records: post-processing of what is released already. */
#ifndef DPM_TEACHER_WHITEN_H
#define DPM_TEACHER_WHITEN_H

#include "base_threads.h"
#include "teacher_model.h"

/* Sets the teacher's directions and offset, width - 1 of them, from the features of n >= 1 rows: the leading
 * eigenvectors of their covariance, each over the square root of its eigenvalue (1e-3 of the largest at
 * least) and over that of their number, so that whitened records have norms of about 1. The same bits
 * whatever the number of threads. */
int dpm_teacher_set_whitening(struct dpm_teacher *teacher, const float *rows, size_t n,
                              struct dpm_pool *pool);

#endif
