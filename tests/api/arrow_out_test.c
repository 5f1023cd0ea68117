/* SPDX-License-Identifier: BSD-3-Clause */
/* Streams of samples as Arrow batches, taken apart by hand. */
#include <dpmix/dpmix.h>

#include "base_alloc.h"
#include "privacy_test.h"

#include "tiny_arrow.h"
#include "tiny_data.h"

#include <errno.h>
#include <stdio.h>

/* label: 0, or the number of values of the label beside "other". */
static dpmix_schema *people(int label)
{
    static const char *const schools[] = {"none", "some", "much"}, *const jobs[] = {"a", "b", "c"};
    dpmix_schema *schema = NULL;
    CHECK_OK(dpmix_schema_new(&schema));
    CHECK_OK(dpmix_schema_add_continuous(schema, "height", 1, 2.5, DPMIX_SCHEMA_NULLABLE, 1));
    CHECK_OK(dpmix_schema_add_unit(schema, "who", 1));
    CHECK_OK(dpmix_schema_add_integer(schema, "age", 0, 99, 0, 1));
    CHECK_OK(dpmix_schema_add_ordinal(schema, "school", schools, 3, 0, 1));
    CHECK_OK(dpmix_schema_add_categorical(schema, "job", jobs, label ? (size_t)label : 2, "other", 0,
                                          DPMIX_OUTSIDE_OTHER));
    CHECK_OK(dpmix_schema_add_boolean(schema, "well", DPMIX_SCHEMA_NULLABLE, 1));
    CHECK_OK(dpmix_schema_add_date(schema, "born", 0, 20000, 0, 1));
    CHECK_OK(dpmix_schema_add_timestamp(schema, "seen", 0, 1000000, 0, 1));
    if (label)
        CHECK_OK(dpmix_schema_set_label(schema, 4));
    return schema;
}

enum { PEOPLE = 400, PEOPLE_COLUMNS = 8, OUT_COLUMNS = 7 };

/* A mixture by label of made-up people; without a label the generator itself is fitted. */
static dpmix_mixture *fit_people(const dpmix_schema *schema, int kind, dpmix_generator **generator)
{
    static char text[PEOPLE][PEOPLE_COLUMNS][24];
    static const char *cells[PEOPLE * PEOPLE_COLUMNS];
    static const struct dpm_test_mode mode = {.key = "a fixed key for the tests, no 9"};
    struct tiny_random random = {3};
    for (int i = 0; i < PEOPLE; i++) {
        snprintf(text[i][0], 24, "%.3f", 1.5 + tiny_uniform(&random) / 2);
        snprintf(text[i][1], 24, "%d", i);
        snprintf(text[i][2], 24, "%d", (int)(80 * tiny_uniform(&random)));
        snprintf(text[i][3], 24, "%s", i % 2 ? "some" : "much");
        snprintf(text[i][4], 24, "%s", i % 3 ? "a" : i % 2 ? "b" : "c");
        snprintf(text[i][5], 24, "%s", i % 5 ? "true" : "");
        snprintf(text[i][6], 24, "1990-01-%02d", 1 + i % 28);
        snprintf(text[i][7], 24, "1970-01-01T00:00:00.%d", i % 10);
        for (int j = 0; j < PEOPLE_COLUMNS; j++)
            cells[i * PEOPLE_COLUMNS + j] = i % 7 == 0 && j == 0 ? NULL : text[i][j];
    }
    dpmix_dataset *dataset = NULL;
    dpmix_accountant *accountant = NULL;
    dpmix_clusterer *clusterer = NULL;
    dpmix_mixture *mixture = NULL;
    dpmix_options *options = NULL;
    CHECK_OK(dpmix_options_new(&options));
    CHECK_OK(dpmix_options_set_int(options, DPMIX_OPTION_STEPS, 3));
    CHECK_OK(dpmix_options_set_double(options, DPMIX_OPTION_SAMPLING_RATE, 0.3)); /* quick to account for */
    CHECK_OK(dpmix_options_set_int(options, DPMIX_OPTION_VAE_HIDDEN, 8));
    CHECK_OK(dpmix_options_set_int(options, DPMIX_OPTION_RBM_HIDDEN, 8));
    CHECK_OK(dpmix_options_set_int(options, DPMIX_OPTION_CGAN_HIDDEN, 8));
    CHECK_OK(dpmix_dataset_new_text(&dataset, schema, cells, PEOPLE, PEOPLE_COLUMNS));
    dpm_dataset_set_test(dataset, &mode);
    CHECK_OK(dpmix_accountant_new(&accountant, 20, 1e-5, DPMIX_ADJACENCY_ADD_REMOVE));
    CHECK_OK(dpmix_generator_new(generator, kind, options));
    dpmix_options_free(options);
    if (dpmix_schema_label(schema) >= 0) {
        CHECK_OK(dpmix_clusterer_new(&clusterer, DPMIX_CLUSTERER_LABEL, NULL));
        CHECK_OK(dpmix_clusterer_fit(clusterer, accountant, dataset, 0.2, NULL, NULL));
        CHECK_OK(dpmix_mixture_new(&mixture, clusterer, *generator));
        CHECK_OK(dpmix_mixture_fit(mixture, accountant, dataset, 1, NULL, NULL));
    } else {
        CHECK_OK(dpmix_generator_fit(*generator, accountant, dataset, 1, NULL, NULL));
    }
    dpmix_clusterer_free(clusterer);
    dpmix_accountant_free(accountant);
    dpmix_dataset_free(dataset);
    return mixture;
}

