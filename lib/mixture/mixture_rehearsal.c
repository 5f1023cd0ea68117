/* SPDX-License-Identifier: BSD-3-Clause */
#include "mixture_rehearsal.h"
#include "account_copy.h"
#include "account_ledger.h"
#include "base_alloc.h"
#include "base_clock.h"
#include "base_fail.h"
#include "generator_checkpoint.h"

#include <math.h>

enum {
    MOST_VALUES = 1 << 25, /* of made-up rows, a byte each */
    MOST_ROWS = 1 << 17,
    SMALLER = 4,     /* a second run has so many times fewer rows */
    WHOLE_STEPS = 8, /* so few steps may differ, so all of them are taken */
    LEAST_STEPS = 3, /* of more, so many, and as many as take least_seconds */
};

static const double least_seconds = 0.5;

/* ---- Made-up rows ---- */

static void free_rows(void *rows, void *labels)
{
    dpm_free(rows);
    dpm_free(labels);
}

/* Uniformly random bytes, and the classes in turn. */
static int make_up_rows(struct dpmix_dataset **out, size_t n_rows, size_t n_columns, int n_classes)
{
    /* Bytes beyond a bound cannot be had in words: the other way needs more memory, and other rows go it. */
    static const double lower = 0, upper = 254;
    uint8_t key[DPM_KEY_SIZE];
    struct dpm_stream stream;
    size_t n_words = (n_rows * n_columns / 64 + 1) * 8; /* a stream gives 64 bytes at a time */
    uint64_t *words = dpm_alloc(n_words, sizeof *words);
    int32_t *labels = n_classes > 0 ? dpm_alloc(n_rows, sizeof *labels) : NULL;
    struct dpm_dataset_source source = {DPM_TYPE_U8, words,  n_rows, n_columns, labels,
                                        n_classes,   &lower, &upper, 1,         free_rows};
    int status = words && (labels || n_classes == 0) ? DPMIX_OK : DPMIX_ERR_NOMEM;
    if (!status) {
        dpm_random_seed(key, 0);
        dpm_stream_open(&stream, key, DPM_STREAM_SAMPLE, 0, 0);
        dpm_stream_fill(&stream, words, n_words);
        dpm_stream_wipe(&stream);
        for (size_t i = 0; labels && i < n_rows; i++)
            labels[i] = (int32_t)(i % (size_t)n_classes);
        status = dpm_dataset_new(out, &source);
    }
    if (status)
        free_rows(words, labels);
    return status;
}

/* A dpm_assign_fn that gives every part as many of the made-up rows, as far as three bytes tell them apart.
 */
static void assign_evenly(const void *model, int32_t *parts, const float *rows, const int32_t *labels,
                          size_t n, size_t n_columns, float *scratch)
{
    const int n_parts = *(const int *)model;
    (void)labels, (void)scratch;
    for (size_t i = 0; i < n; i++) {
        int32_t number = 0;
        for (size_t j = 0; j < 3 && j < n_columns; j++)
            number = 256 * number + (int32_t)lroundf(255 * rows[i * n_columns + j]);
        parts[i] = number % n_parts;
    }
}

/* ---- One run ---- */

struct watch {
    double first, last; /* when the fit's first step began, and when it last told how far it is */
    double least;       /* between two calls */
    uint64_t before;    /* steps done at the first */
    uint64_t done, total;
    int calls;
};

/* A dpmix_progress_fn. */
static int watch_steps(void *user, int phase, uint64_t done, uint64_t total, double epsilon_spent)
{
    struct watch *watch = user;
    double now = dpm_clock_seconds();
    (void)phase, (void)epsilon_spent;
    if (watch->calls > 0 && done > watch->done)
        watch->least = fmin(watch->least, now - watch->last);
    watch->last = now;
    watch->done = done;
    watch->total = total;
    if (watch->calls++ == 0)
        watch->before = done;
    if (done == watch->before) /* what comes before the first step is no step */
        watch->first = now;
    return total > WHOLE_STEPS && done < total && done - watch->before >= LEAST_STEPS &&
           watch->last - watch->first >= least_seconds;
}

/* What was seen of a fit. */
struct run {
    double rows, batch;  /* batch: rows that a step is expected to read */
    double set_up, step; /* seconds of all but the steps, and of a step */
    double least;        /* seconds of the quickest step: where steps are alike, it scatters less */
    double steps;        /* of the whole fit */
    double bytes;
    struct dpm_event event; /* debited for the steps; all 0 when nothing was debited */
};

