/* SPDX-License-Identifier: BSD-3-Clause */
/* The sample is round(sigma sqrt(A) C), A = -2 ln u, C the cosine or sine. Its magnitude is at least h / 2
 * for an odd h if and only if sigma^2 A C^2 >= h^2 / 4, which needs no root. A and C^2 are computed as
 * integers over 2^F with bounds on their errors; where the comparison comes out the same at both ends of
 * their intervals, it is certain.
 *
 * Numbers are arrays of 32-bit limbs, least significant first. Operations cut off what lies below 2^-F: each
 * errs by at most one unit of 2^-F, and there are fewer than 2^20 of them, each result being used with a
 * factor of at most 2^10; 2^40 units cover them. */
#include "privacy_refine.h"

#include <assert.h>
#include <math.h>
#include <string.h>

enum {
    LIMB_BITS = 32,
    GUARD_BITS = 128,
    ERROR_BITS = 40,
    MAX_FRACTION = (64 * DPM_REFINE_WORDS + GUARD_BITS) / LIMB_BITS
};
enum { MAX_LIMBS = MAX_FRACTION + 1, PRODUCT_LIMBS = 2 * MAX_LIMBS + 8 };

/* A number in [0, 2^32) with f limbs of fraction. */
struct fixed {
    uint32_t limb[MAX_LIMBS];
};

static void add(struct fixed *sum, const struct fixed *x, int f)
{
    uint64_t carry = 0;
    for (int i = 0; i <= f; i++) {
        carry += (uint64_t)sum->limb[i] + x->limb[i];
        sum->limb[i] = (uint32_t)carry;
        carry >>= LIMB_BITS;
    }
}

/* x must not be larger. */
static void subtract(struct fixed *from, const struct fixed *x, int f)
{
    uint64_t borrow = 0;
    for (int i = 0; i <= f; i++) {
        uint64_t difference = (uint64_t)from->limb[i] - x->limb[i] - borrow;
        from->limb[i] = (uint32_t)difference;
        borrow = difference >> 63;
    }
}

static int is_zero(const struct fixed *x, int f)
{
    uint32_t any = 0;
    for (int i = 0; i <= f; i++)
        any |= x->limb[i];
    return any == 0;
}

static void multiply(struct fixed *x, const struct fixed *y, int f)
{
    uint32_t product[2 * MAX_LIMBS] = {0};
    for (int i = 0; i <= f; i++) {
        uint64_t carry = 0;
        for (int j = 0; j <= f; j++) {
            carry += (uint64_t)x->limb[i] * y->limb[j] + product[i + j];
            product[i + j] = (uint32_t)carry;
            carry >>= LIMB_BITS;
        }
        product[i + f + 1] = (uint32_t)carry;
    }
    memcpy(x->limb, product + f, (size_t)(f + 1) * sizeof *product);
}

static void multiply_small(struct fixed *x, uint32_t factor, int f)
{
    uint64_t carry = 0;
    for (int i = 0; i <= f; i++) {
        carry += (uint64_t)x->limb[i] * factor;
        x->limb[i] = (uint32_t)carry;
        carry >>= LIMB_BITS;
    }
}

static void divide_small(struct fixed *x, uint32_t divisor, int f)
{
    uint64_t rest = 0;
    for (int i = f; i >= 0; i--) {
        rest = rest << LIMB_BITS | x->limb[i];
        x->limb[i] = (uint32_t)(rest / divisor);
        rest %= divisor;
    }
}

/* -ln(1 - x), 0 <= x <= 1/2: the sum of x^j / j. */
static struct fixed minus_log(const struct fixed *x, int f)
{
    struct fixed sum = {{0}}, power = *x, term;
    for (uint32_t j = 1; !is_zero(&power, f); j++) {
        term = power;
        divide_small(&term, j, f);
        add(&sum, &term, f);
        multiply(&power, x, f);
    }
    return sum;
}

/* artan(1 / n), the alternating sum of 1 / ((2 j + 1) n^(2 j + 1)). */
static struct fixed arctangent_of_inverse(uint32_t n, int f)
{
    struct fixed plus = {{0}}, minus = {{0}}, power = {{0}}, term;
    power.limb[f] = 1;
    divide_small(&power, n, f);
    for (uint32_t j = 0; !is_zero(&power, f); j++) {
        term = power;
        divide_small(&term, 2 * j + 1, f);
        add(j % 2 ? &minus : &plus, &term, f);
        divide_small(&power, n * n, f);
    }
    subtract(&plus, &minus, f);
    return plus;
}

