/* SPDX-License-Identifier: BSD-3-Clause */
/* What is private is wiped before its memory goes back, and is in no message, ledger, report or file. Every
 * cell of the data is a canary; every block that the library frees without wiping it is looked through. */
#include "mixture_model.h"

#include "canary.h"
#include "tiny_arrow.h"
#include "tiny_idx.h"
#include "tiny_npy.h"

enum { ROWS = 120, SIDE = 8, COLUMNS = SIDE * SIDE, CLASSES = 2, TEXT = 1 << 16 };

static float cells[ROWS * COLUMNS];
static uint8_t bytes[ROWS * COLUMNS];
static int32_t labels[ROWS];
static const double lower = 0, upper = 1;
static struct dpm_test_mode mode;
static char text[TEXT];

static void setup(void)
{
    for (size_t i = 0; i < ROWS * COLUMNS; i++) {
        cells[i] = (float)CANARY;
        bytes[i] = CANARY_BYTE;
    }
    for (size_t i = 0; i < ROWS; i++)
        labels[i] = (int32_t)(i % CLASSES);
    memset(&mode, 0, sizeof mode);
    memset(mode.key, 0x5b, sizeof mode.key);
    mode.observe = canary_observe;
    canary_begin();
    canary_add_keys(&mode);
    tiny_folder_setup();
}

static dpmix_dataset *new_dataset(void)
{
    dpmix_dataset *dataset = NULL;
    CANARY_WATCH(CHECK_OK(dpmix_dataset_new_f32(&dataset, cells, ROWS, COLUMNS, labels, CLASSES, &lower,
                                                &upper, 1, DPMIX_STORAGE_COPY)));
    dpm_dataset_set_test(dataset, &mode);
    return dataset;
}

static void expect_file_quiet(const char *name)
{
    struct tiny_bytes file = tiny_read(tiny_path(name));
    canary_expect_none(file.bytes, file.n, name);
    free(file.bytes);
}

/* Ledger and report. */
static void expect_books_quiet(const dpmix_accountant *accountant)
{
    CHECK_OK(dpmix_accountant_json(accountant, text, sizeof text, NULL));
    canary_expect_none(text, strlen(text), "the ledger");
    CHECK_OK(dpmix_accountant_report(accountant, text, sizeof text, NULL));
    canary_expect_none(text, strlen(text), "the report");
}

static int stop(void *user, int phase, uint64_t done, uint64_t total, double epsilon_spent)
{
    (void)user, (void)phase, (void)total, (void)epsilon_spent;
    return done > 0;
}

/* ---- The net itself ---- */

/* The search finds what is not wiped, in every type, and only then. */
START_TEST(what_is_not_wiped_is_found)
{
    const int32_t numbers[] = {CANARY_NUMBER, CANARY_NUMBER};
    const double wide = CANARY;
    uint8_t key[DPM_KEY_SIZE];
    dpm_random_derive(key, mode.key, 3);
    const struct {
        const void *bytes;
        size_t size;
    } secrets[] = {{cells, 8}, {&wide, 8}, {bytes, 8}, {numbers, 8}, {CANARY_TEXT, 14}, {key, 32}};
    for (size_t i = 0; i < sizeof secrets / sizeof *secrets; i++)
        for (int wiped = 0; wiped < 2; wiped++) {
            uint8_t *memory = dpm_alloc(1000, 1);
            ck_assert_ptr_nonnull(memory);
            memcpy(memory + 800, secrets[i].bytes, secrets[i].size);
            canary_watch.on = 1;
            (wiped ? dpm_free_wiped : dpm_free)(memory);
            canary_watch.on = 0;
            ck_assert_uint_eq(canary_watch.found, wiped ? 0 : 1);
            canary_watch.found = 0;
        }
    ck_assert_ptr_null(canary_in((const uint8_t *)"another text", 12));
    ck_assert_ptr_nonnull(canary_in((const uint8_t *)"a " CANARY_TEXT, 2 + sizeof CANARY_TEXT - 1));
}
END_TEST

