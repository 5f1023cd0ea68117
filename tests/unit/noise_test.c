/* SPDX-License-Identifier: BSD-3-Clause */
/* The rounded Gaussian: exact bin probabilities, the same normal variable at every scale, addressing. */
#include "base_alloc.h"
#include "check_main.h"
#include "privacy_noise.h"

#include <math.h>
#include <string.h>

static const uint8_t test_key[DPM_KEY_SIZE] = "a fixed key for the tests, no 2";

static double normal_tail(double x) /* P(N > x) */
{
    return 0.5 * erfc(x / sqrt(2));
}

/* Probability that round(sigma N) = i, without cancellation in the tails. */
static double bin_probability(int64_t i, double sigma)
{
    double low = ((double)llabs(i) - 0.5) / sigma, high = ((double)llabs(i) + 0.5) / sigma;
    return normal_tail(low) - normal_tail(high);
}

static const double small_sigmas[] = {0.3, 0.7, 1, 2.5, 17.3};

START_TEST(bins_have_the_exact_probabilities)
{
    enum { N = 300000, REACH = 120 };
    double sigma = small_sigmas[_i];
    int64_t counts[2 * REACH + 1] = {0}, n_bins = 0;
    struct dpm_stream stream;
    dpm_stream_open(&stream, test_key, DPM_STREAM_NOISE, 0, (uint64_t)_i);
    for (int i = 0; i < N; i++) {
        int64_t x = dpm_noise_rounded_gaussian(&stream, sigma);
        ck_assert_int_le(llabs(x), REACH);
        counts[x + REACH]++;
    }
    double chi2 = 0, rest_expected = 0, rest = 0;
    for (int64_t i = -REACH; i <= REACH; i++) {
        double expected = N * bin_probability(i, sigma);
        if (expected < 10) {
            rest_expected += expected;
            rest += (double)counts[i + REACH];
            continue;
        }
        chi2 += pow((double)counts[i + REACH] - expected, 2) / expected;
        n_bins++;
    }
    /* Mean n_bins - 1 and variance twice that: 7 standard deviations, and 10 more for the skewness at few bins. */
    ck_assert_double_lt(chi2, (double)n_bins + 7 * sqrt(2 * (double)n_bins) + 10);
    ck_assert_double_lt(fabs(rest - rest_expected), 7 * sqrt(rest_expected) + 7);
}
END_TEST

START_TEST(large_sigma_has_normal_quantiles_and_tails)
{
    enum { N = 200000, BINS = 64 };
    static const double sigmas[] = {0x1p20, 0x1p30 * 1.7, 0x1p40};
    double sigma = sigmas[_i];
    int bins[BINS] = {0}, beyond_4 = 0;
    struct dpm_stream stream;
    dpm_stream_open(&stream, test_key, DPM_STREAM_NOISE, 1, (uint64_t)_i);
    for (int i = 0; i < N; i++) {
        double x = (double)dpm_noise_rounded_gaussian(&stream, sigma) / sigma;
        bins[(int)fmin((1 - normal_tail(x)) * BINS, BINS - 1)]++;
        beyond_4 += fabs(x) > 4;
    }
    double chi2 = 0, expected = (double)N / BINS;
    for (int i = 0; i < BINS; i++)
        chi2 += pow(bins[i] - expected, 2) / expected;
    ck_assert_double_lt(chi2, 150);
    ck_assert_int_ge(beyond_4, 1); /* 12.7 expected */
    ck_assert_int_le(beyond_4, 40);
}
END_TEST

START_TEST(one_stream_gives_one_normal_at_every_scale)
{
    static const double sigmas[] = {0x1p-30, 0.01, 0.4, 1, 3.7, 1000.3, 0x1p20, 0x1.fffffffffffffp31};
    for (uint64_t block = 0; block < 20000; block++) {
        struct dpm_stream stream;
        dpm_stream_open(&stream, test_key, DPM_STREAM_NOISE, 2, block);
        double fine = (double)dpm_noise_rounded_gaussian(&stream, 0x1p40) * 0x1p-40;
        for (size_t i = 0; i < sizeof sigmas / sizeof *sigmas; i++) {
            dpm_stream_open(&stream, test_key, DPM_STREAM_NOISE, 2, block);
            double x = (double)dpm_noise_rounded_gaussian(&stream, sigmas[i]);
            double slack = sigmas[i] * 0x1p-41 + fabs(x) * 0x1p-50;
            ck_assert_double_le(fabs(sigmas[i] * fine - x), 0.5 + slack);
        }
    }
}
END_TEST

START_TEST(numbers_have_their_own_bits_whatever_the_cut)
{
    enum { N = 5 * DPM_NOISE_CHUNK + 17, CHUNKS = 6 };
    int64_t *a = dpm_alloc(N, sizeof *a), *b = dpm_alloc(N, sizeof *b), *c = dpm_alloc(N, sizeof *c);
    for (size_t chunk = 0; chunk < CHUNKS; chunk++)
        dpm_noise_add_chunk(a, N, chunk, test_key, 5, 1e9);
    for (size_t chunk = CHUNKS; chunk-- > 0;)
        dpm_noise_add_chunk(b, N, chunk, test_key, 5, 1e9);
    ck_assert_mem_eq(a, b, N * sizeof *a);
    for (size_t chunk = 0; chunk < CHUNKS; chunk++)
        dpm_noise_add_chunk(c, N, chunk, test_key, 6, 1e9);
    int equal = 0;
    for (size_t i = 0; i < N; i++)
        equal += a[i] == c[i];
    ck_assert_int_eq(equal, 0); /* another step, other noise */
    ck_assert_int_ne(a[N - 1], 0); /* the last, partial chunk too */
    dpm_free(a), dpm_free(b), dpm_free(c);
}
END_TEST

START_TEST(sums_wrap_instead_of_overflowing)
{
    int64_t a[2] = {INT64_MAX, INT64_MIN}, b[2] = {0, 0};
    dpm_noise_add_chunk(a, 2, 0, test_key, 7, 1e9);
    dpm_noise_add_chunk(b, 2, 0, test_key, 7, 1e9);
    ck_assert_uint_eq((uint64_t)a[0] - (uint64_t)b[0], (uint64_t)INT64_MAX);
    ck_assert_uint_eq((uint64_t)a[1] - (uint64_t)b[1], (uint64_t)INT64_MIN);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("noise");
    TCase *bins = tcase_create("distribution");
    tcase_set_timeout(bins, 0);
    tcase_add_loop_test(bins, bins_have_the_exact_probabilities, 0, sizeof small_sigmas / sizeof *small_sigmas);
    tcase_add_loop_test(bins, large_sigma_has_normal_quantiles_and_tails, 0, 3);
    suite_add_tcase(s, bins);
    CHECK_ADD(s, one_stream_gives_one_normal_at_every_scale);
    CHECK_ADD(s, numbers_have_their_own_bits_whatever_the_cut);
    CHECK_ADD(s, sums_wrap_instead_of_overflowing);
    return s;
}

CHECK_MAIN(suite)
