/* SPDX-License-Identifier: BSD-3-Clause */
/* The test of the tester: in builds of the library that are broken on purpose (meson.build has the one
 * line that each of them changes), it must disprove these mechanisms. */
#include "check_main.h"
#include "mechanism.h"

#include <string.h>

enum { CAUGHT = 12 };

struct expectation {
    const char *build;
    size_t fewer; /* divides the runs, where much fewer will do */
    const char *caught[CAUGHT];
};

static const struct expectation expectations[] = {
    {"noise_halved",
     4,
     {"query", "query of sampled rows", "query by parts", "label counts", "k-means", "Gaussian",
      "Gaussians by label", "VAE", "VAE of sampled rows", "query, a row replaced"}},
    {"noise_tenth_short", 1, {"query"}},
    {"clip_doubled", 8, {"query", "query of four matrices", "VAE"}},
    {"clip_by_matrix", 8, {"query of four matrices"}},
    {"batches_shuffled", 8, {"three queries of sampled rows"}},
    {"empty_part_skipped", 8, {"query by parts", "query of sampled rows", "VAE"}},
    {"exact_denominator", 8, {"query among opposite rows"}},
    {"exact_count", 8, {"query of values and counts"}},
    {"noise_reused", 8, {"two queries of opposite sign"}},
    {"scale_halved", 4, {"count", "geometric label counts", "count, a row replaced"}},
    {"large_count_kept", 8, {"count and one too large"}},
    {"zero_with_both_signs", 1, {"count"}},
};

static const struct expectation *of_this_build(void)
{
    for (size_t i = 0; i < sizeof expectations / sizeof *expectations; i++)
        if (strcmp(expectations[i].build, BROKEN_BUILD) == 0)
            return &expectations[i];
    abort();
}

START_TEST(a_broken_build_is_caught)
{
    const struct expectation *expected = of_this_build();
    const char *name = expected->caught[_i];
    struct mechanism mechanism = *mechanism_named(name);
    mechanism.runs /= expected->fewer;
    struct stochastic_verdict verdict = mechanism_try(&mechanism);
    ck_assert_msg(verdict.margin > 0, "%s is not caught by \"%s\": %g is missing", BROKEN_BUILD, name,
                  -verdict.margin);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("stochastic, broken");
    TCase *builds = tcase_create("builds");
    int n = 0;
    while (n < CAUGHT && of_this_build()->caught[n])
        n++;
    tcase_set_timeout(builds, 0);
    tcase_add_loop_test(builds, a_broken_build_is_caught, 0, n);
    suite_add_tcase(s, builds);
    return s;
}

CHECK_MAIN(suite)
