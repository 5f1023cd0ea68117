/* SPDX-License-Identifier: BSD-3-Clause */
/* The fixture of tests of handles: a small release and a folder for each, of which nothing is left. */
#ifndef DPM_TESTS_TINY_FIXTURE_H
#define DPM_TESTS_TINY_FIXTURE_H

#include "tiny_file.h"
#include "tiny_model.h"

static struct tiny_case tiny;

static inline void setup(void)
{
    tiny_clean_setup();
    tiny_case_open(&tiny, 10, 1);
}

static inline void teardown(void)
{
    tiny_case_close(&tiny);
    tiny_clean_teardown();
}

#endif
