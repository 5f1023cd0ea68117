/* SPDX-License-Identifier: BSD-3-Clause */
/* The floating-point environment that bounds and their proofs assume: rounding to nearest, denormals kept, no
 * traps. A caller's may be another. */
#ifndef DPM_BASE_ENVIRONMENT_H
#define DPM_BASE_ENVIRONMENT_H

#include <fenv.h>

/* Sets it; the caller's is for dpm_environment_leave. */
static inline fenv_t dpm_environment_enter(void)
{
    fenv_t callers;
    fegetenv(&callers);
    fesetenv(FE_DFL_ENV);
    return callers;
}

static inline void dpm_environment_leave(const fenv_t *callers)
{
    fesetenv(callers);
}

#endif
