/* SPDX-License-Identifier: BSD-3-Clause */
/* Every option does something: with another value of it a model makes other records, or gives them other
 * labels. An option that needs another one to matter does nothing without that. What came of it goes through
 * files. */
#include "tiny_file.h"
#include "tiny_model.h"

enum { RECORDS = 400, CLASSES = 2, SAMPLES = 48, DIRECTIONS = 6 };

static uint8_t images[RECORDS * TINY_PIXELS];
static int32_t labels[RECORDS];

/* What is fitted. A partition has Gaussians on its parts; TAUGHT is by label, and a teacher follows. */
enum { KMEANS = 1, CORESET, TAUGHT, GAUSSIAN, VAE, RBM, CGAN, GMM, PRODUCTS };

struct effect {
    int key;
    double value;
    int learner;
    int with; /* an option that must be set for it to matter; 0: none */
    double with_value;
};

static const struct effect effects[] = {
    {DPMIX_OPTION_CLUSTERS, 3, KMEANS, 0, 0},
    {DPMIX_OPTION_KMEANS_STEPS, 3, KMEANS, 0, 0},
    {DPMIX_OPTION_KMEANS_FEATURES, 8, KMEANS, 0, 0},
    {DPMIX_OPTION_KMEANS_BANDWIDTH, 1, KMEANS, 0, 0},
    {DPMIX_OPTION_KMEANS_ROW_CLIP, 0.1, CORESET, 0, 0},
    {DPMIX_OPTION_CORESET_BITS, 3, CORESET, 0, 0},
    {DPMIX_OPTION_STEPS, 4, VAE, 0, 0},
    {DPMIX_OPTION_SAMPLING_RATE, 0.1, VAE, 0, 0},
    {DPMIX_OPTION_LEARNING_RATE, 0.1, VAE, 0, 0},
    {DPMIX_OPTION_CLIP_NORM, 0.01, VAE, 0, 0},
    {DPMIX_OPTION_CONDITIONAL, 0, VAE, 0, 0},
    {DPMIX_OPTION_COUNT_NOISE, DPMIX_COUNT_NOISE_GEOMETRIC, VAE, 0, 0},
    {DPMIX_OPTION_COUNT_NOISE, DPMIX_COUNT_NOISE_GEOMETRIC, TAUGHT, 0, 0},
    {DPMIX_OPTION_OPTIMIZER, DPMIX_OPTIMIZER_SGD, VAE, 0, 0},
    {DPMIX_OPTION_OPTIMIZER, DPMIX_OPTIMIZER_ADAMW, VAE, 0, 0},
    {DPMIX_OPTION_MOMENTUM, 0.5, VAE, 0, 0},
    {DPMIX_OPTION_SECOND_MOMENT, 0.9, VAE, 0, 0},
    {DPMIX_OPTION_WEIGHT_DECAY, 0.1, VAE, DPMIX_OPTION_OPTIMIZER, DPMIX_OPTIMIZER_ADAMW},
    {DPMIX_OPTION_NOISE_CORRECTION, 1, VAE, 0, 0},
    {DPMIX_OPTION_AVERAGING, 0.9, VAE, 0, 0},
    {DPMIX_OPTION_AVERAGING, 0.9, CGAN, 0, 0},
    {DPMIX_OPTION_RATE_SCHEDULE, DPMIX_RATE_LINEAR, VAE, 0, 0},
    {DPMIX_OPTION_RATE_SCHEDULE, DPMIX_RATE_COSINE, VAE, 0, 0},
    {DPMIX_OPTION_RATE_END, 0.5, VAE, DPMIX_OPTION_RATE_SCHEDULE, DPMIX_RATE_LINEAR},
    {DPMIX_OPTION_WARMUP, 0.5, VAE, 0, 0},
    {DPMIX_OPTION_NOISE_SCHEDULE, 0.5, VAE, 0, 0},
    {DPMIX_OPTION_CLIP_QUANTILE, 0.5, VAE, 0, 0},
    {DPMIX_OPTION_CLIP_RATE, 0.5, VAE, DPMIX_OPTION_CLIP_QUANTILE, 0.5},
    {DPMIX_OPTION_VAE_HIDDEN, 4, VAE, 0, 0},
    {DPMIX_OPTION_VAE_LATENT, 3, VAE, 0, 0},
    {DPMIX_OPTION_VAE_LAYERS, 2, VAE, 0, 0},
    {DPMIX_OPTION_VAE_ACTIVATION, DPMIX_ACTIVATION_TANH, VAE, 0, 0},
    {DPMIX_OPTION_VAE_ACTIVATION, DPMIX_ACTIVATION_LEAKY_RELU, VAE, 0, 0},
    {DPMIX_OPTION_VAE_ACTIVATION, DPMIX_ACTIVATION_SOFTPLUS, VAE, 0, 0},
    {DPMIX_OPTION_VAE_OUTPUT, DPMIX_VAE_OUTPUT_GAUSSIAN, VAE, 0, 0},
    {DPMIX_OPTION_VAE_OUTPUT, DPMIX_VAE_OUTPUT_MIXED, VAE, 0, 0},
    {DPMIX_OPTION_VAE_BETA, 0.5, VAE, 0, 0},
    {DPMIX_OPTION_VAE_DRAWS, 2, VAE, 0, 0},
    {DPMIX_OPTION_VAE_PRIOR, DPMIX_VAE_PRIOR_GAUSSIAN, VAE, 0, 0},
    {DPMIX_OPTION_VAE_PRIOR, DPMIX_VAE_PRIOR_MIXTURE, VAE, 0, 0},
    {DPMIX_OPTION_VAE_PRIOR_SHARE, 0.2, VAE, DPMIX_OPTION_VAE_PRIOR, DPMIX_VAE_PRIOR_GAUSSIAN},
    {DPMIX_OPTION_VAE_PRIOR_SHARE, 0.2, VAE, DPMIX_OPTION_VAE_PRIOR, DPMIX_VAE_PRIOR_MIXTURE},
    {DPMIX_OPTION_VAE_DRAW, 1, VAE, 0, 0},
    {DPMIX_OPTION_VAE_DEVIATION, 0.1, VAE, DPMIX_OPTION_VAE_OUTPUT, DPMIX_VAE_OUTPUT_GAUSSIAN},
    {DPMIX_OPTION_VAE_HIDDEN_LAST, 2, VAE, DPMIX_OPTION_VAE_LAYERS, 2},
    {DPMIX_OPTION_GAUSSIAN_RANK, 1, GAUSSIAN, 0, 0},
    {DPMIX_OPTION_GAUSSIAN_ROW_CLIP, 0.1, GAUSSIAN, 0, 0},
    {DPMIX_OPTION_GAUSSIAN_RESIDUAL_CLIP, 0.05, GAUSSIAN, 0, 0},
    {DPMIX_OPTION_RBM_HIDDEN, 4, RBM, 0, 0},
    {DPMIX_OPTION_RBM_VISIBLE, DPMIX_RBM_GAUSSIAN, RBM, 0, 0},
    {DPMIX_OPTION_RBM_CD_STEPS, 2, RBM, 0, 0},
    {DPMIX_OPTION_RBM_BURN_IN, 2, RBM, 0, 0},
    {DPMIX_OPTION_RBM_THINNING, 1, RBM, 0, 0},
    {DPMIX_OPTION_RBM_THINNING, 2, RBM, DPMIX_OPTION_RBM_THINNING, 1},
    {DPMIX_OPTION_RBM_OUTPUT, DPMIX_RBM_DRAWS, RBM, 0, 0},
    {DPMIX_OPTION_RBM_DEVIATION, 0.5, RBM, DPMIX_OPTION_RBM_VISIBLE, DPMIX_RBM_GAUSSIAN},
    {DPMIX_OPTION_CGAN_NOISE, 3, CGAN, 0, 0},
    {DPMIX_OPTION_CGAN_HIDDEN, 4, CGAN, 0, 0},
    {DPMIX_OPTION_CGAN_LAYERS, 2, CGAN, 0, 0},
    {DPMIX_OPTION_CGAN_CRITIC_STEPS, 2, CGAN, 0, 0},
    {DPMIX_OPTION_CGAN_SMOOTHING, 0.3, CGAN, 0, 0},
    {DPMIX_OPTION_CGAN_OPTIMIZER, DPMIX_OPTIMIZER_SGD, CGAN, 0, 0},
    {DPMIX_OPTION_CGAN_RATE, 0.1, CGAN, 0, 0},
    {DPMIX_OPTION_CGAN_FAKES, 3, CGAN, 0, 0},
    {DPMIX_OPTION_GMM_COMPONENTS, 2, GMM, 0, 0},
    {DPMIX_OPTION_GMM_BASIS, DPMIX_GMM_BASIS_COLUMNS, GMM, 0, 0},
    {DPMIX_OPTION_GMM_RADIUS, 2, GMM, 0, 0},
    {DPMIX_OPTION_GMM_COVARIANCE, DPMIX_GMM_COVARIANCE_TIED, GMM, 0, 0},
    {DPMIX_OPTION_GMM_COVARIANCE, DPMIX_GMM_COVARIANCE_DIAGONAL, GMM, 0, 0},
    {DPMIX_OPTION_GMM_COVARIANCE, DPMIX_GMM_COVARIANCE_FACTORS, GMM, 0, 0},
    {DPMIX_OPTION_GMM_RANK, 2, GMM, 0, 0},
    {DPMIX_OPTION_GMM_ROW_CLIP, 0.1, GMM, 0, 0},
    {DPMIX_OPTION_GMM_RESIDUAL_CLIP, 0.05, GMM, 0, 0},
    {DPMIX_OPTION_GMM_STEPS, 2, GMM, 0, 0},
    {DPMIX_OPTION_GMM_EM_STEPS, 1, GMM, 0, 0},
    {DPMIX_OPTION_GMM_DISTANCE, DPMIX_GMM_DISTANCE_ONLY, GMM, 0, 0},
    {DPMIX_OPTION_GMM_DISTANCE, DPMIX_GMM_DISTANCE_BOTH, GMM, 0, 0},
    {DPMIX_OPTION_GMM_PRIOR_ROWS, 0, GMM, 0, 0},
    {DPMIX_OPTION_GMM_REST, 1, GMM, 0, 0},
    {DPMIX_OPTION_PRODUCTS_COMPONENTS, 3, PRODUCTS, 0, 0},
    {DPMIX_OPTION_PRODUCTS_BINS, 4, PRODUCTS, 0, 0},
    {DPMIX_OPTION_PRODUCTS_STEPS, 4, PRODUCTS, 0, 0},
    {DPMIX_OPTION_PRODUCTS_LABEL_WEIGHT, 1, PRODUCTS, 0, 0},
    {DPMIX_OPTION_LABELS, DPMIX_LABELS_MODEL, TAUGHT, 0, 0},
    {DPMIX_OPTION_TEACHER_STEPS, 4, TAUGHT, 0, 0},
    {DPMIX_OPTION_TEACHER_WIDTH, DIRECTIONS + 1, TAUGHT, 0, 0},
    {DPMIX_OPTION_TEACHER_CLIP, 0.01, TAUGHT, 0, 0},
    {DPMIX_OPTION_TEACHER_RATE, 0.5, TAUGHT, 0, 0},
    {DPMIX_OPTION_TEACHER_RECORDS, 150, TAUGHT, 0, 0},
    {DPMIX_OPTION_TEACHER_FEATURES, DPMIX_TEACHER_FEATURES_COLUMNS, TAUGHT, 0, 0},
    {DPMIX_OPTION_AUGMENT_FRACTION, 0.2, TAUGHT, 0, 0},
    {DPMIX_OPTION_AUGMENT_ROTATION, 90, TAUGHT, 0, 0},
    {DPMIX_OPTION_AUGMENT_SHEAR, 1, TAUGHT, 0, 0},
    {DPMIX_OPTION_AUGMENT_SCALE, 0.5, TAUGHT, 0, 0},
    {DPMIX_OPTION_AUGMENT_SHIFT, 3, TAUGHT, 0, 0},
    {DPMIX_OPTION_AUGMENT_ELASTIC, 3, TAUGHT, 0, 0},
    {DPMIX_OPTION_AUGMENT_MIRROR, 0.5, TAUGHT, 0, 0},
    {DPMIX_OPTION_AUGMENT_MIX, 0, TAUGHT, 0, 0},
};

