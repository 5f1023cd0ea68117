/* SPDX-License-Identifier: BSD-3-Clause */
/* Teachers, labels and augmentation of mixtures through the public functions, on made-up images. */
#include "mixture_model.h"
#include "mixture_sample.h"

#include "tiny_file.h"
#include "tiny_model.h"
#include "tiny_options.h"

#include <float.h>
#include <math.h>

enum {
    SIDE = 8,
    PIXELS = SIDE * SIDE,
    CLASSES = 3,
    ROWS = 1200,
    WIDTH = 40,
    WEIGHTS = CLASSES * (WIDTH + 1),
    SAMPLES = 600,
    FRESH = 300
};

static const uint64_t seed = 5;

static int64_t live;
static float images[ROWS * PIXELS];
static int32_t labels[ROWS];
static struct tiny_mode mode;
static dpmix_dataset *dataset;
static dpmix_accountant *accountant;

/* A bar that stands, lies or slants, at a random place. */
static void draw_images(float *out, int32_t *classes, size_t n, uint64_t state)
{
    struct tiny_random random = {state};
    for (size_t i = 0; i < n; i++) {
        int place = 1 + (int)(6 * tiny_uniform(&random));
        classes[i] = (int32_t)(i % CLASSES);
        for (int y = 0; y < SIDE; y++)
            for (int x = 0; x < SIDE; x++) {
                int away = classes[i] == 0 ? x - place : classes[i] == 1 ? y - place : x - y + place - 3;
                double value = (abs(away) <= 0) * 0.9 + 0.1 * tiny_uniform(&random);
                out[i * PIXELS + (size_t)(y * SIDE + x)] =
                    (float)(TINY_LOWER + (TINY_UPPER - TINY_LOWER) * value);
            }
    }
}

/* The images, and a fresh budget. */
static void open_handles(void)
{
    dpmix_dataset_free(dataset);
    dpmix_accountant_free(accountant);
    dataset = tiny_dataset(images, ROWS, PIXELS, labels, CLASSES);
    CHECK_OK(dpmix_dataset_set_images(dataset, SIDE));
    accountant = tiny_accountant(20);
    tiny_mode_set(&mode, dataset, 1);
}

static void setup(void)
{
    live = dpm_alloc_live();
    draw_images(images, labels, ROWS, 1);
    open_handles();
    options = tiny_options();
    set_int(DPMIX_OPTION_TEACHER_RECORDS, 400);
    set_int(DPMIX_OPTION_TEACHER_WIDTH, WIDTH);
    set_int(DPMIX_OPTION_TEACHER_STEPS, 10);
    tiny_folder_setup();
}

static void teardown(void)
{
    tiny_folder_teardown();
    dpmix_options_free(options);
    dpmix_dataset_free(dataset);
    dpmix_accountant_free(accountant);
    dataset = NULL;
    accountant = NULL;
    ck_assert_int_eq(dpm_alloc_live(), live);
}

/* What is between the models and all records: a partition by label (1), or nothing (0). */
static dpmix_mixture *unfitted(int by_label)
{
    dpmix_clusterer *clusterer = NULL;
    dpmix_generator *generator = NULL;
    dpmix_mixture *mixture = NULL;
    if (by_label) {
        CHECK_OK(dpmix_clusterer_new(&clusterer, DPMIX_CLUSTERER_LABEL, options));
        CHECK_OK(dpmix_clusterer_fit(clusterer, accountant, dataset, 0.1, NULL, NULL));
    }
    CHECK_OK(
        dpmix_generator_new(&generator, by_label ? DPMIX_GENERATOR_GAUSSIAN : DPMIX_GENERATOR_GMM, options));
    CHECK_OK(dpmix_mixture_new(&mixture, clusterer, generator));
    dpmix_clusterer_free(clusterer);
    dpmix_generator_free(generator);
    return mixture;
}

