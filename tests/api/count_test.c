/* SPDX-License-Identifier: BSD-3-Clause */
/* Counting queries and samples in float64: what they say is what the samples in memory say. */
#include "tiny_fixture.h"

#include <math.h>
#include <stdio.h>

enum { N_MODELS = 5, N = 1000, MAX_QUERIES = 64, MAX_PREDICATES = 256 };

/* A mixture, or a generator on its own where there is no partition. */
static const struct {
    int partition, models, classes;
} kinds[N_MODELS] = {
    {DPMIX_CLUSTERER_LABEL, DPMIX_GENERATOR_GAUSSIAN, TINY_CLASSES},
    {DPMIX_CLUSTERER_KMEANS, DPMIX_GENERATOR_GAUSSIAN, 0},
    {DPMIX_CLUSTERER_KMEANS, DPMIX_GENERATOR_VAE, TINY_CLASSES},
    {0, DPMIX_GENERATOR_GAUSSIAN, 0},
    {0, DPMIX_GENERATOR_VAE, TINY_CLASSES},
};

static dpmix_mixture *mixture;
static dpmix_generator *generator;
static const uint64_t seed = 11;

static void fit(int which)
{
    if (kinds[which].partition)
        mixture = tiny_fitted_mixture(&tiny, kinds[which].partition, kinds[which].models);
    else
        generator = tiny_fitted_generator(&tiny, kinds[which].models, 1);
}

static void free_models(void)
{
    dpmix_mixture_free(mixture);
    dpmix_generator_free(generator);
}

struct queries {
    size_t n, n_predicates;
    size_t offsets[MAX_QUERIES + 1], columns[MAX_PREDICATES];
    double lower[MAX_PREDICATES], upper[MAX_PREDICATES];
};

static void add_predicate(struct queries *q, size_t column, double lower, double upper)
{
    ck_assert_uint_lt(q->n_predicates, MAX_PREDICATES);
    q->columns[q->n_predicates] = column;
    q->lower[q->n_predicates] = lower;
    q->upper[q->n_predicates++] = upper;
}

static void end_query(struct queries *q)
{
    ck_assert_uint_lt(q->n, MAX_QUERIES);
    q->offsets[++q->n] = q->n_predicates;
}

static int count(const struct queries *q, double *fractions, uint64_t n_samples)
{
    return mixture ? dpmix_mixture_count(mixture, fractions, q->offsets, q->n, q->columns, q->lower, q->upper,
                                         q->n_predicates, n_samples, &seed)
                   : dpmix_generator_count(generator, fractions, q->offsets, q->n, q->columns, q->lower,
                                           q->upper, q->n_predicates, n_samples, &seed);
}

static int sample(double *rows, int32_t *labels, size_t n)
{
    return mixture ? dpmix_mixture_sample_f64(mixture, rows, labels, 0, n, TINY_COLUMNS, &seed)
                   : dpmix_generator_sample_f64(generator, rows, labels, 0, n, TINY_COLUMNS, &seed);
}

static int sample_f32(float *rows, int32_t *labels, size_t n)
{
    return mixture ? dpmix_mixture_sample(mixture, rows, labels, 0, n, TINY_COLUMNS, &seed)
                   : dpmix_generator_sample(generator, rows, labels, 0, n, TINY_COLUMNS, &seed);
}

/* The answer to query number `which` by the definition. */
static double brute_force(const struct queries *q, size_t which, const double *rows, const int32_t *labels,
                          size_t n)
{
    size_t holds = 0;
    for (size_t i = 0; i < n; i++) {
        int all = 1;
        for (size_t p = q->offsets[which]; p < q->offsets[which + 1]; p++) {
            double value =
                q->columns[p] == DPMIX_COLUMN_LABEL ? labels[i] : rows[i * TINY_COLUMNS + q->columns[p]];
            all = all && value >= q->lower[p] && value <= q->upper[p];
        }
        holds += (size_t)all;
    }
    return (double)holds / (double)n;
}

