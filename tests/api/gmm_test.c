/* SPDX-License-Identifier: BSD-3-Clause */
/* The Gaussian mixture: what it learns, its density, its options, and data that gives it nothing. */
#include "tiny_file.h"
#include "tiny_model.h"

#include <float.h>
#include <math.h>

enum { ROWS = 50000, COLUMNS = 10, PARTS = 5, SAMPLES = 20000, DRAWS = 20, IMAGES = 600 };

static const double deviation = 0.06;
static float rows[ROWS * COLUMNS], samples[SAMPLES * TINY_PIXELS];
static int32_t labels[ROWS], drawn[SAMPLES];
static struct tiny_mode mode;

static double centre(size_t part, size_t column)
{
    return 0.25 + 0.125 * (double)((part * 7 + column * (part + 2)) % 5);
}

/* Part c has c + 1 of 15 rows. */
static void fill(size_t n_rows, size_t n_columns)
{
    struct tiny_random random = {9};
    for (size_t i = 0; i < n_rows; i++) {
        labels[i] = tiny_class(i, PARTS);
        for (size_t j = 0; j < n_columns; j++)
            rows[i * n_columns + j] =
                (float)(centre((size_t)labels[i], j) + deviation * tiny_normal(&random));
    }
}

static void set(dpmix_options *options, int key, double value)
{
    if (dpmix_option_type(key) == DPMIX_OPTION_TYPE_INT)
        CHECK_OK(dpmix_options_set_int(options, key, (int64_t)value));
    else
        CHECK_OK(dpmix_options_set_double(options, key, value));
}

/* Fitted to rows in [0, 1] with a fixed key; classes 0: without labels. Frees the options. */
static dpmix_generator *fit(dpmix_options *options, size_t n_rows, size_t n_columns, int classes,
                            double epsilon)
{
    const double lower = 0, upper = 1;
    dpmix_dataset *dataset = NULL;
    dpmix_generator *generator = NULL;
    dpmix_accountant *accountant = tiny_accountant(epsilon);
    CHECK_OK(dpmix_dataset_new_f32(&dataset, rows, n_rows, n_columns, classes ? labels : NULL, classes,
                                   &lower, &upper, 1, DPMIX_STORAGE_COPY));
    tiny_mode_set(&mode, dataset, 3);
    CHECK_OK(dpmix_generator_new(&generator, DPMIX_GENERATOR_GMM, options));
    CHECK_OK(dpmix_generator_fit(generator, accountant, dataset, 1, NULL, NULL));
    ck_assert_double_le(tiny_spent(accountant), epsilon);
    dpmix_options_free(options);
    dpmix_dataset_free(dataset);
    dpmix_accountant_free(accountant);
    return generator;
}

static void draw_from(const dpmix_generator *generator, uint64_t first, size_t n_columns, int with_labels)
{
    uint64_t seed = 4;
    CHECK_OK(dpmix_generator_sample(generator, samples, with_labels ? drawn : NULL, first, SAMPLES, n_columns,
                                    &seed));
}

static void draw(const dpmix_generator *generator, size_t n_columns, int with_labels)
{
    draw_from(generator, 0, n_columns, with_labels);
}

/* ---- What it learns ---- */

/* Of SAMPLES records in DRAWS * SAMPLES. */
static void add_moments(double weight[PARTS], double mean[PARTS][COLUMNS], const float *shares)
{
    const double total = (double)DRAWS * SAMPLES;
    for (size_t i = 0; i < SAMPLES; i++)
        for (size_t j = 0; j < PARTS; j++) {
            weight[j] += (double)shares[i * PARTS + j] / total;
            for (size_t c = 0; c < COLUMNS; c++)
                mean[j][c] += (double)shares[i * PARTS + j] * (double)samples[i * COLUMNS + c] / total;
        }
}

/* Every mean within a tenth of a standard deviation, every weight within a hundredth, seen through
 * responsibilities: the mean of a component is that of the samples that are its own. */
