/* SPDX-License-Identifier: BSD-3-Clause */
/* The vault as a whole: debit before touch, right sums, right noise, the same bits for any number of threads,
 * and the declared sensitivity against rows that are made to break it. */
#include "account_ledger.h"
#include "base_alloc.h"
#include "check_main.h"
#include "privacy.h"
#include "privacy_geometric.h"
#include "privacy_noise.h"
#include "privacy_sensitivity.h"
#include "privacy_test.h"

#include <dpmix/accountant.h>
#include <dpmix/status.h>

#include <math.h>
#include <string.h>

enum { COLUMNS = 24, PARTS = 3, MOST_ROWS = 1500 };

static float rows[MOST_ROWS * COLUMNS];

static struct dpmix_dataset *dataset_of(size_t n_rows)
{
    const double lower = -1, upper = 1;
    struct dpmix_dataset *dataset = NULL;
    struct dpm_dataset_source source = {DPM_TYPE_F32, rows,   n_rows, COLUMNS, NULL, 0,
                                        &lower,       &upper, 1,      NULL};
    ck_assert_int_eq(dpm_dataset_new(&dataset, &source), 0);
    return dataset;
}

static void fill_rows(uint32_t seed)
{
    for (size_t i = 0; i < MOST_ROWS * COLUMNS; i++) {
        seed = seed * 1664525u + 1013904223u;
        rows[i] = (float)(seed >> 8) * 0x1p-23f - 1;
    }
}

static struct dpmix_accountant *budget_of(double epsilon)
{
    struct dpmix_accountant *accountant = NULL;
    ck_assert_int_eq(dpm_accountant_new(&accountant, epsilon, 1e-5, DPMIX_ADJACENCY_ADD_REMOVE), 0);
    return accountant;
}

/* Second moments: row x row', one matrix. `model` counts the calls. */
static void second_moment(const void *model, const struct dpm_block *block, float *const *left,
                          float *const *right)
{
    (void)model;
    memcpy(left[0], block->rows, block->n_rows * COLUMNS * sizeof(float));
    memcpy(right[0], block->rows, block->n_rows * COLUMNS * sizeof(float));
}

static struct dpm_query_plan moment_plan(double clip, double multiplier)
{
    return (struct dpm_query_plan){
        .n_matrices = 1,
        .matrix = {{COLUMNS, COLUMNS, 1}},
        .clip_norm = clip,
        .cancellation = 1,
        .sampling_rate = 1,
        .steps = 3,
        .noise_multiplier = multiplier,
    };
}

static void part_of_first_value(const void *model, int32_t *parts, const float *values, const int32_t *labels,
                                size_t n, size_t n_columns, float *scratch)
{
    (void)model, (void)labels, (void)scratch;
    for (size_t i = 0; i < n; i++)
        parts[i] = (int32_t)fminf(values[i * n_columns] * PARTS, PARTS - 1);
}

static const struct dpm_partition partition = {PARTS, part_of_first_value, NULL, 0};

static int calls;

static void count_calls(const void *model, const struct dpm_block *block, float *const *left,
                        float *const *right)
{
    calls++;
    second_moment(model, block, left, right);
}

static void count_assignments(const void *model, int32_t *parts, const float *values, const int32_t *labels,
                              size_t n, size_t n_columns, float *scratch)
{
    calls++;
    part_of_first_value(model, parts, values, labels, n, n_columns, scratch);
}

START_TEST(a_refused_debit_reads_nothing)
{
    const struct dpm_partition counting = {PARTS, count_assignments, NULL, 0};
    int64_t live = dpm_alloc_live();
    struct dpmix_dataset *dataset = dataset_of(100);
    struct dpmix_accountant *accountant = budget_of(0.1);
    struct dpm_query_plan plan = moment_plan(1, 1); /* far above 0.1 */
    struct dpm_release *release = NULL;
    double spent = -1;
    calls = 0;
    ck_assert_int_eq(dpm_release_open(&release, accountant, dataset, "test", &plan, 1, &counting, 1),
                     DPMIX_ERR_BUDGET);
    ck_assert_ptr_null(release);
    ck_assert_int_eq(calls, 0);
    ck_assert_int_eq(dpm_accountant_spent(accountant, &spent), 0);
    ck_assert(spent == 0);
    dpm_dataset_unref(dataset);
    dpm_accountant_unref(accountant);
    ck_assert_int_eq(dpm_alloc_live(), live);
}
END_TEST

