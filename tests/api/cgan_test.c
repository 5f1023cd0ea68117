/* SPDX-License-Identifier: BSD-3-Clause */
/* The conditional GAN: its hooks on the training engine, what the generator may depend on, what it learns, of
 * which class and part, and what is its own in a file. The gradients are tested in gan_test.c. */
#include "generator_cgan_train.h"

#include "tiny_options.h"
#include "tiny_release.h"

#include <math.h>

enum { RECORDS = 3000, SAMPLES = 1500, MOST_QUERIES = 64 };

static float points[RECORDS * 2];
static int32_t sampled_labels[SAMPLES];
static float samples[SAMPLES * TINY_PIXELS];

static void setup(void)
{
    options_setup();
    tiny_images(images, labels, RECORDS, CLASSES, 1);
    set_int(DPMIX_OPTION_THREADS, 2);
    set_int(DPMIX_OPTION_STEPS, 300);
    set_double(DPMIX_OPTION_SAMPLING_RATE, 0.05);
    set_double(DPMIX_OPTION_LEARNING_RATE, 5e-3);
    set_int(DPMIX_OPTION_CGAN_HIDDEN, 32);
    set_int(DPMIX_OPTION_CGAN_NOISE, 8);
    set_int(DPMIX_OPTION_CGAN_CRITIC_STEPS, 1);
    set_double(DPMIX_OPTION_CGAN_RATE, 5e-3);
    set_double(DPMIX_OPTION_MOMENTUM, 0.5);
}

static void open_points(int n_classes, double epsilon)
{
    const double lower = 0, upper = 1;
    CHECK_OK(dpmix_dataset_new_f32(&dataset, points, RECORDS, 2, labels, n_classes, &lower, &upper, 1,
                                   DPMIX_STORAGE_COPY));
    tiny_mode_set(&mode, dataset, 3);
    accountant = tiny_accountant(epsilon);
}

static dpmix_generator *new_cgan(void)
{
    dpmix_generator *generator = NULL;
    CHECK_OK(dpmix_generator_new(&generator, DPMIX_GENERATOR_CGAN, options));
    return generator;
}

static dpmix_generator *fitted_cgan(void)
{
    return fitted(new_cgan());
}

/* ---- The hooks ---- */

/* A GAN with one part on the engine, and what a hook is told at its first step. */
struct hooks {
    struct dpm_cgan *cgan;
    struct dpm_train_net net;
    struct dpm_stream stream;
    struct dpm_train_view view;
    size_t size; /* of the discriminator */
    float *discriminator, *gradient, *start;
};

static const double even[CLASSES] = {0.25, 0.25, 0.25, 0.25};
static const uint8_t key[DPM_KEY_SIZE] = "a fixed key for these tests, 43";

static void open_hooks(struct hooks *hooks)
{
    CHECK_OK(dpm_cgan_new(&hooks->cgan, options, TINY_PIXELS, CLASSES, 1));
    hooks->net = dpm_cgan_net(hooks->cgan);
    hooks->size = dpm_train_size(&hooks->net);
    hooks->discriminator = dpm_alloc(hooks->size, sizeof(float));
    hooks->gradient = dpm_alloc(hooks->size, sizeof(float));
    hooks->start = dpm_alloc(hooks->cgan->n_weights, sizeof(float));
    dpm_stream_open(&hooks->stream, key, DPM_STREAM_MODEL, 0, 0);
    hooks->net.start(hooks->cgan, hooks->discriminator, &hooks->stream);
    memcpy(hooks->start, hooks->cgan->weights, hooks->cgan->n_weights * sizeof(float));
    hooks->view = (struct dpm_train_view){.steps = 10,
                                          .weights = hooks->discriminator,
                                          .class_weights = even,
                                          .batch = 300,
                                          .clip_norm = 1e6,
                                          .stream = &hooks->stream};
}

static void close_hooks(struct hooks *hooks)
{
    dpm_cgan_free(hooks->cgan);
    dpm_free(hooks->discriminator);
    dpm_free(hooks->gradient);
    dpm_free(hooks->start);
    dpm_stream_wipe(&hooks->stream);
}

