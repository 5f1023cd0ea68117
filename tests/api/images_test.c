/* SPDX-License-Identifier: BSD-3-Clause */
/* Data sets that are declared to be square images, and the rules that go by it: of the Gaussian mixture's
 * basis, of a teacher's features and of the changes of samples. */
#include "mixture_model.h"
#include "privacy_dataset.h"

#include "tiny_idx.h"
#include "tiny_model.h"
#include "tiny_npy.h"

#include <math.h>

enum { IMAGES = 200, CLASSES = 3, SAMPLES = 600 };

static const double lower = 0, upper = 255;

static int64_t live;
static uint8_t images[IMAGES * TINY_PIXELS];
static int32_t labels[IMAGES];
static struct tiny_mode mode;
static dpmix_dataset *dataset;
static dpmix_accountant *accountant;
static dpmix_options *options;

static dpmix_dataset *from_memory(size_t side)
{
    dpmix_dataset *made = NULL;
    CHECK_OK(dpmix_dataset_new_u8(&made, images, IMAGES, TINY_PIXELS, labels, CLASSES, &lower, &upper, 1,
                                  DPMIX_STORAGE_BORROW));
    if (side)
        CHECK_OK(dpmix_dataset_set_images(made, side));
    return made;
}

static void setup(void)
{
    live = dpm_alloc_live();
    tiny_images(images, labels, IMAGES, CLASSES, 9);
    options = tiny_options();
    tiny_folder_setup();
}

/* Handles that a test opened anew are freed here. */
static void close_handles(void)
{
    dpmix_dataset_free(dataset);
    dpmix_accountant_free(accountant);
    dataset = NULL;
    accountant = NULL;
}

static void teardown(void)
{
    tiny_folder_teardown();
    close_handles();
    dpmix_options_free(options);
    ck_assert_int_eq(dpm_alloc_live(), live);
}

static void open_handles(size_t side)
{
    close_handles();
    dataset = from_memory(side);
    accountant = tiny_accountant(10);
    tiny_mode_set(&mode, dataset, 1);
}

/* ---- The declaration ---- */

START_TEST(only_a_square_that_is_the_row_is_taken)
{
    static const size_t wrong[] = {0,       1, TINY_SIDE - 1, TINY_SIDE + 1, TINY_PIXELS, SIZE_MAX / 2 + 1,
                                   SIZE_MAX};
    dataset = from_memory(0);
    ck_assert_uint_eq(dpm_dataset_bounds(dataset)->side, 0);
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        CHECK_FAILS(dpmix_dataset_set_images(dataset, wrong[i]), DPMIX_ERR_RANGE,
                    "dpmix_dataset_set_images: side");
    CHECK_FAILS(dpmix_dataset_set_images(NULL, TINY_SIDE), DPMIX_ERR_ARG, "dataset");
    ck_assert_uint_eq(dpm_dataset_bounds(dataset)->side, 0);
    CHECK_OK(dpmix_dataset_set_images(dataset, TINY_SIDE));
    ck_assert_uint_eq(dpm_dataset_bounds(dataset)->side, TINY_SIDE);
}
END_TEST

START_TEST(a_data_set_in_use_keeps_its_shape)
{
    open_handles(0);
    dpmix_clusterer *clusterer = tiny_clusterer(DPMIX_CLUSTERER_LABEL);
    CHECK_OK(dpmix_clusterer_fit(clusterer, accountant, dataset, 0.5, NULL, NULL));
    CHECK_FAILS(dpmix_dataset_set_images(dataset, TINY_SIDE), DPMIX_ERR_STATE, "dataset");
    ck_assert_uint_eq(dpm_dataset_bounds(dataset)->side, 0);
    dpmix_clusterer_free(clusterer);
}
END_TEST

START_TEST(files_of_squares_have_declared_it)
{
    static const char *const shapes[] = {"4, 8, 8", "4, 64", "4, 4, 16", "4, 2, 4, 8"};
    static struct tiny_npy file;
    tiny_write_idx("images", 0, images, 4, TINY_SIDE);
    CHECK_OK(dpmix_dataset_new_idx(&dataset, tiny_path("images"), NULL, 0, 0, 255));
    ck_assert_uint_eq(dpm_dataset_bounds(dataset)->side, TINY_SIDE);
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        tiny_npy_start(&file, "|u1", 0, shapes[i]);
        for (size_t j = 0; j < 4 * TINY_PIXELS; j++)
            tiny_npy_value(&file, "|u1", images[j]);
        tiny_write(tiny_path("images"), file.bytes, file.n);
        close_handles();
        CHECK_OK(dpmix_dataset_new_npy(&dataset, tiny_path("images"), NULL, 0, &lower, &upper, 1));
        ck_assert_uint_eq(dpmix_dataset_columns(dataset), TINY_PIXELS);
        ck_assert_uint_eq(dpm_dataset_bounds(dataset)->side, i == 0 ? TINY_SIDE : 0);
    }
}
END_TEST

