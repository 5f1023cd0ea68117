/* SPDX-License-Identifier: BSD-3-Clause */
/* The options: what the table says of each key, that values keep to it, and that handles keep copies. */
#include "tiny_file.h"
#include "tiny_model.h"
#include "tiny_options.h"

#include <limits.h>
#include <math.h>

/* Every key of the header: one that iteration misses would be out of reach of a caller that only iterates. */
static const int keys[] = {
    DPMIX_OPTION_THREADS,
    DPMIX_OPTION_CLUSTERS,
    DPMIX_OPTION_KMEANS_STEPS,
    DPMIX_OPTION_KMEANS_FEATURES,
    DPMIX_OPTION_KMEANS_BANDWIDTH,
    DPMIX_OPTION_KMEANS_ROW_CLIP,
    DPMIX_OPTION_CORESET_BITS,
    DPMIX_OPTION_STEPS,
    DPMIX_OPTION_SAMPLING_RATE,
    DPMIX_OPTION_LEARNING_RATE,
    DPMIX_OPTION_CLIP_NORM,
    DPMIX_OPTION_CONDITIONAL,
    DPMIX_OPTION_COUNT_NOISE,
    DPMIX_OPTION_OPTIMIZER,
    DPMIX_OPTION_MOMENTUM,
    DPMIX_OPTION_SECOND_MOMENT,
    DPMIX_OPTION_WEIGHT_DECAY,
    DPMIX_OPTION_VAE_HIDDEN,
    DPMIX_OPTION_VAE_LATENT,
    DPMIX_OPTION_VAE_LAYERS,
    DPMIX_OPTION_VAE_ACTIVATION,
    DPMIX_OPTION_VAE_OUTPUT,
    DPMIX_OPTION_VAE_BETA,
    DPMIX_OPTION_VAE_DRAWS,
    DPMIX_OPTION_VAE_PRIOR,
    DPMIX_OPTION_VAE_PRIOR_SHARE,
    DPMIX_OPTION_VAE_DRAW,
    DPMIX_OPTION_GAUSSIAN_RANK,
    DPMIX_OPTION_GAUSSIAN_ROW_CLIP,
    DPMIX_OPTION_GAUSSIAN_RESIDUAL_CLIP,
    DPMIX_OPTION_VAE_DEVIATION,
    DPMIX_OPTION_VAE_HIDDEN_LAST,
    DPMIX_OPTION_NOISE_CORRECTION,
    DPMIX_OPTION_AVERAGING,
    DPMIX_OPTION_RATE_SCHEDULE,
    DPMIX_OPTION_RATE_END,
    DPMIX_OPTION_WARMUP,
    DPMIX_OPTION_NOISE_SCHEDULE,
    DPMIX_OPTION_CLIP_QUANTILE,
    DPMIX_OPTION_CLIP_RATE,
    DPMIX_OPTION_RBM_HIDDEN,
    DPMIX_OPTION_RBM_VISIBLE,
    DPMIX_OPTION_RBM_CD_STEPS,
    DPMIX_OPTION_RBM_BURN_IN,
    DPMIX_OPTION_RBM_THINNING,
    DPMIX_OPTION_RBM_OUTPUT,
    DPMIX_OPTION_RBM_DEVIATION,
    DPMIX_OPTION_CGAN_NOISE,
    DPMIX_OPTION_CGAN_HIDDEN,
    DPMIX_OPTION_CGAN_LAYERS,
    DPMIX_OPTION_CGAN_CRITIC_STEPS,
    DPMIX_OPTION_CGAN_SMOOTHING,
    DPMIX_OPTION_CGAN_OPTIMIZER,
    DPMIX_OPTION_CGAN_RATE,
    DPMIX_OPTION_CGAN_FAKES,
    DPMIX_OPTION_GMM_COMPONENTS,
    DPMIX_OPTION_GMM_BASIS,
    DPMIX_OPTION_GMM_RADIUS,
    DPMIX_OPTION_GMM_COVARIANCE,
    DPMIX_OPTION_GMM_RANK,
    DPMIX_OPTION_GMM_ROW_CLIP,
    DPMIX_OPTION_GMM_RESIDUAL_CLIP,
    DPMIX_OPTION_GMM_STEPS,
    DPMIX_OPTION_GMM_EM_STEPS,
    DPMIX_OPTION_GMM_DISTANCE,
    DPMIX_OPTION_GMM_PRIOR_ROWS,
    DPMIX_OPTION_GMM_REST,
    DPMIX_OPTION_PRODUCTS_COMPONENTS,
    DPMIX_OPTION_PRODUCTS_BINS,
    DPMIX_OPTION_PRODUCTS_STEPS,
    DPMIX_OPTION_PRODUCTS_LABEL_WEIGHT,
    DPMIX_OPTION_LABELS,
    DPMIX_OPTION_TEACHER_STEPS,
    DPMIX_OPTION_TEACHER_WIDTH,
    DPMIX_OPTION_TEACHER_CLIP,
    DPMIX_OPTION_TEACHER_RATE,
    DPMIX_OPTION_TEACHER_RECORDS,
    DPMIX_OPTION_TEACHER_FEATURES,
    DPMIX_OPTION_AUGMENT_FRACTION,
    DPMIX_OPTION_AUGMENT_ROTATION,
    DPMIX_OPTION_AUGMENT_SHEAR,
    DPMIX_OPTION_AUGMENT_SCALE,
    DPMIX_OPTION_AUGMENT_SHIFT,
    DPMIX_OPTION_AUGMENT_ELASTIC,
    DPMIX_OPTION_AUGMENT_MIRROR,
    DPMIX_OPTION_AUGMENT_MIX,
};

