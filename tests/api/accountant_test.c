/* SPDX-License-Identifier: BSD-3-Clause */
/* The accountant through the public functions: what spends, what is refused, what the ledger says of it. */
#include "tiny_model.h"

#include <math.h>
#include <sys/wait.h>
#include <unistd.h>

#define NEARLY 0.999999 /* of a share: calibration may leave that much of it, and must not pass it */

static int64_t live;
static struct tiny_case tiny;

static void setup(void)
{
    live = dpm_alloc_live();
    tiny_case_open(&tiny, 2, 1);
}

static void teardown(void)
{
    tiny_case_close(&tiny);
    ck_assert_int_eq(dpm_alloc_live(), live);
}

/* ---- The handle ---- */

START_TEST(bad_terms_are_refused)
{
    static const struct {
        double epsilon, delta;
        int adjacency;
        const char *argument;
    } bad[] = {
        {0, 1e-5, 1, "epsilon"},        {-1, 1e-5, 1, "epsilon"},  {NAN, 1e-5, 1, "epsilon"},
        {INFINITY, 1e-5, 1, "epsilon"}, {1, 0, 1, "delta"},        {1, 1, 1, "delta"},
        {1, -1e-5, 1, "delta"},         {1, NAN, 1, "delta"},      {1, 2, 1, "delta"},
        {1, 1e-5, 0, "adjacency"},      {1, 1e-5, 4, "adjacency"}, {1, 1e-5, -1, "adjacency"},
    };
    dpmix_accountant *accountant = tiny.accountant;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        int64_t before = dpm_alloc_live();
        CHECK_FAILS(dpmix_accountant_new(&accountant, bad[i].epsilon, bad[i].delta, bad[i].adjacency),
                    DPMIX_ERR_RANGE, bad[i].argument);
        ck_assert_ptr_eq(strstr(dpmix_last_error(), "dpmix_accountant_new: "), dpmix_last_error());
        ck_assert_ptr_eq(accountant, tiny.accountant);
        ck_assert_int_eq(dpm_alloc_live(), before);
    }
}
END_TEST

START_TEST(the_budget_is_what_was_opened)
{
    for (int adjacency = DPMIX_ADJACENCY_ADD_REMOVE; adjacency <= DPMIX_ADJACENCY_ZERO_OUT; adjacency++) {
        dpmix_accountant *accountant = NULL;
        double epsilon = 0, delta = 0;
        int kept = 0;
        CHECK_OK(dpmix_accountant_new(&accountant, 1.25, 3e-7, adjacency));
        CHECK_OK(dpmix_accountant_budget(accountant, NULL, NULL, NULL));
        CHECK_OK(dpmix_accountant_budget(accountant, &epsilon, &delta, &kept));
        ck_assert(epsilon == 1.25 && delta == 3e-7 && kept == adjacency);
        ck_assert_double_eq(tiny_spent(accountant), 0);
        ck_assert_uint_eq(tiny_entries(accountant), 0);
        dpmix_accountant_free(accountant);
    }
}
END_TEST

START_TEST(null_is_refused)
{
    double spent = -1;
    size_t length = 7;
    char text[8];
    CHECK_FAILS(dpmix_accountant_new(NULL, 1, 1e-5, 1), DPMIX_ERR_ARG, "dpmix_accountant_new: out");
    CHECK_FAILS(dpmix_accountant_spent(NULL, &spent), DPMIX_ERR_ARG, "dpmix_accountant_spent: accountant");
    CHECK_FAILS(dpmix_accountant_spent(tiny.accountant, NULL), DPMIX_ERR_ARG, "spent: epsilon");
    CHECK_FAILS(dpmix_accountant_budget(NULL, &spent, NULL, NULL), DPMIX_ERR_ARG, "budget: accountant");
    CHECK_FAILS(dpmix_accountant_json(NULL, text, sizeof text, &length), DPMIX_ERR_ARG, "json: accountant");
    CHECK_FAILS(dpmix_accountant_report(NULL, text, sizeof text, &length), DPMIX_ERR_ARG, "report: account");
    ck_assert(spent == -1 && length == 7);
    dpmix_accountant_free(NULL);
}
END_TEST

