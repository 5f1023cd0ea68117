/* SPDX-License-Identifier: BSD-3-Clause */
/* Plans: their epsilon and noise are the fit's bit for bit, their bytes are the fit's, and nothing is spent.
 */
#include "tiny_file.h"
#include "tiny_model.h"

#include <math.h>
#include <pthread.h>

enum { ROWS = 3000, COLUMNS = 16, CLASSES = 3, PORTION = 1 << 21 /* rows that a release draws at once */ };

#define EPSILON 4.0
#define UNTOUCHED 7.5

struct plan {
    double epsilon, noise, bytes, seconds;
};

static int try_generator(struct plan *plan, const dpmix_generator *generator,
                         const dpmix_accountant *accountant, double share, size_t n_rows, size_t n_columns,
                         int n_classes, int n_parts)
{
    return dpmix_generator_plan(generator, &plan->epsilon, &plan->noise, &plan->bytes, &plan->seconds,
                                accountant, share, n_rows, n_columns, n_classes, n_parts);
}

static int try_clusterer(struct plan *plan, const dpmix_clusterer *clusterer,
                         const dpmix_accountant *accountant, double share, size_t n_rows, size_t n_columns,
                         int n_classes)
{
    return dpmix_clusterer_plan(clusterer, &plan->epsilon, &plan->noise, &plan->bytes, &plan->seconds,
                                accountant, share, n_rows, n_columns, n_classes);
}

static dpmix_dataset *blobs(void)
{
    static float rows[ROWS * COLUMNS];
    static int32_t labels[ROWS];
    tiny_blobs(rows, labels, ROWS, COLUMNS, CLASSES, 1);
    return tiny_dataset(rows, ROWS, COLUMNS, labels, CLASSES);
}

/* Two steps at a rate that is calibrated quickly. */
static dpmix_generator *quick_generator(int kind)
{
    dpmix_options *options = tiny_options();
    dpmix_generator *generator = NULL;
    CHECK_OK(dpmix_options_set_int(options, DPMIX_OPTION_STEPS, 2));
    CHECK_OK(dpmix_options_set_double(options, DPMIX_OPTION_SAMPLING_RATE, 0.3));
    CHECK_OK(dpmix_options_set_int(options, DPMIX_OPTION_VAE_PRIOR, DPMIX_VAE_PRIOR_MIXTURE));
    CHECK_OK(dpmix_generator_new(&generator, kind, options));
    dpmix_options_free(options);
    return generator;
}

/* The last debit's noise multiplier of the event with the largest count, of several the least. */
static double noise_in_ledger(const dpmix_accountant *accountant)
{
    const char *last = NULL, *json = tiny_text(dpmix_accountant_json, accountant);
    double noise = 0;
    unsigned long long most = 0;
    for (const char *at = json; (at = strstr(at, "\"purpose\"")); at++)
        last = at;
    ck_assert_ptr_nonnull(last);
    for (const char *at = last; (at = strstr(at, "\"noise_multiplier\": ")); at++) {
        double value = strtod(strchr(at, ':') + 1, NULL);
        unsigned long long count = strtoull(strchr(strstr(at, "\"count\""), ':') + 1, NULL, 10);
        if (count > most || (count == most && value < noise))
            noise = value;
        most = count > most ? count : most;
    }
    return noise;
}

/* The fit that has just ended, against its plan; `bytes` is what it held at most. */
static void expect_same(const struct plan *plan, const dpmix_accountant *accountant, int64_t bytes)
{
    ck_assert(plan->epsilon == tiny_spent(accountant));
    ck_assert(plan->noise == noise_in_ledger(accountant));
    ck_assert_double_gt(plan->bytes, 0.95 * (double)bytes);
    ck_assert_double_lt(plan->bytes, 1.05 * (double)bytes);
    ck_assert(plan->seconds > 0 && plan->seconds < INFINITY);
}

/* ---- What a plan says ---- */

static const int generators[] = {DPMIX_GENERATOR_GAUSSIAN, DPMIX_GENERATOR_VAE, DPMIX_GENERATOR_GMM,
                                 DPMIX_GENERATOR_PRODUCTS};
