/* SPDX-License-Identifier: BSD-3-Clause */
/* Geometric noise: exact bin probabilities, addressing, the check that a row changes one count by one at most
 * against rows that are made to break it, and the charge against the laws themselves. */
#include "account_ledger.h"
#include "base_alloc.h"
#include "check_main.h"
#include "privacy_geometric.h"
#include "privacy_test.h"

#include <dpmix/accountant.h>

#include <math.h>
#include <string.h>

static const uint8_t test_key[DPM_KEY_SIZE] = "a fixed key for the tests, no 9";

/* ---- The sampler ---- */

static int64_t *samples_of(size_t n, double scale, uint64_t step)
{
    int64_t *samples = dpm_alloc(n, sizeof *samples);
    for (size_t chunk = 0; chunk * DPM_GEOMETRIC_CHUNK < n; chunk++)
        dpm_geometric_add_chunk(samples, n, chunk, test_key, step, scale);
    return samples;
}

static double probability(int64_t k, double scale)
{
    return tanh(0.5 / scale) * exp(-(double)llabs(k) / scale);
}

/* P(K > k), without cancellation in the tail. */
static double above(int64_t k, double scale)
{
    if (k < 0)
        return 1 - above(-k - 1, scale);
    return exp(-(double)(k + 1) / scale) / (1 + exp(-1 / scale));
}

/* 7 standard deviations, and 10 more for the skewness at few bins. */
static double largest_chi2(double bins)
{
    return bins + 7 * sqrt(2 * bins) + 10;
}

START_TEST(bins_have_the_exact_probabilities)
{
    static const double scales[] = {0.1, 0.3, 1, 17.3};
    enum { N = 150000, REACH = 400 };
    double scale = scales[_i], chi2 = 0, n_bins = 0, rest = 0, rest_expected = 0;
    int64_t counts[2 * REACH + 1] = {0}, *samples = samples_of(N, scale, (uint64_t)_i);
    for (size_t i = 0; i < N; i++) {
        ck_assert_int_le(llabs(samples[i]), REACH);
        counts[samples[i] + REACH]++;
    }
    for (int64_t k = -REACH; k <= REACH; k++) {
        double expected = N * probability(k, scale);
        if (expected < 10) {
            rest += (double)counts[k + REACH];
            rest_expected += expected;
            continue;
        }
        chi2 += pow((double)counts[k + REACH] - expected, 2) / expected;
        n_bins++;
    }
    ck_assert_double_lt(chi2, largest_chi2(n_bins));
    ck_assert_double_lt(fabs(rest - rest_expected), 7 * sqrt(rest_expected) + 7);
    dpm_free(samples);
}
END_TEST

START_TEST(large_scales_have_the_quantiles_the_tails_and_the_last_digits)
{
    static const double scales[] = {1e6, 0x1.fffffffffffffp39, 12345.678};
    enum { N = 100000, BINS = 64, DIGITS = 16, DEPTH = 10 };
    double scale = scales[_i], lag = 0;
    int64_t edges[BINS], *samples = samples_of(N, scale, 10 + (uint64_t)_i);
    int counts[BINS] = {0}, digits[DIGITS] = {0}, beyond[DEPTH + 1] = {0};
    /* Bin b has the values in (edge of b - 1, edge of b]; bins of about the same probability. */
    for (int b = 0; b < BINS; b++) {
        double p = (b + 1.0) / BINS;
        double x = p < 0.5 ? scale * log(2 * p) : -scale * log(2 * (1 - p));
        edges[b] = b == BINS - 1 ? INT64_MAX : (int64_t)floor(x);
    }
    for (size_t i = 0; i < N; i++) {
        int b = 0;
        while (samples[i] > edges[b])
            b++;
        counts[b]++;
        digits[samples[i] & (DIGITS - 1)]++;
        for (int depth = 1; depth <= DEPTH; depth++)
            beyond[depth] += fabs((double)samples[i]) > depth * scale;
        lag += i > 0 ? (double)samples[i] / scale * (double)samples[i - 1] / scale : 0;
    }
    double chi2 = 0, digit_chi2 = 0;
    for (int b = 0; b < BINS; b++) {
        double up_to = b == BINS - 1 ? 0 : above(edges[b], scale);
        double expected = N * ((b ? above(edges[b - 1], scale) : 1) - up_to);
        chi2 += pow(counts[b] - expected, 2) / expected;
    }
    for (int d = 0; d < DIGITS; d++)
        digit_chi2 += pow(digits[d] - (double)N / DIGITS, 2) / ((double)N / DIGITS);
    ck_assert_double_lt(chi2, largest_chi2(BINS));
    ck_assert_double_lt(digit_chi2, largest_chi2(DIGITS));
    for (int depth = 1; depth <= DEPTH; depth++) {
        double mean = 2 * N * above((int64_t)(depth * scale), scale);
        ck_assert_double_lt(fabs(beyond[depth] - mean), 6 * sqrt(mean) + 6);
    }
    ck_assert_double_lt(fabs(lag), 6 * 2 * sqrt(N)); /* the variance of a product is 4 */
    dpm_free(samples);
}
END_TEST

