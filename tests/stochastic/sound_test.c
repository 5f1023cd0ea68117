/* SPDX-License-Identifier: BSD-3-Clause */
/* The library as it is: no mechanism may be disproved. */
#include "check_main.h"
#include "mechanism.h"

START_TEST(a_mechanism_is_not_disproved)
{
    const struct mechanism *mechanism = mechanism_number((size_t)_i);
    struct stochastic_verdict verdict = mechanism_try(mechanism);
    ck_assert_msg(verdict.margin <= 0, "%s: delta(%g) is claimed to be %g, and is larger by %g at least",
                  mechanism->name, verdict.claim.epsilon, verdict.claim.delta, verdict.margin);
    /* An adversary that does not see the row at all would prove nothing. */
    ck_assert_msg(verdict.seen > 0.02, "%s: the row makes no difference, %g", mechanism->name, verdict.seen);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("stochastic");
    TCase *mechanisms = tcase_create("mechanisms");
    int n = 0;
    while (mechanism_number((size_t)n))
        n++;
    tcase_set_timeout(mechanisms, 0);
    tcase_add_loop_test(mechanisms, a_mechanism_is_not_disproved, 0, n);
    suite_add_tcase(s, mechanisms);
    return s;
}

CHECK_MAIN(suite)