/* Mean logit of fakes that are drawn anew, labels in turn. */
static double mean_logit(const struct hooks *hooks)
{
    enum { N = DPM_NN_GAN_BLOCK };
    const struct dpm_nn_gan *gan = &hooks->cgan->gan;
    struct dpm_stream stream;
    float *noise = dpm_alloc(N * gan->noise, sizeof(float)), *records = dpm_alloc(N * gan->columns, 4);
    float *scratch = dpm_alloc(dpm_nn_gan_scratch(gan) + N, sizeof(float)), *left[2], *right[2];
    int32_t classes[N];
    double sum = 0;
    dpm_stream_open(&stream, key, DPM_STREAM_SAMPLE, 0, 0);
    dpm_stream_normals(&stream, noise, N * gan->noise);
    for (int32_t i = 0; i < N; i++)
        classes[i] = i % CLASSES;
    dpm_nn_gan_generate(gan, hooks->cgan->weights, N, noise, classes, scratch, records);
    left[0] = scratch;
    left[1] = left[0] + N * (gan->discriminator.layer[0].in + 1);
    right[0] = left[1] + N * (gan->discriminator.layer[1].in + 1);
    right[1] = right[0] + N * gan->discriminator.layer[0].out;
    dpm_nn_gan_discriminate(gan, hooks->discriminator, 0, N, records, classes, left, right);
    for (int i = 0; i < N; i++)
        sum += log((double)right[1][i] / (1 - (double)right[1][i])) / N;
    dpm_free(noise);
    dpm_free(records);
    dpm_free(scratch);
    return sum;
}

/* Published code overwrote the fakes' gradient with the noise on the real ones. Here it must arrive: added to
 * what is there, and a mean, so that their number hardly matters; and it lowers the logits of fakes. */
START_TEST(the_gradient_on_fakes_arrives)
{
    struct hooks few, many;
    double squares = 0, change = 0;
    open_hooks(&few);
    set_double(DPMIX_OPTION_CGAN_FAKES, 20);
    open_hooks(&many);
    for (size_t w = 0; w < few.size; w++)
        few.gradient[w] = 3;
    few.net.add_public(few.cgan, &few.view, few.gradient);
    many.net.add_public(many.cgan, &many.view, many.gradient);
    for (size_t w = 0; w < few.size; w++) {
        squares += pow((double)many.gradient[w], 2);
        change += pow((double)(few.gradient[w] - 3 - many.gradient[w]), 2);
    }
    ck_assert_double_gt(squares, 0.01);
    ck_assert_double_lt(change, 0.05 * squares);
    double before = mean_logit(&few);
    for (size_t w = 0; w < few.size; w++)
        few.discriminator[w] -= 0.1f * (few.gradient[w] - 3);
    ck_assert_double_lt(mean_logit(&few), before - 0.05 * squares);
    close_hooks(&few);
    close_hooks(&many);
}
END_TEST

START_TEST(the_generator_moves_at_its_turn)
{
    struct hooks hooks;
    set_int(DPMIX_OPTION_CGAN_CRITIC_STEPS, 3);
    open_hooks(&hooks);
    double before = mean_logit(&hooks);
    for (hooks.view.step = 0; hooks.view.step < 9; hooks.view.step++) {
        hooks.net.after_step(hooks.cgan, &hooks.view);
        ck_assert_uint_eq(hooks.cgan->tracks[0].steps, (hooks.view.step + 1) / 3);
        int same = memcmp(hooks.start, hooks.cgan->weights, hooks.cgan->n_weights * sizeof(float)) == 0;
        ck_assert_int_eq(same, hooks.view.step < 2);
    }
    ck_assert_double_gt(mean_logit(&hooks), before); /* towards "real" */
    close_hooks(&hooks);
}
END_TEST

/* Fakes are of the classes that have weight, and of no others. */
START_TEST(labels_of_fakes_follow_the_class_weights)
{
    const double only_two[CLASSES] = {0, 0, 1, 0};
    struct hooks hooks;
    open_hooks(&hooks);
    hooks.view.class_weights = only_two;
    hooks.net.add_public(hooks.cgan, &hooks.view, hooks.gradient);
    for (size_t c = 0; c < CLASSES; c++) { /* the weights of input column TINY_PIXELS + c */
        double sum = 0;
        size_t hidden = hooks.cgan->gan.discriminator.layer[0].out;
        for (size_t j = 0; j < hidden; j++)
            sum += fabs((double)hooks.gradient[(TINY_PIXELS + c) * hidden + j]);
        ck_assert(c == 2 ? sum > 0 : sum == 0);
    }
    close_hooks(&hooks);
}
END_TEST

/* ---- What the generator may depend on ---- */

/* The second run is shown the sums of the first. */
struct recording {
    int replaying;
    size_t n, next, different;
    int64_t *sums[MOST_QUERIES];
};