static const int clusterers[] = {DPMIX_CLUSTERER_LABEL, DPMIX_CLUSTERER_KMEANS};

START_TEST(a_generators_plan_is_what_its_fit_costs)
{
    dpmix_dataset *dataset = blobs();
    dpmix_accountant *accountant = tiny_accountant(EPSILON);
    for (int fit = 0; fit < 2; fit++) { /* the second finds a debit in the ledger */
        dpmix_generator *generator = quick_generator(generators[_i]);
        struct plan plan;
        CHECK_OK(try_generator(&plan, generator, accountant, 0.6, ROWS, COLUMNS, CLASSES, 1));
        int64_t bytes = dpm_alloc_watch();
        CHECK_OK(dpmix_generator_fit(generator, accountant, dataset, 0.6, NULL, NULL));
        expect_same(&plan, accountant, dpm_alloc_peak() - bytes);
        dpmix_generator_free(generator);
    }
    dpmix_accountant_free(accountant);
    dpmix_dataset_free(dataset);
}
END_TEST

/* The widths are those of the defaults: most of the memory goes with the weights. A checkpoint is as large
 * again as they and their optimiser; a mixture's models have none of the pattern's. */
START_TEST(memory_for_checkpoints_is_in_the_plan)
{
    static const int kinds[] = {DPMIX_GENERATOR_VAE, DPMIX_GENERATOR_RBM, DPMIX_GENERATOR_CGAN};
    dpmix_dataset *dataset = blobs();
    dpmix_accountant *accountant = tiny_accountant(EPSILON);
    dpmix_options *options = NULL;
    dpmix_generator *generator = NULL;
    struct plan without, with, parts_without, parts_with;
    CHECK_OK(dpmix_options_new(&options));
    CHECK_OK(dpmix_options_set_int(options, DPMIX_OPTION_THREADS, 1));
    CHECK_OK(dpmix_options_set_int(options, DPMIX_OPTION_STEPS, 2));
    CHECK_OK(dpmix_options_set_double(options, DPMIX_OPTION_SAMPLING_RATE, 0.3));
    CHECK_OK(dpmix_generator_new(&generator, kinds[_i], options));
    CHECK_OK(try_generator(&without, generator, accountant, 0.6, ROWS, COLUMNS, CLASSES, 1));
    CHECK_OK(try_generator(&parts_without, generator, accountant, 0.6, ROWS, COLUMNS, CLASSES, 2));
    CHECK_OK(dpmix_generator_checkpoint(generator, tiny_path("b"), 1));
    CHECK_OK(try_generator(&with, generator, accountant, 0.6, ROWS, COLUMNS, CLASSES, 1));
    CHECK_OK(try_generator(&parts_with, generator, accountant, 0.6, ROWS, COLUMNS, CLASSES, 2));
    ck_assert_int_ne(access(tiny_path("b"), F_OK), 0); /* nothing was written */
    ck_assert_double_gt(with.bytes, 1.06 * without.bytes);
    ck_assert_double_eq(parts_with.bytes, parts_without.bytes);
    int64_t bytes = dpm_alloc_watch();
    CHECK_OK(dpmix_generator_fit(generator, accountant, dataset, 0.6, NULL, NULL));
    expect_same(&with, accountant, dpm_alloc_peak() - bytes);
    dpmix_generator_free(generator);
    dpmix_options_free(options);
    dpmix_accountant_free(accountant);
    dpmix_dataset_free(dataset);
}
END_TEST

