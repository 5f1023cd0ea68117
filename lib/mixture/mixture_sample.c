/* SPDX-License-Identifier: BSD-3-Clause */
#include "mixture_sample.h"
#include "base_alloc.h"
#include "base_fail.h"
#include "base_threads.h"
#include "feature_augment.h"

#include <math.h>
#include <string.h>

/* The seed of the records that a teacher starts from: any fixed number. */
static const uint64_t own_seed = UINT64_C(0x746561636865720a);

/* ---- Options ---- */

static const int sampling_options[] = {
    DPMIX_OPTION_LABELS,          DPMIX_OPTION_AUGMENT_FRACTION, DPMIX_OPTION_AUGMENT_ROTATION,
    DPMIX_OPTION_AUGMENT_SHEAR,   DPMIX_OPTION_AUGMENT_SCALE,    DPMIX_OPTION_AUGMENT_SHIFT,
    DPMIX_OPTION_AUGMENT_ELASTIC, DPMIX_OPTION_AUGMENT_MIRROR,   DPMIX_OPTION_AUGMENT_MIX,
};

enum { N_SAMPLING_OPTIONS = sizeof sampling_options / sizeof *sampling_options };

static double option(const struct dpmix_mixture *mixture, int key)
{
    return dpm_option_double(&mixture->generator->options, key);
}

static struct dpm_feature_amounts amounts_of(const struct dpmix_mixture *mixture)
{
    return (struct dpm_feature_amounts){
        .rotation = option(mixture, DPMIX_OPTION_AUGMENT_ROTATION),
        .shear = option(mixture, DPMIX_OPTION_AUGMENT_SHEAR),
        .scale = option(mixture, DPMIX_OPTION_AUGMENT_SCALE),
        .shift = option(mixture, DPMIX_OPTION_AUGMENT_SHIFT),
        .elastic = option(mixture, DPMIX_OPTION_AUGMENT_ELASTIC),
        .mirror = option(mixture, DPMIX_OPTION_AUGMENT_MIRROR),
        .mix = fmax(option(mixture, DPMIX_OPTION_AUGMENT_MIX), 0), /* by the rule without a teacher: none */
    };
}

/* The smallest images that the rule changes: of smaller ones the warps' pixels are too large a part. */
enum { LEAST_SIDE = 8 };

/* What classifiers of images learn most from, as found on a split of Fashion-MNIST's training images. */
static const double rule_fraction = 2.0 / 3, rule_mix = 0.5;

void dpm_mixture_settle_options(struct dpmix_mixture *mixture, size_t side)
{
    double *value = mixture->generator->options.value;
    int helps =
        value[DPMIX_OPTION_LABELS] != DPMIX_LABELS_MODEL && side >= LEAST_SIDE && side <= DPM_AUGMENT_SIDE;
    if (value[DPMIX_OPTION_AUGMENT_FRACTION] < 0)
        value[DPMIX_OPTION_AUGMENT_FRACTION] = helps ? rule_fraction : 0;
    if (value[DPMIX_OPTION_AUGMENT_MIX] < 0)
        value[DPMIX_OPTION_AUGMENT_MIX] = helps ? rule_mix : 0;
}

static size_t side_of(size_t n_columns)
{
    return (size_t)lround(sqrt((double)n_columns));
}

int dpm_mixture_check_options(const struct dpmix_mixture *mixture, size_t n_columns)
{
    size_t side = side_of(n_columns);
    if (option(mixture, DPMIX_OPTION_AUGMENT_FRACTION) > 0 &&
        (side * side != n_columns || side < 2 || side > DPM_AUGMENT_SIDE))
        return dpm_fail(DPMIX_ERR_UNSUPPORTED,
                        "augment_fraction: records are no square images of 2 to %d pixels a side",
                        DPM_AUGMENT_SIDE);
    return DPMIX_OK;
}

