/* SPDX-License-Identifier: BSD-3-Clause */
/* Files of former releases, one of each kind (tests/data/make_release.py), can be read and used. */
#include "check_main.h"
#include "check_status.h"
#include "tiny_file.h"

#include <dpmix/dpmix.h>
#include <string.h>

enum { ROWS = 90, COLUMNS = 3, CLASSES = 2, SAMPLES = 40 };

static const char *const releases[] = {"release_1.0"};
enum { N_RELEASES = sizeof releases / sizeof *releases };

/* The file under a name that the test may write beside. */
static const char *copied(int release, const char *name, const char *to)
{
    char from[64];
    snprintf(from, sizeof from, "%s/%s", releases[release], name);
    struct tiny_bytes file = tiny_read_data(from);
    tiny_write(tiny_path(to), file.bytes, file.n);
    free(file.bytes);
    return tiny_path(to);
}

static void assert_records(const float *rows, const int32_t *labels)
{
    for (int i = 0; i < SAMPLES * COLUMNS; i++)
        ck_assert(rows[i] >= 0 && rows[i] <= 255);
    for (int i = 0; i < SAMPLES; i++)
        ck_assert(labels[i] >= 0 && labels[i] < CLASSES);
}

static const char *const kinds[] = {"gaussian", "gmm", "products", "vae", "rbm", "cgan"};
enum { N_KINDS = sizeof kinds / sizeof *kinds };

START_TEST(generators_are_read)
{
    for (int k = 0; k < N_KINDS; k++) {
        char name[32];
        float rows[SAMPLES * COLUMNS];
        int32_t labels[SAMPLES] = {0};
        const uint64_t seed = 3;
        dpmix_generator *generator = NULL;
        snprintf(name, sizeof name, "%s.dpmix", kinds[k]);
        CHECK_OK(dpmix_generator_load(&generator, copied(_i, name, "a")));
        ck_assert_uint_eq(dpmix_generator_columns(generator), COLUMNS);
        int with_labels = dpmix_generator_classes(generator) > 0 && k > 0; /* a Gaussian makes none */
        CHECK_OK(
            dpmix_generator_sample(generator, rows, with_labels ? labels : NULL, 0, SAMPLES, COLUMNS, &seed));
        assert_records(rows, labels);
        dpmix_generator_free(generator);
    }
}
END_TEST

START_TEST(clusterers_are_read)
{
    const float rows[2 * COLUMNS] = {0, 0, 0, 255, 255, 255};
    int32_t parts[2] = {-1, -1};
    dpmix_clusterer *clusterer = NULL;
    CHECK_OK(dpmix_clusterer_load(&clusterer, copied(_i, "clusterer.dpmix", "a")));
    ck_assert_int_eq(dpmix_clusterer_parts(clusterer), 2);
    CHECK_OK(dpmix_clusterer_assign(clusterer, parts, rows, 2, COLUMNS, NULL));
    ck_assert(parts[0] >= 0 && parts[0] < 2 && parts[1] >= 0 && parts[1] < 2);
    dpmix_clusterer_free(clusterer);
}
END_TEST

START_TEST(mixtures_are_read)
{
    static const char *const names[] = {"mixture.dpmix", "taught.dpmix"};
    for (int m = 0; m < 2; m++) {
        float rows[SAMPLES * COLUMNS];
        int32_t labels[SAMPLES] = {0};
        const uint64_t seed = 3;
        dpmix_mixture *mixture = NULL;
        CHECK_OK(dpmix_mixture_load(&mixture, copied(_i, names[m], "a")));
        ck_assert_int_eq(dpmix_mixture_parts(mixture), m == 0 ? 2 : 1);
        CHECK_OK(dpmix_mixture_sample(mixture, rows, m == 0 ? NULL : labels, 0, SAMPLES, COLUMNS, &seed));
        assert_records(rows, labels);
        dpmix_mixture_free(mixture);
    }
}
END_TEST

/* A fit that was stopped with the former release goes on, under the debit that its ledger has. */
START_TEST(checkpoints_and_ledgers_are_read)
{
    uint8_t rows[ROWS * COLUMNS];
    int32_t labels[ROWS];
    double before, after, bounds[2] = {0, 255};
    dpmix_accountant *accountant = NULL;
    dpmix_dataset *dataset = NULL;
    dpmix_generator *generator = NULL;
    for (int i = 0; i < ROWS; i++) {
        labels[i] = i % CLASSES;
        for (int j = 0; j < COLUMNS; j++)
            rows[i * COLUMNS + j] = (uint8_t)((37 * i + 11 * j) % 256);
    }
    CHECK_OK(dpmix_dataset_new_u8(&dataset, rows, ROWS, COLUMNS, labels, CLASSES, &bounds[0], &bounds[1], 1,
                                  DPMIX_STORAGE_BORROW));
    CHECK_OK(dpmix_accountant_open(&accountant, copied(_i, "ledger.sqlite", "b"), "release", 8, 1e-5,
                                   DPMIX_ADJACENCY_ADD_REMOVE));
    CHECK_OK(dpmix_accountant_spent(accountant, &before));
    ck_assert_double_gt(before, 0);
    CHECK_OK(dpmix_generator_resume(&generator, copied(_i, "checkpoint.dpmix", "a"), accountant, dataset,
                                    NULL, NULL));
    CHECK_OK(dpmix_accountant_spent(accountant, &after));
    ck_assert_double_ge(after, before);
    dpmix_generator_free(generator);
    dpmix_dataset_free(dataset);
    dpmix_accountant_free(accountant);
}
END_TEST

START_TEST(schemas_are_read)
{
    static const int kinds_of_columns[] = {DPMIX_KIND_CONTINUOUS,  DPMIX_KIND_INTEGER, DPMIX_KIND_ORDINAL,
                                           DPMIX_KIND_CATEGORICAL, DPMIX_KIND_BOOLEAN, DPMIX_KIND_DATE,
                                           DPMIX_KIND_TIMESTAMP};
    dpmix_schema *schema = NULL;
    CHECK_OK(dpmix_schema_load(&schema, copied(_i, "schema.json", "a")));
    ck_assert_uint_eq(dpmix_schema_columns(schema), 7);
    for (size_t i = 0; i < 7; i++)
        ck_assert_int_eq(dpmix_schema_kind(schema, i), kinds_of_columns[i]);
    dpmix_schema_free(schema);
}
END_TEST

static Suite *release_files_suite(void)
{
    Suite *suite = suite_create("release_files");
    TCase *each = check_case(suite, "each release");
    tcase_add_checked_fixture(each, tiny_folder_setup, tiny_folder_teardown);
    tcase_add_loop_test(each, generators_are_read, 0, N_RELEASES);
    tcase_add_loop_test(each, clusterers_are_read, 0, N_RELEASES);
    tcase_add_loop_test(each, mixtures_are_read, 0, N_RELEASES);
    tcase_add_loop_test(each, checkpoints_and_ledgers_are_read, 0, N_RELEASES);
    tcase_add_loop_test(each, schemas_are_read, 0, N_RELEASES);
    return suite;
}

CHECK_MAIN(release_files_suite)
