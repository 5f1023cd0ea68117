/* SPDX-License-Identifier: BSD-3-Clause */
#include "feature_morlet.h"
#include "base_numbers.h"

#include <math.h>
#include <string.h>

static const double pi_of_the_norm = 3.1415;

enum { WRAPS = 2 }; /* copies of the grid to each side that filters are summed over */

struct envelope {
    double along, across, mixed; /* of x^2, y^2 and xy in the exponent */
    double frequency_x, frequency_y;
    double least; /* curvature over all directions */
};

static struct envelope envelope_of(int scale, int angle, int angles)
{
    double slant = 4.0 / angles, sigma = 0.8 * ldexp(1, scale), xi = 0.75 * DPM_PI / ldexp(1, scale);
    double theta = ((angles - 2) / 2 - angle) * DPM_PI / angles; // NOLINT: rounds to 0, as meant
    double c = cos(theta), s = sin(theta), narrow = 1 / (2 * sigma * sigma), wide = slant * slant * narrow;
    return (struct envelope){narrow * c * c + wide * s * s,
                             narrow * s * s + wide * c * c,
                             2 * (narrow - wide) * c * s,
                             xi * c,
                             xi * s,
                             narrow < wide ? narrow : wide};
}

static const double nothing = 50; /* exp(-50) < 2e-22 */

/* Adds the copy of the grid that begins at pixel (x_0, y_0): the wave and its envelope. */
static void add_copy(double *wave_re, double *wave_im, double *bump, size_t size, double x_0, double y_0,
                     const struct envelope *e)
{
    for (size_t i = 0; i < size; i++)
        for (size_t j = 0; j < size; j++) {
            double x = x_0 + (double)i, y = y_0 + (double)j;
            double exponent = e->along * x * x + e->across * y * y + e->mixed * x * y;
            if (exponent > nothing)
                continue;
            double height = exp(-exponent), phase = x * e->frequency_x + y * e->frequency_y;
            wave_re[i * size + j] += height * cos(phase);
            wave_im[i * size + j] += height * sin(phase);
            bump[i * size + j] += height;
        }
}

/* Whether all of a copy that begins at `first` is too far from 0 in this direction. */
static int is_far(double first, size_t size, double curvature)
{
    double last = first + (double)size - 1, nearest = first > 0 ? first : (last < 0 ? -last : 0);
    return curvature * nearest * nearest > nothing;
}

/* The real part of the transform of (re, im), which is replaced by its transform along the lines. */
static void transform_to_real(double *out, double *re, double *im, size_t size, double *cosines, double *line)
{
    double *sines = cosines + size;
    for (size_t i = 0; i < size; i++) {
        cosines[i] = cos(2 * DPM_PI * (double)i / (double)size);
        sines[i] = sin(2 * DPM_PI * (double)i / (double)size);
    }
    for (size_t i = 0; i < size; i++) {
        double *r = re + i * size, *m = im + i * size;
        for (size_t k = 0; k < size; k++) {
            double sum_re = 0, sum_im = 0;
            for (size_t j = 0, at = 0; j < size; j++, at = at + k < size ? at + k : at + k - size) {
                sum_re += r[j] * cosines[at] + m[j] * sines[at];
                sum_im += m[j] * cosines[at] - r[j] * sines[at];
            }
            line[k] = sum_re;
            line[size + k] = sum_im;
        }
        memcpy(r, line, size * sizeof *r);
        memcpy(m, line + size, size * sizeof *m);
    }
    memset(out, 0, size * size * sizeof *out);
    for (size_t k = 0; k < size; k++)
        for (size_t i = 0; i < size; i++) {
            double c = cosines[i * k % size], s = sines[i * k % size];
            for (size_t l = 0; l < size; l++)
                out[k * size + l] += re[i * size + l] * c + im[i * size + l] * s;
        }
}

void dpm_feature_morlet(double *spectrum, size_t size, int scale, int angle, int angles, double *work)
{
    struct envelope e = envelope_of(scale, angle, angles);
    size_t n = size * size;
    double *wave_re = work, *wave_im = work + n, *bump = work + 2 * n;
    double slant = 4.0 / angles, sigma = 0.8 * ldexp(1, scale);
    double norm = 2 * pi_of_the_norm * sigma * sigma / slant;
    memset(work, 0, 3 * n * sizeof *work);
    for (int a = -WRAPS; a <= WRAPS; a++)
        for (int b = -WRAPS; b <= WRAPS; b++) {
            double x = a * (double)size, y = b * (double)size;
            if (!is_far(x, size, e.least) && !is_far(y, size, e.least))
                add_copy(wave_re, wave_im, bump, size, x, y, &e);
        }
    double sum_re = 0, sum_im = 0, sum = 0;
    for (size_t i = 0; i < n; i++) {
        sum_re += wave_re[i];
        sum_im += wave_im[i];
        sum += bump[i];
    }
    for (size_t i = 0; i < n; i++) {
        wave_re[i] = (wave_re[i] - sum_re / sum * bump[i]) / norm;
        wave_im[i] = (wave_im[i] - sum_im / sum * bump[i]) / norm;
    }
    transform_to_real(spectrum, wave_re, wave_im, size, bump, work + 3 * n);
}

void dpm_feature_low_pass(double *spectrum, size_t size, int scales)
{
    double sigma = 0.8 * ldexp(1, scales - 1), norm = sqrt(2 * pi_of_the_norm) * sigma;
    memset(spectrum, 0, size * sizeof *spectrum);
    for (int a = -WRAPS; a <= WRAPS; a++)
        for (size_t i = 0; i < size; i++) {
            double x = (double)i + a * (double)size, height = exp(-x * x / (2 * sigma * sigma)) / norm;
            for (size_t k = 0; k < size; k++)
                spectrum[k] += height * cos(2 * DPM_PI * (double)(i * k % size) / (double)size);
        }
}
