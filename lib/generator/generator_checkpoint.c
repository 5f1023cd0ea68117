/* SPDX-License-Identifier: BSD-3-Clause */
#include "generator_checkpoint.h"
#include "base_alloc.h"
#include "base_fail.h"
#include "base_threads.h"

#include <string.h>

/* ---- The handle's side ---- */

void dpm_checkpoint_free(struct dpm_checkpoint *checkpoint)
{
    if (!checkpoint)
        return;
    dpm_free(checkpoint->path);
    dpm_free(checkpoint);
}

int dpm_checkpoint_set(struct dpmix_generator *generator, const char *path, uint64_t every, uint32_t kind,
                       dpm_checkpoint_put_fn *put_head, const void *head)
{
    struct dpm_checkpoint *checkpoint = NULL;
    if (generator->fitted)
        return dpm_fail(DPMIX_ERR_STATE, "generator: it is fitted already");
    if (path && generator->kind->has_no_steps)
        return dpm_fail(DPMIX_ERR_UNSUPPORTED, "generator: its kind has no steps to go on from");
    if (path) {
        checkpoint = dpm_alloc(1, sizeof *checkpoint);
        char *copy = checkpoint ? dpm_alloc_string(path) : NULL;
        if (!copy) {
            dpm_free(checkpoint);
            return DPMIX_ERR_NOMEM;
        }
        *checkpoint = (struct dpm_checkpoint){copy, every, kind, generator, put_head, head, NULL};
    }
    dpm_checkpoint_free(generator->checkpoint);
    generator->checkpoint = checkpoint;
    return DPMIX_OK;
}

int dpm_checkpoint_rehearse(struct dpmix_generator *generator, const struct dpmix_generator *other)
{
    if (!other->checkpoint)
        return DPMIX_OK;
    generator->checkpoint = dpm_alloc(1, sizeof *generator->checkpoint);
    if (!generator->checkpoint)
        return DPMIX_ERR_NOMEM;
    *generator->checkpoint = *other->checkpoint;
    generator->checkpoint->path = NULL;
    generator->checkpoint->generator = generator;
    return DPMIX_OK;
}

/* ---- Settings ---- */

static void put_options(const struct dpmix_options *options, struct dpm_blob *blob)
{
    uint64_t n = 0;
    for (int key = 0; key < DPM_OPTION_KEYS; key++)
        n += options->value[key] != 0;
    dpm_blob_put_u64(blob, n);
    for (int key = 0; key < DPM_OPTION_KEYS; key++) {
        if (options->value[key] == 0)
            continue;
        dpm_blob_put_u64(blob, (uint64_t)key);
        dpm_blob_put_f64(blob, options->value[key]);
    }
}

static void get_options(struct dpmix_options *options, struct dpm_blob *blob, dpm_options_check_fn *check)
{
    uint64_t n = dpm_blob_get_size(blob, 0, DPM_OPTION_KEYS);
    for (uint64_t i = 0; i < n && !dpm_blob_status(blob); i++) {
        size_t key = (size_t)dpm_blob_get_size(blob, 0, DPM_OPTION_KEYS - 1);
        options->value[key] = dpm_blob_get_f64(blob);
    }
    if (!dpm_blob_status(blob) && check(options) != DPMIX_OK)
        dpm_blob_reject(blob);
    /* Each thread takes memory, which no file may ask for as it likes; and this may be another machine. */
    if (options->value[DPMIX_OPTION_THREADS] > dpm_processors())
        options->value[DPMIX_OPTION_THREADS] = dpm_processors();
}

static void put_settings(const struct dpm_checkpoint *checkpoint, struct dpm_blob *blob)
{
    const struct dpmix_generator *generator = checkpoint->generator;
    dpm_blob_put_u64(blob, checkpoint->every);
    dpm_blob_put_u32(blob, (uint32_t)generator->kind->kind);
    put_options(&generator->options, blob);
}

int dpm_checkpoint_get_generator(struct dpmix_generator **out, uint64_t *every, struct dpm_blob *blob,
                                 dpm_options_check_fn *check)
{
    struct dpmix_options options = {{0}};
    *every = dpm_blob_get_u64(blob);
    uint32_t kind = dpm_blob_get_u32(blob);
    get_options(&options, blob, check);
    if (dpm_blob_status(blob))
        return dpm_blob_status(blob);
    struct dpmix_generator *generator = NULL;
    int status = dpm_generator_new(&generator, kind > INT32_MAX ? 0 : (int)kind, &options);
    if (status == DPMIX_ERR_NOMEM)
        return status;
    if (status || generator->kind->has_no_steps) {
        dpm_generator_free(generator);
        dpm_blob_reject(blob);
        return dpm_blob_status(blob);
    }
    *out = generator;
    return DPMIX_OK;
}

