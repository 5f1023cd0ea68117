/* SPDX-License-Identifier: BSD-3-Clause */
/* The two nets of a GAN against naive double-precision twins: gradients by central differences, of the
 * discriminator on real and on made-up records, and of the generator through the discriminator. */
#include "base_alloc.h"
#include "check_main.h"
#include "nn_gan.h"
#include "nn_optim.h"

#include <math.h>
#include <string.h>

enum { COLUMNS = 7, NOISE = 3, HIDDEN = 5, WIDEST = 64, MOST = 1024, FAKES = 6, ROWS = 131 };

#define DIFFERENCE 1e-6 /* half the step of the central differences */

static const struct {
    size_t classes;
    int layers;
} shapes[] = {{0, 1}, {3, 1}, {4, 2}, {2, 4}};
enum { SHAPES = sizeof shapes / sizeof *shapes };

/* Numbers in [-scale, scale) of a fixed sequence. */
static void fill(float *values, size_t n, uint64_t seed, float scale)
{
    for (size_t i = 0; i < n; i++) {
        seed = seed * 6364136223846793005u + 1442695040888963407u;
        values[i] = scale * (float)(int32_t)(seed >> 32) * 0x1p-31f;
    }
}

struct gan_case {
    struct dpm_nn_gan gan;
    size_t generator_size, discriminator_size;
    float generator[MOST], discriminator[MOST], noise[ROWS * NOISE], rows[ROWS * COLUMNS];
    int32_t labels[ROWS];
    float *scratch;
    double generator_twin[MOST], discriminator_twin[MOST];
};

static struct gan_case gc;

static void open_case(int shape)
{
    gc.gan = dpm_nn_gan_shape(COLUMNS, shapes[shape].classes, NOISE, HIDDEN, shapes[shape].layers);
    gc.generator_size = dpm_nn_dense_size(&gc.gan.generator);
    gc.discriminator_size = dpm_nn_dense_size(&gc.gan.discriminator);
    ck_assert_uint_le(gc.generator_size, MOST);
    ck_assert_uint_le(gc.discriminator_size, MOST);
    fill(gc.generator, gc.generator_size, 1, 0.7f);
    fill(gc.discriminator, gc.discriminator_size, 2, 0.7f);
    fill(gc.noise, ROWS * NOISE, 3, 2);
    fill(gc.rows, ROWS * COLUMNS, 4, 1);
    for (size_t i = 0; i < ROWS * COLUMNS; i++)
        gc.rows[i] = fabsf(gc.rows[i]);
    for (size_t i = 0; shapes[shape].classes && i < ROWS; i++)
        gc.labels[i] = (int32_t)(i * 5 % shapes[shape].classes);
    for (size_t w = 0; w < MOST; w++) {
        gc.generator_twin[w] = (double)gc.generator[w];
        gc.discriminator_twin[w] = (double)gc.discriminator[w];
    }
    gc.scratch = dpm_alloc(dpm_nn_gan_scratch(&gc.gan), sizeof *gc.scratch);
    ck_assert_ptr_nonnull(gc.scratch);
}

static void close_case(void)
{
    dpm_free(gc.scratch);
}

/* ---- The twins ---- */

/* Hidden units are multiplied by `slope` below zero. values: the input, and on return the output. */
static void twin_net(const struct dpm_nn_dense *net, const double *weights, double slope, double *values)
{
    double next[WIDEST];
    for (int l = 0; l < net->n_layers; l++) {
        size_t in = net->layer[l].in, out = net->layer[l].out;
        for (size_t j = 0; j < out; j++) {
            next[j] = weights[in * out + j];
            for (size_t i = 0; i < in; i++)
                next[j] += values[i] * weights[i * out + j];
            if (l + 1 < net->n_layers && next[j] < 0)
                next[j] *= slope;
        }
        memcpy(values, next, out * sizeof *values);
        weights += (in + 1) * out;
    }
}