/* Conjunctions of up to four intervals, some on the label. */
static void make_queries(struct queries *q, int with_labels, const double *rows)
{
    struct tiny_random random = {3};
    memset(q, 0, sizeof *q);
    end_query(q); /* of nothing: everything */
    for (int i = 0; i < MAX_QUERIES - 4; i++) {
        for (int p = i % 4; p >= 0; p--) {
            double a = TINY_LOWER + 4 * tiny_uniform(&random), b = TINY_LOWER + 4 * tiny_uniform(&random);
            if (with_labels && p == 1)
                add_predicate(q, DPMIX_COLUMN_LABEL, i % 3 - 1, i % 5 - 0.5 > i % 3 - 1 ? i % 5 - 0.5 : 2);
            else
                add_predicate(q, (size_t)(i + p) % TINY_COLUMNS, i % 7 ? fmin(a, b) : -INFINITY,
                              i % 5 ? fmax(a, b) : INFINITY);
        }
        end_query(q);
    }
    add_predicate(q, 1, rows[1], rows[1]); /* ends are included */
    end_query(q);
    add_predicate(q, 0, -INFINITY, INFINITY);
    end_query(q);
    add_predicate(q, 0, TINY_UPPER + 1, INFINITY); /* nowhere */
    end_query(q);
}

START_TEST(answers_are_those_of_the_samples)
{
    static double rows[N * TINY_COLUMNS];
    static int32_t labels[N];
    static struct queries q;
    static const size_t sizes[] = {1, 255, 256, 257, N};
    double fractions[MAX_QUERIES];
    size_t between = 0;
    fit(_i);
    CHECK_OK(sample(rows, kinds[_i].classes ? labels : NULL, N));
    make_queries(&q, kinds[_i].classes > 0, rows);
    ck_assert_uint_eq(q.n, MAX_QUERIES);
    for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
        CHECK_OK(count(&q, fractions, sizes[s]));
        for (size_t i = 0; i < q.n; i++)
            ck_assert_msg(fractions[i] == brute_force(&q, i, rows, labels, sizes[s]), "query %zu of %zu", i,
                          sizes[s]);
    }
    ck_assert(fractions[0] == 1 && fractions[MAX_QUERIES - 2] == 1 && fractions[MAX_QUERIES - 1] == 0);
    ck_assert_double_ge(fractions[MAX_QUERIES - 3], 1.0 / N);
    for (size_t i = 0; i < q.n; i++)
        between += fractions[i] > 0 && fractions[i] < 1;
    ck_assert_uint_gt(between, 20); /* the queries do tell records apart */
}
END_TEST

/* The data are blobs whose shares are known. */
START_TEST(answers_are_near_the_truth)
{
    static struct queries q;
    double fractions[2];
    tiny_case_close(&tiny);
    tiny_case_open(&tiny, 1000, 1);
    fit(0);
    for (int c = 0; c < TINY_CLASSES; c++) {
        double centre = tiny_centre(c, 0, TINY_CLASSES);
        add_predicate(&q, DPMIX_COLUMN_LABEL, c, c);
        add_predicate(&q, 0, centre, INFINITY); /* half of the blob */
        end_query(&q);
    }
    CHECK_OK(count(&q, fractions, 20000));
    for (int c = 0; c < TINY_CLASSES; c++)
        ck_assert_double_eq_tol(fractions[c], tiny_share(c, TINY_CLASSES) / 2, 0.05);
}
END_TEST

START_TEST(without_a_seed_answers_vary)
{
    static struct queries q;
    double first, second = -1;
    fit(3);
    add_predicate(&q, 0, TINY_LOWER, tiny_centre(0, 0, TINY_CLASSES));
    end_query(&q);
    CHECK_OK(
        dpmix_generator_count(generator, &first, q.offsets, 1, q.columns, q.lower, q.upper, 1, 100000, NULL));
    ck_assert(first > 0 && first < 1);
    for (int i = 0; i < 5 && second < 0; i++) { /* equal counts happen */
        CHECK_OK(dpmix_generator_count(generator, &second, q.offsets, 1, q.columns, q.lower, q.upper, 1,
                                       100000, NULL));
        ck_assert_double_eq_tol(second, first, 0.03);
        second = second == first ? -1 : second;
    }
    ck_assert_double_ge(second, 0);
}
END_TEST

/* ---- What is refused ---- */

static void expect_refused(const struct queries *q, uint64_t n_samples, int status, const char *word)
{
    double fractions[MAX_QUERIES] = {-7};
    int64_t before = dpm_alloc_live();
    char message[64];
    snprintf(message, sizeof message, "dpmix_%s_count: %s", mixture ? "mixture" : "generator", word);
    CHECK_FAILS(count(q, fractions, n_samples), status, message);
    ck_assert_double_eq(fractions[0], -7);
    ck_assert_int_eq(dpm_alloc_live(), before);
}

