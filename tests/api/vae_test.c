/* SPDX-License-Identifier: BSD-3-Clause */
/* The VAE through the public functions: what it learns, of which class and part, and what is its own in a
 * file. What all generators have in common is tested in generator_test.c. */
#include "generator_prior.h"

#include "tiny_json.h"
#include "tiny_release.h"

#include <math.h>

enum { RECORDS = 4000, SAMPLES = 2000 };

static int64_t live;
static int32_t sampled_labels[SAMPLES];
static float samples[SAMPLES * TINY_PIXELS];

static void setup(void)
{
    live = dpm_alloc_live();
    tiny_images(images, labels, RECORDS, CLASSES, 1);
}

static void teardown(void)
{
    ck_assert_int_eq(dpm_alloc_live(), live);
}

static dpmix_options *new_options(int steps)
{
    dpmix_options *options = NULL;
    CHECK_OK(dpmix_options_new(&options));
    CHECK_OK(dpmix_options_set_int(options, DPMIX_OPTION_THREADS, 2));
    CHECK_OK(dpmix_options_set_int(options, DPMIX_OPTION_STEPS, steps));
    CHECK_OK(dpmix_options_set_double(options, DPMIX_OPTION_SAMPLING_RATE, 0.1));
    CHECK_OK(dpmix_options_set_double(options, DPMIX_OPTION_LEARNING_RATE, 0.02));
    CHECK_OK(dpmix_options_set_double(options, DPMIX_OPTION_CLIP_NORM, 1));
    CHECK_OK(dpmix_options_set_int(options, DPMIX_OPTION_CONDITIONAL, 1));
    CHECK_OK(dpmix_options_set_int(options, DPMIX_OPTION_VAE_HIDDEN, 24));
    CHECK_OK(dpmix_options_set_int(options, DPMIX_OPTION_VAE_LATENT, 4));
    return options;
}

static dpmix_generator *new_vae(const dpmix_options *options)
{
    dpmix_generator *generator = NULL;
    CHECK_OK(dpmix_generator_new(&generator, DPMIX_GENERATOR_VAE, options));
    return generator;
}

static dpmix_generator *fitted_vae(const dpmix_options *options)
{
    return fitted(new_vae(options));
}

/* The line of an image that is brightest, and how much brighter than the mean of all. */
static int brightest_line(const float *image, double *contrast)
{
    double lines[TINY_SIDE] = {0}, mean = 0;
    int best = 0;
    for (size_t j = 0; j < TINY_PIXELS; j++) {
        lines[j / TINY_SIDE] += (double)image[j] / TINY_SIDE;
        mean += (double)image[j] / TINY_PIXELS;
    }
    for (int line = 1; line < TINY_SIDE; line++)
        if (lines[line] > lines[best])
            best = line;
    *contrast = lines[best] - mean;
    return best;
}

static void check_range(const float *rows, size_t n)
{
    for (size_t i = 0; i < n * TINY_PIXELS; i++)
        ck_assert(rows[i] >= 0 && rows[i] <= 255);
}

/* Shares of the classes among the samples, and of the samples whose bright line is that of their class. */
static double check_samples(double shares[CLASSES])
{
    size_t right = 0;
    memset(shares, 0, CLASSES * sizeof *shares);
    check_range(samples, SAMPLES);
    for (size_t i = 0; i < SAMPLES; i++) {
        double contrast;
        int line = brightest_line(samples + i * TINY_PIXELS, &contrast);
        ck_assert(sampled_labels[i] >= 0 && sampled_labels[i] < CLASSES);
        right += line == sampled_labels[i] && contrast > 50; /* that of the records is about 150 */
        shares[sampled_labels[i]] += 1. / SAMPLES;
    }
    return (double)right / SAMPLES;
}

/* With little noise it makes each class's image in the class's share; with much, still records in their
 * bounds. */
