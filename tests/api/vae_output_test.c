/* SPDX-License-Identifier: BSD-3-Clause */
/* The VAE's output laws, latent prior and depth through the public functions: moons, digits, a small table.
 */
#include "tiny_get.h"
#include "tiny_model.h"
#include "tiny_options.h"

#include <math.h>

enum { RECORDS = 4000, SAMPLES = 2000, MOST_COLUMNS = 64 };

static float rows[RECORDS * MOST_COLUMNS], samples[SAMPLES * MOST_COLUMNS],
    other_samples[SAMPLES * MOST_COLUMNS];
static int32_t labels[RECORDS], sampled_labels[SAMPLES], other_labels[SAMPLES];

static void setup(void)
{
    options_setup();
    set_int(DPMIX_OPTION_THREADS, 2);
    set_int(DPMIX_OPTION_VAE_HIDDEN, 24);
    set_int(DPMIX_OPTION_VAE_LATENT, 4);
    set_double(DPMIX_OPTION_SAMPLING_RATE, 0.1);
    set_double(DPMIX_OPTION_LEARNING_RATE, 0.02);
}

/* A VAE fitted to the first columns of `rows`, whose bounds are [-1, 3]; groups and labels may be NULL. */
static dpmix_generator *fit(size_t n_columns, const int32_t *row_labels, int n_classes, const int32_t *groups,
                            double epsilon)
{
    struct tiny_mode mode;
    dpmix_generator *generator = NULL;
    dpmix_dataset *dataset = tiny_dataset(rows, RECORDS, n_columns, row_labels, n_classes);
    dpmix_accountant *accountant = tiny_accountant(epsilon);
    if (groups)
        CHECK_OK(dpmix_dataset_set_groups(dataset, groups, n_columns));
    tiny_mode_set(&mode, dataset, 5);
    CHECK_OK(dpmix_generator_new(&generator, DPMIX_GENERATOR_VAE, options));
    CHECK_OK(dpmix_generator_fit(generator, accountant, dataset, 1, NULL, NULL));
    dpmix_dataset_free(dataset);
    dpmix_accountant_free(accountant);
    return generator;
}

static void draw(const dpmix_generator *generator, float *to, int32_t *to_labels, size_t n_columns)
{
    const uint64_t seed = 11;
    CHECK_OK(dpmix_generator_sample(generator, to, to_labels, 0, SAMPLES, n_columns, &seed));
}

/* ---- Two moons ---- */

#define PI 3.14159265358979

/* Point at angle t of a moon: half circles of radius 1 about (0, 0) and (1, 0.5), within [-1, 3]. */
static void moon_point(int moon, double t, double point[2])
{
    point[0] = moon ? 1 - cos(t) : cos(t);
    point[1] = moon ? 0.5 - sin(t) : sin(t);
}

static void make_moons(void)
{
    struct tiny_random random = {3};
    for (size_t i = 0; i < RECORDS; i++) {
        double point[2];
        labels[i] = (int32_t)(i % 2);
        moon_point(labels[i], PI * tiny_uniform(&random), point);
        for (size_t j = 0; j < 2; j++)
            rows[2 * i + j] = (float)(point[j] + 0.08 * tiny_normal(&random));
    }
}

/* Share of the samples near their moon, by each third of it at least a tenth of them; 0 if a third has fewer.
 */
static double moon_share(void)
{
    enum { STEPS = 60 };
    size_t near = 0, thirds[2][3] = {{0}};
    for (size_t i = 0; i < SAMPLES; i++) {
        double least = 9, point[2];
        int best = 0, moon = sampled_labels[i];
        for (int step = 0; step <= STEPS; step++) {
            moon_point(moon, PI * step / STEPS, point);
            double away = hypot((double)samples[2 * i] - point[0], (double)samples[2 * i + 1] - point[1]);
            best = away < least ? step : best;
            least = fmin(least, away);
        }
        near += least < 0.3;
        thirds[moon][best * 3 / (STEPS + 1)]++;
    }
    for (int t = 0; t < 6; t++)
        if (thirds[t / 3][t % 3] < SAMPLES / 20)
            return 0;
    return (double)near / SAMPLES;
}

