/* SPDX-License-Identifier: BSD-3-Clause */
/* The door of the vault: all that the other rooms see of the private rows.
 *
 * A learner has one way to the data. It plans its queries, has their noise calibrated, opens a release (which
 * debits the whole plan, before a row is read) and runs the queries. A query is a noisy, Poisson-subsampled
 * sum of clipped contributions of rows; doc/privacy.md has the statement and the proof. */
#ifndef DPM_PRIVACY_H
#define DPM_PRIVACY_H

#include "base_bounds.h"

#include <dpmix/options.h>

#include <stddef.h>
#include <stdint.h>

struct dpmix_accountant;

/* ---- The data set ---- */

struct dpmix_dataset; /* reference-counted */

struct dpm_dataset_source {
    int type;         /* DPM_TYPE_* */
    const void *rows; /* n_rows x n_columns */
    size_t n_rows, n_columns;
    const int32_t *labels; /* or NULL */
    int n_classes;
    const double *lower, *upper;
    size_t n_bounds;
    /* Gives rows and labels back when the data set ends, where it does not copy them; NULL: they are copied.
     */
    void (*release)(void *rows, void *labels);
};

int dpm_dataset_new(struct dpmix_dataset **out, const struct dpm_dataset_source *source);
struct dpmix_dataset *dpm_dataset_ref(struct dpmix_dataset *dataset);
void dpm_dataset_unref(struct dpmix_dataset *dataset); /* NULL is fine */
size_t dpm_dataset_columns(const struct dpmix_dataset *dataset);
int dpm_dataset_classes(const struct dpmix_dataset *dataset);
const struct dpm_bounds *dpm_dataset_bounds(const struct dpmix_dataset *dataset);

/* dpm_bounds_set_groups(), as long as nothing was debited for the data set: DPMIX_ERR_STATE afterwards. */
int dpm_dataset_set_groups(struct dpmix_dataset *dataset, const int32_t *groups, size_t n_columns);

/* dpm_bounds_set_images(), likewise. */
int dpm_dataset_set_images(struct dpmix_dataset *dataset, size_t side);

/* ---- The query ---- */

/* A contribution is `n_matrices` matrices, each the sum of `rank` outer products left x right'. */
struct dpm_query_matrix {
    size_t rows, columns;
    int rank;
};

enum { DPM_QUERY_MATRICES = 16 };

/* The law of a query's noise. Geometric noise of scale t, P(k) in proportion to exp(-|k| / t), is for counts:
 * every row takes part (sampling rate 1), ranks and clip norm are 1, and a row's contribution is zero, or 1
 * or -1 in one place; any other counts as zero. */
enum { DPM_NOISE_GAUSSIAN = 0, DPM_NOISE_GEOMETRIC = 1 };

/* A public map of rows into `width` other numbers each, for queries that would compute them anew at every
 * run. It is pure in the sense of dpm_block_fn: row i of `out` is a function of the model and of row i alone,
 * the same bits whatever other rows the call holds, and it keeps nothing. So a mapped row stands for its row,
 * and a contribution that is pure in the one is pure in the other. A call has at most DPM_MAP_ROWS rows, and
 * `scratch` floats of working memory whatever their number. */
enum { DPM_MAP_ROWS = 64 };
typedef void dpm_map_fn(const void *model, float *out, const float *rows, size_t n, size_t n_columns,
                        float *scratch);
struct dpm_map {
    size_t width;
    dpm_map_fn *map;
    const void *model;
    size_t scratch;
};

struct dpm_query_plan {
    int n_matrices;
    struct dpm_query_matrix matrix[DPM_QUERY_MATRICES];
    int per_part;              /* 1: a sum for each part of the partition; 0: one sum over all rows */
    int noise;                 /* DPM_NOISE_* */
    double clip_norm;          /* C: of the whole contribution, all matrices together */
    double norm_indicator;     /* t in [2^-10, 1]: sums end with one more number, see below; 0: they do not */
    double cancellation;       /* kappa >= 1: the |left||right| of a contribution add up to kappa C at most */
    double sampling_rate;      /* q in (0, 1]; 1: every row */
    uint64_t steps;            /* how often the query may run */
    double noise_multiplier;   /* deviation over sensitivity, or t; relative until it is calibrated */
    size_t normals;            /* independent standard normals lent with each row of a block */
    size_t scratch;            /* floats of working memory lent for each row of a block */
    const struct dpm_map *map; /* blocks lend rows as it maps them; NULL: as they are. It must outlive the
                                  release, and all plans of one that have a map have the same */
    int in_words;              /* the query is one in words, see below */
};

