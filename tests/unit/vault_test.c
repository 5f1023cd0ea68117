/* SPDX-License-Identifier: BSD-3-Clause */
/* The vault where things are rare: every vector unit, a forked process, no locks and no random bits to be
 * had, and random numbers that do not come up in the life of a test. */
#include "account_ledger.h"
#include "base_alloc.h"
#include "base_fail.h"
#include "base_simd.h"
#include "base_threads.h"
#include "check_main.h"
#include "privacy.h"
#include "privacy_test.h"

#include <dpmix/accountant.h>
#include <dpmix/status.h>

#include <fenv.h>
#include <math.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { COLUMNS = 70, ROWS = 300 }; /* longer than every vector, and a rest */

static float rows[ROWS * COLUMNS];

/* ---- What the program has in the place of the library's ---- */

static int locks_left = -1, keys_left = -1; /* until one is not to be had; -1: no end */

static int is_last(int *left)
{
    if (*left < 0)
        return 0;
    *left -= *left > 0;
    return *left == 0;
}

int __real_dpm_mutex_init(dpm_mutex *mutex);
int __wrap_dpm_mutex_init(dpm_mutex *mutex);
int __wrap_dpm_mutex_init(dpm_mutex *mutex)
{
    return is_last(&locks_left) ? dpm_fail(DPMIX_ERR_INTERNAL, "no lock") : __real_dpm_mutex_init(mutex);
}

int __real_dpm_random_key(uint8_t *key);
int __wrap_dpm_random_key(uint8_t *key);
int __wrap_dpm_random_key(uint8_t *key)
{
    return is_last(&keys_left) ? dpm_fail(DPMIX_ERR_INTERNAL, "no bits") : __real_dpm_random_key(key);
}

/* ---- A release ---- */

static struct dpmix_dataset *new_dataset(void)
{
    const double lower = 0, upper = 1;
    struct dpmix_dataset *dataset = NULL;
    struct dpm_dataset_source source = {DPM_TYPE_F32, rows, ROWS, COLUMNS, NULL, 0, &lower, &upper, 1, NULL};
    uint32_t state = 7;
    for (size_t i = 0; i < ROWS * COLUMNS; i++) {
        state = state * 1664525u + 1013904223u;
        rows[i] = (float)(state >> 8) * 0x1p-24f;
    }
    ck_assert_int_eq(dpm_dataset_new(&dataset, &source), 0);
    return dataset;
}

static struct dpmix_accountant *new_accountant(void)
{
    struct dpmix_accountant *accountant = NULL;
    ck_assert_int_eq(dpm_accountant_new(&accountant, 1e6, 1e-5, DPMIX_ADJACENCY_ADD_REMOVE), 0);
    return accountant;
}

static double spent_of(const struct dpmix_accountant *accountant)
{
    double spent = -1;
    ck_assert_int_eq(dpm_accountant_spent(accountant, &spent), 0);
    return spent;
}

/* The row, in the line that its first value says. With `model` some rows have two lines. */
static void in_a_line(const void *model, const struct dpm_block *block, float *const *left,
                      float *const *right)
{
    const size_t lines = 5;
    memset(left[0], 0, block->n_rows * lines * sizeof(float));
    for (size_t i = 0; i < block->n_rows; i++) {
        const float *row = block->rows + i * COLUMNS;
        int kind = (int)(row[0] * 50);
        memcpy(right[0] + i * COLUMNS, row, COLUMNS * sizeof *row);
        if (kind == 0)
            continue; /* in no line */
        left[0][i * lines + (size_t)(row[1] * 4.99f)] = kind == 1 ? 1e-3f : 1;
        if (kind == 2)
            right[0][i * COLUMNS + 2] = NAN; /* clipping takes it */
        if (model && kind == 3)
            left[0][i * lines] = left[0][i * lines + 1] = 0.5f;
    }
}

/* Two pairs a row, of all sizes. */
static void in_pairs(const void *model, const struct dpm_block *block, float *const *left,
                     float *const *right)
{
    static const float scales[] = {1, 0x1p59f, 0x1p60f, 0x1p61f, 1e-20f, 3};
    (void)model;
    for (size_t i = 0; i < block->n_rows; i++) {
        const float *row = block->rows + i * COLUMNS;
        float scale = scales[(size_t)(row[0] * 5.99f)];
        for (size_t j = 0; j < COLUMNS; j++)
            for (size_t k = 0; k < 2; k++) {
                left[0][(2 * i + k) * COLUMNS + j] = k ? row[j] - 0.5f : row[j];
                right[0][(2 * i + k) * COLUMNS + j] = scale * row[COLUMNS - 1 - j];
            }
    }
}