START_TEST(a_separated_mixture_is_recovered)
{
    static float shares[SAMPLES * PARTS];
    double mean[PARTS][COLUMNS] = {{0}}, weight[PARTS] = {0};
    size_t components = 0, found[PARTS] = {0};
    dpmix_options *options = tiny_options();
    fill(ROWS, COLUMNS);
    set(options, DPMIX_OPTION_GMM_COMPONENTS, PARTS);
    set(options, DPMIX_OPTION_GMM_STEPS, 8);
    set(options, DPMIX_OPTION_GMM_COVARIANCE, _i);
    dpmix_generator *generator = fit(options, ROWS, COLUMNS, 0, 1);
    CHECK_OK(dpmix_generator_components(generator, &components));
    ck_assert_uint_eq(components, PARTS);
    for (uint64_t i = 0; i < DRAWS; i++) {
        draw_from(generator, i * SAMPLES, COLUMNS, 0);
        CHECK_OK(dpmix_generator_assign(generator, shares, samples, NULL, SAMPLES, COLUMNS));
        add_moments(weight, mean, shares);
    }
    for (size_t part = 0; part < PARTS; part++) {
        size_t best = 0;
        double least = INFINITY;
        for (size_t j = 0; j < PARTS; j++) {
            double distance = 0;
            for (size_t c = 0; c < COLUMNS; c++)
                distance += pow(mean[j][c] / weight[j] - centre(part, c), 2);
            best = distance < least ? j : best;
            least = fmin(least, distance);
        }
        found[best]++;
        ck_assert_double_eq_tol(weight[best], (double)(part + 1) / 15, 0.01);
        for (size_t c = 0; c < COLUMNS; c++)
            ck_assert_double_eq_tol(mean[best][c] / weight[best], centre(part, c), 0.1 * deviation);
    }
    for (size_t j = 0; j < PARTS; j++)
        ck_assert_uint_eq(found[j], 1);
    dpmix_generator_free(generator);
}
END_TEST

/* Mean log density of rows that the fit did not see. */
static double score(const dpmix_generator *generator)
{
    enum { HELD = 2000 };
    static double logs[HELD];
    double sum = 0;
    CHECK_OK(
        dpmix_generator_log_density(generator, logs, rows + (ROWS - HELD) * COLUMNS, NULL, HELD, COLUMNS));
    for (size_t i = 0; i < HELD; i++) {
        ck_assert(isfinite(logs[i]));
        sum += logs[i] / HELD;
    }
    return sum;
}

/* The true density has 12.4, as below. */
START_TEST(every_form_of_covariance_is_that_of_the_rows)
{
    dpmix_options *options = tiny_options();
    fill(ROWS, COLUMNS);
    set(options, DPMIX_OPTION_GMM_COMPONENTS, PARTS);
    set(options, DPMIX_OPTION_GMM_STEPS, 8);
    set(options, DPMIX_OPTION_GMM_COVARIANCE, _i);
    dpmix_generator *generator = fit(options, ROWS, COLUMNS, 0, 1);
    ck_assert_double_gt(score(generator), 12.2);
    dpmix_generator_free(generator);
}
END_TEST

/* The clips, which go by the scatter of the rows, leave it as it is, in few dimensions too. */
START_TEST(few_columns_keep_their_variance)
{
    size_t n_columns = (size_t)_i;
    double variance = 0;
    struct tiny_random random = {6};
    for (size_t i = 0; i < 10000 * n_columns; i++)
        rows[i] = (float)(0.5 + deviation * tiny_normal(&random));
    dpmix_options *options = tiny_options();
    set(options, DPMIX_OPTION_GMM_COMPONENTS, 1);
    dpmix_generator *generator = fit(options, 10000, n_columns, 0, 10);
    draw(generator, n_columns, 0);
    for (size_t i = 0; i < SAMPLES * n_columns; i++)
        variance += pow((double)samples[i] - 0.5, 2) / (double)(SAMPLES * n_columns);
    ck_assert_double_eq_tol(variance / (deviation * deviation), 1, 0.12);
    dpmix_generator_free(generator);
}
END_TEST

/* Three columns vary much, and all others a little: most of these are beside the subspace, or in it for the
 * noise's sake. Few rows have little to tell, but that the variance is not zero. */
