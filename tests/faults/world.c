/* SPDX-License-Identifier: BSD-3-Clause */
/* The things that the words of the table stand for. */
#include "calls.h"

#include "tiny_idx.h"
#include "tiny_npy.h"

enum { MOST_THINGS = 96, WORD = 32 };

struct thing {
    const char *word;
    void *thing;
};

static struct thing things[MOST_THINGS];
static size_t n_things;

static void put(const char *word, const void *thing)
{
    ck_assert_uint_lt(n_things, MOST_THINGS);
    things[n_things].word = word;
    memcpy(&things[n_things++].thing, &thing,
           sizeof thing); /* calls take it as const where they do not own it */
}

void *world_thing(const char *word)
{
    for (size_t i = 0; i < n_things; i++)
        if (strcmp(things[i].word, word) == 0)
            return things[i].thing;
    ck_abort_msg("no thing has the name %s", word);
    return NULL;
}

/* ---- Numbers and texts ---- */

static const char *const words[] = {"clerk", "nurse"}, *const classes[] = {"a", "b"};
static const int mechanisms[] = {DPMIX_MECHANISM_GAUSSIAN, DPMIX_MECHANISM_SUBSAMPLED_GAUSSIAN};
static const double noise[] = {2, 3}, rates[] = {1, 0.1}, lower[TABLE_WIDTH] = {0};
static const double upper[TABLE_WIDTH] = {1, 1, 1, 1, 1, 1, 1};
static const uint64_t counts[] = {1, 5}, seed = 7;
static const size_t offsets[] = {0, 1, 3}, columns[] = {0, 1, 2};
static const int32_t groups[TABLE_WIDTH] = {0, 0, 1, 1, 2, 2, 2};
static double scores[TABLE_ROWS], doubles[TABLE_ROWS * TABLE_WIDTH];
static uint8_t coins[TABLE_ROWS], bytes[TABLE_ROWS * TABLE_WIDTH];
static float encoded[TABLE_ROWS * TABLE_WIDTH];
static int32_t labels[TABLE_ROWS];
static const char *cells[TABLE_ROWS * TABLE_COLUMNS];
static char cell_text[TABLE_ROWS][3][8], json[1024];

static int interrupt(void *user, int phase, uint64_t done, uint64_t total, double epsilon_spent)
{
    (void)user, (void)phase, (void)total, (void)epsilon_spent;
    return done > 0;
}

static void put_numbers(void)
{
    for (int i = 0; i < TABLE_ROWS; i++) {
        scores[i] = i * 7 % TABLE_ROWS;
        coins[i] = i % 2 != 0;
        snprintf(cell_text[i][0], sizeof cell_text[i][0], "%.2f", i % 9 / 3.0);
        snprintf(cell_text[i][1], sizeof cell_text[i][1], "%d", i % 10);
        snprintf(cell_text[i][2], sizeof cell_text[i][2], "%d", i / 3);
        const char *row[TABLE_COLUMNS] = {cell_text[i][0], i % 5 ? cell_text[i][1] : NULL, words[i % 2],
                                          classes[i % 2], cell_text[i][2]};
        memcpy(cells + i * TABLE_COLUMNS, row, sizeof row);
    }
    put("words", words);
    put("mechanisms", mechanisms);
    put("noise", noise);
    put("rates", rates);
    put("lower", lower);
    put("upper", upper);
    put("counts", counts);
    put("seed", &seed);
    put("offsets", offsets);
    put("columns", columns);
    put("groups", groups);
    put("scores", scores);
    put("coins", coins);
    put("cells", cells);
    put("text", "fresh");
    put("other_text", "other");
    put("rows", encoded);
    put("labels", labels);
    put("doubles", doubles);
    put("bytes", bytes);
    put("json", json);
}

/* ---- Handles that are made in no time ---- */

/* x, n (or null), job, kind (the label), who: seven places. */
static dpmix_schema *new_schema(int label, int any)
{
    dpmix_schema *schema = NULL;
    CHECK_OK(dpmix_schema_new(&schema));
    if (!any)
        return schema;
    CHECK_OK(dpmix_schema_add_continuous(schema, "x", 0, 3, 0, DPMIX_OUTSIDE_CLAMP));
    CHECK_OK(dpmix_schema_add_integer(schema, "n", 0, 9, DPMIX_SCHEMA_NULLABLE, DPMIX_OUTSIDE_NULL));
    CHECK_OK(dpmix_schema_add_categorical(schema, "job", words, 2, "another", 0, DPMIX_OUTSIDE_OTHER));
    CHECK_OK(dpmix_schema_add_ordinal(schema, "kind", classes, 2, 0, DPMIX_OUTSIDE_CLAMP));
    CHECK_OK(dpmix_schema_add_unit(schema, "who", 5));
    if (label)
        CHECK_OK(dpmix_schema_set_label(schema, 3));
    return schema;
}

