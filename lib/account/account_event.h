/* SPDX-License-Identifier: BSD-3-Clause */
/* What a mechanism is to the accountant: public parameters and nothing else. */
#ifndef DPM_ACCOUNT_EVENT_H
#define DPM_ACCOUNT_EVENT_H

#include <stdint.h>

enum {
    DPM_EVENT_GAUSSIAN = 1,            /* every row takes part */
    DPM_EVENT_SUBSAMPLED_GAUSSIAN = 2, /* each row takes part with probability `sampling_rate` */
};

/* `count` runs of one mechanism. The noise multiplier is the standard deviation of the noise divided by the
 * largest norm that one row's contribution can have, slack for floating point included. */
struct dpm_event {
    int kind;
    double noise_multiplier;
    double sampling_rate;
    uint64_t count;
};

#endif