/* ---- Fits ---- */

static const int clusterers[] = {DPMIX_CLUSTERER_LABEL, DPMIX_CLUSTERER_KMEANS, DPMIX_CLUSTERER_CORESET};
static const int generators[] = {DPMIX_GENERATOR_GAUSSIAN, DPMIX_GENERATOR_GMM,  DPMIX_GENERATOR_VAE,
                                 DPMIX_GENERATOR_RBM,      DPMIX_GENERATOR_CGAN, DPMIX_GENERATOR_PRODUCTS};

enum { N_CLUSTERERS = 3, N_GENERATORS = sizeof generators / sizeof *generators, PLAIN = N_CLUSTERERS };

/* Each kind of partition, and k-means on the columns themselves. */
static dpmix_clusterer *new_clusterer(int i)
{
    dpmix_options *options = tiny_options();
    dpmix_clusterer *clusterer = NULL;
    if (i == PLAIN)
        CHECK_OK(dpmix_options_set_int(options, DPMIX_OPTION_KMEANS_FEATURES, 0));
    CHECK_OK(dpmix_clusterer_new(&clusterer, i == PLAIN ? DPMIX_CLUSTERER_KMEANS : clusterers[i], options));
    dpmix_options_free(options);
    return clusterer;
}

START_TEST(partitions_leave_nothing)
{
    dpmix_dataset *dataset = new_dataset();
    dpmix_accountant *accountant = tiny_accountant(5);
    dpmix_clusterer *clusterer = new_clusterer(_i), *stopped = new_clusterer(_i);
    int32_t parts[ROWS];
    int status;
    CANARY_WATCH(CHECK_OK(dpmix_clusterer_fit(clusterer, accountant, dataset, 0.4, NULL, NULL)));
    CANARY_WATCH(CHECK_OK(dpmix_clusterer_assign(clusterer, parts, cells, ROWS, COLUMNS, labels)));
    CANARY_WATCH(status = dpmix_clusterer_fit(stopped, accountant, dataset, 0.4, stop, NULL));
    ck_assert(status == DPMIX_ERR_CANCELLED || status == DPMIX_OK); /* some have but one step */
    canary_expect_quiet("a cancellation");
    CANARY_WATCH(CHECK_FAILS(dpmix_clusterer_fit(clusterer, accountant, dataset, 1, NULL, NULL),
                             DPMIX_ERR_STATE, "clusterer"));
    canary_expect_quiet("a refusal");
    CHECK_OK(dpmix_clusterer_save(clusterer, tiny_path("a")));
    expect_file_quiet("a");
    expect_books_quiet(accountant);
    CANARY_WATCH(dpmix_clusterer_free(clusterer));
    CANARY_WATCH(dpmix_clusterer_free(stopped));
    CANARY_WATCH(dpmix_dataset_free(dataset));
    dpmix_accountant_free(accountant);
    ck_assert_uint_gt(canary_watch.blocks, 50);
}
END_TEST

/* What only a Gaussian mixture does with a record. */
static void look_at_densities(const dpmix_generator *generator)
{
    static float shares[ROWS * 64];
    double densities[ROWS];
    size_t components = 0;
    CHECK_OK(dpmix_generator_components(generator, &components));
    ck_assert_uint_le(components, 64);
    CANARY_WATCH(CHECK_OK(dpmix_generator_log_density(generator, densities, cells, labels, ROWS, COLUMNS)));
    CANARY_WATCH(CHECK_OK(dpmix_generator_assign(generator, shares, cells, labels, ROWS, COLUMNS)));
}

