/* SPDX-License-Identifier: BSD-3-Clause */
/* Checkpoints of trainings that go by the engine (generator_train.h). A file holds, one after the other,
 *
 *     head       what stands around the generator, for example a mixture's partition
 *     settings   how often a checkpoint is written; kind and options of the generator
 *     shape      parts, classes and bounds
 *     run        name of the training in the ledger, purpose, noise multipliers
 *     state      dpm_train_put
 *
 * All of it is public or was released; the key of a release is not in it. */
#ifndef DPM_GENERATOR_CHECKPOINT_H
#define DPM_GENERATOR_CHECKPOINT_H

#include "generator_kind.h"
#include "generator_train.h"

typedef void dpm_checkpoint_put_fn(const void *context, struct dpm_blob *blob);

struct dpm_checkpoint {
    char *path;     /* NULL: of a rehearsal, which writes no file */
    uint64_t every; /* steps; 0: only at the beginning and at a cancellation */
    uint32_t kind;  /* DPM_BLOB_* */
    const struct dpmix_generator *generator;
    dpm_checkpoint_put_fn *put_head; /* or NULL */
    const void *head;
    struct dpm_blob *from; /* set: a fit goes on from this file, which is read up to `shape` */
};

/* Has the generator's fits write checkpoints; path NULL: no longer. The path is copied. DPMIX_ERR_STATE when
 * it is fitted, DPMIX_ERR_UNSUPPORTED when its kind has no steps. */
int dpm_checkpoint_set(struct dpmix_generator *generator, const char *path, uint64_t every, uint32_t kind,
                       dpm_checkpoint_put_fn *put_head, const void *head);
void dpm_checkpoint_free(struct dpm_checkpoint *checkpoint); /* NULL is fine */

/* Has `generator` go through the fits of `other` as they would be: with checkpoints where that one has some,
 * composed but not written. */
int dpm_checkpoint_rehearse(struct dpmix_generator *generator, const struct dpmix_generator *other);

/* Whether the options hold what an options handle may hold; unknown keys hold 0. */
typedef int dpm_options_check_fn(const struct dpmix_options *options);

/* An unfitted generator as in the settings of a file, at which the blob stands. */
int dpm_checkpoint_get_generator(struct dpmix_generator **out, uint64_t *every, struct dpm_blob *blob,
                                 dpm_options_check_fn *check);

/* Reads the shape in the file that a fit goes on from, if it does: DPMIX_ERR_STATE when it is not that of the
 * generator. Before anything is made by the shape of the data, which may be much larger than the file. */
int dpm_checkpoint_check_shape(const struct dpmix_generator *generator);

/* Whether the file that a fit goes on from, if it does, holds so many weights for every part. Before there is
 * memory for them: its settings may claim any width. */
int dpm_checkpoint_holds(const struct dpmix_generator *generator, size_t n_weights);

/* ---- For the engine ---- */

/* What the engine is to put down of a training besides its state. */
struct dpm_checkpoint_run {
    const char *purpose;
    struct dpm_query_plan *plans;
    size_t n_plans;
    struct dpm_resumable resumable;
    struct dpm_blob blob; /* memory for the file, of one size from the first time on */
};

/* Queries that are marked in the ledger at a time. Each time costs a write to the disk, and what is marked
 * and not done when the program is killed will be debited anew: about those between two files, which are lost
 * then anyway. It is a function of public numbers, not of time: how long a step takes is private. */
uint64_t dpm_checkpoint_stride(const struct dpm_checkpoint *checkpoint, uint64_t steps);

/* Composes the file in run->blob: once before the debit, since all memory is to be had by then. */
int dpm_checkpoint_compose(const struct dpm_checkpoint *checkpoint, struct dpm_checkpoint_run *run,
                           const struct dpm_train *train);

/* Composes and writes it, where there is a path: whole, or not at all. */
int dpm_checkpoint_write(const struct dpm_checkpoint *checkpoint, struct dpm_checkpoint_run *run,
                         const struct dpm_train *train);

/* Reads run and state from checkpoint->from to its end. Noise multipliers and resumable are set, but for what
 * the caller knows better: done and stride. */
int dpm_checkpoint_read(const struct dpm_checkpoint *checkpoint, struct dpm_checkpoint_run *run,
                        struct dpm_train *train);

#endif
