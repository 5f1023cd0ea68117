/* SPDX-License-Identifier: BSD-3-Clause */
/* The data set: what its constructors refuse, and that the same data come in whatever way they came. */
#include "tiny_idx.h"
#include "tiny_model.h"
#include "tiny_npy.h"

#include <math.h>

enum {
    U8,
    F32,
    F64,
    N_TYPES,
    ROWS = 40,
    COLUMNS = 3,
    CLASSES = 3,
    MAX_COLUMNS = 1000000,
    MAX_CLASSES = 1000000
};

static const char *const constructors[] = {
    "dpmix_dataset_new_u8: ", "dpmix_dataset_new_f32: ", "dpmix_dataset_new_f64: "};

/* ---- From memory: every argument bad in turn ---- */

struct arguments {
    int type;
    const void *rows;
    size_t n_rows, n_columns;
    int32_t labels[ROWS];
    int has_labels, n_classes;
    double lower[COLUMNS + 1], upper[COLUMNS + 1];
    int has_lower, has_upper;
    size_t n_bounds;
    int storage;
};

static float float_rows[ROWS * COLUMNS];
static double double_rows[ROWS * COLUMNS];
static uint8_t byte_rows[ROWS * COLUMNS];

static struct arguments good_arguments(int type)
{
    struct arguments a = {.type = type, .n_rows = ROWS, .n_columns = COLUMNS, .n_classes = CLASSES};
    const void *const rows[] = {byte_rows, float_rows, double_rows};
    a.rows = rows[type];
    a.has_labels = a.has_lower = a.has_upper = 1;
    a.n_bounds = COLUMNS;
    a.storage = DPMIX_STORAGE_COPY;
    for (size_t i = 0; i < ROWS; i++)
        a.labels[i] = tiny_class(i, CLASSES);
    for (size_t i = 0; i < COLUMNS + 1; i++) {
        a.lower[i] = -1;
        a.upper[i] = 200 + (double)i;
    }
    return a;
}

static int make(dpmix_dataset **out, const struct arguments *a)
{
    const int32_t *labels = a->has_labels ? a->labels : NULL;
    const double *lower = a->has_lower ? a->lower : NULL, *upper = a->has_upper ? a->upper : NULL;
    if (a->type == U8)
        return dpmix_dataset_new_u8(out, a->rows, a->n_rows, a->n_columns, labels, a->n_classes, lower, upper,
                                    a->n_bounds, a->storage);
    if (a->type == F64)
        return dpmix_dataset_new_f64(out, a->rows, a->n_rows, a->n_columns, labels, a->n_classes, lower,
                                     upper, a->n_bounds, a->storage);
    return dpmix_dataset_new_f32(out, a->rows, a->n_rows, a->n_columns, labels, a->n_classes, lower, upper,
                                 a->n_bounds, a->storage);
}

struct refusal {
    int status;
    const char *argument; /* that the message begins with */
};

enum { SPOILED = 33 };