START_TEST(what_is_beside_the_subspace_keeps_its_variance)
{
    enum { WIDE = 64, FEW = 3, LEARNED = 7000, HELD = 800 };
    static const double small = 0.05, large = 0.15, tolerance[] = {0.2, 0.5}, least[] = {95, -5000};
    static double logs[HELD];
    struct tiny_random random = {5};
    double variance = 0, sum = 0;
    for (size_t i = 0; i < (size_t)(LEARNED + HELD) * WIDE; i++)
        rows[i] = (float)(0.5 + (i % WIDE < FEW ? large : small) * tiny_normal(&random));
    dpmix_options *options = tiny_options();
    set(options, DPMIX_OPTION_GMM_COMPONENTS, 1);
    set(options, DPMIX_OPTION_GMM_REST, 1);
    dpmix_generator *generator = fit(options, _i == 0 ? LEARNED : LEARNED / 4, WIDE, 0, 1);
    draw(generator, WIDE, 0);
    for (size_t i = 0; i < (size_t)SAMPLES * WIDE; i++)
        if (i % WIDE >= FEW)
            variance += pow((double)samples[i] - 0.5, 2) / (double)(SAMPLES * (WIDE - FEW));
    CHECK_OK(dpmix_generator_log_density(generator, logs, rows + LEARNED * WIDE, NULL, HELD, WIDE));
    for (size_t i = 0; i < HELD; i++)
        sum += logs[i] / HELD;
    ck_assert_double_eq_tol(variance / (small * small), 1, tolerance[_i]);
    ck_assert_double_gt(sum, least[_i]); /* 97.9 are the true density's; -104,000 are those of no variance */
    dpmix_generator_free(generator);
}
END_TEST

START_TEST(utility_rises_with_epsilon)
{
    static const double epsilon[] = {0.02, 0.1, 1};
    double before = -INFINITY;
    fill(ROWS, COLUMNS);
    for (size_t i = 0; i < sizeof epsilon / sizeof *epsilon; i++) {
        dpmix_options *options = tiny_options();
        set(options, DPMIX_OPTION_GMM_COMPONENTS, 1);
        dpmix_generator *generator = fit(options, ROWS / 10, COLUMNS, PARTS, epsilon[i]);
        double now = score(generator);
        ck_assert_double_gt(now, before);
        before = now;
        dpmix_generator_free(generator);
    }
    /* The true density has -(log(2 pi e) / 2 + log deviation) a column, 13.9 in all, less the label's entropy
     * of 1.5. */
    ck_assert_double_gt(before, 12.2);
}
END_TEST

START_TEST(steps_of_em_refine)
{
    fill(ROWS, COLUMNS);
    double scores[2];
    for (int steps = 0; steps < 2; steps++) {
        dpmix_options *options = tiny_options();
        set(options, DPMIX_OPTION_GMM_COMPONENTS, PARTS);
        set(options, DPMIX_OPTION_GMM_STEPS, 8);
        set(options, DPMIX_OPTION_GMM_EM_STEPS, 2 * steps);
        dpmix_generator *generator = fit(options, ROWS, COLUMNS, 0, 5);
        scores[steps] = score(generator);
        dpmix_generator_free(generator);
    }
    ck_assert_double_eq_tol(scores[0], scores[1], 0.3);
    ck_assert_double_gt(scores[1], 12.2);
}
END_TEST

/* One component has nine of ten rows, and the other lies within its tail. By the distance alone that gets
 * more than a third of the rows; steps of EM, which know the weights, give some back. */
START_TEST(em_goes_by_the_weights)
{
    enum { N = 20000 };
    static float shares[SAMPLES * 2];
    double larger[2] = {0};
    struct tiny_random random = {4};
    for (size_t i = 0; i < N; i++)
        for (size_t j = 0; j < 2; j++)
            rows[2 * i + j] =
                (float)((j == 0 && i % 10 == 0 ? 0.6 : 0.4) + (j == 0 ? 0.08 : 0.02) * tiny_normal(&random));
    for (int i = 0; i < 2; i++) {
        double weight = 0;
        dpmix_options *options = tiny_options();
        set(options, DPMIX_OPTION_GMM_COMPONENTS, 2);
        set(options, DPMIX_OPTION_GMM_STEPS, 8);
        set(options, DPMIX_OPTION_GMM_EM_STEPS, i * 20);
        dpmix_generator *generator = fit(options, N, 2, 0, 100);
        draw(generator, 2, 0);
        CHECK_OK(dpmix_generator_assign(generator, shares, samples, NULL, SAMPLES, 2));
        for (size_t k = 0; k < SAMPLES; k++)
            weight += (double)shares[2 * k] / SAMPLES;
        larger[i] = fmax(weight, 1 - weight);
        dpmix_generator_free(generator);
    }
    ck_assert_double_gt(larger[1], larger[0] + 0.05);
}
END_TEST

