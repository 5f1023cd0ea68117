/* SPDX-License-Identifier: BSD-3-Clause */
#include "teacher_fit.h"
#include "base_alloc.h"
#include "base_fail.h"
#include "base_options.h"
#include "linalg_mat.h"
#include "teacher_whiten.h"

#include <math.h>
#include <string.h>

enum { PLAN_COUNT = 0, PLAN_GRADIENT = 1, N_PLANS = 2, START_STEPS = 100 };

static const double count_share = 0.01; /* of the sum of squared inverse noise multipliers */
static const double least_clip = 1e-6;  /* a little above what queries take */
static const double momentum = 0.8, start_momentum = 0.9, start_rate = 0.5;

/* The noise of all steps together may move a class's score by a standard deviation of so much; and by less
 * where with the whole rate it would by more than the second number, so that a teacher that has too few
 * records to learn from stays near its start. Found on 200 to 8,000 training images of MNIST and
 * Fashion-MNIST at epsilon 1. */
static const double most_drift = 5, hopeless_drift = 60;

/* ---- Settings ---- */

struct settings {
    uint64_t steps;
    size_t directions;
    double clip;
    double rate; /* times the number of directions, as whitened records have variances of one over it */
};

static double within(double value, double lower, double upper)
{
    return fmin(fmax(value, lower), upper);
}

/* Options that are 0 go by the size of the noise, after a few tries at epsilon 0.2, 1 and 10 on a split of
 * MNIST's training images: less noise bears more directions, more steps and longer ones. */
static struct settings choose(const struct dpmix_options *options, double mu)
{
    struct settings settings = {
        .steps = (uint64_t)dpm_option_int(options, DPMIX_OPTION_TEACHER_STEPS),
        .directions = (size_t)dpm_option_int(options, DPMIX_OPTION_TEACHER_WIDTH),
        .clip = dpm_option_double(options, DPMIX_OPTION_TEACHER_CLIP),
        .rate = dpm_option_double(options, DPMIX_OPTION_TEACHER_RATE),
    };
    if (settings.steps == 0)
        settings.steps = (uint64_t)lround(within(72 * mu, 40, 120));
    if (settings.directions == 0)
        settings.directions = (size_t)lround(within(420 * cbrt(mu), 32, 512));
    if (settings.clip == 0)
        settings.clip = 0.25;
    if (settings.rate == 0)
        settings.rate = within(2.4 * pow(mu, 0.15), 1, 3);
    return settings;
}

/* ---- The teacher before any private record ---- */

static int make_teacher(struct dpm_teacher **out, const struct dpmix_options *options,
                        const struct settings *settings, const struct dpm_fit *fit)
{
    struct dpm_teacher *teacher = dpm_alloc(1, sizeof *teacher);
    if (!teacher)
        return DPMIX_ERR_NOMEM;
    *out = teacher;
    teacher->n_classes = dpm_dataset_classes(fit->dataset);
    const struct dpm_bounds *bounds = dpm_dataset_bounds(fit->dataset);
    teacher->features_kind =
        dpm_teacher_features_kind(bounds, dpm_option_int(options, DPMIX_OPTION_TEACHER_FEATURES));
    int status = dpm_teacher_features_new(&teacher->features, bounds, teacher->features_kind);
    if (status)
        return status;
    size_t size = teacher->features.size;
    size_t directions = settings->directions < size ? settings->directions : size;
    teacher->width = directions + 1;
    teacher->directions = dpm_alloc(directions, size * sizeof(float));
    teacher->offset = dpm_alloc(directions, sizeof(float));
    teacher->weights = dpm_alloc((size_t)teacher->n_classes, teacher->width * sizeof(float));
    return teacher->directions && teacher->offset && teacher->weights ? DPMIX_OK : DPMIX_ERR_NOMEM;
}

struct whiten_task {
    const struct dpm_teacher *teacher;
    const struct dpm_teacher_records *records;
    float *whitened, *scratch;
};

/* A dpm_task_fn */
static void whiten_records(void *context, size_t task, int worker)
{
    const struct whiten_task *all = context;
    size_t first = task * DPM_TEACHER_ROWS, left = all->records->n - first;
    dpm_teacher_whiten(all->teacher, all->whitened + first * all->teacher->width,
                       all->records->rows + first * all->teacher->features.n_columns,
                       left < DPM_TEACHER_ROWS ? left : DPM_TEACHER_ROWS,
                       all->scratch + (size_t)worker * dpm_teacher_scratch(all->teacher));
}

/* Probabilities less the label's one: the cross-entropy's gradient is the outer product with the record. */
static void residuals(float *out, const float *weights, int n_classes, size_t width, const float *whitened,
                      const int32_t *labels, size_t n)
{
    dpm_teacher_classify(weights, n_classes, width, out, whitened, n);
    for (size_t i = 0; i < n; i++)
        out[i * (size_t)n_classes + (size_t)labels[i]] -= 1;
}

