/* SPDX-License-Identifier: BSD-3-Clause */
/* Neighbour replay: a learner runs on a data set, and again, with the same randomness, on one that lacks the
 * last row. The second run is shown the first one's released numbers, so that both have the same history, as
 * in the proof of composition; then every query's sums before noise must differ by at most the declared
 * sensitivity. And as what was released is the same, so must the models be, bit by bit: nothing of them comes
 * from the rows another way, not even the number of rows.
 *
 * On the way every block is contributed a second time, row by row: a row's contribution has the same bits
 * alone as in company, or one row more would change those of others. */
#include "base_alloc.h"
#include "check_main.h"
#include "mixture_model.h"
#include "privacy_test.h"

#include <dpmix/dpmix.h>

#include <math.h>
#include <stdatomic.h>
#include <string.h>

enum { SIDE = 8, COLUMNS = SIDE * SIDE, CLASSES = 3, ROWS = 900, MOST_QUERIES = 64 };

static float rows[ROWS * COLUMNS];
static int32_t labels[ROWS];

/* Blobs in 8 x 8 pixels. The last row is far from all others, in the largest class or a class of its own. */
static void fill(int last_class)
{
    uint32_t state = 7;
    for (size_t i = 0; i < ROWS; i++) {
        labels[i] = i % 7 == 0; /* class 2 is empty but for the last row */
        for (size_t j = 0; j < COLUMNS; j++) {
            state = state * 1664525u + 1013904223u;
            float noise = (float)(state >> 8) * 0x1p-24f;
            rows[i * COLUMNS + j] = 0.6f * noise + (j / 8 % 2 == (size_t)labels[i] ? 0.4f : 0.0f);
        }
    }
    labels[ROWS - 1] = last_class;
    for (size_t j = 0; j < COLUMNS; j++)
        rows[(ROWS - 1) * COLUMNS + j] = j % 3 == 0;
}

struct recording {
    int replaying;
    size_t n, next, n_geometric;
    struct {
        int64_t *sums;
        size_t n;
        double grid, sensitivity, change;
    } query[MOST_QUERIES];
};

static void observe(void *user, const struct dpm_observation *observation, int64_t *sums)
{
    struct recording *recording = user;
    if (!recording->replaying) {
        ck_assert_uint_lt(recording->n, MOST_QUERIES);
        int64_t *copy = dpm_alloc(observation->n, sizeof *copy);
        memcpy(copy, sums, observation->n * sizeof *copy);
        recording->n_geometric += observation->query_plan->noise == DPM_NOISE_GEOMETRIC;
        recording->query[recording->n].sums = copy;
        recording->query[recording->n].n = observation->n;
        recording->query[recording->n].grid = observation->grid;
        recording->query[recording->n++].sensitivity = observation->sensitivity;
        return;
    }
    ck_assert_uint_lt(recording->next, recording->n);
    const int64_t *first = recording->query[recording->next].sums;
    ck_assert_uint_eq(observation->n, recording->query[recording->next].n);
    ck_assert(observation->grid == recording->query[recording->next].grid);
    double squares = 0;
    for (size_t i = 0; i < observation->n; i++)
        squares += pow((double)(sums[i] - first[i]), 2);
    recording->query[recording->next++].change = sqrt(squares) * observation->grid;
    memcpy(sums, first, observation->n * sizeof *sums);
}

/* ---- A row alone ---- */

/* A contribution, and what was seen of it. */
struct company {
    dpm_block_fn *contribute;
    const void *model;
    const struct dpm_query_plan *plan;
};

static atomic_size_t rows_seen, rows_that_differ;