START_TEST(the_debit_is_there_before_the_rows_are_read)
{
    const struct dpm_partition counting = {PARTS, count_assignments, NULL, 0};
    struct dpmix_dataset *dataset = dataset_of(100);
    struct dpmix_accountant *accountant = budget_of(100);
    struct dpm_query_plan plan = moment_plan(1, 1);
    struct dpm_release *release = NULL;
    /* Every allocation fails in turn: as long as one does, no row has been read and nothing is debited. */
    for (uint64_t nth = 1;; nth++) {
        double spent = -1;
        calls = 0;
        dpm_alloc_fail_after(nth, 0);
        int status = dpm_release_open(&release, accountant, dataset, "test", &plan, 1, &counting, 2);
        dpm_alloc_fail_after(0, 0);
        ck_assert_int_eq(dpm_accountant_spent(accountant, &spent), 0);
        if (status == 0) {
            ck_assert_int_gt(calls, 0);
            ck_assert_double_gt(spent, 1);
            break;
        }
        ck_assert_int_eq(status, DPMIX_ERR_NOMEM);
        ck_assert_int_eq(calls, 0);
        ck_assert(spent == 0);
    }
    dpm_release_close(release);
    dpm_dataset_unref(dataset);
    dpm_accountant_unref(accountant);
}
END_TEST

START_TEST(queries_end_with_the_plan)
{
    struct dpmix_dataset *dataset = dataset_of(10);
    struct dpmix_accountant *accountant = budget_of(100);
    struct dpm_query_plan plan = moment_plan(1, 1);
    struct dpm_release *release = NULL;
    double sums[COLUMNS * COLUMNS];
    ck_assert_int_eq(dpm_release_open(&release, accountant, dataset, "test", &plan, 1, NULL, 1), 0);
    calls = 0;
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(dpm_release_query(release, 0, count_calls, NULL, sums), 0);
    ck_assert_int_eq(dpm_release_query(release, 0, count_calls, NULL, sums), DPMIX_ERR_STATE);
    ck_assert_int_eq(calls, 3);
    dpm_release_close(release);
    dpm_dataset_unref(dataset);
    dpm_accountant_unref(accountant);
}
END_TEST

static const struct dpm_test_mode noiseless = {.key = "a fixed key for the tests, no 4", .noiseless = 1};
static const struct dpm_test_mode with_noise = {.key = "a fixed key for the tests, no 4"};

/* One query with a plan; sums: (per part: PARTS or else 1) x COLUMNS^2. */
static void run_once(double *sums, size_t n_rows, const struct dpm_test_mode *mode,
                     struct dpm_query_plan plan, int threads)
{
    struct dpmix_dataset *dataset = dataset_of(n_rows);
    struct dpmix_accountant *accountant = budget_of(1e6);
    struct dpm_release *release = NULL;
    dpm_dataset_set_test(dataset, mode);
    ck_assert_int_eq(dpm_release_open(&release, accountant, dataset, "test", &plan, 1, &partition, threads),
                     0);
    ck_assert_int_eq(dpm_release_query(release, 0, second_moment, NULL, sums), 0);
    dpm_release_close(release);
    dpm_dataset_unref(dataset);
    dpm_accountant_unref(accountant);
}

START_TEST(sums_are_those_of_the_clipped_rows)
{
    static double sums[PARTS * COLUMNS * COLUMNS], expected[PARTS * COLUMNS * COLUMNS];
    struct dpm_query_plan plan = moment_plan(8, 1); /* about half of the rows are longer */
    double clipped = 0;
    plan.per_part = 1;
    memset(expected, 0, sizeof expected);
    for (size_t i = 0; i < MOST_ROWS; i++) {
        double x[COLUMNS], norm = 0;
        for (size_t j = 0; j < COLUMNS; j++) {
            x[j] = ((double)rows[i * COLUMNS + j] + 1) / 2;
            norm += x[j] * x[j];
        }
        double scale = norm > 8 ? 8 / norm : 1;
        size_t part = (size_t)fmin(x[0] * PARTS, PARTS - 1);
        clipped += norm > 8;
        for (size_t a = 0; a < COLUMNS; a++)
            for (size_t b = 0; b < COLUMNS; b++)
                expected[(part * COLUMNS + a) * COLUMNS + b] += scale * x[a] * x[b];
    }
    ck_assert(clipped > 300 && clipped < 1200);
    run_once(sums, MOST_ROWS, &noiseless, plan, 2);
    for (size_t i = 0; i < PARTS * COLUMNS * COLUMNS; i++)
        ck_assert_double_le(fabs(sums[i] - expected[i]), 1e-5 * MOST_ROWS);
}
END_TEST