/* pi = 16 artan(1/5) - 4 artan(1/239) (Machin 1706). */
static struct fixed pi(int f)
{
    struct fixed first = arctangent_of_inverse(5, f), second = arctangent_of_inverse(239, f);
    multiply_small(&first, 16, f);
    multiply_small(&second, 4, f);
    subtract(&first, &second, f);
    return first;
}

/* (1 - cos x) / 2, or (1 + cos x) / 2, for 0 <= x <= pi/2: the square of the sine or cosine of x / 2. */
static struct fixed half_angle_square(const struct fixed *x, int sine, int f)
{
    struct fixed plus = {{0}}, minus = {{0}}, term = {{0}}, square = *x;
    multiply(&square, x, f);
    term.limb[f] = 1; /* 1 - cos x = x^2/2! - x^4/4! + ... : minus - plus, without the leading 1 */
    for (uint32_t j = 1;; j++) {
        multiply(&term, &square, f);
        divide_small(&term, (2 * j - 1) * (2 * j), f);
        if (is_zero(&term, f))
            break;
        add(j % 2 ? &minus : &plus, &term, f);
    }
    subtract(&minus, &plus, f);
    struct fixed result = {{0}};
    if (!sine) {
        result.limb[f] = 2;
        subtract(&result, &minus, f);
    } else {
        result = minus;
    }
    divide_small(&result, 2, f);
    return result;
}

/* Numbers given by words, most significant first, as the limbs just below the point. */
static void set_words(struct fixed *x, const uint64_t *words, int n_words, int f)
{
    memset(x, 0, sizeof *x);
    for (int i = 0; i < n_words; i++) {
        x->limb[f - 1 - 2 * i] = (uint32_t)(words[i] >> LIMB_BITS);
        x->limb[f - 2 - 2 * i] = (uint32_t)words[i];
    }
}

static void double_it(struct fixed *x, int f)
{
    multiply_small(x, 2, f);
}

/* -2 ln u for the digits given, and how many times u had to be doubled to reach 1/2; -1 if they are all zero.
 */
static int minus_two_log(struct fixed *result, const uint64_t *radius, int n_words, int f)
{
    struct fixed u, x = {{0}}, half = {{0}};
    set_words(&u, radius, n_words, f);
    if (is_zero(&u, f))
        return -1;
    int doublings = 0;
    for (; !(u.limb[f - 1] >> (LIMB_BITS - 1)); doublings++)
        double_it(&u, f);
    x.limb[f] = 1;
    subtract(&x, &u, f);
    *result = minus_log(&x, f);
    half.limb[f - 1] = UINT32_C(1) << (LIMB_BITS - 1);
    half = minus_log(&half, f); /* ln 2 */
    multiply_small(&half, (uint32_t)doublings, f);
    add(result, &half, f);
    double_it(result, f);
    return doublings;
}

/* The square of the cosine or sine of the place in the quarter, |g| pi/2 with g the signed number of all
 * digits but the first two. */
static struct fixed trigonometric_square(const uint64_t *angle, int n_words, int sine, int f)
{
    uint64_t words[DPM_REFINE_WORDS];
    assert(n_words > 0);
    for (int i = 0; i < n_words; i++)
        words[i] = angle[i] << 2 | (i + 1 < n_words ? angle[i + 1] >> 62 : 0);
    struct fixed g, x = {{0}};
    set_words(&g, words, n_words, f);
    if (words[0] >> 63) { /* |g - 1| */
        x.limb[f] = 1;
        subtract(&x, &g, f);
        g = x;
    }
    x = pi(f);
    multiply(&x, &g, f); /* twice the place, at most pi/2 */
    return half_angle_square(&x, sine, f);
}

/* x plus or minus 2^exponent units of 2^-F, not below zero. */
static struct fixed shifted_end(const struct fixed *x, int up, int exponent, int f)
{
    struct fixed end = *x, step = {{0}};
    step.limb[exponent / LIMB_BITS] = UINT32_C(1) << exponent % LIMB_BITS;
    if (up) {
        add(&end, &step, f);
        return end;
    }
    int below = 0;
    for (int i = 0; i <= f; i++)
        if (end.limb[i] != step.limb[i])
            below = end.limb[i] < step.limb[i];
    if (below)
        memset(&end, 0, sizeof end);
    else
        subtract(&end, &step, f);
    return end;
}