/* Spoils one argument. */
static struct refusal spoil(struct arguments *a, int which)
{
    const int range = DPMIX_ERR_RANGE;
    const struct refusal columns = {range, "n_columns"}, rows = {range, "n_rows"}, labels = {range, "labels"};
    const struct refusal classes = {range, "n_classes"}, count = {range, "n_bounds"};
    const struct refusal bounds = {range, "lower, upper"}, storage = {DPMIX_ERR_ARG, "storage"};
    switch (which) {
    case 0: return a->rows = NULL, (struct refusal){DPMIX_ERR_ARG, "rows"};
    case 1: return a->rows = NULL, a->n_rows = 1, (struct refusal){DPMIX_ERR_ARG, "rows"};
    case 2: return a->has_lower = 0, (struct refusal){DPMIX_ERR_ARG, "lower"};
    case 3: return a->has_upper = 0, (struct refusal){DPMIX_ERR_ARG, "upper"};
    case 4: return a->has_labels = 0, (struct refusal){DPMIX_ERR_ARG, "labels"};
    case 5: return a->n_columns = 0, columns;
    case 6: return a->n_columns = MAX_COLUMNS + 1, columns;
    case 7: return a->n_columns = SIZE_MAX, columns;
    case 8: return a->n_rows = SIZE_MAX, rows;
    case 9: return a->n_rows = SIZE_MAX / COLUMNS, rows;
    case 10: return a->n_classes = 0, classes;
    case 11: return a->n_classes = -1, classes;
    case 12: return a->n_classes = MAX_CLASSES + 1, classes;
    case 13: return a->labels[0] = CLASSES, labels;
    case 14: return a->labels[ROWS - 1] = CLASSES, labels;
    case 15: return a->labels[ROWS / 2] = -1, labels;
    case 16: return a->labels[ROWS / 2] = INT32_MAX, labels;
    case 17: return a->labels[ROWS / 2] = INT32_MIN, labels;
    case 18: return a->n_bounds = 0, count;
    case 19: return a->n_bounds = COLUMNS - 1, count;
    case 20: return a->n_bounds = COLUMNS + 1, count;
    case 21: return a->lower[COLUMNS - 1] = a->upper[COLUMNS - 1], bounds;
    case 22: return a->lower[0] = a->upper[0] + 1, bounds;
    case 23: return a->lower[1] = NAN, bounds;
    case 24: return a->upper[COLUMNS - 1] = NAN, bounds;
    case 25: return a->upper[1] = INFINITY, bounds;
    case 26: return a->lower[1] = -INFINITY, bounds;
    case 27: return a->upper[1] = 1e39, bounds;                      /* finite, but not as float32 */
    case 28: return a->lower[1] = -3e38, a->upper[1] = 3e38, bounds; /* whose difference is not finite */
    case 29: return a->lower[1] = 0, a->upper[1] = 1e-310, bounds;   /* whose inverse is not */
    case 30: return a->storage = 0, storage;
    case 31: return a->storage = DPMIX_STORAGE_BORROW + 1, storage;
    default: return a->storage = -1, storage;
    }
}

/* `out` keeps what it held, and nothing stays allocated. */
static void expect_refused(const struct arguments *a, struct refusal refusal)
{
    dpmix_dataset *const before = (dpmix_dataset *)(void *)float_rows;
    dpmix_dataset *dataset = before;
    char word[64];
    snprintf(word, sizeof word, "%s%s", constructors[a->type], refusal.argument);
    CHECK_FAILS(make(&dataset, a), refusal.status, word);
    ck_assert_ptr_eq(dpmix_last_error(), strstr(dpmix_last_error(), word));
    ck_assert_ptr_eq(dataset, before);
    ck_assert_int_eq(dpm_alloc_live(), tiny_live);
}

START_TEST(a_bad_argument_is_refused_and_named)
{
    struct arguments a = good_arguments(_i / SPOILED);
    expect_refused(&a, spoil(&a, _i % SPOILED));
}
END_TEST

/* Messages name arguments, never values: the value is private. */
START_TEST(messages_hold_no_data)
{
    static const int32_t canaries[] = {123456789, -123456789};
    struct arguments a = good_arguments(_i);
    for (size_t i = 0; i < sizeof canaries / sizeof *canaries; i++) {
        a.labels[7] = canaries[i];
        expect_refused(&a, (struct refusal){DPMIX_ERR_RANGE, "labels"});
        ck_assert_ptr_null(strstr(dpmix_last_error(), "123456789"));
        ck_assert_ptr_null(strstr(dpmix_last_error(), "40")); /* nor how many rows there are */
    }
}
END_TEST

START_TEST(good_arguments_are_taken)
{
    struct arguments a = good_arguments(_i);
    dpmix_dataset *dataset = NULL;
    CHECK_FAILS(make(NULL, &a), DPMIX_ERR_ARG, constructors[_i]);
    ck_assert_ptr_nonnull(strstr(dpmix_last_error(), ": out"));
    CHECK_OK(make(&dataset, &a));
    ck_assert_uint_eq(dpmix_dataset_columns(dataset), COLUMNS);
    ck_assert_int_eq(dpmix_dataset_classes(dataset), CLASSES);
    dpmix_dataset_free(dataset);
    a.has_labels = a.n_classes = 0;
    a.n_bounds = 1;
    a.storage = DPMIX_STORAGE_BORROW;
    CHECK_OK(make(&dataset, &a));
    ck_assert_int_eq(dpmix_dataset_classes(dataset), 0);
    dpmix_dataset_free(dataset);
    a.rows = NULL;
    a.n_rows = 0;
    a.n_columns = MAX_COLUMNS;
    CHECK_OK(make(&dataset, &a));
    ck_assert_uint_eq(dpmix_dataset_columns(dataset), MAX_COLUMNS);
    dpmix_dataset_free(dataset);
    ck_assert_uint_eq(dpmix_dataset_columns(NULL), 0);
    ck_assert_int_eq(dpmix_dataset_classes(NULL), 0);
    dpmix_dataset_free(NULL);
}
END_TEST

