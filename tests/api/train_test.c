/* SPDX-License-Identifier: BSD-3-Clause */
/* The training engine, with a net of which all is known: its weights are the mean of the rows it was shown.
 */
#include "generator_train.h"

#include "tiny_file.h"
#include "tiny_model.h"
#include "tiny_options.h"

#include <math.h>

enum { ROWS = 600, COLUMNS = 6, CLASSES = 2, MOST_QUERIES = 128, HOOKED_STEPS = 40 };

static float rows[ROWS * COLUMNS];
static int32_t labels[ROWS];

static void setup(void)
{
    struct tiny_random random = {5};
    for (size_t i = 0; i < ROWS; i++) {
        labels[i] = i % 3 == 0;
        for (size_t j = 0; j < COLUMNS; j++)
            rows[i * COLUMNS + j] = (float)((labels[i] ? 0.5 : 0.1) + 0.2 * tiny_uniform(&random));
    }
    options_setup();
    CHECK_OK(dpmix_options_set_int(options, DPMIX_OPTION_STEPS, HOOKED_STEPS));
    CHECK_OK(dpmix_options_set_double(options, DPMIX_OPTION_SAMPLING_RATE, 1));
    CHECK_OK(dpmix_options_set_double(options, DPMIX_OPTION_LEARNING_RATE, 0.05));
    CHECK_OK(dpmix_options_set_double(options, DPMIX_OPTION_CLIP_NORM, 10));
}

/* ---- The net ---- */

/* Counts what it is told, and pulls the weights of the public hook by `pull`. */
struct toy {
    float pull;
    int before, after, part, bad;
    uint64_t step;
    double noise;
    double drawn[2 * HOOKED_STEPS];    /* by the public streams, one after each step */
    double average[CLASSES * COLUMNS]; /* of the weights after the steps, by `averaging` */
    double averaging;
};

/* The loss |w - x|^2 / 2. Its gradient w - x is one column. */
static void contribute(const void *context, const float *weights, const struct dpm_block *block,
                       float *const *left, float *const *right)
{
    (void)context;
    for (size_t i = 0; i < block->n_rows; i++) {
        for (size_t j = 0; j < COLUMNS; j++)
            left[0][i * COLUMNS + j] = weights[j] - block->rows[i * COLUMNS + j];
        right[0][i] = 1;
    }
}

/* Norms that do not depend on the weights: spread evenly from 0 to 1 by the row's first column, which lies in
 * [0.1, 0.3] for class 0 and [0.5, 0.7] for class 1; the second column below 0.12 gives what is not finite.
 */
static void contribute_norms(const void *context, const float *weights, const struct dpm_block *block,
                             float *const *left, float *const *right)
{
    (void)context, (void)weights;
    for (size_t i = 0; i < block->n_rows; i++) {
        float x = block->rows[i * COLUMNS];
        for (size_t j = 0; j < COLUMNS; j++)
            left[0][i * COLUMNS + j] = j == 0;
        right[0][i] = block->rows[i * COLUMNS + 1] < 0.02f ? NAN : 5 * (x < 0.4f ? x - 0.1f : x - 0.5f);
    }
}

static void start(const void *context, float *weights, struct dpm_stream *stream)
{
    (void)context;
    dpm_stream_normals(stream, weights, COLUMNS);
}

static void add_public(void *context, const struct dpm_train_view *view, float *gradient)
{
    struct toy *toy = context;
    toy->before++;
    toy->part = view->part;
    toy->step = view->step;
    toy->noise = view->noise;
    toy->bad +=
        view->steps != HOOKED_STEPS || !(view->noise > 0) || !(view->rate >= 0) || !(view->clip_norm > 0);
    toy->bad += fabs(view->class_weights[0] + view->class_weights[1] - 1) > 1e-9;
    for (size_t j = 0; j < COLUMNS; j++)
        gradient[j] += toy->pull;
}