static void lent_normals(const void *model, const struct dpm_block *block, float *const *left,
                         float *const *right)
{
    (void)model;
    for (size_t i = 0; i < block->n_rows; i++)
        left[0][i] = 1;
    memcpy(right[0], block->normals, block->n_rows * 3 * sizeof(float));
}

enum { WIDE = 400 };

static void wide(const void *model, const struct dpm_block *block, float *const *left, float *const *right)
{
    (void)model;
    memset(left[0], 0, block->n_rows * WIDE * sizeof(float));
    for (size_t i = 0; i < block->n_rows; i++) {
        left[0][i * WIDE + (size_t)(block->rows[i * COLUMNS] * (WIDE - 1))] = 1;
        for (size_t j = 0; j < WIDE; j++)
            right[0][i * WIDE + j] = block->rows[i * COLUMNS + j % COLUMNS];
    }
}

/* Counts: some rows count in two places, which is as none. */
static void counts(const void *model, const struct dpm_block *block, float *const *left, float *const *right)
{
    (void)model;
    memset(right[0], 0, block->n_rows * COLUMNS * sizeof(float));
    for (size_t i = 0; i < block->n_rows; i++) {
        const float *row = block->rows + i * COLUMNS;
        left[0][i] = 1;
        right[0][i * COLUMNS + (size_t)(row[0] * (COLUMNS - 1))] = 1;
        right[0][i * COLUMNS + (size_t)(row[row[1] < 0.1f] * (COLUMNS - 1))] = 1;
    }
}

enum { LINES, MIXED, PAIRS, NORMALS, LARGE, COUNTS, PLANS };

/* Of queries of all rows. */
#define ONE_MATRIX(n_steps, rows, columns, rank)                                                             \
    .n_matrices = 1, .matrix = {{rows, columns, rank}}, .sampling_rate = 1, .steps = n_steps

static const struct dpm_query_plan plans[PLANS] = {
    {ONE_MATRIX(1, 5, COLUMNS, 1), .clip_norm = 4, .cancellation = 1, .noise_multiplier = 1,
     .norm_indicator = 0.5},
    {ONE_MATRIX(1, 5, COLUMNS, 1), .clip_norm = 4, .cancellation = 1, .noise_multiplier = 1},
    {ONE_MATRIX(1, COLUMNS, COLUMNS, 2), .clip_norm = 1, .cancellation = 4, .noise_multiplier = 1},
    {ONE_MATRIX(1, 1, 3, 1), .clip_norm = 3, .cancellation = 1, .noise_multiplier = 1, .normals = 3},
    {ONE_MATRIX(1, WIDE, WIDE, 1), .clip_norm = 9, .cancellation = 1, .noise_multiplier = 1},
    {ONE_MATRIX(1, 1, COLUMNS, 1), .noise = DPM_NOISE_GEOMETRIC, .clip_norm = 1, .cancellation = 1,
     .noise_multiplier = 2},
};

static dpm_block_fn *const contributions[PLANS] = {in_a_line,    in_a_line, in_pairs,
                                                   lent_normals, wide,      counts};

static void run_all(double *sums[PLANS])
{
    static const struct dpm_test_mode mode = {.key = "a fixed key for the tests, no 1"};
    struct dpmix_dataset *dataset = new_dataset();
    struct dpmix_accountant *accountant = new_accountant();
    struct dpm_release *release = NULL;
    dpm_dataset_set_test(dataset, &mode);
    ck_assert_int_eq(dpm_release_open(&release, accountant, dataset, "all", plans, PLANS, NULL, 1), 0);
    for (size_t i = 0; i < PLANS; i++) {
        sums[i] = dpm_alloc(dpm_query_size(&plans[i]), sizeof **sums);
        ck_assert_int_eq(
            dpm_release_query(release, i, contributions[i], i == MIXED ? release : NULL, sums[i]), 0);
    }
    dpm_release_close(release);
    dpm_dataset_unref(dataset);
    dpm_accountant_unref(accountant);
}