/* Of a twentieth of the budget there is less signal, and there are fewer components. */
START_TEST(components_follow_the_share)
{
    static const double shares[] = {1, 0.05}, lower = 0, upper = 1;
    size_t components[2] = {0};
    fill(ROWS / 10, COLUMNS);
    for (int i = 0; i < 2; i++) {
        dpmix_options *options = tiny_options();
        dpmix_dataset *dataset = NULL;
        dpmix_generator *generator = NULL;
        dpmix_accountant *accountant = tiny_accountant(1);
        CHECK_OK(dpmix_dataset_new_f32(&dataset, rows, ROWS / 10, COLUMNS, NULL, 0, &lower, &upper, 1,
                                       DPMIX_STORAGE_COPY));
        tiny_mode_set(&mode, dataset, 3);
        CHECK_OK(dpmix_generator_new(&generator, DPMIX_GENERATOR_GMM, options));
        CHECK_OK(dpmix_generator_fit(generator, accountant, dataset, shares[i], NULL, NULL));
        CHECK_OK(dpmix_generator_components(generator, &components[i]));
        dpmix_generator_free(generator);
        dpmix_options_free(options);
        dpmix_dataset_free(dataset);
        dpmix_accountant_free(accountant);
    }
    ck_assert_uint_gt(components[0], 2);
    ck_assert_uint_eq(components[1], 1);
}
END_TEST

START_TEST(labels_go_with_their_rows)
{
    size_t right = 0;
    fill(ROWS, COLUMNS);
    dpmix_generator *generator = fit(tiny_options(), ROWS / 10, COLUMNS, PARTS, 5);
    draw(generator, COLUMNS, 1);
    for (size_t i = 0; i < SAMPLES; i++) {
        double nearest = INFINITY;
        int32_t best = 0;
        for (int32_t part = 0; part < PARTS; part++) {
            double distance = 0;
            for (size_t c = 0; c < COLUMNS; c++)
                distance += pow((double)samples[i * COLUMNS + c] - centre((size_t)part, c), 2);
            best = distance < nearest ? part : best;
            nearest = fmin(nearest, distance);
        }
        right += best == drawn[i];
    }
    ck_assert_uint_gt(right, SAMPLES * 95 / 100);
    dpmix_generator_free(generator);
}
END_TEST

/* ---- The density ---- */

/* One dimension, and two of which one is the rest beside the subspace. */
START_TEST(the_density_integrates_to_one)
{
    enum { STEPS = 500 };
    static float grid[STEPS * STEPS * 2];
    static double logs[STEPS * STEPS];
    static int32_t twos[STEPS * STEPS];
    size_t n_columns = _i < 2 ? 1 : 2, n = STEPS * STEPS;
    size_t across = n_columns == 1 ? n : STEPS;
    double sum = 0, joint = 0, step = 3.0 / (double)across;
    dpmix_options *options = tiny_options();
    fill(5000, n_columns);
    set(options, DPMIX_OPTION_GMM_RANK, _i == 3 ? 1 : 0);
    set(options, DPMIX_OPTION_GMM_COMPONENTS, 3);
    dpmix_generator *generator = fit(options, 5000, n_columns, _i == 0 ? 0 : PARTS, 3);
    for (size_t i = 0; i < n; i++) {
        grid[i * n_columns] = (float)(-1 + step * (double)(i % across));
        if (n_columns == 2)
            grid[i * 2 + 1] = (float)(-1 + step * (double)(i / across));
        twos[i] = 2;
    }
    CHECK_OK(dpmix_generator_log_density(generator, logs, grid, NULL, n, n_columns));
    for (size_t i = 0; i < n; i++)
        sum += exp(logs[i]) * pow(step, (double)n_columns);
    ck_assert_double_eq_tol(sum, 1, 1e-3);
    if (n_columns == 1 && _i > 0) { /* with the label: its share */
        CHECK_OK(dpmix_generator_log_density(generator, logs, grid, twos, n, n_columns));
        for (size_t i = 0; i < n; i++)
            joint += exp(logs[i]) * step;
        ck_assert_double_eq_tol(joint, 0.2, 0.02);
    }
    dpmix_generator_free(generator);
}
END_TEST

