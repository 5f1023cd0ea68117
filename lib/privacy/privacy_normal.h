/* SPDX-License-Identifier: BSD-3-Clause */
/* sigma times two independent normal variables, in double, with a proven bound on the error: Box and Muller's
 * pair
 *
 *     sigma sqrt(-2 ln u) cos(a),  sigma sqrt(-2 ln u) sin(a)
 *
 * for real numbers u in (0, 1) and a in [0, 2 pi) of which the first 64 binary digits are given. Plain
 * multiplications, additions, divisions and square roots: every processor gives the same bits, and compilers
 * can use vectors. The bound is derived in doc/privacy.md, "The rounded Gaussian". In a header, so that tests
 * see it, too. */
#ifndef DPM_PRIVACY_NORMAL_H
#define DPM_PRIVACY_NORMAL_H

#include <math.h>
#include <stdint.h>
#include <string.h>

struct dpm_normal_pair {
    double cosine, sine; /* the two variables */
    double error;        /* neither is further from the exact value than this, whatever the digits to come */
};

static inline double dpm_normal_from_bits(uint64_t bits)
{
    double value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static inline uint64_t dpm_normal_to_bits(double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

/* Conversions by the digits of large doubles, rounded to nearest: without the instructions of AVX-512 they
 * are the ones that compilers turn into vectors. */
static inline double dpm_normal_from_unsigned(uint64_t value)
{
    double low =
        dpm_normal_from_bits(UINT64_C(0x4330000000000000) | (value & 0xffffffffu)); /* 2^52 + low half */
    double high =
        dpm_normal_from_bits(UINT64_C(0x4530000000000000) | value >> 32); /* 2^84 + 2^32 high half */
    return (high - (0x1p84 + 0x1p52)) + low;                              /* the difference is exact */
}

/* value: digits of a signed number. */
static inline double dpm_normal_from_signed(uint64_t value)
{
    double low = dpm_normal_from_bits(UINT64_C(0x4330000000000000) | (value & 0xffffffffu));
    double high = dpm_normal_from_bits(UINT64_C(0x4530000000000000) | (value >> 32 ^ 0x80000000u));
    return (high - (0x1p84 + 0x1p63 + 0x1p52)) + low;
}

/* 2 artanh(s) - 2 s for |s| <= 0.1716: the Taylor series, whose remainder is below 2^-60 relative to 2 s. */
static inline double dpm_normal_artanh_tail(double s)
{
    double z = s * s, p = 2.0 / 21;
    p = p * z + 2.0 / 19;
    p = p * z + 2.0 / 17;
    p = p * z + 2.0 / 15;
    p = p * z + 2.0 / 13;
    p = p * z + 2.0 / 11;
    p = p * z + 2.0 / 9;
    p = p * z + 2.0 / 7;
    p = p * z + 2.0 / 5;
    p = p * z + 2.0 / 3;
    return s * z * p;
}

/* sin(x) and cos(x) for |x| <= pi/4: Taylor series with remainders below 2^-54 and 2^-58. */
static inline double dpm_normal_sin(double x)
{
    double y = x * x, p = -1.0 / 1307674368000.0;
    p = p * y + 1.0 / 6227020800.0;
    p = p * y - 1.0 / 39916800.0;
    p = p * y + 1.0 / 362880.0;
    p = p * y - 1.0 / 5040.0;
    p = p * y + 1.0 / 120.0;
    p = p * y - 1.0 / 6.0;
    return x + x * y * p;
}

static inline double dpm_normal_cos(double x)
{
    double y = x * x, p = 1.0 / 20922789888000.0;
    p = p * y - 1.0 / 87178291200.0;
    p = p * y + 1.0 / 479001600.0;
    p = p * y - 1.0 / 3628800.0;
    p = p * y + 1.0 / 40320.0;
    p = p * y - 1.0 / 720.0;
    p = p * y + 1.0 / 24.0;
    p = p * y - 0.5;
    return 1 + y * p;
}

/* radius: the first 64 digits of u. angle: those of a / (2 pi); its first two choose the quarter, the others,
 * as a signed number, the place in it. sigma in [2^-60, 2^40]. */
static inline struct dpm_normal_pair dpm_normal_pair(uint64_t radius, uint64_t angle, double sigma)
{
    const uint64_t root_half = UINT64_C(0x3fe6a09e667f3bcd), fraction = UINT64_C(0x000fffffffffffff);
    const double ln2_high = 0x1.62e42fee00000p-1, ln2_low = 0x1.a39ef35793c76p-33;

    /* -ln u = k ln 2 - ln m with m in [sqrt(1/2), sqrt(2)). */
    uint64_t bits = dpm_normal_to_bits(dpm_normal_from_unsigned(radius));
    uint64_t above = bits - root_half;
    double k = 64 - dpm_normal_from_unsigned(above >> 52); /* radius 0: all that follows is NaN */
    double m = dpm_normal_from_bits((above & fraction) + root_half);
    double s = (m - 1) / (m + 1);
    double log_u = (2 * s + (dpm_normal_artanh_tail(s) - k * ln2_low)) - k * ln2_high;
    double square = 0 - 2 * log_u, r = sqrt(square), length = sigma * r;

    double x = dpm_normal_from_signed(angle << 2) * (0x1.921fb54442d18p+0 * 0x1p-64);
    uint64_t sine = dpm_normal_to_bits(dpm_normal_sin(x)), cosine = dpm_normal_to_bits(dpm_normal_cos(x));
    uint64_t swapped = (sine ^ cosine) & (0 - (angle >> 62 & 1));
    uint64_t minus_cosine = ((angle >> 62) + 1) >> 1 & 1, minus_sine = angle >> 63;

    /* At least twice the 2^53 / radius that the digits of u to come are worth; and 1 / r by the well-known
     * shift of its digits, whose relative error is below 0.036. */
    double unread = dpm_normal_from_bits((UINT64_C(2100) << 52) - (bits & ~fraction));
    double inverse =
        1.04 * dpm_normal_from_bits(UINT64_C(0x5fe6eb50c7b537a9) - (dpm_normal_to_bits(square) >> 1));
    struct dpm_normal_pair pair = {
        .cosine = length * dpm_normal_from_bits(cosine ^ swapped ^ minus_cosine << 63),
        .sine = length * dpm_normal_from_bits(sine ^ swapped ^ minus_sine << 63),
        .error = 0x1p-53 * (6.5 * length + sigma * inverse * (2.3 + unread)),
    };
    return pair;
}

#endif