/* product *= factor, a number of up to 64 bits. */
static void scale(uint32_t product[PRODUCT_LIMBS], uint64_t factor)
{
    uint32_t low[PRODUCT_LIMBS];
    uint64_t carry = 0;
    memcpy(low, product, sizeof low);
    for (int i = 0; i < PRODUCT_LIMBS; i++) {
        carry += (uint64_t)low[i] * (factor & 0xffffffffu);
        product[i] = (uint32_t)carry;
        carry >>= LIMB_BITS;
    }
    carry = 0;
    for (int i = 0; i + 1 < PRODUCT_LIMBS; i++) {
        carry += (uint64_t)low[i] * (factor >> LIMB_BITS) + product[i + 1];
        product[i + 1] = (uint32_t)carry;
        carry >>= LIMB_BITS;
    }
}

/* Whether sigma^2 a c >= h^2 / 4, that is mantissa^2 a c >= h^2 2^(2 F - 2 - 2 e) for sigma = mantissa 2^e
 * and a, c as integers over 2^F. */
static int reaches(const struct fixed *a, const struct fixed *c, double sigma, uint64_t h, int f)
{
    int exponent;
    uint64_t mantissa = (uint64_t)ldexp(frexp(sigma, &exponent), 53);
    int shift = 2 * LIMB_BITS * f - 2 - 2 * (exponent - 53);
    uint32_t left[PRODUCT_LIMBS] = {0}, right[PRODUCT_LIMBS] = {0};
    for (int i = 0; i <= f; i++) {
        uint64_t carry = 0;
        for (int j = 0; j <= f; j++) {
            carry += (uint64_t)a->limb[i] * c->limb[j] + left[i + j];
            left[i + j] = (uint32_t)carry;
            carry >>= LIMB_BITS;
        }
        left[i + f + 1] = (uint32_t)carry;
    }
    scale(left, mantissa);
    scale(left, mantissa);
    right[0] = 1;
    scale(right, h);
    scale(right, h);
    if (shift > LIMB_BITS * (PRODUCT_LIMBS - 4)) /* sigma below any use */
        return 0;
    int limbs = shift / LIMB_BITS;
    memmove(right + limbs, right, (size_t)(PRODUCT_LIMBS - limbs) * sizeof *right);
    memset(right, 0, (size_t)limbs * sizeof *right);
    scale(right, UINT64_C(1) << shift % LIMB_BITS);
    int at_least = 1;
    for (int i = 0; i < PRODUCT_LIMBS; i++)
        if (left[i] != right[i])
            at_least = left[i] > right[i];
    return at_least;
}

static double to_double(const struct fixed *x, int f)
{
    double value = 0;
    for (int i = 0; i <= f; i++)
        value = value * 0x1p-32 + x->limb[i];
    return value;
}

static int is_negative(uint64_t angle, int sine)
{
    uint64_t quarter = angle >> 62, below_middle = angle >> 61 & 1; /* the place in the quarter is negative */
    if (!sine)
        return (int)(quarter == 2 || (quarter == 1 && !below_middle) || (quarter == 3 && below_middle));
    return (int)(quarter == 3 || (quarter == 0 && below_middle) || (quarter == 2 && !below_middle));
}

int dpm_refine(int64_t *sample, const uint64_t *radius, const uint64_t *angle, int n_words, int sine,
               double sigma)
{
    int f = (64 * n_words + GUARD_BITS) / LIMB_BITS;
    int swapped = (int)(angle[0] >> 62 & 1);
    struct fixed a;
    int doublings = minus_two_log(&a, radius, n_words, f);
    if (doublings < 0)
        return 0;
    struct fixed c = trigonometric_square(angle, n_words, sine != swapped, f);

    /* The digits to come raise u by up to 2^-(64 n), so that A falls by up to twice that over u; and move the
     * place by up to 2^-(64 n) times 2 pi, C^2 by no more. */
    int unread_a = GUARD_BITS + doublings + 2, unread_c = GUARD_BITS + 3;
    struct fixed a_low = shifted_end(&a, 0, unread_a + 1, f), a_high = shifted_end(&a, 1, ERROR_BITS, f);
    struct fixed c_low = shifted_end(&c, 0, unread_c + 1, f), c_high = shifted_end(&c, 1, unread_c + 1, f);

    double estimate = sigma * sqrt(to_double(&a, f) * to_double(&c, f));
    uint64_t below = (uint64_t)estimate,
             h = 2 * below + 1; /* the half-integer nearest to the estimate is h / 2 */
    int low = reaches(&a_low, &c_low, sigma, h, f), high = reaches(&a_high, &c_high, sigma, h, f);
    if (low != high || reaches(&a_high, &c_high, sigma, h + 2, f) ||
        (below > 0 && !reaches(&a_low, &c_low, sigma, h - 2, f)))
        return 0;
    int64_t magnitude = (int64_t)below + low;
    *sample = is_negative(angle[0], sine) ? -magnitude : magnitude;
    return 1;
}