static void after_step(void *context, const struct dpm_train_view *view)
{
    struct toy *toy = context;
    double *average = toy->average + view->part * COLUMNS;
    toy->drawn[toy->after] = dpm_stream_uniform(view->stream);
    toy->bad += toy->drawn[toy->after++] <= 0;
    toy->bad += toy->part != view->part || toy->step != view->step || toy->before != toy->after;
    for (size_t j = 0; j < COLUMNS; j++)
        average[j] = toy->averaging * average[j] + (1 - toy->averaging) * (double)view->weights[j];
}

static void put_toy(const void *context, struct dpm_blob *blob)
{
    const struct toy *toy = context;
    dpm_blob_put_u64(blob, (uint64_t)toy->after);
}

static void get_toy(void *context, struct dpm_blob *blob)
{
    struct toy *toy = context;
    toy->after = toy->before = (int)dpm_blob_get_u64(blob);
}

static struct dpm_train_net toy_net(struct toy *toy)
{
    return (struct dpm_train_net){
        .context = toy,
        .n_matrices = 1,
        .matrix = {{COLUMNS, 1, 1}},
        .cancellation = 1,
        .classes = CLASSES,
        .contribute = contribute,
        .start = start,
    };
}

static struct dpm_train_net hooked_net(struct toy *toy)
{
    struct dpm_train_net net = toy_net(toy);
    net.add_public = add_public;
    net.after_step = after_step;
    net.put = put_toy;
    net.get = get_toy;
    return net;
}

static void assign_by_label(const void *model, int32_t *parts, const float *x, const int32_t *y, size_t n,
                            size_t n_columns, float *scratch)
{
    (void)model, (void)x, (void)n_columns, (void)scratch;
    memcpy(parts, y, n * sizeof *parts);
}

static const struct dpm_partition by_label = {.n_parts = CLASSES, .assign = assign_by_label};

struct run {
    struct dpm_test_mode mode;
    dpmix_dataset *dataset;
    dpmix_accountant *accountant;
    struct dpm_fit fit;
    struct dpm_train *train;
};

static void open_run(struct run *run, const struct dpm_train_net *net, const struct dpm_partition *partition,
                     double epsilon, size_t n_rows)
{
    const double lower = 0, upper = 1;
    CHECK_OK(dpmix_dataset_new_f32(&run->dataset, rows, n_rows, COLUMNS, labels, CLASSES, &lower, &upper, 1,
                                   DPMIX_STORAGE_COPY));
    memset(run->mode.key, 9, sizeof run->mode.key);
    dpm_dataset_set_test(run->dataset, &run->mode);
    run->accountant = tiny_accountant(epsilon);
    run->fit = (struct dpm_fit){.accountant = run->accountant,
                                .dataset = run->dataset,
                                .share = 1,
                                .partition = partition,
                                .threads = 2};
    run->train = NULL;
    CHECK_OK(dpm_train_new(&run->train, net, options, partition ? partition->n_parts : 1));
}

static void finish_run(struct run *run)
{
    CHECK_OK(dpm_train_open(run->train, &run->fit, "toy"));
    CHECK_OK(dpm_train_run(run->train, &run->fit));
}

static void close_run(struct run *run)
{
    dpm_train_free(run->train);
    dpmix_dataset_free(run->dataset);
    dpmix_accountant_free(run->accountant);
}

static double mean_of(size_t column, int label)
{
    double sum = 0, n = 0;
    for (size_t i = 0; i < ROWS; i++)
        if (label < 0 || labels[i] == label) {
            sum += (double)rows[i * COLUMNS + column];
            n++;
        }
    return sum / n;
}

/* ---- What it learns ---- */

START_TEST(each_part_learns_its_own_mean)
{
    struct toy toy = {0};
    struct dpm_train_net net = toy_net(&toy);
    struct run run = {0};
    CHECK_OK(dpmix_options_set_int(options, DPMIX_OPTION_OPTIMIZER, DPMIX_OPTIMIZER_SGD));
    set_double(DPMIX_OPTION_MOMENTUM, 0);
    set_double(DPMIX_OPTION_LEARNING_RATE, 0.4);
    open_run(&run, &net, _i ? &by_label : NULL, 1e4, ROWS);
    finish_run(&run);
    for (int part = 0; part <= _i; part++)
        for (size_t j = 0; j < COLUMNS; j++)
            ck_assert_double_eq_tol((double)dpm_train_weights(run.train)[(size_t)part * COLUMNS + j],
                                    mean_of(j, _i ? part : -1), 0.02);
    ck_assert_double_eq_tol(dpm_train_batch(run.train, 0), _i ? ROWS * 2 / 3 : ROWS, 5);
    ck_assert_double_eq_tol(dpm_train_class_weights(run.train)[0], _i ? 1 : 2. / 3, 0.01);
    close_run(&run);
}
END_TEST