/* Room for the factors of one row; in the order of the matrices, left and right. */
static float *new_factors(const struct dpm_query_plan *plan, float **left, float **right)
{
    size_t size = 0;
    for (int m = 0; m < plan->n_matrices; m++)
        size += (size_t)plan->matrix[m].rank * (plan->matrix[m].rows + plan->matrix[m].columns);
    float *memory = dpm_alloc(size, sizeof *memory), *at = memory;
    for (int m = 0; m < plan->n_matrices; m++) {
        left[m] = at;
        right[m] = at += (size_t)plan->matrix[m].rank * plan->matrix[m].rows;
        at += (size_t)plan->matrix[m].rank * plan->matrix[m].columns;
    }
    return memory;
}

static int same_factors(const struct dpm_query_plan *plan, size_t i, float *const *left, float *const *right,
                        float *const *left_alone, float *const *right_alone)
{
    int same = 1;
    for (int m = 0; m < plan->n_matrices; m++) {
        size_t l = (size_t)plan->matrix[m].rank * plan->matrix[m].rows;
        size_t r = (size_t)plan->matrix[m].rank * plan->matrix[m].columns;
        same = same && memcmp(left[m] + i * l, left_alone[m], l * sizeof(float)) == 0 &&
               memcmp(right[m] + i * r, right_alone[m], r * sizeof(float)) == 0;
    }
    return same;
}

/* A dpm_block_fn: the contribution, and every tenth row's once more without the others. */
static void contribute_twice(const void *model, const struct dpm_block *block, float *const *left,
                             float *const *right)
{
    const struct company *company = model;
    const struct dpm_query_plan *plan = company->plan;
    float *left_alone[DPM_QUERY_MATRICES], *right_alone[DPM_QUERY_MATRICES];
    float *factors = new_factors(plan, left_alone, right_alone);
    float *scratch = dpm_alloc(plan->scratch, sizeof *scratch);
    company->contribute(company->model, block, left, right);
    for (size_t i = 1; i < block->n_rows; i += 10) {
        struct dpm_block alone = *block;
        alone.n_rows = 1;
        alone.rows += i * block->n_columns;
        alone.labels += i;
        alone.parts += i;
        alone.normals += i * plan->normals;
        alone.scratch = scratch;
        company->contribute(company->model, &alone, left_alone, right_alone);
        rows_seen++;
        rows_that_differ += !same_factors(plan, i, left, right, left_alone, right_alone);
    }
    dpm_free(factors);
    dpm_free(scratch);
}

int __real_dpm_release_query(struct dpm_release *release, size_t plan, dpm_block_fn *contribute,
                             const void *model, double *sums);
int __wrap_dpm_release_query(struct dpm_release *release, size_t plan, dpm_block_fn *contribute,
                             const void *model, double *sums);

int __wrap_dpm_release_query(struct dpm_release *release, size_t plan, dpm_block_fn *contribute,
                             const void *model, double *sums)
{
    struct company company = {contribute, model, dpm_release_plan(release, plan)};
    return __real_dpm_release_query(release, plan, contribute_twice, &company, sums);
}

/* ---- Learners ---- */

/* What is run: a clusterer with a generator on its parts (kind 0: none), or a generator alone. */
struct learner {
    const char *name;
    int clusterer, generator;
    int conditional;
    int count_noise;
    int vae_output; /* 0: the default net, else two layers, several draws and a fitted prior, too */
    int columns;    /* k-means on them, not on features; 2: and they are bytes */
    int taught;     /* 1: a teacher follows */
    int latent;     /* 1: the VAE has a mixture in latent space */
};

