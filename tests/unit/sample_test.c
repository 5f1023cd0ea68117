/* SPDX-License-Identifier: BSD-3-Clause */
/* Selection and blocks: rates, sizes, that one row more changes one block at most, and that portions do not
 * show. */
#include "base_alloc.h"
#include "check_main.h"
#include "privacy.h"
#include "privacy_sample.h"
#include "random_stream.h"

#include <math.h>
#include <string.h>

static const uint8_t test_key[DPM_KEY_SIZE] = "a fixed key for the tests, no 3";

/* What was drawn, all portions one after the other. */
struct drawn {
    size_t n_rows, *order, n_blocks;
    struct dpm_sample_block *blocks;
    size_t n, times; /* rows; times that blocks came */
};

static void take(void *context, const struct dpm_sample *sample)
{
    struct drawn *drawn = context;
    for (size_t i = 0; i < sample->n_blocks; i++) {
        struct dpm_sample_block block = sample->blocks[i];
        if (drawn->n + block.n > drawn->n_rows)
            ck_abort_msg("more rows than there are");
        memcpy(drawn->order + drawn->n, sample->order + block.first, block.n * sizeof *drawn->order);
        block.first = drawn->n;
        drawn->n += block.n;
        drawn->blocks[drawn->n_blocks++] = block;
    }
    drawn->times++;
}

static void draw_portions(struct drawn *drawn, const struct dpm_sample_query *query, size_t portion)
{
    struct dpm_sample sample = {0};
    *drawn = (struct drawn){
        .n_rows = query->n_rows,
        .order = dpm_alloc(query->n_rows, sizeof *drawn->order),
        .blocks = dpm_alloc(query->n_rows, sizeof *drawn->blocks),
    };
    ck_assert_int_eq(dpm_sample_new(&sample, query->n_rows, query->n_parts, portion), 0);
    int64_t bytes = dpm_alloc_watch();
    dpm_sample_draw(&sample, query, take, drawn);
    ck_assert_int_eq(dpm_alloc_peak(), bytes); /* nothing is allocated after the debit */
    dpm_sample_free(&sample);
}

static void draw(struct drawn *drawn, size_t n_rows, const int32_t *parts, int n_parts, double rate,
                 size_t block_rows, uint64_t number)
{
    struct dpm_sample_query query = {n_rows, parts, n_parts, rate, block_rows, test_key, number};
    draw_portions(drawn, &query, DPM_SAMPLE_PORTION);
}

static void free_drawn(struct drawn *drawn)
{
    dpm_free(drawn->order);
    dpm_free(drawn->blocks);
}

START_TEST(every_row_once_in_blocks_of_one_part)
{
    enum { N = 10007, PARTS = 5, BLOCK = 100 };
    int32_t *parts = dpm_alloc(N, sizeof *parts);
    char *seen = dpm_alloc(N, 1);
    struct drawn sample;
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
    free_drawn(&sample);
    dpm_free(parts), dpm_free(seen);
}
END_TEST

