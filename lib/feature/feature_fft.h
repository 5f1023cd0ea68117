/* SPDX-License-Identifier: BSD-3-Clause */
/* Small Fourier transforms of several signals side by side.
 *
 * A dpm_lanes holds one number of each of DPM_LANES signals, and every operation is done to all of them
 * alike: a signal's bits do not depend on its lane or on its neighbours. Lanes are vectors where the compiler
 * has them; otherwise there is one lane, and the same code. */
#ifndef DPM_FEATURE_FFT_H
#define DPM_FEATURE_FFT_H

#include "base_simd.h"

#include <stddef.h>

#if defined(__GNUC__) || defined(__clang__)
enum { DPM_LANES = 8 };
typedef float dpm_lanes __attribute__((vector_size(32)));
#else
enum { DPM_LANES = 1 };
typedef float dpm_lanes;
#endif

struct dpm_lane_pair {
    dpm_lanes re, im;
};

enum { DPM_FFT_PASSES = 8, DPM_FFT_PRIME = 61, DPM_FFT_MAX = 256 };

/* One pass of Stockham's algorithm (the order of frequencies comes out right by itself): `rest` times `span`
 * butterflies of `radix` numbers each. */
struct dpm_fft_pass {
    size_t radix, rest, span;
    const float *twiddles; /* rest x (radix - 1) complex numbers */
    const float *roots;    /* of 1, `radix` of them, for a radix that has no code of its own */
};

struct dpm_fft {
    size_t n;
    size_t n_passes;
    struct dpm_fft_pass pass[DPM_FFT_PASSES];
    float *factors;
};

/* n: 2 to DPM_FFT_MAX, no prime factor above DPM_FFT_PRIME. */
int dpm_fft_new(struct dpm_fft *fft, size_t n);
void dpm_fft_free(struct dpm_fft *fft);

DPM_SIMD_INLINE void dpm_fft_add(struct dpm_lane_pair *sum, struct dpm_lane_pair *difference,
                                 const struct dpm_lane_pair *a, const struct dpm_lane_pair *b)
{
    struct dpm_lane_pair x = *a, y = *b;
    sum->re = x.re + y.re;
    sum->im = x.im + y.im;
    difference->re = x.re - y.re;
    difference->im = x.im - y.im;
}

DPM_SIMD_INLINE void dpm_fft_2(struct dpm_lane_pair *a)
{
    dpm_fft_add(&a[0], &a[1], &a[0], &a[1]);
}

/* out_k = sum_j a_j exp(-2 pi i j k / 3) */
DPM_SIMD_INLINE void dpm_fft_3(struct dpm_lane_pair *out_0, struct dpm_lane_pair *out_1,
                               struct dpm_lane_pair *out_2, const struct dpm_lane_pair *a)
{
    const float half_root_3 = 0.866025403784438647f;
    struct dpm_lane_pair sum, difference, middle, first = a[0];
    dpm_fft_add(&sum, &difference, &a[1], &a[2]);
    middle.re = first.re - 0.5f * sum.re;
    middle.im = first.im - 0.5f * sum.im;
    difference.re = half_root_3 * difference.re;
    difference.im = half_root_3 * difference.im;
    out_0->re = first.re + sum.re;
    out_0->im = first.im + sum.im;
    out_1->re = middle.re + difference.im;
    out_1->im = middle.im - difference.re;
    out_2->re = middle.re - difference.im;
    out_2->im = middle.im + difference.re;
}

DPM_SIMD_INLINE void dpm_fft_4(struct dpm_lane_pair *a)
{
    struct dpm_lane_pair even, odd, even_difference, odd_difference;
    dpm_fft_add(&even, &even_difference, &a[0], &a[2]);
    dpm_fft_add(&odd, &odd_difference, &a[1], &a[3]);
    dpm_fft_add(&a[0], &a[2], &even, &odd);
    a[1].re = even_difference.re + odd_difference.im;
    a[1].im = even_difference.im - odd_difference.re;
    a[3].re = even_difference.re - odd_difference.im;
    a[3].im = even_difference.im + odd_difference.re;
}

DPM_SIMD_INLINE void dpm_fft_5(struct dpm_lane_pair *a)
{
    const float cos_1 = 0.309016994374947424f, cos_2 = -0.809016994374947424f;
    const float sin_1 = 0.951056516295153572f, sin_2 = 0.587785252292473129f;
    struct dpm_lane_pair sum_1, sum_2, difference_1, difference_2, x_1, x_2, y_1, y_2, first = a[0];
    dpm_fft_add(&sum_1, &difference_1, &a[1], &a[4]);
    dpm_fft_add(&sum_2, &difference_2, &a[2], &a[3]);
    x_1.re = first.re + (cos_1 * sum_1.re + cos_2 * sum_2.re);
    x_1.im = first.im + (cos_1 * sum_1.im + cos_2 * sum_2.im);
    x_2.re = first.re + (cos_2 * sum_1.re + cos_1 * sum_2.re);
    x_2.im = first.im + (cos_2 * sum_1.im + cos_1 * sum_2.im);
    /* -i times the sines' part */
    y_1.re = sin_1 * difference_1.im + sin_2 * difference_2.im;
    y_1.im = -(sin_1 * difference_1.re + sin_2 * difference_2.re);
    y_2.re = sin_2 * difference_1.im - sin_1 * difference_2.im;
    y_2.im = -(sin_2 * difference_1.re - sin_1 * difference_2.re);
    a[0].re = first.re + (sum_1.re + sum_2.re);
    a[0].im = first.im + (sum_1.im + sum_2.im);
    dpm_fft_add(&a[1], &a[4], &x_1, &y_1);
    dpm_fft_add(&a[2], &a[3], &x_2, &y_2);
}