/* Without numbers a mixture of products asks for less than the same columns would without groups. */
START_TEST(a_tables_plan_is_what_its_fit_costs)
{
    enum { CELLS = 600 };
    static const char *const colours[] = {"red", "green", "blue"}, *cells[2 * CELLS];
    dpmix_accountant *accountant = tiny_accountant(EPSILON);
    dpmix_generator *generator = quick_generator(DPMIX_GENERATOR_PRODUCTS);
    dpmix_dataset *dataset = NULL;
    dpmix_schema *schema = NULL;
    struct plan plan, other;
    double by_label, without;
    CHECK_OK(dpmix_schema_new(&schema));
    CHECK_FAILS(
        dpmix_generator_plan_table(generator, NULL, NULL, NULL, NULL, accountant, 0.6, CELLS, schema, 1),
        DPMIX_ERR_STATE, "dpmix_generator_plan_table: schema");
    CHECK_OK(dpmix_schema_add_categorical(schema, "a", colours, 3, NULL, 0, DPMIX_OUTSIDE_CLAMP));
    CHECK_OK(dpmix_schema_add_categorical(schema, "b", colours, 3, NULL, 0, DPMIX_OUTSIDE_CLAMP));
    CHECK_FAILS(
        dpmix_generator_plan_table(generator, NULL, NULL, NULL, NULL, accountant, 1, CELLS, schema, 0),
        DPMIX_ERR_RANGE, "n_parts");
    CHECK_OK(
        dpmix_generator_plan_table(generator, NULL, &without, NULL, NULL, accountant, 0.6, CELLS, schema, 1));
    CHECK_OK(dpmix_schema_set_label(schema, 1));
    for (size_t i = 0; i < 2 * CELLS; i++)
        cells[i] = colours[i % 5 % 3];
    CHECK_OK(dpmix_dataset_new_text(&dataset, schema, cells, CELLS, 2));
    CHECK_OK(dpmix_generator_plan_table(generator, &plan.epsilon, &plan.noise, &plan.bytes, &plan.seconds,
                                        accountant, 0.6, CELLS, schema, 1));
    CHECK_OK(try_generator(&other, generator, accountant, 0.6, CELLS, 3, 3, 1));
    CHECK_OK(dpmix_generator_plan_table(generator, NULL, &by_label, NULL, NULL, accountant, 0.6, CELLS,
                                        schema, 0));
    CHECK_FAILS(
        dpmix_generator_plan_table(generator, NULL, NULL, NULL, NULL, accountant, 0, CELLS, schema, 1),
        DPMIX_ERR_RANGE, "dpmix_generator_plan_table: share");
    CHECK_FAILS(dpmix_generator_plan_table(generator, NULL, NULL, NULL, NULL, accountant, 1, CELLS, NULL, 1),
                DPMIX_ERR_ARG, "dpmix_generator_plan_table: schema");
    int64_t bytes = dpm_alloc_watch();
    CHECK_OK(dpmix_generator_fit(generator, accountant, dataset, 0.6, NULL, NULL));
    expect_same(&plan, accountant, dpm_alloc_peak() - bytes);
    ck_assert(other.noise > plan.noise && other.bytes > plan.bytes);
    ck_assert(by_label == plan.noise && without == plan.noise); /* one query, whatever is in it */
    dpmix_generator_free(generator);
    dpmix_dataset_free(dataset);
    dpmix_schema_free(schema);
    dpmix_accountant_free(accountant);
}
END_TEST

/* _i 2: k-means on the columns. */
START_TEST(a_clusterers_plan_is_what_its_fit_costs)
{
    dpmix_options *options = tiny_options();
    if (_i == 2)
        CHECK_OK(dpmix_options_set_int(options, DPMIX_OPTION_KMEANS_FEATURES, 0));
    dpmix_dataset *dataset = blobs();
    dpmix_accountant *accountant = tiny_accountant(EPSILON);
    for (int fit = 0; fit < 2; fit++) {
        dpmix_clusterer *clusterer = NULL;
        struct plan plan;
        CHECK_OK(dpmix_clusterer_new(&clusterer, clusterers[_i > 0], options));
        CHECK_OK(try_clusterer(&plan, clusterer, accountant, 0.6, ROWS, COLUMNS, CLASSES));
        int64_t bytes = dpm_alloc_watch();
        CHECK_OK(dpmix_clusterer_fit(clusterer, accountant, dataset, 0.6, NULL, NULL));
        expect_same(&plan, accountant, dpm_alloc_peak() - bytes);
        dpmix_clusterer_free(clusterer);
    }
    dpmix_options_free(options);
    dpmix_accountant_free(accountant);
    dpmix_dataset_free(dataset);
}
END_TEST