static const struct learner learners[] = {
    {"by label, Gaussian", DPMIX_CLUSTERER_LABEL, DPMIX_GENERATOR_GAUSSIAN, 0, 1, 0, 0, 0, 0},
    {"k-means, Gaussian", DPMIX_CLUSTERER_KMEANS, DPMIX_GENERATOR_GAUSSIAN, 0, 1, 0, 0, 0, 0},
    {"k-means on columns, Gaussian", DPMIX_CLUSTERER_KMEANS, DPMIX_GENERATOR_GAUSSIAN, 0, 1, 0, 1, 0, 0},
    {"coreset, Gaussian", DPMIX_CLUSTERER_CORESET, DPMIX_GENERATOR_GAUSSIAN, 0, 1, 0, 0, 0, 0},
    {"k-means on bytes, Gaussian", DPMIX_CLUSTERER_KMEANS, DPMIX_GENERATOR_GAUSSIAN, 0, 1, 0, 2, 0, 0},
    {"coreset of bytes, Gaussian", DPMIX_CLUSTERER_CORESET, DPMIX_GENERATOR_GAUSSIAN, 0, 1, 0, 2, 0, 0},
    {"Gaussian", 0, DPMIX_GENERATOR_GAUSSIAN, 0, 1, 0, 0, 0, 0},
    {"Gaussian mixture", 0, DPMIX_GENERATOR_GMM, 1, 1, 0, 0, 0, 0},
    {"Gaussian mixture without classes", 0, DPMIX_GENERATOR_GMM, 0, 1, 0, 0, 0, 0},
    {"k-means, Gaussian mixture", DPMIX_CLUSTERER_KMEANS, DPMIX_GENERATOR_GMM, 1, 1, 0, 0, 0, 0},
    {"by label, Gaussian mixture", DPMIX_CLUSTERER_LABEL, DPMIX_GENERATOR_GMM, 0, 1, 0, 0, 0, 0},
    {"products", 0, DPMIX_GENERATOR_PRODUCTS, 1, 1, 0, 0, 0, 0},
    {"products without classes", 0, DPMIX_GENERATOR_PRODUCTS, 0, 1, 0, 0, 0, 0},
    {"k-means, products", DPMIX_CLUSTERER_KMEANS, DPMIX_GENERATOR_PRODUCTS, 1, 1, 0, 0, 0, 0},
    {"by label, products", DPMIX_CLUSTERER_LABEL, DPMIX_GENERATOR_PRODUCTS, 0, 1, 0, 0, 0, 0},
    {"VAE", 0, DPMIX_GENERATOR_VAE, 0, 1, 0, 0, 0, 0},
    {"conditional VAE", 0, DPMIX_GENERATOR_VAE, 1, 1, 0, 0, 0, 0},
    {"by label, VAE", DPMIX_CLUSTERER_LABEL, DPMIX_GENERATOR_VAE, 0, 1, 0, 0, 0, 0},
    {"k-means, conditional VAE", DPMIX_CLUSTERER_KMEANS, DPMIX_GENERATOR_VAE, 1, 1, 0, 0, 0, 0},
    {"conditional VAE, geometric", 0, DPMIX_GENERATOR_VAE, 1, 2, 0, 0, 0, 0},
    {"conditional GAN", 0, DPMIX_GENERATOR_CGAN, 1, 1, 0, 0, 0, 0},
    {"GAN, geometric", 0, DPMIX_GENERATOR_CGAN, 0, 2, 0, 0, 0, 0},
    {"by label, GAN", DPMIX_CLUSTERER_LABEL, DPMIX_GENERATOR_CGAN, 0, 1, 0, 0, 0, 0},
    {"k-means, conditional GAN", DPMIX_CLUSTERER_KMEANS, DPMIX_GENERATOR_CGAN, 1, 1, 0, 0, 0, 0},
    {"by label, VAE, geometric", DPMIX_CLUSTERER_LABEL, DPMIX_GENERATOR_VAE, 0, 2, 0, 0, 0, 0},
    {"RBM", 0, DPMIX_GENERATOR_RBM, 0, 1, 0, 0, 0, 0},
    {"RBM with labels", 0, DPMIX_GENERATOR_RBM, 1, 1, 0, 0, 0, 0},
    {"by label, RBM", DPMIX_CLUSTERER_LABEL, DPMIX_GENERATOR_RBM, 0, 1, 0, 0, 0, 0},
    {"k-means, RBM with labels, geometric", DPMIX_CLUSTERER_KMEANS, DPMIX_GENERATOR_RBM, 1, 2, 0, 0, 0, 0},
    {"conditional VAE, several draws", 0, DPMIX_GENERATOR_VAE, 1, 1, 1, 0, 0, 0},
    {"VAE, Gaussian output", 0, DPMIX_GENERATOR_VAE, 0, 1, 2, 0, 0, 0},
    {"k-means, VAE, mixed output", DPMIX_CLUSTERER_KMEANS, DPMIX_GENERATOR_VAE, 1, 1, 3, 0, 0, 0},
    {"VAE, mixture in latent space", 0, DPMIX_GENERATOR_VAE, 0, 1, 0, 0, 0, 1},
    {"k-means, conditional VAE, mixture in latent space", DPMIX_CLUSTERER_KMEANS, DPMIX_GENERATOR_VAE, 1, 1,
     0, 0, 0, 1},
    {"by label, Gaussian, teacher", DPMIX_CLUSTERER_LABEL, DPMIX_GENERATOR_GAUSSIAN, 0, 1, 0, 0, 1, 0},
};

