/* SPDX-License-Identifier: BSD-3-Clause */
/* The restricted Boltzmann machine through the public functions: what it learns, of which class and part, how
 * its chains are sampled, and what is its own in a file. */
#include "tiny_options.h"
#include "tiny_release.h"

#include <math.h>

enum { RECORDS = 4000, SAMPLES = 1000 };
enum { BARS_SIDE = 4, BARS_PIXELS = BARS_SIDE * BARS_SIDE };

static int32_t sampled_labels[SAMPLES];
static float samples[SAMPLES * TINY_PIXELS], other_samples[SAMPLES * TINY_PIXELS];

static void setup(void)
{
    options_setup();
    CHECK_OK(dpmix_options_set_int(options, DPMIX_OPTION_THREADS, 2));
    CHECK_OK(dpmix_options_set_int(options, DPMIX_OPTION_STEPS, 150));
    CHECK_OK(dpmix_options_set_double(options, DPMIX_OPTION_SAMPLING_RATE, 0.1));
    CHECK_OK(dpmix_options_set_double(options, DPMIX_OPTION_LEARNING_RATE, 0.05));
    CHECK_OK(dpmix_options_set_int(options, DPMIX_OPTION_RBM_HIDDEN, 24));
    CHECK_OK(dpmix_options_set_int(options, DPMIX_OPTION_RBM_BURN_IN, 30));
}

static dpmix_generator *new_rbm(void)
{
    dpmix_generator *generator = NULL;
    CHECK_OK(dpmix_generator_new(&generator, DPMIX_GENERATOR_RBM, options));
    return generator;
}

static dpmix_generator *fitted_rbm(void)
{
    return fitted(new_rbm());
}

/* A fit, and SAMPLES of it. */
static void fit_and_draw(size_t n_columns, const int32_t *with_labels, double epsilon)
{
    open_bytes(RECORDS, n_columns, with_labels, epsilon);
    dpmix_generator *generator = fitted_rbm();
    draw(generator, samples, with_labels ? sampled_labels : NULL, 0, SAMPLES);
    for (size_t i = 0; i < SAMPLES * n_columns; i++)
        ck_assert(samples[i] >= 0 && samples[i] <= 255);
    dpmix_generator_free(generator);
    close_release();
}

/* ---- Bars and stripes (MacKay 2003, section 43.1) ---- */

/* All lines of a square across, or all down, are on or off: 30 of the 65,536 images. */
static void bars_and_stripes(void)
{
    struct tiny_random random = {1};
    for (size_t i = 0; i < RECORDS; i++) {
        int down = tiny_uniform(&random) < 0.5, on[BARS_SIDE];
        for (int line = 0; line < BARS_SIDE; line++)
            on[line] = tiny_uniform(&random) < 0.5;
        for (int p = 0; p < BARS_PIXELS; p++)
            images[i * BARS_PIXELS + (size_t)p] = on[down ? p % BARS_SIDE : p / BARS_SIDE] ? 255 : 0;
    }
}

/* Share of the samples that are such an image, once they are rounded. */
static double share_of_bars(void)
{
    size_t valid = 0;
    for (size_t i = 0; i < SAMPLES; i++) {
        const float *image = samples + i * BARS_PIXELS;
        int across = 1, down = 1;
        for (int p = 0; p < BARS_PIXELS; p++) {
            int on = image[p] > 127.5f;
            across &= on == (image[p - p % BARS_SIDE] > 127.5f);
            down &= on == (image[p % BARS_SIDE] > 127.5f);
        }
        valid += across || down;
    }
    return (double)valid / SAMPLES;
}

/* By chance it would be 0.0005. The more is spent, the better. */
START_TEST(learns_bars_and_stripes)
{
    double share[3];
    const double epsilon[3] = {1, 20, 1000};
    bars_and_stripes();
    CHECK_OK(dpmix_options_set_int(options, DPMIX_OPTION_STEPS, 400));
    CHECK_OK(dpmix_options_set_int(options, DPMIX_OPTION_RBM_CD_STEPS, 2));
    for (int e = 0; e < 3; e++) {
        fit_and_draw(BARS_PIXELS, NULL, epsilon[e]);
        share[e] = share_of_bars();
    }
    ck_assert_double_gt(share[2], 0.6);
    ck_assert_double_gt(share[1], 0.1);
    ck_assert_double_gt(share[2], share[1]);
    ck_assert_double_gt(share[1], share[0] + 0.05);
}
END_TEST

