/* SPDX-License-Identifier: BSD-3-Clause */
#include "mixture_model.h"
#include "base_alloc.h"
#include "base_fail.h"

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
    mixture->clusterer = dpm_clusterer_ref(clusterer);
    if (clusterer->kind
            ->needs_labels) /* within a part the label is known: models need no class, parts give it */
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
    dpm_free(mixture);
}

int dpm_mixture_fit(struct dpmix_mixture *mixture, const struct dpm_fit *fit)
{
    if (!dpm_bounds_equal(&mixture->clusterer->bounds, dpm_dataset_bounds(fit->dataset)))
        return dpm_fail(DPMIX_ERR_STATE, "dataset: columns and bounds are not those of the clusterer");
    if (mixture->clusterer->kind->needs_labels &&
        mixture->clusterer->n_classes != dpm_dataset_classes(fit->dataset))
        return dpm_fail(DPMIX_ERR_STATE, "dataset: its classes are not those of the clusterer");
    struct dpm_partition partition = dpm_clusterer_partition(mixture->clusterer);
    struct dpm_fit fit_parts = *fit;
    fit_parts.partition = &partition;
    return dpm_generator_fit(mixture->generator, &fit_parts);
}

/* The parts of a partition by label are labels. */
static int parts_are_labels(const struct dpmix_mixture *mixture)
{
    return mixture->clusterer->kind->needs_labels;
}

int dpm_mixture_classes(const struct dpmix_mixture *mixture)
{
    if (!mixture->generator->fitted)
        return 0;
    return mixture->generator->makes_labels || parts_are_labels(mixture) ? mixture->generator->n_classes : 0;
}

int dpm_mixture_sample(const struct dpmix_mixture *mixture, int type, void *rows, int32_t *labels,
                       uint64_t first, size_t n, const uint64_t *seed)
{
    int by_part = parts_are_labels(mixture);
    return dpm_generator_sample(mixture->generator, mixture->clusterer->weights, type, rows,
                                by_part ? NULL : labels, by_part ? labels : NULL, first, n, seed);
}

int dpm_mixture_count(const struct dpmix_mixture *mixture, double *fractions,
                      const struct dpm_count_queries *queries, uint64_t n_samples, const uint64_t *seed)
{
    return dpm_generator_count(mixture->generator, mixture->clusterer->weights, parts_are_labels(mixture),
                               fractions, queries, n_samples, seed);
}

void dpm_mixture_put(const struct dpmix_mixture *mixture, struct dpm_blob *blob)
{
    dpm_clusterer_put(mixture->clusterer, blob);
    dpm_generator_put(mixture->generator, blob);
}

int dpm_mixture_get(struct dpmix_mixture **out, struct dpm_blob *blob)
{
    struct dpmix_mixture *mixture = dpm_alloc(1, sizeof *mixture);
    if (!mixture)
        return DPMIX_ERR_NOMEM;
    int status = dpm_clusterer_get(&mixture->clusterer, blob);
    if (!status)
        status = dpm_generator_get(&mixture->generator, blob);
    if (!status && (mixture->generator->n_parts != mixture->clusterer->n_parts ||
                    !dpm_bounds_equal(&mixture->generator->bounds, &mixture->clusterer->bounds) ||
                    (mixture->clusterer->kind->needs_labels &&
                     mixture->generator->n_classes != mixture->clusterer->n_classes))) {
        dpm_blob_reject(blob);
        status = dpm_blob_status(blob);
    }
    if (status) {
        dpm_mixture_free(mixture);
        return status;
    }
    *out = mixture;
    return DPMIX_OK;
}
