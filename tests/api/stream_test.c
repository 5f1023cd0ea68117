/* SPDX-License-Identifier: BSD-3-Clause */
/* No random bit is used twice: the linker puts a function of this program in the place of dpm_stream_open
 * (the
 * --wrap in meson.build), which writes down every address. Within one key all addresses that fits open must
 * be distinct, and no two releases may have a key in common. */
#include "base_alloc.h"
#include "base_threads.h"
#include "privacy.h"
#include "privacy_test.h"
#include "random_stream.h"

#include "check_status.h"
#include "tiny_model.h"

#include <string.h>

/* ---- The log ---- */

struct address {
    uint8_t key[DPM_KEY_SIZE];
    uint32_t purpose;
    int release; /* number of the fit that opened it */
    uint64_t step, block;
};

enum { MOST_ADDRESSES = 100000, PURPOSES = 16 };

static struct address opened[MOST_ADDRESSES];
static size_t n_opened;
static int release_number;
static dpm_mutex lock; /* workers open streams, too */

typedef void open_fn(struct dpm_stream *stream, const uint8_t key[DPM_KEY_SIZE], uint32_t purpose,
                     uint64_t step, uint64_t block);
open_fn __wrap_dpm_stream_open, __real_dpm_stream_open;

_Static_assert(_Generic(&dpm_stream_open, open_fn * : 1), "the linker does not compare types; this does");

void __wrap_dpm_stream_open(struct dpm_stream *stream, const uint8_t key[DPM_KEY_SIZE], uint32_t purpose,
                            uint64_t step, uint64_t block)
{
    dpm_mutex_lock(&lock);
    if (n_opened < MOST_ADDRESSES) {
        struct address *address = &opened[n_opened];
        *address =
            (struct address){.purpose = purpose, .release = release_number, .step = step, .block = block};
        memcpy(address->key, key, DPM_KEY_SIZE);
    }
    n_opened++;
    dpm_mutex_unlock(&lock);
    __real_dpm_stream_open(stream, key, purpose, step, block);
}

static void start_log(void)
{
    static int started;
    if (!started)
        CHECK_OK(dpm_mutex_init(&lock));
    started = 1;
    n_opened = 0;
    release_number = 0;
}

/* ---- The check ---- */

static int compare_numbers(uint64_t a, uint64_t b)
{
    return (a > b) - (a < b);
}

static int compare(const void *first, const void *second)
{
    const struct address *a = first, *b = second;
    int order = memcmp(a->key, b->key, DPM_KEY_SIZE);
    order = order ? order : compare_numbers(a->purpose, b->purpose);
    order = order ? order : compare_numbers(a->step, b->step);
    return order ? order : compare_numbers(a->block, b->block);
}

/* How often an address was opened that had been opened before, and how often a key was seen in a release
 * that had been used by another. The two samples of a pair of Gaussian noise are made of the same digits, by
 * design, so that each may ask for more of them. */
static void count_repeats(struct address *log, size_t n, size_t *addresses, size_t *keys)
{
    size_t same = 1;
    *addresses = *keys = 0;
    qsort(log, n, sizeof *log, compare);
    for (size_t i = 1; i < n; i++) {
        same = compare(&log[i - 1], &log[i]) == 0 ? same + 1 : 1;
        *addresses += same > (log[i].purpose == DPM_STREAM_REFINE ? 2 : 1);
        *keys +=
            log[i].release != log[i - 1].release && memcmp(log[i].key, log[i - 1].key, DPM_KEY_SIZE) == 0;
    }
}

START_TEST(the_check_sees_what_repeats)
{
    const struct address all_different[] = {
        {"a", DPM_STREAM_NOISE, 1, 0, 0},  {"a", DPM_STREAM_NOISE, 1, 0, 1},
        {"a", DPM_STREAM_NOISE, 1, 1, 0},  {"a", DPM_STREAM_SELECT, 1, 0, 0},
        {"b", DPM_STREAM_NOISE, 2, 0, 0},  {"a", DPM_STREAM_REFINE, 1, 5, 5},
        {"a", DPM_STREAM_REFINE, 1, 5, 5},
    };
    enum { N = sizeof all_different / sizeof *all_different };
    struct address log[N + 1];
    size_t addresses, keys;
    memcpy(log, all_different, sizeof all_different);
    count_repeats(log, N, &addresses, &keys);
    ck_assert(addresses == 0 && keys == 0);
    for (size_t i = 0; i < N; i++) {
        memcpy(log, all_different, sizeof all_different);
        log[N] = all_different[i]; /* once more */
        count_repeats(log, N + 1, &addresses, &keys);
        ck_assert(addresses >= 1 && keys == 0);
        memcpy(log, all_different, sizeof all_different);
        log[N] = all_different[i];
        log[N].release = 3; /* in another release, at another address */
        log[N].step = 9;
        count_repeats(log, N + 1, &addresses, &keys);
        ck_assert(addresses == 0 && keys >= 1);
    }
}
END_TEST