START_TEST(the_ends_of_the_range_work)
{
    enum { N = 10000 };
    int64_t *least = samples_of(N, DPM_GEOMETRIC_MIN_SCALE, 20),
            *most = samples_of(N, DPM_GEOMETRIC_MAX_SCALE, 20);
    double sum = 0;
    for (size_t i = 0; i < N; i++) {
        ck_assert_int_eq(least[i], 0); /* all else has a probability below exp(-1000) */
        sum += fabs((double)most[i]) / DPM_GEOMETRIC_MAX_SCALE;
    }
    ck_assert_double_lt(fabs(sum / N - 1), 6 / sqrt(N)); /* mean and deviation are 1 */
    dpm_free(least);
    dpm_free(most);
}
END_TEST

START_TEST(numbers_have_their_own_bits_whatever_the_cut)
{
    enum { N = 5 * DPM_GEOMETRIC_CHUNK + 17, CHUNKS = 6 };
    int64_t *a = samples_of(N, 1e9, 30), *b = dpm_alloc(N, sizeof *b), *c = samples_of(N, 1e9, 31);
    int64_t *fewer = samples_of(DPM_GEOMETRIC_CHUNK + 3, 1e9, 30), ends[2] = {INT64_MAX, INT64_MIN};
    for (size_t chunk = CHUNKS; chunk-- > 0;)
        dpm_geometric_add_chunk(b, N, chunk, test_key, 30, 1e9);
    ck_assert_mem_eq(a, b, N * sizeof *a);
    ck_assert_mem_eq(a, fewer, (DPM_GEOMETRIC_CHUNK + 3) * sizeof *a);
    for (size_t i = 0; i < N; i++)
        ck_assert_int_ne(a[i], c[i]);                       /* another step, other noise */
    dpm_geometric_add_chunk(ends, 2, 0, test_key, 30, 1e9); /* sums wrap */
    ck_assert_uint_eq((uint64_t)ends[0] - (uint64_t)a[0], (uint64_t)INT64_MAX);
    ck_assert_uint_eq((uint64_t)ends[1] - (uint64_t)a[1], (uint64_t)INT64_MIN);
    dpm_free(a), dpm_free(b), dpm_free(c), dpm_free(fewer);
}
END_TEST

/* ---- The check of a row ---- */

enum { LEFT = 3, RIGHT = 2, MATRICES = 2 };

struct row_case {
    const char *name;
    float left[MATRICES][LEFT], right[MATRICES][RIGHT];
    int kept;
};