/* ---- The rule ---- */

/* A Gaussian mixture of the images, saved. */
static void release(const char *path, int basis, size_t side)
{
    dpmix_generator *generator = NULL;
    open_handles(side);
    CHECK_OK(dpmix_options_set_int(options, DPMIX_OPTION_GMM_BASIS, basis));
    CHECK_OK(dpmix_generator_new(&generator, DPMIX_GENERATOR_GMM, options));
    CHECK_OK(dpmix_generator_fit(generator, accountant, dataset, 1, NULL, NULL));
    CHECK_OK(dpmix_generator_save(generator, path));
    dpmix_generator_free(generator);
}

START_TEST(declared_images_are_fitted_in_low_frequencies)
{
    const char *frequencies = tiny_path("a"), *columns = tiny_path("b"), *rule = tiny_path("images");
    release(frequencies, DPMIX_GMM_BASIS_DCT, 0);
    release(columns, DPMIX_GMM_BASIS_COLUMNS, TINY_SIDE);
    ck_assert(!tiny_same_files(frequencies, columns));
    release(rule, DPMIX_GMM_BASIS_RULE, TINY_SIDE);
    ck_assert(tiny_same_files(rule, frequencies));
    release(rule, DPMIX_GMM_BASIS_RULE, 0);
    ck_assert(tiny_same_files(rule, columns));
}
END_TEST

/* ---- Teachers ---- */

static float samples[SAMPLES * TINY_PIXELS], plain[SAMPLES * TINY_PIXELS];

static dpmix_mixture *fitted(void)
{
    dpmix_clusterer *by_label = tiny_clusterer(DPMIX_CLUSTERER_LABEL);
    dpmix_generator *gaussian = NULL;
    CHECK_OK(dpmix_clusterer_fit(by_label, accountant, dataset, 0.1, NULL, NULL));
    CHECK_OK(dpmix_options_set_int(options, DPMIX_OPTION_TEACHER_RECORDS, 400));
    CHECK_OK(dpmix_options_set_int(options, DPMIX_OPTION_TEACHER_STEPS, 5));
    CHECK_OK(dpmix_generator_new(&gaussian, DPMIX_GENERATOR_GAUSSIAN, options));
    dpmix_mixture *mixture = tiny_mixture(by_label, gaussian);
    CHECK_OK(dpmix_mixture_fit(mixture, accountant, dataset, 0.4, NULL, NULL));
    return mixture;
}

static void teach(dpmix_mixture *mixture)
{
    CHECK_OK(dpmix_mixture_teach(mixture, accountant, dataset, 1, NULL, NULL));
}

/* To a file and back. */
static dpmix_mixture *reloaded(dpmix_mixture *mixture)
{
    dpmix_mixture *loaded = NULL;
    CHECK_OK(dpmix_mixture_save(mixture, tiny_path("a")));
    CHECK_OK(dpmix_mixture_load(&loaded, tiny_path("a")));
    dpmix_mixture_free(mixture);
    return loaded;
}

static void draw(const dpmix_mixture *mixture, float *rows, int32_t *classes)
{
    static const uint64_t seed = 5;
    CHECK_OK(dpmix_mixture_sample(mixture, rows, classes, 0, SAMPLES, TINY_PIXELS, &seed));
}

/* Numbers that are no pixels are never taken for images, however square their number. */
START_TEST(a_teacher_of_declared_images_sees_scattering)
{
    open_handles(_i ? TINY_SIDE : 0);
    dpmix_mixture *mixture = fitted();
    teach(mixture);
    ck_assert_int_eq(mixture->teacher->features.size != TINY_PIXELS, _i);
    dpmix_mixture_free(mixture);
}
END_TEST

/* Loop number: images declared, labels of the teacher, a file between fit and lesson: a bit each. */
START_TEST(a_teacher_of_declared_images_has_samples_changed)
{
    const int declared = _i & 1, by_teacher = _i >> 1 & 1, through_file = _i >> 2;
    int32_t marks[SAMPLES];
    open_handles(declared ? TINY_SIDE : 0);
    CHECK_OK(dpmix_options_set_int(options, DPMIX_OPTION_LABELS,
                                   by_teacher ? DPMIX_LABELS_RULE : DPMIX_LABELS_MODEL));
    dpmix_mixture *mixture = fitted();
    draw(mixture, plain, marks);
    if (through_file)
        mixture = reloaded(mixture);
    teach(mixture);
    draw(mixture, samples, marks);
    size_t changed = 0;
    for (size_t i = 0; i < SAMPLES * TINY_PIXELS; i += TINY_PIXELS)
        changed += memcmp(samples + i, plain + i, TINY_PIXELS * sizeof *samples) != 0;
    double expected = declared && by_teacher ? SAMPLES * 2.0 / 3 : 0;
    ck_assert(fabs((double)changed - expected) <= expected / 6); /* 5.7 deviations */
    draw(mixture, plain, NULL); /* without labels they are the same records */
    ck_assert_mem_eq(samples, plain, sizeof samples);
    dpmix_mixture_free(mixture);
}
END_TEST