/* ---- Lines with labels ---- */

/* Share of the samples of which the line of their label, and no other, is bright. */
static double share_right(void)
{
    size_t right = 0;
    for (size_t i = 0; i < SAMPLES; i++) {
        double lines[TINY_SIDE] = {0}, others = 0;
        for (size_t p = 0; p < TINY_PIXELS; p++)
            lines[p / TINY_SIDE] += (double)samples[i * TINY_PIXELS + p] / TINY_SIDE;
        for (int line = 0; line < TINY_SIDE; line++)
            if (line != sampled_labels[i])
                others = fmax(others, lines[line]);
        right += lines[sampled_labels[i]] - others > 60; /* that of the records is about 170 */
    }
    return (double)right / SAMPLES;
}

START_TEST(records_go_with_their_labels)
{
    static const int visible[] = {DPMIX_RBM_BERNOULLI, DPMIX_RBM_GAUSSIAN};
    double shares[CLASSES] = {0};
    tiny_images(images, labels, RECORDS, CLASSES, 1);
    CHECK_OK(dpmix_options_set_int(options, DPMIX_OPTION_RBM_VISIBLE, visible[_i]));
    fit_and_draw(TINY_PIXELS, labels, 50);
    ck_assert_double_ge(share_right(), 0.9);
    for (size_t i = 0; i < SAMPLES; i++)
        shares[sampled_labels[i]] += 1. / SAMPLES;
    for (int32_t c = 0; c < CLASSES; c++) /* 1,000 draws: a standard deviation of 0.016 at most */
        ck_assert_double_le(fabs(shares[c] - tiny_share(c, CLASSES)), 0.09);
    fit_and_draw(TINY_PIXELS, labels, 0.01);
    ck_assert_double_lt(share_right(), 0.8);
}
END_TEST

/* Under the partition by label each part's model learns its part alone. */
START_TEST(parts_have_models_of_their_own)
{
    const uint64_t seed = 5;
    tiny_images(images, labels, RECORDS, CLASSES, 1);
    CHECK_OK(dpmix_options_set_int(options, DPMIX_OPTION_CONDITIONAL, 0));
    open_release(RECORDS, labels, 50);
    dpmix_mixture *mixture = fitted_by_label(new_rbm(), options);
    CHECK_OK(dpmix_mixture_sample(mixture, samples, sampled_labels, 0, SAMPLES, TINY_PIXELS, &seed));
    ck_assert_double_ge(share_right(), 0.9);
    dpmix_mixture_free(mixture);
    close_release();
}
END_TEST

/* ---- Sampling ---- */

START_TEST(threads_and_cuts_change_nothing)
{
    dpmix_generator *generators[2];
    tiny_images(images, labels, RECORDS, CLASSES, 1);
    CHECK_OK(dpmix_options_set_int(options, DPMIX_OPTION_STEPS, 10));
    CHECK_OK(dpmix_options_set_int(options, DPMIX_OPTION_RBM_CD_STEPS, 2));
    CHECK_OK(dpmix_options_set_int(options, DPMIX_OPTION_RBM_BURN_IN, 3));
    CHECK_OK(dpmix_options_set_int(options, DPMIX_OPTION_RBM_THINNING, 2));
    CHECK_OK(dpmix_options_set_int(options, DPMIX_OPTION_RBM_VISIBLE, _i + 1));
    for (int i = 0; i < 2; i++) {
        CHECK_OK(dpmix_options_set_int(options, DPMIX_OPTION_THREADS, 1 + i));
        open_release(RECORDS, labels, 5);
        generators[i] = fitted_rbm();
        close_release();
    }
    check_sequence(generators[0], generators[1], SAMPLES);
    dpmix_generator_free(generators[0]);
    dpmix_generator_free(generators[1]);
}
END_TEST

START_TEST(draws_are_zeros_and_ones)
{
    tiny_images(images, labels, RECORDS, CLASSES, 1);
    CHECK_OK(dpmix_options_set_int(options, DPMIX_OPTION_RBM_OUTPUT, DPMIX_RBM_DRAWS));
    fit_and_draw(TINY_PIXELS, labels, 50);
    double mean = 0, expected = 0;
    for (size_t i = 0; i < SAMPLES * (size_t)TINY_PIXELS; i++) {
        ck_assert(samples[i] == 0 || samples[i] == 255);
        mean += (double)samples[i] / (SAMPLES * TINY_PIXELS);
    }
    for (size_t i = 0; i < RECORDS * (size_t)TINY_PIXELS; i++)
        expected += (double)images[i] / (RECORDS * TINY_PIXELS);
    ck_assert_double_le(fabs(mean - expected), 25);
}
END_TEST