/* ---- Texts ---- */

static tiny_text_fn *const texts[] = {dpmix_accountant_json, dpmix_accountant_report};

START_TEST(texts_are_given_whole_or_not_at_all)
{
    tiny_text_fn *give = texts[_i];
    size_t length = 0, again = 0;
    CHECK_FAILS(give(tiny.accountant, NULL, 0, NULL), DPMIX_ERR_ARG, "text, length");
    CHECK_OK(give(tiny.accountant, NULL, 0, &length));
    ck_assert_uint_gt(length, 50);
    char *text = malloc(length + 2);
    ck_assert_ptr_nonnull(text);
    memset(text, 'x', length + 2);
    for (size_t capacity = 0; capacity <= length; capacity += capacity + 1 < length ? length - 1 : 1) {
        again = 7;
        CHECK_FAILS(give(tiny.accountant, text, capacity, &again), DPMIX_ERR_RANGE, "capacity");
        ck_assert(again == 7 && text[0] == 'x');
    }
    CHECK_OK(give(tiny.accountant, text, length + 1, &again));
    ck_assert_uint_eq(again, length);
    ck_assert_uint_eq(strlen(text), length);
    ck_assert_int_eq(text[length + 1], 'x');
    CHECK_OK(give(tiny.accountant, text, length + 1, NULL));
    free(text);
}
END_TEST

static double json_number(const char *json, const char *name)
{
    const char *at = strstr(json, name);
    ck_assert_ptr_nonnull(at);
    return strtod(at + strlen(name), NULL);
}

START_TEST(test_noise_is_marked_as_not_private)
{
    dpmix_generator_free(tiny_fitted_generator(&tiny, DPMIX_GENERATOR_GAUSSIAN, 0.5));
    const char *json = tiny_text(dpmix_accountant_json, tiny.accountant);
    ck_assert_uint_eq(tiny_count(json, "\"private\": false"), 1);
    ck_assert_uint_eq(tiny_count(json, "\"private\": true"), 0);
    ck_assert_double_eq(json_number(json, "\"epsilon_spent\": "), tiny_spent(tiny.accountant));
    ck_assert_double_eq(json_number(json, "\"epsilon\": "), 2);
    ck_assert_double_eq(json_number(json, "\"delta\": "), TINY_DELTA);
    ck_assert_uint_gt(tiny_count(tiny_text(dpmix_accountant_report, tiny.accountant), "NOT PRIVATE"), 0);
}
END_TEST

START_TEST(real_noise_is_not)
{
    dpm_dataset_set_test(tiny.dataset, NULL);
    dpmix_generator_free(tiny_fitted_generator(&tiny, DPMIX_GENERATOR_GAUSSIAN, 0.5));
    const char *json = tiny_text(dpmix_accountant_json, tiny.accountant);
    ck_assert_uint_eq(tiny_count(json, "\"private\": true"), 1);
    ck_assert_uint_eq(tiny_count(json, "\"private\": false"), 0);
    ck_assert_uint_eq(tiny_count(tiny_text(dpmix_accountant_report, tiny.accountant), "NOT PRIVATE"), 0);
}
END_TEST

/* A row count is private: with and without a row the ledger is the same text. */
START_TEST(ledgers_do_not_depend_on_the_data)
{
    static struct tiny_case other;
    tiny_case_open(&other, 2, 1);
    dpmix_dataset_free(other.dataset);
    other.dataset = tiny_dataset(other.rows, 7, TINY_COLUMNS, other.labels, TINY_CLASSES);
    tiny_mode_set(&other.mode, other.dataset, 1);
    dpmix_mixture_free(tiny_fitted_mixture(&tiny, DPMIX_CLUSTERER_LABEL, DPMIX_GENERATOR_GAUSSIAN));
    dpmix_mixture_free(tiny_fitted_mixture(&other, DPMIX_CLUSTERER_LABEL, DPMIX_GENERATOR_GAUSSIAN));
    for (size_t i = 0; i < 2; i++)
        ck_assert_str_eq(tiny_text(texts[i], tiny.accountant), tiny_text(texts[i], other.accountant));
    tiny_case_close(&other);
}
END_TEST

