/* SPDX-License-Identifier: BSD-3-Clause */
/* Mixtures of products: what they learn of a table, their bins, and data that gives them nothing. */
#include "base_bounds.h"
#include "generator_products.h"

#include "tiny_file.h"
#include "tiny_model.h"

#include <math.h>

enum { ROWS = 20000, COLUMNS = 8, CLASSES = 2, SAMPLES = 20000, COLOURS = 3, SIZES = 2 };
enum { COLOUR = 0, SIZE = 3, AGE = 5, GAIN = 6, WEIGHT = 7 };

static const int32_t groups[COLUMNS] = {1, 1, 1, 2, 2, 0, 0, 0};
static float rows[ROWS * COLUMNS], samples[SAMPLES * COLUMNS];
static int32_t labels[ROWS], drawn[SAMPLES];
static struct tiny_mode mode;

/* Colour, size and age go with the label, age with colour. Gain is 1/5 exactly (as one of 1,000 values) in
 * seven of ten rows, else spread over [0.5, 0.6]. Weight falls exponentially. */
static void fill(void)
{
    struct tiny_random random = {5};
    memset(rows, 0, sizeof rows);
    for (size_t i = 0; i < ROWS; i++) {
        float *row = rows + i * COLUMNS;
        size_t colour = (size_t)(3 * tiny_uniform(&random) * tiny_uniform(&random));
        labels[i] = tiny_uniform(&random) < (colour == 0 ? 0.2 : 0.7);
        size_t size = tiny_uniform(&random) < (labels[i] ? 0.9 : 0.4);
        row[COLOUR + colour] = 1;
        row[SIZE + size] = 1;
        double age = floor(100 * fmin(0.99, (double)colour / 3 + tiny_uniform(&random) / 3));
        row[AGE] = (float)((age + 0.5) / 100);
        row[GAIN] = 200.5f / 1000;
        if (tiny_uniform(&random) >= 0.7)
            row[GAIN] = (float)(0.5 + 0.1 * tiny_uniform(&random));
        row[WEIGHT] = (float)fmin(1, -0.05 * log(1 - tiny_uniform(&random)));
    }
}

static dpmix_options *small_options(void)
{
    dpmix_options *options = NULL;
    CHECK_OK(dpmix_options_new(&options));
    CHECK_OK(dpmix_options_set_int(options, DPMIX_OPTION_THREADS, 2));
    CHECK_OK(dpmix_options_set_int(options, DPMIX_OPTION_PRODUCTS_COMPONENTS, 12));
    CHECK_OK(dpmix_options_set_int(options, DPMIX_OPTION_PRODUCTS_STEPS, 200));
    return options;
}

static dpmix_dataset *new_dataset(size_t n_rows, const int32_t *with_groups)
{
    const double lower = 0, upper = 1;
    dpmix_dataset *dataset = NULL;
    CHECK_OK(dpmix_dataset_new_f32(&dataset, rows, n_rows, COLUMNS, labels, CLASSES, &lower, &upper, 1,
                                   DPMIX_STORAGE_COPY));
    if (with_groups)
        CHECK_OK(dpmix_dataset_set_groups(dataset, with_groups, COLUMNS));
    tiny_mode_set(&mode, dataset, 6);
    return dataset;
}

/* Frees the options. */
static dpmix_generator *fit(dpmix_options *options, size_t n_rows, const int32_t *with_groups, double epsilon)
{
    dpmix_generator *generator = NULL;
    dpmix_dataset *dataset = new_dataset(n_rows, with_groups);
    dpmix_accountant *accountant = tiny_accountant(epsilon);
    CHECK_OK(dpmix_generator_new(&generator, DPMIX_GENERATOR_PRODUCTS, options));
    CHECK_OK(dpmix_generator_fit(generator, accountant, dataset, 1, NULL, NULL));
    ck_assert_double_le(tiny_spent(accountant), epsilon);
    dpmix_options_free(options);
    dpmix_dataset_free(dataset);
    dpmix_accountant_free(accountant);
    return generator;
}

