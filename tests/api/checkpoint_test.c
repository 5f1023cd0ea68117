/* SPDX-License-Identifier: BSD-3-Clause */
/* Checkpoints: a training that goes on is the training that never stopped, is paid for, and goes on once. */
#include "account_ledger.h"
#include "account_run.h"
#include "base_threads.h"
#include "random_stream.h"
#include "tiny_file.h"
#include "tiny_model.h"

#include <dirent.h>
#include <math.h>
#include <signal.h>
#include <sys/wait.h>
#include <time.h>

enum { STEPS = 12, LONG = 16, EVERY = 4, KILLS = 60 };

#define EPSILON 2.0
#define AMPLE 1e5 /* a budget that no test uses up */

/* ---- Handles ---- */

static int has_store(void)
{
    dpmix_accountant *accountant = NULL;
    return dpmix_accountant_open(&accountant, ":memory:", "d", 1, TINY_DELTA, 1) != DPMIX_ERR_UNSUPPORTED;
}

static dpmix_accountant *open_at(const char *path, const char *name, double epsilon)
{
    dpmix_accountant *accountant = NULL;
    CHECK_OK(dpmix_accountant_open(&accountant, path, name, epsilon, TINY_DELTA, DPMIX_ADJACENCY_ADD_REMOVE));
    return accountant;
}

/* The same rows and test key each time; the ledger in file "a", or with `durable` 0 in memory. */
static void open_case(struct tiny_case *tiny, int durable, double epsilon)
{
    tiny_case_open(tiny, epsilon, 3);
    if (!durable)
        return;
    dpmix_accountant_free(tiny->accountant);
    tiny->accountant = open_at(tiny_path("a"), "patients", epsilon);
}

/* Settings that leave no part of the engine's state unused, and one with queries after the training. */
enum { N_SETTINGS = 3, WITH_EXTRAS };

static dpmix_generator *new_generator(int kind, int settings, int steps)
{
    dpmix_options *options = tiny_options();
    dpmix_generator *generator = NULL;
    CHECK_OK(dpmix_options_set_int(options, DPMIX_OPTION_STEPS, steps));
    CHECK_OK(dpmix_options_set_double(options, DPMIX_OPTION_SAMPLING_RATE, 0.2));
    if (settings == 1) {
        CHECK_OK(dpmix_options_set_int(options, DPMIX_OPTION_OPTIMIZER, DPMIX_OPTIMIZER_ADAMW));
        CHECK_OK(dpmix_options_set_double(options, DPMIX_OPTION_AVERAGING, 0.8));
        CHECK_OK(dpmix_options_set_double(options, DPMIX_OPTION_CLIP_QUANTILE, 0.5));
        CHECK_OK(dpmix_options_set_double(options, DPMIX_OPTION_NOISE_SCHEDULE, 2));
        CHECK_OK(dpmix_options_set_double(options, DPMIX_OPTION_WARMUP, 0.5));
        CHECK_OK(dpmix_options_set_int(options, DPMIX_OPTION_NOISE_CORRECTION, 1));
        CHECK_OK(dpmix_options_set_int(options, DPMIX_OPTION_COUNT_NOISE, DPMIX_COUNT_NOISE_GEOMETRIC));
    } else if (settings == 2) {
        CHECK_OK(dpmix_options_set_int(options, DPMIX_OPTION_OPTIMIZER, DPMIX_OPTIMIZER_SGD));
        CHECK_OK(dpmix_options_set_int(options, DPMIX_OPTION_CONDITIONAL, 0));
    } else if (settings == WITH_EXTRAS) {
        CHECK_OK(dpmix_options_set_int(options, DPMIX_OPTION_VAE_PRIOR, DPMIX_VAE_PRIOR_MIXTURE));
    }
    CHECK_OK(dpmix_generator_new(&generator, kind, options));
    dpmix_options_free(options);
    return generator;
}

/* Kinds that are trained by the engine. */
static const int kinds[] = {DPMIX_GENERATOR_VAE, DPMIX_GENERATOR_RBM, DPMIX_GENERATOR_CGAN};
enum { N_KINDS = sizeof kinds / sizeof *kinds };

/* Stops when the step it is told for the first time is `stop_at`. */
struct stop {
    int64_t stop_at; /* -1: never */
};

static int stop_there(void *user, int phase, uint64_t done, uint64_t total, double epsilon_spent)
{
    const struct stop *stop = user;
    (void)phase, (void)total, (void)epsilon_spent;
    return (int64_t)done == stop->stop_at;
}

static int fit_until(struct tiny_case *tiny, int kind, int settings, int64_t stop_at, uint64_t every)
{
    struct stop stop = {stop_at};
    dpmix_generator *generator = new_generator(kind, settings, STEPS);
    CHECK_OK(dpmix_generator_checkpoint(generator, tiny_path("b"), every));
    int status = dpmix_generator_fit(generator, tiny->accountant, tiny->dataset, 0.2, stop_there, &stop);
    dpmix_generator_free(generator);
    return status;
}

static int resume_until(dpmix_generator **out, struct tiny_case *tiny, int64_t stop_at)
{
    struct stop stop = {stop_at};
    return dpmix_generator_resume(out, tiny_path("b"), tiny->accountant, tiny->dataset, stop_there, &stop);
}

/* Runs of the mechanism in the whole ledger, or, with `from`, behind a place in it. */
static uint64_t count_runs(const char *ledger, const char *mechanism)
{
    char word[64];
    uint64_t total = 0;
    snprintf(word, sizeof word, "\"mechanism\": \"%s\"", mechanism);
    for (const char *at = strstr(ledger, word); at; at = strstr(at + 1, word))
        total += strtoull(strstr(at, "\"count\": ") + strlen("\"count\": "), NULL, 10);
    return total;
}

static uint64_t gradient_runs(const dpmix_accountant *accountant)
{
    return count_runs(tiny_text(dpmix_accountant_json, accountant), "poisson_subsampled_gaussian");
}

/* A model file without the texts of ledgers. */
static struct tiny_bytes without_ledgers(const char *path)
{
    static const char begins[] = "{\n  \"format\"";
    struct tiny_bytes file = tiny_read(path);
    size_t n = 0;
    for (size_t i = TINY_HEADER; i < file.n - TINY_CHECKSUM; i++) {
        file.bytes[n++] = file.bytes[i];
        if (i + sizeof begins > file.n || memcmp(file.bytes + i, begins, sizeof begins - 1) != 0)
            continue;
        uint64_t length = 0; /* it stands before the text */
        for (int j = 8; j > 0; j--)
            length = length << 8 | file.bytes[i - 9 + (size_t)j];
        ck_assert_uint_le(length, file.n - i);
        i += (size_t)length - 1;
        n -= 9;
    }
    file.n = n;
    return file;
}

static void expect_same_model(const char *a, const char *b)
{
    struct tiny_bytes left = without_ledgers(a), right = without_ledgers(b);
    ck_assert_uint_gt(left.n, 100);
    ck_assert_uint_eq(left.n, right.n);
    ck_assert_mem_eq(left.bytes, right.bytes, left.n);
    free(left.bytes);
    free(right.bytes);
}