START_TEST(rows_are_selected_independently_at_the_rate)
{
    enum { N = 4000, QUERIES = 200 };
    static const double rates[] = {0.001, 0.3, 0.9};
    double rate = rates[_i];
    struct drawn sample;
    double total = 0, squares = 0;
    int *times = dpm_alloc(N, sizeof *times);
    for (uint64_t query = 0; query < QUERIES; query++) {
        draw(&sample, N, NULL, 1, rate, 64, query);
        double n = (double)sample.n;
        total += n;
        squares += pow(n - N * rate, 2);
        for (size_t i = 0; i < (size_t)n; i++)
            times[sample.order[i]]++;
        free_drawn(&sample);
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

static int same_block(const struct drawn *a, size_t i, const struct drawn *b, size_t j)
{
    const struct dpm_sample_block *x = &a->blocks[i], *y = &b->blocks[j];
    return x->n == y->n && x->part == y->part &&
           memcmp(a->order + x->first, b->order + y->first, x->n * sizeof *a->order) == 0;
}

/* Blocks of a that are not blocks of b, and the rows in them. */
static size_t changed_blocks(const struct drawn *a, const struct drawn *b, size_t *rows)
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

/* In one portion and in many. */
START_TEST(one_row_more_changes_one_block_into_two_at_most)
{
    enum { LARGEST = 700, PARTS = 3, BLOCK = 8 };
    static const size_t portions[] = {DPM_SAMPLE_PORTION, BLOCK, 100};
    int32_t parts[LARGEST];
    int splits = 0, unchanged = 0;
    for (int i = 0; i < LARGEST; i++)
        parts[i] = (i * 7 + i / 3) % PARTS;
    for (size_t n = 1; n < LARGEST; n += 1 + n / 40) {
        for (int per_part = 0; per_part < 2; per_part++) {
            struct drawn with, without;
            double rate = n % 3 == 0 ? 0.4 : 1;
            struct dpm_sample_query query = {n, per_part ? parts : NULL, PARTS, rate, BLOCK, test_key, n};
            draw_portions(&with, &query, portions[_i]);
            query.n_rows = n - 1;
            draw_portions(&without, &query, portions[_i]);
            size_t rows_with, rows_without;
            size_t in_with = changed_blocks(&with, &without, &rows_with);
            size_t in_without = changed_blocks(&without, &with, &rows_without);
            ck_assert_uint_le(in_with, 2);
            ck_assert_uint_le(in_without, 1);
            ck_assert_uint_le(rows_without, BLOCK);
            ck_assert_uint_eq(rows_with, in_with == 0 ? 0 : rows_without + 1);
            splits += in_with == 2;
            unchanged += in_with == 0;
            free_drawn(&with);
            free_drawn(&without);
        }
    }
    ck_assert_int_gt(splits, 0); /* both cases did occur */
    ck_assert_int_gt(unchanged, 0);
}
END_TEST

/* ---- Portions ---- */

/* Selection and blocks from their definition: all rows sorted by part and u. owner[row]: the first row of its
 * block. */
struct twin_row {
    uint64_t u;
    size_t row;
    int32_t part;
};

struct twin {
    const struct dpm_sample_query *query;
    size_t *owner;
    size_t selected;
};

static int compare_rows(const void *a, const void *b)
{
    const struct twin_row *x = a, *y = b;
    if (x->part != y->part)
        return x->part < y->part ? -1 : 1;
    return x->u < y->u ? -1 : x->u > y->u;
}

static void twin_interval(struct twin *twin, const struct twin_row *rows, size_t n, uint64_t lowest,
                          uint64_t highest)
{
    if (n > twin->query->block_rows) {
        uint64_t middle = lowest + (highest - lowest) / 2;
        size_t left = 0;
        while (left < n && rows[left].u <= middle)
            left++;
        twin_interval(twin, rows, left, lowest, middle);
        twin_interval(twin, rows + left, n - left, middle + 1, highest);
        return;
    }
    size_t first = SIZE_MAX;
    for (size_t i = 0; i < n; i++)
        first = rows[i].row < first ? rows[i].row : first;
    for (size_t i = 0; i < n; i++)
        twin->owner[rows[i].row] = first;
}

static void twin_draw(struct twin *twin, const struct dpm_sample_query *query)
{
    size_t n = 0, n_rows = query->n_rows;
    uint64_t last_u = query->rate < 1 ? (uint64_t)ldexp(query->rate, 64) - 1 : UINT64_MAX;
    struct twin_row *rows = dpm_alloc(n_rows, sizeof *rows);
    struct dpm_stream stream;
    *twin = (struct twin){query, dpm_alloc(n_rows, sizeof *twin->owner), 0};
    for (size_t row = 0; row < n_rows; row++) {
        if (row % 1024 == 0)
            dpm_stream_open(&stream, query->key, DPM_STREAM_SELECT, query->number, row / 1024);
        rows[n] = (struct twin_row){dpm_stream_next(&stream), row, query->parts ? query->parts[row] : 0};
        n += rows[n].u <= last_u;
        twin->owner[row] = SIZE_MAX;
    }
    qsort(rows, n, sizeof *rows, compare_rows);
    for (size_t first = 0, end; first < n; first = end) {
        for (end = first; end < n && rows[end].part == rows[first].part;)
            end++;
        twin_interval(twin, rows + first, end - first, 0, last_u);
    }
    twin->selected = n;
    dpm_free(rows);
}

/* The same rows in the same blocks, in the same order within each. (An assertion for each row would take most
 * of the time.) */
static void expect_twin(const struct drawn *drawn, const struct twin *twin)
{
    const struct dpm_sample_query *query = twin->query;
    size_t wrong = 0;
    ck_assert_uint_eq(drawn->n, twin->selected);
    for (size_t i = 0; i < drawn->n_blocks; i++) {
        const struct dpm_sample_block *block = &drawn->blocks[i];
        const size_t *rows = drawn->order + block->first;
        wrong += block->n < 1 || block->n > query->block_rows;
        wrong += twin->owner[rows[0]] != rows[0]; /* so no other block begins with it */
        for (size_t j = 0; j < block->n; j++) {
            wrong += twin->owner[rows[j]] != rows[0];
            wrong += j > 0 && rows[j - 1] >= rows[j];
            wrong += block->part != (query->parts ? query->parts[rows[j]] : 0);
        }
    }
    ck_assert_uint_eq(wrong, 0);
}

static const struct variant {
    size_t n_rows, block_rows, portion;
    int n_parts;
    double rate;
} variants[] = {
    {20000, 8, 8, 1, 1}, /* the smallest portions: intervals are counted, and counted again within */
    {20000, 8, 9, 1, 0.7},
    {50000, 1, 300, 1, 0.3}, /* portions of many blocks */
    {50000, 64, 1000, 1, 1},
    {50000, 64, 1000, 7, 1},   /* parts that a portion cannot hold, and one of a few rows */
    {50000, 64, 9000, 7, 0.9}, /* several parts to a portion, others alone */
    {50000, 271, 271, 7, 1},
    {50000, 20, 3000, 2000, 1},  /* many parts, and some without rows */
    {50000, 64, 20000, 1, 0.01}, /* one portion */
    {1300000, 271, 1 << 20, 1, 1},
    {1300000, 271, 1 << 20, 3, 0.9},
    {300000, 10, DPM_SAMPLE_PORTION, 3, 1}, /* more blocks than come at once */
};

/* Parts of all sizes: each has about a third less than the one before it. */
static int32_t *unequal_parts(size_t n_rows, int n_parts)
{
    int32_t *parts = dpm_alloc(n_rows, sizeof *parts);
    uint32_t state = 1;
    for (size_t i = 0; i < n_rows; i++) {
        state = state * 1664525u + 1013904223u;
        int part = 0;
        for (uint32_t left = state >> 8; part < n_parts - 1 && left % 3 != 0; left /= 3)
            part++;
        parts[i] = n_parts > 100 ? (int32_t)((uint32_t)part * 97 + (state >> 20)) % n_parts : part;
    }
    return parts;
}

START_TEST(portions_do_not_show)
{
    const struct variant *variant = &variants[_i];
    int32_t *parts = variant->n_parts > 1 ? unequal_parts(variant->n_rows, variant->n_parts) : NULL;
    for (uint64_t number = 0; number < (variant->n_rows > 100000 ? 1 : 3); number++) {
        struct dpm_sample_query query = {
            variant->n_rows - number, parts,    variant->n_parts, variant->rate,
            variant->block_rows,      test_key, number,
        };
        struct drawn drawn;
        struct twin twin;
        draw_portions(&drawn, &query, variant->portion);
        twin_draw(&twin, &query);
        expect_twin(&drawn, &twin);
        /* Each time takes a pass over the rows. Two that follow each other hold more than a portion, unless
         * the first is the last of a part that a portion cannot hold. */
        size_t needed = twin.selected / variant->portion + 1;
        ck_assert_uint_ge(drawn.times, twin.selected / (variant->portion + 1024));
        if (drawn.n_blocks < 16384 && variant->portion > 8 * variant->block_rows)
            ck_assert_uint_le(drawn.times, 3 * needed);
        free_drawn(&drawn);
        dpm_free(twin.owner);
    }
    dpm_free(parts);
}
END_TEST

START_TEST(memory_has_a_bound)
{
    struct dpm_sample sample = {0};
    static const size_t sizes[] = {0, 1000, 100000, DPM_SAMPLE_PORTION, 2 * DPM_SAMPLE_PORTION, SIZE_MAX};
    int64_t bytes[sizeof sizes / sizeof *sizes];
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        int64_t before = dpm_alloc_watch();
        ck_assert_int_eq(dpm_sample_new(&sample, sizes[i], 1, DPM_SAMPLE_PORTION), 0);
        bytes[i] = dpm_alloc_peak() - before;
        dpm_sample_free(&sample);
        ck_assert_double_eq_tol((double)bytes[i], (double)dpm_release_draw_bytes(sizes[i]), 2000);
    }
    ck_assert_int_eq(bytes[4], bytes[5]);
    ck_assert_int_lt(bytes[5], 68 << 20);
}
END_TEST

START_TEST(no_rows_no_blocks)
{
    struct drawn sample;
    int32_t none = 0;
    draw(&sample, 0, NULL, 1, 1, 10, 0);
    ck_assert_uint_eq(sample.n_blocks, 0);
    free_drawn(&sample);
    draw(&sample, 0, &none, 4, 0.5, 10, 0);
    ck_assert_uint_eq(sample.n_blocks, 0);
    free_drawn(&sample);
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
    TCase *portions = tcase_create("portions");
    tcase_set_timeout(portions, 0);
    tcase_add_loop_test(portions, one_row_more_changes_one_block_into_two_at_most, 0, 3);
    tcase_add_loop_test(portions, portions_do_not_show, 0, sizeof variants / sizeof *variants);
    suite_add_tcase(s, portions);
    CHECK_ADD(s, memory_has_a_bound);
    CHECK_ADD(s, no_rows_no_blocks);
    return s;
}

CHECK_MAIN(suite)