static int bit(const void *bits, int64_t at)
{
    return ((const uint8_t *)bits)[at / 8] >> (at % 8) & 1;
}

/* How many cells of a column are null by its bitmap. */
static int64_t nulls_of(const struct ArrowArray *column)
{
    int64_t nulls = 0;
    for (int64_t i = 0; column->buffers[0] && i < column->length; i++)
        nulls += !bit(column->buffers[0], i);
    return nulls;
}

/* Types and cells of a batch obey the schema of people. */
static void expect_batch(const struct ArrowArray *batch)
{
    ck_assert_int_eq(batch->n_children, OUT_COLUMNS);
    for (int64_t i = 0; i < batch->length; i++) {
        const struct ArrowArray *const *c = (const struct ArrowArray *const *)batch->children;
        double height = ((const double *)c[0]->buffers[1])[i];
        ck_assert(bit(c[0]->buffers[0], i) ? height >= 1 && height <= 2.5 : height == 0);
        int64_t age = ((const int64_t *)c[1]->buffers[1])[i], seen = ((const int64_t *)c[6]->buffers[1])[i];
        int32_t school = ((const int32_t *)c[2]->buffers[1])[i], job = ((const int32_t *)c[3]->buffers[1])[i];
        int32_t born = ((const int32_t *)c[5]->buffers[1])[i];
        ck_assert(age >= 0 && age <= 99 && school >= 0 && school < 3 && job >= 0 && job < 3);
        ck_assert(born >= 0 && born <= 20000 && seen >= 0 && seen <= 1000000);
    }
    for (int64_t i = 0; i < OUT_COLUMNS; i++)
        ck_assert_int_eq(batch->children[i]->null_count, nulls_of(batch->children[i]));
    ck_assert_int_eq(batch->children[3]->dictionary->length, 3);
    ck_assert_mem_eq(batch->children[3]->dictionary->buffers[2], "abother", 7);
    ck_assert_ptr_null(batch->children[1]->buffers[0]);
}

static void expect_types(struct ArrowArrayStream *stream)
{
    static const char *const names[] = {"height", "age", "school", "job", "well", "born", "seen"};
    static const char *const formats[] = {"g", "l", "i", "i", "b", "tdD", "tsu:"};
    static const int64_t flags[] = {2, 0, 1, 0, 2, 0, 0};
    struct ArrowSchema type;
    ck_assert_int_eq(stream->get_schema(stream, &type), 0);
    ck_assert_str_eq(type.format, "+s");
    ck_assert_int_eq(type.n_children, OUT_COLUMNS);
    for (int i = 0; i < OUT_COLUMNS; i++) {
        ck_assert_str_eq(type.children[i]->name, names[i]);
        ck_assert_str_eq(type.children[i]->format, formats[i]);
        ck_assert_int_eq(type.children[i]->flags, flags[i]);
    }
    ck_assert_str_eq(type.children[3]->dictionary->format, "u");
    type.release(&type);
    ck_assert(type.release == NULL);
}