/* One-hot times row, and with `model` a second entry that changes no sum but makes the factor a dense one. */
static void one_hot_factors(const void *model, const struct dpm_block *block, float *const *left,
                            float *const *right)
{
    const int dense = *(const int *)model;
    memset(left[0], 0, block->n_rows * COLUMNS * sizeof(float));
    for (size_t i = 0; i < block->n_rows; i++) {
        const float *row = block->rows + i * COLUMNS;
        size_t place = (size_t)fminf(row[0] * COLUMNS, COLUMNS - 1);
        if (place % 5 != 4) /* some are in no place */
            left[0][i * COLUMNS + place] = row[1] - 0.5f;
        if (dense && i == 0)
            left[0][i * COLUMNS] = left[0][i * COLUMNS + 1] = 0x1p-60f;
        memcpy(right[0] + i * COLUMNS, row, COLUMNS * sizeof *row);
    }
}

/* Sums with one-hot factors go another way than others: both agree with each other, up to rounding. */
START_TEST(one_hot_sums_are_as_others)
{
    static double sums[2][COLUMNS * COLUMNS];
    struct dpm_test_mode mode = {.key = "a fixed key for the tests, no 9", .noiseless = 1};
    double total = 0;
    fill_rows(11);
    for (int dense = 0; dense < 2; dense++) {
        struct dpmix_dataset *dataset = dataset_of(MOST_ROWS);
        struct dpmix_accountant *accountant = budget_of(10);
        struct dpm_query_plan plan = moment_plan(2, 10);
        struct dpm_release *release = NULL;
        dpm_dataset_set_test(dataset, &mode);
        ck_assert_int_eq(dpm_release_open(&release, accountant, dataset, "test", &plan, 1, NULL, 2), 0);
        ck_assert_int_eq(dpm_release_query(release, 0, one_hot_factors, &dense, sums[dense]), 0);
        dpm_release_close(release);
        dpm_dataset_unref(dataset);
        dpm_accountant_unref(accountant);
    }
    for (size_t i = 0; i < COLUMNS * COLUMNS; i++) {
        /* the dense entry took the place of a real one in each block's first row, 1 at most there */
        if (i / COLUMNS > 1)
            ck_assert_double_eq_tol(sums[0][i], sums[1][i], 1e-2);
        total += fabs(sums[0][i]);
        ck_assert(i / COLUMNS % 5 != 4 || sums[0][i] == 0);
    }
    ck_assert_double_gt(total, 10);
}
END_TEST

START_TEST(threads_do_not_change_a_bit)
{
    static double one[PARTS * COLUMNS * COLUMNS], other[PARTS * COLUMNS * COLUMNS];
    struct dpm_query_plan plan = moment_plan(8, 1);
    plan.per_part = 1;
    plan.sampling_rate = 0.8;
    run_once(one, MOST_ROWS, &with_noise, plan, 1);
    static const int threads[] = {2, 3, 7};
    for (int i = 0; i < 3; i++) {
        run_once(other, MOST_ROWS, &with_noise, plan, threads[i]);
        ck_assert_mem_eq(one, other, sizeof one);
    }
}
END_TEST

/* 1 x (rows that come with another part than theirs, all rows). */
static void compare_parts(const void *model, const struct dpm_block *block, float *const *left,
                          float *const *right)
{
    for (size_t i = 0; i < block->n_rows; i++) {
        int32_t part;
        part_of_first_value(model, &part, block->rows + i * COLUMNS, NULL, 1, COLUMNS, NULL);
        left[0][i] = 1;
        right[0][2 * i] = block->parts[i] != part;
        right[0][2 * i + 1] = 1;
    }
}