/* ---- Fits ---- */

enum { ROWS = 3000, COLUMNS = 6, CLASSES = 3, WIDE = 1 << 16 };

static float rows[ROWS * COLUMNS];
static int32_t labels[ROWS];

static dpmix_options *new_options(int count_noise)
{
    dpmix_options *options = NULL;
    CHECK_OK(dpmix_options_new(&options));
    CHECK_OK(dpmix_options_set_int(options, DPMIX_OPTION_THREADS, 2));
    CHECK_OK(dpmix_options_set_int(options, DPMIX_OPTION_CLUSTERS, 4));
    CHECK_OK(dpmix_options_set_int(options, DPMIX_OPTION_KMEANS_STEPS, 3));
    CHECK_OK(dpmix_options_set_int(options, DPMIX_OPTION_KMEANS_FEATURES, 16));
    CHECK_OK(dpmix_options_set_int(options, DPMIX_OPTION_STEPS, 8));
    CHECK_OK(dpmix_options_set_double(options, DPMIX_OPTION_SAMPLING_RATE, 0.3));
    CHECK_OK(dpmix_options_set_int(options, DPMIX_OPTION_VAE_HIDDEN, 8));
    CHECK_OK(dpmix_options_set_int(options, DPMIX_OPTION_VAE_LATENT, 2));
    CHECK_OK(dpmix_options_set_int(options, DPMIX_OPTION_COUNT_NOISE, count_noise));
    return options;
}

static void fit_clusterer(int kind, const dpmix_options *options, dpmix_accountant *accountant,
                          dpmix_dataset *dataset)
{
    dpmix_clusterer *clusterer = NULL;
    release_number++;
    CHECK_OK(dpmix_clusterer_new(&clusterer, kind, options));
    CHECK_OK(dpmix_clusterer_fit(clusterer, accountant, dataset, 0.1, NULL, NULL));
    dpmix_clusterer_free(clusterer);
}

static void fit_generator(int kind, const dpmix_options *options, dpmix_accountant *accountant,
                          dpmix_dataset *dataset)
{
    dpmix_generator *generator = NULL;
    release_number++;
    CHECK_OK(dpmix_generator_new(&generator, kind, options));
    CHECK_OK(dpmix_generator_fit(generator, accountant, dataset, 0.1, NULL, NULL));
    dpmix_generator_free(generator);
}

/* One generator for each part of a k-means: two releases. */
static void fit_mixture(const dpmix_options *options, dpmix_accountant *accountant, dpmix_dataset *dataset)
{
    dpmix_clusterer *clusterer = NULL;
    dpmix_generator *generator = NULL;
    dpmix_mixture *mixture = NULL;
    release_number++;
    CHECK_OK(dpmix_clusterer_new(&clusterer, DPMIX_CLUSTERER_KMEANS, options));
    CHECK_OK(dpmix_generator_new(&generator, DPMIX_GENERATOR_VAE, options));
    CHECK_OK(dpmix_clusterer_fit(clusterer, accountant, dataset, 0.1, NULL, NULL));
    CHECK_OK(dpmix_mixture_new(&mixture, clusterer, generator));
    release_number++;
    CHECK_OK(dpmix_mixture_fit(mixture, accountant, dataset, 0.1, NULL, NULL));
    dpmix_mixture_free(mixture);
    dpmix_generator_free(generator);
    dpmix_clusterer_free(clusterer);
}

static void contribute_first_values(const void *model, const struct dpm_block *block, float *const *left,
                                    float *const *right)
{
    (void)model;
    memset(right[0], 0, block->n_rows * WIDE * sizeof(float));
    for (size_t i = 0; i < block->n_rows; i++) {
        left[0][i] = 1;
        right[0][i * WIDE] = block->rows[i * block->n_columns];
    }
}

/* Two queries with noise so large that about one sample in a thousand is refined. */
static void query_with_refinement(dpmix_accountant *accountant, dpmix_dataset *dataset)
{
    struct dpm_query_plan plan = {
        .n_matrices = 1,
        .matrix = {{1, WIDE, 1}},
        .clip_norm = 1,
        .cancellation = 1,
        .sampling_rate = 1,
        .steps = 2,
        .noise_multiplier = 0x1p20,
    };
    struct dpm_release *release = NULL;
    double *sums = dpm_alloc(WIDE, sizeof *sums);
    release_number++;
    CHECK_OK(dpm_release_open(&release, accountant, dataset, "test", &plan, 1, NULL, 2));
    for (int step = 0; step < 2; step++)
        CHECK_OK(dpm_release_query(release, 0, contribute_first_values, NULL, sums));
    dpm_release_close(release);
    dpm_free(sums);
}