/* ---- The same data give the same release ---- */

/* A release of the whole data set under a fixed key, saved: noise, sums and bounds are all in it. */
static void release(dpmix_dataset *dataset, const char *path)
{
    struct tiny_mode mode;
    dpmix_accountant *accountant = tiny_accountant(5);
    dpmix_generator *generator = tiny_generator(DPMIX_GENERATOR_GAUSSIAN);
    tiny_mode_set(&mode, dataset, 3);
    CHECK_OK(dpmix_generator_fit(generator, accountant, dataset, 0.5, NULL, NULL));
    CHECK_OK(dpmix_generator_save(generator, path));
    ck_assert_uint_gt(mode.queries, 0);
    dpmix_generator_free(generator);
    dpmix_accountant_free(accountant);
}

/* Frees both. */
static int same_release(dpmix_dataset *left, dpmix_dataset *right)
{
    release(left, tiny_path("a"));
    release(right, tiny_path("b"));
    dpmix_dataset_free(left);
    dpmix_dataset_free(right);
    return tiny_same_files(tiny_path("a"), tiny_path("b"));
}

static const double narrow_lower[COLUMNS] = {50, 60, 70}, narrow_upper[COLUMNS] = {200, 190, 180};

static dpmix_dataset *floats(const float *rows, int storage)
{
    dpmix_dataset *dataset = NULL;
    CHECK_OK(dpmix_dataset_new_f32(&dataset, rows, ROWS, COLUMNS, NULL, 0, narrow_lower, narrow_upper,
                                   COLUMNS, storage));
    return dataset;
}

static dpmix_dataset *bytes(const uint8_t *rows, int storage)
{
    dpmix_dataset *dataset = NULL;
    CHECK_OK(dpmix_dataset_new_u8(&dataset, rows, ROWS, COLUMNS, NULL, 0, narrow_lower, narrow_upper, COLUMNS,
                                  storage));
    return dataset;
}

static dpmix_dataset *doubles(const double *rows, int storage)
{
    dpmix_dataset *dataset = NULL;
    CHECK_OK(dpmix_dataset_new_f64(&dataset, rows, ROWS, COLUMNS, NULL, 0, narrow_lower, narrow_upper,
                                   COLUMNS, storage));
    return dataset;
}

/* Bytes all over their range, so that many are outside the bounds. */
static void fill_rows(void)
{
    struct tiny_random random = {5};
    for (size_t i = 0; i < ROWS * COLUMNS; i++) {
        byte_rows[i] = (uint8_t)(256 * tiny_uniform(&random));
        double_rows[i] = float_rows[i] = byte_rows[i];
    }
}

static float clamped(float value, size_t column)
{
    float lower = (float)narrow_lower[column], upper = (float)narrow_upper[column];
    return value >= lower ? (value <= upper ? value : upper) : lower;
}

START_TEST(copy_and_borrow_release_the_same)
{
    static uint8_t byte_copy[ROWS * COLUMNS];
    static float float_copy[ROWS * COLUMNS];
    static double double_copy[ROWS * COLUMNS];
    fill_rows();
    memcpy(byte_copy, byte_rows, sizeof byte_copy);
    memcpy(float_copy, float_rows, sizeof float_copy);
    memcpy(double_copy, double_rows, sizeof double_copy);
    dpmix_dataset *copied_bytes = bytes(byte_copy, DPMIX_STORAGE_COPY);
    dpmix_dataset *copied_floats = floats(float_copy, DPMIX_STORAGE_COPY);
    dpmix_dataset *copied_doubles = doubles(double_copy, DPMIX_STORAGE_COPY);
    memset(double_copy, 0, sizeof double_copy);
    memset(byte_copy, 0, sizeof byte_copy); /* a copy does not notice */
    memset(float_copy, 0, sizeof float_copy);
    ck_assert(same_release(copied_bytes, bytes(byte_rows, DPMIX_STORAGE_BORROW)));
    ck_assert(same_release(copied_floats, floats(float_rows, DPMIX_STORAGE_BORROW)));
    ck_assert(same_release(copied_doubles, doubles(double_rows, DPMIX_STORAGE_BORROW)));
    /* The comparison can tell data sets apart. */
    ck_assert(!same_release(bytes(byte_copy, DPMIX_STORAGE_COPY), bytes(byte_rows, DPMIX_STORAGE_COPY)));
}
END_TEST