/* ---- The same as the training that never stopped ---- */

/* Kind, settings and ledger by the test's number; stopped and resumed twice. With a durable ledger a
 * cancellation costs nothing, so that even the ledgers are the same. */
START_TEST(a_resumed_training_is_the_one_that_never_stopped)
{
    static struct tiny_case tiny;
    int durable = _i % (N_SETTINGS + 1) == N_SETTINGS, kind = kinds[_i / (N_SETTINGS + 1)];
    int settings = durable ? 1 : _i % (N_SETTINGS + 1); /* a file takes its time */
    dpmix_generator *whole, *resumed = NULL;
    if (durable && !has_store())
        return;
    whole = new_generator(kind, settings, STEPS);
    open_case(&tiny, durable, EPSILON);
    CHECK_OK(dpmix_generator_fit(whole, tiny.accountant, tiny.dataset, 0.2, NULL, NULL));
    CHECK_OK(dpmix_generator_save(whole, tiny_path("images")));
    dpmix_generator_free(whole);
    for (int64_t stop = 0; stop <= STEPS; stop += durable ? 9 : 3) {
        tiny_case_close(&tiny);
        unlink(tiny_path("a"));
        open_case(&tiny, durable, EPSILON);
        ck_assert_int_eq(fit_until(&tiny, kind, settings, stop, 5), DPMIX_ERR_CANCELLED);
        if (durable) { /* as in another process */
            tiny_case_close(&tiny);
            open_case(&tiny, durable, EPSILON);
        }
        if (stop + 2 < STEPS)
            ck_assert_int_eq(resume_until(&resumed, &tiny, stop + 2), DPMIX_ERR_CANCELLED);
        ck_assert_ptr_null(resumed);
        CHECK_OK(resume_until(&resumed, &tiny, -1));
        CHECK_OK(dpmix_generator_save(resumed, tiny_path("damaged")));
        dpmix_generator_free(resumed);
        resumed = NULL;
        expect_same_model(tiny_path("images"), tiny_path("damaged"));
        if (durable)
            ck_assert(tiny_same_files(tiny_path("images"), tiny_path("damaged")));
    }
    tiny_case_close(&tiny);
}
END_TEST

/* What follows the steps is taken from its beginning, and what of it had run is paid for again. */
START_TEST(a_training_that_stopped_among_its_extras_goes_on)
{
    enum { EXTRAS = 1 + 1 + 4 + 1, RAN = 5 }; /* by the defaults of the Gaussian mixture */
    static struct tiny_case tiny;
    dpmix_generator *whole = new_generator(DPMIX_GENERATOR_VAE, WITH_EXTRAS, STEPS), *resumed = NULL;
    open_case(&tiny, 0, AMPLE);
    CHECK_OK(dpmix_generator_fit(whole, tiny.accountant, tiny.dataset, 0.2, NULL, NULL));
    CHECK_OK(dpmix_generator_save(whole, tiny_path("images")));
    dpmix_generator_free(whole);
    ck_assert_uint_eq(tiny.mode.queries, 1 + STEPS + EXTRAS);
    tiny_case_close(&tiny);
    open_case(&tiny, 0, AMPLE);
    ck_assert_int_eq(fit_until(&tiny, DPMIX_GENERATOR_VAE, WITH_EXTRAS, STEPS + RAN, 0), DPMIX_ERR_CANCELLED);
    ck_assert_uint_eq(tiny.mode.queries, 1 + STEPS + RAN);
    double before = tiny_spent(tiny.accountant);
    CHECK_OK(resume_until(&resumed, &tiny, -1));
    ck_assert_uint_eq(tiny.mode.queries, 1 + STEPS + RAN + EXTRAS);
    ck_assert_double_gt(tiny_spent(tiny.accountant), before);
    ck_assert_uint_eq(gradient_runs(tiny.accountant), STEPS);
    CHECK_OK(dpmix_generator_save(resumed, tiny_path("damaged")));
    dpmix_generator_free(resumed);
    expect_same_model(tiny_path("images"), tiny_path("damaged"));
    tiny_case_close(&tiny);
}
END_TEST

/* A progress callback: keeps the file that was written before the debit, and stops. */
static int keep_first_file(void *user, int phase, uint64_t done, uint64_t total, double epsilon_spent)
{
    (void)phase, (void)done, (void)total, (void)epsilon_spent;
    *(struct tiny_bytes *)user = tiny_read(tiny_path("b"));
    return 1;
}

START_TEST(a_training_can_be_resumed_from_its_beginning)
{
    static struct tiny_case tiny;
    struct tiny_bytes first;
    dpmix_generator *whole = new_generator(kinds[_i], 0, STEPS), *resumed = NULL;
    open_case(&tiny, 0, AMPLE);
    CHECK_OK(dpmix_generator_fit(whole, tiny.accountant, tiny.dataset, 0.001, NULL, NULL));
    CHECK_OK(dpmix_generator_save(whole, tiny_path("images")));
    dpmix_generator_free(whole);
    tiny_case_close(&tiny);
    open_case(&tiny, 0, AMPLE);
    dpmix_generator *stopped = new_generator(kinds[_i], 0, STEPS);
    CHECK_OK(dpmix_generator_checkpoint(stopped, tiny_path("b"), 0));
    ck_assert_int_eq(
        dpmix_generator_fit(stopped, tiny.accountant, tiny.dataset, 0.001, keep_first_file, &first),
        DPMIX_ERR_CANCELLED);
    tiny_write(tiny_path("b"), first.bytes, first.n);
    CHECK_OK(resume_until(&resumed, &tiny, -1));
    CHECK_OK(dpmix_generator_save(resumed, tiny_path("damaged")));
    expect_same_model(tiny_path("images"), tiny_path("damaged"));
    ck_assert_uint_eq(gradient_runs(tiny.accountant), 2 * STEPS);
    free(first.bytes);
    dpmix_generator_free(resumed);
    dpmix_generator_free(stopped);
    tiny_case_close(&tiny);
}
END_TEST

static dpmix_mixture *new_mixture(struct tiny_case *tiny, int partition)
{
    return tiny_mixture(tiny_fitted_clusterer(tiny, partition, 0.2),
                        new_generator(DPMIX_GENERATOR_VAE, 1, STEPS));
}

