/* SPDX-License-Identifier: BSD-3-Clause */
/* The rounded Gaussian: exact bin probabilities, the error bound against 113-bit arithmetic, the integers
 * that decide what it leaves in doubt, and addressing. */
#include "base_alloc.h"
#include "check_main.h"
#include "privacy_noise.h"
#include "privacy_normal.h"
#include "privacy_refine.h"

#include <math.h>
#include <string.h>

#ifdef HAVE_QUADMATH
#include <quadmath.h>
#endif

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

/* n samples; the caller frees. */
static int64_t *samples_of(size_t n, double sigma, uint64_t step)
{
    int64_t *samples = dpm_alloc(n, sizeof *samples);
    for (size_t chunk = 0; chunk * DPM_NOISE_CHUNK < n; chunk++)
        dpm_noise_add_chunk(samples, n, chunk, test_key, step, sigma);
    return samples;
}

static const double small_sigmas[] = {0.3, 0.7, 1, 2.5, 17.3};

START_TEST(bins_have_the_exact_probabilities)
{
    enum { N = 1000000, REACH = 120 };
    double sigma = small_sigmas[_i];
    int64_t counts[2 * REACH + 1] = {0}, n_bins = 0;
    int64_t *samples = samples_of(N, sigma, (uint64_t)_i);
    int64_t furthest = 0;
    for (int i = 0; i < N; i++)
        furthest = llabs(samples[i]) > furthest ? llabs(samples[i]) : furthest;
    ck_assert_int_le(furthest, REACH);
    for (int i = 0; i < N; i++)
        counts[samples[i] + REACH]++;
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
    /* Mean n_bins - 1 and variance twice that: 7 standard deviations, and 10 more for the skewness at few
     * bins. */
    ck_assert_double_lt(chi2, (double)n_bins + 7 * sqrt(2 * (double)n_bins) + 10);
    ck_assert_double_lt(fabs(rest - rest_expected), 7 * sqrt(rest_expected) + 7);
    dpm_free(samples);
}
END_TEST

START_TEST(large_sigma_has_normal_quantiles_and_tails)
{
    enum { N = 1000000, BINS = 64, DEPTH = 5 };
    static const double sigmas[] = {0x1p20, 0x1p30 * 1.7, 0x1p40};
    double sigma = sigmas[_i], lag = 0;
    int bins[BINS] = {0}, beyond[DEPTH + 1] = {0};
    int64_t *samples = samples_of(N, sigma, 10 + (uint64_t)_i);
    for (size_t i = 0; i < N; i++) {
        double x = (double)samples[i] / sigma;
        bins[(int)fmin((1 - normal_tail(x)) * BINS, BINS - 1)]++;
        for (int depth = 1; depth <= DEPTH; depth++)
            beyond[depth] += fabs(x) > depth;
        lag += i >= DPM_NOISE_PAIRS ? x * (double)samples[i - DPM_NOISE_PAIRS] / sigma : 0;
    }
    double chi2 = 0, expected = (double)N / BINS;
    for (int i = 0; i < BINS; i++)
        chi2 += pow(bins[i] - expected, 2) / expected;
    ck_assert_double_lt(chi2, 150); /* 63 degrees of freedom: above it with a probability below 1e-8 */
    for (int depth = 1; depth <= DEPTH; depth++) {
        double mean = 2 * N * normal_tail(depth);
        ck_assert_double_lt(fabs(beyond[depth] - mean), 6 * sqrt(mean) + 6);
    }
    ck_assert_double_lt(fabs(lag), 6 * sqrt(N)); /* the two variables of a pair do not correlate */
    dpm_free(samples);
}
END_TEST

START_TEST(one_stream_gives_one_normal_at_every_scale)
{
    static const double sigmas[] = {0x1p-30, 0.01, 0.4, 1, 3.7, 1000.3, 0x1p20, 0x1.fffffffffffffp31};
    enum { N = 20 * DPM_NOISE_CHUNK };
    int64_t *fine = samples_of(N, 0x1p40, 20);
    for (size_t s = 0; s < sizeof sigmas / sizeof *sigmas; s++) {
        int64_t *samples = samples_of(N, sigmas[s], 20);
        double worst = 0;
        for (size_t i = 0; i < N; i++) {
            double x = (double)samples[i], slack = sigmas[s] * 0x1p-41 + fabs(x) * 0x1p-50;
            worst = fmax(worst, fabs(sigmas[s] * 0x1p-40 * (double)fine[i] - x) - slack);
        }
        ck_assert_double_le(worst, 0.5);
        dpm_free(samples);
    }
    dpm_free(fine);
}
END_TEST