static dpmix_mixture *fitted(int by_label)
{
    dpmix_mixture *mixture = unfitted(by_label);
    CHECK_OK(dpmix_mixture_fit(mixture, accountant, dataset, 0.4, NULL, NULL));
    return mixture;
}

static dpmix_mixture *taught(int by_label)
{
    dpmix_mixture *mixture = fitted(by_label);
    CHECK_OK(dpmix_mixture_teach(mixture, accountant, dataset, 1, NULL, NULL));
    return mixture;
}

static int draw(const dpmix_mixture *mixture, float *rows, int32_t *classes, uint64_t first, size_t n)
{
    return dpmix_mixture_sample(mixture, rows, classes, first, n, PIXELS, &seed);
}

/* The share of fresh images that the teacher knows. */
static double accuracy(const dpmix_mixture *mixture)
{
    static float fresh[FRESH * PIXELS];
    static int32_t truth[FRESH];
    const struct dpm_teacher *teacher = mixture->teacher;
    float probabilities[CLASSES], *scratch = dpm_alloc(dpm_teacher_scratch(teacher), sizeof *scratch);
    size_t right = 0;
    draw_images(fresh, truth, FRESH, 99);
    for (size_t i = 0; i < FRESH; i++) {
        float *row = fresh + i * PIXELS;
        for (size_t j = 0; j < PIXELS; j++)
            row[j] = (float)((row[j] - TINY_LOWER) / (TINY_UPPER - TINY_LOWER));
        dpm_teacher_predict(teacher, probabilities, row, 1, scratch);
        right += dpm_teacher_label(probabilities, CLASSES) == truth[i];
    }
    dpm_free(scratch);
    return (double)right / FRESH;
}

/* ---- The teacher ---- */

START_TEST(a_teacher_learns)
{
    set_int(DPMIX_OPTION_TEACHER_STEPS, 60);
    dpmix_mixture *mixture = taught(_i);
    ck_assert_double_gt(accuracy(mixture), 0.95);
    dpmix_mixture_free(mixture);
}
END_TEST

START_TEST(columns_are_features_too)
{
    set_int(DPMIX_OPTION_TEACHER_FEATURES, DPMIX_TEACHER_FEATURES_COLUMNS);
    set_int(DPMIX_OPTION_TEACHER_STEPS, 60);
    dpmix_mixture *mixture = taught(1);
    ck_assert_uint_eq(mixture->teacher->features.size, PIXELS);
    ck_assert_double_gt(accuracy(mixture), 0.8);
    dpmix_mixture_free(mixture);
}
END_TEST

/* The weights of a teacher that learned at this rate with hardly any budget. */
static void weights_at(float *weights, double rate)
{
    open_handles();
    set_double(DPMIX_OPTION_TEACHER_RATE, rate);
    dpmix_mixture *mixture = fitted(1);
    CHECK_OK(dpmix_mixture_teach(mixture, accountant, dataset, 0.001, NULL, NULL));
    ck_assert_uint_eq(mixture->teacher->width, WIDTH + 1);
    memcpy(weights, mixture->teacher->weights, WEIGHTS * sizeof *weights);
    dpmix_mixture_free(mixture);
}

/* Root mean square of what a teacher moves away from its start on synthetic records, at which next to no rate
 * leaves it. Records have a length of about 1, so that it is what noise does to a class's score, too. */
static double moved(double rate)
{
    static float start[WEIGHTS], end[WEIGHTS];
    double sum = 0;
    weights_at(start, 1e-9);
    weights_at(end, rate);
    for (size_t i = 0; i < WEIGHTS; i++)
        sum += ((double)end[i] - start[i]) * ((double)end[i] - start[i]);
    return sqrt(sum / WEIGHTS);
}

/* By the rule it moves as far as noise may move it. Where noise is beyond all measure, as with this rate, it
 * stays near its start. */