static void observe(void *user, const struct dpm_observation *observation, int64_t *sums)
{
    struct recording *recording = user;
    size_t bytes = observation->n * sizeof *sums;
    if (!recording->replaying) {
        ck_assert_uint_lt(recording->n, MOST_QUERIES);
        recording->sums[recording->n] = dpm_alloc(observation->n, sizeof *sums);
        memcpy(recording->sums[recording->n++], sums, bytes);
        return;
    }
    ck_assert_uint_lt(recording->next, recording->n);
    const int64_t *first = recording->sums[recording->next++];
    recording->different += memcmp(first, sums, bytes) != 0;
    memcpy(sums, first, bytes);
}

/* Other records, other labels, fewer of them: with the same released sums the same generator, bit for bit. */
START_TEST(the_generator_sees_released_sums_only)
{
    struct recording recording = {0};
    struct dpm_blob blobs[2] = {{0}, {0}};
    set_int(DPMIX_OPTION_STEPS, 20);
    set_double(DPMIX_OPTION_AVERAGING, _i ? 0.9 : 0);
    for (int run = 0; run < 2; run++) {
        if (run == 1) {
            tiny_images(images, labels, RECORDS, CLASSES, 77);
            for (size_t i = 0; i < RECORDS; i++)
                labels[i] = (labels[i] + 1) % CLASSES;
        }
        open_release(run ? RECORDS / 2 : RECORDS, labels, 2);
        recording.replaying = run;
        mode.mode.noiseless = 1;
        mode.mode.observe = observe;
        mode.mode.user = &recording;
        dpmix_generator *generator = fitted_cgan();
        dpm_generator_put(generator, &blobs[run]);
        dpmix_generator_free(generator);
        close_release();
    }
    ck_assert_uint_eq(recording.next, 21);
    ck_assert_uint_eq(recording.different, 21);
    ck_assert_uint_eq(blobs[0].size, blobs[1].size);
    ck_assert_mem_eq(blobs[0].bytes, blobs[1].bytes, blobs[0].size);
    for (size_t i = 0; i < recording.n; i++)
        dpm_free(recording.sums[i]);
    dpm_blob_free(&blobs[0]);
    dpm_blob_free(&blobs[1]);
}
END_TEST

/* ---- What it learns ---- */

/* Share of the samples whose one bright line is that of their class. */
static double share_right(void)
{
    size_t right = 0;
    for (size_t i = 0; i < SAMPLES; i++) {
        double lines[TINY_SIDE] = {0}, mean = 0;
        int best = 0;
        for (size_t j = 0; j < TINY_PIXELS; j++) {
            double light = (double)samples[i * TINY_PIXELS + j];
            ck_assert(light >= 0 && light <= 255);
            lines[j / TINY_SIDE] += light / TINY_SIDE;
            mean += light / TINY_PIXELS;
        }
        for (int line = 1; line < TINY_SIDE; line++)
            if (lines[line] > lines[best])
                best = line;
        right += best == sampled_labels[i] && lines[best] - mean > 50; /* that of the records is about 150 */
    }
    return (double)right / SAMPLES;
}

static double utility(double epsilon)
{
    open_release(RECORDS, labels, epsilon);
    dpmix_generator *generator = fitted_cgan();
    draw(generator, samples, sampled_labels, 0, SAMPLES);
    dpmix_generator_free(generator);
    close_release();
    return share_right();
}

/* Records have the line of their label; the shares of the labels are those of the data. */
START_TEST(learns_the_classes)
{
    size_t count[CLASSES] = {0};
    ck_assert_double_ge(utility(20), 0.95);
    for (size_t i = 0; i < SAMPLES; i++)
        count[sampled_labels[i]]++;
    for (int32_t c = 0; c < CLASSES; c++) /* 1,500 draws: a standard deviation of 0.013 at most */
        ck_assert_double_le(fabs((double)count[c] / SAMPLES - tiny_share(c, CLASSES)), 0.08);
}
END_TEST

START_TEST(utility_rises_with_epsilon)
{
    double low = utility(0.05), middle = utility(1), high = utility(20);
    ck_assert_double_lt(low, 0.6);
    ck_assert_double_gt(middle, low);
    ck_assert_double_ge(high, middle);
}
END_TEST

/* Eight Gaussians on a circle, the class of each known; epsilon 1e4 is as good as no noise. */
enum { RING = 8 };

