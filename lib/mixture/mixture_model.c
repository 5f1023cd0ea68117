/* SPDX-License-Identifier: BSD-3-Clause */
#include "mixture_model.h"
#include "base_alloc.h"
#include "base_fail.h"
#include "mixture_sample.h"
#include "teacher_fit.h"

#include <string.h>

int dpm_mixture_new(struct dpmix_mixture **out, struct dpmix_clusterer *clusterer,
                    const struct dpmix_generator *generator)
{
    struct dpmix_mixture *mixture = dpm_alloc(1, sizeof *mixture);
    if (!mixture)
        return DPMIX_ERR_NOMEM;
    int status = dpm_generator_new(&mixture->generator, generator->kind->kind, &generator->options);
    if (status) {
        dpm_free(mixture);
        return status;
    }
    mixture->clusterer = clusterer ? dpm_clusterer_ref(clusterer) : NULL;
    if (dpm_mixture_parts_are_labels(mixture)) /* within a part the label is known: models need no class */
        mixture->generator->options.value[DPMIX_OPTION_CONDITIONAL] = 0;
    *out = mixture;
    return DPMIX_OK;
}

void dpm_mixture_free(struct dpmix_mixture *mixture)
{
    if (!mixture)
        return;
    dpm_clusterer_unref(mixture->clusterer);
    dpm_generator_free(mixture->generator);
    dpm_teacher_free(mixture->teacher);
    dpm_free(mixture);
}

int dpm_mixture_parts(const struct dpmix_mixture *mixture)
{
    return mixture->clusterer ? mixture->clusterer->n_parts : 1;
}

const double *dpm_mixture_weights(const struct dpmix_mixture *mixture)
{
    static const double one_part[] = {1};
    return mixture->clusterer ? mixture->clusterer->weights : one_part;
}

int dpm_mixture_parts_are_labels(const struct dpmix_mixture *mixture)
{
    return mixture->clusterer && mixture->clusterer->kind->needs_labels;
}

int dpm_mixture_has_own_labels(const struct dpmix_mixture *mixture)
{
    return mixture->generator->makes_labels || dpm_mixture_parts_are_labels(mixture);
}

/* ---- Fits ---- */

int dpm_mixture_fit(struct dpmix_mixture *mixture, const struct dpm_fit *fit)
{
    const struct dpmix_clusterer *clusterer = mixture->clusterer;
    int status = dpm_mixture_check_options(mixture, dpm_dataset_columns(fit->dataset));
    if (status)
        return status;
    if (!clusterer)
        return dpm_generator_fit(mixture->generator, fit);
    if (!dpm_bounds_equal(&clusterer->bounds, dpm_dataset_bounds(fit->dataset)))
        return dpm_fail(DPMIX_ERR_STATE, "dataset: columns and bounds are not those of the clusterer");
    if (clusterer->kind->needs_labels && clusterer->n_classes != dpm_dataset_classes(fit->dataset))
        return dpm_fail(DPMIX_ERR_STATE, "dataset: its classes are not those of the clusterer");
    struct dpm_partition partition = dpm_clusterer_partition(clusterer);
    struct dpm_fit fit_parts = *fit;
    fit_parts.partition = &partition;
    return dpm_generator_fit(mixture->generator, &fit_parts);
}

static int check_lesson(const struct dpmix_mixture *mixture, const struct dpmix_dataset *dataset)
{
    if (mixture->teacher)
        return dpm_fail(DPMIX_ERR_STATE, "mixture: it has a teacher already");
    if (!dpm_bounds_equal(&mixture->generator->bounds, dpm_dataset_bounds(dataset)))
        return dpm_fail(DPMIX_ERR_STATE, "dataset: columns and bounds are not those of the mixture");
    if (dpm_dataset_classes(dataset) < 2)
        return dpm_fail(DPMIX_ERR_UNSUPPORTED, "dataset: a teacher needs labels of two classes at least");
    if (dpm_dataset_classes(dataset) != mixture->generator->n_classes)
        return dpm_fail(DPMIX_ERR_STATE, "dataset: its classes are not those of the mixture");
    return DPMIX_OK;
}