START_TEST(a_plan_with_parts_is_what_a_mixture_costs)
{
    dpmix_dataset *dataset = blobs();
    dpmix_accountant *accountant = tiny_accountant(EPSILON);
    dpmix_clusterer *clusterer = tiny_clusterer(DPMIX_CLUSTERER_LABEL);
    dpmix_generator *generator = quick_generator(generators[_i]);
    struct plan plan;
    CHECK_OK(dpmix_clusterer_fit(clusterer, accountant, dataset, 0.1, NULL, NULL));
    CHECK_OK(try_generator(&plan, generator, accountant, 1, ROWS, COLUMNS, 0, CLASSES));
    dpmix_mixture *mixture = tiny_mixture(clusterer, generator);
    int64_t bytes = dpm_alloc_watch();
    CHECK_OK(dpmix_mixture_fit(mixture, accountant, dataset, 1, NULL, NULL));
    expect_same(&plan, accountant, dpm_alloc_peak() - bytes);
    dpmix_mixture_free(mixture);
    dpmix_accountant_free(accountant);
    dpmix_dataset_free(dataset);
}
END_TEST

/* The training is broken off, and the plan is of all of it. */
START_TEST(long_training_is_planned_whole)
{
    dpmix_options *options = tiny_options();
    dpmix_accountant *accountant = tiny_accountant(EPSILON);
    dpmix_generator *shorter = NULL, *longer = NULL;
    struct plan short_plan, long_plan;
    CHECK_OK(dpmix_options_set_double(options, DPMIX_OPTION_SAMPLING_RATE, 1e-3));
    CHECK_OK(dpmix_options_set_int(options, DPMIX_OPTION_STEPS, 8));
    CHECK_OK(dpmix_generator_new(&shorter, DPMIX_GENERATOR_VAE, options));
    CHECK_OK(dpmix_options_set_int(options, DPMIX_OPTION_STEPS, 10000000));
    CHECK_OK(dpmix_generator_new(&longer, DPMIX_GENERATOR_VAE, options));
    CHECK_OK(try_generator(&short_plan, shorter, accountant, 1, ROWS, COLUMNS, CLASSES, 1));
    CHECK_OK(try_generator(&long_plan, longer, accountant, 1, ROWS, COLUMNS, CLASSES, 1));
    ck_assert_double_gt(long_plan.seconds, short_plan.seconds);
    ck_assert_double_gt(long_plan.seconds, 1); /* 10 million steps of 100 ns */
    ck_assert_double_gt(long_plan.noise, short_plan.noise);
    dpmix_generator_free(shorter);
    dpmix_generator_free(longer);
    dpmix_options_free(options);
    dpmix_accountant_free(accountant);
}
END_TEST

/* More rows than a rehearsal has, and more than a release draws at once; what they take beside the data is
 * most of the memory. */
START_TEST(memory_goes_on_as_far_as_a_portion)
{
    enum { WIDTH = 8 };
    const size_t many = _i ? 3 * (size_t)PORTION / 2 : PORTION;
    static const double lower = 0, upper = 255;
    uint8_t *rows = calloc(many, WIDTH);
    int32_t *labels = calloc(many, sizeof *labels);
    ck_assert(rows && labels);
    dpmix_accountant *accountant = tiny_accountant(EPSILON);
    dpmix_clusterer *clusterer = tiny_clusterer(DPMIX_CLUSTERER_LABEL);
    dpmix_dataset *dataset = NULL;
    struct plan plan;
    CHECK_OK(try_clusterer(&plan, clusterer, accountant, 1, many, WIDTH, CLASSES));
    CHECK_OK(dpmix_dataset_new_u8(&dataset, rows, many, WIDTH, labels, CLASSES, &lower, &upper, 1,
                                  DPMIX_STORAGE_BORROW));
    int64_t bytes = dpm_alloc_watch();
    CHECK_OK(dpmix_clusterer_fit(clusterer, accountant, dataset, 1, NULL, NULL));
    expect_same(&plan, accountant, dpm_alloc_peak() - bytes);
    dpmix_clusterer_free(clusterer);
    dpmix_dataset_free(dataset);
    dpmix_accountant_free(accountant);
    free(rows);
    free(labels);
}
END_TEST