static const int unknown_keys[] = {-1, 2, 9, 999, INT_MAX, INT_MIN};

enum { N_KEYS = sizeof keys / sizeof *keys, N_UNKNOWN = sizeof unknown_keys / sizeof *unknown_keys };

static double get(int key)
{
    double value = NAN;
    int64_t whole = INT64_MIN;
    if (dpmix_option_type(key) == DPMIX_OPTION_TYPE_DOUBLE) {
        CHECK_OK(dpmix_options_get_double(options, &value, key));
        return value;
    }
    CHECK_OK(dpmix_options_get_int(options, &whole, key));
    return (double)whole;
}

static int set(int key, double value)
{
    if (dpmix_option_type(key) == DPMIX_OPTION_TYPE_DOUBLE)
        return dpmix_options_set_double(options, key, value);
    return dpmix_options_set_int(options, key, (int64_t)value);
}

static const char *set_name(int key)
{
    return dpmix_option_type(key) == DPMIX_OPTION_TYPE_DOUBLE ? "dpmix_options_set_double: value"
                                                              : "dpmix_options_set_int: value";
}

START_TEST(iteration_meets_every_key_once_in_order)
{
    int key = 0;
    for (size_t i = 0; i < N_KEYS; i++) {
        key = dpmix_option_next(key);
        ck_assert_int_eq(key, keys[i]);
    }
    ck_assert_int_eq(dpmix_option_next(key), 0);
}
END_TEST

START_TEST(a_name_leads_back_to_its_key)
{
    int key = keys[_i];
    const char *name = dpmix_option_name(key);
    ck_assert_ptr_nonnull(name);
    ck_assert_int_eq(dpmix_option_by_name(name), key);
    ck_assert_uint_eq(strspn(name, "abcdefghijklmnopqrstuvwxyz_"), strlen(name));
    ck_assert_uint_gt(strlen(name), 0);
    ck_assert_ptr_nonnull(dpmix_option_doc(key));
    ck_assert_uint_gt(strlen(dpmix_option_doc(key)), 10);
    ck_assert_ptr_null(strchr(dpmix_option_doc(key), '\n'));
}
END_TEST

START_TEST(bounds_hold_the_default)
{
    int key = keys[_i], type = dpmix_option_type(key);
    double lower = NAN, upper = NAN, preset = NAN;
    ck_assert(type == DPMIX_OPTION_TYPE_INT || type == DPMIX_OPTION_TYPE_DOUBLE);
    CHECK_OK(dpmix_option_bounds(key, &lower, &upper, &preset));
    ck_assert(isfinite(lower) && isfinite(upper));
    ck_assert(lower < upper && lower <= preset && preset <= upper);
    if (type == DPMIX_OPTION_TYPE_INT) {
        ck_assert_double_eq(lower, floor(lower));
        ck_assert_double_eq(upper, floor(upper));
        ck_assert_double_eq(preset, floor(preset));
    }
    ck_assert_double_eq(get(key), preset);
}
END_TEST