/* The fit itself. That the run's own progress function breaks it off is no failure. */
static int fit_model(const struct dpm_rehearsal *rehearsal, const struct dpmix_options *options,
                     struct dpm_fit *fit)
{
    struct dpmix_generator *generator = NULL;
    struct dpmix_clusterer *clusterer = NULL;
    int status;
    fit->threads = dpm_option_int(options, DPMIX_OPTION_THREADS);
    if (rehearsal->generator) {
        status = dpm_generator_new(&generator, rehearsal->generator->kind->kind, options);
        if (!status && rehearsal->n_parts == 1) /* a mixture has checkpoints of its own, or none */
            status = dpm_checkpoint_rehearse(generator, rehearsal->generator);
        if (!status)
            status = dpm_generator_fit(generator, fit);
    } else {
        status = dpm_clusterer_new(&clusterer, rehearsal->clusterer->kind->kind, options);
        if (!status)
            status = dpm_clusterer_fit(clusterer, fit);
    }
    dpm_generator_free(generator);
    dpm_clusterer_unref(clusterer);
    return status == DPMIX_ERR_CANCELLED ? DPMIX_OK : status;
}

/* Fits to n_rows made-up rows on an accountant that is there to be debited. */
static int run_fit(struct run *run, const struct dpm_rehearsal *rehearsal,
                   const struct dpmix_options *options, struct dpmix_accountant *accountant, double share,
                   size_t n_rows)
{
    struct watch watch = {.least = INFINITY};
    struct dpm_partition partition = {
        .n_parts = rehearsal->n_parts,
        .assign = assign_evenly,
        .model = &rehearsal->n_parts,
    };
    struct dpm_fit fit = {
        .accountant = accountant,
        .share = share,
        .progress = watch_steps,
        .user = &watch,
        .partition = rehearsal->n_parts > 1 ? &partition : NULL,
    };
    struct dpm_event event = {0};
    size_t debits_before, debits;
    int status = dpm_accountant_last_debit(accountant, &debits_before, &event);
    if (!status)
        status = make_up_rows(&fit.dataset, n_rows, rehearsal->n_columns, rehearsal->n_classes);
    if (!status && rehearsal->groups)
        status = dpm_dataset_set_groups(fit.dataset, rehearsal->groups, rehearsal->n_columns);
    if (status) {
        dpm_dataset_unref(fit.dataset);
        return status;
    }
    int64_t bytes = dpm_alloc_watch();
    double begin = dpm_clock_seconds();
    status = fit_model(rehearsal, options, &fit);
    double end = dpm_clock_seconds();
    bytes = dpm_alloc_peak() - bytes;
    dpm_dataset_unref(fit.dataset);
    if (!status)
        status = dpm_accountant_last_debit(accountant, &debits, &event);
    if (status)
        return status;
    run->event = debits > debits_before ? event : (struct dpm_event){0};
    double seen = (double)(watch.done - watch.before);
    run->rows = (double)n_rows;
    run->batch = run->rows;
    if (dpm_event_is_sampled(&run->event))
        run->batch *= run->event.sampling_rate;
    run->set_up = end - begin - (watch.last - watch.first);
    run->steps = (double)(watch.total - watch.before);
    run->step = seen > 0 ? (watch.last - watch.first) / seen : 0;
    run->least = seen > 0 ? watch.least : 0;
    run->bytes = (double)bytes;
    return DPMIX_OK;
}

/* A run as the real fit would be debited; `spent`: what the copy of the ledger says then. */
static int run_debited(struct run *run, double *spent, const struct dpm_rehearsal *rehearsal,
                       const struct dpmix_options *options, size_t n_rows)
{
    struct dpmix_accountant *copy = NULL;
    int status = dpm_accountant_copy(&copy, rehearsal->accountant);
    if (!status)
        status = run_fit(run, rehearsal, options, copy, rehearsal->share, n_rows);
    if (!status)
        status = dpm_accountant_spent(copy, spent);
    dpm_accountant_unref(copy);
    return status;
}

/* ---- From fewer rows to all ---- */

/* The line through two runs, farther on at x. What is measured is never negative and nothing of it shrinks
 * with x, so its slope has bounds that scatter of the clock cannot pass. */
static double extend(double x0, double y0, double x1, double y1, double x)
{
    double slope = (y1 - y0) / (x1 - x0);
    slope = fmin(fmax(slope, 0), y1 / x1);
    return y1 + slope * (x - x1);
}

/* Seconds of a step that reads a random few of the rows. A line through runs at the real rate would start
 * from batches too small for all threads to have work. So one more run has the real batch, as far as the
 * made-up rows go: the cost of a row that is read, and the cost of drawing one, which is there for all rows,
 * then come apart. Noise takes as long whatever its size, so this run has a ledger of its own, which always
 * has enough. */
static int extend_step(double *step, const struct run *small, const struct run *large,
                       const struct dpm_rehearsal *rehearsal, const struct dpmix_options *options)
{
    struct run full;
    struct dpmix_options faster = *options;
    struct dpmix_accountant *ample = NULL;
    double n_rows = (double)rehearsal->n_rows, rate = large->batch / large->rows;
    faster.value[DPMIX_OPTION_SAMPLING_RATE] = fmin(1, rate * n_rows / large->rows);
    int status = dpm_accountant_new(&ample, 10, 1e-5, DPMIX_ADJACENCY_ADD_REMOVE);
    if (!status)
        status = run_fit(&full, rehearsal, &faster, ample, 1, (size_t)large->rows);
    dpm_accountant_unref(ample);
    if (status)
        return status;
    double read =
        fmin(fmax((full.least - large->least) / (full.batch - large->batch), 0), full.least / full.batch);
    double drawn = fmin(fmax((large->least - small->least) / (large->rows - small->rows) - read * rate, 0),
                        large->least / large->rows);
    *step = full.step + read * (rate * n_rows - full.batch) + drawn * (n_rows - large->rows);
    return DPMIX_OK;
}