static void moon_options(void)
{
    set_int(DPMIX_OPTION_VAE_OUTPUT, DPMIX_VAE_OUTPUT_GAUSSIAN);
    set_int(DPMIX_OPTION_VAE_DRAW, 1);
    set_int(DPMIX_OPTION_VAE_LAYERS, 2);
    set_int(DPMIX_OPTION_VAE_ACTIVATION, DPMIX_ACTIVATION_TANH);
    set_int(DPMIX_OPTION_STEPS, 300);
    set_int(DPMIX_OPTION_VAE_LATENT, 2);
    set_double(DPMIX_OPTION_CLIP_NORM, 2);
}

START_TEST(learns_two_moons)
{
    double shares[3];
    const double epsilons[3] = {0.1, 5, 1000};
    make_moons();
    moon_options();
    set_int(DPMIX_OPTION_VAE_PRIOR, DPMIX_VAE_PRIOR_GAUSSIAN);
    set_double(DPMIX_OPTION_VAE_BETA, 0.1);
    for (int i = 0; i < 3; i++) {
        dpmix_generator *generator = fit(2, labels, 2, NULL, epsilons[i]);
        draw(generator, samples, sampled_labels, 2);
        shares[i] = moon_share();
        dpmix_generator_free(generator);
    }
    ck_assert_double_ge(shares[2], 0.9);
    ck_assert_double_ge(shares[1], 0.7);
    ck_assert_double_lt(shares[0], shares[1] - 0.1);
}
END_TEST

/* With a small beta the records lie where N(0, I) does not. */
START_TEST(the_fitted_prior_is_better_than_a_wrong_one)
{
    double shares[3];
    make_moons();
    moon_options();
    set_double(DPMIX_OPTION_VAE_BETA, 0.02);
    for (int prior = DPMIX_VAE_PRIOR_NORMAL; prior <= DPMIX_VAE_PRIOR_MIXTURE; prior++) {
        set_int(DPMIX_OPTION_VAE_PRIOR, prior);
        dpmix_generator *generator = fit(2, labels, 2, NULL, 10);
        draw(generator, samples, sampled_labels, 2);
        shares[prior - 1] = moon_share();
        dpmix_generator_free(generator);
    }
    ck_assert_double_ge(shares[1], shares[0] + 0.1);
    ck_assert_double_ge(shares[2], shares[0] + 0.1);
}
END_TEST

/* ---- Four corners ---- */

/* Of class 0 two opposite corners of a square, of class 1 the other two: no class is about one place. */
static void corner_point(int corner, double point[2])
{
    point[0] = corner == 0 || corner == 2 ? -0.2 : 2.2;
    point[1] = corner == 0 || corner == 3 ? -0.2 : 2.2;
}

static void make_corners(void)
{
    struct tiny_random random = {8};
    for (size_t i = 0; i < RECORDS; i++) {
        int corner = (int)(i % 4);
        double point[2];
        labels[i] = corner >= 2;
        corner_point(corner, point);
        for (size_t j = 0; j < 2; j++)
            rows[2 * i + j] = (float)(point[j] + 0.1 * tiny_normal(&random));
    }
}

/* Share of the samples near one of the corners that their class has, or any class where they have none; 0 if
 * one of the four has less than an eighth of them. */
static double corner_share(int with_labels)
{
    size_t near[4] = {0};
    for (size_t i = 0; i < SAMPLES; i++)
        for (int corner = 0; corner < 4; corner++) {
            double point[2];
            corner_point(corner, point);
            if (with_labels && sampled_labels[i] != (corner >= 2))
                continue;
            near[corner] +=
                hypot((double)samples[2 * i] - point[0], (double)samples[2 * i + 1] - point[1]) < 0.5;
        }
    for (int corner = 0; corner < 4; corner++)
        if (near[corner] < SAMPLES / 8)
            return 0;
    return (double)(near[0] + near[1] + near[2] + near[3]) / SAMPLES;
}