/* The fit, cut off after its first step where it has steps, and resumed. */
START_TEST(models_leave_nothing)
{
    dpmix_dataset *dataset = new_dataset();
    dpmix_accountant *accountant = tiny_accountant(5);
    dpmix_generator *generator = tiny_generator(generators[_i]), *resumed = NULL;
    int steps = dpmix_generator_checkpoint(generator, tiny_path("b"), 1) == DPMIX_OK, status;
    CANARY_WATCH(CHECK_OK(dpmix_generator_fit(generator, accountant, dataset, 0.4, NULL, NULL)));
    if (generators[_i] == DPMIX_GENERATOR_GMM)
        look_at_densities(generator);
    CHECK_OK(dpmix_generator_save(generator, tiny_path("a")));
    expect_file_quiet("a");
    CANARY_WATCH(dpmix_generator_free(generator));
    generator = tiny_generator(generators[_i]);
    if (steps)
        CHECK_OK(dpmix_generator_checkpoint(generator, tiny_path("b"), 1));
    CANARY_WATCH(status = dpmix_generator_fit(generator, accountant, dataset, 0.2, stop, NULL));
    ck_assert_int_eq(status, DPMIX_ERR_CANCELLED);
    canary_expect_quiet("a cancellation");
    if (steps) {
        expect_file_quiet("b");
        CANARY_WATCH(
            CHECK_OK(dpmix_generator_resume(&resumed, tiny_path("b"), accountant, dataset, NULL, NULL)));
    }
    expect_books_quiet(accountant);
    CANARY_WATCH(dpmix_generator_free(resumed));
    CANARY_WATCH(dpmix_generator_free(generator));
    CANARY_WATCH(dpmix_dataset_free(dataset));
    dpmix_accountant_free(accountant);
    ck_assert_uint_gt(canary_watch.blocks, 50);
}
END_TEST

static dpmix_generator *new_nets(void)
{
    dpmix_options *options = tiny_options();
    dpmix_generator *generator = NULL;
    CHECK_OK(dpmix_options_set_int(options, DPMIX_OPTION_TEACHER_RECORDS, 100));
    CHECK_OK(dpmix_options_set_int(options, DPMIX_OPTION_TEACHER_WIDTH, 10));
    CHECK_OK(dpmix_options_set_int(options, DPMIX_OPTION_TEACHER_STEPS, 2));
    CHECK_OK(dpmix_generator_new(&generator, DPMIX_GENERATOR_VAE, options));
    dpmix_options_free(options);
    return generator;
}

/* What the vault maps a canary row to, for the gradients of this teacher. */
static void add_mapped_row(const struct dpm_teacher *teacher)
{
    float *mapped = dpm_alloc(teacher->width, sizeof *mapped);
    float *scratch = dpm_alloc(dpm_teacher_scratch(teacher), sizeof *scratch);
    ck_assert(mapped && scratch && teacher->width >= 2);
    dpm_teacher_whiten(teacher, mapped, cells, 1, scratch);
    ck_assert(mapped[0] != 0 && mapped[1] != 0);
    canary_add(mapped, 2 * sizeof *mapped, 4, "mapped cells");
    dpm_free(scratch);
    dpm_free(mapped);
}

/* A mixture with a teacher, on a ledger in a file. The second time, with the same keys, it is known what its
 * rows are mapped to. */
