/* SPDX-License-Identifier: BSD-3-Clause */
#include "base_options.h"

#include <assert.h>

double dpm_option_double(const struct dpmix_options *options, int key)
{
    assert(key > 0 && key < DPM_OPTION_KEYS);
    return options->value[key];
}

int dpm_option_int(const struct dpmix_options *options, int key)
{
    return (int)dpm_option_double(options, key);
}