int dpm_checkpoint_holds(const struct dpmix_generator *generator, size_t n_weights)
{
    struct dpm_blob *from = generator->checkpoint ? generator->checkpoint->from : NULL;
    size_t n;
    if (from && !dpm_size_mul(&n, (size_t)generator->n_parts, n_weights))
        dpm_blob_reject(from);
    return !from || dpm_blob_holds(from, n, sizeof(float)) ? DPMIX_OK : dpm_blob_status(from);
}

/* ---- Run and state ---- */

static void put_shape(const struct dpmix_generator *generator, struct dpm_blob *blob)
{
    dpm_blob_put_u64(blob, (uint64_t)generator->n_parts);
    dpm_blob_put_u64(blob, (uint64_t)generator->n_classes);
    dpm_bounds_put(&generator->bounds, blob);
}

int dpm_checkpoint_check_shape(const struct dpmix_generator *generator)
{
    struct dpm_blob *blob = generator->checkpoint ? generator->checkpoint->from : NULL;
    struct dpm_bounds bounds = {0};
    if (!blob)
        return DPMIX_OK;
    dpm_blob_get_size(blob, (uint64_t)generator->n_parts, (uint64_t)generator->n_parts);
    uint64_t classes = dpm_blob_get_size(blob, 0, DPM_MAX_COLUMNS);
    dpm_bounds_get(&bounds, blob);
    int status = dpm_blob_status(blob);
    if (!status && !dpm_bounds_equal(&bounds, &generator->bounds))
        status = dpm_fail(DPMIX_ERR_STATE, "dataset: columns and bounds are not those of the checkpoint");
    if (!status && classes != (uint64_t)generator->n_classes)
        status = dpm_fail(DPMIX_ERR_STATE, "dataset: its classes are not those of the checkpoint");
    dpm_bounds_free(&bounds);
    return status;
}

uint64_t dpm_checkpoint_stride(const struct dpm_checkpoint *checkpoint, uint64_t steps)
{
    if (checkpoint->every == 0)
        return steps / 16 + 1;
    return checkpoint->every < steps ? checkpoint->every : steps;
}

int dpm_checkpoint_compose(const struct dpm_checkpoint *checkpoint, struct dpm_checkpoint_run *run,
                           const struct dpm_train *train)
{
    struct dpm_blob *blob = &run->blob;
    blob->size = 0;
    if (checkpoint->put_head)
        checkpoint->put_head(checkpoint->head, blob);
    put_settings(checkpoint, blob);
    put_shape(checkpoint->generator, blob);
    for (size_t i = 0; i < DPM_RESUMABLE_NAME; i++)
        dpm_blob_put_u32(blob, run->resumable.name[i]);
    dpm_blob_put_u64(blob, run->resumable.number);
    dpm_blob_put_text(blob, run->purpose);
    dpm_blob_put_u64(blob, run->n_plans);
    for (size_t i = 0; i < run->n_plans; i++)
        dpm_blob_put_f64(blob, run->plans[i].noise_multiplier);
    dpm_train_put(train, blob);
    return dpm_blob_status(blob);
}

int dpm_checkpoint_write(const struct dpm_checkpoint *checkpoint, struct dpm_checkpoint_run *run,
                         const struct dpm_train *train)
{
    int status = dpm_checkpoint_compose(checkpoint, run, train);
    return status || !checkpoint->path ? status
                                       : dpm_blob_write(&run->blob, checkpoint->kind, checkpoint->path);
}

int dpm_checkpoint_read(const struct dpm_checkpoint *checkpoint, struct dpm_checkpoint_run *run,
                        struct dpm_train *train)
{
    struct dpm_blob *blob = checkpoint->from;
    for (size_t i = 0; i < DPM_RESUMABLE_NAME; i++) {
        uint32_t byte = dpm_blob_get_u32(blob);
        if (byte > UINT8_MAX)
            dpm_blob_reject(blob);
        run->resumable.name[i] = (uint8_t)byte;
    }
    run->resumable.number = dpm_blob_get_u64(blob);
    char *purpose = dpm_blob_get_text(blob);
    if (purpose && strcmp(purpose, run->purpose) != 0)
        dpm_blob_reject(blob);
    dpm_free(purpose);
    dpm_blob_get_size(blob, run->n_plans, run->n_plans);
    for (size_t i = 0; i < run->n_plans; i++) {
        run->plans[i].noise_multiplier = dpm_blob_get_f64(blob);
        if (!(run->plans[i].noise_multiplier > 0))
            dpm_blob_reject(blob);
    }
    if (!dpm_blob_status(blob))
        dpm_train_get(train, blob);
    run->resumable.resumed = 1;
    return dpm_blob_finish(blob);
}