START_TEST(learns_the_classes)
{
    dpmix_options *options = new_options(150);
    double shares[CLASSES];
    open_release(RECORDS, labels, 50);
    dpmix_generator *generator = fitted_vae(options);
    draw(generator, samples, sampled_labels, 0, SAMPLES);
    ck_assert_double_ge(check_samples(shares), 0.95);
    for (int32_t c = 0; c < CLASSES; c++) /* 2,000 draws: a standard deviation of 0.011 at most */
        ck_assert_double_le(fabs(shares[c] - tiny_share(c, CLASSES)), 0.07);
    dpmix_generator_free(generator);
    close_release();

    open_release(RECORDS, labels, 0.02);
    generator = fitted_vae(options);
    draw(generator, samples, sampled_labels, 0, SAMPLES);
    ck_assert_double_lt(check_samples(shares), 0.9);
    dpmix_generator_free(generator);
    close_release();
    dpmix_options_free(options);
}
END_TEST

START_TEST(makes_labels_only_when_conditional)
{
    dpmix_options *options = new_options(100);
    for (int with_labels = 0; with_labels <= 1; with_labels++) {
        CHECK_OK(dpmix_options_set_int(options, DPMIX_OPTION_CONDITIONAL, !with_labels));
        open_release(RECORDS, with_labels ? labels : NULL, 50);
        dpmix_generator *generator = fitted_vae(options);
        CHECK_FAILS(dpmix_generator_sample(generator, samples, sampled_labels, 0, 1, TINY_PIXELS, NULL),
                    DPMIX_ERR_UNSUPPORTED, "labels");
        draw(generator, samples, NULL, 0, SAMPLES);
        check_range(samples, SAMPLES);
        size_t bright = 0;
        for (size_t i = 0; i < SAMPLES; i++) {
            double contrast;
            bright += brightest_line(samples + i * TINY_PIXELS, &contrast) < CLASSES && contrast > 20;
        }
        ck_assert_uint_ge(bright, SAMPLES * 9 / 10);
        dpmix_generator_free(generator);
        close_release();
    }
    dpmix_options_free(options);
}
END_TEST

/* Under the partition by label each part's model learns its part alone. */
START_TEST(parts_have_models_of_their_own)
{
    dpmix_options *options = new_options(100);
    size_t right = 0;
    const uint64_t seed = 5;
    CHECK_OK(dpmix_options_set_int(options, DPMIX_OPTION_CONDITIONAL, 0));
    open_release(RECORDS, labels, 50);
    dpmix_mixture *mixture = fitted_by_label(new_vae(options), options);
    CHECK_OK(dpmix_mixture_sample(mixture, samples, sampled_labels, 0, SAMPLES, TINY_PIXELS, &seed));
    for (size_t i = 0; i < SAMPLES; i++) {
        double contrast;
        right += brightest_line(samples + i * TINY_PIXELS, &contrast) == sampled_labels[i] && contrast > 50;
    }
    ck_assert_uint_ge(right, SAMPLES * 95 / 100);
    dpmix_mixture_free(mixture);
    close_release();
    dpmix_options_free(options);
}
END_TEST

/* ---- The law of latent space ---- */

/* Without noise the Gaussian of a class has the moments of its rows' places: of their means, and the
 * variances of each on top. */