static void twin_class(double *input, int32_t label, double value)
{
    for (size_t c = 0; c < gc.gan.classes; c++)
        input[c] = (size_t)label == c ? value : 0;
}

/* H(target, D(record)) */
static double twin_loss(const double *record, int32_t label, double target)
{
    double values[WIDEST];
    memcpy(values, record, COLUMNS * sizeof *values);
    twin_class(values + COLUMNS, label, (double)gc.gan.record_class);
    twin_net(&gc.gan.discriminator, gc.discriminator_twin, 0.2, values);
    return target * log1p(exp(-values[0])) + (1 - target) * log1p(exp(values[0]));
}

static void twin_generate(double *record, size_t i)
{
    double values[WIDEST];
    for (size_t j = 0; j < NOISE; j++)
        values[j] = (double)gc.noise[i * NOISE + j];
    twin_class(values + NOISE, gc.labels[i], (double)gc.gan.noise_class);
    twin_net(&gc.gan.generator, gc.generator_twin, 0, values);
    for (size_t j = 0; j < COLUMNS; j++)
        record[j] = 1 / (1 + exp(-values[j]));
}

static double twin_fake_loss(size_t first, size_t n, double target)
{
    double record[COLUMNS], loss = 0;
    for (size_t i = first; i < first + n; i++) {
        twin_generate(record, i);
        loss += twin_loss(record, gc.labels[i], target);
    }
    return loss;
}

/* The derivative of the fakes' loss by a weight of either twin. */
static double fake_difference(double *weight, size_t first, size_t n, double target)
{
    double centre = *weight;
    *weight = centre + DIFFERENCE;
    double up = twin_fake_loss(first, n, target);
    *weight = centre - DIFFERENCE;
    double down = twin_fake_loss(first, n, target);
    *weight = centre;
    return (up - down) / (2 * DIFFERENCE);
}

static void assert_near(double value, double expected, double tolerance)
{
    ck_assert_msg(fabs(value - expected) <= tolerance * (1 + fabs(expected)), "%.9g instead of %.9g", value,
                  expected);
}

/* ---- Real records ---- */

struct real_factors {
    float left[DPM_NN_LAYERS][ROWS * (WIDEST + 1)], right[DPM_NN_LAYERS][ROWS * WIDEST];
    float *left_of[DPM_NN_LAYERS], *right_of[DPM_NN_LAYERS];
};

static struct real_factors whole, part;

static void discriminate(struct real_factors *factors, size_t first, size_t n, float target)
{
    for (int l = 0; l < DPM_NN_LAYERS; l++) {
        factors->left_of[l] = factors->left[l];
        factors->right_of[l] = factors->right[l];
    }
    dpm_nn_gan_discriminate(&gc.gan, gc.discriminator, target, n, gc.rows + first * COLUMNS,
                            gc.gan.classes ? gc.labels + first : NULL, factors->left_of, factors->right_of);
}

START_TEST(gradients_on_real_records)
{
    const float target = 0.9f;
    open_case(_i);
    discriminate(&whole, 0, 4, target);
    for (size_t i = 0; i < 4; i++) {
        double record[COLUMNS];
        for (size_t j = 0; j < COLUMNS; j++)
            record[j] = (double)gc.rows[i * COLUMNS + j];
        double *weight = gc.discriminator_twin;
        for (int l = 0; l < gc.gan.discriminator.n_layers; l++) {
            size_t in = gc.gan.discriminator.layer[l].in + 1, out = gc.gan.discriminator.layer[l].out;
            for (size_t w = 0; w < in * out; w++, weight++) {
                double centre = *weight;
                *weight = centre + DIFFERENCE;
                double up = twin_loss(record, gc.labels[i], (double)target);
                *weight = centre - DIFFERENCE;
                double down = twin_loss(record, gc.labels[i], (double)target);
                *weight = centre;
                assert_near((double)whole.left[l][i * in + w / out] *
                                (double)whole.right[l][i * out + w % out],
                            (up - down) / (2 * DIFFERENCE), 3e-6);
            }
        }
    }
    close_case();
}
END_TEST