START_TEST(every_vector_unit_gives_the_same_bits)
{
    double *expected[PLANS], *sums[PLANS];
    dpm_simd_limit(DPM_SIMD_PLAIN);
    run_all(expected);
    dpm_simd_limit(_i);
    run_all(sums);
    for (size_t i = 0; i < PLANS; i++) {
        size_t n = dpm_query_size(&plans[i]), different = 0;
        ck_assert_mem_eq(sums[i], expected[i], n * sizeof **sums);
        for (size_t j = 1; j < n; j++)
            different += sums[i][j] != sums[i][0];
        ck_assert_uint_gt(different, n / 2);
        dpm_free(expected[i]);
        dpm_free(sums[i]);
    }
    dpm_simd_limit(DPM_SIMD_AVX512);
}
END_TEST

/* A clip norm for which the width of the grid, rounded downwards, falls on the next power of two. */
START_TEST(rounding_of_the_caller_changes_no_bit)
{
    static const int roundings[] = {FE_TONEAREST, FE_DOWNWARD, FE_UPWARD, FE_TOWARDZERO};
    static const struct dpm_test_mode mode = {.key = "a fixed key for the tests, no 2"};
    struct dpm_query_plan plan = plans[NORMALS];
    double expected[3], sums[3];
    plan.clip_norm = 0x1.4c8dc2e42397fp+1;
    for (size_t i = 0; i < sizeof roundings / sizeof *roundings; i++) {
        struct dpmix_dataset *dataset = new_dataset();
        struct dpmix_accountant *accountant = new_accountant();
        struct dpm_release *release = NULL;
        dpm_dataset_set_test(dataset, &mode);
        fesetround(roundings[i]);
        int status = dpm_release_open(&release, accountant, dataset, "rounded", &plan, 1, NULL, _i);
        status = status ? status : dpm_release_query(release, 0, lent_normals, NULL, sums);
        int rounding = fegetround();
        fesetround(FE_TONEAREST);
        ck_assert_int_eq(status, 0);
        ck_assert_int_eq(rounding, roundings[i]);
        if (i == 0)
            memcpy(expected, sums, sizeof sums);
        ck_assert_mem_eq(sums, expected, sizeof sums);
        dpm_release_close(release);
        dpm_dataset_unref(dataset);
        dpm_accountant_unref(accountant);
    }
}
END_TEST

/* ---- Refusals ---- */

static int is_state(int status, const char *word)
{
    return status == DPMIX_ERR_STATE && strstr(dpm_fail_message(), word) != NULL;
}

static int ignore(void *user, int phase, uint64_t done, uint64_t total, double epsilon)
{
    (void)user, (void)phase, (void)done, (void)total, (void)epsilon;
    return 0;
}

START_TEST(a_forked_process_gets_nothing)
{
    struct dpmix_dataset *dataset = new_dataset();
    struct dpmix_accountant *accountant = new_accountant();
    struct dpm_release *release = NULL, *other = NULL;
    ck_assert_int_eq(dpm_release_open(&release, accountant, dataset, "parent", plans, PLANS, NULL, 1), 0);
    double sums[3] = {7, 7, 7}, before = spent_of(accountant);
    pid_t child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) {
        const struct dpm_fit fit = {.accountant = accountant, .progress = ignore};
        int refused = is_state(dpm_release_query(release, NORMALS, lent_normals, NULL, sums), "dataset: ") &&
                      sums[0] == 7;
        refused &= is_state(dpm_release_open(&other, accountant, dataset, "child", plans, PLANS, NULL, 1),
                            "dataset: ");
        refused &= is_state(dpm_fit_progress(&fit, 1, 0, 1), "accountant: ");
        refused &= is_state(dpm_accountant_spent(accountant, sums), "accountant: ") && sums[0] == 7;
        dpm_release_close(release);
        dpm_dataset_unref(dataset);
        dpm_accountant_unref(accountant);
        _exit(refused ? 0 : 1);
    }
    int end;
    ck_assert_int_eq(waitpid(child, &end, 0), child);
    ck_assert_int_eq(end, 0);
    ck_assert(spent_of(accountant) == before);
    dpm_release_close(release);
    dpm_dataset_unref(dataset);
    dpm_accountant_unref(accountant);
}
END_TEST