/* One step of gradient descent with momentum, from the sum of the gradients. */
static void step(float *weights, double *velocity, const double *sums, size_t n, double per_record,
                 double decay, double rate)
{
    for (size_t i = 0; i < n; i++) {
        velocity[i] = decay * velocity[i] + sums[i] * per_record;
        weights[i] = (float)(weights[i] - rate * velocity[i]);
    }
}

/* Softmax regression on the synthetic records and their labels, on one thread: it is little work. */
static int start_on_labels(struct dpm_teacher *teacher, const struct dpm_teacher_records *records,
                           const float *whitened)
{
    size_t width = teacher->width, classes = (size_t)teacher->n_classes, n = classes * width;
    float *left = dpm_alloc(DPM_TEACHER_ROWS, classes * sizeof *left);
    float *product = dpm_alloc(n, sizeof *product);
    double *sums = dpm_alloc(n, sizeof *sums), *velocity = dpm_alloc(n, sizeof *velocity);
    int status = left && product && sums && velocity ? DPMIX_OK : DPMIX_ERR_NOMEM;
    for (int t = 0; !status && t < START_STEPS; t++) {
        memset(sums, 0, n * sizeof *sums);
        for (size_t first = 0; first < records->n; first += DPM_TEACHER_ROWS) {
            size_t rows = records->n - first < DPM_TEACHER_ROWS ? records->n - first : DPM_TEACHER_ROWS;
            const float *lines = whitened + first * width;
            residuals(left, teacher->weights, teacher->n_classes, width, lines, records->labels + first,
                      rows);
            dpm_mat_mul_at(product, width, left, classes, lines, width, classes, width, rows);
            for (size_t i = 0; i < n; i++)
                sums[i] += product[i];
        }
        step(teacher->weights, velocity, sums, n, 1 / (double)records->n, start_momentum,
             start_rate * (double)(width - 1));
    }
    dpm_free(left);
    dpm_free(product);
    dpm_free(sums);
    dpm_free(velocity);
    return status;
}

/* Whitening and starting weights. */
static int start(struct dpm_teacher *teacher, const struct dpm_teacher_records *records, int threads)
{
    struct dpm_pool *pool = NULL;
    int status = dpm_pool_new(&pool, threads);
    if (!status)
        status = dpm_teacher_set_whitening(teacher, records->rows, records->n, pool);
    if (!status && records->labels) {
        size_t workers = (size_t)dpm_pool_threads(pool);
        struct whiten_task task = {
            .teacher = teacher,
            .records = records,
            .whitened = dpm_alloc(records->n, teacher->width * sizeof(float)),
            .scratch = dpm_alloc(workers, dpm_teacher_scratch(teacher) * sizeof(float)),
        };
        status = task.whitened && task.scratch ? DPMIX_OK : DPMIX_ERR_NOMEM;
        if (!status) {
            dpm_pool_run(pool, (records->n + DPM_TEACHER_ROWS - 1) / DPM_TEACHER_ROWS, whiten_records, &task);
            status = start_on_labels(teacher, records, task.whitened);
        }
        dpm_free(task.whitened);
        dpm_free(task.scratch);
    }
    dpm_pool_free(pool);
    return status;
}

/* ---- The private part ---- */

/* A dpm_map_fn */
static void map_rows(const void *model, float *out, const float *rows, size_t n, size_t n_columns,
                     float *scratch)
{
    (void)n_columns;
    dpm_teacher_whiten(model, out, rows, n, scratch);
}

/* Two dpm_block_fn; the model is the teacher. */
static void count_rows(const void *model, const struct dpm_block *block, float *const *left,
                       float *const *right)
{
    (void)model;
    for (size_t i = 0; i < block->n_rows; i++)
        left[0][i] = right[0][i] = 1;
}

static void contribute(const void *model, const struct dpm_block *block, float *const *left,
                       float *const *right)
{
    const struct dpm_teacher *teacher = model;
    residuals(left[0], teacher->weights, teacher->n_classes, teacher->width, block->rows, block->labels,
              block->n_rows);
    memcpy(right[0], block->rows, block->n_rows * teacher->width * sizeof *block->rows);
}

struct work {
    struct dpm_map map;
    struct dpm_query_plan plans[N_PLANS];
    double *sums, *velocity, *average; /* n_classes x width */
    size_t n;
};