/* One Gaussian has most of its mass between the corners. _i: whether there are classes. */
START_TEST(a_mixture_finds_what_one_gaussian_cannot)
{
    double shares[2];
    make_corners();
    moon_options();
    set_double(DPMIX_OPTION_VAE_BETA, 0.02);
    set_int(DPMIX_OPTION_GMM_COMPONENTS, _i ? 2 : 4);
    for (int prior = DPMIX_VAE_PRIOR_GAUSSIAN; prior <= DPMIX_VAE_PRIOR_MIXTURE; prior++) {
        set_int(DPMIX_OPTION_VAE_PRIOR, prior);
        dpmix_generator *generator = fit(2, _i ? labels : NULL, _i ? 2 : 0, NULL, 10);
        draw(generator, samples, _i ? sampled_labels : NULL, 2);
        shares[prior - DPMIX_VAE_PRIOR_GAUSSIAN] = corner_share(_i);
        dpmix_generator_free(generator);
    }
    ck_assert_double_ge(shares[1], 0.85);
    ck_assert_double_ge(shares[1], shares[0] + 0.1);
}
END_TEST

/* ---- Digits ---- */

enum { DIGITS = 10 };

static const uint8_t glyphs[DIGITS][8] = {
    {0x3c, 0x66, 0x6e, 0x76, 0x66, 0x66, 0x3c, 0}, {0x18, 0x38, 0x18, 0x18, 0x18, 0x18, 0x7e, 0},
    {0x3c, 0x66, 0x06, 0x0c, 0x30, 0x60, 0x7e, 0}, {0x3c, 0x66, 0x06, 0x1c, 0x06, 0x66, 0x3c, 0},
    {0x0c, 0x1c, 0x2c, 0x4c, 0x7e, 0x0c, 0x0c, 0}, {0x7e, 0x60, 0x7c, 0x06, 0x06, 0x66, 0x3c, 0},
    {0x1c, 0x30, 0x60, 0x7c, 0x66, 0x66, 0x3c, 0}, {0x7e, 0x06, 0x0c, 0x18, 0x30, 0x30, 0x30, 0},
    {0x3c, 0x66, 0x66, 0x3c, 0x66, 0x66, 0x3c, 0}, {0x3c, 0x66, 0x66, 0x3e, 0x06, 0x0c, 0x38, 0},
};

static int glyph_bit(int digit, size_t pixel)
{
    return glyphs[digit][pixel / 8] >> (7 - pixel % 8) & 1;
}

/* Zeros and ones at the two bounds; 5 % of the pixels are wrong. */
static void make_digits(void)
{
    struct tiny_random random = {9};
    for (size_t i = 0; i < RECORDS; i++) {
        labels[i] = (int32_t)(i % DIGITS);
        for (size_t j = 0; j < TINY_PIXELS; j++) {
            int bit = glyph_bit(labels[i], j) ^ (tiny_uniform(&random) < 0.05);
            rows[i * TINY_PIXELS + j] = bit ? (float)TINY_UPPER : (float)TINY_LOWER;
        }
    }
}

/* Share of the samples whose nearest digit is that of their label. */
static double digit_share(void)
{
    size_t right = 0;
    for (size_t i = 0; i < SAMPLES; i++) {
        double least = 1e9;
        int best = 0;
        for (int digit = 0; digit < DIGITS; digit++) {
            double away = 0;
            for (size_t j = 0; j < TINY_PIXELS; j++) {
                double ink = ((double)samples[i * TINY_PIXELS + j] - TINY_LOWER) / (TINY_UPPER - TINY_LOWER);
                away += pow(ink - glyph_bit(digit, j), 2);
            }
            best = away < least ? digit : best;
            least = fmin(least, away);
        }
        right += best == sampled_labels[i];
    }
    return (double)right / SAMPLES;
}