START_TEST(hooks_are_called_for_each_part_and_step)
{
    struct toy toy = {.pull = 0.25f};
    struct dpm_train_net net = hooked_net(&toy);
    struct run run = {0};
    CHECK_OK(dpmix_options_set_int(options, DPMIX_OPTION_OPTIMIZER, DPMIX_OPTIMIZER_SGD));
    set_double(DPMIX_OPTION_MOMENTUM, 0);
    set_double(DPMIX_OPTION_LEARNING_RATE, 0.4);
    open_run(&run, &net, &by_label, 1e4, ROWS);
    finish_run(&run);
    ck_assert_int_eq(toy.before, 2 * HOOKED_STEPS);
    ck_assert_int_eq(toy.after, 2 * HOOKED_STEPS);
    ck_assert_int_eq(toy.bad, 0);
    for (size_t i = 0; i < 2 * HOOKED_STEPS; i++) /* random bits of each part and step are its own */
        for (size_t k = 0; k < i; k++)
            ck_assert(toy.drawn[k] != toy.drawn[i]);
    /* A gradient of a quarter added to w - mean. */
    ck_assert_double_eq_tol((double)dpm_train_weights(run.train)[0], mean_of(0, 0) - 0.25, 0.02);
    close_run(&run);
}
END_TEST

/* The model of every part is the average of its weights. */
START_TEST(every_part_is_averaged)
{
    struct toy toy = {.averaging = 0.75};
    struct dpm_train_net net = hooked_net(&toy);
    struct run run = {0};
    set_double(DPMIX_OPTION_AVERAGING, toy.averaging);
    open_run(&run, &net, &by_label, 10, ROWS);
    finish_run(&run);
    for (size_t i = 0; i < CLASSES * COLUMNS; i++)
        ck_assert_double_eq_tol((double)dpm_train_weights(run.train)[i],
                                toy.average[i] / (1 - pow(toy.averaging, HOOKED_STEPS)), 1e-5);
    close_run(&run);
}
END_TEST

/* Adam keeps the mean of the noise's variance, which is the same at every step. Its state stands at the end
 * of a checkpoint, before what the toy writes. */
START_TEST(the_optimiser_is_told_the_variance)
{
    struct dpm_blob blob = {0};
    struct toy toy = {0};
    struct dpm_train_net net = hooked_net(&toy);
    struct run run = {0};
    double variance;
    set_double(DPMIX_OPTION_SECOND_MOMENT, 0.25);
    open_run(&run, &net, NULL, 10, ROWS);
    finish_run(&run);
    dpm_train_put(run.train, &blob);
    memcpy(&variance, blob.bytes + blob.size - sizeof(uint64_t) - sizeof variance, sizeof variance);
    ck_assert_double_eq_tol(variance / (toy.noise * toy.noise), 1, 1e-9);
    dpm_blob_free(&blob);
    close_run(&run);
}
END_TEST

/* A count below two deviations of its noise is none. Under the partition by label half of the classes are
 * empty, and some of these have positive counts. */
START_TEST(classes_that_noise_hides_weigh_nothing)
{
    size_t hidden = 0;
    CHECK_OK(dpmix_options_set_int(options, DPMIX_OPTION_STEPS, 1));
    for (int epsilon = 1; epsilon < 5; epsilon++) {
        struct toy toy = {0};
        struct dpm_train_net net = toy_net(&toy);
        struct run run = {0};
        open_run(&run, &net, &by_label, epsilon, ROWS);
        finish_run(&run);
        for (size_t i = 0; i < CLASSES * CLASSES; i++) {
            double count = dpm_train_counts(run.train)[i], least = 2 * dpm_train_count_noise(run.train);
            ck_assert_int_eq(dpm_train_class_weights(run.train)[i] > 0, count > least);
            hidden += count > 0 && count < least;
        }
        close_run(&run);
    }
    ck_assert_uint_gt(hidden, 0);
}
END_TEST