/* Memory for drawing from more rows than a portion, and what `row_bytes` of memory take for each row. */
static void expect_scaled(const struct plan *few, const struct plan *many, size_t rows, double row_bytes)
{
    double portion = 32.0 * PORTION;
    ck_assert(few->epsilon == many->epsilon && few->noise == many->noise);
    ck_assert(many->seconds > 0 && many->seconds < INFINITY);
    ck_assert_double_gt(many->bytes, few->bytes + 0.98 * (portion + row_bytes * (double)rows));
    ck_assert_double_lt(many->bytes, few->bytes + 1.05 * (portion + row_bytes * (double)rows));
}

START_TEST(ten_million_rows_are_soon_planned)
{
    enum { FEW = 1000, MANY = 10000000, WIDTH = 50 };
    dpmix_accountant *accountant = tiny_accountant(EPSILON);
    dpmix_clusterer *clusterer = tiny_clusterer(DPMIX_CLUSTERER_LABEL);
    dpmix_generator *generator = quick_generator(DPMIX_GENERATOR_GAUSSIAN);
    struct plan few, many;
    CHECK_OK(try_clusterer(&few, clusterer, accountant, 1, FEW, WIDTH, CLASSES));
    CHECK_OK(try_clusterer(&many, clusterer, accountant, 1, MANY, WIDTH, CLASSES));
    expect_scaled(&few, &many, MANY, 0);
    CHECK_OK(try_generator(&few, generator, accountant, 1, FEW, WIDTH, CLASSES, 4));
    CHECK_OK(try_generator(&many, generator, accountant, 1, MANY, WIDTH, CLASSES, 4));
    expect_scaled(&few, &many, MANY, sizeof(int32_t)); /* the part of each row */
    dpmix_clusterer_free(clusterer);
    dpmix_generator_free(generator);
    dpmix_accountant_free(accountant);
}
END_TEST

/* Training that samples its rows, with a batch that the made-up rows have (_i: 0) and one that they have not.
 */
START_TEST(sampled_training_of_many_rows_is_planned)
{
    enum { FEW = 100, WIDTH = 8192 };
    const size_t many = _i ? 10000000 : 8192;
    dpmix_accountant *accountant = tiny_accountant(EPSILON);
    dpmix_generator *generator = quick_generator(DPMIX_GENERATOR_VAE);
    struct plan few_plan, many_plan;
    CHECK_OK(try_generator(&few_plan, generator, accountant, 1, FEW, WIDTH, 0, 1));
    CHECK_OK(try_generator(&many_plan, generator, accountant, 1, many, WIDTH, 0, 1));
    ck_assert(few_plan.epsilon == many_plan.epsilon && few_plan.noise == many_plan.noise);
    ck_assert(many_plan.seconds > 0 && many_plan.seconds < INFINITY);
    double lists = 32 * fmin((double)many, PORTION); /* of rows */
    ck_assert_double_gt(many_plan.bytes, few_plan.bytes + 0.98 * lists);
    ck_assert_double_lt(many_plan.bytes, few_plan.bytes + 1.05 * lists + 1e6);
    dpmix_generator_free(generator);
    dpmix_accountant_free(accountant);
}
END_TEST

START_TEST(a_data_set_without_rows_has_a_plan)
{
    dpmix_accountant *accountant = tiny_accountant(EPSILON);
    dpmix_generator *generator = quick_generator(DPMIX_GENERATOR_VAE);
    struct plan plan, other;
    CHECK_OK(try_generator(&plan, generator, accountant, 1, 0, COLUMNS, CLASSES, 1));
    CHECK_OK(try_generator(&other, generator, accountant, 1, ROWS, COLUMNS, CLASSES, 1));
    ck_assert(plan.epsilon == other.epsilon && plan.noise == other.noise && plan.bytes < other.bytes);
    dpmix_generator_free(generator);
    dpmix_accountant_free(accountant);
}
END_TEST

