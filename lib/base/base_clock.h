/* SPDX-License-Identifier: BSD-3-Clause */
/* A clock for measuring how long something takes. */
#ifndef DPM_BASE_CLOCK_H
#define DPM_BASE_CLOCK_H

/* Seconds since some fixed moment. */
double dpm_clock_seconds(void);

#endif