static dpmix_dataset *new_dataset(void)
{
    dpmix_dataset *dataset = NULL;
    CHECK_OK(dpmix_dataset_new_text(&dataset, world_thing("schema"), cells, TABLE_ROWS, TABLE_COLUMNS));
    return dataset;
}

/* Everything small; at a rate of 1 the accountant has a closed form. */
static dpmix_options *new_options(int features)
{
    dpmix_options *options = tiny_options();
    CHECK_OK(dpmix_options_set_double(options, DPMIX_OPTION_SAMPLING_RATE, 1));
    CHECK_OK(dpmix_options_set_int(options, DPMIX_OPTION_KMEANS_FEATURES, features));
    CHECK_OK(dpmix_options_set_int(options, DPMIX_OPTION_CORESET_BITS, 2));
    CHECK_OK(dpmix_options_set_int(options, DPMIX_OPTION_GMM_COMPONENTS, 2));
    CHECK_OK(dpmix_options_set_int(options, DPMIX_OPTION_VAE_PRIOR, DPMIX_VAE_PRIOR_MIXTURE));
    CHECK_OK(dpmix_options_set_int(options, DPMIX_OPTION_TEACHER_RECORDS, 100));
    CHECK_OK(dpmix_options_set_int(options, DPMIX_OPTION_TEACHER_WIDTH, 6));
    CHECK_OK(dpmix_options_set_int(options, DPMIX_OPTION_TEACHER_STEPS, 3));
    return options;
}

static const struct {
    const char *word;
    int kind, features;
} clusterers[] = {{"by_label", DPMIX_CLUSTERER_LABEL, 0},
                  {"kernel", DPMIX_CLUSTERER_KMEANS, 4},
                  {"plain", DPMIX_CLUSTERER_KMEANS, 0},
                  {"coreset", DPMIX_CLUSTERER_CORESET, 0}},
  generators[] = {{"gaussian", DPMIX_GENERATOR_GAUSSIAN, 0}, {"vae", DPMIX_GENERATOR_VAE, 0},
                  {"rbm", DPMIX_GENERATOR_RBM, 0},           {"cgan", DPMIX_GENERATOR_CGAN, 0},
                  {"gmm", DPMIX_GENERATOR_GMM, 0},           {"products", DPMIX_GENERATOR_PRODUCTS, 0}};

enum {
    N_CLUSTERERS = sizeof clusterers / sizeof *clusterers,
    N_GENERATORS = sizeof generators / sizeof *generators,
};

static dpmix_clusterer *new_clusterer(const char *word)
{
    dpmix_clusterer *clusterer = NULL;
    for (int i = 0; i < N_CLUSTERERS; i++)
        if (strcmp(clusterers[i].word, word) == 0) {
            dpmix_options *options = new_options(clusterers[i].features);
            CHECK_OK(dpmix_clusterer_new(&clusterer, clusterers[i].kind, options));
            dpmix_options_free(options);
        }
    return clusterer;
}

static dpmix_generator *new_generator(const char *word)
{
    dpmix_generator *generator = NULL;
    for (int i = 0; i < N_GENERATORS; i++)
        if (strcmp(generators[i].word, word) == 0) {
            dpmix_options *options = new_options(0);
            CHECK_OK(dpmix_generator_new(&generator, generators[i].kind, options));
            dpmix_options_free(options);
        }
    return generator;
}

static dpmix_mixture *new_mixture(const char *models)
{
    dpmix_mixture *mixture = NULL;
    dpmix_generator *generator = new_generator(models);
    CHECK_OK(dpmix_mixture_new(&mixture, world_thing("plain"), generator));
    dpmix_generator_free(generator);
    return mixture;
}

/* The tables that Arrow calls take: columns of the schema. */
void world_table(struct tiny_table *table)
{
    static const double x[] = {0, 1, 2};
    static const int64_t n[] = {4, 5, 6}, who[] = {1, 2, 2};
    static const int32_t ends[] = {0, 5, 10, 15}, short_ends[] = {0, 1, 2, 3};
    tiny_table_begin(table, 3);
    tiny_table_add(table, "x", "g", NULL, x, NULL);
    tiny_table_add(table, "n", "l", NULL, n, NULL);
    tiny_table_add(table, "job", "u", NULL, ends, "clerknurseclerk");
    tiny_table_add(table, "kind", "u", NULL, short_ends, "aba");
    tiny_table_add(table, "who", "l", NULL, who, NULL);
}