static int extrapolate(struct dpm_forecast *forecast, const struct run *small, const struct run *large,
                       const struct dpm_rehearsal *rehearsal, const struct dpmix_options *options)
{
    double n_rows = (double)rehearsal->n_rows;
    double step = extend(small->rows, small->step, large->rows, large->step, n_rows);
    int status = DPMIX_OK;
    if (large->batch < large->rows)
        status = extend_step(&step, small, large, rehearsal, options);
    if (status)
        return status;
    /* What a release holds for drawing goes on in a straight line as far as a portion only. */
    double few = (double)dpm_release_draw_bytes((size_t)small->rows);
    double more = (double)dpm_release_draw_bytes((size_t)large->rows);
    forecast->bytes = extend(small->rows, small->bytes - few, large->rows, large->bytes - more, n_rows) +
                      (double)dpm_release_draw_bytes(rehearsal->n_rows);
    forecast->seconds =
        extend(small->rows, small->set_up, large->rows, large->set_up, n_rows) + large->steps * step;
    return DPMIX_OK;
}

/* ---- The rehearsal ---- */

/* What the made-up rows would not show of the real ones. */
static int check(const struct dpm_rehearsal *rehearsal)
{
    if (rehearsal->generator ? rehearsal->generator->fitted : rehearsal->clusterer->fitted)
        return dpm_fail(DPMIX_ERR_STATE, "%s: it is fitted already",
                        rehearsal->generator ? "generator" : "clusterer");
    if (rehearsal->n_columns < 1 || rehearsal->n_columns > DPM_MAX_COLUMNS)
        return dpm_fail(DPMIX_ERR_RANGE, "n_columns: must lie in [1, %d]", DPM_MAX_COLUMNS);
    if (rehearsal->n_rows > SIZE_MAX / 2 / sizeof(float) / rehearsal->n_columns)
        return dpm_fail(DPMIX_ERR_RANGE, "n_rows: too large");
    if (rehearsal->n_classes < 0 || rehearsal->n_classes > DPM_MAX_COLUMNS)
        return dpm_fail(DPMIX_ERR_RANGE, "n_classes: must lie in [0, %d]", DPM_MAX_COLUMNS);
    if (rehearsal->n_parts < 1 || rehearsal->n_parts > DPM_MAX_COLUMNS)
        return dpm_fail(DPMIX_ERR_RANGE, "n_parts: must lie in [1, %d]", DPM_MAX_COLUMNS);
    if (rehearsal->clusterer && rehearsal->clusterer->kind->needs_labels && rehearsal->n_classes == 0)
        return dpm_fail(DPMIX_ERR_UNSUPPORTED, "n_classes: 0, and this partition needs labels");
    return DPMIX_OK;
}

int dpm_rehearse(struct dpm_forecast *forecast, const struct dpm_rehearsal *rehearsal)
{
    int status = check(rehearsal);
    if (status)
        return status;
    const struct dpmix_options *options =
        rehearsal->generator ? &rehearsal->generator->options : &rehearsal->clusterer->options;
    size_t most_rows = MOST_VALUES / rehearsal->n_columns;
    most_rows = most_rows < MOST_ROWS ? most_rows : MOST_ROWS;
    size_t n_rows = rehearsal->n_rows < most_rows ? rehearsal->n_rows : most_rows;
    struct run small = {0}, large = {0};
    double spent;
    if (n_rows < rehearsal->n_rows) {
        status = run_debited(&small, &spent, rehearsal, options, n_rows / SMALLER);
        if (status)
            return status;
    }
    status = run_debited(&large, &spent, rehearsal, options, n_rows);
    if (status)
        return status;
    struct dpm_forecast made = {
        .epsilon = spent,
        .noise_multiplier = large.event.noise_multiplier,
        .bytes = large.bytes,
        .seconds = large.set_up + large.steps * large.step,
    };
    if (n_rows < rehearsal->n_rows)
        status = extrapolate(&made, &small, &large, rehearsal, options);
    if (!status)
        *forecast = made;
    return status;
}

void dpm_forecast_give(const struct dpm_forecast *forecast, double *epsilon, double *noise_multiplier,
                       double *bytes, double *seconds)
{
    if (epsilon)
        *epsilon = forecast->epsilon;
    if (noise_multiplier)
        *noise_multiplier = forecast->noise_multiplier;
    if (bytes)
        *bytes = forecast->bytes;
    if (seconds)
        *seconds = forecast->seconds;
}