/* k-means with one cluster asks nothing; what stands in the ledger already is not its own. */
START_TEST(a_fit_without_a_query_costs_nothing)
{
    dpmix_dataset *dataset = blobs();
    dpmix_options *options = tiny_options();
    dpmix_accountant *accountant = tiny_accountant(EPSILON);
    dpmix_clusterer *first = tiny_clusterer(DPMIX_CLUSTERER_LABEL), *single = NULL;
    struct plan plan;
    CHECK_OK(dpmix_clusterer_fit(first, accountant, dataset, 0.5, NULL, NULL));
    CHECK_OK(dpmix_options_set_int(options, DPMIX_OPTION_CLUSTERS, 1));
    CHECK_OK(dpmix_clusterer_new(&single, DPMIX_CLUSTERER_KMEANS, options));
    CHECK_OK(try_clusterer(&plan, single, accountant, 0.5, ROWS, COLUMNS, 0));
    ck_assert(plan.epsilon == tiny_spent(accountant) && plan.noise == 0 && plan.bytes > 0);
    dpmix_clusterer_free(first);
    dpmix_clusterer_free(single);
    dpmix_accountant_free(accountant);
    dpmix_options_free(options);
    dpmix_dataset_free(dataset);
}
END_TEST

/* ---- What a plan leaves ---- */

START_TEST(nothing_is_spent)
{
    dpmix_dataset *dataset = blobs();
    dpmix_accountant *accountant = NULL;
    int status = dpmix_accountant_open(&accountant, tiny_path("a"), "patients", EPSILON, TINY_DELTA,
                                       DPMIX_ADJACENCY_ADD_REMOVE);
    int durable = status != DPMIX_ERR_UNSUPPORTED; /* without SQLite there are ledgers in memory only */
    if (!durable)
        accountant = tiny_accountant(EPSILON);
    dpmix_clusterer *clusterer = tiny_clusterer(DPMIX_CLUSTERER_KMEANS);
    dpmix_generator *generator = quick_generator(DPMIX_GENERATOR_GAUSSIAN);
    CHECK_OK(dpmix_clusterer_fit(clusterer, accountant, dataset, 0.5, NULL, NULL));
    double spent = tiny_spent(accountant);
    const char *json = tiny_text(dpmix_accountant_json, accountant);
    struct tiny_bytes before = {0}, after = {0};
    if (durable)
        before = tiny_read(tiny_path("a"));
    struct plan plan;
    CHECK_OK(try_generator(&plan, generator, accountant, 1, ROWS, COLUMNS, CLASSES, 2));
    CHECK_OK(dpmix_generator_plan(generator, NULL, NULL, NULL, NULL, accountant, 1, ROWS, COLUMNS, 0, 1));
    ck_assert_double_gt(plan.epsilon, spent);
    ck_assert(tiny_spent(accountant) == spent);
    ck_assert_str_eq(tiny_text(dpmix_accountant_json, accountant), json);
    if (durable) {
        after = tiny_read(tiny_path("a"));
        ck_assert(after.n == before.n && memcmp(after.bytes, before.bytes, before.n) == 0);
    }
    CHECK_OK(dpmix_generator_fit(generator, accountant, dataset, 1, NULL, NULL));
    free(before.bytes);
    free(after.bytes);
    dpmix_generator_free(generator);
    dpmix_clusterer_free(clusterer);
    dpmix_accountant_free(accountant);
    dpmix_dataset_free(dataset);
}
END_TEST

struct planner {
    const dpmix_generator *generator;
    const dpmix_accountant *accountant;
    struct plan plan;
    int status;
};

static void *plan_in_thread(void *user)
{
    struct planner *planner = user;
    planner->status =
        try_generator(&planner->plan, planner->generator, planner->accountant, 1, ROWS, COLUMNS, 0, 1);
    return NULL;
}

/* A const handle may be used by several threads, and the memory of one fit is not another's. */
START_TEST(threads_may_plan_at_once)
{
    enum { THREADS = 4 };
    dpmix_accountant *accountant = tiny_accountant(EPSILON);
    dpmix_generator *generator = quick_generator(DPMIX_GENERATOR_GAUSSIAN);
    struct planner planners[THREADS];
    pthread_t threads[THREADS];
    struct plan alone;
    CHECK_OK(try_generator(&alone, generator, accountant, 1, ROWS, COLUMNS, 0, 1));
    for (int i = 0; i < THREADS; i++) {
        planners[i] = (struct planner){.generator = generator, .accountant = accountant};
        ck_assert_int_eq(pthread_create(&threads[i], NULL, plan_in_thread, &planners[i]), 0);
    }
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
        ck_assert_int_eq(planners[i].status, DPMIX_OK);
        ck_assert(planners[i].plan.bytes == alone.bytes && planners[i].plan.epsilon == alone.epsilon);
    }
    dpmix_generator_free(generator);
    dpmix_accountant_free(accountant);
}
END_TEST

