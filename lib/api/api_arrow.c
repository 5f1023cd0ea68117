/* SPDX-License-Identifier: BSD-3-Clause */
/* Arrow in and out. */
#include <dpmix/dpmix.h>

#include "api_check.h"
#include "api_table.h"
#include "base_alloc.h"
#include "mixture_model.h"
#include "mixture_sample.h"
#include "table_array.h"
#include "table_export.h"
#include "table_import.h"
#include "table_metadata.h"

/* ---- Schemas ---- */

int dpmix_schema_new_arrow(dpmix_schema **out, const struct ArrowSchema *types)
{
    API_NEED(out);
    API_NEED(types);
    if (!types->release)
        API_RETURN(dpm_fail(DPMIX_ERR_ARG, "types: it was released"));
    API_GIVE(out, dpm_metadata_read(out, "types", types->metadata));
}

int dpmix_schema_arrow(const dpmix_schema *schema, struct ArrowSchema *types)
{
    API_NEED(schema);
    API_NEED(types);
    API_RETURN(dpm_array_types(types, schema));
}

/* ---- Datasets ---- */

int dpmix_dataset_new_stream(dpmix_dataset **out, const dpmix_schema *schema, struct ArrowArrayStream *stream)
{
    struct dpm_table_rows rows;
    API_NEED(out);
    API_NEED(schema);
    API_NEED(stream);
    if (!stream->release)
        API_RETURN(dpm_fail(DPMIX_ERR_ARG, "stream: it was released"));
    int status = dpm_table_rows_begin(&rows, schema);
    if (!status)
        status = dpm_import_stream(&rows, "stream", stream);
    stream->release(stream);
    if (!status)
        status = dpm_api_table_dataset(out, &rows);
    dpm_table_rows_free(&rows);
    API_GIVE(out, status);
}

int dpmix_dataset_new_arrow(dpmix_dataset **out, const dpmix_schema *schema, struct ArrowArray *array,
                            struct ArrowSchema *types)
{
    struct dpm_table_rows rows;
    API_NEED(out);
    API_NEED(schema);
    API_NEED(array);
    API_NEED(types);
    int status = dpm_table_rows_begin(&rows, schema);
    if (!status && (!array->release || !types->release))
        status = dpm_fail(DPMIX_ERR_ARG, "array, types: one was released");
    if (!status)
        status = dpm_import_array(&rows, "array", types, array);
    if (array->release)
        array->release(array);
    if (types->release)
        types->release(types);
    if (!status)
        status = dpm_api_table_dataset(out, &rows);
    dpm_table_rows_free(&rows);
    API_GIVE(out, status);
}

/* ---- Streams of samples ---- */

static int sample_mixture(void *model, float *rows, int32_t *labels, uint64_t first, size_t n,
                          const uint64_t *seed)
{
    return dpm_mixture_sample(model, DPM_TYPE_F32, rows, labels, NULL, first, n, seed);
}

static void free_mixture(void *model)
{
    dpm_mixture_free(model);
}

static int sample_generator(void *model, float *rows, int32_t *labels, uint64_t first, size_t n,
                            const uint64_t *seed)
{
    static const double whole = 1;
    return dpm_generator_sample(model, &whole, DPM_TYPE_F32, rows, labels, NULL, first, n, seed);
}

static void free_generator(void *model)
{
    dpm_generator_free(model);
}