/* Whether any option asks for more than the models' own records and labels. */
static int changes_samples(const struct dpmix_mixture *mixture)
{
    return option(mixture, DPMIX_OPTION_AUGMENT_FRACTION) > 0 || option(mixture, DPMIX_OPTION_LABELS) != 0;
}

void dpm_mixture_put_options(const struct dpmix_mixture *mixture, struct dpm_blob *blob)
{
    for (int i = 0; i < N_SAMPLING_OPTIONS; i++)
        dpm_blob_put_f64(blob, option(mixture, sampling_options[i]));
}

void dpm_mixture_get_options(struct dpmix_mixture *mixture, struct dpm_blob *blob)
{
    double *value = mixture->generator->options.value;
    for (int i = 0; i < N_SAMPLING_OPTIONS; i++)
        value[sampling_options[i]] = dpm_blob_get_f64(blob);
    struct dpm_feature_amounts amounts = amounts_of(mixture);
    double labels = value[DPMIX_OPTION_LABELS], fraction = value[DPMIX_OPTION_AUGMENT_FRACTION];
    double mix = value[DPMIX_OPTION_AUGMENT_MIX];
    int known = labels == DPMIX_LABELS_RULE || labels == DPMIX_LABELS_MODEL || labels == DPMIX_LABELS_TEACHER;
    if (!known || !(fraction >= DPMIX_AUGMENT_RULE && fraction <= 1) || !(mix >= DPMIX_AUGMENT_RULE) ||
        dpm_feature_amounts_check(&amounts) != DPMIX_OK ||
        dpm_mixture_check_options(mixture, mixture->generator->bounds.n_columns) != DPMIX_OK)
        dpm_blob_reject(blob);
}

/* Whether labels are the teacher's, if it has any. */
static int asks_teacher(const struct dpmix_mixture *mixture)
{
    int labels = dpm_option_int(&mixture->generator->options, DPMIX_OPTION_LABELS);
    return labels == DPMIX_LABELS_TEACHER || (labels == DPMIX_LABELS_RULE && mixture->teacher);
}

int dpm_mixture_classes(const struct dpmix_mixture *mixture)
{
    if (!mixture->generator->fitted)
        return 0;
    int labelled = asks_teacher(mixture) ? mixture->teacher != NULL : dpm_mixture_has_own_labels(mixture);
    return labelled ? mixture->generator->n_classes : 0;
}

/* ---- Drawing ---- */

/* Records with the probabilities of their classes, or NULL. */
typedef void visit_fn(void *user, const struct dpm_records *records, const float *probabilities);

/* Records on their way from the models to whoever asked for them, a run of a chunk at a time. */
struct stage {
    const struct dpmix_mixture *mixture;
    size_t n_columns, n_classes;
    int with_labels, by_teacher;
    double fraction; /* of the records that are changed */
    size_t side;
    struct dpm_feature_amounts amounts;
    uint8_t key[DPM_KEY_SIZE]; /* of the changes */
    uint8_t partner_key[DPM_KEY_SIZE];
    struct dpm_chunk *partner_chunk;
    uint64_t next; /* number of the next record */
    struct dpm_pool *pool;
    size_t n; /* records in `rows` */
    float *rows, *partners, *probabilities, *augment_scratch, *teacher_scratch;
    int32_t *labels;
    visit_fn *visit;
    void *user;
};

static void close_stage(struct stage *stage)
{
    dpm_pool_free(stage->pool);
    dpm_chunk_free(stage->partner_chunk);
    dpm_free(stage->rows);
    dpm_free(stage->partners);
    dpm_free(stage->probabilities);
    dpm_free(stage->augment_scratch);
    dpm_free(stage->teacher_scratch);
    dpm_free(stage->labels);
}

static int set_augmentation(struct stage *stage)
{
    stage->side = side_of(stage->n_columns);
    stage->amounts = amounts_of(stage->mixture);
    if (stage->amounts.mix > 0 && stage->with_labels && !stage->by_teacher)
        return dpm_fail(DPMIX_ERR_UNSUPPORTED, "augment_mix: mixed records need the labels of a teacher");
    return dpm_feature_amounts_check(&stage->amounts);
}