START_TEST(learns_digits_better_with_more_budget)
{
    const double epsilons[] = {0.02, 0.1, 30};
    double shares[3];
    make_digits();
    set_int(DPMIX_OPTION_STEPS, 100);
    set_int(DPMIX_OPTION_VAE_ACTIVATION, DPMIX_ACTIVATION_LEAKY_RELU);
    set_int(DPMIX_OPTION_VAE_DRAWS, 2);
    set_int(DPMIX_OPTION_VAE_DRAW, 1);
    for (int i = 0; i < 3; i++) {
        dpmix_generator *generator = fit(TINY_PIXELS, labels, DIGITS, NULL, epsilons[i]);
        draw(generator, samples, sampled_labels, TINY_PIXELS);
        shares[i] = digit_share();
        for (size_t j = 0; j < SAMPLES * (size_t)TINY_PIXELS; j++)
            ck_assert((double)samples[j] == TINY_LOWER || (double)samples[j] == TINY_UPPER);
        dpmix_generator_free(generator);
    }
    ck_assert_double_gt(shares[2], 0.9);
    ck_assert_double_gt(shares[1], shares[0] + 0.1);
    ck_assert_double_gt(shares[2], shares[1] + 0.05);
}
END_TEST

/* ---- A table ---- */

/* A number, a category of three, one of two that mostly follows it, and a number that depends on the first.
 */
enum { TABLE_COLUMNS = 7 };
static const int32_t table_groups[TABLE_COLUMNS] = {0, 1, 1, 1, 2, 2, 0};
static const double first_shares[3] = {0.5, 0.3, 0.2};

static void put_one_hot(float *row, size_t n, size_t chosen)
{
    for (size_t j = 0; j < n; j++)
        row[j] = j == chosen ? (float)TINY_UPPER : (float)TINY_LOWER;
}

static void make_table(void)
{
    struct tiny_random random = {4};
    for (size_t i = 0; i < RECORDS; i++) {
        float *row = rows + i * TABLE_COLUMNS;
        double u = tiny_uniform(&random);
        size_t first = u < first_shares[0] ? 0 : (u < first_shares[0] + first_shares[1] ? 1 : 2);
        put_one_hot(row + 1, 3, first);
        put_one_hot(row + 4, 2, (first == 0) ^ (tiny_uniform(&random) < 0.1));
        row[0] = (float)((double)first + 0.2 * tiny_normal(&random));
        row[6] = (float)(1 + 0.3 * tiny_normal(&random));
        labels[i] = (int32_t)(i % 2);
    }
}

/* What a table's samples look like: shares of the categories, how often the second follows the first, moments
 * of the numbers. */
struct table_figures {
    double first[3], follows, mean[2], deviation[2], mean_of_first[3];
};

/* Which of n columns is at the upper bound; the others have to be at the lower one. */
static size_t one_hot(const float *row, size_t n)
{
    size_t chosen = n;
    for (size_t j = 0; j < n; j++) {
        ck_assert((double)row[j] == TINY_LOWER || (double)row[j] == TINY_UPPER);
        if ((double)row[j] == TINY_UPPER) {
            ck_assert_uint_eq(chosen, n);
            chosen = j;
        }
    }
    ck_assert_uint_lt(chosen, n);
    return chosen;
}

static struct table_figures table_figures(const float *table, size_t n)
{
    struct table_figures f = {{0}, 0, {0}, {0}, {0}};
    for (size_t i = 0; i < n; i++) {
        const float *row = table + i * TABLE_COLUMNS;
        size_t first = one_hot(row + 1, 3), second = one_hot(row + 4, 2);
        f.first[first] += 1 / (double)n;
        f.follows += (second == (first == 0)) / (double)n;
        f.mean_of_first[first] += (double)row[0];
        for (int k = 0; k < 2; k++) {
            f.mean[k] += (double)row[6 * k] / (double)n;
            f.deviation[k] += pow((double)row[6 * k], 2) / (double)n;
        }
    }
    for (int k = 0; k < 2; k++)
        f.deviation[k] = sqrt(f.deviation[k] - f.mean[k] * f.mean[k]);
    for (int c = 0; c < 3; c++)
        f.mean_of_first[c] /= fmax(1, f.first[c] * (double)n);
    return f;
}