static const struct row_case row_cases[] = {
    {"one-hot", {{0, 1, 0}, {0}}, {{1, 0}, {0}}, 1},
    {"minus one", {{0, 0, 0}, {0, 0, 1}}, {{0, 0}, {0, -1}}, 1},
    {"negative zeros", {{-0.0f, -1, -0.0f}, {-0.0f}}, {{-1, -0.0f}, {-0.0f}}, 1},
    {"nothing", {{0}, {0}}, {{0}, {0}}, 1},
    {"factors without a product", {{1, 1, 1}, {0}}, {{0}, {1, 1}}, 1},
    {"two-hot on the left", {{1, 1, 0}, {0}}, {{1, 0}, {0}}, 0},
    {"two-hot on the right", {{1, 0, 0}, {0}}, {{1, -1}, {0}}, 0},
    {"one in each matrix", {{1, 0, 0}, {1, 0, 0}}, {{1, 0}, {0, 1}}, 0},
    {"two", {{2, 0, 0}, {0}}, {{1, 0}, {0}}, 0},
    {"a half of two", {{2, 0, 0}, {0}}, {{0.5f, 0}, {0}}, 0},
    {"a half", {{0.5f, 0, 0}, {0}}, {{1, 0}, {0}}, 0},
    {"just above one", {{0x1.000002p0f, 0, 0}, {0}}, {{1, 0}, {0}}, 0},
    {"just below one", {{1, 0, 0}, {0}}, {{0x1.fffffep-1f, 0}, {0}}, 0},
    {"2^30", {{0x1p30f, 0, 0}, {0}}, {{1, 0}, {0}}, 0},
    {"2^30 of 2^-30", {{0x1p30f, 0, 0}, {0}}, {{0x1p-30f, 0}, {0}}, 0},
    {"denormal", {{0x1p-149f, 0, 0}, {0}}, {{1, 0}, {0}}, 0},
    {"not a number", {{1, 0, NAN}, {0}}, {{1, 0}, {0}}, 0},
    {"not a number beside a zero", {{0, 0, 0}, {0}}, {{NAN, 0}, {0}}, 0},
    {"infinite", {{INFINITY, 0, 0}, {0}}, {{1, 0}, {0}}, 0},
    {"infinite in the second matrix", {{1, 0, 0}, {0}}, {{1, 0}, {0, -INFINITY}}, 0},
};

enum { ROW_CASES = sizeof row_cases / sizeof *row_cases };

static struct dpm_query_plan count_plan(double scale)
{
    return (struct dpm_query_plan){
        .n_matrices = MATRICES,
        .matrix = {{LEFT, RIGHT, 1}, {LEFT, RIGHT, 1}},
        .noise = DPM_NOISE_GEOMETRIC,
        .clip_norm = 1,
        .cancellation = 1,
        .sampling_rate = 1,
        .steps = 2,
        .noise_multiplier = scale,
    };
}

START_TEST(a_row_that_is_no_unit_counts_as_zero)
{
    const struct row_case *row = &row_cases[_i];
    struct dpm_query_plan plan = count_plan(1);
    static const float zero[LEFT];
    float left[MATRICES][2 * LEFT] = {{0}}, right[MATRICES][2 * RIGHT] = {{0}};
    float *lefts[MATRICES] = {left[0], left[1]}, *rights[MATRICES] = {right[0], right[1]};
    for (int m = 0; m < MATRICES; m++) { /* row 1; row 0 is not touched */
        left[m][0] = right[m][0] = 7;
        memcpy(left[m] + LEFT, row->left[m], sizeof row->left[m]);
        memcpy(right[m] + RIGHT, row->right[m], sizeof row->right[m]);
    }
    dpm_geometric_check_row(&plan, lefts, rights, 1);
    for (int m = 0; m < MATRICES; m++) {
        ck_assert(left[m][0] == 7 && right[m][0] == 7);
        ck_assert_msg(memcmp(left[m] + LEFT, row->kept ? row->left[m] : zero, sizeof zero) == 0, "%s",
                      row->name);
        ck_assert_mem_eq(right[m] + RIGHT, row->kept ? row->right[m] : zero, sizeof row->right[m]);
    }
}
END_TEST

/* ---- In the vault ---- */

enum { MOST_ROWS = 700, PARTS = 2 };

static float rows[MOST_ROWS];

/* The case that a row is follows from its value. */
static void contribute_case(const void *model, const struct dpm_block *block, float *const *left,
                            float *const *right)
{
    (void)model;
    for (size_t i = 0; i < block->n_rows; i++) {
        const struct row_case *row = &row_cases[(int)(block->rows[i] * (ROW_CASES - 0.01f))];
        for (int m = 0; m < MATRICES; m++) {
            memcpy(left[m] + i * LEFT, row->left[m], sizeof row->left[m]);
            memcpy(right[m] + i * RIGHT, row->right[m], sizeof row->right[m]);
        }
    }
}