/* In company or alone, a row's factors are the same bits. */
START_TEST(rows_are_pure)
{
    open_case(_i % SHAPES);
    size_t n = (size_t[]){1, 3, 16, 64}[_i / SHAPES];
    discriminate(&whole, 0, ROWS, 0.9f);
    for (size_t first = 0; first < ROWS; first += n) {
        size_t some = ROWS - first < n ? ROWS - first : n;
        discriminate(&part, first, some, 0.9f);
        for (int l = 0; l < gc.gan.discriminator.n_layers; l++) {
            size_t in = gc.gan.discriminator.layer[l].in + 1, out = gc.gan.discriminator.layer[l].out;
            ck_assert_mem_eq(whole.left[l] + first * in, part.left[l], some * in * sizeof(float));
            ck_assert_mem_eq(whole.right[l] + first * out, part.right[l], some * out * sizeof(float));
        }
    }
    close_case();
}
END_TEST

/* ---- Made-up records ---- */

/* Both functions add to what is there. */
static const float before = 0.5f;

static void fake_gradient(float *gradient, double clip_norm, size_t first, size_t n)
{
    for (size_t w = 0; w < gc.discriminator_size; w++)
        gradient[w] = before;
    dpm_nn_gan_fake_gradient(&gc.gan, gc.generator, gc.discriminator, clip_norm, n, gc.noise + first * NOISE,
                             gc.labels + first, gc.scratch, gradient);
}

START_TEST(gradients_on_fakes)
{
    float gradient[MOST];
    open_case(_i);
    fake_gradient(gradient, 1e6, 0, FAKES);
    for (size_t w = 0; w < gc.discriminator_size; w++)
        assert_near((double)(gradient[w] - before), fake_difference(&gc.discriminator_twin[w], 0, FAKES, 0),
                    1e-5);
    close_case();
}
END_TEST

/* Each fake's gradient by itself is shortened to the clip norm where it is longer: here the mean of all
 * norms, so that some are and some are not. */
START_TEST(fakes_are_clipped_one_by_one)
{
    static double exact[FAKES][MOST];
    double norms[FAKES], clip_norm = 0, total[MOST] = {0};
    float gradient[MOST];
    open_case(_i);
    for (size_t i = 0; i < FAKES; i++) {
        double squares = 0;
        for (size_t w = 0; w < gc.discriminator_size; w++) {
            exact[i][w] = fake_difference(&gc.discriminator_twin[w], i, 1, 0);
            squares += exact[i][w] * exact[i][w];
        }
        norms[i] = sqrt(squares);
        clip_norm += norms[i] / FAKES;
    }
    for (size_t i = 0; i < FAKES; i++) {
        fake_gradient(gradient, clip_norm, i, 1);
        for (size_t w = 0; w < gc.discriminator_size; w++) {
            double clipped = exact[i][w] * fmin(1, clip_norm / norms[i]);
            assert_near((double)(gradient[w] - before), clipped, 1e-5);
            total[w] += clipped;
        }
    }
    fake_gradient(gradient, clip_norm, 0, FAKES);
    for (size_t w = 0; w < gc.discriminator_size; w++)
        assert_near((double)(gradient[w] - before), total[w], 1e-5);
    close_case();
}
END_TEST

START_TEST(generator_gradients_through_the_discriminator)
{
    float gradient[MOST];
    open_case(_i);
    for (size_t w = 0; w < gc.generator_size; w++)
        gradient[w] = before;
    dpm_nn_gan_generator_gradient(&gc.gan, gc.generator, gc.discriminator, FAKES, gc.noise, gc.labels,
                                  gc.scratch, gradient);
    for (size_t w = 0; w < gc.generator_size; w++)
        assert_near((double)(gradient[w] - before), fake_difference(&gc.generator_twin[w], 0, FAKES, 1),
                    1e-5);
    close_case();
}
END_TEST