START_TEST(noise_moves_a_teacher_so_far_and_no_farther)
{
    double by_rule = moved(0), hopeless = moved(1000);
    ck_assert_double_gt(by_rule, 1);
    ck_assert_double_lt(by_rule, 5);
    ck_assert_double_lt(hopeless, 0.5);
}
END_TEST

/* How far the weights are from their start, without noise, after so many steps of next to no rate, whose
 * gradients are then all but the same. */
static double moved_after(int steps)
{
    static float start[WEIGHTS], end[WEIGHTS];
    double sum = 0;
    for (int moving = 0; moving < 2; moving++) {
        open_handles();
        mode.mode.noiseless = 1;
        set_int(DPMIX_OPTION_TEACHER_STEPS, steps);
        set_double(DPMIX_OPTION_TEACHER_RATE, moving ? 1e-3 : 1e-9);
        dpmix_mixture *mixture = taught(1);
        memcpy(moving ? end : start, mixture->teacher->weights, sizeof start);
        dpmix_mixture_free(mixture);
    }
    for (size_t i = 0; i < WEIGHTS; i++)
        sum += ((double)end[i] - start[i]) * ((double)end[i] - start[i]);
    return sqrt(sum);
}

/* With momentum 0.8 the velocity is 1, 1.8, 2.44, 2.952 times the gradient, and the way 1, 2.8, 5.24, 8.192;
 * the model is the mean of the last half. */
START_TEST(a_teacher_is_the_mean_of_its_last_half)
{
    double one = moved_after(1);
    ck_assert_double_eq_tol(moved_after(2) / one, 2.8, 0.3);
    ck_assert_double_eq_tol(moved_after(4) / one, (5.24 + 8.192) / 2, 0.8);
}
END_TEST

START_TEST(a_teacher_spends_its_share_once)
{
    dpmix_mixture *mixture = unfitted(_i);
    size_t before = tiny_entries(accountant), length = 0;
    static char text[16384];
    CHECK_FAILS(dpmix_mixture_teach(mixture, accountant, dataset, 1, NULL, NULL), DPMIX_ERR_STATE,
                "dpmix_mixture_teach: mixture");
    CHECK_OK(dpmix_mixture_fit(mixture, accountant, dataset, 0.4, NULL, NULL));
    CHECK_FAILS(dpmix_mixture_teach(NULL, accountant, dataset, 1, NULL, NULL), DPMIX_ERR_ARG, "mixture");
    CHECK_FAILS(dpmix_mixture_teach(mixture, NULL, dataset, 1, NULL, NULL), DPMIX_ERR_ARG, "accountant");
    CHECK_FAILS(dpmix_mixture_teach(mixture, accountant, NULL, 1, NULL, NULL), DPMIX_ERR_ARG, "dataset");
    CHECK_FAILS(dpmix_mixture_teach(mixture, accountant, dataset, 0, NULL, NULL), DPMIX_ERR_RANGE, "share");
    double spent = tiny_spent(accountant);
    unsigned queries = mode.queries;
    ck_assert_uint_eq(tiny_entries(accountant), before + 1);
    CHECK_OK(dpmix_mixture_teach(mixture, accountant, dataset, 0.5, NULL, NULL));
    ck_assert_uint_eq(tiny_entries(accountant), before + 2);
    ck_assert_double_eq_tol(tiny_spent(accountant), (spent + 20) / 2, 0.01);
    ck_assert_uint_eq(mode.queries, queries + 1 + 10); /* the count, and the steps */
    CHECK_OK(dpmix_mixture_ledger(mixture, text, sizeof text, &length));
    ck_assert_str_eq(text, tiny_text(dpmix_accountant_json, accountant));
    ck_assert_ptr_nonnull(strstr(text, "teacher"));
    CHECK_FAILS(dpmix_mixture_teach(mixture, accountant, dataset, 0.5, NULL, NULL), DPMIX_ERR_STATE,
                "dpmix_mixture_teach: mixture");
    ck_assert_uint_eq(tiny_entries(accountant), before + 2);
    dpmix_mixture_free(mixture);
}
END_TEST