/* ---- The error bound, and the integers behind it ---- */

static uint64_t state = 88172645463325252u;

static uint64_t next(void)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state * 2685821657736338717u;
}

/* Random digits with the worst regions over-represented: u near 0 and near 1, angles near multiples of pi/4.
 */
static void draw_digits(uint64_t *radius, uint64_t *angle, int kind)
{
    int shift = (int)(next() % 60);
    uint64_t quarter = next() & UINT64_C(3) << 62, place = next() >> 2 >> shift;
    *radius = next();
    *angle = next();
    switch (kind % 7) {
    case 1: *radius >>= shift; break;
    case 2: *radius = ~(*radius >> shift); break;
    case 3: *angle = quarter | place; break;
    case 4: *angle = quarter | ((UINT64_MAX >> 2) - place); break;
    case 5: *angle = quarter | ((UINT64_C(1) << 61) + (place >> 1)); break;
    case 6: *angle = quarter | ((UINT64_C(1) << 61) - (place >> 1)); break;
    default: break;
    }
}

START_TEST(all_kernels_give_the_same_bits)
{
    static const double sigmas[] = {0.3, 1, 12345.678, 0x1p20, 0x1p32, 0x1p40};
    static struct dpm_noise_chunk first, other;
    for (int trial = 0; trial < 60; trial++) {
        double sigma = sigmas[trial % 6];
        for (int i = 0; i < DPM_NOISE_PAIRS; i++)
            draw_digits(&first.words[i], &first.words[DPM_NOISE_PAIRS + i], i);
        first.words[0] = 0; /* no digits to go by: always in doubt */
        first.words[1] = UINT64_MAX;
        other = first;
        ck_assert_ptr_nonnull(dpm_noise_round(0, &first, sigma));
        ck_assert_uint_eq(first.doubt[0], 3);
        ck_assert_uint_eq(first.doubt[1], 3);
        for (int kernel = 1; dpm_noise_round(kernel, &other, sigma); kernel++) {
            ck_assert_mem_eq(first.doubt, other.doubt, sizeof first.doubt);
            int different = 0; /* the samples of pairs 0 and 1 mean nothing yet */
            for (int i = 0; i < DPM_NOISE_CHUNK; i++)
                different += i % DPM_NOISE_PAIRS > 1 && first.samples[i] != other.samples[i];
            ck_assert_int_eq(different, 0);
        }
    }
}
END_TEST

START_TEST(what_double_is_sure_of_integers_confirm)
{
    static const double sigmas[] = {0x1p-20, 0.3, 1, 777.7, 0x1p20, 1.2345e9, 0x1p40};
    static struct dpm_noise_chunk chunk;
    size_t sure = 0;
    for (int trial = 0; trial < 21; trial++) {
        double sigma = sigmas[trial % 7];
        for (int i = 0; i < DPM_NOISE_PAIRS; i++)
            draw_digits(&chunk.words[i], &chunk.words[DPM_NOISE_PAIRS + i], i);
        dpm_noise_round(0, &chunk, sigma);
        for (size_t i = 0; i < DPM_NOISE_CHUNK; i += 3) {
            size_t pair = i % DPM_NOISE_PAIRS;
            uint64_t radius[2] = {chunk.words[pair], next()},
                     angle[2] = {chunk.words[DPM_NOISE_PAIRS + pair], next()};
            int64_t sample = 0;
            if (chunk.doubt[pair] >> i / DPM_NOISE_PAIRS & 1)
                continue;
            ck_assert_int_eq(dpm_refine(&sample, radius, angle, 2, i >= DPM_NOISE_PAIRS, sigma), 1);
            ck_assert_int_eq(sample, chunk.samples[i]);
            sure++;
        }
    }
    ck_assert_uint_gt(sure, 6000);
}
END_TEST