START_TEST(bounds_give_what_is_asked_for)
{
    double lower = NAN, upper = NAN, preset = NAN;
    CHECK_OK(dpmix_option_bounds(DPMIX_OPTION_STEPS, NULL, NULL, NULL));
    CHECK_OK(dpmix_option_bounds(DPMIX_OPTION_STEPS, &lower, NULL, NULL));
    CHECK_OK(dpmix_option_bounds(DPMIX_OPTION_STEPS, NULL, &upper, NULL));
    CHECK_OK(dpmix_option_bounds(DPMIX_OPTION_STEPS, NULL, NULL, &preset));
    ck_assert(lower == 1 && upper == 10000000 && preset == 300);
}
END_TEST

START_TEST(values_in_range_are_kept)
{
    int key = keys[_i];
    double lower, upper, preset;
    CHECK_OK(dpmix_option_bounds(key, &lower, &upper, &preset));
    double values[] = {lower, upper, preset, lower + (upper - lower) / 4};
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        double value = dpmix_option_type(key) == DPMIX_OPTION_TYPE_INT ? floor(values[i]) : values[i];
        CHECK_OK(set(key, value));
        ck_assert_double_eq(get(key), value);
    }
    /* The others are as they were. */
    for (size_t i = 0; i < N_KEYS; i++) {
        double other;
        CHECK_OK(dpmix_option_bounds(keys[i], NULL, NULL, &other));
        if (keys[i] != key)
            ck_assert_double_eq(get(keys[i]), other);
    }
}
END_TEST

START_TEST(values_out_of_range_are_refused)
{
    int key = keys[_i];
    double lower, upper, inside;
    CHECK_OK(dpmix_option_bounds(key, &lower, &upper, NULL));
    inside = dpmix_option_type(key) == DPMIX_OPTION_TYPE_INT ? lower + 1 : (lower + upper) / 2;
    CHECK_OK(set(key, inside));
    CHECK_FAILS(set(key, lower - 1), DPMIX_ERR_RANGE, set_name(key));
    CHECK_FAILS(set(key, upper + 1), DPMIX_ERR_RANGE, dpmix_option_name(key));
    if (dpmix_option_type(key) == DPMIX_OPTION_TYPE_DOUBLE) {
        const double bad[] = {NAN, INFINITY, -INFINITY, nextafter(lower, -9), nextafter(upper, 9e9)};
        for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
            CHECK_FAILS(set(key, bad[i]), DPMIX_ERR_RANGE, set_name(key));
    } else {
        CHECK_FAILS(dpmix_options_set_int(options, key, INT64_MAX), DPMIX_ERR_RANGE, set_name(key));
        CHECK_FAILS(dpmix_options_set_int(options, key, INT64_MIN), DPMIX_ERR_RANGE, set_name(key));
    }
    ck_assert_double_eq(get(key), inside);
}
END_TEST

START_TEST(the_other_type_is_refused)
{
    int key = keys[_i];
    double before = get(key), value = -7;
    int64_t whole = -7;
    if (dpmix_option_type(key) == DPMIX_OPTION_TYPE_INT) {
        CHECK_FAILS(dpmix_options_set_double(options, key, 1), DPMIX_ERR_ARG, "set_double: key");
        CHECK_FAILS(dpmix_options_get_double(options, &value, key), DPMIX_ERR_ARG, dpmix_option_name(key));
    } else {
        CHECK_FAILS(dpmix_options_set_int(options, key, 1), DPMIX_ERR_ARG, "set_int: key");
        CHECK_FAILS(dpmix_options_get_int(options, &whole, key), DPMIX_ERR_ARG, dpmix_option_name(key));
    }
    ck_assert(value == -7 && whole == -7);
    ck_assert_double_eq(get(key), before);
}
END_TEST