START_TEST(all_types_release_the_same)
{
    fill_rows();
    ck_assert(same_release(doubles(double_rows, DPMIX_STORAGE_COPY), floats(float_rows, DPMIX_STORAGE_COPY)));
    ck_assert(same_release(bytes(byte_rows, DPMIX_STORAGE_COPY), floats(float_rows, DPMIX_STORAGE_COPY)));
}
END_TEST

/* The same places between bounds at 2^40 and at 0: float32 knows no two numbers of the first. */
START_TEST(doubles_keep_what_float32_loses)
{
    const double far = 0x1p40, lower[] = {far, 0}, upper[] = {far + 256, 256};
    dpmix_dataset *datasets[2] = {NULL};
    float samples[2][ROWS * COLUMNS];
    double wide[ROWS * COLUMNS];
    const uint64_t seed = 1;
    fill_rows();
    for (int i = 0; i < 2; i++) {
        struct tiny_mode mode;
        dpmix_accountant *accountant = tiny_accountant(5);
        dpmix_generator *generator = tiny_generator(DPMIX_GENERATOR_GAUSSIAN);
        for (size_t j = 0; j < ROWS * COLUMNS; j++)
            double_rows[j] = lower[i] + byte_rows[j];
        CHECK_OK(dpmix_dataset_new_f64(&datasets[i], double_rows, ROWS, COLUMNS, NULL, 0, &lower[i],
                                       &upper[i], 1, DPMIX_STORAGE_BORROW));
        tiny_mode_set(&mode, datasets[i], 3);
        CHECK_OK(dpmix_generator_fit(generator, accountant, datasets[i], 0.5, NULL, NULL));
        CHECK_OK(dpmix_generator_save(generator, tiny_path("a"))); /* a file keeps the bounds, too */
        dpmix_generator_free(generator);
        CHECK_OK(dpmix_generator_load(&generator, tiny_path("a")));
        CHECK_OK(dpmix_generator_sample_f64(generator, wide, NULL, 0, ROWS, COLUMNS, &seed));
        for (size_t j = 0; j < ROWS * COLUMNS; j++)
            samples[i][j] = (float)(wide[j] - lower[i]);
        dpmix_generator_free(generator);
        dpmix_accountant_free(accountant);
        dpmix_dataset_free(datasets[i]);
    }
    for (size_t j = 0; j < ROWS * COLUMNS; j++)
        ck_assert_float_eq_tol(samples[0][j], samples[1][j], 0.001f);
}
END_TEST

START_TEST(values_outside_the_bounds_are_clamped)
{
    static float inside[ROWS * COLUMNS];
    fill_rows();
    float_rows[0] = NAN;
    float_rows[1] = INFINITY;
    float_rows[2] = -INFINITY;
    float_rows[COLUMNS] = -NAN;
    float_rows[COLUMNS + 1] = 3e38f;
    float_rows[COLUMNS + 2] = -3e38f;
    for (size_t i = 0; i < ROWS * COLUMNS; i++)
        inside[i] = clamped(float_rows[i], i % COLUMNS);
    ck_assert_float_eq(inside[0], 50);
    ck_assert(same_release(floats(float_rows, DPMIX_STORAGE_COPY), floats(inside, DPMIX_STORAGE_COPY)));
    for (size_t i = 0; i < ROWS * COLUMNS; i++)
        double_rows[i] = (double)float_rows[i];
    double_rows[COLUMNS + 1] = 1.7e308;
    double_rows[COLUMNS + 2] = -1.7e308;
    ck_assert(same_release(doubles(double_rows, DPMIX_STORAGE_COPY), floats(inside, DPMIX_STORAGE_COPY)));
    fill_rows();
    uint8_t inside_bytes[ROWS * COLUMNS];
    for (size_t i = 0; i < ROWS * COLUMNS; i++)
        inside_bytes[i] = (uint8_t)clamped(byte_rows[i], i % COLUMNS);
    ck_assert(same_release(bytes(byte_rows, DPMIX_STORAGE_COPY), bytes(inside_bytes, DPMIX_STORAGE_COPY)));
}
END_TEST