/* Rows in declared units: the Jacobian, and the same responsibilities. */
START_TEST(the_density_is_per_declared_unit)
{
    struct tiny_case tiny;
    float point[TINY_COLUMNS] = {0.5f, 1}, beyond[TINY_COLUMNS] = {9, 9}, nothing[TINY_COLUMNS] = {NAN, 1};
    const float far_out[] = {1e6f, -1e12f, 1e30f, FLT_MAX, INFINITY, -INFINITY};
    float shares[64];
    double sum = 0, log_density[1], step = 0.04;
    size_t components = 0;
    tiny_case_open(&tiny, 10, 1);
    dpmix_generator *generator = tiny_fitted_generator(&tiny, DPMIX_GENERATOR_GMM, 1);
    for (double x = -5; x < 7; x += step)
        for (double y = -5; y < 7; y += step) {
            float at[TINY_COLUMNS] = {(float)x, (float)y};
            CHECK_OK(dpmix_generator_log_density(generator, log_density, at, NULL, 1, TINY_COLUMNS));
            sum += exp(*log_density) * step * step;
        }
    ck_assert_double_eq_tol(sum, 1, 1e-3);
    CHECK_OK(dpmix_generator_components(generator, &components));
    ck_assert_uint_le(components, 64);
    CHECK_OK(dpmix_generator_assign(generator, shares, point, NULL, 1, TINY_COLUMNS));
    sum = 0;
    for (size_t j = 0; j < components; j++)
        sum += (double)shares[j];
    ck_assert_double_eq_tol(sum, 1, 1e-5);
    CHECK_OK(dpmix_generator_log_density(generator, log_density, beyond, NULL, 1, TINY_COLUMNS));
    ck_assert(isfinite(*log_density));
    for (size_t i = 0; i < sizeof far_out / sizeof *far_out; i++) {
        float at[TINY_COLUMNS] = {0.5f, far_out[i]};
        CHECK_OK(dpmix_generator_log_density(generator, log_density, at, NULL, 1, TINY_COLUMNS));
        ck_assert_msg(isfinite(*log_density) && *log_density < -1e6, "%g: %g", (double)far_out[i],
                      *log_density);
        CHECK_OK(dpmix_generator_assign(generator, shares, at, NULL, 1, TINY_COLUMNS));
        sum = 0;
        for (size_t j = 0; j < components; j++)
            sum += (double)shares[j];
        ck_assert_double_eq_tol(sum, 1, 1e-5);
    }
    CHECK_OK(dpmix_generator_log_density(generator, log_density, nothing, NULL, 1, TINY_COLUMNS));
    ck_assert(isnan(*log_density));
    CHECK_OK(dpmix_generator_assign(generator, shares, nothing, NULL, 1, TINY_COLUMNS));
    ck_assert(isnan(shares[0]));
    dpmix_generator_free(generator);
    tiny_case_close(&tiny);
}
END_TEST

START_TEST(wrong_arguments_are_refused)
{
    struct tiny_case tiny;
    float row[TINY_COLUMNS] = {0}, shares[64] = {7};
    double log_density = 7;
    int32_t wrong[] = {TINY_CLASSES}, negative[] = {-1};
    size_t n = 7;
    tiny_case_open(&tiny, 10, 1);
    dpmix_generator *other = tiny_fitted_generator(&tiny, DPMIX_GENERATOR_GAUSSIAN, 0.3);
    dpmix_generator *generator = tiny_generator(DPMIX_GENERATOR_GMM);
    CHECK_FAILS(dpmix_generator_components(generator, &n), DPMIX_ERR_STATE, "components: generator");
    CHECK_FAILS(dpmix_generator_components(other, &n), DPMIX_ERR_UNSUPPORTED, "components: generator");
    CHECK_FAILS(dpmix_generator_log_density(other, &log_density, row, NULL, 1, TINY_COLUMNS),
                DPMIX_ERR_UNSUPPORTED, "log_density: generator");
    CHECK_FAILS(dpmix_generator_assign(other, shares, row, NULL, 1, TINY_COLUMNS), DPMIX_ERR_UNSUPPORTED,
                "assign: generator");
    CHECK_OK(dpmix_generator_fit(generator, tiny.accountant, tiny.dataset, 1, NULL, NULL));
    CHECK_FAILS(dpmix_generator_components(generator, NULL), DPMIX_ERR_ARG, "components: n");
    CHECK_FAILS(dpmix_generator_log_density(generator, &log_density, row, wrong, 1, TINY_COLUMNS),
                DPMIX_ERR_RANGE, "log_density: labels");
    CHECK_FAILS(dpmix_generator_assign(generator, shares, row, negative, 1, TINY_COLUMNS), DPMIX_ERR_RANGE,
                "assign: labels");
    CHECK_FAILS(dpmix_generator_log_density(generator, &log_density, row, NULL, 1, 3), DPMIX_ERR_RANGE,
                "log_density: n_columns");
    CHECK_FAILS(dpmix_generator_log_density(generator, NULL, row, NULL, 1, TINY_COLUMNS), DPMIX_ERR_ARG,
                "log_density: ");
    CHECK_OK(dpmix_generator_log_density(generator, NULL, NULL, NULL, 0, TINY_COLUMNS));
    ck_assert(n == 7 && log_density == 7 && shares[0] == 7);
    dpmix_generator_free(other);
    dpmix_generator_free(generator);
    tiny_case_close(&tiny);
}
END_TEST

