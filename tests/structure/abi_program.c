/* SPDX-License-Identifier: BSD-3-Clause */
/* What a program of the baseline's day does: a release from a table of texts to samples and back from the
 * file. It is compiled with the headers of the baseline; what it checks, their contracts promise. */
#include <dpmix/dpmix.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { RECORDS = 300, FIELDS = 3, SAMPLES = 40, PLACES = 8 };

static void need(int status, const char *what)
{
    if (status == DPMIX_OK)
        return;
    fprintf(stderr, "%s: %s (%s)\n", what, dpmix_strerror(status), dpmix_last_error());
    exit(1);
}

static void must(int truth, const char *what)
{
    if (!truth) {
        fprintf(stderr, "not so: %s\n", what);
        exit(1);
    }
}

static int progress(void *user, int phase, uint64_t done, uint64_t total, double epsilon_spent)
{
    (void)phase;
    must(done <= total && epsilon_spent > 0 && epsilon_spent <= 4, "progress");
    ++*(int *)user;
    return 0;
}

static dpmix_schema *new_schema(void)
{
    static const char *const colours[] = {"red", "green"}, *const answers[] = {"no", "yes"};
    dpmix_schema *schema = NULL;
    need(dpmix_schema_new(&schema), "schema");
    need(dpmix_schema_add_continuous(schema, "x", 0, 10, 0, DPMIX_OUTSIDE_CLAMP), "x");
    need(dpmix_schema_add_categorical(schema, "colour", colours, 2, NULL, 0, DPMIX_OUTSIDE_CLAMP), "colour");
    need(dpmix_schema_add_categorical(schema, "answer", answers, 2, NULL, 0, DPMIX_OUTSIDE_CLAMP), "answer");
    need(dpmix_schema_set_label(schema, 2), "label");
    return schema;
}

static dpmix_dataset *new_dataset(const dpmix_schema *schema)
{
    static const char *const x[] = {"1.5", "7", "3.25"}, *const colour[] = {"red", "green"};
    static const char *const answer[] = {"yes", "no"};
    const char *cells[RECORDS * FIELDS];
    dpmix_dataset *dataset = NULL;
    for (int i = 0; i < RECORDS; i++) {
        cells[i * FIELDS] = x[i % 3];
        cells[i * FIELDS + 1] = colour[i % 2];
        cells[i * FIELDS + 2] = answer[i % 2];
    }
    need(dpmix_dataset_new_text(&dataset, schema, cells, RECORDS, FIELDS), "dataset");
    must(dpmix_dataset_classes(dataset) == 2, "two classes");
    return dataset;
}

/* Everything that the header of the baseline says of a first use. */
static dpmix_mixture *fit(dpmix_accountant *accountant, dpmix_dataset *dataset)
{
    dpmix_options *options = NULL;
    dpmix_clusterer *clusterer = NULL;
    dpmix_generator *generator = NULL;
    dpmix_mixture *mixture = NULL;
    int64_t steps = 0;
    int reports = 0;
    need(dpmix_options_new(&options), "options");
    need(dpmix_options_set_int(options, DPMIX_OPTION_STEPS, 3), "steps");
    need(dpmix_options_get_int(options, &steps, DPMIX_OPTION_STEPS), "steps");
    must(steps == 3 && strcmp(dpmix_option_name(DPMIX_OPTION_STEPS), "steps") == 0, "the option steps");
    need(dpmix_options_set_double(options, DPMIX_OPTION_SAMPLING_RATE, 0.3), "rate");
    need(dpmix_clusterer_new(&clusterer, DPMIX_CLUSTERER_LABEL, options), "clusterer");
    need(dpmix_clusterer_fit(clusterer, accountant, dataset, 0.2, NULL, NULL), "partition");
    need(dpmix_generator_new(&generator, DPMIX_GENERATOR_VAE, options), "generator");
    need(dpmix_mixture_new(&mixture, clusterer, generator), "mixture");
    need(dpmix_mixture_fit(mixture, accountant, dataset, 1, progress, &reports), "models");
    must(reports >= 3, "a report for each step");
    dpmix_generator_free(generator);
    dpmix_clusterer_free(clusterer);
    dpmix_options_free(options);
    return mixture;
}

int main(int argc, char **argv)
{
    must(argc == 2, "one argument, a path");
    dpmix_accountant *accountant = NULL;
    dpmix_mixture *loaded = NULL;
    const uint64_t seed = 3;
    float rows[2][SAMPLES * PLACES];
    int32_t labels[2][SAMPLES];
    double spent = 0;
    need(dpmix_accountant_new(&accountant, 4, 1e-5, DPMIX_ADJACENCY_ADD_REMOVE), "accountant");
    dpmix_schema *schema = new_schema();
    dpmix_dataset *dataset = new_dataset(schema);
    dpmix_mixture *mixture = fit(accountant, dataset);
    size_t columns = dpmix_mixture_columns(mixture);
    must(columns == dpmix_schema_width(schema) && columns <= PLACES, "the width");
    need(dpmix_mixture_save(mixture, argv[1]), "save");
    need(dpmix_mixture_load(&loaded, argv[1]), "load");
    need(dpmix_mixture_sample(mixture, rows[0], labels[0], 0, SAMPLES, columns, &seed), "sample");
    need(dpmix_mixture_sample(loaded, rows[1], labels[1], 0, SAMPLES, columns, &seed), "sample");
    must(memcmp(rows[0], rows[1], SAMPLES * columns * sizeof(float)) == 0, "a loaded model samples the same");
    must(memcmp(labels[0], labels[1], sizeof labels[0]) == 0, "and the same labels");
    need(dpmix_accountant_spent(accountant, &spent), "spent");
    must(spent > 3.9 && spent <= 4, "the budget is spent");
    must(dpmix_clusterer_new(NULL, DPMIX_CLUSTERER_LABEL, NULL) == DPMIX_ERR_ARG, "NULL is an error");
    dpmix_mixture_free(loaded);
    dpmix_mixture_free(mixture);
    dpmix_dataset_free(dataset);
    dpmix_schema_free(schema);
    dpmix_accountant_free(accountant);
    printf("headers %s, library %s\n", DPMIX_VERSION, dpmix_version());
    return 0;
}