/* Not of the account of the library's memory, but of the system: nothing is debited, nothing is lost. */
START_TEST(without_locks_nothing_is_opened)
{
    struct dpmix_dataset *dataset = new_dataset(), *no_dataset = NULL;
    struct dpmix_accountant *accountant = new_accountant(), *no_accountant = NULL;
    struct dpm_release *release = NULL;
    const double lower = 0, upper = 1;
    struct dpm_dataset_source source = {DPM_TYPE_F32, rows, 1, 1, NULL, 0, &lower, &upper, 1, NULL};
    int64_t live = dpm_alloc_live();
    locks_left = 1;
    ck_assert_int_eq(dpm_dataset_new(&no_dataset, &source), DPMIX_ERR_INTERNAL);
    locks_left = 1;
    ck_assert_int_eq(dpm_accountant_new(&no_accountant, 1, 1e-5, 1), DPMIX_ERR_INTERNAL);
    for (int nth = 1; nth <= 2; nth++) { /* of those of the sums: two plans have two matrices */
        struct dpm_query_plan two = plans[PAIRS];
        two.matrix[two.n_matrices++] = two.matrix[0];
        locks_left = nth;
        ck_assert_int_eq(dpm_release_open(&release, accountant, dataset, "lock", &two, 1, NULL, 1),
                         DPMIX_ERR_INTERNAL);
    }
    locks_left = -1;
    ck_assert(!no_dataset && !no_accountant && !release);
    ck_assert(spent_of(accountant) == 0);
    ck_assert_int_eq(dpm_alloc_live(), live);
    dpm_dataset_unref(dataset);
    dpm_accountant_unref(accountant);
}
END_TEST

START_TEST(without_random_bits_nothing_is_debited)
{
    struct dpmix_dataset *dataset = new_dataset();
    struct dpmix_accountant *accountant = new_accountant();
    struct dpm_release *release = NULL;
    struct dpm_resumable resumable;
    keys_left = 1;
    ck_assert_int_eq(dpm_resumable_new(&resumable, 1), DPMIX_ERR_INTERNAL);
    keys_left = -1;
    ck_assert_int_eq(dpm_resumable_new(&resumable, 1), 0);
    for (int nth = 1; nth <= 2; nth++) { /* the release's key, and the token of its lease */
        keys_left = nth;
        ck_assert_int_eq(dpm_release_open_resumable(&release, accountant, dataset, "bits", plans, PLANS, NULL,
                                                    1, &resumable),
                         DPMIX_ERR_INTERNAL);
    }
    keys_left = -1;
    ck_assert_ptr_null(release);
    ck_assert(spent_of(accountant) == 0);
    dpm_dataset_unref(dataset);
    dpm_accountant_unref(accountant);
}
END_TEST

static const struct dpm_query_plan stepwise[] = {
    {ONE_MATRIX(2, 1, 3, 1), .clip_norm = 3, .cancellation = 1, .noise_multiplier = 1, .normals = 3},
    {ONE_MATRIX(3, 1, 3, 1), .clip_norm = 3, .cancellation = 1, .noise_multiplier = 1, .normals = 3},
};

/* A run whose queries come in another order than they are numbered in: what counts is the furthest. */
START_TEST(a_lease_covers_queries_in_any_order)
{
    struct dpmix_dataset *dataset = new_dataset();
    struct dpmix_accountant *accountant = new_accountant(), *other = new_accountant();
    struct dpm_release *release = NULL, *none = NULL;
    struct dpm_resumable resumable;
    double sums[3];
    ck_assert_int_eq(dpm_resumable_new(&resumable, 2), 0);
    ck_assert_int_eq(
        dpm_release_open_resumable(&release, accountant, dataset, "run", stepwise, 2, NULL, 1, &resumable),
        0);
    ck_assert_int_eq(dpm_release_query(release, 1, lent_normals, NULL, sums), 0);
    ck_assert_int_eq(dpm_release_query(release, 0, lent_normals, NULL, sums), 0);
    ck_assert_int_eq(dpm_release_confirm(release), 0);
    dpm_release_close(release);
    ck_assert(
        is_state(dpm_release_open_resumable(&none, other, dataset, "run", stepwise, 2, NULL, 1, &resumable),
                 "another accountant"));
    resumable.resumed = 1;
    resumable.done = 6; /* of five */
    double before = spent_of(accountant);
    ck_assert(is_state(
        dpm_release_open_resumable(&none, accountant, dataset, "run", stepwise, 2, NULL, 1, &resumable),
        "steps are done"));
    ck_assert_ptr_null(none);
    ck_assert(spent_of(accountant) == before && spent_of(other) == 0);
    dpm_dataset_unref(dataset);
    dpm_accountant_unref(accountant);
    dpm_accountant_unref(other);
}
END_TEST

