/* SPDX-License-Identifier: BSD-3-Clause */
#include <dpmix/dpmix.h>

#include "base_fail.h"

const char *dpmix_version(void)
{
    return DPMIX_VERSION;
}

const char *dpmix_strerror(int status)
{
    return dpm_fail_text(status);
}

const char *dpmix_last_error(void)
{
    return dpm_fail_message();
}
