/* SPDX-License-Identifier: BSD-3-Clause */
/* Plans of queries that the proof of sensitivity does not cover are refused, each for its own reason. */
#include "base_fail.h"
#include "privacy_sensitivity.h"

#include "check_main.h"

#include <math.h>
#include <string.h>

static struct dpm_query_plan sound(void)
{
    return (struct dpm_query_plan){
        .n_matrices = 1,
        .matrix = {{3, 4, 1}},
        .clip_norm = 1,
        .cancellation = 1,
        .sampling_rate = 1,
        .steps = 1,
        .noise_multiplier = 1,
    };
}

static void refuses(const struct dpm_query_plan *plan, const char *word)
{
    ck_assert_int_eq(dpm_sensitivity_check(plan), DPMIX_ERR_RANGE);
    ck_assert_msg(strstr(dpm_fail_message(), word) != NULL, "\"%s\" is not in: %s", word, dpm_fail_message());
}

START_TEST(sizes_are_bounded)
{
    struct dpm_query_plan plan = sound();
    ck_assert_int_eq(dpm_sensitivity_check(&plan), DPMIX_OK);
    plan.matrix[0].rows = SIZE_MAX;
    refuses(&plan, "a layer or sum");
    plan = sound();
    plan.matrix[0].columns = SIZE_MAX;
    refuses(&plan, "a layer or sum");
    plan = sound();
    plan.matrix[0].rank = INT32_MAX;
    refuses(&plan, "a layer or sum");
    plan = sound();
    plan.matrix[0].rows = 1 << 16;
    plan.matrix[0].columns = (1 << 14) + 1;
    refuses(&plan, "the model is larger");
}
END_TEST

START_TEST(numbers_are_bounded)
{
    const double clips[] = {0, 0x1p-21, 0x1p21, INFINITY, NAN, -1}, indicators[] = {0x1p-11, 1.5, -1, NAN};
    const double cancellations[] = {0.5, 65, NAN}, rates[] = {0, -1, 1.5, NAN};
    for (size_t i = 0; i < sizeof clips / sizeof *clips; i++) {
        struct dpm_query_plan plan = sound();
        plan.clip_norm = clips[i];
        refuses(&plan, "a clip norm");
    }
    for (size_t i = 0; i < sizeof indicators / sizeof *indicators; i++) {
        struct dpm_query_plan plan = sound();
        plan.norm_indicator = indicators[i];
        refuses(&plan, "a norm indicator");
    }
    for (size_t i = 0; i < sizeof cancellations / sizeof *cancellations; i++) {
        struct dpm_query_plan plan = sound();
        plan.cancellation = cancellations[i];
        refuses(&plan, "a cancellation bound");
    }
    for (size_t i = 0; i < sizeof rates / sizeof *rates; i++) {
        struct dpm_query_plan plan = sound();
        plan.sampling_rate = rates[i];
        refuses(&plan, "a sampling rate");
    }
    struct dpm_query_plan plan = sound();
    plan.steps = 0;
    refuses(&plan, "no steps");
}
END_TEST

/* Geometric noise is proven for counts alone. */
START_TEST(geometric_noise_is_for_counts)
{
    struct dpm_query_plan plan = sound();
    plan.noise = DPM_NOISE_GEOMETRIC;
    ck_assert_int_eq(dpm_sensitivity_check(&plan), DPMIX_OK);
    plan.matrix[0].rank = 2;
    refuses(&plan, "geometric");
    plan.matrix[0].rank = 1;
    plan.clip_norm = 0.5;
    refuses(&plan, "geometric");
    plan.clip_norm = 1;
    plan.sampling_rate = 0.5;
    refuses(&plan, "geometric");
    plan.sampling_rate = 1;
    plan.norm_indicator = 0.5;
    refuses(&plan, "geometric");
}
END_TEST

static Suite *refusal_suite(void)
{
    Suite *suite = suite_create("refusal");
    CHECK_ADD(suite, sizes_are_bounded);
    CHECK_ADD(suite, numbers_are_bounded);
    CHECK_ADD(suite, geometric_noise_is_for_counts);
    return suite;
}

CHECK_MAIN(refusal_suite)