static void part_of_value(const void *model, int32_t *parts, const float *values, const int32_t *labels,
                          size_t n, size_t n_columns, float *scratch)
{
    (void)model, (void)labels, (void)n_columns, (void)scratch;
    for (size_t i = 0; i < n; i++)
        parts[i] = values[i] > 0.3f;
}

static const struct dpm_partition partition = {PARTS, part_of_value, NULL, 0};

enum { NUMBERS = PARTS * MATRICES * LEFT * RIGHT };

/* Both steps of the plan. */
static void run(double sums[2][NUMBERS], size_t n_rows, const struct dpm_test_mode *mode,
                const struct dpm_query_plan *plan, int threads)
{
    const double lower = 0, upper = 1;
    struct dpm_dataset_source source = {DPM_TYPE_F32, rows, n_rows, 1, NULL, 0, &lower, &upper, 1, NULL};
    struct dpmix_dataset *dataset = NULL;
    struct dpmix_accountant *accountant = NULL;
    struct dpm_release *release = NULL;
    ck_assert_int_eq(dpm_dataset_new(&dataset, &source), 0);
    ck_assert_int_eq(dpm_accountant_new(&accountant, 1e6, 1e-5, DPMIX_ADJACENCY_ADD_REMOVE), 0);
    dpm_dataset_set_test(dataset, mode);
    ck_assert_int_eq(dpm_release_open(&release, accountant, dataset, "test", plan, 1, &partition, threads),
                     0);
    for (int step = 0; step < 2; step++)
        ck_assert_int_eq(dpm_release_query(release, 0, contribute_case, NULL, sums[step]), 0);
    dpm_release_close(release);
    dpm_dataset_unref(dataset);
    dpm_accountant_unref(accountant);
}

static void fill_rows(void)
{
    for (size_t i = 0; i < MOST_ROWS; i++)
        rows[i] = (float)(i * 7919 % 1009) / 1008.0f;
}

static const struct dpm_test_mode noiseless = {.key = "a fixed key for the tests, no 10", .noiseless = 1};
static const struct dpm_test_mode with_noise = {.key = "a fixed key for the tests, no 10"};

START_TEST(one_row_moves_one_count_by_one_at_most)
{
    struct dpm_query_plan plan = count_plan(1);
    size_t block = dpm_query_block_rows(&plan), moved = 0;
    fill_rows();
    plan.per_part = _i;
    for (size_t n = 1; n <= MOST_ROWS; n += n > block - 3 && n < block + 3 ? 1 : 7) {
        static double with[2][NUMBERS], without[2][NUMBERS];
        run(with, n, &noiseless, &plan, 1);
        run(without, n - 1, &noiseless, &plan, 1);
        double change = 0;
        int whole = 1;
        for (size_t i = 0; i < dpm_query_size(&plan) * (_i ? PARTS : 1); i++) {
            change += fabs(with[0][i] - without[0][i]);
            whole = whole && with[0][i] == rint(with[0][i]);
        }
        ck_assert(whole);
        ck_assert(change == 0 || change == 1);
        moved += change == 1;
    }
    ck_assert_uint_gt(moved, 3);
}
END_TEST

START_TEST(sums_are_those_of_the_units)
{
    static double sums[2][NUMBERS];
    struct dpm_query_plan plan = count_plan(1);
    double expected[NUMBERS] = {0};
    fill_rows();
    run(sums, MOST_ROWS, &noiseless, &plan, 2);
    for (size_t i = 0; i < MOST_ROWS; i++) {
        const struct row_case *row = &row_cases[(int)(rows[i] * (ROW_CASES - 0.01f))];
        for (int m = 0; row->kept && m < MATRICES; m++)
            for (int j = 0; j < LEFT * RIGHT; j++)
                expected[m * LEFT * RIGHT + j] +=
                    (double)(row->left[m][j / RIGHT] * row->right[m][j % RIGHT]);
    }
    for (size_t i = 0; i < MATRICES * LEFT * RIGHT; i++)
        ck_assert(sums[0][i] == expected[i]);
}
END_TEST