static int prepare(struct work *work, const struct dpm_teacher *teacher, const struct settings *settings)
{
    work->map = (struct dpm_map){teacher->width, map_rows, teacher, dpm_teacher_scratch(teacher)};
    work->n = (size_t)teacher->n_classes * teacher->width;
    work->plans[PLAN_COUNT] = (struct dpm_query_plan){
        .n_matrices = 1,
        .matrix = {{1, 1, 1}},
        .clip_norm = 1,
        .cancellation = 1,
        .sampling_rate = 1,
        .steps = 1,
        .noise_multiplier = sqrt(1 / count_share),
    };
    work->plans[PLAN_GRADIENT] = (struct dpm_query_plan){
        .n_matrices = 1,
        .matrix = {{(size_t)teacher->n_classes, teacher->width, 1}},
        .clip_norm = settings->clip,
        .cancellation = 1,
        .sampling_rate = 1,
        .steps = settings->steps,
        .noise_multiplier = sqrt((double)settings->steps / (1 - count_share)),
        .map = &work->map,
    };
    work->sums = dpm_alloc(work->n, sizeof *work->sums);
    work->velocity = dpm_alloc(work->n, sizeof *work->velocity);
    work->average = dpm_alloc(work->n, sizeof *work->average);
    return work->sums && work->velocity && work->average ? DPMIX_OK : DPMIX_ERR_NOMEM;
}

static void free_work(struct work *work)
{
    dpm_free(work->sums);
    dpm_free(work->velocity);
    dpm_free(work->average);
}

/* The rate times the number of directions, less where the records that were counted are few for the noise.
 * Whitened records have a length of about 1, so that a score moves by as much as a weight. */
static double rate_for(const struct settings *settings, const struct dpm_query_plan *plan, size_t directions,
                       double count)
{
    double rate = settings->rate * (double)directions;
    double drift = rate * dpm_query_noise(plan) / count * sqrt((double)plan->steps) / (1 - momentum);
    return rate * fmin(1, most_drift / drift) * fmin(1, hopeless_drift / drift);
}

/* The model is the mean of the weights after the last half of the steps. */
static int descend(struct dpm_teacher *teacher, struct work *work, struct dpm_release *release,
                   const struct settings *settings, const struct dpm_fit *fit)
{
    double count = 0, noise = dpm_query_noise(&work->plans[PLAN_COUNT]);
    uint64_t steps = settings->steps, whole = steps / 2;
    int status = dpm_release_query(release, PLAN_COUNT, count_rows, teacher, &count);
    count = fmax(count, fmax(1, 2 * noise));
    double rate = rate_for(settings, &work->plans[PLAN_GRADIENT], teacher->width - 1, count);
    for (uint64_t t = 0; !status && t < steps; t++) {
        status = dpm_fit_progress(fit, DPMIX_PHASE_TRAIN, t, steps);
        if (!status)
            status = dpm_release_query(release, PLAN_GRADIENT, contribute, teacher, work->sums);
        if (status)
            break;
        step(teacher->weights, work->velocity, work->sums, work->n, 1 / count, momentum, rate);
        for (size_t i = 0; t >= whole && i < work->n; i++)
            work->average[i] += teacher->weights[i] / (double)(steps - whole);
    }
    if (!status)
        status = dpm_fit_progress(fit, DPMIX_PHASE_TRAIN, steps, steps);
    for (size_t i = 0; i < work->n; i++)
        teacher->weights[i] = (float)work->average[i];
    return status;
}

int dpm_teacher_fit(struct dpm_teacher **out, char **ledger, const struct dpm_teacher_records *records,
                    const struct dpmix_options *options, const struct dpm_fit *fit)
{
    struct dpm_teacher *teacher = NULL;
    struct dpm_release *release = NULL;
    struct settings settings;
    struct work work = {0};
    double mu;
    int status = dpm_query_worth(fit->accountant, fit->share, &mu);
    if (status)
        return status;
    settings = choose(options, mu);
    if (settings.clip < least_clip)
        return dpm_fail(DPMIX_ERR_RANGE, "options: teacher_clip must be 0, or at least %g", least_clip);
    status = make_teacher(&teacher, options, &settings, fit);
    if (!status)
        status = start(teacher, records, fit->threads);
    if (!status)
        status = prepare(&work, teacher, &settings);
    if (!status)
        status = dpm_query_calibrate(fit->accountant, fit->share, work.plans, N_PLANS);
    if (!status)
        status = dpm_release_open(&release, fit->accountant, fit->dataset, "gradients of the teacher",
                                  work.plans, N_PLANS, NULL, fit->threads);
    if (!status)
        status = descend(teacher, &work, release, &settings, fit);
    if (!status)
        *ledger = dpm_release_take_ledger(release);
    dpm_release_close(release);
    free_work(&work);
    if (status)
        dpm_teacher_free(teacher);
    else
        *out = teacher;
    return status;
}