START_TEST(one_pair_of_bounds_is_for_all_columns)
{
    static const double lower = 10, upper = 99, lowers[] = {10, 10, 10}, uppers[] = {99, 99, 99};
    dpmix_dataset *one = NULL, *many = NULL;
    fill_rows();
    CHECK_OK(
        dpmix_dataset_new_u8(&one, byte_rows, ROWS, COLUMNS, NULL, 0, &lower, &upper, 1, DPMIX_STORAGE_COPY));
    CHECK_OK(dpmix_dataset_new_u8(&many, byte_rows, ROWS, COLUMNS, NULL, 0, lowers, uppers, COLUMNS,
                                  DPMIX_STORAGE_COPY));
    ck_assert(same_release(one, many));
}
END_TEST

/* An empty data set is somebody's neighbour: nothing may fail on it. */
START_TEST(an_empty_data_set_works)
{
    static const double lower = TINY_LOWER, upper = TINY_UPPER;
    dpmix_dataset *dataset = NULL;
    float row[COLUMNS];
    double weights[CLASSES];
    CHECK_OK(dpmix_dataset_new_f32(&dataset, NULL, 0, COLUMNS, NULL, CLASSES, &lower, &upper, 1, _i));
    ck_assert_int_eq(dpmix_dataset_classes(dataset), CLASSES);
    dpmix_accountant *accountant = tiny_accountant(1);
    dpmix_clusterer *clusterer = tiny_clusterer(DPMIX_CLUSTERER_LABEL);
    dpmix_generator *generator = tiny_generator(DPMIX_GENERATOR_GAUSSIAN);
    CHECK_OK(dpmix_clusterer_fit(clusterer, accountant, dataset, 0.3, NULL, NULL));
    CHECK_OK(dpmix_clusterer_weights(clusterer, weights, CLASSES));
    ck_assert_double_eq_tol(weights[0] + weights[1] + weights[2], 1, 1e-12);
    CHECK_OK(dpmix_generator_fit(generator, accountant, dataset, 1, NULL, NULL));
    CHECK_OK(dpmix_generator_sample(generator, row, NULL, 0, 1, COLUMNS, NULL));
    for (size_t i = 0; i < COLUMNS; i++)
        ck_assert(row[i] >= (float)TINY_LOWER && row[i] <= (float)TINY_UPPER);
    dpmix_generator_free(generator);
    dpmix_clusterer_free(clusterer);
    dpmix_accountant_free(accountant);
    dpmix_dataset_free(dataset);
}
END_TEST

/* Labels count, too: an empty array of them may be given, and no class needs a row. */
START_TEST(labels_may_leave_classes_empty)
{
    struct arguments a = good_arguments(F32);
    dpmix_dataset *dataset = NULL;
    a.n_classes = MAX_CLASSES;
    CHECK_OK(make(&dataset, &a));
    ck_assert_int_eq(dpmix_dataset_classes(dataset), MAX_CLASSES);
    dpmix_dataset_free(dataset);
    a.n_rows = 0;
    CHECK_OK(make(&dataset, &a));
    dpmix_dataset_free(dataset);
}
END_TEST

/* ---- From IDX files ---- */

enum { IMAGES = 60 };

static uint8_t images[IMAGES * TINY_PIXELS], label_bytes[IMAGES];

static void fill_images(void)
{
    int32_t labels[IMAGES];
    tiny_images(images, labels, IMAGES, CLASSES, 9);
    for (size_t i = 0; i < IMAGES; i++)
        label_bytes[i] = (uint8_t)labels[i];
}

static dpmix_dataset *from_idx(int gzip)
{
    dpmix_dataset *dataset = NULL;
    fill_images();
    tiny_write_idx("images", gzip, images, IMAGES, TINY_SIDE);
    tiny_write_idx("labels", gzip, label_bytes, IMAGES, 0);
    CHECK_OK(dpmix_dataset_new_idx(&dataset, tiny_path("images"), tiny_path("labels"), CLASSES, 0, 255));
    ck_assert_uint_eq(dpmix_dataset_columns(dataset), TINY_PIXELS);
    ck_assert_int_eq(dpmix_dataset_classes(dataset), CLASSES);
    return dataset;
}

START_TEST(files_and_memory_release_the_same)
{
    static const double lower = 0, upper = 255;
    int32_t labels[IMAGES];
    dpmix_dataset *dataset = NULL;
    ck_assert(same_release(from_idx(0), from_idx(1)));
    for (size_t i = 0; i < IMAGES; i++)
        labels[i] = label_bytes[i];
    CHECK_OK(dpmix_dataset_new_u8(&dataset, images, IMAGES, TINY_PIXELS, labels, CLASSES, &lower, &upper, 1,
                                  DPMIX_STORAGE_COPY));
    CHECK_OK(dpmix_dataset_set_images(dataset, TINY_SIDE)); /* as the files are */
    ck_assert(same_release(from_idx(1), dataset));
}
END_TEST

