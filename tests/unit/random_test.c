/* SPDX-License-Identifier: BSD-3-Clause */
/* Streams: the key schedule as documented, distinct addresses, and the distributions built on them. */
#include "base_alloc.h"
#include "check_main.h"
#include "random_stream.h"

#include <math.h>
#include <sodium.h>
#include <string.h>

static const uint8_t test_key[DPM_KEY_SIZE] = "a fixed key for the tests, no 1";

START_TEST(stream_is_xchacha20_of_its_address)
{
    uint8_t nonce[24] = {0}, expected[4096];
    uint32_t purpose = 0x01020304;
    uint64_t step = UINT64_C(0x1112131415161718), block = UINT64_C(0x2122232425262728);
    for (int i = 0; i < 4; i++)
        nonce[i] = (uint8_t)(purpose >> (8 * i));
    for (int i = 0; i < 8; i++) {
        nonce[4 + i] = (uint8_t)(step >> (8 * i));
        nonce[12 + i] = (uint8_t)(block >> (8 * i));
    }
    ck_assert_int_eq(crypto_stream_xchacha20(expected, sizeof expected, nonce, test_key), 0);
    struct dpm_stream stream;
    dpm_stream_open(&stream, test_key, purpose, step, block);
    for (size_t i = 0; i < sizeof expected / 8; i++) {
        uint64_t word = dpm_stream_next(&stream), want;
        memcpy(&want, expected + 8 * i, 8);
        ck_assert_uint_eq(word, want);
    }
}
END_TEST

START_TEST(addresses_give_streams_of_their_own)
{
    static const uint64_t address[][3] = {{1, 0, 0},   {2, 0, 0},          {0, 1, 0},         {0, 0, 1},
                                          {0, 256, 0}, {0, 0, 256},        {1, 1, 0},         {1, 0, 1},
                                          {0, 1, 1},   {3, UINT64_MAX, 0}, {3, 0, UINT64_MAX}};
    enum { N = sizeof address / sizeof *address };
    uint64_t first[N];
    for (int i = 0; i < N; i++) {
        struct dpm_stream stream;
        dpm_stream_open(&stream, test_key, (uint32_t)address[i][0], address[i][1], address[i][2]);
        first[i] = dpm_stream_next(&stream);
        for (int j = 0; j < i; j++)
            ck_assert_uint_ne(first[i], first[j]);
    }
}
END_TEST

START_TEST(keys_are_fresh_and_derived_keys_differ)
{
    uint8_t a[DPM_KEY_SIZE], b[DPM_KEY_SIZE], c[DPM_KEY_SIZE];
    ck_assert_int_eq(dpm_random_key(a), 0);
    ck_assert_int_eq(dpm_random_key(b), 0);
    ck_assert_mem_ne(a, b, DPM_KEY_SIZE);
    dpm_random_derive(a, test_key, 1);
    dpm_random_derive(b, test_key, 2);
    dpm_random_derive(c, test_key, 1);
    ck_assert_mem_ne(a, b, DPM_KEY_SIZE);
    ck_assert_mem_ne(a, test_key, DPM_KEY_SIZE);
    ck_assert_mem_eq(a, c, DPM_KEY_SIZE);
    dpm_random_seed(a, 7);
    dpm_random_seed(b, 8);
    ck_assert_mem_ne(a, b, DPM_KEY_SIZE);
}
END_TEST

START_TEST(a_wiped_stream_holds_nothing)
{
    static const struct dpm_stream nothing;
    struct dpm_stream stream;
    dpm_stream_open(&stream, test_key, 1, 2, 3);
    dpm_stream_next(&stream);
    dpm_stream_wipe(&stream);
    ck_assert_mem_eq(&stream, &nothing, sizeof stream);
}
END_TEST

START_TEST(uniforms_fill_the_open_interval)
{
    enum { N = 200000, BINS = 64 };
    struct dpm_stream stream;
    int bins[BINS] = {0};
    dpm_stream_open(&stream, test_key, 9, 0, 0);
    for (int i = 0; i < N; i++) {
        double u = dpm_stream_uniform(&stream);
        ck_assert(u > 0 && u < 1);
        bins[(int)(u * BINS)]++;
    }
    double chi2 = 0, expected = (double)N / BINS;
    for (int i = 0; i < BINS; i++)
        chi2 += pow(bins[i] - expected, 2) / expected;
    ck_assert_double_lt(chi2, 150); /* 63 degrees of freedom: above it with a probability below 1e-8 */
}
END_TEST

START_TEST(normals_are_normal)
{
    enum { N = 200001, BINS = 32 }; /* an odd number: the last of a pair is left out */
    struct dpm_stream stream;
    float *x = dpm_alloc(N, sizeof *x);
    int bins[BINS] = {0};
    dpm_stream_open(&stream, test_key, 10, 0, 0);
    dpm_stream_normals(&stream, x, N);
    double product = 0;
    for (int i = 0; i < N; i++) {
        double p = 0.5 * erfc(-(double)x[i] / sqrt(2));
        bins[(int)fmin(p * BINS, BINS - 1)]++;
        product += i % 2 ? (double)x[i] * (double)x[i - 1] : 0;
    }
    double chi2 = 0, expected = (double)N / BINS;
    for (int i = 0; i < BINS; i++)
        chi2 += pow(bins[i] - expected, 2) / expected;
    ck_assert_double_lt(chi2, 95);                         /* 31 degrees of freedom */
    ck_assert_double_lt(fabs(product) / sqrt(N / 2.0), 6); /* cosine and sine of a pair are independent */
    dpm_free(x);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("random");
    CHECK_ADD(s, stream_is_xchacha20_of_its_address);
    CHECK_ADD(s, addresses_give_streams_of_their_own);
    CHECK_ADD(s, keys_are_fresh_and_derived_keys_differ);
    CHECK_ADD(s, a_wiped_stream_holds_nothing);
    CHECK_ADD(s, uniforms_fill_the_open_interval);
    CHECK_ADD(s, normals_are_normal);
    return s;
}

CHECK_MAIN(suite)
