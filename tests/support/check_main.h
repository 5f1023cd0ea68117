/* SPDX-License-Identifier: BSD-3-Clause */
/* The `main` of a test program, and what every test program includes:
 *
 *     #include "check_main.h"
 *     START_TEST(...) ... END_TEST
 *     static Suite *suite(void) { ... }
 *     CHECK_MAIN(suite)
 */
#ifndef DPM_TESTS_CHECK_MAIN_H
#define DPM_TESTS_CHECK_MAIN_H

#include <check.h>
#include <stdio.h>
#include <stdlib.h>

/* Adds one test case with one test function: small suites need no more. */
#define CHECK_ADD(suite, function)                                                                           \
    do {                                                                                                     \
        TCase *check_case = tcase_create(#function);                                                         \
        tcase_set_timeout(check_case, 0); /* the runner has its own time limit */                            \
        tcase_add_test(check_case, function);                                                                \
        suite_add_tcase(suite, check_case);                                                                  \
    } while (0)

/* The verbosity and the log come from the environment (CK_VERBOSITY, CK_TAP_LOG_FILE_NAME, CK_FORK, ...). */
#define CHECK_MAIN(suite_function)                                                                           \
    int main(void)                                                                                           \
    {                                                                                                        \
        SRunner *check_runner = srunner_create(suite_function());                                            \
        srunner_run_all(check_runner, CK_ENV);                                                               \
        int check_failed = srunner_ntests_failed(check_runner);                                              \
        srunner_free(check_runner);                                                                          \
        return check_failed ? EXIT_FAILURE : EXIT_SUCCESS;                                                   \
    }

#endif