START_TEST(refinement_is_rare_and_grows_with_sigma)
{
    static struct dpm_noise_chunk chunk;
    size_t doubts[2] = {0, 0};
    for (int trial = 0; trial < 2000; trial++) {
        for (int i = 0; i < 2 * DPM_NOISE_PAIRS; i++)
            chunk.words[i] = next();
        for (int s = 0; s < 2; s++) {
            dpm_noise_round(0, &chunk, s ? 0x1p40 : 0x1p32);
            for (int i = 0; i < DPM_NOISE_PAIRS; i++)
                doubts[s] += (chunk.doubt[i] & 1) + (chunk.doubt[i] >> 1);
        }
    }
    double n = 2000.0 * DPM_NOISE_CHUNK;
    ck_assert_double_lt((double)doubts[0], 1e-5 * n + 6 * sqrt(1e-5 * n)); /* one in 10^5 at 2^32 */
    ck_assert_double_gt((double)doubts[1], 1e-3 * n);
    ck_assert_double_lt((double)doubts[1], 4e-3 * n);
}
END_TEST

START_TEST(forced_refinements_are_right_too)
{
    /* At 2^40 one sample in 400 is refined. All of them must agree with a far finer view of the same normals:
     * the integers at 2^40 with 16 words, which are the value itself. */
    static struct dpm_noise_chunk chunk;
    enum { N = 4 * DPM_NOISE_CHUNK };
    int64_t *samples = samples_of(N, 0x1p40, 30);
    size_t refined = 0;
    for (size_t number = 0; number < N / DPM_NOISE_CHUNK; number++) {
        struct dpm_stream stream;
        dpm_stream_open(&stream, test_key, DPM_STREAM_NOISE, 30, number);
        dpm_stream_fill(&stream, chunk.words, 2 * DPM_NOISE_PAIRS);
        dpm_noise_round(0, &chunk, 0x1p40);
        for (size_t i = 0; i < DPM_NOISE_CHUNK; i++) {
            size_t pair = i % DPM_NOISE_PAIRS;
            if (!(chunk.doubt[pair] >> i / DPM_NOISE_PAIRS & 1))
                continue;
            uint64_t radius[16] = {chunk.words[pair]}, angle[16] = {chunk.words[DPM_NOISE_PAIRS + pair]};
            int64_t sample = 0;
            dpm_stream_open(&stream, test_key, DPM_STREAM_REFINE, 30, number * DPM_NOISE_PAIRS + pair);
            for (int w = 1; w < 16; w++) {
                radius[w] = dpm_stream_next(&stream);
                angle[w] = dpm_stream_next(&stream);
            }
            ck_assert_int_eq(dpm_refine(&sample, radius, angle, 16, i >= DPM_NOISE_PAIRS, 0x1p40), 1);
            ck_assert_int_eq(sample, samples[number * DPM_NOISE_CHUNK + i]);
            refined++;
        }
    }
    ck_assert_uint_ge(refined, 2);
    dpm_free(samples);
}
END_TEST

START_TEST(digits_that_decide_are_asked_for)
{
    /* u = 1/2 and a = 0 exactly as far as given: sqrt(2 ln 2) sigma = 1/2 to the last digit of sigma leaves
     * the comparison open for few words, and more of them close it. A variable of size 0 never decides below
     * its sign. */
    uint64_t radius[16] = {0}, angle[16] = {0};
    int64_t sample = 77;
    ck_assert_int_eq(dpm_refine(&sample, radius, angle, 16, 0, 1), 0); /* u = 0 up to 1024 digits */
    ck_assert_int_eq(sample, 77);
    radius[1] = 1; /* u = 2^-128: sqrt(-2 ln u) = 13.3 */
    radius[2] = UINT64_C(1) << 63;
    ck_assert_int_eq(dpm_refine(&sample, radius, angle, 4, 0, 1), 1);
    ck_assert_int_eq(sample, 13);
    ck_assert_int_eq(dpm_refine(&sample, radius, angle, 4, 1, 1), 1);
    ck_assert_int_eq(sample, 0);
}
END_TEST