START_TEST(files_without_labels)
{
    dpmix_dataset *dataset = NULL;
    fill_images();
    tiny_write_idx("images", 0, images, IMAGES, TINY_SIDE);
    CHECK_OK(dpmix_dataset_new_idx(&dataset, tiny_path("images"), NULL, 0, 0, 255));
    ck_assert_int_eq(dpmix_dataset_classes(dataset), 0);
    dpmix_dataset_free(dataset);
    tiny_write_idx("labels", 0, label_bytes, IMAGES, 0); /* a file of one dimension has one column */
    CHECK_OK(dpmix_dataset_new_idx(&dataset, tiny_path("labels"), NULL, 0, 0, 255));
    ck_assert_uint_eq(dpmix_dataset_columns(dataset), 1);
    dpmix_dataset_free(dataset);
}
END_TEST

static void expect_idx_refused(const char *images_path, const char *labels_path, int n_classes, double lower,
                               double upper, int status, const char *word)
{
    dpmix_dataset *const before = (dpmix_dataset *)(void *)images;
    dpmix_dataset *dataset = before;
    CHECK_FAILS(dpmix_dataset_new_idx(&dataset, images_path, labels_path, n_classes, lower, upper), status,
                word);
    ck_assert_ptr_eq(strstr(dpmix_last_error(), "dpmix_dataset_new_idx: "), dpmix_last_error());
    ck_assert_ptr_eq(dataset, before);
    ck_assert_int_eq(dpm_alloc_live(), tiny_live);
}

START_TEST(bad_arguments_beside_good_files)
{
    dpmix_dataset_free(from_idx(_i));
    const char *good = tiny_path("images"), *labels = tiny_path("labels");
    int range = DPMIX_ERR_RANGE, arg = DPMIX_ERR_ARG;
    CHECK_FAILS(dpmix_dataset_new_idx(NULL, good, labels, CLASSES, 0, 255), arg, "new_idx: out");
    expect_idx_refused(NULL, labels, CLASSES, 0, 255, arg, "images_path");
    expect_idx_refused(good, NULL, CLASSES, 0, 255, arg, "labels_path");
    expect_idx_refused(good, labels, 0, 0, 255, range, "n_classes");
    expect_idx_refused(good, labels, -1, 0, 255, range, "n_classes");
    expect_idx_refused(good, labels, 257, 0, 255, range, "n_classes");
    expect_idx_refused(good, labels, CLASSES - 1, 0, 255, range, "labels");
    expect_idx_refused(good, labels, CLASSES, 255, 255, range, "lower, upper");
    expect_idx_refused(good, labels, CLASSES, NAN, 255, range, "lower, upper");
    expect_idx_refused(good, labels, CLASSES, 0, INFINITY, range, "lower, upper");
    /* A label that no class has: the message holds neither it nor its place. */
    label_bytes[33] = 211;
    tiny_write_idx("labels", _i, label_bytes, IMAGES, 0);
    expect_idx_refused(good, labels, CLASSES, 0, 255, range, "labels");
    ck_assert(!strstr(dpmix_last_error(), "211") && !strstr(dpmix_last_error(), "33"));
}
END_TEST

START_TEST(bad_files)
{
    dpmix_dataset_free(from_idx(_i));
    const char *good = tiny_path("images"), *labels = tiny_path("labels");
    struct tiny_bytes file = tiny_read(good);
    expect_idx_refused(tiny_path("missing"), labels, CLASSES, 0, 255, DPMIX_ERR_IO, "/missing: ");
    expect_idx_refused(good, tiny_path("missing"), CLASSES, 0, 255, DPMIX_ERR_IO, "/missing: ");
    expect_idx_refused(tiny_folder(), labels, CLASSES, 0, 255, DPMIX_ERR_IO, tiny_folder());
    expect_idx_refused(good, good, CLASSES, 0, 255, DPMIX_ERR_FORMAT, "labels_path");
    tiny_write_idx("labels", _i, label_bytes, IMAGES - 1, 0);
    expect_idx_refused(good, labels, CLASSES, 0, 255, DPMIX_ERR_FORMAT, "labels_path");
    tiny_write_idx("labels", _i, label_bytes, IMAGES, 0);
    for (size_t n = 0; n < file.n; n += n < 40 ? 1 : 97) {
        tiny_write(tiny_path("damaged"), file.bytes, n);
        expect_idx_refused(tiny_path("damaged"), labels, CLASSES, 0, 255, DPMIX_ERR_FORMAT, "/damaged: ");
    }
    file.bytes[file.n] = 0;
    tiny_write(tiny_path("damaged"), file.bytes, file.n + 1);
    expect_idx_refused(tiny_path("damaged"), labels, CLASSES, 0, 255, DPMIX_ERR_FORMAT, "/damaged: ");
    free(file.bytes);
}
END_TEST