static void fit_all(const struct dpm_test_mode *mode)
{
    const double lower = TINY_LOWER, upper = TINY_UPPER;
    dpmix_dataset *dataset = NULL;
    dpmix_accountant *accountant = tiny_accountant(10);
    tiny_blobs(rows, labels, ROWS, COLUMNS, CLASSES, 1);
    CHECK_OK(dpmix_dataset_new_f32(&dataset, rows, ROWS, COLUMNS, labels, CLASSES, &lower, &upper, 1,
                                   DPMIX_STORAGE_COPY));
    dpm_dataset_set_test(dataset, mode);
    for (int count_noise = 1; count_noise <= 2; count_noise++) {
        dpmix_options *options = new_options(count_noise);
        fit_clusterer(DPMIX_CLUSTERER_LABEL, options, accountant, dataset);
        fit_clusterer(DPMIX_CLUSTERER_KMEANS, options, accountant, dataset);
        fit_generator(DPMIX_GENERATOR_GAUSSIAN, options, accountant, dataset);
        fit_generator(DPMIX_GENERATOR_VAE, options, accountant, dataset);
        fit_mixture(options, accountant, dataset);
        dpmix_options_free(options);
    }
    query_with_refinement(accountant, dataset);
    dpmix_dataset_free(dataset);
    dpmix_accountant_free(accountant);
}

static const struct dpm_test_mode test_mode = {.key = "a fixed key for the tests, no 11"};

/* Pairs that are refined are so few that two of them hardly ever have the same number: that their addresses
 * differ says nothing. So it must be seen that both queries are in them, and not the first chunk alone. */
static void check_refined(void)
{
    size_t of_query[2] = {0};
    uint64_t last = 0;
    for (size_t i = 0; i < n_opened; i++) {
        if (opened[i].purpose != DPM_STREAM_REFINE || opened[i].release != release_number)
            continue;
        ck_assert_uint_lt(opened[i].step, 2);
        of_query[opened[i].step]++;
        last = opened[i].block > last ? opened[i].block : last;
    }
    ck_assert(of_query[0] > 0 && of_query[1] > 0);
    ck_assert_uint_ge(last, WIDE / 4); /* of WIDE / 2 pairs */
    ck_assert_uint_lt(last, WIDE / 2);
}

/* With keys from the system, and with those of test mode, where all releases of a data set come from one. */
START_TEST(no_stream_is_opened_twice)
{
    size_t purposes[PURPOSES] = {0}, addresses, keys;
    start_log();
    fit_all(_i ? &test_mode : NULL);
    ck_assert_uint_le(n_opened, MOST_ADDRESSES);
    ck_assert_int_eq(release_number, 13);
    for (size_t i = 0; i < n_opened; i++) {
        ck_assert_uint_lt(opened[i].purpose, PURPOSES);
        purposes[opened[i].purpose]++;
    }
    static const int used[] = {DPM_STREAM_SELECT,  DPM_STREAM_NOISE,  DPM_STREAM_AUXILIARY, DPM_STREAM_MODEL,
                               DPM_STREAM_FEATURE, DPM_STREAM_REFINE, DPM_STREAM_GEOMETRIC};
    for (size_t i = 0; i < sizeof used / sizeof *used; i++)
        ck_assert_msg(purposes[used[i]] > 0, "no stream for purpose %d", used[i]);
    check_refined();
    count_repeats(opened, n_opened, &addresses, &keys);
    ck_assert_msg(addresses == 0, "%zu of %zu streams were opened before", addresses, n_opened);
    ck_assert_msg(keys == 0, "%zu times a release has a key of another one", keys);
}
END_TEST

/* Two data sets in test mode with one key do share keys, which the check must see in fits, too. */
START_TEST(a_key_that_is_used_twice_is_seen)
{
    size_t addresses, keys;
    start_log();
    for (int run = 0; run < 2; run++) {
        dpmix_options *options = new_options(1);
        dpmix_accountant *accountant = tiny_accountant(10);
        dpmix_dataset *dataset = tiny_dataset(rows, 100, COLUMNS, NULL, 0);
        dpm_dataset_set_test(dataset, &test_mode);
        fit_generator(DPMIX_GENERATOR_GAUSSIAN, options, accountant, dataset);
        dpmix_dataset_free(dataset);
        dpmix_accountant_free(accountant);
        dpmix_options_free(options);
    }
    ck_assert_uint_le(n_opened, MOST_ADDRESSES);
    count_repeats(opened, n_opened, &addresses, &keys);
    ck_assert_uint_eq(addresses, n_opened / 2);
    ck_assert_uint_ge(keys, 1);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("stream");
    TCase *fits = tcase_create("fits");
    tcase_set_timeout(fits, 0);
    tcase_add_loop_test(fits, no_stream_is_opened_twice, 0, 2);
    suite_add_tcase(s, fits);
    CHECK_ADD(s, the_check_sees_what_repeats);
    CHECK_ADD(s, a_key_that_is_used_twice_is_seen);
    return s;
}

CHECK_MAIN(suite)