/* A tiny u of few digits leaves much open, and more digits settle it. What double cannot estimate stays open;
 * and what no digits can raise to a half is 0. */
START_TEST(few_digits_of_a_tiny_u_decide_nothing)
{
    uint64_t radius[16] = {0}, angle[16] = {UINT64_C(1) << 59};
    int open = 0, beyond_double = 0;
    for (uint64_t k = 1; k < 60; k++) {
        int64_t sample = 0, longer = 0;
        radius[0] = 0;
        radius[1] = k;
        radius[2] = 0;
        ck_assert_int_eq(dpm_refine(&sample, radius, angle, 2, 0, 0x1p20), 0);
        open += !dpm_refine(&sample, radius, angle, 2, 0, (double)k / 4);
        radius[2] = UINT64_C(1) << 62;
        ck_assert_int_eq(dpm_refine(&sample, radius, angle, 8, 0, 0x1p20), 1);
        ck_assert_int_eq(dpm_refine(&longer, radius, angle, 16, 0, 0x1p20), 1);
        ck_assert_int_eq(sample, longer);
        radius[0] = k << 56;
        beyond_double += !dpm_refine(&sample, radius, angle, 16, 0, 0x1p57 * (1 + (double)k * 0x1.3p-7));
        ck_assert_int_eq(dpm_refine(&sample, radius, angle, 16, 0, 0x1p-50), 1);
        ck_assert_int_eq(sample, 0);
    }
    ck_assert(open > 0 && open < 59);
    ck_assert_int_gt(beyond_double, 0);
}
END_TEST

#ifdef HAVE_QUADMATH
/* Largest error over its bound, at both ends of what the digits to come can do. */
START_TEST(the_error_bound_holds_against_113_bits)
{
    enum { N = 1000000 };
    double worst = 0;
    for (int i = 0; i < N; i++) {
        uint64_t radius, angle;
        draw_digits(&radius, &angle, i);
        if (radius == 0 || radius == UINT64_MAX)
            continue;
        struct dpm_normal_pair pair = dpm_normal_pair(radius, angle, 1);
        int end = i / 7 % 2;
        __float128 u = ((__float128)radius + end) * 0x1p-64Q;
        __float128 x = ((__float128)(int64_t)(angle << 2) + 4 * end) * 0x1p-64Q * M_PI_2q;
        __float128 turned = x + (__float128)(angle >> 62) * M_PI_2q; /* the quarter */
        __float128 r = sqrtq(-2 * (u > 0.75Q ? log1pq(u - 1) : logq(u))), sine, cosine;
        sincosq(turned, &sine, &cosine);
        worst = fmax(worst, (double)fabsq(r * cosine - (__float128)pair.cosine) / pair.error);
        worst = fmax(worst, (double)fabsq(r * sine - (__float128)pair.sine) / pair.error);
    }
    ck_assert_double_le(worst, 1);
    ck_assert_double_gt(worst, 0.2); /* the bound is no empty one */
}
END_TEST
#endif

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
    ck_assert_int_eq(equal, 0);    /* another step, other noise */
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
    tcase_add_loop_test(bins, bins_have_the_exact_probabilities, 0,
                        sizeof small_sigmas / sizeof *small_sigmas);
    tcase_add_loop_test(bins, large_sigma_has_normal_quantiles_and_tails, 0, 3);
    suite_add_tcase(s, bins);
    CHECK_ADD(s, one_stream_gives_one_normal_at_every_scale);
    CHECK_ADD(s, all_kernels_give_the_same_bits);
    CHECK_ADD(s, what_double_is_sure_of_integers_confirm);
    CHECK_ADD(s, refinement_is_rare_and_grows_with_sigma);
    CHECK_ADD(s, forced_refinements_are_right_too);
    CHECK_ADD(s, digits_that_decide_are_asked_for);
    CHECK_ADD(s, few_digits_of_a_tiny_u_decide_nothing);
#ifdef HAVE_QUADMATH
    CHECK_ADD(s, the_error_bound_holds_against_113_bits);
#endif
    CHECK_ADD(s, numbers_have_their_own_bits_whatever_the_cut);
    CHECK_ADD(s, sums_wrap_instead_of_overflowing);
    return s;
}

CHECK_MAIN(suite)