START_TEST(a_resumed_mixture_is_the_one_that_never_stopped)
{
    static struct tiny_case tiny;
    struct stop stop = {7};
    dpmix_mixture *mixture, *resumed = NULL;
    dpmix_generator *none = NULL;
    int partition = _i ? DPMIX_CLUSTERER_KMEANS : DPMIX_CLUSTERER_LABEL, durable = has_store();
    open_case(&tiny, durable, EPSILON);
    mixture = new_mixture(&tiny, partition);
    CHECK_OK(dpmix_mixture_fit(mixture, tiny.accountant, tiny.dataset, 0.2, NULL, NULL));
    CHECK_OK(dpmix_mixture_save(mixture, tiny_path("images")));
    dpmix_mixture_free(mixture);
    tiny_case_close(&tiny);
    unlink(tiny_path("a"));
    open_case(&tiny, durable, EPSILON);
    mixture = new_mixture(&tiny, partition);
    CHECK_OK(dpmix_mixture_checkpoint(mixture, tiny_path("b"), 0));
    ck_assert_int_eq(dpmix_mixture_fit(mixture, tiny.accountant, tiny.dataset, 0.2, stop_there, &stop),
                     DPMIX_ERR_CANCELLED);
    dpmix_mixture_free(mixture);
    CHECK_FAILS(resume_until(&none, &tiny, -1), DPMIX_ERR_FORMAT, "path");
    CHECK_OK(dpmix_mixture_resume(&resumed, tiny_path("b"), tiny.accountant, tiny.dataset, NULL, NULL));
    CHECK_OK(dpmix_mixture_save(resumed, tiny_path("damaged")));
    dpmix_mixture_free(resumed);
    expect_same_model(tiny_path("images"), tiny_path("damaged"));
    if (durable)
        ck_assert(tiny_same_files(tiny_path("images"), tiny_path("damaged")));
    tiny_case_close(&tiny);
}
END_TEST

/* ---- What it costs ---- */

START_TEST(a_ledger_in_memory_pays_all_resumed_steps_anew)
{
    static struct tiny_case tiny;
    dpmix_generator *resumed = NULL;
    open_case(&tiny, 0, AMPLE);
    ck_assert_int_eq(fit_until(&tiny, DPMIX_GENERATOR_VAE, 0, 5, 0), DPMIX_ERR_CANCELLED);
    ck_assert_uint_eq(gradient_runs(tiny.accountant), STEPS);
    unsigned queries = tiny.mode.queries;
    ck_assert_uint_eq(queries, 1 + 5);
    double before = tiny_spent(tiny.accountant);
    ck_assert_int_eq(resume_until(&resumed, &tiny, 7), DPMIX_ERR_CANCELLED);
    ck_assert_uint_eq(gradient_runs(tiny.accountant), STEPS + (STEPS - 5));
    CHECK_OK(resume_until(&resumed, &tiny, -1));
    ck_assert_uint_eq(gradient_runs(tiny.accountant), STEPS + (STEPS - 5) + (STEPS - 7));
    ck_assert_uint_eq(tiny.mode.queries, 1 + STEPS);
    ck_assert_uint_eq(tiny_entries(tiny.accountant), 3);
    ck_assert_uint_eq(tiny_count(tiny_text(dpmix_accountant_json, tiny.accountant), "\"VAE, resumed\""), 2);
    ck_assert_double_gt(tiny_spent(tiny.accountant), before);
    dpmix_generator_free(resumed);
    resumed = NULL;
    tiny_case_close(&tiny);
    open_case(&tiny, 0, EPSILON); /* the next is not covered */
    dpmix_generator *all = tiny_generator(DPMIX_GENERATOR_VAE);
    ck_assert_int_eq(fit_until(&tiny, DPMIX_GENERATOR_VAE, 0, 5, 0), DPMIX_ERR_CANCELLED);
    CHECK_OK(dpmix_generator_fit(all, tiny.accountant, tiny.dataset, 1, NULL, NULL));
    queries = tiny.mode.queries;
    before = tiny_spent(tiny.accountant);
    CHECK_FAILS(resume_until(&resumed, &tiny, -1), DPMIX_ERR_BUDGET, "budget");
    ck_assert(tiny.mode.queries == queries && tiny_spent(tiny.accountant) == before && !resumed);
    dpmix_generator_free(all);
    tiny_case_close(&tiny);
}
END_TEST

/* At the end of a training nothing is left to be paid for but what the learner asks after it. */
START_TEST(a_finished_training_can_be_had_again)
{
    static struct tiny_case tiny;
    dpmix_generator *resumed = NULL;
    if (!has_store())
        return;
    open_case(&tiny, 1, AMPLE);
    CHECK_OK(fit_until(&tiny, DPMIX_GENERATOR_VAE, 0, -1, 100));
    unsigned queries = tiny.mode.queries;
    CHECK_OK(resume_until(&resumed, &tiny, -1));
    ck_assert_uint_eq(tiny.mode.queries, queries);
    ck_assert_uint_eq(tiny_entries(tiny.accountant), 1);
    dpmix_generator_free(resumed);
    tiny_case_close(&tiny);
}
END_TEST

/* The numbering of queries, on a ledger of events of several kinds. */
START_TEST(what_may_have_begun_is_debited_anew)
{
    static const struct dpm_event events[] = {{DPM_EVENT_GAUSSIAN, 50, 1, 1},
                                              {DPM_EVENT_SUBSAMPLED_GAUSSIAN, 9, 0.1, 10},
                                              {DPM_EVENT_SUBSAMPLED_GAUSSIAN, 8, 0.1, 5},
                                              {DPM_EVENT_GAUSSIAN, 40, 1, 2}};
    /* done, begun, and of each event how many are debited anew */
    static const uint64_t cases[][6] = {
        {0, 0, 0, 0, 0, 0},  {0, 1, 1, 0, 0, 0},   {1, 1, 0, 0, 0, 0},   {0, 18, 1, 10, 5, 2},
        {4, 9, 0, 5, 0, 0},  {10, 12, 0, 1, 1, 0}, {11, 17, 0, 0, 5, 1}, {16, 18, 0, 0, 0, 2},
        {3, 17, 0, 8, 5, 1}, {18, 18, 0, 0, 0, 0},
    };
    enum { N = sizeof cases / sizeof *cases };
    for (size_t c = 0; c < N && has_store(); c++) {
        char name[] = {(char)('a' + c), 0}; /* of a data set for each */
        dpmix_accountant *accountant = open_at(tiny_path("a"), name, AMPLE);
        struct dpm_account_run run = {"name", "first token", 0, 0}, other = {"name", "next token", 0, 0};
        char *json = NULL;
        CHECK_OK(dpm_accountant_begin_run(accountant, &run, "p", events, 4, 0, NULL));
        ck_assert_uint_eq(run.entry, 1);
        CHECK_OK(dpm_accountant_mark_run(accountant, &run, cases[c][1] / 2));
        CHECK_OK(dpm_accountant_mark_run(accountant, &run, cases[c][1]));
        CHECK_OK(dpm_accountant_mark_run(accountant, &run, 0)); /* it never falls */
        CHECK_FAILS(dpm_accountant_resume_run(accountant, &other, cases[c][1] + 1, "p", events, 4, 0, NULL),
                    DPMIX_ERR_STATE, "older");
        CHECK_FAILS(dpm_accountant_resume_run(accountant, &other, 0, "p", events, 3, 0, NULL),
                    DPMIX_ERR_STATE, "another debit");
        CHECK_FAILS(dpm_accountant_resume_run(accountant, &other, 0, "p", events, 4, 1, NULL),
                    DPMIX_ERR_STATE, "another debit");
        CHECK_OK(dpm_accountant_resume_run(accountant, &other, cases[c][0], "p", events, 4, 0, &json));
        uint64_t anew[4] = {cases[c][2], cases[c][3], cases[c][4], cases[c][5]};
        const char *entry = strstr(json, "\"p, resumed\"");
        ck_assert_int_eq(entry != NULL, anew[0] + anew[1] + anew[2] + anew[3] > 0);
        ck_assert_uint_eq(count_runs(entry ? entry : "", "gaussian"), anew[0] + anew[3]);
        ck_assert_uint_eq(count_runs(entry ? entry : "", "poisson_subsampled_gaussian"), anew[1] + anew[2]);
        CHECK_FAILS(dpm_accountant_mark_run(accountant, &run, 18), DPMIX_ERR_STATE, "elsewhere");
        CHECK_FAILS(dpm_accountant_leave_run(accountant, &run, 0), DPMIX_ERR_STATE, "elsewhere");
        dpm_free(json);
        json = NULL; /* at once again: all from `done` on is paid for and has not begun */
        CHECK_OK(dpm_accountant_resume_run(accountant, &run, cases[c][0], "p", events, 4, 0, &json));
        ck_assert_uint_eq(tiny_count(json, "resumed"), entry != NULL);
        CHECK_OK(dpm_accountant_leave_run(accountant, &run, cases[c][0]));
        CHECK_FAILS(dpm_accountant_resume_run(accountant, &other, cases[c][0] + 1, "p", events, 4, 0, NULL),
                    DPMIX_ERR_STATE, "went on from an older checkpoint");
        CHECK_FAILS(dpm_accountant_mark_run(accountant, &run, 18), DPMIX_ERR_STATE, "elsewhere");
        dpm_free(json);
        dpmix_accountant_free(accountant);
    }
}
END_TEST