START_TEST(samples_come_as_batches)
{
    enum { MANY = 20000 };
    const uint64_t seed = 4;
    int64_t lengths[] = {8192, 8192, MANY - 2 * 8192}, ages[2] = {0, 0};
    dpmix_generator *generator = NULL;
    dpmix_schema *schema = people(2);
    dpmix_mixture *mixture = fit_people(schema, DPMIX_GENERATOR_GAUSSIAN, &generator);
    struct ArrowArrayStream streams[2];
    struct ArrowArray batch;
    for (int s = 0; s < 2; s++)
        CHECK_OK(dpmix_mixture_stream(mixture, &streams[s], schema, MANY, &seed));
    for (int label = 1; label <= 3; label += 2) { /* as many places, and not as many classes */
        dpmix_schema *other = people(label);
        CHECK_FAILS(dpmix_mixture_stream(mixture, &streams[0], other, MANY, &seed), DPMIX_ERR_STATE,
                    "classes");
        dpmix_schema_free(other);
    }
    dpmix_mixture_free(mixture); /* which the streams do not need */
    dpmix_generator_free(generator);
    dpmix_schema_free(schema);
    for (int s = 0; s < 2; s++) {
        expect_types(&streams[s]);
        for (int i = 0; i < 3; i++) {
            ck_assert_int_eq(streams[s].get_next(&streams[s], &batch), 0);
            ck_assert_int_eq(batch.length, lengths[i]);
            expect_batch(&batch);
            ck_assert_int_gt(batch.children[0]->null_count, 0);
            for (int64_t j = 0; j < batch.length; j++)
                ages[s] += (j + 1) * ((const int64_t *)batch.children[1]->buffers[1])[j];
            struct ArrowArray moved = *batch.children[3]; /* a consumer may keep a child alone */
            batch.children[3]->release = NULL;
            batch.release(&batch);
            ck_assert_mem_eq(moved.dictionary->buffers[2], "abother", 7);
            moved.release(&moved);
        }
        ck_assert_int_eq(streams[s].get_next(&streams[s], &batch), 0);
        ck_assert(batch.release == NULL);
        ck_assert_ptr_null(streams[s].get_last_error(&streams[s]));
    }
    ck_assert_int_eq(ages[0], ages[1]);
    for (int s = 0; s < 2; s++)
        streams[s].release(&streams[s]);
    ck_assert_int_eq(dpm_alloc_live(), 0);
}
END_TEST

START_TEST(a_generator_streams_too)
{
    dpmix_generator *generator = NULL, *unfitted = NULL;
    dpmix_schema *schema = people(0), *labelled = people(2), *other = NULL;
    struct ArrowArrayStream stream;
    struct ArrowArray batch;
    CHECK_OK(dpmix_schema_new(&other));
    CHECK_OK(dpmix_schema_add_integer(other, "x", 0, 9, 0, 1));
    ck_assert_ptr_null(fit_people(schema, DPMIX_GENERATOR_GAUSSIAN, &generator));
    CHECK_OK(dpmix_generator_new(&unfitted, DPMIX_GENERATOR_GAUSSIAN, NULL));
    CHECK_FAILS(dpmix_generator_stream(unfitted, &stream, schema, 1, NULL), DPMIX_ERR_STATE, "fitted");
    CHECK_FAILS(dpmix_generator_stream(generator, &stream, other, 1, NULL), DPMIX_ERR_STATE, "schema");
    CHECK_FAILS(dpmix_generator_stream(generator, &stream, labelled, 1, NULL), DPMIX_ERR_STATE, "schema");
    CHECK_OK(dpmix_generator_stream(generator, &stream, schema, 10, NULL));
    ck_assert_int_eq(stream.get_next(&stream, &batch), 0);
    ck_assert_int_eq(batch.length, 10);
    expect_batch(&batch);
    stream.release(&stream);
    batch.release(&batch);        /* after its stream */
    int status = DPMIX_ERR_NOMEM; /* at every allocation in turn */
    for (uint64_t nth = 1; status; nth++) {
        int64_t live = dpm_alloc_live();
        dpm_alloc_fail_after(nth, 1);
        status = dpmix_generator_stream(generator, &stream, schema, 10, NULL);
        int error = status ? 0 : stream.get_next(&stream, &batch);
        dpm_alloc_fail_after(0, 0);
        if (!status && error) {
            ck_assert_int_eq(error, ENOMEM);
            ck_assert_ptr_nonnull(stream.get_last_error(&stream));
        } else if (!status) {
            batch.release(&batch);
        }
        if (!status)
            stream.release(&stream);
        ck_assert_int_eq(dpm_alloc_live(), live);
        status = status ? status : error;
    }
    dpmix_generator_free(generator);
    dpmix_generator_free(unfitted);
    dpmix_schema_free(schema);
    dpmix_schema_free(labelled);
    dpmix_schema_free(other);
    ck_assert_int_eq(dpm_alloc_live(), 0);
}
END_TEST