enum { EFFECTS = sizeof effects / sizeof *effects };

/* Zero where a model has no labels. */
struct samples {
    float rows[SAMPLES * TINY_PIXELS], probabilities[SAMPLES * CLASSES];
};

static void set_option(dpmix_options *options, int key, double value)
{
    if (dpmix_option_type(key) == DPMIX_OPTION_TYPE_INT)
        CHECK_OK(dpmix_options_set_int(options, key, (int64_t)value));
    else
        CHECK_OK(dpmix_options_set_double(options, key, value));
}

static dpmix_options *quick_options(void)
{
    dpmix_options *options = tiny_options();
    set_option(options, DPMIX_OPTION_SAMPLING_RATE, 1); /* quickly calibrated */
    set_option(options, DPMIX_OPTION_CLUSTERS, 4); /* more than there are, so that parts follow the noise */
    set_option(options, DPMIX_OPTION_CORESET_BITS, 2);
    set_option(options, DPMIX_OPTION_GMM_RANK, 12); /* some directions are below the noise: low rank shows */
    set_option(options, DPMIX_OPTION_RBM_BURN_IN, 1);
    set_option(options, DPMIX_OPTION_PRODUCTS_STEPS, 3);
    set_option(options, DPMIX_OPTION_TEACHER_RECORDS, 100);
    set_option(options, DPMIX_OPTION_TEACHER_WIDTH, DIRECTIONS);
    set_option(options, DPMIX_OPTION_TEACHER_STEPS, 3);
    return options;
}