START_TEST(unknown_keys_are_refused)
{
    int key = unknown_keys[_i];
    double value = -7;
    int64_t whole = -7;
    ck_assert_ptr_null(dpmix_option_name(key));
    ck_assert_ptr_null(dpmix_option_doc(key));
    ck_assert_int_eq(dpmix_option_type(key), 0);
    ck_assert_int_eq(dpmix_option_next(key), 0);
    CHECK_FAILS(dpmix_option_bounds(key, &value, &value, &value), DPMIX_ERR_ARG, "dpmix_option_bounds: key");
    CHECK_FAILS(dpmix_options_set_int(options, key, 1), DPMIX_ERR_ARG, "set_int: key");
    CHECK_FAILS(dpmix_options_set_double(options, key, 1), DPMIX_ERR_ARG, "set_double: key");
    CHECK_FAILS(dpmix_options_get_int(options, &whole, key), DPMIX_ERR_ARG, "get_int: key");
    CHECK_FAILS(dpmix_options_get_double(options, &value, key), DPMIX_ERR_ARG, "get_double: key");
    ck_assert(value == -7 && whole == -7);
}
END_TEST

START_TEST(zero_is_no_key_and_unknown_names_have_none)
{
    int64_t whole;
    ck_assert_ptr_null(dpmix_option_name(0));
    ck_assert_int_eq(dpmix_option_type(0), 0);
    CHECK_FAILS(dpmix_options_get_int(options, &whole, 0), DPMIX_ERR_ARG, "key");
    ck_assert_int_eq(dpmix_option_by_name(NULL), 0);
    ck_assert_int_eq(dpmix_option_by_name(""), 0);
    ck_assert_int_eq(dpmix_option_by_name("thread"), 0);
    ck_assert_int_eq(dpmix_option_by_name("threads "), 0);
    ck_assert_int_eq(dpmix_option_by_name("THREADS"), 0);
}
END_TEST

START_TEST(null_is_refused)
{
    double value;
    int64_t whole;
    int key = DPMIX_OPTION_THREADS, real = DPMIX_OPTION_CLIP_NORM;
    CHECK_FAILS(dpmix_options_new(NULL), DPMIX_ERR_ARG, "dpmix_options_new: out");
    CHECK_FAILS(dpmix_options_set_int(NULL, key, 1), DPMIX_ERR_ARG, "set_int: options");
    CHECK_FAILS(dpmix_options_set_double(NULL, real, 1), DPMIX_ERR_ARG, "set_double: options");
    CHECK_FAILS(dpmix_options_get_int(NULL, &whole, key), DPMIX_ERR_ARG, "get_int: options");
    CHECK_FAILS(dpmix_options_get_int(options, NULL, key), DPMIX_ERR_ARG, "get_int: value");
    CHECK_FAILS(dpmix_options_get_double(NULL, &value, real), DPMIX_ERR_ARG, "get_double: options");
    CHECK_FAILS(dpmix_options_get_double(options, NULL, real), DPMIX_ERR_ARG, "get_double: value");
    dpmix_options_free(NULL);
}
END_TEST

/* Two handles have values of their own. */
START_TEST(handles_are_apart)
{
    dpmix_options *other = NULL;
    int64_t value = 0;
    CHECK_OK(dpmix_options_new(&other));
    CHECK_OK(dpmix_options_set_int(options, DPMIX_OPTION_VAE_HIDDEN, 17));
    CHECK_OK(dpmix_options_get_int(other, &value, DPMIX_OPTION_VAE_HIDDEN));
    ck_assert_int_eq(value, 200);
    dpmix_options_free(other);
}
END_TEST

/* What rank a fitted generator has shows in the file that it saves. `later` is set when it has been made. */
static void save_of_rank(const char *path, int rank, int later)
{
    static struct tiny_case tiny;
    dpmix_options *mine = tiny_options();
    dpmix_generator *generator = NULL;
    CHECK_OK(dpmix_options_set_int(mine, DPMIX_OPTION_GAUSSIAN_RANK, rank));
    CHECK_OK(dpmix_generator_new(&generator, DPMIX_GENERATOR_GAUSSIAN, mine));
    CHECK_OK(dpmix_options_set_int(mine, DPMIX_OPTION_GAUSSIAN_RANK, later));
    dpmix_options_free(mine);
    tiny_case_open(&tiny, 10, 1);
    CHECK_OK(dpmix_generator_fit(generator, tiny.accountant, tiny.dataset, 1, NULL, NULL));
    CHECK_OK(dpmix_generator_save(generator, path));
    dpmix_generator_free(generator);
    tiny_case_close(&tiny);
}