static int keep_jobs(void *user, uint64_t record, const char *const *texts, size_t n_columns)
{
    char *kept = user;
    (void)n_columns;
    kept[record] = texts[4][0];
    return 0;
}

/* A stream has the records of a sample, decoded as the kind of model asks for. */
START_TEST(nets_are_drawn_from_and_gaussians_are_not)
{
    enum { FEW = 200, MOST_PLACES = 32 };
    static const struct {
        int kind, categories;
    } kinds[] = {{DPMIX_GENERATOR_GAUSSIAN, DPMIX_DECODE_LARGEST},
                 {DPMIX_GENERATOR_VAE, DPMIX_DECODE_DRAW},
                 {DPMIX_GENERATOR_RBM, DPMIX_DECODE_DRAW},
                 {DPMIX_GENERATOR_CGAN, DPMIX_DECODE_DRAW}};
    static float rows[FEW * MOST_PLACES];
    const uint64_t seed = 8;
    char wanted[FEW], others[FEW];
    dpmix_generator *generator = NULL;
    dpmix_schema *schema = people(0);
    struct ArrowArrayStream stream;
    struct ArrowArray batch;
    size_t width = dpmix_schema_width(schema);
    ck_assert_uint_le(width, MOST_PLACES);
    ck_assert_ptr_null(fit_people(schema, kinds[_i].kind, &generator));
    CHECK_OK(dpmix_generator_sample(generator, rows, NULL, 0, FEW, width, &seed));
    CHECK_OK(dpmix_schema_decode_text(schema, rows, NULL, 0, FEW, width, kinds[_i].categories, &seed,
                                      keep_jobs, wanted));
    CHECK_OK(dpmix_schema_decode_text(schema, rows, NULL, 0, FEW, width, 3 - kinds[_i].categories, &seed,
                                      keep_jobs, others));
    ck_assert_mem_ne(wanted, others, FEW);
    CHECK_OK(dpmix_generator_stream(generator, &stream, schema, FEW, &seed));
    ck_assert_int_eq(stream.get_next(&stream, &batch), 0);
    for (size_t i = 0; i < FEW; i++)
        ck_assert_int_eq("abo"[((const int32_t *)batch.children[3]->buffers[1])[i]], wanted[i]);
    batch.release(&batch);
    stream.release(&stream);
    dpmix_generator_free(generator);
    dpmix_schema_free(schema);
    ck_assert_int_eq(dpm_alloc_live(), 0);
}
END_TEST

static Suite *arrow_out_suite(void)
{
    Suite *suite = suite_create("arrow_out");
    CHECK_ADD(suite, samples_come_as_batches);
    CHECK_ADD(suite, a_generator_streams_too);
    tcase_add_loop_test(check_case(suite, "kinds"), nets_are_drawn_from_and_gaussians_are_not, 0, 4);
    return suite;
}

CHECK_MAIN(arrow_out_suite)