START_TEST(data_that_do_not_fit_are_refused)
{
    dpmix_mixture *mixture = fitted(0);
    dpmix_dataset *others[] = {tiny_dataset(images, 100, PIXELS / 2, labels, CLASSES),
                               tiny_dataset(images, 100, PIXELS, labels, CLASSES + 1),
                               tiny_dataset(images, 100, PIXELS, NULL, 0)};
    size_t entries = tiny_entries(accountant);
    for (size_t i = 0; i < 3; i++) {
        CHECK_FAILS(dpmix_mixture_teach(mixture, accountant, others[i], 1, NULL, NULL),
                    i < 2 ? DPMIX_ERR_STATE : DPMIX_ERR_UNSUPPORTED, "dpmix_mixture_teach: dataset");
        dpmix_dataset_free(others[i]);
    }
    ck_assert_uint_eq(tiny_entries(accountant), entries);
    dpmix_mixture_free(mixture);
}
END_TEST

START_TEST(a_cancelled_teacher_is_none)
{
    struct tiny_watch watch = {.accountant = accountant, .phase = DPMIX_PHASE_TRAIN, .stop_at = 3};
    dpmix_mixture *mixture = fitted(0);
    CHECK_FAILS(dpmix_mixture_teach(mixture, accountant, dataset, 0.3, tiny_watch, &watch),
                DPMIX_ERR_CANCELLED, "dpmix_mixture_teach: ");
    ck_assert_ptr_null(mixture->teacher);
    watch = tiny_watch_again(&watch, 0);
    CHECK_OK(dpmix_mixture_teach(mixture, accountant, dataset, 0.3, tiny_watch, &watch));
    ck_assert(watch.done == watch.total && watch.total == 10);
    dpmix_mixture_free(mixture);
}
END_TEST

/* Whatever allocation fails: nothing is debited, there is no teacher, and nothing leaks. */
START_TEST(memory_that_runs_out_costs_nothing)
{
    set_int(DPMIX_OPTION_TEACHER_RECORDS, 100);
    set_int(DPMIX_OPTION_TEACHER_WIDTH, 8);
    set_int(DPMIX_OPTION_TEACHER_STEPS, 2);
    dpmix_mixture *mixture = fitted(0);
    size_t entries = tiny_entries(accountant);
    int status = DPMIX_ERR_NOMEM;
    for (uint64_t nth = 1; status == DPMIX_ERR_NOMEM; nth++) {
        int64_t before = dpm_alloc_live();
        dpm_alloc_fail_after(nth, 0);
        status = dpmix_mixture_teach(mixture, accountant, dataset, 1, NULL, NULL);
        dpm_alloc_fail_after(0, 0);
        if (status == DPMIX_ERR_NOMEM) {
            ck_assert_int_eq(dpm_alloc_live(), before);
            ck_assert_ptr_null(mixture->teacher);
            ck_assert_uint_eq(tiny_entries(accountant), entries);
        }
    }
    CHECK_OK(status);
    ck_assert_uint_eq(tiny_entries(accountant), entries + 1);
    dpmix_mixture_free(mixture);
}
END_TEST

START_TEST(the_teacher_does_not_depend_on_the_number_of_threads)
{
    for (int threads = 1; threads <= 3; threads += 2) {
        open_handles();
        set_int(DPMIX_OPTION_THREADS, threads);
        dpmix_mixture *mixture = taught(0);
        CHECK_OK(dpmix_mixture_save(mixture, tiny_path(threads == 1 ? "a" : "b")));
        dpmix_mixture_free(mixture);
    }
    ck_assert(tiny_same_files(tiny_path("a"), tiny_path("b")));
}
END_TEST

/* ---- Samples ---- */

static float rows[SAMPLES * PIXELS], other[SAMPLES * PIXELS], probabilities[SAMPLES * CLASSES];
static int32_t made[SAMPLES], again[SAMPLES];