static void table_options(void)
{
    set_int(DPMIX_OPTION_VAE_OUTPUT, DPMIX_VAE_OUTPUT_MIXED);
    set_int(DPMIX_OPTION_VAE_PRIOR, DPMIX_VAE_PRIOR_GAUSSIAN);
    set_int(DPMIX_OPTION_VAE_LAYERS, 2);
    set_int(DPMIX_OPTION_VAE_HIDDEN_LAST, 16);
    set_int(DPMIX_OPTION_STEPS, 300);
    set_double(DPMIX_OPTION_CLIP_NORM, 1.6);
}

START_TEST(learns_a_table)
{
    const double epsilons[] = {1000, 3}, tolerances[] = {0.13, 0.15};
    make_table();
    table_options();
    struct table_figures truth = table_figures(rows, RECORDS);
    for (int i = 0; i < 2; i++) {
        dpmix_generator *generator = fit(TABLE_COLUMNS, NULL, 0, table_groups, epsilons[i]);
        draw(generator, samples, NULL, TABLE_COLUMNS);
        struct table_figures made = table_figures(samples, SAMPLES);
        for (int c = 0; c < 3; c++) {
            ck_assert_double_le(fabs(made.first[c] - truth.first[c]), tolerances[i]);
            ck_assert_double_le(fabs(made.mean_of_first[c] - truth.mean_of_first[c]), 4 * tolerances[i]);
        }
        ck_assert_double_ge(made.follows, 0.75);
        for (int k = 0; k < 2; k++) {
            ck_assert_double_le(fabs(made.mean[k] - truth.mean[k]), 2 * tolerances[i]);
            ck_assert_double_le(fabs(made.deviation[k] - truth.deviation[k]), 2 * tolerances[i]);
        }
        dpmix_generator_free(generator);
    }
}
END_TEST

/* ---- What holds for every output ---- */

/* What a model can have: each output with a Gaussian in latent space, and one with a mixture. */
enum { MODELS = 4 };

static dpmix_generator *fit_model(int model, int32_t threads)
{
    make_table();
    table_options();
    set_int(DPMIX_OPTION_THREADS, threads);
    set_int(DPMIX_OPTION_VAE_OUTPUT, model % 3 + 1);
    if (model == 3) {
        set_int(DPMIX_OPTION_VAE_PRIOR, DPMIX_VAE_PRIOR_MIXTURE);
        set_int(DPMIX_OPTION_GMM_COMPONENTS, 3);
        set_int(DPMIX_OPTION_GMM_EM_STEPS, 1);
    }
    set_int(DPMIX_OPTION_VAE_DRAWS, 2);
    set_int(DPMIX_OPTION_VAE_DRAW, 1);
    set_int(DPMIX_OPTION_STEPS, 8);
    return fit(TABLE_COLUMNS, labels, 2, table_groups, 2);
}

START_TEST(threads_change_nothing)
{
    static const int32_t threads[] = {1, 2, 7};
    for (size_t i = 0; i < 3; i++) {
        dpmix_generator *generator = fit_model(_i, threads[i]);
        draw(generator, i ? other_samples : samples, i ? other_labels : sampled_labels, TABLE_COLUMNS);
        dpmix_generator_free(generator);
        ck_assert(i == 0 || memcmp(samples, other_samples, sizeof samples) == 0);
        ck_assert(i == 0 || memcmp(sampled_labels, other_labels, sizeof sampled_labels) == 0);
    }
}
END_TEST

/* A model is the same after the way through a file; one from a file that was made to harm is refused, or
 * samples as models do. */
START_TEST(files_keep_all_and_do_no_harm)
{
    struct dpm_blob blob = {0};
    struct tiny_tally tally = {0};
    set_int(DPMIX_OPTION_VAE_HIDDEN, 3);
    dpmix_generator *generator = fit_model(_i, 2);
    tiny_put(&blob, generator, SAMPLES);
    for (size_t at = 0; at < blob.size; at += 2 + at % 3)
        tiny_get_damaged(&tally, &blob, at, at % 2 ? 0 : 6, generator, NULL);
    ck_assert_uint_gt(tally.refused, 20);
    ck_assert_uint_gt(tally.accepted, 100); /* most bytes are weights */
    dpm_blob_free(&blob);
    dpmix_generator_free(generator);
}
END_TEST