/* Whether the model was fitted to a dataset of such a schema. */
static int check_model(const struct dpmix_generator *generator, int classes, const dpmix_schema *schema)
{
    static const double lower = 0, upper = 1;
    struct dpm_bounds wanted;
    if (!generator->fitted)
        return dpm_fail(DPMIX_ERR_STATE, "the model: it is not fitted yet");
    int status = dpm_schema_ready(schema);
    if (status)
        return status;
    int32_t *groups = dpm_alloc(schema->width, sizeof *groups);
    if (!groups)
        return DPMIX_ERR_NOMEM;
    dpm_schema_groups(schema, groups);
    status = dpm_bounds_new(&wanted, schema->width, &lower, &upper, 1);
    if (!status) {
        status = dpm_bounds_set_groups(&wanted, groups, schema->width);
        if (!status && !dpm_bounds_equal(&wanted, &generator->bounds))
            status = dpm_fail(DPMIX_ERR_STATE, "schema: the model's columns are not of its making");
        dpm_bounds_free(&wanted);
    }
    dpm_free(groups);
    if (!status && dpm_schema_classes(schema) > 0 && classes == 0)
        status = dpm_fail(DPMIX_ERR_UNSUPPORTED, "schema: it has a label, and the model's records have none");
    if (!status && dpm_schema_classes(schema) > 0 && dpm_schema_classes(schema) != classes)
        status = dpm_fail(DPMIX_ERR_STATE, "schema: its label has not the classes of the model");
    return status;
}

/* Nets give probabilities; what a Gaussian gives spreads around them, and a draw would spread it once more.
 */
static int categories_of(const struct dpmix_generator *generator)
{
    switch (generator->kind->kind) {
    case DPMIX_GENERATOR_VAE:
    case DPMIX_GENERATOR_RBM:
    case DPMIX_GENERATOR_CGAN: return DPMIX_DECODE_DRAW;
    default: return DPMIX_DECODE_LARGEST;
    }
}

/* The copy goes the way that files go, so that it holds all that a model is. */
static int copy_mixture(struct dpmix_mixture **out, const struct dpmix_mixture *mixture)
{
    struct dpm_blob blob = {0};
    dpm_mixture_put(mixture, &blob);
    int status = dpm_blob_status(&blob);
    if (!status)
        status = dpm_mixture_get(out, &blob, &mixture->generator->options);
    dpm_blob_free(&blob);
    return status;
}

static int copy_generator(struct dpmix_generator **out, const struct dpmix_generator *generator)
{
    struct dpm_blob blob = {0};
    dpm_generator_put(generator, &blob);
    int status = dpm_blob_status(&blob);
    if (!status)
        status = dpm_generator_get(out, &blob);
    dpm_blob_free(&blob);
    return status;
}

int dpmix_mixture_stream(const dpmix_mixture *mixture, struct ArrowArrayStream *stream,
                         const dpmix_schema *schema, uint64_t n, const uint64_t *seed)
{
    API_NEED(mixture);
    API_NEED(stream);
    API_NEED(schema);
    struct dpmix_mixture *copy = NULL;
    int status = check_model(mixture->generator, dpm_mixture_classes(mixture), schema);
    if (!status)
        status = copy_mixture(&copy, mixture);
    if (!status) {
        struct dpm_export_source source = {copy, sample_mixture, free_mixture};
        status = dpm_export_open(stream, schema, &source, n, seed, categories_of(mixture->generator));
        if (status)
            dpm_mixture_free(copy);
    }
    API_RETURN(status);
}

int dpmix_generator_stream(const dpmix_generator *generator, struct ArrowArrayStream *stream,
                           const dpmix_schema *schema, uint64_t n, const uint64_t *seed)
{
    API_NEED(generator);
    API_NEED(stream);
    API_NEED(schema);
    struct dpmix_generator *copy = NULL;
    int status = check_model(generator, generator->makes_labels ? generator->n_classes : 0, schema);
    if (!status && generator->n_parts != 1)
        status = dpm_fail(DPMIX_ERR_STATE, "generator: it is of a mixture");
    if (!status)
        status = copy_generator(&copy, generator);
    if (!status) {
        struct dpm_export_source source = {copy, sample_generator, free_generator};
        status = dpm_export_open(stream, schema, &source, n, seed, categories_of(generator));
        if (status)
            dpm_generator_free(copy);
    }
    API_RETURN(status);
}
