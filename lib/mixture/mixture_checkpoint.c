/* SPDX-License-Identifier: BSD-3-Clause */
#include "mixture_checkpoint.h"
#include "base_fail.h"

static void put_clusterer(const void *context, struct dpm_blob *blob)
{
    dpm_mixture_put_clusterer(context, blob);
}

int dpm_mixture_checkpoint(struct dpmix_mixture *mixture, const char *path, uint64_t every)
{
    return dpm_checkpoint_set(mixture->generator, path, every, DPM_BLOB_MIXTURE_CHECKPOINT, put_clusterer,
                              mixture->clusterer);
}

/* An unfitted mixture, as it was when the training began. */
static int get_mixture(struct dpmix_mixture **out, uint64_t *every, struct dpm_blob *blob,
                       dpm_options_check_fn *check)
{
    struct dpmix_clusterer *clusterer = NULL;
    struct dpmix_generator *generator = NULL;
    int status = dpm_mixture_get_clusterer(&clusterer, blob);
    if (!status)
        status = dpm_checkpoint_get_generator(&generator, every, blob, check);
    if (!status)
        status = dpm_mixture_new(out, clusterer, generator);
    dpm_generator_free(generator);
    dpm_clusterer_unref(clusterer);
    return status;
}

int dpm_mixture_resume(struct dpmix_mixture **out, struct dpm_blob *blob, const char *path,
                       dpm_options_check_fn *check, const struct dpm_fit *fit)
{
    struct dpmix_mixture *mixture = NULL;
    uint64_t every;
    int status = get_mixture(&mixture, &every, blob, check);
    if (status)
        return status;
    struct dpm_fit own = *fit;
    own.threads = dpm_option_int(&mixture->generator->options, DPMIX_OPTION_THREADS);
    status = dpm_mixture_checkpoint(mixture, path, every);
    if (!status) {
        mixture->generator->checkpoint->from = blob;
        status = dpm_mixture_fit(mixture, &own);
    }
    if (status == DPMIX_ERR_UNSUPPORTED) /* with these settings no fit of such records begins */
        status = dpm_fail(DPMIX_ERR_STATE, "dataset: its records are not those of the checkpoint");
    if (status) {
        dpm_mixture_free(mixture);
        return status;
    }
    mixture->generator->checkpoint->from = NULL;
    *out = mixture;
    return DPMIX_OK;
}