START_TEST(a_prior_has_the_moments_of_the_places)
{
    enum { PLACES = 2000, LATENT = 2, WIDTH = 1 + LATENT + 3 };
    static float drawn[PLACES * LATENT], places[2][PLACES * LATENT];
    static int32_t classes[PLACES];
    struct tiny_random random = {2};
    struct dpm_prior *prior = NULL;
    CHECK_OK(dpm_prior_new(&prior, 1, 2, LATENT));
    for (size_t i = 0; i < 2 * PLACES; i++) {
        int32_t c = (int32_t)(i / PLACES);
        float *place = places[c] + i % PLACES * LATENT, left[2], right[WIDTH];
        const float log_variances[LATENT] = {logf(0.5f), logf(0.25f)};
        place[0] = (float)(c + tiny_normal(&random));
        place[1] = (float)((c ? -0.7 : 0.7) * (double)place[0] + 0.5 * tiny_normal(&random));
        dpm_prior_contribute(prior, 1, place, log_variances, &c, left, right);
        for (size_t j = 0; j < 2 * WIDTH; j++)
            dpm_prior_sums(prior)[j] += (double)left[j / WIDTH] * (double)right[j % WIDTH];
    }
    CHECK_OK(dpm_prior_set(prior, 1e-9));
    for (int32_t c = 0; c < 2; c++) {
        struct tiny_moments truth = tiny_moments_of(places[c], PLACES, LATENT);
        truth.covariance[0][0] += 0.5;
        truth.covariance[1][1] += 0.25;
        for (size_t i = 0; i < PLACES; i++)
            classes[i] = c;
        for (size_t i = 0; i < PLACES * LATENT; i++)
            drawn[i] = (float)tiny_normal(&random);
        dpm_prior_draw(prior, 0, classes, PLACES, drawn);
        struct tiny_moments found = tiny_moments_of(drawn, PLACES, LATENT);
        for (size_t j = 0; j < LATENT; j++) {
            ck_assert_double_eq_tol(found.mean[j], truth.mean[j], 0.1);
            for (size_t k = 0; k < LATENT; k++)
                ck_assert_double_eq_tol(found.covariance[j][k], truth.covariance[j][k], 0.15);
        }
    }
    dpm_prior_free(prior);
}
END_TEST

/* The sum of count / noise^2 of what the ledger has of a mechanism behind `at`. */
static double weight_behind(const char *at, const char *mechanism)
{
    double weight = 0;
    while ((at = strstr(at, mechanism)) != NULL) {
        double noise = next_number(&at, "noise_multiplier");
        weight += next_number(&at, "count") / (noise * noise);
    }
    return weight;
}

/* What the queries after the training take, all together, is the share that the option says of what the
 * training takes: by the sum of squared inverse multipliers, in which a step counts with the square of its
 * rate. */
START_TEST(the_prior_takes_its_share)
{
    const double share = 0.2, rate = 0.1;
    for (int prior = DPMIX_VAE_PRIOR_GAUSSIAN; prior <= DPMIX_VAE_PRIOR_MIXTURE; prior++) {
        dpmix_options *options = new_options(10);
        CHECK_OK(dpmix_options_set_int(options, DPMIX_OPTION_VAE_PRIOR, prior));
        CHECK_OK(dpmix_options_set_double(options, DPMIX_OPTION_VAE_PRIOR_SHARE, share));
        open_release(RECORDS, labels, 2);
        dpmix_generator_free(fitted_vae(options));
        const char *json = tiny_text(dpmix_accountant_json, accountant);
        double training = rate * rate * weight_behind(json, "\"poisson_subsampled_gaussian\"");
        double rest = weight_behind(strstr(json, "\"poisson_subsampled_gaussian\""), "\"gaussian\"");
        ck_assert_double_eq_tol(rest / training, share, 1e-6);
        dpmix_options_free(options);
        close_release();
    }
}
END_TEST

/* ---- The rest ---- */

START_TEST(threads_and_cuts_change_nothing)
{
    dpmix_options *options = new_options(10);
    dpmix_generator *generators[2];
    for (int i = 0; i < 2; i++) {
        CHECK_OK(dpmix_options_set_int(options, DPMIX_OPTION_THREADS, 1 + 2 * i));
        open_release(RECORDS, labels, 5);
        generators[i] = fitted_vae(options);
        close_release();
    }
    check_sequence(generators[0], generators[1], SAMPLES);
    dpmix_generator_free(generators[0]);
    dpmix_generator_free(generators[1]);
    dpmix_options_free(options);
}
END_TEST

