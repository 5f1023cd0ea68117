/* SPDX-License-Identifier: BSD-3-Clause */
/* What the tests of the public functions share: statuses, and test cases. */
#ifndef DPM_TESTS_CHECK_STATUS_H
#define DPM_TESTS_CHECK_STATUS_H

#include <dpmix/status.h>

#include "check_main.h"

#include <string.h>

#define CHECK_OK(call)                                                                                       \
    do {                                                                                                     \
        int check_result = (call);                                                                           \
        ck_assert_msg(check_result == DPMIX_OK, "%s: %d, %s", #call, check_result, dpmix_last_error());      \
    } while (0)

/* The call fails with this status and a message of one line that holds `word`, the argument most often. */
#define CHECK_FAILS(call, expected, word)                                                                    \
    do {                                                                                                     \
        int check_result = (call);                                                                           \
        ck_assert_msg(check_result == (expected), "%s: %d, not %d, %s", #call, check_result, (expected),     \
                      dpmix_last_error());                                                                   \
        ck_assert_msg(strstr(dpmix_last_error(), (word)) != NULL, "\"%s\" is not in the message: %s",        \
                      (word), dpmix_last_error());                                                           \
        ck_assert_ptr_null(strchr(dpmix_last_error(), '\n'));                                                \
    } while (0)

/* A test case of the suite, without a time limit: the runner has its own. */
static inline TCase *check_case(Suite *suite, const char *name)
{
    TCase *test_case = tcase_create(name);
    tcase_set_timeout(test_case, 0);
    suite_add_tcase(suite, test_case);
    return test_case;
}

#endif