static void draw(const dpmix_generator *generator)
{
    uint64_t seed = 4;
    CHECK_OK(dpmix_generator_sample(generator, samples, drawn, 0, SAMPLES, COLUMNS, &seed));
}

/* ---- Tables of pairs ---- */

enum { VARIABLES = 6, MOST_CELLS = 10 };

/* Of a number ten equal parts; of the label, which comes last, its value. */
static void cells_of(const float *row, int32_t label, size_t cell[VARIABLES])
{
    cell[0] = row[COLOUR] > 0 ? 0 : (row[COLOUR + 1] > 0 ? 1 : 2);
    cell[1] = row[SIZE + 1] > 0;
    for (size_t j = 0; j < 3; j++)
        cell[2 + j] = row[AGE + j] < 1 ? (size_t)(row[AGE + j] * MOST_CELLS) : MOST_CELLS - 1;
    cell[5] = (size_t)label;
}

/* Mean total variation distance of samples and rows over all pairs; `single`: over single variables. */
static double distance(int single)
{
    static double difference[VARIABLES][VARIABLES][MOST_CELLS][MOST_CELLS];
    double sum = 0, n = 0;
    size_t a[VARIABLES], b[VARIABLES];
    memset(difference, 0, sizeof difference);
    for (size_t i = 0; i < ROWS; i++) {
        cells_of(rows + i * COLUMNS, labels[i], a);
        cells_of(samples + i * COLUMNS, drawn[i], b);
        for (size_t v = 0; v < VARIABLES; v++)
            for (size_t u = 0; u <= v; u++) {
                difference[v][u][a[v]][a[u]] += 1.0 / ROWS;
                difference[v][u][b[v]][b[u]] -= 1.0 / ROWS;
            }
    }
    for (size_t v = 0; v < VARIABLES; v++)
        for (size_t u = 0; u <= v; u++) {
            if ((u == v) != single)
                continue;
            n++;
            for (size_t c = 0; c < MOST_CELLS; c++)
                for (size_t d = 0; d < MOST_CELLS; d++)
                    sum += fabs(difference[v][u][c][d]) / 2;
        }
    return sum / n;
}

/* Two samples of this size from the same law are at a distance of 0.006 and 0.009. */
START_TEST(tables_of_pairs_are_learned)
{
    fill();
    dpmix_generator *generator = fit(small_options(), ROWS, groups, 1);
    draw(generator);
    ck_assert_double_lt(distance(1), 0.015);
    ck_assert_double_lt(distance(0), 0.035);
    dpmix_generator_free(generator);
}
END_TEST

START_TEST(more_budget_is_better)
{
    static const double epsilon[] = {0.02, 0.2, 2};
    double before = INFINITY;
    fill();
    for (size_t i = 0; i < sizeof epsilon / sizeof *epsilon; i++) {
        dpmix_generator *generator = fit(small_options(), ROWS, groups, epsilon[i]);
        draw(generator);
        double now = distance(0);
        ck_assert_double_lt(now, before);
        before = now;
        dpmix_generator_free(generator);
    }
}
END_TEST

/* ---- Values ---- */

START_TEST(categories_have_one_value)
{
    fill();
    dpmix_generator *generator = fit(small_options(), ROWS, groups, 1);
    draw(generator);
    for (size_t i = 0; i < SAMPLES; i++) {
        const float *row = samples + i * COLUMNS;
        for (size_t j = 0; j < AGE; j++)
            ck_assert(row[j] == 0 || row[j] == 1);
        ck_assert(row[COLOUR] + row[COLOUR + 1] + row[COLOUR + 2] == 1 && row[SIZE] + row[SIZE + 1] == 1);
        ck_assert(drawn[i] == 0 || drawn[i] == 1);
    }
    dpmix_generator_free(generator);
}
END_TEST

/* The value that most rows have comes back as itself among 1,000; whole numbers of a hundred are not blurred
 * into the empty space between them; and there is next to nothing where no rows are. */