/* ---- Killed ---- */

struct touches {
    int say;
    unsigned last; /* the touch after which the process waits for its end */
};

/* A dpm_test_mode's: rows were read by now. */
static void say_touch(void *user, const struct dpm_observation *observation, int64_t *sums)
{
    struct touches *touches = user;
    char which = observation->plan == 0 ? 'c' : 'g';
    (void)sums;
    if (write(touches->say, &which, 1) != 1)
        _exit(4);
    touches->last--;
    while (touches->last == 0)
        pause();
}

/* The paths are the parent's. */
struct child_paths {
    char ledger[96], file[96];
};

enum { NEVER = KILLS * LONG };

static void train_in_child(const struct child_paths *paths, int begin, int say, unsigned last)
{
    static struct tiny_case tiny;
    struct touches touches = {say, last};
    dpmix_generator *generator = NULL;
    tiny_case_open(&tiny, AMPLE, 3);
    dpmix_accountant_free(tiny.accountant);
    tiny.accountant = open_at(paths->ledger, "patients", AMPLE);
    tiny.mode.mode.observe = say_touch;
    tiny.mode.mode.user = &touches;
    int status;
    if (begin) {
        generator = new_generator(DPMIX_GENERATOR_VAE, 0, LONG);
        CHECK_OK(dpmix_generator_checkpoint(generator, paths->file, EVERY));
        status = dpmix_generator_fit(generator, tiny.accountant, tiny.dataset, 0.001, NULL, NULL);
    } else {
        status = dpmix_generator_resume(&generator, paths->file, tiny.accountant, tiny.dataset, NULL, NULL);
    }
    _exit(status == DPMIX_OK ? 0 : 3);
}

static pid_t start_child(const struct child_paths *paths, int begin, unsigned last, int *from)
{
    int ends[2];
    ck_assert_int_eq(pipe(ends), 0);
    pid_t child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) {
        close(ends[0]);
        train_in_child(paths, begin, ends[1], last);
    }
    close(ends[1]);
    *from = ends[0];
    return child;
}

static unsigned random_below(unsigned n)
{
    static unsigned state = 1;
    state = state * 1103515245u + 12345u;
    return (state >> 16) % n;
}

/* Kills the child after it has read rows `most` times, or a little later; how often it read rows for counts
 * and for gradients goes to `touched`. Returns how the child ended. */
static int kill_after(pid_t child, int from, unsigned most, uint64_t touched[2])
{
    char which;
    int end;
    for (unsigned heard = 0; heard < most && read(from, &which, 1) == 1; heard++)
        touched[which == 'g']++;
    nanosleep(&(struct timespec){0, (long)random_below(3000) * 1000}, NULL);
    kill(child, SIGKILL);
    ck_assert_int_eq(waitpid(child, &end, 0), child);
    while (read(from, &which, 1) == 1)
        touched[which == 'g']++;
    close(from);
    return end;
}

/* A save that was killed leaves its temporary file. */
static void remove_temporaries(void)
{
    DIR *folder = opendir(tiny_folder());
    ck_assert_ptr_nonnull(folder);
    for (struct dirent *entry; (entry = readdir(folder)) != NULL;)
        if (strncmp(entry->d_name, "b.new-", 6) == 0)
            ck_assert_int_eq(unlinkat(dirfd(folder), entry->d_name, 0), 0);
    closedir(folder);
}

static int stop_at_once(void *user, int phase, uint64_t done, uint64_t total, double epsilon_spent)
{
    (void)user, (void)phase, (void)done, (void)total, (void)epsilon_spent;
    return 1;
}

/* Killed at a touch, before anything that comes after it: what goes on pays for that touch as well. */
START_TEST(a_touch_is_marked_before_it_happens)
{
    static struct tiny_case tiny;
    static const unsigned touches[] = {1, 2, 3, EVERY + 1, EVERY + 3, LONG + 1};
    struct child_paths paths;
    dpmix_generator *none = NULL;
    int from;
    if (!has_store())
        return;
    strcpy(paths.ledger, tiny_path("a"));
    strcpy(paths.file, tiny_path("b"));
    for (size_t i = 0; i < sizeof touches / sizeof *touches; i++) {
        uint64_t touched[2] = {0, 0};
        unlink(paths.ledger);
        unlink(paths.file);
        pid_t child = start_child(&paths, 1, touches[i], &from);
        kill_after(child, from, touches[i], touched);
        ck_assert_uint_eq(touched[0] + touched[1], touches[i]);
        open_case(&tiny, 1, AMPLE);
        ck_assert_int_eq(
            dpmix_generator_resume(&none, paths.file, tiny.accountant, tiny.dataset, stop_at_once, NULL),
            DPMIX_ERR_CANCELLED);
        const char *json = tiny_text(dpmix_accountant_json, tiny.accountant), *anew = strstr(json, "resumed");
        ck_assert_ptr_nonnull(anew);
        /* steps are marked up to the next checkpoint, and begin anew at the last */
        uint64_t done = touched[1] ? (touched[1] - 1) / EVERY * EVERY : 0;
        ck_assert_uint_ge(count_runs(anew, "poisson_subsampled_gaussian"), touched[1] - done);
        ck_assert_uint_ge(count_runs(anew, "gaussian"), done ? 0 : touched[0]);
        tiny_case_close(&tiny);
    }
    remove_temporaries();
}
END_TEST

/* However often a training is killed, the ledger holds a debit for every time that rows were read. Another
 * training begins where the machine was too fast for three kills. */