START_TEST(generators_copy)
{
    tiny_folder_setup();
    save_of_rank(tiny_path("a"), 1, 1);
    save_of_rank(tiny_path("b"), 1, 2);
    ck_assert(tiny_same_files(tiny_path("a"), tiny_path("b")));
    save_of_rank(tiny_path("b"), 2, 2);
    ck_assert(!tiny_same_files(tiny_path("a"), tiny_path("b")));
    tiny_folder_teardown();
}
END_TEST

START_TEST(clusterers_copy)
{
    static struct tiny_case tiny;
    dpmix_options *mine = tiny_options();
    dpmix_clusterer *clusterer = NULL;
    CHECK_OK(dpmix_options_set_int(mine, DPMIX_OPTION_CLUSTERS, 3));
    CHECK_OK(dpmix_clusterer_new(&clusterer, DPMIX_CLUSTERER_KMEANS, mine));
    CHECK_OK(dpmix_options_set_int(mine, DPMIX_OPTION_CLUSTERS, 7));
    dpmix_options_free(mine);
    tiny_case_open(&tiny, 10, 1);
    CHECK_OK(dpmix_clusterer_fit(clusterer, tiny.accountant, tiny.dataset, 1, NULL, NULL));
    ck_assert_int_eq(dpmix_clusterer_parts(clusterer), 3);
    dpmix_clusterer_free(clusterer);
    tiny_case_close(&tiny);
}
END_TEST

/* A mixture takes the options of the generator, not those of its partition. */
START_TEST(mixtures_copy)
{
    static struct tiny_case tiny;
    struct stat size[2];
    tiny_folder_setup();
    for (int rank = 1; rank <= 2; rank++) {
        dpmix_options *mine = tiny_options();
        dpmix_generator *generator = NULL;
        CHECK_OK(dpmix_options_set_int(mine, DPMIX_OPTION_GAUSSIAN_RANK, rank));
        CHECK_OK(dpmix_generator_new(&generator, DPMIX_GENERATOR_GAUSSIAN, mine));
        dpmix_options_free(mine);
        tiny_case_open(&tiny, 10, 1);
        dpmix_mixture *mixture =
            tiny_mixture(tiny_fitted_clusterer(&tiny, DPMIX_CLUSTERER_LABEL, 0.5), generator);
        CHECK_OK(dpmix_mixture_fit(mixture, tiny.accountant, tiny.dataset, 1, NULL, NULL));
        CHECK_OK(dpmix_mixture_save(mixture, tiny_path("a")));
        ck_assert_int_eq(stat(tiny_path("a"), &size[rank - 1]), 0);
        dpmix_mixture_free(mixture);
        tiny_case_close(&tiny);
    }
    /* A basis and a factor grow: 2 numbers, and 3 for each of two parts. */
    ck_assert_int_eq(size[1].st_size - size[0].st_size, (2 + 2 * 3) * (long)sizeof(float));
    tiny_folder_teardown();
}
END_TEST

/* Values within the bounds that are too small for what they mean. */
static const struct {
    int key, partition, models;
    double value;
} too_small[] = {
    {DPMIX_OPTION_KMEANS_BANDWIDTH, DPMIX_CLUSTERER_KMEANS, 0, 9e-4},
    {DPMIX_OPTION_KMEANS_ROW_CLIP, DPMIX_CLUSTERER_KMEANS, 0, 9e-4},
    {DPMIX_OPTION_GAUSSIAN_ROW_CLIP, 0, DPMIX_GENERATOR_GAUSSIAN, 9e-5},
    {DPMIX_OPTION_GAUSSIAN_RESIDUAL_CLIP, 0, DPMIX_GENERATOR_GAUSSIAN, 1e-4},
    {DPMIX_OPTION_VAE_DEVIATION, 0, DPMIX_GENERATOR_VAE, 9e-4},
    {DPMIX_OPTION_VAE_DEVIATION, 0, DPMIX_GENERATOR_VAE, 1e-300}, /* 0 in float, which means something else */
    {DPMIX_OPTION_GMM_ROW_CLIP, 0, DPMIX_GENERATOR_GMM, 1e-7},
    {DPMIX_OPTION_GMM_RESIDUAL_CLIP, 0, DPMIX_GENERATOR_GMM, 9e-7},
    {DPMIX_OPTION_TEACHER_CLIP, 0, 0, 9e-7},
};

