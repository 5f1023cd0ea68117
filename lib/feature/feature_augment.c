/* SPDX-License-Identifier: BSD-3-Clause */
#include "feature_augment.h"
#include "base_fail.h"
#include "base_numbers.h"

#include <assert.h>
#include <math.h>
#include <string.h>

enum { GRID = 5 };

/* What one image draws, always all of it and in this order. */
struct draw {
    double rotation, shear, scale, shift_x, shift_y; /* in [-1, 1] */
    double mirror, mix, area, middle_x, middle_y;    /* in (0, 1) */
    float grid[2 * GRID * GRID];                     /* normal: across, then down */
};

/* Where the pixel at (x, y) from the middle comes from: (across[0] x + across[1] y + across[2], and so for
 * down) in pixels from the corner, before the displacement. */
struct warp {
    double across[3], down[3];
    double elastic;
    int mirrored;
};

static int check_amount(double value, double most, const char *name)
{
    if (!(value >= 0 && value <= most))
        return dpm_fail(DPMIX_ERR_RANGE, "%s: must lie in [0, %g]", name, most);
    return DPMIX_OK;
}

int dpm_feature_amounts_check(const struct dpm_feature_amounts *amounts)
{
    const struct {
        double value, most;
        const char *name;
    } checks[] = {{amounts->rotation, 180, "rotation"},
                  {amounts->shear, 4, "shear"},
                  {amounts->scale, 0.99, "scale"},
                  {amounts->shift, 128, "shift"},
                  {amounts->elastic, 128, "elastic"},
                  {amounts->mirror, 1, "mirror"},
                  {amounts->mix, 1, "mix"}};
    int status = DPMIX_OK;
    for (size_t i = 0; !status && i < sizeof checks / sizeof *checks; i++)
        status = check_amount(checks[i].value, checks[i].most, checks[i].name);
    return status;
}

size_t dpm_feature_augment_scratch(size_t side)
{
    return side * side + GRID * side;
}

static struct draw draw(struct dpm_stream *stream)
{
    struct draw d;
    double *both_signs[] = {&d.rotation, &d.shear, &d.scale, &d.shift_x, &d.shift_y};
    double *fractions[] = {&d.mirror, &d.mix, &d.area, &d.middle_x, &d.middle_y};
    for (size_t i = 0; i < sizeof both_signs / sizeof *both_signs; i++)
        *both_signs[i] = 2 * dpm_stream_uniform(stream) - 1;
    for (size_t i = 0; i < sizeof fractions / sizeof *fractions; i++)
        *fractions[i] = dpm_stream_uniform(stream);
    dpm_stream_normals(stream, d.grid, 2 * GRID * GRID);
    return d;
}

/* ---- Warping ---- */

static struct warp warp_of(const struct draw *d, const struct dpm_feature_amounts *amounts, size_t side)
{
    const double degree = DPM_PI / 180;
    double angle = amounts->rotation * degree * d->rotation, shear = amounts->shear * d->shear;
    double shrink = 1 / (1 + amounts->scale * d->scale), middle = ((double)side - 1) / 2;
    double c = shrink * cos(angle), s = shrink * sin(angle);
    struct warp warp = {{c, c * shear - s, middle + amounts->shift * d->shift_x},
                        {s, s * shear + c, middle + amounts->shift * d->shift_y},
                        amounts->elastic,
                        d->mirror < amounts->mirror};
    return warp;
}

static int moves(const struct dpm_feature_amounts *amounts, const struct warp *warp)
{
    return warp->mirrored || amounts->rotation > 0 || amounts->shear > 0 || amounts->scale > 0 ||
           amounts->shift > 0 || amounts->elastic > 0;
}

/* Weights of the grid's points for every pixel of a line, side x GRID. Points beyond the ends are the last
 * ones. */
static void put_weights(float *weights, size_t side)
{
    memset(weights, 0, side * GRID * sizeof *weights);
    for (size_t x = 0; x < side; x++) {
        double at = (double)x * (GRID - 1) / (double)(side - 1);
        int before = at < GRID - 2 ? (int)at : GRID - 2;
        double t = at - before, t2 = t * t, t3 = t2 * t;
        double near[4] = {(-t3 + 2 * t2 - t) / 2, (3 * t3 - 5 * t2 + 2) / 2, (-3 * t3 + 4 * t2 + t) / 2,
                          (t3 - t2) / 2};
        for (int i = 0; i < 4; i++) {
            int point = before - 1 + i;
            point = point < 0 ? 0 : (point >= GRID ? GRID - 1 : point);
            weights[x * GRID + (size_t)point] += (float)near[i];
        }
    }
}

