/* SPDX-License-Identifier: BSD-3-Clause */
/* Queries in words: the same numbers at every level, sums of the clipped rows, the same bits for any number
 * of threads, and the declared sensitivity. */
#include "account_ledger.h"
#include "base_simd.h"
#include "check_main.h"
#include "linalg_words.h"
#include "privacy_clip.h"
#include "privacy_test.h"

#include <dpmix/accountant.h>
#include <dpmix/status.h>

#include <math.h>
#include <string.h>

enum { COLUMNS = 45, PLACES = 3, MOST_ROWS = 1200, LONGEST = 300 };

static uint32_t state = 3;

static uint32_t next(void)
{
    state = state * 1664525u + 1013904223u;
    return state >> 8;
}

static void reset(void)
{
    dpm_simd_limit(DPM_SIMD_AVX512);
}

/* ---- Whole numbers ---- */

START_TEST(words_are_the_same_at_every_level)
{
    static uint8_t row[LONGEST];
    static int16_t origin[LONGEST], words[LONGEST + DPM_WORDS_RUN];
    for (size_t i = 0; i < LONGEST; i++) {
        row[i] = (uint8_t)(i % 3 ? next() : 255 * (i % 2));
        origin[i] = (int16_t)(i % 5 ? next() % (DPM_WORDS_LARGEST + 1) : DPM_WORDS_LARGEST * (i % 2));
    }
    for (size_t n = 1; n <= LONGEST; n++)
        for (int level = DPM_SIMD_PLAIN; level <= DPM_SIMD_AVX512; level++) {
            int64_t square = 0;
            for (size_t i = 0; i < LONGEST + DPM_WORDS_RUN; i++)
                words[i] = 77;
            dpm_simd_limit(level);
            int64_t given = dpm_words_around(words, row, origin, n);
            for (size_t i = 0; i < n; i++) {
                ck_assert_int_eq(words[i], 16 * row[i] - origin[i]);
                square += (int64_t)words[i] * words[i];
            }
            ck_assert_int_eq(given, square);
            for (size_t i = n; i < LONGEST + DPM_WORDS_RUN; i++)
                ck_assert_int_eq(words[i], i < dpm_words_step(n) ? 0 : 77);
        }
}
END_TEST

/* The longest rows with the largest numbers, whose squares pass 32 bits. */
START_TEST(long_rows_do_not_overflow)
{
    static uint8_t row[DPM_WORDS_COLUMNS];
    static int16_t origin[DPM_WORDS_COLUMNS], words[DPM_WORDS_COLUMNS];
    memset(row, 255, sizeof row);
    for (int level = DPM_SIMD_PLAIN; level <= DPM_SIMD_AVX512; level++) {
        dpm_simd_limit(level);
        ck_assert_int_eq(dpm_words_around(words, row, origin, DPM_WORDS_COLUMNS),
                         (int64_t)DPM_WORDS_COLUMNS * DPM_WORDS_LARGEST * DPM_WORDS_LARGEST);
    }
}
END_TEST

/* Sums pass 2^31 on their way and come back. */
START_TEST(products_are_the_same_at_every_level)
{
    enum { STEP = 4 * DPM_WORDS_RUN, LINES = 2 * DPM_WORDS_WIDTH };
    static int16_t a[DPM_WORDS_ROWS * STEP], b[LINES * STEP];
    static int32_t out[LINES * DPM_WORDS_ROWS];
    for (size_t i = 0; i < sizeof a / sizeof *a; i++)
        a[i] = (int16_t)(i % STEP < STEP / 2 ? DPM_WORDS_LARGEST : next() % 100);
    for (size_t j = 0; j < sizeof b / sizeof *b; j++)
        b[j] = (int16_t)(j % STEP < STEP / 4   ? 32767
                         : j % STEP < STEP / 2 ? -32767
                                               : (int)(next() % 99) - 49);
    for (size_t step = DPM_WORDS_RUN; step <= STEP; step += DPM_WORDS_RUN)
        for (size_t m = 1; m <= DPM_WORDS_ROWS; m++)
            for (int level = DPM_SIMD_PLAIN; level <= DPM_SIMD_AVX512; level++) {
                memset(out, 0, sizeof out);
                dpm_simd_limit(level);
                dpm_words_dots(out, a, b, step, m, LINES);
                for (size_t i = 0; i < m; i++)
                    for (size_t j = 0; j < LINES; j++) {
                        int64_t sum = 0;
                        for (size_t l = 0; l < step; l++)
                            sum += (int64_t)a[i * step + l] * b[j * step + l];
                        if (sum == (int32_t)sum)
                            ck_assert_int_eq(out[j * DPM_WORDS_ROWS + i], sum);
                        else
                            ck_assert_uint_lt(step, STEP); /* the whole sums are in range */
                    }
            }
}
END_TEST