START_TEST(every_touch_is_paid_for)
{
    struct child_paths paths;
    uint64_t touched[2] = {0, 0}, finished = 0; /* gradients in the ledger after the last whole training */
    int end = -1, kills = 0, trainings = 1, begun = 0, from;
    if (!has_store())
        return;
    strcpy(paths.ledger, tiny_path("a"));
    strcpy(paths.file, tiny_path("b"));
    while (end != 0 || kills < 3) {
        ck_assert_int_lt(kills + trainings, KILLS);
        pid_t child = start_child(&paths, !begun, NEVER, &from);
        end = kill_after(child, from, kills % 4 == 3 ? LONG / 2 : random_below(12), touched);
        ck_assert_msg(end == 0 || (WIFSIGNALED(end) && WTERMSIG(end) == SIGKILL), "ended with %d", end);
        kills += end != 0;
        dpmix_accountant *accountant = open_at(paths.ledger, "patients", AMPLE);
        const char *json = tiny_text(dpmix_accountant_json, accountant);
        uint64_t gradients = count_runs(json, "poisson_subsampled_gaussian");
        begun = gradients > finished; /* killed before its debit: there is nothing to resume */
        ck_assert_uint_le(touched[1], gradients);
        ck_assert_uint_le(touched[0], count_runs(json, "gaussian"));
        /* a kill loses the steps since the last checkpoint, and those that were marked ahead */
        ck_assert_uint_le(gradients, (uint64_t)(trainings * LONG + kills * 2 * EVERY));
        dpmix_accountant_free(accountant);
        if (end == 0) {
            ck_assert_uint_ge(touched[1], (uint64_t)trainings * LONG);
            trainings++;
            finished = gradients;
            begun = 0;
            unlink(paths.file);
        }
    }
    remove_temporaries();
}
END_TEST

START_TEST(of_two_that_resume_at_once_one_goes_on)
{
    static struct tiny_case tiny;
    struct child_paths paths;
    pid_t child[2];
    int from[2], end[2];
    uint64_t touched[2] = {0, 0};
    char which;
    if (!has_store())
        return;
    strcpy(paths.ledger, tiny_path("a"));
    strcpy(paths.file, tiny_path("b"));
    open_case(&tiny, 1, AMPLE);
    ck_assert_int_eq(fit_until(&tiny, DPMIX_GENERATOR_VAE, 0, 2, 1), DPMIX_ERR_CANCELLED);
    for (int i = 0; i < 2; i++)
        child[i] = start_child(&paths, 0, NEVER, &from[i]);
    for (int i = 0; i < 2; i++) {
        while (read(from[i], &which, 1) == 1)
            touched[which == 'g']++;
        close(from[i]);
        ck_assert_int_eq(waitpid(child[i], &end[i], 0), child[i]);
        ck_assert(WIFEXITED(end[i]) && (WEXITSTATUS(end[i]) == 0 || WEXITSTATUS(end[i]) == 3));
    }
    ck_assert(end[0] == 0 || end[1] == 0); /* both when one had ended before the other began */
    ck_assert_uint_le(2 + touched[1], gradient_runs(tiny.accountant));
    tiny_case_close(&tiny);
}
END_TEST

/* ---- The lease ---- */

/* Resumes the training to its end, with handles of its own, while another one is at it. */
struct intruder {
    int at, durable;
    struct tiny_case *victim;
    unsigned queries; /* of the victim, by then */
};

static int intrude(void *user, int phase, uint64_t done, uint64_t total, double epsilon_spent)
{
    static struct tiny_case own;
    struct intruder *intruder = user;
    dpmix_generator *resumed = NULL;
    (void)phase, (void)total, (void)epsilon_spent;
    if ((int)done != intruder->at)
        return 0;
    intruder->queries = intruder->victim->mode.queries;
    open_case(&own, intruder->durable, AMPLE);
    if (intruder->durable)
        CHECK_OK(resume_until(&resumed, &own, -1));
    else
        CHECK_OK(dpmix_generator_resume(&resumed, tiny_path("b"), intruder->victim->accountant,
                                        intruder->victim->dataset, NULL, NULL));
    dpmix_generator_free(resumed);
    tiny_case_close(&own);
    intruder->queries += intruder->victim->mode.queries - intruder->queries;
    return 0;
}

/* With checkpoints every two steps the lease is lost right after two steps were marked; without them each
 * step is marked by itself. */
START_TEST(who_has_lost_the_lease_stops_at_the_mark)
{
    static struct tiny_case tiny;
    unsigned every = _i / 2 * 2;
    struct intruder intruder = {4, _i % 2, &tiny, 0};
    dpmix_generator *generator, *resumed = NULL;
    if (_i % 2 && !has_store())
        return;
    generator = new_generator(DPMIX_GENERATOR_VAE, 0, STEPS);
    open_case(&tiny, _i % 2, AMPLE);
    CHECK_OK(dpmix_generator_checkpoint(generator, tiny_path("b"), every));
    CHECK_FAILS(dpmix_generator_fit(generator, tiny.accountant, tiny.dataset, 0.001, intrude, &intruder),
                DPMIX_ERR_STATE, "resumed elsewhere");
    ck_assert_uint_eq(tiny.mode.queries, intruder.queries + every);
    unsigned before = tiny.mode.queries;
    CHECK_OK(resume_until(&resumed, &tiny, -1)); /* the file is the intruder's, at the end of the training */
    ck_assert_uint_eq(tiny.mode.queries - before, every ? 0 : 1 + STEPS);
    dpmix_generator_free(resumed);
    dpmix_generator_free(generator);
    tiny_case_close(&tiny);
}
END_TEST

/* Hides the ledger before a step; for one who asks to stop, too, where `stops` says so. */
struct hiding {
    uint64_t at;
    int stops;
};

static int hide_ledger(void *user, int phase, uint64_t done, uint64_t total, double epsilon_spent)
{
    const struct hiding *hiding = user;
    (void)phase, (void)total, (void)epsilon_spent;
    if (done == hiding->at)
        ck_assert_int_eq(rename(tiny_path("a"), tiny_path("missing")), 0);
    return done == hiding->at && hiding->stops;
}

/* The training ends, but no step of it is lost. One that was marked and did not begin is paid for twice. */
START_TEST(a_ledger_that_is_away_loses_no_step)
{
    static struct tiny_case tiny;
    unsigned every = _i / 2 * EVERY;
    struct hiding hiding = {2 * EVERY - 1, _i % 2};
    dpmix_generator *generator, *resumed = NULL;
    if (!has_store())
        return;
    generator = new_generator(DPMIX_GENERATOR_VAE, 0, STEPS);
    open_case(&tiny, 1, EPSILON);
    CHECK_OK(dpmix_generator_checkpoint(generator, tiny_path("b"), every));
    CHECK_FAILS(dpmix_generator_fit(generator, tiny.accountant, tiny.dataset, 0.2, hide_ledger, &hiding),
                DPMIX_ERR_IO, "path");
    ck_assert_int_eq(rename(tiny_path("missing"), tiny_path("a")), 0);
    CHECK_OK(resume_until(&resumed, &tiny, -1));
    ck_assert_uint_eq(tiny.mode.queries, 1 + STEPS);
    ck_assert_uint_eq(gradient_runs(tiny.accountant), STEPS + (every && hiding.stops));
    dpmix_generator_free(resumed);
    dpmix_generator_free(generator);
    tiny_case_close(&tiny);
}
END_TEST