START_TEST(mixtures_leave_nothing)
{
    for (int again = 0; again < 2; again++) {
        dpmix_dataset *dataset = new_dataset();
        dpmix_accountant *accountant = NULL;
        dpmix_clusterer *clusterer = new_clusterer(_i);
        CHECK_OK(dpmix_dataset_set_images(dataset, SIDE));
        unlink(tiny_path("b"));
        int opened = dpmix_accountant_open(&accountant, tiny_path("b"), "canaries", 5, TINY_DELTA,
                                           DPMIX_ADJACENCY_ADD_REMOVE);
        if (opened == DPMIX_ERR_UNSUPPORTED) /* without SQLite */
            accountant = tiny_accountant(5);
        else
            CHECK_OK(opened);
        CANARY_WATCH(CHECK_OK(dpmix_clusterer_fit(clusterer, accountant, dataset, 0.3, NULL, NULL)));
        dpmix_mixture *mixture = tiny_mixture(clusterer, new_nets());
        CANARY_WATCH(CHECK_OK(dpmix_mixture_fit(mixture, accountant, dataset, 0.4, NULL, NULL)));
        CANARY_WATCH(CHECK_OK(dpmix_mixture_teach(mixture, accountant, dataset, 0.8, NULL, NULL)));
        if (!again)
            add_mapped_row(mixture->teacher);
        CHECK_OK(dpmix_mixture_save(mixture, tiny_path("a")));
        expect_file_quiet("a");
        if (!opened)
            expect_file_quiet("b");
        expect_books_quiet(accountant);
        CANARY_WATCH(dpmix_mixture_free(mixture));
        CANARY_WATCH(dpmix_dataset_free(dataset));
        dpmix_accountant_free(accountant);
    }
}
END_TEST

/* Maps of images that a caller may have private ones of. */
START_TEST(features_leave_nothing)
{
    static float out[ROWS * 4096];
    size_t channels = 0, positions = 0;
    CHECK_OK(dpmix_feature_scattering_size(&channels, &positions, SIDE, 2, 4));
    ck_assert_uint_le(channels * positions, 4096);
    CANARY_WATCH(CHECK_OK(dpmix_feature_dct(out, cells, ROWS, SIDE, 4)));
    CANARY_WATCH(CHECK_OK(dpmix_feature_scattering(out, cells, ROWS, SIDE, 2, 4, 0)));
    CANARY_WATCH(CHECK_OK(dpmix_feature_distance(out, cells, ROWS, SIDE)));
}
END_TEST

/* ---- Ways in ---- */