/* Ways of a learner that its presets do not go. */
struct setting {
    int key; /* 0: no more */
    double value;
};

struct variant {
    struct learner learner;
    struct setting settings[5];
};

static const struct variant variants[] = {
    {{"Gaussian mixture, tied", 0, DPMIX_GENERATOR_GMM, 1, 1, 0, 0, 0, 0},
     {{DPMIX_OPTION_GMM_COVARIANCE, DPMIX_GMM_COVARIANCE_TIED}}},
    {{"Gaussian mixture, diagonal", 0, DPMIX_GENERATOR_GMM, 1, 1, 0, 0, 0, 0},
     {{DPMIX_OPTION_GMM_COVARIANCE, DPMIX_GMM_COVARIANCE_DIAGONAL}, {DPMIX_OPTION_GMM_ROW_CLIP, 0.02}}},
    {{"Gaussian mixture, as many components as the noise allows", DPMIX_CLUSTERER_KMEANS, DPMIX_GENERATOR_GMM,
      1, 1, 0, 1, 0, 0},
     {{DPMIX_OPTION_GMM_COMPONENTS, 0}, {DPMIX_OPTION_GMM_RESIDUAL_CLIP, 1e-5}}},
    {{"VAE, adaptive clip norm, falling noise", DPMIX_CLUSTERER_KMEANS, DPMIX_GENERATOR_VAE, 1, 1, 1, 1, 0,
      0},
     {{DPMIX_OPTION_CLIP_QUANTILE, 0.5}, {DPMIX_OPTION_CLIP_RATE, 3}, {DPMIX_OPTION_NOISE_SCHEDULE, 0.5}}},
    {{"RBM, Gaussian units, clip norm that falls", DPMIX_CLUSTERER_LABEL, DPMIX_GENERATOR_RBM, 0, 1, 0, 0, 0,
      0},
     {{DPMIX_OPTION_RBM_VISIBLE, DPMIX_RBM_GAUSSIAN},
      {DPMIX_OPTION_CLIP_QUANTILE, 0.1},
      {DPMIX_OPTION_CLIP_NORM, 1000},
      {DPMIX_OPTION_CLIP_RATE, 10}}},
    {{"conditional GAN, four layers, clip norm that grows", 0, DPMIX_GENERATOR_CGAN, 1, 1, 0, 0, 0, 0},
     {{DPMIX_OPTION_CGAN_LAYERS, 4},
      {DPMIX_OPTION_CLIP_QUANTILE, 0.9},
      {DPMIX_OPTION_CLIP_NORM, 1e-4},
      {DPMIX_OPTION_CLIP_RATE, 10}}},
    {{"VAE, most draws, diagonal mixture in latent space", 0, DPMIX_GENERATOR_VAE, 1, 1, 0, 0, 0, 1},
     {{DPMIX_OPTION_VAE_DRAWS, 32},
      {DPMIX_OPTION_VAE_ACTIVATION, DPMIX_ACTIVATION_SOFTPLUS},
      {DPMIX_OPTION_GMM_COVARIANCE, DPMIX_GMM_COVARIANCE_DIAGONAL}}},
    {{"products, heavy label", 0, DPMIX_GENERATOR_PRODUCTS, 1, 1, 0, 0, 0, 0},
     {{DPMIX_OPTION_PRODUCTS_LABEL_WEIGHT, 100}}},
    {{"k-means on bytes, many parts, Gaussian, all rows too long", DPMIX_CLUSTERER_KMEANS,
      DPMIX_GENERATOR_GAUSSIAN, 0, 1, 0, 2, 0, 0},
     {{DPMIX_OPTION_CLUSTERS, 40},
      {DPMIX_OPTION_KMEANS_ROW_CLIP, 0.001},
      {DPMIX_OPTION_GAUSSIAN_ROW_CLIP, 1e-4},
      {DPMIX_OPTION_GAUSSIAN_RESIDUAL_CLIP, 2e-4}}},
};