/* ---- From NPY files ---- */

/* The images in a type; in Fortran's order pixel j of image i is number j * IMAGES + i. */
static void write_npy_images(const char *descr, int fortran)
{
    static struct tiny_npy file;
    size_t step = fortran ? IMAGES : 1, side = fortran ? TINY_PIXELS : IMAGES * TINY_PIXELS;
    char shape[32];
    snprintf(shape, sizeof shape, "%d, %d", IMAGES, TINY_PIXELS);
    tiny_npy_start(&file, descr, fortran, shape);
    for (size_t j = 0; j < side; j++)
        for (size_t i = 0; i < step; i++)
            tiny_npy_value(&file, descr, images[fortran ? i * TINY_PIXELS + j : j]);
    tiny_write(tiny_path("images"), file.bytes, file.n);
}

static void write_npy_labels(const char *descr, size_t n)
{
    static struct tiny_npy file;
    char shape[32];
    snprintf(shape, sizeof shape, "%zu,", n);
    tiny_npy_start(&file, descr, 0, shape);
    for (size_t i = 0; i < n; i++)
        tiny_npy_value(&file, descr, label_bytes[i]);
    tiny_write(tiny_path("labels"), file.bytes, file.n);
}

static const double byte_lower = 0, byte_upper = 255;

START_TEST(npy_files_release_what_memory_does)
{
    static const char *const types[][2] = {
        {"|u1", "<i8"}, {"<f4", "|u1"}, {">f4", ">i4"}, {"<i2", "<u2"}, {"<u2", "|i1"}};
    int32_t labels[IMAGES];
    dpmix_dataset *memory = NULL, *npy = NULL;
    fill_images();
    for (size_t i = 0; i < IMAGES; i++)
        labels[i] = label_bytes[i];
    write_npy_images(types[_i / 2][0], _i % 2);
    write_npy_labels(types[_i / 2][1], IMAGES);
    CHECK_OK(dpmix_dataset_new_npy(&npy, tiny_path("images"), tiny_path("labels"), CLASSES, &byte_lower,
                                   &byte_upper, 1));
    ck_assert_uint_eq(dpmix_dataset_columns(npy), TINY_PIXELS);
    ck_assert_int_eq(dpmix_dataset_classes(npy), CLASSES);
    CHECK_OK(dpmix_dataset_new_u8(&memory, images, IMAGES, TINY_PIXELS, labels, CLASSES, &byte_lower,
                                  &byte_upper, 1, DPMIX_STORAGE_COPY));
    /* What was read does not hang on the files. */
    ck_assert_int_eq(truncate(tiny_path("images"), 100), 0);
    ck_assert_int_eq(unlink(tiny_path("labels")), 0);
    ck_assert(same_release(npy, memory));
}
END_TEST

static void expect_npy_refused(const char *labels_path, int n_classes, size_t n_bounds, int status,
                               const char *word)
{
    dpmix_dataset *const before = (dpmix_dataset *)(void *)images;
    dpmix_dataset *dataset = before;
    CHECK_FAILS(dpmix_dataset_new_npy(&dataset, tiny_path("images"), labels_path, n_classes, &byte_lower,
                                      &byte_upper, n_bounds),
                status, word);
    ck_assert_ptr_eq(strstr(dpmix_last_error(), "dpmix_dataset_new_npy: "), dpmix_last_error());
    ck_assert_ptr_eq(dataset, before);
    ck_assert_int_eq(dpm_alloc_live(), tiny_live);
}

