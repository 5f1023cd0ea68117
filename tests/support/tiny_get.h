/* SPDX-License-Identifier: BSD-3-Clause */
/* Generators read from a model's inside, for public functions to be called with. */
#ifndef DPM_TESTS_TINY_GET_H
#define DPM_TESTS_TINY_GET_H

#include "base_alloc.h"
#include "generator_kind.h"

/* dpm_generator_get(), with the mark of a public handle, which `like` is one of. */
static inline int tiny_get(struct dpmix_generator **out, struct dpm_blob *blob, const dpmix_generator *like)
{
    int status = dpm_generator_get(out, blob);
    if (!status)
        dpm_alloc_set_kind(*out, dpm_alloc_kind(like));
    return status;
}

#endif