/* A block: at most dpm_query_block_rows() rows, all of one part when the query is per part. */
struct dpm_block {
    size_t n_rows, n_columns;
    const float *rows;     /* n_rows x n_columns, normalised to [0, 1]; or what the plan's map made of them */
    const int32_t *labels; /* n_rows, or NULL */
    const int32_t *parts;  /* n_rows */
    const float *normals;  /* n_rows x plan->normals */
    float *scratch;        /* n_rows x plan->scratch, not cleared */
};

/* Writes the factors of each row's contribution. left[l] is (n_rows rank) x rows and right[l] is
 * (n_rows rank) x columns of matrix l, row-major, row i's r-th pair at line i * rank + r.
 *
 * It must be pure: row i's factors are a function of the model and of row i (with its label, part and
 * normals) alone, the same bits whatever other rows the block holds. It writes nothing but left, right and
 * scratch, and keeps nothing. */
typedef void dpm_block_fn(const void *model, const struct dpm_block *block, float *const *left,
                          float *const *right);

/* ---- The query in words ---- */

/* A quicker form for rows of bytes that are contributions themselves. With b the bytes of a row and o an
 * origin in sixteenths of a byte's step, d = 16 b - o are whole numbers ("words"), and the contribution is
 *
 *     one-hot(place) x (factor d, last)      where the plan's only matrix has a column more than the rows,
 *     one-hot(place) x last                  where it has one column.
 *
 * The vault knows |d|^2 exactly, clips, and adds. Such a plan has one matrix of rank 1, Gaussian noise, no
 * map, normals or norm indicator. */
struct dpm_words {
    size_t n_rows, step;    /* DPM_WORDS_ROWS rows at most, and there is room for as many */
    const int16_t *rows;    /* step numbers for each, zero beyond the columns; see linalg_words.h */
    const int64_t *squares; /* |d|^2 */
    float *scratch;         /* DPM_WORDS_ROWS x plan->scratch, not cleared */
};

/* Writes each row's place, a line of the matrix, and its factor. Pure as dpm_block_fn. */
typedef void dpm_place_fn(const void *model, const struct dpm_words *words, int32_t *places, float *factors);

struct dpm_word_query {
    const int16_t *origin; /* for every column, in [0, DPM_WORDS_LARGEST]; a function of released numbers */
    float last;
    dpm_place_fn *place;
    const void *model;
};

/* Whether the rows can be had in words: they are bytes, the columns are at most DPM_WORDS_COLUMNS and have
 * the same bounds, and no byte lies outside of them. Public: type and bounds are declared. */
int dpm_dataset_has_words(const struct dpmix_dataset *dataset);

/* ---- What follows from a plan ---- */

/* Number of rows that a block of this plan can hold. */
size_t dpm_query_block_rows(const struct dpm_query_plan *plan);

/* Largest change, in the Euclidean norm, that one row can make to the sums: clip norm and proven slack. For
 * geometric noise it is 1, also as a sum of absolute values: there is no slack. */
double dpm_query_sensitivity(const struct dpm_query_plan *plan);

/* Standard deviation of the noise on each number of the sums. */
double dpm_query_noise(const struct dpm_query_plan *plan);

/* Numbers in one sum: the sizes of the matrices added up, and one more with a norm indicator. */
size_t dpm_query_size(const struct dpm_query_plan *plan);

/* With a norm indicator every selected row adds one more number to the end of its sum: u = about C t where
 * its contribution was at most C long before it was clipped, -u where it was longer or not finite. It is part
 * of the same contribution, so the query's sensitivity holds it. This is u. */
double dpm_query_indicator(const struct dpm_query_plan *plan);

/* Scales the relative noise multipliers of the plans by the smallest common factor such that all of them
 * together spend `share` of the epsilon that is left. */
int dpm_query_calibrate(const struct dpmix_accountant *accountant, double share, struct dpm_query_plan *plans,
                        size_t n);

/* What `share` of the epsilon that is left is worth in one release of every row with Gaussian noise:
 * sensitivity over deviation, mu of Gaussian differential privacy. It is a function of budget and ledger. */
int dpm_query_worth(const struct dpmix_accountant *accountant, double share, double *mu);

/* ---- The release ---- */

/* Bytes that a release holds for drawing from so many rows: from two million on the same for any number. */
size_t dpm_release_draw_bytes(size_t n_rows);

/* A partition of the rows by released numbers and the row alone. `assign` writes part numbers in [0,
 * n_parts); it is pure in the sense of dpm_block_fn, and has n x `scratch` floats of working memory. */
typedef void dpm_assign_fn(const void *model, int32_t *parts, const float *rows, const int32_t *labels,
                           size_t n, size_t n_columns, float *scratch);