/* In blocks of one part, and in blocks of all parts. */
START_TEST(rows_come_with_their_parts)
{
    double sums[PARTS * 2], others = 0, all = 0;
    struct dpmix_dataset *dataset = dataset_of(MOST_ROWS);
    struct dpmix_accountant *accountant = budget_of(1e6);
    struct dpm_query_plan plan = moment_plan(2, 1);
    struct dpm_release *release = NULL;
    plan.matrix[0] = (struct dpm_query_matrix){1, 2, 1};
    plan.per_part = _i;
    dpm_dataset_set_test(dataset, &noiseless);
    ck_assert_int_eq(dpm_release_open(&release, accountant, dataset, "test", &plan, 1, &partition, 2), 0);
    ck_assert_int_eq(dpm_release_query(release, 0, compare_parts, NULL, sums), 0);
    for (size_t i = 0; i < (_i ? PARTS : 1); i++) {
        others += sums[2 * i];
        all += sums[2 * i + 1];
    }
    ck_assert_double_eq(others, 0);
    ck_assert_double_eq_tol(all, MOST_ROWS, 1e-2);
    dpm_release_close(release);
    dpm_dataset_unref(dataset);
    dpm_accountant_unref(accountant);
}
END_TEST

START_TEST(noise_has_the_declared_size)
{
    static double clean[COLUMNS * COLUMNS], noisy[COLUMNS * COLUMNS];
    struct dpm_query_plan plan = moment_plan(8, 2.5);
    run_once(clean, 400, &noiseless, plan, 1);
    run_once(noisy, 400, &with_noise, plan, 1);
    double squares = 0, n = COLUMNS * COLUMNS;
    for (size_t i = 0; i < COLUMNS * COLUMNS; i++)
        squares += pow(noisy[i] - clean[i], 2);
    double ratio = sqrt(squares / n) / (2.5 * dpm_query_sensitivity(&plan));
    ck_assert_double_lt(fabs(ratio - 1), 6 / sqrt(2 * n));
    ck_assert_double_gt(dpm_query_sensitivity(&plan), 8);
    ck_assert_double_lt(dpm_query_sensitivity(&plan), 8 * 1.01);
}
END_TEST

/* Query number `query` of a data set without rows: each number is the sampler's. */
static void check_noise(const double *sums, struct dpm_query_plan plan, uint64_t query)
{
    static int64_t noise[PARTS * (COLUMNS * COLUMNS + 1)];
    uint8_t key[DPM_KEY_SIZE];
    int geometric = plan.noise == DPM_NOISE_GEOMETRIC;
    size_t n = PARTS * dpm_query_size(&plan), size = geometric ? DPM_GEOMETRIC_CHUNK : DPM_NOISE_CHUNK;
    double grid = dpm_sensitivity_grid(&plan), z = plan.noise_multiplier;
    dpm_random_derive(key, with_noise.key, 0);
    memset(noise, 0, sizeof noise);
    for (size_t chunk = 0; chunk * size < n; chunk++)
        if (geometric)
            dpm_geometric_add_chunk(noise, n, chunk, key, query, z);
        else
            dpm_noise_add_chunk(noise, n, chunk, key, query, z * dpm_query_sensitivity(&plan) / grid);
    for (size_t i = 0; i < n; i++)
        ck_assert_double_eq(sums[i], (double)noise[i] * grid);
}

/* No statistic sees whether the noise is that of the clip norm or of the sensitivity, which is 1 % larger;
 * and both follow the clip norm. */
START_TEST(noise_is_the_samplers_for_the_declared_sensitivity)
{
    static double sums[PARTS * (COLUMNS * COLUMNS + 1)];
    struct dpmix_dataset *dataset = dataset_of(0);
    struct dpmix_accountant *accountant = budget_of(1e6);
    struct dpm_query_plan plans[] = {moment_plan(8, 2.5), moment_plan(1, 3)};
    struct dpm_release *release = NULL;
    plans[0].per_part = plans[1].per_part = 1;
    plans[0].norm_indicator = 0.5;
    plans[1].noise = DPM_NOISE_GEOMETRIC;
    dpm_dataset_set_test(dataset, &with_noise);
    ck_assert_int_eq(dpm_release_open(&release, accountant, dataset, "test", plans, 2, &partition, 2), 0);
    ck_assert_int_eq(dpm_release_query(release, 0, second_moment, NULL, sums), 0);
    check_noise(sums, plans[0], 0);
    plans[0].clip_norm = 3;
    dpm_release_set_clip(release, 0, 3);
    ck_assert_int_eq(dpm_release_query(release, 0, second_moment, NULL, sums), 0);
    check_noise(sums, plans[0], 1);
    ck_assert_int_eq(dpm_release_query(release, 1, second_moment, NULL, sums), 0);
    check_noise(sums, plans[1], 2);
    dpm_release_close(release);
    dpm_dataset_unref(dataset);
    dpm_accountant_unref(accountant);
}
END_TEST

