/* SPDX-License-Identifier: BSD-3-Clause */
/* DPM_LANES images at a time. A wavelet's product with a spectrum is formed column by column, periodised to
 * the coarser grid, which is subsampling in space, and transformed back at once. Each line of the result is
 * then used three times while it is in the cache: its modulus, the line's share of the low-passed output, and
 * the first half of the transform that the next layer needs.
 *
 * The low-pass filter is a product of two directions and only one pixel in 2^J of it is kept, so that it is
 * done in space, as two small matrix products. The spectrum of a real image is symmetric: half of it is
 * stored. */
#include "feature_scatter.h"
#include "base_alloc.h"
#include "base_fail.h"
#include "base_numbers.h"
#include "feature_fft.h"
#include "feature_morlet.h"

#include <math.h>
#include <string.h>

enum { BLOCK = 4 }; /* outputs at a time of the low-pass */

/* The grid at scale j: every 2^j-th pixel of the padded image. */
struct level {
    size_t n; /* pixels in a line */
    struct dpm_fft fft;
    float *low_pass; /* n x padded outputs: a line's share of each output */
};

struct dpm_feature_scatter {
    size_t side, scales, angles;
    size_t padded;     /* pixels in a line of the padded image */
    size_t before;     /* of them before the image */
    size_t outputs;    /* in a line */
    size_t out_stride; /* outputs, rounded up to whole blocks */
    struct level level[DPM_SCATTER_SCALES];
    /* From the grid of the first index to that of the second: for every angle, column and line of the coarser
     * grid the factors of the 4^(difference) frequencies that fall together there. */
    float *filters[DPM_SCATTER_SCALES][DPM_SCATTER_SCALES];
};

/* ---- Sizes ---- */

int dpm_feature_scatter_check(size_t side, size_t scales, size_t angles)
{
    if (scales < 1 || scales > DPM_SCATTER_SCALES)
        return dpm_fail(DPMIX_ERR_RANGE, "scales: must lie in [1, %d]", (int)DPM_SCATTER_SCALES);
    if (angles < 1 || angles > DPM_SCATTER_ANGLES)
        return dpm_fail(DPMIX_ERR_RANGE, "angles: must lie in [1, %d]", (int)DPM_SCATTER_ANGLES);
    if (side >> scales < 1 || side > DPM_SCATTER_SIDE)
        return dpm_fail(DPMIX_ERR_RANGE, "side: must lie in [2^scales, %d]", (int)DPM_SCATTER_SIDE);
    return DPMIX_OK;
}

size_t dpm_feature_scatter_channels(size_t scales, size_t angles)
{
    return 1 + scales * angles + angles * angles * (scales * (scales - 1) / 2);
}

size_t dpm_feature_scatter_size(size_t side, size_t scales, size_t angles)
{
    size_t outputs = side >> scales;
    return dpm_feature_scatter_channels(scales, angles) * outputs * outputs;
}

/* ---- The plan ---- */

/* Index in a spectrum of `size` numbers of frequency k of the one that is cut down to n of them. */
static size_t cut(size_t k, size_t n, size_t size)
{
    return k < n / 2 ? k : size - n + k;
}

static int make_low_pass(struct dpm_feature_scatter *plan, size_t j, const double *spectrum, double *kernel)
{
    struct level *level = &plan->level[j];
    size_t n = level->n, step = (size_t)1 << (plan->scales - j);
    level->low_pass = dpm_alloc(n * plan->out_stride, sizeof *level->low_pass);
    if (!level->low_pass)
        return DPMIX_ERR_NOMEM;
    for (size_t x = 0; x < n; x++) {
        kernel[x] = 0;
        for (size_t k = 0; k < n; k++)
            kernel[x] +=
                spectrum[cut(k, n, plan->padded)] * cos(2 * DPM_PI * (double)(k * x % n) / (double)n);
    }
    for (size_t x = 0; x < n; x++)
        for (size_t o = 0; o < plan->outputs; o++)
            level->low_pass[x * plan->out_stride + o] =
                (float)(kernel[((o + 1) * step + n - x) % n] / (double)n);
    return DPMIX_OK;
}