START_TEST(values_that_many_rows_have_come_back)
{
    size_t common = 0, nowhere = 0;
    fill();
    dpmix_generator *generator = fit(small_options(), ROWS, groups, 2);
    draw(generator);
    for (size_t i = 0; i < SAMPLES; i++) {
        double gain = (double)samples[i * COLUMNS + GAIN];
        common += floor(1000 * gain) == 200;
        nowhere += gain < 0.19 || (gain > 0.21 && gain < 0.49) || gain > 0.61;
    }
    ck_assert_double_eq_tol((double)common / SAMPLES, 0.7, 0.02);
    ck_assert_double_lt((double)nowhere / SAMPLES, 0.02);
    dpmix_generator_free(generator);
}
END_TEST

static void see_fine_cells(void *user, const struct dpm_observation *observation, int64_t *sums)
{
    double *largest = user;
    for (size_t i = 0; observation->plan == 1 && i < observation->n; i++)
        *largest = fmax(*largest, (double)sums[i] * observation->grid);
}

/* So many numbers that two share a sheet of fine cells: each counts whole beside the others. */
START_TEST(fine_cells_count_whole_rows)
{
    enum { N = 4000, NUMBERS = 20, COMMON = N / 4 * 3 };
    static float wide[N * NUMBERS];
    const double lower = 0, upper = 1;
    struct tiny_random random = {7};
    double largest = 0;
    dpmix_dataset *dataset = NULL;
    dpmix_options *options = small_options();
    dpmix_generator *generator = NULL;
    dpmix_accountant *accountant = tiny_accountant(10);
    for (size_t i = 0; i < N * NUMBERS; i++)
        wide[i] = i / NUMBERS % 4 ? 200.5f / 1000 : (float)(0.5 + 0.5 * tiny_uniform(&random));
    CHECK_OK(
        dpmix_dataset_new_f32(&dataset, wide, N, NUMBERS, NULL, 0, &lower, &upper, 1, DPMIX_STORAGE_COPY));
    tiny_mode_set(&mode, dataset, 6);
    mode.mode.observe = see_fine_cells;
    mode.mode.user = &largest;
    CHECK_OK(dpmix_generator_new(&generator, DPMIX_GENERATOR_PRODUCTS, options));
    CHECK_OK(dpmix_generator_fit(generator, accountant, dataset, 1, NULL, NULL));
    ck_assert_double_eq_tol(largest / COMMON, 1, 0.001);
    dpmix_generator_free(generator);
    dpmix_options_free(options);
    dpmix_dataset_free(dataset);
    dpmix_accountant_free(accountant);
}
END_TEST

START_TEST(tails_are_kept)
{
    double made = 0, real = 0;
    fill();
    dpmix_generator *generator = fit(small_options(), ROWS, groups, 2);
    draw(generator);
    for (size_t i = 0; i < SAMPLES; i++) {
        made += (double)samples[i * COLUMNS + WEIGHT] / SAMPLES;
        real += (double)rows[i * COLUMNS + WEIGHT] / SAMPLES;
    }
    ck_assert_double_eq_tol(made, real, 0.1 * real);
    dpmix_generator_free(generator);
}
END_TEST

/* No cell of so few rows stands out, nor do many cells together: the tables of pairs tell where the rows are,
 * a third of all places. */
