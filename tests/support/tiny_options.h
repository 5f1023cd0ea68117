/* SPDX-License-Identifier: BSD-3-Clause */
/* The options of a test's fits, set in a line each, and a fixture: they are made before the test and freed
 * after it, when no memory may be left. */
#ifndef DPM_TESTS_TINY_OPTIONS_H
#define DPM_TESTS_TINY_OPTIONS_H

#include "tiny_model.h" /* before the name: it has options of its own */

static dpmix_options *options;
static int64_t options_live;

static inline void options_setup(void)
{
    options_live = dpm_alloc_live();
    CHECK_OK(dpmix_options_new(&options));
}

static inline void options_teardown(void)
{
    dpmix_options_free(options);
    ck_assert_int_eq(dpm_alloc_live(), options_live);
}

static inline void set_int(int key, int64_t value)
{
    CHECK_OK(dpmix_options_set_int(options, key, value));
}

static inline void set_double(int key, double value)
{
    CHECK_OK(dpmix_options_set_double(options, key, value));
}

#endif
