/* SPDX-License-Identifier: BSD-3-Clause */
/* Random numbers that do not come up in the life of a program. The library's calls come here first. */
#include "base_alloc.h"
#include "check_main.h"
#include "privacy_noise.h"
#include "privacy_sample.h"

static int constant_words; /* of streams that are filled at once */

void __real_dpm_stream_fill(struct dpm_stream *stream, uint64_t *words, size_t n);
void __wrap_dpm_stream_fill(struct dpm_stream *stream, uint64_t *words, size_t n);
void __wrap_dpm_stream_fill(struct dpm_stream *stream, uint64_t *words, size_t n)
{
    __real_dpm_stream_fill(stream, words, n);
    for (size_t i = 0; constant_words && i < n; i++)
        words[i] = UINT64_C(0x123456789abcdef0);
}

static int open_doubts; /* refinements leave it open, up to the most digits */
static int words_asked[64], n_asked;

int __real_dpm_refine(int64_t *sample, const uint64_t *radius, const uint64_t *angle, int n_words, int sine,
                      double sigma);
int __wrap_dpm_refine(int64_t *sample, const uint64_t *radius, const uint64_t *angle, int n_words, int sine,
                      double sigma);
int __wrap_dpm_refine(int64_t *sample, const uint64_t *radius, const uint64_t *angle, int n_words, int sine,
                      double sigma)
{
    if (!open_doubts)
        return __real_dpm_refine(sample, radius, angle, n_words, sine, sigma);
    ck_assert_int_lt(n_asked, 64);
    words_asked[n_asked++] = n_words;
    return 0;
}

enum { SAME = 100, SAME_BLOCK = 8 };

static void expect_runs(void *context, const struct dpm_sample *sample)
{
    ck_assert_uint_eq(sample->n_blocks, (SAME + SAME_BLOCK - 1) / SAME_BLOCK);
    for (size_t i = 0; i < SAME; i++)
        ck_assert_uint_eq(sample->order[i], i);
    for (size_t i = 0; i < sample->n_blocks; i++) {
        ck_assert_uint_eq(sample->blocks[i].first, i * SAME_BLOCK);
        ck_assert_uint_eq(sample->blocks[i].n, (i + 1) * SAME_BLOCK <= SAME ? SAME_BLOCK : SAME % SAME_BLOCK);
    }
    ++*(int *)context;
}

START_TEST(rows_with_the_same_number_are_cut_by_place)
{
    static const uint8_t key[DPM_KEY_SIZE] = "a fixed key for the tests, no 2";
    struct dpm_sample_query query = {
        .n_rows = SAME, .n_parts = 1, .rate = 1, .block_rows = SAME_BLOCK, .key = key};
    struct dpm_sample sample = {0};
    int taken = 0;
    ck_assert_int_eq(dpm_sample_new(&sample, SAME, 1, DPM_SAMPLE_PORTION), 0);
    constant_words = 1;
    dpm_sample_draw(&sample, &query, expect_runs, &taken);
    constant_words = 0;
    ck_assert_int_eq(taken, 1);
    query.rate = 0x1p-65; /* below the least u */
    dpm_sample_draw(&sample, &query, expect_runs, &taken);
    ck_assert_int_eq(taken, 1);
    dpm_sample_free(&sample);
}
END_TEST

static void expect_none(void *context, const struct dpm_sample *sample)
{
    (void)context, (void)sample;
    ck_abort();
}

/* More than there is room for: counted down to a single number, and left out. */
START_TEST(too_many_rows_with_the_same_number_end)
{
    enum { PORTION = 100, MANY = 3000 };
    static const uint8_t key[DPM_KEY_SIZE] = "a fixed key for the tests, no 2";
    static int32_t parts[MANY];
    for (int per_part = 0; per_part < 2; per_part++) {
        struct dpm_sample_query query = {.n_rows = MANY,
                                         .parts = per_part ? parts : NULL,
                                         .n_parts = 1 + per_part,
                                         .rate = 1,
                                         .block_rows = SAME_BLOCK,
                                         .key = key};
        struct dpm_sample sample = {0};
        ck_assert_int_eq(dpm_sample_new(&sample, MANY, 2, PORTION), 0);
        constant_words = 1;
        dpm_sample_draw(&sample, &query, expect_none, NULL);
        constant_words = 0;
        dpm_sample_free(&sample);
    }
}
END_TEST

/* Digits are asked for till there are no more. */
START_TEST(doubts_that_stay_end)
{
    static const uint8_t key[DPM_KEY_SIZE] = "a fixed key for the tests, no 2";
    int64_t *sums = dpm_alloc(DPM_NOISE_CHUNK, sizeof *sums);
    open_doubts = 1;
    for (uint64_t step = 30; n_asked == 0; step++)
        dpm_noise_add_chunk(sums, DPM_NOISE_CHUNK, 0, key, step, 0x1p40);
    open_doubts = 0;
    ck_assert_int_eq(n_asked % 4, 0);
    for (int i = 0; i < n_asked; i++)
        ck_assert_int_eq(words_asked[i], 2 << i % 4);
    dpm_free(sums);
}
END_TEST

static Suite *suite(void)
{
    Suite *suite = suite_create("rare");
    CHECK_ADD(suite, rows_with_the_same_number_are_cut_by_place);
    CHECK_ADD(suite, too_many_rows_with_the_same_number_end);
    CHECK_ADD(suite, doubts_that_stay_end);
    return suite;
}

CHECK_MAIN(suite)