START_TEST(few_rows_are_found)
{
    enum { FEW = 700, NUMBERS = 2 };
    const double lower = 0, upper = 1;
    const uint64_t seed = 4;
    size_t inside = 0;
    struct tiny_random random = {5};
    dpmix_dataset *dataset = NULL;
    dpmix_generator *generator = NULL;
    dpmix_options *options = small_options();
    dpmix_accountant *accountant = tiny_accountant(1);
    for (size_t i = 0; i < FEW; i++) {
        rows[i * NUMBERS] = (float)((0.5 + tiny_uniform(&random)) / 3);
        rows[i * NUMBERS + 1] = (float)tiny_uniform(&random);
    }
    CHECK_OK(
        dpmix_dataset_new_f32(&dataset, rows, FEW, NUMBERS, NULL, 0, &lower, &upper, 1, DPMIX_STORAGE_COPY));
    tiny_mode_set(&mode, dataset, 6);
    CHECK_OK(dpmix_generator_new(&generator, DPMIX_GENERATOR_PRODUCTS, options));
    CHECK_OK(dpmix_generator_fit(generator, accountant, dataset, 1, NULL, NULL));
    CHECK_OK(dpmix_generator_sample(generator, samples, NULL, 0, SAMPLES, NUMBERS, &seed));
    for (size_t i = 0; i < SAMPLES; i++) {
        double value = (double)samples[i * NUMBERS];
        inside += value >= 1.0 / 6 && value <= 1.0 / 2;
    }
    ck_assert_double_gt((double)inside / SAMPLES, 0.7);
    dpmix_generator_free(generator);
    dpmix_options_free(options);
    dpmix_accountant_free(accountant);
    dpmix_dataset_free(dataset);
}
END_TEST

/* ---- The fit ---- */

START_TEST(only_numbers_are_looked_at_for_bins)
{
    static const int32_t no_numbers[COLUMNS] = {1, 1, 1, 2, 2, 3, 3, 3};
    fill();
    dpmix_generator *generator = fit(small_options(), ROWS, no_numbers, 1);
    ck_assert_uint_eq(mode.queries, 1);
    draw(generator);
    dpmix_generator_free(generator);
    generator = fit(small_options(), ROWS, NULL, 1);
    ck_assert_uint_eq(mode.queries, 3);
    draw(generator);
    dpmix_generator_free(generator);
}
END_TEST

START_TEST(threads_make_no_difference)
{
    fill();
    for (int i = 0; i < 2; i++) {
        dpmix_options *options = small_options();
        CHECK_OK(dpmix_options_set_int(options, DPMIX_OPTION_THREADS, 1 + 2 * i));
        dpmix_generator *generator = fit(options, ROWS, groups, 1);
        CHECK_OK(dpmix_generator_save(generator, tiny_path(i ? "b" : "a")));
        dpmix_generator_free(generator);
    }
    ck_assert(tiny_same_files(tiny_path("a"), tiny_path("b")));
}
END_TEST

/* As many components as the noise allows: a saved model grows with them. */
START_TEST(components_follow_the_budget)
{
    long before = 0;
    fill();
    for (int i = 0; i < 3; i++) {
        struct stat status;
        dpmix_options *options = small_options();
        CHECK_OK(dpmix_options_set_int(options, DPMIX_OPTION_PRODUCTS_COMPONENTS, 0));
        CHECK_OK(dpmix_options_set_int(options, DPMIX_OPTION_PRODUCTS_STEPS, 1));
        dpmix_generator *generator =
            fit(options, ROWS, (const int32_t[]){1, 1, 1, 2, 2, 3, 3, 3}, i == 0 ? 0.01 : (i == 1 ? 0.2 : 1));
        CHECK_OK(dpmix_generator_save(generator, tiny_path("a")));
        ck_assert_int_eq(stat(tiny_path("a"), &status), 0);
        ck_assert_int_gt(status.st_size, before + 100);
        before = (long)status.st_size;
        dpmix_generator_free(generator);
    }
}
END_TEST

START_TEST(too_many_columns_are_refused_before_the_debit)
{
    enum { WIDE = 2100 };
    static float wide[2 * WIDE];
    const double lower = 0, upper = 1;
    dpmix_dataset *dataset = NULL;
    dpmix_generator *generator = tiny_generator(DPMIX_GENERATOR_PRODUCTS);
    dpmix_accountant *accountant = tiny_accountant(1);
    CHECK_OK(dpmix_dataset_new_f32(&dataset, wide, 2, WIDE, NULL, 0, &lower, &upper, 1, DPMIX_STORAGE_COPY));
    CHECK_FAILS(dpmix_generator_fit(generator, accountant, dataset, 1, NULL, NULL), DPMIX_ERR_UNSUPPORTED,
                "dataset: too many columns");
    ck_assert_uint_eq(tiny_entries(accountant), 0);
    dpmix_generator_free(generator);
    dpmix_accountant_free(accountant);
    dpmix_dataset_free(dataset);
}
END_TEST