static void ring_centre(int32_t label, double *x, double *y)
{
    *x = 0.5 + 0.35 * cos(2 * 3.14159265358979 * label / RING);
    *y = 0.5 + 0.35 * sin(2 * 3.14159265358979 * label / RING);
}

static double ring_distance(const float *point, int32_t label)
{
    double x, y;
    ring_centre(label, &x, &y);
    return hypot((double)point[0] - x, (double)point[1] - y);
}

static void set_for_points(void)
{
    set_int(DPMIX_OPTION_STEPS, 2000);
    set_double(DPMIX_OPTION_LEARNING_RATE, 1e-2);
    set_int(DPMIX_OPTION_CGAN_CRITIC_STEPS, 2);
    set_int(DPMIX_OPTION_CGAN_LAYERS, 2);
    set_int(DPMIX_OPTION_CGAN_HIDDEN, 48);
    set_double(DPMIX_OPTION_AVERAGING, 0.99);
    set_int(DPMIX_OPTION_RATE_SCHEDULE, DPMIX_RATE_COSINE);
}

START_TEST(learns_a_ring_of_gaussians)
{
    struct tiny_random random = {9};
    size_t right = 0;
    for (size_t i = 0; i < RECORDS; i++) {
        double x, y;
        labels[i] = (int32_t)(i % RING);
        ring_centre(labels[i], &x, &y);
        points[2 * i] = (float)(x + 0.04 * tiny_normal(&random));
        points[2 * i + 1] = (float)(y + 0.04 * tiny_normal(&random));
    }
    set_for_points();
    open_points(RING, _i ? 10 : 1e4);
    dpmix_generator *generator = fitted_cgan();
    draw(generator, samples, sampled_labels, 0, SAMPLES);
    for (size_t i = 0; i < SAMPLES; i++) /* neighbours' centres are 0.27 apart */
        right += ring_distance(samples + 2 * i, sampled_labels[i]) < 0.134;
    ck_assert_double_ge((double)right / SAMPLES, _i ? 0.7 : 0.9);
    dpmix_generator_free(generator);
    close_release();
}
END_TEST

/* Distance from the half circle of a moon's middle. */
static double moon_distance(const float *point, int32_t label)
{
    double x = (double)point[0] - (label ? 0.6 : 0.4), y = (double)point[1] - (label ? 0.55 : 0.45);
    double side = label ? -y : y, radius = hypot(x, y);
    return side >= 0 ? fabs(radius - 0.25) : hypot(fabs(x) - 0.25, y);
}

START_TEST(learns_two_moons)
{
    struct tiny_random random = {10};
    double mean = 0, spread[2] = {0};
    for (size_t i = 0; i < RECORDS; i++) {
        double angle = 3.14159265358979 * tiny_uniform(&random);
        labels[i] = (int32_t)(i % 2);
        double turn = labels[i] ? -1 : 1;
        points[2 * i] = (float)((labels[i] ? 0.6 : 0.4) + 0.25 * cos(angle) + 0.02 * tiny_normal(&random));
        points[2 * i + 1] =
            (float)((labels[i] ? 0.55 : 0.45) + turn * 0.25 * sin(angle) + 0.02 * tiny_normal(&random));
    }
    set_for_points();
    open_points(2, _i ? 10 : 1e4);
    dpmix_generator *generator = fitted_cgan();
    draw(generator, samples, sampled_labels, 0, SAMPLES);
    for (size_t i = 0; i < SAMPLES; i++) {
        int32_t label = sampled_labels[i];
        double middle = label ? 0.6 : 0.4;
        mean += moon_distance(samples + 2 * i, label) / SAMPLES;
        spread[label] += pow((double)samples[2 * i] - middle, 2);
    }
    ck_assert_double_le(mean, _i ? 0.08 : 0.05); /* of uniform points: 0.15 */
    for (int c = 0; c < 2; c++) /* along the moon, too: a standard deviation of 0.18 in the data */
        ck_assert_double_ge(sqrt(spread[c] / (SAMPLES / 2)), 0.1);
    dpmix_generator_free(generator);
    close_release();
}
END_TEST

