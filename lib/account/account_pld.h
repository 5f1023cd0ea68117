/* SPDX-License-Identifier: BSD-3-Clause */
/* The privacy curve of a composition from losses on a grid (account_grid.h), composed by a Fourier
 * transform of tilted masses: it serves where the contour integral converges too slowly. What it gives is
 * an upper bound, rounding errors included, and the exact inverse of it. */
#ifndef DPM_ACCOUNT_PLD_H
#define DPM_ACCOUNT_PLD_H

#include "account_loss.h"

/* An upper bound on log(delta) at epsilon, for one direction, and on how far that is above the truth,
 * relative. Fails with DPMIX_ERR_NOMEM, and with DPMIX_ERR_RANGE, without a message, where the method does
 * not serve. */
int dpm_account_pld_delta(double *log_delta, double *excess, const struct dpm_laws *laws, int direction,
                          double epsilon);

/* The epsilon >= 0 at which that bound is log_delta. */
int dpm_account_pld_epsilon(double *epsilon, double *excess, const struct dpm_laws *laws, int direction,
                            double log_delta);

#endif