/* The factors of one wavelet, with the 1 / n^2 of both the periodisation and the inverse transform. */
static void put_factors(float *factors, const double *spectrum, size_t padded, size_t fine, size_t coarse)
{
    size_t ratio = fine / coarse;
    for (size_t column = 0; column < coarse; column++)
        for (size_t line = 0; line < coarse; line++)
            for (size_t a = 0; a < ratio; a++)
                for (size_t b = 0; b < ratio; b++) {
                    size_t k = cut(line + a * coarse, fine, padded);
                    size_t l = cut(column + b * coarse, fine, padded);
                    *factors++ = (float)(spectrum[k * padded + l] / (double)(fine * fine));
                }
}

static int make_filters(struct dpm_feature_scatter *plan, double *spectrum, double *work)
{
    size_t padded = plan->padded;
    for (size_t j = 0; j < plan->scales; j++) {
        size_t finest = j > 0 ? j - 1 : 0; /* grids 0 to that lead to grid j */
        for (size_t from = 0; from <= finest; from++) {
            size_t n = plan->level[from].n * plan->level[from].n;
            plan->filters[from][j] = dpm_alloc(plan->angles * n, sizeof(float));
            if (!plan->filters[from][j])
                return DPMIX_ERR_NOMEM;
        }
        for (size_t angle = 0; angle < plan->angles; angle++) {
            dpm_feature_morlet(spectrum, padded, (int)j, (int)angle, (int)plan->angles, work);
            for (size_t from = 0; from <= finest; from++) {
                size_t fine = plan->level[from].n;
                put_factors(plan->filters[from][j] + angle * fine * fine, spectrum, padded, fine,
                            plan->level[j].n);
            }
        }
    }
    return DPMIX_OK;
}

static int make_levels(struct dpm_feature_scatter *plan, double *spectrum, double *work)
{
    dpm_feature_low_pass(spectrum, plan->padded, (int)plan->scales);
    for (size_t j = 0; j < plan->scales; j++) {
        plan->level[j].n = plan->padded >> j;
        int status = dpm_fft_new(&plan->level[j].fft, plan->level[j].n);
        if (!status)
            status = make_low_pass(plan, j, spectrum, work);
        if (status)
            return status;
    }
    return DPMIX_OK;
}

int dpm_feature_scatter_new(struct dpm_feature_scatter **out, size_t side, size_t scales, size_t angles)
{
    int status = dpm_feature_scatter_check(side, scales, angles);
    if (status)
        return status;
    struct dpm_feature_scatter *plan = dpm_alloc(1, sizeof *plan);
    if (!plan)
        return DPMIX_ERR_NOMEM;
    plan->side = side;
    plan->scales = scales;
    plan->angles = angles;
    plan->outputs = side >> scales;
    plan->out_stride = (plan->outputs + BLOCK - 1) / BLOCK * BLOCK;
    plan->padded = (plan->outputs + 2) << scales;
    plan->before = (plan->padded - side) / 2;
    double *work = dpm_alloc(5 * plan->padded * plan->padded, sizeof *work);
    status = work ? DPMIX_OK : DPMIX_ERR_NOMEM;
    if (!status)
        status = make_levels(plan, work, work + plan->padded * plan->padded);
    if (!status)
        status = make_filters(plan, work, work + plan->padded * plan->padded);
    dpm_free(work);
    if (status)
        dpm_feature_scatter_free(plan);
    else
        *out = plan;
    return status;
}

void dpm_feature_scatter_free(struct dpm_feature_scatter *scatter)
{
    if (!scatter)
        return;
    for (size_t j = 0; j < DPM_SCATTER_SCALES; j++) {
        dpm_fft_free(&scatter->level[j].fft);
        dpm_free(scatter->level[j].low_pass);
        for (size_t k = 0; k < DPM_SCATTER_SCALES; k++)
            dpm_free(scatter->filters[j][k]);
    }
    dpm_free(scatter);
}

/* ---- Working memory ---- */