/* ---- Clipping ---- */

static struct dpm_query_plan plan_of(size_t columns, double clip)
{
    return (struct dpm_query_plan){
        .n_matrices = 1,
        .matrix = {{PLACES, columns, 1}},
        .clip_norm = clip,
        .cancellation = 1,
        .sampling_rate = 1,
        .steps = 1,
        .noise_multiplier = 1,
        .scratch = 1,
        .in_words = 1,
    };
}

START_TEST(contributions_are_clipped)
{
    static const float factors[] = {1e-3f, -1e-3f, 1, 0x1p60f, 0x1p61f, INFINITY, NAN, 0, 1e-30f};
    static const float lasts[] = {0, 0.1f, 0.5f, 1, 3, -3, NAN, INFINITY};
    static const int64_t squares[] = {0, 1, 1000, INT64_C(1) << 36};
    struct dpm_query_plan plan = plan_of(COLUMNS + 1, 0.5);
    for (size_t i = 0; i < sizeof factors / sizeof *factors; i++)
        for (size_t j = 0; j < sizeof lasts / sizeof *lasts; j++)
            for (size_t k = 0; k < sizeof squares / sizeof *squares; k++) {
                float factor = factors[i], last = lasts[j];
                long double square = (long double)factor * (long double)factor * squares[k] +
                                     (long double)last * (long double)last;
                dpm_clip_words(&plan, &factor, &last, squares[k]);
                if (!(fabsf(factors[i]) <= DPM_CLIP_LARGEST_ENTRY &&
                      fabsf(lasts[j]) <= DPM_CLIP_LARGEST_ENTRY))
                    ck_assert(factor == 0 && last == 0);
                else if (square <= 0.25L)
                    ck_assert(factor == factors[i] && last == lasts[j]);
                else {
                    long double clipped = sqrtl((long double)factor * (long double)factor * squares[k] +
                                                (long double)last * (long double)last);
                    ck_assert(clipped <= 0.5L * (1 + 0x1p-23L) && clipped >= 0.5L * (1 - 0x1p-23L));
                    ck_assert(signbit(factor) == signbit(factors[i]) && signbit(last) == signbit(lasts[j]));
                }
            }
}
END_TEST

/* ---- Sums ---- */

static uint8_t rows[MOST_ROWS * COLUMNS];
static int16_t origin[COLUMNS];

static void fill(void)
{
    for (size_t i = 0; i < MOST_ROWS; i++)
        for (size_t j = 0; j < COLUMNS; j++)
            rows[i * COLUMNS + j] = (uint8_t)(i % 4 == 0 ? 255 * (next() % 2) : next() % 256);
    for (size_t j = 0; j < COLUMNS; j++)
        origin[j] = (int16_t)(next() % (DPM_WORDS_LARGEST + 1));
}

static int32_t place_of(const int16_t *words)
{
    return words[1] < -500 ? 0 : words[1] < 1500 ? 1 : 2;
}

/* Every third row is longer than the clip norm, and some are not finite. */
static float factor_of(const int16_t *words, int64_t square)
{
    if (words[2] % 37 == 0)
        return NAN;
    return (float)((words[0] % 3 == 0 ? 1.5 : 0.7) / sqrt((double)square + 1));
}