/* ---- Spending ---- */

START_TEST(only_fits_spend)
{
    float rows[2 * TINY_COLUMNS];
    int32_t parts[2];
    double weights[TINY_CLASSES];
    dpmix_clusterer *clusterer = tiny_fitted_clusterer(&tiny, DPMIX_CLUSTERER_LABEL, 0.5);
    dpmix_generator *generator = tiny_fitted_generator(&tiny, DPMIX_GENERATOR_GAUSSIAN, 0.5);
    double spent = tiny_spent(tiny.accountant);
    CHECK_OK(dpmix_clusterer_assign(clusterer, parts, tiny.rows, 2, TINY_COLUMNS, tiny.labels));
    CHECK_OK(dpmix_clusterer_weights(clusterer, weights, TINY_CLASSES));
    CHECK_OK(dpmix_generator_sample(generator, rows, NULL, 0, 2, TINY_COLUMNS, NULL));
    ck_assert_double_eq(tiny_spent(tiny.accountant), spent);
    ck_assert_uint_eq(tiny_entries(tiny.accountant), 2);
    dpmix_generator_free(generator);
    dpmix_clusterer_free(clusterer);
    ck_assert_double_eq(tiny_spent(tiny.accountant), spent);
}
END_TEST

/* Each fit spends its share of what is left; the last share of 1 spends it all, and never more. */
START_TEST(shares_are_spent_and_not_passed)
{
    static const double epsilons[] = {0.01, 0.3, 1, 8, 50};
    double epsilon = epsilons[_i % 5];
    dpmix_accountant_free(tiny.accountant);
    CHECK_OK(dpmix_accountant_new(&tiny.accountant, epsilon, 1e-6, 1 + _i / 5));
    dpmix_clusterer_free(tiny_fitted_clusterer(&tiny, DPMIX_CLUSTERER_LABEL, 0.25));
    double first = tiny_spent(tiny.accountant);
    ck_assert(first <= 0.25 * epsilon && first >= 0.25 * epsilon * NEARLY);
    dpmix_generator_free(tiny_fitted_generator(&tiny, DPMIX_GENERATOR_GAUSSIAN, 0.5));
    double second = tiny_spent(tiny.accountant), target = first + 0.5 * (epsilon - first);
    ck_assert(second <= target && second >= target * NEARLY);
    dpmix_clusterer_free(tiny_fitted_clusterer(&tiny, DPMIX_CLUSTERER_KMEANS, 1));
    ck_assert(tiny_spent(tiny.accountant) <= epsilon && tiny_spent(tiny.accountant) >= epsilon * NEARLY);
    ck_assert_uint_eq(tiny_entries(tiny.accountant), 3);
}
END_TEST

START_TEST(subsampled_fits_spend_their_share_too)
{
    dpmix_generator_free(tiny_fitted_generator(&tiny, DPMIX_GENERATOR_VAE, 1));
    ck_assert(tiny_spent(tiny.accountant) <= 2 && tiny_spent(tiny.accountant) >= 2 * NEARLY);
}
END_TEST

