/* SPDX-License-Identifier: BSD-3-Clause */
#include "feature_fourier.h"
#include "base_alloc.h"
#include "base_fail.h"
#include "base_numbers.h"
#include "base_simd.h"
#include "linalg_mat.h"
#include "random_stream.h"

#include <math.h>

/* Frequencies of a file, in turns. With at most 10^6 columns of numbers in [0, 1] no angle passes 2^40 turns,
 * far inside the range of whole_turns(). */
static const float largest_frequency = 0x1p20f;

int dpm_feature_fourier_new(struct dpm_feature_fourier *map, size_t n_columns, size_t n_features)
{
    if (n_features < 2 || n_features > DPM_FEATURE_FOURIER_MAX || n_features % 2 != 0)
        return dpm_fail(DPMIX_ERR_RANGE, "features: must be an even number from 2 to %d",
                        (int)DPM_FEATURE_FOURIER_MAX);
    size_t n;
    if (!dpm_size_mul(&n, n_columns, n_features / 2))
        return dpm_fail(DPMIX_ERR_NOMEM, "out of memory");
    float *frequencies = dpm_alloc(n, sizeof *frequencies);
    if (!frequencies)
        return DPMIX_ERR_NOMEM;
    *map = (struct dpm_feature_fourier){n_columns, n_features, frequencies};
    return DPMIX_OK;
}

void dpm_feature_fourier_free(struct dpm_feature_fourier *map)
{
    dpm_free(map->frequencies);
    *map = (struct dpm_feature_fourier){0};
}

void dpm_feature_fourier_draw(struct dpm_feature_fourier *map, double bandwidth, const uint8_t *key)
{
    size_t n = map->n_columns * (map->n_features / 2);
    double scale = 1 / (2 * DPM_PI * bandwidth);
    struct dpm_stream stream;
    dpm_stream_open(&stream, key, DPM_STREAM_FEATURE, 0, 0);
    dpm_stream_normals(&stream, map->frequencies, n);
    dpm_stream_wipe(&stream);
    for (size_t i = 0; i < n; i++)
        map->frequencies[i] = (float)(map->frequencies[i] * scale);
}

/* ---- Cosine and sine ----
 *
 * Not libm's, for three reasons. These loops have no branches and no calls, so the compiler makes vector code
 * of them; they consist of additions and multiplications in a fixed order, which IEEE 754 rounds in one way,
 * so that a loop's vector body and its scalar tail give the same bits (a row's features do not depend on
 * where it stands); and a saved map gives the same features with every libm. */

/* The nearest whole number, for |turns| < 2^51: adding 1.5 x 2^52 leaves no room for a fraction. */
static inline double whole_turns(double turns)
{
    const double no_fraction = 0x1.8p52;
    return (turns + no_fraction) - no_fraction;
}

/* Taylor polynomials on [-pi/2, pi/2]. The first terms left out are (pi/2)^17 / 17! < 7e-12 and
 * (pi/2)^18 / 18! < 6e-13. */
static inline double sine(double x)
{
    double s = x * x;
    double p = 1 - s * (1.0 / (14 * 15));
    p = 1 - s * (1.0 / (12 * 13)) * p;
    p = 1 - s * (1.0 / (10 * 11)) * p;
    p = 1 - s * (1.0 / (8 * 9)) * p;
    p = 1 - s * (1.0 / (6 * 7)) * p;
    p = 1 - s * (1.0 / (4 * 5)) * p;
    return x * (1 - s * (1.0 / (2 * 3)) * p);
}

static inline double cosine(double x)
{
    double s = x * x;
    double p = 1 - s * (1.0 / (15 * 16));
    p = 1 - s * (1.0 / (13 * 14)) * p;
    p = 1 - s * (1.0 / (11 * 12)) * p;
    p = 1 - s * (1.0 / (9 * 10)) * p;
    p = 1 - s * (1.0 / (7 * 8)) * p;
    p = 1 - s * (1.0 / (5 * 6)) * p;
    p = 1 - s * (1.0 / (3 * 4)) * p;
    return 1 - s * (1.0 / 2) * p;
}

/* One row in place: `half` angles in turns become as many cosines, with the sines behind them. The sine and
 * cosine of half the angle give both: cos 2x = 1 - 2 sin^2 x, sin 2x = 2 sin x cos x. */
DPM_SIMD_INLINE void wave_body(float *restrict cosines, float *restrict sines, size_t half, double scale)
{
    for (size_t j = 0; j < half; j++) {
        double turns = cosines[j];
        double x = DPM_PI * (turns - whole_turns(turns));
        double s = sine(x), c = cosine(x);
        cosines[j] = (float)(scale * (1 - 2 * s * s));
        sines[j] = (float)(scale * (2 * s * c));
    }
}

DPM_SIMD_VERSIONS(wave, (float *cosines, float *sines, size_t half, double scale),
                  (cosines, sines, half, scale))

void dpm_feature_fourier_apply(const struct dpm_feature_fourier *map, float *out, size_t ld,
                               const float *rows, size_t n)
{
    size_t half = map->n_features / 2;
    double scale = sqrt(1 / (double)half);
    if (n == 0)
        return;
    dpm_mat_mul(out, ld, rows, map->n_columns, map->frequencies, half, n, half, map->n_columns);
    for (size_t i = 0; i < n; i++)
        wave(out + i * ld, out + i * ld + half, half, scale);
}

/* ---- Files ---- */

void dpm_feature_fourier_put(const struct dpm_feature_fourier *map, struct dpm_blob *blob)
{
    dpm_blob_put_u64(blob, map->n_columns);
    dpm_blob_put_u64(blob, map->n_features);
    dpm_blob_put_f32s(blob, map->frequencies, map->n_columns * (map->n_features / 2));
}

void dpm_feature_fourier_get(struct dpm_feature_fourier *map, struct dpm_blob *blob, size_t n_columns)
{
    dpm_blob_get_size(blob, n_columns, n_columns);
    size_t n_features = (size_t)dpm_blob_get_size(blob, 2, DPM_FEATURE_FOURIER_MAX);
    if (n_features % 2 != 0)
        dpm_blob_reject(blob);
    float *frequencies = dpm_blob_get_f32s(blob, n_columns, n_features / 2);
    for (size_t i = 0; frequencies && i < n_columns * (n_features / 2); i++) {
        if (fabsf(frequencies[i]) > largest_frequency)
            dpm_blob_reject(blob);
    }
    if (dpm_blob_status(blob)) {
        dpm_free(frequencies);
        return;
    }
    *map = (struct dpm_feature_fourier){n_columns, n_features, frequencies};
}