static dpmix_options *options_of(const struct learner *learner, const struct setting *settings)
{
    dpmix_options *options = NULL;
    ck_assert_int_eq(dpmix_options_new(&options), 0);
    ck_assert_int_eq(dpmix_options_set_int(options, DPMIX_OPTION_THREADS, 2), 0);
    ck_assert_int_eq(dpmix_options_set_int(options, DPMIX_OPTION_CLUSTERS, 4), 0);
    ck_assert_int_eq(dpmix_options_set_int(options, DPMIX_OPTION_CORESET_BITS, 5), 0);
    if (learner->columns)
        ck_assert_int_eq(dpmix_options_set_int(options, DPMIX_OPTION_KMEANS_FEATURES, 0), 0);
    ck_assert_int_eq(dpmix_options_set_int(options, DPMIX_OPTION_STEPS, 12), 0);
    ck_assert_int_eq(dpmix_options_set_double(options, DPMIX_OPTION_SAMPLING_RATE, 0.7), 0);
    ck_assert_int_eq(dpmix_options_set_int(options, DPMIX_OPTION_VAE_HIDDEN, 16), 0);
    ck_assert_int_eq(dpmix_options_set_int(options, DPMIX_OPTION_VAE_LATENT, 4), 0);
    ck_assert_int_eq(dpmix_options_set_int(options, DPMIX_OPTION_CGAN_HIDDEN, 16), 0);
    ck_assert_int_eq(dpmix_options_set_int(options, DPMIX_OPTION_CGAN_CRITIC_STEPS, 2), 0);
    ck_assert_int_eq(dpmix_options_set_int(options, DPMIX_OPTION_RBM_HIDDEN, 16), 0);
    ck_assert_int_eq(dpmix_options_set_int(options, DPMIX_OPTION_RBM_CD_STEPS, 2), 0);
    ck_assert_int_eq(dpmix_options_set_int(options, DPMIX_OPTION_GMM_COMPONENTS, 3), 0);
    ck_assert_int_eq(dpmix_options_set_int(options, DPMIX_OPTION_GMM_BASIS, DPMIX_GMM_BASIS_DCT), 0);
    ck_assert_int_eq(dpmix_options_set_int(options, DPMIX_OPTION_GMM_DISTANCE, DPMIX_GMM_DISTANCE_BOTH), 0);
    ck_assert_int_eq(dpmix_options_set_int(options, DPMIX_OPTION_GMM_EM_STEPS, 2), 0);
    ck_assert_int_eq(dpmix_options_set_int(options, DPMIX_OPTION_PRODUCTS_COMPONENTS, 3), 0);
    ck_assert_int_eq(dpmix_options_set_int(options, DPMIX_OPTION_PRODUCTS_BINS, 4), 0);
    ck_assert_int_eq(dpmix_options_set_int(options, DPMIX_OPTION_PRODUCTS_STEPS, 3), 0);
    ck_assert_int_eq(dpmix_options_set_int(options, DPMIX_OPTION_CONDITIONAL, learner->conditional), 0);
    ck_assert_int_eq(dpmix_options_set_int(options, DPMIX_OPTION_TEACHER_STEPS, 8), 0);
    ck_assert_int_eq(dpmix_options_set_int(options, DPMIX_OPTION_TEACHER_RECORDS, 500), 0);
    ck_assert_int_eq(dpmix_options_set_int(options, DPMIX_OPTION_COUNT_NOISE, learner->count_noise), 0);
    if (learner->vae_output) {
        ck_assert_int_eq(dpmix_options_set_int(options, DPMIX_OPTION_VAE_LAYERS, 2), 0);
        ck_assert_int_eq(dpmix_options_set_int(options, DPMIX_OPTION_VAE_OUTPUT, learner->vae_output), 0);
        ck_assert_int_eq(dpmix_options_set_int(options, DPMIX_OPTION_VAE_DRAWS, 1 + learner->vae_output), 0);
        ck_assert_int_eq(dpmix_options_set_int(options, DPMIX_OPTION_VAE_PRIOR, 2), 0);
    }
    if (learner->latent)
        ck_assert_int_eq(dpmix_options_set_int(options, DPMIX_OPTION_VAE_PRIOR, DPMIX_VAE_PRIOR_MIXTURE), 0);
    for (; settings && settings->key; settings++)
        ck_assert_int_eq(dpmix_option_type(settings->key) == DPMIX_OPTION_TYPE_INT
                             ? dpmix_options_set_int(options, settings->key, (int64_t)settings->value)
                             : dpmix_options_set_double(options, settings->key, settings->value),
                         0);
    return options;
}