START_TEST(an_empty_batch_is_zero_plus_noise)
{
    static double sums[COLUMNS * COLUMNS];
    struct dpm_query_plan plan = moment_plan(1, 1);
    run_once(sums, 0, &with_noise, plan, 2);
    double squares = 0;
    for (size_t i = 0; i < COLUMNS * COLUMNS; i++)
        squares += sums[i] * sums[i];
    ck_assert_double_gt(squares, 0.5 * COLUMNS * COLUMNS);
    run_once(sums, 0, &noiseless, plan, 2);
    for (size_t i = 0; i < COLUMNS * COLUMNS; i++)
        ck_assert(sums[i] == 0);
}
END_TEST

/* ---- Sensitivity ---- */

/* Rank-2 contributions over two matrices with cancellation, huge range, denormals, NaN and infinities: the
 * kind of a row follows from its first value. */
static void nasty(const void *model, const struct dpm_block *block, float *const *left, float *const *right)
{
    static const float scales[] = {1, 0x1p50f, 0x1p-120f, 1e-4f, 3, 1e4f, 1, 1};
    (void)model;
    for (size_t i = 0; i < block->n_rows; i++) {
        const float *row = block->rows + i * COLUMNS;
        int kind = (int)(row[0] * 7.99f);
        for (int m = 0; m < 2; m++)
            for (size_t k = 0; k < 2; k++)
                for (size_t j = 0; j < COLUMNS; j++) {
                    size_t at = (i * 2 + k) * COLUMNS + j;
                    left[m][at] = scales[kind] * (kind % 2 && k ? -row[j] * (1 + 1e-6f) : row[j] - 0.3f);
                    right[m][at] = kind % 2 ? row[(j + 1) % COLUMNS] : row[j] + 0.1f * (float)(k + (size_t)m);
                    if (kind == 6 && j == 3)
                        right[m][at] = k ? NAN : INFINITY;
                    if (kind == 7)
                        left[m][at] = right[m][at] = j == (size_t)m + k ? 1.0f : 0.0f;
                }
    }
}

static int64_t *kept; /* sums of the run that was observed last */
static size_t n_kept;
static double kept_grid, kept_sensitivity;

static void keep(void *user, const struct dpm_observation *observation, int64_t *sums)
{
    (void)user;
    dpm_free(kept);
    n_kept = observation->n;
    kept = dpm_alloc(n_kept, sizeof *kept);
    memcpy(kept, sums, n_kept * sizeof *kept);
    kept_grid = observation->grid;
    kept_sensitivity = observation->sensitivity;
}

static const struct dpm_test_mode keeping = {.key = "a fixed key for the tests, no 5", .observe = keep};

static int64_t *sums_of(size_t n_rows, struct dpm_query_plan plan)
{
    static double sums[PARTS * 2 * COLUMNS * COLUMNS];
    struct dpmix_dataset *dataset = dataset_of(n_rows);
    struct dpmix_accountant *accountant = budget_of(1e6);
    struct dpm_release *release = NULL;
    dpm_dataset_set_test(dataset, &keeping);
    ck_assert_int_eq(dpm_release_open(&release, accountant, dataset, "test", &plan, 1, &partition, 1), 0);
    ck_assert_int_eq(dpm_release_query(release, 0, nasty, NULL, sums), 0);
    dpm_release_close(release);
    dpm_dataset_unref(dataset);
    dpm_accountant_unref(accountant);
    int64_t *result = kept;
    kept = NULL;
    return result;
}

START_TEST(one_row_moves_the_sums_by_the_declared_sensitivity_at_most)
{
    struct dpm_query_plan plan = {
        .n_matrices = 2,
        .matrix = {{COLUMNS, COLUMNS, 2}, {COLUMNS, COLUMNS, 2}},
        .per_part = _i % 2,
        .clip_norm = 0.7,
        .cancellation = 4,
        .sampling_rate = 1,
        .steps = 1,
        .noise_multiplier = 1,
    };
    double largest = 0;
    size_t block = dpm_query_block_rows(&plan);
    /* Sizes around those where blocks split, with many different last rows. */
    for (size_t n = 1; n < MOST_ROWS; n += n < 3 * block ? 1 + block / 23 : 97) {
        int64_t *with = sums_of(n, plan), *without = sums_of(n - 1, plan);
        double squares = 0;
        for (size_t i = 0; i < n_kept; i++)
            squares += pow((double)(with[i] - without[i]) * kept_grid, 2);
        ck_assert_double_le(sqrt(squares), kept_sensitivity);
        largest = fmax(largest, sqrt(squares));
        dpm_free(with);
        dpm_free(without);
    }
    ck_assert_double_gt(largest, 0.99 * 0.7); /* the rows do reach the clip norm */
    ck_assert_double_lt(kept_sensitivity, 0.7 * 1.01);
}
END_TEST