/* A fixed key: all randomness is the same at every fit. */
static dpmix_dataset *new_dataset(struct tiny_mode *mode)
{
    const double lower = 0, upper = 255;
    dpmix_dataset *dataset = NULL;
    tiny_images(images, labels, RECORDS, CLASSES, 1);
    CHECK_OK(dpmix_dataset_new_u8(&dataset, images, RECORDS, TINY_PIXELS, labels, CLASSES, &lower, &upper, 1,
                                  DPMIX_STORAGE_COPY));
    CHECK_OK(dpmix_dataset_set_images(dataset, TINY_SIDE));
    tiny_mode_set(mode, dataset, 5);
    return dataset;
}

static dpmix_clusterer *new_partition(int learner, const dpmix_options *options)
{
    static const int kinds[] = {[KMEANS] = DPMIX_CLUSTERER_KMEANS,
                                [CORESET] = DPMIX_CLUSTERER_CORESET,
                                [TAUGHT] = DPMIX_CLUSTERER_LABEL};
    dpmix_clusterer *clusterer = NULL;
    if (learner <= TAUGHT)
        CHECK_OK(dpmix_clusterer_new(&clusterer, kinds[learner], options));
    return clusterer;
}

static dpmix_generator *new_models(int learner, const dpmix_options *options)
{
    static const int kinds[] = {[KMEANS] = DPMIX_GENERATOR_GAUSSIAN,  [CORESET] = DPMIX_GENERATOR_GAUSSIAN,
                                [TAUGHT] = DPMIX_GENERATOR_GAUSSIAN,  [GAUSSIAN] = DPMIX_GENERATOR_GAUSSIAN,
                                [VAE] = DPMIX_GENERATOR_VAE,          [RBM] = DPMIX_GENERATOR_RBM,
                                [CGAN] = DPMIX_GENERATOR_CGAN,        [GMM] = DPMIX_GENERATOR_GMM,
                                [PRODUCTS] = DPMIX_GENERATOR_PRODUCTS};
    dpmix_generator *generator = NULL;
    CHECK_OK(dpmix_generator_new(&generator, kinds[learner], options));
    return generator;
}