/* An option of sampling that was set goes through a file, also to a teacher that comes later. */
START_TEST(options_that_were_set_are_no_rule)
{
    static const double chosen[] = {0, 0.25};
    open_handles(TINY_SIDE);
    CHECK_OK(dpmix_options_set_double(options, DPMIX_OPTION_AUGMENT_FRACTION, chosen[_i]));
    CHECK_OK(dpmix_options_set_double(options, DPMIX_OPTION_AUGMENT_MIX, chosen[1 - _i]));
    CHECK_OK(dpmix_options_set_double(options, DPMIX_OPTION_AUGMENT_SHIFT, 0.5));
    dpmix_mixture *mixture = reloaded(fitted());
    teach(mixture);
    const double *value = mixture->generator->options.value;
    ck_assert_double_eq(value[DPMIX_OPTION_AUGMENT_FRACTION], chosen[_i]);
    ck_assert_double_eq(value[DPMIX_OPTION_AUGMENT_MIX], chosen[1 - _i]);
    ck_assert_double_eq(value[DPMIX_OPTION_AUGMENT_SHIFT], 0.5);
    dpmix_mixture_free(mixture);
}
END_TEST

/* Any amount that the options take makes samples, and goes through a file. */
START_TEST(amounts_may_be_as_large_as_the_options_take)
{
    static const int amounts[] = {DPMIX_OPTION_AUGMENT_FRACTION, DPMIX_OPTION_AUGMENT_ROTATION,
                                  DPMIX_OPTION_AUGMENT_SHEAR,    DPMIX_OPTION_AUGMENT_SCALE,
                                  DPMIX_OPTION_AUGMENT_SHIFT,    DPMIX_OPTION_AUGMENT_ELASTIC,
                                  DPMIX_OPTION_AUGMENT_MIRROR,   DPMIX_OPTION_AUGMENT_MIX};
    int32_t marks[SAMPLES];
    open_handles(TINY_SIDE);
    for (size_t i = 0; i < sizeof amounts / sizeof *amounts; i++) {
        double most;
        CHECK_OK(dpmix_option_bounds(amounts[i], NULL, &most, NULL));
        CHECK_OK(dpmix_options_set_double(options, amounts[i], most));
    }
    dpmix_mixture *mixture = fitted();
    teach(mixture);
    draw(mixture, plain, marks);
    mixture = reloaded(mixture);
    draw(mixture, samples, marks);
    ck_assert_mem_eq(samples, plain, sizeof samples);
    dpmix_mixture_free(mixture);
}
END_TEST

/* The first files said that features go by the rule, which went by the number of columns. */
START_TEST(the_first_files_rule_of_features_holds)
{
    int32_t marks[SAMPLES], again[SAMPLES];
    open_handles(TINY_SIDE);
    dpmix_mixture *mixture = fitted();
    teach(mixture);
    ck_assert_int_eq(mixture->teacher->features_kind, DPMIX_TEACHER_FEATURES_SCATTERING);
    draw(mixture, plain, marks);
    mixture->teacher->features_kind = DPMIX_TEACHER_FEATURES_RULE;
    mixture = reloaded(mixture);
    ck_assert_int_eq(mixture->teacher->features_kind, DPMIX_TEACHER_FEATURES_SCATTERING);
    draw(mixture, samples, again);
    ck_assert_mem_eq(samples, plain, sizeof samples);
    ck_assert_mem_eq(marks, again, sizeof marks);
    dpmix_mixture_free(mixture);
}
END_TEST

static Suite *images_suite(void)
{
    Suite *suite = suite_create("images");
    TCase *declaration = check_case(suite, "declaration");
    tcase_add_checked_fixture(declaration, setup, teardown);
    tcase_add_test(declaration, only_a_square_that_is_the_row_is_taken);
    tcase_add_test(declaration, a_data_set_in_use_keeps_its_shape);
    tcase_add_test(declaration, files_of_squares_have_declared_it);
    TCase *rule = check_case(suite, "rule");
    tcase_add_checked_fixture(rule, setup, teardown);
    tcase_add_test(rule, declared_images_are_fitted_in_low_frequencies);
    TCase *teachers = check_case(suite, "teachers");
    tcase_add_checked_fixture(teachers, setup, teardown);
    tcase_add_loop_test(teachers, a_teacher_of_declared_images_sees_scattering, 0, 2);
    tcase_add_loop_test(teachers, a_teacher_of_declared_images_has_samples_changed, 0, 8);
    tcase_add_loop_test(teachers, options_that_were_set_are_no_rule, 0, 2);
    tcase_add_test(teachers, amounts_may_be_as_large_as_the_options_take);
    tcase_add_test(teachers, the_first_files_rule_of_features_holds);
    return suite;
}

CHECK_MAIN(images_suite)