START_TEST(neighbours_differ_by_a_row_and_not_by_its_company)
{
    /* The other rows' blocks are the same bit for bit: with a last row that contributes nothing, so are the
     * sums. */
    struct dpm_query_plan plan = moment_plan(4, 1);
    static double with[COLUMNS * COLUMNS], without[COLUMNS * COLUMNS];
    float saved[COLUMNS];
    size_t n = 217; /* one block */
    memcpy(saved, rows + (n - 1) * COLUMNS, sizeof saved);
    for (size_t j = 0; j < COLUMNS; j++)
        rows[(n - 1) * COLUMNS + j] = -1; /* normalised: zero */
    run_once(with, n, &noiseless, plan, 1);
    run_once(without, n - 1, &noiseless, plan, 1);
    memcpy(rows + (n - 1) * COLUMNS, saved, sizeof saved);
    double squares = 0;
    for (size_t i = 0; i < COLUMNS * COLUMNS; i++)
        squares += pow(with[i] - without[i], 2);
    ck_assert_double_le(sqrt(squares), dpm_query_sensitivity(&plan) - 4); /* the slack alone */
}
END_TEST

/* A contribution that shows a row's lent normals: row x normals. */
static void show_normals(const void *model, const struct dpm_block *block, float *const *left,
                         float *const *right)
{
    (void)model;
    for (size_t i = 0; i < block->n_rows; i++) {
        left[0][i] = block->rows[i * COLUMNS] > 0.999f;
        memcpy(right[0] + i * 2, block->normals + i * 2, 2 * sizeof(float));
    }
}

START_TEST(normals_follow_the_row_and_not_its_block)
{
    struct dpm_query_plan plan = {
        .n_matrices = 1,
        .matrix = {{1, 2, 1}},
        .clip_norm = 64,
        .cancellation = 1,
        .sampling_rate = 1,
        .steps = 2,
        .noise_multiplier = 1,
        .normals = 2,
    };
    static double seen[2][2][2]; /* by data set, step, number */
    float saved = rows[0];
    rows[0] = 1; /* the only row that shows */
    for (size_t i = 1; i < MOST_ROWS; i++)
        rows[i * COLUMNS] = fminf(rows[i * COLUMNS], 0.9f);
    for (int run = 0; run < 2; run++) {
        struct dpmix_dataset *dataset = dataset_of(run ? MOST_ROWS : 1); /* alone, and in company */
        struct dpmix_accountant *accountant = budget_of(1e6);
        struct dpm_release *release = NULL;
        dpm_dataset_set_test(dataset, &noiseless);
        ck_assert_int_eq(dpm_release_open(&release, accountant, dataset, "test", &plan, 1, NULL, 2), 0);
        for (int step = 0; step < 2; step++)
            ck_assert_int_eq(dpm_release_query(release, 0, show_normals, NULL, seen[run][step]), 0);
        dpm_release_close(release);
        dpm_dataset_unref(dataset);
        dpm_accountant_unref(accountant);
    }
    rows[0] = saved;
    ck_assert_mem_eq(seen[0], seen[1], sizeof seen[0]);
    ck_assert(seen[0][0][0] != seen[0][1][0] && seen[0][0][0] != seen[0][0][1]);
}
END_TEST

/* ---- Mapped rows ---- */

enum { MAPPED = 5 };

/* A dpm_map_fn: some sines of the row; `model` is a factor. */
static void map_sines(const void *model, float *out, const float *rows_in, size_t n, size_t n_columns,
                      float *scratch)
{
    const float *factor = model;
    ck_assert_uint_le(n, DPM_MAP_ROWS);
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < MAPPED; j++) {
            scratch[j] = *factor * rows_in[i * n_columns + j];
            out[i * MAPPED + j] = sinf(scratch[j]);
        }
}

