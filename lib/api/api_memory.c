/* SPDX-License-Identifier: BSD-3-Clause */
#include <dpmix/dpmix.h>

#include "api_check.h"
#include "base_protect.h"

int dpmix_memory_protect(int flags)
{
    API_RETURN(dpm_protect_set(flags));
}
