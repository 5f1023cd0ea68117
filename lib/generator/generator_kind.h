/* SPDX-License-Identifier: BSD-3-Clause */
/* The generators behind one vtable. A new one is a source file and a row in generator_kind.c. */
#ifndef DPM_GENERATOR_KIND_H
#define DPM_GENERATOR_KIND_H

#include "base_blob.h"
#include "base_options.h"
#include "privacy.h"
#include "random_stream.h"

#include <dpmix/generator.h>

struct dpmix_generator;

enum { DPM_SAMPLE_CHUNK = 256 }; /* records sampled side by side */

struct dpm_generator_kind {
    int kind;         /* DPMIX_GENERATOR_* */
    int has_no_steps; /* 1: it is not trained by the engine (generator_train.h), so it has no checkpoints */

    /* Fits generator->model: fit->partition->n_parts models under one debit, every part at the same sampling
     * rate and number of steps. The shared fields (parts, columns, classes, bounds) are set. Sets
     * makes_labels and ledger. On failure leaves model NULL or fit for free_model. */
    int (*fit)(struct dpmix_generator *generator, const struct dpm_fit *fit);
    void (*free_model)(void *model); /* NULL is fine */

    /* n <= DPM_SAMPLE_CHUNK records of model number `part`, normalised to [0, 1] (values outside are clamped
     * by the caller); labels is NULL when they are not wanted. `scratch` has DPM_SAMPLE_CHUNK x
     * sample_scratch() floats. */
    void (*sample)(const struct dpmix_generator *generator, int part, float *rows, int32_t *labels, size_t n,
                   struct dpm_stream *stream, float *scratch);
    size_t (*sample_scratch)(const struct dpmix_generator *generator);

    void (*put)(const struct dpmix_generator *generator, struct dpm_blob *blob);
    void (*get)(struct dpmix_generator *generator, struct dpm_blob *blob); /* shared fields are set */
};

struct dpmix_generator {
    const struct dpm_generator_kind *kind;
    struct dpmix_options options;
    struct dpm_checkpoint *checkpoint; /* that a fit writes; NULL: none */
    int fitted;
    int n_parts; /* models in it: 1, or the parts of a mixture */
    int n_classes;
    int makes_labels; /* records come with a label of its own making */
    struct dpm_bounds bounds;
    char *ledger; /* JSON, as it was when the fit ended */
    void *model;  /* of the kind */
};

/* Whether records are to get labels of the generator's own making. */
static inline int dpm_generator_is_conditional(const struct dpmix_generator *generator)
{
    return generator->n_classes > 0 && dpm_option_int(&generator->options, DPMIX_OPTION_CONDITIONAL);
}

extern const struct dpm_generator_kind dpm_generator_gaussian, dpm_generator_vae, dpm_generator_rbm,
    dpm_generator_cgan, dpm_generator_gmm, dpm_generator_products;

int dpm_generator_new(struct dpmix_generator **out, int kind, const struct dpmix_options *options);
void dpm_generator_free(struct dpmix_generator *generator);
int dpm_generator_fit(struct dpmix_generator *generator, const struct dpm_fit *fit);

/* Records of a sequence, in its order. */
struct dpm_records {
    size_t n;
    const float *rows;     /* n x columns, normalised; dpm_bounds_restore() makes declared units of them */
    const int32_t *labels; /* n, or NULL */
    const int32_t *parts;  /* n */
};
typedef void dpm_records_fn(void *user, const struct dpm_records *records);

/* Gives `visit` the records `first`, ..., first + n - 1 of the endless sequence of *seed (NULL: fresh random
 * bits), some at a time. A record's part is drawn by `weights` (n_parts numbers, sum 1).
 * DPMIX_ERR_UNSUPPORTED when labels are wanted and the generator makes none. */
int dpm_generator_draw(const struct dpmix_generator *generator, const double *weights, int with_labels,
                       uint64_t first, uint64_t n, const uint64_t *seed, dpm_records_fn *visit, void *user);

/* The memory of such a call, for callers that draw some records at a time and may not run out of it on the
 * way. Freeing NULL is fine. */
struct dpm_chunk;
int dpm_chunk_new(struct dpm_chunk **out, const struct dpmix_generator *generator);
void dpm_chunk_free(struct dpm_chunk *chunk);

/* As dpm_generator_draw, from a key: dpm_random_seed makes one of a seed. Labels are to be had, and
 * first + n - 1 is a number of 64 bits. */
void dpm_chunk_draw(struct dpm_chunk *chunk, const struct dpmix_generator *generator, const double *weights,
                    int with_labels, uint64_t first, uint64_t n, const uint8_t key[DPM_KEY_SIZE],
                    dpm_records_fn *visit, void *user);

/* The same into memory. type: DPM_TYPE_F32 or DPM_TYPE_F64, of rows, which get n x columns values in declared
 * units. labels, parts: NULL, or where they go. */
int dpm_generator_sample(const struct dpmix_generator *generator, const double *weights, int type, void *rows,
                         int32_t *labels, int32_t *parts, uint64_t first, size_t n, const uint64_t *seed);

void dpm_generator_put(const struct dpmix_generator *generator, struct dpm_blob *blob);
int dpm_generator_get(struct dpmix_generator **out, struct dpm_blob *blob);

#endif
