/* SPDX-License-Identifier: BSD-3-Clause */
/* The restricted Boltzmann machine through the public functions: what it learns, of which class and part, how
 * its chains are sampled, and what is its own in a file. */
#include "tiny_get.h"

#include "tiny_model.h"

#include <math.h>

enum { CLASSES = 4, RECORDS = 4000, SAMPLES = 1000 };
enum { BARS_SIDE = 4, BARS_PIXELS = BARS_SIDE * BARS_SIDE };

static int64_t live;
static uint8_t images[RECORDS * TINY_PIXELS];
static int32_t labels[RECORDS], sampled_labels[SAMPLES], other_labels[SAMPLES];
static float samples[SAMPLES * TINY_PIXELS], other_samples[SAMPLES * TINY_PIXELS];
static struct tiny_mode mode;
static dpmix_dataset *dataset;
static dpmix_accountant *accountant;
static dpmix_options *options;
static size_t columns;

static void setup(void)
{
    live = dpm_alloc_live();
    CHECK_OK(dpmix_options_new(&options));
    CHECK_OK(dpmix_options_set_int(options, DPMIX_OPTION_THREADS, 2));
    CHECK_OK(dpmix_options_set_int(options, DPMIX_OPTION_STEPS, 150));
    CHECK_OK(dpmix_options_set_double(options, DPMIX_OPTION_SAMPLING_RATE, 0.1));
    CHECK_OK(dpmix_options_set_double(options, DPMIX_OPTION_LEARNING_RATE, 0.05));
    CHECK_OK(dpmix_options_set_int(options, DPMIX_OPTION_RBM_HIDDEN, 24));
    CHECK_OK(dpmix_options_set_int(options, DPMIX_OPTION_RBM_BURN_IN, 30));
}

static void teardown(void)
{
    dpmix_options_free(options);
    ck_assert_int_eq(dpm_alloc_live(), live);
}

static void open_release(size_t n_rows, size_t n_columns, const int32_t *with_labels, double epsilon)
{
    const double lower = 0, upper = 255;
    columns = n_columns;
    CHECK_OK(dpmix_dataset_new_u8(&dataset, images, n_rows, n_columns, with_labels, with_labels ? CLASSES : 0,
                                  &lower, &upper, 1, DPMIX_STORAGE_COPY));
    tiny_mode_set(&mode, dataset, 3);
    accountant = tiny_accountant(epsilon);
}

static void close_release(void)
{
    dpmix_dataset_free(dataset);
    dpmix_accountant_free(accountant);
}

static dpmix_generator *new_rbm(void)
{
    dpmix_generator *generator = NULL;
    CHECK_OK(dpmix_generator_new(&generator, DPMIX_GENERATOR_RBM, options));
    return generator;
}

static dpmix_generator *fitted_rbm(void)
{
    dpmix_generator *generator = new_rbm();
    CHECK_OK(dpmix_generator_fit(generator, accountant, dataset, 1, NULL, NULL));
    return generator;
}

static void draw(const dpmix_generator *generator, float *rows, int32_t *row_labels, uint64_t first, size_t n)
{
    const uint64_t seed = 11;
    CHECK_OK(dpmix_generator_sample(generator, rows, row_labels, first, n, columns, &seed));
    for (size_t i = 0; i < n * columns; i++)
        ck_assert(isfinite(rows[i]));
}