static int draw_soft(const dpmix_mixture *mixture, int n_classes)
{
    return dpmix_mixture_sample_soft(mixture, rows, probabilities, 0, SAMPLES, PIXELS, n_classes, &seed);
}

/* Labels are those of the largest probability, which add up to 1; the model's are certain. */
START_TEST(labels_are_those_of_the_option)
{
    set_int(DPMIX_OPTION_LABELS, _i);
    dpmix_mixture *mixture = fitted(1);
    ck_assert_int_eq(dpmix_mixture_classes(mixture), _i == DPMIX_LABELS_TEACHER ? 0 : CLASSES);
    if (_i == DPMIX_LABELS_TEACHER) {
        CHECK_FAILS(draw(mixture, rows, made, 0, SAMPLES), DPMIX_ERR_UNSUPPORTED, "labels");
        CHECK_FAILS(draw_soft(mixture, CLASSES), DPMIX_ERR_UNSUPPORTED, "probabilities");
    }
    CHECK_OK(dpmix_mixture_teach(mixture, accountant, dataset, 1, NULL, NULL));
    ck_assert_int_eq(dpmix_mixture_classes(mixture), CLASSES);
    CHECK_OK(draw(mixture, other, made, 0, SAMPLES));
    CHECK_OK(draw_soft(mixture, CLASSES));
    ck_assert_mem_eq(rows, other, sizeof rows);
    CHECK_FAILS(draw_soft(mixture, CLASSES + 1), DPMIX_ERR_ARG, "n_classes");
    size_t certain = 0;
    for (size_t i = 0; i < SAMPLES; i++) {
        const float *p = probabilities + i * CLASSES;
        ck_assert_float_eq_tol(p[0] + p[1] + p[2], 1, 1e-5f);
        ck_assert_int_eq(made[i], dpm_teacher_label(p, CLASSES));
        certain += p[made[i]] == 1;
    }
    ck_assert_int_eq(certain == SAMPLES, _i == DPMIX_LABELS_MODEL);
    dpmix_mixture_free(mixture);
}
END_TEST

/* Counts are of the records and labels that samples have. */
START_TEST(counts_have_the_same_labels)
{
    set_double(DPMIX_OPTION_AUGMENT_FRACTION, 0.5);
    dpmix_mixture *mixture = taught(_i);
    const size_t offsets[] = {0, 1, 3}, columns[] = {DPMIX_COLUMN_LABEL, DPMIX_COLUMN_LABEL, 20};
    const double lower[] = {1, 0, 0}, upper[] = {1, 0, 3};
    double fractions[2], expected[2] = {0, 0};
    CHECK_OK(dpmix_mixture_count(mixture, fractions, offsets, 2, columns, lower, upper, 3, SAMPLES, &seed));
    CHECK_OK(draw(mixture, rows, made, 0, SAMPLES));
    for (size_t i = 0; i < SAMPLES; i++) {
        expected[0] += (made[i] == 1) / (double)SAMPLES;
        expected[1] += (made[i] == 0 && rows[i * PIXELS + 20] >= 0) / (double)SAMPLES;
    }
    ck_assert_double_eq_tol(fractions[0], expected[0], 1e-9);
    ck_assert_double_eq_tol(fractions[1], expected[1], 1e-9);
    dpmix_mixture_free(mixture);
}
END_TEST

/* Also with partners. About the right share of the records is changed, and those that are not are the
 * models'. */