/* Spectra have n / 2 + 1 columns. */
struct memory {
    struct dpm_lane_pair *first;  /* spectrum of the image */
    struct dpm_lane_pair *second; /* of the modulus of a wavelet's output */
    struct dpm_lane_pair *field;  /* a wavelet's output, on the way: lines of it are transformed already */
    struct dpm_lane_pair *line;   /* two lines */
    struct dpm_lane_pair *work;   /* of the transforms: two lines */
    dpm_lanes *pixels;            /* two lines of real numbers */
    dpm_lanes *share;             /* out_stride */
    dpm_lanes *sums;              /* outputs x out_stride */
};

size_t dpm_feature_scatter_scratch(const struct dpm_feature_scatter *scatter)
{
    size_t n = scatter->padded, pairs = 2 * n * (n / 2 + 1) + n * n + 4 * n;
    size_t singles = 2 * n + scatter->out_stride + scatter->outputs * scatter->out_stride;
    return (2 * pairs + singles) * DPM_LANES;
}

static struct memory divide(const struct dpm_feature_scatter *plan, float *scratch)
{
    size_t n = plan->padded, half = n * (n / 2 + 1);
    struct memory memory;
    void *start = scratch;
    memory.first = start;
    memory.second = memory.first + half;
    memory.field = memory.second + half;
    memory.line = memory.field + n * n;
    memory.work = memory.line + 2 * n;
    void *singles = memory.work + 2 * n;
    memory.pixels = singles;
    memory.share = memory.pixels + 2 * n;
    memory.sums = memory.share + plan->out_stride;
    return memory;
}

/* ---- The steps ---- */

/* The transforms of lines y and y + 1, which are real, by one: as real and imaginary part. */
DPM_SIMD_INLINE void transform_two_lines(struct dpm_lane_pair *spectrum, const struct level *level, size_t y,
                                         const struct memory *memory)
{
    size_t n = level->n, half = n / 2 + 1;
    struct dpm_lane_pair *line = memory->line, *low = spectrum + y * half, *high = low + half;
    for (size_t x = 0; x < n; x++) {
        line[x].re = 0.5f * memory->pixels[x];
        line[x].im = 0.5f * memory->pixels[n + x];
    }
    dpm_fft_run(&level->fft, line, 1, line, 1, memory->work);
    for (size_t l = 0; l < half; l++) {
        struct dpm_lane_pair a = line[l], b = line[(n - l) % n];
        low[l].re = a.re + b.re;
        low[l].im = a.im - b.im;
        high[l].re = a.im + b.im;
        high[l].im = b.re - a.re;
    }
}

DPM_SIMD_INLINE void transform_columns(struct dpm_lane_pair *spectrum, const struct level *level,
                                       const struct memory *memory)
{
    size_t half = level->n / 2 + 1;
    for (size_t l = 0; l < half; l++)
        dpm_fft_run(&level->fft, spectrum + l, half, spectrum + l, half, memory->work);
}

/* Adds a line's share to every output. */
DPM_SIMD_INLINE void low_pass_line(const struct dpm_feature_scatter *plan, const struct level *level,
                                   const dpm_lanes *pixels, size_t y, const struct memory *memory)
{
    size_t stride = plan->out_stride;
    const float *down = level->low_pass + y * stride;
    for (size_t o = 0; o < stride; o += BLOCK) {
        const float *factor = level->low_pass + o;
        dpm_lanes sum[BLOCK];
        for (size_t i = 0; i < BLOCK; i++)
            sum[i] = factor[i] * pixels[0];
        for (size_t x = 1; x < level->n; x++) {
            dpm_lanes pixel = pixels[x];
            factor += stride;
            for (size_t i = 0; i < BLOCK; i++)
                sum[i] = sum[i] + factor[i] * pixel;
        }
        for (size_t i = 0; i < BLOCK; i++)
            memory->share[o + i] = sum[i];
    }
    for (size_t p = 0; p < plan->outputs; p++)
        for (size_t o = 0; o < plan->outputs; o++)
            memory->sums[p * stride + o] = memory->sums[p * stride + o] + down[p] * memory->share[o];
}