static int fit_with_options(struct tiny_case *tiny, int partition, int models)
{
    dpmix_clusterer *clusterer = NULL;
    dpmix_generator *generator = NULL;
    int status;
    if (partition) {
        CHECK_OK(dpmix_clusterer_new(&clusterer, partition, options));
        status = dpmix_clusterer_fit(clusterer, tiny->accountant, tiny->dataset, 1, NULL, NULL);
    } else if (models) {
        CHECK_OK(dpmix_generator_new(&generator, models, options));
        status = dpmix_generator_fit(generator, tiny->accountant, tiny->dataset, 1, NULL, NULL);
    } else {
        CHECK_OK(dpmix_generator_new(&generator, DPMIX_GENERATOR_GAUSSIAN, options));
        dpmix_mixture *mixture = tiny_mixture(NULL, generator);
        generator = NULL;
        CHECK_OK(dpmix_mixture_fit(mixture, tiny->accountant, tiny->dataset, 0.5, NULL, NULL));
        status = dpmix_mixture_teach(mixture, tiny->accountant, tiny->dataset, 1, NULL, NULL);
        dpmix_mixture_free(mixture);
    }
    dpmix_generator_free(generator);
    dpmix_clusterer_free(clusterer);
    return status;
}

/* The text says from where on they are taken; the fit says which it was, and costs nothing. */
START_TEST(values_that_are_too_small_are_told)
{
    static struct tiny_case tiny;
    const int key = too_small[_i].key, teaches = !too_small[_i].partition && !too_small[_i].models;
    ck_assert_ptr_nonnull(strstr(dpmix_option_doc(key), "at least 1"));
    set_double(key, too_small[_i].value);
    tiny_case_open(&tiny, 10, 1);
    CHECK_FAILS(fit_with_options(&tiny, too_small[_i].partition, too_small[_i].models), DPMIX_ERR_RANGE,
                dpmix_option_name(key));
    ck_assert(teaches ? tiny_spent(tiny.accountant) < 6 : tiny_spent(tiny.accountant) == 0);
    tiny_case_close(&tiny);
}
END_TEST

static Suite *options_suite(void)
{
    Suite *suite = suite_create("options");
    TCase *each = check_case(suite, "each key");
    tcase_add_checked_fixture(each, options_setup, options_teardown);
    tcase_add_loop_test(each, a_name_leads_back_to_its_key, 0, N_KEYS);
    tcase_add_loop_test(each, bounds_hold_the_default, 0, N_KEYS);
    tcase_add_loop_test(each, values_in_range_are_kept, 0, N_KEYS);
    tcase_add_loop_test(each, values_out_of_range_are_refused, 0, N_KEYS);
    tcase_add_loop_test(each, the_other_type_is_refused, 0, N_KEYS);
    tcase_add_loop_test(each, unknown_keys_are_refused, 0, N_UNKNOWN);
    tcase_add_loop_test(each, values_that_are_too_small_are_told, 0, sizeof too_small / sizeof *too_small);
    TCase *whole = check_case(suite, "whole table");
    tcase_add_checked_fixture(whole, options_setup, options_teardown);
    tcase_add_test(whole, iteration_meets_every_key_once_in_order);
    tcase_add_test(whole, bounds_give_what_is_asked_for);
    tcase_add_test(whole, zero_is_no_key_and_unknown_names_have_none);
    tcase_add_test(whole, null_is_refused);
    tcase_add_test(whole, handles_are_apart);
    tcase_add_test(whole, generators_copy);
    tcase_add_test(whole, clusterers_copy);
    tcase_add_test(whole, mixtures_copy);
    return suite;
}

CHECK_MAIN(options_suite)