START_TEST(changed_records_do_not_depend_on_the_cuts)
{
    static const size_t cuts[] = {1, 254, 1, 1, 255, 0, 88};
    set_int(DPMIX_OPTION_LABELS, DPMIX_LABELS_MODEL);
    dpmix_mixture *mixture = taught(_i);
    CHECK_OK(draw(mixture, other, made, 0, SAMPLES));
    double *value = mixture->generator->options.value;
    value[DPMIX_OPTION_LABELS] = DPMIX_LABELS_TEACHER;
    value[DPMIX_OPTION_AUGMENT_FRACTION] = 0.3;
    value[DPMIX_OPTION_AUGMENT_MIX] = 0.5;
    CHECK_OK(draw(mixture, rows, made, 0, SAMPLES));
    size_t done = 0, changed = 0;
    for (size_t i = 0; i < SAMPLES; i++)
        changed += memcmp(rows + i * PIXELS, other + i * PIXELS, PIXELS * sizeof *rows) != 0;
    ck_assert_uint_gt(changed, SAMPLES / 5);
    ck_assert_uint_lt(changed, SAMPLES * 2 / 5);
    for (size_t i = 0; i < sizeof cuts / sizeof *cuts; done += cuts[i++])
        CHECK_OK(draw(mixture, other + done * PIXELS, again + done, done, cuts[i]));
    ck_assert_uint_eq(done, SAMPLES);
    ck_assert_mem_eq(rows, other, sizeof rows);
    ck_assert_mem_eq(made, again, sizeof made);
    value[DPMIX_OPTION_LABELS] = DPMIX_LABELS_MODEL;
    CHECK_FAILS(draw(mixture, rows, made, 0, 1), DPMIX_ERR_UNSUPPORTED, "augment_mix");
    dpmix_mixture_free(mixture);
}
END_TEST

/* With nothing but rectangles of partners, records change: partners are others. */
START_TEST(partners_are_other_records)
{
    static const int warps[] = {DPMIX_OPTION_AUGMENT_ROTATION, DPMIX_OPTION_AUGMENT_SHEAR,
                                DPMIX_OPTION_AUGMENT_SCALE, DPMIX_OPTION_AUGMENT_SHIFT,
                                DPMIX_OPTION_AUGMENT_ELASTIC};
    dpmix_mixture *mixture = taught(0);
    double *value = mixture->generator->options.value;
    size_t changed = 0;
    for (size_t i = 0; i < sizeof warps / sizeof *warps; i++)
        value[warps[i]] = 0;
    for (int mix = 0; mix < 2; mix++) {
        value[DPMIX_OPTION_AUGMENT_FRACTION] = value[DPMIX_OPTION_AUGMENT_MIX] = mix;
        CHECK_OK(draw(mixture, mix ? rows : other, made, 0, SAMPLES));
    }
    for (size_t i = 0; i < SAMPLES; i++)
        changed += memcmp(rows + i * PIXELS, other + i * PIXELS, PIXELS * sizeof *rows) != 0;
    ck_assert_uint_gt(changed, SAMPLES * 9 / 10);
    dpmix_mixture_free(mixture);
}
END_TEST

/* What a teacher starts from: of several chunks, each record with its label. */
START_TEST(records_for_a_teacher_keep_their_labels)
{
    struct dpm_drawn few, many;
    dpmix_mixture *mixture = fitted(_i);
    CHECK_OK(dpm_mixture_draw_own(&few, mixture, 100));
    CHECK_OK(dpm_mixture_draw_own(&many, mixture, SAMPLES));
    ck_assert(few.n == 100 && many.n == SAMPLES);
    ck_assert_mem_eq(many.rows, few.rows, 100 * PIXELS * sizeof *few.rows);
    ck_assert_mem_eq(many.labels, few.labels, 100 * sizeof *few.labels);
    size_t counts[CLASSES] = {0};
    for (size_t i = SAMPLES / 2; i < SAMPLES; i++)
        counts[many.labels[i]]++;
    for (size_t i = 0; i < CLASSES; i++) /* as many of each, as in the data; five deviations are 41 */
        ck_assert_uint_gt(counts[i], SAMPLES / 2 / CLASSES - 41);
    dpm_drawn_free(&few);
    dpm_drawn_free(&many);
    dpmix_mixture_free(mixture);
}
END_TEST