/* The extra queries are part of the one debit: with them the fit spends the same epsilon, and tells of them.
 */
START_TEST(the_prior_is_in_the_budget)
{
    static const unsigned extras[] = {0, 1, 1 + 1 + 4 + 1};
    for (int prior = DPMIX_VAE_PRIOR_NORMAL; prior <= DPMIX_VAE_PRIOR_MIXTURE; prior++) {
        struct tiny_case tiny;
        dpmix_generator *generator = NULL;
        tiny_case_open(&tiny, 2, 6);
        struct tiny_watch watch = {.accountant = tiny.accountant, .phase = DPMIX_PHASE_TRAIN};
        set_int(DPMIX_OPTION_VAE_PRIOR, prior);
        set_int(DPMIX_OPTION_STEPS, 5);
        CHECK_OK(dpmix_generator_new(&generator, DPMIX_GENERATOR_VAE, options));
        CHECK_OK(dpmix_generator_fit(generator, tiny.accountant, tiny.dataset, 1, tiny_watch, &watch));
        ck_assert_double_eq_tol(tiny_spent(tiny.accountant), 2, 1e-6);
        ck_assert_uint_eq(tiny.mode.queries, 6 + extras[prior - 1]);
        ck_assert(watch.done == 5 + extras[prior - 1] && watch.total == watch.done);
        ck_assert_uint_eq(tiny_entries(tiny.accountant), 1);
        dpmix_generator_free(generator);
        tiny_case_close(&tiny);
    }
}
END_TEST

START_TEST(terms_that_do_not_fit_are_refused_before_the_debit)
{
    struct tiny_case tiny;
    dpmix_generator *generator = NULL;
    CHECK_FAILS(dpmix_options_set_int(options, DPMIX_OPTION_VAE_LAYERS, 7), DPMIX_ERR_RANGE, "vae_layers");
    CHECK_FAILS(dpmix_options_set_int(options, DPMIX_OPTION_VAE_OUTPUT, 0), DPMIX_ERR_RANGE, "vae_output");
    CHECK_FAILS(dpmix_options_set_double(options, DPMIX_OPTION_VAE_BETA, -1), DPMIX_ERR_RANGE, "vae_beta");
    tiny_case_open(&tiny, 1, 6);
    set_double(DPMIX_OPTION_VAE_DEVIATION, 1e-9);
    CHECK_OK(dpmix_generator_new(&generator, DPMIX_GENERATOR_VAE, options));
    CHECK_FAILS(dpmix_generator_fit(generator, tiny.accountant, tiny.dataset, 1, NULL, NULL), DPMIX_ERR_RANGE,
                "vae_deviation");
    dpmix_generator_free(generator);
    set_double(DPMIX_OPTION_VAE_DEVIATION, 0);
    set_int(DPMIX_OPTION_VAE_LATENT, 257);
    for (int prior = DPMIX_VAE_PRIOR_GAUSSIAN; prior <= DPMIX_VAE_PRIOR_MIXTURE; prior++) {
        set_int(DPMIX_OPTION_VAE_PRIOR, prior);
        CHECK_OK(dpmix_generator_new(&generator, DPMIX_GENERATOR_VAE, options));
        CHECK_FAILS(dpmix_generator_fit(generator, tiny.accountant, tiny.dataset, 1, NULL, NULL),
                    DPMIX_ERR_RANGE, "vae_latent");
        ck_assert_double_eq(tiny_spent(tiny.accountant), 0);
        dpmix_generator_free(generator);
    }
    tiny_case_close(&tiny);
}
END_TEST