/* ---- Options ---- */

static void fill_images(void)
{
    struct tiny_random random = {2};
    for (size_t i = 0; i < IMAGES; i++) {
        labels[i] = (int32_t)(i % 3);
        for (size_t p = 0; p < TINY_PIXELS; p++) {
            double stroke = p % TINY_SIDE / 3 == (size_t)labels[i] ? 0.7 : 0.1;
            rows[i * TINY_PIXELS + p] = (float)(stroke + 0.2 * tiny_uniform(&random));
        }
    }
}

/* Which stroke is brightest. */
static int32_t look(const float *image)
{
    double sum[3] = {0};
    for (size_t p = 0; p < TINY_PIXELS; p++)
        sum[p % TINY_SIDE / 3] += (double)image[p] / (p % TINY_SIDE >= 6 ? 2 : 3);
    return sum[0] > sum[1] ? (sum[0] > sum[2] ? 0 : 2) : (sum[1] > sum[2] ? 1 : 2);
}

/* Columns or DCT, images or distances or both, every covariance, with and without the rest. */
START_TEST(images_are_learned_in_every_form)
{
    int basis = 1 + _i % 2, distance = _i / 2 % 3, covariance = 1 + _i / 6 % 4, rest = _i / 24;
    size_t right = 0;
    double log_density[1];
    dpmix_options *options = tiny_options();
    fill_images();
    set(options, DPMIX_OPTION_GMM_BASIS, basis);
    set(options, DPMIX_OPTION_GMM_DISTANCE, distance);
    set(options, DPMIX_OPTION_GMM_COVARIANCE, covariance);
    set(options, DPMIX_OPTION_GMM_REST, rest);
    set(options, DPMIX_OPTION_GMM_EM_STEPS, rest);
    set(options, DPMIX_OPTION_GMM_RADIUS, 4);
    dpmix_generator *generator = fit(options, IMAGES, TINY_PIXELS, 3, 30);
    draw(generator, TINY_PIXELS, 1);
    for (size_t i = 0; i < 1000; i++) {
        right += look(samples + i * TINY_PIXELS) == drawn[i];
        for (size_t p = 0; p < TINY_PIXELS; p++)
            ck_assert(samples[i * TINY_PIXELS + p] >= 0 && samples[i * TINY_PIXELS + p] <= 1);
    }
    ck_assert_uint_gt(right, 950);
    int status = dpmix_generator_log_density(generator, log_density, samples, NULL, 1, TINY_PIXELS);
    ck_assert_int_eq(status, distance ? DPMIX_ERR_UNSUPPORTED : DPMIX_OK);
    dpmix_generator_free(generator);
}
END_TEST

START_TEST(images_need_to_be_square)
{
    struct tiny_case tiny;
    tiny_case_open(&tiny, 10, 1);
    for (int i = 0; i < 2; i++) {
        dpmix_options *options = tiny_options();
        dpmix_generator *generator = NULL;
        set(options, i ? DPMIX_OPTION_GMM_BASIS : DPMIX_OPTION_GMM_DISTANCE, 2);
        CHECK_OK(dpmix_generator_new(&generator, DPMIX_GENERATOR_GMM, options));
        CHECK_FAILS(dpmix_generator_fit(generator, tiny.accountant, tiny.dataset, 1, NULL, NULL),
                    DPMIX_ERR_RANGE, "gmm_basis, gmm_distance");
        dpmix_generator_free(generator);
        dpmix_options_free(options);
    }
    ck_assert_uint_eq(tiny_entries(tiny.accountant), 0);
    tiny_case_close(&tiny);
}
END_TEST