/* An accountant that knows a fit of such models that was stopped after a step, whose checkpoint is in the
 * file; the data set goes to the bench. */
static dpmix_accountant *new_interrupted(struct bench *bench, const char *models)
{
    dpmix_accountant *accountant = tiny_accountant(1e6);
    dpmix_generator *generator = new_generator(models);
    dpmix_mixture *mixture = new_mixture(models);
    int of_mixture = strstr(bench->call->name, "mixture") != NULL, status;
    const char *path = world_thing("checkpoint");
    bench->interrupted = new_dataset();
    tiny_mode_set(&bench->mode, bench->interrupted, 1);
    if (of_mixture) {
        CHECK_OK(dpmix_mixture_checkpoint(mixture, path, 1));
        status = dpmix_mixture_fit(mixture, accountant, bench->interrupted, 1e-4, interrupt, NULL);
    } else {
        CHECK_OK(dpmix_generator_checkpoint(generator, path, 1));
        status = dpmix_generator_fit(generator, accountant, bench->interrupted, 1e-4, interrupt, NULL);
    }
    ck_assert_int_eq(status, DPMIX_ERR_CANCELLED);
    dpmix_generator_free(generator);
    dpmix_mixture_free(mixture);
    return accountant;
}

/* A type that holds the schema, as the specification has it: a number of pairs, and lengths before texts. */
static void put_typed(void)
{
    static const char key[] = DPMIX_ARROW_METADATA_KEY;
    static char metadata[sizeof json + 64];
    static struct ArrowSchema typed = {.format = "+s", .metadata = metadata, .release = tiny_release_type};
    int32_t numbers[] = {1, sizeof key - 1, (int32_t)strlen(json)};
    char *at = metadata;
    memcpy(at, numbers, 2 * sizeof *numbers);
    at += 2 * sizeof *numbers;
    memcpy(at, key, sizeof key - 1);
    at += sizeof key - 1;
    memcpy(at, &numbers[2], sizeof *numbers);
    memcpy(at + sizeof *numbers, json, (size_t)numbers[2]);
    put("typed", &typed);
}

void *world_new(struct bench *bench, const char *word)
{
    void *thing = new_clusterer(word);
    if (!thing)
        thing = new_generator(word);
    if (thing)
        return thing;
    if (strcmp(word, "accountant") == 0)
        return tiny_accountant(10);
    if (strcmp(word, "filter") == 0) {
        dpmix_accountant *accountant = NULL;
        CHECK_OK(dpmix_accountant_new_adaptive(&accountant, 10, TINY_DELTA, DPMIX_ADJACENCY_ADD_REMOVE,
                                               DPMIX_MODE_RENYI, 0));
        return accountant;
    }
    if (strcmp(word, "options") == 0)
        return tiny_options();
    if (strcmp(word, "schema") == 0 || strcmp(word, "no_label") == 0 || strcmp(word, "no_columns") == 0)
        return new_schema(strcmp(word, "schema") == 0, strcmp(word, "no_columns") != 0);
    if (strcmp(word, "mixture") == 0)
        return new_mixture("vae");
    if (strcmp(word, "dataset") == 0) {
        dpmix_dataset *dataset = new_dataset();
        tiny_mode_set(&bench->mode, dataset, 1);
        return dataset;
    }
    if (strcmp(word, "images") == 0) {
        static const double most = 255; /* k-means has such rows in words */
        dpmix_dataset *dataset = NULL;
        CHECK_OK(dpmix_dataset_new_u8(&dataset, bytes, TABLE_ROWS, 4, NULL, 0, lower, &most, 1,
                                      DPMIX_STORAGE_COPY));
        tiny_mode_set(&bench->mode, dataset, 1);
        return dataset;
    }
    if (strcmp(word, "interrupted_data") == 0)
        return bench->interrupted;
    if (strncmp(word, "interrupted_", strlen("interrupted_")) == 0)
        return new_interrupted(bench, word + strlen("interrupted_"));
    if (strcmp(word, "untaught") == 0) {
        dpmix_mixture *mixture = new_mixture("vae");
        dpmix_accountant *accountant = tiny_accountant(10);
        dpmix_dataset *dataset = new_dataset();
        CHECK_OK(dpmix_mixture_fit(mixture, accountant, dataset, 1, NULL, NULL));
        dpmix_dataset_free(dataset);
        dpmix_accountant_free(accountant);
        return mixture;
    }
    return strcmp(word, "stream") == 0  ? (void *)&bench->table.stream
           : strcmp(word, "array") == 0 ? (void *)&bench->table.array
           : strcmp(word, "types") == 0 ? (void *)&bench->table.type
                                        : NULL;
}

