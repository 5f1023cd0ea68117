/* SPDX-License-Identifier: BSD-3-Clause */
/* Every public number, pinned. A number that was published is never changed and never reused: programs were
 * compiled with it. A new constant gets a new line here. */
#include <dpmix/dpmix.h>

#include "check_main.h"

struct pinned {
    const char *name;
    long long value, number;
};

#define PIN(name, number)                                                                                    \
    {                                                                                                        \
        #name, name, number                                                                                  \
    }

static const struct pinned pinned[] = {
    PIN(DPMIX_OK, 0),
    PIN(DPMIX_ERR_ARG, -1),
    PIN(DPMIX_ERR_RANGE, -2),
    PIN(DPMIX_ERR_STATE, -3),
    PIN(DPMIX_ERR_NOMEM, -4),
    PIN(DPMIX_ERR_BUDGET, -5),
    PIN(DPMIX_ERR_CANCELLED, -6),
    PIN(DPMIX_ERR_IO, -7),
    PIN(DPMIX_ERR_FORMAT, -8),
    PIN(DPMIX_ERR_UNSUPPORTED, -9),
    PIN(DPMIX_ERR_INTERNAL, -10),

    PIN(DPMIX_ADJACENCY_ADD_REMOVE, 1),
    PIN(DPMIX_ADJACENCY_REPLACE_ONE, 2),
    PIN(DPMIX_ADJACENCY_ZERO_OUT, 3),

    PIN(DPMIX_MODE_PLANNED, 1),
    PIN(DPMIX_MODE_RENYI, 2),
    PIN(DPMIX_MODE_GAUSSIAN, 3),

    PIN(DPMIX_MECHANISM_GAUSSIAN, 1),
    PIN(DPMIX_MECHANISM_SUBSAMPLED_GAUSSIAN, 2),
    PIN(DPMIX_MECHANISM_LAPLACE, 3),
    PIN(DPMIX_MECHANISM_SUBSAMPLED_LAPLACE, 4),
    PIN(DPMIX_MECHANISM_GEOMETRIC, 5),
    PIN(DPMIX_MECHANISM_RANDOMIZED_RESPONSE, 6),
    PIN(DPMIX_MECHANISM_PURE, 7),

    PIN(DPMIX_CLUSTERER_LABEL, 1),
    PIN(DPMIX_CLUSTERER_KMEANS, 2),

    PIN(DPMIX_STORAGE_COPY, 1),
    PIN(DPMIX_STORAGE_BORROW, 2),

    PIN(DPMIX_GENERATOR_GAUSSIAN, 1),
    PIN(DPMIX_GENERATOR_VAE, 2),

    PIN(DPMIX_OPTION_THREADS, 1),
    PIN(DPMIX_OPTION_CLUSTERS, 10),
    PIN(DPMIX_OPTION_KMEANS_STEPS, 11),
    PIN(DPMIX_OPTION_KMEANS_FEATURES, 12),
    PIN(DPMIX_OPTION_KMEANS_BANDWIDTH, 13),
    PIN(DPMIX_OPTION_STEPS, 20),
    PIN(DPMIX_OPTION_SAMPLING_RATE, 21),
    PIN(DPMIX_OPTION_LEARNING_RATE, 22),
    PIN(DPMIX_OPTION_CLIP_NORM, 23),
    PIN(DPMIX_OPTION_CONDITIONAL, 24),
    PIN(DPMIX_OPTION_COUNT_NOISE, 25),
    PIN(DPMIX_COUNT_NOISE_GAUSSIAN, 1),
    PIN(DPMIX_COUNT_NOISE_GEOMETRIC, 2),
    PIN(DPMIX_OPTION_OPTIMIZER, 26),
    PIN(DPMIX_OPTION_MOMENTUM, 27),
    PIN(DPMIX_OPTION_SECOND_MOMENT, 28),
    PIN(DPMIX_OPTION_WEIGHT_DECAY, 29),
    PIN(DPMIX_OPTION_VAE_HIDDEN, 30),
    PIN(DPMIX_OPTION_VAE_LATENT, 31),
    PIN(DPMIX_OPTION_GAUSSIAN_RANK, 40),
    PIN(DPMIX_OPTION_GAUSSIAN_ROW_CLIP, 41),
    PIN(DPMIX_OPTION_GAUSSIAN_RESIDUAL_CLIP, 42),
    PIN(DPMIX_OPTION_NOISE_CORRECTION, 50),
    PIN(DPMIX_OPTION_AVERAGING, 51),
    PIN(DPMIX_OPTION_RATE_SCHEDULE, 52),
    PIN(DPMIX_OPTION_RATE_END, 53),
    PIN(DPMIX_OPTION_WARMUP, 54),
    PIN(DPMIX_OPTION_NOISE_SCHEDULE, 55),
    PIN(DPMIX_OPTION_CLIP_QUANTILE, 56),
    PIN(DPMIX_OPTION_CLIP_RATE, 57),
    PIN(DPMIX_OPTIMIZER_SGD, 1),
    PIN(DPMIX_OPTIMIZER_ADAM, 2),
    PIN(DPMIX_OPTIMIZER_ADAMW, 3),
    PIN(DPMIX_RATE_CONSTANT, 1),
    PIN(DPMIX_RATE_LINEAR, 2),
    PIN(DPMIX_RATE_COSINE, 3),
    PIN(DPMIX_OPTION_TYPE_INT, 1),
    PIN(DPMIX_OPTION_TYPE_DOUBLE, 2),
    PIN(DPMIX_PHASE_CLUSTER, 1),
    PIN(DPMIX_PHASE_TRAIN, 2),
};

START_TEST(numbers_stay_what_they_were)
{
    const struct pinned *pin = &pinned[_i];
    ck_assert_msg(pin->value == pin->number, "%s is %lld, was %lld", pin->name, pin->value, pin->number);
}
END_TEST

/* The one constant that is as wide as a size. */
START_TEST(the_column_of_the_label_stays_what_it_was)
{
    ck_assert_uint_eq(DPMIX_COLUMN_LABEL, SIZE_MAX);
}
END_TEST

static Suite *constants_suite(void)
{
    Suite *suite = suite_create("constants");
    TCase *numbers = tcase_create("numbers");
    tcase_add_loop_test(numbers, numbers_stay_what_they_were, 0, (int)(sizeof pinned / sizeof pinned[0]));
    tcase_add_test(numbers, the_column_of_the_label_stays_what_it_was);
    suite_add_tcase(suite, numbers);
    return suite;
}

CHECK_MAIN(constants_suite)