int dpm_mixture_teach(struct dpmix_mixture *mixture, const struct dpm_fit *fit)
{
    const struct dpmix_generator *generator = mixture->generator;
    struct dpm_drawn drawn = {0};
    char *ledger = NULL;
    int status = check_lesson(mixture, fit->dataset);
    if (!status)
        status = dpm_mixture_draw_own(
            &drawn, mixture, (size_t)dpm_option_int(&generator->options, DPMIX_OPTION_TEACHER_RECORDS));
    if (!status) {
        struct dpm_teacher_records records = {drawn.n, drawn.rows, drawn.labels};
        status = dpm_teacher_fit(&mixture->teacher, &ledger, &records, &generator->options, fit);
    }
    dpm_drawn_free(&drawn);
    if (status)
        return status;
    dpm_free(mixture->generator->ledger);
    mixture->generator->ledger = ledger;
    dpm_mixture_settle_options(mixture, dpm_dataset_bounds(fit->dataset)->side);
    return DPMIX_OK;
}

/* ---- Files ---- */

void dpm_mixture_put_clusterer(const struct dpmix_clusterer *clusterer, struct dpm_blob *blob)
{
    if (clusterer)
        dpm_clusterer_put(clusterer, blob);
    else
        dpm_blob_put_u32(blob, 0); /* where the kind would stand */
}

int dpm_mixture_get_clusterer(struct dpmix_clusterer **clusterer, struct dpm_blob *blob)
{
    uint32_t kind = dpm_blob_get_u32(blob);
    if (dpm_blob_status(blob) || kind == 0)
        return dpm_blob_status(blob);
    blob->at -= sizeof kind;
    return dpm_clusterer_get(clusterer, blob);
}

static int fits_together(const struct dpmix_mixture *mixture)
{
    const struct dpmix_clusterer *clusterer = mixture->clusterer;
    const struct dpmix_generator *generator = mixture->generator;
    if (generator->n_parts != dpm_mixture_parts(mixture))
        return 0;
    return !clusterer || (dpm_bounds_equal(&generator->bounds, &clusterer->bounds) &&
                          (!clusterer->kind->needs_labels || generator->n_classes == clusterer->n_classes));
}

/* Files with this number in front of the mixture have options of sampling and a teacher, or that there is
 * none, behind it. The first files had neither. */
static const uint32_t extended = UINT32_C(0x68636574);

static void put_rest(const struct dpmix_mixture *mixture, struct dpm_blob *blob)
{
    dpm_mixture_put_options(mixture, blob);
    dpm_blob_put_u32(blob, mixture->teacher != NULL);
    if (mixture->teacher)
        dpm_teacher_put(mixture->teacher, blob);
}

static int get_rest(struct dpmix_mixture *mixture, struct dpm_blob *blob)
{
    dpm_mixture_get_options(mixture, blob);
    uint32_t taught = dpm_blob_get_u32(blob);
    if (taught > 1)
        dpm_blob_reject(blob);
    if (dpm_blob_status(blob) || !taught)
        return dpm_blob_status(blob);
    return dpm_teacher_get(&mixture->teacher, blob, &mixture->generator->bounds,
                           mixture->generator->n_classes);
}

void dpm_mixture_put(const struct dpmix_mixture *mixture, struct dpm_blob *blob)
{
    dpm_blob_put_u32(blob, extended);
    dpm_mixture_put_clusterer(mixture->clusterer, blob);
    dpm_generator_put(mixture->generator, blob);
    put_rest(mixture, blob);
}

int dpm_mixture_get(struct dpmix_mixture **out, struct dpm_blob *blob, const struct dpmix_options *options)
{
    struct dpmix_mixture *mixture = dpm_alloc(1, sizeof *mixture);
    if (!mixture)
        return DPMIX_ERR_NOMEM;
    int with_rest = dpm_blob_get_u32(blob) == extended;
    if (!with_rest && !dpm_blob_status(blob))
        blob->at -= sizeof(uint32_t);
    int status = dpm_mixture_get_clusterer(&mixture->clusterer, blob);
    if (!status)
        status = dpm_generator_get(&mixture->generator, blob);
    if (!status && !fits_together(mixture)) {
        dpm_blob_reject(blob);
        status = dpm_blob_status(blob);
    }
    if (!status)
        mixture->generator->options = *options;
    if (!status && with_rest)
        status = get_rest(mixture, blob);
    if (status) {
        dpm_mixture_free(mixture);
        return status;
    }
    *out = mixture;
    return DPMIX_OK;
}