START_TEST(bad_queries_are_refused)
{
    struct queries good = {.n = 0}, bad;
    static const double wrong[][2] = {{1, 0}, {NAN, 1}, {0, NAN}, {INFINITY, -INFINITY}};
    fit(_i);
    for (size_t i = 0; i < 3; i++) {
        add_predicate(&good, i % TINY_COLUMNS, 0, 1);
        add_predicate(&good, i % TINY_COLUMNS, 0, 1);
        end_query(&good);
    }
    expect_refused(&good, 0, DPMIX_ERR_RANGE, "n_samples");
    expect_refused(&good, (UINT64_C(1) << 53) + 1, DPMIX_ERR_RANGE, "n_samples");
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        bad = good;
        bad.lower[5] = wrong[i][0];
        bad.upper[5] = wrong[i][1];
        expect_refused(&bad, 1, DPMIX_ERR_RANGE, "lower, upper");
    }
    bad = good;
    bad.columns[5] = TINY_COLUMNS;
    expect_refused(&bad, 1, DPMIX_ERR_RANGE, "columns");
    bad.columns[5] = SIZE_MAX - 1;
    expect_refused(&bad, 1, DPMIX_ERR_RANGE, "columns");
    for (size_t at = 0; at <= 3; at++)
        for (int up = 0; up < 2; up++) {
            bad = good;
            bad.offsets[at] = up ? SIZE_MAX - at : (at ? bad.offsets[at - 1] - 1 : 1);
            expect_refused(&bad, 1, DPMIX_ERR_RANGE, "offsets");
        }
    bad = good;
    bad.n_predicates--;
    expect_refused(&bad, 1, DPMIX_ERR_RANGE, "offsets");
    bad = good;
    bad.columns[5] = DPMIX_COLUMN_LABEL;
    if (!kinds[_i].classes)
        expect_refused(&bad, 1, DPMIX_ERR_UNSUPPORTED, "columns");
    dpm_alloc_fail_after(1, 0);
    expect_refused(&good, 1, DPMIX_ERR_NOMEM, "out of memory");
    dpm_alloc_fail_after(3, 0);
    expect_refused(&good, 1, DPMIX_ERR_NOMEM, "out of memory");
    dpm_alloc_fail_after(0, 0);
}
END_TEST

START_TEST(null_is_refused)
{
    const size_t offsets[] = {0, 1}, column = 0;
    const double number = 0;
    double fraction = -7, row[TINY_COLUMNS];
    fit(0);
    dpmix_generator *unfitted = tiny_generator(DPMIX_GENERATOR_GAUSSIAN);
    const int arg = DPMIX_ERR_ARG;
#define COUNT(model, out, offsets, columns, lower, upper)                                                    \
    dpmix_mixture_count(model, out, offsets, 1, columns, lower, upper, 1, 1, NULL)
    CHECK_FAILS(COUNT(NULL, &fraction, offsets, &column, &number, &number), arg, "count: mixture");
    CHECK_FAILS(COUNT(mixture, NULL, offsets, &column, &number, &number), arg, "count: fractions");
    CHECK_FAILS(COUNT(mixture, &fraction, NULL, &column, &number, &number), arg, "count: offsets");
    CHECK_FAILS(COUNT(mixture, &fraction, offsets, NULL, &number, &number), arg, "count: columns");
    CHECK_FAILS(COUNT(mixture, &fraction, offsets, &column, NULL, &number), arg, "count: lower, upper");
    CHECK_FAILS(COUNT(mixture, &fraction, offsets, &column, &number, NULL), arg, "count: lower, upper");
#undef COUNT
    CHECK_FAILS(dpmix_generator_count(NULL, &fraction, offsets, 0, NULL, NULL, NULL, 0, 1, NULL), arg,
                "dpmix_generator_count: generator");
    CHECK_FAILS(dpmix_generator_count(unfitted, &fraction, offsets, 0, NULL, NULL, NULL, 0, 1, NULL),
                DPMIX_ERR_STATE, "dpmix_generator_count: generator");
    CHECK_FAILS(dpmix_generator_sample_f64(unfitted, row, NULL, 0, 1, TINY_COLUMNS, NULL), DPMIX_ERR_STATE,
                "dpmix_generator_sample_f64: generator");
    CHECK_FAILS(dpmix_generator_sample_f64(NULL, row, NULL, 0, 1, TINY_COLUMNS, NULL), arg, "f64: generator");
    CHECK_FAILS(dpmix_mixture_sample_f64(NULL, row, NULL, 0, 1, TINY_COLUMNS, NULL), arg, "f64: mixture");
    CHECK_FAILS(dpmix_mixture_sample_f64(mixture, NULL, NULL, 0, 1, TINY_COLUMNS, NULL), arg, "f64: rows");
    CHECK_FAILS(dpmix_mixture_sample_f64(mixture, row, NULL, 0, 1, TINY_COLUMNS + 1, NULL), DPMIX_ERR_RANGE,
                "dpmix_mixture_sample_f64: n_columns");
    CHECK_OK(dpmix_mixture_count(mixture, NULL, offsets, 0, NULL, NULL, NULL, 0, 1, NULL)); /* no query */
    ck_assert_double_eq(fraction, -7);
    dpmix_generator_free(unfitted);
}
END_TEST

