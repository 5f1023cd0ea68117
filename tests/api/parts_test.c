/* SPDX-License-Identifier: BSD-3-Clause */
/* A mixture by label: every part has a model of its own, in all that a model has. (What a VAE, an RBM and a
 * GAN learn of a part is tested with them.) */
#include "mixture_model.h"

#include "tiny_fixture.h"

#include <math.h>

enum { SAMPLES = 4000 };

static float rows[SAMPLES * TINY_COLUMNS], others[SAMPLES * TINY_COLUMNS];
static int32_t labels[SAMPLES];

/* Class 0 goes up and is wide, class 1 goes down and is narrow; and they lie apart. */
static void open_classes(double epsilon)
{
    struct tiny_random random = {3};
    tiny_case_close(&tiny);
    for (size_t i = 0; i < TINY_ROWS; i++) {
        float *row = tiny.rows + i * TINY_COLUMNS;
        double along = tiny_normal(&random) * (tiny.labels[i] ? 0.15 : 0.35), across = tiny_normal(&random);
        row[0] = (float)((tiny.labels[i] ? 1.5 : 0.7) + along);
        row[1] = (float)(1 + (tiny.labels[i] ? -0.8 : 0.8) * along + 0.1 * across);
    }
    tiny.dataset = tiny_dataset(tiny.rows, TINY_ROWS, TINY_COLUMNS, tiny.labels, TINY_CLASSES);
    tiny.accountant = tiny_accountant(epsilon);
    tiny_mode_set(&tiny.mode, tiny.dataset, 1);
}

/* Frees the options. */
static dpmix_mixture *fit_by_label(int kind, dpmix_options *options)
{
    dpmix_generator *generator = NULL;
    CHECK_OK(dpmix_generator_new(&generator, kind, options));
    dpmix_options_free(options);
    dpmix_mixture *mixture =
        tiny_mixture(tiny_fitted_clusterer(&tiny, DPMIX_CLUSTERER_LABEL, 0.5), generator);
    CHECK_OK(dpmix_mixture_fit(mixture, tiny.accountant, tiny.dataset, 1, NULL, NULL));
    return mixture;
}

static void sample(const dpmix_mixture *mixture, float *to)
{
    const uint64_t seed = 3;
    CHECK_OK(dpmix_mixture_sample(mixture, to, labels, 0, SAMPLES, TINY_COLUMNS, &seed));
}

static struct tiny_moments moments_of_class(const float *from, const int32_t *classes, size_t n,
                                            int32_t label)
{
    static float kept[SAMPLES * TINY_COLUMNS];
    size_t n_kept = 0;
    for (size_t i = 0; i < n; i++)
        if (classes[i] == label)
            memcpy(kept + TINY_COLUMNS * n_kept++, from + i * TINY_COLUMNS, TINY_COLUMNS * sizeof *kept);
    return tiny_moments_of(kept, n_kept, TINY_COLUMNS);
}

/* ---- What a part's model is like ---- */

/* Covariances: a Gaussian mixture cuts them by the scatter of all parts, three bins of a number keep little
 * of them. */
static const struct {
    int kind, covariances;
} kinds[] = {{DPMIX_GENERATOR_GAUSSIAN, 1}, {DPMIX_GENERATOR_GMM, 0}, {DPMIX_GENERATOR_PRODUCTS, 0}};

START_TEST(a_part_has_the_moments_of_its_rows)
{
    open_classes(1000);
    dpmix_mixture *mixture = fit_by_label(kinds[_i].kind, tiny_options());
    sample(mixture, rows);
    for (int32_t c = 0; c < TINY_CLASSES; c++) {
        struct tiny_moments truth = moments_of_class(tiny.rows, tiny.labels, TINY_ROWS, c);
        struct tiny_moments found = moments_of_class(rows, labels, SAMPLES, c);
        for (size_t j = 0; j < TINY_COLUMNS; j++) {
            ck_assert_double_eq_tol(found.mean[j], truth.mean[j], 0.05);
            for (size_t k = 0; kinds[_i].covariances && k < TINY_COLUMNS; k++)
                ck_assert_double_eq_tol(found.covariance[j][k], truth.covariance[j][k], 0.01);
        }
    }
    dpmix_mixture_free(mixture);
}
END_TEST

/* Of the nets each part's is averaged. */
START_TEST(every_part_is_averaged)
{
    static const int nets[] = {DPMIX_GENERATOR_VAE, DPMIX_GENERATOR_RBM, DPMIX_GENERATOR_CGAN};
    for (int averaged = 0; averaged < 2; averaged++) {
        dpmix_options *options = tiny_options();
        CHECK_OK(dpmix_options_set_double(options, DPMIX_OPTION_AVERAGING, averaged ? 0.9 : 0));
        open_classes(10);
        dpmix_mixture *mixture = fit_by_label(nets[_i], options);
        sample(mixture, averaged ? others : rows);
        dpmix_mixture_free(mixture);
    }
    for (int32_t c = 0; c < TINY_CLASSES; c++) {
        size_t same = 0, n = 0;
        for (size_t i = 0; i < SAMPLES; i++)
            if (labels[i] == c) {
                same += memcmp(rows + i * TINY_COLUMNS, others + i * TINY_COLUMNS,
                               TINY_COLUMNS * sizeof *rows) == 0;
                n++;
            }
        ck_assert(n > 0 && same < n / 2);
    }
}
END_TEST

/* ---- Second moments ---- */

/* Adds to each released matrix of a Gaussian's second moments what is zero in its symmetric part. */
static void twist(void *user, const struct dpm_observation *observation, int64_t *sums)
{
    const int *twisted = user;
    const size_t size = TINY_COLUMNS * TINY_COLUMNS;
    for (size_t i = 0; *twisted && observation->plan > 0 && observation->query_plan->n_matrices == 1 &&
                       observation->query_plan->matrix[0].rows == TINY_COLUMNS && i < observation->n;
         i += size) {
        sums[i + 1] += 100000;
        sums[i + TINY_COLUMNS] -= 100000;
    }
}

/* The noise on the two halves of a symmetric matrix is not: half of its variance goes with their mean. */
START_TEST(moments_count_by_their_symmetric_part)
{
    struct dpm_blob models[2] = {{0}, {0}};
    for (int twisted = 0; twisted < 2; twisted++) {
        open_classes(1000);
        tiny.mode.mode.observe = twist;
        tiny.mode.mode.user = &twisted;
        dpmix_mixture *mixture = fit_by_label(DPMIX_GENERATOR_GAUSSIAN, tiny_options());
        dpm_mixture_put(mixture, &models[twisted]);
        dpmix_mixture_free(mixture);
    }
    ck_assert_uint_eq(models[0].size, models[1].size);
    ck_assert_mem_eq(models[0].bytes, models[1].bytes, models[0].size);
    for (int i = 0; i < 2; i++)
        dpm_blob_free(&models[i]);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("parts");
    TCase *parts = check_case(s, "parts");
    tcase_add_checked_fixture(parts, setup, teardown);
    tcase_add_loop_test(parts, a_part_has_the_moments_of_its_rows, 0, (int)(sizeof kinds / sizeof *kinds));
    tcase_add_loop_test(parts, every_part_is_averaged, 0, 3);
    tcase_add_test(parts, moments_count_by_their_symmetric_part);
    return s;
}

CHECK_MAIN(suite)