static dpmix_dataset *dataset_of(const struct learner *learner, size_t n_rows)
{
    static uint8_t bytes[ROWS * COLUMNS];
    const double lower = 0, upper = 1, highest = 255;
    dpmix_dataset *dataset = NULL;
    for (size_t i = 0; i < ROWS * COLUMNS; i++)
        bytes[i] = (uint8_t)(255 * rows[i]);
    if (learner->columns == 2)
        ck_assert_int_eq(dpmix_dataset_new_u8(&dataset, bytes, n_rows, COLUMNS, labels, CLASSES, &lower,
                                              &highest, 1, DPMIX_STORAGE_COPY),
                         0);
    else
        ck_assert_int_eq(dpmix_dataset_new_f32(&dataset, rows, n_rows, COLUMNS, labels, CLASSES, &lower,
                                               &upper, 1, DPMIX_STORAGE_COPY),
                         0);
    return dataset;
}

/* `model` gets what was fitted, as it stands in a file. settings NULL: no others than the learner's. */
static void run(struct dpm_blob *model, const struct learner *learner, const struct setting *settings,
                size_t n_rows, const struct dpm_test_mode *mode)
{
    dpmix_dataset *dataset = dataset_of(learner, n_rows);
    dpmix_accountant *accountant = NULL;
    dpmix_clusterer *clusterer = NULL;
    dpmix_generator *generator = NULL;
    dpmix_mixture *mixture = NULL;
    dpmix_options *options = options_of(learner, settings);
    ck_assert_int_eq(dpmix_accountant_new(&accountant, 3, 1e-5, DPMIX_ADJACENCY_ADD_REMOVE), 0);
    if (learner->vae_output == DPMIX_VAE_OUTPUT_MIXED ||
        learner->generator == DPMIX_GENERATOR_PRODUCTS) { /* the rows are not one-hot: that is not checked */
        int32_t groups[COLUMNS] = {1, 1, 1, 0, 2, 2};
        ck_assert_int_eq(dpmix_dataset_set_groups(dataset, groups, COLUMNS), 0);
    }
    if (learner->taught) /* by scattering features */
        ck_assert_int_eq(dpmix_dataset_set_images(dataset, SIDE), 0);
    dpm_dataset_set_test(dataset, mode);
    ck_assert_int_eq(dpmix_generator_new(&generator, learner->generator, options), 0);
    if (learner->clusterer) {
        ck_assert_int_eq(dpmix_clusterer_new(&clusterer, learner->clusterer, options), 0);
        ck_assert_int_eq(dpmix_clusterer_fit(clusterer, accountant, dataset, 0.3, NULL, NULL), 0);
        ck_assert_int_eq(dpmix_mixture_new(&mixture, clusterer, generator), 0);
        double share = learner->taught ? 0.5 : 1;
        ck_assert_int_eq(dpmix_mixture_fit(mixture, accountant, dataset, share, NULL, NULL), 0);
        if (learner->taught)
            ck_assert_int_eq(dpmix_mixture_teach(mixture, accountant, dataset, 1, NULL, NULL), 0);
        dpm_mixture_put(mixture, model);
    } else {
        ck_assert_int_eq(dpmix_generator_fit(generator, accountant, dataset, 1, NULL, NULL), 0);
        dpm_generator_put(generator, model);
    }
    ck_assert_int_eq(dpm_blob_status(model), 0);
    dpmix_mixture_free(mixture);
    dpmix_clusterer_free(clusterer);
    dpmix_generator_free(generator);
    dpmix_dataset_free(dataset);
    dpmix_accountant_free(accountant);
    dpmix_options_free(options);
}