/* Gives back what a handle of this declared type ("const dpmix_x *", "dpmix_x **") holds. */
void world_free(const char *declared, void *handle)
{
    const char *name = strstr(declared, "dpmix_");
    if (!name)
        return;
    name += strlen("dpmix_");
    switch (name[0]) {
    case 'a': dpmix_accountant_free(handle); break;
    case 'c': dpmix_clusterer_free(handle); break;
    case 'd': dpmix_dataset_free(handle); break;
    case 'g': dpmix_generator_free(handle); break;
    case 'm': dpmix_mixture_free(handle); break;
    case 'o': dpmix_options_free(handle); break;
    default: dpmix_schema_free(handle); break;
    }
}

/* ---- The world ---- */

static const char *path_of(const char *word)
{
    char *path = malloc(128);
    ck_assert_ptr_nonnull(path);
    snprintf(path, 128, "%s/%s", tiny_folder(), word);
    return path;
}

static const char *const paths[] = {
    "ledger",     "out",          "images",         "labels_file",    "images_gz",      "npy",
    "npy_labels", "saved_schema", "saved_by_label", "saved_kernel",   "saved_gaussian", "saved_vae",
    "saved_rbm",  "saved_cgan",   "saved_gmm",      "saved_products", "saved_mixture",  "checkpoint"};

enum { N_PATHS = sizeof paths / sizeof *paths };

static void put_files(void)
{
    static struct tiny_npy file;
    uint8_t items[TABLE_ROWS];
    for (int i = 0; i < TABLE_ROWS; i++)
        items[i] = (uint8_t)(i % 10);
    tiny_write_idx("images", 0, bytes, TABLE_ROWS, 2);
    tiny_write_idx("labels_file", 0, items, TABLE_ROWS, 0);
    tiny_write_idx("images_gz", 1, bytes, TABLE_ROWS, 2);
    tiny_npy_start(&file, "<f8", 0, "20, 7");
    for (int i = 0; i < 20 * TABLE_WIDTH; i++)
        tiny_npy_value(&file, "<f8", doubles[i]);
    tiny_write(world_thing("npy"), file.bytes, file.n);
    tiny_npy_start(&file, "<i4", 0, "20,");
    for (int i = 0; i < 20; i++)
        tiny_npy_value(&file, "<i4", labels[i]);
    tiny_write(world_thing("npy_labels"), file.bytes, file.n);
}

/* So that calls find their data sets there. */
static void put_ledger(void)
{
    dpmix_accountant *planned = NULL, *adaptive = NULL;
    const char *path = world_thing("ledger");
    CHECK_OK(dpmix_accountant_open(&planned, path, world_thing("text"), 2, 1e-5, 1));
    CHECK_OK(dpmix_accountant_open_adaptive(&adaptive, path, world_thing("other_text"), 2, 1e-5, 1, 2, 0));
    dpmix_accountant_free(planned);
    dpmix_accountant_free(adaptive);
}

static void put_clusterers(dpmix_accountant *accountant, dpmix_dataset *dataset)
{
    for (int i = 0; i < N_CLUSTERERS; i++) {
        dpmix_clusterer *clusterer = new_clusterer(clusterers[i].word);
        CHECK_OK(dpmix_clusterer_fit(clusterer, accountant, dataset, 0.05, NULL, NULL));
        put(clusterers[i].word, clusterer);
    }
    CHECK_OK(dpmix_clusterer_save(world_thing("by_label"), world_thing("saved_by_label")));
    CHECK_OK(dpmix_clusterer_save(world_thing("kernel"), world_thing("saved_kernel")));
}

static void put_generators(dpmix_accountant *accountant, dpmix_dataset *dataset)
{
    for (int i = 0; i < N_GENERATORS; i++) {
        char word[WORD];
        dpmix_generator *generator = new_generator(generators[i].word);
        CHECK_OK(dpmix_generator_fit(generator, accountant, dataset, 0.05, NULL, NULL));
        put(generators[i].word, generator);
        snprintf(word, sizeof word, "saved_%s", generators[i].word);
        CHECK_OK(dpmix_generator_save(generator, world_thing(word)));
    }
}