/* Column `column` of the product of spectrum and filter on the coarser grid, with the two parts exchanged,
 * which makes the transform that follows an inverse one. */
DPM_SIMD_INLINE void multiply_column(const size_t ratio, struct dpm_lane_pair *out,
                                     const struct dpm_lane_pair *spectrum, const float *factors, size_t fine,
                                     size_t column)
{
    size_t coarse = fine / ratio, half = fine / 2 + 1;
    for (size_t k = 0; k < coarse; k++) {
        dpm_lanes re = {0}, im = {0};
        for (size_t a = 0; a < ratio; a++)
            for (size_t b = 0; b < ratio; b++) {
                size_t line = k + a * coarse, l = column + b * coarse;
                float factor = *factors++;
                if (l < half) {
                    const struct dpm_lane_pair *at = spectrum + line * half + l;
                    re = re + factor * at->re;
                    im = im + factor * at->im;
                } else {
                    const struct dpm_lane_pair *at = spectrum + (line ? fine - line : 0) * half + (fine - l);
                    re = re + factor * at->re;
                    im = im - factor * at->im;
                }
            }
        out[k].re = im;
        out[k].im = re;
    }
}

DPM_SIMD_INLINE void modulus(dpm_lanes *out, const struct dpm_lane_pair *in, size_t n)
{
    for (size_t x = 0; x < n; x++) {
        dpm_lanes square = in[x].re * in[x].re + in[x].im * in[x].im;
        float root[DPM_LANES];
        memcpy(root, &square, sizeof square);
        for (size_t v = 0; v < DPM_LANES; v++)
            root[v] = sqrtf(root[v]);
        memcpy(&out[x], root, sizeof root);
    }
}

/* What a wavelet's step reads and writes. */
struct step {
    size_t from, to;                      /* grids */
    const struct dpm_lane_pair *spectrum; /* on grid `from` */
    const float *factors;
    struct dpm_lane_pair *next; /* the spectrum of the modulus, or NULL if no layer follows */
};

/* Low-passed modulus of a wavelet's output to memory->sums. */
DPM_SIMD_INLINE void wavelet_body(const struct dpm_feature_scatter *plan, const struct step *step,
                                  const struct memory *memory)
{
    const struct level *level = &plan->level[step->to];
    size_t n = level->n, fine = plan->level[step->from].n;
    for (size_t column = 0; column < n; column++) {
        const float *factors = step->factors + column * n * (fine / n) * (fine / n);
        switch (fine / n) {
        case 1: multiply_column(1, memory->line, step->spectrum, factors, fine, column); break;
        case 2: multiply_column(2, memory->line, step->spectrum, factors, fine, column); break;
        default: multiply_column(fine / n, memory->line, step->spectrum, factors, fine, column);
        }
        dpm_fft_run(&level->fft, memory->field + column, n, memory->line, 1, memory->work);
    }
    memset(memory->sums, 0, plan->outputs * plan->out_stride * sizeof *memory->sums);
    for (size_t y = 0; y < n; y++) {
        dpm_lanes *pixels = memory->pixels + y % 2 * n;
        dpm_fft_run(&level->fft, memory->line, 1, memory->field + y * n, 1, memory->work);
        modulus(pixels, memory->line, n);
        low_pass_line(plan, level, pixels, y, memory);
        if (step->next && y % 2 == 1)
            transform_two_lines(step->next, level, y - 1, memory);
    }
    if (step->next)
        transform_columns(step->next, level, memory);
}

DPM_SIMD_VERSIONS(wavelet,
                  (const struct dpm_feature_scatter *plan, const struct step *step,
                   const struct memory *memory),
                  (plan, step, memory))

/* Pixel i of a line that is reflected at its ends, which are not repeated. */
static size_t reflected(size_t i, size_t before, size_t side)
{
    size_t period = 2 * (side - 1), at = (i + before * (period - 1)) % period;
    return at < side ? at : period - at;
}