START_TEST(records_are_made_one_by_one)
{
    float records[ROWS * COLUMNS], alone[COLUMNS];
    double record[COLUMNS];
    open_case(_i);
    float *scratch = dpm_alloc(dpm_nn_gan_generate_scratch(&gc.gan), ROWS * sizeof *scratch);
    dpm_nn_gan_generate(&gc.gan, gc.generator, ROWS, gc.noise, gc.labels, scratch, records);
    for (size_t i = 0; i < ROWS; i++) {
        twin_generate(record, i);
        for (size_t j = 0; j < COLUMNS; j++)
            assert_near((double)records[i * COLUMNS + j], record[j], 1e-6);
        dpm_nn_gan_generate(&gc.gan, gc.generator, 1, gc.noise + i * NOISE, gc.labels + i, scratch, alone);
        ck_assert_mem_eq(alone, records + i * COLUMNS, sizeof alone);
    }
    dpm_free(scratch);
    close_case();
}
END_TEST

/* Weights at their limit, as much noise may leave them. */
START_TEST(all_stays_finite)
{
    float gradient[MOST] = {0};
    open_case(_i);
    for (size_t w = 0; w < MOST; w++) {
        gc.generator[w] = copysignf(DPM_NN_WEIGHT_LIMIT, gc.generator[w]);
        gc.discriminator[w] = copysignf(DPM_NN_WEIGHT_LIMIT, gc.discriminator[w]);
    }
    discriminate(&whole, 0, ROWS, 0.9f);
    for (int l = 0; l < gc.gan.discriminator.n_layers; l++)
        for (size_t i = 0; i < ROWS * gc.gan.discriminator.layer[l].out; i++)
            ck_assert(isfinite(whole.right[l][i]));
    dpm_nn_gan_generator_gradient(&gc.gan, gc.generator, gc.discriminator, FAKES, gc.noise, gc.labels,
                                  gc.scratch, gradient);
    dpm_nn_gan_fake_gradient(&gc.gan, gc.generator, gc.discriminator, 1, FAKES, gc.noise, gc.labels,
                             gc.scratch, gradient);
    for (size_t w = 0; w < MOST; w++)
        ck_assert(isfinite(gradient[w]));
    close_case();
}
END_TEST

START_TEST(sizes_that_overflow_are_seen)
{
    struct dpm_nn_gan gan = dpm_nn_gan_shape(SIZE_MAX / 256, 0, 1, 1024, 1);
    ck_assert_uint_eq(dpm_nn_gan_scratch(&gan), 0);
    gan = dpm_nn_gan_shape(SIZE_MAX / 256, 0, 1, 1, 1);
    ck_assert_uint_eq(dpm_nn_gan_scratch(&gan), 0);
}
END_TEST

static void add(TCase *check_case, const TTest *function, int n)
{
    tcase_add_loop_test(check_case, function, 0, n);
}

static Suite *suite(void)
{
    Suite *s = suite_create("gan");
    TCase *check_case = tcase_create("gan");
    tcase_set_timeout(check_case, 0);
    add(check_case, gradients_on_real_records, SHAPES);
    add(check_case, rows_are_pure, 4 * SHAPES);
    add(check_case, gradients_on_fakes, SHAPES);
    add(check_case, fakes_are_clipped_one_by_one, SHAPES);
    add(check_case, generator_gradients_through_the_discriminator, SHAPES);
    add(check_case, records_are_made_one_by_one, SHAPES);
    add(check_case, all_stays_finite, SHAPES);
    add(check_case, sizes_that_overflow_are_seen, 1);
    suite_add_tcase(s, check_case);
    return s;
}

CHECK_MAIN(suite)