/* Samples of several chunks, which take partners: none is written before all memory is there. */
START_TEST(memory_that_runs_out_leaves_outputs_alone)
{
    dpmix_mixture *mixture = taught(0);
    mixture->generator->options.value[DPMIX_OPTION_AUGMENT_FRACTION] = 0.3;
    mixture->generator->options.value[DPMIX_OPTION_AUGMENT_MIX] = 0.5;
    memset(rows, 1, sizeof rows);
    memset(made, 1, sizeof made);
    memcpy(other, rows, sizeof rows);
    memcpy(again, made, sizeof made);
    int status = DPMIX_ERR_NOMEM;
    for (uint64_t nth = 1; status == DPMIX_ERR_NOMEM; nth++) {
        dpm_alloc_fail_after(nth, 0);
        status = draw(mixture, rows, made, 0, SAMPLES);
        dpm_alloc_fail_after(0, 0);
        if (status == DPMIX_ERR_NOMEM) {
            ck_assert_mem_eq(rows, other, sizeof rows);
            ck_assert_mem_eq(made, again, sizeof made);
        }
    }
    CHECK_OK(status);
    dpmix_mixture_free(mixture);
}
END_TEST

START_TEST(records_that_are_no_images_are_not_changed)
{
    static struct tiny_case tiny;
    tiny_case_open(&tiny, 10, 1);
    set_double(DPMIX_OPTION_AUGMENT_FRACTION, 0.5);
    dpmix_generator *generator = NULL;
    CHECK_OK(dpmix_generator_new(&generator, DPMIX_GENERATOR_GAUSSIAN, options));
    dpmix_mixture *mixture = tiny_mixture(NULL, generator);
    CHECK_FAILS(dpmix_mixture_fit(mixture, tiny.accountant, tiny.dataset, 1, NULL, NULL),
                DPMIX_ERR_UNSUPPORTED, "augment_fraction");
    double spent;
    CHECK_OK(dpmix_accountant_spent(tiny.accountant, &spent));
    ck_assert_double_eq(spent, 0);
    dpmix_mixture_free(mixture);
    mixture = tiny_fitted_mixture(&tiny, DPMIX_CLUSTERER_LABEL, DPMIX_GENERATOR_GAUSSIAN);
    mixture->generator->options.value[DPMIX_OPTION_AUGMENT_FRACTION] = 0.5; /* as a file may have it */
    CHECK_OK(dpmix_mixture_save(mixture, tiny_path("a")));
    dpmix_mixture_free(mixture);
    CHECK_FAILS(dpmix_mixture_load(&mixture, tiny_path("a")), DPMIX_ERR_FORMAT, "path");
    tiny_case_close(&tiny);
}
END_TEST

/* ---- Files ---- */

START_TEST(a_loaded_mixture_has_teacher_and_options)
{
    set_double(DPMIX_OPTION_AUGMENT_FRACTION, 0.5);
    set_double(DPMIX_OPTION_AUGMENT_MIRROR, 0.5);
    dpmix_mixture *mixture = taught(_i), *loaded = NULL;
    CHECK_OK(dpmix_mixture_save(mixture, tiny_path("a")));
    CHECK_OK(dpmix_mixture_load(&loaded, tiny_path("a")));
    CHECK_OK(dpmix_mixture_save(loaded, tiny_path("b")));
    ck_assert(tiny_same_files(tiny_path("a"), tiny_path("b")));
    CHECK_OK(draw(mixture, rows, made, 0, SAMPLES));
    CHECK_OK(draw(loaded, other, again, 0, SAMPLES));
    ck_assert_mem_eq(rows, other, sizeof rows);
    ck_assert_mem_eq(made, again, sizeof made);
    dpmix_mixture_free(mixture);
    dpmix_mixture_free(loaded);
}
END_TEST