START_TEST(makes_labels_only_when_conditional)
{
    set_int(DPMIX_OPTION_STEPS, 200);
    for (int with_labels = 0; with_labels <= 1; with_labels++) {
        set_int(DPMIX_OPTION_CONDITIONAL, !with_labels);
        open_release(RECORDS, with_labels ? labels : NULL, 20);
        dpmix_generator *generator = fitted_cgan();
        CHECK_FAILS(dpmix_generator_sample(generator, samples, sampled_labels, 0, 1, TINY_PIXELS, NULL),
                    DPMIX_ERR_UNSUPPORTED, "labels");
        draw(generator, samples, NULL, 0, SAMPLES);
        double mean[2] = {0}; /* of the lines that classes have, and of the others */
        for (size_t i = 0; i < SAMPLES; i++)
            for (size_t j = 0; j < TINY_PIXELS; j++)
                mean[j / TINY_SIDE >= CLASSES] +=
                    (double)samples[i * TINY_PIXELS + j] * 2 / (SAMPLES * TINY_PIXELS);
        ck_assert_double_gt(mean[0], mean[1] + 20);
        dpmix_generator_free(generator);
        close_release();
    }
}
END_TEST

/* Under the partition by label each part has a pair of nets, which learns its part alone. */
START_TEST(parts_have_nets_of_their_own)
{
    const uint64_t seed = 5;
    set_int(DPMIX_OPTION_CONDITIONAL, 0);
    open_release(RECORDS, labels, 50);
    dpmix_mixture *mixture = fitted_by_label(new_cgan(), options);
    CHECK_OK(dpmix_mixture_sample(mixture, samples, sampled_labels, 0, SAMPLES, TINY_PIXELS, &seed));
    ck_assert_double_ge(share_right(), 0.9);
    dpmix_mixture_free(mixture);
    close_release();
}
END_TEST

/* ---- The rest ---- */

START_TEST(threads_and_cuts_change_nothing)
{
    dpmix_generator *generators[3];
    set_int(DPMIX_OPTION_STEPS, 10);
    for (int i = 0; i < 3; i++) {
        set_int(DPMIX_OPTION_THREADS, (int[]){1, 2, 7}[i]);
        open_release(RECORDS, labels, 5);
        generators[i] = fitted_cgan();
        close_release();
    }
    for (int i = 1; i < 3; i++)
        check_sequence(generators[0], generators[i], SAMPLES);
    for (int i = 0; i < 3; i++)
        dpmix_generator_free(generators[i]);
}
END_TEST

START_TEST(hardly_any_rows_are_enough)
{
    set_int(DPMIX_OPTION_STEPS, 20);
    for (size_t n_rows = 0; n_rows < 3; n_rows++) {
        open_release(n_rows, labels, 1);
        dpmix_generator *generator = fitted_cgan();
        draw(generator, samples, sampled_labels, 0, SAMPLES);
        share_right(); /* checks the bounds */
        dpmix_generator_free(generator);
        close_release();
    }
}
END_TEST

START_TEST(memory_comes_before_the_debit)
{
    set_int(DPMIX_OPTION_STEPS, 3);
    set_double(DPMIX_OPTION_AVERAGING, 0.9);
    open_release(100, labels, 1);
    dpmix_generator *generator = new_cgan();
    check_memory_comes_first(generator, 20);
    CHECK_OK(dpmix_generator_fit(generator, accountant, dataset, 1, NULL, NULL));
    dpmix_generator_free(generator);
    close_release();
}
END_TEST

static int stop_at_7(void *user, int phase, uint64_t done, uint64_t total, double spent)
{
    (void)user, (void)phase, (void)total, (void)spent;
    return done == 7;
}

/* Trains and, with a blob, stops at the seventh step to put all into it, or goes on from it. */
static void train(struct dpm_blob *blob, int go_on, float **weights)
{
    struct dpm_cgan *cgan = NULL;
    struct dpm_train *engine = NULL;
    struct dpm_fit fit = {.share = 1, .threads = 2};
    open_release(RECORDS, labels, 3);
    mode.mode.noiseless = 1;
    fit.accountant = accountant;
    fit.dataset = dataset;
    fit.progress = blob && !go_on ? stop_at_7 : NULL;
    CHECK_OK(dpm_cgan_new(&cgan, options, TINY_PIXELS, CLASSES, 1));
    struct dpm_train_net net = dpm_cgan_net(cgan);
    CHECK_OK(dpm_train_new(&engine, &net, options, 1));
    if (go_on) {
        dpm_train_get(engine, blob);
        CHECK_OK(dpm_blob_finish(blob));
    }
    CHECK_OK(dpm_train_open(engine, &fit, "GAN"));
    int status = dpm_train_run(engine, &fit);
    ck_assert_int_eq(status, fit.progress ? DPMIX_ERR_CANCELLED : DPMIX_OK);
    if (fit.progress)
        dpm_train_put(engine, blob);
    else
        *weights = dpm_cgan_take_weights(cgan);
    dpm_train_free(engine);
    dpm_cgan_free(cgan);
    close_release();
}