/* An extra sees the released weights, gets its share of the budget, and is in the one entry. */
START_TEST(extras_run_after_the_training)
{
    struct toy toy = {0};
    struct dpm_train_net net = toy_net(&toy);
    struct run run = {0};
    double sums[2 * COLUMNS];
    set_double(DPMIX_OPTION_AVERAGING, 0.9);
    net.n_extras = 1;
    net.extra[0] = (struct dpm_train_extra){
        .plan = {.n_matrices = 1,
                 .matrix = {{COLUMNS, 1, 1}},
                 .per_part = 1,
                 .clip_norm = 4,
                 .cancellation = 1,
                 .sampling_rate = 1,
                 .steps = 1},
        .share = 0.03,
        .contribute = contribute,
    };
    open_run(&run, &net, &by_label, 1e3, ROWS);
    run.mode.noiseless = 1;
    finish_run(&run);
    /* Both of rate 1 and share 0.03: like the counts, whose clip norm is 1. */
    ck_assert_double_eq_tol(dpm_train_query_noise(run.train, 0), 4 * dpm_train_count_noise(run.train), 0.02);
    CHECK_OK(dpm_train_query(run.train, 0, sums));
    for (size_t j = 0; j < COLUMNS; j++)
        ck_assert_double_eq_tol(sums[COLUMNS + j],
                                200 * ((double)dpm_train_weights(run.train)[COLUMNS + j] - mean_of(j, 1)),
                                0.02);
    ck_assert_int_eq(dpm_train_query(run.train, 0, sums), DPMIX_ERR_STATE);
    ck_assert_uint_eq(tiny_entries(run.accountant), 1);
    close_run(&run);
}
END_TEST

/* ---- The noise schedule ---- */

/* However the noise changes, the segments together spend the budget, as one entry. */
START_TEST(segments_spend_the_budget)
{
    const double ratios[] = {1, 0.25, 4, 0.999};
    const int steps[] = {40, 40, 7, 1};
    struct toy toy = {0};
    struct dpm_train_net net = toy_net(&toy);
    struct run run = {0};
    set_double(DPMIX_OPTION_SAMPLING_RATE, 0.1);
    set_double(DPMIX_OPTION_NOISE_SCHEDULE, ratios[_i]);
    CHECK_OK(dpmix_options_set_int(options, DPMIX_OPTION_STEPS, steps[_i]));
    open_run(&run, &net, NULL, 1.5, ROWS);
    finish_run(&run);
    double spent = tiny_spent(run.accountant);
    ck_assert_double_le(spent, 1.5);
    ck_assert_double_ge(spent, 1.5 * (1 - 1e-6));
    const char *json = tiny_text(dpmix_accountant_json, run.accountant), *at = json;
    ck_assert_uint_eq(tiny_count(json, "\"purpose\":"), 1);
    size_t segments = tiny_count(json, "poisson_subsampled_gaussian");
    ck_assert_uint_eq(segments, _i == 0 ? 1 : (steps[_i] < 16 ? (size_t)steps[_i] : 16));
    double first = 0, last = 0;
    long total = 0;
    for (size_t s = 0; s < segments; s++) {
        at = strstr(at, "\"poisson_subsampled_gaussian\"");
        at = strstr(at, "noise_multiplier\": ") + strlen("noise_multiplier\": ");
        double noise = strtod(at, NULL);
        if (s == 0)
            first = noise;
        else if (ratios[_i] != 1)
            ck_assert_double_eq_tol(noise / last, pow(ratios[_i], 1. / (double)(segments - 1)), 1e-9);
        last = noise;
        at = strstr(at, "count\": ") + strlen("count\": ");
        total += strtol(at, NULL, 10);
    }
    ck_assert_int_eq(total, steps[_i]);
    if (segments > 1)
        ck_assert_double_eq_tol(last / first, ratios[_i], 1e-9);
    close_run(&run);
}
END_TEST