START_TEST(a_release_that_cannot_be_resumed_needs_no_lease)
{
    struct dpmix_dataset *dataset = new_dataset();
    struct dpmix_accountant *accountant = new_accountant();
    struct dpm_release *release = NULL;
    ck_assert_int_eq(dpm_release_open(&release, accountant, dataset, "plain", stepwise, 2, NULL, 1), 0);
    ck_assert_int_eq(dpm_release_confirm(release), 0);
    dpm_release_close(release);
    dpm_dataset_unref(dataset);
    dpm_accountant_unref(accountant);
}
END_TEST

START_TEST(a_used_data_set_stays_as_it_is)
{
    static const int32_t groups[COLUMNS] = {0};
    struct dpmix_dataset *dataset = new_dataset();
    struct dpmix_accountant *accountant = new_accountant();
    struct dpm_release *release = NULL;
    ck_assert_int_eq(dpm_dataset_set_images(dataset, 3), DPMIX_ERR_RANGE);
    ck_assert_int_eq(dpm_dataset_set_groups(dataset, groups, COLUMNS), 0);
    ck_assert_int_eq(dpm_release_open(&release, accountant, dataset, "used", stepwise, 2, NULL, 1), 0);
    ck_assert(is_state(dpm_dataset_set_groups(dataset, groups, COLUMNS), "its groups stay"));
    ck_assert(is_state(dpm_dataset_set_images(dataset, 3), "its shape stays"));
    dpm_release_close(release);
    dpm_dataset_unref(dataset);
    dpm_accountant_unref(accountant);
}
END_TEST

START_TEST(sizes_that_overflow_are_refused)
{
    const double lower = 0, upper = 1;
    static const struct {
        size_t rows, columns;
        int type;
    } sizes[] = {
        {SIZE_MAX / 2, 3, DPM_TYPE_U8}, {SIZE_MAX / 4, 2, DPM_TYPE_F64}, {SIZE_MAX / 4, 3, DPM_TYPE_U8}};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        struct dpmix_dataset *dataset = NULL;
        struct dpm_dataset_source source = {
            sizes[i].type, rows, sizes[i].rows, sizes[i].columns, NULL, 0, &lower, &upper, 1, NULL};
        ck_assert_int_eq(dpm_dataset_new(&dataset, &source), DPMIX_ERR_RANGE);
        ck_assert_ptr_nonnull(strstr(dpm_fail_message(), "n_rows: too large"));
        ck_assert_ptr_null(dataset);
    }
}
END_TEST

/* Where there are no rows, there are no labels to be missing. */
START_TEST(no_rows_need_no_labels)
{
    const double lower = 0, upper = 1;
    struct dpmix_dataset *dataset = NULL;
    struct dpm_dataset_source source = {DPM_TYPE_F32, NULL, 0, COLUMNS, NULL, 3, &lower, &upper, 1, NULL};
    ck_assert_int_eq(dpm_dataset_new(&dataset, &source), 0);
    ck_assert_int_eq(dpm_dataset_classes(dataset), 3);
    dpm_dataset_unref(dataset);
}
END_TEST

/* A rank for which the roundings of a single row would fill the slack. */
START_TEST(a_block_has_a_row_at_least)
{
    struct dpm_query_plan plan = plans[PAIRS];
    plan.matrix[0].rank = 4000;
    plan.cancellation = 64;
    ck_assert_uint_eq(dpm_query_block_rows(&plan), 1);
}
END_TEST

static Suite *suite(void)
{
    Suite *suite = suite_create("vault");
    TCase *units = tcase_create("units");
    tcase_set_timeout(units, 0);
    tcase_add_loop_test(units, every_vector_unit_gives_the_same_bits, DPM_SIMD_AVX2, DPM_SIMD_AVX512 + 1);
    tcase_add_loop_test(units, rounding_of_the_caller_changes_no_bit, 1, 4);
    suite_add_tcase(suite, units);
    CHECK_ADD(suite, a_forked_process_gets_nothing);
    CHECK_ADD(suite, without_locks_nothing_is_opened);
    CHECK_ADD(suite, without_random_bits_nothing_is_debited);
    CHECK_ADD(suite, a_lease_covers_queries_in_any_order);
    CHECK_ADD(suite, a_release_that_cannot_be_resumed_needs_no_lease);
    CHECK_ADD(suite, a_used_data_set_stays_as_it_is);
    CHECK_ADD(suite, sizes_that_overflow_are_refused);
    CHECK_ADD(suite, no_rows_need_no_labels);
    CHECK_ADD(suite, a_block_has_a_row_at_least);
    return suite;
}

CHECK_MAIN(suite)
