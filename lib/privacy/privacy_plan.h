/* SPDX-License-Identifier: BSD-3-Clause */
/* A plan as the accountant sees it. */
#ifndef DPM_PRIVACY_PLAN_H
#define DPM_PRIVACY_PLAN_H

#include "account_event.h"
#include "privacy.h"

struct dpm_event dpm_plan_event(const struct dpm_query_plan *plan);

/* DPMIX_ERR_RANGE when the plan is outside what proof and sampler cover. */
int dpm_plan_check(const struct dpm_query_plan *plan);

#endif