/* A dpm_place_fn. */
static void place(const void *model, const struct dpm_words *words, int32_t *places, float *factors)
{
    (void)model;
    ck_assert_uint_le(words->n_rows, DPM_WORDS_ROWS);
    for (size_t i = 0; i < words->n_rows; i++) {
        words->scratch[i] = 1; /* it is there */
        places[i] = place_of(words->rows + i * words->step);
        factors[i] = factor_of(words->rows + i * words->step, words->squares[i]);
    }
}

static const struct dpm_word_query query = {origin, 0.25f, place, NULL};

static struct dpmix_dataset *dataset_of(int type, size_t n_rows, size_t n_columns, double lower, double upper)
{
    struct dpmix_dataset *dataset = NULL;
    struct dpm_dataset_source source = {type, rows, n_rows, n_columns, NULL, 0, &lower, &upper, 1, NULL};
    ck_assert_int_eq(dpm_dataset_new(&dataset, &source), 0);
    return dataset;
}

static void run(double *sums, size_t n_rows, struct dpm_query_plan plan, int threads,
                const struct dpm_test_mode *mode)
{
    struct dpmix_dataset *dataset = dataset_of(DPM_TYPE_U8, n_rows, COLUMNS, 0, 255);
    struct dpmix_accountant *accountant = NULL;
    struct dpm_release *release = NULL;
    ck_assert_int_eq(dpm_accountant_new(&accountant, 1e6, 1e-5, DPMIX_ADJACENCY_ADD_REMOVE), 0);
    dpm_dataset_set_test(dataset, mode);
    ck_assert_int_eq(dpm_release_open(&release, accountant, dataset, "test", &plan, 1, NULL, threads), 0);
    ck_assert_int_eq(dpm_release_query_words(release, 0, &query, sums), 0);
    ck_assert_int_eq(dpm_release_query_words(release, 0, &query, sums), DPMIX_ERR_STATE);
    dpm_release_close(release);
    dpm_dataset_unref(dataset);
    dpm_accountant_unref(accountant);
}

static const struct dpm_test_mode noiseless = {.key = "a fixed key for the tests, no 7", .noiseless = 1};

/* Within what the proof allows for blocks and grid. _i: whether the rows themselves are in the sum. */
START_TEST(sums_are_those_of_the_clipped_rows)
{
    struct dpm_query_plan plan = plan_of(_i ? COLUMNS + 1 : 1, _i ? 1 : 0.2);
    size_t columns = plan.matrix[0].columns;
    double sums[PLACES * (COLUMNS + 1)], exact[PLACES * (COLUMNS + 1)] = {0}, difference = 0;
    run(sums, MOST_ROWS, plan, 2, &noiseless);
    for (size_t i = 0; i < MOST_ROWS; i++) {
        int16_t words[COLUMNS + DPM_WORDS_RUN];
        int64_t square = dpm_words_around(words, rows + i * COLUMNS, origin, COLUMNS);
        double factor = (double)factor_of(words, square), *line = exact + (size_t)place_of(words) * columns;
        double norm = sqrt((_i ? factor * factor * (double)square : 0) + 0.25 * 0.25);
        double scale = fmin(1, plan.clip_norm / norm);
        if (isnan(factor))
            continue;
        for (size_t j = 0; _i && j < COLUMNS; j++)
            line[j] += scale * factor * words[j];
        line[columns - 1] += scale * 0.25;
    }
    for (size_t i = 0; i < PLACES * columns; i++)
        difference += pow(sums[i] - exact[i], 2);
    double slack = dpm_query_sensitivity(&plan) - plan.clip_norm;
    ck_assert_double_le(sqrt(difference), slack);
    ck_assert_double_gt(fabs(exact[columns - 1]), 10); /* there was something to add */
}
END_TEST