/* Every allocation of a loader fails once; then none does. */
#define WITH_FAILURES(call)                                                                                  \
    do {                                                                                                     \
        int status = DPMIX_ERR_NOMEM;                                                                        \
        for (uint64_t nth = 1; status == DPMIX_ERR_NOMEM; nth++) {                                           \
            dpm_alloc_fail_after(nth, 0);                                                                    \
            CANARY_WATCH(status = (call));                                                                   \
            dpm_alloc_fail_after(0, 0);                                                                      \
            canary_expect_quiet(#call);                                                                      \
        }                                                                                                    \
        ck_assert_int_eq(status, DPMIX_OK);                                                                  \
        CANARY_WATCH(dpmix_dataset_free(dataset));                                                           \
    } while (0)

START_TEST(image_files_leave_nothing)
{
    dpmix_dataset *dataset = NULL;
    for (int gzip = 0; gzip < 2; gzip++) {
        tiny_write_idx("images", gzip, bytes, ROWS, SIDE);
        tiny_write_idx("labels", gzip, bytes, ROWS, 0);
        WITH_FAILURES(dpmix_dataset_new_idx(&dataset, tiny_path("images"), tiny_path("labels"), 256, 0, 255));
        CANARY_WATCH(
            CHECK_FAILS(dpmix_dataset_new_idx(&dataset, tiny_path("images"), tiny_path("labels"), 10, 0, 255),
                        DPMIX_ERR_RANGE, "labels"));
        canary_expect_quiet("labels out of range");
    }
}
END_TEST

/* An array of 20 x 8 numbers of this type, in either order of its dimensions, and labels of one of them. */
static void write_npy(const char *descr, int fortran, size_t missing)
{
    static struct tiny_npy file;
    tiny_npy_start(&file, descr, fortran, "20, 8");
    for (int i = 0; i < 20 * 8; i++)
        tiny_npy_value(&file, descr, descr[1] == 'f' ? CANARY : CANARY_NUMBER);
    tiny_write(tiny_path("images"), file.bytes, file.n - missing);
    tiny_npy_start(&file, "<i4", 0, "20,");
    for (int i = 0; i < 20; i++)
        tiny_npy_value(&file, "<i4", missing ? CANARY_NUMBER : 0);
    tiny_write(tiny_path("labels"), file.bytes, file.n);
}

START_TEST(array_files_leave_nothing)
{
    static const char *const types[] = {"<f4", ">f4", "<f8", ">f8", "<i4", ">u8"};
    dpmix_dataset *dataset = NULL;
    for (size_t t = 0; t < 2 * sizeof types / sizeof *types; t++) {
        write_npy(types[t / 2], t % 2, 0);
        WITH_FAILURES(
            dpmix_dataset_new_npy(&dataset, tiny_path("images"), tiny_path("labels"), 2, &lower, &upper, 1));
        write_npy(types[t / 2], t % 2, 1);
        CANARY_WATCH(
            CHECK_FAILS(dpmix_dataset_new_npy(&dataset, tiny_path("images"), NULL, 0, &lower, &upper, 1),
                        DPMIX_ERR_FORMAT, "shorter"));
        canary_expect_quiet("a short file");
        CANARY_WATCH(CHECK_FAILS(
            dpmix_dataset_new_npy(&dataset, tiny_path("labels"), tiny_path("labels"), 2, &lower, &upper, 1),
            DPMIX_ERR_RANGE, "labels"));
        canary_expect_quiet("labels out of range");
    }
}
END_TEST

START_TEST(arrays_leave_nothing)
{
    static const int32_t many[ROWS] = {0, CANARY_NUMBER};
    double wide[ROWS];
    dpmix_dataset *dataset = NULL;
    for (size_t i = 0; i < ROWS; i++)
        wide[i] = CANARY;
    WITH_FAILURES(dpmix_dataset_new_f64(&dataset, wide, ROWS, 1, labels, CLASSES, &lower, &upper, 1,
                                        DPMIX_STORAGE_COPY));
    WITH_FAILURES(dpmix_dataset_new_u8(&dataset, bytes, ROWS, COLUMNS, labels, CLASSES, &lower, &upper, 1,
                                       DPMIX_STORAGE_COPY));
    CANARY_WATCH(CHECK_FAILS(
        dpmix_dataset_new_f64(&dataset, wide, ROWS, 1, many, CLASSES, &lower, &upper, 1, DPMIX_STORAGE_COPY),
        DPMIX_ERR_RANGE, "labels"));
    canary_expect_quiet("labels out of range");
}
END_TEST

/* A number, a text that is no category, a person's name, a number as a label. */
static dpmix_schema *new_schema(void)
{
    static const char *const words[] = {"yes", "no"};
    dpmix_schema *schema = NULL;
    CHECK_OK(dpmix_schema_new(&schema));
    CHECK_OK(dpmix_schema_add_continuous(schema, "x", 0, 1, 0, DPMIX_OUTSIDE_CLAMP));
    CHECK_OK(dpmix_schema_add_continuous(schema, "y", 0, 1, 0, DPMIX_OUTSIDE_CLAMP));
    CHECK_OK(dpmix_schema_add_categorical(schema, "word", words, 2, "other", 0, DPMIX_OUTSIDE_OTHER));
    CHECK_OK(dpmix_schema_add_unit(schema, "who", 5));
    CHECK_OK(
        dpmix_schema_add_integer(schema, "n", CANARY_NUMBER - 5, CANARY_NUMBER + 5, 0, DPMIX_OUTSIDE_CLAMP));
    return schema;
}

START_TEST(texts_leave_nothing)
{
    enum { RECORDS = 40, FIELDS = 5 };
    const char *fields[RECORDS * FIELDS];
    char people[RECORDS][32], number[32];
    float encoded[RECORDS * 8];
    dpmix_dataset *dataset = NULL;
    dpmix_schema *schema = new_schema();
    snprintf(number, sizeof number, "%.17g", CANARY);
    for (int i = 0; i < RECORDS; i++) {
        snprintf(people[i], sizeof people[i], "%s %d", CANARY_TEXT, i / 6);
        const char *record[FIELDS] = {number, number, CANARY_TEXT, people[i], CANARY_NUMBER_TEXT};
        memcpy(fields + i * FIELDS, record, sizeof record);
    }
    WITH_FAILURES(dpmix_dataset_new_text(&dataset, schema, fields, RECORDS, FIELDS));
    ck_assert_uint_le(dpmix_schema_width(schema), 8);
    CANARY_WATCH(CHECK_OK(dpmix_schema_encode_text(schema, encoded, NULL, fields, RECORDS, FIELDS)));
    CANARY_WATCH(dpmix_schema_free(schema));
}
END_TEST

/* The same from Arrow, whole and damaged: an offset that goes back in the texts. */
START_TEST(arrow_leaves_nothing)
{
    enum { RECORDS = 6, LENGTH = sizeof CANARY_TEXT - 1 };
    static const double numbers[RECORDS] = {CANARY, CANARY, CANARY, CANARY, CANARY, CANARY};
    static const int64_t wholes[RECORDS] = {CANARY_NUMBER, CANARY_NUMBER, CANARY_NUMBER, CANARY_NUMBER};
    static const char words[] = CANARY_TEXT CANARY_TEXT CANARY_TEXT CANARY_TEXT CANARY_TEXT CANARY_TEXT;
    int32_t offsets[RECORDS + 1];
    struct tiny_table table;
    dpmix_dataset *dataset = NULL;
    dpmix_schema *schema = new_schema();
    for (int i = 0; i <= RECORDS; i++)
        offsets[i] = i * LENGTH;
    for (int damaged = 0; damaged < 2; damaged++) {
        tiny_table_begin(&table, RECORDS);
        tiny_table_add(&table, "x", "g", NULL, numbers, NULL);
        tiny_table_add(&table, "y", "g", NULL, numbers, NULL);
        tiny_table_add(&table, "word", "u", NULL, offsets, words);
        tiny_table_add(&table, "who", "u", NULL, offsets, words);
        tiny_table_add(&table, "n", "l", NULL, wholes, NULL);
        offsets[3] = damaged ? 5 : offsets[3];
        int status;
        CANARY_WATCH(status = dpmix_dataset_new_stream(&dataset, schema, tiny_table_stream(&table, 3)));
        ck_assert_int_eq(status, damaged ? DPMIX_ERR_FORMAT : DPMIX_OK);
        canary_expect_quiet("a damaged array");
        if (!damaged)
            CANARY_WATCH(dpmix_dataset_free(dataset));
    }
    CANARY_WATCH(dpmix_schema_free(schema));
}
END_TEST

static Suite *secrets_suite(void)
{
    Suite *suite = suite_create("secrets");
    TCase *fits = check_case(suite, "fits"), *ways = check_case(suite, "ways in");
    tcase_add_checked_fixture(fits, setup, tiny_folder_teardown);
    tcase_add_test(fits, what_is_not_wiped_is_found);
    tcase_add_loop_test(fits, partitions_leave_nothing, 0, N_CLUSTERERS + 1);
    tcase_add_loop_test(fits, models_leave_nothing, 0, N_GENERATORS);
    tcase_add_loop_test(fits, mixtures_leave_nothing, 0, N_CLUSTERERS);
    tcase_add_test(fits, features_leave_nothing);
    tcase_add_checked_fixture(ways, setup, tiny_folder_teardown);
    tcase_add_test(ways, image_files_leave_nothing);
    tcase_add_test(ways, array_files_leave_nothing);
    tcase_add_test(ways, arrays_leave_nothing);
    tcase_add_test(ways, texts_leave_nothing);
    tcase_add_test(ways, arrow_leaves_nothing);
    return suite;
}

CHECK_MAIN(secrets_suite)