START_TEST(threads_do_not_change_a_bit)
{
    static double one[2][NUMBERS], other[2][NUMBERS];
    struct dpm_query_plan plan = count_plan(1e5);
    plan.per_part = 1;
    fill_rows();
    run(one, MOST_ROWS, &with_noise, &plan, 1);
    for (int threads = 2; threads <= 7; threads += 5) {
        run(other, MOST_ROWS, &with_noise, &plan, threads);
        ck_assert_mem_eq(one, other, sizeof one);
    }
    for (size_t i = 0; i < NUMBERS; i++)
        ck_assert(one[0][i] != one[1][i]); /* each step has its own noise */
}
END_TEST

START_TEST(noise_has_the_declared_size)
{
    static const double scales[] = {0.2, 1, 30};
    enum { N = 50000 };
    for (int s = 0; s < 3; s++) {
        struct dpm_query_plan plan = count_plan(scales[s]);
        int64_t *samples = samples_of(N, scales[s], 40 + (uint64_t)s);
        double squares = 0, fourths = 0;
        for (size_t i = 0; i < N; i++) {
            squares += pow((double)samples[i], 2);
            fourths += pow((double)samples[i], 4);
        }
        double variance = pow(dpm_query_noise(&plan), 2);
        ck_assert_double_lt(fabs(squares / N - variance), 6 * sqrt(fourths) / N);
        ck_assert(dpm_query_sensitivity(&plan) == 1);
        dpm_free(samples);
    }
}
END_TEST

START_TEST(plans_outside_the_proof_are_refused)
{
    struct dpm_query_plan good = count_plan(1), bad[5] = {good, good, good, good, good};
    struct dpmix_accountant *accountant = NULL;
    ck_assert_int_eq(dpm_accountant_new(&accountant, 1, 1e-5, DPMIX_ADJACENCY_ADD_REMOVE), 0);
    bad[0].sampling_rate = 0.5;
    bad[1].clip_norm = 2;
    bad[2].matrix[1].rank = 2;
    bad[3].noise_multiplier = 0x1p-11;
    bad[4].noise_multiplier = 0x1p41;
    for (int i = 0; i < 5; i++) {
        struct dpm_release *release = NULL;
        ck_assert_int_eq(dpm_release_open(&release, accountant, NULL, "test", &bad[i], 1, NULL, 1),
                         DPMIX_ERR_RANGE);
        if (i < 3)
            ck_assert_int_eq(dpm_query_calibrate(accountant, 1, &bad[i], 1), DPMIX_ERR_RANGE);
    }
    ck_assert_int_eq(dpm_query_calibrate(accountant, 1, &good, 1), 0);
    dpm_accountant_unref(accountant);
}
END_TEST

/* ---- The charge ---- */

/* Hockey-stick divergence of the law shifted by (x, y) from the law at (0, 0), two counts, one release. */
static double divergence(int x, int y, double scale, double epsilon)
{
    double sum = 0;
    int reach = (int)(40 * scale) + 4;
    for (int i = -reach; i <= reach; i++)
        for (int j = -reach; j <= reach; j++)
            sum += fmax(0, probability(i - x, scale) * probability(j - y, scale) -
                               exp(epsilon) * probability(i, scale) * probability(j, scale));
    return sum;
}

static double epsilon_of(double scale, int adjacency, double delta)
{
    struct dpm_query_plan plan = count_plan(scale);
    struct dpmix_accountant *accountant = NULL;
    struct dpmix_dataset *dataset = NULL;
    struct dpm_release *release = NULL;
    const double lower = 0, upper = 1;
    struct dpm_dataset_source source = {DPM_TYPE_F32, rows, 1, 1, NULL, 0, &lower, &upper, 1, NULL};
    double spent = -1;
    plan.steps = 1;
    ck_assert_int_eq(dpm_dataset_new(&dataset, &source), 0);
    ck_assert_int_eq(dpm_accountant_new(&accountant, 1e3, delta, adjacency), 0);
    ck_assert_int_eq(dpm_release_open(&release, accountant, dataset, "test", &plan, 1, NULL, 1), 0);
    ck_assert_int_eq(dpm_accountant_spent(accountant, &spent), 0);
    dpm_release_close(release);
    dpm_dataset_unref(dataset);
    dpm_accountant_unref(accountant);
    return spent;
}

