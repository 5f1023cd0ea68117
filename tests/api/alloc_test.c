/* SPDX-License-Identifier: BSD-3-Clause */
/* Memory runs out at every allocation of a whole release in turn. The call says so and changes nothing: no
 * handle, no output, no debit; what has read rows has been paid for; nothing leaks. */
#include "tiny_file.h"
#include "tiny_model.h"
#include "tiny_pending.h"

enum { N_ROWS = 60, N_SAMPLES = 20, UNTOUCHED = -99 };

/* The calls of a release, in their order. */
enum step {
    NEW_OPTIONS,
    NEW_DATASET,
    NEW_ACCOUNTANT,
    NEW_CLUSTERER,
    FIT_CLUSTERER,
    SAVE_CLUSTERER,
    LOAD_CLUSTERER,
    ASSIGN,
    NEW_GENERATOR,
    NEW_MIXTURE,
    FIT_MIXTURE,
    SAMPLE,
    SAVE_MIXTURE,
    LOAD_MIXTURE,
    REPORT,
    N_STEPS
};

struct handles {
    dpmix_options *options;
    dpmix_dataset *dataset;
    dpmix_accountant *accountant;
    dpmix_clusterer *clusterer, *loaded_clusterer;
    dpmix_generator *generator;
    dpmix_mixture *mixture, *loaded_mixture;
};

/* All that a call may change. */
struct release {
    struct handles handles;
    double spent;
    unsigned queries;
    float samples[N_SAMPLES * TINY_COLUMNS];
    int32_t parts[N_ROWS];
    char report[8192];
};

static float rows[N_ROWS * TINY_COLUMNS];
static int32_t labels[N_ROWS];
static struct tiny_mode mode;
static int partition, models;
static dpmix_options *small;

static int new_dataset(struct handles *h)
{
    static const double lower = TINY_LOWER, upper = TINY_UPPER;
    int status = dpmix_dataset_new_f32(&h->dataset, rows, N_ROWS, TINY_COLUMNS, labels, TINY_CLASSES, &lower,
                                       &upper, 1, DPMIX_STORAGE_COPY);
    if (!status)
        tiny_mode_set(&mode, h->dataset, 1);
    return status;
}

static int take(struct release *r, enum step step)
{
    static const uint64_t seed = 1;
    struct handles *h = &r->handles;
    switch (step) {
    case NEW_OPTIONS: return dpmix_options_new(&h->options);
    case NEW_DATASET: return new_dataset(h);
    case NEW_ACCOUNTANT:
        return dpmix_accountant_new(&h->accountant, 10, TINY_DELTA, DPMIX_ADJACENCY_ADD_REMOVE);
    case NEW_CLUSTERER: return dpmix_clusterer_new(&h->clusterer, partition, small);
    case FIT_CLUSTERER: return dpmix_clusterer_fit(h->clusterer, h->accountant, h->dataset, 0.3, NULL, NULL);
    case SAVE_CLUSTERER: return dpmix_clusterer_save(h->clusterer, tiny_path("a"));
    case LOAD_CLUSTERER: return dpmix_clusterer_load(&h->loaded_clusterer, tiny_path("a"));
    case ASSIGN: return dpmix_clusterer_assign(h->clusterer, r->parts, rows, N_ROWS, TINY_COLUMNS, labels);
    case NEW_GENERATOR: return dpmix_generator_new(&h->generator, models, small);
    case NEW_MIXTURE: return dpmix_mixture_new(&h->mixture, h->loaded_clusterer, h->generator);
    case FIT_MIXTURE: return dpmix_mixture_fit(h->mixture, h->accountant, h->dataset, 1, NULL, NULL);
    case SAMPLE: return dpmix_mixture_sample(h->mixture, r->samples, NULL, 0, N_SAMPLES, TINY_COLUMNS, &seed);
    case SAVE_MIXTURE: return dpmix_mixture_save(h->mixture, tiny_path("b"));
    case LOAD_MIXTURE: return dpmix_mixture_load(&h->loaded_mixture, tiny_path("b"));
    default: return dpmix_accountant_report(h->accountant, r->report, sizeof r->report, NULL);
    }
}

/* Allocates nothing. */
static void look(struct release *r)
{
    r->queries = mode.queries;
    if (r->handles.accountant)
        r->spent = tiny_spent(r->handles.accountant);
}