START_TEST(bad_arguments_beside_npy_files)
{
    const char *path = tiny_path("labels");
    const int arg = DPMIX_ERR_ARG, range = DPMIX_ERR_RANGE, format = DPMIX_ERR_FORMAT;
    dpmix_dataset *dataset = NULL;
    fill_images();
    write_npy_images("|u1", 0);
    write_npy_labels("<i4", IMAGES);
    CHECK_FAILS(dpmix_dataset_new_npy(NULL, path, NULL, 0, &byte_lower, &byte_upper, 1), arg, "npy: out");
    CHECK_FAILS(dpmix_dataset_new_npy(&dataset, NULL, NULL, 0, &byte_lower, &byte_upper, 1), arg,
                "npy: rows_path");
    CHECK_FAILS(dpmix_dataset_new_npy(&dataset, path, NULL, 0, NULL, &byte_upper, 1), arg, "npy: lower");
    CHECK_FAILS(dpmix_dataset_new_npy(&dataset, path, NULL, 0, &byte_lower, NULL, 1), arg, "npy: upper");
    CHECK_FAILS(dpmix_dataset_new_npy(&dataset, path, NULL, 0, &byte_upper, &byte_lower, 1), range,
                "npy: lower, upper");
    ck_assert_ptr_null(dataset);
    expect_npy_refused(NULL, CLASSES, 1, arg, "labels_path");
    expect_npy_refused(path, 0, 1, range, "n_classes");
    expect_npy_refused(path, -1, 1, range, "n_classes");
    expect_npy_refused(path, MAX_CLASSES + 1, 1, range, "n_classes");
    expect_npy_refused(path, CLASSES - 1, 1, range, "labels");
    expect_npy_refused(path, CLASSES, 0, range, "n_bounds");
    expect_npy_refused(path, CLASSES, 2, range, "n_bounds");
    expect_npy_refused(tiny_path("missing"), CLASSES, 1, DPMIX_ERR_IO, "/missing: ");
    expect_npy_refused(tiny_path("images"), CLASSES, 1, format, "labels_path");
    write_npy_labels("<i4", IMAGES - 1);
    expect_npy_refused(path, CLASSES, 1, format, "labels_path");
    write_npy_labels("<f4", IMAGES);
    expect_npy_refused(path, CLASSES, 1, format, "labels_path");
    label_bytes[IMAGES - 1] = 255; /* -1 */
    write_npy_labels("|i1", IMAGES);
    expect_npy_refused(path, CLASSES, 1, range, "labels");
    tiny_write_idx("images", 0, images, IMAGES, TINY_SIDE);
    expect_npy_refused(NULL, 0, 1, format, "/images: not an NPY file");
}
END_TEST

static Suite *dataset_suite(void)
{
    Suite *suite = suite_create("dataset");
    TCase *memory = check_case(suite, "from memory");
    tcase_add_checked_fixture(memory, tiny_clean_setup, tiny_clean_teardown);
    tcase_add_loop_test(memory, a_bad_argument_is_refused_and_named, 0, N_TYPES * SPOILED);
    tcase_add_loop_test(memory, messages_hold_no_data, 0, N_TYPES);
    tcase_add_loop_test(memory, good_arguments_are_taken, 0, N_TYPES);
    tcase_add_test(memory, labels_may_leave_classes_empty);
    TCase *releases = check_case(suite, "releases");
    tcase_add_checked_fixture(releases, tiny_clean_setup, tiny_clean_teardown);
    tcase_add_test(releases, copy_and_borrow_release_the_same);
    tcase_add_test(releases, all_types_release_the_same);
    tcase_add_test(releases, doubles_keep_what_float32_loses);
    tcase_add_test(releases, values_outside_the_bounds_are_clamped);
    tcase_add_test(releases, one_pair_of_bounds_is_for_all_columns);
    tcase_add_loop_test(releases, an_empty_data_set_works, DPMIX_STORAGE_COPY, DPMIX_STORAGE_BORROW + 1);
    TCase *files = check_case(suite, "from files");
    tcase_add_checked_fixture(files, tiny_clean_setup, tiny_clean_teardown);
    tcase_add_test(files, files_and_memory_release_the_same);
    tcase_add_test(files, files_without_labels);
    tcase_add_loop_test(files, bad_arguments_beside_good_files, 0, 2);
    tcase_add_loop_test(files, bad_files, 0, 2);
    tcase_add_loop_test(files, npy_files_release_what_memory_does, 0, 10);
    tcase_add_test(files, bad_arguments_beside_npy_files);
    return suite;
}

CHECK_MAIN(dataset_suite)
