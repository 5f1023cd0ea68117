/* SPDX-License-Identifier: BSD-3-Clause */
/* The values that an options handle carries, as learners read them. Names, bounds and defaults stand in the
 * option table of the api room, which checks every value before it comes here. */
#ifndef DPM_BASE_OPTIONS_H
#define DPM_BASE_OPTIONS_H

#include <dpmix/options.h>

enum { DPM_OPTION_KEYS = 128 };

struct dpmix_options {
    double value[DPM_OPTION_KEYS]; /* by key; whole numbers are small enough to be exact */
};

double dpm_option_double(const struct dpmix_options *options, int key);
int dpm_option_int(const struct dpmix_options *options, int key);

#endif