/* What calibration left within its tolerance is no budget: a fit for it would release nothing but noise. */
START_TEST(beyond_the_budget_nothing_is_read)
{
    dpmix_generator *generator = tiny_generator(_i);
    dpmix_clusterer *clusterer = tiny_clusterer(_i);
    dpmix_clusterer_free(tiny_fitted_clusterer(&tiny, DPMIX_CLUSTERER_LABEL, 1));
    double spent = tiny_spent(tiny.accountant);
    const char *ledger = tiny_text(dpmix_accountant_json, tiny.accountant);
    unsigned queries = tiny.mode.queries;
    ck_assert_uint_gt(queries, 0);
    CHECK_FAILS(dpmix_generator_fit(generator, tiny.accountant, tiny.dataset, 1, NULL, NULL),
                DPMIX_ERR_BUDGET, "dpmix_generator_fit: budget");
    CHECK_FAILS(dpmix_clusterer_fit(clusterer, tiny.accountant, tiny.dataset, 0.5, NULL, NULL),
                DPMIX_ERR_BUDGET, "dpmix_clusterer_fit: budget");
    ck_assert_uint_eq(tiny.mode.queries, queries);
    ck_assert_double_eq(tiny_spent(tiny.accountant), spent);
    ck_assert_str_eq(tiny_text(dpmix_accountant_json, tiny.accountant), ledger);
    dpmix_clusterer_free(clusterer);
    dpmix_generator_free(generator);
}
END_TEST

static int cancel(void *user, int phase, uint64_t done, uint64_t total, double epsilon_spent)
{
    (void)user, (void)phase, (void)done, (void)total, (void)epsilon_spent;
    return 1;
}

START_TEST(cancelling_gives_nothing_back)
{
    double before = tiny_spent(tiny.accountant);
    dpmix_generator *generator = tiny_generator(DPMIX_GENERATOR_GAUSSIAN);
    for (size_t i = 1; i <= 3; i++) {
        CHECK_FAILS(dpmix_generator_fit(generator, tiny.accountant, tiny.dataset, 0.3, cancel, NULL),
                    DPMIX_ERR_CANCELLED, "dpmix_generator_fit: ");
        double target = before + 0.3 * (2 - before), spent = tiny_spent(tiny.accountant);
        ck_assert(spent <= target && spent >= target * NEARLY);
        ck_assert_uint_eq(tiny_entries(tiny.accountant), i);
        before = spent;
    }
    dpmix_generator_free(generator);
}
END_TEST

START_TEST(a_dataset_belongs_to_one_accountant)
{
    dpmix_accountant *other = tiny_accountant(2);
    dpmix_generator *generator = tiny_generator(DPMIX_GENERATOR_GAUSSIAN);
    dpmix_clusterer_free(tiny_fitted_clusterer(&tiny, DPMIX_CLUSTERER_LABEL, 0.1));
    unsigned queries = tiny.mode.queries;
    CHECK_FAILS(dpmix_generator_fit(generator, other, tiny.dataset, 0.5, NULL, NULL), DPMIX_ERR_STATE,
                "dpmix_generator_fit: accountant");
    ck_assert_uint_eq(tiny.mode.queries, queries);
    ck_assert_double_eq(tiny_spent(other), 0);
    ck_assert_uint_eq(tiny_entries(other), 0);
    /* Nor when its own accountant's handle is gone: the dataset keeps what it belongs to. */
    dpmix_accountant_free(tiny.accountant);
    tiny.accountant = other;
    CHECK_FAILS(dpmix_generator_fit(generator, other, tiny.dataset, 0.5, NULL, NULL), DPMIX_ERR_STATE,
                "accountant");
    dpmix_generator_free(generator);
}
END_TEST

/* A person may be in both: the same fit on a second data set costs as much as a second fit on the first. */
START_TEST(two_data_sets_add_up)
{
    static struct tiny_case other;
    tiny_case_open(&other, 2, 1);
    dpmix_generator_free(tiny_fitted_generator(&tiny, DPMIX_GENERATOR_GAUSSIAN, 0.5));
    double first = tiny_spent(tiny.accountant);
    dpmix_dataset *second = tiny.dataset;
    tiny.dataset = other.dataset;
    other.dataset = second;
    dpmix_generator_free(tiny_fitted_generator(&tiny, DPMIX_GENERATOR_GAUSSIAN, 0.5));
    ck_assert(first > 0.99 && tiny_spent(tiny.accountant) > 1.49 && tiny_spent(tiny.accountant) <= 1.5);
    ck_assert_uint_eq(tiny_entries(tiny.accountant), 2);
    ck_assert_double_eq(tiny_spent(other.accountant), 0);
    tiny_case_close(&other);
}
END_TEST