START_TEST(groups_are_checked_and_final)
{
    static const int32_t wrong[][TINY_COLUMNS] = {{2, 2}, {2, 1}, {-1, 0}, {1, 3}, {0, 2}};
    static const int32_t right[][TINY_COLUMNS] = {{0, 0}, {1, 1}, {1, 2}, {0, 1}, {1, 0}};
    const int32_t apart[] = {1, 0, 1};
    struct tiny_case tiny;
    tiny_case_open(&tiny, 1, 6);
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        CHECK_FAILS(dpmix_dataset_set_groups(tiny.dataset, wrong[i], TINY_COLUMNS), DPMIX_ERR_RANGE,
                    "groups");
    for (size_t i = 0; i < sizeof right / sizeof *right; i++)
        CHECK_OK(dpmix_dataset_set_groups(tiny.dataset, right[i], TINY_COLUMNS));
    CHECK_FAILS(dpmix_dataset_set_groups(tiny.dataset, apart, 3), DPMIX_ERR_RANGE, "n_columns");
    CHECK_FAILS(dpmix_dataset_set_groups(tiny.dataset, NULL, TINY_COLUMNS), DPMIX_ERR_ARG, "groups");
    CHECK_FAILS(dpmix_dataset_set_groups(NULL, right[0], TINY_COLUMNS), DPMIX_ERR_ARG, "dataset");
    dpmix_generator_free(tiny_fitted_generator(&tiny, DPMIX_GENERATOR_GAUSSIAN, 0.5));
    CHECK_FAILS(dpmix_dataset_set_groups(tiny.dataset, right[0], TINY_COLUMNS), DPMIX_ERR_STATE, "dataset");
    tiny_case_close(&tiny);
}
END_TEST

/* A group that goes on after other columns, in a file and in a copy. */
START_TEST(groups_go_through_files)
{
    const double lower = 0, upper = 0.1; /* 0.1: not a float32 */
    const int32_t groups[] = {0, 1, 1, 2, 0}, apart[] = {1, 1, 0, 1, 0};
    struct dpm_bounds bounds, copy, again = {0};
    struct dpm_blob blob = {0};
    CHECK_OK(dpm_bounds_new(&bounds, 5, &lower, &upper, 1));
    CHECK_FAILS(dpm_bounds_set_groups(&bounds, apart, 5), DPMIX_ERR_RANGE, "groups");
    CHECK_OK(dpm_bounds_copy(&copy, &bounds));
    CHECK_OK(dpm_bounds_set_groups(&bounds, groups, 5));
    ck_assert(!dpm_bounds_equal(&bounds, &copy));
    dpm_bounds_free(&copy);
    CHECK_OK(dpm_bounds_copy(&copy, &bounds));
    ck_assert(dpm_bounds_equal(&bounds, &copy));
    dpm_bounds_put(&bounds, &blob);
    dpm_bounds_get(&again, &blob);
    CHECK_OK(dpm_blob_finish(&blob));
    ck_assert(dpm_bounds_equal(&bounds, &again));
    ck_assert_mem_eq(again.groups, groups, sizeof groups);
    copy.groups[4] = 2;
    ck_assert(!dpm_bounds_equal(&bounds, &copy));
    dpm_bounds_free(&bounds);
    dpm_bounds_free(&copy);
    dpm_bounds_free(&again);
    dpm_blob_free(&blob);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("vae_output");
    TCase *check_case = tcase_create("vae_output");
    tcase_set_timeout(check_case, 0);
    tcase_add_checked_fixture(check_case, setup, options_teardown);
    tcase_add_test(check_case, learns_two_moons);
    tcase_add_test(check_case, the_fitted_prior_is_better_than_a_wrong_one);
    tcase_add_loop_test(check_case, a_mixture_finds_what_one_gaussian_cannot, 0, 2);
    tcase_add_test(check_case, learns_digits_better_with_more_budget);
    tcase_add_test(check_case, learns_a_table);
    tcase_add_loop_test(check_case, threads_change_nothing, 0, MODELS);
    tcase_add_loop_test(check_case, files_keep_all_and_do_no_harm, 0, MODELS);
    tcase_add_test(check_case, the_prior_is_in_the_budget);
    tcase_add_test(check_case, terms_that_do_not_fit_are_refused_before_the_debit);
    tcase_add_test(check_case, groups_are_checked_and_final);
    tcase_add_test(check_case, groups_go_through_files);
    suite_add_tcase(s, check_case);
    return s;
}

CHECK_MAIN(suite)