/* No rows, and more classes than rows: all counts are noise, and the fit is like any other. */
START_TEST(hardly_any_rows_are_enough)
{
    dpmix_options *options = new_options(20);
    double shares[CLASSES];
    for (size_t n_rows = 0; n_rows < 3; n_rows++) {
        open_release(n_rows, labels, 1);
        dpmix_generator *generator = fitted_vae(options);
        draw(generator, samples, sampled_labels, 0, SAMPLES);
        check_samples(shares);
        dpmix_generator_free(generator);
        close_release();
    }
    dpmix_options_free(options);
}
END_TEST

START_TEST(options_that_do_not_fit_are_refused_before_the_debit)
{
    dpmix_options *options = new_options(10);
    CHECK_FAILS(dpmix_options_set_int(options, DPMIX_OPTION_VAE_HIDDEN, 0), DPMIX_ERR_RANGE, "");
    CHECK_FAILS(dpmix_options_set_int(options, DPMIX_OPTION_VAE_LATENT, 0), DPMIX_ERR_RANGE, "");
    CHECK_FAILS(dpmix_options_set_double(options, DPMIX_OPTION_CLIP_NORM, 0), DPMIX_ERR_RANGE, "");
    CHECK_FAILS(dpmix_options_set_double(options, DPMIX_OPTION_SAMPLING_RATE, 0), DPMIX_ERR_RANGE, "");
    CHECK_FAILS(dpmix_options_set_double(options, DPMIX_OPTION_SAMPLING_RATE, 1.5), DPMIX_ERR_RANGE, "");
    CHECK_FAILS(dpmix_options_set_double(options, DPMIX_OPTION_LEARNING_RATE, NAN), DPMIX_ERR_RANGE, "");
    open_release(100, labels, 1);
    dpmix_generator *generator = new_vae(options);
    check_memory_comes_first(generator, 8);
    CHECK_OK(dpmix_generator_fit(generator, accountant, dataset, 1, NULL, NULL));
    dpmix_generator_free(generator);
    close_release();
    dpmix_options_free(options);
}
END_TEST

/* A model from a file that passed its checksum but was made to harm: it is refused, or it samples as models
 * do. */
START_TEST(hostile_models_do_no_harm)
{
    dpmix_options *options = new_options(2);
    const uint64_t seed = 11;
    struct dpm_blob blob = {0};
    struct tiny_tally tally = {0};
    CHECK_OK(dpmix_options_set_int(options, DPMIX_OPTION_VAE_HIDDEN, 3));
    CHECK_OK(dpmix_options_set_int(options, DPMIX_OPTION_VAE_LATENT, 2));
    open_release(100, labels, 1);
    dpmix_generator *generator = fitted_vae(options);
    tiny_put(&blob, generator, 64);
    for (size_t at = 0; at < blob.size; at++)
        for (int bit = 0; bit < 8; bit += 7)
            tiny_get_damaged(&tally, &blob, at, bit, generator, &seed);
    ck_assert_uint_gt(tally.refused, 100);
    ck_assert_uint_gt(tally.accepted, 100); /* most bytes are weights */
    dpm_blob_free(&blob);
    dpmix_generator_free(generator);
    close_release();
    dpmix_options_free(options);
}
END_TEST

static Suite *suite(void)
{
    const TTest *const tests[] = {
        learns_the_classes,
        makes_labels_only_when_conditional,
        parts_have_models_of_their_own,
        a_prior_has_the_moments_of_the_places,
        the_prior_takes_its_share,
        threads_and_cuts_change_nothing,
        hardly_any_rows_are_enough,
        options_that_do_not_fit_are_refused_before_the_debit,
        hostile_models_do_no_harm,
    };
    Suite *s = suite_create("vae");
    TCase *check_case = tcase_create("vae");
    tcase_set_timeout(check_case, 0);
    tcase_add_checked_fixture(check_case, setup, teardown);
    for (size_t i = 0; i < sizeof tests / sizeof *tests; i++)
        tcase_add_test(check_case, tests[i]);
    suite_add_tcase(s, check_case);
    return s;
}

CHECK_MAIN(suite)
