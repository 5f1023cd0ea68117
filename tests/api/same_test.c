/* SPDX-License-Identifier: BSD-3-Clause */
/* The same fit on every vector unit and with any number of threads: the same model, bit for bit. */
#include "base_simd.h"
#include "tiny_model.h"

enum { RECORDS = 1500, CLASSES = 3, SAMPLES = 300 };

static uint8_t images[RECORDS * TINY_PIXELS];
static int32_t labels[RECORDS];
static const int kinds[] = {DPMIX_GENERATOR_GAUSSIAN, DPMIX_GENERATOR_VAE};
enum { KINDS = sizeof kinds / sizeof *kinds };

static void teardown(void)
{
    dpm_simd_limit(DPM_SIMD_AVX512);
}

/* Samples of one model. */
static void fit_and_sample(float *samples, int kind, int threads)
{
    const double lower = 0, upper = 255;
    const uint64_t seed = 3;
    struct tiny_mode mode;
    dpmix_dataset *dataset = NULL;
    dpmix_generator *generator = NULL;
    dpmix_options *options = tiny_options();
    CHECK_OK(dpmix_dataset_new_u8(&dataset, images, RECORDS, TINY_PIXELS, labels, CLASSES, &lower, &upper, 1,
                                  DPMIX_STORAGE_COPY));
    tiny_mode_set(&mode, dataset, 9);
    dpmix_accountant *accountant = tiny_accountant(5);
    CHECK_OK(dpmix_options_set_int(options, DPMIX_OPTION_THREADS, threads));
    CHECK_OK(dpmix_options_set_double(options, DPMIX_OPTION_SAMPLING_RATE, 0.7)); /* several blocks */
    CHECK_OK(dpmix_options_set_int(options, DPMIX_OPTION_VAE_HIDDEN, 37));
    CHECK_OK(dpmix_options_set_int(options, DPMIX_OPTION_VAE_LATENT, 5));
    CHECK_OK(dpmix_generator_new(&generator, kind, options));
    CHECK_OK(dpmix_generator_fit(generator, accountant, dataset, 1, NULL, NULL));
    CHECK_OK(dpmix_generator_sample(generator, samples, NULL, 0, SAMPLES, TINY_PIXELS, &seed));
    dpmix_generator_free(generator);
    dpmix_options_free(options);
    dpmix_accountant_free(accountant);
    dpmix_dataset_free(dataset);
}

START_TEST(neither_processor_nor_threads_show)
{
    static float first[SAMPLES * TINY_PIXELS], again[SAMPLES * TINY_PIXELS];
    static const int threads[] = {1, 2, 5};
    tiny_images(images, labels, RECORDS, CLASSES, 1);
    for (int level = DPM_SIMD_PLAIN; level <= DPM_SIMD_AVX512; level++)
        for (size_t t = 0; t < sizeof threads / sizeof *threads; t++) {
            int is_first = level == DPM_SIMD_PLAIN && t == 0;
            dpm_simd_limit(level);
            fit_and_sample(is_first ? first : again, kinds[_i], threads[t]);
            ck_assert(is_first || memcmp(first, again, sizeof first) == 0);
        }
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("same");
    TCase *same = tcase_create("same");
    tcase_set_timeout(same, 0);
    tcase_add_checked_fixture(same, NULL, teardown);
    tcase_add_loop_test(same, neither_processor_nor_threads_show, 0, KINDS);
    suite_add_tcase(s, same);
    return s;
}

CHECK_MAIN(suite)