/* The ledger says what it compares. A subsampled fit is charged for it, or refused and nothing is read. */
START_TEST(replace_one_is_named_and_charged)
{
    dpmix_accountant_free(tiny.accountant);
    CHECK_OK(dpmix_accountant_new(&tiny.accountant, 2, TINY_DELTA, DPMIX_ADJACENCY_REPLACE_ONE));
    dpmix_generator *vae = tiny_generator(DPMIX_GENERATOR_VAE);
    CHECK_OK(dpmix_generator_fit(vae, tiny.accountant, tiny.dataset, 0.5, NULL, NULL));
    double spent = tiny_spent(tiny.accountant);
    ck_assert(spent <= 1 && spent >= NEARLY);
    dpmix_generator_free(vae);
    dpmix_generator_free(tiny_fitted_generator(&tiny, DPMIX_GENERATOR_GAUSSIAN, 1));
    ck_assert(tiny_spent(tiny.accountant) <= 2 && tiny_spent(tiny.accountant) >= 2 * NEARLY);
    ck_assert_ptr_nonnull(strstr(tiny_text(dpmix_accountant_report, tiny.accountant), "replace-one"));
    ck_assert_ptr_nonnull(strstr(tiny_text(dpmix_accountant_json, tiny.accountant), "\"replace_one\""));
}
END_TEST

/* ---- What is paid for twice is drawn twice ---- */

enum { NOISES = 64 };

/* Noise alone: what is released, less the sums before it. */
struct noise {
    double released[NOISES], before[NOISES];
};

static void see(void *user, const struct dpm_observation *observation, int64_t *sums)
{
    struct noise *noise = user;
    for (size_t i = 0; i < NOISES; i++)
        noise->before[i] = (double)sums[i] * observation->grid;
}

/* 1 x (a constant). */
static void contribute(const void *model, const struct dpm_block *block, float *const *left,
                       float *const *right)
{
    (void)model;
    for (size_t i = 0; i < block->n_rows; i++) {
        left[0][i] = 1;
        for (size_t j = 0; j < NOISES; j++)
            right[0][i * NOISES + j] = 0.125f;
    }
}

/* Two releases with one noise could be subtracted from each other; so could two queries of one release. */
START_TEST(no_two_queries_share_their_noise)
{
    static struct noise noises[4];
    struct dpm_query_plan plan = {.n_matrices = 1, .matrix = {{1, NOISES, 1}}, .clip_norm = 1, .steps = 2};
    plan.cancellation = plan.sampling_rate = 1;
    plan.noise_multiplier = 10;
    tiny.mode.mode.observe = see;
    for (size_t i = 0; i < 4; i += 2) {
        struct dpm_release *release = NULL;
        CHECK_OK(dpm_release_open(&release, tiny.accountant, tiny.dataset, "a test", &plan, 1, NULL, 2));
        for (size_t j = i; j < i + 2; j++) {
            tiny.mode.mode.user = &noises[j];
            CHECK_OK(dpm_release_query(release, 0, contribute, NULL, noises[j].released));
        }
        dpm_release_close(release);
    }
    for (size_t i = 0; i < 4; i++)
        for (size_t j = i + 1; j < 4; j++)
            for (size_t k = 0; k < NOISES; k++) {
                double left = noises[i].released[k] - noises[i].before[k];
                double right = noises[j].released[k] - noises[j].before[k];
                ck_assert(left != 0 && left != right && left != -right);
                ck_assert_double_eq(noises[i].before[k], noises[j].before[k]);
            }
}
END_TEST

/* ---- After a fork ---- */

enum { BOTH_OLD, OLD_ACCOUNTANT, OLD_DATASET, OLD_PAIRS };