static void sample(struct samples *samples, const dpmix_mixture *mixture)
{
    const uint64_t seed = 1;
    memset(samples, 0, sizeof *samples);
    if (dpmix_mixture_classes(mixture) > 0)
        CHECK_OK(dpmix_mixture_sample_soft(mixture, samples->rows, samples->probabilities, 0, SAMPLES,
                                           TINY_PIXELS, CLASSES, &seed));
    else
        CHECK_OK(dpmix_mixture_sample(mixture, samples->rows, NULL, 0, SAMPLES, TINY_PIXELS, &seed));
}

/* Consumes the options. */
static void fit_and_sample(struct samples *samples, int learner, dpmix_options *options)
{
    static struct samples of_file;
    struct tiny_mode mode;
    dpmix_dataset *dataset = new_dataset(&mode);
    dpmix_mixture *loaded = NULL;
    dpmix_accountant *accountant = tiny_accountant(50);
    dpmix_clusterer *clusterer = new_partition(learner, options);
    dpmix_generator *generator = new_models(learner, options);
    dpmix_options_free(options);
    if (clusterer)
        CHECK_OK(dpmix_clusterer_fit(clusterer, accountant, dataset, 0.3, NULL, NULL));
    dpmix_mixture *mixture = tiny_mixture(clusterer, generator);
    CHECK_OK(dpmix_mixture_fit(mixture, accountant, dataset, learner == TAUGHT ? 0.5 : 1, NULL, NULL));
    if (learner == TAUGHT)
        CHECK_OK(dpmix_mixture_teach(mixture, accountant, dataset, 1, NULL, NULL));
    sample(samples, mixture);
    CHECK_OK(dpmix_mixture_save(mixture, tiny_path("a")));
    CHECK_OK(dpmix_mixture_load(&loaded, tiny_path("a")));
    sample(&of_file, loaded);
    ck_assert_mem_eq(samples, &of_file, sizeof of_file);
    dpmix_mixture_free(loaded);
    dpmix_mixture_free(mixture);
    dpmix_accountant_free(accountant);
    dpmix_dataset_free(dataset);
}