/* ---- What is refused ---- */

START_TEST(a_used_up_budget_is_refused)
{
    dpmix_dataset *dataset = blobs();
    dpmix_accountant *accountant = tiny_accountant(EPSILON);
    dpmix_clusterer *clusterer = tiny_clusterer(DPMIX_CLUSTERER_LABEL);
    dpmix_generator *generator = quick_generator(DPMIX_GENERATOR_GAUSSIAN);
    struct plan plan;
    CHECK_OK(dpmix_clusterer_fit(clusterer, accountant, dataset, 1, NULL, NULL));
    CHECK_FAILS(try_generator(&plan, generator, accountant, 1, ROWS, COLUMNS, CLASSES, 1), DPMIX_ERR_BUDGET,
                "budget");
    CHECK_FAILS(dpmix_generator_fit(generator, accountant, dataset, 1, NULL, NULL), DPMIX_ERR_BUDGET,
                "budget");
    CHECK_FAILS(try_clusterer(&plan, clusterer, accountant, 1, ROWS, COLUMNS, CLASSES), DPMIX_ERR_STATE,
                "clusterer: it is fitted");
    dpmix_generator_free(generator);
    dpmix_clusterer_free(clusterer);
    dpmix_accountant_free(accountant);
    dpmix_dataset_free(dataset);
}
END_TEST

START_TEST(bad_arguments_are_refused)
{
    dpmix_accountant *a = tiny_accountant(EPSILON);
    dpmix_clusterer *by_label = tiny_clusterer(DPMIX_CLUSTERER_LABEL);
    dpmix_generator *g = quick_generator(DPMIX_GENERATOR_GAUSSIAN);
    struct plan plan = {UNTOUCHED, UNTOUCHED, UNTOUCHED, UNTOUCHED}, before = plan;
    CHECK_FAILS(try_generator(&plan, NULL, a, 1, ROWS, COLUMNS, 0, 1), DPMIX_ERR_ARG, "generator");
    CHECK_FAILS(try_generator(&plan, g, NULL, 1, ROWS, COLUMNS, 0, 1), DPMIX_ERR_ARG, "accountant");
    CHECK_FAILS(try_generator(&plan, g, a, 0, ROWS, COLUMNS, 0, 1), DPMIX_ERR_RANGE, "share");
    CHECK_FAILS(try_generator(&plan, g, a, (double)NAN, ROWS, COLUMNS, 0, 1), DPMIX_ERR_RANGE, "share");
    CHECK_FAILS(try_generator(&plan, g, a, 1, SIZE_MAX, COLUMNS, 0, 1), DPMIX_ERR_RANGE, "n_rows");
    CHECK_FAILS(try_generator(&plan, g, a, 1, ROWS, COLUMNS, -1, 1), DPMIX_ERR_RANGE, "n_classes");
    CHECK_FAILS(try_generator(&plan, g, a, 1, ROWS, COLUMNS, INT32_MAX, 1), DPMIX_ERR_RANGE, "n_classes");
    CHECK_FAILS(try_generator(&plan, g, a, 1, ROWS, COLUMNS, 0, 0), DPMIX_ERR_RANGE, "n_parts");
    CHECK_FAILS(try_generator(&plan, g, a, 1, ROWS, COLUMNS, 0, INT32_MAX), DPMIX_ERR_RANGE, "n_parts");
    CHECK_FAILS(try_clusterer(&plan, NULL, a, 1, ROWS, 1, 2), DPMIX_ERR_ARG, "clusterer");
    CHECK_FAILS(try_clusterer(&plan, by_label, NULL, 1, ROWS, 1, 2), DPMIX_ERR_ARG, "accountant");
    CHECK_FAILS(try_clusterer(&plan, by_label, a, 1.5, ROWS, 1, 2), DPMIX_ERR_RANGE, "share");
    CHECK_FAILS(try_clusterer(&plan, by_label, a, 1, ROWS, 0, 2), DPMIX_ERR_RANGE, "n_columns");
    CHECK_FAILS(try_clusterer(&plan, by_label, a, 1, 0, SIZE_MAX, 2), DPMIX_ERR_RANGE, "n_columns");
    CHECK_FAILS(try_clusterer(&plan, by_label, a, 1, ROWS, 1, 0), DPMIX_ERR_UNSUPPORTED, "n_classes");
    ck_assert_int_eq(memcmp(&plan, &before, sizeof plan), 0);
    dpmix_generator_free(g);
    dpmix_clusterer_free(by_label);
    dpmix_accountant_free(a);
}
END_TEST