/* ---- The adaptive clip norm ---- */

/* Norms are even on [0, 1], so the quantile is the clip norm. From 16 times too large and too small. */
START_TEST(the_clip_norm_goes_to_the_quantile)
{
    const double quantile = _i % 2 ? 0.8 : 0.4;
    struct toy toy = {0};
    struct dpm_train_net net = toy_net(&toy);
    struct run run = {0};
    net.contribute = contribute_norms;
    CHECK_OK(dpmix_options_set_int(options, DPMIX_OPTION_STEPS, 150));
    set_double(DPMIX_OPTION_SAMPLING_RATE, 0.5);
    set_double(DPMIX_OPTION_CLIP_NORM, _i / 2 ? 8 : 1. / 32);
    set_double(DPMIX_OPTION_CLIP_QUANTILE, quantile);
    open_run(&run, &net, _i == 3 ? &by_label : NULL, 20, ROWS);
    finish_run(&run);
    ck_assert_double_eq_tol(dpm_train_clip_norm(run.train), quantile, 0.08);
    ck_assert_double_le(tiny_spent(run.accountant), 20);
    close_run(&run);
}
END_TEST

START_TEST(a_fixed_clip_norm_stays)
{
    struct toy toy = {0};
    struct dpm_train_net net = toy_net(&toy);
    struct run run = {0};
    open_run(&run, &net, NULL, 20, ROWS);
    finish_run(&run);
    ck_assert_double_eq(dpm_train_clip_norm(run.train), 10);
    close_run(&run);
}
END_TEST

/* Neighbour replay, as in replay_test.c: with and without the last row, and with two different ones. */
struct recording {
    int pass;
    size_t n, next;
    int64_t *sums[MOST_QUERIES];
    double grid[MOST_QUERIES], largest;
    int moved; /* times that the indicator moved by what one row adds */
};

static void observe(void *user, const struct dpm_observation *observation, int64_t *sums)
{
    struct recording *recording = user;
    size_t n = observation->n;
    if (recording->pass == 0) {
        ck_assert_uint_lt(recording->n, MOST_QUERIES);
        recording->sums[recording->n] = dpm_alloc(n, sizeof *sums);
        memcpy(recording->sums[recording->n], sums, n * sizeof *sums);
        recording->grid[recording->n++] = observation->grid;
        return;
    }
    const struct dpm_query_plan *plan = observation->query_plan;
    const int64_t *first = recording->sums[recording->next];
    ck_assert_double_eq(observation->grid, recording->grid[recording->next]);
    double squares = 0;
    for (size_t i = 0; i < n; i++)
        squares += pow((double)(sums[i] - first[i]), 2);
    double change = sqrt(squares) * observation->grid / observation->sensitivity;
    ck_assert_double_le(change, recording->pass == 1 ? 1 : 2);
    recording->largest = fmax(recording->largest, change);
    if (plan->norm_indicator > 0) {
        double step = dpm_query_indicator(plan), moved = 0;
        ck_assert_double_eq_tol(step, plan->clip_norm * plan->norm_indicator, observation->grid);
        struct dpm_query_plan bare = *plan; /* whose grid may be a little wider */
        bare.norm_indicator = 0;
        ck_assert_double_ge(observation->sensitivity, 0.999 * hypot(dpm_query_sensitivity(&bare), step));
        for (size_t i = dpm_query_size(plan) - 1; i < n; i += dpm_query_size(plan))
            moved += fabs((double)(sums[i] - first[i])) * observation->grid;
        ck_assert(moved == 0 || moved == step || moved == 2 * step);
        recording->moved += moved > 0;
    }
    memcpy(sums, first, n * sizeof *sums);
    recording->next++;
}

static void replay(struct recording *recording, size_t n_rows, const struct dpm_partition *partition)
{
    struct toy toy = {0};
    struct dpm_train_net net = toy_net(&toy);
    struct run run = {0};
    net.contribute = contribute_norms;
    recording->next = 0;
    open_run(&run, &net, partition, 3, n_rows);
    run.mode.observe = observe;
    run.mode.user = recording;
    finish_run(&run);
    close_run(&run);
    recording->pass = 1;
}