/* Spectrum of the images, and their own low-passed lines to memory->sums. Lanes beyond n hold zeros. */
DPM_SIMD_INLINE void begin_body(const struct dpm_feature_scatter *plan, const float *images, size_t n,
                                const struct memory *memory)
{
    const struct level *level = &plan->level[0];
    size_t side = plan->side;
    memset(memory->sums, 0, plan->outputs * plan->out_stride * sizeof *memory->sums);
    for (size_t y = 0; y < plan->padded; y++) {
        dpm_lanes *pixels = memory->pixels + y % 2 * plan->padded;
        const float *line = images + reflected(y, plan->before, side) * side;
        for (size_t x = 0; x < plan->padded; x++) {
            float pixel[DPM_LANES] = {0};
            size_t at = reflected(x, plan->before, side);
            for (size_t v = 0; v < n; v++)
                pixel[v] = line[v * side * side + at];
            memcpy(&pixels[x], pixel, sizeof pixel);
        }
        low_pass_line(plan, level, pixels, y, memory);
        if (y % 2 == 1)
            transform_two_lines(memory->first, level, y - 1, memory);
    }
    transform_columns(memory->first, level, memory);
}

DPM_SIMD_VERSIONS(begin,
                  (const struct dpm_feature_scatter *plan, const float *images, size_t n,
                   const struct memory *memory),
                  (plan, images, n, memory))

/* ---- All of it ---- */

/* memory->sums as channel number `channel` of n images. */
static void put_channel(const struct dpm_feature_scatter *plan, float *out, size_t ld, size_t n,
                        size_t channel, const struct memory *memory)
{
    size_t outputs = plan->outputs;
    out += channel * outputs * outputs;
    for (size_t p = 0; p < outputs; p++)
        for (size_t o = 0; o < outputs; o++) {
            float value[DPM_LANES];
            memcpy(value, &memory->sums[p * plan->out_stride + o], sizeof value);
            for (size_t v = 0; v < n; v++)
                out[v * ld + p * outputs + o] = value[v];
        }
}

/* The second layer behind wavelets of scale j1; returns the next channel. */
static size_t second_layer(const struct dpm_feature_scatter *plan, float *out, size_t ld, size_t n, size_t j1,
                           size_t channel, const struct memory *memory)
{
    size_t numbers = plan->level[j1].n * plan->level[j1].n;
    for (size_t j2 = j1 + 1; j2 < plan->scales; j2++)
        for (size_t t2 = 0; t2 < plan->angles; t2++) {
            struct step step = {j1, j2, memory->second, plan->filters[j1][j2] + t2 * numbers, NULL};
            wavelet(plan, &step, memory);
            put_channel(plan, out, ld, n, channel++, memory);
        }
    return channel;
}

static void transform_lanes(const struct dpm_feature_scatter *plan, float *out, size_t ld,
                            const float *images, size_t n, const struct memory *memory)
{
    size_t numbers = plan->padded * plan->padded, channel = 1, deep = 1 + plan->scales * plan->angles;
    begin(plan, images, n, memory);
    put_channel(plan, out, ld, n, 0, memory);
    for (size_t j = 0; j < plan->scales; j++)
        for (size_t t = 0; t < plan->angles; t++) {
            int more = j + 1 < plan->scales;
            struct step step = {0, j, memory->first, plan->filters[0][j] + t * numbers,
                                more ? memory->second : NULL};
            wavelet(plan, &step, memory);
            put_channel(plan, out, ld, n, channel++, memory);
            deep = second_layer(plan, out, ld, n, j, deep, memory);
        }
}

void dpm_feature_scatter_apply(const struct dpm_feature_scatter *scatter, float *out, size_t ld,
                               const float *images, size_t n, float *scratch)
{
    struct memory memory = divide(scatter, scratch);
    size_t pixels = scatter->side * scatter->side;
    for (size_t i = 0; i < n; i += DPM_LANES)
        transform_lanes(scatter, out + i * ld, ld, images + i * pixels, n - i < DPM_LANES ? n - i : DPM_LANES,
                        &memory);
}