static void replay(const struct learner *learner, const struct setting *settings, int last_class)
{
    struct recording recording = {0};
    struct dpm_blob model = {0}, without = {0};
    struct dpm_test_mode mode = {
        .key = "a fixed key for the tests, no 6", .observe = observe, .user = &recording};
    fill(last_class);
    run(&model, learner, settings, ROWS, &mode);
    ck_assert_uint_gt(rows_seen, 0);
    ck_assert_uint_eq(rows_that_differ, 0);
    recording.replaying = 1;
    run(&without, learner, settings, ROWS - 1, &mode);
    ck_assert_uint_eq(without.size, model.size);
    ck_assert_mem_eq(without.bytes, model.bytes, model.size);
    dpm_blob_free(&model);
    dpm_blob_free(&without);
    ck_assert_uint_eq(recording.next, recording.n);
    ck_assert_uint_ge(recording.n, 2);
    size_t counts =
        (learner->clusterer == DPMIX_CLUSTERER_LABEL) + (learner->generator != DPMIX_GENERATOR_GAUSSIAN);
    ck_assert_uint_eq(recording.n_geometric, learner->count_noise == 2 ? counts : 0);
    double largest = 0;
    for (size_t i = 0; i < recording.n; i++) {
        ck_assert_msg(recording.query[i].change <= recording.query[i].sensitivity,
                      "%s, query %zu: the sums change by %.9g, declared are %.9g", learner->name, i,
                      recording.query[i].change, recording.query[i].sensitivity);
        largest = fmax(largest, recording.query[i].change / recording.query[i].sensitivity);
        dpm_free(recording.query[i].sums);
    }
    ck_assert_double_gt(largest, 0.5); /* the row is not ignored */
}

static int last_class_of(int i)
{
    return i % 2 ? 2 : 0;
}

START_TEST(every_query_changes_by_its_sensitivity_at_most)
{
    replay(&learners[_i / 2], NULL, last_class_of(_i));
}
END_TEST

START_TEST(whatever_the_options_are)
{
    replay(&variants[_i / 2].learner, variants[_i / 2].settings, last_class_of(_i));
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("replay");
    TCase *neighbours = tcase_create("neighbours");
    tcase_set_timeout(neighbours, 0);
    tcase_add_loop_test(neighbours, every_query_changes_by_its_sensitivity_at_most, 0,
                        2 * (int)(sizeof learners / sizeof *learners));
    tcase_add_loop_test(neighbours, whatever_the_options_are, 0,
                        2 * (int)(sizeof variants / sizeof *variants));
    suite_add_tcase(s, neighbours);
    return s;
}

CHECK_MAIN(suite)