/* The last row has the largest norm, the smallest, or one that is not a number. */
START_TEST(one_row_moves_sums_and_indicator_by_the_sensitivity_at_most)
{
    const float last[] = {5, 0.1f, 0.15f};
    struct recording recording = {0};
    const struct dpm_partition *partition = _i % 2 ? &by_label : NULL;
    set_double(DPMIX_OPTION_CLIP_QUANTILE, 0.5);
    set_double(DPMIX_OPTION_CLIP_NORM, 1);
    if (_i == 1)
        set_double(DPMIX_OPTION_NOISE_SCHEDULE, 0.5);
    set_double(DPMIX_OPTION_SAMPLING_RATE, 0.7);
    float *row = rows + (ROWS - 1) * COLUMNS;
    row[0] = last[_i / 2];
    row[1] = _i / 2 == 2 ? 0.01f : 0.5f;
    replay(&recording, ROWS, partition);
    replay(&recording, ROWS - 1, partition);
    ck_assert_uint_eq(recording.next, recording.n);
    ck_assert_uint_eq(recording.n, 41);
    ck_assert_int_ge(recording.moved, 15); /* selected at rate 0.7 */
    ck_assert_double_gt(recording.largest, 0.5);
    recording.pass = 2;
    row[0] = _i / 2 == 1 ? 1 : 0.1f;
    row[1] = 0.5f;
    replay(&recording, ROWS, partition);
    ck_assert_uint_eq(recording.next, recording.n);
    for (size_t i = 0; i < recording.n; i++)
        dpm_free(recording.sums[i]);
}
END_TEST

/* ---- Checkpoints ---- */

static int stop_at_17(void *user, int phase, uint64_t done, uint64_t total, double spent)
{
    (void)user, (void)phase, (void)total, (void)spent;
    return done == 17;
}

static void set_everything(void)
{
    set_double(DPMIX_OPTION_AVERAGING, 0.9);
    set_double(DPMIX_OPTION_NOISE_SCHEDULE, 0.5);
    set_double(DPMIX_OPTION_CLIP_QUANTILE, 0.5);
    set_double(DPMIX_OPTION_WARMUP, 0.2);
    CHECK_OK(dpmix_options_set_int(options, DPMIX_OPTION_OPTIMIZER, DPMIX_OPTIMIZER_ADAMW));
    CHECK_OK(dpmix_options_set_int(options, DPMIX_OPTION_NOISE_CORRECTION, 1));
    CHECK_OK(dpmix_options_set_int(options, DPMIX_OPTION_RATE_SCHEDULE, DPMIX_RATE_COSINE));
}

static void put_stopped(struct dpm_blob *blob)
{
    struct toy toy = {.pull = 0.1f};
    struct dpm_train_net net = hooked_net(&toy);
    struct run run = {0};
    open_run(&run, &net, &by_label, 5, 200);
    run.mode.noiseless = 1;
    run.fit.progress = stop_at_17;
    CHECK_OK(dpm_train_open(run.train, &run.fit, "toy"));
    ck_assert_int_eq(dpm_train_run(run.train, &run.fit), DPMIX_ERR_CANCELLED);
    ck_assert_uint_eq(dpm_train_step(run.train), 17);
    dpm_train_put(run.train, blob);
    CHECK_OK(dpm_blob_status(blob));
    close_run(&run);
}

/* Without noise, with every row in every step and so few that they are one block, what goes on from a
 * checkpoint ends in the same bits. */