/* As a file may have them: finite, and too large to reckon with. */
START_TEST(weights_that_overflow_give_shares)
{
    dpmix_mixture *mixture = taught(_i);
    struct dpm_teacher *teacher = mixture->teacher;
    for (size_t i = 0; i < CLASSES * teacher->width; i++)
        teacher->weights[i] = i % 2 ? FLT_MAX : -FLT_MAX;
    CHECK_OK(draw_soft(mixture, CLASSES));
    for (size_t i = 0; i < SAMPLES; i++) {
        float sum = 0;
        for (size_t c = 0; c < CLASSES; c++) {
            ck_assert_float_ge(probabilities[i * CLASSES + c], 0);
            sum += probabilities[i * CLASSES + c];
        }
        ck_assert_float_eq_tol(sum, 1, 1e-5f);
    }
    dpmix_mixture_free(mixture);
}
END_TEST

static int load_and_use(const char *path)
{
    dpmix_mixture *mixture = NULL;
    float row[4 * PIXELS];
    int32_t label[4];
    int status = dpmix_mixture_load(&mixture, path);
    if (status) {
        ck_assert_ptr_null(mixture);
        return status;
    }
    if (dpmix_mixture_columns(mixture) == TINY_COLUMNS)
        (void)!dpmix_mixture_sample(mixture, row, label, 0, 4, TINY_COLUMNS, NULL);
    dpmix_mixture_free(mixture);
    return status;
}

START_TEST(damaged_files_are_refused)
{
    static struct tiny_case tiny;
    tiny_case_open(&tiny, 10, 1);
    dpmix_mixture *mixture = tiny_fitted_mixture(&tiny, DPMIX_CLUSTERER_LABEL, DPMIX_GENERATOR_GAUSSIAN);
    dpmix_accountant *more = tiny_accountant(10);
    dpmix_dataset *same = tiny_dataset(tiny.rows, TINY_ROWS, TINY_COLUMNS, tiny.labels, TINY_CLASSES);
    tiny_mode_set(&mode, same, 1);
    CHECK_OK(dpmix_mixture_teach(mixture, more, same, 1, NULL, NULL));
    CHECK_OK(dpmix_mixture_save(mixture, tiny_path("a")));
    dpmix_mixture_free(mixture);
    tiny_damage(load_and_use, tiny_path("a"));
    dpmix_accountant_free(more);
    dpmix_dataset_free(same);
    tiny_case_close(&tiny);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("teach");
    TCase *each = tcase_create("teacher");
    tcase_set_timeout(each, 0);
    tcase_add_checked_fixture(each, setup, teardown);
    tcase_add_loop_test(each, a_teacher_learns, 0, 2);
    tcase_add_test(each, columns_are_features_too);
    tcase_add_test(each, noise_moves_a_teacher_so_far_and_no_farther);
    tcase_add_test(each, a_teacher_is_the_mean_of_its_last_half);
    tcase_add_loop_test(each, a_teacher_spends_its_share_once, 0, 2);
    tcase_add_test(each, data_that_do_not_fit_are_refused);
    tcase_add_test(each, a_cancelled_teacher_is_none);
    tcase_add_test(each, memory_that_runs_out_costs_nothing);
    tcase_add_test(each, the_teacher_does_not_depend_on_the_number_of_threads);
    tcase_add_loop_test(each, labels_are_those_of_the_option, 0, 3);
    tcase_add_loop_test(each, counts_have_the_same_labels, 0, 2);
    tcase_add_loop_test(each, changed_records_do_not_depend_on_the_cuts, 0, 2);
    tcase_add_test(each, partners_are_other_records);
    tcase_add_loop_test(each, records_for_a_teacher_keep_their_labels, 0, 2);
    tcase_add_test(each, memory_that_runs_out_leaves_outputs_alone);
    tcase_add_test(each, records_that_are_no_images_are_not_changed);
    tcase_add_loop_test(each, a_loaded_mixture_has_teacher_and_options, 0, 2);
    tcase_add_loop_test(each, weights_that_overflow_give_shares, 0, 2);
    tcase_add_test(each, damaged_files_are_refused);
    suite_add_tcase(s, each);
    return s;
}

CHECK_MAIN(suite)