/* 2 times 3 without twiddle factors, since the two have no common divisor. */
DPM_SIMD_INLINE void dpm_fft_6(struct dpm_lane_pair *a)
{
    struct dpm_lane_pair sum[3], difference[3];
    dpm_fft_add(&sum[0], &difference[0], &a[0], &a[3]);
    dpm_fft_add(&sum[1], &difference[1], &a[2], &a[5]);
    dpm_fft_add(&sum[2], &difference[2], &a[4], &a[1]);
    dpm_fft_3(&a[0], &a[4], &a[2], sum);
    dpm_fft_3(&a[3], &a[1], &a[5], difference);
}

/* number * (re + i im) */
DPM_SIMD_INLINE void dpm_fft_turn(struct dpm_lane_pair *number, const float *factor)
{
    struct dpm_lane_pair x = *number;
    number->re = x.re * factor[0] - x.im * factor[1];
    number->im = x.re * factor[1] + x.im * factor[0];
}

DPM_SIMD_INLINE void dpm_fft_butterflies(const size_t radix, const int last, const struct dpm_fft_pass *pass,
                                         struct dpm_lane_pair *out, size_t out_step,
                                         const struct dpm_lane_pair *in, size_t in_step)
{
    for (size_t p = 0; p < pass->rest; p++)
        for (size_t q = 0; q < pass->span; q++) {
            struct dpm_lane_pair a[6];
            for (size_t t = 0; t < radix; t++)
                a[t] = in[(q + pass->span * (p + pass->rest * t)) * in_step];
            if (radix == 2)
                dpm_fft_2(a);
            else if (radix == 3)
                dpm_fft_3(&a[0], &a[1], &a[2], a);
            else if (radix == 4)
                dpm_fft_4(a);
            else if (radix == 5)
                dpm_fft_5(a);
            else
                dpm_fft_6(a);
            for (size_t t = 0; t < radix; t++) {
                if (t > 0 && !last)
                    dpm_fft_turn(&a[t], pass->twiddles + 2 * (p * (radix - 1) + t - 1));
                out[(q + pass->span * (radix * p + t)) * out_step] = a[t];
            }
        }
}

/* By the definition, for larger primes. */
DPM_SIMD_INLINE void dpm_fft_by_definition(const struct dpm_fft_pass *pass, struct dpm_lane_pair *out,
                                           size_t out_step, const struct dpm_lane_pair *in, size_t in_step)
{
    struct dpm_lane_pair a[DPM_FFT_PRIME];
    size_t radix = pass->radix;
    for (size_t p = 0; p < pass->rest; p++)
        for (size_t q = 0; q < pass->span; q++) {
            for (size_t t = 0; t < radix; t++)
                a[t] = in[(q + pass->span * (p + pass->rest * t)) * in_step];
            for (size_t t = 0; t < radix; t++) {
                struct dpm_lane_pair sum = a[0];
                for (size_t u = 1; u < radix; u++) {
                    struct dpm_lane_pair term = a[u];
                    dpm_fft_turn(&term, pass->roots + 2 * (t * u % radix));
                    sum.re += term.re;
                    sum.im += term.im;
                }
                if (t > 0)
                    dpm_fft_turn(&sum, pass->twiddles + 2 * (p * (radix - 1) + t - 1));
                out[(q + pass->span * (radix * p + t)) * out_step] = sum;
            }
        }
}

DPM_SIMD_INLINE void dpm_fft_one_pass(const int last, const struct dpm_fft_pass *pass,
                                      struct dpm_lane_pair *out, size_t out_step,
                                      const struct dpm_lane_pair *in, size_t in_step)
{
    switch (pass->radix) {
    case 2: dpm_fft_butterflies(2, last, pass, out, out_step, in, in_step); break;
    case 3: dpm_fft_butterflies(3, last, pass, out, out_step, in, in_step); break;
    case 4: dpm_fft_butterflies(4, last, pass, out, out_step, in, in_step); break;
    case 5: dpm_fft_butterflies(5, last, pass, out, out_step, in, in_step); break;
    case 6: dpm_fft_butterflies(6, last, pass, out, out_step, in, in_step); break;
    default: dpm_fft_by_definition(pass, out, out_step, in, in_step);
    }
}

/* out_k = sum_j in_j exp(-2 pi i j k / n), numbers `step` apart; `out` may be `in`. work: 2 n pairs. With the
 * two parts of input and output exchanged it is the inverse, but for the factor 1 / n. */
DPM_SIMD_INLINE void dpm_fft_run(const struct dpm_fft *fft, struct dpm_lane_pair *out, size_t out_step,
                                 const struct dpm_lane_pair *in, size_t in_step, struct dpm_lane_pair *work)
{
    const struct dpm_lane_pair *from = in;
    size_t step = in_step, last = fft->n_passes - 1;
    for (size_t i = 0; i < last; i++) {
        struct dpm_lane_pair *to = work + i % 2 * fft->n;
        dpm_fft_one_pass(0, &fft->pass[i], to, 1, from, step);
        from = to;
        step = 1;
    }
    dpm_fft_one_pass(1, &fft->pass[last], out, out_step, from, step);
}

#endif