struct dpm_partition {
    int n_parts;
    dpm_assign_fn *assign;
    const void *model;
    size_t scratch;
};

struct dpm_release;

/* Allocates all that the queries need, then debits all plans as one entry called `purpose`, then, where there
 * is a partition, finds each row's part, and where plans have a map, maps each row, once; the mapped rows
 * stay in the release, and are wiped when it closes. partition NULL: all rows are one part. threads: 0 is one
 * per processor. DPMIX_ERR_BUDGET: nothing was read. */
int dpm_release_open(struct dpm_release **out, struct dpmix_accountant *accountant,
                     struct dpmix_dataset *dataset, const char *purpose, const struct dpm_query_plan *plans,
                     size_t n_plans, const struct dpm_partition *partition, int threads);

/* What lets a release go on in another process. Nothing of it is secret: the release's key is nowhere but in
 * its memory, and a resumed release draws a new one. */
enum { DPM_RESUMABLE_NAME = 16 };
struct dpm_resumable {
    uint8_t name[DPM_RESUMABLE_NAME]; /* random; dpm_resumable_new draws it */
    uint64_t number; /* of the release in its data set, for test mode alone; set by the first opening */
    uint64_t stride; /* at least 1: so many queries at a time are marked in the ledger as begun */
    int resumed;     /* 0: the first opening; 1: the ledger has the debit */
    uint64_t done;   /* queries whose results the caller has; the release goes on behind them */
};

/* A name for a release to come. DPMIX_ERR_INTERNAL when there are no random bits to be had. */
int dpm_resumable_new(struct dpm_resumable *resumable, uint64_t stride);

/* dpm_release_open for a release that can be resumed, or, with the plans of the first opening, for one that
 * is. Its queries are numbered in the order of the plans, and should come in that order. Before a query reads
 * a row, the ledger says on the disk that it may have begun; a query is refused with DPMIX_ERR_STATE when
 * another process has resumed the release. To resume debits anew what may have begun behind resumable->done
 * (in a ledger in memory: all), and fails as dpm_accountant_resume_run does. */
int dpm_release_open_resumable(struct dpm_release **out, struct dpmix_accountant *accountant,
                               struct dpmix_dataset *dataset, const char *purpose,
                               const struct dpm_query_plan *plans, size_t n_plans,
                               const struct dpm_partition *partition, int threads,
                               struct dpm_resumable *resumable);

/* Whether a resumable release is still this process's: DPMIX_ERR_STATE when another one has resumed it. It
 * marks the next queries, too. */
int dpm_release_confirm(struct dpm_release *release);

/* One run of plan number `plan`: sums gets (parts or 1) x dpm_query_size() numbers, matrix after matrix,
 * noise included. DPMIX_ERR_STATE beyond the planned steps. Not from several threads at once. */
int dpm_release_query(struct dpm_release *release, size_t plan, dpm_block_fn *contribution, const void *model,
                      double *sums);

/* The same for a plan in words. */
int dpm_release_query_words(struct dpm_release *release, size_t plan, const struct dpm_word_query *query,
                            double *sums);

/* Another clip norm, brought into [2^-20, 2^20], for the further runs of a plan that has a norm indicator: a
 * function of released and public numbers. Sensitivity, grid and noise follow it; the noise multiplier, which
 * is what was debited, stays. */
void dpm_release_set_clip(struct dpm_release *release, size_t plan, double clip_norm);

/* The plan as it stands. */
const struct dpm_query_plan *dpm_release_plan(const struct dpm_release *release, size_t plan);

/* A key for the public randomness of the fit (starting values, random frequencies). It is derived one way
 * from the release's own key, so it tells nothing about the noise. */
void dpm_release_public_key(const struct dpm_release *release, uint8_t key[32]);

/* The accountant's ledger as JSON, as it was with this release's debit: for the model. It was made before the
 * debit counted. The caller frees with dpm_free; NULL when it was taken before. */
char *dpm_release_take_ledger(struct dpm_release *release);

/* Wipes and frees; NULL is fine. */
void dpm_release_close(struct dpm_release *release);

/* ---- A fit ---- */

/* What every learner's fit is given. */
struct dpm_fit {
    struct dpmix_accountant *accountant;
    struct dpmix_dataset *dataset;
    double share; /* of the epsilon that is left, in (0, 1] */
    dpmix_progress_fn progress;
    void *user;
    const struct dpm_partition *partition; /* NULL: one part */
    int threads;
    struct dpm_checkpoint *checkpoint; /* generator_checkpoint.h; NULL: none */
};

/* Tells the caller; DPMIX_ERR_CANCELLED when it asks to stop. */
int dpm_fit_progress(const struct dpm_fit *fit, int phase, uint64_t done, uint64_t total);

#endif
