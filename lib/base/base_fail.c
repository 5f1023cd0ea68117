/* SPDX-License-Identifier: BSD-3-Clause */
#undef _GNU_SOURCE /* strerror_r is that of POSIX, whatever the compiler was told */
#include "base_fail.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Static per thread: failing needs no memory, no set-up and no tear-down. */
static _Thread_local char message[256];

int(dpm_fail)(int status, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(message, sizeof message, format, arguments);
    va_end(arguments);
    return status;
}

int dpm_fail_in(const char *function, int status)
{
    if (status == DPMIX_OK)
        return status;
    char tail[sizeof message];
    memcpy(tail, message, sizeof tail);
    snprintf(message, sizeof message, "%s: %.*s", function, (int)(sizeof message - strlen(function) - 3),
             tail);
    return status;
}

const char *dpm_fail_reason(int error)
{
    static _Thread_local char reason[80];
    if (strerror_r(error, reason, sizeof reason) != 0)
        snprintf(reason, sizeof reason, "error %d", error);
    return reason;
}

const char *dpm_fail_message(void)
{
    return message;
}

const char *dpm_fail_text(int status)
{
    switch (status) {
    case DPMIX_OK: return "success";
    case DPMIX_ERR_ARG: return "an argument is missing or of the wrong kind";
    case DPMIX_ERR_RANGE: return "a number or a size is out of its range";
    case DPMIX_ERR_STATE: return "the call does not fit the state of the handle";
    case DPMIX_ERR_NOMEM: return "out of memory";
    case DPMIX_ERR_BUDGET: return "the privacy budget does not cover the call";
    case DPMIX_ERR_CANCELLED: return "cancelled by the progress callback";
    case DPMIX_ERR_IO: return "a file could not be read or written";
    case DPMIX_ERR_FORMAT: return "a file is damaged or of another kind";
    case DPMIX_ERR_UNSUPPORTED: return "the combination does not exist";
    case DPMIX_ERR_INTERNAL: return "a fault of the library or the system";
    default: return "unknown status";
    }
}