static void sample_with(struct samples *samples, const struct effect *effect, int with_it, int with_condition)
{
    dpmix_options *options = quick_options();
    if (effect->with && with_condition)
        set_option(options, effect->with, effect->with_value);
    if (with_it)
        set_option(options, effect->key, effect->value);
    fit_and_sample(samples, effect->learner, options);
}

START_TEST(every_option_changes_the_samples)
{
    static struct samples changed, unchanged;
    const struct effect *effect = &effects[_i];
    sample_with(&unchanged, effect, 0, 1);
    sample_with(&changed, effect, 1, 1);
    ck_assert_msg(memcmp(&changed, &unchanged, sizeof changed) != 0, "%s", dpmix_option_name(effect->key));
    if (!effect->with || effect->with == effect->key)
        return;
    sample_with(&unchanged, effect, 0, 0);
    sample_with(&changed, effect, 1, 0);
    ck_assert_msg(memcmp(&changed, &unchanged, sizeof changed) == 0, "%s", dpmix_option_name(effect->key));
}
END_TEST

/* All but the number of threads, which must not show, stand in the table above. */
START_TEST(no_option_is_left_out)
{
    for (int key = dpmix_option_next(0); key; key = dpmix_option_next(key)) {
        size_t i = 0;
        while (i < EFFECTS && effects[i].key != key)
            i++;
        ck_assert_msg((i == EFFECTS) == (key == DPMIX_OPTION_THREADS), "%s", dpmix_option_name(key));
    }
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("effects");
    TCase *each = check_case(s, "each option");
    tcase_add_checked_fixture(each, tiny_clean_setup, tiny_clean_teardown);
    tcase_add_loop_test(each, every_option_changes_the_samples, 0, EFFECTS);
    tcase_add_test(each, no_option_is_left_out);
    return s;
}

CHECK_MAIN(suite)
