/* SPDX-License-Identifier: BSD-3-Clause */
/* A thousand releases in one process: fitted, checkpointed, saved, loaded, sampled and freed. Neither memory
 * nor file descriptors nor threads grow. */
#include "tiny_file.h"
#include "tiny_model.h"

#include <dirent.h>

enum { FITS = 1000, WARM = 100, SAMPLES = 20, GROWTH_KB = 1024 };

static const int partitions[] = {DPMIX_CLUSTERER_LABEL, DPMIX_CLUSTERER_KMEANS, DPMIX_CLUSTERER_CORESET};
static const int models[] = {DPMIX_GENERATOR_GAUSSIAN, DPMIX_GENERATOR_GMM,  DPMIX_GENERATOR_VAE,
                             DPMIX_GENERATOR_RBM,      DPMIX_GENERATOR_CGAN, DPMIX_GENERATOR_PRODUCTS};

enum { N_PARTITIONS = sizeof partitions / sizeof *partitions, N_MODELS = sizeof models / sizeof *models };

struct use {
    long kilobytes, threads, files;
};

/* A number from /proc/self/status; 0 where there is no such file. */
static long status_of(const char *name)
{
    FILE *file = fopen("/proc/self/status", "r");
    char line[256];
    long value = 0;
    while (file && fgets(line, sizeof line, file))
        if (strncmp(line, name, strlen(name)) == 0)
            value = strtol(line + strlen(name), NULL, 10);
    if (file)
        fclose(file);
    return value;
}

static struct use use_now(void)
{
    struct use use = {status_of("VmRSS:"), status_of("Threads:"), 0};
    DIR *folder = opendir("/proc/self/fd");
    while (folder && readdir(folder))
        use.files++;
    if (folder)
        closedir(folder);
    return use;
}

static void release(struct tiny_case *tiny, int number)
{
    const uint64_t seed = 1;
    float samples[SAMPLES * TINY_COLUMNS];
    dpmix_mixture *loaded = NULL;
    dpmix_accountant_free(tiny->accountant);
    CHECK_OK(dpmix_accountant_open(&tiny->accountant, tiny_path("b"), "soak", 5, TINY_DELTA,
                                   DPMIX_ADJACENCY_ADD_REMOVE));
    int partition = partitions[number / N_MODELS % N_PARTITIONS]; /* each meets all models */
    dpmix_mixture *mixture =
        tiny_mixture(tiny_fitted_clusterer(tiny, partition, 0.5), tiny_generator(models[number % N_MODELS]));
    int steps = dpmix_mixture_checkpoint(mixture, tiny_path("damaged"), 1);
    ck_assert(steps == DPMIX_OK || steps == DPMIX_ERR_UNSUPPORTED);
    CHECK_OK(dpmix_mixture_fit(mixture, tiny->accountant, tiny->dataset, 1, NULL, NULL));
    CHECK_OK(dpmix_mixture_save(mixture, tiny_path("a")));
    CHECK_OK(dpmix_mixture_load(&loaded, tiny_path("a")));
    CHECK_OK(dpmix_mixture_sample(loaded, samples, NULL, 0, SAMPLES, TINY_COLUMNS, &seed));
    dpmix_mixture_free(loaded);
    dpmix_mixture_free(mixture);
    unlink(tiny_path("b"));
}

/* Half of the thousand are partitions, and half are models. */
START_TEST(nothing_grows)
{
    static struct tiny_case tiny;
    struct use warm = {0, 0, 0};
    int64_t live = dpm_alloc_live();
    for (int i = 0; i < FITS / 2; i++) {
        tiny_case_open(&tiny, 5, 1);
        release(&tiny, i);
        tiny_case_close(&tiny);
        ck_assert_int_eq(dpm_alloc_live(), live);
        if (i == WARM)
            warm = use_now();
    }
    struct use end = use_now();
    ck_assert_int_eq(end.threads, warm.threads);
    ck_assert_int_eq(end.files, warm.files);
    ck_assert_msg(end.kilobytes <= warm.kilobytes + GROWTH_KB, "%ld kB after %d fits, %ld after %d",
                  warm.kilobytes, 2 * WARM, end.kilobytes, FITS);
    printf("# %ld kB after %d fits, %ld after %d\n", warm.kilobytes, 2 * WARM, end.kilobytes, FITS);
}
END_TEST

static Suite *soak_suite(void)
{
    Suite *suite = suite_create("soak");
    TCase *releases = check_case(suite, "releases");
    tcase_add_checked_fixture(releases, tiny_folder_setup, tiny_folder_teardown);
    tcase_add_test(releases, nothing_grows);
    return suite;
}

CHECK_MAIN(soak_suite)