/* In the child: 0 when the fit is refused for its state and everything else behaves. */
static int child_fit(int pair)
{
    static const double lower = TINY_LOWER, upper = TINY_UPPER;
    dpmix_generator *generator = NULL;
    dpmix_accountant *accountant = tiny.accountant;
    dpmix_dataset *dataset = tiny.dataset;
    double spent = -1;
    if (dpmix_generator_new(&generator, DPMIX_GENERATOR_GAUSSIAN, NULL))
        return 1;
    if (pair == OLD_DATASET && dpmix_accountant_new(&accountant, 2, TINY_DELTA, DPMIX_ADJACENCY_ADD_REMOVE))
        return 2;
    if (pair == OLD_ACCOUNTANT && dpmix_dataset_new_f32(&dataset, tiny.rows, TINY_ROWS, TINY_COLUMNS, NULL, 0,
                                                        &lower, &upper, 1, DPMIX_STORAGE_COPY))
        return 3;
    if (dpmix_generator_fit(generator, accountant, dataset, 0.5, NULL, NULL) != DPMIX_ERR_STATE)
        return 4;
    if (!strstr(dpmix_last_error(), pair == OLD_DATASET ? "dataset" : "accountant"))
        return 5;
    int expected = pair == OLD_DATASET ? DPMIX_OK : DPMIX_ERR_STATE;
    if (dpmix_accountant_spent(accountant, &spent) != expected || spent != (pair == OLD_DATASET ? 0 : -1))
        return 6;
    if (dpmix_accountant_json(accountant, NULL, 0, &(size_t){0}) != expected)
        return 7;
    dpmix_generator_free(generator);
    dpmix_accountant_free(accountant); /* frees are fine in the child */
    dpmix_dataset_free(dataset);
    return tiny.mode.queries != 0;
}

START_TEST(a_forked_child_is_refused)
{
    int result = -1;
    pid_t child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0)
        _exit(child_fit(_i));
    ck_assert_int_eq(waitpid(child, &result, 0), child);
    ck_assert(WIFEXITED(result));
    ck_assert_int_eq(WEXITSTATUS(result), 0);
    /* The parent goes on. */
    ck_assert_uint_eq(tiny_entries(tiny.accountant), 0);
    dpmix_generator_free(tiny_fitted_generator(&tiny, DPMIX_GENERATOR_GAUSSIAN, 0.5));
}
END_TEST

static Suite *accountant_suite(void)
{
    Suite *suite = suite_create("accountant");
    TCase *handle = check_case(suite, "handle");
    tcase_add_checked_fixture(handle, setup, teardown);
    tcase_add_test(handle, bad_terms_are_refused);
    tcase_add_test(handle, the_budget_is_what_was_opened);
    tcase_add_test(handle, null_is_refused);
    tcase_add_loop_test(handle, texts_are_given_whole_or_not_at_all, 0, 2);
    TCase *ledger = check_case(suite, "ledger");
    tcase_add_checked_fixture(ledger, setup, teardown);
    tcase_add_test(ledger, test_noise_is_marked_as_not_private);
    tcase_add_test(ledger, real_noise_is_not);
    tcase_add_test(ledger, ledgers_do_not_depend_on_the_data);
    TCase *spending = check_case(suite, "spending");
    tcase_add_checked_fixture(spending, setup, teardown);
    tcase_add_test(spending, only_fits_spend);
    tcase_add_loop_test(spending, shares_are_spent_and_not_passed, 0, 15);
    tcase_add_test(spending, subsampled_fits_spend_their_share_too);
    tcase_add_loop_test(spending, beyond_the_budget_nothing_is_read, 1, 3);
    tcase_add_test(spending, cancelling_gives_nothing_back);
    tcase_add_test(spending, a_dataset_belongs_to_one_accountant);
    tcase_add_test(spending, two_data_sets_add_up);
    tcase_add_test(spending, replace_one_is_named_and_charged);
    tcase_add_test(spending, no_two_queries_share_their_noise);
    tcase_add_loop_test(spending, a_forked_child_is_refused, 0, OLD_PAIRS);
    return suite;
}

CHECK_MAIN(accountant_suite)
