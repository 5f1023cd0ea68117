/* SPDX-License-Identifier: BSD-3-Clause */
/* What all generators share: the handle, the fit around the kind's own, files. */
#include "generator_kind.h"
#include "base_alloc.h"
#include "base_fail.h"
#include "generator_checkpoint.h"

static const struct dpm_generator_kind *const kinds[] = {&dpm_generator_gaussian, &dpm_generator_vae,
                                                         &dpm_generator_rbm,      &dpm_generator_cgan,
                                                         &dpm_generator_gmm,      &dpm_generator_products};

static const struct dpm_generator_kind *find_kind(int kind)
{
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (kinds[i]->kind == kind)
            return kinds[i];
    return NULL;
}

int dpm_generator_new(struct dpmix_generator **out, int kind, const struct dpmix_options *options)
{
    const struct dpm_generator_kind *found = find_kind(kind);
    if (!found)
        return dpm_fail(DPMIX_ERR_ARG, "kind: not a DPMIX_GENERATOR_*");
    struct dpmix_generator *generator = dpm_alloc(1, sizeof *generator);
    if (!generator)
        return DPMIX_ERR_NOMEM;
    generator->kind = found;
    generator->options = *options;
    *out = generator;
    return DPMIX_OK;
}

/* Back to the unfitted state. */
static void clear(struct dpmix_generator *generator)
{
    generator->kind->free_model(generator->model);
    generator->model = NULL;
    dpm_bounds_free(&generator->bounds);
    dpm_free(generator->ledger);
    generator->ledger = NULL;
    generator->n_parts = 0;
    generator->n_classes = 0;
    generator->makes_labels = 0;
    generator->fitted = 0;
}

void dpm_generator_free(struct dpmix_generator *generator)
{
    if (!generator)
        return;
    clear(generator);
    dpm_checkpoint_free(generator->checkpoint);
    dpm_free(generator);
}

int dpm_generator_fit(struct dpmix_generator *generator, const struct dpm_fit *fit)
{
    if (generator->fitted)
        return dpm_fail(DPMIX_ERR_STATE, "generator: it is fitted already");
    struct dpm_fit own = *fit;
    own.checkpoint = generator->checkpoint;
    generator->n_parts = fit->partition ? fit->partition->n_parts : 1;
    generator->n_classes = dpm_dataset_classes(fit->dataset);
    int status = dpm_bounds_copy(&generator->bounds, dpm_dataset_bounds(fit->dataset));
    if (!status)
        status = dpm_checkpoint_check_shape(generator);
    if (!status)
        status = generator->kind->fit(generator, &own);
    if (status == DPMIX_ERR_RANGE && own.checkpoint && own.checkpoint->from) /* the caller gave no numbers */
        status = dpm_fail(DPMIX_ERR_FORMAT, "path: the file is damaged");
    if (status)
        clear(generator);
    else
        generator->fitted = 1;
    return status;
}

/* ---- Files ---- */

void dpm_generator_put(const struct dpmix_generator *generator, struct dpm_blob *blob)
{
    dpm_blob_put_u32(blob, (uint32_t)generator->kind->kind);
    dpm_blob_put_u64(blob, (uint64_t)generator->n_parts);
    dpm_blob_put_u64(blob, (uint64_t)generator->n_classes);
    dpm_blob_put_u64(blob, (uint64_t)generator->makes_labels);
    dpm_bounds_put(&generator->bounds, blob);
    dpm_blob_put_text(blob, generator->ledger);
    generator->kind->put(generator, blob);
}

int dpm_generator_get(struct dpmix_generator **out, struct dpm_blob *blob)
{
    static const struct dpmix_options no_options;
    const struct dpm_generator_kind *kind = find_kind((int)dpm_blob_get_u32(blob));
    if (!kind)
        dpm_blob_reject(blob);
    if (!kind || dpm_blob_status(blob))
        return dpm_blob_status(blob);
    struct dpmix_generator *generator = NULL;
    int status = dpm_generator_new(&generator, kind->kind, &no_options);
    if (status)
        return status;
    generator->n_parts = (int)dpm_blob_get_size(blob, 1, DPM_MAX_COLUMNS);
    generator->n_classes = (int)dpm_blob_get_size(blob, 0, DPM_MAX_COLUMNS);
    generator->makes_labels = (int)dpm_blob_get_size(blob, 0, generator->n_classes > 0);
    dpm_bounds_get(&generator->bounds, blob);
    generator->ledger = dpm_blob_get_text(blob);
    if (!dpm_blob_status(blob))
        kind->get(generator, blob);
    generator->fitted = 1;
    if (dpm_blob_status(blob)) {
        dpm_generator_free(generator);
        return dpm_blob_status(blob);
    }
    *out = generator;
    return DPMIX_OK;
}