/* Of a clip whose powers vanish in double no covariance can come: that is known before the debit. */
START_TEST(tiny_clips_are_refused_before_the_debit)
{
    static const double clips[] = {1e-6, 9e-7, 1e-100, DBL_MIN};
    for (size_t i = 0; i < 2 * sizeof clips / sizeof *clips; i++) {
        struct tiny_case tiny;
        dpmix_options *options = tiny_options();
        dpmix_generator *generator = NULL;
        tiny_case_open(&tiny, 10, 1);
        set(options, DPMIX_OPTION_GMM_RESIDUAL_CLIP, clips[i / 2]);
        set(options, DPMIX_OPTION_VAE_PRIOR, DPMIX_VAE_PRIOR_MIXTURE);
        CHECK_OK(dpmix_generator_new(&generator, i % 2 ? DPMIX_GENERATOR_VAE : DPMIX_GENERATOR_GMM, options));
        int status = dpmix_generator_fit(generator, tiny.accountant, tiny.dataset, 1, NULL, NULL);
        ck_assert_int_eq(status, i < 2 ? DPMIX_OK : DPMIX_ERR_RANGE);
        ck_assert_uint_eq(tiny_entries(tiny.accountant), i < 2);
        dpmix_generator_free(generator);
        dpmix_options_free(options);
        tiny_case_close(&tiny);
    }
}
END_TEST

/* More components than a file may have. */
START_TEST(too_many_components_are_refused_before_the_debit)
{
    enum { FEW = 10, MANY = 20000 };
    const double lower = 0, upper = 1;
    for (int i = 0; i < 2; i++) {
        dpmix_dataset *dataset = NULL;
        dpmix_generator *generator = NULL;
        dpmix_options *options = tiny_options();
        dpmix_accountant *accountant = tiny_accountant(1);
        fill(FEW, 1);
        set(options, DPMIX_OPTION_GMM_COMPONENTS, 64);
        set(options, DPMIX_OPTION_GMM_STEPS, 1);
        set(options, DPMIX_OPTION_VAE_PRIOR, DPMIX_VAE_PRIOR_MIXTURE);
        set(options, DPMIX_OPTION_VAE_LATENT, 1);
        CHECK_OK(dpmix_dataset_new_f32(&dataset, rows, FEW, 1, labels, MANY, &lower, &upper, 1,
                                       DPMIX_STORAGE_COPY));
        CHECK_OK(dpmix_generator_new(&generator, i ? DPMIX_GENERATOR_VAE : DPMIX_GENERATOR_GMM, options));
        CHECK_FAILS(dpmix_generator_fit(generator, accountant, dataset, 1, NULL, NULL), DPMIX_ERR_RANGE,
                    "gmm_components");
        ck_assert_uint_eq(tiny_entries(accountant), 0);
        dpmix_generator_free(generator);
        dpmix_options_free(options);
        dpmix_dataset_free(dataset);
        dpmix_accountant_free(accountant);
    }
}
END_TEST

START_TEST(threads_make_no_difference)
{
    for (int i = 0; i < 2; i++) {
        dpmix_options *options = tiny_options();
        fill_images();
        set(options, DPMIX_OPTION_THREADS, 1 + 2 * i);
        set(options, DPMIX_OPTION_GMM_EM_STEPS, 1);
        set(options, DPMIX_OPTION_GMM_COMPONENTS, 2);
        dpmix_generator *generator = fit(options, IMAGES, TINY_PIXELS, 3, 5);
        CHECK_OK(dpmix_generator_save(generator, tiny_path(i ? "b" : "a")));
        dpmix_generator_free(generator);
    }
    ck_assert(tiny_same_files(tiny_path("a"), tiny_path("b")));
}
END_TEST

START_TEST(loaded_densities_are_the_saved_ones)
{
    static double logs[2][IMAGES];
    dpmix_generator *loaded = NULL;
    fill_images();
    dpmix_generator *generator = fit(tiny_options(), IMAGES, TINY_PIXELS, 3, 5);
    CHECK_OK(dpmix_generator_save(generator, tiny_path("a")));
    CHECK_OK(dpmix_generator_load(&loaded, tiny_path("a")));
    CHECK_OK(dpmix_generator_log_density(generator, logs[0], rows, labels, IMAGES, TINY_PIXELS));
    CHECK_OK(dpmix_generator_log_density(loaded, logs[1], rows, labels, IMAGES, TINY_PIXELS));
    ck_assert_mem_eq(logs[0], logs[1], sizeof logs[0]);
    dpmix_generator_free(loaded);
    dpmix_generator_free(generator);
}
END_TEST