/* ---- Samples in float64 ---- */

START_TEST(both_types_are_the_same_records)
{
    static double wide[N * TINY_COLUMNS], piece[TINY_COLUMNS * 300];
    static float narrow[N * TINY_COLUMNS];
    static int32_t labels[N], again[N];
    fit(_i);
    CHECK_OK(sample(wide, kinds[_i].classes ? labels : NULL, N));
    CHECK_OK(sample_f32(narrow, kinds[_i].classes ? again : NULL, N));
    ck_assert_mem_eq(labels, again, sizeof labels);
    for (size_t i = 0; i < N * TINY_COLUMNS; i++)
        ck_assert(narrow[i] == (float)wide[i]);
    if (mixture)
        CHECK_OK(dpmix_mixture_sample_f64(mixture, piece, NULL, 250, 300, TINY_COLUMNS, &seed));
    else
        CHECK_OK(dpmix_generator_sample_f64(generator, piece, NULL, 250, 300, TINY_COLUMNS, &seed));
    ck_assert_mem_eq(piece, wide + 250 * TINY_COLUMNS, sizeof piece);
}
END_TEST

/* One hour of a clock in nanoseconds since 1970, beside the blob's second column. */
START_TEST(units_may_be_finer_than_float32)
{
    static double rows[TINY_ROWS * TINY_COLUMNS], samples[N * TINY_COLUMNS];
    const double lower[] = {1.7e18, TINY_LOWER}, upper[] = {1.7e18 + 3600e9, TINY_UPPER};
    struct tiny_random random = {8};
    double mean = 0, least = INFINITY, largest = -INFINITY;
    dpmix_dataset_free(tiny.dataset);
    dpmix_accountant_free(tiny.accountant);
    tiny.accountant = tiny_accountant(1000);
    for (size_t i = 0; i < TINY_ROWS; i++) {
        rows[i * TINY_COLUMNS] = lower[0] + (0.5 + 0.05 * tiny_normal(&random)) * 3600e9;
        rows[i * TINY_COLUMNS + 1] = (double)tiny.rows[i * TINY_COLUMNS + 1];
    }
    CHECK_OK(dpmix_dataset_new_f64(&tiny.dataset, rows, TINY_ROWS, TINY_COLUMNS, NULL, 0, lower, upper,
                                   TINY_COLUMNS, DPMIX_STORAGE_COPY));
    tiny_mode_set(&tiny.mode, tiny.dataset, 1);
    fit(3);
    CHECK_OK(sample(samples, NULL, N));
    for (size_t i = 0; i < N; i++) {
        double value = samples[i * TINY_COLUMNS];
        mean += (value - lower[0]) / N;
        least = fmin(least, value);
        largest = fmax(largest, value);
    }
    ck_assert(least >= lower[0] && largest <= upper[0] && largest - least > 100e9);
    ck_assert_double_eq_tol(mean, 1800e9, 60e9);
}
END_TEST

static Suite *count_suite(void)
{
    Suite *suite = suite_create("count");
    TCase *each = check_case(suite, "each model");
    tcase_add_checked_fixture(each, setup, teardown);
    tcase_add_checked_fixture(each, NULL, free_models);
    tcase_add_loop_test(each, answers_are_those_of_the_samples, 0, N_MODELS);
    tcase_add_loop_test(each, bad_queries_are_refused, 0, N_MODELS);
    tcase_add_loop_test(each, both_types_are_the_same_records, 0, N_MODELS);
    tcase_add_test(each, answers_are_near_the_truth);
    tcase_add_test(each, without_a_seed_answers_vary);
    tcase_add_test(each, null_is_refused);
    tcase_add_test(each, units_may_be_finer_than_float32);
    return suite;
}

CHECK_MAIN(count_suite)