static void put_mixture(dpmix_accountant *accountant, dpmix_dataset *dataset)
{
    dpmix_mixture *mixture = new_mixture("vae");
    CHECK_OK(dpmix_mixture_fit(mixture, accountant, dataset, 0.05, NULL, NULL));
    CHECK_OK(dpmix_mixture_teach(mixture, accountant, dataset, 0.05, NULL, NULL));
    CHECK_OK(dpmix_mixture_save(mixture, world_thing("saved_mixture")));
    put("mixture", mixture);
}

static void put_unfitted(void)
{
    dpmix_accountant *empty = tiny_accountant(1e-3);
    dpmix_dataset *dataset = new_dataset();
    dpmix_clusterer *clusterer = new_clusterer("by_label");
    CHECK_OK(dpmix_clusterer_fit(clusterer, empty, dataset, 1, NULL, NULL));
    dpmix_clusterer_free(clusterer);
    dpmix_dataset_free(dataset);
    put("empty accountant", empty);
    put("empty schema", new_schema(0, 0));
    put("unfitted clusterer", new_clusterer("plain"));
    put("unfitted generator", new_generator("vae"));
    put("unfitted mixture", new_mixture("vae"));
}

void world_open(void)
{
    size_t length = 0;
    n_things = 0;
    tiny_clean_setup();
    put_numbers();
    for (int i = 0; i < N_PATHS; i++)
        put(paths[i], path_of(paths[i]));
    dpmix_schema *schema = new_schema(1, 1);
    put("schema", schema);
    CHECK_OK(dpmix_schema_json(schema, json, sizeof json, &length));
    put_typed();
    CHECK_OK(dpmix_schema_save(schema, world_thing("saved_schema")));
    CHECK_OK(dpmix_schema_encode_text(schema, encoded, labels, cells, TABLE_ROWS, TABLE_COLUMNS));
    for (int i = 0; i < TABLE_ROWS * TABLE_WIDTH; i++) {
        doubles[i] = encoded[i];
        bytes[i] = (uint8_t)(encoded[i] > 0.5f);
    }
    put_files();
    put_ledger();
    dpmix_accountant *accountant = tiny_accountant(1000);
    dpmix_dataset *dataset = new_dataset();
    put("accountant", accountant);
    put("dataset", dataset);
    put("options", new_options(0));
    put_clusterers(accountant, dataset);
    put_generators(accountant, dataset);
    put_mixture(accountant, dataset);
    put_unfitted();
}

static int is_path(const char *word)
{
    for (int i = 0; i < N_PATHS; i++)
        if (strcmp(word, paths[i]) == 0)
            return 1;
    return 0;
}

static const char *type_of(const char *word)
{
    static const struct {
        const char *word, *declared;
    } types[] = {{"accountant", "dpmix_accountant"},
                 {"empty accountant", "dpmix_accountant"},
                 {"dataset", "dpmix_dataset"},
                 {"schema", "dpmix_schema"},
                 {"empty schema", "dpmix_schema"},
                 {"options", "dpmix_options"},
                 {"unfitted clusterer", "dpmix_clusterer"},
                 {"unfitted generator", "dpmix_generator"},
                 {"unfitted mixture", "dpmix_mixture"},
                 {"mixture", "dpmix_mixture"}};
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (strcmp(types[i].word, word) == 0)
            return types[i].declared;
    for (int i = 0; i < N_CLUSTERERS; i++)
        if (strcmp(clusterers[i].word, word) == 0)
            return "dpmix_clusterer";
    for (int i = 0; i < N_GENERATORS; i++)
        if (strcmp(generators[i].word, word) == 0)
            return "dpmix_generator";
    return "";
}

void world_close(void)
{
    for (size_t i = 0; i < n_things; i++) {
        world_free(type_of(things[i].word), things[i].thing);
        if (is_path(things[i].word)) {
            unlink(things[i].thing);
            free(things[i].thing);
        }
    }
    tiny_clean_teardown();
}

void *world_unfitted(const char *declared)
{
    return strstr(declared, "clusterer")   ? world_thing("unfitted clusterer")
           : strstr(declared, "generator") ? world_thing("unfitted generator")
           : strstr(declared, "mixture")   ? world_thing("unfitted mixture")
                                           : NULL;
}

void *world_other(const char *declared)
{
    return world_thing(strstr(declared, "schema") ? "vae" : "schema");
}