/* ---- The wrong ledger, data set, file ---- */

START_TEST(another_ledger_is_refused)
{
    static struct tiny_case tiny, other;
    dpmix_generator *none = NULL;
    open_case(&tiny, 0, EPSILON);
    ck_assert_int_eq(fit_until(&tiny, DPMIX_GENERATOR_VAE, 0, 5, 0), DPMIX_ERR_CANCELLED);
    open_case(&other, 0, EPSILON);
    CHECK_FAILS(resume_until(&none, &other, -1), DPMIX_ERR_STATE, "does not know");
    ck_assert_int_eq(fit_until(&other, DPMIX_GENERATOR_VAE, 0, 5, 0), DPMIX_ERR_CANCELLED); /* another file */
    CHECK_FAILS(resume_until(&none, &tiny, -1), DPMIX_ERR_STATE, "does not know");
    ck_assert(tiny_entries(tiny.accountant) == 1 && tiny.mode.queries == 6);
    tiny_case_close(&tiny);
    tiny_case_close(&other);
    if (!has_store())
        return;
    open_case(&tiny, 1, EPSILON);
    ck_assert_int_eq(fit_until(&tiny, DPMIX_GENERATOR_VAE, 0, 5, 0), DPMIX_ERR_CANCELLED);
    tiny_case_open(&other, EPSILON, 3);
    dpmix_accountant_free(other.accountant);
    other.accountant = open_at(tiny_path("a"), "donors", EPSILON);
    ck_assert_int_eq(
        dpmix_generator_resume(&none, tiny_path("b"), other.accountant, other.dataset, NULL, NULL),
        DPMIX_ERR_STATE);
    ck_assert_uint_eq(other.mode.queries, 0);
    dpm_dataset_set_test(tiny.dataset, NULL); /* a debit that is not private is not gone on with as private */
    CHECK_FAILS(resume_until(&none, &tiny, -1), DPMIX_ERR_STATE, "another debit");
    tiny_case_close(&other);
    tiny_case_close(&tiny);
    ck_assert_ptr_null(none);
}
END_TEST

START_TEST(an_older_ledger_is_refused)
{
    static struct tiny_case tiny;
    dpmix_generator *none = NULL;
    if (!has_store())
        return;
    open_case(&tiny, 1, EPSILON);
    ck_assert_int_eq(fit_until(&tiny, DPMIX_GENERATOR_VAE, 0, 2, 0), DPMIX_ERR_CANCELLED);
    struct tiny_bytes ledger = tiny_read(tiny_path("a"));
    ck_assert_int_eq(resume_until(&none, &tiny, 6), DPMIX_ERR_CANCELLED);
    tiny_case_close(&tiny);
    tiny_write(tiny_path("a"), ledger.bytes, ledger.n);
    open_case(&tiny, 1, EPSILON);
    CHECK_FAILS(resume_until(&none, &tiny, -1), DPMIX_ERR_STATE, "older");
    ck_assert_uint_eq(tiny.mode.queries, 0);
    tiny_case_close(&tiny);
    free(ledger.bytes);
}
END_TEST

START_TEST(another_data_set_is_refused)
{
    static struct tiny_case tiny;
    const double lower = TINY_LOWER, upper = 2 * TINY_UPPER;
    dpmix_generator *none = NULL;
    dpmix_dataset *other = NULL;
    open_case(&tiny, 0, EPSILON);
    ck_assert_int_eq(fit_until(&tiny, DPMIX_GENERATOR_VAE, 0, 5, 0), DPMIX_ERR_CANCELLED);
    CHECK_OK(dpmix_dataset_new_f32(&other, tiny.rows, TINY_ROWS, TINY_COLUMNS, tiny.labels, TINY_CLASSES,
                                   &lower, &upper, 1, DPMIX_STORAGE_COPY));
    CHECK_FAILS(dpmix_generator_resume(&none, tiny_path("b"), tiny.accountant, other, NULL, NULL),
                DPMIX_ERR_STATE, "bounds");
    dpmix_dataset_free(other);
    other = tiny_dataset(tiny.rows, TINY_ROWS, TINY_COLUMNS, tiny.labels, TINY_CLASSES + 1);
    CHECK_FAILS(dpmix_generator_resume(&none, tiny_path("b"), tiny.accountant, other, NULL, NULL),
                DPMIX_ERR_STATE, "classes");
    dpmix_dataset_free(other);
    other = tiny_dataset(tiny.rows, TINY_ROWS * 2, TINY_COLUMNS / 2, NULL, 0);
    CHECK_FAILS(dpmix_generator_resume(&none, tiny_path("b"), tiny.accountant, other, NULL, NULL),
                DPMIX_ERR_STATE, "columns");
    dpmix_dataset_free(other); /* a model of these would be larger than the file */
    other = tiny_dataset(tiny.rows, TINY_ROWS / 50, 50 * TINY_COLUMNS, tiny.labels, TINY_CLASSES);
    CHECK_FAILS(dpmix_generator_resume(&none, tiny_path("b"), tiny.accountant, other, NULL, NULL),
                DPMIX_ERR_STATE, "columns");
    dpmix_dataset_free(other);
    other = tiny_dataset(tiny.rows, TINY_ROWS, TINY_COLUMNS, tiny.labels, 1000 * TINY_CLASSES);
    CHECK_FAILS(dpmix_generator_resume(&none, tiny_path("b"), tiny.accountant, other, NULL, NULL),
                DPMIX_ERR_STATE, "classes");
    dpmix_dataset_free(other);
    ck_assert_uint_eq(tiny_entries(tiny.accountant), 1);
    tiny_case_close(&tiny);
}
END_TEST

/* Also where its records could not have begun such a fit. */
START_TEST(records_that_are_no_images_are_another_data_set)
{
    static struct tiny_case tiny;
    dpmix_options *options = tiny_options();
    dpmix_generator *generator = NULL;
    dpmix_mixture *none = NULL;
    open_case(&tiny, 0, EPSILON);
    dpmix_dataset *images = tiny_dataset(tiny.rows, TINY_ROWS / 2, 2 * TINY_COLUMNS, NULL, 0);
    CHECK_OK(dpmix_options_set_double(options, DPMIX_OPTION_AUGMENT_FRACTION, 0.5));
    CHECK_OK(dpmix_generator_new(&generator, DPMIX_GENERATOR_VAE, options));
    dpmix_mixture *mixture = tiny_mixture(NULL, generator);
    CHECK_OK(dpmix_mixture_checkpoint(mixture, tiny_path("b"), 1));
    CHECK_OK(dpmix_mixture_fit(mixture, tiny.accountant, images, 0.5, NULL, NULL));
    CHECK_FAILS(dpmix_mixture_resume(&none, tiny_path("b"), tiny.accountant, tiny.dataset, NULL, NULL),
                DPMIX_ERR_STATE, "dataset");
    ck_assert(none == NULL && tiny_entries(tiny.accountant) == 1);
    dpmix_mixture_free(mixture);
    dpmix_dataset_free(images);
    dpmix_options_free(options);
    tiny_case_close(&tiny);
}
END_TEST

