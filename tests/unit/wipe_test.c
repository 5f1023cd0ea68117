/* SPDX-License-Identifier: BSD-3-Clause */
/* What a release worked with goes back wiped, every block of it: rows, which of them were drawn, parts, what
 * they contributed, random numbers, sums. The linker puts a function of this program in the place of dpm_free
 * (the --wrap in meson.build), which dpm_free_wiped() of the library does not come past; only what is
 * public may come there. */
#include "account_ledger.h"
#include "check_main.h"
#include "privacy.h"

#include <dpmix/accountant.h>
#include <dpmix/status.h>

#include <string.h>

enum { ROWS = 200, COLUMNS = 4, PARTS = 2, WIDTH = 3 };

/* Blocks that go back as they are: the pool and its threads, the list of workers, locks, plans, how often
 * each of them ran, and the words of the ledger. */
enum { PUBLIC_BLOCKS = 7 };

static uint8_t rows[ROWS * COLUMNS];
static size_t as_they_are;

void __real_dpm_free(void *memory);
void __wrap_dpm_free(void *memory);

void __wrap_dpm_free(void *memory)
{
    as_they_are += memory != NULL;
    __real_dpm_free(memory);
}

/* ---- Queries that lend everything ---- */

static void assign(const void *model, int32_t *parts, const float *values, const int32_t *labels, size_t n,
                   size_t n_columns, float *scratch)
{
    (void)model, (void)labels, (void)scratch;
    for (size_t i = 0; i < n; i++)
        parts[i] = values[i * n_columns] < 0.5f;
}

static void map_row(const void *model, float *mapped, const float *values, size_t n, size_t n_columns,
                    float *scratch)
{
    (void)model, (void)scratch;
    for (size_t i = 0; i < n; i++)
        memcpy(mapped + i * WIDTH, values + i * n_columns, WIDTH * sizeof *mapped);
}

static void contribute(const void *model, const struct dpm_block *block, float *const *left,
                       float *const *right)
{
    (void)model;
    for (size_t i = 0; i < block->n_rows; i++)
        left[0][i] = 1;
    memcpy(right[0], block->rows, block->n_rows * WIDTH * sizeof(float));
}

static void place(const void *model, const struct dpm_words *words, int32_t *places, float *factors)
{
    (void)model;
    for (size_t i = 0; i < words->n_rows; i++) {
        places[i] = words->rows[i * words->step] < 0;
        factors[i] = 1e-4f;
    }
}

static struct dpm_query_plan plan_of(size_t lines, size_t columns)
{
    return (struct dpm_query_plan){
        .n_matrices = 1,
        .matrix = {{lines, columns, 1}},
        .clip_norm = 1,
        .cancellation = 1,
        .sampling_rate = 0.5,
        .steps = 1,
        .noise_multiplier = 1,
        .scratch = 1,
    };
}

START_TEST(a_release_gives_nothing_private_back)
{
    static const int16_t origin[COLUMNS] = {0};
    static const struct dpm_map map = {WIDTH, map_row, NULL, 0};
    const struct dpm_partition partition = {PARTS, assign, NULL, 0};
    const struct dpm_word_query words = {origin, 0.25f, place, NULL};
    const double lower = 0, upper = 255;
    struct dpm_query_plan plans[] = {plan_of(1, WIDTH), plan_of(2, COLUMNS + 1)};
    struct dpm_dataset_source source = {DPM_TYPE_U8, rows, ROWS, COLUMNS, NULL, 0, &lower, &upper, 1, NULL};
    struct dpmix_dataset *dataset = NULL;
    struct dpmix_accountant *accountant = NULL;
    struct dpm_release *release = NULL;
    double sums[PARTS * WIDTH + 2 * (COLUMNS + 1)];
    for (size_t i = 0; i < sizeof rows; i++)
        rows[i] = (uint8_t)(i * 37);
    plans[0].map = &map;
    plans[0].normals = 2;
    plans[0].per_part = 1;
    plans[1].in_words = 1;
    ck_assert_int_eq(dpm_dataset_new(&dataset, &source), DPMIX_OK);
    ck_assert_int_eq(dpm_accountant_new(&accountant, 1e6, 1e-5, DPMIX_ADJACENCY_ADD_REMOVE), DPMIX_OK);
    ck_assert_int_eq(dpm_release_open(&release, accountant, dataset, "test", plans, 2, &partition, 1),
                     DPMIX_OK);
    ck_assert_int_eq(dpm_release_query(release, 0, contribute, NULL, sums), DPMIX_OK);
    ck_assert_int_eq(dpm_release_query_words(release, 1, &words, sums), DPMIX_OK);
    as_they_are = 0;
    dpm_release_close(release);
    ck_assert_uint_eq(as_they_are, PUBLIC_BLOCKS);
    dpm_dataset_unref(dataset);
    dpm_accountant_unref(accountant);
}
END_TEST

static Suite *suite(void)
{
    Suite *suite = suite_create("wipe");
    CHECK_ADD(suite, a_release_gives_nothing_private_back);
    return suite;
}

CHECK_MAIN(suite)