START_TEST(threads_do_not_change_a_bit)
{
    struct dpm_query_plan plan = plan_of(COLUMNS + 1, 1);
    double one[PLACES * (COLUMNS + 1)], other[PLACES * (COLUMNS + 1)];
    const struct dpm_test_mode noisy = {.key = "a fixed key for the tests, no 8"};
    run(one, MOST_ROWS, plan, 1, &noisy);
    for (int level = DPM_SIMD_PLAIN; level <= DPM_SIMD_AVX512; level++)
        for (int threads = 2; threads <= 3; threads++) {
            dpm_simd_limit(level);
            run(other, MOST_ROWS, plan, threads, &noisy);
            ck_assert_mem_eq(one, other, sizeof one);
        }
}
END_TEST

START_TEST(one_row_moves_the_sums_by_the_declared_sensitivity_at_most)
{
    struct dpm_query_plan plan = plan_of(COLUMNS + 1, 1);
    double with[PLACES * (COLUMNS + 1)], without[PLACES * (COLUMNS + 1)], largest = 0;
    size_t block = dpm_query_block_rows(&plan);
    run(without, 0, plan, 1, &noiseless);
    for (size_t i = 0; i < PLACES * (COLUMNS + 1); i++)
        ck_assert(without[i] == 0);
    for (size_t n = 1; n<MOST_ROWS; n += n> block - 3 && n < block + 3 ? 1 : 13) {
        double squares = 0;
        run(with, n, plan, 1, &noiseless);
        run(without, n - 1, plan, 1, &noiseless);
        for (size_t i = 0; i < PLACES * (COLUMNS + 1); i++)
            squares += pow(with[i] - without[i], 2);
        ck_assert_double_le(sqrt(squares), dpm_query_sensitivity(&plan));
        largest = fmax(largest, sqrt(squares));
    }
    ck_assert_double_gt(largest, 0.99);
}
END_TEST

START_TEST(words_are_for_bytes_within_their_bounds)
{
    static const struct {
        int type;
        double lower, upper;
        int expected;
    } cases[] = {{DPM_TYPE_U8, 0, 255, 1},
                 {DPM_TYPE_U8, -10, 300, 1},
                 {DPM_TYPE_U8, 0, 254, 0},
                 {DPM_TYPE_U8, 1, 255, 0},
                 {DPM_TYPE_F32, 0, 255, 0}};
    const double lower[2] = {0, 0}, upper[2] = {255, 256};
    struct dpm_dataset_source mixed = {DPM_TYPE_U8, rows, 1, 2, NULL, 0, lower, upper, 2, NULL};
    struct dpmix_dataset *dataset = NULL;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        dataset = dataset_of(cases[i].type, 1, 2, cases[i].lower, cases[i].upper);
        ck_assert_int_eq(dpm_dataset_has_words(dataset), cases[i].expected);
        dpm_dataset_unref(dataset);
    }
    ck_assert_int_eq(dpm_dataset_new(&dataset, &mixed), 0);
    ck_assert_int_eq(dpm_dataset_has_words(dataset), 0);
    dpm_dataset_unref(dataset);
    for (size_t columns = DPM_WORDS_COLUMNS; columns <= DPM_WORDS_COLUMNS + 1; columns++) {
        dataset = dataset_of(DPM_TYPE_U8, 1, columns, 0, 255);
        ck_assert_int_eq(dpm_dataset_has_words(dataset), columns <= DPM_WORDS_COLUMNS);
        dpm_dataset_unref(dataset);
    }
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("words");
    TCase *all = tcase_create("words");
    tcase_set_timeout(all, 0);
    tcase_add_checked_fixture(all, fill, reset);
    tcase_add_test(all, words_are_the_same_at_every_level);
    tcase_add_test(all, long_rows_do_not_overflow);
    tcase_add_test(all, products_are_the_same_at_every_level);
    tcase_add_test(all, contributions_are_clipped);
    tcase_add_loop_test(all, sums_are_those_of_the_clipped_rows, 0, 2);
    tcase_add_test(all, threads_do_not_change_a_bit);
    tcase_add_test(all, one_row_moves_the_sums_by_the_declared_sensitivity_at_most);
    tcase_add_test(all, words_are_for_bytes_within_their_bounds);
    suite_add_tcase(s, all);
    return s;
}

CHECK_MAIN(suite)