/* Where a number stands in a file, and that it stands there once. */
static size_t find_number(struct tiny_bytes file, double number)
{
    size_t found = 0;
    for (size_t i = TINY_HEADER; i + 8 <= file.n; i++)
        if (memcmp(file.bytes + i, &number, 8) == 0) {
            ck_assert_uint_eq(found, 0);
            found = i;
        }
    ck_assert_uint_gt(found, 0);
    return found;
}

/* Less noise than was paid for is not to be had by a change of the file. */
START_TEST(a_file_with_less_noise_is_refused)
{
    static struct tiny_case tiny;
    dpmix_generator *none = NULL;
    open_case(&tiny, 0, EPSILON);
    ck_assert_int_eq(fit_until(&tiny, DPMIX_GENERATOR_VAE, 0, 5, 0), DPMIX_ERR_CANCELLED);
    const char *json = tiny_text(dpmix_accountant_json, tiny.accountant);
    const char *gradient = strstr(json, "poisson_subsampled_gaussian");
    double noise =
        strtod(strstr(gradient, "\"noise_multiplier\": ") + strlen("\"noise_multiplier\": "), NULL);
    struct tiny_bytes file = tiny_read(tiny_path("b"));
    double less = nextafter(noise, 0);
    memcpy(file.bytes + find_number(file, noise), &less, 8);
    tiny_seal(file.bytes, file.n);
    tiny_write(tiny_path("b"), file.bytes, file.n);
    CHECK_FAILS(resume_until(&none, &tiny, -1), DPMIX_ERR_STATE, "another debit");
    ck_assert(tiny_entries(tiny.accountant) == 1 && tiny.mode.queries == 6);
    free(file.bytes);
    tiny_case_close(&tiny);
}
END_TEST

/* No part of the file tells the noise: not the keys, nor anything with which the next noise is the same. */
START_TEST(no_key_is_in_the_file)
{
    static struct tiny_case tiny;
    dpmix_generator *resumed = NULL;
    uint8_t keys[3][DPM_KEY_SIZE];
    const char *models[] = {"images", "damaged"};
    open_case(&tiny, 0, AMPLE);
    ck_assert_int_eq(fit_until(&tiny, DPMIX_GENERATOR_VAE, 0, 5, 0), DPMIX_ERR_CANCELLED);
    memcpy(keys[0], tiny.mode.mode.key, DPM_KEY_SIZE);
    dpm_random_derive(keys[1], keys[0], 0); /* of the first release */
    dpm_random_derive(keys[2], keys[1], 1); /* its public one */
    struct tiny_bytes file = tiny_read(tiny_path("b"));
    for (int k = 0; k < 3; k++)
        for (size_t i = 0; i + 4 <= file.n; i++)
            for (size_t j = 0; j + 4 <= DPM_KEY_SIZE && k > 0; j++)
                ck_assert(memcmp(file.bytes + i, keys[k] + j, 4) != 0);
    dpm_dataset_set_test(tiny.dataset, NULL);
    tiny_case_close(&tiny);
    tiny_case_open(&tiny, AMPLE, 3);
    dpm_dataset_set_test(tiny.dataset, NULL); /* as in real use */
    ck_assert_int_eq(fit_until(&tiny, DPMIX_GENERATOR_VAE, 0, 5, 0), DPMIX_ERR_CANCELLED);
    struct tiny_bytes copy = tiny_read(tiny_path("b"));
    for (int i = 0; i < 2; i++) {
        tiny_write(tiny_path("b"), copy.bytes, copy.n);
        CHECK_OK(resume_until(&resumed, &tiny, -1));
        CHECK_OK(dpmix_generator_save(resumed, tiny_path(models[i])));
        dpmix_generator_free(resumed);
        resumed = NULL;
    }
    struct tiny_bytes a = without_ledgers(tiny_path(models[0])), b = without_ledgers(tiny_path(models[1]));
    ck_assert_uint_eq(a.n, b.n);
    ck_assert_mem_ne(a.bytes, b.bytes, a.n);
    free(a.bytes);
    free(b.bytes);
    free(copy.bytes);
    free(file.bytes);
    tiny_case_close(&tiny);
}
END_TEST

/* A ledger that knows no training refuses a file that was read in whole. */
static struct tiny_case damage_case;

static int try_checkpoint(const char *path)
{
    dpmix_generator *none = NULL;
    int status = dpmix_generator_resume(&none, path, damage_case.accountant, damage_case.dataset, NULL, NULL);
    ck_assert(none == NULL && damage_case.mode.queries == 0);
    return status == DPMIX_ERR_STATE || status == DPMIX_ERR_NOMEM || status == DPMIX_ERR_RANGE ? DPMIX_OK
                                                                                               : status;
}

START_TEST(a_damaged_file_is_refused)
{
    static struct tiny_case tiny;
    dpmix_options *options = tiny_options();
    dpmix_generator *generator = NULL;
    struct stop stop = {1};
    open_case(&tiny, 0, EPSILON);
    CHECK_OK(dpmix_options_set_int(options, DPMIX_OPTION_THREADS, 1));
    CHECK_OK(dpmix_options_set_int(options, DPMIX_OPTION_VAE_HIDDEN, 1));
    CHECK_OK(dpmix_options_set_int(options, DPMIX_OPTION_VAE_LATENT, 1));
    CHECK_OK(dpmix_generator_new(&generator, DPMIX_GENERATOR_VAE, options));
    CHECK_OK(dpmix_generator_checkpoint(generator, tiny_path("b"), 0));
    ck_assert_int_eq(dpmix_generator_fit(generator, tiny.accountant, tiny.dataset, 0.1, stop_there, &stop),
                     DPMIX_ERR_CANCELLED);
    open_case(&damage_case, 0, EPSILON);
    tiny_damage(try_checkpoint, tiny_path("b"));
    tiny_case_close(&damage_case);
    dpmix_generator_free(generator);
    dpmix_options_free(options);
    tiny_case_close(&tiny);
}
END_TEST

/* ---- Arguments and failures ---- */

/* The most memory of a resumption whose checkpoint has this number of threads. */
static int64_t memory_with_threads(int threads)
{
    struct tiny_case tiny;
    struct stop stop = {2};
    dpmix_options *options = tiny_options();
    dpmix_generator *generator = NULL, *resumed = NULL;
    open_case(&tiny, 0, AMPLE);
    CHECK_OK(dpmix_options_set_int(options, DPMIX_OPTION_THREADS, threads));
    CHECK_OK(dpmix_generator_new(&generator, DPMIX_GENERATOR_VAE, options));
    dpmix_options_free(options);
    CHECK_OK(dpmix_generator_checkpoint(generator, tiny_path("b"), 0));
    ck_assert_int_eq(dpmix_generator_fit(generator, tiny.accountant, tiny.dataset, 0.2, stop_there, &stop),
                     DPMIX_ERR_CANCELLED);
    dpmix_generator_free(generator);
    int64_t held = dpm_alloc_watch();
    ck_assert_int_eq(resume_until(&resumed, &tiny, 3), DPMIX_ERR_CANCELLED);
    int64_t most = dpm_alloc_peak() - held;
    tiny_case_close(&tiny);
    return most;
}