START_TEST(every_allocation_may_fail)
{
    dpmix_dataset *dataset = blobs();
    dpmix_accountant *accountant = tiny_accountant(EPSILON);
    dpmix_clusterer *clusterer = tiny_clusterer(DPMIX_CLUSTERER_KMEANS);
    dpmix_generator *generator = quick_generator(DPMIX_GENERATOR_GAUSSIAN);
    struct plan plan = {UNTOUCHED, UNTOUCHED, UNTOUCHED, UNTOUCHED}, before = plan;
    CHECK_OK(dpmix_clusterer_fit(clusterer, accountant, dataset, 0.5, NULL, NULL)); /* a debit to copy */
    double spent = tiny_spent(accountant);
    int64_t held = dpm_alloc_live();
    int status = DPMIX_ERR_NOMEM;
    uint64_t nth = 0;
    while (status) {
        dpm_alloc_fail_after(++nth, 0);
        status = try_generator(&plan, generator, accountant, 1, 50, COLUMNS, CLASSES, 2);
        dpm_alloc_fail_after(0, 0);
        ck_assert_int_eq(dpm_alloc_live(), held);
        if (status)
            ck_assert(status == DPMIX_ERR_NOMEM && memcmp(&plan, &before, sizeof plan) == 0);
    }
    ck_assert_uint_gt(nth, 30);
    ck_assert(tiny_spent(accountant) == spent);
    dpmix_generator_free(generator);
    dpmix_clusterer_free(clusterer);
    dpmix_accountant_free(accountant);
    dpmix_dataset_free(dataset);
}
END_TEST

static Suite *plan_suite(void)
{
    Suite *suite = suite_create("plan");
    TCase *said = check_case(suite, "what a plan says"), *left = check_case(suite, "what a plan leaves");
    TCase *refused = check_case(suite, "what is refused");
    tcase_add_checked_fixture(said, tiny_clean_setup, tiny_clean_teardown);
    tcase_add_checked_fixture(left, tiny_clean_setup, tiny_clean_teardown);
    tcase_add_checked_fixture(refused, tiny_clean_setup, tiny_clean_teardown);
    tcase_add_loop_test(said, a_generators_plan_is_what_its_fit_costs, 0, 4);
    tcase_add_loop_test(said, memory_for_checkpoints_is_in_the_plan, 0, 3);
    tcase_add_test(said, a_tables_plan_is_what_its_fit_costs);
    tcase_add_loop_test(said, a_clusterers_plan_is_what_its_fit_costs, 0, 3);
    tcase_add_loop_test(said, a_plan_with_parts_is_what_a_mixture_costs, 0, 2);
    tcase_add_test(said, long_training_is_planned_whole);
    tcase_add_loop_test(said, memory_goes_on_as_far_as_a_portion, 0, 2);
    tcase_add_test(said, ten_million_rows_are_soon_planned);
    tcase_add_loop_test(said, sampled_training_of_many_rows_is_planned, 0, 2);
    tcase_add_test(said, a_data_set_without_rows_has_a_plan);
    tcase_add_test(said, a_fit_without_a_query_costs_nothing);
    tcase_add_test(left, nothing_is_spent);
    tcase_add_test(left, threads_may_plan_at_once);
    tcase_add_test(refused, a_used_up_budget_is_refused);
    tcase_add_test(refused, bad_arguments_are_refused);
    tcase_add_test(refused, every_allocation_may_fail);
    return suite;
}

CHECK_MAIN(plan_suite)