/* The sum of what the map made of the rows, from lent rows or from rows mapped here. */
static void add_lent(const void *model, const struct dpm_block *block, float *const *left,
                     float *const *right)
{
    (void)model;
    ck_assert_uint_eq(block->n_columns, MAPPED);
    for (size_t i = 0; i < block->n_rows; i++)
        right[0][i] = 1;
    memcpy(left[0], block->rows, block->n_rows * MAPPED * sizeof(float));
}

static void add_mapped(const void *model, const struct dpm_block *block, float *const *left,
                       float *const *right)
{
    float scratch[MAPPED];
    ck_assert_uint_eq(block->n_columns, COLUMNS);
    for (size_t i = 0; i < block->n_rows; i++) {
        right[0][i] = 1;
        map_sines(model, left[0] + i * MAPPED, block->rows + i * COLUMNS, 1, COLUMNS, scratch);
    }
}

static void take_sums(void *user, const struct dpm_observation *observation, int64_t *sums)
{
    ck_assert_uint_eq(observation->n, MAPPED);
    memcpy(user, sums, MAPPED * sizeof *sums);
}

static void sum_once(int64_t *sums, const struct dpm_query_plan *plan, dpm_block_fn *add, const void *model,
                     int threads)
{
    struct dpm_release *release = NULL;
    struct dpmix_accountant *accountant = budget_of(100);
    struct dpmix_dataset *dataset = dataset_of(MOST_ROWS);
    const struct dpm_test_mode mode = {
        .key = "a fixed key for the tests, no 3", .observe = take_sums, .user = sums};
    double noisy[MAPPED];
    dpm_dataset_set_test(dataset, &mode);
    ck_assert_int_eq(dpm_release_open(&release, accountant, dataset, "map", plan, 1, NULL, threads), 0);
    ck_assert_int_eq(dpm_release_query(release, 0, add, model, noisy), 0);
    dpm_release_close(release);
    dpm_dataset_unref(dataset);
    dpm_accountant_unref(accountant);
}

/* The cache changes no bit. */
START_TEST(mapped_rows_are_what_the_contribution_would_compute)
{
    const float factor = 3;
    const struct dpm_map map = {MAPPED, map_sines, &factor, MAPPED};
    struct dpm_query_plan plan = {
        .n_matrices = 1,
        .matrix = {{MAPPED, 1, 1}},
        .clip_norm = 1.2,
        .cancellation = 1,
        .sampling_rate = 0.6,
        .steps = 1,
        .noise_multiplier = 3,
    };
    int64_t expected[MAPPED] = {0}, sums[MAPPED] = {0};
    fill_rows(4);
    sum_once(expected, &plan, add_mapped, &factor, 1);
    plan.map = &map;
    sum_once(sums, &plan, add_lent, NULL, 1 + _i);
    ck_assert_mem_eq(sums, expected, sizeof sums);
    ck_assert(sums[0] != 0);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("release");
    fill_rows(2024);
    CHECK_ADD(s, a_refused_debit_reads_nothing);
    CHECK_ADD(s, the_debit_is_there_before_the_rows_are_read);
    CHECK_ADD(s, queries_end_with_the_plan);
    CHECK_ADD(s, sums_are_those_of_the_clipped_rows);
    CHECK_ADD(s, one_hot_sums_are_as_others);
    CHECK_ADD(s, threads_do_not_change_a_bit);
    TCase *parts = tcase_create("parts");
    tcase_add_loop_test(parts, rows_come_with_their_parts, 0, 2);
    suite_add_tcase(s, parts);
    CHECK_ADD(s, noise_has_the_declared_size);
    CHECK_ADD(s, noise_is_the_samplers_for_the_declared_sensitivity);
    CHECK_ADD(s, an_empty_batch_is_zero_plus_noise);
    TCase *sensitivity = tcase_create("sensitivity");
    tcase_set_timeout(sensitivity, 0);
    tcase_add_loop_test(sensitivity, one_row_moves_the_sums_by_the_declared_sensitivity_at_most, 0, 2);
    suite_add_tcase(s, sensitivity);
    CHECK_ADD(s, neighbours_differ_by_a_row_and_not_by_its_company);
    CHECK_ADD(s, normals_follow_the_row_and_not_its_block);
    TCase *mapped = tcase_create("mapped");
    tcase_add_loop_test(mapped, mapped_rows_are_what_the_contribution_would_compute, 0, 3);
    suite_add_tcase(s, mapped);
    return s;
}

CHECK_MAIN(suite)