static int open_stage(struct stage *stage, const struct dpmix_mixture *mixture, int with_labels,
                      uint64_t seed)
{
    size_t n = DPM_SAMPLE_CHUNK;
    *stage = (struct stage){
        .mixture = mixture,
        .n_columns = mixture->generator->bounds.n_columns,
        .n_classes = (size_t)mixture->generator->n_classes,
        .with_labels = with_labels,
        .by_teacher = asks_teacher(mixture),
        .fraction = option(mixture, DPMIX_OPTION_AUGMENT_FRACTION),
    };
    if (stage->by_teacher && with_labels && !mixture->teacher)
        return dpm_fail(DPMIX_ERR_UNSUPPORTED, "labels: the mixture has no teacher to give them");
    int status = stage->fraction > 0 ? set_augmentation(stage) : DPMIX_OK;
    if (status)
        return status;
    uint8_t base[DPM_KEY_SIZE], other[DPM_KEY_SIZE];
    uint64_t partner_seed;
    dpm_random_seed(base, seed);
    dpm_random_derive(stage->key, base, 1);
    dpm_random_derive(other, base, 2);
    memcpy(&partner_seed, other, sizeof partner_seed);
    dpm_random_seed(stage->partner_key, partner_seed);
    stage->rows = dpm_alloc(n, stage->n_columns * sizeof(float));
    stage->partners = dpm_alloc(stage->amounts.mix > 0 ? n : 0, stage->n_columns * sizeof(float));
    stage->labels = dpm_alloc(n, sizeof(int32_t));
    stage->probabilities = dpm_alloc(n, stage->n_classes * sizeof(float));
    stage->augment_scratch =
        dpm_alloc(stage->side > 0 ? dpm_feature_augment_scratch(stage->side) : 0, sizeof(float));
    if (!stage->rows || !stage->partners || !stage->labels || !stage->probabilities ||
        !stage->augment_scratch)
        return DPMIX_ERR_NOMEM;
    if (stage->amounts.mix > 0)
        status = dpm_chunk_new(&stage->partner_chunk, mixture->generator);
    if (status)
        return status;
    if (!stage->by_teacher || !with_labels)
        return DPMIX_OK;
    status = dpm_pool_new(&stage->pool, dpm_option_int(&mixture->generator->options, DPMIX_OPTION_THREADS));
    if (status)
        return status;
    size_t threads = (size_t)dpm_pool_threads(stage->pool);
    stage->teacher_scratch = dpm_alloc(threads, dpm_teacher_scratch(mixture->teacher) * sizeof(float));
    return stage->teacher_scratch ? DPMIX_OK : DPMIX_ERR_NOMEM;
}

static float clamped(float value)
{
    return value > 0 ? (value < 1 ? value : 1) : 0; /* NaN becomes 0, as in declared units */
}

static void clamp_copy(float *out, const float *rows, size_t n)
{
    for (size_t i = 0; i < n; i++)
        out[i] = clamped(rows[i]);
}

/* A dpm_records_fn: partners of the stage's records. */
static void take_partners(void *user, const struct dpm_records *records)
{
    struct stage *stage = user;
    clamp_copy(stage->partners + stage->n * stage->n_columns, records->rows, records->n * stage->n_columns);
    stage->n += records->n;
}

/* Record number i is changed or not by a stream of its own. Partners are the records of the same numbers in
 * another sequence. */