/* Nearly all units of a machine that has hardly learned are on in half of the draws, each by itself. */
START_TEST(neighbours_are_drawn_apart)
{
    size_t alike = 0;
    tiny_images(images, labels, RECORDS, CLASSES, 1);
    CHECK_OK(dpmix_options_set_int(options, DPMIX_OPTION_STEPS, 1));
    CHECK_OK(dpmix_options_set_double(options, DPMIX_OPTION_LEARNING_RATE, 1e-9));
    CHECK_OK(dpmix_options_set_int(options, DPMIX_OPTION_RBM_OUTPUT, DPMIX_RBM_DRAWS));
    fit_and_draw(TINY_PIXELS, NULL, 1);
    for (size_t i = 0; i < SAMPLES * (size_t)TINY_PIXELS; i += 2)
        alike += samples[i] == samples[i + 1];
    ck_assert_double_eq_tol((double)alike / (SAMPLES * TINY_PIXELS / 2), 0.5, 0.02); /* 7 deviations */
}
END_TEST

/* Records of one chain are alike, those of different chains are not. */
START_TEST(options_of_sampling_count)
{
    static const int keys[] = {DPMIX_OPTION_RBM_BURN_IN, DPMIX_OPTION_RBM_THINNING, DPMIX_OPTION_RBM_OUTPUT};
    tiny_images(images, labels, RECORDS, CLASSES, 1);
    CHECK_OK(dpmix_options_set_int(options, DPMIX_OPTION_STEPS, 5));
    fit_and_draw(TINY_PIXELS, labels, 5);
    memcpy(other_samples, samples, sizeof samples);
    for (size_t k = 0; k < sizeof keys / sizeof *keys; k++) {
        int64_t preset = 0;
        CHECK_OK(dpmix_options_get_int(options, &preset, keys[k]));
        CHECK_OK(dpmix_options_set_int(options, keys[k], 2));
        fit_and_draw(TINY_PIXELS, labels, 5);
        ck_assert_mem_ne(samples, other_samples, sizeof samples);
        CHECK_OK(dpmix_options_set_int(options, keys[k], preset));
    }
    fit_and_draw(TINY_PIXELS, labels, 5);
    ck_assert_mem_eq(samples, other_samples, sizeof samples);
}
END_TEST

START_TEST(labels_only_when_conditional)
{
    tiny_images(images, labels, RECORDS, CLASSES, 1);
    CHECK_OK(dpmix_options_set_int(options, DPMIX_OPTION_STEPS, 5));
    for (int with_labels = 0; with_labels <= 1; with_labels++) {
        CHECK_OK(dpmix_options_set_int(options, DPMIX_OPTION_CONDITIONAL, !with_labels));
        open_release(RECORDS, with_labels ? labels : NULL, 50);
        dpmix_generator *generator = fitted_rbm();
        CHECK_FAILS(dpmix_generator_sample(generator, samples, sampled_labels, 0, 1, TINY_PIXELS, NULL),
                    DPMIX_ERR_UNSUPPORTED, "labels");
        draw(generator, samples, NULL, 0, SAMPLES);
        dpmix_generator_free(generator);
        close_release();
    }
}
END_TEST

/* ---- Errors ---- */

START_TEST(bad_options_are_refused)
{
    static const struct {
        int key;
        int64_t low, high;
    } bounds[] = {
        {DPMIX_OPTION_RBM_HIDDEN, 0, 65537},     {DPMIX_OPTION_RBM_VISIBLE, 0, 3},
        {DPMIX_OPTION_RBM_CD_STEPS, 0, 101},     {DPMIX_OPTION_RBM_BURN_IN, -1, 100001},
        {DPMIX_OPTION_RBM_THINNING, -1, 100001}, {DPMIX_OPTION_RBM_OUTPUT, 0, 3},
    };
    for (size_t i = 0; i < sizeof bounds / sizeof *bounds; i++) {
        CHECK_FAILS(dpmix_options_set_int(options, bounds[i].key, bounds[i].low), DPMIX_ERR_RANGE, "rbm_");
        CHECK_FAILS(dpmix_options_set_int(options, bounds[i].key, bounds[i].high), DPMIX_ERR_RANGE, "rbm_");
    }
    CHECK_FAILS(dpmix_options_set_double(options, DPMIX_OPTION_RBM_DEVIATION, 0), DPMIX_ERR_RANGE, "rbm_");
    CHECK_FAILS(dpmix_options_set_double(options, DPMIX_OPTION_RBM_DEVIATION, NAN), DPMIX_ERR_RANGE, "rbm_");
}
END_TEST