static void free_handles(struct handles *h)
{
    dpmix_mixture_free(h->loaded_mixture);
    dpmix_mixture_free(h->mixture);
    dpmix_generator_free(h->generator);
    dpmix_clusterer_free(h->loaded_clusterer);
    dpmix_clusterer_free(h->clusterer);
    dpmix_accountant_free(h->accountant);
    dpmix_dataset_free(h->dataset);
    dpmix_options_free(h->options);
}

/* After a call that ran out of memory, against what there was before it. */
static void expect_unchanged(const struct release *after, const struct release *before, enum step step)
{
    ck_assert_str_eq(strstr(dpmix_last_error(), ": "), ": out of memory");
    ck_assert_msg(after->queries == before->queries || after->spent > before->spent,
                  "step %d: rows were read and not paid for", (int)step);
    /* A fit has all its memory before it debits: what is spent bought something, and no status depends on how
     * far into the data a fit came. */
    ck_assert_msg(after->queries == before->queries, "step %d: %u queries were run in vain", (int)step,
                  after->queries - before->queries);
    ck_assert_msg(after->spent == before->spent, "step %d: epsilon %g was debited in vain", (int)step,
                  after->spent - before->spent);
    ck_assert_msg(memcmp(after, before, sizeof *after) == 0, "step %d: an output", (int)step);
    ck_assert_int_eq(access(tiny_path("a"), F_OK), step > SAVE_CLUSTERER ? 0 : -1);
    ck_assert_int_eq(access(tiny_path("b"), F_OK), step > SAVE_MIXTURE ? 0 : -1);
}

static void expect_complete(const struct release *r)
{
    ck_assert(r->handles.loaded_mixture && r->samples[0] != UNTOUCHED && r->report[0]);
    ck_assert_double_gt(r->spent, 9.9);
    ck_assert_uint_eq(tiny_entries(r->handles.accountant), 2);
}

/* A whole release, whose nth allocation fails; 0 when it has fewer. */
static int release_fails(uint64_t nth, int for_ever)
{
    static struct release before, after;
    int64_t live = dpm_alloc_live();
    int status = DPMIX_OK;
    enum step step = NEW_OPTIONS;
    memset(&after, 0, sizeof after);
    after.samples[0] = UNTOUCHED;
    mode.queries = 0;
    unlink(tiny_path("a"));
    unlink(tiny_path("b"));
    dpm_alloc_fail_after(nth, for_ever);
    for (; !status && step < N_STEPS; step++) {
        look(&after);
        memcpy(&before, &after, sizeof after);
        status = take(&after, step);
    }
    int failed = status || (nth && !tiny_failure_pending(nth));
    dpm_alloc_fail_after(0, 0);
    ck_assert_msg(!failed || status == DPMIX_ERR_NOMEM, "step %d, allocation %d: %d, %s", (int)step - 1,
                  (int)nth, status, dpmix_last_error());
    look(&after);
    if (failed)
        expect_unchanged(&after, &before, step - 1);
    else
        expect_complete(&after);
    free_handles(&after.handles);
    ck_assert_msg(dpm_alloc_live() == live, "step %d, allocation %d: leaked", (int)step - 1, (int)nth);
    return failed;
}

/* Pairs of a partition and a kind of model, each with one failure and with all that come after it. */
START_TEST(every_allocation_may_fail)
{
    uint64_t nth = 0; /* the first time nothing fails: what a process sets up once is then there */
    int64_t live = dpm_alloc_live();
    partition = _i < 2 ? DPMIX_CLUSTERER_LABEL : DPMIX_CLUSTERER_KMEANS;
    models = _i < 2 ? DPMIX_GENERATOR_GAUSSIAN : DPMIX_GENERATOR_VAE;
    small = tiny_options();
    if (_i == 3) /* calibration of subsampled queries takes its time; one run shows what memory it needs */
        CHECK_OK(dpmix_options_set_double(small, DPMIX_OPTION_SAMPLING_RATE, 1));
    tiny_blobs(rows, labels, N_ROWS, TINY_COLUMNS, TINY_CLASSES, 1);
    ck_assert(!release_fails(0, 0));
    while (release_fails(++nth, _i % 2))
        ;
    ck_assert_uint_gt(nth, 100);
    dpmix_options_free(small);
    ck_assert_int_eq(dpm_alloc_live(), live);
}
END_TEST

static Suite *alloc_suite(void)
{
    Suite *suite = suite_create("alloc");
    TCase *release = check_case(suite, "a release");
    tcase_add_checked_fixture(release, tiny_folder_setup, tiny_folder_teardown);
    tcase_add_loop_test(release, every_allocation_may_fail, 0, 4);
    return suite;
}

CHECK_MAIN(alloc_suite)