static void augment(struct stage *stage, size_t n)
{
    if (stage->amounts.mix > 0) {
        stage->n = 0;
        dpm_chunk_draw(stage->partner_chunk, stage->mixture->generator, dpm_mixture_weights(stage->mixture),
                       0, stage->next, n, stage->partner_key, take_partners, stage);
    }
    for (size_t i = 0; i < n; i++) {
        struct dpm_stream stream;
        uint64_t number = stage->next + i;
        dpm_stream_open(&stream, stage->key, DPM_STREAM_AUGMENT, 0, number);
        int changed = dpm_stream_uniform(&stream) < stage->fraction;
        dpm_stream_wipe(&stream);
        if (changed)
            dpm_feature_augment(stage->rows + i * stage->n_columns, 1, stage->side, &stage->amounts,
                                stage->amounts.mix > 0 ? stage->partners + i * stage->n_columns : NULL,
                                stage->key, DPM_STREAM_AUGMENT, 1, number, stage->augment_scratch);
    }
}

/* A dpm_task_fn */
static void predict(void *context, size_t task, int worker)
{
    struct stage *stage = context;
    const struct dpm_teacher *teacher = stage->mixture->teacher;
    size_t first = task * DPM_TEACHER_ROWS, left = stage->n - first;
    size_t n = left < DPM_TEACHER_ROWS ? left : DPM_TEACHER_ROWS;
    float *probabilities = stage->probabilities + first * stage->n_classes;
    dpm_teacher_predict(teacher, probabilities, stage->rows + first * stage->n_columns, n,
                        stage->teacher_scratch + (size_t)worker * dpm_teacher_scratch(teacher));
    for (size_t i = 0; i < n; i++)
        stage->labels[first + i] =
            dpm_teacher_label(probabilities + i * stage->n_classes, teacher->n_classes);
}

static void take_own_labels(struct stage *stage, const struct dpm_records *records)
{
    int by_part = dpm_mixture_parts_are_labels(stage->mixture);
    memcpy(stage->labels, by_part ? records->parts : records->labels, records->n * sizeof *stage->labels);
    memset(stage->probabilities, 0, records->n * stage->n_classes * sizeof(float));
    for (size_t i = 0; i < records->n; i++)
        stage->probabilities[i * stage->n_classes + (size_t)stage->labels[i]] = 1;
}

/* A dpm_records_fn */
static void pass_on(void *user, const struct dpm_records *records)
{
    struct stage *stage = user;
    clamp_copy(stage->rows, records->rows, records->n * stage->n_columns);
    if (stage->fraction > 0)
        augment(stage, records->n);
    stage->n = records->n;
    if (stage->with_labels && stage->by_teacher)
        dpm_pool_run(stage->pool, (stage->n + DPM_TEACHER_ROWS - 1) / DPM_TEACHER_ROWS, predict, stage);
    else if (stage->with_labels)
        take_own_labels(stage, records);
    struct dpm_records made = *records;
    made.rows = stage->rows;
    made.labels = stage->with_labels ? stage->labels : NULL;
    stage->visit(stage->user, &made, stage->with_labels ? stage->probabilities : NULL);
    stage->next += records->n;
}

static int draw(const struct dpmix_mixture *mixture, int with_labels, uint64_t first, uint64_t n,
                const uint64_t *seed, visit_fn *visit, void *user)
{
    struct stage stage;
    uint8_t fresh[DPM_KEY_SIZE];
    uint64_t own;
    int status = seed ? DPMIX_OK : dpm_random_key(fresh);
    if (status)
        return status;
    memcpy(&own, seed ? (const void *)seed : fresh, sizeof own);
    status = open_stage(&stage, mixture, with_labels, own);
    stage.next = first;
    stage.visit = visit;
    stage.user = user;
    int own_labels = with_labels && !stage.by_teacher && !dpm_mixture_parts_are_labels(mixture);
    if (!status)
        status = dpm_generator_draw(mixture->generator, dpm_mixture_weights(mixture), own_labels, first, n,
                                    &own, pass_on, &stage);
    close_stage(&stage);
    return status;
}

/* ---- What the records are for ---- */

/* Where a sample goes; it moves on with every run. */
struct output {
    const struct dpm_bounds *bounds;
    int type; /* of *rows */
    void *rows;
    int32_t *labels;
    float *probabilities;
    size_t n_classes, done;
};