static int cancel_at_once(void *user, int phase, uint64_t done, uint64_t total, double epsilon_spent)
{
    (void)user, (void)phase, (void)total, (void)epsilon_spent;
    return done == 2;
}

/* A failed allocation costs nothing before the debit; a fit that was cancelled can be made anew. */
START_TEST(fits_fail_cleanly)
{
    tiny_images(images, labels, RECORDS, CLASSES, 1);
    CHECK_OK(dpmix_options_set_int(options, DPMIX_OPTION_STEPS, 5));
    open_release(100, labels, 1);
    dpmix_generator *generator = new_rbm();
    check_memory_comes_first(generator, 8);
    ck_assert_int_eq(dpmix_generator_fit(generator, accountant, dataset, 0.5, cancel_at_once, NULL),
                     DPMIX_ERR_CANCELLED);
    CHECK_OK(dpmix_generator_fit(generator, accountant, dataset, 1, NULL, NULL));
    ck_assert_uint_eq(tiny_entries(accountant), 2);
    dpmix_generator_free(generator);
    close_release();
}
END_TEST

/* A model from a file that passed its checksum but was made to harm: it is refused, or it samples as models
 * do. (The bytes that say how long chains are may make that long; they are left alone.) */
START_TEST(hostile_models_do_no_harm)
{
    const uint64_t seed = 11;
    struct dpm_blob blob = {0};
    struct tiny_tally tally = {0};
    tiny_images(images, labels, RECORDS, CLASSES, 1);
    CHECK_OK(dpmix_options_set_int(options, DPMIX_OPTION_STEPS, 2));
    CHECK_OK(dpmix_options_set_int(options, DPMIX_OPTION_RBM_HIDDEN, 3));
    CHECK_OK(dpmix_options_set_int(options, DPMIX_OPTION_RBM_BURN_IN, 2));
    open_release(100, labels, 1);
    dpmix_generator *generator = fitted_rbm();
    tiny_put(&blob, generator, 64);
    size_t weights = ((TINY_PIXELS + CLASSES + 1) * 4) * sizeof(float) + CLASSES * sizeof(double);
    size_t sweeps = blob.size - weights - 3 * sizeof(uint64_t); /* burn-in and thinning, before the output */
    for (size_t at = 0; at < blob.size; at++)
        for (int bit = 0; bit < 8 && !(at >= sweeps && at < sweeps + 2 * sizeof(uint64_t)); bit += 7)
            tiny_get_damaged(&tally, &blob, at, bit, generator, &seed);
    ck_assert_uint_gt(tally.refused, 100);
    ck_assert_uint_gt(tally.accepted, 100); /* most bytes are weights */
    dpm_blob_free(&blob);
    dpmix_generator_free(generator);
    close_release();
}
END_TEST

static Suite *suite(void)
{
    const TTest *const tests[] = {
        learns_bars_and_stripes,   parts_have_models_of_their_own,
        draws_are_zeros_and_ones,  neighbours_are_drawn_apart,
        options_of_sampling_count, labels_only_when_conditional,
        bad_options_are_refused,   fits_fail_cleanly,
        hostile_models_do_no_harm,
    };
    Suite *s = suite_create("rbm");
    TCase *check_case = tcase_create("rbm");
    tcase_set_timeout(check_case, 0);
    tcase_add_checked_fixture(check_case, setup, options_teardown);
    for (size_t i = 0; i < sizeof tests / sizeof *tests; i++)
        tcase_add_test(check_case, tests[i]);
    tcase_add_loop_test(check_case, records_go_with_their_labels, 0, 2);
    tcase_add_loop_test(check_case, threads_and_cuts_change_nothing, 0, 2);
    suite_add_tcase(s, check_case);
    return s;
}

CHECK_MAIN(suite)