START_TEST(a_file_gets_no_more_threads_than_there_are_processors)
{
    ck_assert_int_eq(memory_with_threads(200), memory_with_threads(dpm_processors()));
}
END_TEST

START_TEST(bad_arguments_are_refused)
{
    static struct tiny_case tiny;
    open_case(&tiny, 0, EPSILON);
    const char *path = tiny_path("b"), *nowhere = "no/such/folder/file";
    dpmix_generator *gaussian = tiny_generator(DPMIX_GENERATOR_GAUSSIAN), *none = NULL;
    dpmix_generator *products = tiny_generator(DPMIX_GENERATOR_PRODUCTS);
    dpmix_generator *vae = tiny_generator(DPMIX_GENERATOR_VAE);
    dpmix_mixture *no_mixture = NULL;
    CHECK_FAILS(dpmix_generator_checkpoint(NULL, path, 1), DPMIX_ERR_ARG, "generator");
    CHECK_FAILS(dpmix_generator_checkpoint(gaussian, path, 1), DPMIX_ERR_UNSUPPORTED, "steps");
    CHECK_OK(dpmix_generator_checkpoint(gaussian, NULL, 1));
    CHECK_FAILS(dpmix_generator_checkpoint(products, path, 1), DPMIX_ERR_UNSUPPORTED, "steps");
    CHECK_FAILS(dpmix_mixture_checkpoint(NULL, path, 1), DPMIX_ERR_ARG, "mixture");
    CHECK_FAILS(dpmix_generator_resume(NULL, path, tiny.accountant, tiny.dataset, NULL, NULL), DPMIX_ERR_ARG,
                "out");
    CHECK_FAILS(dpmix_generator_resume(&none, NULL, tiny.accountant, tiny.dataset, NULL, NULL), DPMIX_ERR_ARG,
                "path");
    CHECK_FAILS(dpmix_generator_resume(&none, path, NULL, tiny.dataset, NULL, NULL), DPMIX_ERR_ARG,
                "accountant");
    CHECK_FAILS(dpmix_mixture_resume(&no_mixture, path, tiny.accountant, NULL, NULL, NULL), DPMIX_ERR_ARG,
                "dataset");
    CHECK_FAILS(dpmix_generator_resume(&none, path, tiny.accountant, tiny.dataset, NULL, NULL), DPMIX_ERR_IO,
                "path");
    CHECK_OK(dpmix_generator_checkpoint(vae, nowhere, 1)); /* nothing is spent when it cannot be written */
    CHECK_FAILS(dpmix_generator_fit(vae, tiny.accountant, tiny.dataset, 0.1, NULL, NULL), DPMIX_ERR_IO,
                "path");
    ck_assert(tiny_entries(tiny.accountant) == 0 && tiny.mode.queries == 0);
    CHECK_OK(dpmix_generator_checkpoint(vae, NULL, 1));
    CHECK_OK(dpmix_generator_fit(vae, tiny.accountant, tiny.dataset, 0.1, NULL, NULL));
    CHECK_FAILS(dpmix_generator_checkpoint(vae, path, 1), DPMIX_ERR_STATE, "fitted");
    ck_assert(none == NULL && no_mixture == NULL);
    dpmix_generator_free(vae);
    dpmix_generator_free(gaussian);
    dpmix_generator_free(products);
    tiny_case_close(&tiny);
}
END_TEST

START_TEST(without_memory_nothing_is_debited_or_read)
{
    static struct tiny_case tiny;
    dpmix_generator *resumed = NULL;
    int status = DPMIX_ERR_NOMEM, durable = has_store();
    open_case(&tiny, durable, EPSILON);
    ck_assert_int_eq(fit_until(&tiny, DPMIX_GENERATOR_VAE, 0, 5, 0), DPMIX_ERR_CANCELLED);
    unsigned queries = tiny.mode.queries;
    for (uint64_t nth = 1; status != DPMIX_OK; nth++) {
        int64_t before = dpm_alloc_live();
        dpm_alloc_fail_after(nth, 1);
        status = resume_until(&resumed, &tiny, -1);
        dpm_alloc_fail_after(0, 0);
        ck_assert_msg(status == DPMIX_OK || status == DPMIX_ERR_NOMEM, "%d %s", status, dpmix_last_error());
        ck_assert(status == DPMIX_OK || (tiny.mode.queries == queries && dpm_alloc_live() == before));
        ck_assert_uint_eq(tiny_entries(tiny.accountant), status == DPMIX_OK && !durable ? 2 : 1);
        ck_assert_uint_lt(nth, 400);
    }
    dpmix_generator_free(resumed);
    tiny_case_close(&tiny);
}
END_TEST

static Suite *suite(void)
{
    Suite *suite = suite_create("checkpoint");
    TCase *test_case = check_case(suite, "checkpoint");
    tcase_add_checked_fixture(test_case, tiny_clean_setup, tiny_clean_teardown);
    tcase_add_loop_test(test_case, a_resumed_training_is_the_one_that_never_stopped, 0,
                        (N_SETTINGS + 1) * N_KINDS);
    tcase_add_test(test_case, a_training_that_stopped_among_its_extras_goes_on);
    tcase_add_loop_test(test_case, a_training_can_be_resumed_from_its_beginning, 0, N_KINDS);
    tcase_add_loop_test(test_case, a_resumed_mixture_is_the_one_that_never_stopped, 0, 2);
    tcase_add_test(test_case, a_ledger_in_memory_pays_all_resumed_steps_anew);
    tcase_add_test(test_case, a_finished_training_can_be_had_again);
    tcase_add_test(test_case, what_may_have_begun_is_debited_anew);
    tcase_add_test(test_case, a_touch_is_marked_before_it_happens);
    tcase_add_test(test_case, every_touch_is_paid_for);
    tcase_add_test(test_case, of_two_that_resume_at_once_one_goes_on);
    tcase_add_loop_test(test_case, who_has_lost_the_lease_stops_at_the_mark, 0, 4);
    tcase_add_loop_test(test_case, a_ledger_that_is_away_loses_no_step, 0, 4);
    tcase_add_test(test_case, another_ledger_is_refused);
    tcase_add_test(test_case, an_older_ledger_is_refused);
    tcase_add_test(test_case, another_data_set_is_refused);
    tcase_add_test(test_case, records_that_are_no_images_are_another_data_set);
    tcase_add_test(test_case, a_file_with_less_noise_is_refused);
    tcase_add_test(test_case, no_key_is_in_the_file);
    tcase_add_test(test_case, a_damaged_file_is_refused);
    tcase_add_test(test_case, a_file_gets_no_more_threads_than_there_are_processors);
    tcase_add_test(test_case, bad_arguments_are_refused);
    tcase_add_test(test_case, without_memory_nothing_is_debited_or_read);
    return suite;
}

CHECK_MAIN(suite)