/* A file of so many numbers of one bin each, as a fit would write it. */
static int load_numbers(size_t n)
{
    const double lower = 0, upper = 1;
    const float whole[] = {0, 1, 1}; /* a piece */
    struct dpm_blob blob = {0};
    struct dpm_bounds bounds;
    dpmix_generator *generator = NULL;
    CHECK_OK(dpm_bounds_new(&bounds, n, &lower, &upper, 1));
    dpm_blob_put_u32(&blob, DPMIX_GENERATOR_PRODUCTS);
    dpm_blob_put_u64(&blob, 1); /* part */
    dpm_blob_put_u64(&blob, 0); /* classes */
    dpm_blob_put_u64(&blob, 0);
    dpm_bounds_put(&bounds, &blob);
    dpm_blob_put_text(&blob, "{}");
    dpm_blob_put_u64(&blob, 0); /* classes */
    dpm_blob_put_u64(&blob, 1); /* component */
    for (size_t i = 0; i < 2 * n; i++)
        dpm_blob_put_u64(&blob, 1); /* bin, and its piece */
    for (size_t i = 0; i < n; i++)
        dpm_blob_put_f32s(&blob, whole, 3);
    for (size_t i = 0; i < 1 + n; i++)
        dpm_blob_put_f32s(&blob, whole + 1, 1);
    CHECK_OK(dpm_blob_write(&blob, DPM_BLOB_GENERATOR, tiny_path("a")));
    int status = dpmix_generator_load(&generator, tiny_path("a"));
    dpmix_generator_free(generator);
    dpm_blob_free(&blob);
    dpm_bounds_free(&bounds);
    return status;
}

START_TEST(files_of_more_than_a_fit_has_room_for_are_refused)
{
    ck_assert_int_eq(load_numbers(4096), DPMIX_OK);
    ck_assert_int_eq(load_numbers(4097), DPMIX_ERR_FORMAT);
    ck_assert_int_eq(load_numbers(100000), DPMIX_ERR_FORMAT);
}
END_TEST

/* Few rows, equal rows, none, and noise that drowns everything. */
START_TEST(whatever_the_data_samples_are_valid)
{
    enum { FEW = 2000 };
    const uint64_t seed = 4;
    static const size_t n_rows[] = {FEW, 0, 1, 50};
    double epsilon = _i % 3 == 0 ? 0.01 : (_i % 3 == 1 ? 1 : 1000);
    dpmix_options *options = small_options();
    CHECK_OK(dpmix_options_set_int(options, DPMIX_OPTION_PRODUCTS_STEPS, 20));
    fill();
    if (_i >= 12)
        for (size_t i = 1; i < ROWS; i++)
            memcpy(rows + i * COLUMNS, rows, COLUMNS * sizeof *rows);
    dpmix_generator *generator = fit(options, n_rows[_i / 3 % 4], groups, epsilon);
    CHECK_OK(dpmix_generator_sample(generator, samples, drawn, 0, FEW, COLUMNS, &seed));
    for (size_t i = 0; i < FEW * COLUMNS; i++)
        ck_assert(samples[i] >= 0 && samples[i] <= 1);
    for (size_t i = 0; i < FEW; i++)
        ck_assert(drawn[i] == 0 || drawn[i] == 1);
    dpmix_generator_free(generator);
}
END_TEST

/* Where every other cell holds three times its neighbours, it stands out of them, and they out of what is
 * left: all cells are pieces by themselves, and half of them two. There is room for as many, and the shares
 * are kept. */