/* Every row takes part and there is no noise, so that a second release takes the same steps but for the
 * rounding of other blocks. */
START_TEST(checkpoints_hold_the_generators)
{
    struct dpm_blob blob = {0};
    float *whole = NULL, *continued = NULL;
    set_int(DPMIX_OPTION_STEPS, 12);
    set_double(DPMIX_OPTION_SAMPLING_RATE, 1);
    set_double(DPMIX_OPTION_AVERAGING, _i ? 0.9 : 0);
    set_int(DPMIX_OPTION_CGAN_OPTIMIZER, _i ? DPMIX_OPTIMIZER_SGD : DPMIX_OPTIMIZER_ADAM);
    train(NULL, 0, &whole);
    train(&blob, 0, NULL);
    blob.at = 0;
    train(&blob, 1, &continued);
    struct dpm_cgan *cgan = NULL;
    CHECK_OK(dpm_cgan_new(&cgan, options, TINY_PIXELS, CLASSES, 1));
    for (size_t w = 0; w < cgan->n_weights; w++)
        ck_assert_float_eq_tol(whole[w], continued[w], 1e-4f);
    dpm_cgan_free(cgan);
    set_int(DPMIX_OPTION_CGAN_HIDDEN, 31); /* of another net */
    CHECK_OK(dpm_cgan_new(&cgan, options, TINY_PIXELS, CLASSES, 1));
    struct dpm_train_net net = dpm_cgan_net(cgan);
    blob.at = 0;
    net.get(cgan, &blob);
    ck_assert_int_eq(dpm_blob_status(&blob), DPMIX_ERR_FORMAT);
    dpm_cgan_free(cgan);
    dpm_free(whole);
    dpm_free(continued);
    dpm_blob_free(&blob);
}
END_TEST

/* A model from a file that passed its checksum but was made to harm: it is refused, or it samples as models
 * do. */
START_TEST(hostile_models_do_no_harm)
{
    const uint64_t seed = 11;
    struct dpm_blob blob = {0};
    struct tiny_tally tally = {0};
    set_int(DPMIX_OPTION_STEPS, 2);
    set_int(DPMIX_OPTION_CGAN_HIDDEN, 3);
    set_int(DPMIX_OPTION_CGAN_NOISE, 2);
    set_int(DPMIX_OPTION_CGAN_LAYERS, 2);
    open_release(100, labels, 1);
    dpmix_generator *generator = fitted_cgan();
    tiny_put(&blob, generator, 64);
    for (size_t at = 0; at < blob.size; at++)
        for (int bit = 0; bit < 8; bit += 7)
            tiny_get_damaged(&tally, &blob, at, bit, generator, &seed);
    ck_assert_uint_gt(tally.refused, 100);
    ck_assert_uint_gt(tally.accepted, 100); /* most bytes are weights */
    dpm_blob_free(&blob);
    dpmix_generator_free(generator);
    close_release();
}
END_TEST

static Suite *suite(void)
{
    const struct {
        const TTest *function;
        int n;
    } tests[] = {
        {the_gradient_on_fakes_arrives, 1},
        {the_generator_moves_at_its_turn, 1},
        {labels_of_fakes_follow_the_class_weights, 1},
        {the_generator_sees_released_sums_only, 2},
        {learns_the_classes, 1},
        {utility_rises_with_epsilon, 1},
        {learns_a_ring_of_gaussians, 2},
        {learns_two_moons, 2},
        {makes_labels_only_when_conditional, 1},
        {parts_have_nets_of_their_own, 1},
        {threads_and_cuts_change_nothing, 1},
        {hardly_any_rows_are_enough, 1},
        {memory_comes_before_the_debit, 1},
        {checkpoints_hold_the_generators, 2},
        {hostile_models_do_no_harm, 1},
    };
    Suite *s = suite_create("cgan");
    TCase *check_case = tcase_create("cgan");
    tcase_set_timeout(check_case, 0);
    tcase_add_checked_fixture(check_case, setup, options_teardown);
    for (size_t i = 0; i < sizeof tests / sizeof *tests; i++)
        tcase_add_loop_test(check_case, tests[i].function, 0, tests[i].n);
    suite_add_tcase(s, check_case);
    return s;
}

CHECK_MAIN(suite)