START_TEST(a_training_goes_on_from_its_checkpoint)
{
    struct dpm_blob blob = {0}, again = {0};
    struct toy toy = {.pull = 0.1f}, resumed_toy = toy;
    struct dpm_train_net net = hooked_net(&toy), resumed_net = hooked_net(&resumed_toy);
    struct run whole = {0}, resumed = {0};
    set_everything();
    put_stopped(&blob);
    open_run(&whole, &net, &by_label, 5, 200);
    whole.mode.noiseless = 1;
    finish_run(&whole);

    open_run(&resumed, &resumed_net, &by_label, 5, 200);
    resumed.mode.noiseless = 1;
    dpm_train_get(resumed.train, &blob);
    CHECK_OK(dpm_blob_finish(&blob));
    dpm_train_put(resumed.train, &again);
    ck_assert_uint_eq(again.size, blob.size);
    ck_assert_mem_eq(again.bytes, blob.bytes, blob.size);
    finish_run(&resumed);
    ck_assert_int_eq(resumed_toy.after, 80);
    ck_assert_int_eq(resumed_toy.bad, 0);
    ck_assert_mem_eq(dpm_train_weights(resumed.train), dpm_train_weights(whole.train),
                     2 * COLUMNS * sizeof(float));
    ck_assert_mem_eq(dpm_train_class_weights(resumed.train), dpm_train_class_weights(whole.train),
                     2 * CLASSES * sizeof(double));
    ck_assert_double_eq(dpm_train_clip_norm(resumed.train), dpm_train_clip_norm(whole.train));
    close_run(&whole);
    close_run(&resumed);
    dpm_blob_free(&blob);
    dpm_blob_free(&again);
}
END_TEST

/* Of another number of parts, another length, another optimiser, without the average; cut short; with a
 * weight out of range. */
START_TEST(a_checkpoint_that_does_not_fit_is_rejected)
{
    struct dpm_blob blob = {0};
    struct toy toy = {0};
    struct dpm_train_net net = hooked_net(&toy);
    struct run run = {0};
    set_everything();
    put_stopped(&blob);
    if (_i == 1)
        CHECK_OK(dpmix_options_set_int(options, DPMIX_OPTION_STEPS, 41));
    if (_i == 2)
        CHECK_OK(dpmix_options_set_int(options, DPMIX_OPTION_OPTIMIZER, DPMIX_OPTIMIZER_SGD));
    if (_i == 3)
        set_double(DPMIX_OPTION_AVERAGING, 0);
    if (_i == 4)
        blob.size -= 9;
    if (_i >= 5) { /* a weight, its mean gradient, and its mean square */
        const float most[] = {2000, 1e19f, 1e37f};
        const size_t weights = CLASSES * COLUMNS * sizeof(float);
        /* Behind 4 x 8 + 2 x 4 + 2 x 8 + 8 bytes of sizes and 8 x 8 of counts and class weights. */
        memcpy(blob.bytes + 64 + 64 + (size_t)(_i - 5) * weights, &most[_i - 5], sizeof *most);
    }
    open_run(&run, &net, _i == 0 ? NULL : &by_label, 5, 200);
    dpm_train_get(run.train, &blob);
    ck_assert_int_eq(dpm_blob_finish(&blob), DPMIX_ERR_FORMAT);
    close_run(&run);
    dpm_blob_free(&blob);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("train");
    TCase *train = check_case(s, "train");
    tcase_add_checked_fixture(train, setup, options_teardown);
    tcase_add_loop_test(train, each_part_learns_its_own_mean, 0, 2);
    tcase_add_test(train, hooks_are_called_for_each_part_and_step);
    tcase_add_test(train, every_part_is_averaged);
    tcase_add_test(train, the_optimiser_is_told_the_variance);
    tcase_add_test(train, classes_that_noise_hides_weigh_nothing);
    tcase_add_test(train, extras_run_after_the_training);
    tcase_add_loop_test(train, segments_spend_the_budget, 0, 4);
    tcase_add_loop_test(train, the_clip_norm_goes_to_the_quantile, 0, 4);
    tcase_add_test(train, a_fixed_clip_norm_stays);
    tcase_add_loop_test(train, one_row_moves_sums_and_indicator_by_the_sensitivity_at_most, 0, 6);
    tcase_add_test(train, a_training_goes_on_from_its_checkpoint);
    tcase_add_loop_test(train, a_checkpoint_that_does_not_fit_is_rejected, 0, 8);
    return s;
}

CHECK_MAIN(suite)