START_TEST(every_cell_may_be_a_piece)
{
    enum { NUMBERS = 80, CELLS = 256, PER_PAIR = 160, N = CELLS / 2 * PER_PAIR };
    static float uneven[N][NUMBERS];
    const double lower = 0, upper = 1;
    const uint64_t seed = 4;
    size_t even = 0, pieces = 0;
    dpmix_dataset *dataset = NULL;
    dpmix_options *options = small_options();
    dpmix_generator *generator = NULL;
    dpmix_accountant *accountant = tiny_accountant(100);
    struct dpm_products_grid grid;
    for (size_t i = 0; i < N; i++)
        for (size_t j = 0; j < NUMBERS; j++)
            uneven[i][j] = ((float)(i / PER_PAIR * 2 + (i % 4 == 0)) + 0.5f) / CELLS;
    CHECK_OK(dpmix_dataset_new_f32(&dataset, uneven[0], N, NUMBERS, NULL, 0, &lower, &upper, 1,
                                   DPMIX_STORAGE_BORROW));
    tiny_mode_set(&mode, dataset, 6);
    CHECK_OK(dpmix_options_set_int(options, DPMIX_OPTION_PRODUCTS_BINS, 2));
    CHECK_OK(dpmix_options_set_int(options, DPMIX_OPTION_PRODUCTS_COMPONENTS, 2));
    CHECK_OK(dpmix_generator_new(&generator, DPMIX_GENERATOR_PRODUCTS, options));
    CHECK_OK(dpmix_generator_fit(generator, accountant, dataset, 1, NULL, NULL));
    CHECK_OK(dpm_products_grid_new(&grid, NUMBERS, 2));
    ck_assert_uint_eq(grid.cells, CELLS);
    const struct dpm_products *model = ((const struct dpmix_generator *)generator)->model;
    pieces = model->first_piece[model->first[model->variables]];
    ck_assert_uint_gt(pieces, NUMBERS * CELLS);
    ck_assert_uint_le(pieces, dpm_products_most_pieces(&grid));
    CHECK_OK(dpmix_generator_sample(generator, samples, NULL, 0, 1000, NUMBERS, &seed));
    for (size_t i = 0; i < 1000 * NUMBERS; i++)
        even += (size_t)(samples[i] * CELLS) % 2 == 0;
    ck_assert_double_eq_tol((double)even / (1000 * NUMBERS), 0.75, 0.03);
    dpm_products_grid_free(&grid);
    dpmix_generator_free(generator);
    dpmix_options_free(options);
    dpmix_accountant_free(accountant);
    dpmix_dataset_free(dataset);
}
END_TEST

static Suite *products_suite(void)
{
    Suite *suite = suite_create("products");
    TCase *learns = check_case(suite, "learns");
    tcase_add_checked_fixture(learns, tiny_clean_setup, tiny_clean_teardown);
    tcase_add_test(learns, tables_of_pairs_are_learned);
    tcase_add_test(learns, more_budget_is_better);
    tcase_add_test(learns, categories_have_one_value);
    tcase_add_test(learns, values_that_many_rows_have_come_back);
    tcase_add_test(learns, fine_cells_count_whole_rows);
    tcase_add_test(learns, tails_are_kept);
    tcase_add_test(learns, few_rows_are_found);
    TCase *fits = check_case(suite, "fit");
    tcase_add_checked_fixture(fits, tiny_clean_setup, tiny_clean_teardown);
    tcase_add_test(fits, only_numbers_are_looked_at_for_bins);
    tcase_add_test(fits, threads_make_no_difference);
    tcase_add_test(fits, components_follow_the_budget);
    tcase_add_test(fits, too_many_columns_are_refused_before_the_debit);
    tcase_add_test(fits, files_of_more_than_a_fit_has_room_for_are_refused);
    tcase_add_loop_test(fits, whatever_the_data_samples_are_valid, 0, 24);
    tcase_add_test(fits, every_cell_may_be_a_piece);
    return suite;
}

CHECK_MAIN(products_suite)
