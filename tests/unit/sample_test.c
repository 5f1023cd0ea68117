/* SPDX-License-Identifier: BSD-3-Clause */
/* Selection and blocks: rates, sizes, and that one row more changes one block at most. */
#include "base_alloc.h"
#include "check_main.h"
#include "privacy_sample.h"

#include <math.h>
#include <string.h>

static const uint8_t test_key[DPM_KEY_SIZE] = "a fixed key for the tests, no 3";

static void draw(struct dpm_sample *sample, size_t n_rows, const int32_t *parts, int n_parts, double rate,
                 size_t block_rows, uint64_t query)
{
    *sample = (struct dpm_sample){0};
    ck_assert_int_eq(dpm_sample_new(sample, n_rows, n_parts), 0);
    dpm_sample_draw(sample, n_rows, parts, n_parts, rate, block_rows, test_key, query);
}

static size_t selected(const struct dpm_sample *sample)
{
    size_t n = 0;
    for (size_t i = 0; i < sample->n_blocks; i++)
        n += sample->blocks[i].n;
    return n;
}

START_TEST(every_row_once_in_blocks_of_one_part)
{
    enum { N = 10007, PARTS = 5, BLOCK = 100 };
    int32_t *parts = dpm_alloc(N, sizeof *parts);
    char *seen = dpm_alloc(N, 1);
    struct dpm_sample sample;
    for (int i = 0; i < N; i++)
        parts[i] = (i * i) % PARTS; /* some parts are empty */
    draw(&sample, N, parts, PARTS, 1, BLOCK, 0);
    size_t next = 0;
    for (size_t i = 0; i < sample.n_blocks; i++) {
        const struct dpm_sample_block *block = &sample.blocks[i];
        ck_assert_uint_eq(block->first, next);
        ck_assert_uint_ge(block->n, 1);
        ck_assert_uint_le(block->n, BLOCK);
        for (size_t j = block->first; j < block->first + block->n; j++) {
            ck_assert_int_eq(parts[sample.order[j]], block->part);
            ck_assert_int_eq(seen[sample.order[j]]++, 0);
        }
        next += block->n;
    }
    ck_assert_uint_eq(next, N);
    dpm_sample_free(&sample);
    dpm_free(parts), dpm_free(seen);
}
END_TEST

START_TEST(rows_are_selected_independently_at_the_rate)
{
    enum { N = 4000, QUERIES = 200 };
    static const double rates[] = {0.001, 0.3, 0.9};
    double rate = rates[_i];
    struct dpm_sample sample;
    double total = 0, squares = 0;
    int *times = dpm_alloc(N, sizeof *times);
    for (uint64_t query = 0; query < QUERIES; query++) {
        draw(&sample, N, NULL, 1, rate, 64, query);
        double n = (double)selected(&sample);
        total += n;
        squares += pow(n - N * rate, 2);
        for (size_t i = 0; i < (size_t)n; i++)
            times[sample.order[i]]++;
        dpm_sample_free(&sample);
    }
    double deviation = sqrt(N * rate * (1 - rate));
    ck_assert_double_lt(fabs(total - QUERIES * N * rate), 6 * deviation * sqrt(QUERIES));
    /* The batch size varies like a binomial, not less, as it would in shuffled batches. */
    ck_assert_double_gt(squares / QUERIES, 0.5 * deviation * deviation);
    ck_assert_double_lt(squares / QUERIES, 1.7 * deviation * deviation);
    double most = QUERIES * rate + 7 * sqrt(QUERIES * rate) + 7;
    for (size_t i = 0; i < N; i++)
        ck_assert_double_le(times[i], most);
    dpm_free(times);
}
END_TEST

static int same_block(const struct dpm_sample *a, size_t i, const struct dpm_sample *b, size_t j)
{
    const struct dpm_sample_block *x = &a->blocks[i], *y = &b->blocks[j];
    return x->n == y->n && x->part == y->part &&
           memcmp(a->order + x->first, b->order + y->first, x->n * sizeof *a->order) == 0;
}

/* Blocks of a that are not blocks of b, and the rows in them. */
static size_t changed_blocks(const struct dpm_sample *a, const struct dpm_sample *b, size_t *rows)
{
    size_t changed = 0;
    *rows = 0;
    for (size_t i = 0; i < a->n_blocks; i++) {
        int found = 0;
        for (size_t j = 0; j < b->n_blocks; j++)
            found |= same_block(a, i, b, j);
        changed += !found;
        *rows += found ? 0 : a->blocks[i].n;
    }
    return changed;
}

START_TEST(one_row_more_changes_one_block_into_two_at_most)
{
    enum { LARGEST = 700, PARTS = 3, BLOCK = 8 };
    int32_t parts[LARGEST];
    int splits = 0, unchanged = 0;
    for (int i = 0; i < LARGEST; i++)
        parts[i] = (i * 7 + i / 3) % PARTS;
    for (size_t n = 1; n < LARGEST; n += 1 + n / 40) {
        for (int per_part = 0; per_part < 2; per_part++) {
            struct dpm_sample with, without;
            double rate = n % 3 == 0 ? 0.4 : 1;
            draw(&with, n, per_part ? parts : NULL, PARTS, rate, BLOCK, n);
            draw(&without, n - 1, per_part ? parts : NULL, PARTS, rate, BLOCK, n);
            size_t rows_with, rows_without;
            size_t in_with = changed_blocks(&with, &without, &rows_with);
            size_t in_without = changed_blocks(&without, &with, &rows_without);
            ck_assert_uint_le(in_with, 2);
            ck_assert_uint_le(in_without, 1);
            ck_assert_uint_le(rows_without, BLOCK);
            ck_assert_uint_eq(rows_with, in_with == 0 ? 0 : rows_without + 1);
            splits += in_with == 2;
            unchanged += in_with == 0;
            dpm_sample_free(&with);
            dpm_sample_free(&without);
        }
    }
    ck_assert_int_gt(splits, 0); /* both cases did occur */
    ck_assert_int_gt(unchanged, 0);
}
END_TEST

START_TEST(no_rows_no_blocks)
{
    struct dpm_sample sample;
    int32_t none = 0;
    draw(&sample, 0, NULL, 1, 1, 10, 0);
    ck_assert_uint_eq(sample.n_blocks, 0);
    dpm_sample_free(&sample);
    draw(&sample, 0, &none, 4, 0.5, 10, 0);
    ck_assert_uint_eq(sample.n_blocks, 0);
    dpm_sample_free(&sample);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("sample");
    CHECK_ADD(s, every_row_once_in_blocks_of_one_part);
    TCase *rates = tcase_create("rates");
    tcase_set_timeout(rates, 0);
    tcase_add_loop_test(rates, rows_are_selected_independently_at_the_rate, 0, 3);
    suite_add_tcase(s, rates);
    CHECK_ADD(s, one_row_more_changes_one_block_into_two_at_most);
    CHECK_ADD(s, no_rows_no_blocks);
    return s;
}

CHECK_MAIN(suite)