START_TEST(the_charge_is_that_of_the_worst_neighbours)
{
    static const double scales[] = {0.5, 1, 2.7}, deltas[] = {1e-6, 0.05};
    for (int s = 0; s < 3; s++)
        for (int d = 0; d < 2; d++) {
            double scale = scales[s], delta = deltas[d];
            double add = epsilon_of(scale, DPMIX_ADJACENCY_ADD_REMOVE, delta);
            double zero = epsilon_of(scale, DPMIX_ADJACENCY_ZERO_OUT, delta);
            double replace = epsilon_of(scale, DPMIX_ADJACENCY_REPLACE_ONE, delta);
            double slack = 1e-7 * delta + 1e-14; /* of the sums here */
            ck_assert(add == zero);
            ck_assert_double_le(divergence(1, 0, scale, add), delta + slack);
            ck_assert_double_ge(divergence(1, 0, scale, add * (1 - 1e-6)), delta - slack);
            ck_assert_double_le(divergence(2, 0, scale, replace), delta + slack);
            ck_assert_double_le(divergence(1, -1, scale, replace), delta + slack);
            ck_assert_double_le(divergence(1, 1, scale, replace), delta + slack);
            ck_assert_double_ge(divergence(2, 0, scale, replace * (1 - 1e-3)), delta - slack);
        }
}
END_TEST

START_TEST(calibration_spends_its_share)
{
    static const int adjacencies[] = {DPMIX_ADJACENCY_ADD_REMOVE, DPMIX_ADJACENCY_REPLACE_ONE,
                                      DPMIX_ADJACENCY_ZERO_OUT};
    struct dpmix_accountant *accountant = NULL;
    struct dpm_query_plan plans[2] = {count_plan(1), count_plan(1)};
    int mixed = _i / 3, adjacency = adjacencies[_i % 3];
    double spent = epsilon_of(1, adjacency, 1e-5);
    plans[0].steps = 1;
    plans[1].noise = DPM_NOISE_GAUSSIAN;
    plans[1].sampling_rate = 0.1;
    ck_assert_int_eq(dpm_accountant_new(&accountant, spent, 1e-5, adjacency), 0);
    ck_assert_int_eq(dpm_query_calibrate(accountant, 1, plans, mixed ? 2 : 1), 0);
    if (mixed)
        ck_assert_double_gt(plans[0].noise_multiplier, 1.1);
    else
        ck_assert_double_lt(fabs(plans[0].noise_multiplier - 1), 1e-6);
    ck_assert(plans[1].noise_multiplier == (mixed ? plans[0].noise_multiplier : 1));
    dpm_accountant_unref(accountant);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("geometric");
    TCase *loops = tcase_create("loops");
    tcase_set_timeout(loops, 0);
    tcase_add_loop_test(loops, bins_have_the_exact_probabilities, 0, 4);
    tcase_add_loop_test(loops, large_scales_have_the_quantiles_the_tails_and_the_last_digits, 0, 3);
    tcase_add_loop_test(loops, a_row_that_is_no_unit_counts_as_zero, 0, ROW_CASES);
    tcase_add_loop_test(loops, one_row_moves_one_count_by_one_at_most, 0, 2);
    tcase_add_loop_test(loops, calibration_spends_its_share, 0, 6);
    suite_add_tcase(s, loops);
    CHECK_ADD(s, the_ends_of_the_range_work);
    CHECK_ADD(s, numbers_have_their_own_bits_whatever_the_cut);
    CHECK_ADD(s, sums_are_those_of_the_units);
    CHECK_ADD(s, threads_do_not_change_a_bit);
    CHECK_ADD(s, noise_has_the_declared_size);
    CHECK_ADD(s, plans_outside_the_proof_are_refused);
    CHECK_ADD(s, the_charge_is_that_of_the_worst_neighbours);
    return s;
}

CHECK_MAIN(suite)