static double pixel_or_zero(const float *image, size_t side, double x, double y)
{
    double most = (double)side - 1;
    return x >= 0 && y >= 0 && x <= most && y <= most ? image[(size_t)y * side + (size_t)x] : 0;
}

static float between_pixels(const float *image, size_t side, double x, double y)
{
    double left = floor(x), top = floor(y), right_part = x - left, low_part = y - top;
    double high = pixel_or_zero(image, side, left, top) * (1 - right_part) +
                  pixel_or_zero(image, side, left + 1, top) * right_part;
    double low = pixel_or_zero(image, side, left, top + 1) * (1 - right_part) +
                 pixel_or_zero(image, side, left + 1, top + 1) * right_part;
    return (float)(high * (1 - low_part) + low * low_part);
}

static double weighted(const float *weights, const double *values)
{
    double sum = 0;
    for (size_t i = 0; i < GRID; i++)
        sum += weights[i] * values[i];
    return sum;
}

static void warp_image(float *image, size_t side, const struct warp *warp, const float *grid,
                       const float *weights, float *copy)
{
    double middle = ((double)side - 1) / 2;
    memcpy(copy, image, side * side * sizeof *copy);
    for (size_t y = 0; y < side; y++) {
        double across[GRID] = {0}, down[GRID] = {0};
        for (size_t b = 0; b < GRID; b++)
            for (size_t a = 0; a < GRID; a++) {
                double weight = warp->elastic * weights[y * GRID + a];
                across[b] += weight * grid[a * GRID + b];
                down[b] += weight * grid[GRID * GRID + a * GRID + b];
            }
        for (size_t x = 0; x < side; x++) {
            double u = (double)(warp->mirrored ? side - 1 - x : x) - middle, v = (double)y - middle;
            const float *weight = weights + x * GRID;
            double from_x = warp->across[0] * u + warp->across[1] * v + warp->across[2];
            double from_y = warp->down[0] * u + warp->down[1] * v + warp->down[2];
            image[y * side + x] = between_pixels(copy, side, from_x + weighted(weight, across),
                                                 from_y + weighted(weight, down));
        }
    }
}

/* ---- Cut-mix ---- */

/* Pixels from `first` to before `end` of a line: `length` around the middle, cut off at the ends. */
static void interval(size_t *first, size_t *end, double middle, double length, size_t side)
{
    double low = floor(middle * (double)side - length / 2 + 0.5);
    double high = floor(middle * (double)side + length / 2 + 0.5);
    *first = low > 0 ? (size_t)low : 0;
    *end = high < (double)side ? (size_t)high : side;
}

static void take_rectangle(float *image, const float *partner, size_t side, const struct draw *d)
{
    size_t left, right, top, bottom;
    double length = sqrt(d->area) * (double)side;
    interval(&left, &right, d->middle_x, length, side);
    interval(&top, &bottom, d->middle_y, length, side);
    for (size_t y = top; y < bottom; y++)
        memcpy(image + y * side + left, partner + y * side + left, (right - left) * sizeof *image);
}

/* ---- All of it ---- */

void dpm_feature_augment(float *images, size_t n, size_t side, const struct dpm_feature_amounts *amounts,
                         const float *partners, const uint8_t key[DPM_KEY_SIZE], uint32_t purpose,
                         uint64_t step, uint64_t first, float *scratch)
{
    assert(side >= 2 && side <= DPM_AUGMENT_SIDE && (partners || !(amounts->mix > 0)));
    size_t pixels = side * side;
    float *weights = scratch + pixels;
    put_weights(weights, side);
    for (size_t i = 0; i < n; i++) {
        struct dpm_stream stream;
        dpm_stream_open(&stream, key, purpose, step, first + i);
        struct draw d = draw(&stream);
        dpm_stream_wipe(&stream);
        struct warp warp = warp_of(&d, amounts, side);
        if (moves(amounts, &warp))
            warp_image(images + i * pixels, side, &warp, d.grid, weights, scratch);
        if (d.mix < amounts->mix)
            take_rectangle(images + i * pixels, partners + i * pixels, side, &d);
    }
}