static void write_records(void *user, const struct dpm_records *records, const float *probabilities)
{
    struct output *out = user;
    size_t n = records->n, classes = out->n_classes;
    dpm_bounds_restore_rows(out->bounds, records->rows, n, out->type, out->rows, out->done);
    if (out->labels)
        memcpy(out->labels + out->done, records->labels, n * sizeof *out->labels);
    if (out->probabilities)
        memcpy(out->probabilities + out->done * classes, probabilities, n * classes * sizeof *probabilities);
    out->done += n;
}

int dpm_mixture_sample(const struct dpmix_mixture *mixture, int type, void *rows, int32_t *labels,
                       float *probabilities, uint64_t first, size_t n, const uint64_t *seed)
{
    int by_part = dpm_mixture_parts_are_labels(mixture);
    if (!mixture->teacher && !changes_samples(mixture) && !probabilities)
        return dpm_generator_sample(mixture->generator, dpm_mixture_weights(mixture), type, rows,
                                    by_part ? NULL : labels, by_part ? labels : NULL, first, n, seed);
    struct output out = {.bounds = &mixture->generator->bounds,
                         .type = type,
                         .rows = rows,
                         .labels = labels,
                         .probabilities = probabilities,
                         .n_classes = (size_t)mixture->generator->n_classes};
    return draw(mixture, labels || probabilities, first, n, seed, write_records, &out);
}

struct counting {
    const struct dpmix_mixture *mixture;
    const uint64_t *seed;
    dpm_records_fn *visit;
    void *user;
};

static void count_records(void *user, const struct dpm_records *records, const float *probabilities)
{
    const struct counting *counting = user;
    (void)probabilities;
    counting->visit(counting->user, records);
}

static int draw_counted(void *context, int with_labels, uint64_t n, dpm_records_fn *visit, void *user)
{
    struct counting *counting = context;
    counting->visit = visit;
    counting->user = user;
    return draw(counting->mixture, with_labels, 0, n, counting->seed, count_records, counting);
}

int dpm_mixture_count(const struct dpmix_mixture *mixture, double *fractions,
                      const struct dpm_count_queries *queries, uint64_t n_samples, const uint64_t *seed)
{
    struct counting counting = {.mixture = mixture, .seed = seed};
    return dpm_count_records(fractions, &mixture->generator->bounds, dpm_mixture_classes(mixture) > 0,
                             queries, n_samples, draw_counted, &counting);
}

/* ---- The records that a teacher starts from ---- */

static void keep_records(void *user, const struct dpm_records *records)
{
    struct dpm_drawn *drawn = user;
    size_t columns = drawn->n_columns;
    clamp_copy(drawn->rows + drawn->n * columns, records->rows, records->n * columns);
    if (drawn->labels)
        memcpy(drawn->labels + drawn->n, drawn->by_part ? records->parts : records->labels,
               records->n * sizeof *drawn->labels);
    drawn->n += records->n;
}

int dpm_mixture_draw_own(struct dpm_drawn *drawn, const struct dpmix_mixture *mixture, size_t n)
{
    int labelled = dpm_mixture_has_own_labels(mixture);
    *drawn = (struct dpm_drawn){
        .n_columns = mixture->generator->bounds.n_columns,
        .by_part = dpm_mixture_parts_are_labels(mixture),
        .rows = dpm_alloc(n, mixture->generator->bounds.n_columns * sizeof(float)),
        .labels = labelled ? dpm_alloc(n, sizeof(int32_t)) : NULL,
    };
    if (!drawn->rows || (labelled && !drawn->labels))
        return DPMIX_ERR_NOMEM;
    return dpm_generator_draw(mixture->generator, dpm_mixture_weights(mixture), labelled && !drawn->by_part,
                              0, n, &own_seed, keep_records, drawn);
}

void dpm_drawn_free(struct dpm_drawn *drawn)
{
    dpm_free(drawn->rows);
    dpm_free(drawn->labels);
}