/* A fit, and SAMPLES of it. */
static void fit_and_draw(size_t n_columns, const int32_t *with_labels, double epsilon)
{
    open_release(RECORDS, n_columns, with_labels, epsilon);
    dpmix_generator *generator = fitted_rbm();
    draw(generator, samples, with_labels ? sampled_labels : NULL, 0, SAMPLES);
    for (size_t i = 0; i < SAMPLES * columns; i++)
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
    dpmix_clusterer *clusterer = NULL;
    const uint64_t seed = 5;
    tiny_images(images, labels, RECORDS, CLASSES, 1);
    CHECK_OK(dpmix_options_set_int(options, DPMIX_OPTION_CONDITIONAL, 0));
    open_release(RECORDS, TINY_PIXELS, labels, 50);
    CHECK_OK(dpmix_clusterer_new(&clusterer, DPMIX_CLUSTERER_LABEL, options));
    CHECK_OK(dpmix_clusterer_fit(clusterer, accountant, dataset, 0.1, NULL, NULL));
    dpmix_mixture *mixture = tiny_mixture(clusterer, new_rbm());
    CHECK_OK(dpmix_mixture_fit(mixture, accountant, dataset, 1, NULL, NULL));
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
        open_release(RECORDS, TINY_PIXELS, labels, 5);
        generators[i] = fitted_rbm();
        close_release();
    }
    draw(generators[0], samples, sampled_labels, 0, SAMPLES);
    draw(generators[1], other_samples, other_labels, 0, SAMPLES);
    ck_assert_mem_eq(samples, other_samples, sizeof samples);
    ck_assert_mem_eq(sampled_labels, other_labels, sizeof sampled_labels);
    for (size_t first = 0, n = 1; first < SAMPLES; first += n, n = n * 2 + 1) {
        n = SAMPLES - first < n ? SAMPLES - first : n;
        draw(generators[0], other_samples, first % 2 ? other_labels : NULL, first, n);
        ck_assert_mem_eq(samples + first * TINY_PIXELS, other_samples, n * TINY_PIXELS * sizeof *samples);
        if (first % 2)
            ck_assert_mem_eq(sampled_labels + first, other_labels, n * sizeof *other_labels);
    }
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
    for (size_t i = 0; i < sizeof images; i++)
        expected += (double)images[i] / sizeof images;
    ck_assert_double_le(fabs(mean - expected), 25);
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
        open_release(RECORDS, TINY_PIXELS, with_labels ? labels : NULL, 50);
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
    open_release(100, TINY_PIXELS, labels, 1);
    dpmix_generator *generator = new_rbm();
    for (uint64_t nth = 1; nth <= 8; nth++) {
        dpm_alloc_fail_after(nth, 1);
        int status = dpmix_generator_fit(generator, accountant, dataset, 1, NULL, NULL);
        dpm_alloc_fail_after(0, 0);
        ck_assert_int_eq(status, DPMIX_ERR_NOMEM);
    }
    ck_assert_uint_eq(tiny_entries(accountant), 0);
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
    struct dpm_blob blob = {0};
    struct dpmix_generator *loaded = NULL;
    size_t refused = 0, accepted = 0;
    tiny_images(images, labels, RECORDS, CLASSES, 1);
    CHECK_OK(dpmix_options_set_int(options, DPMIX_OPTION_STEPS, 2));
    CHECK_OK(dpmix_options_set_int(options, DPMIX_OPTION_RBM_HIDDEN, 3));
    CHECK_OK(dpmix_options_set_int(options, DPMIX_OPTION_RBM_BURN_IN, 2));
    open_release(100, TINY_PIXELS, labels, 1);
    dpmix_generator *generator = fitted_rbm();
    dpm_generator_put(generator, &blob);
    CHECK_OK(dpm_blob_status(&blob));
    draw(generator, samples, sampled_labels, 0, 64);
    CHECK_OK(tiny_get(&loaded, &blob, generator));
    CHECK_OK(dpm_blob_finish(&blob));
    draw(loaded, other_samples, NULL, 0, 64);
    ck_assert_mem_eq(samples, other_samples, 64 * TINY_PIXELS * sizeof *samples);
    dpm_generator_free(loaded);

    size_t weights = ((TINY_PIXELS + CLASSES + 1) * 4) * sizeof(float) + CLASSES * sizeof(double);
    size_t sweeps = blob.size - weights - 3 * sizeof(uint64_t); /* burn-in and thinning, before the output */
    for (size_t at = 0; at < blob.size; at++) {
        for (int bit = 0; bit < 8 && !(at >= sweeps && at < sweeps + 2 * sizeof(uint64_t)); bit += 7) {
            struct dpmix_generator *damaged = NULL;
            blob.bytes[at] ^= (unsigned char)(1 << bit);
            blob.at = 0;
            blob.status = DPMIX_OK;
            int status = tiny_get(&damaged, &blob, generator);
            status = status ? status : dpm_blob_finish(&blob);
            if (!status && damaged->bounds.n_columns == TINY_PIXELS && damaged->n_parts == 1) {
                draw(damaged, other_samples, damaged->makes_labels ? sampled_labels : NULL, 0, 4);
                accepted++;
            }
            refused += status != DPMIX_OK;
            dpm_generator_free(damaged);
            blob.bytes[at] ^= (unsigned char)(1 << bit);
        }
    }
    ck_assert_uint_gt(refused, 100);
    ck_assert_uint_gt(accepted, 100); /* most bytes are weights */
    dpm_blob_free(&blob);
    dpmix_generator_free(generator);
    close_release();
}
END_TEST

static Suite *suite(void)
{
    const TTest *const tests[] = {
        learns_bars_and_stripes,   parts_have_models_of_their_own, draws_are_zeros_and_ones,
        options_of_sampling_count, labels_only_when_conditional,   bad_options_are_refused,
        fits_fail_cleanly,         hostile_models_do_no_harm,
    };
    Suite *s = suite_create("rbm");
    TCase *check_case = tcase_create("rbm");
    tcase_set_timeout(check_case, 0);
    tcase_add_checked_fixture(check_case, setup, teardown);
    for (size_t i = 0; i < sizeof tests / sizeof *tests; i++)
        tcase_add_test(check_case, tests[i]);
    tcase_add_loop_test(check_case, records_go_with_their_labels, 0, 2);
    tcase_add_loop_test(check_case, threads_and_cuts_change_nothing, 0, 2);
    suite_add_tcase(s, check_case);
    return s;
}

CHECK_MAIN(suite)