/* ---- Data that gives it nothing ---- */

/* Classes without rows, one column, equal rows, no rows, and noise that drowns everything. */
START_TEST(whatever_the_data_samples_are_finite)
{
    static const size_t n_rows[] = {2000, 2000, 2000, 0, 1};
    size_t which = (size_t)_i % 5, n_columns = which == 1 ? 1 : 4;
    double epsilon = _i < 5 ? 0.05 : (_i < 10 ? 1 : 1000), log_density[1];
    dpmix_options *options = tiny_options();
    fill(2000, n_columns);
    for (size_t i = 0; i < 2000; i++)
        labels[i] = 1; /* the others are empty */
    for (size_t i = 0; which == 2 && i < 2000 * n_columns; i++)
        rows[i] = i % 2 ? 1.0f : 0.0f;
    set(options, DPMIX_OPTION_GMM_COMPONENTS, _i % 2 ? 1 : 6);
    set(options, DPMIX_OPTION_GMM_EM_STEPS, _i % 3);
    set(options, DPMIX_OPTION_GMM_COVARIANCE, 1 + _i % 4);
    dpmix_generator *generator = fit(options, n_rows[which], n_columns, PARTS, epsilon);
    draw(generator, n_columns, 1);
    for (size_t i = 0; i < SAMPLES; i++)
        ck_assert(drawn[i] >= 0 && drawn[i] < PARTS);
    for (size_t i = 0; i < SAMPLES * n_columns; i++)
        ck_assert(samples[i] >= 0 && samples[i] <= 1);
    CHECK_OK(dpmix_generator_log_density(generator, log_density, samples, NULL, 1, n_columns));
    ck_assert(isfinite(*log_density));
    dpmix_generator_free(generator);
}
END_TEST

static Suite *gmm_suite(void)
{
    Suite *suite = suite_create("gmm");
    TCase *learns = check_case(suite, "learns");
    tcase_add_checked_fixture(learns, tiny_clean_setup, tiny_clean_teardown);
    tcase_add_loop_test(learns, a_separated_mixture_is_recovered, 1, 5);
    tcase_add_loop_test(learns, every_form_of_covariance_is_that_of_the_rows, 1, 5);
    tcase_add_loop_test(learns, few_columns_keep_their_variance, 1, 5);
    tcase_add_loop_test(learns, what_is_beside_the_subspace_keeps_its_variance, 0, 2);
    tcase_add_test(learns, utility_rises_with_epsilon);
    tcase_add_test(learns, steps_of_em_refine);
    tcase_add_test(learns, em_goes_by_the_weights);
    tcase_add_test(learns, components_follow_the_share);
    tcase_add_test(learns, labels_go_with_their_rows);
    TCase *density = check_case(suite, "density");
    tcase_add_checked_fixture(density, tiny_clean_setup, tiny_clean_teardown);
    tcase_add_loop_test(density, the_density_integrates_to_one, 0, 4);
    tcase_add_test(density, the_density_is_per_declared_unit);
    tcase_add_test(density, wrong_arguments_are_refused);
    TCase *forms = check_case(suite, "forms");
    tcase_add_checked_fixture(forms, tiny_clean_setup, tiny_clean_teardown);
    tcase_add_loop_test(forms, images_are_learned_in_every_form, 0, 48);
    tcase_add_test(forms, images_need_to_be_square);
    tcase_add_test(forms, tiny_clips_are_refused_before_the_debit);
    tcase_add_test(forms, too_many_components_are_refused_before_the_debit);
    tcase_add_test(forms, threads_make_no_difference);
    tcase_add_test(forms, loaded_densities_are_the_saved_ones);
    TCase *nothing = check_case(suite, "nothing to learn");
    tcase_add_checked_fixture(nothing, tiny_clean_setup, tiny_clean_teardown);
    tcase_add_loop_test(nothing, whatever_the_data_samples_are_finite, 0, 15);
    return suite;
}

CHECK_MAIN(gmm_suite)
